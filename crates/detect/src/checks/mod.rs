//! Every check there is, with its help article in both languages. Receipts link to these by id.
//!
//! Invariant: whatever id a finding has is listed here, and nothing else; a test reads the sources for it.

pub(crate) mod attachment;
pub(crate) mod authentication;
pub(crate) mod bulk;
pub mod chinese;
pub(crate) mod connection;
pub(crate) mod content;
pub(crate) mod impersonation;
pub(crate) mod inspection;
pub(crate) mod link;
pub(crate) mod malware;

/// One check: what it saw, why that matters, what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct CheckDoc {
    /// Stable, such as `"link.text-mismatch"`.
    pub id: &'static str,
    pub title_en: &'static str,
    pub title_zh: &'static str,
    pub text_en: &'static str,
    pub text_zh: &'static str,
}

const GROUPS: [&[CheckDoc]; 9] = [
    connection::CHECKS,
    authentication::CHECKS,
    attachment::CHECKS,
    content::CHECKS,
    link::CHECKS,
    impersonation::CHECKS,
    bulk::CHECKS,
    malware::CHECKS,
    inspection::CHECKS,
];

/// Ids of findings that the gateway makes. They stand here so that all have one home; the gateway tests what gives them.
pub const OF_GATEWAY: [&str; 7] = [
    crate::connection::DNS_LIST,
    crate::connection::DNS_LIST_UNAVAILABLE,
    crate::connection::REPUTATION_GOOD,
    crate::connection::REPUTATION_BAD,
    crate::connection::RATE_UNKNOWN_RECIPIENTS,
    crate::connection::RATE_BURST,
    crate::inspect::INCOMPLETE,
];

/// All checks, group by group in the order of the inspections.
pub const CHECKS: &[CheckDoc] = &{
    let mut all = [doc("", ["", ""], "", ""); COUNT];
    let (mut at, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut check = 0;
        while check < GROUPS[group].len() {
            all[at] = GROUPS[group][check];
            (at, check) = (at + 1, check + 1);
        }
        group += 1;
    }
    all
};

const COUNT: usize = {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
};

/// The check of this id.
pub fn find(id: &str) -> Option<&'static CheckDoc> {
    CHECKS.iter().find(|check| check.id == id)
}

const fn doc(id: &'static str, titles: [&'static str; 2], text_en: &'static str, text_zh: &'static str) -> CheckDoc {
    CheckDoc { id, title_en: titles[0], title_zh: titles[1], text_en, text_zh }
}

#[cfg(test)]
mod tests;
