//! The analyzer's pages: what to test, the result as a tree of steps, and the same as text, JSON or HTML to take along.

use super::{AskedTest, Test, Way, last, list, run, written};
use crate::App;
use crate::page::{Fault, Page, View, form::Form as Shown, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;

/// Earlier tests listed below the forms.
const RECENT_MAX: usize = 20;

pub fn routes() -> Router<App> {
    Router::new().route("/connectivity", get(form).post(test)).route("/connectivity/{test}", get(result))
}

/// An earlier test in a list.
struct Recent {
    href: String,
    way: &'static str,
    target: String,
    at_ms: i64,
    tone: &'static str,
    result: &'static str,
}

#[derive(Template)]
#[template(path = "connectivity/templates/ask.html")]
struct AskPage<'a> {
    view: &'a View,
    form: &'a Shown,
    recent: Vec<Recent>,
}

/// `GET /connectivity`, filled from its query.
async fn form(State(app): State<App>, view: View, person: Person, Query(asked): Query<AskedTest>) -> Page {
    ask_page(&app, &view, &person, Shown::of(&asked)).await
}

async fn ask_page(app: &App, view: &View, person: &Person, mut form: Shown) -> Page {
    let tests = list(app, person).await?;
    if form.value("way").is_empty() {
        form.values.insert("way".into(), Way::Inbound.name().into());
    }
    let recent = |test: &Test| Recent {
        href: href(test),
        way: test.way.name(),
        target: test.target.clone(),
        at_ms: test.at_ms,
        tone: test.result().tone(),
        result: test.result().name(),
    };
    let status = form.status();
    show_with(status, &AskPage { view, form: &form, recent: tests.iter().take(RECENT_MAX).map(recent).collect() })
}

pub fn href(test: &Test) -> String {
    format!("/connectivity/{}", crate::policy::encoded(&test.name()))
}

/// `POST /connectivity`: tests, keeps the result and leads to it.
async fn test(State(app): State<App>, view: View, person: Person, Form(asked): Form<AskedTest>) -> Page {
    match run(&app, &person, &asked).await {
        Ok(test) => Ok(Redirect::to(&href(&test)).into_response()),
        Err(Fault::Invalid(wrong)) => ask_page(&app, &view, &person, Shown::of(&asked).with_wrong(wrong)).await,
        Err(fault) => Err(fault),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    format: String,
}

#[derive(Template)]
#[template(path = "connectivity/templates/result.html")]
struct ResultPage<'a> {
    view: &'a View,
    test: &'a Test,
    href: String,
    tone: &'static str,
    result: &'static str,
    title: String,
    text: String,
}

/// `GET /connectivity/{test}`; `format` is "text", "json" or "html" for a file.
async fn result(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Query(wanted): Query<Wanted>) -> Page {
    person.require(May::ReadSettings)?;
    let test = last(&app, &person, &name).await?;
    let (kind, octets, extension) = match wanted.format.as_str() {
        "text" => ("text/plain; charset=utf-8", written::text(&view, &test), "txt"),
        "json" => ("application/json", written::json(&view, &test), "json"),
        "html" => ("text/html; charset=utf-8", written::html(&view, &test)?, "html"),
        _ => {
            let page = ResultPage {
                view: &view,
                href: href(&test),
                tone: test.result().tone(),
                result: test.result().name(),
                title: written::title(&view, &test),
                text: written::text(&view, &test),
                test: &test,
            };
            return show_with(StatusCode::OK, &page);
        }
    };
    let name: String = test.name().chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let disposition = format!("attachment; filename=\"{name}.{extension}\"");
    Ok(([(header::CONTENT_TYPE, kind.to_string()), (header::CONTENT_DISPOSITION, disposition)], octets).into_response())
}
