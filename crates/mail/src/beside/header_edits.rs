//! The difference between two headers, as a list of edits that a server which holds the first can make.
//!
//! In: the message as it came, and as it shall be. Out: removals and changes by name and number, and fields to put on top.
//! Invariant: applying the edits in order gives every field of the new header; fields that are new stand on top, in their order.

/// Fields that are compared; what is beyond is left as it is.
const FIELDS_MAX: usize = 2_000;

/// One edit. Removals come first, from the bottom up, so that numbers stay right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// The `nth` field of this name (any case), from 1.
    Remove {
        name: String,
        nth: u32,
    },
    Replace {
        name: String,
        nth: u32,
        value: Vec<u8>,
    },
    /// On top, at this place; 0 is the first.
    Insert {
        at: u32,
        name: String,
        value: Vec<u8>,
    },
}

/// Name as written, and value with its leading space and folds, without the final line end.
pub type Field<'m> = (&'m [u8], &'m [u8]);

/// What makes the header of `old` into that of `new`, but for fields of `new` that are to be left out.
pub fn between(old: &[u8], new: &[u8], is_left_out: impl Fn(&[u8], &[u8]) -> bool) -> Vec<HeaderEdit> {
    let (old, mut new) = (fields(old), fields(new));
    new.retain(|(name, value)| !is_left_out(name, value));
    // Both share most of their fields, in order: from the bottom up, since what is new stands mostly on top.
    let (mut at, mut kept) = (new.len(), vec![None; old.len()]);
    for (n, field) in old.iter().enumerate().rev() {
        if let Some(found) = new[..at].iter().rposition(|other| other == field) {
            (at, kept[n]) = (found, Some(found));
        }
    }
    let mut is_known = vec![false; new.len()];
    kept.iter().flatten().for_each(|found| is_known[*found] = true);
    let mut edits = Vec::new();
    for (n, (name, _)) in old.iter().enumerate().rev().filter(|(n, _)| kept[*n].is_none()) {
        let (nth, shown) = (nth_of(&old, n), text(name));
        match changed_place(&new, &is_known, neighbours(&kept, n), name) {
            Some(found) => {
                is_known[found] = true;
                edits.push(HeaderEdit::Replace { name: shown, nth, value: new[found].1.to_vec() });
            }
            None => edits.push(HeaderEdit::Remove { name: shown, nth }),
        }
    }
    let fresh = new.iter().zip(&is_known).filter(|(_, is_known)| !**is_known);
    edits.extend(fresh.enumerate().map(|(at, ((name, value), _))| HeaderEdit::Insert {
        at: u32::try_from(at).unwrap_or(u32::MAX),
        name: text(name),
        value: value.to_vec(),
    }));
    edits
}

/// What follows the empty line.
pub fn body_of(octets: &[u8]) -> &[u8] {
    if octets.starts_with(b"\r\n") {
        return &octets[2..];
    }
    memchr::memmem::find(octets, b"\r\n\r\n").map_or(&[], |end| &octets[end + 4..])
}

/// The fields of the header, in order. It ends at the empty line, or before what is no field.
pub fn fields(octets: &[u8]) -> Vec<Field<'_>> {
    let mut found: Vec<Field<'_>> = Vec::new();
    let (mut at, mut began) = (0, None::<(usize, usize)>); // where the field and its value begin
    while at < octets.len() && found.len() < FIELDS_MAX {
        let end = memchr::memchr(b'\n', &octets[at..]).map_or(octets.len(), |end| at + end + 1);
        let line = &octets[at..end];
        match line {
            b"\r\n" | b"\n" => break,
            [b' ' | b'\t', ..] if began.is_some() => {}
            _ => {
                found.extend(began.take().map(|began| field(octets, began, at)));
                let Some(colon) = memchr::memchr(b':', line) else { return found };
                began = Some((at, at + colon + 1));
            }
        }
        at = end;
    }
    found.extend(began.map(|began| field(octets, began, at)));
    found
}

/// The field whose name and value begin there and that ends, with its line end, before `end`.
fn field(octets: &[u8], (name, value): (usize, usize), end: usize) -> Field<'_> {
    let text = &octets[value..end];
    (&octets[name..value - 1], text.strip_suffix(b"\r\n").or(text.strip_suffix(b"\n")).unwrap_or(text))
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name.trim_ascii_end()).into_owned()
}

fn is_named(name: &[u8], other: &[u8]) -> bool {
    name.trim_ascii_end().eq_ignore_ascii_case(other.trim_ascii_end())
}

fn nth_of(fields: &[Field<'_>], place: usize) -> u32 {
    let count = fields[..=place].iter().filter(|(other, _)| is_named(other, fields[place].0)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The places in the new header that the kept fields around an old one have.
fn neighbours(kept: &[Option<usize>], place: usize) -> (Option<usize>, Option<usize>) {
    (kept[..place].iter().rev().flatten().next().copied(), kept[place + 1..].iter().flatten().next().copied())
}

/// Fields whose place says when they were written: a new one goes on top, wherever an old one stood.
const TRACE: [&[u8]; 6] =
    [b"Authentication-Results", b"Received", b"DKIM-Signature", b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"];

/// A field of the same name between the same neighbours is the old one, changed.
fn changed_place(new: &[Field<'_>], is_known: &[bool], (after, before): (Option<usize>, Option<usize>), name: &[u8]) -> Option<usize> {
    let is_trace = TRACE.iter().any(|trace| is_named(trace, name)) || name.len() >= 2 && name[..2].eq_ignore_ascii_case(b"x-");
    if is_trace {
        return None;
    }
    let from = after.map_or(0, |after| after + 1);
    let until = before.unwrap_or(new.len());
    (from..until).rev().find(|place| !is_known[*place] && is_named(new[*place].0, name))
}
