//! Restricted senders: seen, told, released with a reason, and only by who may.

use crate::scene::{NOW_MS, Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use gateway::outflow::{Reason, Restricted, sql};
use mail::OrgId;
use serde_json::{Value, json};
use store::{Error, args};
use testkit::postgres::{databases, sqlite};
use web::people::Role;

async fn restrict(scene: &Scene, org: OrgId, sender: &str) {
    let one = Restricted { org, sender: sender.into(), since_ms: NOW_MS - 60_000, until_ms: 0, reason: Reason::Junk, detail: "5".into() };
    let done: Result<u64, Error> = scene.app.db.tx(move |tx| Box::pin(async move { sql::restrict(tx, &one).await })).await;
    assert_eq!(done, Ok(1));
}

async fn release(scene: &Scene, cookie: &str, sender: &str, reason: &str) -> StatusCode {
    let body = json!({ "sender": sender, "reason": reason }).to_string();
    let asked = request("POST", "/api/v1/restricted-senders/release", cookie).header("content-type", "application/json");
    scene.ask(asked.body(Body::from(body)).expect("a request")).await.status
}

#[tokio::test]
async fn a_sender_is_released_once_with_a_reason_by_who_may() {
    for database in databases() {
        let scene = Scene::new(database).await;
        restrict(&scene, scene.acme, "ann@acme.example").await;
        restrict(&scene, scene.other, "eve@other.example").await;
        let (admin, person) =
            (scene.cookie(Role::Administrator, Some(scene.acme)).await, scene.cookie(Role::Person, Some(scene.acme)).await);
        let shown = scene.get("/restricted", &admin).await;
        assert!(shown.text.contains("ann@acme.example") && !shown.text.contains("eve@"), "{}", shown.text);
        let list: Value = serde_json::from_str(&scene.get("/api/v1/restricted-senders", &admin).await.text).expect("JSON");
        assert_eq!(list["rows"][0]["reason"], "junk");
        assert_eq!(list["rows"][0]["count"], 5);
        assert_eq!(scene.get("/restricted", &person).await.status, StatusCode::FORBIDDEN);
        for (cookie, sender, reason, want, why) in [
            (&person, "ann@acme.example", "x", StatusCode::FORBIDDEN, "a person may not"),
            (&admin, "ann@acme.example", " ", StatusCode::UNPROCESSABLE_ENTITY, "without a reason"),
            (&admin, "eve@other.example", "x", StatusCode::NOT_FOUND, "another organisation's"),
            (&admin, "Ann@acme.example", "password changed", StatusCode::NO_CONTENT, "released"),
            (&admin, "ann@acme.example", "password changed", StatusCode::NOT_FOUND, "twice"),
        ] {
            assert_eq!(release(&scene, cookie, sender, reason).await, want, "{why}");
        }
        let sql = "SELECT count(*) FROM audit WHERE action = 'restricted.release'";
        let row = scene.app.db.read(move |tx| Box::pin(async move { tx.row(sql, args![]).await })).await.expect("the log is read");
        assert_eq!(row.expect("a row").int(0), Ok(1));
    }
}

#[tokio::test]
async fn the_page_asks_for_a_reason_and_then_whether_one_is_sure() {
    let scene = Scene::new(sqlite()).await;
    restrict(&scene, scene.acme, "ann@acme.example").await;
    let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let without = scene.post("/restricted/release", &admin, &[("sender", "ann@acme.example")]).await;
    assert!(without.text.contains("aria-invalid"), "{}", without.text);
    let unsure = scene.post("/restricted/release", &admin, &[("sender", "ann@acme.example"), ("reason", "password changed")]).await;
    assert!(unsure.text.contains("name=\"sure\""), "{}", unsure.text);
    let sure = [("sender", "ann@acme.example"), ("reason", "password changed"), ("sure", "1")];
    assert_eq!(scene.post("/restricted/release", &admin, &sure).await.status, StatusCode::SEE_OTHER);
    assert!(!scene.get("/restricted", &admin).await.text.contains("<h2 id=\"s-1\">"));
}

#[tokio::test]
async fn administrators_are_told_once() {
    let scene = Scene::new(sqlite()).await;
    scene.cookie(Role::Administrator, Some(scene.acme)).await;
    restrict(&scene, scene.acme, "ann@acme.example").await;
    assert_eq!(web::restricted::tell(&scene.app).await, Ok(1));
    assert_eq!(web::restricted::tell(&scene.app).await, Ok(0), "once");
}

#[tokio::test]
async fn the_bell_rings_for_who_may_release_until_it_is_done() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        restrict(&scene, scene.acme, "ann@acme.example").await;
        restrict(&scene, scene.other, "eve@other.example").await;
        let only_told = Restricted {
            org: scene.acme,
            sender: "bo@acme.example".into(),
            since_ms: NOW_MS - 60_000,
            until_ms: gateway::outflow::ONLY_TOLD_MS,
            reason: Reason::Day,
            detail: "9".into(),
        };
        let done: Result<u64, Error> = scene.app.db.tx(move |tx| Box::pin(async move { sql::restrict(tx, &only_told).await })).await;
        done.expect("told of");
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
        let bell = scene.get("/bell", &admin).await.text;
        assert!(bell.contains("ann@acme.example is restricted from sending"), "{engine}: {bell}");
        assert!(bell.contains("bo@acme.example is over its sending limit"), "{engine}: {bell}");
        assert!(!bell.contains("eve@"), "{engine}: another organisation's");
        assert!(!scene.get("/bell", &reader).await.text.contains("ann@"), "{engine}: a reader can do nothing about it");
        assert_eq!(release(&scene, &admin, "ann@acme.example", "password changed").await, StatusCode::NO_CONTENT, "{engine}");
        assert!(!scene.get("/bell", &admin).await.text.contains("ann@"), "{engine}: over");
    }
}
