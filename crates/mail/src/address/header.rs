//! Mailboxes in header fields: the one strict reading of From, and a lenient one for To, Cc and Reply-To.
//!
//! The strict reader takes RFC 5322 §3.4 without the obsolete forms, but for one: dots in an unquoted display name, which half
//! of all mail has and no two readers disagree on. Whatever two programs could read differently is [`FromField::Ambiguous`]
//! (Chen, Paxson, Jiang, "Composition Kills", USENIX Security 2020; the cases are in `tests.rs`).

use super::{Address, decode_words};

/// More than this many mailboxes of one field are not read.
pub const MAILBOXES_MAX: usize = 1_000;
/// RFC 5322 sets no limit; nobody nests on purpose.
const COMMENT_DEPTH_MAX: usize = 8;
/// Octets of a From field that is still read.
const FROM_OCTETS_MAX: usize = 8 << 10;
/// Characters of an unreadable From that are kept for people.
const RAW_CHARS_MAX: usize = 500;

/// The one reading of the From header that authentication, inspections, rules and pages use (`reference`: RFC 5322 §3.6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromField {
    /// Exactly one From header with exactly one mailbox. `display` is decoded (RFC 2047) and stripped of controls.
    One { display: String, address: Address },
    /// No From header at all.
    Missing,
    /// More than one field, mailbox or address, a group, a route, or text the strict grammar cannot read. `why` is for people.
    Ambiguous { why: &'static str, raw: String },
}

impl FromField {
    pub fn address(&self) -> Option<&Address> {
        match self {
            FromField::One { address, .. } => Some(address),
            _ => None,
        }
    }

    pub fn display(&self) -> &str {
        match self {
            FromField::One { display, .. } => display,
            _ => "",
        }
    }
}

/// Reads the values of all From headers of a message (raw octets after the colon, folded as received).
pub fn read_from(values: &[&[u8]]) -> FromField {
    let ambiguous = |why| FromField::Ambiguous { why, raw: for_people(values) };
    let value = match values {
        [] => return FromField::Missing,
        [value] => value,
        _ => return ambiguous("there is more than one From field"),
    };
    if value.len() > FROM_OCTETS_MAX {
        return ambiguous("the From field is too long");
    }
    match unfold(value).and_then(|line| read_mailbox(&line)) {
        Ok((display, address)) => FromField::One { display, address },
        Err(why) => ambiguous(why),
    }
}

/// As [`read_from`], from all fields of a header: also counts names that some reader takes for "From", such as `From `,
/// a folded `From` or one with a NUL in it (espoofer A9 to A11), and lets none of them stand for the real one.
pub fn read_from_fields<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> FromField {
    let mut values = Vec::with_capacity(1);
    let mut has_lookalike = false;
    for (name, value) in fields {
        if name.eq_ignore_ascii_case(b"from") {
            values.push(value);
        } else if is_nearly_from(name) {
            has_lookalike = true;
            values.push(value);
        }
    }
    if has_lookalike {
        return FromField::Ambiguous { why: "the name of a From field is malformed", raw: for_people(&values) };
    }
    read_from(&values)
}

fn is_nearly_from(name: &[u8]) -> bool {
    name.len() < 64 && name.iter().filter(|octet| octet.is_ascii_graphic()).map(u8::to_ascii_lowercase).eq(*b"from")
}

/// Mailboxes of To, Cc or Reply-To with their decoded display names. Lenient: what has no address is left out.
/// Groups are opened; at most [`MAILBOXES_MAX`].
pub fn mailboxes(value: &[u8]) -> Vec<(String, Address)> {
    split_list(value).into_iter().filter_map(read_leniently).take(MAILBOXES_MAX).collect()
}

type Why = &'static str;

/// RFC 5322 §2.2.3. Anything but folding and printable text is refused, and so is a fold of white space alone (obs-FWS).
fn unfold(value: &[u8]) -> Result<Vec<u8>, Why> {
    let mut line = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((octet, after)) = rest.split_first() {
        rest = after;
        match octet {
            b'\r' if rest.first() == Some(&b'\n') => {}
            b'\n' => {
                let text = rest.iter().position(|next| !matches!(next, b' ' | b'\t')).ok_or("the From field ends in an empty fold")?;
                if text == 0 || matches!(rest[text], b'\r' | b'\n') {
                    return Err("the From field has a line break that is no folding");
                }
            }
            b'\t' => line.push(b' '),
            0..=31 | 127 => return Err("the From field has control characters"),
            _ => line.push(*octet),
        }
    }
    Ok(line)
}

/// mailbox = name-addr / addr-spec, and nothing else on the line.
fn read_mailbox(line: &[u8]) -> Result<(String, Address), Why> {
    let mut reader = Reader { line, at: 0, comment: Vec::new() };
    let mut phrase: Vec<u8> = Vec::new();
    let mut bare: Option<Address> = None;
    loop {
        reader.skip_comments()?;
        match reader.peek() {
            None => break,
            Some(b'<') => {
                let address = reader.read_angle()?;
                return reader.finish(phrase, bare, address);
            }
            Some(b',') => return Err("there is more than one mailbox"),
            Some(b':' | b';') => return Err("the From field is a group"),
            Some(_) if bare.is_some() => return Err("text follows the address"),
            Some(_) => {
                let from = reader.at;
                let word = reader.read_word()?;
                if reader.peek() == Some(b'@') {
                    if !phrase.is_empty() {
                        return Err("an address stands in the display name");
                    }
                    bare = Some(reader.read_rest_of_address(from)?);
                    continue;
                }
                if !phrase.is_empty() {
                    phrase.push(b' ');
                }
                phrase.extend_from_slice(&word);
            }
        }
    }
    let address = bare.ok_or("there is no address in the From field")?;
    Ok((decode_words(&reader.comment), address))
}

struct Reader<'a> {
    line: &'a [u8],
    at: usize,
    /// Text of the last comment: `a@b (Name)` is the old way to give a name.
    comment: Vec<u8>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    /// CFWS (RFC 5322 §3.2.2).
    fn skip_comments(&mut self) -> Result<(), Why> {
        loop {
            match self.peek() {
                Some(b' ') => self.at += 1,
                Some(b'(') => self.read_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn read_comment(&mut self) -> Result<(), Why> {
        let mut depth = 0;
        self.comment.clear();
        while let Some(octet) = self.peek() {
            self.at += 1;
            match octet {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => {
                    self.comment.extend(self.peek());
                    self.at += 1;
                }
                _ => self.comment.push(octet),
            }
            if depth == 0 {
                return Ok(());
            }
            if depth > COMMENT_DEPTH_MAX {
                return Err("comments are nested too deep");
            }
        }
        Err("a comment is not closed")
    }

    /// An atom with dots, or a quoted string without its quotes.
    fn read_word(&mut self) -> Result<Vec<u8>, Why> {
        if self.peek() == Some(b'"') {
            return self.read_quoted();
        }
        let from = self.at;
        while self.peek().is_some_and(is_phrase_octet) {
            self.at += 1;
        }
        if self.at == from {
            return Err("a character stands where none may stand without quotes");
        }
        Ok(self.line[from..self.at].to_vec())
    }

    fn read_quoted(&mut self) -> Result<Vec<u8>, Why> {
        let mut text = Vec::new();
        self.at += 1;
        while let Some(octet) = self.peek() {
            self.at += 1;
            match octet {
                b'"' => return Ok(text),
                b'\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                _ => text.push(octet),
            }
        }
        Err("a quoted string is not closed")
    }

    /// At the "@" of a bare addr-spec that starts at `from`.
    fn read_rest_of_address(&mut self, from: usize) -> Result<Address, Why> {
        self.at += 1;
        let in_literal = self.peek() == Some(b'[');
        while let Some(octet) = self.peek() {
            if in_literal && octet == b']' {
                self.at += 1;
                break;
            }
            if !in_literal && !is_phrase_octet(octet) {
                break;
            }
            self.at += 1;
        }
        parse_octets(&self.line[from..self.at])
    }

    /// At "<". White space inside is allowed by the grammar, comments there are not taken.
    fn read_angle(&mut self) -> Result<Address, Why> {
        let from = self.at + 1;
        let mut quoted = false;
        let mut escaped = false;
        while let Some(octet) = self.line.get(self.at + 1) {
            self.at += 1;
            match octet {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'>' if !quoted => {
                    let inner = self.line[from..self.at].trim_ascii();
                    self.at += 1;
                    if inner.first() == Some(&b'@') {
                        return Err("the address has a source route");
                    }
                    return parse_octets(inner);
                }
                _ => {}
            }
        }
        Err("an angle bracket is not closed")
    }

    /// After the angle-addr: nothing but comments may follow.
    fn finish(mut self, phrase: Vec<u8>, bare: Option<Address>, address: Address) -> Result<(String, Address), Why> {
        let named_by_itself = bare.as_ref() == Some(&address);
        if bare.is_some() && !named_by_itself {
            return Err("there are two different addresses");
        }
        self.skip_comments()?;
        if self.peek().is_some() {
            return Err("text follows the address");
        }
        // `a@b <a@b>`: not the grammar, but nothing to misread.
        let display = if named_by_itself { address.to_string() } else { decode_words(&phrase) };
        Ok((display, address))
    }
}

/// RFC 5322 §3.2.3 atext, the dot, and octets of other charsets (RFC 6532, or raw ones of old mailers).
fn is_phrase_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet >= 0x80 || b"!#$%&'*+-/=?^_`{|}~.".contains(&octet)
}

fn parse_octets(octets: &[u8]) -> Result<Address, Why> {
    let text = std::str::from_utf8(octets).map_err(|_| "the address is not UTF-8")?;
    Address::parse(text).map_err(|_| "the address is not valid")
}

/// Cuts an address list at its commas, with quotes, comments and brackets in mind; group names and `;` fall away.
fn split_list(value: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let (mut from, mut depth) = (0, 0usize);
    let (mut quoted, mut escaped, mut in_brackets) = (false, false, false);
    for (at, octet) in value.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted || depth > 0 => escaped = true,
            b'"' if depth == 0 => quoted = !quoted,
            _ if quoted => {}
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            b'<' | b'[' => in_brackets = true,
            b'>' | b']' => in_brackets = false,
            b':' if !in_brackets => from = at + 1,
            b',' | b';' if !in_brackets => {
                pieces.push(&value[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        // Empty pieces cost a slot as well: a field of commas alone stays cheap.
        if pieces.len() >= MAILBOXES_MAX {
            return pieces;
        }
    }
    pieces.push(&value[from..]);
    pieces
}

fn read_leniently(piece: &[u8]) -> Option<(String, Address)> {
    let line: Vec<u8> = piece.iter().map(|octet| if octet.is_ascii_whitespace() { b' ' } else { *octet }).collect();
    if let Ok(found) = read_mailbox(&line) {
        return Some(found);
    }
    let line = line.trim_ascii();
    let Some(open) = memchr::memrchr(b'<', line) else {
        return Some((String::new(), parse_octets(line).ok()?));
    };
    let close = open + memchr::memchr(b'>', &line[open..]).unwrap_or(line.len() - open);
    let address = parse_octets(line[open + 1..close].trim_ascii()).ok()?;
    let display: Vec<u8> = line[..open].iter().copied().filter(|octet| *octet != b'"').collect();
    Some((decode_words(&display), address))
}

fn for_people(values: &[&[u8]]) -> String {
    let mut text = String::new();
    for value in values.iter().take(4) {
        if !text.is_empty() {
            text.push_str(" | ");
        }
        let shown = String::from_utf8_lossy(&value[..value.len().min(RAW_CHARS_MAX)]);
        text.extend(shown.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter }));
    }
    text.chars().take(RAW_CHARS_MAX).collect()
}
