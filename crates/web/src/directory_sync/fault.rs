//! Why a directory could not be read, in words that say whose turn it is.

use crate::page::Say;
use serde::{Deserialize, Serialize};

/// One variant per thing that somebody does next. Words `directory-error-…`; the end of each key is [`SyncError::name`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", content = "what", rename_all = "kebab-case")]
pub enum SyncError {
    // Ours to settle in the settings of this directory.
    #[error("the address begins with ldap:// or ldaps://, then a host")]
    Address,
    #[error("the certificate authority is not PEM")]
    Authority,
    #[error("{0} is an address inside a private network")]
    Private(String),
    #[error("the directory does not know the account, or the password is wrong")]
    WrongPassword,
    #[error("the base is not there: {0}")]
    WrongBase(String),
    #[error("a name (DN) cannot be read: {0}")]
    WrongName(String),
    #[error("a search filter cannot be read: {0}")]
    WrongFilter(String),
    #[error("there are more entries than {0}")]
    TooMany(String),
    #[error("the password was sealed with another key")]
    Sealed,
    // The network between us.
    #[error("the name {0} has no address")]
    Unresolved(String),
    #[error("no connection to {0}")]
    Unreachable(String),
    #[error("no answer in time")]
    Late,
    #[error("the connection broke off")]
    Closed,
    // Theirs to settle at the directory.
    #[error("the directory does not do TLS: {0}")]
    NoTls(String),
    #[error("what answers there does not speak TLS")]
    NotTls,
    #[error("the certificate is not one that is trusted here: {0}")]
    Certificate(String),
    #[error("the certificate has expired, or does not hold yet")]
    CertificateTime,
    #[error("the certificate is for another name: {0}")]
    CertificateName(String),
    #[error("the directory asks for an account")]
    NoAnonymous,
    #[error("the account may not read there")]
    NoRights,
    #[error("the directory gives no more entries than its limit")]
    TheirLimit,
    #[error("the directory is busy or closed")]
    Busy,
    #[error("the answer is not LDAP")]
    NotLdap,
    #[error("the answer is larger than is read")]
    TooLarge,
    #[error("the directory said: {0}")]
    Said(String),
    // Ours.
    #[error("we failed: {0}")]
    Ours(String),
}

/// Who does something next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// Whoever changes the settings of this directory here.
    Settings,
    /// Whoever looks after the network.
    Network,
    /// Whoever looks after the directory.
    Directory,
    /// Whoever runs this service.
    Operator,
}

impl Turn {
    /// End of the words key `directory-turn-…`.
    pub fn name(self) -> &'static str {
        match self {
            Turn::Settings => "settings",
            Turn::Network => "network",
            Turn::Directory => "directory",
            Turn::Operator => "operator",
        }
    }
}

impl SyncError {
    pub fn turn(&self) -> Turn {
        use SyncError::*;
        match self {
            Address | Authority | Private(_) | WrongPassword | WrongBase(_) | WrongName(_) | WrongFilter(_) | TooMany(_) | Sealed => {
                Turn::Settings
            }
            Unresolved(_) | Unreachable(_) | Late | Closed => Turn::Network,
            NoTls(_) | NotTls | Certificate(_) | CertificateTime | CertificateName(_) | NoAnonymous | NoRights | TheirLimit | Busy
            | NotLdap | TooLarge | Said(_) => Turn::Directory,
            Ours(_) => Turn::Operator,
        }
    }

    /// As stored and as the end of its words key.
    pub fn name(&self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        json["error"].as_str().unwrap_or("ours").to_string()
    }

    /// What was found there; "" for those that need none.
    pub fn what(&self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        json["what"].as_str().unwrap_or_default().to_string()
    }

    /// In words.
    pub fn say(&self) -> Say {
        Say { key: format!("directory-error-{}", self.name()).into(), args: Vec::new() }.with("what", self.what())
    }
}
