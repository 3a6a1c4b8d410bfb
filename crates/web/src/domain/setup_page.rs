//! Setting a domain up, step by step. Each step says what to publish, what is there now, and what comes of it; one can leave at any step
//! and come back. The steps are links, not a wizard: whoever knows what they want goes there.

use super::{Named, Report, check, find, find_to_change};
use crate::App;
use crate::audit::{self, Entry};
use crate::diagnostics::check::{CheckResult, Checked};
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::directory::sql::{self as directory_sql};
use gateway::directory::{DomainSettings, MtaStsMode};
use serde::Deserialize;

/// Steps in order, each with the checks it shows.
pub const STEPS: &[(&str, &[&str])] = &[
    ("ownership", &["domain.ownership"]),
    ("mx", &["domain.mx"]),
    ("spf", &["domain.spf"]),
    ("dkim", &["domain.dkim"]),
    ("dmarc", &["domain.dmarc"]),
    ("mta-sts", &["domain.mta-sts", "domain.tls-rpt"]),
    ("wider", &["domain.delegation", "domain.dnssec", "domain.names", "domain.lists", "domain.dane", "domain.bimi"]),
];

/// One step in the list of steps.
struct StepLink {
    name: &'static str,
    href: String,
    is_here: bool,
    /// Word and tone of its result.
    result: &'static str,
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "domain/templates/setup.html")]
struct SetupPage<'a> {
    view: &'a View,
    named: &'a Named,
    step: &'static str,
    number: usize,
    steps: Vec<StepLink>,
    checks: Vec<&'a Checked>,
    report: Option<&'a Report>,
    before: Option<String>,
    after: Option<String>,
    modes: &'static [&'static str],
    mode: String,
    may_vouch: bool,
}

fn steps_of(named: &Named, here: &str, report: Option<&Report>) -> Vec<StepLink> {
    let link = |(name, ids): &(&'static str, &'static [&'static str])| {
        let results = ids.iter().filter_map(|id| report?.of(id)).map(|checked| checked.result);
        let result = results.max().or((*name == "ownership" && named.is_served()).then_some(CheckResult::Ok));
        StepLink {
            name,
            href: format!("/domains/{}/setup/{name}", named.name),
            is_here: *name == here,
            result: result.map_or("none", CheckResult::name),
            tone: result.map_or("plain", CheckResult::tone),
        }
    };
    STEPS.iter().map(link).collect()
}

/// `GET /domains/{name}/setup/{step}`. Looks at nothing itself: it shows the last result.
pub async fn page(State(app): State<App>, view: View, person: Person, Path((name, step)): Path<(String, String)>) -> Page {
    let named = find(&app, &person, &name).await?;
    let at = STEPS.iter().position(|(known, _)| *known == step).ok_or(Fault::NotFound)?;
    let report = check::last(&app, &named).await?;
    let (step, ids) = STEPS[at];
    let href = |at: usize| STEPS.get(at).map(|(step, _)| format!("/domains/{}/setup/{step}", named.name));
    show(&SetupPage {
        view: &view,
        step,
        number: at + 1,
        steps: steps_of(&named, step, report.as_ref()),
        checks: report.iter().flat_map(|report| ids.iter().filter_map(|id| report.of(id))).collect(),
        report: report.as_ref(),
        before: at.checked_sub(1).and_then(href),
        after: href(at + 1),
        modes: MODES,
        mode: word(&named.settings.mta_sts),
        may_vouch: !named.is_served() && view.may(May::Operate),
        named: &named,
    })
}

const MODES: &[&str] = &["none", "testing", "enforce"];

/// The word that serde gives a unit variant.
pub fn word<T: serde::Serialize>(variant: &T) -> String {
    serde_json::to_value(variant).ok().and_then(|word| word.as_str().map(str::to_string)).unwrap_or_default()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Where {
    step: String,
}

/// `POST /domains/{name}/check`: looks, keeps what was found, goes back to the step.
pub async fn check(State(app): State<App>, person: Person, Path(name): Path<String>, Form(asked): Form<Where>) -> Page {
    let named = find(&app, &person, &name).await?;
    let report = check::run(&app, &person, &named).await?;
    let step = STEPS.iter().find(|(known, _)| *known == asked.step);
    let Some((step, ids)) = step else {
        return done(&format!("/domains/{}", named.name), Say::new("domain-checked"));
    };
    let is_shown =
        *step == "ownership" && !named.is_served() && report.of("domain.ownership").is_some_and(|one| one.result == CheckResult::Ok);
    let is_well = ids.iter().filter_map(|id| report.of(id)).all(|checked| checked.result == CheckResult::Ok);
    let say = match (is_shown, is_well) {
        (true, _) => Say::new("domain-now-served").with("what", named.shown()),
        (false, true) => Say::new("domain-checked-well"),
        (false, false) => Say::new("domain-checked"),
    };
    done(&format!("/domains/{}/setup/{step}", named.name), say)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Mode {
    mode: String,
}

/// `POST /domains/{name}/mta-sts`: what the policy that we serve asks of senders.
pub async fn choose_mode(State(app): State<App>, person: Person, Path(name): Path<String>, Form(chosen): Form<Mode>) -> Page {
    let named = find_to_change(&app, &person, &name).await?;
    let mode: MtaStsMode = serde_json::from_value(serde_json::Value::String(chosen.mode)).map_err(|_| Fault::Unreadable("mode".into()))?;
    let settings = DomainSettings { mta_sts: mode, ..named.settings.clone() };
    save(&app, &person, &named, settings).await?;
    check::run(&app, &person, &Named { settings: DomainSettings { mta_sts: mode, ..named.settings.clone() }, ..named.clone() }).await?;
    done(&format!("/domains/{}/setup/mta-sts", named.name), Say::new("domain-saved"))
}

/// Writes settings of a domain that is served, with its line in the audit log.
pub async fn save(app: &App, person: &Person, named: &Named, settings: DomainSettings) -> Result<(), Fault> {
    if !named.is_served() {
        return Err(Fault::Conflict(Say::new("domain-not-served")));
    }
    let (now_ms, ids, person, named) = (app.now_ms(), app.ids.clone(), person.clone(), named.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                directory_sql::put_domain(tx, &settings, &named.source).await?;
                directory_sql::bump(tx).await?;
                let detail = serde_json::json!({ "before": named.settings, "after": settings });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(named.org), "domain.change", &named.name).with(detail)).await
            })
        })
        .await
        .map_err(Fault::from)?;
    super::follow(app).await;
    Ok(())
}
