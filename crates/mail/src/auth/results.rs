//! The Authentication-Results field we write, and finding those that claim to be ours (RFC 8601).
//!
//! Nothing from a mail goes in as it is: a value is a token, or a quoted string of printable ASCII (RFC 2045 §5.1), and is cut
//! to a length. Comments hold our own words only.

use super::{AuthResults, AuthSettings, CompositeResult, DkimResult, DmarcPolicy, DmarcResult, SpfResult};
use crate::envelope::Mail;
use std::borrow::Cow;
use std::fmt::Write;

/// Longest value taken from a mail. With it no line of the field comes near 998 octets.
const VALUE_OCTETS_MAX: usize = 320;
/// DKIM results listed; the receipt has them all.
const DKIM_LISTED_MAX: usize = 10;

/// The Authentication-Results header we write (RFC 8601), folded, with "Authentication-Results:" and the final CRLF.
/// Everything that comes from the mail is escaped or left out.
pub fn authentication_results(results: &AuthResults, settings: &AuthSettings, mail: Mail<'_>) -> String {
    let mut field = String::with_capacity(512);
    let _ = write!(field, "Authentication-Results: {}", value(&settings.authserv_id)); // writing to a String cannot fail
    push_spf(&mut field, results, mail);
    push_dkim(&mut field, results);
    push_dmarc(&mut field, results);
    if results.arc.result != DkimResult::None {
        let sealer = results.arc.sealer.as_deref().unwrap_or("unknown");
        let _ = write!(field, ";\r\n\tarc={} (i={}) header.d={}", dkim_word(results.arc.result), results.arc.instances, value(sealer));
    }
    let _ = write!(field, ";\r\n\tcompauth={} reason={:03}\r\n", composite_word(results.composite.result), results.composite.reason);
    field
}

fn push_spf(field: &mut String, results: &AuthResults, mail: Mail<'_>) {
    let _ = write!(field, ";\r\n\tspf={}", spf_word(results.spf.result));
    let _ = match &mail.envelope.sender {
        Some(sender) => write!(field, " smtp.mailfrom={}", value(&sender.to_string())),
        None => write!(field, " smtp.helo={}", value(&mail.peer.helo)),
    };
}

fn push_dkim(field: &mut String, results: &AuthResults) {
    if results.dkim.is_empty() {
        field.push_str(";\r\n\tdkim=none");
    }
    for dkim in results.dkim.iter().take(DKIM_LISTED_MAX) {
        let _ = write!(field, ";\r\n\tdkim={}", dkim_word(dkim.result));
        for (name, text) in [("d", &dkim.domain), ("s", &dkim.selector), ("a", &dkim.algorithm), ("b", &dkim.b)] {
            if !text.is_empty() {
                let _ = write!(field, " header.{name}={}", value(text));
            }
        }
    }
}

/// `policy.action` is what the domain's policy comes to for this mail; "pct." says that the mail fell outside its sample.
fn push_dmarc(field: &mut String, results: &AuthResults) {
    let dmarc = &results.dmarc;
    let action = match (dmarc.result, dmarc.sampled_out, dmarc.policy) {
        (DmarcResult::TempError, ..) => "temperror",
        (DmarcResult::PermError, ..) => "permerror",
        (DmarcResult::Fail, true, DmarcPolicy::Quarantine) => "pct.reject",
        (DmarcResult::Fail, true, _) => "pct.quarantine",
        (DmarcResult::Fail, false, DmarcPolicy::Reject) => "reject",
        (DmarcResult::Fail, false, DmarcPolicy::Quarantine) => "quarantine",
        _ => "none",
    };
    let _ = write!(field, ";\r\n\tdmarc={} policy.action={action}", dmarc_word(dmarc.result));
    if !dmarc.domain.is_empty() {
        let _ = write!(field, " header.from={}", value(&dmarc.domain));
    }
}

/// Places of the fields that carry our authserv-id and that we did not write: a gate drops them before it adds its own
/// (RFC 8601 §5). `fields` are names and values as [`crate::Message::fields`] gives them.
pub fn strip_ours<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>, authserv_id: &str) -> Vec<usize> {
    let is_ours =
        |(_, (name, value)): &(usize, (&[u8], &[u8]))| name.eq_ignore_ascii_case(b"authentication-results") && has_id(value, authserv_id);
    fields.enumerate().filter(is_ours).map(|(at, _)| at).collect()
}

/// The field speaks in the name of `authserv_id`, in any case, with comments and a version or without.
pub(super) fn has_id(value: &[u8], authserv_id: &str) -> bool {
    id_of(value).eq_ignore_ascii_case(authserv_id.as_bytes())
}

/// The results after the authserv-id.
pub(super) fn payload_of(value: &[u8]) -> &[u8] {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, octet) in value.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted || depth > 0 => escaped = true,
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            b';' if !quoted && depth == 0 => return &value[at + 1..],
            _ => {}
        }
    }
    &[]
}

/// The first word: RFC 8601 §2.2 `[CFWS] authserv-id [CFWS version]`, where the id is a token or a quoted string.
fn id_of(value: &[u8]) -> Cow<'_, [u8]> {
    let rest = skip_comments(value);
    if rest.first() != Some(&b'"') {
        let end = rest.iter().position(|octet| octet.is_ascii_whitespace() || b";(/".contains(octet)).unwrap_or(rest.len());
        return Cow::Borrowed(&rest[..end]);
    }
    let (mut id, mut escaped) = (Vec::new(), false);
    for octet in &rest[1..] {
        match octet {
            _ if escaped => {
                id.push(*octet);
                escaped = false;
            }
            b'\\' => escaped = true,
            b'"' => break,
            _ => id.push(*octet),
        }
    }
    Cow::Owned(id)
}

fn skip_comments(value: &[u8]) -> &[u8] {
    let (mut depth, mut escaped) = (0usize, false);
    for (at, octet) in value.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if depth > 0 => escaped = true,
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ if depth > 0 || octet.is_ascii_whitespace() || *octet == 0 => {}
            _ => return &value[at..],
        }
    }
    &[]
}

/// RFC 8601 §2.2 "value": a token, or a quoted string with anything odd replaced.
fn value(text: &str) -> Cow<'_, str> {
    let is_token = |octet: u8| octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&octet);
    // pvalue allows `local@domain` without quotes.
    if !text.is_empty() && text.len() <= VALUE_OCTETS_MAX && text.bytes().all(|octet| is_token(octet) || octet == b'@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().min(VALUE_OCTETS_MAX) + 2);
    out.push('"');
    for character in text.chars().take(VALUE_OCTETS_MAX) {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ => out.push('?'),
        }
    }
    out.push('"');
    Cow::Owned(out)
}

fn spf_word(result: SpfResult) -> &'static str {
    match result {
        SpfResult::None => "none",
        SpfResult::Neutral => "neutral",
        SpfResult::Pass => "pass",
        SpfResult::Fail => "fail",
        SpfResult::SoftFail => "softfail",
        SpfResult::TempError => "temperror",
        SpfResult::PermError => "permerror",
    }
}

fn dkim_word(result: DkimResult) -> &'static str {
    match result {
        DkimResult::None => "none",
        DkimResult::Pass => "pass",
        DkimResult::Fail => "fail",
        DkimResult::Policy => "policy",
        DkimResult::Neutral => "neutral",
        DkimResult::TempError => "temperror",
        DkimResult::PermError => "permerror",
    }
}

fn dmarc_word(result: DmarcResult) -> &'static str {
    match result {
        DmarcResult::None => "none",
        DmarcResult::Pass => "pass",
        DmarcResult::Fail => "fail",
        DmarcResult::BestGuessPass => "bestguesspass",
        DmarcResult::TempError => "temperror",
        DmarcResult::PermError => "permerror",
    }
}

fn composite_word(result: CompositeResult) -> &'static str {
    match result {
        CompositeResult::None => "none",
        CompositeResult::Pass => "pass",
        CompositeResult::SoftPass => "softpass",
        CompositeResult::Fail => "fail",
    }
}
