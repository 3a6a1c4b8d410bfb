//! The live resolver against a name server on this machine.

use gateway::connection::resolver::{Live, from_settings};
use gateway::connection::settings::{DnsSettings, Servers};
use gateway::settings::Span;
use mail::dns::{Dns, DnsError, Record, RecordType};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::net::UdpSocket;

/// A name server that answers by the first label of the question: "txt", "nothing", "missing", "broken", "silent", "short", "alias".
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicU32>,
}

async fn server() -> Server {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let (address, asked) = (socket.local_addr().expect("bound"), Arc::new(AtomicU32::new(0)));
    let count = asked.clone();
    tokio::spawn(async move {
        let mut packet = [0u8; 1500];
        while let Ok((octets, from)) = socket.recv_from(&mut packet).await {
            count.fetch_add(1, Ordering::Relaxed);
            if let Some(answer) = answer(&packet[..octets]) {
                let _ = socket.send_to(&answer, from).await;
            }
        }
    });
    Server { address, asked }
}

/// RFC 1035 §4.1, as far as these questions need it.
fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let first = question.get(13..13 + usize::from(*question.get(12)?))?.to_ascii_lowercase();
    let end = 12 + question.get(12..)?.iter().position(|octet| *octet == 0)? + 5;
    let (code, ttl, text): (u8, u32, Option<&[u8]>) = match first.as_slice() {
        b"txt" => (0, 60, Some(b"v=spf1 -all")),
        b"short" => (0, 0, Some(b"gone soon")),
        b"nothing" => (0, 0, None),
        b"missing" => (3, 0, None),
        b"broken" => (2, 0, None),
        _ => return None,
    };
    let mut out = question.get(..2)?.to_vec();
    out.extend_from_slice(&[0x81, 0x80 | code, 0, 1, 0, u8::from(text.is_some()), 0, 0, 0, 0]);
    out.extend_from_slice(question.get(12..end)?);
    if let Some(text) = text {
        out.extend_from_slice(&[0xc0, 12, 0, 16, 0, 1]);
        out.extend_from_slice(&ttl.to_be_bytes());
        out.extend_from_slice(&(text.len() as u16 + 1).to_be_bytes());
        out.push(text.len() as u8);
        out.extend_from_slice(text);
    }
    Some(out)
}

fn resolver(server: &Server) -> Live {
    let settings = DnsSettings { servers: Servers::These(vec![server.address]), wait: Span::ms(100), ..DnsSettings::default() };
    Live::new(&settings).expect("a resolver")
}

#[tokio::test]
async fn answers_come_once_over_the_wire_and_then_from_memory() {
    let server = server().await;
    let live = resolver(&server);
    for name in ["txt.example", "TXT.Example.", "txt.example"] {
        let records = live.lookup(name, RecordType::Txt).await.expect("an answer");
        assert_eq!(*records, [Record::Txt(b"v=spf1 -all".to_vec())]);
    }
    assert_eq!(server.asked.load(Ordering::Relaxed), 1);
    let counts = live.counts();
    assert_eq!((counts.questions, counts.sent, counts.failed), (3, 1, 0));
}

#[tokio::test]
async fn the_same_question_at_the_same_time_is_asked_once() {
    let server = server().await;
    let live = resolver(&server);
    let questions = (0..50).map(|_| live.lookup("txt.example", RecordType::Txt));
    let answers = futures_util::future::join_all(questions).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(server.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn nothing_no_name_and_no_answer_are_three_things() {
    let server = server().await;
    let live = resolver(&server);
    assert_eq!(live.lookup("nothing.example", RecordType::Txt).await, Ok([].into()));
    assert_eq!(live.lookup("missing.example", RecordType::Txt).await, Err(DnsError::NoSuchName("missing.example".into())));
    for name in ["broken.example", "silent.example"] {
        let answer = live.lookup(name, RecordType::Txt).await;
        assert!(matches!(&answer, Err(DnsError::Temporary { name: asked, .. }) if asked == name), "{answer:?}");
    }
    assert_eq!(live.counts().failed, 2);
    assert!(matches!(live.lookup("a..b", RecordType::Txt).await, Err(DnsError::BadName(_))));
}

#[tokio::test]
async fn a_look_wants_any_answer_and_is_not_counted() {
    let server = server().await;
    let live = resolver(&server);
    for (name, is_up) in
        [("txt.example", true), ("nothing.example", true), ("missing.example", true), ("broken.example", false), ("silent.example", false)]
    {
        assert_eq!(live.look(name).await.is_ok(), is_up, "{name}");
    }
    let counts = live.counts();
    assert_eq!((counts.questions, counts.sent, counts.failed), (0, 0, 0), "they are no questions of mail");
}

#[tokio::test]
async fn off_means_that_no_name_exists() {
    let resolver = from_settings(&DnsSettings { servers: Servers::Off, ..DnsSettings::default() }).expect("off works");
    assert_eq!(resolver.dns.lookup("example.com", RecordType::A).await, Err(DnsError::NoSuchName("example.com".into())));
    assert!(resolver.live.is_none());
}
