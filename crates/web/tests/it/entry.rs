//! Allow and block entries: made by those who may, seen before they are saved, renewed, ended, told about.

use crate::past::{Past, past};
use crate::scene::{Answer, NOW_MS, Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};
use store::{Error, args};
use testkit::postgres::{databases, sqlite};
use web::people::Role;
use web::people::sql::NewPerson;

const DAY_MS: i64 = 86_400_000;

async fn sent(scene: &Scene, method: &str, path: &str, cookie: &str, body: &Value) -> Answer {
    let request = request(method, path, cookie).header("content-type", "application/json");
    scene.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

#[tokio::test]
async fn an_entry_is_seen_before_it_is_saved_and_counts_what_it_did() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        past(&scene, scene.acme, &Past::default()).await;
        for other in [
            Past { authenticated: false, ..Past::default() }, // anybody could have written that name
            Past { sender: "ann@partner.example", ..Past::default() },
            Past { spam: 0.2, action: "none", ..Past::default() },
        ] {
            past(&scene, scene.acme, &other).await;
        }
        let form = [("effect", "allow"), ("kind", "address"), ("value", "Tom@Partner.example"), ("days", "30"), ("verb", "replay")];
        let begun = scene.post("/entries/new", &cookie, &form).await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
        let draft = begun.to().trim_start_matches("/drafts/").to_string();
        let found = scene.get(&format!("/api/v1/drafts/{draft}"), &cookie).await.json();
        assert_eq!((&found["changed"], &found["receipts"]), (&json!(1), &json!(4)), "{found}");
        assert_eq!((&found["changes"][0]["was"], &found["changes"][0]["would_be"]), (&json!("junk"), &json!("none")));
        let saved = scene.post(&format!("/drafts/{draft}/save"), &cookie, &[]).await;
        assert_eq!((saved.status, saved.to()), (StatusCode::SEE_OTHER, "/entries"));
        let list = scene.get("/api/v1/entries", &cookie).await.json();
        let entry = &list["rows"][0];
        assert_eq!(
            (&entry["value"], &entry["made_by"]),
            (&json!("tom@partner.example"), &json!(format!("administrator@{}.example", scene.acme)))
        );
        assert_eq!(entry["expires_ms"], json!(NOW_MS + 30 * DAY_MS));
        let id = entry["entry"].as_str().expect("an entry").to_string();
        let twice = scene
            .post("/entries/new", &cookie, &[("effect", "allow"), ("kind", "address"), ("value", "tom@partner.example"), ("verb", "save")])
            .await;
        assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY, "there is the same one");
        let number: mail::id::EntryId = id.parse().expect("an identifier");
        let org = scene.acme.0;
        let counted: Result<u64, Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    let sql =
                        "INSERT INTO entry_usage (org, entry, class, won, lost, last_ms, won_ms) VALUES ($1, $2, 'spam', 4, 1, $3, $3)";
                    tx.run(sql, args![org, number.0, NOW_MS]).await
                })
            })
            .await;
        counted.expect("counted");
        assert_eq!(scene.get(&format!("/api/v1/entries/{id}"), &cookie).await.json()["won"], 4);
        let page = scene.get(&format!("/entries/{id}"), &cookie).await;
        assert!(page.text.contains("What it did") && page.text.contains(">4<"), "{}", page.text);
        let never = sent(&scene, "PATCH", &format!("/api/v1/entries/{id}"), &cookie, &json!({ "never": true })).await;
        assert_eq!(never.json()["errors"][0]["pointer"], "/note", "never needs a reason");
        let renewed = sent(&scene, "PATCH", &format!("/api/v1/entries/{id}"), &cookie, &json!({ "days": 90 })).await;
        assert_eq!(renewed.json()["expires_ms"], json!(NOW_MS + 90 * DAY_MS));
        assert!(scene.post(&format!("/entries/{id}/end"), &cookie, &[]).await.text.contains("sure"), "it asks first");
        assert_eq!(sent(&scene, "DELETE", &format!("/api/v1/entries/{id}"), &cookie, &json!({})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(
            sent(&scene, "DELETE", &format!("/api/v1/entries/{id}"), &cookie, &json!({})).await.status,
            StatusCode::CONFLICT,
            "twice"
        );
        assert_eq!(scene.get("/api/v1/entries", &cookie).await.json()["rows"], json!([]));
        assert_eq!(scene.get("/api/v1/entries?state=ended", &cookie).await.json()["rows"][0]["won"], 4, "what it did stays for a while");
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_entry_is_said() {
    let scene = Scene::new(sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    for (body, pointer) in [
        (json!({ "effect": "permit", "kind": "address", "value": "a@b.example" }), "/effect"),
        (json!({ "effect": "allow", "kind": "host", "value": "b.example" }), "/kind"),
        (json!({ "effect": "allow", "kind": "hash", "value": "ab".repeat(32) }), "/kind"),
        (json!({ "effect": "block", "kind": "hash", "value": "ab" }), "/value"),
        (json!({ "effect": "block", "kind": "ip", "value": "192.0.2.300" }), "/value"),
        (json!({ "effect": "block", "kind": "address", "value": "nobody" }), "/value"),
        (json!({ "effect": "block", "kind": "domain", "value": "b.example", "days": 91 }), "/days"),
        (json!({ "effect": "block", "kind": "domain", "value": "b.example", "never": true }), "/note"),
        (json!({ "effect": "block", "kind": "domain", "value": "b.example", "scope": "eve@other.example" }), "/scope"),
    ] {
        let refused = sent(&scene, "POST", "/api/v1/entries", &cookie, &body).await;
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)),
            "{body}"
        );
    }
    let ok = json!({ "effect": "block", "kind": "domain", "value": "partner.example" });
    assert_eq!(sent(&scene, "POST", "/api/v1/entries", &cookie, &ok).await.status, StatusCode::CREATED);
    let form = [("effect", "allow"), ("kind", "address"), ("value", "tom@partner.example"), ("verb", "replay")];
    let begun = scene.post("/entries/new", &cookie, &form).await;
    assert!(scene.get(begun.to(), &cookie).await.text.contains("can never win"), "an allow under a block is told of");
    let link = [("effect", "block"), ("kind", "host"), ("value", "bad.example"), ("verb", "replay")];
    let begun = scene.post("/entries/new", &cookie, &link).await;
    assert!(scene.get(begun.to(), &cookie).await.text.contains("neither links nor files"), "what cannot be told is not made up");
}

#[tokio::test]
async fn people_make_entries_for_their_own_mailbox_where_they_may() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let alice = NewPerson { email: "alice@acme.example".into(), name: String::new(), role: Role::Person, org: Some(scene.acme) };
        let alice = scene.cookie_of(&alice).await;
        let own = json!({ "effect": "allow", "kind": "address", "value": "tom@partner.example", "scope": "alice@acme.example" });
        assert_eq!(sent(&scene, "POST", "/api/v1/entries", &alice, &own).await.status, StatusCode::FORBIDDEN, "not yet");
        assert_eq!(scene.get("/entries/new", &alice).await.status, StatusCode::FORBIDDEN);
        assert!(scene.get("/entries/mine", &alice).await.text.contains("does not let people"));
        assert_eq!(scene.post("/entries/choice", &alice, &[("people_may", "on")]).await.status, StatusCode::FORBIDDEN);
        let chosen = scene.post("/entries/choice", &administrator, &[("people_may", "on"), ("warn_days", "7")]).await;
        assert_eq!(chosen.status, StatusCode::SEE_OTHER);
        let page = scene.get("/entries/new?effect=allow&kind=address&value=tom%40partner.example&scope=bo%40acme.example", &alice).await;
        assert!(page.text.contains("It holds for your mailbox: alice@acme.example"), "{}", page.text);
        let made = sent(&scene, "POST", "/api/v1/entries", &alice, &own).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        for (field, value) in [("scope", "bo@acme.example"), ("scope", ""), ("kind", "ip")] {
            let mut body = own.clone();
            body[field] = json!(value);
            if value == "ip" {
                body["value"] = json!("192.0.2.1");
            }
            let refused = sent(&scene, "POST", "/api/v1/entries", &alice, &body).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{field} {value}");
        }
        let of_all = json!({ "effect": "block", "kind": "domain", "value": "spam.example" });
        let of_all =
            sent(&scene, "POST", "/api/v1/entries", &administrator, &of_all).await.json()["entry"].as_str().expect("an entry").to_string();
        assert_eq!(scene.get(&format!("/entries/{of_all}"), &alice).await.status, StatusCode::NOT_FOUND, "not hers to see");
        assert_eq!(sent(&scene, "DELETE", &format!("/api/v1/entries/{of_all}"), &alice, &json!({})).await.status, StatusCode::NOT_FOUND);
        let mine = scene.get("/api/v1/entries", &alice).await.json();
        assert_eq!(mine["rows"].as_array().map(Vec::len), Some(1), "{mine}");
        let id = made.json()["entry"].as_str().expect("an entry").to_string();
        assert_eq!(scene.post(&format!("/entries/{id}/renew"), &alice, &[("days", "7")]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(web::entry::tell(&scene.app).await.expect("told"), 1, "alice's ends within the week that the organisation chose");
        assert_eq!(web::entry::tell(&scene.app).await.expect("told"), 0, "once");
        let letter: Result<Option<store::Row>, Error> = scene
            .app
            .db
            .read(|tx| Box::pin(async move { tx.row("SELECT address FROM recipient WHERE state = 'queued'", args![]).await }))
            .await;
        assert_eq!(letter.expect("read").expect("a letter waits").text(0).expect("text"), "alice@acme.example");
        assert_eq!(scene.post(&format!("/entries/{id}/end"), &alice, &[("sure", "1")]).await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn entries_come_in_pages_and_are_filtered() {
    let scene = Scene::new(sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let org = scene.acme.0;
    let many: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                for n in 1..=120_i64 {
                    tx.run(
                        "INSERT INTO list_entry (id, org, effect, kind, value, scope, expires_ms, note, made_ms, source, made_by) \
                         VALUES ($1, $2, 'block', 'domain', $3, '', $4, '', $5, 'page', 'ann@acme.example')",
                        args![n, org, format!("d{n}.example"), NOW_MS + n * DAY_MS, NOW_MS],
                    )
                    .await?;
                }
                Ok(())
            })
        })
        .await;
    many.expect("written");
    let (mut seen, mut before) = (0, String::new());
    loop {
        let page = scene.get(&format!("/api/v1/entries?before={before}"), &cookie).await.json();
        seen += page["rows"].as_array().expect("rows").len();
        match page["next"].as_str() {
            Some(next) => before = next.to_string(),
            None => break,
        }
    }
    assert_eq!(seen, 120);
    let count = async |query: &str| {
        let page = scene.get(&format!("/api/v1/entries?{query}"), &cookie).await.json();
        page["rows"].as_array().map(Vec::len).unwrap_or_default()
    };
    assert_eq!(count("state=soon").await, 6, "those that end within a week");
    assert_eq!(count("value=D11").await, 11);
    assert_eq!(count("effect=allow").await, 0);
    assert_eq!(count("made_by=ann&value=d120").await, 1);
    assert_eq!(scene.get("/api/v1/entries?before=x", &cookie).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let csv = scene.get("/entries?format=csv", &cookie).await;
    assert_eq!(csv.text.lines().count(), 51);
}
