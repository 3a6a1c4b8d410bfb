//! Complaints of ours: what people here report as junk, told to the operator of the domain that sent it, where the settings name one (RFC 5965).
//!
//! In: reports of people about mail that the trace knows. Out: a mail with the facts of the receipt and the header fields that name the mail;
//! not its content, and not who reported it. Invariants: only where the domain is proven by the receipt; each report is told once, in one
//! transaction with the note of it.

use super::super::sql::{self, Complaint};
use super::{DAY_MS, Sender, sender, signed};
use crate::App;
use gateway::queue::letter::{Posted, post_message};
use gateway::trace::{first_id_at, time_of};
use mail::Address;
use mail::auth::{AuthResults, DkimResult, DmarcResult};
use serde::Deserialize;
use std::time::Duration;
use store::Error;

const EVERY: Duration = Duration::from_secs(60);
/// Reports looked at in one turn.
const REPORTS: usize = 100;
/// Older reports are not told any more.
const BACK_MS: i64 = DAY_MS;

#[derive(Deserialize)]
struct Receipt {
    connection: Connection,
    envelope: Envelope,
    header: Header,
    auth: AuthResults,
}

#[derive(Deserialize)]
struct Connection {
    ip: String,
}

#[derive(Deserialize)]
struct Envelope {
    sender: String,
}

#[derive(Deserialize)]
struct Header {
    from: String,
    subject: String,
    message_id: String,
}

/// Sends as long as the process runs, where the settings name somebody.
pub async fn run(app: App) {
    if app.reports.feedback_loop.is_empty() {
        return;
    }
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(why) = send_due(&app).await {
            tracing::warn!(%why, "complaints to other operators could not be sent; it is tried again in a minute");
        }
    }
}

/// Tells what is due; how many complaints went out.
pub async fn send_due(app: &App) -> Result<usize, Error> {
    let Some(sender) = sender(app) else {
        tracing::error!("[reports] send_from has to be an address of a domain served here, whose key signs complaints; none are sent");
        return Ok(0);
    };
    let now_ms = app.now_ms();
    let from = first_id_at(now_ms - BACK_MS);
    let due = app.db.read(move |tx| Box::pin(async move { sql::complaints(tx, from, REPORTS).await })).await?;
    let mut sent = 0;
    for complaint in due {
        sent += usize::from(tell(app, &sender, complaint).await?);
    }
    app.db.tx(move |tx| Box::pin(async move { sql::forget_complaints(tx, now_ms - 2 * BACK_MS).await })).await?;
    Ok(sent)
}

async fn tell(app: &App, sender: &Sender, complaint: Complaint) -> Result<bool, Error> {
    let receipt: Option<Receipt> = serde_json::from_str(&complaint.receipt).ok();
    let parcel = receipt.and_then(|receipt| {
        let (domain, to) = target(app, &receipt.auth)?;
        Some(written(app, sender, (&complaint, &receipt), (&domain, to)))
    });
    let (directory, ids, now_ms) = (app.directory.snapshot(), app.ids.clone(), app.now_ms());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let to = parcel.as_ref().map(|posted| posted.to.to_string()).unwrap_or_default();
                if !sql::take_complaint(tx, (complaint.report, complaint.org), &to, now_ms).await? {
                    return Ok(false);
                }
                let Some(posted) = parcel else { return Ok(false) };
                let route = directory.outbound_route(posted.org, posted.to.domain()).to_string();
                post_message(tx, posted, &route, &ids, now_ms).await?;
                Ok::<_, Error>(true)
            })
        })
        .await
}

/// Who wants to hear of mail with these results, and for which of its domains.
fn target(app: &App, auth: &AuthResults) -> Option<(String, Address)> {
    let signed = auth.dkim.iter().filter(|one| one.result == DkimResult::Pass).map(|one| one.domain.as_str());
    let author = (auth.dmarc.result == DmarcResult::Pass).then_some(auth.dmarc.domain.as_str());
    signed.chain(author).find_map(|domain| {
        let found = app.reports.feedback_loop.iter().find(|one| one.domain.eq_ignore_ascii_case(domain))?;
        Some((domain.to_string(), Address::parse(&found.address).ok()?))
    })
}

fn written(app: &App, sender: &Sender, (complaint, receipt): (&Complaint, &Receipt), (domain, to): (&str, Address)) -> Posted {
    const BOUNDARY: &str = "=_gatepost-complaint";
    let line = |text: &str| -> String { text.chars().map(|c| if c.is_control() || !c.is_ascii() { '?' } else { c }).take(400).collect() };
    let kind = if complaint.label == "phish" { "fraud" } else { "abuse" };
    let (now_ms, arrived) = (app.now_ms(), gateway::intake::date(time_of(complaint.mail)));
    let id = format!("{}.complaint@{}", app.fresh_id(), app.hostname);
    let subject = format!("FW: {}", line(&receipt.header.subject));
    let message = format!(
        "From: Gatepost <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <{id}>\r\nMIME-Version: 1.0\r\n\
         Auto-Submitted: auto-generated\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=\"{BOUNDARY}\"\r\n\r\n\
         --{BOUNDARY}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is a complaint about mail that came from {ip} on {arrived}.\r\n\
         --{BOUNDARY}\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: Gatepost/1\r\nVersion: 1\r\n\
         Original-Mail-From: <{mail_from}>\r\nArrival-Date: {arrived}\r\nSource-IP: {ip}\r\nReported-Domain: {domain}\r\n\r\n\
         --{BOUNDARY}\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: <{author}>\r\nSubject: {about}\r\nMessage-ID: {message_id}\r\n\r\n--{BOUNDARY}--\r\n",
        from = sender.address,
        date = gateway::intake::date(now_ms),
        ip = line(&receipt.connection.ip),
        mail_from = line(&receipt.envelope.sender),
        author = line(&receipt.header.from),
        about = line(&receipt.header.subject),
        message_id = line(&receipt.header.message_id),
    );
    Posted {
        org: sender.org,
        sender: String::new(),
        to,
        subject,
        octets: signed(app, sender, message),
        kind: "complaint",
        tls_optional: false,
    }
}
