//! TLSA records against chains.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

const NOW_MS: i64 = 1_795_000_000_000;

fn sha256(octets: &[u8]) -> Vec<u8> {
    digest(&SHA256, octets).as_ref().to_vec()
}

fn dane(usage: u8, selector: u8, matching: u8, octets: Vec<u8>) -> Dane {
    let records = vec![Tlsa { usage, selector, matching, octets }];
    Dane { records, base: "mx.a.example".into(), names: vec!["a.example".into()] }
}

/// A certificate for this name and the one that issued it.
fn chain(name: &str, until_year: i32) -> Vec<CertificateDer<'static>> {
    let mut above = CertificateParams::new(Vec::new()).expect("parameters");
    above.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    above.distinguished_name.push(rcgen::DnType::CommonName, "An Issuer");
    let key = KeyPair::generate().expect("a key");
    let root = above.self_signed(&key).expect("a root");
    let issuer = Issuer::new(above, key);
    let mut own = CertificateParams::new(vec![name.to_string()]).expect("parameters");
    own.not_before = rcgen::date_time_ymd(2020, 1, 1);
    own.not_after = rcgen::date_time_ymd(until_year, 1, 1);
    let leaf = own.signed_by(&KeyPair::generate().expect("a key"), &issuer).expect("a certificate");
    vec![leaf.der().clone(), root.der().clone()]
}

#[test]
fn a_record_about_the_certificate_itself_counts_whatever_its_name_and_age() {
    let chain = chain("other.example", 2021);
    let key = certificate::public_key(&chain[0]).expect("a key").to_vec();
    let sha512 = digest(&SHA512, &key).as_ref().to_vec();
    for (record, want, why) in [
        (dane(3, 1, 1, sha256(&key)), true, "SHA-256 of the key"),
        (dane(3, 1, 2, sha512), true, "SHA-512 of the key"),
        (dane(3, 1, 0, key.clone()), true, "the key"),
        (dane(3, 0, 1, sha256(&chain[0])), true, "SHA-256 of the certificate"),
        (dane(3, 0, 0, chain[0].to_vec()), true, "the certificate"),
        (dane(3, 1, 1, sha256(&chain[0])), false, "of the certificate where the key is meant"),
        (dane(3, 0, 1, sha256(&chain[1])), false, "the issuer is not the certificate"),
        (dane(3, 1, 1, vec![0; 32]), false, "another key"),
    ] {
        assert_eq!(record.judge(&chain, NOW_MS).is_ok(), want, "{why}");
    }
    assert!(dane(3, 1, 1, sha256(&key)).judge(&[], NOW_MS).is_err(), "no certificate");
}

#[test]
fn a_record_about_an_issuer_counts_for_the_right_name_and_time() {
    for (name, until, want, why) in [
        ("mx.a.example", 2040, true, "the host"),
        ("a.example", 2040, true, "the domain"),
        ("other.example", 2040, false, "another name"),
        ("mx.a.example", 2022, false, "ended"),
    ] {
        let chain = chain(name, until);
        assert_eq!(dane(2, 0, 1, sha256(&chain[1])).judge(&chain, NOW_MS).is_ok(), want, "{why}");
        assert_eq!(dane(2, 0, 0, chain[1].to_vec()).judge(&chain[..1], NOW_MS).is_ok(), want, "the issuer stands in the record: {why}");
        assert!(dane(2, 0, 1, sha256(&chain[1])).judge(&chain[..1], NOW_MS).is_err(), "the issuer is not shown: {why}");
    }
    let (ours, theirs) = (chain("mx.a.example", 2040), chain("mx.a.example", 2040));
    let mixed = [theirs[0].clone(), ours[1].clone()];
    assert!(dane(2, 0, 1, sha256(&ours[1])).judge(&mixed, NOW_MS).is_err(), "shown, and did not issue it");
}

#[test]
fn records_that_cannot_be_used_are_left_out() {
    let record = |usage, selector, matching, length| Record::Tlsa { usage, selector, matching, octets: vec![1; length] };
    for (record, want) in [
        (record(3, 1, 1, 32), true),
        (record(2, 0, 2, 64), true),
        (record(3, 0, 0, 500), true),
        (record(0, 0, 1, 32), false),
        (record(1, 0, 1, 32), false),
        (record(4, 0, 1, 32), false),
        (record(3, 2, 1, 32), false),
        (record(3, 1, 3, 32), false),
        (record(3, 1, 1, 31), false),
        (record(3, 1, 2, 32), false),
        (record(3, 1, 0, 0), false),
    ] {
        assert_eq!(Tlsa::usable(&record).is_some(), want, "{record:?}");
    }
}
