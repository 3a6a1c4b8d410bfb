//! A running listener whose host answers by a script and writes down what it was given.

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use gateway::connection::settings::{Addresses, LimitSettings, ListenSettings, TlsSettings};
use gateway::connection::stop::{Stopper, stop};
use gateway::connection::tls::Keys;
use gateway::connection::{Running, Setup, listen};
use gateway::intake::Room;
use gateway::session::{Host, Stage};
use gateway::settings::Span;
use mail::dns::Zone;
use mail::envelope::{Envelope, EnvelopeRecipient, Peer};
use mail::smtp::{MailFrom, Reply};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// Which listener a dialogue talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Submission,
    SubmissionTls,
    Xclient,
    Xforward,
    Proxy,
}

pub struct Gate {
    pub address: SocketAddr,
    pub host: Arc<Script>,
    running: Running,
    stopper: Stopper,
}

#[derive(Debug, Default)]
pub struct Script {
    pub mails: Mutex<Vec<(Peer, Envelope, Bytes)>>,
    pub refusals: Mutex<Vec<(Stage, Reply)>>,
}

impl Gate {
    pub async fn start(kind: Kind) -> Gate {
        Gate::with(kind, limits()).await
    }

    pub async fn with(kind: Kind, limits: LimitSettings) -> Gate {
        let host = Arc::new(Script::default());
        let (stopper, stop) = stop();
        let setup = Setup { listen: listen_settings(kind), limits, keys: keys(), dns: Arc::new(zone()) };
        let running = listen(setup, host.clone(), stop).await.expect("a free port");
        let address = running.addresses()[0].1;
        Gate { address, host, running, stopper }
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    pub async fn stop(self) -> Arc<Script> {
        self.stopper.stop();
        self.running.finished().await;
        self.host
    }
}

pub fn listen_settings(kind: Kind) -> ListenSettings {
    let here = || Addresses(vec![SocketAddr::from(([127, 0, 0, 1], 0))]);
    let network = || gateway::settings::Networks(vec!["127.0.0.0/8".parse().expect("a network")]);
    let mut listen = ListenSettings {
        name: "gate.example".to_string(),
        smtp: Addresses::default(),
        greeting_delay: Span::ms(60),
        stop_within: Span::seconds(5),
        ..ListenSettings::default()
    };
    match kind {
        Kind::Plain => listen.smtp = here(),
        Kind::Submission => listen.submission = here(),
        Kind::SubmissionTls => listen.submission_tls = here(),
        Kind::Xclient => (listen.smtp, listen.xclient) = (here(), network()),
        Kind::Xforward => (listen.smtp, listen.xforward) = (here(), network()),
        Kind::Proxy => (listen.smtp, listen.proxy) = (here(), network()),
    }
    listen
}

/// Small enough for the dialogues to reach.
pub fn limits() -> LimitSettings {
    LimitSettings {
        message_octets_max: 100_000,
        recipients_max: 5,
        mails_per_session_max: 6,
        errors_max: 15,
        recipients_refused_max: 8,
        idle_commands_max: 20,
        sign_in_delay: Span::ms(1),
        ..LimitSettings::default()
    }
}

pub fn keys() -> Option<Arc<Keys>> {
    Keys::from_settings(&TlsSettings::default(), "gate.example").expect("a certificate of our own")
}

fn zone() -> Zone {
    use mail::dns::Record;
    let mut zone = Zone::new();
    zone.add("7.2.0.192.in-addr.arpa", Record::Ptr("mx.client.example".into()));
    zone.add("mx.client.example", Record::A([192, 0, 2, 7].into()));
    zone
}

impl Host for Script {
    fn connected<'a>(&'a self, peer: &'a Peer) -> BoxFuture<'a, Result<(), Reply>> {
        let is_blocked = peer.ip.to_string() == "192.0.2.66";
        Box::pin(ready(if is_blocked { Err(Reply::new(554, (5, 7, 1), "blocked")) } else { Ok(()) }))
    }

    fn sign_in<'a>(&'a self, _: &'a Peer, login: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool, Reply>> {
        Box::pin(ready(match login {
            "broken" => Err(Reply::new(454, (4, 7, 0), "the directory is away")),
            _ => Ok(login == "alice" && password == "secret"),
        }))
    }

    fn sender<'a>(&'a self, _: &'a Peer, mail: &'a MailFrom) -> BoxFuture<'a, Result<(), Reply>> {
        Box::pin(ready(match mail.sender.as_ref().map(mail::Address::local) {
            Some("refused") => Err(Reply::new(550, (5, 7, 1), "not from you")),
            Some("bye") => Err(Reply::new(421, (4, 3, 0), "good bye")),
            Some("panic") => panic!("a fault of the host, made by a test"),
            _ => Ok(()),
        }))
    }

    fn recipient<'a>(&'a self, _: &'a Peer, _: &'a Envelope, next: &'a EnvelopeRecipient) -> BoxFuture<'a, Result<(), Reply>> {
        Box::pin(ready(match next.address.local() {
            "nobody" => Err(Reply::new(550, (5, 4, 1), "Recipient address rejected: Access denied")),
            "later" => Err(Reply::new(451, (4, 3, 0), "try again")),
            _ => Ok(()),
        }))
    }

    fn room_ahead(&self, _octets: usize) -> Option<Room> {
        None
    }

    fn receive<'a>(&'a self, peer: &'a Peer, envelope: Envelope, raw: Bytes, _ahead: Option<Room>) -> BoxFuture<'a, Reply> {
        let text = format!(
            "{} octets, {} recipients, ip {}, helo {}, {}, tls {}, login {}, ptr {}",
            raw.len(),
            envelope.recipients.len(),
            peer.ip,
            peer.helo,
            if peer.esmtp { "ESMTP" } else { "SMTP" },
            peer.tls.as_ref().map_or("-".to_string(), |tls| format!("{} {}", tls.version, tls.cipher)),
            peer.authenticated.as_deref().unwrap_or("-"),
            peer.reverse.name().unwrap_or("-"),
        );
        if raw.starts_with(b"reject") {
            return Box::pin(ready(Reply::new(550, (5, 7, 1), "not this")));
        }
        self.mails.lock().expect("no panic while held").push((peer.clone(), envelope, raw));
        Box::pin(ready(Reply::new(250, (2, 0, 0), text)))
    }

    fn refused(&self, _: &Peer, _: Option<&Envelope>, stage: Stage, reply: &mut Reply) {
        self.refusals.lock().expect("no panic while held").push((stage, reply.clone()));
    }
}
