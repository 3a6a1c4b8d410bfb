//! Scripts as text, with what hides words from plain search undone.
//!
//! In: a page. Out: layers of lower-case text: the page itself, and what stands encoded in it. Work is linear and layers
//! are few: who encodes three times over has said enough by that.

use memchr::memmem;

/// Encoded texts looked into, and octets of all of them together.
const LAYERS_MAX: usize = 4;
const LAYER_OCTETS_MAX: usize = 1 << 20;
/// Percent signs that make a text a percent-encoded one.
const ESCAPES_MIN: usize = 16;
/// Shorter encoded texts hide no script.
const ENCODED_OCTETS_MIN: usize = 64;

/// Whether anything in `page` could run.
pub fn may_have_script(page: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b's', b'S', &page[at..]) {
        at += found;
        if page.get(at..at + 6).is_some_and(|word| word.eq_ignore_ascii_case(b"script")) {
            return true;
        }
        at += 1;
    }
    memmem::find(page, b"onload").is_some() || memmem::find(page, b"onerror").is_some() || memmem::find(page, b"download").is_some()
}

/// The page and what is encoded in it, each in lower case with escapes resolved and joined strings joined.
pub fn layers(page: &[u8]) -> Vec<Vec<u8>> {
    let mut layers = vec![plain(page)];
    for run in base64_runs(page, ENCODED_OCTETS_MIN).take(LAYERS_MAX) {
        let decoded = decoded(&run[..run.len().min(LAYER_OCTETS_MAX)]);
        if looks_like_script(&decoded) {
            layers.push(plain(&decoded));
        }
    }
    if memchr::memchr_iter(b'%', page).nth(ESCAPES_MIN).is_some() {
        layers.push(plain(&percent_decoded(page)));
    }
    layers
}

/// What a long run of base64 in `layer` is; `Some(None)` when there is one that we do not know. The layer is in lower
/// case, so runs are taken from it only to know that they are there, and their kind from the letters that survive.
pub fn payload(layer: &[u8], octets_min: usize) -> Option<Option<&'static str>> {
    let mut found = None;
    for run in base64_runs(layer, octets_min).take(LAYERS_MAX) {
        let kind = KINDS.iter().find(|(start, _)| run.starts_with(start)).map(|(_, kind)| *kind);
        found = Some(found.flatten().or(kind));
    }
    found
}

/// The first letters, in lower case, of base64 of files that carry harm.
const KINDS: &[(&[u8], &str)] = &[
    (b"uesdb", "an archive"), // PK\3\4
    (b"tvqqaa", "a program"), // MZ
    (b"tvpqaa", "a program"),
    (b"umfyi", "an archive"),  // Rar!
    (b"n3q8ry", "an archive"), // 7z
    (b"tvnd", "a cabinet"),    // MSCF
    (b"taaaaaeuagaaaaaaw", "a shortcut"),
];

/// Runs of base64 letters of at least `octets_min`; line breaks and backslashes in them do not end them.
fn base64_runs(text: &[u8], octets_min: usize) -> impl Iterator<Item = &[u8]> {
    let is_letter = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=' | b'\n' | b'\r' | b'\\');
    text.split(move |octet| !is_letter(octet)).filter(move |run| run.len() >= octets_min)
}

fn decoded(run: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(run.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0u32);
    for octet in run {
        let six = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8); // the low eight bits are the octet
        }
    }
    out
}

fn looks_like_script(decoded: &[u8]) -> bool {
    const LOOKED_AT: usize = 400;
    let start = &decoded[..decoded.len().min(LOOKED_AT)];
    let text = start.iter().filter(|octet| (b' '..=b'~').contains(octet) || octet.is_ascii_whitespace()).count();
    !start.is_empty() && text * 10 >= start.len() * 9
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|octet| char::from(*octet).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8); // two digits fit
                at += 3;
            }
            (octet, ..) => {
                out.push(octet);
                at += 1;
            }
        }
    }
    out
}

/// Lower case; `\x41`, `\u0041` and `\u{41}` as the letter; `'a' + 'b'` and `['a']` without the quotes between.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'\\' => {
                let (letter, next) = escaped(text, at);
                out.extend(letter.map(|letter| letter.to_ascii_lowercase()));
                at = next;
            }
            quote @ (b'\'' | b'"' | b'`') => match joined_string(text, at, quote) {
                Some(next) => at = next,
                None => {
                    // ["atob"] is .atob
                    if out.last() == Some(&b'[') {
                        out.pop();
                        out.push(b'.');
                    }
                    out.push(quote);
                    at += 1;
                    if out.ends_with(b".\"") || out.ends_with(b".'") || out.ends_with(b".`") {
                        out.pop();
                    }
                }
            },
            octet => {
                out.push(octet.to_ascii_lowercase());
                at += 1;
            }
        }
    }
    out
}

/// A quote that ends a string to which another is added at once: where that one's text begins.
fn joined_string(text: &[u8], at: usize, quote: u8) -> Option<usize> {
    const SPACES_MAX: usize = 8;
    let skip =
        |from: usize| from + text[from.min(text.len())..].iter().take(SPACES_MAX).take_while(|octet| octet.is_ascii_whitespace()).count();
    let plus = skip(at + 1);
    if text.get(plus) != Some(&b'+') {
        return None;
    }
    let next = skip(plus + 1);
    (text.get(next) == Some(&quote)).then_some(next + 1)
}

/// The letter an escape stands for, if it is ASCII, and the place after it.
fn escaped(text: &[u8], at: usize) -> (Option<u8>, usize) {
    let hex = |from: usize, length: usize| -> Option<u32> {
        let digits = std::str::from_utf8(text.get(from..from + length)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let letter = |code: Option<u32>| code.and_then(|code| u8::try_from(code).ok()).filter(u8::is_ascii);
    match text.get(at + 1) {
        Some(b'x') if hex(at + 2, 2).is_some() => (letter(hex(at + 2, 2)), at + 4),
        Some(b'u') if hex(at + 2, 4).is_some() => (letter(hex(at + 2, 4)), at + 6),
        Some(b'u') if text.get(at + 2) == Some(&b'{') => {
            let length = text[at + 3..].iter().take(6).take_while(|octet| octet.is_ascii_hexdigit()).count();
            (letter(hex(at + 3, length)), at + 3 + length + 1)
        }
        _ => (Some(b'\\'), at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_words_are_read() {
        for (script, want) in [
            (r"window['create' + 'ObjectURL'](x)", "createobjecturl"),
            (r#"window["\x61tob"]("x")"#, "atob"),
            (r"\u0061tob(x)", "atob"),
            (r"\u{61}tob(x)", "atob"),
            ("new Blob([x])", "new blob"),
        ] {
            let text = plain(script.as_bytes());
            assert!(memmem::find(&text, want.as_bytes()).is_some(), "{script}: {}", String::from_utf8_lossy(&text));
        }
        for broken in ["\\", "\\x", "\\u{", "\\u{zz", "'", "'a' +", "\\x4"] {
            let _ = plain(broken.as_bytes());
        }
    }

    #[test]
    fn encoded_layers_are_opened() {
        let inner = "PHNjcmlwdD5uZXcgQmxvYihbYXRvYih4KV0pOyBVUkwuY3JlYXRlT2JqZWN0VVJMKHkpOyBhLmRvd25sb2FkPSd6JzwvPg";
        let page = format!("<script>document.write(atob('{inner}'))</script>");
        assert!(layers(page.as_bytes()).iter().any(|layer| memmem::find(layer, b"createobjecturl").is_some()));
        let page = "<script>document.write(unescape('%3Cscript%3Enew%20Blob%28%5Bx%5D%29%3B%2F%2F%20%2A%2A%20%3C%2Fscript%3E'))</script>";
        assert!(layers(page.as_bytes()).iter().any(|layer| memmem::find(layer, b"new blob").is_some()));
        assert_eq!(payload(format!("x='uesdb{}'", "a".repeat(2000)).as_bytes(), 1500), Some(Some("an archive")));
        assert_eq!(payload(b"short", 1500), None);
    }
}
