//! Reports about one mail: complaints of people (ARF, RFC 5965) and failed authentication (RFC 6591), as feedback loops and DMARC's `ruf` send
//! them. Also those that only say it in prose.
//!
//! In: a message. Out: [`Feedback`], without the content of the mail it is about. Not here: what people of ours report (`feedback`).

use super::xml::cleaned;
use crate::Message;
use crate::message::date_ms;
use std::net::IpAddr;

/// Octets read of the fields of a report, and of the header of the mail it is about.
const FIELDS_OCTETS_MAX: usize = 64 << 10;
/// Fields, and recipients or links of one report.
const FIELDS_MAX: usize = 200;
const SEVERAL_MAX: usize = 20;

/// One report. Texts are at most 500 characters and without controls; "" and `None` are not said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Feedback {
    /// Feedback-Type in lower case: abuse, fraud, virus, not-spam, opt-out, auth-failure, …
    pub kind: String,
    pub user_agent: String,
    pub source: Option<IpAddr>,
    pub mail_from: String,
    pub recipients: Vec<String>,
    /// Unix milliseconds.
    pub arrival_ms: Option<i64>,
    pub reported_domain: String,
    pub links: Vec<String>,
    pub auth_results: String,
    /// Auth-Failure (RFC 6591 §3.1): adsp, bodyhash, dkim, revoked, signature, spf, dmarc.
    pub auth_failure: String,
    pub delivery_result: String,
    pub dkim_domain: String,
    pub alignment: String,
    pub incidents: u64,
    /// From, Subject and Message-ID of the mail it is about.
    pub from: String,
    pub subject: String,
    pub message_id: String,
    /// The X-Gatepost-Report field of that mail: it went through a Gatepost.
    pub ours: String,
    /// Said in prose only.
    pub is_prose: bool,
}

impl Feedback {
    /// RFC 6591 §3: about authentication, not about what somebody thinks of it.
    pub fn is_failure(&self) -> bool {
        self.kind == "auth-failure"
    }
}

/// The report in a message; `None` when it is none.
pub fn read(message: &Message) -> Option<Feedback> {
    let own = || message.attachments.iter().filter(|attachment| !attachment.content.is_empty());
    let part = own().find(|attachment| attachment.declared_type == "message/feedback-report");
    let mut found = match part {
        Some(part) => of_fields(&part.content),
        None => in_prose(message)?,
    };
    let original = |kinds: &[&str]| own().find(|attachment| kinds.contains(&attachment.declared_type.as_str()));
    let original = original(&["message/rfc822", "message/global"]).or_else(|| original(&["text/rfc822-headers", "message/rfc822-headers"]));
    if let Some(original) = original {
        found.about(&original.content);
    }
    if found.reported_domain.is_empty() {
        found.reported_domain = domain_in(&found.from).or_else(|| domain_in(&found.mail_from)).unwrap_or_default();
    }
    Some(found)
}

fn of_fields(octets: &[u8]) -> Feedback {
    let mut found = Feedback { incidents: 1, ..Feedback::default() };
    for (name, value) in fields(octets) {
        let field = match name.as_str() {
            "feedback-type" => {
                put(&mut found.kind, &value.to_ascii_lowercase());
                continue;
            }
            "source-ip" => {
                found.source = found.source.or_else(|| address(&value));
                continue;
            }
            "original-rcpt-to" => {
                several(&mut found.recipients, bare(&value));
                continue;
            }
            "reported-uri" => {
                several(&mut found.links, value);
                continue;
            }
            "arrival-date" | "received-date" => {
                found.arrival_ms = found.arrival_ms.or_else(|| date_ms(value.as_bytes()));
                continue;
            }
            "incidents" => {
                found.incidents = value.parse::<u64>().unwrap_or(1).clamp(1, u64::from(u32::MAX));
                continue;
            }
            "user-agent" => &mut found.user_agent,
            "original-mail-from" => {
                put(&mut found.mail_from, &bare(&value));
                continue;
            }
            "reported-domain" => {
                put(&mut found.reported_domain, &crate::address::domain_to_ascii(&value).unwrap_or_default());
                continue;
            }
            "authentication-results" => &mut found.auth_results,
            "auth-failure" => {
                put(&mut found.auth_failure, &value.to_ascii_lowercase());
                continue;
            }
            "delivery-result" => &mut found.delivery_result,
            "dkim-domain" => &mut found.dkim_domain,
            "identity-alignment" => &mut found.alignment,
            _ => continue,
        };
        put(field, &value);
    }
    if found.kind.is_empty() {
        found.kind = "other".into();
    }
    found
}

/// Exim and others write a sentence and lines such as "Sender Domain: example.com" instead of a part for programs.
fn in_prose(message: &Message) -> Option<Feedback> {
    let text = message.texts.iter().find(|text| !text.is_html)?;
    let is_report = text.visible.contains("DMARC policy") && text.visible.contains("Sender IP Address:");
    let is_automatic = message.first("auto-submitted").is_some()
        || message
            .first("content-type")
            .is_some_and(|kind| kind.trim_ascii().get(..16).is_some_and(|kind| kind.eq_ignore_ascii_case(b"multipart/report")));
    if !is_report || !is_automatic {
        return None;
    }
    let (said, copy) = text.visible.split_once("------").unwrap_or((&text.visible, ""));
    let line = |name: &str| {
        let found = said.lines().filter_map(|line| line.trim().split_once(':')).find(|(known, _)| known.trim().eq_ignore_ascii_case(name));
        found.map(|(_, value)| cleaned(value)).unwrap_or_default()
    };
    let mut found = Feedback {
        kind: "auth-failure".into(),
        auth_failure: "dmarc".into(),
        source: address(&line("Sender IP Address")),
        reported_domain: crate::address::domain_to_ascii(&line("Sender Domain")).unwrap_or_default(),
        arrival_ms: date_ms(line("Received date").as_bytes()),
        delivery_result: line("DMARC Results"),
        auth_results: format!("spf alignment: {}; dkim alignment: {}", line("SPF Alignment"), line("DKIM Alignment")),
        incidents: 1,
        is_prose: true,
        ..Feedback::default()
    };
    if let Some((_, header)) = copy.split_once("\n\n").or_else(|| copy.split_once("\r\n\r\n")) {
        found.about(header.as_bytes());
    }
    Some(found)
}

impl Feedback {
    /// Takes what the header of the mail says.
    fn about(&mut self, octets: &[u8]) {
        for (name, value) in fields(octets) {
            match name.as_str() {
                "from" => put(&mut self.from, &cleaned(&crate::address::decode_words(value.as_bytes()))),
                "subject" => put(&mut self.subject, &cleaned(&crate::address::decode_words(value.as_bytes()))),
                "message-id" => put(&mut self.message_id, &value),
                "x-gatepost-report" => put(&mut self.ours, &value),
                _ => {}
            }
        }
    }
}

/// Header fields up to the first empty line: name in lower case, value unfolded.
fn fields(octets: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(&octets[..octets.len().min(FIELDS_OCTETS_MAX)]).into_owned();
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines().skip_while(|line| line.trim().is_empty()) {
        if line.trim().is_empty() || found.len() >= FIELDS_MAX {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = found.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            found.push((name.trim().to_ascii_lowercase(), value.trim().to_string()));
        }
    }
    found.into_iter().map(|(name, value)| (name, cleaned(&value))).collect()
}

fn put(field: &mut String, text: &str) {
    if field.is_empty() {
        field.push_str(text);
    }
}

fn several(list: &mut Vec<String>, text: String) {
    if !text.is_empty() && list.len() < SEVERAL_MAX {
        list.push(text);
    }
}

/// Without angle brackets.
fn bare(text: &str) -> String {
    text.trim_matches(['<', '>', ' ']).to_string()
}

fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches(['[', ']']);
    text.strip_prefix("IPv6:").unwrap_or(text).parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// The domain of an address or a From field.
fn domain_in(text: &str) -> Option<String> {
    let domain = text.rsplit('@').next().filter(|_| text.contains('@'))?;
    crate::address::domain_to_ascii(domain.trim_end_matches(['>', ' ', ')']))
}
