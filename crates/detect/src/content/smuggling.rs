//! `content.smuggling`, `attachment.smuggling`, `attachment.svg-active`: pages that build a file or another page in the
//! reader's browser, so that nothing on the way has seen it.
//!
//! In: HTML of the mail and of attachments. Out: a finding that names the steps seen. Scripts are read as text, with what
//! hides them from plain search undone (`script`); nothing is run.

use super::script;
use crate::finding::{DECISIVE, Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use aho_corasick::AhoCorasick;
use mail::message::{Attachment, FileFamily};
use mail::{AuthResults, Mail};
use std::sync::LazyLock;

/// Octets of one page looked at.
const PAGE_OCTETS_MAX: usize = 2 << 20;
/// A run of base64 this long in a page is a payload, not a logo.
const PAYLOAD_OCTETS_MIN: usize = 1_500;

pub struct Smuggling;

impl Inspect for Smuggling {
    fn name(&self) -> &'static str {
        "content.smuggling"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let bodies = mail.message.texts.iter().filter(|text| text.is_html && (text.traits.script || text.traits.event_handler));
        if let Some(steps) = bodies.map(|text| Steps::of(text.html.as_bytes())).find(Steps::build_something) {
            // No mail program runs it, so it waits for the reader to open the mail in a browser. There is no honest use.
            findings.push(Finding::new("content.smuggling", Kind::Phish, DECISIVE, steps.said()));
        }
        let mut is_told = false;
        for attachment in mail.message.attachments.iter().filter(|attachment| is_page(attachment)) {
            let steps = Steps::of(&attachment.content);
            if !is_told && steps.build_something() {
                is_told = true;
                // Reports with charts can save themselves; a file that is carried along and opens by itself is another matter.
                let weight = if steps.payload.is_some() { DECISIVE } else { 4.0 };
                findings.push(Finding::new("attachment.smuggling", Kind::Phish, weight, format!("{}: {}", name(attachment), steps.said())));
            }
            findings.extend(active_drawing(attachment));
        }
    }
}

fn is_page(attachment: &Attachment) -> bool {
    attachment.true_type.family == FileFamily::Html || is_drawing(attachment)
}

fn is_drawing(attachment: &Attachment) -> bool {
    attachment.true_type.extension == "svg"
        || attachment.declared_type == "image/svg+xml"
        || attachment.name.as_deref().is_some_and(|name| name.to_ascii_lowercase().ends_with(".svg"))
}

fn name(attachment: &Attachment) -> &str {
    attachment.name.as_deref().unwrap_or("(no name)")
}

/// Drawings with a script, a page in them, or a link over all of it.
fn active_drawing(attachment: &Attachment) -> Option<Finding> {
    static MARKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let marks = [
            "<script",
            "<foreignobject",
            "javascript:",
            "onload=",
            "onclick=",
            "onmouseover=",
            "<iframe",
            "<embed",
            "onbegin=",
            "http-equiv",
        ];
        AhoCorasick::builder().ascii_case_insensitive(true).build(marks).expect("fixed patterns")
    });
    if !is_drawing(attachment) {
        return None;
    }
    let page = &attachment.content[..attachment.content.len().min(PAGE_OCTETS_MAX)];
    let found = MARKS.find(page)?;
    let mark = String::from_utf8_lossy(&page[found.range()]).into_owned();
    // A drawing that runs script opens in the browser like a page. Drawing programs export foreignObject for text.
    let is_text = mark.eq_ignore_ascii_case("<foreignobject") && MARKS.find_iter(page).all(|other| other.pattern() == found.pattern());
    let weight = if is_text { 1.0 } else { 4.0 };
    Some(Finding::new("attachment.svg-active", Kind::Phish, weight, format!("{}: {mark}", name(attachment))))
}

/// What a page does on its way to a file, each with the word seen.
#[derive(Debug, Default)]
struct Steps {
    /// It makes a file or an address for one.
    makes: Option<&'static str>,
    /// It turns text into octets.
    decodes: Option<&'static str>,
    /// It saves, opens or clicks by itself.
    gives: Option<&'static str>,
    /// It writes a page that stood encoded in it.
    writes: Option<&'static str>,
    /// What the encoded text in it is: an archive, a program, a page.
    payload: Option<&'static str>,
    has_long_text: bool,
}

#[derive(Clone, Copy)]
enum Step {
    Makes,
    Decodes,
    Gives,
    Writes,
}

const MARKS: &[(Step, &str)] = &[
    (Step::Makes, "createobjecturl"),
    (Step::Makes, "mssaveoropenblob"),
    (Step::Makes, "mssaveblob"),
    (Step::Makes, "new blob"),
    (Step::Makes, "new file("),
    (Step::Makes, "data:application/octet-stream"),
    (Step::Makes, "data:application/zip"),
    (Step::Makes, "data:application/x-"),
    (Step::Makes, "showsavefilepicker"),
    (Step::Makes, "webkitrequestfilesystem"),
    (Step::Decodes, "atob"),
    (Step::Decodes, "uint8array"),
    (Step::Decodes, "fromcharcode"),
    (Step::Decodes, "charcodeat"),
    (Step::Decodes, "textdecoder"),
    (Step::Decodes, "unescape("),
    (Step::Decodes, "decodeuricomponent"),
    (Step::Decodes, "cryptojs"),
    (Step::Decodes, "xor"),
    (Step::Gives, ".download"),
    (Step::Gives, "setattribute(\"download\""),
    (Step::Gives, "setattribute('download'"),
    (Step::Gives, "download="),
    (Step::Gives, ".click("),
    (Step::Gives, "mssave"),
    (Step::Gives, "location.href"),
    (Step::Gives, "window.open"),
    (Step::Gives, "location.replace"),
    (Step::Gives, "dispatchevent"),
    (Step::Writes, "document.write"),
    (Step::Writes, "innerhtml"),
    (Step::Writes, "srcdoc"),
    (Step::Writes, "eval("),
    (Step::Writes, "new function("),
];

static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| AhoCorasick::new(MARKS.iter().map(|(_, mark)| mark)).expect("fixed patterns"));

impl Steps {
    fn of(page: &[u8]) -> Steps {
        let page = &page[..page.len().min(PAGE_OCTETS_MAX)];
        let mut steps = Steps::default();
        if !script::may_have_script(page) {
            return steps;
        }
        for layer in script::layers(page) {
            marks_in(&layer).for_each(|mark| steps.note(mark));
            if let Some(payload) = script::payload(&layer, PAYLOAD_OCTETS_MIN) {
                steps.has_long_text = true;
                steps.payload = steps.payload.or(payload);
            }
        }
        steps
    }

    fn note(&mut self, (step, mark): (Step, &'static str)) {
        let place = match step {
            Step::Makes => &mut self.makes,
            Step::Decodes => &mut self.decodes,
            Step::Gives => &mut self.gives,
            Step::Writes => &mut self.writes,
        };
        place.get_or_insert(mark);
    }

    /// A file from octets in the page, or a page written out of a long encoded text.
    fn build_something(&self) -> bool {
        let file = self.makes.is_some() && (self.decodes.is_some() || self.has_long_text) && self.gives.is_some();
        let page = self.writes.is_some() && self.decodes.is_some() && self.has_long_text;
        file || page || self.payload.is_some() && (self.decodes.is_some() || self.gives.is_some())
    }

    fn said(&self) -> String {
        let steps: Vec<&str> = [self.decodes, self.makes, self.writes, self.gives].into_iter().flatten().collect();
        match self.payload {
            Some(payload) => format!("a script builds a file: {}; the page carries {payload}", steps.join(", ")),
            None => format!("a script builds a file or page: {}", steps.join(", ")),
        }
    }
}

/// Which marks stand in a text, each once.
fn marks_in(text: &[u8]) -> impl Iterator<Item = (Step, &'static str)> {
    let mut seen = vec![false; MARKS.len()];
    FINDER.find_overlapping_iter(text).for_each(|found| seen[found.pattern().as_usize()] = true);
    MARKS.iter().zip(seen).filter(|(_, is_seen)| *is_seen).map(|(mark, _)| *mark)
}
