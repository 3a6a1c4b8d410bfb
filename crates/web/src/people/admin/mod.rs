//! Pages for those who look after people: list, invite, one person, roles of the organisation's own, how its people sign in.

pub mod access;
mod invite;
mod list;
mod one;
mod roles;

use super::change::Act;
use super::{May, Person, Role, account, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::view::own_path;
use crate::page::{Fault, Page, Say, View, done, show};
use askama::Template;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Form, Router};
use gateway::scope::OrgScope;
use mail::OrgId;
use serde::Deserialize;
use store::Error;

pub(super) use invite::{invite, wanted};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/people", get(list::list))
        .route("/people/new", get(invite::form).post(invite::send))
        .route("/people/access", get(access::form).post(access::save))
        .route("/people/access/test", post(access::test))
        .route("/people/organisations", get(organisations).post(act_in))
        .route("/people/roles", get(roles::list))
        .route("/people/roles/new", get(roles::fresh).post(roles::make))
        .route("/people/roles/{role}", get(roles::form).post(roles::save))
        .route("/people/roles/{role}/remove", post(roles::remove))
        .route("/people/{person}", get(one::page))
        .route("/people/{person}/role", post(one::role))
        .route("/people/{person}/active", post(one::active))
        .route("/people/{person}/link", post(one::link))
        .route("/people/{person}/factors", post(one::factors))
        .route("/people/{person}/sessions", post(one::sessions))
        .route("/people/{person}/sessions/{session}", post(one::session))
        .route("/people/{person}/tokens/{token}", post(one::token))
}

/// What [`super::change`] needs of this request.
pub(super) fn act(app: &App, person: &Person) -> Act {
    Act { by: person.clone(), ids: app.ids.clone(), now_ms: app.now_ms() }
}

/// A role in a list of choices.
pub(super) struct RoleChoice {
    pub key: String,
    pub title: String,
    pub is_chosen: bool,
}

/// The roles this person may give in an organisation (`None`: of the service), with `chosen` marked.
pub(super) async fn choices(app: &App, view: &View, person: &Person, org: Option<OrgId>, chosen: &str) -> Result<Vec<RoleChoice>, Fault> {
    let own = match org {
        Some(org) => app.db.read(move |tx| Box::pin(async move { sql::own_roles(tx, OrgScope::One(org)).await })).await?,
        None => Vec::new(),
    };
    let reaches = |may: &[May]| may.iter().all(|may| person.may_give(*may));
    let fits = |role: &Role| reaches(role.may()) && if role.is_of_service() { person.may(May::Operate) } else { org.is_some() };
    let built_in = Role::ALL.into_iter().filter(fits).map(|role| (role.name().to_string(), view.of_kind("role", role.name())));
    let made = own.into_iter().filter(|role| reaches(&role.may)).map(|role| (format!("own.{}", role.id), role.name));
    Ok(built_in.chain(made).map(|(key, title)| RoleChoice { is_chosen: key == chosen, key, title }).collect())
}

#[derive(Template)]
#[template(path = "people/templates/organisations.html")]
struct OrganisationsPage<'a> {
    view: &'a View,
    /// Identifier, name, whether it is the one they act in.
    organisations: Vec<(String, String, bool)>,
    acts_in_all: bool,
    back: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    org: String,
    back: String,
}

/// `GET /people/organisations`: an operator chooses where to act.
async fn organisations(State(app): State<App>, view: View, person: Person, Query(wanted): Query<Wanted>) -> Page {
    person.require(May::Operate)?;
    let directory = app.directory.snapshot();
    let mut organisations: Vec<_> = directory.organisations.values().collect();
    organisations.sort_by(|a, b| a.name.cmp(&b.name));
    let row = |one: &&gateway::directory::Organisation| (one.id.to_string(), one.name.clone(), person.org == Some(one.id));
    let organisations = organisations.iter().map(row).collect();
    let back = own_path(&wanted.back).to_string();
    show(&OrganisationsPage { view: &view, organisations, acts_in_all: person.org.is_none(), back })
}

/// `POST /people/organisations`: acts there from now on; written down in that organisation's log too.
async fn act_in(State(app): State<App>, person: Person, Form(wanted): Form<Wanted>) -> Page {
    person.require(May::Operate)?;
    let org = match wanted.org.as_str() {
        "" => None,
        id => Some(id.parse::<OrgId>().map_err(|_| Fault::NotFound)?),
    };
    let name = match org {
        Some(org) => app.directory.snapshot().organisation(org).map(|found| found.name.clone()).ok_or(Fault::NotFound)?,
        None => String::new(),
    };
    let (ids, now_ms) = (app.ids.clone(), app.now_ms());
    let acted: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::act_in(tx, &person.session, org).await?;
                audit::note(tx, &person, &ids, now_ms, Entry::new(org, "people.act-in", org.map_or("all".into(), |org| org.to_string())))
                    .await
            })
        })
        .await;
    acted?;
    let say = if org.is_some() { Say::new("people-acting-in").with("what", name) } else { Say::new("people-acting-in-all") };
    done(own_path(&wanted.back), say)
}

/// Leads to where the person proves to be there, when that is long ago.
pub(super) fn sure(app: &App, person: &Person, back: &str) -> Option<Page> {
    account::sure_first(app, person, back)
}
