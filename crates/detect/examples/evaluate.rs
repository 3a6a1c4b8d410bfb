//! Measures: `evaluate --learn INDEX INDEX` (learn the first from nothing, judge the second), or `evaluate [--online] [--from-nothing] [--reports] [--junk-only] [--delay N] [--noise P] [--seed N] [--after N] [--model FILE] INDEX`.
//! Prints the report as JSON and the intervals; with `--after`, both leave out the first N messages, as those that came before any label could.

use detect::Thresholds;
use detect::classify::{Model, corpus, log_odds};
use detect::eval::{self, EvalReport, Filter, Judged, Online, Options};
use mail::Message;
use mail::message::Budget;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut online: Option<Online> = None;
    let mut model = None;
    let mut after = 0;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--online" => drop(online.get_or_insert_default()),
            "--from-nothing" => online.get_or_insert_default().from_nothing = true,
            "--junk-only" => online.get_or_insert_default().junk_only = true,
            "--reports" => online.get_or_insert_default().reports = true,
            "--seed" => online.get_or_insert_default().seed = words.next().ok_or("--seed needs a number")?.parse()?,
            "--delay" => online.get_or_insert_default().delay = words.next().ok_or("--delay needs a number")?.parse()?,
            "--noise" => online.get_or_insert_default().noise = words.next().ok_or("--noise needs a share")?.parse()?,
            "--after" => after = words.next().ok_or("--after needs a number")?.parse()?,
            "--model" => model = Some(Model::load(Path::new(&words.next().ok_or("--model needs a file")?))?.into()),
            "--learn" => {
                let (learned, index) = (words.next().ok_or("--learn needs two indexes")?, words.next().ok_or("--learn needs two indexes")?);
                let judged = learn_then_judge(Path::new(&learned), Path::new(&index))?;
                println!("{}", serde_json::to_string(&EvalReport::of(&judged))?);
                println!("{}", serde_json::to_string(&eval::interval(&judged, 1_000, 1))?);
            }
            index => {
                let model = model.take().unwrap_or_else(Model::built_in);
                let options = Options { online, ..Options::default() };
                let judged = eval::judge(&eval::read_index(Path::new(index))?, &model, &options, &mut |_| {})?;
                let judged = &judged[after.min(judged.len())..];
                println!("{}", serde_json::to_string(&EvalReport::of(judged))?);
                println!("{}", serde_json::to_string(&eval::interval(judged, 1_000, 1))?);
            }
        }
    }
    Ok(())
}

fn learn_then_judge(learned: &Path, index: &Path) -> Result<Vec<Judged>, Box<dyn std::error::Error>> {
    let mut filter = Filter::new(Online { from_nothing: true, ..Online::default() }, None);
    let read = |path: &Path| corpus::message(path).map(|octets| Message::parse(octets, &Budget::default()));
    for entry in eval::read_index(learned)? {
        filter.tell(&read(&entry.path)?, entry.label);
    }
    let mut judged = Vec::new();
    for entry in eval::read_index(index)? {
        let score = filter.judge(&read(&entry.path)?).junk_log_odds();
        judged.push(Judged { label: entry.label, score, is_junk: score >= log_odds(Thresholds::default().spam) });
    }
    Ok(judged)
}
