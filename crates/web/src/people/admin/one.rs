//! One person's page, and what can be done about them there.

use super::invite::InvitedPage;
use super::{RoleChoice, act, choices, list, sure};
use crate::App;
use crate::page::confirm::{self, Confirm};
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::change::{self, Chosen};
use crate::people::link::{self, Written};
use crate::people::sql::{self, PersonRow, SessionRow};
use crate::people::token::sql::{self as token_sql, TokenRow};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use gateway::queue::letter;
use mail::PersonId;
use mail::id::TokenId;
use serde::Deserialize;
use store::Error;

#[derive(Template)]
#[template(path = "people/templates/one.html")]
struct OnePage<'a> {
    view: &'a View,
    row: &'a PersonRow,
    tone: &'static str,
    state: &'static str,
    sessions: Vec<SessionRow>,
    tokens: Vec<TokenRow>,
    roles: Vec<RoleChoice>,
    is_self: bool,
    /// May more than the reader: shown, not changed.
    is_above: bool,
    organisation: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    role: String,
    active: String,
    sure: String,
}

fn known(id: &str) -> Result<PersonId, Fault> {
    id.parse().map_err(|_| Fault::NotFound)
}

/// `GET /people/{person}`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::People)?;
    let (id, scope, now_ms, this) = (known(&id)?, person.scope(), app.now_ms(), person.session.clone());
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let Some(row) = sql::find(tx, scope, id).await? else { return Ok(None) };
            let sessions = sql::sessions(tx, id, &this, now_ms).await?;
            Ok::<_, Error>(Some((row, sessions, token_sql::of_person(tx, scope, id, now_ms).await?)))
        })
    });
    let (row, sessions, tokens) = found.await?.ok_or(Fault::NotFound)?;
    let is_above = row.person.may.iter().any(|may| !person.may_give(*may)) || row.person.role.is_of_service() && !person.may(May::Operate);
    let roles = choices(&app, &view, &person, row.person.home, &row.person.role_key()).await?;
    let (tone, state) = list::state(&row);
    let directory = app.directory.snapshot();
    let organisation = row.person.home.and_then(|org| directory.organisation(org)).map(|found| found.name.clone());
    show(&OnePage {
        view: &view,
        tone,
        state,
        sessions,
        tokens,
        roles,
        is_self: id == person.id,
        is_above,
        organisation: organisation.unwrap_or_else(|| view.t("people-of-service")),
        row: &row,
    })
}

/// The person as they stand, before anything asks back: what is not there says so first.
async fn seen(app: &App, person: &Person, id: &str) -> Result<PersonRow, Fault> {
    person.require(May::People)?;
    let (id, scope) = (known(id)?, person.scope());
    app.db.read(move |tx| Box::pin(async move { sql::find(tx, scope, id).await })).await?.ok_or(Fault::NotFound)
}

/// `POST /people/{person}/role`.
pub async fn role(State(app): State<App>, person: Person, Path(id): Path<String>, Form(wanted): Form<Wanted>) -> Page {
    let row = seen(&app, &person, &id).await?;
    let (id, to) = (row.person.id, format!("/people/{}", row.person.id));
    if let Some(page) = sure(&app, &person, &to) {
        return page;
    }
    let chosen = Chosen::parse(&wanted.role).ok_or_else(|| Fault::Conflict(Say::new("people-role-unknown")))?;
    let act = act(&app, &person);
    app.db.tx(move |tx| Box::pin(async move { change::set_role(tx, &act, id, chosen).await })).await?;
    done(&to, Say::new("people-role-set"))
}

/// `POST /people/{person}/active`: 1 or 0; deactivating asks first.
pub async fn active(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(wanted): Form<Wanted>) -> Page {
    let row = seen(&app, &person, &id).await?;
    let (id, to, is_active) = (row.person.id, format!("/people/{}", row.person.id), wanted.active == "1");
    if !is_active && wanted.sure.is_empty() {
        let fields = vec![("active".to_string(), "0".to_string())];
        return asked(&view, &row, ("people-deactivate", "people-deactivate-sure"), ("active", fields));
    }
    let act = act(&app, &person);
    app.db.tx(move |tx| Box::pin(async move { change::set_active(tx, &act, id, is_active).await })).await?;
    done(&to, Say::new(if is_active { "people-activated" } else { "people-deactivated" }))
}

fn asked(view: &View, row: &PersonRow, words: (&'static str, &'static str), form: (&str, Vec<(String, String)>)) -> Page {
    let back = format!("/people/{}", row.person.id);
    confirm::page(
        view,
        &Confirm {
            title: Say::new(words.0),
            text: Say::new(words.1).with("what", row.person.email.as_str()),
            button: words.0,
            action: format!("{back}/{}", form.0),
            fields: form.1,
            back,
        },
    )
}

/// `POST /people/{person}/link`: a new invitation. Somebody who signed in before gets it by mail alone: whoever looks after people is
/// not to walk in as one of them. Operators see it, as they could by the command line.
pub async fn link(State(app): State<App>, view: View, person: Person, headers: HeaderMap, Path(id): Path<String>) -> Page {
    let row = seen(&app, &person, &id).await?;
    let (id, to) = (row.person.id, format!("/people/{}", row.person.id));
    if let Some(page) = sure(&app, &person, &to) {
        return page;
    }
    let (act, base, host, directory) = (act(&app, &person), link::base(&app, &headers), app.hostname.clone(), app.directory.snapshot());
    let lang = row.person.lang.unwrap_or(view.lang);
    let made = app.db.tx(move |tx| {
        Box::pin(async move {
            let (other, path) = change::invite_again(tx, &act, id).await?;
            let url = format!("{base}{path}");
            let to = mail::Address::parse(&other.email).ok();
            if let Some((org, to)) = other.home.zip(to) {
                let letter = link::written(Written { org, to, host, lang, kind: "invitation", who: act.by.shown() }, &url);
                letter::post(tx, &letter, &directory, &act.ids, act.now_ms).await?;
            }
            Ok::<_, Fault>((url, other.home.is_some()))
        })
    });
    let (url, is_mailed) = made.await?;
    let is_shown = row.seen_ms.is_none() || person.may(May::Operate);
    show(&InvitedPage {
        view: &view,
        person: id,
        email: &row.person.email,
        url: if is_shown { &url } else { "" },
        is_mailed,
        days: link::INVITATION_MS / 86_400_000,
    })
}

/// `POST /people/{person}/factors`: takes second factors away, after asking.
pub async fn factors(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(wanted): Form<Wanted>) -> Page {
    let row = seen(&app, &person, &id).await?;
    let (id, to) = (row.person.id, format!("/people/{}", row.person.id));
    if let Some(page) = sure(&app, &person, &to) {
        return page;
    }
    if wanted.sure.is_empty() {
        return asked(&view, &row, ("people-reset", "people-reset-sure"), ("factors", Vec::new()));
    }
    let act = act(&app, &person);
    app.db.tx(move |tx| Box::pin(async move { change::reset_factors(tx, &act, id).await })).await?;
    done(&to, Say::new("people-reset-done"))
}

/// `POST /people/{person}/sessions`: ends all of them.
pub async fn sessions(State(app): State<App>, person: Person, Path(id): Path<String>) -> Page {
    let row = seen(&app, &person, &id).await?;
    let (id, act) = (row.person.id, act(&app, &person));
    app.db.tx(move |tx| Box::pin(async move { change::end_sessions(tx, &act, id, None).await })).await?;
    done(&format!("/people/{id}"), Say::new("people-sessions-ended"))
}

/// `POST /people/{person}/sessions/{session}`: ends one.
pub async fn session(State(app): State<App>, person: Person, Path((id, session)): Path<(String, String)>) -> Page {
    let row = seen(&app, &person, &id).await?;
    let session: i64 = session.parse().map_err(|_| Fault::NotFound)?;
    let (id, act) = (row.person.id, act(&app, &person));
    app.db.tx(move |tx| Box::pin(async move { change::end_sessions(tx, &act, id, Some(session)).await })).await?;
    done(&format!("/people/{id}"), Say::new("people-sessions-ended"))
}

/// `POST /people/{person}/tokens/{token}`: ends one of their API tokens.
pub async fn token(State(app): State<App>, person: Person, Path((id, token)): Path<(String, String)>) -> Page {
    let row = seen(&app, &person, &id).await?;
    let token: TokenId = token.parse().map_err(|_| Fault::NotFound)?;
    let (id, act) = (row.person.id, act(&app, &person));
    app.db.tx(move |tx| Box::pin(async move { change::revoke_token(tx, &act, id, token).await })).await?;
    done(&format!("/people/{id}"), Say::new("token-revoked"))
}
