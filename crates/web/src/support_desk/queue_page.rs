//! The queue of support, what engineers say of themselves, and saved replies, as pages.

use super::sql_work::{self as sql, Engineer, OPEN_DEFAULT, Queued, SavedReply, Steps, Wanted, Which};
use super::{desk, keep, plans};
use crate::App;
use crate::page::confirm::{self, Confirm};
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, Say, View, done, show, show_with};
use crate::people::Person;
use crate::service_request::{Area, Severity};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use gateway::scope::OrgScope;
use mail::OrgId;
use mail::id::{RequestId, SavedReplyId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::Error;

type Values = BTreeMap<String, String>;

const COLUMNS: &[Column] = &[
    Column { name: "due", title: "support-col-due", can_sort: false, is_usual: true },
    Column { name: "title", title: "support-col-title", can_sort: false, is_usual: true },
    Column { name: "severity", title: "support-col-severity", can_sort: false, is_usual: true },
    Column { name: "state", title: "support-col-state", can_sort: false, is_usual: true },
    Column { name: "organisation", title: "support-col-organisation", can_sort: false, is_usual: true },
    Column { name: "assignee", title: "support-col-assignee", can_sort: false, is_usual: true },
    Column { name: "requester", title: "support-col-requester", can_sort: false, is_usual: false },
    Column { name: "area", title: "support-col-area", can_sort: false, is_usual: false },
    Column { name: "lang", title: "support-col-lang", can_sort: false, is_usual: false },
    Column { name: "issue", title: "support-col-issue", can_sort: false, is_usual: false },
    Column { name: "last", title: "support-col-last", can_sort: false, is_usual: false },
];

/// What a queue is asked for, of pages and REST alike. What is '' does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// ours, mine, for-me, unassigned, due-soon, breached, snoozed, theirs or all.
    pub view: String,
    /// Identifier of an organisation.
    pub org: String,
    /// BCP 47, or its beginning.
    pub lang: String,
    pub area: String,
    /// a, b or c.
    pub severity: String,
    /// Go on after this place of an earlier answer.
    pub after: String,
}

impl Asked {
    /// # Errors
    /// [`Fault::Invalid`] names each field that is nothing of the kind.
    pub fn wanted<'a>(&self, me: &'a Engineer, now_ms: i64) -> Result<Wanted<'a>, Fault> {
        let mut wrong = Vec::new();
        let which = if self.view.is_empty() { Some(Which::Ours) } else { Which::parse(&self.view) };
        let org = Some(self.org.as_str()).filter(|org| !org.is_empty()).map(str::parse::<OrgId>).transpose();
        let after = Some(self.after.as_str()).filter(|after| !after.is_empty()).map(place);
        for (is_wrong, field) in [
            (which.is_none(), "view"),
            (org.is_err(), "org"),
            (Area::parse(&self.area).is_none() && !self.area.is_empty(), "area"),
            (Severity::parse(&self.severity).is_none() && !self.severity.is_empty(), "severity"),
            (after == Some(None), "after"),
        ] {
            if is_wrong {
                wrong.push(Wrong::new(field, "support-wrong-filter"));
            }
        }
        if !wrong.is_empty() {
            return Err(Fault::Invalid(wrong));
        }
        Ok(Wanted {
            which: which.unwrap_or(Which::Ours),
            me,
            now_ms,
            org: org.ok().flatten(),
            lang: self.lang.trim().to_string(),
            area: Area::parse(&self.area),
            severity: Severity::parse(&self.severity),
            after: after.flatten(),
        })
    }
}

/// "1795521600000.r0…": where a page ended.
fn place(text: &str) -> Option<(i64, RequestId)> {
    let (due, id) = text.split_once('.')?;
    Some((due.parse().ok()?, id.parse().ok()?))
}

pub fn place_of(last: &Queued) -> String {
    format!("{}.{}", last.due_ms.unwrap_or(super::sql::NEVER_MS), last.id)
}

/// What a person of support says of themselves. Somebody who has another role in it is treated as one who said nothing.
pub async fn me(app: &App, person: &Person) -> Result<Engineer, Fault> {
    let id = person.id;
    let found: Result<Option<Engineer>, Error> = app.db.read(move |tx| Box::pin(async move { sql::one_engineer(tx, id).await })).await;
    Ok(found?.unwrap_or_else(|| Engineer {
        person: id,
        email: person.email.clone(),
        name: person.name.clone(),
        role: person.role,
        lang: person.lang,
        langs: Vec::new(),
        areas: Vec::new(),
        open_max: OPEN_DEFAULT,
        takes_new: false,
        is_away: false,
        has_keys: true,
        open: 0,
    }))
}

/// One page of a queue, with how many each view holds.
pub struct Listed {
    pub rows: Vec<Queued>,
    pub is_more: bool,
    pub counts: Vec<(Which, i64)>,
}

pub async fn page_of(app: &App, scope: OrgScope, me: &Engineer, asked: &Asked) -> Result<Listed, Fault> {
    keep::catch_up(app).await?;
    let now_ms = app.now_ms();
    asked.wanted(me, now_ms)?;
    let (me, asked) = (me.clone(), asked.clone());
    let found: Result<Listed, Fault> = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let wanted = asked.wanted(&me, now_ms)?;
                let (rows, is_more) = sql::queue(tx, scope, &wanted).await?;
                let mut counts = Vec::new();
                for which in Which::ALL {
                    let all = Wanted { which, after: None, ..wanted.clone() };
                    counts.push((which, sql::count(tx, scope, &all).await?));
                }
                Ok(Listed { rows, is_more, counts })
            })
        })
        .await;
    found
}

struct ViewLink {
    name: &'static str,
    href: String,
    count: String,
    is_here: bool,
}

#[derive(Template)]
#[template(path = "support_desk/templates/views.html")]
struct ViewsPart<'a> {
    view: &'a View,
    views: Vec<ViewLink>,
}

#[derive(Template)]
#[template(path = "support_desk/templates/queue.html")]
struct QueuePage<'a> {
    view: &'a View,
    views: String,
    table: String,
    /// Where the page hears of changes.
    stream: String,
    form: &'a Shown,
    organisations: Vec<(String, String)>,
    areas: Vec<&'static str>,
    which: &'static str,
    has_keys: bool,
}

/// The view that is looked at.
fn here(asked: &Asked) -> &'static str {
    if asked.view.is_empty() { "ours" } else { Which::parse(&asked.view).map_or("ours", Which::name) }
}

/// The views with how many each holds, as HTML.
fn views(view: &View, found: &Listed, (asked, of_table): (&Asked, &TableAsked)) -> Result<String, Fault> {
    let link = |(one, count): &(Which, i64)| ViewLink {
        name: one.name(),
        href: of_table.href("/support", &[("view", one.name())]),
        count: if *count >= sql::COUNT_MAX { format!("{}+", sql::COUNT_MAX) } else { count.to_string() },
        is_here: one.name() == here(asked),
    };
    let part = ViewsPart { view, views: found.counts.iter().map(link).collect() };
    part.render().map_err(|why| Fault::Ours(format!("the queue could not be written: {why}")))
}

fn table<'a>(app: &App, view: &'a View, found: &Listed, of_table: &'a TableAsked) -> Table<'a> {
    Table {
        view,
        path: "/support",
        caption: view.t("support-title"),
        columns: COLUMNS,
        asked: of_table,
        rows: found.rows.iter().map(|one| row(app, view, one)).collect(),
        form: "bulk",
        next: found.rows.last().filter(|_| found.is_more).map(|last| ("after", place_of(last))),
        empty: view.t("support-queue-empty"),
    }
}

/// What changes of the page while somebody looks at it.
pub fn part(app: &App, view: &View, found: &Listed, (asked, of_table): (&Asked, &TableAsked)) -> Result<String, Fault> {
    let (views, rows) = (views(view, found, (asked, of_table))?, table(app, view, found, of_table).html());
    Ok(format!("{views}<div id=\"rows\">{rows}</div>"))
}

/// `GET /support`.
pub async fn queue(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    let scope = desk(&person)?;
    let me = me(&app, &person).await?;
    let found = page_of(&app, scope, &me, &asked).await?;
    let of_table = TableAsked::of(&pairs);
    let table = table(&app, &view, &found, &of_table);
    if of_table.is_csv {
        return Ok(table.csv("support"));
    }
    let page = QueuePage {
        view: &view,
        views: views(&view, &found, (&asked, &of_table))?,
        table: table.html(),
        stream: of_table.href("/support/stream", &[("after", &asked.after)]),
        form: &Shown::of(&asked),
        organisations: organisations(&app),
        areas: Area::ALL.iter().map(|area| area.name()).collect(),
        which: here(&asked),
        has_keys: me.has_keys,
    };
    show(&page)
}

/// Every organisation, by name.
pub fn organisations(app: &App) -> Vec<(String, String)> {
    let directory = app.directory.snapshot();
    let mut all: Vec<(String, String)> = directory.organisations.values().map(|org| (org.id.to_string(), org.name.clone())).collect();
    all.sort_by(|a, b| a.1.cmp(&b.1));
    all
}

pub fn organisation(app: &App, org: OrgId) -> String {
    app.directory.snapshot().organisation(org).map_or_else(|| org.to_string(), |found| found.name.clone())
}

fn row(app: &App, view: &View, one: &Queued) -> Row {
    let due = match one.due_ms {
        None => Cell::text("–"),
        Some(due_ms) => {
            let kind = view.of_kind("clock-kind", &one.due_kind);
            let tone = match one.is_breached {
                true => "bad",
                false if due_ms <= view.now_ms + sql::SOON_MS => "warn",
                false => "info",
            };
            let word = view.t(if one.is_breached { "support-late" } else { "support-due" });
            Cell::lines(vec![Cell::badge(tone, format!("{kind}: {word}")), Cell::time(view, due_ms)])
        }
    };
    let assigned = if one.assigned.is_empty() { view.t("support-nobody") } else { one.assigned.clone() };
    Row {
        pick: one.id.to_string(),
        label: one.title.clone(),
        cells: vec![
            due,
            Cell::link(&format!("/support/{}", one.id), &one.title),
            Cell::text(one.severity.name().to_uppercase()),
            Cell::badge(tone_of(one), view.of_kind("support-state", one.state.name())),
            Cell::text(organisation(app, one.org)),
            Cell::text(assigned),
            Cell::text(&one.shown),
            Cell::text(view.of_kind("support-area", &one.area)),
            Cell::text(&one.lang),
            Cell::text(&one.issue),
            Cell::time(view, one.last_ms),
        ],
    }
}

fn tone_of(one: &Queued) -> &'static str {
    use crate::service_request::Ball;
    match one.state.ball() {
        Ball::Support => "warn",
        Ball::Requester => "info",
        Ball::Nobody => "plain",
    }
}

#[derive(Template)]
#[template(path = "support_desk/templates/me.html")]
struct MePage<'a> {
    view: &'a View,
    form: &'a Shown,
    areas: Vec<&'static str>,
}

/// `GET /support/me`.
pub async fn my_page(State(app): State<App>, view: View, person: Person) -> Page {
    desk(&person)?;
    let me = me(&app, &person).await?;
    let mut values = Values::new();
    values.insert("langs".into(), me.langs.join(" "));
    values.insert("open_max".into(), me.open_max.to_string());
    for (name, is_on) in [("takes_new", me.takes_new), ("is_away", me.is_away), ("has_keys", me.has_keys)] {
        if is_on {
            values.insert(name.into(), "on".into());
        }
    }
    for area in &me.areas {
        values.insert(format!("area-{}", area.name()), "on".into());
    }
    me_page(&view, &Shown { values, wrong: Vec::new() })
}

fn me_page(view: &View, form: &Shown) -> Page {
    let page = MePage { view, form, areas: Area::ALL.iter().map(|area| area.name()).collect() };
    show_with(form.status(), &page)
}

/// `POST /support/me`.
pub async fn put_me(State(app): State<App>, view: View, person: Person, Form(values): Form<Values>) -> Page {
    desk(&person)?;
    let was = me(&app, &person).await?;
    let value = |name: &str| values.get(name).map(|value| value.trim()).unwrap_or_default();
    let one = Engineer {
        langs: value("langs").split([' ', ',', ';']).filter(|lang| !lang.is_empty()).map(str::to_string).collect(),
        areas: Area::ALL.iter().copied().filter(|area| values.contains_key(&format!("area-{}", area.name()))).collect(),
        open_max: value("open_max").parse().unwrap_or(0),
        takes_new: values.contains_key("takes_new"),
        is_away: values.contains_key("is_away"),
        has_keys: values.contains_key("has_keys"),
        ..was
    };
    match plans::put_skill(&app, &person, one).await {
        Ok(()) => done("/support", Say::new("support-me-saved")),
        Err(Fault::Invalid(wrong)) => me_page(&view, &Shown { values, wrong }),
        Err(fault) => Err(fault),
    }
}

#[derive(Template)]
#[template(path = "support_desk/templates/replies.html")]
struct RepliesPage<'a> {
    view: &'a View,
    replies: Vec<SavedReply>,
    form: &'a Shown,
    /// '' for a new one.
    id: String,
}

async fn replies_page(app: &App, view: &View, (id, form): (String, &Shown)) -> Page {
    let found: Result<_, Error> = app.db.read(|tx| Box::pin(async move { sql::replies(tx).await })).await;
    let status = form.status();
    show_with(status, &RepliesPage { view, replies: found?, form, id })
}

/// `GET /support/replies`.
pub async fn replies(State(app): State<App>, view: View, person: Person) -> Page {
    desk(&person)?;
    replies_page(&app, &view, (String::new(), &Shown::default())).await
}

pub async fn saved_reply(app: &App, id: &str) -> Result<SavedReply, Fault> {
    let id: SavedReplyId = id.parse().map_err(|_| Fault::NotFound)?;
    let found: Result<Option<SavedReply>, Error> = app.db.read(move |tx| Box::pin(async move { sql::one_reply(tx, id).await })).await;
    found?.ok_or(Fault::NotFound)
}

/// `GET /support/replies/{reply}`.
pub async fn reply(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    desk(&person)?;
    let one = saved_reply(&app, &id).await?;
    let mut form = Shown::default();
    let values = [("name", one.name), ("lang", one.lang), ("body", one.body), ("then", one.steps.then), ("severity", one.steps.severity)];
    form.values.extend(values.map(|(name, value)| (name.to_string(), value)));
    if one.steps.is_taken {
        form.values.insert("is_taken".into(), "on".into());
    }
    replies_page(&app, &view, (id, &form)).await
}

async fn keep_reply(app: &App, view: &View, person: &Person, (id, values): (Option<SavedReplyId>, Values)) -> Page {
    let value = |name: &str| values.get(name).map(|value| value.trim().to_string()).unwrap_or_default();
    let steps = Steps { then: value("then"), severity: value("severity"), is_taken: values.contains_key("is_taken") };
    let one = SavedReply {
        id: id.unwrap_or_else(|| SavedReplyId(app.fresh_id())),
        name: value("name"),
        lang: value("lang"),
        body: value("body"),
        steps,
    };
    match plans::put_reply(app, person, one).await {
        Ok(_) => done("/support/replies", Say::new("support-reply-saved")),
        Err(Fault::Invalid(wrong)) => {
            let id = id.map(|id| id.to_string()).unwrap_or_default();
            replies_page(app, view, (id, &Shown { values, wrong })).await
        }
        Err(fault) => Err(fault),
    }
}

/// `POST /support/replies`.
pub async fn add_reply(State(app): State<App>, view: View, person: Person, Form(values): Form<Values>) -> Page {
    desk(&person)?;
    keep_reply(&app, &view, &person, (None, values)).await
}

/// `POST /support/replies/{reply}`.
pub async fn change_reply(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(values): Form<Values>) -> Page {
    desk(&person)?;
    let one = saved_reply(&app, &id).await?;
    if !values.contains_key("remove") {
        return keep_reply(&app, &view, &person, (Some(one.id), values)).await;
    }
    if !values.contains_key("sure") {
        let ask = Confirm {
            title: Say::new("support-reply-remove"),
            text: Say::new("support-reply-remove-sure").with("what", one.name.as_str()),
            button: "support-reply-remove",
            action: format!("/support/replies/{id}"),
            fields: vec![("remove".into(), "1".into())],
            back: format!("/support/replies/{id}"),
        };
        return confirm::page(&view, &ask);
    }
    plans::remove_reply(&app, &person, one.id).await?;
    done("/support/replies", Say::new("support-reply-removed"))
}
