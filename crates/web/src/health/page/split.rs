//! A part of an issue that is followed on its own: other services than the rest, or one organisation of many.
//!
//! In: an issue and which part of it. Out: a second issue, opened by a person, that says where it comes from; a word about it in the
//! first. Invariant: what is measured stays in the issue of its rule, as long as it is measured: splitting turns nothing green.

use super::super::issue::{Issue, IssueId, Post};
use super::super::{Text, hook, sql};
use super::{issue, messages, publish, service_name};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done};
use crate::people::{May, Person};
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gateway::health::Service;
use store::Error;

/// Which part, and what is said about it.
pub struct Wish {
    /// Of the issue's services.
    pub services: Vec<String>,
    /// Name of one organisation; "" is whom the issue concerns.
    pub organisation: String,
    /// Empty: as the issue is called.
    pub title: Text,
    pub post: Text,
}

/// A service of an issue in the form.
pub struct Pick {
    pub field: String,
    pub service: String,
    pub name: String,
    pub is_on: bool,
}

/// The services of an issue to choose from, those ticked that were.
pub fn picks(view: &View, issue: &Issue, form: &Shown) -> Vec<Pick> {
    let pick = |(n, service): (usize, &Service)| Pick {
        field: format!("f-split-{n}"),
        service: service.to_string(),
        name: service_name(view, service),
        is_on: form.is_on(&format!("split {service}")),
    };
    issue.body.services.iter().enumerate().map(pick).collect()
}

/// Names to choose from, where the issue concerns everybody.
pub fn organisations(app: &App, issue: &Issue) -> Vec<String> {
    let directory = app.directory.snapshot();
    let mut names: Vec<String> = match issue.org {
        0 => directory.organisations.values().map(|one| one.name.clone()).collect(),
        _ => Vec::new(),
    };
    names.sort();
    names
}

/// Takes the part out of `issue`; the issue that it becomes.
fn taken(issue: &mut Issue, wish: &Wish, org: i64, now_ms: i64) -> Result<Issue, Wrong> {
    let chosen: Vec<Service> = issue.body.services.iter().filter(|one| wish.services.contains(&one.to_string())).cloned().collect();
    if chosen.is_empty() || chosen.len() < wish.services.len() {
        return Err(Wrong::new("split_services", "health-wrong-split"));
    }
    let is_whole = chosen.len() == issue.body.services.len();
    if org == 0 && is_whole {
        return Err(Wrong::new("split_services", "health-wrong-split-all"));
    }
    if org != 0 && issue.org != 0 {
        return Err(Wrong::new("split_organisation", "health-wrong-split-own"));
    }
    if wish.title.is_too_long() || wish.post.is_too_long() {
        return Err(Wrong::new("split_title_en", "health-wrong-long"));
    }
    // For everybody else it goes on as it is, and so does what a rule sees.
    if org == 0 && !issue.is_measured {
        issue.body.services.retain(|service| !chosen.contains(service));
    }
    issue.updated_ms = now_ms;
    let mut part = Issue {
        id: IssueId(0),
        org: if org == 0 { issue.org } else { org },
        cause: String::new(),
        what: String::new(),
        is_measured: false,
        merged_into: 0,
        split_from: issue.id.0,
        ..issue.clone()
    };
    part.body.services = chosen;
    if !wish.title.is_empty() {
        part.body.title = wish.title.clone();
    }
    Ok(part)
}

/// Splits a part off an issue; its number, or what is wrong.
pub async fn split(app: &App, person: &Person, mut issue: Issue, wish: Wish) -> Result<Result<IssueId, Wrong>, Fault> {
    person.require(May::Operate)?;
    let Some(org) = messages::organisation(app, wish.organisation.trim()) else {
        return Ok(Err(Wrong::new("split_organisation", "health-wrong-organisation")));
    };
    let now_ms = app.now_ms();
    let mut part = match taken(&mut issue, &wish, org, now_ms) {
        Ok(part) => part,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let (all, person) = (app.clone(), person.clone());
    let saved = app.db.tx(move |tx| {
        Box::pin(async move {
            part.id = sql::next_number(tx).await?;
            let text = |key, id: IssueId| Text::from(Say::new(key).with("what", id.to_string()));
            let said = if wish.post.is_empty() { text("health-split-of", issue.id) } else { wish.post };
            for (one, text) in [(&issue, text("health-split-to", part.id)), (&part, said)] {
                sql::put(tx, one).await?;
                let who = person.shown().to_string();
                let post = Post { id: all.ids.next(now_ms), at_ms: now_ms, kind: "regular".into(), status: Some(one.status), who, text };
                sql::put_post(tx, one, &post).await?;
                // The rest of the issue is no news to those who follow it.
                if one.id == part.id {
                    hook::tell(tx, &hook::Ground::of(&all), one, &post.text, now_ms).await?;
                }
            }
            let org = Some(mail::OrgId(part.org)).filter(|org| org.0 != 0);
            let entry = Entry::new(org, "health.split", issue.id).with(serde_json::json!({ "into": part.id.to_string() }));
            audit::note(tx, &person, &all.ids, now_ms, entry).await?;
            Ok::<_, Error>(part.id)
        })
    });
    let id = saved.await.map_err(Fault::from)?;
    app.health.ring();
    Ok(Ok(id))
}

/// `POST /health/issues/{issue}/split`.
pub async fn post(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Page {
    let (found, posts) = issue::read(&app, &person, &id).await?;
    person.require(May::Operate)?;
    let field = |name: &str| pairs.iter().find(|(sent, _)| sent == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let services: Vec<String> = pairs.iter().filter(|(name, _)| name == "service").map(|(_, value)| value.clone()).collect();
    let wish = Wish {
        services: services.clone(),
        organisation: field("split_organisation").into(),
        title: Text::written(field("split_title_en"), field("split_title_zh")),
        post: Text::written(field("split_post_en"), field("split_post_zh")),
    };
    match split(&app, &person, found.clone(), wish).await? {
        Ok(part) => done(&format!("/health/issues/{part}"), Say::new("health-split-made").with("what", part.to_string())),
        Err(wrong) => {
            let mut form = publish::form_of(&view, &found).with_wrong(vec![wrong]);
            form.values.extend(pairs.iter().filter(|(name, _)| name.starts_with("split_")).cloned());
            form.values.extend(services.into_iter().map(|service| (format!("split {service}"), "on".to_string())));
            let mut answer = issue::shown(&app, &view, &person, (&found, &posts), &form).await?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
    }
}
