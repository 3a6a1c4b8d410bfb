//! A held mail made safe to look at: text only, bounded.

use super::QuarantineError;
use super::api::{AttachmentBody, FieldBody, HeldBody, LinkBody, ShownBody, TextBody};
use crate::queue::Edits;
use bytes::Bytes;
use mail::message::{Attachment, Budget};
use mail::{MailId, Message};
use std::fmt::Write;
use store::Error;

const FIELDS_MAX: usize = 200;
const FIELD_CHARS_MAX: usize = 4_000;
const TEXTS_MAX: usize = 20;
const TEXT_CHARS_MAX: usize = 64_000;
const HTML_CHARS_MAX: usize = 256_000;
const ATTACHMENTS_MAX: usize = 100;
const LINKS_MAX: usize = 200;
const LINK_CHARS_MAX: usize = 2_000;

/// The rows of a held mail, and its receipt as JSON.
pub(super) struct Held {
    pub rows: Vec<HeldBody>,
    pub receipt: String,
}

pub(super) fn shown(held: Held, octets: Bytes) -> ShownBody {
    let message = Message::parse(octets, &Budget::default());
    let mut is_cut = message.texts.len() > TEXTS_MAX
        || message.attachments.len() > ATTACHMENTS_MAX
        || message.fields().count() > FIELDS_MAX
        || message.links.len() > LINKS_MAX;
    let mut cut = |text: &str, chars_max: usize| {
        let (kept, was_cut) = cut(text, chars_max);
        is_cut |= was_cut;
        kept
    };
    let header = message.fields().take(FIELDS_MAX);
    let header = header.map(|(name, value)| FieldBody {
        name: String::from_utf8_lossy(name).into_owned(),
        value: cut(String::from_utf8_lossy(value).trim(), FIELD_CHARS_MAX),
    });
    let header = header.collect();
    let texts = message.texts.iter().take(TEXTS_MAX);
    let texts = texts.map(|text| TextBody {
        is_html: text.is_html,
        visible: cut(&text.visible, TEXT_CHARS_MAX),
        hidden: cut(&text.hidden, TEXT_CHARS_MAX),
        html: cut(&text.html, HTML_CHARS_MAX),
    });
    let texts = texts.collect();
    let links = message.links.iter().take(LINKS_MAX);
    let links = links.map(|link| LinkBody { text: cut(&link.text, LINK_CHARS_MAX), target: cut(&link.target, LINK_CHARS_MAX) });
    let links = links.collect();
    ShownBody {
        held: held.rows,
        header,
        texts,
        links,
        attachments: message.attachments.iter().take(ATTACHMENTS_MAX).map(attachment).collect(),
        is_cut,
        receipt: serde_json::from_str(&held.receipt).unwrap_or(serde_json::Value::String(held.receipt)),
    }
}

fn attachment(attachment: &Attachment) -> AttachmentBody {
    let sha256 = attachment.sha256.iter().fold(String::with_capacity(64), |mut hex, octet| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{octet:02x}");
        hex
    });
    AttachmentBody {
        name: cut(attachment.name.as_deref().unwrap_or_default(), FIELD_CHARS_MAX).0,
        declared_type: attachment.declared_type.clone(),
        true_type: attachment.true_type.extension.into(),
        octets: attachment.octets,
        sha256,
        is_encrypted: attachment.encrypted,
    }
}

fn cut(text: &str, chars_max: usize) -> (String, bool) {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => (text[..at].to_string(), true),
        None => (text.to_string(), false),
    }
}

/// The edits of a held recipient and a line that says it was released: whoever judges it again can see that a person decided.
pub(super) fn released_edits(stored: &str, mail: MailId, now_ms: i64) -> Result<String, QuarantineError> {
    let mut edits: Edits = serde_json::from_str(stored).map_err(|why| Error::Shape(format!("edits of {mail}: {why}")))?;
    let at = jiff::Timestamp::from_millisecond(now_ms).map_err(|why| Error::Shape(format!("time of a release: {why}")))?;
    edits.headers = format!("{}X-Gatepost-Released: {mail}; {at}\r\n", edits.headers).into();
    Ok(serde_json::to_string(&edits).map_err(|why| Error::Shape(format!("edits of {mail}: {why}")))?)
}
