//! The XML of a report: as RFC 9990 has it, or RFC 7489 Appendix C before it.
//!
//! Both say the same of mail. RFC 9990 has a name space, says who wrote the report and how the policy was found, has words for what was not
//! there before (`np`, `t`) and none for `pct`, and calls it "pass" when mail passed under a policy that asks for more than nothing.

use super::entry::Entry;
use super::target::Policy;
use crate::page::table::escaped;
use gateway::mail_reports::{DAY_MS, DmarcShape};
use mail::Address;

/// RFC 9990 §2.1.1 and its registration of the name space.
const NAMESPACE: &str = "urn:ietf:params:xml:ns:dmarc-2.0";
const GENERATOR: &str = concat!("Gatepost ", env!("CARGO_PKG_VERSION"));
/// RFC 9990 has no word for mail that `pct` left out; the comment has.
const LEFT_OUT: &str = "left out by the pct tag (RFC 7489)";

/// What a report is about.
pub struct About<'a> {
    pub shape: DmarcShape,
    pub contact: &'a Address,
    pub id: &'a str,
    pub domain: &'a str,
    pub day_ms: i64,
    pub policy: &'a Policy,
}

pub fn xml(about: &About<'_>, entries: &[(Entry, i64)]) -> String {
    let (begin, end) = (about.day_ms / 1000, (about.day_ms + DAY_MS) / 1000 - 1);
    let (open, generator, published) = match about.shape {
        DmarcShape::Rfc9990 => (format!("<feedback xmlns=\"{NAMESPACE}\">"), element("generator", GENERATOR), published(about.policy)),
        DmarcShape::Rfc7489 => ("<feedback>".to_string(), String::new(), published_before(about.policy)),
    };
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{open}\n<version>1.0</version>\n<report_metadata>{}{}{}<date_range><begin>{begin}</begin>\
         <end>{end}</end></date_range>{generator}</report_metadata>\n<policy_published>{}{published}</policy_published>\n",
        element("org_name", about.contact.domain()),
        element("email", &about.contact.to_string()),
        element("report_id", about.id),
        element("domain", about.domain),
    );
    entries.iter().for_each(|(entry, count)| text.push_str(&record(about, entry, *count)));
    text.push_str("</feedback>\n");
    text
}

/// The policy as RFC 9990 tells it: what the record says, else the default.
fn published(policy: &Policy) -> String {
    let or = |tag: &str, usual: &str| if policy.tag(tag).is_empty() { usual.to_string() } else { policy.tag(tag).to_ascii_lowercase() };
    let testing = if policy.tag("t").eq_ignore_ascii_case("y") { "y" } else { "n" };
    let mut text = element("p", &or("p", "none")) + &element("sp", &or("sp", &or("p", "none")));
    if !policy.tag("np").is_empty() {
        text.push_str(&element("np", &or("np", "none")));
    }
    // The public suffix list, not the tree walk: mail::auth::dmarc.
    let rest = [("adkim", or("adkim", "r")), ("aspf", or("aspf", "r")), ("discovery_method", "psl".into()), ("fo", or("fo", "0"))];
    rest.iter().for_each(|(name, value)| text.push_str(&element(name, value)));
    text + &element("testing", testing)
}

/// The policy as RFC 7489 has it told.
fn published_before(policy: &Policy) -> String {
    let mut text = String::new();
    for (tag, usual) in [("adkim", "r"), ("aspf", "r"), ("p", "none"), ("sp", ""), ("pct", "100"), ("fo", "0")] {
        let said = policy.tag(tag);
        let value = match (said, tag) {
            ("", "sp") => policy.tag("p"),
            ("", _) => usual,
            _ => said,
        };
        text.push_str(&element(tag, value));
    }
    text
}

fn record(about: &About<'_>, entry: &Entry, count: i64) -> String {
    let result = |is: bool| if is { "pass" } else { "fail" };
    let mut text = format!(
        "<record><row>{}<count>{count}</count><policy_evaluated>{}{}{}{}</policy_evaluated></row><identifiers>{}{}</identifiers><auth_results>",
        element("source_ip", &entry.source),
        element("disposition", disposition(about, entry)),
        element("dkim", result(entry.dkim)),
        element("spf", result(entry.spf)),
        reason(about.shape, &entry.reason),
        element("envelope_from", &entry.envelope_from),
        element("header_from", &entry.header_from),
    );
    for (domain, selector, result) in &entry.signatures {
        text.push_str(&format!("<dkim>{}{}{}</dkim>", element("domain", domain), element("selector", selector), element("result", result)));
    }
    let (domain, scope, result) = &entry.spf_check;
    // RFC 9990 §2.1.1 knows one scope: with an empty sender that is the name of HELO, too (RFC 7208 §2.4).
    let scope = if about.shape == DmarcShape::Rfc9990 { "mfrom" } else { scope.as_str() };
    text.push_str(&format!(
        "<spf>{}{}{}</spf></auth_results></record>\n",
        element("domain", domain),
        element("scope", scope),
        element("result", result)
    ));
    text
}

/// Mail that passes is told apart from mail that nothing was asked for.
fn disposition<'e>(about: &About<'_>, entry: &'e Entry) -> &'e str {
    let is_subdomain = !entry.header_from.eq_ignore_ascii_case(about.domain);
    let asked = match about.policy.tag("sp") {
        sp if is_subdomain && !sp.is_empty() => sp,
        _ => about.policy.tag("p"),
    };
    let is_enforced = !asked.is_empty() && !asked.eq_ignore_ascii_case("none");
    match about.shape == DmarcShape::Rfc9990 && (entry.dkim || entry.spf) && is_enforced {
        true => "pass",
        false => &entry.disposition,
    }
}

fn reason(shape: DmarcShape, reason: &str) -> String {
    match (reason, shape) {
        ("", _) => String::new(),
        ("sampled_out", DmarcShape::Rfc9990) => format!("<reason>{}{}</reason>", element("type", "other"), element("comment", LEFT_OUT)),
        (reason, _) => format!("<reason>{}</reason>", element("type", reason)),
    }
}

fn element(name: &str, value: &str) -> String {
    let plain: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("<{name}>{}</{name}>", escaped(&plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::report::aggregate;

    fn entry(dkim: bool, reason: &str, header_from: &str) -> Entry {
        Entry {
            source: "192.0.2.1".into(),
            disposition: "none".into(),
            dkim,
            spf: false,
            reason: reason.into(),
            header_from: header_from.into(),
            envelope_from: String::new(),
            signatures: vec![("a.example".into(), "s".into(), "pass".into())],
            spf_check: ("mx.a.example".into(), "helo".into(), "none".into()),
        }
    }

    fn written(shape: DmarcShape, tags: &[(&str, &str)]) -> String {
        let contact = Address::parse("d@gate.example").expect("an address");
        let tags = tags.iter().map(|(tag, value)| (tag.to_string(), value.to_string())).collect();
        let policy = Policy { tags, targets: Vec::new() };
        let about =
            About { shape, contact: &contact, id: "1.2@gate.example", domain: "a.example", day_ms: 1_795_478_400_000, policy: &policy };
        let entries = [
            (entry(true, "", "a.example"), 3),
            (entry(true, "", "open.a.example"), 2),
            (entry(false, "sampled_out", "a.example"), 1),
            (entry(false, "local_policy", "a.example"), 1),
        ];
        xml(&about, &entries)
    }

    #[test]
    fn a_report_has_the_shape_that_is_set_and_reads_back() {
        let tags = [("p", "Reject"), ("sp", "none"), ("np", "reject"), ("t", "y"), ("pct", "20"), ("adkim", "s")];
        let now = written(DmarcShape::Rfc9990, &tags);
        assert!(now.contains("<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n<version>1.0</version>"), "{now}");
        assert!(now.contains("<scope>mfrom</scope>") && !now.contains("pct>") && !now.contains("sampled_out"), "{now}");
        // One after the other: what passed under "reject", under "none", what was left out, what was overridden.
        let dispositions: Vec<&str> = now.split("<disposition>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
        assert_eq!(dispositions, ["pass", "none", "none", "none"]);
        let read = aggregate::read(now.as_bytes()).expect("a report");
        let policy = &read.policy;
        assert_eq!((policy.p.as_str(), policy.sp.as_str(), policy.np.as_str(), policy.testing.as_str()), ("reject", "none", "reject", "y"));
        assert_eq!((policy.discovery.as_str(), policy.adkim.as_str(), policy.fo.as_str()), ("psl", "s", "0"));
        assert!(read.generator.starts_with("Gatepost ") && !read.is_repaired && read.unread == 0);
        let reasons: Vec<&str> = read.records.iter().flat_map(|record| &record.reasons).map(|reason| reason.kind.as_str()).collect();
        assert_eq!(reasons, ["other", "local_policy"]);

        let before = written(DmarcShape::Rfc7489, &tags);
        assert!(before.contains("<feedback>\n") && before.contains("<pct>20</pct>") && before.contains("<scope>helo</scope>"), "{before}");
        assert!(["generator", "discovery_method", "testing", ">pass</disposition>"].iter().all(|new| !before.contains(new)), "{before}");
        let read = aggregate::read(before.as_bytes()).expect("a report");
        assert_eq!((read.records.len(), read.records[2].reasons[0].kind.as_str()), (4, "sampled_out"));
        // A record that says next to nothing.
        let bare = aggregate::read(written(DmarcShape::Rfc9990, &[("p", "none")]).as_bytes()).expect("a report");
        assert_eq!((bare.policy.sp.as_str(), bare.policy.np.as_str(), bare.policy.testing.as_str()), ("none", "", "n"));
    }
}
