//! One condition against one mail.

use super::compile::{Test, Wants};
use super::facts::{Facts, Seen};
use super::note::FOUND_CHARS_MAX;
use super::{ConditionKind, SenderLocation};
use crate::rules::ConditionKind as Kind;
use detect::Class;
use mail::Address;
use mail::address::{decode_words, mailboxes};
use mail::auth::{CompositeResult, DkimResult, DmarcResult, SpfResult};
use mail::message::{Attachment, DefectKind, FileFamily};
use std::borrow::Cow;

/// What a condition came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// With what was found, as the mail has it.
    Yes(String),
    /// With what stands there instead, where that says something.
    No(String),
    /// It could not be said, and why.
    Unknown(&'static str),
}

/// What may still be searched.
#[derive(Debug)]
pub(super) struct Scan {
    pub octets_left: u64,
}

pub(super) const OVER_BUDGET: &str = "the rules of this organisation search more text than one mail may cost";
const CUT: &str = "the text is longer than a rule searches";
const NOT_JUDGED: &str = "a pasted mail was not received, authenticated or judged";
const GONE: &str = "the content of this mail is not kept any more";

/// Members of archives and attachments looked at.
const ATTACHMENTS_MAX: usize = 1_000;
/// Texts of one mail looked at.
const TEXTS_MAX: usize = 200;
/// Fields of one name looked at.
const FIELDS_MAX: usize = 200;

/// Asks one condition. `recipient` is given for conditions about one.
pub(super) fn look(test: &Test, facts: Facts<'_>, location: SenderLocation, recipient: Option<&Address>, scan: &mut Scan) -> Found {
    if facts.is_receipt_only && test.kind.needs_content() {
        return Found::Unknown(GONE);
    }
    if facts.is_unjudged && matches!(test.kind, Kind::SenderIp | Kind::Scl | Kind::Bcl | Kind::Verdict | Kind::Authentication) {
        return Found::Unknown(NOT_JUDGED);
    }
    match test.kind {
        Kind::Sender | Kind::SenderDomain | Kind::SenderScope | Kind::SenderGroup | Kind::SenderWords | Kind::SenderPatterns => {
            any(senders(facts, location).iter().map(|sender| about_address(test, facts, sender, scan)))
        }
        Kind::Recipient
        | Kind::RecipientDomain
        | Kind::RecipientScope
        | Kind::RecipientGroup
        | Kind::RecipientWords
        | Kind::RecipientPatterns => recipient.map_or(Found::No(String::new()), |recipient| about_address(test, facts, recipient, scan)),
        Kind::AnyRecipientWords | Kind::AnyRecipientPatterns => {
            any(facts.mail.envelope.recipients.iter().map(|one| about_address(test, facts, &one.address, scan)))
        }
        Kind::ToHeader => named_in(test, facts, &["to"], scan),
        Kind::CcHeader => named_in(test, facts, &["cc"], scan),
        Kind::ToCcHeader => named_in(test, facts, &["to", "cc"], scan),
        Kind::SubjectWords | Kind::SubjectPatterns => search(test, Seen::of(&facts.mail.message.subject), scan),
        Kind::TextWords | Kind::TextPatterns => subject_or_body(test, facts, scan),
        Kind::HeaderWords | Kind::HeaderPatterns => header(test, facts, scan),
        _ => look_further(test, facts, scan),
    }
}

fn look_further(test: &Test, facts: Facts<'_>, scan: &mut Scan) -> Found {
    let message = facts.mail.message;
    match test.kind {
        Kind::SenderIp => {
            let ip = facts.mail.peer.ip;
            held(matches!(&test.wants, Wants::Networks(networks) if networks.contains(ip)), ip.to_string())
        }
        Kind::MessageSize => held(over(test, facts.octets), facts.octets.to_string()),
        Kind::Charset => {
            any(message.texts.iter().filter_map(|text| text.charset.as_deref()).map(|name| search(test, Seen::of(name), scan)))
        }
        Kind::Importance => named(test, importance(facts)),
        Kind::MessageType => any(super::kinds::MESSAGE_TYPES.iter().filter(|kind| is_of_type(facts, kind)).map(|kind| named(test, kind))),
        Kind::Scl => {
            held(matches!(test.wants, Wants::Number(level) if i64::from(facts.verdict.scl) >= level), facts.verdict.scl.to_string())
        }
        Kind::Bcl => {
            held(matches!(test.wants, Wants::Number(level) if i64::from(facts.verdict.bcl) >= level), facts.verdict.bcl.to_string())
        }
        Kind::Verdict => named(test, facts.verdict.class.name()),
        Kind::Authentication => any(authentications(facts).into_iter().map(|one| named(test, one))),
        _ => any(message.attachments.iter().take(ATTACHMENTS_MAX).map(|attachment| about_attachment(test, attachment, scan)))
            .or_unreadable(test.kind, facts),
    }
}

impl Found {
    /// What could not be inspected at all has no attachment that could say so.
    fn or_unreadable(self, kind: ConditionKind, facts: Facts<'_>) -> Found {
        let is_over = facts.mail.message.has_defect(DefectKind::OverBudget) || facts.verdict.class == Class::Uninspectable;
        match self {
            Found::No(_) if kind == Kind::AttachmentUnreadable && is_over => Found::Yes(String::new()),
            found => found,
        }
    }
}

/// One that holds is enough; one that could not be asked makes "no" unknown.
fn any(all: impl Iterator<Item = Found>) -> Found {
    let mut sum = Found::No(String::new());
    for found in all {
        match found {
            Found::Yes(_) => return found,
            Found::Unknown(_) => sum = found,
            Found::No(_) if matches!(&sum, Found::No(text) if text.is_empty()) => sum = found,
            Found::No(_) => {}
        }
    }
    sum
}

fn held(holds: bool, found: String) -> Found {
    if holds { Found::Yes(found) } else { Found::No(found) }
}

fn over(test: &Test, octets: u64) -> bool {
    matches!(test.wants, Wants::Number(max) if octets > u64::try_from(max).unwrap_or(0))
}

fn named(test: &Test, name: &str) -> Found {
    held(matches!(&test.wants, Wants::Names(names) if names.iter().any(|one| one == name)), name.to_string())
}

fn senders(facts: Facts<'_>, location: SenderLocation) -> Vec<Address> {
    let header = || facts.mail.message.from.address().cloned();
    let envelope = || facts.mail.envelope.sender.clone();
    match location {
        SenderLocation::Header => header().or_else(envelope).into_iter().collect(),
        SenderLocation::Envelope => envelope().into_iter().collect(),
        SenderLocation::Either => header().into_iter().chain(envelope()).collect(),
    }
}

fn about_address(test: &Test, facts: Facts<'_>, address: &Address, scan: &mut Scan) -> Found {
    let shown = address.to_string();
    match &test.wants {
        Wants::Addresses(keys) => held(keys.contains(&address.key()), shown),
        Wants::Domains(domains) => held(domains.iter().any(|domain| is_under(address.domain(), domain)), shown),
        Wants::Groups(groups) => held(facts.directory.membership(facts.org, address).is_in_any(groups), shown),
        Wants::Names(scopes) => {
            let scope = if facts.is_inside(address) { "inside" } else { "outside" };
            held(scopes.iter().any(|one| one == scope), shown)
        }
        Wants::Pattern(_) => search(test, Seen::of(&shown), scan),
        Wants::Nothing | Wants::Networks(_) | Wants::Number(_) => Found::No(String::new()),
    }
}

fn is_under(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn named_in(test: &Test, facts: Facts<'_>, fields: &[&'static str], scan: &mut Scan) -> Found {
    let values = fields.iter().flat_map(|field| facts.mail.message.all(field)).take(FIELDS_MAX);
    let addresses: Vec<Address> = values.flat_map(mailboxes).map(|(_, address)| address).collect();
    any(addresses.iter().map(|address| about_address(test, facts, address, scan)))
}

fn search(test: &Test, seen: Seen<'_>, scan: &mut Scan) -> Found {
    let Wants::Pattern(pattern) = &test.wants else { return Found::No(String::new()) };
    let Some(left) = scan.octets_left.checked_sub(seen.text.len() as u64) else { return Found::Unknown(OVER_BUDGET) };
    scan.octets_left = left;
    match pattern.find(seen.text) {
        Some(at) => Found::Yes(shown(at.as_str())),
        None if seen.is_cut => Found::Unknown(CUT),
        None => Found::No(String::new()),
    }
}

/// What was found, on one line, cut.
fn shown(text: &str) -> String {
    text.chars().take(FOUND_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn subject_or_body(test: &Test, facts: Facts<'_>, scan: &mut Scan) -> Found {
    let message = facts.mail.message;
    let subject = search(test, Seen::of(&message.subject), scan);
    if matches!(subject, Found::Yes(_)) {
        return subject;
    }
    any(message.texts.iter().take(TEXTS_MAX).map(|text| search(test, Seen::of(&text.visible), scan)))
}

fn header(test: &Test, facts: Facts<'_>, scan: &mut Scan) -> Found {
    let values = facts.mail.message.all(&test.header).take(FIELDS_MAX);
    let texts: Vec<String> = values.map(decode_words).collect();
    match any(texts.iter().map(|text| search(test, Seen::of(text), scan))) {
        Found::No(_) => Found::No(texts.first().map(|text| shown(text)).unwrap_or_default()),
        found => found,
    }
}

fn importance(facts: Facts<'_>) -> &'static str {
    let value = |name| facts.mail.message.first(name).map(|value| String::from_utf8_lossy(value).trim().to_ascii_lowercase());
    let said = value("importance").or_else(|| value("x-msmail-priority")).unwrap_or_default();
    let priority = value("x-priority").or_else(|| value("priority")).unwrap_or_default();
    match (said.as_str(), priority.as_bytes().first()) {
        ("high", _) | ("", Some(b'1' | b'2' | b'u')) => "high",
        ("low", _) | ("", Some(b'4' | b'5')) => "low",
        _ => "normal",
    }
}

/// RFC 3834 §5, RFC 8551, RFC 3156, RFC 5545, RFC 3464, RFC 8098, RFC 2919.
fn is_of_type(facts: Facts<'_>, kind: &str) -> bool {
    let message = facts.mail.message;
    let value = |name| message.first(name).map(|value| String::from_utf8_lossy(value).to_ascii_lowercase()).unwrap_or_default();
    let content_type = value("content-type");
    let begins = |names: &[&str]| names.iter().any(|name| content_type.trim_start().starts_with(name));
    let has_part = |name: &str| message.attachments.iter().any(|one| one.declared_type == name);
    match kind {
        "auto-reply" => {
            let automatic = value("auto-submitted");
            automatic.trim_start().starts_with("auto-replied")
                || message.first("x-autoreply").is_some()
                || value("precedence").trim() == "auto_reply"
        }
        "calendar" => {
            begins(&["text/calendar"]) || has_part("text/calendar") || memchr::memmem::find(message.raw(), b"text/calendar").is_some()
        }
        "encrypted" => {
            begins(&["multipart/encrypted"])
                || begins(&["application/pkcs7-mime", "application/x-pkcs7-mime"]) && !content_type.contains("signed-data")
                || message.texts.iter().take(TEXTS_MAX).any(|text| text.visible.contains("-----BEGIN PGP MESSAGE-----"))
        }
        "signed" => begins(&["multipart/signed"]) || content_type.contains("signed-data"),
        "delivery-report" => begins(&["multipart/report"]) && content_type.contains("delivery-status"),
        "read-receipt" => begins(&["multipart/report"]) && content_type.contains("disposition-notification"),
        "mailing-list" => {
            message.first("list-id").is_some() || message.first("list-post").is_some() || value("precedence").trim() == "list"
        }
        _ => false,
    }
}

/// The words of [`super::kinds::AUTHENTICATIONS`] that hold.
fn authentications(facts: Facts<'_>) -> Vec<&'static str> {
    let auth = facts.auth;
    let mut words = Vec::with_capacity(4);
    words.push(match auth.spf.result {
        SpfResult::Pass => "spf-pass",
        SpfResult::Fail => "spf-fail",
        SpfResult::SoftFail => "spf-softfail",
        _ => "spf-none",
    });
    words.push(
        match auth.dkim.iter().map(|one| one.result).find(|result| *result == DkimResult::Pass).or(auth.dkim.first().map(|one| one.result))
        {
            Some(DkimResult::Pass) => "dkim-pass",
            Some(DkimResult::Fail | DkimResult::PermError | DkimResult::Policy) => "dkim-fail",
            _ => "dkim-none",
        },
    );
    words.push(match auth.dmarc.result {
        DmarcResult::Pass => "dmarc-pass",
        DmarcResult::Fail => "dmarc-fail",
        _ => "dmarc-none",
    });
    words.extend(match auth.composite.result {
        CompositeResult::Pass | CompositeResult::SoftPass => Some("composite-pass"),
        CompositeResult::Fail => Some("composite-fail"),
        CompositeResult::None => None,
    });
    words
}

fn about_attachment(test: &Test, attachment: &Attachment, scan: &mut Scan) -> Found {
    let name = attachment.name.clone().unwrap_or_default();
    let names = || attachment.name.iter().chain(&attachment.other_names);
    match test.kind {
        Kind::HasAttachment => held(!attachment.inline && attachment.held_by.is_none(), name),
        Kind::AttachmentNamePatterns => any(names().map(|name| search(test, Seen::of(name), scan))),
        Kind::AttachmentExtension => {
            let extensions = names().filter_map(|name| name.rsplit_once('.')).map(|(_, extension)| extension.trim().to_lowercase());
            match any(extensions.map(|extension| named(test, &extension))) {
                Found::Yes(_) => Found::Yes(name),
                found => found,
            }
        }
        Kind::AttachmentType => {
            let family = serde_json::to_value(attachment.true_type.family).unwrap_or_default();
            any([attachment.true_type.extension, family.as_str().unwrap_or_default()].into_iter().map(|kind| named(test, kind)))
        }
        Kind::AttachmentSize => held(over(test, attachment.octets), name),
        Kind::AttachmentEncrypted => held(attachment.encrypted, name),
        Kind::AttachmentExecutable => held(matches!(attachment.true_type.family, FileFamily::Executable | FileFamily::Script), name),
        Kind::AttachmentUnreadable => held(attachment.unread || attachment.encrypted, name),
        Kind::AttachmentWords | Kind::AttachmentPatterns => match readable(attachment) {
            Some(text) => search(test, Seen::of(&text), scan),
            None => Found::No(String::new()),
        },
        _ => Found::No(String::new()),
    }
}

/// Content that can be searched as text: text itself, and what documents hold as text without being rendered. `None`: none.
fn readable(attachment: &Attachment) -> Option<Cow<'_, str>> {
    let is_text = matches!(
        attachment.true_type.family,
        FileFamily::Text | FileFamily::Html | FileFamily::Script | FileFamily::Message | FileFamily::Office | FileFamily::Pdf
    ) || matches!(attachment.true_type.extension, "xml" | "json" | "csv");
    is_text.then(|| String::from_utf8_lossy(&attachment.content))
}
