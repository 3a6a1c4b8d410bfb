//! What leaves: how much each sender has sent, and who may not send for now.
//!
//! In: senders and recipients at RCPT, mails that were taken. Out: a refusal with 5.1.8, and rows for people. Memory answers; the table is
//! shared by all servers and read every [`SYNC_EVERY`]. Invariant: a sender that is over a limit is refused from the next RCPT on, and a
//! database that is away stops nothing. Not here: what a mail is (`detect`), who is told (`web`).

pub mod settings;
pub mod sql;
#[cfg(test)]
mod tests;

use crate::directory::Directory;
use detect::Class;
use mail::smtp::Reply;
use mail::{Envelope, OrgId, Peer};
use settings::{AutoForward, OutboundSettings, OverLimit};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Db, Error};

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_HOURS: i64 = 24;
/// Counts are written, and those of other servers read, this often.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// Senders and hours kept in memory; beyond it the smallest are not known.
const COUNTS_MAX: usize = 200_000;
const RESTRICTED_MAX: usize = 20_000;
/// The end of a restriction that never was one: administrators are told, and nobody is refused.
pub const ONLY_TOLD_MS: i64 = 1;
/// Counts written in one transaction.
const BATCH_MAX: usize = 500;

/// What one sender has sent in some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Recipients in domains that are not served here.
    pub outside: i64,
    pub inside: i64,
    /// Mails that were held as junk, phishing or malware.
    pub junk: i64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Counts) {
        self.outside += more.outside;
        self.inside += more.inside;
        self.junk += more.junk;
    }
}

/// Why a sender is restricted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    OutsideHour,
    InsideHour,
    Day,
    Junk,
    /// A person restricted it, after complaints of recipients.
    Complaints,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Reason::OutsideHour => "outside-hour",
            Reason::InsideHour => "inside-hour",
            Reason::Day => "day",
            Reason::Junk => "junk",
            Reason::Complaints => "complaints",
        }
    }

    pub fn read(name: &str) -> Reason {
        [Reason::OutsideHour, Reason::InsideHour, Reason::Day, Reason::Complaints]
            .into_iter()
            .find(|reason| reason.name() == name)
            .unwrap_or(Reason::Junk)
    }
}

/// A sender that may not send out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restricted {
    pub org: OrgId,
    /// In lower case.
    pub sender: String,
    pub since_ms: i64,
    /// 0: until somebody releases it.
    pub until_ms: i64,
    pub reason: Reason,
    /// What was counted, as a number.
    pub detail: String,
}

type Key = (OrgId, String);

#[derive(Default)]
struct State {
    /// By sender and hour; those of all servers as of the last look, and ours since.
    counts: HashMap<Key, HashMap<i64, Counts>>,
    /// Ours that are not written yet.
    pending: HashMap<(OrgId, String, i64), Counts>,
    /// Until when; 0 is until released.
    restricted: HashMap<Key, i64>,
    /// Restrictions that are not written yet.
    fresh: Vec<Restricted>,
}

/// The counts of one node; cheap to clone.
#[derive(Clone)]
pub struct Outflow {
    db: Db,
    settings: Arc<OutboundSettings>,
    state: Arc<Mutex<State>>,
}

impl Outflow {
    /// Begins to write and read every few seconds, until the runtime ends. Call it inside one.
    pub fn start(db: Db, settings: OutboundSettings, clock: fn() -> i64) -> Outflow {
        let outflow = Outflow { db, settings: Arc::new(settings), state: Arc::default() };
        let worker = outflow.clone();
        tokio::spawn(async move {
            loop {
                if let Err(why) = worker.sync(clock()).await {
                    tracing::warn!(%why, "what senders have sent could not be written or read; it is tried again");
                }
                tokio::time::sleep(SYNC_EVERY).await;
            }
        });
        outflow
    }

    /// Whether this sender may write to one more recipient, after those it has named already.
    /// # Errors
    /// It is restricted, or becomes it now.
    pub fn may_send(
        &self,
        directory: &Directory,
        (org, peer): (OrgId, &Peer),
        envelope: &Envelope,
        next: &mail::Address,
        now_ms: i64,
    ) -> Result<(), Reply> {
        let Some(sender) = sender_of(directory, peer, envelope) else { return Ok(()) };
        let mut state = self.lock();
        let key = (org, sender);
        if let Some(until_ms) = state.restricted.get(&key).copied() {
            if until_ms == 0 || until_ms > now_ms {
                return Err(refusal(&key.1));
            }
            state.restricted.remove(&key);
        }
        if self.is_unlimited(&key.1) {
            return Ok(());
        }
        let mut counts = named(directory, envelope);
        counts += named_one(directory, next);
        let Some((reason, count)) = self.over(&state, &key, counts, now_ms) else { return Ok(()) };
        self.restrict(&mut state, key.clone(), (reason, count), now_ms);
        match self.settings.over_limit {
            OverLimit::Alert => Ok(()),
            _ => Err(refusal(&key.1)),
        }
    }

    /// Counts a mail that was taken.
    pub fn note(&self, directory: &Directory, (org, peer): (OrgId, &Peer), envelope: &Envelope, class: Class, now_ms: i64) {
        let Some(sender) = sender_of(directory, peer, envelope) else { return };
        let mut counts = named(directory, envelope);
        counts.junk = i64::from(is_harm(class));
        let (key, hour) = ((org, sender), now_ms.div_euclid(HOUR_MS));
        let mut state = self.lock();
        if state.counts.len() < COUNTS_MAX || state.counts.contains_key(&key) {
            *state.counts.entry(key.clone()).or_default().entry(hour).or_default() += counts;
            *state.pending.entry((org, key.1.clone(), hour)).or_default() += counts;
        }
        let junk = sum(&state, &key, now_ms, DAY_HOURS).junk;
        let most = i64::from(self.settings.junk_per_day);
        if most > 0 && junk >= most && counts.junk > 0 && !state.restricted.contains_key(&key) && !self.is_unlimited(&key.1) {
            self.restrict(&mut state, key, (Reason::Junk, junk), now_ms);
        }
    }

    /// Why this mail may not be forwarded to the outside by itself.
    pub fn refuses_forward(&self, directory: &Directory, mail: mail::Mail<'_>, class: Class) -> Option<Reply> {
        let is_refused = match self.settings.auto_forward {
            AutoForward::On => false,
            AutoForward::Automatic => is_harm(class) || class == Class::Spam,
            AutoForward::Off => true,
        };
        (is_refused && is_forwarded(directory, mail))
            .then(|| Reply::new(550, (5, 7, 520), "Your organisation does not let this mail be forwarded to the outside by itself"))
    }

    /// The first limit that these recipients would go over, and what that counts to.
    fn over(&self, state: &State, key: &Key, more: Counts, now_ms: i64) -> Option<(Reason, i64)> {
        let (hour, day) = (sum(state, key, now_ms, 1), sum(state, key, now_ms, DAY_HOURS));
        let settings = &self.settings;
        [
            (Reason::OutsideHour, settings.outside_per_hour, hour.outside + more.outside, more.outside),
            (Reason::InsideHour, settings.inside_per_hour, hour.inside + more.inside, more.inside),
            (Reason::Day, settings.recipients_per_day, day.outside + day.inside + more.outside + more.inside, 1),
        ]
        .into_iter()
        .find(|(_, most, count, adds)| *most > 0 && *adds > 0 && *count > i64::from(*most))
        .map(|(reason, _, count, _)| (reason, count))
    }

    fn restrict(&self, state: &mut State, (org, sender): Key, (reason, count): (Reason, i64), now_ms: i64) {
        let midnight_ms = (now_ms.div_euclid(HOUR_MS * DAY_HOURS) + 1) * HOUR_MS * DAY_HOURS;
        let until_ms = match (reason, self.settings.over_limit) {
            (Reason::Junk, _) | (_, OverLimit::UntilReleased) => 0,
            (_, OverLimit::Today) => midnight_ms,
            (_, OverLimit::Alert) => ONLY_TOLD_MS,
        };
        let is_known = state.fresh.iter().any(|one| one.org == org && one.sender == sender);
        if state.restricted.len() >= RESTRICTED_MAX || state.fresh.len() >= RESTRICTED_MAX || is_known {
            return;
        }
        if until_ms == ONLY_TOLD_MS {
            tracing::warn!(sender, reason = reason.name(), count, "a sender is over its limit");
            state.fresh.push(Restricted { org, sender, since_ms: now_ms, until_ms, reason, detail: count.to_string() });
            return;
        }
        tracing::warn!(sender, reason = reason.name(), count, "a sender is restricted from sending");
        state.restricted.insert((org, sender.clone()), until_ms);
        state.fresh.push(Restricted { org, sender, since_ms: now_ms, until_ms, reason, detail: count.to_string() });
    }

    fn is_unlimited(&self, sender: &str) -> bool {
        let domain = sender.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        self.settings
            .unlimited
            .iter()
            .any(|one| one.eq_ignore_ascii_case(sender) || one.strip_prefix('@').is_some_and(|of| of.eq_ignore_ascii_case(domain)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is ours, and reads what all servers know.
    /// # Errors
    /// The database is away: what is pending is kept.
    pub async fn sync(&self, now_ms: i64) -> Result<(), Error> {
        self.write().await?;
        let hour = now_ms.div_euclid(HOUR_MS);
        let read = self.db.read(move |tx| {
            Box::pin(async move {
                let counts = sql::counts(tx, hour - DAY_HOURS, COUNTS_MAX).await?;
                Ok::<_, Error>((counts, sql::restricted(tx, crate::scope::OrgScope::All, now_ms, RESTRICTED_MAX).await?))
            })
        });
        let (counts, restricted) = read.await?;
        let mut state = self.lock();
        state.counts.clear();
        for (org, sender, hour, counts) in counts {
            *state.counts.entry((org, sender)).or_default().entry(hour).or_default() += counts;
        }
        let pending: Vec<_> = state.pending.iter().map(|(key, counts)| (key.clone(), *counts)).collect();
        for ((org, sender, hour), counts) in pending {
            *state.counts.entry((org, sender)).or_default().entry(hour).or_default() += counts;
        }
        let fresh: Vec<(Key, i64)> = state.fresh.iter().map(|one| ((one.org, one.sender.clone()), one.until_ms)).collect();
        state.restricted = restricted.into_iter().map(|one| ((one.org, one.sender), one.until_ms)).chain(fresh).collect();
        Ok(())
    }

    async fn write(&self) -> Result<(), Error> {
        let (pending, fresh) = {
            let mut state = self.lock();
            (std::mem::take(&mut state.pending), std::mem::take(&mut state.fresh))
        };
        let rows: Vec<((OrgId, String, i64), Counts)> = pending.into_iter().collect();
        for (at, batch) in rows.chunks(BATCH_MAX).enumerate() {
            let statements: Vec<_> = batch.iter().map(|((org, sender, hour), counts)| sql::count(*org, sender, *hour, *counts)).collect();
            let done: Result<(), Error> = self.db.tx(move |tx| Box::pin(async move { tx.run_all(statements).await })).await;
            if let Err(why) = done {
                self.put_back(&rows[at * BATCH_MAX..], fresh);
                return Err(why);
            }
        }
        let all = fresh.clone();
        let done = self.db.tx(move |tx| {
            Box::pin(async move {
                for one in &all {
                    sql::restrict(tx, one).await?;
                }
                Ok::<_, Error>(())
            })
        });
        done.await.inspect_err(|_| self.put_back(&[], fresh))
    }

    fn put_back(&self, rows: &[((OrgId, String, i64), Counts)], fresh: Vec<Restricted>) {
        let mut state = self.lock();
        for (key, counts) in rows {
            *state.pending.entry(key.clone()).or_default() += *counts;
        }
        state.fresh.extend(fresh);
    }
}

/// RFC 3463 §3.2: 5.1.8, as the service this one is modelled on says it.
fn refusal(sender: &str) -> Reply {
    Reply::new(550, (5, 1, 8), format!("{sender} is restricted from sending for now; ask your administrator"))
}

/// Who is counted: the envelope sender when it is of ours, else the login. Nobody for mail without either.
fn sender_of(directory: &Directory, peer: &Peer, envelope: &Envelope) -> Option<String> {
    let own = envelope.sender.as_ref().filter(|sender| directory.domain_of(sender).is_some()).map(|sender| sender.key());
    own.or_else(|| peer.authenticated.as_ref().map(|login| login.to_lowercase()))
}

fn named(directory: &Directory, envelope: &Envelope) -> Counts {
    envelope.recipients.iter().fold(Counts::default(), |mut sum, one| {
        sum += named_one(directory, &one.address);
        sum
    })
}

fn named_one(directory: &Directory, address: &mail::Address) -> Counts {
    match directory.domain_of(address) {
        Some(_) => Counts { inside: 1, ..Counts::default() },
        None => Counts { outside: 1, ..Counts::default() },
    }
}

/// What a sender has sent in the last `hours`, this one included.
fn sum(state: &State, key: &Key, now_ms: i64, hours: i64) -> Counts {
    let now = now_ms.div_euclid(HOUR_MS);
    let all = state.counts.get(key).into_iter().flatten();
    all.filter(|(hour, _)| (now - hours + 1..=now).contains(*hour)).fold(Counts::default(), |mut sum, (_, counts)| {
        sum += *counts;
        sum
    })
}

/// Held when it leaves (`policy::outbound`), for what it says.
fn is_harm(class: Class) -> bool {
    matches!(class, Class::HighSpam | Class::Phish | Class::HighPhish | Class::Malware)
}

/// Programs sent it on: it says so, or its author is a stranger although it comes from a server of ours.
fn is_forwarded(directory: &Directory, mail: mail::Mail<'_>) -> bool {
    let goes_outside = mail.envelope.recipients.iter().any(|one| directory.domain_of(&one.address).is_none());
    let says_so = mail.message.fields().any(|(name, value)| {
        let value = value.trim_ascii();
        name.eq_ignore_ascii_case(b"x-forwarded-to")
            || name.eq_ignore_ascii_case(b"x-ms-exchange-forwardingaddress")
            || (name.eq_ignore_ascii_case(b"auto-submitted") && value.eq_ignore_ascii_case(b"auto-forwarded"))
    });
    let author = mail.message.from.address();
    let is_of_stranger = author.is_some_and(|author| directory.domain_of(author).is_none());
    let is_bounce = mail.envelope.sender.is_none();
    goes_outside && !is_bounce && (says_so || is_of_stranger)
}
