//! Return paths: envelope senders that lead back here, and are known again when they do.
//!
//! Two things are done to the envelope sender of mail that leaves. Mail of others that is sent on (by a rule, or by a server of ours that
//! forwards) gets a sender of our own, since the next server asks whether we may send for it (SPF): SRS. Mail of our own domains gets a
//! sender that is signed, where that is switched on, so that bounces of mail we never sent can be told from bounces of ours: BATV.
//!
//! In: an address and the moment. Out: another address. Pure but for the key; keys change every [`EPOCH_DAYS`] days by themselves. Invariant:
//! nothing is sent on to an address that was not signed here. Not here: SPF, and what a bounce says.

mod code;
#[cfg(test)]
mod tests;

use crate::directory::Directory;
use crate::dkim::Seal;
use crate::settings::Span;
use code::{base32, is_same, of_base32};
use mail::smtp::Reply;
use mail::{Address, OrgId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Db, Error, Tx, args};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// A key is used for so many days.
const EPOCH_DAYS: i64 = 30;
/// Bounces of forwarded mail come back within so many days: servers give up after five, and some are slow.
const FORWARDED_DAYS: i64 = 21;
/// Bounces of our own mail.
const SIGNED_DAYS: i64 = 10;
/// Characters of a signature: 30 bits, to be guessed one RCPT at a time.
const TAG_CHARS: usize = 6;
/// Days are told in two digits of base 32.
const DAYS_MODULO: i64 = 1_024;

/// `[return_path]`: envelope senders of mail that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReturnPathSettings {
    /// Give mail that is sent on for others a sender of ours, so that SPF passes at the next server (SRS). Default true.
    pub srs: bool,
    /// Domain of those senders, one served here; empty: the first of the organisation that sends on.
    pub srs_domain: String,
    /// Domains served here whose senders are signed, so that bounces of mail that was never sent are refused (BATV). All their mail has to
    /// leave through this service. Default none.
    pub signed: Vec<String>,
    /// How long bounces without a signature are still taken after a domain was first signed: mail that left before may come back. Default "7d".
    pub grace: Span,
}

impl Default for ReturnPathSettings {
    fn default() -> ReturnPathSettings {
        ReturnPathSettings { srs: true, srs_domain: String::new(), signed: Vec::new(), grace: Span::days(7) }
    }
}

/// What a recipient address turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    /// An address like any other.
    Plain,
    /// A signed sender of ours; the address behind it.
    Own(Address),
    /// Mail that we sent on comes back: whom it is for.
    Forwarded(Address),
    /// It looks like one of ours, and was not signed here, or too long ago.
    Forged,
}

/// Writes and reads return paths.
pub struct ReturnPaths {
    seal: Arc<Seal>,
    settings: ReturnPathSettings,
    /// When signing of a domain began, Unix milliseconds.
    since: Mutex<HashMap<String, i64>>,
}

impl ReturnPaths {
    pub fn new(seal: Arc<Seal>, settings: ReturnPathSettings) -> ReturnPaths {
        ReturnPaths { seal, settings, since: Mutex::default() }
    }

    /// Notes since when each domain is signed; the time a domain was first seen here counts.
    /// # Errors
    /// The database cannot be used.
    pub async fn begin(&self, db: &Db, now_ms: i64) -> Result<(), Error> {
        let domains: Vec<String> = self.settings.signed.iter().map(|domain| domain.to_ascii_lowercase()).collect();
        let known = db.tx(move |tx| Box::pin(async move { note_signed(tx, &domains, now_ms).await })).await?;
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    /// The envelope sender under which mail of `org` leaves for another domain; `None` leaves it as it is: it is empty, or there is no room for
    /// more in its local part (RFC 5321 §4.5.3.1.1).
    pub fn outgoing(&self, directory: &Directory, org: OrgId, sender: &str, now_ms: i64) -> Option<String> {
        let sender = Address::parse(sender).ok()?;
        let day = now_ms.div_euclid(DAY_MS);
        if let Some(domain) = directory.domain_of(&sender) {
            let is_signed = domain.org == org && self.is_signed(sender.domain());
            return if is_signed { self.signed(&sender, day) } else { None };
        }
        if !self.settings.srs {
            return None;
        }
        let named = directory.domains.get(&self.settings.srs_domain).filter(|domain| domain.org == org);
        let first = || directory.domains.values().filter(|domain| domain.org == org).map(|domain| &domain.name).min();
        let ours = named.map(|domain| &domain.name).or_else(first)?;
        self.forwarded(&sender, ours, day)
    }

    fn is_signed(&self, domain: &str) -> bool {
        self.settings.signed.iter().any(|one| one.eq_ignore_ascii_case(domain))
    }

    /// Bounces to this domain without a signature are not of our mail.
    fn is_strict(&self, domain: &str, now_ms: i64) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner).get(domain).copied();
        self.is_signed(domain) && since.is_some_and(|since| now_ms - since >= self.settings.grace.as_ms())
    }

    fn tag(&self, purpose: &str, epoch: i64, text: &str) -> String {
        let octets = self.seal.sign(&format!("{purpose} {epoch}"), &text.to_ascii_lowercase());
        base32(&octets, TAG_CHARS)
    }

    /// `prvs=KDDDTTTTTT=local@domain`: number of the key, day it ends, signature (draft-levine-smtp-batv).
    fn signed(&self, sender: &Address, day: i64) -> Option<String> {
        let (epoch, ends) = (day.div_euclid(EPOCH_DAYS), (day + SIGNED_DAYS).rem_euclid(1_000));
        let tag = self.tag("batv", epoch, &format!("{ends:03} {sender}"));
        fits(format!("prvs={}{ends:03}{tag}={}@{}", epoch.rem_euclid(10), sender.local(), sender.domain()))
    }

    /// `SRS0=TTTTTT=DD=domain=local@ours`; of a sender that is one already, `SRS1=TTTTTT=first==…@ours`, which leads back to the first
    /// who sent it on.
    fn forwarded(&self, sender: &Address, ours: &str, day: i64) -> Option<String> {
        let (local, domain, epoch) = (sender.local(), sender.domain(), day.div_euclid(EPOCH_DAYS));
        let again = match tagged(local) {
            Some(("SRS0", rest)) => Some((domain, rest)),
            Some(("SRS1", rest)) => rest.split_once('=').and_then(|(_, rest)| rest.split_once("==")),
            _ => None,
        };
        if let Some((first, rest)) = again {
            let tag = self.tag("srs1", epoch, &format!("{first} {rest}"));
            return fits(format!("SRS1={tag}={first}=={rest}@{ours}"));
        }
        let when = base32_of_day(day);
        let tag = self.tag("srs0", epoch, &format!("{when} {domain} {local}"));
        fits(format!("SRS0={tag}={when}={domain}={local}@{ours}"))
    }

    /// What an address of a domain served here turns out to be.
    pub fn read(&self, address: &Address, now_ms: i64) -> Returned {
        let day = now_ms.div_euclid(DAY_MS);
        let found = match tagged(address.local()) {
            None => return Returned::Plain,
            Some(("PRVS", _)) if !self.is_signed(address.domain()) => return Returned::Plain,
            Some(("PRVS", rest)) => self.read_signed(rest, address.domain(), day).map(Returned::Own),
            Some(_) if !self.settings.srs => return Returned::Plain,
            Some(("SRS0", rest)) => self.read_first(rest, day).map(Returned::Forwarded),
            Some((_, rest)) => self.read_again(rest, day).map(Returned::Forwarded),
        };
        found.unwrap_or(Returned::Forged)
    }

    fn read_signed(&self, rest: &str, domain: &str, day: i64) -> Option<Address> {
        let (code, local) = rest.split_once('=')?;
        let (ends, tag) = (code.get(1..4)?, code.get(4..)?);
        let plain = Address::parse(&format!("{local}@{domain}")).ok()?;
        let left = (ends.parse::<i64>().ok()? - day).rem_euclid(1_000);
        let made = (left <= SIGNED_DAYS).then_some(day + left - SIGNED_DAYS)?;
        is_same(&self.tag("batv", made.div_euclid(EPOCH_DAYS), &format!("{ends} {plain}")), tag).then_some(plain)
    }

    fn read_first(&self, rest: &str, day: i64) -> Option<Address> {
        let mut parts = rest.splitn(4, '=');
        let (tag, when, domain, local) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let age = (day - of_base32(when)?).rem_euclid(DAYS_MODULO);
        let made = (age <= FORWARDED_DAYS).then_some(day - age)?;
        let own = self.tag("srs0", made.div_euclid(EPOCH_DAYS), &format!("{when} {domain} {local}"));
        is_same(&own, tag).then(|| Address::parse(&format!("{local}@{domain}")).ok())?
    }

    /// It does not say when it was made; the first who sent it on does.
    fn read_again(&self, rest: &str, day: i64) -> Option<Address> {
        let (tag, rest) = rest.split_once('=')?;
        let (first, rest) = rest.split_once("==")?;
        let epoch = day.div_euclid(EPOCH_DAYS);
        let is_ours = [epoch, epoch - 1].iter().any(|epoch| is_same(&self.tag("srs1", *epoch, &format!("{first} {rest}")), tag));
        is_ours.then(|| Address::parse(&format!("SRS0={rest}@{first}")).ok())?
    }

    /// The refusal of a bounce to somebody whose mail is signed, and that carries no signature: of mail that was never sent.
    /// Others ask with the empty sender whether an address exists, and programs answer with it: only what says it is a bounce is refused.
    pub fn refuses(&self, message: &mail::Message, envelope: &mail::Envelope, now_ms: i64) -> Option<Reply> {
        let is_strict = |address: &Address| self.is_strict(address.domain(), now_ms) && !address.local().eq_ignore_ascii_case("postmaster");
        let is_for_signed = envelope.recipients.iter().any(|one| is_strict(&one.address));
        if envelope.sender.is_some() || !is_for_signed || !is_bounce(message) {
            return None;
        }
        Some(Reply::new(
            550,
            (5, 7, 7),
            "This is a bounce of a mail that was not sent from here: its recipient signs the senders of all mail (BATV)",
        ))
    }
}

/// A delivery status notice (RFC 3464), or what servers without them send.
fn is_bounce(message: &mail::Message) -> bool {
    let mut fields = message.fields();
    let report = fields
        .find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))
        .map(|(_, value)| String::from_utf8_lossy(value).to_ascii_lowercase());
    let is_report = report.is_some_and(|value| value.contains("multipart/report") && value.contains("delivery-status"));
    let author = message.from.address().map(|author| author.local().to_ascii_lowercase()).unwrap_or_default();
    is_report || author == "mailer-daemon"
}

/// The kind of a local part that was written by this or another server, in upper case, and what follows it.
fn tagged(local: &str) -> Option<(&'static str, &str)> {
    let (kind, rest) = (local.get(..4)?, local.get(5..)?);
    let is_separated = matches!(local.as_bytes()[4], b'=' | b'+' | b'-');
    let known = ["SRS0", "SRS1", "PRVS"].into_iter().find(|known| kind.eq_ignore_ascii_case(known))?;
    is_separated.then_some((known, rest))
}

fn base32_of_day(day: i64) -> String {
    let day = day.rem_euclid(DAYS_MODULO);
    [code::digit(day / 32), code::digit(day % 32)].iter().collect()
}

/// The address when it is one.
fn fits(text: String) -> Option<String> {
    Address::parse(&text).is_ok().then_some(text)
}

async fn note_signed(tx: &mut Tx, domains: &[String], now_ms: i64) -> Result<HashMap<String, i64>, Error> {
    let mut known = HashMap::new();
    for domain in domains {
        let sql = "INSERT INTO signed_domain (domain, since_ms) VALUES ($1, $2) ON CONFLICT (domain) DO NOTHING";
        tx.run(sql, args![domain.as_str(), now_ms]).await?;
        let row = tx.row("SELECT since_ms FROM signed_domain WHERE domain = $1", args![domain.as_str()]).await?;
        known.insert(domain.clone(), row.map_or(Ok(now_ms), |row| row.int(0))?);
    }
    Ok(known)
}
