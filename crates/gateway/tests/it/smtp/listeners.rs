//! Listeners: limits, faults, stopping, what is said when a port is taken.

use super::gate::{Gate, Kind, Script, keys, limits, listen_settings};
use gateway::connection::settings::{Addresses, LimitSettings, ListenSettings};
use gateway::connection::stop::stop;
use gateway::connection::{ListenError, Setup, listen};
use gateway::session::Stage;
use gateway::settings::Span;
use mail::dns::Zone;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn says(gate: &Gate, text: &str) {
    if let Err(failure) = testkit::dialogue::run(text, gate.address).await {
        panic!("{failure}");
    }
}

async fn connected(gate: &Gate) -> TcpStream {
    let mut stream = TcpStream::connect(gate.address).await.expect("listening");
    read_line(&mut stream, "220").await;
    stream
}

async fn read_line(stream: &mut TcpStream, begins: &str) {
    let mut octets = [0u8; 512];
    let read = stream.read(&mut octets).await.expect("an answer");
    let text = String::from_utf8_lossy(&octets[..read]).into_owned();
    assert!(text.starts_with(begins), "wanted {begins}, got {text:?}");
}

/// Waits until the sessions that ended have given back their places.
async fn until_open(gate: &Gate, sessions: usize) {
    for _ in 0..2_000 {
        if gate.running().open_sessions() == sessions {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} sessions are open, not {sessions}", gate.running().open_sessions());
}

#[tokio::test]
async fn one_address_may_hold_so_many_connections() {
    let gate = Gate::with(Kind::Plain, LimitSettings { connections_per_address_max: 2, ..limits() }).await;
    let (one, _two) = (connected(&gate).await, connected(&gate).await);
    says(&gate, "< 421 4.7.0\nclose").await;
    drop(one);
    until_open(&gate, 1).await;
    says(&gate, "< 220\n> QUIT\n< 221\nclose").await;
    let refusals = gate.host.refusals.lock().expect("no panic while held").clone();
    assert_eq!(refusals.iter().map(|(stage, reply)| (*stage, reply.code)).collect::<Vec<_>>(), [(Stage::Connect, 421)]);
}

#[tokio::test]
async fn all_together_may_hold_so_many_connections() {
    let gate = Gate::with(Kind::Plain, LimitSettings { connections_max: 1, ..limits() }).await;
    let _one = connected(&gate).await;
    says(&gate, "< 421 4.3.2\nclose").await;
}

#[tokio::test]
async fn a_balancer_does_not_count_but_those_behind_it_do() {
    let gate = Gate::with(Kind::Proxy, LimitSettings { connections_per_address_max: 1, ..limits() }).await;
    let mut one = TcpStream::connect(gate.address).await.expect("listening");
    one.write_all(b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n").await.expect("sent");
    read_line(&mut one, "220").await;
    says(&gate, "= PROXY TCP4 192.0.2.7 198.51.100.1 4712 25\\r\\n\n< 421 4.7.0\nclose").await;
    says(&gate, "= PROXY TCP4 192.0.2.8 198.51.100.1 4713 25\\r\\n\n< 220\n> QUIT\n< 221\nclose").await;
}

#[tokio::test]
async fn a_session_that_panics_takes_nobody_along() {
    let gate = Gate::start(Kind::Plain).await;
    let mut other = connected(&gate).await;
    says(&gate, "< 220\n> EHLO a.example\n< 250\n> MAIL FROM:<panic@client.example>\ncut").await;
    other.write_all(b"NOOP\r\n").await.expect("sent");
    read_line(&mut other, "250").await;
    until_open(&gate, 1).await;
    says(&gate, "< 220\n> QUIT\n< 221\nclose").await;
}

#[tokio::test]
async fn stopping_lets_a_mail_finish_and_sends_the_idle_away() {
    let gate = Gate::start(Kind::Plain).await;
    let (mut idle, mut busy) = (connected(&gate).await, connected(&gate).await);
    busy.write_all(b"EHLO a.example\r\n").await.expect("sent");
    read_line(&mut busy, "250").await;
    busy.write_all(b"MAIL FROM:<>\r\n").await.expect("sent");
    read_line(&mut busy, "250").await;
    let address = gate.address;
    let ending = tokio::spawn(gate.stop());
    read_line(&mut idle, "421 4.3.2").await;
    busy.write_all(b"RCPT TO:<bo@gate.example>\r\n").await.expect("sent");
    read_line(&mut busy, "250").await;
    busy.write_all(b"BDAT 3 LAST\r\nx\r\n").await.expect("sent");
    let mut rest = String::new();
    busy.read_to_string(&mut rest).await.expect("two replies and the end");
    let lines: Vec<&str> = rest.lines().collect();
    assert!(matches!(lines[..], [taken, bye] if taken.starts_with("250 2.0.0 3 octets") && bye.starts_with("421 4.3.2")), "{rest}");
    drop((idle, busy));
    let host: Arc<Script> = ending.await.expect("no panic");
    assert_eq!(host.mails.lock().expect("no panic while held").len(), 1);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn sessions_that_do_not_end_in_time_are_dropped() {
    let host = Arc::new(Script::default());
    let (stopper, stop) = stop();
    let listen_to = ListenSettings { stop_within: Span::ms(50), ..listen_settings(Kind::Plain) };
    let setup = Setup { listen: listen_to, limits: limits(), keys: None, dns: Arc::new(Zone::new()) };
    let running = listen(setup, host, stop).await.expect("a free port");
    let mut stream = TcpStream::connect(running.addresses()[0].1).await.expect("listening");
    read_line(&mut stream, "220").await;
    stream.write_all(b"EHLO a.example\r\n").await.expect("sent");
    read_line(&mut stream, "250").await;
    stream.write_all(b"MAIL FROM:<>\r\n").await.expect("sent");
    read_line(&mut stream, "250").await;
    stopper.stop();
    tokio::time::timeout(Duration::from_secs(5), running.finished()).await.expect("ends although a mail is under way");
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_sentence() {
    let gate = Gate::start(Kind::Plain).await;
    let listen_to = ListenSettings { smtp: Addresses(vec![gate.address]), ..listen_settings(Kind::Plain) };
    let setup = Setup { listen: listen_to, limits: limits(), keys: keys(), dns: Arc::new(Zone::new()) };
    let (_stopper, stop) = stop();
    let error = listen(setup, Arc::new(Script::default()), stop).await.err().expect("the port is taken");
    assert!(matches!(error, ListenError::InUse { setting: "smtp", .. }), "{error}");
    let want = format!("{} is in use by another program; stop that program or change [listen] smtp", gate.address);
    assert_eq!(error.to_string(), want);
}

#[tokio::test]
async fn no_memory_means_later() {
    let few = LimitSettings { messages_in_memory_octets_max: 30_000, ..limits() };
    let gate = Gate::with(Kind::Plain, few).await;
    let begin = "< 220\n> EHLO a.example\n< 250\n> MAIL FROM:<>";
    let to = "< 250\n> RCPT TO:<bo@gate.example>\n< 250\n> DATA\n";
    says(&gate, &format!("{begin} SIZE=50000\n{to}< 452 4.3.1\n> QUIT\n< 221")).await;
    // Told when the memory ends, or at the end of the message: what comes first depends on how the octets arrive.
    let late = format!("{begin}\n{to}< 354\nfill 5000 0123456\\x20\\r\\n\n= .\\r\\n\n");
    let mut told = false;
    for code in ["452 4.3.1", "421 4.3.1"] {
        told |= testkit::dialogue::run(&format!("{late}< {code}"), gate.address).await.is_ok();
    }
    assert!(told, "a message over the memory is asked to come later");
    assert!(gate.host.mails.lock().expect("no panic while held").is_empty());
    says(&gate, &format!("{begin}\n{to}< 354\nfill 1000 0123456\\x20\\r\\n\n= .\\r\\n\n< 250 2.0.0 10000\n> QUIT\n< 221")).await;
    assert_eq!(gate.running().octets_under_way(), 0);
}

#[tokio::test]
async fn a_slow_command_and_a_slow_message_end() {
    let soon = LimitSettings { command_wait: Span::ms(150), data_wait: Span::ms(150), ..limits() };
    let gate = Gate::with(Kind::Plain, soon).await;
    says(&gate, "< 220\n= EHL\n< 421 4.4.2\nclose").await;
    let begin = "< 220\n> EHLO a.example\n< 250\n= MAIL FROM:<>\\r\\nRCPT TO:<bo@gate.example>\\r\\nDATA\\r\\n\n< 250\n< 250\n< 354\n";
    says(&gate, &format!("{begin}= half a mes\n< 421 4.4.2\nclose")).await;
    // Octets that trickle keep a message alive, but not a command: its time is for the whole line.
    says(&gate, "< 220\nsplit 1\nfill 120 x\n< 421 4.4.2\ncut").await;
}

#[tokio::test]
async fn guessing_passwords_does_not_go_on_in_the_next_session() {
    let gate = Gate::with(Kind::SubmissionTls, LimitSettings { sign_in_failures_per_address_max: 2, ..limits() }).await;
    let wrong = "tls\n< 220\n> EHLO a.example\n< 250\n> AUTH PLAIN AGFsaWNlAHdyb25n\n< 535\n> QUIT\n< 221";
    says(&gate, wrong).await;
    says(&gate, wrong).await;
    says(&gate, "tls\n< 220\n> EHLO a.example\n< 250\n> AUTH PLAIN AGFsaWNlAHNlY3JldA==\n< 454 4.7.0\n> QUIT\n< 221").await;
}
