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

/// Ends of the names that renters of machines give each of them, whoever rents it.
static RENTED: LazyLock<HashSet<&'static str>> = LazyLock::new(|| lines(include_str!("../../data/rented_hosts.txt")).collect());

/// Places where anybody puts a picture for others to show.
static PICTURE_HOSTS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| lines(include_str!("../../data/picture_hosts.txt")).collect());

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

/// `host` is listed, or lies below one that is.
fn is_below(host: &str, list: &HashSet<&str>) -> bool {
    std::iter::successors(Some(host), |name| name.split_once('.').map(|(_, rest)| rest)).any(|name| list.contains(name))
}

pub fn is_picture_host(host: &str) -> bool {
    is_below(host, &PICTURE_HOSTS)
}

/// A machine by the name its renter gave it, or by its address in front of a name that leads back to it.
pub fn is_rented(host: &str) -> bool {
    if is_below(host, &RENTED) {
        return true;
    }
    // Four numbers of an address, in either order.
    let numbers = host.split(['.', '-']).map(|label| label.parse::<u8>().is_ok() && !label.starts_with('+'));
    let longest = numbers.fold((0, 0), |(run, longest): (usize, usize), is_number| {
        let run = if is_number { run + 1 } else { 0 };
        (run, longest.max(run))
    });
    longest.1 >= 4 && host.bytes().any(|octet| octet.is_ascii_alphabetic())
}

/// A machine that counts clicks for whoever pays by the click, and is named for nothing else.
pub fn is_counter(host: &str) -> bool {
    let name = organisational_domain(host).and_then(|domain| domain.split('.').next()).unwrap_or_default();
    ["trck", "clck"].iter().any(|word| name.contains(word))
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
    fn machines_that_are_rented_are_told_from_names() {
        for (host, want) in [
            ("33.132.167.72.host.secureserver.net", true),
            ("host.secureserver.net", true),
            ("ec2-3-70-14-9.eu-central-1.compute.amazonaws.com", true),
            ("10-20-30-40.example.net", true),
            ("192.0.2.1.nip.io", true),
            ("192.0.2.1", false),
            ("www.example.com", false),
            ("24-7-365.example.com", false),
            ("1.2.3.example.com", false),
            ("", false),
        ] {
            assert_eq!(is_rented(host), want, "{host}");
        }
        assert!(is_counter("go.fasttrck.com") && !is_counter("trck.shop.example") && !is_counter("trucks.example"));
        assert!(is_picture_host("i.imgur.com") && is_picture_host("imgur.com") && !is_picture_host("notimgur.com"));
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
