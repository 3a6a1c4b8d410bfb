//! The balance: every accepted recipient is delivered, bounced, held, queued, deleted or expired, and the events say the same.
//!
//! In: a span of time. Out: a [`Report`], per organisation and with the mails that do not add up. It reads in windows, each one
//! snapshot, so that a mail that moves on meanwhile is seen either before or after, never between.
//! Not here: opening an issue when it does not add up (health does), and repairing.

use super::event::first_id_at;
use super::sql;
use mail::{MailId, OrgId};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use store::bodies::Bodies;
use store::{Db, Error};

/// Mails checked in one snapshot.
const WINDOW_MAILS: usize = 2_000;
/// Problems named in a report; all are counted.
const PROBLEMS_MAX: usize = 100;
/// Files this young may belong to a transaction that has not committed yet.
const FILE_AGE_MS: i64 = 3_600_000;

/// What the balance found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Mails received from here on and before there, Unix milliseconds.
    pub since_ms: i64,
    pub until_ms: i64,
    pub adds_up: bool,
    pub mails: u64,
    pub total: Account,
    /// By organisation.
    pub organisations: BTreeMap<OrgId, Account>,
    /// At most 100 of them.
    pub problems: Vec<Problem>,
    pub problems_count: u64,
}

/// Recipients by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// What the mails said at acceptance.
    pub accepted: u64,
    pub delivered: u64,
    pub bounced: u64,
    pub held: u64,
    /// Waiting for the first or another attempt.
    pub queued: u64,
    pub deleted: u64,
    pub expired: u64,
}

impl Account {
    pub fn accounted(&self) -> u64 {
        self.delivered + self.bounced + self.held + self.queued + self.deleted + self.expired
    }

    fn count(&mut self, state: &str) -> bool {
        let place = match state {
            "delivered" => &mut self.delivered,
            "bounced" => &mut self.bounced,
            "held" => &mut self.held,
            "queued" => &mut self.queued,
            "deleted" => &mut self.deleted,
            "expired" => &mut self.expired,
            _ => return false,
        };
        *place += 1;
        true
    }

    fn add(&mut self, other: &Account) {
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.bounced += other.bounced;
        self.held += other.held;
        self.queued += other.queued;
        self.deleted += other.deleted;
        self.expired += other.expired;
    }
}

/// Something that does not add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum Problem {
    /// The mail was accepted for another number of recipients than there are rows.
    RecipientsMissing { mail: MailId, accepted: i64, rows: i64 },
    /// Rows of recipients without their mail.
    MailMissing { mail: MailId },
    /// A state we do not know.
    UnknownState { mail: MailId, recipient: String, state: String },
    /// So many recipients of this address ended so, and so many events say it.
    EventsDiffer { mail: MailId, recipient: String, state: String, rows: i64, events: i64 },
    /// Owed or held, and the octets are gone.
    BodyMissing { mail: MailId },
    /// Octets that nobody needs any more.
    BodyOrphaned { mail: MailId },
    /// A file in the body store that no row names.
    FileOrphaned { name: String },
}

/// Checks all mail received from `since_ms` on and before `until_ms`, and the files of all bodies when `bodies` is given.
pub async fn check(db: &Db, bodies: Option<&Bodies>, since_ms: i64, until_ms: i64) -> Result<Report, Error> {
    let mut report = Report::new(since_ms, until_ms);
    let end = first_id_at(until_ms);
    let mut from = first_id_at(since_ms);
    while from < end {
        let window = db.read(move |tx| Box::pin(sql::balance::window(tx, from, end, WINDOW_MAILS))).await?;
        from = window.next;
        report.take(&window);
    }
    if let Some(bodies) = bodies {
        files(db, bodies, until_ms, &mut report).await?;
    }
    report.adds_up = report.problems_count == 0 && report.total.accepted == report.total.accounted();
    Ok(report)
}

impl Report {
    fn new(since_ms: i64, until_ms: i64) -> Report {
        Report {
            since_ms,
            until_ms,
            adds_up: false,
            mails: 0,
            total: Account::default(),
            organisations: BTreeMap::new(),
            problems: Vec::new(),
            problems_count: 0,
        }
    }

    fn take(&mut self, window: &sql::balance::Rows) {
        let mut accounts: BTreeMap<OrgId, Account> = BTreeMap::new();
        for mail in &window.mails {
            self.mails += 1;
            accounts.entry(mail.org).or_default().accepted += mail.accepted.max(0) as u64;
        }
        for recipient in &window.recipients {
            if !accounts.entry(recipient.org).or_default().count(&recipient.state) {
                let (mail, state) = (recipient.mail, recipient.state.clone());
                self.problem(Problem::UnknownState { mail, recipient: recipient.address.clone(), state });
            }
        }
        for (org, account) in accounts {
            self.total.add(&account);
            self.organisations.entry(org).or_default().add(&account);
        }
        for problem in problems(window) {
            self.problem(problem);
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.problems_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

fn problems(window: &sql::balance::Rows) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut rows: BTreeMap<MailId, i64> = BTreeMap::new();
    // (mail, address, final state) → (rows, events)
    let mut ends: BTreeMap<(MailId, &str, &str), (i64, i64)> = BTreeMap::new();
    for recipient in &window.recipients {
        *rows.entry(recipient.mail).or_default() += 1;
        if !matches!(recipient.state.as_str(), "queued" | "held") {
            ends.entry((recipient.mail, &recipient.address, &recipient.state)).or_default().0 += 1;
        }
    }
    for end in &window.ends {
        ends.entry((end.mail, &end.address, end.state)).or_default().1 += 1;
    }
    for mail in &window.mails {
        let count = rows.remove(&mail.mail).unwrap_or_default();
        if count != mail.accepted {
            found.push(Problem::RecipientsMissing { mail: mail.mail, accepted: mail.accepted, rows: count });
        }
    }
    found.extend(rows.into_keys().map(|mail| Problem::MailMissing { mail }));
    for ((mail, address, state), (rows, events)) in ends {
        if rows != events {
            found.push(Problem::EventsDiffer { mail, recipient: address.into(), state: state.into(), rows, events });
        }
    }
    found.extend(window.bodies_missing.iter().map(|mail| Problem::BodyMissing { mail: *mail }));
    found.extend(window.bodies_orphaned.iter().map(|mail| Problem::BodyOrphaned { mail: *mail }));
    found
}

/// Compares the body store with the rows that name its files.
async fn files(db: &Db, bodies: &Bodies, until_ms: i64, report: &mut Report) -> Result<(), Error> {
    // Files first: a body stored after that has a row without a file in the list, but it is younger than `until_ms` then.
    let stored = Arc::new(Mutex::new(HashSet::new()));
    let seen = stored.clone();
    bodies.each(move |name| seen.lock().unwrap_or_else(PoisonError::into_inner).extend([name.to_string()])).await?;
    let mut stored = std::mem::take(&mut *stored.lock().unwrap_or_else(PoisonError::into_inner));
    let until = first_id_at(until_ms);
    let mut after = MailId(0);
    loop {
        let page = db.read(move |tx| Box::pin(sql::balance::files_after(tx, after, WINDOW_MAILS))).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (mail, name) in &page {
            if !stored.remove(name) && *mail < until && bodies.read(name).await?.is_none() && is_still_named(db, *mail).await? {
                report.problem(Problem::BodyMissing { mail: *mail });
            }
        }
    }
    let settled = first_id_at(until_ms.saturating_sub(FILE_AGE_MS));
    for name in stored {
        if store::bodies::id_of(&name).is_some_and(|id| id < settled.0) {
            report.problem(Problem::FileOrphaned { name });
        }
    }
    Ok(())
}

/// The mail may have been settled, row and file gone, since its row was read.
async fn is_still_named(db: &Db, mail: MailId) -> Result<bool, Error> {
    db.read(move |tx| Box::pin(sql::balance::has_body(tx, mail))).await
}
