//! Against a real Cyrus, whose mailboxes are shared with our user.

use super::*;
use mail::id::IdMaker;
use testkit::cyrus::{Cyrus, PASSWORD, SHARED_WITH};

fn scene(cyrus: &Cyrus) -> Scene {
    let mut scene = Scene::of(&url(cyrus.http), SHARED_WITH, PASSWORD);
    scene.connector.mailbox.mailbox = MailboxName::Local;
    scene
}

struct Sent {
    id: MailId,
    message_id: String,
}

impl Sent {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { mail: self.id, message_id: &self.message_id, received_ms: jiff::Timestamp::now().as_millisecond() }
    }
}

/// A mail as it lies in a mailbox after delivery.
fn send(cyrus: &Cyrus, to: &str, subject: &str) -> Sent {
    let id = MailId(IdMaker::new(3).next(jiff::Timestamp::now().as_millisecond()));
    let message_id = if subject.starts_with("bare") { String::new() } else { format!("<{subject}@sender.example>") };
    let field = if message_id.is_empty() { String::new() } else { format!("Message-ID: {message_id}\n") };
    cyrus.append(
        to,
        &format!(
            "X-Gatepost-Report: id={id}; verdict=clean; scl=1; bcl=0;\n\tcategory=NONE; policy=p\nReceived: from a by gate.test (Gatepost) with ESMTP id {id};\n\t\
             Sat, 28 Nov 2026 09:00:00 +0000\nFrom: a@sender.example\nTo: li@demo.example\nSubject: {subject}\nDate: Sat, 28 Nov 2026 09:00:00 +0000\n{field}\nhello\n"
        ),
    );
    Sent { id, message_id }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_taken_away_and_put_back() {
    let Some(cyrus) = Cyrus::start(&["li", "bo"]) else { return };
    let scene = scene(&cyrus);
    for subject in ["plain", "bare"] {
        send(&cyrus, "li", &format!("other {subject}"));
        let sent = send(&cyrus, "li", subject);
        let mut session = scene.open(LI).await;
        let taken = session.take(sent.wanted(), "Junk").await.expect("taken");
        let Taken::Moved(place) = taken else { panic!("{taken:?}") };
        assert_eq!((place.to.as_str(), place.ids.len()), ("Junk", 1), "{place:?}");
        assert_eq!(cyrus.subjects("li", "Junk"), [subject]);
        assert!(cyrus.subjects("li", "INBOX").contains(&format!("other {subject}")), "what was not meant stays");
        assert!(cyrus.flags("li", "Junk")[0].to_ascii_lowercase().contains("$gatepostremoved"), "{:?}", cyrus.flags("li", "Junk"));
        assert_eq!(session.take(sent.wanted(), "Junk").await.expect("looked for"), Taken::AlreadyIn("Junk".into()), "twice");
        let back = session.put_back(sent.wanted(), &place).await.expect("put back");
        assert_eq!(back, Returned::Moved { to: place.from.clone() });
        assert!(cyrus.subjects("li", "INBOX").contains(&subject.to_string()) && cyrus.subjects("li", "Junk").is_empty());
        assert_eq!(session.put_back(sent.wanted(), &place).await.expect("looked for"), Returned::AlreadyThere, "twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_owner_did_meanwhile_is_said_and_is_no_error() {
    let Some(cyrus) = Cyrus::start(&["li"]) else { return };
    let scene = scene(&cyrus);
    cyrus.said("li", &["CREATE Shops"]);
    let filed = send(&cyrus, "li", "filed");
    cyrus.said("li", &["SELECT INBOX", "UID MOVE 1:* Shops"]);
    let thrown = send(&cyrus, "li", "thrown");
    cyrus.said("li", &["SELECT INBOX", "UID MOVE 1:* Trash"]);
    let deleted = send(&cyrus, "li", "deleted");
    cyrus.said("li", &["SELECT INBOX", "UID STORE 1:* +FLAGS (\\Deleted)", "EXPUNGE"]);
    let mut session = scene.open(LI).await;
    let Taken::Moved(place) = session.take(filed.wanted(), "Junk").await.expect("taken") else { panic!("not taken") };
    assert_eq!(place.from, "Shops");
    assert_eq!(session.take(thrown.wanted(), "Junk").await.expect("looked for"), Taken::Absent(AbsentBecause::InTrash));
    assert_eq!(session.take(deleted.wanted(), "Junk").await.expect("looked for"), Taken::Absent(AbsentBecause::Gone));
    assert_eq!(session.put_back(filed.wanted(), &place).await.expect("put back"), Returned::Moved { to: "Shops".into() });
    assert_eq!(cyrus.subjects("li", "Shops"), ["filed"]);
    let names = session.folder_names().await.expect("listed");
    assert!(["Junk", "Shops", "Trash"].iter().all(|name| names.contains(&name.to_string())), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_read_and_what_does_not_work_is_said() {
    let Some(cyrus) = Cyrus::start(&["li"]) else { return };
    let good = scene(&cyrus);
    let sent = send(&cyrus, "li", "again");
    let octets = good.open(LI).await.read(sent.wanted()).await.expect("read").expect("it is there");
    assert!(octets.starts_with(format!("Received: from a by gate.test (Gatepost) with ESMTP id {}", sent.id).as_bytes()), "{octets:?}");
    let missing = good.refused("nobody@demo.example").await;
    assert_eq!((missing.name(), missing.is_of_server()), ("no-mailbox", false), "{missing}");
    let mut wrong = scene(&cyrus);
    wrong.connector.mailbox = wrong.connector.mailbox.with_password(&wrong.seal, "box", "wrong").expect("sealed");
    assert_eq!(wrong.refused(LI).await.name(), "sign-in");
}
