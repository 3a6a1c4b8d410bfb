//! `/api/v1/removals`: mail that is taken out of mailboxes after delivery. What is serialised here is promised.

use super::access::{self, AccessDraft, Tried};
use super::page::{Asked, Counted, class, copies_of, listed};
use super::start::{self, Wish};
use super::{Cause, Decision, decide, find, known, put_back, sql};
use crate::App;
use crate::connector::find as find_connector;
use crate::page::Fault;
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gateway::mailbox::Place;
use mail::MailId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one))
        .routes(routes!(approve))
        .routes(routes!(refuse))
        .routes(routes!(undo))
        .routes(routes!(put_mail_back))
        .routes(routes!(show_access, change_access))
        .routes(routes!(try_access))
}

/// One removal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RemovalBody {
    pub removal: String,
    pub at_ms: i64,
    /// "asks" (waits for a person), "going" or "refused".
    pub state: String,
    /// "person", "judged-again", "reports" or "entry".
    pub cause: String,
    /// What the mail is seen as, as in verdicts.
    pub class: String,
    pub note: String,
    /// "" is Gatepost itself.
    pub who: String,
    /// Why a person is asked: "", "listed", "many" or "share".
    pub asks_why: String,
    /// Copies by state: "listed", "waiting", "removed", "gone", "failed", "refused", "returning", "returned".
    pub copies: BTreeMap<String, i64>,
    pub decided_by: String,
    /// Null: nobody decided.
    pub decided_ms: Option<i64>,
}

/// One copy: what lies, or lay, in one mailbox.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CopyBody {
    pub mail: String,
    pub recipient: String,
    pub state: String,
    /// Folders it was moved from and to; "" until then.
    pub from: String,
    pub to: String,
    /// Why it is gone ("gone", "in-trash", "in-junk"), or what the last attempt said.
    pub said: String,
    pub tries: i64,
    pub at_ms: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RemovalList {
    pub rows: Vec<RemovalBody>,
    /// Pass it as `before` for what comes next; null at the end.
    pub next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WholeRemoval {
    pub removal: RemovalBody,
    /// At most 10,000.
    pub copies: Vec<CopyBody>,
}

impl From<&sql::Copy> for CopyBody {
    fn from(copy: &sql::Copy) -> CopyBody {
        let place: Place = serde_json::from_str(&copy.place).unwrap_or_default();
        CopyBody {
            mail: copy.mail.to_string(),
            recipient: copy.address.clone(),
            state: copy.state.name().into(),
            from: place.from,
            to: place.to,
            said: copy.said.clone(),
            tries: copy.tries,
            at_ms: copy.at_ms,
        }
    }
}

pub fn body((one, counts): &Counted) -> RemovalBody {
    RemovalBody {
        removal: one.id.to_string(),
        at_ms: one.at_ms(),
        state: one.state.name().into(),
        cause: one.cause.name().into(),
        class: one.class.clone(),
        note: one.note.clone(),
        who: one.who.clone(),
        asks_why: one.asks_why.clone(),
        copies: counts.iter().map(|(state, count)| (state.name().to_string(), *count)).collect(),
        decided_by: one.decided_by.clone(),
        decided_ms: Some(one.decided_ms).filter(|at| *at > 0),
    }
}

/// A removal with its copies, as it is now.
async fn whole(app: &App, person: &Person, id: mail::id::RemovalId) -> Result<WholeRemoval, Fault> {
    let removal = find(app, person, id).await?;
    let copies = copies_of(app, &removal).await?;
    let mut counts: Vec<(super::CopyState, i64)> = Vec::new();
    for copy in &copies {
        match counts.iter_mut().find(|(state, _)| *state == copy.state) {
            Some((_, count)) => *count += 1,
            None => counts.push((copy.state, 1)),
        }
    }
    Ok(WholeRemoval { removal: body(&(removal, counts)), copies: copies.iter().map(CopyBody::from).collect() })
}

/// Removals, newest first.
#[utoipa::path(get, path = "/removals", tag = "removals", params(Asked), responses((status = 200, description = "Removals", body = RemovalList)))]
async fn list(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Result<Json<RemovalList>, Fault> {
    let (found, next) = listed(&app, &person, &asked).await?;
    Ok(Json(RemovalList { rows: found.iter().map(body).collect(), next: next.map(|next| next.to_string()) }))
}

/// What is to be removed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewRemoval {
    /// Mails of one organisation, at most 1,000.
    pub mails: Vec<String>,
    /// "spam" (the usual), "phish" or "malware".
    pub class: String,
    pub note: String,
    /// Only list what would be removed; it can be approved later.
    pub dry_run: bool,
}

/// Has mails removed from the mailboxes they were delivered to. Too many at once are listed, and wait for an approval.
#[utoipa::path(post, path = "/removals", tag = "removals", request_body = NewRemoval, responses((status = 201, description = "It goes on in the background, or waits for an approval", body = WholeRemoval)))]
async fn create(State(app): State<App>, person: Person, Json(wanted): Json<NewRemoval>) -> Result<(StatusCode, Json<WholeRemoval>), Fault> {
    person.require(May::Release)?;
    let mails: Result<Vec<MailId>, _> = wanted.mails.iter().map(|mail| mail.parse().map_err(|_| Fault::NotFound)).collect();
    let wish = Wish {
        mails: mails?,
        only: HashSet::new(),
        cause: Cause::Person,
        class: class(&wanted.class)?.to_string(),
        note: wanted.note,
        only_list: wanted.dry_run,
    };
    let made = start::by_person(&app, &person, wish).await?;
    Ok((StatusCode::CREATED, Json(whole(&app, &person, made.removal.id).await?)))
}

/// One removal with its copies.
#[utoipa::path(get, path = "/removals/{removal}", tag = "removals", params(("removal" = String, Path)), responses((status = 200, description = "The removal", body = WholeRemoval)))]
async fn one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<WholeRemoval>, Fault> {
    person.require(May::Trace)?;
    Ok(Json(whole(&app, &person, known(&id)?).await?))
}

async fn decided(app: &App, person: &Person, id: &str, what: Decision) -> Result<Json<WholeRemoval>, Fault> {
    person.require(May::Release)?;
    let id = known(id)?;
    decide(app, person, id, what).await?;
    Ok(Json(whole(app, person, id).await?))
}

/// Approves what is listed: it is removed now.
#[utoipa::path(post, path = "/removals/{removal}/approve", tag = "removals", params(("removal" = String, Path)), responses((status = 200, description = "As it is now", body = WholeRemoval)))]
async fn approve(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<WholeRemoval>, Fault> {
    decided(&app, &person, &id, Decision::Approve).await
}

/// Decides against what is listed.
#[utoipa::path(post, path = "/removals/{removal}/refuse", tag = "removals", params(("removal" = String, Path)), responses((status = 200, description = "As it is now", body = WholeRemoval)))]
async fn refuse(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<WholeRemoval>, Fault> {
    decided(&app, &person, &id, Decision::Refuse).await
}

/// Puts back what was removed, and leaves the rest where it is.
#[utoipa::path(post, path = "/removals/{removal}/undo", tag = "removals", params(("removal" = String, Path)), responses((status = 200, description = "As it is now", body = WholeRemoval)))]
async fn undo(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<WholeRemoval>, Fault> {
    decided(&app, &person, &id, Decision::Undo).await
}

/// For how many copies it was done.
#[derive(Debug, Serialize, ToSchema)]
struct PutBack {
    copies: usize,
}

/// Puts all copies of one mail back, whichever removals took them.
#[utoipa::path(post, path = "/trace/{mail}/put-back", tag = "removals", params(("mail" = String, Path)), responses((status = 200, description = "It goes on in the background", body = PutBack)))]
async fn put_mail_back(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<PutBack>, Fault> {
    person.require(May::Release)?;
    let mail = id.parse().map_err(|_| Fault::NotFound)?;
    Ok(Json(PutBack { copies: put_back(&app, &person, mail).await? }))
}

/// How Gatepost gets at the mailboxes behind a connector.
#[utoipa::path(get, path = "/connectors/{name}/mailbox", tag = "connectors", params(("name" = String, Path)), responses((status = 200, description = "The access, without its password", body = AccessDraft)))]
async fn show_access(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<Json<AccessDraft>, Fault> {
    Ok(Json(AccessDraft::of(&find_connector(&app, &person, &name).await?.settings.mailbox)))
}

/// Replaces the access. An empty password keeps the one that is set, as long as server and user stay.
#[utoipa::path(put, path = "/connectors/{name}/mailbox", tag = "connectors", params(("name" = String, Path)), request_body = AccessDraft, responses((status = 200, description = "As it is now", body = AccessDraft)))]
async fn change_access(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Json(draft): Json<AccessDraft>,
) -> Result<Json<AccessDraft>, Fault> {
    let named = crate::connector::find_to_change(&app, &person, &name).await?;
    access::save(&app, &person, named, &draft).await?;
    Ok(Json(AccessDraft::of(&find_connector(&app, &person, &name).await?.settings.mailbox)))
}

/// MailboxOf mailbox is opened.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct MailboxOf {
    /// An address of the organisation.
    address: String,
}

/// What trying came to.
#[derive(Debug, Serialize, ToSchema)]
struct TriedAccess {
    opened: bool,
    /// "unreachable", "tls", "sign-in", "no-mailbox", …; "" when it opened.
    error: String,
    said: String,
    folders: Vec<String>,
    /// Whether the folder for junk is among them.
    has_junk: bool,
}

/// Opens a mailbox and lists its folders. Nothing in it is changed; it is noted in the audit log.
#[utoipa::path(post, path = "/connectors/{name}/mailbox/try", tag = "connectors", params(("name" = String, Path)), request_body = MailboxOf, responses((status = 200, description = "What was seen", body = TriedAccess)))]
async fn try_access(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Json(whose): Json<MailboxOf>,
) -> Result<Json<TriedAccess>, Fault> {
    let named = find_connector(&app, &person, &name).await?;
    let tried = match access::try_access(&app, &person, &named, &whose.address).await? {
        Tried::Opened { folders, has_junk } => TriedAccess { opened: true, error: String::new(), said: String::new(), folders, has_junk },
        Tried::Failed { name, said } => TriedAccess { opened: false, error: name.into(), said, folders: Vec::new(), has_junk: false },
    };
    Ok(Json(tried))
}
