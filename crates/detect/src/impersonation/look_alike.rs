//! `impersonation.look-alike`: domains that are taken for one served here (UTS 39 §4 confusable detection).

use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::address::organisational_domain;
use mail::{AuthResults, Mail};
use std::collections::HashSet;
use unicode_security::{RestrictionLevel, RestrictionLevelDetection};

/// Names shorter than this have honest neighbours at one letter's distance.
const NAME_OCTETS_MIN: usize = 6;

/// The sender's domain, or that of Reply-To, is nearly one of ours.
pub struct FromLookAlike;

impl Inspect for FromLookAlike {
    fn name(&self) -> &'static str {
        "impersonation.look-alike"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(from) = mail.message.from.address() else { return };
        if let Some(written) = mixed_scripts(from.domain()) {
            let evidence = format!("{} is shown as “{written}”", from.domain());
            findings.push(Finding::new("impersonation.mixed-script", Kind::Phish, 2.0, evidence));
        }
        let Some(LookAlike { own, same_looks }) = imitated(from.domain(), surroundings) else { return };
        // Names that look the same are made to; a letter more or less may be a neighbour, so it needs a little more.
        let weight = if same_looks { 5.0 } else { 3.0 };
        let evidence = format!("{} looks like {own}", from.domain());
        findings.push(Finding::new("impersonation.look-alike", Kind::Impersonation, weight, evidence));
    }
}

/// Which own domain a name imitates.
#[derive(Debug, PartialEq, Eq)]
pub struct LookAlike<'a> {
    pub own: &'a str,
    /// It looks the same to a reader; otherwise one letter differs.
    pub same_looks: bool,
}

/// The own domain that `host` (lower-case A-labels) can be taken for; `None` for own domains themselves.
pub fn imitated<'a>(host: &str, surroundings: &'a Surroundings) -> Option<LookAlike<'a>> {
    if surroundings.own_domains.is_empty() || is_own(host, surroundings) {
        return None;
    }
    let name = organisational_domain(host)?;
    let looks = looks_of(name);
    let index = surroundings.own_index();
    if index.names.iter().any(|own| own.name == name) {
        return None; // another branch of our own tree
    }
    if let Some(own) = index.names.iter().find(|own| own.looks == looks) {
        return Some(LookAlike { own: &own.name, same_looks: true });
    }
    let near = index.names.iter().find(|own| own.name.len().abs_diff(name.len()) <= 1 && one_letter_apart(name, &own.name))?;
    Some(LookAlike { own: &near.name, same_looks: false })
}

/// The organisational domains served here, by alphabet, so that the same mail gives the same evidence.
#[derive(Debug)]
pub(crate) struct OwnIndex {
    names: Vec<OwnName>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct OwnName {
    name: String,
    looks: String,
}

impl OwnIndex {
    pub(crate) fn of(own_domains: &HashSet<String>) -> OwnIndex {
        let name = |own: &String| organisational_domain(own).unwrap_or(own).to_string();
        let mut names: Vec<OwnName> = own_domains.iter().map(name).map(|name| OwnName { looks: looks_of(&name), name }).collect();
        names.sort_unstable();
        names.dedup();
        OwnIndex { names }
    }
}

/// `host` as shown, if one of its labels mixes scripts that no language mixes.
pub fn mixed_scripts(host: &str) -> Option<String> {
    if !host.contains("xn--") {
        return None;
    }
    let (shown, _) = idna::domain_to_unicode(host);
    // UTS 39 §5.2: "highly restrictive" lets Latin stand beside Chinese, Japanese or Korean, as people write.
    let mixed = |label: &str| !label.check_restriction_level(RestrictionLevel::HighlyRestrictive);
    shown.split('.').any(mixed).then_some(shown)
}

/// What a reader sees: letters of other scripts as the Latin ones they look like, digits as letters, "rn" as "m".
fn looks_of(name: &str) -> String {
    let shown = if name.contains("xn--") { idna::domain_to_unicode(name).0 } else { name.to_string() };
    let latin: String = unicode_security::skeleton(&shown).flat_map(char::to_lowercase).collect();
    folded(latin.chars()).collect()
}

/// One letter for each group of ASCII spellings that look alike. Skeletons of UTS 39 turn "m" into "rn" and "1" into "l".
fn folded(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let mut chars = chars.peekable();
    std::iter::from_fn(move || {
        let c = chars.next()?;
        let pair = match (c, chars.peek()) {
            ('r', Some('n')) => Some('m'),
            ('v', Some('v')) => Some('w'),
            ('c', Some('l')) => Some('d'),
            _ => None,
        };
        if pair.is_some() {
            chars.next();
            return pair;
        }
        Some(match c {
            '0' => 'o',
            '1' | 'i' | '|' => 'l',
            '5' => 's',
            other => other,
        })
    })
}

/// One letter of the registered name was added, left out, changed or swapped with its neighbour; the suffix is the same,
/// or the name is the same and the suffix is not ("example.co" for "example.com").
fn one_letter_apart(name: &str, own: &str) -> bool {
    let (Some((name, name_suffix)), Some((own, own_suffix))) = (name.split_once('.'), own.split_once('.')) else { return false };
    if name_suffix != own_suffix || own.len() < NAME_OCTETS_MIN || name.len() < NAME_OCTETS_MIN {
        return false;
    }
    let (name, own) = (name.as_bytes(), own.as_bytes());
    let start = name.iter().zip(own).take_while(|(a, b)| a == b).count();
    let (name, own) = (&name[start..], &own[start..]);
    let end = name.iter().rev().zip(own.iter().rev()).take_while(|(a, b)| a == b).count();
    let (name, own) = (&name[..name.len() - end.min(name.len())], &own[..own.len() - end.min(own.len())]);
    match (name, own) {
        ([], [_]) | ([_], []) => true,
        // Digits at one place tell honest sisters apart ("site1", "site2").
        ([a], [b]) => !(a.is_ascii_digit() && b.is_ascii_digit()),
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}
