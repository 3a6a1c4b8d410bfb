//! Mail that leaves: under a sender that comes back, within limits, and under what the recipient's domain asks for.

use crate::server::{Server, message, send};
use testkit::sink::{Sink, SinkSettings};

fn settings(sink: &Sink, more: &str) -> String {
    format!(
        "[dns]\nservers = \"off\"\n{more}[[organisation]]\nname = \"demo\"\nconnector = \"in\"\noutbound_connector = \"out\"\n\
         [[domain]]\nname = \"demo.example\"\nrecipients = \"any\"\n\
         [[connector]]\nname = \"in\"\nhosts = [\"{0}\"]\nallow_private = true\ntls = \"off\"\n\
         [[connector]]\nname = \"out\"\nhosts = [\"{0}\"]\nallow_private = true\ntls = \"off\"\n\
         [[rule]]\nname = \"on\"\nconditions = [{{ kind = \"subject-words\", values = [\"send-on\"] }}]\n\
         actions = [{{ kind = \"redirect\", to = [\"box@far.example\"] }}]\n",
        sink.address
    )
}

/// The address in a MAIL or RCPT command.
fn address(command: &str) -> String {
    command.split(['<', '>']).nth(1).unwrap_or_default().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_on_leaves_under_our_sender_and_its_bounce_finds_back() {
    let sink = Sink::start(SinkSettings::default()).await;
    let server = Server::start(&settings(&sink, ""), &[]);
    let mail = message("send-on", "ann@sender.example", "Hello.");
    let reply = send(server.smtp, "ann@sender.example", "li@demo.example", &mail).expect("an answer");
    assert!(reply.starts_with("250"), "{reply}");
    server.eventually("it was sent on", |_| sink.count() == 1);
    let there = address(&sink.taken()[0].mail);
    assert!(there.starts_with("SRS0=") && there.ends_with("=sender.example=ann@demo.example"), "{there}");
    assert_eq!(address(&sink.taken()[0].recipients[0]), "box@far.example");
    let bounce = message("bounce", "mailer-daemon@far.example", "It did not arrive.");
    let reply = send(server.smtp, "", &there, &bounce).expect("an answer");
    assert!(reply.starts_with("250"), "{reply}");
    server.eventually("the bounce was sent back", |_| sink.count() == 2);
    let back = &sink.taken()[1];
    assert_eq!((address(&back.mail).as_str(), address(&back.recipients[0]).as_str()), ("", "ann@sender.example"));
    for (sender, to, want, why) in [
        ("spam@x.example", there.as_str(), "550 5.7.1", "only bounces come back"),
        ("", "SRS0=AAAAAA=AA=victim.example=bo@demo.example", "550 5.7.7", "nobody signed that"),
        ("", &there.replace("=ann@", "=bob@"), "550 5.7.7", "for somebody else"),
    ] {
        let reply = send(server.smtp, sender, to, &bounce).expect("an answer");
        assert!(reply.starts_with(want), "{why}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_over_its_limit_is_refused_from_the_next_recipient_on() {
    let sink = Sink::start(SinkSettings::default()).await;
    let mut text = settings(&sink, "[outbound]\noutside_per_hour = 2\nauto_forward = \"off\"\n");
    text = text.replace("outbound_connector = \"out\"\n", "outbound_connector = \"out\"\nrelay_from = [\"127.0.0.0/8\"]\n");
    let server = Server::start(&text, &[]);
    let from = |sender: &str, to: &str| send(server.smtp, sender, to, &message("plain", sender, "Hello.")).expect("an answer");
    for n in 0..2 {
        let reply = from("bo@demo.example", "x@far.example");
        assert!(reply.starts_with("250"), "{n}: {reply}");
    }
    let third = from("bo@demo.example", "x@far.example");
    assert!(third.starts_with("550 5.1.8"), "{third}");
    assert!(from("li@demo.example", "x@far.example").starts_with("250"), "others may");
    let forwarded =
        send(server.smtp, "li@demo.example", "x@far.example", &message("fwd", "ann@else.example", "Hello.")).expect("an answer");
    assert!(forwarded.starts_with("550 5.7.520"), "{forwarded}");
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_are_signed_where_that_is_switched_on_and_signed_bounces_are_taken() {
    let sink = Sink::start(SinkSettings::default()).await;
    let more = "[return_path]\nsigned = [\"demo.example\"]\ngrace = \"0s\"\n";
    let relaying = "outbound_connector = \"out\"\nrelay_from = [\"127.0.0.0/8\"]\n";
    let server = Server::start(&settings(&sink, more).replace("outbound_connector = \"out\"\n", relaying), &[]);
    let reply = send(server.smtp, "li@demo.example", "x@far.example", &message("plain", "li@demo.example", "Hello.")).expect("an answer");
    assert!(reply.starts_with("250"), "{reply}");
    server.eventually("it was sent", |_| sink.count() == 1);
    let signed = address(&sink.taken()[0].mail);
    assert!(signed.starts_with("prvs=") && signed.ends_with("=li@demo.example"), "{signed}");
    let bounce = message("bounce", "mailer-daemon@far.example", "It did not arrive.");
    let reply = send(server.smtp, "", &signed, &bounce).expect("an answer");
    assert!(reply.starts_with("250"), "{reply}");
    server.eventually("the bounce was delivered", |_| sink.count() == 2);
    assert_eq!(address(&sink.taken()[1].recipients[0]), "li@demo.example");
    let reply = send(server.smtp, "", "li@demo.example", &bounce).expect("an answer");
    assert!(reply.starts_with("550 5.7.7"), "a bounce of mail that was never sent: {reply}");
}
