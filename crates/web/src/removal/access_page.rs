//! The page on which a connector gets its access to mailboxes.

use super::access::{self, AccessDraft, Tried};
use crate::App;
use crate::connector::sql::Named;
use crate::connector::{find, find_to_change};
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "removal/templates/access.html")]
struct AccessPage<'a> {
    view: &'a View,
    name: &'a str,
    form: &'a Shown,
    protocols: &'static [&'static str],
    sign_ins: &'static [&'static str],
    securities: Vec<&'static str>,
    names: &'static [&'static str],
    automatic: &'static [&'static str],
    can_save: bool,
    is_fixed: bool,
    is_on: bool,
    tried: Option<ShownTry>,
}

/// What a try came to, in words.
struct ShownTry {
    is_good: bool,
    title: String,
    text: String,
    folders: String,
}

const PROTOCOLS: &[&str] = &["imap", "jmap"];
const SIGN_INS: &[&str] = &["basic", "bearer"];
const NAMES: &[&str] = &["address", "local"];
const AUTOMATIC: &[&str] = &["off", "ask", "on"];

fn show_page(app: &App, view: &View, person: &Person, named: &Named, (form, tried): (Shown, Option<Tried>)) -> Page {
    let status = form.status();
    let page = AccessPage {
        view,
        name: &named.settings.name,
        form: &form,
        protocols: PROTOCOLS,
        sign_ins: SIGN_INS,
        securities: access::securities(app, person),
        names: NAMES,
        automatic: AUTOMATIC,
        can_save: person.may(May::Connectors) && !named.is_fixed(),
        is_fixed: named.is_fixed(),
        is_on: named.settings.mailbox.is_on(),
        tried: tried.map(|tried| shown(view, tried)),
    };
    show_with(status, &page)
}

fn shown(view: &View, tried: Tried) -> ShownTry {
    match tried {
        Tried::Opened { folders, has_junk } => ShownTry {
            is_good: true,
            title: view.t("removal-tried-well"),
            text: view.t(if has_junk { "removal-tried-junk" } else { "removal-tried-no-junk" }),
            folders: folders.join(", "),
        },
        Tried::Failed { name, said } => {
            ShownTry { is_good: false, title: view.of_kind("removal-error", name), text: said, folders: String::new() }
        }
    }
}

/// `GET /connectors/{name}/mailbox`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Page {
    let named = find(&app, &person, &name).await?;
    let form = Shown::of(&AccessDraft::of(&named.settings.mailbox));
    show_page(&app, &view, &person, &named, (form, None))
}

/// `POST /connectors/{name}/mailbox`: saves.
pub async fn save(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(draft): Form<AccessDraft>) -> Page {
    let named = find_to_change(&app, &person, &name).await?;
    match access::save(&app, &person, named.clone(), &draft).await {
        Ok(()) => done(&format!("/connectors/{name}/mailbox"), Say::new("domain-saved")),
        Err(Fault::Invalid(wrong)) => show_page(&app, &view, &person, &named, (Shown::of(&draft).with_wrong(wrong), None)),
        Err(other) => Err(other),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    to: String,
}

/// `POST /connectors/{name}/mailbox/try`: opens the mailbox of an address with what is saved.
pub async fn try_it(State(app): State<App>, view: View, person: Person, Path(name): Path<String>, Form(asked): Form<Asked>) -> Page {
    let named = find(&app, &person, &name).await?;
    let mut form = Shown::of(&AccessDraft::of(&named.settings.mailbox));
    form.values.insert("to".into(), asked.to.clone());
    match access::try_access(&app, &person, &named, &asked.to).await {
        Ok(tried) => show_page(&app, &view, &person, &named, (form, Some(tried))),
        Err(Fault::Invalid(wrong)) => show_page(&app, &view, &person, &named, (form.with_wrong(wrong), None)),
        Err(other) => Err(other),
    }
}
