//! What can be done about an issue: held mail judged again, operators and readers through REST, a signed statement, pushes.

use crate::past::{Past, past};
use crate::scene::{Answer, NOW_MS, Scene};
use axum::http::StatusCode;
use base64::Engine;
use gateway::health::Service;
use serde_json::{Value, json};
use std::sync::Arc;
use store::{Error, args};
use testkit::postgres::{databases, sqlite};
use web::health::issue::Issue;
use web::people::Role;

/// An issue of filtering that began ten minutes ago.
fn of_filtering() -> Issue {
    let mut issue = crate::health::issue(NOW_MS - 600_000);
    issue.cause = "filter.uninspected".into();
    issue.body.services = vec![Service::Filtering];
    issue
}

/// A mail that was held as spam a minute ago, with this text.
async fn held(scene: &Scene, verdict: &'static str, subject: &str, text: &str) -> mail::MailId {
    let mail = past(scene, scene.acme, &Past { days_ago: 0, ..Past::default() }).await;
    let octets = format!(
        "From: Tom <tom@partner.example>\r\nTo: Alice <alice@acme.example>\r\nSubject: {subject}\r\nDate: Tue, 24 Nov 2026 11:58:00 +0000\r\n\
         Message-ID: <{mail}@partner.example>\r\n\r\n{text}\r\n"
    );
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                tx.run("UPDATE mail SET verdict = $1 WHERE id = $2", args![verdict, mail.0]).await?;
                tx.run("INSERT INTO body (mail, place, octets) VALUES ($1, '', $2)", args![mail.0, octets.as_bytes()]).await?;
                tx.run("DELETE FROM recipient WHERE mail = $1", args![mail.0]).await?;
                tx.run(
                    "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, lease_node, lease_ms, last_reply) \
                     SELECT id, 0, org, 'alice@acme.example', 'alice@acme.example', 'held', $1, '{}', '', 0, $2, 0, 0, '' FROM mail WHERE id = $3",
                    args![serde_json::to_string(&gateway::queue::Edits::default()).expect("JSON"), NOW_MS + 86_400_000, mail.0],
                )
                .await
                .map(drop)
            })
        })
        .await;
    done.expect("it is held");
    mail
}

async fn state(scene: &Scene, mail: mail::MailId) -> String {
    let read: Result<Option<store::Row>, Error> = scene
        .app
        .db
        .read(move |tx| Box::pin(async move { tx.row("SELECT state FROM recipient WHERE mail = $1", args![mail.0]).await }))
        .await;
    read.expect("a row").expect("a recipient").text(0).expect("a text").to_string()
}

#[tokio::test]
async fn what_an_issue_took_is_judged_again_and_only_what_is_good_leaves() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let good = held(
            &scene,
            "spam",
            "Minutes of our meeting",
            "Hello Alice,\r\n\r\nhere are the minutes of Monday's meeting. See you on Thursday.\r\n\r\nTom",
        )
        .await;
        let malware =
            held(&scene, "malware", "Minutes of our meeting", "Hello Alice,\r\n\r\nhere are the minutes of Monday's meeting.\r\n\r\nTom")
                .await;
        let id = crate::health::put(&scene, of_filtering()).await;
        let path = format!("/health/issues/{id}");
        let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let page = scene.get(&format!("{path}/hit"), &administrator).await;
        assert!(page.text.contains("Judge again") && page.text.contains("2 of those shown are held"), "{}", page.text);
        for (role, org, want) in
            [(Role::Person, scene.acme, StatusCode::FORBIDDEN), (Role::Administrator, scene.other, StatusCode::SEE_OTHER)]
        {
            let stranger = scene
                .cookie_of(&web::people::sql::NewPerson {
                    email: format!("s{want}@{org}.example", want = want.as_u16()),
                    name: String::new(),
                    role,
                    org: Some(org),
                })
                .await;
            assert_eq!(scene.post(&format!("{path}/rescan"), &stranger, &[("sure", "1")]).await.status, want, "{role:?}");
        }
        assert_eq!((state(&scene, good).await, state(&scene, malware).await), ("held".into(), "held".into()), "nobody else moved anything");
        let asked = scene.post(&format!("{path}/rescan"), &administrator, &[]).await;
        assert!(asked.status == StatusCode::OK && asked.text.contains("cannot be undone"), "{}", asked.text);
        assert_eq!(state(&scene, good).await, "held", "it asks first");
        let done = scene.send("POST", &format!("/api/v1{path}/rescan"), &administrator, json!({})).await;
        assert_eq!((done.status, done.json()), (StatusCode::OK, json!({ "released": 1, "kept": 1, "left": 0 })));
        assert_eq!((state(&scene, good).await, state(&scene, malware).await), ("queued".into(), "held".into()));
        let log = scene.get("/api/v1/audit", &administrator).await.text;
        assert!(log.contains("health.rescan") && log.contains("quarantine.release"), "{log}");
        let again = scene.post(&format!("{path}/rescan"), &administrator, &[("sure", "1")]).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "twice does nothing more");
        let other = crate::health::put(&scene, crate::health::issue(NOW_MS - 9)).await;
        let refused = scene.send("POST", &format!("/api/v1/health/issues/{other}/rescan"), &administrator, json!({})).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "an issue of the disk took nothing");
    }
}

async fn sent(scene: &Scene, cookie: &str, method: &str, path: &str, body: Value) -> Answer {
    scene.send(method, &format!("/api/v1/health{path}"), cookie, body).await
}

#[tokio::test]
async fn operators_publish_through_rest_and_readers_answer() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let reader = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let wish = json!({ "services": ["trace"], "status": "serviceDegradation", "title": { "en": "Slow", "zh": "慢" }, "assignee": "Kim", "severity": 2, "post": { "en": "We look" } });
        assert_eq!(sent(&scene, &reader, "POST", "/issues", wish.clone()).await.status, StatusCode::FORBIDDEN);
        let opened = sent(&scene, &operator, "POST", "/issues", wish).await;
        assert_eq!((opened.status, opened.json()["title"]["zh"].clone()), (StatusCode::CREATED, json!("慢")), "{}", opened.text);
        let id = opened.json()["id"].as_str().expect("an id").to_string();
        assert!(!scene.get(&format!("/health/issues/{id}"), &reader).await.text.contains("Kim"), "who works on it is not shown to all");
        assert!(scene.get(&format!("/health/issues/{id}"), &operator).await.text.contains("Kim"));
        let told = sent(
            &scene,
            &operator,
            "POST",
            &format!("/issues/{id}/posts"),
            json!({ "post": { "en": "Found it" }, "expected_ms": NOW_MS + 3_600_000 }),
        )
        .await
        .json();
        assert_eq!(
            (told["expected_ms"].clone(), told["title"]["en"].clone()),
            (json!(NOW_MS + 3_600_000), json!("Slow")),
            "what is left out stays"
        );
        for (method, path, wrong) in [
            ("POST", "/issues", json!({ "services": ["nothing"], "title": { "en": "x" } })),
            ("POST", "/issues", json!({ "services": ["trace"] })),
            ("POST", "/messages", json!({ "title": {} })),
            ("POST", "/messages", json!({ "title": { "en": "x" }, "organization": "nobody" })),
            (
                "POST",
                "/messages",
                json!({ "is_maintenance": true, "title": { "en": "x" }, "starts_ms": NOW_MS + 1, "ends_ms": NOW_MS + 2 }),
            ),
            ("POST", "/reports", json!({ "service": "intake", "text": " " })),
            ("POST", "/hooks", json!({ "url": "ftp://x" })),
            ("POST", "/hooks", json!({ "kind": "ntfy", "url": "https://ntfy.example/" })),
        ] {
            let refused = sent(&scene, &operator, method, path, wrong.clone()).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {wrong}: {}", refused.text);
        }
        let measured = crate::health::put(&scene, crate::health::issue(NOW_MS - 60_000)).await;
        let green = sent(&scene, &operator, "POST", &format!("/issues/{measured}/posts"), json!({ "status": "serviceRestored" })).await;
        assert_eq!(green.status, StatusCode::UNPROCESSABLE_ENTITY, "what is measured as wrong is not called right");
        let wish = json!({ "title": { "en": "For acme" }, "text": { "en": "Only" }, "organization": "acme", "tags": ["Admin impact"] });
        let message = sent(&scene, &operator, "POST", "/messages", wish).await;
        assert_eq!(message.status, StatusCode::CREATED, "{}", message.text);
        let number = message.json()["id"].as_str().expect("an id").to_string();
        assert_eq!(
            scene.get(&format!("/health/messages/{number}"), &stranger).await.status,
            StatusCode::NOT_FOUND,
            "for one organisation alone"
        );
        let mark = sent(&scene, &stranger, "PUT", &format!("/messages/{number}/mark"), json!({ "is_read": true })).await;
        assert_eq!(mark.status, StatusCode::NOT_FOUND);
        let mark = sent(&scene, &reader, "PUT", &format!("/messages/{number}/mark"), json!({ "is_read": true })).await.json();
        assert_eq!(
            (mark["is_read"].clone(), mark["is_archived"].clone(), mark["tags"].clone()),
            (json!(true), json!(false), json!(["Admin impact"]))
        );
        let cancelled = sent(&scene, &operator, "POST", &format!("/messages/{number}/cancel"), json!({})).await;
        assert_eq!(cancelled.status, StatusCode::CONFLICT, "it is no window");
        let window = json!({ "is_maintenance": true, "title": { "en": "x" }, "starts_ms": NOW_MS + 6 * 86_400_000, "ends_ms": NOW_MS + 6 * 86_400_000 + 1 });
        let window = sent(&scene, &operator, "POST", "/messages", window).await.json()["id"].as_str().expect("an id").to_string();
        assert_eq!(sent(&scene, &reader, "POST", &format!("/messages/{window}/cancel"), json!({})).await.status, StatusCode::FORBIDDEN);
        assert_eq!(sent(&scene, &operator, "POST", &format!("/messages/{window}/cancel"), json!({})).await.json()["is_cancelled"], true);
        let report = sent(&scene, &reader, "POST", "/reports", json!({ "service": "trace", "text": "slow" })).await;
        assert_eq!((report.status, report.json()["issue"].clone()), (StatusCode::CREATED, json!(id)));
        let hook = sent(&scene, &reader, "POST", "/hooks", json!({ "url": "https://a.example/x" })).await;
        assert!(
            hook.status == StatusCode::CREATED && hook.json()["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")),
            "{}",
            hook.text
        );
        let hook = hook.json()["id"].as_str().expect("an id").to_string();
        assert_eq!(sent(&scene, &stranger, "DELETE", &format!("/hooks/{hook}"), json!({})).await.status, StatusCode::NOT_FOUND);
        assert_eq!(sent(&scene, &reader, "DELETE", &format!("/hooks/{hook}"), json!({})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(sent(&scene, &reader, "DELETE", &format!("/hooks/{hook}"), json!({})).await.status, StatusCode::NOT_FOUND, "twice");
    }
}

#[tokio::test]
async fn a_statement_is_signed_with_the_key_of_the_status_pages() {
    let scene = Scene::new(sqlite()).await;
    let reader = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let unsigned = scene.get("/api/v1/health/statement", &reader).await.json();
    assert_eq!((unsigned["signature"].clone(), unsigned["statement"]["organization"].clone()), (Value::Null, json!("acme")));
    let folder = tempfile::tempdir().expect("a folder");
    let signing = web::health::site::Signing::open(folder.path()).expect("a key");
    scene.app.health.sign_with(Arc::new(signing));
    let signed = scene.get("/api/v1/health/statement?month=2026-10", &reader).await.json();
    let text = signed["signed"].as_str().expect("the text");
    let said: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!((&said, said["is_whole"].clone()), (&signed["statement"], json!(true)));
    let octets = |name: &str| base64::engine::general_purpose::STANDARD.decode(signed[name].as_str().expect("base64")).expect("base64");
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, octets("key"));
    key.verify(text.as_bytes(), &octets("signature")).expect("the signature holds");
    assert!(key.verify(text.replace("acme", "other").as_bytes(), &octets("signature")).is_err());
    let page = scene.get("/health/ledger?month=2026-10", &reader).await;
    assert!(page.text.contains("Public key") && page.text.contains(signed["key"].as_str().expect("a key")), "{}", page.text);
    assert_eq!(scene.get("/api/v1/health/statement?month=2027-01", &reader).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_topic_is_pushed_to_in_the_language_of_its_organisation() {
    let scene = Scene::new(sqlite()).await;
    let (url, heard) = crate::health::program("200 OK").await;
    let reader = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let topic = url.replace("/hook", "/mail");
    let added = sent(&scene, &reader, "POST", "/hooks", json!({ "kind": "ntfy", "url": topic, "token": "tk_1" })).await;
    assert_eq!((added.status, added.json()["secret"].clone()), (StatusCode::CREATED, json!("")), "a token is not shown again");
    let operator = scene.cookie(Role::Operator, None).await;
    let wish = json!({ "services": ["trace"], "classification": "incident", "status": "serviceInterruption", "title": { "en": "Down", "zh": "中断" }, "post": { "en": "We look" } });
    assert_eq!(sent(&scene, &operator, "POST", "/issues", wish).await.status, StatusCode::CREATED);
    assert_eq!(web::health::hook::send_once(&scene.app).await.expect("sent"), 1);
    let text = heard.lock().expect("no panic")[0].clone();
    assert!(text.starts_with("POST / HTTP/1.1\r\n") && text.contains("Authorization: Bearer tk_1\r\n"), "{text}");
    let body: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!(
        (body["topic"].clone(), body["priority"].clone(), body["message"].clone()),
        (json!("mail"), json!(5), json!("We look")),
        "{body}"
    );
    assert!(
        body["title"].as_str().is_some_and(|title| title.ends_with(": Down"))
            && body["click"].as_str().is_some_and(|url| url.contains("/health/issues/EX")),
        "{body}"
    );
}

#[tokio::test]
async fn the_weeks_letter_is_sent_once_to_those_who_chose_it() {
    for database in databases() {
        let scene = Scene::new(database).await;
        crate::health::put(&scene, crate::health::issue(NOW_MS - 60_000)).await;
        let (chosen, other) =
            (scene.cookie(Role::Administrator, Some(scene.acme)).await, scene.cookie(Role::Person, Some(scene.acme)).await);
        scene.post("/bell/choice", &chosen, &[("incidents", "on"), ("advisories", "on"), ("weekly", "on")]).await;
        scene.post("/bell/choice", &other, &[("incidents", "on"), ("advisories", "on")]).await;
        assert_eq!(web::health::hook::weekly::send_once(&scene.app).await.expect("sent"), 1);
        assert_eq!(web::health::hook::weekly::send_once(&scene.app).await.expect("sent"), 0, "once a week");
        let read: Result<Vec<store::Row>, Error> = scene
            .app
            .db
            .read(|tx| {
                Box::pin(async move { tx.rows("SELECT m.subject, b.octets FROM mail m JOIN body b ON b.mail = m.id", vec![]).await })
            })
            .await;
        let rows = read.expect("letters");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].text(0).expect("a subject"), "Service health this week: one open issue");
        let text = String::from_utf8_lossy(&rows[0].blob(1).expect("octets")).into_owned();
        assert!(text.contains("The disk is nearly full") && text.contains("/health/issues/EX"), "{text}");
    }
}
