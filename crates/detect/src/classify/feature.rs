//! Octets and words as numbered features.
//!
//! Grams are octets in a row, so no language needs a dictionary and a misspelt word still shares most of its grams. Words are
//! runs of letters; a Chinese, Japanese or Korean character is a word of its own. Same input, same numbers, on every machine.

use std::cell::RefCell;

/// Slot counts a model or learner may have, as log2.
pub(super) const BITS_MIN: u32 = 12;
pub(super) const BITS_MAX: u32 = 22;
/// A longer word counts by its start.
const WORD_OCTETS_MAX: usize = 40;
/// Runs kept of a shape.
const SHAPE_RUNS_MAX: usize = 80;
/// From here on a character is a word: CJK radicals, kana, ideographs, Hangul.
const IDEOGRAPHS: char = '\u{2e80}';

/// How octets are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Nothing,
    /// Without case; all digits alike, and all blanks: amounts, dates and line ends vary freely.
    All,
}

impl Fold {
    fn octet(self, octet: u8) -> u8 {
        match (self, octet) {
            (Fold::Nothing, octet) => octet,
            (Fold::All, b'A'..=b'Z') => octet | 0x20,
            (Fold::All, b'0'..=b'9') => b'0',
            (Fold::All, b'\n' | b'\r' | b'\t') => b' ',
            (Fold::All, octet) => octet,
        }
    }
}

/// Distinct features of one namespace while it is read.
pub(super) struct Set<'a> {
    found: &'a mut Vec<u32>,
    /// One bit per slot of the largest model: already in `found`.
    seen: &'a mut [u64],
    /// Hashes of the last words, newest first.
    recent: Vec<u32>,
    namespace: u32,
}

thread_local! {
    static SEEN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Set<'_> {
    /// Replaces what is in `found` by what `read` adds.
    pub(super) fn fill(found: &mut Vec<u32>, namespace: u8, read: impl FnOnce(&mut Set<'_>)) {
        found.clear();
        SEEN.with_borrow_mut(|seen| {
            seen.resize((1 << BITS_MAX) / 64, 0);
            let namespace = u32::from(namespace).wrapping_mul(0x85eb_ca6b);
            let mut set = Set { found, seen, recent: Vec::new(), namespace };
            read(&mut set);
            for feature in set.found.iter() {
                set.seen[(feature >> (32 - BITS_MAX)) as usize / 64] = 0;
            }
        });
    }

    fn add(&mut self, hash: u32) {
        let feature = mixed(hash ^ self.namespace);
        let slot = feature >> (32 - BITS_MAX);
        let (word, bit) = (&mut self.seen[slot as usize / 64], 1u64 << (slot % 64));
        if *word & bit == 0 {
            *word |= bit;
            self.found.push(feature);
        }
    }

    /// Every `length` octets in a row, at most 8; a run of blanks counts as one.
    pub(super) fn add_grams(&mut self, seed: u32, length: usize, fold: Fold, octets: &[u8]) {
        let mask = u64::MAX >> (64 - 8 * length.clamp(1, 8));
        let seed = seed.wrapping_mul(0x9e37_79b1);
        let (mut gram, mut read) = (0u64, 0);
        for &octet in octets {
            let octet = fold.octet(octet);
            if octet == b' ' && gram & 0xff == u64::from(b' ') {
                continue;
            }
            gram = (gram << 8 | u64::from(octet)) & mask;
            read += 1;
            if read >= length {
                self.add(gram as u32 ^ ((gram >> 32) as u32).wrapping_mul(0x9e37_79b1) ^ seed);
            }
        }
    }

    /// Every word, alone and with each of the `window - 1` before it.
    pub(super) fn add_words(&mut self, seed: u32, text: &str, window: usize) {
        self.recent.clear();
        let seed = seed.wrapping_mul(0x0123_4567);
        words(text, |word| {
            self.add(word ^ seed);
            for at in 0..self.recent.len() {
                let distance = (at as u32 + 1).wrapping_mul(0x0765_4321);
                self.add(self.recent[at].wrapping_mul(0x9e37_79b1) ^ word ^ seed ^ distance);
            }
            self.recent.insert(0, word);
            self.recent.truncate(window.saturating_sub(1));
        });
    }

    /// The name of a header field, as a feature and as the seed of its words.
    pub(super) fn add_name(&mut self, name: &[u8]) -> u32 {
        let hash = hashed(name.iter().map(u8::to_ascii_lowercase));
        self.add(hash);
        hash
    }

    /// A part without case, digits alike.
    pub(super) fn add_part(&mut self, seed: u32, part: &[u8]) {
        self.add(hashed(part.iter().map(|octet| Fold::All.octet(*octet))) ^ seed.wrapping_mul(0x0765_4321));
    }

    /// The octets with every run of small letters, of capitals and of digits as one.
    pub(super) fn add_shape(&mut self, seed: u32, octets: &[u8]) {
        let mut last = 0;
        let runs = octets.iter().filter_map(|octet| {
            let kind = match octet {
                b'a'..=b'z' => b'a',
                b'A'..=b'Z' => b'A',
                b'0'..=b'9' => b'0',
                octet => *octet,
            };
            (std::mem::replace(&mut last, kind) != kind).then_some(kind)
        });
        let hash = hashed(runs.take(SHAPE_RUNS_MAX)) ^ seed.wrapping_mul(0x0135_79bd);
        self.add(hash);
    }

    pub(super) fn add_number(&mut self, seed: u32, number: u32) {
        self.add(number.wrapping_mul(0x85eb_ca6b) ^ seed.wrapping_mul(0x0246_8ace));
    }
}

/// Calls `found` with the hash of each word in lower case.
fn words(text: &str, mut found: impl FnMut(u32)) {
    let (mut hash, mut long) = (FNV_OFFSET, 0);
    for character in text.chars() {
        if character < IDEOGRAPHS && is_in_word(character) {
            if long < WORD_OCTETS_MAX {
                let lower = if character.is_ascii() { character.to_ascii_lowercase() } else { lower_case(character) };
                hash = step(hash, lower as u32);
            }
            long += 1;
            continue;
        }
        if long > 0 {
            found(mixed(hash));
            (hash, long) = (FNV_OFFSET, 0);
        }
        if character >= IDEOGRAPHS {
            found(mixed(step(FNV_OFFSET, character as u32)));
        }
    }
    if long > 0 {
        found(mixed(hash));
    }
}

fn is_in_word(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '$' | '!' | '\'' | '-' | '_' => true,
        character => !character.is_ascii() && character.is_alphanumeric(),
    }
}

fn lower_case(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

const FNV_OFFSET: u32 = 0x811c_9dc5;

/// FNV-1a, a character at a time.
fn step(hash: u32, unit: u32) -> u32 {
    (hash ^ unit).wrapping_mul(0x0100_0193)
}

fn hashed(octets: impl Iterator<Item = u8>) -> u32 {
    octets.fold(FNV_OFFSET, |hash, octet| step(hash, u32::from(octet)))
}

/// The finaliser of MurmurHash3 (Appleby, public domain): every bit of the input moves every bit of the output.
fn mixed(hash: u32) -> u32 {
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}
