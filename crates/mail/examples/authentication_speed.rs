//! How long authentication takes: `cargo run --release -p mail --example authentication_speed`.
//!
//! Answers come from a fixed zone, as from a warm cache. Prints the median of many runs, in microseconds.

use mail::auth::{AuthSettings, KeyKind, NewKey, Signer, authenticate};
use mail::dns::Zone;
use mail::envelope::{BodyType, Envelope, Peer};
use mail::message::{Budget, Message};
use mail::{Address, Mail};
use std::collections::HashSet;
use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

const RUNS: usize = 2_000;
const NOW_MS: i64 = 1_700_000_000_000;

fn main() {
    let mut zone = Zone::new();
    zone.txt("a.example", "v=spf1 include:spf.a.example ip4:203.0.113.0/24 -all").txt("spf.a.example", "v=spf1 ip4:198.51.100.0/24 -all");
    zone.txt("_dmarc.a.example", "v=DMARC1; p=reject; rua=mailto:r@a.example");
    let mut signers = Vec::new();
    for (kind, selector) in [(KeyKind::Rsa2048, "rsa"), (KeyKind::Ed25519, "ed")] {
        let key = NewKey::generate(kind).expect("a key");
        zone.txt(&format!("{selector}._domainkey.a.example"), &key.record);
        signers.push((selector, Signer::new("a.example", selector, &key.private_pem).expect("a signer")));
    }
    for octets in [1_000, 4_000, 20_000] {
        let line = "Words of a letter that is neither short nor long, with spaces between.\r\n";
        let body = line.repeat(octets / line.len());
        let bare = format!("From: X <x@a.example>\r\nTo: y@b.example\r\nSubject: one\r\nMessage-ID: <1@a.example>\r\n\r\n{body}");
        report(&format!("{octets:>6} octets, unsigned"), &bare, &zone);
        for (name, signer) in &signers {
            report(&format!("{octets:>6} octets, {name}"), &(signer.sign(bare.as_bytes()) + &bare), &zone);
            median(&format!("{octets:>6} octets, signing {name}"), || drop(signer.sign(bare.as_bytes())));
        }
    }
}

fn report(name: &str, raw: &str, zone: &Zone) {
    let message = Message::parse(bytes::Bytes::copy_from_slice(raw.as_bytes()), &Budget::default());
    let peer = Peer {
        ip: [203, 0, 113, 5].into(),
        port: 4_025,
        local: ([192, 0, 2, 250], 25).into(),
        reverse: Default::default(),
        helo: "mail.a.example".into(),
        esmtp: true,
        tls: None,
        authenticated: None,
        via: None,
    };
    let envelope = Envelope {
        sender: Address::parse("x@a.example").ok(),
        recipients: Vec::new(),
        smtputf8: false,
        body: BodyType::default(),
        require_tls: false,
        ret: None,
        envid: None,
    };
    let settings = AuthSettings {
        authserv_id: "mx.b.example".into(),
        trusted_sealers: Vec::new(),
        dkim_signatures_max: 10,
        dns_lookups_max: 60,
        own_domains: std::sync::Arc::new(HashSet::new()),
    };
    let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: NOW_MS };
    median(name, || {
        let mut future = Box::pin(authenticate(mail, zone, &settings));
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(results) => assert_eq!(results.dmarc.result, mail::auth::DmarcResult::Pass),
            Poll::Pending => unreachable!("a fixed zone answers at once"),
        }
    });
}

fn median(name: &str, mut run: impl FnMut()) {
    let mut nanos: Vec<u128> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_nanos()
        })
        .collect();
    nanos.sort_unstable();
    println!("{name}: {:.1} µs", nanos[RUNS / 2] as f64 / 1_000.0);
}
