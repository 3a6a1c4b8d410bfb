//! `attachment.blocked-type`: the common attachments filter (`reference/service.md` §1.2).

use super::{extension, names, path};
use crate::finding::{DECISIVE, Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::message::Attachment;
use mail::{AuthResults, Mail};

/// The types blocked by default: all of them run, mount or install something.
pub const BLOCKED_TYPES: [&str; 53] = [
    "ace", "ani", "apk", "app", "appx", "arj", "bat", "cab", "cmd", "com", "deb", "dex", "dll", "docm", "elf", "exe", "hta", "img", "iso",
    "jar", "jnlp", "kext", "lha", "lib", "library", "lnk", "lzh", "macho", "msc", "msi", "msix", "msp", "mst", "pif", "ppa", "ppam", "reg",
    "rev", "scf", "scr", "sct", "sys", "uif", "vb", "vbe", "vbs", "vxd", "wsc", "wsf", "wsh", "xll", "xz", "z",
];

/// Findings of one mail; an archive of a thousand programs is one mail to hold.
const REPORTED_MAX: usize = 5;

/// True type first, then every reading of the name: text of a script has no other type than "txt".
pub struct BlockedTypes;

impl Inspect for BlockedTypes {
    fn name(&self) -> &'static str {
        "attachment.blocked-type"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        if surroundings.blocked_types.is_empty() {
            return;
        }
        let blocked = mail.message.attachments.iter().filter_map(|attachment| {
            let reason = reason(attachment, surroundings)?;
            Some(Finding::new("attachment.blocked-type", Kind::BlockedType, DECISIVE, format!("{}: {reason}", path(attachment))))
        });
        findings.extend(blocked.take(REPORTED_MAX));
    }
}

fn reason(attachment: &Attachment, surroundings: &Surroundings) -> Option<String> {
    let true_type = attachment.true_type.extension;
    if surroundings.blocked_types.contains(true_type) {
        return Some(format!("its content is {true_type}"));
    }
    let named = names(attachment).map(extension).find(|extension| surroundings.blocked_types.contains(extension));
    named.map(|extension| format!("its name ends in .{extension}"))
}
