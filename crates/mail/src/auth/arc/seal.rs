//! Adding our own ARC set to mail that we relay (RFC 8617 §5.1).

use super::{Found, MESSAGE_SIGNATURE, RESULTS, SEAL, find, seal_input};
use crate::auth::content::Content;
use crate::auth::dkim::canonical::{Canonical, add_field, hash_body};
use crate::auth::results::{has_id, payload_of};
use crate::auth::sign::{KeyError, SigningKey, input, read_names};
use crate::auth::{Arc, DkimResult};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Authentication-Results fields that are taken up into one set.
const RESULTS_MAX: usize = 10;

/// Fields that are sealed where they stand. Trace fields change on the way and are left out.
const SIGNED: [&str; 12] = [
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "reply-to",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "dkim-signature",
];

/// Seals for one domain. Prepared once.
pub struct Sealer {
    key: SigningKey,
    domain: String,
    selector: String,
    authserv_id: String,
    signed: Vec<String>,
}

impl Sealer {
    /// `authserv_id` names the Authentication-Results fields that are ours.
    /// # Errors
    /// [`KeyError`], for the operator.
    pub fn new(domain: &str, selector: &str, pem: &str, authserv_id: &str) -> Result<Sealer, KeyError> {
        let (domain, selector) = read_names(domain, selector)?;
        let signed = SIGNED.iter().map(|name| (*name).to_string()).collect();
        Ok(Sealer { key: SigningKey::read(pem)?, domain, selector, authserv_id: authserv_id.to_string(), signed })
    }

    #[cfg(test)]
    pub(in crate::auth) fn with_key(key: SigningKey, names: (&str, &str), authserv_id: &str, signed: Vec<String>) -> Sealer {
        Sealer { key, domain: names.0.into(), selector: names.1.into(), authserv_id: authserv_id.into(), signed }
    }

    /// The three fields of a new set with their final CRLFs, seal first, to be put in front of `raw`, which must hold our
    /// Authentication-Results. `arc` is what we found of the chain so far.
    /// `None` if the chain may not grow: it has failed before (RFC 8617 §5.1), or has 50 sets.
    pub fn seal(&self, raw: &[u8], arc: &Arc, now_ms: i64) -> Option<String> {
        let content = Content::read(raw);
        let found = find(&content);
        let (instance, cv) = self.place(&found, arc)?;
        let time = now_ms / 1_000;
        let results = format!("{RESULTS}: i={instance}; {}{}\r\n", self.authserv_id, self.results(&content));
        let signature = self.message_signature(&content, instance, time);
        let seal = self.seal_field(&found, &content, &[&results, &signature], (instance, cv, time));
        Some(seal + &signature + &results)
    }

    fn place(&self, found: &Found<'_>, arc: &Arc) -> Option<(u32, &'static str)> {
        let (instances, cv) = match found {
            Found::Nothing => (0, "none"),
            Found::Broken { instances, .. } => (*instances, "fail"),
            Found::Chain(chain) if chain.sets.last().is_some_and(|set| set.seal.cv == b"fail") => return None,
            Found::Chain(chain) if arc.result == DkimResult::Pass => (chain.sets.len() as u32, "pass"),
            Found::Chain(chain) => (chain.sets.len() as u32, "fail"),
        };
        (instances < super::INSTANCES_MAX).then_some((instances + 1, cv))
    }

    /// RFC 8617 §4.1.1, §5.1: what all Authentication-Results of ours say, in order.
    fn results(&self, content: &Content<'_>) -> String {
        let ours = content.named("authentication-results").filter(|(_, field)| has_id(field.value, &self.authserv_id));
        let mut text = String::new();
        for (_, field) in ours.take(RESULTS_MAX) {
            let said = String::from_utf8_lossy(payload_of(field.value));
            let said = said.trim().trim_end_matches(';');
            text.push(';');
            for line in said.lines().map(str::trim).filter(|line| !line.is_empty()) {
                text.push_str("\r\n\t");
                text.push_str(line);
            }
        }
        text
    }

    /// Tags in the order of their names.
    fn message_signature(&self, content: &Content<'_>, instance: u32, time: i64) -> String {
        let body = hash_body(Canonical::Relaxed, content.body, None, &digest::SHA256);
        let names: Vec<&str> = self.signed.iter().map(String::as_str).collect();
        let start = format!("{MESSAGE_SIGNATURE}: a={};\r\n\tb=", self.key.algorithm());
        let end = format!(
            ";\r\n\tbh={}; c=relaxed/relaxed;\r\n\td={};\r\n\th={};\r\n\ti={instance}; s={}; t={time}",
            STANDARD.encode(&body.octets),
            self.domain,
            names.join(":"),
            self.selector,
        );
        let b = self.key.sign(&input(content, &names, &(start.clone() + &end)));
        finish(start, &b, &end)
    }

    /// RFC 8617 §5.1.1; a chain that failed is left out of what is sealed (§5.1.2).
    fn seal_field(&self, found: &Found<'_>, content: &Content<'_>, own: &[&str; 2], (instance, cv, time): (u32, &str, i64)) -> String {
        let mut covered = match found {
            Found::Chain(chain) if cv == "pass" => seal_input(&chain.sets, content, false),
            _ => Vec::new(),
        };
        for field in own {
            add_field(Canonical::Relaxed, field.trim_end().as_bytes(), &mut covered);
        }
        let start = format!("{SEAL}: a={};\r\n\tb=", self.key.algorithm());
        let end = format!("; cv={cv};\r\n\td={}; i={instance}; s={}; t={time}", self.domain, self.selector);
        add_field(Canonical::Relaxed, (start.clone() + &end).as_bytes(), &mut covered);
        covered.truncate(covered.len() - 2);
        finish(start, &self.key.sign(&covered), &end)
    }
}

/// `b=` stays on one line (700 octets for the longest key): white space inside it would be part of what later seals cover.
fn finish(start: String, b: &str, end: &str) -> String {
    start + b + end + "\r\n"
}
