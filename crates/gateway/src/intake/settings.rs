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
    /// Page for those whose mail was refused, such as "https://mail.example.com/refused": it stands in each refusal, with its code. Has to be
    /// reachable from outside. Default "": none.
    pub refused_url: String,
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

/// Octets of an address in a refusal: with its code it must fit into a line (RFC 5321 §4.5.3.1.5).
const REFUSED_URL_OCTETS_MAX: usize = 200;

impl IntakeSettings {
    /// What is wrong although every key is right.
    pub fn complaint(&self) -> Option<String> {
        let url = &self.refused_url;
        let is_url = (url.starts_with("https://") || url.starts_with("http://")) && url.bytes().all(|octet| octet.is_ascii_graphic());
        let is_well = url.is_empty() || is_url && url.len() <= REFUSED_URL_OCTETS_MAX;
        (!is_well).then(|| {
            format!("[intake] refused_url: write \"https://HOST/refused\", at most {REFUSED_URL_OCTETS_MAX} characters without spaces")
        })
    }

    /// What stands behind the text of a refusal: its code, and where it can be looked up.
    pub fn code_of_refusal(&self, code: impl std::fmt::Display) -> String {
        match self.refused_url.trim_end_matches('/') {
            "" => format!(" ({code})"),
            url => format!(" ({code}) {url}/{code}"),
        }
    }
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
            refused_url: String::new(),
            login: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_its_code_and_where_it_is_looked_up() {
        for (url, want) in [("", "No (e1)"), ("https://mail.example.com/refused/", "No (e1) https://mail.example.com/refused/e1")] {
            let settings = IntakeSettings { refused_url: url.into(), ..IntakeSettings::default() };
            assert_eq!(format!("No{}", settings.code_of_refusal("e1")), want, "{url:?}");
            assert_eq!(settings.complaint(), None, "{url:?}");
        }
        for url in ["mail.example.com/refused", "https://mail.example.com/a b", "https://mail.example.com/\r\n250 taken"] {
            let settings = IntakeSettings { refused_url: url.into(), ..IntakeSettings::default() };
            assert!(settings.complaint().is_some(), "{url:?}");
        }
    }
}
