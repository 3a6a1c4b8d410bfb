//! What can be done about a mail from its trace; pages and API come through here.

use super::story;
use crate::App;
use crate::audit::{self, Entry};
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use bytes::Bytes;
use detect::classify::Label;
use gateway::feedback::Report;
use gateway::queue;
use mail::{MailId, OrgId};
use store::Error;

/// What is done with what waits for delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    Retry,
    Cancel,
}

/// Tries what is deferred now, or ends it; returns for how many recipients.
/// # Errors
/// [`Fault::Conflict`] when nobody is waiting for it.
pub async fn on_queue(app: &App, person: &Person, mail: MailId, what: Queued) -> Result<usize, Fault> {
    person.require(May::Release)?;
    let org = org_of(app, person, mail).await?;
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let done: Result<usize, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let (done, action) = match what {
                    Queued::Retry => (queue::retry_now(tx, person.scope(), mail, now_ms, &ids).await?, "trace.retry"),
                    Queued::Cancel => (queue::cancel(tx, person.scope(), mail, now_ms, &ids).await?, "trace.cancel"),
                };
                if !done.is_empty() {
                    let entry = Entry::new(Some(org), action, mail).with(serde_json::json!({ "recipients": done }));
                    audit::note(tx, &person, &ids, now_ms, entry).await?;
                }
                Ok(done.len())
            })
        })
        .await;
    match done? {
        0 => Err(Fault::Conflict(Say::new("trace-nothing-queued"))),
        count => Ok(count),
    }
}

/// The organisation of a mail of the person's scope.
async fn org_of(app: &App, person: &Person, mail: MailId) -> Result<OrgId, Fault> {
    let story = story::read(app, person, mail).await?;
    story.row.map(|row| row.org).ok_or_else(|| Fault::Conflict(Say::new("trace-nothing-queued")))
}

/// "good", "junk" or "phish".
pub fn label(name: &str) -> Result<Label, Fault> {
    match name {
        "good" => Ok(Label::Ham),
        "junk" => Ok(Label::Spam),
        "phish" => Ok(Label::Phish),
        _ => Err(Fault::Unreadable("label is good, junk or phish".into())),
    }
}

/// This person says what it is; the filter learns. While the octets are there.
pub async fn report(app: &App, person: &Person, mail: MailId, label: Label) -> Result<(), Fault> {
    person.require(May::Release)?;
    let (org, octets) = octets(app, person, mail).await?;
    let report = Report { org, reporter: person.email.clone(), label, octets, now_ms: app.now_ms() };
    app.feedback.take(report).await.map_err(|why| Fault::Ours(why.to_string()))?;
    note(app, person, Entry::new(Some(org), "trace.report", mail)).await
}

/// The message as it would be sent on. Reading it is written down.
pub async fn export(app: &App, person: &Person, mail: MailId) -> Result<Bytes, Fault> {
    person.require(May::ReadMail)?;
    let (org, octets) = octets(app, person, mail).await?;
    note(app, person, Entry::new(Some(org), "trace.export", mail)).await?;
    Ok(octets)
}

/// The octets of a mail of the person's scope, and whose it is.
/// # Errors
/// [`Fault::Conflict`] when they are not kept any more.
pub async fn octets(app: &App, person: &Person, mail: MailId) -> Result<(OrgId, Bytes), Fault> {
    let gone = || Fault::Conflict(Say::new("trace-octets-gone"));
    let story = story::read(app, person, mail).await?;
    let org = story.row.map(|row| row.org).ok_or_else(gone)?;
    Ok((org, app.octets_of(mail).await?.ok_or_else(gone)?))
}

pub async fn note(app: &App, person: &Person, entry: Entry) -> Result<(), Fault> {
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let noted = app.db.tx(move |tx| Box::pin(async move { audit::note(tx, &person, &ids, now_ms, entry).await }));
    Ok(noted.await?)
}
