//! One's own API tokens.

use super::sure_first;
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, show, show_with};
use crate::people::token::{self, TOKENS_MAX, Wish, sql};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mail::id::TokenId;

#[derive(Template)]
#[template(path = "people/templates/tokens.html")]
struct TokensPage<'a> {
    view: &'a View,
    wrong: Vec<Wrong>,
    name: &'a str,
    days: &'a str,
    /// Permission, and whether it is chosen.
    permissions: Vec<(May, bool)>,
    /// The organisation it acts in.
    organisation: String,
}

#[derive(Template)]
#[template(path = "people/templates/token_made.html")]
struct MadePage<'a> {
    view: &'a View,
    token: &'a str,
    name: &'a str,
}

/// Days a token holds unless another number is typed.
const DAYS: &str = "90";

/// `GET /account/tokens`: the form for a new one.
pub async fn form(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Tokens)?;
    if let Some(page) = sure_first(&app, &person, "/account/tokens") {
        return page;
    }
    shown(&app, &view, &person, &Wish::default(), (DAYS, Vec::new()))
}

fn shown(app: &App, view: &View, person: &Person, wish: &Wish, typed: (&str, Vec<Wrong>)) -> Page {
    let (days, wrong) = typed;
    let permissions = person.may.iter().map(|may| (*may, wish.may.contains(may))).collect();
    let directory = app.directory.snapshot();
    let organisation = person.org.and_then(|org| directory.organisation(org)).map(|found| found.name.clone());
    let organisation = organisation.unwrap_or_else(|| view.t("token-everywhere"));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    show_with(status, &TokensPage { view, wrong, name: &wish.name, days, permissions, organisation })
}

/// `POST /account/tokens`: `name`, `days`, and `may` any number of times. The token is on the answer and nowhere else.
pub async fn make(State(app): State<App>, view: View, person: Person, Form(pairs): Form<Vec<(String, String)>>) -> Page {
    person.require(May::Tokens)?;
    if let Some(page) = sure_first(&app, &person, "/account/tokens") {
        return page;
    }
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim()).unwrap_or_default();
    let may = May::ALL.iter().copied().filter(|may| pairs.iter().any(|(key, value)| key == "may" && value == may.name())).collect();
    let days = value("days").to_string();
    let wish = Wish { name: value("name").into(), may, days: days.parse().unwrap_or(0) };
    match create(&app, &person, &wish).await {
        Ok((plain, _)) => show(&MadePage { view: &view, token: &plain, name: &wish.name }),
        Err(Fault::Invalid(wrong)) => shown(&app, &view, &person, &wish, (&days, wrong)),
        Err(other) => Err(other),
    }
}

/// Makes one; the token itself, once, and its row.
pub(in crate::people) async fn create(app: &App, person: &Person, wish: &Wish) -> Result<(String, sql::NewToken), Fault> {
    person.require(May::Tokens)?;
    person.require_sure(app.now_ms())?;
    let (plain, row) = token::fresh(app, person, wish)?;
    let (ids, now_ms, person, kept) = (app.ids.clone(), app.now_ms(), person.clone(), row.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if sql::count(tx, person.id, now_ms).await? >= TOKENS_MAX {
                    return Err(Fault::Conflict(Say::new("token-too-many")));
                }
                sql::insert(tx, &kept).await?;
                let may: Vec<&str> = kept.may.iter().map(|may| may.name()).collect();
                let detail = serde_json::json!({ "name": kept.name, "may": may, "until_ms": kept.until_ms });
                Ok(audit::note(tx, &person, &ids, now_ms, Entry::new(kept.org, "people.token-made", kept.id).with(detail)).await?)
            })
        })
        .await?;
    Ok((plain, row))
}

/// `POST /account/tokens/{token}`: ends it.
pub async fn revoke(State(app): State<App>, person: Person, Path(token): Path<String>) -> Page {
    let token: TokenId = token.parse().map_err(|_| Fault::NotFound)?;
    end(&app, &person, token).await?;
    done("/account", Say::new("token-revoked"))
}

/// Ends one of one's own.
pub(in crate::people) async fn end(app: &App, person: &Person, token: TokenId) -> Result<(), Fault> {
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let name = sql::revoke(tx, person.id, token).await?.ok_or(Fault::NotFound)?;
                let entry = Entry::new(person.home, "people.token-revoked", token).with(serde_json::json!({ "name": name }));
                Ok(audit::note(tx, &person, &ids, now_ms, entry).await?)
            })
        })
        .await
}
