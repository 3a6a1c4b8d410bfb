//! DATA and BDAT: the octets of a message, into one buffer that is handed on without a copy.
//!
//! Invariants: only CRLF . CRLF or the last chunk ends a message (RFC 5321 §4.1.1.4, RFC 3030 §2); all messages under way
//! together hold no more than their memory. What is refused is read to its end and forgotten, so that it is not taken for
//! commands. Not here: finding the end and what lines may hold (`mail::smtp::DataReader`, `mail::smtp::BdatReader`).

use super::Stage;
use super::state::{Flow, Session};
use super::transaction::{Transaction, too_large};
use super::wire::Gone;
use crate::connection::limits::Share;
use crate::intake::Room;
use mail::smtp::{BdatReader, DataError, DataReader, Fed, Reply};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

/// Memory is asked for in steps of this.
const SHARE_STEP_OCTETS: u64 = 16 * 1024;
/// A message may be slow for this long before its rate is looked at.
const SLOW_START: Duration = Duration::from_secs(60);
/// Of what is too large we read this many times the largest message before hanging up.
const TOO_LARGE_TIMES_MAX: u64 = 2;

/// What both ways of sending a message share.
struct Pace {
    share: Share,
    /// Time spent waiting for octets.
    waited: Duration,
    /// What the host made ready for it.
    room: Option<Room>,
}

/// A message that comes in chunks.
pub(super) struct Incoming {
    reader: BdatReader,
    pace: Pace,
}

/// How a wait for octets ends when it is not with octets.
enum Halt {
    Gone(Gone),
    /// The last word to this peer.
    Close(Reply),
}

impl From<Gone> for Halt {
    fn from(gone: Gone) -> Halt {
        Halt::Gone(gone)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    pub async fn take_data(&mut self) -> Result<Flow, Gone> {
        let size = match &self.mail {
            None => return Ok(self.refuse(Stage::Content, Reply::new(503, (5, 5, 1), "Say MAIL first"))),
            Some(mail) if mail.chunks.is_some() => {
                return Ok(self.refuse(Stage::Content, Reply::new(503, (5, 5, 1), "This mail comes by BDAT"))); // RFC 3030 §2
            }
            Some(mail) if mail.envelope.recipients.is_empty() => {
                return Ok(self.refuse(Stage::Content, Reply::new(554, (5, 5, 1), "No valid recipients"))); // RFC 5321 §3.3
            }
            Some(mail) => mail.size,
        };
        let Some(mut pace) = self.pace(size) else { return Ok(self.refuse(Stage::Content, no_memory(452))) };
        self.wire.put(b"354 Send the message, end with CRLF . CRLF\r\n");
        let mut reader = DataReader::new(size, self.port.limits.message_octets_max);
        loop {
            let fed = self.feed(|unread| reader.feed(unread));
            if fed.is_done {
                break;
            }
            if let Err(halt) = self.more(&mut pace, reader.octets()).await {
                return self.halted(halt);
            }
        }
        self.wire.shrink();
        if !self.peer.esmtp && self.wire.is_talking() {
            // Without EHLO nothing may follow the end: some server on the way saw another end than we do.
            return Ok(self.refuse_pipelining());
        }
        self.end_mail(reader.finish(), pace).await
    }

    pub async fn take_chunk(&mut self, octets: u64, is_last: bool) -> Result<Flow, Gone> {
        if octets > self.port.limits.message_octets_max.saturating_mul(TOO_LARGE_TIMES_MAX) {
            self.refuse(Stage::Content, too_large(self.port.limits.message_octets_max));
            return Ok(Flow::Close);
        }
        let mut incoming = match self.begin_chunk() {
            Ok(incoming) => incoming,
            Err(reply) => return self.skip_chunk(octets, reply).await,
        };
        let mut fed = incoming.reader.begin(octets);
        while !fed.is_done {
            fed = self.feed(|unread| incoming.reader.feed(unread));
            if fed.is_done {
                break;
            }
            if let Err(halt) = self.more(&mut incoming.pace, incoming.reader.octets()).await {
                return self.halted(halt);
            }
        }
        self.wire.shrink();
        if is_last {
            return self.end_mail(incoming.reader.finish(), incoming.pace).await;
        }
        self.wire.put(b"250 2.0.0 Chunk ok\r\n");
        if let Some(mail) = &mut self.mail {
            mail.chunks = Some(incoming);
        }
        Ok(Flow::Next)
    }

    /// What came of the message so far, or why its octets are not wanted.
    fn begin_chunk(&mut self) -> Result<Incoming, Reply> {
        let size = match &mut self.mail {
            None => return Err(Reply::new(503, (5, 5, 1), "Say MAIL first")),
            Some(mail) if mail.envelope.recipients.is_empty() => return Err(Reply::new(554, (5, 5, 1), "No valid recipients")),
            Some(mail) => match mail.chunks.take() {
                Some(incoming) => return Ok(incoming),
                None => mail.size,
            },
        };
        let pace = self.pace(size).ok_or_else(|| no_memory(452))?;
        Ok(Incoming { reader: BdatReader::new(size, self.port.limits.message_octets_max), pace })
    }

    /// Reads a chunk that is not wanted, so that it is not taken for commands. The mail is over: a later chunk must not
    /// become its beginning.
    async fn skip_chunk(&mut self, octets: u64, reply: Reply) -> Result<Flow, Gone> {
        let mut missing = octets;
        while missing > 0 {
            let here = self.wire.unread().len().min(usize::try_from(missing).unwrap_or(usize::MAX));
            self.wire.consume(here);
            missing -= here as u64;
            if missing > 0 {
                self.wire.more_content(Instant::now() + self.port.limits.data_wait.duration(), octets - missing).await?;
            }
        }
        self.wire.shrink();
        let flow = self.refuse(Stage::Content, reply);
        self.mail = None;
        Ok(flow)
    }

    fn feed(&mut self, take: impl FnOnce(&[u8]) -> Fed) -> Fed {
        let fed = take(self.wire.unread());
        self.wire.consume(fed.used);
        fed
    }

    /// Waits for more of a message of which `seen` octets came.
    async fn more(&mut self, pace: &mut Pace, seen: u64) -> Result<(), Halt> {
        let limits = &self.port.limits;
        if seen > limits.message_octets_max.saturating_mul(TOO_LARGE_TIMES_MAX) {
            return Err(Halt::Close(too_large(limits.message_octets_max)));
        }
        if !pace.share.grow_to(seen.next_multiple_of(SHARE_STEP_OCTETS)) {
            return Err(Halt::Close(no_memory(421)));
        }
        pace.share.turn(seen).await;
        if pace.room.is_none() {
            pace.room = self.port.host.room_ahead(usize::try_from(seen).unwrap_or(usize::MAX));
        }
        let (begun, rate) = (Instant::now(), limits.data_octets_per_second_min);
        self.wire.more_content(begun + limits.data_wait.duration(), seen).await?;
        pace.waited += begun.elapsed();
        if pace.waited > SLOW_START && seen < rate.saturating_mul(pace.waited.as_secs()) {
            return Err(Halt::Close(Reply::new(421, (4, 4, 2), "The message comes too slowly, closing the connection")));
        }
        Ok(())
    }

    fn halted(&mut self, halt: Halt) -> Result<Flow, Gone> {
        match halt {
            Halt::Gone(gone) => Err(gone),
            Halt::Close(reply) => {
                self.refuse(Stage::Content, reply);
                Ok(Flow::Close)
            }
        }
    }

    /// Memory for a message, if there is some. The whole promised size must fit now, but is taken only as it comes: a
    /// promise must not keep others out.
    fn pace(&self, size: Option<u64>) -> Option<Pace> {
        let memory = &self.port.memory;
        let share = memory.share(size.unwrap_or(0))?;
        drop(share);
        let share = memory.share(size.unwrap_or(SHARE_STEP_OCTETS).min(SHARE_STEP_OCTETS))?;
        Some(Pace { share, waited: Duration::ZERO, room: None })
    }

    /// The end of a message: the host takes it, or we refuse it.
    async fn end_mail(&mut self, content: Result<Vec<u8>, DataError>, mut pace: Pace) -> Result<Flow, Gone> {
        let content = content.map_err(content_reply).and_then(|octets| {
            let fits = pace.share.grow_to(octets.len() as u64); // the last read may have brought more than was asked for
            if fits { Ok(octets) } else { Err(no_memory(452)) }
        });
        let octets = match content {
            Ok(octets) => octets,
            Err(reply) => {
                let flow = self.refuse(Stage::Content, reply);
                self.mail = None;
                return Ok(flow);
            }
        };
        let Some(Transaction { envelope, .. }) = self.mail.take() else {
            return Ok(self.refuse(Stage::Content, Reply::new(503, (5, 5, 1), "Say MAIL first")));
        };
        self.tally.mails += 1;
        self.tally.idle_commands = 0;
        let reply = self.port.host.receive(&self.peer, envelope, octets.into(), pace.room.take()).await;
        drop(pace);
        Ok(self.pass_on(&reply))
    }
}

fn content_reply(error: DataError) -> Reply {
    match error {
        DataError::BareLineEnd => Reply::new(550, (5, 6, 11), "Lines must end in CR LF; this message has a bare CR or LF"),
        DataError::Nul => Reply::new(550, (5, 6, 11), "This message has a NUL beside a lone dot"),
        DataError::TooBig { octets_max } => too_large(octets_max),
    }
}

fn no_memory(code: u16) -> Reply {
    Reply::new(code, (4, 3, 1), "Too many messages at once, try again later")
}
