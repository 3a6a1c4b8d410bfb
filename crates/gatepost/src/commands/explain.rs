//! `gatepost explain`: the story of one mail or refusal.

use super::{Place, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::Args;
use gateway::receipt::{self, Language, Receipt};
use gateway::scope::OrgScope;
use gateway::trace::api::EventBody;
use gateway::trace::{self, RefusalQuery};
use mail::MailId;
use mail::id::EventId;
use store::Error;

#[derive(Debug, Args)]
pub struct Explain {
    /// A mail (m…), or a refusal (e…) as `gatepost trace list` shows it.
    id: String,
    /// Language: en or zh. Default: that of the terminal.
    #[arg(long)]
    lang: Option<String>,
    /// Print the whole receipt as JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(place: &Place, explain: Explain) -> anyhow::Result<Exit> {
    let chosen = place.existing()?;
    let language = Language::of(&explain.lang.clone().or_else(|| std::env::var("LANG").ok()).unwrap_or_default());
    wait(async {
        let store = open::for_command(&chosen).await?;
        if let Ok(event) = explain.id.parse::<EventId>() {
            return refusal(&store, event, language, explain.json).await;
        }
        let mail: MailId = explain.id.parse().map_err(|why| WrongUse(format!("{why}")))?;
        let Some(text) = receipt_of(&store, mail).await? else { return without_receipt(&store, mail, language, explain.json).await };
        if explain.json {
            output::line(&text)?;
            return Ok(Exit::Done);
        }
        let receipt: Receipt = serde_json::from_str(&text).context("the receipt was written by another version of Gatepost")?;
        for line in receipt::explain(&receipt, &chosen.settings.detect.thresholds, language) {
            output::line(&output::printable_line(&line))?;
        }
        Ok(Exit::Done)
    })
}

async fn receipt_of(store: &Store, mail: MailId) -> anyhow::Result<Option<String>> {
    let read = store.db.read(move |tx| Box::pin(async move { trace::receipt_of(tx, OrgScope::All, mail).await }));
    read.await.map_err(|why: Error| why).context("reading the receipt")
}

/// A mail that was refused before it was judged has events and no receipt.
async fn without_receipt(store: &Store, mail: MailId, language: Language, json: bool) -> anyhow::Result<Exit> {
    let read = store.db.read(move |tx| Box::pin(async move { trace::events_of(tx, OrgScope::All, mail).await }));
    let events = read.await.map_err(|why: Error| why).context("reading the trace")?;
    match events.first() {
        Some(event) => tell(&EventBody::from(event), language, json),
        None => Err(WrongUse(format!("there is no mail {mail} in the trace")).into()),
    }
}

async fn refusal(store: &Store, id: EventId, language: Language, json: bool) -> anyhow::Result<Exit> {
    let at_ms = trace::time_of(MailId(id.0));
    let query = RefusalQuery { since_ms: Some(at_ms), until_ms: Some(at_ms + 1), limit: REFUSALS_A_MOMENT_MAX, ..RefusalQuery::default() };
    let read = store.db.read(move |tx| Box::pin(async move { trace::refusals(tx, OrgScope::All, &query).await }));
    let found = read.await.map_err(|why: Error| why).context("reading the trace")?;
    match found.rows.iter().find(|event| event.event == id) {
        Some(event) => tell(event, language, json),
        None => Err(WrongUse(format!("there is no refusal {id} in the trace")).into()),
    }
}

/// Refusals of one millisecond looked through for the one that is meant.
const REFUSALS_A_MOMENT_MAX: usize = 1_000;

fn tell(event: &EventBody, language: Language, json: bool) -> anyhow::Result<Exit> {
    if json {
        output::json(event)?;
        return Ok(Exit::Done);
    }
    for line in receipt::explain_refusal(event, language) {
        output::line(&output::printable_line(&line))?;
    }
    Ok(Exit::Done)
}
