//! Recipients of a domain: who exists, and whose name is protected from impersonation.

use super::recipients::{Plan, plan};
use super::{Named, find, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::table::{Asked, Cell, Column, Row, Table, picked};
use crate::page::{Fault, Page, Say, View, confirm, done, form::Form as Shown, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gateway::directory::sql::{self as directory_sql, FROM_PAGE};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const COLUMNS: &[Column] = &[
    Column { name: "address", title: "recipient-col-address", can_sort: false, is_usual: true },
    Column { name: "name", title: "recipient-col-name", can_sort: false, is_usual: true },
    Column { name: "source", title: "domain-col-source", can_sort: false, is_usual: false },
];
const FILE_ROWS_MAX: usize = 100_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sought {
    q: String,
    after: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewRecipient {
    address: String,
    name: String,
}

#[derive(Template)]
#[template(path = "domain/templates/recipients.html")]
struct ListPage<'a> {
    view: &'a View,
    named: &'a Named,
    q: &'a str,
    form: &'a Shown,
    table: String,
    may_change: bool,
    has_rows: bool,
}

/// Recipients can be listed of a domain that is served, also where the settings file names the domain.
fn may_change(view: &View, named: &Named) -> bool {
    named.is_served() && view.may(May::Domains)
}

/// `GET /domains/{name}/recipients`.
pub async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(name): Path<String>,
    Query(sought): Query<Sought>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    let named = find(&app, &person, &name).await?;
    list_page(&app, &view, &named, (&sought, &Asked::of(&pairs)), Shown::default()).await
}

async fn list_page(app: &App, view: &View, named: &Named, by: (&Sought, &Asked), form: Shown) -> Page {
    let (sought, asked) = by;
    let limit = asked.rows_max(sql::ROWS, FILE_ROWS_MAX);
    let (org, domain, after, part) = (named.org, named.name.clone(), sought.after.clone(), sought.q.trim().to_string());
    let read = app.db.read(move |tx| Box::pin(async move { sql::recipients(tx, org, &domain, (&after, &part), limit).await }));
    let mut found = read.await.map_err(Fault::from)?;
    let next = asked.cut(&mut found, sql::ROWS, |last| last.address.clone());
    let is_changing = may_change(view, named);
    let row = |one: &sql::Recipient| Row {
        pick: if directory_sql::is_kept_elsewhere(&one.source) { String::new() } else { one.address.clone() },
        label: one.address.clone(),
        cells: vec![
            Cell::text(one.address.clone()),
            Cell::text(one.name.clone()),
            Cell::text(view.of_kind("domain-source", super::source_word(&one.source))),
        ],
    };
    let path = format!("/domains/{}/recipients", named.name);
    let empty = if sought.q.trim().is_empty() { view.t("recipient-none") } else { view.t("recipient-none-found") };
    let table = Table {
        view,
        path: &path,
        caption: view.w("recipient-title", named.shown()),
        columns: COLUMNS,
        asked,
        rows: found.iter().map(row).collect(),
        form: if is_changing { "remove" } else { "" },
        next,
        empty,
    };
    if asked.is_csv {
        return Ok(table.csv("recipients"));
    }
    let status = form.status();
    let page =
        ListPage { view, named, q: &sought.q, form: &form, table: table.html(), may_change: is_changing, has_rows: !found.is_empty() };
    show_with(status, &page)
}

/// The domain, when its recipients may be changed.
pub async fn changeable(app: &App, person: &Person, name: &str) -> Result<Named, Fault> {
    let named = find(app, person, name).await?;
    person.require(May::Domains)?;
    if named.is_served() { Ok(named) } else { Err(Fault::Conflict(Say::new("domain-not-served"))) }
}

pub fn is_in(named: &Named, domain: &str) -> bool {
    domain == named.name || named.settings.subdomains && domain.strip_suffix(&named.name).is_some_and(|rest| rest.ends_with('.'))
}

/// `POST /domains/{name}/recipients`: one address.
pub async fn add(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(new): Form<NewRecipient>) -> Page {
    let named = changeable(&app, &person, &name).await?;
    // People leave the domain out: it stands on the page.
    let written = if new.address.contains('@') { new.address.trim().to_string() } else { format!("{}@{}", new.address.trim(), named.name) };
    let read =
        plan(&format!("\n{written},\"{}\"", new.name.replace('"', "\"\"")), |domain| is_in(&named, domain), &there(&app, &named).await?);
    if let Some((_, _, say)) = read.mistakes.into_iter().next() {
        let form = Shown::of(&new).with_wrong(vec![Wrong { field: "address", say }]);
        return list_page(&app, &view, &named, (&Sought::default(), &Asked::default()), form).await;
    }
    put(&app, &person, &named, read.put).await?;
    done(&format!("/domains/{}/recipients", named.name), Say::new("recipient-added").with("what", written))
}

pub async fn there(app: &App, named: &Named) -> Result<HashMap<String, (String, String)>, Fault> {
    let (org, domain) = (named.org, named.name.clone());
    let all = app.db.read(move |tx| Box::pin(async move { sql::all_recipients(tx, org, &domain).await })).await.map_err(Fault::from)?;
    Ok(all.into_iter().map(|one| (one.address, (one.name, one.source))).collect())
}

/// Adds and changes, in one transaction with its line in the audit log.
pub async fn put(app: &App, person: &Person, named: &Named, recipients: Vec<(String, String)>) -> Result<(), Fault> {
    if recipients.is_empty() {
        return Ok(());
    }
    let (now_ms, ids, person, named) = (app.now_ms(), app.ids.clone(), person.clone(), named.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                for (address, name) in &recipients {
                    directory_sql::put_recipient(tx, address, name, FROM_PAGE).await?;
                }
                directory_sql::bump(tx).await?;
                let first: Vec<&str> = recipients.iter().take(20).map(|(address, _)| address.as_str()).collect();
                let detail = serde_json::json!({ "count": recipients.len(), "first": first });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(named.org), "domain.recipients", &named.name).with(detail)).await
            })
        })
        .await
        .map_err(Fault::from)?;
    super::follow(app).await;
    Ok(())
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Import {
    csv: String,
    #[serde(skip_serializing)]
    sure: String,
}

#[derive(Template)]
#[template(path = "domain/templates/import.html")]
struct ImportPage<'a> {
    view: &'a View,
    named: &'a Named,
    form: &'a Shown,
    plan: Option<&'a Plan>,
}

/// `GET /domains/{name}/recipients/import`.
pub async fn import_form(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Page {
    let named = find(&app, &person, &name).await?;
    show(&ImportPage { view: &view, named: &named, form: &Shown::default(), plan: None })
}

/// `POST /domains/{name}/recipients/import`: shows what it would do, then does it.
pub async fn import(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(import): Form<Import>) -> Page {
    let named = changeable(&app, &person, &name).await?;
    let read = plan(&import.csv, |domain| is_in(&named, domain), &there(&app, &named).await?);
    let form = Shown::of(&import);
    if import.csv.trim().is_empty() {
        let form = form.with_wrong(vec![Wrong::new("csv", "recipient-wrong-empty")]);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &ImportPage { view: &view, named: &named, form: &form, plan: None });
    }
    if import.sure.is_empty() {
        return show(&ImportPage { view: &view, named: &named, form: &form, plan: Some(&read) });
    }
    let say = Say::new("recipient-imported").with("new", read.new).with("changed", read.changed).with("wrong", read.mistakes_count);
    put(&app, &person, &named, read.put).await?;
    done(&format!("/domains/{}/recipients", named.name), say)
}

/// `POST /domains/{name}/recipients/remove`: `pick`, any number of times. Asks first.
pub async fn remove(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(name): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Page {
    let named = changeable(&app, &person, &name).await?;
    let picks = picked(&pairs);
    let back = format!("/domains/{}/recipients", named.name);
    if picks.is_empty() {
        return done(&back, Say::new("recipient-nothing-picked"));
    }
    if !confirm::is_sure(&pairs) {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("recipient-remove"),
                text: Say::new("recipient-remove-sure").with("count", picks.len()),
                button: "recipient-remove",
                action: format!("{back}/remove"),
                fields: picks.into_iter().map(|pick| ("pick".to_string(), pick)).collect(),
                back,
            },
        );
    }
    let count = take_away(&app, &person, &named, picks).await?;
    done(&back, Say::new("recipient-removed").with("count", count))
}

/// Removes those that are there and not in the settings file; how many they were.
pub async fn take_away(app: &App, person: &Person, named: &Named, picks: Vec<String>) -> Result<usize, Fault> {
    let (now_ms, ids, person, org, domain) = (app.now_ms(), app.ids.clone(), person.clone(), named.org, named.name.clone());
    let picks: Vec<String> = picks.into_iter().filter(|pick| pick.rsplit_once('@').is_some_and(|(_, at)| is_in(named, at))).collect();
    let count = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let mut gone = Vec::new();
                for pick in &picks {
                    if sql::remove_recipient(tx, org, pick).await? {
                        gone.push(pick.as_str());
                    }
                }
                directory_sql::bump(tx).await?;
                let detail = serde_json::json!({ "removed": gone });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(org), "domain.recipients", &domain).with(detail)).await?;
                Ok::<_, store::Error>(gone.len())
            })
        })
        .await
        .map_err(Fault::from)?;
    super::follow(app).await;
    Ok(count)
}
