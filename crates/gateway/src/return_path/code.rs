//! Digits that survive servers which change the case of addresses: base 32 (RFC 4648 §6), in upper case.

const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The digit of a number below 32.
pub fn digit(value: i64) -> char {
    char::from(DIGITS[(value & 31) as usize])
}

/// The first `chars` digits of these octets; there are enough of them.
pub fn base32(octets: &[u8], chars: usize) -> String {
    let mut text = String::with_capacity(chars);
    let (mut bits, mut held) = (0u32, 0);
    for octet in octets {
        bits = bits << 8 | u32::from(*octet);
        held += 8;
        while held >= 5 && text.len() < chars {
            held -= 5;
            text.push(digit(i64::from(bits >> held & 31)));
        }
    }
    text
}

/// The number of two digits.
pub fn of_base32(text: &str) -> Option<i64> {
    let value = |octet: u8| DIGITS.iter().position(|digit| *digit == octet.to_ascii_uppercase()).and_then(|at| i64::try_from(at).ok());
    match text.as_bytes() {
        [high, low] => Some(value(*high)? * 32 + value(*low)?),
        _ => None,
    }
}

/// Whether two signatures are the same, in any case; takes as long for a wrong one as for a right one.
pub fn is_same(own: &str, given: &str) -> bool {
    own.len() == given.len() && own.bytes().zip(given.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b.to_ascii_uppercase())) == 0
}
