use super::file_types::with_attachment;
use super::*;
use std::io::Write;

fn names(message: &Message) -> Vec<String> {
    message.attachments.iter().map(|found| found.inside.iter().cloned().chain(found.name.clone()).collect::<Vec<_>>().join(" > ")).collect()
}

#[track_caller]
fn holds_eicar(message: &Message, why: &str) {
    assert!(message.attachments.iter().any(|found| found.content == eicar()), "{why}: {:?} {:?}", names(message), message.defects);
}

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, ::zip::write::SimpleFileOptions::default()).expect("a buffer takes it");
        writer.write_all(content).expect("a buffer takes it");
    }
    writer.finish().expect("a buffer takes it").into_inner()
}

fn gzip_of(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(content).expect("a buffer takes it");
    writer.finish().expect("a buffer takes it")
}

#[test]
fn texts_and_attachments() {
    let found = mixed(&[
        "Content-Type: multipart/alternative; boundary=c\n\n--c\n\nplain\n--c\nContent-Type: text/html\n\n<p>shown<p hidden>not\n--c--",
        "Content-Type: image/png; name=a.png\nContent-ID: <1>\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=",
        "Content-Disposition: attachment; filename=b.txt\n\nfile",
        "Content-Type: text/plain; name=c.txt\n\ninline file",
    ]);
    assert_eq!(found.defects, []);
    let texts: Vec<(&str, &str)> = found.texts.iter().map(|text| (text.visible.trim(), text.hidden.trim())).collect();
    assert_eq!(texts, [("plain", ""), ("shown", "not"), ("inline file", "")]);
    assert_eq!(names(&found), ["a.png", "b.txt", "c.txt"]);
    assert!(found.attachments[0].inline && !found.attachments[1].inline);
    assert_eq!(found.attachments[0].true_type.extension, "png");
    let digest = "3b9c358f36f0a31b6ad3e14f309c7cf198ac9246e8316f9ce543d5b19ac02b80";
    assert_eq!(found.attachments[1].sha256.iter().map(|octet| format!("{octet:02x}")).collect::<String>(), digest);
}

#[test]
fn identity_content_is_not_copied() {
    let found = mixed(&["Content-Disposition: attachment; filename=b.bin\n\nfile"]);
    let (raw, content) = (found.raw().as_ptr_range(), found.attachments[0].content.as_ptr_range());
    assert!(raw.start <= content.start && content.end <= raw.end);
}

#[test]
fn nested_messages_are_read() {
    let inner = "Content-Type: message/rfc822; name=fw.eml\n\nSubject: inner\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\ninner text https://inner.example\n--i\nContent-Disposition: attachment; filename=x.bin\n\nx\n--i--\n";
    let found = mixed(&[inner, "Content-Type: text/plain\n\nouter"]);
    assert_eq!(found.defects, []);
    assert_eq!(found.texts.iter().map(|text| text.visible.trim()).collect::<Vec<_>>(), ["inner text https://inner.example", "outer"]);
    assert_eq!(names(&found), ["fw.eml > x.bin", "fw.eml"]);
    assert_eq!(found.links.len(), 1);
    let encoded = mixed(&["Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaQoKaGlkZGVuIGluIGJhc2U2NA=="]);
    assert!(encoded.texts.iter().any(|text| text.visible.contains("hidden in base64")));
    let digest =
        message("Content-Type: multipart/digest; boundary=b\n", "--b\n\nSubject: one\n\nfirst\n--b\n\nSubject: two\n\nsecond\n--b--\n");
    assert_eq!(digest.texts.len(), 2);
}

#[test]
fn every_reading_of_a_structure_is_looked_into() {
    use base64::Engine;
    let payload = base64::engine::general_purpose::STANDARD.encode(eicar());
    let part = format!(
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=e.com\n\n{payload}\n"
    );
    for (header, body, why) in [
        (
            "Content-Type: multipart/mixed; boundary=a; boundary=b\n",
            format!("--a\n\ntext\n--a--\n--b\n{part}--b--\n"),
            "the second boundary",
        ),
        (
            "Content-Type: multipart/mixed; boundary=a; boundary=b\n",
            format!("--b\n\ntext\n--b--\n--a\n{part}--a--\n"),
            "the first boundary",
        ),
        ("Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n", format!("--b\n{part}--b--\n"), "the second type"),
        ("Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n", format!("--ab\n{part}--ab--\n"), "a boundary in sections"),
        ("Content-Type: multipart/mixed; boundary=\"=?us-ascii?q?ab?=\"\n", format!("--ab\n{part}--ab--\n"), "an encoded word decoded"),
        ("Content-Type: multipart/mixed; boundary=\"a\\b\"\n", format!("--a\\b\n{part}--a\\b--\n"), "a pair kept"),
        ("Content-Type: multipart/mixed; boundary=a (b)\n", format!("--a (b)\n{part}--a (b)--\n"), "a comment kept"),
        ("Content-Type: multipart/mixed; x:y=1; boundary=b\n", format!("--b\n{part}--b--\n"), "after a bad parameter"),
        ("Content-Type: multipart/mixed; bound(a(b))ary=c; boundary=b\n", format!("--b\n{part}--b--\n"), "after a nested comment"),
        ("Content-Type: multipart/mixed\n", format!("--b\n{part}--b--\n"), "no boundary at all"),
        ("Content-Type: multipart/unknown; boundary=b\n", format!("--b\n{part}--b--\n"), "an unknown multipart"),
        ("Content-Type:\n multipart/mixed;\n\tboundary=b\n", format!("--b\r\n{part}--b--\n"), "folded"),
        ("Content-Type : multipart/mixed; boundary=b\n", format!("--b\n{part}--b--\n"), "a space before the colon"),
        ("Content-Type: multipart/mixed; boundary=b\n", format!("--b\n\n--b--\n--b\n{part}--b--\n"), "after the closing delimiter"),
        ("Content-Type: multipart/mixed; boundary=b\n", format!("--b\n{part}"), "never closed"),
        ("Content-Type: multipart/mixed; boundary=b\n", format!("--b  \n{part}--b--\n"), "white space after the delimiter"),
    ] {
        holds_eicar(&message(header, &body), why);
    }
}

#[test]
fn every_reading_of_an_encoding_is_looked_into() {
    use base64::Engine;
    let eicar = eicar();
    let payload = base64::engine::general_purpose::STANDARD.encode(&eicar);
    let (first, second) = payload.split_at(20);
    let url_safe = payload.replace('+', "-").replace('/', "_");
    let lines: String = payload.chars().flat_map(|one| [one, '\n']).collect();
    let streams = [&eicar[..20], &eicar[20..]].map(|half| base64::engine::general_purpose::STANDARD.encode(half)).concat();
    let quoted: String = eicar.iter().map(|octet| format!("={octet:02x}=\n")).collect();
    for (encoding, body, why) in [
        ("base64", payload.clone(), "plain"),
        ("BASE64 (comment)", payload.clone(), "a comment"),
        ("base64x", payload.clone(), "a name nobody knows"),
        ("7bit\nContent-Transfer-Encoding: base64", payload.clone(), "the second of two"),
        ("base64\nContent-Transfer-Encoding: 7bit", payload.clone(), "the first of two"),
        ("base64", format!("{first}!*%{second}"), "junk within"),
        ("base64", payload.trim_end_matches('=').to_owned(), "no padding"),
        ("base64", url_safe, "the other alphabet"),
        ("base64", lines, "lines of one letter"),
        ("base64", streams, "streams that follow one another"),
        ("quoted-printable", quoted, "escapes and soft breaks"),
        ("x-nobody", String::from_utf8(eicar.clone()).expect("ASCII"), "unknown and not encoded"),
    ] {
        let found = message(&format!("Content-Type: application/octet-stream\nContent-Transfer-Encoding: {encoding}\n"), &body);
        holds_eicar(&found, why);
    }
}

#[test]
fn files_within_text() {
    let uu = "see\n\nbegin 644 a.txt\n#0V%T\n`\nend\nafter\n";
    let found = message("", uu);
    assert_eq!(names(&found), ["a.txt"]);
    assert_eq!(found.attachments[0].content, "Cat");
    let yenc: Vec<u8> = b"Cat".iter().map(|octet| octet.wrapping_add(42)).collect();
    let mut raw = b"From: a@b.example\n\n=ybegin line=128 size=3 name=b.txt\n".to_vec();
    raw.extend(yenc);
    raw.extend(b"\n=yend size=3\n");
    assert_eq!(parse(raw).attachments[0].content, "Cat");
    assert_eq!(names(&message("", "we begin 644 times\nbegin 644\n")), Vec::<String>::new());
}

#[test]
fn archives_are_unpacked() {
    let inner = zip_of(&[("a/eicar.com", &eicar())]);
    let found = with_attachment("outer.zip", &zip_of(&[("inner.zip", &inner), ("x.txt", b"x")]));
    assert_eq!(names(&found), ["outer.zip", "outer.zip > inner.zip", "outer.zip > x.txt", "outer.zip > inner.zip > a/eicar.com"]);
    holds_eicar(&found, "zip in zip");
    assert_eq!(found.defects, []);
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(eicar().len() as u64);
    header.set_cksum();
    tar.append_data(&mut header, "e.com", &eicar()[..]).expect("a buffer takes it");
    let tar = tar.into_inner().expect("a buffer takes it");
    let found = with_attachment("a.tgz", &gzip_of(&tar));
    assert_eq!(names(&found), ["a.tgz", "a.tgz > a.tar", "a.tgz > a.tar > e.com"]);
    holds_eicar(&found, "tar in gzip");
}

#[test]
fn archives_lie() {
    let eicar = eicar();
    let plain = zip_of(&[("e.com", &eicar)]);
    let end = plain.len() - 22;
    let mut no_entries = plain.clone();
    no_entries[end + 8..end + 12].copy_from_slice(&[0; 4]);
    let central = memchr::memmem::find(&plain, b"PK\x01\x02").expect("a table");
    let mut said_small = plain.clone();
    said_small[central + 24..central + 28].copy_from_slice(&[1, 0, 0, 0]);
    let two: Vec<u8> = [plain.clone(), zip_of(&[("x.txt", b"x")])].concat();
    for (archive, why) in [
        (plain[..central].to_vec(), "no table of contents"),
        (no_entries, "a table that says it is empty"),
        (said_small, "a size that is too small"),
        ([b"MZ stub".to_vec(), plain.clone()].concat()[7..].to_vec(), "offsets as they are"),
        (two, "a second archive after the first"),
    ] {
        holds_eicar(&with_attachment("a.zip", &archive), why);
    }
}

#[test]
fn archives_stay_within_the_budget() {
    let zeros = vec![0u8; 40 << 20];
    let bomb = with_attachment("a.zip", &zip_of(&[("zeros", &zeros)]));
    assert!(bomb.has_defect(DefectKind::OverBudget) && bomb.attachments[1].content.is_empty(), "the ratio");
    let mut nested = zip_of(&[("x.txt", b"x")]);
    for _ in 0..8 {
        nested = zip_of(&[("a.zip", &nested)]);
    }
    let deep = with_attachment("a.zip", &nested);
    assert!(deep.has_defect(DefectKind::OverBudget) && deep.attachments.len() == 6, "the depth");
    let budget = Budget { archive_files_max: 3, ..Budget::default() };
    let many = with_attachment("a.zip", &zip_of(&[("a", b"a"), ("b", b"b"), ("c", b"c"), ("d", b"d")]));
    let many = Message::parse(many.raw().clone(), &budget);
    assert!(many.has_defect(DefectKind::OverBudget) && many.attachments.len() == 4, "the count");
    let small = Budget { expanded_octets_max: 1, ..Budget::default() };
    let wide = with_attachment("a.gz", &gzip_of(&vec![b'a'; 900_000]));
    assert!(Message::parse(wide.raw().clone(), &small).has_defect(DefectKind::OverBudget), "the octets");
}

#[test]
fn parts_and_depth_stay_within_the_budget() {
    let many: String = "--b\n\nx\n".repeat(2_000);
    let found = message("Content-Type: multipart/mixed; boundary=b\n", &many);
    assert!(found.has_defect(DefectKind::OverBudget) && found.spent.parts == 1_000);
    let deep: String = (0..200).map(|level| format!("Content-Type: multipart/mixed; boundary=b{level}x\n\n--b{level}x\n")).collect();
    let found = parse(format!("From: a@b.example\n{deep}\ntext"));
    assert!(found.has_defect(DefectKind::OverBudget) && found.spent.depth == 32);
    let nested = "Content-Type: message/rfc822\n\n".repeat(200);
    let found = parse(format!("From: a@b.example\n{nested}text"));
    assert!(found.has_defect(DefectKind::OverBudget) && found.spent.depth == 32);
    let text = "a".repeat(70).repeat(100);
    let found = Message::parse(Bytes::from(format!("\n{text}")), &Budget { text_octets_max: 100, ..Budget::default() });
    assert!(found.has_defect(DefectKind::OverBudget) && found.texts[0].visible.len() == 100);
}
