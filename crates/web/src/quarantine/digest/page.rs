//! What stands behind the links of a digest, and one's own choice of how often digests come. Looking does nothing; forms do.
//!
//! Whoever follows a link may be a program that checks links, or somebody the letter was forwarded to: the page shows what the letter
//! said and nothing of the content.

use super::sql::{self, Link, Told};
use super::{Every, job};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::{Fault, Page, Say, View, show};
use crate::people::session::{self, Peer};
use crate::people::{May, Person, Role};
use crate::quarantine::decide::{self, Verb};
use crate::quarantine::{Powers, held, policy, powers, request};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::quarantine::api::HeldBody;
use mail::{MailId, OrgId, PersonId};
use serde::Deserialize;
use store::Error;

#[derive(Template)]
#[template(path = "quarantine/digest/templates/row.html")]
struct RowPage<'a> {
    view: &'a View,
    token: &'a str,
    held: &'a HeldBody,
    tone: &'static str,
    powers: Powers,
    reasons: Vec<held::Reason>,
    until_ms: i64,
    wrong: Option<Say>,
}

#[derive(Template)]
#[template(path = "quarantine/digest/templates/choice.html")]
struct ChoicePage<'a> {
    view: &'a View,
    action: String,
    address: &'a str,
    /// `(value, whether it is chosen)`; "" is as the organisation.
    every: Vec<(&'static str, bool)>,
    usual: &'static str,
    /// Whether its reader is signed in.
    is_inside: bool,
}

#[derive(Template)]
#[template(path = "quarantine/digest/templates/done.html")]
struct DonePage<'a> {
    view: &'a View,
    say: Say,
}

/// Somebody who holds a link: may what a person with this mailbox may, and no more.
fn holder(link: &Link, peer: &Peer) -> Person {
    Person {
        id: PersonId(0),
        org: Some(link.org),
        email: link.address.clone(),
        name: String::new(),
        role: Role::Person,
        may: vec![May::OwnQuarantine],
        lang: None,
        session: String::new(),
        ip: peer.ip.clone(),
    }
}

/// # Errors
/// [`Fault::Conflict`] when it does not hold, which is also what one that never was looks like.
async fn link_of(app: &App, token: &str) -> Result<Link, Fault> {
    let (digest, now_ms) = (session::digest(token), app.now_ms());
    let found: Result<Option<Link>, Error> = app.db.read(move |tx| Box::pin(async move { sql::link(tx, &digest, now_ms).await })).await;
    found?.ok_or_else(|| Fault::Conflict(Say::new("digest-link-over")))
}

/// `GET /digest/{token}`.
pub async fn open(State(app): State<App>, view: View, peer: Peer, Path(token): Path<String>) -> Page {
    let link = link_of(&app, &token).await?;
    let person = holder(&link, &peer);
    match link.row {
        Some(row) => row_page(&app, &view, &person, (&token, row, link.until_ms, None)).await,
        None => choice_page(&app, &view, (link.org, &link.address), (format!("/digest/{token}"), false)).await,
    }
}

/// The held row of a link, as long as it is held.
async fn held_row(app: &App, person: &Person, (mail, n): (MailId, i64)) -> Result<HeldBody, Fault> {
    let found = decide::held(app, person, mail, n).await;
    let held = found.map_err(|why| if why == Fault::NotFound { Fault::Conflict(Say::new("digest-not-held")) } else { why })?;
    // The row of a mail has one address for ever; a link for another is a mistake of ours.
    if held.recipient.eq_ignore_ascii_case(&person.email) { Ok(held) } else { Err(Fault::NotFound) }
}

async fn row_page(app: &App, view: &View, person: &Person, of: (&str, (MailId, i64), i64, Option<Say>)) -> Page {
    let (token, row, until_ms, wrong) = of;
    let held = held_row(app, person, row).await?;
    let rules = policy::rules(app, person).await?;
    let receipt = held::receipt(app, person, row.0).await?;
    show(&RowPage {
        view,
        token,
        tone: crate::trace::verdict_tone(&held.verdict),
        powers: powers(person, &held, &rules),
        reasons: held::reasons(&receipt, view),
        held: &held,
        until_ms,
        wrong,
    })
}

async fn choice_page(app: &App, view: &View, (org, address): (OrgId, &str), (action, is_inside): (String, bool)) -> Page {
    let wanted = address.to_string();
    let read: Result<(Option<Told>, super::Schedule), Error> =
        app.db.read(move |tx| Box::pin(async move { Ok((sql::told(tx, org, &wanted).await?, sql::schedule(tx, org).await?)) })).await;
    let (told, schedule) = read?;
    let chosen = told.and_then(|told| told.every).map_or("", Every::name);
    let options = std::iter::once("").chain(Every::ALL.map(Every::name));
    show(&ChoicePage {
        view,
        action,
        address,
        every: options.map(|name| (name, name == chosen)).collect(),
        usual: schedule.every.name(),
        is_inside,
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    verb: String,
    reason: String,
    every: String,
}

/// `POST /digest/{token}`: does what the link is for.
pub async fn act(State(app): State<App>, view: View, peer: Peer, Path(token): Path<String>, Form(sent): Form<Sent>) -> Page {
    let link = link_of(&app, &token).await?;
    let person = holder(&link, &peer);
    let Some((mail, n)) = link.row else {
        choose(&app, &person, link.org, &sent.every).await?;
        return show(&DonePage { view: &view, say: Say::new("digest-chosen") });
    };
    held_row(&app, &person, (mail, n)).await?;
    let say = match sent.verb.as_str() {
        "release" | "delete" => {
            let verb = if sent.verb == "release" { Verb::Release } else { Verb::Delete };
            let rules = policy::rules(&app, &person).await?;
            decide::one(&app, &person, ((mail, n), verb), &rules).await?;
            Say::new(if verb == Verb::Release { "digest-released" } else { "digest-deleted" })
        }
        "request" if sent.reason.trim().is_empty() => {
            let wrong = Some(Say::new("quarantine-reason-missing"));
            return row_page(&app, &view, &person, (&token, (mail, n), link.until_ms, wrong)).await;
        }
        "request" => {
            request::make(&app, &person, (mail, n), &sent.reason).await?;
            Say::new("quarantine-asked")
        }
        _ => return Err(Fault::Unreadable("verb is release, delete or request".into())),
    };
    show(&DonePage { view: &view, say })
}

async fn choose(app: &App, person: &Person, org: OrgId, every: &str) -> Result<(), Fault> {
    let every = match every {
        "" => None,
        name => Some(Every::parse(name).ok_or_else(|| Fault::Unreadable("every is off, 4h, daily or weekly".into()))?),
    };
    let (person, ids, now_ms) = (person.clone(), app.ids.clone(), app.now_ms());
    let chosen: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::choose(tx, (org, &person.email), every, now_ms).await?;
                let detail = serde_json::json!({ "every": every.map_or("", Every::name) });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(org), "digest.choose", &person.email).with(detail)).await
            })
        })
        .await;
    Ok(chosen?)
}

/// `GET /quarantine/mine/digest`.
pub async fn mine(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::OwnQuarantine)?;
    let Some(org) = person.org else { return Err(Fault::NotFound) };
    choice_page(&app, &view, (org, &person.email), ("/quarantine/mine/digest".into(), true)).await
}

/// `POST /quarantine/mine/digest`: chooses, or sends one now with everything that is held.
pub async fn choose_mine(State(app): State<App>, person: Person, Form(sent): Form<Sent>) -> Page {
    person.require(May::OwnQuarantine)?;
    let Some(org) = person.org else { return Err(Fault::NotFound) };
    if sent.verb != "send" {
        choose(&app, &person, org, &sent.every).await?;
        return crate::page::done("/quarantine/mine", Say::new("digest-chosen"));
    }
    let is_sent = send_now(&app, &person, org).await?;
    crate::page::done("/quarantine/mine", Say::new(if is_sent { "digest-sent" } else { "digest-nothing" }))
}

/// Everything that is held for them, whatever they were told before.
async fn send_now(app: &App, person: &Person, org: OrgId) -> Result<bool, Fault> {
    let (address, now_ms) = (person.email.clone(), app.now_ms());
    let begun: Result<Option<Told>, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::begin(tx, org, &address, now_ms).await?;
                let known = sql::told(tx, org, &address).await?;
                let Some(known) = known else { return Ok(None) };
                let anew = (0, known.sent_ms);
                Ok(sql::claim(tx, (org, &address), known, anew).await?.then_some(Told { told_ms: 0, ..known }))
            })
        })
        .await;
    let Some(told) = begun? else { return Ok(false) };
    let rules = policy::rules(app, person).await?;
    Ok(job::send(app, job::Due { org, address: person.email.clone(), told, rules, until_ms: now_ms + 1 }).await?)
}
