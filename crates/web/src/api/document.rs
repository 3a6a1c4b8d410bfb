//! What is true of every operation, put into the OpenAPI document once instead of at each: how to sign in, the problems that any
//! operation can answer, conditional requests, keys against doing twice.
//!
//! In: the document as the features' code describes it. Out: the same, complete. What a feature says itself is not touched.

use serde_json::{Map, Value, json};

/// Each tag with what its operations are about.
const TAGS: &[(&str, &str)] = &[
    ("people", "People who sign in, their roles, sessions and API tokens."),
    ("audit", "What was done by whom."),
    ("requests", "Service requests: asking support, with evidence; what it may see; solutions."),
    ("overview", "What happened to mail, in numbers."),
    ("submissions", "Saved mail shown to the filter, and what people reported."),
    ("restricted senders", "Senders who went over a limit and may not send until somebody releases them."),
    ("reports", "Reports of other servers (DMARC, TLS, complaints), and what mail went through."),
    ("trace", "Mails, their receipts and events."),
    ("removals", "Mail that is taken out of mailboxes after delivery, and put back."),
    ("quarantine", "Held mail: look, release, delete, report."),
    ("policies", "Filter policies and which one applies to whom."),
    ("entries", "Allow and block entries."),
    ("rules", "Mail flow rules."),
    ("destinations", "Where mail waits or goes to now, and which setting or answer limits it."),
    ("domains", "Domains, what to publish for them in DNS, and their keys."),
    ("connectors", "Where mail is delivered, and from where it may come."),
    ("directory", "Directories that recipients and groups come from, and groups."),
    ("help", "Articles of the help."),
    ("phone", "The phone directory, and whom to call now."),
    ("diagnoses", "From a complaint to the cause and the fix."),
    ("connectivity", "Whether mail can reach a domain, and whether an address is fit to send."),
    ("community", "Questions and answers of people, and those who look after them."),
    ("help-desk", "Refused senders: why, and another look."),
    ("doctor", "The installation itself: what is wrong with it, and a support bundle."),
    ("support", "The desk of support: clocks of requests, queues, plans, contracts."),
    ("health", "How services are, issues, what is planned."),
];

/// Headers that every operation understands, by method.
const KEY: &str = "A key of your choosing, 1 to 255 visible characters. The same request with the same key within 24 hours is done once \
                   and answered the same again; with another body it is refused (422).";
const IF_MATCH: &str = "Only do it when the resource still has this entity tag, from the ETag of a GET of the same path; otherwise 412.";
const IF_NONE_MATCH: &str = "Answer 304 without a body when the resource still has this entity tag.";

/// The document with everything that holds for all operations.
pub(super) fn complete(mut document: Value) -> Value {
    document["servers"] = json!([{ "url": "/", "description": "This installation" }]);
    document["security"] = json!([{ "session": [] }, { "token": [] }]);
    document["components"]["securitySchemes"] = json!({
        "session": { "type": "apiKey", "in": "cookie", "name": "gatepost",
            "description": "The session of a signed-in person. Over TLS the cookie is called __Host-gatepost." },
        "token": { "type": "http", "scheme": "bearer", "description": "An API token of a person, with some of their permissions." }
    });
    let mut used = Vec::new();
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if ["get", "put", "post", "delete", "patch", "head"].contains(&method.as_str()) {
                used.extend(operation["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string));
                operation["operationId"] = json!(operation_id(method, path));
                complete_operation(method, operation);
            }
        }
    }
    open_parts(&mut document["components"]["schemas"]);
    let tags = TAGS.iter().filter(|(name, _)| used.iter().any(|used| used == name));
    document["tags"] = tags.map(|(name, description)| json!({ "name": name, "description": description })).collect();
    document
}

/// Unique, and the same as long as the path is: "get_trace_mail" of `GET /api/v1/trace/{mail}`.
fn operation_id(method: &str, path: &str) -> String {
    let parts = path.trim_start_matches("/api/v1").split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    std::iter::once(method).chain(parts).collect::<Vec<_>>().join("_")
}

/// A shape that takes nothing else as a request may be part of a greater one in an answer: there it is written out, without that bar.
fn open_parts(schemas: &mut Value) {
    const PREFIX: &str = "#/components/schemas/";
    let all = schemas.clone();
    for part in schemas.as_object_mut().into_iter().flat_map(Map::values_mut) {
        for one in part.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
            let named = one["$ref"].as_str().and_then(|name| name.strip_prefix(PREFIX)).map(|name| all[name].clone());
            if let Some(mut whole) = named.filter(|whole| whole["additionalProperties"] == json!(false)) {
                if let Some(fields) = whole.as_object_mut() {
                    fields.remove("additionalProperties");
                }
                *one = whole;
            }
        }
    }
}

/// What an operation takes, as far as it decides what can be wrong with a request.
struct Takes {
    is_public: bool,
    has_body: bool,
    has_path: bool,
    has_any: bool,
}

fn complete_operation(method: &str, operation: &mut Value) {
    let parameters = operation["parameters"].as_array();
    let takes = Takes {
        is_public: operation["security"].as_array().is_some_and(|ways| ways.iter().all(|way| way.as_object().is_none_or(Map::is_empty))),
        has_body: operation["requestBody"].is_object(),
        has_path: parameters.is_some_and(|all| all.iter().any(|one| one["in"] == "path")),
        has_any: parameters.is_some_and(|all| !all.is_empty()),
    };
    let header = |name: &str, description: &str| json!({ "name": name, "in": "header", "required": false, "description": description, "schema": { "type": "string" } });
    let more = match method {
        "post" => vec![header("Idempotency-Key", KEY)],
        "put" | "patch" | "delete" => vec![header("If-Match", IF_MATCH)],
        "get" => vec![header("If-None-Match", IF_NONE_MATCH)],
        _ => Vec::new(),
    };
    add_parameters(operation, more);
    for (status, description) in problems(method, &takes) {
        add_response(operation, status, problem(description));
    }
    if method == "get" {
        add_response(operation, "304", json!({ "description": "It is still what you have" }));
    }
    let answers = operation["responses"].as_object_mut().into_iter().flat_map(Map::iter_mut);
    for (_, answer) in answers.filter(|(status, _)| status.as_str() == "429") {
        answer["headers"]["Retry-After"] =
            json!({ "description": "Seconds until the next request is served", "schema": { "type": "integer", "minimum": 1 } });
    }
}

/// Which problems this operation can answer besides those it names itself.
fn problems(method: &str, takes: &Takes) -> Vec<(&'static str, &'static str)> {
    let is_change = !matches!(method, "get" | "head");
    let all = [
        ("400", "The request cannot be read", true),
        ("401", "Nobody is signed in", !takes.is_public),
        ("403", "The permission is missing, or another site's page sent this", !takes.is_public || is_change),
        // A body may name what is not there.
        ("404", "There is no such thing, or it is not yours", takes.has_path || takes.has_body),
        ("409", "It cannot be done as things stand", is_change),
        ("412", "It was changed meanwhile", matches!(method, "put" | "patch" | "delete")),
        ("413", "The body is too large", takes.has_body || method == "post"),
        ("415", "The body is of another media type than this takes", takes.has_body),
        ("422", "A field is wrong", takes.has_body || takes.has_any || method == "post"),
        ("429", "Too many requests", !takes.is_public),
        ("500", "We failed", true),
    ];
    all.into_iter().filter(|(_, _, can_be)| *can_be).map(|(status, description, _)| (status, description)).collect()
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
    })
}

fn add_response(operation: &mut Value, status: &str, response: Value) {
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.entry(status).or_insert(response);
    }
}

fn add_parameters(operation: &mut Value, more: Vec<Value>) {
    if operation["parameters"].is_null() {
        operation["parameters"] = json!([]);
    }
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        let is_there = |parameters: &[Value], name: &Value| parameters.iter().any(|one| one["name"] == *name);
        for one in more {
            if !is_there(parameters, &one["name"]) {
                parameters.push(one);
            }
        }
    }
}
