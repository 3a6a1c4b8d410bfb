//! People and servers that send: plain SMTP to our door, from whatever address the scenario says (XCLIENT).

use super::scenario::Sent;
use super::world::now_ms;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Sends it; returns the last reply.
pub async fn send(to: SocketAddr, sent: &Sent, number: usize) -> String {
    let mut stream = BufReader::new(TcpStream::connect(to).await.expect("the door is open"));
    read(&mut stream).await;
    let login = if sent.login.is_empty() { String::new() } else { format!(" LOGIN={}", sent.login) };
    let mut commands =
        vec![format!("XCLIENT ADDR={}{login}", sent.ip), format!("EHLO {}", sent.helo), format!("MAIL FROM:<{}>", sent.from)];
    commands.extend(sent.to.iter().map(|recipient| format!("RCPT TO:<{recipient}>")));
    commands.push("DATA".into());
    for command in commands {
        stream.get_mut().write_all(format!("{command}\r\n").as_bytes()).await.expect("the session goes on");
        let reply = read(&mut stream).await;
        let is_recipient = command.starts_with("RCPT");
        if !reply.starts_with(['2', '3']) && !is_recipient {
            return reply;
        }
    }
    let _ = stream.get_mut().write_all(&message(sent, number)).await;
    let _ = stream.get_mut().write_all(if sent.odd == "bare-lf" { b"\r\n.\r\n" } else { b".\r\n" }).await;
    let reply = read(&mut stream).await;
    let _ = stream.get_mut().write_all(b"QUIT\r\n").await;
    reply
}

async fn read(stream: &mut BufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 || line.as_bytes().get(3) != Some(&b'-') {
            return line.trim_end().to_string();
        }
    }
}

fn message(sent: &Sent, number: usize) -> Vec<u8> {
    let author = if sent.author.is_empty() { &sent.from } else { &sent.author };
    let date = gateway::intake::date(now_ms() + sent.date_minutes * 60_000);
    let id = if sent.message_id.is_empty() { format!("<{}.{number}@{}>", now_ms(), sent.helo) } else { sent.message_id.clone() };
    let mut head = format!(
        "Date: {date}\r\nFrom: <{author}>\r\nTo: <{}>\r\nSubject: {}\r\nMessage-ID: {id}\r\nMIME-Version: 1.0\r\n",
        sent.to[0], sent.subject
    );
    for header in &sent.headers {
        head.push_str(&format!("{header}\r\n"));
    }
    let filling: String = "A line of a long attachment that fills the message with harmless words.\r\n".repeat(sent.filling / 72);
    let text = match sent.attachment.as_str() {
        "" => format!("{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{}{filling}", sent.body),
        kind => {
            let (name, octets) = attachment(kind);
            let encoded: String = octets;
            format!(
                "{head}Content-Type: multipart/mixed; boundary=lab\r\n\r\n--lab\r\nContent-Type: text/plain\r\n\r\n{}\r\n--lab\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--lab--\r\n",
                sent.body
            )
        }
    };
    let text = text.replace("\r\n.", "\r\n..");
    if sent.odd == "bare-lf" { text.replacen("\r\n\r\n", "\r\n\r\nA bare\nline end\r\n", 1).into_bytes() } else { text.into_bytes() }
}

/// Base64, as the demo mails have them.
fn attachment(kind: &str) -> (&'static str, String) {
    let demo = |name: &str| {
        let path = format!("{}/../gatepost/demo/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"));
        let part = text.split("base64").nth(1).unwrap_or_default();
        let body: Vec<&str> = part
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.contains(':'))
            .take_while(|line| !line.starts_with("--"))
            .collect();
        body.join("\r\n")
    };
    match kind {
        "eicar" => ("invoice.txt", "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo=".into()),
        "exe" => ("setup.exe", demo("44-exe.eml")),
        "locked-zip" => ("papers.zip", demo("48-locked-zip.eml")),
        other => panic!("there is no attachment “{other}”"),
    }
}
