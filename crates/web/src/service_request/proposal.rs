//! Changes that support proposes and a person of the organisation approves. Nothing is changed by proposing.
//!
//! In: an allow or block entry, or a policy draft in words, from somebody of support. Out: a [`Proposal`] on the request; approving makes the
//! entry in the name of whoever approves, with their permissions, in the transaction that notes it. Not here: the entry itself (`crate::entry`).

use super::change::{self, At, Told, event, found};
use super::model::{Side, State, What};
use super::sql_consent::{self as sql, Proposal};
use crate::App;
use crate::audit::Entry;
use crate::entry::{self, NewEntry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use gateway::directory::{Effect, EntryKind};
use gateway::scope::OrgScope;
use mail::id::{ProposalId, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Tx;

const WHY_CHARS_MAX: usize = 2_000;

/// What is proposed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewProposal {
    /// "allow" or "block".
    pub effect: String,
    /// "address", "domain" or "ip".
    pub kind: String,
    pub value: String,
    /// A recipient; '' is everybody of the organisation.
    pub scope: String,
    /// Days until it ends, 1 to 90; else 30.
    pub days: String,
    /// Why, for whoever decides.
    pub why: String,
}

/// Proposes an entry.
/// # Errors
/// [`Fault::Invalid`] names wrong fields.
pub async fn make(app: &App, at: &At, scope: OrgScope, id: RequestId, typed: &NewProposal) -> Result<ProposalId, Fault> {
    let request = app.db.read(move |tx| Box::pin(async move { found(tx, scope, id).await })).await?;
    let entry = checked(app, request.org, typed)?;
    let what = serde_json::to_string(&entry).map_err(|why| Fault::Ours(why.to_string()))?;
    let proposal = Proposal {
        id: ProposalId(at.ids().next(at.now_ms)),
        org: request.org,
        request: request.id,
        what,
        why: typed.why.trim().to_string(),
        state: "open".into(),
        by: at.by.person,
        made_ms: at.now_ms,
        decided_by: String::new(),
        decided_ms: None,
        outcome: String::new(),
    };
    let (made, at) = (proposal.id, at.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let request = found(tx, scope, id).await?;
                sql::propose(tx, &proposal).await?;
                let detail = json!({ "verb": "made", "proposal": proposal.id.to_string() });
                event(tx, &at, &request, What::Proposal, Told { body: proposal.why.clone(), detail, ..Told::default() }).await?;
                change::note(tx, &at, Entry::new(Some(request.org), "request.propose", request.id)).await?;
                change::change_state(tx, &at, scope, id, State::WaitingCustomer).await
            })
        })
        .await?;
    Ok(made)
}

fn checked(app: &App, org: mail::OrgId, typed: &NewProposal) -> Result<NewEntry, Fault> {
    let mut wrong = Vec::new();
    let effect = match typed.effect.as_str() {
        "allow" => Some(Effect::Allow),
        "block" => Some(Effect::Block),
        _ => None,
    };
    let kind = match typed.kind.as_str() {
        "address" => Some(EntryKind::Address),
        "domain" => Some(EntryKind::Domain),
        "ip" => Some(EntryKind::Ip),
        _ => None,
    };
    if effect.is_none() {
        wrong.push(Wrong::new("effect", "request-wrong-choice"));
    }
    if kind.is_none() {
        wrong.push(Wrong::new("kind", "request-wrong-choice"));
    }
    let days = match typed.days.trim() {
        "" => Some(entry::DAYS_DEFAULT),
        days => days.parse::<i64>().ok().filter(|days| (1..=entry::DAYS_MAX).contains(days)),
    };
    if days.is_none() {
        wrong.push(Wrong::new("days", "entry-wrong-days"));
    }
    let why = super::form::text(&mut wrong, ("why", "request-wrong-why"), &typed.why, WHY_CHARS_MAX);
    let (Some(effect), Some(kind), true) = (effect, kind, wrong.is_empty()) else { return Err(Fault::Invalid(wrong)) };
    let note: String = why.chars().take(400).collect();
    let new = NewEntry { effect, kind, value: typed.value.trim().into(), scope: typed.scope.trim().into(), days, note };
    NewEntry::checked(app, org, new).map_err(Fault::Invalid)
}

/// The entry that a proposal is about; `None` when another version wrote it.
pub fn entry_of(proposal: &Proposal) -> Option<NewEntry> {
    serde_json::from_str(&proposal.what).ok()
}

/// Approves or declines an open proposal as `person` of the organisation.
/// # Errors
/// [`Fault::Denied`] without the permission to make entries, [`Fault::Conflict`] when it was decided.
pub async fn decide(
    tx: &mut Tx,
    (at, person): (&At, &Person),
    (request, id): (RequestId, ProposalId),
    is_approved: bool,
) -> Result<(), Fault> {
    person.require(May::Entries)?;
    // Nobody approves what support proposes but the organisation itself.
    if at.by.side != Side::Requester {
        return Err(Fault::Denied(May::Entries));
    }
    let scope = person.scope();
    let request = found(tx, scope, request).await?;
    let all = sql::proposals(tx, scope, request.id).await?;
    let proposal = all.into_iter().find(|one| one.id == id).ok_or(Fault::NotFound)?;
    let state = if is_approved { "approved" } else { "declined" };
    if !sql::decide(tx, &request, id, (state, at.by.shown(), at.now_ms, "")).await? {
        return Err(Fault::Conflict(Say::new("request-proposal-decided")));
    }
    if is_approved {
        let entry = entry_of(&proposal).ok_or_else(|| Fault::Conflict(Say::new("request-proposal-old")))?;
        let line = entry::save(tx, (request.org, at.ids().next(at.now_ms), at.now_ms), entry, person).await?;
        change::note(tx, at, line).await?;
        gateway::directory::sql::bump(tx).await?;
    }
    let detail = json!({ "verb": state, "proposal": id.to_string() });
    event(tx, at, &request, What::Proposal, Told { detail: detail.clone(), ..Told::default() }).await?;
    change::note(tx, at, Entry::new(Some(request.org), "request.decide", request.id).with(detail)).await?;
    change::change_state(tx, at, scope, request.id, State::WaitingUs).await
}
