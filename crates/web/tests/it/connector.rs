//! Connectors: made, tried against next hops with faults, changed, removed.

use crate::scene::{Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use mail::dns::Zone;
use store::{Error, args};
use testkit::postgres::{databases, sqlite};
use testkit::sink::{Fault, Sink, SinkSettings};
use web::people::Role;
use web::people::sql::NewPerson;

async fn json(scene: &Scene, method: &str, path: &str, cookie: &str, body: &str) -> crate::scene::Answer {
    let request = request(method, path, cookie).header("content-type", "application/json");
    scene.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

/// Who runs the service and acts in acme: may name the addresses of a sink.
async fn operator(scene: &Scene) -> String {
    let person = NewPerson { email: "op@acme.example".into(), name: String::new(), role: Role::Operator, org: Some(scene.acme) };
    scene.cookie_of(&person).await
}

async fn count(scene: &Scene, sql: &'static str) -> i64 {
    let found: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.row(sql, args![]).await })).await;
    found.expect("read").map_or(0, |row| row.int(0).expect("a number"))
}

fn form<'a>(host: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("name", "server"),
        ("kind", "server"),
        ("hosts", host),
        ("protocol", "smtp"),
        ("tls", "opportunistic"),
        ("allow_private", "on"),
    ];
    form.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    form.extend_from_slice(more);
    form
}

#[tokio::test]
async fn a_server_is_connected_and_the_dialogue_is_seen() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = operator(&scene).await;
        let sink = Sink::start(SinkSettings { tls: true, ..SinkSettings::knowing("AUTH PLAIN") }).await;
        let host = sink.address.to_string();
        let login = [("login", "me"), ("password", "top-secret")];
        let made = scene.post("/connectors", &cookie, &form(&host, &login)).await;
        assert_eq!((made.status, made.to()), (StatusCode::SEE_OTHER, "/connectors/server"), "{}", made.text);
        assert!(scene.app.directory.snapshot().connectors.contains_key("server"));
        let tried = scene.post("/connectors/server/validation", &cookie, &[("to", "li@acme.example"), ("send", "on")]).await;
        assert_eq!(tried.status, StatusCode::SEE_OTHER, "{}", tried.text);
        let page = scene.get("/connectors/server/validation", &cookie).await.text;
        for seen in
            ["EHLO mx.gatepost.example", "TLSv1.3", "AUTH PLAIN ********", "RCPT TO:&lt;li@acme.example&gt;", "The test mail was taken"]
        {
            assert!(page.contains(seen) || page.contains(&seen.replace("&lt;", "&#60;").replace("&gt;", "&#62;")), "{seen}: {page}");
        }
        assert!(!page.contains("top-secret"));
        assert_eq!(sink.count(), 1);
        let shown = scene.get("/api/v1/connectors/server", &cookie).await;
        assert!(!shown.text.contains("password") && !shown.text.contains("top-secret"), "{}", shown.text);
        assert_eq!(scene.get("/api/v1/connectors/server/validate", &cookie).await.json()["result"], "advice", "a certificate nobody knows");
        assert_eq!(count(&scene, "SELECT count(*) FROM audit WHERE action LIKE 'connector.%' AND detail NOT LIKE '%top-secret%'").await, 2);
    }
}

#[tokio::test]
async fn what_is_tried_changes_nothing_until_it_is_saved() {
    let scene = Scene::new(sqlite()).await;
    let cookie = operator(&scene).await;
    let (good, bad) = (Sink::start(SinkSettings::default()).await, Sink::start(SinkSettings::with(Fault::Busy)).await);
    let (good, bad) = (good.address.to_string(), bad.address.to_string());
    scene.post("/connectors", &cookie, &form(&good, &[])).await;
    let other = scene.post("/connectors/server", &cookie, &form(&bad, &[("verb", "check")])).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "a port that was never saved is not tried");
    let tried = scene.post("/connectors/server", &cookie, &form(&good, &[("verb", "check"), ("tls", "required")])).await;
    assert_eq!(tried.status, StatusCode::OK);
    assert_eq!(scene.app.directory.snapshot().connectors["server"].hosts, std::slice::from_ref(&good));
    assert_eq!(count(&scene, "SELECT count(*) FROM check_result").await, 0, "and is not kept as the result of what is saved");
    scene.post("/connectors/server", &cookie, &form(&bad, &[])).await;
    scene.post("/connectors/server/validation", &cookie, &[]).await;
    let page = scene.get("/connectors/server/validation", &cookie).await.text;
    assert!(page.contains("421") && page.contains("Does not want to talk to us now"), "{page}");
}

#[tokio::test]
async fn nobody_looks_around_in_our_network() {
    let scene = Scene::with_dns(sqlite(), Zone::new()).await;
    let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let private = scene.post("/connectors", &administrator, &form("10.0.0.1", &[])).await;
    assert_eq!(private.status, StatusCode::UNPROCESSABLE_ENTITY, "one of two organisations does not name private addresses");
    let public = scene
        .post("/connectors", &administrator, &[("name", "server"), ("kind", "server"), ("hosts", "127.0.0.1:25"), ("tls", "off")])
        .await;
    assert_eq!(public.status, StatusCode::SEE_OTHER);
    scene.post("/connectors/server/validation", &administrator, &[]).await;
    let result = scene.get("/api/v1/connectors/server/validate", &administrator).await.json();
    assert!(result["no_host"].as_str().is_some_and(|why| why.contains("private")), "{result}");
    let reader = scene.cookie(Role::HelpDesk, Some(scene.acme)).await;
    assert_eq!(scene.post("/connectors/server/validation", &reader, &[]).await.status, StatusCode::FORBIDDEN);
    let mut last = StatusCode::OK;
    for _ in 0..25 {
        last = scene.post("/connectors/server/validation", &administrator, &[]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_name_of_another_organisation_is_not_told_and_not_overwritten() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let (ours, theirs) =
            (scene.cookie(Role::Administrator, Some(scene.acme)).await, scene.cookie(Role::Administrator, Some(scene.other)).await);
        let body = r#"{"name":"server","hosts":["mx.a.example"],"tls":"verified"}"#;
        assert_eq!(json(&scene, "POST", "/api/v1/connectors", &theirs, body).await.json()["name"], "server");
        assert_eq!(
            json(&scene, "POST", "/api/v1/connectors", &ours, body).await.json()["name"],
            "server-2",
            "a number, as if it were one's own"
        );
        assert_eq!(json(&scene, "PUT", "/api/v1/connectors/server", &ours, body).await.status, StatusCode::NOT_FOUND);
        assert_eq!(json(&scene, "POST", "/api/v1/connectors", &theirs, body).await.status, StatusCode::UNPROCESSABLE_ENTITY, "twice");
    }
}

#[tokio::test]
async fn one_that_is_used_stays() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = operator(&scene).await;
        scene.post("/connectors", &cookie, &[("name", "server"), ("kind", "server"), ("hosts", "mx.a.example"), ("tls", "off")]).await;
        scene.post("/domains", &cookie, &[("name", "made.example")]).await;
        scene.post("/domains/made.example/vouch", &cookie, &[("reason", "test")]).await;
        let form = [("kind", "authoritative"), ("recipients", "any"), ("connector", "server")];
        assert_eq!(scene.post("/domains/made.example", &cookie, &form).await.status, StatusCode::SEE_OTHER);
        assert_eq!(scene.app.directory.snapshot().inbound_route("made.example"), "server");
        let asked = scene.post("/connectors/server/remove", &cookie, &[]).await;
        assert!(asked.text.contains("name=\"sure\""));
        let used = scene.post("/connectors/server/remove", &cookie, &[("sure", "1")]).await;
        assert!(used.status == StatusCode::CONFLICT && used.text.contains("made.example"), "{}", used.text);
        scene.post("/domains/made.example", &cookie, &[("kind", "authoritative"), ("recipients", "any"), ("connector", "")]).await;
        assert_eq!(scene.post("/connectors/server/remove", &cookie, &[("sure", "1")]).await.to(), "/connectors");
        assert_eq!(scene.get("/connectors/server", &cookie).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn inbound_connectors_are_kept_and_followed() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let form = [("name", "front"), ("addresses", "8.8.8.0/28"), ("relay", "on"), ("skip", "listed"), ("skip_addresses", "9.9.9.9")];
        assert_eq!(scene.post("/inbound", &cookie, &form).await.to(), "/inbound/front");
        assert_eq!(scene.post("/inbound", &cookie, &form).await.status, StatusCode::UNPROCESSABLE_ENTITY, "twice");
        let directory = scene.app.directory.snapshot();
        let inbound = &directory.inbound[&scene.acme][0];
        assert!(inbound.is_from("8.8.8.3".parse().expect("an address"), &[]) && inbound.relay);
        let page = scene.get("/inbound/front", &cookie).await.text;
        assert!(page.contains("8.8.8.0/28") && page.contains("9.9.9.9"));
        let wide = json(&scene, "PUT", "/api/v1/inbound-connectors/front", &cookie, r#"{"addresses":["8.0.0.0/7"],"relay":true}"#).await;
        assert_eq!(wide.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(scene.post("/inbound/front/remove", &cookie, &[("sure", "1")]).await.to(), "/connectors");
        assert!(!scene.app.directory.snapshot().inbound.contains_key(&scene.acme));
    }
}
