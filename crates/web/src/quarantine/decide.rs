//! Releasing and deleting, one or many. Every row is decided by itself: what cannot be done is counted and said, the rest is done.

use super::{list, powers};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::view::own_path;
use crate::page::{Fault, Page, Say, View, confirm, done};
use crate::people::Person;
use axum::Form;
use axum::extract::State;
use gateway::quarantine::{self, Decision, Ended, QuarantineError};

/// Rows decided about with one press.
const PICKED_MAX: usize = 500;

/// What is done with what was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Release,
    Delete,
}

/// `POST /quarantine/decide`: `pick` (any number of times), `verb`, `back`.
pub async fn picked(State(app): State<App>, view: View, person: Person, Form(pairs): Form<Vec<(String, String)>>) -> Page {
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let verb = match value("verb") {
        "release" => Verb::Release,
        "delete" => Verb::Delete,
        _ => return Err(Fault::Unreadable("verb is release or delete".into())),
    };
    let picks = pairs.iter().filter(|(key, _)| key == "pick").map(|(_, pick)| pick.as_str());
    let rows: Vec<_> = picks.filter_map(list::cursor).take(PICKED_MAX).collect();
    let back = own_path(value("back")).to_string();
    if rows.is_empty() {
        return done(&back, Say::new("quarantine-nothing-picked"));
    }
    if verb == Verb::Delete && value("sure").is_empty() {
        let fields = pairs.iter().filter(|(key, _)| key != "sure").cloned().collect();
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("quarantine-delete"),
                text: Say::new("quarantine-delete-sure").with("count", rows.len()),
                button: "quarantine-delete",
                action: "/quarantine/decide".into(),
                fields,
                back,
            },
        );
    }
    let (mut did, mut refused) = (0usize, 0usize);
    for row in rows {
        match one(&app, &person, (row.mail, row.n), verb).await {
            Ok(count) => did += count,
            Err(Fault::Ours(why)) => return Err(Fault::Ours(why)),
            Err(_) => refused += 1,
        }
    }
    let key = if verb == Verb::Release { "quarantine-released" } else { "quarantine-deleted" };
    done(&back, Say::new(key).with("count", did).with("refused", refused))
}

/// Decides about one held row, with its line in the audit log in the same transaction.
pub async fn one(app: &App, person: &Person, row: (mail::MailId, i64), verb: Verb) -> Result<usize, Fault> {
    let (mail, n) = row;
    let held = held(app, person, mail, n).await?;
    let powers = powers(person, &held);
    if !powers.see {
        return Err(Fault::NotFound);
    }
    if !(if verb == Verb::Release { powers.release } else { powers.delete }) {
        return Err(if held.verdict == "malware" {
            Fault::Conflict(Say::new("quarantine-malware-needs-two"))
        } else {
            Fault::Denied(crate::people::May::Release)
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
pub async fn held(app: &App, person: &Person, mail: mail::MailId, n: i64) -> Result<gateway::quarantine::api::HeldBody, Fault> {
    let rows = app.quarantine.rows(person.scope(), mail).await?;
    rows.into_iter().find(|row| row.n == n).ok_or(Fault::NotFound)
}
