//! A mail that somebody reported.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use detect::classify::Label;
use gateway::feedback::Report;
use mail::OrgId;

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let octets = format!("From: a@{MARK}.example\r\nSubject: {MARK}\r\n\r\nhello\r\n").into();
    let report = Report { org, reporter: format!("{MARK}@other.example"), label: Label::Spam, octets, now_ms: NOW_MS - 5_000 };
    let taken = scene.app.feedback.take(report).await.expect("a report");
    named(&taken.id.expect("the first of its kind").to_string())
}

pub fn nowhere() -> Places {
    named(&mail::id::ReportId(gateway::trace::first_id_at(NOW_MS - 7_200_000).0).to_string())
}

fn named(report: &str) -> Places {
    vec![("/submissions/", "report", report.to_string()), ("/api/v1/submissions/", "report", report.to_string())]
}
