//! Changes to other people: invite, role, deactivate, reset. One set of rules for pages, API and command line.
//!
//! Invariants: nobody gives more than they may themselves, nor touches somebody who may more; the last who looks after an organisation,
//! and the last operator, stay; who is deactivated or gets another role is signed out everywhere; every change leaves its line in the
//! same transaction.

use super::link::{INVITATION, INVITATION_MS};
use super::session::Token;
use super::sql::{self, NewPerson, OwnRole, PersonRow};
use super::{May, Person, Role, factor, token};
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use mail::id::IdMaker;
use mail::{OrgId, PersonId};
use serde_json::json;
use std::sync::Arc;
use store::Tx;

pub const ROLE_NAME_CHARS_MAX: usize = 60;

/// Who changes, and what a change needs.
#[derive(Clone)]
pub struct Act {
    pub by: Person,
    pub ids: Arc<IdMaker>,
    pub now_ms: i64,
}

/// A role as it is chosen: one of ours, or one that the organisation made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    BuiltIn(Role),
    Own(i64),
}

impl Chosen {
    /// `administrator`, `own.123`.
    pub fn parse(text: &str) -> Option<Chosen> {
        match text.strip_prefix("own.") {
            Some(number) => number.parse().ok().map(Chosen::Own),
            None => Role::parse(text).map(Chosen::BuiltIn),
        }
    }
}

impl Act {
    async fn note(&self, tx: &mut Tx, entry: Entry, detail: serde_json::Value) -> Result<(), Fault> {
        Ok(audit::note(tx, &self.by, &self.ids, self.now_ms, entry.with(detail)).await?)
    }

    /// # Errors
    /// [`Fault::Denied`] names the first permission that the other has and this person lacks.
    fn reaches(&self, may: &[May]) -> Result<(), Fault> {
        may.iter().find(|may| !self.by.may_give(**may)).map_or(Ok(()), |may| Err(Fault::Denied(*may)))
    }

    /// The other person, when this one may look after them.
    async fn other(&self, tx: &mut Tx, id: PersonId) -> Result<PersonRow, Fault> {
        self.by.require(May::People)?;
        let found = sql::find(tx, self.by.scope(), id).await?.ok_or(Fault::NotFound)?;
        self.reaches(&found.person.may)?;
        if found.person.role.is_of_service() {
            self.by.require(May::Operate)?;
        }
        Ok(found)
    }

    /// What a chosen role may, in this organisation.
    async fn allowed(&self, tx: &mut Tx, chosen: Chosen, org: Option<OrgId>) -> Result<(Role, i64), Fault> {
        let wrong = |key| Fault::Invalid(vec![Wrong::new("role", key)]);
        match (chosen, org) {
            (Chosen::BuiltIn(role), _) => {
                self.reaches(role.may())?;
                if role.is_of_service() {
                    self.by.require(May::Operate)?;
                } else if org.is_none() {
                    return Err(wrong("people-role-of-organisation"));
                }
                Ok((role, 0))
            }
            (Chosen::Own(_), None) => Err(wrong("people-role-of-organisation")),
            (Chosen::Own(id), Some(org)) => {
                let found =
                    sql::own_role_of(tx, gateway::scope::OrgScope::One(org), id).await?.ok_or_else(|| wrong("people-role-unknown"))?;
                self.reaches(&found.may)?;
                Ok((Role::Own, id))
            }
        }
    }
}

/// Whoever remains must be able to look after the rest.
async fn someone_stays(tx: &mut Tx, leaving: &Person) -> Result<(), Fault> {
    if leaving.may(May::Operate) && !sql::other_operator(tx, leaving.id).await? {
        return Err(Fault::Conflict(Say::new("people-last-operator")));
    }
    // An organisation without an administrator is looked after by operators; one that had one keeps one.
    if leaving.may(May::People) && leaving.home.is_some() && !leaving.may(May::Operate) {
        let others = sql::others(tx, leaving.home, leaving.id).await?;
        if !others.iter().any(|other| other.may(May::People)) {
            return Err(Fault::Conflict(Say::new("people-last-administrator")));
        }
    }
    Ok(())
}

/// Somebody new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// As [`mail::Address::key`] writes it.
    pub email: String,
    pub name: String,
    pub role: Chosen,
    /// `None`: of the service.
    pub org: Option<OrgId>,
}

/// Makes the person and a link that lets them choose how they sign in; its path, to be told once.
/// # Errors
/// A conflict when somebody has the address: of whichever organisation is not said.
pub async fn invite(tx: &mut Tx, act: &Act, invitation: &Invitation) -> Result<(PersonId, String), Fault> {
    act.by.require(May::People)?;
    match invitation.org {
        Some(org) if act.by.scope().allows(org) => {}
        None if act.by.may(May::Operate) => {}
        _ => return Err(Fault::NotFound),
    }
    let (role, own_role) = act.allowed(tx, invitation.role, invitation.org).await?;
    if sql::has_email(tx, &invitation.email).await? {
        return Err(Fault::Conflict(Say::new("people-address-taken")));
    }
    let new = NewPerson { email: invitation.email.clone(), name: invitation.name.clone(), role, org: invitation.org };
    let id = sql::add(tx, &new, act.ids.next(act.now_ms), act.now_ms).await?;
    sql::set_role(tx, id, role, own_role).await?;
    let path = put_invitation(tx, act, id).await?;
    let detail = json!({ "email": invitation.email, "role": role.name() });
    act.note(tx, Entry::new(invitation.org, "people.invite", id), detail).await?;
    Ok((id, path))
}

async fn put_invitation(tx: &mut Tx, act: &Act, id: PersonId) -> Result<String, Fault> {
    let token = Token::fresh()?;
    sql::put_link(tx, id, &token.digest, INVITATION, act.now_ms + INVITATION_MS).await?;
    Ok(format!("/sign-in/{}", token.plain))
}

/// A new invitation for somebody who lost theirs or their password; older links hold no longer. Second factors stay.
pub async fn invite_again(tx: &mut Tx, act: &Act, id: PersonId) -> Result<(Person, String), Fault> {
    let found = act.other(tx, id).await?;
    if !found.is_active {
        return Err(Fault::Conflict(Say::new("people-not-active")));
    }
    sql::end_links(tx, id).await?;
    let path = put_invitation(tx, act, id).await?;
    act.note(tx, Entry::new(found.person.home, "people.link", id), json!({})).await?;
    Ok((found.person, path))
}

pub async fn set_role(tx: &mut Tx, act: &Act, id: PersonId, chosen: Chosen) -> Result<(), Fault> {
    sql::take_turn(tx).await?;
    let found = act.other(tx, id).await?;
    let before = found.person.role_key();
    let (role, own_role) = act.allowed(tx, chosen, found.person.home).await?;
    // The new role may keep what makes the person needed.
    let stays = match chosen {
        Chosen::BuiltIn(role) => {
            found.person.may.iter().filter(|may| matches!(may, May::People | May::Operate)).all(|may| role.may().contains(may))
        }
        Chosen::Own(_) => false,
    };
    if found.is_active && !stays {
        someone_stays(tx, &found.person).await?;
    }
    sql::set_role(tx, id, role, own_role).await?;
    let after = if own_role == 0 { role.name().to_string() } else { format!("own.{own_role}") };
    act.note(tx, Entry::new(found.person.home, "people.role", id), json!({ "email": found.person.email, "before": before, "after": after }))
        .await
}

/// Lets somebody in no more, or again. Their sessions, links and tokens end; what they did stays.
pub async fn set_active(tx: &mut Tx, act: &Act, id: PersonId, is_active: bool) -> Result<(), Fault> {
    sql::take_turn(tx).await?;
    let found = act.other(tx, id).await?;
    if found.is_active == is_active {
        return Ok(());
    }
    if !is_active {
        someone_stays(tx, &found.person).await?;
        sql::end_all(tx, id, "").await?;
        token::sql::revoke_all(tx, id).await?;
    }
    sql::set_active(tx, id, is_active).await?;
    let action = if is_active { "people.activate" } else { "people.deactivate" };
    act.note(tx, Entry::new(found.person.home, action, id), json!({ "email": found.person.email })).await
}

/// Ends one session of somebody, or all.
pub async fn end_sessions(tx: &mut Tx, act: &Act, id: PersonId, one: Option<i64>) -> Result<(), Fault> {
    let found = act.other(tx, id).await?;
    let ended = match one {
        Some(session) => u64::from(sql::end_one(tx, id, session).await?),
        None => sql::end_all(tx, id, &act.by.session).await?,
    };
    if one.is_some() && ended == 0 {
        return Err(Fault::NotFound);
    }
    act.note(tx, Entry::new(found.person.home, "people.sessions-ended", id), json!({ "email": found.person.email, "ended": ended })).await
}

/// Takes away authenticator app, passkeys and recovery codes: for somebody who lost them. All their sessions end.
pub async fn reset_factors(tx: &mut Tx, act: &Act, id: PersonId) -> Result<(), Fault> {
    let found = act.other(tx, id).await?;
    if id == act.by.id {
        return Err(Fault::Conflict(Say::new("people-not-yourself")));
    }
    factor::sql::remove_all(tx, id).await?;
    sql::end_all(tx, id, "").await?;
    act.note(tx, Entry::new(found.person.home, "people.factors-reset", id), json!({ "email": found.person.email })).await
}

/// Ends one API token of somebody.
pub async fn revoke_token(tx: &mut Tx, act: &Act, id: PersonId, one: mail::id::TokenId) -> Result<(), Fault> {
    let found = act.other(tx, id).await?;
    let name = token::sql::revoke(tx, id, one).await?.ok_or(Fault::NotFound)?;
    act.note(tx, Entry::new(found.person.home, "people.token-revoked", one), json!({ "email": found.person.email, "name": name })).await
}

/// Makes or changes a role of an organisation.
pub async fn put_role(tx: &mut Tx, act: &Act, role: &OwnRole) -> Result<(), Fault> {
    act.by.require(May::People)?;
    let name = role.name.trim();
    if name.is_empty() || name.chars().count() > ROLE_NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(Fault::Invalid(vec![Wrong::new("name", "role-wrong-name")]));
    }
    if role.may.is_empty() || role.may.iter().any(|may| may.is_of_service()) {
        return Err(Fault::Invalid(vec![Wrong::new("may", "role-wrong-may")]));
    }
    act.reaches(&role.may)?;
    sql::take_turn(tx).await?;
    let scope = gateway::scope::OrgScope::One(role.org);
    let all = sql::own_roles(tx, scope).await?;
    if all.iter().any(|other| other.id != role.id && other.name == name) {
        return Err(Fault::Invalid(vec![Wrong::new("name", "role-taken-name")]));
    }
    let before = all.iter().find(|other| other.id == role.id);
    match before {
        // Whoever has the role may at most what its new maker may: before and after.
        Some(before) => act.reaches(&before.may)?,
        None if all.len() as i64 >= sql::OWN_ROLES_MAX => return Err(Fault::Conflict(Say::new("role-too-many"))),
        None => {}
    }
    if before.is_some_and(|before| before.may.contains(&May::People) && before.people > 0) && !role.may.contains(&May::People) {
        keeps_administrator(tx, role).await?;
    }
    sql::put_own_role(tx, &OwnRole { name: name.to_string(), ..role.clone() }, act.now_ms).await?;
    let action = if before.is_some() { "people.role-changed" } else { "people.role-made" };
    let may: Vec<&str> = role.may.iter().map(|may| may.name()).collect();
    act.note(tx, Entry::new(Some(role.org), action, role.id), json!({ "name": name, "may": may })).await
}

/// Somebody with another role looks after the people.
async fn keeps_administrator(tx: &mut Tx, role: &OwnRole) -> Result<(), Fault> {
    let others = sql::others(tx, Some(role.org), PersonId(0)).await?;
    let stays = others.iter().any(|other| other.own_role != role.id && other.may(May::People));
    if stays { Ok(()) } else { Err(Fault::Conflict(Say::new("people-last-administrator"))) }
}

pub async fn remove_role(tx: &mut Tx, act: &Act, id: i64) -> Result<(), Fault> {
    act.by.require(May::People)?;
    sql::take_turn(tx).await?;
    let role = sql::own_role_of(tx, act.by.scope(), id).await?.ok_or(Fault::NotFound)?;
    act.reaches(&role.may)?;
    if role.people > 0 {
        return Err(Fault::Conflict(Say::new("role-in-use").with("count", role.people)));
    }
    sql::remove_own_role(tx, role.org, id).await?;
    act.note(tx, Entry::new(Some(role.org), "people.role-removed", id), json!({ "name": role.name })).await
}

/// Keeps a link for the terminal: it signs in without password and second factor, as whoever is at the machine could do anything anyway.
/// `kind` is its purpose and how long it holds.
pub async fn terminal_link(tx: &mut Tx, act: &Act, id: PersonId, digest: &str, kind: (&'static str, i64)) -> Result<(), Fault> {
    let found = act.other(tx, id).await?;
    if !found.is_active {
        return Err(Fault::Conflict(Say::new("people-not-active")));
    }
    sql::put_link(tx, id, digest, kind.0, act.now_ms + kind.1).await?;
    act.note(tx, Entry::new(found.person.home, "people.link", id), json!({ "email": found.person.email })).await
}
