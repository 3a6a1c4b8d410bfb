//! The figures that change while one looks: once in the page, then as a stream of server-sent events.

use super::figures::{self, Figures};
use super::page::{Asked, grouped, share};
use super::sql::WAITING_COUNTED_MAX;
use crate::App;
use crate::page::stream::{self, Seat, Seats};
use crate::page::{Fault, View};
use crate::people::{May, Person, session};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::sse::Event;
use axum::response::{Html, IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use std::convert::Infallible;
use std::time::Duration;

/// How often the figures are read again for one who looks.
const EVERY: Duration = Duration::from_secs(10);
/// A stream ends by itself after so many looks (half an hour); the browser opens another.
const LOOKS_MAX: u32 = 180;
/// Streams of this process at once; more are told to come back.
const STREAMS_MAX: usize = 200;

static STREAMS: Seats = Seats::new(STREAMS_MAX);

/// One figure: what it is, how much, and where it leads ("" nowhere).
struct Tile {
    title: String,
    figure: String,
    more: String,
    href: &'static str,
    /// Whether it asks for somebody.
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "overview/templates/live.html")]
struct LivePart<'a> {
    view: &'a View,
    figures: &'a Figures,
    mail: Vec<Tile>,
    todo: Vec<Tile>,
    balance: &'static str,
    balance_text: String,
}

/// The live part as HTML.
pub fn part(view: &View, figures: &Figures) -> Result<String, Fault> {
    let (balance, balance_text) = balance(view, figures);
    let part = LivePart { view, figures, mail: mail(view, figures), todo: todo(view, figures), balance, balance_text };
    part.render().map_err(|why| Fault::Ours(format!("the overview could not be written: {why}")))
}

fn mail(view: &View, figures: &Figures) -> Vec<Tile> {
    let total = &figures.total;
    let tile = |title: &str, count: i64, more: String, href: &'static str| Tile {
        title: view.t(title),
        figure: grouped(count),
        more,
        href,
        tone: "",
    };
    let trace = |href: &'static str| if view.may(May::Trace) { href } else { "" };
    let of_all = |count: i64| view.w("overview-of-all", share(count, total.mails()));
    vec![
        tile("overview-mails", total.mails(), String::new(), trace("/trace")),
        tile("overview-unwanted", total.unwanted(), of_all(total.unwanted()), ""),
        tile("overview-delivered", total.outcome("delivered"), String::new(), trace("/trace?state=delivered")),
        tile("overview-refused", total.refused_count(), String::new(), trace("/trace/refused")),
    ]
}

fn todo(view: &View, figures: &Figures) -> Vec<Tile> {
    let waiting = &figures.waiting;
    let tile = |title: &str, count: i64, href: &'static str, tone: &'static str| Tile {
        title: view.t(title),
        figure: if count >= WAITING_COUNTED_MAX { view.w("overview-more-than", grouped(WAITING_COUNTED_MAX)) } else { grouped(count) },
        more: String::new(),
        href,
        tone: if count > 0 { tone } else { "" },
    };
    let may = |may: May, href: &'static str| if view.may(may) { href } else { "" };
    let mut tiles = vec![tile("overview-held", waiting.held, may(May::Quarantine, "/quarantine"), "")];
    if let Some(requests) = waiting.requests {
        tiles.insert(0, tile("overview-requests", requests, may(May::Quarantine, "/quarantine/requests"), "warn"));
    }
    if let Some(looks) = waiting.second_looks {
        tiles.push(tile("desk-queue", looks, may(May::Trace, "/second-looks"), "warn"));
    }
    if let Some(ending) = waiting.entries_ending {
        tiles.push(tile("overview-entries-ending", ending, may(May::ReadSettings, "/entries"), "warn"));
    }
    tiles.push(tile("overview-queued", waiting.queued, may(May::Trace, "/trace?state=queued"), ""));
    tiles
}

/// Tone and words of the balance.
fn balance(view: &View, figures: &Figures) -> (&'static str, String) {
    let Some(taken) = figures.balance else { return ("info", view.t("overview-balance-never")) };
    let accounted = taken.delivered + taken.bounced + taken.held + taken.queued + taken.deleted + taken.expired;
    if taken.accepted == accounted && taken.problems == 0 {
        return ("good", view.w("overview-balance-good", grouped(i64::try_from(taken.accepted).unwrap_or(i64::MAX))));
    }
    ("bad", view.n("overview-balance-bad", taken.problems.max(1)))
}

struct Looking {
    app: App,
    view: View,
    person: Person,
    asked: Asked,
    before: String,
    looks: u32,
    _seat: Seat,
}

/// `GET /overview/live?span=`: the live part; again whenever it changed, for those who accept server-sent events.
pub async fn stream(
    State(app): State<App>,
    view: View,
    person: Person,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    person.require(May::Overview)?;
    if !stream::is_wanted(&headers) {
        let figures = figures::read(&app, &person, asked.span(), &view.zone).await?;
        return Ok(([(header::CACHE_CONTROL, "no-store")], Html(part(&view, &figures)?)).into_response());
    }
    let seat = STREAMS.take()?;
    let looking = Looking { app, view, person, asked, before: String::new(), looks: 0, _seat: seat };
    Ok(stream::answer(parts(looking), EVERY * 3))
}

fn parts(looking: Looking) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(looking, |mut looking| async move {
        while looking.looks < LOOKS_MAX {
            if looking.looks > 0 {
                tokio::time::sleep(EVERY).await;
            }
            looking.looks += 1;
            if !looking.may_still_look().await {
                return None;
            }
            // A read that failed once is tried again at the next look.
            let Ok(part) = looking.part().await else { continue };
            if part != looking.before {
                looking.before.clone_from(&part);
                return Some((Ok(Event::default().data(part)), looking));
            }
        }
        None
    })
}

impl Looking {
    async fn part(&mut self) -> Result<String, Fault> {
        self.view.now_ms = self.app.now_ms();
        let figures = figures::read(&self.app, &self.person, self.asked.span(), &self.view.zone).await?;
        part(&self.view, &figures)
    }

    /// A session that was ended looks no more, and whoever lost a permission sees no more.
    async fn may_still_look(&mut self) -> bool {
        let Some(person) = session::again(&self.app, &self.person).await else { return false };
        self.person = person;
        self.person.may(May::Overview)
    }
}
