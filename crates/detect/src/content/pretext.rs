//! `content.pretext`, `content.extortion`: the stories that phish tells.
//!
//! In: subject, visible text, and where the clicks lead. Out: at most one finding of each. The words are `data/lures.txt`: what a
//! mail is about, and what is wrong with it or promised; both stand in one thought. A story alone is none: shops and banks
//! tell the true one and lead to themselves.

use super::plain::{plain, starts_word};
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::impersonation::free_mail::is_free_mail;
use crate::impersonation::{brand, brand_name, sender};
use crate::inspect::{Inspect, Surroundings};
use crate::link::lead::{Lead, lead};
use aho_corasick::{AhoCorasick, MatchKind};
use mail::{AuthResults, Mail};
use std::sync::LazyLock;

/// Octets of text looked at; phish says early what it wants.
const TEXT_OCTETS_MAX: usize = 6_000;
/// Words found in one text.
const WORDS_MAX: usize = 600;
/// How far apart, in octets, words of one thought stand.
const THOUGHT_OCTETS: usize = 160;
/// Kinds of story there may be.
const KINDS_MAX: usize = 32;
/// Letters beside an evidence.
const EXCERPT_CHARS: usize = 70;

pub struct Pretext;

impl Inspect for Pretext {
    fn name(&self) -> &'static str {
        "content.pretext"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let Some(from) = sender::speaker(message, surroundings) else { return };
        if is_own(&from.domain, surroundings) || sender::is_talk(message) {
            return;
        }
        let text = message.texts.iter().max_by_key(|text| text.visible.len()).map_or("", |text| text.visible.as_str());
        let (subject, text) = (plain(&message.subject), plain(text));
        findings.extend(extortion(&text));
        // One story is one hint, whichever check heard it.
        if findings.iter().any(|finding| finding.check == "content.credential-lure" && finding.weight >= 1.0) {
            return;
        }
        let Some(story) = Story::told_in(&subject, &text) else { return };
        let (lead, place) = lead(message, surroundings, |_| false);
        let is_free = is_free_mail(&from.domain);
        let share = match lead {
            Lead::Hidden | Lead::Mailbox => 2.0,
            Lead::Elsewhere => 1.4,
            // Firms that wait for money send their papers like this.
            Lead::Document => {
                if is_free {
                    1.4
                } else {
                    0.7
                }
            }
            Lead::Nowhere if is_free => 0.5,
            // The story is of somebody whose name is borrowed; the page may lie at whoever's account was taken.
            Lead::Sender | Lead::Many if borrows_a_name(&from) => 1.0,
            Lead::Nowhere | Lead::Many | Lead::Sender => return,
        };
        let led = if place.is_empty() { String::new() } else { format!("; leads to {place}") };
        let more = if story.in_subject { 1.2 } else { 1.0 };
        let evidence = format!("{}: “{}”{led}, the sender is {}", story.kind, story.excerpt, from.domain);
        findings.push(Finding::new("content.pretext", Kind::Phish, share * more, evidence));
    }
}

/// The display name is that of a well-known firm which does not send from here.
fn borrows_a_name(from: &sender::Shown<'_>) -> bool {
    brand::named_in(&from.display).is_some_and(|named| named.is_alone && !brand_name::sends_from(named.brand, &from.domain))
}

/// A pretext, as it stands in a mail.
struct Story {
    kind: &'static str,
    excerpt: String,
    in_subject: bool,
}

impl Story {
    fn told_in(subject: &str, text: &str) -> Option<Story> {
        let pair = |text: &str| Words::of(text).pair().map(|(kind, at)| (kind, excerpt(text, at)));
        if let Some((kind, excerpt)) = pair(subject) {
            return Some(Story { kind, excerpt, in_subject: true });
        }
        pair(text).map(|(kind, excerpt)| Story { kind, excerpt, in_subject: false })
    }
}

/// The list of `data/lures.txt`.
struct Lures {
    finder: AhoCorasick,
    kinds: Vec<&'static str>,
    /// Per pattern: kind, and whether it is a claim.
    patterns: Vec<(usize, bool)>,
}

static LURES: LazyLock<Lures> = LazyLock::new(|| {
    let (mut kinds, mut patterns, mut words): (Vec<&str>, Vec<(usize, bool)>, Vec<String>) = Default::default();
    for line in include_str!("../../data/lures.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some((head, list)) = line.split_once(" = ") else { continue };
        let Some((kind, part)) = head.split_once(' ') else { continue };
        let at = kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
            kinds.push(kind);
            kinds.len() - 1
        });
        for word in list.split(", ") {
            for spelling in spellings(word) {
                words.push(spelling);
                patterns.push((at, part == "claim"));
            }
        }
    }
    let finder = AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(words).expect("fixed patterns");
    Lures { finder, kinds, patterns }
});

/// A word as it stands in a sentence, begins one, and is shouted. ASCII letters match in any case by themselves.
fn spellings(word: &str) -> Vec<String> {
    let mut spellings = vec![word.to_string()];
    if !word.is_ascii() {
        let mut letters = word.chars();
        let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        spellings.extend([capital, word.to_uppercase()]);
        spellings.dedup();
    }
    spellings
}

/// Words of stories in one text: kind, whether a claim, start, end.
struct Words(Vec<(usize, bool, usize, usize)>);

impl Words {
    fn of(text: &str) -> Words {
        let lures = &*LURES;
        let text = &text[..text.floor_char_boundary(TEXT_OCTETS_MAX)];
        let found = lures.finder.find_overlapping_iter(text).filter(|word| starts_word(text, word.start())).take(WORDS_MAX);
        Words(
            found
                .map(|word| {
                    let (kind, is_claim) = lures.patterns[word.pattern().as_usize()];
                    (kind, is_claim, word.start(), word.end())
                })
                .collect(),
        )
    }

    /// The first claim with what it is about near it, and where that is; words that overlap are one word.
    fn pair(&self) -> Option<(&'static str, usize)> {
        let mut last = [None::<(usize, usize)>; KINDS_MAX];
        let mut last_claim = [None::<(usize, usize)>; KINDS_MAX];
        for (kind, is_claim, start, end) in self.0.iter().copied().filter(|(kind, ..)| *kind < KINDS_MAX) {
            let (own, other) = if is_claim { (&mut last_claim, &last) } else { (&mut last, &last_claim) };
            if let Some((other_start, other_end)) = other[kind]
                && start.saturating_sub(other_end) <= THOUGHT_OCTETS
                && (start >= other_end || end <= other_start)
            {
                return Some((LURES.kinds[kind], other_start.min(start)));
            }
            own[kind] = Some((start, end));
        }
        None
    }
}

/// A few words from `at` on.
fn excerpt(text: &str, at: usize) -> String {
    let start = text.floor_char_boundary(at.saturating_sub(12));
    let cut: String = text[start..].chars().take(EXCERPT_CHARS).collect();
    cut.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a blackmailer says: that the device was entered, what was seen, and how to pay.
const ENTERED: &[&str] = &[
    "hacked",
    "hacker",
    "malware",
    "trojan",
    "spyware",
    "virus on",
    "infected",
    "access to your",
    "gained access",
    "your device",
    "your devices",
    "gehackt",
    "trojaner",
    "zugriff auf ihr",
    "zugriff auf dein",
    "infiziert",
    "piraté",
    "accès à votre",
    "accès à vos",
    "infecté",
    "troyano",
    "acceso a tu",
    "acceso a su",
    "infectado",
    "invadi",
    "acesso ao seu",
    "acesso a todos",
    "infectei",
    "toegang tot uw",
    "toegang tot je",
    "geïnfecteerd",
    "accesso al tuo",
    "accesso ai tuoi",
    "infettato",
    "入侵",
    "木马",
    "黑客",
    "病毒",
];
const SEEN: &[&str] = &[
    "webcam",
    "web camera",
    "your camera",
    "recorded",
    "video of you",
    "videos of you",
    "masturbat",
    "adult site",
    "adult website",
    "adult content",
    "porn",
    "intimate",
    "sexual",
    "your contacts",
    "friends and family",
    "all your friends",
    "aufgenommen",
    "kamera",
    "selbst befriedig",
    "erwachsenen",
    "ihre kontakte",
    "enregistré",
    "vos contacts",
    "site pour adultes",
    "sites pour adultes",
    "grabado",
    "tu cámara",
    "tus contactos",
    "adultos",
    "gravei",
    "seus contatos",
    "câmera",
    "opgenomen",
    "uw contacten",
    "je contacten",
    "registrato",
    "tuoi contatti",
    "录下",
    "录像",
    "摄像头",
    "通讯录",
];
const PAID: &[&str] = &["bitcoin", "btc", "wallet", "monero", "usdt", "litecoin", "比特币"];

/// `content.extortion`: entered, seen, and to be paid in coins.
fn extortion(text: &str) -> Option<Finding> {
    static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let words = ENTERED.iter().chain(SEEN).chain(PAID);
        AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(words).expect("fixed patterns")
    });
    let text = &text[..text.floor_char_boundary(TEXT_OCTETS_MAX)];
    let mut first = [None::<usize>; 3];
    let mut different = std::collections::BTreeSet::new();
    for word in FINDER.find_overlapping_iter(text).take(WORDS_MAX) {
        let at = word.pattern().as_usize();
        let topic = usize::from(at >= ENTERED.len()) + usize::from(at >= ENTERED.len() + SEEN.len());
        first[topic].get_or_insert(word.start());
        different.insert(at);
    }
    let [Some(entered), Some(seen), Some(paid)] = first else { return None };
    // News about such mail says these words too, though rarely all; the threat says many of them.
    let weight = match different.len() {
        0..=4 => 1.5,
        5..=6 => 3.0,
        _ => 4.5,
    };
    let evidence = format!("“{}” … “{}” … “{}”", excerpt(text, entered), excerpt(text, seen), excerpt(text, paid));
    Some(Finding::new("content.extortion", Kind::Phish, weight, evidence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_read_and_has_its_other_half() {
        let lures = &*LURES;
        assert!(lures.kinds.len() < KINDS_MAX);
        for (at, kind) in lures.kinds.iter().enumerate() {
            for is_claim in [false, true] {
                assert!(lures.patterns.contains(&(at, is_claim)), "{kind} {is_claim}");
            }
        }
        let mut lines = include_str!("../../data/lures.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        assert!(lines.all(|line| line.contains(" about = ") || line.contains(" claim = ")));
    }

    #[test]
    fn stories_are_told_in_many_languages() {
        for (text, want) in [
            ("Your parcel could not be delivered because the address is incomplete", Some("parcel")),
            ("Ihr Paket konnte nicht zugestellt werden", Some("parcel")),
            ("votre colis est en attente", Some("parcel")),
            ("Seus pontos expiram hoje", Some("points")),
            ("uw betaalpas verloopt binnenkort", Some("bank")),
            ("您的邮箱容量已满", Some("mailbox")),
            ("Ваша посылка задержана, оплатите доставку", Some("parcel")),
            ("ВАШ СЧЁТ ЗАБЛОКИРОВАН", Some("bank")),
            ("お客様のアカウントは一時的に制限されています", Some("bank")),
            ("お荷物のお届けにあがりましたが、不在のため持ち帰りました", Some("parcel")),
            ("Twoja paczka została wstrzymana", Some("parcel")),
            ("Kartınız askıya alındı", Some("bank")),
            ("Din e-postkonto och brevlåda är full", Some("mailbox")),
            ("Enter your 12-word recovery phrase to restore your wallet", Some("recovery")),
            ("Укажите адрес, и мы пришлём документы после встречи", None),
            ("会議の資料をお送りします。ご確認ください。", None),
            ("I told you about the delivery yesterday", None),
            ("Parabéns! Você ganhou. Resgate agora", Some("prize")),
            ("Lunch on Friday?", None),
            ("The document is on the server, call me when you are back", None),
            ("", None),
        ] {
            assert_eq!(Story::told_in("", text).map(|story| story.kind), want, "{text}");
        }
    }

    #[test]
    fn blackmail_is_entered_seen_and_paid() {
        let threat = "I hacked your device with a trojan and recorded a video of you with your webcam. Send bitcoin to my wallet or all your contacts will see it.";
        assert!(extortion(threat).is_some_and(|finding| finding.weight >= 4.0));
        assert!(extortion("Our wallet app was hacked; pay with bitcoin later.").is_none());
    }
}
