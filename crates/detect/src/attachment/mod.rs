//! Attachments: what they are, against what they say they are.
//!
//! In: `Message::attachments`, unpacked as deep as the budget allowed, so archives' members are here too. Out: findings
//! with ids under `attachment.`. Not here: what is inside them byte by byte (`malware`).

mod active;
mod blocked;
mod disguise;
mod held;
pub(crate) mod lone;
mod sealed;

pub use blocked::BLOCKED_TYPES;

use crate::checks::CheckDoc;
use crate::inspect::Inspect;
use mail::message::Attachment;

pub const INSPECTIONS: &[&dyn Inspect] = &[
    &blocked::BlockedTypes,
    &disguise::Disguise,
    &active::ActiveContent,
    &held::Held,
    &lone::LoneDocument,
    &sealed::Sealed,
    &sealed::Unread,
];

pub const CHECKS: &[CheckDoc] = crate::checks::attachment::CHECKS;

/// Endings that run when opened.
const RUNNING: &[&str] =
    &["bat", "cmd", "com", "cpl", "exe", "hta", "jar", "js", "jse", "lnk", "msi", "pif", "ps1", "scr", "url", "vbe", "vbs", "wsf", "wsh"];

/// Every reading of the name.
fn names(attachment: &Attachment) -> impl Iterator<Item = &str> {
    attachment.name.iter().chain(&attachment.other_names).map(String::as_str)
}

/// What follows the last dot, in lower case, without what Windows drops from the end of names; empty if there is none.
fn extension(name: &str) -> String {
    let name = name.split("::$").next().unwrap_or(name); // an NTFS stream name
    let name = name.trim_end_matches(|c: char| c == '.' || c.is_whitespace() || c.is_control());
    match name.rsplit_once('.') {
        Some((_, extension)) if !extension.contains(['/', '\\']) => extension.trim().to_lowercase(),
        _ => String::new(),
    }
}

/// The name as evidence, with the archives around it.
fn path(attachment: &Attachment) -> String {
    let name = attachment.name.as_deref().unwrap_or("(no name)");
    if attachment.inside.is_empty() { name.to_string() } else { format!("{} › {name}", attachment.inside.join(" › ")) }
}

#[cfg(test)]
mod tests;
