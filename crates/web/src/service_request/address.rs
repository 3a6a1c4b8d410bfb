//! The address that a letter about a request can be answered to: `request+ID.PROOF@our host`.
//!
//! The proof has two halves of eight characters (40 bits each). The first is made with the key file of this installation and
//! shows, without looking anything up, that we wrote the address; the second is made with the request's own key and
//! names the address that the letter went to. So a stranger cannot write to a request, and who answers is known also where their domain
//! publishes nothing. All of it is lower case: mail programs and servers may change the case of what stands before the "@".

use crate::App;
use crate::people::session::Token;
use aws_lc_rs::hmac;
use gateway::dkim::Seal;
use mail::id::RequestId;
use store::Error;

/// Begins every address of ours that is answered to.
pub const LOCAL: &str = "request";
const HALF_CHARS: usize = 8;
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A fresh key of a request.
/// # Errors
/// The system has no random numbers.
pub fn secret() -> Result<String, Error> {
    Token::fresh().map(|token| token.plain)
}

/// What an address says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub request: RequestId,
    /// Second half of the proof.
    half: String,
}

impl Read {
    /// Whether the address was in a letter to `to`.
    pub fn is_for(&self, secret: &str, to: &str) -> bool {
        same(&self.half, &second(secret, self.request, to))
    }
}

/// The address under which `to` answers about a request with this key.
pub fn of(app: &App, request: RequestId, secret: &str, to: &str) -> String {
    format!("{}@{}", local(&app.seal, request, secret, to), app.hostname)
}

fn local(seal: &Seal, request: RequestId, secret: &str, to: &str) -> String {
    format!("{LOCAL}+{request}.{}{}", first(seal, request), second(secret, request, to))
}

/// Reads a local part; `None` when it is not one that this installation has signed.
pub fn read(seal: &Seal, local: &str) -> Option<Read> {
    let local = local.to_ascii_lowercase();
    let (id, proof) = local.strip_prefix(LOCAL)?.strip_prefix('+')?.split_once('.')?;
    let request: RequestId = id.parse().ok()?;
    let (given, second) = proof.split_at_checked(HALF_CHARS).filter(|(_, second)| second.len() == HALF_CHARS)?;
    same(given, &first(seal, request)).then(|| Read { request, half: second.to_string() })
}

fn first(seal: &Seal, request: RequestId) -> String {
    half(&seal.sign("reply address", &request.to_string()))
}

fn second(secret: &str, request: RequestId, to: &str) -> String {
    half(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), format!("{request} {}", to.to_lowercase()).as_bytes()).as_ref())
}

/// The first 40 bits of an HMAC-SHA256 (RFC 2104) in Crockford's digits.
fn half(tag: &[u8]) -> String {
    let bits = tag.iter().take(5).fold(0u64, |bits, octet| (bits << 8) | u64::from(*octet));
    (0..HALF_CHARS).rev().map(|at| char::from(DIGITS[(bits >> (5 * at)) as usize & 31])).collect()
}

/// Compared without telling by time where they differ.
fn same(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_wrote_is_read_and_it_names_whom_it_was_for() {
        let (id, key, secret) = (RequestId(1_795_000_000_000 << 21), Seal::new(&[7; 32]).expect("a key"), "of the request");
        let key = &key;
        let address = local(key, id, secret, "li@acme.example");
        let read_it = read(key, &address).expect("ours");
        assert_eq!(read_it.request, id);
        assert!(
            read_it.is_for(secret, "Li@Acme.example")
                && !read_it.is_for(secret, "bo@acme.example")
                && !read_it.is_for("x", "li@acme.example")
        );
        assert!(read(key, &address.to_uppercase()).is_some(), "case does not matter");
        assert!(address.len() <= 64, "RFC 5321 §4.5.3.1.1: {}", address.len());
        let mut other = address.clone().into_bytes();
        let at = other.len() - 12;
        other[at] = if other[at] == b'0' { b'1' } else { b'0' };
        for wrong in [
            "request",
            "request+",
            "request+r0",
            &address[..address.len() - 1],
            &format!("{address}0"),
            &address.replace("request+r", "request+m"),
            &String::from_utf8_lossy(&other),
            "request+r000000000000é.0000000000000000",
        ] {
            assert_eq!(read(key, wrong), None, "{wrong}");
        }
        assert_eq!(read(&Seal::new(&[8; 32]).expect("a key"), &address), None);
    }
}
