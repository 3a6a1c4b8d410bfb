//! One POST over HTTP/1.1, with TLS where the address says so: as much as a webhook needs.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Connection, request and answer together.
const POST_MAX: Duration = Duration::from_secs(15);
/// Octets of the answer's head that are read.
const HEAD_OCTETS_MAX: u64 = 4_096;
const SECRET_PREFIX: &str = "whsec_";

/// Why nothing was delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("not an address that begins with https:// or http://")]
    Address,
    #[error("an address inside a private network; the operator can allow it with [health] hooks_private")]
    Private,
    #[error("{0}")]
    Unreachable(String),
    #[error("answered {0}")]
    Refused(u16),
    #[error("no answer in time")]
    Late,
    #[error("not sent: its secret was sealed with another key; put the right seal file back, or remove it and add it again")]
    Sealed,
}

/// What a URL is made of: whether TLS, host, port, path with query.
pub fn parts(url: &str) -> Result<(bool, &str, u16, &str), Wrong> {
    let (is_tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err(Wrong::Address),
    };
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let path = path.split('#').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':').filter(|_| !authority.ends_with(']')) {
        Some((host, port)) => (host, port.parse().map_err(|_| Wrong::Address)?),
        None => (authority, if is_tls { 443 } else { 80 }),
    };
    let is_clean = |text: &str| text.bytes().all(|octet| octet.is_ascii_graphic());
    let is_host = !host.is_empty() && !host.contains('@') && is_clean(host) && is_clean(path);
    if is_host { Ok((is_tls, host, port, if path.is_empty() { "/" } else { path })) } else { Err(Wrong::Address) }
}

/// The key in a secret such as `whsec_MfKQ…`.
pub fn secret_parts(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()
}

/// `webhook-signature` as Standard Webhooks has it: HMAC-SHA256 over id, seconds and body.
pub fn sign(secret: &str, id: &str, seconds: i64, body: &str) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret_parts(secret)?);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(tag.as_ref())))
}

/// Sends one event; the status of an answer that took it. `when` is the time in seconds, and whether private addresses are fine.
pub(super) async fn post(url: &str, secret: &str, id: &str, body: &str, when: (i64, bool)) -> Result<u16, Wrong> {
    let (seconds, is_private_fine) = when;
    let signature = sign(secret, id, seconds, body).ok_or_else(|| Wrong::Unreachable("the secret is none".into()))?;
    let headers = format!(
        "Content-Type: application/cloudevents+json\r\nwebhook-id: {id}\r\nwebhook-timestamp: {seconds}\r\nwebhook-signature: {signature}\r\n"
    );
    sent(url, None, (&headers, body), is_private_fine).await
}

/// Publishes to a topic of ntfy as JSON: at the root of its server, as text of any language then needs no encoding.
pub(super) async fn push(url: &str, token: &str, body: &str, is_private_fine: bool) -> Result<u16, Wrong> {
    let login = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    sent(url, Some("/"), (&format!("Content-Type: application/json\r\n{login}"), body), is_private_fine).await
}

/// `path` instead of the one in the address.
async fn sent(url: &str, path: Option<&str>, (headers, body): (&str, &str), is_private_fine: bool) -> Result<u16, Wrong> {
    let (is_tls, host, port, own_path) = parts(url)?;
    let path = path.unwrap_or(own_path);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{headers}Content-Length: {}\r\nUser-Agent: Gatepost\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let work = async {
        let address = resolved(host, port, is_private_fine).await?;
        let stream = TcpStream::connect(address).await.map_err(unreachable)?;
        if !is_tls {
            return exchange(stream, &request).await;
        }
        let name = ServerName::try_from(host.to_string()).map_err(|_| Wrong::Address)?;
        let stream = TLS.clone()?.connect(name, stream).await.map_err(unreachable)?;
        exchange(stream, &request).await
    };
    let status = timeout(POST_MAX, work).await.map_err(|_| Wrong::Late)??;
    // A redirect is not followed: it would be another address than the one that was agreed on.
    if (200..300).contains(&status) { Ok(status) } else { Err(Wrong::Refused(status)) }
}

static TLS: LazyLock<Result<TlsConnector, Wrong>> = LazyLock::new(|| {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.map_err(|why| Wrong::Unreachable(why.to_string()))?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
});

fn unreachable(why: std::io::Error) -> Wrong {
    Wrong::Unreachable(why.to_string())
}

/// The first address of a name; the one that was looked at is the one that is connected to.
async fn resolved(host: &str, port: u16, is_private_fine: bool) -> Result<SocketAddr, Wrong> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = tokio::net::lookup_host((bare, port)).await.map_err(unreachable)?.collect();
    let fine = found.iter().find(|address| is_private_fine || gateway::delivery::is_public(address.ip()));
    fine.copied().ok_or(if found.is_empty() { Wrong::Unreachable("the name has no address".into()) } else { Wrong::Private })
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> Result<u16, Wrong> {
    stream.write_all(request.as_bytes()).await.map_err(unreachable)?;
    stream.flush().await.map_err(unreachable)?;
    let (mut head, mut limited) = (Vec::new(), stream.take(HEAD_OCTETS_MAX));
    let mut buffer = [0u8; 512];
    while !head.windows(2).any(|pair| pair == b"\r\n") {
        match limited.read(&mut buffer).await.map_err(unreachable)? {
            0 => break,
            octets => head.extend_from_slice(&buffer[..octets]),
        }
    }
    let line = String::from_utf8_lossy(&head);
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split_whitespace().nth(1)).and_then(|status| status.parse().ok());
    status.ok_or_else(|| Wrong::Unreachable("the answer is not HTTP".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        for (url, want) in [
            ("https://a.example/x?y=1#z", Ok((true, "a.example", 443, "/x?y=1"))),
            ("http://a.example:8080", Ok((false, "a.example", 8080, "/"))),
            ("https://[2001:db8::1]/x", Ok((true, "[2001:db8::1]", 443, "/x"))),
            ("ftp://a.example/", Err(Wrong::Address)),
            ("https://user@a.example/", Err(Wrong::Address)),
            ("https://a.example/x y", Err(Wrong::Address)),
            ("https://a.example/\r\nX: y", Err(Wrong::Address)),
            ("https:///x", Err(Wrong::Address)),
        ] {
            assert_eq!(parts(url), want, "{url}");
        }
    }

    /// The example of the Standard Webhooks specification and its libraries.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let body = r#"{"test": 2432232314}"#;
        let signed = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(sign("secret", "a", 1, body), None);
    }
}
