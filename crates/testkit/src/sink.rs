//! A next hop with faults: SMTP or LMTP on a free port of 127.0.0.1, which records what it takes.
//!
//! The protocol is written here a second time, on purpose: a mistake in `mail::smtp` shall not hide behind itself.

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// `450` to the first so many RCPT.
    TemporaryRcpt(usize),
    /// `554` to MAIL.
    RefuseMail,
    /// The connection closes after the end of data, before the reply.
    CloseAfterData,
    /// As `CloseAfterData`, once; and the mail was taken.
    TakeAndClose,
    /// The connection closes in the middle of the message, so many times.
    CloseInData(usize),
    /// No answer to this command, ever: "greeting", "MAIL", "RCPT", "DATA", ".".
    Stall(&'static str),
    /// This long before each reply.
    Slow(Duration),
    /// STARTTLS is offered, and the handshake dropped.
    DropTls,
    /// `421` instead of a greeting.
    Busy,
    /// A reply to EHLO whose lines do not end.
    EndlessReply,
    /// One line that does not end instead of a reply to MAIL.
    EndlessLine,
    /// Replies that are not SMTP.
    Garbage,
    /// `220` to STARTTLS, with a reply for after it in the same packet.
    InjectAfterStartTls,
    /// The connection closes after each mail, without a word.
    CloseWhenIdle,
}

/// How a sink behaves.
#[derive(Debug, Clone)]
pub struct SinkSettings {
    pub fault: Fault,
    pub lmtp: bool,
    /// Its name in greeting and EHLO.
    pub name: String,
    /// Keywords in its reply to EHLO; STARTTLS is added when `tls`.
    pub keywords: Vec<String>,
    pub tls: bool,
    /// Name in its certificate.
    pub tls_name: String,
    /// Recipients that contain this are refused with `550 5.1.1`.
    pub refuse: String,
    /// LMTP: recipients that contain this get `452 4.2.2` after the data.
    pub full: String,
    /// EHLO is unknown.
    pub only_helo: bool,
    /// What is answered instead, by command: "greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "." (after the message).
    pub replies: Vec<(String, String)>,
    /// Its certificate ended yesterday.
    pub expired: bool,
    /// It takes a dot between bare line feeds for the end of a message: mail can be smuggled past it.
    pub ends_at_lf: bool,
}

impl Default for SinkSettings {
    fn default() -> SinkSettings {
        let keywords = ["PIPELINING", "8BITMIME", "SIZE 10000000", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
        SinkSettings {
            fault: Fault::None,
            lmtp: false,
            name: "sink.example".into(),
            keywords: keywords.map(str::to_string).to_vec(),
            tls: false,
            tls_name: "sink.example".into(),
            refuse: "refused".into(),
            full: "full".into(),
            only_helo: false,
            replies: Vec::new(),
            expired: false,
            ends_at_lf: false,
        }
    }
}

impl SinkSettings {
    pub fn with(fault: Fault) -> SinkSettings {
        SinkSettings { fault, ..SinkSettings::default() }
    }

    /// The default keywords without this one.
    pub fn lacking(keyword: &str) -> SinkSettings {
        let mut settings = SinkSettings::default();
        settings.keywords.retain(|known| !known.starts_with(keyword));
        settings
    }

    fn reply(&self, command: &str) -> Option<&str> {
        self.replies.iter().find(|(of, _)| of == command).map(|(_, reply)| reply.as_str())
    }

    pub fn knowing(keyword: &str) -> SinkSettings {
        let mut settings = SinkSettings::default();
        settings.keywords.push(keyword.into());
        settings
    }
}

/// One mail as the sink took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The whole MAIL command, without CRLF.
    pub mail: String,
    /// The whole RCPT commands that were accepted.
    pub recipients: Vec<String>,
    /// Unstuffed.
    pub octets: Vec<u8>,
    pub tls: bool,
    /// Number of the connection it came over, from 0.
    pub connection: usize,
}

/// A running sink; it ends when this is dropped.
pub struct Sink {
    pub address: SocketAddr,
    /// Its certificate, for who is to trust it.
    pub certificate: CertificateDer<'static>,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    settings: SinkSettings,
    taken: Mutex<Vec<Taken>>,
    /// Counts down faults that happen so many times.
    faults: AtomicUsize,
    connections: AtomicUsize,
    acceptor: TlsAcceptor,
    /// Commands as they came, of all connections.
    heard: Mutex<Vec<String>>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Sink {
    /// Starts a sink on a free port.
    pub async fn start(settings: SinkSettings) -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Sink::serve(settings, listener)
    }

    /// Starts a sink on the port of one that has ended.
    pub async fn start_at(settings: SinkSettings, address: SocketAddr) -> Sink {
        let listener = TcpListener::bind(address).await.expect("the port is free again");
        Sink::serve(settings, listener)
    }

    fn serve(settings: SinkSettings, listener: TcpListener) -> Sink {
        let address = listener.local_addr().expect("a bound listener has an address");
        let (acceptor, certificate) = certificate(&settings.tls_name, settings.expired);
        let times = match settings.fault {
            Fault::TemporaryRcpt(times) | Fault::CloseInData(times) => times,
            Fault::TakeAndClose => 1,
            _ => usize::MAX,
        };
        let shared = Arc::new(Shared {
            settings,
            taken: Mutex::default(),
            faults: AtomicUsize::new(times),
            connections: AtomicUsize::new(0),
            acceptor,
            heard: Mutex::default(),
        });
        let serving = shared.clone();
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let number = serving.connections.fetch_add(1, Ordering::Relaxed);
                connections.spawn(converse(serving.clone(), stream, number));
                while connections.try_join_next().is_some() {}
            }
        });
        Sink { address, certificate, shared, accepting }
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn count(&self) -> usize {
        self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Every command heard, in order.
    pub fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn certificate(name: &str, expired: bool) -> (TlsAcceptor, CertificateDer<'static>) {
    let mut wanted = rcgen::CertificateParams::new(vec![name.to_string()]).expect("a certificate for a plain name");
    if expired {
        wanted.not_before = rcgen::date_time_ymd(2020, 1, 1);
        wanted.not_after = rcgen::date_time_ymd(2021, 1, 1);
    }
    let signing = rcgen::KeyPair::generate().expect("a key");
    let made = wanted.self_signed(&signing).expect("a certificate signed by itself");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing.serialize_der()));
    let der = made.der().clone();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .with_no_client_auth()
        .with_single_cert(vec![der.clone()], key)
        .expect("the key belongs to the certificate");
    (TlsAcceptor::from(Arc::new(config)), der)
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How a conversation goes on.
enum Next {
    Command,
    StartTls,
    Close,
}

/// One conversation.
struct Talk {
    shared: Arc<Shared>,
    input: Vec<u8>,
    tls: bool,
    number: usize,
    mail: Option<String>,
    recipients: Vec<String>,
}

async fn converse(shared: Arc<Shared>, mut stream: TcpStream, number: usize) {
    let mut talk = Talk { shared: shared.clone(), input: Vec::new(), tls: false, number, mail: None, recipients: Vec::new() };
    match shared.settings.fault {
        Fault::Busy => {
            let _ = stream.write_all(b"421 4.3.2 Too many connections\r\n").await;
            return;
        }
        Fault::Stall("greeting") => return std::future::pending().await,
        Fault::Garbage => {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            return;
        }
        _ => {}
    }
    if let Some(refusal) = shared.settings.reply("greeting") {
        let _ = stream.write_all(format!("{refusal}\r\n").as_bytes()).await;
        return;
    }
    let greeting = format!("220 {} ready\r\n", shared.settings.name);
    if stream.write_all(greeting.as_bytes()).await.is_err() {
        return;
    }
    if let Some(Next::StartTls) = talk.run(&mut stream).await {
        if shared.settings.fault == Fault::DropTls {
            return;
        }
        if let Ok(mut secured) = shared.acceptor.accept(stream).await {
            talk.tls = true;
            talk.input.clear();
            talk.run(&mut secured).await;
        }
    }
}

impl Talk {
    /// Takes commands until the connection ends (`None`) or turns to TLS.
    async fn run(&mut self, stream: &mut impl Stream) -> Option<Next> {
        loop {
            let line = self.line(stream).await?;
            self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            if let Fault::Slow(wait) = self.shared.settings.fault {
                tokio::time::sleep(wait).await;
            }
            if matches!(self.shared.settings.fault, Fault::Stall(at) if at == verb) {
                return std::future::pending().await;
            }
            if let Some(reply) = self.shared.settings.reply(&verb).map(str::to_string) {
                say(stream, &reply).await?;
                continue;
            }
            let next = match verb.as_str() {
                "EHLO" | "LHLO" | "HELO" => self.hello(stream, &verb).await,
                "STARTTLS" if self.shared.settings.tls && !self.tls => self.start_tls(stream).await,
                "AUTH" => say(stream, "235 2.7.0 welcome").await,
                "MAIL" => self.mail(stream, &line).await,
                "RCPT" => self.rcpt(stream, &line).await,
                "DATA" => self.data(stream).await,
                "RSET" => {
                    self.reset();
                    say(stream, "250 2.0.0 ok").await
                }
                "QUIT" => {
                    say(stream, "221 2.0.0 bye").await?;
                    Some(Next::Close)
                }
                _ => say(stream, "502 5.5.1 what?").await,
            };
            match next? {
                Next::Command => {}
                Next::StartTls => return Some(Next::StartTls),
                Next::Close => return None,
            }
        }
    }

    fn reset(&mut self) {
        self.mail = None;
        self.recipients.clear();
    }

    async fn start_tls(&mut self, stream: &mut impl Stream) -> Option<Next> {
        let injects = self.shared.settings.fault == Fault::InjectAfterStartTls;
        say(stream, if injects { "220 2.0.0 go\r\n250-evil.example\r\n250 AUTH PLAIN" } else { "220 2.0.0 go" }).await?;
        self.reset();
        Some(Next::StartTls)
    }

    async fn hello(&mut self, stream: &mut impl Stream, verb: &str) -> Option<Next> {
        self.reset();
        let settings = self.shared.settings.clone();
        if settings.fault == Fault::EndlessReply {
            loop {
                stream.write_all(b"250-and another thing\r\n").await.ok()?;
            }
        }
        let is_right = if settings.lmtp { verb == "LHLO" } else { verb == "HELO" || (verb == "EHLO" && !settings.only_helo) };
        if !is_right {
            return say(stream, "500 5.5.1 what?").await;
        }
        let mut lines = vec![settings.name.clone()];
        if verb != "HELO" {
            lines.extend(settings.keywords);
            lines.extend((settings.tls && !self.tls).then(|| "STARTTLS".to_string()));
        }
        let last = lines.pop().unwrap_or_default();
        let mut text: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        text.push_str(&format!("250 {last}"));
        say(stream, &text).await
    }

    async fn mail(&mut self, stream: &mut impl Stream, line: &str) -> Option<Next> {
        match self.shared.settings.fault {
            Fault::RefuseMail => return say(stream, "554 5.7.1 not from you").await,
            Fault::EndlessLine => loop {
                stream.write_all(&[b'x'; 1024]).await.ok()?;
            },
            _ => {}
        }
        if self.mail.is_some() {
            return say(stream, "503 5.5.1 nested MAIL").await;
        }
        self.mail = Some(line.to_string());
        say(stream, "250 2.1.0 ok").await
    }

    async fn rcpt(&mut self, stream: &mut impl Stream, line: &str) -> Option<Next> {
        let settings = &self.shared.settings;
        if self.mail.is_none() {
            return say(stream, "503 5.5.1 MAIL first").await;
        }
        if matches!(settings.fault, Fault::TemporaryRcpt(_)) && self.shared.fault_is_due() {
            return say(stream, "450 4.2.0 greylisted").await;
        }
        if !settings.refuse.is_empty() && line.contains(&settings.refuse) {
            return say(stream, "550 5.1.1 no such user").await;
        }
        self.recipients.push(line.to_string());
        say(stream, "250 2.1.5 ok").await
    }

    async fn data(&mut self, stream: &mut impl Stream) -> Option<Next> {
        if self.recipients.is_empty() {
            return say(stream, "554 5.5.1 no valid recipients").await;
        }
        say(stream, "354 go ahead").await?;
        if matches!(self.shared.settings.fault, Fault::CloseInData(_)) && self.shared.fault_is_due() {
            let mut some = [0; 256];
            let _ = stream.read(&mut some).await;
            return Some(Next::Close);
        }
        let mut octets = Vec::new();
        loop {
            let line = match self.shared.settings.ends_at_lf {
                true => self.line_or_false_end(stream).await?,
                false => self.raw_line(stream).await?,
            };
            if line == b".\r\n" {
                break;
            }
            octets.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        self.end(stream, octets).await
    }

    async fn end(&mut self, stream: &mut impl Stream, octets: Vec<u8>) -> Option<Next> {
        let fault = self.shared.settings.fault;
        match fault {
            Fault::CloseAfterData => return Some(Next::Close),
            Fault::Stall(".") => return std::future::pending().await,
            _ => {}
        }
        if let Some(reply) = self.shared.settings.reply(".").map(str::to_string) {
            self.reset();
            return say(stream, &reply).await;
        }
        let full = self.shared.settings.full.clone();
        let is_full = |recipient: &String| self.shared.settings.lmtp && !full.is_empty() && recipient.contains(&full);
        let replies: Vec<&str> =
            self.recipients.iter().map(|recipient| if is_full(recipient) { "452 4.2.2 mailbox full" } else { "250 2.6.0 taken" }).collect();
        let recipients: Vec<String> = self.recipients.iter().filter(|recipient| !is_full(recipient)).cloned().collect();
        let taken = Taken { mail: self.mail.take().unwrap_or_default(), recipients, octets, tls: self.tls, connection: self.number };
        if !taken.recipients.is_empty() {
            self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
        }
        if fault == Fault::TakeAndClose && self.shared.fault_is_due() {
            return Some(Next::Close);
        }
        let text = if self.shared.settings.lmtp { replies.join("\r\n") } else { "250 2.6.0 taken".to_string() };
        self.reset();
        say(stream, &text).await?;
        Some(if fault == Fault::CloseWhenIdle { Next::Close } else { Next::Command })
    }

    /// As `raw_line`, but whatever stands before a dot between bare line feeds is thrown away and the dot ends the message.
    async fn line_or_false_end(&mut self, stream: &mut impl Stream) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.input.windows(3).position(|three| three == b"\n.\n") {
                self.input.drain(..at + 3);
                return Some(b".\r\n".to_vec());
            }
            if let Some(at) = self.input.windows(2).position(|two| two == b"\r\n") {
                return Some(self.input.drain(..at + 2).collect());
            }
            let mut some = [0; 16_384];
            let read = stream.read(&mut some).await.ok()?;
            if read == 0 {
                return None;
            }
            self.input.extend_from_slice(&some[..read]);
        }
    }

    async fn line(&mut self, stream: &mut impl Stream) -> Option<String> {
        let line = self.raw_line(stream).await?;
        Some(String::from_utf8_lossy(line.strip_suffix(b"\r\n").unwrap_or(&line)).into_owned())
    }

    /// One line with its CRLF. A bare LF ends no line here: this is the strict end of any smuggling.
    async fn raw_line(&mut self, stream: &mut impl Stream) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.input.windows(2).position(|two| two == b"\r\n") {
                return Some(self.input.drain(..at + 2).collect());
            }
            let mut some = [0; 16_384];
            let read = stream.read(&mut some).await.ok()?;
            if read == 0 {
                return None;
            }
            self.input.extend_from_slice(&some[..read]);
        }
    }
}

impl Shared {
    fn fault_is_due(&self) -> bool {
        self.faults.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// Writes a reply.
async fn say(stream: &mut impl Stream, text: &str) -> Option<Next> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    Some(Next::Command)
}
