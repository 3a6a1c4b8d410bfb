//! The state of a session and the loop that obeys one command after the other.

use super::transaction::Transaction;
use super::wire::{Gone, Wire};
use super::{Port, Role, Stage, Start};
use crate::connection::reverse;
use crate::connection::stop::Stop;
use bytes::Bytes;
use futures_util::FutureExt;
use mail::envelope::{Peer, Reverse};
use mail::smtp::xforward::Forwarded;
use mail::smtp::{Command, Line, Reply, parse_command};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long MAIL waits for the name of the peer's address; the question left when the peer connected.
const REVERSE_WAIT_MAX: Duration = Duration::from_secs(2);

pub(super) struct Session<S> {
    pub port: Arc<Port>,
    pub wire: Wire<S>,
    pub peer: Peer,
    pub mail: Option<Transaction>,
    pub tally: Tally,
    /// Who really holds the other end, whatever XCLIENT says later.
    pub connected_from: IpAddr,
    /// What the server on the other end told of the client of its next mail.
    pub forwarded: Option<Forwarded>,
    /// That server, while a mail of its client is under way.
    pub forwarder: Option<Peer>,
    stop: Stop,
    reverse: Option<JoinHandle<Reverse>>,
}

/// What counts towards the limits of a session.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub errors: u32,
    pub recipients_refused: u32,
    /// Commands without progress since the last mail.
    pub idle_commands: u32,
    pub mails: usize,
    pub sign_in_failures: u32,
}

/// What comes after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Close,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    pub fn new(port: Arc<Port>, stream: S, peer: Peer, stop: Stop) -> Session<S> {
        let wire = Wire::new(stream, port.limits.reply_wait.duration());
        let connected_from = peer.ip;
        Session {
            port,
            wire,
            peer,
            mail: None,
            tally: Tally::default(),
            connected_from,
            forwarded: None,
            forwarder: None,
            stop,
            reverse: None,
        }
    }

    pub async fn run(&mut self, start: Start) {
        let ended = async {
            if start.tls_first && self.secure().await? == Flow::Close {
                return Ok(());
            }
            if self.greet(start.delay).await? == Flow::Close {
                return Ok(());
            }
            self.obey_all().await
        };
        match ended.await {
            Ok(()) | Err(Gone::Closed) => {}
            Err(Gone::Slow) => self.farewell(Reply::new(421, (4, 4, 2), "Time-out, closing the connection")),
            // No refusal, so the host need not hear of it.
            Err(Gone::Stopping) => self.wire.put(b"421 4.3.2 This server is stopping, try again soon\r\n"),
        }
        if let Some(task) = self.reverse.take() {
            task.abort();
        }
        self.wire.close().await;
    }

    async fn obey_all(&mut self) -> Result<(), Gone> {
        loop {
            let flow = match self.next_line().await? {
                Ok(line) => self.obey_line(&line).await?,
                Err(flow) => flow,
            };
            if flow == Flow::Close {
                return Ok(());
            }
            if self.wire.is_output_full() {
                self.wire.send().await?;
            }
        }
    }

    async fn obey_line(&mut self, line: &[u8]) -> Result<Flow, Gone> {
        match parse_command(line) {
            Err(error) => Ok(self.refuse(Stage::Protocol, error.reply)),
            Ok(command) if self.must_be_last(&command) && self.wire.is_talking() => Ok(self.refuse_pipelining()),
            Ok(command) => self.obey(command).await,
        }
    }

    async fn obey(&mut self, command: Command) -> Result<Flow, Gone> {
        self.end_forwarding();
        match command {
            Command::Helo(name) => self.hello(name, false).await,
            Command::Ehlo(name) => self.hello(name, true).await,
            Command::Lhlo(_) => Ok(self.refuse(Stage::Protocol, Reply::new(500, (5, 5, 1), "This is SMTP, not LMTP; say EHLO"))),
            Command::Mail(mail) => self.open_mail(mail).await,
            Command::Rcpt(recipient) => self.add_recipient(recipient).await,
            Command::Data => self.take_data().await,
            Command::Bdat { octets, last } => self.take_chunk(octets, last).await,
            Command::Rset => {
                (self.mail, self.forwarded) = (None, None);
                Ok(self.idle(b"250 2.0.0 Ok\r\n"))
            }
            Command::Noop => Ok(self.idle(b"250 2.0.0 Ok\r\n")),
            Command::Help => Ok(self.idle(b"214 2.0.0 This is SMTP as in RFC 5321; write to postmaster for help\r\n")),
            // RFC 5321 §3.5.3: we do not tell who exists.
            Command::Vrfy(_) => Ok(self.idle(b"252 2.5.2 Cannot say; send mail and see\r\n")),
            Command::Expn(_) => Ok(self.refuse(Stage::Protocol, Reply::new(502, (5, 5, 1), "EXPN is not offered"))),
            Command::StartTls => self.start_tls().await,
            Command::Auth { mechanism, initial } => self.authenticate(&mechanism, initial).await,
            Command::Xclient(attributes) => self.xclient(attributes).await,
            Command::Xforward(attributes) => Ok(self.xforward(&attributes)),
            Command::Quit => {
                self.wire.put(b"221 2.0.0 Bye\r\n");
                Ok(Flow::Close)
            }
        }
    }

    /// Waits for a whole line, without its CRLF. `Err` inside: there was none to obey and it is answered already.
    pub async fn next_line(&mut self) -> Result<Result<Bytes, Flow>, Gone> {
        let deadline = Instant::now() + self.port.limits.command_wait.duration();
        loop {
            match self.wire.next_line() {
                Line::Complete(line) if memchr::memchr(b'\r', &line).is_none() => return Ok(Ok(line)),
                Line::TooLong => return Ok(Err(self.refuse(Stage::Protocol, Reply::new(500, (5, 5, 2), "Line too long")))),
                Line::Pending => self.await_line(deadline).await?,
                // A bare CR or LF is where two programs see different lines (RFC 5321 §2.3.8); it may be somebody's message.
                Line::Complete(_) | Line::BareLf => {
                    self.refuse(Stage::Protocol, Reply::new(500, (5, 5, 2), "Lines end in CR LF, and have neither inside"));
                    return Ok(Err(Flow::Close));
                }
            }
        }
    }

    /// Sends what waits and reads more. Between mails it also hears that we stop.
    async fn await_line(&mut self, deadline: Instant) -> Result<(), Gone> {
        self.wire.send().await?;
        if self.mail.is_some() {
            self.wire.more_command(deadline).await?;
            return Ok(());
        }
        tokio::select! {
            biased;
            read = self.wire.more_command(deadline) => read.map(drop),
            () = self.stop.reached() => Err(Gone::Stopping),
        }
    }

    /// RFC 2920 §3.1: commands after which the client waits. Without EHLO it waits after each.
    fn must_be_last(&self, command: &Command) -> bool {
        match command {
            Command::Quit => false, // what follows is never read
            Command::Helo(_) | Command::Ehlo(_) | Command::Lhlo(_) | Command::StartTls | Command::Data => true,
            Command::Auth { .. } | Command::Vrfy(_) | Command::Expn(_) | Command::Xclient(_) => true,
            // Postfix sends XFORWARD in two commands at once; it changes nothing of the session.
            _ => !self.peer.esmtp,
        }
    }

    /// Says no on our own account; the host hears of it.
    pub fn refuse(&mut self, stage: Stage, mut reply: Reply) -> Flow {
        self.port.host.refused(&self.peer, self.mail.as_ref().map(|mail| &mail.envelope), stage, &mut reply);
        self.wire.put_reply(&reply);
        if reply.code == 421 {
            return Flow::Close;
        }
        self.tally.errors += 1;
        if self.tally.errors < self.port.limits.errors_max {
            return Flow::Next;
        }
        self.farewell(Reply::new(421, (4, 7, 0), "Too many errors, closing the connection"));
        Flow::Close
    }

    /// Text that came before we allowed it is somebody else's, or a program that does not listen.
    pub fn refuse_pipelining(&mut self) -> Flow {
        self.refuse(Stage::Protocol, Reply::new(503, (5, 5, 1), "You talk before we answered; closing the connection"));
        Flow::Close
    }

    /// Passes on what the host said. 421 ends the session (RFC 5321 §3.8).
    pub fn pass_on(&mut self, reply: &Reply) -> Flow {
        self.wire.put_reply(reply);
        if reply.code == 421 { Flow::Close } else { Flow::Next }
    }

    /// Our last word, said by ourselves.
    pub fn farewell(&mut self, mut reply: Reply) {
        self.port.host.refused(&self.peer, self.mail.as_ref().map(|mail| &mail.envelope), Stage::Protocol, &mut reply);
        self.wire.put_reply(&reply);
    }

    /// Answers a command that brings no mail forward.
    pub fn idle(&mut self, reply: &[u8]) -> Flow {
        self.wire.put(reply);
        self.count_idle()
    }

    pub fn count_idle(&mut self) -> Flow {
        self.tally.idle_commands += 1;
        if self.tally.idle_commands < self.port.limits.idle_commands_max {
            return Flow::Next;
        }
        self.farewell(Reply::new(421, (4, 7, 0), "Too many commands without mail, closing the connection"));
        Flow::Close
    }

    /// Asks for the name of the peer's address and goes on meanwhile.
    pub fn ask_reverse(&mut self) {
        self.forget_reverse();
        let (dns, ip) = (self.port.dns.clone(), self.peer.ip);
        let mut asking = Box::pin(async move { reverse::ask(&*dns, ip).await });
        match (&mut asking).now_or_never() {
            Some(reverse) => self.peer.reverse = reverse, // from memory
            None => self.reverse = Some(tokio::spawn(asking)),
        }
    }

    pub fn forget_reverse(&mut self) {
        self.peer.reverse = Reverse::NotAsked;
        if let Some(task) = self.reverse.take() {
            task.abort();
        }
    }

    /// Fills in the name of the peer's address, if it is known in time.
    pub async fn await_reverse(&mut self) {
        let Some(mut task) = self.reverse.take() else { return };
        match tokio::time::timeout(REVERSE_WAIT_MAX, &mut task).await {
            Ok(reverse) => self.peer.reverse = reverse.unwrap_or(Reverse::Unavailable),
            Err(_) => {
                self.peer.reverse = Reverse::Unavailable;
                task.abort();
            }
        }
    }

    pub fn is_submission(&self) -> bool {
        self.port.role == Role::Submission
    }
}
