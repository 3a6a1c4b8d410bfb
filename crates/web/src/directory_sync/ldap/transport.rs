//! A connection under TLS to a directory: `ldaps://`, or `ldap://` with STARTTLS (RFC 4511 §4.14). There is no other way.

use super::ber::{self, Reader};
use crate::directory_sync::fault::SyncError;
use crate::directory_sync::settings::SourceSettings;
use gateway::delivery::is_public;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Connection and TLS together.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Octets of the answer to STARTTLS.
const ANSWER_OCTETS_MAX: usize = 4_096;
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
/// Certificates of one file of authorities.
const AUTHORITIES_MAX: usize = 500;

/// What a client reads from and writes to.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Where a directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// TLS from the first octet.
    pub is_ldaps: bool,
    pub host: String,
    pub port: u16,
}

/// `ldap://host[:port]` or `ldaps://host[:port]`; a path behind it is passed over.
pub fn place(url: &str) -> Option<Place> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let is_ldaps = match scheme.to_ascii_lowercase().as_str() {
        "ldaps" => true,
        "ldap" => false,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')) {
        Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)?),
        None => (authority, if is_ldaps { 636 } else { 389 }),
    };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let is_host = !bare.is_empty() && bare.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._:%".contains(&octet));
    is_host.then(|| Place { is_ldaps, host: bare.to_string(), port })
}

/// Certificates in PEM; `None` when there is none, or what stands there is something else.
pub fn authorities(pem: &str) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()).take(AUTHORITIES_MAX) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

/// Connects, and is under TLS when it returns.
pub async fn connect(settings: &SourceSettings) -> Result<Box<dyn Stream>, SyncError> {
    let place = place(&settings.url).ok_or(SyncError::Address)?;
    let config = config(&settings.ca)?;
    timeout(CONNECT_WITHIN, connected(&place, config, settings.allow_private)).await.map_err(|_| SyncError::Late)?
}

async fn connected(place: &Place, config: Arc<ClientConfig>, is_private_fine: bool) -> Result<Box<dyn Stream>, SyncError> {
    let shown = format!("{}:{}", place.host, place.port);
    let found = tokio::net::lookup_host((place.host.as_str(), place.port)).await.map_err(|_| SyncError::Unresolved(place.host.clone()))?;
    let found: Vec<SocketAddr> = found.collect();
    let fine: Vec<SocketAddr> = found.iter().copied().filter(|address| is_private_fine || is_public(address.ip())).collect();
    if fine.is_empty() {
        return Err(found.first().map_or(SyncError::Unresolved(place.host.clone()), |one| SyncError::Private(one.ip().to_string())));
    }
    let mut stream = TcpStream::connect(fine.as_slice()).await.map_err(|why| SyncError::Unreachable(format!("{shown} ({why})")))?;
    if !place.is_ldaps {
        start_tls(&mut stream).await?;
    }
    let name = ServerName::try_from(place.host.clone()).map_err(|_| SyncError::Address)?;
    let tls = TlsConnector::from(config).connect(name, stream).await.map_err(|why| wrong_tls(&why, &place.host))?;
    Ok(Box::new(tls))
}

fn config(ca: &str) -> Result<Arc<ClientConfig>, SyncError> {
    let roots = match ca.trim() {
        "" => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        // Their own authority alone: what the world trusts has no say about an inner server.
        pem => authorities(pem).ok_or(SyncError::Authority)?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|why| SyncError::Ours(why.to_string()))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn wrong_tls(why: &io::Error, host: &str) -> SyncError {
    let inner = why.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => SyncError::CertificateTime,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                SyncError::CertificateName(host.to_string())
            }
            CertificateError::UnknownIssuer => SyncError::Certificate("unknown authority".into()),
            other => SyncError::Certificate(super::client::plain(&other.to_string())),
        },
        Some(rustls::Error::InvalidMessage(_)) => SyncError::NotTls,
        Some(other) => SyncError::NoTls(super::client::plain(&other.to_string())),
        // A server that does not know what came closes.
        None if why.kind() == io::ErrorKind::UnexpectedEof || why.kind() == io::ErrorKind::ConnectionReset => SyncError::NotTls,
        None => SyncError::Closed,
    }
}

/// Asks for TLS on a plain connection. Nothing else was said on it before.
async fn start_tls(stream: &mut TcpStream) -> Result<(), SyncError> {
    let request = ber::joined(0x77, &[ber::text(0x80, START_TLS)]);
    let message = ber::joined(ber::SEQUENCE, &[ber::number(ber::INTEGER, 1), request]);
    stream.write_all(&message).await.map_err(|_| SyncError::Closed)?;
    // Octet by octet: what comes behind the answer belongs to TLS.
    let mut answer = Vec::new();
    loop {
        match ber::head(&answer).map_err(|_| SyncError::NotLdap)? {
            Some((from, length)) if from + length > ANSWER_OCTETS_MAX => return Err(SyncError::NotLdap),
            Some((from, length)) if answer.len() == from + length => break,
            _ => {}
        }
        match stream.read_u8().await {
            Ok(octet) => answer.push(octet),
            Err(_) if answer.is_empty() => return Err(SyncError::NotLdap), // it waited for TLS at once
            Err(_) => return Err(SyncError::Closed),
        }
    }
    let not_ldap = |_| SyncError::NotLdap;
    let mut reader = Reader(Reader(&answer).expect(ber::SEQUENCE).map_err(not_ldap)?);
    reader.number(ber::INTEGER).map_err(not_ldap)?;
    let mut result = Reader(reader.expect(0x78).map_err(not_ldap)?);
    let code = result.number(ber::ENUMERATED).map_err(not_ldap)?;
    result.expect(ber::OCTETS).map_err(not_ldap)?;
    let said = super::client::plain(&result.text().map_err(not_ldap)?);
    if code == 0 { Ok(()) } else { Err(SyncError::NoTls(format!("{code} {said}").trim().to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let at = |is_ldaps, host: &str, port| Some(Place { is_ldaps, host: host.into(), port });
        for (url, want) in [
            ("ldap://dir.a.example", at(false, "dir.a.example", 389)),
            ("LDAPS://dir.a.example/", at(true, "dir.a.example", 636)),
            ("ldaps://dir.a.example:3269/dc=a?mail", at(true, "dir.a.example", 3269)),
            ("ldap://[2001:db8::1]:1389", at(false, "2001:db8::1", 1389)),
            ("ldap://[2001:db8::1]", at(false, "2001:db8::1", 389)),
            ("ldap://192.0.2.1", at(false, "192.0.2.1", 389)),
            ("https://dir.a.example", None),
            ("dir.a.example", None),
            ("ldap://", None),
            ("ldap://a b", None),
            ("ldap://user@a", None),
            ("ldap://a:0", None),
            ("ldap://a:x", None),
        ] {
            assert_eq!(place(url), want, "{url}");
        }
    }

    #[test]
    fn authorities_are_pem() {
        assert!(authorities("").is_none());
        assert!(authorities("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_none());
        assert!(matches!(config("nonsense"), Err(SyncError::Authority)));
        assert!(config("").is_ok());
    }
}
