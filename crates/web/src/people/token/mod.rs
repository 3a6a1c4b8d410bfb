//! API tokens: a program acts as a person, with some of what that person may.
//!
//! Invariants: a token may never more than its owner may at that moment; it is shown once and only its digest is kept; it ends by
//! itself; with a token nobody changes how somebody signs in, nor makes tokens.

pub mod sql;

use super::session::{Peer, Token, digest};
use super::{May, Person};
use crate::App;
use crate::page::Fault;
use crate::page::fault::Wrong;
use axum::http::{header, request};
use mail::id::TokenId;
use store::Error;

/// What programs' tokens begin with, so that people and scanners of leaked secrets know one when they see it.
const PREFIX: &str = "gp_";
pub const DAYS_MAX: i64 = 366;
pub const NAME_CHARS_MAX: usize = 80;
/// Tokens of one person.
pub const TOKENS_MAX: i64 = 50;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How often the last use is written down.
const USED_EVERY_MS: i64 = 60 * 1000;

/// The token of a request to the API; pages are for people and take none.
pub fn held(request: &request::Parts) -> Option<String> {
    let path = request.uri.path();
    if !["/api/", "/v1.0/", "/scim/"].iter().any(|begin| path.starts_with(begin)) {
        return None;
    }
    // RFC 9110 §11.1: the name of a scheme in any case.
    let text = request.headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_string())
}

/// Who a token acts for, while it holds.
pub async fn person_of(app: &App, token: &str, peer: &Peer) -> Result<Option<Person>, Error> {
    let (digest, now_ms, ip) = (digest(token), app.now_ms(), peer.ip.clone());
    let found = app.db.read(move |tx| Box::pin(async move { sql::by_token(tx, &digest, now_ms).await })).await?;
    let Some((mut person, used_ms)) = found else { return Ok(None) };
    person.ip = peer.ip.clone();
    if let Some(id) = person.token.filter(|_| used_ms.is_none_or(|used_ms| now_ms - used_ms > USED_EVERY_MS)) {
        // Nobody waits for this; at worst a use is not noted.
        drop(app.db.later::<(), Error, _>(move |tx| Box::pin(async move { sql::used(tx, id, now_ms, &ip).await })));
    }
    Ok(Some(person))
}

/// A token as somebody wants it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    pub name: String,
    pub may: Vec<May>,
    pub days: i64,
}

/// The wish as a row, and the token to show once.
/// # Errors
/// [`Fault::Denied`] without the permission or for more than the owner may; [`Fault::Invalid`] names wrong fields.
pub fn fresh(app: &App, owner: &Person, wish: &Wish) -> Result<(String, sql::NewToken), Fault> {
    owner.require(May::Tokens)?;
    let mut wrong = Vec::new();
    let name = wish.name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        wrong.push(Wrong::new("name", "token-wrong-name"));
    }
    if !(1..=DAYS_MAX).contains(&wish.days) {
        wrong.push(Wrong::new("days", "token-wrong-days"));
    }
    if wish.may.is_empty() {
        wrong.push(Wrong::new("may", "token-wrong-may"));
    }
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    if let Some(more) = wish.may.iter().find(|may| !owner.may(**may)) {
        return Err(Fault::Denied(*more));
    }
    let plain = format!("{PREFIX}{}", Token::fresh()?.plain);
    let row = sql::NewToken {
        id: TokenId(app.fresh_id()),
        org: owner.org,
        person: owner.id,
        name: name.to_string(),
        digest: digest(&plain),
        may: wish.may.clone(),
        made_ms: app.now_ms(),
        until_ms: app.now_ms() + wish.days * DAY_MS,
    };
    Ok((plain, row))
}
