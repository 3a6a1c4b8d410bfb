//! `content.raw-codes`: the reader sees the codes of a page where its letters should be.
//!
//! In: what is seen of the text. Out: at most one finding. A program that somebody looks after writes letters; one that pours a page
//! into a form that takes plain text, or turns its codes to codes twice, sends what nobody at the sender's has ever read.

use crate::finding::{Finding, Kind};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

/// Octets looked at.
const TEXT_OCTETS_MAX: usize = 4_000;
/// One may be meant, or left over.
const LETTERS_MIN: usize = 2;
/// Tags that open a text; further down they are quoted, or talked about.
const TAGS_MIN: usize = 2;
const HEAD_OCTETS: usize = 240;
const EXCERPT_CHARS: usize = 60;

/// How the codes of accented letters end.
const ACCENTS: &[&str] = &["acute", "grave", "circ", "tilde", "uml", "cedil", "ring", "slash", "caron"];
const TAGS: &[&str] =
    &["<p>", "<p ", "</p>", "<span", "<strong>", "<div", "<br>", "<br/>", "<br />", "<table", "<td", "<b>", "<h1", "<h2", "<ol>", "<ul>"];

pub struct RawCodes;

impl Inspect for RawCodes {
    fn name(&self) -> &'static str {
        "content.codes"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        // People who make pages show each other such codes.
        if sender::is_talk(message) {
            return;
        }
        // Beside a page, the plain text is often a poor copy that nobody sees.
        let has_page = message.texts.iter().any(|text| text.is_html);
        let seen = message.texts.iter().filter(|text| text.is_html == has_page).map(|text| text.visible.as_str());
        let Some(at) = seen.map(|text| &text[..text.floor_char_boundary(TEXT_OCTETS_MAX)]).find_map(code) else { return };
        findings.push(Finding::new("content.raw-codes", Kind::Spam, 1.5, format!("the reader sees “{at}”")));
    }
}

/// Where the codes are, if there are enough.
fn code(text: &str) -> Option<String> {
    let mut letters = text.match_indices('&').filter(|(at, _)| is_letter(&text[at + 1..])).map(|(at, _)| at);
    let first = letters.next().filter(|_| letters.take(LETTERS_MIN - 1).count() == LETTERS_MIN - 1);
    first.or_else(|| tags(text)).map(|at| {
        let start = text.floor_char_boundary(at.saturating_sub(16));
        let cut: String = text[start..].chars().take(EXCERPT_CHARS).collect();
        cut.split_whitespace().collect::<Vec<_>>().join(" ")
    })
}

/// "eacute;"
fn is_letter(after: &str) -> bool {
    let Some(end) = after.as_bytes().iter().take(8).position(|octet| *octet == b';') else { return false };
    let (Some(letter), Some(accent)) = (after.get(..1), after.get(1..end)) else { return false };
    letter.bytes().all(|octet| octet.is_ascii_alphabetic()) && ACCENTS.contains(&accent)
}

fn tags(text: &str) -> Option<usize> {
    let head = &text[..text.floor_char_boundary(HEAD_OCTETS)];
    let mut found = head.match_indices('<').filter(|(at, _)| {
        let tag: String = head[*at..].chars().take(8).collect::<String>().to_ascii_lowercase();
        TAGS.iter().any(|known| tag.starts_with(known))
    });
    let (first, _) = found.next()?;
    (found.take(TAGS_MIN - 1).count() == TAGS_MIN - 1).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_from_letters() {
        for (text, want) in [
            ("Voc&ecirc; tem valores; veja as instru&ccedil;&otilde;es", true),
            ("<p>Dear Bo,</p> <p>your account", true),
            ("## <span style=\"font-size:12px\"><strong>Shop</strong></span>", true),
            ("Você tem valores; veja as instruções", false),
            ("write &eacute; for é in a page", false),
            ("AT&T and R&D; Q&A", false),
            ("a < b and b > c", false),
            ("<ada@a.example> wrote: <p>", false),
            ("&", false),
            ("", false),
        ] {
            assert_eq!(code(text).is_some(), want, "{text}");
        }
    }
}
