//! `attachment.html-script` and its relatives: attachments that act when opened.

use super::{extension, names, path};
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use aho_corasick::AhoCorasick;
use mail::message::{Attachment, FileFamily};
use mail::{AuthResults, Mail};
use std::sync::LazyLock;

/// Octets of one page that are read; scripts stand at the start or make up all of it.
const PAGE_OCTETS_MAX: usize = 512 << 10;

/// What makes a page do something by itself, in any case of letters.
static SCRIPT: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let marks = [
        "<script",
        "javascript:",
        "onload=",
        "onerror=",
        "http-equiv=\"refresh",
        "http-equiv='refresh",
        "type=\"password",
        "type='password",
        "type=password",
    ];
    AhoCorasick::builder().ascii_case_insensitive(true).build(marks).expect("fixed patterns")
});
const PASSWORD_MARKS: std::ops::RangeInclusive<u32> = 6..=8;

/// Scripts that Windows runs at a double click. Those of programmers (py, pl, sh) are text there.
const SCRIPTS: &[&str] = &[
    "js",
    "jse",
    "vbs",
    "vbe",
    "wsf",
    "wsh",
    "wsc",
    "sct",
    "hta",
    "ps1",
    "psm1",
    "bat",
    "cmd",
    "chm",
    "hlp",
    "scf",
    "msc",
    "reg",
    "inf",
    "jnlp",
    "application",
    "appref-ms",
    "settingcontent-ms",
    "diagcab",
    "xbap",
    "iqy",
    "slk",
    "ahk",
    "au3",
];

pub struct ActiveContent;

impl Inspect for ActiveContent {
    fn name(&self) -> &'static str {
        "attachment.active"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let mut seen: Vec<&'static str> = Vec::new();
        for attachment in &mail.message.attachments {
            let Some((check, kind, weight)) = active(attachment) else { continue };
            if !seen.contains(&check) {
                seen.push(check);
                findings.push(finding(check, kind, weight, attachment));
            }
        }
    }
}

fn finding(check: &'static str, kind: Kind, weight: f32, attachment: &Attachment) -> Finding {
    Finding::new(check, kind, weight, path(attachment))
}

fn active(attachment: &Attachment) -> Option<(&'static str, Kind, f32)> {
    let named = |wanted: &[&str]| names(attachment).any(|name| wanted.contains(&extension(name).as_str()));
    match attachment.true_type.family {
        FileFamily::OfficeMacro => return Some(("attachment.macro", Kind::Phish, 1.0)), // firms send each other macros too
        FileFamily::DiskImage => return Some(("attachment.disk-image", Kind::Phish, 2.5)), // mounts without the mark of the web
        _ => {}
    }
    if attachment.true_type.extension == "lnk" || named(&["lnk", "library-ms", "search-ms"]) {
        return Some(("attachment.shortcut", Kind::Phish, 3.0)); // nobody mails a shortcut to their own disk
    }
    if named(&["url", "website"]) {
        return Some(("attachment.shortcut", Kind::Phish, 1.5)); // some drag a bookmark into a mail
    }
    if attachment.true_type.family == FileFamily::Executable || attachment.true_type.extension == "exe" {
        return Some(("attachment.executable", Kind::Phish, 1.5)); // by another way than the list of blocked types
    }
    if matches!(attachment.true_type.extension, "chm" | "hlp" | "vbe" | "hta" | "wsf") || named(SCRIPTS) {
        return Some(("attachment.script", Kind::Phish, 2.5)); // what the reader's machine runs, not what programmers show each other
    }
    let is_page = attachment.true_type.family == FileFamily::Html || named(&["htm", "html", "xhtml", "shtml", "svg", "mht", "mhtml"]);
    if !is_page {
        return None;
    }
    let page = &attachment.content[..attachment.content.len().min(PAGE_OCTETS_MAX)];
    let mut script = false;
    for mark in SCRIPT.find_iter(page) {
        if PASSWORD_MARKS.contains(&mark.pattern().as_u32()) {
            // A sign-in page by mail has no honest use.
            return Some(("attachment.html-password", Kind::Phish, 4.0));
        }
        script = true;
    }
    // Reports and saved pages have scripts; mail that smuggles a page past link filters has little else.
    script.then_some(("attachment.html-script", Kind::Phish, 1.5))
}
