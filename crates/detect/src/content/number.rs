//! Numbers that a text gives: bank accounts and telephones.
//!
//! In: visible text. Out: the numbers as written. Digits of all scripts and full-width ones count.

/// RFC-free shapes: ISO 13616 gives an IBAN 15 to 34 characters.
const IBAN_CHARS: std::ops::RangeInclusive<usize> = 15..=34;
/// Digits of a bank account or card written without a check letter.
const ACCOUNT_DIGITS: std::ops::RangeInclusive<usize> = 8..=20;
/// ITU-T E.164: at most 15 digits; local ones without area code do not call far.
const TELEPHONE_DIGITS: std::ops::RangeInclusive<usize> = 10..=15;
/// How far behind a word its number stands, in characters.
const NEAR_CHARS: usize = 90;
/// Octets searched for accounts.
const TEXT_OCTETS_MAX: usize = 24 << 10;

/// Account numbers: valid IBANs, and digits after a word for an account.
pub fn account_numbers(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut end = text.len().min(TEXT_OCTETS_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    ibans(text).chain(labelled(text))
}

fn ibans(text: &str) -> impl Iterator<Item = String> + '_ {
    let octets = text.as_bytes();
    (0..octets.len().saturating_sub(*IBAN_CHARS.start())).filter_map(move |at| {
        let is_start = octets[at].is_ascii_uppercase()
            && octets[at + 1].is_ascii_uppercase()
            && octets[at + 2].is_ascii_digit()
            && octets[at + 3].is_ascii_digit()
            && (at == 0 || !octets[at - 1].is_ascii_alphanumeric());
        if !is_start {
            return None;
        }
        let taken = octets[at..].iter().take(2 * IBAN_CHARS.end()).take_while(|octet| octet.is_ascii_alphanumeric() || **octet == b' ');
        let chars: Vec<u8> = taken.copied().filter(|octet| *octet != b' ').take(*IBAN_CHARS.end()).collect();
        // Words may follow, so every length is tried.
        let valid = IBAN_CHARS.rev().filter(|length| *length <= chars.len()).find(|length| is_iban(&chars[..*length]))?;
        Some(format!("IBAN {}", String::from_utf8_lossy(&chars[..valid])))
    })
}

/// ISO 13616: with the first four characters moved to the end and letters as 10 to 35, the number is 1 modulo 97.
fn is_iban(chars: &[u8]) -> bool {
    let rest = chars[4..].iter().chain(&chars[..4]).try_fold(0u32, |rest, octet| match octet {
        b'0'..=b'9' => Some((rest * 10 + u32::from(octet - b'0')) % 97),
        b'A'..=b'Z' => Some((rest * 100 + u32::from(octet - b'A') + 10) % 97),
        _ => None,
    });
    rest == Some(1)
}

fn labelled(text: &str) -> impl Iterator<Item = String> + '_ {
    const LABELS: [&str; 10] = ["ccount number", "ccount no", "a/c", "account:", "账号", "帐号", "卡号", "户名", "kontonummer", "ccount #"];
    LABELS.into_iter().flat_map(move |label| text.match_indices(label)).filter_map(move |(at, label)| {
        let digits = digits_within(&text[at + label.len()..], NEAR_CHARS / 2, *ACCOUNT_DIGITS.start())?;
        ACCOUNT_DIGITS.contains(&digits.len()).then(|| format!("account {digits}"))
    })
}

/// A telephone number within a few words after `from`.
pub fn telephone_after(text: &str, from: usize) -> Option<String> {
    let digits = digits_within(text.get(from..)?, NEAR_CHARS, *TELEPHONE_DIGITS.start())?;
    TELEPHONE_DIGITS.contains(&digits.len()).then_some(digits)
}

/// The first run of at least `digits_min` digits, with the marks that numbers are written with between them.
fn digits_within(text: &str, chars_max: usize, digits_min: usize) -> Option<String> {
    let mut digits = String::new();
    let mut gap = 0;
    for c in text.chars().take(chars_max) {
        // Full-width and mathematical digits decompose to the plain ones.
        let plain = unicode_normalization::char::decompose_compatible;
        let mut digit = None;
        plain(c, |part: char| digit = digit.or_else(|| part.to_digit(10)));
        match digit {
            Some(digit) => {
                digits.extend(char::from_digit(digit, 10));
                gap = 0;
            }
            None if !digits.is_empty()
                && gap < 3
                && (c.is_whitespace() || matches!(c, '-' | '(' | ')' | '.' | '–' | '/' | '\u{2011}' | '*')) =>
            {
                gap += 1;
            }
            None if digits.len() >= digits_min => break,
            None => {
                digits.clear();
                gap = 0;
            }
        }
    }
    (digits.len() >= digits_min).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_and_checked() {
        for (text, want) in [
            ("IBAN: DE89 3704 0044 0532 0130 00 at once", Some("IBAN DE89370400440532013000")),
            ("IBAN: DE89 3704 0044 0532 0130 01", None),
            ("Account number: 0012345678, thank you", Some("account 0012345678")),
            ("账号：6222 0000 1111 2222 333", Some("account 6222000011112222333")),
            ("Order number 12345678", None),
            ("", None),
        ] {
            assert_eq!(account_numbers(text).next().as_deref(), want, "{text}");
        }
    }

    #[test]
    fn telephones_stand_behind_their_word() {
        for (text, want) in [
            ("call us at +1 (808) 555-0142 now", Some("18085550142")),
            ("call ８０８ ５５５ ０１４２", Some("8085550142")),
            ("call 400-555-0188 today", Some("4005550188")),
            ("call me on 2024-05-01", None),
            ("call me", None),
        ] {
            assert_eq!(telephone_after(text, 0).as_deref(), want, "{text}");
        }
    }
}
