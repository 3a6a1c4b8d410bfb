//! Small texts of the header: encoded words and octets in some charset, as a person reads them.

use super::style::floor_boundary;
use super::{MESSAGE_ID_OCTETS_MAX, charset};

/// Longest date read; RFC 5322 §3.3 dates have 31 characters without comments.
const DATE_OCTETS_MAX: usize = 200;

/// Octets in a charset (UTF-8 without one) as one line of text without controls.
pub(super) fn octets_to_text(octets: &[u8], charset: Option<&str>) -> String {
    let text = charset::decode(octets, charset).text;
    if text.bytes().any(|octet| octet < b' ' || octet == 0x7f) { without_controls(&text) } else { text.trim().to_owned() }
}

fn without_controls(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|one| !matches!(one, '\r' | '\n'))
        .map(|one| if one == '\t' { ' ' } else { one })
        .filter(|one| !one.is_control())
        .collect();
    kept.trim().to_owned()
}

/// The Message-ID with its brackets, as given.
pub(super) fn message_id(value: &[u8]) -> Option<String> {
    let text = octets_to_text(&value[..value.len().min(MESSAGE_ID_OCTETS_MAX * 2)], None);
    let start = text.find('<').unwrap_or(0);
    let end = text[start..].find('>').map_or(text.len(), |end| start + end + 1);
    let id = &text[start..floor_boundary(&text, end.min(start + MESSAGE_ID_OCTETS_MAX))];
    (!id.is_empty()).then(|| id.to_owned())
}

/// Unix milliseconds of a date (RFC 5322 §3.3); `None` when it is not one.
pub fn date_ms(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(&value[..value.len().min(DATE_OCTETS_MAX)]).ok()?;
    let date = mail_parser::DateTime::parse_rfc822(text)?;
    date.is_valid().then(|| date.to_timestamp().saturating_mul(1000))
}
