//! Attachments: what a part, an archive member or a file in a text is, and whether it holds more.
//!
//! In: decoded content with its names. Out: an [`Attachment`] in the list, its links, and what must be unpacked.

use super::DefectKind::Encrypted;
use super::archive::{self, Format, Packed};
use super::head::{Disposition, Head};
use super::reading::{Pending, Reading, View};
use super::{Attachment, FileFamily, FileType, LinkOrigin, charset, file_type, ole, qr};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use memchr::memmem;

/// Octets of an attachment that are searched for links.
const LINK_SEARCH_OCTETS_MAX: usize = 1 << 20;
/// Octets at either end of a PDF in which its trailer is looked for.
const PDF_TRAILER_OCTETS: usize = 16 << 10;

#[derive(Default)]
pub(super) struct Found {
    pub(super) names: Vec<String>,
    pub(super) declared_type: String,
    pub(super) content: Bytes,
    pub(super) inside: Vec<String>,
    pub(super) depth: usize,
    pub(super) archive_depth: usize,
    pub(super) is_inline: bool,
    pub(super) is_encrypted: bool,
    pub(super) is_unread: bool,
    /// What the container is that it was found in.
    pub(super) held_by: Option<FileType>,
    /// Size as far as known, when the content could not be unpacked.
    pub(super) octets: u64,
}

impl Found {
    pub(super) fn of_part(head: &Head, content: Bytes, inside: &[String], depth: usize) -> Found {
        Found {
            names: head.names.clone(),
            declared_type: head.kind.clone(),
            octets: content.len() as u64,
            content,
            inside: inside.to_vec(),
            depth,
            is_inline: head.disposition == Disposition::Inline || head.disposition == Disposition::Unsaid && head.has_content_id,
            ..Found::default()
        }
    }
}

/// Adds an attachment; with `is_other_view` only if its content is new.
pub(super) fn keep(reading: &mut Reading, found: Found, is_other_view: bool) {
    let Some(place) = push(reading, found_to_attachment(&found), is_other_view) else { return };
    let kept = &reading.found.attachments[place];
    let (family, extension) = (kept.true_type.family, kept.true_type.extension);
    if is_locked(family, &found.content) {
        reading.found.attachments[place].encrypted = true;
    }
    if reading.found.attachments[place].encrypted {
        let name = found.names.first().cloned().unwrap_or_else(|| found.declared_type.clone());
        reading.meter.note(Encrypted, name);
    }
    look_for_links(reading, family, &found);
    match archive::format(&found.content, family) {
        Some(format) => queue_archive(reading, format, found),
        _ if extension == "eml" || is_message_type(&found.declared_type) => queue_message(reading, found),
        None if matches!(family, FileFamily::Archive | FileFamily::DiskImage) && !found.content.is_empty() => {
            reading.found.attachments[place].unread = true;
        }
        None => {}
    }
}

fn is_message_type(declared: &str) -> bool {
    matches!(declared, "message/rfc822" | "message/global" | "message/news")
}

/// Adds a nested message whose parts were read already.
pub(super) fn keep_message(reading: &mut Reading, head: &Head, body: Bytes, inside: &[String], is_other_view: bool) {
    let found = Found::of_part(head, body, inside, 0);
    let mut kept = found_to_attachment(&found);
    kept.true_type = FileType { extension: "eml", family: FileFamily::Message };
    push(reading, kept, is_other_view);
}

fn push(reading: &mut Reading, kept: Attachment, is_other_view: bool) -> Option<usize> {
    let list = &mut reading.found.attachments;
    if is_other_view && list.iter().any(|known| known.sha256 == kept.sha256 && known.name == kept.name) {
        return None;
    }
    list.push(kept);
    Some(list.len() - 1)
}

fn found_to_attachment(found: &Found) -> Attachment {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, &found.content).as_ref());
    let mut names = found.names.iter().cloned();
    let name = names.next();
    let mut true_type = file_type(name.as_deref(), &found.content);
    if is_message_type(&found.declared_type) && matches!(true_type.family, FileFamily::Text | FileFamily::Unknown) {
        true_type = FileType { extension: "eml", family: FileFamily::Message };
    }
    Attachment {
        true_type,
        name,
        other_names: names.collect(),
        declared_type: found.declared_type.clone(),
        octets: found.octets,
        sha256,
        content: found.content.clone(),
        inside: found.inside.clone(),
        encrypted: found.is_encrypted,
        unread: found.is_unread,
        held_by: found.held_by,
        inline: found.is_inline,
    }
}

fn is_locked(family: FileFamily, content: &[u8]) -> bool {
    match family {
        FileFamily::Pdf => {
            let end = &content[content.len().saturating_sub(PDF_TRAILER_OCTETS)..];
            let start = &content[..content.len().min(PDF_TRAILER_OCTETS)];
            memmem::find(end, b"/Encrypt").is_some() || memmem::find(start, b"/Encrypt").is_some()
        }
        FileFamily::Office | FileFamily::OfficeMacro => content.starts_with(&ole::MARK) && ole::is_encrypted(content),
        _ => false,
    }
}

fn look_for_links(reading: &mut Reading, family: FileFamily, found: &Found) {
    let head = &found.content[..found.content.len().min(LINK_SEARCH_OCTETS_MAX)];
    match family {
        FileFamily::Html => {
            let html = charset::decode(head, None).text;
            reading.html_text(html, Some(LinkOrigin::Attachment));
        }
        FileFamily::Text | FileFamily::Script => {
            let text = charset::decode(head, None).text;
            reading.found.links.push_text(&text, LinkOrigin::Attachment, &mut reading.meter);
        }
        FileFamily::Image => {
            let codes = qr::in_file(&found.content, &mut reading.meter.picture_octets_left);
            reading.qr_codes(&codes);
        }
        FileFamily::Pdf => {
            let codes = qr::in_pdf(&found.content, &mut reading.meter.picture_octets_left);
            reading.qr_codes(&codes);
            for at in memmem::find_iter(head, b"/URI").take(reading.meter.budget.links_max) {
                let after = head[at + 4..].trim_ascii_start();
                let Some(rest) = after.strip_prefix(b"(") else { continue };
                let target: Vec<u8> = rest.iter().copied().take(4 << 10).take_while(|octet| *octet != b')').collect();
                let target = String::from_utf8_lossy(&target).into_owned();
                reading.found.links.push(&target, String::new(), LinkOrigin::Attachment, &mut reading.meter);
            }
        }
        _ => {}
    }
}

fn queue_archive(reading: &mut Reading, format: Format, found: Found) {
    let depth = found.archive_depth + 1;
    if depth > reading.meter.budget.archive_depth_max {
        return reading.meter.over("archive_depth_max");
    }
    if !reading.meter.reach_depth(found.depth + 1) {
        return;
    }
    let name = found.names.first().cloned().unwrap_or_else(|| found.declared_type.clone());
    let true_type = file_type(found.names.first().map(String::as_str), &found.content);
    let mut inside = found.inside;
    inside.push(name);
    let (content, depth, archive_depth) = (found.content, found.depth + 1, depth);
    reading.pending.push(Pending::Archive(Packed { format, content, true_type, inside, depth, archive_depth }));
}

fn queue_message(reading: &mut Reading, found: Found) {
    let mut inside = found.inside;
    inside.push(found.names.first().cloned().unwrap_or_else(|| "message".to_owned()));
    reading.add_view(View {
        range: 0..found.content.len(),
        source: found.content,
        boundary: None,
        depth: found.depth + 1,
        inside,
        is_other: false,
    });
}
