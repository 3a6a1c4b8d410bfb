//! Validation of a connector: connects as delivery would, and keeps every line that is said.
//!
//! In: a connector, saved or not, and an address to try. Out: [`Validation`]: for each host the steps with their results, the dialogue
//! with secrets masked, and what TLS came to. Invariant: it ends within [`HOSTS_WITHIN`] twice and [`MANNERS_WITHIN`],
//! goes only where delivery would go (private addresses where the connector allows them) and only to ports in [`may_connect_to`]; no mail
//! is sent unless asked for, or taken by a server that can be smuggled past.
//! Not here: who may ask for it, and how often (`web::connector`).

mod manners;
mod talk;

use super::certificate::Certificate;
use super::route::{Hop, host_port};
use super::{Courier, certificate};
use crate::directory::{ConnectorSettings, Protocol};
use crate::queue::LaneKey;
use futures_util::future::join_all;
use mail::{Address, MailId};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use talk::Talk;

/// All hosts at once may take this long; the test mail as long again.
pub const HOSTS_WITHIN: Duration = Duration::from_secs(12);
/// Finding out how they behave, as much again without reaching the limit of a request.
pub const MANNERS_WITHIN: Duration = Duration::from_secs(10);
/// Ports that mail servers listen on. Anything else only when it is saved in the connector already.
pub const MAIL_PORTS: [u16; 5] = [25, 465, 587, 24, 2525];

/// Whether this connector may be tried: every port is one of mail, or one that was saved before.
pub fn may_connect_to(connector: &ConnectorSettings, saved: Option<&ConnectorSettings>) -> bool {
    let port = |written: &String| host_port(written, connector.protocol).1;
    let known = |wanted: u16| saved.is_some_and(|saved| saved.hosts.iter().any(|written| host_port(written, saved.protocol).1 == wanted));
    connector.hosts.iter().map(port).all(|wanted| MAIL_PORTS.contains(&wanted) || known(wanted))
}

/// What is tried.
#[derive(Debug, Clone)]
pub struct Wish {
    pub connector: ConnectorSettings,
    /// The address that RCPT asks about.
    pub recipient: Option<Address>,
    /// Send a test mail to it.
    pub send: bool,
    /// Find out how the server behaves besides; with the largest message that we take, in octets.
    pub manners: Option<u64>,
    /// Text of the test mail's subject and body.
    pub subject: String,
    pub text: String,
    /// Unix milliseconds.
    pub now_ms: i64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Validation {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Why there is no host to try; empty when there is.
    pub no_host: String,
    pub hosts: Vec<Host>,
    /// The connection over which the test mail went.
    pub sent: Option<Host>,
}

/// One host that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Host {
    pub name: String,
    /// Address and port.
    pub address: String,
    pub steps: Vec<Step>,
    pub lines: Vec<Line>,
    pub tls: Option<TlsFacts>,
    /// As EHLO said; 0: no limit named.
    pub size_max: u64,
    pub ms: u32,
}

/// One step of the way to a delivered mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub what: What,
    pub result: StepResult,
    /// Why, as a word for translation: "ok", "no-answer", "name", …
    pub why: String,
    /// What the server said, or a figure.
    pub detail: String,
    /// How long it took.
    #[serde(default)]
    pub ms: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    Connect,
    Greeting,
    Hello,
    Tls,
    Certificate,
    Login,
    Sender,
    Recipient,
    Mail,
    /// How long it lets us wait.
    Pace,
    /// The largest message it takes.
    Size,
    /// Whether it takes mail for strangers from us.
    Relay,
    /// Whether it takes mail for addresses that nobody has.
    Anybody,
    /// Where it sees the end of a message.
    Smuggling,
}

impl What {
    pub fn name(self) -> &'static str {
        match self {
            What::Connect => "connect",
            What::Greeting => "greeting",
            What::Hello => "hello",
            What::Tls => "tls",
            What::Certificate => "certificate",
            What::Login => "login",
            What::Sender => "sender",
            What::Recipient => "recipient",
            What::Mail => "mail",
            What::Pace => "pace",
            What::Size => "size",
            What::Relay => "relay",
            What::Anybody => "anybody",
            What::Smuggling => "smuggling",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    Ok,
    /// Works, and could be better.
    Advice,
    Problem,
    CannotTell,
}

impl StepResult {
    pub fn name(self) -> &'static str {
        match self {
            StepResult::Ok => "ok",
            StepResult::Advice => "advice",
            StepResult::Problem => "problem",
            StepResult::CannotTell => "cannot-tell",
        }
    }
}

/// One line of the dialogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since the connection was begun.
    pub ms: u32,
    pub who: Who,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    We,
    They,
    /// Neither: TLS began, the connection was lost.
    Note,
}

impl Who {
    pub fn name(self) -> &'static str {
        match self {
            Who::We => "we",
            Who::They => "they",
            Who::Note => "note",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFacts {
    pub version: String,
    pub cipher: String,
    /// The server's own first.
    pub chain: Vec<Certificate>,
}

impl Host {
    pub fn is_ok(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| matches!(step.result, StepResult::Ok | StepResult::Advice))
    }
}

impl Validation {
    /// The worst of its steps.
    pub fn result(&self) -> StepResult {
        let all = self.hosts.iter().chain(&self.sent).flat_map(|host| &host.steps).map(|step| step.result);
        let has = |wanted| all.clone().any(|result| result == wanted);
        match () {
            () if !self.no_host.is_empty() || self.hosts.is_empty() || has(StepResult::Problem) => StepResult::Problem,
            () if has(StepResult::CannotTell) => StepResult::CannotTell,
            () if has(StepResult::Advice) => StepResult::Advice,
            () => StepResult::Ok,
        }
    }
}

/// Tries every host of a connector. Never fails: what went wrong is in the steps.
pub async fn validate(courier: &Courier, wish: &Wish) -> Validation {
    let mut done = Validation { at_ms: wish.now_ms, ..Validation::default() };
    if wish.connector.protocol == Protocol::Folder {
        done.hosts.push(folder(&wish.connector.folder));
        return done;
    }
    let hops = match hops(courier, wish).await {
        Ok(hops) => hops,
        Err(why) => {
            done.no_host = why;
            return done;
        }
    };
    done.hosts = join_all(hops.iter().map(|hop| try_host(courier, wish, hop, (false, false)))).await;
    let working = hops.iter().zip(&done.hosts).find(|(_, host)| host.is_ok()).map(|(hop, _)| hop);
    if let (true, Some(hop)) = (wish.send && wish.recipient.is_some(), working) {
        done.sent = Some(try_host(courier, wish, hop, (true, false)).await);
    }
    if let Some(octets_max) = wish.manners {
        let working = hops.iter().zip(&mut done.hosts).filter(|(_, host)| host.is_ok());
        join_all(working.map(|(hop, host)| look_at_manners(courier, wish, (hop, host), octets_max))).await;
    }
    done
}

/// Adds what it finds to the host.
async fn look_at_manners(courier: &Courier, wish: &Wish, (hop, host): (&Hop, &mut Host), octets_max: u64) {
    let started = Instant::now();
    let mut talk = Talk::new(courier, wish, hop, started);
    talk.host.size_max = host.size_max;
    // A server that keeps us too long is left with what is known by then.
    if tokio::time::timeout(MANNERS_WITHIN, talk.behave(octets_max)).await.is_err() {
        talk.step(What::Pace, StepResult::Advice, "slow", "");
    }
    host.steps.append(&mut talk.host.steps);
    host.lines.append(&mut talk.host.lines);
    host.ms = host.ms.saturating_add(u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX));
}

/// Tries hosts that were looked up already, all at once, in the order given. No mail is sent. The caller has seen to it that we may
/// connect to each. Here a host may be this very server: somebody tries their own domain from the inside.
pub async fn try_hops(courier: &Courier, wish: &Wish, hops: &[Hop]) -> Vec<Host> {
    join_all(hops.iter().map(|hop| try_host(courier, wish, hop, (false, true)))).await
}

async fn hops(courier: &Courier, wish: &Wish) -> Result<Vec<Hop>, String> {
    let router = courier.router(MailId(0));
    let found = match (wish.connector.hosts.is_empty(), &wish.recipient) {
        (false, _) => router.hops(&LaneKey::Connector(wish.connector.name.as_str().into()), &wish.connector).await,
        (true, Some(recipient)) => router.domain_hops(recipient.domain()).await,
        (true, None) => return Err("name an address: this connector goes by the MX records of the recipient's domain".into()),
    };
    found.map_err(|why| why.to_string())
}

async fn try_host(courier: &Courier, wish: &Wish, hop: &Hop, (send, may_be_us): (bool, bool)) -> Host {
    let started = Instant::now();
    let mut talk = Talk::new(courier, wish, hop, started);
    talk.may_be_us = may_be_us;
    let ended = tokio::time::timeout(HOSTS_WITHIN, talk.run(send)).await;
    if ended.is_err() {
        talk.ran_out_of_time();
    }
    let mut host = talk.host;
    host.ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    host
}

/// Protocol "folder": there is nobody to talk to; the folder can be written or not.
fn folder(path: &str) -> Host {
    let step = match std::fs::create_dir_all(path) {
        Ok(()) => Step { what: What::Connect, result: StepResult::Ok, why: "folder".into(), detail: path.into(), ms: 0 },
        Err(why) => {
            let why = why.to_string();
            Step { what: What::Connect, result: StepResult::Problem, why: "folder-unwritable".into(), detail: why, ms: 0 }
        }
    };
    Host { name: path.into(), steps: vec![step], ..Host::default() }
}

/// The chain as people read it.
fn read_chain(chain: &[rustls::pki_types::CertificateDer<'static>]) -> Vec<Certificate> {
    const CHAIN_MAX: usize = 10;
    chain.iter().take(CHAIN_MAX).map(|der| certificate::Certificate::read(der)).collect()
}
