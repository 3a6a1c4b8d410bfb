//! Octets in a charset to UTF-8.
//!
//! In: octets and the label the sender gave. Out: text, never an error: what cannot be decoded becomes U+FFFD and is said.
//! `encoding_rs` knows the labels of the web; UTF-7 and a few code pages that mail still uses come from `mail_parser`.

use encoding_rs::Encoding;
use mail_parser::decoders::charsets::map::charset_decoder;

/// Longest charset label looked up.
const LABEL_OCTETS_MAX: usize = 45;
/// Octets looked at to guess the charset of text that has no label.
const GUESS_OCTETS_MAX: usize = 4 << 10;

pub(super) struct Decoded {
    pub(super) text: String,
    /// What is wrong with the label or the octets.
    pub(super) flaw: Option<&'static str>,
}

impl Decoded {
    fn sound(text: String) -> Decoded {
        Decoded { text, flaw: None }
    }
}

/// Text of `octets`. Without a label, or with one for ASCII or UTF-8, valid UTF-8 is taken as such.
pub(super) fn decode(octets: &[u8], label: Option<&str>) -> Decoded {
    let label = label.map(str::trim).filter(|label| !label.is_empty());
    let is_utf8_family = label.is_none_or(is_ascii_or_utf8);
    if (is_utf8_family || label.is_some_and(extends_ascii))
        && octets.is_ascii()
        && let Ok(text) = std::str::from_utf8(octets)
    {
        return Decoded::sound(text.to_owned());
    }
    if is_utf8_family {
        return match std::str::from_utf8(octets) {
            Ok(text) => Decoded::sound(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
            Err(_) => guess(octets, label),
        };
    }
    labelled(octets, label.unwrap_or_default())
}

/// ASCII octets mean ASCII in these, so that no decoder is needed.
fn extends_ascii(label: &str) -> bool {
    ["iso-8859-", "windows-", "gb", "big5", "euc-", "koi8-", "cp125", "ks_c"]
        .iter()
        .any(|start| label.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

fn is_ascii_or_utf8(label: &str) -> bool {
    ["utf-8", "us-ascii", "utf8", "ascii", "ansi_x3.4-1968", "unknown-8bit"].iter().any(|known| label.eq_ignore_ascii_case(known))
}

fn labelled(octets: &[u8], label: &str) -> Decoded {
    let known = Encoding::for_label_no_replacement(label.as_bytes()).filter(|_| label.len() <= LABEL_OCTETS_MAX);
    if let Some(encoding) = known {
        let (text, _, has_bad) = encoding.decode(octets);
        return Decoded { text: text.into_owned(), flaw: has_bad.then_some("octets that the declared charset does not have") };
    }
    match charset_decoder(label.as_bytes()).filter(|_| label.len() <= LABEL_OCTETS_MAX && is_safe_decoder(label)) {
        Some(decoder) if is_utf7(label) => Decoded { text: decoder(octets), flaw: Some("UTF-7, which RFC 2152 calls unfit for most uses") },
        Some(decoder) => Decoded::sound(decoder(octets)),
        None => Decoded { flaw: Some("a charset we do not know"), ..guess(octets, None) },
    }
}

/// Labels that map to the empty "replacement" decoder hide the text and are read as raw octets instead.
fn is_safe_decoder(label: &str) -> bool {
    Encoding::for_label(label.as_bytes()).is_none()
}

fn is_utf7(label: &str) -> bool {
    label.to_ascii_lowercase().contains("utf-7") || label.eq_ignore_ascii_case("utf7")
}

/// 8-bit octets without a usable label: Chinese double octets when nearly all pair up so, otherwise Western.
fn guess(octets: &[u8], label: Option<&str>) -> Decoded {
    let flaw = Some(match label {
        Some(_) => "octets that the declared charset does not have",
        None => "8-bit octets without a charset",
    });
    if label.is_some_and(|label| label.eq_ignore_ascii_case("utf-8") || label.eq_ignore_ascii_case("utf8")) {
        let text = String::from_utf8_lossy(octets);
        return Decoded { text: text.into_owned(), flaw };
    }
    let encoding = if looks_like_gbk(octets) { encoding_rs::GB18030 } else { encoding_rs::WINDOWS_1252 };
    Decoded { text: encoding.decode_without_bom_handling(octets).0.into_owned(), flaw }
}

/// Runs of 8-bit octets are even and start in the rows of common Chinese characters.
fn looks_like_gbk(octets: &[u8]) -> bool {
    let mut common = 0usize;
    let mut other = 0usize;
    let mut rest = octets[..octets.len().min(GUESS_OCTETS_MAX)].iter();
    while let Some(lead) = rest.next() {
        if *lead < 0x80 {
            continue;
        }
        match rest.next() {
            Some(trail) if (0xa1..=0xf7).contains(lead) && *trail >= 0xa1 => common += 1,
            _ => other += 1,
        }
    }
    common > 4 && common > other * 8
}
