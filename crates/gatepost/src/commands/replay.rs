//! `gatepost replay`: what a draft policy would have done with past mail.

use super::{Place, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::Args;
use detect::Thresholds;
use gateway::directory::load;
use gateway::policy::{Bounds, Change, Draft, PolicySettings};
use gateway::scope::OrgScope;
use gateway::settings::Span;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Replay {
    /// How far back, such as 7d or 12h.
    #[arg(long, default_value = "7d")]
    since: Span,
    /// File with the draft: the keys of a [[policy]] table, as `gatepost config reference` lists them.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Print JSON, one line a change and one for the sum.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, serde::Serialize)]
struct Sum {
    mails: u64,
    changes: u64,
    /// Mails from before receipts could be read by this version.
    unreadable: u64,
}

pub fn run(place: &Place, replay: Replay) -> anyhow::Result<Exit> {
    let draft = draft(&replay.policy)?;
    wait(async {
        let chosen = place.existing()?;
        let store = open::for_command(&chosen).await?;
        let since_ms = output::now_ms().saturating_sub(replay.since.as_ms());
        let sum = decide_again(&store, chosen.settings.detect.thresholds, draft, (since_ms, replay.json)).await?;
        match replay.json {
            true => output::json(&sum)?,
            false => output::line(&format!(
                "{} of {} mails would change; {} receipts could not be read.",
                sum.changes, sum.mails, sum.unreadable
            ))?,
        }
        Ok(if sum.changes == 0 { Exit::Done } else { Exit::No })
    })
}

fn draft(file: &std::path::Path) -> anyhow::Result<PolicySettings> {
    let text = std::fs::read_to_string(file).map_err(|why| WrongUse(format!("{}: {why}", file.display())))?;
    let draft: PolicySettings = toml::from_str(&text).map_err(|why| WrongUse(format!("{}: {}", file.display(), why.message())))?;
    match draft.complaints().first() {
        None => Ok(draft),
        Some(complaint) => Err(WrongUse(format!("{}: {complaint}", file.display())).into()),
    }
}

async fn decide_again(store: &Store, thresholds: Thresholds, draft: PolicySettings, replay: (i64, bool)) -> anyhow::Result<Sum> {
    let (since_ms, json) = replay;
    let directory = store.db.read(|tx| Box::pin(async move { load(tx, &Default::default(), &Default::default()).await })).await;
    let directory = directory.map_err(|why: store::Error| why).context("reading the directory")?;
    let replay = gateway::policy::Replay::new(Draft::First(Arc::new(draft)), Arc::new(directory), thresholds, output::now_ms());
    let (mut changes, mut printed) = (0, Ok(()));
    // A terminal is read from the top for as long as one likes: no bound on how many.
    let bounds = Bounds { since_ms, receipts_max: u64::MAX };
    let read = replay.run(&store.db, OrgScope::All, bounds, |_, page| {
        changes += page.len() as u64;
        printed = page.iter().try_for_each(|change| print(change, json));
        printed.is_ok()
    });
    let read = read.await.context("reading receipts")?;
    printed?;
    Ok(Sum { mails: read.receipts, changes, unreadable: read.unreadable })
}

fn print(change: &Change, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(change);
    }
    let word = |action| gateway::receipt::action_words(action, gateway::receipt::Language::English);
    output::line(&format!(
        "{}  {}  {} → {}  “{}”: {} → {}",
        output::time(change.at_ms),
        change.mail,
        change.sender,
        change.recipient,
        output::printable(&change.subject),
        word(change.was),
        word(change.would_be),
    ))
}
