//! The story of one mail as its page tells it: events as sentences, the receipt as sections. Everything follows from what was written.

use super::hops::Hop;
use crate::App;
use crate::page::view::View;
use crate::page::{Fault, Say};
use crate::people::Person;
use gateway::receipt::{self, Receipt};
use gateway::trace::api::{EventBody, MailBody};
use gateway::trace::{self, Query};
use mail::MailId;
use mail::auth::AuthResults;
use std::borrow::Cow;
use store::Error;

/// What the page shows.
pub struct Story {
    pub mail: MailId,
    /// `None` when it was refused before it was a row of the trace.
    pub row: Option<MailBody>,
    pub events: Vec<EventBody>,
    pub receipt: Option<Receipt>,
    /// As stored, for those who want all of it.
    pub receipt_json: String,
}

/// Reads it, or says that there is none for this person.
pub async fn read(app: &App, person: &Person, mail: MailId) -> Result<Story, Fault> {
    let scope = person.scope();
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let events = trace::events_of(tx, scope, mail).await?;
            let receipt = trace::receipt_of(tx, scope, mail).await?;
            let query = Query { mail: Some(mail), limit: 1, ..Query::default() };
            let row = trace::search(tx, scope, &query).await?.rows.pop();
            Ok::<_, Error>((events, receipt, row))
        })
    });
    let (events, receipt, row) = read.await?;
    if events.is_empty() && row.is_none() {
        return Err(Fault::NotFound);
    }
    let receipt_json = receipt.unwrap_or_default();
    Ok(Story {
        mail,
        row,
        events: events.iter().map(EventBody::from).collect(),
        receipt: serde_json::from_str(&receipt_json).ok(),
        receipt_json,
    })
}

/// Recipients whose waiting is drawn.
const OWN_HOPS_MAX: usize = 60;

/// One step of the timeline.
pub struct Step {
    pub at_ms: i64,
    pub tone: &'static str,
    pub title: String,
    pub text: String,
}

impl Story {
    /// Events as sentences, oldest first.
    pub fn steps(&self, view: &View) -> Vec<Step> {
        self.events.iter().map(|event| step(view, event)).collect()
    }

    pub fn is_in_state(&self, state: &str) -> bool {
        self.row.as_ref().is_some_and(|row| row.recipients.iter().any(|recipient| recipient.state == state))
    }

    /// From here on: when it was taken, and how long each recipient waited until it was settled.
    pub fn own_way(&self) -> Vec<Hop> {
        let Some(row) = &self.row else { return Vec::new() };
        let settled = self.events.iter().filter(|event| matches!(event.kind, "delivered" | "handed-back" | "bounced")).take(OWN_HOPS_MAX);
        let hop = |event: &EventBody| Hop {
            from: event.recipient.clone(),
            by: event.detail["hop"].as_str().unwrap_or_default().to_string(),
            at_ms: Some(event.at_ms),
            delay_ms: Some(event.at_ms - row.at_ms),
            ..Hop::default()
        };
        settled.map(hop).collect()
    }

    /// What was told to the peer when it was refused, in words with whose turn it is.
    pub fn refusal(&self, view: &View) -> Vec<String> {
        let refused = self.events.iter().find(|event| event.kind.ends_with("-refused"));
        refused.map(|event| receipt::explain_refusal(event, view.lang.of_receipt())).unwrap_or_default()
    }

    pub fn subject(&self) -> String {
        let of_receipt = self.receipt.as_ref().map(|receipt| receipt.header.subject.clone());
        let of_event = || self.events.iter().find_map(|event| event.detail["subject"].as_str().map(str::to_string));
        of_receipt.or_else(|| self.row.as_ref().map(|row| row.subject.clone())).or_else(of_event).unwrap_or_default()
    }

    /// The sender to allow or to block; '' is the null reverse-path.
    pub fn sender(&self) -> String {
        let of_receipt = self.receipt.as_ref().map(|receipt| receipt.header.from.clone()).filter(|from| !from.is_empty());
        of_receipt.or_else(|| self.row.as_ref().map(|row| row.sender.clone())).unwrap_or_default()
    }
}

fn step(view: &View, event: &EventBody) -> Step {
    let detail = |name: &str| match &event.detail[name] {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    let mut say = Say { key: format!("event-text-{}", event.kind).into(), args: Vec::new() };
    say = say.with("recipient", event.recipient.clone()).with("reply", detail("reply")).with("hop", detail("hop"));
    say = say.with("secured", secured(view, &detail("tls"), &detail("policy")));
    say = say.with("by", detail("by")).with("verdict", view.of_kind("verdict", &detail("verdict"))).with("scl", detail("scl"));
    say = say.with("size", view.octets(event.detail["octets"].as_i64().unwrap_or(0)));
    say = say.with("from", detail("from")).with("to", detail("to")).with("why", view.of_kind("removal-said", &detail("why")));
    say = say.with("until", event.detail["until_ms"].as_i64().map(|at| view.moment(at)).unwrap_or_default());
    let text = if crate::page::words::has(view.lang, &say.key) { view.say(&say) } else { event.detail.to_string() };
    Step { at_ms: event.at_ms, tone: tone(event.kind), title: view.of_kind("event", event.kind), text }
}

/// How the connection was protected, as it stands behind a reply; '' is not at all.
fn secured(view: &View, tls: &str, policy: &str) -> String {
    match (tls, policy) {
        ("", "") => String::new(),
        (one, "") | ("", one) => view.say(&Say::new("event-secured-tls").with("tls", one)),
        (tls, policy) => view.say(&Say::new("event-secured").with("tls", tls).with("policy", policy)),
    }
}

fn tone(kind: &str) -> &'static str {
    match kind {
        "delivered" | "handed-back" | "released" | "put-back" => "good",
        "held" | "deferred" | "delay-notice" | "requeued" | "removed" => "warn",
        "bounced" | "deleted" | "expired" | "cancelled" => "bad",
        kind if kind.ends_with("-refused") => "bad",
        _ => "info",
    }
}

/// One finding as the table shows it.
pub struct FindingRow<'a> {
    pub check: &'a str,
    pub title: &'a str,
    pub evidence: Cow<'a, str>,
    pub weight: String,
    pub is_decisive: bool,
}

/// Findings of a receipt, strongest first.
pub fn findings<'a>(receipt: &'a Receipt, view: &View) -> Vec<FindingRow<'a>> {
    let lang = view.lang.of_receipt();
    let decided = receipt.verdict.decided_by;
    let mut rows: Vec<(bool, f32, FindingRow<'a>)> = receipt
        .findings
        .iter()
        .enumerate()
        .map(|(at, finding)| {
            let is_decisive = decided == Some(at);
            let weight = weight(view, finding);
            let title = receipt::title(&finding.check, lang);
            let row = FindingRow { check: &finding.check, title, evidence: receipt::evidence(finding, lang), weight, is_decisive };
            (is_decisive, finding.weight.abs(), row)
        })
        .collect();
    rows.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    rows.into_iter().map(|(_, _, row)| row).collect()
}

/// The weight of a finding as people read it.
pub fn weight(view: &View, finding: &detect::Finding) -> String {
    if finding.weight >= detect::finding::DECISIVE { view.t("trace-decisive") } else { format!("{:+.1}", finding.weight) }
}

/// One part of sender authentication: name, result, and why.
pub struct AuthRow {
    pub name: &'static str,
    pub result: String,
    pub tone: &'static str,
    pub why: String,
}

/// Authentication, part by part.
pub fn authentication(view: &View, auth: &AuthResults) -> Vec<AuthRow> {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_string();
    let json = |value: Result<serde_json::Value, serde_json::Error>| word(value.unwrap_or_default());
    let mut rows = vec![row("SPF", json(serde_json::to_value(auth.spf.result)), format!("{} {}", auth.spf.domain, auth.spf.why))];
    for one in &auth.dkim {
        rows.push(row("DKIM", json(serde_json::to_value(one.result)), format!("d={} {}", one.domain, view.reason(&one.why))));
    }
    if auth.dkim.is_empty() {
        rows.push(row("DKIM", "none".into(), String::new()));
    }
    rows.push(row(
        "DMARC",
        json(serde_json::to_value(auth.dmarc.result)),
        format!("{} {}", auth.dmarc.domain, view.reason(&auth.dmarc.why)),
    ));
    rows.push(row("ARC", json(serde_json::to_value(auth.arc.result)), view.reason(&auth.arc.why)));
    let composite = json(serde_json::to_value(auth.composite.result));
    rows.push(row("compauth", composite, format!("reason={:03}", auth.composite.reason)));
    rows
}

fn row(name: &'static str, result: String, why: String) -> AuthRow {
    let tone = match result.as_str() {
        "pass" | "softpass" => "good",
        "fail" | "permerror" => "bad",
        "softfail" | "temperror" => "warn",
        _ => "plain",
    };
    AuthRow { name, result, tone, why: why.trim().to_string() }
}
