//! The beginning of a session: greeting, HELO and EHLO, STARTTLS, XCLIENT.

use super::state::{Flow, Session};
use super::wire::Gone;
use super::{Role, Stage};
use mail::envelope::Reverse;
use mail::smtp::Reply;
use mail::smtp::xclient::Client;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// The greeting, unless the host says no or the peer does not wait for it.
    pub async fn greet(&mut self, delay: Duration) -> Result<Flow, Gone> {
        self.ask_reverse();
        if let Err(reply) = self.port.host.connected(&self.peer).await {
            self.wire.put_reply(&reply);
            return Ok(Flow::Close);
        }
        let talks = if delay.is_zero() { self.wire.is_talking() } else { self.wire.talks_within(delay).await? };
        if talks {
            self.refuse(Stage::Connect, Reply::new(554, (5, 5, 1), "You talk before the greeting; this is not SMTP"));
            return Ok(Flow::Close);
        }
        self.put_greeting();
        Ok(Flow::Next)
    }

    fn put_greeting(&mut self) {
        let greeting = format!("220 {} ESMTP Gatepost\r\n", self.port.name);
        self.wire.put(greeting.as_bytes());
    }

    /// RFC 5321 §4.1.1.1: also resets the transaction.
    pub async fn hello(&mut self, name: String, is_extended: bool) -> Result<Flow, Gone> {
        self.mail = None;
        self.peer.helo = name;
        self.peer.esmtp = is_extended;
        let reply = if is_extended { self.offer() } else { format!("250 {}\r\n", self.port.name) };
        Ok(self.idle(reply.as_bytes()))
    }

    fn offer(&self) -> String {
        let limits = &self.port.limits;
        let mut offer = format!(
            "250-{}\r\n250-PIPELINING\r\n250-SIZE {}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n",
            self.port.name, limits.message_octets_max
        );
        match (self.peer.tls.is_some(), self.port.keys.is_some()) {
            (true, _) => offer.push_str("250-REQUIRETLS\r\n"), // RFC 8689 §2: only where TLS is in use
            (false, true) => offer.push_str("250-STARTTLS\r\n"),
            (false, false) => {}
        }
        if self.may_sign_in() {
            offer.push_str("250-AUTH PLAIN LOGIN\r\n");
        }
        if self.port.xclient.contains(self.connected_from) {
            offer.push_str("250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n");
        }
        if self.port.xforward.contains(self.connected_from) {
            offer.push_str("250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n");
        }
        let _ = write!(
            offer,
            "250-LIMITS RCPTMAX={} MAILMAX={}\r\n250 ENHANCEDSTATUSCODES\r\n", // RFC 9422
            limits.recipients_max, limits.mails_per_session_max
        );
        offer
    }

    /// Passwords are asked for under TLS only, and only where people send mail.
    pub fn may_sign_in(&self) -> bool {
        self.port.role == Role::Submission && self.peer.tls.is_some() && self.peer.authenticated.is_none()
    }

    pub async fn start_tls(&mut self) -> Result<Flow, Gone> {
        if self.peer.tls.is_some() {
            return Ok(self.refuse(Stage::StartTls, Reply::new(503, (5, 5, 1), "TLS is in use already")));
        }
        if self.port.keys.is_none() {
            return Ok(self.refuse(Stage::StartTls, Reply::new(502, (5, 5, 1), "STARTTLS is not offered")));
        }
        if self.mail.is_some() {
            return Ok(self.refuse(Stage::StartTls, Reply::new(503, (5, 5, 1), "Not within a mail")));
        }
        self.wire.put(b"220 2.0.0 Ready for TLS\r\n");
        self.wire.send().await?;
        self.secure().await
    }

    /// The handshake. Afterwards everything the peer said before is forgotten (RFC 3207 §4.2).
    pub async fn secure(&mut self) -> Result<Flow, Gone> {
        let Some(keys) = self.port.keys.clone() else { return Ok(Flow::Close) };
        let wait = self.port.limits.handshake_wait.duration();
        if let Err(gone) = self.wire.start_tls(keys.acceptor(), wait).await {
            // Nothing can be said on a connection whose handshake failed; the trace shall know.
            let mut reply = Reply::new(554, (5, 7, 0), "TLS handshake failed");
            self.port.host.refused(&self.peer, None, Stage::StartTls, &mut reply);
            return Err(match gone {
                Gone::Slow => Gone::Closed,
                gone => gone,
            });
        }
        self.peer.tls = self.wire.tls().map(|connection| keys.facts(connection));
        (self.peer.helo, self.peer.esmtp, self.peer.authenticated) = (String::new(), false, None);
        self.mail = None;
        Ok(Flow::Next)
    }

    /// A named front end tells for whom it connects. The session begins anew.
    pub async fn xclient(&mut self, attributes: Vec<(String, String)>) -> Result<Flow, Gone> {
        if !self.port.xclient.contains(self.connected_from) {
            return Ok(self.refuse(Stage::Protocol, Reply::new(550, (5, 7, 0), "XCLIENT is not for you")));
        }
        if self.mail.is_some() {
            return Ok(self.refuse(Stage::Protocol, Reply::new(503, (5, 5, 1), "Not within a mail")));
        }
        let Some(client) = Client::read(&attributes) else {
            return Ok(self.refuse(Stage::Protocol, Reply::new(501, (5, 5, 4), "XCLIENT has no such attribute or value")));
        };
        self.become_front_for(client);
        if let Err(reply) = self.port.host.connected(&self.peer).await {
            self.wire.put_reply(&reply);
            return Ok(Flow::Close);
        }
        self.put_greeting();
        Ok(Flow::Next)
    }

    fn become_front_for(&mut self, client: Client) {
        let peer = &mut self.peer;
        peer.ip = client.ip.map_or(peer.ip, |ip| ip.to_canonical());
        peer.port = client.port.unwrap_or(peer.port);
        peer.local.set_ip(client.local_ip.unwrap_or(peer.local.ip()));
        peer.local.set_port(client.local_port.unwrap_or(peer.local.port()));
        peer.helo = client.helo.flatten().unwrap_or_default();
        peer.esmtp = client.esmtp.unwrap_or_default();
        peer.authenticated = client.login.flatten();
        match client.name {
            Some(name) => {
                self.forget_reverse();
                self.peer.reverse = name.map_or(Reverse::Missing, Reverse::Confirmed);
            }
            None => self.ask_reverse(),
        }
    }
}
