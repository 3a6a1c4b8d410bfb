//! Milter sessions: a mail server (Postfix, sendmail) tells of its clients and their mail, and does what we say.
//!
//! In: packets. Out: packets. A connection carries many mails and, with `QUIT_NC`, many clients. Invariants: a mail is answered once, and
//! durably written down before that; a message over its limits is refused, never cut; while we judge, the server hears from us.
//! Not here: packets (`mail::beside::milter`), what is answered (`intake::beside`).

mod client;
mod incoming;

use super::{Shared, Wire, asker};
use crate::connection::stop::Stop;
use crate::intake::beside::{self, Edits, Means, Question, Ruling};
use bytes::Bytes;
use client::Client;
use incoming::{Arrival, Incoming};
use mail::beside::header_edits::HeaderEdit;
use mail::beside::milter::{Answer, BODY_CHUNK_OCTETS_MAX, Command, Offer, PacketError, PacketReader, action, step};
use mail::smtp::Reply;
use mail::{EnvelopeRecipient, Peer};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// A client may be slow between two commands, and its whole message comes between two of the server's.
const COMMAND_WAIT: Duration = Duration::from_secs(60 * 60);
/// The server itself is not slow: the rest of a packet, or taking our answer.
const PACKET_WAIT: Duration = Duration::from_secs(60);
/// While we judge, the server hears so often that we are at it; it waits for 300 s.
const PROGRESS_EVERY: Duration = Duration::from_secs(20);
/// Read at once.
const READ_OCTETS: usize = 64 << 10;
/// Answers that wait are sent at the latest when they are this long.
const ANSWERS_OCTETS_MAX: usize = 256 << 10;

/// What we do with messages. A server that cannot do all of it cannot have our answers.
const ACTIONS: u32 =
    action::ADD_HEADERS | action::CHANGE_BODY | action::ADD_RECIPIENTS | action::DELETE_RECIPIENTS | action::CHANGE_HEADERS;
/// What need not be told or answered, where the server knows how.
const STEPS: u32 = step::NO_REPLY_HEADER
    | step::NO_UNKNOWN
    | step::NO_DATA
    | step::NO_REPLY_CONNECT
    | step::NO_REPLY_HELO
    | step::NO_REPLY_END_OF_HEADER
    | step::NO_REPLY_BODY
    | step::LEADING_SPACE;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
enum Gone {
    #[error("the server hung up")]
    Closed,
    #[error("the server was too slow")]
    Slow,
    #[error("we are stopping")]
    Stopping,
    #[error(transparent)]
    Packet(#[from] PacketError),
    #[error("{0}")]
    Protocol(&'static str),
}

impl From<std::io::Error> for Gone {
    fn from(_: std::io::Error) -> Gone {
        Gone::Closed
    }
}

/// Serves one connection of a server at `from`.
pub(super) async fn serve(shared: Arc<Shared>, stream: Box<dyn Wire>, from: IpAddr, stop: Stop) {
    let mut session = Session {
        client: Client::of(from),
        incoming: None,
        steps: 0,
        is_negotiated: false,
        reader: PacketReader::default(),
        answers: Vec::new(),
        shared,
        stream,
        stop,
    };
    match session.run().await {
        Ok(()) | Err(Gone::Closed | Gone::Stopping) => {}
        Err(why) => tracing::warn!(%from, %why, "a milter connection was closed"),
    }
}

struct Session {
    shared: Arc<Shared>,
    stream: Box<dyn Wire>,
    stop: Stop,
    reader: PacketReader,
    answers: Vec<u8>,
    client: Client,
    /// From MAIL to its end.
    incoming: Option<Incoming>,
    /// What was agreed on.
    steps: u32,
    is_negotiated: bool,
}

impl Session {
    async fn run(&mut self) -> Result<(), Gone> {
        loop {
            let command = self.next_command().await?;
            if !self.is_negotiated && !matches!(command, Command::Negotiate(_) | Command::Quit) {
                return Err(Gone::Protocol("a server that does not negotiate first"));
            }
            match command {
                Command::Quit => return Ok(()),
                Command::QuitSession => self.new_client(),
                Command::Negotiate(offer) => self.negotiate(offer)?,
                Command::Macros { of, values } => self.client.know(of, values),
                Command::Connect { host, family } => {
                    self.new_client();
                    self.client.connected(host, family);
                    self.proceed(step::NO_REPLY_CONNECT);
                }
                Command::Helo(name) => {
                    self.client.helo = name;
                    self.proceed(step::NO_REPLY_HELO);
                }
                Command::Mail(words) => self.open(&words).await,
                Command::Rcpt(words) => self.add_recipient(&words).await,
                Command::Data | Command::Unknown(_) => self.proceed(0),
                Command::Header { name, value } => {
                    let is_spaced = self.has(step::LEADING_SPACE);
                    self.incoming_mut()?.header(&name, &value, is_spaced);
                    self.proceed(step::NO_REPLY_HEADER);
                }
                Command::EndOfHeader => self.proceed(step::NO_REPLY_END_OF_HEADER),
                Command::Body(octets) => {
                    self.incoming_mut()?.body(&octets);
                    self.proceed(step::NO_REPLY_BODY);
                }
                Command::EndOfBody(octets) => {
                    self.incoming_mut()?.body(&octets);
                    self.settle().await?;
                }
                Command::Abort => self.incoming = None,
            }
            if self.answers.len() >= ANSWERS_OCTETS_MAX {
                self.send().await?;
            }
        }
    }

    fn has(&self, step: u32) -> bool {
        self.steps & step != 0
    }

    /// Go on, unless the server does not wait for an answer to this.
    fn proceed(&mut self, unless: u32) {
        if !self.has(unless) {
            Answer::Continue.write_to(&mut self.answers);
        }
    }

    fn new_client(&mut self) {
        self.client = Client::of(self.client.server);
        self.incoming = None;
    }

    fn incoming_mut(&mut self) -> Result<&mut Incoming, Gone> {
        self.incoming.as_mut().ok_or(Gone::Protocol("a message without MAIL"))
    }

    fn negotiate(&mut self, offer: Offer) -> Result<(), Gone> {
        if offer.actions & ACTIONS != ACTIONS {
            return Err(Gone::Protocol("a server that lets its filters change neither header, body nor recipients"));
        }
        (self.steps, self.is_negotiated) = (offer.steps & STEPS, true);
        Answer::Negotiate(Offer { version: offer.version, actions: ACTIONS, steps: self.steps }).write_to(&mut self.answers);
        Ok(())
    }

    async fn open(&mut self, words: &[String]) {
        let dns = self.shared.gate.dns.clone();
        self.incoming = None;
        match self.client.mail(words) {
            Ok(envelope) => {
                let peer = self.client.peer(&*dns).await;
                let limits = (self.shared.limits.message_octets_max, self.shared.memory.clone());
                self.incoming = Some(Incoming::new(peer, envelope, limits));
                Answer::Continue
            }
            Err(reply) => refused(reply),
        }
        .write_to(&mut self.answers);
    }

    async fn add_recipient(&mut self, words: &[String]) {
        let answer = match self.recipient(words).await {
            Ok(()) => Answer::Continue,
            Err(reply) => refused(reply),
        };
        answer.write_to(&mut self.answers);
    }

    async fn recipient(&mut self, words: &[String]) -> Result<(), Reply> {
        let incoming = self.incoming.as_mut().ok_or_else(|| Reply::new(503, (5, 5, 1), "Say MAIL first"))?;
        let address = self.client.recipient(words, incoming.envelope.smtputf8)?;
        if incoming.envelope.recipients.len() >= self.shared.limits.recipients_max {
            return Err(Reply::new(452, (4, 5, 3), "Too many recipients; send to the rest in another mail"));
        }
        let next = EnvelopeRecipient { address: address.address, notify: address.notify, orcpt: address.orcpt };
        let organisation = &self.shared.settings.organisation;
        self.shared.gate.recipient_beside(&incoming.peer, &incoming.envelope, &next, organisation).await?;
        let path = words.first().cloned().unwrap_or_default();
        match incoming.envelope.recipients.iter().position(|known| known.address == next.address) {
            Some(at) => incoming.paths[at].push(path), // named twice: the server has it twice
            None => {
                incoming.envelope.recipients.push(next);
                incoming.paths.push(vec![path]);
            }
        }
        Ok(())
    }

    /// The end of a message: the answer.
    async fn settle(&mut self) -> Result<(), Gone> {
        let Some(incoming) = self.incoming.take() else { return Err(Gone::Protocol("an end without MAIL")) };
        let asker = asker("milter", self.client.value("j"), self.client.value("i"));
        let Arrival { peer, envelope, paths, octets, _share } = match incoming.finish() {
            Ok(arrival) => arrival,
            Err(reply) => {
                refused(reply).write_to(&mut self.answers);
                return self.send().await;
            }
        };
        let ruling = self.ask(&peer, envelope, octets, asker).await?;
        match ruling {
            Ruling::NotOurs => Answer::Accept.write_to(&mut self.answers),
            Ruling::Refuse(reply) => refused(reply).write_to(&mut self.answers),
            Ruling::Keep => Answer::Discard.write_to(&mut self.answers),
            Ruling::HandBack(edits) => self.hand_back(*edits, &paths).await?,
        }
        self.send().await
    }

    /// Asks, and tells the server meanwhile that we are at it.
    async fn ask(&mut self, peer: &Peer, envelope: mail::Envelope, raw: Bytes, asker: Arc<str>) -> Result<Ruling, Gone> {
        let shared = self.shared.clone();
        let organisation = shared.settings.organisation.as_str();
        let question = Question { peer, envelope, raw, means: Means::Edits, asker, organisation };
        let mut asking = std::pin::pin!(beside::ask(&shared.gate, question));
        loop {
            if let Ok(answered) = timeout(PROGRESS_EVERY, &mut asking).await {
                return Ok(answered.ruling);
            }
            Answer::Progress.write_to(&mut self.answers);
            if let Err(gone) = self.send().await {
                asking.await; // what is under way is finished and written down, whoever hears of it
                return Err(gone);
            }
        }
    }

    /// All changes, then the word.
    async fn hand_back(&mut self, edits: Edits, paths: &[Vec<String>]) -> Result<(), Gone> {
        let is_spaced = self.has(step::LEADING_SPACE);
        let value = |value: Vec<u8>| match value.strip_prefix(b" ") {
            Some(rest) if !is_spaced => rest.to_vec(), // the server puts the space there itself
            _ => value,
        };
        for edit in edits.headers {
            let answer = match edit {
                HeaderEdit::Remove { name, nth } => Answer::ChangeHeader { nth, name, value: Vec::new() },
                HeaderEdit::Replace { name, nth, value: new } => Answer::ChangeHeader { nth, name, value: value(new) },
                HeaderEdit::Insert { at, name, value: new } => Answer::InsertHeader { at, name, value: value(new) },
            };
            answer.write_to(&mut self.answers);
        }
        for chunk in edits.body.iter().flat_map(|body| body.chunks(BODY_CHUNK_OCTETS_MAX)) {
            Answer::Body(chunk.to_vec()).write_to(&mut self.answers);
            if self.answers.len() >= ANSWERS_OCTETS_MAX {
                self.send().await?;
            }
        }
        for path in edits.drop.iter().filter_map(|at| paths.get(*at)).flatten() {
            Answer::DeleteRecipient(path.clone()).write_to(&mut self.answers);
        }
        for address in edits.add {
            Answer::AddRecipient(address.to_string()).write_to(&mut self.answers);
        }
        Answer::Accept.write_to(&mut self.answers);
        Ok(())
    }

    async fn next_command(&mut self) -> Result<Command, Gone> {
        loop {
            if let Some(packet) = self.reader.next_packet()? {
                return Ok(Command::read(packet)?);
            }
            self.send().await?;
            let wait = if self.reader.is_within() { PACKET_WAIT } else { COMMAND_WAIT };
            let is_between = self.incoming.is_none() && !self.reader.is_within();
            let buffer = self.reader.buffer();
            buffer.reserve(READ_OCTETS);
            let reading = timeout(wait, self.stream.read_buf(buffer));
            let read = match is_between {
                false => reading.await,
                true => tokio::select! {
                    biased;
                    read = reading => read,
                    () = self.stop.reached() => return Err(Gone::Stopping),
                },
            };
            if read.map_err(|_| Gone::Slow)?? == 0 {
                return Err(Gone::Closed);
            }
        }
    }

    async fn send(&mut self) -> Result<(), Gone> {
        if self.answers.is_empty() {
            return Ok(());
        }
        let sending = async {
            self.stream.write_all(&self.answers).await?;
            self.stream.flush().await
        };
        timeout(PACKET_WAIT, sending).await.map_err(|_| Gone::Slow)??;
        self.answers.clear();
        Ok(())
    }
}

/// A refusal in our words. The connection is the server's, so 421 is no word for its client.
fn refused(mut reply: Reply) -> Answer {
    if reply.code == 421 {
        reply.code = 451;
    }
    match reply.is_temporary() || reply.is_permanent() {
        true => Answer::Reply(reply),
        false => Answer::TryAgain,
    }
}
