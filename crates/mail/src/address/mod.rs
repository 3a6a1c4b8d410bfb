//! Mail addresses: RFC 5321 paths, RFC 5322 mailboxes, RFC 6531 UTF-8, domains as A-labels.
//!
//! In: text of the envelope ([`Address::parse`], [`parse_path`]) and of header fields ([`read_from`], [`mailboxes`],
//! [`decode_words`]). Out: an [`Address`] whose parts are valid, whatever spelling it came in.
//! Invariant: `Address::parse(a.to_string()) == a`, and From is read once, by [`read_from`], for every later step.
//! Not here: which domains are ours (`gateway::directory`).

mod domain;
mod header;
mod path;
mod words;

#[cfg(test)]
mod tests;

pub use domain::{domain_to_ascii, domain_to_unicode, organisational_domain};
pub use header::{FromField, MAILBOXES_MAX, mailboxes, read_from, read_from_fields};
pub use path::{PathError, parse_path, split_path};
pub use words::decode_words;

use std::fmt;

/// RFC 5321 §4.5.3.1.1.
const LOCAL_OCTETS_MAX: usize = 64;
/// RFC 5321 §4.5.3.1.3: a path of 256 octets with its angle brackets.
const ADDRESS_OCTETS_MAX: usize = 254;
/// Before its domain became A-labels, an address may be a little longer than after.
const TEXT_OCTETS_MAX: usize = 1_100;

/// One mail address. The domain is kept as lower-case A-labels without a final dot, or as an address literal in brackets;
/// the local part as meant, that is without quotes; [`fmt::Display`] puts them back where they are needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: String,
    /// Empty only for the bare `postmaster` of RFC 5321 §4.1.1.3.
    domain: String,
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the part before “@” is not valid")]
    Local,
    #[error("the domain is not valid")]
    Domain,
    #[error("there is no “@”")]
    NoAt,
    /// RFC 5321 §4.5.3.1: 64 octets before "@", 255 after, 254 in all.
    #[error("the address is too long")]
    TooLong,
    #[error("non-ASCII characters need SMTPUTF8")]
    NeedsUtf8,
}

impl Address {
    /// Reads `local@domain`, strictly (RFC 5321 §4.1.2 Mailbox, RFC 6531 §3.3); no comments, no white space, no route.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        if text.len() > TEXT_OCTETS_MAX {
            return Err(AddressError::TooLong);
        }
        let (local, local_octets, domain) = if text.starts_with('"') { split_quoted(text)? } else { split_plain(text)? };
        if local_octets > LOCAL_OCTETS_MAX {
            return Err(AddressError::TooLong);
        }
        let domain = read_domain(domain)?;
        let address = Address { local, domain };
        if local_octets + 1 + address.domain.len() > ADDRESS_OCTETS_MAX {
            return Err(AddressError::TooLong);
        }
        Ok(address)
    }

    /// `postmaster` without a domain, which every server accepts in RCPT (RFC 5321 §4.1.1.3); the domain is ours to fill in.
    pub fn bare_postmaster() -> Address {
        Address { local: "postmaster".to_string(), domain: String::new() }
    }

    /// The same local part at another domain, for the bare postmaster and for rewriting; `domain` as for [`domain_to_ascii`].
    pub fn at(&self, domain: &str) -> Result<Address, AddressError> {
        let address = Address { local: self.local.clone(), domain: read_domain(domain)? };
        if address.to_string().len() > ADDRESS_OCTETS_MAX {
            return Err(AddressError::TooLong);
        }
        Ok(address)
    }

    pub fn local(&self) -> &str {
        &self.local
    }

    /// Lower-case A-labels, or `[192.0.2.1]`, `[IPv6:2001:db8::1]`. Empty for [`Address::bare_postmaster`] alone.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// What two spellings of one mailbox share: the local part in lower case. For lookups, never for sending.
    pub fn key(&self) -> String {
        format!("{}@{}", self.local.to_lowercase(), self.domain)
    }

    /// The address has characters that need SMTPUTF8 on the way on.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }
}

/// `local@domain`, quoted where RFC 5321 wants it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.local) {
            f.write_str(&self.local)?;
        } else {
            f.write_str("\"")?;
            for letter in self.local.chars() {
                // RFC 5321 §4.1.2: only these two need the backslash.
                if matches!(letter, '"' | '\\') {
                    f.write_str("\\")?;
                }
                fmt::Write::write_char(f, letter)?;
            }
            f.write_str("\"")?;
        }
        if self.domain.is_empty() { Ok(()) } else { write!(f, "@{}", self.domain) }
    }
}

/// Dot-string "@" domain: local part, its octets as written, domain.
fn split_plain(text: &str) -> Result<(String, usize, &str), AddressError> {
    let (local, domain) = text.split_once('@').ok_or(AddressError::NoAt)?;
    if !is_dot_string(local) {
        return Err(AddressError::Local);
    }
    Ok((local.to_string(), local.len(), domain))
}

/// Quoted-string "@" domain; the quotes are taken off.
fn split_quoted(text: &str) -> Result<(String, usize, &str), AddressError> {
    let mut local = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => {
                let domain = text[at + 1..].strip_prefix('@').ok_or(AddressError::NoAt)?;
                return Ok((local, at + 1, domain));
            }
            // quoted-pairSMTP: a backslash and a graphic or a space.
            '\\' => match letters.next() {
                Some((_, escaped @ ' '..='~')) => local.push(escaped),
                _ => return Err(AddressError::Local),
            },
            ' '..='~' => local.push(letter),
            _ if is_utf8_non_ascii(letter) => local.push(letter),
            _ => return Err(AddressError::Local),
        }
    }
    Err(AddressError::Local)
}

fn read_domain(domain: &str) -> Result<String, AddressError> {
    if domain.starts_with('[') {
        return domain::parse_literal(domain).ok_or(AddressError::Domain);
    }
    // RFC 5321 §4.1.2 has no final dot, though DNS names do.
    if domain.ends_with('.') {
        return Err(AddressError::Domain);
    }
    domain_to_ascii(domain).ok_or(AddressError::Domain)
}

fn is_dot_string(local: &str) -> bool {
    let mut in_atom = false;
    for letter in local.chars() {
        match letter {
            '.' if !in_atom => return false,
            '.' => in_atom = false,
            _ if is_atext(letter) => in_atom = true,
            _ => return false,
        }
    }
    in_atom
}

/// RFC 5322 §3.2.3 atext, RFC 6532 §3.2 for the rest.
fn is_atext(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(letter) || is_utf8_non_ascii(letter)
}

/// RFC 6531 §3.3 allows every non-ASCII character. We do not take those nobody sees (C1 controls, zero width, bidi):
/// no mailbox has them, and two addresses that look alike must not differ in them (UTR 36 §3.1).
fn is_utf8_non_ascii(letter: char) -> bool {
    !letter.is_ascii() && !is_unseen(letter)
}

fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
}
