//! Header lines that delivery puts on top for one recipient.

use crate::policy::Decision;
use crate::queue::Edits;
use detect::Class;
use std::net::IpAddr;

/// The report lines (keys in docs/headers.md), and what the action adds.
pub fn junk_edits(report: &str, header: Option<&str>, subject_prefix: &str) -> Edits {
    let mut headers = String::with_capacity(report.len() + 64);
    headers.push_str(report);
    if let Some(header) = header.filter(|header| !header.chars().any(char::is_control)) {
        headers.push_str(header);
        headers.push_str("\r\n");
    }
    Edits { headers: headers.into(), subject_prefix: subject_prefix.into() }
}

/// The category as `service.md` §1.4 abbreviates it, for those who already read such headers.
pub fn category(class: Class) -> &'static str {
    match class {
        Class::Clean => "NONE",
        Class::Bulk => "BULK",
        Class::Spam => "SPM",
        Class::Impersonation => "UIMP",
        Class::Spoof => "SPOOF",
        Class::HighSpam => "HSPM",
        Class::Phish => "PHSH",
        Class::HighPhish => "HPHSH",
        Class::Uninspectable => "SAP",
        Class::BlockedType => "FTBP",
        Class::Malware => "MALW",
    }
}

/// The lines that report on a mail, each with its CRLF: `X-Gatepost-Report`, and with `forefront` (the address that connected, and
/// whether the mail goes out) also the line that servers behind us may read already.
pub fn report_lines(id: mail::MailId, verdict: &detect::Verdict, decision: &Decision, forefront: Option<(IpAddr, bool)>) -> String {
    let mut lines = format!("X-Gatepost-Report: {}\r\n", report_value(id, verdict, decision));
    if let Some((ip, is_outbound)) = forefront {
        let filtered = match decision.class {
            _ if decision.scl < 0 => "SKA", // service.md §1.4: an allow entry
            Class::Clean | Class::Bulk => "NSPM",
            _ => "SPM",
        };
        let direction = if is_outbound { "OUT" } else { "INB" };
        let (scl, category) = (decision.scl, category(decision.class));
        lines.push_str(&format!("X-Forefront-Antispam-Report: CIP:{ip};SCL:{scl};SFV:{filtered};CAT:{category};DIR:{direction};\r\n"));
    }
    lines
}

/// `id=…; verdict=…; scl=…; …`: everything in it is ours, so nothing needs escaping.
pub fn report_value(id: mail::MailId, verdict: &detect::Verdict, decision: &Decision) -> String {
    format!(
        "id={id}; verdict={}; scl={}; bcl={}; spam={:.4}; phish={:.4};\r\n\tcategory={}; policy={}",
        verdict.class.name(),
        decision.scl,
        verdict.bcl,
        verdict.spam_probability,
        verdict.phish_probability,
        category(decision.class),
        token(&decision.policy.name),
    )
}

/// Names of policies are written by administrators: only what cannot break a header stays.
fn token(name: &str) -> String {
    name.chars().take(60).map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}
