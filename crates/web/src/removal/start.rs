//! Making a removal: which copies of which mails, and whether a person has to be asked first.

use super::{Cause, CopyState, State, sql};
use crate::App;
use crate::audit::{self, Entry, sql::Who};
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use gateway::directory::Directory;
use gateway::mailbox::{Automatic, MailboxSettings};
use gateway::scope::OrgScope;
use mail::id::{IdMaker, RemovalId};
use mail::{MailId, OrgId, PersonId};
use serde_json::json;
use std::collections::HashSet;
use store::{Error, Tx};

/// Mails of one removal.
pub const MAILS_MAX: usize = 1_000;
/// So few copies are no part of anything, however little is delivered.
const HANDFUL: usize = 5;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const NOTE_CHARS_MAX: usize = 500;

/// What is to be removed, and why.
#[derive(Debug, Clone)]
pub struct Wish {
    pub mails: Vec<MailId>,
    /// Only copies of these recipients (mail and number); empty: all.
    pub only: HashSet<(MailId, i64)>,
    pub cause: Cause,
    /// What the mail is seen as: a name of a verdict's class.
    pub class: String,
    pub note: String,
    /// List it, and wait for a person. What Gatepost starts by itself is listed also where a connector wants that.
    pub only_list: bool,
}

/// What was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub removal: sql::Removal,
    /// Copies behind connectors without access to mailboxes: nothing is done about those.
    pub out_of_reach: usize,
}

/// Why nothing was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nothing {
    /// Nothing was delivered, or all of it is in a removal already.
    Delivered,
    /// It was delivered where we have no access.
    OutOfReach,
}

/// Verdicts whose mail goes into the folder for what is dangerous.
pub fn is_dangerous(class: &str) -> bool {
    matches!(class, "phish" | "high-phish" | "malware" | "blocked-type" | "spoof" | "impersonation")
}

/// A person has mails removed.
/// # Errors
/// [`Fault::Conflict`] when there is nothing to remove; [`Fault::NotFound`] for a mail that is not theirs.
pub async fn by_person(app: &App, person: &Person, wish: Wish) -> Result<Made, Fault> {
    person.require(May::Release)?;
    let (scope, mails) = (person.scope(), wish.mails.clone());
    if mails.is_empty() || mails.len() > MAILS_MAX {
        return Err(Fault::Invalid(vec![crate::page::fault::Wrong {
            field: "mails",
            say: Say::new("removal-wrong-mails").with("count", MAILS_MAX),
        }]));
    }
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let mut orgs = Vec::with_capacity(mails.len());
            for mail in mails {
                orgs.push(gateway::trace::org_of(tx, scope, mail).await?);
            }
            Ok::<_, Error>(orgs)
        })
    });
    let orgs: Option<Vec<OrgId>> = read.await.map_err(Fault::from)?.into_iter().collect();
    let orgs = orgs.ok_or(Fault::NotFound)?;
    let Some(org) = orgs.first().copied().filter(|first| orgs.iter().all(|org| org == first)) else {
        return Err(Fault::Conflict(Say::new("removal-one-organisation")));
    };
    let (directory, ids, now_ms, person) = (app.directory.snapshot(), app.ids.clone(), app.now_ms(), person.clone());
    let made = app.db.tx(move |tx| Box::pin(async move { by_person_in(tx, &directory, (&person, org), wish, (&ids, now_ms)).await }));
    let made: Result<Made, Nothing> = made.await.map_err(|why: Error| Fault::from(why))?;
    made.map_err(|nothing| {
        Fault::Conflict(Say::new(match nothing {
            Nothing::Delivered => "removal-nothing-delivered",
            Nothing::OutOfReach => "removal-out-of-reach",
        }))
    })
}

/// The same in the caller's transaction, with its line in the audit log. The caller has checked who may, and that the mails are of `org`.
pub async fn by_person_in(
    tx: &mut Tx,
    directory: &Directory,
    (person, org): (&Person, OrgId),
    wish: Wish,
    (ids, now_ms): (&IdMaker, i64),
) -> Result<Result<Made, Nothing>, Error> {
    let made = make(tx, directory, (org, &person.email), wish, (ids, now_ms)).await?;
    if let Ok(made) = &made {
        audit::note(tx, person, ids, now_ms, line(made)).await?;
    }
    Ok(made)
}

/// Gatepost has mails removed by itself.
pub async fn by_itself(app: &App, org: OrgId, wish: Wish) -> Result<Option<Made>, Error> {
    let (directory, ids, now_ms) = (app.directory.snapshot(), app.ids.clone(), app.now_ms());
    let made = app.db.tx(move |tx| {
        Box::pin(async move {
            let made = make(tx, &directory, (org, ""), wish, (&ids, now_ms)).await?.ok();
            if let Some(made) = &made {
                let who = Who { person: PersonId(0), address: "Gatepost", ip: "" };
                audit::note_by(tx, who, &ids, now_ms, line(made)).await?;
            }
            Ok::<_, Error>(made)
        })
    });
    made.await
}

fn line(made: &Made) -> Entry {
    let removal = &made.removal;
    let detail = json!({ "copies": removal.copies, "cause": removal.cause.name(), "class": removal.class, "state": removal.state.name() });
    Entry::new(Some(removal.org), "removal.start", removal.id).with(detail)
}

/// Writes a removal with its copies.
async fn make(
    tx: &mut Tx,
    directory: &Directory,
    (org, who): (OrgId, &str),
    wish: Wish,
    (ids, now_ms): (&IdMaker, i64),
) -> Result<Result<Made, Nothing>, Error> {
    let (mut copies, mut out_of_reach) = (Vec::new(), 0);
    let mut seen = HashSet::new();
    for mail in wish.mails.iter().take(MAILS_MAX).filter(|mail| seen.insert(**mail)) {
        // What a person wanted to be where it is, only a person takes away again.
        let spared = if wish.cause == Cause::Person { Vec::new() } else { sql::spared(tx, *mail).await? };
        for one in sql::delivered(tx, OrgScope::One(org), *mail).await? {
            let is_meant = (wish.only.is_empty() || wish.only.contains(&(one.mail, one.n))) && !spared.contains(&one.address);
            match access(directory, &one.connector).filter(|mailbox| wish.cause == Cause::Person || mailbox.automatic != Automatic::Off) {
                Some(_) if is_meant => copies.push(one),
                None if is_meant => out_of_reach += 1,
                _ => {}
            }
        }
    }
    copies.truncate(sql::COPIES_MAX);
    if copies.is_empty() {
        return Ok(Err(if out_of_reach > 0 { Nothing::OutOfReach } else { Nothing::Delivered }));
    }
    let limits = Limits::of(directory, &copies);
    let is_asked = |one: &sql::Delivered| access(directory, &one.connector).is_none_or(|mailbox| mailbox.automatic != Automatic::On);
    let asks_why = match wish.only_list || wish.cause != Cause::Person && copies.iter().any(is_asked) {
        true => "listed",
        false => limits.exceeded(tx, org, copies.len(), now_ms).await?,
    };
    let (state, of_copy) = if asks_why.is_empty() { (State::Going, CopyState::Waiting) } else { (State::Asks, CopyState::Listed) };
    let removal = sql::Removal {
        id: RemovalId(ids.next(now_ms)),
        org,
        state,
        cause: wish.cause,
        class: wish.class.clone(),
        note: wish.note.chars().filter(|c| !c.is_control()).take(NOTE_CHARS_MAX).collect(),
        who: who.to_string(),
        asks_why: asks_why.to_string(),
        copies: copies.len() as i64,
        decided_by: String::new(),
        decided_ms: 0,
    };
    sql::insert(tx, &removal).await?;
    for one in &copies {
        sql::insert_copy(tx, removal.id, one, of_copy, (is_dangerous(&wish.class), now_ms)).await?;
    }
    Ok(Ok(Made { removal, out_of_reach }))
}

/// How to get at the mailboxes behind a connector; `None`: not at all.
pub fn access<'d>(directory: &'d Directory, connector: &str) -> Option<&'d MailboxSettings> {
    directory.connectors.get(connector).map(|found| &found.mailbox).filter(|mailbox| mailbox.is_on())
}

/// How much may go without a person being asked: the least that any of the connectors allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    copies: usize,
    percent: usize,
}

impl Limits {
    fn of(directory: &Directory, copies: &[sql::Delivered]) -> Limits {
        let names: HashSet<&str> = copies.iter().map(|one| one.connector.as_str()).collect();
        let all = names.into_iter().filter_map(|name| access(directory, name));
        let start = Limits { copies: usize::MAX, percent: 100 };
        all.fold(start, |least, one| Limits { copies: least.copies.min(one.at_once_max), percent: least.percent.min(one.at_once_percent) })
    }

    /// Why a person has to be asked; '' when nobody has.
    async fn exceeded(self, tx: &mut Tx, org: OrgId, copies: usize, now_ms: i64) -> Result<&'static str, Error> {
        if copies > self.copies {
            return Ok("many");
        }
        if copies <= HANDFUL || self.percent >= 100 {
            return Ok("");
        }
        // Fewer than this were delivered: then the copies are more than their share.
        let enough = (copies * 100).div_ceil(self.percent.max(1));
        let delivered = sql::delivered_since(tx, org, gateway::trace::first_id_at(now_ms - DAY_MS), enough).await?;
        Ok(if delivered < enough { "share" } else { "" })
    }
}
