//! Filter policies for people and programs: presets, custom ones, their order, who gets which and why, where thresholds lie and what
//! that costs. What a policy decides is `gateway::policy`'s; what it would have done is shown by [`crate::draft`] before it is saved.
//!
//! Invariants: a policy of the settings file is shown and never changed here; what others changed meanwhile is not overwritten; every
//! change is in the audit log with what was before.

pub mod api;
mod applying;
mod body;
mod form;
mod list;
mod order;
mod threshold;

pub use body::{PolicyBody, percent};
pub use order::change;

use crate::App;
use crate::audit::Entry;
use crate::page::guard::form_pair;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use axum::Router;
use axum::routing::{get, post};
use gateway::policy::sql::{self, POLICIES_MAX, Stored};
use gateway::policy::{PolicySettings, in_order};
use mail::OrgId;
use serde_json::json;
use store::{Migration, Tx};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 14, name: "policy", sql: include_str!("migrations/0014_policy.sql") }];

/// Where rows of pages and of the API come from.
const FROM_PAGE: &str = "page";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/policies", get(list::list))
        .route("/policies/new", get(form::fresh).post(form::create))
        .route("/policies/order", post(order::reorder))
        .route("/policies/applying", get(applying::page))
        .route("/policies/thresholds", get(threshold::page))
        .route("/policies/{name}", get(form::open).post(form::change))
        .route("/policies/{name}/switch", post(order::switch))
        .route("/policies/{name}/delete", post(order::delete))
}

/// A name as a path has it.
pub fn encoded(name: &str) -> String {
    form_pair("", name).trim_start_matches('=').to_string()
}

/// What a change was made against.
#[allow(clippy::large_enum_variant, reason = "made once a request")]
#[derive(Debug, Clone, PartialEq)]
pub enum Base {
    /// The policy as it was when its form was opened; `None`: it is new.
    Was(Option<PolicySettings>),
    /// Whatever is there; programs name a version by If-Match.
    Any,
}

/// Policies in the order they are asked.
pub fn ordered(rows: Vec<Stored>) -> Vec<Stored> {
    let names: Vec<String> = in_order(rows.iter().map(|row| row.settings.clone()).collect()).into_iter().map(|one| one.name).collect();
    let mut rows = rows;
    rows.sort_by_key(|row| names.iter().position(|name| *name == row.settings.name));
    rows
}

/// Adds or changes a policy whose settings were checked; a new one is asked last.
pub async fn save(tx: &mut Tx, org: OrgId, mut settings: PolicySettings, base: Base) -> Result<Entry, Fault> {
    let rows = sql::list(tx, org).await?;
    let there = rows.iter().find(|row| row.settings.name == settings.name);
    match (&base, there) {
        (_, Some(there)) if there.is_of_file() => return Err(Fault::Conflict(Say::new("policy-of-file"))),
        (Base::Was(None), Some(_)) => return Err(Fault::Conflict(Say::new("policy-exists").with("what", settings.name))),
        // The order may have changed: that is no change of what the policy does.
        (Base::Was(Some(was)), Some(there)) if PolicySettings { priority: there.settings.priority, ..was.clone() } != there.settings => {
            return Err(Fault::Changed);
        }
        (Base::Was(Some(_)), None) => return Err(Fault::Changed),
        (_, None) if rows.len() >= POLICIES_MAX => {
            return Err(Fault::Conflict(Say::new("policy-too-many").with("count", POLICIES_MAX)));
        }
        _ => {}
    }
    let custom = rows.iter().filter(|row| body::preset(&row.settings.name).is_none());
    settings.priority = match there {
        Some(there) => there.settings.priority,
        None => custom.map(|row| row.settings.priority).max().map_or(0, |last| last.saturating_add(1)),
    };
    settings.organisation = there.map(|there| there.settings.organisation.clone()).unwrap_or_default();
    sql::put(tx, org, &settings, FROM_PAGE).await?;
    let was = there.map(|there| json!(there.settings)).unwrap_or_default();
    Ok(Entry::new(Some(org), if there.is_some() { "policy.change" } else { "policy.create" }, &settings.name)
        .with(json!({ "was": was, "is": settings })))
}

/// Removes a policy.
pub async fn remove(tx: &mut Tx, org: OrgId, name: &str) -> Result<Entry, Fault> {
    let there = sql::one(tx, org, name).await?.ok_or(Fault::NotFound)?;
    if there.is_of_file() {
        return Err(Fault::Conflict(Say::new("policy-of-file")));
    }
    sql::delete(tx, org, name).await?;
    Ok(Entry::new(Some(org), "policy.delete", name).with(json!({ "was": there.settings })))
}

/// Puts policies into an order: every custom one is named, once. Presets stay before them.
pub async fn arrange(tx: &mut Tx, org: OrgId, names: &[String]) -> Result<Entry, Fault> {
    let rows = ordered(sql::list(tx, org).await?);
    let custom: Vec<&Stored> = rows.iter().filter(|row| body::preset(&row.settings.name).is_none()).collect();
    let wanted: Vec<&Stored> = names.iter().filter_map(|name| custom.iter().copied().find(|row| row.settings.name == *name)).collect();
    let mut unique: Vec<&str> = wanted.iter().map(|row| row.settings.name.as_str()).collect();
    unique.sort_unstable();
    unique.dedup();
    if wanted.len() != names.len() || unique.len() != custom.len() {
        return Err(Fault::Changed); // somebody added or removed one meanwhile
    }
    let was: Vec<&str> = custom.iter().map(|row| row.settings.name.as_str()).collect();
    let slots: Vec<Option<i64>> = wanted.iter().map(|row| row.is_of_file().then_some(row.settings.priority)).collect();
    let priorities = order::priorities(&slots).ok_or_else(|| Fault::Conflict(Say::new("policy-order-file")))?;
    for (row, priority) in wanted.iter().zip(priorities) {
        if !row.is_of_file() && row.settings.priority != priority {
            sql::put(tx, org, &PolicySettings { priority, ..row.settings.clone() }, &row.source).await?;
        }
    }
    Ok(Entry::new(Some(org), "policy.order", org).with(json!({ "was": was, "is": names })))
}
