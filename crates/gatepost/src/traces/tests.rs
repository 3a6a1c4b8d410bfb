use super::layer::{Span, Value, trace_id};
use super::{Following, TraceSettings, otlp};
use gateway::follow;
use mail::smtp::Reply;
use mail::{MailId, OrgId};
use tracing_subscriber::layer::SubscriberExt;

const HOST: &str = "mx.test";

/// What comes out of following `work`.
fn followed(share_percent: u8, work: impl FnOnce()) -> Vec<Vec<Span>> {
    let settings = TraceSettings { url: "http://127.0.0.1:4318/v1/traces".into(), share_percent };
    let (layer, mut spans) = Following::of(&settings, HOST).expect("it is configured").start();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    std::iter::from_fn(|| spans.out.try_recv().ok()).collect()
}

fn receive(mail: i64) {
    let span = follow::receiving(1_000, 2);
    span.in_scope(|| {
        follow::is_about(MailId(mail), OrgId(7));
        tracing::trace_span!(target: follow::TARGET, "inspect").in_scope(|| {
            tracing::trace_span!(target: follow::TARGET, "clamd").in_scope(|| tracing::info!("a line of the log is no span"));
        });
        tracing::trace_span!("of something else");
    });
    follow::answered(&span, &Reply::new(451, (4, 3, 0), "later"));
}

#[test]
fn a_mail_is_one_trace_from_its_first_octet_to_its_last_attempt() {
    let found = followed(100, || {
        receive(42);
        let span = follow::delivering(MailId(42), OrgId(7), "next", 2);
        span.in_scope(|| tracing::trace_span!(target: follow::TARGET, "connect").in_scope(|| ()));
        span.record("unreached", true);
    });
    let names: Vec<Vec<&str>> = found.iter().map(|trace| trace.iter().map(|span| span.name).collect()).collect();
    assert_eq!(names, [vec!["mail.receive", "clamd", "inspect"], vec!["mail.deliver", "connect"]]);
    let all: Vec<&Span> = found.iter().flatten().collect();
    assert!(all.iter().all(|span| span.trace == trace_id(HOST, 42) && span.id != 0 && span.ended >= span.began), "{all:?}");
    let parents: Vec<u64> = all.iter().map(|span| span.parent).collect();
    assert_eq!(parents, [0, all[2].id, all[0].id, all[0].id, all[3].id], "each hangs where it belongs, the attempt under the mail");
    assert!(all[0].fields.contains(&("reply", Value::Number(451))) && all[0].fields.contains(&("org", Value::Number(7))));
}

#[test]
fn a_share_is_the_same_mails_everywhere_and_what_is_about_no_mail_is_dropped() {
    let mails = |share| {
        let found = followed(share, || (0..1_000).for_each(receive));
        found.iter().map(|trace| trace[0].trace).collect::<Vec<_>>()
    };
    let some = mails(25);
    assert!((200..300).contains(&some.len()), "a quarter: {}", some.len());
    assert_eq!(mails(25), some);
    assert_eq!(mails(100).len(), 1_000);
    let nothing = followed(100, || drop(follow::receiving(1, 1)));
    assert!(nothing.is_empty(), "refused before it was a mail");
}

#[test]
fn a_request_is_as_otlp_says() {
    let found = followed(100, || receive(42));
    let request = otlp::request(&found[0], HOST);
    let of = &request["resourceSpans"][0];
    assert_eq!(of["resource"]["attributes"][0], serde_json::json!({ "key": "service.name", "value": { "stringValue": "gatepost" } }));
    let (first, inner) = (&of["scopeSpans"][0]["spans"][0], &of["scopeSpans"][0]["spans"][1]);
    assert_eq!((first["kind"].as_u64(), first["status"]["code"].as_u64()), (Some(2), Some(2)), "a server's, and it failed: {first}");
    assert!(first.get("parentSpanId").is_none() && inner["parentSpanId"].is_string(), "{request}");
    for (field, digits) in [("traceId", 32), ("spanId", 16)] {
        let hex = first[field].as_str().expect("text");
        assert!(hex.len() == digits && hex.bytes().all(|digit| digit.is_ascii_hexdigit()), "{field}: {hex}");
    }
    assert!(first["startTimeUnixNano"].as_str().is_some_and(|nanos| nanos.len() == 19), "{first}");
    let octets = serde_json::json!({ "key": "gatepost.octets", "value": { "intValue": "1000" } });
    assert!(first["attributes"].as_array().is_some_and(|all| all.contains(&octets)), "{first}");
}

#[test]
fn an_address_that_is_none_is_said() {
    for (url, share_percent, is_wrong) in [
        ("", 100, false),
        ("http://127.0.0.1:4318/v1/traces", 5, false),
        ("127.0.0.1:4318", 100, true),
        ("ftp://a.example/", 100, true),
        ("https://collector.example/v1/traces", 101, true),
    ] {
        assert_eq!(TraceSettings { url: url.into(), share_percent }.complaint().is_some(), is_wrong, "{url} {share_percent}");
    }
}
