//! The bell: what a person has not read yet of what concerns their organisation, live.
//!
//! In: issues, messages, and each person's choice. Out: a number in the head of every page, a list, a stream of events that pages
//! listen to. Without scripts the number is that of when the page was made.

use super::message::{self, Message};
use super::sql::{self, Wanted};
use super::{Text, issue::Issue};
use crate::App;
use crate::page::stream::{self, Seat, Seats};
use crate::page::words::{self, Lang};
use crate::page::{Fault, View};
use crate::people::{Person, session};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::response::sse::Event;
use fluent_bundle::FluentValue;
use futures_util::stream::unfold;
use gateway::scope::OrgScope;
use mail::PersonId;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::Duration;
use store::{Error, Tx, args};
use tokio::sync::watch;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// What is older is not rung about any more.
const RUNG_MS: i64 = 30 * DAY_MS;
const ALERTS_MAX: usize = 100;
/// People whose number is remembered, and for how long at most.
const COUNTED_MAX: u64 = 10_000;
const COUNTED_FOR: Duration = Duration::from_secs(30);
/// A stream says something at least this often, so that both ends know of each other.
const ALIVE_EVERY: Duration = Duration::from_secs(20);
/// How often it is looked whether whoever listens is still signed in, when nothing rings.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A stream ends by itself after so many looks (an hour or less); the browser opens another.
const LOOKS_MAX: u32 = 60;
/// Streams of this process at once: every page that is open has one. Pages beyond it keep the number they were made with.
const STREAMS_MAX: usize = 2_000;

static STREAMS: Seats = Seats::new(STREAMS_MAX);

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// EX100001 or MC100001.
    pub subject: String,
    pub href: String,
    pub title: Text,
    pub at_ms: i64,
    /// Somebody should act on it.
    pub is_urgent: bool,
    pub is_read: bool,
    pub status: String,
    pub tone: &'static str,
}

/// What a person wants to be rung about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    pub incidents: bool,
    pub advisories: bool,
    pub messages: bool,
    /// Kinds of service that are left out.
    pub muted: Vec<String>,
    /// Hours of the person's day, 0 to 23, between which nothing is announced; the same hour twice is never.
    pub quiet_from: u8,
    pub quiet_to: u8,
    /// Letters about incidents as well.
    pub mail: bool,
    /// One letter a week.
    pub weekly: bool,
    /// What happens to questions of the community that one follows; and letters about it as well.
    pub community: bool,
    pub community_mail: bool,
}

impl Default for Choice {
    fn default() -> Choice {
        Choice {
            incidents: true,
            advisories: true,
            messages: true,
            muted: Vec::new(),
            quiet_from: 0,
            quiet_to: 0,
            mail: false,
            weekly: false,
            community: true,
            community_mail: true,
        }
    }
}

impl Choice {
    pub(super) fn wants(&self, issue: &Issue) -> bool {
        let is_kind = if issue.is_incident { self.incidents } else { self.advisories };
        let is_muted = |service: &gateway::health::Service| self.muted.iter().any(|muted| muted == service.kind());
        is_kind && (issue.body.services.is_empty() || !issue.body.services.iter().all(is_muted))
    }

    /// Whether this hour of the day is quiet; the span may go over midnight.
    pub fn is_quiet(&self, hour: u8) -> bool {
        match self.quiet_from <= self.quiet_to {
            true => (self.quiet_from..self.quiet_to).contains(&hour),
            false => hour >= self.quiet_from || hour < self.quiet_to,
        }
    }
}

pub async fn choice(tx: &mut Tx, person: PersonId) -> Result<Choice, Error> {
    let row = tx.row("SELECT settings FROM bell_choice WHERE person = $1", args![person.0]).await?;
    Ok(row.and_then(|row| serde_json::from_str(row.text(0).ok()?).ok()).unwrap_or_default())
}

pub async fn put_choice(tx: &mut Tx, person: PersonId, choice: &Choice) -> Result<(), Error> {
    let text = serde_json::to_string(choice).map_err(|why| Error::Shape(why.to_string()))?;
    let sql = "INSERT INTO bell_choice (person, settings) VALUES ($1, $2) ON CONFLICT (person) DO UPDATE SET settings = excluded.settings";
    tx.run(sql, args![person.0, text]).await.map(drop)
}

/// What concerns this person, newest first, read or not.
pub async fn alerts(tx: &mut Tx, scope: OrgScope, person: PersonId, now_ms: i64) -> Result<Vec<Alert>, Error> {
    let choice = choice(tx, person).await?;
    let wanted = Wanted { since_ms: now_ms - RUNG_MS, rows_max: ALERTS_MAX, ..Wanted::default() };
    let issues = sql::issues(tx, scope, wanted).await?;
    let messages = message::list(tx, scope, person, ALERTS_MAX).await?;
    let read = tx.rows("SELECT subject, at_ms FROM bell_read WHERE person = $1 AND at_ms >= $2", args![person.0, now_ms - RUNG_MS]).await?;
    let read: HashSet<(String, i64)> = read.iter().map(|row| Ok((row.text(0)?.to_string(), row.int(1)?))).collect::<Result<_, Error>>()?;
    let is_read = |subject: &str, updated_ms: i64| read.iter().any(|(name, at_ms)| name == subject && *at_ms >= updated_ms);
    let mut alerts: Vec<Alert> = issues.iter().filter(|issue| choice.wants(issue)).map(of_issue).collect();
    if choice.messages {
        let fresh = messages.iter().filter(|message| !message.is_archived && message.updated_ms >= now_ms - RUNG_MS);
        alerts.extend(fresh.map(of_message));
    }
    alerts.extend(crate::directory_sync::alerts(tx, scope, person, now_ms).await?);
    alerts.extend(crate::support_desk::keep::alerts(tx, person, now_ms - RUNG_MS).await?);
    alerts.extend(crate::restricted::alerts(tx, scope, person, now_ms).await?);
    alerts.extend(crate::removal::alerts(tx, scope, person).await?);
    alerts.extend(crate::help_desk::alerts(tx, scope, person).await?);
    alerts.extend(crate::service_request::mention::alerts(tx, person, (now_ms - RUNG_MS, now_ms)).await?);
    if choice.community {
        alerts.extend(crate::community::notice::alerts(tx, scope, person, now_ms - RUNG_MS).await?);
    }
    for alert in &mut alerts {
        alert.is_read |= is_read(&alert.subject, alert.at_ms);
    }
    alerts.sort_by_key(|alert| (alert.is_read, !alert.is_urgent, std::cmp::Reverse(alert.at_ms)));
    alerts.truncate(ALERTS_MAX);
    Ok(alerts)
}

fn of_issue(issue: &Issue) -> Alert {
    Alert {
        subject: issue.id.to_string(),
        href: format!("/health/issues/{}", issue.id),
        title: issue.body.title.clone(),
        at_ms: issue.updated_ms,
        is_urgent: issue.is_open && issue.is_incident,
        is_read: false,
        status: format!("health-status-{}", issue.status.name()),
        tone: super::site::tone(issue.status),
    }
}

fn of_message(message: &Message) -> Alert {
    Alert {
        subject: message.id(),
        href: format!("/health/messages/{}", message.id()),
        title: message.body.title.clone(),
        at_ms: message.updated_ms,
        is_urgent: message.act_by_ms.is_some() || message.is_major,
        is_read: message.is_read,
        status: format!("health-category-{}", message.category),
        tone: "info",
    }
}

/// Marks one subject, or everything that concerns the person, as read. Whoever commits that also calls [`Counted::forget`], or rings.
pub async fn mark_read(tx: &mut Tx, person: PersonId, subjects: &[String], now_ms: i64) -> Result<(), Error> {
    for subject in subjects.iter().take(ALERTS_MAX) {
        let sql = "INSERT INTO bell_read (person, subject, at_ms) VALUES ($1, $2, $3) \
                   ON CONFLICT (person, subject) DO UPDATE SET at_ms = excluded.at_ms";
        tx.run(sql, args![person.0, subject.as_str(), now_ms]).await?;
    }
    Ok(())
}

/// How much is unread; stands in the request for [`View`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread(pub usize);

/// The numbers that were counted of late, each with how often it had rung by then.
pub struct Counted(Cache<PersonId, (u64, usize)>);

impl Default for Counted {
    fn default() -> Counted {
        Counted(Cache::builder().max_capacity(COUNTED_MAX).time_to_live(COUNTED_FOR).build())
    }
}

impl Counted {
    /// What this person has read changed.
    pub fn forget(&self, person: PersonId) {
        self.0.invalidate(&person);
    }
}

/// Puts the number into requests for pages of those who are signed in.
pub async fn counted(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let is_page = !["/api/", "/v1.0/", "/scim/", "/assets/", "/bell/stream"].iter().any(|begin| request.uri().path().starts_with(begin));
    if let Some(person) = request.extensions().get::<Person>().cloned().filter(|_| is_page) {
        // A page without the number is better than none.
        if let Ok(count) = unread(&app, &person).await {
            request.extensions_mut().insert(Unread(count));
        }
    }
    next.run(request).await
}

async fn unread(app: &App, person: &Person) -> Result<usize, Error> {
    let (version, known) = (app.health.version(), &app.health.counted().0);
    if let Some((_, count)) = known.get(&person.id).filter(|(counted, _)| *counted == version) {
        return Ok(count);
    }
    let found = fresh(app, person).await?;
    known.insert(person.id, (version, found.len()));
    Ok(found.len())
}

/// What this person has not read.
async fn fresh(app: &App, person: &Person) -> Result<Vec<Alert>, Error> {
    let (scope, id, now_ms) = (person.scope(), person.id, app.now_ms());
    let all = app.db.read(move |tx| Box::pin(async move { alerts(tx, scope, id, now_ms).await })).await?;
    Ok(all.into_iter().filter(|alert| !alert.is_read).collect())
}

/// What a page is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Rung {
    count: usize,
    /// The name of the bell.
    label: String,
    /// What is new since the last event, to be said politely; "" says nothing.
    says: String,
}

/// A page that listens.
struct Listening {
    app: App,
    view: View,
    person: Person,
    changes: watch::Receiver<u64>,
    /// What had not been read when it last rang; nothing before the first event.
    known: Option<HashSet<(String, i64)>>,
    looks: u32,
    _seat: Seat,
}

/// `GET /bell/stream`: an event now, and at every change.
pub async fn stream(State(app): State<App>, view: View, person: Person) -> Result<Response, Fault> {
    let (changes, seat) = (app.health.changes(), STREAMS.take()?);
    let listening = Listening { app, view, person, changes, known: None, looks: 0, _seat: seat };
    let rings = unfold(listening, |mut listening| async move {
        let rung = listening.next().await?;
        let event = Event::default().event("bell").data(serde_json::to_string(&rung).unwrap_or_default());
        Some((Ok(event), listening))
    });
    Ok(stream::answer(rings, ALIVE_EVERY))
}

impl Listening {
    /// The next event; `None` once the session was ended, or after [`LOOKS_MAX`].
    async fn next(&mut self) -> Option<Rung> {
        while self.looks < LOOKS_MAX {
            let is_rung = match self.known {
                None => true,
                Some(_) => tokio::time::timeout(LOOK_EVERY, self.changes.changed()).await.is_ok(),
            };
            self.changes.borrow_and_update();
            self.looks += 1;
            self.person = session::again(&self.app, &self.person).await?;
            if is_rung {
                return Some(self.rung().await);
            }
        }
        None
    }

    async fn rung(&mut self) -> Rung {
        self.view.now_ms = self.app.now_ms();
        let alerts = fresh(&self.app, &self.person).await.unwrap_or_default();
        let of = |alert: &Alert| (alert.subject.clone(), alert.at_ms);
        let new = alerts.iter().find(|alert| self.known.as_ref().is_some_and(|known| !known.contains(&of(alert))));
        let is_quiet = is_quiet(&self.app, &self.view, &self.person).await;
        let says = new.filter(|_| !is_quiet).map(|alert| says(&self.view, alert)).unwrap_or_default();
        let rung = Rung { count: alerts.len(), label: label(self.view.lang, alerts.len()), says };
        self.known = Some(alerts.iter().map(of).collect());
        rung
    }
}

async fn is_quiet(app: &App, view: &View, person: &Person) -> bool {
    let id = person.id;
    let choice = app.db.read(move |tx| Box::pin(async move { choice(tx, id).await })).await.unwrap_or_default();
    let hour = jiff::Timestamp::from_millisecond(app.now_ms()).map_or(0, |at| at.to_zoned(view.zone.clone()).hour());
    choice.is_quiet(hour.unsigned_abs())
}

fn says(view: &View, alert: &Alert) -> String {
    format!("{}: {}. {}", alert.subject, alert.title.in_lang(view.lang), view.t(&alert.status))
}

/// "Notifications: 3 unread".
pub fn label(lang: Lang, count: usize) -> String {
    words::text(lang, "bell-label", &[("count", FluentValue::from(count as i64))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_go_over_midnight() {
        let choice = |quiet_from, quiet_to| Choice { quiet_from, quiet_to, ..Choice::default() };
        for (from, to, hour, want) in
            [(0, 0, 0, false), (22, 6, 23, true), (22, 6, 5, true), (22, 6, 6, false), (9, 17, 12, true), (9, 17, 8, false)]
        {
            assert_eq!(choice(from, to).is_quiet(hour), want, "{from} to {to} at {hour}");
        }
    }
}
