//! The attributes of one HTML tag.
//!
//! In: the source after the name of a tag. Out: those values that links, looks and traits need, as written.

use super::LinkOrigin;
use super::entity::decode_entities;
use super::sheet::Sheet;
use super::style::{LINK_BLUE, Look, Paint, paint};
use super::tag::{self, Tag};
use memchr::memchr;

/// Attributes read of one tag.
const ATTRIBUTES_MAX: usize = 64;

/// The attributes of one tag that matter here, as written.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a> {
    pub(super) href: &'a str,
    pub(super) src: &'a str,
    pub(super) action: &'a str,
    pub(super) style: &'a str,
    pub(super) alt: &'a str,
    pub(super) value: &'a str,
    pub(super) kind: &'a str,
    /// `name`, `placeholder` and `autocomplete` of a field, where they speak of a secret.
    pub(super) asks_secret: bool,
    pub(super) class: &'a str,
    pub(super) id: &'a str,
    pub(super) http_equiv: &'a str,
    pub(super) content: &'a str,
    pub(super) background_colour: &'a str,
    pub(super) colour: &'a str,
    pub(super) is_hidden: bool,
    pub(super) has_background_image: bool,
    pub(super) has_event_handler: bool,
    /// The tag ends in "/>".
    pub(super) is_closed: bool,
    pub(super) rare_links: Vec<(&'a str, LinkOrigin)>,
}

impl<'a> Attributes<'a> {
    /// Reads from after the name of the tag; gives the place after its ">".
    pub(super) fn read(source: &'a str, mut at: usize) -> (Attributes<'a>, usize) {
        let octets = source.as_bytes();
        let mut found = Attributes::default();
        let mut count = 0;
        loop {
            while octets.get(at).is_some_and(|octet| octet.is_ascii_whitespace() || *octet == b'/') {
                found.is_closed = octets[at] == b'/';
                at += 1;
            }
            match octets.get(at) {
                None => return (found, octets.len()),
                Some(b'>') => return (found, at + 1),
                Some(_) => {}
            }
            let name_at = at;
            at += 1; // a name has at least one character, even "=" (HTML §13.2.5.32)
            while octets.get(at).is_some_and(|octet| !(octet.is_ascii_whitespace() || matches!(octet, b'=' | b'>' | b'/'))) {
                at += 1;
            }
            let name = &octets[name_at..at];
            let (value, next) = attribute_value(source, at);
            at = next;
            count += 1;
            if count <= ATTRIBUTES_MAX {
                found.set(name, value);
            }
        }
    }

    fn set(&mut self, name: &[u8], value: &'a str) {
        let mut lower = [0u8; 12];
        let Some(room) = lower.get_mut(..name.len()) else {
            self.has_event_handler |= is_event(name);
            return;
        };
        room.copy_from_slice(name);
        room.make_ascii_lowercase();
        let once = |place: &mut &'a str| {
            if place.is_empty() {
                *place = value;
            }
        };
        match &*room {
            b"href" | b"xlink:href" => once(&mut self.href),
            b"src" => once(&mut self.src),
            b"action" => once(&mut self.action),
            b"formaction" => self.rare_links.push((value, LinkOrigin::Form)),
            b"data" | b"poster" | b"longdesc" | b"codebase" => self.rare_links.push((value, LinkOrigin::Other)),
            b"background" => {
                self.has_background_image = true;
                self.rare_links.push((value, LinkOrigin::Image));
            }
            b"style" => once(&mut self.style),
            b"alt" => once(&mut self.alt),
            b"value" => once(&mut self.value),
            b"type" => once(&mut self.kind),
            b"name" | b"placeholder" | b"autocomplete" => self.asks_secret |= is_secret(value),
            b"class" => once(&mut self.class),
            b"id" => once(&mut self.id),
            b"http-equiv" => once(&mut self.http_equiv),
            b"content" => once(&mut self.content),
            b"bgcolor" => once(&mut self.background_colour),
            b"color" | b"text" => once(&mut self.colour),
            b"hidden" => self.is_hidden = true,
            other => self.has_event_handler |= is_event(other),
        }
    }

    pub(super) fn look(&self, tag: Tag, sheet: &Sheet<'_>) -> Look {
        let mut look = sheet.look(self.class, self.id);
        look.is_gone |= self.is_hidden || matches!(tag, tag::TEMPLATE | tag::NOEMBED);
        if tag == tag::A && !self.href.is_empty() {
            look.colour = Paint::Plain(LINK_BLUE);
        }
        if !self.colour.is_empty() {
            look.colour = paint(self.colour);
        }
        if !self.background_colour.is_empty() {
            look.background = paint(self.background_colour);
        }
        if self.has_background_image {
            look.background = Paint::Unknown;
        }
        if !self.style.is_empty() {
            look.read(&decode_entities(self.style));
        }
        look
    }
}

/// Names of fields for passwords, card numbers and codes.
fn is_secret(value: &str) -> bool {
    const WORDS: [&str; 12] = [
        "passw",
        "passcode",
        "passphrase",
        "kennwort",
        "contrase",
        "pwd",
        "cvv",
        "cardnumber",
        "card-number",
        "card_number",
        "密码",
        "口令",
    ];
    let value = value.get(..40).unwrap_or(value);
    if value.eq_ignore_ascii_case("pass") || value.eq_ignore_ascii_case("otp") || value.eq_ignore_ascii_case("pin") {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

fn is_event(name: &[u8]) -> bool {
    name.len() > 3 && name[..2].eq_ignore_ascii_case(b"on") && name.iter().all(u8::is_ascii_alphabetic)
}

/// The value after a name that ends at `at`, and where reading goes on. A quote that never closes ends at the next ">":
/// readers drop the rest of the page, mail programs do not.
fn attribute_value(source: &str, mut at: usize) -> (&str, usize) {
    let octets = source.as_bytes();
    let after_name = at;
    while octets.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    if octets.get(at) != Some(&b'=') {
        return ("", after_name);
    }
    at += 1;
    while octets.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    match octets.get(at) {
        Some(quote @ (b'"' | b'\'')) => {
            let start = at + 1;
            if let Some(end) = memchr(*quote, &octets[start..]) {
                return (&source[start..start + end], start + end + 1);
            }
            let end = memchr(b'>', &octets[start..]).map_or(octets.len(), |end| start + end);
            (&source[start..end], end)
        }
        Some(_) => {
            let end =
                octets[at..].iter().position(|octet| octet.is_ascii_whitespace() || *octet == b'>').map_or(octets.len(), |end| at + end);
            (&source[at..end], end)
        }
        None => ("", octets.len()),
    }
}
