//! Looking again: what the same mail would meet today, and how the sender's side is now.
//!
//! A refused mail is not kept, so its content cannot be read again: its receipt can be decided about again, with the entries, policies
//! and thresholds of today. What the moment of the connection decided is asked anew.

use super::sql::SecondLook;
use crate::App;
use crate::connectivity::Step;
use crate::connectivity::sender::{self, Sender};
use crate::page::{Fault, Say};
use gateway::directory::{Effect, Standing, Subject};
use gateway::policy::{Evidence, PolicyAction, Question, decide};
use gateway::receipt::Receipt;
use gateway::scope::OrgScope;
use gateway::trace;
use mail::Address;
use mail::auth::{CompositeResult, SpfResult};
use serde::{Deserialize, Serialize};
use store::Error;

/// Recipients decided about again.
const RECIPIENTS_MAX: usize = 20;

/// What looking again came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Whether it would be refused today; `None`: cannot be told.
    pub is_refused: Option<bool>,
    /// Why, in the order looked at.
    pub today: Vec<Say>,
    /// The sender's side.
    pub steps: Vec<Step>,
}

pub fn read(json: &str) -> Option<Again> {
    serde_json::from_str(json).ok()
}

/// Looks; changes nothing.
pub async fn look(app: &App, look: &SecondLook) -> Result<Again, Fault> {
    let receipt = receipt(app, look).await?;
    let mut again = Again { at_ms: app.now_ms(), ..Again::default() };
    if let Ok(ip) = look.facts.ip.parse() {
        let sender = Sender { ip, helo: look.facts.helo.clone(), domain: look.domain.clone() };
        let seen = receipt.as_ref().map(|receipt| receipt.auth.dkim.as_slice());
        let (steps, signed) = tokio::join!(sender::look(app, &sender), sender::signatures(app.dns.as_ref(), seen));
        again.steps = steps.into_iter().chain(signed).collect();
        at_the_door(app, look, ip, &mut again).await;
    }
    match &receipt {
        Some(receipt) => by_policy(app, look, receipt, &mut again),
        None if look.mail.is_some() => again.today.push(Say::new("desk-today-no-receipt")),
        None => {}
    }
    Ok(again)
}

async fn receipt(app: &App, look: &SecondLook) -> Result<Option<Receipt>, Fault> {
    let (Some(mail), scope) = (look.mail, OrgScope::One(look.org)) else { return Ok(None) };
    let found = app.db.read(move |tx| Box::pin(async move { trace::receipt_of(tx, scope, mail).await })).await;
    Ok(found.map_err(|why: Error| Fault::from(why))?.and_then(|json| serde_json::from_str(&json).ok()))
}

/// What RCPT would say today.
async fn at_the_door(app: &App, look: &SecondLook, ip: std::net::IpAddr, again: &mut Again) {
    let directory = app.directory.snapshot();
    let mut refuse = |say: Say, is_refused: bool| {
        again.today.push(say);
        again.is_refused = Some(again.is_refused.unwrap_or(false) || is_refused);
    };
    for recipient in look.facts.recipients.iter().take(RECIPIENTS_MAX).filter_map(|text| Address::parse(text).ok()) {
        match directory.standing(&recipient) {
            Standing::Unknown(_) => refuse(Say::new("desk-today-unknown").with("what", recipient.to_string()), true),
            Standing::Foreign => refuse(Say::new("desk-today-foreign").with("what", recipient.to_string()), true),
            Standing::Ours(..) | Standing::AskNextHop(..) => {
                refuse(Say::new("desk-today-known").with("what", recipient.to_string()), false)
            }
        }
        let entries = directory.entries.get(&look.org);
        let matching =
            entries.map(|entries| entries.matching(&Subject::connection(ip), &recipient.key(), app.now_ms())).unwrap_or_default();
        if let Some((entry, _)) = matching.iter().find(|(entry, _)| entry.effect == Effect::Block) {
            refuse(Say::new("desk-today-blocked").with("what", entry.value.as_str()), true);
        }
    }
    if let Some(zone) = app.lists.refusing(ip).await {
        refuse(Say::new("desk-today-listed").with("what", zone), true);
    }
}

/// What the policies, entries and thresholds of today make of the receipt.
fn by_policy(app: &App, look: &SecondLook, receipt: &Receipt, again: &mut Again) {
    let directory = app.directory.snapshot();
    let verdict =
        detect::verdict::judge(&receipt.findings, receipt.spam_log_odds, receipt.phish_log_odds, receipt.verdict.bcl, &app.thresholds);
    let evidence = Evidence {
        findings: &receipt.findings,
        spam_log_odds: receipt.spam_log_odds,
        phish_log_odds: receipt.phish_log_odds,
        thresholds: &app.thresholds,
    };
    let subject = subject(receipt);
    for decided in receipt.recipients.iter().take(RECIPIENTS_MAX) {
        let Ok(recipient) = Address::parse(&decided.address) else { continue };
        let by_rule = decided.considered.iter().find(|one| one.kind == "rule" && one.won);
        if let Some(rule) = by_rule {
            again.today.push(Say::new("desk-today-rule").with("what", rule.name.as_str()));
            continue;
        }
        let question = Question {
            verdict: &verdict,
            evidence: Some(evidence),
            auth: &receipt.auth,
            subject: &subject,
            org: look.org,
            recipient: &recipient,
            now_ms: app.now_ms(),
        };
        let decision = decide(&directory, question);
        let is_refused = decision.action == PolicyAction::Reject;
        let key = if is_refused { "desk-today-refused" } else { "desk-today-taken" };
        let say = Say { key: key.into(), args: Vec::new() };
        again.today.push(say.with("what", decided.address.as_str()).with("policy", decision.policy.name.as_str()));
        again.is_refused = Some(again.is_refused.unwrap_or(false) || is_refused);
    }
}

/// What entries can be compared with of a receipt.
fn subject(receipt: &Receipt) -> Subject {
    let auth = &receipt.auth;
    let from = Address::parse(&receipt.header.from).ok().map(|from| (from, auth.composite.result == CompositeResult::Pass));
    let sender = Address::parse(&receipt.envelope.sender).ok();
    let sender = sender.map(|sender| (sender, auth.spf.result == SpfResult::Pass && !auth.spf.by_helo));
    let senders: Vec<(Address, bool)> = from.into_iter().chain(sender).collect();
    Subject::of_receipt(receipt.connection.ip, &senders)
}
