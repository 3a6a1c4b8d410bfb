//! Sends the samples through the real port, as any server would.

use super::mails::{SAMPLES, Sample};
use anyhow::{Context, bail};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A name that SPF knows in the demo: it counts where the envelope sender is empty.
const HELO: &str = "mx.partner.example";
const REPLY_WAIT: Duration = Duration::from_secs(60);
/// Lines of one reply; our own server sends fewer.
const REPLY_LINES_MAX: usize = 50;

/// How many were taken and how many refused.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sent {
    pub taken: usize,
    pub refused: usize,
}

/// Sends every sample over one connection each, dated now.
pub async fn send_samples(smtp: SocketAddr, now_ms: i64) -> anyhow::Result<Sent> {
    let mut sent = Sent::default();
    for sample in SAMPLES {
        let reply = send(smtp, sample, now_ms).await.with_context(|| format!("sending the sample {}", sample.name))?;
        match reply.starts_with('2') {
            true => sent.taken += 1,
            false => sent.refused += 1,
        }
    }
    Ok(sent)
}

/// The first reply that refuses, or the one to the message.
async fn send(smtp: SocketAddr, sample: &Sample, now_ms: i64) -> anyhow::Result<String> {
    let mut stream = BufReader::new(TcpStream::connect(smtp).await?);
    let mut reply = read(&mut stream).await?;
    let commands =
        [format!("EHLO {HELO}"), format!("MAIL FROM:<{}>", sample.sender), format!("RCPT TO:<{}>", sample.recipient), "DATA".to_string()];
    for command in commands {
        if !reply.starts_with(['2', '3']) {
            return Ok(reply);
        }
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        reply = read(&mut stream).await?;
    }
    if reply.starts_with('3') {
        stream.write_all(&on_the_wire(sample.octets, now_ms)).await?;
        reply = read(&mut stream).await?;
    }
    stream.write_all(b"QUIT\r\n").await?;
    Ok(reply)
}

async fn read(stream: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    let mut line = String::new();
    for _ in 0..REPLY_LINES_MAX {
        line.clear();
        if tokio::time::timeout(REPLY_WAIT, stream.read_line(&mut line)).await?? == 0 {
            bail!("the connection was closed");
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(line);
        }
    }
    bail!("the reply has no end")
}

/// CRLF line ends, dots doubled (RFC 5321 §4.5.2), the date of today, and the final dot.
fn on_the_wire(octets: &[u8], now_ms: i64) -> Vec<u8> {
    let mut wire = Vec::with_capacity(octets.len() + 1_024);
    let mut in_header = true;
    for line in octets.split(|octet| *octet == b'\n') {
        in_header &= !line.is_empty();
        if in_header && line.starts_with(b"Date: ") {
            wire.extend_from_slice(format!("Date: {}", gateway::intake::date(now_ms)).as_bytes());
        } else {
            if line.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend_from_slice(line);
        }
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    wire
}
