//! Real mail through the port into a real Postfix.

use crate::postfix::Postfix;
use crate::server::{Server, command};
use std::path::{Path, PathBuf};

/// Mails sent; all 10,000 and more with GATEPOST_RELAY_MAILS.
const MAILS: usize = 300;

/// Real mails of all sources, evenly.
fn sample(count: usize) -> Option<Vec<PathBuf>> {
    let root = testkit::shared::corpora()?;
    let labels = std::fs::read_to_string(root.join("labels.tsv")).expect("labels");
    let paths: Vec<PathBuf> = labels.lines().skip(1).filter_map(|line| line.split('\t').next()).map(|path| root.join(path)).collect();
    let step = (paths.len() / count.max(1)).max(1);
    Some(paths.into_iter().step_by(step).take(count).collect())
}

/// A mail as a server hands it over: CRLF throughout, no mbox line.
fn on_the_wire(path: &Path) -> Vec<u8> {
    let octets = std::fs::read(path).expect("a mail");
    let octets =
        if octets.starts_with(b"From ") { octets.splitn(2, |octet| *octet == b'\n').nth(1).unwrap_or_default().to_vec() } else { octets };
    let mut wire = Vec::with_capacity(octets.len() + octets.len() / 20);
    for line in octets.split(|octet| *octet == b'\n') {
        let line: Vec<u8> = line.iter().copied().filter(|octet| *octet != b'\r').collect();
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(&line);
        wire.extend_from_slice(b"\r\n");
    }
    wire
}

#[test]
fn real_mail_reaches_a_real_postfix_and_the_balance_adds_up() {
    let count = std::env::var("GATEPOST_RELAY_MAILS").ok().and_then(|count| count.parse().ok()).unwrap_or(MAILS);
    let Some(mails) = sample(count) else { return };
    let Some(postfix) = Postfix::start() else { return };
    let settings = format!(
        "[dns]\nservers = \"off\"\n[[organisation]]\nname = \"demo\"\nconnector = \"next\"\n[[connector]]\nname = \"next\"\nhosts = [\"127.0.0.1:{}\"]\n\
         tls = \"off\"\nallow_private = true\n[[domain]]\nname = \"demo.example\"\nrecipients = \"any\"\n",
        postfix.port
    );
    let server = Server::start(&settings, &[]);
    let mut replies = std::collections::BTreeMap::<String, usize>::new();
    for path in &mails {
        let reply = send_octets(&server, &on_the_wire(path)).expect("an answer to every mail");
        *replies.entry(reply.chars().take(9).collect()).or_default() += 1;
    }
    let taken = replies.get("250 2.0.0").copied().unwrap_or(0);
    println!("{} mails sent, answers: {replies:?}", mails.len());
    assert!(taken * 10 >= mails.len() * 9, "nearly all real mail is taken: {replies:?}");
    server.eventually("nothing is queued", |server| {
        server.rows(&["trace", "list", "--json", "--state", "queued", "--limit", "1"]).is_empty()
    });
    let balance: serde_json::Value = server.rows(&["trace", "balance", "--json"]).remove(0);
    println!("balance: {}", balance["total"]);
    assert_eq!(balance["adds_up"], true, "{balance}");
    assert_eq!(balance["total"]["accepted"], taken);
    assert_eq!(balance["total"]["bounced"], 0, "Postfix took all that was sent on: {balance}");
    let delivered = balance["total"]["delivered"].as_u64().unwrap_or(0) as usize;
    server.eventually("they lie in the mailbox of Postfix", |_| {
        std::fs::read_dir(postfix.mailbox()).map(Iterator::count).unwrap_or(0) >= delivered
    });
    assert_eq!(command(server.data.path()).args(["trace", "balance"]).status().expect("it runs").code(), Some(0));
}

fn send_octets(server: &Server, wire: &[u8]) -> std::io::Result<String> {
    use std::io::{BufRead, BufReader, Write};
    let mut stream = BufReader::new(std::net::TcpStream::connect(server.smtp)?);
    stream.get_ref().set_read_timeout(Some(std::time::Duration::from_secs(60)))?;
    let read = |stream: &mut BufReader<std::net::TcpStream>| -> std::io::Result<String> {
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line.trim_end().to_string());
            }
        }
    };
    let mut reply = read(&mut stream)?;
    let commands: [&[u8]; 4] = [
        b"EHLO client.test\r\n",
        b"MAIL FROM:<ann@partner.example> BODY=8BITMIME SMTPUTF8\r\n",
        b"RCPT TO:<li@demo.example>\r\n",
        b"DATA\r\n",
    ];
    for command in commands {
        if !reply.starts_with(['2', '3']) {
            return Ok(reply);
        }
        stream.get_mut().write_all(command)?;
        reply = read(&mut stream)?;
    }
    stream.get_mut().write_all(&[wire, b".\r\n"].concat())?;
    read(&mut stream)
}
