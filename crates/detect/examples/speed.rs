//! Prints how long the start and the inspections of a message take: `cargo run --release -p detect --example speed`.
//!
//! Reading the message is not in it (`mail`'s `parse_speed`); signatures and the classifier are, each on its own line.

use detect::malware::{Engine, signatures::Signatures};
use detect::{Detector, Surroundings};
use futures_util::FutureExt;
use mail::auth::{Arc, Composite, CompositeResult, DkimResult, Dmarc, DmarcPolicy, DmarcResult, Spf, SpfResult};
use mail::message::Budget;
use mail::{AuthResults, Envelope, Mail, Message, Peer};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

const RUNS: usize = 2_000;

fn main() {
    let start = Instant::now();
    let _signatures = Signatures::built_in();
    println!("compiling the rules: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    let detector = Detector::built_in();
    println!("the detector: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let header = "From: Ann <ann@example.org>\r\nTo: bo@example.net\r\nSubject: Minutes\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\n\
                  Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n";
    let line = "The quick brown fox jumps over the lazy dog, and then it rests. It does so daily.\r\n";
    measure(&detector, "plain text, 4 KB", format!("{header}\r\n{}", line.repeat(45)));
    measure(&detector, "multipart with HTML, 51 links", multipart(header));
    measure(&detector, "plain text, 500 KB", format!("{header}\r\n{}", line.repeat(6_200)));
    measure(&detector, "attachment, 500 KB", attachment(header));
}

fn measure(detector: &Detector, what: &str, raw: String) {
    let octets = raw.len();
    let message = Message::parse(raw.into_bytes().into(), &Budget::default());
    let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let peer = Peer {
        ip,
        port: 0,
        local: SocketAddr::new(ip, 25),
        reverse: Default::default(),
        helo: String::new(),
        esmtp: true,
        tls: None,
        authenticated: None,
    };
    let envelope = Envelope {
        sender: None,
        recipients: Vec::new(),
        smtputf8: false,
        body: Default::default(),
        require_tls: false,
        ret: None,
        envid: None,
    };
    let surroundings = Surroundings {
        own_domains: (0..100).map(|number| format!("organisation{number}.example.com")).chain(["example.net".to_string()]).collect(),
        people: (0..50).map(|number| (format!("Person Number{number}"), format!("person{number}@example.net"))).collect(),
        blocked_types: detect::attachment::BLOCKED_TYPES.iter().map(|extension| (*extension).to_string()).collect(),
        derived: Default::default(),
    };
    let auth = neutral();
    let now_ms = message.date_ms.unwrap_or_default();
    let mut steps: BTreeMap<&str, f64> = BTreeMap::new();
    let mut whole: Vec<f64> = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms };
        let start = Instant::now();
        let seen = detector.inspect(mail, &auth, &surroundings).now_or_never().unwrap_or_default();
        whole.push(start.elapsed().as_secs_f64() * 1e6);
        for (step, micros) in seen.micros {
            *steps.entry(step).or_default() += f64::from(micros) / RUNS as f64;
        }
    }
    whole.sort_by(f64::total_cmp);
    let steps: Vec<String> = steps.iter().map(|(step, micros)| format!("{step} {micros:.0}")).collect();
    println!("{what}: {octets} octets: median {:.1} µs, fastest {:.1} ({})", whole[RUNS / 2], whole[0], steps.join(", "));
    let start = Instant::now();
    for _ in 0..RUNS / 10 {
        for engine in &detector.engines {
            std::hint::black_box(Engine::scan(engine.as_ref(), &message).now_or_never());
        }
    }
    println!("    engines alone {:.1} µs", start.elapsed().as_secs_f64() * 1e6 / (RUNS / 10) as f64);
}

fn multipart(header: &str) -> String {
    let mut html = String::from("<html><body><table bgcolor=\"#ffffff\">");
    for number in 0..51 {
        let shop = number % 7;
        let _ = write!(
            html,
            "<tr><td style=\"font-size:14px;color:#333333\">Item {number} &amp; more</td><td>\
             <a href=\"https://shop{shop}.example.com/offer?id={number}&amp;x=1\" style=\"color:#0055aa\">Offer number {number}</a></td></tr>\r\n"
        );
    }
    format!(
        "{header}Content-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         See our offers.\r\n--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}</table></body></html>\r\n--=_b--\r\n"
    )
}

fn attachment(header: &str) -> String {
    let encoded = "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4gVGhlIHF1aWNr\r\n".repeat(6_600);
    format!("{header}Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}")
}

fn neutral() -> AuthResults {
    AuthResults {
        spf: Spf { result: SpfResult::None, domain: String::new(), by_helo: false, why: String::new() },
        dkim: Vec::new(),
        dmarc: Dmarc {
            result: DmarcResult::Pass,
            domain: "example.org".into(),
            policy_domain: None,
            policy: DmarcPolicy::None,
            sampled_out: false,
            why: String::new(),
        },
        arc: Arc { result: DkimResult::None, instances: 0, sealer: None, trusted: false, why: String::new() },
        composite: Composite { result: CompositeResult::Pass, reason: 100 },
        dns_lookups: 0,
    }
}
