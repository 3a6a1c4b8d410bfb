//! Fetches one small file over HTTPS from a host that somebody else named: an MTA-STS policy (RFC 8461 §3.3); and hands one in, a report
//! (RFC 8460 §5.4).
//!
//! Invariant: only public addresses and only port 443 unless the operator says otherwise, the certificate must be for the name, no redirect is followed, and neither time nor
//! octets are without a limit.

use crate::delivery::{Tls, is_public};
use mail::dns::{Dns, Record, RecordType};
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const WITHIN: Duration = Duration::from_secs(8);
/// RFC 8461 §3.3 lets a policy be 64 kilobytes.
const OCTETS_MAX: u64 = 64 << 10;
/// What stands above it.
const HEAD_OCTETS_MAX: u64 = 16 << 10;
const ADDRESSES_MAX: usize = 2;

/// Why there is no file. The words are for translation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("the host has no address")]
    NoHost,
    #[error("the host has no public address")]
    Inside,
    #[error("{0}")]
    Unreachable(String),
    #[error("{0}")]
    Tls(String),
    #[error("{0}")]
    Status(String),
    #[error("the answer cannot be read")]
    Unreadable,
    #[error("the answer is longer than 64 kilobytes")]
    TooLong,
}

/// Where hosts may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    pub port: u16,
    pub private: bool,
}

impl Default for Places {
    fn default() -> Places {
        Places { port: 443, private: false }
    }
}

/// The body of `https://host/path` when the answer is 200.
pub async fn https(host: &str, path: &str, dns: &dyn Dns, tls: &Tls) -> Result<String, FetchError> {
    https_at(host, path, (dns, tls), Places::default()).await
}

/// As [`https`], where hosts may be elsewhere.
pub async fn https_at(host: &str, path: &str, (dns, tls): (&dyn Dns, &Tls), places: Places) -> Result<String, FetchError> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Gatepost\r\nAccept: text/plain\r\nConnection: close\r\n\r\n");
    body(&ask(host, (head.as_bytes(), b""), (dns, tls), places).await?)
}

/// Hands `content` in at `https://host/path`; any 2xx is success (RFC 8460 §5.4).
pub async fn post(
    (host, path): (&str, &str),
    (media, content): (&str, &[u8]),
    (dns, tls): (&dyn Dns, &Tls),
    places: Places,
) -> Result<(), FetchError> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Gatepost\r\nContent-Type: {media}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    );
    let answer = ask(host, (head.as_bytes(), content), (dns, tls), places).await?;
    let (status, _) = head_and_body(&answer)?;
    match status.lines().next().unwrap_or_default().split(' ').nth(1).is_some_and(|code| code.len() == 3 && code.starts_with('2')) {
        true => Ok(()),
        false => Err(FetchError::Status(status.lines().next().unwrap_or_default().chars().take(100).collect())),
    }
}

async fn ask(host: &str, sent: (&[u8], &[u8]), (dns, tls): (&dyn Dns, &Tls), places: Places) -> Result<Vec<u8>, FetchError> {
    let addresses = addresses(host, dns, places).await?;
    match tokio::time::timeout(WITHIN, talk(host, sent, &addresses, tls)).await {
        Ok(answer) => answer,
        Err(_) => Err(FetchError::Unreachable("no answer in time".into())),
    }
}

async fn addresses(host: &str, dns: &dyn Dns, places: Places) -> Result<Vec<SocketAddr>, FetchError> {
    let mut found: Vec<IpAddr> = Vec::new();
    for kind in [RecordType::A, RecordType::Aaaa] {
        for record in dns.lookup(host, kind).await.iter().flat_map(|records| records.iter()) {
            match record {
                Record::A(ip) => found.push(IpAddr::V4(*ip)),
                Record::Aaaa(ip) => found.push(IpAddr::V6(*ip)),
                _ => {}
            }
        }
    }
    if found.is_empty() {
        return Err(FetchError::NoHost);
    }
    let may_be = |ip: &IpAddr| places.private || is_public(*ip);
    let usable: Vec<SocketAddr> = found.into_iter().filter(may_be).take(ADDRESSES_MAX).map(|ip| SocketAddr::new(ip, places.port)).collect();
    if usable.is_empty() { Err(FetchError::Inside) } else { Ok(usable) }
}

async fn talk(host: &str, (head, content): (&[u8], &[u8]), addresses: &[SocketAddr], tls: &Tls) -> Result<Vec<u8>, FetchError> {
    let name = ServerName::try_from(host.to_string()).map_err(|_| FetchError::NoHost)?;
    let stream = TcpStream::connect(addresses).await.map_err(|why| FetchError::Unreachable(why.to_string()))?;
    let mut stream = tls.verified.connect(name, stream).await.map_err(|why| FetchError::Tls(why.to_string()))?;
    let unreachable = |why: std::io::Error| FetchError::Unreachable(why.to_string());
    stream.write_all(head).await.map_err(unreachable)?;
    stream.write_all(content).await.map_err(unreachable)?;
    let mut answer = Vec::new();
    match stream.take(OCTETS_MAX + HEAD_OCTETS_MAX).read_to_end(&mut answer).await {
        Ok(_) => {}
        Err(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => {} // many servers end TLS without saying so
        Err(why) => return Err(unreachable(why)),
    }
    if answer.len() as u64 >= OCTETS_MAX + HEAD_OCTETS_MAX { Err(FetchError::TooLong) } else { Ok(answer) }
}

fn head_and_body(answer: &[u8]) -> Result<(String, String), FetchError> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or(FetchError::Unreadable)?;
    Ok((head.to_string(), body.to_string()))
}

/// The body of an HTTP/1.1 answer that is 200 and whole (RFC 9112 §6).
fn body(answer: &[u8]) -> Result<String, FetchError> {
    let (head, body) = head_and_body(answer)?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(FetchError::Status(status.chars().take(100).collect()));
    }
    let field = |name: &str| {
        let wanted = |line: &str| {
            line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_ascii_lowercase())
        };
        head.lines().find_map(wanted)
    };
    let whole = match field("transfer-encoding").as_deref() {
        Some("chunked") => unchunked(&body).ok_or(FetchError::Unreadable)?,
        // An answer that was cut off could leave out the mail servers that stand last.
        _ if field("content-length").is_some_and(|length| length.parse::<usize>() != Ok(body.len())) => return Err(FetchError::Unreadable),
        _ => body,
    };
    if whole.len() as u64 > OCTETS_MAX { Err(FetchError::TooLong) } else { Ok(whole) }
}

/// RFC 9112 §7.1.
fn unchunked(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..size)?);
        body = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_or_named() {
        for (answer, want) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nversion: STSv1\r\n", Ok("version: STSv1\r\n".to_string())),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n", Ok("abcde".into())),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc", Err(FetchError::Unreadable)),
            ("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n", Err(FetchError::Status("HTTP/1.1 301 Moved".into()))),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", Err(FetchError::Unreadable)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", Ok("abc".into())),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", Err(FetchError::Unreadable)),
            ("", Err(FetchError::Unreadable)),
        ] {
            assert_eq!(body(answer.as_bytes()), want, "{answer}");
        }
    }

    #[tokio::test]
    async fn nothing_inside_is_fetched() {
        let mut zone = mail::dns::Zone::new();
        zone.add("mta-sts.a.example", Record::A([127, 0, 0, 1].into()));
        let tls = Tls::new(&[]).expect("roots");
        assert_eq!(https("mta-sts.a.example", "/", &zone, &tls).await, Err(FetchError::Inside));
        assert_eq!(https("mta-sts.b.example", "/", &zone, &tls).await, Err(FetchError::NoHost));
    }
}
