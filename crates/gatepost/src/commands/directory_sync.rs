//! `gatepost directory`: where recipients and groups come from. Works beside a running server, which notices within a second.

use super::{Place, audited, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit};
use anyhow::Context;
use clap::{Args, Subcommand};
use gateway::dkim::Seal;
use gateway::scope::OrgScope;
use serde_json::json;
use std::sync::Arc;
use store::Error;
use web::audit::Entry;
use web::directory_sync::api::{DirectorySourceBody, ErrorBody, RunBody};
use web::directory_sync::{Outcome, Ran, Reach, Source, State, SyncError, Tried, run_now, sql, try_out};
use web::page::words::Lang;
use web::people::Person;

#[derive(Debug, Args)]
pub struct Directories {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Args)]
struct One {
    /// Its name, or its number where several organisations use the name.
    name: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Directories that are read, and how they stand.
    List {
        /// Print JSON, one line each.
        #[arg(long)]
        json: bool,
    },
    /// Connect, read, compare, and write nothing.
    Try(One),
    /// Read it now, and do what follows.
    Sync(One),
    /// What would go, of one that stopped and asks.
    Waiting(One),
    /// Let go what it asked about, and read it now.
    Approve(One),
    /// Keep everything; it is read on once it is right again.
    Refuse(One),
}

pub fn run(place: &Place, directories: Directories) -> anyhow::Result<Exit> {
    let (one, verb): (One, fn(Ground) -> Doing) = match directories.verb {
        Verb::List { json } => return list(place, json),
        Verb::Try(one) => (one, |ground| Box::pin(tried(ground))),
        Verb::Sync(one) => (one, |ground| Box::pin(synced(ground))),
        Verb::Waiting(one) => (one, |ground| Box::pin(waiting(ground))),
        Verb::Approve(one) => (one, |ground| Box::pin(approved(ground))),
        Verb::Refuse(one) => (one, |ground| Box::pin(refused(ground))),
    };
    wait(async {
        let chosen = place.existing()?;
        let store = open::for_command(&chosen).await?;
        let Some(source) = named(&store, &one.name).await? else {
            eprintln!("gatepost: there is no directory named “{}”, or several; gatepost directory list", one.name);
            return Ok(Exit::No);
        };
        let path = chosen.seal_file();
        let seal = Arc::new(Seal::open_file(&path).with_context(|| format!("opening the seal {}", path.display()))?);
        let reach = Reach { db: store.db.clone(), ids: store.ids.clone(), seal, clock: output::now_ms };
        verb(Ground { store, reach, source, json: one.json }).await
    })
}

type Doing = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<Exit>>>>;

struct Ground {
    store: Store,
    reach: Reach,
    source: Source,
    json: bool,
}

async fn all(store: &Store) -> anyhow::Result<Vec<Source>> {
    let found: Result<_, Error> = store.db.read(|tx| Box::pin(async move { sql::list(tx, OrgScope::All).await })).await;
    Ok(found?)
}

/// The only one with this name, or the one with this number.
async fn named(store: &Store, name: &str) -> anyhow::Result<Option<Source>> {
    let mut found: Vec<Source> = all(store).await?.into_iter().filter(|one| one.name == name || one.id.to_string() == name).collect();
    Ok(if found.len() == 1 { found.pop() } else { None })
}

fn list(place: &Place, as_json: bool) -> anyhow::Result<Exit> {
    let sources = wait(async {
        let store = open::for_command(&place.existing()?).await?;
        all(&store).await
    })?;
    if as_json {
        sources.iter().try_for_each(|source| output::json(&DirectorySourceBody::of(source)))?;
        return Ok(Exit::Done);
    }
    let row = |source: &Source| {
        let state = if source.settings.is_on { source.state.name() } else { "off" };
        let seen = if source.seen_ms == 0 { "never".to_string() } else { output::time(source.seen_ms) };
        vec![source.id.to_string(), source.name.clone(), source.settings.url.clone(), state.to_string(), seen]
    };
    output::table(&["number", "name", "address", "state", "last read"], &sources.iter().map(row).collect::<Vec<_>>())?;
    Ok(Exit::Done)
}

/// Exit code 1 when it cannot be read, or would stop.
async fn tried(ground: Ground) -> anyhow::Result<Exit> {
    let settings = sql::opened(&ground.source, &ground.reach.seal);
    let done = match settings {
        Some(settings) => try_out(&ground.reach, &ground.source, settings).await,
        None => Err(SyncError::Sealed),
    };
    let exit = if done.as_ref().is_ok_and(|tried| !tried.stops) { Exit::Done } else { Exit::No };
    match (done, ground.json) {
        (Ok(tried), true) => output::json(&json!({ "found": tried }))?,
        (Err(why), true) => output::json(&json!({ "error": ErrorBody::of(&why) }))?,
        (Ok(tried), false) => show_tried(&tried)?,
        (Err(why), false) => show_error(&why)?,
    }
    Ok(exit)
}

fn show_tried(tried: &Tried) -> anyhow::Result<()> {
    let counts = &tried.counts;
    output::line(&format!("{} entries with an address, {} groups, {} ms", counts.people, counts.groups, tried.took_ms))?;
    output::line(&format!("would add {}, change {}, remove {}", counts.added, counts.changed, counts.removed))?;
    if counts.conflicts + counts.elsewhere + counts.unreadable > 0 {
        let (conflicts, elsewhere, unreadable) = (counts.conflicts, counts.elsewhere, counts.unreadable);
        output::line(&format!("left out: {conflicts} of another source, {elsewhere} of other domains, {unreadable} no addresses"))?;
    }
    if tried.stops {
        output::line("so much would go that it would stop and ask")?;
    }
    let rows: Vec<Vec<String>> = tried.people.iter().map(|one| vec![one.name.clone(), one.addresses.join(" ")]).collect();
    output::table(&["name", "addresses"], &rows)
}

fn show_error(why: &SyncError) -> anyhow::Result<()> {
    let body = ErrorBody::of(why);
    let turn = web::page::Say { key: format!("directory-turn-{}", body.turn).into(), args: Vec::new() }.in_lang(Lang::English);
    output::line(&output::printable_line(&format!("{} {turn}", body.detail)))
}

fn at_the_machine() -> Person {
    Person::at_the_machine(&std::env::var("USER").unwrap_or_else(|_| "somebody".into()))
}

async fn synced(ground: Ground) -> anyhow::Result<Exit> {
    let ran = run_now(&ground.reach, ground.source, at_the_machine()).await?;
    show_ran(ran, ground.json)
}

/// Exit code 1 when it failed or stopped.
fn show_ran(ran: Option<Ran>, as_json: bool) -> anyhow::Result<Exit> {
    let Some(ran) = ran else {
        eprintln!("gatepost: it is being read right now; try again in a moment");
        return Ok(Exit::No);
    };
    if as_json {
        output::json(&RunBody::of(&ran.run))?;
    } else {
        match &ran.run.error {
            Some(why) => show_error(why)?,
            None => {
                output::line(&format!("{}: {}", ran.run.outcome.name(), ran.run.said().in_lang(Lang::English)))?;
                output::line(&ran.run.said_groups().in_lang(Lang::English))?;
            }
        }
    }
    Ok(if matches!(ran.run.outcome, Outcome::Applied | Outcome::Same) { Exit::Done } else { Exit::No })
}

async fn waiting(ground: Ground) -> anyhow::Result<Exit> {
    const LISTED_MAX: i64 = 100_000;
    let id = ground.source.id;
    let found: Result<_, Error> = ground.store.db.read(move |tx| Box::pin(async move { sql::pending(tx, id, LISTED_MAX).await })).await;
    let found = found?;
    for (kind, what) in &found {
        match ground.json {
            true => output::json(&json!({ "kind": kind, "what": what }))?,
            false => output::line(&output::printable_line(&format!("{kind} {what}")))?,
        }
    }
    Ok(if found.is_empty() { Exit::No } else { Exit::Done })
}

async fn approved(ground: Ground) -> anyhow::Result<Exit> {
    let Some(source) = answered(&ground, State::Approved).await? else { return Ok(Exit::No) };
    let ran = run_now(&ground.reach, source, at_the_machine()).await?;
    show_ran(ran, ground.json)
}

async fn refused(ground: Ground) -> anyhow::Result<Exit> {
    let Some(source) = answered(&ground, State::Refused).await? else { return Ok(Exit::No) };
    match ground.json {
        true => output::json(&json!({ "name": source.name, "state": source.state.name() }))?,
        false => output::line("everything stays as it is")?,
    }
    Ok(Exit::Done)
}

/// `None`: it does not wait for an answer.
async fn answered(ground: &Ground, state: State) -> anyhow::Result<Option<Source>> {
    if !matches!(ground.source.state, State::Waiting | State::Refused) {
        eprintln!("gatepost: {} does not wait for an answer", ground.source.name);
        return Ok(None);
    }
    let (source, ids, now_ms) = (ground.source.clone(), ground.store.ids.clone(), output::now_ms());
    let kept = Source { state, state_ms: now_ms, mark: String::new(), ..source.clone() };
    let done: Result<(), Error> = ground
        .store
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::put_state(tx, source.id, state, now_ms).await?;
                let action = if state == State::Approved { "directory.approve" } else { "directory.refuse" };
                let entry = Entry::new(Some(source.org), action, source.id).with(json!({ "directory": source.name }));
                audited(tx, &ids, entry).await
            })
        })
        .await;
    done?;
    Ok(Some(kept))
}
