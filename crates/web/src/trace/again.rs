//! A mail judged again, beside what it was judged then: what changed, and why.

use super::{actions, story};
use crate::App;
use crate::audit::Entry;
use crate::page::{Fault, Page, Say, View, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Path, State};
use detect::{Finding, Verdict};
use gateway::receipt::{self, Receipt};
use mail::MailId;
use std::borrow::Cow;

#[derive(Template)]
#[template(path = "trace/templates/again.html")]
struct AgainPage<'a> {
    view: &'a View,
    mail: MailId,
    subject: String,
    /// `(words key, then, now)`.
    figures: Vec<(&'static str, String, String)>,
    is_same: bool,
    /// `(words key, id, findings)`
    changes: Vec<(&'static str, &'static str, Vec<Row<'a>>)>,
    versions: (String, String),
}

struct Row<'a> {
    check: &'a str,
    title: &'a str,
    evidence: Cow<'a, str>,
    weight: String,
}

/// Then and now.
pub struct Compared {
    pub then: Receipt,
    pub now: gateway::intake::again::Second,
}

/// Judges a mail of the person's scope again.
/// # Errors
/// [`Fault::Conflict`] when its octets or its receipt are not there, or it took too long.
pub async fn compared(app: &App, person: &Person, mail: MailId) -> Result<Compared, Fault> {
    person.require(May::Trace)?;
    person.require(May::ReadMail)?;
    let story = story::read(app, person, mail).await?;
    let then = story.receipt.ok_or_else(|| Fault::Conflict(Say::new("again-no-receipt")))?;
    let (org, octets) = actions::octets(app, person, mail).await?;
    let now = app.again.judge(org, &then, octets).await.ok_or_else(|| Fault::Conflict(Say::new("again-too-long")))?;
    actions::note(app, person, Entry::new(Some(org), "trace.again", mail)).await?;
    Ok(Compared { then, now })
}

/// `POST /trace/{mail}/again`: asks DNS and the engines again, so it is not done by looking.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::Trace)?;
    let mail = id.parse().map_err(|_| Fault::NotFound)?;
    let Compared { then, now } = compared(&app, &person, mail).await?;
    let figures = figures(&view, &then.verdict, &now.verdict);
    show(&AgainPage {
        view: &view,
        mail,
        subject: then.header.subject.clone(),
        is_same: then.verdict.class == now.verdict.class,
        changes: vec![
            ("again-came", "came", missing(&view, &now.findings, &then.findings)),
            ("again-went", "went", missing(&view, &then.findings, &now.findings)),
        ],
        versions: (format!("{}, {}", then.versions.code, then.versions.model), env!("CARGO_PKG_VERSION").to_string()),
        figures,
    })
}

fn figures(view: &View, then: &Verdict, now: &Verdict) -> Vec<(&'static str, String, String)> {
    let class = |verdict: &Verdict| receipt::class_words(verdict.class, view.lang.of_receipt()).to_string();
    let percent = |p: f32| format!("{:.1} %", p * 100.0);
    vec![
        ("trace-verdict", class(then), class(now)),
        ("again-scl", then.scl.to_string(), now.scl.to_string()),
        ("again-bcl", then.bcl.to_string(), now.bcl.to_string()),
        ("again-spam", percent(then.spam_probability), percent(now.spam_probability)),
        ("again-phish", percent(then.phish_probability), percent(now.phish_probability)),
    ]
}

/// Findings of `these` that `those` have not, strongest first.
fn missing<'a>(view: &View, these: &'a [Finding], those: &[Finding]) -> Vec<Row<'a>> {
    let mut found: Vec<&Finding> = these.iter().filter(|one| !those.iter().any(|other| other.check == one.check)).collect();
    found.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    let row = |one: &'a Finding| Row {
        check: &one.check,
        title: receipt::title(&one.check, view.lang.of_receipt()),
        evidence: receipt::evidence(one, view.lang.of_receipt()),
        weight: story::weight(view, one),
    };
    found.into_iter().map(row).collect()
}
