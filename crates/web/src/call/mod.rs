//! Calls with support: a number by which a caller shows who they are, and being called back at a time of one's choosing.
//!
//! In: a person of an organisation on its page, an engineer who hears a number on the telephone. Out: who it is and what they asked so far; a
//! place in the list of those who want to be called. Invariants: a number (PIN) holds for half an hour, for one call, and is only worth
//! something to support; free places follow from the hours of the organisation's plan and from who is there. Tables are those of migration 48
//! of `service_request`. Not here: which number to dial (`phone`).

pub mod api;
mod back;
mod page;
pub mod pin;
mod slot;
pub mod sql;

use crate::App;
use crate::page::words::Source;
use axum::Router;
use axum::routing::{get, post};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub fn routes() -> Router<App> {
    Router::new()
        .route("/calls", get(page::mine).post(page::book))
        .route("/calls/pin", post(page::fresh_pin))
        .route("/calls/{call}", post(page::cancel))
        .route("/support/calls", get(page::of_support))
        .route("/support/calls/pin", post(page::check_pin))
        .route("/support/calls/{call}", post(page::called))
}
