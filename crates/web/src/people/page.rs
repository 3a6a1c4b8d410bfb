//! Signing in and out.

use super::session::{self, Peer, Token};
use super::sql;
use crate::App;
use crate::page::view::own_path;
use crate::page::{Fault, Page, Say, View, form::Form as Shown, show, show_with};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Form, Router};
use mail::PersonId;
use serde::{Deserialize, Serialize};
use store::Error;

/// How long a link in a mail or on a terminal signs in.
pub const LINK_MS: i64 = 24 * 60 * 60 * 1000;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in", get(form).post(sign_in))
        .route("/sign-in/{token}", get(link).post(use_link))
        .route("/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "people/templates/sign_in.html")]
struct SignIn<'a> {
    view: &'a View,
    form: &'a Shown,
}

#[derive(Template)]
#[template(path = "people/templates/link.html")]
struct Link<'a> {
    view: &'a View,
    token: &'a str,
    next: &'a str,
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
async fn form(view: View, Query(tried): Query<Tried>) -> Page {
    show(&SignIn { view: &view, form: &Shown::of(&tried) })
}

/// `POST /sign-in`: address and password.
async fn sign_in(State(app): State<App>, view: View, peer: Peer, Form(tried): Form<Tried>) -> Page {
    let email = mail::Address::parse(tried.email.trim()).map(|address| address.key()).unwrap_or_default();
    let wanted = email.clone();
    let found = app.db.read(move |tx| Box::pin(async move { sql::password_of(tx, &wanted).await })).await.map_err(Fault::from)?;
    let (person, hash) = found.unwrap_or((PersonId(0), String::new()));
    if !fits(tried.password.clone(), hash).await {
        let wrong = vec![crate::page::fault::Wrong::new("email", "sign-in-wrong")];
        let form = Shown::of(&tried).with_wrong(wrong);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &SignIn { view: &view, form: &form });
    }
    enter(&app, person, &peer, &tried.next).await
}

/// Whether the password is the one that was hashed. Takes as long for nobody as for somebody.
async fn fits(password: String, hash: String) -> bool {
    use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
    let checked = tokio::task::spawn_blocking(move || match PasswordHash::new(&hash) {
        Ok(stored) => Argon2::default().verify_password(password.as_bytes(), &stored).is_ok(),
        Err(_) => {
            let _ = Argon2::default().hash_password(password.as_bytes());
            false
        }
    });
    checked.await.unwrap_or(false)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Next {
    next: String,
}

/// `GET /sign-in/{token}`: asks only. Programs that look at links in mail must not use them up.
async fn link(State(app): State<App>, view: View, Path(token): Path<String>, Query(Next { next }): Query<Next>) -> Page {
    let (digest, now_ms) = (session::digest(&token), app.now_ms());
    let found = app.db.read(move |tx| Box::pin(async move { sql::link(tx, &digest, now_ms).await })).await.map_err(Fault::from)?;
    found.ok_or_else(|| Fault::Conflict(Say::new("sign-in-link-over")))?;
    show(&Link { view: &view, token: &token, next: &next })
}

/// `POST /sign-in/{token}`: once.
async fn use_link(State(app): State<App>, peer: Peer, Path(token): Path<String>, Form(Next { next }): Form<Next>) -> Page {
    let (digest, now_ms) = (session::digest(&token), app.now_ms());
    let found = app.db.tx(move |tx| Box::pin(async move { sql::use_link(tx, &digest, now_ms).await })).await.map_err(Fault::from)?;
    let person = found.ok_or_else(|| Fault::Conflict(Say::new("sign-in-link-over")))?;
    enter(&app, person, &peer, &next).await
}

async fn enter(app: &App, person: PersonId, peer: &Peer, next: &str) -> Page {
    let token = session::start(app, person, peer).await.map_err(Fault::from)?;
    let mut answer = Redirect::to(own_path(next)).into_response();
    answer.headers_mut().extend(session::cookie(app, &token).map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}

/// `POST /sign-out`: this session ends, also when its cookie was copied.
async fn sign_out(State(app): State<App>, view: View) -> Page {
    if let Some(person) = view.person {
        app.db.tx(move |tx| Box::pin(async move { sql::end_session(tx, &person.session).await })).await.map_err(Fault::from)?;
    }
    let mut answer = Redirect::to("/sign-in").into_response();
    answer.headers_mut().extend(session::cookie(&app, "").map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}

/// A path that signs this person in once, for a terminal or a mail.
pub async fn link_for(app: &App, person: &sql::NewPerson) -> Result<String, Error> {
    let token = Token::fresh()?;
    let (person, digest, id, now_ms) = (person.clone(), token.digest.clone(), app.fresh_id(), app.now_ms());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let person = sql::add(tx, &person, id, now_ms).await?;
                sql::put_link(tx, person, &digest, "sign-in", now_ms + LINK_MS).await
            })
        })
        .await?;
    Ok(format!("/sign-in/{}", token.plain))
}
