//! DKIM (RFC 6376, 8301, 8463): did this domain sign this message?
//!
//! In: [`Content`] and the answers to [`key_name`]s. Out: one [`Dkim`] per signature. Three steps, so that the caller asks DNS
//! for everything at once: [`candidates`] reads, the caller fetches, [`Verifier`] verifies.

pub(super) mod canonical;
pub(super) mod key;
pub(super) mod signature;
pub(super) mod tags;

use super::content::{Content, HeaderField};
use super::{Dkim, DkimResult};
use crate::dns::Answer;
use aws_lc_rs::digest;
use canonical::{BodyHash, Canonical, add_field, hash_body};
use key::Key;
use signature::{Algorithm, Kind, Signature, read_place};
use std::cmp::Ordering;
use tags::Tags;

/// Fields that a reader sees or that decide what he sees; RFC 5322 §3.6 and RFC 2045 §3 allow each once.
const SHOWN_ONCE: [&str; 8] = ["from", "sender", "reply-to", "to", "cc", "subject", "date", "content-type"];

/// A signature found in the header: read, or broken with the reason.
pub(super) struct Candidate<'a> {
    place: usize,
    read: Result<Signature<'a>, &'static str>,
    domain: String,
    selector: String,
    algorithm: String,
    b: String,
}

/// The first `max` signatures from the top; the others are not looked at (RFC 6376 §8.4).
pub(super) fn candidates<'a>(content: &Content<'a>, max: usize) -> Vec<Candidate<'a>> {
    content.named("dkim-signature").take(max).map(|(place, field)| Candidate::read(place, field)).collect()
}

impl<'a> Candidate<'a> {
    fn read(place: usize, field: &HeaderField<'a>) -> Candidate<'a> {
        let Some(tags) = Tags::read(field.value) else {
            let none = String::new;
            return Candidate { place, read: Err("not a list of tags"), domain: none(), selector: none(), algorithm: none(), b: none() };
        };
        let (domain, selector) = read_place(&tags).unwrap_or_default();
        let algorithm = tags.text("a").filter(|text| text.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-'));
        // RFC 6008 §4: eight characters tell signatures apart.
        let b = tags.value("b").unwrap_or_default().iter().filter(|octet| octet.is_ascii_alphanumeric() || b"+/=".contains(octet)).take(8);
        Candidate {
            place,
            domain,
            selector,
            algorithm: algorithm.unwrap_or_default().chars().take(20).collect(),
            b: b.map(|octet| char::from(*octet)).collect(),
            read: Signature::read(&tags, Kind::Dkim),
        }
    }

    /// Where the key stands; `None` for a signature that is broken anyway.
    pub(super) fn key_name(&self) -> Option<String> {
        self.read.as_ref().ok().map(key_name)
    }
}

pub(super) fn key_name(signature: &Signature<'_>) -> String {
    format!("{}._domainkey.{}", signature.selector, signature.domain)
}

/// Verifies signatures over one message.
pub(super) struct Verifier<'c, 'a> {
    content: &'c Content<'a>,
    bodies: Bodies<'a>,
    now_ms: i64,
}

impl<'c, 'a> Verifier<'c, 'a> {
    pub(super) fn new(content: &'c Content<'a>, now_ms: i64) -> Verifier<'c, 'a> {
        Verifier { content, bodies: Bodies { body: content.body, done: Vec::new() }, now_ms }
    }

    pub(super) fn content(&self) -> &'c Content<'a> {
        self.content
    }

    /// Verifies one signature. `answer` is what DNS said to its [`Candidate::key_name`].
    pub(super) fn judge(&mut self, candidate: Candidate<'_>, answer: Option<&Answer>) -> Dkim {
        let (result, why) = match (&candidate.read, answer) {
            (Ok(signature), Some(answer)) => self.verdict(signature, candidate.place, answer),
            (Err(why), _) => (DkimResult::PermError, (*why).to_string()),
            (Ok(_), None) => (DkimResult::TempError, "the key was not asked for".to_string()),
        };
        let Candidate { domain, selector, algorithm, b, .. } = candidate;
        Dkim { result, domain, selector, algorithm, aligned: false, why, b }
    }

    fn verdict(&mut self, signature: &Signature<'_>, place: usize, answer: &Answer) -> (DkimResult, String) {
        let key = match Key::find(answer, signature.algorithm) {
            Ok(key) => key,
            Err(missing) => return (missing.result, missing.why),
        };
        if key.is_strict && signature.for_subdomain {
            return (DkimResult::PermError, "the key does not allow i= below d=".into()); // RFC 6376 §3.6.1 t=s
        }
        match self.proof(signature, place, &key) {
            // RFC 6376 §3.6.1 t=y: a failure counts as no signature.
            Err(why) if key.is_testing => (DkimResult::Neutral, format!("{why}; the key is for testing")),
            Err(why) => (DkimResult::Fail, why),
            Ok(()) => self.refusal(signature, &key).unwrap_or_else(|| (DkimResult::Pass, key.note())),
        }
    }

    /// Body hash and signature hold. A key under 1024 bits is not put to the test; [`Verifier::refusal`] turns it away.
    pub(super) fn proof(&mut self, signature: &Signature<'_>, place: usize, key: &Key) -> Result<(), String> {
        if self.bodies.hash(signature).octets != signature.body_hash {
            return Err("the body was changed".into());
        }
        let input = || header_input(signature, place, self.content);
        match key.too_short().is_some() || key.verifies(signature.algorithm, &input(), &signature.octets) {
            true => Ok(()),
            false => Err("the signature does not match the header".into()),
        }
    }

    /// A signature that holds, and yet is not taken (RFC 8601 §2.7.1 "policy").
    fn refusal(&mut self, signature: &Signature<'_>, key: &Key) -> Option<(DkimResult, String)> {
        let policy = |why: String| Some((DkimResult::Policy, why));
        if let Some(why) = key.too_short() {
            return policy(why);
        }
        if signature.algorithm == Algorithm::RsaSha1 {
            return policy("rsa-sha1 is no longer accepted (RFC 8301)".into());
        }
        let now = u64::try_from(self.now_ms / 1_000).unwrap_or(0);
        if signature.expires_at.is_some_and(|expires| now > expires) {
            return Some((DkimResult::Fail, "the signature has expired".into()));
        }
        match signature.length.map(|covered| covered.cmp(&self.bodies.hash(signature).length)) {
            // RFC 6376 §8.2: whoever relays the mail can add text that readers take for signed.
            Some(Ordering::Less) => return policy("l= leaves a part of the body unsigned".into()),
            Some(Ordering::Greater) => return Some((DkimResult::PermError, "l= is longer than the body".into())),
            _ => {}
        }
        unsigned_double(signature, self.content).and_then(|name| policy(format!("{name} stands more often than it is signed")))
    }
}

/// RFC 6376 §8.15: a field that was added beside the signed one, and that a reader may be shown instead.
fn unsigned_double(signature: &Signature<'_>, content: &Content<'_>) -> Option<&'static str> {
    SHOWN_ONCE.into_iter().find(|name| {
        let present = content.named(name).count();
        let signed = signature.signed.iter().filter(|signed| signed.eq_ignore_ascii_case(name.as_bytes())).count();
        present > 1 && signed > 0 && signed < present || *name == "from" && present != 1
    })
}

/// Hashes of one body, each form computed once for all signatures that use it.
struct Bodies<'a> {
    body: &'a [u8],
    done: Vec<((Canonical, Option<u64>, bool), BodyHash)>,
}

impl Bodies<'_> {
    fn hash(&mut self, signature: &Signature<'_>) -> &BodyHash {
        let is_sha1 = signature.algorithm == Algorithm::RsaSha1;
        let wanted = (signature.body_form, signature.length, is_sha1);
        let place = match self.done.iter().position(|(known, _)| *known == wanted) {
            Some(place) => place,
            None => {
                let algorithm = if is_sha1 { &digest::SHA1_FOR_LEGACY_USE_ONLY } else { &digest::SHA256 };
                self.done.push((wanted, hash_body(signature.body_form, self.body, signature.length, algorithm)));
                self.done.len() - 1
            }
        };
        &self.done[place].1
    }
}

/// What was signed: the named fields, then the signature itself without its `b=` (RFC 6376 §3.7).
pub(super) fn header_input(signature: &Signature<'_>, place: usize, content: &Content<'_>) -> Vec<u8> {
    let mut input = Vec::with_capacity(2_048);
    for field in signed_fields(&signature.signed, Some(place), content) {
        add_field(signature.header_form, field.whole, &mut input);
    }
    add_own_field(signature.header_form, content.fields[place].whole, signature.b, &mut input);
    input
}

/// RFC 6376 §5.4.2: of fields with one name, the lowest first. A name without a field left adds nothing.
pub(super) fn signed_fields<'c, 'a>(names: &[&[u8]], own: Option<usize>, content: &'c Content<'a>) -> Vec<&'c HeaderField<'a>> {
    let mut taken = vec![false; content.fields.len()];
    if let Some(own) = own {
        taken[own] = true;
    }
    let mut found = Vec::with_capacity(names.len().min(content.fields.len()));
    for name in names {
        let lowest = (0..taken.len()).rev().find(|at| !taken[*at] && content.fields[*at].name.eq_ignore_ascii_case(name));
        if let Some(at) = lowest {
            taken[at] = true;
            found.push(&content.fields[at]);
        }
    }
    found
}

/// Adds the signature's own field without the octets of `b=` and without the final CRLF.
pub(super) fn add_own_field(form: Canonical, whole: &[u8], b: &[u8], input: &mut Vec<u8>) {
    let start = (b.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    let bare = match (whole.get(..start), whole.get(start.wrapping_add(b.len())..)) {
        (Some(before), Some(after)) => [before, after].concat(),
        _ => whole.to_vec(), // `b` is not a part of `whole`: nothing to leave out, and nothing verifies
    };
    add_field(form, &bare, input);
    input.truncate(input.len() - 2);
}
