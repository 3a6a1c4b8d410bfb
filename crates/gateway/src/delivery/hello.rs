//! Opening a connection to one hop: greeting, EHLO, TLS, login.

use super::certificate;
use super::client::Client;
use super::link::{Link, LinkError};
use super::message::base64;
use super::route::Hop;
use super::security::Guard;
use super::security::outcome::Failure;
use super::tls::Tls;
use super::{Courier, Timeouts};
use crate::directory::{ConnectorSettings, Protocol, TlsLevel};
use mail::smtp::{Capabilities, Reply};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Why a hop cannot be used now.
#[derive(Debug, thiserror::Error)]
#[error("{hop}: {}", .reply.text.join(" "))]
pub struct ConnectError {
    pub hop: String,
    /// What is noted as the reply; 4yz unless `is_loop`.
    pub reply: Reply,
    /// We would talk to ourselves: no other hop is tried.
    pub is_loop: bool,
    /// What was wrong with TLS, if that was it.
    pub failure: Option<Failure>,
    /// Which policy of the recipient's domain it stood under; '' is none.
    pub policy: &'static str,
}

/// One attempt to open a connection.
pub struct Hello<'a> {
    pub courier: &'a Courier,
    pub connector: &'a ConnectorSettings,
    pub hop: &'a Hop,
    pub level: TlsLevel,
    /// The mail asks for TLS that is checked (RFC 8689).
    pub require_tls: bool,
    /// What the recipient's domain asks for.
    pub guard: Guard,
    /// The hop comes from MX records.
    pub is_mx: bool,
}

enum Step {
    /// TLS did not come about; with `opportunistic` the next connection goes without.
    TlsFailed(String, Failure),
    /// TLS is needed and not offered.
    NoTls,
    Failed(Reply),
    Loop,
}

impl From<LinkError> for Step {
    fn from(why: LinkError) -> Step {
        Step::Failed(Reply::new(421, (4, 4, 2), why.to_string()))
    }
}

impl Hello<'_> {
    /// Opens a connection that mail can be sent over.
    pub async fn open(&self) -> Result<Client, ConnectError> {
        let level = self.level_needed();
        let first = match self.once(level).await {
            Err(Step::TlsFailed(_, failure)) if level == TlsLevel::Opportunistic => self.once(TlsLevel::Off).await.map(|mut client| {
                client.failure = Some(failure);
                client
            }),
            other => other,
        };
        first.map_err(|step| {
            let (reply, is_loop, failure) = match step {
                Step::TlsFailed(why, failure) => (Reply::new(454, (4, 7, 5), why + self.because()), false, Some(failure)),
                Step::NoTls => {
                    let why = format!("TLS is required here, and the next hop does not offer it{}", self.because());
                    (Reply::new(454, (4, 7, 4), why), false, Some(Failure::StarttlsNotSupported))
                }
                Step::Failed(reply) => (reply, false, None),
                Step::Loop => (Reply::new(554, (5, 4, 6), "mail would come back to us: the next hop is this server"), true, None),
            };
            ConnectError { hop: self.hop.to_string(), reply, is_loop, failure, policy: self.guard.name() }
        })
    }

    /// The least that connector, mail and the recipient's domain ask for. A policy goes before a connector that wants no TLS.
    fn level_needed(&self) -> TlsLevel {
        let must = !self.connector.pin.is_empty() || self.require_tls || self.guard.needs_tls();
        match self.level {
            TlsLevel::Off if self.guard.needs_tls() || self.require_tls => TlsLevel::Required,
            TlsLevel::Opportunistic if must => TlsLevel::Required,
            level => level,
        }
    }

    /// Who asks for it, for replies.
    fn because(&self) -> &'static str {
        match &self.guard {
            Guard::Dane(_) | Guard::DaneTls => " (the recipient's domain asks for it: DANE)",
            Guard::Sts(_) => " (the recipient's domain asks for it: MTA-STS)",
            _ if self.require_tls => " (the sender asks for it: REQUIRETLS)",
            _ => "",
        }
    }

    /// The name that the certificate must be for, and that is sent as SNI. The base of TLSA records is it with DANE (RFC 7672 §8.1).
    fn tls_name(&self) -> &str {
        match &self.guard {
            Guard::Dane(dane) => &dane.base,
            _ if self.connector.tls_name.is_empty() => &self.hop.name,
            _ => &self.connector.tls_name,
        }
    }

    /// The certificate is checked by public roots.
    fn is_checked_by_roots(&self, level: TlsLevel) -> bool {
        let by_policy = self.require_tls && !matches!(self.guard, Guard::Dane(_));
        level == TlsLevel::Verified || by_policy || matches!(self.guard, Guard::Sts(_))
    }

    async fn once(&self, level: TlsLevel) -> Result<Client, Step> {
        let times = &self.courier.timeouts;
        let mut link = self.dial(times).await?;
        let greeting = link.reply(times.greeting).await?;
        if greeting.code != 220 {
            return Err(Step::Failed(later(greeting)));
        }
        self.check_name(&greeting)?;
        let mut known = self.greet(&mut link, times).await?;
        if level != TlsLevel::Off {
            if known.starttls {
                self.start_tls(&mut link, level, times).await?;
                // RFC 3207 §4.2: what was said before TLS is forgotten.
                known = self.greet(&mut link, times).await?;
            } else if level != TlsLevel::Opportunistic {
                return Err(Step::NoTls);
            }
        }
        if !self.connector.login.is_empty() {
            self.log_in(&mut link, &known, times).await?;
        }
        // What no step above let through in clear text must not pass here either, whatever becomes of those steps.
        if link.tls().is_none() && (self.guard.needs_tls() || self.require_tls) {
            return Err(Step::NoTls);
        }
        let is_checked = self.is_checked_by_roots(level) || matches!(self.guard, Guard::Dane(_));
        let is_verified = is_checked && link.tls().is_some();
        let failure = self.looked_at(&link, &known);
        let mut client = Client::new(link, self.hop.clone(), known, self.connector.protocol, is_verified);
        (client.failure, client.guard) = (failure, self.guard.clone());
        Ok(client)
    }

    /// What a policy that is only tested would have refused, and what a domain without one should know (RFC 8460 §4.3).
    fn looked_at(&self, link: &Link, known: &Capabilities) -> Option<Failure> {
        let Some(secured) = link.secured() else {
            return (!known.starttls).then_some(Failure::StarttlsNotSupported);
        };
        let Guard::Testing(_, is_named) = &self.guard else { return None };
        if !is_named {
            return Some(Failure::ValidationFailure);
        }
        let Ok(name) = rustls::pki_types::ServerName::try_from(self.hop.name.as_str()) else { return Some(Failure::ValidationFailure) };
        self.courier.tls.judge(&secured.chain, &name, crate::queue::now_ms()).err().map(|why| Failure::of_tls(&why))
    }

    async fn dial(&self, times: &Timeouts) -> Result<Link, Step> {
        let failed = |why: String| Step::Failed(Reply::new(421, (4, 4, 1), why));
        let stream = match timeout(times.connect, TcpStream::connect(self.hop.address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => return Err(failed(format!("cannot connect: {why}"))),
            Err(_) => return Err(failed("cannot connect: no answer in time".into())),
        };
        // Talking from an address to the same address, at a port where we listen, is talking to ourselves.
        let is_here = stream.local_addr().is_ok_and(|local| local.ip() == self.hop.address.ip());
        if is_here && self.courier.own_ports.contains(&self.hop.address.port()) {
            return Err(Step::Loop);
        }
        let _ = stream.set_nodelay(true); // only speed depends on it
        Ok(Link::new(stream))
    }

    /// A next hop that bears our name is us, by a route of DNS or addresses we did not see through. On other ports than 25,
    /// connectors lead to filters on the same machine, which rightly bear its name.
    fn check_name(&self, reply: &Reply) -> Result<(), Step> {
        let name = reply.text.first().map_or("", String::as_str).split(' ').next().unwrap_or_default();
        let counts = self.is_mx || self.hop.address.port() == 25;
        if counts && name.eq_ignore_ascii_case(&self.courier.hostname) { Err(Step::Loop) } else { Ok(()) }
    }

    async fn greet(&self, link: &mut Link, times: &Timeouts) -> Result<Capabilities, Step> {
        let verb = if self.connector.protocol == Protocol::Lmtp { "LHLO" } else { "EHLO" };
        link.send(format!("{verb} {}\r\n", self.courier.hostname).as_bytes(), times.command).await?;
        let reply = link.reply(times.command).await?;
        if reply.code == 250 {
            self.check_name(&reply)?;
            return Ok(Capabilities::read(&reply));
        }
        // RFC 5321 §4.1.4: a server that does not know EHLO gets HELO.
        if verb == "EHLO" && reply.code >= 500 {
            link.send(format!("HELO {}\r\n", self.courier.hostname).as_bytes(), times.command).await?;
            let reply = link.reply(times.command).await?;
            if reply.code == 250 {
                return Ok(Capabilities::default());
            }
            return Err(Step::Failed(later(reply)));
        }
        Err(Step::Failed(later(reply)))
    }

    async fn start_tls(&self, link: &mut Link, level: TlsLevel, times: &Timeouts) -> Result<(), Step> {
        link.send(b"STARTTLS\r\n", times.command).await?;
        let reply = link.reply(times.command).await?;
        if reply.code != 220 {
            let why = format!("STARTTLS was refused: {}", reply.text.join(" "));
            return Err(Step::TlsFailed(why, Failure::StarttlsNotSupported));
        }
        let Tls { verified, unverified, .. } = &self.courier.tls;
        let connector = if self.is_checked_by_roots(level) { verified } else { unverified };
        let failed = |why: LinkError| Step::TlsFailed(format!("TLS failed: {}", cause(&why)), failure_of(&why));
        link.secure(connector, self.tls_name(), times.command).await.map_err(failed)?;
        let chain = link.secured().map(|secured| secured.chain).unwrap_or_default();
        if let Guard::Dane(dane) = &self.guard {
            dane.judge(&chain, crate::queue::now_ms())
                .map_err(|why| Step::TlsFailed(format!("TLS failed: {why}"), Failure::ValidationFailure))?;
        }
        let shown = chain.first().map(|own| certificate::fingerprint(own)).unwrap_or_default();
        match self.connector.pin.is_empty() || certificate::is_pinned(&shown, &self.connector.pin) {
            true => Ok(()),
            false => {
                let why = format!("the certificate is not the one that is pinned; it has the SHA-256 {shown}");
                Err(Step::TlsFailed(why, Failure::CertificateNotTrusted))
            }
        }
    }

    /// RFC 4616 AUTH PLAIN, under TLS only.
    async fn log_in(&self, link: &mut Link, known: &Capabilities, times: &Timeouts) -> Result<(), Step> {
        let failed = |code, status, text: &str| Step::Failed(Reply::new(code, status, text));
        if link.tls().is_none() {
            return Err(failed(454, (4, 7, 0), "the connector has a login, which is sent under TLS only, and there is no TLS"));
        }
        if !known.auth_plain {
            return Err(failed(454, (4, 7, 0), "the connector has a login, and the next hop does not offer AUTH PLAIN"));
        }
        let password = match self.connector.password(self.courier.seal.as_deref()) {
            Ok(password) => password,
            Err(why) => return Err(failed(454, (4, 7, 0), &format!("the connector has a login that cannot be used: {why}"))),
        };
        let secret = base64(format!("\0{}\0{password}", self.connector.login).as_bytes());
        link.send(format!("AUTH PLAIN {secret}\r\n").as_bytes(), times.command).await?;
        let reply = link.reply(times.command).await?;
        match reply.code {
            235 => Ok(()),
            _ => Err(failed(454, (4, 7, 0), &format!("the connector has a login, and the next hop refuses it: {reply}"))),
        }
    }
}

/// A refused connection is no verdict on a mail: whatever the code, another hop or a later hour may do
/// (RFC 5321 §3.1 lets 554 in the greeting mean only "not here"). What its status says of the reason stays.
fn later(mut reply: Reply) -> Reply {
    if reply.code >= 500 {
        reply.code = 421;
        reply.status = Some(reply.status.map_or((4, 3, 2), |(_, subject, detail)| (4, subject, detail)));
    }
    reply
}

/// What a failed handshake was about.
fn failure_of(why: &LinkError) -> Failure {
    let of_tls = match why {
        LinkError::Lost(source) => source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()),
        _ => None,
    };
    of_tls.map_or(Failure::ValidationFailure, Failure::of_tls)
}

fn cause(why: &LinkError) -> String {
    match why {
        LinkError::Lost(source) => source.to_string(),
        other => other.to_string(),
    }
}
