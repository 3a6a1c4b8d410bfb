//! When it was written and when it came: delays before us, and clocks that are wrong.

use crate::page::Say;
use crate::troubleshoot::cause::Cause;
use crate::troubleshoot::fix;
use crate::troubleshoot::gather::{Facts, Refused, Story};
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::question::Question;
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use crate::troubleshoot::symptom::Symptom;

/// A mail that took less before it reached us is not late.
const LATE_MS: i64 = 10 * 60 * 1000;
/// Clocks that are this far apart are set wrongly.
const CLOCK_MS: i64 = 10 * 60 * 1000;

/// Only of late mail, and of a header that was pasted.
pub fn suspects(ground: &Ground, question: &Question, facts: &Facts) -> Vec<Suspect> {
    let mut found = of_pasted(ground, question);
    if question.symptom == Symptom::Late || question.is_guessed {
        found.extend(
            facts.stories.iter().filter(|story| story.fit >= 0.8).take(STORIES_MAX).filter_map(|story| of_story(question, facts, story)),
        );
    }
    found
}

/// Stories that are compared with their Date.
const STORIES_MAX: usize = 5;

/// What the message said of when it was written, against when we got it.
fn of_story(question: &Question, facts: &Facts, story: &Story) -> Option<Suspect> {
    let written = story.receipt.as_ref()?.header.written_ms?;
    let came = first_seen_ms(facts, story);
    let sender = story.row.sender.as_str();
    let evidence = |key: &'static str, ms: i64| {
        let say = Say::new(key).with("count", ms / 60_000).with("what", sender);
        Evidence::new(Strength::Record, say).at(came).of_mail(Some(story.mail()))
    };
    let near = story.fit + question.about_ms.map_or(0.3, |about| if (about - came).abs() < 12 * 60 * 60 * 1000 { 0.6 } else { 0.0 });
    match came - written {
        late if late > LATE_MS => {
            let text = Say::new("tell-delay").with("what", sender).with("count", late / 60_000);
            Some(Suspect::new(Cause::DelayedBeforeUs, sender).with(evidence("seen-written", late)).near(near + 1.0).fix(fix::tell(text)))
        }
        early if early < -CLOCK_MS => Some(Suspect::new(Cause::ClockWrong, sender).with(evidence("seen-clock", -early)).near(near + 1.1)),
        _ => None,
    }
}

/// When its server first knocked: what we put off ourselves was not delayed before us.
fn first_seen_ms(facts: &Facts, story: &Story) -> i64 {
    let is_it = |refused: &&Refused| {
        refused.is_temporary()
            && refused.event.at_ms <= story.row.at_ms
            && refused.detail.sender.eq_ignore_ascii_case(&story.row.sender)
            && story.row.recipients.iter().any(|one| one.original.eq_ignore_ascii_case(&refused.event.recipient))
    };
    facts.refusals.iter().filter(is_it).map(|refused| refused.event.at_ms).min().unwrap_or(story.row.at_ms)
}

/// The hop of a pasted header that took longest.
fn of_pasted(ground: &Ground, question: &Question) -> Vec<Suspect> {
    let Some(pasted) = &question.pasted else { return Vec::new() };
    let mut found = Vec::new();
    let timed = pasted.hops.iter().filter_map(|hop| Some((hop, hop.delay_ms?)));
    let slowest = timed.clone().max_by_key(|(_, delay)| *delay).filter(|(_, delay)| *delay > LATE_MS);
    if let Some((hop, delay)) = slowest {
        let say = Say::new("seen-hop").with("what", hop.by.as_str()).with("count", delay / 60_000);
        let mut evidence = Evidence::new(Strength::Shown, say);
        evidence.at_ms = hop.at_ms;
        let is_behind = pasted.hops.iter().position(|one| one.by.eq_ignore_ascii_case(&ground.hostname));
        let at = pasted.hops.iter().position(|one| std::ptr::eq(one, hop));
        // Behind us it is the next hop's, at us or before it is the sender's side.
        let cause = match (is_behind, at) {
            (Some(us), Some(at)) if at > us => Cause::NextHopTrouble,
            _ => Cause::DelayedBeforeUs,
        };
        let text = Say::new("tell-delay").with("what", hop.by.as_str()).with("count", delay / 60_000);
        found.push(Suspect::new(cause, hop.by.as_str()).with(evidence).near(1.0).fix(fix::tell(text)));
    }
    if let Some((hop, early)) = timed.min_by_key(|(_, delay)| *delay).filter(|(_, delay)| *delay < -CLOCK_MS) {
        let say = Say::new("seen-clock").with("what", hop.by.as_str()).with("count", -early / 60_000);
        found.push(Suspect::new(Cause::ClockWrong, hop.by.as_str()).seen(Strength::Shown, say).near(0.9));
    }
    found
}
