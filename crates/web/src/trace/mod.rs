//! Trace for people and programs: find a mail, read its story. The tables and the search are `gateway::trace`'s.

pub mod api;
mod page;

pub use page::routes;

use crate::page::Fault;
use crate::page::words::Source;
use gateway::trace::Query;
use serde::Deserialize;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// Mails of one page.
pub const ROWS: usize = 50;

/// What can be asked, in a query of pages and of the API alike. What is '' does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
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
    /// Go on after this mail of an earlier answer.
    pub before: String,
}

impl Asked {
    /// # Errors
    /// [`Fault::Invalid`] names each field that cannot be read.
    pub fn query(&self, limit: usize) -> Result<Query, Fault> {
        use crate::page::fault::Wrong;
        let some = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
        let mut wrong = Vec::new();
        let ip = some(&self.ip).and_then(|ip| ip.parse().map_err(|_| wrong.push(Wrong::new("ip", "trace-wrong-ip"))).ok());
        let before = some(&self.before).and_then(|id| id.parse().map_err(|_| wrong.push(Wrong::new("before", "trace-wrong-cursor"))).ok());
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
            before,
            limit,
            ..Query::default()
        })
    }
}
