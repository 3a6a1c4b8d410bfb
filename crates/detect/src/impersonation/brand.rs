//! Well-known names and who may use them.
//!
//! In: a display name or host. Out: which brand it names or imitates, and how. The list is `data/brands.txt`. Not here: what
//! that weighs (`brand_name`, `look_alike`, `link`).

use super::look_alike::{label_one_letter_apart, looks_of};
use aho_corasick::{AhoCorasick, MatchKind};
use mail::address::organisational_domain;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Longest text looked through for names.
const TEXT_OCTETS_MAX: usize = 400;
/// Longest text, in octets, in which mentions are counted, and most of them.
const MENTIONS_OCTETS_MAX: usize = 4_000;
const MENTIONS_MAX: usize = 200;
/// Shorter names with exchanged letters are other names.
const DISGUISED_LETTERS_MIN: usize = 5;
/// Fewer letters that stand apart are initials.
const APART_LETTERS_MIN: usize = 4;
/// Shorter names stand inside longer words by chance.
const INSIDE_LETTERS_MIN: usize = 6;

/// A name and its owner's domains.
#[derive(Debug)]
pub struct Brand {
    pub name: &'static str,
    domains: Vec<&'static str>,
    /// Labels whose domains are the owner's under any country's suffix.
    anywhere: Vec<&'static str>,
}

impl Brand {
    /// `host` (lower-case A-labels) belongs to the owner.
    pub fn owns(&self, host: &str) -> bool {
        let below = |domain: &&str| host.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        self.domains.iter().any(below) || self.anywhere.iter().any(|label| is_label_anywhere(host, label))
    }

    /// A domain of theirs, for evidence.
    pub fn home(&self) -> String {
        match (self.anywhere.first(), self.domains.first()) {
            (Some(label), _) => format!("{label}.com"),
            (None, Some(domain)) => (*domain).to_string(),
            (None, None) => String::new(),
        }
    }
}

/// `label` right below a country's suffix, .com, .net or .org.
fn is_label_anywhere(host: &str, label: &str) -> bool {
    let Some((name, suffix)) = organisational_domain(host).and_then(|domain| domain.split_once('.')) else { return false };
    let top = suffix.rsplit('.').next().unwrap_or(suffix);
    name == label && (top.len() == 2 || matches!(suffix, "com" | "net" | "org"))
}

/// How a host imitates a brand, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// "paypa1.com"
    SameLooks,
    /// "paypal.com.login.example"
    WholeDomain,
    /// "paypal-login.example"
    InName,
    /// "paypal.example"
    OtherSuffix,
    /// "payypal.com"
    Near,
    /// "paypal.example.net"
    InSubdomain,
}

impl How {
    /// For evidence, after the host.
    pub fn said(self, brand: &str) -> String {
        match self {
            How::SameLooks => format!("looks like {brand}"),
            How::WholeDomain => format!("begins with the domain of {brand}"),
            How::InName => format!("has the name of {brand} in it"),
            How::OtherSuffix => format!("is {brand} under another ending"),
            How::Near => format!("is one letter away from {brand}"),
            How::InSubdomain => format!("has {brand} in front of another’s domain"),
        }
    }
}

#[derive(Debug)]
pub struct Imitated {
    pub brand: &'static Brand,
    pub how: How,
}

/// A brand in a text.
#[derive(Debug)]
pub struct Named {
    pub brand: &'static Brand,
    /// The text is the name alone, or with words such as "support".
    pub is_alone: bool,
    /// The name is written with other letters that look the same.
    pub is_disguised: bool,
}

#[derive(Debug)]
struct Spelling {
    brand: usize,
    plain: String,
    is_word: bool,
    /// Part of honest words.
    is_part: bool,
}

struct Brands {
    list: Vec<Brand>,
    spellings: Vec<Spelling>,
    finder: AhoCorasick,
    /// Names without spaces, as hosts are compared with them.
    host_words: HashMap<String, usize>,
    /// The same by alphabet, with what they look like.
    near_words: Vec<(String, String, usize)>,
}

static BRANDS: LazyLock<Brands> = LazyLock::new(|| Brands::read(include_str!("../../data/brands.txt")));

/// Words beside a name that keep it the whole name.
const SERVICE_WORDS: &[&str] = &[
    "account",
    "accounts",
    "admin",
    "airdrop",
    "administrator",
    "alert",
    "alerts",
    "app",
    "assistance",
    "atendimento",
    "bank",
    "billing",
    "care",
    "center",
    "centre",
    "client",
    "cliente",
    "clients",
    "colis",
    "com",
    "customer",
    "customers",
    "delivery",
    "department",
    "email",
    "exchange",
    "express",
    "foundation",
    "help",
    "helpdesk",
    "id",
    "inc",
    "info",
    "klantenservice",
    "kundendienst",
    "kundenservice",
    "mail",
    "message",
    "my",
    "no",
    "noreply",
    "notice",
    "notification",
    "notifications",
    "office",
    "official",
    "online",
    "order",
    "orders",
    "package",
    "paket",
    "pakket",
    "paquete",
    "parcel",
    "pay",
    "payment",
    "payments",
    "prime",
    "reply",
    "reward",
    "rewards",
    "security",
    "service",
    "services",
    "sicherheit",
    "servicio",
    "servizio",
    "soporte",
    "suporte",
    "support",
    "team",
    "the",
    "token",
    "tokens",
    "update",
    "updates",
    "us",
    "verification",
    "wallet",
    "客服",
    "客户服务",
    "安全中心",
    "通知",
    "官方",
    "系统",
    "中心",
    "团队",
    "邮箱",
    "银行",
    "服务",
];

impl Brands {
    fn read(text: &'static str) -> Brands {
        let mut brands = Brands {
            list: Vec::new(),
            spellings: Vec::new(),
            finder: AhoCorasick::new([""; 0]).expect("no pattern is a fixed pattern"),
            host_words: HashMap::new(),
            near_words: Vec::new(),
        };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            // A name may begin with "=", so the one with spaces around it parts names from domains.
            let Some((names, domains)) = line.split_once(" = ") else { continue };
            brands.add(names, domains);
        }
        let patterns = brands.spellings.iter().map(|spelling| looks_of(&spelling.plain));
        brands.finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns).expect("fixed patterns");
        brands.near_words = brands.host_words.iter().map(|(word, at)| (word.clone(), looks_of(word), *at)).collect();
        brands.near_words.sort();
        brands
    }

    fn add(&mut self, names: &'static str, domains: &'static str) {
        let at = self.list.len();
        let mut first = "";
        for name in names.split(", ") {
            let marks = name.len() - name.trim_start_matches(['~', '=']).len();
            let (marks, plain) = name.split_at(marks);
            if first.is_empty() {
                first = plain;
            }
            if plain.is_ascii() && !marks.contains('~') && !marks.contains('=') {
                let word: String = plain.chars().filter(char::is_ascii_alphanumeric).collect();
                self.host_words.entry(word).or_insert(at);
            }
            self.spellings.push(Spelling {
                brand: at,
                plain: plain.to_lowercase(),
                is_word: marks.contains('='),
                is_part: marks.contains('~'),
            });
        }
        let (anywhere, domains): (Vec<&str>, Vec<&str>) = domains.split_whitespace().partition(|domain| domain.ends_with(".*"));
        let anywhere = anywhere.into_iter().filter_map(|label| label.strip_suffix(".*")).collect();
        self.list.push(Brand { name: first, domains, anywhere });
    }
}

/// The first brand that `text` names.
pub fn named_in(text: &str) -> Option<Named> {
    if text.len() > TEXT_OCTETS_MAX || text.is_empty() {
        return None;
    }
    let seen = looks_of(text);
    named(text, &seen).or_else(|| named(text, &spaced(&seen))).or_else(|| {
        let closed = closed_up(&seen)?;
        named(text, &closed)
    })
}

/// Letters that stand apart closed up to a word: "c o i n b a s e"; `None` if there are not so many of them in a row.
fn closed_up(looks: &str) -> Option<String> {
    let words: Vec<&str> = looks.split_whitespace().collect();
    let is_letter = |word: &str| word.chars().count() == 1 && word.chars().all(char::is_alphanumeric);
    let mut out = String::with_capacity(looks.len());
    let mut longest = 0;
    for run in words.chunk_by(|a, b| is_letter(a) == is_letter(b)) {
        let closed = is_letter(run[0]);
        longest = longest.max(if closed { run.len() } else { 0 });
        out.push_str(&run.join(if closed { "" } else { " " }));
        out.push(' ');
    }
    (longest >= APART_LETTERS_MIN).then(|| out.trim_end().to_string())
}

fn named(text: &str, seen: &str) -> Option<Named> {
    let brands = &*BRANDS;
    for found in brands.finder.find_iter(seen) {
        let spelling = &brands.spellings[found.pattern().as_usize()];
        if spelling.plain.is_ascii() && !stands_alone(seen, found.range()) && !is_joined(spelling, seen, found.range()) {
            continue;
        }
        let is_alone = only_service_words(&seen[..found.start()]) && only_service_words(&seen[found.end()..]);
        let is_disguised = spelling.plain.len() >= DISGUISED_LETTERS_MIN && !is_written(text, &spelling.plain);
        if spelling.is_word && !is_alone {
            continue;
        }
        return Some(Named { brand: &brands.list[spelling.brand], is_alone, is_disguised });
    }
    None
}

/// Names of two words are also written with a dot or line between them. In `looks`, which is lower case.
fn spaced(looks: &str) -> String {
    let octets = looks.as_bytes();
    let joins = |at: usize| octets[at - 1].is_ascii_alphabetic() && octets.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
    looks.char_indices().map(|(at, c)| if at > 0 && matches!(c, '.' | '_' | '-') && joins(at) { ' ' } else { c }).collect()
}

/// The brands that `text` mentions, each with how often. Names that are words of a language too are left out.
pub fn mentions(text: &str) -> Vec<(&'static Brand, usize)> {
    let brands = &*BRANDS;
    let seen = looks_of(&text[..text.floor_char_boundary(MENTIONS_OCTETS_MAX)]);
    let mut found: Vec<(&'static Brand, usize)> = Vec::new();
    for place in brands.finder.find_iter(&seen).take(MENTIONS_MAX) {
        let spelling = &brands.spellings[place.pattern().as_usize()];
        let is_short = spelling.is_part && spelling.plain.len() < INSIDE_LETTERS_MIN;
        if spelling.is_word || is_short || spelling.plain.is_ascii() && !stands_alone(&seen, place.range()) {
            continue;
        }
        let brand = &brands.list[spelling.brand];
        match found.iter_mut().find(|(known, _)| std::ptr::eq(*known, brand)) {
            Some((_, count)) => *count += 1,
            None => found.push((brand, 1)),
        }
    }
    found
}

/// The name stands in `text` in its own letters, whatever their case or width.
fn is_written(text: &str, plain: &str) -> bool {
    use unicode_normalization::UnicodeNormalization;
    let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
    lower.contains(plain) || spaced(&lower).contains(plain)
}

fn stands_alone(text: &str, range: std::ops::Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    // Chinese words stand beside Latin ones without a space.
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && c < '\u{2e80}');
    !joins(before) && !joins(after)
}

/// The name and a word of service are written as one: "CoinbaseWallet".
fn is_joined(spelling: &Spelling, text: &str, range: std::ops::Range<usize>) -> bool {
    let is_border = |c: char| !c.is_alphanumeric();
    let before = &text[..range.start];
    let before = &before[before.rfind(is_border).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8))..];
    let after = &text[range.end..];
    let after = &after[..after.find(is_border).unwrap_or(after.len())];
    spelling.plain.len() >= INSIDE_LETTERS_MIN && !spelling.is_word && only_service_words(before) && only_service_words(after)
}

/// `folded` is text in look-alike form.
fn only_service_words(folded: &str) -> bool {
    static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| SERVICE_WORDS.iter().map(|word| looks_of(word)).collect());
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !word.chars().all(|c| c.is_ascii_digit()))
        .all(|word| WORDS.iter().any(|known| known == word))
}

/// The brand that `host` (lower-case A-labels) can be taken for; `None` for hosts of any brand's owner.
pub fn imitated(host: &str) -> Option<Imitated> {
    let brands = &*BRANDS;
    let domain = organisational_domain(host)?;
    let (label, _) = domain.split_once('.')?;
    let (at, how) = in_label(brands, label).or_else(|| in_front(brands, host.strip_suffix(domain)?))?;
    (!brands.list.iter().any(|brand| brand.owns(host))).then(|| Imitated { brand: &brands.list[at], how })
}

fn in_label(brands: &Brands, label: &str) -> Option<(usize, How)> {
    let looks = looks_of(label);
    let joined: String = looks.chars().filter(|c| *c != '-').collect();
    let plain: String = label.chars().filter(|c| *c != '-').collect();
    if let Some(at) = brands.host_words.get(&plain) {
        return Some((*at, How::OtherSuffix));
    }
    let same = brands.near_words.iter().find(|(word, same, _)| word.len() >= DISGUISED_LETTERS_MIN && *same == joined);
    if let Some((_, _, at)) = same {
        return Some((*at, How::SameLooks));
    }
    if let Some(at) = label.split(['-', '_']).find_map(|part| brands.host_words.get(part)) {
        return Some((*at, How::InName));
    }
    for (word, _, at) in &brands.near_words {
        let is_inside = word.len() >= INSIDE_LETTERS_MIN && (label.starts_with(word.as_str()) || label.ends_with(word.as_str()));
        if is_inside {
            return Some((*at, How::InName));
        }
        if word.len().abs_diff(label.len()) <= 1 && label_one_letter_apart(label, word) {
            return Some((*at, How::Near));
        }
    }
    None
}

/// Brands in the labels before the registered domain; `front` ends in a dot.
fn in_front(brands: &Brands, front: &str) -> Option<(usize, How)> {
    let labels: Vec<&str> = front.split('.').filter(|label| !label.is_empty()).take(8).collect();
    for (place, label) in labels.iter().enumerate() {
        let Some(at) = label.split(['-', '_']).find_map(|part| brands.host_words.get(part)) else { continue };
        let next = labels.get(place + 1).map(|next| next.split('-').next().unwrap_or(next));
        let is_whole = next.is_some_and(|next| matches!(next, "com" | "net" | "org" | "de" | "co" | "cn" | "fr" | "uk"));
        let is_joined = label.contains("-com");
        return Some((*at, if is_whole || is_joined { How::WholeDomain } else { How::InSubdomain }));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_imitate_are_told_from_their_owners() {
        for (host, want) in [
            ("www.paypal.com", None),
            ("paypal.de", None),
            ("mail.microsoftonline.com", None),
            ("paypa1.com", Some(How::SameLooks)),
            ("rnicrosoft.com", Some(How::SameLooks)),
            ("xn--pypal-4ve.com", Some(How::SameLooks)),
            ("paypal.com.verify.example", Some(How::WholeDomain)),
            ("paypal-com.verify.example", Some(How::WholeDomain)),
            ("paypal-login.com", Some(How::InName)),
            ("netflixbilling.net", Some(How::InName)),
            ("paypal.xyz", Some(How::OtherSuffix)),
            ("payypal.com", Some(How::Near)),
            ("paypal.example.net", Some(How::InSubdomain)),
            ("example.com", None),
            ("apple-farm.example", None),
            ("docs.github.io", None),
            ("", None),
        ] {
            assert_eq!(imitated(host).map(|found| found.how), want, "{host}");
        }
    }

    #[test]
    fn names_are_read_as_whole_words() {
        for (text, want) in [
            ("PayPal", Some(("paypal", true, false))),
            ("PayPal Support", Some(("paypal", true, false))),
            ("PayPaI Support", Some(("paypal", true, true))),
            ("\u{420}\u{430}\u{443}\u{420}al", Some(("paypal", true, true))),
            ("ＰａｙＰａｌ", Some(("paypal", true, true))),
            ("P a y P a l Support", Some(("paypal", true, true))),
            ("J R R T Olkien", None),
            ("BinanceSupport", Some(("binance", true, false))),
            ("Binanceology", None),
            ("News about Netflix today", Some(("netflix", false, false))),
            ("Anna Apple", None),
            ("Apple Support", Some(("apple", true, false))),
            ("Startups weekly", None),
            ("支付宝安全中心", Some(("支付宝", true, false))),
            ("Ada Lovelace", None),
            ("", None),
        ] {
            let found = named_in(text).map(|named| (named.brand.name, named.is_alone, named.is_disguised));
            assert_eq!(found, want, "{text}");
        }
    }

    #[test]
    fn every_line_of_the_list_is_read() {
        let lines = include_str!("../../data/brands.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
        assert_eq!(BRANDS.list.len(), lines);
        for brand in &BRANDS.list {
            assert!(!brand.name.is_empty() && !brand.home().is_empty(), "{brand:?}");
        }
    }
}
