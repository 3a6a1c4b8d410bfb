//! What DNS says of a domain of ours: whether the world finds us, and whether it believes us.

use crate::diagnostics::check::{self, CheckResult, Checked, Line, PublicKey, Target};
use crate::page::Say;
use crate::troubleshoot::cause::Cause;
use crate::troubleshoot::fix::{self, Fix};
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use gateway::dkim::KeyState;
use gateway::scope::OrgScope;
use mail::dns::{DnsError, Record, RecordType, reverse_name};
use store::Error;

/// Keys of the words of a check that mean a cause, by how they begin.
const MEANINGS: &[(&str, Cause)] = &[
    ("check-mx-no-domain", Cause::DomainGone),
    ("check-mx-none", Cause::MxMissing),
    ("check-mx-null", Cause::MxMissing),
    ("check-mx-not-ours", Cause::MxElsewhere),
    ("check-mx-beside", Cause::MxBeside),
    ("check-mx-dangling", Cause::MxDangling),
    ("check-mx-address", Cause::MxDangling),
    ("check-spf-none", Cause::SpfMissing),
    ("check-spf-open", Cause::SpfOpen),
    ("check-spf-not-us", Cause::SpfWithoutUs),
    ("check-spf-", Cause::SpfBroken),
    ("check-dkim-unpublished", Cause::DkimMissing),
    ("check-dkim-missing", Cause::DkimMissing),
    ("check-dkim-gone-early", Cause::DkimMissing),
    ("check-dkim-differs", Cause::DkimDiffers),
    ("check-dmarc-none", Cause::DmarcMissing),
    ("check-dmarc-watches", Cause::DmarcWatches),
    ("check-dmarc-", Cause::DmarcBroken),
];

/// The domain as checks want it.
pub async fn target(ground: &Ground, domain: &str) -> Result<Target, Error> {
    let org = ground.directory.domain_named(domain).map(|found| found.org);
    let name = domain.to_string();
    let keys = match org {
        Some(org) => {
            ground.db.read(move |tx| Box::pin(async move { gateway::dkim::sql::of_domain(tx, OrgScope::One(org), &name).await })).await?
        }
        None => Vec::new(),
    };
    let keys = keys.into_iter().filter(|key| key.state != KeyState::Retired);
    Ok(Target {
        domain: domain.to_string(),
        hostname: ground.hostname.clone(),
        addresses: ground.own_addresses().await,
        keys: keys
            .map(|key| PublicKey { selector: key.selector.clone(), record: key.record.clone(), state: key.state.name().into() })
            .collect(),
        now_ms: ground.now_ms,
        ..Target::default()
    })
}

/// Whether the world finds us: MX, and whether anything it names can be reached over IPv4.
pub async fn inward(ground: &Ground, target: &Target) -> Vec<Suspect> {
    let checked = check::mx(target, ground.dns.as_ref()).await;
    let mut found = meant(&checked, &target.domain, Strength::Shown);
    if checked.result == CheckResult::CannotTell {
        let failed = checked.lines.iter().find(|line| line.result == CheckResult::CannotTell);
        let suspect = Suspect::new(Cause::MxDnsFailing, target.domain.as_str());
        let strength = Strength::Shown;
        found.extend(failed.map(|line| {
            suspect
                .with(Evidence::new(strength, line.say.clone()))
                .fix(fix::tell(Say::new("tell-dns").with("what", target.domain.as_str())))
        }));
    }
    let ground_of = check::delegation(target, ground.dns.as_ref()).await;
    let parked = ground_of.lines.iter().filter(|line| line.say.key == "check-delegation-parked");
    found.extend(parked.map(|line| suspect_of(Cause::DomainParked, &target.domain, line, &ground_of, Strength::Shown).near(1.0)));
    if found.is_empty() && !target.addresses.is_empty() && target.addresses.iter().all(std::net::IpAddr::is_ipv6) {
        let say = Say::new("seen-ipv6-only").with("what", target.hostname.as_str());
        found.push(Suspect::new(Cause::MxIpv6Only, target.hostname.as_str()).seen(Strength::Shown, say));
    }
    found
}

/// Whether an MTA-STS policy that senders may still remember names us (RFC 8461 §4).
pub async fn policy_fits(ground: &Ground, target: &Target) -> Vec<Suspect> {
    let domain = target.domain.as_str();
    let record = ground.dns.lookup(&format!("_mta-sts.{domain}"), RecordType::Txt).await;
    if !record.is_ok_and(|records| records.iter().any(|one| matches!(one, Record::Txt(text) if text.starts_with(b"v=STSv1")))) {
        return Vec::new();
    }
    let host = format!("mta-sts.{domain}");
    let served = crate::diagnostics::fetch::https(&host, "/.well-known/mta-sts.txt", ground.dns.as_ref(), &ground.courier.tls).await;
    let checked = check::mta_sts(target, ground.dns.as_ref(), Some(served)).await;
    let wrong = checked.lines.iter().find(|line| line.result == CheckResult::Problem);
    let suspect = Suspect::new(Cause::MtaStsMismatch, domain);
    wrong
        .map(|line| {
            suspect.with(Evidence::new(Strength::Fits, line.say.clone())).fix(fix::open(format!("/domains/{domain}"), "fix-open-domains"))
        })
        .into_iter()
        .collect()
}

/// Whether the world believes mail from the domain. `strength` is how much a fault found now says about what is asked.
pub async fn outward(ground: &Ground, target: &Target, strength: Strength) -> Vec<Suspect> {
    let dns = ground.dns.as_ref();
    let (spf, dkim, dmarc) = tokio::join!(check::spf(target, dns), check::dkim(target, dns), check::dmarc(target, dns));
    let mut found = meant(&spf, &target.domain, strength);
    // Whoever signs may leave SPF alone; whoever does neither is not believed.
    let signs = target.keys.iter().any(|key| key.state == "active") && dkim.result <= CheckResult::Advice;
    let without_us = spf.lines.iter().find(|line| line.say.key == "check-spf-not-us");
    if let Some(line) = without_us.filter(|_| !signs && !found.iter().any(|one| matches!(one.cause, Cause::SpfMissing | Cause::SpfBroken)))
    {
        found.push(suspect_of(Cause::SpfWithoutUs, &target.domain, line, &spf, strength));
    }
    if !target.keys.is_empty() {
        found.extend(meant(&dkim, &target.domain, strength));
    }
    found.extend(meant(&dmarc, &target.domain, strength));
    found
}

/// What protects the name of the domain against forgers: p=none and nothing are not enough.
pub async fn protection(ground: &Ground, target: &Target) -> Vec<Suspect> {
    let dns = ground.dns.as_ref();
    let (spf, dmarc) = tokio::join!(check::spf(target, dns), check::dmarc(target, dns));
    let mut found = Vec::new();
    for line in &dmarc.lines {
        let cause = match line.say.key.as_ref() {
            "check-dmarc-none" => Cause::DmarcMissing,
            "check-dmarc-watches" | "check-dmarc-subdomains" | "check-dmarc-percent" => Cause::DmarcWatches,
            "check-dmarc-policy" | "check-dmarc-several" => Cause::DmarcBroken,
            _ => continue,
        };
        found.push(suspect_of(cause, &target.domain, line, &dmarc, Strength::Shown).near(1.0));
    }
    for line in spf.lines.iter().filter(|line| line.result == CheckResult::Problem) {
        let cause = match line.say.key.as_ref() {
            "check-spf-none" => Cause::SpfMissing,
            "check-spf-open" => Cause::SpfOpen,
            _ => Cause::SpfBroken,
        };
        // An open record lets forgers pass SPF, whatever DMARC asks for.
        let (strength, near) = if cause == Cause::SpfOpen { (Strength::Shown, 2.0) } else { (Strength::Fits, 0.0) };
        found.push(suspect_of(cause, &target.domain, line, &spf, strength).near(near));
    }
    // "?all" asks receivers for nothing: SPF then stops nobody.
    for line in spf.lines.iter().filter(|line| line.say.key == "check-spf-neutral") {
        found.push(suspect_of(Cause::SpfOpen, &target.domain, line, &spf, Strength::Shown));
    }
    if found.is_empty() && dmarc.result <= CheckResult::Advice {
        let say = Say::new("seen-protected").with("what", target.domain.as_str());
        found.push(Suspect::new(Cause::NothingWrong, target.domain.as_str()).seen(Strength::Shown, say));
    }
    found
}

/// Whether our addresses have names that lead back.
pub async fn names(ground: &Ground, target: &Target) -> Vec<Suspect> {
    const ADDRESSES_MAX: usize = 4;
    let mut found = Vec::new();
    for ip in target.addresses.iter().take(ADDRESSES_MAX) {
        let answer = ground.dns.lookup(&reverse_name(*ip), RecordType::Ptr).await;
        let is_missing = match &answer {
            Ok(records) => records.is_empty(),
            Err(mail::dns::DnsError::NoSuchName(_)) => true,
            Err(_) => false,
        };
        if is_missing {
            let say = Say::new("seen-no-ptr").with("what", ip.to_string()).with("detail", target.hostname.as_str());
            let publish = Fix::Publish { name: reverse_name(*ip), record: "PTR".into(), value: target.hostname.clone() };
            found.push(Suspect::new(Cause::PtrMissing, ip.to_string()).seen(Strength::Fits, say).fix(publish));
        }
    }
    if found.is_empty() {
        // A name that does not lead back is as good as none.
        let checked = check::names(target, ground.dns.as_ref()).await;
        let lost = checked.lines.iter().find(|line| line.say.key == "check-names-forward");
        found.extend(lost.map(|line| suspect_of(Cause::PtrMissing, &target.hostname, line, &checked, Strength::Fits)));
    }
    found
}

/// Lists that name our addresses, for a server that refuses them: what was found, and where each is asked to take them off.
pub async fn listed(ground: &Ground) -> (Vec<Evidence>, Vec<Fix>) {
    /// Some lists never answer.
    const LISTS_WITHIN: std::time::Duration = std::time::Duration::from_secs(4);
    let target = Target { hostname: ground.hostname.clone(), addresses: ground.own_addresses().await, ..Target::default() };
    let asked = tokio::time::timeout(LISTS_WITHIN, check::lists(&target, ground.dns.as_ref())).await;
    let Ok(checked) = asked else { return (Vec::new(), Vec::new()) };
    let seen = checked.lines.iter().filter(|line| line.result == CheckResult::Problem);
    (seen.map(|line| Evidence::new(Strength::Shown, line.say.clone())).collect(), checked.fixes.iter().cloned().map(fix::tell).collect())
}

/// An address of ours on a list: mail from it is thrown into junk, or refused, wherever the list is asked.
pub async fn own_listed(ground: &Ground) -> Option<Suspect> {
    let (seen, fixes) = listed(ground).await;
    let suspect = seen.into_iter().fold(Suspect::new(Cause::OwnListed, ground.hostname.as_str()), Suspect::with);
    (!suspect.evidence.is_empty()).then(|| suspect.fixes(fixes).near(1.0))
}

/// Asking past signatures.
const UNCHECKED_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);
const DOMAINS_MAX: usize = 3;

/// Of domains that cannot be looked up: those whose zone answers once nobody checks its signatures.
pub async fn signed(ground: &Ground, found: &mut Vec<Suspect>) {
    let is_silent = |one: &&Suspect| matches!(one.cause, Cause::DomainDnsFailing | Cause::MxDnsFailing) && one.what.contains('.');
    let mut domains: Vec<String> = found.iter().filter(is_silent).map(|one| one.what.clone()).collect();
    domains.sort_unstable();
    domains.dedup();
    for domain in domains.into_iter().take(DOMAINS_MAX) {
        let asked = async { tokio::join!(ground.dns.lookup(&domain, RecordType::Mx), ground.dns.unchecked(&domain, RecordType::Mx)) };
        let Ok((Err(DnsError::Temporary { .. }), Some(Ok(_)))) = tokio::time::timeout(UNCHECKED_WITHIN, asked).await else { continue };
        let seen = || Evidence::new(Strength::Shown, Say::new("seen-dnssec").with("what", domain.as_str()));
        let mut broken = Suspect::new(Cause::DnssecBroken, domain.as_str()).with(seen());
        let is_foreign = ground.directory.domain_named(&domain).is_none();
        for one in found.iter_mut().filter(|one| one.what == domain) {
            match one.cause {
                Cause::MxDnsFailing => one.evidence.push(Evidence { strength: Strength::Fits, ..seen() }),
                Cause::DomainDnsFailing if is_foreign => {
                    broken.evidence.extend(one.evidence.iter().cloned());
                    broken.fixes.extend(one.fixes.iter().cloned());
                    broken.nearness = broken.nearness.max(one.nearness + 0.1);
                    one.evidence.push(Evidence::new(Strength::Against, Say::new("seen-dnssec-instead")));
                }
                _ => {}
            }
        }
        if is_foreign && broken.evidence.len() > 1 {
            found.push(broken.fix(fix::tell(Say::new("tell-dnssec").with("what", domain.as_str()))));
        }
    }
}

/// Problems of a check as suspects, one a cause.
fn meant(checked: &Checked, domain: &str, strength: Strength) -> Vec<Suspect> {
    let mut found: Vec<Suspect> = Vec::new();
    for line in checked.lines.iter().filter(|line| line.result == CheckResult::Problem) {
        let Some((_, cause)) = MEANINGS.iter().find(|(key, _)| line.say.key == *key || key.ends_with('-') && line.say.key.starts_with(key))
        else {
            continue;
        };
        match found.iter_mut().find(|one| one.cause == *cause) {
            Some(there) => there.evidence.push(Evidence::new(strength, line.say.clone())),
            None => found.push(suspect_of(*cause, domain, line, checked, strength)),
        }
    }
    found
}

fn suspect_of(cause: Cause, domain: &str, line: &Line, checked: &Checked, strength: Strength) -> Suspect {
    let records = checked.publish.iter().filter(|record| !record.is_there);
    let publish =
        records.map(|record| Fix::Publish { name: record.name.clone(), record: record.kind.clone(), value: record.value.clone() });
    let suspect = Suspect::new(cause, domain).with(Evidence::new(strength, line.say.clone())).fixes(publish);
    suspect.fixes(checked.fixes.iter().cloned().map(fix::tell))
}
