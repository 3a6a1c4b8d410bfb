//! `impersonation.brand-name`, `impersonation.company`: a well-known or official name in front of somebody else's address.

use super::free_mail::is_free_mail;
use super::{brand, sender};
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use aho_corasick::AhoCorasick;
use mail::{AuthResults, Mail};
use std::sync::LazyLock;

pub struct BrandName;

impl Inspect for BrandName {
    fn name(&self) -> &'static str {
        "impersonation.brand"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(from) = sender::shown(mail.message) else { return };
        let (display, domain) = (from.display.as_ref(), from.domain.as_ref());
        if display.is_empty() || is_own(domain, surroundings) {
            return;
        }
        // Lists that rewrite From keep the writer's name. Who sends news has an identifier of a list too, and nobody posts to that.
        if mail.message.first("List-Post").is_some() {
            return;
        }
        if let Some(named) = brand::named_in(display).filter(|named| !sends_from(named.brand, domain)) {
            let evidence = format!("“{display}” writes from {}; {} sends from {}", from.address, named.brand.name, named.brand.home());
            let free = is_free_mail(domain);
            // Other letters that look the same have one purpose. A name of a name-sake firm or of an owner's domain we
            // do not know is honest, so the plain name does not decide alone.
            let (kind, weight) = match (named.is_disguised, named.is_alone, free) {
                (true, ..) => (Kind::Impersonation, 4.0),
                (_, true, true) => (Kind::Phish, 4.0),
                (_, true, false) => (Kind::Phish, 2.3),
                (_, false, _) => (Kind::Phish, 1.0),
            };
            findings.push(Finding::new("impersonation.brand-name", kind, weight, evidence));
        } else if is_free_mail(domain) && is_company(display) {
            // Sole traders do so too.
            let evidence = format!("“{display}” writes from the free mailbox {}", from.address);
            findings.push(Finding::new("impersonation.company", Kind::Phish, 1.2, evidence));
        }
    }
}

/// Owners of free mailboxes do not write from them.
pub(crate) fn sends_from(brand: &brand::Brand, domain: &str) -> bool {
    const MAILBOXES: [&str; 9] =
        ["gmail.com", "googlemail.com", "hotmail.com", "icloud.com", "live.com", "me.com", "msn.com", "outlook.com", "ymail.com"];
    brand.owns(domain) && !MAILBOXES.contains(&domain)
}

/// Words by which firms, offices and their desks call themselves, and people do not.
fn is_company(display: &str) -> bool {
    static WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let words = [
            " ltd",
            " inc.",
            " llc",
            " gmbh",
            " corp.",
            "corporation",
            "company",
            " bank",
            "customer service",
            "customer support",
            "customer care",
            "help desk",
            "helpdesk",
            "it support",
            "it department",
            "human resources",
            "hr department",
            "payroll",
            "billing",
            "accounts payable",
            "accounts receivable",
            "finance department",
            "accounting department",
            "security team",
            "support team",
            "service team",
            "administrator",
            "mail admin",
            "delivery service",
            "tax office",
            "lottery",
            "foundation",
            "公司",
            "集团",
            "银行",
            "客服",
            "财务部",
            "人事部",
            "人力资源",
            "管理员",
            "系统通知",
            "税务局",
            "社保局",
            "行政部",
        ];
        AhoCorasick::builder().ascii_case_insensitive(true).build(words).expect("fixed patterns")
    });
    WORDS.is_match(display)
}
