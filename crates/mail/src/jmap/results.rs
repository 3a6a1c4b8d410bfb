//! Answers to methods (RFC 8620 §3.4), and what mail needs of them (RFC 8621 §2 and §4).

use super::{EMAILS_MAX, JmapError, MAILBOXES_MAX, id, is_id, shown};
use serde_json::Value;

/// Answers of one request that are read.
const RESPONSES_MAX: usize = 50;
/// How deep mailboxes lie in others.
const DEPTH_MAX: usize = 20;
/// Octets of header fields of one message.
const HEADER_OCTETS_MAX: usize = 256 << 10;
/// Characters of the name of a mailbox.
const MAILBOX_CHARS_MAX: usize = 300;

/// The answers to the calls of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Results(Vec<(String, Value, String)>);

impl Results {
    /// # Errors
    /// It is not an answer of the API.
    pub fn read(octets: &[u8]) -> Result<Results, JmapError> {
        let mut whole: Value = serde_json::from_slice(octets).map_err(|_| JmapError::NotJson)?;
        let Some(Value::Array(responses)) = whole.get_mut("methodResponses").map(Value::take) else {
            return Err(JmapError::Missing("methodResponses"));
        };
        if responses.len() > RESPONSES_MAX {
            return Err(JmapError::TooMuch);
        }
        let one = |response: Value| match response {
            Value::Array(parts) => match <[Value; 3]>::try_from(parts) {
                Ok([Value::String(method), arguments, Value::String(name)]) => Some((method, arguments, name)),
                _ => None,
            },
            _ => None,
        };
        let read: Option<Vec<_>> = responses.into_iter().map(one).collect();
        read.map(Results).ok_or(JmapError::Missing("methodResponses"))
    }

    /// The answer to the call of this name.
    /// # Errors
    /// [`JmapError::Method`] where it failed (RFC 8620 §3.6.2).
    pub fn of(&self, name: &str) -> Result<&Value, JmapError> {
        let (method, arguments, _) = self.0.iter().find(|(_, _, of)| of == name).ok_or(JmapError::Missing("methodResponses"))?;
        match method == "error" {
            false => Ok(arguments),
            true => {
                let said = |field: &str| shown(arguments.get(field).and_then(Value::as_str).unwrap_or_default());
                Err(JmapError::Method { kind: said("type"), said: said("description") })
            }
        }
    }
}

/// A folder (RFC 8621 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    pub id: String,
    /// Names from the outermost on, with slashes between.
    pub path: String,
    /// In lower case; '' is none.
    pub role: String,
}

/// The folders of a `Mailbox/get`.
/// # Errors
/// It is none, or there are too many.
pub fn mailboxes(answer: &Value) -> Result<Vec<Mailbox>, JmapError> {
    let list = answer.get("list").and_then(Value::as_array).ok_or(JmapError::Missing("list"))?;
    if list.len() > MAILBOXES_MAX {
        return Err(JmapError::TooMuch);
    }
    let name = |one: &Value| -> String {
        let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
        name.chars().filter(|c| !c.is_control()).take(MAILBOX_CHARS_MAX).collect()
    };
    let read: Vec<(String, Option<String>, String, String)> = list
        .iter()
        .filter_map(|one| {
            let role = one.get("role").and_then(Value::as_str).unwrap_or_default();
            Some((id(one, "id")?, id(one, "parentId"), name(one), shown(role).to_ascii_lowercase()))
        })
        .collect();
    let path = |at: usize| {
        let mut names = vec![read[at].2.as_str()];
        let mut parent = read[at].1.as_ref();
        while let Some(next) = parent.and_then(|wanted| read.iter().find(|one| one.0 == *wanted)).filter(|_| names.len() < DEPTH_MAX) {
            names.push(next.2.as_str());
            parent = next.1.as_ref();
        }
        names.reverse();
        names.join("/")
    };
    Ok(read.iter().enumerate().map(|(at, one)| Mailbox { id: one.0.clone(), path: path(at), role: one.3.clone() }).collect())
}

/// The identifiers of an `Email/query` (RFC 8621 §4.4).
/// # Errors
/// It is none.
pub fn found(answer: &Value) -> Result<Vec<String>, JmapError> {
    let ids = answer.get("ids").and_then(Value::as_array).ok_or(JmapError::Missing("ids"))?;
    Ok(ids.iter().filter_map(Value::as_str).filter(|text| is_id(text)).take(EMAILS_MAX).map(str::to_string).collect())
}

/// What is asked of a message: see [`Email::PROPERTIES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    pub id: String,
    pub blob: String,
    pub size: u64,
    pub mailboxes: Vec<String>,
    /// It carries our mark for junk (`X-Gatepost-Junk: yes`).
    pub is_junk: bool,
    /// The fields that say whose it is, one a line, as in the message (RFC 8621 §4.1.2.1).
    pub header: Vec<u8>,
}

impl Email {
    pub const PROPERTIES: [&'static str; 7] = [
        "id",
        "blobId",
        "size",
        "mailboxIds",
        "header:X-Gatepost-Report:asRaw:all",
        "header:Received:asRaw:all",
        "header:X-Gatepost-Junk:asRaw:all",
    ];

    fn read(value: &Value) -> Option<Email> {
        let inside = value.get("mailboxIds")?.as_object()?;
        let mut header = Vec::new();
        for (property, name) in [(Email::PROPERTIES[4], "X-Gatepost-Report"), (Email::PROPERTIES[5], "Received")] {
            for field in value.get(property).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                if header.len() + field.len() > HEADER_OCTETS_MAX {
                    break;
                }
                // Some servers keep line ends as they are, some as one octet.
                let lines: Vec<&str> = field.split(['\r', '\n']).filter(|line| !line.trim().is_empty()).collect();
                header.extend_from_slice(format!("{name}:{}\r\n", lines.join("\r\n\t")).as_bytes());
            }
        }
        let marks = value.get(Email::PROPERTIES[6]).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        Some(Email {
            id: id(value, "id")?,
            blob: id(value, "blobId").unwrap_or_default(),
            size: value.get("size").and_then(Value::as_u64).unwrap_or(u64::MAX),
            mailboxes: inside
                .iter()
                .filter(|(id, is)| is_id(id) && **is == Value::Bool(true))
                .take(MAILBOXES_MAX)
                .map(|(id, _)| id.clone())
                .collect(),
            is_junk: marks.into_iter().any(|mark| mark.trim().eq_ignore_ascii_case("yes")),
            header,
        })
    }
}

/// The messages of an `Email/get`.
/// # Errors
/// It is none, or there are too many.
pub fn emails(answer: &Value) -> Result<Vec<Email>, JmapError> {
    let list = answer.get("list").and_then(Value::as_array).ok_or(JmapError::Missing("list"))?;
    if list.len() > EMAILS_MAX {
        return Err(JmapError::TooMuch);
    }
    Ok(list.iter().filter_map(Email::read).collect())
}

/// Why one thing was not changed (RFC 8620 §5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetError {
    /// Such as `notFound`.
    pub kind: String,
    pub said: String,
}

/// What became of one thing that a `…/set` was to change or make: `list` is "updated" or "created", and `id` its identifier or our name for it.
/// # Errors
/// The answer does not tell.
pub fn updated(answer: &Value, list: &'static str, id: &str) -> Result<Result<Value, SetError>, JmapError> {
    let of = |list: &str| answer.get(list).and_then(|all| all.get(id));
    let failed = if list == "created" { "notCreated" } else { "notUpdated" };
    if let Some(why) = of(failed) {
        let said = |field: &str| shown(why.get(field).and_then(Value::as_str).unwrap_or_default());
        return Ok(Err(SetError { kind: said("type"), said: said("description") }));
    }
    of(list).map(|done| Ok(done.clone())).ok_or(JmapError::Missing(list))
}
