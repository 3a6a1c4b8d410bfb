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
    let evidence = evidence(text);
    let before = Scores { spam_log_odds: -2.0, phish_log_odds: -6.0, bulk_log_odds: -3.0 };
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

#[test]
fn a_message_counts_once_and_the_later_word_holds() {
    let mut delta = Delta::new(Limits::ORGANISATION);
    taught(&mut delta, 1, 1, Label::Spam, UNWANTED);
    let once = delta.clone();
    assert_eq!(taught(&mut delta, 1, 1, Label::Spam, UNWANTED), Learned::Known);
    assert_eq!(taught(&mut delta, 1, 2, Label::Spam, UNWANTED), Learned::Known, "nor from another reporter");
    assert!(delta == once);
    assert_eq!(taught(&mut delta, 1, 2, Label::Ham, UNWANTED), Learned::Changed);
    assert!(moved(&delta, UNWANTED) < 0.0 && delta.len() == 1);
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
    assert!(with.weights != without.weights);
    assert!(with.unlearn(&digest(3)) && !with.unlearn(&digest(3)) && !with.unlearn(&digest(99)));
    assert_eq!(with.unlearn_reporter(&digest(3)), 7, "the other seven of that reporter");
    assert!(with.weights == without.weights, "to the last bit, whatever the order");
    assert!(with.unlearn(&digest(0)) && moved(&with, UNWANTED) != moved(&without, UNWANTED));
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
