//! What support knows of an organisation beside its requests: a call that somebody waits for, a finding of a health check, hours of advice.

use super::request::requester;
use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use mail::id::{AdvisoryId, CallBackId, CheckupId, PhoneId, PlanId, SavedReplyId};
use mail::{OrgId, PersonId};
use store::Error;
use web::call::sql::{self as call_sql, CallBack};
use web::people::{Role, sql as people_sql};
use web::premier::sql::{self as premier_sql, Block, Checkup};

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    scene.cookie(Role::Administrator, Some(org)).await;
    let (call, advice, checkup) = (CallBackId(scene.app.fresh_id()), AdvisoryId(scene.app.fresh_id()), CheckupId(scene.app.fresh_id()));
    let (email, subject) = (format!("administrator@{org}.example"), format!("{MARK}.example"));
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let person = people_sql::id_of(tx, &email).await?.unwrap_or(PersonId(0));
                let waiting = CallBack {
                    id: call,
                    org,
                    person,
                    name: requester(person, &email).shown().into(),
                    number: "+4969380789508".into(),
                    lang: "en".into(),
                    about: "mail is late".into(),
                    request: None,
                    slot_ms: NOW_MS + 3_600_000,
                    state: String::new(),
                    outcome: String::new(),
                    done_by: String::new(),
                    done_ms: 0,
                };
                call_sql::add(tx, &waiting, NOW_MS).await?;
                premier_sql::seen(tx, org, (subject.as_str(), "domain.spf", "problem"), NOW_MS).await?;
                let block = Block {
                    id: advice,
                    minutes: 600,
                    from_ms: NOW_MS - 1,
                    until_ms: NOW_MS + 1_000_000,
                    what: format!("order of {MARK}"),
                    by_whom: "operator@service.example".into(),
                };
                premier_sql::add_block(tx, org, &block, NOW_MS).await?;
                let planned = Checkup {
                    id: checkup,
                    org,
                    due_ms: NOW_MS + 1_000_000,
                    every_days: 0,
                    state: String::new(),
                    domains: 0,
                    findings: 0,
                    done_ms: 0,
                    by_whom: String::new(),
                };
                premier_sql::plan(tx, &planned, NOW_MS).await
            })
        })
        .await;
    done.expect("what support knows");
    named(org, call)
}

pub fn nowhere() -> Places {
    named(OrgId(77), CallBackId(gateway::trace::first_id_at(NOW_MS - 7_200_000).0))
}

fn named(org: OrgId, call: CallBackId) -> Places {
    let mut places = Places::new();
    for begin in ["/calls/", "/api/v1/call-backs/", "/support/calls/", "/api/v1/support/calls/"] {
        places.push((begin, "call", call.to_string()));
    }
    for begin in ["/support/", "/api/v1/support/"] {
        places.push((begin, "organisation", org.to_string()));
        places.push((begin, "plan", PlanId(1).to_string()));
        places.push((begin, "reply", SavedReplyId(77).to_string()));
    }
    for begin in ["/phone/", "/api/v1/phone-entries/"] {
        places.push((begin, "entry", PhoneId(77).to_string()));
    }
    places
}
