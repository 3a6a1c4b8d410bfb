//! Pages on which operators keep plans and contracts.

use super::clock::{Kind, PlanBody, Target};
use super::sql::{self, Contract, Version};
use super::sql_work::{self, Engineer};
use super::told::{ClockLine, lines};
use super::trial;
use super::{plans, zones};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show, show_with};
use crate::people::{May, Person};
use crate::service_request::Severity;
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gateway::scope::OrgScope;
use mail::{OrgId, PersonId};
use std::collections::BTreeMap;
use store::Error;

type Values = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "support_desk/templates/plans.html")]
struct PlansPage<'a> {
    view: &'a View,
    plans: Vec<Version>,
    contracts: Vec<ContractLine>,
    may_edit: bool,
}

struct ContractLine {
    org: String,
    name: String,
    plan: String,
    manager: String,
}

impl PlansPage<'_> {
    /// First answers by severity, in words.
    fn promised(&self, plan: &Version) -> String {
        let first = plan.body.targets.iter().filter(|target| target.clock == Kind::FirstResponse);
        let each = first.map(|target| {
            let long = super::clock::said::length(self.view, i64::from(target.minutes) * 60_000);
            format!("{} {long}", target.severity.name().to_uppercase())
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// `GET /support/plans`: read by all of support, changed by operators.
pub async fn list(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Support)?;
    let found: Result<_, Error> = app
        .db
        .read(|tx| {
            Box::pin(async move { Ok((sql::plans(tx).await?, sql::contracts(tx, OrgScope::All).await?, sql_work::engineers(tx).await?)) })
        })
        .await;
    let (plans, contracts, people) = found?;
    let directory = app.directory.snapshot();
    let line = |org: &gateway::directory::Organisation| {
        let contract = contracts.iter().find(|contract| contract.org == org.id).copied().unwrap_or(Contract::none(org.id));
        let plan = plans.iter().find(|plan| Some(plan.plan) == contract.plan);
        ContractLine {
            org: org.id.to_string(),
            name: org.name.clone(),
            plan: plan.map_or_else(|| view.t("support-plan-usual"), |plan| plan.body.name.clone()),
            manager: name_of(&people, contract.manager),
        }
    };
    let mut ordered: Vec<&gateway::directory::Organisation> = directory.organisations.values().collect();
    ordered.sort_by(|a, b| a.name.cmp(&b.name));
    let contracts = ordered.into_iter().map(line).collect();
    show(&PlansPage { view: &view, plans, contracts, may_edit: person.may(May::Operate) })
}

fn name_of(people: &[Engineer], person: Option<PersonId>) -> String {
    people.iter().find(|one| Some(one.person) == person).map(|one| one.shown().to_string()).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "support_desk/templates/plan.html")]
struct PlanPage<'a> {
    view: &'a View,
    form: &'a Shown,
    /// '' for a new one.
    id: String,
    name: String,
    is_default: bool,
    may_edit: bool,
    versions: Vec<Version>,
    week: Vec<(String, String)>,
    trial: &'a Shown,
    clocks: Vec<ClockLine>,
}

/// The fields of one promise.
struct Promise {
    kind: &'static str,
    severity: &'static str,
    minutes: String,
    always: String,
    warn: String,
}

impl PlanPage<'_> {
    fn promises(&self) -> Vec<Promise> {
        let promise = |kind: Kind, severity: Severity| Promise {
            kind: kind.name(),
            severity: severity.name(),
            minutes: field("minutes", kind, severity),
            always: field("always", kind, severity),
            warn: field("warn", kind, severity),
        };
        Kind::ALL.into_iter().flat_map(|kind| Severity::ALL.iter().map(move |severity| promise(kind, *severity))).collect()
    }

    fn kinds(&self) -> [&'static str; 3] {
        Kind::ALL.map(Kind::name)
    }

    fn severities(&self) -> Vec<&'static str> {
        Severity::ALL.iter().map(|severity| severity.name()).collect()
    }
}

fn field(what: &str, kind: Kind, severity: Severity) -> String {
    format!("{what}-{}-{}", severity.name(), kind.name())
}

/// The form of a plan.
fn filled(body: &PlanBody) -> Shown {
    let mut values = Values::new();
    let mut put = |name: &str, value: String| values.insert(name.into(), value);
    put("name", body.name.clone());
    put("hours", body.hours.clone());
    put("zone", body.zone.clone());
    put("holidays", body.holidays.clone());
    put("closed_days", body.closed_days.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    for target in &body.targets {
        put(&field("minutes", target.clock, target.severity), target.minutes.to_string());
        let warnings: Vec<String> = target.warn_minutes.iter().map(ToString::to_string).collect();
        put(&field("warn", target.clock, target.severity), warnings.join(" "));
        if target.is_around_the_clock {
            put(&field("always", target.clock, target.severity), "on".into());
        }
    }
    for kind in &body.paused_while_waiting {
        put(&format!("pause-{}", kind.name()), "on".into());
    }
    Shown { values, wrong: Vec::new() }
}

/// What was typed, as a plan.
fn typed(values: &Values) -> Result<PlanBody, Vec<Wrong>> {
    let value = |name: &str| values.get(name).map(|value| value.trim().to_string()).unwrap_or_default();
    let mut wrong = Vec::new();
    let days = value("closed_days");
    let closed_days: Option<Vec<_>> =
        days.split([' ', ',', '\n', '\r']).filter(|day| !day.is_empty()).map(|day| day.parse().ok()).collect();
    if closed_days.is_none() {
        wrong.push(Wrong::new("closed_days", "support-wrong-closed-days"));
    }
    let mut targets = Vec::new();
    for (kind, severity) in Kind::ALL.into_iter().flat_map(|kind| Severity::ALL.iter().map(move |severity| (kind, *severity))) {
        let minutes = value(&field("minutes", kind, severity));
        if minutes.is_empty() {
            continue;
        }
        let warn = value(&field("warn", kind, severity));
        let warn_minutes: Option<Vec<u32>> = warn.split([' ', ',']).filter(|one| !one.is_empty()).map(|one| one.parse().ok()).collect();
        let is_around_the_clock = values.contains_key(&field("always", kind, severity));
        match (minutes.parse().ok(), warn_minutes) {
            (Some(minutes), Some(warn_minutes)) => {
                targets.push(Target { severity, clock: kind, minutes, is_around_the_clock, warn_minutes });
            }
            _ => wrong.push(Wrong::new("targets", "support-wrong-target")),
        }
    }
    wrong.dedup();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let paused_while_waiting = Kind::ALL.into_iter().filter(|kind| values.contains_key(&format!("pause-{}", kind.name()))).collect();
    Ok(PlanBody {
        name: value("name"),
        hours: value("hours"),
        zone: value("zone"),
        holidays: value("holidays"),
        closed_days: closed_days.unwrap_or_default(),
        targets,
        paused_while_waiting,
    })
}

async fn plan_page(app: &App, view: &View, (form, plan): (&Shown, Option<&Version>), (trial, clocks): (&Shown, Vec<ClockLine>)) -> Page {
    let mut versions = Vec::new();
    if let Some(plan) = plan {
        let plan = plan.plan;
        let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::versions(tx, plan).await })).await;
        versions = found?;
    }
    let page = PlanPage {
        view,
        form,
        id: plan.map(|plan| plan.id.to_string()).unwrap_or_default(),
        name: plan.map(|plan| plan.body.name.clone()).unwrap_or_default(),
        is_default: plan.is_some_and(|plan| plan.is_default),
        may_edit: view.may(May::Operate) && plan.is_none_or(|plan| plan.is_latest),
        versions,
        week: plan.map(|plan| zones::week(view, &plan.body)).unwrap_or_default(),
        trial,
        clocks,
    };
    let is_right = form.wrong.is_empty() && trial.wrong.is_empty();
    show_with(if is_right { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }, &page)
}

/// `GET /support/plans/new`.
pub async fn fresh(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Operate)?;
    let form = filled(&PlanBody { name: String::new(), ..PlanBody::shipped()[0].clone() });
    plan_page(&app, &view, (&form, None), (&Shown::default(), Vec::new())).await
}

/// `GET /support/plans/{plan}`: a version, and with `opened` what its clocks would say of a request.
pub async fn one(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Query(asked): Query<trial::Typed>) -> Page {
    person.require(May::Support)?;
    let plan = plans::plan(&app, &id).await?;
    let form = filled(&plan.body);
    if asked.opened.is_empty() {
        return plan_page(&app, &view, (&form, Some(&plan)), (&Shown::default(), Vec::new())).await;
    }
    let trial = Shown::of(&asked);
    match asked.read(&view, plan.id.0, plan.body.clone()) {
        Ok(clocks) => plan_page(&app, &view, (&form, Some(&plan)), (&trial, lines(&view, &clocks))).await,
        Err(wrong) => plan_page(&app, &view, (&form, Some(&plan)), (&trial.with_wrong(wrong), Vec::new())).await,
    }
}

async fn saved(app: &App, view: &View, person: &Person, (plan, values): (Option<Version>, Values)) -> Page {
    let body = typed(&values).map_err(Fault::Invalid);
    let kept = match body {
        Ok(body) => plans::put_plan(app, person, plan.clone(), body).await,
        Err(fault) => Err(fault),
    };
    match kept {
        Ok(new) => done(&format!("/support/plans/{}", new.id), Say::new("support-plan-saved")),
        Err(Fault::Invalid(wrong)) => {
            plan_page(app, view, (&Shown { values, wrong }, plan.as_ref()), (&Shown::default(), Vec::new())).await
        }
        Err(fault) => Err(fault),
    }
}

/// `POST /support/plans/new`.
pub async fn create(State(app): State<App>, view: View, person: Person, Form(values): Form<Values>) -> Page {
    person.require(May::Operate)?;
    saved(&app, &view, &person, (None, values)).await
}

/// `POST /support/plans/{plan}`: a new version, or with `default` the plan of organisations without a contract.
pub async fn change(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(values): Form<Values>) -> Page {
    person.require(May::Operate)?;
    let plan = plans::plan(&app, &id).await?;
    if values.contains_key("default") {
        plans::make_default(&app, &person, plan.plan).await?;
        return done("/support/plans", Say::new("support-plan-saved"));
    }
    saved(&app, &view, &person, (Some(plan), values)).await
}

#[derive(Template)]
#[template(path = "support_desk/templates/contract.html")]
struct ContractPage<'a> {
    view: &'a View,
    form: &'a Shown,
    org: OrgId,
    name: String,
    plans: Vec<(String, String)>,
    people: Vec<(String, String)>,
    may_edit: bool,
}

async fn contract_page(app: &App, view: &View, (org, form): (OrgId, Option<Shown>)) -> Page {
    let name = app.directory.snapshot().organisation(org).map(|found| found.name.clone()).ok_or(Fault::NotFound)?;
    let found: Result<_, Error> = app
        .db
        .read(move |tx| {
            Box::pin(
                async move { Ok((sql::contract_of(tx, OrgScope::All, org).await?, sql::plans(tx).await?, sql_work::engineers(tx).await?)) },
            )
        })
        .await;
    let (contract, plans, people) = found?;
    let form = form.unwrap_or_else(|| {
        let number = |person: Option<PersonId>| person.map(|person| person.to_string()).unwrap_or_default();
        let values = [
            ("plan", contract.plan.map(|plan| plan.to_string()).unwrap_or_default()),
            ("manager", number(contract.manager)),
            ("deputy", number(contract.deputy)),
            ("advisory_minutes", contract.advisory_minutes.to_string()),
        ];
        Shown { values: values.map(|(name, value)| (name.to_string(), value)).into_iter().collect(), wrong: Vec::new() }
    });
    let page = ContractPage {
        view,
        form: &form,
        org,
        name,
        plans: plans.iter().map(|plan| (plan.plan.to_string(), plan.body.name.clone())).collect(),
        people: people.iter().map(|one| (one.person.to_string(), one.shown().to_string())).collect(),
        may_edit: view.may(May::Operate),
    };
    show_with(form.status(), &page)
}

/// `GET /support/contracts/{organisation}`.
pub async fn contract(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::Support)?;
    let org: OrgId = id.parse().map_err(|_| Fault::NotFound)?;
    contract_page(&app, &view, (org, None)).await
}

/// `POST /support/contracts/{organisation}`.
pub async fn put_contract(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(values): Form<Values>) -> Page {
    person.require(May::Operate)?;
    let org: OrgId = id.parse().map_err(|_| Fault::NotFound)?;
    let value = |name: &str| values.get(name).map(|value| value.trim()).unwrap_or_default();
    let mut wrong = Vec::new();
    let mut named = |field: &'static str| {
        let text = value(field);
        if !text.is_empty() && text.parse::<PersonId>().is_err() {
            wrong.push(Wrong::new(field, "support-wrong-person"));
        }
        text.parse::<PersonId>().ok()
    };
    let (manager, deputy) = (named("manager"), named("deputy"));
    let plan = value("plan");
    if !plan.is_empty() && plan.parse::<mail::id::PlanId>().is_err() {
        wrong.push(Wrong::new("plan", "support-wrong-plan"));
    }
    let minutes = value("advisory_minutes");
    let advisory_minutes = if minutes.is_empty() { Some(0) } else { minutes.parse().ok() };
    let contract = Contract { org, plan: plan.parse().ok(), manager, deputy, advisory_minutes: advisory_minutes.unwrap_or(-1) };
    let kept = if wrong.is_empty() { plans::put_contract(&app, &person, contract).await } else { Err(Fault::Invalid(wrong)) };
    match kept {
        Ok(()) => done("/support/plans", Say::new("support-contract-saved")),
        Err(Fault::Invalid(wrong)) => contract_page(&app, &view, (org, Some(Shown { values, wrong }))).await,
        Err(fault) => Err(fault),
    }
}
