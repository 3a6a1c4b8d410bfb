//! What its owner moved into the folder for junk, or out of it: their word about a mail, where no script of the mailbox server tells it.
//!
//! Nothing is kept here for it. Mail that was seen in that folder gets a keyword, so that it is looked at once there, and known again when it
//! lies in the INBOX. Mail that carries our mark for junk was filed by the server, and what we removed has a keyword of its own (`carry`):
//! neither is anybody's word.

use super::Session;
use crate::mailbox::carry::{MESSAGE_OCTETS_MAX, carries, ours_from};
use crate::mailbox::{KEYWORD, MailboxError, Moved};
use bytes::Bytes;
use mail::MailId;
use mail::jmap::{self, Email};
use serde_json::{Value, json};

/// On mail that was seen in the folder for junk.
pub(super) const SEEN: &str = "$gatepostseen";
/// Messages looked at in one mailbox at once; the others next time.
const EMAILS_MAX: usize = 20;

impl Session {
    /// Mail that came after this and was moved since the last look.
    pub(in crate::mailbox) async fn moves(&mut self, since_ms: i64) -> Result<Vec<Moved>, MailboxError> {
        let folders = self.mailboxes().await?;
        let (Some(junk), Some(inbox)) = (self.named(&folders, &self.junk), self.named(&folders, "INBOX")) else { return Ok(Vec::new()) };
        let after = jiff::Timestamp::from_second(since_ms.div_euclid(1000)).unwrap_or_default().to_string();
        let lies_in = |folder: &str| json!({ "inMailbox": folder, "after": after, "header": ["X-Gatepost-Report"] });
        let fresh = json!({ "operator": "AND", "conditions": [
            lies_in(&junk.id), { "notKeyword": SEEN }, { "notKeyword": KEYWORD.to_ascii_lowercase() },
        ]});
        let back = json!({ "operator": "AND", "conditions": [lies_in(&inbox.id), { "hasKeyword": SEEN }] });
        let mut moved = Vec::new();
        for email in self.queried(fresh).await? {
            match moved_of(&email, true) {
                Some(one) if !email.is_junk => moved.push(one),
                _ => drop(self.change(&email.id, &seen(true)).await?),
            }
        }
        for email in self.queried(back).await? {
            match moved_of(&email, false) {
                Some(one) => moved.push(one),
                None => drop(self.change(&email.id, &seen(false)).await?),
            }
        }
        Ok(moved)
    }

    /// The message of a move, as we handed it over; `None`: gone, or too large.
    pub(in crate::mailbox) async fn moved_octets(&mut self, moved: &Moved) -> Result<Option<Bytes>, MailboxError> {
        if moved.octets > MESSAGE_OCTETS_MAX as u64 {
            return Ok(None);
        }
        let found = self.download(&moved.blob).await?;
        Ok(found.map(|octets| octets.slice(ours_from(&octets, moved.mail)..)))
    }

    /// Notes that a move was counted.
    pub(in crate::mailbox) async fn counted(&mut self, moved: &Moved) -> Result<(), MailboxError> {
        self.change(&moved.id, &seen(moved.is_junk)).await.map(drop)
    }

    async fn queried(&self, filter: Value) -> Result<Vec<Email>, MailboxError> {
        let query = json!({
            "accountId": self.account,
            "filter": filter,
            "sort": [{ "property": "receivedAt", "isAscending": true }],
            "limit": EMAILS_MAX,
        });
        let get = json!({ "accountId": self.account, "#ids": jmap::ids_of("Email/query", "Email/query"), "properties": Email::PROPERTIES });
        let results = self.call("Email/query", &[("Email/query", query, "Email/query"), ("Email/get", get, "Email/get")]).await?;
        self.part(&results, "Email/query")?;
        jmap::emails(self.part(&results, "Email/get")?).map_err(|why| self.unusable(why))
    }
}

fn moved_of(email: &Email, is_junk: bool) -> Option<Moved> {
    let mail = claimed(&email.header).filter(|mail| carries(&email.header, *mail))?;
    Some(Moved { mail, is_junk, id: email.id.clone(), blob: email.blob.clone(), octets: email.size })
}

/// The mail that our own field names.
fn claimed(header: &[u8]) -> Option<MailId> {
    let text = String::from_utf8_lossy(header);
    let (_, rest) = text.split_once("id=")?;
    rest.split([';', ' ', '\r']).next()?.parse().ok()
}

fn seen(is_seen: bool) -> Value {
    json!({ (format!("keywords/{SEEN}")): if is_seen { Value::Bool(true) } else { Value::Null } })
}
