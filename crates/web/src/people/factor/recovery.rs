//! Recovery codes: for the day the telephone is gone. Each works once.

use crate::people::session::digest;
use store::Error;

/// Codes made at once.
pub const CODES: usize = 10;
const GROUPS: usize = 4;
const GROUP_CHARS: usize = 4;
/// Without characters that look like others: 16 of them are 80 bits.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// New codes as people write them down, and their digests.
/// # Errors
/// The system has no random numbers.
pub fn fresh_codes() -> Result<Vec<(String, String)>, Error> {
    (0..CODES).map(|_| fresh_code()).collect()
}

fn fresh_code() -> Result<(String, String), Error> {
    let mut octets = [0u8; GROUPS * GROUP_CHARS];
    aws_lc_rs::rand::fill(&mut octets).map_err(|_| Error::Gone("the system has no random numbers".into()))?;
    let groups = octets.chunks(GROUP_CHARS).map(|four| four.iter().map(|octet| char::from(ALPHABET[usize::from(octet & 31)])).collect());
    let shown = groups.collect::<Vec<String>>().join("-");
    let kept = digest(&plain(&shown));
    Ok((shown, kept))
}

/// A code without what people put between its characters; "" when it cannot be one.
pub fn plain(code: &str) -> String {
    let plain: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').flat_map(char::to_lowercase).collect();
    if plain.len() == GROUPS * GROUP_CHARS && plain.is_ascii() { plain } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_and_are_read_as_people_type_them() {
        let codes = fresh_codes().expect("random");
        let mut digests: Vec<&String> = codes.iter().map(|(_, digest)| digest).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), CODES);
        let (shown, kept) = &codes[0];
        assert_eq!(shown.len(), 19);
        for typed in [shown.clone(), shown.to_uppercase(), shown.replace('-', " "), format!(" {} ", shown.replace('-', ""))] {
            assert_eq!(digest(&plain(&typed)), *kept, "{typed}");
        }
        assert_eq!((plain("123456"), plain("")), (String::new(), String::new()));
    }
}
