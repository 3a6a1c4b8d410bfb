//! The ruler, measured.

use super::*;
use crate::classify::Label;

fn judged(label: Label, score: f32) -> Judged {
    Judged { label, score, is_junk: score >= 2.0 }
}

#[test]
fn figures_of_small_sets() {
    use Label::{Ham, Phish, Spam};
    for (set, auc, fp0, caught, lost, why) in [
        (vec![(Ham, 0.0), (Spam, 3.0), (Phish, 4.0)], Some(0.0), Some(100.0), Some(100.0), Some(0.0), "apart"),
        (vec![(Ham, 3.0), (Spam, 0.0)], Some(100.0), Some(0.0), Some(0.0), Some(100.0), "upside down"),
        (vec![(Ham, 1.0), (Spam, 1.0)], Some(50.0), Some(0.0), Some(0.0), Some(0.0), "a tie counts half, and catches nothing"),
        (
            vec![(Ham, 1.0), (Ham, 2.5), (Spam, 2.0), (Spam, 3.0)],
            Some(25.0),
            Some(50.0),
            Some(100.0),
            Some(50.0),
            "one pair of four is wrong",
        ),
        (vec![(Ham, 1.0), (Spam, f32::NAN)], Some(100.0), Some(0.0), Some(0.0), Some(0.0), "no number is the lowest score"),
        (vec![(Spam, 3.0)], None, None, Some(100.0), None, "no ham"),
        (vec![], None, None, None, None, "nothing"),
    ] {
        let set: Vec<Judged> = set.into_iter().map(|(label, score)| judged(label, score)).collect();
        let report = EvalReport::of(&set);
        assert_eq!((report.one_minus_auc_pct, report.caught_fp0, report.caught, report.lost), (auc, fp0, caught, lost), "{why}");
    }
}

#[test]
fn a_thousandth_of_ham_may_be_lost() {
    let mut set: Vec<Judged> = (0..2_000).map(|at| judged(Label::Ham, at as f32 / 1_000.0)).collect();
    set.extend((0..100).map(|at| judged(Label::Spam, 1.9955 + at as f32 / 1_000.0)));
    let report = EvalReport::of(&set);
    assert_eq!(report.caught_fp01, Some(98.0), "two of two thousand lie above 1.997");
    assert_eq!(report.caught_fp1, Some(100.0));
    assert!(report.caught_fp0 < report.caught_fp01);
}

#[test]
fn json_has_exactly_the_promised_keys() {
    let json = serde_json::to_value(EvalReport::of(&[judged(Label::Ham, 0.0)])).expect("serialises");
    let keys: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut want = ["messages", "ham", "spam", "phish", "one_minus_auc_pct", "caught_fp0", "caught_fp01", "caught_fp1", "caught", "lost"];
    want.sort();
    assert!(want.iter().all(|key| keys.contains(key)) && keys.len() == want.len(), "{keys:?}");
}

#[test]
fn the_interval_holds_the_figure() {
    let set: Vec<Judged> = (0..400)
        .map(|at| judged(if at % 2 == 0 { Label::Ham } else { Label::Spam }, ((at * 37) % 101) as f32 + (at % 2) as f32 * 60.0))
        .collect();
    let (report, found) = (EvalReport::of(&set), interval(&set, 200, 1).expect("both classes"));
    let area = report.one_minus_auc_pct.expect("both classes");
    assert!(
        found.one_minus_auc_pct.0 <= area && area <= found.one_minus_auc_pct.1 && found.one_minus_auc_pct.0 < found.one_minus_auc_pct.1
    );
    assert_eq!(interval(&set, 200, 1), Some(found), "the seed decides");
    assert_eq!(interval(&set[..1], 200, 1), None);
}

#[test]
fn online_judges_before_it_learns() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut index = Vec::new();
    for at in 0..80 {
        let (label, text) = if at % 2 == 0 {
            (Label::Ham, "the minutes are attached, please comment")
        } else {
            (Label::Spam, "lowest prices, order now, limited offer")
        };
        let path = folder.path().join(format!("{at}"));
        std::fs::write(&path, format!("Subject: {text}\r\n\r\n{text}\r\n")).expect("the folder can be written");
        index.push(Entry { label, path });
    }
    let from_nothing = Online { from_nothing: true, ..Online::default() };
    let options = Options { online: Some(from_nothing), ..Options::default() };
    let mut told = 0;
    let outcome = judge(&index, &Model::built_in(), &options, &mut |done| told = done).expect("readable");
    assert_eq!(told, 80);
    assert_eq!(outcome[0].score, 0.0, "it knows nothing before the first message");
    assert!(outcome[79].is_junk && !outcome[78].is_junk);
    let known = judge(&index[..1], &Model::built_in(), &Options::default(), &mut |_| {}).expect("readable");
    for (reports, delay) in [(false, 0), (true, 0), (false, 30), (true, 30)] {
        let online = Online { reports, delay, ..Online::default() };
        let outcome =
            judge(&index, &Model::built_in(), &Options { online: Some(online), ..Options::default() }, &mut |_| {}).expect("readable");
        assert_eq!(outcome[0].score, known[0].score, "it begins with the model's word, reports {reports}, delay {delay}");
        assert!(outcome[79].score > outcome[78].score + 2.0, "reports {reports}, delay {delay}: {:?}", &outcome[76..]);
    }
    let ham: Vec<Entry> = index.iter().filter(|entry| entry.label == Label::Ham).cloned().collect();
    for (junk_only, is_learned) in [(false, true), (true, false)] {
        let online = Online { junk_only, ..from_nothing };
        let outcome =
            judge(&ham, &Model::built_in(), &Options { online: Some(online), ..Options::default() }, &mut |_| {}).expect("readable");
        assert_eq!(outcome[39].score != 0.0, is_learned, "only junk is labelled: {junk_only}");
    }
    index.push(Entry { label: Label::Ham, path: folder.path().join("missing") });
    assert!(run(&index, &Model::built_in(), &options, &mut |_| {}).is_err());
}
