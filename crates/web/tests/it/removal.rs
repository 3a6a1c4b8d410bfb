//! Mail is taken out of the mailboxes of a real Dovecot, and put back: by people, and by what turned out later. Of a real Cyrus: `moves`.

mod moves;

use crate::past::{Past, past};
use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use gateway::delivery::certificate::fingerprint;
use gateway::directory::settings::EntrySettings;
use gateway::directory::{ConnectorSettings, Effect, EntryKind, sql as directory_sql};
use gateway::mailbox::{Automatic, MailboxSettings};
use gateway::settings::Span;
use mail::MailId;
use serde_json::{Value, json};
use std::net::SocketAddr;
use store::{Error, args};
use testkit::dovecot::{Dovecot, MASTER, MASTER_PASSWORD};
use testkit::postgres::{Database, databases, sqlite};
use web::people::Role;
use web::removal::{run, watch};

const ALICE: &str = "alice@acme.example";
const BO: &str = "bo@acme.example";

struct Boxes {
    scene: Scene,
    dovecot: Dovecot,
    admin: String,
}

impl Boxes {
    /// acme's mail lies in a Dovecot that Gatepost may open; `change` says how.
    async fn new(database: Database, change: impl FnOnce(&mut MailboxSettings)) -> Option<Boxes> {
        let dovecot = Dovecot::start(&[ALICE, BO], SocketAddr::from(([127, 0, 0, 1], 9)))?;
        let scene = Scene::new(database).await;
        let mut mailbox = MailboxSettings {
            imap: dovecot.imaps.to_string(),
            pin: fingerprint(&dovecot.certificate),
            tls_name: "localhost".into(),
            user: MASTER.into(),
            per_minute: 6_000,
            at_once_percent: 100,
            ..MailboxSettings::default()
        };
        mailbox = mailbox.with_password(&scene.app.seal, "box", MASTER_PASSWORD).expect("sealed");
        change(&mut mailbox);
        let connector = ConnectorSettings {
            name: "box".into(),
            organisation: "acme".into(),
            hosts: vec![dovecot.lmtp.to_string()],
            allow_private: true,
            mailbox,
            ..ConnectorSettings::default()
        };
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        put(&scene, connector).await;
        Some(Boxes { scene, dovecot, admin })
    }

    async fn change(&self, change: impl FnOnce(&mut MailboxSettings)) {
        let mut connector = ConnectorSettings::clone(&self.scene.app.directory.snapshot().connectors["box"]);
        change(&mut connector.mailbox);
        put(&self.scene, connector).await;
    }

    async fn delivered(&self, recipients: &[&'static str], subject: &str, body: &str) -> MailId {
        self.delivered_before(0, recipients, subject, body).await
    }

    async fn delivered_before(&self, days_ago: i64, recipients: &[&'static str], subject: &str, body: &str) -> MailId {
        let (id, message) = mail_to(&self.scene, days_ago, recipients, (subject, body)).await;
        for reply in self.dovecot.deliver(recipients, &message) {
            assert!(reply.starts_with("250"), "{reply}");
        }
        id
    }

    async fn start(&self, body: Value) -> Value {
        let made = self.scene.send("POST", "/api/v1/removals", &self.admin, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.json()
    }

    async fn shown(&self, removal: &Value) -> Value {
        let id = removal["removal"]["removal"].as_str().expect("an identifier");
        self.scene.get(&format!("/api/v1/removals/{id}"), &self.admin).await.json()
    }

    async fn decide(&self, removal: &Value, verb: &str) -> StatusCode {
        let id = removal["removal"]["removal"].as_str().expect("an identifier");
        self.scene.send("POST", &format!("/api/v1/removals/{id}/{verb}"), &self.admin, json!({})).await.status
    }

    async fn list(&self) -> Vec<Value> {
        let found = self.scene.get("/api/v1/removals", &self.admin).await.json();
        found["rows"].as_array().expect("rows").clone()
    }

    async fn round(&self) -> usize {
        run::round(&self.scene.app).await.expect("a round")
    }

    async fn watch(&self) -> usize {
        watch::turn(&self.scene.app, 1).await.expect("a turn")
    }

    /// As if the time of the next attempt had come.
    async fn hurry(&self) {
        let done: Result<_, Error> =
            self.scene.app.db.tx(|tx| Box::pin(async move { tx.run("UPDATE removal_copy SET next_ms = 0", args![]).await })).await;
        done.expect("hurried");
    }

    fn inbox(&self, of: &str) -> Vec<String> {
        self.dovecot.subjects(of, "INBOX")
    }

    fn junk(&self, of: &str) -> Vec<String> {
        self.dovecot.subjects(of, "Junk")
    }

    async fn events(&self, mail: MailId) -> Vec<String> {
        events(&self.scene, &self.admin, mail).await
    }
}

async fn put(scene: &Scene, connector: ConnectorSettings) {
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                directory_sql::put_connector(tx, &connector, "page").await?;
                directory_sql::bump(tx).await
            })
        })
        .await;
    done.expect("the connector is stored");
    scene.app.directory.reload().await.expect("read again");
}

/// A mail of acme's that was delivered to these, as the mail path leaves it, and as it lies in their mailboxes.
async fn mail_to(scene: &Scene, days_ago: i64, recipients: &[&'static str], (subject, body): (&str, &str)) -> (MailId, String) {
    let was = Past { spam: 0.1, action: "none", days_ago, recipient: recipients[0], ..Past::default() };
    let id = past(scene, scene.acme, &was).await;
    let (org, to) = (scene.acme, recipients.to_vec());
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                for (n, address) in to.iter().enumerate() {
                    tx.run(
                        "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, lease_node, lease_ms, last_reply, settled_ms) \
                         VALUES ($1, $2, $3, $4, $4, 'delivered', '{}', '{}', 'box', 1, 0, 0, 0, '', $5)",
                        args![id.0, n, org.0, *address, NOW_MS - 60_000],
                    )
                    .await?;
                }
                Ok(())
            })
        })
        .await;
    done.expect("delivered");
    (id, message(id, recipients[0], subject, body))
}

/// A message as it lies in a mailbox after delivery.
fn message(id: MailId, to: &str, subject: &str, body: &str) -> String {
    format!(
        "X-Gatepost-Report: id={id}; verdict=clean; scl=1;\nReceived: from a by mx.gatepost.example (Gatepost) with ESMTP id {id};\n\tTue, 24 Nov 2026 11:59:00 +0000\n\
         From: tom@partner.example\nTo: {to}\nSubject: {subject}\n\n{body}\n"
    )
}

/// What happened to a mail, as whoever asks sees it.
async fn events(scene: &Scene, cookie: &str, mail: MailId) -> Vec<String> {
    let story = scene.get(&format!("/api/v1/trace/{mail}"), cookie).await.json();
    let line = |event: &Value| format!("{} {}", event["kind"].as_str().unwrap_or(""), event["recipient"].as_str().unwrap_or(""));
    story["events"].as_array().expect("events").iter().map(line).collect()
}

fn states(removal: &Value) -> Vec<&str> {
    removal["copies"].as_array().expect("copies").iter().filter_map(|copy| copy["state"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_removes_a_mail_and_puts_it_back() {
    for database in databases() {
        let engine = database.engine;
        let Some(boxes) = Boxes::new(database, |_| {}).await else { return };
        let mail = boxes.delivered(&[ALICE, BO], "bad", "x").await;
        boxes.delivered(&[ALICE], "good", "y").await;
        let page = boxes.scene.get(&format!("/trace/{mail}"), &boxes.admin).await.text;
        assert!(page.contains(&format!("/trace/{mail}/remove")) && !page.contains("/put-back"), "{engine}: the page offers it");
        let asked = boxes.scene.get(&format!("/trace/{mail}/remove"), &boxes.admin).await.text;
        assert!(asked.contains(ALICE) && asked.contains(BO) && asked.contains("1 other mail"), "{engine}: {asked}");
        let started =
            boxes.scene.post(&format!("/trace/{mail}/remove"), &boxes.admin, &[("class", "phish"), ("note", "reported by phone")]).await;
        assert!(started.to().starts_with("/removals/x"), "{engine}: {} {}", started.status, started.text);
        assert_eq!(boxes.inbox(ALICE), ["bad", "good"], "{engine}: the request itself touches nothing");
        assert_eq!(boxes.round().await, 2, "{engine}");
        assert_eq!((boxes.inbox(ALICE), boxes.junk(ALICE)), (vec!["good".into()], vec!["bad".to_string()]), "{engine}");
        assert_eq!((boxes.inbox(BO).len(), boxes.junk(BO).len()), (0, 1), "{engine}");
        assert_eq!(boxes.events(mail).await, [format!("removed {ALICE}"), format!("removed {BO}")], "{engine}");
        let shown = boxes.scene.get(started.to(), &boxes.admin).await.text;
        assert!(shown.contains("Moved from INBOX to Junk") && shown.contains("reported by phone"), "{engine}: {shown}");
        let again = boxes.scene.send("POST", "/api/v1/removals", &boxes.admin, json!({ "mails": [mail] })).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{engine}: twice");
        let page = boxes.scene.get(&format!("/trace/{mail}"), &boxes.admin).await.text;
        assert!(
            page.contains("/put-back") && page.contains("Removed from the mailbox"),
            "{engine}: the page says so and offers the way back"
        );
        let back = boxes.scene.post(&format!("/trace/{mail}/put-back"), &boxes.admin, &[]).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{engine}: {}", back.text);
        assert_eq!(boxes.round().await, 2, "{engine}");
        assert_eq!((boxes.inbox(ALICE), boxes.junk(ALICE).len()), (vec!["good".to_string(), "bad".into()], 0), "{engine}");
        assert_eq!(boxes.events(mail).await.len(), 4, "{engine}");
        assert_eq!(boxes.round().await, 0, "{engine}: nothing is left to do");
        assert_eq!(
            boxes.scene.post(&format!("/trace/{mail}/put-back"), &boxes.admin, &[]).await.status,
            StatusCode::CONFLICT,
            "{engine}: twice"
        );
        let lines = boxes.scene.get("/api/v1/audit?action=removal", &boxes.admin).await.text;
        assert!(lines.contains("removal.start") && lines.contains("removal.undo"), "{engine}: {lines}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said_and_tried_again() {
    for database in databases() {
        let engine = database.engine;
        let Some(mut boxes) = Boxes::new(database, |_| {}).await else { return };
        let both = boxes.delivered(&[ALICE, BO], "both", "x").await;
        boxes.dovecot.as_person(BO, &["SELECT INBOX", "UID STORE 1:* +FLAGS (\\Deleted)", "EXPUNGE"]);
        let removal = boxes.start(json!({ "mails": [both] })).await;
        boxes.round().await;
        let shown = boxes.shown(&removal).await;
        assert_eq!(states(&shown), ["removed", "gone"], "{engine}: two recipients, one deleted it: {shown}");
        assert_eq!(shown["copies"][1]["said"], "gone", "{engine}");
        assert_eq!(boxes.events(both).await, [format!("removed {ALICE}"), format!("not-removed {BO}")], "{engine}");

        let wrong = boxes.delivered(&[ALICE], "wrong password", "x").await;
        let seal = boxes.scene.app.seal.clone();
        boxes.change(|mailbox| *mailbox = mailbox.clone().with_password(&seal, "box", "wrong").expect("sealed")).await;
        let removal = boxes.start(json!({ "mails": [wrong] })).await;
        boxes.round().await;
        let shown = boxes.shown(&removal).await;
        assert_eq!(states(&shown), ["waiting"], "{engine}");
        assert!(shown["copies"][0]["said"].as_str().is_some_and(|said| said.contains("refuses our sign-in")), "{engine}: {shown}");
        assert_eq!(boxes.round().await, 0, "{engine}: not at once again");
        boxes.change(|mailbox| *mailbox = mailbox.clone().with_password(&seal, "box", MASTER_PASSWORD).expect("sealed")).await;
        boxes.hurry().await;
        boxes.round().await;
        assert_eq!(states(&boxes.shown(&removal).await), ["removed"], "{engine}: once it is right");

        let late = boxes.delivered(&[ALICE], "unreachable", "x").await;
        boxes.dovecot.stop();
        let removal = boxes.start(json!({ "mails": [late] })).await;
        boxes.round().await;
        let shown = boxes.shown(&removal).await;
        assert!(shown["copies"][0]["said"].as_str().is_some_and(|said| said.contains("cannot be reached")), "{engine}: {shown}");
        assert_eq!(boxes.decide(&removal, "undo").await, StatusCode::OK, "{engine}: what waits can be called off");
        let tries = "UPDATE removal_copy SET tries = 60, next_ms = 0 WHERE state IN ('waiting', 'returning')";
        let done: Result<_, Error> = boxes.scene.app.db.tx(move |tx| Box::pin(async move { tx.run(tries, args![]).await })).await;
        done.expect("many tries later");
        boxes.round().await;
        assert_eq!(states(&boxes.shown(&removal).await), ["failed"], "{engine}: given up in the end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_at_once_waits_for_a_person() {
    for database in databases() {
        let engine = database.engine;
        let Some(boxes) = Boxes::new(database, |mailbox| mailbox.at_once_max = 1).await else { return };
        let many = boxes.delivered(&[ALICE, BO], "many", "x").await;
        let removal = boxes.start(json!({ "mails": [many], "class": "phish" })).await;
        assert_eq!((&removal["removal"]["state"], &removal["removal"]["asks_why"]), (&json!("asks"), &json!("many")), "{engine}");
        assert_eq!((boxes.round().await, boxes.inbox(ALICE).len()), (0, 1), "{engine}: nothing is touched");
        let reader = boxes.scene.cookie(Role::SecurityReader, Some(boxes.scene.acme)).await;
        let path = format!("/removals/{}", removal["removal"]["removal"].as_str().expect("an identifier"));
        assert_eq!(boxes.scene.get(&path, &reader).await.status, StatusCode::OK, "{engine}: who may read the trace sees it");
        assert_eq!(boxes.scene.post(&format!("{path}/approve"), &reader, &[]).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert_eq!(boxes.decide(&removal, "refuse").await, StatusCode::OK, "{engine}");
        assert_eq!(boxes.decide(&removal, "approve").await, StatusCode::CONFLICT, "{engine}: decided is decided");
        let removal = boxes.start(json!({ "mails": [many], "dry_run": true })).await;
        assert_eq!((states(&removal), &removal["removal"]["asks_why"]), (vec!["listed", "listed"], &json!("listed")), "{engine}");
        assert_eq!(boxes.decide(&removal, "approve").await, StatusCode::OK, "{engine}");
        assert_eq!(boxes.round().await, 2, "{engine}");
        assert_eq!(states(&boxes.shown(&removal).await), ["removed", "removed"], "{engine}");
        assert_eq!(boxes.decide(&removal, "undo").await, StatusCode::OK, "{engine}");
        boxes.round().await;
        assert_eq!((boxes.inbox(ALICE).len(), boxes.inbox(BO).len()), (1, 1), "{engine}");

        let share = Boxes::new(sqlite(), |mailbox| mailbox.at_once_percent = 50).await.expect("it started before");
        let mut mails = Vec::new();
        for n in 0..6 {
            mails.push(share.delivered(&[ALICE], &format!("n{n}"), "x").await);
        }
        let removal = share.start(json!({ "mails": mails })).await;
        assert_eq!(removal["removal"]["asks_why"], "share", "all of a day's mail is more than half of it");
        let few = share.delivered(&[ALICE], "few", "x").await;
        assert_eq!(share.start(json!({ "mails": [few] })).await["removal"]["state"], "going", "a handful is no part of anything");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_and_mail_out_of_reach() {
    let Some(boxes) = Boxes::new(sqlite(), |_| {}).await else { return };
    let mail = boxes.delivered(&[ALICE], "here", "x").await;
    let eve = boxes.scene.cookie(Role::Administrator, Some(boxes.scene.other)).await;
    let person = boxes.scene.cookie(Role::Person, Some(boxes.scene.acme)).await;
    for (cookie, body, want) in [
        (&boxes.admin, json!({ "mails": [] }), StatusCode::UNPROCESSABLE_ENTITY),
        (&boxes.admin, json!({ "mails": ["nonsense"] }), StatusCode::NOT_FOUND),
        (&boxes.admin, json!({ "mails": ["m0000000000001"] }), StatusCode::NOT_FOUND),
        (&boxes.admin, json!({ "mails": [mail], "class": "lovely" }), StatusCode::UNPROCESSABLE_ENTITY),
        (&eve, json!({ "mails": [mail] }), StatusCode::NOT_FOUND),
        (&person, json!({ "mails": [mail] }), StatusCode::FORBIDDEN),
    ] {
        assert_eq!(boxes.scene.send("POST", "/api/v1/removals", cookie, body.clone()).await.status, want, "{body}");
    }
    boxes.change(|mailbox| mailbox.imap.clear()).await;
    let answer = boxes.scene.send("POST", "/api/v1/removals", &boxes.admin, json!({ "mails": [mail] })).await;
    assert!(answer.status == StatusCode::CONFLICT && answer.text.contains("without access"), "{}", answer.text);
    assert!(!boxes.scene.get(&format!("/trace/{mail}"), &boxes.admin).await.text.contains("/remove\""), "the page offers nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_is_set_up_and_tried_on_a_page() {
    let Some(boxes) = Boxes::new(sqlite(), |_| {}).await else { return };
    let path = "/api/v1/connectors/box/mailbox";
    let mut access = boxes.scene.get(path, &boxes.admin).await.json();
    assert!(access["password"].is_null() && access["user"] == MASTER, "never told: {access}");
    let tried = boxes.scene.send("POST", &format!("{path}/try"), &boxes.admin, json!({ "address": ALICE })).await.json();
    assert!(tried["opened"] == true && tried["has_junk"] == true, "{tried}");
    let page = boxes.scene.post("/connectors/box/mailbox/try", &boxes.admin, &[("to", ALICE)]).await;
    assert!(page.text.contains("The mailbox opens"), "{}", page.text);
    let foreign = boxes.scene.send("POST", &format!("{path}/try"), &boxes.admin, json!({ "address": "eve@other.example" })).await;
    assert_eq!(foreign.status, StatusCode::UNPROCESSABLE_ENTITY, "only one's own people");
    let saved = boxes.scene.send("PUT", path, &boxes.admin, access.clone()).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    let tried = boxes.scene.send("POST", &format!("{path}/try"), &boxes.admin, json!({ "address": BO })).await.json();
    assert_eq!(tried["opened"], true, "the password stays with its server: {tried}");
    access["imap"] = json!("imap.evil.example:993");
    let moved = boxes.scene.send("PUT", path, &boxes.admin, access.clone()).await;
    assert!(moved.status == StatusCode::UNPROCESSABLE_ENTITY && moved.text.contains("password"), "it goes to no other: {}", moved.text);
    access["imap"] = json!("imap.acme.example:25");
    access["password"] = json!("new");
    let port = boxes.scene.send("PUT", path, &boxes.admin, access.clone()).await;
    assert_eq!(port.status, StatusCode::UNPROCESSABLE_ENTITY, "only ports of IMAP: {}", port.text);
    access["imap"] = json!("imap.acme.example:993");
    access["protocol"] = json!("jmap");
    for (url, status, why) in [
        ("", StatusCode::OK, "no server, no access"),
        ("box.acme.example", StatusCode::UNPROCESSABLE_ENTITY, "no address"),
        ("https://li@box.acme.example/", StatusCode::UNPROCESSABLE_ENTITY, "a user in it"),
        ("http://box.acme.example/", StatusCode::UNPROCESSABLE_ENTITY, "in clear"),
        ("https://box.acme.example:8443/", StatusCode::UNPROCESSABLE_ENTITY, "another port"),
        ("https://box.acme.example", StatusCode::OK, "a server"),
    ] {
        access["url"] = json!(url);
        let saved = boxes.scene.send("PUT", path, &boxes.admin, access.clone()).await;
        assert_eq!(saved.status, status, "{why}: {}", saved.text);
    }
    access["password"] = json!("");
    for (field, value, why) in [("sign_in", "bearer", "in another way"), ("url", "https://box.evil.example", "to another server")] {
        let mut other = access.clone();
        other[field] = json!(value);
        let moved = boxes.scene.send("PUT", path, &boxes.admin, other).await;
        assert!(
            moved.status == StatusCode::UNPROCESSABLE_ENTITY && moved.text.contains("password"),
            "it is not said {why}: {}",
            moved.text
        );
    }
    let stands = boxes.scene.get(path, &boxes.admin).await.json();
    assert_eq!((&stands["protocol"], &stands["url"]), (&json!("jmap"), &json!("https://box.acme.example")));
    let page = boxes.scene.get("/connectors/box/mailbox", &boxes.admin).await.text;
    assert!(page.contains("https://box.acme.example") && page.contains("Address of the JMAP server"), "{page}");
    let log = boxes.scene.get("/api/v1/audit?action=connector.change", &boxes.admin).await.text;
    assert!(log.contains("box") && !log.contains("sealed:"), "the log holds no password: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_several_people_report_goes_from_every_mailbox() {
    for database in databases() {
        let engine = database.engine;
        let Some(boxes) = Boxes::new(database, |mailbox| mailbox.automatic = Automatic::Ask).await else { return };
        let reported = boxes.delivered(&[ALICE, BO], "reported", "x").await;
        let report = |label: &'static str, reporter: &'static str| {
            let (id, org) = (boxes.scene.app.fresh_id(), boxes.scene.acme);
            boxes.scene.app.db.tx(move |tx| {
                Box::pin(async move {
                    let sql = "INSERT INTO report (id, org, mail, digest, reporter, label, subject, before_spam, after_spam, at_ms) \
                               VALUES ($1, $2, $3, $4, $5, $6, '', 0.5, 0.9, $7)";
                    tx.run(sql, args![id, org.0, reported.0, format!("d{id}"), reporter, label, NOW_MS]).await.map_err(|why: Error| why)
                })
            })
        };
        report("phish", ALICE).await.expect("reported");
        assert_eq!(boxes.watch().await, 0, "{engine}: one person is one person");
        report("phish", ALICE).await.expect("reported");
        assert_eq!(boxes.watch().await, 0, "{engine}: however often");
        report("phish", BO).await.expect("reported");
        assert_eq!(boxes.watch().await, 1, "{engine}");
        let list = boxes.list().await;
        let (state, cause, who) = (&list[0]["state"], &list[0]["cause"], &list[0]["who"]);
        assert_eq!((state, cause, who), (&json!("asks"), &json!("reports"), &json!("")), "{engine}: listed, as the connector wants");
        assert_eq!((boxes.watch().await, boxes.inbox(ALICE).len()), (0, 1), "{engine}: once");
        let removal = json!({ "removal": list[0] });
        assert_eq!(boxes.decide(&removal, "approve").await, StatusCode::OK, "{engine}");
        boxes.round().await;
        assert_eq!((boxes.junk(ALICE).len(), boxes.junk(BO).len()), (1, 1), "{engine}");
        assert_eq!(boxes.decide(&removal, "undo").await, StatusCode::OK, "{engine}");
        boxes.round().await;
        report("phish", "li@acme.example").await.expect("reported");
        assert_eq!(boxes.watch().await, 0, "{engine}: what a person put back stays");
    }
}

async fn block(boxes: &Boxes, kind: EntryKind, value: &str) {
    let entry = EntrySettings { organisation: "acme".into(), effect: Effect::Block, kind, value: value.into(), ..EntrySettings::default() };
    let id = boxes.scene.app.fresh_id();
    let done: Result<(), Error> = boxes
        .scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                directory_sql::put_entry(tx, &entry, "page", (id, NOW_MS)).await?;
                directory_sql::bump(tx).await
            })
        })
        .await;
    done.expect("the entry is stored");
    boxes.scene.app.directory.reload().await.expect("read again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_blocked_later_goes_by_itself() {
    for database in databases() {
        let engine = database.engine;
        let Some(boxes) = Boxes::new(database, |mailbox| mailbox.automatic = Automatic::On).await else { return };
        boxes.delivered(&[ALICE, BO], "from tom", "x").await;
        assert_eq!(boxes.watch().await, 0, "{engine}: nothing new");
        block(&boxes, EntryKind::Address, "tom@partner.example").await;
        assert_eq!(boxes.watch().await, 1, "{engine}");
        assert_eq!(boxes.list().await[0]["state"], "going", "{engine}");
        boxes.round().await;
        // The receipt knows one recipient of the two.
        assert_eq!((boxes.junk(ALICE).len(), boxes.inbox(BO).len()), (1, 1), "{engine}");
        assert_eq!(boxes.watch().await, 0, "{engine}: once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_turned_out_bad_is_found_by_judging_again() {
    for database in databases() {
        let engine = database.engine;
        let set = |mailbox: &mut MailboxSettings| {
            mailbox.automatic = Automatic::On;
            mailbox.dangerous = "Held by Gatepost".into();
            mailbox.recheck_after = vec![Span::minutes(10)];
        };
        let Some(boxes) = Boxes::new(database, set).await else { return };
        boxes.delivered_before(1, &[ALICE], "link", "See http://shop.evil.example/pay for more.").await;
        boxes
            .delivered_before(1, &[BO], "harmless", "Hello Bo, the minutes of Tuesday are below. We meet again next week. Regards, Ann")
            .await;
        assert_eq!(boxes.watch().await, 0, "{engine}: what was there before is not news");
        block(&boxes, EntryKind::Host, "evil.example").await;
        assert_eq!(boxes.watch().await, 1, "{engine}: {:?}", boxes.list().await);
        let list = boxes.list().await;
        assert_eq!(
            (&list[0]["cause"], &list[0]["class"], &list[0]["state"]),
            (&json!("judged-again"), &json!("high-phish"), &json!("going")),
            "{engine}"
        );
        boxes.round().await;
        assert_eq!(boxes.dovecot.subjects(ALICE, "Held by Gatepost"), ["link"], "{engine}");
        assert_eq!(boxes.inbox(BO), ["harmless"], "{engine}");
        assert_eq!(boxes.watch().await, 0, "{engine}: each mail once a pass");
    }
}
