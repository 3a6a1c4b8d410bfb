//! **Must mail to the domain come encrypted?** With MTA-STS (RFC 8461) a domain tells senders over HTTPS which hosts take its mail and
//! that they speak TLS with a good certificate. It takes a record `_mta-sts`, a host `mta-sts.` with a certificate, and a small file there.
//! Gatepost serves the file for domains that ask for it.

use super::{CheckResult, Checked, Target, tag, texts};
use crate::diagnostics::fetch::FetchError;
use crate::page::Say;
use gateway::directory::MtaStsMode;
use mail::dns::{Dns, Record, RecordType};

/// How long senders may keep the policy: a week, so that a mistake is over in one.
const MAX_AGE_S: u32 = 604_800;
const LINES_MAX: usize = 100;

/// The policy as served (RFC 8461 §3.2); empty for none.
pub fn policy_text(mode: MtaStsMode, hostname: &str) -> String {
    let mode = match mode {
        MtaStsMode::None => return String::new(),
        MtaStsMode::Testing => "testing",
        MtaStsMode::Enforce => "enforce",
    };
    format!("version: STSv1\r\nmode: {mode}\r\nmx: {hostname}\r\nmax_age: {MAX_AGE_S}\r\n")
}

/// Changes whenever the policy does, which is how senders notice (RFC 8461 §3.1: letters and digits).
pub fn policy_id(policy: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, policy.as_bytes());
    digest.as_ref().iter().take(8).map(|octet| format!("{octet:02x}")).collect()
}

/// `served` is what the policy host answers; `None` when it was not asked.
pub async fn mta_sts(target: &Target, dns: &dyn Dns, served: Option<Result<String, FetchError>>) -> Checked {
    let mut checked = Checked::new("domain.mta-sts");
    let (name, host) = (format!("_mta-sts.{}", target.domain), format!("mta-sts.{}", target.domain));
    let found = match texts(dns, &name).await {
        Ok(found) => found,
        Err(why) => {
            checked.unknown(why);
            return checked;
        }
    };
    let records: Vec<&String> = found.iter().filter(|text| text.starts_with("v=STSv1")).collect();
    let wanted = format!("v=STSv1; id={}", policy_id(&target.policy));
    let is_current = records.iter().any(|text| tag(text, "id") == Some(policy_id(&target.policy).as_str()));
    if !target.policy.is_empty() {
        checked.publish((&name, "TXT"), wanted, is_current);
        checked.publish((&host, "CNAME"), target.hostname.as_str(), matches!(served, Some(Ok(_))));
    }
    checked.see(&name, "TXT", found.clone());
    match (records.as_slice(), target.policy.is_empty()) {
        ([], true) => {
            checked.advice(Say::new("check-mta-sts-none"));
            checked.fix(Say::new("check-mta-sts-fix-none"));
            return checked;
        }
        ([], false) => {
            checked.problem(Say::new("check-mta-sts-unpublished"));
            checked.fix(Say::new("check-mta-sts-fix-publish"));
        }
        ([_], _) => checked.ok(Say::new("check-mta-sts-record")),
        (several, _) => checked.problem(Say::new("check-mta-sts-several").with("count", several.len())),
    }
    if !target.policy.is_empty() && !is_current && !records.is_empty() {
        checked.advice(Say::new("check-mta-sts-old-id"));
    }
    policy(&mut checked, target, dns, served).await;
    checked
}

async fn policy(checked: &mut Checked, target: &Target, dns: &dyn Dns, served: Option<Result<String, FetchError>>) {
    let host = format!("mta-sts.{}", target.domain);
    let text = match served {
        None => return,
        Some(Ok(text)) => text,
        Some(Err(why)) => {
            let word = match why {
                FetchError::NoHost | FetchError::Inside => "check-mta-sts-no-host",
                FetchError::Unreachable(_) => "check-mta-sts-unreachable",
                FetchError::Tls(_) => "check-mta-sts-certificate",
                FetchError::Status(_) | FetchError::Unreadable | FetchError::TooLong => "check-mta-sts-no-file",
            };
            checked.problem(Say { key: word.into(), args: Vec::new() }.with("what", host).with("why", why.to_string()));
            checked.fix(Say::new("check-mta-sts-fix-host"));
            return;
        }
    };
    let value = |wanted: &str| text.lines().take(LINES_MAX).find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':').map(str::trim));
    let (version, mode) = (value("version").unwrap_or_default(), value("mode").unwrap_or_default());
    if version != "STSv1"
        || !["enforce", "testing", "none"].contains(&mode)
        || value("max_age").and_then(|age| age.parse::<u32>().ok()).is_none()
    {
        checked.problem(Say::new("check-mta-sts-unreadable"));
        return;
    }
    match mode {
        "enforce" => checked.ok(Say::new("check-mta-sts-enforced")),
        _ => checked.advice(Say::new("check-mta-sts-mode").with("what", mode)),
    }
    hosts_fit(checked, target, dns, &text).await;
}

/// RFC 8461 §4.1: a host that the policy does not name gets no mail from senders who enforce it.
async fn hosts_fit(checked: &mut Checked, target: &Target, dns: &dyn Dns, text: &str) {
    let patterns: Vec<String> =
        text.lines().take(LINES_MAX).filter_map(|line| line.strip_prefix("mx:")).map(|host| host.trim().to_ascii_lowercase()).collect();
    let fits = |host: &str| {
        patterns.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(_, above)| above == parent),
            None => host == pattern,
        })
    };
    let Ok(records) = dns.lookup(&target.domain, RecordType::Mx).await else {
        checked.line(CheckResult::CannotTell, Say::new("check-mta-sts-mx-unknown"));
        return;
    };
    for record in records.iter() {
        if let Record::Mx { exchange, .. } = record
            && !fits(&exchange.trim_end_matches('.').to_ascii_lowercase())
        {
            checked.problem(Say::new("check-mta-sts-mx").with("what", exchange.as_str()));
        }
    }
}
