//! `link.userinfo`, `link.data`, `link.script`: targets that are written to be misread.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::message::{Link, LinkOrigin};
use mail::{AuthResults, Mail};

pub struct Target;

impl Inspect for Target {
    fn name(&self) -> &'static str {
        "link.target"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let (mut userinfo, mut data, mut script) = (false, false, false);
        for link in &mail.message.links {
            if !userinfo && has_userinfo(link) {
                userinfo = true;
                // Browsers ignore what stands before "@", readers do not. Honest links with a name and password are rare.
                // A login name is no address; a name with a dot is meant to be read as one.
                let weight = if shows_domain(&link.target) { 4.0 } else { 1.0 };
                findings.push(Finding::new("link.userinfo", Kind::Phish, weight, &link.target));
            }
            match link.scheme.as_str() {
                // A page inside its own link has no host that anybody could block. Images are honest.
                "data" if !data && !matches!(link.origin, LinkOrigin::Image) => {
                    data = true;
                    findings.push(Finding::new("link.data", Kind::Phish, 4.0, &link.target));
                }
                "javascript" | "vbscript" if !script => {
                    script = true;
                    // Copied from web pages, where it prints or closes the window. What leads on or unpacks was written for us.
                    let is_page = mail.message.texts.iter().any(|text| text.traits.script);
                    let (kind, weight) = match (acts(&link.target), is_page) {
                        (true, false) => (Kind::Phish, 4.0),
                        (true, true) => (Kind::Phish, 1.5), // a whole page, copied
                        (false, _) => (Kind::Spam, 0.4),
                    };
                    findings.push(Finding::new("link.script", kind, weight, &link.target));
                }
                _ => {}
            }
        }
    }
}

/// What stands before "@" has a dot in it, as addresses have, before any password.
fn shows_domain(target: &str) -> bool {
    let authority = target.split_once(':').map_or(target, |(_, rest)| rest).trim_start_matches(['/', '\\']);
    let name = authority.split(['@', ':']).next().unwrap_or_default();
    name.contains('.') && target.matches('@').count() == 1
}

/// The script opens another page, or unpacks something.
fn acts(target: &str) -> bool {
    let lower = target.to_ascii_lowercase();
    ["location", "http", "atob", "eval", "unescape", "document.write", "fromcharcode", "fetch("].iter().any(|word| lower.contains(word))
}

/// RFC 3986 §3.2.1: text before an "@" in the authority.
fn has_userinfo(link: &Link) -> bool {
    if !matches!(link.scheme.as_str(), "http" | "https") {
        return false;
    }
    let Some(start) = link.target.find(':') else { return false };
    let authority = link.target[start + 1..].trim_start_matches(['/', '\\']);
    let end = authority.find(['/', '\\', '?', '#']).unwrap_or(authority.len());
    authority[..end].contains('@')
}
