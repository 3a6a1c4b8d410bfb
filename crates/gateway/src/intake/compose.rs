//! The octets that go into the store: our trace header on top, the message below, minus what nobody outside may claim.

use super::Gate;
use bytes::{Bytes, BytesMut};
use mail::auth::{AuthResults, AuthSettings, authentication_results, strip_ours};
use mail::{Mail, MailId};

/// Received (RFC 5321 §4.4), Authentication-Results (RFC 8601), then the message as received without fields that are ours to write.
pub fn octets(gate: &Gate, (id, mail): (MailId, Mail<'_>), auth: &AuthResults, settings: &AuthSettings, signature: &str) -> Bytes {
    let message = mail.message;
    let mut out = BytesMut::with_capacity(message.raw().len() + 1_024 + signature.len());
    out.extend_from_slice(received(gate, id, mail).as_bytes());
    out.extend_from_slice(authentication_results(auth, settings, mail).as_bytes());
    out.extend_from_slice(signature.as_bytes());
    let raw = message.raw();
    let mut kept_from = 0;
    for span in claimed(mail, settings) {
        out.extend_from_slice(&raw[kept_from..span.start]);
        kept_from = span.end;
    }
    out.extend_from_slice(&raw[kept_from..]);
    out.freeze()
}

/// Spans of fields that only we may write: Authentication-Results with our name (RFC 8601 §5), X-Gatepost-*, and the
/// X-Forefront-Antispam-Report that servers behind us may trust.
fn claimed(mail: Mail<'_>, settings: &AuthSettings) -> Vec<std::ops::Range<usize>> {
    let message = mail.message;
    let results = strip_ours(message.fields(), &settings.authserv_id);
    let is_ours = |name: &[u8]| {
        name.len() >= OUR_PREFIX.len() && name[..OUR_PREFIX.len()].eq_ignore_ascii_case(OUR_PREFIX)
            || name.eq_ignore_ascii_case(b"x-forefront-antispam-report")
    };
    let fields = message.fields().enumerate();
    let ours = fields.filter(|(index, (name, _))| is_ours(name) || results.contains(index)).map(|(index, _)| index);
    ours.filter_map(|index| message.field_span(index)).collect()
}

const OUR_PREFIX: &[u8] = b"x-gatepost-";

fn received(gate: &Gate, id: MailId, mail: Mail<'_>) -> String {
    let peer = mail.peer;
    let protocol = match (mail.envelope.smtputf8, peer.esmtp) {
        (true, _) => "UTF8SMTP", // RFC 6531 §4.3
        (false, true) => "ESMTP",
        (false, false) => "SMTP",
    };
    let encrypted = if peer.tls.is_some() { "S" } else { "" };
    let authenticated = if peer.authenticated.is_some() { "A" } else { "" }; // RFC 3848
    let tls = peer.tls.as_ref().map(|tls| format!("\r\n\t(using {} with cipher {})", tls.version, tls.cipher)).unwrap_or_default();
    // RFC 5321 §7.2: naming a recipient would show blind copies to the others.
    let recipient = match mail.envelope.recipients.as_slice() {
        [only] if only.address.to_string().is_ascii() => format!("\r\n\tfor <{}>", only.address),
        _ => String::new(),
    };
    format!(
        "Received: from {} ({} [{}])\r\n\tby {} (Gatepost) with {protocol}{encrypted}{authenticated} id {id}{tls}{recipient};\r\n\t{}\r\n",
        atom(&peer.helo),
        peer.reverse.name().map(atom).unwrap_or_else(|| "unknown".into()),
        literal(peer.ip),
        gate.name,
        date(mail.now_ms),
    )
}

/// HELO and PTR are the peer's words: only what a host name or address literal may hold is kept.
fn atom(text: &str) -> String {
    let kept: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_[]:".contains(*c)).take(255).collect();
    if kept.is_empty() { "unknown".into() } else { kept }
}

fn literal(ip: std::net::IpAddr) -> String {
    match ip {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("IPv6:{ip}"),
    }
}

/// RFC 5322 §3.3 date, in UTC.
pub fn date(now_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
