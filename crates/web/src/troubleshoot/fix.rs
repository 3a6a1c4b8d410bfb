//! What mends a cause: drafts of our own that are applied and taken back on request, and exact texts for what is somebody else's.

use crate::page::Say;
use mail::MailId;
use serde::{Deserialize, Serialize};

/// One thing to do. What begins with a verb of ours is a draft: nothing is done until somebody applies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fix {
    /// Puts a held mail into the queue for its recipients.
    Release { mail: MailId, recipient: String },
    /// Tries waiting mail now.
    Retry { mail: MailId },
    /// An allow entry for a sender, which ends by itself.
    Allow { value: String, scope: String, days: i64 },
    /// Ends an allow or block entry.
    EndEntry { entry: String, name: String },
    /// Switches a mail flow rule off.
    RuleOff { rule: String, name: String },
    /// Registers an address.
    AddRecipient { address: String },
    /// Changes one setting of a connector.
    Connector { name: String, change: ConnectorChange },
    /// A record to publish in DNS, to the letter.
    Publish { name: String, record: String, value: String },
    /// A text to send to whoever can mend it.
    Tell { text: Say },
    /// A page where it is mended.
    Open { path: String, say: Say },
}

/// One setting of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "setting", rename_all = "kebab-case")]
pub enum ConnectorChange {
    /// The next hop may have a private address.
    AllowPrivate,
    /// "off", "opportunistic", "required" or "verified".
    Tls { level: String },
    /// The name that the certificate must carry.
    TlsName { name: String },
    /// The certificate that is shown now, by its SHA-256.
    Pin { sha256: String },
}

impl Fix {
    /// Whether we do it ourselves when asked to.
    pub fn is_ours(&self) -> bool {
        !matches!(self, Fix::Publish { .. } | Fix::Tell { .. } | Fix::Open { .. })
    }

    /// In JSON, and in words `fix-…`.
    pub fn kind(&self) -> &'static str {
        match self {
            Fix::Release { .. } => "release",
            Fix::Retry { .. } => "retry",
            Fix::Allow { .. } => "allow",
            Fix::EndEntry { .. } => "end-entry",
            Fix::RuleOff { .. } => "rule-off",
            Fix::AddRecipient { .. } => "add-recipient",
            Fix::Connector { change: ConnectorChange::AllowPrivate, .. } => "connector-private",
            Fix::Connector { change: ConnectorChange::Tls { .. }, .. } => "connector-tls",
            Fix::Connector { change: ConnectorChange::TlsName { .. }, .. } => "connector-tls-name",
            Fix::Connector { change: ConnectorChange::Pin { .. }, .. } => "connector-pin",
            Fix::Publish { .. } => "publish",
            Fix::Tell { .. } => "tell",
            Fix::Open { .. } => "open",
        }
    }

    /// What it would do.
    pub fn say(&self) -> Say {
        let say = |what: &str, detail: &str| {
            Say { key: format!("fix-{}", self.kind()).into(), args: Vec::new() }.with("what", what).with("detail", detail)
        };
        match self {
            Fix::Release { mail, recipient } => say(&mail.to_string(), recipient),
            Fix::Retry { mail } => say(&mail.to_string(), ""),
            Fix::Allow { value, scope, days } => say(value, scope).with("count", *days),
            Fix::EndEntry { name, .. } => say(name, ""),
            Fix::RuleOff { name, .. } => say(name, ""),
            Fix::AddRecipient { address } => say(address, ""),
            Fix::Connector { name, change } => match change {
                ConnectorChange::AllowPrivate => say(name, ""),
                ConnectorChange::Tls { level } => say(name, level),
                ConnectorChange::TlsName { name: wanted } => say(name, wanted),
                ConnectorChange::Pin { sha256 } => say(name, sha256),
            },
            Fix::Publish { name, record, value } => say(&format!("{name} {record}"), value),
            Fix::Tell { text } => text.clone(),
            Fix::Open { say, .. } => say.clone(),
        }
    }
}

/// A page of ours with its words.
pub fn open(path: impl Into<String>, key: &'static str) -> Fix {
    Fix::Open { path: path.into(), say: Say::new(key) }
}

/// A text to send.
pub fn tell(text: Say) -> Fix {
    Fix::Tell { text }
}
