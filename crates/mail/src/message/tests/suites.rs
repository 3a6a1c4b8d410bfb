//! Suites and corpora of others: everything in them is read, and what their authors expect is found.

use super::file_types::with_attachment;
use super::*;
use mail_parser::MimeHeaders;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Nothing in the suites may take longer, even in a build without optimisation.
const SLOWEST: Duration = Duration::from_secs(30);

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("readable").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => files.push(path),
            }
        }
    }
    files.sort();
    files
}

fn read(path: &Path) -> Message {
    let raw = Bytes::from(std::fs::read(path).expect("readable"));
    let started = Instant::now();
    let message = Message::parse(raw.clone(), &Budget::default());
    assert!(started.elapsed() < SLOWEST, "{} took {:?}", path.display(), started.elapsed());
    assert!(message.spent.expanded_octets <= Budget::default().expanded_octets_max.max(raw.len() as u64 * 10), "{}", path.display());
    message
}

#[test]
fn every_file_of_the_suites_is_read() {
    let Some(suites) = testkit::shared::suites() else { return };
    let mut count = 0;
    for suite in
        ["mime_cpython", "mime_email-mime", "mime_mail-parser", "mime_mikel-mail", "mime_mime-tools", "mailbox_neomutt", "rspamd_messages"]
    {
        for path in files_below(&suites.join("B_protocol").join(suite)) {
            read(&path);
            count += 1;
        }
    }
    assert!(count > 800, "{count} files");
}

/// What mail-parser says about its own examples: each attachment it names is here under that name.
#[test]
fn attachments_of_the_mail_parser_suite() {
    let Some(suites) = testkit::shared::suites() else { return };
    let mut checked = 0;
    for path in files_below(&suites.join("B_protocol/mime_mail-parser/eml")) {
        let Ok(expected) = std::fs::read(path.with_extension("json")) else { continue };
        let Some(expected) =
            serde_json::from_slice::<serde_json::Value>(&expected).ok().filter(|_| path.extension().is_some_and(|end| end == "eml"))
        else {
            continue;
        };
        let found = read(&path);
        for index in expected["attachments"].as_array().into_iter().flatten().filter_map(|index| index.as_u64()) {
            let Some(name) = expected_name(&expected["parts"][index as usize]) else { continue };
            let is_there =
                found.attachments.iter().any(|have| have.name.iter().chain(&have.other_names).any(|have| same_name(have, &name)));
            assert!(
                is_there,
                "{}: {name:?} is missing among {:?}",
                path.display(),
                found.attachments.iter().map(|have| &have.name).collect::<Vec<_>>()
            );
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked} names");
}

fn expected_name(part: &serde_json::Value) -> Option<String> {
    let attribute = |header: &str, name: &str| {
        let header = part["headers"].as_array()?.iter().find(|found| found["name"] == header)?;
        let attribute = header["value"]["ContentType"]["attributes"].as_array()?.iter().find(|found| found["name"] == name)?;
        attribute["value"].as_str().map(str::to_owned)
    };
    attribute("content_disposition", "filename").or_else(|| attribute("content_type", "name"))
}

/// White space of folding is kept or not; both are readings of RFC 5322 §2.2.3.
fn same_name(left: &str, right: &str) -> bool {
    let plain = |name: &str| name.chars().filter(|one| !one.is_whitespace() && !one.is_control()).collect::<String>();
    plain(left) == plain(right)
}

/// No attachment that mail-parser finds is missing.
#[test]
fn mail_parser_finds_nothing_more() {
    let Some(suites) = testkit::shared::suites() else { return };
    let mut all_missing = Vec::new();
    for suite in ["mime_cpython", "mime_mail-parser", "mime_mikel-mail", "mime_mime-tools", "rspamd_messages"] {
        for path in files_below(&suites.join("B_protocol").join(suite)) {
            let raw = std::fs::read(&path).expect("readable");
            let missing = missing_against_mail_parser(&raw, &read(&path));
            all_missing.extend(missing.into_iter().map(|missing| format!("{}: {missing}", path.display())));
        }
    }
    assert!(all_missing.is_empty(), "{}", all_missing.join("\n"));
}

fn missing_against_mail_parser(raw: &[u8], found: &Message) -> Vec<String> {
    let Some(theirs) = mail_parser::MessageParser::default().parse(raw) else { return Vec::new() };
    theirs
        .attachments()
        .filter(|part| !part.is_message())
        // A multipart that it could not split is a text or split here.
        .filter(|part| part.content_type().is_none_or(|found| found.ctype() != "multipart"))
        .filter(|part| {
            let content = part.contents().trim_ascii();
            let name = part.attachment_name().unwrap_or_default();
            // Texts are octets here and characters there; uuencode and broken base64 are decoded here only.
            let is_attached = found.attachments.iter().any(|have| {
                let is_loose = part.is_text() || content.starts_with(b"begin ") || found.has_defect(DefectKind::BrokenEncoding);
                let is_named = is_loose && have.name.iter().chain(&have.other_names).any(|have| same_name(have, name));
                // An unfinished last group of base64 is dropped there and read here: up to two octets more.
                let is_all = have.content.trim_ascii().strip_prefix(content).is_some_and(|more| more.len() <= 2);
                is_named || is_all
            });
            // A text without a name is the body here, a second body there.
            let is_body = part.is_text() && part.attachment_name().is_none();
            !is_attached && !is_body && !content.is_empty()
        })
        .map(|part| {
            let ours: Vec<_> = found.attachments.iter().map(|have| (&have.name, have.octets)).collect();
            format!("{:?} {} octets, here {ours:?}", part.attachment_name(), part.contents().len())
        })
        .collect()
}

#[test]
fn every_file_of_the_attachment_suites_is_read_as_an_attachment() {
    let Some(suites) = testkit::shared::suites() else { return };
    for path in files_below(&suites.join("C_attach")) {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let started = Instant::now();
        let found = with_attachment(&name, &std::fs::read(&path).expect("readable"));
        assert!(started.elapsed() < SLOWEST, "{name} took {:?}", started.elapsed());
        assert!(!found.attachments.is_empty(), "{name}");
    }
}

#[test]
fn eicar_is_found_in_archives() {
    let Some(suites) = testkit::shared::suites() else { return };
    let folder = suites.join("C_attach/eicar_fire1ce");
    for name in ["eicar-com.com", "eicar-zip.zip", "eicar-zip2.zip"] {
        let found = with_attachment(name, &std::fs::read(folder.join(name)).expect("the suite has it"));
        let is_there = found.attachments.iter().any(|have| have.content.trim_ascii_end() == eicar());
        assert!(is_there, "{name}: {:?}", found.attachments.iter().map(|have| (&have.name, have.octets)).collect::<Vec<_>>());
    }
}

#[test]
fn a_bomb_of_archives_is_over_budget_or_locked() {
    let Some(suites) = testkit::shared::suites() else { return };
    let found = with_attachment("42.zip", &std::fs::read(suites.join("C_attach/zipbomb/42.zip")).expect("the suite has it"));
    assert!(found.has_defect(DefectKind::OverBudget) || found.has_defect(DefectKind::Encrypted), "{:?}", found.defects);
}

/// Each mail of the corpora is read; every fifth of them in tests, all with `GATEPOST_CORPORA=all`.
#[test]
fn the_corpora_are_read() {
    let Some(corpora) = testkit::shared::corpora() else { return };
    let step = if std::env::var_os("GATEPOST_CORPORA").is_some_and(|which| which == "all") { 1 } else { 5 };
    let labels = std::fs::read_to_string(corpora.join("labels.tsv")).expect("the corpora have labels");
    let (mut count, mut with_nothing, mut all_missing) = (0, Vec::new(), Vec::new());
    for path in labels.lines().skip(1).step_by(step).filter_map(|line| line.split('\t').next()) {
        let found = read(&corpora.join(path));
        count += 1;
        // A mail without a body has nothing to show.
        // A body of nothing but delimiters has no part to read.
        let is_bare = found.body().split(|octet| *octet == b'\n').all(|line| line.trim_ascii().is_empty() || line.starts_with(b"--"));
        if found.texts.is_empty() && found.attachments.is_empty() && !is_bare {
            with_nothing.push(path);
        }
        all_missing.extend(missing_against_mail_parser(found.raw(), &found).into_iter().map(|missing| format!("{path}: {missing}")));
    }
    assert!(all_missing.is_empty(), "{}", all_missing.join("\n"));
    assert!(count > 3_000 && with_nothing.is_empty(), "of {count}, nothing is read of {with_nothing:?}");
}
