//! `[delivery]` and `[tls_reports]`: how mail is protected on its way to other servers.

use serde::{Deserialize, Serialize};

/// `[delivery]`: how connections to the mail servers of other domains are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySettings {
    /// Whether TLSA records of signed domains count (DANE): "auto" from when the resolver was first seen to pass DNSSEC on, "always", or
    /// "off". With "always" mail to domains whose DNS cannot be proven waits. Default "auto".
    pub dane: DaneMode,
    /// Whether the policies that domains publish over HTTPS count (MTA-STS). Default true.
    pub mta_sts: bool,
    /// Whether a sender may let a mail go without them, by the header "TLS-Required: No". Default true.
    pub tls_required_no: bool,
    /// File with trust anchors as DNSKEY records; empty: those of the root zone.
    pub trust_anchor: String,
    /// PEM file with certificates that are trusted besides the public ones, for servers of other domains and their policies.
    pub roots: String,
    /// Whether mail servers found by MX records may have private addresses: for closed networks and labs only. Default false.
    pub private_networks: bool,
    /// Port of mail servers found by MX records; differs in labs only. Default 25.
    pub mx_port: u16,
    /// Port where policies are fetched; differs in labs only. Default 443.
    pub policy_port: u16,
}

/// The value of `[delivery] dane`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DaneMode {
    Auto,
    Always,
    Off,
}

impl Default for DeliverySettings {
    fn default() -> DeliverySettings {
        DeliverySettings {
            dane: DaneMode::Auto,
            mta_sts: true,
            tls_required_no: true,
            trust_anchor: String::new(),
            roots: String::new(),
            private_networks: false,
            mx_port: 25,
            policy_port: 443,
        }
    }
}

/// `[tls_reports]`: telling other domains once a day how encrypted connections to them went (TLS-RPT).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsReportSettings {
    /// Whether reports are sent to domains that ask for them. Default false.
    pub send: bool,
    /// Address that reports come from, in a domain served here that signs its mail. Needed to send.
    pub from: String,
    /// Name of whoever runs this service, as it stands in reports; empty: the domain of `from`.
    pub organisation: String,
}

impl TlsReportSettings {
    /// What is wrong with it.
    pub fn complaint(&self) -> Option<String> {
        let is_address = mail::Address::parse(&self.from).is_ok();
        (self.send && !is_address).then(|| "[tls_reports] from: write the address that reports come from".to_string())
    }
}
