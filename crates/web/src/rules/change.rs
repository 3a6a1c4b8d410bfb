//! Changes of rules, each in one transaction with its line in the audit log. For pages and programs alike.

use super::fields;
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::Person;
use gateway::rules::sql::{self, Put, RuleRow};
use gateway::rules::{Complaint, Part, RULES_MAX, RuleSettings, check};
use mail::{OrgId, RuleId};
use serde_json::json;
use store::Error;

/// Where rules come from that people make here.
const FROM_PAGE: &str = "page";

/// What is wrong with a rule of this organisation.
pub fn complaints(app: &App, org: OrgId, rule: &RuleSettings) -> Vec<Complaint> {
    let mut wrong = check(rule);
    wrong.extend(fields::connectors_known(rule, &connectors(app, org)));
    wrong
}

/// Names of the organisation's connectors, in order.
pub fn connectors(app: &App, org: OrgId) -> Vec<String> {
    let directory = app.directory.snapshot();
    let mut names: Vec<String> = directory.connectors.keys().filter(|name| directory.has_connector(org, name)).cloned().collect();
    names.sort_unstable();
    names
}

/// Complaints as a fault that programs can read.
pub fn invalid(complaints: &[Complaint]) -> Fault {
    let field = |one: &Complaint| match one.part {
        Part::Rule => one.field,
        Part::Condition(_) => "conditions",
        Part::Exception(_) => "exceptions",
        Part::Action(_) => "actions",
    };
    Fault::Invalid(complaints.iter().map(|one| Wrong { field: field(one), say: fields::say_with_place(one) }).collect())
}

/// A new rule behind all others.
/// # Errors
/// [`Fault::Conflict`] when the name is taken or there are as many rules as there may be.
pub async fn add(app: &App, person: &Person, org: OrgId, settings: RuleSettings) -> Result<RuleId, Fault> {
    let id = RuleId(app.fresh_id());
    let row = RuleRow { id, org, settings: RuleSettings { organisation: String::new(), ..settings }, source: FROM_PAGE.into(), changed_ms: app.now_ms() };
    put(app, person, row, "rules.add").await?;
    Ok(id)
}

/// Replaces a rule that was read before; it keeps its place.
pub async fn replace(app: &App, person: &Person, row: &RuleRow, settings: RuleSettings) -> Result<(), Fault> {
    let settings = RuleSettings { organisation: String::new(), priority: row.settings.priority, ..settings };
    let row = RuleRow { settings, source: FROM_PAGE.into(), changed_ms: app.now_ms(), ..row.clone() };
    put(app, person, row, "rules.change").await
}

async fn put(app: &App, person: &Person, row: RuleRow, action: &'static str) -> Result<(), Fault> {
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let entry = Entry::new(Some(row.org), action, row.id)
        .with(json!({ "name": row.settings.name, "enabled": row.settings.enabled, "mode": row.settings.mode.name() }));
    let done: Result<Put, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let done = sql::put(tx, &row).await?;
                if done == Put::Done {
                    audit::note(tx, &person, &ids, now_ms, entry).await?;
                }
                Ok(done)
            })
        })
        .await;
    match done? {
        Put::Done => {}
        Put::NameTaken => return Err(Fault::Conflict(Say::new("rules-name-taken"))),
        Put::Full => return Err(Fault::Conflict(Say::new("rules-full").with("count", RULES_MAX))),
    }
    refresh(app).await;
    Ok(())
}

pub async fn delete(app: &App, person: &Person, row: &RuleRow) -> Result<(), Fault> {
    let (ids, now_ms, person, row) = (app.ids.clone(), app.now_ms(), person.clone(), row.clone());
    let gone: Result<bool, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let gone = sql::delete(tx, person.scope(), row.id).await?;
                if gone {
                    let entry = Entry::new(Some(row.org), "rules.delete", row.id).with(json!({ "name": row.settings.name }));
                    audit::note(tx, &person, &ids, now_ms, entry).await?;
                }
                Ok(gone)
            })
        })
        .await;
    if !gone? {
        return Err(Fault::NotFound);
    }
    refresh(app).await;
    Ok(())
}

/// Moves a rule to a place among those made here; returns the place it has now.
pub async fn move_to(app: &App, person: &Person, row: &RuleRow, place: usize) -> Result<usize, Fault> {
    let (ids, now_ms, person, row) = (app.ids.clone(), app.now_ms(), person.clone(), row.clone());
    let moved: Result<Option<usize>, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let moved = sql::move_to(tx, person.scope(), row.id, place).await?;
                if let Some(place) = moved {
                    let entry = Entry::new(Some(row.org), "rules.move", row.id).with(json!({ "place": place }));
                    audit::note(tx, &person, &ids, now_ms, entry).await?;
                }
                Ok(moved)
            })
        })
        .await;
    let place = moved?.ok_or(Fault::NotFound)?;
    refresh(app).await;
    Ok(place)
}

/// This node takes it up at once; others within a second.
async fn refresh(app: &App) {
    if let Err(why) = app.directory.reload().await {
        tracing::warn!(%why, "a changed rule is taken up with the next look at the directory");
    }
}
