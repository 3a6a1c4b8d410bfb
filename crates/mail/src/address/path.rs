//! Paths of MAIL and RCPT: `<local@domain>` and `<>` (RFC 5321 §4.1.2).
//!
//! Source routes are refused: RFC 5321 appendix C lets a server do so, and `<@victim,@any:a@b>` reads differently in
//! different servers (espoofer A7).

use super::{Address, AddressError};

/// Why a path was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("a path stands in angle brackets")]
    Brackets,
    #[error("source routes are not accepted")]
    Route,
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Reads `<local@domain>`; `<>` gives `None`. Nothing may stand before or after the brackets.
pub fn parse_path(text: &str) -> Result<Option<Address>, PathError> {
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).ok_or(PathError::Brackets)?;
    if inner.is_empty() {
        return Ok(None);
    }
    if inner.starts_with('@') {
        return Err(PathError::Route);
    }
    Ok(Some(Address::parse(inner)?))
}

/// Cuts the path off the front of `text`, minding quotes: `<"a>b"@c> SIZE=1` gives `<"a>b"@c>` and ` SIZE=1`.
pub fn split_path(text: &str) -> Result<(&str, &str), PathError> {
    if !text.starts_with('<') {
        return Err(PathError::Brackets);
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, octet) in text.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Ok(text.split_at(at + 1)),
            _ => {}
        }
    }
    Err(PathError::Brackets)
}
