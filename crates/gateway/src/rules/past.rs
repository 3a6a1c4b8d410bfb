//! A mail of the past, or one that somebody pastes, in the shape in which rules see mail: for tests of a draft and for replay.

use super::Facts;
use crate::directory::Directory;
use crate::receipt::Receipt;
use bytes::Bytes;
use detect::{Class, Verdict};
use mail::auth::{self, AuthResults, Composite, CompositeResult, DkimResult, Dmarc, DmarcPolicy, DmarcResult, Spf, SpfResult};
use mail::envelope::{BodyType, Envelope, EnvelopeRecipient, Notify, Peer, Reverse};
use mail::message::Budget;
use mail::{Address, Mail, Message, OrgId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// One mail, complete as far as it is kept.
#[derive(Debug, Clone)]
pub struct Past {
    peer: Peer,
    envelope: Envelope,
    message: Message,
    auth: AuthResults,
    verdict: Verdict,
    at_ms: i64,
    octets: u64,
    has_content: bool,
    is_judged: bool,
}

impl Past {
    /// From its receipt, and its octets while they are kept.
    pub fn of_receipt(receipt: &Receipt, octets: Option<Bytes>) -> Past {
        let has_content = octets.is_some();
        let octets = octets.unwrap_or_else(|| header_only(receipt).into());
        Past {
            peer: peer(receipt.connection.ip, &receipt.connection.helo),
            envelope: envelope(&receipt.envelope.sender, &receipt.envelope.recipients),
            message: Message::parse(octets, &Budget::default()),
            auth: receipt.auth.clone(),
            verdict: receipt.verdict.clone(),
            at_ms: receipt.at_ms,
            octets: receipt.header.octets,
            has_content,
            is_judged: true,
        }
    }

    /// From pasted octets. Without recipients those of To and Cc are taken; without a sender that of From.
    pub fn pasted(octets: Bytes, sender: &str, recipients: &[String], now_ms: i64) -> Past {
        let octets = with_line_ends(octets);
        let message = Message::parse(octets.clone(), &Budget::default());
        let named = ["to", "cc"].iter().flat_map(|field| message.all(field).collect::<Vec<_>>()).flat_map(mail::address::mailboxes);
        let named: Vec<String> = named.map(|(_, address)| address.to_string()).take(RECIPIENTS_MAX).collect();
        let sender =
            if sender.is_empty() { message.from.address().map(ToString::to_string).unwrap_or_default() } else { sender.to_string() };
        Past {
            peer: peer(IpAddr::V4(Ipv4Addr::UNSPECIFIED), "pasted"),
            envelope: envelope(&sender, if recipients.is_empty() { &named } else { recipients }),
            octets: octets.len() as u64,
            message,
            auth: nothing_authenticated(),
            verdict: Verdict {
                class: Class::Clean,
                runner_up: Class::Clean,
                scl: 0,
                bcl: 0,
                spam_probability: 0.0,
                phish_probability: 0.0,
                decided_by: None,
            },
            at_ms: now_ms,
            has_content: true,
            is_judged: false,
        }
    }

    /// As rules see it.
    pub fn facts<'a>(&'a self, directory: &'a Directory, org: OrgId) -> Facts<'a> {
        Facts {
            mail: Mail { peer: &self.peer, envelope: &self.envelope, message: &self.message, now_ms: self.at_ms },
            directory,
            org,
            auth: &self.auth,
            verdict: &self.verdict,
            is_receipt_only: !self.has_content,
            is_unjudged: !self.is_judged,
            is_outbound: false,
            octets: self.octets,
        }
    }

    pub fn has_content(&self) -> bool {
        self.has_content
    }

    pub fn octets(&self) -> &Bytes {
        self.message.raw()
    }
}

/// Recipients of one past mail that are asked about.
const RECIPIENTS_MAX: usize = 1_000;

/// A message of what the receipt keeps of it.
fn header_only(receipt: &Receipt) -> String {
    let line = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    let subject = crate::delivery::encoded_words(&receipt.header.subject);
    let from = Some(line(&receipt.header.from)).filter(|from| !from.is_empty()).map(|from| format!("From: <{from}>\r\n"));
    format!("{}Subject:{subject}\r\n\r\n", from.unwrap_or_default())
}

/// What people paste has the line ends of their editor.
fn with_line_ends(octets: Bytes) -> Bytes {
    if memchr::memmem::find(&octets, b"\r\n").is_some() || memchr::memchr(b'\n', &octets).is_none() {
        return octets;
    }
    let lines: Vec<&[u8]> = octets.split(|octet| *octet == b'\n').collect();
    lines.join(&b"\r\n"[..]).into()
}

fn peer(ip: IpAddr, helo: &str) -> Peer {
    let local = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 25));
    Peer { ip, port: 0, local, reverse: Reverse::NotAsked, helo: helo.into(), esmtp: true, tls: None, authenticated: None, via: None }
}

fn envelope(sender: &str, recipients: &[String]) -> Envelope {
    let parsed = recipients.iter().take(RECIPIENTS_MAX).filter_map(|one| Address::parse(one).ok());
    Envelope {
        sender: Address::parse(sender).ok(),
        recipients: parsed.map(|address| EnvelopeRecipient { address, notify: Notify::default(), orcpt: None }).collect(),
        smtputf8: false,
        body: BodyType::EightBit,
        require_tls: false,
        ret: None,
        envid: None,
    }
}

fn nothing_authenticated() -> AuthResults {
    AuthResults {
        spf: Spf { result: SpfResult::None, domain: String::new(), by_helo: false, why: String::new() },
        dkim: Vec::new(),
        dmarc: Dmarc {
            result: DmarcResult::None,
            domain: String::new(),
            policy_domain: None,
            policy: DmarcPolicy::None,
            sampled_out: false,
            why: String::new(),
        },
        arc: auth::Arc { result: DkimResult::None, instances: 0, sealer: None, trusted: false, why: String::new() },
        composite: Composite { result: CompositeResult::None, reason: 0 },
        dns_lookups: 0,
    }
}
