//! `auth.*`: results of SPF, DKIM, DMARC and the composite.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::auth::{Composite, CompositeResult, DkimResult, Dmarc, DmarcPolicy, DmarcResult, SpfResult};
use mail::{AuthResults, Mail};

/// Failing is common for honest mail that was forwarded, so single mechanisms weigh little beside DMARC, and nothing
/// where DMARC passes by the other one.
pub struct Results;

impl Inspect for Results {
    fn name(&self) -> &'static str {
        "auth"
    }

    fn inspect(&self, _mail: &Mail<'_>, auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        dmarc(&auth.dmarc, auth.arc.trusted, auth.arc.sealer.as_deref(), findings);
        let vouched = auth.dmarc.result == DmarcResult::Pass || auth.arc.trusted;
        spf(auth, vouched, findings);
        dkim(auth, vouched, findings);
        composite(&auth.composite, auth, findings);
    }
}

fn dmarc(dmarc: &Dmarc, arc_trusted: bool, sealer: Option<&str>, findings: &mut Vec<Finding>) {
    match (dmarc.result, dmarc.policy) {
        (DmarcResult::Fail, policy) if arc_trusted => {
            let evidence = format!(
                "{} fails DMARC (p={}), but {} vouches for an earlier pass",
                dmarc.domain,
                policy_name(policy),
                sealer.unwrap_or("a sealer")
            );
            findings.push(Finding::new("auth.arc.trusted", Kind::Note, 0.0, evidence));
        }
        // The owner of the domain asked for refusal or the junk folder: spoofed on their word alone.
        (DmarcResult::Fail, DmarcPolicy::Reject) => findings.push(dmarc_fail(dmarc, Kind::Spoof, 6.0)),
        (DmarcResult::Fail, DmarcPolicy::Quarantine) => findings.push(dmarc_fail(dmarc, Kind::Spoof, 3.5)),
        // p=none means "tell me": lists and forwarders fail it daily.
        (DmarcResult::Fail, DmarcPolicy::None) => findings.push(dmarc_fail(dmarc, Kind::Phish, 0.7)),
        // Spammers sign too, so a pass says only that the name is not borrowed.
        (DmarcResult::Pass, _) => findings.push(Finding::new("auth.dmarc.pass", Kind::Phish, -1.0, &dmarc.domain)),
        (DmarcResult::TempError, _) => {
            findings.push(Finding::new("auth.unavailable", Kind::Unknown, 0.0, format!("DMARC of {}: {}", dmarc.domain, dmarc.why)));
        }
        _ => {}
    }
}

fn dmarc_fail(dmarc: &Dmarc, kind: Kind, weight: f32) -> Finding {
    let evidence = format!("{} (p={}): {}", dmarc.domain, policy_name(dmarc.policy), dmarc.why);
    Finding::new("auth.dmarc.fail", kind, weight, evidence)
}

fn policy_name(policy: DmarcPolicy) -> &'static str {
    match policy {
        DmarcPolicy::None => "none",
        DmarcPolicy::Quarantine => "quarantine",
        DmarcPolicy::Reject => "reject",
    }
}

fn spf(auth: &AuthResults, vouched: bool, findings: &mut Vec<Finding>) {
    let evidence = || format!("{}: {}", auth.spf.domain, auth.spf.why);
    match auth.spf.result {
        SpfResult::Fail if !vouched => findings.push(Finding::new("auth.spf.fail", Kind::Spam, 1.0, evidence())),
        SpfResult::SoftFail if !vouched => findings.push(Finding::new("auth.spf.softfail", Kind::Spam, 0.4, evidence())),
        SpfResult::TempError => findings.push(Finding::new("auth.unavailable", Kind::Unknown, 0.0, format!("SPF of {}", evidence()))),
        _ => {}
    }
}

/// A broken signature says little when another one holds.
fn dkim(auth: &AuthResults, vouched: bool, findings: &mut Vec<Finding>) {
    let passes = auth.dkim.iter().any(|dkim| dkim.result == DkimResult::Pass);
    let failed = auth.dkim.iter().find(|dkim| matches!(dkim.result, DkimResult::Fail | DkimResult::PermError | DkimResult::Policy));
    if let (Some(dkim), false, false) = (failed, passes, vouched) {
        // Mailing lists break signatures, so this alone stays small.
        let evidence = format!("{} (selector {}): {}", dkim.domain, dkim.selector, dkim.why);
        findings.push(Finding::new("auth.dkim.fail", Kind::Spam, 0.4, evidence));
    }
    if let (Some(dkim), false) = (auth.dkim.iter().find(|dkim| dkim.result == DkimResult::TempError), passes) {
        findings.push(Finding::new("auth.unavailable", Kind::Unknown, 0.0, format!("DKIM key of {}: {}", dkim.domain, dkim.why)));
    }
}

/// Only what DMARC has not said already: reason 001, a domain without a policy that looks unauthenticated.
fn composite(composite: &Composite, auth: &AuthResults, findings: &mut Vec<Finding>) {
    let said = auth.dmarc.result == DmarcResult::Fail || auth.arc.trusted;
    if composite.result == CompositeResult::Fail && !said {
        // Much honest mail of small domains has neither SPF nor DKIM.
        let evidence = format!("composite authentication fails, reason {:03}", composite.reason);
        findings.push(Finding::new("auth.composite.fail", Kind::Phish, 0.5, evidence));
    }
}
