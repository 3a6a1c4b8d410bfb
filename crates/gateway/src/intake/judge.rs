//! Authentication, inspection, verdict: what a mail is, independent of who receives it.

use super::{Direction, Gate, Ruled};
use crate::directory::{Directory, Subject};
use crate::follow;
use crate::policy::Decision;
use crate::receipt::{Connection, Decided, EnvelopeShape, HeaderDigest, Receipt, Step, VERSION, Versions};
use crate::reputation::{self, Behind, Outcome};
use crate::signal::{Counter, Timer};
use detect::acquaintance::{Acquaintance, Memory};
use detect::finding::DECISIVE;
use detect::inspect::INCOMPLETE;
use detect::{Class, Finding, Inspected, Kind, Verdict};
use futures_util::FutureExt;
use mail::address::organisational_domain;
use mail::auth::{self, AuthResults, Composite, CompositeResult, DkimResult, Dmarc, DmarcPolicy, DmarcResult, Spf, SpfResult};
use mail::{Mail, MailId, OrgId};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use tracing::Instrument;

/// What is known besides the mail.
pub struct Seen<'a> {
    pub directory: &'a Directory,
    pub direction: Direction,
    /// Findings of the connection lists.
    pub lists: Vec<Finding>,
}

/// A judged mail.
#[derive(Debug, Clone)]
pub struct Judged {
    pub auth: AuthResults,
    pub inspected: Inspected,
    pub verdict: Verdict,
    /// Who stands behind the mail, for reputation.
    pub behind: Behind,
    pub steps: Vec<Step>,
}

/// Authentication may wait for DNS this long in all; what is not known by then is a temporary error in the results.
const AUTHENTICATE_MAX: Duration = Duration::from_secs(15);
/// Inspections and engines together; over it the mail counts as not fully inspected.
const INSPECT_MAX: Duration = Duration::from_secs(45);

/// Judges one mail. Never fails: what could not be found out is in the results.
pub async fn judge(gate: &Gate, mail: Mail<'_>, seen: Seen<'_>) -> Judged {
    judged(gate, mail, seen, true).await
}

/// The same for a mail that is only asked about: nothing is remembered of it.
pub(super) async fn judge_unnoted(gate: &Gate, mail: Mail<'_>, seen: Seen<'_>) -> Judged {
    judged(gate, mail, seen, false).await
}

async fn judged(gate: &Gate, mail: Mail<'_>, seen: Seen<'_>, is_noted: bool) -> Judged {
    let mut steps = Vec::with_capacity(12);
    let started = Instant::now();
    let settings = gate.auth_settings(seen.directory);
    let authenticating = guarded(AUTHENTICATE_MAX, auth::authenticate(mail, gate.dns.as_ref(), &settings));
    let auth = authenticating.instrument(tracing::trace_span!(target: follow::TARGET, "authenticate")).await;
    let auth = auth.unwrap_or_else(|_| not_authenticated(mail));
    steps.push(step("authentication", started));
    let started = Instant::now();
    let behind = Behind::new(mail, &auth);
    let (memory, known) = remembered(gate, mail, &seen, (&behind, is_noted)).await;
    steps.push(step("reputation", started));
    let started = Instant::now();
    let inspecting = guarded(INSPECT_MAX, async {
        let inspected = gate.detector.inspect_with(mail, &auth, &seen.directory.surroundings, &memory).await;
        // What cannot be read ended the line above, and is nobody's usual mail.
        if is_noted && !seen.direction.outbound {
            gate.feedback.deltas.usual.see(seen.direction.org, mail.message, &gate.feedback.model, gate.now_ms());
        }
        inspected
    });
    let inspected = inspecting.instrument(tracing::trace_span!(target: follow::TARGET, "inspect")).await;
    let mut inspected = inspected.unwrap_or_else(not_inspected);
    inspected.findings.extend(seen.lists);
    steps.push(step("inspection", started));
    gate.signals.took(Timer::Inspect, started.elapsed());
    steps.extend(inspected.micros.iter().map(|(name, micros)| Step { name: (*name).into(), micros: *micros }));
    if is_noted && !seen.direction.outbound {
        note(gate, seen.direction.org, &behind, &inspected);
    }
    inspected.findings.extend(known);
    let verdict = verdict(gate, &inspected);
    if verdict.class == Class::Uninspectable {
        gate.signals.add(Counter::NotInspectable, 1);
    }
    Judged { verdict, auth, inspected, behind, steps }
}

fn verdict(gate: &Gate, inspected: &Inspected) -> Verdict {
    detect::verdict::judge(&inspected.findings, inspected.spam_log_odds, inspected.phish_log_odds, inspected.bcl, &gate.thresholds)
}

/// What is remembered of those behind a mail and was taught about such mail, and findings of their record and present behaviour.
async fn remembered(gate: &Gate, mail: Mail<'_>, seen: &Seen<'_>, (behind, is_noted): (&Behind, bool)) -> (Memory, Vec<Finding>) {
    let org = seen.direction.org;
    if seen.direction.outbound {
        if is_noted {
            gate.threads.note(org, mail.message);
            gate.reputation.note_written(org, written_to(mail, seen.directory), gate.now_ms());
        }
        return Default::default();
    }
    let known = gate.reputation.look(org, behind, mail.now_ms).await;
    let mut findings = known.findings();
    if behind.address.is_some() && is_noted {
        findings.extend(gate.rates.mail(mail.peer.ip, &known, mail.now_ms));
    }
    let acquaintance = Acquaintance {
        address: known.familiarity(reputation::Kind::Author),
        domain: known.familiarity(reputation::Kind::Domain),
        thread: gate.threads.answers(org, mail.message),
        volume: known.volume(),
    };
    if is_noted {
        gate.threads.note(org, mail.message);
    }
    let only = match mail.envelope.recipients.as_slice() {
        [only] => Some(only.address.key()),
        _ => None,
    };
    let deltas = gate.feedback.deltas.of(org, only.as_deref());
    (Memory { acquaintance, deltas, correspondents: gate.reputation.correspondents(org) }, findings)
}

/// Recipients' organisational domains looked at in one outgoing mail.
const WRITTEN_MAX: usize = 20;

/// The organisations that an outgoing mail is written to, each once.
fn written_to<'a>(mail: Mail<'a>, directory: &'a Directory) -> impl Iterator<Item = &'a str> {
    let mut domains: Vec<&str> = Vec::new();
    for recipient in mail.envelope.recipients.iter().take(WRITTEN_MAX) {
        let domain = organisational_domain(recipient.address.domain()).unwrap_or(recipient.address.domain());
        if !directory.own_domains.contains(domain) && !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    domains.into_iter()
}

/// Notes what a mail was, as judged without the memory itself. What is neither clearly good nor clearly bad teaches nothing.
fn note(gate: &Gate, org: OrgId, behind: &Behind, inspected: &Inspected) {
    let verdict = verdict(gate, inspected);
    let outcome = match verdict.class {
        Class::Clean | Class::Bulk if verdict.spam_probability < GOOD_BELOW && verdict.phish_probability < GOOD_BELOW => Outcome::Good,
        Class::Spam | Class::HighSpam | Class::Phish | Class::HighPhish | Class::Malware => Outcome::Bad,
        _ => return,
    };
    gate.reputation.note(org, behind, outcome, (1.0, gate.now_ms()));
}

/// Spam probability below which a mail speaks for its sender.
const GOOD_BELOW: f32 = 0.3;

/// Runs a step under its time limit and catches a panic; `Err` says which of the two ended it.
pub(super) async fn guarded<T>(limit: Duration, step: impl Future<Output = T>) -> Result<T, &'static str> {
    match tokio::time::timeout(limit, AssertUnwindSafe(step).catch_unwind()).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => {
            tracing::error!("a step of the mail path panicked; the mail is held");
            Err("it failed")
        }
        Err(_) => Err("it took too long"),
    }
}

/// What is left when DNS did not answer in time: nothing passed, nothing failed for good.
fn not_authenticated(mail: Mail<'_>) -> AuthResults {
    let sender = mail.envelope.sender.as_ref().map(|sender| sender.domain().to_string());
    let author = mail.message.from.address().map(|author| author.domain().to_string()).unwrap_or_default();
    let why = "DNS did not answer in time";
    AuthResults {
        spf: Spf {
            result: SpfResult::TempError,
            by_helo: sender.is_none(),
            domain: sender.unwrap_or_else(|| mail.peer.helo.clone()),
            why: why.into(),
        },
        dkim: Vec::new(),
        dmarc: Dmarc {
            result: DmarcResult::TempError,
            domain: author,
            policy_domain: None,
            policy: DmarcPolicy::None,
            sampled_out: false,
            why: why.into(),
        },
        arc: auth::Arc { result: DkimResult::TempError, instances: 0, sealer: None, trusted: false, why: why.into() },
        composite: Composite { result: CompositeResult::None, reason: 0 },
        dns_lookups: 0,
    }
}

fn not_inspected(why: &'static str) -> Inspected {
    let finding = Finding::new(INCOMPLETE, Kind::Uninspectable, DECISIVE, format!("inspection stopped: {why}"));
    Inspected { findings: vec![finding], ..Inspected::default() }
}

pub(super) fn step(name: &str, started: Instant) -> Step {
    Step { name: name.into(), micros: u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX) }
}

impl Judged {
    /// What allow and block entries are compared with.
    pub fn subject(&self, mail: Mail<'_>) -> Subject {
        let authenticated = matches!(self.auth.composite.result, CompositeResult::Pass);
        Subject::new(mail, authenticated, self.auth.spf.result == SpfResult::Pass && !self.auth.spf.by_helo)
    }

    pub fn receipt(&self, gate: &Gate, (id, mail): (MailId, Mail<'_>), ruled: &Ruled, decisions: &[Decision]) -> Receipt {
        let recipients = ruled.targets.iter().zip(decisions);
        Receipt {
            version: VERSION,
            mail: id,
            at_ms: mail.now_ms,
            connection: Connection::new(mail.peer),
            envelope: EnvelopeShape::new(mail.envelope),
            header: HeaderDigest::new(mail),
            auth: self.auth.clone(),
            findings: self.inspected.findings.clone(),
            defects: mail.message.defects.iter().take(DEFECTS_MAX).cloned().collect(),
            spam_log_odds: self.inspected.spam_log_odds,
            phish_log_odds: self.inspected.phish_log_odds,
            verdict: self.verdict.clone(),
            behind: self.behind.clone(),
            recipients: recipients.map(|(to, decision)| Decided::new(to.address.to_string(), decision)).collect(),
            rules: ruled.evaluated.notes.clone(),
            split_from: None,
            refused: String::new(),
            spent: mail.message.spent,
            steps: self.steps.iter().chain(&ruled.step).cloned().collect(),
            versions: Versions { code: env!("CARGO_PKG_VERSION").into(), model: gate.model_version.clone() },
        }
    }
}

/// Defects kept in a receipt.
const DEFECTS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::{ListSettings, Lists};
    use crate::receipt::{Language, evidence, title};
    use crate::reputation::{Kind as NameKind, Known, Rates, Standing};
    use detect::checks::{OF_GATEWAY, find};
    use mail::dns::{Record, RecordType, Zone};
    use std::collections::BTreeSet;
    use std::net::IpAddr;
    use std::path::Path;
    use std::sync::Arc;

    const NOON_MS: i64 = 1_795_000_000_000;

    /// Everything that the gateway itself finds, made by the parts that make it.
    async fn findings() -> Vec<Finding> {
        let [guessing, burst] = ["192.0.2.9", "192.0.2.10"].map(|ip| ip.parse::<IpAddr>().expect("an address"));
        let mut zone = Zone::new();
        zone.add("9.2.0.192.well.example", Record::A([127, 0, 0, 2].into()));
        zone.fails("9.2.0.192.away.example", RecordType::A);
        let list = |zone: &str| ListSettings { zone: zone.into(), ..ListSettings::default() };
        let lists = Lists::new(Arc::new(zone), ["well.example", "away.example"].map(list).to_vec());
        let mut found = lists.answers(guessing).await;
        let standing = |good, bad| Standing { good, bad, first_ms: NOON_MS, last_ms: NOON_MS };
        let domains = [("good.example", standing(30.0, 0.0)), ("bad.example", standing(0.0, 30.0))];
        let standings = domains.map(|(name, standing)| (NameKind::Domain, Arc::<str>::from(name), standing)).to_vec();
        found.extend(Known { standings, is_complete: true }.findings());
        let rates = Rates::default();
        (0..10).for_each(|_| rates.unknown_recipient(guessing, NOON_MS));
        found.extend(rates.mail(guessing, &Known::default(), NOON_MS));
        found.extend((0..50).flat_map(|_| rates.mail(burst, &Known::default(), NOON_MS)));
        found.extend(["it failed", "it took too long"].into_iter().flat_map(|why| not_inspected(why).findings));
        found
    }

    #[tokio::test]
    async fn what_the_gateway_finds_has_an_article_and_says_in_both_languages_what_was_seen() {
        let found = findings().await;
        let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for finding in &found {
            assert!(find(&finding.check).is_some(), "{} has no article", finding.check);
            assert!(!finding.evidence.trim().is_empty() && !is_chinese(&finding.evidence), "{finding:?}");
            assert!(is_chinese(title(&finding.check, Language::Chinese)), "{}", finding.check);
            let said = evidence(finding, Language::Chinese);
            assert!(is_chinese(&said) && !said.contains(" minutes") && !said.contains("it "), "{}: {said}", finding.check);
        }
        let made: BTreeSet<&str> = found.iter().map(|finding| finding.check.as_ref()).collect();
        assert_eq!(made, BTreeSet::from(OF_GATEWAY));
    }

    /// First arguments of findings that sources make, tests apart.
    fn made_in(folder: &Path, made: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_string();
            if path.is_dir() {
                if name != "tests" {
                    made_in(&path, made);
                }
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = std::fs::read_to_string(&path).expect("a source file is UTF-8");
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                made.extend(text.split("Finding::new(").skip(1).map(|rest| rest.split(',').next().unwrap_or_default().trim().to_string()));
            }
        }
    }

    #[test]
    fn every_place_that_makes_a_finding_is_tried_here() {
        let mut made = BTreeSet::new();
        made_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut made);
        // `check` is one of the two of reputation. Another one belongs into `findings` above, and its id into `detect::checks`.
        let known = ["DNS_LIST", "DNS_LIST_UNAVAILABLE", "INCOMPLETE", "RATE_BURST", "RATE_UNKNOWN_RECIPIENTS", "check"];
        assert_eq!(made, BTreeSet::from(known.map(String::from)));
    }
}
