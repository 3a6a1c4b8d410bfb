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
    let found: Result<Vec<Row>, Error> = feedback.db.read(move |tx| Box::pin(async move { rows(tx, scope, None, 10).await })).await;
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
    for (org, want) in [(ACME, Some(mail)), (OTHER, None)] {
        let known = feedback.take_about(report(org, "bo@acme.example", Label::Spam), Some(mail)).await.expect("taken");
        assert_eq!(known.mail, want, "{org}: of a message without our line on it");
    }
}

/// Mail of several kinds, with a word about each; a tenth of the words are slips, and one message comes twice.
fn stream() -> Vec<(Bytes, Label)> {
    let kinds = [
        (Label::Spam, "Garden furniture, teak and oak, delivered free this week only; order now and save half of the price"),
        (Label::Ham, "The minutes of the works council are attached, please send corrections to me before Thursday noon"),
        (Label::Phish, "Your mailbox is full and will be closed today, confirm your password here to keep your messages"),
        (Label::Bulk, "Our news of the month: three talks about bees, the new reading room and the summer fair"),
    ];
    let mail = |at: usize| {
        let (label, text) = kinds[at % kinds.len()];
        let label = if at % 10 == 3 { Label::Ham } else { label };
        let number = if at == 30 { 26 } else { at };
        let octets = format!("From: s{number}@x.example\r\nSubject: Number {number}\r\n\r\n{text}. Reference {}.\r\n", number * 7_919);
        (Bytes::from(octets), label)
    };
    (0..60).map(mail).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_measured_is_what_ships() {
    for database in databases() {
        let feedback = open(&database).await;
        let online = detect::eval::Online { reports: true, ..Default::default() };
        let mut measured = detect::eval::Filter::new(online, Some(&feedback.model));
        let mut last = None;
        for (turn, (octets, label)) in stream().into_iter().enumerate() {
            let message = Message::parse(octets.clone(), &Budget::default());
            let deltas = feedback.deltas.of(ACME, None);
            let deltas: Vec<&Delta> = deltas.iter().map(AsRef::as_ref).collect();
            // As the mail path judges, and as `gatepost eval --online --reports` does.
            let judged = feedback.model.score_with(&message, &deltas);
            assert_eq!(judged, measured.judge_then_learn(octets.clone(), label), "{} mail {turn}", database.engine);
            let reporter = detect::eval::reporter(turn + 1);
            let taken = feedback.take(Report { org: ACME, reporter, label, octets, now_ms: NOON_MS + turn as i64 }).await.expect("taken");
            last = Some((judged, taken));
        }
        let (judged, taken) = last.expect("there were mails");
        assert_eq!(judged, taken.before, "a report shows the opinion that the mail path had");
        assert_ne!(taken.before, feedback.model.score(&Message::parse(stream()[59].0.clone(), &Budget::default())), "it did learn");

        // A node that starts reads the same from the table.
        let elsewhere = Deltas::default();
        elsewhere.refresh(&feedback.db).await;
        assert_eq!(elsewhere.of(ACME, None), feedback.deltas.of(ACME, None));
        feedback.db.clone().close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_taken_back_leaves_what_others_said() {
    for database in databases() {
        let (with, without) = (open(&database).await, OTHER);
        for (turn, (octets, label)) in stream().into_iter().take(24).enumerate() {
            for org in [ACME, without] {
                let reporter = format!("p{}@x.example", turn % 5);
                let report = Report { org, reporter, label, octets: octets.clone(), now_ms: NOON_MS };
                with.take(report).await.expect("taken");
            }
        }
        let octets = stream()[6].0.clone();
        let now = |label| Report { org: ACME, reporter: "eve@x.example".into(), label, octets: octets.clone(), now_ms: NOON_MS };
        with.take(now(Label::Ham)).await.expect("one against one: the later word");
        let changed = with.take(now(Label::Bulk)).await.expect("she thinks again");
        assert_ne!(with.deltas.of(ACME, None), with.deltas.of(without, None));
        let removed = with.remove(OrgScope::One(ACME), changed.id.expect("is new")).await.expect("removed");
        assert_eq!(removed.label, Label::Bulk);
        let (left, never) = (with.deltas.of(ACME, None), with.deltas.of(without, None));
        for (octets, _) in stream() {
            let message = Message::parse(octets, &Budget::default());
            let of = |deltas: &[Arc<Delta>]| with.model.score_with(&message, &deltas.iter().map(AsRef::as_ref).collect::<Vec<_>>());
            assert_eq!(of(&left), of(&never), "{}: as if she had never spoken", database.engine);
        }
        assert!(with.deltas.of(ACME, Some("eve@x.example")).iter().any(|delta| delta.is_empty()), "nor is anything left of her own");
        with.db.clone().close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_begun_anew() {
    for database in databases() {
        let feedback = open(&database).await;
        let damaged = feedback.db.tx(|tx| Box::pin(async move { sql::put_delta(tx, (ACME, ""), 0, Bytes::from_static(b"rust")).await }));
        assert!(Result::<bool, Error>::expect(damaged.await, "writes"));
        let taken = feedback.take(report(ACME, "ann@acme.example", Label::Spam)).await.expect("taken all the same");
        assert!(taken.after.spam_log_odds > taken.before.spam_log_odds, "{}", database.engine);
        feedback.db.clone().close();
    }
}

/// What feedback reads of a receipt.
const RECEIPT: &str = r#"{"version":1,"behind":{"address":"192.0.2.1","domain":null,"signers":[],"author":null}}"#;
