//! Mail made from patterns, for kinds of mail that no public corpus holds: receipts, sign-in codes, newsletters one asked for.
//!
//! A file of patterns is plain text. `= LABEL` starts a pattern; its next line is the sender, the one after it the subject;
//! what follows is the text, up to the next pattern. `{a|b|c}` is one of several, `{#4}` that many digits, `{@}` a link of the
//! sender, `{name}` one of the names in the line `% name a|b|c`, which stand before the first pattern. The same file gives the
//! same mail. Half of each pattern's mail is plain text, half HTML.

use crate::classify::Label;
use crate::classify::dice::Dice;
use bytes::Bytes;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

/// Mail made of one pattern.
pub const MAILS_PER_PATTERN: usize = 12;
const FILE_OCTETS_MAX: u64 = 4 << 20;
/// Names may stand in names, so far.
const DEPTH_MAX: usize = 6;

#[derive(Debug, thiserror::Error)]
pub enum MadeError {
    #[error("reading the patterns {path}")]
    Read { path: String, source: std::io::Error },
    #[error("{path}, line {line}: {what}")]
    Pattern { path: String, line: usize, what: &'static str },
}

/// One mail, and which pattern it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub label: Label,
    pub pattern: usize,
    pub octets: Bytes,
}

/// All mail of a file of patterns, pattern by pattern.
/// # Errors
/// The file cannot be read, or a line of it is not as it should be.
pub fn read(path: &Path) -> Result<Vec<Made>, MadeError> {
    let shown = || path.display().to_string();
    let unreadable = |source| MadeError::Read { path: shown(), source };
    if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_OCTETS_MAX {
        return Err(MadeError::Pattern { path: shown(), line: 0, what: "the file is too large" });
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    make(&text).map_err(|(line, what)| MadeError::Pattern { path: shown(), line, what })
}

struct Pattern<'a> {
    label: Label,
    sender: &'a str,
    subject: &'a str,
    text: String,
}

type Names<'a> = HashMap<&'a str, Vec<&'a str>>;

fn make(text: &str) -> Result<Vec<Made>, (usize, &'static str)> {
    let (names, patterns) = parse(text)?;
    let mut made = Vec::new();
    for (number, pattern) in patterns.iter().enumerate() {
        for at in 0..MAILS_PER_PATTERN {
            let mut dice =
                Dice((number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (at as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03));
            (0..4).for_each(|_| _ = dice.next()); // the first numbers of near seeds are near
            let octets = mail(pattern, &names, at % 2 == 1, &mut dice);
            made.push(Made { label: pattern.label, pattern: number, octets });
        }
    }
    Ok(made)
}

fn parse(text: &str) -> Result<(Names<'_>, Vec<Pattern<'_>>), (usize, &'static str)> {
    let (mut names, mut patterns): (Names<'_>, Vec<Pattern<'_>>) = (HashMap::new(), Vec::new());
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(label) = line.strip_prefix("= ") {
            let label = Label::read(label.trim()).ok_or((at + 1, "a label is ham, spam, phish or bulk"))?;
            let (Some((_, sender)), Some((_, subject))) = (lines.next(), lines.next()) else {
                return Err((at + 1, "a pattern has a sender and a subject"));
            };
            patterns.push(Pattern { label, sender, subject, text: String::new() });
        } else if let Some(pattern) = patterns.last_mut() {
            pattern.text.push_str(line);
            pattern.text.push('\n');
        } else if let Some((name, values)) = line.strip_prefix("% ").and_then(|line| line.split_once(' ')) {
            names.insert(name, values.split('|').collect());
        } else if !line.is_empty() && !line.starts_with('#') {
            return Err((at + 1, "before the first pattern stand names (% name a|b) and remarks (#)"));
        }
    }
    Ok((names, patterns))
}

fn mail(pattern: &Pattern<'_>, names: &Names<'_>, is_html: bool, dice: &mut Dice) -> Bytes {
    let site = pattern.sender.rsplit_once('@').map_or("example.com", |(_, site)| site.trim_end_matches('>'));
    let mut fill = |text: &str| filled(text, names, site, dice, 0);
    let (sender, subject, text) = (fill(pattern.sender), fill(pattern.subject), fill(&pattern.text));
    let mut mail = format!("From: {sender}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n");
    if is_html {
        let lines = text.trim().lines().map(|line| match line.strip_prefix("https://") {
            Some(rest) => format!("<p><a href=\"https://{rest}\">{}</a></p>", rest.split('/').next().unwrap_or(rest)),
            None => format!("<p>{line}</p>"),
        });
        let body = lines.collect::<Vec<String>>().join("\r\n");
        let _ = write!(mail, "Content-Type: text/html; charset=utf-8\r\n\r\n<html><body>{body}</body></html>\r\n");
    } else {
        let _ = write!(mail, "Content-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n", text.trim().replace('\n', "\r\n"));
    }
    mail.into()
}

/// `text` with its braces filled in.
fn filled(text: &str, names: &Names<'_>, site: &str, dice: &mut Dice, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (choices, after) = choices(after);
        rest = after;
        let choice = choices[(dice.next() % choices.len() as u64) as usize];
        if let Some(count) = choice.strip_prefix('#').filter(|_| choices.len() == 1) {
            (0..count.parse().unwrap_or(1).min(40)).for_each(|_| out.push(char::from(b'0' + (dice.next() % 10) as u8)));
        } else if choice == "@" {
            let _ = write!(out, "https://{site}/{:x}", dice.next() & 0xff_ffff);
        } else if depth >= DEPTH_MAX {
            out.push_str(choice);
        } else {
            let values = names.get(choice).filter(|_| choices.len() == 1);
            let choice = values.map_or(choice, |values| values[(dice.next() % values.len() as u64) as usize]);
            out.push_str(&filled(choice, names, site, dice, depth + 1));
        }
    }
    out.push_str(rest);
    out
}

/// What stands between here and the closing brace, at every `|` that is in no brace of its own; and what comes after.
fn choices(text: &str) -> (Vec<&str>, &str) {
    let (mut open, mut start, mut found) = (0usize, 0, Vec::new());
    for (at, octet) in text.bytes().enumerate() {
        match octet {
            b'{' => open += 1,
            b'}' if open == 0 => {
                found.push(&text[start..at]);
                return (found, &text[at + 1..]);
            }
            b'}' => open -= 1,
            b'|' if open == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    (found, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# made for a test\n% who Ann|Bob\n= ham\nShop <shop@shop.example>\nOrder {#6}\nDear {who},\nsee\n{@}\n= phish\nx@y.example\n{a {who|b}|b}\nnow\n";

    #[test]
    fn patterns_become_mail_and_the_same_mail_again() {
        let made = make(FILE).expect("a good file");
        assert_eq!(made.len(), 2 * MAILS_PER_PATTERN);
        assert!(made == make(FILE).expect("a good file"));
        assert_eq!((made[0].label, made[MAILS_PER_PATTERN].label), (Label::Ham, Label::Phish));
        let text = String::from_utf8(made[0].octets.to_vec()).expect("text");
        assert!(text.contains("Dear Ann,") || text.contains("Dear Bob,"), "{text}");
        assert!(text.contains("https://shop.example/") && !text.contains('{'), "{text}");
        assert!(made[0].octets != made[2].octets, "they differ");
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (file, line, why) in [("= what\na\nb\n", 1, "label"), ("x\n", 1, "text before a pattern"), ("\n= ham\nx\n", 2, "no subject")] {
            assert_eq!(make(file).expect_err(why).0, line, "{why}");
        }
    }
}
