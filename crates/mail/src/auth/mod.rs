//! Authentication of the sender: SPF (RFC 7208), DKIM (RFC 6376, 8301, 8463), DMARC (RFC 7489), ARC (RFC 8617).
//!
//! In: a mail and [`crate::dns::Dns`]. Out: [`AuthResults`]. Nobody else names the mail-auth crate.

use crate::dns::Dns;
use crate::envelope::Mail;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpfResult {
    None,
    Neutral,
    Pass,
    Fail,
    SoftFail,
    TempError,
    PermError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DkimResult {
    None,
    Pass,
    Fail,
    /// The signature is fine but we do not accept it (RFC 8601 §2.7.1): key too short, `l=` short of the body.
    Policy,
    Neutral,
    TempError,
    PermError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcResult {
    None,
    Pass,
    Fail,
    /// No record, but it would have passed one.
    BestGuessPass,
    TempError,
    PermError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcPolicy {
    None,
    Quarantine,
    Reject,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Spf {
    pub result: SpfResult,
    /// The domain checked: that of MAIL FROM, else of HELO.
    pub domain: String,
    /// HELO was the identity checked (null reverse-path).
    pub by_helo: bool,
    /// For people: the mechanism that matched, or what failed.
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dkim {
    pub result: DkimResult,
    /// `d=`, lower-case A-labels.
    pub domain: String,
    pub selector: String,
    /// "rsa-sha256", "ed25519-sha256", …
    pub algorithm: String,
    pub aligned: bool,
    pub why: String,
    /// First 8 characters of `b=`, to tell signatures apart (RFC 6008).
    pub b: String,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dmarc {
    pub result: DmarcResult,
    /// Domain of the From header.
    pub domain: String,
    /// Where the record was found.
    pub policy_domain: Option<String>,
    /// The policy that applies to `domain` (`sp` where it is a subdomain, after `pct`).
    pub policy: DmarcPolicy,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Arc {
    /// `none`, `pass` or `fail` (RFC 8617 §5.2 "cv").
    pub result: DkimResult,
    pub instances: u32,
    /// `d=` of the newest ARC-Seal.
    pub sealer: Option<String>,
    /// The chain passed and the sealer is one this service trusts.
    pub trusted: bool,
    pub why: String,
}

/// Composite authentication (`reference/service.md` §1.2): one answer with a three-digit reason.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Composite {
    pub result: CompositeResult,
    pub reason: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CompositeResult {
    None,
    Pass,
    SoftPass,
    Fail,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuthResults {
    pub spf: Spf,
    pub dkim: Vec<Dkim>,
    pub dmarc: Dmarc,
    pub arc: Arc,
    pub composite: Composite,
    /// Questions asked, for the budget in the receipt.
    pub dns_lookups: u32,
}

/// Settings of authentication.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Our authserv-id in Authentication-Results (RFC 8601 §2.5).
    pub authserv_id: String,
    /// Domains whose ARC seals count.
    pub trusted_sealers: Vec<String>,
    /// RFC 6376 §8.4: more signatures than this are not looked at.
    pub dkim_signatures_max: usize,
    pub dns_lookups_max: u32,
    /// Domains that belong to the receiving organisations, for reason 010.
    pub own_domains: std::sync::Arc<std::collections::HashSet<String>>,
}

/// Checks everything there is to check. Never fails: what cannot be found out is `TempError` in its place.
pub async fn authenticate(_mail: Mail<'_>, _dns: &dyn Dns, _settings: &AuthSettings) -> AuthResults {
    unimplemented!()
}

/// The Authentication-Results header we write (RFC 8601), folded, with "Authentication-Results:" and the final CRLF.
/// Everything that comes from the mail is escaped or left out.
pub fn authentication_results(_results: &AuthResults, _settings: &AuthSettings, _mail: Mail<'_>) -> String {
    unimplemented!()
}
