//! One mail's page and what can be done about it there.

use super::story::{self, AuthRow, FindingRow, Step, Story};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::{Fault, Page, Say, View, confirm, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use gateway::feedback::Report;
use gateway::queue;
use gateway::receipt::{self, Receipt};
use mail::MailId;
use serde::Deserialize;
use store::Error;

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
    allow_sender: String,
    block_sender: String,
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
    let entry = |effect: &str| {
        let pair = crate::page::guard::form_pair;
        format!("/entries/new?{}&{}&{}", pair("effect", effect), pair("kind", "address"), pair("value", &story.sender()))
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
        auth: receipt.map(story::authentication).unwrap_or_default(),
        counterfactuals: receipt.map(|receipt| receipt::counterfactuals(receipt, &app.thresholds, lang)).unwrap_or_default(),
        refusal: story.refusal(&view),
        outcomes: receipt.map(|receipt| outcomes(receipt, &view)).unwrap_or_default(),
        allow_sender: entry("allow"),
        block_sender: entry("block"),
        receipt,
        story: &story,
    })
}

fn outcomes<'a>(receipt: &'a Receipt, view: &View) -> Vec<Outcome<'a>> {
    let considered = |one: &gateway::policy::Considered| {
        let why = format!(
            "why-{}",
            one.why.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect::<String>()
        );
        // Reasons are stored as English sentences; a sentence of another version is shown as it is.
        let text = if crate::page::words::has(view.lang, &why) { view.t(&why) } else { one.why.clone() };
        (format!("{} {}", view.of_kind("considered", &one.kind), one.name), one.won, text)
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
    person.require(May::Trace)?;
    let (mail, ids, now_ms) = (known(&id)?, app.ids.clone(), app.now_ms());
    let done_for = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let done = queue::retry_now(tx, person.scope(), mail, now_ms, &ids).await?;
                audit::note(tx, &person, &ids, now_ms, Entry::new(person.org, "trace.retry", mail)).await?;
                Ok::<_, Error>(done.len())
            })
        })
        .await?;
    if done_for == 0 {
        return Err(Fault::Conflict(Say::new("trace-nothing-queued")));
    }
    done(&format!("/trace/{mail}"), Say::new("trace-retried").with("count", done_for))
}

/// `POST /trace/{mail}/cancel`: what is queued is not delivered any more.
pub async fn cancel(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(Sure { sure }): Form<Sure>) -> Page {
    person.require(May::Release)?;
    let mail = known(&id)?;
    if sure.is_empty() {
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
    let (ids, now_ms) = (app.ids.clone(), app.now_ms());
    let ended = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let ended = queue::cancel(tx, person.scope(), mail, now_ms, &ids).await?;
                audit::note(tx, &person, &ids, now_ms, Entry::new(person.org, "trace.cancel", mail)).await?;
                Ok::<_, Error>(ended.len())
            })
        })
        .await?;
    if ended == 0 {
        return Err(Fault::Conflict(Say::new("trace-nothing-queued")));
    }
    done(&format!("/trace/{mail}"), Say::new("trace-cancelled").with("count", ended))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Word {
    label: String,
}

/// `POST /trace/{mail}/report`: this person says what it is; the filter learns. While the octets are there.
pub async fn report(State(app): State<App>, person: Person, Path(id): Path<String>, Form(Word { label }): Form<Word>) -> Page {
    person.require(May::Release)?;
    let mail = known(&id)?;
    let label = match label.as_str() {
        "good" => detect::classify::Label::Ham,
        "junk" => detect::classify::Label::Spam,
        "phish" => detect::classify::Label::Phish,
        _ => return Err(Fault::Unreadable("label is good, junk or phish".into())),
    };
    let story = story::read(&app, &person, mail).await?;
    let org = story.row.as_ref().map(|row| row.org).ok_or(Fault::NotFound)?;
    let octets = app.octets_of(mail).await?.ok_or_else(|| Fault::Conflict(Say::new("trace-octets-gone")))?;
    let report = Report { org, reporter: person.email.clone(), label, octets, now_ms: app.now_ms() };
    app.feedback.take(report).await.map_err(|why| Fault::Ours(why.to_string()))?;
    note(&app, person, Entry::new(Some(org), "trace.report", mail)).await?;
    done(&format!("/trace/{mail}"), Say::new("trace-reported"))
}

/// `GET /trace/{mail}/message.eml`: the message as it would be sent on. Reading it is written down.
pub async fn message(State(app): State<App>, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::ReadMail)?;
    let mail = known(&id)?;
    let story = story::read(&app, &person, mail).await?;
    let octets = app.octets_of(mail).await?.ok_or_else(|| Fault::Conflict(Say::new("trace-octets-gone")))?;
    note(&app, person, Entry::new(story.row.map(|row| row.org), "trace.export", mail)).await?;
    let headers = [
        // Not message/rfc822: some browsers would show it.
        (header::CONTENT_TYPE, "application/octet-stream".to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{mail}.eml\"")),
    ];
    Ok((headers, octets).into_response())
}

async fn note(app: &App, person: Person, entry: Entry) -> Result<(), Fault> {
    let (ids, now_ms) = (app.ids.clone(), app.now_ms());
    let noted = app.db.tx(move |tx| Box::pin(async move { audit::note(tx, &person, &ids, now_ms, entry).await }));
    Ok(noted.await?)
}
