use super::*;
use proptest::prelude::*;

/// A message with a bit of everything, to be broken in all places.
const SAMPLE: &str = "From: a@example.org\nSubject: =?utf-8?b?w6Q=?=\nDate: Mon, 2 Mar 2026 10:00:00 +0000\nContent-Type: multipart/mixed; boundary=\"b\"\n\n\
--b\nContent-Type: multipart/alternative; boundary*0=c;\n boundary*1=d\n\n--cd\nContent-Type: text/plain; charset=gb2312\nContent-Transfer-Encoding: base64\n\n0tTJz8qxuOQ=\n\
--cd\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<a href=3D\"https://x.example/\" style=3D\"display:none\">x&amp;</a><img src=3Dy>\n--cd--\n\
--b\nContent-Type: message/rfc822\n\nSubject: i\nContent-Type: application/zip; name*=utf-8''a.zip\nContent-Transfer-Encoding: base64\n\nUEsDBBQAAAAIAAAAIQCs7Jp7CwAAAAkAAAABAAAAYUtMTFRKTklNBgBQSwECFAMUAAAACAAAACEA\nrOyaewsAAAAJAAAAAQAAAAAAAAAAAAAAgAEAAAAAYVBLBQYAAAAAAQABAC8AAAAqAAAAAAA=\n\
--b\n\nbegin 644 a\n#0V%T\nend\n--b--\nepilogue www.example.com\n";

fn is_within(message: &Message, raw_octets: usize) -> bool {
    let budget = Budget::default();
    message.spent.parts <= budget.parts_max
        && message.spent.depth <= budget.depth_max
        && message.links.len() <= budget.links_max
        && message.spent.expanded_octets <= budget.expanded_octets_max.max(raw_octets as u64 * 10)
        && message.fields.len() <= budget.header_fields_max
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_octets_are_a_message(raw in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(is_within(&parse(&raw), raw.len()));
    }

    #[test]
    fn a_changed_message_is_a_message(changes in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..4, any::<u8>(), any::<prop::sample::Index>()), 1..12)) {
        let mut raw = SAMPLE.as_bytes().to_vec();
        for (place, how, octet, other) in changes {
            let at = place.index(raw.len());
            match how {
                0 => raw[at] = octet,
                1 => drop(raw.remove(at)),
                2 => raw.insert(at, octet),
                _ => {
                    let from = other.index(raw.len());
                    let piece = raw[from.min(at)..from.max(at)].to_vec();
                    raw.splice(at..at, piece);
                }
            }
        }
        prop_assert!(is_within(&parse(&raw), raw.len()));
    }
}

#[test]
fn hostile_messages_take_linear_time() {
    for piece in [
        "a:b\n",
        "\n",
        " \n",
        "--b\n",
        "--\n",
        "=?",
        "=?utf-8?q?a?=",
        "(",
        "\"",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n",
        "Content-Type: message/rfc822\n\n",
        "begin 644 a\n",
        "=ybegin name=a\n",
        "=ybegin name=a\nx\n=yend\n",
        "\r",
        "\0",
        "Content-Type: text/html\n",
        "boundary=b;",
        ";a=b",
        "PK\u{3}\u{4}",
    ] {
        let noise = piece.repeat((1 << 20) / piece.len());
        for raw in [
            noise.clone(),
            format!("From: {noise}"),
            format!("Content-Type: {noise}"),
            format!("Content-Type: multipart/mixed; boundary=b\n\n{noise}"),
            format!("Content-Disposition: attachment; filename={noise}"),
            format!("Content-Type: multipart/mixed; boundary=\"{}\"; {noise}", "b".repeat(60)),
        ] {
            let octets = raw.len();
            assert!(is_within(&parse(raw), octets), "{piece:?}");
        }
    }
}
