//! `POST /api/v1/trace/header`: a header that somebody pastes, read as the page reads it. Nothing of it is kept.

use super::filters::{Explained as Key, Filtered, Method};
use super::header_page::{Analysis, HEADER_OCTETS_MAX, parsed};
use super::hops::Hop;
use crate::App;
use crate::page::fault::Wrong;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(analyse))
}

/// What is to be read.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PastedHeader {
    /// The header of a message, or the whole message: only its header is looked at. At most 256 KiB.
    header: String,
}

/// What a header says. Whoever wrote a field may have lied: it says what it says, not what was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeaderAnalysis {
    pub subject: String,
    /// The address in From.
    pub from: String,
    pub message_id: String,
    /// When it was written, Unix milliseconds; null when Date cannot be read.
    pub date_ms: Option<i64>,
    /// From the first to the last hop, in milliseconds; null without two times.
    pub total_ms: Option<i64>,
    /// Servers that it passed, oldest first.
    pub hops: Vec<HeaderHop>,
    /// Who authenticated it, in the order of the hops.
    pub authentication: Vec<HeaderAuthentication>,
    /// What filters wrote, key by key.
    pub filters: Vec<HeaderFilter>,
    /// Everything, as it stands.
    pub fields: Vec<AnalysedField>,
    /// The mail of ours that it names; null when it names none.
    pub mail: Option<String>,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeaderHop {
    /// As it called itself, with what the next one saw of it.
    pub from: String,
    pub by: String,
    /// Such as "ESMTPS".
    pub with: String,
    pub id: String,
    /// When it was taken, Unix milliseconds.
    pub at_ms: Option<i64>,
    /// Since the one before; negative when their clocks differ.
    pub delay_ms: Option<i64>,
}

/// One field about authentication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeaderAuthentication {
    pub field: String,
    pub value: String,
    pub methods: Vec<HeaderMethod>,
}

/// One method in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeaderMethod {
    /// Such as "spf".
    pub name: String,
    /// Such as "pass".
    pub result: String,
    /// About whom: domains, selectors, addresses.
    pub detail: String,
}

/// One field of a filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeaderFilter {
    pub name: String,
    /// Which filter writes such a field; may be empty.
    pub by: String,
    pub keys: Vec<HeaderKey>,
}

/// One key of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeaderKey {
    /// May be empty: the field is one value.
    pub key: String,
    pub value: String,
    /// In the language of whoever asks; empty for one that is not known.
    pub meaning: String,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnalysedField {
    pub name: String,
    pub value: String,
}

/// Reads a header: hops with delays, authentication in order, what filters wrote.
#[utoipa::path(post, path = "/trace/header", tag = "trace", request_body = PastedHeader, responses(
    (status = 200, description = "What it says", body = HeaderAnalysis),
    (status = 422, description = "There is no header in it, or it is too long", body = crate::api::problem::Problem, content_type = "application/problem+json"),
))]
async fn analyse(view: View, person: Person, Json(pasted): Json<PastedHeader>) -> Result<Json<HeaderAnalysis>, Fault> {
    person.require(May::Trace)?;
    if pasted.header.len() > HEADER_OCTETS_MAX {
        return Err(Fault::Invalid(vec![Wrong::new("header", "header-wrong")]));
    }
    let message = parsed(&pasted.header);
    if message.fields().next().is_none() {
        return Err(Fault::Invalid(vec![Wrong::new("header", "header-wrong")]));
    }
    Ok(Json(HeaderAnalysis::of(Analysis::of(&view, &message))))
}

impl HeaderAnalysis {
    fn of(found: Analysis) -> HeaderAnalysis {
        let authentication = |(field, value, methods): (String, String, Vec<Method>)| HeaderAuthentication {
            field,
            value,
            methods: methods.into_iter().map(method).collect(),
        };
        HeaderAnalysis {
            subject: found.subject,
            from: found.from,
            message_id: found.message_id,
            date_ms: found.date_ms,
            total_ms: found.total_ms,
            hops: found.hops.into_iter().map(hop).collect(),
            authentication: found.authentication.into_iter().map(authentication).collect(),
            filters: found.filters.into_iter().map(filter).collect(),
            fields: found.fields.into_iter().map(|(name, value)| AnalysedField { name, value }).collect(),
            mail: found.mail.map(|mail| mail.to_string()),
        }
    }
}

fn hop(hop: Hop) -> HeaderHop {
    HeaderHop { from: hop.from, by: hop.by, with: hop.with, id: hop.id, at_ms: hop.at_ms, delay_ms: hop.delay_ms }
}

fn filter(field: Filtered) -> HeaderFilter {
    let key = |one: Key| HeaderKey { key: one.key, value: one.value, meaning: one.meaning };
    HeaderFilter { name: field.name, by: field.by.into(), keys: field.keys.into_iter().map(key).collect() }
}

fn method(one: Method) -> HeaderMethod {
    HeaderMethod { name: one.name, result: one.result, detail: one.detail }
}
