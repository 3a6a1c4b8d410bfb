//! HTML as a reader sees it: one linear pass over the source, without a tree.
//!
//! In: decoded HTML. Out: a [`Page`]: the text shown, the text hidden, links with what is shown for them, and traits.
//! Invariant: work is linear in the source; open elements are kept in a list of bounded length, and nothing recurses.
//! Not here: where a link leads (`link`), what style sheets say (`sheet`).

use super::attribute::Attributes;
use super::entity::decode_entities;
use super::sheet::Sheet;
use super::style::{BLACK, Colour, Look, Paint, WHITE, floor_boundary};
use super::tag::{self, Tag};
use super::{HtmlTraits, LinkOrigin};
use memchr::{memchr, memmem};
use std::ops::Range;

/// Elements open at a time that are told apart; deeper ones take the look of the last.
const OPEN_MAX: usize = 256;
/// Longest text kept for one link.
const LINK_TEXT_OCTETS_MAX: usize = 1 << 10;
/// Pictures in `data:` addresses that are kept.
const PICTURES_MAX: usize = 4;
/// Longest link target kept (see `Link::target`).
const TARGET_OCTETS_MAX: usize = 4 << 10;

#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) visible: String,
    pub(super) hidden: String,
    pub(super) links: Vec<PageLink>,
    /// Ranges of `visible` that are the text of a link.
    pub(super) link_texts: Vec<Range<usize>>,
    pub(super) traits: HtmlTraits,
    /// `data:` addresses of pictures, as ranges of the source.
    pub(super) pictures: Vec<Range<usize>>,
    /// More links than the limit were there.
    pub(super) has_more_links: bool,
}

#[derive(Debug)]
pub(super) struct PageLink {
    pub(super) target: String,
    pub(super) text: String,
    pub(super) origin: LinkOrigin,
}

/// An open element and the look its text has.
#[derive(Debug, Clone, Copy)]
struct Open {
    tag: Tag,
    is_gone: bool,
    is_invisible: bool,
    is_tiny: bool,
    colour: Option<Colour>,
    background: Option<Colour>,
}

impl Open {
    const ROOT: Open =
        Open { tag: tag::NONE, is_gone: false, is_invisible: false, is_tiny: false, colour: Some(BLACK), background: Some(WHITE) };

    fn is_hidden(&self) -> bool {
        let is_camouflaged = matches!((self.colour, self.background), (Some(text), Some(behind)) if text.is_near(behind));
        self.is_gone || self.is_invisible || self.is_tiny || is_camouflaged
    }

    fn child(&self, tag: Tag, look: &Look) -> Open {
        let background = match look.background {
            Paint::Unsaid | Paint::Transparent => self.background,
            Paint::Unknown => None,
            Paint::Plain(colour) => Some(colour),
        };
        let colour = match look.colour {
            Paint::Unsaid => self.colour,
            Paint::Unknown => None,
            Paint::Transparent => background,
            Paint::Plain(colour) => Some(colour),
        };
        Open {
            tag,
            is_gone: self.is_gone || look.is_gone,
            is_invisible: look.is_visible.map_or(self.is_invisible, |is_visible| !is_visible),
            is_tiny: look.is_tiny.unwrap_or(self.is_tiny),
            colour,
            background,
        }
    }
}

/// A link whose text is being read.
struct OpenLink {
    target: String,
    text_at: usize,
    /// Text of images and hidden text, shown when there is no other.
    other_text: String,
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    page: Page,
    open: Vec<Open>,
    /// Whether text now goes to `hidden`: looked up once for each change of `open`.
    is_hidden: bool,
    link: Option<OpenLink>,
    base: Option<String>,
    links_max: usize,
    sheet: Sheet<'a>,
    /// Hidden text came after a letter, within a word perhaps.
    is_in_word: bool,
    /// Elements whose end was looked for in vain: there is none further on either.
    unended: Vec<Tag>,
    /// Elements opened beyond the limit; their ends close nothing.
    beyond: usize,
}

/// Reads a page, keeping at most `links_max` links.
pub(super) fn read(source: &str, links_max: usize) -> Page {
    let page = Page { visible: String::with_capacity(source.len() / 3), ..Page::default() };
    let mut reader = Reader {
        source,
        at: 0,
        page,
        open: Vec::with_capacity(32),
        is_hidden: false,
        link: None,
        base: None,
        links_max,
        sheet: Sheet::of(source),
        is_in_word: false,
        unended: Vec::new(),
        beyond: 0,
    };
    reader.run();
    reader.close_link();
    reader.page
}

impl<'a> Reader<'a> {
    fn run(&mut self) {
        let octets = self.source.as_bytes();
        while self.at < octets.len() {
            let Some(found) = memchr(b'<', &octets[self.at..]) else { break };
            let start = self.at + found;
            match octets.get(start + 1) {
                Some(b'a'..=b'z' | b'A'..=b'Z') => {
                    self.text(self.at..start);
                    self.start_tag(start + 1);
                }
                Some(b'/') => {
                    self.text(self.at..start);
                    self.end_tag(start + 2);
                }
                Some(b'!' | b'?') => {
                    self.text(self.at..start);
                    self.comment(start);
                }
                _ => {
                    self.text(self.at..start + 1);
                    self.at = start + 1;
                }
            }
        }
        let from = self.at.min(octets.len());
        self.text(from..octets.len());
    }

    fn text(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let chunk = &self.source[range];
        self.watch_words(chunk);
        let into = if self.is_hidden { &mut self.page.hidden } else { &mut self.page.visible };
        if memchr(b'&', chunk.as_bytes()).is_some() {
            push_collapsed(into, &decode_entities(chunk));
        } else {
            push_collapsed(into, chunk);
        }
    }

    /// Counts words whose letters are parted by hidden text.
    fn watch_words(&mut self, chunk: &str) {
        let is_letter = |octet: Option<&u8>| octet.is_some_and(u8::is_ascii_alphabetic);
        if self.is_hidden {
            self.is_in_word |= is_letter(self.page.visible.as_bytes().last()) && chunk.bytes().any(|octet| octet.is_ascii_alphanumeric());
        } else if std::mem::take(&mut self.is_in_word) && is_letter(chunk.as_bytes().first()) {
            self.page.traits.split_words = self.page.traits.split_words.saturating_add(1);
        }
    }

    /// HTML §13.2.5.42 and on. What only Outlook shows (`<!--[if mso]>`) counts as shown.
    fn comment(&mut self, start: usize) {
        let octets = self.source.as_bytes();
        let rest = &octets[start..];
        let length = if rest.starts_with(b"<!--[if") {
            memchr(b'>', rest).map(|end| end + 1)
        } else if rest.starts_with(b"<!-->") {
            Some(5)
        } else if rest.starts_with(b"<!--->") {
            Some(6)
        } else if rest.starts_with(b"<!--") {
            end_of_comment(&rest[4..]).map(|end| end + 4)
        } else {
            memchr(b'>', rest).map(|end| end + 1)
        };
        self.at = length.map_or(octets.len(), |length| start + length);
    }

    fn start_tag(&mut self, name_at: usize) {
        let octets = self.source.as_bytes();
        let (tag, name_end) = Tag::read(octets, name_at);
        let (attributes, end) = Attributes::read(self.source, name_end);
        self.at = end;
        self.page.traits.event_handler |= attributes.has_event_handler;
        match tag {
            tag::SCRIPT | tag::STYLE | tag::TITLE | tag::IFRAME | tag::XML => {
                self.note_traits(tag, &attributes);
                self.note_links(tag, &attributes);
                self.skip_to_end(tag, attributes.is_closed);
                return;
            }
            _ => {}
        }
        self.note_traits(tag, &attributes);
        if tag::is_block(tag) {
            self.break_line(tag);
            self.close_implied(tag);
        }
        if tag::is_void(tag) {
            self.note_links(tag, &attributes);
            self.show_replaced(tag, &attributes);
            return;
        }
        self.push(tag, &attributes);
        self.note_links(tag, &attributes);
    }

    fn push(&mut self, tag: Tag, attributes: &Attributes<'a>) {
        if self.open.len() >= OPEN_MAX {
            self.beyond += 1;
            return;
        }
        let parent = self.open.last().unwrap_or(&Open::ROOT);
        let child = parent.child(tag, &attributes.look(tag, &self.sheet));
        self.is_hidden = child.is_hidden();
        self.open.push(child);
    }

    fn end_tag(&mut self, name_at: usize) {
        let octets = self.source.as_bytes();
        let (tag, name_end) = Tag::read(octets, name_at);
        self.at = memchr(b'>', &octets[name_end..]).map_or(octets.len(), |end| name_end + end + 1);
        if tag == tag::A {
            self.close_link();
        }
        if tag::is_block(tag) {
            self.break_line(tag);
        }
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        if let Some(place) = self.open.iter().rposition(|open| open.tag == tag) {
            self.open.truncate(place);
            self.is_hidden = self.open.last().is_some_and(Open::is_hidden);
        }
    }

    /// HTML §13.1.2.4: starts that end an open element of their kind.
    fn close_implied(&mut self, tag: Tag) {
        for place in (0..self.open.len()).rev().take(8) {
            let open = self.open[place].tag;
            if tag::ends(tag, open) {
                self.open.truncate(place);
                self.is_hidden = self.open.last().is_some_and(Open::is_hidden);
                return;
            }
            if tag::BARRIERS.contains(&open) {
                return;
            }
        }
    }

    fn break_line(&mut self, tag: Tag) {
        let into = if self.is_hidden { &mut self.page.hidden } else { &mut self.page.visible };
        let mark = if tag::is_cell(tag) { ' ' } else { '\n' };
        match into.as_bytes().last() {
            None | Some(b'\n') => {}
            Some(b' ') if mark == '\n' => {
                into.pop();
                into.push('\n');
            }
            Some(b' ') => {}
            Some(_) => into.push(mark),
        }
    }

    /// Content that is not text for a reader, up to its end tag. Without one it reaches to the end of the page.
    fn skip_to_end(&mut self, tag: Tag, is_closed: bool) {
        if is_closed && tag == tag::XML || self.unended.contains(&tag) {
            return;
        }
        let octets = self.source.as_bytes();
        let mut at = self.at;
        while let Some(found) = memmem::find(&octets[at..], b"</") {
            let (found_tag, name_end) = Tag::read(octets, at + found + 2);
            at = name_end;
            if found_tag == tag {
                self.at = memchr(b'>', &octets[name_end..]).map_or(octets.len(), |end| name_end + end + 1);
                return;
            }
        }
        self.unended.push(tag);
        // Readers differ on a title or frame that never ends; what follows may be shown.
        if matches!(tag, tag::SCRIPT | tag::STYLE) {
            self.at = octets.len();
        }
    }

    fn note_traits(&mut self, tag: Tag, attributes: &Attributes<'a>) {
        let traits = &mut self.page.traits;
        match tag {
            tag::FORM => traits.form = true,
            tag::INPUT => {
                let is_shown = !attributes.kind.eq_ignore_ascii_case("hidden");
                traits.password_field |= attributes.kind.eq_ignore_ascii_case("password") || attributes.asks_secret && is_shown;
            }
            tag::SCRIPT => traits.script = true,
            tag::IFRAME | tag::FRAME => traits.frame = true,
            tag::OBJECT | tag::EMBED | tag::APPLET => traits.object = true,
            tag::META => traits.refresh |= attributes.http_equiv.eq_ignore_ascii_case("refresh"),
            tag::IMG if is_remote(attributes.src) => traits.images_remote = traits.images_remote.saturating_add(1),
            _ => {}
        }
    }

    fn note_links(&mut self, tag: Tag, attributes: &Attributes<'a>) {
        match tag {
            tag::A if !attributes.href.is_empty() => {
                self.close_link();
                let target = self.resolve(attributes.href);
                self.link = Some(OpenLink { target, text_at: self.page.visible.len(), other_text: String::new() });
            }
            tag::BASE => self.base = Some(decoded_target(attributes.href)).filter(|base| base.contains(':')),
            tag::META if attributes.http_equiv.eq_ignore_ascii_case("refresh") => {
                let content = attributes.content;
                if let Some((_, target)) = content.split_once('=') {
                    self.push_link(target.trim_matches([' ', '\'', '"']), "", LinkOrigin::Other);
                }
            }
            tag::AREA => self.push_link(attributes.href, attributes.alt, LinkOrigin::Area),
            tag::FORM => self.push_link(attributes.action, "", LinkOrigin::Form),
            tag::IMG if is_picture(attributes.src) => {
                // `src` is a part of the source, so its place is known.
                let start = attributes.src.as_ptr() as usize - self.source.as_ptr() as usize;
                if self.page.pictures.len() < PICTURES_MAX {
                    self.page.pictures.push(start..start + attributes.src.len());
                }
                self.push_link(attributes.src, attributes.alt, LinkOrigin::Image);
            }
            tag::IMG | tag::INPUT => self.push_link(attributes.src, attributes.alt, LinkOrigin::Image),
            tag::BASE_FONT | tag::META => {}
            _ => {
                self.push_link(attributes.href, "", LinkOrigin::Other);
                self.push_link(attributes.src, "", LinkOrigin::Other);
            }
        }
        if !attributes.rare_links.is_empty() {
            for (target, origin) in attributes.rare_links.clone() {
                self.push_link(target, "", origin);
            }
        }
    }

    /// What a reader sees in place of an element without content: the text of an image, the label of a button.
    fn show_replaced(&mut self, tag: Tag, attributes: &Attributes<'a>) {
        let shown = match tag {
            tag::IMG => attributes.alt,
            tag::INPUT if !attributes.kind.eq_ignore_ascii_case("hidden") => attributes.value,
            _ => return,
        };
        if shown.is_empty() || attributes.look(tag, &self.sheet).is_gone {
            return;
        }
        let shown = decode_entities(shown);
        match &mut self.link {
            Some(link) if link.other_text.len() < LINK_TEXT_OCTETS_MAX => push_collapsed(&mut link.other_text, &shown),
            _ => {
                let into = if self.is_hidden { &mut self.page.hidden } else { &mut self.page.visible };
                push_collapsed(into, &shown);
            }
        }
    }

    fn push_link(&mut self, target: &str, text: &str, origin: LinkOrigin) {
        if target.is_empty() {
            return;
        }
        let target = self.resolve(target);
        self.keep_link(target, decode_entities(text).trim().to_owned(), origin);
    }

    fn keep_link(&mut self, target: String, text: String, origin: LinkOrigin) {
        let is_inner = target.starts_with('#') || target.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("cid:"));
        if target.is_empty() || is_inner {
            return;
        }
        if self.page.links.len() >= self.links_max {
            self.page.has_more_links = true;
            return;
        }
        self.page.links.push(PageLink { target, text, origin });
    }

    fn close_link(&mut self) {
        let Some(link) = self.link.take() else { return };
        let shown = self.page.visible[link.text_at..].trim();
        let text = if shown.is_empty() { link.other_text.trim() } else { shown };
        let text = text[..floor_boundary(text, LINK_TEXT_OCTETS_MAX)].to_owned();
        if self.page.links.len() < self.links_max {
            self.page.link_texts.push(link.text_at..self.page.visible.len());
        }
        self.keep_link(link.target, text, LinkOrigin::Anchor);
    }

    /// The target decoded, and joined to `<base href>` when it is relative.
    fn resolve(&self, target: &str) -> String {
        let target = decoded_target(target);
        match &self.base {
            Some(base) if is_relative(&target) => join(base, &target),
            _ => target,
        }
    }
}

/// End of a comment in `rest`, after its opening: "-->" or "--!>".
fn end_of_comment(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = memmem::find(&rest[at..], b"--") {
        let after = at + found + 2;
        match rest.get(after..) {
            Some([b'>', ..]) => return Some(after + 1),
            Some([b'!', b'>', ..]) => return Some(after + 2),
            _ => at = after - 1,
        }
    }
    None
}

/// A picture that stands in its own address.
fn is_picture(target: &str) -> bool {
    target.trim_start().get(..11).is_some_and(|start| start.eq_ignore_ascii_case("data:image/"))
}

fn is_remote(target: &str) -> bool {
    let target = target.trim_start();
    target.starts_with("//") || target.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"))
}

fn is_relative(target: &str) -> bool {
    let head = target.split(['/', '?', '#']).next().unwrap_or_default();
    !head.contains(':') && !target.starts_with("//") && !target.starts_with('#')
}

fn join(base: &str, target: &str) -> String {
    let authority = base.find("://").map_or(0, |at| at + 3);
    let root = base[authority..].find('/').map_or(base.len(), |at| authority + at);
    if target.starts_with('/') {
        return format!("{}{target}", &base[..root]);
    }
    let folder = base.rfind('/').filter(|at| *at >= root).unwrap_or(root);
    format!("{}/{target}", &base[..folder])
}

fn decoded_target(target: &str) -> String {
    let target = target.trim_matches(|one: char| one.is_ascii_whitespace() || one.is_control());
    let target = decode_entities(&target[..floor_boundary(target, TARGET_OCTETS_MAX)]);
    // URL Standard §4.1: tab and newline within an address do not count.
    if target.bytes().any(|octet| matches!(octet, b'\t' | b'\n' | b'\r')) {
        return target.replace(['\t', '\n', '\r'], "");
    }
    target.into_owned()
}

/// Appends `text`, runs of white space as one space, none at the start of a line.
pub(super) fn push_collapsed(into: &mut String, text: &str) {
    let mut is_spaced = into.as_bytes().last().is_none_or(|last| matches!(last, b' ' | b'\n'));
    let octets = text.as_bytes();
    let mut at = 0;
    while at < octets.len() {
        if octets[at].is_ascii_whitespace() {
            if !is_spaced {
                into.push(' ');
                is_spaced = true;
            }
            at += 1;
            continue;
        }
        let end = end_of_clean_run(octets, at);
        into.push_str(&text[at..end]);
        is_spaced = false;
        at = end;
    }
}

/// The run from `at` that can be copied as it is: words parted by single spaces.
fn end_of_clean_run(octets: &[u8], at: usize) -> usize {
    let mut end = at;
    while end < octets.len() {
        match octets[end] {
            b' ' if octets.get(end + 1).is_none_or(u8::is_ascii_whitespace) => break,
            b'\t' | b'\n' | b'\r' | 0x0c => break,
            _ => end += 1,
        }
    }
    end
}
