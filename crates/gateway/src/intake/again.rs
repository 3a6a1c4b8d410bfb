//! Judging a mail a second time: what the same message would be today, with what was learned and changed since.
//!
//! In: the stored octets and the receipt of the first time, which knows the peer and the envelope. Out: a verdict and its findings.
//! Invariant: nothing is noted anywhere; no reputation, thread or rate learns from it. What only the moment of the connection knew
//! (lists, rates) is taken over from the receipt.

use crate::directory::{Subject, Watch};
use crate::feedback::Deltas;
use crate::policy::{self, Decision};
use crate::receipt::Receipt;
use crate::reputation::{self, Behind, Reputation};
use bytes::Bytes;
use detect::acquaintance::{Acquaintance, Memory};
use detect::{Detector, Finding, Thresholds, Verdict};
use mail::auth::{self, AuthResults, AuthSettings, CompositeResult, SpfResult};
use mail::dns::Dns;
use mail::envelope::{BodyType, Notify, Reverse};
use mail::message::Budget;
use mail::{Address, Envelope, EnvelopeRecipient, Mail, Message, OrgId, Peer};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// How long it may take in all.
const AGAIN_MAX: Duration = Duration::from_secs(20);

/// What judging needs of the running server; cheap to clone.
#[derive(Clone)]
pub struct Again {
    pub detector: Arc<Detector>,
    pub dns: Arc<dyn Dns>,
    pub directory: Arc<Watch>,
    pub deltas: Deltas,
    pub reputation: Reputation,
    pub thresholds: Thresholds,
    /// As [`super::IntakeSettings::trusted_sealers`].
    pub trusted_sealers: Vec<String>,
    pub hostname: String,
}

/// What it would be today.
#[derive(Debug, Clone)]
pub struct Second {
    pub auth: AuthResults,
    pub findings: Vec<Finding>,
    pub verdict: Verdict,
    /// What allow and block entries are compared with.
    pub subject: Subject,
    spam_log_odds: f32,
    phish_log_odds: f32,
}

/// How a mail that did not come through here is said to have come.
#[derive(Debug, Clone, Default)]
pub struct Strange {
    /// The address that handed it over to those who received it; `None`: nobody knows, and nothing is said that would need it.
    pub ip: Option<IpAddr>,
    pub helo: String,
    /// `None` for the null reverse-path.
    pub sender: Option<Address>,
    pub at_ms: i64,
}

/// A mail as it is handed over.
struct Handed {
    peer: Peer,
    envelope: Envelope,
    at_ms: i64,
    /// What the moment of the connection knew.
    of_connection: Vec<Finding>,
    is_peer_known: bool,
}

impl Again {
    /// Judges `octets` of a mail of `org` again; `None` when it took too long.
    pub async fn judge(&self, org: OrgId, receipt: &Receipt, octets: Bytes) -> Option<Second> {
        let message = tokio::task::spawn_blocking(move || Message::parse(octets, &Budget::default())).await.ok()?;
        let of_connection = receipt.findings.iter().filter(|finding| is_of_connection(finding)).cloned().collect();
        // The moment of the first time: signatures and dates are measured against it.
        let (peer, envelope, at_ms) = (peer(receipt), envelope(receipt), receipt.at_ms);
        let handed = Handed { peer, envelope, at_ms, of_connection, is_peer_known: true };
        tokio::time::timeout(AGAIN_MAX, self.judged(org, &handed, &message)).await.ok()
    }

    /// Judges a mail that did not come through here, for `org`; `None` when it took too long.
    pub async fn judge_strange(&self, org: OrgId, strange: &Strange, message: &Message) -> Option<Second> {
        let ip = strange.ip.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let peer = Peer { local: (Ipv4Addr::LOCALHOST, 0).into(), helo: strange.helo.clone(), ..Peer::at(ip) };
        let envelope = Envelope { sender: strange.sender.clone(), ..Envelope::empty() };
        let handed = Handed { peer, envelope, at_ms: strange.at_ms, of_connection: Vec::new(), is_peer_known: strange.ip.is_some() };
        tokio::time::timeout(AGAIN_MAX, self.judged(org, &handed, message)).await.ok()
    }

    /// What the policies of today would do with it for one recipient, mail flow rules left aside.
    pub fn decide(&self, org: OrgId, second: &Second, recipient: &Address, now_ms: i64) -> Decision {
        let evidence = policy::Evidence {
            findings: &second.findings,
            spam_log_odds: second.spam_log_odds,
            phish_log_odds: second.phish_log_odds,
            thresholds: &self.thresholds,
        };
        let question = policy::Question {
            verdict: &second.verdict,
            evidence: Some(evidence),
            auth: &second.auth,
            subject: &second.subject,
            org,
            recipient,
            now_ms,
        };
        policy::decide(&self.directory.snapshot(), question)
    }

    async fn judged(&self, org: OrgId, handed: &Handed, message: &Message) -> Second {
        let (envelope, directory) = (&handed.envelope, self.directory.snapshot());
        let mail = Mail { peer: &handed.peer, envelope, message, now_ms: handed.at_ms };
        let settings = AuthSettings {
            authserv_id: self.hostname.clone(),
            trusted_sealers: self.trusted_sealers.clone(),
            dkim_signatures_max: 10,
            dns_lookups_max: 200,
            own_domains: directory.own_domains.clone(),
        };
        let auth = auth::authenticate(mail, self.dns.as_ref(), &settings).await;
        let known = self.reputation.look(org, &Behind::new(mail, &auth), handed.at_ms).await;
        let acquaintance = Acquaintance {
            address: known.familiarity(reputation::Kind::Author),
            domain: known.familiarity(reputation::Kind::Domain),
            volume: known.volume(),
            ..Acquaintance::default()
        };
        let only = match envelope.recipients.as_slice() {
            [only] => Some(only.address.key()),
            _ => None,
        };
        let memory =
            Memory { acquaintance, deltas: self.deltas.of(org, only.as_deref()), correspondents: self.reputation.correspondents(org) };
        let mut inspected = self.detector.inspect_with(mail, &auth, &directory.surroundings, &memory).await;
        inspected.findings.retain(|finding| !is_of_connection(finding) && (handed.is_peer_known || !needs_peer(finding)));
        inspected.findings.extend(handed.of_connection.iter().cloned());
        inspected.findings.extend(known.findings());
        let log_odds = (inspected.spam_log_odds, inspected.phish_log_odds);
        let verdict = detect::verdict::judge(&inspected.findings, log_odds.0, log_odds.1, inspected.bcl, &self.thresholds);
        let is_authentic = auth.composite.result == CompositeResult::Pass;
        let subject = Subject::new(mail, is_authentic, auth.spf.result == SpfResult::Pass && !auth.spf.by_helo);
        let (spam_log_odds, phish_log_odds) = log_odds;
        Second { auth, findings: inspected.findings, verdict, subject, spam_log_odds, phish_log_odds }
    }
}

/// Lists, names and behaviour of the peer at that time.
fn is_of_connection(finding: &Finding) -> bool {
    finding.check.starts_with("connection.")
}

/// What says that a mail came from the wrong place, which nobody can say who does not know the place.
fn needs_peer(finding: &Finding) -> bool {
    finding.check.starts_with("auth.spf.") || ["auth.dmarc.fail", "auth.composite.fail"].contains(&&*finding.check)
}

fn peer(receipt: &Receipt) -> Peer {
    let connection = &receipt.connection;
    Peer {
        ip: connection.ip,
        port: 0,
        local: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
        reverse: connection.ptr.clone().map_or(Reverse::NotAsked, Reverse::Confirmed),
        helo: connection.helo.clone(),
        esmtp: true,
        tls: None,
        authenticated: Some(connection.login.clone()).filter(|login| !login.is_empty()),
        via: None,
    }
}

fn envelope(receipt: &Receipt) -> Envelope {
    let parsed = |text: &String| Address::parse(text).ok();
    let recipients = receipt.envelope.recipients.iter().filter_map(parsed);
    let recipients = recipients.map(|address| EnvelopeRecipient { address, notify: Notify::default(), orcpt: None });
    Envelope {
        sender: parsed(&receipt.envelope.sender),
        recipients: recipients.collect(),
        smtputf8: false,
        body: BodyType::default(),
        require_tls: false,
        ret: None,
        envid: None,
    }
}
