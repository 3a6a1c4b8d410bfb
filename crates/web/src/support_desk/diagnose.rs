//! Running the troubleshooter for a request: its facts filled in, looked into under the consent of its organisation, the result put into the
//! conversation.
//!
//! In: a request, and a question that an engineer has read over. Out: a diagnosis of the organisation, made by whoever of support asked.
//! Invariants: it is made and read only under consents of this request for mails and settings, as those are what it looks at; only diagnoses
//! that were made for the request are read by it; nothing is applied: what mends it is for people of the organisation to do. Not here: the
//! troubleshooter (`crate::troubleshoot`).

use super::desk;
use super::work::WORD_CHARS_MAX;
use crate::App;
use crate::page::fault::Wrong;
use crate::page::words::{self, Lang};
use crate::page::{Fault, Say, View, time};
use crate::people::Person;
use crate::service_request::change::{self, At, Told, Word};
use crate::service_request::consent::{self, Wish};
use crate::service_request::{By, Event, Evidence, Request, See, Side, Via, What, file, sql as request_sql, sql_file};
use crate::troubleshoot::question::{Asked, PASTED_OCTETS_MAX};
use crate::troubleshoot::run::{self, Diagnosis, State};
use crate::troubleshoot::shown::{DiagnosisBody, Reader};
use crate::troubleshoot::symptom::Symptom;
use gateway::scope::OrgScope;
use mail::id::RequestId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;
use utoipa::ToSchema;

/// What a diagnosis looks at.
pub const NEEDS: [See; 2] = [See::Trace, See::Settings];

/// Whether all that a diagnosis looks at may be looked at for this request now.
pub async fn is_allowed(app: &App, person: &Person, id: RequestId) -> Result<bool, Fault> {
    let standing = consent::standing_for(app, person, desk(person)?, id).await?;
    Ok(NEEDS.iter().all(|see| standing.iter().any(|consent| consent.what.contains(see))))
}

/// The request with a question that says what is known from it.
/// # Errors
/// [`Fault::Conflict`] without the consents.
pub async fn asked_of(app: &App, view: &View, person: &Person, id: RequestId) -> Result<(Request, Asked), Fault> {
    let scope = desk(person)?;
    // What is filled in stands in the request; that it may be used is asked now, and noted when something is looked at.
    consent::lent(app, person, scope, Wish { request: id, sees: &NEEDS, path: None }).await?;
    let (request, pieces) = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let request = change::found(tx, scope, id).await?;
                let mut pieces = Vec::new();
                for file in sql_file::of_request(tx, scope, id, true).await? {
                    if !file.is_evidence {
                        continue;
                    }
                    let is_read = matches!(file.source.as_str(), "bounce" | "diagnosis") && file.octets <= PASTED_OCTETS_MAX as i64;
                    let text = if is_read { sql_file::octets(tx, file.id).await? } else { Vec::new() };
                    pieces.push(Piece { source: file.source, id: file.source_id, text: String::from_utf8_lossy(&text).into_owned() });
                }
                Ok::<_, Fault>((request, pieces))
            })
        })
        .await?;
    let directory = app.directory.snapshot();
    let domain = request.address.rsplit('@').next().and_then(mail::address::domain_to_ascii).unwrap_or_default();
    let is_theirs = directory.domain_named(&domain).is_some_and(|domain| domain.org == request.org);
    let asked = filled(view, &request, &pieces, is_theirs);
    Ok((request, asked))
}

/// Evidence of a request, as far as a question takes something from it.
struct Piece {
    source: String,
    id: String,
    text: String,
}

/// What a request says, as a question. `is_theirs`: the requester's address is one of the organisation's.
fn filled(view: &View, request: &Request, pieces: &[Piece], is_theirs: bool) -> Asked {
    let of = |sources: &[&str]| pieces.iter().find(|piece| sources.contains(&piece.source.as_str()));
    let mut asked = Asked {
        text: format!("{}\n{}", request.title, request.description),
        about: request.impact.since_ms.map(|at_ms| time::local_input(view, at_ms)).unwrap_or_default(),
        mail: of(&["mail", "held-mail"]).map(|piece| piece.id.clone()).unwrap_or_default(),
        connector: of(&["connector"]).map(|piece| piece.id.clone()).unwrap_or_default(),
        pasted: of(&["bounce"]).map(|piece| piece.text.clone()).unwrap_or_default(),
        ..Asked::default()
    };
    if let Some(before) = of(&["diagnosis"]) {
        let body: Value = serde_json::from_str(&before.text).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_string();
        (asked.sender, asked.recipient) = (text("sender"), text("recipient"));
        asked.symptom = Some(text("symptom")).filter(|name| name != Symptom::Unknown.name()).unwrap_or_default();
    }
    let is_named =
        asked.text.contains('@') || [&asked.mail, &asked.pasted, &asked.sender, &asked.recipient].iter().any(|one| !one.is_empty());
    if !is_named && is_theirs {
        // Nobody is named: it is the requester's own mail.
        match Symptom::read(&asked.text) {
            Symptom::NotDelivered | Symptom::Bounce => asked.sender.clone_from(&request.address),
            _ => asked.recipient.clone_from(&request.address),
        }
    }
    asked
}

/// Begins to look, and says so in the conversation; the name of the diagnosis, and a signal of its end.
/// # Errors
/// [`Fault::Invalid`] names fields of the question; [`Fault::Conflict`] without the consents.
pub async fn begin(
    app: &App,
    view: &View,
    person: &Person,
    (id, via, path): (RequestId, Via, &str),
    asked: &Asked,
) -> Result<(String, watch::Receiver<bool>), Fault> {
    let scope = desk(person)?;
    let lent = consent::lent(app, person, scope, Wish { request: id, sees: &NEEDS, path: Some(path) }).await?;
    let (diagnosis, ended) = run::begin(app, view, &lent, asked).await?;
    let (name, at) = (run::name_of(diagnosis), At::new(app, By::of(person, Side::Support, via)));
    let detail = json!({ "diagnosis": name });
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let request = change::found(tx, scope, id).await?;
                change::event(tx, &at, &request, What::Diagnosis, Told { detail, ..Told::default() }).await
            })
        })
        .await?;
    Ok((name, ended))
}

/// A diagnosis that was made for a request.
pub struct Found {
    pub request: Request,
    pub diagnosis: Diagnosis,
    /// As whom it is read.
    lent: Person,
}

impl Found {
    pub fn body(&self, lang: Lang) -> DiagnosisBody {
        DiagnosisBody::of(Reader { lang, person: &self.lent }, &self.diagnosis)
    }

    /// What can be sent to the requester: the result in their language, and where they find all of it.
    pub fn text(&self, app: &App) -> String {
        let lang = Lang::parse(&self.request.lang).unwrap_or_default();
        let place = app.link(&format!("/troubleshoot/{}", self.diagnosis.name()));
        let link = words::text(lang, "support-diagnosis-link", &[("what", place.as_str().into())]);
        let mut text: String = self.body(lang).as_text().chars().take(WORD_CHARS_MAX - link.chars().count() - 2).collect();
        text.push_str("\n\n");
        text + &link
    }
}

/// Reads one that was made for this request, under the consents that stand now.
/// # Errors
/// [`Fault::NotFound`] for any other diagnosis of the organisation; [`Fault::Conflict`] without the consents.
pub async fn find(app: &App, person: &Person, (id, name, path): (RequestId, &str, &str)) -> Result<Found, Fault> {
    let scope = desk(person)?;
    let wish = |path: Option<_>| Wish { request: id, sees: &NEEDS, path };
    let lent = consent::lent(app, person, scope, wish(None)).await?;
    let (request, events) = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let request = change::found(tx, scope, id).await?;
                let events = request_sql::events(tx, OrgScope::One(request.org), id, true).await?;
                Ok::<_, Fault>((request, events))
            })
        })
        .await?;
    if !made_for(&events).any(|made| made == name) {
        return Err(Fault::NotFound);
    }
    let diagnosis = run::find(app, &lent, name).await?;
    if diagnosis.state != State::Running {
        // While it runs there is nothing to see, and its page comes again every second.
        consent::lent(app, person, scope, wish(Some(path))).await?;
    }
    Ok(Found { request, diagnosis, lent })
}

/// Names of the diagnoses that were made for a request, in order.
pub fn made_for(events: &[Event]) -> impl Iterator<Item = &str> {
    events.iter().filter(|event| event.what == What::Diagnosis).filter_map(|event| event.detail["diagnosis"].as_str())
}

/// How a result is put into the conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DiagnosisWord {
    /// "reply": the requester reads it; "note": support alone, with all of the result as a file.
    pub verb: String,
    /// '': the result in words.
    pub body: String,
}

/// Puts the result into the conversation.
/// # Errors
/// [`Fault::Conflict`] while it runs, [`Fault::Invalid`] names the field.
pub async fn attach(app: &App, person: &Person, via: Via, (found, word): (&Found, DiagnosisWord)) -> Result<(), Fault> {
    let scope = desk(person)?;
    if found.diagnosis.state != State::Done {
        return Err(Fault::Conflict(Say::new("support-diagnosis-not-done")));
    }
    let body = if word.body.trim().is_empty() { found.text(app) } else { word.body.trim().to_string() };
    let invalid = |field, key| Fault::Invalid(vec![Wrong::new(field, key)]);
    if body.chars().count() > WORD_CHARS_MAX {
        return Err(invalid("body", "support-wrong-word"));
    }
    let evidence = evidence_of(found)?;
    let (at, id, verb) = (At::new(app, By::of(person, Side::Support, via)), found.request.id, word.verb);
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                match verb.as_str() {
                    "reply" => change::reply(tx, &at, scope, id, Word { body, ..Word::default() }).await.map(drop),
                    "note" => {
                        let said = change::remark(tx, &at, scope, id, &body).await?;
                        let request = change::found(tx, scope, id).await?;
                        file::keep_evidence(tx, &at, &request, (said, true), &evidence).await
                    }
                    _ => Err(Fault::Invalid(vec![Wrong::new("verb", "support-wrong-verb")])),
                }
            })
        })
        .await
}

fn evidence_of(found: &Found) -> Result<Evidence, Fault> {
    let name = found.diagnosis.name();
    let body = found.body(Lang::English);
    let text = serde_json::to_string_pretty(&body).map_err(|why| Fault::Ours(why.to_string()))?;
    Ok(Evidence {
        source: "diagnosis".into(),
        source_id: name.clone(),
        name: format!("diagnosis-{name}.json"),
        media: "application/json",
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service_request::{Area, Contact, Impact, Kind, Severity, State as Stands, Way};

    fn request(title: &str, description: &str) -> Request {
        Request {
            id: RequestId(1),
            org: mail::OrgId(1),
            requester: mail::PersonId(1),
            address: "alice@acme.example".into(),
            name: String::new(),
            title: title.into(),
            description: description.into(),
            kind: Kind::Technical,
            area: Area::MailFlow,
            severity: Severity::C,
            impact: Impact { since_ms: Some(1_795_442_700_000), ..Impact::default() },
            contact: Contact { way: Way::Web, number: String::new(), hours: String::new(), lang: String::new() },
            lang: "en".into(),
            state: Stands::Open,
            assignee: None,
            plan: 0,
            queue: String::new(),
            issue: String::new(),
            merged_into: None,
            solution: String::new(),
            probe: String::new(),
            secret: String::new(),
            told: 0,
            next_ms: 0,
            last_ms: 0,
        }
    }

    #[test]
    fn a_question_says_what_the_request_says() {
        let view = View::plain(Lang::English, 0);
        let piece = |source: &str, id: &str, text: &str| Piece { source: source.into(), id: id.into(), text: text.into() };
        let ask = |title: &str, pieces: &[Piece]| filled(&view, &request(title, "Since Monday."), pieces, true);
        let plain = ask("No mail arrives", &[]);
        assert_eq!((plain.recipient.as_str(), plain.sender.as_str()), ("alice@acme.example", ""), "the requester's own mail");
        assert_eq!((plain.text.as_str(), plain.about.as_str()), ("No mail arrives\nSince Monday.", "2026-11-23T14:05"));
        let sent = ask("The customer didn't get my offer", &[]);
        assert_eq!((sent.recipient.as_str(), sent.sender.as_str()), ("", "alice@acme.example"), "what they sent");
        let named = ask("Nothing comes from bank@bank.example", &[]);
        assert_eq!((named.recipient.as_str(), named.sender.as_str()), ("", ""), "the words name somebody");
        let of_mail = ask("It is held", &[piece("held-mail", "m0000000000001", ""), piece("connector", "main", "")]);
        assert_eq!((of_mail.mail.as_str(), of_mail.connector.as_str(), of_mail.recipient.as_str()), ("m0000000000001", "main", ""));
        let bounced = ask("It came back", &[piece("bounce", "", "550 5.1.1 no such user")]);
        assert_eq!((bounced.pasted.as_str(), bounced.recipient.as_str()), ("550 5.1.1 no such user", ""));
        let before = r#"{"symptom":"late","sender":"a@b.example","recipient":"alice@acme.example"}"#;
        let again = ask("Late", &[piece("diagnosis", "1f", before)]);
        assert_eq!((again.symptom.as_str(), again.sender.as_str()), ("late", "a@b.example"));
        let stranger = filled(&view, &request("No mail arrives", ""), &[], false);
        assert_eq!(stranger.recipient, "", "an address elsewhere says nothing about mail here");
    }
}
