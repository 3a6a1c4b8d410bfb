//! What somebody wrote in an answer by mail, and what their program quoted of earlier words below or between it.
//!
//! In: the text of a mail as a reader sees it. Out: own words, and the quoted rest, which is folded. Knows how Thunderbird, Outlook,
//! Apple Mail, Gmail, QQ and 163 mail begin a quotation, in English and Chinese. When in doubt, it is an own word: nothing is lost.

/// Lines looked at.
const LINES_MAX: usize = 20_000;
/// Lines over which a line of attribution may be wrapped.
const WRAPPED_MAX: usize = 3;

/// A text in two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    pub own: String,
    pub quoted: String,
}

/// Takes the quotation off.
pub fn split(text: &str) -> Split {
    let lines: Vec<&str> = text.lines().take(LINES_MAX).map(|line| line.trim_end_matches(['\r', ' ', '\u{a0}'])).collect();
    let begins = (0..lines.len()).find(|at| is_beginning(&lines, *at));
    let (before, below) = lines.split_at(begins.unwrap_or(lines.len()));
    let (own, between): (Vec<&str>, Vec<&str>) = before.iter().copied().partition(|line| !is_marked(line));
    let mut own = trimmed(&own);
    let mut quoted: Vec<&str> = between;
    quoted.extend(below);
    // Words below the quotation, as some write them: what is not marked there is theirs.
    if own.is_empty() && below.iter().any(|line| is_marked(line)) {
        let attributed = begins.map_or(0, |at| attribution(&lines, at));
        let (marked, answered): (Vec<&str>, Vec<&str>) = below.iter().skip(attributed).copied().partition(|line| is_marked(line));
        own = trimmed(&answered);
        quoted = below.iter().take(attributed).copied().chain(marked).collect();
    }
    if own.is_empty() {
        return Split { own: trimmed(&lines), quoted: String::new() };
    }
    Split { own, quoted: trimmed(&quoted) }
}

fn trimmed(lines: &[&str]) -> String {
    lines.join("\n").trim_matches('\n').trim_end().to_string()
}

/// RFC 3676 §4.5: a line that quotes begins with ">".
fn is_marked(line: &str) -> bool {
    line.trim_start_matches([' ', '\u{a0}']).starts_with('>')
}

/// Lines of the attribution that begins at `at`; 1 when it is a mark alone.
fn attribution(lines: &[&str], at: usize) -> usize {
    // It is one paragraph, and nobody's quotation yet.
    let is_wrapped = |some: &[&str]| some.iter().all(|line| !line.trim().is_empty() && !is_marked(line));
    let is_one = |some: &[&str]| is_wrapped(some) && is_attribution(&some.join(" "));
    (1..=WRAPPED_MAX).find(|count| lines.get(at..at + count).is_some_and(is_one)).unwrap_or(0)
}

/// Whether the rest from `at` on is a quotation.
fn is_beginning(lines: &[&str], at: usize) -> bool {
    let line = lines[at].trim();
    if line.is_empty() {
        return false;
    }
    if is_separator(line) {
        return true;
    }
    if is_header(line) && headers_follow(lines, at) {
        return true;
    }
    // Mail programs that turn HTML into text lose the marks of what follows, so the line alone has to do.
    attribution(lines, at) > 0
}

/// Lines that programs draw above what they quote.
fn is_separator(line: &str) -> bool {
    let is_ruled = |text: &str| {
        let inner = line.trim_matches(['-', '_', ' ', '=', '—', '－']);
        inner.eq_ignore_ascii_case(text) && line.len() > inner.len() + 3
    };
    // Outlook draws a line of 32 underscores before the header of what it quotes.
    let is_underscores = line.len() >= 20 && line.bytes().all(|octet| octet == b'_');
    is_underscores
        || ["Original Message", "Original message", "原始邮件", "原邮件", "回复的原邮件", "Forwarded message", "转发的邮件", "邮件原件"]
            .iter()
            .any(|text| is_ruled(text))
}

/// "On …, … wrote:", "Am … schrieb …:", "在 …写道：", "… 于 …写道:".
fn is_attribution(text: &str) -> bool {
    let text = text.trim();
    if text.chars().count() > 300 || is_marked(text) {
        return false;
    }
    // "On Monday Bo wrote:" may be somebody's own words; programs name the moment in digits, or the address.
    if text.bytes().filter(u8::is_ascii_digit).count() < 3 && !text.contains('@') {
        return false;
    }
    let lower = text.to_lowercase();
    let english = lower.ends_with("wrote:");
    let chinese = (text.ends_with("写道：") || text.ends_with("写道:") || text.ends_with("寫道：") || text.ends_with("寫道:"))
        && (text.contains(['年', '@', '/', '-', '于', '在']));
    let german = lower.starts_with("am ") && lower.contains(" schrieb ") && lower.ends_with(':');
    let french = lower.starts_with("le ") && (lower.ends_with("a écrit :") || lower.ends_with("a écrit\u{a0}:"));
    english || chinese || german || french
}

const FROM: &[&str] = &["from:", "发件人:", "发件人：", "寄件者:", "寄件者：", "von:", "de :", "de:"];
const OTHERS: &[&str] = &[
    "sent:",
    "date:",
    "to:",
    "subject:",
    "cc:",
    "发送时间:",
    "发送时间：",
    "发送日期:",
    "发送日期：",
    "日期:",
    "日期：",
    "收件人:",
    "收件人：",
    "抄送:",
    "抄送：",
    "主题:",
    "主题：",
    "時間:",
    "收件者:",
    "主旨:",
    "gesendet:",
    "an:",
    "betreff:",
    "envoyé :",
    "à :",
    "objet :",
];

/// A line of the header that Outlook and QQ write above what they quote.
fn is_header(line: &str) -> bool {
    let lower = unstarred(line);
    FROM.iter().any(|name| lower.starts_with(name))
}

fn headers_follow(lines: &[&str], at: usize) -> bool {
    let next = lines.iter().skip(at + 1).map(|line| unstarred(line)).filter(|line| !line.is_empty()).take(5);
    next.filter(|line| OTHERS.iter().any(|name| line.starts_with(name))).count() >= 2
}

/// Bold names in text made of HTML: "*From:* …".
fn unstarred(line: &str) -> String {
    line.replace('*', "").trim().to_lowercase().replace(" :", ":")
}

#[cfg(test)]
mod tests;
