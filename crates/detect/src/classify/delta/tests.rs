//! Learning here, taking it back, and the limits of both.

use super::*;

fn evidence(text: &str) -> Evidence {
    Evidence::of_text("About the order", text)
}

fn digest(number: u32) -> Digest {
    let mut digest = [0; 16];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    digest
}

const UNWANTED: &str = "Our catalogue of garden furniture is out, order this week and save; teak, oak and steel, delivered free.";
const WANTED: &str = "The minutes of the works council are attached; please send corrections to me before Thursday noon.";

fn taught(delta: &mut Delta, number: u32, reporter: u32, label: Label, text: &str) -> Learned {
    taught_from(delta, (number, reporter), label, text, -2.0)
}

/// As [`taught`], where the model thinks so much of it.
fn taught_from(delta: &mut Delta, (number, reporter): (u32, u32), label: Label, text: &str, spam_log_odds: f32) -> Learned {
    let evidence = evidence(text);
    let before = Scores { spam_log_odds, phish_log_odds: -6.0, bulk_log_odds: -3.0 };
    delta.learn(&Lesson { message: digest(number), reporter: digest(reporter), label, evidence: &evidence, before })
}

fn moved(delta: &Delta, text: &str) -> f32 {
    delta.score(&Sketch::of(&evidence(text))).spam_log_odds
}

#[test]
fn a_report_moves_its_like_and_leaves_the_rest() {
    let mut delta = Delta::new(Limits::ORGANISATION);
    assert_eq!(moved(&delta, UNWANTED), 0.0);
    assert_eq!(taught(&mut delta, 1, 1, Label::Spam, UNWANTED), Learned::New);
    assert!(moved(&delta, UNWANTED) > 4.0, "from 12 % to over 88 %: {}", moved(&delta, UNWANTED));
    let copy = UNWANTED.replace("this week", "before Sunday");
    assert!(moved(&delta, &copy) > 2.5, "a copy with other words: {}", moved(&delta, &copy));
    assert!(moved(&delta, WANTED).abs() < 1.0, "other mail: {}", moved(&delta, WANTED));
    taught(&mut delta, 2, 1, Label::Phish, "Your mailbox is full, sign in here to keep your messages");
    let phish = delta.score(&Sketch::of(&evidence("Your mailbox is full, sign in here to keep your messages")));
    assert!(phish.phish_log_odds > 5.0 && phish.spam_log_odds > 3.0, "{phish:?}");
}

#[test]
fn many_reports_of_one_side_do_not_condemn_everything() {
    let mut delta = Delta::new(Limits::PERSON);
    for at in 0..150 {
        taught(&mut delta, at, 1, Label::Spam, &format!("{UNWANTED} Offer {at} of warehouse {}, colour {}.", at * 7, at % 13));
    }
    assert!(moved(&delta, UNWANTED) > 3.0);
    assert!(moved(&delta, WANTED).abs() < 1.5, "{}", moved(&delta, WANTED));
}

/// Mail of one place: every mail ends as all do there.
fn of_the_place(text: &str, at: u32) -> String {
    format!(
        "{text} Number {at}. Sent by the office of the Garden Suburb Society, Elm Road, open on weekdays from nine to five, post box 12."
    )
}

fn usual(at: u32, text: &str, spam_log_odds: f32) -> Usual {
    let before = Scores { spam_log_odds, phish_log_odds: -6.0, bulk_log_odds: -3.0 };
    Usual::of(&Reading { message: digest(10_000 + at), evidence: evidence(text), before })
}

#[test]
fn what_nobody_complains_of_stays_where_it_is() {
    const LETTERS: [&str; 4] = [
        WANTED,
        "The key of the shed hangs behind the door again.",
        "Who has a ladder for Saturday?",
        "Thank you for the cake, it was excellent.",
    ];
    let letter = |at: u32| of_the_place(LETTERS[at as usize % 4], at);
    let after = |pool: &[Usual]| {
        let mut delta = Delta::new(Limits::ORGANISATION);
        for at in 0..60 {
            delta.show(pool);
            taught(&mut delta, at, at % 20, Label::Spam, &of_the_place(UNWANTED, at));
        }
        delta
    };
    let (alone, shown) = (after(&[]), after(&(0..100).map(|at| usual(at, &letter(at), -2.0)).collect::<Vec<_>>()));
    let (before, now) = (moved(&alone, &letter(777)), moved(&shown, &letter(777)));
    assert!(before > 1.2, "or this shows nothing: {before}");
    assert!(now.abs() < before / 3.0, "a letter of the place: {before}, {now}");
    assert!(moved(&shown, &of_the_place(UNWANTED, 777)) > 3.0, "what is reported: {}", moved(&shown, &of_the_place(UNWANTED, 777)));
    assert_eq!(moved(&shown.clone().without_usual(), UNWANTED), moved(&shown, UNWANTED), "judging needs none of it");
}

#[test]
fn what_is_held_as_junk_and_nobody_asks_for_stays_there() {
    let offer = |at: u32| of_the_place(UNWANTED, at);
    let after = |pool: &[Usual]| {
        let mut delta = Delta::new(Limits::ORGANISATION);
        for at in 0..60 {
            delta.show(pool);
            taught_from(&mut delta, (at, at % 20), Label::Ham, &of_the_place(WANTED, at), 3.0);
        }
        moved(&delta, &offer(777))
    };
    let (alone, shown) = (after(&[]), after(&(0..100).map(|at| usual(at, &offer(at), 3.0)).collect::<Vec<_>>()));
    assert!(alone < -1.2 && shown.abs() < -alone / 3.0, "{alone}, {shown}");
}

#[test]
fn a_campaign_that_few_report_does_not_stand_up_for_itself() {
    let mut delta = Delta::new(Limits::ORGANISATION);
    for at in 0..5 {
        delta.show(&(0..200).map(|at| usual(at, &of_the_place(UNWANTED, 1_000 + at), -2.0)).collect::<Vec<_>>());
        taught(&mut delta, at, at, Label::Spam, &of_the_place(UNWANTED, at));
    }
    assert!(moved(&delta, &of_the_place(UNWANTED, 777)) > 4.0, "{}", moved(&delta, &of_the_place(UNWANTED, 777)));
}

#[test]
fn a_message_counts_once_and_the_later_word_holds() {
    let mut delta = Delta::new(Limits::ORGANISATION);
    taught(&mut delta, 1, 1, Label::Spam, UNWANTED);
    let once = delta.clone();
    assert_eq!(taught(&mut delta, 1, 1, Label::Spam, UNWANTED), Learned::Known);
    assert!(delta == once);
    assert_eq!(taught(&mut delta, 1, 2, Label::Spam, UNWANTED), Learned::Added, "another says so too");
    assert!(delta.len() == 1 && delta.taught.weights == once.taught.weights, "and it counts once");
    assert_eq!(taught(&mut delta, 1, 2, Label::Ham, UNWANTED), Learned::Added);
    assert!(moved(&delta, UNWANTED) < 0.0 && delta.len() == 1, "one against one: the later word");
    assert_eq!(taught(&mut delta, 1, 3, Label::Spam, UNWANTED), Learned::Added);
    assert!(moved(&delta, UNWANTED) > 4.0, "two against one");
    for reporter in 10..40 {
        taught(&mut delta, 1, reporter, Label::Spam, UNWANTED);
    }
    assert_eq!(delta.reports[&digest(1)].words.len(), WORDS_MAX);
}

#[test]
fn taking_back_leaves_what_would_have_been() {
    let text = |at: u32| match (at % 5, at % 2) {
        (3, _) => format!("Invoices of any amount for sale, call {at} now, ask for {}", at * 31),
        (_, 0) => format!("{UNWANTED} number {at}"),
        _ => format!("{WANTED} number {at}"),
    };
    let label = |at: u32| if at % 5 == 3 || at.is_multiple_of(2) { Label::Spam } else { Label::Ham };
    let (mut with, mut without) = (Delta::new(Limits::ORGANISATION), Delta::new(Limits::ORGANISATION));
    for at in 0..40 {
        taught(&mut with, at, at % 5, label(at), &text(at));
    }
    for at in (0..40).rev().filter(|at| at % 5 != 3) {
        taught(&mut without, at, at % 5, label(at), &text(at));
    }
    assert!(with.taught != without.taught);
    let three = digest(3);
    assert!(with.unlearn(&digest(3), &three) && !with.unlearn(&digest(3), &three) && !with.unlearn(&digest(99), &three));
    assert!(!with.unlearn(&digest(8), &digest(4)), "what another said is not his to take back");
    assert_eq!(with.unlearn_reporter(&three), 7, "the other seven of that reporter");
    assert!(with.taught == without.taught, "to the last bit, whatever the order");
    let before = moved(&without, UNWANTED);
    taught(&mut with, 0, 77, Label::Ham, &text(0));
    assert!(moved(&with, UNWANTED) != before);
    assert!(with.unlearn(&digest(0), &digest(77)) && with.taught == without.taught, "the word before stands again");
    assert!(with.unlearn(&digest(0), &digest(0)) && moved(&with, UNWANTED) != before);
}

/// Forty people with three reports each, right but for those `is_wrong` names.
fn crowd(is_wrong: impl Fn(u32) -> bool) -> Delta {
    let mut delta = Delta::new(Limits::ORGANISATION);
    for at in 0..120u32 {
        let is_junk = at.is_multiple_of(2);
        let text = if is_junk { format!("{UNWANTED} Warehouse {at}.") } else { format!("{WANTED} Room {at}.") };
        // The model knows these kinds of mail well enough.
        let spam_log_odds = if is_junk { 2.0 } else { -2.0 };
        let before = Scores { spam_log_odds, phish_log_odds: -6.0, bulk_log_odds: -3.0 };
        let label = if is_junk != is_wrong(at) { Label::Spam } else { Label::Ham };
        delta.learn(&Lesson { message: digest(at), reporter: digest(1_000 + at % 40), label, evidence: &evidence(&text), before });
    }
    delta
}

#[test]
fn a_slip_among_many_is_held_back_and_counts_once_others_agree() {
    let honest = crowd(|_| false);
    assert!((0..120).all(|at| !honest.is_held_back(&digest(at))), "nothing to doubt");
    let mut delta = crowd(|at| at % 40 == 7);
    for at in 0..120 {
        assert_eq!(delta.is_held_back(&digest(at)), at % 40 == 7, "{at}");
    }
    let (wanted, right) = (moved(&delta, WANTED), moved(&honest, WANTED));
    assert!((wanted - right).abs() < 0.5, "three of a hundred and twenty change little: {wanted}, {right}");
    taught(&mut delta, 7, 2_000, Label::Spam, &format!("{WANTED} Room 7."));
    assert!(!delta.is_held_back(&digest(7)), "a second person says so too");
}

#[test]
fn nobody_vouches_for_himself_and_one_against_all_is_not_believed() {
    let mut delta = crowd(|_| false);
    for at in 0..30 {
        taught(&mut delta, 500 + at, 9, Label::Spam, &format!("{WANTED} Hall {at}."));
    }
    let held = (500..530).filter(|at| delta.is_held_back(&digest(*at))).count();
    assert!(held >= 28, "thirty reports of one person against what everybody else says: {held}");
    assert!(moved(&delta, WANTED) < 1.0, "{}", moved(&delta, WANTED));
}

#[test]
fn who_only_reports_mistakes_is_believed() {
    let mut delta = Delta::new(Limits::ORGANISATION);
    for at in 0..150u32 {
        let (label, text) = match at % 2 {
            0 => (Label::Spam, format!("{UNWANTED} Warehouse {at}.")),
            _ => (Label::Ham, format!("{WANTED} Room {at}.")),
        };
        let spam_log_odds = if label == Label::Spam { -3.0 } else { 3.0 };
        let before = Scores { spam_log_odds, phish_log_odds: -6.0, bulk_log_odds: -3.0 };
        delta.learn(&Lesson { message: digest(at), reporter: digest(at % 30), label, evidence: &evidence(&text), before });
    }
    assert!((0..150).all(|at| !delta.is_held_back(&digest(at))));
    assert!(moved(&delta, UNWANTED) > 4.0 && moved(&delta, WANTED) < -4.0 && delta.taught.share == 1.0);
}

#[test]
fn one_reporter_holds_a_share_and_the_whole_has_an_end() {
    let mut delta = Delta::new(Limits { reports_max: 8, reporter_max: 3 });
    for at in 0..10 {
        taught(&mut delta, at, 1, Label::Spam, &format!("{UNWANTED} {at}"));
    }
    assert_eq!(delta.len(), 3, "the three latest of the one reporter");
    for at in 10..30 {
        taught(&mut delta, at, at, Label::Ham, &format!("{WANTED} {at}"));
    }
    assert_eq!(delta.len(), 8);
    assert_eq!(delta.unlearn_reporter(&digest(1)), 0, "later reports of others have taken their place");
}

#[test]
fn octets_hold_everything() {
    let mut delta = Delta::new(Limits::PERSON);
    for (at, label) in [(1, Label::Spam), (2, Label::Ham), (3, Label::Phish), (4, Label::Bulk)] {
        taught(&mut delta, at, 7, label, &format!("{UNWANTED} {at}"));
    }
    delta.show(&[usual(1, WANTED, -2.5), usual(2, UNWANTED, 4.0), usual(3, WANTED, f32::NAN)]);
    taught(&mut delta, 2, 8, Label::Spam, &format!("{UNWANTED} 2"));
    let octets = delta.to_octets();
    assert!(Delta::from_octets(&octets).expect("whole") == delta);
    assert_eq!(Delta::from_octets(b"GPMODEL\0"), Err(DeltaError::NotADelta));
    for long in MAGIC_OCTETS..octets.len() {
        assert!(Delta::from_octets(&octets[..long]).is_err(), "cut at {long}");
    }
    let mut longer = octets.clone();
    longer.push(0);
    assert!(Delta::from_octets(&longer).is_err());
}

const MAGIC_OCTETS: usize = 8;

#[test]
fn octets_of_the_formats_before_are_read() {
    let mut delta = Delta::new(Limits::PERSON);
    taught(&mut delta, 1, 7, Label::Spam, UNWANTED);
    let mut octets = delta.to_octets();
    octets.truncate(octets.len() - 4); // the number of usual mails
    octets[7] = 2;
    assert!(Delta::from_octets(&octets).expect("is read") == delta);
    octets[7] = 1;
    // MAGIC and format, limits, ages, number of reports, digest of the message: then the number of words, which was not there.
    assert_eq!(octets.remove(8 + 8 + 8 + 4 + 16), 1);
    assert!(Delta::from_octets(&octets).expect("is read") == delta);
}
