//! `/api/v1/phone`, for everybody, and `/api/v1/phone-entries`, for operators.

use super::book::{self, Answer, Caller, Choice, Entry, Purpose, Why};
use super::hours::State as Answered;
use super::number::NumberKind;
use super::typed::Typed;
use super::{all, changed, country, drop_entry, found, keep};
use crate::App;
use crate::api::problem::Problem;
use crate::page::fault::Wrong;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use mail::id::PhoneId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(call)).routes(routes!(list, create)).routes(routes!(one, change, delete))
}

/// Who asks for a number.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Where the caller is: ISO 3166-1 alpha-2, or the name of a country in English or Chinese. A country that is not known gets numbers
    /// that are reached from everywhere.
    #[param(example = "BR", value_type = Option<String>)]
    country: String,
    /// technical, pre-purchase, billing or premier.
    #[param(example = "technical", value_type = Option<String>)]
    r#for: String,
    /// BCP 47; else as Accept-Language says.
    #[param(example = "pt", value_type = Option<String>)]
    lang: String,
    /// A moment instead of now, RFC 3339.
    #[param(example = "2026-12-25T10:00:00Z", value_type = Option<String>)]
    at: String,
}

/// A number, in one language, at the moment of the question.
#[derive(Debug, Serialize, ToSchema)]
pub struct NumberBody {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// As it is dialled within its country.
    pub national: String,
    /// As it is dialled from anywhere.
    pub international: String,
    /// `tel:` with E.164 (RFC 3966).
    pub tel: String,
    pub kind: NumberKind,
    /// BCP 47.
    pub lang: String,
    /// As OpenStreetMap writes opening hours, local time of `zone`.
    pub hours: String,
    pub zone: String,
    pub cost: String,
    pub is_open: bool,
    /// Unix milliseconds: closes then, or opens then. null: around the clock, or not within a year.
    pub changes_ms: Option<i64>,
    /// It is a number of another country.
    pub is_abroad: bool,
}

impl NumberBody {
    fn of(choice: &Choice) -> NumberBody {
        let (is_open, changes_ms) = match choice.state {
            Answered::Open { until_ms } => (true, until_ms),
            Answered::Closed { next_ms } => (false, next_ms),
        };
        NumberBody {
            country: choice.country.clone(),
            national: choice.number.national(),
            international: choice.number.international(),
            tel: choice.number.tel(),
            kind: choice.kind,
            lang: choice.lang.clone(),
            hours: choice.hours.clone(),
            zone: choice.zone.clone(),
            cost: choice.cost.clone(),
            is_open,
            changes_ms,
            is_abroad: choice.is_abroad,
        }
    }
}

/// The number to call.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallBody {
    /// open, open-in-fallback (English), closed, abroad or none.
    pub reason: Why,
    /// null when there is no number for this.
    pub best: Option<NumberBody>,
    /// Best first.
    pub others: Vec<NumberBody>,
}

impl CallBody {
    pub fn of(answer: &Answer) -> CallBody {
        CallBody {
            reason: answer.reason,
            best: answer.best.as_ref().map(NumberBody::of),
            others: answer.others.iter().map(NumberBody::of).collect(),
        }
    }
}

/// Whom to call now.
#[utoipa::path(get, path = "/phone", tag = "phone", operation_id = "call_now", params(Asked), security(()), responses(
    (status = 200, description = "The number to call", body = CallBody),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn call(State(app): State<App>, view: View, Query(asked): Query<Asked>) -> Result<Json<CallBody>, Fault> {
    let country = country::code(&asked.country).unwrap_or_default();
    let purpose = match asked.r#for.trim() {
        "" => Purpose::Technical,
        name => Purpose::named(name).ok_or_else(|| Fault::Invalid(vec![Wrong::new("for", "phone-wrong-purposes")]))?,
    };
    let now_ms = match asked.at.trim() {
        "" => app.now_ms(),
        text => moment(text).ok_or_else(|| Fault::Invalid(vec![Wrong::new("at", "phone-wrong-at")]))?,
    };
    let lang = if asked.lang.is_empty() { view.lang.tag() } else { &asked.lang };
    let entries = all(&app).await?;
    Ok(Json(CallBody::of(&book::call(&entries, Caller { country, purpose, lang, now_ms }))))
}

/// A moment as RFC 3339 writes it, Unix milliseconds.
pub fn moment(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// An entry of the directory.
#[derive(Debug, Serialize, ToSchema)]
struct PhoneEntryBody {
    entry: String,
    #[serde(flatten)]
    typed: Typed,
}

impl PhoneEntryBody {
    fn of(entry: &Entry) -> PhoneEntryBody {
        PhoneEntryBody { entry: entry.id.to_string(), typed: Typed::of(entry) }
    }
}

/// The directory.
#[derive(Debug, Serialize, ToSchema)]
struct PhoneEntriesBody {
    rows: Vec<PhoneEntryBody>,
}

/// The whole directory, by country.
#[utoipa::path(get, path = "/phone-entries", tag = "phone", operation_id = "list_phone_entries",
    responses((status = 200, description = "The directory", body = PhoneEntriesBody)))]
async fn list(State(app): State<App>, person: Person) -> Result<Json<PhoneEntriesBody>, Fault> {
    person.require(May::Operate)?;
    Ok(Json(PhoneEntriesBody { rows: all(&app).await?.iter().map(PhoneEntryBody::of).collect() }))
}

/// One entry.
#[utoipa::path(get, path = "/phone-entries/{entry}", tag = "phone", operation_id = "get_phone_entry", params(("entry" = String, Path)),
    responses((status = 200, description = "The entry", body = PhoneEntryBody)))]
async fn one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<PhoneEntryBody>, Fault> {
    person.require(May::Operate)?;
    Ok(Json(PhoneEntryBody::of(&found(&app, &id).await?)))
}

type Created = (StatusCode, [(HeaderName, String); 1], Json<PhoneEntryBody>);

/// Adds an entry.
#[utoipa::path(post, path = "/phone-entries", tag = "phone", operation_id = "create_phone_entry", request_body = Typed, responses(
    (status = 201, description = "The entry", body = PhoneEntryBody),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn create(State(app): State<App>, person: Person, Json(typed): Json<Typed>) -> Result<Created, Fault> {
    person.require(May::Operate)?;
    let entry = put(&app, &person, (PhoneId(app.fresh_id()), None), typed).await?;
    let place = format!("/api/v1/phone-entries/{}", entry.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(PhoneEntryBody::of(&entry))))
}

/// Changes an entry.
#[utoipa::path(put, path = "/phone-entries/{entry}", tag = "phone", operation_id = "change_phone_entry", params(("entry" = String, Path)),
    request_body = Typed, responses((status = 200, description = "The entry", body = PhoneEntryBody)))]
async fn change(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(typed): Json<Typed>,
) -> Result<Json<PhoneEntryBody>, Fault> {
    person.require(May::Operate)?;
    let was = found(&app, &id).await?;
    Ok(Json(PhoneEntryBody::of(&put(&app, &person, (was.id, Some(was)), typed).await?)))
}

async fn put(app: &App, person: &Person, (id, was): (PhoneId, Option<Entry>), typed: Typed) -> Result<Entry, Fault> {
    let entry = typed.checked(id, &all(app).await?).map_err(Fault::Invalid)?;
    let (kept, now_ms, who) = (entry.clone(), app.now_ms(), person.email.clone());
    changed(app, person, move |tx| Box::pin(async move { keep(tx, &kept, was.as_ref(), (now_ms, &who)).await })).await?;
    Ok(entry)
}

/// Takes an entry out. 409 while another one refers to its numbers.
#[utoipa::path(delete, path = "/phone-entries/{entry}", tag = "phone", operation_id = "delete_phone_entry", params(("entry" = String, Path)),
    responses((status = 204, description = "It is gone")))]
async fn delete(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    person.require(May::Operate)?;
    let entry = found(&app, &id).await?;
    changed(&app, &person, move |tx| Box::pin(async move { drop_entry(tx, &entry).await })).await?;
    Ok(StatusCode::NO_CONTENT)
}
