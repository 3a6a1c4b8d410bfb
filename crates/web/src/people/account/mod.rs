//! One's own account: name, language, colours, time zone; how one signs in; sessions and API tokens.
//!
//! Invariant: what changes how somebody signs in is done by who proved to be there a short while ago ([`sure_first`]).

mod confirm;
mod factors;
mod page;
mod tokens;

use super::Person;
use crate::App;
use crate::page::Page;
use crate::page::fault::Wrong;
use crate::page::guard::form_pair;
use axum::Router;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};

pub const NAME_CHARS_MAX: usize = 80;
/// Where second factors are set up first.
pub const WELCOME: &str = "/account/welcome";

fn is_below(path: &str, begin: &str) -> bool {
    path.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a page is open to somebody who has to set up a second factor first: those that do it, and the way out.
pub fn is_for_factors(path: &str) -> bool {
    is_below(path, "/account") && !is_below(path, "/account/tokens") || is_below(path, "/sign-in") || is_below(path, "/sign-out")
}

/// Whether somebody who has to set up a second factor first is nobody here, as it is open to those who are not signed in.
pub fn is_for_everybody(path: &str) -> bool {
    ["/assets", "/help", "/refused", "/api/v1/help", "/api/v1/phone", "/api/v1/refused"].into_iter().any(|begin| is_below(path, begin))
}

pub fn routes() -> Router<App> {
    Router::new()
        .route("/account", get(page::page).post(page::save))
        .route(WELCOME, get(page::welcome))
        .route("/account/sure", get(confirm::form).post(confirm::prove))
        .route("/account/password", get(factors::password_form).post(factors::password))
        .route("/account/app", get(factors::app_form).post(factors::app))
        .route("/account/app/remove", post(factors::remove_app))
        .route("/account/recovery", get(factors::recovery_form).post(factors::recovery))
        .route("/account/passkeys/new", get(factors::passkey_form))
        .route("/account/passkeys/{passkey}/remove", post(factors::remove_passkey))
        .route("/account/sessions/end", post(page::end_others))
        .route("/account/sessions/{session}", post(page::end_session))
        .route("/account/tokens", get(tokens::form).post(tokens::make))
        .route("/account/tokens/{token}", post(tokens::revoke))
}

/// What is wrong with a person's name; "" is none.
pub fn wrong_name(name: &str) -> Option<Wrong> {
    let is_wrong = name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control);
    is_wrong.then(|| Wrong::new("name", "account-wrong-name"))
}

/// Leads to where the person proves to be there, and from there to `back`; nothing when they proved it a short while ago.
pub fn sure_first(app: &App, person: &Person, back: &str) -> Option<Page> {
    if let Err(fault) = person.require_session() {
        return Some(Err(fault));
    }
    let lead = || Ok(Redirect::to(&format!("/account/sure?{}", form_pair("next", back))).into_response());
    (!person.is_sure(app.now_ms())).then(lead)
}

pub(super) use page::{ViewWish, end_own, keep, wrong_view};
pub(super) use tokens::{create as create_token, end as end_token};
