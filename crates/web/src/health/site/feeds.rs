//! The board for programs: JSON in the shape of Statuspage, Atom (RFC 4287), iCalendar (RFC 5545).

use crate::health::board::Board;
use crate::health::issue::{Issue, Post};
use crate::page::table::escaped;
use crate::page::time::rfc3339;
use crate::page::words::{Lang, text};
use gateway::health::{Level, Service, Status};
use serde_json::{Value, json};

/// Octets of one line of a calendar (RFC 5545 §3.1).
const LINE_OCTETS_MAX: usize = 75;

fn indicator(level: Level) -> &'static str {
    match level {
        Level::Fine => "none",
        Level::Advice => "minor",
        Level::Degraded => "major",
        Level::Interrupted => "critical",
    }
}

fn component_status(board: &Board, service: &Service) -> &'static str {
    let in_window =
        |window: &crate::health::message::Message| window.phase(board.at_ms) == "in-progress" && window.body.services.contains(service);
    match board.status(service).level() {
        Level::Fine | Level::Advice if board.maintenance.iter().any(in_window) => "under_maintenance",
        Level::Fine | Level::Advice => "operational",
        Level::Degraded => "degraded_performance",
        Level::Interrupted => "major_outage",
    }
}

fn incident_status(issue: &Issue) -> &'static str {
    match issue.status {
        Status::PostIncidentReviewPublished => "postmortem",
        status if status.is_over() => "resolved",
        Status::RestoringService | Status::VerifyingService | Status::ExtendedRecovery => "monitoring",
        _ if !issue.body.root_cause.is_empty() => "identified",
        _ => "investigating",
    }
}

fn service_name(service: &Service, lang: Lang) -> String {
    text(lang, &format!("health-service-{}", service.kind()), &[])
}

/// Statuspage's `summary.json`: components, incidents, scheduled maintenances.
pub fn summary(board: &Board, url: &str) -> Value {
    let component = |(n, service): (usize, &Service)| {
        json!({
            "id": service.to_string(), "name": service_name(service, Lang::English), "name_zh": service_name(service, Lang::Chinese),
            "status": component_status(board, service), "health": board.status(service).name(), "position": n + 1, "page_id": "gatepost",
            "updated_at": rfc3339(board.states.get(service).map_or(board.at_ms, |state| state.since_ms)),
            "group": false, "showcase": true, "only_show_if_degraded": false,
            "evidence": board.states.get(service).map(|state| json!({ "cause": state.cause, "measured": state.evidence })),
        })
    };
    let incidents: Vec<Value> = board.issues.iter().filter(|(issue, _)| issue.is_open).map(|pair| incident(board, pair, url)).collect();
    let past: Vec<Value> = board.issues.iter().filter(|(issue, _)| !issue.is_open).map(|pair| incident(board, pair, url)).collect();
    json!({
        "page": { "id": "gatepost", "name": "Gatepost", "url": url, "time_zone": "Etc/UTC", "updated_at": rfc3339(board.at_ms) },
        "status": { "indicator": indicator(board.worst()), "description": text(Lang::English, super::pages::headline(board.worst()), &[]) },
        "is_alone": board.is_alone,
        "components": Service::SHARED.iter().enumerate().map(component).collect::<Vec<_>>(),
        "incidents": incidents,
        "past_incidents": past,
        "scheduled_maintenances": maintenances(board),
    })
}

fn incident(board: &Board, (issue, posts): &(Issue, Vec<Post>), url: &str) -> Value {
    let update = |post: &Post| {
        json!({
            "id": format!("p{}", post.id), "incident_id": issue.id.to_string(), "status": post.status.map_or("update", Status::name),
            "body": post.text.in_lang(Lang::English), "body_zh": post.text.in_lang(Lang::Chinese),
            "created_at": rfc3339(post.at_ms), "updated_at": rfc3339(post.at_ms), "display_at": rfc3339(post.at_ms),
        })
    };
    json!({
        "id": issue.id.to_string(), "name": issue.body.title.in_lang(Lang::English), "name_zh": issue.body.title.in_lang(Lang::Chinese),
        "status": incident_status(issue), "health": issue.status.name(), "impact": if issue.is_incident { "critical" } else { "minor" },
        "shortlink": format!("{url}/#{}", issue.id), "page_id": "gatepost",
        "started_at": rfc3339(issue.started_ms), "created_at": rfc3339(issue.started_ms), "updated_at": rfc3339(issue.updated_ms),
        "resolved_at": issue.ended_ms.map(rfc3339), "expected_resolution_at": issue.body.expected_ms.map(rfc3339),
        "next_update_due_at": issue.body.next_update_ms.map(rfc3339),
        "components": issue.body.services.iter().filter(|service| Service::SHARED.contains(service))
            .map(|service| json!({ "id": service.to_string(), "status": component_status(board, service) })).collect::<Vec<_>>(),
        "incident_updates": posts.iter().map(update).collect::<Vec<_>>(),
    })
}

fn maintenances(board: &Board) -> Vec<Value> {
    let windows = board.maintenance.iter().filter(|window| window.phase(board.at_ms) != "completed");
    windows
        .map(|window| {
            json!({
                "id": window.id(), "name": window.body.title.in_lang(Lang::English), "name_zh": window.body.title.in_lang(Lang::Chinese),
                "status": window.phase(board.at_ms).replace('-', "_"), "impact": "maintenance", "page_id": "gatepost",
                "scheduled_for": rfc3339(window.starts_ms), "scheduled_until": window.ends_ms.map(rfc3339),
                "updated_at": rfc3339(window.updated_ms), "body": window.body.text.in_lang(Lang::English),
            })
        })
        .collect()
}

/// One entry an issue and a window, updated in place.
pub fn atom(board: &Board, url: &str) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\">\n\
         <id>tag:gatepost,2026:status</id>\n<title>Gatepost: {}</title>\n<updated>{}</updated>\n<author><name>Gatepost</name></author>\n",
        escaped(&text(Lang::English, "health-site-title", &[])),
        rfc3339(board.newest_ms.max(1)),
    );
    if !url.is_empty() {
        xml.push_str(&format!("<link rel=\"self\" href=\"{0}/status/feed.atom\"/>\n<link href=\"{0}/\"/>\n", escaped(url)));
    }
    for (issue, posts) in &board.issues {
        let said: String = posts.iter().map(|post| format!("<p>{} {}</p>", rfc3339(post.at_ms), both(&post.text))).collect();
        let html = format!("<p>{}</p>{said}", both(&issue.body.impact));
        entry(&mut xml, &issue.id.to_string(), &issue.body.title.in_lang(Lang::English), (issue.started_ms, issue.updated_ms), &html);
    }
    for window in &board.maintenance {
        let html = format!(
            "<p>{} – {}</p><p>{}</p>",
            rfc3339(window.starts_ms),
            window.ends_ms.map(rfc3339).unwrap_or_default(),
            both(&window.body.text)
        );
        entry(&mut xml, &window.id(), &window.body.title.in_lang(Lang::English), (window.updated_ms, window.updated_ms), &html);
    }
    xml.push_str("</feed>\n");
    xml
}

/// English and Chinese below each other, as HTML.
fn both(said: &crate::health::Text) -> String {
    let (english, chinese) = (escaped(&said.in_lang(Lang::English)), escaped(&said.in_lang(Lang::Chinese)));
    if english == chinese { english } else { format!("{english}<br><span lang=\"zh-CN\">{chinese}</span>") }
}

fn entry(xml: &mut String, id: &str, title: &str, (published_ms, updated_ms): (i64, i64), html: &str) {
    xml.push_str(&format!(
        "<entry><id>tag:gatepost,2026:{id}</id><title>{id}: {}</title><published>{}</published><updated>{}</updated>\
         <content type=\"html\">{}</content></entry>\n",
        escaped(title),
        rfc3339(published_ms),
        rfc3339(updated_ms),
        escaped(html),
    ));
}

/// One VEVENT a window, with a stable UID, counted changes, and cancelled rather than gone (RFC 5545 §3.8.7.4, §3.8.1.11).
pub fn calendar(board: &Board, url: &str) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| folded(&mut text, &format!("{name}:{value}"));
    line("BEGIN", "VCALENDAR");
    line("VERSION", "2.0");
    line("PRODID", "-//Gatepost//Maintenance//EN");
    line("REFRESH-INTERVAL;VALUE=DURATION", "PT1H");
    for window in &board.maintenance {
        line("BEGIN", "VEVENT");
        line("UID", &format!("{}@gatepost", window.id()));
        line("DTSTAMP", &ical(window.updated_ms));
        line("LAST-MODIFIED", &ical(window.updated_ms));
        line("SEQUENCE", &window.sequence.to_string());
        line("DTSTART", &ical(window.starts_ms));
        line("DTEND", &ical(window.ends_ms.unwrap_or(window.starts_ms)));
        line("SUMMARY", &ical_text(&window.body.title.in_lang(Lang::English)));
        line("DESCRIPTION", &ical_text(&window.body.text.in_lang(Lang::English)));
        line("STATUS", if window.is_cancelled { "CANCELLED" } else { "CONFIRMED" });
        line("TRANSP", "TRANSPARENT");
        line("CATEGORIES", "MAINTENANCE");
        if !url.is_empty() {
            line("URL", url);
        }
        line("END", "VEVENT");
    }
    line("END", "VCALENDAR");
    text
}

fn ical(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| String::new(), |at| at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// RFC 5545 §3.3.11.
fn ical_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace("\r\n", "\\n").replace(['\n', '\r'], "\\n")
}

/// RFC 5545 §3.1: longer lines go on after a space, never within a character.
fn folded(text: &mut String, line: &str) {
    let mut octets = 0;
    for c in line.chars() {
        if octets + c.len_utf8() > LINE_OCTETS_MAX {
            text.push_str("\r\n ");
            octets = 1;
        }
        text.push(c);
        octets += c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Text;
    use crate::health::message::{Body, Message};

    #[test]
    fn a_calendar_is_folded_escaped_and_never_loses_a_window() {
        let title = Text::written(&"维护, now; and \\ then\n".repeat(9), "");
        let window = Message {
            number: 100_001,
            is_maintenance: true,
            is_cancelled: true,
            starts_ms: 1_795_521_600_000,
            sequence: 3,
            body: Body { title, ..Body::default() },
            ..Message::default()
        };
        let ics = calendar(&Board { maintenance: vec![window], ..Board::default() }, "https://status.example");
        assert!(ics.lines().all(|line| line.len() <= LINE_OCTETS_MAX), "{ics}");
        let unfolded = ics.replace("\r\n ", "");
        for part in
            ["UID:MC100001@gatepost", "SEQUENCE:3", "STATUS:CANCELLED", "DTSTART:20261124T120000Z", "维护\\, now\\; and \\\\ then\\n"]
        {
            assert!(unfolded.contains(part), "{part} in {unfolded}");
        }
    }
}
