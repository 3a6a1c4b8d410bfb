//! The PROXY header in front of a connection from a load balancer: waiting for it, and taking no octet more.

use mail::smtp::proxy::{Proxied, ProxyError, V2_OCTETS_MAX, parse};
use std::io;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// A balancer sends the header with its first segment.
const HEADER_WAIT: Duration = Duration::from_secs(10);
/// Pause before looking again at a header of which a part is there. Looking takes nothing away, so nothing wakes us.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Why a connection does not begin as a balancer's does.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    #[error("no PROXY header came in time")]
    Slow,
    #[error(transparent)]
    Header(#[from] ProxyError),
    #[error("the connection broke before the PROXY header was complete: {0}")]
    Broken(#[from] io::Error),
}

/// Takes the header off the front of a connection.
pub async fn read_header(stream: &mut TcpStream) -> Result<Proxied, HeaderError> {
    timeout(HEADER_WAIT, look(stream)).await.map_err(|_| HeaderError::Slow)?
}

async fn look(stream: &mut TcpStream) -> Result<Proxied, HeaderError> {
    let mut octets = vec![0u8; V2_OCTETS_MAX];
    let mut seen = 0;
    loop {
        let here = stream.peek(&mut octets).await?;
        if here == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if let Some((length, proxied)) = parse(&octets[..here])? {
            stream.read_exact(&mut octets[..length]).await?;
            return Ok(proxied);
        }
        if here == octets.len() {
            return Err(ProxyError::TooLong.into());
        }
        if here == seen {
            sleep(LOOK_AGAIN).await;
        }
        seen = here;
    }
}
