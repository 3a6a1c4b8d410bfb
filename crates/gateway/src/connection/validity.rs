//! From when until when a certificate holds: the one field of it that we read ourselves.

use rustls::pki_types::CertificateDer;

/// Deeper is not looked.
const LENGTH_OCTETS_MAX: usize = 4;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `notAfter` in Unix milliseconds (RFC 5280 §4.1.2.5); `None` when it cannot be read.
pub fn until_ms(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (tag, text, _) = element(element(validity(certificate)?)?.2)?;
    time_ms(tag, std::str::from_utf8(text).ok()?)
}

/// `notBefore`, as [`until_ms`].
pub fn from_ms(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (tag, text, _) = element(validity(certificate)?)?;
    time_ms(tag, std::str::from_utf8(text).ok()?)
}

/// The two times.
fn validity<'a>(certificate: &'a CertificateDer<'_>) -> Option<&'a [u8]> {
    let (_, whole, _) = element(certificate)?;
    let (_, mut rest, _) = element(whole).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (tag, _, after) = element(rest)?;
    if tag == VERSION {
        rest = after;
    }
    // serialNumber, signature, issuer
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    element(rest).filter(|(tag, ..)| *tag == SEQUENCE).map(|(_, validity, _)| validity)
}

/// Tag, content and what comes after one element of DER.
fn element(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = octets.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..0x80 => (usize::from(*short), rest),
        long => {
            let count = usize::from(long & 0x7f);
            let head = rest.get(..count).filter(|_| (1..=LENGTH_OCTETS_MAX).contains(&count))?;
            (head.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), &rest[count..])
        }
    };
    Some((*tag, rest.get(..length)?, &rest[length..]))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (RFC 5280 §4.1.2.5.1: years from 50 on are of the last century).
fn time_ms(tag: u8, text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').filter(|text| text.bytes().all(|octet| octet.is_ascii_digit()))?;
    let (year, rest) = match tag {
        UTC_TIME if text.len() == 12 => {
            let year: i16 = text[..2].parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, &text[2..])
        }
        GENERALIZED_TIME if text.len() == 14 => (text[..4].parse().ok()?, &text[4..]),
        _ => return None,
    };
    let pair = |at: usize| rest[at..at + 2].parse::<i8>().ok();
    let date = jiff::civil::DateTime::new(year, pair(0)?, pair(2)?, pair(4)?, pair(6)?, pair(8)?, 0).ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read() {
        let mut params = rcgen::CertificateParams::new(vec!["a.example".to_string()]).expect("a name");
        let key = rcgen::KeyPair::generate().expect("a key");
        for (year, want) in [(2020, 1_577_836_800_000), (2049, 2_493_072_000_000), (2061, 2_871_763_200_000)] {
            params.not_before = rcgen::date_time_ymd(2010, 1, 1);
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            let made = params.self_signed(&key).expect("a certificate");
            assert_eq!(until_ms(made.der()), Some(want), "{year}");
            assert_eq!(from_ms(made.der()), Some(1_262_304_000_000), "it begins in 2010");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        for octets in [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x03\x30\x01\x00", b"hello"] {
            assert_eq!(until_ms(&CertificateDer::from(octets)), None);
        }
    }
}
