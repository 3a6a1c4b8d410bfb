//! “Was I hit?”: the mails of one's own organisation that an issue touched, and what can be done for all of them.

use super::super::issue::Issue;
use super::super::sql::{self, Hit};
use super::{issue, rescan};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::table::{Asked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Path, Query, State};
use gateway::health::Service;
use gateway::{queue, trace};
use store::Error;

/// Rows of the list; the file has more.
const ROWS_MAX: usize = 200;
pub const FILE_ROWS_MAX: usize = 50_000;
/// Mails retried at once; the rest by pressing again.
const RETRY_MAX: usize = 1_000;
/// Mail that came shortly before was already under way.
const BEFORE_MS: i64 = 60 * 60 * 1000;

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "trace-col-time", can_sort: false, is_usual: true },
    Column { name: "sender", title: "trace-col-sender", can_sort: false, is_usual: true },
    Column { name: "recipient", title: "trace-recipient", can_sort: false, is_usual: true },
    Column { name: "subject", title: "trace-col-subject", can_sort: false, is_usual: true },
    Column { name: "state", title: "trace-col-state", can_sort: false, is_usual: true },
    Column { name: "reply", title: "health-col-reply", can_sort: false, is_usual: true },
];

#[derive(Template)]
#[template(path = "health/templates/hit.html")]
struct HitPage<'a> {
    view: &'a View,
    issue: &'a Issue,
    title: String,
    table: String,
    count: usize,
    is_more: bool,
    waiting: usize,
    held: usize,
    may_release: bool,
}

/// What an issue touched of this person's organisation, newest first.
pub async fn hits(app: &App, person: &Person, issue: &Issue, rows_max: usize) -> Result<Vec<Hit>, Fault> {
    let connector = issue.body.services.iter().find_map(|service| match service {
        Service::Connector(name) => Some(name.clone()),
        _ => None,
    });
    let (from, to) = (issue.started_ms - BEFORE_MS, issue.ended_ms.unwrap_or(app.now_ms()) + 1);
    let span = (trace::first_id_at(from).0, trace::first_id_at(to).0);
    let (scope, of_filtering) = (person.scope(), rescan::is_of_filtering(issue));
    let wanted = (connector.unwrap_or_default(), of_filtering);
    let read = app.db.read(move |tx| Box::pin(async move { sql::hits(tx, scope, (&wanted.0, wanted.1), span, rows_max).await }));
    Ok(read.await?)
}

/// `GET /health/issues/{issue}/hit`.
pub async fn page(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    let (issue, _) = issue::read(&app, &person, &id).await?;
    person.require(May::Trace)?;
    let asked = Asked::of(&pairs);
    let rows_max = if asked.is_csv { FILE_ROWS_MAX } else { ROWS_MAX };
    let found = hits(&app, &person, &issue, rows_max).await?;
    let path = format!("/health/issues/{}/hit", issue.id);
    let table = Table {
        view: &view,
        path: &path,
        caption: view.t("health-hit"),
        columns: COLUMNS,
        asked: &asked,
        rows: found.iter().map(|hit| row(&view, hit)).collect(),
        form: "",
        next: None,
        empty: view.t("health-hit-none"),
    };
    if asked.is_csv {
        return Ok(table.csv(&format!("{}-mails", issue.id)));
    }
    show(&HitPage {
        view: &view,
        issue: &issue,
        title: issue.body.title.in_lang(view.lang),
        table: table.html(),
        count: found.len(),
        is_more: found.len() >= ROWS_MAX,
        waiting: found.iter().filter(|hit| hit.state == "queued").count(),
        held: found.iter().filter(|hit| hit.state == "held").count(),
        may_release: rescan::is_of_filtering(&issue) && person.may(May::Release),
    })
}

fn row(view: &View, hit: &Hit) -> Row {
    let subject = if hit.subject.is_empty() { view.t("trace-no-subject") } else { hit.subject.clone() };
    Row {
        cells: vec![
            Cell::time(view, trace::time_of(hit.mail)),
            Cell::text(if hit.sender.is_empty() { "<>" } else { &hit.sender }),
            Cell::text(&hit.recipient),
            Cell::link(&format!("/trace/{}", hit.mail), subject),
            Cell::text(view.of_kind("state", &hit.state)),
            Cell::text(&hit.reply),
        ],
        ..Row::default()
    }
}

/// `POST /health/issues/{issue}/retry`: what still waits is tried now.
pub async fn retry(State(app): State<App>, person: Person, Path(id): Path<String>) -> Page {
    let (issue, _) = issue::read(&app, &person, &id).await?;
    let count = retry_all(&app, &person, &issue).await?;
    done(&format!("/health/issues/{}/hit", issue.id), Say::new("health-retried").with("count", count))
}

/// Makes what still waits of an issue's mails due now; how many recipients.
pub async fn retry_all(app: &App, person: &Person, issue: &Issue) -> Result<usize, Fault> {
    person.require(May::Trace)?;
    let mut mails: Vec<mail::MailId> =
        hits(app, person, issue, FILE_ROWS_MAX).await?.into_iter().filter(|hit| hit.state == "queued").map(|hit| hit.mail).collect();
    mails.dedup();
    mails.truncate(RETRY_MAX);
    let (scope, ids, now_ms, number, person) = (person.scope(), app.ids.clone(), app.now_ms(), issue.id, person.clone());
    let tried = app.db.tx(move |tx| {
        Box::pin(async move {
            let mut count = 0;
            for mail in mails {
                count += queue::retry_now(tx, scope, mail, now_ms, &ids).await?.len();
            }
            let entry = Entry::new(person.org, "health.retry", number).with(serde_json::json!({ "recipients": count }));
            audit::note(tx, &person, &ids, now_ms, entry).await?;
            Ok::<_, Error>(count)
        })
    });
    Ok(tried.await?)
}
