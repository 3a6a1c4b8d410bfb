//! What senders are told.

use super::*;
use mail::report::dsn;
use testkit::postgres::{databases, sqlite};
use testkit::sink::{Fault, SinkSettings, Taken};

/// The notices a sink took, read back.
fn notices(sink: &Sink) -> Vec<(Taken, dsn::Report)> {
    let notices = sink.taken().into_iter().filter(|taken| taken.mail.starts_with("MAIL FROM:<>"));
    notices.map(|taken| (taken.clone(), dsn::parse(&taken.octets).expect("a delivery report"))).collect()
}

fn action(report: &dsn::Report) -> String {
    let recipient = &report.recipients[0];
    format!("{} {}", recipient.action.clone().unwrap_or_default(), recipient.final_recipient.clone().unwrap_or_default())
}

#[tokio::test]
async fn a_sender_hears_once_that_mail_came_back() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::default()).await;
        let gate = Setup::to(&sink).open(&database).await;
        let mut mail = gate.mail(&["refused@example.net", "bo@example.net"]);
        mail.extras.language = "zh-CN".into();
        let id = gate.send(mail).await;
        gate.settles(id, &["bounced", "delivered"], database.engine).await;
        until("the notice arrives", || notices(&sink).len() == 1).await;
        let (taken, report) = notices(&sink).remove(0);
        assert_eq!(taken.recipients, ["RCPT TO:<sender@example.org>"]);
        assert_eq!(action(&report), "failed refused@example.net");
        assert_eq!(report.recipients.len(), 1);
        let count = gate.count("SELECT count(*) FROM mail").await;
        assert_eq!(count, 2, "the notice has an account of its own");
        gate.close().await;
    }
}

#[tokio::test]
async fn nobody_hears_what_he_did_not_wish_to_hear() {
    let never = DsnWish { given: true, ..DsnWish::default() };
    let sink = Sink::start(SinkSettings::default()).await;
    let database = sqlite();
    let gate = Setup::to(&sink).open(&database).await;
    let (mut from_nobody, mut notice, mut unwanted) =
        (gate.mail(&["refused@example.net"]), gate.mail(&["refused@example.net"]), gate.mail(&["refused@example.net"]));
    from_nobody.sender = String::new();
    notice.extras.is_notice = true;
    unwanted.recipients[0].dsn = never;
    for mail in [from_nobody, notice, unwanted] {
        let id = gate.send(mail).await;
        gate.settles(id, &["bounced"], "refused").await;
    }
    assert_eq!(gate.count("SELECT count(*) FROM mail").await, 3, "no notice was written");
    gate.close().await;
}

#[tokio::test]
async fn success_is_told_on_request_by_who_knows_last() {
    let wish = DsnWish { success: true, given: true, ..DsnWish::default() };
    for (settings, lmtp, want) in [
        (SinkSettings::default(), false, Some("relayed bo@example.net")),
        (SinkSettings { lmtp: true, ..SinkSettings::default() }, true, Some("delivered bo@example.net")),
        (SinkSettings::knowing("DSN"), false, None),
    ] {
        let sink = Sink::start(settings).await;
        let database = sqlite();
        let mut setup = Setup::to(&sink);
        if lmtp {
            setup.connector.protocol = crate::directory::Protocol::Lmtp;
        }
        let gate = setup.open(&database).await;
        let mut mail = gate.mail(&["bo@example.net"]);
        mail.recipients[0].dsn = wish.clone();
        let id = gate.send(mail).await;
        gate.settles(id, &["delivered"], "success").await;
        let mails = gate.count("SELECT count(*) FROM mail").await;
        assert_eq!(mails, 1 + i64::from(want.is_some()), "{want:?}");
        if let Some(want) = want {
            until("the notice arrives", || notices(&sink).len() == 1).await;
            assert_eq!(action(&notices(&sink)[0].1), want);
        }
        gate.close().await;
    }
}

#[tokio::test]
async fn waiting_is_told_once_and_giving_up_too() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::with(Fault::TemporaryRcpt(6))).await;
        let mut setup = Setup::to(&sink);
        (setup.queue.warn_after, setup.queue.give_up_after) = (Span::hours(4), Span::days(5));
        let gate = setup.open(&database).await;
        let mut mail = gate.mail(&["bo@example.net"]);
        let six_days_ago = now_ms() - 6 * 86_400_000;
        mail.id = MailId((six_days_ago << 21) | (mail.id.0 & ((1 << 21) - 1)));
        let id = gate.send(mail).await;
        let rows = gate.settles(id, &["bounced"], database.engine).await;
        assert_eq!(rows[0].1, 3, "the third attempt after five days is the last");
        let kinds = gate.events(id).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "delay-notice").count(), 1, "{kinds:?}");
        until("both notices arrive", || notices(&sink).len() == 2).await;
        let told: Vec<String> = notices(&sink).iter().map(|(_, report)| action(report)).collect();
        assert!(told.contains(&"delayed bo@example.net".to_string()) && told.contains(&"failed bo@example.net".to_string()), "{told:?}");
        gate.close().await;
    }
}

#[tokio::test]
async fn held_mail_does_not_grow_old() {
    let sink = Sink::start(SinkSettings::with(Fault::TemporaryRcpt(4))).await;
    let database = sqlite();
    let gate = Setup::to(&sink).open(&database).await;
    let mut mail = gate.mail(&["bo@example.net"]);
    mail.id = MailId(((now_ms() - 30 * 86_400_000) << 21) | (mail.id.0 & ((1 << 21) - 1)));
    mail.recipients[0].fate = Fate::Held { until_ms: i64::MAX };
    let id = gate.send(mail).await;
    let (event, at_ms) = (gate.ids.next(now_ms()), now_ms());
    let release = gate.db.tx(move |tx| {
        Box::pin(async move {
            let sql = "INSERT INTO event (id, mail, org, at_ms, kind, recipient, detail) VALUES ($1, $2, 7, $3, 'released', '', '{}')";
            tx.run(sql, args![event, id.0, at_ms]).await?;
            tx.run("UPDATE recipient SET state = 'queued', next_ms = 0 WHERE mail = $1", args![id.0]).await
        })
    });
    assert_eq!(release.await, Ok::<u64, Error>(1));
    let rows = gate.settles(id, &["delivered"], "released after thirty days").await;
    assert_eq!(rows[0].1, 5);
    gate.close().await;
}
