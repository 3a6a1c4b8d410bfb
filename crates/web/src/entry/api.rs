//! `/api/v1/entries`.

use super::list::{Asked, find};
use super::{NewEntry, end, is_theirs, may_make, one::renewed_for, own_scope, save, seen};
use crate::App;
use crate::api::problem::Problem;
use crate::draft::{self, What};
use crate::page::Fault;
use crate::page::fault::Wrong;
use crate::people::{May, Person};
use crate::policy;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use gateway::directory::{Effect, EntryKind};
use gateway::entry::{Count, Listed};
use mail::id::EntryId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(replay)).routes(routes!(one, change, delete))
}

/// One entry and what it did.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryBody {
    entry: String,
    /// allow or block.
    effect: &'static str,
    /// address, domain, ip, host or hash.
    kind: &'static str,
    value: String,
    /// Recipient it holds for; "" is the whole organisation.
    scope: String,
    /// Unix milliseconds; null: never.
    expires_ms: Option<i64>,
    note: String,
    made_ms: i64,
    made_by: String,
    /// file, command or page.
    source: String,
    /// Recipients for whom it decided.
    won: i64,
    /// Recipients for whom something stronger did.
    lost: i64,
    /// When it decided last; 0: never.
    won_ms: i64,
}

impl EntryBody {
    fn of(listed: &Listed, sum: Count) -> EntryBody {
        let entry = &listed.entry;
        EntryBody {
            entry: EntryId(entry.id).to_string(),
            effect: entry.effect.name(),
            kind: entry.kind.name(),
            value: entry.value.clone(),
            scope: entry.scope.clone(),
            expires_ms: entry.expires_ms,
            note: entry.note.clone(),
            made_ms: listed.made_ms,
            made_by: listed.made_by.clone(),
            source: listed.source.clone(),
            won: sum.won,
            lost: sum.lost,
            won_ms: sum.won_ms,
        }
    }
}

/// A page of entries.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryList {
    rows: Vec<EntryBody>,
    /// Cursor to go on with, as `before`; null: that was all.
    next: Option<String>,
}

/// Lists entries, the latest first; those who look after nothing see those of their own mailbox.
#[utoipa::path(get, path = "/entries", tag = "entries", operation_id = "list_entries", params(Asked),
    responses((status = 200, description = "Entries", body = EntryList)))]
async fn list(State(app): State<App>, person: Person, Query(mut asked): Query<Asked>) -> Result<Json<EntryList>, Fault> {
    if !person.may(May::ReadSettings) {
        person.require(May::OwnQuarantine)?;
        asked.scope = own_scope(&person);
    }
    if !asked.before.is_empty() && asked.before.parse::<EntryId>().is_err() {
        return Err(Fault::Invalid(vec![Wrong::new("before", "entry-wrong-cursor")]));
    }
    let (rows, next, sums) = find(&app, person.scope(), asked.filter(app.now_ms())).await?;
    let body = |row: &Listed| EntryBody::of(row, sums.get(&EntryId(row.entry.id)).copied().unwrap_or_default());
    Ok(Json(EntryList { rows: rows.iter().map(body).collect(), next: next.map(|next| next.to_string()) }))
}

async fn shown(app: &App, person: &Person, id: &str) -> Result<EntryBody, Fault> {
    let listed = seen(app, person, id).await?;
    let (scope, entry) = (person.scope(), EntryId(listed.entry.id));
    let rows = app.db.read(move |tx| Box::pin(async move { gateway::entry::usage_of(tx, scope, &[entry]).await })).await;
    let mut sum = Count::default();
    for (_, _, count) in rows.map_err(|why: store::Error| Fault::from(why))? {
        sum.won += count.won;
        sum.lost += count.lost;
        sum.won_ms = sum.won_ms.max(count.won_ms);
    }
    Ok(EntryBody::of(&listed, sum))
}

/// One entry.
#[utoipa::path(get, path = "/entries/{entry}", tag = "entries", operation_id = "get_entry", params(("entry" = String, Path)),
    responses((status = 200, description = "The entry", body = EntryBody)))]
async fn one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<EntryBody>, Fault> {
    shown(&app, &person, &id).await.map(Json)
}

/// An entry to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntryBody {
    /// allow or block. Allowing lets authenticated mail of a sender, or mail of a connecting address, past spam and phish verdicts; it
    /// never lets malware or high confidence phish pass, and does nothing for a sender that is not authenticated.
    effect: String,
    /// address, domain or ip; to block also host (of a link) or hash (SHA-256 of a file).
    kind: String,
    value: String,
    /// A recipient of this organisation; "" is all of it.
    #[serde(default)]
    scope: String,
    /// Until it ends, 1 to 90.
    #[serde(default = "usual")]
    #[schema(minimum = 1, maximum = 90)]
    days: i64,
    /// It never ends; needs a note that says why.
    #[serde(default)]
    never: bool,
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

fn usual() -> i64 {
    super::DAYS_DEFAULT
}

async fn checked(app: &App, person: &Person, body: NewEntryBody) -> Result<NewEntry, Fault> {
    let org = person.acting_org()?;
    let effect = Effect::named(&body.effect).ok_or(Wrong::new("effect", "entry-wrong-effect"));
    let kind = EntryKind::named(&body.kind).ok_or(Wrong::new("kind", "entry-wrong-kind"));
    let (effect, kind) = match (effect, kind) {
        (Ok(effect), Ok(kind)) => (effect, kind),
        (effect, kind) => return Err(Fault::Invalid([effect.err(), kind.err()].into_iter().flatten().collect())),
    };
    let days = (!body.never).then_some(body.days);
    let typed = NewEntry { effect, kind, value: body.value, scope: body.scope, days, note: body.note };
    let new = NewEntry::checked(app, org, typed).map_err(Fault::Invalid)?;
    may_make(app, person, &new).await?;
    Ok(new)
}

type Created = (StatusCode, [(HeaderName, String); 1], Json<EntryBody>);

/// Makes an entry.
#[utoipa::path(post, path = "/entries", tag = "entries", operation_id = "create_entry", request_body = NewEntryBody,
    responses((status = 201, description = "The entry", body = EntryBody)))]
async fn create(State(app): State<App>, person: Person, Json(body): Json<NewEntryBody>) -> Result<Created, Fault> {
    let new = checked(&app, &person, body).await?;
    let (made, who) = ((person.acting_org()?, app.fresh_id(), app.now_ms()), person.clone());
    policy::change(&app, &person, move |tx| Box::pin(async move { save(tx, made, new, &who).await })).await?;
    let id = EntryId(made.1).to_string();
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/api/v1/entries/{id}"))], Json(shown(&app, &person, &id).await?)))
}

/// A new end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndBody {
    /// From now on, 1 to 90.
    #[serde(default = "usual")]
    #[schema(minimum = 1, maximum = 90)]
    days: i64,
    /// It never ends; needs a note, now or before.
    #[serde(default)]
    never: bool,
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
}

/// Renews an entry.
#[utoipa::path(patch, path = "/entries/{entry}", tag = "entries", operation_id = "renew_entry", params(("entry" = String, Path)),
    request_body = EndBody, responses((status = 200, description = "The entry", body = EntryBody)))]
async fn change(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(body): Json<EndBody>,
) -> Result<Json<EntryBody>, Fault> {
    let listed = theirs(&app, &person, &id).await?;
    if !body.never && !(1..=super::DAYS_MAX).contains(&body.days) {
        return Err(Fault::Invalid(vec![Wrong::new("days", "entry-wrong-days")]));
    }
    renewed_for(&app, &person, listed, ((!body.never).then_some(body.days), body.note)).await?;
    shown(&app, &person, &id).await.map(Json)
}

/// Ends an entry now. It stays in the list for ninety days, with what it did.
#[utoipa::path(delete, path = "/entries/{entry}", tag = "entries", operation_id = "end_entry", params(("entry" = String, Path)),
    responses((status = 204, description = "It has ended")))]
async fn delete(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    let (listed, now_ms) = (theirs(&app, &person, &id).await?, app.now_ms());
    policy::change(&app, &person, move |tx| Box::pin(async move { end(tx, &listed, now_ms).await })).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn theirs(app: &App, person: &Person, id: &str) -> Result<Listed, Fault> {
    let listed = seen(app, person, id).await?;
    if is_theirs(person, &listed) { Ok(listed) } else { Err(Fault::Denied(May::Entries)) }
}

/// An entry that is not saved yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayEntryBody {
    entry: NewEntryBody,
    /// How far to look back, 1 to 90.
    #[serde(default = "span")]
    #[schema(minimum = 1, maximum = 90)]
    days: i64,
}

fn span() -> i64 {
    draft::DAYS_DEFAULT
}

/// Decides again about past mail with an entry that is not saved yet. 201: it is done; 202: ask the draft for its progress. Receipts keep
/// neither links nor files, so entries of these kinds find nothing.
#[utoipa::path(post, path = "/entries/replay", tag = "entries", operation_id = "replay_entry", request_body = ReplayEntryBody, responses(
    (status = 201, description = "What would have changed", body = draft::api::DraftBody),
    (status = 202, description = "It is still being read", body = draft::api::DraftBody),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn replay(State(app): State<App>, person: Person, Json(body): Json<ReplayEntryBody>) -> Result<draft::api::Begun, Fault> {
    let entry = checked(&app, &person, body.entry).await?;
    draft::api::begun(&app, &person, What::Entry { entry }, body.days).await
}
