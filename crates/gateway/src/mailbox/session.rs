//! One connection to a mailbox server: commands and their answers, within limits (RFC 3501; what else is used stands at the line).

use super::settings::{MailboxSettings, Security};
use super::trust::{Stream, Trust};
use super::{COMMAND, CONNECT, MailboxError};
use crate::delivery::{Courier, Hop};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::imap::{Body, Fetched, Folder, Response, ResponseReader, Status, quoted};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Octets of header fields of one message.
const HEADER_OCTETS_MAX: usize = 256 << 10;
/// Responses to one command.
const RESPONSES_MAX: usize = 20_000;
const READ_OCTETS: usize = 16 << 10;

/// An open connection.
pub struct Session {
    stream: Box<dyn Stream>,
    reader: ResponseReader,
    server: String,
    tags: u32,
    known: Vec<String>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session with {}", self.server)
    }
}

/// The answer to a command that went well.
pub(super) struct Answer {
    pub untagged: Vec<Response>,
    pub last: Response,
}

impl Answer {
    pub fn all(&self) -> impl Iterator<Item = &Response> {
        self.untagged.iter().chain(std::iter::once(&self.last))
    }
}

impl Session {
    /// Connects, secures, and reads what the server can.
    pub(super) async fn connect(courier: &Courier, settings: &MailboxSettings, hop: &Hop) -> Result<Session, MailboxError> {
        let unreachable = |why: String| MailboxError::Unreachable { server: hop.to_string(), why };
        let stream = match timeout(CONNECT, TcpStream::connect(hop.address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => return Err(unreachable(why.to_string())),
            Err(_) => return Err(unreachable("no answer in time".into())),
        };
        let _ = stream.set_nodelay(true); // only speed depends on it
        match settings.security {
            Security::Tls => {
                let secured = Trust::of(courier, settings).secure(hop, stream).await?;
                Session::greeted(Box::new(secured), hop).await
            }
            Security::Off if hop.address.ip().is_loopback() => Session::greeted(Box::new(stream), hop).await,
            Security::Off => Err(MailboxError::Settings("without TLS only a mailbox server on this machine is spoken to".into())),
            Security::Starttls => {
                let stream = start_tls(stream, hop).await?;
                let secured = Trust::of(courier, settings).secure(hop, stream).await?;
                // What was said before TLS is forgotten (RFC 3501 §6.2.1).
                let mut session = Session::over(Box::new(secured), hop);
                session.ask_capabilities().await?;
                Ok(session)
            }
        }
    }

    fn over(stream: Box<dyn Stream>, hop: &Hop) -> Session {
        Session { stream, reader: ResponseReader::new(HEADER_OCTETS_MAX), server: hop.to_string(), tags: 0, known: Vec::new() }
    }

    async fn greeted(stream: Box<dyn Stream>, hop: &Hop) -> Result<Session, MailboxError> {
        let mut session = Session::over(stream, hop);
        let greeting = session.response().await?;
        match &greeting.body {
            Body::Status { status: Status::Ok, .. } if greeting.tag == "*" => {}
            Body::Status { text, .. } => return Err(MailboxError::Unreachable { server: session.server, why: text.clone() }),
            _ => return Err(mail::imap::ImapError::Garbled.into()),
        }
        match greeting.capabilities() {
            Some(known) => session.known = known,
            None => session.ask_capabilities().await?,
        }
        Ok(session)
    }

    async fn ask_capabilities(&mut self) -> Result<(), MailboxError> {
        let answer = self.command("CAPABILITY", "CAPABILITY").await?;
        self.known = answer.all().find_map(Response::capabilities).unwrap_or_default();
        Ok(())
    }

    pub(super) fn can(&self, capability: &str) -> bool {
        self.known.iter().any(|one| one == capability)
    }

    /// Signs in as the master user in the name of a mailbox: SASL PLAIN with an authorisation identity (RFC 4616 §2).
    pub(super) async fn sign_in(&mut self, mailbox: &str, user: &str, password: &str) -> Result<(), MailboxError> {
        if [mailbox, user, password].iter().any(|text| text.contains('\0')) || user.is_empty() {
            return Err(MailboxError::Settings("the master user has no name, or a name or password that cannot be sent".into()));
        }
        let secret = STANDARD.encode(format!("{mailbox}\0{user}\0{password}"));
        // RFC 4959: the first answer in the command itself.
        let done = match self.can("SASL-IR") {
            true => self.ask("AUTHENTICATE", &format!("AUTHENTICATE PLAIN {secret}"), None).await,
            false => self.ask("AUTHENTICATE", "AUTHENTICATE PLAIN", Some(&secret)).await,
        };
        let answer = match done {
            Ok(answer) => answer,
            Err(MailboxError::Refused { said, .. }) => return Err(self.refused_sign_in(mailbox, said)),
            // Dovecot hangs up on a mailbox that it does not know.
            Err(MailboxError::Lost(_)) => {
                return Err(MailboxError::NoMailbox { mailbox: mailbox.into(), said: "the server closed the connection".into() });
            }
            Err(other) => return Err(other),
        };
        match answer.all().find_map(Response::capabilities) {
            Some(known) => self.known = known,
            None => self.ask_capabilities().await?,
        }
        Ok(())
    }

    /// RFC 5530 tells a wrong password from a mailbox that this user may not open.
    fn refused_sign_in(&self, mailbox: &str, said: String) -> MailboxError {
        match said.starts_with("[AUTHORIZATIONFAILED]") {
            true => MailboxError::NoMailbox { mailbox: mailbox.into(), said },
            false => MailboxError::SignIn { server: self.server.clone(), said },
        }
    }

    /// Opens a folder (as the server writes it); its UIDVALIDITY, or `None` where there is no such folder.
    pub(super) async fn select(&mut self, wire_name: &str) -> Result<Option<u32>, MailboxError> {
        let name = quoted(wire_name).ok_or_else(|| MailboxError::Settings("a folder has a name that cannot be sent".into()))?;
        match self.command("SELECT", &format!("SELECT {name}")).await {
            Ok(answer) => Ok(Some(answer.all().find_map(Response::uid_validity).unwrap_or(0))),
            Err(MailboxError::Refused { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    pub(super) async fn folders(&mut self) -> Result<Vec<Folder>, MailboxError> {
        // RFC 6154 §3, RFC 5258: special uses are told when they are asked for.
        let special = self.can("SPECIAL-USE") && self.can("LIST-EXTENDED");
        let command = if special { "LIST \"\" \"*\" RETURN (SPECIAL-USE)" } else { "LIST \"\" \"*\"" };
        let answer = self.command("LIST", command).await?;
        Ok(answer.untagged.iter().filter_map(Response::folder).collect())
    }

    /// Numbers of messages of the open folder that fit.
    pub(super) async fn search(&mut self, conditions: &str) -> Result<Vec<u32>, MailboxError> {
        let answer = self.command("SEARCH", &format!("UID SEARCH {conditions}")).await?;
        Ok(answer.untagged.iter().filter_map(Response::found).flatten().collect())
    }

    /// One message of the open folder: what `items` name. `None`: it is not there any more.
    pub(super) async fn fetch(&mut self, uid: u32, items: &str) -> Result<Option<Fetched>, MailboxError> {
        let answer = self.command("FETCH", &format!("UID FETCH {uid} (UID {items})")).await?;
        // A server may tell of other messages meanwhile.
        Ok(answer.untagged.iter().filter_map(Response::fetched).find(|found| found.uid == uid))
    }

    /// All octets of a message that has at most so many; `None`: not there, or larger.
    pub(super) async fn whole(&mut self, uid: u32, octets_max: usize) -> Result<Option<bytes::Bytes>, MailboxError> {
        let size = self.fetch(uid, "RFC822.SIZE").await?.map_or(u64::MAX, |found| found.size);
        if size > octets_max as u64 {
            return Ok(None);
        }
        self.reader.allow_literals(octets_max);
        let found = self.fetch(uid, "BODY.PEEK[]").await;
        self.reader.allow_literals(HEADER_OCTETS_MAX);
        Ok(found?.map(|found| found.octets))
    }

    /// Moves a message of the open folder; UIDVALIDITY and number it has there, as far as the server says so.
    pub(super) async fn shift(&mut self, uid: u32, wire_folder: &str) -> Result<Option<(u32, u32)>, MailboxError> {
        let name = quoted(wire_folder).ok_or_else(|| MailboxError::Settings("a folder has a name that cannot be sent".into()))?;
        match self.shift_once(uid, &name).await {
            // RFC 3501 §7.1: the folder is not there, and may be made.
            Err(MailboxError::Refused { said, .. }) if said.starts_with("[TRYCREATE]") => {
                self.command("CREATE", &format!("CREATE {name}")).await?;
                let _ = self.command("SUBSCRIBE", &format!("SUBSCRIBE {name}")).await; // only whether people see it depends on it
                self.shift_once(uid, &name).await
            }
            other => other,
        }
    }

    async fn shift_once(&mut self, uid: u32, name: &str) -> Result<Option<(u32, u32)>, MailboxError> {
        if self.can("MOVE") {
            // RFC 6851 §3.3
            let answer = self.command("MOVE", &format!("UID MOVE {uid} {name}")).await?;
            return Ok(answer.all().find_map(Response::copied));
        }
        if !self.can("UIDPLUS") {
            return Err(MailboxError::NoMove);
        }
        let answer = self.command("COPY", &format!("UID COPY {uid} {name}")).await?;
        let to = answer.all().find_map(Response::copied);
        self.command("STORE", &format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)")).await?;
        // RFC 4315 §2.1: this message only.
        self.command("EXPUNGE", &format!("UID EXPUNGE {uid}")).await?;
        Ok(to)
    }

    /// Puts a keyword onto a message or takes it off; a server that keeps none is fine.
    pub(super) async fn mark(&mut self, uid: u32, keyword: &str, on: bool) -> Result<(), MailboxError> {
        let sign = if on { '+' } else { '-' };
        match self.command("STORE", &format!("UID STORE {uid} {sign}FLAGS.SILENT ({keyword})")).await {
            Ok(_) | Err(MailboxError::Refused { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    pub(super) async fn log_out(mut self) {
        let _ = timeout(CONNECT, self.ask("LOGOUT", "LOGOUT", None)).await; // politeness only
    }

    async fn command(&mut self, name: &'static str, line: &str) -> Result<Answer, MailboxError> {
        self.ask(name, line, None).await
    }

    /// Sends a command, and `rest` when the server asks for it; reads up to its end.
    async fn ask(&mut self, name: &'static str, line: &str, rest: Option<&str>) -> Result<Answer, MailboxError> {
        timeout(COMMAND, self.asked(name, line, rest)).await.map_err(|_| MailboxError::TimedOut)?
    }

    async fn asked(&mut self, name: &'static str, line: &str, mut rest: Option<&str>) -> Result<Answer, MailboxError> {
        self.tags += 1;
        let tag = format!("g{}", self.tags);
        self.send(&format!("{tag} {line}\r\n")).await?;
        let mut untagged = Vec::new();
        loop {
            let response = self.response().await?;
            match &response.body {
                Body::Go => self.send(&format!("{}\r\n", rest.take().unwrap_or("*"))).await?,
                Body::Status { status: Status::Ok, .. } if response.tag == tag => return Ok(Answer { untagged, last: response }),
                Body::Status { code, text, .. } if response.tag == tag => {
                    let code = if code.is_empty() { String::new() } else { format!("[{code}] ") };
                    return Err(MailboxError::Refused { command: name, said: format!("{code}{text}") });
                }
                Body::Status { status: Status::Bye, text, .. } if name != "LOGOUT" => {
                    return Err(MailboxError::Unreachable { server: self.server.clone(), why: text.clone() });
                }
                _ if untagged.len() >= RESPONSES_MAX => return Err(mail::imap::ImapError::Garbled.into()),
                _ => untagged.push(response),
            }
        }
    }

    async fn send(&mut self, text: &str) -> Result<(), MailboxError> {
        self.stream.write_all(text.as_bytes()).await?;
        Ok(self.stream.flush().await?)
    }

    async fn response(&mut self) -> Result<Response, MailboxError> {
        timeout(COMMAND, read_response(&mut self.stream, &mut self.reader)).await.map_err(|_| MailboxError::TimedOut)?
    }
}

async fn read_response(stream: &mut (impl AsyncRead + Unpin + ?Sized), reader: &mut ResponseReader) -> Result<Response, MailboxError> {
    loop {
        if let Some(response) = reader.next_response()? {
            return Ok(response);
        }
        reader.buffer().reserve(READ_OCTETS);
        if stream.read_buf(reader.buffer()).await? == 0 {
            return Err(MailboxError::Lost(std::io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// STARTTLS in clear text. What comes with its answer must not count as said under TLS.
async fn start_tls(mut stream: TcpStream, hop: &Hop) -> Result<TcpStream, MailboxError> {
    let talk = async {
        let mut reader = ResponseReader::new(0);
        read_response(&mut stream, &mut reader).await?;
        stream.write_all(b"g0 STARTTLS\r\n").await?;
        loop {
            let response = read_response(&mut stream, &mut reader).await?;
            match &response.body {
                Body::Status { status: Status::Ok, .. } if response.tag == "g0" => return Ok(reader.is_empty()),
                Body::Status { text, .. } if response.tag == "g0" => {
                    return Err(MailboxError::Tls { server: hop.to_string(), why: text.clone() });
                }
                _ => {}
            }
        }
    };
    let is_clean = timeout(CONNECT, talk).await.map_err(|_| MailboxError::TimedOut)??;
    match is_clean {
        true => Ok(stream),
        false => Err(MailboxError::Tls { server: hop.to_string(), why: "text stood between the answer to STARTTLS and TLS".into() }),
    }
}
