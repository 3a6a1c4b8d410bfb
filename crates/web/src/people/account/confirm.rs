//! Proving to be there again, before what changes how one signs in.

use crate::App;
use crate::page::fault::Wrong;
use crate::page::view::own_path;
use crate::page::{Page, View, form::Form as Shown, show_with};
use crate::people::factor::{self, Factors};
use crate::people::{Person, limit, password, sql};
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use serde::{Deserialize, Serialize};
use store::Error;

#[derive(Template)]
#[template(path = "people/templates/sure.html")]
struct SurePage<'a> {
    view: &'a View,
    form: &'a Shown,
    factors: Factors,
    email: &'a str,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tried {
    #[serde(skip_serializing)]
    password: String,
    #[serde(skip_serializing)]
    code: String,
    next: String,
}

/// `GET /account/sure`.
pub async fn form(State(app): State<App>, view: View, person: Person, Query(tried): Query<Tried>) -> Page {
    shown(&app, &view, &person, &Shown::of(&tried)).await
}

async fn shown(app: &App, view: &View, person: &Person, form: &Shown) -> Page {
    let id = person.id;
    let factors = app.db.read(move |tx| Box::pin(async move { factor::sql::factors(tx, id).await })).await?;
    let status = form.status();
    show_with(status, &SurePage { view, form, factors, email: &person.email })
}

/// `POST /account/sure`: the password, or a code of the app; a passkey goes by its own way.
pub async fn prove(State(app): State<App>, view: View, person: Person, Form(tried): Form<Tried>) -> Page {
    person.require_session()?;
    let (key, now_ms, id) = (format!("sure {}", person.id.0), app.now_ms(), person.id);
    app.limits().take(&key, limit::CODE, now_ms)?;
    let stored = app.db.read(move |tx| Box::pin(async move { sql::password(tx, id).await })).await?;
    let is_right = match tried.code.trim() {
        "" => password::fits(&tried.password, &stored).await?,
        code => factor::code_fits(&app, id, code).await? == Some(factor::Proof::App),
    };
    if !is_right {
        let field = if tried.code.trim().is_empty() { "password" } else { "code" };
        let form = Shown::of(&tried).with_wrong(vec![Wrong::new(field, "sure-wrong")]);
        return shown(&app, &view, &person, &form).await;
    }
    app.limits().give_back(&key);
    let proved: Result<(), Error> = app.db.tx(move |tx| Box::pin(async move { sql::sure(tx, &person.session, now_ms).await })).await;
    proved?;
    Ok(Redirect::to(own_path(&tried.next)).into_response())
}
