//! Messages that programs read differently, with the harmless test file where only some of them find it.
//!
//! The cases are those of the literature on MIME ambiguity: boundaries, encodings, structure, names. The twin has the same
//! parts, written as they should be, and a harmless file.

use super::Case;
use super::dice::Dice;
use super::letter::{Letter, base64_lines, joined};
use super::{eicar, names};

/// Each trick this often, with other words around it.
const COUNT: usize = 3;

/// Header lines of the whole message and its body, given the letter's text part and the file part.
type Make = fn(&Parts) -> (String, String);

struct Parts {
    text: (String, String),
    file: (String, String),
    /// The file alone, in base64 lines.
    encoded: String,
    boundary: String,
}

const MIXED: &str = "multipart/mixed";

#[rustfmt::skip]
const TRICKS: &[(&str, &str, Make)] = &[
    ("two-boundaries", "mime.boundary", |p| (format!("Content-Type: {MIXED}; boundary=decoy; boundary={}\r\n", p.boundary), joined(&p.boundary, &p.both()))),
    ("two-boundaries-turned", "mime.boundary", |p| (format!("Content-Type: {MIXED}; boundary={}; boundary=decoy\r\n", p.boundary), joined("decoy", &p.both()))),
    ("two-content-types", "header.duplicate", |p| (format!("Content-Type: {MIXED}; boundary=decoy\r\nContent-Type: {MIXED}; boundary={}\r\n", p.boundary), joined(&p.boundary, &p.both()))),
    ("text-then-multipart", "mime.encoding.conflict", |p| (format!("Content-Type: text/plain\r\nContent-Type: {MIXED}; boundary={}\r\n", p.boundary), joined(&p.boundary, &p.both()))),
    ("repeated-section", "mime.boundary", |p| (format!("Content-Type: {MIXED}; boundary*0=de; boundary*0={b}; boundary*1=\r\n", b = p.boundary), joined(&p.boundary, &p.both()))),
    ("continued-and-plain", "mime.boundary", |p| (format!("Content-Type: {MIXED}; boundary=decoy; boundary*0={}; boundary*1={}\r\n", &p.boundary[..3], &p.boundary[3..]), joined(&p.boundary, &p.both()))),
    ("encoded-word-boundary", "mime.boundary", |p| (format!("Content-Type: {MIXED}; boundary=\"=?us-ascii?Q?{}?=\"\r\n", p.boundary), joined(&p.boundary, &p.both()))),
    ("odd-parameter-before", "mime.boundary", |p| (format!("Content-Type: {MIXED}; x:y=1; boundary={}\r\n", p.boundary), joined(&p.boundary, &p.both()))),
    ("long-boundary", "mime.boundary", |p| { let long = p.boundary.repeat(12); (format!("Content-Type: {MIXED}; boundary={long}\r\n"), joined(&long, &p.both())) }),
    ("empty-boundary", "mime.boundary", |p| (format!("Content-Type: {MIXED}; boundary=\"\"\r\n"), joined("", &p.both()))),
    ("no-boundary", "mime.boundary", |p| (format!("Content-Type: {MIXED}\r\n"), joined(&p.boundary, &p.both()))),
    ("space-at-the-end", "mime.boundary", |p| (format!("Content-Type: {MIXED}; boundary=\"{} \"\r\n", p.boundary), joined(&format!("{} ", p.boundary), &p.both()))),
    ("prefix-of-another", "mime.boundary", |p| { let inner = joined(&format!("{}x", p.boundary), &p.both()); (format!("Content-Type: {MIXED}; boundary={}\r\n", p.boundary), joined(&p.boundary, &[(format!("Content-Type: {MIXED}; boundary={}x\r\n", p.boundary), inner)])) }),
    ("after-the-end", "mime.boundary", |p| { let body = joined(&p.boundary, std::slice::from_ref(&p.text)) + &joined(&p.boundary, std::slice::from_ref(&p.file)); (p.mixed(), body) }),
    ("text-after-the-end-mark", "mime.boundary", |p| { let body = joined(&p.boundary, &p.both()); (p.mixed(), body.trim_end().to_string() + " more\r\n") }),
    ("no-end", "mime.boundary.missing", |p| { let body = joined(&p.boundary, &p.both()); (p.mixed(), body[..body.len() - p.boundary.len() - 6].to_string()) }),
    ("never-begun", "mime.boundary.missing", |_| (format!("Content-Type: {MIXED}; boundary=other\r\n"), format!("begin 644 report.dat\r\n{}`\r\nend\r\n", uuencoded(&eicar())))),
    ("two-encodings", "mime.encoding.conflict", |p| p.with_file("Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n", &p.encoded)),
    ("two-encodings-turned", "mime.encoding.conflict", |p| p.with_file("Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: quoted-printable\r\n", &p.encoded)),
    ("unknown-encoding", "mime.encoding.unknown", |p| p.with_file("Content-Transfer-Encoding: base64x\r\n", &p.encoded)),
    ("encoding-in-words", "mime.encoding.unknown", |p| p.with_file("Content-Transfer-Encoding: =?us-ascii?Q?base64?=\r\n", &p.encoded)),
    ("encoded-multipart", "mime.encoding.unknown", |p| (format!("{}Content-Transfer-Encoding: base64\r\n", p.mixed()), base64_lines(joined(&p.boundary, &p.both()).as_bytes()))),
    ("base64-with-noise", "mime.encoding.broken", |p| p.with_file("Content-Transfer-Encoding: base64\r\n", &p.encoded.chars().flat_map(|c| [c, '*']).collect::<String>())),
    ("base64-in-two-streams", "mime.encoding.broken", |p| { let (one, two) = split_streams(); p.with_file("Content-Transfer-Encoding: base64\r\n", &(one + &two)) }),
    ("base64-url-alphabet", "mime.encoding.broken", |p| p.with_file("Content-Transfer-Encoding: base64\r\n", &p.encoded.replace('+', "-").replace('/', "_").replace('=', "."))),
    ("quoted-printable-bad", "mime.encoding.broken", |p| p.with_file("Content-Transfer-Encoding: quoted-printable\r\n", &format!("{}=G1=\r\n", quoted(&eicar())))),
    ("uuencode-in-text", "malware.signature", |p| (p.plain(), format!("Please see below.\r\n\r\nbegin 644 report.dat\r\n{}`\r\nend\r\n", uuencoded(&eicar())))),
    ("space-before-colon", "header.malformed", |p| (format!("Content-Type : {MIXED}; boundary={}\r\n", p.boundary), joined(&p.boundary, &p.both()))),
    ("nul-in-name", "content.nul", |p| (format!("X-Note: a\0b\r\n{}", p.mixed()), joined(&p.boundary, &p.both()))),
    ("bare-return", "header.malformed", |p| (format!("X-Note: a\rb\r\n{}", p.mixed()), joined(&p.boundary, &p.both()))),
    ("partial", "mime.partial", |p| ("Content-Type: message/partial; id=\"7\"; number=1; total=2\r\n".to_string(), p.encoded.clone())),
    ("html-then-multipart", "mime.encoding.conflict", |p| (format!("Content-Type: text/html\r\nContent-Type: {MIXED}; boundary={}\r\n", p.boundary), format!("<form><input type=password></form>{}", joined(&p.boundary, std::slice::from_ref(&p.text))))),
    ("two-charsets", "mime.encoding.conflict", |_| ("Content-Type: text/html; charset=us-ascii; charset=utf-7\r\n".to_string(), "+ADw-input type+AD0-password+AD4-\r\n".to_string())),
    ("two-names", "attachment.name.ambiguous", |p| p.with_text_and("Content-Type: application/octet-stream; name=report.exe\r\nContent-Disposition: attachment; filename=report.txt\r\nContent-Transfer-Encoding: base64\r\n", &p.encoded)),
    ("name-with-stream", "attachment.name.ambiguous", |p| p.with_text_and("Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"report.exe::$DATA\"\r\nContent-Transfer-Encoding: base64\r\n", &p.encoded)),
    ("two-endings", "attachment.double-extension", |p| p.with_text_and("Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"report.pdf.exe\"\r\nContent-Transfer-Encoding: base64\r\n", &p.encoded)),
    ("utf-7", "mime.charset", |p| ("Content-Type: text/html; charset=utf-7\r\n".to_string(), format!("{}+ADw-input type+AD0-password+AD4-\r\n", p.text.1.len()))),
    ("hundred-deep", "mime.over-budget", |p| hundred_deep(p)),
];

impl Parts {
    fn new(dice: &mut Dice, is_harmless: bool) -> Parts {
        let content = if is_harmless { "one\r\ntwo\r\n".to_string() } else { eicar() };
        let encoded = base64_lines(content.as_bytes());
        let head = "Content-Type: application/octet-stream; name=report.dat\r\nContent-Disposition: attachment; filename=report.dat\r\n\
                    Content-Transfer-Encoding: base64\r\n";
        Parts {
            text: ("Content-Type: text/plain\r\n".to_string(), format!("{}\r\n", names::paragraph(dice))),
            file: (head.to_string(), encoded.clone()),
            encoded,
            boundary: format!("b{}", dice.letters(7)),
        }
    }

    fn both(&self) -> [(String, String); 2] {
        [self.text.clone(), self.file.clone()]
    }

    fn mixed(&self) -> String {
        format!("Content-Type: {MIXED}; boundary={}\r\n", self.boundary)
    }

    fn plain(&self) -> String {
        "Content-Type: text/plain\r\n".to_string()
    }

    /// The file with these lines about its encoding.
    fn with_file(&self, encoding: &str, content: &str) -> (String, String) {
        let head = "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=report.dat\r\n";
        self.with_text_and(&format!("{head}{encoding}"), content)
    }

    /// The text and another part.
    fn with_text_and(&self, head: &str, content: &str) -> (String, String) {
        (self.mixed(), joined(&self.boundary, &[self.text.clone(), (head.to_string(), content.to_string())]))
    }
}

pub fn cases(dice: &mut Dice, cases: &mut Vec<Case>) {
    for (name, check, make) in TRICKS {
        for number in 0..COUNT {
            let letter = Letter::new(dice);
            let parts = Parts::new(dice, false);
            let harmless = Parts { text: parts.text.clone(), boundary: parts.boundary.clone(), ..Parts::new(dice, true) };
            cases.push(Case {
                kind: "MIME",
                name: format!("mime-{name}-{number}"),
                mail: raw(&letter, make(&parts)),
                check,
                twin: raw(&letter, (harmless.mixed(), joined(&harmless.boundary, &harmless.both()))),
            });
        }
    }
}

fn raw(letter: &Letter, (header, body): (String, String)) -> Vec<u8> {
    format!("{}{header}\r\n{body}", letter.head()).into_bytes()
}

/// The file as two base64 streams, each with its own padding.
fn split_streams() -> (String, String) {
    let text = eicar();
    (base64_lines(&text.as_bytes()[..20]), base64_lines(&text.as_bytes()[20..]))
}

fn quoted(text: &str) -> String {
    text.bytes().map(|octet| if octet.is_ascii_alphanumeric() { char::from(octet).to_string() } else { format!("={octet:02X}") }).collect()
}

fn uuencoded(text: &str) -> String {
    let letter = |six: u8| char::from(if six == 0 { b'`' } else { six + b' ' });
    let mut out = String::new();
    for line in text.as_bytes().chunks(45) {
        out.push(letter(line.len() as u8));
        for three in line.chunks(3) {
            let at = |place: usize| three.get(place).copied().unwrap_or(0);
            let sixes = [at(0) >> 2, (at(0) & 3) << 4 | at(1) >> 4, (at(1) & 15) << 2 | at(2) >> 6, at(2) & 63];
            out.extend(sixes.map(letter));
        }
        out.push_str("\r\n");
    }
    out
}

fn hundred_deep(parts: &Parts) -> (String, String) {
    let mut inner = format!("{}\r\n{}", parts.file.0, parts.file.1);
    for _ in 0..100 {
        inner = format!("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n{inner}");
    }
    ("Content-Type: message/rfc822\r\n".to_string(), format!("Subject: x\r\n{inner}"))
}
