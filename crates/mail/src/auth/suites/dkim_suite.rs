//! DKIM: the 79 mails of Mail::DKIM, whose names say what they are; the vectors of RFC 6376 and RFC 8463; the resources of
//! dkimpy and mail-auth.
//!
//! Most mails of Mail::DKIM are of 2005 to 2008: DomainKeys, drafts of DKIM, rsa-sha1, keys of 512 and 768 bits. What has been
//! forbidden since must not pass, however good its name says it is; that the signature holds all the same is shown apart, with
//! [`ShortRsa`] and without the rules.

use super::ShortRsa;
use crate::auth::content::Content;
use crate::auth::dkim::canonical::{Canonical, hash_body};
use crate::auth::dkim::key::Key;
use crate::auth::dkim::signature::{Algorithm, Kind, Signature};
use crate::auth::dkim::tags::Tags;
use crate::auth::dkim::{Verifier, candidates, header_input};
use crate::auth::{Dkim, DkimResult};
use crate::dns::{Answer, DnsError, Record};
use aws_lc_rs::digest;
use std::collections::HashMap;
use std::path::Path;

/// Names of mails whose "good" the RFCs since have taken back, with the sentence that does.
const TAKEN_BACK: [(&str, &str); 6] = [
    ("good_dk_", "RFC 4870 is Historic, obsoleted by RFC 4871; a DomainKey-Signature is not DKIM"),
    ("good_ietf00_", "RFC 6376 §3.5: \"bh= The hash of the canonicalized body … REQUIRED\", and this draft had none"),
    ("good_ietf01_", "RFC 6376 §3.5: \"v= Version … REQUIRED\", and this draft had none"),
    ("good_rfc4871_3", "RFC 8301 §3.1: \"rsa-sha1 MUST NOT be used for signing or verifying\""),
    ("good_", "RFC 8301 §3.1: \"rsa-sha1 MUST NOT be used for signing or verifying\""),
    ("goodkey_", "RFC 8301 §3.1: \"rsa-sha1 MUST NOT be used for signing or verifying\""),
];

#[test]
fn mail_dkim_corpus() {
    let Some(folder) = testkit::shared::suites() else { return };
    let folder = folder.join("B_protocol/dkim_mail-dkim/t");
    let keys = fake_dns(&folder.join("FAKE_DNS.dat"));
    let (mut all, mut held, mut failures) = (0, 0, Vec::new());
    for name in names(&folder.join("corpus")) {
        all += 1;
        let raw = std::fs::read(folder.join("corpus").join(&name)).expect("a mail");
        let results = verify(&raw, &keys);
        held += usize::from(name.starts_with("good") && holds_without_rules(&raw, &keys));
        if let Err(why) = as_named(&name, &results, &raw, &keys) {
            failures.push(format!("{name}: {why}: {results:?}"));
        }
    }
    println!("DKIM Mail::DKIM {} of {all}; {held} good signatures hold, old ones without the rules of today", all - failures.len());
    assert_eq!(all, 79, "the corpus has 79 mails");
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Good and not taken back passes. Good and taken back does not pass, yet holds without the rules of today (unless it is of
/// another scheme: DomainKeys, and the first draft, which signed the body with the header).
/// Anything else does not pass.
fn as_named(name: &str, results: &[Dkim], raw: &[u8], keys: &HashMap<String, Answer>) -> Result<(), &'static str> {
    let passes = results.iter().any(|result| result.result == DkimResult::Pass);
    let taken_back = TAKEN_BACK.iter().any(|(known, _)| name.starts_with(known)) && name != "goodkey_ed25519.txt";
    let is_of_another_scheme = name.starts_with("good_dk_") || name.starts_with("good_ietf00_");
    match (name.starts_with("good"), taken_back) {
        (true, false) if !passes => Err("it should pass"),
        (_, true) | (false, _) if passes => Err("it should not pass"),
        (true, true) if !is_of_another_scheme && !holds_without_rules(raw, keys) => Err("it should hold"),
        _ => Ok(()),
    }
}

/// Some signature holds as mathematics: canonical form, hashes and RSA, whatever the version, hash or length of the key.
fn holds_without_rules(raw: &[u8], keys: &HashMap<String, Answer>) -> bool {
    let content = Content::read(raw);
    let fields: Vec<_> = content.named("dkim-signature").collect();
    fields.into_iter().any(|(place, field)| {
        let Some(tags) = Tags::read(field.value) else { return false };
        // The ARC reader asks for the same tags, less v= and From.
        let Ok(mut signature) = Signature::read(&tags, Kind::Arc) else { return false };
        if tags.value("c").is_none() {
            (signature.header_form, signature.body_form) = (Canonical::Simple, Canonical::Simple);
        }
        let name = format!("{}._domainkey.{}", signature.selector, signature.domain);
        let Some(Ok(key)) = keys.get(&name).map(|answer| Key::find(answer, signature.algorithm)) else { return false };
        let hash = if signature.algorithm == Algorithm::RsaSha1 { &digest::SHA1_FOR_LEGACY_USE_ONLY } else { &digest::SHA256 };
        let body = hash_body(signature.body_form, content.body, signature.length, hash);
        let input = header_input(&signature, place, &content);
        let holds = match signature.algorithm {
            Algorithm::Ed25519Sha256 => key.verifies(signature.algorithm, &input, &signature.octets),
            _ => ShortRsa::public(key.der()).verifies(digest::digest(hash, &input).as_ref(), &signature.octets),
        };
        holds && body.octets == signature.body_hash
    })
}

#[test]
fn vectors_of_mail_auth_and_the_rfcs() {
    let Some(folder) = testkit::shared::suites() else { return };
    let folder = folder.join("B_protocol/mail-auth/dkim");
    let (mut all, mut failures) = (0, Vec::new());
    for name in names(&folder) {
        let text = std::fs::read(folder.join(&name)).expect("a mail");
        let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
        let (records, mail) = text.split_once("\n\n").expect("records, then a mail");
        let keys = records.lines().filter_map(|line| line.split_once(' ')).map(|(name, txt)| (name.into(), txt_answer(txt))).collect();
        for result in verify(mail.replace('\n', "\r\n").as_bytes(), &keys) {
            all += 1;
            if result.result != DkimResult::Pass {
                failures.push(format!("{name}: {result:?}"));
            }
        }
    }
    println!("DKIM RFC 6376, RFC 8463 and mail-auth {} of {all}", all - failures.len());
    assert!(all >= 8 && failures.is_empty(), "{all} signatures; {failures:#?}");
}

#[test]
fn resources_of_dkimpy() {
    let Some(folder) = testkit::shared::suites() else { return };
    let folder = folder.join("B_protocol/dkim_dkimpy");
    let file = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file").trim_end_matches('\n').to_string();
    let keys: HashMap<String, Answer> = [
        ("brisbane._domainkey.football.example.com", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".to_string()),
        ("test._domainkey.football.example.com", file("test.txt")),
        ("test._domainkey.example.com", file("test.txt")),
    ]
    .into_iter()
    .map(|(name, txt)| (name.to_string(), txt_answer(&txt)))
    .collect();
    let check = |name: &str, want: &[DkimResult]| {
        let raw = std::fs::read(folder.join(name)).expect("a mail");
        let got: Vec<DkimResult> = verify(&raw, &keys).iter().map(|result| result.result).collect();
        assert_eq!(got, want, "{name}: {:?}", verify(&raw, &keys));
    };
    check("rfc6376.signed.msg", &[DkimResult::Pass, DkimResult::Pass]);
    check("rfc6376.signed.rsa.msg", &[DkimResult::Pass]);
    check("rfc6376.msg", &[]);
    let broken = [
        ("test_bad.txt", "DER cut short"),
        ("badk.txt", "k= not known"),
        ("badversion.txt", "v= not DKIM1"),
        ("test_tlsrpt.txt", "s=tlsrpt"),
    ];
    for (record, why) in broken {
        let found = Key::find(&txt_answer(&file(record)), Algorithm::RsaSha256);
        assert_eq!(found.err().map(|missing| missing.result), Some(DkimResult::PermError), "{record}: {why}");
    }
    for record in ["1024_testkey_wo_markers.pub", "1024_testkey_wo_markers.pub.rsa", "2048_testkey_wo_markers.pub", "test2"] {
        let record = format!("{record}.txt");
        assert!(Key::find(&txt_answer(&file(&record)), Algorithm::RsaSha256).is_ok(), "{record}");
    }
    for record in ["2048_testkey_wo_markers.pub.rsa.txt", "2048_testkey_PKCS8.key.pub.txt"] {
        assert!(Key::find(&txt_answer(&file(record)), Algorithm::RsaSha256).is_ok(), "{record}");
    }
    println!("DKIM dkimpy: 3 mails, 10 keys as named");
}

/// Hostile header lists, numbers of signatures and keys of the rspamd suite: an answer, within the limits.
#[test]
fn hostile_signatures_of_rspamd() {
    let Some(folder) = testkit::shared::suites() else { return };
    let folder = folder.join("B_protocol/rspamd_messages");
    for name in names(&folder).into_iter().filter(|name| name.starts_with("dkim_")) {
        let raw = std::fs::read(folder.join(&name)).expect("a mail");
        let results = verify(&raw, &HashMap::new());
        assert!(
            results.len() <= SIGNATURES_MAX && results.iter().all(|result| result.result == DkimResult::PermError),
            "{name}: {results:?}"
        );
    }
}

const SIGNATURES_MAX: usize = 10;
/// November 2022: one of the mails carries x=.
const NOW_MS: i64 = 1_667_843_700_000;

fn verify(raw: &[u8], keys: &HashMap<String, Answer>) -> Vec<Dkim> {
    let content = Content::read(raw);
    let mut verifier = Verifier::new(&content, NOW_MS);
    let nothing: Answer = Err(DnsError::NoSuchName("no such key".into()));
    let judge = |candidate: crate::auth::dkim::Candidate<'_>| {
        let answer = candidate.key_name().map(|name| keys.get(&name).unwrap_or(&nothing));
        verifier.judge(candidate, answer)
    };
    candidates(&content, SIGNATURES_MAX).into_iter().map(judge).collect()
}

fn fake_dns(file: &Path) -> HashMap<String, Answer> {
    let text = std::fs::read_to_string(file).expect("the records");
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(char::is_whitespace));
    lines.map(|(name, txt)| (name.to_string(), txt_answer(txt.trim()))).collect()
}

fn txt_answer(txt: &str) -> Answer {
    match txt {
        "NXDOMAIN" => Err(DnsError::NoSuchName(String::new())),
        failed if failed.starts_with("~~") => Err(DnsError::Temporary { name: String::new(), why: failed.into() }),
        "\"\"" => Ok([Record::Txt(Vec::new())].into()),
        txt => Ok([Record::Txt(txt.as_bytes().to_vec())].into()),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
