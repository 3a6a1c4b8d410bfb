//! Decides again about past mail with something that is not saved yet, from its receipts alone.
//!
//! In: a draft (a policy, an order of policies, an entry) and the directory as it is. Out: the recipients of past mail for whom it would
//! have been otherwise. Nothing is written. What a receipt does not hold cannot be decided about again: links and files of a message.

use super::decide::{Evidence, first_of, outcome};
use super::{PolicyAction, PolicySettings, Question, sql};
use crate::directory::{Directory, Effect, Entries, Entry, EntryKind, Subject};
use crate::policy::settings::OUTBOUND;
use crate::receipt::Receipt;
use crate::scope::OrgScope;
use crate::trace;
use detect::{Class, Thresholds};
use mail::auth::{CompositeResult, SpfResult};
use mail::{Address, MailId, OrgId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use store::{Db, Error};

/// One recipient of one past mail for whom the draft decides otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub mail: MailId,
    pub at_ms: i64,
    pub sender: String,
    pub subject: String,
    pub recipient: String,
    /// What the mail is now, and what it was, after thresholds and overrides.
    pub class: Class,
    #[serde(default = "clean")]
    pub was_class: Class,
    pub was: PolicyAction,
    pub would_be: PolicyAction,
    /// The policy that would decide.
    #[serde(default)]
    pub policy: String,
}

fn clean() -> Class {
    Class::Clean
}

/// What is not saved yet.
#[derive(Debug, Clone)]
pub enum Draft {
    /// A policy as if it were asked first: for the recipients it applies to.
    First(Arc<PolicySettings>),
    /// The policies of an organisation in their order, and the names of those that are not what they were.
    Order {
        policies: Vec<Arc<PolicySettings>>,
        changed: Vec<String>,
    },
    Entry(Entry),
}

/// A draft, ready to be asked.
pub struct Replay {
    draft: Draft,
    directory: Arc<Directory>,
    thresholds: Thresholds,
    /// Entries as they would be, by organisation, made when first needed; only for drafts of entries.
    entries: HashMap<OrgId, Entries>,
    now_ms: i64,
}

/// How far a replay has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Receipts read.
    pub receipts: u64,
    /// Receipts of a shape that this version cannot read.
    pub unreadable: u64,
    /// Everything since the beginning was read.
    pub is_complete: bool,
    /// The oldest mail that was read came at this time; 0: none was.
    pub back_to_ms: i64,
}

/// How far back, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Unix milliseconds.
    pub since_ms: i64,
    pub receipts_max: u64,
}

/// Receipts read at once.
const PAGE: usize = 500;

impl Replay {
    pub fn new(draft: Draft, directory: Arc<Directory>, thresholds: Thresholds, now_ms: i64) -> Replay {
        Replay { draft, directory, thresholds, entries: HashMap::new(), now_ms }
    }

    /// Reads receipts, the latest first, and gives the changes of each page to `take`; false from it ends the reading.
    pub async fn run(
        mut self,
        db: &Db,
        scope: OrgScope,
        bounds: Bounds,
        mut take: impl FnMut(&Progress, Vec<Change>) -> bool,
    ) -> Result<Progress, Error> {
        let since = trace::first_id_at(bounds.since_ms);
        let (mut before, mut progress) = (MailId(i64::MAX), Progress::default());
        loop {
            let span = (since, before);
            let page = db.read(move |tx| Box::pin(async move { sql::receipts_before(tx, scope, span, PAGE).await })).await;
            let page: Vec<sql::Past> = page.map_err(|why: Error| why)?;
            let Some((last, ..)) = page.last() else {
                progress.is_complete = true;
                take(&progress, Vec::new());
                return Ok(progress);
            };
            before = *last;
            progress.back_to_ms = trace::time_of(before);
            progress.receipts += page.len() as u64;
            // Reading some hundred receipts takes a while: not where other people's requests wait.
            let worked = tokio::task::spawn_blocking(move || {
                let (changes, unreadable) = self.page(&page);
                (self, changes, unreadable)
            });
            let (again, changes, unreadable) = worked.await.map_err(|why| Error::Gone(format!("a replay ended early: {why}")))?;
            self = again;
            progress.unreadable += unreadable;
            if !take(&progress, changes) || progress.receipts >= bounds.receipts_max {
                return Ok(progress);
            }
        }
    }

    fn page(&mut self, page: &[sql::Past]) -> (Vec<Change>, u64) {
        let (mut changes, mut unreadable) = (Vec::new(), 0);
        for (_, org, text) in page {
            match serde_json::from_str(text) {
                Ok(receipt) => changes.extend(self.changes(*org, &receipt)),
                Err(_) => unreadable += 1,
            }
        }
        (changes, unreadable)
    }

    /// What would change for the recipients of this mail.
    pub fn changes(&mut self, org: OrgId, receipt: &Receipt) -> Vec<Change> {
        if let Draft::Entry(entry) = &self.draft {
            let directory = &self.directory;
            self.entries.entry(org).or_insert_with(|| {
                let mut entries = directory.entries.get(&org).cloned().unwrap_or_default();
                entries.add(entry.clone());
                entries
            });
        }
        let subject = subject(receipt);
        receipt.recipients.iter().filter_map(|decided| self.change(org, receipt, decided, &subject)).collect()
    }

    fn change(&self, org: OrgId, receipt: &Receipt, decided: &crate::receipt::Decided, subject: &Subject) -> Option<Change> {
        let recipient = Address::parse(&decided.address).ok()?;
        if decided.policy == OUTBOUND {
            return None;
        }
        let evidence = Evidence {
            findings: &receipt.findings,
            spam_log_odds: receipt.spam_log_odds,
            phish_log_odds: receipt.phish_log_odds,
            thresholds: &self.thresholds,
        };
        let question = Question {
            verdict: &receipt.verdict,
            evidence: Some(evidence),
            auth: &receipt.auth,
            subject,
            org,
            recipient: &recipient,
            now_ms: self.now_ms,
        };
        let (policy, would_be, class) = self.again(question, decided)?;
        (would_be != decided.action).then(|| Change {
            mail: receipt.mail,
            at_ms: receipt.at_ms,
            sender: receipt.envelope.sender.clone(),
            subject: receipt.header.subject.clone(),
            recipient: decided.address.clone(),
            class,
            was_class: decided.class,
            was: decided.action,
            would_be,
            policy,
        })
    }

    /// Policy, action and class under the draft; `None` when the draft has no say here.
    fn again(&self, question: Question<'_>, decided: &crate::receipt::Decided) -> Option<(String, PolicyAction, Class)> {
        // What an entry or a mail flow rule decided stays as it was: a policy does not change those.
        let by_entry = || decided.considered.iter().any(|one| matches!(one.kind.as_str(), "entry" | "rule") && one.won);
        let everybody = self.directory.organisation(question.org).map(|org| org.settings.preset).unwrap_or_default();
        let membership = self.directory.membership(question.org, question.recipient);
        let now = || super::applying(&self.directory, question.org, question.recipient).0;
        let (policy, entries) = match &self.draft {
            Draft::First(draft) => {
                if by_entry() || draft.passes_over(question.recipient, &membership).is_some() {
                    return None;
                }
                (draft.clone(), None)
            }
            Draft::Order { policies, changed } => {
                let (then, _) = first_of(everybody, policies, question.recipient, &membership);
                let now = now();
                if by_entry() || (then.name == now.name && !changed.contains(&then.name)) {
                    return None;
                }
                (then, None)
            }
            Draft::Entry(draft) => {
                let entries = self.entries.get(&question.org)?;
                let speaks = entries.matching(question.subject, &question.recipient.key(), self.now_ms);
                if !speaks.iter().any(|(entry, _)| entry.id == draft.id) {
                    return None;
                }
                // A blocked address is turned away before there is a message.
                if draft.effect == Effect::Block && draft.kind == EntryKind::Ip {
                    return Some((String::new(), PolicyAction::Reject, decided.class));
                }
                (now(), Some(entries))
            }
        };
        let decision = outcome(policy, Vec::new(), entries, question);
        Some((decision.policy.name.clone(), decision.action, decision.class))
    }
}

/// What entries can be compared with of a receipt.
fn subject(receipt: &Receipt) -> Subject {
    let auth = &receipt.auth;
    let mut senders = Vec::with_capacity(2);
    let from = Address::parse(&receipt.header.from).ok().map(|from| (from, auth.composite.result == CompositeResult::Pass));
    let sender = Address::parse(&receipt.envelope.sender).ok();
    senders.extend(from);
    senders.extend(sender.map(|sender| (sender, auth.spf.result == SpfResult::Pass && !auth.spf.by_helo)));
    Subject::of_receipt(receipt.connection.ip, &senders)
}
