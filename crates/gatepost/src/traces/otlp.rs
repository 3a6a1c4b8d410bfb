//! `ExportTraceServiceRequest` of OTLP 1.x in its JSON form: identifiers as hex digits, 64-bit numbers as strings.

use super::layer::{Span, Value};
use gateway::follow::REQUEST;
use serde_json::{Value as Json, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// `SpanKind`
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// `StatusCode` ERROR: the reply was a temporary failure of ours, nobody was reached, or a request failed through us.
const ERROR: u8 = 2;

/// One request with all these spans; `host` is the server they are of.
pub fn request(spans: &[Span], host: &str) -> Json {
    let resource = [
        attribute("service.name", &Value::Text("gatepost".into())),
        attribute("service.version", &Value::Text(env!("CARGO_PKG_VERSION").into())),
        attribute("host.name", &Value::Text(host.into())),
    ];
    let spans: Vec<Json> = spans.iter().map(span).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "gatepost" }, "spans": spans }],
    }] })
}

fn span(span: &Span) -> Json {
    let fields = span.fields.iter().filter(|(name, value)| !(*name == "route" && *value == Value::Text(String::new())));
    let attributes: Vec<Json> = fields.map(|(name, value)| attribute(&known_as(span.name, name), value)).collect();
    let mut json = json!({
        "traceId": format!("{:032x}", span.trace), "spanId": format!("{:016x}", span.id), "name": called(span), "kind": kind(span.name),
        "startTimeUnixNano": nanos(span.began), "endTimeUnixNano": nanos(span.ended), "attributes": attributes,
    });
    if span.parent != 0 {
        json["parentSpanId"] = json!(format!("{:016x}", span.parent));
    }
    if is_wrong(span) {
        json["status"] = json!({ "code": ERROR });
    }
    json
}

/// A request is called by its method and route, as OpenTelemetry's conventions for HTTP say.
fn called(span: &Span) -> String {
    if span.name != REQUEST {
        return span.name.into();
    }
    let text = |wanted: &str| {
        let found = span.fields.iter().find(|(name, _)| *name == wanted);
        found.and_then(|(_, value)| if let Value::Text(text) = value { Some(text.as_str()) } else { None }).unwrap_or_default()
    };
    let method = if text("method") == "_OTHER" { "HTTP" } else { text("method") };
    format!("{method} {}", text("route")).trim_end().into()
}

/// Attributes of requests are those of the conventions, which readers know; the others are ours.
fn known_as(span: &str, field: &str) -> String {
    match (span == REQUEST, field) {
        (true, "method") => "http.request.method".into(),
        (true, "route") => "http.route".into(),
        (true, "status") => "http.response.status_code".into(),
        _ => format!("gatepost.{field}"),
    }
}

fn kind(name: &str) -> u8 {
    match name {
        "mail.receive" | REQUEST => SERVER,
        "connect" | "transact" => CLIENT,
        _ => INTERNAL,
    }
}

fn is_wrong(span: &Span) -> bool {
    span.fields.iter().any(|(name, value)| match value {
        Value::Number(code) => *name == "reply" && (400..500).contains(code) || *name == "status" && *code >= 500,
        Value::Flag(flag) => *name == "unreached" && *flag,
        Value::Text(_) => false,
    })
}

fn attribute(name: &str, value: &Value) -> Json {
    let value = match value {
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Flag(flag) => json!({ "boolValue": flag }),
    };
    json!({ "key": name, "value": value })
}

fn nanos(at: SystemTime) -> String {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos()).to_string()
}
