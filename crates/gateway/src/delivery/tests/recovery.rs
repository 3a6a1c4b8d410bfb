//! Nothing that was accepted is lost: restarts, dead nodes, other processes, full memory.

use super::*;
use crate::scope::OrgScope;
use testkit::postgres::databases;
use testkit::sink::{Fault, SinkSettings};

#[tokio::test]
async fn what_was_committed_and_never_started_is_delivered_after_a_restart() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::default()).await;
        let (db, bodies) = (open_db(&database).await, Bodies::open(&database.folder.path().join("bodies")).expect("a folder"));
        let ids = IdMaker::new(1);
        let gate_of_before = |id| Accepted {
            id: MailId(id),
            org: OrgId(7),
            at_ms: now_ms(),
            sender: "sender@example.org".into(),
            extras: EnvelopeExtras::default(),
            octets: Bytes::from_static(MESSAGE.as_bytes()),
            recipients: vec![recipient(0, "a@example.net"), recipient(1, "b@example.net")],
        };
        let mails: Vec<Accepted> = (0..20).map(|_| gate_of_before(ids.next(now_ms()))).collect();
        for mail in &mails {
            insert(&db, &bodies, mail).await;
        }
        db.close();
        let gate = Setup::to(&sink).open(&database).await;
        for mail in &mails {
            gate.settles(mail.id, &["delivered"; 2], database.engine).await;
        }
        assert_eq!(sink.count(), mails.len(), "each once");
        gate.close().await;
    }
}

#[tokio::test]
async fn rows_of_a_dead_node_are_taken_over_when_their_lease_ends() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::default()).await;
        let gate = Setup::to(&sink).open(&database).await;
        let other = IdMaker::new(9);
        let mut mail = gate.mail(&["a@example.net"]);
        mail.id = MailId(other.next(now_ms()));
        gate.insert(&mail).await;
        tokio::time::sleep(Duration::from_millis(1_200)).await; // at least one look at the table
        assert_eq!(gate.rows(mail.id).await[0], ("queued".into(), 0, String::new()), "it is leased by another node");
        gate.run("UPDATE recipient SET next_ms = 1, lease_ms = 1 WHERE mail = $1", mail.id).await;
        gate.queue.look();
        gate.settles(mail.id, &["delivered"], database.engine).await;
        gate.close().await;
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_holds_up_nothing_but_itself() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::default()).await;
        let gate = Setup::to(&sink).open(&database).await;
        let other = IdMaker::new(9); // their rows are leased until below
        let [bad, good] = [0, 1].map(|_| Accepted { id: MailId(other.next(now_ms())), ..gate.mail(&["a@example.net"]) });
        gate.insert(&bad).await;
        gate.insert(&good).await;
        gate.run("UPDATE recipient SET dsn = 'no JSON' WHERE mail = $1", bad.id).await;
        for mail in [&bad, &good] {
            gate.run("UPDATE recipient SET next_ms = 1, lease_ms = 1 WHERE mail = $1", mail.id).await;
        }
        gate.queue.look();
        gate.settles(good.id, &["delivered"], database.engine).await;
        let wrong = gate.db.read(|tx| Box::pin(async move { queue::unreadable(tx, 100).await })).await.expect("rows are read");
        assert!(matches!(wrong.as_slice(), [only] if only.starts_with(&bad.id.to_string())), "{wrong:?}");
        assert_eq!(gate.rows(bad.id).await[0].0, "queued", "it is not lost");
        gate.close().await;
    }
}

#[tokio::test]
async fn held_mail_is_delivered_once_another_process_releases_it() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::default()).await;
        let gate = Setup::to(&sink).open(&database).await;
        let mut mail = gate.mail(&["a@example.net", "b@example.net", "c@example.net"]);
        mail.recipients[0].fate = Fate::Held { until_ms: now_ms() + 86_400_000 };
        mail.recipients[1].fate = Fate::Deleted;
        let id = gate.send(mail).await;
        gate.settles(id, &["held", "deleted", "delivered"], database.engine).await;
        assert_eq!(gate.count("SELECT count(*) FROM body").await, 1, "the held one needs it");
        gate.run("UPDATE recipient SET state = 'queued', next_ms = 0 WHERE mail = $1 AND state = 'held'", id).await;
        gate.settles(id, &["delivered", "deleted", "delivered"], database.engine).await;
        assert_eq!((sink.count(), gate.count("SELECT count(*) FROM body").await), (2, 0));
        gate.close().await;
    }
}

#[tokio::test]
async fn large_bodies_lie_in_files_and_go_with_the_last_recipient() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::default()).await;
        let gate = Setup::to(&sink).unhurried().open(&database).await;
        let mut mail = gate.mail(&["a@example.net", "b@example.net"]);
        mail.octets = format!("Subject: big\r\n\r\n{}", "0123456789abcdef\r\n".repeat(60_000)).into();
        mail.recipients[1].edits.headers = "X-Edit: yes\r\n".into();
        let name = store::bodies::name(mail.id.0);
        let octets = mail.octets.clone();
        let id = gate.send(mail).await;
        gate.settles(id, &["delivered"; 2], database.engine).await;
        assert!(sink.taken().iter().any(|taken| taken.octets == octets));
        let began = Instant::now();
        while gate.bodies.read(&name).await.expect("the folder is readable").is_some() {
            assert!(began.elapsed() < PATIENCE, "the file is removed");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        gate.close().await;
    }
}

#[tokio::test]
async fn a_connection_lost_after_the_data_brings_at_most_a_traced_duplicate() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::with(Fault::TakeAndClose)).await;
        let gate = Setup::to(&sink).open(&database).await;
        let id = gate.send(gate.mail(&["a@example.net"])).await;
        gate.settles(id, &["delivered"], database.engine).await;
        assert_eq!(sink.count(), 2);
        assert_eq!(gate.events(id).await, ["deferred", "delivered"], "the trace shows that it may have arrived before");
        gate.close().await;
    }
}

#[tokio::test]
async fn a_small_memory_delivers_everything() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::default()).await;
        let mut setup = Setup::to(&sink);
        (setup.queue.window_max, setup.queue.memory_octets_max) = (40, 8_192);
        let gate = setup.open(&database).await;
        let mut ids = Vec::new();
        for _ in 0..60 {
            ids.push(gate.send(gate.mail(&["a@example.net", "b@example.net"])).await);
            assert!(gate.queue.in_memory() <= 40);
        }
        for id in ids {
            gate.settles(id, &["delivered"; 2], database.engine).await;
        }
        let recipients: usize = sink.taken().iter().map(|taken| taken.recipients.len()).sum();
        assert_eq!(recipients, 120, "each once");
        gate.close().await;
    }
}

#[tokio::test]
async fn a_stopped_queue_leaves_its_rows_to_others_at_once() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::with(Fault::Stall("MAIL"))).await;
        let mut setup = Setup::to(&sink);
        setup.connector.connections_max = 1;
        let gate = setup.open(&database).await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(gate.send(gate.mail(&["a@example.net"])).await);
        }
        until("the first one is being sent", || sink.heard().iter().any(|line| line.starts_with("MAIL"))).await;
        gate.close().await;
        let sink = Sink::start(SinkSettings::default()).await;
        let mut setup = Setup::to(&sink);
        setup.node = 2;
        let gate = setup.open(&database).await;
        for id in ids {
            gate.settles(id, &["delivered"], database.engine).await;
        }
        gate.close().await;
    }
}

#[tokio::test]
async fn people_can_hurry_and_cancel() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::with(Fault::TemporaryRcpt(2))).await;
        let gate = Setup::to(&sink).patient().open(&database).await;
        let (one, two) = (gate.send(gate.mail(&["a@example.net"])).await, gate.send(gate.mail(&["b@example.net"])).await);
        gate.settles(one, &["queued"], "greylisted").await;
        gate.settles(two, &["queued"], "greylisted").await;
        let (scope, other) = (OrgScope::One(OrgId(7)), OrgScope::One(OrgId(8)));
        let ids = gate.ids.clone();
        let changed = gate.db.tx(move |tx| {
            Box::pin(async move {
                let denied = (queue::retry_now(tx, other, one, 1, &ids).await?, queue::cancel(tx, other, two, 1, &ids).await?);
                assert_eq!(denied, (vec![], vec![]), "another organisation's mail");
                let hurried = queue::retry_now(tx, scope, one, now_ms(), &ids).await?;
                Ok::<_, Error>((hurried, queue::cancel(tx, scope, two, now_ms(), &ids).await?))
            })
        });
        assert_eq!(changed.await, Ok((vec!["a@example.net".to_string()], vec!["b@example.net".to_string()])));
        gate.settles(one, &["delivered"], database.engine).await;
        assert_eq!(gate.rows(two).await[0].0, "deleted");
        assert!(gate.events(two).await.contains(&"cancelled".to_string()));
        assert_eq!((sink.count(), gate.count("SELECT count(*) FROM body").await), (1, 0));
        gate.close().await;
    }
}
