//! Passwords: what makes a good one, and argon2id.
//!
//! Rules follow NIST SP 800-63B §3.1.1: length counts, what everybody knows is refused, no mixture of characters is demanded, nothing
//! expires. Invariant: hashing never takes more of the machine than [`AT_ONCE_MAX`] threads; mail flows on the same machine.

use crate::page::Fault;
use crate::page::fault::Wrong;
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use std::time::Duration;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

pub const CHARS_MIN: usize = 12;
/// Longer ones would only make hashing slow.
pub const CHARS_MAX: usize = 256;
/// Hashes made at the same time, and how long a sign-in waits for its turn.
const AT_ONCE_MAX: usize = 2;
const TURN_WITHIN: Duration = Duration::from_secs(10);
/// Told to those who found no turn.
const COME_BACK_S: u32 = 10;

static TURN: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// Passwords and roots of passwords that stand first in every list of guesses and are long enough to pass otherwise.
const KNOWN: &str = include_str!("known_passwords.txt");

/// What is wrong with a new password; nothing when it is good. `about` is the person's address and name: neither may be most of it.
pub fn wrong(field: &'static str, password: &str, about: &[&str]) -> Option<Wrong> {
    let chars = password.chars().count();
    if chars < CHARS_MIN {
        return Some(Wrong::new(field, "password-short"));
    }
    if chars > CHARS_MAX {
        return Some(Wrong::new(field, "password-long"));
    }
    is_known(password, about).then(|| Wrong::new(field, "password-known"))
}

/// Whether guessers try it early: a known one, a known one with a few characters around it, one piece again and again, a run of the
/// keyboard or alphabet, or the person's own name.
fn is_known(password: &str, about: &[&str]) -> bool {
    let plain: String = password.to_lowercase().chars().map(unleet).filter(|c| c.is_alphanumeric()).collect();
    let bare = plain.trim_matches(|c: char| c.is_ascii_digit());
    let few = |rest: usize| rest <= CHARS_MIN / 2;
    let is_mostly = |word: &str| word.chars().count() >= 4 && plain.contains(word) && few(plain.chars().count() - word.chars().count());
    let distinct = plain.chars().collect::<std::collections::HashSet<_>>().len();
    let own = about.iter().flat_map(|text| text.split(['@', ' ', '.'])).map(str::to_lowercase);
    distinct < 5
        || is_run(&plain)
        || KNOWN.lines().any(|known| bare == known || is_mostly(known))
        || own.into_iter().any(|word| is_mostly(&word))
}

/// "p@ssw0rd" is "password".
fn unleet(c: char) -> char {
    match c {
        '@' | '4' => 'a',
        '0' => 'o',
        '3' => 'e',
        '$' | '5' => 's',
        '1' | '!' => 'i',
        '7' => 't',
        c => c,
    }
}

/// A piece that repeats, or neighbours all along.
fn is_run(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let repeats = (1..CHARS_MIN.min(chars.len())).any(|size| chars.iter().enumerate().all(|(at, c)| *c == chars[at % size]));
    let neighbours = |rows: &[&str]| {
        let near = |a: char, b: char| rows.iter().any(|row| row.find(a).zip(row.find(b)).is_some_and(|(a, b)| a.abs_diff(b) == 1));
        chars.windows(2).filter(|pair| near(pair[0], pair[1])).count() + 2 >= chars.len()
    };
    repeats || neighbours(&["abcdefghijklmnopqrstuvwxyz", "o123456789", "oi2eas6t89", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop"])
}

/// The same characters however they were typed (RFC 8265 §4.2: NFC).
fn typed(password: &str) -> String {
    password.nfc().collect()
}

/// Argon2id in PHC form.
/// # Errors
/// No turn in time, or the system has no random numbers.
pub async fn hash(password: &str) -> Result<String, Fault> {
    let password = typed(password);
    let made = hashing(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())).await?;
    made.map_err(|why| Fault::Ours(format!("a password could not be hashed: {why}")))
}

/// Whether the password is the one that was hashed. Takes as long for nobody ('') as for somebody.
/// # Errors
/// No turn in time.
pub async fn fits(password: &str, hash: &str) -> Result<bool, Fault> {
    let password: String = typed(password).chars().take(CHARS_MAX).collect();
    let hash = hash.to_string();
    hashing(move || match PasswordHash::new(&hash) {
        Ok(stored) => Argon2::default().verify_password(password.as_bytes(), &stored).is_ok(),
        Err(_) => {
            let _ = Argon2::default().hash_password(password.as_bytes());
            false
        }
    })
    .await
}

async fn hashing<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let turn = tokio::time::timeout(TURN_WITHIN, TURN.acquire()).await;
    let Ok(Ok(_turn)) = turn else { return Err(Fault::TooMany(COME_BACK_S)) };
    tokio::task::spawn_blocking(work).await.map_err(|why| Fault::Ours(format!("hashing ended early: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_and_what_everybody_knows_does_not_pass() {
        for (password, want) in [
            ("short", Some("password-short")),
            ("elevenchars", Some("password-short")),
            ("correct horse battery", None),
            ("ungewöhnliche Wörter", None),
            ("在云端散步的长颈鹿喜欢喝茶", None),
            ("passwordpassword", Some("password-known")),
            ("P@ssw0rd1234", Some("password-known")),
            ("Gatepost2026!!", Some("password-known")),
            ("qwertyuiopas", Some("password-known")),
            ("123456789012", Some("password-known")),
            ("abcabcabcabc", Some("password-known")),
            ("aaaaaaaaaaaaaa", Some("password-known")),
            ("alice.martin1", Some("password-known")),
            ("alice walks on nine clouds", None),
            ("Tr0ub4dor&3 staple", None),
        ] {
            let found = wrong("password", password, &["alice.martin@demo.example", "Alice Martin"]);
            assert_eq!(found.map(|wrong| wrong.say.key.into_owned()).as_deref(), want, "{password}");
        }
        assert!(wrong("password", &"ab-".repeat(100), &[]).is_some(), "too long");
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_however_it_was_typed() {
        let made = hash("caf\u{e9} au lait, encore").await.expect("a hash");
        assert!(made.starts_with("$argon2id$"), "{made}");
        assert_eq!(fits("cafe\u{301} au lait, encore", &made).await, Ok(true));
        assert_eq!(fits("cafe au lait, encore", &made).await, Ok(false));
        assert_eq!(fits("anything", "").await, Ok(false));
        assert_ne!(made, hash("caf\u{e9} au lait, encore").await.expect("a hash"), "each has a salt of its own");
    }
}
