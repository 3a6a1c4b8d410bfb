//! Parts of the monthly review, and the page of the account manager.

use super::act::{self, FindingDecision, PremierAction};
use super::ledger::{BlockBody, UseBody};
use super::posture::MonthFigures;
use super::sql::{Checkup, Finding};
use super::{Whole, whole};
use crate::App;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show_with};
use crate::people::{May, Person};
use crate::support_desk::{Month, sql as desk_sql};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::scope::OrgScope;
use mail::OrgId;
use store::Error;

/// "2:05" hours.
fn hours(minutes: i64) -> String {
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

/// Colour of a check's result.
fn tone(result: &str) -> &'static str {
    match result {
        "ok" => "good",
        "advice" => "warn",
        "problem" => "bad",
        _ => "plain",
    }
}

#[derive(Template)]
#[template(path = "premier/templates/panel.html")]
struct Panel<'a> {
    view: &'a View,
    whole: &'a Whole,
    may_decide: bool,
}

impl Panel<'_> {
    fn hours(&self, minutes: &i64) -> String {
        hours(*minutes)
    }

    fn tone(&self, result: &str) -> &'static str {
        tone(result)
    }

    fn figures(&self) -> [(&'static str, String); 7] {
        let of = |figures: &MonthFigures| {
            let part = |some: i64, all: i64| match all {
                0 => "–".to_string(),
                all => format!("{:.2} %", some as f64 * 100.0 / all as f64),
            };
            let sessions = figures.tls_succeeded + figures.tls_failed;
            [
                ("premier-mails", figures.mails.to_string()),
                ("premier-unwanted", figures.unwanted.to_string()),
                ("premier-false-positives", figures.false_positives.to_string()),
                ("premier-false-rate", part(figures.false_positives, figures.unwanted)),
                ("premier-missed", figures.missed.to_string()),
                ("premier-dmarc-passed", part(figures.dmarc_passed, figures.dmarc_mails)),
                ("premier-tls-passed", part(figures.tls_succeeded, sessions)),
            ]
        };
        of(&self.whole.posture.figures)
    }

    fn next(&self) -> Option<&Checkup> {
        self.whole.checkups.iter().filter(|check| check.state == "planned").min_by_key(|check| check.due_ms)
    }

    fn last(&self) -> Option<&Checkup> {
        self.whole.checkups.iter().filter(|check| check.state == "done").max_by_key(|check| check.done_ms)
    }

    fn is_open(&self, finding: &Finding) -> bool {
        finding.state == "open"
    }
}

/// Hours of advice, posture and health checks, as HTML for the organisation.
pub fn panel(view: &View, whole: &Whole) -> Result<String, Fault> {
    let panel = Panel { view, whole, may_decide: view.may(May::Domains) };
    panel.render().map_err(|why| Fault::Ours(format!("a review could not be written: {why}")))
}

/// `POST /premier/findings`.
pub async fn decide(State(app): State<App>, person: Person, Form(decision): Form<FindingDecision>) -> Page {
    person.require(May::Domains)?;
    match act::decide(&app, &person, decision).await {
        Ok(()) => done("/premier#findings", Say::new("support-done")),
        Err(Fault::Invalid(wrong)) => Err(Fault::Conflict(wrong.into_iter().next().map_or(Say::new("premier-wrong-why"), |one| one.say))),
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "premier/templates/manage.html")]
struct ManagePage<'a> {
    view: &'a View,
    form: &'a Shown,
    org: OrgId,
    name: String,
    whole: &'a Whole,
    /// The organisation lets support look.
    sees: bool,
    may_buy: bool,
}

impl ManagePage<'_> {
    fn hours(&self, minutes: &i64) -> String {
        hours(*minutes)
    }

    fn tone(&self, result: &str) -> &'static str {
        tone(result)
    }

    fn blocks(&self) -> &[BlockBody] {
        &self.whole.ledger.blocks
    }

    fn uses(&self) -> &[UseBody] {
        &self.whole.ledger.uses
    }
}

/// What a person of support may see of an organisation they manage.
pub async fn seen(app: &App, person: &Person, org: OrgId) -> Result<(Whole, bool), Fault> {
    let (now_ms, person) = (app.now_ms(), person.clone());
    let found: Result<(Whole, bool), Error> = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let contract = desk_sql::contract_of(tx, OrgScope::One(org), org).await?;
                let mut whole = whole(tx, org, (contract.advisory_minutes, Month::of(now_ms).span()), now_ms).await?;
                let sees = act::may_see(tx, &person, org, now_ms).await?;
                if !sees {
                    whole.findings.clear();
                    whole.posture = Default::default();
                    whole.checkups.iter_mut().for_each(|check| (check.domains, check.findings) = (0, 0));
                }
                Ok((whole, sees))
            })
        })
        .await;
    Ok(found?)
}

async fn managed_page(app: &App, view: &View, person: &Person, (org, form): (OrgId, &Shown)) -> Page {
    let name = app.directory.snapshot().organisation(org).map(|found| found.name.clone()).unwrap_or_default();
    let (whole, sees) = seen(app, person, org).await?;
    let status = form.status();
    show_with(status, &ManagePage { view, form, org, name, whole: &whole, sees, may_buy: view.may(May::Operate) })
}

/// `GET /support/premier/{organisation}`.
pub async fn of_support(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let org = act::managed(&app, &person, &id).await?;
    managed_page(&app, &view, &person, (org, &Shown::default())).await
}

/// `POST /support/premier/{organisation}`.
pub async fn act(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(action): Form<PremierAction>) -> Page {
    let org = act::managed(&app, &person, &id).await?;
    let form = Shown::of(&action);
    match act::act(&app, &person, (org, action)).await {
        Ok(()) => done(&format!("/support/premier/{org}"), Say::new("support-done")),
        Err(Fault::Invalid(wrong)) => managed_page(&app, &view, &person, (org, &form.with_wrong(wrong))).await,
        Err(other) => Err(other),
    }
}
