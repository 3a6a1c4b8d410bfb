//! The JSON of a receipt. What is serialised is promised: fields are added, never changed.

use crate::policy::{Considered, Decision};
use crate::reputation::Behind;
use crate::rules::RuleNote;
use detect::{Class, Finding, Verdict};
use mail::auth::AuthResults;
use mail::message::{Defect, Spent};
use mail::{Envelope, Mail, MailId, Peer};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    pub version: u32,
    pub mail: MailId,
    pub at_ms: i64,
    pub connection: Connection,
    pub envelope: EnvelopeShape,
    pub header: HeaderDigest,
    pub auth: AuthResults,
    pub findings: Vec<Finding>,
    pub defects: Vec<Defect>,
    /// Natural log-odds of the classifier before findings.
    pub spam_log_odds: f32,
    pub phish_log_odds: f32,
    pub verdict: Verdict,
    /// Who stands behind the mail, as reputation counts it.
    #[serde(default)]
    pub behind: Behind,
    pub recipients: Vec<Decided>,
    /// Mail flow rules that were looked at, in order: what each did, or why it did not apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleNote>,
    /// The mail it came in with, when rules change the message differently for some recipients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_from: Option<MailId>,
    /// The reply that refused the mail; empty when it was taken.
    pub refused: String,
    pub spent: Spent,
    pub steps: Vec<Step>,
    pub versions: Versions,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub ip: std::net::IpAddr,
    pub ptr: Option<String>,
    pub helo: String,
    /// "TLSv1.3 TLS13_AES_256_GCM_SHA384"; empty without TLS.
    pub tls: String,
    pub login: String,
    /// The gateway in front of us that handed the mail over, when `ip` is the address behind it; empty: nobody stood between.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub via: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeShape {
    pub sender: String,
    pub recipients: Vec<String>,
}

/// The header fields the decision looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderDigest {
    pub from: String,
    pub subject: String,
    pub message_id: String,
    pub octets: u64,
    /// SHA-256 of the octets as received, in hex.
    pub sha256: String,
    /// When it was written, as its Date says, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_ms: Option<i64>,
}

/// One recipient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    pub address: String,
    pub policy: String,
    /// "none", "junk", "quarantine", …
    pub action: crate::policy::PolicyAction,
    pub class: Class,
    pub scl: i8,
    pub considered: Vec<Considered>,
}

/// Time one step took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    pub micros: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    pub code: String,
    pub model: String,
}

impl Receipt {
    /// Says through which gateway in front of us the mail came, when its source is another address.
    pub fn handed_by(mut self, peer: &Peer) -> Receipt {
        if peer.ip != self.connection.ip {
            self.connection.via = peer.ip.to_string();
        }
        self
    }
}

impl Connection {
    pub fn new(peer: &Peer) -> Connection {
        Connection {
            ip: peer.ip,
            ptr: peer.reverse.name().map(str::to_string),
            helo: peer.helo.clone(),
            tls: peer.tls.as_ref().map(|tls| format!("{} {}", tls.version, tls.cipher)).unwrap_or_default(),
            login: peer.authenticated.clone().unwrap_or_default(),
            via: peer.via.map(|server| server.to_string()).unwrap_or_default(),
        }
    }
}

impl EnvelopeShape {
    pub fn new(envelope: &Envelope) -> EnvelopeShape {
        EnvelopeShape {
            sender: envelope.sender.as_ref().map(ToString::to_string).unwrap_or_default(),
            recipients: envelope.recipients.iter().map(|recipient| recipient.address.to_string()).collect(),
        }
    }
}

impl HeaderDigest {
    pub fn new(mail: Mail<'_>) -> HeaderDigest {
        let message = mail.message;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message.raw());
        HeaderDigest {
            from: message.from.address().map(ToString::to_string).unwrap_or_default(),
            subject: message.subject.chars().take(SUBJECT_CHARS_MAX).collect(),
            message_id: message.message_id.clone().unwrap_or_default(),
            octets: message.raw().len() as u64,
            sha256: hex(digest.as_ref()),
            written_ms: message.date_ms,
        }
    }
}

/// `service.md` §1.5: subjects in the trace are kept to 256 characters.
const SUBJECT_CHARS_MAX: usize = 256;

impl Decided {
    pub fn new(address: String, decision: &Decision) -> Decided {
        Decided {
            address,
            policy: decision.policy.name.clone(),
            action: decision.action,
            class: decision.class,
            scl: decision.scl,
            considered: decision.considered.clone(),
        }
    }
}

fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(octets.len() * 2);
    for octet in octets {
        out.push(DIGITS[usize::from(octet >> 4)] as char);
        out.push(DIGITS[usize::from(octet & 15)] as char);
    }
    out
}
