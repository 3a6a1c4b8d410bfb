//! Finding mails and refusals, newest first, with a bound on the time and an honest word on what the answer covers.

use super::api::{Incomplete, ListBody, MailBody};
use super::event::{Event, EventKind, Refusal, first_id_at, time_of};
use super::pace::Pace;
use super::sql::{self, search::Window};
use crate::scope::OrgScope;
use mail::MailId;
use mail::id::EventId;
use std::time::Duration;
use store::{Error, Tx};

/// Rows of one answer.
pub const LIMIT_MAX: usize = 1_000;
/// How long a search looks when nobody says otherwise.
const WITHIN: Duration = Duration::from_millis(500);

/// What to look for; what is `None` does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub mail: Option<MailId>,
    /// An address, or `@domain` for all of a domain.
    pub sender: Option<String>,
    /// As `sender`.
    pub recipient: Option<String>,
    /// Part of the subject, in any case.
    pub subject: Option<String>,
    /// With or without angle brackets.
    pub message_id: Option<String>,
    pub ip: Option<std::net::IpAddr>,
    pub verdict: Option<String>,
    /// State of a recipient.
    pub state: Option<String>,
    /// Received at or after, and before: Unix milliseconds.
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
    /// Go on from an earlier answer: only mails with smaller identifiers.
    pub before: Option<MailId>,
    pub limit: usize,
    /// How long to look; what was not looked through by then, the answer says.
    pub within: Duration,
}

impl Default for Query {
    fn default() -> Query {
        Query {
            mail: None,
            sender: None,
            recipient: None,
            subject: None,
            message_id: None,
            ip: None,
            verdict: None,
            state: None,
            since_ms: None,
            until_ms: None,
            before: None,
            limit: 100,
            within: WITHIN,
        }
    }
}

/// Mails found, newest first.
pub type Answer = ListBody<MailBody>;

/// Finds mails.
pub async fn search(tx: &mut Tx, scope: OrgScope, query: &Query) -> Result<Answer, Error> {
    let limit = query.limit.clamp(1, LIMIT_MAX);
    let mut found = Found { ids: Vec::new(), looked_back_to: None, is_more: false };
    let subject = query.subject.as_ref().map(|subject| subject.to_lowercase());
    let along = sql::search::along(tx, query).await?;
    let (mut pace, mut window) = (Pace::new(query.within), Window::newest(query));
    while let Some(this) = sql::search::next_window(tx, scope, (query, along), &window, pace.rows).await? {
        if pace.is_over() {
            found.looked_back_to = Some(window.under);
            break;
        }
        for (id, text) in sql::search::matches(tx, scope, (query, along), &this, limit + 1).await? {
            if subject.as_ref().is_some_and(|subject| !text.to_lowercase().contains(subject)) {
                continue;
            }
            if found.ids.len() == limit {
                found.is_more = true;
                return found.answer(tx, scope, query).await;
            }
            found.ids.push(id);
        }
        pace.step();
        window = this.below();
    }
    found.answer(tx, scope, query).await
}

struct Found {
    ids: Vec<MailId>,
    /// The search stopped here; `None` when it went to the end.
    looked_back_to: Option<MailId>,
    is_more: bool,
}

impl Found {
    async fn answer(self, tx: &mut Tx, scope: OrgScope, query: &Query) -> Result<Answer, Error> {
        let mut because = Vec::new();
        let mut next = None;
        if self.is_more {
            because.push(Incomplete::More { shown: self.ids.len() });
            next = self.ids.last().copied();
        } else if let Some(back_to) = self.looked_back_to {
            because.push(Incomplete::LookedBackTo { at_ms: time_of(back_to) });
            next = Some(back_to);
        }
        if let (Some(since_ms), Some(oldest)) = (query.since_ms, sql::search::oldest(tx, scope).await?)
            && time_of(oldest) > since_ms
        {
            because.push(Incomplete::KeptSince { at_ms: time_of(oldest) });
        }
        Ok(ListBody {
            rows: sql::search::mails(tx, scope, &self.ids).await?,
            is_complete: because.is_empty(),
            incomplete_because: because.iter().map(|one| one.sentence("mails")).collect(),
            because,
            next: next.map(|mail| mail.to_string()),
        })
    }
}

/// What to look for among refusals: connections and mails that were turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalQuery {
    pub ip: Option<std::net::IpAddr>,
    /// An address, or `@domain`.
    pub sender: Option<String>,
    pub recipient: Option<String>,
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
    pub before: Option<EventId>,
    pub limit: usize,
    /// How long to look, as in [`Query`].
    pub within: Duration,
}

impl Default for RefusalQuery {
    fn default() -> RefusalQuery {
        RefusalQuery { ip: None, sender: None, recipient: None, since_ms: None, until_ms: None, before: None, limit: 100, within: WITHIN }
    }
}

/// Finds refusals, newest first. One organisation sees those that concern its recipients; connections refused before anybody
/// was named concern nobody and are the operator's.
pub async fn refusals(tx: &mut Tx, scope: OrgScope, query: &RefusalQuery) -> Result<ListBody<super::api::EventBody>, Error> {
    let limit = query.limit.clamp(1, LIMIT_MAX);
    let since = first_id_at(query.since_ms.unwrap_or(0)).0;
    let mut under = query.until_ms.map_or(i64::MAX, |until_ms| first_id_at(until_ms).0).min(query.before.map_or(i64::MAX, |id| id.0));
    let (mut rows, mut because, mut next) = (Vec::new(), Vec::new(), None);
    let mut pace = Pace::new(query.within);
    'pages: loop {
        let page = sql::search::refusals(tx, since, under, pace.rows).await?;
        for event in &page {
            under = event.id.0;
            if event.kind == EventKind::NotRecorded {
                because.push(Incomplete::Lost { count: lost(event), at_ms: event.at_ms });
            } else if scope.allows(event.org) && query.matches(event) {
                if rows.len() == limit {
                    because.push(Incomplete::More { shown: limit });
                    next = rows.last().map(|last: &super::api::EventBody| last.event.to_string());
                    break 'pages;
                }
                rows.push(event.into());
            }
        }
        if page.len() < pace.rows {
            break;
        }
        pace.step();
        if pace.is_over() {
            because.push(Incomplete::LookedBackTo { at_ms: time_of(MailId(under)) });
            next = Some(EventId(under).to_string());
            break;
        }
    }
    let incomplete_because = because.iter().map(|one| one.sentence("refusals")).collect();
    Ok(ListBody { rows, is_complete: because.is_empty(), incomplete_because, because, next })
}

impl Incomplete {
    /// In English, for programs and the command line; `what` is listed.
    fn sentence(self, what: &str) -> String {
        match self {
            Incomplete::More { shown } => format!("more than {shown} {what} match; go on from the last one"),
            Incomplete::LookedBackTo { at_ms } => format!("only {what} since {} were looked through; go on from there", instant(at_ms)),
            Incomplete::KeptSince { at_ms } => format!("nothing is kept from before {}", instant(at_ms)),
            Incomplete::Lost { count, at_ms } => format!("{count} refusals around {} were too many to keep", instant(at_ms)),
        }
    }
}

impl RefusalQuery {
    fn matches(&self, event: &Event) -> bool {
        if self.ip.is_none() && self.sender.is_none() && self.recipient.is_none() {
            return true;
        }
        let Ok(detail) = serde_json::from_str::<Refusal>(&event.detail) else { return false };
        self.ip.is_none_or(|ip| detail.ip == ip.to_string())
            && self.sender.as_ref().is_none_or(|sender| is_address(&detail.sender, sender))
            && self.recipient.as_ref().is_none_or(|wanted| detail.recipients.iter().any(|recipient| is_address(recipient, wanted)))
    }
}

/// Whether `address` is `wanted`, or of the domain when that is `@domain`.
fn is_address(address: &str, wanted: &str) -> bool {
    let (address, wanted) = (address.to_lowercase(), wanted.to_lowercase());
    if wanted.starts_with('@') { address.ends_with(&wanted) } else { address == wanted }
}

fn lost(event: &Event) -> u64 {
    serde_json::from_str::<serde_json::Value>(&event.detail).ok().and_then(|detail| detail["count"].as_u64()).unwrap_or_default()
}

/// A moment as people and programs read it: RFC 3339 in UTC.
fn instant(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| at_ms.to_string(), |at| at.to_string())
}
