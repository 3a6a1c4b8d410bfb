//! What is left out of what is promised: maintenance of mail intake that was planned, once, and for those it concerns.

use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use gateway::health::Service;
use store::Error;
use testkit::postgres::databases;
use web::health::Text;
use web::health::message::{self, Message};
use web::people::Role;

const MINUTE_MS: i64 = 60_000;
/// 10 November 2026, 02:00 UTC.
const NIGHT_MS: i64 = NOW_MS - (14 * 24 + 10) * 60 * MINUTE_MS;

/// Writes a window: whose, of what, from which minute of the night to which.
async fn plan(scene: &Scene, org: i64, services: &[Service], (from, to): (i64, i64)) {
    let mut message = Message {
        org,
        is_maintenance: true,
        category: "planForChange".into(),
        severity: "normal".into(),
        starts_ms: NIGHT_MS + from * MINUTE_MS,
        ends_ms: Some(NIGHT_MS + to * MINUTE_MS),
        ..Message::default()
    };
    (message.body.title, message.body.services) = (Text::written("New disks", ""), services.to_vec());
    let put: Result<i64, Error> = scene.app.db.tx(move |tx| Box::pin(async move { message::put(tx, &message).await })).await;
    put.expect("planned");
}

#[tokio::test]
async fn only_what_was_planned_for_whom_it_concerns_is_left_out() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        plan(&scene, 0, &[Service::Intake], (0, 60)).await;
        plan(&scene, 0, &[Service::Trace, Service::Intake], (30, 90)).await;
        plan(&scene, 0, &[Service::Trace], (100, 200)).await;
        plan(&scene, scene.acme.0, &[], (300, 360)).await;
        plan(&scene, scene.other.0, &[Service::Intake], (400, 445)).await;
        for (org, want) in [(scene.acme, 150), (scene.other, 135)] {
            let administrator = scene.cookie(Role::Administrator, Some(org)).await;
            let lines = scene.get("/api/v1/health/ledger?month=2026-11", &administrator).await.json();
            assert_eq!(lines[0]["excluded"], want, "{engine}: {lines}");
        }
    }
}

#[tokio::test]
async fn nobody_plans_what_was() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let operator = scene.cookie(Role::Operator, None).await;
        for (starts, is_fine) in [("2026-11-24T09:00", false), ("2026-11-24T11:58", true), ("2026-11-24T13:00", true)] {
            let form = [
                ("kind", "maintenance"),
                ("service", "intake"),
                ("title_en", "New disks"),
                ("starts", starts),
                ("ends", "2026-11-24T14:00"),
                ("is_short", "on"),
            ];
            let answer = scene.post("/health/messages", &operator, &form).await;
            let want = if is_fine { StatusCode::SEE_OTHER } else { StatusCode::UNPROCESSABLE_ENTITY };
            assert_eq!(answer.status, want, "{starts}: {}", answer.text);
            assert!(is_fine || answer.text.contains("cannot begin in the past"), "{}", answer.text);
        }
    }
}
