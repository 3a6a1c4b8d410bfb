//! Search filters: from the text people write (RFC 4515) to what goes over the wire (RFC 4511 §4.5.1.7).
//!
//! Invariant: nesting is bounded, so no text makes us recurse without end.

use super::ber;

/// Filters inside filters.
const DEPTH_MAX: usize = 20;
/// Octets of a filter.
pub const OCTETS_MAX: usize = 8_000;

/// The text is no filter; at which octet it stopped being one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a search filter from octet {0} on")]
pub struct BadFilter(pub usize);

/// The filter as BER. A filter without its outer parentheses is taken, as most tools do.
pub fn encoded(text: &str) -> Result<Vec<u8>, BadFilter> {
    let text = text.trim();
    if text.is_empty() || text.len() > OCTETS_MAX {
        return Err(BadFilter(0));
    }
    let whole = if text.starts_with('(') { text.to_string() } else { format!("({text})") };
    let mut parser = Parser { text: whole.as_bytes(), at: 0 };
    let made = parser.filter(0)?;
    if parser.at == parser.text.len() { Ok(made) } else { Err(BadFilter(parser.at)) }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn bad<T>(&self) -> Result<T, BadFilter> {
        Err(BadFilter(self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Result<(), BadFilter> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            return Ok(());
        }
        self.bad()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|octet| octet.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn filter(&mut self, depth: usize) -> Result<Vec<u8>, BadFilter> {
        if depth > DEPTH_MAX {
            return self.bad();
        }
        self.take(b'(')?;
        self.blanks();
        let made = match self.peek() {
            Some(b'&') => self.list(0xa0, depth)?,
            Some(b'|') => self.list(0xa1, depth)?,
            Some(b'!') => {
                self.at += 1;
                self.blanks();
                ber::tlv(0xa2, &self.filter(depth + 1)?)
            }
            _ => self.item()?,
        };
        self.blanks();
        self.take(b')')?;
        Ok(made)
    }

    fn list(&mut self, tag: u8, depth: usize) -> Result<Vec<u8>, BadFilter> {
        self.at += 1;
        let mut parts = Vec::new();
        self.blanks();
        while self.peek() == Some(b'(') {
            parts.push(self.filter(depth + 1)?);
            self.blanks();
        }
        if parts.is_empty() { self.bad() } else { Ok(ber::joined(tag, &parts)) }
    }

    fn item(&mut self) -> Result<Vec<u8>, BadFilter> {
        let from = self.at;
        while self.peek().is_some_and(|octet| !matches!(octet, b'=' | b'~' | b'<' | b'>' | b'(' | b')')) {
            self.at += 1;
        }
        let name = String::from_utf8_lossy(&self.text[from..self.at]).trim().to_string();
        let kind = match self.peek() {
            Some(b'=') => b'=',
            Some(other @ (b'~' | b'<' | b'>')) => {
                self.at += 1;
                other
            }
            _ => return self.bad(),
        };
        self.take(b'=')?;
        if let Some(plain) = name.strip_suffix(':') {
            return self.extensible(plain);
        }
        if !is_description(&name) {
            return self.bad();
        }
        let parts = self.value()?;
        let pair = |tag: u8, value: &[u8]| ber::joined(tag, &[ber::text(ber::OCTETS, &name), ber::tlv(ber::OCTETS, value)]);
        Ok(match (kind, parts.as_slice()) {
            (b'=', [value]) => pair(0xa3, value),
            (b'=', [first, last]) if first.is_empty() && last.is_empty() => ber::text(0x87, &name),
            (b'=', many) => substrings(&name, many),
            (b'>', [value]) => pair(0xa5, value),
            (b'<', [value]) => pair(0xa6, value),
            (_, [value]) => pair(0xa8, value),
            _ => return self.bad(),
        })
    }

    /// `attribute:dn:1.2.840.113556.1.4.803:=2`, any part but one may be missing.
    fn extensible(&mut self, name: &str) -> Result<Vec<u8>, BadFilter> {
        let (mut attribute, mut rule, mut is_dn) = ("", "", false);
        for (at, part) in name.split(':').enumerate() {
            match part {
                _ if at == 0 => attribute = part,
                "dn" | "DN" => is_dn = true,
                _ if rule.is_empty() => rule = part,
                _ => return self.bad(),
            }
        }
        let is_sound = |text: &str| text.is_empty() || is_description(text);
        if (attribute.is_empty() && rule.is_empty()) || !is_sound(attribute) || !is_sound(rule) {
            return self.bad();
        }
        let parts = self.value()?;
        let [value] = parts.as_slice() else { return self.bad() };
        let mut made = Vec::new();
        if !rule.is_empty() {
            made.push(ber::text(0x81, rule));
        }
        if !attribute.is_empty() {
            made.push(ber::text(0x82, attribute));
        }
        made.push(ber::tlv(0x83, value));
        if is_dn {
            made.push(ber::tlv(0x84, &[0xff]));
        }
        Ok(ber::joined(0xa9, &made))
    }

    /// The value in pieces, as stars cut it; `\2a` is an octet.
    fn value(&mut self) -> Result<Vec<Vec<u8>>, BadFilter> {
        let mut parts = vec![Vec::new()];
        while let Some(octet) = self.peek() {
            match octet {
                b')' => break,
                b'(' | 0 => return self.bad(),
                b'*' => parts.push(Vec::new()),
                b'\\' => {
                    let digits = self.text.get(self.at + 1..self.at + 3).and_then(|two| std::str::from_utf8(two).ok());
                    match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
                        Some(escaped) => parts.last_mut().into_iter().for_each(|part| part.push(escaped)),
                        None => return self.bad(),
                    }
                    self.at += 2;
                }
                other => parts.last_mut().into_iter().for_each(|part| part.push(other)),
            }
            self.at += 1;
        }
        Ok(parts)
    }
}

fn substrings(name: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let last = parts.len() - 1;
    let piece = |(at, part): (usize, &Vec<u8>)| {
        let tag = match at {
            0 => 0x80,
            at if at == last => 0x82,
            _ => 0x81,
        };
        (!part.is_empty()).then(|| ber::tlv(tag, part))
    };
    let pieces: Vec<Vec<u8>> = parts.iter().enumerate().filter_map(piece).collect();
    ber::joined(0xa4, &[ber::text(ber::OCTETS, name), ber::joined(ber::SEQUENCE, &pieces)])
}

/// RFC 4512 §2.5: a name or numbers with dots, and options behind semicolons.
fn is_description(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b';' | b'_'))
}

/// A value so that it stands for itself in a filter.
pub fn escaped(value: &str) -> String {
    let mut made = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '*' | '(' | ')' | '\\' | '\0' => made.push_str(&format!("\\{:02x}", u32::from(c))),
            other => made.push(other),
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn filters_are_written_as_the_standard_says() {
        for (text, want) in [
            ("(mail=*)", "87046d61696c"),
            ("mail=*", "87046d61696c"),
            ("(cn=a)", "a3070402636e040161"),
            ("(!(cn=a))", "a209a3070402636e040161"),
            ("(&(cn=a)(cn=b))", "a012a3070402636e040161a3070402636e040162"),
            ("( | (cn=a) (cn=b) )", "a112a3070402636e040161a3070402636e040162"),
            ("(cn=a*b*c)", "a40f0402636e3009800161810162820163"),
            ("(cn=*b)", "a4090402636e3003820162"),
            ("(n>=5)", "a50604016e040135"),
            ("(n<=5)", "a60604016e040135"),
            ("(cn=\\2a)", "a3070402636e04012a"),
            ("(cn=)", "a3060402636e0400"),
            ("(u:1.2.3:=2)", "a90d8105312e322e3382017583 0132"),
            ("(:dn:2.5:=x)", "a90b8103322e35830178840 1ff"),
        ] {
            assert_eq!(encoded(text).map(|made| hex(&made)), Ok(want.replace(' ', "")), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_place() {
        let deep = format!("{}(a=b){}", "(!".repeat(DEPTH_MAX + 1), ")".repeat(DEPTH_MAX + 1));
        for text in
            ["", "(", "()", "(cn)", "(cn=a", "(cn=a))", "(&)", "(cn=\\zz)", "(cn=a(b)", "(a b=c)", "(=x)", "(:=x)", "(n>=a*b)", &deep]
        {
            assert!(encoded(text).is_err(), "{text}");
        }
        assert_eq!(encoded("(&(cn=a)(cn))"), Err(BadFilter(11)));
    }

    #[test]
    fn a_value_stands_for_itself() {
        let made = encoded(&format!("(cn={})", escaped("a*(b)\\"))).expect("a filter");
        assert_eq!(made, ber::joined(0xa3, &[ber::text(ber::OCTETS, "cn"), ber::text(ber::OCTETS, "a*(b)\\")]));
    }
}
