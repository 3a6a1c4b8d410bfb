//! `gatepost rule`: mail flow rules from the command line. A running server notices within a second.

use super::{Place, audited, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use bytes::Bytes;
use clap::{Args, Subcommand};
use gateway::directory::sql::{FROM_COMMAND, organisation_id};
use gateway::receipt::Receipt;
use gateway::rules::sql::{self, Put, RuleRow};
use gateway::rules::{NoteOutcome, Past, Rule, RuleSettings, evaluate_one};
use gateway::scope::OrgScope;
use gateway::{directory, queue, trace};
use mail::{MailId, RuleId};
use std::path::PathBuf;
use store::Error;
use web::audit::Entry;
use web::page::words::Lang;
use web::rules::{api, sentence};

#[derive(Debug, Args)]
pub struct Rules {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// All rules, in the order they are looked at.
    List(Wish),
    /// One rule, as a settings file would have it.
    Show(Named),
    /// Add or change the rule that a TOML file holds: the keys of a [[rule]] table.
    Put(Write),
    Enable(Named),
    Disable(Named),
    /// Delete a rule. Asks nothing: it is for scripts too.
    Delete(Named),
    /// Move a rule to a place; 0 is first.
    Move(Move),
    /// Try a rule on a mail: condition by condition, what holds. Exit code 0 when it applies, 1 when not.
    Test(Test),
}

/// Whose rules, and how they are printed.
#[derive(Debug, Clone, Args)]
struct Wish {
    /// Organisation; may be left out where there is one.
    #[arg(long, default_value = "")]
    organisation: String,
    /// Print JSON, one line each.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Named {
    /// Its name or identifier.
    name: String,
    #[command(flatten)]
    wish: Wish,
}

#[derive(Debug, Args)]
struct Write {
    file: PathBuf,
    #[command(flatten)]
    wish: Wish,
}

#[derive(Debug, Args)]
struct Move {
    name: String,
    place: usize,
    #[command(flatten)]
    wish: Wish,
}

#[derive(Debug, Args)]
struct Test {
    /// Its name or identifier; or a TOML file with --draft.
    name: String,
    /// The name is that of a file with a draft.
    #[arg(long)]
    draft: bool,
    /// A traced mail, m….
    #[arg(long, conflicts_with = "message")]
    mail: Option<MailId>,
    /// A message file, or - for standard input.
    #[arg(long)]
    message: Option<PathBuf>,
    /// Recipient of the message, more than once for several; without it those of To and Cc.
    #[arg(long)]
    to: Vec<String>,
    /// Envelope sender of the message.
    #[arg(long, default_value = "")]
    from: String,
    #[command(flatten)]
    wish: Wish,
}

pub fn run(place: &Place, rules: Rules) -> anyhow::Result<Exit> {
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        match rules.verb {
            Verb::List(wish) => list(&store, &wish).await,
            Verb::Show(named) => show(&store, &named).await,
            Verb::Put(write) => put(&store, &write).await,
            Verb::Enable(named) => switch(&store, &named, true).await,
            Verb::Disable(named) => switch(&store, &named, false).await,
            Verb::Delete(named) => delete(&store, &named).await,
            Verb::Move(to) => move_to(&store, &to).await,
            Verb::Test(test) => try_on(&store, &test).await,
        }
    })
}

async fn scope(store: &Store, organisation: &str) -> anyhow::Result<OrgScope> {
    let name = organisation.to_string();
    let id: Result<_, Error> = store.db.read(move |tx| Box::pin(async move { organisation_id(tx, &name).await })).await;
    Ok(OrgScope::One(id.map_err(|why| WrongUse(why.to_string()))?))
}

async fn all(store: &Store, organisation: &str) -> anyhow::Result<Vec<RuleRow>> {
    let scope = scope(store, organisation).await?;
    let rows: Result<_, Error> = store.db.read(move |tx| Box::pin(async move { sql::list(tx, scope).await })).await;
    rows.context("reading the rules")
}

async fn found(store: &Store, name: &str, organisation: &str) -> anyhow::Result<RuleRow> {
    let id: Option<RuleId> = name.parse().ok();
    let rows = all(store, organisation).await?;
    let row = rows.into_iter().find(|row| Some(row.id) == id || row.settings.name == name);
    Ok(row.ok_or_else(|| WrongUse(format!("there is no rule “{name}”")))?)
}

async fn list(store: &Store, wish: &Wish) -> anyhow::Result<Exit> {
    let rows = all(store, &wish.organisation).await?;
    let mut cells = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match wish.json {
            true => output::json(&api::body(row, 0))?,
            false => {
                let state = if row.settings.enabled { row.settings.mode.name() } else { "off" };
                let text = sentence::rule(Lang::English, &row.settings);
                cells.push(vec![at.to_string(), row.settings.name.clone(), state.into(), row.source.clone(), text]);
            }
        }
    }
    if !wish.json {
        output::table(&["", "NAME", "MODE", "FROM", "WHAT"], &cells)?;
    }
    Ok(if rows.is_empty() { Exit::No } else { Exit::Done })
}

async fn show(store: &Store, named: &Named) -> anyhow::Result<Exit> {
    let row = found(store, &named.name, &named.wish.organisation).await?;
    match named.wish.json {
        true => output::json(&api::body(&row, 0))?,
        false => {
            output::line(&format!("# {} ({}): {}", row.id, row.source, sentence::rule(Lang::English, &row.settings)))?;
            output::line(&toml::to_string(&row.settings).context("writing the rule")?)?;
        }
    }
    Ok(Exit::Done)
}

fn read(file: &std::path::Path) -> anyhow::Result<RuleSettings> {
    let text = std::fs::read_to_string(file).map_err(|why| WrongUse(format!("{}: {why}", file.display())))?;
    let rule: RuleSettings = toml::from_str(&text).map_err(|why| WrongUse(format!("{}: {}", file.display(), why.message())))?;
    let complaints = rule.complaints();
    if !complaints.is_empty() {
        return Err(WrongUse(format!("{}: {}", file.display(), complaints.join("; "))).into());
    }
    Ok(rule)
}

async fn put(store: &Store, write: &Write) -> anyhow::Result<Exit> {
    let settings = read(&write.file)?;
    let organisation = if write.wish.organisation.is_empty() { &settings.organisation } else { &write.wish.organisation };
    let OrgScope::One(org) = scope(store, organisation).await? else { return Ok(Exit::WrongUse) };
    let known = all(store, organisation).await?.into_iter().find(|row| row.settings.name == settings.name);
    let now_ms = output::now_ms();
    let (row, action) = match known {
        Some(known) => (RuleRow { settings, changed_ms: now_ms, ..known }, "rules.change"),
        None => {
            let id = RuleId(store.ids.next(now_ms));
            (RuleRow { id, org, settings, source: FROM_COMMAND.into(), changed_ms: now_ms }, "rules.add")
        }
    };
    save(store, row, action).await
}

async fn save(store: &Store, row: RuleRow, action: &'static str) -> anyhow::Result<Exit> {
    if row.is_of_file() {
        return Err(WrongUse(format!("rule “{}” stands in the settings file and is changed there", row.settings.name)).into());
    }
    let ids = store.ids.clone();
    let work = store.db.tx(move |tx| {
        Box::pin(async move {
            let done = sql::put(tx, &row).await?;
            if matches!(done, Put::Done) {
                audited(tx, &ids, Entry::new(Some(row.org), action, &row.settings.name)).await?;
            }
            Ok(done)
        })
    });
    let done: Result<Put, Error> = work.await;
    match done.context("storing the rule")? {
        Put::Done => Ok(Exit::Done),
        Put::NameTaken => Err(WrongUse("another rule has this name".into()).into()),
        Put::Full => Err(WrongUse(format!("an organisation has at most {} rules", gateway::rules::RULES_MAX)).into()),
    }
}

async fn switch(store: &Store, named: &Named, enabled: bool) -> anyhow::Result<Exit> {
    let mut row = found(store, &named.name, &named.wish.organisation).await?;
    row.settings.enabled = enabled;
    row.changed_ms = output::now_ms();
    save(store, row, "rules.change").await
}

async fn delete(store: &Store, named: &Named) -> anyhow::Result<Exit> {
    let row = found(store, &named.name, &named.wish.organisation).await?;
    let ids = store.ids.clone();
    let work = store.db.tx(move |tx| {
        Box::pin(async move {
            let is_gone = sql::delete(tx, OrgScope::One(row.org), row.id).await?;
            if is_gone {
                audited(tx, &ids, Entry::new(Some(row.org), "rules.delete", &row.settings.name)).await?;
            }
            Ok(is_gone)
        })
    });
    let gone: Result<bool, Error> = work.await;
    match gone.context("deleting the rule")? {
        true => Ok(Exit::Done),
        false => Err(WrongUse(format!("rule “{}” stands in the settings file and is removed there", named.name)).into()),
    }
}

async fn move_to(store: &Store, to: &Move) -> anyhow::Result<Exit> {
    let row = found(store, &to.name, &to.wish.organisation).await?;
    let (place, ids) = (to.place, store.ids.clone());
    let work = store.db.tx(move |tx| {
        Box::pin(async move {
            let moved = sql::move_to(tx, OrgScope::One(row.org), row.id, place).await?;
            if moved.is_some() {
                audited(tx, &ids, Entry::new(Some(row.org), "rules.move", &row.settings.name)).await?;
            }
            Ok(moved)
        })
    });
    let moved: Result<_, Error> = work.await;
    match moved.context("moving the rule")? {
        Some(place) if to.wish.json => output::json(&serde_json::json!({ "place": place })).map(|()| Exit::Done),
        Some(_) => Ok(Exit::Done),
        None => Err(WrongUse(format!("rule “{}” stands in the settings file; its place is given there", to.name)).into()),
    }
}

async fn try_on(store: &Store, test: &Test) -> anyhow::Result<Exit> {
    let OrgScope::One(org) = scope(store, &test.wish.organisation).await? else { return Ok(Exit::WrongUse) };
    let settings = match test.draft {
        true => read(std::path::Path::new(&test.name))?,
        false => found(store, &test.name, &test.wish.organisation).await?.settings,
    };
    let past = past(store, test, OrgScope::One(org)).await?;
    let watch = directory::Watch::open(store.db.clone(), Default::default()).await.context("reading the directory")?;
    let settings = RuleSettings { enabled: true, starts: String::new(), ends: String::new(), ..settings };
    let conditions: Vec<String> =
        settings.conditions.iter().chain(&settings.exceptions).map(|one| sentence::condition(Lang::English, one)).collect();
    let rule = Rule::new(RuleId(0), org, settings, "draft");
    let snapshot = watch.snapshot();
    let (done, tests) = evaluate_one(&rule, past.facts(&snapshot, org));
    let note = done.notes.into_iter().next().context("the rule was not evaluated")?;
    if test.wish.json {
        output::json(
            &serde_json::json!({ "outcome": note.outcome, "tests": tests, "actions": note.actions, "recipients": note.recipients, "why": note.why }),
        )?;
    } else {
        for (condition, evidence) in conditions.iter().zip(&tests) {
            let holds = evidence.holds.map_or("not known", |holds| if holds { "holds" } else { "does not hold" });
            let except = if evidence.is_exception { "except: " } else { "" };
            output::line(&output::printable_line(&format!("{except}{condition}: {holds} ({})", evidence.found)))?;
        }
        output::line(note.outcome.name())?;
    }
    Ok(if note.outcome == NoteOutcome::Matched { Exit::Done } else { Exit::No })
}

/// Octets read of a message file.
const MESSAGE_OCTETS_MAX: u64 = 100 << 20;

async fn past(store: &Store, test: &Test, scope: OrgScope) -> anyhow::Result<Past> {
    if let Some(mail) = test.mail {
        let read = store.db.read(move |tx| {
            Box::pin(async move {
                let receipt = trace::receipt_of(tx, scope, mail).await?;
                let body = if receipt.is_some() { queue::body_of(tx, mail).await? } else { None };
                Ok::<_, Error>((receipt, body))
            })
        });
        let (receipt, body) = read.await.context("reading the mail")?;
        let receipt = receipt.ok_or_else(|| WrongUse(format!("there is no mail {mail} in the trace of this organisation")))?;
        let receipt: Receipt = serde_json::from_str(&receipt).with_context(|| format!("reading the receipt of {mail}"))?;
        let octets = match body {
            Some((place, octets)) if place.is_empty() => Some(octets),
            Some((place, _)) => store.bodies.read(&place).await?,
            None => None,
        };
        return Ok(Past::of_receipt(&receipt, octets));
    }
    let Some(file) = &test.message else { return Err(WrongUse("name a mail with --mail or a message with --message".into()).into()) };
    Ok(Past::pasted(message(file)?, &test.from, &test.to, output::now_ms()))
}

fn message(file: &std::path::Path) -> anyhow::Result<Bytes> {
    use std::io::Read;
    let mut octets = Vec::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().lock().take(MESSAGE_OCTETS_MAX).read_to_end(&mut octets),
        false => std::fs::File::open(file).and_then(|opened| opened.take(MESSAGE_OCTETS_MAX).read_to_end(&mut octets)),
    };
    read.map_err(|why| WrongUse(format!("{}: {why}", file.display())))?;
    Ok(Bytes::from(octets))
}
