//! What intake hands over: one mail, complete, with what becomes of each recipient.

use bytes::Bytes;
use mail::envelope::{BodyType, Notify, Ret};
use mail::{MailId, OrgId};
use std::sync::Arc;

/// One mail as it goes into the store. The octets are complete but for per-recipient edits.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub id: MailId,
    pub org: OrgId,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// '' is the null reverse-path.
    pub sender: String,
    pub extras: EnvelopeExtras,
    /// Our trace header and the message as received.
    pub octets: Bytes,
    pub recipients: Vec<Recipient>,
}

/// What delivery and DSNs need beyond sender and recipients; stored as JSON in `mail.envelope`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EnvelopeExtras {
    pub smtputf8: bool,
    pub eight_bit: bool,
    pub require_tls: bool,
    /// A mail flow rule wants TLS on every connection, with any certificate.
    #[serde(default)]
    pub tls_by_rule: bool,
    /// The message says "TLS-Required: No": policies of the recipients' domains do not count (RFC 8689 §3).
    #[serde(default)]
    pub tls_optional: bool,
    /// "full", "hdrs" or ""
    pub ret: String,
    pub envid: String,
    /// Language for notices to the sender: "en" or "zh-CN".
    pub language: String,
    /// The mail is ours (a DSN, a notice): never bounced again.
    pub is_notice: bool,
}

/// What becomes of one recipient: a row of `recipient`.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipient {
    pub n: i64,
    /// Where it goes.
    pub address: String,
    /// As the peer gave it.
    pub original: String,
    pub fate: Fate,
    pub edits: Edits,
    pub dsn: DsnWish,
    /// Connector name; '' is MX.
    pub route: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// To be delivered now.
    Queued,
    /// In quarantine until this time (Unix milliseconds).
    Held { until_ms: i64 },
    /// Dropped because a policy or rule says so.
    Deleted,
    /// The server that asked us has it still and delivers it; who that is, for the trace.
    HandedBack { by: Arc<str> },
}

impl Fate {
    /// We need the octets for it.
    pub fn needs_body(&self) -> bool {
        matches!(self, Fate::Queued | Fate::Held { .. })
    }
}

impl Accepted {
    pub fn needs_body(&self) -> bool {
        self.recipients.iter().any(|recipient| recipient.fate.needs_body())
    }
}

/// Changes for one recipient: header lines put above the message, words put before the subject.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Edits {
    /// Complete header lines, each ending in CRLF, shared by recipients of one policy.
    pub headers: Arc<str>,
    pub subject_prefix: Arc<str>,
}

/// RFC 3461 wishes of one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DsnWish {
    pub success: bool,
    pub failure: bool,
    pub delay: bool,
    pub given: bool,
    pub orcpt: String,
}

impl DsnWish {
    pub fn new(notify: Notify, orcpt: Option<&str>) -> DsnWish {
        DsnWish {
            success: notify.success,
            failure: notify.failure,
            delay: notify.delay,
            given: notify.given,
            orcpt: orcpt.unwrap_or_default().to_string(),
        }
    }
}

impl EnvelopeExtras {
    /// Policies of the recipients' domains do not count for this mail. What asks for TLS goes before (RFC 8689 §3).
    pub fn waives_tls(&self) -> bool {
        self.tls_optional && !self.require_tls && !self.tls_by_rule
    }

    pub fn new(envelope: &mail::Envelope, language: &str) -> EnvelopeExtras {
        EnvelopeExtras {
            smtputf8: envelope.smtputf8,
            eight_bit: envelope.body == BodyType::EightBit,
            require_tls: envelope.require_tls,
            tls_by_rule: false,
            tls_optional: false,
            ret: match envelope.ret {
                Some(Ret::Full) => "full",
                Some(Ret::Headers) => "hdrs",
                None => "",
            }
            .to_string(),
            envid: envelope.envid.clone().unwrap_or_default(),
            language: language.to_string(),
            is_notice: false,
        }
    }
}
