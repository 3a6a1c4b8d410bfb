//! A mail with one attachment.

use detect::{Detector, Inspected, Surroundings};
use futures_util::FutureExt;
use mail::message::Budget;
use mail::{AuthResults, Envelope, Mail, Message, Peer};

/// A mail whose attachment has this name and content, as a mail program would write it.
pub fn attached(name: &str, content: &[u8]) -> Message {
    let raw = format!(
        "From: Ada <ada@sender.example>\r\nDate: Thu, 15 Jan 2026 11:59:00 +0000\r\nMessage-ID: <1@sender.example>\r\nSubject: File\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nThis is the file.\r\n\
         --b\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        base64(content)
    );
    Message::parse(raw.into_bytes().into(), &Budget::default())
}

/// The test string of the anti-virus industry, in two halves so that this file is not the test file.
pub fn eicar() -> String {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

fn base64(content: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(content.len() * 3 / 2);
    for (count, three) in content.chunks(3).enumerate() {
        let value = three.iter().fold(0u32, |value, octet| value << 8 | u32::from(*octet)) << (8 * (3 - three.len()));
        for letter in 0..4 {
            out.push(if letter <= three.len() { LETTERS[(value >> (18 - 6 * letter)) as usize & 63] as char } else { '=' });
        }
        if count % 19 == 18 {
            out.push_str("\r\n");
        }
    }
    out
}

/// What the detector sees in a mail from somebody unknown, with the default list of blocked types.
pub fn inspect(detector: &Detector, message: &Message) -> Inspected {
    let peer = Peer { helo: "mx.sender.example".into(), ..Peer::at([192, 0, 2, 1].into()) };
    let envelope = Envelope::empty();
    let blocked = detect::attachment::BLOCKED_TYPES.iter().map(|extension| (*extension).to_string()).collect();
    let surroundings = Surroundings::new(["example.com".to_string()].into(), Vec::new(), blocked);
    let mail = Mail { peer: &peer, envelope: &envelope, message, now_ms: message.date_ms.unwrap_or_default() };
    detector.inspect(mail, &AuthResults::not_asked("sender.example"), &surroundings).now_or_never().expect("no engine here waits")
}
