//! What people write, as HTML that is safe: a part of Markdown, no pictures, no HTML of their own. And what changed between two versions.
//!
//! Invariants: nothing is fetched from elsewhere; letters that turn the direction of text around are taken out, so that what is read is
//! what is there; depth and length are bounded.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::collections::HashSet;
use std::sync::LazyLock;

/// Blocks within blocks; deeper ones are written without their frame.
const DEPTH_MAX: usize = 12;
/// Lines of two versions that are compared; of longer ones the rest is shown as it is now.
const LINES_MAX: usize = 400;

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let tags = ["p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "h3", "h4", "h5", "h6", "hr", "a"];
    let mut builder = ammonia::Builder::new();
    builder
        .tags(HashSet::from(tags))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Custom(Box::new(own_path)))
        // What strangers recommend is not what we recommend.
        .link_rel(Some("nofollow ugc noopener noreferrer"));
    builder
});

/// A link without a host leads to a page of ours or nowhere.
fn own_path(url: &str) -> Option<std::borrow::Cow<'_, str>> {
    (url.starts_with('/') && crate::page::view::own_path(url) == url || url.starts_with('#')).then(|| url.into())
}

/// Markdown as HTML.
pub fn html(markdown: &str) -> String {
    let mut written = String::new();
    html::push_html(&mut written, safe(markdown).into_iter());
    CLEANER.clean(&written).to_string()
}

fn safe(markdown: &str) -> Vec<Event<'_>> {
    let mut kept = Vec::new();
    // For each thing that is open: whether it was kept.
    let mut open: Vec<bool> = Vec::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
        match event {
            // What they wrote as HTML is shown as they wrote it.
            Event::Html(text) | Event::InlineHtml(text) => kept.push(Event::Text(text)),
            Event::Start(tag) => {
                let is_kept = open.len() < DEPTH_MAX && !matches!(tag, Tag::Image { .. } | Tag::HtmlBlock);
                open.push(is_kept);
                if is_kept {
                    kept.push(Event::Start(lowered(tag)));
                }
            }
            Event::End(end) => {
                if open.pop().unwrap_or_default() {
                    kept.push(Event::End(lowered_end(end)));
                } else {
                    kept.push(Event::Text(CowStr::Borrowed(" ")));
                }
            }
            other => kept.push(other),
        }
    }
    kept
}

/// Headings of a post stand below those of its page.
fn lowered(tag: Tag<'_>) -> Tag<'_> {
    match tag {
        Tag::Heading { level, .. } => Tag::Heading { level: lower(level), id: None, classes: Vec::new(), attrs: Vec::new() },
        other => other,
    }
}

fn lowered_end(end: TagEnd) -> TagEnd {
    match end {
        TagEnd::Heading(level) => TagEnd::Heading(lower(level)),
        other => other,
    }
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H4,
        HeadingLevel::H2 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

/// Markdown without its marks, on one line, at most `most` characters.
pub fn plain(markdown: &str, most: usize) -> String {
    let mut text = String::new();
    for event in safe(markdown) {
        match event {
            Event::Text(part) | Event::Code(part) => text.push_str(&part),
            Event::SoftBreak | Event::HardBreak | Event::End(_) => text.push(' '),
            _ => {}
        }
        if text.len() > most * 4 {
            break;
        }
    }
    plain_line(&text, most)
}

/// One line: white space as one space, nothing that is not seen, at most `most` characters.
pub fn plain_line(text: &str, most: usize) -> String {
    let line = visible(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Without control characters and without those that turn text around or hide in it (Unicode's Bidi_Control, zero width, tags).
pub fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| !is_hiding(*c)).collect()
}

fn is_hiding(c: char) -> bool {
    let is_control = c.is_control() && !matches!(c, '\n' | '\t');
    // The joiners U+200C and U+200D stay: Persian and emoji need them.
    is_control
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A line of two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Same,
    Added,
    Removed,
}

impl Change {
    /// Words `community-change-…`.
    pub fn name(self) -> &'static str {
        match self {
            Change::Same => "same",
            Change::Added => "added",
            Change::Removed => "removed",
        }
    }
}

/// Lines of both versions in order: what stayed, what came, what went.
pub fn changes(before: &str, now: &str) -> Vec<(Change, String)> {
    let before: Vec<&str> = before.lines().take(LINES_MAX).collect();
    let now: Vec<&str> = now.lines().take(LINES_MAX).collect();
    let common = common(&before, &now);
    let (mut a, mut b, mut all) = (0, 0, Vec::new());
    while a < before.len() || b < now.len() {
        let at = |a: usize, b: usize| common[a * (now.len() + 1) + b];
        let (change, line) = if a < before.len() && b < now.len() && before[a] == now[b] {
            (Change::Same, now[b])
        } else if b == now.len() || a < before.len() && at(a + 1, b) >= at(a, b + 1) {
            (Change::Removed, before[a])
        } else {
            (Change::Added, now[b])
        };
        a += usize::from(change != Change::Added);
        b += usize::from(change != Change::Removed);
        all.push((change, line.to_string()));
    }
    all
}

/// Lengths of the longest common lines of what follows each pair of places.
fn common(before: &[&str], now: &[&str]) -> Vec<u16> {
    let width = now.len() + 1;
    let mut table = vec![0u16; (before.len() + 1) * width];
    for a in (0..before.len()).rev() {
        for b in (0..now.len()).rev() {
            table[a * width + b] = if before[a] == now[b] {
                table[(a + 1) * width + b + 1] + 1
            } else {
                table[(a + 1) * width + b].max(table[a * width + b + 1])
            };
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_safe_is_written() {
        for (markdown, want) in [
            ("**a** `b`", "<p><strong>a</strong> <code>b</code></p>\n"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("a <img src=x onerror=alert(1)>", "<p>a &lt;img src=x onerror=alert(1)&gt;</p>\n"),
            ("![pixel](https://evil.example/p.gif)", "<p>pixel </p>\n"),
            ("[x](javascript:alert(1))", "<p><a rel=\"nofollow ugc noopener noreferrer\">x</a></p>\n"),
            ("[x](//evil.example)", "<p><a rel=\"nofollow ugc noopener noreferrer\">x</a></p>\n"),
            ("[x](/help \"t\")", "<p><a href=\"/help\" rel=\"nofollow ugc noopener noreferrer\">x</a></p>\n"),
            ("# Title", "<h4>Title</h4>\n"),
        ] {
            assert_eq!(html(markdown).trim(), want.trim(), "{markdown}");
        }
    }

    #[test]
    fn hostile_texts_end_soon() {
        let texts = [">".repeat(20_000), "[".repeat(20_000), "*a ".repeat(7_000), "- ".repeat(10_000), "`".repeat(20_000)];
        for text in &texts {
            let from = std::time::Instant::now();
            let written = html(text);
            assert!(written.matches("<blockquote>").count() <= DEPTH_MAX && from.elapsed().as_secs() < 5, "{:.20}", text);
        }
    }

    #[test]
    fn nothing_hides_in_a_text() {
        assert_eq!(visible("a\u{202e}b\u{200b}c\u{7}\r\nd\u{2066}"), "abc\nd");
        assert_eq!(plain_line(" a\n\tb ", 10), "a b");
        assert_eq!(plain_line("abcdef", 4), "abc…");
        assert_eq!(plain("# A\n\n- **b** [c](https://d.example)", 50), "A b c");
    }

    #[test]
    fn what_changed_is_seen_by_line() {
        use Change::{Added, Removed, Same};
        let lines =
            |changes: Vec<(Change, String)>| changes.into_iter().map(|(change, line)| format!("{change:?} {line}")).collect::<Vec<_>>();
        assert_eq!(changes("a\nb\nc", "a\nx\nc").iter().map(|(change, _)| *change).collect::<Vec<_>>(), [Same, Removed, Added, Same]);
        assert_eq!(lines(changes("", "a")), ["Added a"]);
        assert_eq!(lines(changes("a\nb", "b")), ["Removed a", "Same b"]);
        let long = "x\n".repeat(5_000);
        assert_eq!(changes(&long, &long).len(), LINES_MAX);
    }
}
