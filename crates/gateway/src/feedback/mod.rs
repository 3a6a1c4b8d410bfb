//! What people say about mail, and what the classifier learns from it.
//!
//! In: a message and a word about it: good, junk, phish, bulk. It comes as a mail to a report address ([`by_mail`]), or by command.
//! Out: deltas that the mail path adds to the shipped model, for the organisation and for the person. Invariants: a message is
//! learned once from a reporter, however often it is sent; taking a report back leaves nothing of it; one reporter has a share
//! only (`detect::classify::delta` keeps it). What nobody speaks of is sampled ([`UsualMail`]), so that
//! reports of junk alone do not condemn it. Learning happens beside the database: its transactions only write what was worked out.

pub mod by_mail;
mod sql;
#[cfg(test)]
mod tests;
mod usual;
mod watch;

pub use sql::{Row, row, rows};
pub use usual::{UsualMail, expire};
pub use watch::Deltas;

use crate::reputation::{Behind, Outcome, Reputation};
use crate::scope::OrgScope;
use crate::trace::{self, Event, EventKind};
use bytes::Bytes;
use detect::classify::delta::{Delta, Digest, Learned, Limits, Reading, digest};
use detect::classify::{Evidence, Label, Model, Scores, probability};
use mail::id::{EventId, IdMaker, ReportId};
use mail::message::Budget;
use mail::{MailId, Message, OrgId};
use std::sync::Arc;
use store::{Db, Error};

/// Another node changed the same delta meanwhile: tried again so often.
const TRIES_MAX: usize = 5;
/// The word of a person about a mail weighs as much as so many verdicts of ours.
const WORD_TIMES: f64 = 5.0;
/// Characters of a reporter's name and of a subject that are kept.
const NAME_CHARS_MAX: usize = 320;

/// One report.
#[derive(Debug, Clone)]
pub struct Report {
    pub org: OrgId,
    /// Address of the person, or who it was at the command line.
    pub reporter: String,
    pub label: Label,
    /// The message, as received or as forwarded.
    pub octets: Bytes,
    pub now_ms: i64,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// `None` when the same report was there already.
    pub id: Option<ReportId>,
    /// The mail it is about, if trace knows it.
    pub mail: Option<MailId>,
    pub subject: String,
    /// Opinions before and after, with what the organisation taught.
    pub before: Scores,
    pub after: Scores,
    /// The organisation keeps it and does not believe it yet: what others reported speaks against it. For the reporter it counts.
    pub is_held_back: bool,
}

/// Why a report was not taken.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    #[error(transparent)]
    Store(#[from] Error),
    #[error("others are learning at the same time; try again")]
    Busy,
    #[error("there is no report {0}, or it is not for you to see")]
    NoReport(ReportId),
}

/// Takes reports; cheap to clone.
#[derive(Clone)]
pub struct Feedback {
    pub db: Db,
    pub ids: Arc<IdMaker>,
    pub model: Arc<Model>,
    pub deltas: Deltas,
    pub reputation: Reputation,
}

/// The part of a receipt that feedback reads.
#[derive(serde::Deserialize)]
struct Sender {
    #[serde(default)]
    behind: Behind,
}

/// A report that was read: everything that needs no database.
struct Read {
    reading: Reading,
    subject: String,
    /// The id that our own header names; to be checked before it is believed.
    claimed: Option<MailId>,
}

impl Feedback {
    /// Learns a report. Which mail it is about, the header of the message says.
    pub async fn take(&self, report: Report) -> Result<Taken, FeedbackError> {
        self.take_about(report, None).await
    }

    /// Learns a report of a message that was found to be this mail, whatever of its header is left.
    pub async fn take_about(&self, report: Report, mail: Option<MailId>) -> Result<Taken, FeedbackError> {
        let Read { reading, subject, claimed } = self.read(report.octets.clone()).await;
        let claimed = mail.or(claimed);
        let reading = Arc::new(reading);
        let reporter: String = report.reporter.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
        let (org, digest) = (report.org, hex(&reading.message));
        let known = {
            let (digest, reporter) = (digest.clone(), reporter.clone());
            self.db.read(move |tx| Box::pin(async move { sql::label_of(tx, org, &digest, &reporter).await })).await?
        };
        let (before, is_held_back) = self.opinion(org, &reading).await?;
        let found = self.mail_of(org, claimed).await?;
        if known == Some(report.label) {
            let mail = found.map(|(mail, _)| mail);
            return Ok(Taken { id: None, mail, subject, before, after: before, is_held_back });
        }
        for (person, limits) in [("", Limits::ORGANISATION), (reporter.as_str(), Limits::PERSON)] {
            let (reading, reporter) = (reading.clone(), reporter.clone());
            let learn = move |delta: &mut Delta| delta.learn(&reading.lesson(&reporter, report.label)) != Learned::Known;
            self.change(org, person, limits, learn).await?;
        }
        let (after, is_held_back) = self.opinion(org, &reading).await?;
        let mail = found.as_ref().map(|(mail, _)| *mail);
        let row = sql::Row {
            id: ReportId(self.ids.next(report.now_ms)),
            org,
            mail: mail.unwrap_or(MailId(0)),
            digest,
            reporter,
            label: report.label,
            subject: subject.clone(),
            before_spam: probability(before.spam_log_odds),
            after_spam: probability(after.spam_log_odds),
            at_ms: report.now_ms,
        };
        let id = row.id;
        self.keep(row).await?;
        if let Some((_, behind)) = found {
            let outcome = if report.label.is_junk() { Outcome::Bad } else { Outcome::Good };
            self.reputation.note(org, &behind, outcome, (WORD_TIMES, report.now_ms));
            self.reputation.note_word(org, &behind, outcome, report.now_ms);
        }
        Ok(Taken { id: Some(id), mail, subject, before, after, is_held_back })
    }

    /// Takes a report back, and all that was learned from it.
    pub async fn remove(&self, scope: OrgScope, id: ReportId) -> Result<sql::Row, FeedbackError> {
        let row =
            self.db.read(move |tx| Box::pin(async move { sql::row(tx, scope, id).await })).await?.ok_or(FeedbackError::NoReport(id))?;
        let (message, reporter) = (unhex(&row.digest), digest(row.reporter.as_bytes()));
        for (person, limits) in [("", Limits::ORGANISATION), (row.reporter.as_str(), Limits::PERSON)] {
            // What others said of the same message still stands for the organisation.
            self.change(row.org, person, limits, move |delta| delta.unlearn(&message, &reporter)).await?;
        }
        let (db, id) = (&self.db, row.id);
        db.tx(move |tx| Box::pin(async move { sql::delete(tx, id).await })).await?;
        Ok(row)
    }

    async fn read(&self, octets: Bytes) -> Read {
        let model = self.model.clone();
        let work = move || {
            let message = Message::parse(octets, &Budget::default());
            let subject = message.subject.chars().take(NAME_CHARS_MAX).collect();
            Read { reading: Reading::of(&message, &model), subject, claimed: claimed(&message) }
        };
        // Reading a message never panics on any input; if it did, an empty one is what was read.
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Read {
            reading: Reading { message: [0; 16], evidence: Evidence::of_text("", ""), before: Scores::default() },
            subject: String::new(),
            claimed: None,
        })
    }

    /// The model's opinion with what the organisation taught, and whether it holds back what was said of this message.
    async fn opinion(&self, org: OrgId, reading: &Reading) -> Result<(Scores, bool), FeedbackError> {
        let (_, delta) = self.stored(org, "").await?;
        let is_held_back = delta.as_ref().is_some_and(|delta| delta.is_held_back(&reading.message));
        Ok((reading.scores(&self.model, delta.as_ref().as_slice()), is_held_back))
    }

    /// The mail that our header names, if it is one of this organisation, and who stood behind it.
    async fn mail_of(&self, org: OrgId, claimed: Option<MailId>) -> Result<Option<(MailId, Behind)>, FeedbackError> {
        let Some(mail) = claimed else { return Ok(None) };
        let receipt = self.db.read(move |tx| Box::pin(async move { sql::receipt(tx, org, mail).await })).await?;
        let behind = receipt.and_then(|receipt| serde_json::from_str::<Sender>(&receipt).ok());
        Ok(behind.map(|sender| (mail, sender.behind)))
    }

    /// Changes a delta and stores it, unless `change` says that nothing changed.
    async fn change(
        &self,
        org: OrgId,
        person: &str,
        limits: Limits,
        change: impl Fn(&mut Delta) -> bool + Send + Sync + 'static,
    ) -> Result<(), FeedbackError> {
        let change = Arc::new(change);
        for _ in 0..TRIES_MAX {
            let (version, stored) = self.stored(org, person).await?;
            let usual = self.db.read(move |tx| Box::pin(async move { sql::usual(tx, org).await })).await?;
            let mut delta = stored.unwrap_or_else(|| Delta::new(limits));
            let change = change.clone();
            let work = move || {
                delta.show(&usual);
                change(&mut delta).then_some(delta)
            };
            // Fitting a full delta takes tens of milliseconds: not on a thread that serves connections.
            let changed = tokio::task::spawn_blocking(work).await;
            let Some(delta) = changed.map_err(|_| FeedbackError::Busy)? else { return Ok(()) };
            let (octets, name) = (Bytes::from(delta.to_octets()), person.to_string());
            let done: Result<bool, Error> =
                self.db.tx(move |tx| Box::pin(async move { sql::put_delta(tx, (org, &name), version, octets).await })).await;
            if done? {
                self.deltas.put(org, person, version + 1, delta);
                return Ok(());
            }
        }
        Err(FeedbackError::Busy)
    }

    /// A delta and its version, 0 where there is none. What cannot be read keeps its version, so that it can be written over.
    async fn stored(&self, org: OrgId, person: &str) -> Result<(i64, Option<Delta>), FeedbackError> {
        let name = person.to_string();
        let stored = self.db.read(move |tx| Box::pin(async move { sql::delta(tx, org, &name).await })).await?;
        let Some((version, octets)) = stored else { return Ok((0, None)) };
        let read = tokio::task::spawn_blocking(move || Delta::from_octets(&octets)).await.map_err(|_| FeedbackError::Busy)?;
        match read {
            Ok(delta) => Ok((version, Some(delta))),
            Err(why) => {
                tracing::error!(org = org.0, person, %why, "what was learned cannot be read; it begins anew");
                Ok((version, None))
            }
        }
    }

    async fn keep(&self, row: sql::Row) -> Result<(), FeedbackError> {
        let event = (row.mail.0 != 0).then(|| Event {
            id: EventId(self.ids.next(row.at_ms)),
            mail: row.mail,
            org: row.org,
            at_ms: row.at_ms,
            kind: EventKind::Reported,
            recipient: row.reporter.clone(),
            detail: serde_json::json!({ "as": sql::label_name(row.label) }).to_string(),
        });
        let kept: Result<(), Error> = self
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    sql::insert(tx, &row).await?;
                    trace::insert(tx, event.as_slice()).await
                })
            })
            .await;
        Ok(kept?)
    }
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Digest {
    let mut digest = [0; 16];
    for (octet, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        *octet = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or_default();
    }
    digest
}

/// `id=m…` in the X-Gatepost-Report field that we put on top when the mail passed.
fn claimed(message: &Message) -> Option<MailId> {
    let (_, value) = message.fields().find(|(name, _)| name.eq_ignore_ascii_case(b"x-gatepost-report"))?;
    let value = std::str::from_utf8(value).ok()?;
    let id = value.split(';').find_map(|part| part.trim().strip_prefix("id="))?;
    id.trim().parse().ok()
}
