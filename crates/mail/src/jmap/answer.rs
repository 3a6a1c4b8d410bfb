//! One answer over HTTP/1.1 (RFC 9112).

use super::JmapError;

/// Octets of status line and fields.
const HEAD_OCTETS_MAX: usize = 32 << 10;
/// Interim answers before the one that counts (RFC 9110 §15.2).
const INTERIM_MAX: usize = 5;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Where a redirect goes; '' is nowhere.
    pub location: String,
    pub body: Vec<u8>,
}

/// Reads an answer out of what came so far; `None` while more is needed. `is_end`: nothing more will come.
/// # Errors
/// It is not HTTP, or ended too early.
pub fn read_answer(mut octets: &[u8], is_end: bool) -> Result<Option<Answer>, JmapError> {
    for _ in 0..INTERIM_MAX {
        let window = &octets[..octets.len().min(HEAD_OCTETS_MAX)];
        let Some(end) = memchr::memmem::find(window, b"\r\n\r\n") else {
            let is_pending = !is_end && octets.len() < HEAD_OCTETS_MAX && could_be_http(octets);
            return if is_pending { Ok(None) } else { Err(JmapError::NotHttp) };
        };
        let head = std::str::from_utf8(&octets[..end]).map_err(|_| JmapError::NotHttp)?;
        let status = status_of(head)?;
        let body = &octets[end + 4..];
        if (100..200).contains(&status) {
            octets = body;
            continue;
        }
        let location = field(head, "location").filter(|text| !text.chars().any(char::is_control)).unwrap_or_default().to_string();
        return Ok(body_of(head, status, body, is_end)?.map(|body| Answer { status, location, body }));
    }
    Err(JmapError::NotHttp)
}

fn could_be_http(octets: &[u8]) -> bool {
    const BEGIN: &[u8] = b"HTTP/1.";
    let length = octets.len().min(BEGIN.len());
    octets[..length] == BEGIN[..length]
}

fn status_of(head: &str) -> Result<u16, JmapError> {
    let line = head.lines().next().unwrap_or_default();
    let code = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).filter(|code| code.len() == 3);
    code.and_then(|code| code.parse().ok()).filter(|code| (100..600).contains(code)).ok_or(JmapError::NotHttp)
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// RFC 9112 §6.3.
fn body_of(head: &str, status: u16, body: &[u8], is_end: bool) -> Result<Option<Vec<u8>>, JmapError> {
    if matches!(status, 204 | 304) {
        return Ok(Some(Vec::new()));
    }
    if field(head, "transfer-encoding").is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked")) {
        // Looked through only when it may be whole.
        return match is_end || body.ends_with(b"0\r\n\r\n") {
            true => match unchunked(body) {
                Some(whole) => Ok(Some(whole)),
                None if is_end => Err(JmapError::Broken),
                None => Ok(None),
            },
            false => Ok(None),
        };
    }
    match field(head, "content-length") {
        Some(length) => {
            let length: usize = length.parse().map_err(|_| JmapError::NotHttp)?;
            match body.get(..length) {
                Some(whole) => Ok(Some(whole.to_vec())),
                None if is_end => Err(JmapError::Broken),
                None => Ok(None),
            }
        }
        None => Ok(is_end.then(|| body.to_vec())),
    }
}

/// RFC 9112 §7.1.
fn unchunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line_end = memchr::memmem::find(body, b"\r\n")?;
        let line = std::str::from_utf8(&body[..line_end]).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        body = &body[line_end + 2..];
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(body.get(..size)?);
        body = body.get(size..)?.strip_prefix(b"\r\n")?;
    }
}
