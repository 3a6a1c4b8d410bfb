//! What kind of place a host is: a shortener, a place where anybody puts a page, a name drawn by lot.

use mail::address::organisational_domain;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Labels shorter than this look random by chance.
const RANDOM_LETTERS_MIN: usize = 9;

static SHORTENERS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| lines(include_str!("../../data/shorteners.txt")).collect());

static FREE_HOSTS: LazyLock<HashMap<&'static str, FreeHost>> = LazyLock::new(|| {
    lines(include_str!("../../data/free_hosts.txt"))
        .filter_map(|line| {
            let (host, kind) = line.split_once(' ')?;
            let kind = match kind {
                "page" => FreeHost::Page,
                "store" => FreeHost::Store,
                "form" => FreeHost::Form,
                "ipfs" => FreeHost::Ipfs,
                "tunnel" => FreeHost::Tunnel,
                _ => return None,
            };
            Some((host, kind))
        })
        .collect()
});

/// A place where anybody puts something without a name of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreeHost {
    Page,
    Store,
    Form,
    Ipfs,
    Tunnel,
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

pub fn is_shortener(host: &str) -> bool {
    SHORTENERS.contains(host.strip_prefix("www.").unwrap_or(host))
}

/// Which free place `host` is, or lies below.
pub fn free_host(host: &str) -> Option<FreeHost> {
    let mut name = host;
    loop {
        if let Some(kind) = FREE_HOSTS.get(name) {
            return Some(*kind);
        }
        name = name.split_once('.')?.1;
    }
}

/// The registered name seems drawn by lot: digits among letters, or no vowels to speak it by.
pub fn is_random(host: &str) -> bool {
    let Some((label, _)) = organisational_domain(host).and_then(|domain| domain.split_once('.')) else { return false };
    if label.starts_with("xn--") || label.len() < RANDOM_LETTERS_MIN {
        return false;
    }
    let octets = label.as_bytes();
    let turns = octets.windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    let is_vowel = |octet: u8| matches!(octet, b'a' | b'e' | b'i' | b'o' | b'u' | b'y' | b'-') || octet.is_ascii_digit();
    // What many languages write for one sound is one letter here.
    let spoken = ["sch", "ch", "th", "ph", "ck", "ng", "st", "sh"].iter().fold(label.to_string(), |label, sound| label.replace(sound, "s"));
    let longest = spoken.as_bytes().split(|octet| is_vowel(*octet)).map(<[u8]>::len).max().unwrap_or(0);
    turns >= 4 || longest >= 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_known_with_everything_below() {
        assert_eq!(free_host("shop.web.app"), Some(FreeHost::Page));
        assert_eq!(free_host("storage.googleapis.com"), Some(FreeHost::Store));
        assert_eq!(free_host("bafy123.ipfs.dweb.link"), Some(FreeHost::Ipfs));
        assert_eq!(free_host("example.com"), None);
        assert!(is_shortener("bit.ly") && is_shortener("www.tinyurl.com") && !is_shortener("a.bit.ly") && !is_shortener("example.com"));
        assert!(lines(include_str!("../../data/free_hosts.txt")).count() == FREE_HOSTS.len(), "each line is read, once");
    }

    #[test]
    fn random_names_are_told_from_words() {
        for (host, want) in [
            ("x7f3k9q2d.com", true),
            ("login.qwrtpsdfg.top", true),
            ("example.com", false),
            ("deutsche-bahn.de", false),
            ("web123shop.com", false),
            ("angstschweiss.de", false),
            ("xn--fiqs8s.com", false),
            ("a1b2.com", false),
        ] {
            assert_eq!(is_random(host), want, "{host}");
        }
    }
}
