//! `content.far-below`: text so far under what is seen that no reader gets there; it is for filters, which read all of it.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

/// Octets of one page looked through.
const PAGE_OCTETS_MAX: usize = 64 << 10;
/// Sizes looked at in one page.
const SIZES_MAX: usize = 400;
/// A screen is a thousand pixels high; a long newsletter, all of it, ten thousand.
const PIXELS_MAX: f64 = 4_000.0;
/// Empty lines in a row.
const BREAKS_MAX: usize = 60;

pub struct FarBelow;

impl Inspect for FarBelow {
    fn name(&self) -> &'static str {
        "content.far-below"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let pages = mail.message.texts.iter().filter(|text| text.is_html);
        let Some(evidence) = pages.map(|text| &text.html[..text.html.floor_char_boundary(PAGE_OCTETS_MAX)]).find_map(gap) else { return };
        // What the classifier thinks of the words is then what it thinks of those that were put there for it.
        findings.push(Finding::new("content.far-below", Kind::Spam, 4.0, evidence));
    }
}

/// What opens the gap.
fn gap(page: &str) -> Option<String> {
    tall(page).or_else(|| breaks(page))
}

/// A distance that is set higher than any page is.
fn tall(page: &str) -> Option<String> {
    let octets = page.as_bytes();
    let names = ["margin-top", "height"];
    let found = names.iter().flat_map(|name| memchr::memmem::find_iter(octets, name).map(|at| (at, at + name.len())).take(SIZES_MAX));
    found.filter(|(at, _)| !is_limit(&page[..*at])).find_map(|(at, after)| {
        let rest = page.get(after..)?.trim_start().strip_prefix([':', '='])?.trim_start_matches([' ', '"', '\'']);
        let digits = rest.bytes().take_while(|octet| octet.is_ascii_digit() || *octet == b'.').count();
        let number: f64 = rest[..digits].parse().ok()?;
        let pixels = match rest[digits..].trim_start() {
            unit if unit.starts_with("vh") || unit.starts_with('%') => number * 10.0,
            unit if unit.starts_with("em") || unit.starts_with("rem") => number * 16.0,
            _ => number,
        };
        let shown: String = page[at..].chars().take(40).take_while(|c| !matches!(c, ';' | '}' | '>')).collect();
        (pixels > PIXELS_MAX).then_some(shown)
    })
}

/// `max-height` and `line-height` open no gap.
fn is_limit(before: &str) -> bool {
    before.ends_with('-')
}

/// Breaks without a letter between them.
fn breaks(page: &str) -> Option<String> {
    let octets = page.as_bytes();
    let (mut run, mut end) = (0, 0);
    for at in memchr::memmem::find_iter(octets, "<br").chain(memchr::memmem::find_iter(octets, "<BR")) {
        let between = octets.get(end..at).unwrap_or_default();
        let is_blank = between.iter().all(|octet| octet.is_ascii_whitespace()) || between == b"&nbsp;";
        run = if is_blank && at >= end { run + 1 } else { 1 };
        end = memchr::memchr(b'>', &octets[at..]).map_or(octets.len(), |close| at + close + 1);
        if run > BREAKS_MAX {
            return Some(format!("more than {BREAKS_MAX} empty lines in a row"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_found_and_pages_are_not() {
        let many = |count| format!("<p>Buy</p>{}<p>words</p>", "<br>\n".repeat(count));
        for (page, want) in [
            ("<style>.below { margin-top: 470500px }</style>".to_string(), true),
            ("<div style=\"height:10000vh\">".to_string(), true),
            ("<td height=\"9000\">".to_string(), true),
            (many(80), true),
            (many(20), false),
            ("<div style=\"max-height:9999px; line-height: 20px\">".to_string(), false),
            ("<img height=600 style=\"margin-top:20px\">".to_string(), false),
            ("<div style=\"height:100%\">".to_string(), false),
            ("height".to_string(), false),
            (String::new(), false),
        ] {
            assert_eq!(gap(&page).is_some(), want, "{page}");
        }
    }
}
