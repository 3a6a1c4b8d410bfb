//! Writing a notice: header, text for people, fields for programs, what is returned of the mail.

use super::{ANSWER_CHARS_MAX, Cause, Dsn, HEADER_OCTETS_MAX, Notice, ORIGINAL_OCTETS_MAX, Outcome, SHOWN_RECIPIENTS_MAX, Told};
use crate::address::decode_words;
use crate::envelope::Ret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// Characters of the subject that are told again.
const SUBJECT_CHARS_MAX: usize = 100;
/// RFC 5322 §2.1.1 recommends 78 with CRLF.
const LINE_OCTETS: usize = 76;

/// Writes the whole message.
pub fn build(notice: &Notice<'_>) -> Dsn {
    let boundary = boundary(notice);
    let text = text(notice);
    let status = status_fields(notice);
    let (returned_type, returned) = returned(notice);
    let smtputf8 = notice.to.needs_smtputf8() || notice.from.needs_smtputf8();
    let status_type = if is_7bit(status.as_bytes()) { "message/delivery-status" } else { "message/global-delivery-status" };
    let mut octets = header(notice, &boundary).into_bytes();
    let coded = if text.is_ascii() { ("7bit", text) } else { ("base64", wrapped_base64(&text)) };
    part(&mut octets, &boundary, "text/plain; charset=utf-8", coded.0, coded.1.as_bytes());
    part(&mut octets, &boundary, status_type, transfer(status.as_bytes()), status.as_bytes());
    part(&mut octets, &boundary, returned_type, transfer(&returned), &returned);
    octets.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Dsn { eight_bit: !is_7bit(&octets), smtputf8, octets }
}

fn part(octets: &mut Vec<u8>, boundary: &str, content_type: &str, transfer: &str, content: &[u8]) {
    octets.extend_from_slice(
        format!("--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n").as_bytes(),
    );
    octets.extend_from_slice(content);
    if !content.ends_with(b"\r\n") {
        octets.extend_from_slice(b"\r\n");
    }
}

fn transfer(content: &[u8]) -> &'static str {
    if is_7bit(content) { "7bit" } else { "8bit" }
}

fn is_7bit(octets: &[u8]) -> bool {
    octets.is_ascii()
}

/// The id makes it unique; a mail that holds it nevertheless was made to break the notice, and gets a longer one.
fn boundary(notice: &Notice<'_>) -> String {
    let mut boundary = format!("=_{}", notice.id);
    while boundary.len() < 60 && memchr::memmem::find(notice.original, boundary.as_bytes()).is_some() {
        boundary.push('_');
    }
    boundary
}

fn header(notice: &Notice<'_>, boundary: &str) -> String {
    let words = notice.language.words();
    let subject = format!("{}: {}", words.outcome(worst(notice)).subject, subject_of(notice));
    let mut lines = String::with_capacity(1_024);
    let mut line = |name: &str, value: &str| {
        let _ = write!(lines, "{name}: {value}\r\n");
    };
    line("Date", &date(notice.now_ms));
    line("From", &format!("{} <{}>", encoded(words.sender_name), notice.from));
    line("To", &format!("<{}>", notice.to));
    line("Subject", &encoded(&subject));
    line("Message-ID", &format!("<{}.notice@{}>", notice.id, printable(notice.host, 255, false)));
    if let Some(id) = header_field(notice.original, "message-id").and_then(|value| usable_message_id(&value)) {
        line("In-Reply-To", &id);
        line("References", &id);
    }
    // RFC 3834 §5: what answers mail by itself must say so, and nobody's program may answer it.
    line("Auto-Submitted", "auto-replied");
    line("X-Gatepost-Mail", &notice.about.to_string());
    line("Content-Language", notice.language.tag());
    line("MIME-Version", "1.0");
    line("Content-Type", &format!("multipart/report; report-type=delivery-status;\r\n boundary=\"{boundary}\""));
    lines.push_str("\r\n");
    lines
}

/// Failure is the news where recipients differ, then delay.
fn worst(notice: &Notice<'_>) -> Outcome {
    let rank = |outcome: Outcome| match outcome {
        Outcome::Failed => 0,
        Outcome::Delayed { .. } => 1,
        Outcome::Relayed => 2,
        Outcome::Delivered => 3,
    };
    notice.recipients.iter().map(|told| told.outcome).min_by_key(|outcome| rank(*outcome)).unwrap_or(Outcome::Failed)
}

fn subject_of(notice: &Notice<'_>) -> String {
    let subject = header_field(notice.original, "subject").map(|value| decode_words(&value)).unwrap_or_default();
    let subject = printable(&subject, SUBJECT_CHARS_MAX, true);
    if subject.is_empty() { notice.language.words().no_subject.to_string() } else { subject }
}

/// Text for the person who sent the mail.
fn text(notice: &Notice<'_>) -> String {
    let words = notice.language.words();
    let mut text = String::with_capacity(2_048);
    let mut line = |line: &str| {
        text.push_str(line);
        text.push_str("\r\n");
    };
    line(words.outcome(worst(notice)).opening);
    for told in notice.recipients.iter().take(SHOWN_RECIPIENTS_MAX) {
        line("");
        about_recipient(notice, told).iter().for_each(|about| line(about));
    }
    if let Some(more) = notice.recipients.len().checked_sub(SHOWN_RECIPIENTS_MAX).filter(|more| *more > 0) {
        line("");
        line(&format!("{} {more}", words.more_recipients));
    }
    line("");
    line(&format!("{}: {}", words.your_message, subject_of(notice)));
    line(&format!("{}: {}", words.arrived, moment(notice.arrived_ms)));
    line(&format!("{}: {}", words.trace, notice.about));
    line("");
    line(words.no_replies);
    text
}

fn about_recipient(notice: &Notice<'_>, told: &Told<'_>) -> Vec<String> {
    let words = notice.language.words();
    let mut lines = vec![format!("{}: {}", words.recipient, printable(told.address, 320, true))];
    let good_news = words.outcome(told.outcome).good_news;
    if good_news.is_empty() {
        let (what, turn) = notice.language.cause(Cause::of(told.status));
        lines.push(format!("{}: {what}", words.what));
        lines.push(format!("{}: {turn}", words.turn));
    } else {
        lines.push(format!("{}: {good_news}", words.what));
    }
    if let Outcome::Delayed { until_ms } = told.outcome {
        lines.push(format!("{}: {}", words.until, moment(until_ms)));
    }
    if let Some((host, reply)) = told.remote.filter(|(_, reply)| !reply.is_positive()) {
        lines.push(format!("{} ({}): {}", words.answer, printable(host, 255, true), printable(&reply.to_string(), ANSWER_CHARS_MAX, true)));
    }
    lines
}

/// RFC 3464 §2: fields about the mail, then one group a recipient.
fn status_fields(notice: &Notice<'_>) -> String {
    let utf8 = notice.smtputf8;
    let mut fields = String::with_capacity(1_024);
    if let Some(envid) = notice.envid {
        field(&mut fields, "Original-Envelope-Id", &printable(&crate::smtp::encode_xtext(envid), 300, false));
    }
    field(&mut fields, "Reporting-MTA", &format!("dns; {}", printable(notice.host, 255, false)));
    field(&mut fields, "Arrival-Date", &date(notice.arrived_ms));
    field(&mut fields, "X-Gatepost-Mail", &notice.about.to_string());
    for told in notice.recipients {
        fields.push_str("\r\n");
        if let Some((kind, address)) = told.orcpt.and_then(|orcpt| orcpt.split_once(';')) {
            field(&mut fields, "Original-Recipient", &typed_address(kind, address, utf8));
        }
        field(&mut fields, "Final-Recipient", &typed_address("rfc822", told.address, utf8));
        field(&mut fields, "Action", told.outcome.action());
        field(&mut fields, "Status", &format!("{}.{}.{}", told.status.0, told.status.1, told.status.2));
        if let Some((host, reply)) = told.remote {
            field(&mut fields, "Remote-MTA", &format!("dns; {}", printable(host, 255, false)));
            field(&mut fields, "Diagnostic-Code", &format!("smtp; {}", printable(&reply.to_string(), ANSWER_CHARS_MAX, utf8)));
        } else if let Some(note) = told.note {
            field(&mut fields, "Diagnostic-Code", &format!("x-gatepost; {}", printable(note, ANSWER_CHARS_MAX, utf8)));
        }
        if let Some(at_ms) = told.last_attempt_ms {
            field(&mut fields, "Last-Attempt-Date", &date(at_ms));
        }
        if let Outcome::Delayed { until_ms } = told.outcome {
            field(&mut fields, "Will-Retry-Until", &date(until_ms));
        }
    }
    fields
}

/// RFC 6533 §3: an address with other letters is `utf-8`, as it is where that may stand, else as `\x{HEX}`.
fn typed_address(kind: &str, address: &str, utf8: bool) -> String {
    let address = printable(address, 500, true);
    if address.is_ascii() && !kind.eq_ignore_ascii_case("utf-8") {
        return format!("{}; {address}", printable(kind, 40, false));
    }
    let mut coded = String::with_capacity(address.len());
    for letter in address.chars() {
        if letter.is_ascii() && !matches!(letter, '\\' | '+' | '=' | ' ') || !letter.is_ascii() && utf8 {
            coded.push(letter);
        } else {
            let _ = write!(coded, "\\x{{{:02X}}}", u32::from(letter));
        }
    }
    format!("utf-8; {coded}")
}

/// One field, folded at spaces (RFC 5322 §2.2.3).
fn field(fields: &mut String, name: &str, value: &str) {
    let mut column = name.len() + 1;
    let _ = write!(fields, "{name}:");
    for word in value.split(' ').filter(|word| !word.is_empty()) {
        if column + 1 + word.len() > LINE_OCTETS && column > name.len() + 1 {
            fields.push_str("\r\n");
            column = 0;
        }
        let _ = write!(fields, " {word}");
        column += 1 + word.len();
    }
    fields.push_str("\r\n");
}

/// RFC 3461 §4.3 and §6.2: the whole mail only when asked for and small, else its header.
fn returned<'a>(notice: &Notice<'a>) -> (&'static str, std::borrow::Cow<'a, [u8]>) {
    let original = notice.original;
    let header = &original[..header_end(original)];
    let is_global = notice.smtputf8 && !is_7bit(header);
    if notice.ret == Some(Ret::Full) && original.len() <= ORIGINAL_OCTETS_MAX {
        return (if is_global { "message/global" } else { "message/rfc822" }, original.into());
    }
    if is_global {
        return ("message/global-headers", header.into());
    }
    // Raw 8-bit in a header is not mail, and the notice must pass everywhere.
    let plain: Vec<u8> = header.iter().map(|octet| if octet.is_ascii() { *octet } else { b'?' }).collect();
    ("text/rfc822-headers", plain.into())
}

/// Where the header ends, at a line end and within the limit.
fn header_end(original: &[u8]) -> usize {
    let head = &original[..original.len().min(HEADER_OCTETS_MAX)];
    if head.starts_with(b"\r\n") {
        return 0;
    }
    match memchr::memmem::find(head, b"\r\n\r\n") {
        Some(at) => at + 2,
        None => memchr::memmem::rfind(head, b"\r\n").map_or(0, |at| at + 2),
    }
}

/// Value of the first field of this (lower-case) name, as it stands.
fn header_field(original: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut lines = original[..header_end(original)].split_inclusive(|octet| *octet == b'\n').skip_while(|line| !is_field(line, name));
    let mut value = lines.next()?[name.len() + 1..].to_vec();
    for folded in lines.take_while(|line| line.starts_with(b" ") || line.starts_with(b"\t")) {
        value.extend_from_slice(folded);
    }
    Some(value)
}

fn is_field(line: &[u8], name: &str) -> bool {
    line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes())) && line.get(name.len()) == Some(&b':')
}

fn usable_message_id(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let is_plain = text.len() <= 250 && text.bytes().all(|octet| octet.is_ascii_graphic());
    (is_plain && text.starts_with('<') && text.ends_with('>') && text.contains('@')).then(|| text.to_string())
}

/// Text from outside on one line: controls become spaces, other letters "?" unless `utf8`, and it is cut at `chars_max`.
fn printable(text: &str, chars_max: usize, utf8: bool) -> String {
    let is_control = |letter: char| letter.is_control() || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown: String = text
        .chars()
        .take(chars_max)
        .map(|letter| match letter {
            _ if is_control(letter) => ' ',
            _ if !utf8 && !letter.is_ascii() => '?',
            _ => letter,
        })
        .collect();
    if text.chars().nth(chars_max).is_some() {
        shown.push_str("...");
    }
    shown.trim().to_string()
}

/// RFC 2047 words for a header value; plain when it can be, so that people can read the source.
fn encoded(text: &str) -> String {
    if text.bytes().all(|octet| matches!(octet, b' '..=b'~')) && !text.contains("=?") && text.len() <= 200 {
        return text.to_string();
    }
    let mut words = String::new();
    let mut piece = String::new();
    for letter in text.chars() {
        // 75 octets a word, of which 12 frame it, leave 45 octets before base64.
        if piece.len() + letter.len_utf8() > 45 {
            push_word(&mut words, &std::mem::take(&mut piece));
        }
        piece.push(letter);
    }
    push_word(&mut words, &piece);
    words
}

fn push_word(words: &mut String, piece: &str) {
    let _ = write!(words, "{}=?utf-8?B?{}?=", if words.is_empty() { "" } else { "\r\n " }, STANDARD.encode(piece));
}

fn wrapped_base64(text: &str) -> String {
    let coded = STANDARD.encode(text);
    let mut lines = String::with_capacity(coded.len() + coded.len() / 38 + 2);
    let mut rest = coded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE_OCTETS));
        lines.push_str(line);
        lines.push_str("\r\n");
        rest = after;
    }
    lines
}

/// RFC 5322 §3.3, in UTC. A time no calendar has is written as the epoch.
fn date(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn moment(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
