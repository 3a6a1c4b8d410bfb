//! One response of a server (RFC 3501 §9, response), from octets.

use bytes::{Buf, Bytes, BytesMut};

/// Octets of one response without its literals.
const LINE_OCTETS_MAX: usize = 64 << 10;
/// Literals of one response.
const LITERALS_MAX: usize = 64;
/// Values of one response, and lists within lists.
const VALUES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 8;

/// What the server sent is not IMAP, or too much of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImapError {
    #[error("a line of the server is longer than 64 KiB")]
    LongLine,
    #[error("the server sends a text of {0} octets, which is more than was asked for")]
    LongLiteral(usize),
    #[error("the server sends what is no response of IMAP")]
    Garbled,
}

/// One response. The tag is "*" for what comes by itself, "+" when the server waits for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub tag: String,
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// How something ended, or a word beside: `code` stood in brackets.
    Status {
        status: Status,
        code: String,
        text: String,
    },
    Data(Vec<Value>),
    /// The server waits for the rest of a command.
    Go,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Ok,
    No,
    Bad,
    Bye,
    PreAuth,
}

/// One value of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Word(String),
    /// A quoted string or a literal.
    Text(Bytes),
    List(Vec<Value>),
}

impl Value {
    pub fn word(&self) -> Option<&str> {
        match self {
            Value::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.word().is_some_and(|own| own.eq_ignore_ascii_case(word))
    }

    /// A word or text as text; "" for a list.
    pub fn text(&self) -> String {
        match self {
            Value::Word(word) => word.clone(),
            Value::Text(octets) => String::from_utf8_lossy(octets).into_owned(),
            Value::List(_) => String::new(),
        }
    }

    /// The octets of a text; nothing for NIL.
    pub fn octets(&self) -> Bytes {
        match self {
            Value::Text(octets) => octets.clone(),
            _ => Bytes::new(),
        }
    }
}

/// Cuts responses out of a stream.
#[derive(Debug)]
pub struct ResponseReader {
    input: BytesMut,
    literal_octets_max: usize,
}

impl ResponseReader {
    /// `literal_octets_max` bounds each text that the server announces.
    pub fn new(literal_octets_max: usize) -> ResponseReader {
        ResponseReader { input: BytesMut::new(), literal_octets_max }
    }

    /// From here on, texts may be this long.
    pub fn allow_literals(&mut self, octets_max: usize) {
        self.literal_octets_max = octets_max;
    }

    /// Where what was received goes.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// The next response; `None` until all of it was received.
    /// # Errors
    /// [`ImapError`]; the connection is of no more use then.
    pub fn next_response(&mut self) -> Result<Option<Response>, ImapError> {
        let Some((end, literals)) = self.frame()? else { return Ok(None) };
        let frame = self.input.split_to(end).freeze();
        Parser { frame, at: 0, literals, values: 0 }.response().map(Some)
    }

    /// Where the response ends, and where its literals stand.
    fn frame(&self) -> Result<Option<(usize, Vec<(usize, usize)>)>, ImapError> {
        let (mut from, mut lines, mut literals) = (0, 0, Vec::new());
        loop {
            let Some(end) = memchr::memchr(b'\n', &self.input[from..]).map(|at| from + at) else {
                return if lines + self.input.len() - from > LINE_OCTETS_MAX { Err(ImapError::LongLine) } else { Ok(None) };
            };
            lines += end + 1 - from;
            if lines > LINE_OCTETS_MAX {
                return Err(ImapError::LongLine);
            }
            let Some(octets) = announced(&self.input[from..end]) else { return Ok(Some((end + 1, literals))) };
            if octets > self.literal_octets_max {
                return Err(ImapError::LongLiteral(octets));
            }
            if literals.len() >= LITERALS_MAX {
                return Err(ImapError::Garbled);
            }
            literals.push((end + 1, octets));
            from = end + 1 + octets;
            if from > self.input.len() {
                return Ok(None);
            }
        }
    }

    /// Octets that were received and belong to no whole response yet.
    pub fn is_empty(&self) -> bool {
        !self.input.has_remaining()
    }
}

/// The length of the literal that a line announces at its end: `{12}`.
fn announced(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let open = line.iter().rposition(|octet| *octet == b'{')?;
    let digits = &line[open + 1..];
    let is_number = !digits.is_empty() && digits.len() <= 10 && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

struct Parser {
    frame: Bytes,
    at: usize,
    literals: Vec<(usize, usize)>,
    values: usize,
}

impl Parser {
    fn response(mut self) -> Result<Response, ImapError> {
        let tag = self.plain_word();
        if tag.is_empty() {
            return Err(ImapError::Garbled);
        }
        if tag == "+" {
            return Ok(Response { tag, body: Body::Go });
        }
        self.skip_spaces();
        let from = self.at;
        if let Some(status) = status(&self.plain_word()) {
            return Ok(Response { tag, body: self.status(status) });
        }
        self.at = from;
        let values = self.list_until(None, 0)?;
        if values.is_empty() { Err(ImapError::Garbled) } else { Ok(Response { tag, body: Body::Data(values) }) }
    }

    /// `OK [CODE …] text`: the text is the server's own and is not read as values.
    fn status(&mut self, status: Status) -> Body {
        let rest = String::from_utf8_lossy(&self.frame[self.at..]).into_owned();
        let rest = rest.trim();
        let (code, text) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((code, text)) => (code, text.trim()),
            None => ("", rest),
        };
        let plain = |text: &str| text.chars().filter(|c| !c.is_control()).collect();
        Body::Status { status, code: plain(code), text: plain(text) }
    }

    fn peek(&self) -> Option<u8> {
        self.frame.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// Up to a space or the end of the line.
    fn plain_word(&mut self) -> String {
        let from = self.at;
        while self.peek().is_some_and(|octet| octet.is_ascii_graphic()) {
            self.at += 1;
        }
        String::from_utf8_lossy(&self.frame[from..self.at]).into_owned()
    }

    fn list_until(&mut self, close: Option<u8>, depth: usize) -> Result<Vec<Value>, ImapError> {
        if depth > DEPTH_MAX {
            return Err(ImapError::Garbled);
        }
        let mut values = Vec::new();
        loop {
            self.skip_spaces();
            match self.peek() {
                octet if octet.is_some() && octet == close => {
                    self.at += 1;
                    return Ok(values);
                }
                None | Some(b'\r' | b'\n') => return if close.is_none() { Ok(values) } else { Err(ImapError::Garbled) },
                Some(octet) => values.push(self.value(octet, depth)?),
            }
            self.values += 1;
            if self.values > VALUES_MAX {
                return Err(ImapError::Garbled);
            }
        }
    }

    fn value(&mut self, first: u8, depth: usize) -> Result<Value, ImapError> {
        match first {
            b'(' => {
                self.at += 1;
                Ok(Value::List(self.list_until(Some(b')'), depth + 1)?))
            }
            b'"' => self.quoted(),
            b'{' => self.literal(),
            b')' => Err(ImapError::Garbled),
            _ => self.word(),
        }
    }

    /// A word; what stands in brackets belongs to it, spaces and all: `BODY[HEADER.FIELDS (SUBJECT)]`.
    fn word(&mut self) -> Result<Value, ImapError> {
        let (from, mut is_bracketed) = (self.at, false);
        while let Some(octet) = self.peek() {
            match octet {
                b'\r' | b'\n' => break,
                b'[' => is_bracketed = true,
                b']' => is_bracketed = false,
                b' ' | b'(' | b')' | b'"' | b'{' if !is_bracketed => break,
                _ => {}
            }
            self.at += 1;
        }
        match self.at > from {
            true => Ok(Value::Word(String::from_utf8_lossy(&self.frame[from..self.at]).into_owned())),
            false => Err(ImapError::Garbled),
        }
    }

    fn quoted(&mut self) -> Result<Value, ImapError> {
        let mut text = Vec::new();
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Value::Text(text.into()));
                }
                Some(b'\\') => {
                    text.push(*self.frame.get(self.at + 1).filter(|octet| !matches!(octet, b'\r' | b'\n')).ok_or(ImapError::Garbled)?);
                    self.at += 2;
                }
                None | Some(b'\r' | b'\n') => return Err(ImapError::Garbled),
                Some(octet) => {
                    text.push(octet);
                    self.at += 1;
                }
            }
        }
    }

    fn literal(&mut self) -> Result<Value, ImapError> {
        // The literal whose announcement is here: the first that begins behind.
        let found = self.literals.iter().find(|(from, _)| *from > self.at).copied().ok_or(ImapError::Garbled)?;
        let announcement = &self.frame[self.at..found.0];
        if announcement.iter().filter(|octet| **octet == b'\n').count() != 1 || announced(&announcement[..announcement.len() - 1]).is_none()
        {
            return Err(ImapError::Garbled);
        }
        self.at = found.0 + found.1;
        Ok(Value::Text(self.frame.slice(found.0..self.at)))
    }
}

fn status(word: &str) -> Option<Status> {
    let known = [("OK", Status::Ok), ("NO", Status::No), ("BAD", Status::Bad), ("BYE", Status::Bye), ("PREAUTH", Status::PreAuth)];
    known.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, status)| status)
}
