//! One inbound connector: shown, made, changed, removed.

use super::page::{Sure, follow, organisation_name};
use super::{InboundDraft, find_inbound, may_name_private, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, confirm, done, form::Form as Shown, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::directory::InboundSettings;
use gateway::directory::sql::{self as directory_sql, FROM_PAGE};
use gateway::scope::OrgScope;
use mail::OrgId;

#[derive(Template)]
#[template(path = "connector/templates/inbound.html")]
struct InboundPage<'a> {
    view: &'a View,
    name: &'a str,
    is_fixed: bool,
    form: &'a Shown,
    modes: &'static [&'static str],
}

const MODES: &[&str] = &["off", "last", "listed"];

fn show_page(view: &View, named: Option<&sql::NamedInbound>, form: &Shown) -> Page {
    let status = form.status();
    let name = named.map(|named| named.settings.name.as_str()).unwrap_or_default();
    show_with(status, &InboundPage { view, name, is_fixed: named.is_some_and(sql::NamedInbound::is_fixed), form, modes: MODES })
}

/// `GET /inbound/new`.
pub async fn new(view: View, person: Person) -> Page {
    person.require(May::Connectors)?;
    show_page(&view, None, &Shown::of(&InboundDraft::of(&InboundSettings::default())))
}

/// `GET /inbound/{name}`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Page {
    let named = find_inbound(&app, &person, &name).await?;
    show_page(&view, Some(&named), &Shown::of(&InboundDraft::of(&named.settings)))
}

/// `POST /inbound`.
pub async fn create(State(app): State<App>, view: View, person: Person, Form(draft): Form<InboundDraft>) -> Page {
    person.require(May::Connectors)?;
    let org = person.acting_org()?;
    let made = match draft.settings(None, may_name_private(&app, &person)) {
        Ok(settings) => put(&app, &person, org, settings, None).await,
        Err(wrong) => Err(Fault::Invalid(wrong)),
    };
    match made {
        Ok(name) => done(&format!("/inbound/{name}"), Say::new("connector-made").with("what", name)),
        Err(Fault::Invalid(wrong)) => show_page(&view, None, &Shown::of(&draft).with_wrong(wrong)),
        Err(other) => Err(other),
    }
}

/// `POST /inbound/{name}`.
pub async fn save(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(draft): Form<InboundDraft>) -> Page {
    let named = changeable(&app, &person, &name).await?;
    match draft.settings(Some(&named.settings), may_name_private(&app, &person)) {
        Ok(settings) => {
            put(&app, &person, named.org, settings, Some(named)).await?;
            done(&format!("/inbound/{name}"), Say::new("domain-saved"))
        }
        Err(wrong) => show_page(&view, Some(&named), &Shown::of(&draft).with_wrong(wrong)),
    }
}

pub async fn changeable(app: &App, person: &Person, name: &str) -> Result<sql::NamedInbound, Fault> {
    let named = find_inbound(app, person, name).await?;
    person.require(May::Connectors)?;
    if named.is_fixed() { Err(Fault::Conflict(Say::new("connector-is-fixed"))) } else { Ok(named) }
}

/// Writes one; `before` is what it replaces.
pub async fn put(
    app: &App,
    person: &Person,
    org: OrgId,
    settings: InboundSettings,
    before: Option<sql::NamedInbound>,
) -> Result<String, Fault> {
    let organisation = organisation_name(app, org)?;
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    let name = settings.name.clone();
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if before.is_none() && sql::one_inbound(tx, OrgScope::One(org), &settings.name).await?.is_some() {
                    return Err(Fault::Invalid(vec![Wrong::new("name", "connector-wrong-taken")]));
                }
                let settings = InboundSettings { organisation, ..settings };
                directory_sql::put_inbound(tx, &settings, before.as_ref().map_or(FROM_PAGE, |before| &before.source)).await?;
                directory_sql::bump(tx).await?;
                let action = if before.is_some() { "connector.inbound-change" } else { "connector.inbound-add" };
                let detail = serde_json::json!({ "before": before.map(|before| before.settings), "after": settings });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(org), action, &settings.name).with(detail)).await?;
                Ok(())
            })
        })
        .await?;
    follow(app).await;
    Ok(name)
}

/// `POST /inbound/{name}/remove`: asks first.
pub async fn remove(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(sure): Form<Sure>) -> Page {
    let named = changeable(&app, &person, &name).await?;
    if !sure.is_sure() {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("connector-remove"),
                text: Say::new("inbound-remove-sure").with("what", name.as_str()),
                button: "connector-remove",
                action: format!("/inbound/{name}/remove"),
                fields: Vec::new(),
                back: format!("/inbound/{name}"),
            },
        );
    }
    take_away(&app, &person, named).await?;
    done("/connectors", Say::new("connector-removed").with("what", name))
}

pub async fn take_away(app: &App, person: &Person, named: sql::NamedInbound) -> Result<(), Fault> {
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                sql::remove_inbound(tx, named.org, &named.settings.name).await?;
                directory_sql::bump(tx).await?;
                let detail = serde_json::json!({ "before": named.settings });
                audit::note(
                    tx,
                    &person,
                    &ids,
                    now_ms,
                    Entry::new(Some(named.org), "connector.inbound-remove", &named.settings.name).with(detail),
                )
                .await
            })
        })
        .await
        .map_err(Fault::from)?;
    follow(app).await;
    Ok(())
}
