use super::*;
use FileFamily::*;

#[test]
fn what_a_file_is() {
    for (name, content, want, why) in [
        ("a.pdf", &b"MZ\x90\0"[..], ("exe", Executable), "content before name"),
        ("a.txt", b"\x7fELF\x02", ("elf", Executable), "a program for Linux"),
        ("a.jpg", b"\xcf\xfa\xed\xfe\x07", ("macho", Executable), "a program for macOS"),
        ("a", b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", ("lnk", Script), "a shortcut"),
        ("a.js", b"var a = 1;", ("js", Script), "text is what its name makes of it"),
        ("a.JS. ", b"var a = 1;", ("js", Script), "final dots do not count"),
        ("a.vbs::$DATA", b"x = 1", ("vbs", Script), "streams do not count"),
        ("a.txt", b"Set s = CreateObject(\"WScript.Shell\")", ("js", Script), "text that is a script all the same"),
        ("a.pdf", b"just text", ("txt", Text), "text under another name is text"),
        ("a.pdf", b"%PDF-1.7\n", ("pdf", Pdf), "PDF"),
        ("a.bin", b"\n\n%PDF-1.7\n", ("pdf", Pdf), "PDF after some lines"),
        ("a.txt", b"<!DOCTYPE html><p>", ("html", Html), "HTML by content"),
        ("a.svg", b"<svg xmlns='x'>", ("svg", Html), "SVG runs scripts"),
        ("a.com", b"text", ("com", Executable), "text that is called a program"),
        ("a.rtf", b"{\\rtf1", ("rtf", Office), "RTF"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0", ("7z", Archive), "7z"),
        ("a.doc", b"Rar!\x1a\x07\0", ("rar", Archive), "RAR"),
        ("a.png", b"\x89PNG\r\n\x1a\n", ("png", Image), "PNG"),
        ("a.zip", b"PK\x03\x04 word/document.xml [Content_Types].xml", ("docx", Office), "Word"),
        ("a.zip", b"PK\x03\x04 word/vbaProject.bin [Content_Types].xml", ("docm", OfficeMacro), "Word with macros"),
        ("a.zip", b"PK\x03\x04 META-INF/MANIFEST.MF", ("jar", Executable), "Java"),
        ("a.url", b"[InternetShortcut]\nURL=x", ("url", Script), "a link file"),
        ("x", b"[InternetShortcut]\nURL=x", ("url", Script), "without its name"),
        ("a.reg", b"Windows Registry Editor Version 5.00", ("reg", Script), "registry"),
        ("a", b"\x01\x02\x03\x04", ("bin", Unknown), "unknown"),
        ("a.iso", b"\x01\x02\x03\x04", ("iso", DiskImage), "unknown content, known name"),
        ("", b"", ("bin", Unknown), "nothing"),
    ] {
        let found = file_type(Some(name).filter(|name| !name.is_empty()), content);
        assert_eq!((found.extension, found.family), want, "{why}");
    }
}

#[test]
fn types_of_real_documents() {
    let Some(suites) = testkit::shared::suites() else { return };
    for (path, want, why) in [
        ("eicar_fire1ce/eicar-excel-macro-msgbox.xls", OfficeMacro, "Excel 97 with VBA"),
        ("eicar_fire1ce/eicar-word-macro-msgbox.doc", OfficeMacro, "Word 97 with VBA"),
        ("eicar_fire1ce/eicar-word-macro-msgbox.docm", OfficeMacro, "Word with VBA"),
        ("eicar_fire1ce/eicar-excel-macro-msgbox.xlsm", OfficeMacro, "Excel with VBA"),
        ("eicar_fire1ce/eicar-powerpoint-action-macro-msgbox.pptm", OfficeMacro, "PowerPoint with VBA"),
        ("eicar_fire1ce/eicar-powerpoint-action-macro-msgbox.ppt", OfficeMacro, "PowerPoint 97 with VBA"),
        ("eicar_fire1ce/eicar-powerpoint-action-powershell-echo.ppt", Office, "PowerPoint 97 without"),
        ("eicar_fire1ce/eicar-excel-dde-cmd-powershell-echo.xlsx", Office, "Excel without"),
        ("eicar_fire1ce/eicar-excel-dde-cmd-powershell-echo.xls", Office, "Excel 97 without"),
        ("eicar_fire1ce/eicar-adobe-acrobat-javascript-alert.pdf", Pdf, "PDF"),
        ("eicar_fire1ce/eicar-com.com", Executable, "a program by its name"),
        ("oletools/excel4-macros/excel4_sample_macro.xls", OfficeMacro, "Excel 4 macros"),
        ("oletools/excel4-macros/excel4_sample_macro.xlsm", OfficeMacro, "Excel 4 macros in the new format"),
        ("oletools/oleobj/embedded-simple-2007.odt", Office, "OpenDocument"),
        ("oletools/rtfobj/issue_251.rtf", Office, "RTF"),
    ] {
        let content = std::fs::read(suites.join("C_attach").join(path)).expect("the suite has it");
        assert_eq!(file_type(Some(path), &content).family, want, "{why}: {path}");
    }
}

#[test]
fn locked_documents_are_said_to_be() {
    let Some(suites) = testkit::shared::suites() else { return };
    for file in std::fs::read_dir(suites.join("C_attach/oletools/encrypted")).expect("the suite has it").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let content = std::fs::read(file.path()).expect("readable");
        let found = with_attachment(&name, &content);
        assert!(found.attachments[0].encrypted && found.has_defect(DefectKind::Encrypted), "{name}");
    }
}

/// A message with one attachment, sent as base64.
pub(super) fn with_attachment(name: &str, content: &[u8]) -> crate::Message {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(content);
    message(
        &format!(
            "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"{name}\"\n"
        ),
        &encoded,
    )
}
