//! Fetches one small file over HTTPS from a host that somebody else named: an MTA-STS policy (RFC 8461 §3.3).
//!
//! Invariant: only public addresses, only port 443, the certificate must be for the name, no redirect is followed, and neither time nor
//! octets are without a limit.

use gateway::delivery::{Tls, is_public};
use mail::dns::{Dns, Record, RecordType};
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const WITHIN: Duration = Duration::from_secs(8);
/// RFC 8461 §3.3 lets a policy be 64 kilobytes.
const OCTETS_MAX: u64 = 64 << 10;
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
}

/// The body of `https://host/path` when the answer is 200.
pub async fn https(host: &str, path: &str, dns: &dyn Dns, tls: &Tls) -> Result<String, FetchError> {
    let addresses = addresses(host, dns).await?;
    match tokio::time::timeout(WITHIN, ask(host, path, &addresses, tls)).await {
        Ok(answer) => answer,
        Err(_) => Err(FetchError::Unreachable("no answer in time".into())),
    }
}

async fn addresses(host: &str, dns: &dyn Dns) -> Result<Vec<SocketAddr>, FetchError> {
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
    let public: Vec<SocketAddr> =
        found.into_iter().filter(|ip| is_public(*ip)).take(ADDRESSES_MAX).map(|ip| SocketAddr::new(ip, 443)).collect();
    if public.is_empty() { Err(FetchError::Inside) } else { Ok(public) }
}

async fn ask(host: &str, path: &str, addresses: &[SocketAddr], tls: &Tls) -> Result<String, FetchError> {
    let name = ServerName::try_from(host.to_string()).map_err(|_| FetchError::NoHost)?;
    let stream = TcpStream::connect(addresses).await.map_err(|why| FetchError::Unreachable(why.to_string()))?;
    let mut stream = tls.verified.connect(name, stream).await.map_err(|why| FetchError::Tls(why.to_string()))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Gatepost\r\nAccept: text/plain\r\nConnection: close\r\n\r\n");
    let unreachable = |why: std::io::Error| FetchError::Unreachable(why.to_string());
    stream.write_all(request.as_bytes()).await.map_err(unreachable)?;
    let mut answer = Vec::new();
    match stream.take(OCTETS_MAX).read_to_end(&mut answer).await {
        Ok(_) => {}
        Err(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => {} // many servers end TLS without saying so
        Err(why) => return Err(unreachable(why)),
    }
    body(&answer)
}

/// The body of an HTTP/1.1 answer that is 200 (RFC 9112 §6).
fn body(answer: &[u8]) -> Result<String, FetchError> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or(FetchError::Unreadable)?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(FetchError::Status(status.chars().take(100).collect()));
    }
    let is_chunked = head.lines().any(|line| line.to_ascii_lowercase().replace(' ', "").starts_with("transfer-encoding:chunked"));
    if is_chunked { unchunked(body).ok_or(FetchError::Unreadable) } else { Ok(body.to_string()) }
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
