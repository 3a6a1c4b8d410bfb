//! Macros in SPF (RFC 7208 §7): syntax and expansion.

use crate::dns::reverse_name;
use std::borrow::Cow;
use std::fmt::Write;
use std::net::IpAddr;

/// RFC 7208 §7.3: an expanded name is cut to this many octets, whole labels from the left.
const NAME_OCTETS_MAX: usize = 253;
/// No expansion grows past this: an explanation has to fit an SMTP reply.
const EXPANDED_OCTETS_MAX: usize = 2_048;

/// What the letters stand for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letters<'a> {
    pub(super) local: &'a str,
    pub(super) sender_domain: &'a str,
    pub(super) domain: &'a str,
    pub(super) ip: IpAddr,
    pub(super) helo: &'a str,
    /// `%{p}`: the validated name of the host, or "unknown".
    pub(super) ptr: &'a str,
    /// Only in explanations.
    pub(super) receiver: &'a str,
    pub(super) now_ms: i64,
}

/// One piece of a macro-string.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// `%%`, `%_`, `%-`, already replaced.
    Fixed(&'static str),
    Letter(Letter<'a>),
}

#[derive(Debug, PartialEq, Eq)]
struct Letter<'a> {
    letter: u8,
    /// `None` is all of them.
    parts: Option<usize>,
    reverse: bool,
    delimiters: &'a str,
}

/// Splits the first piece off; `None` if the text breaks the grammar.
fn next_piece(text: &str) -> Option<(Piece<'_>, &str)> {
    let Some(percent) = text.find('%') else { return Some((Piece::Text(text), "")) };
    if percent > 0 {
        return Some((Piece::Text(&text[..percent]), &text[percent..]));
    }
    match text.as_bytes().get(1)? {
        b'%' => Some((Piece::Fixed("%"), &text[2..])),
        b'_' => Some((Piece::Fixed(" "), &text[2..])),
        b'-' => Some((Piece::Fixed("%20"), &text[2..])),
        b'{' => {
            let end = text.find('}')?;
            Some((Piece::Letter(read_letter(&text[2..end])?), &text[end + 1..]))
        }
        _ => None,
    }
}

fn read_letter(text: &str) -> Option<Letter<'_>> {
    let letter = text.bytes().next().filter(|letter| b"slodiphcrtv".contains(&letter.to_ascii_lowercase()))?;
    let rest = &text[1..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // RFC 7208 §7.1: the number of parts may not be zero; more than a name has are all.
    let parts = match digits {
        0 => None,
        _ => Some(rest[..digits].parse::<usize>().unwrap_or(usize::MAX)),
    };
    let rest = &rest[digits..];
    let (reverse, delimiters) = match rest.strip_prefix(['r', 'R']) {
        Some(delimiters) => (true, delimiters),
        None => (false, rest),
    };
    let sound = parts != Some(0) && delimiters.bytes().all(|octet| b".-+,/_=".contains(&octet));
    sound.then_some(Letter { letter, parts, reverse, delimiters })
}

pub(super) fn is_macro_string(mut text: &str) -> bool {
    while !text.is_empty() {
        match next_piece(text) {
            Some((_, rest)) => text = rest,
            None => return false,
        }
    }
    true
}

/// RFC 7208 §7.1 domain-spec: a macro-string that ends in a macro or in a dot and a top label. The letters c, r and t
/// belong to explanations only (§7.2).
pub(super) fn is_domain_spec(text: &str) -> bool {
    let (mut rest, mut last) = (text, Piece::Text(""));
    while !rest.is_empty() {
        let Some((piece, after)) = next_piece(rest) else { return false };
        if let Piece::Letter(letter) = &piece
            && matches!(letter.letter.to_ascii_lowercase(), b'c' | b'r' | b't')
        {
            return false;
        }
        (last, rest) = (piece, after);
    }
    match last {
        Piece::Text(tail) => ends_in_top_label(tail),
        _ => true,
    }
}

fn ends_in_top_label(tail: &str) -> bool {
    let tail = tail.strip_suffix('.').unwrap_or(tail);
    let Some(dot) = tail.rfind('.') else { return false };
    let label = &tail[dot + 1..];
    !label.is_empty()
        && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        && !label.bytes().all(|octet| octet.is_ascii_digit())
        && !label.starts_with('-')
        && !label.ends_with('-')
}

pub(super) fn asks_for_ptr(text: &str) -> bool {
    text.contains("%{p") || text.contains("%{P")
}

/// Expands a checked domain-spec to a name of at most 253 octets.
pub(super) fn expand_name<'a>(spec: &'a str, letters: &Letters<'_>) -> Cow<'a, str> {
    let name = match spec.contains('%') {
        true => Cow::Owned(expand(spec, letters).unwrap_or_default()),
        false => Cow::Borrowed(spec),
    };
    let name = match name.strip_suffix('.') {
        Some(bare) => Cow::Owned(bare.to_string()),
        None => name,
    };
    shorten(name)
}

fn shorten(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.len() <= NAME_OCTETS_MAX {
        return name;
    }
    let mut rest = &name[..];
    while rest.len() > NAME_OCTETS_MAX {
        match rest.find('.') {
            Some(dot) => rest = &rest[dot + 1..],
            None => break, // one label that long is no name; the question for it fails
        }
    }
    Cow::Owned(rest.to_string())
}

/// Expands any macro-string. `None` if it breaks the grammar.
pub(super) fn expand(mut text: &str, letters: &Letters<'_>) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 32);
    while !text.is_empty() && out.len() < EXPANDED_OCTETS_MAX {
        let (piece, rest) = next_piece(text)?;
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Fixed(text) => out.push_str(text),
            Piece::Letter(letter) => push_letter(&mut out, &letter, letters),
        }
        text = rest;
    }
    Some(out)
}

fn push_letter(out: &mut String, letter: &Letter<'_>, letters: &Letters<'_>) {
    let value = value_of(letter.letter.to_ascii_lowercase(), letters);
    let delimiters = if letter.delimiters.is_empty() { "." } else { letter.delimiters };
    let mut parts: Vec<&str> = value.split(|c: char| delimiters.contains(c)).collect();
    if letter.reverse {
        parts.reverse();
    }
    let kept = letter.parts.unwrap_or(usize::MAX).min(parts.len());
    let joined = parts[parts.len() - kept..].join(".");
    if letter.letter.is_ascii_uppercase() {
        push_escaped(out, &joined);
    } else {
        out.push_str(&joined);
    }
}

fn value_of<'a>(letter: u8, letters: &Letters<'a>) -> Cow<'a, str> {
    match letter {
        b's' => Cow::Owned(format!("{}@{}", letters.local, letters.sender_domain)),
        b'l' => Cow::Borrowed(letters.local),
        b'o' => Cow::Borrowed(letters.sender_domain),
        b'd' => Cow::Borrowed(letters.domain),
        b'i' => Cow::Owned(dotted(letters.ip)),
        b'p' => Cow::Borrowed(letters.ptr),
        b'v' => Cow::Borrowed(if letters.ip.is_ipv4() { "in-addr" } else { "ip6" }),
        b'h' => Cow::Borrowed(letters.helo),
        b'c' => Cow::Owned(letters.ip.to_string()),
        b'r' => Cow::Borrowed(letters.receiver),
        _ => Cow::Owned((letters.now_ms / 1_000).to_string()),
    }
}

/// RFC 7208 §7.3: an IPv6 address is 32 nibbles with dots between.
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(_) => {
            let reversed = reverse_name(ip);
            let nibbles = reversed.strip_suffix(".ip6.arpa").unwrap_or(&reversed);
            nibbles.chars().rev().collect::<String>().to_ascii_uppercase() // in capitals, as the suite has them
        }
    }
}

/// RFC 7208 §7.3: an upper-case letter asks for URL escaping of all but RFC 3986 "unreserved".
fn push_escaped(out: &mut String, text: &str) {
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            let _ = write!(out, "%{octet:02X}"); // writing to a String cannot fail
        }
    }
}
