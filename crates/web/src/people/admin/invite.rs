//! Inviting somebody: a letter, and the link for the inviter to pass on.

use super::{RoleChoice, act, choices};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::words::Lang;
use crate::page::{Fault, Page, View, form::Form as Shown, show, show_with};
use crate::people::change::{self, Chosen, Invitation};
use crate::people::link::{self, Written};
use crate::people::{May, Person, account, limit};
use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use gateway::queue::letter;
use mail::{Address, PersonId};
use serde::{Deserialize, Serialize};

/// Invitations of one person in a row, and how often one more.
const RATE: limit::Rate = limit::Rate { burst: 100, each_s: 30 };

#[derive(Template)]
#[template(path = "people/templates/invite.html")]
struct InvitePage<'a> {
    view: &'a View,
    form: &'a Shown,
    roles: Vec<RoleChoice>,
}

#[derive(Template)]
#[template(path = "people/templates/invited.html")]
pub(super) struct InvitedPage<'a> {
    pub view: &'a View,
    pub person: PersonId,
    pub email: &'a str,
    /// "": only mailed.
    pub url: &'a str,
    pub is_mailed: bool,
    pub days: i64,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    email: String,
    name: String,
    role: String,
    language: String,
}

/// `GET /people/new`.
pub async fn form(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::People)?;
    let form = Shown::of(&Wanted { language: view.lang.tag().into(), ..Wanted::default() });
    shown(&app, &view, &person, &form).await
}

async fn shown(app: &App, view: &View, person: &Person, form: &Shown) -> Page {
    let chosen = if form.value("role").is_empty() { "help-desk" } else { form.value("role") };
    let roles = choices(app, view, person, person.org, chosen).await?;
    let status = form.status();
    show_with(status, &InvitePage { view, form, roles })
}

/// `POST /people/new`.
pub async fn send(State(app): State<App>, view: View, person: Person, headers: HeaderMap, Form(wanted): Form<Wanted>) -> Page {
    let sent = invite(&app, &person, &headers, &wanted).await;
    match sent {
        Ok(sent) => show(&InvitedPage {
            view: &view,
            person: sent.person,
            email: &sent.email,
            url: &sent.url,
            is_mailed: sent.is_mailed,
            days: link::INVITATION_MS / 86_400_000,
        }),
        Err(Fault::Invalid(wrong)) => shown(&app, &view, &person, &Shown::of(&wanted).with_wrong(wrong)).await,
        Err(Fault::Conflict(say)) => {
            let form = Shown::of(&wanted).with_wrong(vec![Wrong { field: "email", say }]);
            shown(&app, &view, &person, &form).await
        }
        Err(other) => Err(other),
    }
}

/// Somebody who was invited.
pub struct Sent {
    pub person: PersonId,
    pub email: String,
    pub url: String,
    pub is_mailed: bool,
}

/// The wish of a form or of the API.
pub fn wanted(email: &str, name: &str, role: &str, language: &str) -> Wanted {
    Wanted { email: email.into(), name: name.into(), role: role.into(), language: language.into() }
}

pub async fn invite(app: &App, person: &Person, headers: &HeaderMap, wanted: &Wanted) -> Result<Sent, Fault> {
    person.require(May::People)?;
    let mut wrong: Vec<Wrong> = account::wrong_name(wanted.name.trim()).into_iter().collect();
    let address = Address::parse(wanted.email.trim());
    if address.is_err() {
        wrong.push(Wrong::new("email", "sign-in-wrong-address"));
    }
    let role = Chosen::parse(&wanted.role);
    if role.is_none() {
        wrong.push(Wrong::new("role", "people-role-unknown"));
    }
    let (Ok(address), Some(role), true) = (address, role, wrong.is_empty()) else { return Err(Fault::Invalid(wrong)) };
    app.limits().take(&format!("invite {}", person.id), RATE, app.now_ms())?;
    let invitation = Invitation { email: address.key(), name: wanted.name.trim().into(), role, org: person.org };
    let lang = Lang::parse(&wanted.language).unwrap_or_default();
    let (act, base, host, directory) = (act(app, person), link::base(app, headers), app.hostname.clone(), app.directory.snapshot());
    let (to, email) = (address, invitation.email.clone());
    let made = app.db.tx(move |tx| {
        Box::pin(async move {
            let (id, path) = change::invite(tx, &act, &invitation).await?;
            let url = format!("{base}{path}");
            if let Some(org) = invitation.org {
                let letter = link::written(Written { org, to, host, lang, kind: "invitation", who: act.by.shown() }, &url);
                letter::post(tx, &letter, &directory, &act.ids, act.now_ms).await?;
            }
            Ok::<_, Fault>((id, url, invitation.org.is_some()))
        })
    });
    let (person, url, is_mailed) = made.await?;
    Ok(Sent { person, email, url, is_mailed })
}
