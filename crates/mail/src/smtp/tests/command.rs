use crate::envelope::{BodyType, Notify, Ret};
use crate::smtp::{COMMAND_LINE_OCTETS_MAX, Command, Line, LineReader, parse_command};

fn refused(line: &[u8]) -> String {
    let reply = parse_command(line).expect_err(&line.escape_ascii().to_string()).reply;
    let status = reply.status.expect("refusals have a status");
    format!("{} {}.{}.{}", reply.code, status.0, status.1, status.2)
}

#[test]
fn commands_are_read() {
    for (line, want) in [
        ("HELO mx.example", Command::Helo("mx.example".into())),
        ("ehlo [192.0.2.1]", Command::Ehlo("[192.0.2.1]".into())),
        ("LHLO x_y", Command::Lhlo("x_y".into())),
        ("DATA", Command::Data),
        ("data ", Command::Data),
        ("BDAT 86 LAST", Command::Bdat { octets: 86, last: true }),
        ("bdat 0 last", Command::Bdat { octets: 0, last: true }),
        ("BDAT 18446744073709551615", Command::Bdat { octets: u64::MAX, last: false }),
        ("RSET", Command::Rset),
        ("NOOP some text", Command::Noop),
        ("QUIT", Command::Quit),
        ("HELP MAIL", Command::Help),
        ("VRFY a b", Command::Vrfy("a b".into())),
        ("EXPN list", Command::Expn("list".into())),
        ("StartTLS", Command::StartTls),
        ("AUTH plain AGEAYg==", Command::Auth { mechanism: "PLAIN".into(), initial: Some("AGEAYg==".into()) }),
        ("AUTH PLAIN =", Command::Auth { mechanism: "PLAIN".into(), initial: Some(String::new()) }),
        ("AUTH LOGIN", Command::Auth { mechanism: "LOGIN".into(), initial: None }),
        (
            "XCLIENT name=a.example ADDR=192.0.2.1",
            Command::Xclient(vec![("NAME".into(), "a.example".into()), ("ADDR".into(), "192.0.2.1".into())]),
        ),
    ] {
        assert_eq!(parse_command(line.as_bytes()), Ok(want), "{line}");
    }
}

#[test]
fn what_is_no_command_is_refused() {
    for (line, want) in [
        (&b""[..], "500 5.5.1"),
        (b"MAILBOX", "500 5.5.1"),
        (b"DATA now", "501 5.5.4"),
        (b"DATA\0", "500 5.5.2"),
        (b"NOOP\rQUIT", "500 5.5.2"),
        (b"NOOP \x1b[2J", "500 5.5.2"),
        (b"NOOP \xff", "500 5.5.2"),
        (b"EHLO", "501 5.5.4"),
        (b"EHLO a b", "501 5.5.4"),
        ("EHLO ü.example".as_bytes(), "501 5.5.4"),
        (b"BDAT", "501 5.5.4"),
        (b"BDAT -1", "501 5.5.4"),
        (b"BDAT 1 FIRST", "501 5.5.4"),
        (b"BDAT 18446744073709551616", "501 5.5.4"),
        (b"VRFY", "501 5.5.4"),
        (b"AUTH", "501 5.5.4"),
        (b"AUTH PL@IN", "501 5.5.4"),
        (b"AUTH PLAIN a b", "501 5.5.2"),
        (b"XCLIENT", "501 5.5.4"),
        (b"XCLIENT NAME=a+0Ab", "501 5.5.4"),
        (b"MAIL", "501 5.5.2"),
        (b"MAIL TO:<a@b.example>", "501 5.5.2"),
        (b"MAIL FROM:a@b.example", "501 5.1.7"),
        (b"MAIL FROM:<a@b.example", "501 5.1.7"),
        (b"MAIL FROM:<a@b.example>SIZE=1", "501 5.5.4"),
        (b"MAIL FROM:<(any@victim.example>", "501 5.1.7"),
        (b"MAIL FROM:<any@victim.example(a.attacker.example>", "501 5.1.7"),
        (b"MAIL FROM:<any@victim.example'@any.attacker.example>", "501 5.1.7"),
        (b"MAIL FROM:<@victim.example,@any.example:'any@attacker.example>", "501 5.1.7"),
        (b"MAIL FROM:<a@b.example> SIZE=1 SIZE=2", "501 5.5.4"),
        (b"MAIL FROM:<a@b.example> SIZE=", "501 5.5.4"),
        (b"MAIL FROM:<a@b.example> SIZE", "501 5.5.4"),
        (b"MAIL FROM:<a@b.example> SIZE=1e3", "501 5.5.4"),
        (b"MAIL FROM:<a@b.example> BODY=BINARYMIME", "501 5.5.4"),
        (b"MAIL FROM:<a@b.example> SMTPUTF8=yes", "501 5.5.4"),
        (b"MAIL FROM:<a@b.example> RET=ALL", "501 5.5.4"),
        (b"MAIL FROM:<a@b.example> ENVID=a+0D+0Ab", "501 5.5.4"),
        (b"MAIL FROM:<a@b.example> MT-PRIORITY=3", "555 5.5.4"),
        (b"MAIL FROM:<a@b.example> =1", "501 5.5.4"),
        ("MAIL FROM:<李@b.example>".as_bytes(), "553 5.6.7"),
        ("MAIL FROM:<a@例子.example>".as_bytes(), "553 5.6.7"),
        (b"RCPT TO:<>", "553 5.1.3"),
        (b"RCPT TO:<a>", "553 5.1.3"),
        (b"RCPT TO:<@x.example:a@b.example>", "553 5.1.3"),
        (b"RCPT TO:<a@b.example> NOTIFY=NEVER,SUCCESS", "501 5.5.4"),
        (b"RCPT TO:<a@b.example> NOTIFY=DELAY,DELAY", "501 5.5.4"),
        (b"RCPT TO:<a@b.example> ORCPT=rfc822", "501 5.5.4"),
        (b"RCPT TO:<a@b.example> ORCPT=rfc822;a+0Ab", "501 5.5.4"),
        (b"RCPT TO:<a@b.example> SIZE=1", "555 5.5.4"),
    ] {
        assert_eq!(refused(line), want, "{}", line.escape_ascii());
    }
    assert_eq!(refused(&vec![b'A'; COMMAND_LINE_OCTETS_MAX + 1]), "500 5.5.2");
}

#[test]
fn parameters_of_mail_are_read() {
    let line = "mail from:<A@B.example> size=1000 BODY=8bitmime SMTPUTF8 REQUIRETLS RET=HDRS ENVID=QQ+2B3 AUTH=a+40b.example";
    let Ok(Command::Mail(mail)) = parse_command(line.as_bytes()) else { panic!("{line}") };
    assert_eq!(mail.sender.map(|sender| sender.to_string()).as_deref(), Some("A@b.example"));
    assert_eq!((mail.size, mail.body, mail.smtputf8, mail.require_tls), (Some(1000), BodyType::EightBit, true, true));
    assert_eq!((mail.ret, mail.envid.as_deref(), mail.auth.as_deref()), (Some(Ret::Headers), Some("QQ+3"), Some("a@b.example")));

    let Ok(Command::Mail(bounce)) = parse_command(b"MAIL FROM: <>") else { panic!("the null path is a path") };
    assert_eq!((bounce.sender, bounce.size), (None, None));
    let Ok(Command::Mail(unicode)) = parse_command("MAIL FROM:<李@例子.中国> SMTPUTF8".as_bytes()) else { panic!("SMTPUTF8") };
    assert_eq!(unicode.sender.map(|sender| sender.to_string()).as_deref(), Some("李@xn--fsqu00a.xn--fiqs8s"));
}

#[test]
fn parameters_of_rcpt_are_read() {
    for (line, address, notify, orcpt) in [
        ("RCPT TO:<a@b.example>", "a@b.example", Notify::default(), None),
        ("RCPT TO:<Postmaster>", "postmaster", Notify::default(), None),
        ("RCPT TO:<a@b.example> NOTIFY=never", "a@b.example", Notify::NEVER, None),
        (
            "RCPT TO:<a@b.example> NOTIFY=SUCCESS,FAILURE ORCPT=RFC822;x+2By@b.example",
            "a@b.example",
            Notify { success: true, failure: true, delay: false, given: true },
            Some("rfc822;x+y@b.example"),
        ),
        ("RCPT TO:<a@b.example> ORCPT=utf-8;\\x{674E}@b.example", "a@b.example", Notify::default(), Some("utf-8;李@b.example")),
        ("RCPT TO:<a@b.example> ORCPT=utf-8;李@b.example", "a@b.example", Notify::default(), Some("utf-8;李@b.example")),
    ] {
        let Ok(Command::Rcpt(rcpt)) = parse_command(line.as_bytes()) else { panic!("{line}") };
        assert_eq!((rcpt.address.to_string().as_str(), rcpt.notify, rcpt.orcpt.as_deref()), (address, notify, orcpt), "{line}");
    }
}

/// All lines of `input`, arriving in pieces of `step` octets.
fn lines(input: &[u8], step: usize) -> Vec<String> {
    let mut reader = LineReader::new(20);
    let mut found = Vec::new();
    for piece in input.chunks(step) {
        reader.buffer().extend_from_slice(piece);
        loop {
            match reader.next_line() {
                Line::Pending => break,
                Line::Complete(line) => found.push(line.escape_ascii().to_string()),
                Line::TooLong => found.push("too long".to_string()),
                Line::BareLf => found.push("bare LF".to_string()),
            }
        }
    }
    found
}

#[test]
fn lines_are_cut_alike_however_they_arrive() {
    let input = b"EHLO a\r\n\r\nNOOP\n a \r b\r\n0123456789012345678901234567890123456789\r\n012345678901234567\r\nQUIT\r\nrest";
    for step in 1..=input.len() {
        let want = ["EHLO a", "", "bare LF", " a \\r b", "too long", "012345678901234567", "QUIT"];
        assert_eq!(lines(input, step), want, "pieces of {step}");
    }
}

#[test]
fn what_follows_a_line_can_be_seen_and_thrown_away() {
    let mut reader = LineReader::new(512);
    reader.buffer().extend_from_slice(b"STARTTLS\r\nMAIL FROM:<a@b.example>\r\n");
    assert_eq!(reader.next_line(), Line::Complete("STARTTLS".into()));
    assert_eq!(reader.waiting().len(), 25);
    assert_eq!((reader.discard(), reader.next_line()), (25, Line::Pending));
}
