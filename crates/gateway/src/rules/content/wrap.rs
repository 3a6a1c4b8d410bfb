//! A new message around one that cannot be edited: the disclaimer, then the original as an attachment (RFC 2046 §5.2.1).

use super::disclaimer::Disclaimer;
use super::encoding::Encoding;
use super::header;
use crate::rules::Place;

/// The octets of the new message. `name` is unique for the mail. The header is the original's but for what says how to read its body.
pub(super) fn wrap(octets: &[u8], disclaimer: &Disclaimer, name: &str) -> Vec<u8> {
    let boundary = boundary(octets, name);
    let mut out = Vec::with_capacity(octets.len() + 2_048);
    let head = &octets[..header::end(octets)];
    for (field, range) in header::fields(head) {
        let is_of_body = field.get(..8).is_some_and(|begin| begin.eq_ignore_ascii_case(b"content-"));
        if !is_of_body && !field.eq_ignore_ascii_case(b"mime-version") {
            out.extend_from_slice(&head[range]);
        }
    }
    if !out.is_empty() && !out.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n").as_bytes());
    let text = || {
        let mut part =
            format!("--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n").into_bytes();
        part.extend_from_slice(&Encoding::QuotedPrintable.encode(disclaimer.text().as_bytes()));
        part
    };
    let original = || {
        let eight = if octets.is_ascii() { "7bit" } else { "8bit" };
        let mut part = format!("--{boundary}\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: {eight}\r\n\r\n").into_bytes();
        part.extend_from_slice(octets);
        part.extend_from_slice(b"\r\n");
        part
    };
    let parts = if disclaimer.place == Place::Append { [original(), text()] } else { [text(), original()] };
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}

/// One that stands nowhere in the original.
fn boundary(octets: &[u8], name: &str) -> String {
    let clean: String = name.chars().filter(char::is_ascii_alphanumeric).take(30).collect();
    let mut n = 0u32;
    loop {
        let boundary = format!("=_gatepost-{clean}-{n}");
        // Ends: a message of finite length holds finitely many of these.
        if memchr::memmem::find(octets, boundary.as_bytes()).is_none() {
            return boundary;
        }
        n += 1;
    }
}
