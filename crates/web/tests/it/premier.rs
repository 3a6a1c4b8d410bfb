//! Premier support: hours of advice, health checks that are followed up, and who sees what of them.

use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use mail::dns::Zone;
use serde_json::{Value, json};
use store::{Error, args};
use testkit::postgres::databases;
use web::people::Role;
use web::premier::check;
use web::support_desk::keep;

/// A scene with an account manager for acme: their cookie.
async fn managed(scene: &Scene, operator: &str) -> String {
    keep::ship(&scene.app).await.expect("plans");
    let manager = scene.cookie(Role::AccountManager, None).await;
    let found: Result<_, Error> =
        scene.app.db.read(|tx| Box::pin(async move { web::people::sql::id_of(tx, "account-manager@service.example").await })).await;
    let id = found.expect("a look").expect("a person");
    let contract = format!("/api/v1/support/contracts/{}", scene.acme);
    let body = json!({ "plan": null, "manager": id.to_string(), "deputy": null, "advisory_minutes": 60 });
    let kept = scene.send("PUT", &contract, operator, body).await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.text);
    manager
}

#[tokio::test]
async fn hours_of_advice_are_bought_used_and_shown() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let manager = managed(&scene, &operator).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let path = format!("/api/v1/support/premier/{}", scene.acme);
        let act = async |who: &str, body: Value| scene.send("POST", &path, who, body).await;
        let buy = json!({ "verb": "buy", "minutes": "600", "what": "order 7", "day": "2026-11-01", "until": "2027-10-31" });
        assert_eq!(act(&manager, buy.clone()).await.status, StatusCode::FORBIDDEN, "{engine}: operators sell");
        let bought = act(&operator, buy).await;
        assert_eq!(bought.status, StatusCode::NO_CONTENT, "{engine}: {}", bought.text);
        for (body, pointer) in [
            (json!({ "verb": "use", "minutes": "0", "what": "x", "whom": "y" }), "/minutes"),
            (json!({ "verb": "use", "minutes": "30", "what": "", "whom": "y" }), "/what"),
            (json!({ "verb": "use", "minutes": "30", "what": "x", "whom": "" }), "/whom"),
            (json!({ "verb": "use", "minutes": "30", "what": "x", "whom": "y", "day": "2027-01-01" }), "/day"),
            (json!({ "verb": "buy", "minutes": "30", "what": "x", "day": "2026-11-05", "until": "2026-11-01" }), "/until"),
            (json!({ "verb": "dance" }), "/verb"),
        ] {
            let answer = act(&operator, body).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: {}", answer.text);
            assert!(answer.text.contains(pointer), "{engine}: {pointer}: {}", answer.text);
        }
        let used =
            act(&manager, json!({ "verb": "use", "minutes": "90", "what": "DMARC policy", "whom": "Alice", "day": "2026-11-20" })).await;
        assert_eq!(used.status, StatusCode::NO_CONTENT, "{engine}: {}", used.text);
        let advice = scene.get("/api/v1/premier", &admin).await.json()["advice"].clone();
        assert_eq!((&advice["left_minutes"], &advice["monthly_left_minutes"]), (&json!(570), &json!(0)), "{engine}: {advice}");
        let page = scene.get("/premier", &admin).await.text;
        assert!(page.contains("DMARC policy") && page.contains("Alice") && page.contains("9:30"), "{engine}: {page}");
        let noted = advice["uses"][0]["id"].as_str().expect("an id");
        assert_eq!(act(&manager, json!({ "verb": "take-back", "id": noted })).await.status, StatusCode::NO_CONTENT, "{engine}");
        assert_eq!(scene.get("/api/v1/premier", &admin).await.json()["advice"]["left_minutes"], 660, "{engine}");
        // Nobody else's: an engineer who does not manage it, another organisation.
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        assert_eq!(scene.get(&path, &engineer).await.status, StatusCode::NOT_FOUND, "{engine}");
        let theirs = format!("/api/v1/support/premier/{}", scene.other);
        assert_eq!(scene.get(&theirs, &manager).await.status, StatusCode::NOT_FOUND, "{engine}");
        assert!(scene.get("/api/v1/audit?action=premier.use", &admin).await.text.contains("account-manager@"), "{engine}");
    }
}

#[tokio::test]
async fn a_health_check_runs_finds_and_is_followed_up() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::with_dns(database, Zone::new()).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let manager = managed(&scene, &operator).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let path = format!("/api/v1/support/premier/{}", scene.acme);
        assert_eq!(check::run_due(&scene.app).await, Ok(0), "{engine}: nothing is planned");
        let planned = scene.send("POST", &path, &manager, json!({ "verb": "plan", "every_days": "90" })).await;
        assert_eq!(planned.status, StatusCode::NO_CONTENT, "{engine}: {}", planned.text);
        assert_eq!((check::run_due(&scene.app).await, check::run_due(&scene.app).await), (Ok(1), Ok(0)), "{engine}: once");
        let whole = scene.get("/api/v1/premier", &admin).await.json();
        let checks = whole["health_checks"].as_array().expect("checks");
        let next = checks.iter().find(|check| check["state"] == "planned").expect("the next one");
        assert_eq!(next["due_ms"], NOW_MS + 90 * 86_400_000, "{engine}: {whole}");
        let open = whole["findings"].as_array().expect("findings");
        let spf =
            open.iter().find(|finding| finding["kind"] == "domain.spf" && finding["subject"] == "acme.example").expect("no SPF record");
        assert_eq!((&spf["state"], &spf["result"]), (&json!("open"), &json!("problem")), "{engine}: {spf}");
        assert_eq!(whole["posture"]["domains"][0]["domain"], "acme.example", "{engine}: {whole}");
        // The account manager sees that it was done, and nothing of what it found until the organisation lets them.
        let theirs = scene.get(&path, &manager).await.json();
        assert_eq!(
            (theirs["findings"].as_array().map(Vec::len), &theirs["posture"]["domains"]),
            (Some(0), &json!([])),
            "{engine}: {theirs}"
        );
        assert!(!scene.get(&format!("/support/premier/{}", scene.acme), &manager).await.text.contains("acme.example"), "{engine}");
        let asked = json!({ "title": "t", "description": "d", "see": "settings" });
        assert_eq!(scene.send("POST", "/api/v1/requests", &admin, asked).await.status, StatusCode::CREATED, "{engine}");
        assert!(scene.get(&path, &manager).await.json()["findings"].as_array().is_some_and(|all| !all.is_empty()), "{engine}");
        // Accepted as it is by the organisation alone, and so it stays at the next check.
        let accept = |words: &str| json!({ "verb": "accept", "subject": "acme.example", "kind": "domain.spf", "words": words });
        let decide = async |who: &str, body: Value| scene.send("POST", "/api/v1/premier/findings", who, body).await;
        assert_eq!(decide(&admin, accept("")).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        assert_eq!(decide(&manager, accept("x")).await.status, StatusCode::FORBIDDEN, "{engine}");
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(decide(&stranger, accept("x")).await.status, StatusCode::NOT_FOUND, "{engine}");
        assert_eq!(decide(&admin, accept("it only receives")).await.status, StatusCode::NO_CONTENT, "{engine}");
        scene.send("POST", &path, &manager, json!({ "verb": "plan" })).await;
        assert_eq!(check::run_due(&scene.app).await, Ok(1), "{engine}");
        let state = async |kind: &str| {
            let whole = scene.get("/api/v1/premier", &admin).await.json();
            let all = whole["findings"].as_array().expect("findings").clone();
            all.into_iter().find(|one| one["kind"] == kind && one["subject"] == "acme.example").map(|one| one["state"].clone())
        };
        assert_eq!(state("domain.spf").await, Some(json!("accepted")), "{engine}");
        // What is not theirs any more is over.
        let gone: Result<_, Error> = scene
            .app
            .db
            .tx(|tx| Box::pin(async move { tx.run("UPDATE domain SET org = 0 WHERE name = $1", args!["acme.example"]).await }))
            .await;
        gone.expect("a change");
        scene.send("POST", &path, &manager, json!({ "verb": "plan" })).await;
        assert_eq!(check::run_due(&scene.app).await, Ok(1), "{engine}");
        assert_eq!(state("domain.dmarc").await, Some(json!("fixed")), "{engine}");
        // A planned one is called off.
        let planned = scene.get(&path, &manager).await.json();
        let next = planned["health_checks"].as_array().expect("checks").iter().find(|one| one["state"] == "planned").expect("one").clone();
        let cancelled = scene.send("POST", &path, &manager, json!({ "verb": "cancel", "id": next["id"] })).await;
        assert_eq!(cancelled.status, StatusCode::NO_CONTENT, "{engine}: {}", cancelled.text);
    }
}
