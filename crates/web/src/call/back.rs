//! Being called back: free half hours, booking one, calling it off, and what came of the call.

use super::slot;
use super::sql::{self, CallBack};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::{May, Person, sql as people_sql};
use crate::phone::country;
use crate::phone::number::Number;
use crate::service_request::change::{self, At};
use crate::service_request::{By, Side, Via};
use crate::support_desk::{clock::Plan, desk, sql as desk_sql, sql_work};
use gateway::scope::OrgScope;
use mail::OrgId;
use mail::id::{CallBackId, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Error, Tx};

/// Calls that one person may wait for.
const WAITING_MAX: usize = 3;
const ABOUT_CHARS_MAX: usize = 500;
const OUTCOME_CHARS_MAX: usize = 2_000;

/// What somebody wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewCallBack {
    /// Beginning of a free half hour, Unix milliseconds.
    pub slot: String,
    /// Country of the number, ISO 3166-1 alpha-2, unless it is in E.164.
    pub country: String,
    pub number: String,
    /// BCP 47; else that of the pages.
    pub language: String,
    pub about: String,
    /// A request that it is about, if any.
    pub request: String,
}

/// Half hours that are free for an organisation now.
pub async fn free(tx: &mut Tx, org: OrgId, now_ms: i64) -> Result<Vec<i64>, Error> {
    let Some(version) = desk_sql::version_for(tx, org).await? else { return Ok(Vec::new()) };
    let Some(found) = desk_sql::one_version(tx, version.0).await? else { return Ok(Vec::new()) };
    let Ok(plan) = Plan::new(version.0, found.body) else { return Ok(Vec::new()) };
    let there = sql_work::engineers(tx).await?.iter().filter(|engineer| !engineer.is_away).count();
    Ok(slot::free(plan.hours(), &sql::taken(tx, now_ms).await?, i64::try_from(there).unwrap_or(1).max(1), now_ms))
}

/// Books a half hour.
/// # Errors
/// [`Fault::Invalid`] names the field; a half hour that was taken meanwhile is one of them.
pub async fn book(app: &App, person: &Person, (lang, new): (&str, NewCallBack)) -> Result<CallBackId, Fault> {
    person.require(May::Requests)?;
    let (org, now_ms, id) = (person.acting_org()?, app.now_ms(), CallBackId(app.fresh_id()));
    let mut wrong = Vec::new();
    let number = Number::read(country::code(&new.country).unwrap_or_default(), &new.number).map(|number| number.e164());
    if number.is_none() {
        wrong.push(Wrong::new("number", "request-wrong-number"));
    }
    let slot_ms: Option<i64> = new.slot.trim().parse().ok();
    if slot_ms.is_none() {
        wrong.push(Wrong::new("slot", "call-wrong-slot"));
    }
    let about = new.about.trim().to_string();
    if about.is_empty() || about.chars().count() > ABOUT_CHARS_MAX {
        wrong.push(Wrong::new("about", "call-wrong-about"));
    }
    let request: Option<RequestId> = new.request.trim().parse().ok();
    if request.is_none() && !new.request.trim().is_empty() {
        wrong.push(Wrong::new("request", "call-wrong-request"));
    }
    let (Some(number), Some(slot_ms), true) = (number, slot_ms, wrong.is_empty()) else { return Err(Fault::Invalid(wrong)) };
    let lang = if new.language.trim().is_empty() { lang.to_string() } else { new.language.trim().chars().take(20).collect() };
    let (name, state) = (person.shown().to_string(), "waiting".to_string());
    let (outcome, done_by) = (String::new(), String::new());
    let one = CallBack { id, org, person: person.id, name, number, lang, about, request, slot_ms, state, outcome, done_by, done_ms: 0 };
    let (ids, by) = (app.ids.clone(), person.clone());
    app.db.tx(move |tx| Box::pin(async move { booked(tx, (&by, ids.as_ref()), &one, now_ms).await })).await?;
    Ok(id)
}

async fn booked(tx: &mut Tx, (by, ids): (&Person, &mail::id::IdMaker), one: &CallBack, now_ms: i64) -> Result<(), Fault> {
    // Two who want the same half hour come one after the other.
    people_sql::take_turn(tx).await?;
    let scope = OrgScope::One(one.org);
    if sql::mine(tx, scope, one.person).await?.iter().filter(|call| call.state == "waiting").count() >= WAITING_MAX {
        return Err(Fault::Conflict(Say::new("call-too-many").with("count", WAITING_MAX)));
    }
    if !free(tx, one.org, now_ms).await?.contains(&one.slot_ms) {
        return Err(Fault::Invalid(vec![Wrong::new("slot", "call-wrong-slot")]));
    }
    if let Some(request) = one.request {
        let theirs = change::found(tx, scope, request).await;
        theirs.map_err(|_| Fault::Invalid(vec![Wrong::new("request", "call-wrong-request")]))?;
    }
    sql::add(tx, one, now_ms).await?;
    let entry = Entry::new(Some(one.org), "call.book", one.id).with(json!({ "slot_ms": one.slot_ms }));
    audit::note(tx, by, ids, now_ms, entry).await.map_err(Fault::from)
}

/// Calls one off that the person booked.
/// # Errors
/// [`Fault::NotFound`] when it is not theirs; nothing happens when it is over.
pub async fn cancel(app: &App, person: &Person, id: CallBackId) -> Result<(), Fault> {
    person.require(May::Requests)?;
    let (scope, now_ms, ids, by) = (person.scope(), app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let one = sql::one(tx, scope, id).await?.filter(|one| one.person == by.id).ok_or(Fault::NotFound)?;
                if sql::settle(tx, &one, ("cancelled", "", by.shown()), now_ms).await? {
                    audit::note(tx, &by, &ids, now_ms, Entry::new(Some(one.org), "call.cancel", id)).await?;
                }
                Ok(())
            })
        })
        .await
}

/// What came of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallOutcome {
    /// "called" or "missed" (nobody answered).
    pub verb: String,
    /// called: what was said; it stands with the request as well.
    pub words: String,
}

/// Notes what came of a call, as somebody of support.
pub async fn called(app: &App, person: &Person, via: Via, (id, outcome): (CallBackId, CallOutcome)) -> Result<(), Fault> {
    let scope = desk(person)?;
    let words = outcome.words.trim().to_string();
    let state = match outcome.verb.as_str() {
        "called" if words.is_empty() || words.chars().count() > OUTCOME_CHARS_MAX => {
            return Err(Fault::Invalid(vec![Wrong::new("words", "call-wrong-words")]));
        }
        "called" => "called",
        "missed" => "missed",
        _ => return Err(Fault::Invalid(vec![Wrong::new("verb", "support-wrong-verb")])),
    };
    let (at, now_ms, by) = (At::new(app, By::of(person, Side::Support, via)), app.now_ms(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let one = sql::one(tx, scope, id).await?.ok_or(Fault::NotFound)?;
                if !sql::settle(tx, &one, (state, words.as_str(), by.shown()), now_ms).await? {
                    return Err(Fault::Conflict(Say::new("call-over")));
                }
                if let (Some(request), "called") = (one.request, state) {
                    change::call(tx, &at, OrgScope::One(one.org), request, (words.as_str(), false)).await?;
                }
                let entry = Entry::new(Some(one.org), "call.done", id).with(json!({ "state": state }));
                audit::note(tx, &by, at.ids(), now_ms, entry).await.map_err(Fault::from)
            })
        })
        .await
}
