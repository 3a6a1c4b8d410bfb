//! What support does with requests beside the conversation: who works on them, joining, linking to an issue, one word to many.
//!
//! Each is one transaction that goes through `service_request::change`, so that events, letters and the log are the same as anywhere.

use super::desk;
use super::share;
use super::sql_work::{self as sql, Engineer, SavedReply};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::Person;
use crate::service_request::change::{self, At, Told, Word};
use crate::service_request::{By, Request, Severity, Side, State, Via, What, sql as request_sql};
use gateway::scope::OrgScope;
use mail::PersonId;
use mail::id::RequestId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Tx;

/// Characters of one word.
pub const WORD_CHARS_MAX: usize = 20_000;
/// Requests that one word goes to, and that are chosen at once.
pub const AT_ONCE_MAX: usize = 500;
const PICKED_MAX: usize = 100;
/// Days that a request may be put aside.
const ASIDE_DAYS_MAX: i64 = 365;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// One thing that support does with a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkAction {
    /// reply, note, call, take, assign, share, severity, state, merge, link, unlink, snooze or wake.
    pub verb: String,
    /// The words of reply, note and call; why a severity was changed.
    pub body: String,
    /// assign: a person of support, '' nobody.
    pub person: String,
    /// severity: a, b or c.
    pub severity: String,
    /// state, and reply: where the request stands afterwards; '' as usual.
    pub then: String,
    /// merge: the request that it is joined to.
    pub into: String,
    /// link: number of a service issue.
    pub issue: String,
    /// snooze: "4h", "1d", "7d", "reply" (until the requester says something), or a moment such as "2026-12-01T08:00:00Z".
    pub until: String,
}

/// Does it.
/// # Errors
/// [`Fault::NotFound`] outside the scope; [`Fault::Invalid`] names the field; [`Fault::Conflict`] as things stand.
pub async fn act(app: &App, person: &Person, via: Via, (id, action): (RequestId, WorkAction)) -> Result<(), Fault> {
    let scope = desk(person)?;
    let at = At::new(app, By::of(person, Side::Support, via));
    let (whoever, names) = (person.clone(), action.body.contains('@'));
    app.db.tx(move |tx| Box::pin(async move { done(tx, &at, scope, (&whoever, id, action)).await })).await?;
    if names {
        app.health.ring();
    }
    Ok(())
}

async fn done(tx: &mut Tx, at: &At, scope: OrgScope, (person, id, action): (&Person, RequestId, WorkAction)) -> Result<(), Fault> {
    let invalid = |field, key| Fault::Invalid(vec![Wrong::new(field, key)]);
    let body = action.body.trim();
    if matches!(action.verb.as_str(), "reply" | "note" | "call") && (body.is_empty() || body.chars().count() > WORD_CHARS_MAX) {
        return Err(invalid("body", "support-wrong-word"));
    }
    match action.verb.as_str() {
        "reply" => {
            let then = wanted_state(&action.then)?;
            change::reply(tx, at, scope, id, Word { body: body.into(), then, ..Word::default() }).await.map(drop)
        }
        "note" => change::remark(tx, at, scope, id, body).await.map(drop),
        "call" => change::call(tx, at, scope, id, (body, false)).await.map(drop),
        "take" => change::assign(tx, at, scope, id, Some((person.id, person.shown()))).await,
        "share" => shared(tx, at, scope, id).await,
        "assign" => {
            let to: Option<PersonId> = Some(action.person.as_str()).filter(|to| !to.is_empty()).map(str::parse).transpose().unwrap_or(None);
            let found = match to {
                Some(to) => Some(sql::one_engineer(tx, to).await?.ok_or_else(|| invalid("person", "support-wrong-person"))?),
                None if action.person.is_empty() => None,
                None => return Err(invalid("person", "support-wrong-person")),
            };
            change::assign(tx, at, scope, id, found.as_ref().map(|one| (one.person, one.shown()))).await
        }
        "severity" => {
            let to = Severity::parse(&action.severity).ok_or_else(|| invalid("severity", "support-wrong-severity"))?;
            change::change_severity(tx, at, scope, id, (to, body)).await
        }
        "state" => {
            let to = wanted_state(&action.then)?.ok_or_else(|| invalid("then", "support-wrong-then"))?;
            change::change_state(tx, at, scope, id, to).await
        }
        "merge" => {
            let into = action.into.trim().parse().map_err(|_| invalid("into", "support-wrong-into"))?;
            merge(tx, at, scope, (person, id, into)).await
        }
        "link" => {
            let issue = action.issue.trim().to_uppercase();
            change::link(tx, at, scope, id, &issue).await
        }
        "unlink" => change::link(tx, at, scope, id, "").await,
        "snooze" => {
            let until_ms = until(&action.until, at.now_ms).ok_or_else(|| invalid("until", "support-wrong-until"))?;
            change::snooze(tx, at, scope, id, Some(until_ms)).await
        }
        "wake" => change::snooze(tx, at, scope, id, None).await,
        _ => Err(invalid("verb", "support-wrong-verb")),
    }
}

/// Support asks, works or solves; closing is the requester's, or the rule of silence's.
fn wanted_state(name: &str) -> Result<Option<State>, Fault> {
    match (name, State::parse(name)) {
        ("", _) => Ok(None),
        (_, Some(state @ (State::Open | State::WaitingCustomer | State::WaitingUs | State::Resolved))) => Ok(Some(state)),
        _ => Err(Fault::Invalid(vec![Wrong::new("then", "support-wrong-then")])),
    }
}

/// Until when a request is put aside, Unix milliseconds; `None` when it is no moment to come within [`ASIDE_DAYS_MAX`].
fn until(text: &str, now_ms: i64) -> Option<i64> {
    let at_ms = match text.trim() {
        "reply" => return Some(i64::MAX),
        "4h" => now_ms + 4 * HOUR_MS,
        "1d" => now_ms + 24 * HOUR_MS,
        "7d" => now_ms + 7 * 24 * HOUR_MS,
        at => at.parse::<jiff::Timestamp>().ok()?.as_millisecond(),
    };
    Some(at_ms).filter(|at_ms| *at_ms > now_ms && *at_ms <= now_ms + ASIDE_DAYS_MAX * 24 * HOUR_MS)
}

/// Gives it to whom it fits best.
async fn shared(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId) -> Result<(), Fault> {
    let request = change::found(tx, scope, id).await?;
    let all = sql::engineers(tx).await?;
    let fits = share::choose(&all, request.area, &request.lang, false);
    let one = fits.ok_or_else(|| Fault::Conflict(Say::new("support-nobody-fits")))?;
    change::assign(tx, at, scope, id, Some((one.person, one.shown()))).await
}

/// Joins a request to another one of the same organisation: it is closed, and who comes to it is led on.
async fn merge(tx: &mut Tx, at: &At, scope: OrgScope, (person, id, into): (&Person, RequestId, RequestId)) -> Result<(), Fault> {
    let (from, to) = (change::found(tx, scope, id).await?, change::found(tx, scope, into).await);
    let wrong = |key| Fault::Invalid(vec![Wrong::new("into", key)]);
    // One of another organisation is as if it were not there.
    let to = to.ok().filter(|to| to.org == from.org).ok_or_else(|| wrong("support-wrong-into"))?;
    if from.id == to.id || from.merged_into.is_some() || to.merged_into.is_some() {
        return Err(wrong("support-wrong-merged"));
    }
    request_sql::set_merged(tx, &from, to.id).await?;
    let told = |detail| Told { detail, ..Told::default() };
    change::event(tx, at, &from, What::Merge, told(json!({ "into": to.id.to_string() }))).await?;
    change::event(tx, at, &to, What::Merge, told(json!({ "from": from.id.to_string() }))).await?;
    change::change_state(tx, at, scope, id, State::Closed).await?;
    let entry = Entry::new(Some(from.org), "support.merge", from.id).with(json!({ "into": to.id.to_string() }));
    audit::note(tx, person, at.ids(), at.now_ms, entry).await.map_err(Fault::from)
}

/// One public word to every request of an issue that is not closed, in one transaction; how many it went to.
pub async fn tell_all(app: &App, person: &Person, (issue, body): (String, String)) -> Result<usize, Fault> {
    let scope = desk(person)?;
    let body = body.trim().to_string();
    if body.is_empty() || body.chars().count() > WORD_CHARS_MAX {
        return Err(Fault::Invalid(vec![Wrong::new("body", "support-wrong-word")]));
    }
    let at = At::new(app, By::of(person, Side::Support, Via::Web));
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let all = sql::of_issue(tx, scope, &issue, AT_ONCE_MAX).await?;
                for id in &all {
                    // It says how the issue stands, and asks nothing: whoever had to act still has to.
                    let state = change::found(tx, scope, *id).await?.state;
                    change::reply(tx, &at, scope, *id, Word { body: body.clone(), then: Some(state), ..Word::default() }).await?;
                }
                Ok::<_, Fault>(all.len())
            })
        })
        .await
}

/// What is done with several requests at once, in one transaction each: how many, of how many.
pub async fn with_all(app: &App, person: &Person, (ids, action): (&[RequestId], WorkAction)) -> Result<(usize, usize), Fault> {
    if !matches!(action.verb.as_str(), "take" | "share" | "link") {
        return Err(Fault::Invalid(vec![Wrong::new("verb", "support-wrong-verb")]));
    }
    let mut done = 0;
    for id in ids.iter().take(PICKED_MAX) {
        match act(app, person, Via::Web, (*id, action.clone())).await {
            Ok(()) => done += 1,
            Err(Fault::Conflict(_) | Fault::NotFound) => {}
            Err(other) => return Err(other),
        }
    }
    Ok((done, ids.len().min(PICKED_MAX)))
}

/// New requests that are nobody's go to those who want them by themselves.
pub async fn share_new(app: &App, ids: Vec<Request>, engineers: Vec<Engineer>) -> Result<(), Fault> {
    let mut engineers = engineers;
    for request in ids {
        let Some(one) = share::choose(&engineers, request.area, &request.lang, true) else { continue };
        let (person, name) = (one.person, one.shown().to_string());
        let at = At::new(app, By::rule());
        let (id, scope) = (request.id, OrgScope::One(request.org));
        app.db.tx(move |tx| Box::pin(async move { change::assign(tx, &at, scope, id, Some((person, &name))).await })).await?;
        if let Some(one) = engineers.iter_mut().find(|one| one.person == person) {
            one.open += 1;
        }
    }
    Ok(())
}

/// A saved reply applied: what is done, in order.
pub fn steps_of(reply: &SavedReply, body: &str) -> Vec<WorkAction> {
    let mut all = Vec::new();
    if reply.steps.is_taken {
        all.push(WorkAction { verb: "take".into(), ..WorkAction::default() });
    }
    if !reply.steps.severity.is_empty() {
        all.push(WorkAction {
            verb: "severity".into(),
            severity: reply.steps.severity.clone(),
            body: reply.name.clone(),
            ..WorkAction::default()
        });
    }
    all.push(WorkAction { verb: "reply".into(), body: body.into(), then: reply.steps.then.clone(), ..WorkAction::default() });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_put_aside_until_a_moment_to_come() {
        const NOW_MS: i64 = 1_795_521_600_000;
        for (text, want) in [
            ("4h", Some(NOW_MS + 4 * HOUR_MS)),
            ("7d", Some(NOW_MS + 168 * HOUR_MS)),
            ("reply", Some(i64::MAX)),
            ("2026-11-24T13:00:00Z", Some(NOW_MS + HOUR_MS)),
            ("2026-11-24T12:00:00Z", None),
            ("2028-01-01T00:00:00Z", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(until(text, NOW_MS), want, "{text}");
        }
    }
}
