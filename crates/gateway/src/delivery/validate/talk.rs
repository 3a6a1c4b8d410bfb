//! The dialogue with one host, step by step, noted line by line.

use super::{Host, Line, Step, StepResult, TlsFacts, What, Who, Wish, read_chain};
use crate::delivery::certificate;
use crate::delivery::link::{Link, LinkError};
use crate::delivery::message::base64;
use crate::delivery::{Courier, Hop, Tls};
use crate::directory::{Protocol, TlsLevel};
use mail::smtp::{Capabilities, Reply};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{ServerName, UnixTime};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// One step, within what is left of the whole.
const STEP_WITHIN: Duration = Duration::from_secs(6);
/// Greetings are held back on purpose by some.
const GREETING_WITHIN: Duration = Duration::from_secs(10);
const LINES_MAX: usize = 120;
const LINE_CHARS_MAX: usize = 500;
/// A certificate that ends within this time is worth a word.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// Where TLS begins with the first octet (RFC 8314 §3.3).
const IMPLICIT_TLS_PORT: u16 = 465;

pub(super) struct Talk<'a> {
    pub(super) courier: &'a Courier,
    pub(super) wish: &'a Wish,
    hop: &'a Hop,
    started: Instant,
    pub(super) may_be_us: bool,
    pub(super) host: Host,
}

/// The dialogue cannot go on; why is in the steps.
pub(super) struct Over;

impl<'a> Talk<'a> {
    pub fn new(courier: &'a Courier, wish: &'a Wish, hop: &'a Hop, started: Instant) -> Talk<'a> {
        let host = Host { name: hop.name.clone(), address: hop.address.to_string(), ..Host::default() };
        Talk { courier, wish, hop, started, may_be_us: false, host }
    }

    /// The whole dialogue; with `send`, through to the end of a mail.
    pub async fn run(&mut self, send: bool) {
        let Ok(mut link) = self.dial().await else { return };
        if self.converse(&mut link, send).await.is_ok() {
            let _ = self.say(&mut link, "QUIT").await; // politeness only
        }
    }

    pub fn ran_out_of_time(&mut self) {
        let at = self.host.steps.last().map_or(What::Connect, |step| next_of(step.what));
        self.step(at, StepResult::Problem, "no-answer", "");
        self.line(Who::Note, "time is up");
    }

    async fn converse(&mut self, link: &mut Link, send: bool) -> Result<(), Over> {
        self.prepare(link).await?;
        self.transaction(link, send).await
    }

    /// Up to where mail can be sent.
    pub(super) async fn prepare(&mut self, link: &mut Link) -> Result<(), Over> {
        if self.hop.address.port() == IMPLICIT_TLS_PORT && self.wish.connector.tls != TlsLevel::Off {
            self.secure(link).await?;
        }
        self.greeting(link).await?;
        let mut known = self.hello(link).await?;
        if link.secured().is_none() && self.wish.connector.tls != TlsLevel::Off {
            known = self.start_tls(link, known).await?;
        }
        if link.secured().is_none() {
            self.without_tls(&known);
        }
        self.host.size_max = known.size.unwrap_or(0);
        if !self.wish.connector.login.is_empty() {
            self.log_in(link, &known).await?;
        }
        Ok(())
    }

    pub(super) async fn dial(&mut self) -> Result<Link, Over> {
        self.line(Who::Note, &format!("connecting to {}", self.hop.address));
        match timeout(STEP_WITHIN, TcpStream::connect(self.hop.address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true); // only speed depends on it
                self.step(What::Connect, StepResult::Ok, "ok", &self.hop.address.to_string());
                Ok(Link::new(stream))
            }
            Ok(Err(why)) => {
                let word = if why.kind() == std::io::ErrorKind::ConnectionRefused { "refused" } else { "unreachable" };
                self.end(What::Connect, word, &why.to_string())
            }
            Err(_) => self.end(What::Connect, "no-answer", ""),
        }
    }

    async fn greeting(&mut self, link: &mut Link) -> Result<(), Over> {
        let reply = self.hear(link, What::Greeting, GREETING_WITHIN).await?;
        if reply.code != 220 {
            return self.end(What::Greeting, "refused", &reply.to_string());
        }
        self.not_ourselves(What::Greeting, &reply)?;
        self.step(What::Greeting, StepResult::Ok, "ok", &reply.to_string());
        Ok(())
    }

    /// A host that bears our name is us: mail would go in a circle. Other ports lead to filters on the same machine.
    fn not_ourselves(&mut self, what: What, reply: &Reply) -> Result<(), Over> {
        let name = reply.text.first().map_or("", String::as_str).split(' ').next().unwrap_or_default();
        match !self.may_be_us && self.hop.address.port() == 25 && name.eq_ignore_ascii_case(&self.courier.hostname) {
            true => self.end(what, "ourselves", name),
            false => Ok(()),
        }
    }

    async fn hello(&mut self, link: &mut Link) -> Result<Capabilities, Over> {
        let verb = if self.wish.connector.protocol == Protocol::Lmtp { "LHLO" } else { "EHLO" };
        let mut reply = self.ask(link, What::Hello, &format!("{verb} {}", self.courier.hostname)).await?;
        if verb == "EHLO" && reply.code >= 500 {
            // RFC 5321 §4.1.4: a server that does not know EHLO gets HELO.
            reply = self.ask(link, What::Hello, &format!("HELO {}", self.courier.hostname)).await?;
            if reply.code == 250 {
                self.step(What::Hello, StepResult::Advice, "only-helo", &reply.to_string());
                return Ok(Capabilities::default());
            }
        }
        if reply.code != 250 {
            let word = if verb == "LHLO" { "no-lmtp" } else { "refused" };
            return self.end(What::Hello, word, &reply.to_string());
        }
        if !self.host.steps.iter().any(|step| step.what == What::Hello) {
            self.step(What::Hello, StepResult::Ok, "ok", reply.text.first().map_or("", String::as_str));
        }
        Ok(Capabilities::read(&reply))
    }

    async fn start_tls(&mut self, link: &mut Link, known: Capabilities) -> Result<Capabilities, Over> {
        if !known.starttls {
            return Ok(known);
        }
        let reply = self.ask(link, What::Tls, "STARTTLS").await?;
        if reply.code != 220 {
            return self.end(What::Tls, "refused", &reply.to_string());
        }
        self.secure(link).await?;
        // RFC 3207 §4.2: what was said before TLS is forgotten.
        self.hello(link).await
    }

    /// Encrypts, taking any certificate so that it can be shown, then says whether delivery would take it.
    async fn secure(&mut self, link: &mut Link) -> Result<(), Over> {
        let Tls { unverified, .. } = &self.courier.tls;
        let connector = &self.wish.connector;
        let name = if connector.tls_name.is_empty() { self.hop.name.clone() } else { connector.tls_name.clone() };
        match link.secure(unverified, &name, STEP_WITHIN).await {
            Ok(()) => {}
            Err(LinkError::Injected) => return self.end(What::Tls, "injected", ""),
            Err(LinkError::TimedOut) => return self.end(What::Tls, "no-answer", ""),
            Err(LinkError::Lost(why)) => return self.end(What::Tls, "handshake", &why.to_string()),
            Err(why) => return self.end(What::Tls, "handshake", &why.to_string()),
        }
        let Some(secured) = link.secured() else { return self.end(What::Tls, "handshake", "") };
        let facts = TlsFacts { version: secured.version, cipher: secured.cipher, chain: read_chain(&secured.chain) };
        self.line(Who::Note, &format!("{} {}", facts.version, facts.cipher));
        self.step(What::Tls, StepResult::Ok, "ok", &format!("{} {}", facts.version, facts.cipher));
        let judged = self.judge(&secured.chain, &name);
        let ends_ms = facts.chain.first().map_or(0, |own| own.until_ms);
        self.host.tls = Some(facts);
        self.certificate(judged, &name, ends_ms)
    }

    /// The word for what is wrong with the chain; `None` when nothing is.
    fn judge(&self, chain: &[rustls::pki_types::CertificateDer<'static>], name: &str) -> Option<(&'static str, String)> {
        use rustls::{CertificateError, Error};
        let (own, others) = chain.split_first()?;
        let pin = &self.wish.connector.pin;
        if !pin.is_empty() {
            let shown = certificate::fingerprint(own);
            return (!certificate::is_pinned(&shown, pin)).then_some(("pin", shown));
        }
        let server = ServerName::try_from(name.trim_matches(['[', ']']).to_string()).ok()?;
        let now = UnixTime::since_unix_epoch(Duration::from_millis(self.wish.now_ms.max(0).unsigned_abs()));
        match self.courier.tls.verifier.verify_server_cert(own, others, &server, &[], now) {
            Ok(_) => None,
            Err(Error::InvalidCertificate(why)) => {
                let word = match why {
                    CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
                    CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "not-yet",
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "name",
                    CertificateError::UnknownIssuer => "unknown-issuer",
                    _ => "untrusted",
                };
                Some((word, why.to_string()))
            }
            Err(why) => Some(("untrusted", why.to_string())),
        }
    }

    fn certificate(&mut self, judged: Option<(&'static str, String)>, name: &str, ends_ms: i64) -> Result<(), Over> {
        let must_fit = self.wish.connector.tls == TlsLevel::Verified || !self.wish.connector.pin.is_empty();
        let soon_ms = self.wish.now_ms + i64::try_from(SOON.as_millis()).unwrap_or(i64::MAX);
        match judged {
            Some((word, detail)) if must_fit => return self.end(What::Certificate, word, &detail),
            Some((word, detail)) => self.step(What::Certificate, StepResult::Advice, word, &detail),
            None if ends_ms != 0 && ends_ms < soon_ms => self.step(What::Certificate, StepResult::Advice, "ends-soon", name),
            None => self.step(What::Certificate, StepResult::Ok, "ok", name),
        }
        Ok(())
    }

    fn without_tls(&mut self, known: &Capabilities) {
        match (self.wish.connector.tls, known.starttls) {
            (TlsLevel::Required | TlsLevel::Verified, _) => self.step(What::Tls, StepResult::Problem, "not-offered", ""),
            (TlsLevel::Off, true) => self.step(What::Tls, StepResult::Advice, "off", ""),
            (TlsLevel::Off, false) => self.step(What::Tls, StepResult::Advice, "off", ""),
            (TlsLevel::Opportunistic, _) => self.step(What::Tls, StepResult::Advice, "not-offered", ""),
        }
    }

    /// RFC 4616, under TLS only. The secret is not in the dialogue.
    async fn log_in(&mut self, link: &mut Link, known: &Capabilities) -> Result<(), Over> {
        if link.secured().is_none() {
            return self.end(What::Login, "no-tls", "");
        }
        if !known.auth_plain {
            return self.end(What::Login, "not-offered", "");
        }
        let connector = &self.wish.connector;
        let password = match connector.password(self.courier.seal.as_deref()) {
            Ok(password) => password,
            Err(why) => return self.end(What::Login, "sealed", &why.to_string()),
        };
        let secret = base64(format!("\0{}\0{password}", connector.login).as_bytes());
        self.line(Who::We, "AUTH PLAIN ********");
        if let Err(why) = link.send(format!("AUTH PLAIN {secret}\r\n").as_bytes(), STEP_WITHIN).await {
            return self.lost(What::Login, &why);
        }
        let reply = self.hear(link, What::Login, STEP_WITHIN).await?;
        match reply.code {
            235 => self.step(What::Login, StepResult::Ok, "ok", &reply.to_string()),
            _ => return self.end(What::Login, "refused", &reply.to_string()),
        }
        Ok(())
    }

    async fn transaction(&mut self, link: &mut Link, send: bool) -> Result<(), Over> {
        if self.host.steps.iter().any(|step| step.result == StepResult::Problem) {
            return Ok(()); // delivery would not go on from here
        }
        let reply = self.ask(link, What::Sender, "MAIL FROM:<>").await?;
        if !reply.is_positive() {
            return self.end(What::Sender, "refused", &reply.to_string());
        }
        self.step(What::Sender, StepResult::Ok, "ok", &reply.to_string());
        let Some(recipient) = &self.wish.recipient else { return Ok(()) };
        let reply = self.ask(link, What::Recipient, &format!("RCPT TO:<{recipient}>")).await?;
        if !reply.is_positive() {
            let word = match reply.is_temporary() {
                true if is_greylisting(&reply) => "greylists",
                true => "later",
                false => "refused",
            };
            return self.end(What::Recipient, word, &reply.to_string());
        }
        self.step(What::Recipient, StepResult::Ok, "ok", &reply.to_string());
        if send { self.send(link, &recipient.to_string()).await } else { self.ask(link, What::Recipient, "RSET").await.map(drop) }
    }

    async fn send(&mut self, link: &mut Link, recipient: &str) -> Result<(), Over> {
        let reply = self.ask(link, What::Mail, "DATA").await?;
        if reply.code != 354 {
            return self.end(What::Mail, "refused", &reply.to_string());
        }
        let message = self.message(recipient);
        self.line(Who::Note, &format!("{} octets of the test mail", message.len()));
        if let Err(why) = link.send(format!("{message}.\r\n").as_bytes(), STEP_WITHIN).await {
            return self.lost(What::Mail, &why);
        }
        let reply = self.hear(link, What::Mail, STEP_WITHIN).await?;
        match reply.is_positive() {
            true => self.step(What::Mail, StepResult::Ok, "ok", &reply.to_string()),
            false => return self.end(What::Mail, "refused", &reply.to_string()),
        }
        Ok(())
    }

    /// The test mail. Subject and text are ours; anything beyond ASCII is encoded, and no line begins with a dot.
    pub(super) fn message(&self, recipient: &str) -> String {
        let (hostname, now_ms) = (&self.courier.hostname, self.wish.now_ms);
        let words: String = self.wish.text.as_bytes().chunks(57).map(|line| base64(line) + "\r\n").collect();
        format!(
            "Date: {}\r\nFrom: Gatepost <postmaster@{hostname}>\r\nTo: <{recipient}>\r\nSubject: =?utf-8?B?{}?=\r\n\
             Message-ID: <validation.{now_ms}@{hostname}>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{words}",
            crate::intake::date(now_ms),
            base64(self.wish.subject.as_bytes()),
        )
    }

    async fn say(&mut self, link: &mut Link, command: &str) -> Result<Reply, LinkError> {
        self.line(Who::We, command);
        link.send(format!("{command}\r\n").as_bytes(), STEP_WITHIN).await?;
        let reply = link.reply(STEP_WITHIN).await?;
        self.heard(&reply);
        Ok(reply)
    }

    pub(super) async fn ask(&mut self, link: &mut Link, what: What, command: &str) -> Result<Reply, Over> {
        match self.say(link, command).await {
            Ok(reply) => Ok(reply),
            Err(why) => self.lost(what, &why),
        }
    }

    async fn hear(&mut self, link: &mut Link, what: What, wait: Duration) -> Result<Reply, Over> {
        match link.reply(wait).await {
            Ok(reply) => {
                self.heard(&reply);
                Ok(reply)
            }
            Err(why) => self.lost(what, &why),
        }
    }

    pub(super) fn heard(&mut self, reply: &Reply) {
        let status = reply.status.map(|(class, subject, detail)| format!("{class}.{subject}.{detail} ")).unwrap_or_default();
        let last = reply.text.len().saturating_sub(1);
        for (n, text) in reply.text.iter().enumerate() {
            self.line(Who::They, &format!("{}{}{status}{text}", reply.code, if n == last { ' ' } else { '-' }));
        }
    }

    fn lost<T>(&mut self, what: What, why: &LinkError) -> Result<T, Over> {
        let word = match why {
            LinkError::Closed | LinkError::Lost(_) => "closed",
            LinkError::TimedOut => "no-answer",
            LinkError::Garbled(_) => "no-smtp",
            LinkError::Injected => "injected",
            LinkError::Name(_) => "name",
        };
        self.line(Who::Note, &why.to_string());
        self.end(what, word, &why.to_string())
    }

    fn end<T>(&mut self, what: What, why: &str, detail: &str) -> Result<T, Over> {
        self.step(what, StepResult::Problem, why, detail);
        Err(Over)
    }

    pub(super) fn step(&mut self, what: What, result: StepResult, why: &str, detail: &str) {
        let so_far: u32 = self.host.steps.iter().map(|step| step.ms).sum();
        let ms = u32::try_from(self.started.elapsed().as_millis()).unwrap_or(u32::MAX).saturating_sub(so_far);
        self.host.steps.push(Step { what, result, why: why.into(), detail: printable(detail), ms });
    }

    pub(super) fn line(&mut self, who: Who, text: &str) {
        if self.host.lines.len() < LINES_MAX {
            let ms = u32::try_from(self.started.elapsed().as_millis()).unwrap_or(u32::MAX);
            self.host.lines.push(Line { ms, who, text: printable(text) });
        }
    }
}

fn next_of(done: What) -> What {
    match done {
        What::Connect => What::Greeting,
        What::Greeting => What::Hello,
        What::Hello => What::Tls,
        What::Tls | What::Certificate => What::Login,
        What::Login => What::Sender,
        What::Sender => What::Recipient,
        What::Recipient | What::Mail => What::Mail,
        What::Pace | What::Size => What::Relay,
        What::Relay | What::Anybody | What::Smuggling => What::Smuggling,
    }
}

/// It puts strangers off and takes them the next time (RFC 6647 §2.1); others who say "later" mean a state of the mailbox or theirs.
fn is_greylisting(reply: &Reply) -> bool {
    let text = reply.text.join(" ").to_lowercase();
    ["greylist", "graylist", "grey list", "gray list", "grey-list", "postgrey"].iter().any(|word| text.contains(word))
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LINE_CHARS_MAX).collect()
}
