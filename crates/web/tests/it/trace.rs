//! Trace: one mail by page and API, what can be done about it, files, headers that are pasted.

use crate::quarantine::hold;
use crate::scene::Scene;
use axum::http::StatusCode;
use mail::MailId;
use serde_json::json;
use store::{Error, args};
use testkit::postgres::{databases, sqlite};
use web::people::Role;

async fn queue(scene: &Scene, mail: &str) {
    let id: MailId = mail.parse().expect("a mail");
    let done: Result<_, Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(
                async move { tx.run("UPDATE recipient SET state = 'queued', next_ms = 9000000000000 WHERE mail = $1", args![id.0]).await },
            )
        })
        .await;
    done.expect("queued");
}

#[tokio::test]
async fn one_mail_is_told_to_programs_as_to_people() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let mail = hold(&scene, scene.acme, "bo@acme.example", "spam").await;
        let listed = scene.get("/api/v1/trace?sender=x%40sender.example", &admin).await.json();
        assert_eq!((&listed["rows"][0]["mail"], &listed["is_complete"]), (&json!(mail), &json!(true)), "{engine}");
        assert_eq!(listed["rows"][0]["recipients"][0]["state"], "held", "{engine}");
        let one = scene.get(&format!("/api/v1/trace/{mail}"), &admin).await.json();
        assert_eq!((&one["mail"]["subject"], &one["receipt"]["version"]), (&json!("Win spam"), &json!(1)), "{engine}");
        assert!(scene.get(&format!("/trace/{mail}"), &admin).await.text.contains("a.sender.example"), "{engine}: the way it came");
        let message = scene.get(&format!("/api/v1/trace/{mail}/message"), &admin).await;
        assert!(message.text.starts_with("Received: from a.sender.example"), "{engine}");
        for path in ["/api/v1/trace/m1", "/api/v1/trace/nonsense", "/trace/nonsense"] {
            assert_eq!(scene.get(path, &admin).await.status, StatusCode::NOT_FOUND, "{engine}: {path}");
        }
        assert_eq!(scene.get("/api/v1/trace/refused?ip=nonsense", &admin).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        assert_eq!(scene.get("/api/v1/trace/refused", &admin).await.json()["rows"], json!([]), "{engine}");
    }
}

#[tokio::test]
async fn only_who_decides_about_mail_retries_and_stops_it() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
        let mail = hold(&scene, scene.acme, "bo@acme.example", "spam").await;
        let path = format!("/api/v1/trace/{mail}");
        assert_eq!(
            scene.send("POST", &format!("{path}/retry"), &admin, json!({})).await.status,
            StatusCode::CONFLICT,
            "{engine}: it is held"
        );
        queue(&scene, &mail).await;
        for verb in ["retry", "cancel"] {
            assert_eq!(scene.send("POST", &format!("{path}/{verb}"), &reader, json!({})).await.status, StatusCode::FORBIDDEN, "{engine}");
        }
        assert_eq!(scene.post(&format!("/trace/{mail}/retry"), &reader, &[]).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert_eq!(scene.send("POST", &format!("{path}/retry"), &admin, json!({})).await.json()["recipients"], 1, "{engine}");
        let asked = scene.post(&format!("/trace/{mail}/cancel"), &admin, &[]).await;
        assert!(asked.text.contains("name=\"sure\""), "{engine}: asks first");
        assert_eq!(scene.send("POST", &format!("{path}/cancel"), &admin, json!({})).await.json()["recipients"], 1, "{engine}");
        assert_eq!(scene.send("POST", &format!("{path}/cancel"), &admin, json!({})).await.status, StatusCode::CONFLICT, "{engine}: twice");
        assert_eq!(scene.get(&format!("{path}/message"), &admin).await.status, StatusCode::CONFLICT, "{engine}: its content is gone");
    }
}

#[tokio::test]
async fn a_file_is_all_that_was_found_and_not_one_page() {
    let scene = Scene::new(sqlite()).await;
    let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    for _ in 0..60 {
        hold(&scene, scene.acme, "bo@acme.example", "spam").await;
    }
    let page = scene.get("/trace", &admin).await.text;
    assert_eq!((page.matches("Win spam").count(), page.contains("rel=\"next\"")), (50, true));
    let file = scene.get("/trace?format=csv", &admin).await.text;
    assert_eq!((file.matches("Win spam").count(), file.lines().count()), (60, 61), "a heading and every mail");
    let live = scene.get("/trace?live=1", &admin).await.text;
    assert!(live.contains("hx-trigger=\"every 3s\"") && live.contains("hx-get=\"/trace?live=1\""));
    let wrong = scene.get("/trace?since=2020-01-01T00:00", &admin).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains("Nothing is kept from before"), "out of range is said");
}

#[tokio::test]
async fn a_pasted_header_is_read_and_not_believed() {
    let scene = Scene::new(sqlite()).await;
    let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let header = "Received: from b.example by c.example with ESMTPS id m1;\n Tue, 24 Nov 2026 12:00:30 +0000\nReceived: from <script>a by b.example; Tue, 24 Nov \
                  2026 12:00:00 +0000\nAuthentication-Results: c.example; spf=pass\nSubject: <b>x</b>\n\nbody";
    let read = scene.post("/trace/header", &admin, &[("header", header)]).await;
    assert!(read.status == StatusCode::OK && read.text.contains("30 s") && read.text.contains("spf=pass"), "{}", read.text);
    assert!(!read.text.contains("<script>a") && !read.text.contains("<b>x"), "it is text");
    for wrong in ["", "\n\n", "no header at all"] {
        assert_eq!(scene.post("/trace/header", &admin, &[("header", wrong)]).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    let path = "/api/v1/trace/header";
    let read = scene.send("POST", path, &admin, serde_json::json!({ "header": header })).await;
    let body = read.json();
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    assert_eq!(
        (&body["total_ms"], &body["hops"][1]["delay_ms"], &body["hops"][1]["by"]),
        (&30_000.into(), &30_000.into(), &"c.example".into())
    );
    let spf = &body["authentication"][0]["methods"][0];
    assert_eq!((&spf["name"], &spf["result"]), (&"spf".into(), &"pass".into()), "{body}");
    assert_eq!((&body["subject"], &body["fields"][0]["name"]), (&"<b>x</b>".into(), &"Received".into()), "{body}");
    let wrong = scene.send("POST", path, &admin, serde_json::json!({ "header": "no header at all" })).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let person = scene.cookie(Role::Person, Some(scene.acme)).await;
    assert_eq!(scene.get("/trace/header", &person).await.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.send("POST", path, &person, serde_json::json!({ "header": header })).await.status, StatusCode::FORBIDDEN);
}
