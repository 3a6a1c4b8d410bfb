//! The first start: a link on the terminal leads to a page that makes the operator's account and the first organisation.
//!
//! Invariant: the link holds only while nobody can sign in; the moment somebody can, it is worth nothing. Each start without people
//! makes a new link and ends older ones.

use super::ceremony::{self, Kind};
use super::session::{Peer, Token};
use super::sign_in::{self, Entering};
use super::sql::{self, NewPerson};
use super::{Role, password};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, form::Form as Shown, show_with};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Form, Router};
use gateway::directory::{OrganisationSettings, sql as directory_sql};
use mail::{Address, PersonId};
use serde::{Deserialize, Serialize};
use store::Error;

const ORGANISATION_CHARS_MAX: usize = 60;
/// A printed link holds this long; a new start prints another.
const LINK_MS: i64 = 24 * 60 * 60 * 1000;

pub fn routes() -> Router<App> {
    Router::new().route("/sign-in/first/{token}", get(form).post(make))
}

/// The path of the first-run page when nobody can sign in yet; `None` when somebody can.
pub async fn path(app: &App) -> Result<Option<String>, Error> {
    let token = Token::fresh()?;
    let (digest, now_ms) = (token.digest, app.now_ms());
    let is_first = app.db.tx(move |tx| {
        Box::pin(async move {
            if !sql::is_empty(tx).await? {
                return Ok(false);
            }
            ceremony::end_all(tx, Kind::FirstRun).await?;
            ceremony::insert(tx, (&digest, Kind::FirstRun), PersonId(0), "{}", (now_ms, now_ms + LINK_MS)).await?;
            Ok::<_, Error>(true)
        })
    });
    Ok(is_first.await?.then(|| format!("/sign-in/first/{}", token.plain)))
}

#[derive(Template)]
#[template(path = "people/templates/first_run.html")]
struct FirstRun<'a> {
    view: &'a View,
    token: &'a str,
    form: &'a Shown,
    /// The settings file has brought organisations already.
    has_organisation: bool,
    chars_min: usize,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Wanted {
    email: String,
    name: String,
    organisation: String,
    #[serde(skip_serializing)]
    password: String,
    /// Without a password: a passkey is made next.
    passkey: String,
}

fn over() -> Fault {
    Fault::Conflict(Say::new("first-run-over"))
}

async fn look(app: &App, token: &str) -> Result<(), Fault> {
    let (token, now_ms) = (token.to_string(), app.now_ms());
    let holds = app.db.read(move |tx| {
        Box::pin(async move {
            let is_there = ceremony::look(tx, &token, Kind::FirstRun, now_ms).await?.is_some();
            Ok::<_, Error>(is_there && sql::is_empty(tx).await?)
        })
    });
    if holds.await? { Ok(()) } else { Err(over()) }
}

/// `GET /sign-in/first/{token}`.
async fn form(State(app): State<App>, view: View, Path(token): Path<String>) -> Page {
    look(&app, &token).await?;
    shown(&app, &view, &token, &Shown::default())
}

fn shown(app: &App, view: &View, token: &str, form: &Shown) -> Page {
    let has_organisation = !app.directory.snapshot().organisations.is_empty();
    let status = form.status();
    show_with(status, &FirstRun { view, token, form, has_organisation, chars_min: password::CHARS_MIN })
}

/// `POST /sign-in/first/{token}`: makes both, and signs in.
async fn make(
    State(app): State<App>,
    view: View,
    peer: Peer,
    headers: HeaderMap,
    Path(token): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Page {
    look(&app, &token).await?;
    let has_organisation = !app.directory.snapshot().organisations.is_empty();
    let (wrong, email) = check(&wanted, has_organisation);
    if !wrong.is_empty() {
        return shown(&app, &view, &token, &Shown::of(&wanted).with_wrong(wrong));
    }
    let hash = if wanted.passkey.is_empty() { password::hash(&wanted.password).await? } else { String::new() };
    let person = NewPerson { email, name: wanted.name.trim().to_string(), role: Role::Operator, org: None };
    let (ids, now_ms, ip, lang) = (app.ids.clone(), app.now_ms(), peer.ip.clone(), view.lang);
    let organisation = Some(wanted.organisation.trim().to_string()).filter(|_| !has_organisation);
    let made = app.db.tx(move |tx| {
        Box::pin(async move {
            sql::take_turn(tx).await?;
            let is_first = ceremony::finish(tx, &token, Kind::FirstRun, now_ms).await?.is_some() && sql::is_empty(tx).await?;
            if !is_first {
                return Err(over());
            }
            let id = sql::add(tx, &person, ids.next(now_ms), now_ms).await?;
            sql::set_password(tx, id, &hash).await?;
            if let Some(name) = &organisation {
                let settings = OrganisationSettings { name: name.clone(), language: lang.tag().into(), ..Default::default() };
                directory_sql::put_organisation(tx, &settings, directory_sql::FROM_COMMAND, ids.next(now_ms)).await?;
                directory_sql::bump(tx).await?;
            }
            let who = audit::sql::Who { person: id, address: &person.email, ip: &ip };
            let detail = serde_json::json!({ "organisation": organisation });
            audit::note_by(tx, who, &ids, now_ms, Entry::new(None, "people.first-run", id).with(detail)).await?;
            Ok::<_, Fault>(id)
        })
    });
    let entering = Entering { person: made.await?, how: "link", next: super::account::WELCOME.into() };
    sign_in::entered(&app, &peer, &headers, entering).await
}

fn check(wanted: &Wanted, has_organisation: bool) -> (Vec<Wrong>, String) {
    let mut wrong: Vec<Wrong> = super::account::wrong_name(wanted.name.trim()).into_iter().collect();
    let email = match Address::parse(wanted.email.trim()) {
        Ok(address) => address.key(),
        Err(_) => {
            wrong.push(Wrong::new("email", "sign-in-wrong-address"));
            String::new()
        }
    };
    let name = wanted.organisation.trim();
    let is_name = !name.is_empty() && name.chars().count() <= ORGANISATION_CHARS_MAX && !name.chars().any(char::is_control);
    if !has_organisation && !is_name {
        wrong.push(Wrong::new("organisation", "first-run-wrong-organisation"));
    }
    if wanted.passkey.is_empty() {
        wrong.extend(password::wrong("password", &wanted.password, &[&email, wanted.name.trim()]));
    }
    (wrong, email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_checked() {
        let good = Wanted {
            email: "ops@mail.example".into(),
            organisation: "Example".into(),
            password: "long enough to be good".into(),
            ..Wanted::default()
        };
        assert!(check(&good, false).0.is_empty());
        for (wanted, has_organisation, field) in [
            (
                Wanted {
                    email: "nothing".into(),
                    ..Wanted { password: good.password.clone(), organisation: "x".into(), ..Wanted::default() }
                },
                false,
                "email",
            ),
            (Wanted { email: good.email.clone(), password: good.password.clone(), ..Wanted::default() }, false, "organisation"),
            (Wanted { email: good.email.clone(), password: "short".into(), ..Wanted::default() }, true, "password"),
        ] {
            let (wrong, _) = check(&wanted, has_organisation);
            assert_eq!(wrong.iter().map(|wrong| wrong.field).collect::<Vec<_>>(), [field]);
        }
        let passkey = Wanted { email: good.email, passkey: "1".into(), ..Wanted::default() };
        assert!(check(&passkey, true).0.is_empty(), "a passkey needs no password");
    }
}
