//! Prints how long the start, the reading and the inspections of a message take:
//! `cargo run --release -p detect --example speed`.
//!
//! The bar is 1 ms for a mail of 10 KB and 10 ms for 500 KB with one attachment, reading and everything else together, on one
//! core, without checks over the network.

use detect::malware::signatures::Signatures;
use detect::{Detector, Surroundings};
use futures_util::FutureExt;
use mail::auth::{Composite, CompositeResult, DmarcResult};
use mail::message::Budget;
use mail::{AuthResults, Envelope, Mail, Message, Peer};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
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
    measure(&detector, "plain text, 10 KB", format!("{header}\r\n{}", line.repeat(120)));
    measure(&detector, "multipart with HTML, 51 links", multipart(header));
    measure(&detector, "plain text, 500 KB", format!("{header}\r\n{}", line.repeat(6_200)));
    measure(&detector, "unknown octets, 500 KB", attachment(header, "a.bin", &noise(370_000)));
    measure(&detector, "picture, 500 KB", attachment(header, "a.jpg", &[b"\xff\xd8\xff\xe0", &noise(370_000)[..]].concat()));
    measure(&detector, "text, 500 KB", attachment(header, "a.txt", line.repeat(4_500).as_bytes()));
    measure(&detector, "document, 500 KB", attachment(header, "a.docx", &document()));
    measure(&detector, "PDF, 500 KB", attachment(header, "a.pdf", &pdf()));
}

fn measure(detector: &Detector, what: &str, raw: String) {
    let octets = raw.len();
    let raw = bytes::Bytes::from(raw);
    let mut reading: Vec<f64> = (0..RUNS / 4)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(Message::parse(raw.clone(), &Budget::default()));
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    reading.sort_by(f64::total_cmp);
    let read_micros = reading[reading.len() / 2];
    let message = Message::parse(raw, &Budget::default());
    let (peer, envelope) = (Peer::at([192, 0, 2, 1].into()), Envelope::empty());
    let surroundings = Surroundings {
        own_domains: (0..100).map(|number| format!("organisation{number}.example.com")).chain(["example.net".to_string()]).collect(),
        people: (0..50).map(|number| (format!("Person Number{number}"), format!("person{number}@example.net"))).collect(),
        blocked_types: detect::attachment::BLOCKED_TYPES.iter().map(|extension| (*extension).to_string()).collect(),
        ..Surroundings::default()
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
    let inspect_micros = whole[RUNS / 2];
    println!(
        "{what}: {octets} octets: {:.0} µs = reading {read_micros:.0} + inspecting {inspect_micros:.0} ({})",
        read_micros + inspect_micros,
        steps.join(", ")
    );
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

fn attachment(header: &str, name: &str, content: &[u8]) -> String {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(content);
    let lines: Vec<&str> = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!(
        "{header}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHere is the file.\r\n--b\r\n\
         Content-Type: application/octet-stream; name={name}\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        lines.join("\r\n")
    )
}

/// Octets that do not pack, the same every time.
fn noise(octets: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    })
    .take(octets)
    .collect()
}

/// A Word document as such programs write it: text, styles, a picture.
fn document() -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let text = "<w:p><w:r><w:t>The quick brown fox jumps over the lazy dog</w:t></w:r></w:p>".repeat(2_000);
    for (name, content) in [
        ("[Content_Types].xml", b"<Types/>".to_vec()),
        ("_rels/.rels", b"<Relationships/>".to_vec()),
        ("word/document.xml", text.into_bytes()),
        ("word/styles.xml", "<w:style w:name=\"Normal\"/>".repeat(1_000).into_bytes()),
        ("word/media/image1.png", noise(350_000)),
    ] {
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        out.start_file(name, options).expect("a buffer takes it");
        out.write_all(&content).expect("a buffer takes it");
    }
    out.finish().expect("a buffer takes it").into_inner()
}

/// Forty pages of text and ten pictures.
fn pdf() -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    for page in 0..50 {
        let (dictionary, content) = match page {
            0..40 => ("/Filter /FlateDecode", format!("BT /F1 12 Tf (Page {page} of the minutes) Tj ET\n").repeat(100).into_bytes()),
            _ => ("/Subtype /Image /Filter /FlateDecode", noise(35_000)),
        };
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&content).expect("a buffer takes it");
        let packed = packed.finish().expect("a buffer takes it");
        let head = format!("{page} 0 obj\n<< /Length {} {dictionary} >>\nstream\n", packed.len());
        out.extend([head.as_bytes(), &packed, b"\nendstream\nendobj\n"].concat());
    }
    out
}

fn neutral() -> AuthResults {
    let mut auth = AuthResults::not_asked("example.org");
    auth.dmarc.result = DmarcResult::Pass;
    auth.composite = Composite { result: CompositeResult::Pass, reason: 100 };
    auth
}
