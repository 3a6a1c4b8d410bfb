//! One SMTP session, from greeting to QUIT. Knows the protocol; what is accepted is decided by a [`Host`].

use bytes::Bytes;
use futures_util::future::BoxFuture;
use mail::envelope::{Envelope, EnvelopeRecipient, Peer};
use mail::smtp::{MailFrom, Reply};

/// Who decides what a session may do. Real: `intake::Gate`. In session tests: a script.
pub trait Host: Send + Sync + 'static {
    /// A connection was made. `Err` is sent instead of the greeting and the connection closes.
    fn connected<'a>(&'a self, peer: &'a Peer) -> BoxFuture<'a, Result<(), Reply>>;
    /// RFC 4954: is this the password of this login? `Ok(false)` is 535; `Err` is what the peer reads.
    fn sign_in<'a>(&'a self, peer: &'a Peer, login: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool, Reply>>;
    fn sender<'a>(&'a self, peer: &'a Peer, mail: &'a MailFrom) -> BoxFuture<'a, Result<(), Reply>>;
    /// `so_far` holds the recipients accepted in this transaction.
    fn recipient<'a>(&'a self, peer: &'a Peer, so_far: &'a Envelope, next: &'a EnvelopeRecipient) -> BoxFuture<'a, Result<(), Reply>>;
    /// The whole message arrived. The reply is sent as it is; 250 means it is durable.
    fn receive<'a>(&'a self, peer: &'a Peer, envelope: Envelope, raw: Bytes) -> BoxFuture<'a, Reply>;
    /// The session refused something by itself (syntax, smuggling, limits); for the trace. Must not block.
    fn refused(&self, peer: &Peer, envelope: Option<&Envelope>, stage: Stage, reply: &Reply);
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
