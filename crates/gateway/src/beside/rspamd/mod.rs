//! The HTTP protocol of rspamd, as rspamc, Haraka, Exim and IMAPSieve scripts use it: `/checkv2`, `/learnspam`, `/learnham`, `/ping`.
//!
//! In: a message as the body, envelope and connection as fields of the request. Out: JSON in rspamd's shape. The client acts on it itself, so
//! a mail with recipients is recorded as handed back, or as refused. Not here: encryption of rspamd's own (HTTPCrypt), its statistics.

mod shape;
mod socket;

use super::score::rspamd_action;
use super::{Lesson, Shared, asker, refusal};
use crate::connection::reverse;
use crate::connection::stop::Stop;
use crate::intake::beside::{self, Answered, Means, Question, Said};
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use bytes::Bytes;
use detect::classify::Label;
use mail::envelope::Reverse;
use mail::message::as_on_the_wire;
use mail::smtp::{Command, parse_command};
use mail::{Address, Envelope, EnvelopeRecipient, Peer};
use serde_json::json;
use socket::Socket;
use std::io::Read;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// A request as a whole: its message, our judgement, and the answer.
const REQUEST_WAIT: Duration = Duration::from_secs(300);
/// Requests under way may end within this time after we were told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Serves one listener until `stop`.
pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener, stop: Stop) {
    let (mut heard, mut hard) = (stop.clone(), stop);
    let routes = Router::new()
        .route("/ping", get(|| async { "pong\r\n" }))
        .route("/checkv2", any(check))
        .route("/check", any(check))
        .route("/symbols", any(check))
        .route("/learnspam", any(learn_spam))
        .route("/learnham", any(learn_ham))
        .fallback(|| async { Told(StatusCode::NOT_FOUND, "there is no such command here") })
        .with_state(shared.clone());
    let served = axum::serve(Socket::new(listener, shared), routes).with_graceful_shutdown(async move { heard.reached().await });
    let cut = async move {
        hard.reached().await;
        tokio::time::sleep(STOP_WITHIN).await;
    };
    tokio::select! {
        done = served.into_future() => if let Err(why) = done { tracing::error!(%why, "the protocol of rspamd is no longer served") },
        () = cut => {}
    }
}

/// An answer that is an error, in rspamd's shape.
#[derive(Debug)]
struct Told(StatusCode, &'static str);

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

async fn check(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    let started = Instant::now();
    let answering = async {
        let raw = message(&shared, &headers, body).await?;
        let answered = ask(&shared, &headers, raw).await;
        Ok(match (&answered.said, refusal(&answered)) {
            (Some(said), _) => Json(shape::checked(&answered, said, started.elapsed())).into_response(),
            (None, Some(reply)) => Json(shape::refused(reply, started.elapsed())).into_response(),
            (None, None) => Told(StatusCode::INTERNAL_SERVER_ERROR, "the message was not judged").into_response(),
        })
    };
    let answer =
        tokio::time::timeout(REQUEST_WAIT, answering).await.unwrap_or(Err(Told(StatusCode::REQUEST_TIMEOUT, "the request took too long")));
    answer.unwrap_or_else(Told::into_response)
}

async fn learn_spam(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    learn(&shared, Label::Spam, headers, body).await
}

async fn learn_ham(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    learn(&shared, Label::Ham, headers, body).await
}

async fn learn(shared: &Shared, label: Label, headers: HeaderMap, body: Body) -> Response {
    if !is_password(&shared.settings.password, text(&headers, "password")) {
        return Told(StatusCode::FORBIDDEN, "Unauthorized: [beside] password asks for a password").into_response();
    }
    let learning = async {
        let raw = match message(shared, &headers, body).await {
            Ok(raw) => raw,
            Err(refused) => return refused.into_response(),
        };
        let whom =
            ["user", "deliver-to", "rcpt"].iter().map(|name| text(&headers, name)).find(|value| !value.is_empty()).unwrap_or("rspamc");
        match shared.learn(whom.trim_matches(['<', '>']), label, raw).await {
            Lesson::Learned => Json(json!({ "success": true })).into_response(),
            // As rspamd has it: 208 Already Reported.
            Lesson::Known => {
                Told(StatusCode::ALREADY_REPORTED, "this message has been learned as that before; it is left as it is").into_response()
            }
            Lesson::NoOrganisation => {
                Told(StatusCode::BAD_REQUEST, "no organisation here learns from it: [beside] organisation").into_response()
            }
            Lesson::NotNow => Told(StatusCode::SERVICE_UNAVAILABLE, "it could not be learned now; try again later").into_response(),
        }
    };
    let answer = tokio::time::timeout(REQUEST_WAIT, learning).await;
    answer.unwrap_or_else(|_| Told(StatusCode::REQUEST_TIMEOUT, "the request took too long").into_response())
}

/// Takes as long for a wrong password as for a right one.
fn is_password(wanted: &str, given: &str) -> bool {
    wanted.is_empty() || aws_lc_rs::constant_time::verify_slices_are_equal(wanted.as_bytes(), given.as_bytes()).is_ok()
}

/// The message of a request, decompressed.
async fn message(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<Bytes, Told> {
    let octets_max = shared.limits.message_octets_max;
    let limit = usize::try_from(octets_max).unwrap_or(usize::MAX);
    let promised = text(headers, header::CONTENT_LENGTH.as_str()).parse().unwrap_or(0).min(octets_max);
    let too_many = || Told(StatusCode::SERVICE_UNAVAILABLE, "too many messages at once, try again later");
    let mut share = shared.memory.share(promised).ok_or_else(too_many)?;
    let octets = to_bytes(body, limit).await.map_err(|_| Told(StatusCode::PAYLOAD_TOO_LARGE, "the message is too large, or broke off"))?;
    if !share.grow_to(octets.len() as u64) {
        return Err(too_many());
    }
    let compression =
        [text(headers, "compression"), text(headers, "content-encoding")].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let octets = match compression.to_ascii_lowercase().as_str() {
        "" | "identity" | "none" => octets,
        "zstd" => unpack(&octets, octets_max)?,
        _ => return Err(Told(StatusCode::UNSUPPORTED_MEDIA_TYPE, "only zstd is understood")),
    };
    match octets.is_empty() {
        true => Err(Told(StatusCode::BAD_REQUEST, "there is no message")),
        false => Ok(as_on_the_wire(octets)),
    }
}

fn unpack(octets: &[u8], octets_max: u64) -> Result<Bytes, Told> {
    let broken = |_| Told(StatusCode::BAD_REQUEST, "the message cannot be decompressed");
    let mut out = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(octets).map_err(broken)?;
    decoder.take(octets_max + 1).read_to_end(&mut out).map_err(broken)?;
    match out.len() as u64 > octets_max {
        true => Err(Told(StatusCode::PAYLOAD_TOO_LARGE, "the message is too large")),
        false => Ok(out.into()),
    }
}

/// The value of a field; empty when it is not there.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default()
}

async fn ask(shared: &Shared, headers: &HeaderMap, raw: Bytes) -> Answered {
    let peer = peer(shared, headers).await;
    let server = [text(headers, "mta-name"), text(headers, "user-agent")].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let question = Question {
        peer: &peer,
        envelope: envelope(headers),
        raw,
        means: Means::Word,
        asker: asker("rspamd", server, text(headers, "queue-id")),
        organisation: &shared.settings.organisation,
    };
    beside::ask(&shared.gate, question).await
}

/// `IP`, `Helo`, `Hostname`, `User`. Without an address it is mail from a file: as if it were made here.
async fn peer(shared: &Shared, headers: &HeaderMap) -> Peer {
    let ip = text(headers, "ip").trim_start_matches("IPv6:").trim_matches(['[', ']']).parse().ok();
    let user = text(headers, "user");
    let helo: String = text(headers, "helo").chars().filter(char::is_ascii_graphic).take(HELO_OCTETS_MAX).collect();
    let host = mail::address::domain_to_ascii(text(headers, "hostname")).filter(|host| host.contains('.'));
    let Some(ip) = ip else {
        return Peer { helo: if helo.is_empty() { "localhost".into() } else { helo }, ..Peer::at(Ipv4Addr::LOCALHOST.into()) };
    };
    let reverse = match host {
        Some(host) => Reverse::Confirmed(host),
        None => reverse::ask(&*shared.gate.dns, ip).await,
    };
    Peer { helo, reverse, authenticated: Some(user.to_string()).filter(|user| !user.is_empty()), ..Peer::at(ip) }
}

/// RFC 5321 §4.5.3.1.2.
const HELO_OCTETS_MAX: usize = 255;
const RECIPIENTS_MAX: usize = 1_000;

/// `From` and every `Rcpt`; with `Deliver-To` it is for that mailbox.
fn envelope(headers: &HeaderMap) -> Envelope {
    let bare = |value: &str| value.trim().trim_matches(['<', '>']).to_string();
    let sender = match parse_command(format!("MAIL FROM:<{}> SMTPUTF8", bare(text(headers, "from"))).as_bytes()) {
        Ok(Command::Mail(mail)) => mail.sender,
        _ => None,
    };
    let all = headers.get_all("rcpt").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let named: Vec<Address> = all.filter_map(|value| Address::parse(&bare(value)).ok()).take(RECIPIENTS_MAX).collect();
    let mailbox = Address::parse(&bare(text(headers, "deliver-to"))).ok();
    let addresses = if named.is_empty() { mailbox.into_iter().collect() } else { named };
    let recipients = addresses.into_iter().map(|address| EnvelopeRecipient { address, notify: Default::default(), orcpt: None });
    Envelope { sender, recipients: recipients.collect(), smtputf8: true, ..Envelope::empty() }
}

/// What a client is to do, from the ruling first: what is refused is refused, whatever the policy is called.
fn action(answered: &Answered, said: &Said) -> &'static str {
    match refusal(answered) {
        Some(reply) if reply.is_temporary() => "soft reject",
        Some(_) => "reject",
        None => rspamd_action(said.action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().expect("a value"));
        }
        headers
    }

    #[test]
    fn envelopes_as_clients_write_them() {
        for (fields, sender, recipients, why) in [
            (
                vec![("from", "<a@b.example>"), ("rcpt", "<li@c.example>"), ("rcpt", "bo@c.example")],
                "a@b.example",
                vec!["li@c.example", "bo@c.example"],
                "rspamc",
            ),
            (
                vec![("from", "a@b.example"), ("rcpt", "li@c.example,bo@c.example")],
                "a@b.example",
                vec!["li@c.example", "bo@c.example"],
                "in one field",
            ),
            (vec![("from", "<>"), ("deliver-to", "li@c.example")], "", vec!["li@c.example"], "a bounce for a mailbox"),
            (vec![("deliver-to", "li@c.example"), ("rcpt", "bo@c.example")], "", vec!["bo@c.example"], "both"),
            (vec![("rcpt", "nobody"), ("from", "no address")], "", vec![], "nothing to be read"),
        ] {
            let envelope = envelope(&headers(&fields));
            assert_eq!(envelope.sender.map(|sender| sender.to_string()).unwrap_or_default(), sender, "{why}");
            let found: Vec<String> = envelope.recipients.iter().map(|one| one.address.to_string()).collect();
            assert_eq!(found, recipients, "{why}");
        }
    }

    #[test]
    fn compressed_messages_have_a_limit() {
        let packed = zstd::encode_all(&vec![b'a'; 1 << 20][..], 3).expect("packed");
        assert!(packed.len() < 1_000);
        assert_eq!(unpack(&packed, 1 << 20).expect("it fits").len(), 1 << 20);
        assert_eq!(unpack(&packed, (1 << 20) - 1).expect_err("one too many").0, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(unpack(b"no frame", 100).expect_err("not zstd").0, StatusCode::BAD_REQUEST);
        assert_eq!(unpack(&packed[..packed.len() / 2], 1 << 21).expect_err("half").0, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn passwords() {
        assert!(is_password("", "anything") && is_password("a", "a") && !is_password("a", "b") && !is_password("a", ""));
    }
}
