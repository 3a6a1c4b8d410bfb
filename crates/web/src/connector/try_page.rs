//! Trying a connector: connects, shows what was said, sends a test mail when asked to.

use super::{find, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::diagnostics::sql as results;
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::delivery::validate::{self, StepResult, Validation, Wish, may_connect_to};
use gateway::directory::ConnectorSettings;
use serde::Deserialize;

/// In `check_result.kind`.
pub const KIND: &str = "connector";
/// How often one person may have us connect somewhere, in five minutes.
const TRIES_MAX: u32 = 20;

/// Colour and shape of a result.
pub fn tone(result: StepResult) -> &'static str {
    match result {
        StepResult::Ok => "good",
        StepResult::Advice => "info",
        StepResult::CannotTell => "warn",
        StepResult::Problem => "bad",
    }
}

/// A validation with its words.
pub struct Shown {
    pub at_ms: i64,
    pub tone: &'static str,
    pub result: &'static str,
    pub no_host: String,
    pub hosts: Vec<ShownHost>,
}

pub struct ShownHost {
    pub title: String,
    pub address: String,
    pub ms: u32,
    pub is_sent: bool,
    pub steps: Vec<ShownStep>,
    pub lines: Vec<validate::Line>,
    pub tls: Option<validate::TlsFacts>,
    pub size: String,
}

pub struct ShownStep {
    pub title: String,
    pub tone: &'static str,
    pub result: &'static str,
    pub text: String,
    pub detail: String,
}

/// Puts words to what was found.
pub fn shown(view: &View, validation: &Validation) -> Shown {
    let host = |host: &validate::Host, is_sent: bool| ShownHost {
        title: host.name.clone(),
        address: host.address.clone(),
        ms: host.ms,
        is_sent,
        steps: host.steps.iter().map(|step| shown_step(view, step)).collect(),
        lines: host.lines.clone(),
        tls: host.tls.clone(),
        size: if host.size_max > 0 { view.octets(i64::try_from(host.size_max).unwrap_or(i64::MAX)) } else { String::new() },
    };
    let result = validation.result();
    let hosts = validation.hosts.iter().map(|one| host(one, false)).chain(validation.sent.iter().map(|one| host(one, true)));
    Shown {
        at_ms: validation.at_ms,
        tone: tone(result),
        result: result.name(),
        no_host: validation.no_host.clone(),
        hosts: hosts.collect(),
    }
}

fn shown_step(view: &View, step: &validate::Step) -> ShownStep {
    ShownStep {
        title: view.of_kind("connector-step", step.what.name()),
        tone: tone(step.result),
        result: step.result.name(),
        text: view.of_kind("connector-why", &format!("{}-{}", step.what.name(), step.why)),
        detail: step.detail.clone(),
    }
}

/// What is asked besides connecting.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask<'a> {
    /// An address of the server.
    pub to: &'a str,
    /// Send a mail to it.
    pub send: bool,
    /// Find out how the server behaves.
    pub manners: bool,
}

/// Connects. `tried` is what is tried, with what is saved under its name; at most what is asked is done.
pub async fn try_connector(
    app: &App,
    person: &Person,
    tried: (ConnectorSettings, Option<&ConnectorSettings>),
    ask: Ask<'_>,
) -> Result<Validation, Fault> {
    person.require(May::Connectors)?;
    let ((connector, saved), Ask { to, send, manners }) = (tried, ask);
    let recipient = match to.trim() {
        "" if send => return Err(Fault::Invalid(vec![Wrong::new("to", "connector-wrong-to")])),
        "" => None,
        to => Some(mail::Address::parse(to).map_err(|_| Fault::Invalid(vec![Wrong::new("to", "connector-wrong-to")]))?),
    };
    if !may_connect_to(&connector, saved) {
        return Err(Fault::Invalid(vec![Wrong::new("hosts", "connector-wrong-port")]));
    }
    app.turns.take(person.id, "connector-try", TRIES_MAX)?;
    let lang = person.lang.unwrap_or_default();
    let wish = Wish {
        subject: Say::new("connector-test-subject").in_lang(lang),
        text: Say::new("connector-test-text").with("what", connector.name.as_str()).in_lang(lang),
        connector,
        recipient,
        send,
        manners: manners.then_some(app.door.octets_max),
        now_ms: app.now_ms(),
    };
    Ok(validate::validate(&app.courier, &wish).await)
}

/// A connector that was tried, with its kept result.
pub struct Tried {
    pub named: sql::Named,
    pub validation: Validation,
}

/// Tries a saved connector, keeps the result, and notes that a mail was sent.
pub async fn try_saved(app: &App, person: &Person, named: sql::Named, ask: Ask<'_>) -> Result<Tried, Fault> {
    let validation = try_connector(app, person, (named.settings.clone(), Some(&named.settings)), ask).await?;
    let (org, name, at_ms) = (named.org, named.settings.name.clone(), validation.at_ms);
    let json = serde_json::to_string(&validation).unwrap_or_default();
    let (ids, person) = (app.ids.clone(), person.clone());
    let detail = serde_json::json!({ "to": ask.to, "manners": ask.manners, "sent": validation.sent.is_some(), "result": validation.result().name() });
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                results::put(tx, org, (KIND, &name), at_ms, &json).await?;
                audit::note(tx, &person, &ids, at_ms, Entry::new(Some(org), "connector.try", &name).with(detail)).await
            })
        })
        .await
        .map_err(Fault::from)?;
    Ok(Tried { named, validation })
}

#[derive(Template)]
#[template(path = "connector/templates/validation.html")]
struct ValidationPage<'a> {
    view: &'a View,
    name: &'a str,
    tried: Option<Shown>,
}

/// `GET /connectors/{name}/validation`: the last result.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Page {
    let named = find(&app, &person, &name).await?;
    let tried = last(&app, &named).await?.map(|validation| shown(&view, &validation));
    show(&ValidationPage { view: &view, name: &named.settings.name, tried })
}

pub async fn last(app: &App, named: &sql::Named) -> Result<Option<Validation>, Fault> {
    let (org, name) = (named.org, named.settings.name.clone());
    let found = app.db.read(move |tx| Box::pin(async move { results::last(tx, org, KIND, &name).await })).await.map_err(Fault::from)?;
    Ok(found.and_then(|(_, json)| serde_json::from_str(&json).ok()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    to: String,
    send: String,
    manners: String,
}

/// `POST /connectors/{name}/validation`: tries what is saved.
pub async fn run(State(app): State<App>, person: Person, Path(name): Path<String>, Form(asked): Form<Asked>) -> Page {
    let named = find(&app, &person, &name).await?;
    let ask = Ask { to: &asked.to, send: !asked.send.is_empty(), manners: !asked.manners.is_empty() };
    let tried = try_saved(&app, &person, named, ask).await?;
    let say = match (tried.validation.result(), tried.validation.sent.is_some()) {
        (StepResult::Problem, _) => "connector-tried-badly",
        (_, true) => "connector-tried-sent",
        (_, false) => "connector-tried-well",
    };
    done(&format!("/connectors/{}/validation", tried.named.settings.name), Say { key: say.into(), args: Vec::new() })
}
