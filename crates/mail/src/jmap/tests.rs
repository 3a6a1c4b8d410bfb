//! The examples of the RFCs, and what is broken on purpose.

use super::*;

/// RFC 8620 §2.1, shortened.
const SESSION: &str = r#"{
  "capabilities": { "urn:ietf:params:jmap:core": { "maxSizeUpload": 50000000 }, "urn:ietf:params:jmap:mail": {}, "urn:ietf:params:jmap:contacts": {} },
  "accounts": {
    "A13824": { "name": "john@example.com", "isPersonal": true, "isReadOnly": false,
      "accountCapabilities": { "urn:ietf:params:jmap:mail": { "maxMailboxesPerEmail": null }, "urn:ietf:params:jmap:contacts": {} } },
    "A97813": { "name": "jane@example.com", "isPersonal": false, "isReadOnly": true, "accountCapabilities": { "urn:ietf:params:jmap:mail": {} } },
    "A00001": { "name": "contacts@example.com", "isPersonal": false, "isReadOnly": true, "accountCapabilities": { "urn:ietf:params:jmap:contacts": {} } }
  },
  "primaryAccounts": { "urn:ietf:params:jmap:mail": "A13824", "urn:ietf:params:jmap:contacts": "A13824" },
  "username": "john@example.com",
  "apiUrl": "https://jmap.example.com/api/",
  "downloadUrl": "https://jmap.example.com/download/{accountId}/{blobId}/{name}?accept={type}",
  "uploadUrl": "https://jmap.example.com/upload/{accountId}/", "eventSourceUrl": "https://jmap.example.com/eventsource/", "state": "75128aab4b1b"
}"#;

#[test]
fn a_session_says_where_mail_lies() {
    let session = Session::read(SESSION.as_bytes()).expect("a session");
    assert_eq!((session.username.as_str(), session.api_url.as_str()), ("john@example.com", "https://jmap.example.com/api/"));
    for (mailbox, want, why) in [
        ("john@example.com", Some("A13824"), "the user's own"),
        ("JANE@example.com", Some("A97813"), "one that is shared, in any case"),
        ("contacts@example.com", None, "an account without mail"),
        ("nobody@example.com", None, "nobody's"),
    ] {
        assert_eq!(session.account_of(mailbox).map(|account| account.id.as_str()), want, "{why}");
    }
    for (broken, want) in [
        ("", JmapError::NotJson),
        ("[]", JmapError::Missing("capabilities")),
        (r#"{"capabilities":{"urn:ietf:params:jmap:core":{}},"accounts":{},"apiUrl":"/"}"#, JmapError::Missing("capabilities")),
        (
            r#"{"capabilities":{"urn:ietf:params:jmap:core":{},"urn:ietf:params:jmap:mail":{}},"apiUrl":"/"}"#,
            JmapError::Missing("accounts"),
        ),
        (r#"{"capabilities":{"urn:ietf:params:jmap:core":{},"urn:ietf:params:jmap:mail":{}},"accounts":{}}"#, JmapError::Missing("apiUrl")),
    ] {
        assert_eq!(Session::read(broken.as_bytes()), Err(want), "{broken}");
    }
}

#[test]
fn answers_are_read_by_the_name_of_their_call() {
    // RFC 8620 §3.4.1 and §3.6.2.
    let answer = r#"{"methodResponses":[["method1",{"arg1":3},"c1"],["error",{"type":"unknownMethod","description":"no\nsuch"},"c3"]],"sessionState":"7"}"#;
    let results = Results::read(answer.as_bytes()).expect("results");
    assert_eq!(results.of("c1").expect("an answer")["arg1"], 3);
    assert_eq!(results.of("c3"), Err(JmapError::Method { kind: "unknownMethod".into(), said: "no such".into() }));
    assert_eq!(results.of("c2"), Err(JmapError::Missing("methodResponses")));
    for broken in [r#"{}"#, r#"{"methodResponses":[1]}"#, r#"{"methodResponses":[["a",{}]]}"#, r#"{"methodResponses":{}}"#] {
        assert_eq!(Results::read(broken.as_bytes()), Err(JmapError::Missing("methodResponses")), "{broken}");
    }
}

#[test]
fn mailboxes_have_paths_also_where_they_lie_in_a_circle() {
    let answer = json!({ "list": [
        { "id": "a", "name": "Inbox", "parentId": null, "role": "inbox" },
        { "id": "b", "name": "2026", "parentId": "a", "role": null },
        { "id": "c", "name": "round", "parentId": "d" },
        { "id": "d", "name": "and round", "parentId": "c" },
        { "id": "no/id", "name": "evil" },
    ]});
    let read = mailboxes(&answer).expect("mailboxes");
    let shown: Vec<(&str, &str)> = read.iter().map(|one| (one.path.as_str(), one.role.as_str())).collect();
    assert_eq!(shown[..2], [("Inbox", "inbox"), ("Inbox/2026", "")]);
    assert!(read.len() == 4 && read[2].path.ends_with("round/and round/round"), "{read:?}");
    let many: Vec<Value> = (0..=MAILBOXES_MAX).map(|n| json!({ "id": format!("m{n}") })).collect();
    assert_eq!(mailboxes(&json!({ "list": many })), Err(JmapError::TooMuch));
}

#[test]
fn a_message_tells_whose_it_is() {
    let answer = json!({ "list": [{
        "id": "M1", "blobId": "G1", "size": 700, "mailboxIds": { "a": true, "b": false, "../x": true },
        "header:X-Gatepost-Report:asRaw:all": [" id=m0000000000001;\r\n\tverdict=clean"],
        "header:Received:asRaw:all": [" from a by b\n (Gatepost) with ESMTP", " other"],
    }, { "id": "M2" }]});
    let read = emails(&answer).expect("messages");
    assert_eq!(read.len(), 1, "one without mailboxes is none");
    assert_eq!((read[0].mailboxes.as_slice(), read[0].size), (&["a".to_string()][..], 700));
    assert_eq!(
        String::from_utf8_lossy(&read[0].header),
        "X-Gatepost-Report: id=m0000000000001;\r\n\t\tverdict=clean\r\nReceived: from a by b\r\n\t (Gatepost) with ESMTP\r\nReceived: other\r\n"
    );
}

#[test]
fn a_change_is_done_or_says_why_not() {
    let answer = json!({ "updated": { "M1": null }, "notUpdated": { "M2": { "type": "notFound", "description": "gone" } } });
    assert_eq!(updated(&answer, "updated", "M1"), Ok(Ok(Value::Null)));
    assert_eq!(updated(&answer, "updated", "M2"), Ok(Err(SetError { kind: "notFound".into(), said: "gone".into() })));
    assert_eq!(updated(&answer, "updated", "M3"), Err(JmapError::Missing("updated")));
}

#[test]
fn answers_over_http_are_whole_or_wait_or_are_named() {
    let ok = |body: &str| Ok(Some(Answer { status: 200, location: String::new(), body: body.into() }));
    for (octets, is_end, want) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, ok("abc")),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", false, Ok(None)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", true, Err(JmapError::Broken)),
        ("HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nab", true, Err(JmapError::NotHttp)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n", false, ok("abcde")),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc", true, Err(JmapError::Broken)),
        ("HTTP/1.1 200 OK\r\n\r\nabc", false, Ok(None)),
        ("HTTP/1.1 200 OK\r\n\r\nabc", true, ok("abc")),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, ok("")),
        ("HTTP/1.1 20", false, Ok(None)),
        ("HTTP/1.1 20", true, Err(JmapError::NotHttp)),
        ("* OK IMAP4rev1", false, Err(JmapError::NotHttp)),
    ] {
        assert_eq!(read_answer(octets.as_bytes(), is_end), want, "{octets}");
    }
    let moved =
        read_answer(b"HTTP/1.1 307 Go\r\nlocation: /jmap/session\r\nContent-Length: 0\r\n\r\n", true).expect("HTTP").expect("whole");
    assert_eq!((moved.status, moved.location.as_str()), (307, "/jmap/session"));
    assert_eq!(read_answer("HTTP/1.1 100 C\r\n\r\n".repeat(9).as_bytes(), true), Err(JmapError::NotHttp), "no end of interim answers");
}

#[test]
fn addresses_are_taken_apart_and_stay_where_they_are() {
    let at = Url::parse("https://Box.example/.well-known/jmap").expect("an address");
    assert_eq!((at.host.as_str(), at.port, at.path.as_str()), ("box.example", 443, "/.well-known/jmap"));
    for (reference, want) in [
        ("/jmap/", Some(("https://box.example:443", "/jmap/"))),
        ("https://box.example:443/api", Some(("https://box.example:443", "/api"))),
        ("http://box.example/api", Some(("http://box.example:80", "/api"))),
        ("//evil.example/api", Some(("https://evil.example:443", "/api"))),
        ("https://[2001:db8::1]?x=1#y", Some(("https://[2001:db8::1]:443", "/?x=1"))),
        ("api", None),
        ("https://li@box.example/", None),
        ("https://box.example/a b", None),
        ("https://box.example/\r\nX: y", None),
        ("https://[box]/", None),
        ("ftp://box.example/", None),
    ] {
        let read = at.joined(reference);
        assert_eq!(
            read.as_ref().map(|url| (url.origin(), url.path.clone())),
            want.map(|(origin, path)| (origin.into(), path.into())),
            "{reference}"
        );
    }
    assert!(!at.is_same_place(&at.joined("//evil.example/").expect("an address")));
    let template = "https://jmap.example.com/download/{accountId}/{blobId}/{name}?accept={type}";
    let variables = [("accountId", "A1"), ("blobId", "G-1"), ("name", "a b/c.eml"), ("type", "message/rfc822")];
    assert_eq!(filled(template, &variables), "https://jmap.example.com/download/A1/G-1/a%20b%2Fc.eml?accept=message%2Frfc822");
    assert_eq!(filled("/{unknown}/{open", &[]), "//{open");
}
