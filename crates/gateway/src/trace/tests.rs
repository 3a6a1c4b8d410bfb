use super::api::ListBody;
use super::balance::{self, Account, Problem};
use super::sql::{IS_REFUSAL, IS_REST};
use super::*;
use crate::MIGRATIONS;
use crate::scope::OrgScope;
use crate::session::Stage;
use crate::signal::{Counter, Signals};
use mail::id::{EventId, IdMaker};
use mail::{MailId, OrgId};
use std::sync::Arc;
use store::bodies::{self, Bodies};
use store::{DbSettings, args};
use testkit::postgres::{Database, databases, sqlite};

const NOON_MS: i64 = 1_795_000_000_000;
const ACME: OrgId = OrgId(11);
const OTHER: OrgId = OrgId(12);

async fn open(database: &Database) -> Db {
    let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
    Db::open(&settings, MIGRATIONS).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine))
}

/// The n-th mail, one a second.
fn id(n: i64) -> MailId {
    first_id_at(NOON_MS + n * 1_000)
}

/// Recipients and their states, as a mail has them once it is stored.
async fn store_mail(db: &Db, n: i64, org: OrgId, recipients: &[(&'static str, &'static str)]) {
    let (mail, recipients) = (id(n), recipients.to_vec());
    let stored: Result<(), Error> = db
        .tx(move |tx| {
            Box::pin(async move {
                tx.run(
                    "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
                     VALUES ($1, $2, 'inbound', $3, 'mx.sender.example', $4, $5, $6, 1000, $7, $8, '{}', '{}')",
                    args![
                        mail.0,
                        org.0,
                        format!("192.0.2.{}", n % 250),
                        format!("s{}@sender.example", n % 10),
                        format!("<{n}@sender.example>"),
                        format!("Größe {n}"),
                        recipients.len(),
                        if n % 3 == 0 { "spam" } else { "clean" }
                    ],
                )
                .await?;
                tx.run("INSERT INTO body (mail, place, octets) VALUES ($1, '', $2)", args![mail.0, b"Subject: x\r\n\r\n".as_slice()]).await?;
                let mut events = vec![event(mail, org, EventKind::Received, ""), event(mail, org, EventKind::Judged, "")];
                for (at, (address, state)) in recipients.iter().enumerate() {
                    tx.run(RECIPIENT, args![mail.0, at, org.0, *address, *address, *state]).await?;
                    let kind = EventKind::parse(state).expect("states have events of the same name");
                    events.push(event(mail, org, kind, address));
                }
                if !recipients.iter().any(|(_, state)| matches!(*state, "queued" | "held")) {
                    tx.run("DELETE FROM body WHERE mail = $1", args![mail.0]).await?;
                }
                insert(tx, &events).await
            })
        })
        .await;
    stored.unwrap_or_else(|why| panic!("{why}"));
}

const RECIPIENT: &str = "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, lease_node, \
                         lease_ms, last_reply) VALUES ($1, $2, $3, $4, $5, $6, '{}', '{}', '', 0, 0, 0, 0, '')";

fn event(mail: MailId, org: OrgId, kind: EventKind, recipient: &str) -> Event {
    static IDS: std::sync::LazyLock<IdMaker> = std::sync::LazyLock::new(|| IdMaker::new(1));
    Event { id: EventId(IDS.next(NOON_MS)), mail, org, at_ms: NOON_MS, kind, recipient: recipient.into(), detail: "{}".into() }
}

async fn run(db: &Db, sql: &'static str) {
    let done: Result<u64, Error> = db.tx(move |tx| Box::pin(async move { tx.run(sql, vec![]).await })).await;
    done.unwrap_or_else(|why| panic!("{why}"));
}

async fn find(db: &Db, scope: OrgScope, query: Query) -> Answer {
    let found: Result<Answer, Error> = db.read(move |tx| Box::pin(async move { search(tx, scope, &query).await })).await;
    found.unwrap_or_else(|why| panic!("{why}"))
}

fn mails(answer: &Answer) -> Vec<MailId> {
    answer.rows.iter().map(|row| row.mail).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_are_found_by_what_is_known_and_only_by_their_own_organisation() {
    for database in databases() {
        let db = open(&database).await;
        for n in 0..20 {
            let org = if n == 7 { OTHER } else { ACME };
            store_mail(
                &db,
                n,
                org,
                &[("bo@acme.example", "delivered"), if n % 4 == 0 { ("li@acme.example", "held") } else { ("al@acme.example", "bounced") }],
            )
            .await;
        }
        let ask = Query::default;
        for (query, want, why) in [
            (Query { mail: Some(id(3)), ..ask() }, vec![3], "an identifier"),
            (Query { mail: Some(id(7)), ..ask() }, vec![], "another organisation's identifier"),
            (Query { sender: Some("s4@sender.example".into()), ..ask() }, vec![14, 4], "a sender, newest first"),
            (Query { sender: Some("@SENDER.example".into()), limit: 2, ..ask() }, vec![19, 18], "a sender's domain"),
            (Query { sender: Some("@r.example".into()), ..ask() }, vec![], "not a part of a domain"),
            (Query { recipient: Some("li@acme.example".into()), ..ask() }, vec![16, 12, 8, 4, 0], "a recipient"),
            (
                Query { recipient: Some("li@acme.example".into()), state: Some("delivered".into()), ..ask() },
                vec![],
                "the state is that recipient's",
            ),
            (Query { recipient: Some("@ACME.example".into()), limit: 2, ..ask() }, vec![19, 18], "a recipient's domain"),
            (Query { recipient: Some("@e.example".into()), ..ask() }, vec![], "not a part of a recipient's domain"),
            (
                Query { recipient: Some("@acme.example".into()), state: Some("held".into()), before: Some(id(9)), ..ask() },
                vec![8, 4, 0],
                "a recipient's domain and a state",
            ),
            (Query { state: Some("bounced".into()), before: Some(id(4)), ..ask() }, vec![3, 2, 1], "bounced"),
            (Query { state: Some("queued".into()), ..ask() }, vec![], "nothing is queued"),
            (
                Query { subject: Some("E 1".into()), since_ms: Some(NOON_MS + 18_000), ..ask() },
                vec![19, 18],
                "a word whose letters databases know",
            ),
            (Query { subject: Some("%".into()), ..ask() }, vec![], "nothing stands for any letter"),
            (Query { state: Some("held".into()), until_ms: Some(NOON_MS + 5_000), ..ask() }, vec![4, 0], "held before a time"),
            (
                Query { subject: Some("GRÖßE 1".into()), since_ms: Some(NOON_MS + 17_000), ..ask() },
                vec![19, 18, 17],
                "a word of the subject, in any case",
            ),
            (Query { message_id: Some("5@sender.example".into()), ..ask() }, vec![5], "a Message-ID without brackets"),
            (Query { message_id: Some("<7@sender.example>".into()), ..ask() }, vec![], "another organisation's Message-ID"),
            (Query { ip: Some("192.0.2.9".parse().expect("an address")), ..ask() }, vec![9], "an address"),
            (Query { verdict: Some("spam".into()), before: Some(id(9)), ..ask() }, vec![6, 3, 0], "a verdict, below a cursor"),
        ] {
            let answer = find(&db, OrgScope::One(ACME), query.clone()).await;
            assert_eq!(mails(&answer), want.into_iter().map(id).collect::<Vec<_>>(), "{}: {why}", database.engine);
            assert_eq!(answer.is_complete, query.limit == 100, "{}: {why}: {:?}", database.engine, answer.incomplete_because);
        }
        assert_eq!(mails(&find(&db, OrgScope::One(OTHER), ask()).await), [id(7)]);
        assert_eq!(find(&db, OrgScope::All, ask()).await.rows.len(), 20, "the operator sees all");
        assert_eq!(find(&db, OrgScope::One(OrgId(99)), ask()).await.rows.len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_recipients_and_goes_on_where_it_ended() {
    for database in databases() {
        let db = open(&database).await;
        for n in 0..7 {
            store_mail(&db, n, ACME, &[("bo@acme.example", "delivered"), ("li@acme.example", "queued")]).await;
        }
        let first = find(&db, OrgScope::One(ACME), Query { limit: 3, ..Query::default() }).await;
        assert_eq!(mails(&first), [id(6), id(5), id(4)]);
        assert!(!first.is_complete && first.incomplete_because[0].contains("more than 3"), "{:?}", first.incomplete_because);
        let states: Vec<_> = first.rows[0].recipients.iter().map(|one| (one.address.as_str(), one.state.as_str(), one.next_ms)).collect();
        assert_eq!(states, [("bo@acme.example", "delivered", None), ("li@acme.example", "queued", Some(0))]);
        assert_eq!((first.rows[0].at_ms, first.rows[0].recipients_count), (NOON_MS + 6_000, 2));
        let before = first.next.expect("a cursor").parse().expect("an identifier");
        let rest = find(&db, OrgScope::One(ACME), Query { before: Some(before), ..Query::default() }).await;
        assert_eq!(mails(&rest), [id(3), id(2), id(1), id(0)]);
        assert!(rest.is_complete && rest.next.is_none());
        let since = find(&db, OrgScope::One(ACME), Query { since_ms: Some(NOON_MS - 1), ..Query::default() }).await;
        assert!(
            !since.is_complete && since.incomplete_because[0].contains("nothing is kept from before"),
            "{:?}",
            since.incomplete_because
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_receipts_are_for_their_own_organisation() {
    for database in databases() {
        let db = open(&database).await;
        let addresses: Vec<(&'static str, &'static str)> = (0..20).map(|_| ("bo@acme.example", "delivered")).collect();
        store_mail(&db, 1, ACME, &addresses).await;
        store_mail(&db, 2, OTHER, &[("x@other.example", "held")]).await;
        for (scope, mail, events, why) in [
            (OrgScope::One(ACME), id(1), 22, "more than one statement takes"),
            (OrgScope::One(ACME), id(2), 0, "another organisation's"),
            (OrgScope::All, id(2), 3, "the operator"),
            (OrgScope::All, MailId(0), 0, "no mail is not a mail"),
        ] {
            let found: Result<_, Error> = db
                .read(move |tx| Box::pin(async move { Ok((events_of(tx, scope, mail).await?, receipt_of(tx, scope, mail).await?)) }))
                .await;
            let (found, receipt) = found.unwrap_or_else(|why| panic!("{why}"));
            assert_eq!((found.len(), receipt.is_some()), (events, events > 0), "{}: {why}", database.engine);
            assert!(found.is_sorted_by_key(|event| event.id.0));
        }
        let receipts: Result<_, Error> =
            db.read(|tx| Box::pin(async move { receipts_after(tx, OrgScope::One(ACME), MailId(0), 10).await })).await;
        assert_eq!(receipts.map(|receipts| receipts.len()), Ok(1), "{}", database.engine);
    }
}

async fn refused(db: &Db, scope: OrgScope, query: RefusalQuery) -> ListBody<api::EventBody> {
    let found: Result<_, Error> = db.read(move |tx| Box::pin(async move { refusals(tx, scope, &query).await })).await;
    found.unwrap_or_else(|why| panic!("{why}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_written_behind_the_session_and_found() {
    for database in databases() {
        let db = open(&database).await;
        let (ids, signals) = (Arc::new(IdMaker::new(1)), Arc::new(Signals::default()));
        let (writer, writing) = EventWriter::start(db.clone(), ids.clone(), signals.clone());
        for n in 0..30i64 {
            let refusal = Refusal {
                ip: format!("192.0.2.{n}"),
                sender: "spammer@bad.example".into(),
                recipients: if n < 10 { vec![] } else { vec!["bo@acme.example".into()] },
                reply: "550 5.7.1 No".repeat(100),
                ..Refusal::default()
            };
            let (org, stage) = if n < 10 { (OrgId(0), Stage::Connect) } else { (ACME, Stage::Content) };
            let mail = if n < 10 { MailId(0) } else { id(n) };
            writer.note(refusal.event(EventId(ids.next(NOON_MS + n)), mail, org, NOON_MS + n, stage));
        }
        drop(writer);
        writing.await.expect("no panic");
        assert_eq!(signals.count(Counter::EventsDropped), 0);
        let ask = || RefusalQuery { limit: 100, ..RefusalQuery::default() };
        for (scope, query, want, why) in [
            (OrgScope::All, ask(), 30, "the operator sees all"),
            (OrgScope::One(ACME), ask(), 20, "an organisation what concerned it"),
            (OrgScope::One(OTHER), ask(), 0, "not what concerned others"),
            (OrgScope::All, RefusalQuery { ip: "192.0.2.5".parse().ok(), ..ask() }, 1, "by address"),
            (OrgScope::All, RefusalQuery { recipient: Some("BO@acme.example".into()), ..ask() }, 20, "by recipient"),
            (
                OrgScope::All,
                RefusalQuery { sender: Some("@bad.example".into()), since_ms: Some(NOON_MS + 25), ..ask() },
                5,
                "by domain and time",
            ),
            (OrgScope::All, RefusalQuery { limit: 7, ..ask() }, 7, "no more than asked for"),
        ] {
            let found = refused(&db, scope, query).await;
            assert_eq!(found.rows.len(), want, "{}: {why}", database.engine);
            assert_eq!(found.is_complete, want != 7, "{}: {why}", database.engine);
        }
        let of_mail: Result<_, Error> = db.read(|tx| Box::pin(events_of(tx, OrgScope::One(ACME), id(20)))).await;
        let of_mail = of_mail.expect("events");
        assert_eq!(of_mail[0].kind, EventKind::ContentRefused);
        let detail: Refusal = serde_json::from_str(&of_mail[0].detail).expect("its JSON");
        assert_eq!((detail.recipients.len(), detail.reply.len()), (1, 320), "long texts are cut");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_written_is_counted_and_said() {
    let database = sqlite();
    let db = open(&database).await;
    let (ids, signals) = (Arc::new(IdMaker::new(1)), Arc::new(Signals::default()));
    let (writer, writing) = EventWriter::start(db.clone(), ids.clone(), signals.clone());
    // Far more than fits, on a runtime that does not get to write meanwhile.
    for n in 0..100_000i64 {
        writer.note(Refusal::default().event(EventId(ids.next(NOON_MS)), MailId(0), OrgId(0), NOON_MS + n / 1_000, Stage::Connect));
    }
    let dropped = signals.count(Counter::EventsDropped);
    drop(writer);
    writing.await.expect("no panic");
    assert!(dropped > 0, "the bound holds");
    let found = refused(&db, OrgScope::All, RefusalQuery { limit: 10, ..RefusalQuery::default() }).await;
    assert!(!found.is_complete);
    let all = find_not_recorded(&db).await;
    assert_eq!(all, dropped as i64, "every one that was dropped is accounted for");
}

async fn find_not_recorded(db: &Db) -> i64 {
    let rows: Result<_, Error> =
        db.read(|tx| Box::pin(async move { tx.rows("SELECT detail FROM event WHERE kind = 'not-recorded'", vec![]).await })).await;
    let count = |detail: &str| serde_json::from_str::<serde_json::Value>(detail).expect("JSON")["count"].as_i64().expect("a number");
    rows.expect("rows").iter().map(|row| count(row.text(0).expect("text"))).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_is_forgotten_and_what_is_owed_stays() {
    for database in databases() {
        let db = open(&database).await;
        for n in 0..450 {
            store_mail(&db, n, ACME, &[("bo@acme.example", if n == 5 { "held" } else { "delivered" })]).await;
        }
        let old = event(MailId(0), OrgId(0), EventKind::ConnectionRefused, "");
        let written: Result<(), Error> = db.tx(|tx| Box::pin(async move { insert(tx, &[old]).await })).await;
        written.expect("writes");
        assert_eq!(expire(&db, NOON_MS + 440_000).await, Ok(440), "{}: 439 mails, one refusal", database.engine);
        assert_eq!(expire(&db, NOON_MS + 440_000).await, Ok(0));
        let left = find(&db, OrgScope::All, Query::default()).await;
        assert_eq!((left.rows.len(), left.rows[10].mail), (11, id(5)), "{}", database.engine);
        let report = balance::check(&db, None, 0, NOON_MS + 1_000_000).await.expect("a report");
        assert!(report.adds_up, "{}: {:?}", database.engine, report.problems);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_balance_adds_up_and_says_what_does_not() {
    let states = ["delivered", "bounced", "held", "queued", "deleted", "expired"];
    for database in databases() {
        let db = open(&database).await;
        for n in 0..30i64 {
            let (first, second) = (states[n as usize % 6], states[n as usize % 5]);
            store_mail(&db, n, if n < 20 { ACME } else { OTHER }, &[("bo@acme.example", first), ("li@acme.example", second)]).await;
        }
        let report = balance::check(&db, None, NOON_MS, NOON_MS + 30_000).await.expect("a report");
        assert!(report.adds_up, "{}: {:?}", database.engine, report.problems);
        assert_eq!((report.mails, report.total.accepted, report.total.accounted()), (30, 60, 60));
        assert_eq!(report.total, Account { accepted: 60, delivered: 11, bounced: 11, held: 11, queued: 11, deleted: 11, expired: 5 });
        assert_eq!(report.organisations[&OTHER].accepted, 20);
        let half = balance::check(&db, None, NOON_MS + 5_000, NOON_MS + 10_000).await.expect("a report");
        assert_eq!((half.mails, half.adds_up), (5, true), "{}", database.engine);

        for (spoil, mend, finds) in [
            (
                "UPDATE mail SET recipients = 3 WHERE octets = 1000 AND subject = 'Größe 1'",
                "UPDATE mail SET recipients = 2",
                "recipients-missing",
            ),
            (
                "UPDATE recipient SET state = 'delivered' WHERE state = 'held'",
                "UPDATE recipient SET state = 'held' WHERE state = 'never'",
                "events-differ",
            ),
            (
                "UPDATE recipient SET state = 'lost' WHERE state = 'expired'",
                "UPDATE recipient SET state = 'expired' WHERE state = 'lost'",
                "unknown-state",
            ),
            ("DELETE FROM body", "DELETE FROM body", "body-missing"),
        ] {
            run(&db, spoil).await;
            let report = balance::check(&db, None, 0, NOON_MS + 1_000_000).await.expect("a report");
            let json = serde_json::to_string(&report.problems).expect("JSON");
            assert!(!report.adds_up && json.contains(finds), "{}: {finds}: {json}", database.engine);
            run(&db, mend).await;
        }
        run(&db, "DELETE FROM event WHERE kind = 'bounced'").await;
        let report = balance::check(&db, None, 0, NOON_MS + 1_000_000).await.expect("a report");
        assert!(
            report
                .problems
                .iter()
                .any(|problem| matches!(problem, Problem::EventsDiffer { state, rows: 1, events: 0, .. } if state == "bounced"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_balance_compares_files_with_the_rows_that_name_them() {
    for database in databases() {
        let db = open(&database).await;
        let bodies = Bodies::open(&database.folder.path().join("bodies")).expect("opens");
        for n in 0..4 {
            store_mail(&db, n, ACME, &[("bo@acme.example", "held")]).await;
        }
        let names: Vec<String> = (0..4).map(|n| bodies::name(id(n).0)).collect();
        for (n, name) in names.iter().enumerate() {
            let (mail, place) = (id(n as i64), name.clone());
            let named: Result<u64, Error> = db
                .tx(move |tx| Box::pin(async move { tx.run("UPDATE body SET place = $1 WHERE mail = $2", args![place, mail.0]).await }))
                .await;
            named.expect("names a file");
            bodies.put(name, &bytes::Bytes::from_static(b"x")).await.expect("puts");
        }
        let until = NOON_MS + 10_000_000;
        assert!(balance::check(&db, Some(&bodies), 0, until).await.expect("a report").adds_up, "{}", database.engine);
        bodies.remove(&names[1]).await.expect("removes");
        run(&db, "DELETE FROM body WHERE mail = (SELECT max(mail) FROM body)").await;
        let report = balance::check(&db, Some(&bodies), 0, until).await.expect("a report");
        assert!(report.problems.contains(&Problem::BodyMissing { mail: id(1) }), "{}: {:?}", database.engine, report.problems);
        assert!(report.problems.contains(&Problem::BodyMissing { mail: id(3) }), "owed, and no row for its body");
        assert!(report.problems.contains(&Problem::FileOrphaned { name: names[3].clone() }));
        assert_eq!(report.problems_count, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_uses_the_indexes_that_were_made_for_these_questions() {
    let database = sqlite();
    let db = open(&database).await;
    for (sql, uses) in [
        (
            "SELECT m.id FROM mail m WHERE m.id < 1 AND m.id >= 0 AND m.org = 1 ORDER BY m.id DESC LIMIT 1 OFFSET 9",
            "COVERING INDEX mail_org",
        ),
        (
            "SELECT m.id, m.subject FROM mail m WHERE m.id < 1 AND m.id >= 0 AND m.org = 1 AND m.sender = 's' ORDER BY m.id DESC",
            "COVERING INDEX mail_org",
        ),
        (
            "SELECT r.mail FROM recipient r WHERE r.mail < 1 AND r.mail >= 0 AND r.org = 1 AND r.address = 'a' ORDER BY r.mail DESC",
            "INDEX recipient_address",
        ),
        (
            &format!("SELECT mail FROM recipient r WHERE {IS_REST} AND r.state = 'held' AND r.mail < 9 AND r.org = 1 ORDER BY r.mail DESC"),
            "recipient_rest_org",
        ),
        (&format!("SELECT mail FROM recipient r WHERE {IS_REST} AND r.state = $1 ORDER BY r.mail DESC"), "INDEX recipient_rest "),
        (
            &format!("SELECT mail FROM recipient r WHERE {IS_REST} AND r.state = 'held' AND r.mail < 9 AND r.org = 1 AND r.address = 'a'"),
            "INDEX recipient_held_address",
        ),
        ("SELECT r.mail FROM recipient r WHERE +r.mail < 9 AND r.org = 1 AND r.state = 'queued'", "INDEX recipient_queued"),
        ("SELECT mail FROM recipient r WHERE r.state = 'held' AND r.next_ms <= 5 ORDER BY r.next_ms", "INDEX recipient_held_until"),
        (&format!("SELECT id FROM event WHERE {IS_REFUSAL} AND id >= 1 AND id < 2 ORDER BY id DESC LIMIT 3"), "INDEX event_refused"),
    ] {
        let explained = format!("EXPLAIN QUERY PLAN {}", sql.replace("$1", "'held'"));
        let plan: Result<_, Error> = db.read(move |tx| Box::pin(async move { tx.rows(&explained, vec![]).await })).await;
        let plan: Vec<String> = plan.expect("a plan").iter().map(|row| row.text(3).expect("text").to_string()).collect();
        assert!(plan.iter().any(|step| step.contains(uses)), "{sql}: {plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY")), "{sql}: {plan:?}");
    }
}

#[test]
fn kinds_read_back_and_refusals_have_theirs() {
    for kind in EventKind::ALL {
        assert_eq!(EventKind::parse(kind.name()), Some(*kind));
    }
    let schema = MIGRATIONS[0].sql;
    for stage in
        [Stage::Connect, Stage::Helo, Stage::StartTls, Stage::Auth, Stage::Sender, Stage::Recipient, Stage::Content, Stage::Protocol]
    {
        assert!(schema.contains(&format!("'{}'", EventKind::of_refusal(stage).name())), "the index on refusals has {stage:?}");
    }
}

#[test]
fn identifiers_tell_their_time() {
    let ids = IdMaker::new(31);
    for at_ms in [0, 1, NOON_MS] {
        let made = MailId(ids.next(at_ms));
        assert!(time_of(made) >= at_ms);
    }
    assert_eq!((time_of(first_id_at(NOON_MS)), first_id_at(-5), first_id_at(i64::MAX).0 > 0), (NOON_MS, MailId(0), true));
    let ids = IdMaker::new(7);
    assert_eq!(time_of(MailId(ids.next(NOON_MS))), NOON_MS, "the layout of mail::id");
}
