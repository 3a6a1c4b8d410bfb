//! A resolution as a known issue of the service: what an engineer writes from a request, for everybody who has the same problem.
//!
//! In: the form of an issue, filled from the published solution or else from the request. Out: a known issue that service health opened
//! (`health::publish`), linked to the request. Invariants: it is an advisory that is called known, so it turns no service red and nothing that
//! is measured green; it names nobody of the organisation that it came from. Not here: what operators do with it afterwards.

use super::desk;
use super::work::{self, WorkAction};
use crate::App;
use crate::health::Text;
use crate::health::issue::{Issue, IssueId};
use crate::health::publish::{self, Choices, Said};
use crate::help::Library;
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::words::Lang;
use crate::page::{Fault, Page, Say, View, done, show_with};
use crate::people::Person;
use crate::service_request::{Area, Request, Via, change, sql_search};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State as Given};
use gateway::health::Service;
use mail::id::RequestId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What stands in place of what names somebody.
const HIDDEN: &str = "…";

/// What is written of a known issue. Texts are in English, Chinese or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KnownWish {
    /// "intake", "filtering", "delivery", "quarantine", "trace", "admin" or "directory".
    pub service: String,
    pub title_en: String,
    pub title_zh: String,
    /// Who notices it, and how.
    pub impact_en: String,
    pub impact_zh: String,
    pub workaround_en: String,
    pub workaround_zh: String,
    pub cause_en: String,
    pub cause_zh: String,
    /// When it is expected to be over: a local moment.
    pub expected: String,
    /// Version that mends it.
    pub fixed_in: String,
    /// Articles of the help that it explains, between commas.
    pub explains: String,
}

impl KnownWish {
    /// The form that an operator would have filled in.
    fn said(&self) -> Said {
        let KnownWish { service, title_en, title_zh, impact_en, impact_zh, .. } = self.clone();
        let KnownWish { workaround_en, workaround_zh, cause_en, cause_zh, expected, fixed_in, explains, .. } = self.clone();
        Said {
            kind: "advisory".into(),
            is_known: "on".into(),
            service,
            title_en,
            title_zh,
            impact_en,
            impact_zh,
            workaround_en,
            workaround_zh,
            cause_en,
            cause_zh,
            expected,
            fixed_in,
            explains,
            ..Said::default()
        }
    }

    /// Every text that others will read, by field.
    fn texts(&self) -> [(&'static str, &str); 8] {
        [
            ("title_en", &self.title_en),
            ("title_zh", &self.title_zh),
            ("impact_en", &self.impact_en),
            ("impact_zh", &self.impact_zh),
            ("workaround_en", &self.workaround_en),
            ("workaround_zh", &self.workaround_zh),
            ("cause_en", &self.cause_en),
            ("cause_zh", &self.cause_zh),
        ]
    }
}

/// A request of the desk from which a known issue can be made.
/// # Errors
/// [`Fault::Conflict`] when an issue explains it already.
async fn open_one(app: &App, person: &Person, id: RequestId) -> Result<Request, Fault> {
    let scope = desk(person)?;
    let request = app.db.read(move |tx| Box::pin(async move { change::found(tx, scope, id).await })).await?;
    if request.issue.is_empty() { Ok(request) } else { Err(Fault::Conflict(Say::new("support-known-already"))) }
}

/// What the form says before anybody changes it: the words that were published from the request, else the request's own without addresses
/// and names.
pub async fn wish_of(app: &App, person: &Person, id: RequestId) -> Result<(Request, KnownWish), Fault> {
    let request = open_one(app, person, id).await?;
    let published = app.db.read(move |tx| Box::pin(async move { sql_search::solution_of(tx, id).await })).await.map_err(Fault::from)?;
    let (lang, title, impact, workaround) = match published {
        Some(solution) => (solution.lang, solution.title, solution.problem, solution.text),
        None => {
            let names = names_of(app, &request);
            let nameless = |text: &str| if request.name.is_empty() { text.to_string() } else { text.replace(&request.name, HIDDEN) };
            let unnamed = |text: &str| without(&nameless(text), &names);
            let (title, solution) = (unnamed(&request.title), unnamed(&request.solution));
            (request.lang.clone(), title, String::new(), solution)
        }
    };
    let mut wish = KnownWish { service: service_of(request.area).to_string(), ..KnownWish::default() };
    let texts = match Lang::parse(&lang).unwrap_or_default() {
        Lang::English => (&mut wish.title_en, &mut wish.impact_en, &mut wish.workaround_en),
        Lang::Chinese => (&mut wish.title_zh, &mut wish.impact_zh, &mut wish.workaround_zh),
    };
    (*texts.0, *texts.1, *texts.2) = (title, impact, workaround);
    Ok((request, wish))
}

/// Which service most requests of an area are about.
fn service_of(area: Area) -> Service {
    match area {
        Area::Filtering | Area::Rules => Service::Filtering,
        Area::Quarantine => Service::Quarantine,
        Area::MailFlow | Area::Connectors => Service::Delivery,
        Area::Domains | Area::People => Service::Directory,
        Area::Health | Area::Installation | Area::Accessibility | Area::Other => Service::Admin,
    }
}

/// Addresses and domains that name the organisation or the requester, in lower case.
fn names_of(app: &App, request: &Request) -> Vec<String> {
    let directory = app.directory.snapshot();
    let domains = directory.domains.values().filter(|domain| domain.org == request.org).map(|domain| domain.name.to_lowercase());
    let mut names: Vec<String> = domains.collect();
    names.push(request.address.to_lowercase());
    names.retain(|name| !name.is_empty());
    names
}

/// The text with addresses and names replaced.
fn without(text: &str, names: &[String]) -> String {
    let named = |word: &str| word.contains('@') || names.iter().any(|name| word.to_lowercase().contains(name.as_str()));
    text.split_inclusive(char::is_whitespace)
        .map(|word| {
            let space = &word[word.trim_end().len()..];
            if named(word) { format!("{HIDDEN}{space}") } else { word.to_string() }
        })
        .collect()
}

/// Fields that name the requester or a domain of the organisation.
fn naming(wish: &KnownWish, names: &[String]) -> Vec<Wrong> {
    let has_name = |text: &str| {
        let text = text.to_lowercase();
        names.iter().any(|name| text.contains(name.as_str()))
    };
    wish.texts().into_iter().filter(|(_, text)| has_name(text)).map(|(field, _)| Wrong::new(field, "support-wrong-named")).collect()
}

/// Opens the known issue and links the request to it.
/// # Errors
/// [`Fault::Invalid`] names fields; [`Fault::Conflict`] when an issue explains the request already.
pub async fn open(app: &App, view: &View, person: &Person, via: Via, (id, wish): (RequestId, &KnownWish)) -> Result<IssueId, Fault> {
    let request = open_one(app, person, id).await?;
    let (issue, text) = checked(app, app.help.library().await, view, &request, wish).map_err(Fault::Invalid)?;
    let made = publish::save(app, person, issue, ("regular", text), "health.open").await?;
    let link = WorkAction { verb: "link".into(), issue: made.to_string(), ..WorkAction::default() };
    work::act(app, person, via, (id, link)).await?;
    Ok(made)
}

fn checked(app: &App, library: &Library, view: &View, request: &Request, wish: &KnownWish) -> Result<(Issue, Text), Vec<Wrong>> {
    let mut wrong = naming(wish, &names_of(app, request));
    // The name of a connector would be an organisation's.
    let is_shared = Service::SHARED.iter().any(|service| service.kind() == wish.service);
    if !is_shared {
        wrong.push(Wrong::new("service", "health-wrong-service"));
    }
    let mut issue = publish::fresh(&wish.service, view.now_ms);
    if let Err(more) = publish::put(library, &mut issue, &wish.said(), view) {
        wrong.extend(more);
    }
    if wrong.is_empty() { Ok((issue, Say::new("health-opened-by-person").into())) } else { Err(wrong) }
}

#[derive(Template)]
#[template(path = "support_desk/templates/known.html")]
struct KnownPage<'a> {
    view: &'a View,
    form: &'a Shown,
    request: &'a Request,
    choices: Choices,
}

fn shown(view: &View, request: &Request, form: &Shown) -> Page {
    let choices = publish::choices(&publish::fresh("", view.now_ms));
    let status = form.status();
    show_with(status, &KnownPage { view, form, request, choices })
}

/// `GET /support/{request}/known-issue`: the form, filled.
pub async fn page(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    desk(&person)?;
    let (request, wish) = wish_of(&app, &person, id.parse().map_err(|_| Fault::NotFound)?).await?;
    shown(&view, &request, &Shown::of(&wish))
}

/// `POST /support/{request}/known-issue`.
pub async fn publish_page(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>, Form(wish): Form<KnownWish>) -> Page {
    desk(&person)?;
    let id: RequestId = id.parse().map_err(|_| Fault::NotFound)?;
    match open(&app, &view, &person, Via::Web, (id, &wish)).await {
        Ok(issue) => done(&format!("/health/issues/{issue}"), Say::new("support-known-done")),
        Err(Fault::Invalid(wrong)) => {
            let request = open_one(&app, &person, id).await?;
            shown(&view, &request, &Shown::of(&wish).with_wrong(wrong))
        }
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_somebody_is_taken_out_and_refused() {
        let names = ["acme.example".to_string(), "alice@elsewhere.example".to_string()];
        for (text, want) in [
            ("Mail to bo@acme.example waits", "Mail to … waits"),
            ("The host mx.ACME.example refuses,\nas we see", "The host … refuses,\nas we see"),
            ("Large mail waits", "Large mail waits"),
            ("", ""),
        ] {
            assert_eq!(without(text, &names), want);
        }
        let wish = KnownWish { title_en: "Large mail waits".into(), impact_en: "As at ACME.example".into(), ..KnownWish::default() };
        let fields: Vec<&str> = naming(&wish, &names).iter().map(|wrong| wrong.field).collect();
        assert_eq!(fields, ["impact_en"]);
    }
}
