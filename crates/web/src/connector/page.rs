//! The list of connectors, and one: shown, made, changed, tried before it is saved, removed.

use super::draft::word;
use super::try_page::{self, Shown as TriedShown};
use super::{Draft, KIND, find, find_to_change, may_name_private, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::diagnostics::sql as results;
use crate::page::fault::Wrong;
use crate::page::table::{Asked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, Say, View, confirm, done, form::Form as Shown, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use gateway::delivery::validate::Validation;
use gateway::directory::sql::{self as directory_sql, FROM_PAGE};
use gateway::directory::{ConnectorSettings, Protocol};
use gateway::scope::OrgScope;
use serde::Deserialize;
use std::collections::HashMap;

const COLUMNS: &[Column] = &[
    Column { name: "name", title: "connector-col-name", can_sort: false, is_usual: true },
    Column { name: "kind", title: "connector-col-kind", can_sort: false, is_usual: true },
    Column { name: "hosts", title: "connector-col-hosts", can_sort: false, is_usual: true },
    Column { name: "tls", title: "connector-col-tls", can_sort: false, is_usual: true },
    Column { name: "result", title: "connector-col-result", can_sort: false, is_usual: true },
    Column { name: "source", title: "connector-col-source", can_sort: false, is_usual: false },
];

#[derive(Template)]
#[template(path = "connector/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    table: String,
    inbound: Vec<Row>,
}

/// `GET /connectors`: ways out and ways in.
pub async fn list(State(app): State<App>, view: View, person: Person, Query(pairs): Query<Vec<(String, String)>>) -> Page {
    person.require(May::ReadSettings)?;
    let (scope, asked) = (person.scope(), Asked::of(&pairs));
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let checked = results::all(tx, scope, KIND).await?;
            Ok::<_, store::Error>((sql::list(tx, scope).await?, sql::list_inbound(tx, scope).await?, checked))
        })
    });
    let (connectors, inbound, checked) = read.await.map_err(Fault::from)?;
    let tried: HashMap<(i64, String), (i64, Validation)> =
        checked.into_iter().filter_map(|(org, name, at, json)| Some(((org.0, name), (at, serde_json::from_str(&json).ok()?)))).collect();
    let rows = connectors.iter().map(|one| row(&view, one, tried.get(&(one.org.0, one.settings.name.clone())))).collect();
    let table = Table {
        view: &view,
        path: "/connectors",
        caption: view.t("connector-outward"),
        columns: COLUMNS,
        asked: &asked,
        rows,
        form: "",
        next: None,
        empty: view.t("connector-none"),
    };
    if asked.is_csv {
        return Ok(table.csv("connectors"));
    }
    let inbound = inbound.iter().map(|one| inbound_row(&view, one)).collect();
    show(&ListPage { view: &view, table: table.html(), inbound })
}

fn row(view: &View, one: &sql::Named, tried: Option<&(i64, Validation)>) -> Row {
    let settings = &one.settings;
    let hosts = match settings.protocol {
        Protocol::Folder => settings.folder.clone(),
        _ if settings.hosts.is_empty() => view.t("connector-by-mx"),
        _ => settings.hosts.join(", "),
    };
    let result = match tried {
        None => Cell::badge("plain", view.t("connector-never-tried")),
        Some((at_ms, validation)) => {
            let result = validation.result();
            let word = view.of_kind("check-result", result.name());
            Cell::lines(vec![Cell::badge(try_page::tone(result), word), Cell::time(view, *at_ms)])
        }
    };
    Row {
        pick: String::new(),
        label: settings.name.clone(),
        cells: vec![
            Cell::link(&format!("/connectors/{}", settings.name), settings.name.clone()),
            Cell::text(view.of_kind("connector-kind", &word(&settings.kind))),
            Cell::text(hosts),
            Cell::text(view.of_kind("connector-tls", &word(&settings.tls))),
            result,
            Cell::text(view.of_kind("domain-source", &one.source)),
        ],
    }
}

fn inbound_row(view: &View, one: &sql::NamedInbound) -> Row {
    let settings = &one.settings;
    let from = settings.addresses.0.iter().map(ToString::to_string).chain(settings.certificates.iter().cloned());
    let does = [
        (settings.relay, "inbound-does-relay"),
        (settings.require_tls, "inbound-does-tls"),
        (settings.only_from, "inbound-does-only"),
        (settings.skip != gateway::directory::SkipMode::Off, "inbound-does-skip"),
    ];
    Row {
        pick: String::new(),
        label: settings.name.clone(),
        cells: vec![
            Cell::link(&format!("/inbound/{}", settings.name), settings.name.clone()),
            Cell::text(from.collect::<Vec<_>>().join(", ")),
            Cell::lines(does.iter().filter(|(is_on, _)| *is_on).map(|(_, key)| Cell::text(view.t(key))).collect()),
            Cell::text(view.of_kind("domain-source", &one.source)),
        ],
    }
}

#[derive(Template)]
#[template(path = "connector/templates/connector.html")]
struct ConnectorPage<'a> {
    view: &'a View,
    /// The name as saved; empty for a new one.
    name: &'a str,
    named: Option<&'a sql::Named>,
    form: &'a Shown,
    kinds: &'static [&'static str],
    protocols: &'static [&'static str],
    levels: &'static [&'static str],
    may_private: bool,
    can_save: bool,
    used_by: Vec<String>,
    waiting: i64,
    tried: Option<TriedShown>,
    /// The result is of what stands in the form, not of what is saved.
    is_draft: bool,
}

const KINDS: &[&str] = &["server", "partner", "outbound"];
const PROTOCOLS: &[&str] = &["smtp", "lmtp"];
const LEVELS: &[&str] = &["opportunistic", "required", "verified", "off"];

async fn show_page(app: &App, view: &View, person: &Person, named: Option<&sql::Named>, shown: (Shown, Option<Validation>)) -> Page {
    let (form, draft) = shown;
    let (mut used_by, mut waiting, mut last) = (Vec::new(), 0, None);
    if let Some(named) = named {
        let (org, name) = (named.org, named.settings.name.clone());
        let read = app.db.read(move |tx| {
            Box::pin(async move {
                let last = results::last(tx, org, KIND, &name).await?;
                Ok::<_, store::Error>((sql::used_by(tx, org, &name).await?, sql::waiting(tx, org, &name).await?, last))
            })
        });
        (used_by, waiting, last) = read.await.map_err(Fault::from)?;
    }
    let saved = last.and_then(|(_, json)| serde_json::from_str::<Validation>(&json).ok());
    let is_draft = draft.is_some();
    let tried = draft.or(saved).map(|validation| try_page::shown(view, &validation));
    let status = form.status();
    let page = ConnectorPage {
        view,
        name: named.map(|named| named.settings.name.as_str()).unwrap_or_default(),
        named,
        form: &form,
        kinds: KINDS,
        protocols: PROTOCOLS,
        levels: LEVELS,
        may_private: may_name_private(app, person),
        can_save: person.may(May::Connectors) && named.is_none_or(|named| !named.is_fixed()),
        used_by,
        waiting,
        tried,
        is_draft,
    };
    show_with(status, &page)
}

/// `GET /connectors/new`.
pub async fn new(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Connectors)?;
    let draft = Draft { tls: "opportunistic".into(), protocol: "smtp".into(), ..Draft::of(&ConnectorSettings::default()) };
    show_page(&app, &view, &person, None, (Shown::of(&draft), None)).await
}

/// `GET /connectors/{name}`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Page {
    let named = find(&app, &person, &name).await?;
    show_page(&app, &view, &person, Some(&named), (Shown::of(&Draft::of(&named.settings)), None)).await
}

/// What stands in the form beside the draft.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    #[serde(flatten)]
    draft: Draft,
    /// "check" tries the form without saving.
    verb: String,
    /// Address to try.
    to: String,
}

/// `POST /connectors`: makes one, or tries what stands in the form.
pub async fn create(State(app): State<App>, view: View, person: Person, Form(wanted): Form<Wanted>) -> Page {
    person.require(May::Connectors)?;
    let org = person.acting_org()?;
    let form = shown_form(&wanted);
    let settings = match wanted.draft.settings(None, may_name_private(&app, &person)) {
        Ok(settings) => settings,
        Err(wrong) => return show_page(&app, &view, &person, None, (form.with_wrong(wrong), None)).await,
    };
    if wanted.verb == "check" {
        return try_draft(&app, &view, &person, (None, settings), (form, &wanted.to)).await;
    }
    match make(&app, &person, org, settings).await {
        Ok(name) => done(&format!("/connectors/{name}"), Say::new("connector-made").with("what", name)),
        Err(Fault::Invalid(wrong)) => show_page(&app, &view, &person, None, (form.with_wrong(wrong), None)).await,
        Err(other) => Err(other),
    }
}

fn shown_form(wanted: &Wanted) -> Shown {
    let mut form = Shown::of(&wanted.draft);
    form.values.insert("to".into(), wanted.to.clone());
    form
}

async fn try_draft(app: &App, view: &View, person: &Person, tried: (Option<&sql::Named>, ConnectorSettings), shown: (Shown, &str)) -> Page {
    let ((named, settings), (form, to)) = (tried, shown);
    match super::try_connector(app, person, (settings, named.map(|named| &named.settings)), super::Ask { to, ..Default::default() }).await {
        Ok(validation) => show_page(app, view, person, named, (form, Some(validation))).await,
        Err(Fault::Invalid(wrong)) => show_page(app, view, person, named, (form.with_wrong(wrong), None)).await,
        Err(other) => Err(other),
    }
}

/// Writes a new connector. A name that is taken elsewhere in the installation gets a number: nobody learns who has it.
pub async fn make(app: &App, person: &Person, org: mail::OrgId, settings: ConnectorSettings) -> Result<String, Fault> {
    const NUMBERS_MAX: usize = 1_000;
    let organisation = organisation_name(app, org)?;
    let (now_ms, ids, person, seal) = (app.now_ms(), app.ids.clone(), person.clone(), app.seal.clone());
    let name = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if sql::one(tx, OrgScope::One(org), &settings.name).await?.is_some() {
                    return Err(Fault::Invalid(vec![Wrong::new("name", "connector-wrong-taken")]));
                }
                let mut name = settings.name.clone();
                for number in 2..NUMBERS_MAX {
                    if sql::is_free(tx, &name).await? {
                        break;
                    }
                    name = format!("{}-{number}", settings.name);
                }
                let settings = ConnectorSettings { name: name.clone(), organisation, ..settings }.sealed(&seal)?;
                put(tx, &settings, FROM_PAGE).await?;
                let entry = Entry::new(Some(org), "connector.add", &name).with(without_password(&settings));
                audit::note(tx, &person, &ids, now_ms, entry).await?;
                Ok(name)
            })
        })
        .await?;
    follow(app).await;
    Ok(name)
}

async fn put(tx: &mut store::Tx, settings: &ConnectorSettings, source: &str) -> Result<(), store::Error> {
    directory_sql::put_connector(tx, settings, source).await?;
    directory_sql::bump(tx).await
}

/// The settings as the audit log keeps them.
pub fn without_password(settings: &ConnectorSettings) -> serde_json::Value {
    serde_json::to_value(settings.clone().without_passwords()).unwrap_or_default()
}

pub fn organisation_name(app: &App, org: mail::OrgId) -> Result<String, Fault> {
    let directory = app.directory.snapshot();
    directory.organisation(org).map(|found| found.name.clone()).ok_or_else(|| Fault::Conflict(Say::new("people-choose-organisation")))
}

pub async fn follow(app: &App) {
    if let Err(why) = app.directory.reload().await {
        tracing::warn!(%why, "the directory could not be read again; it is tried again within a second");
    }
}

/// `POST /connectors/{name}`: saves, or tries what stands in the form; what is saved stays in force until then.
pub async fn save(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(wanted): Form<Wanted>) -> Page {
    let named = find_to_change(&app, &person, &name).await?;
    let form = shown_form(&wanted);
    let settings = match wanted.draft.settings(Some(&named.settings), may_name_private(&app, &person)) {
        Ok(settings) => settings,
        Err(wrong) => return show_page(&app, &view, &person, Some(&named), (form.with_wrong(wrong), None)).await,
    };
    if wanted.verb == "check" {
        return try_draft(&app, &view, &person, (Some(&named), settings), (form, &wanted.to)).await;
    }
    change(&app, &person, named, settings).await?;
    done(&format!("/connectors/{name}"), Say::new("domain-saved"))
}

pub async fn change(app: &App, person: &Person, named: sql::Named, settings: ConnectorSettings) -> Result<(), Fault> {
    let settings = match settings.password == named.settings.password && settings.mailbox.password == named.settings.mailbox.password {
        // Nobody typed one: what cannot be opened here keeps nobody from changing the rest.
        true => settings,
        false => settings.sealed(&app.seal).map_err(Fault::from)?,
    };
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                put(tx, &settings, &named.source).await?;
                let detail = serde_json::json!({ "before": without_password(&named.settings), "after": without_password(&settings) });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(named.org), "connector.change", &settings.name).with(detail)).await
            })
        })
        .await
        .map_err(Fault::from)?;
    follow(app).await;
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

impl Sure {
    pub fn is_sure(&self) -> bool {
        !self.sure.is_empty()
    }
}

/// `POST /connectors/{name}/remove`: asks first; one that is in use stays.
pub async fn remove(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(Sure { sure }): Form<Sure>) -> Page {
    let named = find_to_change(&app, &person, &name).await?;
    if sure.is_empty() {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("connector-remove"),
                text: Say::new("connector-remove-sure").with("what", name.as_str()),
                button: "connector-remove",
                action: format!("/connectors/{name}/remove"),
                fields: Vec::new(),
                back: format!("/connectors/{name}"),
            },
        );
    }
    take_away(&app, &person, named).await?;
    done("/connectors", Say::new("connector-removed").with("what", name))
}

/// Removes a connector that nothing leads to any more.
pub async fn take_away(app: &App, person: &Person, named: sql::Named) -> Result<(), Fault> {
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let (org, name) = (named.org, named.settings.name.as_str());
                let used: Vec<String> = sql::used_by(tx, org, name).await?.into_iter().filter(|domain| !domain.is_empty()).collect();
                if !used.is_empty() {
                    return Err(Fault::Conflict(Say::new("connector-in-use").with("what", used.join(", "))));
                }
                if sql::used_by(tx, org, name).await?.iter().any(String::is_empty) {
                    return Err(Fault::Conflict(Say::new("connector-in-use-organisation")));
                }
                let waiting = sql::waiting(tx, org, name).await?;
                if waiting > 0 {
                    return Err(Fault::Conflict(Say::new("connector-has-mail").with("count", waiting)));
                }
                sql::remove(tx, org, name).await?;
                directory_sql::bump(tx).await?;
                let entry = Entry::new(Some(org), "connector.remove", name).with(without_password(&named.settings));
                audit::note(tx, &person, &ids, now_ms, entry).await?;
                Ok(())
            })
        })
        .await?;
    follow(app).await;
    Ok(())
}
