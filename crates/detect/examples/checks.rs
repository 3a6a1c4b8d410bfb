//! How often each check is seen in labelled mail: `cargo run --release -p detect --example checks -- FOLDER`.
//!
//! FOLDER holds `labels.tsv` (path, set, label, date). Network is off: results of authentication are neutral.
//! Findings are counted, and judged alone and with the shipped classifier. Prints per check the share of ham, spam and phish that has it, and per step
//! the CPU time; then the mail that findings alone would keep from the inbox although it is ham.

use detect::classify::Model;
use detect::inspect::STEPS;
use detect::malware::{Engine, signatures::Signatures};
use detect::{Class, Surroundings, Thresholds, verdict};
use mail::auth::{Arc, Composite, CompositeResult, DkimResult, Dmarc, DmarcPolicy, DmarcResult, Spf, SpfResult};
use mail::message::Budget;
use mail::{AuthResults, Envelope, Mail, Message, Peer};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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
    /// Mails kept from the inbox by findings alone, by the classifier alone, and by both.
    kept_out: [[u32; 3]; 3],
    /// Phish and spam that findings turn where the classifier alone lets it pass, by the weightiest finding.
    turned_by: BTreeMap<String, u32>,
}

fn main() {
    let folder = std::env::args().nth(1).expect("the folder with labels.tsv");
    let labels = std::fs::read_to_string(Path::new(&folder).join("labels.tsv")).expect("labels.tsv");
    let sets: Vec<String> = std::env::args().skip(2).collect();
    let surroundings = Surroundings {
        own_domains: ["example.com".to_string()].into(),
        people: Vec::new(),
        blocked_types: detect::attachment::BLOCKED_TYPES.iter().map(|extension| (*extension).to_string()).collect(),
        ..Surroundings::default()
    };
    let signatures = Signatures::built_in();
    let model = Model::built_in();
    let mut tally = Tally::default();
    for line in labels.lines().skip(1) {
        let mut columns = line.split('\t');
        let (Some(path), Some(set), Some(label)) = (columns.next(), columns.next(), columns.next()) else { continue };
        let Some(label) = LABELS.iter().position(|known| *known == label) else { continue };
        if sets.is_empty() || sets.iter().any(|wanted| wanted == set) {
            let raw = std::fs::read(Path::new(&folder).join(path)).expect("a mail of the list");
            tally.add(path, label, raw, &surroundings, (&signatures, &model));
        }
    }
    tally.print();
}

impl Tally {
    fn add(&mut self, path: &str, label: usize, raw: Vec<u8>, surroundings: &Surroundings, (signatures, model): (&Signatures, &Model)) {
        let raw = without_mbox_line(raw);
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
        self.judge(label, &findings, model.score(&message));
        let verdict =
            verdict::judge(&findings, 0.0, 0.0, detect::bulk::level(&message, &auth, &Default::default()), &Thresholds::default());
        if label == 0 && verdict.class != Class::Clean {
            let why: Vec<String> = findings
                .iter()
                .filter(|finding| finding.weight > 0.0)
                .map(|finding| format!("{} {}", finding.check, finding.weight))
                .collect();
            self.lost.push(format!("{:?} {path}: {}", verdict.class, why.join(", ")));
        }
    }

    fn judge(&mut self, label: usize, findings: &[detect::Finding], scores: detect::classify::Scores) {
        let is_kept_out = |findings: &[detect::Finding], spam, phish| {
            !matches!(verdict::judge(findings, spam, phish, 0, &Thresholds::default()).class, Class::Clean | Class::Bulk)
        };
        let (spam, phish) = (scores.spam_log_odds, scores.phish_log_odds);
        let ways = [is_kept_out(findings, 0.0, 0.0), is_kept_out(&[], spam, phish), is_kept_out(findings, spam, phish)];
        for (count, is_out) in self.kept_out.iter_mut().zip(ways) {
            count[label] += u32::from(is_out);
        }
        if !ways[1] && ways[2] {
            let most = findings.iter().max_by(|a, b| a.weight.total_cmp(&b.weight)).map(|finding| finding.check.to_string());
            *self.turned_by.entry(format!("{} {}", LABELS[label], most.unwrap_or_default())).or_default() += 1;
        }
    }

    fn print(&self) {
        for (way, count) in ["findings alone", "classifier alone", "both"].iter().zip(&self.kept_out) {
            println!("kept from the inbox by {way:18} ham {} spam {} phish {}", count[0], count[1], count[2]);
        }
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
        println!("ham that findings alone keep from the inbox: {}", self.lost.len());
        for lost in &self.lost {
            println!("  {lost}");
        }
    }
}

fn without_mbox_line(raw: Vec<u8>) -> Vec<u8> {
    if !raw.starts_with(b"From ") {
        return raw;
    }
    let end = raw.iter().position(|octet| *octet == b'\n').map_or(raw.len(), |at| at + 1);
    raw[end..].to_vec()
}

fn neutral(message: &Message) -> (Peer, Envelope, AuthResults) {
    let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let local = SocketAddr::new(ip, 25);
    let peer = Peer { ip, port: 0, local, reverse: Default::default(), helo: String::new(), esmtp: true, tls: None, authenticated: None };
    let envelope = Envelope {
        sender: None,
        recipients: Vec::new(),
        smtputf8: false,
        body: Default::default(),
        require_tls: false,
        ret: None,
        envid: None,
    };
    let domain = message.from.address().map(|from| from.domain().to_string()).unwrap_or_default();
    let auth = AuthResults {
        spf: Spf { result: SpfResult::None, domain: domain.clone(), by_helo: false, why: String::new() },
        dkim: Vec::new(),
        dmarc: Dmarc {
            result: DmarcResult::None,
            domain,
            policy_domain: None,
            policy: DmarcPolicy::None,
            sampled_out: false,
            why: String::new(),
        },
        arc: Arc { result: DkimResult::None, instances: 0, sealer: None, trusted: false, why: String::new() },
        composite: Composite { result: CompositeResult::None, reason: 300 },
        dns_lookups: 0,
    };
    (peer, envelope, auth)
}
