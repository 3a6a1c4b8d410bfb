//! Mail that a rule holds until somebody it names approves: their list, and what they decide.

use crate::App;
use crate::audit::{self, Entry};
use crate::page::{Fault, Page, Say, View, confirm, done, show};
use crate::people::Person;
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::quarantine::{self, Decision, QuarantineError};
use gateway::rules::sql::{self, WaitingRow};
use mail::MailId;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "rules/templates/approvals.html")]
struct ApprovalsPage<'a> {
    view: &'a View,
    rows: Vec<WaitingRow>,
}

/// `GET /rules/approvals`: what waits for the person signed in, whatever else they may.
pub async fn page(State(app): State<App>, view: View, person: Person) -> Page {
    let rows = waiting(&app, &person, None).await?;
    show(&ApprovalsPage { view: &view, rows })
}

async fn waiting(app: &App, person: &Person, mail: Option<MailId>) -> Result<Vec<WaitingRow>, Fault> {
    let (scope, moderator) = (person.scope(), person.email.to_lowercase());
    let rows = app.db.read(move |tx| Box::pin(async move { sql::waiting(tx, scope, &moderator, mail).await })).await;
    rows.map_err(<Fault as From<store::Error>>::from)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Decided {
    n: i64,
    verb: String,
    sure: String,
}

/// `POST /rules/approvals/{mail}`: approve sends it on, refuse deletes it.
pub async fn decide(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(form): Form<Decided>) -> Page {
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    let row = waiting(&app, &person, Some(mail)).await?.into_iter().find(|row| row.n == form.n).ok_or(Fault::NotFound)?;
    let is_approved = form.verb == "approve";
    if !is_approved && form.sure != "1" {
        return confirm::page(&view, &sure(&row));
    }
    let decision = Decision { scope: person.scope(), mail, recipient: Some(row.n), who: person.email.clone(), now_ms: app.now_ms() };
    let (ids, now_ms, who) = (app.ids.clone(), app.now_ms(), person.clone());
    let files: Result<Vec<String>, QuarantineError> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let files = match is_approved {
                    true => quarantine::release_in(tx, &decision, &ids).await.map(|_| Vec::new())?,
                    false => quarantine::delete_in(tx, &decision, &ids).await?.files,
                };
                let action = if is_approved { "rules.approve" } else { "rules.refuse" };
                audit::note(tx, &who, &ids, now_ms, Entry::new(Some(row.org), action, mail)).await?;
                Ok(files)
            })
        })
        .await;
    app.quarantine.remove(files?).await;
    done("/rules/approvals", Say::new(if is_approved { "rules-approved" } else { "rules-refused" }))
}

fn sure(row: &WaitingRow) -> confirm::Confirm {
    confirm::Confirm {
        title: Say::new("rules-refuse-title"),
        text: Say::new("rules-refuse-sure").with("what", row.subject.clone()),
        button: "rules-refuse",
        action: format!("/rules/approvals/{}", row.mail),
        fields: vec![("n".into(), row.n.to_string()), ("verb".into(), "refuse".into())],
        back: "/rules/approvals".into(),
    }
}
