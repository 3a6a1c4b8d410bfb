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
    for junk_only in [false, true] {
        for database in databases() {
            measured_and_shipped(&database, junk_only).await;
        }
    }
}

async fn measured_and_shipped(database: &Database, junk_only: bool) {
    let feedback = open(database).await;
    let online = detect::eval::Online { reports: true, junk_only, ..Default::default() };
    let mut measured = detect::eval::Filter::new(online, Some(&feedback.model));
    let mut reports = 0;
    for (turn, (octets, label)) in stream().into_iter().enumerate() {
        // One mail in each span is what the evaluation takes for usual.
        let now_ms = NOON_MS + turn as i64 * usual::SPAN_MS;
        let message = Message::parse(octets.clone(), &Budget::default());
        let deltas = feedback.deltas.of(ACME, None);
        let deltas: Vec<&Delta> = deltas.iter().map(AsRef::as_ref).collect();
        // As the mail path judges, and as `gatepost eval --online --reports` does.
        let judged = feedback.model.score_with(&message, &deltas);
        assert_eq!(judged, measured.judge_then_learn(octets.clone(), label), "{} mail {turn}, {junk_only}", database.engine);
        feedback.deltas.usual.see(ACME, &message, &feedback.model, now_ms);
        feedback.deltas.usual.flush(&feedback.db).await;
        if label.is_junk() || !junk_only {
            reports += 1;
            let reporter = detect::eval::reporter(reports);
            let taken = feedback.take(Report { org: ACME, reporter, label, octets, now_ms }).await.expect("taken");
            assert_eq!(judged, taken.before, "a report shows the opinion that the mail path had");
        }
    }
    let message = Message::parse(stream()[58].0.clone(), &Budget::default());
    let deltas = feedback.deltas.of(ACME, None);
    let taught: Vec<&Delta> = deltas.iter().map(AsRef::as_ref).collect();
    assert_ne!(feedback.model.score_with(&message, &taught), feedback.model.score(&message), "it did learn");

    // A node that starts reads the same from the table.
    let elsewhere = Deltas::default();
    elsewhere.refresh(&feedback.db).await;
    assert_eq!(elsewhere.of(ACME, None), deltas);
    feedback.db.clone().close();
}

/// How many mails are kept as usual of each organisation, and when the oldest of them came.
async fn kept(feedback: &Feedback) -> Vec<(OrgId, i64, i64)> {
    let sql = "SELECT org, count(*), min(at_ms) FROM usual_mail GROUP BY org ORDER BY org";
    let rows = feedback.db.read(move |tx| Box::pin(async move { tx.rows(sql, vec![]).await })).await.expect("reads");
    let int = |row: &store::Row, at| row.int(at).expect("a number");
    rows.iter().map(|row| (OrgId(int(row, 0)), int(row, 1), int(row, 2))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_mail_is_usual_one_of_each_span_and_nothing_of_another_organisation() {
    const SPANS: i64 = detect::classify::delta::USUAL_MAX as i64;
    for database in databases() {
        let feedback = open(&database).await;
        let message = Message::parse(stream()[1].0.clone(), &Budget::default());
        let see = async |org, now_ms| {
            feedback.deltas.usual.see(org, &message, &feedback.model, now_ms);
            feedback.deltas.usual.flush(&feedback.db).await;
        };
        let start_ms = NOON_MS.div_euclid(usual::SPAN_MS) * usual::SPAN_MS;
        for second in [0, 1, 200] {
            see(ACME, start_ms + second * 1_000).await;
        }
        see(OTHER, start_ms + 5_000).await;
        assert_eq!(
            kept(&feedback).await,
            [(ACME, 1, start_ms), (OTHER, 1, start_ms + 5_000)],
            "{}: the first of its span",
            database.engine
        );
        for span in 1..SPANS + 10 {
            see(ACME, start_ms + span * usual::SPAN_MS).await;
        }
        let tenth_ms = start_ms + 10 * usual::SPAN_MS;
        assert_eq!(kept(&feedback).await, [(ACME, SPANS, tenth_ms), (OTHER, 1, start_ms + 5_000)], "today's in place of yesterday's");

        let found = feedback.db.read(move |tx| Box::pin(async move { sql::usual(tx, OTHER).await })).await;
        assert_eq!(Result::<Vec<_>, Error>::expect(found, "reads").len(), 1, "each has its own");
        let damage = feedback
            .db
            .tx(|tx| Box::pin(async move { tx.run("UPDATE usual_mail SET octets = $1", store::args![Bytes::from_static(b"rust")]).await }));
        assert_eq!(damage.await.expect("writes"), SPANS as u64 + 1);
        feedback.take(report(ACME, "ann@acme.example", Label::Spam)).await.expect("what cannot be read is none of it");

        let later_ms = tenth_ms + usual::FORGET_AFTER_MS;
        assert_eq!(expire(&feedback.db, later_ms).await.expect("forgets"), 1, "where no mail comes any more");
        assert_eq!(kept(&feedback).await, [(ACME, SPANS, tenth_ms)]);
        feedback.db.clone().close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_junk_alone_do_not_condemn_the_mail_of_a_place() {
    let wanted = |at: usize| stream()[at * 4 + 1].0.clone();
    let moved = async |is_seen: bool| {
        let database = testkit::postgres::sqlite();
        let feedback = open(&database).await;
        let footer = "\r\n-- \r\nThe office of the Garden Suburb Society, Elm Road, open on weekdays from nine to five, post box 12, telephone 555-0100\r\n";
        let with_footer = |octets: &[u8]| Bytes::from([octets, footer.as_bytes()].concat());
        for turn in 0..14 {
            let message = Message::parse(with_footer(&wanted(turn)), &Budget::default());
            if is_seen {
                feedback.deltas.usual.see(ACME, &message, &feedback.model, NOON_MS + turn as i64 * usual::SPAN_MS);
                feedback.deltas.usual.flush(&feedback.db).await;
            }
            let octets = with_footer(&stream()[turn * 4].0);
            let report = Report { org: ACME, reporter: format!("p{turn}@x.example"), label: Label::Spam, octets, now_ms: NOON_MS };
            feedback.take(report).await.expect("taken");
        }
        let letter = Message::parse(with_footer(&wanted(14)), &Budget::default());
        let deltas = feedback.deltas.of(ACME, None);
        let before = feedback.model.score(&letter).spam_log_odds;
        let moved = feedback.model.score_with(&letter, &deltas.iter().map(AsRef::as_ref).collect::<Vec<_>>()).spam_log_odds - before;
        feedback.db.close();
        moved
    };
    let (alone, seen) = (moved(false).await, moved(true).await);
    assert!(alone > 0.5 && seen < alone / 2.0, "{alone} log-odds of junk without a sample of what comes, {seen} with it");
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
