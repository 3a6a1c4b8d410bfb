//! `impersonation.coded-reader`: the sender's name or address is somebody's address written in hexadecimal.
//!
//! In: From and Reply-To. Out: at most one finding. Whoever sends to many may put the reader into the envelope, to learn what bounces;
//! in front of the reader stands the sender's own name. Kits fill whatever field the pattern of a mail has.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

/// Octets of one header looked at.
const HEADER_OCTETS_MAX: usize = 600;
/// "a@b.cd" has twelve.
const DIGITS_MIN: usize = 12;

pub struct CodedReader;

impl Inspect for CodedReader {
    fn name(&self) -> &'static str {
        "impersonation.coded"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        for name in ["From", "Reply-To"] {
            let Some(value) = mail.message.first(name) else { continue };
            let value = String::from_utf8_lossy(&value[..value.len().min(HEADER_OCTETS_MAX)]);
            let Some(address) = value.split(|c: char| !c.is_ascii_hexdigit()).find_map(address) else { continue };
            findings.push(Finding::new("impersonation.coded-reader", Kind::Spam, 2.5, format!("{name} says {address} in hexadecimal")));
            return;
        }
    }
}

/// The address that a run of hexadecimal digits says.
fn address(digits: &str) -> Option<String> {
    if digits.len() < DIGITS_MIN || !digits.len().is_multiple_of(2) {
        return None;
    }
    let octets: Option<Vec<u8>> = (0..digits.len() / 2).map(|at| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()).collect();
    let text = String::from_utf8(octets?).ok()?;
    let (local, domain) = text.split_once('@')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    (!local.is_empty() && domain.contains('.') && local.chars().chain(domain.chars()).all(is_name)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_hexadecimal_are_read() {
        for (digits, want) in [
            ("626f406578616d706c652e636f6d", Some("bo@example.com")),
            ("626f6578616d706c652e636f6d", None),
            ("deadbeefdeadbeef", None),
            ("626f40", None),
            ("626f406578616d706c652e636f6", None),
            ("", None),
        ] {
            assert_eq!(address(digits).as_deref(), want, "{digits}");
        }
    }
}
