//! REST of those who run the service: issues opened and told about, messages and maintenance published.

use super::{IssueBody, MessageBody, issue_body, message_body};
use crate::App;
use crate::api::problem::Problem;
use crate::health::issue::{Issue, IssueId};
use crate::health::message::{self, Message};
use crate::health::page::messages::{self, checked};
use crate::health::page::publish::{self, Said};
use crate::health::page::split;
use crate::health::{Text, sql};
use crate::help::Library;
use crate::page::fault::Wrong;
use crate::page::{Fault, Say, View};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gateway::health::Service;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(open))
        .routes(routes!(tell))
        .routes(routes!(split))
        .routes(routes!(announce))
        .routes(routes!(cancel))
}

/// A text in one language or both.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TextWish {
    pub en: String,
    pub zh: String,
}

/// What an operator says about an issue. What is left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IssueWish {
    /// Such as "intake" or "connector:NAME"; needed for a new issue, and left alone where measuring says which.
    pub services: Vec<String>,
    /// As Microsoft Graph spells `serviceHealthStatus`. What is measured as wrong cannot be called right.
    pub status: Option<String>,
    /// "incident" or "advisory".
    pub classification: Option<String>,
    /// "microsoft" (the provider), "thirdParty" or "customer".
    pub origin: Option<String>,
    /// 1 critical to 4 low.
    pub severity: Option<u8>,
    /// Who works on it.
    pub assignee: Option<String>,
    pub title: Option<TextWish>,
    pub impact: Option<TextWish>,
    pub workaround: Option<TextWish>,
    pub root_cause: Option<TextWish>,
    /// Unix milliseconds.
    pub expected_ms: Option<i64>,
    /// When more will be said, Unix milliseconds.
    pub next_update_ms: Option<i64>,
    pub is_known: Option<bool>,
    /// Version that mends a known issue.
    pub fixed_in: Option<String>,
    /// Articles of the help that it explains, such as "check/auth.dmarc.fail".
    pub explains: Option<Vec<String>>,
    /// What is said now.
    pub post: TextWish,
    /// "regular", "quick" or "strategic".
    pub post_kind: String,
    /// Another issue that this one is a part of; "" lets it stand for itself again.
    pub merge_into: Option<String>,
}

impl IssueWish {
    /// The form that an operator would have filled in for this.
    fn said(&self, issue: &Issue) -> Said {
        let mut said = publish::said_of(issue);
        let texts = [
            (&self.title, &mut said.title_en, &mut said.title_zh),
            (&self.impact, &mut said.impact_en, &mut said.impact_zh),
            (&self.workaround, &mut said.workaround_en, &mut said.workaround_zh),
            (&self.root_cause, &mut said.cause_en, &mut said.cause_zh),
        ];
        for (wish, en, zh) in texts {
            if let Some(wish) = wish {
                (*en, *zh) = (wish.en.clone(), wish.zh.clone());
            }
        }
        let plain = [
            (&self.status, &mut said.status),
            (&self.classification, &mut said.kind),
            (&self.origin, &mut said.origin),
            (&self.fixed_in, &mut said.fixed_in),
            (&self.merge_into, &mut said.merge_into),
            (&self.assignee, &mut said.assignee),
        ];
        for (wish, place) in plain {
            if let Some(wish) = wish {
                place.clone_from(wish);
            }
        }
        if let Some(severity) = self.severity {
            said.severity = severity.to_string();
        }
        if let Some(explains) = &self.explains {
            said.explains = explains.join(",");
        }
        if let Some(is_known) = self.is_known {
            said.is_known = if is_known { "on".into() } else { String::new() };
        }
        (said.post_en, said.post_zh, said.post_kind) = (self.post.en.clone(), self.post.zh.clone(), self.post_kind.clone());
        said
    }

    /// Puts the wish into the issue; the post that tells of it.
    fn put(&self, library: &Library, issue: &mut Issue, view: &View) -> Result<Text, Vec<Wrong>> {
        let (said, times) = (self.said(issue), (issue.body.expected_ms, issue.body.next_update_ms));
        let text = publish::put(library, issue, &said, view)?;
        publish::merge(issue, &said.merge_into)?;
        issue.body.expected_ms = self.expected_ms.or(times.0);
        issue.body.next_update_ms = self.next_update_ms.or(times.1);
        Ok(text)
    }
}

fn services_of(names: &[String]) -> Result<Vec<Service>, Vec<Wrong>> {
    let services: Result<Vec<Service>, _> = names.iter().map(|name| name.parse()).collect();
    services.ok().filter(|services: &Vec<Service>| !services.is_empty()).ok_or_else(|| vec![Wrong::new("services", "health-wrong-service")])
}

/// Opens an issue that concerns everybody.
#[utoipa::path(post, path = "/health/issues", tag = "health", request_body = IssueWish, responses(
    (status = 201, description = "Opened", body = IssueBody),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Fields are wrong"),
))]
async fn open(
    State(app): State<App>,
    view: View,
    person: Person,
    Json(wish): Json<IssueWish>,
) -> Result<(StatusCode, Json<IssueBody>), Fault> {
    person.require(May::Operate)?;
    let services = services_of(&wish.services).map_err(Fault::Invalid)?;
    let mut issue = publish::fresh(services[0].kind(), app.now_ms());
    issue.body.services = services;
    let text = wish.put(app.help.library().await, &mut issue, &view).map_err(Fault::Invalid)?;
    let text = if text.is_empty() { Say::new("health-opened-by-person").into() } else { text };
    let id = publish::save(&app, &person, issue, (&wish.post_kind, text), "health.open").await?;
    Ok((StatusCode::CREATED, Json(written(&app, &person, id).await?)))
}

/// Says something about an issue and changes it: words, severity, origin, status, what it is a part of.
#[utoipa::path(post, path = "/health/issues/{issue}/posts", tag = "health", request_body = IssueWish,
    params(("issue" = String, Path, description = "Such as EX100001")), responses(
    (status = 200, description = "The issue as it is now", body = IssueBody),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Fields are wrong, or measuring forbids the status"),
))]
async fn tell(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Json(wish): Json<IssueWish>,
) -> Result<Json<IssueBody>, Fault> {
    let id: IssueId = id.parse().map_err(|()| Fault::NotFound)?;
    let mut issue = find(&app, &person, id).await?;
    person.require(May::Operate)?;
    let was_part_of = issue.merged_into;
    let text = wish.put(app.help.library().await, &mut issue, &view).map_err(Fault::Invalid)?;
    if issue.merged_into != was_part_of {
        publish::into_fits(&app, &issue).await?.map_err(Fault::Invalid)?;
    }
    if !wish.services.is_empty() && issue.cause.is_empty() {
        issue.body.services = services_of(&wish.services).map_err(Fault::Invalid)?;
    }
    let text = if text.is_empty() { Say::new("health-changed-by-person").into() } else { text };
    let id = publish::save(&app, &person, issue, (&wish.post_kind, text), "health.publish").await?;
    Ok(Json(written(&app, &person, id).await?))
}

async fn find(app: &App, person: &Person, id: IssueId) -> Result<Issue, Fault> {
    let scope = person.scope();
    app.db.read(move |tx| Box::pin(async move { sql::find(tx, scope, id).await })).await?.ok_or(Fault::NotFound)
}

async fn written(app: &App, person: &Person, id: IssueId) -> Result<IssueBody, Fault> {
    Ok(issue_body(&find(app, person, id).await?))
}

/// A part of an issue that becomes an issue of its own.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitWish {
    /// Of the services of the issue.
    pub services: Vec<String>,
    /// Name of the organization that the new issue is for; "" is whom the issue concerns.
    pub organization: String,
    /// Left out: as the issue is called.
    pub title: TextWish,
    /// What is said in the new issue.
    pub post: TextWish,
}

/// Splits a part off an issue. What is measured stays in the issue as long as it is measured.
#[utoipa::path(post, path = "/health/issues/{issue}/split", tag = "health", request_body = SplitWish,
    params(("issue" = String, Path, description = "Such as EX100001")), responses(
    (status = 201, description = "The new issue", body = IssueBody),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Fields are wrong"),
))]
async fn split(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(wish): Json<SplitWish>,
) -> Result<(StatusCode, Json<IssueBody>), Fault> {
    let id: IssueId = id.parse().map_err(|()| Fault::NotFound)?;
    let issue = find(&app, &person, id).await?;
    person.require(May::Operate)?;
    let wish = split::Wish {
        services: wish.services,
        organisation: wish.organization,
        title: Text::written(&wish.title.en, &wish.title.zh),
        post: Text::written(&wish.post.en, &wish.post.zh),
    };
    let id = split::split(&app, &person, issue, wish).await?.map_err(|wrong| Fault::Invalid(vec![wrong]))?;
    Ok((StatusCode::CREATED, Json(written(&app, &person, id).await?)))
}

/// A message of the message center, or planned maintenance.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MessageWish {
    /// Planned maintenance with a window, five days ahead unless `is_short_notice`.
    pub is_maintenance: bool,
    /// "preventOrFixIssue", "planForChange" or "stayInformed".
    pub category: String,
    /// "normal", "high" or "critical".
    pub severity: String,
    /// Name of the organization it is for; "" is everybody.
    pub organization: String,
    pub services: Vec<String>,
    /// At most ten, such as "Admin impact".
    pub tags: Vec<String>,
    pub title: TextWish,
    pub text: TextWish,
    /// Unix milliseconds; left out: now.
    pub starts_ms: Option<i64>,
    pub ends_ms: Option<i64>,
    pub act_by_ms: Option<i64>,
    pub is_major: bool,
    pub is_short_notice: bool,
}

/// Publishes a message or planned maintenance.
#[utoipa::path(post, path = "/health/messages", tag = "health", request_body = MessageWish, responses(
    (status = 201, description = "Published", body = MessageBody),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Fields are wrong"),
))]
async fn announce(State(app): State<App>, person: Person, Json(wish): Json<MessageWish>) -> Result<(StatusCode, Json<MessageBody>), Fault> {
    person.require(May::Operate)?;
    let now_ms = app.now_ms();
    let org = messages::organisation(&app, &wish.organization)
        .ok_or_else(|| Fault::Invalid(vec![Wrong::new("organization", "health-wrong-organisation")]))?;
    let services = if wish.services.is_empty() { Vec::new() } else { services_of(&wish.services).map_err(Fault::Invalid)? };
    let message = Message {
        org,
        is_maintenance: wish.is_maintenance,
        category: wish.category,
        severity: wish.severity,
        is_major: wish.is_major,
        starts_ms: wish.starts_ms.unwrap_or(now_ms),
        ends_ms: wish.ends_ms,
        act_by_ms: wish.act_by_ms,
        updated_ms: now_ms,
        body: message::Body {
            title: Text::written(&wish.title.en, &wish.title.zh),
            text: Text::written(&wish.text.en, &wish.text.zh),
            services,
            tags: wish.tags,
        },
        ..Message::default()
    };
    let message = checked(message, (wish.is_short_notice, now_ms)).map_err(Fault::Invalid)?;
    let number = messages::save(&app, &person, message.clone(), "health.message").await?;
    Ok((StatusCode::CREATED, Json(message_body(&Message { number, ..message }))))
}

/// Calls planned maintenance off. It stays in the list and in calendars, as cancelled.
#[utoipa::path(post, path = "/health/messages/{message}/cancel", tag = "health", params(("message" = String, Path, description = "Such as MC100001")), responses(
    (status = 200, description = "Called off", body = MessageBody),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "It is no maintenance, or is cancelled already"),
))]
async fn cancel(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<MessageBody>, Fault> {
    let (scope, reader, number) = (person.scope(), person.id, message::number(&id).ok_or(Fault::NotFound)?);
    let found = app.db.read(move |tx| Box::pin(async move { message::find(tx, scope, reader, number).await })).await?;
    let found = found.ok_or(Fault::NotFound)?;
    person.require(May::Operate)?;
    if !found.is_maintenance || found.is_cancelled {
        return Err(Fault::Conflict(Say::new("health-wrong-cancel")));
    }
    let message = Message { is_cancelled: true, sequence: found.sequence + 1, updated_ms: app.now_ms(), ..found };
    messages::save(&app, &person, message.clone(), "health.cancel-maintenance").await?;
    Ok(Json(message_body(&message)))
}
