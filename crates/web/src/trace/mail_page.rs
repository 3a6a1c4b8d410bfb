//! One mail's page and what can be done about it there.

use super::actions::{self, Queued};
use super::header_page::Analysis;
use super::hops::Hop;
use super::story::{self, AuthRow, FindingRow, Step, Story};
use crate::App;
use crate::page::{Fault, Page, Say, View, confirm, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use gateway::receipt::{self, Receipt};
use mail::message::Budget;
use mail::{MailId, Message};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "trace/templates/mail.html")]
struct MailPage<'a> {
    view: &'a View,
    story: &'a Story,
    receipt: Option<&'a Receipt>,
    subject: String,
    steps: Vec<Step>,
    verdict: String,
    spam_percent: String,
    phish_percent: String,
    strongest: Vec<FindingRow<'a>>,
    findings: Vec<FindingRow<'a>>,
    auth: Vec<AuthRow>,
    counterfactuals: Vec<String>,
    refusal: Vec<String>,
    outcomes: Vec<Outcome<'a>>,
    entries: Vec<(&'static str, &'static str, String)>,
    /// From the stored header, while it is kept.
    way: Option<Analysis>,
    /// What we know ourselves: taken, and each recipient settled.
    own_way: Vec<Hop>,
    mailboxes: crate::removal::Button,
}

/// What was decided for one recipient.
struct Outcome<'a> {
    address: &'a str,
    action: &'static str,
    policy: &'a str,
    considered: Vec<(String, bool, String)>,
}

/// Reasons named first.
const STRONGEST: usize = 3;

/// `GET /trace/{mail}`.
pub async fn mail(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::Trace)?;
    let story = story::read(&app, &person, known(&id)?).await?;
    let receipt = story.receipt.as_ref();
    let lang = view.lang.of_receipt();
    let percent = |p: f32| format!("{:.1} %", p * 100.0);
    let findings = receipt.map(|receipt| story::findings(receipt, &view)).unwrap_or_default();
    let way = way(&app, &view, &story).await?;
    let mailboxes = match story.row {
        Some(_) => crate::removal::Button::of(&app, &person, story.mail).await?,
        None => Default::default(),
    };
    show(&MailPage {
        view: &view,
        subject: story.subject(),
        steps: story.steps(&view),
        verdict: receipt.map(|receipt| receipt::class_words(receipt.verdict.class, lang).to_string()).unwrap_or_default(),
        spam_percent: receipt.map(|receipt| percent(receipt.verdict.spam_probability)).unwrap_or_default(),
        phish_percent: receipt.map(|receipt| percent(receipt.verdict.phish_probability)).unwrap_or_default(),
        strongest: receipt.map(|receipt| story::findings(receipt, &view).into_iter().take(STRONGEST).collect()).unwrap_or_default(),
        findings,
        auth: receipt.map(|receipt| story::authentication(&view, &receipt.auth)).unwrap_or_default(),
        counterfactuals: receipt.map(|receipt| receipt::counterfactuals(receipt, &app.thresholds, lang)).unwrap_or_default(),
        refusal: story.refusal(&view),
        outcomes: receipt.map(|receipt| outcomes(receipt, &view)).unwrap_or_default(),
        entries: entries(&story),
        own_way: story.own_way(),
        mailboxes,
        way,
        receipt,
        story: &story,
    })
}

/// `(icon, words key, path)` of what can be done about the sender.
fn entries(story: &Story) -> Vec<(&'static str, &'static str, String)> {
    let sender = story.sender();
    let href = |effect: &str| crate::quarantine::entry_href(effect, &sender, "");
    match sender.is_empty() {
        true => Vec::new(),
        false => vec![("checkmark-circle", "trace-allow-sender", href("allow")), ("prohibited", "trace-block-sender", href("block"))],
    }
}

/// Header octets are enough for the way a mail came.
const HEADER_OCTETS_MAX: usize = 256 << 10;

/// The way it came, read from the stored header; `None` when the octets are not kept any more. Only trace data, nothing of the content.
async fn way(app: &App, view: &View, story: &Story) -> Result<Option<Analysis>, Fault> {
    if story.row.is_none() {
        return Ok(None);
    }
    let Some(octets) = app.octets_of(story.mail).await? else { return Ok(None) };
    let end = octets
        .windows(4)
        .take(HEADER_OCTETS_MAX)
        .position(|four| four == b"\r\n\r\n")
        .map_or(octets.len().min(HEADER_OCTETS_MAX), |at| at + 4);
    let message = Message::parse(octets.slice(..end), &Budget::default());
    Ok(Some(Analysis::of(view, &message)))
}

fn outcomes<'a>(receipt: &'a Receipt, view: &View) -> Vec<Outcome<'a>> {
    let considered = |one: &gateway::policy::Considered| {
        (format!("{} {}", view.of_kind("considered", &one.kind), one.name), one.won, view.reason(&one.why))
    };
    let outcome = |one: &'a receipt::Decided| Outcome {
        address: &one.address,
        action: receipt::action_words(one.action, view.lang.of_receipt()),
        policy: &one.policy,
        considered: one.considered.iter().map(considered).collect(),
    };
    receipt.recipients.iter().map(outcome).collect()
}

/// An identifier that cannot be read is one that is not there.
fn known(id: &str) -> Result<MailId, Fault> {
    id.parse().map_err(|_| Fault::NotFound)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /trace/{mail}/retry`: what is deferred is tried now.
pub async fn retry(State(app): State<App>, person: Person, Path(id): Path<String>) -> Page {
    let mail = known(&id)?;
    let count = actions::on_queue(&app, &person, mail, Queued::Retry).await?;
    done(&format!("/trace/{mail}"), Say::new("trace-retried").with("count", count))
}

/// `POST /trace/{mail}/cancel`: what is queued is not delivered any more.
pub async fn cancel(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(Sure { sure }): Form<Sure>) -> Page {
    person.require(May::Release)?;
    let mail = known(&id)?;
    if sure.is_empty() {
        story::read(&app, &person, mail).await?; // nobody is asked about what is not there for them
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("trace-cancel"),
                text: Say::new("trace-cancel-sure"),
                button: "trace-cancel",
                action: format!("/trace/{mail}/cancel"),
                fields: Vec::new(),
                back: format!("/trace/{mail}"),
            },
        );
    }
    let count = actions::on_queue(&app, &person, mail, Queued::Cancel).await?;
    done(&format!("/trace/{mail}"), Say::new("trace-cancelled").with("count", count))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Word {
    label: String,
}

/// `POST /trace/{mail}/report`.
pub async fn report(State(app): State<App>, person: Person, Path(id): Path<String>, Form(Word { label }): Form<Word>) -> Page {
    let mail = known(&id)?;
    actions::report(&app, &person, mail, actions::label(&label)?).await?;
    done(&format!("/trace/{mail}"), Say::new("trace-reported"))
}

/// `GET /trace/{mail}/message.eml`.
pub async fn message(State(app): State<App>, person: Person, Path(id): Path<String>) -> Page {
    let mail = known(&id)?;
    let octets = actions::export(&app, &person, mail).await?;
    let headers = [
        // Not message/rfc822: some browsers would show it.
        (header::CONTENT_TYPE, "application/octet-stream".to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{mail}.eml\"")),
    ];
    Ok((headers, octets).into_response())
}
