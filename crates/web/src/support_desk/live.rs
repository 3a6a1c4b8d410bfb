//! The queue while somebody looks at it: the list as the page has it, then again whenever it changed, as server-sent events.
//!
//! In: the query of the page. Out: events `queue` with the part of the page that changes, and a sentence that says what is new. Invariants:
//! whoever lost the permission or the session sees no more; a look is cheap while nothing happens. Without scripts a reload does the same.

use super::desk;
use super::queue_page::{self, Asked};
use super::sql_work::{self as sql, Queued};
use crate::App;
use crate::page::stream::{self, Seat, Seats};
use crate::page::table::Asked as TableAsked;
use crate::page::{Fault, Say, View};
use crate::people::{Person, session};
use axum::extract::{Query, State};
use axum::response::Response;
use axum::response::sse::Event;
use futures_util::stream::{Stream, unfold};
use gateway::scope::OrgScope;
use mail::id::RequestId;
use serde::Serialize;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked whether something happened. What this process is told of is looked at sooner.
const EVERY: Duration = Duration::from_secs(5);
/// Without anything that happened the list is read again after so many looks: clocks run out by themselves.
const STILL_MAX: u32 = 6;
/// A stream ends by itself after so many looks (half an hour or less); the browser opens another.
const LOOKS_MAX: u32 = 360;
/// Streams of this process at once; more are told to come back.
const STREAMS_MAX: usize = 200;

static STREAMS: Seats = Seats::new(STREAMS_MAX);

/// What a page is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Told {
    /// The part of the page.
    html: String,
    /// What is new, to be said politely; "" says nothing.
    says: String,
}

struct Looking {
    app: App,
    view: View,
    person: Person,
    scope: OrgScope,
    asked: Asked,
    of_table: TableAsked,
    changes: watch::Receiver<u64>,
    /// The last event that was seen.
    mark: i64,
    html: String,
    /// `None`: nothing was shown yet.
    listed: Option<BTreeSet<RequestId>>,
    looks: u32,
    still: u32,
    _seat: Seat,
}

/// `GET /support/stream`, with the query of the queue.
pub async fn stream(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Fault> {
    let scope = desk(&person)?;
    asked.wanted(&queue_page::me(&app, &person).await?, app.now_ms())?;
    let seat = STREAMS.take()?;
    let (of_table, changes) = (TableAsked::of(&pairs), app.health.changes());
    let looking = Looking {
        app,
        view,
        person,
        scope,
        asked,
        of_table,
        changes,
        mark: -1,
        html: String::new(),
        listed: None,
        looks: 0,
        still: 0,
        _seat: seat,
    };
    Ok(stream::answer(events(looking), EVERY * 4))
}

fn events(looking: Looking) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(looking, |mut looking| async move {
        while looking.looks < LOOKS_MAX {
            if looking.looks > 0 {
                // Rung, or the time is over: either way it is time to look.
                let _ = tokio::time::timeout(EVERY, looking.changes.changed()).await;
                looking.changes.borrow_and_update();
            }
            looking.looks += 1;
            if !looking.may_still_look().await {
                return None;
            }
            // A read that failed once is tried again at the next look.
            if let Ok(Some(told)) = looking.look().await {
                let data = serde_json::to_string(&told).unwrap_or_default();
                return Some((Ok(Event::default().event("queue").data(data)), looking));
            }
        }
        None
    })
}

impl Looking {
    /// What changed since the last look, if anything did.
    async fn look(&mut self) -> Result<Option<Told>, Fault> {
        let mark = self.app.db.read(|tx| Box::pin(async move { sql::last_event(tx).await })).await.map_err(Fault::from)?;
        self.still += 1;
        if mark == self.mark && self.still < STILL_MAX {
            return Ok(None);
        }
        self.view.now_ms = self.app.now_ms();
        let me = queue_page::me(&self.app, &self.person).await?;
        let found = queue_page::page_of(&self.app, self.scope, &me, &self.asked).await?;
        (self.mark, self.still) = (mark, 0);
        let html = queue_page::part(&self.app, &self.view, &found, (&self.asked, &self.of_table))?;
        let listed: BTreeSet<RequestId> = found.rows.iter().map(|one| one.id).collect();
        let says = self.listed.as_ref().map(|before| says(&self.view, before, &found.rows)).unwrap_or_default();
        self.listed = Some(listed);
        if html == self.html {
            return Ok(None);
        }
        self.html.clone_from(&html);
        Ok(Some(Told { html, says }))
    }

    /// A session that was ended looks no more, and whoever lost the permission sees no more.
    async fn may_still_look(&mut self) -> bool {
        let Some(person) = session::again(&self.app, &self.person).await else { return false };
        let Ok(scope) = desk(&person) else { return false };
        (self.person, self.scope) = (person, scope);
        true
    }
}

/// What came and what went, in one sentence; "" when only something in the rows is different.
fn says(view: &View, before: &BTreeSet<RequestId>, now: &[Queued]) -> String {
    let came: Vec<&Queued> = now.iter().filter(|one| !before.contains(&one.id)).collect();
    let gone = before.iter().filter(|id| now.iter().all(|one| one.id != **id)).count();
    let say = match (came.as_slice(), gone) {
        ([], 0) => return String::new(),
        ([], gone) => Say::new("support-live-gone").with("count", gone),
        ([one], 0) => Say::new("support-live-one").with("what", one.title.clone()),
        (came, 0) => Say::new("support-live-came").with("count", came.len()),
        (came, gone) => Say::new("support-live-both").with("count", came.len()).with("gone", gone),
    };
    view.say(&say)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::Lang;
    use crate::service_request::{Severity, State as Stands};

    fn queued(id: i64, title: &str) -> Queued {
        Queued {
            id: RequestId(id),
            org: mail::OrgId(1),
            title: title.into(),
            severity: Severity::C,
            state: Stands::New,
            area: String::new(),
            lang: String::new(),
            assignee: None,
            assigned: String::new(),
            shown: String::new(),
            due_ms: None,
            due_kind: String::new(),
            is_breached: false,
            last_ms: 0,
            issue: String::new(),
        }
    }

    #[test]
    fn what_is_new_is_said_in_one_sentence() {
        let view = View::plain(Lang::English, 0);
        let before: BTreeSet<RequestId> = [RequestId(1), RequestId(2)].into();
        for (now, want) in [
            (vec![queued(2, "b"), queued(1, "a")], ""),
            (vec![queued(1, "a"), queued(2, "b"), queued(3, "Mail waits")], "New in this view: Mail waits"),
            (vec![queued(1, "a"), queued(2, "b"), queued(3, "c"), queued(4, "d")], "2 requests came into this view."),
            (vec![queued(1, "a")], "1 request left this view."),
            (vec![queued(3, "c")], "This view changed: 1 came, 2 left."),
        ] {
            assert_eq!(says(&view, &before, &now), want);
        }
    }
}
