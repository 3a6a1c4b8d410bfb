//! What somebody pasted: a bounce, a header, or only a reply; and what stands in free words.
//!
//! Invariant: pasted text is anybody's. It tells where to look; that a mail passed here only our own records say.

use crate::trace::hops;
use mail::message::Budget;
use mail::report::bounce::{self, Reason};
use mail::{MailId, Message};
use serde::{Deserialize, Serialize};

/// Failures kept of one bounce.
const FAILURES_MAX: usize = 20;
/// Words looked at for an address.
const WORDS_MAX: usize = 2_000;
const ADDRESSES_MAX: usize = 10;

/// What it came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pasted {
    /// From the mail it is about; '' where it does not say.
    pub sender: String,
    pub recipient: String,
    pub message_id: String,
    /// Date of that mail, Unix milliseconds.
    pub written_ms: Option<i64>,
    /// A mail or refusal of ours that it names.
    pub mail: Option<MailId>,
    pub event: Option<i64>,
    /// The server that wrote the bounce.
    pub reporting: String,
    pub failures: Vec<Failed>,
    /// Hops of a header, oldest first.
    pub hops: Vec<Passed>,
}

/// One recipient of a bounce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub recipient: String,
    /// The server that refused.
    pub remote: String,
    pub said: String,
    /// Name of the [`Reason`].
    pub reason: String,
    /// It is tried again (RFC 3463 §2: class 4). What may pass, such as a full mailbox, is not tried again after a reply of class 5.
    pub is_temporary: bool,
}

/// One hop of a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    pub by: String,
    pub at_ms: Option<i64>,
    pub delay_ms: Option<i64>,
}

impl Failed {
    pub fn of(failure: &bounce::Failure) -> Failed {
        Failed {
            recipient: failure.recipient.clone(),
            remote: failure.remote.clone().unwrap_or_default(),
            said: failure.said.clone(),
            reason: failure.reason.name().into(),
            is_temporary: match (failure.status, failure.code) {
                (Some((class, ..)), _) => class == 4,
                (None, Some(code)) => code < 500,
                (None, None) => failure.is_temporary(),
            },
        }
    }

    pub fn reason(&self) -> Reason {
        Reason::ALL.iter().copied().find(|reason| reason.name() == self.reason).unwrap_or(Reason::Unknown)
    }
}

/// Reads it, whatever it is.
pub fn read(text: &str) -> Pasted {
    let raw = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let mut pasted = Pasted { mail: mail_in(text), event: event_in(text), ..Pasted::default() };
    let is_message = looks_like_header(text);
    if let Some(found) = is_message.then(|| bounce::read(raw.as_bytes())).flatten().filter(tells) {
        pasted.reporting = found.reporting_mta.clone().unwrap_or_default();
        pasted.failures = found.failures.iter().take(FAILURES_MAX).map(Failed::of).collect();
        pasted.recipient = found.failures.first().map(|one| one.recipient.clone()).unwrap_or_default();
        pasted.take_returned(&raw);
    } else if is_message {
        pasted.take_header(&raw);
    } else {
        let failure = bounce::explain(text);
        if failure.code.is_some() || failure.status.is_some() {
            pasted.failures = vec![Failed::of(&failure)];
        }
        pasted.recipient = addresses(text).next().unwrap_or_default();
        pasted.message_id = message_id_in(text).unwrap_or_default();
    }
    pasted
}

/// An automatic answer of somebody who is away is no bounce.
fn tells(bounce: &bounce::Bounce) -> bool {
    bounce
        .failures
        .iter()
        .any(|one| one.reason != Reason::AutomaticReply && (one.code.is_some() || one.status.is_some() || !one.said.is_empty()))
}

/// A line `Name: value` before the first empty one.
fn looks_like_header(text: &str) -> bool {
    const NAMES: [&str; 8] = ["received:", "from:", "to:", "subject:", "date:", "return-path:", "message-id:", "content-type:"];
    let head = text.trim_start().lines().take(200).take_while(|line| !line.trim().is_empty());
    head.filter(|line| NAMES.iter().any(|name| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))).count() >= 2
}

impl Pasted {
    /// The mail that a bounce returns, or its header.
    fn take_returned(&mut self, raw: &str) {
        // The last Message-ID, From and Date are those of the returned part, which comes last.
        let last = |name: &str| {
            let named = |line: &&str| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            raw.lines().rfind(named).map(|line| line[name.len()..].trim().to_string()).unwrap_or_default()
        };
        self.message_id = last("message-id:");
        self.sender = addresses(&last("from:")).next().filter(|from| !is_robot(from)).unwrap_or_default();
        self.written_ms = mail::message::date_ms(last("date:").as_bytes());
        if self.recipient.is_empty() {
            self.recipient = addresses(&last("to:")).next().unwrap_or_default();
        }
    }

    fn take_header(&mut self, raw: &str) {
        let message = Message::parse(format!("{}\r\n\r\n", raw.trim_start()).into(), &Budget::default());
        let field = |name: &[u8]| message.fields().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let text = |value: Option<&[u8]>| value.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default();
        self.sender = message.from.address().map(ToString::to_string).unwrap_or_default();
        self.recipient = addresses(&text(field(b"delivered-to"))).chain(addresses(&text(field(b"to")))).next().unwrap_or_default();
        self.message_id = message.message_id.clone().unwrap_or_default();
        self.written_ms = field(b"date").and_then(mail::message::date_ms);
        let received = message.fields().filter(|(name, _)| name.eq_ignore_ascii_case(b"received")).map(|(_, value)| value);
        let passed = |hop: hops::Hop| Passed { by: hop.by, at_ms: hop.at_ms, delay_ms: hop.delay_ms };
        self.hops = hops::hops(received, self.written_ms).into_iter().map(passed).collect();
    }
}

fn is_robot(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default().to_lowercase();
    matches!(local.as_str(), "mailer-daemon" | "postmaster")
}

/// Addresses in a text, in order.
pub fn addresses(text: &str) -> impl Iterator<Item = String> {
    let is_edge = |c: char| c.is_whitespace() || "<>()[],;:\"“”‘’«»：，。；、（）【】！？".contains(c);
    let parts = text.split(is_edge).take(WORDS_MAX).filter(|part| part.contains('@'));
    parts.flat_map(addresses_in).take(ADDRESSES_MAX).collect::<Vec<_>>().into_iter()
}

/// Chinese is written without spaces: an address of ASCII ends where its letters do, and another may follow in the same word.
fn addresses_in(word: &str) -> Vec<String> {
    let is_local = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(octet);
    let is_domain = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-');
    let mut found = Vec::new();
    for (at, _) in word.match_indices('@') {
        let before = word[..at].bytes().rev().take_while(is_local).count();
        let after = word[at + 1..].bytes().take_while(is_domain).count();
        let is_ascii = before > 0 && after > 0;
        let address = if is_ascii { &word[at - before..=at + after] } else { word };
        let address = address.trim_matches(['.', '!', '?', '\'', '-']).trim_start_matches("mailto:");
        found.extend(mail::Address::parse(address).ok().map(|address| address.to_string()));
        if !is_ascii {
            break;
        }
    }
    found
}

/// The words of a text, with its addresses left out.
pub fn without_addresses(text: &str) -> String {
    addresses(text).fold(text.to_lowercase(), |text, address| text.replace(&address.to_lowercase(), " "))
}

/// Names of domains that stand in a text by themselves, in order.
pub fn domains(text: &str) -> Vec<String> {
    /// What looks like a domain and is a file or a word.
    const NO_DOMAINS: [&str; 22] = [
        "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "zip", "rar", "txt", "csv", "jpg", "jpeg", "png", "gif", "eml", "msg", "exe",
        "htm", "html", "g", "e",
    ];
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let words = without_addresses(text);
    // A page that somebody looked at says nothing of where mail came from.
    let words: Vec<&str> = words.split_whitespace().filter(|word| !word.contains("://")).take(WORDS_MAX).collect();
    let words = words.join(" ");
    let mut found: Vec<String> = Vec::new();
    for word in words.split(|c: char| !is_part(c)).take(WORDS_MAX) {
        let word = word.trim_matches(['.', '-']);
        let Some((rest, last)) = word.rsplit_once('.') else { continue };
        let is_name = last.len() >= 2 && last.bytes().all(|octet| octet.is_ascii_alphabetic()) && !NO_DOMAINS.contains(&last);
        let has_letters = rest.bytes().any(|octet| octet.is_ascii_alphabetic());
        if is_name && has_letters && mail::address::domain_to_ascii(word).is_some() && !found.iter().any(|one| one == word) {
            found.push(word.to_string());
        }
        if found.len() == ADDRESSES_MAX {
            break;
        }
    }
    found
}

/// Full-width letters and signs, as input methods for Chinese leave them, as ASCII; what has no ASCII stays.
pub fn narrow(text: &str) -> String {
    let one = |c: char| match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    };
    text.chars().map(one).collect()
}

/// What stands in angle brackets and could be a Message-ID as well as an address.
pub fn bracketed(text: &str) -> Vec<String> {
    const BRACKETED_MAX: usize = 3;
    let parts = text.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(inner, _)| inner.trim()));
    let is_one = |inner: &&str| inner.matches('@').count() == 1 && !inner.contains(char::is_whitespace);
    parts.filter(is_one).map(|inner| format!("<{inner}>")).take(BRACKETED_MAX).collect()
}

/// A mail of ours that a text names.
pub fn mail_in(text: &str) -> Option<MailId> {
    identifiers(text).find_map(|word| word.parse().ok())
}

fn event_in(text: &str) -> Option<i64> {
    identifiers(text).find_map(|word| word.parse::<mail::id::EventId>().ok()).map(|event| event.0)
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() == 14).take(WORDS_MAX)
}

/// `<…@…>` behind "Message-ID", or alone with a part that no mailbox has.
pub fn message_id_in(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let at = lower.find("message-id")?;
    let rest = &text[at..];
    let (begin, end) = (rest.find('<')?, rest.find('>')?);
    (begin < end && rest[begin..end].contains('@')).then(|| rest[begin..=end].to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_words() {
        for (text, want) in [
            ("mail from <Bob@X.example>, to ann@a.example.", vec!["Bob@x.example", "ann@a.example"]),
            ("我没收到bob@x.example发来的合同", vec!["bob@x.example"]),
            ("from:bob@x.example,to:ann@a.example.", vec!["bob@x.example", "ann@a.example"]),
            ("bob@x.example发给ann@a.example的信，bob@x.example's mail", vec!["bob@x.example", "ann@a.example", "bob@x.example"]),
            ("nothing here", vec![]),
        ] {
            assert_eq!(addresses(text).collect::<Vec<_>>(), want, "{text}");
        }
    }

    #[test]
    fn domains_and_full_width_letters_are_found() {
        for (text, want) in [
            ("Bob at partner.example swears, see plan.pdf, e.g. today", vec!["partner.example"]),
            ("partner.example那边谁都不行", vec!["partner.example"]),
            ("from bob@partner.example", vec![]),
            ("at 10.30 or 192.0.2.1", vec![]),
        ] {
            assert_eq!(domains(text), want, "{text}");
        }
        assert_eq!(narrow("ａｎｎ＠acme．example：你好"), "ann@acme.example:你好");
        assert_eq!(bracketed("see <1.2@x.example> and <a b@c>"), ["<1.2@x.example>"]);
    }

    #[test]
    fn what_is_pasted_is_read() {
        let reply = read("550 5.7.1 192.0.2.9 is on the block list of the recipient's organisation");
        assert_eq!(reply.failures.len(), 1);
        let header = read(
            "Received: from a.example (a.example [192.0.2.1]) by mx.b.example; Tue, 24 Nov 2026 12:00:00 +0000\nReceived: from x by a.example; Tue, 24 Nov 2026 09:00:00 +0000\nDate: Tue, 24 Nov 2026 08:59:00 +0000\nFrom: Bob <bob@x.example>\nTo: ann@b.example\nMessage-ID: <1@x.example>\n",
        );
        assert_eq!((header.sender.as_str(), header.recipient.as_str()), ("bob@x.example", "ann@b.example"));
        assert_eq!(header.hops.iter().map(|hop| hop.delay_ms).collect::<Vec<_>>(), [Some(60_000), Some(10_800_000)]);
        assert!(header.failures.is_empty());
    }
}
