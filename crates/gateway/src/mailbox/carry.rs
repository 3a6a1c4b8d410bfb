//! Finding one mail in one mailbox, moving it away, and putting it back, over IMAP.
//!
//! A message is ours when its header carries our identifier of the mail: in `X-Gatepost-Report`, or in the `Received` we wrote.

use super::session::Session;
use super::{KEYWORD, MailboxError};
use bytes::Bytes;
use mail::MailId;
use mail::imap::{Folder, folder_from_wire, folder_to_wire, quoted, search_date};
use serde::{Deserialize, Serialize};

const INBOX: &str = "INBOX";
/// Folders looked through for one mail.
const FOLDERS_MAX: usize = 100;
/// Messages with the same Message-ID that are looked at in one folder.
const HITS_MAX: usize = 20;
/// Octets of a message that is read to be judged again.
pub(super) const MESSAGE_OCTETS_MAX: usize = 32 << 20;
/// Servers count days in their own zone.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const HEADER: &str = "BODY.PEEK[HEADER.FIELDS (X-GATEPOST-REPORT RECEIVED)]";

/// A mail that is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub mail: MailId,
    /// As the message has it; may be empty.
    pub message_id: &'a str,
    /// Unix milliseconds.
    pub received_ms: i64,
}

/// Where a mail lay, and where it was moved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Names of folders as people write them.
    pub from: String,
    pub to: String,
    /// UIDVALIDITY and number in `to`; 0 where the server does not tell.
    pub uid_validity: u32,
    pub uid: u32,
    /// With JMAP: identifier of the message, and of all folders it was taken out of.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

/// What became of a mail that was to be taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    Moved(Place),
    /// It lies where it would be moved to. Who moved it there, cannot be told.
    AlreadyIn(String),
    Absent(AbsentBecause),
}

/// What became of a mail that was to be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    Moved {
        to: String,
    },
    /// It lies where it lay before.
    AlreadyThere,
    Absent(AbsentBecause),
}

/// Why a mail is not where it could be moved from. Its owner did that, and no error is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsentBecause {
    /// In no folder that can be seen.
    Gone,
    /// Its owner threw it away, and it lies in the trash.
    InTrash,
}

impl AbsentBecause {
    pub fn name(self) -> &'static str {
        match self {
            AbsentBecause::Gone => "gone",
            AbsentBecause::InTrash => "in-trash",
        }
    }
}

impl Session {
    /// Moves a mail into `folder` (as people write it), from wherever it lies.
    pub(super) async fn take(&mut self, wanted: Wanted<'_>, folder: &str) -> Result<Taken, MailboxError> {
        let target = folder_to_wire(folder);
        if self.select(INBOX).await?.is_none() {
            return Err(MailboxError::NoMailbox { mailbox: INBOX.into(), said: "there is no INBOX".into() });
        }
        let (mut from, mut uid) = (INBOX.to_string(), self.find(wanted).await?);
        let mut folders = Vec::new();
        if uid.is_none() {
            folders = self.folders().await?;
            for one in folders.iter().filter(|one| is_ordinary(one, &target)).take(FOLDERS_MAX) {
                if self.select(&one.wire_name).await?.is_some() {
                    uid = self.find(wanted).await?;
                }
                if uid.is_some() {
                    from = one.wire_name.clone();
                    break;
                }
            }
        }
        let Some(uid) = uid else { return self.why_not(wanted, &target, &folders).await };
        self.mark(uid, KEYWORD, true).await?;
        let to = self.shift(uid, &target).await?;
        let (uid_validity, uid) = to.unwrap_or_default();
        Ok(Taken::Moved(Place { from: folder_from_wire(&from), to: folder.to_string(), uid_validity, uid, ..Place::default() }))
    }

    /// It lies in no folder that it could be taken from.
    async fn why_not(&mut self, wanted: Wanted<'_>, target: &str, folders: &[Folder]) -> Result<Taken, MailboxError> {
        if self.select(target).await?.is_some() && self.find(wanted).await?.is_some() {
            return Ok(Taken::AlreadyIn(folder_from_wire(target)));
        }
        Ok(Taken::Absent(self.why_absent(wanted, folders).await?))
    }

    async fn why_absent(&mut self, wanted: Wanted<'_>, folders: &[Folder]) -> Result<AbsentBecause, MailboxError> {
        for trash in folders.iter().filter(|one| is_trash(one)) {
            if self.select(&trash.wire_name).await?.is_some() && self.find(wanted).await?.is_some() {
                return Ok(AbsentBecause::InTrash);
            }
        }
        Ok(AbsentBecause::Gone)
    }

    /// Puts a mail back to where it lay.
    pub(super) async fn put_back(&mut self, wanted: Wanted<'_>, place: &Place) -> Result<Returned, MailboxError> {
        let (target, home) = (folder_to_wire(&place.to), folder_to_wire(&place.from));
        let uid = match self.select(&target).await? {
            None => None,
            Some(validity) if place.uid != 0 && validity == place.uid_validity && self.is_it(wanted, place.uid).await? => Some(place.uid),
            Some(_) => self.find(wanted).await?,
        };
        let Some(uid) = uid else {
            if self.select(&home).await?.is_some()
                && let Some(uid) = self.find(wanted).await?
            {
                self.mark(uid, KEYWORD, false).await?;
                return Ok(Returned::AlreadyThere);
            }
            let folders = self.folders().await?;
            return Ok(Returned::Absent(self.why_absent(wanted, &folders).await?));
        };
        // So that the scripts of the mailbox server see that nobody moves it, also where it came into the folder by other ways.
        self.mark(uid, KEYWORD, true).await?;
        self.shift(uid, &home).await?;
        if self.select(&home).await?.is_some()
            && let Some(uid) = self.find(wanted).await?
        {
            self.mark(uid, KEYWORD, false).await?;
        }
        Ok(Returned::Moved { to: place.from.clone() })
    }

    /// The message as we handed it over, from the INBOX or where its owner filed it. `None`: not there, thrown away, or too large.
    pub(super) async fn read(&mut self, wanted: Wanted<'_>) -> Result<Option<Bytes>, MailboxError> {
        if self.select(INBOX).await?.is_none() {
            return Ok(None);
        }
        let mut uid = self.find(wanted).await?;
        if uid.is_none() {
            for one in self.folders().await?.iter().filter(|one| is_ordinary(one, "")).take(FOLDERS_MAX) {
                if self.select(&one.wire_name).await?.is_some() {
                    uid = self.find(wanted).await?;
                }
                if uid.is_some() {
                    break;
                }
            }
        }
        let Some(uid) = uid else { return Ok(None) };
        let whole = self.whole(uid, MESSAGE_OCTETS_MAX).await?;
        Ok(whole.map(|octets| octets.slice(ours_from(&octets, wanted.mail)..)))
    }

    /// Names of the folders of this mailbox, as people write them.
    pub(super) async fn folder_names(&mut self) -> Result<Vec<String>, MailboxError> {
        Ok(self.folders().await?.iter().take(FOLDERS_MAX).map(|one| folder_from_wire(&one.wire_name)).collect())
    }

    /// The number of the mail in the open folder.
    async fn find(&mut self, wanted: Wanted<'_>) -> Result<Option<u32>, MailboxError> {
        let since = search_date(wanted.received_ms - DAY_MS);
        let by_id = quoted(wanted.message_id).filter(|_| !wanted.message_id.is_empty());
        let field = match by_id {
            Some(id) => format!("HEADER Message-ID {id}"),
            None => format!("HEADER X-Gatepost-Report \"id={};\"", wanted.mail),
        };
        for uid in self.search(&format!("SINCE {since} {field}")).await?.into_iter().rev().take(HITS_MAX) {
            if self.is_it(wanted, uid).await? {
                return Ok(Some(uid));
            }
        }
        Ok(None)
    }

    async fn is_it(&mut self, wanted: Wanted<'_>, uid: u32) -> Result<bool, MailboxError> {
        Ok(self.fetch(uid, HEADER).await?.is_some_and(|found| carries(&found.octets, wanted.mail)))
    }
}

/// Whether header fields name the mail as we do.
pub(super) fn carries(header: &[u8], mail: MailId) -> bool {
    let text = String::from_utf8_lossy(header);
    // Unfolded (RFC 5322 §2.2.3).
    let text = text.replace("\r\n\t", " ").replace("\r\n ", " ");
    let (report, received) = (format!("id={mail};"), format!("id {mail}"));
    text.lines().any(|line| {
        let Some((name, value)) = line.split_once(':') else { return false };
        let is_named = |wanted: &str| name.trim().eq_ignore_ascii_case(wanted);
        let is_received = || value.contains("(Gatepost)") && value.split(received.as_str()).nth(1).is_some_and(ends_word);
        is_named("X-Gatepost-Report") && value.contains(&report) || is_named("Received") && is_received()
    })
}

fn ends_word(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Where the message begins as we stored it: at the Received field we wrote. What stands before was added on the way.
pub(super) fn ours_from(octets: &Bytes, mail: MailId) -> usize {
    let end = octets.windows(4).position(|four| four == b"\r\n\r\n").map_or(octets.len(), |at| at + 2);
    let mut at = 0;
    while at < end {
        let mut next = at;
        loop {
            next = memchr::memchr(b'\n', &octets[next..end]).map_or(end, |found| next + found + 1);
            if next >= end || !matches!(octets[next], b' ' | b'\t') {
                break;
            }
        }
        let field = &octets[at..next];
        if field.len() > 9 && field[..9].eq_ignore_ascii_case(b"received:") && carries(field, mail) {
            return at;
        }
        at = next;
    }
    0
}

/// A folder of its owner's that mail is taken from.
fn is_ordinary(folder: &Folder, target: &str) -> bool {
    const LEFT_ALONE: [&str; 6] = ["\\noselect", "\\nonexistent", "\\drafts", "\\sent", "\\all", "\\flagged"];
    let is_inbox = folder.wire_name.eq_ignore_ascii_case(INBOX);
    !is_inbox && folder.wire_name != target && !is_trash(folder) && !LEFT_ALONE.iter().any(|one| folder.has(one))
}

fn is_trash(folder: &Folder) -> bool {
    const NAMES: [&str; 4] = ["Trash", "Deleted Items", "Deleted Messages", "INBOX.Trash"];
    folder.has("\\trash") || NAMES.iter().any(|name| folder.wire_name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod unit {
    use super::*;

    const MAIL: &str = "m0000000000001";

    #[test]
    fn only_our_own_identifier_counts() {
        let mail: MailId = MAIL.parse().expect("an identifier");
        for (header, want, why) in [
            (format!("X-Gatepost-Report: id={MAIL}; verdict=clean\r\n"), true, "the report"),
            (format!("X-Gatepost-Report: verdict=clean;\r\n\tid={MAIL}; scl=1\r\n"), true, "folded"),
            (format!("Received: from a by b (Gatepost) with ESMTP id {MAIL};\r\n\tMon\r\n"), true, "our trace"),
            (format!("Received: from a by b (Gatepost) with ESMTP\r\n\tid {MAIL}\r\n\tfor <x>; Mon\r\n"), true, "our trace, folded"),
            (format!("Received: from a by b (Postfix) with ESMTP id {MAIL}; Mon\r\n"), false, "another's"),
            (format!("Received: from a by b (Gatepost) with ESMTP id {MAIL}9; Mon\r\n"), false, "a longer one"),
            (format!("Subject: id={MAIL};\r\n"), false, "text of the sender's"),
            ("X-Gatepost-Report: id=m0000000000002; verdict=clean\r\n".into(), false, "another mail"),
            (String::new(), false, "nothing"),
        ] {
            assert_eq!(carries(header.as_bytes(), mail), want, "{why}");
        }
    }

    #[test]
    fn a_message_begins_where_we_began_it() {
        let mail: MailId = MAIL.parse().expect("an identifier");
        let ours = format!("Received: from a by b (Gatepost) with ESMTP\r\n\tid {MAIL}; Mon\r\nSubject: x\r\n\r\nbody\r\n");
        let octets = Bytes::from(format!("Return-Path: <a@b>\r\nReceived: from gate by box\r\n\tid 1; Mon\r\n{ours}"));
        assert_eq!(octets.slice(ours_from(&octets, mail)..), ours.as_bytes());
        let other = Bytes::from_static(b"Subject: x\r\n\r\nbody");
        assert_eq!(ours_from(&other, mail), 0);
        assert_eq!(ours_from(&Bytes::new(), mail), 0);
    }
}
