//! What a report tells of one mail: the same for all mail that looks the same.

use super::super::counting::Mail;
use mail::address::organisational_domain;
use mail::auth::{AuthResults, DmarcPolicy, DmarcResult, SpfResult};
use serde::{Deserialize, Serialize};

/// Signatures told of.
const SIGNATURES_MAX: usize = 5;

/// A record of a report without its count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    pub source: String,
    /// none, quarantine, reject: what DMARC made of it.
    pub disposition: String,
    pub dkim: bool,
    pub spf: bool,
    /// Why it is not what the policy says: local_policy, sampled_out; "" when it is.
    pub reason: String,
    pub header_from: String,
    pub envelope_from: String,
    /// `(domain, selector, result)`.
    pub signatures: Vec<(String, String, String)>,
    /// `(domain, scope, result)`.
    pub spf_check: (String, String, String),
}

#[derive(Deserialize)]
struct Receipt {
    connection: Connection,
    envelope: Envelope,
    auth: AuthResults,
    #[serde(default)]
    recipients: Vec<Decided>,
    #[serde(default)]
    refused: String,
}

#[derive(Deserialize)]
struct Connection {
    ip: String,
}

#[derive(Deserialize)]
struct Envelope {
    sender: String,
}

#[derive(Deserialize)]
struct Decided {
    action: String,
}

/// The domain whose policy was found, and what to tell it of this mail; `None` where there is no policy, or the mail did not come in.
pub fn of(mail: &Mail) -> Option<(String, Entry)> {
    if mail.direction == "outbound" {
        return None;
    }
    let receipt: Receipt = serde_json::from_str(&mail.receipt).ok()?;
    let dmarc = &receipt.auth.dmarc;
    let domain = dmarc.policy_domain.clone()?;
    if !matches!(dmarc.result, DmarcResult::Pass | DmarcResult::Fail) {
        return None;
    }
    let is_fail = dmarc.result == DmarcResult::Fail;
    let spf = &receipt.auth.spf;
    let same = organisational_domain(&spf.domain).is_some_and(|own| Some(own) == organisational_domain(&dmarc.domain));
    let (disposition, reason) = disposition(&receipt, is_fail);
    let signature = |one: &mail::auth::Dkim| (one.domain.clone(), one.selector.clone(), word(&one.result));
    let entry = Entry {
        source: receipt.connection.ip,
        disposition: disposition.into(),
        dkim: !is_fail && receipt.auth.dkim.iter().any(|one| one.aligned && one.result == mail::auth::DkimResult::Pass),
        spf: !is_fail && spf.result == SpfResult::Pass && same,
        reason: reason.into(),
        header_from: dmarc.domain.clone(),
        envelope_from: receipt.envelope.sender.rsplit('@').next().unwrap_or_default().to_ascii_lowercase(),
        signatures: receipt.auth.dkim.iter().filter(|one| !one.domain.is_empty()).take(SIGNATURES_MAX).map(signature).collect(),
        spf_check: (spf.domain.clone(), if spf.by_helo { "helo" } else { "mfrom" }.into(), word(&spf.result)),
    };
    Some((domain, entry))
}

/// A result as receipts and reports write it.
fn word<T: Serialize>(result: &T) -> String {
    serde_json::to_value(result).ok().and_then(|value| value.as_str().map(str::to_string)).unwrap_or_default()
}

/// What became of the mail, as far as DMARC decides it, and why it is something else than the policy.
fn disposition(receipt: &Receipt, is_fail: bool) -> (&'static str, &'static str) {
    if !is_fail {
        return ("none", "");
    }
    let dmarc = &receipt.auth.dmarc;
    let wanted = match dmarc.policy {
        DmarcPolicy::None => return ("none", if dmarc.sampled_out { "sampled_out" } else { "" }),
        DmarcPolicy::Quarantine => "quarantine",
        DmarcPolicy::Reject => "reject",
    };
    let action = receipt.recipients.first().map(|one| one.action.as_str()).unwrap_or_default();
    let done = match action {
        _ if !receipt.refused.is_empty() => "reject",
        "reject" => "reject",
        "quarantine" | "junk" | "delete" => "quarantine",
        _ => "none",
    };
    let reason = match () {
        () if done != wanted => "local_policy",
        () if dmarc.sampled_out => "sampled_out",
        () => "",
    };
    (done, reason)
}
