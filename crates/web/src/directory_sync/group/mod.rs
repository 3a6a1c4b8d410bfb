//! Groups of recipients: shown wherever they come from, made and filled here by hand or from a table.
//!
//! Invariants: what a directory owns is not changed here; who is put into a group is an address, or a group of the same organisation;
//! a table is shown with what it would change before it does.

pub mod api;
mod page;
pub mod sql;
mod table;

use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Router;
use axum::routing::{get, post};
use gateway::directory::sql::{self as directory_sql, is_kept_elsewhere};
use mail::OrgId;
use sql::Change;
use store::{Error, Tx};

pub const NAME_CHARS_MAX: usize = 200;
/// Groups of one organisation.
pub const GROUPS_MAX: i64 = 20_000;
/// Members of one group that is filled here.
pub const MEMBERS_MAX: usize = 50_000;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/groups", get(page::list).post(page::create))
        .route("/groups/import", get(page::import_form).post(page::import))
        .route("/groups/export", get(page::export))
        .route("/groups/{group}", get(page::open).post(page::add))
        .route("/groups/{group}/rename", post(page::rename))
        .route("/groups/{group}/members/remove", post(page::remove_members))
        .route("/groups/{group}/remove", post(page::remove))
}

/// A group as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub id: i64,
    pub org: OrgId,
    pub name: String,
    pub address: String,
    pub source: String,
    /// Addresses and groups that are in it directly.
    pub members: i64,
}

impl Group {
    /// A directory looks after it.
    pub fn is_fixed(&self) -> bool {
        is_kept_elsewhere(&self.source)
    }
}

/// The group of this number in the person's scope, as long as they may see settings.
async fn find(app: &App, person: &Person, id: &str) -> Result<Group, Fault> {
    person.require(May::ReadSettings)?;
    let id: i64 = id.parse().map_err(|_| Fault::NotFound)?;
    let scope = person.scope();
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, id).await })).await;
    found?.ok_or(Fault::NotFound)
}

async fn find_to_change(app: &App, person: &Person, id: &str) -> Result<Group, Fault> {
    let group = find(app, person, id).await?;
    person.require(May::Domains)?;
    if group.is_fixed() { Err(Fault::Conflict(Say::new("group-is-fixed"))) } else { Ok(group) }
}

/// A name that a group can have.
pub fn name_of(text: &str) -> Result<String, Vec<Wrong>> {
    let name = text.trim();
    let is_sound = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control);
    if is_sound { Ok(name.to_string()) } else { Err(vec![Wrong::new("name", "group-wrong-name")]) }
}

/// Makes a group; its number.
async fn make(app: &App, person: &Person, org: OrgId, name: String) -> Result<i64, Fault> {
    let id = app.fresh_id();
    let made = name.clone();
    let entry = Entry::new(Some(org), "group.add", &name);
    changed(app, person, entry, move |tx, now_ms| {
        Box::pin(async move {
            if sql::is_taken(tx, org, &made, id).await? {
                return Err(Fault::Invalid(vec![Wrong::new("name", "group-wrong-taken")]));
            }
            if sql::count(tx, org).await? >= GROUPS_MAX {
                return Err(Fault::Invalid(vec![Wrong::new("name", "group-wrong-many")]));
            }
            Ok(sql::insert(tx, (id, org), &made, now_ms).await?)
        })
    })
    .await?;
    Ok(id)
}

/// One change with its line in the log; the mail path follows.
async fn changed<F>(app: &App, person: &Person, entry: Entry, work: F) -> Result<(), Fault>
where
    F: for<'t> FnOnce(&'t mut Tx, i64) -> futures_util::future::BoxFuture<'t, Result<(), Fault>> + Send + 'static,
{
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                work(tx, now_ms).await?;
                directory_sql::bump(tx).await?;
                Ok::<_, Fault>(audit::note(tx, &person, &ids, now_ms, entry).await?)
            })
        })
        .await?;
    crate::domain::follow(app).await;
    Ok(())
}

/// Puts members in and takes members out. What is written is an address or the name of a group.
async fn change_members(app: &App, person: &Person, group: &Group, add: Vec<String>, remove: Vec<String>) -> Result<(), Fault> {
    let (id, org) = (group.id, group.org);
    let first = |all: &[String]| all.iter().take(20).cloned().collect::<Vec<_>>();
    let detail = serde_json::json!({ "added": add.len(), "removed": remove.len(), "first": first(&add), "first_removed": first(&remove) });
    let entry = Entry::new(Some(org), "group.members", &group.name).with(detail);
    changed(app, person, entry, move |tx, now_ms| {
        Box::pin(async move {
            let mut changes = Vec::new();
            for written in &add {
                changes.push(Change::Add(member_of(tx, org, id, written).await?));
            }
            for written in &remove {
                changes.push(Change::Remove(member_of(tx, org, id, written).await?));
            }
            Ok(sql::change_members(tx, (id, org), changes, now_ms).await?)
        })
    })
    .await
}

/// An address as keys are, or the number of a group.
async fn member_of(tx: &mut Tx, org: OrgId, group: i64, written: &str) -> Result<(String, i64), Fault> {
    let wrong = |key| Fault::Invalid(vec![Wrong { field: "members", say: Say::new(key).with("what", written.to_string()) }]);
    if let Ok(address) = mail::Address::parse(written.trim()) {
        return Ok((address.key(), 0));
    }
    match sql::named(tx, org, written).await? {
        Some(inner) if inner == group => Err(wrong("group-wrong-itself")),
        Some(inner) => Ok((String::new(), inner)),
        None => Err(wrong("group-wrong-member")),
    }
}
