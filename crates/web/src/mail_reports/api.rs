//! `/api/v1/reports`.

use super::Days;
use super::complaints::{self, ComplaintReport};
use super::dmarc::{self, DmarcDomain, DmarcReport, DmarcSourceReport};
use super::flow::{self, FlowReport};
use super::flow_page;
use super::received::{self, Asked as AskedReports, ROWS};
use super::sql;
use super::tls::{self, TlsDomain, TlsDomainReport};
use crate::App;
use crate::api::problem::Problem;
use crate::page::Fault;
use crate::page::fault::Wrong;
use crate::people::Person;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use gateway::mail_reports::{Kept, Row};
use mail::report::received::FILE_OCTETS_MAX;
use serde::{Deserialize, Serialize};
use store::Error;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    let adding = OpenApiRouter::new().routes(routes!(list, upload)).layer(DefaultBodyLimit::max(FILE_OCTETS_MAX + 1));
    let dmarc = OpenApiRouter::new().routes(routes!(dmarc_domains)).routes(routes!(dmarc_domain)).routes(routes!(dmarc_source));
    dmarc
        .routes(routes!(tls_domains))
        .routes(routes!(tls_domain))
        .merge(adding)
        .routes(routes!(one, delete))
        .routes(routes!(flow))
        .routes(routes!(complaints))
        .routes(routes!(letter, choose_letter))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// How many days back: 7, 30, 90 or 365; 30 when nothing is said.
    #[param(example = "30", value_type = Option<String>)]
    days: String,
}

impl Asked {
    fn days(&self) -> Result<Days, Fault> {
        match self.days.as_str() {
            "" => Ok(Days::default()),
            text => Days::parse(text).ok_or_else(|| Fault::Invalid(vec![Wrong::new("days", "reports-wrong-days")])),
        }
    }
}

/// Domains that DMARC reports came for.
#[utoipa::path(get, path = "/reports/dmarc", tag = "reports", params(Asked),
    responses((status = 200, description = "Those with most mails first", body = Vec<DmarcDomain>)))]
async fn dmarc_domains(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Result<Json<Vec<DmarcDomain>>, Fault> {
    dmarc::domains(&app, &person, asked.days()?).await.map(|(domains, _)| Json(domains))
}

/// What DMARC reports say of a domain: days, sources, what to do.
#[utoipa::path(get, path = "/reports/dmarc/{domain}", tag = "reports", params(("domain" = String, Path), Asked),
    responses((status = 200, description = "Everything about it", body = DmarcReport)))]
async fn dmarc_domain(
    State(app): State<App>,
    person: Person,
    Path(domain): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<DmarcReport>, Fault> {
    dmarc::domain(&app, &person, &domain, asked.days()?).await.map(Json)
}

/// Mail of one address in a domain's name, day by day.
#[utoipa::path(get, path = "/reports/dmarc/{domain}/sources/{source}", tag = "reports",
    params(("domain" = String, Path), ("source" = String, Path, description = "IP address"), Asked),
    responses((status = 200, description = "The source", body = DmarcSourceReport)))]
async fn dmarc_source(
    State(app): State<App>,
    person: Person,
    Path((domain, source)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Json<DmarcSourceReport>, Fault> {
    dmarc::source(&app, &person, (&domain, &source), asked.days()?).await.map(Json)
}

/// Domains that TLS reports came for.
#[utoipa::path(get, path = "/reports/tls", tag = "reports", params(Asked),
    responses((status = 200, description = "Those with most failures first", body = Vec<TlsDomain>)))]
async fn tls_domains(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Result<Json<Vec<TlsDomain>>, Fault> {
    tls::domains(&app, &person, asked.days()?).await.map(|(domains, _)| Json(domains))
}

/// What TLS reports say of a domain: days, policies, failures.
#[utoipa::path(get, path = "/reports/tls/{domain}", tag = "reports", params(("domain" = String, Path), Asked),
    responses((status = 200, description = "Everything about it", body = TlsDomainReport)))]
async fn tls_domain(
    State(app): State<App>,
    person: Person,
    Path(domain): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<TlsDomainReport>, Fault> {
    tls::domain(&app, &person, &domain, asked.days()?).await.map(Json)
}

/// A report of another server, or what was none.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailReportBody {
    report: String,
    /// dmarc, tls, failure, complaint; "" could not be read.
    kind: String,
    /// When it came, Unix milliseconds.
    at_ms: i64,
    /// The mail it came with; null: it was uploaded.
    mail: Option<String>,
    /// From of the mail, or who uploaded it.
    sender: String,
    /// Whether the sender was authenticated.
    is_proven: bool,
    domain: String,
    reporter: String,
    report_id: String,
    begin_ms: i64,
    end_ms: i64,
    /// Mails, or TLS sessions.
    messages: i64,
    failed: i64,
    /// Why it could not be used; "" when it could.
    problem: String,
    about: String,
}

impl MailReportBody {
    pub fn of(row: &Row) -> MailReportBody {
        MailReportBody {
            report: row.id.to_string(),
            kind: row.kind.clone(),
            at_ms: row.at_ms(),
            mail: (row.mail.0 != 0).then(|| row.mail.to_string()),
            sender: row.sender.clone(),
            is_proven: row.is_proven,
            domain: row.domain.clone(),
            reporter: row.reporter.clone(),
            report_id: row.report_id.clone(),
            begin_ms: row.begin_ms,
            end_ms: row.end_ms,
            messages: row.messages,
            failed: row.failed,
            problem: row.problem.clone(),
            about: row.about.clone(),
        }
    }
}

/// A page of reports.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportList {
    rows: Vec<MailReportBody>,
    /// Cursor to go on with, as `before`; null: that was all.
    next: Option<String>,
}

/// Reports that came, the latest first, also those that could not be used.
#[utoipa::path(get, path = "/reports/received", tag = "reports", params(AskedReports),
    responses((status = 200, description = "Reports", body = ReportList)))]
async fn list(State(app): State<App>, person: Person, Query(asked): Query<AskedReports>) -> Result<Json<ReportList>, Fault> {
    let (rows, next) = received::list(&app, &person, &asked, ROWS).await?;
    Ok(Json(ReportList { rows: rows.iter().map(MailReportBody::of).collect(), next: next.map(|next| next.to_string()) }))
}

/// A report with what is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeReport {
    #[serde(flatten)]
    report: MailReportBody,
    /// By kind: policy and records; policies and failures; or what is said about one mail.
    detail: serde_json::Value,
}

/// One report.
#[utoipa::path(get, path = "/reports/received/{report}", tag = "reports", params(("report" = String, Path)),
    responses((status = 200, description = "The report", body = WholeReport)))]
async fn one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<WholeReport>, Fault> {
    let row = received::one(&app, &person, &id).await?;
    Ok(Json(WholeReport { report: MailReportBody::of(&row), detail: serde_json::from_str(&row.detail).unwrap_or_default() }))
}

/// Takes a report away, with what it added to the figures. It cannot be undone, but the report may come again.
#[utoipa::path(delete, path = "/reports/received/{report}", tag = "reports", params(("report" = String, Path)),
    responses((status = 204, description = "Gone")))]
async fn delete(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    received::delete(&app, &person, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a file is called.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct FileName {
    /// Such as google.com!acme.example!1700000000!1700086399.zip; shown where it is no report.
    name: String,
}

/// What became of one report of a file.
#[derive(Debug, Serialize, ToSchema)]
struct ReportLetterBody {
    /// The report; the one that was there when it is known.
    report: String,
    /// dmarc, tls, failure, complaint; "" could not be read.
    kind: String,
    /// It was there already and does not count again.
    is_known: bool,
    /// Why it could not be used; "" when it could.
    problem: String,
}

impl ReportLetterBody {
    fn of(kept: &Kept) -> ReportLetterBody {
        ReportLetterBody { report: kept.id.to_string(), kind: kept.kind.into(), is_known: kept.is_known, problem: kept.problem.into() }
    }
}

/// Takes a file with reports: XML, JSON, gzip, zip, or a saved mail; at most 16 MiB. What cannot be used is listed with the reason.
#[utoipa::path(post, path = "/reports/received", tag = "reports", params(FileName),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 201, description = "What became of each report in it", body = Vec<ReportLetterBody>),
    (status = 413, body = Problem, content_type = "application/problem+json", description = "The file is too large"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "The file is empty"),
))]
async fn upload(
    State(app): State<App>,
    person: Person,
    Query(asked): Query<FileName>,
    octets: Bytes,
) -> Result<(StatusCode, Json<Vec<ReportLetterBody>>), Fault> {
    let kept = received::upload(&app, &person, (&asked.name, octets)).await?;
    Ok((StatusCode::CREATED, Json(kept.iter().map(ReportLetterBody::of).collect())))
}

/// What mail went through.
#[utoipa::path(get, path = "/reports/flow", tag = "reports", params(Asked),
    responses((status = 200, description = "By day, verdict, policy, rule, sender and target", body = FlowReport)))]
async fn flow(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Result<Json<FlowReport>, Fault> {
    flow::read(&app, &person, asked.days()?).await.map(Json)
}

/// Complaints of recipients elsewhere about mail from here, and those of people here that other operators were told.
#[utoipa::path(get, path = "/reports/complaints", tag = "reports", params(Asked),
    responses((status = 200, description = "By day, sender, campaign and reporter", body = ComplaintReport)))]
async fn complaints(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Result<Json<ComplaintReport>, Fault> {
    complaints::read(&app, &person, asked.days()?).await.map(Json)
}

/// How often the report comes by mail.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterChoice {
    /// week, month, or "" for never.
    every: String,
}

/// How often the signed-in person gets the report by mail.
#[utoipa::path(get, path = "/reports/letter", tag = "reports", responses((status = 200, description = "The choice", body = LetterChoice)))]
async fn letter(State(app): State<App>, person: Person) -> Result<Json<LetterChoice>, Fault> {
    let id = person.id;
    let every =
        app.db.read(move |tx| Box::pin(async move { sql::letter_of(tx, id).await })).await.map_err(|why: Error| Fault::from(why))?;
    Ok(Json(LetterChoice { every }))
}

/// Chooses how often the signed-in person gets the report by mail. The first comes when the next week or month begins.
#[utoipa::path(put, path = "/reports/letter", tag = "reports", request_body = LetterChoice,
    responses((status = 200, description = "The choice", body = LetterChoice)))]
async fn choose_letter(State(app): State<App>, person: Person, Json(body): Json<LetterChoice>) -> Result<Json<LetterChoice>, Fault> {
    flow_page::save(&app, &person, &body.every).await?;
    Ok(Json(body))
}
