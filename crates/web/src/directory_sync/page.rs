//! The list of directories, and what one is asked about.

use super::scim::guard;
use super::{Source, find, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::table::{Asked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Path, Query, State as At};
use store::Error;

const COLUMNS: &[Column] = &[
    Column { name: "name", title: "directory-col-name", can_sort: false, is_usual: true },
    Column { name: "url", title: "directory-col-url", can_sort: false, is_usual: true },
    Column { name: "state", title: "directory-col-state", can_sort: false, is_usual: true },
    Column { name: "seen", title: "directory-col-seen", can_sort: false, is_usual: true },
    Column { name: "every", title: "directory-col-every", can_sort: false, is_usual: false },
];
/// Lines of what would go that are shown.
const SHOWN_MAX: i64 = 500;

#[derive(Template)]
#[template(path = "directory_sync/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    table: String,
    scim: String,
    /// Since when somebody is asked about removals by SCIM; 0: nobody is.
    asked_ms: i64,
}

/// `GET /directory`.
pub async fn list(At(app): At<App>, view: View, person: Person, Query(pairs): Query<Vec<(String, String)>>) -> Page {
    person.require(May::ReadSettings)?;
    let (scope, asked) = (person.scope(), Asked::of(&pairs));
    let found: Result<_, Error> =
        app.db.read(move |tx| Box::pin(async move { Ok((sql::list(tx, scope).await?, guard::asked(tx, scope).await?)) })).await;
    let (found, removals) = found?;
    let table = Table {
        view: &view,
        path: "/directory",
        caption: view.t("directory-ldap"),
        columns: COLUMNS,
        asked: &asked,
        rows: found.iter().map(|source| row(&view, source)).collect(),
        form: "",
        next: None,
        empty: view.t("directory-none"),
    };
    if asked.is_csv {
        return Ok(table.csv("directories"));
    }
    let asked_ms = removals.first().map_or(0, |(_, at_ms)| *at_ms);
    show(&ListPage { view: &view, table: table.html(), scim: app.link("/scim/v2"), asked_ms })
}

/// `POST /directory/scim-removals`: for an hour, any number of accounts may go.
pub async fn allow_removals(At(app): At<App>, person: Person) -> Page {
    allow(&app, &person).await?;
    done("/directory", Say::new("directory-scim-allowed"))
}

pub async fn allow(app: &App, person: &Person) -> Result<(), Fault> {
    person.require(May::Domains)?;
    let org = person.acting_org()?;
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                guard::allow(tx, org, now_ms).await?;
                Ok::<_, Fault>(audit::note(tx, &person, &ids, now_ms, Entry::new(Some(org), "scim.allow", "")).await?)
            })
        })
        .await?;
    app.health.ring();
    Ok(())
}

fn row(view: &View, source: &Source) -> Row {
    Row {
        pick: String::new(),
        label: source.name.clone(),
        cells: vec![
            Cell::link(&format!("/directory/{}", source.id), source.name.clone()),
            Cell::text(source.settings.url.clone()),
            state(view, source),
            if source.seen_ms == 0 { Cell::text(view.t("directory-never")) } else { Cell::time(view, source.seen_ms) },
            Cell::text(view.n("directory-every", source.settings.every_s as usize)),
        ],
    }
}

/// How it stands, in a word.
pub fn state(view: &View, source: &Source) -> Cell {
    if !source.settings.is_on {
        return Cell::badge("plain", view.t("directory-off"));
    }
    Cell::badge(source.state.tone(), view.of_kind("directory-state", source.state.name()))
}

#[derive(Template)]
#[template(path = "directory_sync/templates/waiting.html")]
struct WaitingPage<'a> {
    view: &'a View,
    source: &'a Source,
    recipients: Vec<String>,
    groups: Vec<String>,
    members: usize,
    more: usize,
    removed: usize,
    may_change: bool,
}

/// `GET /directory/{source}/waiting`: what would go.
pub async fn waiting(At(app): At<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let source = find(&app, &person, &id).await?;
    let id = source.id;
    let read: Result<_, Error> = app
        .db
        .read(move |tx| Box::pin(async move { Ok((sql::pending(tx, id, SHOWN_MAX).await?, sql::pending_count(tx, id).await?)) }))
        .await;
    let (pending, (count, removed)) = read.map_err(Fault::from)?;
    let of = |kind: &str| pending.iter().filter(|(one, _)| one == kind).map(|(_, what)| what.clone()).collect::<Vec<_>>();
    let page = WaitingPage {
        view: &view,
        source: &source,
        recipients: of("recipient"),
        groups: of("group"),
        members: of("members").first().and_then(|count| count.parse().ok()).unwrap_or(0),
        more: count.saturating_sub(pending.len()),
        removed,
        may_change: view.may(May::Domains),
    };
    show(&page)
}
