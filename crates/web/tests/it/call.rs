//! Calls: a number that says who is calling, and half hours in which somebody is called back.

use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::postgres::databases;
use web::people::Role;
use web::support_desk::keep;

#[tokio::test]
async fn a_number_says_once_who_is_calling() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let opened = scene.send("POST", "/api/v1/requests", &admin, json!({ "title": "Mail is late", "description": "d" })).await;
        let request = opened.json()["id"].as_str().expect("an id").to_string();
        // Who may not ask support has no number.
        let person = scene.cookie(Role::Person, Some(scene.acme)).await;
        assert_eq!(scene.post("/calls/pin", &person, &[]).await.status, StatusCode::FORBIDDEN, "{engine}");
        let first = scene.send("POST", "/api/v1/caller-pin", &admin, json!({})).await.json();
        let made = scene.send("POST", "/api/v1/caller-pin", &admin, json!({})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{engine}: {}", made.text);
        let pin = made.json()["pin"].as_str().expect("a number").to_string();
        assert!(pin.len() == 6 && pin.bytes().all(|digit| digit.is_ascii_digit()), "{engine}: {pin}");
        let page = scene.get("/calls", &admin).await.text;
        assert!(page.contains(&format!("{} {}", &pin[..3], &pin[3..])), "{engine}: {page}");
        let heard = async |who: &str, pin: &str| scene.send("POST", "/api/v1/support/caller", who, json!({ "pin": pin })).await;
        assert_eq!(heard(&admin, &pin).await.status, StatusCode::FORBIDDEN, "{engine}: only support asks");
        if first["pin"] != pin.as_str() {
            let old = heard(&engineer, first["pin"].as_str().unwrap_or_default()).await;
            assert_eq!(old.status, StatusCode::CONFLICT, "{engine}: a new one takes its place");
        }
        let found = scene.post("/support/calls/pin", &engineer, &[("pin", &format!("{} {}", &pin[..3], &pin[3..]))]).await;
        assert_eq!(found.status, StatusCode::OK, "{engine}: {}", found.text);
        assert!(
            found.text.contains("Mail is late") && found.text.contains(&request) && found.text.contains("acme"),
            "{engine}: {}",
            found.text
        );
        assert_eq!(heard(&engineer, &pin).await.status, StatusCode::CONFLICT, "{engine}: for one call");
        assert!(scene.get("/api/v1/audit?action=call.identified", &admin).await.text.contains("support-engineer@"), "{engine}");
    }
}

#[tokio::test]
async fn a_half_hour_is_booked_called_and_called_off() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert!(scene.get("/calls", &admin).await.status.is_success(), "{engine}: before there are plans as well");
        keep::ship(&scene.app).await.expect("plans");
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let opened = scene.send("POST", "/api/v1/requests", &admin, json!({ "title": "Mail is late", "description": "d" })).await;
        let request = opened.json()["id"].as_str().expect("an id").to_string();
        let free = async || scene.get("/api/v1/call-backs", &admin).await.json()["free_ms"].as_array().expect("half hours").clone();
        let slots = free().await;
        assert_eq!(slots[0], NOW_MS + 1_800_000, "{engine}");
        let book = async |slot: &Value, more: Value| {
            let mut body = json!({ "slot": slot.to_string(), "country": "DE", "number": "069 380 789 508", "about": "the request" });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            scene.send("POST", "/api/v1/call-backs", &admin, body).await
        };
        for (more, pointer) in [
            (json!({ "number": "12" }), "/number"),
            (json!({ "about": "" }), "/about"),
            (json!({ "slot": "soon" }), "/slot"),
            (json!({ "slot": (NOW_MS + 60_000).to_string() }), "/slot"),
            (json!({ "request": "r0000000000000" }), "/request"),
        ] {
            let answer = book(&slots[0], more).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: {}", answer.text);
            assert!(answer.text.contains(pointer), "{engine}: {pointer}: {}", answer.text);
        }
        let booked = book(&slots[0], json!({ "request": request })).await;
        assert_eq!(booked.status, StatusCode::CREATED, "{engine}: {}", booked.text);
        let id = booked.json()["id"].as_str().expect("an id").to_string();
        assert_ne!(free().await[0], slots[0], "{engine}: one engineer calls one at a time");
        assert_eq!(book(&slots[0], json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: taken");
        let waiting = scene.get("/support/calls", &engineer).await.text;
        assert!(waiting.contains("+4969380789508") && waiting.contains(&request), "{engine}: {waiting}");
        let settle = async |who: &str, body: Value| scene.send("POST", &format!("/api/v1/support/calls/{id}"), who, body).await;
        assert_eq!(settle(&admin, json!({ "verb": "missed" })).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert_eq!(
            settle(&engineer, json!({ "verb": "called" })).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{engine}: what was said?"
        );
        let done = settle(&engineer, json!({ "verb": "called", "words": "The connector was off." })).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{engine}: {}", done.text);
        assert_eq!(settle(&engineer, json!({ "verb": "missed" })).await.status, StatusCode::CONFLICT, "{engine}: once");
        assert!(scene.get(&format!("/api/v1/requests/{request}"), &admin).await.text.contains("The connector was off."), "{engine}");
        // Another one is called off, by nobody but whoever booked it.
        let second = book(&slots[1], json!({})).await.json()["id"].as_str().expect("an id").to_string();
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(scene.post(&format!("/calls/{second}"), &stranger, &[]).await.status, StatusCode::NOT_FOUND, "{engine}");
        assert_eq!(scene.post(&format!("/calls/{second}"), &admin, &[]).await.status, StatusCode::SEE_OTHER, "{engine}");
        assert!(!scene.get("/api/v1/support/calls", &engineer).await.text.contains(&second), "{engine}");
    }
}
