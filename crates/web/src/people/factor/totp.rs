//! One-time codes of authenticator apps (RFC 6238): six digits, SHA-1, thirty seconds; every app can read that.

use aws_lc_rs::hmac;

const STEP_MS: i64 = 30_000;
const DIGITS: u32 = 6;
/// Codes before and after the present one that are taken: clocks differ (RFC 6238 §5.2).
const DRIFT_STEPS: i64 = 1;
const SECRET_OCTETS: usize = 20;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret in base32 (RFC 4648 §6).
/// # Errors
/// The system has no random numbers.
pub fn fresh_secret() -> Result<String, store::Error> {
    let mut octets = [0u8; SECRET_OCTETS];
    aws_lc_rs::rand::fill(&mut octets).map_err(|_| store::Error::Gone("the system has no random numbers".into()))?;
    Ok(octets.chunks(5).flat_map(in_base32).map(char::from).collect())
}

/// Five octets are eight characters.
fn in_base32(five: &[u8]) -> [u8; 8] {
    let bits = five.iter().fold(0u64, |bits, octet| bits << 8 | u64::from(*octet));
    std::array::from_fn(|at| BASE32[(bits >> (35 - 5 * at)) as usize & 31])
}

fn of_base32(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut octets) = (0u32, 0u32, Vec::new());
    for c in text.bytes() {
        let Some(value) = BASE32.iter().position(|known| *known == c) else { continue };
        bits = bits << 5 | value as u32;
        held += 5;
        if held >= 8 {
            held -= 8;
            octets.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    octets
}

/// RFC 4226 §5.3.
fn code_at(secret: &[u8], step: i64, digits: u32) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[tag.len() - 1] & 15);
    let number = u32::from_be_bytes([tag[at] & 127, tag[at + 1], tag[at + 2], tag[at + 3]]);
    number % 10u32.pow(digits)
}

/// The step of a code that fits now and is newer than `last_step`; `None` when none does.
pub fn fitting_step(secret: &str, code: &str, now_ms: i64, last_step: i64) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != DIGITS as usize || !code.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let (wanted, secret, now): (u32, _, _) = (code.parse().ok()?, of_base32(secret), now_ms.div_euclid(STEP_MS));
    (now - DRIFT_STEPS..=now + DRIFT_STEPS).find(|step| *step > last_step && code_at(&secret, *step, DIGITS) == wanted)
}

/// What apps read from the QR code. `issuer` and `account` are shown there.
pub fn uri(secret: &str, issuer: &str, account: &str) -> String {
    let escaped = |text: &str| crate::page::guard::form_pair("", text).trim_start_matches('=').to_string();
    let (issuer, account) = (escaped(issuer), escaped(account));
    format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
}

/// A QR code as SVG, black on white whatever the colours of the page; `says` is its name.
pub fn qr(text: &str, says: &str) -> String {
    const BORDER: i32 = 4;
    let Ok(code) = qrcodegen::QrCode::encode_text(text, qrcodegen::QrCodeEcc::Medium) else { return String::new() };
    let size = code.size() + 2 * BORDER;
    let mut path = String::new();
    for (y, x) in (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (y, x))).filter(|(y, x)| code.get_module(*x, *y)) {
        path.push_str(&format!("M{} {}h1v1h-1z", x + BORDER, y + BORDER));
    }
    let says = crate::page::table::escaped(says);
    format!(
        "<svg class=\"qr\" role=\"img\" aria-label=\"{says}\" viewBox=\"0 0 {size} {size}\" width=\"220\" height=\"220\">\
         <rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, SHA-1.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (at_s, want) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(code_at(b"12345678901234567890", at_s / 30, 8), want, "{at_s}");
        }
    }

    #[test]
    fn a_code_fits_once_and_near_its_time() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"; // the octets above
        assert_eq!(of_base32(secret), b"12345678901234567890");
        let at = 1_111_111_111_000; // step 37037037
        for (code, now_ms, last, want, why) in [
            ("050471", at, 0, Some(37_037_037), "now"),
            ("050 471", at, 0, Some(37_037_037), "as apps show it"),
            ("050471", at + 30_000, 0, Some(37_037_037), "a little late"),
            ("050471", at - 30_000, 0, Some(37_037_037), "a little early"),
            ("050471", at + 60_000, 0, None, "too late"),
            ("050471", at, 37_037_037, None, "used already"),
            ("050472", at, 0, None, "another code"),
            ("50471", at, 0, None, "too short"),
            ("0504710", at, 0, None, "too long"),
            ("٠٥٠٤٧١", at, 0, None, "other digits"),
            ("", at, 0, None, "nothing"),
        ] {
            assert_eq!(fitting_step(secret, code, now_ms, last), want, "{why}");
        }
    }

    #[test]
    fn secrets_are_random_and_read_back() {
        let (one, other) = (fresh_secret().expect("random"), fresh_secret().expect("random"));
        assert_ne!(one, other);
        assert_eq!((one.len(), of_base32(&one).len()), (32, SECRET_OCTETS));
        assert_eq!(in_base32(b"12345"), *b"GEZDGNBV");
    }
}
