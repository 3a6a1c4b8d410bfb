//! What every page shares: the shell, words, forms, tables, faults, assets, and what stands before every route.

pub mod assets;
pub mod chart;
pub mod confirm;
pub mod csv;
pub mod fault;
mod follow;
pub mod form;
pub mod guard;
pub mod icon;
pub mod nav;
pub mod said;
pub mod stream;
pub mod table;
pub mod time;
pub mod upload;
pub mod view;
pub mod words;

pub use fault::Fault;
pub use said::Say;
pub use view::View;

use crate::App;
use askama::Template;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Words of the shell.
pub const WORDS: words::Source = words::Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// What a handler of a page answers.
pub type Page = Result<Response, Fault>;

/// Routes that belong to no feature: assets, and the person's choice of language and colours.
pub fn routes() -> Router<App> {
    assets::routes().merge(view::routes())
}

/// A template as a page.
pub fn show<T: Template>(template: &T) -> Page {
    show_with(StatusCode::OK, template)
}

pub fn show_with<T: Template>(status: StatusCode, template: &T) -> Page {
    let html = template.render().map_err(|why| Fault::Ours(format!("a page could not be written: {why}")))?;
    Ok((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], html).into_response())
}

/// The end of a words key for a sentence that is stored in English: letters and digits, everything else a dash.
pub fn slug(sentence: &str) -> String {
    sentence.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// To another page after something was done, with a word about it there (RFC 9110 §15.4.4: 303, so that a reload repeats nothing).
pub fn done(to: &str, say: Say) -> Page {
    let mut answer = axum::response::Redirect::to(to).into_response();
    said::keep(&mut answer, &say);
    Ok(answer)
}
