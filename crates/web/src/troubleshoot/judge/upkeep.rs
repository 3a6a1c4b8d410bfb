//! What of this installation nobody renewed: the model that judges mail, what people taught it, lists that no longer serve us, a server
//! that was left at an older version than its neighbours.
//!
//! In: the question, and what else was found. Out: causes of ours. Invariant: none of it explains one mail by itself; it is likely where
//! the complaint is about mail in general, and never certain.

use super::own::{is_of_flow, mended};
use crate::page::Say;
use crate::troubleshoot::cause::Cause;
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::question::Question;
use crate::troubleshoot::sql;
use crate::troubleshoot::suspect::{Strength, Suspect};
use crate::troubleshoot::symptom::Symptom;
use mail::OrgId;
use std::time::Duration;
use store::Error;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Spam changes with the seasons; a model of the year before last knows little of it.
const MODEL_DAYS_MAX: i64 = 270;
const LISTS_WITHIN: Duration = Duration::from_secs(4);

/// What of it can matter for this complaint.
pub async fn suspects(ground: &Ground, question: &Question) -> Result<Vec<Suspect>, Error> {
    let mut found: Vec<Suspect> = version(ground, question).await?.into_iter().collect();
    if matches!(question.symptom, Symptom::BadDelivered | Symptom::GoodHeld) {
        found.extend(model(ground, question));
        found.extend(learned(ground, question));
    }
    if question.symptom == Symptom::BadDelivered {
        found.extend(lists(ground, question).await);
    }
    Ok(found)
}

/// As far as it says something of mail in general, or only of one.
fn strength(question: &Question, of_one: Strength) -> Strength {
    if question.is_general() { Strength::Shown } else { of_one }
}

fn model(ground: &Ground, question: &Question) -> Option<Suspect> {
    let days = (ground.now_ms - ground.model_ms?) / DAY_MS;
    let say = Say::new("seen-own-model").with("count", days);
    (days > MODEL_DAYS_MAX).then(|| mended(Suspect::new(Cause::ModelOld, "").seen(strength(question, Strength::Hint), say)).near(-0.5))
}

fn learned(ground: &Ground, question: &Question) -> Option<Suspect> {
    let is_unreadable = |org: &OrgId| ground.scope.allows(*org) && ground.learned.is_unreadable(*org);
    let is_any = ground.directory.organisations.keys().any(is_unreadable);
    let say = Say::new("seen-own-learned");
    is_any.then(|| mended(Suspect::new(Cause::LearnedUnreadable, "").seen(strength(question, Strength::Hint), say)))
}

async fn lists(ground: &Ground, question: &Question) -> Vec<Suspect> {
    let refusing = tokio::time::timeout(LISTS_WITHIN, ground.lists.refusing_us()).await.unwrap_or_default();
    let suspect = |(zone, code): (String, std::net::Ipv4Addr)| {
        let say = Say::new("seen-own-list-refuses").with("what", zone.as_str()).with("detail", code.to_string());
        // It was seen to answer so: that it is mute as well says less.
        mended(Suspect::new(Cause::ListRefusesUs, zone).seen(strength(question, Strength::Fits), say)).near(0.5)
    };
    refusing.into_iter().map(suspect).collect()
}

/// Steps ran on the database that this program does not know: a neighbour was renewed, and this server was not. Most of what it does goes on.
async fn version(ground: &Ground, question: &Question) -> Result<Option<Suspect>, Error> {
    if !is_of_flow(question) && question.symptom != Symptom::SignIn {
        return Ok(None);
    }
    let newest = ground.db.read(|tx| Box::pin(async move { sql::newest_step(tx).await })).await?.unwrap_or(0);
    let known = crate::migrations().iter().map(|step| i64::from(step.number)).max().unwrap_or(0);
    let say = Say::new("seen-own-version").with("what", newest.to_string()).with("detail", known.to_string());
    Ok((newest > known).then(|| mended(Suspect::new(Cause::VersionMixed, "").seen(Strength::Fits, say))))
}
