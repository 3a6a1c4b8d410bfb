//! Mail flow rules: written in the form and by programs, tried, replayed, ordered, approved.

use crate::scene::{NOW_MS, Scene, request};
use crate::things::held_mail;
use axum::body::Body;
use axum::http::{StatusCode, header};
use gateway::receipt::{Connection, EnvelopeShape, HeaderDigest, Receipt, VERSION, Versions};
use gateway::rules::sql;
use mail::{MailId, OrgId};
use serde_json::{Value, json};
use store::{Error, args};
use testkit::postgres::databases;
use web::people::Role;
use web::people::sql::NewPerson;

const DRAFT: &[(&str, &str)] = &[
    ("name", "Invoices"),
    ("enabled", "on"),
    ("mode", "enforce"),
    ("c0-kind", "subject-words"),
    ("c0-values", "invoice\r\npayment"),
    ("c1-kind", "sender-scope"),
    ("c1-values", "outside"),
    ("x0-kind", "sender"),
    ("x0-values", "ann@partner.example"),
    ("a0-kind", "prepend-subject"),
    ("a0-text", "[bill]"),
];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = DRAFT.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    kept.copied().chain(more.iter().copied()).collect()
}

async fn program(scene: &Scene, method: &str, path: &str, cookie: &str, body: Value) -> crate::scene::Answer {
    let request = request(method, path, cookie).header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "application/json");
    scene.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

#[tokio::test]
async fn a_rule_is_written_in_the_form_without_scripts() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert!(scene.get("/rules", &cookie).await.text.contains("There are no rules yet"));
        assert_eq!(scene.get("/rules/new", &cookie).await.status, StatusCode::OK);
        let grown = scene.post("/rules/new", &cookie, &with(&[("do", "add-c"), ("add-c", "attachment-extension")])).await;
        assert!(grown.text.contains("name=\"c2-kind\" value=\"attachment-extension\""), "{}", grown.text);
        let shrunk = scene.post("/rules/new", &cookie, &with(&[("do", "del-c0")])).await;
        assert!(shrunk.text.contains("name=\"c0-kind\" value=\"sender-scope\"") && !shrunk.text.contains("c1-kind"), "{}", shrunk.text);
        let swapped = scene.post("/rules/new", &cookie, &with(&[("a1-kind", "delete"), ("do", "up-a1")])).await;
        assert!(swapped.text.contains("name=\"a0-kind\" value=\"delete\""), "{}", swapped.text);
        let wrong = scene
            .post("/rules/new", &cookie, &with(&[("c0-kind", "subject-patterns"), ("c0-values", "(a{1000}){1000}"), ("do", "save")]))
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("id=\"e-c0-values\"") && wrong.text.contains("unfolds to more than a rule may use"), "{}", wrong.text);
        assert!(wrong.text.contains("value=\"Invoices\""), "what was typed stays");
        assert_eq!(scene.post("/rules/new", &cookie, &with(&[("do", "save")])).await.status, StatusCode::SEE_OTHER);
        let list = scene.get("/rules", &cookie).await.text;
        assert!(list.contains("If the subject contains “invoice” or “payment” and the sender is outside the organisation"), "{list}");
        let twice = scene.post("/rules/new", &cookie, &with(&[("do", "save")])).await;
        assert!(twice.status == StatusCode::UNPROCESSABLE_ENTITY && twice.text.contains("Another rule has this name"), "{}", twice.text);
        let chinese = scene.get("/rules", &format!("{cookie}; gatepost_lang=zh-CN")).await.text;
        assert!(chinese.contains("如果主题包含“invoice”或“payment”，且发件人在组织外部"), "{chinese}");
    }
}

async fn first_id(scene: &Scene, cookie: &str) -> String {
    scene.get("/api/v1/rules", cookie).await.json()["rules"][0]["id"].as_str().expect("a rule").to_string()
}

#[tokio::test]
async fn rules_are_moved_switched_copied_and_deleted_and_every_change_is_in_the_log() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        for name in ["a", "b"] {
            scene.post("/rules/new", &cookie, &with(&[("name", name), ("do", "save")])).await;
        }
        let names = async || -> Vec<String> {
            let rules = scene.get("/api/v1/rules", &cookie).await.json()["rules"].as_array().cloned().unwrap_or_default();
            rules.iter().map(|rule| rule["name"].as_str().unwrap_or_default().to_string()).collect()
        };
        let id = first_id(&scene, &cookie).await;
        let moved = scene.post(&format!("/rules/{id}/move"), &cookie, &[("dir", "down")]).await;
        assert_eq!(names().await, ["b", "a"]);
        assert!(
            scene.get(moved.to().split('#').next().unwrap_or_default(), &cookie).await.text.contains("data-focus"),
            "the focus stays with the rule"
        );
        scene.post(&format!("/rules/{id}/move"), &cookie, &[("place", "0")]).await;
        assert_eq!(names().await, ["a", "b"]);
        scene.post(&format!("/rules/{id}/switch"), &cookie, &[("enabled", "off")]).await;
        assert_eq!(scene.get(&format!("/api/v1/rules/{id}"), &cookie).await.json()["enabled"], false);
        let copy = scene.post(&format!("/rules/{id}/duplicate"), &cookie, &[]).await;
        assert_eq!(copy.status, StatusCode::SEE_OTHER);
        assert_eq!(names().await, ["a", "b", "a (2)"]);
        let asked = scene.post(&format!("/rules/{id}/delete"), &cookie, &[]).await;
        assert!(asked.status == StatusCode::OK && asked.text.contains("This cannot be undone"), "{}", asked.text);
        assert_eq!(names().await.len(), 3);
        scene.post(&format!("/rules/{id}/delete"), &cookie, &[("sure", "1")]).await;
        assert_eq!(names().await, ["b", "a (2)"]);
        assert_eq!(scene.post(&format!("/rules/{id}/delete"), &cookie, &[("sure", "1")]).await.status, StatusCode::NOT_FOUND, "twice");
        let log = scene.app.db.read(|tx| Box::pin(async move { tx.rows("SELECT action FROM audit ORDER BY id", args![]).await })).await;
        let log: Vec<String> =
            log.map_err(|why: Error| why).expect("a log").iter().map(|row| row.text(0).expect("text").to_string()).collect();
        for action in ["rules.add", "rules.move", "rules.change", "rules.delete"] {
            assert!(log.iter().any(|line| line == action), "{action} in {log:?}");
        }
    }
}

#[tokio::test]
async fn a_change_of_somebody_else_is_not_overwritten_and_readers_change_nothing() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        scene.post("/rules/new", &cookie, &with(&[("do", "save")])).await;
        let id = first_id(&scene, &cookie).await;
        let stale = scene.post(&format!("/rules/{id}"), &cookie, &with(&[("changed_ms", "1"), ("do", "save")])).await;
        assert!(stale.status == StatusCode::UNPROCESSABLE_ENTITY && stale.text.contains("Somebody changed this rule"), "{}", stale.text);
        let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
        assert_eq!(scene.get("/rules", &reader).await.status, StatusCode::OK);
        assert_eq!(scene.get(&format!("/rules/{id}"), &reader).await.status, StatusCode::OK);
        for path in [format!("/rules/{id}"), format!("/rules/{id}/delete"), "/rules/new".to_string()] {
            assert_eq!(scene.post(&path, &reader, &with(&[("do", "save"), ("sure", "1")])).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
}

fn draft() -> Value {
    json!({ "name": "Invoices", "conditions": [{ "kind": "subject-words", "values": ["invoice"] }], "actions": [{ "kind": "quarantine" }] })
}

#[tokio::test]
async fn programs_do_the_same() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let made = program(&scene, "POST", "/api/v1/rules", &cookie, draft()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let id = made.json()["id"].as_str().expect("an id").to_string();
        assert_eq!(made.json()["sentence"], "If the subject contains “invoice”: hold it in quarantine.");
        assert_eq!(program(&scene, "POST", "/api/v1/rules", &cookie, draft()).await.status, StatusCode::CONFLICT, "the name is taken");
        for (wrong, pointer) in [
            (json!({ "name": "x", "actions": [{ "kind": "explode" }] }), "/actions"),
            (json!({ "name": "x", "mode": "never", "actions": [{ "kind": "delete" }] }), "/mode"),
            (json!({ "name": "x" }), "/actions"),
            (json!({ "name": "x", "stop": true, "conditions": [{ "kind": "sender", "values": ["nobody"] }] }), "/conditions"),
            (json!({ "name": "x", "actions": [{ "kind": "connector", "connector": "of-others" }] }), "/actions"),
        ] {
            let answer = program(&scene, "POST", "/api/v1/rules", &cookie, wrong.clone()).await;
            assert_eq!(
                (answer.status, &answer.json()["errors"][0]["pointer"]),
                (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)),
                "{wrong}: {}",
                answer.text
            );
        }
        let changed = json!({ "name": "Bills", "enabled": false, "stop": true });
        let put = program(&scene, "PUT", &format!("/api/v1/rules/{id}"), &cookie, changed).await;
        assert_eq!((put.status, put.json()["name"].clone()), (StatusCode::OK, json!("Bills")), "{}", put.text);
        assert_eq!(
            program(&scene, "POST", &format!("/api/v1/rules/{id}/move"), &cookie, json!({ "place": 5 })).await.status,
            StatusCode::NO_CONTENT
        );
        let gone = scene.ask(request("DELETE", &format!("/api/v1/rules/{id}"), &cookie).body(Body::empty()).expect("a request")).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert_eq!(scene.get(&format!("/api/v1/rules/{id}"), &cookie).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_draft_is_tried_on_a_pasted_mail_condition_by_condition() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let message = "From: bo@partner.example\nTo: alice@acme.example\nSubject: Your invoice\n\nPlease pay.\n";
        let page = scene.post("/rules/new", &cookie, &with(&[("test-message", message), ("do", "test")])).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        assert!(page.text.contains("The rule applies") && page.text.contains("<td data-label=\"Found\">invoice</td>"), "{}", page.text);
        let body = json!({ "rule": { "name": "t", "stop": true, "conditions": [{ "kind": "subject-words", "values": ["offer"] }, { "kind": "scl", "values": ["5"] }] }, "message": message });
        let tried = program(&scene, "POST", "/api/v1/rules/test", &cookie, body).await.json();
        assert_eq!(
            (tried["outcome"].clone(), tried["tests"][0]["holds"].clone(), tried["tests"][1]["holds"].clone()),
            (json!("not-matched"), json!(false), json!(null)),
            "{tried}"
        );
        let nothing = scene.post("/rules/new", &cookie, &with(&[("do", "test")])).await;
        assert!(nothing.text.contains("Paste a mail"), "{}", nothing.text);
        let missing = scene.post("/rules/new", &cookie, &with(&[("test-mail", "m0000000000001"), ("do", "test")])).await;
        assert!(missing.text.contains("There is no mail with this identifier"), "{}", missing.text);
    }
}

/// A mail of the past with its receipt, and with its content when `text` is not empty.
async fn past_mail(scene: &Scene, org: OrgId, at_ms: i64, subject: &str, text: &str) -> MailId {
    // Not by the maker of identifiers: it never goes back in time.
    let mail = MailId(gateway::trace::first_id_at(at_ms).0 + org.0 % 1_000);
    let octets = format!("From: <bo@partner.example>\r\nTo: <alice@acme.example>\r\nSubject: {subject}\r\n\r\n{text}\r\n");
    let receipt = serde_json::to_string(&receipt(mail, at_ms, subject)).expect("JSON");
    let (subject, has_content) = (subject.to_string(), !text.is_empty());
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                tx.run(
                    "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
                     VALUES ($1, $2, 'inbound', '192.0.2.1', 'mx', 'bo@partner.example', '', $3, $4, 0, 'clean', $5, '{}')",
                    args![mail.0, org.0, subject, octets.len(), receipt],
                )
                .await?;
                if has_content {
                    tx.run("INSERT INTO body (mail, place, octets) VALUES ($1, '', $2)", args![mail.0, octets.as_bytes()]).await?;
                }
                Ok(())
            })
        })
        .await;
    done.expect("the mail is stored");
    mail
}

fn receipt(mail: MailId, at_ms: i64, subject: &str) -> Receipt {
    let auth = json!({
        "spf": { "result": "pass", "domain": "partner.example", "by_helo": false, "why": "" }, "dkim": [],
        "dmarc": { "result": "none", "domain": "partner.example", "policy_domain": null, "policy": "none", "sampled_out": false, "why": "" },
        "arc": { "result": "none", "instances": 0, "sealer": null, "trusted": false, "why": "" },
        "composite": { "result": "pass", "reason": 100 }, "dns_lookups": 1
    });
    Receipt {
        version: VERSION,
        mail,
        at_ms,
        connection: Connection { ip: "192.0.2.1".parse().expect("an address"), ptr: None, helo: "mx".into(), tls: String::new(), login: String::new(), via: String::new() },
        envelope: EnvelopeShape { sender: "bo@partner.example".into(), recipients: vec!["alice@acme.example".into()] },
        header: HeaderDigest { from: "bo@partner.example".into(), subject: subject.into(), message_id: String::new(), octets: 100, sha256: String::new(), written_ms: None },
        auth: serde_json::from_value(auth).expect("results"),
        findings: Vec::new(),
        defects: Vec::new(),
        spam_log_odds: 0.0,
        phish_log_odds: 0.0,
        verdict: serde_json::from_value(json!({ "class": "clean", "runner_up": "clean", "scl": 1, "bcl": 0, "spam_probability": 0.1, "phish_probability": 0.1, "decided_by": null })).expect("a verdict"),
        behind: Default::default(),
        recipients: Vec::new(),
        rules: Vec::new(),
        split_from: None,
        refused: String::new(),
        spent: Default::default(),
        steps: Vec::new(),
        versions: Versions { code: "0".into(), model: "0".into() },
    }
}

#[tokio::test]
async fn a_replay_says_for_how_many_mails_it_can_be_known() {
    const HOUR_MS: i64 = 3_600_000;
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        past_mail(&scene, scene.acme, NOW_MS - HOUR_MS, "Your invoice", "").await;
        past_mail(&scene, scene.acme, NOW_MS - 2 * HOUR_MS, "Hello", "the invoice is attached").await;
        past_mail(&scene, scene.acme, NOW_MS - 3 * HOUR_MS, "Hello", "").await;
        past_mail(&scene, scene.acme, NOW_MS - 10 * 24 * HOUR_MS, "Your invoice", "").await;
        past_mail(&scene, scene.other, NOW_MS - HOUR_MS, "Your invoice", "").await;
        let replay = async |kind: &str, days: i64| {
            let rule = json!({ "name": "t", "stop": true, "conditions": [{ "kind": kind, "values": ["invoice"] }] });
            program(&scene, "POST", "/api/v1/rules/replay", &cookie, json!({ "rule": rule, "days": days })).await.json()
        };
        let numbers = |done: &Value| ["mails", "known", "matched", "unknown"].map(|name| done[name].as_i64().unwrap_or(-1));
        assert_eq!(numbers(&replay("subject-words", 7).await), [3, 3, 1, 0], "receipts know subjects");
        assert_eq!(numbers(&replay("subject-words", 30).await), [4, 4, 2, 0]);
        let by_text = replay("text-words", 7).await;
        assert_eq!(numbers(&by_text), [3, 1, 1, 2], "what is in the text is known where it is kept: {by_text}");
        let page = scene.post("/rules/new", &cookie, &with(&[("days", "7"), ("do", "replay")])).await;
        assert!(page.text.contains("It would have applied to 1 of 3 mails in the last 7 days"), "{}", page.text);
        let file = scene.post("/rules/new", &cookie, &with(&[("do", "replay-csv")])).await;
        assert!(
            file.headers[header::CONTENT_TYPE].as_bytes().starts_with(b"text/csv") && file.text.contains("Your invoice"),
            "{}",
            file.text
        );
    }
}

#[tokio::test]
async fn a_traced_mail_is_read_under_its_permission_and_in_the_log() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let mail = past_mail(&scene, scene.acme, NOW_MS - 1_000, "Your invoice", "pay").await.to_string();
        let foreign = past_mail(&scene, scene.other, NOW_MS - 1_000, "Your invoice", "pay").await.to_string();
        let page = scene.post("/rules/new", &cookie, &with(&[("test-mail", &mail), ("do", "test")])).await;
        assert!(page.text.contains("The rule applies"), "{}", page.text);
        let log = scene
            .app
            .db
            .read(|tx| Box::pin(async move { tx.rows("SELECT subject FROM audit WHERE action = 'rules.test'", args![]).await }))
            .await;
        assert_eq!(log.map_err(|why: Error| why).expect("a log").len(), 1);
        let not_mine = scene.post("/rules/new", &cookie, &with(&[("test-mail", &foreign), ("do", "test")])).await;
        assert!(not_mine.text.contains("There is no mail with this identifier"), "{}", not_mine.text);
    }
}

#[tokio::test]
async fn who_a_rule_names_approves_or_refuses_and_nobody_else() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let mail = scene.app.ids.next(NOW_MS - 1_000);
        let org = scene.acme;
        let done: Result<(), Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    held_mail(tx, mail, org).await?;
                    let edits = "{\"headers\":\"\",\"subject_prefix\":\"\"}";
                    tx.run("UPDATE recipient SET edits = $1 WHERE mail = $2", args![edits, mail]).await?;
                    let (statement, args) = sql::await_approval(MailId(mail), 0, org, "boss@acme.example", "Ask first");
                    tx.run(statement, args).await.map(|_| ())
                })
            })
            .await;
        done.expect("the mail waits");
        let person = |email: &str| NewPerson { email: email.into(), name: String::new(), role: Role::Person, org: Some(org) };
        let (boss, other) = (scene.cookie_of(&person("boss@acme.example")).await, scene.cookie_of(&person("bo@acme.example")).await);
        let path = format!("/rules/approvals/{}", MailId(mail));
        assert!(scene.get("/rules/approvals", &other).await.text.contains("Nothing waits"));
        assert_eq!(scene.post(&path, &other, &[("n", "0"), ("verb", "approve")]).await.status, StatusCode::NOT_FOUND);
        assert!(scene.get("/rules/approvals", &boss).await.text.contains("Ask first"));
        assert!(scene.post(&path, &boss, &[("n", "0"), ("verb", "refuse")]).await.text.contains("This cannot be undone"));
        assert_eq!(scene.post(&path, &boss, &[("n", "0"), ("verb", "approve")]).await.status, StatusCode::SEE_OTHER);
        let state = scene
            .app
            .db
            .read(move |tx| Box::pin(async move { tx.rows("SELECT state FROM recipient WHERE mail = $1", args![mail]).await }))
            .await;
        assert_eq!(state.map_err(|why: Error| why).expect("a row")[0].text(0).expect("text"), "queued");
        assert_eq!(scene.post(&path, &boss, &[("n", "0"), ("verb", "approve")]).await.status, StatusCode::NOT_FOUND, "twice");
    }
}
