//! Diagnosing for a request, as pages: the question filled in, the result, and putting it into the conversation. All of it without scripts.

use super::desk;
use super::diagnose::{self, DiagnosisWord, Found};
use crate::App;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show_with};
use crate::people::Person;
use crate::service_request::{Request, Via};
use crate::troubleshoot::question::Asked;
use crate::troubleshoot::run::{PATIENCE, State};
use crate::troubleshoot::shown::DiagnosisBody;
use crate::troubleshoot::symptom::Symptom;
use askama::Template;
use axum::Form;
use axum::extract::{Path, State as Given};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect};
use mail::id::RequestId;

#[derive(Template)]
#[template(path = "support_desk/templates/diagnose.html")]
struct AskPage<'a> {
    view: &'a View,
    form: &'a Shown,
    request: &'a Request,
    symptoms: [Symptom; 13],
}

fn known(id: &str) -> Result<RequestId, Fault> {
    id.parse().map_err(|_| Fault::NotFound)
}

/// Where the diagnoses of a request are.
fn place(id: RequestId) -> String {
    format!("/support/{id}/diagnosis")
}

/// `GET /support/{request}/diagnosis`: the question with what the request says.
pub async fn form(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    desk(&person)?;
    let (request, asked) = diagnose::asked_of(&app, &view, &person, known(&id)?).await?;
    asking(&view, &request, &Shown::of(&asked))
}

fn asking(view: &View, request: &Request, form: &Shown) -> Page {
    let status = form.status();
    show_with(status, &AskPage { view, form, request, symptoms: Symptom::ALL })
}

/// `POST /support/{request}/diagnosis`: begins, waits a little, and leads to the result.
pub async fn ask(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>, Form(asked): Form<Asked>) -> Page {
    desk(&person)?;
    let id = known(&id)?;
    match diagnose::begin(&app, &view, &person, (id, Via::Web, &place(id)), &asked).await {
        Ok((name, mut ended)) => {
            let _ = tokio::time::timeout(PATIENCE, ended.wait_for(|ended| *ended)).await; // then the page shows how far it is
            Ok(Redirect::to(&format!("/support/{id}/diagnoses/{name}")).into_response())
        }
        Err(Fault::Invalid(wrong)) => {
            let (request, _) = diagnose::asked_of(&app, &view, &person, id).await?;
            asking(&view, &request, &Shown::of(&asked).with_wrong(wrong))
        }
        Err(fault) => Err(fault),
    }
}

#[derive(Template)]
#[template(path = "support_desk/templates/diagnosed.html")]
struct ResultPage<'a> {
    view: &'a View,
    form: &'a Shown,
    request: &'a Request,
    body: &'a DiagnosisBody,
    is_running: bool,
    is_failed: bool,
}

/// `GET /support/{request}/diagnoses/{diagnosis}`: the result, or how far it is; the page comes again by itself while it runs.
pub async fn result(Given(app): Given<App>, view: View, person: Person, Path((id, name)): Path<(String, String)>) -> Page {
    desk(&person)?;
    let id = known(&id)?;
    let found = diagnose::find(&app, &person, (id, &name, &place(id))).await?;
    let form = Shown::of(&DiagnosisWord { verb: String::new(), body: found.text(&app) });
    shown(&view, &found, &form)
}

fn shown(view: &View, found: &Found, form: &Shown) -> Page {
    let state = found.diagnosis.state;
    let page = ResultPage {
        view,
        form,
        request: &found.request,
        body: &found.body(view.lang),
        is_running: state == State::Running,
        is_failed: state == State::Failed,
    };
    let status = form.status();
    let mut answer = show_with(status, &page)?;
    if page.is_running {
        answer.headers_mut().insert(header::REFRESH, HeaderValue::from_static("1"));
    }
    Ok(answer)
}

/// `POST /support/{request}/diagnoses/{diagnosis}`: `verb` "reply" or "note" with `body`.
pub async fn attach(
    Given(app): Given<App>,
    view: View,
    person: Person,
    Path((id, name)): Path<(String, String)>,
    Form(word): Form<DiagnosisWord>,
) -> Page {
    desk(&person)?;
    let id = known(&id)?;
    let found = diagnose::find(&app, &person, (id, &name, &place(id))).await?;
    match diagnose::attach(&app, &person, Via::Web, (&found, word.clone())).await {
        Ok(()) => done(&format!("/support/{id}"), Say::new("support-diagnosis-attached")),
        Err(Fault::Invalid(wrong)) => shown(&view, &found, &Shown::of(&word).with_wrong(wrong)),
        Err(fault) => Err(fault),
    }
}
