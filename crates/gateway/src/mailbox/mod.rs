//! Mailboxes behind a connector: mail is found in them after delivery, moved away, and put back.
//!
//! In: [`Wanted`], a mail that was delivered to an address. Out: what became of it, [`Taken`] or [`Returned`], or a [`MailboxError`] that
//! says whose turn it is. Invariants: only a message that carries our own identifier of the mail is touched; nothing is deleted, it is
//! moved; what its owner deleted or moved away meanwhile is said, and is no error. Every wait and every answer has a limit. Not here: which
//! mail is to go and when (`web::removal`); delivery (`delivery`).

mod carry;
mod jmap;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod trust;

pub use carry::{AbsentBecause, Place, Returned, Taken, Wanted};
pub use settings::{Automatic, MailboxName, MailboxProtocol, MailboxSettings, Security, SignIn};

use crate::delivery::{Courier, Hop, RouteError};
use crate::directory::ConnectorSettings;
use crate::dkim::Seal;
use crate::queue::LaneKey;
use bytes::Bytes;
use mail::MailId;
use mail::imap::ImapError;
use mail::jmap::JmapError;
use std::io;
use std::time::Duration;

/// How long a server may take to take a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(15);
/// How long it may take for one command; a search of a large folder takes a while.
const COMMAND: Duration = Duration::from_secs(60);
/// The keyword that mail carries while we move it: it tells the scripts of a mailbox server that no person does (deploy/dovecot).
pub const KEYWORD: &str = "$GatepostRemoved";

/// Why nothing could be done in a mailbox. One variant per thing that happens next.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// Nobody there, or not now: tried again.
    #[error("{server} cannot be reached: {why}")]
    Unreachable { server: String, why: String },
    /// The administrator's turn: certificate, port, name.
    #[error("TLS with {server} failed: {why}")]
    Tls { server: String, why: String },
    /// The administrator's turn: user and password of the connector.
    #[error("{server} refuses our sign-in: {said}")]
    SignIn { server: String, said: String },
    /// There is no such mailbox, or the master user may not open it: only this mailbox is concerned.
    #[error("the mailbox {mailbox} cannot be opened: {said}")]
    NoMailbox { mailbox: String, said: String },
    /// It refused one command.
    #[error("the mailbox server refused “{command}”: {said}")]
    Refused { command: &'static str, said: String },
    #[error("the mailbox server knows neither MOVE nor UIDPLUS, so that nothing can be moved without touching other mail")]
    NoMove,
    /// Settings that cannot work.
    #[error("{0}")]
    Settings(String),
    #[error(transparent)]
    Garbled(#[from] ImapError),
    #[error("{server} gives no answer of JMAP that can be used: {why}")]
    Jmap { server: String, why: JmapError },
    #[error("the connection to the mailbox server was lost: {0}")]
    Lost(#[source] io::Error),
    #[error("the mailbox server did not answer in time")]
    TimedOut,
}

impl From<io::Error> for MailboxError {
    fn from(why: io::Error) -> MailboxError {
        MailboxError::Lost(why)
    }
}

impl MailboxError {
    /// Concerns everything behind this connector, not one mailbox or mail.
    pub fn is_of_server(&self) -> bool {
        !matches!(self, MailboxError::NoMailbox { .. } | MailboxError::Refused { .. })
    }

    /// A name for pages and programs.
    pub fn name(&self) -> &'static str {
        match self {
            MailboxError::Unreachable { .. } | MailboxError::Lost(_) | MailboxError::TimedOut => "unreachable",
            MailboxError::Tls { .. } => "tls",
            MailboxError::SignIn { .. } => "sign-in",
            MailboxError::NoMailbox { .. } => "no-mailbox",
            MailboxError::Refused { .. } => "refused",
            MailboxError::NoMove => "no-move",
            MailboxError::Settings(_) => "settings",
            MailboxError::Garbled(_) | MailboxError::Jmap { .. } => "garbled",
        }
    }
}

/// What it takes to open mailboxes.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    pub courier: &'a Courier,
    pub seal: &'a Seal,
    pub connector: &'a ConnectorSettings,
}

impl Access<'_> {
    /// Opens the mailbox that mail to this address is delivered into.
    pub async fn open(&self, address: &str) -> Result<Session, MailboxError> {
        let settings = &self.connector.mailbox;
        if !settings.is_on() {
            return Err(MailboxError::Settings(format!("connector “{}” has no access to mailboxes", self.connector.name)));
        }
        let password = settings.password(self.seal, &self.connector.name).await?;
        let mailbox = settings.mailbox_of(address);
        match settings.protocol {
            MailboxProtocol::Imap => Ok(Session::Imap(Box::new(self.imap(&mailbox, &password).await?))),
            MailboxProtocol::Jmap => Ok(Session::Jmap(Box::new(jmap::Session::open(self, &mailbox, &password).await?))),
        }
    }

    async fn imap(&self, mailbox: &str, password: &str) -> Result<session::Session, MailboxError> {
        let settings = &self.connector.mailbox;
        let mut failed = None;
        for hop in self.hops(&settings.host_with_port()).await? {
            match session::Session::connect(self.courier, settings, &hop).await {
                Ok(mut session) => {
                    session.sign_in(mailbox, &settings.user, password).await?;
                    return Ok(session);
                }
                Err(why) => failed = Some(why),
            }
        }
        Err(failed.unwrap_or_else(|| MailboxError::Settings(format!("{} has no address", settings.imap))))
    }

    /// Addresses of the server, `host:port`; private ones only where the connector allows them.
    async fn hops(&self, server: &str) -> Result<Vec<Hop>, MailboxError> {
        let way = ConnectorSettings {
            name: self.connector.name.clone(),
            hosts: vec![server.to_string()],
            allow_private: self.connector.allow_private,
            ..ConnectorSettings::default()
        };
        let found = self.courier.router(MailId(0)).hops(&LaneKey::Connector(self.connector.name.as_str().into()), &way).await;
        found.map_err(|why: RouteError| MailboxError::Unreachable { server: server.to_string(), why: why.to_string() })
    }
}

/// Mail that its owner moved into the folder for junk, or out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub mail: MailId,
    /// Into it.
    pub is_junk: bool,
    /// Identifiers of the message and of its octets, and how many those are.
    id: String,
    blob: String,
    octets: u64,
}

/// An open mailbox, by whichever protocol its connector speaks.
#[derive(Debug)]
pub enum Session {
    Imap(Box<session::Session>),
    Jmap(Box<jmap::Session>),
}

impl Session {
    /// Moves a mail into `folder` (as people write it), from wherever it lies.
    pub async fn take(&mut self, wanted: Wanted<'_>, folder: &str) -> Result<Taken, MailboxError> {
        match self {
            Session::Imap(session) => session.take(wanted, folder).await,
            Session::Jmap(session) => session.take(wanted, folder).await,
        }
    }

    /// Puts a mail back to where it lay.
    pub async fn put_back(&mut self, wanted: Wanted<'_>, place: &Place) -> Result<Returned, MailboxError> {
        match self {
            Session::Imap(session) => session.put_back(wanted, place).await,
            Session::Jmap(session) => session.put_back(wanted, place).await,
        }
    }

    /// The message as we handed it over, from the INBOX or where its owner filed it. `None`: not there, thrown away, or too large.
    pub async fn read(&mut self, wanted: Wanted<'_>) -> Result<Option<Bytes>, MailboxError> {
        match self {
            Session::Imap(session) => session.read(wanted).await,
            Session::Jmap(session) => session.read(wanted).await,
        }
    }

    /// Names of the folders of this mailbox, as people write them.
    pub async fn folder_names(&mut self) -> Result<Vec<String>, MailboxError> {
        match self {
            Session::Imap(session) => session.folder_names().await,
            Session::Jmap(session) => session.folder_names().await,
        }
    }

    /// Mail that came after this and that its owner moved between INBOX and the folder for junk since the last look. Over IMAP nothing is looked
    /// for: there the server's own scripts tell (deploy/dovecot).
    pub async fn moves(&mut self, since_ms: i64) -> Result<Vec<Moved>, MailboxError> {
        match self {
            Session::Imap(_) => Ok(Vec::new()),
            Session::Jmap(session) => session.moves(since_ms).await,
        }
    }

    /// The message of a move as we handed it over; `None`: gone, or too large.
    pub async fn moved_octets(&mut self, moved: &Moved) -> Result<Option<Bytes>, MailboxError> {
        match self {
            Session::Imap(_) => Ok(None),
            Session::Jmap(session) => session.moved_octets(moved).await,
        }
    }

    /// Notes in the mailbox that a move was counted.
    pub async fn counted(&mut self, moved: &Moved) -> Result<(), MailboxError> {
        match self {
            Session::Imap(_) => Ok(()),
            Session::Jmap(session) => session.counted(moved).await,
        }
    }

    pub async fn log_out(self) {
        if let Session::Imap(session) = self {
            session.log_out().await;
        }
    }
}
