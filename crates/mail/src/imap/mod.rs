//! IMAP as a client reads and writes it: responses of a server, and what goes into commands (RFC 3501, RFC 9051).
//!
//! In: octets of a connection. Out: [`Response`]s, each with its literals, and what mail needs of them: capabilities, folders, numbers
//! found, one message, where a message went. Invariant: nothing is kept beyond the limits below; what cannot be read is an error, never
//! a guess. Not here: the connection, and what is asked of the server (`gateway::mailbox`).

mod name;
mod response;
#[cfg(test)]
mod tests;

pub use name::{folder_from_wire, folder_to_wire};
pub use response::{Body, ImapError, Response, ResponseReader, Status, Value};

use bytes::Bytes;

/// Numbers of one SEARCH that are read.
pub const FOUND_MAX: usize = 10_000;

/// One folder of a LIST (RFC 3501 §7.2.2, special uses by RFC 6154).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Lower-case, with the backslash: `\trash`.
    pub attributes: Vec<String>,
    /// As the server writes it.
    pub wire_name: String,
}

impl Folder {
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|one| one == attribute)
    }
}

/// One message of a FETCH.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fetched {
    pub uid: u32,
    /// RFC822.SIZE; 0 when it was not asked for.
    pub size: u64,
    /// The first body section.
    pub octets: Bytes,
}

impl Response {
    /// Capabilities, in capitals, from a CAPABILITY response or the code of a status.
    pub fn capabilities(&self) -> Option<Vec<String>> {
        match &self.body {
            Body::Data(values) if values.first().is_some_and(|first| first.is_word("CAPABILITY")) => {
                Some(values[1..].iter().filter_map(Value::word).map(str::to_ascii_uppercase).collect())
            }
            Body::Status { code, .. } => {
                let code = code.to_ascii_uppercase();
                code.strip_prefix("CAPABILITY ").map(|all| all.split(' ').map(str::to_string).collect())
            }
            _ => None,
        }
    }

    /// Numbers of a SEARCH response (RFC 3501 §7.2.5).
    pub fn found(&self) -> Option<Vec<u32>> {
        let Body::Data(values) = &self.body else { return None };
        let (first, rest) = values.split_first()?;
        first.is_word("SEARCH").then(|| rest.iter().take(FOUND_MAX).filter_map(|one| one.word()?.parse().ok()).collect())
    }

    /// A folder of a LIST response.
    pub fn folder(&self) -> Option<Folder> {
        let Body::Data(values) = &self.body else { return None };
        let [first, Value::List(attributes), _, name, ..] = values.as_slice() else { return None };
        first.is_word("LIST").then(|| Folder {
            attributes: attributes.iter().filter_map(Value::word).map(str::to_ascii_lowercase).collect(),
            wire_name: name.text(),
        })
    }

    /// What a FETCH response says of one message.
    pub fn fetched(&self) -> Option<Fetched> {
        let Body::Data(values) = &self.body else { return None };
        let [_, second, Value::List(pairs), ..] = values.as_slice() else { return None };
        if !second.is_word("FETCH") {
            return None;
        }
        let mut found = Fetched::default();
        for pair in pairs.chunks_exact(2) {
            let name = pair[0].word().unwrap_or_default().to_ascii_uppercase();
            match name.as_str() {
                "UID" => found.uid = pair[1].word()?.parse().ok()?,
                "RFC822.SIZE" => found.size = pair[1].word()?.parse().ok()?,
                name if name.starts_with("BODY[") => found.octets = pair[1].octets(),
                _ => {}
            }
        }
        Some(found)
    }

    /// UIDVALIDITY and the new number of one message that was copied or moved (RFC 4315 §3, RFC 6851 §4.3).
    pub fn copied(&self) -> Option<(u32, u32)> {
        let Body::Status { code, .. } = &self.body else { return None };
        let mut words = code.split(' ');
        words.next().filter(|name| name.eq_ignore_ascii_case("COPYUID"))?;
        let (validity, _, to) = (words.next()?, words.next()?, words.next()?);
        Some((validity.parse().ok()?, to.parse().ok()?))
    }

    /// UIDVALIDITY of the folder that was selected.
    pub fn uid_validity(&self) -> Option<u32> {
        let Body::Status { code, .. } = &self.body else { return None };
        let (name, number) = code.split_once(' ')?;
        name.eq_ignore_ascii_case("UIDVALIDITY").then(|| number.parse().ok()).flatten()
    }
}

/// Text as a quoted string of a command (RFC 3501 §4.3); `None` when it holds what cannot stand in one.
pub fn quoted(text: &str) -> Option<String> {
    if !text.chars().all(|c| matches!(c, ' '..='~')) {
        return None;
    }
    Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// A day as SEARCH has it: `27-Nov-2026` (RFC 3501 §9, date).
pub fn search_date(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%-d-%b-%Y").to_string()
}
