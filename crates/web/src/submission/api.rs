//! `/api/v1/submissions`.

use super::MESSAGE_OCTETS_MAX;
use super::judge::{self, Told, Wish, word};
use crate::App;
use crate::api::problem::Problem;
use crate::page::Fault;
use crate::people::Person;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use gateway::feedback::Row;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Reports of one answer.
const ROWS: usize = 100;

pub fn routes() -> OpenApiRouter<App> {
    let sending = OpenApiRouter::new().routes(routes!(list, submit)).layer(DefaultBodyLimit::max(MESSAGE_OCTETS_MAX + 1));
    OpenApiRouter::new().merge(sending).routes(routes!(remove))
}

/// What somebody said of a mail, and what that changed.
#[derive(Debug, Serialize, ToSchema)]
struct SubmissionRow {
    id: String,
    at_ms: i64,
    /// Address of who said it.
    reporter: String,
    /// good, junk, phish or bulk.
    label: &'static str,
    subject: String,
    /// The mail in trace; null: it is not one of ours.
    mail: Option<String>,
    /// Probability of junk before and after learning.
    before: f32,
    after: f32,
}

impl SubmissionRow {
    fn of(row: Row) -> SubmissionRow {
        SubmissionRow {
            id: row.id.to_string(),
            at_ms: row.at_ms,
            reporter: row.reporter,
            label: word(row.label),
            subject: row.subject,
            mail: Some(row.mail).filter(|mail| mail.0 != 0).map(|mail| mail.to_string()),
            before: row.before_spam,
            after: row.after_spam,
        }
    }
}

/// Reports, and where to go on.
#[derive(Debug, Serialize, ToSchema)]
struct Submissions {
    rows: Vec<SubmissionRow>,
    /// Pass as `before` to go on; null: that was all.
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Before {
    /// Go on with reports before this one of an earlier answer.
    before: String,
}

/// What people reported, the latest first.
#[utoipa::path(get, path = "/submissions", tag = "submissions", operation_id = "list_submissions", params(Before),
    responses((status = 200, description = "Reports", body = Submissions)))]
async fn list(State(app): State<App>, person: Person, Query(asked): Query<Before>) -> Result<Json<Submissions>, Fault> {
    let (rows, next) = judge::list(&app, &person, &asked.before, ROWS).await?;
    Ok(Json(Submissions { rows: rows.into_iter().map(SubmissionRow::of).collect(), next: next.map(|id| id.to_string()) }))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Said {
    /// What it is: good, junk, phish or bulk; without it nothing is learned.
    label: String,
    /// Address that handed it over; without it, as the message's Received fields say.
    ip: String,
}

/// One finding of the filter.
#[derive(Debug, Serialize, ToSchema)]
struct SubmissionFinding {
    check: String,
    evidence: String,
    /// Natural log-odds; from 100 on it decides alone.
    weight: f32,
}

/// What the filter says of a message today.
#[derive(Debug, Serialize, ToSchema)]
struct SubmissionVerdict {
    subject: String,
    from: String,
    /// The address that was taken for the one it came from; null: not known, and nothing is said that would need it.
    ip: Option<String>,
    /// As in receipts, such as `clean`, `spam` or `high_phish`.
    verdict: &'static str,
    scl: i8,
    bcl: u8,
    spam_probability: f32,
    phish_probability: f32,
    findings: Vec<SubmissionFinding>,
    /// The report; null without `label`, and when the same person said the same before.
    report: Option<String>,
}

impl SubmissionVerdict {
    fn of(told: Told) -> SubmissionVerdict {
        let verdict = told.second.verdict;
        let finding = |one: detect::Finding| SubmissionFinding { check: one.check.into(), evidence: one.evidence, weight: one.weight };
        SubmissionVerdict {
            subject: told.subject,
            from: told.from,
            ip: told.ip.map(|ip| ip.to_string()),
            verdict: verdict.class.name(),
            scl: verdict.scl,
            bcl: verdict.bcl,
            spam_probability: verdict.spam_probability,
            phish_probability: verdict.phish_probability,
            findings: told.second.findings.into_iter().map(finding).collect(),
            report: told.taken.and_then(|taken| taken.id).map(|id| id.to_string()),
        }
    }
}

/// Judges a saved message as it would be judged today; with a label, the filter learns it for the organisation.
#[utoipa::path(post, path = "/submissions", tag = "submissions", params(Said),
    request_body(content = Vec<u8>, description = "The message (RFC 5322) under any type, such as message/rfc822", content_type = "application/octet-stream"),
    responses((status = 200, description = "What the filter says", body = SubmissionVerdict),
        (status = 409, description = "It took too long", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The message is larger than 25 MiB", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is no message, or a parameter is wrong", body = Problem, content_type = "application/problem+json")))]
async fn submit(State(app): State<App>, person: Person, Query(said): Query<Said>, octets: Bytes) -> Result<Json<SubmissionVerdict>, Fault> {
    let told = judge::submit(&app, &person, Wish { octets, label: said.label, ip: said.ip }).await?;
    Ok(Json(SubmissionVerdict::of(told)))
}

/// Takes a report back, and all that was learned from it.
#[utoipa::path(delete, path = "/submissions/{report}", tag = "submissions", params(("report" = String, Path, description = "Identifier")),
    responses((status = 204, description = "Taken back")))]
async fn remove(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    judge::remove(&app, &person, id.parse().map_err(|_| Fault::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
