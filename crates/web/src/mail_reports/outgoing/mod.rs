//! DMARC aggregate reports of ours: what mail in the names of other domains looked like here (RFC 9990, RFC 7489 §7.2), sent to those that ask for it.
//!
//! In: receipts, one by one ([`entry`]), added up by day and domain where the policy was found. Out: a mail with a gzip of XML to each address
//! of the record, once a day and domain, signed with the key of our address. Invariants: off unless the settings say so; never about a domain
//! served here; an address elsewhere must have agreed in DNS (§7.1); never to private addresses; report and note are one transaction.

pub mod complaint;
pub mod entry;
mod target;
mod xml;

pub use xml::xml;

use super::{DAY_MS, sql};
use crate::App;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entry::Entry;
use flate2::Compression;
use flate2::write::GzEncoder;
use gateway::mail_reports::day_of;
use gateway::queue::letter::{Posted, post_message};
use mail::{Address, OrgId};
use std::io::Write;
use std::time::Duration;
use store::Error;
use target::Target;

const EVERY: Duration = Duration::from_secs(10 * 60);
/// After the day: what is counted late still gets in.
const AFTER_MS: i64 = 60 * 60 * 1000;
/// Domains of one look; the rest in the next.
const DOMAINS: usize = 50;
/// Records of one report; the greatest go in.
pub const RECORDS_MAX: usize = 5_000;
/// Octets of a packed report where the record names no limit.
const OCTETS_MAX: usize = 10 << 20;
/// Days that rows of reports are kept after theirs.
const KEPT_DAYS: i64 = 3;

/// Sends as long as the process runs, where the settings say so.
pub async fn run(app: App) {
    if !app.reports.send_dmarc {
        return;
    }
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(why) = send_due(&app).await {
            tracing::warn!(%why, "DMARC reports to other domains could not be sent; it is tried again in ten minutes");
        }
    }
}

/// Who reports: our address, and the organisation whose domain it is of.
struct Sender {
    address: Address,
    org: OrgId,
}

fn sender(app: &App) -> Option<Sender> {
    let address = Address::parse(&app.reports.send_from).ok()?;
    let org = app.directory.snapshot().domain_of(&address)?.org;
    Some(Sender { address, org })
}

/// Sends reports of days that are over; how many went out.
pub async fn send_due(app: &App) -> Result<usize, Error> {
    let Some(sender) = sender(app) else {
        tracing::error!(
            "[reports] send_from has to be an address of a domain served here, whose key signs the reports; no DMARC reports are sent"
        );
        return Ok(0);
    };
    let until_ms = day_of(app.now_ms() - AFTER_MS);
    let due = app.db.read(move |tx| Box::pin(async move { sql::out_due(tx, until_ms, DOMAINS).await })).await?;
    let mut sent = 0;
    for (day_ms, domain) in due {
        sent += usize::from(report(app, &sender, (day_ms, &domain)).await?);
    }
    let before_ms = until_ms - KEPT_DAYS * DAY_MS;
    app.db.tx(move |tx| Box::pin(async move { sql::forget_out(tx, before_ms).await })).await?;
    Ok(sent)
}

async fn report(app: &App, sender: &Sender, (day_ms, domain): (i64, &str)) -> Result<bool, Error> {
    let name = domain.to_string();
    let entries = app.db.read(move |tx| Box::pin(async move { sql::out_entries(tx, day_ms, &name, RECORDS_MAX).await })).await?;
    let entries: Vec<(Entry, i64)> =
        entries.into_iter().filter_map(|(text, count)| Some((serde_json::from_str(&text).ok()?, count))).collect();
    let found = target::find(app, domain).await;
    let (targets, outcome) = match &found {
        Ok(policy) => (policy.targets.as_slice(), "sent"),
        Err(why) => (&[][..], *why),
    };
    let id = format!("{}.{}@{}", day_ms / 1000, app.fresh_id(), app.hostname);
    let mut parcels = Vec::new();
    if let Ok(policy) = &found {
        let text = xml(&xml::About { shape: app.reports.dmarc_shape, contact: &sender.address, id: &id, domain, day_ms, policy }, &entries);
        let packed = gz(text.as_bytes())?;
        let fits = |target: &&Target| packed.len() <= target.octets_max.unwrap_or(OCTETS_MAX).min(OCTETS_MAX);
        parcels.extend(targets.iter().filter(fits).map(|target| parcel(app, sender, (&id, domain, day_ms), target, &packed)));
    }
    let outcome = if outcome == "sent" && parcels.is_empty() { "too-large" } else { outcome }.to_string();
    keep(app, (day_ms, domain.to_string()), outcome, parcels).await
}

async fn keep(app: &App, (day_ms, domain): (i64, String), outcome: String, parcels: Vec<Posted>) -> Result<bool, Error> {
    let (directory, ids, now_ms) = (app.directory.snapshot(), app.ids.clone(), app.now_ms());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let to: Vec<String> = parcels.iter().map(|posted| posted.to.to_string()).collect();
                if !sql::take_out(tx, (day_ms, &domain), (&outcome, &to.join(" ")), now_ms).await? {
                    return Ok(false);
                }
                let is_sent = !parcels.is_empty();
                for posted in parcels {
                    let route = directory.outbound_route(posted.org, posted.to.domain()).to_string();
                    post_message(tx, posted, &route, &ids, now_ms).await?;
                }
                Ok::<_, Error>(is_sent)
            })
        })
        .await
}

fn gz(octets: &[u8]) -> Result<Vec<u8>, Error> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(octets).and_then(|()| packed.finish()).map_err(|why| Error::Shape(format!("packing a report: {why}")))
}

/// A message with the signatures of our domain before it, ready to be queued.
fn signed(app: &App, sender: &Sender, message: String) -> Vec<u8> {
    let about = (message.as_bytes(), app.now_ms());
    let signatures = gateway::intake::signed(&app.directory.snapshot(), &app.seal, (sender.org, sender.address.domain()), about);
    [signatures.into_bytes(), message.into_bytes()].concat()
}

/// The mail to one address, signed (RFC 7489 §7.2.1.1 names subject and file).
fn parcel(app: &App, sender: &Sender, (id, domain, day_ms): (&str, &str, i64), target: &Target, packed: &[u8]) -> Posted {
    const BOUNDARY: &str = "=_gatepost-dmarc-report";
    let (begin_s, end_s, now_ms) = (day_ms / 1000, (day_ms + DAY_MS) / 1000 - 1, app.now_ms());
    let from_domain = sender.address.domain();
    let subject = format!("Report Domain: {domain} Submitter: {from_domain} Report-ID: <{id}>");
    let file = format!("{from_domain}!{domain}!{begin_s}!{end_s}.xml.gz");
    let body = STANDARD.encode(packed);
    let lines: Vec<&str> = body.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let head = format!(
        "From: Gatepost <{}>\r\nTo: <{}>\r\nSubject: {subject}\r\nDate: {}\r\nMessage-ID: <{id}>\r\nMIME-Version: 1.0\r\n\
         Auto-Submitted: auto-generated\r\nContent-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\r\n\r\n",
        sender.address,
        target.address,
        gateway::intake::date(now_ms),
    );
    let message = format!(
        "{head}--{BOUNDARY}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is a DMARC aggregate report about mail in the name of {domain}.\r\n\
         --{BOUNDARY}\r\nContent-Type: application/gzip; name=\"{file}\"\r\nContent-Disposition: attachment; filename=\"{file}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--{BOUNDARY}--\r\n",
        lines.join("\r\n")
    );
    Posted {
        org: sender.org,
        sender: String::new(),
        to: target.address.clone(),
        subject,
        octets: signed(app, sender, message),
        kind: "dmarc-report",
        tls_optional: false,
    }
}
