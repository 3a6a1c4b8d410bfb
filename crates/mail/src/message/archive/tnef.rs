//! TNEF, the "winmail.dat" of Outlook ([MS-OXTNEF]): its attachments.
//!
//! In: octets with the mark of TNEF. Out: a [`Listing`]. Names come from the attribute for the title, or from the list of
//! properties when that has a longer one.

use super::listing::{Lies, Listing, Member};
use super::octets::{Octets, name_text, wide_text};
use std::ops::Range;

const MARK: &[u8] = b"\x78\x9f\x3e\x22";
/// Attributes ([MS-OXTNEF] §2.1.3.2): a new attachment, its name, content and properties.
const NEW: u32 = 0x0006_9002;
const TITLE: u32 = 0x0001_8010;
const DATA: u32 = 0x0006_800f;
const PROPERTIES: u32 = 0x0006_9005;
const ATTRIBUTES_MAX: usize = 10_000;
/// PidTagAttachLongFilename and PidTagAttachDataObject.
const LONG_NAME: u32 = 0x3707;
const OBJECT: u32 = 0x3701;

pub(super) fn is_tnef(content: &[u8]) -> bool {
    content.starts_with(MARK)
}

pub(super) fn list(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    let mut reader = Octets::from(content, MARK.len() + 2);
    for _ in 0..ATTRIBUTES_MAX {
        if reader.rest().is_empty() {
            break;
        }
        let Some((kind, range)) = attribute(&mut reader) else {
            // Gateways leave a few octets at the end.
            listing.flaw = listing.members.is_empty().then_some("an attribute of a TNEF file");
            break;
        };
        let value = &content[range.clone()];
        if kind == NEW && listing.members.len() >= members_max {
            break;
        }
        match (kind, listing.members.last_mut()) {
            (NEW, _) => listing.push(String::new(), 0, Lies::At(0..0)),
            (TITLE, Some(member)) if member.name.is_empty() => {
                member.name = name_text(value.split(|octet| *octet == 0).next().unwrap_or_default())
            }
            (DATA, Some(member)) => (member.octets, member.lies) = (range.len() as u64, Lies::At(range)),
            (PROPERTIES, Some(member)) => drop(properties(value, range.start, member)),
            _ => {}
        }
    }
    listing
}

/// Level, kind, length, value, check sum.
fn attribute(reader: &mut Octets) -> Option<(u32, Range<usize>)> {
    reader.u8()?;
    let (kind, octets) = (reader.u32()?, reader.size()?);
    let start = reader.at;
    reader.take(octets)?;
    reader.take(2)?;
    Some((kind, start..start + octets))
}

/// MsgPropertyList (§2.1.3.4): the long name, and an object that takes the place of the content.
fn properties(list: &[u8], list_at: usize, member: &mut Member) -> Option<()> {
    let mut reader = Octets::new(list);
    for _ in 0..reader.u32()? {
        let (kind, id) = (reader.u16()?, u32::from(reader.u16()?));
        if id >= 0x8000 {
            reader.take(16)?;
            if reader.u32()? == 1 {
                let octets = reader.size()?;
                reader.take(octets.checked_next_multiple_of(4)?)?;
            } else {
                reader.take(4)?;
            }
        }
        let octets = match kind & 0x0fff {
            0x02 | 0x03 | 0x04 | 0x0a | 0x0b => 4,
            0x05 | 0x06 | 0x07 | 0x14 | 0x40 => 8,
            0x48 => 16,
            0x0d | 0x1e | 0x1f | 0x102 => {
                for _ in 1..reader.u32()? {
                    let octets = reader.size()?;
                    reader.take(octets.checked_next_multiple_of(4)?)?;
                }
                reader.size()?
            }
            _ => return None,
        };
        let at = list_at + reader.at;
        let value = reader.take(octets)?;
        reader.take(octets.next_multiple_of(4) - octets)?;
        match (id, kind) {
            (LONG_NAME, 0x1f) => member.name = wide_text(value),
            (LONG_NAME, 0x1e) => member.name = name_text(value.split(|octet| *octet == 0).next().unwrap_or_default()),
            // Sixteen octets say which kind of object it is.
            (OBJECT, _) if octets > 16 => (member.octets, member.lies) = ((octets - 16) as u64, Lies::At(at + 16..at + octets)),
            _ => {}
        }
    }
    Some(())
}
