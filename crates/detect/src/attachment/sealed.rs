//! `attachment.encrypted`: content that only the recipient can open, and the password beside it; `attachment.unread`: content
//! that only other programs can open.

use super::path;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use aho_corasick::AhoCorasick;
use mail::{AuthResults, Mail};
use std::sync::LazyLock;

/// "Password" in the languages of most mail.
static PASSWORD: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let words = [
        "password",
        "passcode",
        "passwort",
        "kennwort",
        "mot de passe",
        "contraseña",
        "senha",
        "wachtwoord",
        "пароль",
        "密码",
        "密碼",
        "解压码",
        "パスワード",
        "비밀번호",
    ];
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).expect("fixed patterns")
});

pub struct Sealed;

impl Inspect for Sealed {
    fn name(&self) -> &'static str {
        "attachment.encrypted"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(attachment) = mail.message.attachments.iter().find(|attachment| attachment.encrypted) else { return };
        let told = mail.message.texts.iter().any(|text| PASSWORD.is_match(&text.visible));
        findings.push(if told {
            // The password in the same mail keeps scanners out and nobody else.
            Finding::new(
                "attachment.encrypted.password",
                Kind::Phish,
                2.0,
                format!("{}, and the text speaks of a password", path(attachment)),
            )
        } else {
            // Careful people do this right.
            Finding::new("attachment.encrypted", Kind::Phish, 0.4, path(attachment))
        });
    }
}

/// What was listed and not read: one signal less, never a reason to hold a mail by itself.
pub struct Unread;

impl Inspect for Unread {
    fn name(&self) -> &'static str {
        "attachment.unread"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(first) = mail.message.attachments.iter().find(|attachment| attachment.unread) else { return };
        let count = mail.message.attachments.iter().filter(|attachment| attachment.unread).count();
        let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
        findings.push(Finding::new("attachment.unread", Kind::Unknown, 0.0, format!("{}{more}", path(first))));
    }
}
