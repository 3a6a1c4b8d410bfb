//! A message is read whatever it is, and what is odd about it is said.

mod containers;
mod defects;
mod file_types;
mod hostile;
mod html;
mod links;
mod parts;
mod suites;

use super::*;

/// EICAR test file (eicar.org), in halves so that this source is not taken for it.
fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

fn parse(raw: impl AsRef<[u8]>) -> Message {
    Message::parse(Bytes::copy_from_slice(raw.as_ref()), &Budget::default())
}

/// A message of these header lines and this body, with LF as line end.
fn message(header: &str, body: &str) -> Message {
    parse(format!("From: a@example.org\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n{header}\n{body}"))
}

/// A multipart/mixed of these parts.
fn mixed(parts: &[&str]) -> Message {
    let body: String = parts.iter().map(|part| format!("--b\n{part}\n")).collect();
    message("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n", &format!("{body}--b--\n"))
}

fn kinds(message: &Message) -> Vec<DefectKind> {
    let mut kinds: Vec<DefectKind> = message.defects.iter().map(|defect| defect.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[test]
fn an_ordinary_message_has_no_defect() {
    let raw = "From: Ann <ann@example.org>\r\nTo: bo@example.net\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from\r\n here\r\n\
               Date: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nSee https://example.com/a.\r\n";
    let message = parse(raw);
    assert_eq!(message.defects, []);
    assert_eq!(message.subject, "Grüße from here");
    assert_eq!(message.message_id.as_deref(), Some("<1@example.org>"));
    assert_eq!(message.date_ms, Some(1_772_445_600_000));
    assert_eq!(message.first("subject"), Some(&b" =?utf-8?q?Gr=C3=BC=C3=9Fe?= from\r\n here"[..]));
    assert_eq!(message.all("TO").collect::<Vec<_>>(), [b" bo@example.net"]);
    assert_eq!(message.body(), "See https://example.com/a.\r\n");
    assert_eq!(message.texts.len(), 1);
    assert_eq!(message.texts[0].visible, "See https://example.com/a.\r\n");
    assert_eq!(message.links[0].target, "https://example.com/a");
    assert!(message.attachments.is_empty());
}

#[test]
fn the_empty_input_is_a_message() {
    let message = parse("");
    assert_eq!(message.body(), "");
    assert_eq!(kinds(&message), [DefectKind::MissingHeader]);
}
