//! `gatepost health`, `gatepost incident`, `gatepost status-site`: how services are, what was said, and the pages without the rest.

use super::{Place, audited, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use crate::settings::Chosen;
use anyhow::Context;
use clap::{Args, Subcommand};
use gateway::connection::own_name;
use gateway::directory::load;
use gateway::health::{Level, Service, Status, sql as measured};
use gateway::scope::OrgScope;
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use store::{Error, Tx};
use web::audit::Entry;
use web::health::Text;
use web::health::hook::{self, Ground};
use web::health::issue::{Issue, IssueId, Post};
use web::health::site::{self, Source};
use web::health::sql::{self, Wanted};
use web::page::words::Lang;

/// Rows that a list prints.
const ROWS_MAX: usize = 500;

#[derive(Debug, Args)]
pub struct Health {
    #[command(subcommand)]
    verb: HealthVerb,
}

#[derive(Debug, Subcommand)]
enum HealthVerb {
    /// Every service that is not well; exit code 1 when there is one.
    List {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct Incident {
    #[command(subcommand)]
    verb: IncidentVerb,
}

#[derive(Debug, Subcommand)]
enum IncidentVerb {
    /// Issues, open ones first.
    List {
        /// Open ones only.
        #[arg(long)]
        open: bool,
        #[arg(long)]
        json: bool,
    },
    /// One issue with everything that was said.
    Show {
        /// Its number, EX….
        issue: String,
        #[arg(long)]
        json: bool,
    },
    /// Open an issue that no rule sees; prints its number.
    Open(Opening),
    /// Say something about an issue.
    Post {
        /// Its number, EX….
        issue: String,
        /// What to say, in English.
        #[arg(long)]
        text: String,
        /// The same in Chinese.
        #[arg(long, default_value = "")]
        text_zh: String,
        /// Status as Microsoft Graph spells it; what is measured as wrong cannot be called right.
        #[arg(long)]
        status: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Opening {
    /// What does not work: intake, filtering, delivery, quarantine, trace, admin, directory, connector:NAME.
    #[arg(long, required = true)]
    service: Vec<Service>,
    /// What it is called, in English.
    #[arg(long)]
    title: String,
    #[arg(long, default_value = "")]
    title_zh: String,
    /// What to say, in English.
    #[arg(long)]
    text: String,
    #[arg(long, default_value = "")]
    text_zh: String,
    /// What helps meanwhile, in English.
    #[arg(long, default_value = "")]
    workaround: String,
    #[arg(long, default_value = "")]
    workaround_zh: String,
    /// Status as Microsoft Graph spells it; default: investigating.
    #[arg(long)]
    status: Option<String>,
    /// An incident, not an advisory.
    #[arg(long)]
    incident: bool,
    /// Stays listed as a known issue until it is mended.
    #[arg(long)]
    known: bool,
    /// Name of the organisation that it is for; left out: everybody.
    #[arg(long)]
    organisation: Option<String>,
}

#[derive(Debug, Args)]
pub struct StatusSite {
    /// Folder that a server writes its status pages to.
    #[arg(long)]
    folder: PathBuf,
    /// Address to serve on.
    #[arg(long, default_value = "127.0.0.1:8026")]
    listen: SocketAddr,
}

pub fn health(place: &Place, health: Health) -> anyhow::Result<Exit> {
    let HealthVerb::List { json } = health.verb;
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        let states = store.db.read(|tx| Box::pin(async move { measured::all_states(tx).await })).await.context("reading states")?;
        if json {
            for ((org, service), state) in &states {
                output::json(&json!({
                    "org": org, "service": service.to_string(), "status": state.status.name(), "since_ms": state.since_ms,
                    "cause": state.cause, "what": state.what, "evidence": state.evidence,
                }))?;
            }
        } else {
            let mut rows: Vec<Vec<String>> = Service::SHARED
                .iter()
                .filter(|service| !states.keys().any(|(_, known)| known == *service))
                .map(|service| vec![service.to_string(), Status::ServiceOperational.name().into(), String::new(), String::new()])
                .collect();
            rows.extend(states.iter().map(|((org, service), state)| {
                let whose = if *org == 0 { "everybody".to_string() } else { format!("organisation {org}") };
                vec![service.to_string(), state.status.name().into(), whose, format!("{} {}", state.cause, state.what)]
            }));
            output::table(&["SERVICE", "STATUS", "FOR", "CAUSE"], &rows)?;
        }
        Ok(if states.values().any(|state| state.status.level() > Level::Advice) { Exit::No } else { Exit::Done })
    })
}

pub fn incident(place: &Place, incident: Incident) -> anyhow::Result<Exit> {
    wait(async {
        let chosen = place.existing()?;
        let store = open::for_command(&chosen).await?;
        match incident.verb {
            IncidentVerb::List { open, json } => list(&store, open, json).await,
            IncidentVerb::Show { issue, json } => show(&store, known(&issue)?, json).await,
            IncidentVerb::Open(opening) => begin(&chosen, &store, opening).await,
            IncidentVerb::Post { issue, text, text_zh, status } => {
                let status = status.as_deref().map(status_of).transpose()?;
                post(&chosen, &store, known(&issue)?, Saying { text: Text::written(&text, &text_zh), status }).await
            }
        }
    })
}

fn known(text: &str) -> anyhow::Result<IssueId> {
    text.parse().map_err(|()| WrongUse(format!("“{text}” is no number of an issue; they look like EX100001")).into())
}

fn status_of(name: &str) -> Result<Status, WrongUse> {
    Status::parse(name).ok_or_else(|| WrongUse(format!("“{name}” is no status")))
}

fn lang() -> Lang {
    std::env::var("LANG").ok().and_then(|lang| Lang::parse(&lang)).unwrap_or_default()
}

fn body(issue: &Issue) -> serde_json::Value {
    json!({
        "id": issue.id.to_string(), "org": issue.org, "cause": issue.cause, "what": issue.what, "status": issue.status.name(),
        "classification": issue.classification(), "is_open": issue.is_open, "is_measured": issue.is_measured,
        "title": issue.body.title.in_lang(Lang::English), "services": issue.body.services, "evidence": issue.body.evidence,
        "started_ms": issue.started_ms, "updated_ms": issue.updated_ms, "ended_ms": issue.ended_ms,
    })
}

async fn list(store: &Store, open: bool, json: bool) -> anyhow::Result<Exit> {
    let wanted = Wanted { open: open.then_some(true), rows_max: ROWS_MAX, ..Wanted::default() };
    let issues = store.db.read(move |tx| Box::pin(async move { sql::issues(tx, OrgScope::All, wanted).await })).await?;
    if json {
        issues.iter().map(body).try_for_each(|issue| output::json(&issue))?;
    } else {
        let row = |issue: &Issue| {
            let whose = if issue.org == 0 { "everybody".to_string() } else { format!("organisation {}", issue.org) };
            vec![issue.id.to_string(), issue.status.name().into(), whose, issue.body.title.in_lang(lang())]
        };
        output::table(&["ISSUE", "STATUS", "FOR", "TITLE"], &issues.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(if issues.is_empty() { Exit::No } else { Exit::Done })
}

async fn find(store: &Store, id: IssueId) -> anyhow::Result<Option<(Issue, Vec<Post>)>> {
    let read = store.db.read(move |tx| {
        Box::pin(async move {
            let Some(issue) = sql::find(tx, OrgScope::All, id).await? else { return Ok(None) };
            let posts = sql::posts(tx, id).await?;
            Ok::<_, Error>(Some((issue, posts)))
        })
    });
    Ok(read.await?)
}

async fn show(store: &Store, id: IssueId, json: bool) -> anyhow::Result<Exit> {
    let Some((issue, posts)) = find(store, id).await? else {
        eprintln!("There is no issue {id}.");
        return Ok(Exit::No);
    };
    if json {
        let said: Vec<_> =
            posts.iter().map(|post| json!({ "at_ms": post.at_ms, "who": post.who, "text": post.text.in_lang(Lang::English) })).collect();
        let mut body = body(&issue);
        body["posts"] = json!(said);
        output::json(&body)?;
        return Ok(Exit::Done);
    }
    output::line(&format!("{} {} ({})", issue.id, issue.body.title.in_lang(lang()), issue.status.name()))?;
    output::line(&issue.body.impact.in_lang(lang()))?;
    for (name, value) in &issue.body.evidence.numbers {
        output::line(&format!("  {name} = {value}"))?;
    }
    for post in &posts {
        let who = if post.who.is_empty() { "rule" } else { &post.who };
        output::line(&format!("{}  {who}: {}", web::page::time::rfc3339(post.at_ms), post.text.in_lang(lang())))?;
    }
    Ok(Exit::Done)
}

/// What is said about an issue, and the status it is given.
struct Saying {
    text: Text,
    status: Option<Status>,
}

/// What became of it.
enum Said {
    Done,
    Unknown,
    /// Measured as this.
    Measured(Status),
}

async fn ground(chosen: &Chosen, store: &Store) -> anyhow::Result<Ground> {
    let directory = store.db.read(|tx| Box::pin(async move { load(tx, &Default::default(), &Default::default()).await })).await;
    let settings = &chosen.settings;
    Ok(Ground {
        ids: store.ids.clone(),
        directory: Arc::new(directory.context("reading the directory")?),
        url: settings.web.url.clone(),
        hostname: own_name(&settings.listen),
        letters_through: settings.health.letters_through.clone(),
    })
}

/// Opens an issue and tells of it, as the page would.
async fn begin(chosen: &Chosen, store: &Store, opening: Opening) -> anyhow::Result<Exit> {
    let ground = ground(chosen, store).await?;
    let now_ms = output::now_ms();
    let mut issue = Issue::by_person(opening.service, now_ms);
    if let Some(name) = &opening.organisation {
        let found = ground.directory.organisation_named(name);
        issue.org = found.ok_or_else(|| WrongUse(format!("there is no organisation named “{name}”")))?.id.0;
    }
    if let Some(status) = &opening.status {
        issue.status = Some(status_of(status)?)
            .filter(|status| issue.may_become(*status))
            .ok_or_else(|| WrongUse(format!("“{status}” is no status that an issue begins with")))?;
    }
    (issue.is_incident, issue.is_known) = (opening.incident, opening.known);
    issue.body.title = Text::written(&opening.title, &opening.title_zh);
    issue.body.workaround = Text::written(&opening.workaround, &opening.workaround_zh);
    let text = Text::written(&opening.text, &opening.text_zh);
    if issue.body.title.is_empty() || [&issue.body.title, &issue.body.workaround, &text].iter().any(|text| text.is_too_long()) {
        return Err(WrongUse("a title is needed, and no text may be longer than 8000 characters".into()).into());
    }
    issue.touched(now_ms);
    let post = by_command(&ground, &issue, text, now_ms);
    let id = store.db.tx(move |tx| {
        Box::pin(async move {
            let (org, status) = (Some(mail::OrgId(issue.org)).filter(|org| org.0 != 0), issue.status);
            let id = hook::say(tx, &ground, issue, post).await?;
            audited(tx, &ground.ids, Entry::new(org, "health.open", id).with(json!({ "status": status.name() }))).await?;
            Ok::<_, Error>(id)
        })
    });
    output::line(&id.await.context("opening it")?.to_string())?;
    Ok(Exit::Done)
}

fn by_command(ground: &Ground, issue: &Issue, text: Text, now_ms: i64) -> Post {
    let (id, status) = (ground.ids.next(now_ms), Some(issue.status));
    Post { id, at_ms: now_ms, kind: "regular".into(), status, who: "command line".into(), text }
}

/// Says it as the page would: the running server sends what tells of it, and rings.
async fn post(chosen: &Chosen, store: &Store, id: IssueId, saying: Saying) -> anyhow::Result<Exit> {
    let ground = ground(chosen, store).await?;
    let wanted = saying.status;
    let said = store.db.tx(move |tx| Box::pin(async move { said(tx, &ground, id, saying).await })).await.context("saying it")?;
    match (said, wanted) {
        (Said::Measured(is), Some(wanted)) => {
            Err(WrongUse(format!("{id} is measured as {}; it cannot be called {}", is.name(), wanted.name())).into())
        }
        (Said::Unknown, _) => {
            eprintln!("There is no issue {id}.");
            Ok(Exit::No)
        }
        _ => Ok(Exit::Done),
    }
}

async fn said(tx: &mut Tx, ground: &Ground, id: IssueId, saying: Saying) -> Result<Said, Error> {
    let Some(mut issue) = sql::find(tx, OrgScope::All, id).await? else { return Ok(Said::Unknown) };
    if let Some(status) = saying.status.filter(|status| *status != issue.status) {
        if !issue.may_become(status) {
            return Ok(Said::Measured(issue.status));
        }
        issue.status = status;
    }
    let now_ms = output::now_ms();
    issue.touched(now_ms);
    let said = by_command(ground, &issue, saying.text, now_ms);
    let org = Some(mail::OrgId(issue.org)).filter(|org| org.0 != 0);
    let entry = Entry::new(org, "health.publish", id).with(json!({ "status": issue.status.name() }));
    hook::say(tx, ground, issue, said).await?;
    audited(tx, &ground.ids, entry).await?;
    Ok(Said::Done)
}

/// Serves the pages of a folder until it is stopped: beside a server that may be dead.
pub fn status_site(site: &StatusSite) -> anyhow::Result<Exit> {
    let bound = site::serve(Source::Folder(site.folder.clone()), &[site.listen], None)?;
    for address in bound {
        output::line(&format!("status on http://{address}/"))?;
    }
    wait(async { Ok(tokio::signal::ctrl_c().await?) })?;
    Ok(Exit::Done)
}
