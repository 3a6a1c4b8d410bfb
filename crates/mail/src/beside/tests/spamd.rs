//! What spamc asks.

use super::super::spamd::{Failure, Head, Method, Response, Score, Told, failed, pong, read_head};

fn head(method: Method) -> Head {
    Head { method, version: "1.5".into(), content_octets: None, user: String::new(), is_compressed: false, told: None }
}

#[test]
fn requests_as_clients_write_them() {
    for (octets, want, why) in [
        (
            "CHECK SPAMC/1.5\r\nUser: ann\r\nContent-length: 12\r\n\r\n",
            Head { content_octets: Some(12), user: "ann".into(), ..head(Method::Check) },
            "spamc -c",
        ),
        ("PING SPAMC/1.2\r\n\r\n", Head { version: "1.2".into(), ..head(Method::Ping) }, "spamc -K"),
        ("PROCESS SPAMC/1.5\nContent-Length:1\n\n", Head { content_octets: Some(1), ..head(Method::Process) }, "bare line ends"),
        ("SYMBOLS\r\n\r\n", Head { version: String::new(), ..head(Method::Symbols) }, "no version"),
        (
            "HEADERS SPAMC/1.5\r\nCompress: zlib\r\nContent-length: 3\r\n\r\n",
            Head { is_compressed: true, content_octets: Some(3), ..head(Method::Headers) },
            "spamc -z",
        ),
        (
            "TELL SPAMC/1.5\r\nMessage-class: spam\r\nSet: local\r\n\r\n",
            Head { told: Some(Told::Spam), ..head(Method::Tell) },
            "spamc -L spam",
        ),
        ("TELL SPAMC/1.5\r\nMessage-class: ham\r\nSet: local, remote\r\n\r\n", Head { told: Some(Told::Ham), ..head(Method::Tell) }, "ham"),
        ("TELL SPAMC/1.5\r\nRemove: local\r\n\r\n", Head { told: Some(Told::Forget), ..head(Method::Tell) }, "spamc -L forget"),
        ("REPORT_IFSPAM SPAMC/1.5\r\nX-New: x\r\n\r\n", head(Method::ReportIfSpam), "a field we do not know"),
    ] {
        assert_eq!(read_head(format!("{octets}Subject: the message").as_bytes()), Ok(Some((want, octets.len()))), "{why}");
        assert_eq!(read_head(&octets.as_bytes()[..octets.len() - 1]), Ok(None), "{why}, not all there");
    }
}

#[test]
fn what_is_no_request_is_refused() {
    for (octets, want, why) in [
        ("GET / HTTP/1.1\r\n\r\n", Failure::Protocol, "HTTP"),
        ("check SPAMC/1.5\r\n\r\n", Failure::Protocol, "lower case"),
        ("CHECK SPAMD/1.5\r\n\r\n", Failure::Protocol, "another name"),
        ("CHECK SPAMC/1.5\r\nContent-length: -1\r\n\r\n", Failure::Protocol, "negative"),
        ("CHECK SPAMC/1.5\r\nContent-length: 99999999999999999999\r\n\r\n", Failure::Protocol, "no number of ours"),
        ("CHECK SPAMC/1.5\r\nCompress: gzip\r\n\r\n", Failure::Protocol, "another compression"),
        ("CHECK SPAMC/1.5\r\nnothing\r\n\r\n", Failure::Protocol, "no field"),
        ("TELL SPAMC/1.5\r\nMessage-class: spam\r\n\r\n", Failure::Usage, "nothing set"),
        ("TELL SPAMC/1.5\r\nSet: remote\r\nMessage-class: spam\r\n\r\n", Failure::Usage, "others' databases"),
        ("TELL SPAMC/1.5\r\nSet: local\r\nMessage-class: bulk\r\n\r\n", Failure::Usage, "no such class"),
    ] {
        assert_eq!(read_head(octets.as_bytes()), Err(want), "{why}");
    }
    assert_eq!(read_head(&b"A".repeat(9_000)), Err(Failure::Protocol), "no line end in sight");
    assert_eq!(read_head(&[&b"CHECK SPAMC/1.5\r\n"[..], &b"A: b\r\n".repeat(70), b"\r\n"].concat()), Err(Failure::Protocol), "many fields");
}

#[test]
fn answers_as_spamc_reads_them() {
    let score = Some(Score { is_spam: true, points: 9.26, threshold: 5.0 });
    let response = Response { score, fields: vec![("DidSet", "local\r\nSpam: False".into())], content: Some(b"A,B".to_vec()) };
    let want = "SPAMD/1.5 0 EX_OK\r\nSpam: True ; 9.3 / 5.0\r\nDidSet: local  Spam: False\r\nContent-length: 3\r\n\r\nA,B";
    assert_eq!(String::from_utf8_lossy(&response.octets()), want);
    assert_eq!(Response::default().octets(), b"SPAMD/1.5 0 EX_OK\r\n\r\n");
    assert_eq!(pong(), b"SPAMD/1.5 0 PONG\r\n");
    assert_eq!(failed(Failure::TempFail, "come\r\nagain"), b"SPAMD/1.5 75 EX_TEMPFAIL come  again\r\n\r\n");
}
