//! One domain: how it stands, its settings, and taking it away.

use super::setup_page::{save as put, word};
use super::{Named, Report, check, claim, find, find_to_change, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::diagnostics::check::CheckResult;
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, confirm, done, form::Form as Shown, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gateway::directory::DomainSettings;
use gateway::directory::sql as directory_sql;
use serde::{Deserialize, Serialize};

/// What the form and the API can change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    pub kind: String,
    pub recipients: String,
    pub connector: String,
    pub subdomains: String,
    pub mta_sts: String,
}

impl Wanted {
    fn of(settings: &DomainSettings) -> Wanted {
        Wanted {
            kind: word(&settings.kind),
            recipients: word(&settings.recipients),
            connector: settings.connector.clone(),
            subdomains: if settings.subdomains { "on".into() } else { String::new() },
            mta_sts: word(&settings.mta_sts),
        }
    }

    /// Settings with these changes; `connectors` are those of the organisation.
    pub fn settings(&self, now: &DomainSettings, connectors: &[String]) -> Result<DomainSettings, Fault> {
        let mut wrong = Vec::new();
        let settings = DomainSettings {
            kind: read(&self.kind).unwrap_or_else(|| note(&mut wrong, "kind", now.kind)),
            recipients: read(&self.recipients).unwrap_or_else(|| note(&mut wrong, "recipients", now.recipients)),
            mta_sts: read(&self.mta_sts).unwrap_or(now.mta_sts),
            connector: self.connector.clone(),
            subdomains: matches!(self.subdomains.as_str(), "on" | "true" | "1"),
            ..now.clone()
        };
        if !self.connector.is_empty() && !connectors.contains(&self.connector) {
            wrong.push(Wrong::new("connector", "domain-wrong-connector"));
        }
        if wrong.is_empty() { Ok(settings) } else { Err(Fault::Invalid(wrong)) }
    }
}

fn read<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.into())).ok()
}

fn note<T>(wrong: &mut Vec<Wrong>, field: &'static str, now: T) -> T {
    wrong.push(Wrong::new(field, "domain-wrong-choice"));
    now
}

/// One row of the health table.
struct Health {
    step: &'static str,
    id: String,
    tone: &'static str,
    result: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "domain/templates/domain.html")]
struct DomainPage<'a> {
    view: &'a View,
    named: &'a Named,
    form: &'a Shown,
    report: Option<&'a Report>,
    health: Vec<Health>,
    recipients: i64,
    connectors: Vec<String>,
    kinds: &'static [&'static str],
    checks: &'static [&'static str],
}

const KINDS: &[&str] = &["authoritative", "internal-relay"];
const RECIPIENT_CHECKS: &[&str] = &["listed", "call-out", "any"];

async fn show_page(app: &App, view: &View, named: &Named, form: Shown) -> Result<axum::response::Response, Fault> {
    let report = check::last(app, named).await?;
    let (org, name) = (named.org, named.name.clone());
    let recipients =
        app.db.read(move |tx| Box::pin(async move { sql::count_recipients(tx, org, &name).await })).await.map_err(Fault::from)?;
    let status = form.status();
    let page = DomainPage {
        view,
        named,
        form: &form,
        health: health(view, named, report.as_ref()),
        report: report.as_ref(),
        recipients,
        connectors: crate::connector::names_of(app, org).await?,
        kinds: KINDS,
        checks: RECIPIENT_CHECKS,
    };
    if status == StatusCode::OK { show(&page) } else { show_with(status, &page) }
}

fn health(view: &View, named: &Named, report: Option<&Report>) -> Vec<Health> {
    let checks = report.iter().flat_map(|report| &report.checks);
    let wanted = checks.filter(|checked| !(named.is_served() && checked.id == "domain.ownership"));
    wanted
        .filter_map(|checked| {
            let (step, _) = super::setup_page::STEPS.iter().find(|(_, ids)| ids.contains(&checked.id.as_str()))?;
            let worst = checked.lines.iter().max_by_key(|line| line.result);
            Some(Health {
                step,
                id: checked.id.trim_start_matches("domain.").to_string(),
                tone: checked.result.tone(),
                result: CheckResult::name(checked.result),
                text: worst.map(|line| view.say(&line.say)).unwrap_or_default(),
            })
        })
        .collect()
}

/// `GET /domains/{name}`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Page {
    let named = find(&app, &person, &name).await?;
    show_page(&app, &view, &named, Shown::of(&Wanted::of(&named.settings))).await
}

/// `POST /domains/{name}`.
pub async fn save(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(wanted): Form<Wanted>) -> Page {
    let named = find_to_change(&app, &person, &name).await?;
    let connectors = crate::connector::names_of(&app, named.org).await?;
    match wanted.settings(&named.settings, &connectors) {
        Ok(settings) => {
            put(&app, &person, &named, settings).await?;
            done(&format!("/domains/{}", named.name), Say::new("domain-saved"))
        }
        Err(Fault::Invalid(wrong)) => show_page(&app, &view, &named, Shown::of(&wanted).with_wrong(wrong)).await,
        Err(other) => Err(other),
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Vouch {
    reason: String,
}

/// `POST /domains/{name}/vouch`: an operator knows better than DNS, and says why.
pub async fn vouch(State(app): State<App>, person: Person, Path(name): Path<String>, Form(said): Form<Vouch>) -> Page {
    let named = find(&app, &person, &name).await?;
    let (to, shown) = (format!("/domains/{}/setup/mx", named.name), named.shown());
    claim::vouch(&app, &person, named, &said.reason).await?;
    done(&to, Say::new("domain-now-served").with("what", shown))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /domains/{name}/remove`: asks first.
pub async fn remove(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(Sure { sure }): Form<Sure>) -> Page {
    let named = find_to_change(&app, &person, &name).await?;
    let shown = named.shown();
    if sure.is_empty() {
        let text = if named.is_served() { "domain-remove-sure" } else { "domain-remove-claim-sure" };
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("domain-remove"),
                text: Say { key: text.into(), args: Vec::new() }.with("what", shown),
                button: "domain-remove",
                action: format!("/domains/{}/remove", named.name),
                fields: Vec::new(),
                back: format!("/domains/{}", named.name),
            },
        );
    }
    take_away(&app, &person, named).await?;
    done("/domains", Say::new("domain-removed").with("what", shown))
}

/// The domain with its recipients, keys and results.
pub async fn take_away(app: &App, person: &Person, named: Named) -> Result<(), Fault> {
    person.require(May::Domains)?;
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                sql::remove(tx, named.org, &named.name).await?;
                directory_sql::bump(tx).await?;
                let detail = serde_json::json!({ "settings": named.settings });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(named.org), "domain.remove", &named.name).with(detail)).await
            })
        })
        .await
        .map_err(Fault::from)?;
    super::follow(app).await;
    Ok(())
}
