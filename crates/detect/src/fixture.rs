//! For tests: a mail out of text, with neutral surroundings, and what the inspections say about it.

use crate::acquaintance::Acquaintance;
use crate::attachment::BLOCKED_TYPES;
use crate::finding::Finding;
use crate::impersonation::correspondent::Correspondents;
use crate::inspect::{STEPS, Surroundings};
use mail::message::Budget;
use mail::{AuthResults, Envelope, Mail, Message, Peer};

/// 2026-01-15 12:00:00 UTC, the time of every mail here.
pub const NOW_MS: i64 = 1_768_478_400_000;

/// Everything around a message; tests change what they are about.
pub struct Scene {
    pub peer: Peer,
    pub envelope: Envelope,
    pub auth: AuthResults,
    pub surroundings: Surroundings,
    pub acquaintance: Acquaintance,
    pub correspondents: Option<Correspondents>,
    pub now_ms: i64,
}

impl Default for Scene {
    fn default() -> Scene {
        let peer = Peer { port: 40_000, helo: "mx.example.net".into(), ..Peer::at([192, 0, 2, 1].into()) };
        let envelope = Envelope::empty();
        let surroundings = Surroundings {
            own_domains: ["example.com".to_string()].into(),
            people: vec![("Li Wei".to_string(), "li.wei@example.com".to_string())],
            blocked_types: BLOCKED_TYPES.iter().map(|extension| (*extension).to_string()).collect(),
            ..Surroundings::default()
        };
        Scene { peer, envelope, auth: neutral(), surroundings, acquaintance: Acquaintance::default(), correspondents: None, now_ms: NOW_MS }
    }
}

impl Scene {
    /// Findings of all inspections, engines and classifier apart.
    pub fn look(&self, raw: &[u8]) -> Vec<Finding> {
        let message = Message::parse(raw.to_vec().into(), &Budget::default());
        self.look_at(&message)
    }

    pub fn look_at(&self, message: &Message) -> Vec<Finding> {
        let mail = Mail { peer: &self.peer, envelope: &self.envelope, message, now_ms: self.now_ms };
        let mut findings = Vec::new();
        for inspection in STEPS.iter().flat_map(|(_, inspections)| inspections.iter()) {
            inspection.inspect(&mail, &self.auth, &self.surroundings, &mut findings);
        }
        if let Some(correspondents) = &self.correspondents {
            correspondents.inspect(&mail, &self.surroundings, self.acquaintance.domain, &mut findings);
        }
        crate::impersonation::acquainted::inspect(&mail, &self.auth, &self.acquaintance, &mut findings);
        for finding in &findings {
            assert!(crate::checks::find(&finding.check).is_some(), "{} has no article", finding.check);
            assert!(!finding.evidence.trim().is_empty(), "{} says nothing that a person can check", finding.check);
        }
        findings
    }
}

/// Nothing was found out about the sender.
pub fn neutral() -> AuthResults {
    AuthResults::not_asked("sender.example")
}

/// A plain mail with these header lines and this text; sets what a proper mail has unless the header does.
pub fn plain(header: &str, text: &str) -> Vec<u8> {
    typed(header, "text/plain; charset=utf-8", text)
}

/// The same with HTML.
pub fn html(header: &str, text: &str) -> Vec<u8> {
    typed(header, "text/html; charset=utf-8", text)
}

/// A mail with a sentence and one attachment.
pub fn attached(name: &str, content_type: &str, content: &[u8]) -> Vec<u8> {
    let body = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is the file we spoke about yesterday.\r\n--b\r\nContent-Type: {content_type}\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        base64(content)
    );
    typed("", "multipart/mixed; boundary=b", &body)
}

fn typed(header: &str, content_type: &str, body: &str) -> Vec<u8> {
    let mut raw = String::new();
    for (name, line) in [
        ("From:", "From: Ada <ada@sender.example>\r\n"),
        ("Date:", "Date: Thu, 15 Jan 2026 11:59:00 +0000\r\n"),
        ("Message-ID:", "Message-ID: <1@sender.example>\r\n"),
        ("Subject:", "Subject: The minutes of our meeting\r\n"),
    ] {
        if !header.contains(name) {
            raw.push_str(line);
        }
    }
    raw.push_str(&header.replace("(none)\r\n", ""));
    raw.push_str(&format!("MIME-Version: 1.0\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}"));
    raw.into_bytes()
}

fn base64(content: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for (count, three) in content.chunks(3).enumerate() {
        let value = three.iter().fold(0u32, |value, octet| value << 8 | u32::from(*octet)) << (8 * (3 - three.len()));
        for letter in 0..4 {
            let shown = letter <= three.len();
            out.push(if shown { LETTERS[(value >> (18 - 6 * letter)) as usize & 63] as char } else { '=' });
        }
        if count % 19 == 18 {
            out.push_str("\r\n");
        }
    }
    out
}

/// Checks that found something with a weight, sorted, each once.
pub fn weighing(findings: &[Finding]) -> Vec<String> {
    let mut seen: Vec<String> = findings.iter().filter(|finding| finding.weight != 0.0).map(|finding| finding.check.to_string()).collect();
    seen.sort();
    seen.dedup();
    seen
}
