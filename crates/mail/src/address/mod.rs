//! Mail addresses: RFC 5321 paths, RFC 5322 mailboxes, RFC 6531 UTF-8, domains as A-labels.

use std::fmt;

/// One mail address. The domain is kept as lower-case A-labels without a final dot, or as an address literal in brackets;
/// the local part as given (without needless quotes).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: String,
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
    pub fn parse(_text: &str) -> Result<Address, AddressError> {
        unimplemented!()
    }

    pub fn local(&self) -> &str {
        &self.local
    }

    /// Lower-case A-labels, or `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
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
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// A domain as lower-case A-labels without a final dot; `None` if it is not a valid domain name (UTS 46, LDH labels, 253 octets).
pub fn domain_to_ascii(_domain: &str) -> Option<String> {
    unimplemented!()
}

/// The organisational domain by the public suffix list ("mail.example.co.uk" gives "example.co.uk"); A-labels in and out.
/// `None` for a public suffix itself and for address literals.
pub fn organisational_domain(_domain: &str) -> Option<&str> {
    unimplemented!()
}

/// The one reading of the From header that authentication, inspections, rules and pages use (`reference`: RFC 5322 §3.6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromField {
    /// Exactly one From header with exactly one mailbox. `display` is decoded (RFC 2047) and stripped of controls.
    One { display: String, address: Address },
    /// No From header at all.
    Missing,
    /// More than one field, mailbox or address, a group, a route, or text the strict grammar cannot read. `why` is for people.
    Ambiguous { why: &'static str, raw: String },
}

impl FromField {
    pub fn address(&self) -> Option<&Address> {
        match self {
            FromField::One { address, .. } => Some(address),
            _ => None,
        }
    }

    pub fn display(&self) -> &str {
        match self {
            FromField::One { display, .. } => display,
            _ => "",
        }
    }
}

/// Reads the values of all From headers of a message (raw octets after the colon, folded as received).
pub fn read_from(_values: &[&[u8]]) -> FromField {
    unimplemented!()
}
