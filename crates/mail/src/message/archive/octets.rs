//! Numbers and stretches out of octets, one after another. Past the end everything is `None`, nothing panics.

#[derive(Debug, Clone, Copy)]
pub(super) struct Octets<'a> {
    all: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Octets<'a> {
    pub(super) fn new(all: &'a [u8]) -> Octets<'a> {
        Octets { all, at: 0 }
    }

    pub(super) fn from(all: &'a [u8], at: usize) -> Octets<'a> {
        Octets { all, at }
    }

    pub(super) fn take(&mut self, octets: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(octets)?;
        let taken = self.all.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|one| one[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|two| u16::from_le_bytes([two[0], two[1]]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
    }

    /// Four octets as a length or place.
    pub(super) fn size(&mut self) -> Option<usize> {
        self.u32().map(|four| four as usize)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        let (low, high) = (self.u32()?, self.u32()?);
        Some(u64::from(low) | u64::from(high) << 32)
    }

    /// Up to a zero octet, which is skipped.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = memchr::memchr(0, rest)?;
        self.at += end + 1;
        Some(&rest[..end])
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }
}

/// Sixteen bits, low octet first, at a place.
pub(super) fn u16_at(octets: &[u8], at: usize) -> Option<usize> {
    Octets::from(octets, at).u16().map(usize::from)
}

/// Thirty-two bits, low octet first, at a place.
pub(super) fn u32_at(octets: &[u8], at: usize) -> Option<usize> {
    Octets::from(octets, at).size()
}

/// UTF-16, low octet first, up to a zero.
pub(super) fn wide_text(octets: &[u8]) -> String {
    let units = octets.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// A name in some code page: UTF-8 if it is, Chinese if it reads as such throughout, else what the octets look like.
pub(in super::super) fn name_text(octets: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(octets) {
        return text.to_owned();
    }
    let is_chinese =
        |one: char| one.is_ascii() || matches!(one, '\u{3000}'..='\u{303f}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}');
    match encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(octets) {
        Some(text) if text.chars().all(is_chinese) => text.into_owned(),
        _ => super::super::charset::decode(octets, None).text,
    }
}
