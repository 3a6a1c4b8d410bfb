//! The list, with a form to release each.

use super::{list as found, release as let_go};
use crate::App;
use crate::page::{Page, Say, View, confirm, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::State;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "restricted/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    rows: Vec<Line>,
    may_release: bool,
    /// Whom a form without a reason was about.
    wanting: &'a str,
}

/// One sender.
struct Line {
    sender: String,
    since_ms: i64,
    until: String,
    why: String,
}

/// `GET /restricted`.
pub async fn list(State(app): State<App>, view: View, person: Person) -> Page {
    listed(&app, &view, &person, "").await
}

async fn listed(app: &App, view: &View, person: &Person, wanting: &str) -> Page {
    let rows = found(app, person).await?;
    let line = |one: gateway::outflow::Restricted| Line {
        why: view.say(&Say { key: format!("restricted-why-{}", one.reason.name()).into(), args: Vec::new() }.with("count", one.detail)),
        until: if one.until_ms == 0 { view.t("restricted-until-released") } else { view.moment(one.until_ms) },
        since_ms: one.since_ms,
        sender: one.sender,
    };
    show(&ListPage { view, rows: rows.into_iter().map(line).collect(), may_release: person.may(May::Entries), wanting })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Release {
    sender: String,
    reason: String,
    sure: String,
}

/// `POST /restricted/release`: asks first.
pub async fn release(State(app): State<App>, view: View, person: Person, Form(asked): Form<Release>) -> Page {
    person.require(May::Entries)?;
    if asked.reason.trim().is_empty() {
        return listed(&app, &view, &person, &asked.sender).await;
    }
    if asked.sure.is_empty() {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("restricted-release-title").with("sender", asked.sender.as_str()),
                text: Say::new("restricted-release-sure"),
                button: "restricted-release",
                action: "/restricted/release".into(),
                fields: vec![("sender".into(), asked.sender), ("reason".into(), asked.reason)],
                back: "/restricted".into(),
            },
        );
    }
    let_go(&app, &person, &asked.sender, &asked.reason).await?;
    done("/restricted", Say::new("restricted-released").with("sender", asked.sender))
}
