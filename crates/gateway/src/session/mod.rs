//! One SMTP session, from greeting to QUIT. Knows the protocol; what is accepted is decided by a [`Host`].
//!
//! In: a connection and who is on its other end. Out: calls to the host, replies to the peer. Invariants: only
//! `CRLF . CRLF` or the counted octets of BDAT end a message; what a peer sends ahead without leave is never obeyed; no
//! wait and no buffer is without a limit. Not here: accepting connections (`connection`), judging mail (`intake`).

mod content;
mod forward;
mod hello;
mod sign_in;
mod state;
mod transaction;
mod wire;

use crate::connection::limits::{Guesses, Memory};
use crate::connection::settings::LimitSettings;
use crate::connection::stop::Stop;
use crate::connection::tls::Keys;
use crate::intake::Room;
use crate::settings::Networks;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mail::dns::Dns;
use mail::envelope::{Envelope, EnvelopeRecipient, Peer};
use mail::smtp::{MailFrom, Reply};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Who decides what a session may do. Real: `intake::Gate`. In session tests: a script.
pub trait Host: Send + Sync + 'static {
    /// A connection was made. `Err` is sent instead of the greeting and the connection closes.
    fn connected<'a>(&'a self, peer: &'a Peer) -> BoxFuture<'a, Result<(), Reply>>;
    /// RFC 4954: is this the password of this login? `Ok(false)` is 535; `Err` is what the peer reads.
    fn sign_in<'a>(&'a self, peer: &'a Peer, login: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool, Reply>>;
    fn sender<'a>(&'a self, peer: &'a Peer, mail: &'a MailFrom) -> BoxFuture<'a, Result<(), Reply>>;
    /// `so_far` holds the recipients accepted in this transaction.
    fn recipient<'a>(&'a self, peer: &'a Peer, so_far: &'a Envelope, next: &'a EnvelopeRecipient) -> BoxFuture<'a, Result<(), Reply>>;
    /// So many octets of a message are here and more come; asked again until there is something. Must not block.
    fn room_ahead(&self, octets: usize) -> Option<Room>;
    /// The whole message arrived, for which there may be room ahead. The reply is sent as it is; 250 means it is durable.
    fn receive<'a>(&'a self, peer: &'a Peer, envelope: Envelope, raw: Bytes, ahead: Option<Room>) -> BoxFuture<'a, Reply>;
    /// The session refuses something by itself (syntax, smuggling, limits); for the trace. May put into the reply what names the
    /// refusal to those who ask about it. Must not block.
    fn refused(&self, peer: &Peer, envelope: Option<&Envelope>, stage: Stage, reply: &mut Reply);
}

/// Where in the session a refusal happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Connect,
    Helo,
    StartTls,
    Auth,
    Sender,
    Recipient,
    Content,
    Protocol,
}

/// Whom a listener is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Other servers.
    Smtp,
    /// Our own people, who must sign in (RFC 6409).
    Submission,
}

/// What the sessions of one listener share.
pub struct Port {
    pub role: Role,
    /// Our name in greetings.
    pub name: Arc<str>,
    pub host: Arc<dyn Host>,
    pub limits: Arc<LimitSettings>,
    /// What messages under way may hold.
    pub memory: Arc<Memory>,
    /// Failed sign-ins of all sessions.
    pub guesses: Arc<Guesses>,
    /// `None`: STARTTLS is not offered.
    pub keys: Option<Arc<Keys>>,
    pub dns: Arc<dyn Dns>,
    /// Who may say XCLIENT.
    pub xclient: Networks,
    /// Who may say XFORWARD.
    pub xforward: Networks,
    /// How long a peer from outside must keep still before our greeting.
    pub greeting_delay: Duration,
}

/// How a session begins.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// The handshake comes before the greeting (RFC 8314 §3).
    pub tls_first: bool,
    /// How long the peer must keep still before the greeting.
    pub delay: Duration,
}

/// Serves one connection until it ends.
pub async fn serve<S>(port: Arc<Port>, stream: S, peer: Peer, start: Start, stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    state::Session::new(port, stream, peer, stop).run(start).await;
}
