//! The directory as a table (CSV, RFC 4180): one row for each language of a number, or for a reference.
//!
//! Reads what it writes, and tables without languages and hours: those answer in English around the clock until somebody says more.

use super::book::{Entry, FALLBACK_LANG, Place, Purpose, Spoken};
use super::sql::ENTRIES_MAX;
use super::typed::Typed;
use mail::id::PhoneId;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Octets of a table that is read.
pub const OCTETS_MAX: usize = 512 * 1024;
pub const COLUMNS: [&str; 10] = ["country", "purpose", "kind", "number", "same_as", "lang", "hours", "zone", "holidays", "cost"];

/// What is wrong with a table, and in which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongRow {
    /// From 1; the header is line 1.
    pub line: u64,
    /// Key of the words that say it.
    pub key: Cow<'static, str>,
}

/// Rows of the directory, for a file.
pub fn rows(entries: &[Entry]) -> Vec<Vec<String>> {
    entries.iter().flat_map(rows_of).collect()
}

fn rows_of(entry: &Entry) -> Vec<Vec<String>> {
    let (country, purposes) = (entry.country.clone(), Purpose::written(&entry.purposes));
    match &entry.place {
        Place::SameAs(other) => {
            let mut row = vec![country, purposes, String::new(), String::new(), other.name().to_string()];
            row.resize(COLUMNS.len(), String::new());
            vec![row]
        }
        Place::Number { kind, lines, holidays, cost, e164 } => {
            let row = |line: &Spoken| {
                let number = Typed::of(entry).number;
                let number = if number.is_empty() { e164.clone() } else { number };
                let line = [line.lang.clone(), line.hours.clone(), line.zone.clone()];
                let first = [country.clone(), purposes.clone(), kind.name().to_string(), number, String::new()];
                first.into_iter().chain(line).chain([holidays.clone(), cost.clone()]).collect()
            };
            lines.iter().map(row).collect()
        }
    }
}

/// Entries of a table, with identifiers from `fresh`; or every row that is wrong.
pub fn read(text: &str, mut fresh: impl FnMut() -> i64) -> Result<Vec<Entry>, Vec<WrongRow>> {
    let grouped = grouped(text)?;
    let mut entries: Vec<Entry> = Vec::new();
    let mut wrong = Vec::new();
    // References are checked against the numbers, so they come last.
    let (numbers, references): (Vec<_>, Vec<_>) = grouped.into_iter().partition(|(_, typed)| typed.same_as.is_empty());
    for (line, typed) in numbers.into_iter().chain(references) {
        match typed.checked(PhoneId(fresh()), &entries) {
            Ok(entry) => entries.push(entry),
            Err(all) => wrong.extend(all.first().map(|first| WrongRow { line, key: first.say.key.clone() })),
        }
    }
    if entries.len() + wrong.len() > ENTRIES_MAX {
        return Err(vec![WrongRow { line: 1, key: "phone-too-many".into() }]);
    }
    if wrong.is_empty() { Ok(entries) } else { Err(wrong) }
}

/// Rows of the same number put together; each with the line it begins at.
fn grouped(text: &str) -> Result<Vec<(u64, Typed)>, Vec<WrongRow>> {
    let one = |line: u64, key: &'static str| vec![WrongRow { line, key: key.into() }];
    if text.len() > OCTETS_MAX {
        return Err(one(1, "phone-too-many"));
    }
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let header = reader.headers().map_err(|_| one(1, "phone-wrong-table"))?.clone();
    let column = |names: &[&str]| header.iter().position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)));
    let places: BTreeMap<&str, usize> = COLUMNS.into_iter().filter_map(|name| Some((name, column(&[name, other_name(name)])?))).collect();
    if !["country", "purpose", "number"].iter().all(|name| places.contains_key(name)) {
        return Err(one(1, "phone-wrong-table"));
    }
    let mut found: Vec<(u64, Typed)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|why| one(why.position().map_or(1, csv::Position::line), "phone-wrong-table"))?;
        let line = record.position().map_or(1, csv::Position::line);
        // A spreadsheet's guard against formulas is not part of a number.
        let cell = |name: &str| {
            places.get(name).and_then(|at| record.get(*at)).map(|cell| cell.trim_start_matches('\'').to_string()).unwrap_or_default()
        };
        add(&mut found, line, cell);
    }
    Ok(found)
}

/// Names of the columns in tables as they are published.
fn other_name(name: &str) -> &'static str {
    match name {
        "number" => "number_as_printed",
        "purpose" => "purposes",
        "lang" => "language",
        "zone" => "time_zone",
        _ => "",
    }
}

fn add(found: &mut Vec<(u64, Typed)>, line: u64, cell: impl Fn(&str) -> String) {
    let or = |text: String, usual: &str| if text.is_empty() { usual.to_string() } else { text };
    let typed = Typed {
        country: cell("country"),
        purposes: cell("purpose"),
        same_as: cell("same_as"),
        number: cell("number"),
        kind: cell("kind"),
        lines: Vec::new(),
        holidays: cell("holidays"),
        cost: cell("cost"),
    };
    let spoken = Spoken { lang: or(cell("lang"), FALLBACK_LANG), hours: or(cell("hours"), "24/7"), zone: or(cell("zone"), "UTC") };
    let key = |typed: &Typed| (typed.country.clone(), typed.purposes.clone(), typed.number.clone(), typed.same_as.clone());
    match found.iter_mut().find(|(_, other)| key(other) == key(&typed) && typed.same_as.is_empty()) {
        Some((_, other)) => other.lines.push(spoken),
        None => {
            let lines = if typed.same_as.is_empty() { vec![spoken] } else { Vec::new() };
            found.push((line, Typed { lines, ..typed }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Entry>, Vec<(u64, String)>> {
        let mut fresh = 0..;
        super::read(text, || fresh.next().expect("endless"))
            .map_err(|wrong| wrong.into_iter().map(|row| (row.line, row.key.into_owned())).collect())
    }

    #[test]
    fn a_published_table_is_taken_over_with_its_references() {
        let published = "country,country_name,purpose,kind,number_as_printed,same_as\n\
                         DE,Germany,technical,,,prepurchase_billing\n\
                         DE,Germany,prepurchase_billing,toll_free,0800 589 2332,\n";
        let entries = read(published).expect("a table");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].purposes, [Purpose::PrePurchase, Purpose::Billing]);
        assert_eq!(entries[1].place, Place::SameAs(Purpose::PrePurchase));
        let again: String =
            [COLUMNS.map(str::to_string).to_vec()].into_iter().chain(rows(&entries)).map(|row| row.join(",") + "\n").collect();
        assert_eq!(read(&again).expect("what was written").len(), 2);
    }

    #[test]
    fn every_wrong_row_is_named_and_nothing_is_taken() {
        let head = "country,purpose,number,lang,hours,zone\n";
        for (row, key) in [
            ("XX,technical,0800 589 2332,de,24/7,UTC", "phone-wrong-country"),
            ("DE,poetry,0800 589 2332,de,24/7,UTC", "phone-wrong-purposes"),
            ("DE,technical,12,de,24/7,UTC", "phone-wrong-number"),
            ("DE,technical,0800 589 2332,german language,24/7,UTC", "phone-wrong-lang"),
            ("DE,technical,0800 589 2332,de,always,UTC", "phone-wrong-hours"),
            ("DE,technical,0800 589 2332,de,24/7,Berlin", "phone-wrong-zone"),
        ] {
            let text = format!("{head}FR,technical,01 57 32 42 97,fr,24/7,UTC\n{row}\n");
            assert_eq!(read(&text), Err(vec![(3, key.to_string())]), "{row}");
        }
        for text in ["", "a,b\n1,2\n", "country,purpose\nDE,technical\n"] {
            assert_eq!(read(text), Err(vec![(1, "phone-wrong-table".to_string())]), "{text}");
        }
    }
}
