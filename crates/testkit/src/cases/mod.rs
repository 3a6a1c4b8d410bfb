//! Synthetic mails, each with one trick, and its twin without it.
//!
//! In: a seed. Out: the same [`Case`]s on every machine. People, firms and domains are made up (`.example` and `.test`, and
//! names of brands where the trick is to borrow one); no mail of any corpus is in here. Figures measured with them are to be
//! reported as synthetic: they show that a trick is seen, not how often it is met. Not here: judging them (`detect`'s tests).

mod dice;
mod form;
mod hidden;
mod kit;
mod letter;
mod link;
mod looks;
mod mime;
mod money;
mod names;
mod picture;
mod qr;
mod smuggling;

pub use letter::{OWN_DOMAIN, PARTNER_DOMAIN, PROTECTED_ADDRESS, PROTECTED_NAME};

use dice::Dice;

/// One mail with a trick.
#[derive(Debug, Clone)]
pub struct Case {
    /// The kind of trick, such as "qr".
    pub kind: &'static str,
    /// What exactly, and which number.
    pub name: String,
    pub mail: Vec<u8>,
    /// The check whose finding names the trick.
    pub check: &'static str,
    /// The same mail without the trick.
    pub twin: Vec<u8>,
}

/// All cases of this seed, kind by kind.
pub fn all(seed: u64) -> Vec<Case> {
    let mut cases = Vec::new();
    for make in [smuggling::cases, qr::cases, looks::cases, money::cases, link::cases, hidden::cases, form::cases, mime::cases, kit::cases]
    {
        // Each kind has its own dice, so that a new case changes no other.
        let mut dice = Dice::new(seed.wrapping_add(cases.len() as u64));
        make(&mut dice, &mut cases);
    }
    cases
}

/// The test string of the anti-virus industry, in two halves so that this file is not the test file.
fn eicar() -> String {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn cases_are_many_and_the_same_for_the_same_seed() {
        let cases = all(1);
        assert!(cases.len() >= 300, "{} cases", cases.len());
        let names: HashSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len(), "each has its own name");
        assert!(cases.iter().all(|case| case.mail != case.twin));
        assert!(cases.iter().zip(all(1)).all(|(one, other)| one.mail == other.mail && one.twin == other.twin));
        assert!(cases.iter().zip(all(2)).any(|(one, other)| one.mail != other.mail));
    }
}
