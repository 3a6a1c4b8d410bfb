//! The phone directory: read by everybody, kept by operators, each change in the audit log.

use crate::scene::{Answer, Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::postgres::databases;
use web::people::Role;

async fn sent(scene: &Scene, method: &str, path: &str, cookie: &str, body: &Value) -> Answer {
    let request = request(method, path, cookie).header("content-type", "application/json");
    scene.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

fn german() -> Value {
    let line = json!({ "lang": "de", "hours": "24/7", "zone": "Europe/Berlin" });
    json!({ "country": "DE", "purposes": "technical billing", "number": "069 380 789 508", "lines": [line], "holidays": "DE" })
}

#[tokio::test]
async fn operators_keep_it_and_everybody_reads_it() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let made = sent(&scene, "POST", "/api/v1/phone-entries", &operator, &german()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{engine}: {}", made.text);
        let id = made.json()["entry"].as_str().expect("an entry").to_string();
        let path = format!("/api/v1/phone-entries/{id}");

        let called = scene.get("/api/v1/phone?country=DE&for=billing&lang=de", "").await.json();
        assert_eq!((&called["reason"], &called["best"]["tel"]), (&json!("open"), &json!("tel:+4969380789508")), "{called}");
        let page = scene.get("/help/phone?country=DE&for=technical&lang=de", "").await;
        assert!(page.status == StatusCode::OK && page.text.contains("href=\"tel:+4969380789508\""), "{}", page.text);
        assert!(!page.text.contains("href=\"/phone\""), "nothing to edit for a reader");

        let reference = json!({ "country": "DE", "purposes": "premier", "same_as": "technical" });
        let refers =
            sent(&scene, "POST", "/api/v1/phone-entries", &operator, &reference).await.json()["entry"].as_str().expect("one").to_string();
        assert_eq!(
            sent(&scene, "DELETE", &path, &operator, &json!({})).await.status,
            StatusCode::CONFLICT,
            "a reference would lead nowhere"
        );
        let changed = json!({ "country": "DE", "purposes": "technical", "number": "0800 589 2332", "lines": german()["lines"] });
        assert_eq!(sent(&scene, "PUT", &path, &operator, &changed).await.json()["kind"], "toll-free");
        for gone in [format!("/api/v1/phone-entries/{refers}"), path.clone()] {
            assert_eq!(sent(&scene, "DELETE", &gone, &operator, &json!({})).await.status, StatusCode::NO_CONTENT);
        }
        assert_eq!(sent(&scene, "PUT", &path, &operator, &changed).await.status, StatusCode::NOT_FOUND);
        assert_eq!(scene.get("/api/v1/phone?country=DE", "").await.json()["reason"], "none");

        let lines = scene.get("/api/v1/audit?action=phone", &operator).await.json();
        let actions: Vec<&str> = lines["rows"].as_array().expect("rows").iter().filter_map(|line| line["action"].as_str()).collect();
        assert_eq!(actions, ["phone.remove", "phone.remove", "phone.change", "phone.create", "phone.create"], "{lines}");
        assert!(lines.to_string().contains("069 380789508") || lines.to_string().contains("069 380 789 508"), "what was before: {lines}");
    }
}

#[tokio::test]
async fn nobody_else_changes_it() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let made = sent(&scene, "POST", "/api/v1/phone-entries", &operator, &german()).await.json();
        let id = made["entry"].as_str().expect("an entry");
        let before = scene.get("/api/v1/phone-entries", &operator).await.text;
        let routes = [
            ("GET", "/phone".to_string()),
            ("GET", "/phone/new".into()),
            ("POST", "/phone/new".into()),
            ("GET", "/phone/table".into()),
            ("GET", "/phone/import".into()),
            ("POST", "/phone/import".into()),
            ("GET", format!("/phone/{id}")),
            ("POST", format!("/phone/{id}")),
            ("POST", format!("/phone/{id}/remove")),
            ("GET", "/api/v1/phone-entries".into()),
            ("POST", "/api/v1/phone-entries".into()),
            ("GET", format!("/api/v1/phone-entries/{id}")),
            ("PUT", format!("/api/v1/phone-entries/{id}")),
            ("DELETE", format!("/api/v1/phone-entries/{id}")),
        ];
        for role in Role::ALL.into_iter().filter(|role| !role.is_of_service()) {
            let cookie = scene.cookie(role, Some(scene.acme)).await;
            for (method, path) in &routes {
                let answer = match (*method, path.starts_with("/api/")) {
                    ("GET", _) => scene.get(path, &cookie).await,
                    (_, false) => scene.post(path, &cookie, &[("sure", "1"), ("table", "country,purpose,number"), ("replace", "on")]).await,
                    (_, true) => sent(&scene, method, path, &cookie, &german()).await,
                };
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{engine}: {method} {path} as {}", role.name());
            }
        }
        assert_eq!(scene.get("/api/v1/phone-entries", &operator).await.text, before);
    }
}

#[tokio::test]
async fn the_form_names_each_wrong_field_and_a_table_is_taken_as_a_whole() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let form = [
            ("country", "FR"),
            ("technical", "on"),
            ("number", "12"),
            ("l0_lang", "fr"),
            ("l0_hours", "whenever"),
            ("l0_zone", "Europe/Paris"),
        ];
        let wrong = scene.post("/phone/new", &operator, &form).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("id=\"e-number\"") && wrong.text.contains("id=\"e-l0_hours\""), "{}", wrong.text);
        let right = [
            ("country", "FR"),
            ("technical", "on"),
            ("number", "01 57 32 42 97"),
            ("l0_lang", "fr"),
            ("l0_hours", "24/7"),
            ("l0_zone", "UTC"),
        ];
        assert_eq!(scene.post("/phone/new", &operator, &right).await.to(), "/phone");

        let head = "country,purpose,number,lang,hours,zone\n";
        let half = format!("{head}DE,technical,0800 589 2332,de,24/7,UTC\nDE,technical,1,de,24/7,UTC\n");
        let refused = scene.post("/phone/import", &operator, &[("table", &half), ("replace", "on")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let table = scene.get("/phone/table", &operator).await.text;
        assert!(table.contains("01 57 32 42 97") && !table.contains("0800 589 2332"), "nothing was taken: {table}");
        let whole = format!("{head}DE,technical,0800 589 2332,de,24/7,UTC\n");
        assert_eq!(scene.post("/phone/import", &operator, &[("table", &whole), ("replace", "on")]).await.to(), "/phone");
        let table = scene.get("/phone/table", &operator).await.text;
        assert!(!table.contains("01 57 32 42 97") && table.contains("0800 5892332"), "replaced: {table}");
    }
}
