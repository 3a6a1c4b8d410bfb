//! Past mail with receipts, as the mail path would have left it.

use crate::scene::{NOW_MS, Scene};
use mail::OrgId;
use mail::auth::*;
use serde_json::json;
use store::{Error, args};

/// One past mail to one recipient.
#[derive(Debug, Clone)]
pub struct Past {
    pub sender: &'static str,
    pub recipient: &'static str,
    /// Probability of spam; phish is unlikely.
    pub spam: f32,
    pub authenticated: bool,
    pub ip: &'static str,
    /// "inbound" or "outbound".
    pub direction: &'static str,
    pub days_ago: i64,
    /// Policy and action that were recorded.
    pub policy: &'static str,
    pub action: &'static str,
}

impl Default for Past {
    fn default() -> Past {
        Past {
            sender: "tom@partner.example",
            recipient: "alice@acme.example",
            spam: 0.95,
            authenticated: true,
            ip: "192.0.2.9",
            direction: "inbound",
            days_ago: 1,
            policy: "default",
            action: "junk",
        }
    }
}

const DAY_MS: i64 = 86_400_000;

/// Writes it; returns its identifier.
pub async fn past(scene: &Scene, org: OrgId, past: &Past) -> mail::MailId {
    let at_ms = NOW_MS - past.days_ago * DAY_MS - 60_000;
    let sequence = scene.app.fresh_id() & 0xffff;
    let id = mail::MailId(gateway::trace::first_id_at(at_ms).0 + sequence);
    let (receipt, past) = (receipt(id, at_ms, past).to_string(), past.clone());
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                tx.run(
                    "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
                     VALUES ($1, $2, $3, $4, 'mx.partner.example', $5, '', 'offer', 100, 1, 'spam', $6, '{}')",
                    args![id.0, org.0, past.direction, past.ip, past.sender, receipt],
                )
                .await
                .map(|_| ())
            })
        })
        .await;
    done.expect("a past mail is written");
    id
}

fn receipt(id: mail::MailId, at_ms: i64, past: &Past) -> serde_json::Value {
    let spam_log_odds = (past.spam / (1.0 - past.spam)).ln();
    let verdict = detect::verdict::judge(&[], spam_log_odds, -9.0, 0, &Default::default());
    json!({
        "version": 1, "mail": id, "at_ms": at_ms,
        "connection": { "ip": past.ip, "ptr": null, "helo": "mx.partner.example", "tls": "", "login": "" },
        "envelope": { "sender": past.sender, "recipients": [past.recipient] },
        "header": { "from": past.sender, "subject": "offer", "message_id": "", "octets": 100, "sha256": "" },
        "auth": auth(past.authenticated), "findings": [], "defects": [], "spam_log_odds": spam_log_odds, "phish_log_odds": -9.0,
        "verdict": verdict,
        "recipients": [{ "address": past.recipient, "policy": past.policy, "action": past.action, "class": verdict.class, "scl": verdict.scl, "considered": [] }],
        "refused": "", "spent": mail::message::Spent::default(), "steps": [], "versions": { "code": "", "model": "" }
    })
}

fn auth(passes: bool) -> AuthResults {
    let none = DkimResult::None;
    AuthResults {
        spf: Spf {
            result: if passes { SpfResult::Pass } else { SpfResult::None },
            domain: "partner.example".into(),
            by_helo: false,
            why: String::new(),
        },
        dkim: Vec::new(),
        dmarc: Dmarc {
            result: if passes { DmarcResult::Pass } else { DmarcResult::None },
            domain: "partner.example".into(),
            policy_domain: None,
            policy: DmarcPolicy::None,
            sampled_out: false,
            why: String::new(),
        },
        arc: Arc { result: none, instances: 0, sealer: None, trusted: false, why: String::new() },
        composite: Composite { result: if passes { CompositeResult::Pass } else { CompositeResult::None }, reason: 100 },
        dns_lookups: 0,
    }
}
