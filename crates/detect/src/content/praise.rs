//! `content.self-praise`: the mail vouches for itself.
//!
//! In: subject and the start of what is seen. Out: at most one finding. Programs put a line over mail that they trust or have looked at;
//! one that comes along in the mail was written by the sender.

use super::plain::plain;
use crate::finding::{Finding, Kind};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use aho_corasick::AhoCorasick;
use mail::{AuthResults, Mail};
use std::sync::LazyLock;

/// Octets looked at; such a line stands above the rest.
const TEXT_OCTETS_MAX: usize = 400;

static WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let words = [
        "from a trusted sender",
        "from trusted sender",
        "from a verified sender",
        "from a safe sender",
        "sender is trusted",
        "sender is verified",
        "sender has been verified",
        // Newsletters ask to be put on that list; only a banner says that the sender is.
        "sender is on your safe senders list",
        "sender is in your safe senders list",
        "sender is on the safe senders list",
        "is from your safe senders list",
        "message from your safe senders list",
        "this email is safe",
        "this message is safe",
        "vertrauenswürdigen absender",
        "expéditeur vérifié",
        "expéditeur fiable",
        "remitente de confianza",
        "remetente confiável",
        "vertrouwde afzender",
        "mittente attendibile",
        "可信发件人",
        "已验证的发件人",
        "此邮件来自可信",
    ];
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).expect("fixed patterns")
});

pub struct SelfPraise;

impl Inspect for SelfPraise {
    fn name(&self) -> &'static str {
        "content.praise"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        if sender::is_talk(message) {
            return;
        }
        let texts = message.texts.iter().map(|text| text.visible.as_str()).chain([message.subject.as_str()]);
        let found = texts.map(|text| plain(&text[..text.floor_char_boundary(TEXT_OCTETS_MAX)])).find_map(|text| {
            let found = WORDS.find(text.as_ref())?;
            Some(text[found.range()].to_string())
        });
        if let Some(words) = found {
            findings.push(Finding::new("content.self-praise", Kind::Phish, 2.2, format!("“{words}”")));
        }
    }
}
