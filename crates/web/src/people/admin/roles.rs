//! Roles that an organisation makes of permissions.

use super::{act, sure};
use crate::App;
use crate::page::confirm::{self, Confirm};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, show, show_with};
use crate::people::sql::{self, OwnRole};
use crate::people::{May, Person, Role, change};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;

#[derive(Template)]
#[template(path = "people/templates/roles.html")]
struct RolesPage<'a> {
    view: &'a View,
    built_in: Vec<Role>,
    own: Vec<OwnRole>,
    /// Operators have to choose an organisation before they make a role.
    can_make: bool,
}

#[derive(Template)]
#[template(path = "people/templates/role.html")]
struct RolePage<'a> {
    view: &'a View,
    /// 0: a new one.
    id: i64,
    name: &'a str,
    wrong: Vec<Wrong>,
    /// Permission, whether it is chosen, whether the reader may give it.
    permissions: Vec<(May, bool, bool)>,
    people: i64,
}

/// `GET /people/roles`.
pub async fn list(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::People)?;
    let scope = person.scope();
    let own = app.db.read(move |tx| Box::pin(async move { sql::own_roles(tx, scope).await })).await?;
    let built_in = Role::ALL.into_iter().filter(|role| !role.is_of_service() || person.may(May::Operate)).collect();
    show(&RolesPage { view: &view, built_in, own, can_make: person.org.is_some() })
}

fn role_page<'a>(view: &'a View, person: &Person, role: &'a OwnRole, wrong: Vec<Wrong>) -> Page {
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let permission = |may: &May| (*may, role.may.contains(may), person.may(*may));
    let permissions = May::ALL.iter().filter(|may| !may.is_of_service()).map(permission).collect();
    show_with(status, &RolePage { view, id: role.id, name: &role.name, wrong, permissions, people: role.people })
}

/// `GET /people/roles/new`.
pub async fn fresh(view: View, person: Person) -> Page {
    person.require(May::People)?;
    let org = person.acting_org()?;
    role_page(&view, &person, &OwnRole { id: 0, org, name: String::new(), may: Vec::new(), people: 0 }, Vec::new())
}

/// `POST /people/roles/new`: `name`, and `may` any number of times.
pub async fn make(State(app): State<App>, view: View, person: Person, Form(pairs): Form<Vec<(String, String)>>) -> Page {
    person.require(May::People)?;
    let org = person.acting_org()?;
    let role = read(&pairs, OwnRole { id: 0, org, name: String::new(), may: Vec::new(), people: 0 });
    kept(&app, &view, &person, role).await
}

fn read(pairs: &[(String, String)], before: OwnRole) -> OwnRole {
    let name = pairs.iter().find(|(key, _)| key == "name").map(|(_, value)| value.clone()).unwrap_or_default();
    let may = May::ALL.iter().copied().filter(|may| pairs.iter().any(|(key, value)| key == "may" && value == may.name())).collect();
    OwnRole { name, may, ..before }
}

async fn found(app: &App, person: &Person, id: &str) -> Result<OwnRole, Fault> {
    person.require(May::People)?;
    let (id, scope): (i64, _) = (id.parse().map_err(|_| Fault::NotFound)?, person.scope());
    app.db.read(move |tx| Box::pin(async move { sql::own_role_of(tx, scope, id).await })).await?.ok_or(Fault::NotFound)
}

/// `GET /people/roles/{role}`.
pub async fn form(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let role = found(&app, &person, &id).await?;
    role_page(&view, &person, &role, Vec::new())
}

/// `POST /people/roles/{role}`.
pub async fn save(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Page {
    let before = found(&app, &person, &id).await?;
    kept(&app, &view, &person, read(&pairs, before)).await
}

async fn kept(app: &App, view: &View, person: &Person, role: OwnRole) -> Page {
    if let Some(page) = sure(app, person, "/people/roles") {
        return page;
    }
    let (act, mut new) = (act(app, person), role.clone());
    if new.id == 0 {
        new.id = app.fresh_id();
    }
    let put = app.db.tx(move |tx| Box::pin(async move { change::put_role(tx, &act, &new).await })).await;
    match put {
        Ok(()) => done("/people/roles", Say::new("role-kept").with("what", role.name)),
        Err(Fault::Invalid(wrong)) => role_page(view, person, &role, wrong),
        Err(other) => Err(other),
    }
}

/// `POST /people/roles/{role}/remove`: asks first.
pub async fn remove(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Page {
    let role = found(&app, &person, &id).await?;
    if !confirm::is_sure(&pairs) {
        let confirm = Confirm {
            title: Say::new("role-remove"),
            text: Say::new("role-remove-sure").with("what", role.name.as_str()),
            button: "role-remove",
            action: format!("/people/roles/{}/remove", role.id),
            fields: Vec::new(),
            back: format!("/people/roles/{}", role.id),
        };
        return confirm::page(&view, &confirm);
    }
    let (act, id) = (act(&app, &person), role.id);
    app.db.tx(move |tx| Box::pin(async move { change::remove_role(tx, &act, id).await })).await?;
    done("/people/roles", Say::new("role-removed"))
}
