//! What this service can do, for clients that ask first (RFC 7643 §5 to §7).

use super::{Answer, Asked, GROUP, USER, answer, listed, reader};
use crate::App;
use crate::people::Person;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

const PROVIDER: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// `GET /scim/v2/ServiceProviderConfig`.
pub async fn provider(State(app): State<App>, person: Person) -> Answer {
    reader(&person)?;
    let no = json!({ "supported": false });
    let body = json!({
        "schemas": [PROVIDER], "documentationUri": app.link("/help/article/directory-sync"),
        "patch": { "supported": true }, "filter": { "supported": true, "maxResults": super::COUNT_MAX },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 }, "changePassword": no, "sort": no, "etag": no,
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "API token", "primary": true,
            "description": "An API token of a person with the permission “domains”, as Authorization: Bearer.",
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": app.link("/scim/v2/ServiceProviderConfig") },
    });
    Ok(answer(StatusCode::OK, &body))
}

fn resource_type(app: &App, name: &str, schema: &str) -> Value {
    json!({
        "schemas": [RESOURCE_TYPE], "id": name, "name": name, "endpoint": format!("/{name}s"), "schema": schema,
        "meta": { "resourceType": "ResourceType", "location": app.link(&format!("/scim/v2/ResourceTypes/{name}")) },
    })
}

/// `GET /scim/v2/ResourceTypes`.
pub async fn resource_types(State(app): State<App>, person: Person) -> Answer {
    reader(&person)?;
    Ok(listed(&Asked::default(), 2, vec![resource_type(&app, "User", USER), resource_type(&app, "Group", GROUP)]))
}

pub async fn user_type(State(app): State<App>, person: Person) -> Answer {
    reader(&person)?;
    Ok(answer(StatusCode::OK, &resource_type(&app, "User", USER)))
}

pub async fn group_type(State(app): State<App>, person: Person) -> Answer {
    reader(&person)?;
    Ok(answer(StatusCode::OK, &resource_type(&app, "Group", GROUP)))
}

/// One attribute (RFC 7643 §7): name, type, whether it is a list, whether it must be there.
fn attribute(name: &str, kind: &str, is_list: bool, is_required: bool) -> Value {
    json!({
        "name": name, "type": kind, "multiValued": is_list, "required": is_required, "caseExact": false,
        "mutability": "readWrite", "returned": "default", "uniqueness": if is_required { "server" } else { "none" },
    })
}

fn with_parts(name: &str, is_list: bool, parts: Vec<Value>) -> Value {
    let mut made = attribute(name, "complex", is_list, false);
    made["subAttributes"] = parts.into();
    made
}

fn part(name: &str, kind: &str) -> Value {
    attribute(name, kind, false, false)
}

fn schema(app: &App, id: &str, name: &str, attributes: Vec<Value>) -> Value {
    json!({
        "schemas": [SCHEMA], "id": id, "name": name, "description": name, "attributes": attributes,
        "meta": { "resourceType": "Schema", "location": app.link(&format!("/scim/v2/Schemas/{id}")) },
    })
}

fn user(app: &App) -> Value {
    let name = ["formatted", "givenName", "familyName"].map(|name| part(name, "string")).to_vec();
    let email = vec![part("value", "string"), part("type", "string"), part("primary", "boolean")];
    let attributes = vec![
        attribute("userName", "string", false, true),
        with_parts("name", false, name),
        part("displayName", "string"),
        part("active", "boolean"),
        with_parts("emails", true, email),
    ];
    schema(app, USER, "User", attributes)
}

fn group(app: &App) -> Value {
    let member = vec![part("value", "string"), part("display", "string"), part("type", "string"), part("$ref", "reference")];
    schema(app, GROUP, "Group", vec![attribute("displayName", "string", false, true), with_parts("members", true, member)])
}

/// `GET /scim/v2/Schemas`.
pub async fn schemas(State(app): State<App>, person: Person) -> Answer {
    reader(&person)?;
    Ok(listed(&Asked::default(), 2, vec![user(&app), group(&app)]))
}

pub async fn user_schema(State(app): State<App>, person: Person) -> Answer {
    reader(&person)?;
    Ok(answer(StatusCode::OK, &user(&app)))
}

pub async fn group_schema(State(app): State<App>, person: Person) -> Answer {
    reader(&person)?;
    Ok(answer(StatusCode::OK, &group(&app)))
}
