//! Destinations: what waits for whom, and what limits how fast it goes.
//!
//! Two sources: rows that wait, of the person's scope, from the database; and how this server serves each destination, from memory. Invariant:
//! replies are shown from rows of the scope only, as a reply may name a recipient of somebody else; operators see what the server heard last.

pub mod api;
mod page;

use crate::App;
use crate::page::Fault;
use crate::page::words::Source;
use crate::people::{May, Person};
use axum::Router;
use axum::routing::get;
use gateway::directory::{Directory, Protocol};
use gateway::queue::{Destination, LaneKey, Waiting, waiting};
use gateway::scope::OrgScope;
use std::collections::BTreeMap;
use store::Error;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// Rows that are looked at; with more, counts are at least what is shown.
const ROWS_MAX: usize = 5_000;
/// Destinations shown.
const SHOWN_MAX: usize = 200;

pub fn routes() -> Router<App> {
    Router::new().route("/destinations", get(page::list))
}

/// One destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// A connector or a domain.
    pub name: String,
    pub is_connector: bool,
    /// Recipients that wait.
    pub waiting: usize,
    /// When the next of them is tried, Unix milliseconds; 0: being tried now.
    pub next_ms: i64,
    pub in_flight: usize,
    pub workers_allowed: usize,
    /// Between two mails.
    pub wait_ms: i64,
    /// As [`Destination::limit_by`]; "waits" when nothing limits it but the time of the next try.
    pub limit_by: &'static str,
    /// The last answer.
    pub reply: String,
}

/// What waits, and how it is served; whether there is more.
async fn list(app: &App, person: &Person) -> Result<(Vec<Served>, bool), Fault> {
    person.require(May::ReadSettings)?;
    let scope = person.scope();
    let rows = app.db.read(move |tx| Box::pin(async move { waiting(tx, scope, ROWS_MAX).await })).await;
    let rows = rows.map_err(|why: Error| Fault::from(why))?;
    let lanes = app.queue.as_ref().map(|queue| queue.destinations()).unwrap_or_default();
    let is_more = rows.len() == ROWS_MAX;
    let mut served = together(&app.directory.snapshot(), &rows, &lanes, matches!(scope, OrgScope::All));
    let is_long = served.len() > SHOWN_MAX;
    served.truncate(SHOWN_MAX);
    Ok((served, is_more || is_long))
}

/// Rows by destination, with how each is served. `sees_all`: also destinations without rows, and what the server heard.
fn together(directory: &Directory, rows: &[Waiting], lanes: &[Destination], sees_all: bool) -> Vec<Served> {
    let mut all: BTreeMap<(bool, String), Served> = BTreeMap::new();
    for row in rows {
        let (is_connector, name) = destination(directory, row);
        let one = all.entry((is_connector, name.clone())).or_insert_with(|| Served {
            name,
            is_connector,
            next_ms: row.next_ms,
            ..Served::default()
        });
        one.waiting += 1;
        one.next_ms = one.next_ms.min(row.next_ms);
        if one.reply.is_empty() {
            one.reply.clone_from(&row.last_reply);
        }
    }
    for lane in lanes {
        let (is_connector, name) = match &lane.key {
            LaneKey::Connector(name) => (true, name.to_string()),
            LaneKey::Mx { domain, .. } => (false, domain.to_string()),
        };
        let key = (is_connector, name.clone());
        if sees_all && !all.contains_key(&key) {
            all.insert(key.clone(), Served { name, is_connector, ..Served::default() });
        }
        let Some(one) = all.get_mut(&key) else { continue };
        (one.in_flight, one.workers_allowed) = (lane.in_flight, lane.workers_allowed);
        (one.wait_ms, one.limit_by) = (lane.wait_ms, lane.limit_by);
        if sees_all && !lane.last_reply.is_empty() {
            one.reply = if lane.why.is_empty() { lane.last_reply.clone() } else { lane.why.clone() };
        }
    }
    let mut served: Vec<Served> = all.into_values().collect();
    for one in served.iter_mut().filter(|one| one.limit_by.is_empty() && one.in_flight == 0 && one.waiting > 0) {
        one.limit_by = "waits";
    }
    served.sort_by(|a, b| b.waiting.cmp(&a.waiting).then(b.in_flight.cmp(&a.in_flight)));
    served
}

/// Where a row goes, as the queue groups it.
fn destination(directory: &Directory, row: &Waiting) -> (bool, String) {
    let names_hosts =
        directory.connectors.get(&row.route).is_some_and(|known| !known.hosts.is_empty() || known.protocol == Protocol::Folder);
    match names_hosts {
        true => (true, row.route.clone()),
        false => (false, row.address.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(address: &str, next_ms: i64, reply: &str) -> Waiting {
        Waiting { address: address.into(), route: String::new(), next_ms, tries: 1, last_reply: reply.into() }
    }

    fn lane(domain: &str, limit_by: &'static str) -> Destination {
        Destination {
            key: LaneKey::Mx { domain: domain.into(), connector: "".into() },
            waiting: 1,
            in_flight: 0,
            connected: 0,
            workers_allowed: 2,
            wait_ms: 500,
            limit_by,
            why: "421 too many, for secret@else.example".into(),
            last_reply: "421".into(),
            last_ms: 1,
        }
    }

    #[test]
    fn rows_stand_together_and_nobody_reads_the_replies_of_others() {
        let rows = [row("a@far.example", 20, ""), row("b@FAR.example", 10, "450 wait"), row("c@else.example", 5, "")];
        let lanes = [lane("far.example", "learned"), lane("third.example", "learned")];
        let own = together(&Directory::default(), &rows, &lanes, false);
        assert_eq!(own.len(), 2, "{own:?}");
        assert_eq!((own[0].name.as_str(), own[0].waiting, own[0].next_ms, own[0].limit_by), ("far.example", 2, 10, "learned"));
        assert_eq!((own[0].reply.as_str(), own[1].limit_by), ("450 wait", "waits"));
        let all = together(&Directory::default(), &rows, &lanes, true);
        assert_eq!(all.len(), 3);
        assert!(all[0].reply.contains("too many"));
    }
}
