//! What an organisation chooses about entries: whether people make their own, and whether makers are told before one ends.

use super::sql::{self, Choice};
use crate::App;
use crate::audit::Entry as AuditEntry;
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, show};
use crate::people::{May, Person};
use crate::policy;
use askama::Template;
use axum::Form;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Days before the end that a letter can be asked for.
const WARN_DAYS_MAX: i64 = 30;

#[derive(Template)]
#[template(path = "entry/templates/choice.html")]
struct ChoicePage<'a> {
    view: &'a View,
    form: &'a Shown,
    warn_days: &'static [&'static str],
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Chosen {
    people_may: String,
    warn_days: String,
}

/// `GET /entries/choice`.
pub async fn page(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Entries)?;
    let org = person.acting_org()?;
    let choice = app.db.read(move |tx| Box::pin(async move { sql::choice(tx, org).await })).await.map_err(Fault::from)?;
    let on = if choice.people_may { "on" } else { "" };
    let form = Shown::of(&Chosen { people_may: on.into(), warn_days: choice.warn_days.to_string() });
    show(&ChoicePage { view: &view, form: &form, warn_days: &["0", "1", "3", "7"] })
}

/// `POST /entries/choice`.
pub async fn save(State(app): State<App>, person: Person, Form(chosen): Form<Chosen>) -> Page {
    person.require(May::Entries)?;
    let org = person.acting_org()?;
    let warn_days = chosen.warn_days.parse::<i64>().unwrap_or(0).clamp(0, WARN_DAYS_MAX);
    let choice = Choice { people_may: chosen.people_may == "on", warn_days };
    policy::change(&app, &person, move |tx| {
        Box::pin(async move {
            let was = sql::choice(tx, org).await?;
            sql::choose(tx, org, choice).await?;
            let shape = |choice: Choice| json!({ "people_may": choice.people_may, "warn_days": choice.warn_days });
            Ok(AuditEntry::new(Some(org), "entry.choose", org).with(json!({ "was": shape(was), "is": shape(choice) })))
        })
    })
    .await?;
    done("/entries", Say::new("entry-chosen"))
}
