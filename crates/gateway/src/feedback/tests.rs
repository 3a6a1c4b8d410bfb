use super::*;
use crate::MIGRATIONS;
use store::DbSettings;
use testkit::postgres::{Database, databases};

const NOON_MS: i64 = 1_795_000_000_000;
const ACME: OrgId = OrgId(11);
const OTHER: OrgId = OrgId(12);
const LETTER: &str = "From: Garden Club <news@garden.example>\r\nSubject: Seeds for the spring\r\nContent-Type: text/plain\r\n\r\n\
    Dear members, the seeds that you ordered have come. Tulips, poppies and marigolds wait for you in the shed behind the club house \
    on Saturday between nine and noon. Bring a box. We also need three people who help to carry the soil. Yours, the committee\r\n";

async fn open(database: &Database) -> Feedback {
    let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
    let db = Db::open(&settings, MIGRATIONS).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
    Feedback {
        db: db.clone(),
        ids: Arc::new(IdMaker::new(1)),
        model: Model::built_in(),
        deltas: Deltas::default(),
        reputation: Reputation::start(db),
    }
}

fn report(org: OrgId, reporter: &str, label: Label) -> Report {
    Report { org, reporter: reporter.into(), label, octets: Bytes::from_static(LETTER.as_bytes()), now_ms: NOON_MS }
}

async fn listed(feedback: &Feedback, scope: OrgScope) -> Vec<(String, Label)> {
    let found: Result<Vec<Row>, Error> = feedback.db.read(move |tx| Box::pin(async move { rows(tx, scope, 10).await })).await;
    found.expect("lists").into_iter().map(|row| (row.reporter, row.label)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_moves_the_opinion_of_its_organisation_alone_once_and_can_be_taken_back() {
    for database in databases() {
        let feedback = open(&database).await;
        let first = feedback.take(report(ACME, "ann@acme.example", Label::Spam)).await.expect("taken");
        assert!(first.after.spam_log_odds > first.before.spam_log_odds + 0.5, "{}: {first:?}", database.engine);
        let again = feedback.take(report(ACME, "ann@acme.example", Label::Spam)).await.expect("taken");
        assert_eq!((again.id, again.after), (None, first.after), "the same report again changes nothing");
        let other = feedback.take(report(OTHER, "eve@other.example", Label::Ham)).await.expect("taken");
        assert_eq!(other.before, first.before, "another organisation begins with the shipped model");

        assert_eq!(feedback.deltas.of(ACME, None).len(), 1);
        assert_eq!(feedback.deltas.of(ACME, Some("ann@acme.example")).len(), 2, "the organisation's and her own");
        assert_eq!(feedback.deltas.of(ACME, Some("bo@acme.example")).len(), 1);
        assert_eq!(listed(&feedback, OrgScope::One(ACME)).await, [("ann@acme.example".into(), Label::Spam)]);
        assert_eq!(listed(&feedback, OrgScope::All).await.len(), 2);

        let id = first.id.expect("is new");
        let denied = feedback.remove(OrgScope::One(OTHER), id).await;
        assert!(matches!(denied, Err(FeedbackError::NoReport(_))), "not theirs");
        feedback.remove(OrgScope::One(ACME), id).await.expect("removed");
        let after = feedback.take(report(ACME, "bo@acme.example", Label::Phish)).await.expect("taken");
        assert_eq!(after.before, first.before, "nothing of it is left");
        feedback.db.clone().close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_later_word_counts_and_another_node_hears_of_it() {
    for database in databases() {
        let feedback = open(&database).await;
        let junk = feedback.take(report(ACME, "ann@acme.example", Label::Spam)).await.expect("taken");
        let good = feedback.take(report(ACME, "ann@acme.example", Label::Ham)).await.expect("taken");
        assert!(good.after.spam_log_odds < junk.after.spam_log_odds);
        assert_eq!(listed(&feedback, OrgScope::One(ACME)).await, [("ann@acme.example".into(), Label::Ham)], "one report, changed");
        let elsewhere = Deltas::default();
        elsewhere.refresh(&feedback.db).await;
        assert_eq!(elsewhere.of(ACME, Some("ann@acme.example")), feedback.deltas.of(ACME, Some("ann@acme.example")));
        feedback.db.clone().close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_id_is_believed_only_within_its_organisation() {
    let database = testkit::postgres::sqlite();
    let feedback = open(&database).await;
    let mail = crate::trace::first_id_at(NOON_MS);
    let known: Result<(), Error> = feedback
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, \
                           envelope) VALUES ($1, 11, 'inbound', '192.0.2.1', '', 's@x.example', '', '', 60, 1, 'clean', $2, '{}')";
                tx.run(sql, store::args![mail.0, RECEIPT]).await.map(drop)
            })
        })
        .await;
    known.expect("inserts");
    let octets = Bytes::from(format!("X-Gatepost-Report: id={mail}; verdict=clean;\r\n\tscl=1\r\n{LETTER}"));
    for (org, want) in [(ACME, Some(mail)), (OTHER, None)] {
        let taken = feedback.take(Report { octets: octets.clone(), ..report(org, "ann@acme.example", Label::Spam) }).await.expect("taken");
        assert_eq!(taken.mail, want, "{org}");
    }
    let events = feedback.db.read(move |tx| Box::pin(async move { tx.rows("SELECT kind FROM event", vec![]).await })).await.expect("reads");
    assert_eq!(events.len(), 1, "the trace of the mail says that it was reported");
}

/// What feedback reads of a receipt.
const RECEIPT: &str = r#"{"version":1,"behind":{"address":"192.0.2.1","domain":null,"signers":[],"author":null}}"#;
