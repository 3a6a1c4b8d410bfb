//! **What happens to mail that only claims to be from the domain?** A DMARC record says so (RFC 7489): `p=none` only watches, `quarantine`
//! and `reject` protect. Mail passes when SPF or DKIM speaks for the domain in From; `adkim=s` and `aspf=s` want exactly that domain.
//! Reports go to `rua`; an address elsewhere must agree in DNS to take them.

use super::{Checked, Practice, Target, tag, texts};
use crate::page::Say;
use mail::dns::Dns;

/// Report addresses that are looked at.
const REPORTS_MAX: usize = 10;

pub async fn dmarc(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.dmarc");
    let domain = target.domain.as_str();
    let name = format!("_dmarc.{domain}");
    let mut records = match records(dns, &name).await {
        Ok(records) => records,
        Err(why) => {
            checked.unknown(why);
            return checked;
        }
    };
    checked.see(&name, "TXT", records.clone());
    let above = mail::address::organisational_domain(domain).filter(|above| *above != domain);
    if let (true, Some(above)) = (records.is_empty(), above) {
        let inherited = self::records(dns, &format!("_dmarc.{above}")).await.unwrap_or_default();
        if inherited.len() == 1 {
            checked.ok(Say::new("check-dmarc-inherited").with("what", above));
            records = inherited;
        }
    }
    match records.as_slice() {
        [] => {
            checked.publish((&name, "TXT"), format!("v=DMARC1; p=none; rua=mailto:dmarc@{domain}"), false);
            checked.problem(Say::new("check-dmarc-none"));
            checked.fix(Say::new("check-dmarc-fix-none"));
        }
        [record] => judge(&mut checked, target, record, dns).await,
        several => {
            checked.problem(Say::new("check-dmarc-several").with("count", several.len())); // RFC 7489 §6.6.3
            checked.fix(Say::new("check-dmarc-fix-several"));
        }
    }
    checked
}

async fn records(dns: &dyn Dns, name: &str) -> Result<Vec<String>, String> {
    let found = texts(dns, name).await?;
    // RFC 7489 §6.3: the tag comes first and its value is in capitals.
    Ok(found.into_iter().filter(|text| text.split(';').next().is_some_and(|first| first.replace(' ', "") == "v=DMARC1")).collect())
}

async fn judge(checked: &mut Checked, target: &Target, record: &str, dns: &dyn Dns) {
    let policy = tag(record, "p").unwrap_or_default().to_ascii_lowercase();
    let name = format!("_dmarc.{}", target.domain);
    match policy.as_str() {
        "reject" | "quarantine" => checked.ok(Say::new("check-dmarc-protects").with("what", policy.as_str())),
        "none" => {
            checked.advice(Say::new("check-dmarc-watches"));
            checked.fix(Say::new("check-dmarc-fix-watches"));
            checked.publish((&name, "TXT"), record.replacen("p=none", "p=quarantine", 1), false);
        }
        _ => {
            checked.problem(Say::new("check-dmarc-policy").with("what", policy.as_str()));
            checked.fix(Say::new("check-dmarc-fix-policy"));
            let rest: Vec<&str> = record.split(';').map(str::trim).filter(|tag| !tag.is_empty() && !is_policy(tag)).collect();
            let meant = if policy.starts_with('r') { "reject" } else { "quarantine" };
            let (first, others) = rest.split_first().map_or(("v=DMARC1", &[][..]), |(first, others)| (*first, others));
            let tags: Vec<&str> = std::iter::once(first).chain(std::iter::once("p=?")).chain(others.iter().copied()).collect();
            checked.publish((&name, "TXT"), tags.join("; ").replacen("p=?", &format!("p={meant}"), 1), false);
        }
    }
    if let Some(below) = tag(record, "sp").filter(|below| below.eq_ignore_ascii_case("none") && policy != "none") {
        checked.advice(Say::new("check-dmarc-subdomains").with("what", below));
    }
    if let Some(percent) = tag(record, "pct").filter(|percent| *percent != "100") {
        checked.advice(Say::new("check-dmarc-percent").with("what", percent));
    }
    for (part, word) in [("adkim", "check-dmarc-strict-dkim"), ("aspf", "check-dmarc-strict-spf")] {
        if tag(record, part).is_some_and(|mode| mode.eq_ignore_ascii_case("s")) {
            checked.advice(Say::new(word));
        }
    }
    if target.keys.iter().any(|key| key.state == "active") {
        checked.ok(Say::new("check-dmarc-aligned").with("what", target.domain.as_str()));
    }
    if let Some(practice) = target.practice {
        in_practice(checked, practice);
    }
    reports(checked, target, record, dns).await;
}

/// What receivers say came through. What failed may be forged, or a service of the domain's own that is set up wrongly.
fn in_practice(checked: &mut Checked, practice: Practice) {
    /// Fewer mails tell nothing.
    const MESSAGES_MIN: i64 = 20;
    const PERCENT_GOOD: i64 = 95;
    let Practice { messages, passed } = practice;
    if messages < MESSAGES_MIN {
        return;
    }
    let percent = passed * 100 / messages;
    let say = |key: &'static str| Say::new(key).with("percent", percent).with("count", messages);
    match percent >= PERCENT_GOOD {
        true => checked.ok(say("check-dmarc-practice")),
        false => checked.advice(say("check-dmarc-practice-some")),
    }
}

fn is_policy(tag: &str) -> bool {
    tag.split_once('=').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case("p"))
}

/// RFC 7489 §7.1: who is to get reports about another domain says so in DNS.
async fn reports(checked: &mut Checked, target: &Target, record: &str, dns: &dyn Dns) {
    let Some(rua) = tag(record, "rua") else {
        checked.advice(Say::new("check-dmarc-no-reports"));
        return;
    };
    for address in rua.split(',').take(REPORTS_MAX) {
        let address = address.trim();
        let Some(domain) = address.strip_prefix("mailto:").and_then(|address| address.rsplit_once('@')).map(|(_, domain)| domain) else {
            checked.problem(Say::new("check-dmarc-report-address").with("what", address));
            continue;
        };
        let domain = domain.split('!').next().unwrap_or_default().to_ascii_lowercase();
        let organisation = |name: &str| mail::address::organisational_domain(name).unwrap_or(name).to_string();
        if organisation(&domain) == organisation(&target.domain) {
            continue;
        }
        match texts(dns, &format!("{}._report._dmarc.{domain}", target.domain)).await {
            Ok(found) if found.iter().any(|text| text.trim_start().starts_with("v=DMARC1")) => {}
            Ok(_) => checked.problem(Say::new("check-dmarc-report-refused").with("what", domain)),
            Err(why) => checked.unknown(why),
        }
    }
}
