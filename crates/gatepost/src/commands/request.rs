//! `gatepost request`: service requests, as somebody of support at the machine. Works beside a running server; letters go out by it.

use super::{Place, wait};
use crate::open;
use crate::output::{self, Exit, WrongUse};
use crate::serve::for_command;
use anyhow::Context;
use clap::{Args, Subcommand};
use gateway::scope::OrgScope;
use mail::id::RequestId;
use std::io::Read;
use store::Error;
use web::App;
use web::page::Fault;
use web::page::words::Lang;
use web::people::{May, Person, sql as people_sql};
use web::service_request::api::{RequestWhole, ServiceRequestBody};
use web::service_request::detail::{self, Whole};
use web::service_request::form::NewServiceRequest;
use web::service_request::page::{listed, make, which};
use web::service_request::{Reader, Request, Side, Via, change, silence};
use web::support_desk::work::{self, WorkAction};

/// Octets of words that are read from standard input.
const WORDS_OCTETS_MAX: u64 = 1 << 20;

#[derive(Debug, Args)]
pub struct Requests {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Requests that are not closed, the ones that changed last first.
    List {
        /// Words to find requests by, closed ones as well; or a number.
        #[arg(default_value = "")]
        find: String,
        /// “waiting” for support, or “closed”.
        #[arg(long, default_value = "")]
        show: String,
        #[arg(long)]
        json: bool,
    },
    /// One request: what was said, files, what support may see.
    Show {
        request: RequestId,
        #[arg(long)]
        json: bool,
    },
    /// Open a request for somebody who may ask for their organisation.
    Open {
        title: String,
        /// Address of whoever asks.
        #[arg(long)]
        by: String,
        /// “-” reads standard input.
        #[arg(long)]
        description: String,
        /// a, b or c.
        #[arg(long, default_value = "c")]
        severity: String,
        /// Such as mail-flow or filtering.
        #[arg(long, default_value = "other")]
        area: String,
        #[arg(long)]
        json: bool,
    },
    /// Answer it; the requester gets a letter.
    Reply(Words),
    /// Answer it as what solves it; the requester is asked to confirm.
    Resolve(Words),
    /// Keep an internal note.
    Note(Words),
    /// Close it because its requester said so, on the telephone for example. Nothing else closes a request but the rule of silence.
    Close {
        request: RequestId,
        /// Address of whoever said that it is solved: the requester, somebody in copy, or somebody who may ask for the organisation.
        #[arg(long)]
        by: String,
        #[arg(long)]
        json: bool,
    },
    /// Give it to somebody of support.
    Assign {
        request: RequestId,
        /// Their address; “nobody” takes it from whoever has it.
        to: String,
        #[arg(long)]
        json: bool,
    },
    /// Another severity.
    Severity {
        request: RequestId,
        /// a, b or c.
        severity: String,
        /// Needed when it becomes less severe; the requester reads it.
        #[arg(long, default_value = "")]
        why: String,
        #[arg(long)]
        json: bool,
    },
    /// Put it aside until a moment, 4h, 1d, 7d, or “reply”.
    Snooze {
        request: RequestId,
        #[arg(default_value = "reply")]
        until: String,
        #[arg(long)]
        json: bool,
    },
    /// Take it back into the queue.
    Wake {
        request: RequestId,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct Words {
    request: RequestId,
    /// “-” reads standard input.
    text: String,
    #[arg(long)]
    json: bool,
}

pub fn run(place: &Place, requests: Requests) -> anyhow::Result<Exit> {
    wait(async {
        let chosen = place.existing()?;
        let store = open::for_command(&chosen).await?;
        let app = for_command(&chosen, &store).await?;
        let user = std::env::var("USER").unwrap_or_else(|_| "somebody".into());
        told(done(&app, &Person::at_the_machine(&user), requests.verb).await)
    })
}

/// What a command came to; a fault is said in words.
type Done = anyhow::Result<Result<Exit, Fault>>;

fn told(done: Done) -> anyhow::Result<Exit> {
    match done? {
        Ok(exit) => Ok(exit),
        Err(Fault::Invalid(wrong)) => {
            let said: Vec<String> = wrong.iter().map(|one| format!("{}: {}", one.field, one.say.in_lang(Lang::English))).collect();
            Err(WrongUse(said.join("; ")).into())
        }
        Err(Fault::NotFound) => Err(WrongUse("there is no such request".into()).into()),
        Err(Fault::Conflict(say)) => {
            eprintln!("gatepost: {}", say.in_lang(Lang::English));
            Ok(Exit::No)
        }
        Err(Fault::Ours(why)) => Err(anyhow::anyhow!(why)),
        Err(other) => Err(WrongUse(other.to_string()).into()),
    }
}

async fn done(app: &App, person: &Person, verb: Verb) -> Done {
    let act = |verb: &str| WorkAction { verb: verb.into(), ..WorkAction::default() };
    match verb {
        Verb::List { find, show, json } => list(app, person, (find.as_str(), show.as_str()), json).await,
        Verb::Show { request, json } => show(app, person, request, json).await,
        Verb::Open { title, by, description, severity, area, json } => {
            let typed = NewServiceRequest { title, description: text(&description)?, severity, area, ..NewServiceRequest::default() };
            opened(app, person, (by.as_str(), typed), json).await
        }
        Verb::Reply(words) => worked(app, person, words.request, WorkAction { body: text(&words.text)?, ..act("reply") }, words.json).await,
        Verb::Note(words) => worked(app, person, words.request, WorkAction { body: text(&words.text)?, ..act("note") }, words.json).await,
        Verb::Resolve(words) => {
            let action = WorkAction { body: text(&words.text)?, then: "resolved".into(), ..act("reply") };
            worked(app, person, words.request, action, words.json).await
        }
        Verb::Close { request, by, json } => match closed(app, (request, by.as_str())).await {
            Ok(()) => show(app, person, request, json).await,
            Err(fault) => Ok(Err(fault)),
        },
        Verb::Assign { request, to, json } => {
            let whom = match to.as_str() {
                "nobody" => String::new(),
                address => match named(app, address).await {
                    Ok(found) => found.id.to_string(),
                    Err(fault) => return Ok(Err(fault)),
                },
            };
            worked(app, person, request, WorkAction { person: whom, ..act("assign") }, json).await
        }
        Verb::Severity { request, severity, why, json } => {
            worked(app, person, request, WorkAction { severity, body: why, ..act("severity") }, json).await
        }
        Verb::Snooze { request, until, json } => worked(app, person, request, WorkAction { until, ..act("snooze") }, json).await,
        Verb::Wake { request, json } => worked(app, person, request, act("wake"), json).await,
    }
}

/// Words of the command, or those on standard input.
fn text(given: &str) -> anyhow::Result<String> {
    if given != "-" {
        return Ok(given.to_string());
    }
    let mut read = String::new();
    std::io::stdin().lock().take(WORDS_OCTETS_MAX).read_to_string(&mut read).context("reading standard input")?;
    Ok(read)
}

async fn list(app: &App, person: &Person, (find, shown): (&str, &str), json: bool) -> Done {
    let found = async {
        let reader = Reader::of(person)?;
        listed(app, reader, (which(reader, person, shown, "")?, find)).await
    };
    let (rows, is_more) = match found.await {
        Ok(found) => found,
        Err(fault) => return Ok(Err(fault)),
    };
    match json {
        true => rows.iter().try_for_each(|row| output::json(&ServiceRequestBody::of(row)))?,
        false => {
            let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
            output::table(&["LAST", "ID", "SEVERITY", "STATE", "NEXT", "REQUESTER", "TITLE"], &cells)?;
        }
    }
    if is_more {
        eprintln!("Not complete: name words to find requests by.");
    }
    Ok(Ok(if rows.is_empty() { Exit::No } else { Exit::Done }))
}

fn cells(request: &Request) -> Vec<String> {
    vec![
        output::time(request.last_ms),
        request.id.to_string(),
        request.severity.name().to_uppercase(),
        request.state.name().into(),
        request.state.ball().name().into(),
        request.shown().into(),
        request.title.clone(),
    ]
}

async fn show(app: &App, person: &Person, id: RequestId, json: bool) -> Done {
    let whole = match detail::whole(app, person, &id.to_string()).await {
        Ok(whole) => whole,
        Err(fault) => return Ok(Err(fault)),
    };
    match json {
        true => output::json(&RequestWhole::of(&whole, output::now_ms()))?,
        false => print(&whole)?,
    }
    Ok(Ok(Exit::Done))
}

fn print(whole: &Whole) -> anyhow::Result<()> {
    let request = &whole.request;
    let line = |text: String| text.lines().try_for_each(|line| output::line(&output::printable_line(line)));
    line(format!("{}  {}", request.id, request.title))?;
    line(format!(
        "{}, severity {}, next: {}; {} <{}>, {}",
        request.state.name(),
        request.severity.name().to_uppercase(),
        request.state.ball().name(),
        request.shown(),
        request.address,
        output::time(request.at_ms())
    ))?;
    if let Some(closes_ms) = silence::closes_ms(request) {
        line(format!("closed without a word on {}", output::time(closes_ms)))?;
    }
    line(format!("\n{}", request.description))?;
    for event in &whole.events {
        let mark = if event.is_internal { " (internal)" } else { "" };
        line(format!("\n{}  {}  {}{mark}", output::time(event.at_ms), event.what.name(), event.who))?;
        line(event.body.clone())?;
    }
    whole.files.iter().try_for_each(|file| line(format!("\n{}  {}  {} octets", file.id, file.name, file.octets)))
}

async fn worked(app: &App, person: &Person, id: RequestId, action: WorkAction, json: bool) -> Done {
    match work::act(app, person, Via::Api, (id, action)).await {
        Ok(()) => show(app, person, id, json).await,
        Err(fault) => Ok(Err(fault)),
    }
}

/// Somebody who signs in, by address.
async fn named(app: &App, address: &str) -> Result<Person, Fault> {
    let key = mail::Address::parse(address).map_err(|_| Fault::Unreadable(format!("“{address}” is not an address")))?.key();
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { people_sql::by_email(tx, &key).await })).await;
    found?.ok_or_else(|| Fault::Unreadable(format!("there is nobody with the address {address}")))
}

async fn opened(app: &App, person: &Person, (by, typed): (&str, NewServiceRequest), json: bool) -> Done {
    let made = async {
        let asks = named(app, by).await?;
        asks.require(May::Requests)?;
        let view = web::page::View::plain(asks.lang.unwrap_or_default(), output::now_ms());
        let checked = typed.checked(&view, &asks, asks.acting_org()?).map_err(Fault::Invalid)?;
        make(app, &asks, Via::Phone, (checked, Vec::new())).await
    };
    match made.await {
        Ok(id) => show(app, person, id, json).await,
        Err(fault) => Ok(Err(fault)),
    }
}

/// The requester's yes, noted for them.
async fn closed(app: &App, (id, by): (RequestId, &str)) -> Result<(), Fault> {
    let who = named(app, by).await.ok();
    let address = mail::Address::parse(by).map_err(|_| Fault::Unreadable(format!("“{by}” is not an address")))?.key();
    let app_ = app.clone();
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let request = change::found(tx, OrgScope::All, id).await?;
                let scope = OrgScope::One(request.org);
                let copies = web::service_request::sql::copies(tx, scope, id).await?;
                let is_theirs = address.eq_ignore_ascii_case(&request.address)
                    || copies.iter().any(|copy| copy.eq_ignore_ascii_case(&address))
                    || who.as_ref().is_some_and(|who| who.home == Some(request.org) && who.may(May::Requests));
                if !is_theirs {
                    return Err(Fault::Unreadable(format!("{address} has no part in this request")));
                }
                let by = web::service_request::By {
                    side: Side::Requester,
                    via: Via::Phone,
                    person: who.as_ref().map_or(mail::PersonId(0), |who| who.id),
                    address,
                    name: who.map(|who| who.name).unwrap_or_default(),
                    ip: String::new(),
                    token: None,
                };
                let at = change::At::new(&app_, by);
                change::change_state(tx, &at, scope, id, web::service_request::State::Closed).await
            })
        })
        .await
}
