//! A bounce that was pasted: whether it is about mail of ours, who refused, and why.

use super::reply;
use crate::page::Say;
use crate::troubleshoot::cause::{Cause, Turn};
use crate::troubleshoot::fix;
use crate::troubleshoot::gather::{Facts, Story};
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::pasted::{Failed, Pasted};
use crate::troubleshoot::question::{End, Question};
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use crate::troubleshoot::symptom::Symptom;
use gateway::scope::OrgScope;
use gateway::trace::api::MailBody;
use gateway::trace::{self, Query};
use mail::MailId;
use store::{Error, Tx};

/// Failures that are judged.
const FAILURES_MAX: usize = 5;

/// What a bounce says where our own records say nothing.
pub fn suspects(ground: &Ground, question: &Question, facts: &Facts) -> Vec<Suspect> {
    let Some(pasted) = &question.pasted else { return Vec::new() };
    let is_all = facts.stories.iter().all(|story| handed_on(story).is_some());
    let handed_on = facts.stories.first().filter(|_| is_all).and_then(handed_on);
    let is_ended = pasted.failures.iter().any(|failed| !failed.is_temporary);
    if !facts.refusals.is_empty() || !facts.stories.is_empty() && (handed_on.is_none() || !is_ended) {
        return Vec::new(); // what we recorded ourselves says it better
    }
    let is_ours = |address: &str| ground.directory.domain_named(address.rsplit('@').next().unwrap_or_default()).is_some();
    let mut found = Vec::new();
    for failed in pasted.failures.iter().take(FAILURES_MAX) {
        let cause = reply::cause("their server", &failed.said);
        let by = if failed.remote.is_empty() { pasted.reporting.clone() } else { failed.remote.clone() };
        let say = Say::new("seen-bounce")
            .with("what", failed.said.as_str())
            .with("detail", by.as_str())
            .with("recipient", failed.recipient.as_str());
        let from_us = is_ours(&pasted.sender) && facts.is_complete && facts.stories.is_empty();
        // Nobody of ours sent it through us: somebody wrote with our address, or it went another way.
        if from_us
            && !pasted.message_id.is_empty()
            && question.about_ms.is_some_and(|about| facts.oldest_ms.is_some_and(|oldest| oldest < about))
        {
            let never = Say::new("seen-never-sent").with("what", pasted.message_id.as_str());
            found.push(
                Suspect::new(Cause::Backscatter, pasted.sender.as_str())
                    .detail(failed.said.as_str())
                    .seen(Strength::Fits, never)
                    .seen(Strength::Fits, say.clone()),
            );
        }
        let suspect = elsewhere(ground, pasted, failed, cause).seen(Strength::Shown, say);
        found.push(handed_on.iter().cloned().fold(suspect, Suspect::with));
    }
    found
}

/// The next hop took this mail for everybody: a bounce of it was written behind there.
fn handed_on(story: &Story) -> Option<Evidence> {
    let is_whole = story.fit >= super::SURE_FIT && !story.row.recipients.is_empty();
    let is_taken = is_whole && story.row.recipients.iter().all(|one| one.state == "delivered");
    let first = story.row.recipients.first().filter(|_| is_taken)?;
    let event = story.events_for(&first.address).filter(|event| event.kind == "delivered").last();
    let hop = event.map(|event| Story::told(event, "hop")).unwrap_or_default();
    let say = Say::new("seen-handed-on").with("detail", hop).with("recipient", first.address.as_str());
    Some(Evidence::new(Strength::Fits, say).at(event.map_or(story.row.at_ms, |event| event.at_ms)).of_mail(Some(story.mail())))
}

/// Mails whose notices are looked for.
const LOST_MAX: usize = 5;

/// Notices to the sender of a mail that failed which did not reach them either: whoever wrote does not know.
pub async fn lost(ground: &Ground, question: &Question, facts: &Facts) -> Result<Vec<Suspect>, Error> {
    let is_failed = |story: &&Story| {
        let is_known = story.fit >= super::SURE_FIT && !story.row.sender.is_empty();
        is_known && story.row.recipients.iter().any(|one| one.state == "bounced")
    };
    let failed = facts.stories.iter().filter(is_failed).take(LOST_MAX);
    let failed: Vec<(MailId, i64, String)> = failed.map(|story| (story.mail(), story.row.at_ms, story.row.sender.clone())).collect();
    if failed.is_empty() {
        return Ok(Vec::new());
    }
    let scope = ground.scope;
    let lost = ground.db.read(move |tx| Box::pin(async move { lost_of(tx, scope, failed).await })).await?;
    let near = if question.symptom == Symptom::Bounce { 0.0 } else { -1.0 };
    let is_other_time = facts.is_other_time;
    let suspect = |(about, notice): (MailId, MailBody)| {
        let one = notice.recipients.first();
        let (to, said) = one.map(|one| (one.address.clone(), one.last_reply.clone())).unwrap_or_default();
        let say =
            Say::new("seen-bounce-lost").with("what", notice.mail.to_string()).with("recipient", to.as_str()).with("detail", said.as_str());
        // One that still waits may arrive yet.
        let is_over = notice.recipients.iter().any(|one| one.state == "bounced");
        // It comes after the cause of the failure itself, and is no surer than that this is the mail that is meant.
        let strength = if is_over && !is_other_time { Strength::Shown } else { Strength::Hint };
        let told = Evidence::new(strength, say).at(notice.at_ms).of_mail(Some(about));
        let text = Say::new("tell-bounce-lost").with("recipient", to.as_str()).with("detail", said.as_str());
        Suspect::new(Cause::BounceLost, to).detail(said).with(told).near(near).fix(fix::tell(text))
    };
    Ok(lost.into_iter().map(suspect).collect())
}

/// Notices of ours about these mails that failed or still wait, each with the mail it is about.
async fn lost_of(tx: &mut Tx, scope: OrgScope, failed: Vec<(MailId, i64, String)>) -> Result<Vec<(MailId, MailBody)>, Error> {
    let mut found = Vec::new();
    for (about, since_ms, sender) in failed {
        let query = Query { recipient: Some(sender), since_ms: Some(since_ms), limit: NOTICES_MAX, ..Query::default() };
        // RFC 3464 §2: a notice has no sender; one that we wrote has no peer either.
        let is_ours = |row: &MailBody| row.sender.is_empty() && row.peer_ip.is_empty();
        let is_stuck = |row: &MailBody| row.recipients.iter().any(|one| one.state == "bounced" || one.state == "queued" && one.tries > 0);
        for row in trace::search(tx, scope, &query).await?.rows.into_iter().filter(|row| is_ours(row) && is_stuck(row)) {
            let receipt: Option<serde_json::Value> =
                trace::receipt_of(tx, scope, row.mail).await?.and_then(|json| serde_json::from_str(&json).ok());
            let is_about_it = receipt.is_some_and(|receipt| receipt["notice"]["about"] == about.to_string());
            if is_about_it {
                found.push((about, row));
                break;
            }
        }
    }
    Ok(found)
}

/// How far back notices and outgoing mail are looked for.
const NOTICES_BACK_MS: i64 = 14 * 24 * 60 * 60 * 1000;
const NOTICES_MAX: usize = 200;

/// Notices of other servers that came to an address of ours which sent nothing they could be about: somebody else writes with it.
pub async fn notices(ground: &Ground, question: &Question) -> Result<Option<Suspect>, Error> {
    if question.symptom != Symptom::Bounce || question.pasted.is_some() {
        return Ok(None);
    }
    let is_ours = |end: &&End| ground.org_of(end.domain()).is_some();
    let Some(address) = [&question.recipient, &question.sender].into_iter().flatten().filter(is_ours).find_map(End::address) else {
        return Ok(None);
    };
    let (scope, address, since_ms) = (ground.scope, address.to_string(), ground.now_ms - NOTICES_BACK_MS);
    let base = Query { since_ms: Some(since_ms), limit: NOTICES_MAX, ..Query::default() };
    let to = Query { recipient: Some(address.clone()), ..base.clone() };
    let from = Query { sender: Some(address.clone()), ..base };
    let read = ground.db.read(move |tx| {
        Box::pin(async move { Ok::<_, Error>((trace::search(tx, scope, &to).await?.rows, trace::search(tx, scope, &from).await?.rows)) })
    });
    let (came, went) = read.await?;
    // RFC 5321 §6.1: notices come from nobody; ours have no peer.
    let notices = came.iter().filter(|row| row.sender.is_empty() && !row.peer_ip.is_empty()).count();
    if notices == 0 {
        return Ok(None);
    }
    let strength = match (went.len(), notices) {
        (0, 1) => Strength::Shown,
        (0, _) => Strength::Record,
        _ => Strength::Hint,
    };
    let say = Say::new("seen-notices").with("count", notices).with("what", address.as_str()).with("detail", went.len().to_string());
    Ok(Some(Suspect::new(Cause::Backscatter, address).seen(strength, say).near(3.0)))
}

/// The reply of a server that is not ours, as far as its words go.
fn elsewhere(ground: &Ground, pasted: &Pasted, failed: &Failed, cause: Cause) -> Suspect {
    let what = if failed.recipient.is_empty() { pasted.recipient.clone() } else { failed.recipient.clone() };
    let to_us = ground.directory.domain_named(what.rsplit('@').next().unwrap_or_default()).is_some();
    let by_us = failed.remote.contains(ground.hostname.as_str()) || pasted.reporting.contains(ground.hostname.as_str());
    let text = Say::new("tell-next-hop")
        .with("what", failed.said.as_str())
        .with("detail", failed.remote.as_str())
        .with("recipient", what.as_str());
    // A server that is not ours refused mail to us before it reached us: somebody's own filter, or another way.
    let cause = if to_us && !by_us && cause == Cause::NextHopSaysNo { Cause::RefusedElsewhere } else { cause };
    // Had we taken the mail, it would be on record: our own door said that nobody has the address.
    let at_our_door = to_us && (by_us || failed.said.contains("5.4.1"));
    let cause = if at_our_door && cause == Cause::MailboxUnknown { Cause::RecipientUnknown } else { cause };
    let turn = match cause.turn() {
        Turn::Administrator if cause.is_of_next_hop() && !to_us => Turn::RecipientAdministrator,
        turn => turn,
    };
    Suspect::new(cause, what).detail(failed.said.as_str()).turn(turn).fix(fix::tell(text))
}
