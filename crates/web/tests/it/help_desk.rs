//! The help desk: from the code in our reply to the answer of an administrator.

use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use gateway::scope::OrgScope;
use gateway::session::Stage;
use gateway::trace::{self, Refusal, RefusalCode};
use mail::dns::{Record, Zone};
use mail::id::EventId;
use mail::{MailId, OrgId};
use store::{Error, args};
use testkit::postgres::databases;
use web::help_desk::sql as desk_sql;
use web::people::Role;

const IP: &str = "45.83.1.7";
const REPLY: &str = "550 5.7.1 45.83.1.7 is on the block list of the recipient's organisation";

fn refusal(reply: &str) -> Refusal {
    Refusal {
        ip: IP.into(),
        helo: "mx.partner.example".into(),
        sender: "bob@partner.example".into(),
        recipients: vec!["alice@acme.example".into()],
        reply: reply.into(),
        check: String::new(),
        subject: "secret-subject".into(),
        message_id: "<1@partner.example>".into(),
    }
}

/// Keeps a refusal and returns its code.
async fn refused(scene: &Scene, org: OrgId, refusal: Refusal, mail: Option<MailId>) -> String {
    let id = EventId(scene.app.fresh_id());
    let stage = if mail.is_some() { Stage::Content } else { Stage::Recipient };
    let event = refusal.event(id, mail.unwrap_or(MailId(0)), org, NOW_MS - 60_000, stage);
    let done: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { trace::insert(tx, &[event]).await })).await;
    done.expect("the refusal is kept");
    mail.map_or(RefusalCode::Event(id), RefusalCode::Mail).to_string()
}

fn zone() -> Zone {
    let mut zone = Zone::new();
    zone.add("7.1.83.45.in-addr.arpa", Record::Ptr("mx.partner.example".into()));
    zone.add("mx.partner.example", Record::A([45, 83, 1, 7].into()));
    zone.txt("partner.example", "v=spf1 ip4:45.83.1.8 -all");
    zone.txt("_dmarc.partner.example", "v=DMARC1; p=reject");
    zone
}

#[tokio::test]
async fn a_code_tells_what_the_reply_meant_and_who_knows_the_mail_learns_more() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::with_dns(database, zone()).await;
        let code = refused(&scene, scene.acme, refusal(REPLY), None).await;
        let bounce = format!(
            "From: MAILER-DAEMON@partner.example\nTo: bob@partner.example\nSubject: Undelivered\n\n<alice@acme.example>: host mx.acme.example said: {REPLY} ({code})\n"
        );
        let alone = scene.get(&format!("/refused/{code}"), "").await;
        assert_eq!(alone.status, StatusCode::OK, "{engine}: {}", alone.text);
        assert!(alone.text.contains("blocked by the recipient&#39;s organisation") && alone.text.contains("550 5.7.1"), "{engine}");
        let pasted = scene.post("/refused", "", &[("pasted", &bounce)]).await;
        assert_eq!(pasted.status, StatusCode::OK, "{engine}: {}", pasted.text);
        let known = scene.post(&format!("/refused/{code}"), "", &[("from", "anybody@partner.example")]).await;
        for (answer, knows, what) in [(&alone, false, "the code alone"), (&pasted, true, "a bounce"), (&known, true, "the domain")] {
            assert_eq!(answer.text.contains(IP), knows, "{engine}: {what}");
            assert_eq!(answer.text.contains(&format!("/refused/{code}/ask")), knows, "{engine}: {what}");
            for hidden in ["alice@acme", "secret-subject", "bob@partner.example"] {
                let told = answer.text.split("<main").nth(1).unwrap_or_default();
                assert!(!told.contains(hidden), "{engine}: {what} shows {hidden}");
            }
        }
        let guess = scene.post(&format!("/refused/{code}"), "", &[("from", "partner2.example")]).await;
        assert_eq!(guess.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        assert!(!guess.text.contains(IP), "{engine}: a guess learns nothing");
        let missing = scene.get(&format!("/refused/{}", EventId(77)), "").await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{engine}");
        let other = scene.post("/refused", "", &[("pasted", "552 5.2.2 mailbox full")]).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND, "{engine}");
        assert!(other.text.contains("5.2.2"), "{engine}: what another server said is explained");
        let nothing = scene.post("/refused", "", &[("pasted", " ")]).await;
        assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
    }
}

#[tokio::test]
async fn the_asker_has_their_own_side_tested_and_no_other() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::with_dns(database, zone()).await;
        let code = refused(&scene, scene.acme, refusal(REPLY), None).await;
        let body = serde_json::json!({ "from": "partner.example" });
        let tested = scene.send("POST", &format!("/api/v1/refused/{code}/test"), "", body).await;
        assert_eq!(tested.status, StatusCode::OK, "{engine}: {}", tested.text);
        let steps = tested.json();
        let result = |id: &str| steps.as_array().expect("steps").iter().find(|step| step["id"] == id).map(|step| step["result"].clone());
        for (id, want) in [("ptr", "ok"), ("helo", "ok"), ("spf", "problem"), ("dmarc", "ok"), ("dkim", "cannot-tell")] {
            assert_eq!(result(id), Some(want.into()), "{engine}: {id}: {steps}");
        }
        let page = scene.post(&format!("/refused/{code}/test"), "", &[("from", "partner.example")]).await;
        assert!(page.text.contains("-all"), "{engine}: {}", page.text);
        let stranger = scene.post(&format!("/refused/{code}/test"), "", &[("from", "other.example")]).await;
        assert_eq!(stranger.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: only who knows the mail tests");
        let inside = refused(&scene, scene.acme, Refusal { ip: "10.0.0.1".into(), ..refusal(REPLY) }, None).await;
        let refused = scene.post(&format!("/refused/{inside}/test"), "", &[("from", "partner.example")]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{engine}: private addresses are not looked at");
    }
}

#[tokio::test]
async fn another_look_is_asked_for_proven_and_declined() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::with_dns(database, zone()).await;
        let code = refused(&scene, scene.acme, refusal(REPLY), None).await;
        let ask = format!("/refused/{code}/ask");
        for (form, field) in [
            (vec![("from", "partner.example"), ("why", ""), ("contact", "bob@partner.example")], "f-why"),
            (vec![("from", "partner.example"), ("why", "please"), ("contact", "bob")], "f-contact"),
        ] {
            let wrong = scene.post(&ask, "", &form).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
            assert!(wrong.text.contains(field), "{engine}: {field}");
        }
        let form = [("from", "partner.example"), ("why", "we are your <b>partner</b>"), ("contact", "bob@partner.example")];
        let asked = scene.post(&ask, "", &form).await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER, "{engine}: {}", asked.text);
        let link = asked.to().to_string();
        let waiting = scene.get(&link, "").await;
        assert!(waiting.text.contains("Waiting") && waiting.text.contains("Not proven"), "{engine}: {}", waiting.text);
        assert!(!waiting.text.contains("alice@acme"), "{engine}: the asker does not see who was written to");
        let twice = scene.post(&ask, "", &form).await;
        assert_eq!(twice.status, StatusCode::CONFLICT, "{engine}: one open question about a refusal");

        let proof = proof(&scene, "bob@partner.example").await;
        let page = scene.get(&format!("{link}?proof={proof}"), "").await;
        assert!(page.text.contains("Is this your address?"), "{engine}");
        assert!(scene.get(&link, "").await.text.contains("Not proven"), "{engine}: looking proves nothing");
        let wrong = scene.post(&link, "", &[("verb", "prove"), ("proof", "guess")]).await;
        assert_eq!(wrong.status, StatusCode::CONFLICT, "{engine}");
        scene.post(&link, "", &[("verb", "prove"), ("proof", &proof)]).await;
        assert!(scene.get(&link, "").await.text.contains(">Proven<"), "{engine}");

        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let rings = async |cookie: &str| scene.get("/bell", cookie).await.text.contains("A refused sender asks you to look again");
        assert!(rings(&admin).await, "{engine}: the bell rings for who may decide");
        let strangers =
            [scene.cookie(Role::Administrator, Some(scene.other)).await, scene.cookie(Role::SecurityReader, Some(scene.acme)).await];
        for stranger in &strangers {
            assert!(!rings(stranger).await, "{engine}: and for nobody else");
        }
        let queue = scene.get("/api/v1/second-looks", &admin).await.json();
        let look = queue["rows"][0]["look"].as_str().expect("one waits").to_string();
        assert_eq!(queue["rows"][0]["is_proven"], true, "{engine}: {queue}");
        let one = scene.get(&format!("/second-looks/{look}"), &admin).await;
        assert!(one.text.contains("alice@acme.example") && one.text.contains("&#60;b&#62;"), "{engine}: words are shown as text");
        let other = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(scene.get(&format!("/second-looks/{look}"), &other).await.status, StatusCode::NOT_FOUND, "{engine}");
        let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
        let denied = scene.post(&format!("/second-looks/{look}"), &reader, &[("verb", "decline"), ("answer", "no")]).await;
        assert_eq!(denied.status, StatusCode::FORBIDDEN, "{engine}");

        let again =
            scene.send("POST", &format!("/api/v1/second-looks/{look}/answer"), &admin, serde_json::json!({ "verb": "again" })).await;
        assert_eq!(again.status, StatusCode::OK, "{engine}: {}", again.text);
        assert_eq!(again.json()["again"]["is_refused"], false, "{engine}: no block entry is there any more: {}", again.text);
        let allow = [("verb", "allow"), ("kind", "ip"), ("scope", "recipient")];
        let vain = scene.post(&format!("/second-looks/{look}"), &admin, &allow).await;
        assert_eq!(vain.status, StatusCode::CONFLICT, "{engine}: a block entry is stronger than an allow entry");
        let silent = scene.post(&format!("/second-looks/{look}"), &admin, &[("verb", "decline"), ("answer", "")]).await;
        assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: a no has words");
        let declined = scene.post(&format!("/second-looks/{look}"), &admin, &[("verb", "decline"), ("answer", "too much junk")]).await;
        assert_eq!(declined.status, StatusCode::SEE_OTHER, "{engine}: {}", declined.text);
        let twice = scene.post(&format!("/second-looks/{look}"), &admin, &[("verb", "decline"), ("answer", "again")]).await;
        assert_eq!(twice.status, StatusCode::CONFLICT, "{engine}");
        let seen = scene.get(&link, "").await;
        assert!(seen.text.contains("Declined") && seen.text.contains("too much junk"), "{engine}: {}", seen.text);
        assert!(!seen.text.contains("administrator@"), "{engine}: who answered stays inside");
        let letters = letters(&scene, "bob@partner.example").await;
        assert!(letters.iter().any(|letter| letter.contains("too much junk")), "{engine}: a proven contact is told");
        assert!(!rings(&admin).await, "{engine}: nobody waits any more");
        let lines = scene.get("/api/v1/audit?action=desk.decline", &admin).await.json();
        assert_eq!(lines["rows"].as_array().map(Vec::len), Some(1), "{engine}: {lines}");
    }
}

#[tokio::test]
async fn allowing_goes_by_a_draft_and_the_asker_is_told() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::with_dns(database, zone()).await;
        let listed = "550 5.7.1 45.83.1.7 is listed in zen.example: ask its keepers to remove it";
        let code = refused(&scene, scene.acme, refusal(listed), None).await;
        let body = serde_json::json!({ "from": IP, "why": "please", "contact": "bob@partner.example" });
        let made = scene.send("POST", &format!("/api/v1/refused/{code}/ask"), "", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{engine}: {}", made.text);
        let state = format!("/api/v1/refused/asks/{}", made.json()["token"].as_str().expect("a token"));
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let queue = scene.get("/api/v1/second-looks", &admin).await.json();
        let look = queue["rows"][0]["look"].as_str().expect("one waits").to_string();
        let wrong = scene.post(&format!("/second-looks/{look}"), &admin, &[("verb", "allow"), ("kind", "host")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        let form = [("verb", "allow"), ("kind", "ip"), ("scope", "recipient"), ("days", "7")];
        let drafted = scene.post(&format!("/second-looks/{look}"), &admin, &form).await;
        assert!(drafted.to().starts_with("/drafts/"), "{engine}: {} {}", drafted.status, drafted.text);
        assert_eq!(scene.get(&state, "").await.json()["state"], "open", "{engine}: a draft allows nothing");
        let saved = scene.post(&format!("{}/save", drafted.to()), &admin, &[]).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{engine}: {}", saved.text);
        let stands = scene.get(&state, "").await.json();
        assert_eq!(stands["state"], "allowed", "{engine}: {stands}");
        assert_eq!(stands["until_ms"], NOW_MS + 7 * 86_400_000, "{engine}");
        let entries = scene.get("/api/v1/entries", &admin).await.json();
        assert_eq!(entries["rows"][0]["value"], IP, "{engine}: {entries}");
        assert_eq!(entries["rows"][0]["scope"], "alice@acme.example", "{engine}");
    }
}

#[tokio::test]
async fn what_nobody_can_decide_is_not_asked_about() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::with_dns(database, zone()).await;
        for (org, reply, recipient, why) in [
            (scene.acme, "550 5.7.1 We do not relay mail for you to this domain", "x@elsewhere.example", "mail to strangers"),
            (OrgId(0), "421 4.7.0 Too many connections from your address", "", "before anybody was named"),
            (scene.acme, "451 4.7.1 Please come again", "alice@acme.example", "passes by itself"),
        ] {
            let recipients = Some(recipient.to_string()).filter(|recipient| !recipient.is_empty()).into_iter().collect();
            let code = refused(&scene, org, Refusal { recipients, ..refusal(reply) }, None).await;
            let told = scene.get(&format!("/api/v1/refused/{code}?from=partner.example"), "").await.json();
            assert_eq!(told["can_ask"], false, "{engine}: {why}: {told}");
            let form = [("from", "partner.example"), ("why", "please"), ("contact", "bob@partner.example")];
            let asked = scene.post(&format!("/refused/{code}/ask"), "", &form).await;
            assert_eq!(asked.status, StatusCode::CONFLICT, "{engine}: {why}");
        }
        // A mail that was accepted is no refusal, whoever quotes its identifier.
        let accepted = MailId(trace::first_id_at(NOW_MS - 1_000).0 + 5);
        let held = scene.app.db.tx(move |tx| Box::pin(async move { crate::things::held_mail(tx, accepted.0, OrgId(1)).await })).await;
        held.unwrap_or_else(|why: Error| panic!("{why}"));
        assert_eq!(scene.get(&format!("/refused/{accepted}"), "").await.status, StatusCode::NOT_FOUND, "{engine}");
        let content = refused(
            &scene,
            scene.acme,
            refusal("550 5.7.1 Refused by the policy of the recipient's organisation"),
            Some(MailId(accepted.0 + 100)),
        )
        .await;
        let told = scene.get(&format!("/api/v1/refused/{content}"), "").await.json();
        assert_eq!((told["reason"].as_str(), told["can_ask"].as_bool()), (Some("policy"), Some(true)), "{engine}: {told}");
    }
}

#[tokio::test]
async fn one_source_asks_so_often_and_no_more() {
    let database = databases().into_iter().next().expect("SQLite");
    let scene = Scene::with_dns(database, zone()).await;
    let code = refused(&scene, scene.acme, refusal(REPLY), None).await;
    let mut last = StatusCode::OK;
    for _ in 0..40 {
        let answer = scene.get(&format!("/api/v1/refused/{code}"), "").await;
        last = answer.status;
        if last == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.headers.contains_key("retry-after"));
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn old_questions_are_forgotten() {
    for database in databases() {
        let scene = Scene::with_dns(database, zone()).await;
        let code = refused(&scene, scene.acme, refusal(REPLY), None).await;
        let body = serde_json::json!({ "from": "partner.example", "why": "please", "contact": "bob@partner.example" });
        scene.send("POST", &format!("/api/v1/refused/{code}/ask"), "", body).await;
        for (before_ms, want) in [(NOW_MS - 1_000, 0), (NOW_MS + 10_000, 1)] {
            let gone: Result<u64, Error> = scene.app.db.tx(move |tx| Box::pin(async move { desk_sql::forget(tx, before_ms).await })).await;
            assert_eq!(gone.expect("forgotten"), want);
        }
        let acme = scene.acme;
        let left: Result<i64, Error> =
            scene.app.db.read(move |tx| Box::pin(async move { desk_sql::waiting(tx, OrgScope::One(acme)).await })).await;
        assert_eq!(left.expect("a count"), 0);
    }
}

/// Texts of letters queued for an address.
async fn letters(scene: &Scene, to: &str) -> Vec<String> {
    let to = to.to_string();
    let rows: Result<_, Error> = scene
        .app
        .db
        .read(move |tx| {
            Box::pin(async move {
                tx.rows("SELECT b.octets FROM body b JOIN recipient r ON r.mail = b.mail WHERE r.address = $1 ORDER BY b.mail", args![to])
                    .await
            })
        })
        .await;
    let texts =
        rows.expect("letters").iter().map(|row| String::from_utf8_lossy(&row.blob(0).expect("octets")).into_owned()).collect::<Vec<_>>();
    texts.into_iter().map(|text| text.replace("=\r\n", "").replace("=3D", "=")).collect()
}

/// What was mailed to prove the address.
async fn proof(scene: &Scene, to: &str) -> String {
    let letters = letters(scene, to).await;
    let link = letters.iter().find_map(|letter| letter.split("?proof=").nth(1)).unwrap_or_else(|| panic!("{letters:?}"));
    link.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}
