//! Prints how long reading a message takes: `cargo run --release -p mail --example parse_speed [FILE...]`.

use bytes::Bytes;
use mail::Message;
use mail::message::Budget;
use std::fmt::Write;
use std::time::Instant;

/// Each message is read for about this long.
const MEASURE_MS: u128 = 500;

fn main() {
    let header = "From: Ann <ann@example.org>\r\nTo: bo@example.net\r\nSubject: Minutes\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\
                  Received: from a.example.org by b.example.net; Mon, 2 Mar 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n";
    let line = "The quick brown fox jumps over the lazy dog, and then it rests. It does so daily.\r\n";
    measure("plain text, 4 KB", format!("{header}\r\n{}", line.repeat(45)));
    measure("multipart with HTML, 11 KB, 51 links", multipart(header));
    measure("plain text, 500 KB", format!("{header}\r\n{}", line.repeat(6_200)));
    measure(
        "HTML, 500 KB",
        format!(
            "{header}Content-Type: text/html\r\n\r\n{}",
            "<p style=\"color:#333\">The quick <b>brown</b> fox jumps over the lazy dog.</p>\r\n".repeat(6_600)
        ),
    );
    measure("base64 attachment, 1 MB", attachment(header));
    for path in std::env::args().skip(1) {
        match std::fs::read(&path) {
            Ok(raw) => measure(&path, raw),
            Err(why) => eprintln!("{path}: {why}"),
        }
    }
}

fn measure(what: &str, raw: impl Into<Vec<u8>>) {
    let raw = Bytes::from(raw.into());
    let budget = Budget::default();
    let message = Message::parse(raw.clone(), &budget);
    let mut micros = Vec::new();
    let started = Instant::now();
    while started.elapsed().as_millis() < MEASURE_MS {
        let one = Instant::now();
        std::hint::black_box(Message::parse(raw.clone(), &budget));
        micros.push(one.elapsed().as_secs_f64() * 1e6);
    }
    micros.sort_by(f64::total_cmp);
    let median = micros[micros.len() / 2];
    println!(
        "{what}: {} octets, {} links, {} attachments, {} defects: {median:.1} us, fastest {:.1}",
        raw.len(),
        message.links.len(),
        message.attachments.len(),
        message.defects.len(),
        micros[0]
    );
}

fn multipart(header: &str) -> String {
    let mut html = String::from("<html><body><table bgcolor=\"#ffffff\">");
    for number in 0..51 {
        let _ = write!(
            html,
            "<tr><td style=\"font-size:14px;color:#333333\">Item {number} &amp; more</td><td><a href=\"https://shop{}.example.com/offer?id={number}&amp;x=1\" style=\"color:#0055aa\">Offer number {number}</a></td></tr>\r\n",
            number % 7
        );
    }
    html.push_str("</table></body></html>");
    format!(
        "{header}Content-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee our offers.\r\n--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--=_b--\r\n"
    )
}

fn attachment(header: &str) -> String {
    let encoded = "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4gVGhlIHF1aWNr\r\n".repeat(13_600);
    format!("{header}Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}")
}
