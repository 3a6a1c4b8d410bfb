//! Who the server's client is, out of what the server tells in commands and macros.

use crate::connection::reverse;
use mail::beside::milter::Family;
use mail::dns::Dns;
use mail::envelope::{Reverse, Tls};
use mail::smtp::{Command, MailFrom, RcptTo, Reply, parse_command};
use mail::{Envelope, Peer};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

/// Octets of one value that are kept.
const VALUE_OCTETS_MAX: usize = 1_024;
/// RFC 5321 §4.5.3.1.2.
const HELO_OCTETS_MAX: usize = 255;
/// Commands whose macros are looked through, the latest first: end of message, DATA, RCPT, MAIL, HELO, CONNECT.
const LATEST_FIRST: &[u8] = b"ETRMHC";

/// One client of the server.
pub(super) struct Client {
    /// The server.
    pub server: IpAddr,
    pub helo: String,
    host: String,
    family: Family,
    /// By command.
    macros: HashMap<u8, Vec<(String, String)>>,
}

impl Client {
    pub fn of(server: IpAddr) -> Client {
        Client { server, helo: String::new(), host: String::new(), family: Family::Unknown, macros: HashMap::new() }
    }

    pub fn connected(&mut self, host: String, family: Family) {
        (self.host, self.family) = (host, family);
    }

    /// Keeps what belongs to the command that follows.
    pub fn know(&mut self, of: u8, mut values: Vec<(String, String)>) {
        if LATEST_FIRST.contains(&of) {
            values.retain(|(name, value)| name.len() + value.len() <= VALUE_OCTETS_MAX);
            self.macros.insert(of, values);
        }
    }

    /// The latest value of a macro; empty when there is none.
    pub fn value(&self, name: &str) -> &str {
        let lists = LATEST_FIRST.iter().filter_map(|of| self.macros.get(of));
        lists.flatten().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The client as our own port would see it.
    pub async fn peer(&self, dns: &dyn Dns) -> Peer {
        let (ip, port) = match self.family {
            Family::Ip(ip, port) => (ip, port),
            Family::Unix | Family::Unknown => (Ipv4Addr::LOCALHOST.into(), 0), // made on the server itself
        };
        let local = self.value("daemon_addr").parse().unwrap_or(self.server);
        let tls = Some(self.value("tls_version")).filter(|version| !version.is_empty()).map(|version| Tls {
            version: version.to_string(),
            cipher: self.value("cipher").to_string(),
            client_names: Vec::new(),
        });
        Peer {
            ip,
            port,
            local: (local, self.value("daemon_port").parse().unwrap_or(25)).into(),
            reverse: self.reverse(dns, ip).await,
            helo: self.helo.chars().filter(|c| c.is_ascii_graphic()).take(HELO_OCTETS_MAX).collect(),
            esmtp: true,
            tls,
            authenticated: Some(self.value("auth_authen").to_string()).filter(|login| !login.is_empty()),
            via: Some(self.server),
        }
    }

    /// The server has looked: a name it gives leads there and back. What it did not find may be missing or not answered, so we ask.
    async fn reverse(&self, dns: &dyn Dns, ip: IpAddr) -> Reverse {
        let is_name = self.host.contains('.') && !self.host.starts_with('[') && self.host.parse::<IpAddr>().is_err();
        match mail::address::domain_to_ascii(&self.host).filter(|_| is_name) {
            Some(name) => Reverse::Confirmed(name),
            None if ip.is_loopback() => Reverse::NotAsked,
            None => reverse::ask(dns, ip).await,
        }
    }

    /// A mail begins. The macros of the last one are over.
    /// # Errors
    /// The reply for the client.
    pub fn mail(&mut self, words: &[String]) -> Result<Envelope, Reply> {
        ["R", "T", "E"].iter().for_each(|of| drop(self.macros.remove(&of.as_bytes()[0])));
        let Command::Mail(mail) = self.read("MAIL FROM:", words)? else { return Err(malformed()) };
        let MailFrom { sender, body, smtputf8, ret, envid, .. } = mail;
        // REQUIRETLS is between the server and whom it sends to.
        Ok(Envelope { sender, recipients: Vec::new(), smtputf8, body, require_tls: false, ret, envid })
    }

    /// # Errors
    /// The reply for the client.
    pub fn recipient(&self, words: &[String], is_utf8: bool) -> Result<RcptTo, Reply> {
        match self.read("RCPT TO:", words)? {
            Command::Rcpt(recipient) if is_utf8 || !recipient.address.needs_smtputf8() => Ok(recipient),
            Command::Rcpt(_) => Err(Reply::new(553, (5, 6, 7), "This address needs SMTPUTF8 in MAIL")), // RFC 6531 §3.5
            _ => Err(malformed()),
        }
    }

    /// Reads path and parameters with the grammar of our own port. Servers take parameters that we do not know, and names without a
    /// domain for their own people.
    fn read(&self, keyword: &str, words: &[String]) -> Result<Command, Reply> {
        let path = words.first().map(String::as_str).unwrap_or_default();
        let inner = path.strip_prefix('<').and_then(|path| path.strip_suffix('>')).unwrap_or(path);
        let own = self.value("j");
        let whole = match inner.is_empty() || inner.contains('@') || own.is_empty() {
            true => format!("<{inner}>"),
            false => format!("<{inner}@{own}>"),
        };
        let utf8 = if !whole.is_ascii() && keyword.starts_with('M') { " SMTPUTF8" } else { "" };
        let parameters = words.iter().skip(1).filter(|word| is_ours(word));
        let line = parameters.fold(format!("{keyword}{whole}"), |line, word| format!("{line} {word}"));
        let line = if line.contains(" SMTPUTF8") { line } else { line + utf8 };
        parse_command(line.as_bytes()).or_else(|_| parse_command(format!("{keyword}{whole}{utf8}").as_bytes())).map_err(|error| error.reply)
    }
}

/// Parameters that say something about the envelope; SIZE and AUTH were the server's to look at.
fn is_ours(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default().to_ascii_uppercase();
    matches!(name.as_str(), "BODY" | "SMTPUTF8" | "RET" | "ENVID" | "NOTIFY" | "ORCPT")
}

fn malformed() -> Reply {
    Reply::new(501, (5, 5, 4), "The address cannot be read")
}
