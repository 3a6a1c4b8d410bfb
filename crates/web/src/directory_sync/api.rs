//! Directories for programs.

use super::run::Tried;
use super::settings::{Draft, Dynamic};
use super::source_page::{approve, change, make, opened, read_now, refuse, take_away, try_now};
use super::{Counts, Run, Source, SyncError, find, find_to_change, sql};
use crate::App;
use crate::connector::may_name_private;
use crate::page::words::Lang;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::Error;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace, remove))
        .routes(routes!(try_saved))
        .routes(routes!(sync))
        .routes(routes!(waiting, decide))
        .routes(routes!(runs))
        .routes(routes!(allow_removals))
        .merge(super::group::api::routes())
}

/// A directory that is read by LDAP.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DirectorySourceBody {
    /// Ignored when written.
    pub id: String,
    pub name: String,
    pub enabled: bool,
    /// `ldaps://host[:port]`, or `ldap://host[:port]` with STARTTLS.
    pub url: String,
    /// Authorities in PEM; empty: those that browsers trust.
    pub ca: String,
    pub bind_dn: String,
    /// Only written, never told.
    #[serde(skip_serializing)]
    #[schema(write_only)]
    pub password: String,
    pub base: String,
    pub people_filter: String,
    pub groups_filter: String,
    pub mail_attributes: Vec<String>,
    pub name_attribute: String,
    pub member_attributes: Vec<String>,
    /// Groups of whoever a filter finds.
    pub dynamic: Vec<Dynamic>,
    /// Seconds between looks; 0 is the usual number, here and below.
    pub every_s: u32,
    pub entries_max: u32,
    pub within_s: u32,
    /// When more than this share would go, a person is asked.
    pub stop_percent: u32,
    pub allow_private: bool,
    /// new, well, failing, waiting, approved or refused. Ignored when written.
    pub state: String,
    /// Last time it was read without an error; 0 is never. Ignored when written.
    pub seen_ms: i64,
}

impl DirectorySourceBody {
    pub fn of(source: &Source) -> DirectorySourceBody {
        let settings = source.settings.clone();
        DirectorySourceBody {
            id: source.id.to_string(),
            name: source.name.clone(),
            enabled: settings.is_on,
            url: settings.url,
            ca: settings.ca,
            bind_dn: settings.bind_dn,
            password: String::new(),
            base: settings.base,
            people_filter: settings.people_filter,
            groups_filter: settings.groups_filter,
            mail_attributes: settings.mail_attributes,
            name_attribute: settings.name_attribute,
            member_attributes: settings.member_attributes,
            dynamic: settings.dynamic,
            every_s: settings.every_s,
            entries_max: settings.entries_max,
            within_s: settings.within_s,
            stop_percent: u32::from(settings.stop_percent),
            allow_private: settings.allow_private,
            state: source.state.name().into(),
            seen_ms: source.seen_ms,
        }
    }

    fn draft(self) -> Draft {
        let number = |number: u32| if number == 0 { String::new() } else { number.to_string() };
        let dynamic: Vec<String> =
            self.dynamic.iter().map(|one| format!("{} = {}", one.name.replace(['\n', '='], " "), one.filter)).collect();
        Draft {
            name: self.name,
            is_on: self.enabled.to_string(),
            url: self.url,
            ca: self.ca,
            bind_dn: self.bind_dn,
            password: self.password,
            base: self.base,
            people_filter: self.people_filter,
            groups_filter: self.groups_filter,
            mail_attributes: self.mail_attributes.join("\n"),
            name_attribute: self.name_attribute,
            member_attributes: self.member_attributes.join("\n"),
            dynamic: dynamic.join("\n"),
            every_s: number(self.every_s),
            entries_max: number(self.entries_max),
            within_s: number(self.within_s),
            stop_percent: number(self.stop_percent),
            allow_private: self.allow_private.to_string(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SourceList {
    pub sources: Vec<DirectorySourceBody>,
}

/// One run.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunBody {
    pub made_ms: i64,
    pub took_ms: i64,
    /// applied, same, stopped or failed.
    pub outcome: String,
    pub counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// Why a directory could not be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Stable name.
    pub error: String,
    /// In words.
    pub detail: String,
    /// Whose turn it is: settings, network, directory or operator.
    pub turn: String,
}

impl ErrorBody {
    pub fn of(why: &SyncError) -> ErrorBody {
        ErrorBody { error: why.name(), detail: why.say().in_lang(Lang::English), turn: why.turn().name().into() }
    }
}

impl RunBody {
    pub fn of(run: &Run) -> RunBody {
        RunBody {
            made_ms: run.made_ms,
            took_ms: run.took_ms,
            outcome: run.outcome.name().into(),
            counts: run.counts.clone(),
            error: run.error.as_ref().map(ErrorBody::of),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RunList {
    pub runs: Vec<RunBody>,
}

/// Lists directories.
#[utoipa::path(get, path = "/directory-sources", tag = "directory", responses((status = 200, description = "Directories", body = SourceList)))]
async fn list(State(app): State<App>, person: Person) -> Result<Json<SourceList>, Fault> {
    person.require(May::ReadSettings)?;
    let scope = person.scope();
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope).await })).await;
    Ok(Json(SourceList { sources: found?.iter().map(DirectorySourceBody::of).collect() }))
}

/// Adds a directory. It is read at once.
#[utoipa::path(post, path = "/directory-sources", tag = "directory", request_body = DirectorySourceBody, responses((status = 201, description = "Added", body = DirectorySourceBody)))]
async fn create(
    State(app): State<App>,
    person: Person,
    Json(body): Json<DirectorySourceBody>,
) -> Result<(StatusCode, Json<DirectorySourceBody>), Fault> {
    person.require(May::Domains)?;
    let org = person.acting_org()?;
    let wanted = body.draft().settings(None, may_name_private(&app, &person)).map_err(Fault::Invalid)?;
    let made = make(&app, &person, org, wanted).await?;
    Ok((StatusCode::CREATED, Json(DirectorySourceBody::of(&made))))
}

/// Shows one directory, without its password.
#[utoipa::path(get, path = "/directory-sources/{source}", tag = "directory", params(("source" = String, Path,)), responses((status = 200, description = "The directory", body = DirectorySourceBody)))]
async fn show(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<DirectorySourceBody>, Fault> {
    Ok(Json(DirectorySourceBody::of(&find(&app, &person, &id).await?)))
}

/// Replaces the settings. An empty password keeps the one that is set, as long as address and account stay.
#[utoipa::path(put, path = "/directory-sources/{source}", tag = "directory", params(("source" = String, Path,)), request_body = DirectorySourceBody, responses((status = 200, description = "As it is now", body = DirectorySourceBody)))]
async fn replace(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(body): Json<DirectorySourceBody>,
) -> Result<Json<DirectorySourceBody>, Fault> {
    let source = find_to_change(&app, &person, &id).await?;
    let before = opened(&app.seal, &source);
    let wanted = body.draft().settings(Some(&before), may_name_private(&app, &person)).map_err(Fault::Invalid)?;
    change(&app, &person, &source, wanted).await?;
    Ok(Json(DirectorySourceBody::of(&find(&app, &person, &id).await?)))
}

/// Looks after a directory no more. Its recipients and groups stay.
#[utoipa::path(delete, path = "/directory-sources/{source}", tag = "directory", params(("source" = String, Path,)), responses((status = 204, description = "Gone")))]
async fn remove(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    let source = find_to_change(&app, &person, &id).await?;
    take_away(&app, &person, source).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a try found, or why it could not.
#[derive(Debug, Serialize)]
pub struct TriedBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Tried>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// Reads a directory and says what it would do; writes nothing.
#[utoipa::path(post, path = "/directory-sources/{source}/try", tag = "directory", params(("source" = String, Path,)), responses((status = 200, description = "Counts and the first entries, or the error", body = serde_json::Value)))]
async fn try_saved(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<TriedBody>, Fault> {
    let source = find_to_change(&app, &person, &id).await?;
    let settings = opened(&app.seal, &source);
    let tried = try_now(&app, &person, &source, settings).await?;
    let error = tried.as_ref().err().map(ErrorBody::of);
    Ok(Json(TriedBody { found: tried.ok(), error }))
}

/// Reads a directory now. 202: it takes longer; look at its runs.
#[utoipa::path(post, path = "/directory-sources/{source}/sync", tag = "directory", params(("source" = String, Path,)), responses((status = 200, description = "The run", body = RunBody), (status = 202, description = "It goes on", body = serde_json::Value)))]
async fn sync(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<(StatusCode, Json<serde_json::Value>), Fault> {
    let source = find_to_change(&app, &person, &id).await?;
    ran(read_now(&app, &person, source).await?.as_ref())
}

fn ran(ran: Option<&super::Ran>) -> Result<(StatusCode, Json<serde_json::Value>), Fault> {
    match ran {
        Some(ran) => {
            let body = serde_json::to_value(RunBody::of(&ran.run)).map_err(|why| Fault::Ours(why.to_string()))?;
            Ok((StatusCode::OK, Json(body)))
        }
        None => Ok((StatusCode::ACCEPTED, Json(serde_json::json!({ "detail": Say::new("directory-goes-on").in_lang(Lang::English) })))),
    }
}

/// What would go, while a person is asked.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct WaitingBody {
    pub state: String,
    pub recipients: Vec<String>,
    pub groups: Vec<String>,
    /// Memberships in groups that stay.
    pub members: usize,
}

/// What would go of a directory that stopped; at most 10,000 of each.
#[utoipa::path(get, path = "/directory-sources/{source}/waiting", tag = "directory", params(("source" = String, Path,)), responses((status = 200, description = "What waits for an answer", body = WaitingBody)))]
async fn waiting(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<WaitingBody>, Fault> {
    const LISTED_MAX: i64 = 10_000;
    let source = find(&app, &person, &id).await?;
    let id = source.id;
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::pending(tx, id, LISTED_MAX).await })).await;
    let mut body = WaitingBody { state: source.state.name().into(), ..WaitingBody::default() };
    for (kind, what) in found? {
        match kind.as_str() {
            "recipient" => body.recipients.push(what),
            "group" => body.groups.push(what),
            _ => body.members = what.parse().unwrap_or(0),
        }
    }
    Ok(Json(body))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerBody {
    /// "approve" or "refuse".
    pub answer: String,
}

/// Answers a directory that stopped: approve does what was asked about, refuse does nothing.
#[utoipa::path(post, path = "/directory-sources/{source}/waiting", tag = "directory", params(("source" = String, Path,)), request_body = AnswerBody, responses((status = 200, description = "The run, or the state", body = serde_json::Value), (status = 202, description = "It goes on", body = serde_json::Value)))]
async fn decide(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(body): Json<AnswerBody>,
) -> Result<(StatusCode, Json<serde_json::Value>), Fault> {
    let source = find_to_change(&app, &person, &id).await?;
    match body.answer.as_str() {
        "approve" => ran(approve(&app, &person, source).await?.as_ref()),
        "refuse" => {
            refuse(&app, &person, source).await?;
            Ok((StatusCode::OK, Json(serde_json::json!({ "state": "refused" }))))
        }
        _ => Err(Fault::Invalid(vec![crate::page::fault::Wrong::new("answer", "directory-choose")])),
    }
}

/// Lets any number of accounts go by SCIM for an hour: more than a fifth at once is refused otherwise.
#[utoipa::path(post, path = "/scim-removals", tag = "directory", responses((status = 204, description = "Allowed")))]
async fn allow_removals(State(app): State<App>, person: Person) -> Result<StatusCode, Fault> {
    super::page::allow(&app, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The last runs of a directory, newest first.
#[utoipa::path(get, path = "/directory-sources/{source}/runs", tag = "directory", params(("source" = String, Path,)), responses((status = 200, description = "Runs", body = RunList)))]
async fn runs(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<RunList>, Fault> {
    let source = find(&app, &person, &id).await?;
    let id = source.id;
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::runs(tx, id, sql::RUNS_KEPT).await })).await;
    Ok(Json(RunList { runs: found?.iter().map(RunBody::of).collect() }))
}
