//! All rules of an organisation against one mail.

use super::compile::{Rule, Test};
use super::facts::Facts;
use super::look::{Found, Scan, look};
use super::note::NOTE_RECIPIENTS_MAX;
use super::ruling::Notice;
use super::{Deed, Evidence, Mode, NoteOutcome, OnError, RuleNote, Ruling};
use detect::Class;
use mail::Address;

/// Octets that all rules of one mail may search together.
pub const SCAN_OCTETS_MAX: u64 = 128 << 20;
/// After so many searched octets others get their turn.
const TURN_OCTETS: u64 = 1 << 20;

/// What the rules said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluated {
    /// In the order of the recipients; empty when no rule said anything.
    pub rulings: Vec<Ruling>,
    pub notes: Vec<RuleNote>,
    pub notices: Vec<Notice>,
    /// A rule that could not be evaluated wants the mail to come again; its name.
    pub defer: Option<String>,
}

/// Evaluates every rule. Pure but for giving way to others while much is searched.
pub async fn evaluate(rules: &[std::sync::Arc<Rule>], facts: Facts<'_>) -> Evaluated {
    let mut done = Evaluated { rulings: vec![Ruling::default(); facts.mail.envelope.recipients.len()], ..Evaluated::default() };
    let mut scan = Scan { octets_left: SCAN_OCTETS_MAX };
    for rule in rules {
        let before = scan.octets_left;
        step(rule, facts, &mut scan, &mut done);
        if before.saturating_sub(scan.octets_left) >= TURN_OCTETS {
            tokio::task::yield_now().await;
        }
    }
    done.notes = RuleNote::bounded(done.notes);
    done
}

/// One rule alone, as a test of a draft shows it: every condition is asked, also behind one that decided.
pub fn evaluate_one(rule: &Rule, facts: Facts<'_>) -> (Evaluated, Vec<Evidence>) {
    let mut done = Evaluated { rulings: vec![Ruling::default(); facts.mail.envelope.recipients.len()], ..Evaluated::default() };
    step(rule, facts, &mut Scan { octets_left: SCAN_OCTETS_MAX }, &mut done);
    let mut scan = Scan { octets_left: SCAN_OCTETS_MAX };
    let mut ask = |test: &Test, is_exception| {
        let recipients = facts.mail.envelope.recipients.iter().map(|one| &one.address);
        let asked: Vec<Option<&Address>> = if test.kind.is_of_recipient() { recipients.map(Some).collect() } else { vec![None] };
        let found = asked.into_iter().map(|recipient| look(test, facts, rule.settings.sender_location, recipient, &mut scan));
        let best = found.reduce(|best, next| if matches!(best, Found::Yes(_)) { best } else { next });
        evidence(test, is_exception, &best.unwrap_or(Found::No(String::new())))
    };
    let mut all: Vec<Evidence> = rule.conditions.iter().map(|test| ask(test, false)).collect();
    all.extend(rule.exceptions.iter().map(|test| ask(test, true)));
    (done, all)
}

fn step(rule: &Rule, facts: Facts<'_>, scan: &mut Scan, done: &mut Evaluated) {
    let mut note = RuleNote {
        rule: rule.id,
        name: rule.settings.name.clone(),
        mode: rule.settings.mode,
        outcome: NoteOutcome::Off,
        evidence: Vec::new(),
        actions: Vec::new(),
        recipients: Vec::new(),
        why: String::new(),
    };
    if facts.verdict.class == Class::Malware {
        note.outcome = NoteOutcome::Malware;
    } else if rule.is_on(facts.mail.now_ms) {
        let open: Vec<usize> = (0..done.rulings.len()).filter(|at| !done.rulings[*at].is_stopped).collect();
        match (open.is_empty(), &rule.broken) {
            (true, _) => note.outcome = NoteOutcome::Stopped,
            (false, Some(why)) => failed(rule, why, &mut note, done),
            (false, None) => ask(rule, facts, &open, (scan, done, &mut note)),
        }
    }
    done.notes.push(note);
}

fn failed(rule: &Rule, why: &str, note: &mut RuleNote, done: &mut Evaluated) {
    note.outcome = NoteOutcome::Failed;
    note.why = why.to_string();
    if rule.settings.on_error == OnError::Defer && rule.settings.mode == Mode::Enforce && done.defer.is_none() {
        done.defer = Some(rule.settings.name.clone());
    }
}

/// What a set of conditions came to for one recipient, or for the mail.
enum Sum {
    Holds,
    Not(NoteOutcome, Evidence),
    Unknown(Evidence, &'static str),
}

/// Asks the rule for the mail, then for each of the recipients at `open`, and does what it says.
fn ask(rule: &Rule, facts: Facts<'_>, open: &[usize], into: (&mut Scan, &mut Evaluated, &mut RuleNote)) {
    let (scan, done, note) = into;
    match sum(rule, facts, None, scan, &mut note.evidence) {
        Sum::Holds => {}
        Sum::Not(outcome, evidence) => {
            note.outcome = outcome;
            note.evidence = vec![evidence];
            return;
        }
        Sum::Unknown(evidence, why) => {
            note.evidence = vec![evidence];
            return failed(rule, why, note, done);
        }
    }
    let mut matched = Vec::new();
    let mut against = None;
    for at in open {
        let recipient = &facts.mail.envelope.recipients[*at].address;
        match sum(rule, facts, Some(recipient), scan, &mut note.evidence) {
            Sum::Holds => matched.push(*at),
            Sum::Not(outcome, evidence) => against = against.or(Some((outcome, evidence))),
            Sum::Unknown(_, why) => return failed(rule, why, note, done),
        }
    }
    if matched.is_empty() {
        let (outcome, evidence) = against.map_or((NoteOutcome::NotMatched, Vec::new()), |(outcome, one)| (outcome, vec![one]));
        (note.outcome, note.evidence) = (outcome, evidence);
        return;
    }
    note.outcome = NoteOutcome::Matched;
    note.actions = rule.deeds.iter().map(Deed::kind).collect();
    if matched.len() < facts.mail.envelope.recipients.len() {
        let names = matched.iter().map(|at| facts.mail.envelope.recipients[*at].address.to_string());
        note.recipients = names.take(NOTE_RECIPIENTS_MAX).collect();
    }
    apply(rule, &matched, done);
}

/// Conditions and exceptions about the mail (`recipient` is `None`), or those about one recipient.
fn sum(rule: &Rule, facts: Facts<'_>, recipient: Option<&Address>, scan: &mut Scan, held: &mut Vec<Evidence>) -> Sum {
    let location = rule.settings.sender_location;
    let mine = |test: &&Test| test.kind.is_of_recipient() == recipient.is_some();
    let mut unknown = None;
    for test in rule.conditions.iter().filter(mine) {
        let found = look(test, facts, location, recipient, scan);
        let evidence = evidence(test, false, &found);
        match found {
            Found::Yes(_) if held.contains(&evidence) => {}
            Found::Yes(_) => held.push(evidence),
            Found::No(_) => return Sum::Not(NoteOutcome::NotMatched, evidence),
            Found::Unknown(why) => unknown = unknown.or(Some((evidence, why))),
        }
    }
    for test in rule.exceptions.iter().filter(mine) {
        let found = look(test, facts, location, recipient, scan);
        match found {
            Found::Yes(_) => return Sum::Not(NoteOutcome::Excepted, evidence(test, true, &found)),
            Found::No(_) => {}
            Found::Unknown(why) => unknown = unknown.or(Some((evidence(test, true, &found), why))),
        }
    }
    held.truncate(EVIDENCE_MAX);
    unknown.map_or(Sum::Holds, |(evidence, why)| Sum::Unknown(evidence, why))
}

/// Evidence kept of one rule.
const EVIDENCE_MAX: usize = 30;

fn evidence(test: &Test, is_exception: bool, found: &Found) -> Evidence {
    let (holds, found) = match found {
        Found::Yes(text) => (Some(true), text.clone()),
        Found::No(text) => (Some(false), text.clone()),
        Found::Unknown(why) => (None, (*why).to_string()),
    };
    Evidence { test: test.kind, is_exception, holds, found }
}

fn apply(rule: &Rule, matched: &[usize], done: &mut Evaluated) {
    let mode = rule.settings.mode;
    if mode != Mode::Audit {
        for deed in &rule.deeds {
            let (to, text) = match deed {
                Deed::NotifySender(text) => (Vec::new(), text),
                Deed::Notify(to, text) => (to.clone(), text),
                _ => continue,
            };
            done.notices.push(Notice { rule: rule.settings.name.clone(), to, text: text.clone() });
        }
    }
    if mode == Mode::Enforce {
        for at in matched {
            let ruling = &mut done.rulings[*at];
            ruling.take(rule.id, &rule.settings.name, &rule.deeds);
            ruling.is_stopped |= rule.settings.stop;
        }
    }
}
