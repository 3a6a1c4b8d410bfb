//! Trying a connector as delivery would, and what comes of it.

use super::reply;
use crate::page::Say;
use crate::troubleshoot::cause::Cause;
use crate::troubleshoot::fix::{self, ConnectorChange, Fix};
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use gateway::delivery::validate::{self, Host, Step, StepResult, Validation, What, Wish, may_connect_to};
use gateway::directory::{ConnectorSettings, TlsLevel};
use mail::Address;
use std::time::Duration;

/// All hosts of one connector: an answer is wanted in seconds.
const TRY_WITHIN: Duration = Duration::from_millis(4_500);

/// What came of trying.
pub enum Tried {
    Done(Box<Validation>),
    /// No answer within [`TRY_WITHIN`].
    Silent,
    /// The connector is not there, or leads to ports that are none of mail.
    Not,
}

/// Connects, and asks about `recipient`; no mail is sent.
pub async fn attempt(ground: &Ground, name: &str, recipient: Option<Address>) -> Tried {
    let Some(connector) = ground.directory.connectors.get(name) else { return Tried::Not };
    if !may_connect_to(connector, Some(connector)) {
        return Tried::Not;
    }
    let wish = Wish {
        connector: ConnectorSettings::clone(connector),
        recipient,
        send: false,
        manners: None,
        subject: String::new(),
        text: String::new(),
        now_ms: ground.now_ms,
    };
    match tokio::time::timeout(TRY_WITHIN, validate::validate(&ground.courier, &wish)).await {
        Ok(validation) => Tried::Done(Box::new(validation)),
        Err(_) => Tried::Silent,
    }
}

/// What is wrong with a connector by having tried it; nothing when it works.
pub fn suspects(ground: &Ground, name: &str, tried: &Tried, strength: Strength) -> Vec<Suspect> {
    let validation = match tried {
        Tried::Not => return Vec::new(),
        Tried::Silent => {
            let say = Say::new("seen-try-silent").with("what", name);
            return vec![Suspect::new(Cause::NextHopDrops, name).seen(strength, say).fix(open(name))];
        }
        Tried::Done(validation) => validation,
    };
    if !validation.no_host.is_empty() {
        let cause = no_host(&validation.no_host);
        let say = Say::new("seen-try").with("what", name).with("detail", validation.no_host.as_str());
        let suspect = Suspect::new(cause, name).detail(validation.no_host.as_str()).seen(strength, say);
        let private = Fix::Connector { name: name.into(), change: ConnectorChange::AllowPrivate };
        let private = (cause == Cause::ConnectorPrivateAddress).then_some(private);
        return vec![suspect.fixes(private).fix(open(name))];
    }
    // One host that works is enough for mail to go.
    if validation.hosts.iter().any(Host::is_ok) {
        return Vec::new();
    }
    let first = validation.hosts.iter().find_map(|host| Some((host, host.steps.iter().find(|step| step.result == StepResult::Problem)?)));
    first.map(|(host, step)| of_step(ground, name, (host, step), strength)).into_iter().collect()
}

/// The router's sentences, as it gives them without their status.
fn no_host(why: &str) -> Cause {
    match () {
        () if why.contains("allow_private") => Cause::ConnectorPrivateAddress,
        () if why.contains("have no address") => Cause::NextHopNoAddress,
        () => Cause::ConnectorMissing,
    }
}

fn open(name: &str) -> Fix {
    fix::open(format!("/connectors/{name}"), "fix-open-connector")
}

fn of_step(ground: &Ground, name: &str, (host, step): (&Host, &Step), strength: Strength) -> Suspect {
    let cause = cause_of(step);
    let detail = if step.detail.is_empty() { step.why.clone() } else { step.detail.clone() };
    let say = Say::new("seen-try-step")
        .with("what", name)
        .with("host", format!("{} {}", host.name, host.address).trim().to_string())
        .with("step", step.what.name())
        .with("detail", detail.as_str());
    let suspect = Suspect::new(cause, name).detail(detail).seen(strength, say);
    let changes = changes(ground, name, host, step);
    suspect.fixes(changes.into_iter().map(|change| Fix::Connector { name: name.into(), change })).fix(open(name))
}

fn cause_of(step: &Step) -> Cause {
    match (step.what, step.why.as_str()) {
        (_, "ourselves") => Cause::LoopsToUs,
        (_, "no-smtp") | (What::Hello, "no-lmtp") => Cause::NextHopNotSmtp,
        (What::Connect, _) => Cause::NextHopUnreachable,
        (What::Tls, "not-offered") => Cause::NextHopNoTls,
        (What::Tls, _) => Cause::NextHopTlsBroken,
        (What::Certificate, _) => Cause::NextHopCertificate,
        (What::Login, _) => Cause::NextHopLogin,
        (_, "no-answer" | "closed" | "injected") => Cause::NextHopDrops,
        (What::Greeting, _) => match reply::cause("next hop", &step.detail) {
            Cause::NextHopSaysNo | Cause::NextHopTrouble => Cause::NextHopBusy,
            cause => cause,
        },
        _ => reply::cause("next hop", &step.detail),
    }
}

/// Settings of ours that would let mail go again. What weakens protection stands last, and says so.
fn changes(ground: &Ground, name: &str, host: &Host, step: &Step) -> Vec<ConnectorChange> {
    let Some(connector) = ground.directory.connectors.get(name) else { return Vec::new() };
    let own = host.tls.as_ref().and_then(|tls| tls.chain.first());
    match (step.what, step.why.as_str()) {
        (What::Tls, "not-offered") => vec![ConnectorChange::Tls { level: "opportunistic".into() }],
        (What::Tls, _) if connector.tls == TlsLevel::Opportunistic => vec![ConnectorChange::Tls { level: "off".into() }],
        (What::Certificate, "name") => {
            let names = own.map(|own| own.names.clone()).unwrap_or_default();
            names.into_iter().next().map(|name| ConnectorChange::TlsName { name }).into_iter().collect()
        }
        (What::Certificate, "unknown-issuer" | "pin" | "untrusted") => {
            own.map(|own| ConnectorChange::Pin { sha256: own.sha256.clone() }).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// It works now, as evidence against what was wrong before.
pub fn works(name: &str, tried: &Tried) -> Option<Evidence> {
    match tried {
        Tried::Done(validation) if validation.no_host.is_empty() && validation.hosts.iter().any(Host::is_ok) => {
            let host = validation.hosts.iter().find(|host| host.is_ok())?;
            Some(Evidence::new(Strength::Fits, Say::new("seen-try-ok").with("what", name).with("detail", host.address.as_str())))
        }
        _ => None,
    }
}
