//! Moving one mail away and putting it back, over JMAP.
//!
//! A message has one identifier wherever it lies, and may lie in several folders at once (RFC 8621 §4.1.1): it is taken out of all that are
//! its owner's to read, in one change, and put back into the same.

use super::Session;
use super::moves::SEEN;
use crate::mailbox::carry::{MESSAGE_OCTETS_MAX, ours_from};
use crate::mailbox::{AbsentBecause, KEYWORD, MailboxError, Place, Returned, Taken, Wanted};
use bytes::Bytes;
use mail::jmap::{Email, Mailbox, filled};
use serde_json::{Map, Value};

const INBOX: &str = "INBOX";
/// Folders that are listed, and that one mail is put back into.
const FOLDERS_MAX: usize = 100;

impl Session {
    /// Moves a mail into `folder` (as people write it), from wherever it lies.
    pub(in crate::mailbox) async fn take(&mut self, wanted: Wanted<'_>, folder: &str) -> Result<Taken, MailboxError> {
        let folders = self.mailboxes().await?;
        let target = self.named(&folders, folder);
        let Some(email) = self.find(wanted).await? else { return Ok(Taken::Absent(AbsentBecause::Gone)) };
        let lies_in = |one: &&Mailbox| email.mailboxes.contains(&one.id);
        let is_target = |one: &Mailbox| target.is_some_and(|target| target.id == one.id);
        let mut from: Vec<&Mailbox> = folders.iter().filter(|one| lies_in(one) && is_ordinary(one) && !is_target(one)).collect();
        from.sort_by_key(|one| one.role != "inbox");
        let Some(first) = from.first() else {
            return Ok(match target.filter(lies_in) {
                Some(target) => Taken::AlreadyIn(target.path.clone()),
                None => Taken::Absent(why_absent(&folders, &email)),
            });
        };
        let to = match target {
            Some(target) => target.id.clone(),
            None => self.make(folder).await?,
        };
        let ids: Vec<String> = from.iter().take(FOLDERS_MAX).map(|one| one.id.clone()).collect();
        let patch = moved(&ids, std::slice::from_ref(&to), true);
        if !self.change(&email.id, &patch).await? {
            return Ok(Taken::Absent(AbsentBecause::Gone));
        }
        let to = target.map_or_else(|| folder.to_string(), |target| target.path.clone());
        Ok(Taken::Moved(Place { from: first.path.clone(), to, id: email.id.clone(), ids, ..Place::default() }))
    }

    /// Puts a mail back to where it lay.
    pub(in crate::mailbox) async fn put_back(&mut self, wanted: Wanted<'_>, place: &Place) -> Result<Returned, MailboxError> {
        let folders = self.mailboxes().await?;
        let known = match mail::jmap::is_id(&place.id) {
            true => self.known(wanted, &place.id).await?,
            false => None,
        };
        let found = match known {
            Some(email) => Some(email),
            None => self.find(wanted).await?,
        };
        let Some(email) = found else { return Ok(Returned::Absent(AbsentBecause::Gone)) };
        // Folders that are still there; else the one of the name, else the INBOX.
        let is_home = |one: &&Mailbox| place.ids.contains(&one.id);
        let mut home: Vec<&Mailbox> = folders.iter().filter(is_home).take(FOLDERS_MAX).collect();
        if home.is_empty() {
            home.extend(self.named(&folders, &place.from).or_else(|| folders.iter().find(|one| one.role == "inbox")));
        }
        let lies_in = |one: &Mailbox| email.mailboxes.contains(&one.id);
        let Some(away) = self.named(&folders, &place.to).filter(|one| lies_in(one)) else {
            if home.iter().any(|one| lies_in(one)) {
                self.change(&email.id, &moved(&[], &[], false)).await?;
                return Ok(Returned::AlreadyThere);
            }
            return Ok(Returned::Absent(why_absent(&folders, &email)));
        };
        let Some(first) = home.first() else { return Ok(Returned::Absent(AbsentBecause::Gone)) };
        let ids: Vec<String> = home.iter().map(|one| one.id.clone()).collect();
        match self.change(&email.id, &moved(std::slice::from_ref(&away.id), &ids, false)).await? {
            true => Ok(Returned::Moved { to: first.path.clone() }),
            false => Ok(Returned::Absent(AbsentBecause::Gone)),
        }
    }

    /// The message as we handed it over. `None`: not there, thrown away, or too large.
    pub(in crate::mailbox) async fn read(&mut self, wanted: Wanted<'_>) -> Result<Option<Bytes>, MailboxError> {
        let folders = self.mailboxes().await?;
        let Some(email) = self.find(wanted).await? else { return Ok(None) };
        let is_kept = folders.iter().any(|one| email.mailboxes.contains(&one.id) && is_ordinary(one));
        if !is_kept || email.size > MESSAGE_OCTETS_MAX as u64 || !mail::jmap::is_id(&email.blob) {
            return Ok(None);
        }
        let found = self.download(&email.blob).await?;
        Ok(found.map(|octets| octets.slice(ours_from(&octets, wanted.mail)..)))
    }

    /// What a message is made of (RFC 8620 §6.2); `None`: it is not there any more.
    pub(super) async fn download(&self, blob: &str) -> Result<Option<Bytes>, MailboxError> {
        let variables = [("accountId", self.account.as_str()), ("blobId", blob), ("name", "message.eml"), ("type", "message/rfc822")];
        let url = self.near(&filled(&self.download, &variables))?;
        let answer = self.ask("GET", &url, None, MESSAGE_OCTETS_MAX).await?;
        match answer.status {
            200 => Ok(Some(answer.body.into())),
            404 => Ok(None),
            _ => Err(self.refused("download", &answer)),
        }
    }

    /// Names of the folders of this mailbox, as people write them.
    pub(in crate::mailbox) async fn folder_names(&mut self) -> Result<Vec<String>, MailboxError> {
        Ok(self.mailboxes().await?.into_iter().take(FOLDERS_MAX).map(|one| one.path).collect())
    }

    /// The folder that a name means: INBOX and the one for junk also by what they are for.
    pub(super) fn named<'f>(&self, folders: &'f [Mailbox], name: &str) -> Option<&'f Mailbox> {
        let role = match name {
            name if name.eq_ignore_ascii_case(INBOX) => "inbox",
            name if name == self.junk => "junk",
            _ => "",
        };
        let by_name = || folders.iter().find(|one| one.path.eq_ignore_ascii_case(name));
        let by_role = || folders.iter().find(|one| !role.is_empty() && one.role == role);
        folders.iter().find(|one| one.path == name).or_else(by_name).or_else(by_role)
    }
}

/// A folder that mail is taken from: not what its owner wrote, threw away, or sees only as a view of the others.
fn is_ordinary(one: &Mailbox) -> bool {
    const LEFT_ALONE: [&str; 6] = ["drafts", "sent", "all", "flagged", "scheduled", "templates"];
    !is_trash(one) && !LEFT_ALONE.contains(&one.role.as_str())
}

fn is_trash(one: &Mailbox) -> bool {
    const NAMES: [&str; 4] = ["Trash", "Deleted Items", "Deleted Messages", "INBOX/Trash"];
    one.role == "trash" || one.role.is_empty() && NAMES.iter().any(|name| one.path.eq_ignore_ascii_case(name))
}

fn why_absent(folders: &[Mailbox], email: &Email) -> AbsentBecause {
    match folders.iter().any(|one| is_trash(one) && email.mailboxes.contains(&one.id)) {
        true => AbsentBecause::InTrash,
        false => AbsentBecause::Gone,
    }
}

/// A patch (RFC 8620 §5.3) that takes a message out of folders and puts it into others, with our keyword on it or off. Keywords are told in
/// lower case (RFC 8621 §4.1.1).
fn moved(from: &[String], to: &[String], is_away: bool) -> Value {
    let mut patch = Map::new();
    patch.extend(from.iter().map(|id| (format!("mailboxIds/{id}"), Value::Null)));
    patch.extend(to.iter().map(|id| (format!("mailboxIds/{id}"), Value::Bool(true))));
    let keyword = if is_away { Value::Bool(true) } else { Value::Null };
    patch.insert(format!("keywords/{}", KEYWORD.to_ascii_lowercase()), keyword);
    if !is_away {
        // What we put back is not its owner's word either.
        patch.insert(format!("keywords/{SEEN}"), Value::Null);
    }
    Value::Object(patch)
}
