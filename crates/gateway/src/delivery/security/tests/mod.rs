//! Mail to domains that ask for protection, through queue and delivery into real connections: what arrives, and what must never leave.

mod dane;
mod lab;
mod report;
mod sts;

use crate::delivery::security::outcome::Outcomes;
use crate::delivery::security::policies::Policies;
use crate::delivery::security::{Security, fetch::Places};
use crate::delivery::tests::{Gate, Setup};
use crate::queue::EnvelopeExtras;
use mail::MailId;
use store::args;
use testkit::sink::{Sink, SinkSettings};

/// A sink that speaks TLS under this name.
fn speaking_tls(tls_name: &str) -> SinkSettings {
    SinkSettings { tls: true, tls_name: tls_name.into(), ..SinkSettings::default() }
}

/// Where the labs put mail servers: here, at the port of the sink.
fn at(sink: &Sink) -> Security {
    Security { mx: Places { port: sink.address.port(), private: true }, ..Security::default() }
}

/// What one mail to `bo@domain` came to: state, last reply, and which policy its attempt names.
struct Came {
    state: String,
    reply: String,
    policy: String,
}

async fn send(gate: &Gate, domain: &str, extras: EnvelopeExtras, state: &str) -> Came {
    let mut mail = gate.mail(&[format!("bo@{domain}").as_str()]);
    mail.recipients[0].route = String::new();
    mail.extras = extras;
    let id = gate.send(mail).await;
    let rows = gate.settles(id, &[state], domain).await;
    Came { state: rows[0].0.clone(), reply: rows[0].2.clone(), policy: policy_of(gate, id).await }
}

async fn policy_of(gate: &Gate, mail: MailId) -> String {
    let sql = "SELECT detail FROM event WHERE mail = $1 AND kind IN ('delivered', 'deferred', 'bounced') ORDER BY id DESC LIMIT 1";
    let row = gate.db.read(move |tx| Box::pin(async move { tx.row(sql, args![mail.0]).await })).await.expect("events are read");
    let detail: serde_json::Value = serde_json::from_str(row.expect("an attempt").text(0).expect("text")).expect("JSON");
    detail["policy"].as_str().unwrap_or_default().to_string()
}

/// Nothing of a mail was ever said in clear text.
fn nothing_in_clear(sink: &Sink, why: &str) {
    assert!(sink.taken().iter().all(|taken| taken.tls), "{why}: a mail was sent in clear text");
    let mut is_tls = false;
    for line in sink.heard() {
        is_tls |= line.to_ascii_uppercase().starts_with("STARTTLS");
        let is_mail = ["MAIL", "RCPT", "DATA"].iter().any(|verb| line.to_ascii_uppercase().starts_with(verb));
        assert!(is_tls || !is_mail, "{why}: “{line}” was said in clear text");
    }
}

/// Failures counted for reports, as `(policy, failure, sessions)`.
async fn counted(gate: &Gate, outcomes: &Outcomes) -> Vec<(String, String, i64)> {
    outcomes.flush().await;
    let sql = "SELECT policy, failure, sum(sessions) FROM tls_outcome GROUP BY policy, failure ORDER BY policy, failure";
    let rows = gate.db.read(move |tx| Box::pin(async move { tx.rows(sql, args![]).await })).await.expect("counts are read");
    let read =
        |row: &store::Row| (row.text(0).expect("text").to_string(), row.text(1).expect("text").to_string(), row.int(2).expect("a number"));
    rows.iter().map(read).collect()
}
