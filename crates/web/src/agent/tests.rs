//! Intents, conversations, and the questions of `bench/answers/questions.tsv`.

use super::reply::{Knowledge, Offer, Says, Turn, reply};
use crate::help::{Kind, Library};
use crate::page::words::Lang;
use crate::phone::book::Entry;
use crate::phone::table;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Tuesday, 24 November 2026, 12:00 UTC.
const NOON_MS: i64 = 1_795_521_600_000;
/// The demo's directory: the table of the page that started the project.
const TABLE: &str = include_str!("../../../gatepost/src/demo/phone.csv");
const QUESTIONS: &str = include_str!("../../../../bench/answers/questions.tsv");

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::new(&[]));

fn entries() -> Vec<Entry> {
    let mut next = 0;
    let fresh = || {
        next += 1;
        next
    };
    table::read(TABLE, fresh).expect("the demo's directory")
}

fn turns(texts: &[&str]) -> Vec<Turn> {
    texts.iter().map(|text| Turn { text: text.to_string(), at_ms: NOON_MS }).collect()
}

fn said(texts: &[&str], lang: Lang) -> String {
    let entries = entries();
    let reply = reply(Knowledge { library: &LIBRARY, entries: &entries, lang }, &turns(texts));
    match &reply.says {
        Says::Sources(sources) => sources[0].article.path(),
        Says::Call { answer, .. } => answer.best.as_ref().map_or("no number".into(), |best| best.number.tel()),
        Says::Unknown { times, .. } => format!("unknown {times}"),
        other => other.name().into(),
    }
}

#[test]
fn a_conversation_goes_on() {
    let lang = Lang::English;
    for (texts, want) in [
        (&["hello"][..], "greeting"),
        (&["Thanks a lot!"], "thanks"),
        (&["谢谢"], "thanks"),
        (&["I want to talk to a human"], "person"),
        (&["转人工"], "person"),
        (&["how do I release a mail"], "/help/article/release"),
        (&["5.1.1"], "/help/refusal/5.1.1"),
        (&["auth.dmarc.fail"], "/help/check/auth.dmarc.fail"),
        (&["phone number please"], "which-country"),
        (&["phone number please", "France"], "tel:+33805540594"),
        (&["phone number for Japan", "and for billing?"], "tel:+81120628860"),
        (&["phone number for Japan", "what about Germany"], "tel:+498005892332"),
        (&["phone number for Japan", "how do I release a mail"], "/help/article/release"),
        (&["zzz qqq"], "unknown 1"),
        (&["what value should quantum_shield_level have"], "unknown 1"),
        (&["my phone fell into the lake with the authenticator on it"], "/help/article/sign-in-problems"),
        (&["邻居半夜装修扰民打哪个部门投诉"], "unknown 1"),
        (&["zzz qqq", "vvk wwq"], "unknown 2"),
        (&["zzz qqq", "how do I release a mail", "vvk wwq"], "unknown 1"),
        (&[], "greeting"),
    ] {
        assert_eq!(said(texts, lang), want, "{texts:?}");
    }
}

#[test]
fn what_can_be_run_is_offered_and_nothing_is_run() {
    let entries = entries();
    let offers = |text: &str| {
        let knowledge = Knowledge { library: &LIBRARY, entries: &entries, lang: Lang::English };
        reply(knowledge, &turns(&[text])).offers
    };
    assert!(matches!(offers("a mail did not arrive")[..], [Offer::Diagnose(_)]));
    assert_eq!(offers("is the service down"), [Offer::State]);
    assert!(offers("it said 550 5.7.1 Message rejected").contains(&Offer::Bounce));
    assert!(offers("refused with (e01hzy3k9d2abc)").contains(&Offer::Refused));
    assert!(offers("how do I release a mail for my colleague").iter().all(|offer| matches!(offer, Offer::Diagnose(_))));
    assert!(offers("make me a sandwich").is_empty());
}

#[test]
fn every_source_quotes_itself() {
    for article in LIBRARY.all() {
        for part in 0..article.english.parts.len() {
            let source = super::reply::Source { article, part };
            for lang in Lang::ALL {
                assert!(!source.quote(lang).is_empty() && !source.title(lang).is_empty(), "{} {part}", article.path());
                assert!(source.quote(lang).iter().all(|block| article.text(lang).blocks.iter().any(|own| own == block)));
            }
        }
    }
}

/// What became of one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Became {
    First,
    Third,
    Wrong,
}

#[derive(Debug, Default)]
struct Tally {
    asked: usize,
    first: usize,
    third: usize,
}

/// One line of the questions: set, language, moment, what is expected, question.
fn became(cells: &[&str], entries: &[Entry]) -> Became {
    let [_, lang, at, want, text] = cells[..] else { panic!("a line of questions: {cells:?}") };
    let at_ms = crate::phone::api::moment(at).unwrap_or(NOON_MS);
    let knowledge = Knowledge { library: &LIBRARY, entries, lang: Lang::parse(lang).expect("a language") };
    let reply = reply(knowledge, &[Turn { text: text.into(), at_ms }]);
    let is = |is_right: bool| if is_right { Became::First } else { Became::Wrong };
    match (&reply.says, want) {
        (Says::Unknown { .. }, "none") => Became::First,
        // Named, but with no word that it answers: found, though not first.
        (Says::Unknown { perhaps, .. }, want) if place_of(perhaps, want).is_some() => Became::Third,
        (Says::Call { answer, .. }, want) if at != "-" => {
            let best = answer.best.as_ref().map_or("-".to_string(), |best| best.number.tel());
            is(format!("{} {best}", answer.reason.name()) == want)
        }
        (Says::Sources(sources), want) => match place_of(sources, want) {
            Some(0) => Became::First,
            Some(_) => Became::Third,
            None => Became::Wrong,
        },
        _ => Became::Wrong,
    }
}

/// The place of a source that is wanted.
fn place_of(sources: &[super::reply::Source<'_>], want: &str) -> Option<usize> {
    let wanted: Vec<&str> = want.split('|').collect();
    sources.iter().position(|source| wanted.iter().any(|want| is_wanted(source, want)))
}

/// A code is told of under the name of its range, and as a refusal of ours under its own.
fn is_wanted(source: &super::reply::Source<'_>, want: &str) -> bool {
    let Some((kind, name)) = want.split_once('/') else { return false };
    let other = if kind == "code" { "refusal" } else { "code" };
    let kinds = if matches!(kind, "code" | "refusal") { vec![kind, other] } else { vec![kind] };
    let is_it =
        |kind: &str| Kind::parse(kind).and_then(|kind| LIBRARY.find(kind, name)).is_some_and(|one| std::ptr::eq(one, source.article));
    kinds.into_iter().any(is_it)
}

fn family(want: &str, at: &str) -> &'static str {
    match want {
        "none" => "out of scope",
        _ if at != "-" => "phone",
        _ => "sources",
    }
}

/// How the questions of one set in one language did.
type Tallies<'a> = BTreeMap<(&'static str, &'a str, &'a str), Tally>;

fn share(part: usize, all: usize) -> f64 {
    part as f64 * 100.0 / all.max(1) as f64
}

/// Asks every line; what was not right first comes with what was said instead.
fn ask(questions: &str) -> (Tallies<'_>, Vec<String>) {
    let entries = entries();
    let (mut tallies, mut wrong) = (Tallies::new(), Vec::new());
    for line in questions.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split('\t').collect();
        let became = became(&cells, &entries);
        let tally = tallies.entry((family(cells[3], cells[2]), cells[1], cells[0])).or_default();
        tally.asked += 1;
        tally.first += usize::from(became == Became::First);
        tally.third += usize::from(became <= Became::Third);
        if became != Became::First {
            let lang = Lang::parse(cells[1]).expect("a language");
            let said = said(&[cells[4]], lang);
            wrong.push(format!("{} {} {:?}: {} (wanted {}, said {said})", cells[0], cells[1], became, cells[4], cells[3]));
        }
    }
    (tallies, wrong)
}

fn table_of(tallies: &Tallies<'_>) -> String {
    let mut report = String::from("| what | language | set | asked | right first | in the first three |\n|---|---|---|---|---|---|\n");
    for ((what, lang, set), tally) in tallies {
        let (first, third) = (share(tally.first, tally.asked), share(tally.third, tally.asked));
        report.push_str(&format!("| {what} | {lang} | {set} | {} | {first:.1} % | {third:.1} % |\n", tally.asked));
    }
    report
}

/// A set from outside, with its misses listed: `ANSWERS_SET=FILE`, in the format of `bench/answers/questions.tsv`.
#[test]
fn a_set_from_outside_is_asked() {
    let Ok(file) = std::env::var("ANSWERS_SET") else { return };
    let questions = std::fs::read_to_string(&file).expect("the questions");
    let (tallies, wrong) = ask(&questions);
    println!("{}\n{}", table_of(&tallies), wrong.join("\n"));
    assert!(!tallies.is_empty(), "{file} has no questions");
}

/// All questions; `ANSWERS=FILE` writes the report there.
#[test]
fn answers_are_as_right_as_they_have_to_be() {
    let (tallies, wrong) = ask(QUESTIONS);
    let report = table_of(&tallies);
    println!("{report}\n{}", wrong.join("\n"));
    if let Ok(file) = std::env::var("ANSWERS") {
        let about = include_str!("../../../../bench/answers/about.md");
        std::fs::write(
            &file,
            format!("{about}{report}\nNot right first:\n\n{}\n", wrong.iter().map(|line| format!("- {line}\n")).collect::<String>()),
        )
        .expect("the report");
    }
    let mut sums: BTreeMap<(&str, &str), Tally> = BTreeMap::new();
    // The set that nobody worked on after it was asked is told, not demanded.
    for ((what, lang, _), tally) in tallies.iter().filter(|((_, _, set), _)| *set != "unseen") {
        let sum = sums.entry((what, lang)).or_default();
        (sum.asked, sum.first, sum.third) = (sum.asked + tally.asked, sum.first + tally.first, sum.third + tally.third);
    }
    for ((what, lang), tally) in &sums {
        let (first, third) = (share(tally.first, tally.asked), share(tally.third, tally.asked));
        let (first_min, third_min) = match *what {
            "phone" => (100.0, 100.0),
            "out of scope" => (95.0, 95.0),
            _ => (85.0, 95.0),
        };
        assert!(first >= first_min && third >= third_min, "{what} in {lang}: {first:.1} % first, {third:.1} % in three");
    }
}

/// As many articles as the installation of a large service could have, with all its questions and answers. The time counts in a build
/// with optimisation: `GATEPOST_MEASURE=1`.
#[test]
fn the_search_keeps_its_time_with_twenty_thousand_articles() {
    use crate::help::search::answers::answers;
    use crate::help::search::index::{Entry, EntryPart, Index};
    const MEDIAN_MAX_US: u128 = 50_000;
    const ENTRIES: usize = 20_000;
    let all: Vec<_> = LIBRARY.of(Kind::Article).collect();
    let entry = |at: usize| {
        let (one, other) = (all[at % all.len()], all[(at * 7 + at / all.len()) % all.len()]);
        let mark = format!("case{at} serial{}", at % 97);
        let bodies = vec![format!("{} {mark}", other.english.parts[0].plain), other.chinese.parts[0].plain.clone()];
        let titles = vec![one.english.title.clone(), one.chinese.title.clone(), mark];
        Entry { titles, also: Vec::new(), parts: vec![EntryPart { bodies, ..EntryPart::default() }], rank: 1.0 }
    };
    let index = Index::new(&(0..ENTRIES).map(entry).collect::<Vec<_>>());
    let mut times: Vec<u128> = QUESTIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .step_by(10)
        .map(|line| {
            let start = std::time::Instant::now();
            std::hint::black_box(answers(&index, line.rsplit('\t').next().unwrap_or_default(), 3));
            start.elapsed().as_micros()
        })
        .collect();
    times.sort_unstable();
    let median = times[times.len() / 2];
    println!("20,000 articles: median {median} µs, slowest {} µs", times[times.len() - 1]);
    assert!(std::env::var_os("GATEPOST_MEASURE").is_none() || median <= MEDIAN_MAX_US, "median {median} µs");
    assert!(!index.find("case12345", 3).is_empty());
}
