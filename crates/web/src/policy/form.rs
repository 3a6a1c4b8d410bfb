//! Making and changing a policy: the form, and what it would have done before it is saved.

use super::body::{PolicyForm, preset};
use super::{Base, encoded, order, save};
use crate::App;
use crate::draft::{self, What};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use gateway::policy::sql::{self, Stored};
use gateway::policy::{PolicySettings, Preset};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "policy/templates/form.html")]
struct FormPage<'a> {
    view: &'a View,
    form: &'a Shown,
    title: String,
    action: String,
    is_new: bool,
    is_preset: bool,
    is_of_file: bool,
    may_change: bool,
    /// The installation's thresholds.
    defaults: String,
    actions: &'static [&'static str],
    high_phish: &'static [&'static str],
    blocked_type: &'static [&'static str],
    spans: &'static [&'static str],
    /// Where the switch and the end of a policy that is there are.
    path: String,
    is_on: bool,
}

const ACTIONS: &[&str] = &["none", "junk", "add-header", "prefix", "redirect", "quarantine", "reject", "delete"];
const HIGH_PHISH: &[&str] = &["quarantine", "redirect"];
const BLOCKED_TYPE: &[&str] = &["reject", "quarantine"];
/// Days a replay can look back.
const SPANS: &[&str] = &["1", "7", "14", "30", "90"];

/// Where the form starts from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// A draft that is changed once more.
    draft: String,
    /// A preset or policy whose numbers are taken over.
    like: String,
    threshold_spam: String,
    threshold_phish: String,
}

/// `GET /policies/new`.
pub async fn fresh(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    person.require(May::Policies)?;
    person.acting_org()?;
    let drafted = of_draft(&app, &person, &asked.draft).await?;
    let like = Preset::named(&asked.like).unwrap_or_default().settings();
    let settings = drafted.unwrap_or(PolicySettings { name: String::new(), ..like });
    let mut form = PolicyForm::of(&settings);
    for (field, given) in [(&mut form.threshold_spam, asked.threshold_spam), (&mut form.threshold_phish, asked.threshold_phish)] {
        if given.parse::<f64>().is_ok() {
            *field = given;
        }
    }
    shown(&app, &view, &person, (&Shown::of(&form), None))
}

/// `GET /policies/{name}`.
pub async fn open(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Query(asked): Query<Asked>) -> Page {
    person.require(May::ReadSettings)?;
    let there = there(&app, &person, &name).await?;
    let drafted = of_draft(&app, &person, &asked.draft).await?.filter(|drafted| drafted.name == name);
    let form = PolicyForm::of(&drafted.unwrap_or_else(|| there.settings.clone()));
    shown(&app, &view, &person, (&Shown::of(&form), Some(&there)))
}

/// The stored policy; a preset nobody has yet is there, switched off.
async fn there(app: &App, person: &Person, name: &str) -> Result<Stored, Fault> {
    let (org, of) = (person.acting_org()?, name.to_string());
    let found = app.db.read(move |tx| Box::pin(async move { sql::one(tx, org, &of).await })).await.map_err(Fault::from)?;
    let unset =
        || preset(name).map(|preset| Stored { settings: PolicySettings { enabled: false, ..preset.settings() }, source: String::new() });
    found.or_else(unset).ok_or(Fault::NotFound)
}

async fn of_draft(app: &App, person: &Person, id: &str) -> Result<Option<PolicySettings>, Fault> {
    if id.is_empty() {
        return Ok(None);
    }
    Ok(match draft::mine(app, person, id).await?.what {
        What::Policy { settings, .. } => Some(*settings),
        What::Entry { .. } => None,
    })
}

fn shown(app: &App, view: &View, person: &Person, (form, there): (&Shown, Option<&Stored>)) -> Page {
    let name = there.map(|there| there.settings.name.clone()).unwrap_or_default();
    let path = format!("/policies/{}", encoded(&name));
    let default = |share: f32| super::percent(f64::from((share * 10_000.0).round()) / 10_000.0);
    let base = app.thresholds;
    let status = form.status();
    let page = FormPage {
        view,
        form,
        title: if there.is_none() { view.t("policy-new") } else { view.w("policy-one", &name) },
        action: if there.is_none() { "/policies/new".into() } else { path.clone() },
        is_new: there.is_none(),
        is_preset: preset(&name).is_some(),
        is_of_file: there.is_some_and(Stored::is_of_file),
        may_change: person.may(May::Policies),
        defaults: format!(
            "{} / {} / {} / {} %",
            default(base.spam),
            default(base.high_spam),
            default(base.phish),
            default(base.high_phish)
        ),
        actions: ACTIONS,
        high_phish: HIGH_PHISH,
        blocked_type: BLOCKED_TYPE,
        spans: SPANS,
        path,
        is_on: there.is_some_and(|there| there.settings.enabled),
    };
    show_with(status, &page)
}

/// `POST /policies/new`.
pub async fn create(State(app): State<App>, view: View, person: Person, Form(form): Form<PolicyForm>) -> Page {
    person.require(May::Policies)?;
    person.acting_org()?;
    let mut wrong = Vec::new();
    if preset(form.name.trim()).is_some() {
        wrong.push(Wrong::new("name", "policy-wrong-name-taken"));
    }
    let settings = form.settings().map_err(|more| wrong.extend(more));
    match settings {
        Ok(settings) if wrong.is_empty() => go_on(&app, &person, &form, (settings, None)).await,
        _ => shown(&app, &view, &person, (&Shown::of(&form).with_wrong(wrong), None)),
    }
}

/// `POST /policies/{name}`.
pub async fn change(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(form): Form<PolicyForm>) -> Page {
    person.require(May::Policies)?;
    let there = there(&app, &person, &name).await?;
    if there.is_of_file() {
        return Err(Fault::Conflict(Say::new("policy-of-file")));
    }
    let form = PolicyForm { name, ..form };
    // Of a preset only its recipients and the switch are sent.
    let form = match preset(&form.name) {
        Some(preset) => {
            let sent = form.clone();
            let PolicyForm { applies_addresses, applies_domains, applies_groups, except_addresses, except_domains, except_groups, .. } =
                form;
            let (PolicyForm { name, enabled, days, verb, .. }, fixed) = (sent, PolicyForm::of(&preset.settings()));
            let fixed = PolicyForm { name, enabled, days, verb, ..fixed };
            PolicyForm { applies_addresses, applies_domains, applies_groups, except_addresses, except_domains, except_groups, ..fixed }
        }
        None => form,
    };
    match form.settings() {
        Ok(settings) => {
            let base = (!there.source.is_empty()).then(|| there.settings.clone());
            go_on(&app, &person, &form, (settings, base)).await
        }
        Err(wrong) => shown(&app, &view, &person, (&Shown::of(&form).with_wrong(wrong), Some(&there))),
    }
}

/// Replays or saves at once, as the button says.
async fn go_on(app: &App, person: &Person, form: &PolicyForm, (settings, base): (PolicySettings, Option<PolicySettings>)) -> Page {
    if form.verb == "save" {
        let (org, name) = (person.acting_org()?, settings.name.clone());
        order::change(app, person, move |tx| Box::pin(async move { save(tx, org, settings, Base::Was(base)).await })).await?;
        return done("/policies", Say::new("policy-saved-name").with("what", name));
    }
    let days = form.days.parse().unwrap_or(draft::DAYS_DEFAULT);
    let what = What::Policy { settings: Box::new(settings), base: base.map(Box::new) };
    let id = draft::begin(app, person, what, days).await?;
    Ok(Redirect::to(&format!("/drafts/{id}")).into_response())
}
