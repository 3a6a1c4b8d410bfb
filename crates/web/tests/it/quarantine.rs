//! Quarantine: who may do what, requests, two persons, many at once, digests.

use crate::scene::{Answer, NOW_MS, Scene};
use axum::http::StatusCode;
use mail::{MailId, OrgId};
use serde_json::json;
use std::sync::atomic::{AtomicU16, Ordering};
use store::{Error, Row, Value, args};
use testkit::postgres::{databases, sqlite};
use web::people::Role;
use web::people::sql::NewPerson;
use web::quarantine::digest;

const HTML: &str = "<p>Dear <b>friend</b></p><script>alert(1)</script><img src=\"http://tracker.example/p.gif\">\
                    <a href=\"http://evil.example/\">your bank</a>";

static HELD: AtomicU16 = AtomicU16::new(0);

/// One held mail; returns its name.
pub async fn hold(scene: &Scene, org: OrgId, recipient: &str, verdict: &str) -> String {
    // An hour ago, each a second after the other; identifiers of the scene are never earlier than its last.
    let mail = gateway::trace::first_id_at(NOW_MS - 3_600_000 + i64::from(HELD.fetch_add(1, Ordering::SeqCst)) * 1_000).0;
    let (recipient, verdict) = (recipient.to_string(), verdict.to_string());
    let octets = format!(
        "Received: from a.sender.example ([192.0.2.1]) by mx with ESMTP id 1; Tue, 24 Nov 2026 11:00:00 +0000\r\nFrom: <x@sender.example>\r\n\
         To: <{recipient}>\r\nSubject: Win {verdict}\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n{HTML}\r\n"
    );
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                tx.run(
                    "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
                     VALUES ($1, $2, 'inbound', '192.0.2.1', '', 'x@sender.example', '<1@sender.example>', $3, $4, 1, $5, '{\"version\":1}', '{}')",
                    args![mail, org.0, format!("Win {verdict}"), octets.len(), verdict.as_str()],
                )
                .await?;
                tx.run("INSERT INTO body (mail, place, octets) VALUES ($1, '', $2)", args![mail, octets.as_bytes()]).await?;
                tx.run(
                    "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, lease_node, lease_ms, last_reply) \
                     VALUES ($1, 0, $2, $3, $3, 'held', $4, '{}', '', 0, $5, 0, 0, '')",
                    args![mail, org.0, recipient.as_str(), edits(), NOW_MS + 86_400_000],
                )
                .await
                .map(|_| ())
            })
        })
        .await;
    done.expect("the mail is held");
    MailId(mail).to_string()
}

fn edits() -> String {
    serde_json::to_string(&gateway::queue::Edits::default()).expect("JSON")
}

async fn rows(scene: &Scene, sql: &'static str, args: Vec<Value>) -> Vec<Row> {
    let found: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.rows(sql, args).await })).await;
    found.expect("rows")
}

async fn run(scene: &Scene, sql: &'static str) {
    let done: Result<_, Error> = scene.app.db.tx(move |tx| Box::pin(async move { tx.run(sql, args![]).await })).await;
    done.expect("done");
}

async fn state(scene: &Scene, mail: &str) -> String {
    let id: MailId = mail.parse().expect("a mail");
    rows(scene, "SELECT state FROM recipient WHERE mail = $1", args![id.0]).await[0].text(0).expect("text").into()
}

async fn actions(scene: &Scene, mail: &str) -> Vec<(String, String)> {
    let found = rows(scene, "SELECT action, who FROM audit WHERE subject = $1 ORDER BY id", args![mail]).await;
    found.iter().map(|row| (row.text(0).expect("text").into(), row.text(1).expect("text").into())).collect()
}

/// Somebody of acme with a mailbox there.
async fn mailbox(scene: &Scene, email: &str) -> String {
    scene.cookie_of(&NewPerson { email: email.into(), name: String::new(), role: Role::Person, org: Some(scene.acme) }).await
}

async fn administrator(scene: &Scene, email: &str) -> String {
    scene.cookie_of(&NewPerson { email: email.into(), name: String::new(), role: Role::Administrator, org: Some(scene.acme) }).await
}

async fn decide(scene: &Scene, cookie: &str, mail: &str, verb: &str) -> Answer {
    scene
        .post("/quarantine/decide", cookie, &[("pick", &format!("{mail}.0")), ("verb", verb), ("sure", "1"), ("back", "/quarantine/mine")])
        .await
}

#[tokio::test]
async fn a_policy_says_what_people_may_do_with_their_own_mail() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (bo, alice) = (mailbox(&scene, "bo@acme.example").await, mailbox(&scene, "alice@acme.example").await);
        let admin = administrator(&scene, "admin@acme.example").await;
        let spam = hold(&scene, scene.acme, "bo@acme.example", "spam").await;
        let phish = hold(&scene, scene.acme, "bo@acme.example", "phish").await;
        let malware = hold(&scene, scene.acme, "bo@acme.example", "malware").await;
        assert_eq!(scene.get(&format!("/quarantine/{spam}"), &alice).await.status, StatusCode::NOT_FOUND, "{engine}: somebody else's");
        assert!(!scene.get("/quarantine/mine", &alice).await.text.contains("Win spam"), "{engine}");
        decide(&scene, &alice, &spam, "release").await;
        assert_eq!(state(&scene, &spam).await, "held", "{engine}: not by somebody else");

        decide(&scene, &bo, &phish, "release").await;
        assert_eq!(state(&scene, &phish).await, "held", "{engine}: limited: they ask");
        decide(&scene, &bo, &spam, "release").await;
        assert_eq!(state(&scene, &spam).await, "queued", "{engine}: full: they release");
        assert_eq!(actions(&scene, &spam).await, [("quarantine.release".to_string(), "bo@acme.example".to_string())]);

        let made =
            scene.send("POST", "/api/v1/quarantine/policies", &admin, json!({ "name": "All", "powers": ["preview", "release"] })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{engine}: {}", made.text);
        let policy = made.json()["policy"].as_str().expect("an id").to_string();
        let rows = json!({ "rows": [{ "verdict": "phish", "policy": policy }, { "verdict": "malware", "policy": policy }] });
        assert_eq!(scene.send("PUT", "/api/v1/quarantine/assignments", &admin, rows).await.status, StatusCode::OK);
        let held = scene.get(&format!("/api/v1/quarantine/{malware}"), &bo).await.json();
        assert_eq!(
            (&held["rows"][0]["may"]["release"], &held["rows"][0]["may"]["request"]),
            (&json!(false), &json!(true)),
            "{engine}: never"
        );
        assert_eq!(scene.send("DELETE", &format!("/api/v1/quarantine/{phish}"), &bo, json!({})).await.status, StatusCode::FORBIDDEN);
        let released = scene.send("POST", &format!("/api/v1/quarantine/{phish}/release"), &bo, json!({})).await;
        assert_eq!((released.status, state(&scene, &phish).await.as_str()), (StatusCode::OK, "queued"), "{engine}: {}", released.text);
        let again = scene.send("POST", &format!("/api/v1/quarantine/{phish}/release"), &bo, json!({})).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND, "{engine}: once");
        let gone = scene.send("DELETE", &format!("/api/v1/quarantine/policies/{policy}"), &admin, json!({})).await;
        assert_eq!(gone.status, StatusCode::CONFLICT, "{engine}: it is in use");

        let hidden = json!({ "rows": [{ "verdict": "malware", "policy": "admin-only" }] });
        scene.send("PUT", "/api/v1/quarantine/assignments", &admin, hidden).await;
        assert_eq!(scene.get(&format!("/quarantine/{malware}"), &bo).await.status, StatusCode::NOT_FOUND, "{engine}: not even seen");
        assert!(!scene.get("/api/v1/quarantine", &bo).await.text.contains(&malware), "{engine}");
        for (who, body, want) in [
            (&bo, json!({ "name": "B", "powers": [] }), StatusCode::FORBIDDEN),
            (&admin, json!({ "name": "", "powers": [] }), StatusCode::UNPROCESSABLE_ENTITY),
            (&admin, json!({ "name": "All", "powers": [] }), StatusCode::CONFLICT),
        ] {
            assert_eq!(scene.send("POST", "/api/v1/quarantine/policies", who, body.clone()).await.status, want, "{engine}: {body}");
        }
    }
}

#[tokio::test]
async fn a_request_is_answered_once_and_whoever_asked_reads_the_answer() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (bo, admin) = (mailbox(&scene, "bo@acme.example").await, administrator(&scene, "admin@acme.example").await);
        let mail = hold(&scene, scene.acme, "bo@acme.example", "phish").await;
        let ask = format!("/api/v1/quarantine/{mail}/request");
        assert_eq!(scene.send("POST", &ask, &bo, json!({ "n": 0, "reason": " " })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let made = scene.send("POST", &ask, &bo, json!({ "n": 0, "reason": "from my bank" })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{engine}: {}", made.text);
        assert_eq!(
            scene.send("POST", &ask, &bo, json!({ "n": 0, "reason": "again" })).await.status,
            StatusCode::CONFLICT,
            "{engine}: twice"
        );
        let id = made.json()["id"].as_str().expect("an id").to_string();
        assert_eq!(scene.post(&format!("/quarantine/requests/{id}"), &bo, &[("verb", "approve")]).await.status, StatusCode::FORBIDDEN);
        let denied = scene.post(&format!("/quarantine/requests/{id}"), &admin, &[("verb", "deny"), ("answer", "It is no bank.")]).await;
        assert_eq!((denied.status, state(&scene, &mail).await.as_str()), (StatusCode::SEE_OTHER, "held"), "{engine}");
        assert!(scene.get(&format!("/quarantine/{mail}"), &bo).await.text.contains("It is no bank."), "{engine}");
        let sent = letters(&scene).await;
        assert!(sent.len() == 1 && sent[0].0 == "bo@acme.example" && sent[0].1.contains("It is no bank."), "{engine}: {sent:?}");
        let late = scene.post(&format!("/quarantine/requests/{id}"), &admin, &[("verb", "approve")]).await;
        assert_eq!(late.status, StatusCode::NOT_FOUND, "{engine}: answered already");
    }
}

#[tokio::test]
async fn malware_takes_two_persons_with_the_permission() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (first, second) = (administrator(&scene, "one@acme.example").await, administrator(&scene, "two@acme.example").await);
        let bo = mailbox(&scene, "bo@acme.example").await;
        let ask = async |mail: &str, who: &str| {
            let made =
                scene.send("POST", &format!("/api/v1/quarantine/{mail}/request"), who, json!({ "n": 0, "reason": "a sample" })).await;
            assert_eq!(made.status, StatusCode::CREATED, "{engine}: {}", made.text);
            made.json()["id"].as_str().expect("an id").to_string()
        };
        let approve =
            async |id: &str, who: &str| scene.send("POST", &format!("/api/v1/quarantine/requests/{id}/approve"), who, json!({})).await;

        let mail = hold(&scene, scene.acme, "bo@acme.example", "malware").await;
        decide(&scene, &first, &mail, "release").await;
        assert_eq!(state(&scene, &mail).await, "held", "{engine}: one alone");
        let id = ask(&mail, &first).await;
        assert_eq!(approve(&id, &first).await.status, StatusCode::CONFLICT, "{engine}: the same person twice");
        assert_eq!(
            (approve(&id, &second).await.json()["outcome"].clone(), state(&scene, &mail).await),
            (json!("released"), "queued".into())
        );
        let by = rows(&scene, "SELECT detail FROM event WHERE kind = 'released'", args![]).await;
        assert!(by[0].text(0).expect("text").contains("one@acme.example, two@acme.example"), "{engine}: the event names both");
        let named: Vec<String> = actions(&scene, &mail).await.into_iter().map(|(_, who)| who).collect();
        assert_eq!(named, ["one@acme.example", "two@acme.example"], "{engine}: the log names both");

        // Who only asks for their own mail is none of the two.
        let mail = hold(&scene, scene.acme, "bo@acme.example", "malware").await;
        let id = ask(&mail, &bo).await;
        assert_eq!(approve(&id, &first).await.json()["outcome"], "needs-second", "{engine}");
        assert_eq!(state(&scene, &mail).await, "held", "{engine}");
        assert_eq!(approve(&id, &first).await.status, StatusCode::CONFLICT, "{engine}: the same person twice");
        assert_eq!(approve(&id, &second).await.json()["outcome"], "released", "{engine}");

        let mail = hold(&scene, scene.acme, "bo@acme.example", "malware").await;
        let id = ask(&mail, &first).await;
        run(&scene, "UPDATE release_request SET until_ms = 1 WHERE state = 'open'").await;
        assert_eq!(approve(&id, &second).await.status, StatusCode::NOT_FOUND, "{engine}: its time is over");
        assert_eq!(state(&scene, &mail).await, "held", "{engine}");
    }
}

#[tokio::test]
async fn the_preview_holds_nothing_that_acts() {
    let scene = Scene::new(sqlite()).await;
    let (bo, reader) = (mailbox(&scene, "bo@acme.example").await, scene.cookie(Role::SecurityReader, Some(scene.acme)).await);
    let admin = administrator(&scene, "admin@acme.example").await;
    let mail = hold(&scene, scene.acme, "bo@acme.example", "spam").await;
    let shown = scene.get(&format!("/quarantine/{mail}/preview"), &bo).await;
    assert!(shown.text.contains("Dear <b>friend</b>") && shown.text.contains("<a>your bank</a>"), "{}", shown.text);
    for hostile in ["<script", "<img", "href", "tracker.example", "evil.example"] {
        assert!(!shown.text.contains(hostile), "{hostile} is in {}", shown.text);
    }
    let policy = shown.headers["content-security-policy"].to_str().expect("text");
    assert!(
        policy.starts_with("default-src 'none'") && policy.ends_with("sandbox") && policy.contains("frame-ancestors 'self'"),
        "{policy}"
    );
    assert!(
        scene.get(&format!("/quarantine/{mail}"), &bo).await.text.contains("http://evil.example/"),
        "where links lead stands on the page"
    );
    assert_eq!(scene.get(&format!("/quarantine/{mail}/preview"), &reader).await.status, StatusCode::FORBIDDEN, "other people's mail");
    assert!(!scene.get(&format!("/quarantine/{mail}"), &reader).await.text.contains("friend"));
    assert_eq!(actions(&scene, &mail).await, [], "one's own mail and what was refused leave no line");
    scene.get(&format!("/quarantine/{mail}"), &admin).await;
    scene.get(&format!("/quarantine/{mail}/message.eml"), &admin).await;
    let named: Vec<String> = actions(&scene, &mail).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(named, ["quarantine.read", "quarantine.download"]);
}

#[tokio::test]
async fn all_that_match_are_decided_about_in_steps() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let admin = administrator(&scene, "admin@acme.example").await;
        for n in 0..130 {
            hold(&scene, scene.acme, "bo@acme.example", if n % 13 == 0 { "malware" } else { "spam" }).await;
        }
        let other = hold(&scene, scene.other, "eve@other.example", "spam").await;
        let asked = scene.post("/quarantine/all", &admin, &[("verb", "release")]).await;
        assert!(asked.text.contains("name=\"sure\"") && asked.text.contains("130"), "{engine}: asks first: {}", asked.text);
        let step = scene.post("/quarantine/all", &admin, &[("verb", "release"), ("sure", "1"), ("total", "130")]).await;
        let field = |name: &str| {
            let from = step.text.find(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{engine}: no {name}: {}", step.text));
            step.text[from..].split('"').nth(3).expect("a value").to_string()
        };
        let (did, refused) = (field("did"), field("refused"));
        assert_eq!(did.parse::<i32>().expect("a number") + refused.parse::<i32>().expect("a number"), 100, "{engine}");
        assert!(step.text.contains("<progress"), "{engine}: it shows how far it is");
        let fields = [("verb", "release"), ("sure", "1"), ("did", &did), ("refused", &refused), ("after", &field("after"))];
        assert_eq!(scene.post("/quarantine/all", &admin, &fields).await.to(), "/quarantine", "{engine}: done");
        let left = rows(&scene, "SELECT count(*) FROM recipient WHERE state = 'held'", args![]).await[0].int(0).expect("a number");
        assert_eq!((left, state(&scene, &other).await.as_str()), (11, "held"), "{engine}: malware and what is of others stays");
    }
}

/// Letters in the queue: `(recipient, octets)`.
async fn letters(scene: &Scene) -> Vec<(String, String)> {
    let sql = "SELECT r.address, b.octets FROM recipient r JOIN body b ON b.mail = r.mail JOIN mail m ON m.id = r.mail WHERE m.direction = 'outbound' ORDER BY m.id";
    let text = |row: &Row| String::from_utf8_lossy(&row.blob(1).expect("octets")).replace("=\r\n", "").replace("=3D", "=");
    rows(scene, sql, args![]).await.iter().map(|row| (row.text(0).expect("text").to_string(), text(row))).collect()
}

fn links(letter: &str) -> Vec<String> {
    let parts =
        letter.split("/digest/").skip(1).map(|part| part.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect());
    let mut links: Vec<String> = parts.collect();
    let mut seen = std::collections::HashSet::new();
    links.retain(|link| seen.insert(link.clone()));
    links.into_iter().map(|token| format!("/digest/{token}")).collect()
}

#[tokio::test]
async fn a_digest_tells_of_what_is_new_and_its_links_only_act_by_post() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let spam = hold(&scene, scene.acme, "bo@acme.example", "spam").await;
        let phish = hold(&scene, scene.acme, "bo@acme.example", "phish").await;
        assert_eq!(digest::send_due(&scene.app).await, Ok(0), "{engine}: the first comes with the next hour of the schedule");
        run(&scene, "UPDATE digest SET sent_ms = 1").await;
        let (one, two) = tokio::join!(digest::send_due(&scene.app), digest::send_due(&scene.app));
        assert_eq!(one.expect("sent") + two.expect("sent"), 1, "{engine}: of two servers one sends");
        run(&scene, "UPDATE digest SET sent_ms = 1").await;
        assert_eq!(digest::send_due(&scene.app).await, Ok(0), "{engine}: nothing is new");
        let letters = letters(&scene).await;
        assert_eq!((letters.len(), letters[0].0.as_str()), (1, "bo@acme.example"), "{engine}");
        let found = links(&letters[0].1);
        assert_eq!(found.len(), 3, "{engine}: two mails and the choice: {}", letters[0].1);

        // Newest first: phish, then spam. Looking does nothing, also without a session, also twice.
        for link in &found {
            for _ in 0..2 {
                assert_eq!(scene.get(link, "").await.status, StatusCode::OK, "{engine}: {link}");
            }
        }
        assert_eq!((state(&scene, &spam).await.as_str(), state(&scene, &phish).await.as_str()), ("held", "held"), "{engine}");
        assert_eq!(
            scene.post(&found[0], "", &[("verb", "release")]).await.status,
            StatusCode::FORBIDDEN,
            "{engine}: not what the policy gives"
        );
        let empty = scene.post(&found[0], "", &[("verb", "request"), ("reason", "")]).await;
        assert!(empty.text.contains("id=\"e-reason\""), "{engine}: it says what is missing");
        assert_eq!(scene.post(&found[0], "", &[("verb", "request"), ("reason", "mine")]).await.status, StatusCode::OK, "{engine}");
        assert_eq!(scene.post(&found[1], "", &[("verb", "release")]).await.status, StatusCode::OK, "{engine}");
        assert_eq!(
            (state(&scene, &spam).await.as_str(), state(&scene, &phish).await.as_str()),
            ("queued", "held"),
            "{engine}: only its own mail"
        );
        assert_eq!(scene.post(&found[1], "", &[("verb", "release")]).await.status, StatusCode::CONFLICT, "{engine}: used");
        assert_eq!(actions(&scene, &spam).await, [("quarantine.release".to_string(), "bo@acme.example".to_string())], "{engine}");
        assert_eq!(scene.get("/digest/no-such-link", "").await.status, StatusCode::CONFLICT, "{engine}");

        assert_eq!(scene.post(&found[2], "", &[("every", "off")]).await.status, StatusCode::OK, "{engine}");
        hold(&scene, scene.acme, "bo@acme.example", "spam").await;
        run(&scene, "UPDATE digest SET sent_ms = 1, told_ms = 1").await;
        assert_eq!(digest::send_due(&scene.app).await, Ok(0), "{engine}: they chose none");
        run(&scene, "UPDATE digest_link SET until_ms = 1").await;
        assert_eq!(scene.get(&found[0], "").await.status, StatusCode::CONFLICT, "{engine}: too old");
    }
}

#[tokio::test]
async fn a_digest_speaks_its_readers_language_and_leaves_out_who_is_blocked() {
    let scene = Scene::new(sqlite()).await;
    let bo = mailbox(&scene, "bo@acme.example").await;
    run(&scene, "UPDATE person SET language = 'zh-CN' WHERE email = 'bo@acme.example'").await;
    assert_eq!(scene.post("/quarantine/mine/digest", &bo, &[("verb", "send")]).await.to(), "/quarantine/mine");
    assert_eq!(letters(&scene).await, [], "nothing is held, nothing is sent");
    hold(&scene, scene.acme, "bo@acme.example", "spam").await;
    scene.post("/quarantine/mine/digest", &bo, &[("verb", "send")]).await;
    let sent = letters(&scene).await;
    assert!(sent[0].1.contains("Content-Language: zh-CN"), "{}", sent[0].1);
    run(
        &scene,
        "INSERT INTO list_entry (id, org, effect, kind, value, scope, expires_ms, note, made_ms, source) \
         SELECT 5, org, 'block', 'domain', 'sender.example', '', NULL, '', 1, 'page' FROM person WHERE email = 'bo@acme.example'",
    )
    .await;
    scene.app.directory.reload().await.expect("reads");
    scene.post("/quarantine/mine/digest", &bo, &[("verb", "send")]).await;
    assert_eq!(letters(&scene).await.len(), 1, "blocked senders are left out");
}
