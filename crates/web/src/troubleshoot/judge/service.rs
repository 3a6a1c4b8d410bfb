//! Complaints about the service itself: who cannot get in, digests, connectors, and our own name in the hands of others.
//!
//! In: a question of these kinds. Out: suspects. What a mail's record says counts here too: a connector that works when it is tried may
//! still refuse every mail, and a name that is well protected may have been let in by our own filter.

use super::{CONNECTORS_MAX, SURE_FIT, absent, connector, domain, issues, own, people, recorded, relevance, story};
use crate::page::Say;
use crate::troubleshoot::cause::Cause;
use crate::troubleshoot::gather::{Facts, Story};
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::question::{End, Question};
use crate::troubleshoot::steps::{Look, Steps};
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use crate::troubleshoot::symptom::Symptom;
use mail::Address;
use mail::auth::DmarcResult;
use store::Error;

/// The address of ours that is asked about.
fn own_address(ground: &Ground, question: &Question) -> Option<String> {
    let own = |end: &Option<End>| {
        end.as_ref()
            .and_then(End::address)
            .filter(|a| ground.directory.domain_named(a.rsplit('@').next().unwrap_or_default()).is_some())
            .map(str::to_string)
    };
    own(&question.recipient)
        .or_else(|| own(&question.sender))
        .or_else(|| question.recipient.as_ref().and_then(End::address).map(str::to_string))
}

pub async fn account(ground: &Ground, question: &Question, steps: &Steps) -> Result<Vec<Suspect>, Error> {
    let Some(address) = own_address(ground, question) else { return Ok(Vec::new()) };
    let mut found = people::sign_in(ground, &address).await?;
    steps.note(Look::Account, found.iter().all(|one| one.cause.is_innocent()));
    found.extend(own::of_sign_in(ground, steps).await?);
    Ok(found)
}

pub async fn digest(ground: &Ground, question: &Question, steps: &Steps) -> Result<Vec<Suspect>, Error> {
    let Some(address) = own_address(ground, question) else {
        let found = match ground.org() {
            Some(org) => people::digests_of_all(ground, org).await?,
            None => Vec::new(),
        };
        steps.note(Look::Digest, found.is_empty());
        return Ok(found);
    };
    let Some(org) = ground.org_of(address.rsplit('@').next().unwrap_or_default()).or_else(|| ground.org()) else { return Ok(Vec::new()) };
    let found = people::digests(ground, org, &address).await?;
    steps.note(Look::Digest, found.iter().all(|one| one.cause.is_innocent()));
    Ok(found)
}

/// Connectors asked about: those that are named, that of the recipient, or all of the organisation.
fn wanted_connectors(ground: &Ground, question: &Question) -> Vec<String> {
    if let Some(name) = &question.connector {
        return vec![name.clone()];
    }
    let is_own = |name: &&String| ground.org().is_none_or(|org| ground.directory.has_connector(org, name));
    let mut all: Vec<String> = ground.directory.connectors.keys().filter(is_own).cloned().collect();
    all.sort_unstable();
    let words = question.text.to_lowercase();
    let words: Vec<&str> = words.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').collect();
    let mut names: Vec<String> = all.iter().filter(|name| words.contains(&name.to_lowercase().as_str())).cloned().collect();
    let domain = question.recipient.as_ref().or(question.sender.as_ref()).map(End::domain);
    let route = domain.map(|domain| ground.directory.inbound_route(domain).to_string());
    let route = route.filter(|route| !route.is_empty() && !names.contains(route));
    names.extend(route);
    if names.is_empty() {
        names = all;
    }
    names.truncate(CONNECTORS_MAX);
    names
}

pub async fn connectors(ground: &Ground, question: &Question, facts: &Facts, steps: &Steps) -> Result<Vec<Suspect>, Error> {
    // A trial sends no mail: what the next hop says of real ones it does not meet.
    let mut found = recorded(ground, question, facts);
    found.retain(|one| one.cause.is_of_next_hop() && !meets_trial(one.cause));
    let to = question.recipient.as_ref().and_then(End::address).and_then(|address| Address::parse(address).ok());
    for name in wanted_connectors(ground, question) {
        let tried = connector::attempt(ground, &name, to.clone()).await;
        let wrong = connector::suspects(ground, &name, &tried, Strength::Record);
        steps.note(Look::Connector, wrong.is_empty());
        match (wrong.is_empty(), connector::works(&name, &tried)) {
            (true, Some(works)) => {
                let is_refusing = found.iter().any(|one| one.strongest() >= Strength::Shown && one.cause.is_of_next_hop());
                let strength = if is_refusing { Strength::Hint } else { Strength::Record };
                let works = Evidence { strength, ..works };
                found.push(Suspect::new(Cause::NothingWrong, name.as_str()).with(works).near(-0.5));
            }
            // What is wrong with the connection now comes before what one mail was told.
            _ => found.extend(wrong.into_iter().map(|one| one.near(4.0))),
        }
        if matches!(tried, connector::Tried::Not) && question.connector.is_some() {
            let say = Say::new("seen-no-connector").with("what", name.as_str());
            found.push(Suspect::new(Cause::ConnectorMissing, name.as_str()).seen(Strength::Record, say));
        }
    }
    found.extend(issues(question, facts, &found));
    own::besides(ground, question, facts, &mut found, steps).await?;
    Ok(found)
}

/// A fault of the connection itself, which trying it now would meet as well.
fn meets_trial(cause: Cause) -> bool {
    use Cause::*;
    matches!(
        cause,
        NextHopUnreachable
            | NextHopNoAddress
            | ConnectorMissing
            | ConnectorPrivateAddress
            | NextHopNoTls
            | NextHopTlsBroken
            | NextHopCertificate
            | NextHopLogin
            | NextHopBusy
            | NextHopDrops
            | NextHopNotSmtp
            | LoopsToUs
    )
}

pub async fn forged(ground: &Ground, question: &Question, facts: &Facts, steps: &Steps) -> Result<Vec<Suspect>, Error> {
    let ends = [&question.sender, &question.recipient];
    let named = ends.into_iter().flatten().map(|end| end.domain().to_string()).find(|domain| ground.org_of(domain).is_some());
    let domains = named.map(|domain| vec![domain]).unwrap_or_else(|| absent::own_domains(ground));
    let mut found = let_in(ground, question, facts);
    steps.note(Look::Records, found.is_empty());
    let is_known = !found.is_empty();
    for name in domains {
        let target = domain::target(ground, &name).await?;
        let suspects = domain::protection(ground, &target).await;
        steps.note(Look::Sending, suspects.iter().all(|one| one.cause.is_innocent()));
        // A name that is well protected is no answer where our own filter let its forgery in.
        found.extend(suspects.into_iter().filter(|one| !is_known || !one.cause.is_innocent()));
    }
    Ok(found)
}

/// Mail with our own name that came from outside, proved nothing, and was delivered: why.
fn let_in(ground: &Ground, question: &Question, facts: &Facts) -> Vec<Suspect> {
    let of = Question { symptom: Symptom::BadDelivered, is_guessed: false, ..question.clone() };
    let pretends = |story: &&Story| {
        let is_ours = ground.directory.domain_named(story.author().rsplit('@').next().unwrap_or_default()).is_some();
        let is_proven = story.receipt.as_ref().is_none_or(|receipt| receipt.auth.dmarc.result == DmarcResult::Pass);
        story.is_inbound() && story.fit >= SURE_FIT && is_ours && !is_proven
    };
    let stories = facts.stories.iter().filter(pretends);
    let found = stories.flat_map(|story| story::suspects(ground, &of, story)).filter(|one| relevance(Symptom::BadDelivered, one) > 0.0);
    found.map(|one| Suspect { nearness: one.nearness + 1.0, ..one }).collect()
}
