//! Trace for people and programs: find a mail, read its story. The tables and the search are `gateway::trace`'s.

mod actions;
mod again;
pub mod api;
pub mod filters;
mod header_api;
mod header_page;
pub mod hops;
mod mail_page;
mod message_trace;
mod page;
mod refused;
pub(crate) mod story;

pub use actions::{Queued, on_queue};
pub use page::{routes, verdict_tone};

use crate::App;
use crate::page::fault::Wrong;
use crate::page::table::Asked as TableAsked;
use crate::page::words::Source;
use crate::page::{Fault, Say, View, time};
use gateway::trace::Query;
use gateway::trace::api::Incomplete;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// Mails of one page.
pub const ROWS: usize = 50;
/// How long one page looks; a search that takes longer goes on in parts.
pub const PAGE_WITHIN: Duration = Duration::from_millis(25);

/// What can be asked, in a query of pages and of the API alike. What is '' does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// An address, or `@domain` for all of a domain.
    pub sender: String,
    /// An address, or `@domain`.
    pub recipient: String,
    /// Part of the subject, in any case.
    pub subject: String,
    pub message_id: String,
    pub ip: String,
    pub verdict: String,
    pub state: String,
    /// Received at or after: RFC 3339, or a local date and time of the reader's zone.
    pub since: String,
    /// Received before.
    pub until: String,
    /// Go on after this mail of an earlier answer.
    pub before: String,
}

impl Asked {
    /// What to look for. `kept_since_ms` is how far back the trace goes by its settings; asking for earlier is a mistake to be told of.
    /// # Errors
    /// [`Fault::Invalid`] names each field that cannot be read.
    pub fn query(&self, view: &View, kept_since_ms: i64) -> Result<Query, Fault> {
        let some = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
        let mut wrong = Vec::new();
        let ip = some(&self.ip).and_then(|ip| ip.parse().map_err(|_| wrong.push(Wrong::new("ip", "trace-wrong-ip"))).ok());
        let before = some(&self.before).and_then(|id| id.parse().map_err(|_| wrong.push(Wrong::new("before", "trace-wrong-cursor"))).ok());
        let mut moment = |field: &'static str, text: &str| {
            let text = some(text)?;
            let read = text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond()).or_else(|| time::parse_local(view, &text));
            read.or_else(|| {
                wrong.push(Wrong::new(field, "trace-wrong-time"));
                None
            })
        };
        let (since_ms, until_ms) = (moment("since", &self.since), moment("until", &self.until));
        if since_ms.is_some_and(|since| since < kept_since_ms) {
            let say = Say::new("trace-out-of-range").with("what", view.moment(kept_since_ms));
            wrong.push(Wrong { field: "since", say });
        }
        if since_ms.zip(until_ms).is_some_and(|(since, until)| until <= since) {
            wrong.push(Wrong::new("until", "trace-wrong-range"));
        }
        if !wrong.is_empty() {
            return Err(Fault::Invalid(wrong));
        }
        Ok(Query {
            sender: some(&self.sender),
            recipient: some(&self.recipient),
            subject: some(&self.subject),
            message_id: some(&self.message_id),
            verdict: some(&self.verdict),
            state: some(&self.state),
            ip,
            since_ms,
            until_ms,
            before,
            limit: ROWS,
            ..Query::default()
        })
    }
}

/// Why a list is not everything, in the reader's language.
pub fn because(view: &View, reasons: &[Incomplete]) -> Vec<String> {
    let say = |one: &Incomplete| match one {
        Incomplete::More { shown } => Say::new("trace-because-more").with("count", *shown),
        Incomplete::LookedBackTo { at_ms } => Say::new("trace-because-looked").with("what", view.moment(*at_ms)),
        Incomplete::KeptSince { at_ms } => Say::new("trace-because-kept").with("what", view.moment(*at_ms)),
        Incomplete::Lost { count, at_ms } => {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            Say::new("trace-because-lost").with("count", count).with("what", view.moment(*at_ms))
        }
    };
    reasons.iter().map(|one| view.say(&say(one))).collect()
}

/// Where the search goes on that was over before its end, with what `next` says; "" when it came to its end or the page is full.
fn goes_on(asked: &TableAsked, path: &str, reasons: &[Incomplete], next: Option<&str>) -> String {
    let is_open = reasons.iter().any(|one| matches!(one, Incomplete::LookedBackTo { .. }));
    next.filter(|_| is_open).map(|next| asked.href(path, &[("before", next)])).unwrap_or_default()
}

/// How far back the trace goes by its settings.
fn kept_since_ms(app: &App) -> i64 {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    app.now_ms() - i64::from(app.trace_days) * DAY_MS
}
