//! Evidence: what a request is about, frozen as text when it is opened, whatever becomes of the thing itself.
//!
//! In: a kind and an identifier, such as `mail` and `m…`, from a button on its page. Out: [`Evidence`]. Invariant: it is read as the person
//! who asks, so nobody attaches what they may not see. Not here: keeping it (`file`).

use super::model::Evidence;
use crate::App;
use crate::connector::sql as connector_sql;
use crate::health::issue::IssueId;
use crate::health::sql as health_sql;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use crate::trace::story;
use crate::troubleshoot::run;
use crate::troubleshoot::shown::{DiagnosisBody, Reader};
use serde_json::{Value, json};
use store::Error;

/// Pieces of evidence of one request.
pub const PIECES_MAX: usize = 10;
/// Octets of one piece.
const TEXT_OCTETS_MAX: usize = 1 << 20;
/// Characters of a pasted bounce or transcript.
pub const PASTED_CHARS_MAX: usize = 200_000;

/// What can be attached by name.
pub const SOURCES: [&str; 5] = ["mail", "held-mail", "issue", "connector", "diagnosis"];

/// A piece as pages name it: "mail:m…".
pub fn named(source: &str, id: &str) -> String {
    format!("{source}:{id}")
}

/// A short text of what a piece is about, for the form; the piece itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub evidence: Evidence,
    /// What stands in the title when nobody wrote one.
    pub about: String,
    /// Area that it points to.
    pub area: super::Area,
}

/// Reads a piece as `person`.
/// # Errors
/// [`Fault::NotFound`] when there is no such thing for them.
pub async fn read(app: &App, view: &View, person: &Person, name: &str) -> Result<Piece, Fault> {
    let (source, id) = name.split_once(':').ok_or(Fault::NotFound)?;
    let (about, area, body) = match source {
        "mail" | "held-mail" => mail(app, person, source, id).await?,
        "issue" => issue(app, view, person, id).await?,
        "connector" => connector(app, person, id).await?,
        "diagnosis" => diagnosis(app, view, person, id).await?,
        _ => return Err(Fault::NotFound),
    };
    let text = serde_json::to_string_pretty(&body).map_err(|why| Fault::Ours(why.to_string()))?;
    let evidence = Evidence {
        source: source.into(),
        source_id: id.into(),
        name: format!("{source}-{id}.json"),
        media: "application/json",
        text: cut(text),
    };
    Ok(Piece { evidence, about, area })
}

/// A text that somebody pasted or a program hands over: "bounce", "agent", "refusal".
pub fn pasted(source: &str, text: &str) -> Evidence {
    let text: String = text.chars().take(PASTED_CHARS_MAX).collect();
    let hidden = super::redact::hidden(&text).text;
    Evidence { source: source.into(), source_id: String::new(), name: format!("{source}.txt"), media: "text/plain", text: cut(hidden) }
}

fn cut(mut text: String) -> String {
    let at = (0..=text.len().min(TEXT_OCTETS_MAX)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(at);
    text
}

async fn mail(app: &App, person: &Person, source: &str, id: &str) -> Result<(String, super::Area, Value), Fault> {
    person.require(May::Trace)?;
    let story = story::read(app, person, id.parse().map_err(|_| Fault::NotFound)?).await?;
    let receipt: Value = serde_json::from_str(&story.receipt_json).unwrap_or_default();
    let body = json!({ "mail": story.row, "events": story.events, "receipt": receipt });
    let area = if source == "held-mail" { super::Area::Quarantine } else { super::Area::MailFlow };
    Ok((story.subject(), area, body))
}

async fn issue(app: &App, view: &View, person: &Person, id: &str) -> Result<(String, super::Area, Value), Fault> {
    let (id, scope): (IssueId, _) = (id.parse().map_err(|()| Fault::NotFound)?, person.scope());
    let found = app.db.read(move |tx| Box::pin(async move { health_sql::find(tx, scope, id).await })).await;
    let issue = found.map_err(|why: Error| Fault::from(why))?.ok_or(Fault::NotFound)?;
    let title = issue.body.title.in_lang(view.lang);
    let body = json!({
        "issue": id.to_string(), "title": title, "status": issue.status.name(), "is_open": issue.is_open, "started_ms": issue.started_ms,
        "updated_ms": issue.updated_ms, "impact": issue.body.impact.in_lang(view.lang), "workaround": issue.body.workaround.in_lang(view.lang),
    });
    Ok((title, super::Area::Health, body))
}

async fn connector(app: &App, person: &Person, name: &str) -> Result<(String, super::Area, Value), Fault> {
    person.require(May::ReadSettings)?;
    let (wanted, scope) = (name.to_string(), person.scope());
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let Some(named) = connector_sql::one(tx, scope, &wanted).await? else { return Ok(None) };
            let waiting = connector_sql::waiting(tx, named.org, &wanted).await?;
            Ok::<_, Error>(Some((named, waiting)))
        })
    });
    let (named, waiting) = found.await?.ok_or(Fault::NotFound)?;
    let mut settings = named.settings;
    settings.password = String::new();
    let body = json!({ "connector": settings, "source": named.source, "waiting": waiting, "at_ms": app.now_ms() });
    Ok((name.to_string(), super::Area::Connectors, body))
}

async fn diagnosis(app: &App, view: &View, person: &Person, id: &str) -> Result<(String, super::Area, Value), Fault> {
    let found = run::find(app, person, id).await?;
    let body = DiagnosisBody::of(Reader { lang: view.lang, person }, &found);
    let about = body.summary.clone();
    let body = serde_json::to_value(body).map_err(|why| Fault::Ours(why.to_string()))?;
    Ok((about, super::Area::MailFlow, body))
}
