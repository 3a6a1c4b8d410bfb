//! Our things in Graph's shapes.

use super::super::file::Attached;
use super::super::issue::{Issue, Post};
use super::super::message::Message;
use crate::page::table::escaped;
use crate::page::time::rfc3339;
use crate::page::words::{Lang, text};
use fluent_bundle::FluentValue;
use gateway::health::{Service, Status};
use serde_json::{Value, json};
use std::collections::HashMap;

/// A service by the name that stands in `service`.
pub fn service_name(service: &Service) -> String {
    match service {
        Service::Connector(name) => text(Lang::English, "health-service-connector", &[("what", FluentValue::from(name.as_str()))]),
        other => text(Lang::English, &format!("health-service-{}", other.kind()), &[]),
    }
}

/// `serviceHealth`.
pub fn overview(service: &Service, status: Status) -> Value {
    json!({ "id": service.to_string(), "service": service_name(service), "status": status.name() })
}

/// Properties of an issue that hold words, which cost more to write than all others.
pub const ISSUE_WORDS: [&str; 4] = ["title", "impactDescription", "details", "posts"];
/// Those of a message.
pub const MESSAGE_WORDS: [&str; 2] = ["title", "body"];

/// `serviceHealthIssue` without what holds words: enough to filter and to sort by the rest.
pub fn plain_issue(issue: &Issue, names: &mut HashMap<Service, String>) -> Value {
    let service = issue.body.services.first();
    let name = service.map(|service| names.entry(service.clone()).or_insert_with(|| service_name(service)).clone());
    json!({
        "id": issue.id.to_string(),
        "startDateTime": rfc3339(issue.started_ms),
        "endDateTime": issue.ended_ms.map(rfc3339),
        "lastModifiedDateTime": rfc3339(issue.updated_ms),
        "classification": issue.classification(),
        "origin": issue.origin,
        "status": issue.status.name(),
        "service": name.unwrap_or_default(),
        "feature": service.map(Service::to_string).unwrap_or_default(),
        "featureGroup": service.map(Service::kind).unwrap_or_default(),
        "isResolved": !issue.is_open,
        "highImpact": issue.is_incident,
    })
}

/// `serviceHealthIssue`, without its posts.
pub fn issue(issue: &Issue, lang: Lang) -> Value {
    let mut details = vec![json!({ "name": "Rule", "value": issue.cause })];
    details.extend(issue.body.evidence.numbers.iter().map(|(name, value)| json!({ "name": name, "value": value.to_string() })));
    details.extend(issue.body.expected_ms.map(|at_ms| json!({ "name": "ExpectedResolution", "value": rfc3339(at_ms) })));
    details.extend(issue.body.next_update_ms.map(|at_ms| json!({ "name": "NextUpdate", "value": rfc3339(at_ms) })));
    let mut shaped = plain_issue(issue, &mut HashMap::new());
    shaped["title"] = json!(issue.body.title.in_lang(lang));
    shaped["impactDescription"] = json!(issue.body.impact.in_lang(lang));
    shaped["details"] = json!(details);
    shaped["posts"] = json!([]);
    shaped
}

/// `serviceHealthIssuePost`.
pub fn post(post: &Post, lang: Lang) -> Value {
    let html = escaped(&post.text.in_lang(lang)).replace('\n', "<br>");
    json!({
        "createdDateTime": rfc3339(post.at_ms),
        "postType": post.kind,
        "description": { "contentType": "html", "content": html },
    })
}

/// `serviceUpdateMessage` without what holds words.
pub fn plain_message(message: &Message, names: &mut HashMap<Service, String>) -> Value {
    let mut name = |service: &Service| names.entry(service.clone()).or_insert_with(|| service_name(service)).clone();
    let tags = message.body.tags.iter().cloned().chain(message.is_major.then(|| "Major update".to_string()));
    json!({
        "id": message.id(),
        "startDateTime": rfc3339(message.starts_ms),
        "endDateTime": message.ends_ms.map(rfc3339),
        "lastModifiedDateTime": rfc3339(message.updated_ms),
        "category": message.category,
        "severity": message.severity,
        "services": message.body.services.iter().map(&mut name).collect::<Vec<_>>(),
        "tags": tags.collect::<Vec<_>>(),
        "isMajorChange": message.is_major,
        "actionRequiredByDateTime": message.act_by_ms.map(rfc3339),
        "expiryDateTime": message.ends_ms.map(rfc3339),
        "hasAttachments": message.files > 0,
        "details": [],
        "viewPoint": { "isRead": message.is_read, "isArchived": message.is_archived, "isFavorited": message.is_favourite },
    })
}

/// `serviceUpdateMessage`.
pub fn message(message: &Message, lang: Lang) -> Value {
    let html = escaped(&message.body.text.in_lang(lang)).replace('\n', "<br>");
    let mut shaped = plain_message(message, &mut HashMap::new());
    shaped["title"] = json!(message.body.title.in_lang(lang));
    shaped["body"] = json!({ "contentType": "html", "content": html });
    shaped
}

/// `serviceAnnouncementAttachment`.
pub fn attachment(file: &Attached) -> Value {
    json!({
        "id": file.id.to_string(), "name": file.name, "contentType": file.kind, "size": file.size,
        "lastModifiedDateTime": rfc3339(file.at_ms),
    })
}

/// The report as a document of its own.
pub fn report(issue: &Issue, value: &Value, lang: Lang) -> String {
    let said = |key: &str| escaped(&text(lang, key, &[]));
    let posts: String = value["posts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|post| {
            let content = post["description"]["content"].as_str().unwrap_or_default();
            format!("<li>{} {content}</li>", escaped(post["createdDateTime"].as_str().unwrap_or_default()))
        })
        .collect();
    format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{id}</title></head><body><h1>{id}: {}</h1>\
         <p>{} – {}</p><h2>{}</h2><p>{}</p><h2>{}</h2><p>{}</p><h2>{}</h2><ol>{posts}</ol></body></html>",
        lang.tag(),
        escaped(&issue.body.title.in_lang(lang)),
        rfc3339(issue.started_ms),
        issue.ended_ms.map(rfc3339).unwrap_or_default(),
        said("health-impact"),
        escaped(&issue.body.impact.in_lang(lang)),
        said("health-root-cause"),
        escaped(&issue.body.root_cause.in_lang(lang)),
        said("health-updates"),
        id = issue.id,
    )
}
