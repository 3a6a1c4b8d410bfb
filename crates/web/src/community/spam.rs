//! Whether a post is shown at once: our own classifier of mail reads it, and how often somebody may write.
//!
//! In: who writes what. Out: shown, or held for a moderator with the reason, which the writer and the moderator see. Nothing is refused for
//! being junk: the classifier learned from mail, so a person has the last word.

use super::model::{PostState, Space, moderates};
use super::text;
use crate::App;
use crate::page::{Fault, View};
use crate::people::Person;
use crate::people::limit::Rate;
use detect::classify::{Evidence, probability};

/// Probability of junk from which a post is held.
pub const HELD_AT: f32 = 0.9;
/// Characters that the classifier wants before its word counts: of a line it knows too little.
const JUDGED_CHARS_MIN: usize = 60;
/// Links in one post from which it is held.
pub const LINKS_MAX: usize = 8;

/// What somebody does, with what one person and all in one space may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Ask,
    /// Answers, comments and edits.
    Write,
    Vote,
    Report,
    /// Look for what is similar, and search.
    Look,
}

impl Turn {
    fn rates(self) -> (&'static str, Rate, Rate) {
        match self {
            Turn::Ask => ("community-ask", Rate { burst: 5, each_s: 600 }, Rate { burst: 100, each_s: 30 }),
            Turn::Write => ("community-write", Rate { burst: 20, each_s: 60 }, Rate { burst: 400, each_s: 5 }),
            Turn::Vote => ("community-vote", Rate { burst: 60, each_s: 10 }, Rate { burst: 2_000, each_s: 1 }),
            Turn::Report => ("community-report", Rate { burst: 10, each_s: 300 }, Rate { burst: 100, each_s: 30 }),
            Turn::Look => ("community-look", Rate { burst: 60, each_s: 1 }, Rate { burst: 3_000, each_s: 1 }),
        }
    }

    /// The person first: one alone cannot use up what a space has.
    /// # Errors
    /// [`Fault::TooMany`] with the seconds until the next turn.
    pub fn take(self, app: &App, who: &str, space: i64) -> Result<(), Fault> {
        let (name, person, all) = self.rates();
        app.limits().take(&format!("{name} {who}"), person, app.now_ms())?;
        app.limits().take(&format!("{name} in {space}"), all, app.now_ms())
    }

    pub fn take_as(self, app: &App, person: &Person, space: i64) -> Result<(), Fault> {
        self.take(app, &person.id.to_string(), space)
    }
}

/// Whether what this person writes is shown, and why not.
pub fn judge(app: &App, person: &Person, space: &Space, (title, body): (&str, &str)) -> (PostState, String) {
    // Who decides about posts does not wait for a decision.
    if moderates(person, space.org) {
        return (PostState::Shown, String::new());
    }
    match suspicion(app, title, body) {
        Some(reason) => (PostState::Held, reason),
        None => (PostState::Shown, String::new()),
    }
}

/// "spam 97" or "links 12"; `None`: nothing speaks against it.
pub fn suspicion(app: &App, title: &str, body: &str) -> Option<String> {
    let links = body.matches("http://").count() + body.matches("https://").count();
    if links > LINKS_MAX {
        return Some(format!("links {links}"));
    }
    let plain = text::plain(body, body.len());
    if title.chars().count() + plain.chars().count() < JUDGED_CHARS_MIN {
        return None;
    }
    let likely = probability(app.feedback.model.score_evidence(&Evidence::of_text(title, &plain)).junk_log_odds());
    (likely >= HELD_AT).then(|| format!("spam {}", (likely * 100.0).floor() as i64))
}

/// A reason in words: what the check said, or what a moderator wrote.
pub fn reason(view: &View, reason: &str) -> String {
    let number = |rest: &str| rest.parse::<i64>().ok();
    match (reason.strip_prefix("spam ").and_then(number), reason.strip_prefix("links ").and_then(number)) {
        (Some(percent), _) => view.n("community-held-spam", percent),
        (_, Some(links)) => view.n("community-held-links", links),
        _ => reason.to_string(),
    }
}
