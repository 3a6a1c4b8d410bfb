//! `impersonation.foreign-tenant`: the only signature is of somebody's rented tenant, and its name has nothing of the sender's.
//!
//! In: From, and the domains that signed. Out: at most one finding. A firm that has not set up its own signature is signed for by the
//! tenant it was given, which is named like the firm. Mail in a stranger's name through a tenant of one's own is signed with that.

use super::sender;
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::address::organisational_domain;
use mail::{AuthResults, Mail};

const TENANTS: &str = ".onmicrosoft.com";
/// Signatures looked at.
const SIGNATURES_MAX: usize = 8;
/// Letters in a row that two names of one house share.
const SHARED_LETTERS: usize = 3;

pub struct ForeignTenant;

impl Inspect for ForeignTenant {
    fn name(&self) -> &'static str {
        "impersonation.tenant"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let Some(from) = sender::shown(message) else { return };
        if is_own(&from.domain, surroundings) || from.domain.ends_with(TENANTS) {
            return;
        }
        let mut tenant = None;
        for signature in message.all("DKIM-Signature").take(SIGNATURES_MAX) {
            let domain = signed_by(&String::from_utf8_lossy(signature));
            let Some(name) = domain.as_deref().and_then(|domain| domain.strip_suffix(TENANTS)) else { return };
            tenant.get_or_insert_with(|| name.to_string());
        }
        let Some(tenant) = tenant else { return };
        let name = organisational_domain(&from.domain).unwrap_or(&from.domain);
        let name = name.split('.').next().unwrap_or(name);
        if is_akin(name, &tenant) {
            return;
        }
        let evidence = format!("{} is signed by {} alone", from.address, [tenant.as_str(), TENANTS].concat());
        findings.push(Finding::new("impersonation.foreign-tenant", Kind::Spam, 0.8, evidence));
    }
}

/// The value of `d=` (RFC 6376 §3.5), lower case.
pub(super) fn signed_by(signature: &str) -> Option<String> {
    let tag = signature.split(';').map(str::trim).find_map(|tag| tag.strip_prefix("d=").or_else(|| tag.strip_prefix("d =")))?;
    Some(tag.split_whitespace().collect::<String>().to_ascii_lowercase())
}

/// The names share a few letters in a row, or one has the first letters of the other's words.
fn is_akin(name: &str, tenant: &str) -> bool {
    let letters = |text: &str| text.bytes().filter(u8::is_ascii_alphanumeric).map(|octet| octet.to_ascii_lowercase()).collect::<Vec<u8>>();
    let initials: Vec<u8> = name.split('-').filter_map(|word| word.bytes().next()).collect();
    let (name, tenant) = (letters(name), letters(tenant));
    name.windows(SHARED_LETTERS).any(|run| memchr::memmem::find(&tenant, run).is_some())
        || name.len() < SHARED_LETTERS
        || initials.len() > 1 && tenant.starts_with(&initials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_house_are_akin() {
        for (name, tenant, want) in [
            ("stone-bridge", "stonebridgeltd", true),
            ("k-metals", "kmetals", true),
            ("royal-iron-works", "riw2019", true),
            ("ge", "xyz", true),
            ("gardencomputers", "nora49org", false),
            ("harboursteel", "mlq664", false),
        ] {
            assert_eq!(is_akin(name, tenant), want, "{name} {tenant}");
        }
        assert_eq!(signed_by("v=1; a=rsa-sha256; d=Sel.onmicrosoft\r\n .com; s=x").as_deref(), Some("sel.onmicrosoft.com"));
        assert_eq!(signed_by("v=1; bd=x"), None);
    }
}
