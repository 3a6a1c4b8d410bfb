//! The ARC suite of Valimail: 171 chains to validate, 17 messages to seal.

use super::ShortRsa;
use crate::auth::arc;
use crate::auth::arc::seal::Sealer;
use crate::auth::content::Content;
use crate::auth::dkim::Verifier;
use crate::auth::sign::SigningKey;
use crate::auth::{Arc, DkimResult};
use crate::dns::{Answer, DnsError, Record};
use base64::Engine;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Scenario {
    tests: BTreeMap<String, Case>,
    txt_records: Option<BTreeMap<String, String>>,
    domain: Option<String>,
    sel: Option<String>,
    privatekey: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Case {
    message: Option<String>,
    cv: Option<String>,
    t: Option<i64>,
    sig_headers: Option<String>,
    srv_id: Option<String>,
    #[serde(rename = "AS")]
    seal: Option<String>,
    #[serde(rename = "AMS")]
    signature: Option<String>,
    #[serde(rename = "AAR")]
    results: Option<String>,
}

#[test]
fn arc_validation_suite() {
    let (mut all, mut failures) = (0, Vec::new());
    for scenario in scenarios("arc-draft-validation-tests.yml") {
        let keys = keys(&scenario);
        for (name, case) in &scenario.tests {
            all += 1;
            let raw = wire(case.message.as_deref().unwrap_or_default());
            let arc = validate(&raw, &keys);
            let word = serde_json::to_value(arc.result).expect("a word");
            // An empty cv: the newest seal says fail, and so does whoever reads it (RFC 8617 §5.2 step 2).
            let wanted = case.cv.as_deref().filter(|cv| !cv.is_empty()).unwrap_or("fail").trim().to_ascii_lowercase();
            if word != wanted.as_str() {
                failures.push(format!("{name}: want {wanted}, got {arc:?}"));
            }
        }
    }
    println!("ARC validation {} of {all}", all - failures.len());
    assert!(all == 0 || all == 171, "the suite has 171 cases, this one {all}");
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn arc_signing_suite() {
    let (mut all, mut failures) = (0, Vec::new());
    for scenario in scenarios("arc-draft-sign-tests.yml") {
        for (name, case) in &scenario.tests {
            all += 1;
            if let Some(why) = seal(&scenario, case) {
                failures.push(format!("{name}: {why}"));
            }
        }
    }
    println!("ARC signing {} of {all}", all - failures.len());
    assert!(all == 0 || all == 17, "the suite has 17 cases, this one {all}");
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Seals as the case asks, and tells how the outcome differs from what it names.
fn seal(scenario: &Scenario, case: &Case) -> Option<String> {
    let raw = wire(case.message.as_deref().expect("a message"));
    let arc = validate(&raw, &keys(scenario));
    let pem = scenario.privatekey.as_deref().expect("a key");
    let der: String = pem.lines().filter(|line| !line.contains("-----")).map(str::trim).collect();
    let key = ShortRsa::private(&base64::engine::general_purpose::STANDARD.decode(der).expect("base64"));
    let names = (scenario.domain.as_deref().expect("a domain"), scenario.sel.as_deref().expect("a selector"));
    let signed = case.sig_headers.as_deref().expect("names").split(':').map(|name| name.trim().to_string()).collect();
    let authserv_id = case.srv_id.as_deref().expect("an id");
    let sealer = Sealer::with_key(SigningKey::Short(key), names, authserv_id, signed);
    let set = sealer.seal(&raw, &arc, case.t.expect("a time") * 1_000).unwrap_or_default();
    let content = Content::read(set.as_bytes());
    let wanted = [("ARC-Seal", &case.seal), ("ARC-Message-Signature", &case.signature), ("ARC-Authentication-Results", &case.results)];
    wanted.into_iter().find_map(|(name, wanted)| {
        let got = content.named(name).next().map(|(_, field)| String::from_utf8_lossy(field.value)).unwrap_or_default();
        let (got, wanted) = (packed(&got), packed(wanted.as_deref().unwrap_or_default()));
        (got != wanted).then(|| format!("{name}:\n want {wanted}\n got  {got}"))
    })
}

/// White space is folding: it is not signed in the relaxed form and differs in `b=`.
fn packed(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

fn validate(raw: &[u8], keys: &HashMap<String, Answer>) -> Arc {
    let content = Content::read(raw);
    let found = arc::find(&content);
    let nothing: Answer = Err(DnsError::NoSuchName("no such key".into()));
    let asked = found.key_names();
    let answer = |name: &str| asked.iter().any(|known| known == name).then(|| keys.get(name).unwrap_or(&nothing));
    let arc = found.judge(&mut Verifier::new(&content, 1_500_000_000_000), answer);
    assert!(!arc.trusted && (arc.result == DkimResult::None) == (arc.instances == 0 && arc.why.is_empty()));
    arc
}

fn keys(scenario: &Scenario) -> HashMap<String, Answer> {
    let records = scenario.txt_records.iter().flatten();
    records.map(|(name, text)| (name.clone(), Ok([Record::Txt(text.replace('\n', "").into_bytes())].into()))).collect()
}

/// The form on the wire; the suite stands in YAML with LF.
fn wire(message: &str) -> Vec<u8> {
    message.replace('\n', "\r\n").into_bytes()
}

fn scenarios(file: &str) -> Vec<Scenario> {
    let Some(folder) = testkit::shared::suites() else { return Vec::new() };
    let text = std::fs::read_to_string(folder.join("B_protocol/arc_valimail/tests").join(file)).expect("the suite is there");
    serde_yaml_ng::Deserializer::from_str(&text).filter_map(|document| Scenario::deserialize(document).ok()).collect()
}
