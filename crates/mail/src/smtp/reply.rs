//! Replies we give: code, enhanced status, text (RFC 5321 §4.2, RFC 3463, RFC 2034).

use std::fmt;

/// RFC 5321 §4.5.3.1.5, with CRLF.
pub const REPLY_LINE_OCTETS_MAX: usize = 512;
/// Lines of one reply that are written; a peer that reads line by line has limits too.
const REPLY_LINES_MAX: usize = 64;

/// One reply: code, enhanced status (RFC 3463), text. Written as one or more lines, each at most 512 octets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reply {
    pub code: u16,
    pub status: Option<(u8, u16, u16)>,
    /// Lines of text without CR or LF; never empty.
    pub text: Vec<String>,
}

impl Reply {
    /// A reply of one line, such as `Reply::new(550, (5, 4, 1), "Recipient address rejected: Access denied")`.
    pub fn new(code: u16, status: (u8, u16, u16), text: impl Into<String>) -> Reply {
        Reply { code, status: Some(status), text: vec![text.into()] }
    }

    /// A reply without enhanced status: greeting, EHLO, 354, 334 (RFC 2034 §4 leaves them out).
    pub fn plain<T: Into<String>>(code: u16, text: impl IntoIterator<Item = T>) -> Reply {
        Reply { code, status: None, text: text.into_iter().map(Into::into).collect() }
    }

    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// 4yz.
    pub fn is_temporary(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// 5yz.
    pub fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// Appends the wire form. Long lines are cut at spaces; what is not printable ASCII becomes "?", so that no text from outside
    /// can end a line or colour a terminal.
    pub fn write_to(&self, wire: &mut Vec<u8>) {
        let status = self.status.map(|(class, subject, detail)| format!("{class}.{subject}.{detail} ")).unwrap_or_default();
        let room = REPLY_LINE_OCTETS_MAX - "250-".len() - "\r\n".len() - status.len();
        let mut last_at = wire.len();
        let lines = self.text.iter().flat_map(|line| pieces(line, room));
        for (n, piece) in lines.chain(self.text.is_empty().then(String::new)).take(REPLY_LINES_MAX).enumerate() {
            last_at = wire.len();
            wire.extend_from_slice(format!("{:03}-", self.code.min(999)).as_bytes());
            wire.extend_from_slice(status.as_bytes());
            wire.extend_from_slice(piece.as_bytes());
            if piece.is_empty() && n > 0 {
                wire.truncate(last_at + 4);
            }
            wire.extend_from_slice(b"\r\n");
        }
        // RFC 5321 §4.2.1: a space after the code marks the last line.
        wire[last_at + 3] = b' ';
    }
}

/// One line, for logs and traces: `550 5.1.1 text / more text`.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.code)?;
        if let Some((class, subject, detail)) = self.status {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        for (n, line) in self.text.iter().enumerate() {
            write!(f, "{}{line}", if n == 0 { " " } else { " / " })?;
        }
        Ok(())
    }
}

/// Cuts one line of text into printable pieces of at most `room` octets; an empty line stays one empty piece.
fn pieces(line: &str, room: usize) -> Vec<String> {
    let line: String = line.chars().map(|letter| if matches!(letter, ' '..='~') { letter } else { '?' }).collect();
    let mut rest = line.as_str();
    let mut pieces = Vec::with_capacity(1);
    while rest.len() > room && pieces.len() < REPLY_LINES_MAX {
        let cut = rest[..room].rfind(' ').filter(|at| *at > 0).unwrap_or(room);
        pieces.push(rest[..cut].to_string());
        rest = rest[cut..].trim_start_matches(' ');
    }
    if rest.len() <= room {
        pieces.push(rest.to_string());
    }
    pieces
}
