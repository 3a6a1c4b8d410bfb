//! `gatepost removal`: mail that is taken out of mailboxes after delivery. A running server moves it within seconds.

use super::{Place, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use clap::{Args, Subcommand, ValueEnum};
use gateway::directory::load;
use gateway::scope::OrgScope;
use mail::MailId;
use mail::id::RemovalId;
use std::collections::HashSet;
use store::Error;
use web::people::Person;
use web::removal::api::{CopyBody, RemovalBody, body};
use web::removal::start::{MAILS_MAX, Nothing, Wish, by_person_in};
use web::removal::{Cause, CopyState, Decision, decide_in, put_back_in, sql};

#[derive(Debug, Args)]
pub struct Removal {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Removals, newest first.
    List {
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// One removal with every copy.
    Show {
        removal: RemovalId,
        #[arg(long)]
        json: bool,
    },
    /// Take delivered mails out of the mailboxes they went to.
    Start(Start),
    /// Put back what was removed: a removal (x…), or a mail (m…).
    Undo {
        what: String,
        #[arg(long)]
        json: bool,
    },
    /// Approve a removal that waits for a decision.
    Approve {
        removal: RemovalId,
        #[arg(long)]
        json: bool,
    },
    /// Decide against a removal that waits for a decision.
    Refuse {
        removal: RemovalId,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct Start {
    /// Ids of mails of one organisation.
    #[arg(required = true)]
    mails: Vec<MailId>,
    /// What they are.
    #[arg(long = "as", value_enum, default_value = "junk")]
    word: Word,
    /// Why; stands with the removal.
    #[arg(long, default_value = "")]
    note: String,
    /// Only list what would be removed; approve it later.
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Word {
    Junk,
    Phish,
    Malware,
}

impl Word {
    fn class(self) -> &'static str {
        match self {
            Word::Junk => "spam",
            Word::Phish => "phish",
            Word::Malware => "malware",
        }
    }
}

pub fn run(place: &Place, removal: Removal) -> anyhow::Result<Exit> {
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        match removal.verb {
            Verb::List { limit, json } => list(&store, limit, json).await,
            Verb::Show { removal, json } => show(&store, removal, json).await,
            Verb::Start(start) => begin(&store, start).await,
            Verb::Undo { what, json } => undo(&store, &what, json).await,
            Verb::Approve { removal, json } => decide(&store, removal, Decision::Approve, json).await,
            Verb::Refuse { removal, json } => decide(&store, removal, Decision::Refuse, json).await,
        }
    })
}

/// Whoever sits at the machine.
fn person() -> Person {
    Person::at_the_machine(&std::env::var("USER").unwrap_or_else(|_| "somebody".into()))
}

async fn list(store: &Store, limit: usize, json: bool) -> anyhow::Result<Exit> {
    let read = store.db.read(move |tx| {
        Box::pin(async move {
            let found = sql::list(tx, OrgScope::All, None, RemovalId(i64::MAX), limit).await?;
            let ids: Vec<RemovalId> = found.iter().map(|one| one.id).collect();
            Ok::<_, Error>((found, sql::counts(tx, &ids).await?))
        })
    });
    let (found, counts) = read.await?;
    let rows: Vec<RemovalBody> = found
        .into_iter()
        .map(|one| {
            let of = counts.iter().filter(|(id, ..)| *id == one.id).map(|(_, state, count)| (*state, *count)).collect();
            body(&(one, of))
        })
        .collect();
    match json {
        true => rows.iter().try_for_each(output::json)?,
        false => {
            let cells = |one: &RemovalBody| {
                let copies: Vec<String> = one.copies.iter().map(|(state, count)| format!("{count} {state}")).collect();
                let who = if one.who.is_empty() { "Gatepost" } else { one.who.as_str() };
                let texts = [one.removal.as_str(), &one.state, &copies.join(", "), &one.class, who, &one.note].map(str::to_string);
                std::iter::once(output::time(one.at_ms)).chain(texts).collect()
            };
            let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
            output::table(&["TIME", "ID", "STATE", "COPIES", "AS", "BY", "NOTE"], &cells)?;
        }
    }
    Ok(if rows.is_empty() { Exit::No } else { Exit::Done })
}

/// A removal and its copies, or what is wrong with its name.
async fn found(store: &Store, id: RemovalId) -> anyhow::Result<(sql::Removal, Vec<sql::Copy>)> {
    let read = store
        .db
        .read(move |tx| Box::pin(async move { Ok::<_, Error>((sql::one(tx, OrgScope::All, id).await?, sql::copies(tx, id).await?)) }));
    match read.await? {
        (Some(removal), copies) => Ok((removal, copies)),
        (None, _) => Err(WrongUse(format!("there is no removal {id}")).into()),
    }
}

async fn show(store: &Store, id: RemovalId, json: bool) -> anyhow::Result<Exit> {
    let (removal, copies) = found(store, id).await?;
    let counts = CopyState::ALL.iter().map(|state| (*state, copies.iter().filter(|copy| copy.state == *state).count() as i64));
    let whole = body(&(removal, counts.filter(|(_, count)| *count > 0).collect()));
    let copies: Vec<CopyBody> = copies.iter().map(CopyBody::from).collect();
    if json {
        output::json(&serde_json::json!({ "removal": whole, "copies": copies }))?;
        return Ok(Exit::Done);
    }
    let who = if whole.who.is_empty() { "Gatepost" } else { &whole.who };
    output::line(&format!("{}  {}, as {}, by {who}. {}", whole.removal, whole.state, whole.class, output::printable(&whole.note)))?;
    let cells = |copy: &CopyBody| {
        let moved = if copy.to.is_empty() { copy.said.clone() } else { format!("{} → {}", copy.from, copy.to) };
        vec![output::time(copy.at_ms), copy.mail.clone(), copy.recipient.clone(), copy.state.clone(), moved]
    };
    let cells: Vec<Vec<String>> = copies.iter().map(cells).collect();
    output::table(&["SINCE", "MAIL", "MAILBOX", "STATE", "WHERE"], &cells)?;
    Ok(Exit::Done)
}

async fn begin(store: &Store, start: Start) -> anyhow::Result<Exit> {
    if start.mails.len() > MAILS_MAX {
        return Err(WrongUse(format!("at most {MAILS_MAX} mails go in one removal")).into());
    }
    let wish = Wish {
        mails: start.mails.clone(),
        only: HashSet::new(),
        cause: Cause::Person,
        class: start.word.class().into(),
        note: start.note,
        only_list: start.dry_run,
    };
    let (mails, ids, now_ms) = (start.mails, store.ids.clone(), output::now_ms());
    let made = store.db.tx(move |tx| {
        Box::pin(async move {
            let mut orgs = HashSet::new();
            for mail in mails {
                orgs.insert(gateway::trace::org_of(tx, OrgScope::All, mail).await?);
            }
            let org = match (orgs.len(), orgs.into_iter().next().flatten()) {
                (1, Some(org)) => org,
                _ => return Ok(None),
            };
            let directory = load(tx, &Default::default(), &Default::default()).await?;
            Ok::<_, Error>(Some(by_person_in(tx, &directory, (&person(), org), wish, (&ids, now_ms)).await?))
        })
    });
    let why = match made.await? {
        Some(Ok(made)) => {
            if made.out_of_reach > 0 {
                eprintln!("{} copies were delivered where Gatepost has no access to the mailboxes; they stay.", made.out_of_reach);
            }
            return show(store, made.removal.id, start.json).await;
        }
        None => "these are not mails of one organisation that the trace knows",
        Some(Err(Nothing::Delivered)) => "nothing of it was delivered, or all of it is being removed already",
        Some(Err(Nothing::OutOfReach)) => "it was delivered through a connector without access to its mailboxes ([connector.mailbox])",
    };
    Err(WrongUse(why.into()).into())
}

async fn decide(store: &Store, id: RemovalId, what: Decision, json: bool) -> anyhow::Result<Exit> {
    let (removal, _) = found(store, id).await?;
    let (ids, now_ms) = (store.ids.clone(), output::now_ms());
    let done = store.db.tx(move |tx| Box::pin(async move { decide_in(tx, &person(), &removal, what, (&ids, now_ms)).await }));
    let count: u64 = done.await.map_err(|why: Error| why)?;
    if count == 0 {
        eprintln!("{id} does not stand so that this could be decided.");
        return Ok(Exit::No);
    }
    show(store, id, json).await
}

async fn undo(store: &Store, what: &str, json: bool) -> anyhow::Result<Exit> {
    if let Ok(id) = what.parse::<RemovalId>() {
        return decide(store, id, Decision::Undo, json).await;
    }
    let mail: MailId = what.parse().map_err(|_| WrongUse(format!("“{what}” is neither a removal (x…) nor a mail (m…)")))?;
    let (ids, now_ms) = (store.ids.clone(), output::now_ms());
    let done = store.db.tx(move |tx| {
        Box::pin(async move {
            match gateway::trace::org_of(tx, OrgScope::All, mail).await? {
                Some(org) => put_back_in(tx, &person(), (org, mail), (&ids, now_ms)).await,
                None => Ok(0),
            }
        })
    });
    let count: usize = done.await.map_err(|why: Error| why)?;
    match json {
        true => output::json(&serde_json::json!({ "mail": mail, "copies": count }))?,
        false => output::line(&format!("{count} copies of {mail} are being put back"))?,
    }
    Ok(if count == 0 { Exit::No } else { Exit::Done })
}
