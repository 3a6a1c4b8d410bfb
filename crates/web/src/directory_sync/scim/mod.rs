//! SCIM 2.0 (RFC 7643, RFC 7644): a directory such as Entra ID or Okta sends people and groups, and they become known recipients.
//!
//! In: requests with an API token of the organisation. Out: recipients and groups of source `scim`. Invariants: what another source owns
//! stays its own; too many removals within an hour are refused until a person allowed them ([`guard`]). Not here: LDAP.

mod discovery;
mod error;
mod filter;
mod group;
pub mod guard;
mod patch;
mod sql;
mod user;

pub use error::refused;

use crate::App;
use crate::page::Fault;
use crate::page::time::rfc3339;
use crate::people::{May, Person};
use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use error::ScimError;
use mail::OrgId;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const MEDIA_TYPE: &str = "application/scim+json; charset=utf-8";
/// Resources of one page.
const COUNT_MAX: i64 = 200;
const COUNT: i64 = 100;

/// What a request comes to.
type Answer = Result<Response, ScimError>;

pub fn routes(app: &App) -> Router<App> {
    let routes = Router::new()
        .route("/scim/v2/ServiceProviderConfig", get(discovery::provider))
        .route("/scim/v2/ResourceTypes", get(discovery::resource_types))
        .route("/scim/v2/ResourceTypes/User", get(discovery::user_type))
        .route("/scim/v2/ResourceTypes/Group", get(discovery::group_type))
        .route("/scim/v2/Schemas", get(discovery::schemas))
        .route("/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", get(discovery::user_schema))
        .route("/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group", get(discovery::group_schema))
        .route("/scim/v2/Users", get(user::list).post(user::create))
        .route("/scim/v2/Users/{account}", get(user::show).put(user::replace).patch(user::patch).delete(user::remove))
        .route("/scim/v2/Groups", get(group::list).post(group::create))
        .route("/scim/v2/Groups/{account}", get(group::show).put(group::replace).patch(group::patch).delete(group::remove));
    crate::api::behind_limit(routes, app)
}

/// Who asks may look.
fn reader(person: &Person) -> Result<OrgId, ScimError> {
    if !person.may(May::ReadSettings) {
        person.require(May::Domains)?;
    }
    Ok(person.acting_org()?)
}

fn writer(person: &Person) -> Result<OrgId, ScimError> {
    person.require(May::Domains)?;
    Ok(person.acting_org()?)
}

/// The number in an address. What is none is nowhere.
fn id_of(text: &str) -> Result<i64, ScimError> {
    text.parse().map_err(|_| ScimError::from(Fault::NotFound))
}

/// The body, which is one object.
fn object(body: &Bytes) -> Result<Map<String, Value>, ScimError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ScimError::bad("invalidSyntax", "the body is not a JSON object")),
        Err(why) => Err(ScimError::bad("invalidSyntax", &format!("the body is not JSON: line {}, column {}", why.line(), why.column()))),
    }
}

/// A member by its name in any case of letters (RFC 7643 §2.1).
fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn text(object: &Map<String, Value>, name: &str) -> String {
    field(object, name).and_then(Value::as_str).unwrap_or_default().trim().to_string()
}

/// What a list is asked for (RFC 7644 §3.4.2).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Asked {
    filter: String,
    start_index: Option<i64>,
    count: Option<i64>,
    attributes: String,
    excluded_attributes: String,
}

impl Asked {
    /// The first that is wanted, counted from 0, and how many.
    fn window(&self) -> (i64, i64) {
        (self.start_index.unwrap_or(1).max(1) - 1, self.count.unwrap_or(COUNT).clamp(0, COUNT_MAX))
    }

    /// Whether an attribute is wanted; `id` always is.
    fn wants(&self, name: &str) -> bool {
        let has = |list: &str| list.split(',').any(|one| one.trim().split('.').next().is_some_and(|one| one.eq_ignore_ascii_case(name)));
        (self.attributes.trim().is_empty() || has(&self.attributes)) && !has(&self.excluded_attributes)
    }
}

fn listed(asked: &Asked, total: i64, resources: Vec<Value>) -> Response {
    let (from, _) = asked.window();
    let body = json!({
        "schemas": [LIST], "totalResults": total, "startIndex": from + 1, "itemsPerPage": resources.len(), "Resources": resources
    });
    answer(StatusCode::OK, &body)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response()
}

/// `meta` of a resource (RFC 7643 §3.1).
fn meta(app: &App, kind: &str, id: i64, (made_ms, changed_ms): (i64, i64)) -> Value {
    json!({
        "resourceType": kind, "created": rfc3339(made_ms), "lastModified": rfc3339(changed_ms),
        "location": app.link(&format!("/scim/v2/{kind}s/{id}")), "version": format!("W/\"{changed_ms}\""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_attributes() {
        let asked = |start_index, count| Asked { start_index, count, ..Asked::default() };
        for (asked, want) in [
            (asked(None, None), (0, COUNT)),
            (asked(Some(1), Some(0)), (0, 0)),
            (asked(Some(0), Some(-5)), (0, 0)),
            (asked(Some(101), Some(10_000)), (100, COUNT_MAX)),
        ] {
            assert_eq!(asked.window(), want, "{asked:?}");
        }
        let asked = Asked { excluded_attributes: "members, meta".into(), ..Asked::default() };
        assert!(!asked.wants("members") && asked.wants("displayName"));
        let asked = Asked { attributes: "userName,name.givenName".into(), ..Asked::default() };
        assert!(asked.wants("username") && asked.wants("name") && !asked.wants("emails"));
    }
}
