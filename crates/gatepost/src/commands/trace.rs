//! `gatepost trace`: mails, refusals, their steps, and the balance.

use super::{Place, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::{Args, Subcommand};
use gateway::scope::OrgScope;
use gateway::settings::Span;
use gateway::trace::api::{EventBody, ListBody, MailBody};
use gateway::trace::{self, Query, RefusalQuery, balance};
use mail::MailId;
use std::time::Duration;
use store::Error;

/// How long one list looks.
const WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
pub struct Trace {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Mails and refusals, newest first.
    List(List),
    /// Every step of one mail.
    Show {
        /// Its id, m….
        mail: MailId,
        #[arg(long)]
        json: bool,
    },
    /// Whether every accepted mail is accounted for.
    Balance {
        /// How far back, such as 1d.
        #[arg(long, default_value = "7d")]
        since: Span,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct List {
    /// Sender address, or @domain.
    #[arg(long)]
    from: Option<String>,
    /// Recipient address, or @domain.
    #[arg(long)]
    to: Option<String>,
    /// Part of the subject.
    #[arg(long)]
    subject: Option<String>,
    #[arg(long)]
    message_id: Option<String>,
    /// Address that connected.
    #[arg(long)]
    ip: Option<std::net::IpAddr>,
    /// clean, spam, phish, malware, …
    #[arg(long)]
    verdict: Option<String>,
    /// queued, delivered, held, bounced, deleted, expired
    #[arg(long)]
    state: Option<String>,
    /// How far back, such as 2d or 3h.
    #[arg(long)]
    since: Option<Span>,
    /// Go on from an earlier answer.
    #[arg(long, value_name = "ID")]
    before: Option<MailId>,
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Leave refused connections and recipients out.
    #[arg(long)]
    mails_only: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(place: &Place, trace: Trace) -> anyhow::Result<Exit> {
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        match trace.verb {
            Verb::List(list) => list_mails(&store, list).await,
            Verb::Show { mail, json } => show(&store, mail, json).await,
            Verb::Balance { since, json } => balance_of(&store, since, json).await,
        }
    })
}

fn since_ms(since: Span) -> i64 {
    output::now_ms().saturating_sub(since.as_ms())
}

async fn list_mails(store: &Store, list: List) -> anyhow::Result<Exit> {
    let (mails, mut refusals) = found(store, &list).await?;
    // A refusal after the content was seen stands among the mails already.
    refusals.rows.retain(|event| event.mail.is_none_or(|mail| mails.rows.iter().all(|row| row.mail != mail)));
    if list.json {
        mails.rows.iter().try_for_each(output::json)?;
        refusals.rows.iter().try_for_each(output::json)?;
    } else {
        let mut rows: Vec<(i64, Vec<String>)> = mails.rows.iter().flat_map(mail_rows).collect();
        rows.extend(refusals.rows.iter().map(refusal_row));
        rows.sort_by_key(|(at_ms, _)| std::cmp::Reverse(*at_ms));
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
        output::table(&["TIME", "ID", "STATE", "VERDICT", "FROM", "TO", "SUBJECT"], &rows)?;
    }
    for why in mails.incomplete_because.iter().chain(&refusals.incomplete_because) {
        eprintln!("Not complete: {why}.");
    }
    if let Some(next) = &mails.next {
        eprintln!("Go on with --before {next}.");
    }
    Ok(if mails.rows.is_empty() && refusals.rows.is_empty() { Exit::No } else { Exit::Done })
}

async fn found(store: &Store, list: &List) -> anyhow::Result<(ListBody<MailBody>, ListBody<EventBody>)> {
    let since_ms = list.since.map(since_ms);
    let query = Query {
        mail: None,
        sender: list.from.clone(),
        recipient: list.to.clone(),
        subject: list.subject.clone(),
        message_id: list.message_id.clone(),
        ip: list.ip,
        verdict: list.verdict.clone(),
        state: list.state.clone(),
        since_ms,
        until_ms: None,
        before: list.before,
        limit: list.limit,
        within: WITHIN,
    };
    let about_mails =
        list.mails_only || list.subject.is_some() || list.message_id.is_some() || list.verdict.is_some() || list.state.is_some();
    let refusal_query = RefusalQuery {
        ip: list.ip,
        sender: list.from.clone(),
        recipient: list.to.clone(),
        since_ms,
        limit: list.limit,
        within: WITHIN,
        ..RefusalQuery::default()
    };
    let read = store.db.read(move |tx| {
        Box::pin(async move {
            let mails = trace::search(tx, OrgScope::All, &query).await?;
            let refusals = match about_mails {
                true => ListBody { rows: vec![], is_complete: true, incomplete_because: vec![], because: vec![], next: None },
                false => trace::refusals(tx, OrgScope::All, &refusal_query).await?,
            };
            Ok((mails, refusals))
        })
    });
    read.await.map_err(|why: Error| why).context("searching the trace")
}

fn mail_rows(mail: &MailBody) -> Vec<(i64, Vec<String>)> {
    let row = |state: &str, to: &str| {
        let sender = if mail.sender.is_empty() { "<>" } else { &mail.sender };
        let cells = [&output::time(mail.at_ms), &mail.mail.to_string(), state, &mail.verdict, sender, to, &mail.subject];
        (mail.at_ms, cells.iter().map(ToString::to_string).collect())
    };
    match mail.recipients.is_empty() {
        true => vec![row("refused", "")],
        false => mail.recipients.iter().map(|recipient| row(&recipient.state, &recipient.address)).collect(),
    }
}

fn refusal_row(event: &EventBody) -> (i64, Vec<String>) {
    let told = |key: &str| event.detail.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_string();
    let cells = vec![
        output::time(event.at_ms),
        event.event.to_string(),
        event.kind.into(),
        String::new(),
        told("sender"),
        event.recipient.clone(),
        told("reply"),
    ];
    (event.at_ms, cells)
}

async fn show(store: &Store, mail: MailId, json: bool) -> anyhow::Result<Exit> {
    let query = Query { mail: Some(mail), limit: 1, ..Query::default() };
    let read = store.db.read(move |tx| {
        Box::pin(async move {
            let found = trace::search(tx, OrgScope::All, &query).await?;
            Ok((found.rows.into_iter().next(), trace::events_of(tx, OrgScope::All, mail).await?))
        })
    });
    let (found, events) = read.await.map_err(|why: Error| why).context("reading the trace")?;
    if found.is_none() && events.is_empty() {
        return Err(WrongUse(format!("there is no mail {mail} in the trace")).into());
    }
    let events: Vec<EventBody> = events.iter().map(EventBody::from).collect();
    if json {
        output::json(&serde_json::json!({ "mail": found, "events": events }))?;
        return Ok(Exit::Done);
    }
    if let Some(found) = found {
        output::line(&format!(
            "{mail}  {} → {} recipients, “{}”, {} octets, {}",
            found.sender,
            found.recipients_count,
            output::printable(&found.subject),
            found.octets,
            found.verdict
        ))?;
    }
    let rows: Vec<Vec<String>> = events
        .iter()
        .map(|event| vec![output::time(event.at_ms), event.kind.into(), event.recipient.clone(), event.detail.to_string()])
        .collect();
    output::table(&["TIME", "EVENT", "RECIPIENT", "DETAIL"], &rows)?;
    Ok(Exit::Done)
}

async fn balance_of(store: &Store, since: Span, json: bool) -> anyhow::Result<Exit> {
    let report = balance::check(&store.db, Some(&store.bodies), since_ms(since), output::now_ms()).await.context("adding up")?;
    if json {
        output::json(&report)?;
    } else {
        let total = &report.total;
        output::line(&format!("Of {} mails seen, {} recipients were accepted:", report.mails, total.accepted))?;
        let parts = [
            ("delivered", total.delivered),
            ("bounced", total.bounced),
            ("held", total.held),
            ("queued", total.queued),
            ("deleted", total.deleted),
            ("expired", total.expired),
        ];
        for (name, count) in parts {
            output::line(&format!("  {name:<10} {count:>9}"))?;
        }
        output::line(&format!("  {:<10} {:>9}", "together", total.accounted()))?;
        output::line(if report.adds_up { "It adds up." } else { "It does NOT add up:" })?;
        report.problems.iter().try_for_each(output::json)?;
    }
    Ok(if report.adds_up { Exit::Done } else { Exit::No })
}
