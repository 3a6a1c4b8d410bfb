//! How the people of an organisation sign in: links by mail for mailboxes, and the organisation's own provider.

use super::{RoleChoice, choices, sure};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, show_with};
use crate::people::change::Chosen;
use crate::people::provider::{Access, GROUPS_MAX, Provider, SecondFactor, back_path, client, sql};
use crate::people::{May, Person, Role, limit, link, sql as people_sql};
use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use gateway::scope::OrgScope;
use mail::OrgId;
use serde::{Deserialize, Serialize};
use store::Error;

const FIELD_CHARS_MAX: usize = 500;

#[derive(Template)]
#[template(path = "people/templates/access.html")]
struct AccessPage<'a> {
    view: &'a View,
    form: &'a Shown,
    roles: Vec<RoleChoice>,
    has_secret: bool,
    back: String,
}

/// The form; `secret` is only sent when it changes.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    mailbox_links: String,
    second_factor: String,
    is_on: String,
    issuer: String,
    client_id: String,
    #[serde(skip_serializing)]
    client_secret: String,
    groups_claim: String,
    /// Lines `group = role`.
    groups: String,
    other_role: String,
}

/// The settings, the secret revealed.
pub async fn kept(app: &App, org: OrgId) -> Result<Access, Fault> {
    let seal = app.seal.clone();
    Ok(app.db.read(move |tx| Box::pin(async move { sql::access(tx, &seal, org).await })).await?)
}

/// `GET /people/access`.
pub async fn form(State(app): State<App>, view: View, person: Person, headers: HeaderMap) -> Page {
    person.require(May::People)?;
    let org = person.acting_org()?;
    let access = kept(&app, org).await?;
    let on = |is_on: bool| if is_on { "on".to_string() } else { String::new() };
    let provider = &access.provider;
    let lines: Vec<String> = provider.groups.iter().map(|(group, role)| format!("{group} = {role}")).collect();
    let wanted = Wanted {
        mailbox_links: on(access.mailbox_links),
        second_factor: access.second_factor.name().into(),
        is_on: on(provider.is_on),
        issuer: provider.issuer.clone(),
        client_id: provider.client_id.clone(),
        client_secret: String::new(),
        groups_claim: provider.groups_claim.clone(),
        groups: lines.join("\n"),
        other_role: provider.other_role.clone(),
    };
    shown(&app, (&view, &person, &headers), org, &Shown::of(&wanted)).await
}

async fn shown(app: &App, asked: (&View, &Person, &HeaderMap), org: OrgId, form: &Shown) -> Page {
    let (view, person, headers) = asked;
    let has_secret = !kept(app, org).await?.provider.client_secret.is_empty();
    let roles = choices(app, view, person, Some(org), form.value("other_role")).await?;
    let roles = roles.into_iter().filter(|role| !Role::parse(&role.key).is_some_and(Role::is_of_service)).collect();
    let status = form.status();
    let back = format!("{}{}", link::base(app, headers), back_path(org));
    show_with(status, &AccessPage { view, form, roles, has_secret, back })
}

/// What was typed as settings, and what of it cannot be read.
fn read(before: &Provider, wanted: &Wanted) -> (Access, Vec<Wrong>) {
    let mut wrong = Vec::new();
    let mut groups = Vec::new();
    for line in wanted.groups.lines().map(str::trim).filter(|line| !line.is_empty()).take(GROUPS_MAX + 1) {
        match line.rsplit_once('=') {
            Some((group, role)) if !group.trim().is_empty() => groups.push((group.trim().to_string(), role.trim().to_string())),
            _ => wrong.push(Wrong::new("groups", "provider-wrong-groups")),
        }
    }
    let second_factor = SecondFactor::parse(&wanted.second_factor).unwrap_or_else(|| {
        wrong.push(Wrong::new("second_factor", "access-wrong-second-factor"));
        SecondFactor::Offered
    });
    let secret = Some(&wanted.client_secret).filter(|secret| !secret.is_empty()).map(String::as_str);
    let provider = Provider {
        is_on: !wanted.is_on.is_empty(),
        issuer: wanted.issuer.trim().to_string(),
        client_id: wanted.client_id.trim().to_string(),
        client_secret: secret_for(before, wanted.issuer.trim(), secret),
        groups_claim: wanted.groups_claim.trim().to_string(),
        groups,
        other_role: wanted.other_role.clone(),
    };
    (Access { mailbox_links: !wanted.mailbox_links.is_empty(), second_factor, provider }, wrong)
}

/// The secret that counts: one that was sent, or the kept one, which goes to no other issuer.
pub fn secret_for(before: &Provider, issuer: &str, sent: Option<&str>) -> String {
    match sent {
        Some(sent) => sent.to_string(),
        None if issuer == before.issuer => before.client_secret.clone(),
        None => String::new(),
    }
}

/// What of the settings cannot be. Nobody maps a group to more than they may themselves.
async fn wrong_in(app: &App, person: &Person, org: OrgId, provider: &Provider) -> Result<Vec<Wrong>, Fault> {
    let mut wrong = Vec::new();
    if provider.groups.len() > GROUPS_MAX {
        wrong.push(Wrong::new("groups", "provider-too-many-groups"));
    }
    let roles = provider.groups.iter().take(GROUPS_MAX).map(|(_, role)| ("groups", role)).chain([("other_role", &provider.other_role)]);
    for (field, role) in roles.filter(|(_, role)| !role.is_empty()) {
        if !may_map(app, person, org, role).await? {
            wrong.push(Wrong::new(field, "provider-wrong-role"));
        }
    }
    let is_long = [&provider.issuer, &provider.client_id, &provider.client_secret, &provider.groups_claim]
        .into_iter()
        .chain(provider.groups.iter().map(|(group, _)| group))
        .any(|text| text.len() > FIELD_CHARS_MAX);
    if is_long || provider.is_on && provider.issuer.is_empty() {
        wrong.push(Wrong::new("issuer", "provider-wrong-issuer"));
    }
    if provider.is_on && provider.client_id.is_empty() {
        wrong.push(Wrong::new("client_id", "provider-wrong-client"));
    }
    Ok(wrong)
}

/// Keeps settings, with their line in the log.
/// # Errors
/// [`Fault::Invalid`] names what cannot be.
pub async fn put(app: &App, person: &Person, org: OrgId, access: Access) -> Result<(), Fault> {
    let wrong = wrong_in(app, person, org, &access.provider).await?;
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    let (ids, now_ms, seal, person) = (app.ids.clone(), app.now_ms(), app.seal.clone(), person.clone());
    let saved: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::put_access(tx, &seal, org, &access).await?;
                let provider = &access.provider;
                let detail = serde_json::json!({ "mailbox_links": access.mailbox_links, "second_factor": access.second_factor,
                    "provider": provider.is_on, "issuer": provider.issuer, "client_id": provider.client_id, "groups": provider.groups,
                    "other_role": provider.other_role });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(org), "people.access", org).with(detail)).await
            })
        })
        .await;
    Ok(saved?)
}

async fn may_map(app: &App, person: &Person, org: OrgId, role: &str) -> Result<bool, Fault> {
    let reaches = |may: &[May]| may.iter().all(|may| person.may_give(*may));
    Ok(match Chosen::parse(role) {
        Some(Chosen::BuiltIn(role)) => !role.is_of_service() && reaches(role.may()),
        Some(Chosen::Own(id)) => {
            let found = app.db.read(move |tx| Box::pin(async move { people_sql::own_role_of(tx, OrgScope::One(org), id).await })).await?;
            found.is_some_and(|role| reaches(&role.may))
        }
        None => false,
    })
}

/// `POST /people/access`.
pub async fn save(State(app): State<App>, view: View, person: Person, headers: HeaderMap, Form(wanted): Form<Wanted>) -> Page {
    person.require(May::People)?;
    let org = person.acting_org()?;
    if let Some(page) = sure(&app, &person, "/people/access") {
        return page;
    }
    let (access, mut wrong) = read(&kept(&app, org).await?.provider, &wanted);
    if wrong.is_empty() {
        match put(&app, &person, org, access).await {
            Ok(()) => return done("/people/access", Say::new("access-kept")),
            Err(Fault::Invalid(found)) => wrong = found,
            Err(fault) => return Err(fault),
        }
    }
    shown(&app, (&view, &person, &headers), org, &Shown::of(&wanted).with_wrong(wrong)).await
}

/// `POST /people/access/test`: asks the provider for its metadata and keys, and says what came.
pub async fn test(State(app): State<App>, view: View, person: Person, headers: HeaderMap, Form(wanted): Form<Wanted>) -> Page {
    person.require(May::People)?;
    let org = person.acting_org()?;
    app.limits().take(&format!("provider-test {}", person.id), limit::LINK_SOURCE, app.now_ms())?;
    let tried = async {
        let metadata = client::discover(&app, wanted.issuer.trim()).await?;
        client::keys(&app, &metadata).await.map(|keys| keys.keys.len())
    };
    let wrong = match tried.await {
        Ok(keys) if keys > 0 => {
            let form = Shown::of(&wanted);
            let mut answer_view = view.clone();
            answer_view.said = Some(Say::new("provider-test-good").with("count", keys));
            return shown(&app, (&answer_view, &person, &headers), org, &form).await;
        }
        Ok(_) => Wrong::new("issuer", "provider-error-no-keys"),
        Err(why) => Wrong {
            field: "issuer",
            say: Say { key: format!("provider-error-{}", why.name()).into(), args: Vec::new() }.with("what", why.to_string()),
        },
    };
    shown(&app, (&view, &person, &headers), org, &Shown::of(&wanted).with_wrong(vec![wrong])).await
}
