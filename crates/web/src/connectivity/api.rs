//! `/api/v1/connectivity`.

use super::{AskedTest, Branch, Step, Test, last, list, run, written};
use crate::App;
use crate::api::problem::Problem;
use crate::page::{Fault, View};
use crate::people::Person;
use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(all, test)).routes(routes!(one))
}

/// A test of the connectivity analyzer, in the reader's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConnectivityTest {
    /// Names it in addresses: the way and the target.
    pub name: String,
    /// "inbound" or "outbound".
    pub way: String,
    pub target: String,
    /// Unix milliseconds.
    pub at_ms: i64,
    pub ms: u32,
    /// "ok", "advice", "cannot-tell" or "problem".
    pub result: String,
    pub branches: Vec<ConnectivityBranch>,
}

/// Steps that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConnectivityBranch {
    /// "names", "host" or "sender".
    pub kind: String,
    pub title: String,
    /// Address and port; may be empty.
    pub address: String,
    pub ms: u32,
    pub result: String,
    pub steps: Vec<ConnectivityStep>,
    pub dialogue: Vec<DialogueLine>,
    /// Protocol version and cipher; empty without TLS.
    pub tls: String,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConnectivityStep {
    /// Stable: "mx", "address", "connect", "greeting", "hello", "tls", "certificate", "sender", "recipient", "ptr", "helo", "spf",
    /// "dkim", "dmarc" or "list".
    pub id: String,
    pub title: String,
    pub result: String,
    pub text: String,
    /// As it was seen: a record, a reply.
    pub detail: String,
    pub ms: u32,
    /// What to do about it; may be empty.
    pub fix: String,
}

/// One line of the dialogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DialogueLine {
    /// Since the connection was begun.
    pub ms: u32,
    /// "we", "they" or "note".
    pub who: String,
    pub text: String,
}

impl ConnectivityTest {
    pub fn of(view: &View, test: &Test) -> ConnectivityTest {
        ConnectivityTest {
            name: test.name(),
            way: test.way.name().into(),
            target: test.target.clone(),
            at_ms: test.at_ms,
            ms: test.ms,
            result: test.result().name().into(),
            branches: test.branches.iter().map(|branch| ConnectivityBranch::of(view, branch)).collect(),
        }
    }
}

impl ConnectivityBranch {
    fn of(view: &View, branch: &Branch) -> ConnectivityBranch {
        let line =
            |line: &gateway::delivery::validate::Line| DialogueLine { ms: line.ms, who: line.who.name().into(), text: line.text.clone() };
        ConnectivityBranch {
            kind: branch.kind.clone(),
            title: written::branch_title(view, branch),
            address: branch.address.clone(),
            ms: branch.ms,
            result: branch.result().name().into(),
            steps: branch.steps.iter().map(|step| ConnectivityStep::of(view, step)).collect(),
            dialogue: branch.lines.iter().map(line).collect(),
            tls: branch.tls.as_ref().map(|tls| format!("{} {}", tls.version, tls.cipher)).unwrap_or_default(),
        }
    }
}

impl ConnectivityStep {
    pub fn of(view: &View, step: &Step) -> ConnectivityStep {
        ConnectivityStep {
            id: step.id.clone(),
            title: written::step_title(view, step),
            result: step.result.name().into(),
            text: view.say(&step.say),
            detail: step.detail.clone(),
            ms: step.ms,
            fix: step.fix.as_ref().map(|fix| view.say(fix)).unwrap_or_default(),
        }
    }

    /// Colour and shape of its result.
    pub fn tone(&self) -> &'static str {
        use crate::diagnostics::check::CheckResult;
        let all = [CheckResult::Ok, CheckResult::Advice, CheckResult::CannotTell, CheckResult::Problem];
        all.into_iter().find(|result| result.name() == self.result).map_or("plain", CheckResult::tone)
    }
}

/// Tests of the organisation, the latest of each target.
#[utoipa::path(get, path = "/connectivity", tag = "connectivity",
    responses((status = 200, description = "Tests, the latest first", body = Vec<ConnectivityTest>)))]
async fn all(State(app): State<App>, view: View, person: Person) -> Result<Json<Vec<ConnectivityTest>>, Fault> {
    let tests = list(&app, &person).await?;
    Ok(Json(tests.iter().map(|test| ConnectivityTest::of(&view, test)).collect()))
}

/// Tests now; takes up to half a minute. Nothing is sent beyond RCPT.
#[utoipa::path(post, path = "/connectivity", tag = "connectivity", request_body = AskedTest, responses(
    (status = 200, description = "What came of it", body = ConnectivityTest),
    (status = 429, description = "Too many tests", body = Problem, content_type = "application/problem+json")))]
async fn test(State(app): State<App>, view: View, person: Person, Json(asked): Json<AskedTest>) -> Result<Json<ConnectivityTest>, Fault> {
    let test = run(&app, &person, &asked).await?;
    Ok(Json(ConnectivityTest::of(&view, &test)))
}

/// The last test of one target.
#[utoipa::path(get, path = "/connectivity/{test}", tag = "connectivity",
    params(("test" = String, Path, description = "Way and target, such as `inbound.example.com`")),
    responses((status = 200, description = "The test", body = ConnectivityTest)))]
async fn one(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Result<Json<ConnectivityTest>, Fault> {
    Ok(Json(ConnectivityTest::of(&view, &last(&app, &person, &name).await?)))
}
