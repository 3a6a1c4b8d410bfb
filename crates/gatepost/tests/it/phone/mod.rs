//! Whom to call now: the demo's directory at two hundred moments, and the command as a person uses it.

use crate::server::Server;
use web::phone::book::{self, Caller, Purpose};
use web::phone::hours::State;
use web::phone::{api, country, table};

const DIRECTORY: &str = include_str!("../../../src/demo/phone.csv");
const CASES: &str = include_str!("cases.tsv");

#[test]
fn the_right_number_for_country_question_language_and_minute() {
    let mut fresh = 0..;
    let entries = table::read(DIRECTORY, || fresh.next().expect("endless")).expect("the demo's directory");
    let (mut count, mut wrong) = (0, Vec::new());
    for line in CASES.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        let now_ms = api::moment(cells[3]).expect(cells[3]);
        let purpose = Purpose::named(cells[1]).expect(cells[1]);
        let caller = Caller { country: country::code(cells[0]).unwrap_or_default(), purpose, lang: cells[2], now_ms };
        let answer = book::call(&entries, caller);
        let found = answer.best.as_ref().map_or(["-", "-", "-", "-"].map(str::to_string), |best| {
            let (open, change) = match best.state {
                State::Open { until_ms } => ("yes", until_ms),
                State::Closed { next_ms } => ("no", next_ms),
            };
            let change = change.map_or("-".to_string(), |ms| jiff::Timestamp::from_millisecond(ms).expect("a time").to_string());
            [best.number.e164(), best.lang.clone(), open.to_string(), change]
        });
        let found = [&[answer.reason.name().to_string()], &found[..]].concat();
        if found != cells[4..] {
            wrong.push(format!("{line}\n  found {}", found.join("\t")));
        }
        count += 1;
    }
    assert!(count >= 200, "{count} cases");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_command_names_a_number_and_takes_a_table_over_as_a_whole_or_not_at_all() {
    let server = Server::start("", &[]);
    let file = server.data.path().join("phone.csv");
    let phone = |words: &[&str]| {
        let done = server.run(&[&["phone"], words].concat());
        (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let (code, said, _) = phone(&["--country", "BR"]);
    assert_eq!(code, Some(1), "nothing is there yet: {said}");

    std::fs::write(&file, DIRECTORY.replace("0120-996680", "12")).expect("written");
    let path = file.to_str().expect("UTF-8").to_string();
    let (code, _, why) = phone(&["import", &path]);
    assert!(code == Some(2) && why.contains("line 21:"), "{why}");
    let (code, said, _) = phone(&["--country", "JP", "--json"]);
    assert!(code == Some(1) && said.contains("\"best\":null"), "nothing of it was taken: {said}");

    std::fs::write(&file, DIRECTORY).expect("written");
    let (code, said, why) = phone(&["import", &path, "--replace"]);
    assert_eq!(code, Some(0), "{said}{why}");
    let (code, said, _) = phone(&["--country", "BR", "--for", "technical", "--lang", "pt", "--at", "2026-11-24T15:30:00Z"]);
    assert!(code == Some(0) && said.contains("0800 762 1146"), "{said}");
    let (code, said, _) = phone(&["--country", "巴西", "--lang", "pt", "--at", "2026-12-25T15:30:00Z", "--json"]);
    assert!(code == Some(0) && said.contains("\"reason\":\"open-in-fallback\""), "{said}");
    let (_, exported, _) = phone(&["export"]);
    std::fs::write(&file, &exported).expect("written");
    assert_eq!(phone(&["import", &path, "--replace"]).0, Some(0), "what was exported is read again");
    assert_eq!(phone(&["export"]).1, exported);
    assert_eq!(phone(&["--for", "poetry"]).0, Some(2));
}
