//! BER as far as LDAP uses it (RFC 4511 §5.1): one octet of tag, definite lengths.
//!
//! Invariant: nothing here recurses or allocates by what a length says; a reader sees only octets that are there.

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const OCTETS: u8 = 0x04;
pub const ENUMERATED: u8 = 0x0a;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// Octets that a length may take; four say 4 GiB.
const LENGTH_OCTETS_MAX: usize = 4;

/// What stands there is not BER as LDAP uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not BER")]
pub struct Bad;

/// Tag, length, content.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut made = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => made.push(length),
        _ => {
            let octets = content.len().to_be_bytes();
            let used = octets.iter().position(|octet| *octet != 0).map_or(&[][..], |at| &octets[at..]);
            made.push(0x80 | used.len() as u8);
            made.extend_from_slice(used);
        }
    }
    made.extend_from_slice(content);
    made
}

/// Parts one behind the other, in a frame.
pub fn joined(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(tag, &parts.concat())
}

pub fn text(tag: u8, text: &str) -> Vec<u8> {
    tlv(tag, text.as_bytes())
}

/// In as few octets as hold it, two's complement.
pub fn number(tag: u8, value: i64) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let is_spare = |at: &usize| {
        let (here, next) = (octets[*at], octets[*at + 1]);
        (here == 0 && next < 0x80) || (here == 0xff && next >= 0x80)
    };
    let from = (0..octets.len() - 1).take_while(is_spare).count();
    tlv(tag, &octets[from..])
}

pub fn boolean(value: bool) -> Vec<u8> {
    tlv(BOOLEAN, &[if value { 0xff } else { 0 }])
}

/// What a frame says of itself: octets of its head, and of its content. `None`: more has to be read first.
pub fn head(octets: &[u8]) -> Result<Option<(usize, usize)>, Bad> {
    let Some(first) = octets.get(1) else { return Ok(None) };
    if *first < 0x80 {
        return Ok(Some((2, usize::from(*first))));
    }
    let count = usize::from(*first & 0x7f);
    if count == 0 || count > LENGTH_OCTETS_MAX {
        return Err(Bad);
    }
    let Some(length) = octets.get(2..2 + count) else { return Ok(None) };
    Ok(Some((2 + count, length.iter().fold(0, |sum, octet| (sum << 8) | usize::from(*octet)))))
}

/// Reads frames one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next frame: its tag and its content.
    pub fn frame(&mut self) -> Result<(u8, &'a [u8]), Bad> {
        let (from, length) = head(self.0)?.ok_or(Bad)?;
        let end = from.checked_add(length).ok_or(Bad)?;
        let content = self.0.get(from..end).ok_or(Bad)?;
        let tag = self.0[0];
        self.0 = &self.0[end..];
        Ok((tag, content))
    }

    /// The next frame, which has this tag.
    pub fn expect(&mut self, tag: u8) -> Result<&'a [u8], Bad> {
        let (found, content) = self.frame()?;
        if found == tag { Ok(content) } else { Err(Bad) }
    }

    pub fn number(&mut self, tag: u8) -> Result<i64, Bad> {
        let content = self.expect(tag)?;
        if content.is_empty() || content.len() > 8 {
            return Err(Bad);
        }
        let sign = if content[0] >= 0x80 { -1 } else { 0 };
        Ok(content.iter().fold(sign, |sum, octet| (sum << 8) | i64::from(*octet)))
    }

    pub fn text(&mut self) -> Result<String, Bad> {
        Ok(String::from_utf8_lossy(self.expect(OCTETS)?).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lengths_go_there_and_back() {
        for value in [0, 1, 127, 128, 255, 256, -1, -128, -129, i64::from(i32::MAX), i64::MAX, i64::MIN] {
            let made = number(INTEGER, value);
            assert_eq!(Reader(&made).number(INTEGER), Ok(value), "{value}");
        }
        assert_eq!(number(INTEGER, 127), [2, 1, 127]);
        assert_eq!(number(INTEGER, 128), [2, 2, 0, 128]);
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let made = tlv(OCTETS, &vec![7; length]);
            let mut reader = Reader(&made);
            assert_eq!(reader.frame().map(|(tag, content)| (tag, content.len())), Ok((OCTETS, length)));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn what_is_cut_or_lies_is_refused() {
        for octets in [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 5, 1], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]]
        {
            assert_eq!(Reader(octets).frame(), Err(Bad), "{octets:?}");
        }
        assert_eq!(head(&[0x30, 0x82, 1]), Ok(None), "the length itself is not there yet");
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_read_or_refused(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let mut reader = Reader(&octets);
            while !reader.is_empty() && reader.frame().is_ok() {}
        }
    }
}
