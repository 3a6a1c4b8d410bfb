//! The troubleshooter's pages: ask, follow, read the answer, apply what mends it. All of them work without scripts.

use super::apply;
use super::question::Asked;
use super::run::{self, PATIENCE, State as RunState};
use super::shown::{DiagnosisBody, Reader, fix_place};
use super::symptom::Symptom;
use crate::App;
use crate::page::{Fault, Page, Say, View, confirm, done, form::Form as Shown, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;

/// A form with what can be pasted, encoded.
const FORM_OCTETS_MAX: usize = 2 << 20;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/troubleshoot", get(form).post(ask))
        .route("/troubleshoot/{diagnosis}", get(answer))
        .route("/troubleshoot/{diagnosis}/fixes/{fix}", post(fix))
        .route("/help/bounce", get(super::explain::form).post(super::explain::explain))
        .route("/help/bounce/file", post(super::explain::explain_file))
        .layer(DefaultBodyLimit::max(FORM_OCTETS_MAX))
}

#[derive(Template)]
#[template(path = "troubleshoot/templates/ask.html")]
struct AskPage<'a> {
    view: &'a View,
    form: &'a Shown,
    symptoms: Vec<Symptom>,
    recent: Vec<DiagnosisBody>,
    /// Only about their own mail.
    is_confined: bool,
    /// Names of connectors, for those who may see them.
    connectors: Vec<String>,
}

/// `GET /troubleshoot`, filled from its query.
async fn form(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    ask_page(&app, &view, &person, &Shown::of(&asked)).await
}

async fn ask_page(app: &App, view: &View, person: &Person, form: &Shown) -> Page {
    let recent = run::list(app, person).await?;
    let reader = Reader { lang: view.lang, person };
    let is_confined = !person.may(May::Trace);
    let of_service = |symptom: &Symptom| matches!(symptom, Symptom::Connector | Symptom::Forged);
    let connectors = match (person.may(May::ReadSettings), person.org) {
        (true, Some(org)) => crate::connector::names_of(app, org).await?,
        _ => Vec::new(),
    };
    let page = AskPage {
        view,
        form,
        symptoms: Symptom::ALL.into_iter().filter(|symptom| !is_confined || !of_service(symptom)).collect(),
        recent: recent.iter().take(RECENT_MAX).map(|one| DiagnosisBody::of(reader, one)).collect(),
        is_confined,
        connectors,
    };
    let status = form.status();
    show_with(status, &page)
}

/// Diagnoses listed below the form.
const RECENT_MAX: usize = 10;

/// `POST /troubleshoot`: begins, waits a little, and leads to the answer.
async fn ask(State(app): State<App>, view: View, person: Person, Form(asked): Form<Asked>) -> Page {
    match run::begin(&app, &view, &person, &asked).await {
        Ok((id, mut ended)) => {
            let _ = tokio::time::timeout(PATIENCE, ended.wait_for(|ended| *ended)).await; // then the page shows how far it is
            Ok(Redirect::to(&format!("/troubleshoot/{}", run::name_of(id))).into_response())
        }
        Err(Fault::Invalid(wrong)) => ask_page(&app, &view, &person, &Shown::of(&asked).with_wrong(wrong)).await,
        Err(fault) => Err(fault),
    }
}

#[derive(Template)]
#[template(path = "troubleshoot/templates/answer.html")]
struct AnswerPage<'a> {
    view: &'a View,
    body: &'a DiagnosisBody,
    is_running: bool,
    is_failed: bool,
    tone: &'static str,
    text: String,
}

/// `GET /troubleshoot/{diagnosis}`: the answer, or how far it is; the page comes again by itself while it runs.
async fn answer(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Page {
    let found = run::find(&app, &person, &name).await?;
    let mut body = DiagnosisBody::of(Reader { lang: view.lang, person: &person }, &found);
    for applied in found.applied.iter().filter(|one| !one.is_undone) {
        if let Ok(verified) = apply::verify(&app, &person, &found, (applied.cause, applied.fix)).await {
            body.verify(&super::shown::fix_id(applied.cause, applied.fix), verified);
        }
    }
    let page = AnswerPage {
        view: &view,
        is_running: found.state == RunState::Running,
        is_failed: found.state == RunState::Failed,
        tone: tone(&body.outcome),
        text: body.as_text(),
        body: &body,
    };
    let mut answer = show(&page)?;
    if page.is_running {
        answer.headers_mut().insert(header::REFRESH, HeaderValue::from_static("1"));
    }
    Ok(answer)
}

fn tone(outcome: &str) -> &'static str {
    match outcome {
        "found" => "bad",
        "not-us" => "good",
        "unsure" => "warn",
        _ => "info",
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    /// "apply" or "undo".
    verb: String,
    sure: String,
}

/// `POST /troubleshoot/{diagnosis}/fixes/{fix}`: applies it, or takes it back. What cannot be taken back asks first.
async fn fix(State(app): State<App>, view: View, person: Person, Path((name, id)): Path<(String, String)>, Form(wish): Form<Wish>) -> Page {
    let found = run::find(&app, &person, &name).await?;
    let place = fix_place(&id).ok_or(Fault::NotFound)?;
    let wanted = apply::fix_at(&found, place)?;
    let back = format!("/troubleshoot/{name}");
    if wish.verb == "undo" {
        apply::undo(&app, &person, &found, place).await?;
        return done(&back, Say::new("diagnosis-said-undone"));
    }
    if wish.sure.is_empty() {
        person.require(apply::needs(wanted))?;
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: wanted.say(),
                text: Say::new("diagnosis-apply-sure"),
                button: "diagnosis-apply",
                action: format!("/troubleshoot/{name}/fixes/{id}"),
                fields: vec![("verb".into(), "apply".into())],
                back,
            },
        );
    }
    apply::apply(&app, &person, &found, place).await?;
    done(&back, Say::new("diagnosis-said-applied"))
}
