//! An S3-compatible store: objects put, read, removed and listed by requests that carry a signature (AWS Signature Version 4) and no secret.
//!
//! In: an [`Access`], which says where the bucket is and by which key. Out: [`Objects`], all below one folder of it. Invariant: every request
//! has a time limit, every answer that is read has a size limit, and "there is none" is only said when the store said so in its own words: a
//! wrong key, a missing bucket or a proxy between are errors. Nothing is tried twice here; who asks knows how long it may wait.

mod access;
#[doc(hidden)]
pub mod fuzz;
mod listing;

pub use access::Access;
pub use listing::{Listed, Page};

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::{Client, RequestBuilder, Response};
use rusty_s3::{Bucket, Method, S3Action, signing};
use std::time::Duration;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a signature may be used: a clock that is off by less does no harm.
const SIGNED_FOR: Duration = Duration::from_secs(900);
/// Causes behind an error that are looked through.
const CAUSES_MAX: usize = 8;
/// Octets of an answer that says why not.
const ANSWER_OCTETS_MAX: usize = 4_096;
/// Characters of the store's own word for it.
const CODE_CHARS_MAX: usize = 60;
/// Octets of one page of a list: a thousand objects with names of the greatest length that there is.
const PAGE_OCTETS_MAX: usize = 4 << 20;
/// Room made at once for an object that is read, whatever length the answer claims.
const ROOM_OCTETS_MAX: usize = 1 << 20;
/// `Date` of an answer is cut to the second; the end of that second counts.
const SECOND_MS: i64 = 999;

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Nothing was asked: the settings cannot be used.
    #[error("{0}")]
    Settings(String),
    #[error("no answer: {0}")]
    Unreachable(String),
    /// `code` is the store's own word, such as "SignatureDoesNotMatch"; "" when it said none.
    #[error("the store answered {status} {code}")]
    Refused { status: u16, code: String },
    /// What came is not what was put there.
    #[error("what came is not whole: {0}")]
    Damaged(String),
}

impl Wrong {
    /// The same request may succeed soon without anybody doing anything but wait.
    pub fn is_passing(&self) -> bool {
        match self {
            Wrong::Settings(_) => false,
            // On the way, most likely.
            Wrong::Unreachable(_) | Wrong::Damaged(_) => true,
            Wrong::Refused { status, code } => {
                matches!(*status, 408 | 409 | 429 | 500..=599) || matches!(code.as_str(), "BadDigest" | "RequestTimeout" | "IncompleteBody")
            }
        }
    }

    /// There is no room left.
    pub fn is_full(&self) -> bool {
        match self {
            Wrong::Refused { status, code } => {
                *status == 507 || ["QuotaExceeded", "StorageFull", "InsufficientStorage"].iter().any(|word| code.contains(word))
            }
            _ => false,
        }
    }
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub octets: Bytes,
    /// Value of the field that was asked for; `None` when the object was put without it.
    pub field: Option<String>,
}

/// The objects of one bucket, below one folder; cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    access: Access,
    bucket: Bucket,
    /// Before each name: "" or "folder/".
    prefix: String,
    client: Client,
}

impl Objects {
    /// Asks nothing yet. `answer_within` is the time limit of one request, from its first octet to the last of its answer.
    /// # Errors
    /// [`Wrong::Settings`]: the address.
    pub fn open(access: Access, answer_within: Duration) -> Result<Objects, Wrong> {
        let (bucket, prefix) = access.place().map_err(Wrong::Settings)?;
        // A redirect leads to where the signature is not for.
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(CONNECT_WITHIN).timeout(answer_within);
        let client = client.build().map_err(|why| Wrong::Settings(why.to_string()))?;
        Ok(Objects { access, bucket, prefix, client })
    }

    /// Where they are, for people: address, bucket and folder.
    pub fn shown(&self) -> String {
        format!("{}{}", self.bucket.base_url(), self.prefix)
    }

    /// Puts one object and returns once the store said that it has it. `fields` are signed, so their names are lowercase.
    pub async fn put(&self, name: &str, octets: &Bytes, fields: &[(&'static str, String)]) -> Result<(), Wrong> {
        let (credentials, object) = (self.access.credentials().await?, self.object(name));
        let mut action = self.bucket.put_object(Some(&credentials), &object);
        for (field, value) in fields {
            action.headers_mut().insert(*field, value.clone());
        }
        let request = self.client.put(action.sign(SIGNED_FOR)).body(octets.clone());
        let request = fields.iter().fold(request, |request, (field, value)| request.header(*field, value));
        let answer = sent(request).await?;
        // Another 2xx comes from something between us and the store, and says nothing about the object.
        if answer.status().as_u16() == 200 { Ok(()) } else { Err(refused(answer).await) }
    }

    /// Reads one object; `None` when the store says that there is none. `field` is read from the answer.
    pub async fn get(&self, name: &str, field: &str, octets_max: usize) -> Result<Option<Object>, Wrong> {
        let (credentials, object) = (self.access.credentials().await?, self.object(name));
        let action = self.bucket.get_object(Some(&credentials), &object);
        let answer = sent(self.client.get(action.sign(SIGNED_FOR))).await?;
        if answer.status().as_u16() != 200 {
            return match refused(answer).await {
                Wrong::Refused { status: 404, code } if code == "NoSuchKey" => Ok(None),
                why => Err(why),
            };
        }
        let field = answer.headers().get(field).and_then(|value| value.to_str().ok()).map(str::to_string);
        Ok(Some(Object { octets: whole(answer, octets_max).await?, field }))
    }

    /// Removes one object; one that is not there is fine.
    pub async fn remove(&self, name: &str) -> Result<(), Wrong> {
        let (credentials, object) = (self.access.credentials().await?, self.object(name));
        let action = self.bucket.delete_object(Some(&credentials), &object);
        let answer = sent(self.client.delete(action.sign(SIGNED_FOR))).await?;
        if answer.status().is_success() {
            return Ok(());
        }
        match refused(answer).await {
            Wrong::Refused { status: 404, code } if code == "NoSuchKey" => Ok(()),
            why => Err(why),
        }
    }

    /// One page of the list of objects, after the page that gave this token.
    pub async fn page(&self, token: Option<&str>, objects_max: u16) -> Result<Page, Wrong> {
        let credentials = self.access.credentials().await?;
        let objects_max = objects_max.to_string();
        // Sorted by name, as a signature wants it.
        let query = token.map(|token| ("continuation-token", token)).into_iter();
        let query = query.chain([("list-type", "2"), ("max-keys", objects_max.as_str()), ("prefix", self.prefix.as_str())]);
        let url = signing::sign(
            &Timestamp::now(),
            Method::Get,
            self.bucket.base_url().clone(),
            credentials.key(),
            credentials.secret(),
            credentials.token(),
            self.bucket.region(),
            SIGNED_FOR.as_secs(),
            query,
            std::iter::empty(),
        );
        let answer = sent(self.client.get(url)).await?;
        if answer.status().as_u16() != 200 {
            return Err(refused(answer).await);
        }
        let date = answer.headers().get("date").and_then(|value| DateTimeParser::new().parse_timestamp(value.as_bytes()).ok());
        let now_ms = date.map_or_else(|| Timestamp::now().as_millisecond(), |date| date.as_millisecond() + SECOND_MS);
        let octets = whole(answer, PAGE_OCTETS_MAX).await?;
        listing::read(&octets, &self.prefix, now_ms).map_err(Wrong::Damaged)
    }

    fn object(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

async fn sent(request: RequestBuilder) -> Result<Response, Wrong> {
    request.send().await.map_err(unreachable)
}

/// The body of an answer, if it is no longer than that and came as a whole.
async fn whole(mut answer: Response, octets_max: usize) -> Result<Bytes, Wrong> {
    let claimed = answer.content_length();
    let too_long = || Wrong::Damaged(format!("it has more than {octets_max} octets"));
    if claimed.is_some_and(|claimed| claimed > octets_max as u64) {
        return Err(too_long());
    }
    let room = claimed.and_then(|claimed| usize::try_from(claimed).ok()).unwrap_or(0);
    let mut octets = BytesMut::with_capacity(room.min(ROOM_OCTETS_MAX));
    while let Some(more) = answer.chunk().await.map_err(unreachable)? {
        if octets.len() + more.len() > octets_max {
            return Err(too_long());
        }
        octets.extend_from_slice(&more);
    }
    match claimed {
        Some(claimed) if claimed != octets.len() as u64 => Err(Wrong::Damaged(format!("{} of {claimed} octets came", octets.len()))),
        _ => Ok(octets.freeze()),
    }
}

/// The address carries a signature: it is in no message.
fn unreachable(why: reqwest::Error) -> Wrong {
    let why = why.without_url();
    // The innermost says what happened: "Connection refused".
    let (mut says, mut cause) = (why.to_string(), std::error::Error::source(&why));
    for _ in 0..CAUSES_MAX {
        let Some(inner) = cause else { break };
        (says, cause) = (inner.to_string(), inner.source());
    }
    Wrong::Unreachable(says)
}

/// What an answer that is no yes says: its status and its code (`<Error><Code>…`).
async fn refused(mut answer: Response) -> Wrong {
    let status = answer.status().as_u16();
    let mut octets = Vec::new();
    while octets.len() < ANSWER_OCTETS_MAX
        && let Ok(Some(more)) = answer.chunk().await
    {
        octets.extend_from_slice(&more);
    }
    octets.truncate(ANSWER_OCTETS_MAX);
    Wrong::Refused { status, code: code(&String::from_utf8_lossy(&octets)) }
}

fn code(xml: &str) -> String {
    let found = xml.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(code, _)| code);
    found.chars().filter(char::is_ascii_alphanumeric).take(CODE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_answer_is_found() {
        for (xml, want) in [
            ("<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>x</Message></Error>", "NoSuchBucket"),
            ("<html>502 Bad Gateway</html>", ""),
            ("<Code>unfinished", ""),
            ("<Code>a\r\nb: c</Code>", "abc"),
        ] {
            assert_eq!(code(xml), want);
        }
    }

    #[test]
    fn what_may_pass_is_told_from_what_somebody_must_mend() {
        let refused = |status, code: &str| Wrong::Refused { status, code: code.into() };
        for (why, is_passing, is_full) in [
            (Wrong::Unreachable("Connection refused".into()), true, false),
            (Wrong::Damaged("3 of 4 octets came".into()), true, false),
            (Wrong::Settings("no key".into()), false, false),
            (refused(503, "SlowDown"), true, false),
            (refused(429, ""), true, false),
            (refused(400, "BadDigest"), true, false),
            (refused(403, "AccessDenied"), false, false),
            (refused(404, "NoSuchBucket"), false, false),
            (refused(301, "PermanentRedirect"), false, false),
            (refused(403, "QuotaExceeded"), false, true),
            (refused(507, "XMinioStorageFull"), true, true),
        ] {
            assert_eq!((why.is_passing(), why.is_full()), (is_passing, is_full), "{why}");
        }
    }
}
