//! A connection on which nothing waits for an acknowledgement: what we write leaves at once, and what came is acknowledged as soon as
//! we wait for more of it.
//!
//! A sender with Nagle's algorithm keeps a short last segment until all before it is acknowledged (RFC 9293 §3.7.4), and a system
//! acknowledges late what is not answered (§3.8.6.3; 40 ms on Linux): a message of which nothing is answered before its end would wait
//! for its own end.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

pub struct Prompt {
    stream: TcpStream,
    /// Something was read since we last wrote or acknowledged.
    is_owed: bool,
}

impl Prompt {
    pub fn new(stream: TcpStream) -> Prompt {
        let _ = stream.set_nodelay(true); // what we say is written whole; a failure only costs time
        Prompt { stream, is_owed: false }
    }
}

impl AsyncRead for Prompt {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > before {
            self.is_owed = true;
        } else if read.is_pending() && self.is_owed {
            self.is_owed = false;
            let _ = self.stream.set_quickack(true); // sends what is owed (tcp(7)); a failure only costs time
        }
        read
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.is_owed = false; // what we send acknowledges
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.is_owed = false;
        Pin::new(&mut self.stream).poll_write_vectored(context, octets)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const DIALOGUES_MAX: usize = 100;

    /// A server after a dialogue, to which a part of a message comes, and which waits for the next: whether the system acknowledges at once.
    async fn acknowledges<S: AsyncRead + AsyncWrite + Unpin>(
        server: impl FnOnce(TcpStream) -> S,
        asked: impl Fn(&S) -> &TcpStream,
    ) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut client = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("it listens");
        let mut server = server(listener.accept().await.expect("it called").0);
        let mut octets = [0; 64];
        // A dialogue that was answered late on a busy machine does not count as one.
        for _ in 0..DIALOGUES_MAX {
            client.write_all(b"NOOP\r\n").await.expect("sent");
            let read = server.read(&mut octets).await.expect("read");
            assert_eq!(&octets[..read], b"NOOP\r\n");
            server.write_all(b"250 2.0.0 ok\r\n").await.expect("answered");
            let _ = client.read(&mut octets).await.expect("heard");
            if !asked(&server).quickack().expect("the system says so") {
                break;
            }
        }
        client.write_all(b"a part of a message").await.expect("sent");
        let _ = server.read(&mut octets).await.expect("read");
        poll_fn(|context| {
            let mut into = ReadBuf::new(&mut octets);
            assert!(Pin::new(&mut server).poll_read(context, &mut into).is_pending(), "nothing more came");
            Poll::Ready(())
        })
        .await;
        asked(&server).quickack().expect("the system says so")
    }

    #[tokio::test]
    async fn a_part_of_a_message_is_acknowledged_when_the_next_is_waited_for() {
        assert!(!acknowledges(|stream| stream, |stream| stream).await, "after a dialogue the system waits for an answer to send along");
        assert!(acknowledges(Prompt::new, |prompt| &prompt.stream).await);
    }
}
