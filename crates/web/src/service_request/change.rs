//! Changes of a request. Each is a function in the caller's transaction, adds its events and its line of the audit log, and moves the state.
//!
//! Who calls: pages and REST of this feature, the agents' workspace, the virtual agent (`open` with the transcript as evidence), mail.

use super::model::{Area, By, Contact, Event, Evidence, Impact, Kind, Request, Severity, Side, State, What};
use super::{file, letter, mention, search, silence, sql, sql_more};
use crate::App;
use crate::audit::{self, Entry};
use crate::health::issue::IssueId;
use crate::health::sql as issue_sql;
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use gateway::scope::OrgScope;
use mail::id::{FileId, IdMaker, RequestEventId, RequestId};
use mail::{OrgId, PersonId};
use serde_json::{Value, json};
use std::sync::Arc;
use store::Tx;

/// Requests of one organisation that are not closed.
pub const OPEN_MAX: i64 = 10_000;
/// People in copy.
pub const COPIES_MAX: usize = 10;

/// What changes need beside the request.
#[derive(Clone)]
pub struct At {
    pub app: App,
    pub by: By,
    pub now_ms: i64,
}

impl At {
    pub fn new(app: &App, by: By) -> At {
        At { app: app.clone(), by, now_ms: app.now_ms() }
    }

    pub fn ids(&self) -> &Arc<IdMaker> {
        &self.app.ids
    }
}

/// What is to be opened; checked by [`super::form::Form::checked`].
#[derive(Debug, Clone, PartialEq)]
pub struct New {
    pub org: OrgId,
    pub title: String,
    pub description: String,
    pub kind: Kind,
    pub area: Area,
    pub severity: Severity,
    pub impact: Impact,
    pub contact: Contact,
    /// BCP 47 of the requester's pages and letters.
    pub lang: String,
    pub copies: Vec<String>,
    pub evidence: Vec<Evidence>,
    /// Files that were uploaded before.
    pub files: Vec<FileId>,
    /// '' or "accessibility".
    pub queue: String,
}

/// Opens a request.
/// # Errors
/// [`Fault::Conflict`] when too many are open, or `scope` does not allow the organisation.
pub async fn open(tx: &mut Tx, at: &At, scope: OrgScope, new: New) -> Result<RequestId, Fault> {
    if !scope.allows(new.org) {
        return Err(Fault::NotFound);
    }
    if sql::open_count(tx, new.org, OPEN_MAX).await? >= OPEN_MAX {
        return Err(Fault::Conflict(Say::new("request-too-many-open")));
    }
    let id = RequestId(at.ids().next(at.now_ms));
    let request = Request {
        id,
        org: new.org,
        requester: at.by.person,
        address: at.by.address.clone(),
        name: at.by.name.clone(),
        title: new.title,
        description: new.description,
        kind: new.kind,
        area: new.area,
        severity: new.severity,
        impact: new.impact,
        contact: new.contact,
        lang: new.lang,
        state: State::New,
        assignee: None,
        plan: 0,
        queue: new.queue,
        issue: explained_by(&new.evidence),
        merged_into: None,
        solution: String::new(),
        probe: super::probe::of(&new.evidence),
        secret: super::address::secret()?,
        told: 0,
        next_ms: 0,
        last_ms: at.now_ms,
    };
    sql::insert(tx, &request).await?;
    for copy in &new.copies {
        sql::add_copy(tx, &request, copy).await?;
    }
    let told = json!({ "severity": request.severity.name(), "kind": request.kind.name(), "area": request.area.name() });
    let opened = event(tx, at, &request, What::Opened, Told { detail: told, ..Told::default() }).await?;
    for evidence in &new.evidence {
        file::keep_evidence(tx, at, &request, (opened, false), evidence).await?;
    }
    file::attach(tx, at, &request, opened, &new.files).await?;
    mention::tell(tx, at, &request, (opened, request.description.as_str(), false)).await?;
    search::index(tx, &request).await?;
    note(tx, at, Entry::new(Some(request.org), "request.open", id).with(json!({ "severity": request.severity.name() }))).await?;
    letter::opened(tx, at, &request, &new.copies).await?;
    Ok(id)
}

/// The service issue that a request is asked from; "" is none.
fn explained_by(evidence: &[Evidence]) -> String {
    let issue = evidence.iter().filter(|one| one.source == "issue").find_map(|one| one.source_id.parse::<IssueId>().ok());
    issue.map(|issue| issue.to_string()).unwrap_or_default()
}

/// What an event carries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    pub body: String,
    pub quoted: String,
    pub is_internal: bool,
    pub is_automatic: bool,
    pub detail: Value,
    pub message_id: String,
}

/// Adds an event; everything else follows from them.
pub async fn event(tx: &mut Tx, at: &At, request: &Request, what: What, told: Told) -> Result<RequestEventId, Fault> {
    let id = RequestEventId(at.ids().next(at.now_ms));
    let event = Event {
        id,
        org: request.org,
        request: request.id,
        at_ms: at.now_ms,
        what,
        side: at.by.side,
        person: at.by.person,
        who: at.by.shown().to_string(),
        via: at.by.via,
        is_internal: told.is_internal,
        is_automatic: told.is_automatic || at.by.side == Side::System,
        body: told.body,
        quoted: told.quoted,
        detail: if told.detail.is_null() { json!({}) } else { told.detail },
        message_id: told.message_id,
    };
    sql::add_event(tx, &event).await?;
    Ok(id)
}

/// What somebody writes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Word {
    pub body: String,
    /// What a mail quoted of earlier words.
    pub quoted: String,
    pub files: Vec<FileId>,
    /// Identifies the mail it came by, so that the same mail is one word.
    pub message_id: String,
    /// Where support wants the request to stand afterwards; otherwise [`State::after_word`].
    pub then: Option<State>,
}

/// A public word of either side. The other side is told by mail.
/// # Errors
/// [`Fault::NotFound`] outside the scope, [`Fault::Conflict`] when the request was merged into another.
pub async fn reply(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId, word: Word) -> Result<RequestEventId, Fault> {
    let request = found(tx, scope, id).await?;
    let told = Told { body: word.body.clone(), quoted: word.quoted, message_id: word.message_id, ..Told::default() };
    let said = event(tx, at, &request, What::Word, told).await?;
    file::attach(tx, at, &request, said, &word.files).await?;
    mention::tell(tx, at, &request, (said, word.body.as_str(), false)).await?;
    if at.by.side == Side::Requester {
        // What was put aside until they say something, or longer, is looked at now.
        sql_more::wake(tx, &request).await?;
    }
    note(tx, at, Entry::new(Some(request.org), "request.reply", id)).await?;
    let then = word.then.filter(|_| at.by.side == Side::Support).unwrap_or_else(|| request.state.after_word(at.by.side));
    let request = moved(tx, at, request, then).await?;
    if then == State::Resolved {
        sql::set_solution(tx, &request, &word.body).await?;
    }
    let whole = found(tx, scope, id).await?;
    search::index(tx, &whole).await?;
    letter::said(tx, at, &request, &word.body).await?;
    Ok(said)
}

/// Words of support that the organisation never sees.
pub async fn remark(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId, body: &str) -> Result<RequestEventId, Fault> {
    let request = found(tx, scope, id).await?;
    let said = event(tx, at, &request, What::Note, Told { body: body.into(), is_internal: true, ..Told::default() }).await?;
    mention::tell(tx, at, &request, (said, body, true)).await?;
    note(tx, at, Entry::new(None, "request.note", id)).await?;
    Ok(said)
}

/// What was said on the telephone: both sides read it unless it `is_internal`.
pub async fn call(
    tx: &mut Tx,
    at: &At,
    scope: OrgScope,
    id: RequestId,
    (body, is_internal): (&str, bool),
) -> Result<RequestEventId, Fault> {
    let request = found(tx, scope, id).await?;
    let said = event(tx, at, &request, What::Call, Told { body: body.into(), is_internal, ..Told::default() }).await?;
    mention::tell(tx, at, &request, (said, body, is_internal)).await?;
    note(tx, at, Entry::new(Some(request.org), "request.call", id)).await?;
    Ok(said)
}

/// Puts the request into another state, with a reason that stands beside it ('' none).
pub async fn change_state(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId, to: State) -> Result<(), Fault> {
    let request = found(tx, scope, id).await?;
    moved(tx, at, request, to).await?;
    let whole = found(tx, scope, id).await?;
    search::index(tx, &whole).await
}

/// Another severity; the reason is public.
/// # Errors
/// [`Fault::Conflict`] when support lowers it without a reason.
pub async fn change_severity(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId, (to, why): (Severity, &str)) -> Result<(), Fault> {
    let request = found(tx, scope, id).await?;
    if request.severity == to {
        return Ok(());
    }
    if at.by.side == Side::Support && to > request.severity && why.trim().is_empty() {
        return Err(Fault::Conflict(Say::new("request-severity-why")));
    }
    sql::set_severity(tx, &request, to).await?;
    let detail = json!({ "from": request.severity.name(), "to": to.name() });
    event(tx, at, &request, What::Severity, Told { body: why.into(), detail: detail.clone(), ..Told::default() }).await?;
    note(tx, at, Entry::new(Some(request.org), "request.severity", id).with(detail)).await
}

/// Gives it to somebody of support, or to nobody. Taking up a new request opens it.
pub async fn assign(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId, to: Option<(PersonId, &str)>) -> Result<(), Fault> {
    let request = found(tx, scope, id).await?;
    let person = to.map(|(person, _)| person);
    if request.assignee == person {
        return Ok(());
    }
    sql::set_assignee(tx, &request, person).await?;
    let detail = json!({
        "from": request.assignee.map_or(0, |person| person.0), "to": person.map_or(0, |person| person.0),
        "name": to.map_or("", |(_, name)| name),
    });
    event(tx, at, &request, What::Assign, Told { detail: detail.clone(), ..Told::default() }).await?;
    note(tx, at, Entry::new(Some(request.org), "request.assign", id).with(detail)).await?;
    if request.state == State::New && person.is_some() {
        moved(tx, at, request, State::Open).await?;
    }
    Ok(())
}

/// Somebody gets copies from now on, or none any more.
pub async fn copy(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId, (address, is_added): (&str, bool)) -> Result<(), Fault> {
    let request = found(tx, scope, id).await?;
    if is_added {
        let has = sql::copies(tx, scope, id).await?;
        if has.iter().any(|one| one == address) {
            return Ok(());
        }
        if has.len() >= COPIES_MAX {
            return Err(Fault::Conflict(Say::new("request-wrong-copies-many").with("count", COPIES_MAX)));
        }
        sql::add_copy(tx, &request, address).await?;
    } else if !sql::drop_copy(tx, &request, address).await? {
        return Ok(());
    }
    let detail = json!({ "address": address, "is_added": is_added });
    event(tx, at, &request, What::Copy, Told { detail: detail.clone(), ..Told::default() }).await?;
    note(tx, at, Entry::new(Some(request.org), "request.copy", id).with(detail)).await
}

/// Says which service issue explains a request: one that its organisation may see; '' takes it back.
/// # Errors
/// [`Fault::Invalid`] names the field `issue`.
pub async fn link(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId, issue: &str) -> Result<(), Fault> {
    let request = found(tx, scope, id).await?;
    let issue = match issue {
        "" => String::new(),
        issue => {
            let wrong = || Fault::Invalid(vec![Wrong::new("issue", "support-wrong-issue")]);
            let issue = issue.parse().map_err(|()| wrong())?;
            issue_sql::find(tx, OrgScope::One(request.org), issue).await?.ok_or_else(wrong)?.id.to_string()
        }
    };
    if request.issue == issue {
        return Ok(());
    }
    sql::set_issue(tx, &request, &issue).await?;
    event(tx, at, &request, What::Issue, Told { detail: json!({ "issue": issue }), ..Told::default() }).await?;
    let action = if at.by.side == Side::Support { "support.link" } else { "request.link" };
    note(tx, at, Entry::new(Some(request.org), action, id).with(json!({ "issue": issue }))).await
}

/// One escalation of a request in so long.
const ESCALATED_MS: i64 = 4 * 60 * 60 * 1000;

/// The requester asks for more attention: whoever works on it, the account manager and their deputy are told at once.
/// # Errors
/// [`Fault::Conflict`] when it is over, or was escalated a short while ago.
pub async fn escalate(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId, why: &str) -> Result<(), Fault> {
    let request = found(tx, scope, id).await?;
    if request.state.is_over() {
        return Err(Fault::Conflict(Say::new("request-escalate-over")));
    }
    let events = sql::events(tx, scope, id, false).await?;
    if events.iter().any(|event| event.what == What::Escalation && at.now_ms - event.at_ms < ESCALATED_MS) {
        return Err(Fault::Conflict(Say::new("request-escalate-again")));
    }
    event(tx, at, &request, What::Escalation, Told { body: why.into(), ..Told::default() }).await?;
    // It is looked at now, whoever put it aside.
    sql_more::wake(tx, &request).await?;
    note(tx, at, Entry::new(Some(request.org), "request.escalate", id)).await?;
    letter::escalated(tx, at, &request, why).await
}

/// Puts it aside for support until a moment (Unix milliseconds; `i64::MAX`: until the requester says something), or takes it back (`None`).
/// Its clocks go on.
pub async fn snooze(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId, until_ms: Option<i64>) -> Result<(), Fault> {
    let request = found(tx, scope, id).await?;
    match until_ms {
        Some(until_ms) => sql_more::snooze(tx, &request, (at.by.person, until_ms), at.now_ms).await?,
        None if !sql_more::wake(tx, &request).await? => return Ok(()),
        None => {}
    }
    let detail = json!({ "until_ms": until_ms });
    event(tx, at, &request, What::Snooze, Told { detail: detail.clone(), is_internal: true, ..Told::default() }).await?;
    note(tx, at, Entry::new(None, "request.snooze", id).with(detail)).await
}

/// The plan whose clocks run, by version.
pub async fn set_plan(tx: &mut Tx, at: &At, scope: OrgScope, id: RequestId, version: i64) -> Result<(), Fault> {
    let request = found(tx, scope, id).await?;
    sql::set_plan(tx, &request, version).await?;
    event(tx, at, &request, What::Plan, Told { detail: json!({ "version": version }), is_internal: true, ..Told::default() }).await?;
    Ok(())
}

/// The request after it moved; nothing happens when it stands there already.
async fn moved(tx: &mut Tx, at: &At, mut request: Request, to: State) -> Result<Request, Fault> {
    let from = request.state;
    let next_ms = silence::first(to, at.now_ms);
    sql::set_state(tx, &request, to, (next_ms, at.now_ms)).await?;
    (request.state, request.next_ms, request.told, request.last_ms) = (to, next_ms, 0, at.now_ms);
    if from != to {
        let detail = json!({ "from": from.name(), "to": to.name() });
        event(tx, at, &request, What::State, Told { detail: detail.clone(), ..Told::default() }).await?;
        note(tx, at, Entry::new(Some(request.org), "request.state", request.id).with(detail)).await?;
        if to == State::Closed {
            super::consent::end_all(tx, at, &request).await?;
        }
    }
    Ok(request)
}

/// # Errors
/// [`Fault::NotFound`] when there is none in the scope.
pub async fn found(tx: &mut Tx, scope: OrgScope, id: RequestId) -> Result<Request, Fault> {
    sql::one(tx, scope, id).await?.ok_or(Fault::NotFound)
}

/// A line of the audit log in the name of whoever acts.
pub(super) async fn note(tx: &mut Tx, at: &At, mut entry: Entry) -> Result<(), Fault> {
    if let (Some(token), Some(detail)) = (at.by.token, entry.detail.as_object_mut()) {
        detail.insert("token".into(), token.to_string().into());
    }
    let who = audit::sql::Who { person: at.by.person, address: &at.by.address, ip: &at.by.ip };
    audit::note_by(tx, who, at.ids(), at.now_ms, entry).await.map_err(Fault::from)
}
