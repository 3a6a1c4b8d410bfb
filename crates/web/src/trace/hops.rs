//! The way a message came, from its Received fields (RFC 5321 §4.4), and how long it stayed where.
//!
//! In: a header of anybody. Out: hops, oldest first, with delays; a drawing and rows of a table. Invariant: what strangers wrote is
//! text and bounded. Whoever wrote a field may have lied: only the newest, which we wrote, is known to be true.

use crate::page::View;
use crate::page::table::escaped;
use mail::message::date_ms;

/// Hops read of one header.
const HOPS_MAX: usize = 60;
const TEXT_CHARS_MAX: usize = 300;
/// Fields in which a mail says who authenticated it.
const AUTH_FIELDS: [&str; 4] = ["authentication-results", "arc-authentication-results", "received-spf", "dkim-signature"];

/// One server that a message passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hop {
    /// As it called itself, with what the next one saw of it.
    pub from: String,
    pub by: String,
    /// "ESMTPS"
    pub with: String,
    pub id: String,
    /// When it was taken, Unix milliseconds.
    pub at_ms: Option<i64>,
    /// Since the one before; negative when their clocks differ.
    pub delay_ms: Option<i64>,
}

/// Hops of a header, oldest first. `written_ms` is the moment of its Date field.
pub fn hops<'a>(received: impl Iterator<Item = &'a [u8]>, written_ms: Option<i64>) -> Vec<Hop> {
    let mut hops: Vec<Hop> = received.take(HOPS_MAX).map(hop).collect();
    hops.reverse();
    let mut before = written_ms;
    for hop in &mut hops {
        hop.delay_ms = hop.at_ms.zip(before).map(|(at, before)| at - before);
        before = hop.at_ms.or(before);
    }
    hops
}

fn hop(value: &[u8]) -> Hop {
    let text: String = String::from_utf8_lossy(value).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let (words, date) = text.rsplit_once(';').unwrap_or((&text, ""));
    let mut hop = Hop { at_ms: date_ms(date.trim().as_bytes()), ..Hop::default() };
    let words = words_of(words);
    for (at, word) in words.iter().enumerate() {
        let value = || words.get(at + 1).filter(|next| !next.starts_with('(')).cloned().unwrap_or_default();
        let seen = || words.get(at + 2).filter(|next| next.starts_with('(')).map(|seen| format!(" {seen}")).unwrap_or_default();
        let field = match word.to_ascii_lowercase().as_str() {
            "from" if hop.from.is_empty() => (&mut hop.from, format!("{}{}", value(), seen())),
            "by" if hop.by.is_empty() => (&mut hop.by, value()),
            "with" if hop.with.is_empty() => (&mut hop.with, value()),
            "id" if hop.id.is_empty() => (&mut hop.id, value()),
            _ => continue,
        };
        *field.0 = field.1.chars().take(TEXT_CHARS_MAX).collect();
    }
    hop
}

/// Words; a comment with everything nested in it is one.
fn words_of(text: &str) -> Vec<String> {
    let (mut words, mut word, mut depth) = (Vec::new(), String::new(), 0_usize);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if c.is_whitespace() && depth == 0 => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// What a header says about who authenticated it: `(field, value)`.
pub fn authentication<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Vec<(String, String)> {
    let text = |octets: &[u8]| {
        let text: String = String::from_utf8_lossy(octets).chars().map(|c| if c.is_control() { ' ' } else { c }).take(2_000).collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let named = fields.map(|(name, value)| (text(name), value));
    let wanted = named.filter(|(name, _)| AUTH_FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field)));
    wanted.take(HOPS_MAX).map(|(name, value)| (name, text(value))).collect()
}

/// A span as people say it: "3 s", "2 min 5 s", "1 h 0 min".
pub fn span(view: &View, ms: &i64) -> String {
    let seconds = ms / 1000;
    let parts = match seconds.abs() {
        0..60 => vec![(seconds, "span-s")],
        60..3_600 => vec![(seconds / 60, "span-min"), ((seconds % 60).abs(), "span-s")],
        3_600..86_400 => vec![(seconds / 3_600, "span-h"), ((seconds % 3_600 / 60).abs(), "span-min")],
        _ => vec![(seconds / 86_400, "span-d"), ((seconds % 86_400 / 3_600).abs(), "span-h")],
    };
    parts.into_iter().map(|(count, key)| view.n(key, count)).collect::<Vec<_>>().join(" ")
}

const WIDTH: i64 = 360;
const ROW: i64 = 26;
/// Room for the number of the hop, and for its delay behind the bar.
const LEFT: i64 = 28;
const RIGHT: i64 = 110;

/// Delays as bars, one below the other; the table beside it says the same.
pub fn drawing(view: &View, hops: &[Hop]) -> String {
    let longest = hops.iter().filter_map(|hop| hop.delay_ms).max().unwrap_or(0).max(1);
    let says = escaped(&view.n("hops-says", hops.len()));
    let mut svg =
        format!("<svg class=\"chart hops\" role=\"img\" viewBox=\"0 0 {WIDTH} {}\" aria-label=\"{says}\">", ROW * hops.len() as i64);
    for (at, hop) in hops.iter().enumerate() {
        let y = ROW * at as i64;
        let delay = hop.delay_ms.unwrap_or(0).max(0);
        let width = ((WIDTH - LEFT - RIGHT) * delay / longest).max(2);
        let told = hop.delay_ms.map_or_else(|| view.t("hops-unknown"), |delay| span(view, &delay));
        svg.push_str(&format!(
            "<g><title>{}</title><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect class=\"s0\" x=\"{LEFT}\" y=\"{}\" width=\"{width}\" height=\"14\"/><text x=\"{}\" y=\"{}\">{}</text></g>",
            escaped(&format!("{} {told}", hop.by)),
            LEFT - 8,
            y + 17,
            at + 1,
            y + 6,
            LEFT + width + 8,
            y + 17,
            escaped(&told)
        ));
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::Lang;

    #[test]
    fn received_fields_are_read_as_people_write_them() {
        for (value, want, why) in [
            (
                "from mx.a.example (mx.a.example [192.0.2.1])\r\n\tby mx.b.example (Gatepost) with ESMTPS id m1\r\n\tfor <x@b.example>;\r\n\tTue, 24 Nov 2026 12:00:05 +0000",
                ("mx.a.example (mx.a.example [192.0.2.1])", "mx.b.example", "ESMTPS", "m1", Some(1_795_521_605_000)),
                "ours",
            ),
            (
                "by 10.1.2.3 with SMTP id a1; 24 Nov 2026 04:00:00 -0800 (PST)",
                ("", "10.1.2.3", "SMTP", "a1", Some(1_795_521_600_000)),
                "no from, a comment in the date",
            ),
            (
                "from [192.0.2.7] (helo=by with id) by x (a (b) by c); rubbish",
                ("[192.0.2.7] (helo=by with id)", "x", "", "", None),
                "words in comments are no words",
            ),
            ("", ("", "", "", "", None), "nothing"),
            ("from by with id", ("by", "with", "id", "", None), "words where values belong"),
        ] {
            let hop = hop(value.as_bytes());
            assert_eq!((hop.from.as_str(), hop.by.as_str(), hop.with.as_str(), hop.id.as_str(), hop.at_ms), want, "{why}");
        }
    }

    #[test]
    fn delays_are_between_neighbours() {
        let received =
            ["from b by c; Tue, 24 Nov 2026 12:01:00 +0000", "from x by b; rubbish", "from a by x; Tue, 24 Nov 2026 12:00:10 +0000"];
        let written = Some(1_795_521_612_000);
        let found = hops(received.iter().map(|one| one.as_bytes()), written);
        let delays: Vec<_> = found.iter().map(|hop| (hop.by.as_str(), hop.delay_ms)).collect();
        assert_eq!(delays, [("x", Some(-2_000)), ("b", None), ("c", Some(50_000))]);
        assert!(hops(std::iter::repeat_n(&b"x"[..], 500), None).len() == HOPS_MAX);
        let view = View::plain(Lang::English, 0);
        assert!(drawing(&view, &found).contains("50 s") && !drawing(&view, &found).contains("style="));
        assert_eq!(span(&view, &3_725_000), "1 h 2 min");
    }
}
