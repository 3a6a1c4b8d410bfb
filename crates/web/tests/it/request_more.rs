//! Requests beside the conversation: people named in words, what requesters think, requests that are put aside, and searching.

use crate::conversation::{self, did, opened};
use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use serde_json::{Value, json};
use store::{Error, args};
use testkit::postgres::databases;
use web::people::Role;
use web::support_desk::keep;

/// Texts of the letters about requests to somebody, the last first.
async fn letters(scene: &Scene, to: &str) -> Vec<String> {
    conversation::letters(scene, to).await.iter().map(|letter| letter.texts[0].visible.clone()).collect()
}

#[tokio::test]
async fn who_is_named_and_may_read_it_is_told() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "Mail is late").await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let desk = scene.cookie(Role::HelpDesk, Some(scene.acme)).await;
        let person = scene.cookie(Role::Person, Some(scene.acme)).await;
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let manager = scene.cookie(Role::AccountManager, None).await;
        let address = |role: &str| format!("{role}@{}.example", scene.acme);
        let body = format!("@help-desk please look; @{} and @{} @administrator@{}.example too.", address("person"), "nobody", scene.other);
        did(&scene, &id, &admin, json!({ "verb": "reply", "body": body })).await;
        let rings = async |who: &str| scene.get("/bell", who).await.text.contains("Mail is late");
        assert!(rings(&desk).await, "{engine}: their bell rings");
        let told = letters(&scene, &address("help-desk")).await;
        assert!(told.len() == 1 && told[0].contains("please look"), "{engine}: {told:?}");
        for (who, to, why) in [
            (&person, address("person"), "may not read requests"),
            (&stranger, format!("administrator@{}.example", scene.other), "is of another organisation"),
        ] {
            assert!(!rings(who).await && letters(&scene, &to).await.is_empty(), "{engine}: {why}");
        }
        // What is internal is told to support alone, also when the name is somebody's of the organisation.
        did(&scene, &id, &engineer, json!({ "verb": "note", "body": "@account-manager see this, not @help-desk" })).await;
        assert!(rings(&manager).await, "{engine}");
        assert_eq!(letters(&scene, &address("help-desk")).await.len(), 1, "{engine}: nothing of the note");
        let note = letters(&scene, "account-manager@service.example").await;
        assert!(note.len() == 1 && note[0].contains("see this"), "{engine}: {note:?}");
        // The requester gets the answer anyway, and one letter is enough.
        let before = letters(&scene, &address("administrator")).await.len();
        did(&scene, &id, &engineer, json!({ "verb": "answer", "body": "@administrator which one?" })).await;
        assert_eq!(letters(&scene, &address("administrator")).await.len(), before + 1, "{engine}");
        assert!(rings(&admin).await, "{engine}: and the bell");
    }
}

#[tokio::test]
async fn an_escalation_reaches_whoever_answers_for_it() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "Mail is late").await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        assert_eq!(did(&scene, &id, &engineer, json!({ "verb": "escalate", "body": "x" })).await.status, StatusCode::FORBIDDEN, "{engine}");
        did(&scene, &id, &engineer, json!({ "verb": "take" })).await;
        let escalated = did(&scene, &id, &admin, json!({ "verb": "escalate", "body": "A board meeting is at noon." })).await;
        assert_eq!(escalated.status, StatusCode::OK, "{engine}: {}", escalated.text);
        let told = letters(&scene, "support-engineer@service.example").await;
        assert!(told[0].contains("board meeting"), "{engine}: {told:?}");
        let again = did(&scene, &id, &admin, json!({ "verb": "escalate", "body": "Again." })).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{engine}: once in a while");
        assert!(scene.get(&format!("/support/{id}"), &engineer).await.text.contains("board meeting"), "{engine}");
        did(&scene, &id, &engineer, json!({ "verb": "resolve", "body": "Done." })).await;
        assert_eq!(
            did(&scene, &id, &admin, json!({ "verb": "escalate", "body": "x" })).await.status,
            StatusCode::CONFLICT,
            "{engine}: over"
        );
    }
}

#[tokio::test]
async fn requesters_are_asked_once_what_they_think() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "Mail is late").await;
        keep::ship(&scene.app).await.expect("plans");
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let rate = async |who: &str, body: Value| scene.send("POST", &format!("/api/v1/requests/{id}/rating"), who, body).await;
        assert_eq!(rate(&admin, json!({ "stars": 5 })).await.status, StatusCode::CONFLICT, "{engine}: not before it is solved");
        did(&scene, &id, &engineer, json!({ "verb": "resolve", "body": "It was the connector." })).await;
        let me = format!("administrator@{}.example", scene.acme);
        let link_of = |text: &str| text.split_whitespace().find(|word| word.contains("/rate/")).map(str::to_string);
        let first = letters(&scene, &me).await;
        let link = link_of(&first[0]).unwrap_or_else(|| panic!("{engine}: the letter asks: {}", first[0]));
        let path = link[link.find("/rate/").expect("a path")..].to_string();
        // The link shows a page and does nothing; nobody signs in for it.
        let page = scene.get(&format!("{path}?stars=4"), "").await;
        assert!(page.status == StatusCode::OK && page.text.contains("Mail is late"), "{engine}: {}", page.text);
        assert_eq!(
            scene.get(&format!("/api/v1/requests/{id}"), &admin).await.json()["rating"],
            Value::Null,
            "{engine}: nothing acts on GET"
        );
        let (head, proof) = path.rsplit_once('/').expect("a proof");
        let forged: String = proof.chars().rev().collect();
        assert_eq!(scene.post(&format!("{head}/{forged}x"), "", &[("stars", "1")]).await.status, StatusCode::NOT_FOUND, "{engine}");
        assert_eq!(scene.post(&path, "", &[("stars", "6")]).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        assert_eq!(scene.post(&path, "", &[("stars", "4"), ("words", "quick")]).await.status, StatusCode::OK, "{engine}");
        let kept = scene.get(&format!("/api/v1/requests/{id}"), &admin).await.json()["rating"].clone();
        assert_eq!((&kept["stars"], &kept["words"]), (&json!(4), &json!("quick")), "{engine}: {kept}");
        // Opened again and solved again: nobody is asked twice. They may think otherwise, and support may not.
        did(&scene, &id, &admin, json!({ "verb": "reopen", "body": "Again." })).await;
        did(&scene, &id, &engineer, json!({ "verb": "resolve", "body": "Once more." })).await;
        assert_eq!(link_of(&letters(&scene, &me).await[0]), None, "{engine}");
        assert_eq!(rate(&engineer, json!({ "stars": 5 })).await.status, StatusCode::FORBIDDEN, "{engine}");
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(rate(&stranger, json!({ "stars": 5 })).await.status, StatusCode::NOT_FOUND, "{engine}");
        let page = scene.post(&format!("/requests/{id}/rating"), &admin, &[("stars", "2")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{engine}: {}", page.text);
        // It stands in the reports of both.
        let report = scene.get("/api/v1/support/report", &engineer).await.json()["satisfaction"].clone();
        assert_eq!(report, json!({ "asked": 1, "answered": 1, "mean_stars": 2.0, "by_stars": [0, 1, 0, 0, 0] }), "{engine}");
        assert!(scene.get("/support/report", &engineer).await.text.contains("quick"), "{engine}: words stay");
        assert!(scene.get("/premier", &admin).await.text.contains("2.0"), "{engine}");
    }
}

#[tokio::test]
async fn what_is_put_aside_comes_back_by_itself_or_with_a_word() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "Mail is late").await;
        keep::ship(&scene.app).await.expect("plans");
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let work = async |body: Value| scene.send("POST", &format!("/api/v1/support/requests/{id}"), &engineer, body).await;
        let is_in = async |view: &str| scene.get(&format!("/api/v1/support/queue?view={view}"), &engineer).await.text.contains(&id);
        work(json!({ "verb": "take" })).await;
        assert!(is_in("mine").await && !is_in("snoozed").await, "{engine}");
        for until in ["", "yesterday", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"] {
            let wrong = work(json!({ "verb": "snooze", "until": until })).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: {until}");
        }
        assert_eq!(work(json!({ "verb": "snooze", "until": "1d" })).await.status, StatusCode::NO_CONTENT, "{engine}");
        assert!(!is_in("mine").await && !is_in("ours").await && is_in("snoozed").await && is_in("all").await, "{engine}");
        assert!(scene.get(&format!("/support/{id}"), &engineer).await.text.contains("value=\"wake\""), "{engine}");
        assert!(!scene.get(&format!("/api/v1/requests/{id}"), &admin).await.text.contains("snooze"), "{engine}: support's own affair");
        // The moment comes.
        let moved: Result<u64, Error> =
            scene.app.db.tx(|tx| Box::pin(async move { tx.run("UPDATE request_snooze SET until_ms = $1", args![NOW_MS - 1]).await })).await;
        assert_eq!(moved, Ok(1), "{engine}");
        assert!(is_in("mine").await && !is_in("snoozed").await, "{engine}");
        assert!(scene.get("/bell", &engineer).await.text.contains("Mail is late"), "{engine}: and is told");
        // A word of the requester ends it at once; so does the engineer.
        work(json!({ "verb": "snooze", "until": "reply" })).await;
        assert!(is_in("snoozed").await, "{engine}");
        did(&scene, &id, &admin, json!({ "verb": "reply", "body": "It is the connector." })).await;
        assert!(is_in("mine").await && !is_in("snoozed").await, "{engine}");
        work(json!({ "verb": "snooze", "until": "7d" })).await;
        assert_eq!(work(json!({ "verb": "wake" })).await.status, StatusCode::NO_CONTENT, "{engine}");
        assert!(is_in("mine").await, "{engine}");
    }
}

#[tokio::test]
async fn requests_are_found_by_words_and_by_number_in_the_scope() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "Invoices of the savings bank are held").await;
        opened(&scene, "A rule does not match").await;
        did(&scene, &id, &admin, json!({ "verb": "close" })).await;
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        for (q, want) in [("savings+bank+invoice", true), (id.as_str(), true), ("aeroplane", false)] {
            let found = scene.get(&format!("/api/v1/requests?q={q}"), &admin).await;
            assert_eq!(found.text.contains("savings bank"), want, "{engine}: {q}: {}", found.text);
            assert!(!found.text.contains("A rule"), "{engine}: {q}");
            assert_eq!(scene.get(&format!("/requests?q={q}"), &admin).await.text.contains("are held</a>"), want, "{engine}: {q}");
            assert!(!scene.get(&format!("/api/v1/requests?q={q}"), &stranger).await.text.contains("savings"), "{engine}: {q}");
        }
    }
}
