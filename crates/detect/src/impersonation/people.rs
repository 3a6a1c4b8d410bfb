//! `impersonation.person`: a display name that belongs to somebody else.

use super::look_alike::looks_of;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;

/// Longer display names are no names.
const NAME_CHARS_MAX: usize = 100;

pub struct People;

impl Inspect for People {
    fn name(&self) -> &'static str {
        "impersonation.person"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(from) = mail.message.from.address() else { return };
        let display = mail.message.from.display();
        if surroundings.people.is_empty() || display.is_empty() {
            return;
        }
        let index = surroundings.people_index();
        let bearers = index.by_name.get(&name_key(display)).map(Vec::as_slice).unwrap_or_default();
        let Some((name, address)) = bearers.first().map(|at| &surroundings.people[*at]) else { return };
        // Two people of one name are both right.
        let written = from.to_string();
        if bearers.iter().any(|at| surroundings.people[*at].1.eq_ignore_ascii_case(&written)) {
            return;
        }
        // The organisation named this person because it happens to them; past the 3 that make the class.
        let evidence = format!("“{display}” writes from {from}; {name} has {address}");
        findings.push(Finding::new("impersonation.person", Kind::Impersonation, 4.0, evidence));
    }
}

/// Where in the list of people a name stands.
#[derive(Debug)]
pub(crate) struct PeopleIndex {
    by_name: HashMap<String, Vec<usize>>,
}

impl PeopleIndex {
    pub(crate) fn of(people: &[(String, String)]) -> PeopleIndex {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::with_capacity(people.len());
        for (at, (name, _)) in people.iter().enumerate() {
            let key = name_key(name);
            // A name of one word ("Anna", "info") is nobody's alone.
            if key.contains(' ') || !name.is_ascii() {
                by_name.entry(key).or_default().push(at);
            }
        }
        PeopleIndex { by_name }
    }
}

/// What two spellings of a name share: letters in their look-alike form, without case and order of words.
fn name_key(name: &str) -> String {
    let alike = looks_of(&name.chars().take(NAME_CHARS_MAX).nfkc().collect::<String>());
    let mut words: Vec<&str> = alike.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}
