//! SMTP dialogues: plain files that say what we send and what we expect, run against a real socket.
//!
//! In: a file and an address. Out: nothing, or the line that went wrong and everything said until then. Each line is one step:
//! ```text
//! # a remark
//! > EHLO client.example        send this line and CRLF
//! = MAIL FROM:<>\r\nRSET\r\n   send exactly these octets; escapes \r \n \t \0 \\ and \xNN
//! fill 70000 x                 send 70000 times the letter x (the same escapes)
//! < 250 2.1.0                  read one whole reply: this code, and some line of it begins with this; * stands for anything
//! has SIZE                     some line of the last reply begins with this
//! lacks AUTH                   none does
//! pause                        let the server read what was sent so far
//! split 1                      from here on send in segments of at most 1 octet; 0 ends that
//! tls                          start TLS as the client, whatever the certificate
//! close                        the server closes now, without another word
//! cut                          the server closes now, whatever it still says (it may reset the connection)
//! shut                         end our side, still reading
//! connect                      leave and make a new connection
//! ```
//! A file begins connected. Not here: starting a server; what it does with the mail.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server that says nothing for this long fails the dialogue.
const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// Segments are spaced by this so that the other side reads them one by one.
const SEGMENT_GAP: Duration = Duration::from_millis(1);
const PAUSE: Duration = Duration::from_millis(5);
const REPLY_OCTETS_MAX: usize = 64 * 1024;

/// What went wrong, where, and what was said before.
#[derive(Debug)]
pub struct Failure {
    pub line: usize,
    pub why: String,
    pub transcript: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}\n--- until then ---\n{}", self.line, self.why, self.transcript)
    }
}

impl std::error::Error for Failure {}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Send(Vec<u8>),
    Expect { code: String, text: String },
    Has(String),
    Lacks(String),
    Split(usize),
    Pause,
    Tls,
    Close,
    Cut,
    Shut,
    Connect,
}

/// Reads the file and runs it.
/// # Panics
/// When the file cannot be read or the dialogue fails: it is for tests.
pub async fn run_file(path: &Path, server: SocketAddr) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if let Err(failure) = run(&text, server).await {
        panic!("{}: {failure}", path.display());
    }
}

/// Runs one dialogue against `server`.
/// # Errors
/// The first step that did not go as written.
pub async fn run(text: &str, server: SocketAddr) -> Result<(), Failure> {
    let mut talk = Talk { wire: None, server, split: 0, reply: Vec::new(), ahead: Vec::new(), transcript: String::new() };
    for (n, line) in text.lines().enumerate() {
        let fail = |why: String, talk: &Talk| Failure { line: n + 1, why, transcript: talk.transcript.clone() };
        let step = match read_step(line) {
            Ok(Some(step)) => step,
            Ok(None) => continue,
            Err(why) => return Err(fail(why, &talk)),
        };
        if let Err(why) = talk.take(&step).await {
            return Err(fail(format!("“{line}”: {why}"), &talk));
        }
    }
    Ok(())
}

fn read_step(line: &str) -> Result<Option<Step>, String> {
    if line.trim().is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    Ok(Some(match word {
        ">" => Step::Send(format!("{rest}\r\n").into_bytes()),
        "=" => Step::Send(unescape(rest)?),
        "fill" => {
            let (times, what) = rest.split_once(' ').ok_or("write: fill TIMES TEXT")?;
            Step::Send(unescape(what)?.repeat(times.parse().map_err(|_| "TIMES is a number")?))
        }
        "<" => {
            let (code, text) = rest.split_once(' ').unwrap_or((rest, ""));
            Step::Expect { code: code.to_string(), text: text.to_string() }
        }
        "has" => Step::Has(rest.to_string()),
        "lacks" => Step::Lacks(rest.to_string()),
        "split" => Step::Split(rest.trim().parse().map_err(|_| "write: split OCTETS")?),
        "pause" => Step::Pause,
        "tls" => Step::Tls,
        "close" => Step::Close,
        "cut" => Step::Cut,
        "shut" => Step::Shut,
        "connect" => Step::Connect,
        _ => return Err(format!("“{word}” is no step of a dialogue")),
    }))
}

/// `\r \n \t \0 \\ \xNN` and everything else as it stands.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let (mut octets, mut rest) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(octet) = rest.next() {
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        octets.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let digits = [rest.next().unwrap_or(b' '), rest.next().unwrap_or(b' ')];
                let digits = std::str::from_utf8(&digits).map_err(|_| "\\x wants two hexadecimal digits")?;
                u8::from_str_radix(digits, 16).map_err(|_| "\\x wants two hexadecimal digits")?
            }
            _ => return Err("after \\ comes r, n, t, 0, \\ or xNN".to_string()),
        });
    }
    Ok(octets)
}

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

struct Talk {
    wire: Option<Box<dyn Wire>>,
    server: SocketAddr,
    split: usize,
    /// Lines of the last reply, without CRLF.
    reply: Vec<String>,
    /// Octets read behind the last reply.
    ahead: Vec<u8>,
    transcript: String,
}

impl Talk {
    async fn take(&mut self, step: &Step) -> Result<(), String> {
        if self.wire.is_none() && *step != Step::Connect {
            self.connect().await?;
        }
        match step {
            Step::Send(octets) => self.send(octets).await,
            Step::Expect { code, text } => self.expect(code, text).await,
            Step::Has(text) => self.has(text).then_some(()).ok_or_else(|| format!("the reply is {:?}", self.reply)),
            Step::Lacks(text) => (!self.has(text)).then_some(()).ok_or_else(|| format!("the reply is {:?}", self.reply)),
            Step::Split(octets) => {
                self.split = *octets;
                Ok(())
            }
            Step::Pause => {
                tokio::time::sleep(PAUSE).await;
                Ok(())
            }
            Step::Tls => self.start_tls().await,
            Step::Close => self.closed(false).await,
            Step::Cut => self.closed(true).await,
            Step::Shut => self.wire().shutdown().await.map_err(|error| error.to_string()),
            Step::Connect => self.connect().await,
        }
    }

    fn wire(&mut self) -> &mut Box<dyn Wire> {
        self.wire.as_mut().expect("connected in `take` before any other step")
    }

    async fn connect(&mut self) -> Result<(), String> {
        self.ahead.clear();
        let stream = TcpStream::connect(self.server).await.map_err(|error| format!("connecting: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        self.wire = Some(Box::new(stream));
        self.transcript.push_str("--- connected\n");
        Ok(())
    }

    async fn send(&mut self, octets: &[u8]) -> Result<(), String> {
        let shown: String = octets.escape_ascii().to_string().chars().take(200).collect();
        let _ = writeln!(self.transcript, "> {shown}");
        let segment = if self.split == 0 { octets.len().max(1) } else { self.split };
        let is_split = self.split != 0;
        for piece in octets.chunks(segment) {
            self.wire().write_all(piece).await.map_err(|error| format!("sending: {error}"))?;
            self.wire().flush().await.map_err(|error| format!("sending: {error}"))?;
            if is_split {
                tokio::time::sleep(SEGMENT_GAP).await;
            }
        }
        Ok(())
    }

    async fn expect(&mut self, code: &str, text: &str) -> Result<(), String> {
        self.reply.clear();
        loop {
            let line = self.line().await?;
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            self.reply.push(line);
            if is_last {
                break;
            }
        }
        let is_code = self.reply.iter().all(|line| line.get(..3) == Some(code));
        if is_code && self.has(text) { Ok(()) } else { Err(format!("the reply is {:?}", self.reply)) }
    }

    fn has(&self, text: &str) -> bool {
        self.reply.iter().any(|line| matches(line.get(4..).unwrap_or_default(), text))
    }

    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.ahead.drain(..end + 2).take(end).collect();
                let line = String::from_utf8(line).map_err(|_| "a reply that is not UTF-8".to_string())?;
                let _ = writeln!(self.transcript, "< {line}");
                return Ok(line);
            }
            if self.ahead.len() > REPLY_OCTETS_MAX {
                return Err("a reply without end".to_string());
            }
            match self.more().await {
                Ok(0) => return Err(format!("the server closed the connection after {:?}", self.ahead.escape_ascii().to_string())),
                Ok(_) => {}
                Err(why) => return Err(why),
            }
        }
    }

    async fn more(&mut self) -> Result<usize, String> {
        let mut piece = [0u8; 4096];
        let read = tokio::time::timeout(ANSWER_WAIT, self.wire().read(&mut piece)).await;
        let octets = read.map_err(|_| "no answer".to_string())?.map_err(|error| format!("reading: {error}"))?;
        self.ahead.extend_from_slice(&piece[..octets]);
        Ok(octets)
    }

    async fn start_tls(&mut self) -> Result<(), String> {
        if !self.ahead.is_empty() {
            return Err("the server said more than its reply before TLS".to_string());
        }
        let plain = self.wire.take().expect("connected in `take` before any other step");
        let name = rustls::pki_types::ServerName::try_from("gate.example").map_err(|error| error.to_string())?;
        let handshake = tls_client().connect(name, plain);
        let secure = tokio::time::timeout(ANSWER_WAIT, handshake).await.map_err(|_| "no handshake".to_string())?;
        self.wire = Some(Box::new(secure.map_err(|error| format!("handshake: {error}"))?));
        self.transcript.push_str("--- TLS\n");
        Ok(())
    }

    async fn closed(&mut self, is_rough: bool) -> Result<(), String> {
        loop {
            let mut piece = [0u8; 4096];
            let read = tokio::time::timeout(ANSWER_WAIT, self.wire().read(&mut piece)).await;
            match read.map_err(|_| "the connection stays open".to_string())? {
                Ok(0) if is_rough || self.ahead.is_empty() => return Ok(()),
                Ok(octets) if is_rough => self.ahead.extend_from_slice(&piece[..octets]),
                Ok(octets) => {
                    self.ahead.extend_from_slice(&piece[..octets]);
                    return Err(format!("the server says {:?} instead", self.ahead.escape_ascii().to_string()));
                }
                // TLS without close_notify, or a reset because the server did not read what we sent last.
                Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                    return Ok(());
                }
                Err(error) => return Err(format!("reading: {error}")),
            }
        }
    }
}

/// `pattern` is how `line` begins; `*` stands for any text.
fn matches(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// A TLS client that takes any certificate: the dialogues are about SMTP.
fn tls_client() -> tokio_rustls::TlsConnector {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
        .with_no_client_auth();
    tokio_rustls::TlsConnector::from(Arc::new(config))
}

#[derive(Debug)]
struct AnyServer(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_read_as_written() {
        for (line, want) in [
            ("> EHLO a", Some(Step::Send(b"EHLO a\r\n".to_vec()))),
            (r"= a\r\n\x00\\", Some(Step::Send(b"a\r\n\0\\".to_vec()))),
            (r"fill 3 a\n", Some(Step::Send(b"a\na\na\n".to_vec()))),
            ("< 250 2.1.0 *ok", Some(Step::Expect { code: "250".into(), text: "2.1.0 *ok".into() })),
            ("split 1", Some(Step::Split(1))),
            ("# remark", None),
            ("", None),
        ] {
            assert_eq!(read_step(line), Ok(want), "{line}");
        }
        for line in ["EHLO a", "fill x y", r"= \q", r"= \x9", "split"] {
            assert!(read_step(line).is_err(), "{line}");
        }
    }

    #[test]
    fn patterns_match_the_beginning_of_a_line() {
        for (line, pattern, want) in [
            ("2.1.0 ok", "2.1.0", true),
            ("2.1.0 ok", "", true),
            ("2.1.0 ok", "*ok", true),
            ("2.1.0 ok", "2*o", true),
            ("2.1.0 ok", "ok", false),
            ("2.1.0 ok", "2*x", false),
        ] {
            assert_eq!(matches(line, pattern), want, "{line} {pattern}");
        }
    }
}
