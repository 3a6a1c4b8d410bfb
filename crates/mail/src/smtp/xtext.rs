//! xtext of RFC 3461 §4: printable ASCII with `+XX` for the rest; also the values of XCLIENT.

/// Encodes any text; every octet outside "!" to "~", and "+" and "=", becomes `+XX`.
pub fn encode_xtext(text: &str) -> String {
    let mut coded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'+' | b'=' => push_hex(&mut coded, octet),
            b'!'..=b'~' => coded.push(char::from(octet)),
            _ => push_hex(&mut coded, octet),
        }
    }
    coded
}

/// Decodes xtext. `None` if it is malformed, or decodes to controls or to something that is not UTF-8: such a value would
/// forge lines in headers and logs.
pub fn decode_xtext(coded: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(coded.len());
    let mut rest = coded.bytes();
    while let Some(octet) = rest.next() {
        match octet {
            b'+' => octets.push(hex(rest.next()?)? << 4 | hex(rest.next()?)?),
            b'=' => return None,
            b'!'..=b'~' | 0x80.. => octets.push(octet),
            _ => return None,
        }
    }
    printable(octets)
}

/// The address of `utf-8;…` in ORCPT: utf-8-addr-xtext or utf-8-addr-unitext (RFC 6533 §3), `\x{HEX}` for odd characters.
pub(super) fn decode_utf8_address(coded: &str) -> Option<String> {
    let mut text = String::with_capacity(coded.len());
    let mut rest = coded;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (digits, after) = rest[at..].strip_prefix("\\x{")?.split_once('}')?;
        if !(2..=6).contains(&digits.len()) || !digits.bytes().all(|digit| hex(digit).is_some()) {
            return None;
        }
        text.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
        rest = after;
    }
    text.push_str(rest);
    printable(text.into_bytes())
}

fn printable(octets: Vec<u8>) -> Option<String> {
    String::from_utf8(octets).ok().filter(|text| !text.chars().any(char::is_control))
}

fn push_hex(coded: &mut String, octet: u8) {
    coded.push('+');
    for nibble in [octet >> 4, octet & 15] {
        coded.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
    }
}

/// RFC 3461 §4 has upper case; lower case is common and harmless.
fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
