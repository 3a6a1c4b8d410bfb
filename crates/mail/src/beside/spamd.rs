//! The protocol of spamd, version 1.5 and those before it: what spamc asks, and the octets that answer it.
//!
//! A request is a line, fields, an empty line, and a message of `Content-length` octets or until the client stops sending.

use std::fmt::Write;

/// Line and fields of a request together. Those of spamc are under 300 octets.
pub const HEAD_OCTETS_MAX: usize = 8 << 10;
const FIELDS_MAX: usize = 64;
/// The version in our answers; spamc takes any.
const VERSION: &str = "SPAMD/1.5";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Ping,
    /// Only whether it is spam.
    Check,
    /// And the names of what was found.
    Symbols,
    /// And a report for people.
    Report,
    /// The report only of spam.
    ReportIfSpam,
    /// The message with our fields in it.
    Process,
    /// The header of that message only.
    Headers,
    /// What the message is: to be learned, or forgotten.
    Tell,
    /// The client will not send anything.
    Skip,
}

/// What TELL says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Spam,
    Ham,
    /// What was learned of it is to be taken back.
    Forget,
}

/// Line and fields of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub method: Method,
    /// "1.5"; empty when none was given.
    pub version: String,
    pub content_octets: Option<u64>,
    /// For whom.
    pub user: String,
    /// The message is compressed with zlib.
    pub is_compressed: bool,
    /// With TELL.
    pub told: Option<Told>,
}

/// Why there is no answer to the question. The codes are those of sysexits.h, as spamd uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Usage,
    Data,
    NoUser,
    Software,
    TempFail,
    Protocol,
    NoPermission,
    Timeout,
}

impl Failure {
    /// Code and name.
    pub fn code(self) -> (u8, &'static str) {
        match self {
            Failure::Usage => (64, "EX_USAGE"),
            Failure::Data => (65, "EX_DATAERR"),
            Failure::NoUser => (67, "EX_NOUSER"),
            Failure::Software => (70, "EX_SOFTWARE"),
            Failure::TempFail => (75, "EX_TEMPFAIL"),
            Failure::Protocol => (76, "EX_PROTOCOL"),
            Failure::NoPermission => (77, "EX_NOPERM"),
            Failure::Timeout => (79, "EX_TIMEOUT"),
        }
    }
}

/// Reads the head of a request: it and how many octets it has, or `None` while more is needed.
/// # Errors
/// The answer that ends the conversation.
pub fn read_head(octets: &[u8]) -> Result<Option<(Head, usize)>, Failure> {
    let Some((length, text)) = head_of(octets)? else { return Ok(None) };
    let mut lines = text.lines();
    let (method, version) = request_line(lines.next().unwrap_or_default())?;
    let mut head = Head { method, version, content_octets: None, user: String::new(), is_compressed: false, told: None };
    let (mut class, mut set, mut remove) = (String::new(), String::new(), String::new());
    for (n, line) in lines.enumerate() {
        let (name, value) = line.split_once(':').filter(|_| n < FIELDS_MAX).ok_or(Failure::Protocol)?;
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "content-length" => head.content_octets = Some(value.parse().map_err(|_| Failure::Protocol)?),
            "user" => head.user = value.chars().filter(|c| !c.is_control()).take(USER_CHARS_MAX).collect(),
            "compress" if value.eq_ignore_ascii_case("zlib") => head.is_compressed = true,
            "compress" => return Err(Failure::Protocol),
            "message-class" => class = value.to_ascii_lowercase(),
            "set" => set = value.to_ascii_lowercase(),
            "remove" => remove = value.to_ascii_lowercase(),
            _ => {} // new fields are not for us
        }
    }
    if head.method == Method::Tell {
        head.told = Some(told(&class, &set, &remove)?);
    }
    Ok(Some((head, length)))
}

/// RFC 5321 §4.5.3.1.3, and some room.
const USER_CHARS_MAX: usize = 320;

/// The text before the empty line, and how many octets it has with that. A request without fields may end at its line.
fn head_of(octets: &[u8]) -> Result<Option<(usize, &str)>, Failure> {
    let window = &octets[..octets.len().min(HEAD_OCTETS_MAX)];
    let mut at = 0;
    while let Some(end) = memchr::memchr(b'\n', &window[at..]) {
        let line = &window[at..at + end];
        if at > 0 && matches!(line, b"" | b"\r") {
            let text = std::str::from_utf8(&window[..at]).map_err(|_| Failure::Protocol)?;
            return Ok(Some((at + end + 1, text)));
        }
        at += end + 1;
    }
    if octets.len() >= HEAD_OCTETS_MAX { Err(Failure::Protocol) } else { Ok(None) }
}

fn request_line(line: &str) -> Result<(Method, String), Failure> {
    let mut words = line.split_ascii_whitespace();
    let method = match words.next().unwrap_or_default() {
        "PING" => Method::Ping,
        "CHECK" => Method::Check,
        "SYMBOLS" => Method::Symbols,
        "REPORT" => Method::Report,
        "REPORT_IFSPAM" => Method::ReportIfSpam,
        "PROCESS" => Method::Process,
        "HEADERS" => Method::Headers,
        "TELL" => Method::Tell,
        "SKIP" => Method::Skip,
        _ => return Err(Failure::Protocol),
    };
    let version = words.next().unwrap_or_default();
    let is_version =
        version.strip_prefix("SPAMC/").is_some_and(|number| number.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.'));
    match is_version || version.is_empty() {
        true => Ok((method, version.trim_start_matches("SPAMC/").to_string())),
        false => Err(Failure::Protocol),
    }
}

/// Local databases are what we have; sending reports to others' ("remote") is not for a filter behind spamc.
fn told(class: &str, set: &str, remove: &str) -> Result<Told, Failure> {
    let names_local = |places: &str| places.split(',').any(|place| place.trim() == "local");
    match (class, names_local(set), names_local(remove)) {
        ("spam", true, _) => Ok(Told::Spam),
        ("ham", true, _) => Ok(Told::Ham),
        (_, false, true) => Ok(Told::Forget),
        _ => Err(Failure::Usage),
    }
}

/// How spam and score are told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    pub is_spam: bool,
    pub points: f64,
    pub threshold: f64,
}

/// A good answer: the line, fields, and what was asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Response {
    pub score: Option<Score>,
    /// Further fields, without line ends in them.
    pub fields: Vec<(&'static str, String)>,
    pub content: Option<Vec<u8>>,
}

impl Response {
    pub fn octets(&self) -> Vec<u8> {
        let mut head = format!("{VERSION} 0 EX_OK\r\n");
        if let Some(score) = self.score {
            let spam = if score.is_spam { "True" } else { "False" };
            let _ = write!(head, "Spam: {spam} ; {:.1} / {:.1}\r\n", score.points, score.threshold); // writing to a String cannot fail
        }
        for (name, value) in &self.fields {
            let _ = write!(head, "{name}: {}\r\n", value.replace(['\r', '\n'], " "));
        }
        let content = self.content.as_deref().unwrap_or_default();
        if self.content.is_some() {
            let _ = write!(head, "Content-length: {}\r\n", content.len());
        }
        [head.as_bytes(), b"\r\n", content].concat()
    }
}

/// The answer to PING.
pub fn pong() -> Vec<u8> {
    format!("{VERSION} 0 PONG\r\n").into_bytes()
}

/// An answer that is none; `why` is for people.
pub fn failed(failure: Failure, why: &str) -> Vec<u8> {
    let (code, name) = failure.code();
    let why: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WHY_CHARS_MAX).collect();
    format!("{VERSION} {code} {name} {why}\r\n\r\n").into_bytes()
}

const WHY_CHARS_MAX: usize = 200;
