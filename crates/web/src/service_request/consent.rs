//! Consent: what an organisation lets support see, who of it, and until when.
//!
//! In: a person of the organisation gives or ends one on a request. Out: a [`Person`] of support who, for this request to our server, may read
//! what was consented to, and nothing else. Invariants: without a consent that stands an engineer has neither permissions nor scope in an
//! organisation; with one only for reading (GET), only for pages of what it names, and a line stands on the request and in the audit log
//! before anything is read; a consent ends when it is revoked, when its request is closed, and after 30 days at the latest. API tokens of
//! engineers get nothing by consents. What the desk shows beside a request hangs on the consents of that request alone ([`lent`]), whoever looks.

use super::change::{self, At, Told, event, found};
use super::model::{Consent, Request, See, State, What};
use super::sql_consent as sql;
use crate::App;
use crate::audit::Entry;
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::http::{Method, request::Parts};
use gateway::scope::OrgScope;
use mail::PersonId;
use mail::id::{ConsentId, IdMaker, RequestId};
use serde_json::json;
use store::{Error, Tx};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
pub const DAYS_MAX: i64 = 30;

/// What is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub what: Vec<See>,
    /// `None`: whoever of support works on the request.
    pub person: Option<PersonId>,
    pub days: i64,
}

/// Gives a consent.
/// # Errors
/// [`Fault::Invalid`] when nothing or too long is consented to, [`Fault::Conflict`] on a closed request.
pub async fn give(tx: &mut Tx, at: &At, scope: OrgScope, request: RequestId, given: Given) -> Result<ConsentId, Fault> {
    let request = found(tx, scope, request).await?;
    if request.state == State::Closed {
        return Err(Fault::Conflict(Say::new("request-is-closed-already")));
    }
    if given.what.is_empty() {
        return Err(Fault::Invalid(vec![Wrong::new("see", "request-wrong-see")]));
    }
    if !(1..=DAYS_MAX).contains(&given.days) {
        return Err(Fault::Invalid(vec![Wrong::new("days", "request-wrong-days")]));
    }
    let consent = Consent {
        id: ConsentId(at.ids().next(at.now_ms)),
        org: request.org,
        request: request.id,
        what: given.what,
        person: given.person,
        given_by: at.by.shown().to_string(),
        given_ms: at.now_ms,
        until_ms: at.now_ms + given.days * DAY_MS,
        ended_ms: None,
        ended_by: String::new(),
    };
    sql::insert(tx, &consent).await?;
    let detail = json!({ "verb": "given", "what": See::written(&consent.what), "until_ms": consent.until_ms });
    event(tx, at, &request, What::Consent, Told { detail: detail.clone(), ..Told::default() }).await?;
    change::note(tx, at, Entry::new(Some(request.org), "request.consent", request.id).with(detail)).await?;
    Ok(consent.id)
}

/// Ends one at once.
/// # Errors
/// [`Fault::NotFound`] when it is not one of the request; nothing happens when it has ended.
pub async fn revoke(tx: &mut Tx, at: &At, scope: OrgScope, (request, consent): (RequestId, ConsentId)) -> Result<(), Fault> {
    let request = found(tx, scope, request).await?;
    let all = sql::of_request(tx, scope, request.id).await?;
    let one = all.iter().find(|one| one.id == consent).ok_or(Fault::NotFound)?;
    if sql::end(tx, one, (at.now_ms, at.by.shown())).await? {
        let detail = json!({ "verb": "revoked", "what": See::written(&one.what) });
        event(tx, at, &request, What::Consent, Told { detail: detail.clone(), ..Told::default() }).await?;
        change::note(tx, at, Entry::new(Some(request.org), "request.revoke", request.id).with(detail)).await?;
    }
    Ok(())
}

/// The request is closed: what was consented to for it ends.
pub(super) async fn end_all(tx: &mut Tx, at: &At, request: &Request) -> Result<(), Fault> {
    for one in sql::of_request(tx, OrgScope::One(request.org), request.id).await? {
        sql::end(tx, &one, (at.now_ms, at.by.shown())).await?;
    }
    Ok(())
}

/// Whether this person is one of support whose view of organisations hangs on consents.
pub fn binds(person: &Person) -> bool {
    person.home.is_none() && person.may(May::Support) && !person.may(May::Operate)
}

/// What a path shows; `None`: nothing that can be consented to.
fn see_of(path: &str) -> Option<See> {
    const PLACES: &[(&str, See)] = &[
        ("trace", See::Trace),
        ("quarantine", See::Quarantine),
        ("policies", See::Settings),
        ("entries", See::Settings),
        ("rules", See::Settings),
        ("domains", See::Settings),
        ("connectors", See::Settings),
        ("overview", See::Health),
        ("health", See::Health),
    ];
    let rest = path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix('/'))?;
    let mut parts = rest.split('/');
    let (first, second) = (parts.next()?, parts.next());
    // One's own is nobody else's to consent to.
    if second == Some("mine") {
        return None;
    }
    PLACES.iter().find(|(place, _)| *place == first).map(|(_, see)| *see)
}

/// What `person` gets for this request to our server by consents, written down before anything is read. Called for every request.
/// # Errors
/// The line could not be written; then nothing may be read.
pub async fn extend(app: &App, person: &mut Person, parts: &Parts) -> Result<(), Error> {
    if !binds(person) {
        return Ok(());
    }
    let Some(org) = person.org.take().filter(|_| person.token.is_none()) else { return Ok(()) };
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    let Some(see) = see_of(parts.uri.path()).filter(|_| is_read) else { return Ok(()) };
    let (now_ms, ids, by) = (app.now_ms(), app.ids.clone(), person.clone());
    let path: String = parts.uri.path().chars().take(PATH_CHARS_MAX).collect();
    let stands: Option<Consent> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let standing = sql::standing(tx, OrgScope::One(org), by.id, now_ms).await?;
                let Some(consent) = standing.into_iter().find(|consent| consent.what.contains(&see)) else { return Ok(None) };
                let look = Look { by: &by, ids: &ids, path: &path, now_ms };
                look.write(tx, &consent, see).await?;
                Ok::<_, Error>(Some(consent))
            })
        })
        .await?;
    if stands.is_some() {
        person.org = Some(org);
        person.may.push(see.may());
    }
    Ok(())
}

/// One look of support, to be written down.
struct Look<'a> {
    by: &'a Person,
    ids: &'a IdMaker,
    path: &'a str,
    now_ms: i64,
}

impl Look<'_> {
    /// A line on the request, and one in the log of the organisation.
    async fn write(&self, tx: &mut Tx, consent: &Consent, see: See) -> Result<(), Error> {
        let Look { by, ids, path, now_ms } = *self;
        let (id, who, path) = (ids.next(now_ms), by.shown().to_string(), path.to_string());
        sql::note_read(tx, consent, &sql::Reading { id, person: by.id, who, what: see, path, at_ms: now_ms }).await?;
        let entry = Entry::new(Some(consent.org), "request.read", consent.request).with(json!({ "what": see.name() }));
        crate::audit::note(tx, by, ids, now_ms, entry).await
    }
}

/// Consents of this very request that stand now and are for this person of support. None for those who come with an API token.
pub async fn standing_for(app: &App, person: &Person, scope: OrgScope, id: RequestId) -> Result<Vec<Consent>, Fault> {
    let (now_ms, by, is_token) = (app.now_ms(), person.id, person.token.is_some());
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let request = found(tx, scope, id).await?;
                Ok(if is_token { Vec::new() } else { of_request_now(tx, &request, by, now_ms).await? })
            })
        })
        .await
}

async fn of_request_now(tx: &mut Tx, request: &Request, by: PersonId, now_ms: i64) -> Result<Vec<Consent>, Error> {
    let mut all = sql::of_request(tx, OrgScope::One(request.org), request.id).await?;
    all.retain(|consent| consent.stands(now_ms) && consent.person.is_none_or(|whom| whom == by));
    Ok(all)
}

/// What somebody of support wants to look at for one request.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub request: RequestId,
    pub sees: &'a [See],
    /// Stands in the line of each look; `None` asks only whether one may, looks at nothing yet, and leaves no line.
    pub path: Option<&'a str>,
}

/// The person as whom support looks into the organisation of a request: may read what the consents of this very request let be seen, and
/// nothing else of what they may otherwise, in the scope of that organisation. A line stands for each part before anything is read.
/// Operators need the consent here as engineers do.
/// # Errors
/// [`Fault::NotFound`] outside the scope; [`Fault::Conflict`] when a part was not consented to, or for those who come with an API token.
pub async fn lent(app: &App, person: &Person, scope: OrgScope, wish: Wish<'_>) -> Result<Person, Fault> {
    person.require(May::Support)?;
    person.require_session()?;
    let (id, sees): (_, Vec<See>) = (wish.request, wish.sees.to_vec());
    let path: Option<String> = wish.path.map(|path| path.chars().take(PATH_CHARS_MAX).collect());
    let (now_ms, ids, by) = (app.now_ms(), app.ids.clone(), person.clone());
    let org = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let request = found(tx, scope, id).await?;
                let standing = of_request_now(tx, &request, by.id, now_ms).await?;
                let look = path.as_ref().map(|path| Look { by: &by, ids: &ids, path, now_ms });
                for see in sees {
                    let consent = standing.iter().find(|consent| consent.what.contains(&see));
                    let consent = consent.ok_or_else(|| Fault::Conflict(Say::new("request-no-consent-for")))?;
                    if let Some(look) = &look {
                        look.write(tx, consent, see).await?;
                    }
                }
                Ok::<_, Fault>(request.org)
            })
        })
        .await?;
    Ok(Person { org: Some(org), may: wish.sees.iter().map(|see| see.may()).collect(), ..person.clone() })
}

/// Characters of a path that stand in a line.
const PATH_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_what_was_named_are_open() {
        for (path, want) in [
            ("/trace", Some(See::Trace)),
            ("/trace/m0000000000001", Some(See::Trace)),
            ("/api/v1/trace/m0000000000001", Some(See::Trace)),
            ("/quarantine", Some(See::Quarantine)),
            ("/quarantine/mine", None),
            ("/entries/mine", None),
            ("/connectors/main", Some(See::Settings)),
            ("/health", Some(See::Health)),
            ("/healthz", None),
            ("/people", None),
            ("/audit", None),
            ("/requests", None),
            ("/tracer", None),
            ("", None),
        ] {
            assert_eq!(see_of(path), want, "{path}");
        }
    }
}
