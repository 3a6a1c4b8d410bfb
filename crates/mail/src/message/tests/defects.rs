use super::*;
use DefectKind::*;

#[track_caller]
fn check(header: &str, body: &str, want: &[DefectKind], why: &str) {
    let found = kinds(&message(header, body));
    assert_eq!(found, want, "{why}");
}

#[test]
fn header_fields() {
    let long = format!("X: {}\n", "a".repeat(999));
    let wide = format!("X:{}\n", " a\n b".repeat(20_000));
    for (header, want, why) in [
        ("Subject: a\nSubject: b\n", &[DuplicateHeader][..], "a subject stands once"),
        ("From: b@example.org\n", &[DuplicateHeader], "two From"),
        ("Subject : a\n", &[MalformedHeader], "white space before the colon"),
        ("no colon here\nX: y\n", &[MalformedHeader], "a line that is no field"),
        (": empty\n", &[MalformedHeader], "an empty name"),
        ("Sub\u{1}ject: a\n", &[MalformedHeader], "a control in a name"),
        ("X: a\n \n", &[MalformedHeader], "a folded line of white space"),
        ("X: a\rY: b\n", &[MalformedHeader], "a bare carriage return"),
        ("X: a\0b\n", &[Nul], "NUL"),
        ("X: gr\u{fc}n\n", &[RawEightBit], "8-bit"),
        (&long, &[LongLine], "over 998 octets"),
        (&wide, &[OverBudget], "a field over 64 KiB"),
        ("Received: a\nReceived: b\n", &[], "trace fields repeat"),
    ] {
        check(header, "text\n", want, why);
    }
}

#[test]
fn required_fields() {
    assert_eq!(kinds(&parse("Subject: x\n\ntext")), [MissingHeader]);
    let details: Vec<String> = parse("Subject: x\n\ntext").defects.into_iter().map(|defect| defect.detail).collect();
    assert_eq!(details, ["from", "date"]);
    assert_eq!(
        kinds(&parse("From mbox Mon Mar 2\nFrom: a@example.org\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n\n")),
        [],
        "the line of a mailbox file"
    );
}

#[test]
fn boundaries() {
    let part = "--b\n\ntext\n--b--\n";
    for (value, body, want, why) in [
        ("boundary=b", part, &[][..], "as it should be"),
        ("boundary=b; boundary=c", part, &[BadBoundary][..], "two boundaries"),
        ("boundary*0=b; boundary*0=c", part, &[BadBoundary], "a section twice"),
        ("boundary=b; boundary*=us-ascii''c", part, &[BadBoundary], "plain and extended"),
        (
            "boundary=\"=?us-ascii?q?b?=\"",
            "--=?us-ascii?q?b?=\n\ntext\n--=?us-ascii?q?b?=--\n",
            &[BadBoundary],
            "an encoded word could be decoded",
        ),
        ("x", "--b\n\ntext\n--b--\n", &[BadBoundary], "none"),
        ("boundary=\"\"", "--\n\ntext\n----\n", &[BadBoundary], "empty"),
        ("boundary=\"b \"", "--b \n\ntext\n--b --\n", &[BadBoundary], "ends in a space"),
        ("x:y=1; boundary=b", part, &[BadBoundary], "a parameter that no grammar has"),
        ("boundary=b", "--b\n\ntext\n", &[MissingBoundary], "never closed"),
        ("boundary=b", "text without delimiters\n", &[MissingBoundary], "never opened"),
        ("boundary=b", "--b\n\ntext\n--b--\n--b\n\nmore\n--b--\n", &[BadBoundary], "parts after the end"),
        ("boundary=b", "--b\n\ntext\n--b-- junk\n", &[BadBoundary], "text after the end delimiter"),
        ("boundary=b", "This is a multi-part message in MIME format.\n--b\n\ntext\n--b--\n", &[], "the usual words"),
        ("boundary=b", "hidden words\n--b\n\ntext\n--b--\n", &[PreambleText], "before the first part"),
        ("boundary=b", "--b\n\ntext\n--b--\nhidden words\n", &[PreambleText], "after the last part"),
    ] {
        check(&format!("Content-Type: multipart/mixed; {value}\n"), body, want, why);
    }
    let long = "b".repeat(71);
    check(
        &format!("Content-Type: multipart/mixed; boundary={long}\n"),
        &format!("--{long}\n\ntext\n--{long}--\n"),
        &[BadBoundary],
        "71 characters",
    );
}

#[test]
fn encodings() {
    for (header, body, want, why) in [
        ("Content-Transfer-Encoding: base64\n", "dGV4dA==\n", &[][..], "as it should be"),
        ("Content-Transfer-Encoding: base64\n", "dGV4*dA==\n", &[BrokenEncoding], "a letter that base64 lacks"),
        ("Content-Transfer-Encoding: base64\n", "dGV4dA==dGV4dA==\n", &[BrokenEncoding], "two streams"),
        ("Content-Transfer-Encoding: base64\n", "dGV4d_-_\n", &[BrokenEncoding, BadCharset], "the URL-safe alphabet"),
        ("Content-Transfer-Encoding: base64\n", "dGV4d\n", &[BrokenEncoding], "a group of one"),
        ("Content-Transfer-Encoding: quoted-printable\n", "a=3Db=\nc=e4\n", &[BadCharset], "an octet without charset"),
        ("Content-Transfer-Encoding: quoted-printable\n", "a=G1\n", &[BrokenEncoding], "a bad escape"),
        ("Content-Transfer-Encoding: rot13\n", "text\n", &[UnknownEncoding], "an unknown encoding"),
        (
            "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n",
            "dGV4dA==\n",
            &[DuplicateHeader, ConflictingEncoding],
            "two that differ",
        ),
        ("Content-Type: text/plain\nContent-Type: text/html\n", "text\n", &[DuplicateHeader, ConflictingEncoding], "two types"),
        ("Content-Type: text/plain; charset=utf-8; charset=utf-7\n", "text\n", &[ConflictingEncoding], "two charsets"),
        ("Content-Type: text/plain; charset=x-nobody\n", "text\n", &[BadCharset], "an unknown charset"),
        ("Content-Type: text/plain; charset=utf-7\n", "+AGE-\n", &[BadCharset], "UTF-7"),
        ("Content-Type: text/plain; charset=gb2312\n", "text\n", &[], "a known charset"),
        ("Content-Type: message/partial; id=x; number=1\n", "text\n", &[PartialMessage], "a fragment"),
        ("Content-Type: message/external-body; access-type=URL\n", "text\n", &[ExternalBody], "lies elsewhere"),
        (
            "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n",
            "--b\n\ntext\n--b--\n",
            &[UnknownEncoding],
            "encoded multipart",
        ),
    ] {
        check(header, body, want, why);
    }
    check("", "a\0b\n", &[Nul], "NUL in a text");
    check("", &"a".repeat(1_200), &[LongLine], "a long line in a text");
}

#[test]
fn file_names() {
    for (disposition, want_name, want, why) in [
        ("attachment; filename=a.pdf", "a.pdf", &[][..], "as it should be"),
        ("attachment; filename*=utf-8''%e2%82%ac.pdf", "€.pdf", &[], "extended"),
        ("attachment; filename*=utf-8'en-us'a.pdf", "a.pdf", &[], "a language with a hyphen"),
        ("attachment; filename*0=\"a\"; filename*1=\".pdf\"", "a.pdf", &[], "in sections"),
        ("attachment; filename*0*=utf-8''%61; filename*1*=%62.pdf", "ab.pdf", &[], "in extended sections"),
        ("attachment; filename=\"=?utf-8?q?=C3=A4.pdf?=\"", "ä.pdf", &[], "an encoded word"),
        ("attachment; filename=\"a.pdf\"; filename*=utf-8''a.exe", "a.exe", &[BadFileName], "two readings"),
        ("attachment; filename=\"a\u{202e}fdp.exe\"", "a\u{202e}fdp.exe", &[RawEightBit, BadFileName], "turned round"),
        ("attachment; filename=\"a.exe.\"", "a.exe.", &[BadFileName], "a final dot"),
        ("attachment; filename=\"a.exe::$DATA\"", "a.exe::$DATA", &[BadFileName], "a stream"),
        ("attachment; filename=\"a.exe\0.pdf\"", "a.exe.pdf", &[Nul, BadFileName], "NUL"),
        ("attachment; filename=\"a b.pdf", "a b.pdf", &[], "an open quote"),
    ] {
        let found = message(&format!("Content-Type: application/octet-stream\nContent-Disposition: {disposition}\n"), "text\n");
        assert_eq!(found.attachments[0].name.as_deref(), Some(want_name), "{why}");
        let mut kinds = kinds(&found);
        kinds.retain(|kind| *kind != RawEightBit || want.contains(kind));
        assert_eq!(kinds, want, "{why}");
    }
}

#[test]
fn details_are_short_and_without_controls() {
    let found = message(&format!("Content-Transfer-Encoding: \u{1b}[31m{}\n", "x".repeat(500)), "text\n");
    let defect = found.defects.iter().find(|defect| defect.kind == UnknownEncoding).expect("noted");
    assert!(defect.detail.chars().count() <= 200);
    assert!(!defect.detail.contains(char::is_control));
}
