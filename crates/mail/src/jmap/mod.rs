//! JMAP as a client reads and writes it: answers over HTTP, the session, mailboxes and messages (RFC 8620, RFC 8621).
//!
//! In: octets of an answer. Out: [`Answer`], [`Session`], [`Results`], and of these what finding and moving one message needs. Invariant:
//! nothing is kept beyond the limits below, identifiers have the letters that RFC 8620 §1.2 gives them, texts are without controls; what
//! cannot be read is an error, never a guess. Not here: the connection, and what is done with a message (`gateway::mailbox`).

mod answer;
mod results;
mod session;
#[cfg(test)]
mod tests;
mod url;

pub use answer::{Answer, read_answer};
pub use results::{Email, Mailbox, Results, SetError, emails, found, mailboxes, updated};
pub use session::{Account, Session};
pub use url::{Url, filled};

use serde_json::{Value, json};

/// What we use of JMAP (RFC 8620 §2, RFC 8621 §1.3.1).
pub const CORE: &str = "urn:ietf:params:jmap:core";
pub const MAIL: &str = "urn:ietf:params:jmap:mail";
/// Mailboxes of one account, and messages of one answer, that are read.
pub const MAILBOXES_MAX: usize = 1_000;
pub const EMAILS_MAX: usize = 50;
/// Accounts of one session that are read. One user may see those of a whole organisation.
pub const ACCOUNTS_MAX: usize = 50_000;
/// RFC 8620 §1.2.
const ID_OCTETS_MAX: usize = 255;
/// Characters of a text that is shown to people.
const TEXT_CHARS_MAX: usize = 300;
/// Characters of a URL or a name.
const NAME_CHARS_MAX: usize = 2_000;

/// Why an answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JmapError {
    #[error("the answer is not HTTP")]
    NotHttp,
    #[error("the answer broke off")]
    Broken,
    #[error("the answer is not JSON")]
    NotJson,
    #[error("the answer has no usable “{0}”")]
    Missing(&'static str),
    #[error("the answer is longer than is read")]
    TooMuch,
    /// RFC 8620 §3.6.2: one method failed.
    #[error("{kind}: {said}")]
    Method { kind: String, said: String },
}

/// Whether a text is an identifier (RFC 8620 §1.2): it can stand in a JSON pointer and in a URL as it is.
pub fn is_id(text: &str) -> bool {
    (1..=ID_OCTETS_MAX).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}

/// A request of these calls; each is a method, its arguments and a name for its answer (RFC 8620 §3.3).
pub fn request(calls: &[(&str, Value, &str)]) -> Value {
    let calls: Vec<Value> = calls.iter().map(|(method, arguments, name)| json!([method, arguments, name])).collect();
    json!({ "using": [CORE, MAIL], "methodCalls": calls })
}

/// Arguments that take the identifiers that an earlier call found (RFC 8620 §3.7).
pub fn ids_of(result_of: &str, method: &str) -> Value {
    json!({ "resultOf": result_of, "name": method, "path": "/ids" })
}

/// A text of the server's as it may be shown: in one line, and short.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_CHARS_MAX).collect()
}

fn text(value: &Value, field: &str) -> Option<String> {
    let text = value.get(field)?.as_str()?;
    (text.chars().count() <= NAME_CHARS_MAX && !text.chars().any(char::is_control)).then(|| text.to_string())
}

fn id(value: &Value, field: &str) -> Option<String> {
    value.get(field)?.as_str().filter(|text| is_id(text)).map(str::to_string)
}
