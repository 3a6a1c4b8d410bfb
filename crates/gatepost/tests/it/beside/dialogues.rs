//! What is said between Gatepost and its neighbours, as docs/dialogues shows it.

use super::sendmail::Sendmail;
use super::{client, gtube, plain, settings, start, text, with_file};
use crate::postfix::Postfix;
use crate::server::{Server, free_port, message};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use testkit::transcript;

/// An SMTP connection that is written down.
struct Spoken {
    stream: BufReader<TcpStream>,
    said: String,
}

impl Spoken {
    fn open(port: u16) -> Spoken {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("set");
        let mut spoken = Spoken { stream: BufReader::new(stream), said: String::new() };
        spoken.hear();
        spoken
    }

    fn hear(&mut self) {
        loop {
            let mut line = String::new();
            assert!(self.stream.read_line(&mut line).expect("an answer") > 0, "it hung up");
            self.said += &format!("S: {}\n", line.trim_end());
            if line.as_bytes().get(3) != Some(&b'-') {
                return;
            }
        }
    }

    fn say(&mut self, line: &str) {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("sent");
        self.said += &format!("C: {line}\n");
        self.hear();
    }

    fn mail(&mut self, from: &str, to: &[&str], message: &str) {
        self.say(&format!("MAIL FROM:<{from}>"));
        to.iter().for_each(|one| self.say(&format!("RCPT TO:<{one}>")));
        self.say("DATA");
        let wire = message.replace('\n', "\r\n");
        self.stream.get_mut().write_all(format!("{wire}\r\n.\r\n").as_bytes()).expect("sent");
        let subject = message.lines().find(|line| line.starts_with("Subject:")).unwrap_or_default();
        self.said += &format!("C: (the message; {subject})\nC: .\n");
        self.hear();
    }
}

/// Our fields on top of a delivered mail, up to what the server wrote itself.
fn top(mail: &str) -> String {
    let from = mail.lines().skip_while(|line| !line.starts_with("X-Gatepost-Report:"));
    from.take_while(|line| !line.starts_with("From: ") && !line.starts_with("Received: ")).map(|line| format!("{line}\n")).collect()
}

fn arrived(server: &Server, postfix: &Postfix, subject: &str) -> String {
    let wanted = format!("Subject: {subject}\n");
    let find = || postfix.mails().into_iter().find(|mail| mail.contains(&wanted));
    server.eventually(&format!("{subject} is delivered"), |_| find().is_some());
    find().expect("it was there")
}

#[test]
fn postfix_asks_by_milter_in_both_directions() {
    let (milter, port) = (free_port(), free_port());
    // What leaves is put into the same mailbox instead of being looked up in DNS.
    let main = format!("smtpd_milters = inet:127.0.0.1:{milter}\nmilter_default_action = tempfail\ndefault_transport = virtual\n");
    let Some(postfix) = Postfix::start_with(port, &main, "", "") else { return };
    let server = start(&format!("milter = \"inet:127.0.0.1:{milter}\""), &settings(9, ""));
    let mut inbound = Spoken::open(port);
    inbound.say("EHLO client.example");
    inbound.mail("ann@partner.example", &["nobody@demo.example", "li@demo.example"], &plain("inbound"));
    inbound.mail("ann@partner.example", &["li@demo.example"], &with_file("program", "tool.exe", "MZ"));
    inbound.say("QUIT");
    let came = arrived(&server, &postfix, "inbound");
    let mut outbound = Spoken::open(port);
    outbound.say("EHLO desk.demo.example");
    let leaving = plain("outbound").replace("From: <ann@partner.example>", "From: <li@demo.example>");
    outbound.mail("li@demo.example", &["ann@far.example"], &leaving);
    outbound.say("QUIT");
    let left = arrived(&server, &postfix, "outbound");
    let direction = super::row(&server, "outbound")["direction"].as_str().expect("a direction").to_string();
    assert_eq!(direction, "outbound");
    let said = format!(
        "A client speaks to Postfix, which asks Gatepost about each recipient and message.\n\n{}\nOn top of the mail in the mailbox:\n\n{}\n\
         The other direction: a mail of the organisation leaves through the same Postfix.\n\n{}\nOn top of the mail that left:\n\n{}\n\
         In the trace: direction={direction}\n",
        inbound.said,
        top(&came),
        outbound.said,
        top(&left)
    );
    transcript::check("postfix-milter", &["postfix"], &said);
}

#[test]
fn sendmail_asks_by_milter() {
    let Some(postfix) = Postfix::start() else { return };
    let milter = free_port();
    let server = start(&format!("milter = \"inet:{milter}@127.0.0.1\""), &settings(postfix.port, ""));
    let Some(sendmail) = Sendmail::start(milter, postfix.port) else { return };
    let mut client = Spoken::open(sendmail.port);
    // It is unpacked, not installed: its greeting says which it is.
    let version = client.said.split("Sendmail ").nth(1).and_then(|rest| rest.split([';', ' ']).next()).unwrap_or_default().to_string();
    client.say("EHLO client.example");
    client.mail("ann@partner.example", &["nobody@demo.example", "li@demo.example"], &plain("by sendmail"));
    client.mail("ann@partner.example", &["li@demo.example"], &with_file("program", "tool.exe", "MZ"));
    client.say("QUIT");
    let came = arrived(&server, &postfix, "by sendmail");
    let said = format!(
        "A client speaks to sendmail, which asks Gatepost about each recipient and message.\n\n{}\nOn top of the mail that sendmail sent on:\n\n{}\n",
        client.said,
        top(&came)
    );
    transcript::check_as("sendmail-milter", &format!("sendmail {version}"), &said);
}

/// What a client of the command line was told, with the command before it.
fn asked(shown: &str, program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let output = client(program, arguments, input)?;
    let said = text(&output);
    // Symbols of the same score have no order.
    let (mut symbols, rest): (Vec<&str>, Vec<&str>) = said.lines().partition(|line| line.starts_with("Symbol: "));
    symbols.sort_unstable();
    Some(format!("$ {shown}\n{}\n", rest.into_iter().chain(symbols).collect::<Vec<_>>().join("\n")))
}

#[test]
fn rspamc_asks_and_teaches() {
    let port = free_port();
    let _server = start(&format!("rspamd = \"127.0.0.1:{port}\""), &settings(9, "[beside]\npassword = \"open sesame\"\n"));
    let at = format!("127.0.0.1:{port}");
    let spam = message("lesson", "ann@partner.example", "Cheap watches for you, today only, order now at our shop.");
    let mut said = String::new();
    for (shown, arguments, input) in [
        ("rspamc symbols < clean.eml", vec!["symbols"], plain("clean")),
        ("rspamc symbols < gtube.eml", vec!["symbols"], message("gtube", "ann@partner.example", &gtube())),
        ("rspamc symbols < program.eml", vec!["symbols"], with_file("program", "tool.exe", "MZ")),
        ("rspamc learn_spam < lesson.eml", vec!["learn_spam"], spam.clone()),
        ("rspamc -P 'open sesame' learn_spam < lesson.eml", vec!["-P", "open sesame", "learn_spam"], spam.clone()),
    ] {
        let whole: Vec<&str> = ["-h", at.as_str()].into_iter().chain(arguments).collect();
        let Some(told) = asked(&shown.replace("rspamc", "rspamc -h 127.0.0.1:11333"), "rspamc", &whole, &input) else { return };
        said += &format!("{told}\n");
    }
    transcript::check("rspamc", &["rspamd"], &said);
}

#[test]
fn spamc_asks_and_teaches() {
    let port = free_port();
    let _server = start(&format!("spamd = \"127.0.0.1:{port}\""), &settings(9, ""));
    let port = port.to_string();
    let spam = message("gtube", "ann@partner.example", &gtube());
    let mut said = String::new();
    for (arguments, file, input) in [
        (vec!["-K"], "", String::new()),
        (vec!["-c"], " < clean.eml", plain("clean")),
        (vec!["-c"], " < gtube.eml", spam.clone()),
        (vec!["-y"], " < gtube.eml", spam.clone()),
        (vec!["--headers"], " < gtube.eml", spam.clone()),
        (vec!["-L", "spam"], " < gtube.eml", spam.clone()),
    ] {
        let whole: Vec<&str> = ["-d", "127.0.0.1", "-p", &port].into_iter().chain(arguments.iter().copied()).collect();
        let shown = format!("spamc -d 127.0.0.1 -p 783 {}{file}", arguments.join(" "));
        let Some(told) = asked(&shown, "spamc", &whole, &input) else { return };
        said += &format!("{told}\n");
    }
    transcript::check("spamc", &["spamc"], &said);
}

#[test]
fn swaks_sends_to_the_port() {
    let server = start("", &settings(9, ""));
    let port = server.smtp.port().to_string();
    let mut said = String::new();
    for (shown, to, more) in [
        ("a mail that is taken", "li@demo.example", vec![]),
        ("somebody who is not there", "nobody@demo.example", vec![]),
        ("under TLS", "li@demo.example", vec!["--tls"]),
    ] {
        let base = ["--server", "127.0.0.1", "--port", &port, "--helo", "client.example", "--from", "ann@partner.example", "--to", to];
        let body = ["--header", "Subject: From swaks", "--body", "Shall we meet on Tuesday at ten to go through the plan for the office?"];
        let whole: Vec<&str> = base.into_iter().chain(body).chain(more.iter().copied()).collect();
        let Some(output) = client("swaks", &whole, "") else { return };
        let told: String = text(&output)
            .lines()
            // The key of this run, and what differs between builds of the TLS library.
            .filter(|line| !line.contains("TLS") || line.contains("STARTTLS"))
            .map(|line| format!("{line}\n"))
            .collect();
        said += &format!(
            "$ swaks --server gate.test --helo client.example --from ann@partner.example --to {to} {}  # {shown}\n{told}\n",
            more.join(" ")
        );
    }
    transcript::check("swaks", &["swaks"], &said);
}
