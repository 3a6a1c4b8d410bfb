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

fn ask(method: &'static str, route: &str, remote: Option<&str>, status: u64) {
    let span = follow::requested(method, route);
    if let Some(remote) = remote {
        span.record("remote", remote);
    }
    span.in_scope(|| tracing::trace_span!(target: follow::TARGET, "inspect").in_scope(|| ()));
    span.record("status", status);
}

#[test]
fn a_request_is_a_span_with_the_names_that_readers_know() {
    let found = followed(100, || {
        ask("GET", "/trace/{mail}", None, 200);
        ask("POST", "/requests", None, 503);
        ask("_OTHER", "", None, 405);
    });
    let json = |n: usize| otlp::request(&found[n], HOST)["resourceSpans"][0]["scopeSpans"][0]["spans"].clone();
    let (page, failed, other) = (json(0), json(1), json(2));
    assert_eq!(page[0]["name"], "GET /trace/{mail}");
    assert_eq!((page[0]["kind"].as_u64(), page[0].get("status")), (Some(2), None), "a server's, and well");
    let attribute = |name: &str, value: serde_json::Value| serde_json::json!({ "key": name, "value": value });
    let wanted = [
        attribute("http.request.method", serde_json::json!({ "stringValue": "GET" })),
        attribute("http.route", serde_json::json!({ "stringValue": "/trace/{mail}" })),
        attribute("http.response.status_code", serde_json::json!({ "intValue": "200" })),
    ];
    let all = page[0]["attributes"].as_array().expect("attributes");
    assert!(all.len() == wanted.len() && wanted.iter().all(|one| all.contains(one)), "{all:?}");
    assert_eq!((page[1]["name"].as_str(), &page[1]["parentSpanId"]), (Some("inspect"), &page[0]["spanId"]), "what it does hangs under it");
    assert_eq!(failed[0]["status"]["code"], 2, "it failed through us");
    assert_eq!(other[0]["name"], "HTTP");
    assert!(!other.to_string().contains("http.route"), "{other}");
    assert_ne!(page[0]["traceId"], failed[0]["traceId"]);
}

#[test]
fn a_request_goes_on_with_a_trace_that_was_begun() {
    const KEPT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const NOT_KEPT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    // Nearly none of our own.
    let found = followed(1, || (0..20).for_each(|_| ask("GET", "/", Some(KEPT), 200)));
    assert_eq!(found.len(), 20, "whoever began it has chosen");
    let first = &found[0][0];
    assert_eq!((first.trace, first.parent), (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7));
    assert!(first.fields.iter().all(|(name, _)| *name != "remote"), "{first:?}");
    assert!(followed(100, || ask("GET", "/", Some(NOT_KEPT), 200)).is_empty());
    let own = followed(25, || (0..1_000).for_each(|_| ask("GET", "/", None, 200))).len();
    assert!((180..320).contains(&own), "a quarter: {own}");
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
