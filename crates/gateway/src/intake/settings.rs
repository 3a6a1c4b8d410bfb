//! `[intake]`: what is taken at all, and who may send out.

use super::grey::Greylist;
use serde::{Deserialize, Serialize};

/// `[intake]`: what is taken at all, and who may send out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntakeSettings {
    /// Received headers from which a mail counts as going in circles. Default 50.
    pub hops_max: usize,
    /// Refuse mail whose From header names no single sender. Default true.
    pub refuse_ambiguous_from: bool,
    /// Domains whose ARC seals count as proof of what was authenticated before them. Default none.
    pub trusted_sealers: Vec<String>,
    /// Also write headers in the form X-Forefront-Antispam-Report, for servers that read it already. Default false.
    pub forefront_headers: bool,
    /// DNS questions one mail may cause. Default 200.
    pub dns_lookups_max: u32,
    /// DKIM signatures looked at per mail. Default 10.
    pub dkim_signatures_max: usize,
    /// Ask doubtful mail of senders without a record to come again after five minutes: "off" or "doubtful". Default "off": it
    /// catches what never comes again, and delays what does.
    pub greylist: Greylist,
    /// Logins for submission: name and Argon2id hash, as `gatepost login hash` prints it.
    pub login: Vec<LoginSettings>,
}

/// `[[intake.login]]`: one login for submission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginSettings {
    /// The login, an address of a domain served here.
    pub name: String,
    /// Argon2id hash of the password.
    pub hash: String,
}

impl Default for IntakeSettings {
    fn default() -> IntakeSettings {
        IntakeSettings {
            hops_max: 50,
            refuse_ambiguous_from: true,
            trusted_sealers: Vec::new(),
            forefront_headers: false,
            dns_lookups_max: 200,
            dkim_signatures_max: 10,
            greylist: Greylist::Off,
            login: Vec::new(),
        }
    }
}
