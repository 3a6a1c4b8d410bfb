//! Headers made from other headers.

use super::super::header_edits::{HeaderEdit, between, body_of};
use proptest::prelude::*;

fn remove(name: &str, nth: u32) -> HeaderEdit {
    HeaderEdit::Remove { name: name.into(), nth }
}

fn replace(name: &str, nth: u32, value: &str) -> HeaderEdit {
    HeaderEdit::Replace { name: name.into(), nth, value: value.into() }
}

fn insert(at: u32, name: &str, value: &str) -> HeaderEdit {
    HeaderEdit::Insert { at, name: name.into(), value: value.into() }
}

#[test]
fn edits_are_few_and_in_an_order_that_works() {
    for (old, new, want, why) in [
        ("A: 1\r\nB: 2\r\n\r\nx", "A: 1\r\nB: 2\r\n\r\ny", vec![], "the same"),
        ("A: 1\r\n\r\n", "X: 0\r\nY: 1;\r\n\tz\r\nA: 1\r\n\r\n", vec![insert(0, "X", " 0"), insert(1, "Y", " 1;\r\n\tz")], "on top"),
        (
            "Authentication-Results: us\r\nA: 1\r\nauthentication-results: us\r\n\r\n",
            "Authentication-Results: new\r\nA: 1\r\n\r\n",
            vec![remove("authentication-results", 2), remove("Authentication-Results", 1), insert(0, "Authentication-Results", " new")],
            "stale ones go, from the bottom up",
        ),
        (
            "A: 1\r\nSubject: hi\r\nB: 2\r\n\r\n",
            "A: 1\r\nSubject: [x] hi\r\nB: 2\r\n\r\n",
            vec![replace("Subject", 1, " [x] hi")],
            "in its place",
        ),
        ("A: 1\r\nA: 2\r\nA: 1\r\n\r\n", "A: 2\r\nA: 1\r\n\r\n", vec![remove("A", 1)], "of three, one"),
        ("\r\nbody", "A: 1\r\n\r\nbody", vec![insert(0, "A", " 1")], "no header before"),
    ] {
        assert_eq!(between(old.as_bytes(), new.as_bytes(), |_, _| false), want, "{why}");
    }
    let received = |name: &[u8], _: &[u8]| name == b"Received";
    assert_eq!(between(b"A: 1\r\n\r\n", b"Received: us\r\nA: 1\r\n\r\n", received), vec![], "what is left out is not missed");
    assert_eq!((body_of(b"A: 1\r\n\r\nx\r\n\r\ny"), body_of(b"\r\nx"), body_of(b"A: 1\r\n")), (&b"x\r\n\r\ny"[..], &b"x"[..], &b""[..]));
}

/// What a server does with the edits.
fn applied(old: &[(String, String)], edits: &[HeaderEdit]) -> Vec<(String, String)> {
    let mut header = old.to_vec();
    let place = |header: &[(String, String)], name: &str, nth: u32| {
        let named = header.iter().enumerate().filter(|(_, (other, _))| other.eq_ignore_ascii_case(name));
        named.map(|(at, _)| at).nth(nth as usize - 1).expect("the field is there")
    };
    for edit in edits {
        match edit {
            HeaderEdit::Remove { name, nth } => drop(header.remove(place(&header, name, *nth))),
            HeaderEdit::Replace { name, nth, value } => {
                let at = place(&header, name, *nth);
                header[at].1 = String::from_utf8_lossy(value).into_owned();
            }
            HeaderEdit::Insert { at, name, value } => {
                header.insert(*at as usize, (name.clone(), String::from_utf8_lossy(value).into_owned()))
            }
        }
    }
    header
}

fn header() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(vec!["A", "Subject", "Authentication-Results", "X-Gatepost-Report"]);
    prop::collection::vec((name.prop_map(str::to_string), "[a-c]".prop_map(|value| format!(" {value}"))), 0..8)
}

fn octets(header: &[(String, String)]) -> Vec<u8> {
    let lines: String = header.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect();
    format!("{lines}\r\nbody").into_bytes()
}

proptest! {
    #[test]
    fn the_edits_make_the_new_header(old in header(), new in header()) {
        let edits = between(&octets(&old), &octets(&new), |_, _| false);
        let (mut made, mut want) = (applied(&old, &edits), new);
        made.sort();
        want.sort();
        prop_assert_eq!(made, want);
    }
}
