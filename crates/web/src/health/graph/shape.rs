//! Our things in Graph's shapes.

use super::super::issue::{Issue, Post};
use super::super::message::{Attached, Message};
use crate::page::table::escaped;
use crate::page::time::rfc3339;
use crate::page::words::{Lang, text};
use fluent_bundle::FluentValue;
use gateway::health::{Service, Status};
use serde_json::{Value, json};
use std::io::{self, Write};

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

/// `serviceHealthIssue`, without its posts.
pub fn issue(issue: &Issue, lang: Lang) -> Value {
    let service = issue.body.services.first();
    let mut details = vec![json!({ "name": "Rule", "value": issue.cause })];
    details.extend(issue.body.evidence.numbers.iter().map(|(name, value)| json!({ "name": name, "value": value.to_string() })));
    details.extend(issue.body.expected_ms.map(|at_ms| json!({ "name": "ExpectedResolution", "value": rfc3339(at_ms) })));
    details.extend(issue.body.next_update_ms.map(|at_ms| json!({ "name": "NextUpdate", "value": rfc3339(at_ms) })));
    json!({
        "id": issue.id.to_string(),
        "title": issue.body.title.in_lang(lang),
        "startDateTime": rfc3339(issue.started_ms),
        "endDateTime": issue.ended_ms.map(rfc3339),
        "lastModifiedDateTime": rfc3339(issue.updated_ms),
        "impactDescription": issue.body.impact.in_lang(lang),
        "classification": issue.classification(),
        "origin": issue.origin,
        "status": issue.status.name(),
        "service": service.map(service_name).unwrap_or_default(),
        "feature": service.map(Service::to_string).unwrap_or_default(),
        "featureGroup": service.map(Service::kind).unwrap_or_default(),
        "isResolved": !issue.is_open,
        "highImpact": issue.is_incident,
        "details": details,
        "posts": [],
    })
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

/// `serviceUpdateMessage`.
pub fn message(message: &Message, lang: Lang) -> Value {
    let html = escaped(&message.body.text.in_lang(lang)).replace('\n', "<br>");
    let tags = message.body.tags.iter().cloned().chain(message.is_major.then(|| "Major update".to_string()));
    json!({
        "id": message.id(),
        "title": message.body.title.in_lang(lang),
        "startDateTime": rfc3339(message.starts_ms),
        "endDateTime": message.ends_ms.map(rfc3339),
        "lastModifiedDateTime": rfc3339(message.updated_ms),
        "category": message.category,
        "severity": message.severity,
        "services": message.body.services.iter().map(service_name).collect::<Vec<_>>(),
        "tags": tags.collect::<Vec<_>>(),
        "isMajorChange": message.is_major,
        "actionRequiredByDateTime": message.act_by_ms.map(rfc3339),
        "expiryDateTime": message.ends_ms.map(rfc3339),
        "hasAttachments": message.files > 0,
        "details": [],
        "body": { "contentType": "html", "content": html },
        "viewPoint": { "isRead": message.is_read, "isArchived": message.is_archived, "isFavorited": message.is_favourite },
    })
}

/// `serviceAnnouncementAttachment`.
pub fn attachment(file: &Attached) -> Value {
    json!({
        "id": file.id.to_string(), "name": file.name, "contentType": file.kind, "size": file.octets.len(),
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

/// All files of a message in one: a zip whose entries are stored as they are (APPNOTE 4.3.7, 4.3.12, 4.3.16).
pub fn archive(files: &[Attached]) -> io::Result<Vec<u8>> {
    let (mut zip, mut list) = (Vec::new(), Vec::new());
    for file in files {
        let at = u32::try_from(zip.len()).map_err(io::Error::other)?;
        let octets = u32::try_from(file.octets.len()).map_err(io::Error::other)?;
        let mut sum = flate2::Crc::new();
        sum.update(&file.octets);
        let name: String = file.name.chars().map(|c| if c.is_alphanumeric() || ".-_ ".contains(c) { c } else { '_' }).take(120).collect();
        // version 2.0, UTF-8 names, stored, 1 January 1980
        let mut head = Vec::new();
        for (value, width) in
            [(20, 2), (0x0800, 2), (0, 2), (0, 2), (0x21, 2), (sum.sum(), 4), (octets, 4), (octets, 4), (name.len() as u32, 2), (0, 2)]
        {
            head.extend_from_slice(&value.to_le_bytes()[..width]);
        }
        zip.write_all(b"PK\x03\x04")?;
        zip.write_all(&head)?;
        zip.write_all(name.as_bytes())?;
        zip.write_all(&file.octets)?;
        list.write_all(b"PK\x01\x02\x14\x00")?;
        list.write_all(&head)?;
        list.write_all(&[0; 10])?;
        list.write_all(&at.to_le_bytes())?;
        list.write_all(name.as_bytes())?;
    }
    let (at, size, count) = (zip.len() as u32, list.len() as u32, files.len() as u16);
    zip.write_all(&list)?;
    zip.write_all(b"PK\x05\x06\0\0\0\0")?;
    for part in [&count.to_le_bytes()[..], &count.to_le_bytes(), &size.to_le_bytes(), &at.to_le_bytes(), &[0, 0]] {
        zip.write_all(part)?;
    }
    Ok(zip)
}
