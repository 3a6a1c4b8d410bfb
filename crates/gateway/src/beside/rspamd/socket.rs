//! A listener for HTTP that lets in whom `[beside] from` names, so many at a time, and hangs up on who keeps still.

use super::super::Shared;
use crate::connection::Prompt;
use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Neither octet nor answer for this long: longer than judging takes at most.
const IDLE_MAX: Duration = Duration::from_secs(330);
/// Pause after accept failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Socket {
    listener: TcpListener,
    shared: Arc<Shared>,
    seats: Arc<Semaphore>,
}

/// A connection with its seat.
pub(super) struct Seated {
    stream: Prompt,
    until: Pin<Box<Sleep>>,
    _seat: OwnedSemaphorePermit,
}

impl Socket {
    pub fn new(listener: TcpListener, shared: Arc<Shared>) -> Socket {
        let seats = Arc::new(Semaphore::new(shared.settings.connections_max));
        Socket { listener, shared, seats }
    }
}

impl Listener for Socket {
    type Io = Seated;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Seated, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((_, from)) if !self.shared.may_connect(from.ip()) => {
                    tracing::warn!(from = %from.ip(), "turned away from [listen] rspamd: [beside] from does not name this address");
                }
                Ok((stream, from)) => match self.seats.clone().try_acquire_owned() {
                    Ok(seat) => {
                        return (Seated { stream: Prompt::new(stream), until: Box::pin(tokio::time::sleep(IDLE_MAX)), _seat: seat }, from);
                    }
                    Err(_) => tracing::warn!(from = %from.ip(), "too many connections to [listen] rspamd; [beside] connections_max"),
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections for the moment");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Seated {
    fn moved(&mut self) {
        self.until.as_mut().reset(Instant::now() + IDLE_MAX);
    }
}

impl AsyncRead for Seated {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, into) {
            Poll::Ready(done) => {
                self.moved();
                Poll::Ready(done)
            }
            Poll::Pending => match self.until.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl AsyncWrite for Seated {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, octets) {
            Poll::Ready(done) => {
                self.moved();
                Poll::Ready(done)
            }
            Poll::Pending => match self.until.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
