//! XFORWARD: the server on the other end hands us a mail of a client of its own, and tells who that is.
//!
//! Invariant: only a server that `[listen] xforward` names is believed, for one mail at a time; what it may do stays its own right.

use super::Stage;
use super::state::{Flow, Session};
use crate::connection::reverse;
use mail::Peer;
use mail::envelope::Reverse;
use mail::smtp::Reply;
use mail::smtp::xforward::Forwarded;
use std::net::Ipv4Addr;
use tokio::io::{AsyncRead, AsyncWrite};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    /// Keeps what is told of the client of the next mail.
    pub fn xforward(&mut self, attributes: &[(String, String)]) -> Flow {
        if !self.port.xforward.contains(self.connected_from) {
            return self.refuse(Stage::Protocol, Reply::new(550, (5, 7, 0), "XFORWARD is not for you"));
        }
        if self.mail.is_some() {
            return self.refuse(Stage::Protocol, Reply::new(503, (5, 5, 1), "Not within a mail"));
        }
        let mut forwarded = self.forwarded.take().unwrap_or_default();
        let added = forwarded.add(attributes);
        self.forwarded = Some(forwarded);
        match added {
            Some(()) => self.idle(b"250 2.0.0 Ok\r\n"),
            None => self.refuse(Stage::Protocol, Reply::new(501, (5, 5, 4), "XFORWARD has no such attribute or value")),
        }
    }

    /// A mail begins: it is its client's, if one was told.
    pub async fn begin_forwarding(&mut self) {
        let Some(forwarded) = self.forwarded.take() else { return };
        let name = forwarded.name.clone();
        let mut client = client(&self.peer, forwarded);
        client.reverse = match name {
            Some(Some(name)) => Reverse::Confirmed(name),
            Some(None) => Reverse::Missing,
            None => reverse::ask(&*self.port.dns, client.ip).await,
        };
        self.forwarder = Some(std::mem::replace(&mut self.peer, client));
    }

    /// Between mails the other end is the server itself again (XFORWARD_README: what was told holds for one mail).
    pub fn end_forwarding(&mut self) {
        if self.mail.is_none()
            && let Some(server) = self.forwarder.take()
        {
            self.peer = server;
        }
    }
}

/// The client of a mail that `server` hands over. A mail without an address was made on the server.
fn client(server: &Peer, forwarded: Forwarded) -> Peer {
    let ip = match forwarded.ip {
        Some(Some(ip)) => ip,
        Some(None) => Ipv4Addr::LOCALHOST.into(),
        None => server.ip,
    };
    Peer {
        ip,
        port: forwarded.port.unwrap_or_default(),
        helo: forwarded.helo.flatten().unwrap_or_else(|| server.helo.clone()),
        tls: None, // the server's own connection to us says nothing of the client's
        via: Some(server.ip),
        ..server.clone()
    }
}
