use super::{BLOCKED_TYPES, extension};
use crate::finding::Kind;
use crate::fixture::{Scene, attached, weighing};

fn check(name: &str, content: &[u8], want: &[&str], why: &str) {
    let raw = attached(name, "application/octet-stream", content);
    assert_eq!(weighing(&Scene::default().look(&raw)), want, "{why}");
}

/// The start of a Windows program.
fn program() -> Vec<u8> {
    let mut octets = vec![0u8; 512];
    octets[..2].copy_from_slice(b"MZ");
    octets[0x3c] = 0x80;
    octets[0x80..0x84].copy_from_slice(b"PE\0\0");
    octets[0x84..0x86].copy_from_slice(&[0x64, 0x86]);
    octets
}

#[test]
fn endings_are_read_as_windows_reads_them() {
    for (name, want) in [
        ("a.PDF", "pdf"),
        ("a.exe.", "exe"),
        ("a.exe . ", "exe"),
        ("a.txt::$DATA", "txt"),
        ("a", ""),
        (".exe", "exe"),
        ("a.b/c", ""),
        ("", ""),
    ] {
        assert_eq!(extension(name), want, "{name:?}");
    }
}

#[test]
fn blocked_types_are_found_by_content_and_by_name() {
    assert_eq!(BLOCKED_TYPES.len(), 53);
    assert!(BLOCKED_TYPES.is_sorted());
    check("tool.exe", &program(), &["attachment.blocked-type", "attachment.executable"], "both");
    check("tool.bin", &program(), &["attachment.blocked-type", "attachment.executable"], "content");
    check("run.vbs", b"MsgBox 1", &["attachment.blocked-type", "attachment.script"], "name");
    check("list.txt", b"one\r\ntwo\r\n", &[], "text");
    let mut scene = Scene::default();
    scene.surroundings.blocked_types.clear();
    let seen = scene.look(&attached("run.vbs", "text/plain", b"MsgBox 1"));
    assert!(!seen.iter().any(|finding| finding.kind == Kind::BlockedType), "the filter is off");
}

#[test]
fn disguises_weigh() {
    let seen = Scene::default().look(&attached("invoice.pdf", "application/pdf", &program()));
    assert!(seen.iter().any(|finding| finding.check == "attachment.disguised" && finding.kind == Kind::Malware));
    check("invoice.pdf.js", b"var a = 1;", &["attachment.double-extension", "attachment.script"], "two endings");
    check(
        "invoice.pdf                    .js",
        b"var a = 1;",
        &["attachment.double-extension", "attachment.script"],
        "pushed out of sight",
    );
    check("minutes.v2.txt", b"one\r\n", &[], "dots in a name");
    let declared = |content_type: &str| weighing(&Scene::default().look(&attached("bill.pdf", content_type, b"%PDF-1.7\nx")));
    assert_eq!(declared("image/jpeg"), ["attachment.declared", "attachment.lone"], "a document called a picture");
    assert_eq!(declared("application/octet-stream"), ["attachment.lone"], "a program that does not know the type");
}

#[test]
fn pages_that_act_weigh() {
    let page = |inside: &str| format!("<!DOCTYPE html><html><body>{inside}</body></html>").into_bytes();
    check("page.html", &page("<p>Minutes</p>"), &[], "a still page");
    check("page.html", &page("<SCRIPT>x()</SCRIPT>"), &["attachment.html-script"], "a script");
    check("page.htm", &page("<form><input TYPE=\"password\"></form>"), &["attachment.html-password"], "a sign-in");
    check(
        "a.svg",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"x()\"/>",
        &["attachment.html-script", "attachment.svg-active"],
        "a drawing",
    );
    check("go.url", b"[InternetShortcut]\r\nURL=https://a.example/\r\n", &["attachment.shortcut"], "a shortcut");
}

#[test]
fn scripts_weigh_unless_they_are_text_to_the_reader() {
    check("run.ps1", b"Write-Host 1", &["attachment.script"], "a script of Windows");
    check("help.dat", b"ITSF\x03\0\0\0", &["attachment.script"], "a help file by its content");
    check("tool.py", b"print(1)", &[], "a script of programmers");
}

/// A PDF with a file of this name attached to it.
fn pdf_with(name: &str) -> Vec<u8> {
    format!(
        "%PDF-1.7\n1 0 obj\n<< /Type /Filespec /F ({name}) /EF << /F 2 0 R >> >>\nendobj\n2 0 obj\n<< /Type /EmbeddedFile >>\nstream\n\
         MsgBox 1\nendstream\nendobj\n"
    )
    .into_bytes()
}

#[test]
fn programs_in_documents_weigh_and_other_files_are_named() {
    let look = |content: &[u8]| Scene::default().look(&attached("a.pdf", "application/pdf", content));
    let program = look(&pdf_with("run.js"));
    let found = program.iter().find(|finding| finding.check == "attachment.embedded-program").expect("a script in a PDF");
    assert_eq!((found.kind, found.evidence.as_str()), (Kind::Malware, "a.pdf › run.js"));
    let file = look(&pdf_with("table.csv"));
    assert!(file.iter().any(|finding| finding.check == "attachment.embedded-file" && finding.kind == Kind::Note), "{file:?}");
    assert!(!file.iter().any(|finding| finding.kind == Kind::Malware), "{file:?}");
}

#[test]
fn what_is_listed_and_not_read_widens_uncertainty() {
    let packed_in_rar = b"Rar!\x1a\x07\0\0\0\x73\0\0\x0d\0\0\0\0\0\0\0\0\0\x74\0\x80\x25\0\x02\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\x1d\x33\x05\0\0\0\0\0a.txtxx\0\0\x7b\0\0\x07\0";
    let seen = Scene::default().look(&attached("a.rar", "application/octet-stream", packed_in_rar));
    let found = seen.iter().find(|finding| finding.check == "attachment.unread").expect("it is packed");
    assert_eq!((found.kind, found.evidence.as_str()), (Kind::Unknown, "a.rar › a.txt"), "{seen:?}");
}

#[test]
fn one_document_and_hardly_a_word_weighs() {
    let of = |header: &str, text: &str, name: &str, content: &str| {
        let body = format!(
            "--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b\r\nContent-Type: application/octet-stream\r\n\
             Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n{content}\r\n--b--\r\n"
        );
        let raw =
            format!("{header}Message-ID: <1@a.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{body}");
        let seen = Scene::default().look(raw.as_bytes());
        seen.iter().find(|finding| finding.check == "attachment.lone").map(|finding| finding.weight)
    };
    let (pdf, person, firm) = ("%PDF-1.7\nx", "From: Ada <ada@gmail.com>\r\n", "From: Ada <ada@sender.example>\r\n");
    assert_eq!(of(person, "See the file", "a.pdf", pdf), Some(1.2), "from a free mailbox");
    assert_eq!(of(person, "Your account has 12,000$", "a.pdf", pdf), Some(3.0), "and about money");
    assert_eq!(of(person, "The invoice", "a.pdf", pdf), Some(1.8), "a tradesman sends one too");
    assert_eq!(of(firm, "The invoice", "a.pdf", pdf), Some(0.5), "firms do");
    assert_eq!(of(firm, "", "a.pdf", pdf), Some(0.5), "a scanner does so too");
    assert_eq!(of(person, &"This is about our meeting. ".repeat(20), "a.pdf", pdf), None, "a letter with an enclosure");
    let page = "<!DOCTYPE html><html><body><p>x</p></body></html>";
    assert_eq!(of(person, "Payment advice", "a.html", page), Some(2.6), "a page opens in the browser");
    assert_eq!(of(firm, "See the file", "a.html", page), None, "firms save pages");
    assert_eq!(of(person, "See the file", "a.txt", "minutes"), None, "no document");
    assert_eq!(of(&format!("{person}In-Reply-To: <1@example.com>\r\n"), "", "a.pdf", pdf), None, "an answer");
}

/// Weight of a check in this mail, if it was found.
fn weight(check: &str, raw: &[u8]) -> Option<f32> {
    Scene::default().look(raw).iter().find(|finding| finding.check == check).map(|finding| finding.weight)
}

#[test]
fn images_of_disks_weigh() {
    let of = |name: &str, content: &[u8]| weight("attachment.disk-image", &attached(name, "application/octet-stream", content));
    assert_eq!(of("disk.qcow2", b"QFI\xfb\0\0\0\x03\0\0\0\0"), Some(2.5), "by its content");
    assert_eq!(of("notes.txt", b"QFI is how such a file begins.\r\n"), None, "text about it");
}

/// An archive whose one file is behind a password.
fn locked_zip() -> Vec<u8> {
    let (name, content) = (b"a.txt", [7u8; 16]);
    // APPNOTE §4.3.7: version, flags with the bit for a password, stored, no time and checksum, both sizes, length of the name.
    let fields = [&[20, 0, 1, 0, 0, 0][..], &[0u8; 8], &16u32.to_le_bytes(), &4u32.to_le_bytes(), &5u16.to_le_bytes(), &[0u8; 2]].concat();
    let local = [&b"PK\x03\x04"[..], &fields, name, &content].concat();
    let central = [&b"PK\x01\x02\x14\0"[..], &fields, &[0u8; 14], name].concat();
    let places = [central.len(), local.len()].map(|octets| u32::try_from(octets).expect("small").to_le_bytes()).concat();
    let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &places, &[0u8; 2]].concat();
    [local, central, end].concat()
}

#[test]
fn a_password_beside_what_it_opens_weighs() {
    let of = |check: &str, text: &str| {
        let raw = String::from_utf8(attached("a.zip", "application/zip", &locked_zip())).expect("a mail in ASCII");
        let said = raw.replace("Content-Type: text/plain\r\n", "Content-Type: text/plain; charset=utf-8\r\n");
        weight(check, said.replace("This is the file we spoke about yesterday.", text).as_bytes())
    };
    for text in ["The file is locked; the password is 4711.", "文件已加密，解压密码：4711。"] {
        assert_eq!(of("attachment.encrypted.password", text), Some(2.0), "{text}");
        assert_eq!(of("attachment.encrypted", text), None, "one finding about one file: {text}");
    }
    for text in ["The file is locked; I call you about it.", "文件已加密，稍后电话告知。"] {
        assert_eq!(of("attachment.encrypted.password", text), None, "{text}");
        assert_eq!(of("attachment.encrypted", text), Some(0.4), "{text}");
    }
}
