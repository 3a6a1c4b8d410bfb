//! `[connector.mailbox]`: how mail is taken out of the mailboxes behind a connector.

use super::MailboxError;
use crate::dkim::Seal;
use crate::settings::Span;
use serde::{Deserialize, Serialize};

/// Octets of a password file that are read.
const PASSWORD_OCTETS_MAX: usize = 4_096;
/// IMAP over TLS (RFC 8314 §7.2), and IMAP.
const PORT_TLS: u16 = 993;
const PORT_PLAIN: u16 = 143;

/// `[connector.mailbox]`: how mail is taken out of mailboxes after delivery, and put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailboxSettings {
    /// What the mailbox server speaks: "imap" or "jmap". Default "imap".
    pub protocol: MailboxProtocol,
    /// IMAP server with the mailboxes, `host:port`; empty: mail stays where it was delivered. Default "".
    pub imap: String,
    /// Address of the JMAP session, such as "https://box.example.com/.well-known/jmap"; only the server: the usual place. "http://" only to private addresses that the connector allows. Default "".
    pub url: String,
    /// With JMAP: "basic" (user and password) or "bearer" (the password is a token). Default "basic".
    pub sign_in: SignIn,
    /// With IMAP: "tls" from the first octet, "starttls", or "off" (to this machine only). Default "tls". The certificate is always checked.
    pub security: Security,
    /// Name that the certificate must carry; empty: the host name.
    pub tls_name: String,
    /// SHA-256 of the certificate in hex: only this one is taken, whoever signed it; empty: not pinned.
    pub pin: String,
    /// User who may open every mailbox. IMAP: a master user, who signs in with SASL PLAIN in the mailbox's name. JMAP: a user whom all mailboxes are shared with, or a name in which `{mailbox}` stands for the mailbox, such as "{mailbox}%gatepost".
    pub user: String,
    /// Password of this user, or the token. Pages keep it sealed; in a settings file rather name a file.
    pub password: String,
    /// File whose first line is the password or token.
    pub password_file: String,
    /// What a mailbox is called: "address" or "local" (what stands before the @). Default "address".
    pub mailbox: MailboxName,
    /// What separates a detail from the name, as in `li+shop@`: it and what follows is not part of the mailbox. Default "+".
    pub detail: String,
    /// Folder that junk is moved into. Default "Junk".
    pub junk: String,
    /// Folder for what is dangerous (phishing, malware); people may be kept out of it by the mailbox server. Empty: the one for junk.
    pub dangerous: String,
    /// What happens when mail turns out bad after delivery: "off", "ask" (it is listed, and a person decides) or "on". Default "ask".
    pub automatic: Automatic,
    /// How long after delivery mail is watched. Default "2d".
    pub within: Span,
    /// More copies than this at once wait for a person. Default 50.
    pub at_once_max: usize,
    /// So do more than this part of what was delivered in the last day, percent. Default 5.
    pub at_once_percent: usize,
    /// Copies moved in a minute at most. Default 120.
    pub per_minute: usize,
    /// Delivered mail is read from its mailbox this long after delivery and judged again, at each of these; empty: never. Default none.
    pub recheck_after: Vec<Span>,
    /// Mails judged again in an hour at most. Default 500.
    pub rechecks_per_hour: usize,
    /// With JMAP: how often mailboxes are looked at for mail that people moved into the folder for junk, or out of it, which counts as their report; only where the mailbox server moves nothing there on its own but what Gatepost marks. "0s" is never. Default "0s".
    pub moves_every: Span,
}

impl Default for MailboxSettings {
    fn default() -> MailboxSettings {
        MailboxSettings {
            protocol: MailboxProtocol::Imap,
            imap: String::new(),
            url: String::new(),
            sign_in: SignIn::Basic,
            security: Security::Tls,
            tls_name: String::new(),
            pin: String::new(),
            user: String::new(),
            password: String::new(),
            password_file: String::new(),
            mailbox: MailboxName::Address,
            detail: "+".into(),
            junk: "Junk".into(),
            dangerous: String::new(),
            automatic: Automatic::Ask,
            within: Span::days(2),
            at_once_max: 50,
            at_once_percent: 5,
            per_minute: 120,
            recheck_after: Vec::new(),
            rechecks_per_hour: 500,
            moves_every: Span::ms(0),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailboxProtocol {
    Imap,
    Jmap,
}

/// How a JMAP server is told who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignIn {
    /// User and password (RFC 7617).
    Basic,
    /// A token (RFC 6750).
    Bearer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first octet.
    Tls,
    /// TLS after STARTTLS.
    Starttls,
    /// Clear text, to this machine only.
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailboxName {
    Address,
    Local,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Automatic {
    /// Only people have mail removed.
    Off,
    /// What turned out bad is listed, and a person decides.
    Ask,
    /// It is removed at once, as long as it is not too much.
    On,
}

impl MailboxSettings {
    pub fn is_on(&self) -> bool {
        !self.server().is_empty()
    }

    /// The server, as it is written for its protocol.
    pub fn server(&self) -> &str {
        match self.protocol {
            MailboxProtocol::Imap => &self.imap,
            MailboxProtocol::Jmap => self.url.trim(),
        }
    }

    /// Whether what people move counts as their report.
    pub fn tells_moves(&self) -> bool {
        self.is_on() && self.protocol == MailboxProtocol::Jmap && !self.moves_every.is_zero()
    }

    /// Whether a user has to be named: a token says by itself whose it is.
    pub fn needs_user(&self) -> bool {
        self.protocol == MailboxProtocol::Imap || self.sign_in == SignIn::Basic
    }

    /// `host:port` with the usual port where none is written.
    pub fn host_with_port(&self) -> String {
        let usual = if self.security == Security::Tls { PORT_TLS } else { PORT_PLAIN };
        let has_port = match self.imap.rsplit_once(':') {
            Some((host, port)) => port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')),
            None => false,
        };
        match has_port {
            true => self.imap.clone(),
            false if self.imap.parse::<std::net::Ipv6Addr>().is_ok() => format!("[{}]:{usual}", self.imap),
            false => format!("{}:{usual}", self.imap),
        }
    }

    /// What the mailbox of an address is called.
    pub fn mailbox_of(&self, address: &str) -> String {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let local = match self.detail.is_empty() {
            true => local,
            // A name that begins with the separator is not cut to nothing.
            false => local.split_once(self.detail.as_str()).map(|(name, _)| name).filter(|name| !name.is_empty()).unwrap_or(local),
        };
        match self.mailbox {
            MailboxName::Local => local.to_string(),
            MailboxName::Address => format!("{local}@{domain}"),
        }
    }

    /// Where mail of this kind goes.
    pub fn folder(&self, is_dangerous: bool) -> &str {
        if is_dangerous && !self.dangerous.is_empty() { &self.dangerous } else { &self.junk }
    }

    /// The password in clear.
    pub(super) async fn password(&self, seal: &Seal, connector: &str) -> Result<String, MailboxError> {
        if self.password_file.is_empty() {
            let opened = seal.reveal(&self.password, &seal_context(connector));
            return opened.map_err(|why| MailboxError::Settings(why.to_string()));
        }
        let failed = |why: String| MailboxError::Settings(format!("{}: the password cannot be read: {why}", self.password_file));
        let octets = tokio::fs::read(&self.password_file).await.map_err(|why| failed(why.to_string()))?;
        let text = String::from_utf8(octets).map_err(|_| failed("it is not UTF-8".into()))?;
        if text.len() > PASSWORD_OCTETS_MAX {
            return Err(failed("it is too long".into()));
        }
        Ok(text.lines().next().unwrap_or_default().trim_end_matches('\r').to_string())
    }

    /// The same settings with their password sealed, if it is not yet.
    /// # Errors
    /// The random source gave nothing.
    pub fn sealed(mut self, seal: &Seal, connector: &str) -> Result<MailboxSettings, store::Error> {
        self.password = seal.keep_once(&self.password, &seal_context(connector))?;
        Ok(self)
    }

    /// The same settings with this password, sealed.
    /// # Errors
    /// The random source gave nothing.
    pub fn with_password(mut self, seal: &Seal, connector: &str, password: &str) -> Result<MailboxSettings, store::Error> {
        self.password = seal.keep(password, &seal_context(connector))?;
        Ok(self)
    }
}

/// What a sealed password is bound to.
fn seal_context(connector: &str) -> String {
    format!("mailbox of connector {connector}")
}
