//! MIME structure (RFC 2046 §5): one pass over the lines that look like delimiters, with a list of the open multiparts.
//!
//! In: an entity. Out: its leaves, handed to [`Reading`]. Invariant: each octet is looked at once per view, nothing recurses,
//! and depth and parts are paid for. Where two readers could split differently, each way becomes a view of its own.

use super::DefectKind::{BadBoundary, ExternalBody, MissingBoundary, PartialMessage};
use super::encoding::Encoding;
use super::head::{self, Head};
use super::header;
use super::reading::{Leaf, Reading, View};
use bytes::Bytes;
use memchr::memmem;

/// A multipart or a nested message whose end was not seen yet.
enum Frame {
    Multipart { boundary: Vec<u8>, default_kind: &'static str, is_started: bool, body: usize, epilogue_at: Option<usize> },
    Message { head: Head, start: usize },
}

struct Delimiter {
    /// Start of its line.
    at: usize,
    next: usize,
    frame: usize,
    is_close: bool,
}

pub(super) struct Walker<'r> {
    reading: &'r mut Reading,
    source: Bytes,
    end: usize,
    base_depth: usize,
    inside: Vec<String>,
    is_other_view: bool,
    frames: Vec<Frame>,
    leaf: Option<(Head, usize)>,
}

impl<'r> Walker<'r> {
    pub(super) fn new(reading: &'r mut Reading, view: &View) -> Walker<'r> {
        Walker {
            reading,
            source: view.source.clone(),
            end: view.range.end,
            base_depth: view.depth,
            inside: view.inside.clone(),
            is_other_view: view.is_other,
            frames: Vec::new(),
            leaf: None,
        }
    }

    /// Reads an entity whose header is known and whose body starts at `body`.
    pub(super) fn walk(mut self, head: Head, body: usize) {
        if let Some(search) = self.enter(head, body) {
            self.split(search);
        }
    }

    /// Reads the body of a multipart with this boundary.
    pub(super) fn walk_multipart(mut self, boundary: Vec<u8>, body: usize) {
        self.frames.push(Frame::Multipart { boundary, default_kind: "text/plain", is_started: false, body, epilogue_at: None });
        self.split(body);
    }

    fn split(mut self, mut search: usize) {
        while let Some(delimiter) = self.next_delimiter(search) {
            let before = end_before(&self.source, delimiter.at);
            self.close_leaf(before);
            self.close_frames(delimiter.frame + 1, before);
            match self.cross(&delimiter, before) {
                Some(next) => search = next,
                None => return, // over budget; what was read so far stays
            }
        }
        self.close_leaf(self.end);
        self.close_frames(0, self.end);
    }

    /// Goes past a delimiter of the innermost open multipart; gives the place to search on from.
    fn cross(&mut self, delimiter: &Delimiter, before: usize) -> Option<usize> {
        let Some(Frame::Multipart { is_started, body, epilogue_at, default_kind, .. }) = self.frames.last_mut() else { return None };
        let default_kind = *default_kind;
        let outer_text = match (*is_started, *epilogue_at) {
            (false, _) => Some(*body..before),
            (true, Some(from)) => Some(from..before),
            (true, None) => None,
        };
        *is_started = true;
        let was_closed = epilogue_at.take().is_some();
        *epilogue_at = delimiter.is_close.then_some(delimiter.next);
        if let Some(range) = outer_text.filter(|range| range.start < range.end) {
            self.reading.stray_text(&self.source, range, &self.inside);
        }
        if was_closed {
            self.reading.meter.note(BadBoundary, "a delimiter after the closing one");
        }
        if delimiter.is_close {
            return Some(delimiter.next);
        }
        let (head, body) = self.read_header(delimiter.next, default_kind);
        self.enter(head, body)
    }

    fn read_header(&mut self, at: usize, default_kind: &str) -> (Head, usize) {
        let block = header::scan(&self.source, at..self.end, false, &mut self.reading.meter);
        let head = head::read(&self.source, &block, default_kind, &mut self.reading.meter);
        (head, block.body_at)
    }

    /// Takes up an entity; a nested message goes on with the entity in it. Gives the place to search delimiters from.
    fn enter(&mut self, mut head: Head, mut body: usize) -> Option<usize> {
        loop {
            if !self.reading.meter.pay_part() {
                return None;
            }
            let depth = self.base_depth + self.frames.len() + 1;
            if head.is_multipart() && self.reading.meter.reach_depth(depth) {
                self.enter_multipart(&head, body);
                return Some(body);
            }
            let is_plain_message = head.is_message() && head.encodings == [Encoding::Identity];
            if !is_plain_message || !self.reading.meter.reach_depth(depth) {
                match head.kind.as_str() {
                    "message/partial" => self.reading.meter.note(PartialMessage, "a fragment of a message"),
                    "message/external-body" => self.reading.meter.note(ExternalBody, "a body that lies elsewhere"),
                    _ => {}
                }
                self.leaf = Some((head, body));
                return Some(body);
            }
            self.inside.push(head.names.first().cloned().unwrap_or_else(|| "message".to_owned()));
            self.frames.push(Frame::Message { head, start: body });
            (head, body) = self.read_header(body, "text/plain");
        }
    }

    fn enter_multipart(&mut self, head: &Head, body: usize) {
        let boundary = match head.boundaries.first() {
            Some(boundary) => boundary.clone(),
            None => guess_boundary(&self.source[body..self.end]),
        };
        for other in head.boundaries.iter().skip(1) {
            self.reading.add_view(View {
                source: self.source.clone(),
                range: body..self.end,
                boundary: Some(other.clone()),
                depth: self.base_depth + self.frames.len(),
                inside: self.inside.clone(),
                is_other: true,
            });
        }
        if let Some(kind) = &head.other_text {
            self.reading.undivided_as(kind, self.source.slice(body..self.end), &self.inside);
        }
        if head.encodings != [Encoding::Identity] {
            self.reading.add_encoded_multipart(head, self.source.slice(body..self.end), self.base_depth + self.frames.len(), &self.inside);
        }
        let is_doubtful = self.frames.iter().any(|frame| match frame {
            Frame::Multipart { boundary: outer, .. } => boundary.starts_with(outer) || outer.starts_with(&boundary),
            Frame::Message { .. } => false,
        });
        if is_doubtful {
            self.reading.meter.note(BadBoundary, "a boundary that begins with that of another multipart");
        }
        let default_kind = if head.kind == "multipart/digest" { "message/rfc822" } else { "text/plain" };
        self.frames.push(Frame::Multipart { boundary, default_kind, is_started: false, body, epilogue_at: None });
    }

    fn next_delimiter(&mut self, search: usize) -> Option<Delimiter> {
        if !self.frames.iter().any(|frame| matches!(frame, Frame::Multipart { .. })) {
            return None;
        }
        let source = self.source.clone();
        let mut at = search;
        if !(at == 0 || source[at - 1] == b'\n') || !source[at..self.end].starts_with(b"--") {
            at = next_dashes(&source[..self.end], at)?;
        }
        loop {
            let (text_end, next) = header::line(&source, at, self.end);
            if let Some((frame, is_close)) = self.matching_frame(&source[at + 2..text_end]) {
                return Some(Delimiter { at, next, frame, is_close });
            }
            at = next_dashes(&source[..self.end], next.saturating_sub(1))?;
        }
    }

    /// The innermost multipart that `text`, a line without its two dashes, delimits. RFC 2046 §5.1.1: white space may
    /// follow; anything else makes it no delimiter, except after the closing dashes, where readers differ.
    fn matching_frame(&mut self, text: &[u8]) -> Option<(usize, bool)> {
        for (place, frame) in self.frames.iter().enumerate().rev() {
            let Frame::Multipart { boundary, .. } = frame else { continue };
            let Some(tail) = text.strip_prefix(boundary.as_slice()) else { continue };
            if tail.trim_ascii().is_empty() {
                return Some((place, false));
            }
            if let Some(junk) = tail.strip_prefix(b"--") {
                if !junk.trim_ascii().is_empty() {
                    self.reading.meter.note(BadBoundary, "text after a closing delimiter");
                }
                return Some((place, true));
            }
        }
        None
    }

    fn close_leaf(&mut self, end: usize) {
        if let Some((head, start)) = self.leaf.take() {
            let body = self.source.slice(start.min(end)..end);
            self.reading.leaf(Leaf {
                head,
                body,
                inside: &self.inside,
                depth: self.base_depth + self.frames.len(),
                is_other_view: self.is_other_view,
            });
        }
    }

    /// Closes all frames from `keep` on; multiparts among them never saw their closing delimiter, or are past it.
    fn close_frames(&mut self, keep: usize, end: usize) {
        while self.frames.len() > keep {
            match self.frames.pop() {
                Some(Frame::Message { head, start }) => {
                    self.inside.pop();
                    let body = self.source.slice(start.min(end)..end);
                    self.reading.nested_message(&head, body, &self.inside, self.is_other_view);
                }
                Some(Frame::Multipart { is_started: false, .. }) if self.is_other_view => {} // that reading leads nowhere
                Some(Frame::Multipart { is_started: false, body, .. }) => {
                    self.reading.meter.note(MissingBoundary, "a multipart without a delimiter");
                    self.reading.undivided(self.source.slice(body.min(end)..end), &self.inside);
                }
                Some(Frame::Multipart { epilogue_at: Some(from), .. }) => {
                    if from < end {
                        self.reading.stray_text(&self.source, from..end, &self.inside);
                    }
                }
                Some(Frame::Multipart { .. }) if self.is_other_view => {}
                Some(Frame::Multipart { .. }) => self.reading.meter.note(MissingBoundary, "no closing delimiter"),
                None => return,
            }
        }
    }
}

/// The next line at or after `from` that starts with two dashes; `from` itself counts only as the end of a line before.
fn next_dashes(source: &[u8], from: usize) -> Option<usize> {
    memmem::find(source.get(from..)?, b"\n--").map(|found| from + found + 1)
}

/// The end of a part before the delimiter line at `at`: the line break in front belongs to the delimiter (RFC 2046 §5.1.1).
fn end_before(source: &[u8], at: usize) -> usize {
    let end = if at > 0 && source[at - 1] == b'\n' { at - 1 } else { at };
    if end > 0 && end < at && source[end - 1] == b'\r' { end - 1 } else { end }
}

/// What readers take when no boundary is given: the first line that starts with two dashes.
fn guess_boundary(body: &[u8]) -> Vec<u8> {
    let at = if body.starts_with(b"--") { Some(0) } else { next_dashes(body, 0) };
    at.map(|at| body[at + 2..header::line(body, at, body.len()).0].trim_ascii_end().to_vec()).unwrap_or_default()
}
