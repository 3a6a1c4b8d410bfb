use super::*;
use crate::MIGRATIONS;
use crate::trace::{balance, first_id_at};
use bytes::Bytes;
use store::{DbSettings, args};
use testkit::postgres::{Database, databases};

const NOON_MS: i64 = 1_795_000_000_000;
const ACME: OrgScope = OrgScope::One(OrgId(11));
const OTHER: OrgScope = OrgScope::One(OrgId(12));
const OCTETS: &[u8] = b"Received: from x\r\nSubject: Hello\r\nFrom: s@sender.example\r\n\r\nA word.\r\n";

async fn open(database: &Database) -> Quarantine {
    let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
    let db = Db::open(&settings, MIGRATIONS).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
    let bodies = Bodies::open(&database.folder.path().join("bodies")).expect("a folder");
    Quarantine::new(db, Arc::new(bodies), Arc::new(IdMaker::new(1)))
}

fn id(n: i64) -> MailId {
    first_id_at(NOON_MS + n * 1_000)
}

/// The n-th mail, for two recipients of organisation 11, held until an hour later.
async fn hold(quarantine: &Quarantine, n: i64, verdict: &'static str, in_file: bool) {
    let mail = id(n);
    let place = if in_file { store::bodies::name(mail.0) } else { String::new() };
    if in_file {
        quarantine.bodies.put(&place, &Bytes::from_static(OCTETS)).await.expect("puts");
    }
    let held: Result<(), Error> = quarantine
        .db
        .tx(move |tx| {
            Box::pin(async move {
                tx.run(
                    "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
                     VALUES ($1, 11, 'inbound', '192.0.2.1', '', $2, '<a@b>', $3, 60, 2, $4, '{\"version\":1}', '{}')",
                    args![mail.0, format!("s{}@sender.example", n % 2), format!("Win {n} Größen"), verdict],
                )
                .await?;
                let octets = if in_file { Bytes::new() } else { Bytes::from_static(OCTETS) };
                tx.run("INSERT INTO body (mail, place, octets) VALUES ($1, $2, $3)", args![mail.0, place, octets]).await?;
                for (at, address) in ["bo@acme.example", "li@acme.example"].into_iter().enumerate() {
                    let edits = serde_json::to_string(&crate::queue::Edits { headers: "X-A: b\r\n".into(), subject_prefix: "".into() }).expect("JSON");
                    let sql = "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, lease_node, \
                               lease_ms, last_reply) VALUES ($1, $2, 11, $3, $4, 'held', $5, '{}', '', 0, $6, 0, 0, '')";
                    tx.run(sql, args![mail.0, at, address, format!("orig-{address}"), edits, NOON_MS + n * 1_000 + 3_600_000]).await?;
                }
                Ok(())
            })
        })
        .await;
    held.unwrap_or_else(|why| panic!("{why}"));
}

fn decide(scope: OrgScope, n: i64, recipient: Option<i64>) -> Decision {
    Decision { scope, mail: id(n), recipient, who: "admin@acme.example".into(), now_ms: NOON_MS + 60_000 }
}

/// Each in a transaction of its own.
impl Quarantine {
    /// Puts a held mail into the queue for its original recipients; returns how many.
    async fn release(&self, decision: Decision) -> Result<usize, QuarantineError> {
        let ids = self.ids.clone();
        self.db.tx(move |tx| Box::pin(async move { release_in(tx, &decision, &ids).await })).await
    }

    /// Deletes a held mail; returns for how many recipients.
    async fn delete(&self, decision: Decision) -> Result<usize, QuarantineError> {
        let ids = self.ids.clone();
        let done = self.db.tx(move |tx| Box::pin(async move { delete_in(tx, &decision, &ids).await })).await?;
        self.remove(done.files).await;
        Ok(done.count)
    }
}

/// `(state, address, original, next_ms)` of the recipients of a mail.
async fn rows(quarantine: &Quarantine, n: i64) -> Vec<(String, String, String, i64)> {
    let sql = "SELECT state, address, original, next_ms FROM recipient WHERE mail = $1 ORDER BY n";
    let rows: Result<_, Error> = quarantine.db.read(move |tx| Box::pin(async move { tx.rows(sql, args![id(n).0]).await })).await;
    let text = |row: &store::Row, at| row.text(at).expect("text").to_string();
    rows.expect("rows").iter().map(|row| (text(row, 0), text(row, 1), text(row, 2), row.int(3).expect("a number"))).collect()
}

async fn states(quarantine: &Quarantine, n: i64) -> Vec<String> {
    rows(quarantine, n).await.into_iter().map(|row| row.0).collect()
}

async fn list(quarantine: &Quarantine, scope: OrgScope, filter: Filter) -> Vec<(MailId, i64)> {
    let (rows, _) = quarantine.list(scope, filter).await.unwrap_or_else(|why| panic!("{why}"));
    rows.iter().map(|row| (row.mail, row.n)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn held_mail_is_listed_for_its_own_organisation() {
    for database in databases() {
        let quarantine = open(&database).await;
        for n in 0..5 {
            hold(&quarantine, n, if n == 2 { "phish" } else { "spam" }, false).await;
        }
        let ask = Filter::default;
        for (filter, want, why) in [
            (ask(), vec![(4, 0), (4, 1), (3, 0), (3, 1), (2, 0), (2, 1), (1, 0), (1, 1), (0, 0), (0, 1)], "all, newest first"),
            (Filter { recipient: Some("li@acme.example".into()), limit: 2, ..ask() }, vec![(4, 1), (3, 1)], "one recipient's"),
            (Filter { sender: Some("s1@sender.example".into()), ..ask() }, vec![(3, 0), (3, 1), (1, 0), (1, 1)], "one sender's"),
            (Filter { verdict: Some("phish".into()), ..ask() }, vec![(2, 0), (2, 1)], "one verdict"),
            (Filter { subject: Some("win 3 GRÖ".into()), ..ask() }, vec![(3, 0), (3, 1)], "a word of the subject"),
            (Filter { since_ms: Some(NOON_MS + 1_000), until_ms: Some(NOON_MS + 2_000), ..ask() }, vec![(1, 0), (1, 1)], "a span"),
            (Filter { after: Some(Cursor { mail: id(1), n: 0 }), ..ask() }, vec![(1, 1), (0, 0), (0, 1)], "after a place"),
        ] {
            let want: Vec<_> = want.into_iter().map(|(mail, n)| (id(mail), n)).collect();
            assert_eq!(list(&quarantine, ACME, filter.clone()).await, want, "{}: {why}", database.engine);
            assert_eq!(list(&quarantine, OrgScope::All, filter.clone()).await, want, "{}: the operator: {why}", database.engine);
            assert_eq!(list(&quarantine, OTHER, filter).await, [], "{}: not for others: {why}", database.engine);
        }
        let (first, next) = quarantine.list(ACME, Filter { limit: 3, ..ask() }).await.expect("a list");
        assert_eq!((first.len(), next), (3, Some(Cursor { mail: id(3), n: 0 })));
        assert_eq!(
            (first[0].until_ms, first[0].at_ms, first[0].original.as_str()),
            (NOON_MS + 3_604_000, NOON_MS + 4_000, "orig-bo@acme.example")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn held_mail_is_counted_and_those_it_is_held_for_are_known() {
    for database in databases() {
        let quarantine = open(&database).await;
        for n in 0..3 {
            hold(&quarantine, n, if n == 2 { "phish" } else { "spam" }, false).await;
        }
        let ask = Filter::default;
        for (scope, filter, want, why) in [
            (ACME, ask(), Some(6), "all"),
            (OTHER, ask(), Some(0), "not for others"),
            (ACME, Filter { verdict: Some("phish".into()), ..ask() }, Some(2), "one verdict"),
            (ACME, Filter { after: Some(Cursor { mail: id(1), n: 0 }), ..ask() }, Some(3), "after a place"),
            (ACME, Filter { subject: Some("win".into()), ..ask() }, None, "the database does not know letters in any case"),
        ] {
            assert_eq!(quarantine.count(scope, filter).await, Ok(want), "{}: {why}", database.engine);
        }
        let found = async |before: i64, after: &'static str, rows_max: usize| {
            let found: Result<Vec<Waiting>, Error> =
                quarantine.db.read(move |tx| Box::pin(async move { waiting(tx, id(before), (OrgId(11), after), rows_max).await })).await;
            found.expect("rows").into_iter().map(|one| (one.address, one.newest)).collect::<Vec<_>>()
        };
        let (bo, li) = ("bo@acme.example".to_string(), "li@acme.example".to_string());
        assert_eq!(found(9, "", 10).await, [(bo.clone(), id(2)), (li.clone(), id(2))], "{}", database.engine);
        assert_eq!(found(1, "", 1).await, [(bo, id(0))], "{}: a page of what came before", database.engine);
        assert_eq!(found(9, "bo@acme.example", 10).await, [(li, id(2))], "{}: the next page", database.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn octets_come_from_row_or_file_and_not_for_others() {
    for database in databases() {
        let quarantine = open(&database).await;
        hold(&quarantine, 0, "spam", false).await;
        hold(&quarantine, 1, "spam", true).await;
        for n in [0, 1] {
            assert_eq!(quarantine.octets(ACME, id(n)).await, Ok(Bytes::from_static(OCTETS)), "{}", database.engine);
            assert_eq!(quarantine.octets(OTHER, id(n)).await, Err(QuarantineError::NotHeld(id(n))), "{}", database.engine);
            assert_eq!(quarantine.show(OTHER, id(n)).await, Err(QuarantineError::NotHeld(id(n))), "{}", database.engine);
        }
        assert_eq!(quarantine.octets(ACME, id(9)).await, Err(QuarantineError::NotHeld(id(9))));
        quarantine.bodies.remove(&store::bodies::name(id(1).0)).await.expect("removes");
        assert_eq!(quarantine.octets(ACME, id(1)).await, Err(QuarantineError::BodyMissing(id(1))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn released_mail_goes_to_the_queue_for_its_original_recipients() {
    for database in databases() {
        let quarantine = open(&database).await;
        hold(&quarantine, 0, "phish", false).await;
        assert_eq!(quarantine.release(decide(OTHER, 0, None)).await, Err(QuarantineError::NotHeld(id(0))), "not by others");
        assert_eq!(quarantine.release(decide(ACME, 0, Some(1))).await, Ok(1), "{}: one recipient", database.engine);
        let now = NOON_MS + 60_000;
        let line = |state: &str, who: &str, next_ms| {
            (state.to_string(), format!("{who}@acme.example"), format!("orig-{who}@acme.example"), next_ms)
        };
        assert_eq!(rows(&quarantine, 0).await, [line("held", "bo", NOON_MS + 3_600_000), line("queued", "li", now)], "{}", database.engine);
        assert_eq!(quarantine.release(decide(OrgScope::All, 0, None)).await, Ok(1), "the other one, by the operator");
        assert_eq!(quarantine.release(decide(ACME, 0, None)).await, Err(QuarantineError::NotHeld(id(0))), "not twice");
        assert_eq!(quarantine.delete(decide(ACME, 0, None)).await, Err(QuarantineError::NotHeld(id(0))), "nor deleted then");
        let edits: Result<_, Error> =
            quarantine.db.read(|tx| Box::pin(async move { tx.row("SELECT edits FROM recipient WHERE n = 0", vec![]).await })).await;
        let edits: crate::queue::Edits = serde_json::from_str(edits.expect("reads").expect("a row").text(0).expect("text")).expect("JSON");
        assert!(edits.headers.starts_with("X-A: b\r\nX-Gatepost-Released: ") && edits.headers.ends_with("\r\n"), "{edits:?}");
        assert_eq!(kinds(&quarantine, 0).await, ["released li@acme.example", "released bo@acme.example"]);
        assert!(body_is_there(&quarantine, 0).await, "the queue needs it");
    }
}

async fn kinds(quarantine: &Quarantine, n: i64) -> Vec<String> {
    let events: Result<_, Error> = quarantine.db.read(move |tx| Box::pin(trace::events_of(tx, OrgScope::All, id(n)))).await;
    events.expect("events").iter().map(|event| format!("{} {}", event.kind.name(), event.recipient)).collect()
}

async fn body_is_there(quarantine: &Quarantine, n: i64) -> bool {
    quarantine.db.read(move |tx| Box::pin(sql::body(tx, id(n)))).await.unwrap_or_else(|why: Error| panic!("{why}")).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn malware_is_not_released_by_one_person() {
    for database in databases() {
        let quarantine = open(&database).await;
        hold(&quarantine, 0, "malware", false).await;
        for scope in [ACME, OrgScope::All] {
            assert_eq!(quarantine.release(decide(scope, 0, None)).await, Err(QuarantineError::Malware(id(0))), "{}", database.engine);
        }
        assert_eq!(quarantine.release(decide(OTHER, 0, None)).await, Err(QuarantineError::NotHeld(id(0))), "others learn nothing");
        assert_eq!(states(&quarantine, 0).await, ["held", "held"]);
        assert_eq!(quarantine.delete(decide(ACME, 0, None)).await, Ok(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_and_expired_mail_is_gone_with_its_body_and_accounted_for() {
    for database in databases() {
        let quarantine = open(&database).await;
        for n in 0..4 {
            hold(&quarantine, n, "spam", n % 2 == 1).await;
        }
        assert_eq!(quarantine.delete(decide(OTHER, 1, None)).await, Err(QuarantineError::NotHeld(id(1))), "not by others");
        assert_eq!(quarantine.delete(decide(ACME, 1, Some(0))).await, Ok(1), "{}", database.engine);
        assert!(body_is_there(&quarantine, 1).await, "one recipient still needs it");
        assert_eq!(quarantine.delete(decide(ACME, 1, None)).await, Ok(1));
        assert!(!body_is_there(&quarantine, 1).await);
        assert_eq!(quarantine.bodies.read(&store::bodies::name(id(1).0)).await, Ok(None), "the file too");

        assert_eq!(quarantine.expire(NOON_MS + 3_600_000 - 1).await, Ok(0), "nothing before its time");
        assert_eq!(quarantine.expire(NOON_MS + 3_602_000).await, Ok(4), "{}: mails 0 and 2", database.engine);
        assert_eq!(states(&quarantine, 2).await, ["expired", "expired"]);
        assert_eq!(states(&quarantine, 3).await, ["held", "held"]);
        assert!(!body_is_there(&quarantine, 0).await && body_is_there(&quarantine, 3).await);
        assert_eq!(kinds(&quarantine, 2).await, ["expired bo@acme.example", "expired li@acme.example"]);

        let report = balance::check(&quarantine.db, Some(&quarantine.bodies), 0, NOON_MS + 10_000_000).await.expect("a report");
        assert!(report.adds_up, "{}: {:?}", database.engine, report.problems);
        assert_eq!((report.total.held, report.total.deleted, report.total.expired), (2, 2, 4));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_decide_at_once_decide_once() {
    for database in databases() {
        let quarantine = open(&database).await;
        for n in 0..10 {
            hold(&quarantine, n, "spam", false).await;
            let deciding: Vec<_> = (0..4)
                .map(|who| {
                    let quarantine = quarantine.clone();
                    tokio::spawn(async move {
                        match who % 2 {
                            0 => quarantine.release(decide(ACME, n, None)).await,
                            _ => quarantine.delete(decide(ACME, n, None)).await,
                        }
                    })
                })
                .collect();
            let mut done = 0;
            for one in deciding {
                match one.await.expect("no panic") {
                    Ok(count) => done += count,
                    Err(QuarantineError::NotHeld(_) | QuarantineError::Store(Error::Busy(_))) => {}
                    Err(other) => panic!("{}: {other}", database.engine),
                }
            }
            assert_eq!(done, 2, "{}", database.engine);
            assert_eq!(kinds(&quarantine, n).await.len(), 2, "{}: one event for each recipient", database.engine);
        }
    }
}
