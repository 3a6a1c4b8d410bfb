//! What holds for every operation of the API: once, versions, limits, problems, and a document that is true.

use crate::routes::{self, Kind};
use crate::scene::{Answer, Scene, request};
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::postgres::{databases, sqlite};
use tower::ServiceExt;
use web::App;
use web::page::Fault;
use web::people::{Person, Role};

static DONE: AtomicUsize = AtomicUsize::new(0);
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A route that counts how often it was done, one that refuses, one that tells a secret, and a number that can be read and set.
fn counting(app: &App) -> Router {
    async fn count(body: String) -> (StatusCode, Json<String>) {
        DONE.fetch_add(1, Ordering::SeqCst);
        (StatusCode::CREATED, Json(body))
    }
    async fn number(_: State<App>, _: Person) -> Json<usize> {
        Json(NUMBER.load(Ordering::SeqCst))
    }
    let secret = async || ([("cache-control", "no-store")], "secret");
    let set = async |Json(number): Json<usize>| NUMBER.store(number, Ordering::SeqCst);
    let routes = Router::new()
        .route("/api/v1/count", post(count))
        .route("/api/v1/refuse", post(async || -> Fault { Fault::NotFound }))
        .route("/api/v1/secret", post(secret))
        .route("/api/v1/number", get(number).put(set));
    web::page::guard::guard(web::api::behind_what_stands_before(routes, app), app.clone())
}

async fn ask(routes: &Router, request: Request<Body>) -> Answer {
    Answer::read(routes.clone().oneshot(request).await.expect("never fails")).await
}

fn keyed(path: &str, cookie: &str, key: &str, body: &str) -> Request<Body> {
    request("POST", path, cookie).header("idempotency-key", key).body(Body::from(body.to_string())).expect("a request")
}

#[tokio::test]
async fn what_is_sent_twice_is_done_once_for_each_person() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let routes = counting(&scene.app);
        let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let other = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let before = DONE.load(Ordering::SeqCst);
        let first = ask(&routes, keyed("/api/v1/count", &administrator, "k-1", "a")).await;
        assert_eq!((first.status, first.text.as_str()), (StatusCode::CREATED, "\"a\""));
        let again = ask(&routes, keyed("/api/v1/count", &administrator, "\"k-1\"", "a")).await;
        assert_eq!((again.status, again.text.as_str()), (StatusCode::CREATED, "\"a\""));
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(again.headers["content-type"], "application/json");
        assert_eq!(DONE.load(Ordering::SeqCst), before + 1, "once");
        let other_body = ask(&routes, keyed("/api/v1/count", &administrator, "k-1", "b")).await;
        assert_eq!((other_body.status, &other_body.json()["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &"/help/problem/invalid".into()));
        assert_eq!(ask(&routes, keyed("/api/v1/count", &other, "k-1", "b")).await.text, "\"b\"", "keys are each person's own");
        let bad = ask(&routes, keyed("/api/v1/count", &administrator, "two words", "a")).await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST);
        for _ in 0..2 {
            let refused = ask(&routes, keyed("/api/v1/refuse", &administrator, "k-2", "")).await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND, "a refusal is not kept");
        }
        assert_eq!(ask(&routes, keyed("/api/v1/secret", &administrator, "k-3", "")).await.text, "secret");
        let told = ask(&routes, keyed("/api/v1/secret", &administrator, "k-3", "")).await;
        assert_eq!(told.status, StatusCode::CONFLICT, "a secret is told once: {}", told.text);
        let large = "x".repeat((1 << 20) + 1);
        let large = ask(&routes, keyed("/api/v1/count", &administrator, "k-4", &large)).await;
        assert_eq!((large.status, &large.json()["type"]), (StatusCode::PAYLOAD_TOO_LARGE, &"/help/problem/too-large".into()));
    }
}

#[tokio::test]
async fn a_version_is_not_sent_twice_and_not_overwritten_unseen() {
    let scene = Scene::new(sqlite()).await;
    let routes = counting(&scene.app);
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let read = |tag: &str| request("GET", "/api/v1/number", &cookie).header("if-none-match", tag).body(Body::empty()).expect("a request");
    let set = |tag: &str, number: usize| {
        let request = request("PUT", "/api/v1/number", &cookie).header("if-match", tag).header("content-type", "application/json");
        request.body(Body::from(number.to_string())).expect("a request")
    };
    let first = ask(&routes, read("\"none\"")).await;
    let tag = first.headers["etag"].to_str().expect("text").to_string();
    assert_eq!(first.status, StatusCode::OK);
    for held in [tag.clone(), format!("\"x\", W/{tag}"), "*".into()] {
        let same = ask(&routes, read(&held)).await;
        assert_eq!((same.status, same.text.as_str(), &same.headers["etag"]), (StatusCode::NOT_MODIFIED, "", &first.headers["etag"]));
    }
    assert_eq!(ask(&routes, set(&tag, 7)).await.status, StatusCode::OK);
    let late = ask(&routes, set(&tag, 8)).await;
    assert_eq!((late.status, &late.json()["type"]), (StatusCode::PRECONDITION_FAILED, &"/help/problem/changed".into()));
    assert_eq!(ask(&routes, read(&tag)).await.text, "7");
    let nobody = request("PUT", "/api/v1/number", "").header("if-match", "*").body(Body::empty()).expect("a request");
    assert_eq!(ask(&routes, nobody).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let scene = Scene::new(sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let most = scene.app.settings.api_per_minute;
    let first = scene.get("/api/v1/trace", &cookie).await;
    assert_eq!(first.headers["ratelimit-policy"], format!("\"person\";q={most};w=60"));
    assert_eq!(first.headers["ratelimit"], format!("\"person\";r={};t=1", most - 1));
    for _ in 1..most {
        assert_eq!(scene.get("/api/v1/openapi.json", &cookie).await.status, StatusCode::OK);
    }
    let refused = scene.get("/api/v1/trace", &cookie).await;
    assert_eq!((refused.status, &refused.json()["type"]), (StatusCode::TOO_MANY_REQUESTS, &"/help/problem/too-many".into()));
    assert_eq!(refused.headers["retry-after"], "1");
    let other = scene.cookie(Role::Administrator, Some(scene.other)).await;
    assert_eq!(scene.get("/api/v1/trace", &other).await.status, StatusCode::OK, "each person has their own");
}

#[tokio::test]
async fn what_is_not_there_or_not_done_is_a_problem() {
    let scene = Scene::new(sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let answer = scene.get("/api/v1/nowhere", &cookie).await;
    assert_eq!((answer.status, &answer.json()["type"]), (StatusCode::NOT_FOUND, &"/help/problem/not-found".into()));
    let answer = scene.ask(request("PATCH", "/api/v1/trace", &cookie).body(Body::empty()).expect("a request")).await;
    assert_eq!((answer.status, &answer.json()["type"]), (StatusCode::METHOD_NOT_ALLOWED, &"/help/problem/method".into()));
    assert_eq!(answer.headers["allow"], "GET,HEAD");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let answer = scene.get("/api/v1/trace?before=%ff%fe", &cookie).await;
    assert!(answer.status.is_client_error() && answer.json()["status"] == answer.status.as_u16(), "{}", answer.text);
}

/// Every route of the sources is in the document and the other way round, and each operation says what can come of it.
#[tokio::test]
async fn the_document_is_complete() {
    let scene = Scene::new(sqlite()).await;
    let document = scene.get("/api/v1/openapi.json", "").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let described = routes::of_document(&document);
    let written: BTreeSet<(String, String)> = described.iter().map(|route| (route.method.clone(), route.path.clone())).collect();
    assert!(!written.is_empty());
    let ids: BTreeSet<&str> =
        described.iter().filter_map(|route| document["paths"][&route.path][route.method.to_lowercase()]["operationId"].as_str()).collect();
    assert_eq!(ids.len(), described.len(), "every operation has an identifier of its own");
    for route in &described {
        assert_eq!(route.kind, Kind::Program);
        let answer = scene.ask(request(&route.method, &route.filled(|_| "1".into()), "").body(Body::empty()).expect("a request")).await;
        let is_there =
            answer.status != StatusCode::METHOD_NOT_ALLOWED && (answer.status != StatusCode::NOT_FOUND || route.is_public(&document));
        assert!(is_there, "{} {} is described and not there: {}", route.method, route.path, answer.status);
        let operation = &document["paths"][&route.path][route.method.to_lowercase()];
        for status in ["400", "500"] {
            assert!(operation["responses"][status].is_object(), "{} {} does not say {status}", route.method, route.path);
        }
        assert!(operation["summary"].is_string() || operation["description"].is_string(), "{} {} says nothing", route.method, route.path);
        let tags = operation["tags"].as_array().cloned().unwrap_or_default();
        let is_told = |tag: &serde_json::Value| document["tags"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == *tag));
        assert!(
            !tags.is_empty() && tags.iter().all(is_told),
            "{} {} has a tag that api::document does not describe: {tags:?}",
            route.method,
            route.path
        );
    }
    let stray: Vec<_> =
        routes::of_sources().into_iter().filter(|route| route.path.starts_with("/api/") && route.path != "/api/v1/openapi.json").collect();
    assert!(stray.is_empty(), "these routes of the API are hung in without being described: {stray:?}");
}

/// Two shapes of one name would be one in the document, and programs would be told the wrong one.
#[test]
fn every_shape_has_a_name_of_its_own() {
    let mut seen = std::collections::BTreeMap::new();
    let mut open = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            if path.extension().is_none_or(|kind| kind != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source is UTF-8");
            for part in text.split("ToSchema").skip(1) {
                let head = part.lines().skip(1).find(|line| line.contains("struct ") || line.contains("enum "));
                let name = head.and_then(|line| line.split_once("struct ").or_else(|| line.split_once("enum ")).map(|(_, rest)| rest));
                let Some(name) = name.and_then(|rest| rest.split([' ', '<', '{', '(', ';']).next()) else { continue };
                // As the document calls it, where that is another name.
                let above = part.lines().skip(1).take_while(|line| !line.contains("struct ") && !line.contains("enum "));
                let called = above.filter_map(|line| line.split_once("schema(as = ")).find_map(|(_, rest)| rest.split(')').next());
                let name = called.unwrap_or(name);
                if part.starts_with([')', ',']) {
                    let before = seen.insert(name.to_string(), path.clone());
                    assert!(before.is_none(), "{name} is in {} and in {}", path.display(), before.unwrap_or_default().display());
                }
            }
        }
    }
    assert!(seen.len() > 30, "only {} shapes were found", seen.len());
}
