//! Mail that nothing is recorded of: whether it could have come, whether it was meant for us, and whether we would know.
//!
//! Invariant: that there is no record is itself only indirect evidence. It makes "never arrived" likely at most, and only where the way
//! to us was seen to be open and the records are complete.

use super::{domain, knocked, refusal};
use crate::page::Say;
use crate::troubleshoot::cause::Cause;
use crate::troubleshoot::fix::{self, Fix};
use crate::troubleshoot::gather::{self, Facts};
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::question::{End, Question};
use crate::troubleshoot::steps::{Look, Steps};
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use crate::troubleshoot::symptom::Symptom;
use gateway::delivery::Router;
use gateway::directory::Standing;
use mail::{Address, MailId};
use std::time::Duration;
use store::Error;

/// Finding the mail servers of a foreign domain.
const ROUTE_WITHIN: Duration = Duration::from_secs(4);

/// Causes for mail that should have come to us.
pub async fn inbound(ground: &Ground, question: &Question, facts: &Facts, steps: &Steps) -> Result<Vec<Suspect>, Error> {
    let mut found = Vec::new();
    let recipient = question.recipient.as_ref();
    if let Some(end) = recipient {
        found.extend(standing(ground, end));
        steps.note(Look::Recipient, found.is_empty());
    }
    found.extend(mistyped(question, facts));
    let served = recipient.map(End::domain).filter(|domain| ground.directory.domain_named(domain).is_some());
    let domains = served.map(|domain| vec![domain.to_string()]).unwrap_or_else(|| own_domains(ground));
    let mut is_open = !domains.is_empty();
    for name in domains.iter().take(DOMAINS_MAX) {
        let target = domain::target(ground, name).await?;
        let (mx, policy) = tokio::join!(domain::inward(ground, &target), domain::policy_fits(ground, &target));
        steps.note(Look::Mx, mx.is_empty());
        is_open &= mx.is_empty();
        found.extend(mx.into_iter().map(|suspect| damped(facts, suspect)));
        found.extend(policy);
    }
    if question.symptom == Symptom::BadDelivered {
        found.push(bypassed(question, facts));
    } else if recipient.is_some() || question.sender.is_some() {
        let knocked = knocked::suspects(ground, question, facts).await?;
        let mut never = never(question, facts, is_open);
        // Their server was here and was turned away: then "it never came" is no answer.
        let is_doubtful = !knocked.is_empty();
        let evidence = never.iter_mut().flat_map(|one| &mut one.evidence).filter(|one| is_doubtful && one.strength < Strength::Record);
        evidence.for_each(|one| one.strength = Strength::Hint);
        found.extend(knocked);
        found.extend(never);
    }
    Ok(found)
}

/// Domains of ours that are looked at when none is named.
const DOMAINS_MAX: usize = 3;

pub fn own_domains(ground: &Ground) -> Vec<String> {
    let own = ground.directory.domains.values().filter(|domain| ground.scope.allows(domain.org));
    let mut names: Vec<String> = own.map(|domain| domain.name.clone()).collect();
    names.sort_unstable();
    names.truncate(DOMAINS_MAX);
    names
}

/// Where mail of the domain comes in all the time, a wrong-looking MX did not keep this one out.
fn damped(facts: &Facts, suspect: Suspect) -> Suspect {
    let is_about_all = matches!(suspect.cause, Cause::MxElsewhere | Cause::MxMissing | Cause::DomainGone | Cause::MxDnsFailing);
    match facts.domain_traffic {
        0 => suspect,
        _ if !is_about_all => suspect,
        count => suspect.with(Evidence::new(Strength::Hint, Say::new("seen-others-come").with("count", count))),
    }
}

fn standing(ground: &Ground, end: &End) -> Option<Suspect> {
    let domain = end.domain();
    if let Some(meant) = gather::nearly_ours(ground, domain) {
        let say = Say::new("seen-misspelled").with("what", end.shown()).with("detail", meant.as_str());
        let text = Say::new("tell-right-address").with("what", end.shown()).with("detail", meant.as_str());
        return Some(Suspect::new(Cause::RecipientMistyped, end.shown()).detail(meant).seen(Strength::Shown, say).fix(fix::tell(text)));
    }
    if ground.directory.domain_named(domain).is_none() {
        let say = Say::new("seen-not-served").with("what", domain);
        return Some(
            Suspect::new(Cause::DomainNotServed, domain).seen(Strength::Shown, say).fix(fix::open("/domains/new", "fix-open-domains")),
        );
    }
    let address = end.address()?;
    match ground.directory.standing(&Address::parse(address).ok()?) {
        Standing::Unknown(_) => {
            let near = refusal::nearest(ground, address);
            let say = match &near {
                Some(near) => Say::new("seen-near-address").with("what", address).with("detail", near.as_str()),
                None => Say::new("seen-unknown-address").with("what", address),
            };
            let suspect = Suspect::new(Cause::RecipientUnknown, address).detail(near.unwrap_or_default()).seen(Strength::Shown, say);
            Some(suspect.fix(Fix::AddRecipient { address: address.into() }))
        }
        _ => None,
    }
}

/// The same sender was refused for an address that is nearly the one asked about.
fn mistyped(question: &Question, facts: &Facts) -> Option<Suspect> {
    let (asked, sender) = (question.recipient.as_ref()?.address()?.to_lowercase(), question.sender.as_ref());
    let (local, domain) = asked.rsplit_once('@')?;
    let near = facts.near.iter().find(|refused| {
        let to = refused.event.recipient.to_lowercase();
        let is_near = to.rsplit_once('@').is_some_and(|(other, of)| of == domain && (1..=2).contains(&refusal::distance(local, other)));
        is_near && sender.is_none_or(|sender| sender.is(&refused.detail.sender) || sender.is_related(&refused.detail.sender))
    })?;
    let to = near.event.recipient.as_str();
    let say = Say::new("seen-refused")
        .with("what", near.detail.reply.as_str())
        .with("ip", near.detail.ip.as_str())
        .with("sender", near.detail.sender.as_str())
        .with("recipient", to);
    let strength = if sender.is_some() { Strength::Record } else { Strength::Fits };
    let text = Say::new("tell-right-address").with("what", to).with("detail", asked.as_str());
    let suspect = Suspect::new(Cause::RecipientMistyped, to).detail(asked.as_str()).with(Evidence::new(strength, say).at(near.event.at_ms));
    Some(suspect.fix(fix::tell(text)).fix(Fix::AddRecipient { address: to.into() }))
}

/// Nothing of it came here, as far as we can know.
fn never(question: &Question, facts: &Facts, is_open: bool) -> Option<Suspect> {
    // Records that begin later cannot tell; whether something was forgotten or nothing had come yet is not known.
    let is_before = question.about_ms.zip(facts.oldest_ms).is_some_and(|(about, oldest)| about < oldest);
    let sender = question.sender.as_ref().map(End::shown).unwrap_or_default();
    let recipient = question.recipient.as_ref().map(End::shown).unwrap_or_default();
    if question.about_ms.is_some_and(|about| about < facts.since_ms) {
        let say = Say::new("seen-too-old");
        let mut evidence = Evidence::new(Strength::Record, say);
        evidence.at_ms = facts.oldest_ms;
        return Some(Suspect::new(Cause::TooOld, "").with(evidence));
    }
    question.sender.as_ref()?; // "no mail at all" is not one mail that did not come
    let say = Say::new("seen-no-mail").with("what", sender).with("recipient", recipient).with("count", facts.traffic);
    // Mail of an address that is nearly this one came: more likely that is meant than that another was lost.
    let is_remembered = facts.is_other_way || facts.is_other_time || facts.stories.iter().any(|story| story.is_nearly(question));
    let strength = if facts.is_complete && !is_before && !is_remembered { Strength::Fits } else { Strength::Hint };
    let mut suspect = Suspect::new(Cause::NeverArrived, sender).with(Evidence::new(strength, say).at(facts.since_ms));
    if is_open && !is_remembered {
        suspect = suspect.seen(Strength::Fits, Say::new("seen-door-open"));
    }
    let text = Say::new("tell-ask-sender").with("what", sender).with("recipient", recipient);
    Some(suspect.fix(fix::tell(text)))
}

/// Bad mail that is in a mailbox and not in our records came another way.
fn bypassed(question: &Question, facts: &Facts) -> Suspect {
    let sender = question.sender.as_ref().map(End::shown).unwrap_or_default();
    let recipient = question.recipient.as_ref().map(End::shown).unwrap_or_default();
    let say = Say::new("seen-no-mail").with("what", sender).with("recipient", recipient).with("count", facts.traffic);
    let strength = if facts.is_complete && question.sender.is_some() { Strength::Fits } else { Strength::Hint };
    Suspect::new(Cause::BypassedUs, recipient)
        .with(Evidence::new(strength, say).at(facts.since_ms))
        .fix(fix::open("/domains", "fix-open-domains"))
}

/// Causes for mail that should have gone out through us.
pub async fn outbound(ground: &Ground, question: &Question, facts: &Facts, steps: &Steps) -> Result<Vec<Suspect>, Error> {
    let mut found = Vec::new();
    if let Some(domain) = question.recipient.as_ref().map(End::domain) {
        let org = question.sender.as_ref().and_then(|end| ground.org_of(end.domain()));
        let route = org.map(|org| ground.directory.outbound_route(org, domain)).unwrap_or_default();
        if route.is_empty() {
            let router =
                Router { dns: ground.dns.as_ref(), hostname: &ground.hostname, mail: MailId(0), places: ground.courier.security.mx };
            let tried = tokio::time::timeout(ROUTE_WITHIN, router.domain_hops(domain)).await;
            steps.note(Look::Route, matches!(tried, Ok(Ok(_))));
            if let Ok(Err(why)) = tried {
                let said = why.reply.to_string();
                let cause = super::reply::cause("", &said);
                let say = Say::new("seen-route").with("what", domain).with("detail", said.as_str());
                found.push(Suspect::new(cause, domain).detail(said).seen(Strength::Shown, say));
            }
        }
    }
    let sender = question.sender.as_ref().map(End::shown).unwrap_or_default();
    let recipient = question.recipient.as_ref().map(End::shown).unwrap_or_default();
    let say = Say::new("seen-no-mail").with("what", sender).with("recipient", recipient).with("count", facts.traffic);
    // Whoever names one end only did not ask about one mail.
    let is_known = facts.is_complete && question.recipient.is_some() && question.sender.is_some();
    let strength = if is_known { Strength::Fits } else { Strength::Hint };
    let mut suspect = Suspect::new(Cause::NotHandedToUs, sender).with(Evidence::new(strength, say).at(facts.since_ms));
    if facts.traffic == 0 && is_known {
        suspect = suspect.seen(Strength::Fits, Say::new("seen-sends-nothing").with("what", sender));
    }
    found.push(suspect.fix(fix::open("/connectors", "fix-open-inbound")));
    Ok(found)
}
