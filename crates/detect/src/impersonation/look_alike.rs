//! `impersonation.look-alike` and its kin: domains that are taken for one served here or for a brand's (UTS 39 §4 confusable
//! detection). Those of correspondents are in `correspondent`.

use super::brand::{self, How};
use super::sender;
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::address::organisational_domain;
use mail::{AuthResults, Mail};
use std::collections::HashMap;
use unicode_security::{RestrictionLevel, RestrictionLevelDetection};

/// Names shorter than this have honest neighbours at one letter's distance.
const NAME_OCTETS_MIN: usize = 6;

/// The sender's domain is nearly one that the reader knows.
pub struct FromLookAlike;

impl Inspect for FromLookAlike {
    fn name(&self) -> &'static str {
        "impersonation.look-alike"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(from) = sender::shown(mail.message) else { return };
        let domain = from.domain.as_ref();
        if let Some(written) = mixed_scripts(domain) {
            let evidence = format!("{domain} is shown as “{written}”");
            findings.push(Finding::new("impersonation.mixed-script", Kind::Phish, 2.0, evidence));
        }
        if let Some(LookAlike { own, same_looks }) = imitated(domain, surroundings) {
            // Names that look the same are made to; a letter more or less may be a neighbour, so it needs a little more.
            let weight = if same_looks { 5.0 } else { 3.0 };
            let evidence = format!("{domain} looks like {own}");
            findings.push(Finding::new("impersonation.look-alike", Kind::Impersonation, weight, evidence));
        } else if let Some(found) = brand::imitated(domain) {
            findings.push(brand_finding(domain, &found));
        }
    }
}

fn brand_finding(domain: &str, found: &brand::Imitated) -> Finding {
    // Agencies and fans put a brand into a domain honestly; nobody honest exchanges its letters.
    let (kind, weight) = match found.how {
        How::SameLooks => (Kind::Impersonation, 5.0),
        How::WholeDomain => (Kind::Impersonation, 4.0),
        How::InName => (Kind::Phish, 1.5),
        How::OtherSuffix | How::Near => (Kind::Phish, 1.0),
        How::InSubdomain => (Kind::Phish, 0.7),
    };
    let evidence = format!("{domain} {}; {} sends from {}", found.how.said(found.brand.name), found.brand.name, found.brand.home());
    Finding::new("impersonation.brand-domain", kind, weight, evidence)
}

/// Which known domain a name imitates.
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
    surroundings.own_index().imitated(organisational_domain(host)?)
}

/// Organisational domains by what they look like.
#[derive(Debug)]
pub(crate) struct NameIndex {
    /// By alphabet, so that the same mail gives the same evidence.
    names: Vec<String>,
    by_looks: HashMap<String, usize>,
}

impl NameIndex {
    pub(crate) fn of<'a>(domains: impl Iterator<Item = &'a String>) -> NameIndex {
        let mut names: Vec<String> = domains.map(|domain| organisational_domain(domain).unwrap_or(domain).to_string()).collect();
        names.sort_unstable();
        names.dedup();
        let mut by_looks = HashMap::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            by_looks.entry(looks_of(name)).or_insert(at);
        }
        NameIndex { names, by_looks }
    }

    pub(super) fn imitated(&self, name: &str) -> Option<LookAlike<'_>> {
        if self.names.binary_search_by(|own| own.as_str().cmp(name)).is_ok() {
            return None; // another branch of the same tree
        }
        if let Some(at) = self.by_looks.get(&looks_of(name)) {
            return Some(LookAlike { own: &self.names[*at], same_looks: true });
        }
        let is_near = |own: &&String| own.len().abs_diff(name.len()) <= 1 && one_letter_apart(name, own);
        self.names.iter().find(is_near).map(|near| LookAlike { own: near, same_looks: false })
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
pub(crate) fn looks_of(name: &str) -> String {
    let shown = if name.contains("xn--") { idna::domain_to_unicode(name).0 } else { name.to_string() };
    if shown.is_ascii() {
        // The skeleton of ASCII differs from it only in what `folded` folds anyway.
        return folded(shown.chars().map(|c| c.to_ascii_lowercase())).collect();
    }
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
pub(super) fn one_letter_apart(name: &str, own: &str) -> bool {
    let (Some((name, name_suffix)), Some((own, own_suffix))) = (name.split_once('.'), own.split_once('.')) else { return false };
    name_suffix == own_suffix && label_one_letter_apart(name, own)
}

/// As above, for single labels.
pub(super) fn label_one_letter_apart(name: &str, own: &str) -> bool {
    if own.len() < NAME_OCTETS_MIN || name.len() < NAME_OCTETS_MIN {
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
