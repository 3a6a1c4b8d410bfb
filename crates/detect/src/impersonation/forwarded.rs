//! `impersonation.forwarded`, and who speaks in a mail that somebody passed on without a word.
//!
//! In: a message whose subject says that it was forwarded. Out: the sender that the quoted header names. A reader judges what was
//! passed on by who wrote it, and so do the inspections ([`sender::speaker`](super::sender::speaker)). Not here: attached
//! messages, which the parser opens.

use super::{brand, brand_name, sender};
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::address::domain_to_ascii;
use mail::{AuthResults, Mail, Message};
use std::borrow::Cow;

/// How far into the text, in octets, the quoted header stands; more before it is a letter of one's own.
const BEFORE_OCTETS_MAX: usize = 300;
/// Octets of a quoted header.
const HEADER_OCTETS_MAX: usize = 1_200;
/// Lines of a quoted header after From in which the time stands.
const LINES_MAX: usize = 4;

/// How programs begin the subject of what is passed on.
const SUBJECTS: &[&str] = &["fw:", "fwd:", "wg:", "tr:", "rv:", "enc:", "i:", "vs:", "doorst:", "转发:", "转发：", "轉寄:"];
/// How they name the sender, and the time, in the header they quote.
const FROM: &[&str] = &["from", "de", "von", "van", "da", "от", "发件人", "寄件者"];
const SENT: &[&str] = &[
    "sent",
    "date",
    "gesendet",
    "datum",
    "envoyé",
    "envoyé le",
    "enviado",
    "enviado em",
    "enviado el",
    "fecha",
    "data",
    "verzonden",
    "inviato",
    "отправлено",
    "发送时间",
    "日期",
    "寄件日期",
];

/// Who wrote what is passed on here; `None` if nothing is, or much is said beside it.
pub fn quoted_sender(message: &Message) -> Option<sender::Shown<'static>> {
    message.texts.iter().filter(|_| says_so(message)).find_map(|text| shown(&quoted(&text.visible)?))
}

/// Somebody passes something on and says hardly a word beside it, whether or not the quoted header has an address.
pub fn is_passed_on(message: &Message) -> bool {
    says_so(message) && message.texts.iter().any(|text| quoted(&text.visible).is_some())
}

fn says_so(message: &Message) -> bool {
    let subject = message.subject.trim_start().to_lowercase();
    SUBJECTS.iter().any(|start| subject.starts_with(start))
}

/// What the quoted header says after From.
fn quoted(text: &str) -> Option<Cow<'_, str>> {
    let text = &text[..text.floor_char_boundary(BEFORE_OCTETS_MAX + HEADER_OCTETS_MAX)];
    let mut read = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(written) = field(line, FROM) {
            let rest: Vec<&str> = lines.clone().map(str::trim).filter(|line| !line.is_empty()).take(LINES_MAX).collect();
            // Programs break the line where the address begins.
            let whole = rest.first().filter(|next| !written.contains('@') && next.contains('@')).map(|next| format!("{written} {next}"));
            return rest.iter().any(|line| field(line, SENT).is_some()).then(|| whole.map_or(Cow::Borrowed(written), Cow::Owned));
        }
        read += line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '_' | '-' | '=')).len();
        if read > BEFORE_OCTETS_MAX {
            return None;
        }
    }
    None
}

/// What stands after one of `names` and a colon.
fn field<'a>(line: &'a str, names: &[&str]) -> Option<&'a str> {
    let (name, value) = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '*')).split_once([':', '：'])?;
    let name = name.trim_matches(|c: char| c.is_whitespace() || c == '*').to_lowercase();
    names.contains(&name.as_str()).then(|| value.trim_matches(|c: char| c.is_whitespace() || c == '*'))
}

/// The last address, and what stands before the first.
fn shown(written: &str) -> Option<sender::Shown<'static>> {
    let address = written
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '[' | ']' | '(' | ')' | ';' | ','))
        .rfind(|word| word.contains('@'))?;
    let address = address.trim_start_matches("mailto:");
    let (_, domain) = address.rsplit_once('@')?;
    let domain = domain_to_ascii(domain)?;
    let display = written.split(['<', '[']).next().unwrap_or_default();
    let display = if display.contains('@') { "" } else { display };
    let display = display.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '_' | '*')).to_string();
    Some(sender::Shown { display: display.into(), domain: domain.into(), address: address.to_string() })
}

pub struct Forwarded;

impl Inspect for Forwarded {
    fn name(&self) -> &'static str {
        "impersonation.quoted"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(writer) = sender::passed_on(mail.message, surroundings) else { return };
        let Some(named) = brand::named_in(&writer.display).filter(|named| !brand_name::sends_from(named.brand, &writer.domain)) else {
            return;
        };
        // Whoever passes it on may mean to warn.
        let weight = match (named.is_disguised, named.is_alone) {
            (true, _) => 2.5,
            (_, true) => 1.8,
            (_, false) => 0.8,
        };
        let evidence = format!(
            "passed on: “{}” wrote from {}; {} sends from {}",
            writer.display,
            writer.address,
            named.brand.name,
            named.brand.home()
        );
        findings.push(Finding::new("impersonation.forwarded", Kind::Phish, weight, evidence));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_that_is_quoted_names_the_writer() {
        for (text, want) in [
            (
                "________\nDe: Bank <alert@shop.example> <x@other.example>\nEnviado: terça-feira, 19 de setembro\nPara: a@b.example\nAssunto: x\n\nHello",
                Some(("Bank", "other.example")),
            ),
            (
                "---------- Forwarded message ---------\nFrom: *Post* <a@post.example>\nDate: Mon, 2 Mar 2026\nSubject: x\n",
                Some(("Post", "post.example")),
            ),
            ("Von: Ann Muster [mailto:ann@a.example]\nGesendet: Montag\n", Some(("Ann Muster", "a.example"))),
            ("发件人: 客服 <kf@shop.example>\n发送时间: 2026年3月2日\n", Some(("客服", "shop.example"))),
            ("From:\nBank\n<a@b.example>\nSent: Monday\n", None),
            ("From: here on it rains\nSent: no\n", None),
            ("From: Ann <ann@a.example>\nshe said hello\n", None),
            ("", None),
        ] {
            let found = quoted(text).and_then(|written| shown(&written));
            assert_eq!(found.as_ref().map(|shown| (shown.display.as_ref(), shown.domain.as_ref())), want, "{text}");
        }
        let letter = "I write this to you because the weather is fine. ".repeat(10);
        assert_eq!(quoted(&format!("{letter}\nFrom: Ann <ann@a.example>\nSent: Monday\n")), None, "a letter of one's own");
        assert_eq!(quoted("___\nDe: MR. JOHN DOE\nEnviado: domingo\n").as_deref(), Some("MR. JOHN DOE"), "a name alone");
    }
}
