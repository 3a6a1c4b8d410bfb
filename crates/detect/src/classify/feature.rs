//! Evidence as a set of numbered features: every 4 octets in a row, hashed with the namespace they stand in.
//!
//! Octets rather than words, so no language needs a dictionary and a misspelt word still shares most of its grams.
//! Each feature counts once per message, however often it occurs.

use super::evidence::{Evidence, Namespaces};

/// Distinct features of one message; the buffers are kept from message to message.
#[derive(Debug)]
pub(super) struct Features {
    /// log2 of the number of slots.
    bits: u32,
    /// One bit per slot: already in `slots`.
    seen: Vec<u64>,
    slots: Vec<u32>,
}

/// Slot counts a model or learner may have.
pub(super) const BITS_MIN: u32 = 12;
pub(super) const BITS_MAX: u32 = 22;

impl Features {
    pub(super) fn new(bits: u32) -> Features {
        debug_assert!((BITS_MIN..=BITS_MAX).contains(&bits));
        Features { bits, seen: vec![0; (1usize << bits) / 64], slots: Vec::new() }
    }

    /// The features of `evidence`, in order of first occurrence.
    pub(super) fn of(&mut self, evidence: &Evidence, namespaces: Namespaces) -> &[u32] {
        for slot in self.slots.drain(..) {
            self.seen[slot as usize / 64] = 0;
        }
        if namespaces.has(Namespaces::HEADER) {
            self.add(Namespaces::HEADER, &evidence.header, |octet| octet);
        }
        if namespaces.has(Namespaces::BODY) {
            self.add(Namespaces::BODY, &evidence.body, |octet| octet);
        }
        if namespaces.has(Namespaces::SUBJECT) {
            self.add(Namespaces::SUBJECT, &evidence.subject, folded);
        }
        if namespaces.has(Namespaces::TEXT) {
            self.add(Namespaces::TEXT, &evidence.text, folded);
        }
        &self.slots
    }

    /// The features found by the last call of [`Features::of`].
    pub(super) fn last(&self) -> &[u32] {
        &self.slots
    }

    fn add(&mut self, namespace: Namespaces, octets: &[u8], fold: impl Fn(u8) -> u8) {
        let seed = u32::from(namespace.bits()).wrapping_mul(0x85eb_ca6b);
        let shift = 32 - self.bits;
        let mut gram = u32::from_be_bytes([b'\n'; 4]);
        for &octet in octets {
            let octet = fold(octet);
            if octet == b' ' && gram & 0xff == u32::from(b' ') {
                continue; // a run of blanks counts as one
            }
            gram = gram << 8 | u32::from(octet);
            // Multiplicative hashing (Knuth, volume 3, 6.4): the upper bits of the product are well mixed.
            let slot = (gram ^ seed).wrapping_mul(0x9e37_79b1) >> shift;
            let (word, bit) = (&mut self.seen[slot as usize / 64], 1u64 << (slot % 64));
            if *word & bit == 0 {
                *word |= bit;
                self.slots.push(slot);
            }
        }
    }
}

/// Text is compared without case; all digits are alike, and so are all blanks: amounts, dates and line ends vary freely.
fn folded(octet: u8) -> u8 {
    match octet {
        b'A'..=b'Z' => octet | 0x20,
        b'0'..=b'9' => b'0',
        b'\n' | b'\r' | b'\t' => b' ',
        _ => octet,
    }
}
