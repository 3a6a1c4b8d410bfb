//! The desk of support: clocks that both sides see, queues by what is due first, plans in versions, and who sees what.

use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use mail::id::RequestId;
use mail::{OrgId, PersonId};
use serde_json::json;
use store::{Error, args};
use testkit::postgres::databases;
use web::page::Fault;
use web::people::Role;
use web::service_request::change::{self, At, New};
use web::service_request::{Area, By, Contact, Impact, Kind, Severity, Side, Via, Way};
use web::support_desk::keep;

const HOUR_MS: i64 = 60 * 60 * 1000;

fn new(org: OrgId, severity: Severity, title: &str) -> New {
    New {
        org,
        title: title.into(),
        description: "Mail to partners waits.".into(),
        kind: Kind::Technical,
        area: Area::MailFlow,
        severity,
        impact: Impact::default(),
        contact: Contact { way: Way::Web, number: String::new(), hours: String::new(), lang: String::new() },
        lang: "en".into(),
        copies: Vec::new(),
        evidence: Vec::new(),
        files: Vec::new(),
        queue: String::new(),
    }
}

/// A request that was opened so long before now.
async fn opened(scene: &Scene, (org, ago_ms): (OrgId, i64), severity: Severity, title: &str) -> RequestId {
    let by = By {
        side: Side::Requester,
        via: Via::Web,
        person: PersonId(7),
        address: "alice@acme.example".into(),
        name: "Alice".into(),
        ip: String::new(),
        token: None,
    };
    let at = At { app: scene.app.clone(), by, now_ms: NOW_MS - ago_ms };
    let new = new(org, severity, title);
    let scope = gateway::scope::OrgScope::One(org);
    let done: Result<RequestId, Fault> = scene.app.db.tx(move |tx| Box::pin(async move { change::open(tx, &at, scope, new).await })).await;
    done.expect("a request")
}

async fn support(scene: &Scene) -> String {
    keep::ship(&scene.app).await.expect("plans");
    scene.cookie(Role::SupportEngineer, None).await
}

#[tokio::test]
async fn both_sides_see_the_same_clocks_and_nobody_else_does() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let engineer = support(&scene).await;
        // Tuesday 10:00 UTC: eight hours of the standard plan end on Wednesday at 10:00.
        let id = opened(&scene, (scene.acme, 2 * HOUR_MS), Severity::C, "Waiting mail").await;
        let path = format!("/api/v1/requests/{id}/clocks");
        let seen = scene.get(&path, &engineer).await;
        assert_eq!(seen.status, StatusCode::OK, "{engine}: {}", seen.text);
        let first = &seen.json()["clocks"][0];
        assert_eq!(first["clock"], "first-response", "{engine}: {}", seen.text);
        assert_eq!((&first["left_minutes"], &first["due"]), (&json!(360), &json!("2026-11-25T10:00:00.000Z")), "{engine}");
        assert_eq!(seen.json()["ball"], "support");
        assert!(first["why"][0].as_str().is_some_and(|why| why.contains("Mo-Fr 09:00-17:00")), "{engine}: {}", seen.text);
        let own = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert_eq!(scene.get(&path, &own).await.json()["clocks"], seen.json()["clocks"], "{engine}: its own side");
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(scene.get(&path, &stranger).await.status, StatusCode::NOT_FOUND, "{engine}: another organisation");
        for place in ["/support", "/support/plans", "/support/me", "/support/replies", "/support/report", "/api/v1/support/queue"] {
            assert_eq!(scene.get(place, &own).await.status, StatusCode::FORBIDDEN, "{engine}: {place} is support's");
            assert_eq!(scene.get(place, &engineer).await.status, StatusCode::OK, "{engine}: {place}");
        }
        let page = scene.get(&format!("/support/{id}"), &engineer).await;
        assert!(page.status.is_success() && page.text.contains("Waiting mail"), "{engine}: {}", page.status);
        assert_eq!(scene.get(&format!("/support/{id}"), &own).await.status, StatusCode::FORBIDDEN, "{engine}");
    }
}

#[tokio::test]
async fn queues_show_what_is_due_first_and_answers_move_it() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let engineer = support(&scene).await;
        let calm = opened(&scene, (scene.acme, HOUR_MS), Severity::C, "calm").await;
        let late = opened(&scene, (scene.other, 3 * HOUR_MS), Severity::A, "late").await;
        let soon = opened(&scene, (scene.acme, HOUR_MS / 2), Severity::A, "soon").await;
        let queue = |view: &str| format!("/api/v1/support/queue?view={view}");
        let titles = |answer: &crate::scene::Answer| -> Vec<String> {
            let rows = answer.json()["rows"].as_array().cloned().unwrap_or_default();
            rows.iter().map(|row| row["title"].as_str().unwrap_or_default().to_string()).collect()
        };
        let all = scene.get(&queue("ours"), &engineer).await;
        assert_eq!(titles(&all), ["late", "soon", "calm"], "{engine}: {}", all.text);
        assert_eq!(titles(&scene.get(&queue("breached"), &engineer).await), ["late"], "{engine}");
        assert_eq!(titles(&scene.get(&queue("due-soon"), &engineer).await), ["soon"], "{engine}");
        assert_eq!(scene.get(&queue("nonsense"), &engineer).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        let of_acme = scene.get(&format!("/api/v1/support/queue?org={}", scene.acme), &engineer).await;
        assert_eq!(titles(&of_acme), ["soon", "calm"], "{engine}");
        // Taken and answered, it waits for the requester, and nothing is due.
        for action in [json!({ "verb": "take" }), json!({ "verb": "reply", "body": "Which partner?" })] {
            let done = scene.send("POST", &format!("/api/v1/support/requests/{soon}"), &engineer, action).await;
            assert_eq!(done.status, StatusCode::NO_CONTENT, "{engine}: {}", done.text);
        }
        assert_eq!(titles(&scene.get(&queue("mine"), &engineer).await), ["soon"], "{engine}");
        assert_eq!(titles(&scene.get(&queue("due-soon"), &engineer).await), Vec::<String>::new(), "{engine}");
        let clocks = scene.get(&format!("/api/v1/requests/{soon}/clocks"), &engineer).await.json();
        assert_eq!((&clocks["ball"], &clocks["clocks"][0]["standing"]), (&json!("requester"), &json!("met")), "{engine}: {clocks}");
        // A note stops nothing.
        let note = json!({ "verb": "note", "body": "looks like DNS" });
        scene.send("POST", &format!("/api/v1/support/requests/{late}"), &engineer, note).await;
        assert_eq!(titles(&scene.get(&queue("breached"), &engineer).await), ["late"], "{engine}");
        // Joined to one of another organisation: there is no such request.
        let merge = json!({ "verb": "merge", "into": late.to_string() });
        let refused = scene.send("POST", &format!("/api/v1/support/requests/{calm}"), &engineer, merge).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: {}", refused.text);
        let merge = json!({ "verb": "merge", "into": soon.to_string() });
        let done = scene.send("POST", &format!("/api/v1/support/requests/{calm}"), &engineer, merge).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{engine}: {}", done.text);
        assert_eq!(titles(&scene.get(&queue("all"), &engineer).await), ["late", "soon"], "{engine}: joined ones are not listed");
        let report = scene.get("/api/v1/support/report", &engineer).await.json();
        let firsts: Vec<_> = report["rows"].as_array().expect("rows").iter().filter(|row| row["clock"] == "first-response").collect();
        assert_eq!((&firsts[0]["severity"], &firsts[0]["kept"], &firsts[0]["missed"]), (&json!("a"), &json!(1), &json!(1)), "{engine}");
    }
}

#[tokio::test]
async fn a_breach_is_told_once_and_rings() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let engineer = support(&scene).await;
        opened(&scene, (scene.acme, 2 * HOUR_MS), Severity::A, "broken").await;
        for _ in 0..3 {
            keep::catch_up(&scene.app).await.expect("clocks");
        }
        let counted = |sql: &'static str| {
            let db = scene.app.db.clone();
            async move {
                let found: Result<_, Error> = db.read(move |tx| Box::pin(async move { tx.row(sql, args![]).await })).await;
                found.expect("a count").expect("a row").int(0).expect("a number")
            }
        };
        assert_eq!(counted("SELECT COUNT(*) FROM request_alarm WHERE minutes = 0 AND clock = 'first-response'").await, 1, "{engine}");
        assert_eq!(
            counted("SELECT COUNT(*) FROM recipient WHERE address = 'support-engineer@service.example'").await,
            1,
            "{engine}: one letter"
        );
        let bell = scene.get("/bell", &engineer).await;
        assert!(bell.text.contains("broken") && bell.text.contains("overdue"), "{engine}: {}", bell.status);
        let stranger = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert!(!scene.get("/bell", &stranger).await.text.contains("broken"), "{engine}: the desk's bell is the desk's");
    }
}

#[tokio::test]
async fn plans_have_versions_that_requests_keep() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let engineer = support(&scene).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let id = opened(&scene, (scene.acme, HOUR_MS), Severity::C, "before").await;
        keep::catch_up(&scene.app).await.expect("clocks");
        let plans = scene.get("/api/v1/support/plans", &engineer).await.json();
        let standard = plans["rows"][0].clone();
        assert_eq!((&standard["name"], &standard["is_default"]), (&json!("standard"), &json!(true)), "{engine}: {plans}");
        let place = format!("/api/v1/support/plans/{}", standard["version"].as_str().expect("a version"));
        let mut body = standard.clone();
        for field in ["version", "plan", "is_latest", "is_default", "made_ms", "made_by"] {
            body.as_object_mut().expect("an object").remove(field);
        }
        body["targets"][2]["minutes"] = json!(120);
        body["targets"][2]["warn_minutes"] = json!([30]);
        assert_eq!(scene.send("PUT", &place, &engineer, body.clone()).await.status, StatusCode::FORBIDDEN, "{engine}");
        let changed = scene.send("PUT", &place, &operator, body.clone()).await;
        assert_eq!(changed.status, StatusCode::OK, "{engine}: {}", changed.text);
        assert_eq!(scene.send("PUT", &place, &operator, body.clone()).await.status, StatusCode::CONFLICT, "{engine}: not the latest");
        let after = opened(&scene, (scene.acme, HOUR_MS), Severity::C, "after").await;
        for (request, want) in [(id, 480), (after, 120)] {
            let clocks = scene.get(&format!("/api/v1/requests/{request}/clocks"), &engineer).await.json();
            assert_eq!(clocks["clocks"][0]["target_minutes"], want, "{engine}: {clocks}");
        }
        body["hours"] = json!("whenever");
        let wrong = scene.send("POST", "/api/v1/support/plans", &operator, body).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        // An organisation with a contract gets its plan.
        let premier = plans["rows"][1]["plan"].clone();
        let contract = format!("/api/v1/support/contracts/{}", scene.acme);
        let kept = scene.send("PUT", &contract, &operator, json!({ "plan": premier, "manager": null, "deputy": null })).await;
        assert_eq!(kept.status, StatusCode::OK, "{engine}: {}", kept.text);
        let best = opened(&scene, (scene.acme, HOUR_MS), Severity::C, "best").await;
        let clocks = scene.get(&format!("/api/v1/requests/{best}/clocks"), &engineer).await.json();
        assert_eq!(clocks["clocks"][0]["target_minutes"], 240, "{engine}: {clocks}");
    }
}

#[tokio::test]
async fn a_plan_can_be_tried_on_a_story() {
    let scene = Scene::new(databases().into_iter().next().expect("a database")).await;
    let engineer = support(&scene).await;
    let trial = json!({
        "plan": { "name": "x", "hours": "Mo-Fr 09:00-17:00; PH off", "zone": "Europe/Paris", "holidays": "FR",
            "targets": [{ "severity": "c", "clock": "first-response", "minutes": 240 }] },
        "events": [{ "at": "2026-12-31T15:30:00Z", "what": "opened", "severity": "c" }],
        "now": "2026-12-31T15:30:00Z",
    });
    let answer = scene.send("POST", "/api/v1/support/trial", &engineer, trial.clone()).await;
    assert_eq!(answer.json()["clocks"][0]["due"], "2027-01-04T11:30:00.000Z", "{}", answer.text);
    let mut never = trial.clone();
    never["plan"]["hours"] = json!("off");
    let answer = scene.send("POST", "/api/v1/support/trial", &engineer, never).await;
    assert_eq!((&answer.json()["clocks"][0]["has_no_end"], &answer.json()["clocks"][0]["due"]), (&json!(true), &json!(null)));
    let mut wrong = trial;
    wrong["events"] = json!([]);
    let answer = scene.send("POST", "/api/v1/support/trial", &engineer, wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
}

/// Servers that start at the same time write the plans that come with Gatepost once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn plans_are_shipped_once_however_many_servers_start() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let servers: Vec<_> = (0..8)
            .map(|_| {
                let app = scene.app.clone();
                tokio::spawn(async move { keep::ship(&app).await })
            })
            .collect();
        for server in servers {
            server.await.expect("no panic").unwrap_or_else(|why| panic!("{engine}: {why}"));
        }
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let plans = scene.get("/api/v1/support/plans", &engineer).await.json();
        let rows = plans["rows"].as_array().expect("rows");
        let defaults = rows.iter().filter(|row| row["is_default"] == true).count();
        assert_eq!((rows.len(), defaults), (2, 1), "{engine}: {plans}");
    }
}
