//! Asking for another look: a reason, an address to answer to, and a secret link that shows what became of it.
//!
//! Invariants: at most one open ask about a refusal; limits by refusal, by domain and by organisation stand in the transaction that adds;
//! the letter to the contact holds nothing that the asker wrote, so that it is no way to send words to strangers.

use super::sql::{self, Counts, SecondLook, Secrets, State};
use super::told::Found;
use super::{Turn, WORDS_CHARS_MAX, code};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::words::Lang;
use crate::page::{Fault, Say};
use crate::people::limit;
use crate::people::session::{self, Peer, Token};
use gateway::queue::letter::{self, Letter};
use mail::id::SecondLookId;
use mail::{Address, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Error;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Asks about one refusal in all, whatever became of them.
const OF_REFUSAL_MAX: i64 = 3;
/// Asks of one organisation in a day, and of one sender domain among them.
const OF_ORG_DAY_MAX: i64 = 100;
const OF_DOMAIN_DAY_MAX: i64 = 5;
/// Asks that wait for one organisation.
const OPEN_MAX: i64 = 500;

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AskedLook {
    /// The address that the mail was sent from, its domain, or the IP address that sent it.
    pub from: String,
    /// Why it should have been taken.
    pub why: String,
    /// A mail address to answer to.
    pub contact: String,
}

/// An ask that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub id: SecondLookId,
    /// The secret end of the link.
    pub token: String,
}

/// Asks.
/// # Errors
/// [`Fault::Invalid`] names wrong fields, [`Fault::Conflict`] says why nobody can be asked (again), [`Fault::TooMany`] to wait.
pub async fn make(app: &App, (peer, lang): (&Peer, Lang), found: &Found, asked: &AskedLook) -> Result<Made, Fault> {
    let (why, contact) = checked(found, asked).map_err(Fault::Invalid)?;
    if !found.told(app, &asked.from).can_ask {
        return Err(Fault::Conflict(Say::new("desk-nobody-to-ask")));
    }
    Turn::Ask.take(app, peer)?;
    let (token, proof, now_ms) = (Token::fresh()?, Token::fresh()?, app.now_ms());
    let look = SecondLook {
        id: SecondLookId(app.fresh_id()),
        org: found.event.org,
        refusal: found.event.id,
        mail: Some(found.event.mail).filter(|mail| mail.0 != 0),
        kind: found.event.kind.name().into(),
        domain: code::sender_domain(&found.refusal),
        facts: found.refusal.clone(),
        why,
        contact: contact.to_string(),
        lang: lang.tag().into(),
        proven_ms: None,
        state: State::Open,
        answer: String::new(),
        answered_by: String::new(),
        answered_ms: None,
        until_ms: None,
        draft: None,
        again: String::new(),
    };
    let letter = letter_to(app, &look, contact, &format!("/refused/asks/{}?proof={}", token.plain, proof.plain));
    let may_write =
        letter.is_some() && app.limits().take(&format!("desk-letter {}", look.contact.to_lowercase()), limit::LINK, now_ms).is_ok();
    let secrets = Secrets { token: token.digest, proof: if may_write { proof.digest } else { String::new() } };
    let id = look.id;
    add(app, look, secrets, peer.ip.clone()).await?;
    app.health.ring();
    if let Some(letter) = letter.filter(|_| may_write) {
        post(app, letter).await;
    }
    Ok(Made { id, token: token.plain })
}

fn checked(found: &Found, asked: &AskedLook) -> Result<(String, Address), Vec<Wrong>> {
    let mut wrong = Vec::new();
    if code::known(&found.refusal, &asked.from).is_none() {
        wrong.push(Wrong::new("from", "desk-wrong-from"));
    }
    let why: String = asked.why.trim().to_string();
    if why.is_empty() {
        wrong.push(Wrong::new("why", "desk-wrong-why"));
    } else if why.chars().count() > WORDS_CHARS_MAX || why.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        wrong.push(Wrong { field: "why", say: Say::new("desk-wrong-why-long").with("count", WORDS_CHARS_MAX) });
    }
    let contact = Address::parse(asked.contact.trim()).ok();
    match (contact, wrong.is_empty()) {
        (Some(contact), true) => Ok((why, contact)),
        (Some(_), false) => Err(wrong),
        (None, _) => {
            wrong.push(Wrong::new("contact", "desk-wrong-contact"));
            Err(wrong)
        }
    }
}

async fn add(app: &App, look: SecondLook, secrets: Secrets, ip: String) -> Result<(), Fault> {
    let (ids, now_ms) = (app.ids.clone(), app.now_ms());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                within_limits(sql::counts(tx, &look, now_ms - DAY_MS).await?)?;
                match sql::insert(tx, &look, &secrets).await {
                    // Two at the same moment: the other was first.
                    Err(Error::Exists(_)) => return Err(Fault::Conflict(Say::new("desk-asked-already"))),
                    done => done?,
                }
                let who = audit::sql::Who { person: PersonId(0), address: &look.contact, ip: &ip };
                let detail = json!({ "code": look.code().to_string(), "domain": look.domain, "why": look.why });
                let entry = Entry::new(Some(look.org), "desk.ask", look.id).with(detail);
                audit::note_by(tx, who, &ids, now_ms, entry).await.map_err(Fault::from)
            })
        })
        .await
}

fn within_limits(counts: Counts) -> Result<(), Fault> {
    let key = match counts {
        Counts { open_of_refusal: 1.., .. } => "desk-asked-already",
        Counts { of_refusal: OF_REFUSAL_MAX.., .. } => "desk-asked-often",
        Counts { of_domain: OF_DOMAIN_DAY_MAX.., .. } => "desk-asked-domain",
        Counts { of_org: OF_ORG_DAY_MAX.., .. } | Counts { open: OPEN_MAX.., .. } => "desk-asked-full",
        _ => return Ok(()),
    };
    Err(Fault::Conflict(Say { key: key.into(), args: Vec::new() }))
}

/// The letter that proves the contact; `None` where letters cannot come from us.
fn letter_to(app: &App, look: &SecondLook, to: Address, path: &str) -> Option<Letter> {
    Address::parse(&format!("no-reply@{}", app.hostname)).ok()?;
    let lang = Lang::parse(&look.lang).unwrap_or_default();
    let words = |key: &'static str| Say::new(key).with("what", look.code().to_string()).in_lang(lang);
    let text = format!("{}\r\n\r\n{}\r\n\r\n{}\r\n", words("desk-letter-text"), app.link(path), words("desk-letter-end"));
    Some(Letter {
        org: look.org,
        to,
        from_name: "Gatepost".into(),
        subject: words("desk-letter-subject"),
        text,
        html: String::new(),
        language: lang.tag().into(),
        kind: "second-look",
        host: app.hostname.clone(),
    })
}

/// A letter that cannot be sent leaves the contact unproven, no more.
pub async fn post(app: &App, letter: Letter) {
    let (ids, directory, now_ms) = (app.ids.clone(), app.directory.snapshot(), app.now_ms());
    let done: Result<(), Error> =
        app.db.tx(move |tx| Box::pin(async move { letter::post(tx, &letter, &directory, &ids, now_ms).await.map(|_| ()) })).await;
    if let Err(why) = done {
        tracing::warn!(%why, "a letter of the help desk could not be sent");
    }
}

/// The ask behind a secret link.
/// # Errors
/// [`Fault::NotFound`] for a link that never was, or whose ask was forgotten.
pub async fn of_token(app: &App, token: &str) -> Result<SecondLook, Fault> {
    let digest = session::digest(token);
    let found = app.db.read(move |tx| Box::pin(async move { sql::by_token(tx, &digest).await })).await;
    found.map_err(|why: Error| Fault::from(why))?.ok_or(Fault::NotFound)
}

/// The contact showed what was mailed to it.
pub async fn prove(app: &App, peer: &Peer, look: &SecondLook, proof: &str) -> Result<(), Fault> {
    let (digest, ip) = (session::digest(proof), peer.ip.clone());
    let (id, org, contact, ids, now_ms) = (look.id, look.org, look.contact.clone(), app.ids.clone(), app.now_ms());
    let done: Result<bool, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if !sql::prove(tx, id, &digest, now_ms).await? {
                    return Ok(false);
                }
                let who = audit::sql::Who { person: PersonId(0), address: &contact, ip: &ip };
                audit::note_by(tx, who, &ids, now_ms, Entry::new(Some(org), "desk.prove", id)).await?;
                Ok(true)
            })
        })
        .await;
    if done? || look.proven_ms.is_some() { Ok(()) } else { Err(Fault::Conflict(Say::new("desk-wrong-proof"))) }
}

/// Whoever asked does not ask any more.
pub async fn withdraw(app: &App, peer: &Peer, look: &SecondLook) -> Result<(), Fault> {
    let given = sql::Given { state: State::Withdrawn, answer: String::new(), by: String::new(), until_ms: None, now_ms: app.now_ms() };
    let (id, org, contact, ids, ip) = (look.id, look.org, look.contact.clone(), app.ids.clone(), peer.ip.clone());
    let done: Result<bool, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if !sql::settle(tx, org, id, &given).await? {
                    return Ok(false);
                }
                let who = audit::sql::Who { person: PersonId(0), address: &contact, ip: &ip };
                audit::note_by(tx, who, &ids, given.now_ms, Entry::new(Some(org), "desk.withdraw", id)).await?;
                Ok(true)
            })
        })
        .await;
    if done? { Ok(()) } else { Err(Fault::Conflict(Say::new("desk-answered-already"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_said() {
        for (counts, want) in [
            (Counts::default(), None),
            (Counts { of_refusal: 2, of_org: 99, of_domain: 4, open: 499, ..Counts::default() }, None),
            (Counts { of_refusal: 1, open_of_refusal: 1, ..Counts::default() }, Some("desk-asked-already")),
            (Counts { of_refusal: 3, ..Counts::default() }, Some("desk-asked-often")),
            (Counts { of_domain: 5, ..Counts::default() }, Some("desk-asked-domain")),
            (Counts { of_org: 100, ..Counts::default() }, Some("desk-asked-full")),
            (Counts { open: 500, ..Counts::default() }, Some("desk-asked-full")),
        ] {
            let said = match within_limits(counts) {
                Err(Fault::Conflict(say)) => Some(say.key.into_owned()),
                _ => None,
            };
            assert_eq!(said.as_deref(), want, "{counts:?}");
        }
    }
}
