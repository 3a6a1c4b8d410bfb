//! `header.framed`: a name or subject in a frame of odd marks.
//!
//! In: subject and display name. Out: at most one finding. The marks are drawn anew for each wave of mail, so that no two subjects are
//! the same to a filter that counts them. People frame words too, with one kind of mark: `*** News ***`.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

const EXCERPT_CHARS: usize = 80;

pub struct Framed;

impl Inspect for Framed {
    fn name(&self) -> &'static str {
        "header.frame"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let display = mail.message.from.display().trim();
        // Quotes around a name belong to the grammar of the header.
        let name = display.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(display);
        let Some(text) = [name, mail.message.subject.as_str()].into_iter().find(|text| is_framed(text)) else { return };
        let text: String = text.chars().take(EXCERPT_CHARS).collect();
        findings.push(Finding::new("header.framed", Kind::Spam, 1.5, format!("“{text}”")));
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '_' | '.' | '~' | '-' | '"' | '\'' | ',' | '=' | ';' | '|' | '^' | '`' | '\u{fffd}')
}

fn is_framed(text: &str) -> bool {
    let frame = |c: char| is_mark(c) || c.is_whitespace();
    let inner = text.trim_matches(frame);
    if inner.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
        return false;
    }
    let start = text.find(inner).unwrap_or(0);
    is_odd(&text[..start]) && is_odd(&text[start + inner.len()..])
}

/// Two kinds of marks, or lines under nothing: what nobody frames a word with.
fn is_odd(frame: &str) -> bool {
    let marks: Vec<char> = frame.chars().filter(|c| is_mark(*c)).collect();
    let Some(first) = marks.first() else { return false };
    marks.len() >= 2 && (*first == '_' || *first == '"' || marks.iter().any(|mark| mark != first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_odd_marks_are_told_from_others() {
        for (text, want) in [
            ("__Your parcel waits__ ,", true),
            ("\" \"~.. Missed delivery ..\" \"", true),
            ("_\u{fffd}\u{fffd} Parcel \"._", true),
            ("\"\" Str'eaming \"\"", true),
            ("*** News ***", false),
            ("--- minutes ---", false),
            ("... and so on ...", false),
            ("\"The minutes\", and what follows", false),
            ("Re: \"the minutes\"", false),
            ("Smith, J.", false),
            ("__init__", true),
            ("__", false),
            ("", false),
        ] {
            assert_eq!(is_framed(text), want, "{text}");
        }
    }
}
