//! An issue and a message of one organisation.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use gateway::dkim::Seal;
use mail::{OrgId, PersonId};
use store::Error;
use web::health::Text;
use web::health::file::{self, New};
use web::health::hook::sql::Hook;
use web::health::issue::{Issue, Post};
use web::health::message::{self, Message};
use web::health::sql;

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let (issue, report, seal) = (scene.app.fresh_id(), scene.app.fresh_id(), scene.app.seal.clone());
    let made: Result<(String, String), Error> =
        scene.app.db.tx(move |tx| Box::pin(async move { make(tx, &seal, org, (issue, report)).await })).await;
    let (issue, message) = made.expect("an issue and a message");
    named(&issue, &message, &report.to_string())
}

pub fn nowhere() -> Places {
    named("EX999999", "MC999999", "999")
}

fn named(issue: &str, message: &str, hook: &str) -> Places {
    vec![
        ("/health/issues/", "*", issue.to_string()),
        ("/api/v1/health/issues/", "*", issue.to_string()),
        ("/health/messages/", "*", message.to_string()),
        ("/api/v1/health/messages/", "*", message.to_string()),
        ("/health/messages/", "file", hook.to_string()),
        ("/api/v1/health/messages/", "file", hook.to_string()),
        ("/health/hooks/", "*", hook.to_string()),
        ("/api/v1/health/hooks/", "*", hook.to_string()),
        ("/health/hooks/", "sent", hook.to_string()),
        ("/api/v1/health/hooks/", "event", hook.to_string()),
        ("/v1.0/admin/serviceAnnouncement/", "*", format!("issues/{issue}")),
    ]
}

async fn make(tx: &mut store::Tx, seal: &Seal, org: OrgId, (post, report): (i64, i64)) -> Result<(String, String), Error> {
    let mut issue: Issue = crate::health::issue(NOW_MS - 7_200_000);
    (issue.id, issue.org) = (sql::next_number(tx).await?, org.0);
    (issue.is_open, issue.is_measured, issue.ended_ms) = (false, false, Some(NOW_MS - 3_600_000));
    issue.status = gateway::health::Status::ServiceRestored;
    issue.body.title = Text::written(MARK, MARK);
    sql::put(tx, &issue).await?;
    let said = Post { id: post, at_ms: NOW_MS, kind: "regular".into(), status: None, who: String::new(), text: Text::written(MARK, "") };
    sql::put_post(tx, &issue, &said).await?;
    let mut message =
        Message { org: org.0, category: "stayInformed".into(), severity: "normal".into(), updated_ms: NOW_MS, ..Message::default() };
    message.body.title = Text::written(MARK, "");
    message.number = message::put(tx, &message).await?;
    let file = New { id: report, name: "plan.txt".into(), kind: "text/plain".into(), at_ms: NOW_MS, octets: MARK.into() };
    file::put(tx, &message, &file).await?;
    let said = sql::Report { id: report, org, person: PersonId(99), service: "intake".into(), text: MARK.into(), issue: 0 };
    sql::put_report(tx, &said).await?;
    let hook = Hook {
        id: report,
        org: org.0,
        kind: "events".into(),
        url: format!("https://{MARK}.example/"),
        secret: "whsec_AAAA".into(),
        answer: String::new(),
        next_ms: 0,
        topics: "health".into(),
    };
    web::health::hook::sql::put(tx, seal, &hook, NOW_MS).await?;
    web::health::hook::sql::put_try(tx, report, &hook, &format!("{{\"type\":\"{MARK}\"}}"), NOW_MS).await?;
    Ok((issue.id.to_string(), message.id()))
}
