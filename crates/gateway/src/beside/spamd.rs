//! The protocol of spamd: spamc and what speaks like it (Exim, procmail, MIMEDefang) ask about one message a connection.
//!
//! The message comes without its connection: address and HELO are read from its Received fields, the sender from Return-Path. A mail is
//! recorded when the user is an address that is served here; otherwise it is only judged.

use super::score::{SPAMD_THRESHOLD, finding_points, points, symbol};
use super::{Lesson, Shared, Wire, asker, refusal};
use crate::intake::beside::{self, Answered, Means, Question, Ruling, Said};
use crate::intake::first_public;
use bytes::{Bytes, BytesMut};
use detect::classify::Label;
use mail::beside::header_edits::fields;
use mail::beside::spamd::{Failure, HEAD_OCTETS_MAX, Head, Method, Response, Score, Told, failed, pong, read_head};
use mail::message::as_on_the_wire;
use mail::{Address, Envelope, EnvelopeRecipient, Peer};
use std::fmt::Write;
use std::io::Read;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// Wait for the next octets, and until an answer is taken.
const STEP_WAIT: Duration = Duration::from_secs(60);
/// A request as a whole.
const REQUEST_WAIT: Duration = Duration::from_secs(600);
const READ_OCTETS: usize = 64 << 10;
/// Lines of a report.
const REPORT_LINES_MAX: usize = 30;

/// Why there is no answer, and what to say about it.
type Refusal = (Failure, String);

/// Serves one connection.
pub(super) async fn serve(shared: Arc<Shared>, mut stream: Box<dyn Wire>) {
    let answer = match timeout(REQUEST_WAIT, answer(&shared, &mut stream)).await {
        Ok(Ok(octets)) => octets,
        Ok(Err((failure, why))) => failed(failure, &why),
        Err(_) => failed(Failure::Timeout, "the request took too long"),
    };
    let sending = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await
    };
    let _ = timeout(STEP_WAIT, sending).await; // whoever hung up does not want it
}

async fn answer(shared: &Arc<Shared>, stream: &mut Box<dyn Wire>) -> Result<Vec<u8>, Refusal> {
    let mut input = BytesMut::new();
    let head = read(stream, &mut input).await?;
    match head.method {
        Method::Ping => return Ok(pong()),
        Method::Skip => return Ok(Vec::new()),
        _ => {}
    }
    let octets_max = shared.limits.message_octets_max;
    let share = shared.memory.share(head.content_octets.unwrap_or(octets_max).min(octets_max));
    let Some(_share) = share else { return Err((Failure::TempFail, "too many messages at once, try again later".into())) };
    let content = content(stream, input, &head, octets_max).await?;
    let content = if head.is_compressed { inflate(&content, octets_max)? } else { content };
    match head.told {
        Some(told) => tell(shared, &head, told, content).await,
        None => judge(shared, &head, content).await,
    }
}

/// Line and fields; what was read behind them stays in `input`.
async fn read(stream: &mut Box<dyn Wire>, input: &mut BytesMut) -> Result<Head, Refusal> {
    loop {
        if let Some((head, octets)) = read_head(input).map_err(|failure| (failure, "this is no request of spamc".into()))? {
            let _ = input.split_to(octets);
            return Ok(head);
        }
        input.reserve(HEAD_OCTETS_MAX);
        if more(stream, input).await? == 0 {
            return Err((Failure::Protocol, "the request broke off".into()));
        }
    }
}

async fn more(stream: &mut Box<dyn Wire>, input: &mut BytesMut) -> Result<usize, Refusal> {
    match timeout(STEP_WAIT, stream.read_buf(input)).await {
        Ok(Ok(octets)) => Ok(octets),
        Ok(Err(_)) => Err((Failure::Protocol, "the connection broke".into())),
        Err(_) => Err((Failure::Timeout, "the request came too slowly".into())),
    }
}

/// As many octets as were promised, or all until the client ends.
async fn content(stream: &mut Box<dyn Wire>, mut input: BytesMut, head: &Head, octets_max: u64) -> Result<Bytes, Refusal> {
    let wanted = head.content_octets.unwrap_or(u64::MAX);
    let too_large = || (Failure::Data, format!("messages may have {octets_max} octets here"));
    if head.content_octets.is_some_and(|octets| octets > octets_max) {
        return Err(too_large());
    }
    while (input.len() as u64) < wanted {
        input.reserve(READ_OCTETS);
        if more(stream, &mut input).await? == 0 {
            break;
        }
        if input.len() as u64 > octets_max {
            return Err(too_large());
        }
    }
    match head.content_octets {
        Some(wanted) if (input.len() as u64) < wanted => Err((Failure::Protocol, "the message is shorter than was promised".into())),
        Some(wanted) => Ok(input.freeze().slice(..usize::try_from(wanted).unwrap_or(usize::MAX))),
        None => Ok(input.freeze()),
    }
}

fn inflate(content: &[u8], octets_max: u64) -> Result<Bytes, Refusal> {
    let mut octets = Vec::new();
    let read = flate2::read::ZlibDecoder::new(content).take(octets_max + 1).read_to_end(&mut octets);
    match read {
        Ok(_) if octets.len() as u64 > octets_max => Err((Failure::Data, format!("messages may have {octets_max} octets here"))),
        Ok(_) => Ok(octets.into()),
        Err(why) => Err((Failure::Data, format!("the message cannot be decompressed: {why}"))),
    }
}

async fn tell(shared: &Shared, head: &Head, told: Told, content: Bytes) -> Result<Vec<u8>, Refusal> {
    let (label, field) = match told {
        Told::Spam => (Label::Spam, "DidSet"),
        Told::Ham => (Label::Ham, "DidSet"),
        Told::Forget => return Err((Failure::NoPermission, "a report is taken back by its number: gatepost feedback remove".into())),
    };
    let whom = if head.user.is_empty() { "spamc" } else { &head.user };
    match shared.learn(whom, label, as_on_the_wire(content)).await {
        Lesson::Learned => {
            Ok(Response { fields: vec![(field, "local".into())], content: Some(Vec::new()), ..Response::default() }.octets())
        }
        Lesson::Known => Ok(Response { content: Some(Vec::new()), ..Response::default() }.octets()),
        Lesson::NoOrganisation => Err((Failure::NoUser, "no organisation here learns for this user".into())),
        Lesson::NotNow => Err((Failure::TempFail, "it could not be learned now; try again later".into())),
    }
}

async fn judge(shared: &Shared, head: &Head, content: Bytes) -> Result<Vec<u8>, Refusal> {
    let raw = as_on_the_wire(content.clone());
    let (peer, envelope) = around(shared, &raw, &head.user);
    let organisation = shared.settings.organisation.as_str();
    let question = Question { peer: &peer, envelope, raw, means: Means::Word, asker: asker("spamd", "spamc", ""), organisation };
    let answered = beside::ask(&shared.gate, question).await;
    let Some(said) = &answered.said else {
        return match refusal(&answered) {
            // Refused before it was judged: what no mail may be is no mail.
            Some(reply) if reply.is_permanent() => Ok(respond(head, &content, &answered, None)),
            _ => Err((Failure::TempFail, "the message could not be judged now; try again later".into())),
        };
    };
    Ok(respond(head, &content, &answered, Some(said)))
}

fn respond(head: &Head, content: &[u8], answered: &Answered, said: Option<&Said>) -> Vec<u8> {
    let points = said.map_or(2.0 * SPAMD_THRESHOLD, points);
    let score = Score { is_spam: points >= SPAMD_THRESHOLD, points, threshold: SPAMD_THRESHOLD };
    let content = match head.method {
        Method::Symbols => Some(names(said).join(",").into_bytes()),
        Method::Report => Some(report(answered, said, score).into_bytes()),
        Method::ReportIfSpam if score.is_spam => Some(report(answered, said, score).into_bytes()),
        Method::ReportIfSpam => Some(Vec::new()),
        Method::Process => Some(processed(content, answered, said, score)),
        Method::Headers => Some(header_of(&processed(content, answered, said, score)).to_vec()),
        _ => None,
    };
    Response { score: Some(score), fields: Vec::new(), content }.octets()
}

fn names(said: Option<&Said>) -> Vec<String> {
    let findings = said.map(|said| said.findings.as_slice()).unwrap_or_default();
    let mut names: Vec<String> = findings.iter().map(|finding| symbol(&finding.check)).collect();
    names.dedup();
    names
}

/// For people, in the shape that SpamAssassin's has.
fn report(answered: &Answered, said: Option<&Said>, score: Score) -> String {
    let class = said.map_or("refused", |said| said.class.name());
    let mut text = format!("Gatepost judged this message as {class}: {:.1} points, {:.1} are spam.\r\n", score.points, score.threshold);
    if let Some(reply) = refusal(answered) {
        let _ = write!(text, "The policy of the recipient's organisation: {reply}\r\n"); // writing to a String cannot fail
    }
    text.push_str("\r\n pts check                  what was seen\r\n---- ---------------------- --------------------------------------------------\r\n");
    for finding in said.into_iter().flat_map(|said| &said.findings).take(REPORT_LINES_MAX) {
        let _ = write!(text, "{:4.1} {:22} {}\r\n", finding_points(finding.weight), finding.check, finding.evidence);
    }
    text
}

/// The message with our fields on top, without those that somebody else may have put there in our place.
fn processed(content: &[u8], answered: &Answered, said: Option<&Said>, score: Score) -> Vec<u8> {
    let ending: &[u8] = if content.windows(2).take(FIRST_LINE_OCTETS_MAX).any(|pair| pair == b"\r\n") { b"\r\n" } else { b"\n" };
    let (flag, word) = if score.is_spam { ("YES", "Yes") } else { ("NO", "No") };
    let mut lines = format!("X-Spam-Flag: {flag}\nX-Spam-Score: {:.1}\n", score.points);
    let _ = write!(
        lines,
        "X-Spam-Status: {word}, score={:.1} required={:.1}\n\ttests={}\n",
        score.points,
        score.threshold,
        folded(&names(said))
    );
    if let Ruling::HandBack(edits) = &answered.ruling {
        lines.push_str(&edits.lines.replace("\r\n", "\n"));
    }
    let lines: Vec<u8> = lines.bytes().flat_map(|octet| if octet == b'\n' { ending.to_vec() } else { vec![octet] }).collect();
    // A mailbox line is the first of all.
    let first = if content.starts_with(b"From ") { memchr::memchr(b'\n', content).map_or(0, |end| end + 1) } else { 0 };
    let (mailbox_line, message) = content.split_at(first);
    [mailbox_line, &lines, &unclaimed(message)].concat()
}

/// A long list on lines of its own (RFC 5322 §2.1.1).
fn folded(names: &[String]) -> String {
    let mut text = String::new();
    let mut width = 0;
    for name in names {
        if width + name.len() > NAMES_WIDTH_MAX {
            text.push_str("\n\t");
            width = 0;
        }
        let _ = write!(text, "{}{name}", if text.is_empty() { "" } else { "," });
        width += name.len() + 1;
    }
    if text.is_empty() { "none".into() } else { text }
}

const NAMES_WIDTH_MAX: usize = 70;
/// Where the first line end is looked for.
const FIRST_LINE_OCTETS_MAX: usize = 4_096;

/// Without fields of the names we write.
fn unclaimed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    let (mut kept_from, mut at) = (0, 0);
    for (name, value) in fields(message) {
        let end = at + name.len() + 1 + value.len();
        let end = end + memchr::memchr(b'\n', &message[end..]).map_or(0, |line_end| line_end + 1);
        let lower = name.to_ascii_lowercase();
        if lower.starts_with(b"x-spam-") || lower.starts_with(b"x-gatepost-") {
            out.extend_from_slice(&message[kept_from..at]);
            kept_from = end;
        }
        at = end;
    }
    out.extend_from_slice(&message[kept_from..]);
    out
}

fn header_of(message: &[u8]) -> &[u8] {
    let crlf = memchr::memmem::find(message, b"\r\n\r\n").map(|end| end + 4);
    let lf = memchr::memmem::find(message, b"\n\n").map(|end| end + 2);
    let end = [crlf, lf].into_iter().flatten().min().unwrap_or(message.len());
    &message[..end]
}

/// What the fields and the user say of connection and envelope.
fn around(shared: &Shared, raw: &[u8], user: &str) -> (Peer, Envelope) {
    let fields = fields(raw);
    let named =
        |wanted: &'static str| fields.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes())).map(|(_, value)| *value);
    let (ip, helo) = first_public(named("Received")).unwrap_or((Ipv4Addr::LOCALHOST.into(), "localhost".into()));
    let sender = named("X-Envelope-From").chain(named("Return-Path")).next();
    let sender = sender.and_then(|value| std::str::from_utf8(value).ok()).map(|text| text.trim().trim_matches(['<', '>']));
    let is_served = |address: &Address| shared.gate.directory.snapshot().domain_of(address).is_some();
    let recipient = Address::parse(user).ok().filter(is_served);
    let recipients = recipient.into_iter().map(|address| EnvelopeRecipient { address, notify: Default::default(), orcpt: None });
    let sender = sender.and_then(|text| Address::parse(text).ok());
    (Peer { helo, ..Peer::at(ip) }, Envelope { sender, recipients: recipients.collect(), ..Envelope::empty() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_line_ends_and_lose_what_is_ours_to_write() {
        let answered = Answered::from(Ruling::NotOurs);
        let score = Score { is_spam: false, points: 1.0, threshold: 5.0 };
        let made =
            processed(b"From ann Mon\nX-Spam-Flag: NO\n\tmore\nSubject: x\nX-Gatepost-Report: id=1\n\nbody\n", &answered, None, score);
        let want = "From ann Mon\nX-Spam-Flag: NO\nX-Spam-Score: 1.0\nX-Spam-Status: No, score=1.0 required=5.0\n\ttests=none\nSubject: x\n\nbody\n";
        assert_eq!(String::from_utf8_lossy(&made), want);
        assert_eq!(header_of(b"A: 1\r\n\r\nbody\n\n"), b"A: 1\r\n\r\n");
    }
}
