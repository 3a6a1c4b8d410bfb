//! Policies: made, seen before they are saved, ordered, asked about, refused.

use crate::past::{Past, past};
use crate::scene::{Answer, Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};
use store::{Error, args};
use testkit::postgres::{databases, sqlite};
use web::people::Role;

async fn sent(scene: &Scene, method: &str, path: &str, cookie: &str, body: &Value) -> Answer {
    let request = request(method, path, cookie).header("content-type", "application/json");
    scene.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

fn form(name: &str) -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_string();
    vec![
        ("name", text(name)),
        ("enabled", text("on")),
        ("applies_addresses", text("alice@acme.example")),
        ("spam", text("quarantine")),
        ("high_spam", text("quarantine")),
        ("phish", text("quarantine")),
        ("high_phish", text("quarantine")),
        ("bulk", text("junk")),
        ("spoof", text("junk")),
        ("impersonation", text("junk")),
        ("blocked_type", text("reject")),
        ("bulk_level", text("7")),
        ("honor_dmarc", text("on")),
        ("retention_days", text("15")),
        ("header", text("X-Junk: yes")),
        ("days", text("7")),
    ]
}

fn borrowed<'a>(pairs: &'a [(&'a str, String)], verb: &'a str) -> Vec<(&'a str, &'a str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_str())).chain([("verb", verb)]).collect()
}

#[tokio::test]
async fn a_policy_is_seen_before_it_is_saved_and_holds_after() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        past(&scene, scene.acme, &Past::default()).await;
        for other in [
            Past { recipient: "bo@acme.example", ..Past::default() }, // another recipient
            Past { spam: 0.2, action: "none", ..Past::default() },    // clean
            Past { days_ago: 20, ..Past::default() },                 // too long ago
            Past { direction: "outbound", policy: "outbound", action: "none", ..Past::default() }, // going out
        ] {
            past(&scene, scene.acme, &other).await;
        }
        past(&scene, scene.other, &Past { recipient: "alice@acme.example", ..Past::default() }).await;
        let pairs = form("finance");
        let begun = scene.post("/policies/new", &cookie, &borrowed(&pairs, "replay")).await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
        let shown = scene.get(begun.to(), &cookie).await;
        assert!(
            shown.text.contains("1 recipient&#39;s mail would have changed")
                || shown.text.contains("1 recipient's mail would have changed"),
            "{}",
            shown.text
        );
        assert!(shown.text.contains("tom@partner.example") && shown.text.contains("3 mails were decided about again"), "{}", shown.text);
        let csv = scene.get(&format!("{}?format=csv", begun.to()), &cookie).await;
        assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);
        let colleague = scene.cookie_of(&web::people::sql::NewPerson {
            email: "second@acme.example".into(),
            name: String::new(),
            role: Role::Administrator,
            org: Some(scene.acme),
        });
        assert_eq!(scene.get(begun.to(), &colleague.await).await.status, StatusCode::NOT_FOUND, "a draft is its maker's alone");
        let before = scene.get("/api/v1/policies/applying?recipient=alice@acme.example", &cookie).await.json();
        assert_eq!(before["policy"]["name"], "default");
        let again = scene.get(&format!("/policies/new?draft={}", begun.to().trim_start_matches("/drafts/")), &cookie).await;
        assert!(again.text.contains("value=\"finance\""), "the form has what was drafted");
        let saved = scene.post(&format!("{}/save", begun.to()), &cookie, &[]).await;
        assert_eq!((saved.status, saved.to()), (StatusCode::SEE_OTHER, "/policies"));
        let twice = scene.post(&format!("{}/save", begun.to()), &cookie, &[]).await;
        assert_eq!(twice.status, StatusCode::CONFLICT);
        let after = scene.get("/api/v1/policies/applying?recipient=alice@acme.example", &cookie).await.json();
        assert_eq!((&after["policy"]["name"], &after["because"]), (&json!("finance"), &json!("address")));
        let page = scene.get("/policies/applying?recipient=bo@acme.example", &cookie).await;
        assert!(page.text.contains("finance") && page.text.contains("the recipient is not among those it applies to"), "{}", page.text);
        let list = scene.get("/policies", &cookie).await;
        assert!(list.text.contains("alice@acme.example"), "{}", list.text);
        assert_eq!(audited(&scene).await, ["policy.create"]);
    }
}

async fn audited(scene: &Scene) -> Vec<String> {
    let org = scene.acme.0;
    let rows: Result<Vec<store::Row>, Error> = scene
        .app
        .db
        .read(move |tx| Box::pin(async move { tx.rows("SELECT action FROM audit WHERE org = $1 ORDER BY id", args![org]).await }))
        .await;
    rows.expect("rows").iter().map(|row| row.text(0).expect("text").to_string()).collect()
}

#[tokio::test]
async fn programs_make_order_change_and_remove_policies() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        for name in ["one", "two", "three"] {
            let made = sent(&scene, "POST", "/api/v1/policies", &cookie, &json!({ "name": name, "spam": "delete" })).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        }
        let twice = sent(&scene, "POST", "/api/v1/policies", &cookie, &json!({ "name": "one" })).await;
        assert_eq!(twice.status, StatusCode::CONFLICT);
        let names = async || {
            let list = scene.get("/api/v1/policies", &cookie).await.json();
            list["rows"].as_array().expect("rows").iter().map(|row| row["name"].as_str().expect("a name").to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names().await, ["one", "two", "three"]);
        let ordered = sent(&scene, "PUT", "/api/v1/policies/order", &cookie, &json!({ "names": ["three", "one", "two"] })).await;
        assert_eq!(ordered.status, StatusCode::OK, "{}", ordered.text);
        assert_eq!(names().await, ["three", "one", "two"]);
        for wrong in [json!(["three", "one"]), json!(["three", "one", "one"]), json!(["three", "one", "two", "four"])] {
            let refused = sent(&scene, "PUT", "/api/v1/policies/order", &cookie, &json!({ "names": wrong })).await;
            assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED, "{wrong}");
        }
        let moved =
            scene.post("/policies/order", &cookie, &[("name", "three"), ("name", "one"), ("name", "two"), ("move", "up:two")]).await;
        assert_eq!(moved.status, StatusCode::SEE_OTHER);
        assert_eq!(names().await, ["three", "two", "one"]);
        assert_eq!(scene.post("/policies/three/switch", &cookie, &[("on", "0")]).await.status, StatusCode::SEE_OTHER);
        let applied = scene.get("/api/v1/policies/applying?recipient=bo@acme.example", &cookie).await.json();
        assert_eq!((&applied["policy"]["name"], &applied["because"]), (&json!("two"), &json!("everybody")));
        assert_eq!(applied["passed"][0], json!({ "policy": "three", "why": "it is switched off" }));
        let got = scene.get("/api/v1/policies/two", &cookie).await;
        let tag = got.headers["etag"].to_str().expect("text").to_string();
        let change = |spam: &str| {
            let request =
                request("PUT", "/api/v1/policies/two", &cookie).header("content-type", "application/json").header("if-match", &tag);
            request.body(Body::from(json!({ "spam": spam }).to_string())).expect("a request")
        };
        assert_eq!(scene.ask(change("junk")).await.json()["spam"], "junk");
        assert_eq!(scene.ask(change("delete")).await.status, StatusCode::PRECONDITION_FAILED, "somebody changed it meanwhile");
        let strict = sent(
            &scene,
            "POST",
            "/api/v1/policies",
            &cookie,
            &json!({ "name": "strict", "applies_domains": ["acme.example"], "spam": "none" }),
        )
        .await;
        assert_eq!((strict.status, &strict.json()["spam"]), (StatusCode::CREATED, &json!("quarantine")), "a preset's numbers are fixed");
        assert_eq!(scene.get("/api/v1/policies/applying?recipient=bo@acme.example", &cookie).await.json()["policy"]["name"], "strict");
        let asked = scene.post("/policies/two/delete", &cookie, &[]).await;
        assert!(asked.status == StatusCode::OK && asked.text.contains("sure"), "it asks first");
        assert_eq!(scene.post("/policies/two/delete", &cookie, &[("sure", "1")]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(sent(&scene, "DELETE", "/api/v1/policies/two", &cookie, &json!({})).await.status, StatusCode::NOT_FOUND, "twice");
        assert_eq!(names().await, ["strict", "three", "one"]);
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_and_who_may_not_is_refused() {
    let scene = Scene::new(sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
    let person = scene.cookie(Role::Person, Some(scene.acme)).await;
    for (body, pointer) in [
        (json!({}), "/name"),
        (json!({ "name": "a", "spam": "explode" }), "/spam"),
        (json!({ "name": "a", "spam": "redirect" }), "/redirect_to"),
        (json!({ "name": "applying" }), "/name"),
        (json!({ "name": "a", "applies_addresses": ["nobody"] }), "/applies_addresses"),
        (json!({ "name": "a", "threshold_spam": 0.3 }), "/threshold_spam"),
        (json!({ "name": "a", "retention_days": 0 }), "/retention_days"),
    ] {
        let refused = sent(&scene, "POST", "/api/v1/policies", &cookie, &body).await;
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)),
            "{body}"
        );
    }
    let mut pairs = form("x/y");
    pairs.push(("threshold_spam", "20".into()));
    let page = scene.post("/policies/new", &cookie, &borrowed(&pairs, "save")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("href=\"#f-name\"") && page.text.contains("href=\"#f-threshold_spam\""), "{}", page.text);
    for path in ["/policies", "/policies/applying", "/policies/thresholds", "/policies/strict"] {
        assert_eq!(scene.get(path, &reader).await.status, StatusCode::OK, "{path}");
        assert_eq!(scene.get(path, &person).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let pairs = form("mine");
    for path in ["/policies/new", "/policies/strict", "/policies/order", "/policies/mine/switch", "/policies/mine/delete"] {
        assert_eq!(scene.post(path, &reader, &borrowed(&pairs, "save")).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for recipient in ["eve@other.example", "nobody@nowhere.example", "no address"] {
        let asked = scene.get(&format!("/api/v1/policies/applying?recipient={}", recipient.replace(' ', "%20")), &cookie).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY, "{recipient}: {}", asked.text);
    }
}

#[tokio::test]
async fn policies_of_the_settings_file_are_shown_and_stay() {
    let scene = Scene::new(sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let org = scene.acme.0;
    let done: Result<u64, Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                tx.run(
                    "INSERT INTO policy (name, org, priority, settings, source) VALUES ('filed', $1, 0, '{\"name\":\"filed\"}', 'file')",
                    args![org],
                )
                .await
            })
        })
        .await;
    done.expect("written");
    let page = scene.get("/policies/filed", &cookie).await;
    assert!(page.text.contains("stands in the settings file") && !page.text.contains("Save without looking"), "{}", page.text);
    let pairs = form("filed");
    for (path, verb) in [("/policies/filed", "save"), ("/policies/filed/switch", ""), ("/policies/filed/delete", "")] {
        let mut pairs = borrowed(&pairs, verb);
        pairs.push(("sure", "1"));
        assert_eq!(scene.post(path, &cookie, &pairs).await.status, StatusCode::CONFLICT, "{path}");
    }
    assert_eq!(sent(&scene, "PUT", "/api/v1/policies/filed", &cookie, &json!({})).await.status, StatusCode::CONFLICT);
    assert_eq!(sent(&scene, "DELETE", "/api/v1/policies/filed", &cookie, &json!({})).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_draft_does_not_overwrite_what_others_changed_meanwhile() {
    let scene = Scene::new(sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    assert_eq!(sent(&scene, "POST", "/api/v1/policies", &cookie, &json!({ "name": "one" })).await.status, StatusCode::CREATED);
    let begun = sent(&scene, "POST", "/api/v1/policies/replay", &cookie, &json!({ "policy": { "name": "one", "spam": "delete" } })).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text);
    assert_eq!((&begun.json()["state"], &begun.json()["is_complete"]), (&json!("done"), &json!(true)));
    assert_eq!(sent(&scene, "PUT", "/api/v1/policies/one", &cookie, &json!({ "spam": "none" })).await.status, StatusCode::OK);
    let draft = begun.json()["draft"].as_str().expect("a draft").to_string();
    let late = sent(&scene, "POST", &format!("/api/v1/drafts/{draft}/save"), &cookie, &json!({})).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(scene.get("/api/v1/policies/one", &cookie).await.json()["spam"], "none");
}
