//! ARC (RFC 8617): what relays before us say they saw, and whether their chain of seals holds.
//!
//! A chain that holds proves only who sealed it; it counts for something if the sealer is one the service trusts.
//! In: [`Content`], keys. Out: [`Arc`]. Adding a set of our own is in [`seal`].

pub(super) mod seal;

use super::content::Content;
use super::dkim::canonical::{Canonical, add_field};
use super::dkim::key::Key;
use super::dkim::signature::{Algorithm, Kind, Signature, read_place};
use super::dkim::tags::{Tags, trim};
use super::dkim::{Verifier, add_own_field, key_name};
use super::{Arc, DkimResult};
use crate::dns::Answer;

/// RFC 8617 §4.2.1.
const INSTANCES_MAX: u32 = 50;

const RESULTS: &str = "ARC-Authentication-Results";
const MESSAGE_SIGNATURE: &str = "ARC-Message-Signature";
const SEAL: &str = "ARC-Seal";

/// What stands in the header.
pub(super) enum Found<'a> {
    Nothing,
    /// Something is missing, doubled or unreadable. `instances` is the highest number seen.
    Broken {
        instances: u32,
        why: &'static str,
    },
    Chain(Chain<'a>),
}

pub(super) struct Chain<'a> {
    /// Set `i` at place `i - 1`.
    sets: Vec<Set<'a>>,
    newest: Signature<'a>,
}

/// Places of the three fields of one instance, and the seal.
struct Set<'a> {
    results: usize,
    signature: usize,
    seal_at: usize,
    seal: Seal<'a>,
}

struct Seal<'a> {
    algorithm: Algorithm,
    domain: String,
    selector: String,
    cv: &'a [u8],
    octets: Vec<u8>,
    b: &'a [u8],
}

/// RFC 8617 §5.2 steps 1 to 3: the structure, without any key.
pub(super) fn find<'a>(content: &Content<'a>) -> Found<'a> {
    let mut places: Vec<[Option<usize>; 3]> = Vec::new();
    let mut why = None;
    for (kind, name) in [RESULTS, MESSAGE_SIGNATURE, SEAL].into_iter().enumerate() {
        for (at, field) in content.named(name) {
            let instance = if kind == 0 { results_instance(field.value) } else { instance(field.value) };
            let Some(instance) = instance else {
                why = Some("a field without a valid i=");
                continue;
            };
            if places.len() < instance as usize {
                places.resize(instance as usize, [None; 3]);
            }
            if places[instance as usize - 1][kind].replace(at).is_some() {
                why = Some("a field stands twice in one set");
            }
        }
    }
    if places.is_empty() && why.is_none() {
        return Found::Nothing;
    }
    let instances = places.len() as u32;
    match why {
        Some(why) => Found::Broken { instances, why },
        None => read_chain(content, &places).map_or_else(|why| Found::Broken { instances, why }, Found::Chain),
    }
}

fn read_chain<'a>(content: &Content<'a>, places: &[[Option<usize>; 3]]) -> Result<Chain<'a>, &'static str> {
    let mut sets = Vec::with_capacity(places.len());
    for place in places {
        let [Some(results), Some(signature), Some(seal_at)] = *place else { return Err("a set is not complete") };
        sets.push(Set { results, signature, seal_at, seal: read_seal(content.fields[seal_at].value)? });
    }
    let newest = sets.last().ok_or("there is no set")?;
    let tags = Tags::read(content.fields[newest.signature].value).ok_or("the newest signature is not a list of tags")?;
    let newest = Signature::read(&tags, Kind::Arc)?;
    match newest.algorithm {
        Algorithm::RsaSha1 => Err("the newest signature uses rsa-sha1"),
        _ => Ok(Chain { sets, newest }),
    }
}

fn read_seal(value: &[u8]) -> Result<Seal<'_>, &'static str> {
    let tags = Tags::read(value).ok_or("a seal is not a list of tags")?;
    // RFC 8617 §4.1.3: what a seal covers is fixed.
    if tags.value("h").is_some() {
        return Err("a seal has h=");
    }
    if tags.value("t") == Some(b"") || tags.number("t").is_err() {
        return Err("t= of a seal is not a number");
    }
    let algorithm = match tags.text("a") {
        Some("rsa-sha256") => Algorithm::RsaSha256,
        Some("ed25519-sha256") => Algorithm::Ed25519Sha256,
        _ => return Err("a= of a seal is not known"),
    };
    let (domain, selector) = read_place(&tags)?;
    let octets = tags.base64("b").ok_or("b= of a seal is missing or not base64")?;
    let cv = tags.value("cv").ok_or("a seal has no cv=")?;
    Ok(Seal { algorithm, domain, selector, cv, octets, b: tags.raw("b").unwrap_or_default() })
}

/// `i=` of a tag list.
fn instance(value: &[u8]) -> Option<u32> {
    let tags = Tags::read(value)?;
    read_instance(tags.value("i")?)
}

/// RFC 8617 §4.1.1: `i=N;` comes first; what follows is not a tag list.
fn results_instance(value: &[u8]) -> Option<u32> {
    let end = memchr::memchr(b';', value)?;
    let (name, number) = value[..end].split_at(memchr::memchr(b'=', &value[..end])?);
    (trim(name) == b"i").then(|| read_instance(trim(&number[1..])))?
}

fn read_instance(digits: &[u8]) -> Option<u32> {
    let all_digits = (1..=2).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(digits).ok().filter(|_| all_digits)?.parse().ok()?;
    (1..=INSTANCES_MAX).contains(&number).then_some(number)
}

impl Found<'_> {
    /// Names of the keys that the chain needs. None if it has failed already.
    pub(super) fn key_names(&self) -> Vec<String> {
        let Found::Chain(chain) = self else { return Vec::new() };
        if chain.broken_cv().is_some() {
            return Vec::new();
        }
        let seals = chain.sets.iter().map(|set| seal_key_name(&set.seal));
        seals.chain([key_name(&chain.newest)]).collect()
    }

    /// RFC 8617 §5.2. `answer` finds what DNS said to a key name.
    pub(super) fn judge<'k>(&self, verifier: &mut Verifier<'_, '_>, answer: impl Fn(&str) -> Option<&'k Answer>) -> Arc {
        match self {
            Found::Nothing => Arc { result: DkimResult::None, instances: 0, sealer: None, trusted: false, why: String::new() },
            Found::Broken { instances, why } => {
                Arc { result: DkimResult::Fail, instances: *instances, sealer: None, trusted: false, why: (*why).into() }
            }
            Found::Chain(chain) => {
                let (result, why) = chain.verdict(verifier, answer).err().unwrap_or((DkimResult::Pass, String::new()));
                let sealer = chain.sets.last().map(|set| set.seal.domain.clone());
                Arc { result, instances: chain.sets.len() as u32, sealer, trusted: false, why }
            }
        }
    }
}

impl Chain<'_> {
    /// RFC 8617 §5.2 steps 2 and 3B: the first says none, the others pass.
    fn broken_cv(&self) -> Option<&'static str> {
        if self.sets.last().is_some_and(|set| set.seal.cv == b"fail") {
            return Some("a relay before us found the chain broken");
        }
        let wanted = |at: usize| if at == 0 { &b"none"[..] } else { b"pass" };
        let odd = self.sets.iter().enumerate().any(|(at, set)| set.seal.cv != wanted(at));
        odd.then_some("cv= of a seal does not fit its place")
    }

    fn verdict<'k>(
        &self,
        verifier: &mut Verifier<'_, '_>,
        answer: impl Fn(&str) -> Option<&'k Answer>,
    ) -> Result<(), (DkimResult, String)> {
        let fail = |why: String| (DkimResult::Fail, why);
        if let Some(why) = self.broken_cv() {
            return Err(fail(why.into()));
        }
        let find = |name: &str, algorithm| match answer(name).map(|answer| Key::find(answer, algorithm)) {
            Some(Ok(key)) => match key.too_short() {
                None => Ok(key),
                Some(why) => Err(fail(why)),
            },
            Some(Err(missing)) if missing.result == DkimResult::TempError => Err((missing.result, missing.why)),
            Some(Err(missing)) => Err(fail(format!("{name}: {}", missing.why))),
            None => Err((DkimResult::TempError, "a key was not asked for".into())),
        };
        let Some(last) = self.sets.last() else { return Err(fail("there is no set".into())) };
        let key = find(&key_name(&self.newest), self.newest.algorithm)?;
        verifier.proof(&self.newest, last.signature, &key).map_err(|why| fail(format!("newest signature: {why}")))?;
        for (at, set) in self.sets.iter().enumerate().rev() {
            let key = find(&seal_key_name(&set.seal), set.seal.algorithm)?;
            let input = seal_input(&self.sets[..=at], verifier.content(), true);
            if !key.verifies(set.seal.algorithm, &input, &set.seal.octets) {
                return Err(fail(format!("seal {} does not hold", at + 1)));
            }
        }
        Ok(())
    }
}

fn seal_key_name(seal: &Seal<'_>) -> String {
    format!("{}._domainkey.{}", seal.selector, seal.domain)
}

/// RFC 8617 §5.1.1: all sets in order; of each results, signature, seal. To verify the last seal, it stands without its `b=`.
fn seal_input(sets: &[Set<'_>], content: &Content<'_>, without_last_b: bool) -> Vec<u8> {
    let mut input = Vec::with_capacity(sets.len() * 2_048);
    for (at, set) in sets.iter().enumerate() {
        for place in [set.results, set.signature] {
            add_field(Canonical::Relaxed, content.fields[place].whole, &mut input);
        }
        let seal = content.fields[set.seal_at].whole;
        match without_last_b && at + 1 == sets.len() {
            true => add_own_field(Canonical::Relaxed, seal, set.seal.b, &mut input),
            false => add_field(Canonical::Relaxed, seal, &mut input),
        }
    }
    input
}
