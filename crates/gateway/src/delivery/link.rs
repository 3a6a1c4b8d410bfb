//! The bytes between us and a next hop: one connection, clear or TLS, replies read within limits.

use bytes::{Buf, Bytes, BytesMut};
use mail::smtp::{Reply, ReplyError, ReplyReader};
use std::io::{self, IoSlice};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Buffers handed to the kernel at once.
const SLICES_MAX: usize = 64;
const READ_OCTETS: usize = 4_096;

/// Why the connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the connection was lost: {0}")]
    Lost(#[source] io::Error),
    #[error("the next hop closed the connection")]
    Closed,
    #[error("the next hop did not answer in time")]
    TimedOut,
    #[error("the next hop does not keep to SMTP: {0}")]
    Garbled(#[source] ReplyError),
    #[error("the next hop sent text between its reply to STARTTLS and TLS")]
    Injected,
    #[error("TLS cannot be had for the name {0}")]
    Name(String),
}

impl From<io::Error> for LinkError {
    fn from(why: io::Error) -> LinkError {
        LinkError::Lost(why)
    }
}

/// An encrypted connection: version, cipher, and the certificates that the server showed, its own first.
pub struct Secured {
    pub version: String,
    pub cipher: String,
    pub chain: Vec<rustls::pki_types::CertificateDer<'static>>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Between clear text and TLS; a link in this state is dropped.
    Gone,
}

/// One connection.
pub struct Link {
    stream: Stream,
    input: BytesMut,
    reader: ReplyReader,
}

impl Link {
    pub fn new(stream: TcpStream) -> Link {
        Link { stream: Stream::Plain(stream), input: BytesMut::with_capacity(READ_OCTETS), reader: ReplyReader::new() }
    }

    /// TLS version and cipher; `None` in clear text.
    pub fn tls(&self) -> Option<String> {
        match &self.stream {
            Stream::Tls(stream) => {
                let version = stream.get_ref().1.protocol_version()?;
                Some(format!("{version:?}").replace("TLSv1_", "TLSv1."))
            }
            _ => None,
        }
    }

    /// What TLS came to; `None` in clear text.
    pub fn secured(&self) -> Option<Secured> {
        let Stream::Tls(stream) = &self.stream else { return None };
        let connection = stream.get_ref().1;
        let cipher = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or_default();
        let chain = connection.peer_certificates().unwrap_or_default();
        Some(Secured { version: self.tls().unwrap_or_default(), cipher: cipher.into(), chain: chain.to_vec() })
    }

    /// Goes over to TLS. What the peer sent in clear text beyond its reply must not count as said under TLS: it ends the link.
    pub async fn secure(&mut self, connector: &TlsConnector, name: &str, wait: Duration) -> Result<(), LinkError> {
        if !self.input.is_empty() {
            return Err(LinkError::Injected);
        }
        let host = name.trim_start_matches('[').trim_end_matches(']').to_string();
        let server = rustls::pki_types::ServerName::try_from(host).map_err(|_| LinkError::Name(name.to_string()))?;
        let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(LinkError::Closed);
        };
        let secured = timeout(wait, connector.connect(server, stream)).await.map_err(|_| LinkError::TimedOut)??;
        self.stream = Stream::Tls(Box::new(secured));
        Ok(())
    }

    /// Writes octets, all in one go where the kernel takes them.
    pub async fn send(&mut self, octets: &[u8], wait: Duration) -> Result<(), LinkError> {
        let writing = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.write_all(octets).await,
                Stream::Tls(stream) => {
                    stream.write_all(octets).await?;
                    stream.flush().await
                }
                Stream::Gone => Err(io::ErrorKind::NotConnected.into()),
            }
        };
        Ok(timeout(wait, writing).await.map_err(|_| LinkError::TimedOut)??)
    }

    /// Writes pieces without joining them; `wait` is for each part the kernel takes (RFC 5321 §4.5.3.2.5).
    pub async fn send_pieces(&mut self, pieces: &[Bytes], wait: Duration) -> Result<(), LinkError> {
        match &mut self.stream {
            Stream::Plain(stream) => write_pieces(stream, pieces, wait).await,
            Stream::Tls(stream) => {
                write_pieces(stream, pieces, wait).await?;
                Ok(timeout(wait, stream.flush()).await.map_err(|_| LinkError::TimedOut)??)
            }
            Stream::Gone => Err(LinkError::Closed),
        }
    }

    /// Reads one reply (RFC 5321 §4.2.1). `wait` is for the whole of it, so that a drip of lines ends too.
    pub async fn reply(&mut self, wait: Duration) -> Result<Reply, LinkError> {
        timeout(wait, self.read_reply()).await.map_err(|_| LinkError::TimedOut)?
    }

    async fn read_reply(&mut self) -> Result<Reply, LinkError> {
        loop {
            if !self.input.is_empty() {
                let (used, reply) = self.reader.feed(&self.input).map_err(LinkError::Garbled)?;
                self.input.advance(used);
                if let Some(reply) = reply {
                    return Ok(reply);
                }
            }
            self.input.reserve(READ_OCTETS);
            let read = match &mut self.stream {
                Stream::Plain(stream) => read_some(stream, &mut self.input).await?,
                Stream::Tls(stream) => read_some(stream, &mut self.input).await?,
                Stream::Gone => 0,
            };
            if read == 0 {
                return Err(LinkError::Closed);
            }
        }
    }
}

async fn read_some(stream: &mut (impl AsyncRead + Unpin), into: &mut BytesMut) -> io::Result<usize> {
    stream.read_buf(into).await
}

async fn write_pieces(stream: &mut (impl AsyncWrite + Unpin), pieces: &[Bytes], wait: Duration) -> Result<(), LinkError> {
    let (mut at, mut offset) = (0, 0);
    while at < pieces.len() {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let mut count = 0;
        for (n, piece) in pieces[at..].iter().take(SLICES_MAX).enumerate() {
            slices[n] = IoSlice::new(&piece[if n == 0 { offset } else { 0 }..]);
            count = n + 1;
        }
        let mut written = timeout(wait, stream.write_vectored(&slices[..count])).await.map_err(|_| LinkError::TimedOut)??;
        if written == 0 && slices[..count].iter().any(|slice| !slice.is_empty()) {
            return Err(LinkError::Closed);
        }
        while at < pieces.len() && written >= pieces[at].len() - offset {
            written -= pieces[at].len() - offset;
            (at, offset) = (at + 1, 0);
        }
        offset += written;
    }
    Ok(())
}
