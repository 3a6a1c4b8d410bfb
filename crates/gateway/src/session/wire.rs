//! The octets of one session: a read buffer, a write buffer, the change to TLS, and time limits.
//!
//! Replies collect in the write buffer and leave in one segment once nothing complete is left to answer (RFC 2920 §3.2).
//! Invariant: no wait is without end, and nothing that was read before TLS is left after it (RFC 3207 §6).

use bytes::BytesMut;
use futures_util::FutureExt;
use mail::smtp::{COMMAND_LINE_OCTETS_MAX, Line, LineReader, Reply};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What an idle session holds for reading: one longest command.
const INPUT_IDLE_OCTETS: usize = COMMAND_LINE_OCTETS_MAX;
/// Read at once while a message comes in: the larger, the more of it came already.
const INPUT_CONTENT_OCTETS_MIN: usize = 16 * 1024;
const INPUT_CONTENT_OCTETS_MAX: usize = 128 * 1024;
/// A message of which so much came is a stream: more of it is on its way.
const STREAM_OCTETS_MIN: u64 = 32 * 1024;
/// How often others go first before we sleep until more of a stream is here: waking a thread takes longer than the next piece.
const STREAM_TURNS_MAX: usize = 16;
/// Replies that wait are sent at the latest when they are this long.
const REPLIES_OCTETS_MAX: usize = 8 * 1024;
/// After our last word we read what the peer still sends, so that a reset does not take our reply away.
const LINGER_WAIT: Duration = Duration::from_secs(2);
const LINGER_OCTETS_MAX: usize = 256 * 1024;

/// Why the peer can no longer be heard.
#[derive(Debug, thiserror::Error)]
pub enum Gone {
    /// It hung up, or the network broke.
    #[error("the peer hung up")]
    Closed,
    #[error("the peer was too slow")]
    Slow,
    /// We were asked to stop.
    #[error("this server is stopping")]
    Stopping,
}

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Gone {
        Gone::Closed
    }
}

/// One connection, before and after STARTTLS.
enum Transport<S> {
    Plain(S),
    Tls(Box<TlsStream<S>>),
    /// Between the two.
    Changing,
}

pub struct Wire<S> {
    transport: Transport<S>,
    input: LineReader,
    output: Vec<u8>,
    reply_wait: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S, reply_wait: Duration) -> Wire<S> {
        let input = LineReader::new(COMMAND_LINE_OCTETS_MAX);
        Wire { transport: Transport::Plain(stream), input, output: Vec::new(), reply_wait }
    }

    /// What was read and not yet used.
    pub fn unread(&self) -> &[u8] {
        self.input.waiting()
    }

    /// Marks octets of [`Wire::unread`] as used.
    pub fn consume(&mut self, octets: usize) {
        self.input.advance(octets);
    }

    pub fn next_line(&mut self) -> Line {
        self.input.next_line()
    }

    /// Reads more of a command.
    pub async fn more_command(&mut self, deadline: Instant) -> Result<usize, Gone> {
        self.more(deadline, INPUT_IDLE_OCTETS).await
    }

    /// Reads what comes next of a message of which `seen` octets came, after sending waiting replies.
    pub async fn more_content(&mut self, deadline: Instant, seen: u64) -> Result<usize, Gone> {
        self.send().await?;
        let room = usize::try_from(seen).unwrap_or(usize::MAX).clamp(INPUT_CONTENT_OCTETS_MIN, INPUT_CONTENT_OCTETS_MAX);
        if seen >= STREAM_OCTETS_MIN {
            for _ in 0..STREAM_TURNS_MAX {
                if let Some(octets) = self.more(deadline, room).now_or_never() {
                    return octets;
                }
                tokio::task::yield_now().await;
            }
        }
        self.more(deadline, room).await
    }

    async fn more(&mut self, deadline: Instant, room: usize) -> Result<usize, Gone> {
        let buffer = self.input.buffer();
        if buffer.capacity() - buffer.len() < room / 4 {
            buffer.reserve(room);
        }
        match timeout_at(deadline, self.transport.read_buf(buffer)).await {
            Err(_) => Err(Gone::Slow),
            Ok(Ok(0)) | Ok(Err(_)) => Err(Gone::Closed),
            Ok(Ok(octets)) => Ok(octets),
        }
    }

    /// A message is complete: its large buffer goes back unless it holds something.
    pub fn shrink(&mut self) {
        let buffer = self.input.buffer();
        if buffer.is_empty() && buffer.capacity() > INPUT_IDLE_OCTETS {
            *buffer = BytesMut::new();
            self.input.advance(0);
        }
    }

    /// The peer has sent something that we have not asked for yet. Does not wait.
    pub fn is_talking(&mut self) -> bool {
        if self.input.waiting().is_empty() {
            let buffer = self.input.buffer();
            buffer.reserve(1);
            let _ = self.transport.read_buf(buffer).now_or_never(); // an error shows again on the next read
        }
        !self.input.waiting().is_empty()
    }

    /// The peer says something within `wait`; `Err` when it hangs up.
    pub async fn talks_within(&mut self, wait: Duration) -> Result<bool, Gone> {
        match self.more(Instant::now() + wait, INPUT_IDLE_OCTETS).await {
            Ok(_) => Ok(true),
            Err(Gone::Slow) => Ok(false),
            Err(gone) => Err(gone),
        }
    }

    pub fn put(&mut self, octets: &[u8]) {
        self.output.extend_from_slice(octets);
    }

    pub fn put_reply(&mut self, reply: &Reply) {
        reply.write_to(&mut self.output);
    }

    /// Many replies wait already; a peer that only sends must not fill our memory.
    pub fn is_output_full(&self) -> bool {
        self.output.len() >= REPLIES_OCTETS_MAX
    }

    /// Sends the waiting replies.
    pub async fn send(&mut self) -> Result<(), Gone> {
        if self.output.is_empty() {
            return Ok(());
        }
        let sending = async {
            self.transport.write_all(&self.output).await?;
            self.transport.flush().await
        };
        timeout(self.reply_wait, sending).await.map_err(|_| Gone::Slow)??;
        self.output.clear();
        Ok(())
    }

    /// RFC 3207: the handshake, then an empty session. Whatever was read in the clear is gone.
    pub async fn start_tls(&mut self, acceptor: TlsAcceptor, wait: Duration) -> Result<(), Gone> {
        self.input.discard();
        self.output.clear();
        let Transport::Plain(stream) = std::mem::replace(&mut self.transport, Transport::Changing) else {
            return Err(Gone::Closed);
        };
        let secure = timeout(wait, acceptor.accept(stream)).await.map_err(|_| Gone::Slow)??;
        self.transport = Transport::Tls(Box::new(secure));
        Ok(())
    }

    pub fn tls(&self) -> Option<&rustls::ServerConnection> {
        match &self.transport {
            Transport::Tls(stream) => Some(stream.get_ref().1),
            _ => None,
        }
    }

    /// Sends what waits, says that no more comes, and hears the peer out for a moment.
    pub async fn close(&mut self) {
        if self.send().await.is_err() || !matches!(timeout(LINGER_WAIT, self.transport.shutdown()).await, Ok(Ok(()))) {
            return;
        }
        let (until, mut heard) = (Instant::now() + LINGER_WAIT, 0);
        while heard < LINGER_OCTETS_MAX {
            self.input.discard();
            match self.more(until, INPUT_IDLE_OCTETS).await {
                Ok(octets) => heard += octets,
                Err(_) => return,
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Transport<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, into),
            Transport::Changing => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Transport<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_write(context, octets),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, octets),
            Transport::Changing => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(context),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
            Transport::Changing => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            Transport::Changing => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}
