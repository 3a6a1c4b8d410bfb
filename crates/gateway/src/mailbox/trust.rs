//! TLS with a mailbox server whose certificate is checked: by name, or by its fingerprint.

use super::settings::MailboxSettings;
use super::{CONNECT, MailboxError};
use crate::delivery::certificate::{fingerprint, is_pinned};
use crate::delivery::{Courier, Hop};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Which certificate counts.
pub(super) struct Trust {
    connector: TlsConnector,
    tls_name: String,
    pin: String,
}

impl Trust {
    pub(super) fn of(courier: &Courier, settings: &MailboxSettings) -> Trust {
        let connector = if settings.pin.is_empty() { &courier.tls.verified } else { &courier.tls.unverified };
        Trust { connector: connector.clone(), tls_name: settings.tls_name.clone(), pin: settings.pin.clone() }
    }

    pub(super) async fn secure(&self, hop: &Hop, stream: TcpStream) -> Result<TlsStream<TcpStream>, MailboxError> {
        let failed = |why: String| MailboxError::Tls { server: hop.to_string(), why };
        let name = if self.tls_name.is_empty() { &hop.name } else { &self.tls_name };
        let server = ServerName::try_from(name.clone()).map_err(|_| failed(format!("{name} is no name of a server")))?;
        let secured = match timeout(CONNECT, self.connector.connect(server, stream)).await {
            Ok(Ok(secured)) => secured,
            Ok(Err(why)) => return Err(failed(why.to_string())),
            Err(_) => return Err(MailboxError::TimedOut),
        };
        let shown = secured.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|own| fingerprint(own)).unwrap_or_default();
        match self.pin.is_empty() || is_pinned(&shown, &self.pin) {
            true => Ok(secured),
            false => Err(failed(format!("the certificate is not the one that is pinned; it has the SHA-256 {shown}"))),
        }
    }
}
