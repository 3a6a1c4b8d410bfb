//! Changes of plans, contracts, saved replies and skills: what pages and REST both call. Each is one transaction with its line of the log.

use super::clock::PlanBody;
use super::sql::{self, Contract, Version};
use super::sql_work::{self, Engineer, SavedReply};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::Person;
use crate::service_request::{Severity, State};
use futures_util::future::BoxFuture;
use mail::id::{PlanId, SavedReplyId};
use serde_json::json;
use store::{Error, Tx};

/// Characters of a saved reply and its name.
const REPLY_CHARS_MAX: usize = 8_000;
const NAME_CHARS_MAX: usize = 100;
/// Minutes of advice a month.
pub const ADVISORY_MINUTES_MAX: i64 = 200 * 60;
/// Requests at a time.
const OPEN_MAX: i64 = 1_000;
const LANGS_MAX: usize = 20;

/// Runs a change with its line of the audit log in one transaction.
async fn changed<T: Send + 'static>(
    app: &App,
    person: &Person,
    work: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<(T, Entry), Fault>> + Send + 'static,
) -> Result<T, Fault> {
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let done = app.db.tx(move |tx| {
        Box::pin(async move {
            let (made, entry) = work(tx).await?;
            audit::note(tx, &person, &ids, now_ms, entry).await?;
            Ok::<_, Fault>(made)
        })
    });
    done.await
}

/// A plan by its name or by the identifier of any of its versions.
pub async fn plan(app: &App, id: &str) -> Result<Version, Fault> {
    let id: PlanId = id.parse().map_err(|_| Fault::NotFound)?;
    let found: Result<Option<Version>, Error> = app.db.read(move |tx| Box::pin(async move { sql::one_version(tx, id.0).await })).await;
    found?.ok_or(Fault::NotFound)
}

pub async fn all_plans(app: &App) -> Result<Vec<Version>, Fault> {
    let found: Result<_, Error> = app.db.read(|tx| Box::pin(async move { sql::plans(tx).await })).await;
    Ok(found?)
}

/// Adds a plan, or a version of one. Requests that are open keep theirs.
/// # Errors
/// [`Fault::Invalid`] names each field; [`Fault::Conflict`] when `of` is not the latest version any more.
pub async fn put_plan(app: &App, person: &Person, of: Option<Version>, body: PlanBody) -> Result<Version, Fault> {
    let body = body.checked().map_err(Fault::Invalid)?;
    let (id, now_ms, by_whom) = (PlanId(app.fresh_id()), app.now_ms(), person.email.clone());
    changed(app, person, move |tx| {
        Box::pin(async move {
            let plans = sql::plans(tx).await?;
            if let Some(of) = &of {
                let latest = plans.iter().find(|latest| latest.plan == of.plan).ok_or(Fault::NotFound)?;
                if latest.id != of.id {
                    return Err(Fault::Conflict(Say::new("support-plan-changed")));
                }
            } else if plans.len() >= sql::PLANS_MAX {
                return Err(Fault::Conflict(Say::new("support-plans-full")));
            }
            if plans.iter().any(|other| other.body.name == body.name && of.as_ref().is_none_or(|of| of.plan != other.plan)) {
                return Err(Fault::Invalid(vec![Wrong::new("name", "support-wrong-name-taken")]));
            }
            let plan = of.as_ref().map_or(id, |of| of.plan);
            let is_default = plans.is_empty() || plans.iter().any(|latest| latest.plan == plan && latest.is_default);
            let new = Version { id, plan, body, is_latest: true, is_default, by_whom, made_ms: now_ms };
            sql::add_version(tx, &new).await?;
            let was = of.map(|of| of.body);
            let entry = Entry::new(None, "support.plan", plan).with(json!({ "version": id.to_string(), "before": was, "after": new.body }));
            Ok((new, entry))
        })
    })
    .await
}

/// Makes a plan the one of organisations without a contract.
pub async fn make_default(app: &App, person: &Person, plan: PlanId) -> Result<(), Fault> {
    changed(app, person, move |tx| {
        Box::pin(async move {
            sql::set_default(tx, plan).await?;
            Ok(((), Entry::new(None, "support.default", plan)))
        })
    })
    .await
}

/// Keeps what an organisation has agreed. Requests that are open keep their plan.
/// # Errors
/// [`Fault::NotFound`] for an organisation that is not there; [`Fault::Invalid`] for a plan or people that are not.
pub async fn put_contract(app: &App, person: &Person, contract: Contract) -> Result<(), Fault> {
    if app.directory.snapshot().organisation(contract.org).is_none() {
        return Err(Fault::NotFound);
    }
    if !(0..=ADVISORY_MINUTES_MAX).contains(&contract.advisory_minutes) {
        return Err(Fault::Invalid(vec![Wrong::new("advisory_minutes", "support-wrong-advisory")]));
    }
    let (now_ms, who) = (app.now_ms(), person.email.clone());
    changed(app, person, move |tx| {
        Box::pin(async move {
            let (plans, people) = (sql::plans(tx).await?, sql_work::engineers(tx).await?);
            let mut wrong = Vec::new();
            if contract.plan.is_some_and(|plan| plans.iter().all(|known| known.plan != plan)) {
                wrong.push(Wrong::new("plan", "support-wrong-plan"));
            }
            for (field, named) in [("manager", contract.manager), ("deputy", contract.deputy)] {
                if named.is_some_and(|named| people.iter().all(|known| known.person != named)) {
                    wrong.push(Wrong::new(field, "support-wrong-person"));
                }
            }
            if contract.deputy.is_some() && contract.deputy == contract.manager {
                wrong.push(Wrong::new("deputy", "support-wrong-deputy"));
            }
            if !wrong.is_empty() {
                return Err(Fault::Invalid(wrong));
            }
            sql::put_contract(tx, &contract, (now_ms, &who)).await?;
            let detail = json!({
                "plan": contract.plan.map(|plan| plan.to_string()), "manager": contract.manager.map(|one| one.to_string()),
                "deputy": contract.deputy.map(|one| one.to_string()), "advisory_minutes": contract.advisory_minutes,
            });
            Ok(((), Entry::new(Some(contract.org), "support.contract", contract.org).with(detail)))
        })
    })
    .await
}

/// Keeps a saved reply.
pub async fn put_reply(app: &App, person: &Person, mut reply: SavedReply) -> Result<SavedReplyId, Fault> {
    reply.name = reply.name.trim().to_string();
    let mut wrong = Vec::new();
    if reply.name.is_empty() || reply.name.chars().count() > NAME_CHARS_MAX {
        wrong.push(Wrong::new("name", "support-wrong-reply-name"));
    }
    if reply.body.trim().is_empty() || reply.body.chars().count() > REPLY_CHARS_MAX {
        wrong.push(Wrong::new("body", "support-wrong-reply-body"));
    }
    if !matches!(State::parse(&reply.steps.then), None | Some(State::Open | State::WaitingCustomer | State::Resolved))
        || (State::parse(&reply.steps.then).is_none() && !reply.steps.then.is_empty())
    {
        wrong.push(Wrong::new("then", "support-wrong-then"));
    }
    if Severity::parse(&reply.steps.severity).is_none() && !reply.steps.severity.is_empty() {
        wrong.push(Wrong::new("severity", "support-wrong-severity"));
    }
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    let (now_ms, who) = (app.now_ms(), person.email.clone());
    changed(app, person, move |tx| {
        Box::pin(async move {
            if sql_work::replies(tx).await?.len() >= sql_work::REPLIES_MAX {
                return Err(Fault::Conflict(Say::new("support-replies-full")));
            }
            sql_work::put_reply(tx, &reply, (now_ms, &who)).await?;
            let entry = Entry::new(None, "support.saved-reply", reply.id).with(json!({ "name": reply.name, "body": reply.body }));
            Ok((reply.id, entry))
        })
    })
    .await
}

pub async fn remove_reply(app: &App, person: &Person, id: SavedReplyId) -> Result<(), Fault> {
    changed(app, person, move |tx| {
        Box::pin(async move {
            if !sql_work::remove_reply(tx, id).await? {
                return Err(Fault::NotFound);
            }
            Ok(((), Entry::new(None, "support.saved-reply-removed", id)))
        })
    })
    .await
}

/// Keeps what an engineer says of themselves.
pub async fn put_skill(app: &App, person: &Person, mut one: Engineer) -> Result<(), Fault> {
    one.langs.truncate(LANGS_MAX);
    let is_tag = |tag: &String| (2..=20).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let mut wrong = Vec::new();
    if !one.langs.iter().all(is_tag) {
        wrong.push(Wrong::new("langs", "support-wrong-langs"));
    }
    if !(1..=OPEN_MAX).contains(&one.open_max) {
        wrong.push(Wrong::new("open_max", "support-wrong-open-max"));
    }
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    changed(app, person, move |tx| {
        Box::pin(async move {
            sql_work::put_skill(tx, &one).await?;
            Ok(((), Entry::new(None, "support.skill", one.person)))
        })
    })
    .await
}
