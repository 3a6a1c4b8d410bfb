//! What is signed: header fields as they stand in the octets, and the body.
//!
//! Field borders come from [`Message::fields`], the same reading every inspection uses; a second parser here would let a
//! mail show one From to DMARC and another to the reader.

use crate::Message;
use memchr::memchr;

/// One header field. `whole` runs from the name to the end of the value, without the final line end.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeaderField<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) whole: &'a [u8],
}

impl HeaderField<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) fields: Vec<HeaderField<'a>>,
    pub(super) body: &'a [u8],
}

impl<'a> Content<'a> {
    pub(super) fn of(message: &'a Message) -> Content<'a> {
        let raw: &[u8] = message.raw();
        let base = raw.as_ptr() as usize;
        let fields = message.fields().filter_map(|(name, value)| {
            // Both slices lie in `raw`; the distance of their addresses is their place in it.
            let start = (name.as_ptr() as usize).checked_sub(base)?;
            let end = (value.as_ptr() as usize).checked_sub(base)? + value.len();
            Some(HeaderField { name, value, whole: raw.get(start..end)? })
        });
        let body_at = raw.len() - message.body().len().min(raw.len());
        Content { fields: fields.collect(), body: &raw[body_at..] }
    }

    /// Reads what we are about to sign or seal; lines that are not fields are left out, as no reader shows them.
    pub(super) fn read(raw: &'a [u8]) -> Content<'a> {
        let mut fields: Vec<HeaderField<'a>> = Vec::with_capacity(32);
        let mut at = 0;
        while at < raw.len() {
            let (end, next) = line_end(raw, at);
            if end == at {
                return Content { fields, body: &raw[next..] };
            }
            let line = &raw[at..end];
            match (matches!(raw[at], b' ' | b'\t'), fields.last_mut(), memchr(b':', line)) {
                (true, Some(field), _) => extend(raw, field, end),
                (false, _, Some(colon)) => {
                    fields.push(HeaderField { name: line[..colon].trim_ascii_end(), value: &line[colon + 1..], whole: line });
                }
                _ => {}
            }
            at = next;
        }
        Content { fields, body: &[] }
    }

    /// Fields of this name, from the top.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = (usize, &HeaderField<'a>)> {
        self.fields.iter().enumerate().filter(move |(_, field)| field.is(name))
    }
}

/// End of the text of the line at `at`, and start of the next line.
pub(super) fn line_end(raw: &[u8], at: usize) -> (usize, usize) {
    match memchr(b'\n', &raw[at..]) {
        Some(length) if length > 0 && raw[at + length - 1] == b'\r' => (at + length - 1, at + length + 1),
        Some(length) => (at + length, at + length + 1),
        None => (raw.len(), raw.len()),
    }
}

fn extend<'a>(raw: &'a [u8], field: &mut HeaderField<'a>, end: usize) {
    let base = raw.as_ptr() as usize;
    let (value_at, whole_at) = (field.value.as_ptr() as usize - base, field.whole.as_ptr() as usize - base);
    field.value = &raw[value_at..end];
    field.whole = &raw[whole_at..end];
}
