//! A saved message as it was on the wire.

use bytes::Bytes;

/// The message of a file: without the envelope line that mailboxes put first (RFC 4155 Appendix A), lines ended by CRLF. What was signed is
/// looked at as it was signed.
pub fn as_on_the_wire(saved: Bytes) -> Bytes {
    let message = match saved.starts_with(b"From ") {
        true => saved.slice(memchr::memchr(b'\n', &saved).map_or(saved.len(), |end| end + 1)..),
        false => saved,
    };
    let is_bare = |at: usize| at == 0 || message[at - 1] != b'\r';
    let bare = memchr::memchr_iter(b'\n', &message).filter(|at| is_bare(*at)).count();
    if bare == 0 {
        return message;
    }
    let mut out = Vec::with_capacity(message.len() + bare);
    let mut from = 0;
    for at in memchr::memchr_iter(b'\n', &message).filter(|at| is_bare(*at)) {
        out.extend_from_slice(&message[from..at]);
        out.extend_from_slice(b"\r\n");
        from = at + 1;
    }
    out.extend_from_slice(&message[from..]);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_end_in_crlf_and_the_mailbox_line_goes() {
        for (saved, wire) in [
            ("From x\na\r\nb\n", "a\r\nb\r\n"),
            ("\na\r\nb\nc", "\r\na\r\nb\r\nc"),
            ("a\rb\r\n", "a\rb\r\n"),
            ("From x", ""),
            ("From: x\n", "From: x\r\n"),
            ("", ""),
        ] {
            assert_eq!(as_on_the_wire(saved.into()), wire, "{saved:?}");
        }
    }

    proptest! {
        #[test]
        fn twice_is_as_once(octets in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'a')], 0..60)) {
            let once = as_on_the_wire(octets.into());
            prop_assert_eq!(as_on_the_wire(once.clone()), once.clone());
            prop_assert!(!once.windows(2).any(|two| two[1] == b'\n' && two[0] != b'\r') && !once.starts_with(b"\n"));
        }
    }
}
