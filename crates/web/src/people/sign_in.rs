//! Signing in by password, the second factor after it, and signing out.
//!
//! Invariants: the answer, and the time it takes, are the same whether an address is known; a session's token is always new; the browser
//! that holds half a sign-in holds nothing that reads anything.

use super::ceremony::{self, Kind};
use super::session::{self, Peer, Token};
use super::{factor, limit, password, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::view::own_path;
use crate::page::{Fault, Page, View, form::Form as Shown, show, show_with};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Form, Router};
use axum_extra::extract::CookieJar;
use mail::PersonId;
use serde::{Deserialize, Serialize};
use store::Error;

/// How long a browser is remembered.
const DEVICE_MS: i64 = 90 * 24 * 60 * 60 * 1000;
const DEVICE_COOKIE: &str = "gatepost_device";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in", get(form).post(sign_in))
        .route("/sign-in/second", get(second_form).post(second))
        .route("/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "people/templates/sign_in.html")]
struct SignIn<'a> {
    view: &'a View,
    form: &'a Shown,
}

#[derive(Template)]
#[template(path = "people/templates/second.html")]
struct Second<'a> {
    view: &'a View,
    form: &'a Shown,
    has_totp: bool,
    has_passkey: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Tried {
    email: String,
    #[serde(skip_serializing)]
    password: String,
    next: String,
}

/// `GET /sign-in`.
async fn form(State(app): State<App>, view: View, Query(tried): Query<Tried>) -> Page {
    app.help.warm(); // whoever comes in may soon want help
    show(&SignIn { view: &view, form: &Shown::of(&tried) })
}

/// `POST /sign-in`: address and password.
async fn sign_in(State(app): State<App>, view: View, peer: Peer, headers: HeaderMap, Form(tried): Form<Tried>) -> Page {
    let email = mail::Address::parse(tried.email.trim()).map(|address| address.key()).unwrap_or_default();
    let (wanted, device, now_ms) = (email.clone(), device(&headers), app.now_ms());
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let Some((id, hash)) = sql::password_of(tx, &wanted).await? else { return Ok(None) };
            let is_known = !device.is_empty() && sql::is_known_device(tx, id, &session::digest(&device), now_ms).await?;
            Ok::<_, Error>(Some((id, hash, is_known.then_some(device))))
        })
    });
    let (person, hash, device) = found.await?.unwrap_or((PersonId(0), String::new(), None));
    let taken = take_try(&app, &peer, &email, device.as_deref())?;
    if !password::fits(&tried.password, &hash).await? {
        if person != PersonId(0) {
            note(&app, &peer, person, "people.sign-in-refused").await?;
        }
        let form = Shown::of(&tried).with_wrong(vec![Wrong::new("email", "sign-in-wrong")]);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &SignIn { view: &view, form: &form });
    }
    taken.iter().for_each(|key| app.limits().give_back(key));
    first_proved(&app, &peer, &headers, Entering { person, how: "password", next: tried.next }).await
}

/// Takes one try from every bucket that this one counts in; gives their names.
fn take_try(app: &App, peer: &Peer, email: &str, device: Option<&str>) -> Result<Vec<String>, Fault> {
    let (source, now_ms) = (limit::source(&peer.ip), app.now_ms());
    // Addresses come from strangers and may be long: a digest is not.
    let account = session::digest(email);
    let mut keys = vec![(format!("from {source}"), limit::SOURCE)];
    match device {
        Some(device) => keys.push((format!("device {}", session::digest(device)), limit::DEVICE)),
        None => keys.extend([(format!("pair {source} {account}"), limit::PAIR), (format!("account {account}"), limit::ACCOUNT)]),
    }
    for (key, rate) in &keys {
        app.limits().take(key, *rate, now_ms)?;
    }
    Ok(keys.into_iter().map(|(key, _)| key).collect())
}

fn device(headers: &HeaderMap) -> String {
    CookieJar::from_headers(headers).get(DEVICE_COOKIE).map(|cookie| cookie.value().to_string()).unwrap_or_default()
}

/// A line about somebody who is not signed in yet.
async fn note(app: &App, peer: &Peer, person: PersonId, action: &'static str) -> Result<(), Error> {
    let (ids, now_ms, ip) = (app.ids.clone(), app.now_ms(), peer.ip.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let Some(found) = sql::active(tx, person).await? else { return Ok(()) };
                let who = audit::sql::Who { person, address: &found.email, ip: &ip };
                audit::note_by(tx, who, &ids, now_ms, Entry::new(found.home, action, person)).await
            })
        })
        .await
}

/// Somebody on the way in.
#[derive(Debug, Clone)]
pub struct Entering {
    pub person: PersonId,
    /// As in [`session::Start`].
    pub how: &'static str,
    /// Where to go then.
    pub next: String,
}

/// Half a sign-in, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Half {
    pub how: String,
    pub next: String,
}

/// The first factor was right: in, or on to the second.
pub async fn first_proved(app: &App, peer: &Peer, headers: &HeaderMap, entering: Entering) -> Page {
    let id = entering.person;
    let factors = app.db.read(move |tx| Box::pin(async move { factor::sql::factors(tx, id).await })).await?;
    if !factors.has_second() {
        return entered(app, peer, headers, entering).await;
    }
    let half = Half { how: entering.how.into(), next: entering.next };
    let token = ceremony::begin(app, Kind::SecondFactor, id, &half).await?;
    let mut answer = Redirect::to("/sign-in/second").into_response();
    answer.headers_mut().extend(ceremony::cookie(app, Kind::SecondFactor, &token).map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Code {
    #[serde(skip_serializing)]
    code: String,
}

/// `GET /sign-in/second`.
async fn second_form(State(app): State<App>, view: View, headers: HeaderMap) -> Page {
    second_page(&app, &view, &headers, Shown::default()).await
}

async fn second_page(app: &App, view: &View, headers: &HeaderMap, form: Shown) -> Page {
    let (token, now_ms) = (ceremony::held(app, headers, Kind::SecondFactor), app.now_ms());
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let Some(begun) = ceremony::look(tx, &token, Kind::SecondFactor, now_ms).await? else { return Ok(None) };
            Ok::<_, Error>(Some(factor::sql::factors(tx, begun.person).await?))
        })
    });
    let Some(factors) = found.await? else { return Ok(Redirect::to("/sign-in").into_response()) };
    let status = form.status();
    show_with(status, &Second { view, form: &form, has_totp: factors.has_totp, has_passkey: factors.passkeys > 0 })
}

/// `POST /sign-in/second`: a code of the app, or a recovery code.
async fn second(State(app): State<App>, view: View, peer: Peer, headers: HeaderMap, Form(code): Form<Code>) -> Page {
    let (token, now_ms) = (ceremony::held(&app, &headers, Kind::SecondFactor), app.now_ms());
    let plain = token.clone();
    let begun = app.db.read(move |tx| Box::pin(async move { ceremony::look(tx, &plain, Kind::SecondFactor, now_ms).await })).await?;
    let Some(begun) = begun else { return Ok(Redirect::to("/sign-in").into_response()) };
    if factor::code_fits(&app, begun.person, &code.code).await?.is_none() {
        app.db.tx(move |tx| Box::pin(async move { ceremony::tried(tx, &token).await })).await?;
        note(&app, &peer, begun.person, "people.sign-in-refused").await?;
        return second_page(&app, &view, &headers, Shown::default().with_wrong(vec![Wrong::new("code", "second-wrong")])).await;
    }
    let ended = app.db.tx(move |tx| Box::pin(async move { ceremony::finish(tx, &token, Kind::SecondFactor, now_ms).await })).await?;
    let Some(half) = ended.and_then(|begun| begun.read::<Half>()) else { return Ok(Redirect::to("/sign-in").into_response()) };
    let how = if half.how == "link" {
        "link"
    } else if half.how == "provider" {
        "provider"
    } else {
        "password"
    };
    entered(&app, &peer, &headers, Entering { person: begun.person, how, next: half.next }).await
}

/// What the browser of somebody who is in gets.
pub struct Entered {
    pub headers: HeaderMap,
    pub to: String,
}

/// In: a session with a new token, and its line in the log. A session that the browser had before ends.
pub async fn enter(app: &App, peer: &Peer, asked: &HeaderMap, entering: Entering) -> Result<Entered, Fault> {
    let (token, start) = session::fresh(app, entering.person, entering.how, peer)?;
    let (device, old, kept) = (Token::fresh()?, session::held_token(app, asked), device(asked));
    let (ids, now_ms, id) = (app.ids.clone(), app.now_ms(), entering.person);
    let is_new_device = app.db.tx(move |tx| {
        Box::pin(async move {
            let Some(person) = sql::active(tx, id).await? else { return Err(Fault::SignIn) };
            if let Some(old) = old {
                sql::end_session(tx, &session::digest(&old)).await?;
            }
            sql::start_session(tx, &start, now_ms + session::SESSION_MS).await?;
            let is_new = !sql::is_known_device(tx, id, &session::digest(&kept), now_ms).await?;
            if is_new {
                sql::put_device(tx, id, &device.digest, now_ms + DEVICE_MS).await?;
            }
            let who = audit::sql::Who { person: id, address: &person.email, ip: &start.peer.ip };
            let entry = Entry::new(person.home, "people.sign-in", id).with(serde_json::json!({ "how": start.how, "new_device": is_new }));
            audit::note_by(tx, who, &ids, now_ms, entry).await?;
            Ok::<_, Fault>(is_new.then_some(device.plain))
        })
    });
    let mut headers = HeaderMap::new();
    let cookies = [
        session::cookie(app, &token),
        ceremony::cookie(app, Kind::SecondFactor, ""),
        is_new_device.await?.and_then(|token| lasting(app, &token)),
    ];
    for cookie in cookies.into_iter().flatten() {
        headers.append(header::SET_COOKIE, cookie);
    }
    Ok(Entered { headers, to: own_path(&entering.next).to_string() })
}

/// As [`enter`], as a page.
pub async fn entered(app: &App, peer: &Peer, asked: &HeaderMap, entering: Entering) -> Page {
    let entered = enter(app, peer, asked, entering).await?;
    Ok((entered.headers, Redirect::to(&entered.to)).into_response())
}

/// Only sent to the sign-in page itself.
fn lasting(app: &App, token: &str) -> Option<HeaderValue> {
    let secure = if app.is_secure() { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{DEVICE_COOKIE}={token}; Path=/sign-in; HttpOnly; SameSite=Lax; Max-Age={}{secure}", DEVICE_MS / 1000))
        .ok()
}

/// `POST /sign-out`: this session ends, also when its cookie was copied.
async fn sign_out(State(app): State<App>, view: View) -> Page {
    if let Some(person) = view.person {
        app.db.tx(move |tx| Box::pin(async move { sql::end_session(tx, &person.session).await })).await?;
    }
    let mut answer = Redirect::to("/sign-in").into_response();
    answer.headers_mut().extend(session::cookie(&app, "").map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}
