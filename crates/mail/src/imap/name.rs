//! Names of folders: UTF-7 as IMAP changed it (RFC 3501 §5.1.3).

use base64::Engine;
use base64::alphabet::Alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use std::sync::LazyLock;

/// Base64 with "," for "/", without padding.
static BASE64: LazyLock<Option<GeneralPurpose>> = LazyLock::new(|| {
    let alphabet = Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").ok()?;
    let config = GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::RequireNone);
    Some(GeneralPurpose::new(&alphabet, config.with_decode_allow_trailing_bits(true)))
});

/// A name as people write it, as it goes into commands.
pub fn folder_to_wire(name: &str) -> String {
    let (mut wire, mut run) = (String::with_capacity(name.len()), Vec::new());
    let flush = |run: &mut Vec<u8>, wire: &mut String| {
        if let Some(base64) = BASE64.as_ref().filter(|_| !run.is_empty()) {
            wire.push('&');
            wire.push_str(&base64.encode(&*run));
            wire.push('-');
        }
        run.clear();
    };
    for c in name.chars() {
        match c {
            '&' => {
                flush(&mut run, &mut wire);
                wire.push_str("&-");
            }
            ' '..='~' => {
                flush(&mut run, &mut wire);
                wire.push(c);
            }
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| run.extend_from_slice(&unit.to_be_bytes())),
        }
    }
    flush(&mut run, &mut wire);
    wire
}

/// A name as the server writes it, for people; what is no such name is shown as it stands.
pub fn folder_from_wire(wire: &str) -> String {
    decoded(wire).unwrap_or_else(|| wire.chars().filter(|c| !c.is_control()).collect())
}

fn decoded(wire: &str) -> Option<String> {
    let (mut name, mut rest) = (String::with_capacity(wire.len()), wire);
    while let Some(at) = rest.find('&') {
        name.push_str(&rest[..at]);
        let (run, after) = rest[at + 1..].split_once('-')?;
        if run.is_empty() {
            name.push('&');
        } else {
            let octets = BASE64.as_ref()?.decode(run).ok()?;
            let units: Vec<u16> = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            name.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = after;
    }
    name.push_str(rest);
    (!name.chars().any(char::is_control)).then_some(name)
}
