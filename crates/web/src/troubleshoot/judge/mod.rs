//! Rules that turn what was read and checked into suspects.
//!
//! In: a question and the facts. Out: suspects with evidence. The order is that of a good postmaster: what is on record about the very
//! mail first, then what was refused, then checks that could explain what the records do not. Checks that cannot matter are not run.

mod absent;
mod bounce;
mod clock;
mod connector;
mod domain;
mod header;
mod knocked;
mod own;
mod people;
mod receipt;
mod refusal;
mod reply;
mod service;
mod story;
mod upkeep;

use super::cause::Cause;
use super::gather::{Facts, Story};
use super::ground::Ground;
use super::question::{End, Question};
use super::steps::{Look, Steps};
use super::suspect::{Evidence, Strength, Suspect};
use super::symptom::Symptom;
use crate::page::Say;
use crate::page::words::Lang;
use gateway::health::Level;
use mail::Address;
use store::Error;

pub use refusal::distance;
pub use reply::cause as cause_of_reply;

/// Connectors tried in one diagnosis.
const CONNECTORS_MAX: usize = 5;
/// A story or a refusal that fits less leaves room for "it is another mail".
const SURE_FIT: f64 = 0.8;

/// Everything that may be the cause.
pub async fn suspects(ground: &Ground, question: &Question, facts: &Facts, steps: &Steps) -> Result<Vec<Suspect>, Error> {
    match question.symptom {
        Symptom::SignIn => service::account(ground, question, steps).await,
        Symptom::Digest => service::digest(ground, question, steps).await,
        Symptom::Connector => service::connectors(ground, question, facts, steps).await,
        Symptom::Forged => service::forged(ground, question, facts, steps).await,
        _ => mail(ground, question, facts, steps).await,
    }
}

/// The complaint is about one mail, or about mail in general.
async fn mail(ground: &Ground, question: &Question, facts: &Facts, steps: &Steps) -> Result<Vec<Suspect>, Error> {
    let outward = is_outward(ground, question, facts);
    let mut found = recorded(ground, question, facts);
    found.extend(header::suspects(ground, question, facts));
    found.extend(bounce::notices(ground, question).await?);
    if question.pasted.as_ref().is_some_and(|pasted| !pasted.hops.is_empty()) {
        steps.note(Look::Header, found.is_empty());
    }
    steps.note(Look::Records, found.is_empty());
    let of_issues = issues(question, facts, &found);
    steps.note(Look::Service, of_issues.is_empty());
    found.extend(of_issues);
    let pasted = bounce::suspects(ground, question, facts);
    if question.pasted.as_ref().is_some_and(|pasted| !pasted.failures.is_empty()) {
        steps.note(Look::Bounce, pasted.is_empty());
    }
    let is_told = !pasted.is_empty();
    if is_told {
        // That our next hop took it is no answer to a bounce that came afterwards.
        found.iter_mut().filter(|one| one.cause == Cause::Delivered).for_each(taken_first);
    }
    found.extend(pasted);
    found.extend(bounce::lost(ground, question, facts).await?);
    if outward && question.symptom == Symptom::InJunk {
        found = believed(ground, question, facts, steps, found).await?;
    }
    if !is_sure(&found) && !is_told {
        let more = match outward {
            true => absent::outbound(ground, question, facts, steps).await?,
            false => absent::inbound(ground, question, facts, steps).await?,
        };
        found.extend(more);
    }
    domain::signed(ground, &mut found).await;
    tried_now(ground, question, &mut found, steps).await;
    besides(ground, question, &mut found, steps).await?;
    own::besides(ground, question, facts, &mut found, steps).await?;
    if question.symptom == Symptom::Bounce && question.pasted.is_none() {
        // Somebody got a bounce: that the next hop took the mail is not the end of it.
        found.iter_mut().filter(|one| one.cause == Cause::Delivered).for_each(|one| *one = shown(one.clone()));
    }
    Ok(found)
}

fn taken_first(suspect: &mut Suspect) {
    suspect.evidence.iter_mut().for_each(|evidence| evidence.strength = evidence.strength.min(Strength::Hint));
}

fn is_sure(found: &[Suspect]) -> bool {
    found.iter().any(|one| one.strongest() == Strength::Record)
}

/// Whether the mail goes away from us.
fn is_outward(ground: &Ground, question: &Question, facts: &Facts) -> bool {
    let is_ours = |end: &Option<End>| end.as_ref().map(|end| ground.directory.domain_named(end.domain()).is_some());
    match (is_ours(&question.sender), is_ours(&question.recipient)) {
        (Some(true), Some(false)) | (Some(true), None) => true,
        (_, Some(true)) | (Some(false), _) => false,
        _ => facts.stories.first().map_or(question.symptom == Symptom::NotDelivered, |story| !story.is_inbound()),
    }
}

/// What our own records say.
fn recorded(ground: &Ground, question: &Question, facts: &Facts) -> Vec<Suspect> {
    let newest = facts.stories.iter().map(|story| story.row.at_ms).max().unwrap_or(0);
    let rows: Vec<_> = facts.stories.iter().map(|story| story.row.clone()).collect();
    let mut found = Vec::new();
    for story in &facts.stories {
        let is_less = story.fit < SURE_FIT;
        let recent = 0.3 * (-((newest - story.row.at_ms) as f64) / RECENT_MS).exp();
        for suspect in story::suspects(ground, question, story) {
            let near = suspect.nearness + recent + relevance(question.symptom, &suspect);
            let suspect = match is_less {
                _ if facts.is_other_time => other_time(suspect, story.row.at_ms),
                _ if facts.misspelled.is_some() => misspelled(question, facts, suspect),
                // One mail that waits tells of all only what has nothing to do with it alone.
                _ if question.is_of_all() => match is_of_one_mail(&suspect) {
                    true => continue,
                    false => shown(suspect),
                },
                true if story.is_doubtful(question) => hinted(remembered(question, story, suspect)),
                true if story.is_nearly(question) => remembered(question, story, suspect),
                true => weaker(suspect),
                // That one mail was delivered is no answer to "all mail is slow".
                false if question.is_general() && suspect.cause == Cause::Delivered => weaker(suspect),
                false => suspect,
            };
            found.push(Suspect { nearness: near, ..suspect });
        }
    }
    for refused in &facts.refusals {
        let is_over = refusal::is_over(refused, &rows);
        if is_over && question.symptom != Symptom::Late {
            continue;
        }
        for suspect in refusal::suspects(ground, question, refused) {
            let near = suspect.nearness + relevance(question.symptom, &suspect) + if is_over { 0.5 } else { 0.0 };
            let suspect = match () {
                () if facts.is_other_time => other_time(suspect, refused.event.at_ms),
                () if facts.misspelled.is_some() => misspelled(question, facts, suspect),
                () => suspect,
            };
            found.push(Suspect { nearness: near, ..suspect });
        }
    }
    if question.symptom == Symptom::Duplicate || question.is_guessed {
        found.extend(story::twice(question, &facts.stories));
    }
    let is_fitting = |one: &Suspect| relevance(question.symptom, one) > 0.0;
    // What does not answer the complaint is left out where something does.
    if found.iter().any(is_fitting) && !facts.is_exact(question) {
        found.retain(is_fitting);
    }
    found
}

/// Mail this much older counts for little beside newer.
const RECENT_MS: f64 = 12.0 * 60.0 * 60.0 * 1000.0;

/// A record of mail whose address is nearly the one asked about: a person remembers wrongly more often than two so like each other write.
fn remembered(question: &Question, story: &Story, suspect: Suspect) -> Suspect {
    let suspect = shown(suspect);
    let asked = [&question.sender, &question.recipient].into_iter().flatten().map(End::shown).collect::<Vec<_>>().join(", ");
    let told = story.row.recipients.first().map(|one| one.original.as_str()).unwrap_or_default();
    let say = Say::new("seen-nearly").with("what", asked).with("sender", story.row.sender.as_str()).with("recipient", told);
    suspect.with(Evidence::new(Strength::Fits, say).at(story.row.at_ms).of_mail(Some(story.mail())))
}

/// A record of mail to a domain that is nearly the one asked about.
fn misspelled(question: &Question, facts: &Facts, suspect: Suspect) -> Suspect {
    let meant = question.recipient.as_ref().map(End::shown).unwrap_or_default();
    let say = Say::new("seen-misspelled").with("what", facts.misspelled.clone().unwrap_or_default()).with("detail", meant);
    shown(suspect).with(Evidence::new(Strength::Fits, say))
}

fn shown(mut suspect: Suspect) -> Suspect {
    suspect.evidence.iter_mut().for_each(|evidence| evidence.strength = evidence.strength.min(Strength::Shown));
    suspect
}

fn hinted(mut suspect: Suspect) -> Suspect {
    suspect.evidence.iter_mut().for_each(|evidence| evidence.strength = evidence.strength.min(Strength::Hint));
    suspect
}

/// What a next hop says of one mail or one mailbox, and what is no fault: it does not explain why nothing goes.
fn is_of_one_mail(suspect: &Suspect) -> bool {
    use Cause::*;
    let is_of_mail = matches!(
        suspect.cause,
        MailboxUnknown
            | MailboxFull
            | MailboxDisabled
            | NextHopTooLarge
            | NextHopRefusesContent
            | NextHopRefusesSender
            | NextHopLacksFeature
            | NextHopSaysNo
            | NextHopGreylists
    );
    is_of_mail || !suspect.cause.is_of_next_hop()
}

/// A record of mail of other days than was said.
fn other_time(suspect: Suspect, at_ms: i64) -> Suspect {
    shown(suspect).with(Evidence::new(Strength::Hint, Say::new("seen-other-time")).at(at_ms))
}

/// A record of mail that may be another mail.
fn weaker(mut suspect: Suspect) -> Suspect {
    for evidence in &mut suspect.evidence {
        evidence.strength = evidence.strength.min(Strength::Fits);
    }
    suspect
}

/// How well a cause answers a complaint; 0 where it does not.
fn relevance(symptom: Symptom, suspect: &Suspect) -> f64 {
    use Cause::*;
    let cause = suspect.cause;
    let passed = matches!(cause, AllowedByEntry | AllowedByRule | LenientPolicy | MissedByFilter | ReleasedByPerson);
    match symptom {
        Symptom::BadDelivered => {
            if passed {
                1.0
            } else {
                0.0
            }
        }
        Symptom::Duplicate => {
            if matches!(cause, SentTwice | DeliveredTwice | MailFlowRule | Redirected) {
                1.0
            } else {
                0.1
            }
        }
        Symptom::Late => match cause {
            Delivered => 0.2,
            _ if passed => 0.0,
            _ => 1.0,
        },
        Symptom::InJunk => match cause {
            Delivered => 0.2,
            JunkedAtMailbox => 0.8,
            _ => 1.0,
        },
        Symptom::GoodHeld => match cause {
            Delivered | JunkedAtMailbox => 0.0,
            cause if cause.is_of_next_hop() => 0.2,
            _ => 1.0,
        },
        _ => match cause {
            Delivered | JunkedAtMailbox | NothingWrong => 0.05,
            _ => 1.0,
        },
    }
}

/// Issues of the service that could explain it: open now, or while it happened.
fn issues(question: &Question, facts: &Facts, found: &[Suspect]) -> Vec<Suspect> {
    let at_ms = question.about_ms;
    let concerns = |cause: &str, what: &str| {
        let of_all = ["intake.", "database.", "bodies.", "disk.", "queue.", "node.", "dns."].iter().any(|begin| cause.starts_with(begin));
        let of_connector = cause.starts_with("connector.") && found.iter().any(|suspect| suspect.what == what);
        of_all || of_connector
    };
    let was_on = |issue: &&crate::health::issue::Issue| match at_ms {
        Some(at) => issue.started_ms <= at + 60_000 * 60 && issue.ended_ms.is_none_or(|ended| ended >= at - 60_000 * 60),
        None => issue.is_open,
    };
    let fitting = facts.issues.iter().filter(was_on).filter(|issue| concerns(&issue.cause, &issue.what));
    let suspect = |issue: &crate::health::issue::Issue| {
        let title = issue.body.title.in_lang(Lang::English);
        let say = Say::new("seen-issue").with("what", issue.id.to_string()).with("detail", title.as_str());
        let is_down = issue.is_open && issue.status.level() >= Level::Interrupted && !issue.cause.starts_with("connector.");
        let is_answer = issue.is_open
            && question.is_general()
            && matches!(question.symptom, Symptom::Late | Symptom::NotReceived | Symptom::NotDelivered);
        let strength = if is_down || is_answer { Strength::Shown } else { Strength::Fits };
        let fix = super::fix::open(format!("/health/issues/{}", issue.id), "fix-open-issue");
        Suspect::new(Cause::ServiceIssue, issue.id.to_string())
            .detail(title)
            .with(Evidence::new(strength, say).at(issue.started_ms))
            .fix(fix)
    };
    fitting.map(suspect).collect()
}

/// Outgoing mail that lands in junk elsewhere: whether others can believe us.
async fn believed(ground: &Ground, question: &Question, facts: &Facts, steps: &Steps, found: Vec<Suspect>) -> Result<Vec<Suspect>, Error> {
    let named = question.sender.as_ref().map(|end| end.domain().to_string());
    let of_story = || facts.stories.first().and_then(|story| story.row.sender.rsplit('@').next().map(str::to_string));
    let Some(name) = named.or_else(of_story).filter(|domain| ground.directory.domain_named(domain).is_some()) else { return Ok(found) };
    let target = domain::target(ground, &name).await?;
    let (mut wrong, names) = tokio::join!(domain::outward(ground, &target, Strength::Shown), domain::names(ground, &target));
    let listed = domain::own_listed(ground).await;
    steps.note(Look::Sending, wrong.is_empty());
    steps.note(Look::Names, names.is_empty());
    steps.note(Look::Lists, listed.is_none());
    let is_alone = wrong.is_empty() && listed.is_none();
    wrong.extend(listed);
    wrong.extend(names.into_iter().map(|suspect| if is_alone { stronger(suspect) } else { suspect }));
    // That it was delivered is known; it does not explain where it was put.
    if wrong.is_empty() { Ok(found) } else { Ok(wrong) }
}

fn stronger(mut suspect: Suspect) -> Suspect {
    for evidence in suspect.evidence.iter_mut().filter(|one| one.strength == Strength::Fits) {
        evidence.strength = Strength::Shown;
    }
    suspect
}

/// Tries the connectors that suspects name, and adds what is seen now.
async fn tried_now(ground: &Ground, question: &Question, found: &mut Vec<Suspect>, steps: &Steps) {
    let is_way = |one: &&Suspect| one.cause.is_of_next_hop() || matches!(one.cause, Cause::RecipientCheckFailed | Cause::MailboxUnknown);
    let mut names: Vec<String> = found.iter().filter(is_way).map(|one| one.what.clone()).collect();
    if names.is_empty() && found.iter().any(|one| one.cause == Cause::RecipientUnknown) {
        return;
    }
    // "No mail at all" to an address of ours: its connector is worth a try.
    let own = question.recipient.as_ref().filter(|end| ground.directory.domain_named(end.domain()).is_some());
    let nothing = !is_sure(found) && question.sender.is_none() && question.pasted.is_none();
    names.extend(own.filter(|_| nothing).map(|end| ground.directory.inbound_route(end.domain()).to_string()));
    if question.is_of_all() {
        names.extend(ways(ground, question));
    }
    names.sort_unstable();
    names.dedup();
    names.retain(|name| ground.directory.connectors.contains_key(name));
    let to = own.and_then(End::address).and_then(|address| Address::parse(address).ok());
    for name in names.into_iter().take(CONNECTORS_MAX) {
        let tried = connector::attempt(ground, &name, to.clone()).await;
        let now = connector::suspects(ground, &name, &tried, Strength::Shown);
        steps.note(Look::Connector, now.is_empty());
        if let Some(works) = connector::works(&name, &tried) {
            found.iter_mut().filter(|one| one.what == name).for_each(|one| one.evidence.push(works.clone()));
        }
        found.extend(refined(found, now));
    }
}

/// Connectors that all mail takes which a complaint about no mail in particular can mean.
fn ways(ground: &Ground, question: &Question) -> Vec<String> {
    let inward = || absent::own_domains(ground).iter().map(|domain| ground.directory.inbound_route(domain).to_string()).collect::<Vec<_>>();
    let outward = || ground.org().map(|org| ground.directory.outbound_route(org, "").to_string()).into_iter().collect::<Vec<_>>();
    match question.symptom {
        Symptom::NotReceived => inward(),
        Symptom::NotDelivered => outward(),
        Symptom::Late | Symptom::Unknown => [inward(), outward()].concat(),
        _ => Vec::new(),
    }
}

/// What trying shows names the fault more exactly than the reply on record did: then it is the record's cause.
fn refined(found: &[Suspect], now: Vec<Suspect>) -> Vec<Suspect> {
    let record = |what: &str| {
        let on_record = |one: &&Suspect| {
            one.what == what && one.strongest() == Strength::Record && one.cause.is_of_next_hop()
                || one.cause == Cause::RecipientCheckFailed
        };
        found.iter().find(on_record)
    };
    let refine = |suspect: Suspect| match record(&suspect.what) {
        Some(there) if there.cause != suspect.cause && is_vague(there.cause) => {
            let told = there.evidence.iter().filter(|one| one.strength == Strength::Record).cloned();
            let near = there.nearness + 0.05;
            let fixes = there.fixes.clone();
            let mut suspect = Suspect { nearness: near, turn: there.turn, ..suspect };
            suspect.evidence.extend(told);
            suspect.fixes.extend(fixes.into_iter().filter(super::fix::Fix::is_ours));
            suspect
        }
        _ => suspect,
    };
    now.into_iter().map(refine).collect()
}

/// Causes that trying can say more of.
fn is_vague(cause: Cause) -> bool {
    use Cause::*;
    matches!(cause, NextHopTlsBroken | NextHopDrops | NextHopBusy | NextHopSaysNo | NextHopTrouble | RecipientCheckFailed | NextHopBlocksUs)
}

/// The other side wants us to prove who we are: what is missing for that.
async fn besides(ground: &Ground, question: &Question, found: &mut Vec<Suspect>, steps: &Steps) -> Result<(), Error> {
    let wants = |cause: Cause| found.iter().any(|one| one.cause == cause);
    let (authentication, name) = (wants(Cause::NextHopWantsAuthentication), wants(Cause::NextHopWantsName));
    if wants(Cause::NextHopBlocksUs) {
        let (seen, fixes) = domain::listed(ground).await;
        steps.note(Look::Lists, seen.is_empty());
        for suspect in found.iter_mut().filter(|one| one.cause == Cause::NextHopBlocksUs) {
            suspect.evidence.extend(seen.iter().cloned());
            suspect.fixes.extend(fixes.iter().cloned());
        }
    }
    if !authentication && !name {
        return Ok(());
    }
    let Some(own) =
        question.sender.as_ref().map(|end| end.domain().to_string()).filter(|domain| ground.directory.domain_named(domain).is_some())
    else {
        return Ok(());
    };
    let target = domain::target(ground, &own).await?;
    let more = match authentication {
        true => domain::outward(ground, &target, Strength::Shown).await,
        false => domain::names(ground, &target).await,
    };
    steps.note(if authentication { Look::Sending } else { Look::Names }, more.is_empty());
    // The refusal on record and the fault seen now are one story.
    let told: Vec<Evidence> = found
        .iter()
        .filter(|one| matches!(one.cause, Cause::NextHopWantsAuthentication | Cause::NextHopWantsName))
        .flat_map(|one| one.evidence.iter().filter(|one| one.strength == Strength::Record).cloned())
        .collect();
    let near = found.iter().map(|one| one.nearness).fold(0.0, f64::max);
    let with = |(at, suspect): (usize, Suspect)| {
        let mut suspect = Suspect { nearness: near + 0.1 - 0.01 * at as f64, ..suspect };
        suspect.evidence.extend(told.clone());
        suspect
    };
    found.extend(more.into_iter().filter(|one| is_of_refusal(one.cause)).enumerate().map(with));
    Ok(())
}

/// A domain that only watches is not refused for it.
fn is_of_refusal(cause: Cause) -> bool {
    !matches!(cause, Cause::DmarcWatches | Cause::DmarcMissing | Cause::DmarcBroken)
}

/// Whether mail goes over this connector now.
pub async fn connector_works(ground: &Ground, name: &str) -> bool {
    let tried = connector::attempt(ground, name, None).await;
    connector::works(name, &tried).is_some()
}
