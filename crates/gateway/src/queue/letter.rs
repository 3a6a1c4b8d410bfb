//! Letters of our own to people: digests, invitations, sign-in links, alerts. Ordinary mail with a row, a body and events, so that
//! trace knows them like any other.
//!
//! In: what to say, in both forms. Out: rows in the caller's transaction; the queue finds them due within a second. Invariant: a letter
//! is from `<>` and marked as made by a program, so nothing answers it and nothing is told about it (RFC 3834 §5). Not here: notices
//! about mail of others (`notice`), when and to whom to write (the feature that does).

use super::{Accepted, DsnWish, Edits, EnvelopeExtras, Fate, Recipient, sql};
use crate::directory::Directory;
use crate::trace::{self, Event, EventKind};
use bytes::Bytes;
use mail::id::{EventId, IdMaker};
use mail::{Address, MailId, OrgId};
use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use serde_json::json;
use store::{Error, Tx, args};

/// A letter to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Whose account it goes on.
    pub org: OrgId,
    pub to: Address,
    /// Name shown beside our address, in the reader's language.
    pub from_name: String,
    pub subject: String,
    pub text: String,
    /// Without anything that is fetched; '' is text only.
    pub html: String,
    /// BCP 47.
    pub language: String,
    /// What it is, for trace and reports: "digest", "sign-in", "invitation", "alert".
    pub kind: &'static str,
    /// Host name of this installation; letters come from `no-reply@` it.
    pub host: String,
}

/// Octets of a letter; what is longer is refused rather than written into the row.
const LETTER_OCTETS_MAX: usize = 1 << 20;
/// Octets of a whole message with a file.
const MESSAGE_OCTETS_MAX: usize = 16 << 20;

/// Queues `letter` in the caller's transaction.
/// # Errors
/// [`Error::Shape`] when it is too long, or our host name is none that letters can come from.
pub async fn post(tx: &mut Tx, letter: &Letter, directory: &Directory, ids: &IdMaker, now_ms: i64) -> Result<MailId, Error> {
    post_by(tx, letter, directory.inbound_route(letter.to.domain()), ids, now_ms).await
}

/// A conversation that a letter belongs to, and how it is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thread {
    /// Address that it comes from and is answered to.
    pub from: String,
    /// Message-IDs of the conversation (RFC 5322 §3.6.4), without angle brackets; the first is what everything answers to.
    pub references: Vec<String>,
}

/// As [`post`], as a part of a conversation.
pub async fn post_in(
    tx: &mut Tx,
    letter: &Letter,
    thread: &Thread,
    directory: &Directory,
    (ids, now_ms): (&IdMaker, i64),
) -> Result<MailId, Error> {
    post_written(tx, (letter, Some(thread)), directory.inbound_route(letter.to.domain()), ids, now_ms).await
}

/// As [`post`], over this connector whoever it is for.
pub async fn post_by(tx: &mut Tx, letter: &Letter, route: &str, ids: &IdMaker, now_ms: i64) -> Result<MailId, Error> {
    post_written(tx, (letter, None), route, ids, now_ms).await
}

async fn post_written(
    tx: &mut Tx,
    (letter, thread): (&Letter, Option<&Thread>),
    route: &str,
    ids: &IdMaker,
    now_ms: i64,
) -> Result<MailId, Error> {
    let id = MailId(ids.next(now_ms));
    let octets = written(letter, thread, (id, now_ms))?;
    queue_letter(tx, &accepted(letter, route, (id, now_ms), octets), letter, ids).await?;
    Ok(id)
}

/// A message of ours that is complete, such as a report to a server elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    pub org: OrgId,
    /// Where its bounces go.
    pub sender: String,
    pub to: Address,
    pub subject: String,
    pub octets: Vec<u8>,
    /// As [`Letter::kind`].
    pub kind: &'static str,
    /// Policies of the recipient's domain do not keep it (RFC 8460 §3).
    pub tls_optional: bool,
}

/// Queues a complete message in the caller's transaction. Nothing is told about it when it fails.
/// # Errors
/// [`Error::Shape`] when it is too long.
pub async fn post_message(tx: &mut Tx, posted: Posted, route: &str, ids: &IdMaker, now_ms: i64) -> Result<MailId, Error> {
    if posted.octets.len() > MESSAGE_OCTETS_MAX {
        return Err(Error::Shape(format!("a message of {} octets is longer than {MESSAGE_OCTETS_MAX}", posted.octets.len())));
    }
    let id = MailId(ids.next(now_ms));
    let letter = Letter {
        org: posted.org,
        to: posted.to,
        from_name: String::new(),
        subject: posted.subject,
        text: String::new(),
        html: String::new(),
        language: "en".into(),
        kind: posted.kind,
        host: String::new(),
    };
    let mut accepted = accepted(&letter, route, (id, now_ms), posted.octets);
    accepted.sender = posted.sender;
    accepted.extras.tls_optional = posted.tls_optional;
    queue_letter(tx, &accepted, &letter, ids).await?;
    Ok(id)
}

async fn queue_letter(tx: &mut Tx, accepted: &Accepted, letter: &Letter, ids: &IdMaker) -> Result<(), Error> {
    let (id, now_ms) = (accepted.id, accepted.at_ms);
    let (sql, args) = mail_row(accepted, letter)?;
    tx.run(sql, args).await?;
    for (sql, args) in sql::insert(accepted, &super::BodyPlace::Inline)? {
        tx.run(sql, args).await?;
    }
    // No node has it in memory: due at once, for whoever looks first.
    let (sql, args) = sql::release(id.0, 0, super::lease_node(id), now_ms);
    tx.run(sql, args).await?;
    let event = Event {
        id: EventId(ids.next(now_ms)),
        mail: id,
        org: letter.org,
        at_ms: now_ms,
        kind: EventKind::Queued,
        recipient: letter.to.to_string(),
        detail: json!({ "by": "gatepost", "letter": letter.kind }).to_string(),
    };
    trace::insert(tx, &[event]).await
}

fn written(letter: &Letter, thread: Option<&Thread>, (id, now_ms): (MailId, i64)) -> Result<Vec<u8>, Error> {
    let from = thread.map_or_else(|| format!("no-reply@{}", letter.host), |thread| thread.from.clone());
    Address::parse(&from).map_err(|_| Error::Shape(format!("{} is not a host name that letters can come from", letter.host)))?;
    let to = letter.to.to_string();
    let mut message = MessageBuilder::new()
        .from((letter.from_name.as_str(), from.as_str()))
        .to(to.as_str())
        .subject(letter.subject.as_str())
        .date(now_ms / 1000)
        .message_id(format!("{id}.{}@{}", letter.kind, letter.host))
        // RFC 3834 §5: what a program writes says so, and nobody's program answers it.
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .header("Content-Language", Raw::new(letter.language.as_str()))
        .text_body(letter.text.as_str());
    if let Some(references) = thread.map(|thread| &thread.references).filter(|references| !references.is_empty()) {
        message = message.in_reply_to(references[0].as_str()).references(references.iter().map(String::as_str).collect::<Vec<_>>());
    }
    if !letter.html.is_empty() {
        message = message.html_body(letter.html.as_str());
    }
    let octets = message.write_to_vec().map_err(|why| Error::Shape(format!("writing a letter: {why}")))?;
    if octets.len() > LETTER_OCTETS_MAX {
        return Err(Error::Shape(format!("a letter of {} octets is longer than {LETTER_OCTETS_MAX}", octets.len())));
    }
    Ok(octets)
}

fn accepted(letter: &Letter, route: &str, made: (MailId, i64), octets: Vec<u8>) -> Accepted {
    let (id, at_ms) = made;
    let address = letter.to.to_string();
    let recipient = Recipient {
        n: 0,
        original: address.clone(),
        route: route.to_string(),
        address,
        fate: Fate::Queued,
        edits: Edits::default(),
        dsn: DsnWish { given: true, ..DsnWish::default() },
    };
    let extras = EnvelopeExtras {
        smtputf8: letter.to.needs_smtputf8(),
        eight_bit: !octets.is_ascii(),
        language: letter.language.clone(),
        is_notice: true,
        ..EnvelopeExtras::default()
    };
    Accepted { id, org: letter.org, at_ms, sender: String::new(), extras, octets: Bytes::from(octets), recipients: vec![recipient] }
}

fn mail_row(accepted: &Accepted, letter: &Letter) -> Result<sql::Statement, Error> {
    let envelope = serde_json::to_string(&accepted.extras).map_err(|why| Error::Shape(format!("writing a letter: {why}")))?;
    let receipt = json!({ "version": 1, "letter": { "kind": letter.kind } }).to_string();
    Ok((
        "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
         VALUES ($1, $2, 'outbound', '', '', $3, $4, $5, $6, 1, 'clean', $7, $8)",
        args![
            accepted.id.0,
            accepted.org.0,
            accepted.sender.as_str(),
            format!("<{}.{}@{}>", accepted.id, letter.kind, letter.host),
            letter.subject.as_str(),
            accepted.octets.len(),
            receipt,
            envelope
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            org: OrgId(1),
            to: Address::parse("li@demo.example").expect("an address"),
            from_name: "Gatepost 隔离区".into(),
            subject: "您有 3 封被隔离的邮件".into(),
            text: "正文".into(),
            html: "<p>正文</p>".into(),
            language: "zh-CN".into(),
            kind: "digest",
            host: "mx.demo.example".into(),
        }
    }

    #[test]
    fn a_letter_is_a_message_that_says_who_made_it() {
        let octets = written(&letter(), None, (MailId(7), 1_795_442_709_000)).expect("a letter");
        let message = mail::message::Message::parse(Bytes::from(octets.clone()), &mail::message::Budget::default());
        assert!(message.defects.is_empty(), "{:?}", message.defects);
        let text = String::from_utf8_lossy(&octets);
        assert!(text.contains("Auto-Submitted: auto-generated\r\n"), "{text}");
        assert!(text.is_ascii() && text.contains("multipart/alternative"), "{text}");
    }

    #[test]
    fn a_letter_of_a_conversation_is_answered_to_its_own_address() {
        let thread = Thread { from: "request+r0.x@mx.example".into(), references: vec!["r0.request@mx.example".into()] };
        let octets = written(&letter(), Some(&thread), (MailId(7), 0)).expect("a letter");
        let text = String::from_utf8_lossy(&octets);
        assert!(text.contains("<request+r0.x@mx.example>") && text.contains("In-Reply-To: <r0.request@mx.example>\r\n"), "{text}");
        assert!(text.contains("References: <r0.request@mx.example>\r\n"), "{text}");
    }

    #[test]
    fn a_letter_is_not_longer_than_its_limit() {
        let long = Letter { text: "x".repeat(LETTER_OCTETS_MAX), ..letter() };
        assert!(matches!(written(&long, None, (MailId(7), 0)), Err(Error::Shape(_))));
        let nowhere = Letter { host: "not a host".into(), ..letter() };
        assert!(matches!(written(&nowhere, None, (MailId(7), 0)), Err(Error::Shape(_))));
    }
}
