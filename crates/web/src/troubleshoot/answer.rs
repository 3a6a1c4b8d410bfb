//! The answer: causes in order, what to say, what to do, what else would help to know.
//!
//! Invariant: it says how sure it is. "Nothing is wrong with us", "cannot tell" and "needs this to tell" are answers like any other.

use super::cause::Cause;
use super::gather::{self, Facts};
use super::ground::Ground;
use super::judge;
use super::question::Question;
use super::steps::{Step, Steps};
use super::suspect::{Confidence, Strength, Suspect, ranked};
use super::symptom::Symptom;
use mail::MailId;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::Error;

/// A diagnosis in all.
const WITHIN: Duration = Duration::from_secs(20);
/// Causes in an answer.
const CAUSES_MAX: usize = 8;
/// Less likely ones are not worth anybody's time.
const PROBABILITY_MIN: f64 = 0.02;
/// Mails named.
const MAILS_MAX: usize = 10;

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The first cause is certain or likely.
    Found,
    /// We did our part: the first cause says so.
    NotUs,
    /// Only possibilities.
    Unsure,
    /// Nothing that explains it.
    CannotTell,
}

impl Outcome {
    /// In JSON; words `outcome-…`.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Found => "found",
            Outcome::NotUs => "not-us",
            Outcome::Unsure => "unsure",
            Outcome::CannotTell => "cannot-tell",
        }
    }
}

/// What would make the answer better; words `need-…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    Sender,
    Recipient,
    Moment,
    /// The bounce that the sender got, or a line of their server's log.
    Bounce,
    /// The header of the mail as it arrived.
    Header,
}

impl Need {
    pub fn name(self) -> &'static str {
        match self {
            Need::Sender => "sender",
            Need::Recipient => "recipient",
            Need::Moment => "moment",
            Need::Bounce => "bounce",
            Need::Header => "header",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub outcome: Outcome,
    /// The likeliest first.
    pub causes: Vec<Suspect>,
    pub needs: Vec<Need>,
    /// Mails that were looked at because they fit.
    pub mails: Vec<MailId>,
    /// From when to when was looked, Unix milliseconds; all of it, or not.
    pub since_ms: i64,
    pub until_ms: i64,
    pub is_complete: bool,
    pub steps: Vec<Step>,
    pub ms: u32,
}

/// Looks, and answers. Never longer than [`WITHIN`]: then with what there is.
pub async fn diagnose(ground: &Ground, question: &Question, steps: &Steps) -> Result<Answer, Error> {
    let (question, facts) = gather::either_way(ground, question).await?;
    let question = &question;
    let found = match tokio::time::timeout(WITHIN, judge::suspects(ground, question, &facts, steps)).await {
        Ok(found) => found?,
        Err(_) => Vec::new(),
    };
    Ok(answer(question, &facts, found, steps))
}

fn answer(question: &Question, facts: &Facts, found: Vec<Suspect>, steps: &Steps) -> Answer {
    let mut causes = ranked(found);
    causes.retain(|one| one.probability >= PROBABILITY_MIN);
    causes.truncate(CAUSES_MAX);
    let outcome = match causes.first() {
        None => Outcome::CannotTell,
        Some(first) if first.confidence == Confidence::Possible => Outcome::Unsure,
        Some(first) if first.cause.is_innocent() => Outcome::NotUs,
        Some(_) => Outcome::Found,
    };
    Answer {
        outcome,
        needs: needs(question, &causes, outcome),
        mails: facts.stories.iter().filter(|story| story.fit >= 0.8).map(|story| story.mail()).take(MAILS_MAX).collect(),
        since_ms: facts.since_ms,
        until_ms: facts.until_ms,
        is_complete: facts.is_complete,
        steps: steps.taken(),
        ms: steps.ms(),
        causes,
    }
}

fn needs(question: &Question, causes: &[Suspect], outcome: Outcome) -> Vec<Need> {
    let is_of_mail = !matches!(question.symptom, Symptom::SignIn | Symptom::Connector | Symptom::Digest | Symptom::Forged);
    let mut needs = Vec::new();
    let is_settled = causes.first().is_some_and(|first| first.strongest() == Strength::Record);
    let knows_mail = question.mail.is_some() || question.message_id.is_some();
    if is_of_mail && !knows_mail && !is_settled {
        if question.sender.is_none() {
            needs.push(Need::Sender);
        }
        if question.recipient.is_none() {
            needs.push(Need::Recipient);
        }
        if question.about_ms.is_none() {
            needs.push(Need::Moment);
        }
    }
    if matches!(question.symptom, Symptom::SignIn | Symptom::Digest) && question.recipient.is_none() && question.sender.is_none() {
        needs.push(Need::Recipient);
    }
    let first = causes.first().map(|first| first.cause);
    let wants_bounce = matches!(first, Some(Cause::NeverArrived | Cause::NotHandedToUs | Cause::RefusedElsewhere));
    let is_bounced = question.symptom == Symptom::Bounce && first == Some(Cause::Delivered);
    if is_of_mail && (wants_bounce || is_bounced || outcome == Outcome::CannotTell) && question.pasted.is_none() {
        needs.push(Need::Bounce);
    }
    if matches!(first, Some(Cause::BypassedUs | Cause::JunkedAtMailbox | Cause::DelayedBeforeUs)) && question.pasted.is_none() {
        needs.push(Need::Header);
    }
    needs
}
