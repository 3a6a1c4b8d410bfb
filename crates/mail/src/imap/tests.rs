use super::*;
use bytes::Bytes;

fn read(wire: &[u8]) -> Result<Vec<Response>, ImapError> {
    let mut reader = ResponseReader::new(1_000);
    reader.buffer().extend_from_slice(wire);
    let mut all = Vec::new();
    while let Some(one) = reader.next_response()? {
        all.push(one);
    }
    Ok(all)
}

fn one(wire: &[u8]) -> Response {
    read(wire).expect("IMAP").into_iter().next().expect("one response")
}

#[test]
fn responses_say_what_is_needed_of_them() {
    assert_eq!(
        one(b"* OK [CAPABILITY IMAP4rev1 sasl-ir] ready (or \"not\")\r\n").capabilities(),
        Some(vec!["IMAP4REV1".into(), "SASL-IR".into()])
    );
    assert_eq!(one(b"* CAPABILITY IMAP4rev1 MOVE\r\n").capabilities(), Some(vec!["IMAP4REV1".into(), "MOVE".into()]));
    assert_eq!(one(b"* SEARCH 2 84 882\r\n").found(), Some(vec![2, 84, 882]));
    assert_eq!(one(b"* SEARCH\r\n").found(), Some(vec![]));
    assert_eq!(one(b"* OK [COPYUID 1795857486 1 2] Moved UIDs.\r\n").copied(), Some((1_795_857_486, 2)));
    assert_eq!(one(b"a1 OK [copyuid 38505 304 3956] Done\r\n").copied(), Some((38_505, 3_956)));
    assert_eq!(one(b"* OK [UIDVALIDITY 3857529045] UIDs valid\r\n").uid_validity(), Some(3_857_529_045));
    let folder = one(b"* LIST (\\HasNoChildren \\Junk) \".\" \"Junk \\\"x\\\"\"\r\n").folder().expect("a folder");
    assert!(folder.has("\\junk") && !folder.has("\\trash"));
    assert_eq!(folder.wire_name, "Junk \"x\"");
    assert_eq!(one(b"* LIST () NIL INBOX\r\n").folder().map(|folder| folder.wire_name), Some("INBOX".into()));
    assert_eq!(one(b"* LIST () \"/\" {5}\r\nA&B)(\r\n").folder().map(|folder| folder.wire_name), Some("A&B)(".into()));
    assert_eq!(one(b"+ \r\n").body, Body::Go);
}

#[test]
fn a_message_comes_with_its_octets() {
    let wire = b"* 1 FETCH (UID 7 RFC822.SIZE 44827 BODY[HEADER.FIELDS (X-GATEPOST-REPORT RECEIVED)] {15}\r\nA: b\r\nC: )\"\r\n\r\n FLAGS (\\Seen $X))\r\ng2 OK Done\r\n";
    let all = read(wire).expect("IMAP");
    assert_eq!(all[0].fetched(), Some(Fetched { uid: 7, size: 44_827, octets: Bytes::from_static(b"A: b\r\nC: )\"\r\n\r\n") }));
    assert_eq!((all[1].tag.as_str(), all.len()), ("g2", 2));
    assert_eq!(one(b"* 1 FETCH (UID 7 BODY[] \"short\")\r\n").fetched().map(|found| found.octets), Some(Bytes::from_static(b"short")));
    for step in 1..wire.len() {
        let mut reader = ResponseReader::new(1_000);
        let mut found = Vec::new();
        for piece in wire.chunks(step) {
            reader.buffer().extend_from_slice(piece);
            while let Some(one) = reader.next_response().expect("IMAP") {
                found.push(one);
            }
        }
        assert_eq!(found, all, "in pieces of {step}");
    }
}

#[test]
fn what_is_no_response_or_too_much_is_said() {
    let deep = [&b"* X "[..], &b"(".repeat(50), &b")".repeat(50), b"\r\n"].concat();
    let many = [&b"* SEARCH"[..], &b" 1".repeat(25_000), b"\r\n"].concat();
    for (wire, want) in [
        (&b"\r\n"[..], ImapError::Garbled),
        (b"*\r\n", ImapError::Garbled),
        (b"* (a\r\n", ImapError::Garbled),
        (b"* a)\r\n", ImapError::Garbled),
        (b"* \"open\r\n", ImapError::Garbled),
        (b"* \"open\\\r\n", ImapError::Garbled),
        (b"* 1 FETCH (BODY[] {2000}\r\n", ImapError::LongLiteral(2_000)),
        (b"* 1 FETCH (BODY[] {9999999999}\r\n", ImapError::LongLiteral(9_999_999_999)),
        (&[b'a'; 70_000], ImapError::LongLine),
        (&deep, ImapError::Garbled),
        (&many, ImapError::Garbled),
    ] {
        assert_eq!(read(wire), Err(want), "{:?}", String::from_utf8_lossy(&wire[..wire.len().min(60)]));
    }
    assert_eq!(read(b"* 1 FETCH (BODY[] {5}\r\nab"), Ok(vec![]), "the rest is on its way");
}

#[test]
fn names_of_folders_are_those_of_people() {
    for (name, wire) in [
        ("Junk", "Junk"),
        ("R&D", "R&-D"),
        ("垃圾邮件", "&V4NXPpCuTvY-"),
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("Entwürfe", "Entw&APw-rfe"),
    ] {
        assert_eq!((folder_to_wire(name), folder_from_wire(wire)), (wire.to_string(), name.to_string()), "{name}");
    }
    for wire in ["&", "&Jjo", "&!-", "&2AE-"] {
        assert_eq!(folder_from_wire(wire), wire, "no such name is shown as it stands");
    }
}

#[test]
fn what_goes_into_a_command_cannot_end_it() {
    assert_eq!(quoted("a \"b\" \\c").as_deref(), Some("\"a \\\"b\\\" \\\\c\""));
    for wrong in ["a\r\nb", "a\0", "é"] {
        assert_eq!(quoted(wrong), None);
    }
    assert_eq!(search_date(1_795_521_600_000), "24-Nov-2026");
    assert_eq!(search_date(1_793_620_800_000), "2-Nov-2026");
}
