//! The SPF suites: RFC 7208 (203 cases), RFC 4408 (191 cases, none of which RFC 7208 decides otherwise).

use crate::auth::SpfResult;
use crate::auth::questions::Questions;
use crate::auth::spf::{Outcome, Query, check_host};
use crate::dns::{Record, RecordType, Zone};
use serde::Deserialize;
use serde_yaml_ng::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Scenario {
    tests: BTreeMap<String, Case>,
    zonedata: BTreeMap<String, Vec<Value>>,
}

#[derive(Deserialize)]
struct Case {
    helo: String,
    host: String,
    mailfrom: Option<String>,
    result: Value,
    explanation: Option<String>,
}

#[test]
fn spf_rfc_7208_suite() {
    let (passed, all, failures) = run("rfc7208-tests.yml");
    println!("SPF {passed} of {all} (RFC 7208)");
    assert!(all == 0 || all == 203, "the suite has 203 cases, this one {all}");
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn spf_rfc_4408_suite() {
    let (passed, all, failures) = run("rfc4408-tests.yml");
    println!("SPF {passed} of {all} (RFC 4408)");
    assert!(failures.is_empty(), "{failures:#?}");
}

fn run(file: &str) -> (usize, usize, Vec<String>) {
    let (mut all, mut failures) = (0, Vec::new());
    let Some(folder) = testkit::shared::suites() else { return (0, 0, failures) };
    let text = std::fs::read_to_string(folder.join("B_protocol/spf_rfc7208").join(file)).expect("the suite is there");
    for document in serde_yaml_ng::Deserializer::from_str(&text) {
        let Ok(scenario) = Scenario::deserialize(document) else { continue }; // an empty document ends the file
        let zone = zone(&scenario.zonedata);
        for (name, case) in &scenario.tests {
            all += 1;
            failures.extend(check(name, case, &zone));
        }
    }
    (all - failures.len(), all, failures)
}

fn check(name: &str, case: &Case, zone: &Zone) -> Option<String> {
    let sender = case.mailfrom.as_deref().unwrap_or_default();
    let (local, domain) = match sender.rsplit_once('@') {
        Some(("", domain)) => ("postmaster", domain),
        Some(pair) => pair,
        None => ("postmaster", case.helo.as_str()),
    };
    let query = Query {
        ip: case.host.parse().expect("an address"),
        helo: &case.helo,
        local,
        domain,
        receiver: "receiver.example",
        now_ms: 1_700_000_000_000,
        explain: true,
    };
    let ask = Questions::new(zone, 200);
    let outcome = futures_util::FutureExt::now_or_never(check_host(&query, &ask)).expect("a fixed zone answers at once");
    let word = serde_json::to_value(outcome.result).expect("a word");
    let allowed = match &case.result {
        Value::Sequence(list) => list.iter().filter_map(Value::as_str).collect(),
        one => vec![one.as_str().unwrap_or_default()],
    };
    if !allowed.contains(&word.as_str().unwrap_or_default()) {
        return Some(format!("{name}: want {allowed:?}, got {outcome:?}"));
    }
    explanation_differs(name, case, &outcome)
}

/// "DEFAULT" is what a receiver says of its own accord: no explanation from the domain.
fn explanation_differs(name: &str, case: &Case, outcome: &Outcome) -> Option<String> {
    let wanted = case.explanation.as_deref().filter(|_| outcome.result == SpfResult::Fail)?;
    let got = outcome.explanation.as_deref().unwrap_or("DEFAULT");
    (got != wanted).then(|| format!("{name}: want explanation {wanted:?}, got {got:?}"))
}

fn zone(zonedata: &BTreeMap<String, Vec<Value>>) -> Zone {
    let mut zone = Zone::new();
    for (name, records) in zonedata {
        zone.exists(name);
        let has_txt = records.iter().any(|record| record.get("TXT").is_some());
        let mut seen = Vec::new();
        for record in records.iter().filter_map(Value::as_mapping) {
            for (kind, value) in record {
                seen.extend(add(&mut zone, name, kind.as_str().unwrap_or_default(), value, has_txt));
            }
        }
        if records.iter().any(|record| record.as_str() == Some("TIMEOUT")) {
            let kinds = [RecordType::A, RecordType::Aaaa, RecordType::Mx, RecordType::Ptr, RecordType::Txt];
            for kind in kinds.into_iter().filter(|kind| !seen.contains(kind)) {
                zone.fails(name, kind);
            }
        }
    }
    zone
}

/// RFC 7208 asks for TXT only; the suite writes such records as SPF, and TXT where the two differ ("NONE" for nothing).
fn add(zone: &mut Zone, name: &str, kind: &str, value: &Value, has_txt: bool) -> Option<RecordType> {
    let text = value.as_str().unwrap_or_default();
    let (kind, record) = match kind {
        "A" => (RecordType::A, Record::A(text.parse().expect("IPv4"))),
        "AAAA" => (RecordType::Aaaa, Record::Aaaa(text.parse().expect("IPv6"))),
        "PTR" => (RecordType::Ptr, Record::Ptr(text.into())),
        "MX" => {
            let exchange = value[1].as_str().expect("a name").into();
            (RecordType::Mx, Record::Mx { preference: value[0].as_u64().expect("a number") as u16, exchange })
        }
        "CNAME" => {
            zone.alias(name, text);
            return None;
        }
        "SPF" if has_txt => return None,
        "TXT" if text == "NONE" => return None,
        "SPF" | "TXT" => (RecordType::Txt, Record::Txt(octets(value))),
        other => panic!("record type {other}"),
    };
    zone.add(name, record);
    Some(kind)
}

/// Strings are joined; characters stand for octets (Latin-1).
fn octets(value: &Value) -> Vec<u8> {
    let strings = match value {
        Value::Sequence(list) => list.iter().filter_map(Value::as_str).collect(),
        one => vec![one.as_str().unwrap_or_default()],
    };
    strings.concat().chars().map(|character| character as u8).collect()
}
