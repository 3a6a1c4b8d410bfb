//! XML of reports as programs write it: read leniently, within limits, in one pass.
//!
//! In: octets of a file. Out: a step for each element that opens and closes below `<feedback>`, with the text in it. Elements that nobody closed
//! end with the one around them, end tags of nothing are passed over, and both are told. Nothing is expanded but the five entities of XML
//! and characters by number: a document that declares entities is refused. Not here: what the elements mean.

use super::received::ReportError;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::borrow::Cow;

/// Octets of one document.
pub const XML_OCTETS_MAX: usize = 32 << 20;
/// Elements in one another.
const DEPTH_MAX: usize = 24;
/// Characters kept of one text.
pub const TEXT_CHARS_MAX: usize = 500;
/// Octets in which the encoding is declared.
const DECLARATION_OCTETS_MAX: usize = 200;
const ROOT: &str = "feedback";

/// What the reader came to; the path begins below the root.
#[derive(Debug)]
pub(super) enum Step<'p> {
    Open(&'p [String]),
    /// With the text that stood directly in it, trimmed and without controls.
    Close(&'p [String], &'p str),
}

/// Walks through a document; true when something in it had to be passed over.
pub(super) fn walk(octets: &[u8], visit: &mut dyn FnMut(Step<'_>) -> Result<(), ReportError>) -> Result<bool, ReportError> {
    if octets.len() > XML_OCTETS_MAX {
        return Err(ReportError::TooLarge);
    }
    let (text, was_clean) = decoded(octets);
    let mut walker = Walker { path: Vec::new(), is_inside: false, is_done: false, is_repaired: !was_clean, text: String::new(), visit };
    let mut reader = Reader::from_str(&text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    config.expand_empty_elements = true;
    while !walker.is_done {
        match reader.read_event() {
            Ok(Event::Eof) => return Err(if walker.is_inside { ReportError::Truncated } else { ReportError::NotReport }),
            Ok(event) => walker.take(&event)?,
            Err(quick_xml::Error::Syntax(_)) => return Err(if walker.is_inside { ReportError::Truncated } else { ReportError::BrokenXml }),
            Err(_) => return Err(ReportError::BrokenXml),
        }
    }
    Ok(walker.is_repaired)
}

struct Walker<'v> {
    path: Vec<String>,
    is_inside: bool,
    is_done: bool,
    is_repaired: bool,
    text: String,
    visit: &'v mut dyn FnMut(Step<'_>) -> Result<(), ReportError>,
}

impl Walker<'_> {
    fn take(&mut self, event: &Event<'_>) -> Result<(), ReportError> {
        match event {
            Event::DocType(what) if what.contains(&b'[') => Err(ReportError::Entities),
            Event::Start(start) => self.open(&name(start.local_name().as_ref())),
            Event::End(end) => self.close(&name(end.local_name().as_ref())),
            Event::Text(text) => {
                self.add(&String::from_utf8_lossy(text));
                Ok(())
            }
            Event::CData(text) => {
                self.add(&String::from_utf8_lossy(text));
                Ok(())
            }
            Event::GeneralRef(entity) => {
                let found = entity.resolve_char_ref().ok().flatten().map(String::from);
                let named = || match &entity[..] {
                    b"lt" => "<".to_string(),
                    b"gt" => ">".to_string(),
                    b"amp" => "&".to_string(),
                    b"quot" => "\"".to_string(),
                    b"apos" => "'".to_string(),
                    other => format!("&{};", String::from_utf8_lossy(other)),
                };
                self.add(&found.unwrap_or_else(named));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, name: &str) -> Result<(), ReportError> {
        if !self.is_inside {
            self.is_inside = name == ROOT;
            return Ok(());
        }
        if self.path.len() >= DEPTH_MAX {
            return Err(ReportError::TooDeep);
        }
        self.path.push(name.to_string());
        self.text.clear();
        (self.visit)(Step::Open(&self.path))
    }

    fn close(&mut self, name: &str) -> Result<(), ReportError> {
        if !self.is_inside {
            return Ok(());
        }
        let keep = match self.path.iter().rposition(|open| open == name) {
            Some(at) => at,
            None if name == ROOT => 0,
            None => {
                self.is_repaired = true;
                return Ok(());
            }
        };
        self.is_repaired |= self.path.len() > keep + usize::from(name != ROOT);
        while self.path.len() > keep {
            let text = cleaned(&self.text);
            (self.visit)(Step::Close(&self.path, &text))?;
            self.path.pop();
            self.text.clear();
        }
        self.is_done = name == ROOT && self.path.is_empty();
        Ok(())
    }

    fn add(&mut self, text: &str) {
        // Four octets a character at most: what is cut off here would be cut off by `cleaned`.
        let room = (4 * TEXT_CHARS_MAX).saturating_sub(self.text.len());
        self.text.extend(text.chars().take(room));
    }
}

fn name(octets: &[u8]) -> String {
    const NAME_OCTETS_MAX: usize = 64;
    String::from_utf8_lossy(&octets[..octets.len().min(NAME_OCTETS_MAX)]).to_ascii_lowercase()
}

/// What strangers wrote, as a line: no controls, not endless.
pub(super) fn cleaned(text: &str) -> String {
    let plain: String = text.trim().chars().take(TEXT_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().to_string()
}

/// As text, by the mark before it or by what it declares; and whether every octet meant something.
fn decoded(octets: &[u8]) -> (Cow<'_, str>, bool) {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(octets) {
        let (text, had_errors) = encoding.decode_without_bom_handling(&octets[mark..]);
        return (text, !had_errors);
    }
    let head = String::from_utf8_lossy(&octets[..octets.len().min(DECLARATION_OCTETS_MAX)]).into_owned();
    let declared = head.split_once("encoding=").and_then(|(_, rest)| rest.get(1..)?.split(['"', '\'']).next().map(str::to_string));
    let known = declared.and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
    // A declaration that could be read as ASCII is not in an encoding of two octets.
    let encoding = known.filter(|encoding| encoding.is_ascii_compatible()).unwrap_or(encoding_rs::UTF_8);
    let (text, had_errors) = encoding.decode_without_bom_handling(octets);
    (text, !had_errors)
}
