//! `gatepost feedback`: what people say about mail. A running server counts it within seconds.

use super::{Place, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use bytes::Bytes;
use clap::{Args, Subcommand, ValueEnum};
use detect::classify::{Label, Model, Scores, probability};
use gateway::feedback::{Deltas, FeedbackError, Report, Row, Taken, rows};
use gateway::quarantine::{Quarantine, QuarantineError};
use gateway::reputation::Reputation;
use gateway::scope::OrgScope;
use mail::id::ReportId;
use mail::{MailId, OrgId};
use store::Error;

#[derive(Debug, Args)]
pub struct Feedback {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Learn what a mail is, and show what that changes about it.
    Add(Add),
    /// What was reported, newest first.
    List {
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// Take a report back, and everything that was learned from it.
    Remove { report: ReportId },
}

#[derive(Debug, Args)]
struct Add {
    /// What it is.
    #[arg(long = "as", value_enum)]
    label: Word,
    /// The organisation that learns it; not needed where there is one only.
    #[arg(long)]
    org: Option<String>,
    /// Who says so; default: you, at the command line.
    #[arg(long)]
    by: Option<String>,
    #[arg(long)]
    json: bool,
    /// Ids of mails that are held, or message files.
    #[arg(required = true)]
    mails: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Word {
    Junk,
    Good,
    Phish,
    /// Sent to many, and wanted by some.
    Bulk,
}

impl Word {
    fn label(self) -> Label {
        match self {
            Word::Junk => Label::Spam,
            Word::Good => Label::Ham,
            Word::Phish => Label::Phish,
            Word::Bulk => Label::Bulk,
        }
    }
}

/// One line of `add --json`.
#[derive(serde::Serialize)]
struct Changed<'a> {
    source: &'a str,
    report: Option<ReportId>,
    mail: Option<MailId>,
    subject: &'a str,
    before: Scores,
    after: Scores,
    is_held_back: bool,
}

pub fn run(place: &Place, feedback: Feedback) -> anyhow::Result<Exit> {
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        match feedback.verb {
            Verb::Add(add) => learn(&store, add).await,
            Verb::List { limit, json } => list(&store, limit, json).await,
            Verb::Remove { report } => remove(&store, report).await,
        }
    })
}

fn feature(store: &Store) -> gateway::feedback::Feedback {
    gateway::feedback::Feedback {
        db: store.db.clone(),
        ids: store.ids.clone(),
        model: Model::built_in(),
        deltas: Deltas::default(),
        reputation: Reputation::start(store.db.clone()),
    }
}

async fn learn(store: &Store, add: Add) -> anyhow::Result<Exit> {
    let feedback = feature(store);
    let org = organisation(store, add.org.as_deref()).await?;
    let user = std::env::var("USER").unwrap_or_else(|_| "somebody".into());
    let reporter = add.by.unwrap_or_else(|| format!("{user}, command line"));
    for source in &add.mails {
        let octets = octets(store, org, source).await?;
        let report = Report { org, reporter: reporter.clone(), label: add.label.label(), octets, now_ms: output::now_ms() };
        let taken = feedback.take(report).await?;
        match add.json {
            true => {
                let Taken { id, mail, subject, before, after, is_held_back } = &taken;
                let (before, after, is_held_back) = (*before, *after, *is_held_back);
                output::json(&Changed { source, report: *id, mail: *mail, subject, before, after, is_held_back })?;
            }
            false => print(source, &taken)?,
        }
    }
    feedback.reputation.flush().await;
    Ok(Exit::Done)
}

fn print(source: &str, taken: &Taken) -> anyhow::Result<()> {
    let percent = |log_odds: f32| format!("{:.1} %", 100.0 * probability(log_odds));
    let subject = output::printable(&taken.subject);
    let Some(id) = taken.id else {
        return output::line(&format!("{source} “{subject}”: was reported so before; nothing changed"));
    };
    let (before, after) = (&taken.before, &taken.after);
    output::line(&format!(
        "{source} “{subject}”: learned as {id}; by its words it was spam with {} and phish with {}, now {} and {}",
        percent(before.spam_log_odds),
        percent(before.phish_log_odds),
        percent(after.spam_log_odds),
        percent(after.phish_log_odds),
    ))?;
    match taken.is_held_back {
        true => output::line("  what others reported speaks against it: it counts for the reporter alone until somebody else says so too"),
        false => Ok(()),
    }
}

/// A held mail by its id, else a file.
async fn octets(store: &Store, org: OrgId, source: &str) -> anyhow::Result<Bytes> {
    let Ok(mail) = source.parse::<MailId>() else {
        let read = std::fs::read(source);
        return read.map(Bytes::from).map_err(|why| WrongUse(format!("{source} is neither the id of a mail nor a file: {why}")).into());
    };
    let held = Quarantine::new(store.db.clone(), store.bodies.clone().into(), store.ids.clone());
    match held.octets(OrgScope::One(org), mail).await {
        Ok(octets) => Ok(octets),
        Err(QuarantineError::NotHeld(_)) => {
            Err(WrongUse(format!("{mail} is not held, so its content is not here: name the file of the message instead")).into())
        }
        Err(why) => Err(why.into()),
    }
}

async fn organisation(store: &Store, name: Option<&str>) -> anyhow::Result<OrgId> {
    let name = name.unwrap_or_default().to_string();
    let found = store.db.read(move |tx| Box::pin(async move { gateway::directory::sql::organisation_id(tx, &name).await })).await;
    match found {
        Ok(org) => Ok(org),
        Err(Error::Statement(why)) => Err(WrongUse(format!("{why} (--org)")).into()),
        Err(why) => Err(why.into()),
    }
}

async fn list(store: &Store, limit: usize, json: bool) -> anyhow::Result<Exit> {
    let found: Result<Vec<Row>, Error> = store.db.read(move |tx| Box::pin(async move { rows(tx, OrgScope::All, None, limit).await })).await;
    let found = found?;
    match json {
        true => found.iter().try_for_each(output::json)?,
        false => {
            let percent = |probability: f32| format!("{:.0} %", 100.0 * probability);
            let cells = |row: &Row| {
                let label = serde_json::to_value(row.label).ok().and_then(|label| label.as_str().map(str::to_string)).unwrap_or_default();
                let changed = format!("{} → {}", percent(row.before_spam), percent(row.after_spam));
                vec![output::time(row.at_ms), row.id.to_string(), label, changed, row.reporter.clone(), row.subject.clone()]
            };
            let cells: Vec<Vec<String>> = found.iter().map(cells).collect();
            output::table(&["TIME", "ID", "IS", "SPAM BY WORDS", "BY", "SUBJECT"], &cells)?;
        }
    }
    Ok(if found.is_empty() { Exit::No } else { Exit::Done })
}

async fn remove(store: &Store, report: ReportId) -> anyhow::Result<Exit> {
    match feature(store).remove(OrgScope::All, report).await {
        Ok(row) => {
            output::line(&format!("taken back: {report}, “{}” by {}", output::printable(&row.subject), output::printable(&row.reporter)))?;
            Ok(Exit::Done)
        }
        Err(why @ FeedbackError::NoReport(_)) => Err(WrongUse(why.to_string()).into()),
        Err(why) => Err(why.into()),
    }
}
