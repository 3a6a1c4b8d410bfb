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
    check("run.vbs", b"MsgBox 1", &["attachment.blocked-type"], "name");
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
    check("invoice.pdf.js", b"var a = 1;", &["attachment.double-extension"], "two endings");
    check("invoice.pdf                    .js", b"var a = 1;", &["attachment.double-extension"], "pushed out of sight");
    check("minutes.v2.txt", b"one\r\n", &[], "dots in a name");
}

#[test]
fn pages_that_act_weigh() {
    let page = |inside: &str| format!("<!DOCTYPE html><html><body>{inside}</body></html>").into_bytes();
    check("page.html", &page("<p>Minutes</p>"), &[], "a still page");
    check("page.html", &page("<SCRIPT>x()</SCRIPT>"), &["attachment.html-script"], "a script");
    check("page.htm", &page("<form><input TYPE=\"password\"></form>"), &["attachment.html-password"], "a sign-in");
    check("a.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"x()\"/>", &["attachment.html-script"], "a drawing");
    check("go.url", b"[InternetShortcut]\r\nURL=https://a.example/\r\n", &["attachment.shortcut"], "a shortcut");
}
