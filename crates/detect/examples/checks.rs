//! What every inspection, the classifier and both do with labelled mail:
//! `cargo run --release -p detect --example checks -- FOLDER [--model FILE] [--misses N] [--brief] [--counted] [SET]...`.
//!
//! FOLDER holds `labels.tsv` (path, set, label, date). Network is off: results of authentication are neutral. Fields that name
//! the collector of a set are taken out first, as its README asks. Prints per set what is kept from the inbox, and with how much
//! confidence; then per check the ham, spam and phish that has it, and per step the CPU time; then the ham that is lost.
//! `--misses` lists so many junk mails that pass, drawn by lot: to learn kinds from, not strings. The half of phishing_pot that is
//! only counted is left out unless `--counted` asks for it: it is measured once, when a change is done.

use detect::classify::Model;
use detect::inspect::STEPS;
use detect::malware::{Engine, signatures::Signatures};
use detect::{Class, Surroundings, Thresholds, verdict};
use mail::message::Budget;
use mail::{AuthResults, Envelope, Mail, Message, Peer};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

const LABELS: [&str; 3] = ["ham", "spam", "phish"];

#[derive(Default)]
struct Tally {
    mails: [u32; 3],
    /// Mails with the check, and those where it weighs.
    checks: BTreeMap<String, ([u32; 3], [u32; 3])>,
    steps: BTreeMap<&'static str, Duration>,
    lost: Vec<String>,
    passed: Vec<String>,
    /// By set and label: mails, kept from the inbox, kept with high confidence.
    sets: BTreeMap<String, [u32; 3]>,
    /// Mails kept from the inbox by findings alone, by the classifier alone, and by both.
    kept_out: [[u32; 3]; 3],
    /// Phish and spam that findings turn where the classifier alone lets it pass, by the weightiest finding.
    turned_by: BTreeMap<String, u32>,
}

/// What the command line asks for.
struct Wish {
    folder: String,
    sets: Vec<String>,
    model: std::sync::Arc<Model>,
    misses: usize,
    brief: bool,
    counted: bool,
}

fn wish() -> Wish {
    let mut words = std::env::args().skip(1);
    let folder = words.next().expect("the folder with labels.tsv");
    let mut wish = Wish { folder, sets: Vec::new(), model: Model::built_in(), misses: 0, brief: false, counted: false };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--model" => wish.model = Model::load(Path::new(&words.next().expect("a model file"))).expect("a model").into(),
            "--misses" => wish.misses = words.next().and_then(|count| count.parse().ok()).expect("a number"),
            "--brief" => wish.brief = true,
            "--counted" => wish.counted = true,
            set => wish.sets.push(set.to_string()),
        }
    }
    wish
}

fn main() {
    let wish = wish();
    let labels = std::fs::read_to_string(Path::new(&wish.folder).join("labels.tsv")).expect("labels.tsv");
    let surroundings = Surroundings {
        own_domains: ["example.com".to_string()].into(),
        people: Vec::new(),
        blocked_types: detect::attachment::BLOCKED_TYPES.iter().map(|extension| (*extension).to_string()).collect(),
        ..Surroundings::default()
    };
    let signatures = Signatures::built_in();
    let mut tally = Tally::default();
    for line in labels.lines().skip(1) {
        let mut columns = line.split('\t');
        let (Some(path), Some(set), Some(label)) = (columns.next(), columns.next(), columns.next()) else { continue };
        let Some(label) = LABELS.iter().position(|known| *known == label) else { continue };
        let is_left_out = !wish.counted && set == "phishing_pot" && is_counted_only(path);
        if !is_left_out && (wish.sets.is_empty() || wish.sets.iter().any(|wanted| wanted == set)) {
            let raw = std::fs::read(Path::new(&wish.folder).join(path)).expect("a mail of the list");
            tally.add((path, set, label), raw, &surroundings, (&signatures, &wish.model));
        }
    }
    tally.print(&wish);
}

impl Tally {
    fn add(
        &mut self,
        (path, set, label): (&str, &str, usize),
        raw: Vec<u8>,
        surroundings: &Surroundings,
        (signatures, model): (&Signatures, &Model),
    ) {
        // The receiver of this set gave a level of 1 to what it missed.
        let was_missed = set == "phishing_pot" && memchr::memmem::find(&raw, b"\nX-MS-Exchange-Organization-SCL: 1\r").is_some()
            || memchr::memmem::find(&raw, b"\nX-MS-Exchange-Organization-SCL: 1\n").is_some();
        let raw = without_leaks(without_mbox_line(raw), set);
        let start = Instant::now();
        let message = Message::parse(raw.into(), &Budget::default());
        *self.steps.entry("parse").or_default() += start.elapsed();
        let (peer, envelope, auth) = neutral(&message);
        // Old mail is not to be judged by its age.
        let now_ms = message.date_ms.unwrap_or_default();
        let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms };
        let start = Instant::now();
        let mut findings = futures_util::FutureExt::now_or_never(signatures.scan(&message)).unwrap_or_default();
        *self.steps.entry("signatures").or_default() += start.elapsed();
        for (step, inspections) in STEPS {
            let start = Instant::now();
            for inspection in *inspections {
                inspection.inspect(&mail, &auth, surroundings, &mut findings);
            }
            *self.steps.entry(step).or_default() += start.elapsed();
        }
        self.mails[label] += 1;
        let mut seen: BTreeMap<&str, bool> = BTreeMap::new();
        for finding in &findings {
            *seen.entry(&finding.check).or_default() |= finding.weight != 0.0;
        }
        for (check, weighs) in seen {
            let (with, weighing) = self.checks.entry(check.to_string()).or_default();
            with[label] += 1;
            weighing[label] += u32::from(weighs);
        }
        let start = Instant::now();
        let scores = model.score(&message);
        *self.steps.entry("classify").or_default() += start.elapsed();
        self.judge(label, &findings, scores);
        let class = verdict::judge(&findings, scores.spam_log_odds, scores.phish_log_odds, 0, &Thresholds::default()).class;
        self.count(&format!("{set} {}", LABELS[label]), class);
        if was_missed {
            self.count("phishing_pot phish missed by its receiver", class);
        }
        if set == "phishing_pot" {
            // One half may be looked at for causes, the other is only counted.
            let half = if is_counted_only(path) { "half that is only counted" } else { "half to learn causes from" };
            self.count(&format!("phishing_pot phish, {half}"), class);
            if was_missed {
                self.count(&format!("phishing_pot phish missed by its receiver, {half}"), class);
            }
        }
        let why: Vec<String> =
            findings.iter().filter(|finding| finding.weight > 0.0).map(|finding| format!("{} {}", finding.check, finding.weight)).collect();
        let line = format!("{class:?} {path}: spam {:.1} phish {:.1} {}", scores.spam_log_odds, scores.phish_log_odds, why.join(", "));
        match (label, class > Class::Bulk) {
            (0, true) => self.lost.push(line),
            (1 | 2, false) if set != "phishing_pot" || !is_counted_only(path) => self.passed.push(line),
            _ => {}
        }
    }

    fn count(&mut self, of: &str, class: Class) {
        let counts = self.sets.entry(of.to_string()).or_default();
        counts[0] += 1;
        counts[1] += u32::from(class > Class::Bulk);
        counts[2] +=
            u32::from(!matches!(class, Class::Clean | Class::Bulk | Class::Spam | Class::Impersonation | Class::Spoof | Class::Phish));
    }

    fn judge(&mut self, label: usize, findings: &[detect::Finding], scores: detect::classify::Scores) {
        let is_kept_out = |findings: &[detect::Finding], spam, phish| {
            !matches!(verdict::judge(findings, spam, phish, 0, &Thresholds::default()).class, Class::Clean | Class::Bulk)
        };
        let (spam, phish) = (scores.spam_log_odds, scores.phish_log_odds);
        let ways = [is_kept_out(findings, NEUTRAL, NEUTRAL), is_kept_out(&[], spam, phish), is_kept_out(findings, spam, phish)];
        for (count, is_out) in self.kept_out.iter_mut().zip(ways) {
            count[label] += u32::from(is_out);
        }
        if !ways[1] && ways[2] {
            let most = findings.iter().max_by(|a, b| a.weight.total_cmp(&b.weight)).map(|finding| finding.check.to_string());
            *self.turned_by.entry(format!("{} {}", LABELS[label], most.unwrap_or_default())).or_default() += 1;
        }
    }

    fn print(&mut self, wish: &Wish) {
        for (set, [mails, kept, high]) in &self.sets {
            let share = |count: u32| 100.0 * f64::from(count) / f64::from((*mails).max(1));
            println!("{set:44} {mails:6}  kept out {kept:5} {:6.2} %  high confidence {high:5} {:6.2} %", share(*kept), share(*high));
        }
        for (way, count) in ["findings alone", "classifier alone", "both"].iter().zip(&self.kept_out) {
            println!("kept from the inbox by {way:18} ham {} spam {} phish {}", count[0], count[1], count[2]);
        }
        if !wish.brief {
            self.print_checks();
        }
        println!("ham kept from the inbox: {}", self.lost.len());
        for lost in &self.lost {
            println!("  {lost}");
        }
        self.passed.sort_by_key(|line| crc(line));
        for passed in self.passed.iter().take(wish.misses) {
            println!("passed: {passed}");
        }
    }

    fn print_checks(&self) {
        for (check, count) in &self.turned_by {
            println!("  turned by {check}: {count}");
        }
        println!("mails: ham {} spam {} phish {}", self.mails[0], self.mails[1], self.mails[2]);
        println!("{:34} {:>8} {:>8} {:>8}   of these weighing", "check", "ham", "spam", "phish");
        for (check, (with, weighing)) in &self.checks {
            println!("{check:34} {:8} {:8} {:8}   {:6} {:6} {:6}", with[0], with[1], with[2], weighing[0], weighing[1], weighing[2]);
        }
        let mails: u32 = self.mails.iter().sum();
        for (step, time) in &self.steps {
            println!("{step:14} {:8.1} µs a mail", time.as_secs_f64() * 1e6 / f64::from(mails.max(1)));
        }
    }
}

/// Log-odds of "no opinion" where a line asks what the findings do alone.
const NEUTRAL: f32 = -2.0;

/// A lot for each line, the same in every run.
fn crc(line: &str) -> u64 {
    line.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3))
}

/// Half of a set by lot, by the hash of the file's name: FNV-1a and the first half of MurmurHash3's finaliser.
fn is_counted_only(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let hash = crc(name);
    let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (hash ^ hash >> 33) >> 63 == 1
}

/// Without the fields by which a set's collector can be told.
fn without_leaks(raw: Vec<u8>, set: &str) -> Vec<u8> {
    let prefixes: &[&str] = match set {
        "phishing_pot" => {
            &["x-ms-", "x-microsoft-", "x-sid-", "x-forefront-", "authentication-results", "received-spf", "to:", "delivered-to"]
        }
        "lists_modern" => &["x-spam-", "list-"],
        _ => return raw,
    };
    let crlf = memchr::memmem::find(&raw, b"\r\n\r\n").map(|at| at + 2);
    let end = memchr::memmem::find(&raw, b"\n\n").map(|at| at + 1).into_iter().chain(crlf).min().unwrap_or(raw.len());
    let (mut out, mut dropped) = (Vec::with_capacity(raw.len()), false);
    for line in raw[..end].split_inclusive(|octet| *octet == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let start = String::from_utf8_lossy(&line[..line.len().min(40)]).to_ascii_lowercase();
            dropped = prefixes.iter().any(|prefix| start.starts_with(prefix));
        }
        if !dropped {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(&raw[end..]);
    out
}

fn without_mbox_line(raw: Vec<u8>) -> Vec<u8> {
    if !raw.starts_with(b"From ") {
        return raw;
    }
    let end = raw.iter().position(|octet| *octet == b'\n').map_or(raw.len(), |at| at + 1);
    raw[end..].to_vec()
}

fn neutral(message: &Message) -> (Peer, Envelope, AuthResults) {
    let domain = message.from.address().map(|from| from.domain().to_string()).unwrap_or_default();
    (Peer::at([192, 0, 2, 1].into()), Envelope::empty(), AuthResults::not_asked(&domain))
}
