//! How a next hop behaves beyond taking mail: whether it relays for us, takes mail for nobody, how long it lets us wait, what size it
//! takes, and where it sees the end of a message.
//!
//! Invariant: nothing is delivered by a server that keeps to the standard. Asking about relaying ends before DATA; the message that looks
//! for smuggling is never ended, so a server that waits for CRLF.CRLF throws it away with the connection (RFC 5321 §4.1.1.4). One that
//! takes another end gets a harmless line for the address that was named.

use super::talk::{Over, Talk};
use super::{StepResult, What, Who};
use crate::delivery::link::{Link, LinkError};
use crate::directory::{ConnectorKind, Protocol};
use std::time::Duration;

/// A server that takes longer for a line holds us up on purpose, or is overloaded.
const SLOW_MS: u32 = 3_000;
/// Somebody that no organisation here delivers to: the domain is kept for examples (RFC 2606 §3).
const STRANGER: &str = "gatepost-relay-check@example.org";
/// What is not the end of a message, and is taken for one by servers that can be smuggled past (RFC 5321 §2.3.8, §4.1.1.4).
const ENDS: [(&str, &str); 6] = [
    ("LF.LF", "\n.\n"),
    ("LF.CRLF", "\n.\r\n"),
    ("CRLF.LF", "\r\n.\n"),
    ("CR.CR", "\r.\r"),
    ("CR.CRLF", "\r.\r\n"),
    ("CRLF.CR", "\r\n.\r"),
];
/// A reply to a false end comes as quickly as to a real one, mostly.
const END_WITHIN: Duration = Duration::from_millis(600);
/// The last wait, for a server that looks at the message first.
const LAST_WITHIN: Duration = Duration::from_millis(2_000);
const LINE_WITHIN: Duration = Duration::from_secs(6);

impl Talk<'_> {
    /// Looks at it over a connection of its own. `octets_max` is the largest message that we take.
    pub(super) async fn behave(&mut self, octets_max: u64) {
        let Ok(mut link) = self.dial().await else { return };
        if self.prepare(&mut link).await.is_err() {
            return;
        }
        // What was found on the way here is known already.
        let waited = self.slowest();
        self.host.steps.clear();
        self.pace(waited);
        self.size(octets_max);
        let is_smtp = self.wish.connector.protocol == Protocol::Smtp;
        if is_smtp && self.relay(&mut link).await.is_err() {
            return;
        }
        let Some(recipient) = self.wish.recipient.clone() else { return };
        if self.anybody(&mut link, recipient.domain()).await.is_ok() && is_smtp {
            let _ = self.smuggle(&mut link, &recipient.to_string()).await; // what it came to is in the steps
        }
    }

    /// The step that took longest so far.
    fn slowest(&self) -> (u32, &'static str) {
        self.host.steps.iter().map(|step| (step.ms, step.what.name())).max().unwrap_or((0, ""))
    }

    fn pace(&mut self, (ms, what): (u32, &str)) {
        let shown = format!("{what} {ms} ms");
        match ms >= SLOW_MS {
            true => self.step(What::Pace, StepResult::Advice, "slow", &shown),
            false => self.step(What::Pace, StepResult::Ok, "ok", &shown),
        }
    }

    /// What we take and it does not comes back to the sender only after we took it.
    fn size(&mut self, octets_max: u64) {
        let theirs = self.host.size_max;
        match theirs {
            0 => self.step(What::Size, StepResult::Ok, "unnamed", ""),
            _ if theirs < octets_max => self.step(What::Size, StepResult::Advice, "less", &format!("{theirs} < {octets_max}")),
            _ => self.step(What::Size, StepResult::Ok, "ok", &theirs.to_string()),
        }
    }

    /// Whether it takes mail from us for anybody at all: what an outgoing connector is for, and a danger behind another.
    async fn relay(&mut self, link: &mut Link) -> Result<(), Over> {
        let sender = format!("MAIL FROM:<gatepost-relay-check@{}>", self.courier.hostname);
        if !self.ask(link, What::Relay, &sender).await?.is_positive() {
            self.step(What::Relay, StepResult::CannotTell, "sender", "");
            return self.ask(link, What::Relay, "RSET").await.map(drop);
        }
        let reply = self.ask(link, What::Relay, &format!("RCPT TO:<{STRANGER}>")).await?;
        let is_meant = self.wish.connector.kind == ConnectorKind::Outbound;
        let (result, why) = match (reply.is_positive(), reply.is_temporary(), is_meant) {
            (_, true, _) => (StepResult::CannotTell, "later"),
            (true, _, true) => (StepResult::Ok, "wanted"),
            (true, _, false) => (StepResult::Advice, "open"),
            (false, _, true) => (StepResult::Advice, "refused"),
            (false, _, false) => (StepResult::Ok, "ok"),
        };
        self.step(What::Relay, result, why, &reply.to_string());
        self.ask(link, What::Relay, "RSET").await.map(drop)
    }

    /// Whether it takes mail for an address that nobody can have: then it cannot be asked who is there, and answers to forged senders later.
    async fn anybody(&mut self, link: &mut Link, domain: &str) -> Result<(), Over> {
        let to = format!("RCPT TO:<gatepost-nobody-{}@{domain}>", self.wish.now_ms);
        let is_open = self.ask(link, What::Anybody, "MAIL FROM:<>").await?.is_positive();
        let reply = self.ask(link, What::Anybody, &to).await?;
        let (result, why) = match (is_open, reply.is_positive(), reply.is_temporary()) {
            (false, ..) | (_, _, true) => (StepResult::CannotTell, "later"),
            (true, true, _) => (StepResult::Advice, "open"),
            (true, false, _) => (StepResult::Ok, "ok"),
        };
        self.step(What::Anybody, result, why, &reply.to_string());
        self.ask(link, What::Anybody, "RSET").await.map(drop)
    }

    /// Sends what may look like an end of data and is none, and listens whether it is taken for one.
    async fn smuggle(&mut self, link: &mut Link, recipient: &str) -> Result<(), Over> {
        for command in ["MAIL FROM:<>".to_string(), format!("RCPT TO:<{recipient}>"), "DATA".to_string()] {
            let reply = self.ask(link, What::Smuggling, &command).await?;
            if reply.code >= 400 {
                self.step(What::Smuggling, StepResult::CannotTell, "refused", &reply.to_string());
                return Ok(());
            }
        }
        let head = self.message(recipient);
        if link.send(head.as_bytes(), LINE_WITHIN).await.is_err() {
            self.step(What::Smuggling, StepResult::CannotTell, "closed", "");
            return Ok(());
        }
        for (at, (name, end)) in ENDS.iter().enumerate() {
            self.line(Who::Note, &format!("{name} inside the message"));
            let wait = if at + 1 == ENDS.len() { LAST_WITHIN } else { END_WITHIN };
            // The line before keeps the ends apart, and none of them begins what the one before it left.
            let sent = link.send(format!("line{end}").as_bytes(), LINE_WITHIN).await;
            let heard = match sent {
                Ok(()) => link.reply(wait).await,
                Err(why) => Err(why),
            };
            match heard {
                Err(LinkError::TimedOut) => {} // it still reads the message, as it should
                Err(_) => {
                    self.step(What::Smuggling, StepResult::Ok, "closed", name);
                    return Ok(());
                }
                Ok(reply) => {
                    self.heard(&reply);
                    let (result, why) = if reply.is_positive() { (StepResult::Problem, "open") } else { (StepResult::Ok, "refuses") };
                    self.step(What::Smuggling, result, why, &format!("{name}: {reply}"));
                    return Ok(());
                }
            }
        }
        self.line(Who::Note, "closing the connection inside the message: it is thrown away");
        self.step(What::Smuggling, StepResult::Ok, "ok", "");
        Ok(())
    }
}
