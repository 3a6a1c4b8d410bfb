//! One request over HTTP/1.1 and its answer, on a connection of its own.

use super::Session;
use crate::delivery::{Hop, is_public};
use crate::mailbox::trust::Stream;
use crate::mailbox::{COMMAND, CONNECT, MailboxError};
use mail::jmap::{Answer, JmapError, Url, read_answer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Octets of status line and fields, on top of what an answer may have.
const HEAD_OCTETS_MAX: usize = 32 << 10;
const READ_OCTETS: usize = 16 << 10;

impl Session {
    /// Sends one request; any answer that is HTTP is an answer.
    pub(super) async fn ask(&self, method: &str, url: &Url, json: Option<&str>, octets_max: usize) -> Result<Answer, MailboxError> {
        let stream = self.connected(url).await?;
        let usual = if url.is_tls { 443 } else { 80 };
        let host = if url.port == usual { url.host.clone() } else { url.host_with_port() };
        let body = json.unwrap_or_default();
        let kind = if json.is_some() { "Content-Type: application/json\r\n" } else { "" };
        let head = format!(
            "{method} {} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\nUser-Agent: Gatepost\r\nAccept: application/json, */*\r\n\
             {kind}Content-Length: {}\r\nConnection: close\r\n\r\n",
            url.path,
            self.authorization,
            body.len()
        );
        timeout(COMMAND, self.exchange(stream, &format!("{head}{body}"), octets_max)).await.map_err(|_| MailboxError::TimedOut)?
    }

    /// The first address that takes a connection.
    async fn connected(&self, url: &Url) -> Result<Box<dyn Stream>, MailboxError> {
        let mut failed = MailboxError::Settings(format!("{} has no address", self.server));
        for hop in &self.hops {
            match self.connected_to(hop, url).await {
                Ok(stream) => return Ok(stream),
                Err(why) => failed = why,
            }
        }
        Err(failed)
    }

    async fn connected_to(&self, hop: &Hop, url: &Url) -> Result<Box<dyn Stream>, MailboxError> {
        if !url.is_tls && is_public(hop.address.ip()) {
            return Err(MailboxError::Settings("without TLS only a JMAP server inside is spoken to; write https://".into()));
        }
        let unreachable = |why: String| MailboxError::Unreachable { server: hop.to_string(), why };
        let stream = match timeout(CONNECT, TcpStream::connect(hop.address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => return Err(unreachable(why.to_string())),
            Err(_) => return Err(unreachable("no answer in time".into())),
        };
        let _ = stream.set_nodelay(true); // only speed depends on it
        match url.is_tls {
            true => Ok(Box::new(self.trust.secure(hop, stream).await?)),
            false => Ok(Box::new(stream)),
        }
    }

    async fn exchange(&self, mut stream: Box<dyn Stream>, request: &str, octets_max: usize) -> Result<Answer, MailboxError> {
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut octets = Vec::new();
        loop {
            octets.reserve(READ_OCTETS);
            let is_end = match stream.read_buf(&mut octets).await {
                Ok(read) => read == 0,
                // Many servers end TLS without saying so; whether the answer is whole, its own length says.
                Err(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => true,
                Err(why) => return Err(why.into()),
            };
            if octets.len() > octets_max + HEAD_OCTETS_MAX {
                return Err(self.unusable(JmapError::TooMuch));
            }
            if let Some(answer) = read_answer(&octets, is_end).map_err(|why| self.unusable(why))? {
                return Ok(answer);
            }
            if is_end {
                return Err(MailboxError::Lost(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}
