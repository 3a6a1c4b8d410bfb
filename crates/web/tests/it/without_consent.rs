//! An engineer whom an organisation let see nothing: every method of every route, pages and API, with what its own people would send.
//!
//! What is sent is not made up: forms are those of the pages as the organisation's administrator gets them, filled; bodies of programs
//! follow from the described document.

use crate::routes::{Kind, Route, all, rows_of};
use crate::scene::{Answer, Scene, request};
use crate::things::{MARK, Things, things};
use axum::body::Body;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::{Error, args};
use testkit::postgres::{Database, databases};
use web::WebSettings;
use web::people::Role;

const OF_SUPPORT: [Role; 2] = [Role::SupportEngineer, Role::AccountManager];
/// Objects within objects of a body that are filled.
const DEEP_MAX: usize = 6;
/// Tables that answering a request may change: the request's own, the letters about it, the log.
const OF_REQUESTS: &[&str] =
    &["request_", "service_request", "audit", "mail", "recipient", "event", "mail_body", "queue", "receipt", "webhook_"];

/// Routes where an engineer reads and answers what organisations wrote to support.
fn is_request(route: &Route) -> bool {
    ["/requests", "/api/v1/requests", "/api/v1/request-", "/support", "/api/v1/support"].iter().any(|begin| route.path.starts_with(begin))
}

/// A scene in which nobody asks too often.
async fn scene(database: Database) -> Scene {
    Scene::with(database, mail::dns::Zone::new(), WebSettings { api_per_minute: 1_000_000, ..WebSettings::default() }).await
}

/// Every route but those for everybody; a stream does not end.
fn routes(document: &Value) -> Vec<Route> {
    all(document).into_iter().filter(|route| !route.is_listed_public() && !route.path.ends_with("/stream")).collect()
}

/// Forms by the path they are sent to: each a list of names and values.
type Forms = BTreeMap<String, Vec<Vec<(String, String)>>>;

/// The forms of every page as the organisation's administrator sees it.
async fn forms(scene: &Scene, there: &Things, document: &Value) -> Forms {
    let owner = scene.cookie(Role::Administrator, Some(scene.other)).await;
    let mut found = Forms::new();
    for route in routes(document).iter().filter(|route| route.kind == Kind::Page && route.method == "GET") {
        let path = route.filled(|name| there.value(&route.path, name));
        for (action, fields) in forms_of(&scene.get(&path, &owner).await.text, &path) {
            let all = found.entry(action).or_default();
            if !all.contains(&fields) {
                all.push(fields);
            }
        }
    }
    found
}

/// Forms of one page that post: where to, and what; two for each button.
fn forms_of(html: &str, here: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found = Vec::new();
    for text in html.split("<form").skip(1) {
        let form = text.split("</form>").next().unwrap_or_default();
        let head = form.split('>').next().unwrap_or_default();
        if value(head, "method").as_deref() != Some("post") {
            continue;
        }
        let to = value(head, "action").unwrap_or_else(|| here.to_string());
        let action = to.split(['?', '#']).next().unwrap_or_default().to_string();
        let mut fields = Vec::new();
        let mut buttons: Vec<Option<(String, String)>> = vec![None];
        for tag in form.split('<').filter_map(|tag| tag.split('>').next()) {
            let Some(name) = value(tag, "name") else { continue };
            let typed = value(tag, "value").unwrap_or_default();
            if tag.starts_with("button") {
                buttons.push(Some((name, typed)));
            } else if ["input", "textarea", "select"].iter().any(|kind| tag.starts_with(kind)) {
                fields.push((name.clone(), if typed.is_empty() { filled(&name, tag) } else { typed }));
            }
        }
        // As it is sent, and with the yes that what cannot be undone asks for.
        for (button, sure) in buttons.iter().flat_map(|button| [(button, false), (button, true)]) {
            let yes = sure.then(|| ("sure".to_string(), "1".to_string()));
            found.push((action.clone(), fields.iter().cloned().chain(button.clone()).chain(yes).collect()));
        }
    }
    found
}

/// The value of an attribute, if the tag has it.
fn value(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
    rest.split('"').next().map(|text| text.replace("&#34;", "\"").replace("&#39;", "'").replace("&amp;", "&"))
}

/// What somebody might type.
fn filled(name: &str, tag: &str) -> String {
    let is = |kind: &str| tag.contains(&format!("type=\"{kind}\""));
    match name {
        "severity" => "a".into(),
        _ if is("number") => "5".into(),
        _ if is("email") || name.contains("address") || name.contains("mail") => "somebody@other.example".into(),
        _ if is("datetime-local") => "2026-11-25T10:00".into(),
        _ if is("checkbox") => "on".into(),
        _ => "words".into(),
    }
}

/// A body that the schema of an operation allows; `None` when it takes no JSON.
fn body_of(document: &Value, route: &Route) -> Option<Value> {
    let operation = &document["paths"][&route.path][route.method.to_lowercase()];
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    schema.is_object().then(|| example(document, schema, ("", 0)))
}

fn example(document: &Value, schema: &Value, (name, depth): (&str, usize)) -> Value {
    let deeper = |schema: &Value| example(document, schema, (name, depth + 1));
    if depth > DEEP_MAX {
        return Value::Null;
    }
    if let Some(place) = schema["$ref"].as_str() {
        return deeper(document.pointer(place.trim_start_matches('#')).expect("a schema"));
    }
    if let Some(some) = schema["enum"].as_array() {
        return some.first().cloned().unwrap_or_default();
    }
    for one_of in ["oneOf", "anyOf"] {
        if let Some(some) = schema[one_of].as_array() {
            return some.iter().find(|one| one["type"] != "null").map(deeper).unwrap_or_default();
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let whole: Map<String, Value> = parts.iter().filter_map(|part| deeper(part).as_object().cloned()).flatten().collect();
        return Value::Object(whole);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].as_array()?.iter().filter_map(Value::as_str).find(|kind| *kind != "null"));
    match kind {
        Some("object") => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            let made = fields.iter().map(|(name, schema)| (name.clone(), example(document, schema, (name, depth + 1))));
            Value::Object(made.collect())
        }
        Some("array") => json!([deeper(&schema["items"])]),
        Some("integer" | "number") => json!(5),
        Some("boolean") => json!(true),
        Some("string") => json!(text_of(name)),
        _ => Value::Null,
    }
}

fn text_of(name: &str) -> &'static str {
    match name {
        "severity" => "a",
        "effect" => "allow",
        "kind" => "domain",
        "value" | "domain" => "stranger.example",
        "address" | "email" | "recipient" | "sender" | "to" | "from" => "somebody@other.example",
        "verb" => "approve",
        "role" => "administrator",
        _ => "words",
    }
}

async fn asked(scene: &Scene, route: &Route, path: &str, (cookie, body): (&str, Option<&str>)) -> Answer {
    let request = request(&route.method, path, cookie).header("sec-fetch-site", "same-origin");
    let kind = if route.kind == Kind::Page { "application/x-www-form-urlencoded" } else { "application/json" };
    let sent = match body {
        Some(body) => request.header("content-type", kind).body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    };
    scene.ask(sent.expect("a request")).await
}

/// What is sent to a route: what its own people would, and what does the most.
fn bodies(document: &Value, forms: &Forms, route: &Route, path: &str) -> Vec<Option<String>> {
    if route.method == "GET" || route.method == "DELETE" {
        return vec![None];
    }
    if route.kind == Kind::Program {
        return [body_of(document, route), Some(json!({}))].into_iter().flatten().map(|body| Some(body.to_string())).collect();
    }
    let pair = |(name, value): &(String, String)| web::page::guard::form_pair(name, value);
    let written = |fields: &Vec<(String, String)>| Some(fields.iter().map(pair).collect::<Vec<_>>().join("&"));
    let of_pages = forms.get(path).into_iter().flatten().map(written);
    of_pages.chain([Some("sure=1".to_string())]).collect()
}

/// Which tables differ, of what is the organisation's.
async fn changed(scene: &Scene, before: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let now = rows_of(scene, scene.other).await;
    before.keys().filter(|table| now.get(*table) != before.get(*table)).cloned().collect()
}

#[tokio::test]
async fn nothing_is_shown_and_nothing_changed_by_any_method_of_any_route() {
    for database in databases() {
        let engine = database.engine;
        let scene = scene(database).await;
        let there = things(&scene, scene.other).await;
        let document = scene.get("/api/v1/openapi.json", "").await.json();
        let forms = forms(&scene, &there, &document).await;
        assert!(forms.len() > 30, "{engine}: only {} forms were found, so this test would find little", forms.len());
        let (mut tried, mut acts) = (BTreeSet::new(), 0);
        for role in OF_SUPPORT {
            let before = rows_of(&scene, scene.other).await;
            for route in routes(&document).iter().filter(|route| !is_request(route)) {
                let path = route.filled(|name| there.value(&route.path, name));
                tried.insert((route.method.clone(), route.path.clone()));
                for body in bodies(&document, &forms, route, &path) {
                    // Some routes end the session.
                    let cookie = scene.cookie(role, None).await;
                    let answer = asked(&scene, route, &path, (&cookie, body.as_deref())).await;
                    let what = format!("{engine}: {} {path} with {body:?} as a {}: {}", route.method, role.name(), answer.status);
                    acts += usize::from(body.is_some());
                    assert!(!answer.status.is_server_error(), "{what}: {}", answer.text);
                    // What was sent may come back; what is there may not.
                    let sent = body.clone().unwrap_or_default();
                    let shown = answer.text.replace(&path, "");
                    assert!(!shown.contains(MARK) || sent.contains(MARK), "{what} shows what is of an organisation");
                    if !route.placeholders().is_empty() && !route.is_of_service() {
                        let is_refused = answer.status.is_client_error() && answer.status.as_u16() != 401;
                        assert!(is_refused || route.method == "GET", "{what}");
                    }
                }
            }
            assert_eq!(changed(&scene, &before).await, BTreeSet::new(), "{engine}: a {} changed what is not theirs", role.name());
        }
        assert!(tried.len() > 200 && acts > 300, "{engine}: {} routes, {acts} bodies", tried.len());
    }
}

/// Takes the mark out of what the organisation itself wrote to support, so that it stands only in what it did not.
async fn unmarked(scene: &Scene) {
    const TEXTS: &[(&str, &[&str])] = &[
        ("service_request", &["title", "description"]),
        ("request_event", &["body", "detail"]),
        ("request_file", &["name"]),
        ("request_copy", &["address"]),
        ("request_proposal", &["what", "why"]),
        ("request_read", &["who"]),
    ];
    for (table, columns) in TEXTS {
        for column in *columns {
            let sql = format!("UPDATE {table} SET {column} = REPLACE({column}, '{MARK}', 'asked')");
            let done: Result<_, Error> = scene.app.db.tx(move |tx| Box::pin(async move { tx.rows(&sql, args![]).await })).await;
            done.expect("a change");
        }
    }
    let octets = bytes::Bytes::from_static(b"550 asked");
    let done: Result<_, Error> =
        scene.app.db.tx(move |tx| Box::pin(async move { tx.run("UPDATE request_piece SET octets = $1", args![octets]).await })).await;
    done.expect("a change");
}

#[tokio::test]
async fn what_was_written_to_support_leads_to_nothing_else() {
    for database in databases() {
        let engine = database.engine;
        let scene = scene(database).await;
        let there = things(&scene, scene.other).await;
        let document = scene.get("/api/v1/openapi.json", "").await.json();
        let forms = forms(&scene, &there, &document).await;
        unmarked(&scene).await;
        for role in OF_SUPPORT {
            let (before, mut seen) = (rows_of(&scene, scene.other).await, 0);
            for route in routes(&document).iter().filter(|route| is_request(route)) {
                let path = route.filled(|name| there.value(&route.path, name));
                for body in bodies(&document, &forms, route, &path) {
                    // What is sent here is what support writes itself.
                    let body = body.map(|body| body.replace(MARK, "asked"));
                    let cookie = scene.cookie(role, None).await;
                    let answer = asked(&scene, route, &path, (&cookie, body.as_deref())).await;
                    let what = format!("{engine}: {} {path} with {body:?} as a {}: {}", route.method, role.name(), answer.status);
                    seen += usize::from(answer.text.contains("asked is late"));
                    assert!(!answer.status.is_server_error(), "{what}: {}", answer.text);
                    let shown = answer.text.replace(&path, "");
                    let around =
                        shown.split(MARK).next().map(|before| before.chars().rev().take(200).collect::<Vec<char>>().into_iter().rev());
                    let around: String = around.into_iter().flatten().collect();
                    assert!(!shown.contains(MARK), "{what} shows what was not written to support, behind {around}");
                }
            }
            assert!(seen > 2, "{engine}: a {} does not even see the request, so this test would find nothing", role.name());
            let others: Vec<String> = changed(&scene, &before)
                .await
                .into_iter()
                .filter(|table| !OF_REQUESTS.iter().any(|begin| table.starts_with(begin)))
                .collect();
            assert_eq!(others, Vec::<String>::new(), "{engine}: a {} changed what is not theirs", role.name());
        }
    }
}

#[test]
fn forms_are_found_as_a_browser_would_send_them() {
    let html = "<form method=\"get\" action=\"/x\"><input name=\"q\"></form><form method=\"post\" action=\"/a/1?b=2\"><input type=\"hidden\" name=\"n\" value=\"7\">\
                <input id=\"e\" name=\"copy\" type=\"email\"><button name=\"verb\" value=\"go\">Go</button></form>";
    let pairs = |fields: &[(&str, &str)]| fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect::<Vec<_>>();
    let fields = [("n", "7"), ("copy", "somebody@other.example")];
    let with = |more: &[(&'static str, &'static str)]| ("/a/1".to_string(), pairs(&[&fields[..], more].concat()));
    let (go, sure) = (("verb", "go"), ("sure", "1"));
    assert_eq!(forms_of(html, "/here"), [with(&[]), with(&[sure]), with(&[go]), with(&[go, sure])]);
}
