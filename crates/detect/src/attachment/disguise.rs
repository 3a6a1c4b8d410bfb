//! `attachment.disguised`, `attachment.declared`, `attachment.double-extension`, `attachment.name.bidi`: attachments that look like
//! something else.

use super::{RUNNING, extension, names, path};
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::message::{Attachment, FileFamily};
use mail::{AuthResults, Mail};

/// Endings of what people open without a second thought.
const DOCUMENTS: &[&str] = &[
    "csv", "doc", "docx", "gif", "htm", "html", "ics", "jpeg", "jpg", "mp3", "mp4", "odt", "ods", "pdf", "png", "ppt", "pptx", "rtf",
    "tif", "tiff", "txt", "wav", "webp", "xls", "xlsx", "xml",
];

/// Findings of one kind in one mail.
const REPORTED_MAX: usize = 3;

pub struct Disguise;

impl Inspect for Disguise {
    fn name(&self) -> &'static str {
        "attachment.disguise"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let attachments = &mail.message.attachments;
        findings.extend(attachments.iter().filter_map(disguised).take(REPORTED_MAX));
        findings.extend(attachments.iter().find_map(wrongly_declared));
        findings.extend(attachments.iter().filter_map(double_extension).take(REPORTED_MAX));
        findings.extend(attachments.iter().filter_map(bidi_name).take(REPORTED_MAX));
    }
}

/// Content of one kind behind the name of another.
fn disguised(attachment: &Attachment) -> Option<Finding> {
    let named = names(attachment).map(extension).find(|extension| DOCUMENTS.contains(&extension.as_str()))?;
    let found = attachment.true_type;
    let evidence = || format!("{}: the name says {named}, the content is {}", path(attachment), found.extension);
    let (kind, weight) = match found.family {
        // Nobody names a program like a document by mistake: malware without a signature, past the 4.6 that make the class.
        FileFamily::Executable => (Kind::Malware, 6.0),
        FileFamily::DiskImage => (Kind::Phish, 3.0),
        FileFamily::Script if !is_text(&named) => (Kind::Phish, 2.0),
        // Programs save tables and letters as HTML under an office name, hence no more.
        FileFamily::Html if named == "pdf" || is_image(&named) => (Kind::Phish, 2.0),
        FileFamily::OfficeMacro if matches!(named.as_str(), "docx" | "xlsx" | "pptx" | "pdf" | "rtf") => (Kind::Phish, 2.5),
        _ => return None,
    };
    Some(Finding::new("attachment.disguised", kind, weight, evidence()))
}

/// A document that the header calls a picture, sound or film, so that filters for documents let it by. Programs that do not know a
/// type say `application/octet-stream`.
fn wrongly_declared(attachment: &Attachment) -> Option<Finding> {
    let declared = attachment.declared_type.as_str();
    let is_shown = ["image/", "audio/", "video/"].iter().any(|start| declared.starts_with(start)) && !declared.contains("svg");
    let found = attachment.true_type;
    let is_document =
        matches!(found.family, FileFamily::Pdf | FileFamily::Office | FileFamily::OfficeMacro | FileFamily::Html | FileFamily::Archive);
    if !is_shown || !is_document || attachment.held_by.is_some() {
        return None;
    }
    let evidence = format!("{}: declared as {declared}, the content is {}", path(attachment), found.extension);
    Some(Finding::new("attachment.declared", Kind::Phish, 1.5, evidence))
}

fn is_text(extension: &str) -> bool {
    matches!(extension, "txt" | "csv" | "xml" | "htm" | "html" | "ics")
}

fn is_image(extension: &str) -> bool {
    matches!(extension, "gif" | "jpeg" | "jpg" | "png" | "tif" | "tiff" | "webp")
}

/// "invoice.pdf.exe": the last ending is not shown by default.
fn double_extension(attachment: &Attachment) -> Option<Finding> {
    let double = |name: &&str| {
        let last = extension(name);
        if !RUNNING.contains(&last.as_str()) {
            return false;
        }
        let before = name.get(..name.len().saturating_sub(last.len() + 1)).unwrap_or_default();
        // Spaces push the last ending out of sight.
        DOCUMENTS.contains(&extension(before.trim_end()).as_str())
    };
    let name = names(attachment).find(double)?;
    Some(Finding::new("attachment.double-extension", Kind::Phish, 4.0, name))
}

/// U+202E shows "cod.exe" as "exe.doc".
fn bidi_name(attachment: &Attachment) -> Option<Finding> {
    let name = names(attachment).find(|name| name.contains(['\u{202e}', '\u{202d}']))?;
    // Right-to-left languages need no override in a name.
    Some(Finding::new("attachment.name.bidi", Kind::Phish, 4.0, format!("{name}, which ends in .{}", extension(name))))
}
