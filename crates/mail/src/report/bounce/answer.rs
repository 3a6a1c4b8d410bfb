//! One answer of a server, found in the words of another: code, enhanced status, what it said, and to which command.

/// The part of the conversation that an answer ended (RFC 5321 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The greeting, or HELO and EHLO.
    Connect,
    Mail,
    Rcpt,
    Data,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub code: Option<u16>,
    pub status: Option<(u8, u16, u16)>,
    pub said: String,
    pub phase: Option<Phase>,
}

impl Answer {
    /// From the words that a server wrote about one recipient. The first answer that refuses counts; without one, all of the words.
    pub fn of(words: &str) -> Answer {
        let phase = phase(words);
        let Some((at, code)) = refusal(words) else {
            return Answer { code: None, status: status_in(words), said: words.trim().to_string(), phase };
        };
        let said = joined(&words[at..], code);
        Answer { code: Some(code), status: status_in(&said), said, phase }
    }
}

/// Where an answer 4yz or 5yz begins: at a beginning of words, and followed by a space, a dash or a bracket.
fn refusal(words: &str) -> Option<(usize, u16)> {
    let octets = words.as_bytes();
    let mut at = 0;
    while at + 3 <= octets.len() {
        let is_code = matches!(octets[at], b'4' | b'5') && octets[at + 1].is_ascii_digit() && octets[at + 2].is_ascii_digit();
        // Middle digits beyond 7 are no replies; a year or a size is none either.
        if is_code && octets[at + 1] <= b'7' && begins(words, at) && ends(octets, at + 3) {
            let code = u16::from(octets[at] - b'0') * 100 + u16::from(octets[at + 1] - b'0') * 10 + u16::from(octets[at + 2] - b'0');
            return Some((at, code));
        }
        at += 1;
    }
    None
}

/// What stands before a reply wherever servers quote one.
fn begins(words: &str, at: usize) -> bool {
    let before = words[..at].trim_end_matches([' ', '\t']);
    let spaced = before.len() < at;
    match before.chars().next_back() {
        None | Some('\n' | ':' | '[' | '\'' | '"' | '(' | ';' | '|' | '>' | ',' | '#' | '：' | '，') => true,
        Some('<') => before.ends_with("<<<") || before.ends_with('<'),
        _ if spaced => {
            let word = before.rsplit([' ', '\n', '\t']).next().unwrap_or_default().to_ascii_lowercase();
            // "Remote host said 550", "554 554 5.7.0", "ResponseCode 421".
            matches!(word.as_str(), "said" | "returned" | "responsecode" | "code" | "error" | "was" | "with")
                || (word.len() == 3 && word.bytes().all(|octet| octet.is_ascii_digit()))
                || word.starts_with("220-")
        }
        _ => false,
    }
}

fn ends(octets: &[u8], at: usize) -> bool {
    match octets.get(at) {
        None => true,
        Some(b' ' | b'-' | b'\n' | b'\r' | b',' | b']' | b')') => true,
        Some(b'.') => octets.get(at + 1).is_none_or(|next| !next.is_ascii_digit()),
        _ => false,
    }
}

/// The text of a reply from its code on, with continuation lines (`550-…`) put together and their codes taken out.
fn joined(words: &str, code: u16) -> String {
    let code = code.to_string();
    let mut said = String::new();
    for (n, line) in words.lines().enumerate() {
        let line = line.trim().trim_start_matches("<<< ").trim();
        if n > 0 && ends_answer(line) {
            break;
        }
        let rest = line.strip_prefix(code.as_str()).map_or(line, |rest| rest.trim_start_matches(['-', ' ']));
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(rest);
        if said.len() > super::SAID_CHARS_MAX * 4 {
            break;
        }
    }
    let said = said.trim();
    // "(reason: 550 …)" closes what the words around it opened.
    let is_closed_twice = said.ends_with(')') && said.matches(')').count() > said.matches('(').count();
    said[..said.len() - usize::from(is_closed_twice)].to_string()
}

/// Lines that are no part of the answer before them.
fn ends_answer(line: &str) -> bool {
    line.is_empty()
        || line.starts_with(">>>")
        || line.starts_with("---")
        || line.starts_with("...")
        || line.starts_with("Giving up on")
        || line.starts_with("I'm not going to try")
        || (line.len() > 4
            && line.is_char_boundary(3)
            && line[..3].bytes().all(|octet| octet.is_ascii_digit())
            && line.starts_with("554 5.0.0"))
}

/// The first failure status in a text: `5.1.1`, `#5.1.1`, `(5.1.1)`; no part of an address or a version.
pub(super) fn status_in(text: &str) -> Option<(u8, u16, u16)> {
    let octets = text.as_bytes();
    let mut at = 0;
    while at < octets.len() {
        if matches!(octets[at], b'4' | b'5') && octets.get(at + 1) == Some(&b'.') && is_edge(at.checked_sub(1).map(|at| octets[at])) {
            let end = at + octets[at..].iter().take_while(|octet| octet.is_ascii_digit() || **octet == b'.').count();
            let word = text[at..end].trim_end_matches('.');
            if let (Some(status), true) = (crate::smtp::parse_status(word), is_edge_after(octets.get(end).copied())) {
                return Some(status);
            }
            at = end;
        } else {
            at += 1;
        }
    }
    None
}

/// The next status of another kind after the first one.
pub(super) fn status_after(said: &str, first: (u16, u16)) -> Option<(u8, u16, u16)> {
    let mark = format!(".{}.{}", first.0, first.1);
    let at = said.find(&mark)? + mark.len();
    status_in(&said[at..]).filter(|status| (status.1, status.2) != first)
}

fn is_edge(before: Option<u8>) -> bool {
    before.is_none_or(|octet| !octet.is_ascii_alphanumeric() && !matches!(octet, b'.' | b'/' | b'_'))
}

fn is_edge_after(after: Option<u8>) -> bool {
    after.is_none_or(|octet| !octet.is_ascii_alphanumeric() && octet != b'_')
}

/// Words by which servers say what was answered. The first that fits counts, so the more telling stand first.
const PHASES: &[(Phase, &[&str])] = &[
    (
        Phase::Data,
        &[
            "in reply to end of data",
            "after end of data",
            "after pipelined end of data",
            "our final data",
            "for text command",
            "after data command",
            "in reply to data",
            "sent <<< data",
            "sent <<< .",
            "sent >>> data",
            "sent >>> .",
            "[body]",
            "(state 17)",
            "(state 18)",
            "smtp command data",
            "message (data)",
            "after i sent the message",
            "failed after i sent",
        ],
    ),
    (
        Phase::Rcpt,
        &[
            "in reply to rcpt",
            "sent <<< rcpt",
            "sent >>> rcpt",
            "[rcpt_to]",
            "(state 14)",
            "rcpt state",
            "after rcpt to",
            "after rcpt command",
            "following rcpt command",
            "after pipelined rcpt",
            "our rcpt to",
            "rcpt to response",
            "does not like recipient",
            "smtp:rcpt",
            "in rcpt to",
            "rejected recipient",
        ],
    ),
    (
        Phase::Mail,
        &[
            "in reply to mail from",
            "sent <<< mail from",
            "sent >>> mail from",
            "[mail_from]",
            "after mail from",
            "after pipelined mail from",
            "our mail from",
            "sender was rejected",
        ],
    ),
    (
        Phase::Connect,
        &[
            "after initial connection",
            "refused to talk to me",
            "my name was rejected",
            "after ehlo",
            "after helo",
            "in reply to ehlo",
            "in reply to helo",
            "while receiving the initial server greeting",
            "while performing the ehlo",
            "while performing the helo",
        ],
    ),
];

fn phase(words: &str) -> Option<Phase> {
    let lower = words.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().replace("-------", "");
    let said = PHASES.iter().find(|(_, cues)| cues.iter().any(|cue| lower.contains(cue))).map(|(phase, _)| *phase);
    said.or_else(|| of_transcript(words))
}

/// sendmail's transcript: the last command (`>>>`) before the first answer (`<<<`) that refuses.
fn of_transcript(words: &str) -> Option<Phase> {
    let (mut phase, mut has_talked) = (None, false);
    for line in words.lines().map(str::trim) {
        if let Some(command) = line.strip_prefix(">>>") {
            phase = of_command(command).or(phase);
        } else if line.trim_start_matches(['.', ' ']).to_ascii_lowercase().starts_with("while talking to") {
            (phase, has_talked) = (Some(Phase::Connect), true);
        } else if let Some(answer) = line.strip_prefix("<<<") {
            let answer = answer.trim_start();
            if answer.starts_with(['4', '5']) {
                return phase.filter(|_| has_talked || phase.is_some());
            }
        }
    }
    None
}

/// The command that an answer with this code and status was given to, where a transcript tells of several recipients.
pub(super) fn phase_in_transcript(words: &str, code: u16, status: (u8, u16, u16)) -> Option<Phase> {
    let said = format!("{code} {}.{}.{}", status.0, status.1, status.2);
    let mut phase = None;
    for line in words.lines().map(str::trim) {
        if let Some(command) = line.strip_prefix(">>>") {
            phase = of_command(command).or(phase);
        } else if line.strip_prefix("<<<").is_some_and(|answer| answer.trim_start().starts_with(&said)) {
            return phase;
        }
    }
    None
}

/// The first status in a transcript that says more than that a command failed.
pub(super) fn status_in_transcript(words: &str) -> Option<(u8, u16, u16)> {
    let answers = words.lines().filter_map(|line| line.trim().strip_prefix("<<<"));
    answers.filter_map(status_in).find(|status| !matches!((status.1, status.2), (0, 0) | (5, _)))
}

fn of_command(command: &str) -> Option<Phase> {
    match command.trim_start().to_ascii_lowercase().get(..4)? {
        "mail" => Some(Phase::Mail),
        "rcpt" => Some(Phase::Rcpt),
        "data" => Some(Phase::Data),
        "ehlo" | "helo" => Some(Phase::Connect),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_in_the_words_around_it() {
        for (words, code, status, why) in [
            ("550 5.1.1 <a@b>... User Unknown", Some(550), Some((5, 1, 1)), "plain"),
            ("host mx [192.0.2.1] said: 550-5.7.26 Unauthenticated\n550 5.7.26 mail", Some(550), Some((5, 7, 26)), "several lines"),
            ("remote host 192.0.2.32 said: 550 Unknown user a@b\n. (#5.5.0)", Some(550), Some((5, 5, 0)), "qmail"),
            ("returned was: 554 554 5.7.0 Header error (state 18).", Some(554), Some((5, 7, 0)), "twice"),
            ("Sorry, no mailbox here by that name. (#5.1.1)", None, Some((5, 1, 1)), "no code"),
            ("Could not deliver for the last 432000 seconds.", None, None, "a number is no code"),
            ("received on 29 Apr 2010 23:34:45 from 192.0.2.5.4", None, None, "addresses and times"),
            ("Invalid Address, ERROR_CODE :550, ERROR_CODE :5.2.1 <a@b>... User Unknown", Some(550), Some((5, 2, 1)), "Zoho"),
            ("5.1.1", None, Some((5, 1, 1)), "only a status"),
        ] {
            let answer = Answer::of(words);
            assert_eq!((answer.code, answer.status), (code, status), "{why}");
        }
    }

    #[test]
    fn the_command_that_was_answered_is_known() {
        for (words, phase) in [
            ("550 x (in reply to RCPT TO command)", Some(Phase::Rcpt)),
            ("SMTP error from remote mail server after end of data: 550 x", Some(Phase::Data)),
            ("host mx refused to talk to me: 554 no", Some(Phase::Connect)),
            ("... while talking to mx.example.:\n>>> MAIL From:<a@b>\n<<< 553 5.1.8 no", Some(Phase::Mail)),
            ("... while talking to mx.example.:\n<<< 554 blocked", Some(Phase::Connect)),
            ("550 5.1.1 no", None),
        ] {
            assert_eq!(Answer::of(words).phase, phase, "{words}");
        }
    }
}
