//! What people move in the mailboxes of a real Cyrus counts as their report, and what several of them say has a mail removed for all.

use super::{ALICE, BO, events, mail_to, message, put, states};
use crate::past::{Past, past};
use crate::scene::Scene;
use axum::http::StatusCode;
use detect::classify::Label;
use gateway::directory::ConnectorSettings;
use gateway::feedback;
use gateway::mailbox::{Automatic, MailboxName, MailboxProtocol, MailboxSettings};
use gateway::scope::OrgScope;
use gateway::settings::Span;
use mail::MailId;
use serde_json::{Value, json};
use store::{Error, args};
use testkit::cyrus::{Cyrus, PASSWORD, SHARED_WITH};
use testkit::postgres::{Database, databases, sqlite};
use web::people::Role;
use web::removal::{run, watch};

const CY: &str = "cy@acme.example";
const LI: &str = "li@acme.example";
const BOXES: [&str; 4] = [ALICE, BO, CY, LI];

struct Listened {
    scene: Scene,
    cyrus: Cyrus,
    admin: String,
}

impl Listened {
    /// acme's mail lies in a Cyrus that Gatepost may open, and asks every ten minutes what people moved.
    async fn new(database: Database) -> Option<Listened> {
        let cyrus = Cyrus::start(&BOXES.map(local))?;
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let listened = Listened { scene, cyrus, admin };
        listened.open_by(PASSWORD).await;
        Some(listened)
    }

    /// Gatepost signs in with this password from now on.
    async fn open_by(&self, password: &str) {
        let mailbox = MailboxSettings {
            protocol: MailboxProtocol::Jmap,
            url: format!("http://{}", self.cyrus.http),
            user: SHARED_WITH.into(),
            mailbox: MailboxName::Local,
            automatic: Automatic::On,
            per_minute: 6_000,
            at_once_percent: 100,
            moves_every: Span::minutes(10),
            ..MailboxSettings::default()
        };
        let connector = ConnectorSettings {
            name: "box".into(),
            organisation: "acme".into(),
            hosts: vec![self.cyrus.lmtp.to_string()],
            allow_private: true,
            mailbox: mailbox.with_password(&self.scene.app.seal, "box", password).expect("sealed"),
            ..ConnectorSettings::default()
        };
        put(&self.scene, connector).await;
    }

    /// A mail to these that lies in their INBOX, if they have one.
    async fn delivered(&self, recipients: &[&'static str], subject: &str) -> MailId {
        let (id, message) = mail_to(&self.scene, 0, recipients, (subject, "Buy now.")).await;
        recipients.iter().filter(|one| BOXES.contains(one)).for_each(|one| self.lay(one, &message));
        id
    }

    /// Lays a message into an INBOX, received when the scene is.
    fn lay(&self, address: &str, message: &str) {
        let wire = message.replace('\n', "\r\n");
        let command = format!("APPEND INBOX \"24-Nov-2026 11:59:00 +0000\" {{{}+}}\r\n{wire}", wire.len());
        self.cyrus.said(local(address), &[&command]);
    }

    /// Its owner moves everything from one folder to the other.
    fn shift(&self, address: &str, from: &str, to: &str) {
        self.cyrus.said(local(address), &[&format!("SELECT {from}"), &format!("UID MOVE 1:* {to}")]);
    }

    async fn watch(&self) -> usize {
        watch::turn(&self.scene.app, 1).await.expect("a turn")
    }

    /// As if the time of the next round had come.
    async fn watch_later(&self) -> usize {
        let sql = "UPDATE removal_watch SET upto = 0 WHERE what = 'moves:box'";
        let done: Result<_, Error> = self.scene.app.db.tx(move |tx| Box::pin(async move { tx.run(sql, args![]).await })).await;
        assert_eq!(done.expect("written"), 1, "a round was begun before");
        self.watch().await
    }

    /// Who said what of which mail, in order.
    async fn reports(&self) -> Vec<(String, Label, MailId)> {
        let scope = OrgScope::One(self.scene.acme);
        let read: Result<Vec<feedback::Row>, Error> =
            self.scene.app.db.read(move |tx| Box::pin(async move { feedback::rows(tx, scope, None, 50).await })).await;
        read.expect("read").into_iter().rev().map(|row| (row.reporter, row.label, row.mail)).collect()
    }

    async fn reported(&self, mail: MailId) -> usize {
        events(&self.scene, &self.admin, mail).await.iter().filter(|event| event.starts_with("reported ")).count()
    }

    async fn list(&self, cookie: &str) -> Vec<Value> {
        self.scene.get("/api/v1/removals", cookie).await.json()["rows"].as_array().expect("rows").clone()
    }
}

fn local(address: &str) -> &str {
    address.split('@').next().expect("a name")
}

fn word(who: &str, label: Label, mail: MailId) -> (String, Label, MailId) {
    (who.to_string(), label, mail)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_three_people_move_into_junk_goes_from_the_others_and_comes_back() {
    for database in databases() {
        let engine = database.engine;
        let Some(boxes) = Listened::new(database).await else { return };
        let scene = &boxes.scene;
        let pills = boxes.delivered(&[ALICE, BO, CY, LI], "pills").await;
        assert_eq!(boxes.watch().await, 0, "{engine}");
        assert!(boxes.reports().await.is_empty(), "{engine}: what lies where it was delivered is nobody's word");
        let empty = scene.get("/removals", &boxes.admin).await.text;
        assert!(empty.contains("Nothing was removed from mailboxes") && boxes.list(&boxes.admin).await.is_empty(), "{engine}: {empty}");

        boxes.shift(ALICE, "INBOX", "Junk");
        assert_eq!(boxes.watch().await, 0, "{engine}");
        assert!(boxes.reports().await.is_empty(), "{engine}: not before its time");
        assert_eq!(boxes.watch_later().await, 0, "{engine}: one person is one person");
        assert_eq!(boxes.reports().await, [word(ALICE, Label::Spam, pills)], "{engine}");
        assert_eq!(boxes.watch_later().await, 0, "{engine}");
        assert_eq!(boxes.reported(pills).await, 1, "{engine}: each move counts once");

        boxes.shift(BO, "INBOX", "Junk");
        boxes.shift(LI, "INBOX", "Junk");
        assert_eq!(boxes.watch_later().await, 1, "{engine}: three people");
        assert_eq!(boxes.reported(pills).await, 3, "{engine}");
        let list = boxes.list(&boxes.admin).await;
        let (state, cause, who) = (&list[0]["state"], &list[0]["cause"], &list[0]["who"]);
        assert_eq!((state, cause, who), (&json!("going"), &json!("reports"), &json!("")), "{engine}: {list:?}");
        run::round(&scene.app).await.expect("a round");
        assert!(boxes.cyrus.subjects("cy", "INBOX").is_empty() && boxes.cyrus.subjects("cy", "Junk") == ["pills"], "{engine}");
        let path = format!("/removals/{}", list[0]["removal"].as_str().expect("an identifier"));
        let shown = scene.get(&format!("/api/v1{path}"), &boxes.admin).await.json();
        assert_eq!(states(&shown), ["gone", "gone", "removed", "gone"], "{engine}: {shown}");
        let page = scene.get(&path, &boxes.admin).await.text;
        for said in ["3 people reported it", "It lay in the junk folder already", "to Junk", CY, "Put everything back"] {
            assert!(page.contains(said), "{engine}: {said}: {page}");
        }
        out_of_reach(&boxes, (&path, pills)).await;

        let undone = scene.post(&format!("{path}/undo"), &boxes.admin, &[]).await;
        assert_eq!((undone.status, undone.to()), (StatusCode::SEE_OTHER, path.as_str()), "{engine}: {}", undone.text);
        run::round(&scene.app).await.expect("a round");
        assert_eq!(boxes.cyrus.subjects("cy", "INBOX"), ["pills"], "{engine}");
        assert_eq!(boxes.cyrus.subjects("alice", "Junk"), ["pills"], "{engine}: what its owner moved stays");
        assert_eq!(scene.post(&format!("{path}/undo"), &boxes.admin, &[]).await.status, StatusCode::CONFLICT, "{engine}: twice");
        assert_eq!(boxes.watch_later().await, 0, "{engine}: what a person put back is not taken again");
        assert_eq!(boxes.reported(pills).await, 3, "{engine}: what Gatepost moved is nobody's word");

        boxes.shift(ALICE, "Junk", "INBOX");
        assert_eq!(boxes.watch_later().await, 0, "{engine}");
        let reports = boxes.reports().await;
        assert_eq!(reports.last(), Some(&word(ALICE, Label::Ham, pills)), "{engine}: the later word counts");
        assert_eq!(reports.len(), 3, "{engine}: instead of the earlier one: {reports:?}");
    }
}

/// Who may not decide sees as much as they may read, and another organisation nothing.
async fn out_of_reach(boxes: &Listened, (path, mail): (&str, MailId)) {
    let scene = &boxes.scene;
    let cookie = |role, org| scene.cookie(role, Some(org));
    let (eve, reader, person) = (
        cookie(Role::Administrator, scene.other).await,
        cookie(Role::SecurityReader, scene.acme).await,
        cookie(Role::Person, scene.acme).await,
    );
    for (who, read, undo) in [
        (&eve, StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
        (&reader, StatusCode::OK, StatusCode::FORBIDDEN),
        (&person, StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
    ] {
        assert_eq!(scene.get(path, who).await.status, read, "the page");
        assert_eq!(scene.get(&format!("/api/v1{path}"), who).await.status, read, "the API");
        assert_eq!(scene.get(&format!("/api/v1/trace/{mail}"), who).await.status, read, "the story");
        assert_eq!(scene.post(&format!("{path}/undo"), who, &[]).await.status, undo, "by the page");
        assert_eq!(scene.send("POST", &format!("/api/v1{path}/undo"), who, json!({})).await.status, undo, "by the API");
    }
    let page = scene.get(path, &reader).await.text;
    assert!(!page.contains("/undo\""), "who may only read is offered nothing: {page}");
    let empty = scene.get("/removals", &eve).await.text;
    assert!(empty.contains("Nothing was removed from mailboxes") && !empty.contains(path), "{empty}");
    assert!(boxes.list(&eve).await.is_empty(), "another's removals are not listed");
    assert_eq!(scene.get("/removals", &person).await.status, StatusCode::FORBIDDEN);
    assert_eq!(boxes.cyrus.subjects("cy", "Junk"), ["pills"], "nothing of it moved anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_is_missing_or_lies_keeps_nobody_else_from_being_heard() {
    let Some(boxes) = Listened::new(sqlite()).await else { return };
    // The first in the order in which mailboxes are looked at.
    let lunch = boxes.delivered(&["aaron@acme.example", BO], "lunch").await;
    let theirs = past(&boxes.scene, boxes.scene.other, &Past { recipient: "eve@other.example", days_ago: 0, ..Past::default() }).await;
    boxes.lay(BO, &message(theirs, BO, "claims to be theirs", "x"));
    boxes.lay(BO, "From: tom@partner.example\nSubject: was here before\n\nx\n");
    boxes.shift(BO, "INBOX", "Junk");

    boxes.open_by("wrong").await;
    assert_eq!(boxes.watch().await, 0);
    assert!(boxes.reports().await.is_empty(), "nothing could be seen");
    boxes.open_by(PASSWORD).await;
    // At the same moment: the time of a round does not come by itself here.
    assert_eq!(boxes.watch().await, 0);
    let mut reports = boxes.reports().await;
    reports.sort_by_key(|one| one.2);
    assert_eq!(
        reports,
        [word(BO, Label::Spam, MailId(0)), word(BO, Label::Spam, lunch)],
        "a round that saw nothing is not over; mail that did not come through us is nobody's report; another's mail is not believed"
    );
    let eve = boxes.scene.cookie(Role::Administrator, Some(boxes.scene.other)).await;
    assert!(events(&boxes.scene, &eve, theirs).await.is_empty(), "their mail has no word of ours in its story");
    assert_eq!(events(&boxes.scene, &boxes.admin, lunch).await, [format!("reported {BO}")]);
}
