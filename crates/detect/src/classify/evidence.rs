//! What the classifier reads of a message: numbered features in eight namespaces, each with a limit.
//!
//! In: a [`Message`]. Out: [`Evidence`], 32-bit hashes; a model or learner uses as many of their upper bits as it has slots.
//! The header keeps fields that say something about the sender and leaves out what a filter on the way wrote, since that is
//! another filter's opinion (or names the collector of a corpus). Each feature counts once, however often it occurs.

use super::feature::{Fold, Set};
use super::field::{self, Kept};
use crate::content::plain::plain;
use mail::Message;
use mail::message::{Attachment, Link};
use std::borrow::Cow;

/// Header and body together, as the first 3,000 octets did best in the published runs on TREC 2007.
pub const HEAD_OCTETS_MAX: usize = 3_000;
pub const SUBJECT_OCTETS_MAX: usize = 256;
/// Most of what tells spam from ham stands early, and work per message stays bounded.
pub const TEXT_OCTETS_MAX: usize = 8_000;
/// Octets read of one header field, one link, one file name.
const FIELD_OCTETS_MAX: usize = 600;
const LINK_OCTETS_MAX: usize = 200;
const NAME_OCTETS_MAX: usize = 120;
const FIELDS_MAX: usize = 100;
const LINKS_MAX: usize = 60;
const FILES_MAX: usize = 20;
/// Parts of a link's target that count, and host suffixes.
const LINK_PARTS_MAX: usize = 20;

/// Octets in a row that make a gram of the head, and of the text.
const HEAD_GRAM: usize = 6;
const TEXT_GRAM: usize = 4;
/// Words that are paired with the one before them (OSB: Siefkes et al., PKDD 2004).
const TEXT_WINDOW: usize = 5;
const FIELD_WINDOW: usize = 2;

/// Which parts of the evidence count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespaces(u8);

/// How many namespaces there are; bit `n` of [`Namespaces`] is the one at `n` in [`Evidence`].
pub(super) const NAMESPACES: usize = 8;

impl Namespaces {
    /// The head as received: grams of every kept field and the start of the body.
    pub const WAY: Namespaces = Namespaces(1);
    /// The head without what is new in every mail (routes, times, addresses), in lower case, digits alike.
    pub const LOOK: Namespaces = Namespaces(2);
    /// Grams of subject and visible text.
    pub const TEXT: Namespaces = Namespaces(4);
    /// Words of subject and visible text, alone and in pairs.
    pub const WORDS: Namespaces = Namespaces(8);
    /// Hosts, path words and shapes of links, and what they show.
    pub const LINKS: Namespaces = Namespaces(16);
    /// Names and types of attachments.
    pub const FILES: Namespaces = Namespaces(32);
    /// Words of header fields that last, each under the name of its field.
    pub const FIELDS: Namespaces = Namespaces(64);
    /// Order and shape of header fields, parts, sizes.
    pub const SHAPE: Namespaces = Namespaces(128);

    pub const fn and(self, other: Namespaces) -> Namespaces {
        Namespaces(self.0 | other.0)
    }

    pub fn from_bits(bits: u8) -> Option<Namespaces> {
        (bits != 0).then_some(Namespaces(bits))
    }

    pub fn bits(self) -> u8 {
        self.0
    }

    pub fn has(self, other: Namespaces) -> bool {
        self.0 & other.0 == other.0
    }

    fn index(self) -> usize {
        self.0.trailing_zeros() as usize
    }
}

/// The features of a message. Reusable: [`Evidence::read`] keeps the buffers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    features: [Vec<u32>; NAMESPACES],
}

impl Evidence {
    pub fn of(message: &Message, namespaces: Namespaces) -> Evidence {
        let mut evidence = Evidence::default();
        evidence.read(message, namespaces);
        evidence
    }

    /// Replaces the evidence by that of `message`, as far as `namespaces` asks for it.
    pub fn read(&mut self, message: &Message, namespaces: Namespaces) {
        if namespaces.has(Namespaces::WAY) {
            self.fill(Namespaces::WAY, |set| read_head(message, |kept| kept != Kept::Not, Fold::Nothing, set));
        }
        if namespaces.has(Namespaces::LOOK) {
            self.fill(Namespaces::LOOK, |set| read_head(message, |kept| kept == Kept::Lasting, Fold::All, set));
        }
        if namespaces.has(Namespaces::FIELDS) {
            self.fill(Namespaces::FIELDS, |set| read_fields(message, set));
        }
        if namespaces.has(Namespaces::SHAPE) {
            self.fill(Namespaces::SHAPE, |set| super::shape::read(message, set));
        }
        let texts: Vec<Cow<'_, str>> = message.texts.iter().map(|text| plain(up_to(&text.visible, 2 * TEXT_OCTETS_MAX))).collect();
        self.read_text(&plain(&message.subject), || texts.iter().map(AsRef::as_ref), namespaces);
        if namespaces.has(Namespaces::LINKS) {
            self.fill(Namespaces::LINKS, |set| message.links.iter().take(LINKS_MAX).for_each(|link| read_link(link, set)));
        }
        if namespaces.has(Namespaces::FILES) {
            self.fill(Namespaces::FILES, |set| message.attachments.iter().take(FILES_MAX).for_each(|file| read_file(file, set)));
        }
    }

    /// The two namespaces that need nothing but words.
    fn read_text<'a, T: Iterator<Item = &'a str>>(&mut self, subject: &str, texts: impl Fn() -> T, namespaces: Namespaces) {
        let subject = up_to(subject, SUBJECT_OCTETS_MAX);
        let parts = || {
            texts().scan(TEXT_OCTETS_MAX, |room, text| {
                let part = up_to(text, *room);
                *room -= part.len();
                (*room > 0 || !part.is_empty()).then_some(part)
            })
        };
        if namespaces.has(Namespaces::TEXT) {
            self.fill(Namespaces::TEXT, |set| {
                set.add_grams(1, TEXT_GRAM, Fold::All, subject.as_bytes());
                parts().for_each(|text| set.add_grams(2, TEXT_GRAM, Fold::All, text.as_bytes()));
            });
        }
        if namespaces.has(Namespaces::WORDS) {
            self.fill(Namespaces::WORDS, |set| {
                set.add_words(1, subject, TEXT_WINDOW);
                parts().for_each(|text| set.add_words(2, text, TEXT_WINDOW));
            });
        }
    }

    /// Evidence of a subject and a text alone.
    pub fn of_text(subject: &str, text: &str) -> Evidence {
        let mut evidence = Evidence::default();
        evidence.read_text(subject, || std::iter::once(text), Namespaces::TEXT.and(Namespaces::WORDS));
        evidence
    }

    fn fill(&mut self, namespace: Namespaces, read: impl FnOnce(&mut Set<'_>)) {
        Set::fill(&mut self.features[namespace.index()], namespace.bits(), read);
    }

    /// The hashes of these namespaces, one namespace after the other.
    pub(super) fn features(&self, namespaces: Namespaces) -> impl Iterator<Item = u32> + '_ {
        let wanted = self.features.iter().enumerate().filter(move |(at, _)| namespaces.bits() >> at & 1 == 1);
        wanted.flat_map(|(_, features)| features.iter().copied())
    }

    pub(super) fn len(&self, namespaces: Namespaces) -> usize {
        self.features.iter().enumerate().filter(|(at, _)| namespaces.bits() >> at & 1 == 1).map(|(_, features)| features.len()).sum()
    }
}

/// Grams of the kept fields, then of the body as far as there is room.
fn read_head(message: &Message, wanted: impl Fn(Kept) -> bool, fold: Fold, set: &mut Set<'_>) {
    let mut head = Vec::with_capacity(HEAD_OCTETS_MAX + 1);
    let fields = message.fields().take(FIELDS_MAX).filter(|(name, _)| wanted(field::kept(name)));
    for (name, value) in fields {
        for part in [name, b":", value, b"\n"] {
            append(&mut head, part);
        }
    }
    append(&mut head, b"\n");
    append(&mut head, &message.body());
    set.add_grams(0, HEAD_GRAM, fold, &head);
}

fn append(head: &mut Vec<u8>, octets: &[u8]) {
    let room = HEAD_OCTETS_MAX.saturating_sub(head.len());
    head.extend_from_slice(&octets[..octets.len().min(room)]);
}

fn read_fields(message: &Message, set: &mut Set<'_>) {
    for (name, value) in message.fields().take(FIELDS_MAX).filter(|(name, _)| field::kept(name) == Kept::Lasting) {
        let seed = set.add_name(name);
        set.add_words(seed, &String::from_utf8_lossy(&value[..value.len().min(FIELD_OCTETS_MAX)]), FIELD_WINDOW);
    }
}

fn read_link(link: &Link, set: &mut Set<'_>) {
    let target = up_to(&link.target, LINK_OCTETS_MAX).as_bytes();
    set.add_shape(1, target);
    let parts = target.split(|octet| !octet.is_ascii_alphanumeric() && *octet != b'-');
    parts.filter(|part| !part.is_empty()).take(LINK_PARTS_MAX).for_each(|part| set.add_part(2, part));
    if let Some(host) = &link.host {
        let suffixes = host.match_indices('.').map(|(at, _)| &host[at + 1..]);
        std::iter::once(host.as_str()).chain(suffixes).take(LINK_PARTS_MAX).for_each(|host| set.add_part(3, host.as_bytes()));
    }
    set.add_words(4, up_to(&link.text, LINK_OCTETS_MAX), 1);
}

fn read_file(file: &Attachment, set: &mut Set<'_>) {
    set.add_words(1, up_to(file.name.as_deref().unwrap_or("nameless"), NAME_OCTETS_MAX), 1);
    set.add_part(2, up_to(&file.declared_type, NAME_OCTETS_MAX).as_bytes());
    set.add_part(3, file.true_type.extension.as_bytes());
}

/// The start of `text`, whole characters.
fn up_to(text: &str, octets_max: usize) -> &str {
    &text[..text.floor_char_boundary(octets_max)]
}
