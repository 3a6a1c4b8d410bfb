//! `gatepost replay`: what a draft policy would have done with past mail.

use super::{Place, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::Args;
use gateway::policy::{Change, PolicySettings, replay};
use gateway::scope::OrgScope;
use gateway::settings::Span;
use gateway::trace;
use std::path::PathBuf;

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

/// Receipts read at once.
const PAGE: usize = 500;

pub fn run(place: &Place, replay: Replay) -> anyhow::Result<Exit> {
    let draft = draft(&replay.policy)?;
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        let since_ms = output::now_ms().saturating_sub(replay.since.as_ms());
        let sum = decide_again(&store, &draft, since_ms, replay.json).await?;
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

async fn decide_again(store: &Store, draft: &PolicySettings, since_ms: i64, json: bool) -> anyhow::Result<Sum> {
    let mut sum = Sum { mails: 0, changes: 0, unreadable: 0 };
    let mut after = trace::first_id_at(since_ms);
    loop {
        let page = store.db.read(move |tx| Box::pin(async move { trace::receipts_after(tx, OrgScope::All, after, PAGE).await })).await;
        let page: Vec<(mail::MailId, String)> = page.map_err(|why: store::Error| why).context("reading receipts")?;
        let Some((last, _)) = page.last() else { return Ok(sum) };
        after = *last;
        for (_, text) in &page {
            sum.mails += 1;
            let Ok(receipt) = serde_json::from_str(text) else {
                sum.unreadable += 1;
                continue;
            };
            for change in replay(draft, &receipt) {
                sum.changes += 1;
                print(&change, json)?;
            }
        }
    }
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
