//! `[[organisation]]`, `[[domain]]`, `[[recipient]]`, `[[connector]]`, `[[inbound]]`, `[[policy]]`, `[[entry]]`: the directory, for those who prefer files to pages.

use super::{ConnectorSettings, Effect, EntryKind};
use crate::policy::PolicySettings;
use crate::settings::{Network, Networks};
use serde::{Deserialize, Serialize};

/// All tables of a settings file that end up in the directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DirectorySettings {
    pub organisation: Vec<OrganisationSettings>,
    pub domain: Vec<DomainSettings>,
    pub recipient: Vec<RecipientSettings>,
    pub connector: Vec<ConnectorSettings>,
    pub inbound: Vec<super::InboundSettings>,
    pub policy: Vec<PolicySettings>,
    pub entry: Vec<EntrySettings>,
    pub rule: Vec<crate::rules::RuleSettings>,
}

/// `[[organisation]]`: somebody whose mail passes here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrganisationSettings {
    /// Short name, unique in the installation.
    pub name: String,
    /// Language of notices: "en" or "zh-CN". Default "en".
    pub language: String,
    /// Connector for its mail unless a domain names another; empty: the MX records of the recipient's domain.
    pub connector: String,
    /// Connector for mail it sends out; empty: MX.
    pub outbound_connector: String,
    /// Preset for everybody without a policy of their own: "default", "standard" or "strict". Default "default".
    pub preset: crate::policy::Preset,
    /// Addresses or networks that may send out for this organisation without a login.
    pub relay_from: Networks,
    /// Sign what it sends out with DKIM: selector; empty: not signed.
    pub dkim_selector: String,
    /// File with the DKIM private key (PKCS#8 PEM), made if it is not there.
    pub dkim_key: String,
}

impl Default for OrganisationSettings {
    fn default() -> OrganisationSettings {
        OrganisationSettings {
            name: String::new(),
            language: "en".into(),
            connector: String::new(),
            outbound_connector: String::new(),
            preset: crate::policy::Preset::Default,
            relay_from: Networks::default(),
            dkim_selector: String::new(),
            dkim_key: String::new(),
        }
    }
}

/// `[[domain]]`: a domain whose mail is taken here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DomainSettings {
    /// The domain, as people write it.
    pub name: String,
    /// Name of the organisation it belongs to.
    pub organisation: String,
    /// "authoritative": every recipient is known here or at its next hop. "internal-relay": some live elsewhere. Default "authoritative".
    pub kind: DomainKind,
    /// Who knows the recipients: "listed", "call-out" (asks the next hop, remembers the answer) or "any". Default "listed".
    pub recipients: RecipientCheck,
    /// Connector for this domain; empty: the organisation's.
    pub connector: String,
    /// Mail to every sub-domain is taken as well. Default false.
    pub subdomains: bool,
    /// What the MTA-STS policy that is served for it asks of senders: "none" (no policy), "testing" or "enforce". Default "none".
    pub mta_sts: MtaStsMode,
}

impl Default for DomainSettings {
    fn default() -> DomainSettings {
        DomainSettings {
            name: String::new(),
            organisation: String::new(),
            kind: DomainKind::Authoritative,
            recipients: RecipientCheck::Listed,
            connector: String::new(),
            subdomains: false,
            mta_sts: MtaStsMode::None,
        }
    }
}

/// RFC 8461 §5: what senders do with a host that the policy does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MtaStsMode {
    None,
    Testing,
    Enforce,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DomainKind {
    Authoritative,
    InternalRelay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientCheck {
    Listed,
    CallOut,
    Any,
}

/// `[[recipient]]`: an address that exists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecipientSettings {
    /// The address.
    pub address: String,
    /// Display name to protect from impersonation; may be empty.
    pub name: String,
}

/// `[[entry]]`: one allow or block entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntrySettings {
    /// Name of the organisation.
    pub organisation: String,
    /// "allow" or "block".
    pub effect: Effect,
    /// "address", "domain", "ip" (address or network); to block also "host" (of a link) and "hash" (SHA-256 of a file).
    pub kind: EntryKind,
    /// The address, domain, network, host or hash.
    pub value: String,
    /// Recipient it holds for; empty: the whole organisation.
    pub scope: String,
    /// Day it ends, as 2026-12-31; empty: never.
    pub expires: String,
    /// Why, for those who come after.
    pub note: String,
}

impl Default for EntrySettings {
    fn default() -> EntrySettings {
        EntrySettings {
            organisation: String::new(),
            effect: Effect::Block,
            kind: EntryKind::Address,
            value: String::new(),
            scope: String::new(),
            expires: String::new(),
            note: String::new(),
        }
    }
}

/// Hexadecimal digits of a SHA-256.
const HASH_DIGITS: usize = 64;

impl EntrySettings {
    /// The value as look-ups want it, or what is wrong, for people.
    pub fn checked_value(&self) -> Result<String, String> {
        let value = self.value.trim();
        if self.effect == Effect::Allow && !self.kind.can_allow() {
            return Err(
                "an allow entry is for a sender or for an address that connects: links and files are chosen by whoever writes".into()
            );
        }
        match self.kind {
            EntryKind::Address => key(value),
            EntryKind::Domain | EntryKind::Host => {
                mail::address::domain_to_ascii(value).ok_or_else(|| format!("“{value}” is not a domain name"))
            }
            EntryKind::Ip => Ok(value.parse::<Network>().map_err(|why| why.to_string())?.to_string()),
            EntryKind::Hash => {
                let is_hash = value.len() == HASH_DIGITS && value.bytes().all(|digit| digit.is_ascii_hexdigit());
                is_hash.then(|| value.to_ascii_lowercase()).ok_or_else(|| format!("“{value}” is not a SHA-256: 64 digits 0-9 and a-f"))
            }
        }
    }

    /// Value and scope as look-ups want them, and the end in Unix milliseconds; or what is wrong, for people.
    pub fn checked(&self) -> Result<(String, String, Option<i64>), String> {
        let value = self.checked_value()?;
        let scope = if self.scope.is_empty() { String::new() } else { key(&self.scope)? };
        let expires_ms = match self.expires.as_str() {
            "" => None,
            day => Some(end_of_day_ms(day).ok_or_else(|| format!("“{day}” is not a day such as 2026-12-31"))?),
        };
        Ok((value, scope, expires_ms))
    }
}

fn key(address: &str) -> Result<String, String> {
    mail::Address::parse(address).map(|address| address.key()).map_err(|why| format!("“{address}”: {why}"))
}

/// The last millisecond (UTC) of a day written as 2026-12-31.
fn end_of_day_ms(day: &str) -> Option<i64> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let next = day.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(next.timestamp().as_millisecond() - 1)
}
