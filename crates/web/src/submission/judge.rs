//! Judging what was sent in, and the reports that came of it.

use super::MESSAGE_OCTETS_MAX;
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use bytes::Bytes;
use detect::classify::Label;
use gateway::feedback::{FeedbackError, Report, Row, Taken, row, rows};
use gateway::intake::again::{Second, Strange};
use gateway::intake::first_public;
use mail::id::ReportId;
use mail::message::{Budget, as_on_the_wire};
use mail::{Address, Message};
use std::net::IpAddr;
use store::Error;
use tokio::sync::Semaphore;

/// Messages that are judged for pages at one time.
static JUDGING: Semaphore = Semaphore::const_new(2);
/// Words of [`label`], as forms and the API have them; "" says nothing.
pub const LABELS: [&str; 5] = ["", "good", "junk", "phish", "bulk"];

/// What somebody sends in.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    pub octets: Bytes,
    /// One of [`LABELS`].
    pub label: String,
    /// The address that handed it over; "": as its Received fields say.
    pub ip: String,
}

/// What the filter says.
pub struct Told {
    pub subject: String,
    pub from: String,
    /// The address that was taken for the one it came from.
    pub ip: Option<IpAddr>,
    pub second: Second,
    /// What came of the report, if there was one.
    pub taken: Option<Taken>,
}

/// The word of a form.
pub fn label(word: &str) -> Option<Label> {
    match word {
        "good" => Some(Label::Ham),
        "junk" => Some(Label::Spam),
        "phish" => Some(Label::Phish),
        "bulk" => Some(Label::Bulk),
        _ => None,
    }
}

/// The word for a form.
pub fn word(label: Label) -> &'static str {
    match label {
        Label::Ham => "good",
        Label::Spam => "junk",
        Label::Phish => "phish",
        Label::Bulk => "bulk",
    }
}

/// What of a wish cannot be, and the address that it names.
fn checked(wish: &Wish) -> Result<Option<IpAddr>, Fault> {
    let mut wrong = Vec::new();
    if wish.octets.trim_ascii().is_empty() {
        wrong.push(Wrong::new("file", "submission-wrong-empty"));
    }
    if !LABELS.contains(&wish.label.as_str()) {
        wrong.push(Wrong::new("label", "submission-wrong-label"));
    }
    let ip = match wish.ip.trim() {
        "" => None,
        text => text.parse().map_err(|_| wrong.push(Wrong::new("ip", "submission-wrong-ip"))).ok(),
    };
    if wish.octets.len() > MESSAGE_OCTETS_MAX {
        return Err(Fault::TooLarge);
    }
    if wrong.is_empty() { Ok(ip) } else { Err(Fault::Invalid(wrong)) }
}

/// Judges a message, and learns what is said of it.
/// # Errors
/// [`Fault::Invalid`] names what cannot be; [`Fault::Conflict`] when it is no message or took too long.
pub async fn submit(app: &App, person: &Person, wish: Wish) -> Result<Told, Fault> {
    person.require(May::Trace)?;
    let said = label(&wish.label);
    if said.is_some() {
        person.require(May::Release)?;
    }
    let org = person.acting_org()?;
    let named = checked(&wish)?;
    let octets = as_on_the_wire(wish.octets);
    let turn = JUDGING.acquire().await;
    let parsed = octets.clone();
    let message = tokio::task::spawn_blocking(move || Message::parse(parsed, &Budget::default()));
    let message = message.await.map_err(|why| Fault::Ours(format!("reading a message: {why}")))?;
    if message.fields().next().is_none() {
        return Err(Fault::Invalid(vec![Wrong::new("file", "submission-wrong-message")]));
    }
    let strange = strange(&message, named, app.now_ms());
    let second = app.again.judge_strange(org, &strange, &message).await;
    drop(turn);
    let second = second.ok_or_else(|| Fault::Conflict(Say::new("again-too-long")))?;
    let taken = match said {
        None => None,
        Some(label) => {
            let report = Report { org, reporter: person.email.clone(), label, octets, now_ms: app.now_ms() };
            let taken = app.feedback.take(report).await.map_err(fault)?;
            let subject = taken.id.map_or_else(String::new, |id| id.to_string());
            note(app, person, Entry::new(Some(org), "submission.report", subject).with(serde_json::json!({ "as": word(label) }))).await?;
            Some(taken)
        }
    };
    let from = message.from.address().map(ToString::to_string).unwrap_or_default();
    Ok(Told { subject: message.subject.clone(), from, ip: strange.ip, second, taken })
}

/// How it came, as far as it says so itself.
fn strange(message: &Message, named: Option<IpAddr>, now_ms: i64) -> Strange {
    let (found, helo) = first_public(message.all("received")).unzip();
    let return_path = message.first("return-path").map(|path| String::from_utf8_lossy(path).trim().trim_matches(['<', '>']).to_string());
    let sender = match return_path.as_deref() {
        Some("") => None,
        Some(path) => Address::parse(path).ok(),
        None => message.from.address().cloned(),
    };
    let is_same = named.is_none() || named == found;
    // Signatures end: they are measured against the moment it was written, as far as that is past.
    let at_ms = message.date_ms.filter(|at_ms| *at_ms > 0 && *at_ms < now_ms).unwrap_or(now_ms);
    Strange { ip: named.or(found), helo: helo.filter(|_| is_same).unwrap_or_default(), sender, at_ms }
}

fn fault(why: FeedbackError) -> Fault {
    match why {
        FeedbackError::NoReport(_) => Fault::NotFound,
        FeedbackError::Busy => Fault::TooMany(1),
        other => Fault::Ours(other.to_string()),
    }
}

async fn note(app: &App, person: &Person, entry: Entry) -> Result<(), Fault> {
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let noted: Result<(), Error> = app.db.tx(move |tx| Box::pin(async move { audit::note(tx, &person, &ids, now_ms, entry).await })).await;
    Ok(noted?)
}

/// Reports of this person's organisation, the latest first, and the one to go on before.
pub async fn list(app: &App, person: &Person, before: &str, limit: usize) -> Result<(Vec<Row>, Option<ReportId>), Fault> {
    person.require(May::Trace)?;
    let before: Option<ReportId> = match before {
        "" => None,
        text => Some(text.parse().map_err(|_| Fault::Invalid(vec![Wrong::new("before", "reports-wrong-cursor")]))?),
    };
    let scope = person.scope();
    let found: Result<Vec<Row>, Error> = app.db.read(move |tx| Box::pin(async move { rows(tx, scope, before, limit + 1).await })).await;
    let mut found = found?;
    let next = (found.len() > limit).then(|| found[limit - 1].id);
    found.truncate(limit);
    Ok((found, next))
}

/// A report that this person may take back.
pub async fn one(app: &App, person: &Person, id: ReportId) -> Result<Row, Fault> {
    person.require(May::Release)?;
    let scope = person.scope();
    let found: Result<Option<Row>, Error> = app.db.read(move |tx| Box::pin(async move { row(tx, scope, id).await })).await;
    found?.ok_or(Fault::NotFound)
}

/// Takes a report back, and all that was learned from it.
pub async fn remove(app: &App, person: &Person, id: ReportId) -> Result<(), Fault> {
    person.require(May::Release)?;
    let row = app.feedback.remove(person.scope(), id).await.map_err(fault)?;
    let detail = serde_json::json!({ "as": word(row.label), "by": row.reporter });
    note(app, person, Entry::new(Some(row.org), "submission.remove", id).with(detail)).await
}
