//! The command line: one file per command, thin over the feature it belongs to.

mod applying;
mod ask;
mod audit;
mod backup;
mod check;
mod community;
mod config;
mod directory;
mod directory_sync;
pub mod doctor;
mod eval;
mod explain;
mod feedback;
mod health;
mod migrate;
mod person;
mod phone;
mod quarantine;
mod removal;
mod replay;
mod request;
mod rule;
mod scan;
mod trace;
mod train;
mod troubleshoot;

use crate::output::{self, Exit};
use crate::settings::{self, Chosen};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use gateway::dkim::Seal;
use mail::id::IdMaker;
use std::path::PathBuf;
use std::sync::Arc;
use store::{Error, Tx};
use web::audit::{self as log, Entry};
use web::people::Person;

/// Email protection that an organisation runs itself, and that can say why.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, propagate_version = true, max_term_width = 100)]
pub struct Command {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    task: Task,
}

/// Where settings and data are.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Settings file; without one the defaults hold.
    #[arg(long, global = true, value_name = "FILE", env = "GATEPOST_CONFIG")]
    pub config: Option<PathBuf>,
    /// Data folder; default: gatepost-data here, or the demo's own.
    #[arg(long, global = true, value_name = "DIR", env = "GATEPOST_DATA")]
    data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run the service.
    Serve(crate::serve::Serve),
    /// Judge mail files, folders, mboxes or standard input.
    Scan(scan::Scan),
    /// Train a classifier model.
    Train(train::Train),
    /// Measure a model on labelled mail.
    Eval(eval::Eval),
    /// Find mails and refused connections, and see what happened to them.
    Trace(trace::Trace),
    /// Held mail: list, show, release, delete.
    Quarantine(quarantine::Quarantine),
    /// Take delivered mail out of mailboxes, and put it back.
    Removal(removal::Removal),
    /// Say what a mail is, see what that changes, take it back.
    Feedback(feedback::Feedback),
    /// From a complaint to the cause and what helps.
    Troubleshoot(troubleshoot::Troubleshoot),
    /// Explain a bounce, or a reply such as “550 5.7.1 …”.
    Bounce(troubleshoot::Bounce),
    /// Tell the story of one mail or refusal, with the reason.
    Explain(explain::Explain),
    /// Decide again about past mail with a draft policy, and list what would change.
    Replay(replay::Replay),
    /// Filter policies.
    Policy(directory::Policies),
    /// Domains served here.
    Domain(directory::Domains),
    /// Ways to next hops.
    Connector(directory::Connectors),
    /// Known recipients.
    Recipient(directory::Recipients),
    /// Directories that recipients and groups come from: list, try, sync, answer.
    Directory(directory_sync::Directories),
    /// Allow and block entries.
    Entry(directory::EntriesOf),
    /// How services are, by measurement.
    Health(health::Health),
    /// Issues of the service: list, show, say something.
    Incident(health::Incident),
    /// Serve the status pages that a server wrote to a folder, also when that server is dead.
    StatusSite(health::StatusSite),
    /// People who sign in: list, invite, role, deactivate, link.
    Person(person::Persons),
    /// Whom to call now; the phone directory as a table.
    Phone(phone::Phone),
    /// Service requests: list, show, open, reply, resolve, note, close, assign, severity, snooze, wake.
    Request(request::Requests),
    /// What was done by whom, for programs that keep it elsewhere.
    Audit(audit::Audit),
    /// Ask the assistant: it answers from the help, with the source.
    Ask(ask::Ask),
    /// Articles of the help.
    Article(ask::Articles),
    /// Questions of the community: list, show, take out.
    Community(community::Community),
    /// Mail flow rules.
    Rule(rule::Rules),
    /// Look at this installation itself, also when the service does not start; repair, or write a support bundle.
    Doctor(doctor::Doctor),
    /// Settings of Postfix, rspamd or SpamAssassin as a draft of ours.
    Migrate(migrate::Migrate),
    /// Copy everything into one file.
    Backup(backup::Backup),
    /// Put a copy back.
    Restore(backup::Restore),
    /// Settings.
    Config(config::Config),
}

/// Runs a command to its end.
pub fn run(command: Command) -> anyhow::Result<Exit> {
    let place = command.place;
    match command.task {
        Task::Serve(serve) => crate::serve::run(&place, serve),
        Task::Scan(scan) => scan::run(&place, scan),
        Task::Train(train) => train::run(train),
        Task::Eval(eval) => eval::run(eval),
        Task::Trace(trace) => trace::run(&place, trace),
        Task::Quarantine(quarantine) => quarantine::run(&place, quarantine),
        Task::Removal(removal) => removal::run(&place, removal),
        Task::Feedback(feedback) => feedback::run(&place, feedback),
        Task::Troubleshoot(asked) => troubleshoot::run(&place, asked),
        Task::Bounce(asked) => troubleshoot::bounce(asked),
        Task::Explain(explain) => explain::run(&place, explain),
        Task::Replay(replay) => replay::run(&place, replay),
        Task::Policy(policies) => directory::policies(&place, policies),
        Task::Domain(domains) => directory::domains(&place, domains),
        Task::Connector(connectors) => directory::connectors(&place, connectors),
        Task::Recipient(recipients) => directory::recipients(&place, recipients),
        Task::Directory(directories) => directory_sync::run(&place, directories),
        Task::Entry(entries) => directory::entries(&place, entries),
        Task::Health(health) => health::health(&place, health),
        Task::Incident(incident) => health::incident(&place, incident),
        Task::StatusSite(site) => health::status_site(&site),
        Task::Person(persons) => person::run(&place, persons),
        Task::Phone(phone) => phone::run(&place, phone),
        Task::Request(requests) => request::run(&place, requests),
        Task::Audit(asked) => audit::run(&place, asked),
        Task::Ask(asked) => ask::ask(&place, asked),
        Task::Community(community) => community::run(&place, community),
        Task::Article(articles) => ask::articles(articles),
        Task::Rule(rules) => rule::run(&place, rules),
        Task::Doctor(doctor) => doctor::run(&place, doctor),
        Task::Migrate(task) => migrate::run(&task),
        Task::Backup(task) => backup::take(&place, task),
        Task::Restore(task) => backup::restore(&place, task),
        Task::Config(config) => config::run(&place, config),
    }
}

impl Place {
    /// The data folder was named.
    pub fn names_data(&self) -> bool {
        self.data.is_some()
    }

    /// Settings and data folder. Commands that find no data folder here look where the demo keeps its own.
    pub fn chosen(&self) -> anyhow::Result<Chosen> {
        let settings = settings::read(self.config.as_deref())?;
        let data = self.data.clone().unwrap_or_else(|| PathBuf::from(DATA));
        Ok(Chosen { settings, data })
    }

    /// The same, for commands that work beside a server: the demo's folder when nothing else is named and there.
    pub fn existing(&self) -> anyhow::Result<Chosen> {
        let mut chosen = self.chosen()?;
        let demo = PathBuf::from(DEMO_DATA);
        if self.data.is_none() && self.config.is_none() && !chosen.data.exists() && demo.exists() {
            chosen.data = demo;
        }
        Ok(chosen)
    }
}

/// Data folder without `--data`.
pub const DATA: &str = "gatepost-data";
/// Data folder of `serve --demo` without `--data`.
pub const DEMO_DATA: &str = "gatepost-demo";

/// One thread is enough for a command that asks the database and ends.
pub fn wait<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// The key that seals secrets, where it was made already.
fn seal_there(chosen: &Chosen) -> anyhow::Result<Option<Arc<Seal>>> {
    let path = chosen.seal_file();
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Seal::open_file(&path).with_context(|| format!("opening the seal {}", path.display()))?)))
}

/// The line of the audit log for a change made here, in its transaction: by whoever sits at the machine.
async fn audited(tx: &mut Tx, ids: &IdMaker, entry: Entry) -> Result<(), Error> {
    let who = std::env::var("USER").unwrap_or_else(|_| "somebody".into());
    log::note(tx, &Person::at_the_machine(&who), ids, output::now_ms(), entry).await
}
