//! The mass remedy of an issue of filtering: what it took is judged again, and what is found good now goes to its recipients.
//!
//! Invariants: malware stays; each mail is released in a transaction of its own with its line in the audit log; a press ends in time,
//! and says what is left.

use super::super::issue::Issue;
use super::super::sql;
use super::{hit, issue};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::confirm::{self, Confirm};
use crate::page::{Fault, Page, Say, View, done};
use crate::people::{May, Person};
use crate::quarantine::digest;
use axum::Form;
use axum::extract::{Path, State};
use detect::Class;
use gateway::health::Service;
use gateway::quarantine::{self, Decision, QuarantineError};
use gateway::receipt::Receipt;
use mail::MailId;
use serde::Deserialize;
use std::time::{Duration, Instant};
use store::Error;

/// Mails judged with one press, and how long that may take; the rest by pressing again.
const MAILS_MAX: usize = 200;
const WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// What came of a press.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Rescanned {
    pub released: usize,
    pub kept: usize,
    pub left: usize,
}

/// Whether an issue may have taken mail that should not have been taken.
pub fn is_of_filtering(issue: &Issue) -> bool {
    issue.body.services.contains(&Service::Filtering)
}

/// `POST /health/issues/{issue}/rescan`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(Sure { sure }): Form<Sure>) -> Page {
    let (issue, mails) = held(&app, &person, &id).await?;
    let back = format!("/health/issues/{}/hit", issue.id);
    if mails.is_empty() {
        return done(&back, Say::new("health-rescan-nothing"));
    }
    if sure.is_empty() {
        let ask = Confirm {
            title: Say::new("health-rescan"),
            text: Say::new("health-rescan-sure").with("count", mails.len()),
            button: "health-rescan",
            action: format!("/health/issues/{}/rescan", issue.id),
            fields: Vec::new(),
            back,
        };
        return confirm::page(&view, &ask);
    }
    let did = all(&app, &person, &issue, mails).await?;
    done(&back, Say::new("health-rescanned").with("released", did.released).with("kept", did.kept).with("left", did.left))
}

/// The held mails that an issue of filtering may have taken, newest first.
pub async fn held(app: &App, person: &Person, id: &str) -> Result<(Issue, Vec<MailId>), Fault> {
    let (issue, _) = issue::read(app, person, id).await?;
    person.require(May::Release)?;
    if !is_of_filtering(&issue) {
        return Err(Fault::Conflict(Say::new("health-rescan-not-filtering")));
    }
    let hits = hit::hits(app, person, &issue, hit::FILE_ROWS_MAX).await?;
    let mut mails: Vec<MailId> = hits.into_iter().filter(|hit| hit.state == "held").map(|hit| hit.mail).collect();
    mails.dedup();
    Ok((issue, mails))
}

/// Judges them again and releases what is good now.
pub async fn all(app: &App, person: &Person, issue: &Issue, mails: Vec<MailId>) -> Result<Rescanned, Fault> {
    let (began, mut did) = (Instant::now(), Rescanned { left: mails.len(), ..Rescanned::default() });
    for mail in mails.into_iter().take(MAILS_MAX) {
        if began.elapsed() > WITHIN {
            break;
        }
        did.left -= 1;
        match is_good_now(app, person, mail).await? && release(app, person, issue, mail).await? {
            true => did.released += 1,
            false => did.kept += 1,
        }
    }
    let (ids, now_ms, person, number) = (app.ids.clone(), app.now_ms(), person.clone(), issue.id);
    let entry = Entry::new(person.org, "health.rescan", number).with(serde_json::json!(did));
    let noted: Result<(), Error> = app.db.tx(move |tx| Box::pin(async move { audit::note(tx, &person, &ids, now_ms, entry).await })).await;
    noted?;
    Ok(did)
}

/// What cannot be judged stays where it is.
async fn is_good_now(app: &App, person: &Person, mail: MailId) -> Result<bool, Fault> {
    let scope = person.scope();
    let read = app.db.read(move |tx| Box::pin(async move { sql::receipt_of(tx, scope, mail).await })).await?;
    let Some((org, text)) = read else { return Ok(false) };
    let Ok(receipt) = serde_json::from_str::<Receipt>(&text) else { return Ok(false) };
    let octets = match app.quarantine.octets(scope, mail).await {
        Ok(octets) => octets,
        Err(QuarantineError::Store(why)) => return Err(why.into()),
        Err(_) => return Ok(false),
    };
    let second = app.again.judge(org, &receipt, octets).await;
    Ok(second.is_some_and(|second| matches!(second.verdict.class, Class::Clean | Class::Bulk)))
}

/// Whether it left: what carried malware then, or was decided about meanwhile, does not.
async fn release(app: &App, person: &Person, issue: &Issue, mail: MailId) -> Result<bool, Fault> {
    let (ids, now_ms, scope, person, number) = (app.ids.clone(), app.now_ms(), person.scope(), person.clone(), issue.id.to_string());
    let rows = app.quarantine.rows(scope, mail).await?;
    let decision = Decision { scope, mail, recipient: None, who: person.email.clone(), now_ms };
    let released = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                quarantine::release_in(tx, &decision, &ids).await?;
                for row in rows {
                    digest::sql::drop_links(tx, row.org, mail, row.n).await?;
                    let detail = serde_json::json!({ "recipient": row.recipient, "issue": number });
                    audit::note(tx, &person, &ids, now_ms, Entry::new(Some(row.org), "quarantine.release", mail).with(detail)).await?;
                }
                Ok::<_, QuarantineError>(())
            })
        })
        .await;
    match released {
        Ok(()) => Ok(true),
        Err(QuarantineError::Store(why)) => Err(why.into()),
        Err(_) => Ok(false),
    }
}
