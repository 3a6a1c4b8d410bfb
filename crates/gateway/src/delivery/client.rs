//! SMTP and LMTP as a client: one mail over an open connection (RFC 5321, 2033, 2920, 6152, 1870, 3461, 6531, 8689).
//!
//! Commands of one transaction go in one write where the next hop knows PIPELINING. Every recipient gets its own result.

use super::Timeouts;
use super::link::{Link, LinkError};
use super::message::Outgoing;
use super::route::Hop;
use super::security::Guard;
use super::security::outcome::Failure;
use crate::directory::Protocol;
use crate::queue::{Attempt, DsnWish, Due, EnvelopeExtras, Outcome, Owed};
use mail::smtp::{Capabilities, Reply, encode_xtext};
use std::fmt::Write;

/// One mail for some recipients, ready to go.
pub struct Transaction<'a> {
    pub mail: &'a Owed,
    /// The envelope sender as it leaves.
    pub sender: &'a str,
    pub message: &'a Outgoing,
    pub recipients: &'a [&'a Due],
    pub times: &'a Timeouts,
}

/// The connection was used before and had been closed meanwhile: nothing was sent, a new one may do.
#[derive(Debug)]
pub struct Stale;

/// An open connection, greeted, secured and logged in as its connector wants.
pub struct Client {
    link: Link,
    pub hop: Hop,
    known: Capabilities,
    protocol: Protocol,
    pub is_verified: bool,
    /// What the recipient's domain asked of it.
    pub guard: Guard,
    /// What was wrong with TLS although mail may be sent.
    pub failure: Option<Failure>,
    tls: String,
    /// Mails sent over it.
    pub mails: usize,
    /// A transaction was begun and not finished.
    needs_reset: bool,
    is_open: bool,
}

/// How a reply or the lack of one is noted for each recipient.
type Replies = Vec<Option<Reply>>;

impl Client {
    pub fn new(link: Link, hop: Hop, known: Capabilities, protocol: Protocol, is_verified: bool) -> Client {
        let tls = link.tls().unwrap_or_default();
        Client {
            link,
            hop,
            known,
            protocol,
            is_verified,
            guard: Guard::Open,
            failure: None,
            tls,
            mails: 0,
            needs_reset: false,
            is_open: true,
        }
    }

    /// The next hop wants a new connection for the next mail (RFC 9422 MAILMAX).
    pub fn is_spent(&self) -> bool {
        self.known.mails_max.is_some_and(|most| self.mails as u64 >= most)
    }

    /// The connection is as well protected as this mail asks for.
    pub fn is_enough_for(&self, extras: &EnvelopeExtras) -> bool {
        let is_waived = matches!(self.guard, Guard::Waived);
        (!is_waived || extras.waives_tls()) && (self.is_verified || !extras.require_tls) && (!self.tls.is_empty() || !extras.tls_by_rule)
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub async fn quit(mut self, times: &Timeouts) {
        if self.is_open && self.link.send(b"QUIT\r\n", times.quit).await.is_ok() {
            let _ = self.link.reply(times.quit).await; // politeness only
        }
    }

    /// The reply to RCPT for this recipient in a transaction that is then reset; `Err` is what stood in the way of asking.
    pub async fn would_take(&mut self, recipient: &mail::Address, times: &Timeouts) -> Result<Reply, Reply> {
        let lost = |why: LinkError| Reply::new(421, (4, 4, 2), why.to_string());
        self.link.send(b"MAIL FROM:<>\r\n", times.command).await.map_err(lost)?;
        let sender = self.link.reply(times.command).await.map_err(lost)?;
        if !sender.is_positive() {
            return Err(sender);
        }
        let rcpt = format!("RCPT TO:<{recipient}>\r\n");
        self.link.send(rcpt.as_bytes(), times.command).await.map_err(lost)?;
        self.link.reply(times.command).await.map_err(lost)
    }

    /// Sends one mail. One result for each recipient.
    pub async fn send(&mut self, transaction: &Transaction<'_>) -> Result<Vec<Attempt>, Stale> {
        if let Some(reply) = self.cannot_take(transaction) {
            return Ok(transaction.recipients.iter().map(|due| self.attempt(due, reply.clone())).collect());
        }
        let mut replies: Replies = vec![None; transaction.recipients.len()];
        let mut has_heard = false;
        let failed = self.exchange(transaction, &mut replies, &mut has_heard).await.err();
        if let Some(why) = failed {
            self.is_open = false;
            if self.mails > 0 && !has_heard && !matches!(why, LinkError::TimedOut) {
                return Err(Stale);
            }
            for reply in replies.iter_mut().filter(|reply| reply.is_none()) {
                *reply = Some(Reply::new(421, (4, 4, 2), why.to_string()));
            }
        }
        self.mails += 1;
        // RFC 5321 §3.8: after 421 the server closes.
        self.is_open &= !replies.iter().flatten().any(|reply| reply.code == 421);
        let answered = transaction.recipients.iter().zip(replies);
        Ok(answered.map(|(due, reply)| self.attempt(due, reply.unwrap_or_else(unanswered))).collect())
    }

    /// What the next hop would have to know for this mail and does not.
    fn cannot_take(&self, transaction: &Transaction<'_>) -> Option<Reply> {
        let (mail, message) = (transaction.mail, transaction.message);
        if mail.extras.require_tls && !(self.is_verified && self.known.require_tls) {
            // RFC 8689 §4.2.1
            return Some(lacks_require_tls());
        }
        if needs_utf8(transaction) && !self.known.smtputf8 {
            // RFC 6531 §3.5
            return Some(Reply::new(553, (5, 6, 7), "the next hop does not take addresses or headers in UTF-8 (SMTPUTF8)"));
        }
        if message.is_eight_bit && !self.known.eight_bit {
            // RFC 6152 §3: neither sent as it is nor rewritten, which would break its signatures.
            return Some(Reply::new(554, (5, 6, 3), "the message has 8-bit text, which the next hop does not take (8BITMIME)"));
        }
        match self.known.size {
            Some(most) if most > 0 && message.octets > most => {
                Some(Reply::new(552, (5, 3, 4), format!("the message has {} octets, the next hop takes {most}", message.octets)))
            }
            _ => None,
        }
    }

    async fn exchange(&mut self, transaction: &Transaction<'_>, replies: &mut Replies, has_heard: &mut bool) -> Result<(), LinkError> {
        let times = transaction.times;
        if std::mem::take(&mut self.needs_reset) {
            self.link.send(b"RSET\r\n", times.command).await?;
            self.link.reply(times.command).await?;
            *has_heard = true;
        }
        let data = if self.known.pipelining {
            self.commands_together(transaction, replies, has_heard).await?
        } else {
            self.commands_in_turn(transaction, replies, has_heard).await?
        };
        let Some(data) = data else {
            self.needs_reset = true;
            return Ok(());
        };
        let is_wanted = replies.iter().any(Option::is_none);
        match (data.code, is_wanted) {
            (354, true) => self.content(transaction, replies).await,
            (354, false) => {
                // RFC 2920 §3.1: everybody was refused and DATA still taken; nothing may be sent but the end.
                self.link.send(b".\r\n", times.data_block).await?;
                self.link.reply(times.data_end).await.map(|_| ())
            }
            _ => {
                self.needs_reset = true;
                fill(replies, &data);
                Ok(())
            }
        }
    }

    /// MAIL, RCPT… and DATA in one write (RFC 2920); the reply to DATA.
    async fn commands_together(
        &mut self,
        transaction: &Transaction<'_>,
        replies: &mut Replies,
        has_heard: &mut bool,
    ) -> Result<Option<Reply>, LinkError> {
        let times = transaction.times;
        let mut commands = self.mail_command(transaction);
        for due in transaction.recipients {
            self.rcpt_command(due, &mut commands);
        }
        commands.push_str("DATA\r\n");
        self.link.send(commands.as_bytes(), times.command).await?;
        let sender = self.link.reply(times.command).await?;
        *has_heard = true;
        for reply in replies.iter_mut() {
            let answer = self.link.reply(times.command).await?;
            *reply = refusal(if sender.is_positive() { answer } else { sender.clone() });
        }
        let data = self.link.reply(times.data_begin).await?;
        if data.code != 354 {
            self.needs_reset = true;
        }
        Ok(Some(data))
    }

    /// One command after the other; the reply to DATA, or `None` if nobody was left for it.
    async fn commands_in_turn(
        &mut self,
        transaction: &Transaction<'_>,
        replies: &mut Replies,
        has_heard: &mut bool,
    ) -> Result<Option<Reply>, LinkError> {
        let times = transaction.times;
        self.link.send(self.mail_command(transaction).as_bytes(), times.command).await?;
        let sender = self.link.reply(times.command).await?;
        *has_heard = true;
        if !sender.is_positive() {
            fill(replies, &sender);
            return Ok(None);
        }
        for (due, reply) in transaction.recipients.iter().zip(replies.iter_mut()) {
            let mut command = String::new();
            self.rcpt_command(due, &mut command);
            self.link.send(command.as_bytes(), times.command).await?;
            *reply = refusal(self.link.reply(times.command).await?);
        }
        if replies.iter().all(Option::is_some) {
            return Ok(None);
        }
        self.link.send(b"DATA\r\n", times.command).await?;
        self.link.reply(times.data_begin).await.map(Some)
    }

    /// The message and what is said to it: one reply, with LMTP one for each recipient taken (RFC 2033 §4.2).
    async fn content(&mut self, transaction: &Transaction<'_>, replies: &mut Replies) -> Result<(), LinkError> {
        let times = transaction.times;
        self.link.send_pieces(&transaction.message.pieces, times.data_block).await?;
        if self.protocol == Protocol::Lmtp {
            for reply in replies.iter_mut().filter(|reply| reply.is_none()) {
                *reply = Some(self.link.reply(times.data_end).await?);
            }
        } else {
            let end = self.link.reply(times.data_end).await?;
            fill(replies, &end);
        }
        Ok(())
    }

    fn mail_command(&self, transaction: &Transaction<'_>) -> String {
        let (mail, known) = (transaction.mail, &self.known);
        let mut command = format!("MAIL FROM:<{}>", transaction.sender);
        // Writing to a String does not fail.
        if known.size.is_some() {
            let _ = write!(command, " SIZE={}", transaction.message.octets);
        }
        if known.eight_bit && transaction.message.is_eight_bit {
            command.push_str(" BODY=8BITMIME");
        }
        if known.smtputf8 && needs_utf8(transaction) {
            command.push_str(" SMTPUTF8");
        }
        if known.require_tls && mail.extras.require_tls {
            command.push_str(" REQUIRETLS");
        }
        if known.dsn {
            match mail.extras.ret.as_str() {
                "full" => command.push_str(" RET=FULL"),
                "hdrs" => command.push_str(" RET=HDRS"),
                _ => {}
            }
            if !mail.extras.envid.is_empty() {
                let _ = write!(command, " ENVID={}", encode_xtext(&mail.extras.envid));
            }
        }
        command.push_str("\r\n");
        command
    }

    fn rcpt_command(&self, due: &Due, command: &mut String) {
        let _ = write!(command, "RCPT TO:<{}>", due.address);
        if self.known.dsn && due.dsn.given {
            let _ = write!(command, " NOTIFY={}", notify(&due.dsn));
        }
        if self.known.dsn && !due.dsn.orcpt.is_empty() && due.dsn.orcpt.is_ascii() {
            let (kind, address) = due.dsn.orcpt.split_once(';').unwrap_or(("rfc822", &due.dsn.orcpt));
            let _ = write!(command, " ORCPT={};{}", encode_xtext(kind), encode_xtext(address));
        }
        command.push_str("\r\n");
    }

    fn attempt(&self, due: &Due, reply: Reply) -> Attempt {
        let outcome = match reply.code {
            200..=299 => Outcome::Delivered { is_final: self.protocol == Protocol::Lmtp, dsn_passed_on: self.known.dsn },
            500.. => Outcome::Refused,
            // 4yz, and codes that have no place here: the next attempt may find the server in order.
            _ => Outcome::Deferred,
        };
        let policy = if self.is_verified && matches!(self.guard, Guard::Open) { "certificate checked" } else { self.guard.name() };
        Attempt { n: due.n, outcome, reply, hop: self.hop.to_string(), tls: self.tls.clone(), policy: policy.to_string() }
    }
}

/// RFC 8689 §4.2.1 and §5.
pub const LACKS_REQUIRE_TLS: (u8, u16, u16) = (5, 7, 30);

pub fn lacks_require_tls() -> Reply {
    Reply::new(554, LACKS_REQUIRE_TLS, "the sender requires TLS, and the next hop does not promise it (REQUIRETLS)")
}

/// `None` for a recipient that was taken.
fn refusal(reply: Reply) -> Option<Reply> {
    (!(200..300).contains(&reply.code)).then_some(reply)
}

fn fill(replies: &mut Replies, with: &Reply) {
    for reply in replies.iter_mut().filter(|reply| reply.is_none()) {
        *reply = Some(with.clone());
    }
}

fn unanswered() -> Reply {
    Reply::new(421, (4, 4, 2), "the next hop gave no answer for this recipient")
}

/// RFC 6531 §3.4: an address, or a header of a mail that came with SMTPUTF8, is in UTF-8.
fn needs_utf8(transaction: &Transaction<'_>) -> bool {
    let mail = transaction.mail;
    let in_header = mail.extras.smtputf8 && transaction.message.has_eight_bit_header;
    in_header || !transaction.sender.is_ascii() || transaction.recipients.iter().any(|due| !due.address.is_ascii())
}

fn notify(wish: &DsnWish) -> String {
    let words = [(wish.success, "SUCCESS"), (wish.failure, "FAILURE"), (wish.delay, "DELAY")];
    let wanted: Vec<&str> = words.iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, word)| *word).collect();
    if wanted.is_empty() { "NEVER".into() } else { wanted.join(",") }
}
