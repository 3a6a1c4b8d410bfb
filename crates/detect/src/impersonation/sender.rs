//! The sender as a reader sees it, also where From breaks the grammar.
//!
//! In: a message. Out: [`Shown`]. Programs show something for every From, so a slip in it must not get a mail around the
//! inspections. Not for authentication: that reads From once, strictly.

use super::free_mail::is_free_mail;
use crate::authentication::own_domain::is_own;
use crate::inspect::Surroundings;
use mail::Message;
use mail::address::{FromField, decode_words, domain_to_ascii, organisational_domain};
use std::borrow::Cow;

/// What most programs show.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Decoded; empty if there is only an address.
    pub display: Cow<'a, str>,
    /// Lower-case A-labels.
    pub domain: Cow<'a, str>,
    pub address: String,
}

/// Who speaks to the reader: the sender, or, where an outsider passes something on without a word, whoever wrote that.
pub fn speaker<'a>(message: &'a Message, surroundings: &Surroundings) -> Option<Shown<'a>> {
    passed_on(message, surroundings).or_else(|| shown(message))
}

/// Who wrote what an outsider passes on here.
pub fn passed_on(message: &Message, surroundings: &Surroundings) -> Option<Shown<'static>> {
    let is_ours = shown(message).is_some_and(|from| is_own(&from.domain, surroundings));
    if is_ours { None } else { super::forwarded::quoted_sender(message) }
}

/// How the subject of an answer begins.
const ANSWERS: &[&str] = &["re:", "re[", "aw:", "sv:", "antw", "ref:", "rif:", "odp:", "回复", "答复", "回覆"];
/// A page with pictures and fewer letters than this answers nobody.
const ANSWER_LETTERS_MIN: usize = 160;

/// Lists and answers: people tell each other of such mail there. Whoever sends to many writes the header of an answer too, so a page
/// with pictures is none unless its subject and its length say so as well.
pub fn is_talk(message: &Message) -> bool {
    let has = |names: &[&str]| names.iter().any(|name| message.first(name).is_some());
    let is_page = || message.texts.iter().any(|text| text.is_html && text.traits.images_remote > 0);
    let is_answer = || {
        let long = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).take(ANSWER_LETTERS_MIN).count() == ANSWER_LETTERS_MIN;
        says_so(message) && message.texts.iter().any(|text| long(&text.visible))
    };
    has(&["List-Id", "List-Post"]) && !is_page()
        || has(&["In-Reply-To", "References"])
            && false_answer(message).is_none()
            && (!is_page() || is_answer())
            && (says_so(message) || !answers_itself(message))
            && !super::forwarded::is_passed_on(message)
}

/// The subject is that of an answer; lists put their name before it.
fn says_so(message: &Message) -> bool {
    let subject = message.subject.trim_start().to_lowercase();
    let subject = subject.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(subject.as_str(), |(_, rest)| rest.trim_start());
    ANSWERS.iter().any(|start| subject.starts_with(start))
}

/// An In-Reply-To that is one word and no identifier (RFC 5322 §3.6.4 puts it in angle brackets): drawn by lot to look like an answer.
/// Programs of the past wrote sentences there.
pub fn false_answer(message: &Message) -> Option<&str> {
    let value = std::str::from_utf8(message.first("In-Reply-To")?).ok()?.trim();
    let is_word = !value.is_empty() && !value.contains(char::is_whitespace) && !value.contains(['<', '>']);
    (is_word && message.first("References").is_none() && !says_so(message)).then_some(value)
}

/// The message that is answered is of the sender's own house: desks and senders of news thread their mail like this.
fn answers_itself(message: &Message) -> bool {
    let Some(value) = message.first("In-Reply-To").or_else(|| message.first("References")) else { return false };
    let value = String::from_utf8_lossy(value).to_ascii_lowercase();
    let Some((_, domain)) = value.trim().trim_end_matches('>').rsplit_once('@') else { return false };
    let house = organisational_domain(domain);
    // At a free mailbox the two may be anybody.
    house.is_some() && shown(message).is_some_and(|from| !is_free_mail(&from.domain) && organisational_domain(&from.domain) == house)
}

/// `None` if there is no From, or nothing like an address in it.
pub fn shown(message: &Message) -> Option<Shown<'_>> {
    match &message.from {
        FromField::One { display, address } => {
            Some(Shown { display: display.into(), domain: address.domain().into(), address: address.to_string() })
        }
        FromField::Missing => None,
        FromField::Ambiguous { raw, .. } => read(raw),
    }
}

/// The last address in angle brackets and what stands before it; else the last word that is an address.
fn read(raw: &str) -> Option<Shown<'_>> {
    let (display, address) = match (raw.rfind('<'), raw.rfind('>')) {
        (Some(start), Some(end)) if start < end => (&raw[..start], &raw[start + 1..end]),
        _ => {
            let word = raw.split(|c: char| c.is_whitespace() || c == ',').rfind(|word| word.contains('@'))?;
            ("", word)
        }
    };
    let (_, domain) = address.rsplit_once('@')?;
    let domain = domain_to_ascii(domain.trim().trim_end_matches('.'))?;
    let display = decode_words(display.as_bytes());
    let display = display.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | ',' | ';' | ':' | '_')).to_string();
    Some(Shown { display: display.into(), domain: domain.into(), address: address.trim().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_from_still_shows_somebody() {
        for (raw, want) in [
            ("Account team ,_<no-reply@shop.example>", Some(("Account team", "shop.example"))),
            ("\"Bank\" <a@Bank.example> <b@other.example>", Some(("\"Bank\" <a@Bank.example>", "other.example"))),
            ("=?utf-8?Q?B=C3=A4nk?=, <a@x.example>", Some(("Bänk", "x.example"))),
            ("a@x.example, b@y.example", Some(("", "y.example"))),
            ("nobody", None),
            ("", None),
        ] {
            let found = read(raw);
            let found = found.as_ref().map(|shown| (shown.display.as_ref(), shown.domain.as_ref()));
            let want = want.map(|(display, domain)| (display.trim_start_matches('"'), domain));
            assert_eq!(found, want, "{raw}");
        }
    }
}
