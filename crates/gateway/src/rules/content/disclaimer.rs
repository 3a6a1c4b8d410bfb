//! A disclaimer in every text of the body, in the encoding and character set that each has.

use super::encoding::{Encoding, is_plain_text};
use super::header;
use super::part::{NotEditable, TextPart, body_texts};
use crate::rules::{Action, Fallback, Place};
use encoding_rs::{Encoding as Charset, UTF_8};

/// A disclaimer, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclaimer {
    pub place: Place,
    pub fallback: Fallback,
    /// For all, and for mail in Chinese; each with CRLF line ends.
    usual: Written,
    chinese: Option<Written>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    text: String,
    /// ASCII only, so that it fits every character set.
    html: String,
}

impl Disclaimer {
    pub fn new(action: &Action) -> Disclaimer {
        let chinese = !(action.text_zh.trim().is_empty() && action.html_zh.trim().is_empty());
        Disclaimer {
            place: action.place,
            fallback: action.fallback,
            usual: Written::new(&action.text, &action.html),
            chinese: chinese.then(|| Written::new(&action.text_zh, &action.html_zh)),
        }
    }

    fn written(&self, is_chinese: bool) -> &Written {
        self.chinese.as_ref().filter(|_| is_chinese).unwrap_or(&self.usual)
    }

    /// As plain text, for a message of its own.
    pub(super) fn text(&self) -> &str {
        &self.usual.text
    }
}

impl Written {
    fn new(text: &str, html: &str) -> Written {
        let text = lines(text);
        let html = match html.trim() {
            "" => format!("<p>{}</p>", text.trim_end().split("\r\n").map(escaped).collect::<Vec<_>>().join("<br>\r\n")),
            html => lines(html).trim_end().to_string(),
        };
        Written { text, html: folded(&ascii(&format!("<div>{html}</div>"))) }
    }
}

/// CRLF line ends throughout, and at the end.
fn lines(text: &str) -> String {
    let mut out: String = text.lines().map(|line| format!("{line}\r\n")).collect();
    if out.is_empty() {
        out.push_str("\r\n");
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn ascii(html: &str) -> String {
    html.chars().fold(String::with_capacity(html.len()), |mut out, c| {
        match c.is_ascii() {
            true => out.push(c),
            false => out.push_str(&format!("&#{};", u32::from(c))),
        }
        out
    })
}

/// Octets after which a line of HTML ends at the next space.
const HTML_LINE_OCTETS: usize = 400;

/// HTML with no line so long that it could not travel as it is; a space may be a line end there.
fn folded(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + 16);
    let mut column = 0;
    for c in html.chars() {
        let is_fold = c == ' ' && column > HTML_LINE_OCTETS;
        out.push_str(if is_fold { "\r\n" } else { "" });
        if !is_fold {
            out.push(c);
        }
        column = if is_fold || c == '\n' { 0 } else { column + c.len_utf8() };
    }
    out
}

/// The octets with the disclaimer.
/// # Errors
/// Why they are left alone.
pub(super) fn add(octets: &[u8], disclaimer: &Disclaimer) -> Result<Vec<u8>, NotEditable> {
    let texts = body_texts(octets)?;
    let read: Vec<Vec<u8>> = texts.iter().map(|part| part.encoding.decode(&octets[part.body.clone()]).ok_or(NotEditable::Odd)).collect::<Result<_, _>>()?;
    let is_chinese = disclaimer.chinese.is_some() && texts.iter().zip(&read).any(|(part, text)| is_chinese(part, text));
    let written = disclaimer.written(is_chinese);
    let mut out = Vec::with_capacity(octets.len() + texts.len() * (written.html.len() + 256));
    let mut from = 0;
    for (part, text) in texts.iter().zip(&read) {
        let (head, body) = rewritten(octets, part, text, (written, disclaimer.place))?;
        out.extend_from_slice(&octets[from..part.header.start]);
        out.extend_from_slice(&head);
        // An entity without a body has no empty line yet.
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&body);
        from = part.body.end;
    }
    out.extend_from_slice(&octets[from..]);
    Ok(out)
}

/// Header and body of one part with the disclaimer in it.
fn rewritten(octets: &[u8], part: &TextPart, text: &[u8], what: (&Written, Place)) -> Result<(Vec<u8>, Vec<u8>), NotEditable> {
    let (written, place) = what;
    let added = if part.is_html { &written.html } else { &written.text };
    let charset = charset(part)?;
    let fits = added.is_ascii() && charset.is_ascii_compatible() || charset == UTF_8;
    let (text, is_utf8) = if fits { (text.to_vec(), charset == UTF_8) } else { (as_utf8(charset, text)?, true) };
    let body = match part.is_html {
        true => into_html(text, added.as_bytes(), place),
        false => into_text(text, added.as_bytes(), place),
    };
    let says_utf8 = part.charset.eq_ignore_ascii_case("utf-8") || part.charset.eq_ignore_ascii_case("utf8");
    let must_say = is_utf8 && !says_utf8 && !body.is_ascii();
    let was_eight_bit = !octets[part.body.clone()].is_ascii();
    let can_be_plain = is_plain_text(&body) && (was_eight_bit || body.is_ascii());
    let encoding = if part.encoding == Encoding::Plain && !can_be_plain { Encoding::QuotedPrintable } else { part.encoding };
    let mut head = octets[part.header.clone()].to_vec();
    if must_say {
        let kind = if part.is_html { "text/html" } else { "text/plain" };
        let format = if part.format == "flowed" { "; format=flowed" } else { "" };
        head = header::replace(&head, "Content-Type", format!("Content-Type: {kind}; charset=utf-8{format}\r\n").as_bytes());
    }
    if encoding != part.encoding {
        let line = format!("Content-Transfer-Encoding: {}\r\n", encoding.name());
        head = header::replace(&head, "Content-Transfer-Encoding", line.as_bytes());
    }
    let is_whole = part.header.start == 0 && (must_say || encoding != part.encoding);
    if is_whole && header::count(&head, "MIME-Version") == 0 && is_message(octets, part) {
        head = header::replace(&head, "MIME-Version", b"MIME-Version: 1.0\r\n");
    }
    Ok((head, trimmed(encoding.encode(&body), octets, part)))
}

/// The part is the message itself.
fn is_message(octets: &[u8], part: &TextPart) -> bool {
    part.header.start == 0 && part.body.end == octets.len()
}

/// Inside a multipart the last line break belongs to the delimiter, which is still there.
fn trimmed(mut body: Vec<u8>, octets: &[u8], part: &TextPart) -> Vec<u8> {
    if !is_message(octets, part) && octets[part.body.end..].starts_with(b"\r\n") && body.ends_with(b"\r\n") {
        body.truncate(body.len() - 2);
    }
    body
}

fn charset(part: &TextPart) -> Result<&'static Charset, NotEditable> {
    match part.charset.to_ascii_lowercase().as_str() {
        // Without a name it should be ASCII; where it is not, nobody knows what it is.
        "" | "us-ascii" | "ascii" => Ok(UTF_8),
        name => Charset::for_label(name.as_bytes()).filter(|charset| *charset != encoding_rs::REPLACEMENT).ok_or(NotEditable::Odd),
    }
}

fn as_utf8(charset: &'static Charset, text: &[u8]) -> Result<Vec<u8>, NotEditable> {
    let decoded = charset.decode_without_bom_handling_and_without_replacement(text).ok_or(NotEditable::Odd)?;
    Ok(decoded.into_owned().into_bytes())
}

/// Letters looked at to tell the language.
const LETTERS_MAX: usize = 2_000;
/// Of so many letters one must be Chinese.
const CHINESE_IN: usize = 5;

fn is_chinese(part: &TextPart, text: &[u8]) -> bool {
    let Ok(charset) = charset(part) else { return false };
    let (text, _) = charset.decode_without_bom_handling(&text[..text.len().min(LETTERS_MAX * 8)]);
    let mut in_tag = false;
    let letters = text.chars().filter(|c| {
        in_tag = (in_tag || *c == '<') && *c != '>' && part.is_html;
        c.is_alphabetic() && !in_tag
    });
    let (mut all, mut chinese) = (0, 0);
    for letter in letters.take(LETTERS_MAX) {
        all += 1;
        chinese += usize::from(matches!(letter, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}'));
    }
    chinese * CHINESE_IN > all
}

fn into_text(mut text: Vec<u8>, added: &[u8], place: Place) -> Vec<u8> {
    if place == Place::Prepend {
        return [added, b"\r\n", &text].concat();
    }
    if !text.is_empty() && !text.ends_with(b"\r\n") {
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(added);
    text
}

fn into_html(text: Vec<u8>, added: &[u8], place: Place) -> Vec<u8> {
    let lower = text.to_ascii_lowercase();
    let find_last = |tag: &[u8]| memchr::memmem::rfind(&lower, tag);
    let at = match place {
        Place::Append => find_last(b"</body").or_else(|| find_last(b"</html")).unwrap_or(text.len()),
        Place::Prepend => after_tag(&lower, b"<body").or_else(|| after_tag(&lower, b"</head")).or_else(|| after_tag(&lower, b"<html")).unwrap_or(0),
    };
    [&text[..at], b"\r\n", added, b"\r\n", &text[at..]].concat()
}

/// The place behind the first tag of this name; a ">" in quotes does not end it.
fn after_tag(lower: &[u8], tag: &[u8]) -> Option<usize> {
    let at = memchr::memmem::find(lower, tag)?;
    let mut quote = None;
    for (offset, octet) in lower[at + tag.len()..].iter().enumerate() {
        match (quote, octet) {
            (None, b'>') => return Some(at + tag.len() + offset + 1),
            (None, b'"' | b'\'') => quote = Some(*octet),
            (Some(open), octet) if open == *octet => quote = None,
            _ => {}
        }
    }
    None
}
