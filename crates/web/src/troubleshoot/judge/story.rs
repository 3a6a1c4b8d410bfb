//! What became of one mail for the recipient that is asked about, and why: from its row, its events and its receipt.

use super::{receipt as of_receipt, reply};
use crate::page::Say;
use crate::troubleshoot::cause::{Cause, Turn};
use crate::troubleshoot::fix::{self, Fix};
use crate::troubleshoot::gather::Story;
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::question::{End, Question};
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use crate::troubleshoot::symptom::Symptom;
use detect::Class;
use gateway::policy::PolicyAction;
use gateway::trace::api::{EventBody, RecipientBody};

/// Recipients of one mail that are looked at.
const RECIPIENTS_MAX: usize = 20;
/// A delivery that took less is not late.
const QUICK_MS: i64 = 3 * 60 * 1000;
/// Farther from the moment that was named, mail counts for little.
const NEAR_MS: f64 = 6.0 * 60.0 * 60.0 * 1000.0;

/// Causes that this mail tells of.
pub fn suspects(ground: &Ground, question: &Question, story: &Story) -> Vec<Suspect> {
    let all = story.row.recipients.iter().take(RECIPIENTS_MAX);
    let is_meant = |one: &&RecipientBody| {
        let is_end = |end: &End| end.is(&one.address) || end.is(&one.original) || question.is_nearly_to(&one.original);
        question.recipient.as_ref().is_none_or(is_end)
    };
    let meant: Vec<&RecipientBody> = all.clone().filter(is_meant).collect();
    let mut found = Vec::new();
    if meant.is_empty() && story.receipt.is_some() {
        found.extend(all.map(|one| redirected(story, one)));
    }
    for one in meant {
        found.extend(of_recipient(ground, question, story, one));
    }
    let near = nearness(question, story);
    found.into_iter().map(|suspect| Suspect { nearness: suspect.nearness + near, ..suspect }).collect()
}

/// How close a mail is to what was asked.
fn nearness(question: &Question, story: &Story) -> f64 {
    let close = question.about_ms.map_or(0.0, |about| (-(story.row.at_ms - about).abs() as f64 / NEAR_MS).exp());
    story.fit + close
}

fn of_recipient(ground: &Ground, question: &Question, story: &Story, one: &RecipientBody) -> Vec<Suspect> {
    match one.state.as_str() {
        "queued" => vec![queued(ground, story, one)],
        "held" => held(story, one),
        "bounced" => vec![bounced(ground, story, one)],
        "deleted" => deleted(story, one),
        "expired" => vec![expired(story, one)],
        _ => delivered(ground, question, story, one),
    }
}

/// The connector a recipient's mail takes, else the domain it goes to.
fn way(ground: &Ground, story: &Story, one: &RecipientBody) -> String {
    let domain = one.address.rsplit('@').next().unwrap_or_default();
    let route = match ground.directory.domain_named(domain).is_some() {
        true => ground.directory.inbound_route(domain),
        false => ground.directory.outbound_route(story.row.org, domain),
    };
    if route.is_empty() { domain.to_string() } else { route.to_string() }
}

/// Somebody else's server is somebody else's turn.
fn turn(ground: &Ground, story: &Story, one: &RecipientBody, cause: Cause) -> Turn {
    let domain = one.address.rsplit('@').next().unwrap_or_default();
    let is_theirs = !story.is_inbound() && ground.directory.domain_named(domain).is_none();
    match cause.turn() {
        Turn::Administrator if is_theirs && cause.is_of_next_hop() && !is_about_us(cause) => Turn::RecipientAdministrator,
        turn => turn,
    }
}

/// What the other side refuses because of how we are set up.
fn is_about_us(cause: Cause) -> bool {
    use Cause::*;
    matches!(
        cause,
        NextHopWantsAuthentication
            | NextHopBlocksUs
            | NextHopNoRelay
            | NextHopLogin
            | ConnectorMissing
            | ConnectorPrivateAddress
            | LoopsToUs
    )
}

fn event<'a>(story: &'a Story, one: &'a RecipientBody, kind: &str) -> Option<&'a EventBody> {
    story.events_for(&one.address).filter(|event| event.kind == kind).last()
}

fn told(event: &EventBody, key: &'static str, one: &RecipientBody) -> Evidence {
    let say = Say::new(key)
        .with("what", Story::told(event, "reply"))
        .with("detail", Story::told(event, "hop"))
        .with("recipient", one.address.as_str());
    Evidence::new(Strength::Record, say).at(event.at_ms).of_mail(event.mail)
}

/// A next hop's answer as a suspect.
fn answered(ground: &Ground, story: &Story, one: &RecipientBody, event: &EventBody, key: &'static str) -> Suspect {
    let (hop, said) = (Story::told(event, "hop"), Story::told(event, "reply"));
    let cause = reply::cause(hop, said);
    let mut suspect = Suspect::new(cause, way(ground, story, one)).detail(said).turn(turn(ground, story, one, cause));
    suspect = suspect.with(told(event, key, one));
    match cause {
        Cause::MailboxFull | Cause::MailboxUnknown | Cause::MailboxDisabled => suspect.what.clone_from(&one.address),
        Cause::DomainUnknown | Cause::DomainTakesNoMail | Cause::DomainNoServer | Cause::DomainDnsFailing => {
            suspect.what = one.address.rsplit('@').next().unwrap_or_default().to_string();
        }
        _ => {}
    }
    let text = Say::new("tell-next-hop").with("what", said).with("detail", hop).with("recipient", one.address.as_str());
    if suspect.turn != Turn::Nobody && !matches!(cause, Cause::ConnectorMissing | Cause::ConnectorPrivateAddress | Cause::LoopsToUs) {
        suspect = suspect.fix(fix::tell(text));
    }
    suspect
}

fn queued(ground: &Ground, story: &Story, one: &RecipientBody) -> Suspect {
    if let Some(gone) = gone(ground, story, one) {
        return gone;
    }
    match event(story, one, "deferred") {
        Some(event) => {
            let suspect = answered(ground, story, one, event, "seen-deferred").fix(Fix::Retry { mail: story.mail() });
            match one.next_ms {
                Some(next_ms) => suspect.with(Evidence::new(Strength::Fits, Say::new("seen-next-try")).at(next_ms)),
                None => suspect,
            }
        }
        None => {
            let say = Say::new("seen-under-way").with("recipient", one.address.as_str());
            let since = Evidence::new(Strength::Record, say).at(story.row.at_ms).of_mail(Some(story.mail()));
            Suspect::new(Cause::NothingWrong, "").with(since).fix(Fix::Retry { mail: story.mail() })
        }
    }
}

/// The way that the settings lead is no longer there, whatever the last attempt met.
fn gone(ground: &Ground, story: &Story, one: &RecipientBody) -> Option<Suspect> {
    let way = way(ground, story, one);
    if way.contains('.') || ground.directory.connectors.contains_key(&way) {
        return None;
    }
    let say = Say::new("seen-no-connector").with("what", way.as_str());
    let suspect = Suspect::new(Cause::ConnectorMissing, way).seen(Strength::Record, say);
    let tried = event(story, one, "deferred").map(|event| told(event, "seen-deferred", one));
    let suspect = tried.into_iter().fold(suspect, Suspect::with);
    Some(suspect.fix(fix::open("/connectors", "fix-open-connector")).fix(Fix::Retry { mail: story.mail() }))
}

fn held(story: &Story, one: &RecipientBody) -> Vec<Suspect> {
    let Some(receipt) = &story.receipt else { return Vec::new() };
    let Some(decided) = of_receipt::decided_for(receipt, &one.address) else { return Vec::new() };
    let say = Say::new("seen-held").with("recipient", one.address.as_str());
    let at = event(story, one, "held").map_or(story.row.at_ms, |event| event.at_ms);
    let told = Evidence::new(Strength::Record, say).at(at).of_mail(Some(story.mail()));
    let release = (decided.class != Class::Malware).then(|| Fix::Release { mail: story.mail(), recipient: one.address.clone() });
    let allow = of_receipt::allow(receipt, decided);
    let mut found = of_receipt::suspects(receipt, decided);
    if found.is_empty() {
        found.extend(of_receipt::by_class(receipt, decided));
    }
    for suspect in &mut found {
        suspect.evidence.push(told.clone());
        suspect.fixes.splice(0..0, release.clone());
        if matches!(suspect.cause, Cause::JudgedSpam | Cause::JudgedBulk | Cause::JudgedPhish | Cause::JudgedImpersonation) {
            suspect.fixes.extend(allow.clone());
        }
    }
    found
}

fn bounced(ground: &Ground, story: &Story, one: &RecipientBody) -> Suspect {
    match event(story, one, "bounced") {
        Some(event) => {
            let is_late = !Story::told(event, "expired").is_empty();
            let key = if is_late { "seen-gave-up" } else { "seen-bounced" };
            answered(ground, story, one, event, key)
        }
        None => Suspect::new(Cause::NextHopSaysNo, way(ground, story, one)).detail(one.last_reply.as_str()),
    }
}

fn deleted(story: &Story, one: &RecipientBody) -> Vec<Suspect> {
    if let Some(event) = event(story, one, "cancelled") {
        return vec![Suspect::new(Cause::DeliveryCancelled, Story::told(event, "by")).with(told(event, "seen-cancelled", one))];
    }
    let event = event(story, one, "deleted");
    let by = event.map(|event| Story::told(event, "by")).unwrap_or_default();
    if let (Some(event), false) = (event, by.is_empty()) {
        let say = Say::new("seen-deleted-by").with("what", by).with("recipient", one.address.as_str());
        let told = Evidence::new(Strength::Record, say).at(event.at_ms).of_mail(event.mail);
        return vec![Suspect::new(Cause::DeletedByPerson, by).with(told)];
    }
    let Some((receipt, decided)) =
        story.receipt.as_ref().and_then(|receipt| Some((receipt, of_receipt::decided_for(receipt, &one.address)?)))
    else {
        return Vec::new();
    };
    let say = Say::new("seen-deleted").with("recipient", one.address.as_str());
    let told = Evidence::new(Strength::Record, say).at(story.row.at_ms).of_mail(Some(story.mail()));
    of_receipt::suspects(receipt, decided).into_iter().map(|suspect| suspect.with(told.clone())).collect()
}

fn expired(story: &Story, one: &RecipientBody) -> Suspect {
    let at = event(story, one, "expired").map_or(story.row.at_ms, |event| event.at_ms);
    let say = Say::new("seen-expired").with("recipient", one.address.as_str());
    let mut suspect = Suspect::new(Cause::ExpiredHeld, story.row.verdict.as_str())
        .with(Evidence::new(Strength::Record, say).at(at).of_mail(Some(story.mail())));
    if let Some(decided) = story.receipt.as_ref().and_then(|receipt| of_receipt::decided_for(receipt, &one.address)) {
        let say = Say::new("seen-policy").with("what", decided.policy.as_str()).with("detail", decided.class.name());
        suspect = suspect.with(Evidence::new(Strength::Fits, say));
    }
    suspect.fix(fix::open("/policies", "fix-open-policies"))
}

/// Mail that went to another address than it was written to.
fn redirected(story: &Story, one: &RecipientBody) -> Suspect {
    let rule = story.receipt.as_ref().and_then(of_receipt::redirecting_rule);
    let say = Say::new("seen-redirected").with("what", one.original.as_str()).with("detail", one.address.as_str());
    let told = Evidence::new(Strength::Record, say).at(story.row.at_ms).of_mail(Some(story.mail()));
    match rule {
        Some(rule) => {
            let off = Fix::RuleOff { rule: rule.rule.to_string(), name: rule.name.clone() };
            Suspect::new(Cause::MailFlowRule, rule.name.as_str()).detail(one.address.as_str()).with(told).fix(off)
        }
        None => {
            let policy = story.receipt.as_ref().and_then(|receipt| receipt.recipients.first()).map(|one| one.policy.clone());
            let suspect = Suspect::new(Cause::Redirected, policy.unwrap_or_default()).detail(one.address.as_str()).with(told);
            suspect.fix(fix::open("/policies", "fix-open-policies"))
        }
    }
}

fn delivered(ground: &Ground, question: &Question, story: &Story, one: &RecipientBody) -> Vec<Suspect> {
    let is_elsewhere = question.recipient.as_ref().is_some_and(|end| !end.is(&one.address) && end.is(&one.original));
    if is_elsewhere || question.recipient.is_none() && !one.original.eq_ignore_ascii_case(&one.address) {
        return vec![redirected(story, one)];
    }
    if let Some(removed) = removed(story, one) {
        return vec![removed];
    }
    let marked = marked(story, one);
    if question.is_guessed && marked.is_empty() {
        return notable(ground, story, one);
    }
    match question.symptom {
        Symptom::BadDelivered => vec![passed(story, one)],
        Symptom::Late => late(ground, story, one),
        Symptom::InJunk if marked.is_empty() => vec![junked_there(story, one)],
        Symptom::InJunk | Symptom::NotReceived | Symptom::Unknown if !marked.is_empty() => marked,
        Symptom::Duplicate if is_copied(story, one) => vec![redirected(story, one)],
        Symptom::Duplicate => repeated(story, one),
        _ => vec![arrived(story, one)],
    }
}

/// It was taken out of the mailbox again, and not put back.
fn removed(story: &Story, one: &RecipientBody) -> Option<Suspect> {
    let event = story.events_for(&one.address).filter(|event| matches!(event.kind, "removed" | "put-back")).last()?;
    if event.kind != "removed" {
        return None;
    }
    let (by, folder) = (Story::told(event, "by"), Story::told(event, "to"));
    let say = Say::new("seen-removed").with("what", by).with("detail", folder).with("recipient", one.address.as_str());
    let told = Evidence::new(Strength::Record, say).at(event.at_ms).of_mail(event.mail);
    Some(Suspect::new(Cause::RemovedAfterDelivery, by).with(told).with(taken(story, one)))
}

/// Nobody said what is wrong with a mail that was delivered: what is out of the ordinary about it, else that it was.
fn notable(ground: &Ground, story: &Story, one: &RecipientBody) -> Vec<Suspect> {
    let decided = story.receipt.as_ref().and_then(|receipt| Some((receipt, of_receipt::decided_for(receipt, &one.address)?)));
    let is_bad = |receipt: &gateway::receipt::Receipt| receipt.verdict.class >= Class::Spam;
    if decided.is_some_and(|(receipt, _)| is_bad(receipt)) {
        return vec![passed(story, one)];
    }
    if event(story, one, "deferred").is_some() || event(story, one, "released").is_some() {
        return late(ground, story, one);
    }
    vec![arrived(story, one)]
}

/// When and by whom it was taken.
fn taken(story: &Story, one: &RecipientBody) -> Evidence {
    match event(story, one, "delivered").or_else(|| event(story, one, "handed-back")) {
        Some(event) => told(event, "seen-delivered", one),
        None => Evidence::new(Strength::Record, Say::new("seen-delivered-row").with("recipient", one.address.as_str())).at(story.row.at_ms),
    }
}

fn arrived(story: &Story, one: &RecipientBody) -> Suspect {
    let taken_by = event(story, one, "delivered").or_else(|| event(story, one, "handed-back"));
    let hop = taken_by.map(|event| Story::told(event, "hop")).unwrap_or_default().to_string();
    let text = Say::new("tell-delivered")
        .with("what", event(story, one, "delivered").map(|event| Story::told(event, "reply")).unwrap_or_default())
        .with("detail", hop.as_str())
        .with("recipient", one.address.as_str());
    let turn = if story.is_inbound() { Turn::Recipient } else { Turn::RecipientAdministrator };
    Suspect::new(Cause::Delivered, one.address.as_str()).detail(hop).turn(turn).with(taken(story, one)).fix(fix::tell(text))
}

/// Delivered with our mark: sorted into junk, or under another subject.
fn marked(story: &Story, one: &RecipientBody) -> Vec<Suspect> {
    let Some(receipt) = &story.receipt else { return Vec::new() };
    let Some(decided) = of_receipt::decided_for(receipt, &one.address) else { return Vec::new() };
    if !matches!(decided.action, PolicyAction::Junk | PolicyAction::AddHeader | PolicyAction::Prefix) {
        return Vec::new();
    }
    let say = Say::new("seen-marked").with("recipient", one.address.as_str());
    let told = Evidence::new(Strength::Record, say).at(story.row.at_ms).of_mail(Some(story.mail()));
    let allow = of_receipt::allow(receipt, decided);
    let with = |suspect: Suspect| suspect.with(told.clone()).with(taken(story, one)).fixes(allow.clone());
    of_receipt::suspects(receipt, decided).into_iter().map(with).collect()
}

fn junked_there(story: &Story, one: &RecipientBody) -> Suspect {
    let say = Say::new("seen-unmarked").with("recipient", one.address.as_str());
    let told = Evidence::new(Strength::Record, say).at(story.row.at_ms).of_mail(Some(story.mail()));
    let turn = if story.is_inbound() { Turn::Recipient } else { Turn::RecipientAdministrator };
    let strength_of = if story.is_inbound() { Cause::JunkedAtMailbox } else { Cause::Delivered };
    Suspect::new(strength_of, one.address.as_str()).turn(turn).with(told).with(taken(story, one))
}

/// Why bad mail came through.
fn passed(story: &Story, one: &RecipientBody) -> Suspect {
    if let Some(event) = event(story, one, "released") {
        let by = Story::told(event, "by");
        let say = Say::new("seen-released").with("what", by).with("recipient", one.address.as_str());
        let told = Evidence::new(Strength::Record, say).at(event.at_ms).of_mail(event.mail);
        return Suspect::new(Cause::ReleasedByPerson, by).with(told).with(taken(story, one));
    }
    match story.receipt.as_ref().and_then(|receipt| Some((receipt, of_receipt::decided_for(receipt, &one.address)?))) {
        Some((receipt, decided)) => of_receipt::why_it_passed(receipt, decided).with(taken(story, one)),
        None => arrived(story, one),
    }
}

/// What held it up here: a person, or a next hop.
fn late(ground: &Ground, story: &Story, one: &RecipientBody) -> Vec<Suspect> {
    let settled = one.settled_ms.or(event(story, one, "delivered").map(|event| event.at_ms)).unwrap_or(story.row.at_ms);
    if let Some(event) = event(story, one, "released") {
        let say = Say::new("seen-released").with("what", Story::told(event, "by")).with("recipient", one.address.as_str());
        let told = Evidence::new(Strength::Record, say).at(event.at_ms).of_mail(event.mail);
        let mut found = vec![Suspect::new(Cause::WaitedInQuarantine, "").with(told).near(0.1)];
        if let Some((receipt, decided)) =
            story.receipt.as_ref().and_then(|receipt| Some((receipt, of_receipt::decided_for(receipt, &one.address)?)))
        {
            found.extend(of_receipt::suspects(receipt, decided));
        }
        return found;
    }
    if let Some(event) = event(story, one, "deferred") {
        return vec![answered(ground, story, one, event, "seen-deferred").with(taken(story, one)).near(0.1)];
    }
    let took_ms = settled - story.row.at_ms;
    if took_ms > QUICK_MS {
        let say = Say::new("seen-took").with("count", took_ms / 1000);
        return vec![Suspect::new(Cause::OurFault, "").with(Evidence::new(Strength::Record, say).at(settled).of_mail(Some(story.mail())))];
    }
    let say = Say::new("seen-took").with("count", (took_ms / 1000).max(0));
    let quick = Evidence::new(Strength::Fits, say).at(settled).of_mail(Some(story.mail()));
    vec![arrived(story, one).with(quick)]
}

/// Written to another address as well, and led to this one: two copies of one mail.
fn is_copied(story: &Story, one: &RecipientBody) -> bool {
    let here = story.row.recipients.iter().filter(|other| other.address.eq_ignore_ascii_case(&one.address)).count();
    here > 1 && !one.original.eq_ignore_ascii_case(&one.address)
}

/// Delivered, and perhaps sent again because the answer was lost.
fn repeated(story: &Story, one: &RecipientBody) -> Vec<Suspect> {
    let lost = story.events_for(&one.address).find(|event| {
        event.kind == "deferred" && reply::cause(Story::told(event, "hop"), Story::told(event, "reply")) == Cause::NextHopDrops
    });
    match lost {
        Some(event) => {
            vec![Suspect::new(Cause::DeliveredTwice, one.address.as_str()).with(told(event, "seen-deferred", one)).with(taken(story, one))]
        }
        None => vec![arrived(story, one)],
    }
}

/// Two mails of the same message to the same address: the sender sent it twice.
pub fn twice(question: &Question, stories: &[Story]) -> Option<Suspect> {
    let is_meant = |one: &RecipientBody| question.recipient.as_ref().is_none_or(|end| end.is(&one.original) || end.is(&one.address));
    for (at, first) in stories.iter().enumerate() {
        let id = first.row.message_id.as_str();
        let again = stories[at + 1..].iter().find(|other| {
            let same =
                !id.is_empty() && other.row.message_id == id || id.is_empty() && digest(other) == digest(first) && digest(first).is_some();
            let is_split = |story: &Story| story.receipt.as_ref().is_some_and(|receipt| receipt.split_from.is_some());
            // Sent twice because it did not arrive the first time is another story.
            same && !is_split(other) && !is_split(first) && arrived_for(question, other) && arrived_for(question, first)
        });
        let Some(again) = again else { continue };
        let Some(one) = first.row.recipients.iter().find(|one| is_meant(one)) else { continue };
        let say = Say::new("seen-twice").with("what", again.row.mail.to_string()).with("detail", first.row.mail.to_string());
        let told = Evidence::new(Strength::Record, say).at(first.row.at_ms).of_mail(Some(first.row.mail));
        let text = Say::new("tell-twice").with("what", first.row.message_id.as_str());
        return Some(Suspect::new(Cause::SentTwice, one.address.as_str()).with(told).near(4.0).fix(fix::tell(text)));
    }
    None
}

/// It lies in the mailbox that is asked about.
fn arrived_for(question: &Question, story: &Story) -> bool {
    let is_meant = |one: &RecipientBody| question.recipient.as_ref().is_none_or(|end| end.is(&one.original) || end.is(&one.address));
    story.row.recipients.iter().any(|one| is_meant(one) && one.state == "delivered")
}

fn digest(story: &Story) -> Option<String> {
    story.receipt.as_ref().map(|receipt| receipt.header.sha256.clone())
}
