//! `gatepost quarantine`: held mail.

use super::{Place, audited, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use clap::{Args, Subcommand};
use gateway::quarantine::api::{HeldBody, ShownBody};
use gateway::quarantine::{Cursor, Decision, Filter, Quarantine as Held, QuarantineError};
use gateway::scope::OrgScope;
use gateway::{quarantine, trace};
use mail::MailId;
use mail::id::IdMaker;
use std::time::Duration;
use store::{Error, Tx};
use web::audit::Entry;

#[derive(Debug, Args)]
pub struct Quarantine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Held mail, newest first.
    List(List),
    /// One held mail: header, text, attachments. Nothing of it runs or is fetched.
    Show {
        mail: MailId,
        #[arg(long)]
        json: bool,
    },
    /// Deliver it to its original recipients.
    Release(Chosen),
    /// Delete it.
    Delete(Chosen),
}

#[derive(Debug, Args)]
struct List {
    #[arg(long)]
    to: Option<String>,
    #[arg(long)]
    from: Option<String>,
    #[arg(long)]
    verdict: Option<String>,
    #[arg(long)]
    subject: Option<String>,
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Chosen {
    mail: MailId,
    /// Only for this recipient (its number in the list).
    #[arg(long)]
    n: Option<i64>,
}

pub fn run(place: &Place, quarantine: Quarantine) -> anyhow::Result<Exit> {
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        let held = Held::new(store.db.clone(), store.bodies.clone().into(), store.ids.clone());
        match quarantine.verb {
            Verb::List(list) => list_held(&held, list).await,
            Verb::Show { mail, json } => show(&held, mail, json).await,
            Verb::Release(chosen) => done("released", release(&store, decision(&chosen)).await),
            Verb::Delete(chosen) => done("deleted", delete(&store, &held, decision(&chosen)).await),
        }
    })
}

async fn release(store: &Store, decision: Decision) -> Result<usize, QuarantineError> {
    let ids = store.ids.clone();
    let work = store.db.tx(move |tx| {
        Box::pin(async move {
            let count = quarantine::release_in(tx, &decision, &ids).await?;
            note(tx, &ids, "quarantine.release", &decision).await?;
            Ok::<_, QuarantineError>(count)
        })
    });
    work.await
}

async fn delete(store: &Store, held: &Held, decision: Decision) -> Result<usize, QuarantineError> {
    let ids = store.ids.clone();
    let work = store.db.tx(move |tx| {
        Box::pin(async move {
            let ended = quarantine::delete_in(tx, &decision, &ids).await?;
            note(tx, &ids, "quarantine.delete", &decision).await?;
            Ok::<_, QuarantineError>(ended)
        })
    });
    let ended = work.await?;
    held.remove(ended.files).await;
    Ok(ended.count)
}

async fn note(tx: &mut Tx, ids: &IdMaker, action: &'static str, decision: &Decision) -> Result<(), Error> {
    let org = trace::org_of(tx, decision.scope, decision.mail).await?;
    audited(tx, ids, Entry::new(org, action, decision.mail)).await
}

fn decision(chosen: &Chosen) -> Decision {
    let who = std::env::var("USER").unwrap_or_else(|_| "somebody".into());
    Decision { scope: OrgScope::All, mail: chosen.mail, recipient: chosen.n, who: format!("{who}, command line"), now_ms: output::now_ms() }
}

fn done(what: &str, result: Result<usize, QuarantineError>) -> anyhow::Result<Exit> {
    match result {
        Ok(count) => {
            output::line(&format!("{what} for {count} recipient{}", if count == 1 { "" } else { "s" }))?;
            Ok(Exit::Done)
        }
        Err(QuarantineError::Store(why)) => Err(why.into()),
        Err(why @ QuarantineError::NotHeld(_)) => Err(WrongUse(why.to_string()).into()),
        Err(why) => {
            eprintln!("gatepost: {why}");
            Ok(Exit::No)
        }
    }
}

/// How long one list looks.
const WITHIN: Duration = Duration::from_secs(20);

async fn list_held(held: &Held, list: List) -> anyhow::Result<Exit> {
    let filter = Filter {
        recipient: list.to,
        sender: list.from,
        verdict: list.verdict,
        subject: list.subject,
        limit: list.limit,
        within: WITHIN,
        ..Filter::default()
    };
    let (rows, next) = held.list(OrgScope::All, filter).await?;
    match list.json {
        true => rows.iter().try_for_each(output::json)?,
        false => {
            let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
            output::table(&["TIME", "ID", "N", "VERDICT", "FROM", "TO", "SUBJECT", "UNTIL"], &cells)?;
        }
    }
    if let Some(Cursor { mail, .. }) = next {
        eprintln!("Not complete: there is more before {mail}; raise --limit or narrow the search.");
    }
    Ok(if rows.is_empty() { Exit::No } else { Exit::Done })
}

fn cells(held: &HeldBody) -> Vec<String> {
    let shown = [
        output::time(held.at_ms),
        held.mail.to_string(),
        held.n.to_string(),
        held.verdict.clone(),
        held.sender.clone(),
        held.recipient.clone(),
        held.subject.clone(),
        output::time(held.until_ms),
    ];
    shown.to_vec()
}

async fn show(held: &Held, mail: MailId, json: bool) -> anyhow::Result<Exit> {
    let shown = match held.show(OrgScope::All, mail).await {
        Ok(shown) => shown,
        Err(QuarantineError::Store(why)) => return Err(why.into()),
        Err(why) => return Err(WrongUse(why.to_string()).into()),
    };
    match json {
        true => output::json(&shown)?,
        false => print(&shown)?,
    }
    Ok(Exit::Done)
}

fn print(shown: &ShownBody) -> anyhow::Result<()> {
    for field in &shown.header {
        output::line(&format!("{}: {}", output::printable(&field.name), output::printable(&field.value)))?;
    }
    for text in &shown.texts {
        output::line("")?;
        for line in text.visible.lines() {
            output::line(&output::printable(line))?;
        }
        if !text.hidden.is_empty() {
            output::line(&format!("[hidden from the reader: {}]", output::printable(&text.hidden)))?;
        }
    }
    for attachment in &shown.attachments {
        output::line(&format!(
            "\n[attachment {}: says {}, is {}, {} octets, SHA-256 {}{}]",
            output::printable(&attachment.name),
            output::printable(&attachment.declared_type),
            attachment.true_type,
            attachment.octets,
            attachment.sha256,
            if attachment.is_encrypted { ", needs a password" } else { "" },
        ))?;
    }
    Ok(())
}
