//! "Which policy applies to this recipient, and why": asked of the directory that the mail path has.

use super::list::{CLASSES, who};
use super::{PolicyBody, encoded};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, View, form::Form as Shown, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use gateway::directory::{Directory, Standing};
use gateway::policy::{self, PolicySettings, Preset};
use mail::{Address, OrgId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Address of a recipient of this organisation.
    pub recipient: String,
}

/// Which policy applies, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Answer {
    pub recipient: String,
    /// known, unknown (refused at once), or asked (only the next hop knows).
    pub standing: &'static str,
    pub policy: PolicyBody,
    /// organisation-preset, preset, group, address, domain, address-and-domain, everybody or default.
    pub because: &'static str,
    /// Those that were asked before and did not apply.
    pub passed: Vec<Passed>,
}

/// A policy that did not apply.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Passed {
    pub policy: String,
    pub why: String,
}

/// The answer, or what is wrong with the question.
pub fn answer(directory: &Directory, org: OrgId, recipient: &str) -> Result<Answer, Fault> {
    let wrong = |key| Fault::Invalid(vec![Wrong::new("recipient", key)]);
    let address = Address::parse(recipient.trim()).map_err(|_| wrong("policy-wrong-recipient"))?;
    let standing = match directory.standing(&address) {
        Standing::Ours(_, whose) if whose == org => "known",
        Standing::AskNextHop(_, whose) if whose == org => "asked",
        Standing::Unknown(whose) if whose == org => "unknown",
        // Another organisation's recipient looks like nobody's.
        _ => return Err(wrong("policy-foreign-recipient")),
    };
    let (settings, passed) = policy::applying(directory, org, &address);
    Ok(Answer {
        recipient: address.to_string(),
        standing,
        because: because(directory, org, &settings, &address),
        policy: PolicyBody::of(&settings),
        passed: passed.into_iter().map(|one| Passed { policy: one.name, why: one.why }).collect(),
    })
}

fn because(directory: &Directory, org: OrgId, settings: &PolicySettings, address: &Address) -> &'static str {
    let everybody = directory.organisation(org).map(|org| org.settings.preset).unwrap_or_default();
    let filter = &settings.applies_to;
    let is_in_group = directory.membership(org, address).is_in_any(&filter.groups);
    match (filter.has_address(address), filter.has_domain(address)) {
        _ if everybody != Preset::Default => "organisation-preset",
        _ if settings.name == Preset::Default.name() => "default",
        _ if is_in_group => "group",
        (true, true) => "address-and-domain",
        (true, false) => "address",
        (false, true) => "domain",
        (false, false) => "everybody",
    }
}

#[derive(Template)]
#[template(path = "policy/templates/applying.html")]
struct ApplyingPage<'a> {
    view: &'a View,
    form: &'a Shown,
    answer: Option<&'a Answer>,
    href: String,
    who: Vec<String>,
    passed: Vec<(String, String)>,
    does: Vec<(String, String)>,
}

/// `GET /policies/applying`.
pub async fn page(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    person.require(May::ReadSettings)?;
    let org = person.acting_org()?;
    let form = Shown::of(&asked);
    let empty = |form| ApplyingPage { view: &view, form, answer: None, href: String::new(), who: vec![], passed: vec![], does: vec![] };
    if asked.recipient.trim().is_empty() {
        return show_with(StatusCode::OK, &empty(&form));
    }
    let answer = match answer(&app.directory.snapshot(), org, &asked.recipient) {
        Ok(answer) => answer,
        Err(Fault::Invalid(wrong)) => return show_with(StatusCode::UNPROCESSABLE_ENTITY, &empty(&form.with_wrong(wrong))),
        Err(other) => return Err(other),
    };
    let settings = answer.policy.settings().unwrap_or_default();
    let named = answer.policy.name.as_str();
    show_with(
        StatusCode::OK,
        &ApplyingPage {
            answer: Some(&answer),
            href: if named == Preset::Default.name() { "/policies#presets".into() } else { format!("/policies/{}", encoded(named)) },
            who: who(&view, &settings),
            passed: answer.passed.iter().map(|one| (one.policy.clone(), why(&view, &one.why))).collect(),
            does: CLASSES
                .iter()
                .map(|class| (view.of_kind("verdict", class.name()), view.of_kind("policy-action", settings.action(*class).name())))
                .collect(),
            ..empty(&form)
        },
    )
}

/// Reasons of the mail path are English sentences; each has words in every language.
fn why(view: &View, sentence: &str) -> String {
    let key: String = sentence.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let key = format!("why-{key}");
    if crate::page::words::has(view.lang, &key) { view.t(&key) } else { sentence.to_string() }
}
