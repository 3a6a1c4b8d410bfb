//! A bounce that was pasted: whether it is about mail of ours, who refused, and why.

use super::reply;
use crate::page::Say;
use crate::troubleshoot::cause::{Cause, Turn};
use crate::troubleshoot::fix;
use crate::troubleshoot::gather::Facts;
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::pasted::{Failed, Pasted};
use crate::troubleshoot::question::{End, Question};
use crate::troubleshoot::suspect::{Strength, Suspect};
use crate::troubleshoot::symptom::Symptom;
use gateway::trace::{self, Query};
use store::Error;

/// Failures that are judged.
const FAILURES_MAX: usize = 5;

/// What a bounce says where our own records say nothing.
pub fn suspects(ground: &Ground, question: &Question, facts: &Facts) -> Vec<Suspect> {
    let Some(pasted) = &question.pasted else { return Vec::new() };
    if !facts.stories.is_empty() || !facts.refusals.is_empty() {
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
        let from_us = is_ours(&pasted.sender) && facts.is_complete;
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
        found.push(elsewhere(ground, pasted, failed, cause).seen(Strength::Shown, say));
    }
    found
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
