//! Postfix with us as its content filter: before its queue (`smtpd_proxy_filter`) and after it (`content_filter`).

use super::{adds_up, plain, row, settings, start, with_file};
use crate::postfix::Postfix;
use crate::server::{Server, free_port, send};
use std::net::SocketAddr;

fn through(postfix: &Postfix, message: &str, recipient: &str) -> String {
    send(SocketAddr::from(([127, 0, 0, 1], postfix.port)), "ann@partner.example", recipient, message).expect("an answer")
}

/// The port where mail comes back to Postfix.
fn back(port: u16) -> String {
    format!(
        "{port} inet n - n - 10 smtpd -o content_filter= -o smtpd_proxy_filter= -o smtpd_authorized_xforward_hosts=127.0.0.0/8 \
         -o smtpd_client_restrictions= -o smtpd_recipient_restrictions=permit_mynetworks,reject\n"
    )
}

/// `send` of a client at 192.0.2.7, as Postfix would see it.
const CLIENT: &str = "smtpd_authorized_xclient_hosts = 127.0.0.0/8\n";

fn arrives(server: &Server, postfix: &Postfix, subject: &str) -> String {
    let wanted = format!("Subject: {subject}\n");
    let find = || postfix.mails().into_iter().find(|mail| mail.contains(&wanted));
    server.eventually(&format!("{subject} lies in the mailbox"), |_| find().is_some());
    find().expect("it was there")
}

#[test]
fn before_the_queue_our_replies_reach_the_client() {
    let (gate, port, again) = (free_port(), free_port(), free_port());
    let filter = format!("-o smtpd_proxy_filter=127.0.0.1:{gate}");
    let Some(postfix) = Postfix::start_with(port, CLIENT, &filter, &back(again)) else { return };
    let listen = "web = \"\"\nstatus = \"\"\nxforward = [\"127.0.0.1\"]\n";
    let server = Server::start_with(tempfile::TempDir::new().expect("a folder"), (gate, listen), &settings(again, ""), &[]);
    let reply = through_client(&postfix, "li@demo.example", &plain("before"));
    assert!(reply.starts_with("250 2.0.0 m"), "the id of our receipt is what the client reads: {reply}");
    let mail = arrives(&server, &postfix, "before");
    assert!(mail.contains("X-Gatepost-Report: id=m"), "{mail}");
    let row = row(&server, "before");
    assert_eq!(row["peer_ip"], "192.0.2.7", "the client is judged: {row}");
    let explained = server.rows(&["explain", row["mail"].as_str().expect("an id"), "--json"]);
    let connection = &explained[0]["connection"];
    assert_eq!((&connection["via"], &connection["helo"]), (&"127.0.0.1".into(), &"client.example".into()), "{explained:?}");
    let unknown = through_client(&postfix, "nobody@demo.example", &plain("unknown"));
    assert!(unknown.starts_with("550 5.4.1"), "{unknown}");
    let blocked = through_client(&postfix, "li@demo.example", &with_file("program", "tool.exe", "MZ"));
    assert!(blocked.starts_with("550 5.7.1 An attachment"), "{blocked}");
    println!("replies through smtpd_proxy_filter:\n  {reply}\n  {unknown}\n  {blocked}\n--- the mail:\n{mail}");
    adds_up(&server);
}

#[test]
fn after_the_queue_mail_goes_through_us_and_back() {
    let (gate, port, again) = (free_port(), free_port(), free_port());
    let filter = format!("-o content_filter=scan:[127.0.0.1]:{gate}");
    let scan = "scan unix - - n - 10 smtp -o smtp_send_xforward_command=yes -o disable_mime_output_conversion=yes -o smtp_tls_security_level=none\n";
    let Some(postfix) = Postfix::start_with(port, CLIENT, &filter, &format!("{scan}{}", back(again))) else { return };
    let listen = "web = \"\"\nstatus = \"\"\nxforward = [\"127.0.0.1\"]\n";
    let server = Server::start_with(tempfile::TempDir::new().expect("a folder"), (gate, listen), &settings(again, ""), &[]);
    let reply = through_client(&postfix, "li@demo.example", &plain("after"));
    assert!(reply.starts_with("250"), "{reply}");
    let mail = arrives(&server, &postfix, "after");
    assert!(mail.contains("X-Gatepost-Report: id=m"), "{mail}");
    assert_eq!(row(&server, "after")["peer_ip"], "192.0.2.7", "the client is judged");
    let leaving = plain("leaving").replace("From: <ann@partner.example>", "From: <li@demo.example>");
    let reply = through(&postfix, &leaving, "ann@far.example");
    assert!(reply.starts_with("250"), "{reply}");
    server.eventually("what leaves came through us", |server| {
        server.rows(&["trace", "list", "--json"]).iter().any(|row| row["subject"] == "leaving" && row["direction"] == "outbound")
    });
    println!("--- the mail:\n{mail}");
    adds_up(&server);
}

#[test]
fn who_is_not_named_may_not_speak_for_others() {
    let server = start("", &settings(9, ""));
    use std::io::{BufRead, BufReader, Write};
    let stream = std::net::TcpStream::connect(server.smtp).expect("it listens");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("set");
    let mut lines = BufReader::new(stream);
    let mut said = String::new();
    lines.read_line(&mut said).expect("a greeting");
    lines.get_mut().write_all(b"EHLO x\r\n").expect("sent");
    while !said.starts_with("250 ") {
        said.clear();
        lines.read_line(&mut said).expect("an answer");
        assert!(!said.contains("XFORWARD"), "it is not offered");
    }
    lines.get_mut().write_all(b"XFORWARD ADDR=192.0.2.7\r\n").expect("sent");
    said.clear();
    lines.read_line(&mut said).expect("an answer");
    assert!(said.starts_with("550 5.7.0"), "{said}");
}

/// Through Postfix as the client at 192.0.2.7.
fn through_client(postfix: &Postfix, recipient: &str, message: &str) -> String {
    use std::io::{BufRead, BufReader, Write};
    let stream = std::net::TcpStream::connect(("127.0.0.1", postfix.port)).expect("it listens");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("set");
    let mut lines = BufReader::new(stream);
    let mut reply = String::from("220");
    let wire = message.replace('\n', "\r\n");
    for line in [
        String::new(),
        "EHLO proxy.test".into(),
        "XCLIENT NAME=mx.client.example ADDR=192.0.2.7 PROTO=ESMTP HELO=client.example".into(),
        "EHLO client.example".into(),
        "MAIL FROM:<ann@partner.example>".into(),
        format!("RCPT TO:<{recipient}>"),
        "DATA".into(),
        format!("{wire}\r\n."),
    ] {
        if !reply.starts_with(['2', '3']) {
            break;
        }
        if !line.is_empty() {
            lines.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("sent");
        }
        loop {
            reply.clear();
            assert!(lines.read_line(&mut reply).expect("an answer") > 0, "the server hung up");
            if reply.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
    }
    reply.trim_end().to_string()
}
