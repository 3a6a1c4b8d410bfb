//! The number by which a caller shows who they are.

use super::sql::{self, Pin};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::{Fault, Say};
use crate::people::{May, Person, sql as people_sql};
use crate::support_desk::desk;
use gateway::scope::OrgScope;
use mail::OrgId;
use mail::id::RequestId;
use serde_json::json;
use store::Error;

/// How long a number holds.
const HOLDS_MS: i64 = 30 * 60 * 1000;
const DIGITS: u32 = 6;
/// Tries to find a number that nobody has.
const TRIES_MAX: usize = 8;
/// Numbers that one engineer may try, and one person may ask for, in five minutes.
const TRIED_MAX: u32 = 20;
const MADE_MAX: u32 = 10;

/// Six digits that nobody can guess.
fn digits() -> Result<String, Error> {
    let mut octets = [0u8; 8];
    aws_lc_rs::rand::fill(&mut octets).map_err(|_| Error::Gone("the system has no random numbers".into()))?;
    Ok(format!("{:06}", u64::from_be_bytes(octets) % 10u64.pow(DIGITS)))
}

/// A new number in place of the one before.
pub async fn fresh(app: &App, person: &Person) -> Result<Pin, Fault> {
    person.require(May::Requests)?;
    let org = person.acting_org()?;
    app.turns.take(person.id, "caller-pin", MADE_MAX)?;
    let now_ms = app.now_ms();
    for _ in 0..TRIES_MAX {
        let pin = Pin { person: person.id, org, pin: digits()?, until_ms: now_ms + HOLDS_MS };
        let (kept, by, ids) = (pin.clone(), person.clone(), app.ids.clone());
        let done = app.db.tx(move |tx| {
            Box::pin(async move {
                sql::put_pin(tx, &kept, now_ms).await?;
                audit::note(tx, &by, &ids, now_ms, Entry::new(Some(org), "call.pin", by.id)).await
            })
        });
        match done.await {
            Ok(()) => return Ok(pin),
            Err(Error::Exists(_)) => {}
            Err(why) => return Err(why.into()),
        }
    }
    Err(Fault::Ours("no number for a caller is free".into()))
}

/// The number that holds now, if there is one.
pub async fn now(app: &App, person: &Person) -> Result<Option<Pin>, Fault> {
    let (scope, id, now_ms) = (person.scope(), person.id, app.now_ms());
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::pin_of(tx, scope, id, now_ms).await })).await;
    Ok(found?)
}

/// Who calls.
#[derive(Debug, Clone, PartialEq)]
pub struct CallerFound {
    pub person: Person,
    pub org: OrgId,
    /// What they asked and is not closed.
    pub requests: Vec<(RequestId, String)>,
}

/// Whose number an engineer heard. It is used up; the organisation's log says that it was asked for.
/// # Errors
/// [`Fault::Conflict`] when nobody has it now.
pub async fn check(app: &App, engineer: &Person, said: &str) -> Result<CallerFound, Fault> {
    let scope = desk(engineer)?;
    app.turns.take(engineer.id, "caller-check", TRIED_MAX)?;
    let said: String = said.chars().filter(char::is_ascii_digit).collect();
    let (now_ms, ids, engineer) = (app.now_ms(), app.ids.clone(), engineer.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let nobody = || Fault::Conflict(Say::new("call-pin-nobody"));
                let pin = sql::take_pin(tx, &said, now_ms).await?.filter(|pin| scope.allows(pin.org)).ok_or_else(nobody)?;
                let person = people_sql::active(tx, pin.person).await?.ok_or_else(nobody)?;
                let requests = sql::requests(tx, OrgScope::One(pin.org), pin.person).await?;
                let entry = Entry::new(Some(pin.org), "call.identified", pin.person).with(json!({ "address": person.email }));
                audit::note(tx, &engineer, &ids, now_ms, entry).await?;
                Ok(CallerFound { person, org: pin.org, requests })
            })
        })
        .await
}
