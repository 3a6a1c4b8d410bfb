//! MAIL and RCPT: who sends, who shall receive.

use super::Stage;
use super::content::Incoming;
use super::state::{Flow, Session};
use super::wire::Gone;
use mail::envelope::{Envelope, EnvelopeRecipient};
use mail::smtp::{MailFrom, RcptTo, Reply};
use tokio::io::{AsyncRead, AsyncWrite};

/// One mail between MAIL and its end.
pub(super) struct Transaction {
    pub envelope: Envelope,
    /// What SIZE said.
    pub size: Option<u64>,
    /// Octets that came by BDAT so far.
    pub chunks: Option<Incoming>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    pub async fn open_mail(&mut self, mail: MailFrom) -> Result<Flow, Gone> {
        if let Some(reply) = self.objection(&mail) {
            return Ok(self.refuse(Stage::Sender, reply));
        }
        self.await_reverse().await;
        self.begin_forwarding().await;
        if let Err(reply) = self.port.host.sender(&self.peer, &mail).await {
            return Ok(match self.pass_on(&reply) {
                Flow::Next => self.count_idle(),
                Flow::Close => Flow::Close,
            });
        }
        let envelope = Envelope {
            sender: mail.sender,
            recipients: Vec::new(),
            smtputf8: mail.smtputf8,
            body: mail.body,
            require_tls: mail.require_tls,
            ret: mail.ret,
            envid: mail.envid,
        };
        self.mail = Some(Transaction { envelope, size: mail.size, chunks: None });
        self.wire.put(b"250 2.1.0 Sender ok\r\n");
        Ok(Flow::Next)
    }

    /// What the protocol has against this MAIL.
    fn objection(&self, mail: &MailFrom) -> Option<Reply> {
        let limits = &self.port.limits;
        if self.peer.helo.is_empty() {
            return Some(Reply::new(503, (5, 5, 1), "Say EHLO first"));
        }
        if self.mail.is_some() {
            return Some(Reply::new(503, (5, 5, 1), "One mail at a time; RSET ends the last")); // RFC 5321 §4.1.4
        }
        if self.is_submission() && self.peer.authenticated.is_none() {
            let what = if self.peer.tls.is_some() { "Sign in first" } else { "Say STARTTLS first, then sign in" };
            return Some(Reply::new(530, (5, 7, 0), what)); // RFC 4954 §6
        }
        if self.tally.mails >= limits.mails_per_session_max {
            return Some(Reply::new(421, (4, 7, 0), "Enough mails for one session; please connect again"));
        }
        if mail.size.is_some_and(|size| size > limits.message_octets_max) {
            return Some(too_large(limits.message_octets_max)); // RFC 1870 §6.1
        }
        if mail.require_tls && self.peer.tls.is_none() {
            return Some(Reply::new(530, (5, 7, 10), "REQUIRETLS needs TLS on this connection")); // RFC 8689 §2
        }
        None
    }

    pub async fn add_recipient(&mut self, recipient: RcptTo) -> Result<Flow, Gone> {
        let limits = &self.port.limits;
        let mail = match &mut self.mail {
            Some(mail) if mail.chunks.is_none() => mail,
            Some(_) => return Ok(self.refuse(Stage::Recipient, Reply::new(503, (5, 5, 1), "The message has begun"))),
            None => return Ok(self.refuse(Stage::Recipient, Reply::new(503, (5, 5, 1), "Say MAIL first"))),
        };
        if mail.envelope.recipients.len() >= limits.recipients_max {
            // RFC 5321 §4.5.3.1.10: the client sends the rest in another mail.
            let reply = Reply::new(452, (4, 5, 3), "Too many recipients; send to the rest in another mail");
            return Ok(self.refuse_recipient(reply, true));
        }
        let RcptTo { address, notify, orcpt } = recipient;
        if address.needs_smtputf8() && !mail.envelope.smtputf8 {
            let reply = Reply::new(553, (5, 6, 7), "This address needs SMTPUTF8 in MAIL"); // RFC 6531 §3.5
            return Ok(self.refuse(Stage::Recipient, reply));
        }
        let next = EnvelopeRecipient { address, notify, orcpt };
        let is_known = mail.envelope.recipients.iter().any(|known| known.address == next.address);
        if !is_known {
            if let Err(reply) = self.port.host.recipient(&self.peer, &mail.envelope, &next).await {
                return Ok(self.refuse_recipient(reply, false));
            }
            mail.envelope.recipients.push(next);
        }
        self.wire.put(b"250 2.1.5 Recipient ok\r\n");
        Ok(Flow::Next)
    }

    /// Guessing addresses ends at a limit of its own: an honest list has a few dead ones.
    fn refuse_recipient(&mut self, mut reply: Reply, is_ours: bool) -> Flow {
        if is_ours {
            let envelope = self.mail.as_ref().map(|mail| &mail.envelope);
            self.port.host.refused(&self.peer, envelope, Stage::Recipient, &mut reply);
        }
        let flow = self.pass_on(&reply);
        self.tally.recipients_refused += 1;
        if flow == Flow::Next && self.tally.recipients_refused >= self.port.limits.recipients_refused_max {
            self.farewell(Reply::new(421, (4, 7, 0), "Too many refused recipients, closing the connection"));
            return Flow::Close;
        }
        flow
    }
}

/// RFC 1870 §6.2.
pub(super) fn too_large(max: u64) -> Reply {
    Reply::new(552, (5, 3, 4), format!("Messages may have {max} octets here"))
}
