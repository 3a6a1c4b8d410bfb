//! `impersonation.person`: a display name that belongs to somebody else.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};
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
        let shown = name_key(display);
        let written = from.to_string();
        let theirs = |name: &str| name_key(name) == shown;
        let mut bearers = surroundings.people.iter().filter(|(name, _)| theirs(name)).peekable();
        let Some((name, address)) = bearers.peek().copied() else { return };
        // Two people of one name are both right.
        if bearers.any(|(_, address)| address.eq_ignore_ascii_case(&written)) {
            return;
        }
        // The organisation named this person because it happens to them; past the 3 that make the class.
        let evidence = format!("“{display}” writes from {from}; {name} has {address}");
        findings.push(Finding::new("impersonation.person", Kind::Impersonation, 4.0, evidence));
    }
}

/// What two spellings of a name share: letters in their look-alike form, without case and order of words.
fn name_key(name: &str) -> String {
    let folded: String = name.chars().take(NAME_CHARS_MAX).nfkc().flat_map(char::to_lowercase).collect();
    let alike: String = unicode_security::skeleton(&folded).collect();
    let mut words: Vec<&str> = alike.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}
