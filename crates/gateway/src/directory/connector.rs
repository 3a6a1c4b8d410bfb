//! How mail goes to a next hop. Passwords stand in the database sealed ([`ConnectorSettings::sealed`]) and are opened when they are said.

use crate::dkim::Seal;
use crate::mailbox::MailboxSettings;
use serde::{Deserialize, Serialize};

/// How mail goes to a next hop; stored as JSON in `connector.settings`, written in settings as `[[connector]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectorSettings {
    /// Name, unique in the installation.
    pub name: String,
    /// Organisation it belongs to.
    pub organisation: String,
    /// "server": to the organisation's own mail server. "partner": to the domains listed. "outbound": to everybody else. Default "server".
    pub kind: ConnectorKind,
    /// With kind "partner": the recipients' domains it is for.
    pub domains: Vec<String>,
    /// Next hops in order, `host:port` each; empty: the MX records of the recipient's domain.
    pub hosts: Vec<String>,
    /// "smtp", "lmtp", or "folder" (a maildir on this machine, for the demo).
    pub protocol: Protocol,
    /// How TLS is used.
    pub tls: TlsLevel,
    /// Name that the certificate must carry, with `tls = "verified"`; empty: the host name.
    pub tls_name: String,
    /// SHA-256 of the certificate in hex: only this one is taken, whoever signed it; empty: not pinned. Makes TLS required.
    pub pin: String,
    /// Connections to one next hop at the same time. Default 20.
    pub connections_max: usize,
    /// Mails over one connection. Default 100.
    pub mails_per_connection_max: usize,
    /// The next hop may be a loopback or private address. Default false; MX lookups never may.
    pub allow_private: bool,
    /// Login for AUTH PLAIN over TLS; empty: none.
    pub login: String,
    /// Password of the login. The database keeps it sealed.
    pub password: String,
    /// Folder for protocol "folder".
    pub folder: String,
    /// The mailboxes behind it, for mail that is removed after delivery.
    pub mailbox: MailboxSettings,
}

impl Default for ConnectorSettings {
    fn default() -> ConnectorSettings {
        ConnectorSettings {
            name: String::new(),
            organisation: String::new(),
            kind: ConnectorKind::Server,
            domains: Vec::new(),
            hosts: Vec::new(),
            protocol: Protocol::Smtp,
            tls: TlsLevel::Opportunistic,
            tls_name: String::new(),
            pin: String::new(),
            connections_max: 20,
            mails_per_connection_max: 100,
            allow_private: false,
            login: String::new(),
            password: String::new(),
            folder: String::new(),
            mailbox: MailboxSettings::default(),
        }
    }
}

impl ConnectorSettings {
    /// The same settings as the database keeps them: passwords sealed, for this connector alone. What is sealed already stays.
    /// # Errors
    /// The random source gave nothing.
    pub fn sealed(mut self, seal: &Seal) -> Result<ConnectorSettings, store::Error> {
        self.password = seal.keep_once(&self.password, &seal_context(&self.name))?;
        self.mailbox = self.mailbox.sealed(seal, &self.name)?;
        Ok(self)
    }

    /// The password in clear. One that nobody sealed (a draft that is tried, a row of before) is said as it stands.
    /// # Errors
    /// It is sealed and there is no key, or another one.
    pub fn password(&self, seal: Option<&Seal>) -> Result<String, store::Error> {
        match seal {
            Some(seal) => seal.reveal(&self.password, &seal_context(&self.name)),
            None if Seal::is_kept(&self.password) => {
                Err(store::Error::Shape(format!("the password of connector {} is sealed, and the seal file is not there", self.name)))
            }
            None => Ok(self.password.clone()),
        }
    }

    /// Whether a password stands in clear.
    pub fn is_open(&self) -> bool {
        [&self.password, &self.mailbox.password].iter().any(|kept| !kept.is_empty() && !Seal::is_kept(kept))
    }

    /// The settings without what only the next hop and the mailbox server are told.
    pub fn without_passwords(mut self) -> ConnectorSettings {
        self.password.clear();
        self.mailbox.password.clear();
        self
    }
}

/// What a sealed password is bound to.
fn seal_context(connector: &str) -> String {
    format!("login of connector {connector}")
}

/// Whose mail a connector is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorKind {
    Server,
    Partner,
    Outbound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    Smtp,
    Lmtp,
    Folder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsLevel {
    /// Never.
    Off,
    /// Where offered, without checking the certificate (RFC 3207, RFC 7435).
    Opportunistic,
    /// Always, without checking the certificate.
    Required,
    /// Always, with a certificate for the right name.
    Verified,
}
