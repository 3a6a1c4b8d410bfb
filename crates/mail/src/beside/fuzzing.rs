//! Fuzz targets of this folder; `crate::fuzz` lists them.

use super::header_edits::{HeaderEdit, between};
use super::milter::{Answer, Command, Packet, PacketError, PacketReader};
use super::spamd;
use crate::smtp::Reply;

/// What a server may send: pieces change nothing, what is read holds no more than came, and what we answer from it can be cut again.
pub fn milter(input: &[u8]) {
    let Some((step, input)) = input.split_first() else { return };
    let whole = packets(input, input.len());
    assert_eq!(packets(input, usize::from(*step)), whole, "pieces change the packets");
    for packet in whole.0 {
        let octets = packet.data.len();
        let Ok(command) = Command::read(packet) else { continue };
        match command {
            Command::Macros { values, .. } => assert!(values.iter().all(|(name, value)| !name.contains('\0') && !value.contains('\0'))),
            Command::Header { name, value } => {
                assert!(!name.is_empty() && name.len() + value.len() + 2 == octets);
                echo(&String::from_utf8_lossy(&name), &value);
            }
            Command::Mail(texts) | Command::Rcpt(texts) => assert!(!texts.is_empty()),
            _ => {}
        }
    }
    let cut = input.len() / 2;
    let _ = between(&input[..cut], &input[cut..], |_, _| false);
}

/// Packets until the first error.
fn packets(input: &[u8], step: usize) -> (Vec<Packet>, Option<PacketError>) {
    let (mut reader, mut found) = (PacketReader::default(), Vec::new());
    for piece in input.chunks(step.max(1)) {
        reader.buffer().extend_from_slice(piece);
        loop {
            match reader.next_packet() {
                Ok(Some(packet)) => found.push(packet),
                Ok(None) => break,
                Err(why) => return (found, Some(why)),
            }
        }
    }
    (found, None)
}

/// Text from a mail goes into answers: each stays one packet, and its texts end where we ended them.
fn echo(name: &str, value: &[u8]) {
    let answers = [
        Answer::InsertHeader { at: 0, name: name.into(), value: value.to_vec() },
        Answer::ChangeHeader { nth: 1, name: name.into(), value: value.to_vec() },
        Answer::AddRecipient(name.into()),
        Answer::Reply(Reply::new(550, (5, 7, 1), String::from_utf8_lossy(value))),
        Answer::Body(value.to_vec()),
    ];
    for answer in answers {
        let mut wire = Vec::new();
        answer.write_to(&mut wire);
        let (cut, why) = packets(&wire, wire.len());
        assert!(cut.len() == 1 && why.is_none(), "an answer is one packet");
        let ends = cut[0].data.iter().skip(4).filter(|octet| **octet == 0).count();
        match answer {
            Answer::InsertHeader { .. } | Answer::ChangeHeader { .. } => assert_eq!(ends, 2),
            Answer::AddRecipient(_) => assert_eq!(cut[0].data.iter().filter(|octet| **octet == 0).count(), 1),
            _ => {}
        }
    }
}

/// Requests of spamc: a head is complete at the same octet however much came, and holds no line ends.
pub fn spamd(input: &[u8]) {
    let whole = spamd::read_head(input);
    if let Ok(Some((head, octets))) = &whole {
        assert!(*octets <= input.len() && *octets <= spamd::HEAD_OCTETS_MAX);
        assert_eq!(spamd::read_head(&input[..*octets]), whole, "what follows changes nothing");
        assert!((0..*octets).all(|cut| matches!(spamd::read_head(&input[..cut]), Ok(None))), "complete at its last octet");
        assert!(!head.user.chars().any(char::is_control));
    }
    let said = spamd::failed(spamd::Failure::Protocol, &String::from_utf8_lossy(input));
    assert_eq!(said.iter().filter(|octet| **octet == b'\n').count(), 2);
    let (edits, text) = (between(input, input, |_, _| false), String::from_utf8_lossy(input));
    assert!(!edits.iter().any(|edit| matches!(edit, HeaderEdit::Remove { .. })), "the same header needs no edit: {text:?}");
}
