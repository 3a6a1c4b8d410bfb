//! A mail as a program would write it.

use super::dice::Dice;
use super::names;

/// The domain of the organisation that receives all this.
pub const OWN_DOMAIN: &str = "northwind-paper.com";
/// A domain that organisation writes with.
pub const PARTNER_DOMAIN: &str = "harbour-steel.com";
/// Somebody whose name is protected there.
pub const PROTECTED_NAME: &str = "Marlene Castellan";
pub const PROTECTED_ADDRESS: &str = "marlene.castellan@northwind-paper.com";

#[derive(Debug, Clone)]
pub struct File {
    pub name: String,
    pub kind: &'static str,
    pub content: Vec<u8>,
    /// Shown in the text as `cid:picture`.
    pub inline: bool,
}

impl File {
    pub fn attached(name: &str, kind: &'static str, content: impl Into<Vec<u8>>) -> File {
        File { name: name.to_string(), kind, content: content.into(), inline: false }
    }
}

#[derive(Debug, Clone)]
pub struct Letter {
    pub name: String,
    pub address: String,
    pub subject: String,
    /// Further header lines, each with its CRLF.
    pub header: String,
    pub text: String,
    pub html: Option<String>,
    pub files: Vec<File>,
    pub number: String,
}

impl Letter {
    /// An honest letter from somebody at some firm.
    pub fn new(dice: &mut Dice) -> Letter {
        let name = names::person(dice);
        let address = names::mailbox(&name, &names::firm(dice));
        let subject =
            dice.pick(&["Minutes of our meeting", "Next week", "Your question", "The timetable", "Drawings for the hall"]).to_string();
        let text = format!("Dear colleague,\r\n\r\n{}\r\n\r\nKind regards\r\n{name}\r\n", names::paragraph(dice));
        Letter { name, address, subject, header: String::new(), text, html: None, files: Vec::new(), number: dice.letters(12) }
    }

    /// An honest letter in Chinese.
    pub fn chinese(dice: &mut Dice) -> Letter {
        let name = names::chinese_person(dice);
        let text = format!("{}\r\n\r\n{name}\r\n", names::chinese_paragraph(dice));
        let subject = dice.pick(&["会议安排", "关于下周的日程", "图纸已更新", "项目进展"]).to_string();
        Letter { name: name.to_string(), text, subject, ..Letter::new(dice) }
    }

    pub fn domain(&self) -> &str {
        self.address.rsplit('@').next().unwrap_or_default()
    }

    /// As HTML: the text in paragraphs, and `extra` after it.
    pub fn with_html(mut self, extra: &str) -> Letter {
        let paragraphs: String =
            self.text.split("\r\n\r\n").map(|paragraph| format!("<p>{}</p>\r\n", paragraph.trim().replace("\r\n", "<br>"))).collect();
        self.html =
            Some(format!("<html><head></head><body style=\"font-family:sans-serif\">\r\n{paragraphs}{extra}\r\n</body></html>\r\n"));
        self
    }

    pub fn with_text(mut self, text: &str) -> Letter {
        self.text = format!("Dear colleague,\r\n\r\n{text}\r\n\r\nKind regards\r\n{}\r\n", self.name);
        self
    }

    pub fn with_address(mut self, address: &str) -> Letter {
        self.address = address.to_string();
        self
    }

    pub fn with_file(mut self, file: File) -> Letter {
        self.files.push(file);
        self
    }

    pub fn octets(&self) -> Vec<u8> {
        let (kind, body) = self.body();
        let mut raw = self.head();
        raw.push_str(&kind);
        raw.push_str("\r\n");
        raw.push_str(&body);
        raw.into_bytes()
    }

    /// The header without Content-* fields.
    pub fn head(&self) -> String {
        format!(
            "Received: from mail.{domain} (mail.{domain} [192.0.2.{host}]) by mx.{OWN_DOMAIN}; Thu, 15 Jan 2026 11:59:30 +0000\r\n\
             From: {name} <{address}>\r\nTo: Bo Larsen <bo@{OWN_DOMAIN}>\r\nSubject: {subject}\r\n\
             Date: Thu, 15 Jan 2026 11:59:00 +0000\r\nMessage-ID: <{number}@{domain}>\r\nMIME-Version: 1.0\r\n{header}",
            domain = self.domain(),
            host = 10 + self.number.len(),
            name = word(&self.name),
            address = self.address,
            subject = word(&self.subject),
            number = self.number,
            header = self.header,
        )
    }

    fn body(&self) -> (String, String) {
        let mut inner = match &self.html {
            None => part("text/plain; charset=utf-8", &self.text),
            Some(html) => (
                "Content-Type: multipart/alternative; boundary=\"alt-7c1f\"\r\n".to_string(),
                joined("alt-7c1f", &[part("text/plain; charset=utf-8", &self.text), part("text/html; charset=utf-8", html)]),
            ),
        };
        if !self.files.is_empty() {
            let mut parts = vec![inner];
            parts.extend(self.files.iter().map(file_part));
            inner = ("Content-Type: multipart/mixed; boundary=\"mix-52ab\"\r\n".to_string(), joined("mix-52ab", &parts));
        }
        inner
    }
}

/// Header lines and body of a text part.
pub fn part(kind: &str, text: &str) -> (String, String) {
    (format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"), base64_lines(text.as_bytes()))
}

fn file_part(file: &File) -> (String, String) {
    let disposition = if file.inline { "inline" } else { "attachment" };
    let id = if file.inline { "Content-ID: <picture>\r\n" } else { "" };
    let head = format!(
        "Content-Type: {}; name=\"{name}\"\r\nContent-Disposition: {disposition}; filename=\"{name}\"\r\n{id}\
         Content-Transfer-Encoding: base64\r\n",
        file.kind,
        name = file.name
    );
    (head, base64_lines(&file.content))
}

pub fn joined(boundary: &str, parts: &[(String, String)]) -> String {
    let mut body = String::new();
    for (head, content) in parts {
        body.push_str(&format!("--{boundary}\r\n{head}\r\n{content}\r\n"));
    }
    body + &format!("--{boundary}--\r\n")
}

/// RFC 2047: text that is not ASCII as encoded words, each short enough.
pub fn word(text: &str) -> String {
    if text.is_ascii() {
        return text.to_string();
    }
    let chars: Vec<char> = text.chars().collect();
    let words: Vec<String> =
        chars.chunks(12).map(|some| format!("=?utf-8?B?{}?=", base64(some.iter().collect::<String>().as_bytes()))).collect();
    words.join("\r\n ")
}

pub fn base64_lines(octets: &[u8]) -> String {
    let encoded = base64(octets);
    let lines: Vec<&str> = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    lines.join("\r\n") + "\r\n"
}

pub fn base64(octets: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(octets.len() * 4 / 3 + 4);
    for three in octets.chunks(3) {
        let value = three.iter().fold(0u32, |value, octet| value << 8 | u32::from(*octet)) << (8 * (3 - three.len()));
        for letter in 0..4 {
            let shown = letter <= three.len();
            out.push(if shown { char::from(LETTERS[(value >> (18 - 6 * letter)) as usize & 63]) } else { '=' });
        }
    }
    out
}
