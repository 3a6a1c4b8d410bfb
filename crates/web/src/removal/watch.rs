//! Delivered mail is watched for a while: what people report, what is blocked later, and what it would be judged as now.
//!
//! In: mails of the last days behind connectors that have access to mailboxes. Out: removals. Nothing is kept for it beside receipts: a mail that
//! is judged again is read from its mailbox, so many in an hour, and only where the connector says when (`recheck_after`). One server watches
//! at a time, by a lease; how far it has come stands in the database. The mail path knows nothing of it.

use super::start::{self, Wish, by_itself};
use super::{Cause, moves, sql};
use crate::App;
use gateway::directory::{ConnectorSettings, Effect, EntryKind};
use gateway::entry::{self, Filter};
use gateway::mailbox::{Access, Automatic, MailboxError, Wanted};
use gateway::policy::{Bounds, Draft, PolicyAction, Replay};
use gateway::receipt::Receipt;
use gateway::scope::OrgScope;
use gateway::trace::{first_id_at, time_of};
use mail::{Address, MailId, OrgId};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use store::Error;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(60);
/// How long a server that says nothing keeps the others from watching.
const LEASE_MS: i64 = 10 * 60 * 1000;
/// Different people of an organisation whose word about a mail has it removed for all: for phishing, and for junk.
pub const PEOPLE_PHISH_MIN: i64 = 2;
pub const PEOPLE_JUNK_MIN: i64 = 3;
/// Mails and entries looked at in one turn of one organisation.
const REPORTED_MAX: usize = 100;
const ENTRIES_MAX: usize = 20;
/// Receipts that one new entry is compared with.
const RECEIPTS_MAX: u64 = 200_000;
/// A mail is committed at most this long after its identifier was made.
const SETTLED_MS: i64 = 10 * 60 * 1000;

/// Watches until the runtime ends.
pub async fn run(app: App) {
    let holder = app.fresh_id();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(why) = turn(&app, holder).await {
            tracing::warn!(%why, "delivered mail could not be watched; it is tried again in a minute");
        }
    }
}

/// Looks once at everything that is watched, if it is this server's turn; returns how many removals were made.
pub async fn turn(app: &App, holder: i64) -> Result<usize, Error> {
    let (watched, listened) = (Watched::all(app), moves::listened(app));
    let now_ms = app.now_ms();
    if watched.is_empty() && listened.is_empty() || !app.db.tx(move |tx| Box::pin(sql::take_lease(tx, holder, now_ms, LEASE_MS))).await? {
        return Ok(0);
    }
    let mut made = 0;
    // First, since what people say may have mail removed.
    moves::turn(app, &listened).await?;
    for one in &watched {
        made += reports(app, one).await?;
        made += entries(app, one).await?;
        made += rechecks(app, one).await?;
    }
    Ok(made)
}

/// An organisation with connectors whose mailboxes are watched.
#[derive(Debug)]
struct Watched {
    org: OrgId,
    connectors: Vec<Arc<ConnectorSettings>>,
}

impl Watched {
    fn all(app: &App) -> Vec<Watched> {
        let directory = app.directory.snapshot();
        let only = directory.organisations.values().next().filter(|_| directory.organisations.len() == 1);
        let mut found: BTreeMap<OrgId, Vec<Arc<ConnectorSettings>>> = BTreeMap::new();
        for connector in directory.connectors.values() {
            let of = directory.organisation_named(&connector.organisation).or(only).map(|org| org.id);
            if let Some(org) = of.filter(|_| connector.mailbox.is_on() && connector.mailbox.automatic != Automatic::Off) {
                found.entry(org).or_default().push(connector.clone());
            }
        }
        found.into_iter().map(|(org, connectors)| Watched { org, connectors }).collect()
    }

    /// The first mail that is still watched.
    fn since(&self, now_ms: i64) -> MailId {
        let within_ms = self.connectors.iter().map(|one| one.mailbox.within.as_ms()).max().unwrap_or(0);
        first_id_at(now_ms - within_ms)
    }
}

async fn upto(app: &App, org: OrgId, what: &'static str) -> Result<Option<i64>, Error> {
    app.db.read(move |tx| Box::pin(sql::upto(tx, org, what))).await
}

async fn put_upto(app: &App, org: OrgId, what: &'static str, upto: i64) -> Result<(), Error> {
    app.db.tx(move |tx| Box::pin(sql::put_upto(tx, org, what, upto))).await
}

/// Mail that several people called unwanted goes from everybody's mailbox.
async fn reports(app: &App, watched: &Watched) -> Result<usize, Error> {
    const WHAT: &str = "reports";
    let (org, since) = (watched.org, watched.since(app.now_ms()));
    let after = upto(app, org, WHAT).await?.unwrap_or(0);
    let found = app.db.read(move |tx| Box::pin(sql::reported(tx, org, (since, after), REPORTED_MAX))).await?;
    let mut made = 0;
    for one in &found {
        let is_phish = one.phish >= PEOPLE_PHISH_MIN;
        if is_phish || one.people >= PEOPLE_JUNK_MIN {
            let mail = one.mail;
            let mut mails = vec![mail];
            if is_phish {
                // The same phishing in other mailboxes; junk that looks alike may be somebody's newsletter.
                mails = app.db.read(move |tx| Box::pin(sql::alike(tx, org, mail, since, start::MAILS_MAX))).await?;
                mails.push(mail);
            }
            let wish = Wish {
                mails,
                only: HashSet::new(),
                cause: Cause::Reports,
                class: if is_phish { "phish" } else { "spam" }.into(),
                note: one.people.to_string(),
                only_list: false,
            };
            made += usize::from(by_itself(app, org, wish).await?.is_some());
        }
    }
    if let Some(last) = found.iter().map(|one| one.last).max() {
        put_upto(app, org, WHAT, last).await?;
    }
    Ok(made)
}

/// Mail that a new block entry speaks about.
async fn entries(app: &App, watched: &Watched) -> Result<usize, Error> {
    const WHAT: &str = "entries";
    let (org, now_ms) = (watched.org, app.now_ms());
    let Some(after) = upto(app, org, WHAT).await? else {
        // Entries that were there before are not news.
        put_upto(app, org, WHAT, first_id_at(now_ms).0).await?;
        return Ok(0);
    };
    let filter = Filter { effect: Some(Effect::Block), holding_ms: Some(now_ms), limit: ENTRIES_MAX, ..Filter::default() };
    let listed = app.db.read(move |tx| Box::pin(async move { entry::list(tx, OrgScope::One(org), &filter).await }));
    let (listed, _) = listed.await.map_err(|why: Error| why)?;
    let fresh: Vec<_> = listed.into_iter().filter(|one| one.entry.id > after).collect();
    let (mut made, since) = (0, watched.since(now_ms));
    for one in &fresh {
        let draft = Draft::Entry(one.entry.clone());
        let replay = Replay::new(draft, app.directory.snapshot(), app.thresholds, now_ms);
        let bounds = Bounds { since_ms: time_of(since), receipts_max: RECEIPTS_MAX };
        let mut hits: Vec<(MailId, String)> = Vec::new();
        let take = |_: &gateway::policy::Progress, changes: Vec<gateway::policy::Change>| {
            let worse = changes.into_iter().filter(|change| rank(change.would_be) > rank(change.was));
            hits.extend(worse.map(|change| (change.mail, change.recipient)));
            hits.len() < start::MAILS_MAX
        };
        replay.run(&app.db, OrgScope::One(org), bounds, take).await?;
        made += usize::from(remove_for(app, org, hits, ("spam", Cause::Entry, one.entry.value.clone())).await?);
    }
    // Links and files stand in no receipt: where mail is judged again at all, all that is watched is judged again now.
    let is_of_content = |kind: EntryKind| matches!(kind, EntryKind::Host | EntryKind::Hash);
    if fresh.iter().any(|one| is_of_content(one.entry.kind)) && watched.connectors.iter().any(|one| !one.mailbox.recheck_after.is_empty()) {
        put_upto(app, org, PASSES[0], since.0).await?;
    }
    if let Some(last) = fresh.iter().map(|one| one.entry.id).max() {
        put_upto(app, org, WHAT, last).await?;
    }
    Ok(made)
}

/// Makes a removal of these mails for these recipients; false when there was nothing to remove.
async fn remove_for(app: &App, org: OrgId, hits: Vec<(MailId, String)>, how: (&str, Cause, String)) -> Result<bool, Error> {
    let (class, cause, note) = how;
    let (mut only, mut mails) = (HashSet::new(), Vec::new());
    for (mail, address) in hits {
        let delivered = app.db.read(move |tx| Box::pin(sql::delivered(tx, OrgScope::One(org), mail))).await?;
        let of_address = delivered.iter().filter(|one| one.address.eq_ignore_ascii_case(&address));
        only.extend(of_address.map(|one| (one.mail, one.n)));
        if !mails.contains(&mail) {
            mails.push(mail);
        }
    }
    if only.is_empty() {
        return Ok(false);
    }
    let wish = Wish { mails, only, cause, class: class.into(), note, only_list: false };
    Ok(by_itself(app, org, wish).await?.is_some())
}

/// How far an action keeps a mail from its recipient.
fn rank(action: PolicyAction) -> u8 {
    match action {
        PolicyAction::None | PolicyAction::AddHeader | PolicyAction::Prefix | PolicyAction::Redirect => 0,
        PolicyAction::Junk => 1,
        PolicyAction::Delete | PolicyAction::Quarantine | PolicyAction::Reject => 2,
    }
}

/// Names of the passes after delivery, as `removal_watch` keeps them.
const PASSES: [&str; super::access::RECHECKS_A_MAIL_MAX] = ["recheck-1", "recheck-2", "recheck-3", "recheck-4"];

/// Mail whose time has come is read from its mailbox and judged again.
async fn rechecks(app: &App, watched: &Watched) -> Result<usize, Error> {
    let Some(mailbox) = watched.connectors.iter().map(|one| &one.mailbox).find(|mailbox| !mailbox.recheck_after.is_empty()) else {
        return Ok(0);
    };
    let passes = mailbox.recheck_after.len().min(PASSES.len());
    let a_turn = (mailbox.rechecks_per_hour / 60).max(1).div_ceil(passes.max(1));
    let (org, now_ms, mut made) = (watched.org, app.now_ms(), 0);
    for (what, after) in PASSES.into_iter().zip(&mailbox.recheck_after) {
        let until = first_id_at(now_ms - after.as_ms().max(SETTLED_MS));
        let Some(last) = upto(app, org, what).await? else {
            // From now on.
            put_upto(app, org, what, until.0).await?;
            continue;
        };
        let from = MailId(last.max(watched.since(now_ms).0));
        let mails = app.db.read(move |tx| Box::pin(sql::inbound(tx, org, (from, until), a_turn))).await?;
        for (mail, receipt) in mails {
            match recheck(app, watched, mail, &receipt).await? {
                Rechecked::Done(is_made) => made += usize::from(is_made),
                // The rest of this pass waits, too.
                Rechecked::Later => break,
            }
            put_upto(app, org, what, mail.0).await?;
        }
    }
    Ok(made)
}

enum Rechecked {
    /// Looked at; whether a removal came of it.
    Done(bool),
    /// The mailbox server cannot be asked now.
    Later,
}

async fn recheck(app: &App, watched: &Watched, mail: MailId, receipt: &str) -> Result<Rechecked, Error> {
    let org = watched.org;
    let Ok(receipt) = serde_json::from_str::<Receipt>(receipt) else { return Ok(Rechecked::Done(false)) };
    let delivered = app.db.read(move |tx| Box::pin(sql::delivered(tx, OrgScope::One(org), mail))).await?;
    let near = delivered.iter().find_map(|one| Some((one, watched.connectors.iter().find(|known| known.name == one.connector)?)));
    let Some((first, connector)) = near else { return Ok(Rechecked::Done(false)) };
    let wanted = Wanted { mail, message_id: &receipt.header.message_id, received_ms: receipt.at_ms };
    let octets = match read(app, connector, &first.address, wanted).await {
        Ok(octets) => octets,
        Err(why) if why.is_of_server() => {
            tracing::warn!(%why, connector = connector.name, "delivered mail could not be judged again; it is tried again in a minute");
            return Ok(Rechecked::Later);
        }
        Err(_) => None,
    };
    // Its owner deleted it, or it is very large.
    let Some(octets) = octets else { return Ok(Rechecked::Done(false)) };
    let Some(second) = app.again.judge(org, &receipt, octets).await else { return Ok(Rechecked::Done(false)) };
    let (mut hits, mut class) = (Vec::new(), second.verdict.class);
    for decided in &receipt.recipients {
        let Ok(address) = Address::parse(&decided.address) else { continue };
        let now = app.again.decide(org, &second, &address, app.now_ms());
        if rank(now.action) > rank(decided.action) {
            class = now.class;
            hits.push((mail, decided.address.clone()));
        }
    }
    let how = (class.name(), Cause::JudgedAgain, receipt.verdict.class.name().to_string());
    Ok(Rechecked::Done(!hits.is_empty() && remove_for(app, org, hits, how).await?))
}

async fn read(app: &App, connector: &ConnectorSettings, address: &str, wanted: Wanted<'_>) -> Result<Option<bytes::Bytes>, MailboxError> {
    let access = Access { courier: &app.courier, seal: &app.seal, connector };
    let mut session = access.open(address).await?;
    let octets = session.read(wanted).await?;
    session.log_out().await;
    Ok(octets)
}
