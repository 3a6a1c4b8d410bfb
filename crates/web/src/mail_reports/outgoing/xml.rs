//! The XML of a report (RFC 7489 Appendix C).

use super::entry::Entry;
use super::target::Policy;
use crate::App;
use crate::page::table::escaped;
use gateway::mail_reports::DAY_MS;
use mail::Address;

/// What a report is about.
pub struct About<'a> {
    pub app: &'a App,
    pub contact: &'a Address,
    pub id: &'a str,
    pub domain: &'a str,
    pub day_ms: i64,
    pub policy: &'a Policy,
}

pub fn xml(about: &About<'_>, entries: &[(Entry, i64)]) -> String {
    let (begin, end) = (about.day_ms / 1000, (about.day_ms + DAY_MS) / 1000 - 1);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback>\n<version>1.0</version>\n<report_metadata>{}{}{}<date_range><begin>{begin}</begin>\
         <end>{end}</end></date_range></report_metadata>\n<policy_published>{}",
        element("org_name", about.contact.domain()),
        element("email", &about.contact.to_string()),
        element("report_id", about.id),
        element("domain", about.domain),
    );
    for (tag, usual) in [("adkim", "r"), ("aspf", "r"), ("p", "none"), ("sp", ""), ("pct", "100"), ("fo", "0")] {
        let said = about.policy.tag(tag);
        let value = match (said, tag) {
            ("", "sp") => about.policy.tag("p"),
            ("", _) => usual,
            _ => said,
        };
        text.push_str(&element(tag, value));
    }
    text.push_str("</policy_published>\n");
    entries.iter().for_each(|(entry, count)| text.push_str(&record(entry, *count)));
    text.push_str("</feedback>\n");
    text
}

fn record(entry: &Entry, count: i64) -> String {
    let result = |is: bool| if is { "pass" } else { "fail" };
    let reason = if entry.reason.is_empty() { String::new() } else { format!("<reason>{}</reason>", element("type", &entry.reason)) };
    let mut text = format!(
        "<record><row>{}<count>{count}</count><policy_evaluated>{}{}{}{reason}</policy_evaluated></row><identifiers>{}{}</identifiers><auth_results>",
        element("source_ip", &entry.source),
        element("disposition", &entry.disposition),
        element("dkim", result(entry.dkim)),
        element("spf", result(entry.spf)),
        element("envelope_from", &entry.envelope_from),
        element("header_from", &entry.header_from),
    );
    for (domain, selector, result) in &entry.signatures {
        text.push_str(&format!("<dkim>{}{}{}</dkim>", element("domain", domain), element("selector", selector), element("result", result)));
    }
    let (domain, scope, result) = &entry.spf_check;
    text.push_str(&format!(
        "<spf>{}{}{}</spf></auth_results></record>\n",
        element("domain", domain),
        element("scope", scope),
        element("result", result)
    ));
    text
}

fn element(name: &str, value: &str) -> String {
    let plain: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("<{name}>{}</{name}>", escaped(&plain))
}
