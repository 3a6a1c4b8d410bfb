//! `attachment.embedded-program`, `attachment.embedded-file`: what documents carry inside.
//!
//! Archives are made to hold files; a document, a note or a PDF that holds a program wants it to be clicked.

use super::{RUNNING, extension, names, path};
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::message::{Attachment, FileFamily};
use mail::{AuthResults, Mail};

/// Findings of one kind in one mail.
const REPORTED_MAX: usize = 3;

/// Types by content that run, apart from programs: shortcuts, help files, encoded scripts.
const RUNNING_TYPES: &[&str] = &["lnk", "chm", "hlp", "vbe", "hta", "wsf"];

pub struct Held;

impl Inspect for Held {
    fn name(&self) -> &'static str {
        "attachment.held"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let held = || mail.message.attachments.iter().filter(|attachment| is_in_document(attachment));
        // Nothing honest is sent this way: malware without a signature, past the 4.6 that make the class.
        let program = |held: &Attachment| Finding::new("attachment.embedded-program", Kind::Malware, 5.0, path(held));
        findings.extend(held().filter(|held| is_program(held)).map(program).take(REPORTED_MAX));
        let file = |held: &Attachment| Finding::new("attachment.embedded-file", Kind::Note, 0.0, path(held));
        findings.extend(held().filter(|held| is_file(held)).map(file).take(REPORTED_MAX));
    }
}

fn is_in_document(attachment: &Attachment) -> bool {
    attachment.held_by.is_some_and(|holder| matches!(holder.family, FileFamily::Office | FileFamily::OfficeMacro | FileFamily::Pdf))
        // An object by itself is what one document packs around another.
        || attachment.held_by.is_some_and(|holder| holder.extension == "ole")
}

fn is_program(attachment: &Attachment) -> bool {
    let kind = attachment.true_type;
    kind.family == FileFamily::Executable
        || RUNNING_TYPES.contains(&kind.extension)
        || names(attachment).any(|name| RUNNING.contains(&extension(name).as_str()))
}

/// Parts of a document that are no files of their own have the endings of its format and no other type.
fn is_file(attachment: &Attachment) -> bool {
    let is_part = matches!(attachment.true_type.extension, "bin" | "ole" | "wmf")
        || names(attachment).any(|name| name.ends_with("vbaProject.bin") || name.ends_with(".rels"));
    !is_part && !is_program(attachment) && attachment.true_type.family != FileFamily::Image
}
