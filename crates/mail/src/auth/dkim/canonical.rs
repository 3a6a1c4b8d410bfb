//! Canonical forms of header fields and body (RFC 6376 §3.4).
//!
//! A line may end in LF alone, as files on disk have it: it counts as CRLF, the form it had on the wire (RFC 6376 §5.3).
//! The gate refuses bare LF before it comes here.

use super::tags::is_blank;
use crate::auth::content::line_end;
use aws_lc_rs::digest::{Algorithm, Context};
use memchr::memmem::Finder;
use memchr::{memchr, memchr2};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) enum Canonical {
    Simple,
    Relaxed,
}

/// Adds one field with its final CRLF. `whole` has none.
pub(in crate::auth) fn add_field(form: Canonical, whole: &[u8], out: &mut Vec<u8>) {
    match form {
        Canonical::Simple => add_simple_field(whole, out),
        Canonical::Relaxed => add_relaxed_field(whole, out),
    }
    out.extend_from_slice(b"\r\n");
}

/// RFC 6376 §3.4.1: as it is.
fn add_simple_field(whole: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < whole.len() {
        let (end, next) = line_end(whole, at);
        out.extend_from_slice(&whole[at..end]);
        if next > end {
            out.extend_from_slice(b"\r\n");
        }
        at = next;
    }
}

/// RFC 6376 §3.4.2: name in lower case, unfolded, runs of white space as one space, none around the colon or at the end.
fn add_relaxed_field(whole: &[u8], out: &mut Vec<u8>) {
    let colon = memchr(b':', whole).unwrap_or(whole.len());
    out.extend(whole[..colon].trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let value_at = out.len();
    let mut blank = false;
    for octet in whole.get(colon + 1..).unwrap_or_default() {
        match is_blank(*octet) {
            true => blank = out.len() > value_at,
            false => {
                if std::mem::take(&mut blank) {
                    out.push(b' ');
                }
                out.push(*octet);
            }
        }
    }
}

/// Hash of a canonical body.
#[derive(Debug, Clone)]
pub(in crate::auth) struct BodyHash {
    pub(in crate::auth) octets: Vec<u8>,
    /// Length of the canonical body, of which `l=` may cover less.
    pub(in crate::auth) length: u64,
}

/// RFC 6376 §3.4.3, §3.4.4, §3.4.5. Reads the body once and keeps no copy of it.
pub(in crate::auth) fn hash_body(form: Canonical, body: &[u8], limit: Option<u64>, algorithm: &'static Algorithm) -> BodyHash {
    let mut sink = Sink {
        context: Context::new(algorithm),
        buffer: Vec::with_capacity(BUFFER_OCTETS),
        left: limit,
        length: 0,
        two_blanks: Finder::new(b"  "),
    };
    let (mut at, mut empty_lines) = (0, 0u64);
    while at < body.len() {
        let (end, next) = line_end(body, at);
        let line = match form {
            Canonical::Simple => &body[at..end],
            Canonical::Relaxed => without_blank_end(&body[at..end]),
        };
        at = next;
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty_lines) {
            sink.add(b"\r\n");
        }
        match form {
            Canonical::Simple => sink.add(line),
            Canonical::Relaxed => add_relaxed_line(line, &mut sink),
        }
        sink.add(b"\r\n");
    }
    if form == Canonical::Simple && sink.length == 0 {
        sink.add(b"\r\n"); // an empty body is one line end in the simple form, nothing in the relaxed
    }
    sink.flush();
    BodyHash { octets: sink.context.finish().as_ref().to_vec(), length: sink.length }
}

/// WSP is space and tab; other controls are text.
fn without_blank_end(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|octet| !matches!(octet, b' ' | b'\t')).map_or(0, |last| last + 1);
    &line[..end]
}

fn add_relaxed_line(mut line: &[u8], sink: &mut Sink) {
    if memchr(b'\t', line).is_none() && sink.two_blanks.find(line).is_none() {
        return sink.add(line); // most lines are canonical as they stand
    }
    while let Some(blank) = memchr2(b' ', b'\t', line) {
        sink.add(&line[..blank]);
        sink.add(b" ");
        let run = line[blank..].iter().position(|octet| !matches!(octet, b' ' | b'\t')).unwrap_or(line.len() - blank);
        line = &line[blank + run..];
    }
    sink.add(line);
}

const BUFFER_OCTETS: usize = 4 << 10;

/// Gathers small pieces before they are hashed, and stops at `l=`.
struct Sink {
    context: Context,
    buffer: Vec<u8>,
    left: Option<u64>,
    length: u64,
    two_blanks: Finder<'static>,
}

impl Sink {
    fn add(&mut self, mut piece: &[u8]) {
        self.length += piece.len() as u64;
        if let Some(left) = &mut self.left {
            piece = &piece[..usize::try_from(*left).unwrap_or(usize::MAX).min(piece.len())];
            *left -= piece.len() as u64;
        }
        if self.buffer.len() + piece.len() > BUFFER_OCTETS {
            self.flush();
        }
        match piece.len() > BUFFER_OCTETS {
            true => self.context.update(piece),
            false => self.buffer.extend_from_slice(piece),
        }
    }

    fn flush(&mut self) {
        self.context.update(&self.buffer);
        self.buffer.clear();
    }
}
