//! The page of quarantine policies: what there is, which holds for which verdict, when digests go out. What it does is also what the
//! API does; both come through the functions at the end.

use super::super::digest::{self, Every, Schedule};
use super::super::list::VERDICTS;
use super::{Custom, PRESETS, Power, Rules, checked, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, confirm, done, form::Form as Shown, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use store::Error;

type Pairs = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "quarantine/policy/templates/policies.html")]
struct PoliciesPage<'a> {
    view: &'a View,
    form: &'a Shown,
    /// `(key, name, powers, verdicts that have it, whether it is the organisation's)`.
    policies: Vec<(String, String, Vec<&'static str>, Vec<&'static str>, bool)>,
    /// `(verdict, key of its policy)`.
    verdicts: Vec<(&'static str, String)>,
    every: Vec<&'static str>,
    zones: Vec<String>,
    may_change: bool,
}

/// `GET /quarantine/policies`.
pub async fn list(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::ReadSettings)?;
    let schedule = schedule_of(&app, &person).await?;
    listed(&app, &view, &person, (&schedule.form(), StatusCode::OK)).await
}

async fn schedule_of(app: &App, person: &Person) -> Result<Schedule, Fault> {
    let Some(org) = person.org else { return Ok(Schedule::default()) };
    let found: Result<Schedule, Error> = app.db.read(move |tx| Box::pin(async move { digest::sql::schedule(tx, org).await })).await;
    Ok(found?)
}

async fn listed(app: &App, view: &View, person: &Person, (form, status): (&Shown, StatusCode)) -> Page {
    let (rules, customs) = all(app, person).await?;
    let presets = PRESETS.iter().map(|(name, powers)| (name.to_string(), view.of_kind("quarantine-preset", name), *powers, false));
    let own = customs.iter().map(|custom| (custom.id.to_string(), custom.name.clone(), custom.powers, true));
    let policy = |(key, name, powers, is_own): (String, String, super::PowerSet, bool)| {
        let verdicts = rules.verdicts_of(&key);
        (key, name, powers.powers().map(Power::name).collect(), verdicts, is_own)
    };
    show_with(
        status,
        &PoliciesPage {
            view,
            form,
            policies: presets.chain(own).map(policy).collect(),
            verdicts: VERDICTS.iter().map(|verdict| (*verdict, rules.policy(verdict).to_string())).collect(),
            every: Every::ALL.iter().map(|every| every.name()).collect(),
            zones: digest::ZONES.iter().map(ToString::to_string).collect(),
            may_change: person.may(May::Policies),
        },
    )
}

#[derive(Template)]
#[template(path = "quarantine/policy/templates/policy.html")]
struct PolicyPage<'a> {
    view: &'a View,
    form: &'a Shown,
    id: String,
    /// `(power, whether it has it)`.
    powers: Vec<(&'static str, bool)>,
    may_change: bool,
}

fn shown(view: &View, id: &str, form: &Shown, (powers, may_change): (&[String], bool)) -> Page {
    let has = |power: &Power| (power.name(), powers.iter().any(|one| one == power.name()));
    let status = form.status();
    show_with(status, &PolicyPage { view, form, id: id.into(), powers: Power::ALL.iter().map(has).collect(), may_change })
}

/// `GET /quarantine/policies/new`.
pub async fn new(view: View, person: Person) -> Page {
    person.require(May::Policies)?;
    shown(&view, "", &Shown::default(), (&["preview".into(), "request".into()], true))
}

/// `GET /quarantine/policies/{policy}`.
pub async fn one(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::ReadSettings)?;
    let custom = found(&app, &person, &id).await?;
    let powers: Vec<String> = custom.powers.powers().map(|power| power.name().to_string()).collect();
    let mut form = Shown::default();
    form.values.insert("name".into(), custom.name);
    shown(&view, &id, &form, (&powers, person.may(May::Policies)))
}

fn posted(pairs: &Pairs) -> (String, Vec<String>) {
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
    (value("name"), pairs.iter().filter(|(key, _)| key == "powers").map(|(_, value)| value.clone()).collect())
}

/// Done, or the form again with what is wrong.
fn answered<T>(view: &View, id: &str, posted: (String, Vec<String>), result: Result<T, Fault>) -> Page {
    let (name, powers) = posted;
    let wrong = match result {
        Ok(_) => return done("/quarantine/policies", Say::new("quarantine-policy-saved")),
        Err(Fault::Invalid(wrong)) => wrong,
        Err(Fault::Conflict(say)) => vec![Wrong { field: "name", say }],
        Err(other) => return Err(other),
    };
    let mut form = Shown::default().with_wrong(wrong);
    form.values.insert("name".into(), name);
    shown(view, id, &form, (&powers, true))
}

/// `POST /quarantine/policies`: makes one.
pub async fn create(State(app): State<App>, view: View, person: Person, Form(pairs): Form<Pairs>) -> Page {
    let posted = posted(&pairs);
    let result = make(&app, &person, &posted.0, &posted.1).await;
    answered(&view, "", posted, result)
}

/// `POST /quarantine/policies/{policy}`: changes it.
pub async fn save(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(pairs): Form<Pairs>) -> Page {
    let posted = posted(&pairs);
    let result = change(&app, &person, &id, (&posted.0, &posted.1)).await;
    answered(&view, &id, posted, result)
}

/// `POST /quarantine/policies/{policy}/delete`.
pub async fn delete(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(pairs): Form<Pairs>) -> Page {
    person.require(May::Policies)?;
    let custom = found(&app, &person, &id).await?;
    if !confirm::is_sure(&pairs) {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("quarantine-policy-delete"),
                text: Say::new("quarantine-policy-delete-sure").with("what", custom.name),
                button: "quarantine-policy-delete",
                action: format!("/quarantine/policies/{id}/delete"),
                fields: Vec::new(),
                back: "/quarantine/policies".into(),
            },
        );
    }
    remove(&app, &person, &id).await?;
    done("/quarantine/policies", Say::new("quarantine-policy-deleted"))
}

/// `POST /quarantine/policies/assign`: a field for each verdict, with the policy it has.
pub async fn assign(State(app): State<App>, person: Person, Form(pairs): Form<Pairs>) -> Page {
    let wanted: Pairs = pairs.into_iter().filter(|(verdict, _)| VERDICTS.contains(&verdict.as_str())).collect();
    choose(&app, &person, wanted).await?;
    done("/quarantine/policies", Say::new("quarantine-policy-saved"))
}

/// `POST /quarantine/policies/digest`: when digests go out.
pub async fn schedule(State(app): State<App>, view: View, person: Person, Form(pairs): Form<Pairs>) -> Page {
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    match set_schedule(&app, &person, (value("every"), value("hour"), value("zone"))).await {
        Ok(()) => done("/quarantine/policies", Say::new("quarantine-policy-saved")),
        Err(Fault::Invalid(wrong)) => {
            let values = ["every", "hour", "zone"].map(|name| (name.to_string(), value(name).to_string()));
            let form = Shown { values: values.into(), wrong };
            listed(&app, &view, &person, (&form, StatusCode::UNPROCESSABLE_ENTITY)).await
        }
        Err(other) => Err(other),
    }
}

/// Everything of the person's organisation.
pub async fn all(app: &App, person: &Person) -> Result<(Rules, Vec<Custom>), Fault> {
    let Some(org) = person.org else { return Ok((Rules::default(), Vec::new())) };
    let scope = person.scope();
    let read = app.db.read(move |tx| Box::pin(async move { Ok::<_, Error>((sql::rules(tx, org).await?, sql::customs(tx, scope).await?)) }));
    Ok(read.await?)
}

/// One of the organisation's own, for those who may see it.
pub async fn found(app: &App, person: &Person, id: &str) -> Result<Custom, Fault> {
    let (id, scope): (i64, _) = (id.parse().map_err(|_| Fault::NotFound)?, person.scope());
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, id).await })).await;
    found?.ok_or(Fault::NotFound)
}

/// Makes one.
pub async fn make(app: &App, person: &Person, name: &str, powers: &[String]) -> Result<Custom, Fault> {
    person.require(May::Policies)?;
    let (name, powers) = checked(name, powers)?;
    let custom = Custom { id: app.fresh_id(), org: person.acting_org()?, name, powers };
    let (new, person, ids, now_ms) = (custom.clone(), person.clone(), app.ids.clone(), app.now_ms());
    let made: Result<bool, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if sql::customs(tx, gateway::scope::OrgScope::One(new.org)).await?.len() >= super::CUSTOM_MAX {
                    return Ok(false);
                }
                sql::insert(tx, &new, now_ms).await?;
                audit::note(tx, &person, &ids, now_ms, entry("quarantine-policy.make", &new)).await?;
                Ok(true)
            })
        })
        .await;
    if made? { Ok(custom) } else { Err(Fault::Conflict(Say::new("quarantine-policy-too-many"))) }
}

fn entry(action: &'static str, custom: &Custom) -> Entry {
    Entry::new(Some(custom.org), action, custom.id).with(serde_json::json!({ "name": custom.name, "powers": custom.powers.written() }))
}

/// Changes one.
pub async fn change(app: &App, person: &Person, id: &str, (name, powers): (&str, &[String])) -> Result<Custom, Fault> {
    person.require(May::Policies)?;
    let old = found(app, person, id).await?;
    let (name, powers) = checked(name, powers)?;
    let custom = Custom { name, powers, ..old };
    let (new, person, ids, now_ms) = (custom.clone(), person.clone(), app.ids.clone(), app.now_ms());
    let changed: Result<bool, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let is_there = sql::update(tx, &new).await?;
                if is_there {
                    audit::note(tx, &person, &ids, now_ms, entry("quarantine-policy.change", &new)).await?;
                }
                Ok(is_there)
            })
        })
        .await;
    if changed? { Ok(custom) } else { Err(Fault::NotFound) }
}

/// Deletes one that no verdict has.
pub async fn remove(app: &App, person: &Person, id: &str) -> Result<(), Fault> {
    person.require(May::Policies)?;
    let old = found(app, person, id).await?;
    let (person, ids, now_ms) = (person.clone(), app.ids.clone(), app.now_ms());
    let gone: Result<bool, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let is_gone = sql::delete(tx, &old).await?;
                if is_gone {
                    audit::note(tx, &person, &ids, now_ms, entry("quarantine-policy.delete", &old)).await?;
                }
                Ok(is_gone)
            })
        })
        .await;
    if gone? { Ok(()) } else { Err(Fault::Conflict(Say::new("quarantine-policy-in-use"))) }
}

/// Chooses the policies of verdicts.
pub async fn choose(app: &App, person: &Person, wanted: Pairs) -> Result<(), Fault> {
    person.require(May::Policies)?;
    let org = person.acting_org()?;
    let (_, customs) = all(app, person).await?;
    let is_policy = |key: &str| PRESETS.iter().any(|(name, _)| *name == key) || customs.iter().any(|custom| custom.id.to_string() == key);
    let is_wrong = |(verdict, policy): &(String, String)| !VERDICTS.contains(&verdict.as_str()) || !is_policy(policy);
    if wanted.iter().any(is_wrong) {
        return Err(Fault::Invalid(vec![Wrong::new("", "quarantine-policy-unknown")]));
    }
    let (person, ids, now_ms) = (person.clone(), app.ids.clone(), app.now_ms());
    let chosen: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                for (verdict, policy) in &wanted {
                    sql::assign(tx, org, verdict, policy).await?;
                }
                let detail: serde_json::Map<String, serde_json::Value> =
                    wanted.iter().map(|(verdict, policy)| (verdict.to_string(), policy.to_string().into())).collect();
                let entry = Entry::new(Some(org), "quarantine-policy.assign", org).with(detail.into());
                audit::note(tx, &person, &ids, now_ms, entry).await
            })
        })
        .await;
    Ok(chosen?)
}

/// Sets when digests go out.
pub async fn set_schedule(app: &App, person: &Person, (every, hour, zone): (&str, &str, &str)) -> Result<(), Fault> {
    person.require(May::Policies)?;
    let org = person.acting_org()?;
    let schedule = Schedule::checked(every, hour, zone)?;
    let (person, ids, now_ms) = (person.clone(), app.ids.clone(), app.now_ms());
    let set: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                digest::sql::set_schedule(tx, org, &schedule).await?;
                let detail = serde_json::json!({ "every": schedule.every.name(), "hour": schedule.hour, "zone": schedule.zone });
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(org), "quarantine-policy.digest", org).with(detail)).await
            })
        })
        .await;
    Ok(set?)
}

/// What the API answers about the schedule.
pub async fn schedule_now(app: &App, person: &Person) -> Result<Schedule, Fault> {
    person.require(May::ReadSettings)?;
    schedule_of(app, person).await
}
