//! Style sheets of a page, as far as they decide whether a reader sees a text.
//!
//! In: the source of a page. Out: what its `<style>` elements say about classes and ids. Rules that hold only for some
//! screens (`@media` with a condition) do not count, nor do rules for elements by name or state. Work is linear in the
//! source, and nothing is kept of rules that change no look.

use super::style::Look;
use memchr::{memchr, memmem};
use std::collections::HashMap;

/// Rules kept of one page.
const RULES_MAX: usize = 1_000;
/// Selectors read of one rule.
const SELECTORS_MAX: usize = 64;
/// Classes of one element that are looked up.
const CLASSES_MAX: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Sheet<'a> {
    classes: HashMap<&'a str, Look>,
    ids: HashMap<&'a str, Look>,
}

impl<'a> Sheet<'a> {
    /// Reads every `<style>` of the page: they hold for what stands before them too.
    pub(super) fn of(source: &'a str) -> Sheet<'a> {
        let mut sheet = Sheet::default();
        let octets = source.as_bytes();
        let mut at = 0;
        while let Some(found) = next_style(&octets[at..]) {
            let start = memchr(b'>', &octets[at + found..]).map_or(octets.len(), |end| at + found + end + 1);
            let end = end_of_style(&octets[start..]).map_or(octets.len(), |end| start + end);
            sheet.read(&source[start..end]);
            at = end;
        }
        sheet
    }

    /// What the rules for this element say together.
    pub(super) fn look(&self, classes: &str, id: &str) -> Look {
        let mut look = Look::default();
        if !classes.is_empty() && !self.classes.is_empty() {
            let rules = classes.split_ascii_whitespace().take(CLASSES_MAX).filter_map(|class| self.classes.get(class));
            rules.for_each(|rule| look.add(rule));
        }
        if let Some(rule) = self.ids.get(id).filter(|_| !id.is_empty()) {
            look.add(rule);
        }
        look
    }

    fn read(&mut self, css: &'a str) {
        let mut rest = css;
        while let Some(open) = memchr(b'{', rest.as_bytes()) {
            let (prelude, body) = (&rest[..open], &rest[open + 1..]);
            let prelude = prelude.rsplit(['}', ';']).next().unwrap_or(prelude);
            let prelude = prelude.rsplit("*/").next().unwrap_or(prelude).trim().trim_start_matches("<!--").trim();
            if prelude.starts_with('@') {
                rest = if is_for_all(prelude) { body } else { after_block(body) };
                continue;
            }
            let end = memchr(b'}', body.as_bytes()).unwrap_or(body.len());
            self.add(prelude, &body[..end]);
            rest = &body[end..];
        }
    }

    fn add(&mut self, selectors: &'a str, declarations: &str) {
        let mut look = Look::default();
        look.read(declarations);
        if look == Look::default() {
            return;
        }
        for selector in selectors.split(',').take(SELECTORS_MAX) {
            let last = selector.rsplit([' ', '>', '+', '~', '\n', '\t']).next().unwrap_or(selector);
            let Some(mark) = last.find(['.', '#']) else { continue };
            let name = &last[mark + 1..];
            // States and attributes hold for some elements only.
            if name.is_empty() || name.contains([':', '[', '.', '#']) || self.classes.len() + self.ids.len() >= RULES_MAX {
                continue;
            }
            let rules = if last.as_bytes()[mark] == b'.' { &mut self.classes } else { &mut self.ids };
            rules.entry(name).or_default().add(&look);
        }
    }
}

fn next_style(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = memchr(b'<', &octets[at..]) {
        at += found;
        if octets.get(at + 1..at + 6).is_some_and(|name| name.eq_ignore_ascii_case(b"style")) {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn end_of_style(octets: &[u8]) -> Option<usize> {
    memmem::find_iter(octets, b"</").find(|at| octets.get(at + 2..at + 7).is_some_and(|name| name.eq_ignore_ascii_case(b"style")))
}

/// `@media all`, `@media screen`: no condition on the screen. Other at-rules hold no rules for elements.
fn is_for_all(prelude: &str) -> bool {
    let Some(condition) = prelude.get(..6).filter(|word| word.eq_ignore_ascii_case("@media")).map(|_| prelude[6..].trim()) else {
        return false;
    };
    ["", "all", "screen", "only screen"].iter().any(|known| condition.eq_ignore_ascii_case(known))
}

/// What follows the block whose opening brace was just read.
fn after_block(body: &str) -> &str {
    let mut depth = 1usize;
    for (at, octet) in body.bytes().enumerate() {
        match octet {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &body[at + 1..];
        }
    }
    ""
}
