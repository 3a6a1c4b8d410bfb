//! Our own side as a cause: disk, database, place of large messages, DNS, certificate, engines, lists and clock of this installation.
//!
//! In: what every node measured last, a few questions asked now, and the suspects so far. Out: causes of ours with evidence; where the
//! record of a mail is only the trace that our own fault left, that record becomes theirs. Invariant: a part of ours that is wrong explains
//! nothing by itself. It is likely only where the complaint is of the kind it brings about, and certain only where a mail's own record
//! shows it. Not here: the whole look at an installation (`gatepost doctor`), issues that rules opened (`issues`).

use super::{clock, upkeep};
use crate::page::Say;
use crate::troubleshoot::cause::Cause;
use crate::troubleshoot::fix;
use crate::troubleshoot::gather::{Facts, Story};
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::question::{End, Question};
use crate::troubleshoot::steps::{Look, Steps};
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use crate::troubleshoot::symptom::Symptom;
use futures_util::future::join_all;
use gateway::health::{self, Level, Seen, Symptom as Measured, rules};
use gateway::queue::INLINE_OCTETS_MAX;
use mail::MailId;
use mail::dns::{DnsError, RecordType};
use std::time::Duration;
use store::Error;

/// Asking whether anything answers.
const RESOLVER_WITHIN: Duration = Duration::from_secs(3);
const LISTS_WITHIN: Duration = Duration::from_secs(4);
/// Names that are there wherever DNS is: of the root servers, and one kept for examples (RFC 2606 §3).
const EVERYWHERE: [(&str, RecordType); 2] = [("a.root-servers.net", RecordType::A), ("example.com", RecordType::A)];
/// On record that nobody looked at the mail: nearer to why it passed than that it was found to be good.
const NEARER: f64 = 3.0;
/// Findings of engines that could not look at a mail, as inspections write them.
const ENGINES_SILENT: [(&str, &str); 2] = [("malware.clamd.unavailable", "clamd"), ("malware.icap.unavailable", "icap")];

/// What is wrong with us now.
#[derive(Debug, Default)]
struct Own {
    measured: Vec<Measured>,
    /// Why no name can be looked up.
    resolver: Option<String>,
    /// Lists that do not serve our resolver.
    mute: Vec<String>,
    /// Minutes by which our clock is ahead of everybody who writes.
    clock_minutes: Option<i64>,
}

impl Own {
    fn is_well(&self) -> bool {
        self.measured.is_empty() && self.resolver.is_none() && self.mute.is_empty() && self.clock_minutes.is_none()
    }

    fn measured(&self, cause: &str) -> Option<&Measured> {
        self.measured.iter().find(|one| one.cause == cause)
    }
}

/// Adds what our own side explains to the suspects of a mail or a connector.
pub async fn besides(ground: &Ground, question: &Question, facts: &Facts, found: &mut Vec<Suspect>, steps: &Steps) -> Result<(), Error> {
    let own = look(ground, question, found).await?;
    steps.note(Look::Own, own.is_well());
    let mut more = Vec::new();
    more.extend(resolver(question, found, &own));
    more.extend(storage(question, found, &own));
    more.extend(database(question, found, &own));
    more.extend(bodies(question, facts, found, &own));
    more.extend(certificate(ground, question, found, &own).await);
    more.extend(engines(question, facts, found, &own));
    more.extend(lists(question, &own));
    more.extend(our_clock(question, found, &own));
    let upkeep = upkeep::suspects(ground, question).await?;
    // A list that says why it does not answer is not merely mute.
    more.retain(|one| one.cause != Cause::ListMute || !upkeep.iter().any(|other| other.what == one.what));
    more.extend(upkeep);
    found.extend(more);
    Ok(())
}

/// What of it touches signing in: a clock that is off makes codes and links fail, a slow database every page.
pub async fn of_sign_in(ground: &Ground, steps: &Steps) -> Result<Vec<Suspect>, Error> {
    let own = Own { measured: measured(ground).await?, ..Own::default() };
    let wanted = |one: &&Measured| matches!(one.cause.as_str(), "clock.jumped" | "database.slow");
    let found: Vec<Suspect> = own.measured.iter().filter(wanted).map(|one| suspect(cause_of(&one.cause), one, Strength::Fits)).collect();
    let found = [found, upkeep::suspects(ground, &Question { symptom: Symptom::SignIn, ..Question::default() }).await?].concat();
    steps.note(Look::Own, found.is_empty());
    Ok(found)
}

async fn look(ground: &Ground, question: &Question, found: &[Suspect]) -> Result<Own, Error> {
    let measured = measured(ground).await?;
    let wants_lists = question.symptom == Symptom::BadDelivered;
    // A clock is compared where times are what somebody wonders about.
    let wants_clock = question.symptom == Symptom::Late || found.iter().any(|one| matches!(one.cause, Cause::ClockWrong));
    let mute = async { if wants_lists { mute(ground).await } else { Vec::new() } };
    let (resolver, mute) = tokio::join!(dead_resolver(ground, found), mute);
    let clock_minutes = if wants_clock { clock::ahead_minutes(ground).await? } else { None };
    Ok(Own { measured, resolver, mute, clock_minutes })
}

/// What the rules of health say of every node's last sample.
async fn measured(ground: &Ground) -> Result<Vec<Measured>, Error> {
    let samples = ground.db.read(|tx| Box::pin(async move { health::sql::samples(tx).await })).await?;
    Ok(rules::judge(&Seen { now_ms: ground.now_ms, samples, queues: Vec::new() }, &ground.health))
}

/// Why, when nothing can be looked up: neither names that are there wherever DNS is, or, beside a foreign one, not even our own.
async fn dead_resolver(ground: &Ground, found: &[Suspect]) -> Option<String> {
    // One that nobody asked for before: what is remembered would say nothing.
    let fresh = format!("gatepost-diagnosis-{}.{}", ground.now_ms, ground.hostname);
    let own = [(ground.hostname.as_str(), RecordType::A), (fresh.as_str(), RecordType::Txt)];
    let (everywhere, own) = tokio::join!(silent(ground, &EVERYWHERE), silent(ground, &own));
    let is_foreign = |one: &Suspect| one.cause == Cause::DomainDnsFailing;
    everywhere.or(own.filter(|_| found.iter().any(is_foreign)))
}

/// Why none of these is answered; `None` when one is, and be it by "there is no such name".
async fn silent(ground: &Ground, names: &[(&str, RecordType)]) -> Option<String> {
    let asked = join_all(names.iter().map(|(name, kind)| ground.dns.lookup(name, *kind)));
    let Ok(answers) = tokio::time::timeout(RESOLVER_WITHIN, asked).await else {
        return Some(format!("{} s", RESOLVER_WITHIN.as_secs()));
    };
    let mut why = None;
    for answer in answers {
        match answer {
            Err(DnsError::Temporary { why: said, .. }) => why = Some(said),
            _ => return None,
        }
    }
    why
}

/// Lists that give no usable answer for the address that they hold for tests.
async fn mute(ground: &Ground) -> Vec<String> {
    let looked = tokio::time::timeout(LISTS_WITHIN, ground.lists.look()).await.unwrap_or_default();
    looked.into_iter().filter(|(_, took)| took.is_none()).map(|(zone, _)| zone).collect()
}

fn cause_of(measured: &str) -> Cause {
    match measured {
        "disk.low" => Cause::StorageFull,
        "database.slow" | "database.unreachable" => Cause::DatabaseSlow,
        "bodies.unreachable" | "bodies.slow" => Cause::BodiesAway,
        "dns.unreachable" => Cause::ResolverFailing,
        "certificate.expired" => Cause::OwnCertificate,
        "filter.engine" => Cause::EngineMissing,
        "signatures.old" => Cause::SignaturesOld,
        _ => Cause::OwnClock,
    }
}

/// The cause with what was measured.
fn suspect(cause: Cause, measured: &Measured, strength: Strength) -> Suspect {
    let number = |name: &str| measured.evidence.numbers.get(name).copied().unwrap_or(0);
    let say = match cause {
        Cause::StorageFull => Say::new("seen-own-disk").with("count", number("free_percent")),
        Cause::DatabaseSlow => Say::new("seen-own-database").with("count", number("took_ms").max(number("mean_ms"))),
        Cause::BodiesAway if measured.cause == "bodies.slow" => Say::new("seen-own-bodies-slow").with("count", number("p95_ms")),
        Cause::BodiesAway => {
            Say::new("seen-own-bodies").with("count", number("down_ms") / 1000).with("detail", measured.evidence.said.as_str())
        }
        Cause::ResolverFailing => Say::new("seen-own-dns").with("detail", measured.evidence.said.as_str()),
        Cause::OwnCertificate => Say::new("seen-own-certificate").with("count", number("days")),
        Cause::EngineMissing => {
            Say::new("seen-own-engine").with("what", measured.what.as_str()).with("detail", measured.evidence.said.as_str())
        }
        Cause::SignaturesOld => Say::new("seen-own-signatures").with("what", measured.what.as_str()).with("count", number("days")),
        _ => Say::new("seen-own-jump").with("detail", measured.evidence.said.as_str()),
    };
    let what = if matches!(cause, Cause::EngineMissing | Cause::SignaturesOld) { measured.what.as_str() } else { "" };
    mended(Suspect::new(cause, what).seen(strength, say))
}

pub(super) fn mended(suspect: Suspect) -> Suspect {
    suspect.fix(fix::open("/admin/doctor", "fix-open-doctor"))
}

/// Mail that did not come or go, or did so late: what a fault of the whole service brings about.
pub(super) fn is_of_flow(question: &Question) -> bool {
    matches!(question.symptom, Symptom::NotReceived | Symptom::NotDelivered | Symptom::Late | Symptom::Bounce | Symptom::Unknown)
}

/// How much a fault of ours says where no record shows it: of mail in general it is the likeliest, of one mail it may be.
fn unrecorded(question: &Question, measured: Option<&Measured>) -> Strength {
    let is_down = measured.is_some_and(|one| one.level() >= Level::Interrupted);
    if is_down || question.is_general() { Strength::Shown } else { Strength::Fits }
}

/// Moves records which only show our own fault over to its cause: what they seemed to say is not known.
fn taken_over(found: &mut [Suspect], mine: &Suspect, is_trace: impl Fn(&Suspect) -> bool) -> Suspect {
    let mut mine = mine.clone();
    for other in found.iter_mut().filter(|one| is_trace(one)) {
        mine.evidence.extend(other.evidence.iter().filter(|one| one.strength >= Strength::Shown).cloned());
        mine.fixes.extend(other.fixes.iter().filter(|fix| fix.is_ours()).cloned());
        mine.nearness = mine.nearness.max(other.nearness + 0.1);
        let instead = Evidence::new(Strength::Against, Say::new("seen-own-instead"));
        // Two faults of ours that look the same speak against it once.
        if !other.evidence.contains(&instead) {
            other.evidence.push(instead);
        }
    }
    mine
}

/// Names that cannot be looked up: of one domain it is that domain, of all it is our resolver.
fn resolver(question: &Question, found: &mut [Suspect], own: &Own) -> Option<Suspect> {
    let base = match (&own.resolver, own.measured("dns.unreachable")) {
        (Some(why), _) => {
            mended(Suspect::new(Cause::ResolverFailing, "").seen(Strength::Fits, Say::new("seen-own-dns").with("detail", why.as_str())))
        }
        (None, Some(measured)) => suspect(Cause::ResolverFailing, measured, Strength::Fits),
        (None, None) => return None,
    };
    let is_trace = |one: &Suspect| {
        matches!(one.cause, Cause::DomainDnsFailing | Cause::MxDnsFailing | Cause::RecipientCheckFailed)
            || one.cause == Cause::NextHopNoAddress && own.resolver.is_some()
    };
    if found.iter().any(is_trace) {
        return Some(taken_over(found, &base, is_trace));
    }
    let wanted = is_of_flow(question) || question.symptom == Symptom::Connector;
    // A network that is closed on purpose resolves nothing of the world either: alone this says little.
    let strength = own.measured("dns.unreachable").map_or(Strength::Fits, |one| unrecorded(question, Some(one)));
    wanted.then(|| stronger(base, strength))
}

fn stronger(mut suspect: Suspect, strength: Strength) -> Suspect {
    suspect.evidence.iter_mut().for_each(|one| one.strength = strength);
    suspect
}

fn storage(question: &Question, found: &mut [Suspect], own: &Own) -> Option<Suspect> {
    let measured = own.measured("disk.low")?;
    let is_full = measured.level() >= Level::Interrupted;
    let base = suspect(Cause::StorageFull, measured, if is_full { Strength::Shown } else { Strength::Fits });
    if found.iter().any(|one| one.cause == Cause::StorageFull) {
        return Some(base); // its evidence joins what is on record
    }
    let is_trace = |one: &Suspect| one.cause == Cause::OurFault && is_full;
    if found.iter().any(is_trace) {
        return Some(taken_over(found, &base, is_trace));
    }
    // A disk that is nearly full still takes mail: it explains nothing yet.
    is_of_flow(question).then_some(base)
}

fn database(question: &Question, found: &mut [Suspect], own: &Own) -> Option<Suspect> {
    let measured = own.measured("database.slow").or_else(|| own.measured("database.unreachable"))?;
    let base = suspect(Cause::DatabaseSlow, measured, Strength::Fits);
    let is_trace = |one: &Suspect| one.cause == Cause::OurFault;
    if found.iter().any(is_trace) {
        return Some(taken_over(found, &base, is_trace));
    }
    is_of_flow(question).then(|| stronger(base, unrecorded(question, Some(measured))))
}

/// Where messages of more than [`INLINE_OCTETS_MAX`] lie. A smaller one lies in the database: its record tells of something else.
fn bodies(question: &Question, facts: &Facts, found: &mut [Suspect], own: &Own) -> Option<Suspect> {
    let measured = own.measured("bodies.unreachable").or_else(|| own.measured("bodies.slow"))?;
    let base = suspect(Cause::BodiesAway, measured, Strength::Fits);
    let is_small = |mail: MailId| facts.stories.iter().any(|story| story.mail() == mail && story.row.octets <= INLINE_OCTETS_MAX as i64);
    let is_trace = |one: &Suspect| one.cause == Cause::OurFault && !one.evidence.iter().filter_map(|seen| seen.mail).any(is_small);
    if found.iter().any(is_trace) {
        return Some(taken_over(found, &base, is_trace));
    }
    is_of_flow(question).then(|| stronger(base, unrecorded(question, Some(measured))))
}

/// An expired certificate keeps away senders who check it. Most do not, so it needs a sign that this one does.
async fn certificate(ground: &Ground, question: &Question, found: &mut [Suspect], own: &Own) -> Option<Suspect> {
    let measured = own.measured("certificate.expired")?;
    let base = suspect(Cause::OwnCertificate, measured, Strength::Fits);
    // A bounce of the sender's server about our own host; a connector's cause is about another.
    let is_trace = |one: &Suspect| {
        let is_to_us = one.what.rsplit_once('@').is_some_and(|(_, domain)| ground.directory.domain_named(domain).is_some());
        is_to_us && (matches!(one.cause, Cause::NextHopCertificate | Cause::NextHopTlsBroken) || one.detail.contains("certificate"))
    };
    if found.iter().any(is_trace) {
        let mut mine = taken_over(found, &base, is_trace);
        // What their server says of our certificate, and what we see of it ourselves, are one story.
        mine.evidence.iter_mut().filter(|one| one.strength == Strength::Shown).for_each(|one| one.strength = Strength::Record);
        return Some(mine);
    }
    if !matches!(question.symptom, Symptom::NotReceived | Symptom::Late | Symptom::Bounce | Symptom::Unknown) {
        return None;
    }
    let domain = question.recipient.as_ref().map(End::domain).filter(|domain| ground.directory.domain_named(domain).is_some());
    let (dane, sts) = (format!("_25._tcp.{}", ground.hostname), domain.map(|domain| format!("_mta-sts.{domain}")).unwrap_or_default());
    let asked = async { tokio::join!(ground.dns.lookup(&dane, RecordType::Tlsa), ground.dns.lookup(&sts, RecordType::Txt)) };
    let (dane, sts) = tokio::time::timeout(RESOLVER_WITHIN, asked).await.ok()?;
    // RFC 7672 §3 and RFC 8461 §4.1: we ask senders ourselves to look at it.
    let must_check = [dane, sts].into_iter().flatten().any(|records| !records.is_empty());
    Some(match must_check {
        true => stronger(base, Strength::Shown).seen(Strength::Fits, Say::new("seen-own-must-check")),
        false => base,
    })
}

/// Engines that could not look at this very mail, or do not answer now.
fn engines(question: &Question, facts: &Facts, found: &[Suspect], own: &Own) -> Vec<Suspect> {
    if question.symptom != Symptom::BadDelivered {
        return Vec::new();
    }
    let strength = if question.is_general() { Strength::Shown } else { Strength::Fits };
    let now =
        |cause: &str| own.measured.iter().filter(|one| one.cause == cause).map(|one| suspect(cause_of(cause), one, strength)).collect();
    let mut wrong: Vec<Suspect> = now("filter.engine");
    wrong.extend::<Vec<Suspect>>(now("signatures.old"));
    // Somebody let it in: then it did not matter who looked.
    let was_let_in =
        |one: &Suspect| matches!(one.cause, Cause::AllowedByEntry | Cause::AllowedByRule | Cause::LenientPolicy | Cause::ReleasedByPerson);
    if !found.iter().any(was_let_in) {
        let fitting = facts.stories.iter().filter(|story| story.fit >= super::SURE_FIT);
        wrong.extend(fitting.flat_map(of_story));
    }
    wrong
}

/// An engine's silence that the receipt of a delivered mail holds.
fn of_story(story: &Story) -> Vec<Suspect> {
    let Some(receipt) = &story.receipt else { return Vec::new() };
    let silent = |(check, engine): &(&str, &str)| {
        let finding = receipt.findings.iter().find(|finding| finding.check == *check)?;
        let say = Say::new("seen-own-engine").with("what", *engine).with("detail", finding.evidence.as_str());
        let told = Evidence::new(Strength::Record, say).at(receipt.at_ms).of_mail(Some(receipt.mail));
        Some(mended(Suspect::new(Cause::EngineMissing, *engine).with(told)).near(story.fit + NEARER))
    };
    ENGINES_SILENT.iter().filter_map(silent).collect()
}

/// Lists that do not serve us: asked now, or measured for a while. They matter where mail came through.
fn lists(question: &Question, own: &Own) -> Vec<Suspect> {
    if question.symptom != Symptom::BadDelivered {
        return Vec::new();
    }
    let strength = if question.is_general() { Strength::Shown } else { Strength::Fits };
    let of_list = |zone: &String| {
        let say = Say::new("seen-own-list").with("what", zone.as_str());
        mended(Suspect::new(Cause::ListMute, zone.as_str()).seen(strength, say))
    };
    let measured = own.measured.iter().filter(|one| one.cause == "filter.list").map(|one| &one.what);
    own.mute.iter().chain(measured).map(of_list).collect()
}

/// Everybody's mail seems to be from another time: then it is not everybody's clock.
fn our_clock(question: &Question, found: &mut [Suspect], own: &Own) -> Option<Suspect> {
    let base = match (own.clock_minutes, own.measured("clock.jumped")) {
        (Some(minutes), _) => {
            let key = if minutes > 0 { "seen-own-ahead" } else { "seen-own-behind" };
            mended(Suspect::new(Cause::OwnClock, "").seen(Strength::Shown, Say::new(key).with("count", minutes.abs())))
        }
        (None, Some(measured)) => suspect(Cause::OwnClock, measured, Strength::Fits),
        (None, None) => return None,
    };
    let is_trace = |one: &Suspect| own.clock_minutes.is_some() && matches!(one.cause, Cause::ClockWrong | Cause::DelayedBeforeUs);
    if found.iter().any(is_trace) {
        return Some(taken_over(found, &base, is_trace));
    }
    (question.symptom == Symptom::Late).then_some(base)
}
