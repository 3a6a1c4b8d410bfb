//! How fast one destination is served: less when it asks for less, more again when it takes what it gets. Pure.
//!
//! In: what an attempt came to. Out: how many workers, and how long between two mails. A destination that answers "too much" (421, 4.3.2,
//! 4.4.5, 4.5.3, 4.7.0, 4.7.1 and such words) gets half the workers and twice the wait; [`CALM`] mails taken in a row give one worker back and
//! halve the wait. Greylisting and full mailboxes are about one mail and teach nothing.

use super::settle::{Attempt, Outcome};
use mail::smtp::Reply;
use std::time::Duration;

/// Mails taken in a row until it goes faster again.
const CALM: u32 = 10;
const WAIT_FIRST: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Characters kept of the reply that taught.
const REPLY_CHARS_MAX: usize = 200;

/// What was learned of one destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// Workers at most; `None`: as many as its connector allows.
    pub workers: Option<usize>,
    /// Between two mails of all its workers together.
    pub wait: Duration,
    /// The reply that taught it last; '' when nothing was learned.
    pub reply: String,
    calm: u32,
}

impl Shape {
    /// Learns from one attempt. `allowed` is what the connector allows, `used` how many worked.
    pub fn learn(&mut self, attempts: &[Attempt], allowed: usize, used: usize) {
        if let Some(reply) = attempts.iter().filter(|one| one.outcome == Outcome::Deferred && !one.hop.is_empty()).find_map(asks_for_less) {
            let now = self.workers.unwrap_or(allowed).min(used.max(1));
            self.workers = Some((now / 2).max(1));
            self.wait = (self.wait * 2).clamp(WAIT_FIRST, WAIT_MAX);
            self.reply = super::settle::reply_line(reply).chars().take(REPLY_CHARS_MAX).collect();
            self.calm = 0;
        } else if self.is_learned() && attempts.iter().any(|one| matches!(one.outcome, Outcome::Delivered { .. })) {
            self.calm += 1;
            if self.calm >= CALM {
                self.calm = 0;
                self.recover(allowed);
            }
        }
    }

    fn recover(&mut self, allowed: usize) {
        self.wait /= 2;
        if self.wait < WAIT_FIRST {
            self.wait = Duration::ZERO;
        }
        self.workers = self.workers.map(|workers| workers + 1).filter(|workers| *workers < allowed);
        if !self.is_learned() {
            self.reply.clear();
        }
    }

    pub fn is_learned(&self) -> bool {
        self.workers.is_some() || !self.wait.is_zero()
    }
}

/// The reply, when it asks for less mail or fewer connections.
fn asks_for_less(attempt: &Attempt) -> Option<&Reply> {
    const WORDS: [&str; 7] = ["too many", "rate limit", "throttl", "slow down", "too fast", "exceeded", "concurren"];
    const LESS: [(u16, u16); 4] = [(3, 2), (4, 5), (5, 3), (7, 28)];
    const GREY: [&str; 2] = ["greylist", "graylist"];
    let reply = &attempt.reply;
    let text = reply.text.join(" ").to_ascii_lowercase();
    let is_said = WORDS.iter().any(|word| text.contains(word));
    // RFC 3463: X.3.2 not accepting now, X.4.5 congested, X.5.3 too many recipients; X.7.28 unusual rate.
    let is_coded = reply.status.is_some_and(|(class, subject, detail)| class == 4 && LESS.contains(&(subject, detail)));
    // 421 in the middle of a conversation; our own word for a lost connection is 4.4.2.
    let is_closing = reply.code == 421 && !matches!(reply.status, Some((4, 4, _)));
    let is_grey = GREY.iter().any(|word| text.contains(word));
    ((is_said || is_coded || is_closing) && !is_grey && !matches!(reply.status, Some((4, 2, _)))).then_some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(outcome: Outcome, reply: Reply) -> Vec<Attempt> {
        vec![Attempt { n: 0, outcome, reply, hop: "mx [192.0.2.1]:25".into(), tls: String::new(), policy: String::new() }]
    }

    fn taken() -> Vec<Attempt> {
        attempt(Outcome::Delivered { is_final: false, dsn_passed_on: false }, Reply::new(250, (2, 0, 0), "ok"))
    }

    #[test]
    fn only_what_asks_for_less_teaches() {
        for (code, status, text, want) in [
            (421, (4, 7, 0), "try again later, closing", true),
            (450, (4, 7, 1), "Rate limit exceeded", true),
            (451, (4, 3, 2), "not now", true),
            (452, (4, 5, 3), "Too many recipients", true),
            (450, (4, 5, 3), "unusual", true),
            (451, (4, 7, 1), "Greylisted, try again", false),
            (421, (4, 7, 1), "greylisting in action", false),
            (452, (4, 2, 2), "mailbox full, quota exceeded", false),
            (421, (4, 4, 2), "the next hop did not answer in time", false),
            (451, (4, 3, 0), "local error", false),
        ] {
            let mut shape = Shape::default();
            shape.learn(&attempt(Outcome::Deferred, Reply::new(code, status, text)), 20, 8);
            assert_eq!(shape.is_learned(), want, "{code} {text}");
            assert_eq!(shape.workers, want.then_some(4), "{code} {text}: half of those that worked");
        }
    }

    #[test]
    fn it_goes_slower_down_to_one_and_back_up() {
        let (mut shape, busy) = (Shape::default(), attempt(Outcome::Deferred, Reply::new(421, (4, 7, 0), "too many connections")));
        for (workers, wait_ms) in [(10, 500), (5, 1_000), (2, 2_000), (1, 4_000), (1, 8_000), (1, 16_000), (1, 30_000), (1, 30_000)] {
            shape.learn(&busy, 20, 20);
            assert_eq!((shape.workers, shape.wait), (Some(workers), Duration::from_millis(wait_ms)));
        }
        assert!(shape.reply.contains("too many connections"));
        let mut mails = 0;
        while shape.is_learned() {
            shape.learn(&taken(), 20, 1);
            mails += 1;
            assert!(mails < 1_000, "{shape:?}");
        }
        assert_eq!((mails, shape.reply.as_str()), (190, ""), "nineteen workers, ten mails each");
    }
}
