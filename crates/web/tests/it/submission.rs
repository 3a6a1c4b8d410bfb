//! Saved mail shown to the filter: what it says, what it learns, and that looking changes nothing.

use crate::scene::{Answer, Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use testkit::postgres::{databases, sqlite};
use web::people::Role;

/// GTUBE, so that the verdict is certain.
const JUNK: &str = "Received: from mx.sender.example (mx.sender.example [8.8.8.8]) by mx.acme.example; Tue, 24 Nov 2026 10:00:00 +0000\nReturn-Path: <a@sender.example>\nFrom: a@sender.example\nTo: alice@acme.example\nSubject: an offer\nDate: Tue, 24 Nov 2026 09:59:00 +0000\nMessage-ID: <1@sender.example>\n\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n";
const PLAIN: &str = "From: Ann <ann@friend.example>\nTo: alice@acme.example\nSubject: lunch on Thursday\nDate: Tue, 24 Nov 2026 09:59:00 +0000\nMessage-ID: <2@friend.example>\n\nDoes noon suit you? The usual place.\n\nAnn\n";

async fn sent(scene: &Scene, cookie: &str, query: &str, octets: &str) -> Answer {
    let request = request("POST", &format!("/api/v1/submissions{query}"), cookie).header("content-type", "message/rfc822");
    scene.ask(request.body(Body::from(octets.to_string())).expect("a request")).await
}

/// As a browser sends the form.
async fn form(scene: &Scene, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    let mut body = String::new();
    for (name, value) in fields {
        let file = if *name == "file" { "; filename=\"a.eml\"\r\nContent-Type: message/rfc822" } else { "" };
        body.push_str(&format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"));
    }
    body.push_str("--edge--\r\n");
    let request = request("POST", "/submissions/new", cookie).header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "multipart/form-data; boundary=edge");
    scene.ask(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn a_mail_is_judged_learned_and_taken_back() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let asked = sent(&scene, &admin, "", JUNK).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
        let said = asked.json();
        assert!(said["verdict"].as_str().is_some_and(|class| class.contains("spam")), "{said}");
        assert_eq!(
            (&said["ip"], &said["from"], &said["report"]),
            (&"8.8.8.8".into(), &"a@sender.example".into(), &serde_json::Value::Null)
        );
        assert_eq!(scene.get("/api/v1/submissions", &admin).await.json()["rows"], serde_json::json!([]), "asking keeps nothing");

        let clean = sent(&scene, &admin, "", PLAIN).await.json();
        assert_eq!((&clean["verdict"], &clean["ip"]), (&"clean".into(), &serde_json::Value::Null), "{clean}");
        let checks =
            clean["findings"].as_array().expect("findings").iter().map(|one| one["check"].as_str().unwrap_or_default().to_string());
        assert!(checks.clone().all(|check| !check.starts_with("auth.spf.") && check != "auth.dmarc.fail"), "{clean}");

        let learned = sent(&scene, &admin, "?label=junk", PLAIN).await.json();
        let report = learned["report"].as_str().expect("a report").to_string();
        assert_eq!(sent(&scene, &admin, "?label=junk", PLAIN).await.json()["report"], serde_json::Value::Null, "once");
        let listed = scene.get("/api/v1/submissions", &admin).await.json();
        let row = &listed["rows"][0];
        assert_eq!(
            (row["id"].as_str(), row["label"].as_str(), row["subject"].as_str()),
            (Some(&*report), Some("junk"), Some("lunch on Thursday"))
        );
        assert!(row["after"].as_f64() > row["before"].as_f64(), "{row}");
        let page = scene.get("/submissions", &admin).await;
        assert!(page.text.contains("lunch on Thursday") && page.text.contains("administrator@"), "{}", page.text);

        let other = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert!(!scene.get("/submissions", &other).await.text.contains("lunch"), "not for others");
        let gone = scene.send("DELETE", &format!("/api/v1/submissions/{report}"), &other, serde_json::json!({})).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
        let path = format!("/submissions/{report}/remove");
        assert_eq!(scene.post(&path, &admin, &[]).await.status, StatusCode::OK, "it asks first");
        assert_eq!(scene.post(&path, &admin, &[("sure", "1")]).await.to(), "/submissions");
        assert_eq!(scene.get("/api/v1/submissions", &admin).await.json()["rows"], serde_json::json!([]));
    }
}

#[tokio::test]
async fn the_page_takes_a_file_or_pasted_text() {
    let scene = Scene::new(sqlite()).await;
    let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let by_file = form(&scene, &admin, &[("file", JUNK), ("text", ""), ("ip", ""), ("label", "")]).await;
    assert!(by_file.status == StatusCode::OK && by_file.text.contains("an offer") && by_file.text.contains("8.8.8.8"), "{}", by_file.text);
    let pasted = format!("\r\n  \r\n{JUNK}");
    let by_text = form(&scene, &admin, &[("file", ""), ("text", &pasted), ("ip", "192.0.2.7"), ("label", "phish")]).await;
    assert!(by_text.text.contains("192.0.2.7") && by_text.text.contains("Thank you"), "{}", by_text.text);
    for (fields, key) in [
        (vec![("file", ""), ("text", "")], "Choose a file"),
        (vec![("text", "hello there")], "no mail"),
        (vec![("file", JUNK), ("ip", "300.1.1.1")], "192.0.2.1"),
        (vec![("file", JUNK), ("label", "nonsense")], "Choose one"),
    ] {
        let wrong = form(&scene, &admin, &fields).await;
        assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains(key), "{fields:?}: {}", wrong.text);
    }
}

#[tokio::test]
async fn who_may_only_look_teaches_nothing() {
    let scene = Scene::new(sqlite()).await;
    let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
    assert_eq!(sent(&scene, &reader, "", JUNK).await.status, StatusCode::OK);
    assert_eq!(sent(&scene, &reader, "?label=good", JUNK).await.status, StatusCode::FORBIDDEN);
    let person = scene.cookie(Role::Person, Some(scene.acme)).await;
    assert_eq!(sent(&scene, &person, "", JUNK).await.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.get("/submissions", &person).await.status, StatusCode::FORBIDDEN);
}
