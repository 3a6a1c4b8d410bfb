//! One file of a form as browsers send it (`multipart/form-data`, RFC 7578), read where it lies: nothing is copied or decoded.
//!
//! In: the type and the whole body, which the route has bounded. Out: the octets of the file. Invariant: what is not such a form is `None`.

/// Parts looked at.
const PARTS_MAX: usize = 20;
/// RFC 2046 §5.1.1.
const BOUNDARY_OCTETS_MAX: usize = 70;
/// Octets of the header of a part.
const HEAD_OCTETS_MAX: usize = 4_096;

/// The content of the field of this name.
pub fn field<'a>(content_type: &str, body: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let boundary = boundary(content_type)?;
    let opening = format!("--{boundary}").into_bytes();
    let mut rest = &body[find(body, &opening)? + opening.len()..];
    for _ in 0..PARTS_MAX {
        rest = rest.strip_prefix(b"\r\n")?; // "--" stands here after the last part
        let end = find(rest, &[b"\r\n".as_slice(), &opening].concat())?;
        let part = &rest[..end];
        let head = find(part, b"\r\n\r\n").filter(|at| *at <= HEAD_OCTETS_MAX)?;
        if is_named(&String::from_utf8_lossy(&part[..head]), name) {
            return Some(&part[head + 4..]);
        }
        rest = &rest[end + 2 + opening.len()..];
    }
    None
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let given = parameters.split(';').find_map(|one| {
        let (name, value) = one.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_string())
    })?;
    (!given.is_empty() && given.len() <= BOUNDARY_OCTETS_MAX).then_some(given)
}

fn is_named(head: &str, wanted: &str) -> bool {
    let disposition = head.lines().find(|line| line.get(..20).is_some_and(|name| name.eq_ignore_ascii_case("content-disposition:")));
    disposition.is_some_and(|line| line.split(';').any(|one| one.trim() == format!("name=\"{wanted}\"")))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_among_the_fields() {
        let body = b"--xyz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--xyz\r\ncontent-disposition: form-data; name=\"file\"; filename=\"b.eml\"\r\nContent-Type: message/rfc822\r\n\r\nFrom: a\r\n\r\n--xy no end\r\n--xyz--\r\n";
        for (kind, name, want) in [
            ("multipart/form-data; boundary=xyz", "file", Some("From: a\r\n\r\n--xy no end")),
            ("multipart/form-data; charset=utf-8; boundary=\"xyz\"", "note", Some("hello")),
            ("multipart/form-data; boundary=xyz", "other", None),
            ("multipart/form-data; boundary=zzz", "file", None),
            ("multipart/form-data", "file", None),
            ("application/json", "file", None),
        ] {
            let found = field(kind, body, name).map(|octets| String::from_utf8_lossy(octets).into_owned());
            assert_eq!(found.as_deref(), want, "{kind} {name}");
        }
        for cut in 0..body.len() {
            let _ = field("multipart/form-data; boundary=xyz", &body[..cut], "file");
        }
    }
}
