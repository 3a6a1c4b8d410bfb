//! Published solutions: what solved a request, written for everybody, without whom it was about.
//!
//! In: words of somebody of support, from a solved request. Out: a page for whoever is signed in, and a suggestion for the next who asks the same.
//! Invariant: nothing of the request is published but what was written for it.

use super::change::{self, At, Told, event};
use super::model::{By, Side, Via, What};
use super::sql_search::{self as sql, Solution};
use super::{Reader, form, search};
use crate::App;
use crate::audit::Entry;
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use mail::id::{RequestId, SolutionId};
use serde::{Deserialize, Serialize};
use store::Error;

const TEXT_CHARS_MAX: usize = 20_000;

/// What is published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewSolution {
    pub title: String,
    /// What it looks like, in the words of those who have it.
    pub problem: String,
    /// What to do.
    pub text: String,
    /// BCP 47; else that of the request.
    pub lang: String,
}

/// Publishes what solved a request, in place of what was published from it before.
/// # Errors
/// [`Fault::Invalid`] names missing words.
pub async fn put(app: &App, person: &Person, id: RequestId, typed: &NewSolution) -> Result<SolutionId, Fault> {
    let reader = Reader::of(person)?;
    let request = app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, id).await })).await?;
    person.require(May::Support)?;
    let mut wrong: Vec<Wrong> = Vec::new();
    let title = form::text(&mut wrong, ("title", "request-wrong-title"), &typed.title, form::TITLE_CHARS_MAX);
    let problem = form::text(&mut wrong, ("problem", "request-wrong-description"), &typed.problem, TEXT_CHARS_MAX);
    let text = form::text(&mut wrong, ("text", "request-wrong-body"), &typed.text, TEXT_CHARS_MAX);
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    let at = At::new(app, By::of(person, Side::Support, Via::Web));
    let solution = Solution {
        id: SolutionId(at.ids().next(at.now_ms)),
        request: Some(request.id),
        lang: if typed.lang.is_empty() { request.lang.clone() } else { typed.lang.chars().take(35).collect() },
        title,
        problem,
        text,
        area: request.area.name().into(),
        // Only what concerns everybody can be looked at by others; mails and connectors are the organisation's.
        probe: if request.probe.contains("\"issue\"") { request.probe.clone() } else { String::new() },
        by: person.id,
        published_ms: at.now_ms,
        withdrawn_ms: None,
        helped: 0,
        helped_not: 0,
    };
    let made = solution.id;
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if let Some(before) = sql::solution_of(tx, request.id).await? {
                    sql::withdraw(tx, before.id, at.now_ms).await?;
                }
                sql::publish(tx, &solution, &search::weights(&solution.title, &[&solution.problem, &solution.text])).await?;
                let detail = serde_json::json!({ "solution": solution.id.to_string() });
                event(tx, &at, &request, What::Solution, Told { detail: detail.clone(), is_internal: true, ..Told::default() }).await?;
                change::note(tx, &at, Entry::new(None, "request.publish", request.id).with(detail)).await
            })
        })
        .await?;
    Ok(made)
}

/// `POST /requests/{request}/solution`.
pub async fn publish(State(app): State<App>, person: Person, Path(id): Path<String>, Form(typed): Form<NewSolution>) -> Page {
    let made = put(&app, &person, id.parse().map_err(|_| Fault::NotFound)?, &typed).await?;
    done(&format!("/requests/solutions/{made}"), Say::new("request-published"))
}

/// One that stands.
pub async fn found(app: &App, id: &str) -> Result<Solution, Fault> {
    let id: SolutionId = id.parse().map_err(|_| Fault::NotFound)?;
    let found = app.db.read(move |tx| Box::pin(async move { sql::solution(tx, id).await })).await;
    found.map_err(|why: Error| Fault::from(why))?.ok_or(Fault::NotFound)
}

#[derive(Template)]
#[template(path = "service_request/templates/solution.html")]
struct SolutionPage<'a> {
    view: &'a View,
    solution: &'a Solution,
    /// Address and title of the question of the community that it came from.
    origin: Option<(String, String)>,
}

/// `GET /requests/solutions/{solution}`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let solution = found(&app, &id).await?;
    let of = solution.id;
    let origin = app.db.read(move |tx| Box::pin(async move { crate::community::moderate::origin(tx, &person, of).await })).await;
    show(&SolutionPage { view: &view, solution: &solution, origin: origin.map_err(|why: Error| Fault::from(why))? })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rated {
    helped: String,
}

/// `POST /requests/solutions/{solution}`: `helped` "yes" or "no".
pub async fn rate(State(app): State<App>, _: Person, Path(id): Path<String>, Form(rated): Form<Rated>) -> Page {
    let solution = found(&app, &id).await?;
    let has_helped = match rated.helped.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(Fault::Invalid(vec![Wrong::new("helped", "request-wrong-choice")])),
    };
    let done_: Result<bool, Error> = app.db.tx(move |tx| Box::pin(async move { sql::rate(tx, solution.id, has_helped).await })).await;
    done_?;
    done(&format!("/requests/solutions/{id}"), Say::new("request-rated"))
}
