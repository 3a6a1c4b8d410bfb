//! What a person wants to know of a certificate: for whom, by whom, until when (RFC 5280 §4.1).
//!
//! In: DER as a server showed it. Out: [`Certificate`]. Whether it is to be trusted is rustls' to say, not ours: this only reads. What
//! cannot be read is left empty.

use serde::{Deserialize, Serialize};

/// Names shown of one certificate.
const NAMES_MAX: usize = 50;
/// Nested values that are looked at.
const ITEMS_MAX: usize = 200;

const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERAL_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// GeneralName dNSName and iPAddress (RFC 5280 §4.2.1.6).
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// One certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Certificate {
    /// Common name of whom it is for; often empty in newer ones.
    pub subject: String,
    /// Common name, else the whole, of who signed it.
    pub issuer: String,
    /// Names and addresses it is good for.
    pub names: Vec<String>,
    /// Unix milliseconds; 0 when it cannot be read.
    pub from_ms: i64,
    pub until_ms: i64,
    /// SHA-256 in hex.
    pub sha256: String,
}

/// SHA-256 of a certificate in lower-case hex.
pub fn fingerprint(der: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Whether a fingerprint is the pinned one, which people write with colons and in any case.
pub fn is_pinned(fingerprint: &str, pin: &str) -> bool {
    let pin: String = pin.chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_lowercase()).collect();
    pin == fingerprint
}

impl Certificate {
    pub fn read(der: &[u8]) -> Certificate {
        let mut found = Certificate { sha256: fingerprint(der), ..Certificate::default() };
        if let Some((_, whole, _)) = value(der)
            && let Some((_, body, _)) = value(whole)
        {
            found.read_body(body);
        }
        found
    }

    /// version? serial algorithm issuer validity subject key … extensions?
    fn read_body(&mut self, body: &[u8]) {
        let items: Vec<(u8, &[u8])> = values(body).collect();
        let first = usize::from(items.first().is_some_and(|(tag, _)| *tag == VERSION));
        let item = |at: usize| items.get(first + at).map(|(_, content)| *content).unwrap_or_default();
        self.issuer = common_name(item(2));
        self.subject = common_name(item(4));
        let times: Vec<i64> = values(item(3)).map(|(tag, text)| time_ms(tag, text).unwrap_or(0)).collect();
        self.from_ms = times.first().copied().unwrap_or(0);
        self.until_ms = times.get(1).copied().unwrap_or(0);
        if let Some((_, extensions)) = items.iter().find(|(tag, _)| *tag == EXTENSIONS) {
            self.names = alternative_names(extensions);
        }
    }
}

/// SubjectPublicKeyInfo of a certificate, with its tag and length (RFC 5280 §4.1.2.7).
pub fn public_key(der: &[u8]) -> Option<&[u8]> {
    let (_, whole, _) = value(der)?;
    let (_, mut rest, _) = value(whole)?;
    // version? serial algorithm issuer validity subject, then the key
    let before = if rest.first() == Some(&VERSION) { 6 } else { 5 };
    for _ in 0..before {
        (_, _, rest) = value(rest)?;
    }
    let (_, _, after) = value(rest)?;
    Some(&rest[..rest.len() - after.len()])
}

/// Tag, content and what follows of the value at the front (X.690 §8.1).
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        length @ 0..=0x7f => (length, rest),
        many @ 0x81..=0x83 => {
            let (octets, rest) = rest.split_at_checked(many - 0x80)?;
            (octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn values(mut der: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = value(der)?;
        der = rest;
        Some((tag, content))
    })
    .take(ITEMS_MAX)
}

/// The common name in a Name; the last text in it where there is none.
fn common_name(name: &[u8]) -> String {
    let mut last = String::new();
    for (_, set) in values(name).filter(|(tag, _)| *tag == SET) {
        for (_, pair) in values(set).filter(|(tag, _)| *tag == SEQUENCE) {
            let parts: Vec<(u8, &[u8])> = values(pair).collect();
            let [(OID, kind), (_, text)] = parts.as_slice() else { continue };
            last = printable(text);
            if *kind == COMMON_NAME {
                return last;
            }
        }
    }
    last
}

fn alternative_names(extensions: &[u8]) -> Vec<String> {
    let Some((_, list, _)) = value(extensions) else { return Vec::new() };
    for (_, extension) in values(list) {
        let parts: Vec<(u8, &[u8])> = values(extension).filter(|(tag, _)| *tag != BOOLEAN).collect();
        if let [(OID, ALTERNATIVE_NAMES), (OCTET_STRING, inside)] = parts.as_slice() {
            let names = value(inside).map(|(_, names, _)| names).unwrap_or_default();
            return values(names).filter_map(|(tag, text)| general_name(tag, text)).take(NAMES_MAX).collect();
        }
    }
    Vec::new()
}

fn general_name(tag: u8, text: &[u8]) -> Option<String> {
    match tag {
        DNS_NAME => Some(printable(text)),
        IP_ADDRESS => match text.len() {
            4 => <[u8; 4]>::try_from(text).ok().map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
            _ => <[u8; 16]>::try_from(text).ok().map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
        },
        _ => None,
    }
}

fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(200).collect()
}

/// RFC 5280 §4.1.2.5: `YYMMDDHHMMSSZ` for 1950 to 2049, else `YYYYMMDDHHMMSSZ`.
fn time_ms(tag: u8, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match tag {
        UTC_TIME => format!("{}{text}", if text.get(..2)?.parse::<u8>().ok()? < 50 { "20" } else { "19" }),
        GENERAL_TIME => text.to_string(),
        _ => return None,
    };
    let at = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &text).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_says_for_whom_by_whom_and_until_when() {
        let mut parameters = rcgen::CertificateParams::new(vec!["mx.a.example".into(), "192.0.2.1".into()]).expect("names");
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 2);
        parameters.not_after = rcgen::date_time_ymd(2051, 3, 4);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "mx.a.example");
        let made = parameters.self_signed(&rcgen::KeyPair::generate().expect("a key")).expect("a certificate");
        let read = Certificate::read(made.der());
        assert_eq!((read.subject.as_str(), read.issuer.as_str()), ("mx.a.example", "mx.a.example"));
        assert_eq!(read.names, ["mx.a.example", "192.0.2.1"]);
        assert_eq!((read.from_ms, read.until_ms), (1_767_312_000_000, 2_561_500_800_000));
        assert_eq!(read.sha256, fingerprint(made.der()));
    }

    #[test]
    fn what_is_no_certificate_reads_as_nothing() {
        let long = [&[0x30, 0x83, 0xff, 0xff, 0xff][..], &[0x30; 100]].concat();
        for der in [&b""[..], b"\x30", b"\x30\x80", b"\x30\x03\x30\x01\x00", &[0x30; 500], &long] {
            let read = Certificate::read(der);
            assert_eq!((read.subject.as_str(), read.until_ms), ("", 0));
        }
    }

    #[test]
    fn a_pin_is_written_as_people_copy_it() {
        assert!(is_pinned("ab01", "AB:01"));
        assert!(!is_pinned("ab01", "ab0"));
        assert!(!is_pinned("ab01", ""));
    }
}
