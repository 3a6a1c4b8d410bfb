use crate::smtp::{BdatReader, DataError, DataReader, DotStuffer, dot_stuff};
use proptest::prelude::*;

/// Everything that some server once took for the end of data, and is not.
const LURES: [(&[u8], DataError); 15] = [
    (b"\n.\n", DataError::BareLineEnd),
    (b"\n.\r", DataError::BareLineEnd),
    (b"\r.\n", DataError::BareLineEnd),
    (b"\r.\r", DataError::BareLineEnd),
    (b"\n.\r\n", DataError::BareLineEnd),
    (b"\r.\r\n", DataError::BareLineEnd),
    (b"\r\n.\n", DataError::BareLineEnd),
    (b"\r\n.\r", DataError::BareLineEnd),
    (b"\r\n.\r\r\n", DataError::BareLineEnd),
    (b"\r\r\n.\r\r\n", DataError::BareLineEnd),
    (b"\r\n\0.\r\n", DataError::Nul),
    (b"\r\n.\0\r\n", DataError::Nul),
    (b"\r\n\0\0.\0\r\n", DataError::Nul),
    (b"\n\n.\n\n", DataError::BareLineEnd),
    (b"\r\n.\n\r", DataError::BareLineEnd),
];

/// Feeds `pieces` and gives the result, and what was left over after the end.
fn data(pieces: &[&[u8]], octets_max: u64) -> (Option<Result<Vec<u8>, DataError>>, Vec<u8>) {
    let mut reader = DataReader::new(None, octets_max);
    let mut rest = Vec::new();
    let mut is_done = false;
    for piece in pieces {
        let used = if is_done { 0 } else { reader.feed(piece).used };
        rest.extend_from_slice(&piece[used..]);
        is_done = is_done || reader.feed(b"").is_done;
    }
    (is_done.then(|| reader.finish()), rest)
}

#[test]
fn data_ends_at_its_end_and_dots_are_taken_off() {
    for (wire, want, rest) in [
        (&b".\r\n"[..], &b""[..], &b""[..]),
        (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", b"QUIT\r\n"),
        (b"..\r\n...\r\n.a\r\n.\r\n", b".\r\n..\r\na\r\n", b""),
        (b"\r\n\r\n.\r\n", b"\r\n\r\n", b""),
        (b"a.\r\n.\r\n", b"a.\r\n", b""),
        (b"a\0b\r\n\0\r\n.\r\n", b"a\0b\r\n\0\r\n", b""),
        (b".\0a\r\n.\r\n", b"\0a\r\n", b""),
    ] {
        for cut in 0..=wire.len() {
            let found = data(&[&wire[..cut], &wire[cut..]], 1_000);
            assert_eq!(found, (Some(Ok(want.to_vec())), rest.to_vec()), "{} at {cut}", wire.escape_ascii());
        }
        let single: Vec<&[u8]> = wire.chunks(1).collect();
        assert_eq!(data(&single, 1_000), (Some(Ok(want.to_vec())), rest.to_vec()), "{}", wire.escape_ascii());
    }
}

#[test]
fn no_lure_ends_data_wherever_it_is_cut() {
    for (lure, why) in LURES {
        let smuggled = [b"Subject: a\r\n\r\ntext", lure, b"MAIL FROM:<evil@example.com>\r\nDATA\r\n"].concat();
        let wire = [&smuggled[..], b"\r\n.\r\nQUIT\r\n"].concat();
        for cut in 0..=wire.len() {
            let (found, rest) = data(&[&wire[..cut], &wire[cut..]], 1_000);
            assert_eq!((found, rest.as_slice()), (Some(Err(why)), &b"QUIT\r\n"[..]), "{} at {cut}", lure.escape_ascii());
        }
        let single: Vec<&[u8]> = smuggled.chunks(1).collect();
        assert_eq!(data(&single, 1_000).0, None, "{} is not the end", lure.escape_ascii());
    }
}

#[test]
fn a_message_over_the_limit_is_read_to_its_end() {
    let wire = [&b"0123456789\r\n".repeat(100)[..], b".\r\nRSET\r\n"].concat();
    let pieces: Vec<&[u8]> = wire.chunks(7).collect();
    assert_eq!(data(&pieces, 1_199), (Some(Err(DataError::TooBig { octets_max: 1_199 })), b"RSET\r\n".to_vec()));
    assert!(matches!(data(&pieces, 1_200), (Some(Ok(message)), _) if message.len() == 1_200));
}

fn bdat(message: &[u8], cut: usize) -> Result<Vec<u8>, DataError> {
    let mut reader = BdatReader::new(None, 1_000);
    for chunk in [&message[..cut], &message[cut..]] {
        let mut is_done = reader.begin(chunk.len() as u64).is_done;
        for piece in chunk.chunks(5) {
            let fed = reader.feed(piece);
            assert_eq!(fed.used, piece.len());
            is_done = fed.is_done;
        }
        assert!(is_done);
    }
    reader.finish()
}

#[test]
fn chunks_are_checked_as_one_message() {
    let fine = b"Subject: a\r\n\r\n.\r\n..\r\nlast line without end";
    for cut in 0..=fine.len() {
        assert_eq!(bdat(fine, cut), Ok(fine.to_vec()), "at {cut}");
    }
    // With dots stuffed, these are ordinary text; the others would still be lures.
    for (lure, why) in LURES {
        let message = [b"Subject: a\r\n\r\ntext", lure, b"more\r\n"].concat();
        for cut in 0..=message.len() {
            assert_eq!(bdat(&message, cut), Err(why), "{} at {cut}", lure.escape_ascii());
        }
    }
    assert_eq!(bdat(b"a\r\n\0.", 2), Err(DataError::Nul));
    assert_eq!(bdat(b"a\r", 1), Err(DataError::BareLineEnd));
}

#[test]
fn a_chunk_takes_only_its_octets() {
    let mut reader = BdatReader::new(None, 1_000);
    reader.begin(3);
    let fed = reader.feed(b"a\r\nBDAT 0 LAST\r\n");
    assert_eq!((fed.used, fed.is_done), (3, true));
    assert!(reader.begin(0).is_done);
    assert_eq!(reader.finish(), Ok(b"a\r\n".to_vec()));
}

#[test]
fn sending_ends_every_line_and_doubles_dots() {
    for (message, want) in [
        (&b""[..], &b".\r\n"[..]),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".\r\n.a\r\n", b"..\r\n..a\r\n.\r\n"),
        (b"a\nb\rc\r", b"a\r\nb\r\nc\r\n.\r\n"),
        (b"a\r\r\nb", b"a\r\n\r\nb\r\n.\r\n"),
        (b"\0.\r\n.\0\r\n", b"..\r\n..\0\r\n.\r\n"),
    ] {
        let mut wire = Vec::new();
        dot_stuff(message, &mut wire);
        assert_eq!(wire, want, "{}", message.escape_ascii());
    }
}

/// Octets that make trouble, in any order.
fn trouble() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"\r\n.\0ab".to_vec()), 0..40)
}

/// Lines that are clean but for what stands inside them.
fn clean_message() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec("[.a]{0,4}", 0..8)
        .prop_map(|lines| lines.into_iter().flat_map(|line| format!("{line}\r\n").into_bytes()).collect())
}

proptest! {
    #[test]
    fn what_is_stuffed_comes_back(message in clean_message(), step in 1usize..9) {
        let mut wire = Vec::new();
        let mut stuffer = DotStuffer::new();
        message.chunks(step).for_each(|piece| stuffer.push(piece, &mut wire));
        stuffer.finish(&mut wire);
        let pieces: Vec<&[u8]> = wire.chunks(step).collect();
        prop_assert_eq!(data(&pieces, 1_000), (Some(Ok(message)), Vec::new()));
    }

    #[test]
    fn pieces_do_not_change_what_is_read(wire in trouble(), cuts in prop::collection::vec(1usize..7, 1..8)) {
        let wire = [&wire[..], b"\r\n.\r\nQUIT\r\n"].concat();
        let mut pieces = Vec::new();
        let mut rest = &wire[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(data(&pieces, 1_000), data(&[&wire], 1_000));
    }

    #[test]
    fn nothing_we_send_looks_like_an_end(message in trouble(), step in 1usize..9) {
        let mut wire = Vec::new();
        let mut stuffer = DotStuffer::new();
        message.chunks(step).for_each(|piece| stuffer.push(piece, &mut wire));
        stuffer.finish(&mut wire);
        let mut whole = Vec::new();
        dot_stuff(&message, &mut whole);
        prop_assert_eq!(&wire, &whole);
        let (found, rest) = data(&[&wire], 1_000);
        prop_assert!(matches!(found, Some(Ok(_))) && rest.is_empty(), "{}", wire.escape_ascii());
        let before_end = &wire[..wire.len() - b".\r\n".len()];
        for lure in LURES {
            prop_assert!(memchr::memmem::find(before_end, lure.0).is_none(), "{} in {}", lure.0.escape_ascii(), wire.escape_ascii());
        }
    }
}
