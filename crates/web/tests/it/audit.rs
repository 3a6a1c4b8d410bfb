//! The audit log for programs: every line once and in order, never another organisation's.

use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use mail::{OrgId, PersonId};
use serde_json::Value;
use store::Error;
use testkit::postgres::{databases, sqlite};
use web::audit::Entry;
use web::audit::sql::{Who, insert};
use web::people::Role;

const HOUR_MS: i64 = 3_600_000;

/// Writes `count` lines of `org`, a second after the other from `at_ms` on.
async fn write(scene: &Scene, org: OrgId, at_ms: i64, count: i64) {
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                for n in 0..count {
                    let who = Who { person: PersonId(1), address: if n % 2 == 0 { "ann@acme.example" } else { "bo@acme.example" }, ip: "" };
                    let entry = Entry::new(Some(org), "rules.change", format!("rule {n} of {org}"));
                    insert(tx, who, gateway::trace::first_id_at(at_ms + n * 1_000).0 + (org.0 & 0xff), &entry).await?;
                }
                Ok(())
            })
        })
        .await;
    done.expect("lines are written");
}

async fn export(scene: &Scene, cookie: &str, query: &str) -> Vec<Value> {
    let answer = scene.get(&format!("/api/v1/audit/export?{query}"), cookie).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    assert!(answer.text.is_empty() || answer.text.ends_with('\n'), "whole lines");
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
}

fn id(line: &Value) -> String {
    line["id"].as_str().expect("an identifier").to_string()
}

#[tokio::test]
async fn every_line_comes_once_and_in_order() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        write(&scene, scene.acme, NOW_MS - HOUR_MS, 1_200).await;
        write(&scene, scene.other, NOW_MS - HOUR_MS, 20).await;
        let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
        let all = export(&scene, &reader, "").await;
        assert_eq!(all.len(), 1_200, "{engine}: more than one page of the database");
        assert!(all.windows(2).all(|two| id(&two[0]) < id(&two[1])), "{engine}: oldest first");
        let own = scene.acme.to_string();
        assert!(all.iter().all(|line| line["organisation"] == own.as_str()), "{engine}: nobody else's");
        // In parts, as a program does that is stopped now and then.
        let (mut parts, mut after, mut rounds) = (Vec::new(), String::new(), 0);
        loop {
            let part = export(&scene, &reader, &format!("limit=500&after={after}")).await;
            rounds += 1;
            let Some(last) = part.last() else { break };
            after = id(last);
            parts.extend(part);
        }
        assert_eq!((parts == all, rounds), (true, 4), "{engine}: each line once, and an empty answer at the end");
        let since = export(&scene, &reader, "since=2026-11-24T11:10:00Z&until=2026-11-24T11:11:00Z").await;
        assert_eq!(since.len(), 60, "{engine}: a minute");
        let of_ann = export(&scene, &reader, "who=ann%40&action=rules.change&limit=3").await;
        assert!(of_ann.len() == 3 && of_ann.iter().all(|line| line["who"] == "ann@acme.example"), "{engine}: {of_ann:?}");
    }
}

#[tokio::test]
async fn what_may_not_be_whole_yet_waits() {
    let scene = Scene::new(sqlite()).await;
    write(&scene, scene.acme, NOW_MS - 12_000, 6).await;
    let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
    let lines = export(&scene, &reader, "").await;
    assert_eq!(lines.len(), 2, "those that are older than ten seconds: {lines:?}");
}

#[tokio::test]
async fn only_who_may_see_the_log_exports_it_and_what_is_wrong_is_said() {
    let scene = Scene::new(sqlite()).await;
    for role in [Role::Person, Role::HelpDesk] {
        let cookie = scene.cookie(role, Some(scene.acme)).await;
        assert_eq!(scene.get("/api/v1/audit/export", &cookie).await.status, StatusCode::FORBIDDEN, "{}", role.name());
    }
    let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
    for (query, field) in [
        ("after=x", "/after"),
        ("limit=0", "/limit"),
        ("limit=100001", "/limit"),
        ("since=yesterday", "/since"),
        ("until=x&limit=x", "/until"),
    ] {
        let answer = scene.get(&format!("/api/v1/audit/export?{query}"), &reader).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", answer.text);
        assert_eq!(answer.json()["errors"][0]["pointer"], field, "{query}");
    }
    assert!(scene.get("/audit", &reader).await.text.contains("/api/v1/audit/export"), "the page leads there");
}
