//! `/api/v1/rules`: rules as JSON, in the shape settings files have them.

use super::replay::{self, Replayed};
use super::try_mail::{self, Tried, Wanted};
use super::{HIT_DAYS, change, found, mine_to_change, sentence};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::words::Lang;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gateway::rules::sql::{self, RuleRow};
use gateway::rules::{Action, ActionKind, Condition, ConditionKind, Fallback, Mode, OnError, Place, RuleSettings, SenderLocation};
use gateway::trace;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(test))
        .routes(routes!(replay_draft))
        .routes(routes!(show, change_rule, delete))
        .routes(routes!(move_rule))
}

/// One condition or exception.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ConditionBody {
    /// "subject-words", "sender-domain", …
    pub kind: String,
    /// Header field, for "header-words" and "header-patterns".
    pub header: String,
    /// Any of these.
    pub values: Vec<String>,
}

/// One action; which fields count depends on the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ActionBody {
    /// "prepend-subject", "redirect", …
    pub kind: String,
    pub to: Vec<String>,
    pub text: String,
    pub status: String,
    pub header: String,
    pub value: String,
    pub html: String,
    pub text_zh: String,
    pub html_zh: String,
    /// "append" or "prepend"; empty is "append".
    pub place: String,
    /// "wrap", "ignore" or "reject"; empty is "wrap".
    pub fallback: String,
    pub scl: i8,
    pub connector: String,
}

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RuleDraft {
    /// Unique in the organisation.
    pub name: String,
    pub enabled: bool,
    /// "enforce", "audit" or "audit-and-notify"; empty is "enforce".
    pub mode: String,
    pub conditions: Vec<ConditionBody>,
    pub exceptions: Vec<ConditionBody>,
    pub actions: Vec<ActionBody>,
    pub stop: bool,
    /// As 2026-12-31 or 2026-12-31T09:00, UTC; empty is at once.
    pub starts: String,
    pub ends: String,
    /// "header", "envelope" or "either"; empty is "header".
    pub sender_location: String,
    /// "ignore" or "defer"; empty is "ignore".
    pub on_error: String,
    pub comment: String,
}

impl Default for RuleDraft {
    fn default() -> RuleDraft {
        RuleDraft::from(&RuleSettings::default())
    }
}

/// A stored rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleBody {
    pub id: String,
    #[serde(flatten)]
    pub rule: RuleDraft,
    /// In words.
    pub sentence: String,
    /// "page", "command", or "file": those of the settings file come first and are changed there.
    pub source: String,
    /// Unix milliseconds.
    pub changed_ms: i64,
    /// Mails it applied to in the last 7 days.
    pub hits: i64,
}

/// All rules, in the order they are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RulesBody {
    pub rules: Vec<RuleBody>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct NewPlace {
    /// 0 is first among those that are not of the settings file.
    pub place: usize,
}

/// A draft and the mail it is tried on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub struct TestBody {
    pub rule: RuleDraft,
    /// Identifier of a traced mail; empty: `message` is tried.
    pub mail: String,
    /// A whole message with its header.
    pub message: String,
    pub sender: String,
    pub recipients: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub struct RuleReplayBody {
    pub rule: RuleDraft,
    /// 1 to 30; 0 is 7.
    #[schema(minimum = 0, maximum = 30)]
    pub days: i64,
}

impl From<&RuleSettings> for RuleDraft {
    fn from(rule: &RuleSettings) -> RuleDraft {
        let condition =
            |one: &Condition| ConditionBody { kind: one.kind.name().into(), header: one.header.clone(), values: one.values.clone() };
        let action = |one: &Action| ActionBody {
            kind: one.kind.name().into(),
            to: one.to.clone(),
            text: one.text.clone(),
            status: one.status.clone(),
            header: one.header.clone(),
            value: one.value.clone(),
            html: one.html.clone(),
            text_zh: one.text_zh.clone(),
            html_zh: one.html_zh.clone(),
            place: one.place.name().into(),
            fallback: one.fallback.name().into(),
            scl: one.scl,
            connector: one.connector.clone(),
        };
        RuleDraft {
            name: rule.name.clone(),
            enabled: rule.enabled,
            mode: rule.mode.name().into(),
            conditions: rule.conditions.iter().map(condition).collect(),
            exceptions: rule.exceptions.iter().map(condition).collect(),
            actions: rule.actions.iter().map(action).collect(),
            stop: rule.stop,
            starts: rule.starts.clone(),
            ends: rule.ends.clone(),
            sender_location: rule.sender_location.name().into(),
            on_error: rule.on_error.name().into(),
            comment: rule.comment.clone(),
        }
    }
}

impl RuleDraft {
    /// The rule, with every word known.
    /// # Errors
    /// [`Fault::Invalid`] names the words that are not.
    pub fn settings(&self) -> Result<RuleSettings, Fault> {
        let mut wrong = Vec::new();
        let conditions = read(&self.conditions, ("conditions", &mut wrong), |one| {
            let kind = ConditionKind::named(&one.kind)?;
            Some(Condition { kind, header: one.header.clone(), values: one.values.clone() })
        });
        let exceptions = read(&self.exceptions, ("exceptions", &mut wrong), |one| {
            let kind = ConditionKind::named(&one.kind)?;
            Some(Condition { kind, header: one.header.clone(), values: one.values.clone() })
        });
        let actions = read(&self.actions, ("actions", &mut wrong), ActionBody::action);
        let rule = RuleSettings {
            name: self.name.trim().to_string(),
            enabled: self.enabled,
            mode: word(&self.mode, ("mode", &mut wrong), Mode::Enforce, Mode::named),
            conditions,
            exceptions,
            actions,
            stop: self.stop,
            starts: self.starts.clone(),
            ends: self.ends.clone(),
            sender_location: word(&self.sender_location, ("sender_location", &mut wrong), SenderLocation::Header, SenderLocation::named),
            on_error: word(&self.on_error, ("on_error", &mut wrong), OnError::Ignore, OnError::named),
            comment: self.comment.clone(),
            ..RuleSettings::default()
        };
        if wrong.is_empty() { Ok(rule) } else { Err(Fault::Invalid(wrong)) }
    }
}

impl ActionBody {
    fn action(&self) -> Option<Action> {
        let place = if self.place.is_empty() { Some(Place::default()) } else { Place::named(&self.place) };
        let fallback = if self.fallback.is_empty() { Some(Fallback::default()) } else { Fallback::named(&self.fallback) };
        Some(Action {
            kind: ActionKind::named(&self.kind)?,
            to: self.to.clone(),
            text: self.text.clone(),
            status: self.status.clone(),
            header: self.header.clone(),
            value: self.value.clone(),
            html: self.html.clone(),
            text_zh: self.text_zh.clone(),
            html_zh: self.html_zh.clone(),
            place: place?,
            fallback: fallback?,
            scl: self.scl,
            connector: self.connector.clone(),
        })
    }
}

fn unknown(field: &'static str, what: &str) -> Wrong {
    Wrong { field, say: Say::new("rule-wrong-choice").with("what", what.chars().take(80).collect::<String>()) }
}

fn read<B: Serialize, T>(bodies: &[B], into: (&'static str, &mut Vec<Wrong>), one: impl Fn(&B) -> Option<T>) -> Vec<T> {
    let (field, wrong) = into;
    let mut found = Vec::with_capacity(bodies.len());
    for body in bodies {
        match one(body) {
            Some(value) => found.push(value),
            None => wrong.push(unknown(field, &serde_json::to_string(body).unwrap_or_default())),
        }
    }
    found
}

fn word<T>(text: &str, into: (&'static str, &mut Vec<Wrong>), usual: T, named: impl Fn(&str) -> Option<T>) -> T {
    if text.is_empty() {
        return usual;
    }
    named(text).unwrap_or_else(|| {
        into.1.push(unknown(into.0, text));
        usual
    })
}

/// A stored rule as JSON.
pub fn body(row: &RuleRow, hits: i64) -> RuleBody {
    RuleBody {
        id: row.id.to_string(),
        rule: RuleDraft::from(&row.settings),
        sentence: sentence::rule(Lang::English, &row.settings),
        source: row.source.clone(),
        changed_ms: row.changed_ms,
        hits,
    }
}

/// All rules in the order they are looked at.
#[utoipa::path(get, path = "/rules", tag = "rules", responses((status = 200, description = "The rules", body = RulesBody)))]
async fn list(State(app): State<App>, person: Person) -> Result<Json<RulesBody>, Fault> {
    person.require(May::ReadSettings)?;
    let (scope, since) = (person.scope(), trace::first_id_at(app.now_ms() - HIT_DAYS * 24 * 60 * 60 * 1000));
    let read = app
        .db
        .read(move |tx| Box::pin(async move { Ok::<_, store::Error>((sql::list(tx, scope).await?, sql::hits(tx, scope, since).await?)) }));
    let (rows, hits) = read.await?;
    Ok(Json(RulesBody { rules: rows.iter().map(|row| body(row, hits.get(&row.id).copied().unwrap_or(0))).collect() }))
}

/// Adds a rule behind all others.
#[utoipa::path(post, path = "/rules", tag = "rules", request_body = RuleDraft,
    responses((status = 201, description = "The new rule", body = RuleBody)))]
async fn create(State(app): State<App>, person: Person, Json(draft): Json<RuleDraft>) -> Result<(StatusCode, Json<RuleBody>), Fault> {
    person.require(May::Rules)?;
    let org = person.acting_org()?;
    let rule = checked(&app, org, &draft)?;
    let id = change::add(&app, &person, org, rule).await?;
    let row = found(&app, &person, &id.to_string()).await?;
    Ok((StatusCode::CREATED, Json(body(&row, 0))))
}

fn checked(app: &App, org: mail::OrgId, draft: &RuleDraft) -> Result<RuleSettings, Fault> {
    let rule = draft.settings()?;
    let complaints = change::complaints(app, org, &rule);
    if complaints.is_empty() { Ok(rule) } else { Err(change::invalid(&complaints)) }
}

/// One rule.
#[utoipa::path(get, path = "/rules/{id}", tag = "rules", params(("id" = String, Path, description = "Identifier of the rule")),
    responses((status = 200, description = "The rule", body = RuleBody)))]
async fn show(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<RuleBody>, Fault> {
    let row = found(&app, &person, &id).await?;
    person.require(May::ReadSettings)?;
    let (scope, since) = (person.scope(), trace::first_id_at(app.now_ms() - HIT_DAYS * 24 * 60 * 60 * 1000));
    let hits = app.db.read(move |tx| Box::pin(async move { sql::hits(tx, scope, since).await })).await;
    let hits = hits.map_err(<Fault as From<store::Error>>::from)?;
    Ok(Json(body(&row, hits.get(&row.id).copied().unwrap_or(0))))
}

/// Replaces a rule; it keeps its place.
#[utoipa::path(put, path = "/rules/{id}", tag = "rules", params(("id" = String, Path, description = "Identifier of the rule")),
    request_body = RuleDraft, responses((status = 200, description = "The rule as it is now", body = RuleBody)))]
async fn change_rule(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(draft): Json<RuleDraft>,
) -> Result<Json<RuleBody>, Fault> {
    let row = mine_to_change(&app, &person, &id).await?;
    let rule = checked(&app, row.org, &draft)?;
    change::replace(&app, &person, &row, rule).await?;
    Ok(Json(body(&found(&app, &person, &id).await?, 0)))
}

/// Deletes a rule.
#[utoipa::path(delete, path = "/rules/{id}", tag = "rules", params(("id" = String, Path, description = "Identifier of the rule")),
    responses((status = 204, description = "It is gone")))]
async fn delete(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    let row = mine_to_change(&app, &person, &id).await?;
    change::delete(&app, &person, &row).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Moves a rule to another place.
#[utoipa::path(post, path = "/rules/{id}/move", tag = "rules", params(("id" = String, Path, description = "Identifier of the rule")),
    request_body = NewPlace, responses((status = 204, description = "It is there")))]
async fn move_rule(State(app): State<App>, person: Person, Path(id): Path<String>, Json(to): Json<NewPlace>) -> Result<StatusCode, Fault> {
    let row = mine_to_change(&app, &person, &id).await?;
    change::move_to(&app, &person, &row, to.place).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries a draft on one mail; nothing is changed.
#[utoipa::path(post, path = "/rules/test", tag = "rules", request_body = TestBody,
    responses((status = 200, description = "Condition by condition, what holds", body = Tried)))]
async fn test(State(app): State<App>, person: Person, Json(asked): Json<TestBody>) -> Result<Json<Tried>, Fault> {
    person.require(May::Rules)?;
    let org = person.acting_org()?;
    let rule = checked(&app, org, &asked.rule)?;
    let wanted = Wanted { mail: asked.mail, message: asked.message, sender: asked.sender, recipients: asked.recipients };
    Ok(Json(try_mail::tried(&app, &person, org, &rule, &wanted).await?))
}

/// Asks a draft about the mail of the last days; nothing is changed.
#[utoipa::path(post, path = "/rules/replay", tag = "rules", request_body = RuleReplayBody,
    responses((status = 200, description = "What it would have applied to", body = Replayed)))]
async fn replay_draft(State(app): State<App>, person: Person, Json(asked): Json<RuleReplayBody>) -> Result<Json<Replayed>, Fault> {
    person.require(May::Rules)?;
    person.require(May::Trace)?;
    let org = person.acting_org()?;
    let rule = checked(&app, org, &asked.rule)?;
    let days = if asked.days == 0 { replay::DAYS_USUAL } else { asked.days.clamp(1, replay::DAYS_MAX) };
    Ok(Json(replay::replay(&app, org, &rule, days).await?))
}
