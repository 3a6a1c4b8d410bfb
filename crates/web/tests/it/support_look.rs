//! The workspace of engineers: what stands beside a request, diagnosing for it, a known issue from it, a queue that follows.

use crate::conversation::opened;
use crate::scene::{Answer, NOW_MS, Scene, request};
use crate::things::{self, MARK};
use axum::body::Body;
use axum::http::{StatusCode, header};
use futures_util::StreamExt;
use mail::MailId;
use serde_json::{Value, json};
use std::time::Duration;
use store::{Error, args};
use testkit::postgres::databases;
use tower::ServiceExt;
use web::people::Role;
use web::support_desk::keep;

/// Longest wait for something that comes at once.
const WITHIN: Duration = Duration::from_secs(20);

/// A held mail of acme that names nobody else.
async fn held_mail(scene: &Scene, to: &str) -> MailId {
    let (mail, org, to) = (gateway::trace::first_id_at(NOW_MS - 3_600_000).0 + 7, scene.acme, to.to_string());
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                things::held_mail(tx, mail, org).await?;
                let sql = "UPDATE recipient SET address = $1, original = $1 WHERE mail = $2";
                tx.run(sql, args![to, mail]).await.map(|_| ())
            })
        })
        .await;
    done.expect("the mail is held");
    MailId(mail)
}

async fn consented(scene: &Scene, id: &str, admin: &str, see: &[&str]) -> String {
    let given = scene.send("POST", &format!("/api/v1/requests/{id}/consents"), admin, json!({ "see": see })).await;
    assert_eq!(given.status, StatusCode::CREATED, "{}", given.text);
    given.json()["id"].as_str().expect("an id").to_string()
}

async fn revoked(scene: &Scene, id: &str, admin: &str, consent: &str) {
    let path = format!("/api/v1/requests/{id}/consents/{consent}");
    let ended = scene.ask(request("DELETE", &path, admin).body(Body::empty()).expect("a request")).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.text);
}

async fn reads(scene: &Scene, id: &str, admin: &str) -> Vec<Value> {
    scene.get(&format!("/api/v1/requests/{id}"), admin).await.json()["reads"].as_array().cloned().unwrap_or_default()
}

async fn support(scene: &Scene) -> String {
    keep::ship(&scene.app).await.expect("plans");
    scene.cookie(Role::SupportEngineer, None).await
}

#[tokio::test]
async fn each_part_beside_a_request_is_open_under_the_consent_of_that_request_alone() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let me = format!("administrator@{}.example", scene.acme);
        let mail = held_mail(&scene, &me).await;
        let (id, admin) = opened(&scene, &format!("The mail {mail} is held")).await;
        let (other, _) = opened(&scene, "Something else").await;
        let engineer = support(&scene).await;
        let panel = async |of: &str, who: &str| scene.get(&format!("/api/v1/support/requests/{of}/side-panel?see=all"), who).await;
        // Without a consent: nothing, for operators neither, and no line.
        for who in [&engineer, &scene.cookie(Role::Operator, None).await] {
            let seen = panel(&id, who).await;
            assert_eq!(seen.status, StatusCode::OK, "{engine}: {}", seen.text);
            for part in ["mails", "mails_until_ms", "health", "health_until_ms", "settings", "settings_until_ms"] {
                assert_eq!(seen.json()[part], Value::Null, "{engine}: {part}: {}", seen.text);
            }
            let page = scene.get(&format!("/support/{id}?see=all"), who).await;
            assert!(page.text.contains("No consent for this") && !page.text.contains(MARK), "{engine}: {}", page.text);
        }
        assert_eq!(reads(&scene, &id, &admin).await, Vec::<Value>::new(), "{engine}");
        assert_eq!(panel(&id, &admin).await.status, StatusCode::FORBIDDEN, "{engine}: the panel is support's");
        let consent = consented(&scene, &id, &admin, &["trace"]).await;
        // The page says what may be seen, and reads nothing until somebody asks for it.
        let page = scene.get(&format!("/support/{id}"), &engineer).await;
        assert!(page.text.contains(&format!("/support/{id}?see=trace#side")) && !page.text.contains(MARK), "{engine}: {}", page.text);
        assert_eq!(reads(&scene, &id, &admin).await, Vec::<Value>::new(), "{engine}");
        let seen = panel(&id, &engineer).await.json();
        assert_eq!(seen["mails"]["named"][0]["mail"], mail.to_string(), "{engine}: named in the title: {seen}");
        assert_eq!(seen["mails"]["named"][0]["recipients"][0]["state"], "held", "{engine}: {seen}");
        assert_eq!((&seen["health"], &seen["settings"]), (&Value::Null, &Value::Null), "{engine}: only what was named: {seen}");
        let page = scene.get(&format!("/support/{id}?see=all"), &engineer).await;
        assert!(page.text.contains(MARK) && page.text.contains("No consent for this"), "{engine}: {}", page.text);
        let lines = reads(&scene, &id, &admin).await;
        assert_eq!(lines.len(), 2, "{engine}: each look has its line: {lines:?}");
        assert!(lines.iter().all(|line| line["what"] == "trace"), "{engine}: {lines:?}");
        let log = scene.get("/api/v1/audit?action=request.read", &admin).await.text;
        assert!(log.contains("support-engineer@"), "{engine}: {log}");
        // Another request of the same organisation opens nothing by it.
        assert_eq!(panel(&other, &engineer).await.json()["mails"], Value::Null, "{engine}");
        // It is what the requester wrote about, without a name as well: the latest of their address.
        consented(&scene, &other, &admin, &["trace", "health", "settings"]).await;
        let seen = panel(&other, &engineer).await.json();
        assert_eq!(seen["mails"]["named"], json!([]), "{engine}: {seen}");
        assert_eq!(seen["mails"]["latest"][0]["mail"], mail.to_string(), "{engine}: {seen}");
        assert_eq!(seen["settings"]["domains"][0]["name"], "acme.example", "{engine}: {seen}");
        assert!(seen["health"]["services"].as_array().is_some_and(|all| all.len() >= 7), "{engine}: {seen}");
        assert!(!seen.to_string().contains("other.example"), "{engine}: of this organisation alone: {seen}");
        let wrong = scene.get(&format!("/api/v1/support/requests/{id}/side-panel?see=everything"), &engineer).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        revoked(&scene, &id, &admin, &consent).await;
        let seen = panel(&id, &engineer).await.json();
        assert_eq!((&seen["mails"], &seen["mails_until_ms"]), (&Value::Null, &Value::Null), "{engine}: revoked is over");
        assert!(!scene.get(&format!("/support/{id}?see=all"), &engineer).await.text.contains(MARK), "{engine}");
    }
}

#[tokio::test]
async fn an_engineer_diagnoses_under_consent_and_puts_the_result_into_the_conversation() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "No mail from bank@bank.example to zoe@acme.example arrives").await;
        let (other, _) = opened(&scene, "Something else").await;
        let engineer = support(&scene).await;
        let (form, place) = (format!("/support/{id}/diagnosis"), format!("/api/v1/support/requests/{id}/diagnoses"));
        let ask = async || scene.send("POST", &place, &engineer, json!({})).await;
        assert_eq!(scene.get(&form, &engineer).await.status, StatusCode::CONFLICT, "{engine}: no consent");
        assert_eq!(ask().await.status, StatusCode::CONFLICT, "{engine}");
        assert!(scene.get(&format!("/support/{id}"), &engineer).await.text.contains("A diagnosis looks at mails and settings"), "{engine}");
        let first = consented(&scene, &id, &admin, &["trace"]).await;
        assert_eq!(ask().await.status, StatusCode::CONFLICT, "{engine}: settings are looked at as well");
        revoked(&scene, &id, &admin, &first).await;
        let consent = consented(&scene, &id, &admin, &["trace", "settings"]).await;
        let filled = scene.get(&form, &engineer).await;
        assert!(filled.text.contains("bank@bank.example") && filled.text.contains("It began on Monday"), "{engine}: {}", filled.text);
        assert_eq!(reads(&scene, &id, &admin).await, Vec::<Value>::new(), "{engine}: a form reads nothing");
        // By the page, as a person does; then by a program.
        let begun = scene.post(&form, &engineer, &[("text", "No mail from bank@bank.example to zoe@acme.example arrives")]).await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{engine}: {}", begun.text);
        let page = begun.to().to_string();
        assert!(page.starts_with(&format!("/support/{id}/diagnoses/")), "{engine}: {page}");
        let done = ended(&scene, &page.replace("/support/", "/api/v1/support/requests/"), &engineer).await;
        assert_eq!((&done["sender"], &done["recipient"]), (&json!("bank@bank.example"), &json!("zoe@acme.example")), "{engine}: {done}");
        assert!(done["causes"].as_array().is_some_and(|causes| !causes.is_empty()), "{engine}: {done}");
        assert!(done["causes"][0]["evidence"].as_array().is_some_and(|all| !all.is_empty()), "{engine}: with evidence: {done}");
        assert!(!reads(&scene, &id, &admin).await.is_empty(), "{engine}: looks are listed");
        let name = done["id"].as_str().expect("a name").to_string();
        // It is the organisation's as well, and no other request's.
        assert_eq!(scene.get(&format!("/api/v1/diagnoses/{name}"), &admin).await.status, StatusCode::OK, "{engine}");
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(scene.get(&format!("/api/v1/diagnoses/{name}"), &stranger).await.status, StatusCode::NOT_FOUND, "{engine}");
        consented(&scene, &other, &admin, &["trace", "settings"]).await;
        let elsewhere = scene.get(&format!("/api/v1/support/requests/{other}/diagnoses/{name}"), &engineer).await;
        assert_eq!(elsewhere.status, StatusCode::NOT_FOUND, "{engine}: made for another request");
        let asked_by_them = scene.send("POST", "/api/v1/diagnoses", &admin, json!({ "text": "zoe@acme.example gets no mail" })).await;
        let theirs = asked_by_them.json()["id"].as_str().expect("a name").to_string();
        assert_eq!(scene.get(&format!("{place}/{theirs}"), &engineer).await.status, StatusCode::NOT_FOUND, "{engine}: their own");
        // Nothing can be applied from here.
        let apply = scene.send("POST", &format!("/api/v1/diagnoses/{name}/fixes/0-0"), &engineer, json!({})).await;
        assert!(apply.status.is_client_error(), "{engine}: {}", apply.status);
        // An internal note stays with support, with the whole result as a file; an answer does not.
        let result = scene.get(&page, &engineer).await;
        assert!(result.text.contains("value=\"reply\"") && result.text.contains("value=\"note\""), "{engine}: {}", result.text);
        let noted = scene.post(&page, &engineer, &[("verb", "note"), ("body", "Looks like an unknown address.")]).await;
        assert_eq!(noted.status, StatusCode::SEE_OTHER, "{engine}: {}", noted.text);
        let own = scene.get(&format!("/api/v1/requests/{id}"), &admin).await.text;
        assert!(!own.contains("Looks like an unknown address") && !own.contains(&format!("diagnosis-{name}.json")), "{engine}: {own}");
        let ours = scene.get(&format!("/api/v1/requests/{id}"), &engineer).await.text;
        assert!(ours.contains("Looks like an unknown address") && ours.contains(&format!("diagnosis-{name}.json")), "{engine}: {ours}");
        let attach = async |body: Value| scene.send("POST", &format!("{place}/{name}"), &engineer, body).await;
        assert_eq!(attach(json!({ "verb": "shout" })).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        let sent = attach(json!({ "verb": "reply" })).await;
        assert_eq!(sent.status, StatusCode::NO_CONTENT, "{engine}: {}", sent.text);
        let own = scene.get(&format!("/api/v1/requests/{id}"), &admin).await.json();
        let words = own["events"].as_array().expect("events").iter().filter(|event| event["kind"] == "word").count();
        assert_eq!((words, &own["state"]), (1, &json!("waiting-customer")), "{engine}: {own}");
        assert!(own.to_string().contains(&format!("/troubleshoot/{name}")), "{engine}: where all of it is: {own}");
        assert!(own["events"].as_array().expect("events").iter().any(|event| event["kind"] == "diagnosis"), "{engine}: and it is told");
        revoked(&scene, &id, &admin, &consent).await;
        for path in [format!("{place}/{name}"), page, form] {
            assert_eq!(scene.get(&path, &engineer).await.status, StatusCode::CONFLICT, "{engine}: {path} is over");
        }
        assert_eq!(attach(json!({ "verb": "note" })).await.status, StatusCode::CONFLICT, "{engine}");
        assert_eq!(ask().await.status, StatusCode::CONFLICT, "{engine}");
    }
}

/// A diagnosis when it is not running any more.
async fn ended(scene: &Scene, path: &str, cookie: &str) -> Value {
    let looking = async {
        loop {
            let seen: Answer = scene.get(path, cookie).await;
            assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.text);
            if seen.json()["state"] != "running" {
                return seen.json();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(WITHIN * 2, looking).await.expect("it ends")
}

#[tokio::test]
async fn a_resolution_becomes_a_known_issue_that_names_nobody() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (id, admin) = opened(&scene, "Large mail to bo@acme.example waits").await;
        let engineer = support(&scene).await;
        let solved = json!({ "verb": "reply", "body": "Send it in parts until acme.example has room.", "then": "resolved" });
        let done = scene.send("POST", &format!("/api/v1/support/requests/{id}"), &engineer, solved).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{engine}: {}", done.text);
        let place = format!("/support/{id}/known-issue");
        let form = scene.get(&place, &engineer).await;
        assert!(
            form.text.contains("Large mail to … waits") && form.text.contains("Send it in parts until … has room."),
            "{engine}: {}",
            form.text
        );
        assert!(!form.text.contains("value=\"Large mail to bo@"), "{engine}: {}", form.text);
        let fields = |title: &'static str| [("service", "delivery"), ("title_en", title), ("workaround_en", "Send it in parts.")];
        let named = scene.post(&place, &engineer, &fields("Large mail to acme.example waits")).await;
        assert_eq!(named.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: everybody would read it");
        assert!(named.text.contains("Everybody would read it"), "{engine}: {}", named.text);
        for (wrong, why) in [(json!({ "title_en": "x" }), "no service"), (json!({ "service": "delivery" }), "no title")] {
            let refused = scene.send("POST", &format!("/api/v1/support/requests/{id}/known-issue"), &engineer, wrong).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: {why}: {}", refused.text);
        }
        assert_eq!(scene.post(&place, &admin, &fields("Large mail waits")).await.status, StatusCode::FORBIDDEN, "{engine}");
        let made = scene.post(&place, &engineer, &fields("Large mail waits")).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{engine}: {}", made.text);
        let issue = made.to().rsplit('/').next().expect("a number").to_string();
        let whole = scene.get(&format!("/api/v1/requests/{id}"), &admin).await.json();
        assert_eq!(
            (&whole["issue"], &whole["known"]["workaround"]["en"]),
            (&json!(issue), &json!("Send it in parts.")),
            "{engine}: {whole}"
        );
        // Everybody reads it among the known issues, and no service is worse for it.
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let known = scene.get("/health/known", &stranger).await.text;
        assert!(known.contains(&issue) && known.contains("Large mail waits"), "{engine}: {known}");
        let shown = scene.get(&format!("/api/v1/health/issues/{issue}"), &stranger).await.json();
        assert_eq!((&shown["is_known"], &shown["classification"]), (&json!(true), &json!("advisory")), "{engine}: {shown}");
        assert_eq!(scene.get(&place, &engineer).await.status, StatusCode::CONFLICT, "{engine}: once");
        assert_eq!(scene.post(&place, &engineer, &fields("Again")).await.status, StatusCode::CONFLICT, "{engine}");
        let operator = scene.cookie(Role::Operator, None).await;
        let log = scene.get("/api/v1/audit?action=health.open", &operator).await.text;
        assert!(log.contains("support-engineer@"), "{engine}: {log}");
    }
}

/// The next event of a stream as JSON; `None` at its end.
async fn next(frames: &mut axum::body::BodyDataStream) -> Option<Value> {
    loop {
        let frame = tokio::time::timeout(WITHIN, frames.next()).await.expect("something comes")?.expect("octets");
        let text = String::from_utf8_lossy(&frame).into_owned();
        if let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) {
            return Some(serde_json::from_str(data).expect("JSON"));
        }
    }
}

#[tokio::test]
async fn the_queue_follows_for_those_who_may_see_it_and_as_long_as_they_may() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (first, admin) = opened(&scene, "First").await;
        let engineer = support(&scene).await;
        assert_eq!(scene.get("/support/stream", &admin).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert_eq!(scene.get("/support/stream?view=nonsense", &engineer).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        let page = scene.get("/support?view=ours&area=mail-flow", &engineer).await.text;
        assert!(page.contains("data-follow=\"/support/stream?view=ours"), "{engine}: with its filter: {page}");
        let asked = request("GET", "/support/stream", &engineer).body(Body::empty()).expect("a request");
        let answer = web::app::router(scene.app.clone()).oneshot(asked).await.expect("never fails");
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        assert!(answer.status() == StatusCode::OK && kind.starts_with("text/event-stream"), "{engine}: {kind}");
        let mut frames = answer.into_body().into_data_stream();
        let told = next(&mut frames).await.expect("the list as it is");
        assert!(told["html"].as_str().is_some_and(|html| html.contains(&first)), "{engine}: {told}");
        assert_eq!(told["says"], "", "{engine}: nothing is new");
        let (second, _) = opened(&scene, "Second").await;
        scene.app.health.ring();
        let told = next(&mut frames).await.expect("what came");
        assert!(told["html"].as_str().is_some_and(|html| html.contains(&second)), "{engine}: {told}");
        assert_eq!(told["says"], "New in this view: Second", "{engine}");
        let gone = json!({ "verb": "reply", "body": "Which one?" });
        scene.send("POST", &format!("/api/v1/support/requests/{second}"), &engineer, gone).await;
        scene.app.health.ring();
        let told = next(&mut frames).await.expect("what went");
        assert_eq!(told["says"], "1 request left this view.", "{engine}: {told}");
        // Signed out elsewhere: nothing more comes.
        let out: Result<u64, Error> =
            scene.app.db.tx(|tx| Box::pin(async move { tx.run("DELETE FROM person_session", args![]).await })).await;
        assert!(out.is_ok_and(|count| count > 0), "{engine}");
        scene.app.health.ring();
        assert_eq!(next(&mut frames).await, None, "{engine}");
    }
}
