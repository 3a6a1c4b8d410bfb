//! Releasing and deleting, one or many. Every row is decided by itself: what cannot be done is counted and said, the rest is done.

use super::policy::{self, Rules};
use super::{digest, list, powers};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::view::own_path;
use crate::page::{Fault, Page, Say, View, confirm, done, table};
use crate::people::{May, Person};
use axum::Form;
use axum::extract::State;
use gateway::quarantine::api::HeldBody;
use gateway::quarantine::{self, Decision, Ended, QuarantineError};
use mail::MailId;

/// What is done with what was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Release,
    Delete,
}

/// `POST /quarantine/decide`: `pick` (any number of times), `verb`, `back`; `report` says that what is released is not junk.
pub async fn picked(State(app): State<App>, view: View, person: Person, Form(pairs): Form<Vec<(String, String)>>) -> Page {
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let verb = Verb::parse(value("verb"))?;
    let rows: Vec<_> = table::picked(&pairs).iter().filter_map(|pick| list::cursor(pick)).collect();
    let back = own_path(value("back")).to_string();
    if rows.is_empty() {
        return done(&back, Say::new("quarantine-nothing-picked"));
    }
    if verb == Verb::Delete && value("sure").is_empty() {
        let fields = pairs.iter().filter(|(key, _)| key != "sure").cloned().collect();
        let action = "/quarantine/decide".to_string();
        return confirm::page(&view, &sure(rows.len(), (action, fields, back)));
    }
    let (rules, is_reported) = (policy::rules(&app, &person).await?, !value("report").is_empty());
    let (mut did, mut refused) = (0usize, 0usize);
    for row in rows {
        let is_read = is_reported && verb == Verb::Release;
        let octets = if is_read { app.quarantine.octets(person.scope(), row.mail).await.ok() } else { None };
        match one(&app, &person, ((row.mail, row.n), verb), &rules).await {
            Ok(count) => did += count,
            Err(Fault::Ours(why)) => return Err(Fault::Ours(why)),
            Err(_) => {
                refused += 1;
                continue;
            }
        }
        if let Some(octets) = octets {
            report(&app, &person, row.mail, octets).await?;
        }
    }
    done(&back, verb.said(did, refused))
}

/// Asks before so many are deleted.
pub fn sure(count: usize, (action, fields, back): (String, Vec<(String, String)>, String)) -> confirm::Confirm {
    confirm::Confirm {
        title: Say::new("quarantine-delete"),
        text: Say::new("quarantine-delete-sure").with("count", count),
        button: "quarantine-delete",
        action,
        fields,
        back,
    }
}

impl Verb {
    pub fn parse(name: &str) -> Result<Verb, Fault> {
        match name {
            "release" => Ok(Verb::Release),
            "delete" => Ok(Verb::Delete),
            _ => Err(Fault::Unreadable("verb is release or delete".into())),
        }
    }

    pub fn said(self, did: usize, refused: usize) -> Say {
        Say::new(if self == Verb::Release { "quarantine-released" } else { "quarantine-deleted" })
            .with("count", did)
            .with("refused", refused)
    }
}

/// This person says that the mail was no junk; the filter learns. The octets were read before it left.
pub async fn report(app: &App, person: &Person, mail: MailId, octets: bytes::Bytes) -> Result<(), Fault> {
    let scope = person.scope();
    let query = gateway::trace::Query { mail: Some(mail), limit: 1, ..Default::default() };
    let found = app.db.read(move |tx| Box::pin(async move { gateway::trace::search(tx, scope, &query).await })).await?;
    let Some(org) = found.rows.first().map(|row| row.org) else { return Ok(()) };
    let label = detect::classify::Label::Ham;
    let report = gateway::feedback::Report { org, reporter: person.email.clone(), label, octets, now_ms: app.now_ms() };
    app.feedback.take(report).await.map_err(|why| Fault::Ours(why.to_string()))?;
    let (ids, now_ms, person, entry) = (app.ids.clone(), app.now_ms(), person.clone(), Entry::new(Some(org), "quarantine.report", mail));
    let noted: Result<(), store::Error> =
        app.db.tx(move |tx| Box::pin(async move { audit::note(tx, &person, &ids, now_ms, entry).await })).await;
    Ok(noted?)
}

/// Decides about one held row, with its line in the audit log in the same transaction.
pub async fn one(app: &App, person: &Person, (row, verb): ((MailId, i64), Verb), rules: &Rules) -> Result<usize, Fault> {
    let (mail, n) = row;
    let held = held(app, person, mail, n).await?;
    let powers = powers(person, &held, rules);
    if !powers.see {
        return Err(Fault::NotFound);
    }
    if !(if verb == Verb::Release { powers.release } else { powers.delete }) {
        return Err(if held.verdict == "malware" && verb == Verb::Release {
            Fault::Conflict(Say::new("quarantine-malware-needs-two"))
        } else {
            Fault::Denied(May::Release)
        });
    }
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let decision = Decision { scope: person.scope(), mail, recipient: Some(n), who: person.email.clone(), now_ms };
    let ended: Ended = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let (ended, action) = match verb {
                    Verb::Release => {
                        let count = quarantine::release_in(tx, &decision, &ids).await?;
                        (Ended { count, files: Vec::new() }, "quarantine.release")
                    }
                    Verb::Delete => (quarantine::delete_in(tx, &decision, &ids).await?, "quarantine.delete"),
                };
                digest::sql::drop_links(tx, held.org, mail, n).await?;
                let entry = Entry::new(Some(held.org), action, mail).with(serde_json::json!({ "recipient": held.recipient }));
                audit::note(tx, &person, &ids, now_ms, entry).await?;
                Ok::<_, QuarantineError>(ended)
            })
        })
        .await?;
    app.quarantine.remove(ended.files).await;
    Ok(ended.count)
}

/// The held row, when it is in the person's scope.
pub async fn held(app: &App, person: &Person, mail: MailId, n: i64) -> Result<HeldBody, Fault> {
    let rows = app.quarantine.rows(person.scope(), mail).await?;
    rows.into_iter().find(|row| row.n == n).ok_or(Fault::NotFound)
}
