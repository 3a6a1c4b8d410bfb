//! OneNote ([MS-ONESTORE]): the files that a page shows as buttons.
//!
//! In: a section file. Out: a [`Listing`]. The objects that hold files are looked for by their mark, wherever they stand;
//! their names stand elsewhere in the file, in the same order as a rule.

use super::listing::Listing;
use super::octets::{Octets, wide_text};
use memchr::memmem;

const FILE_MARK: &[u8] = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3";
/// §2.6.13 FileDataStoreObject: {BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC}.
const OBJECT_MARK: &[u8] = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
const OBJECT_HEADER_OCTETS: usize = 36;
const NAMES_MAX: usize = 200;
/// Dots in the file around which a name is looked for.
const DOTS_MAX: usize = 20_000;
const NAME_UNITS_MAX: usize = 255;

pub(super) fn is_note(content: &[u8]) -> bool {
    content.starts_with(FILE_MARK)
}

pub(super) fn list(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    let mut names = names(content).into_iter();
    let mut end = 0;
    for at in memmem::find_iter(content, OBJECT_MARK) {
        if at < end {
            continue; // inside of the file before
        }
        if listing.members.len() >= members_max {
            break;
        }
        let Some(octets) = Octets::from(content, at + OBJECT_MARK.len()).u64().and_then(|octets| usize::try_from(octets).ok()) else {
            break;
        };
        let start = at + OBJECT_HEADER_OCTETS;
        end = start.saturating_add(octets);
        // Pictures of the page are objects too, and have no name of a file.
        let is_picture = infer::is_image(content.get(start..).unwrap_or_default());
        let name = if is_picture { None } else { names.next() };
        listing.push_open(name.unwrap_or_default(), content, start, octets);
    }
    listing
}

/// [MS-ONE] EmbeddedFileName: a length, then the name in UTF-16. Properties and their values stand
/// apart, so names are looked for by what they are: a length in octets, then as many of text with a dot and a short ending.
fn names(content: &[u8]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    // A dot in UTF-16 between other letters.
    for dot in memmem::find_iter(content, b".\0").take(DOTS_MAX) {
        if names.len() >= NAMES_MAX {
            break;
        }
        if let Some(name) = name_around(content, dot).filter(|name| !names.contains(name)) {
            names.push(name);
        }
    }
    names
}

fn name_around(content: &[u8], dot: usize) -> Option<String> {
    let is_letter =
        |at: usize| content.get(at..at + 2).is_some_and(|two| two[1] != 0 || two[0] >= 0x20 && !b"<>:\"/\\|?*\x7f".contains(&two[0]));
    let mut start = dot;
    while start >= 2 && dot - start < NAME_UNITS_MAX * 2 && is_letter(start - 2) && !is_length(content, start, dot) {
        start -= 2;
    }
    is_length(content, start, dot).then_some(())?;
    let octets = Octets::from(content, start.checked_sub(4)?).size()?;
    let name = wide_text(content.get(start..start.checked_add(octets)?)?);
    let ending = name.rsplit('.').next()?;
    (ending.len() <= 10 && ending.chars().all(|one| one.is_ascii_alphanumeric())).then_some(name)
}

/// Whether the four octets before `start` are a length that reaches past the dot and not far.
fn is_length(content: &[u8], start: usize, dot: usize) -> bool {
    let length = start.checked_sub(4).and_then(|at| Octets::from(content, at).size()).unwrap_or(0);
    length.is_multiple_of(2) && length <= NAME_UNITS_MAX * 2 && start + length > dot + 2 && start + length <= dot + 24
}
