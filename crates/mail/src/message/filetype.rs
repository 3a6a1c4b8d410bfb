//! What a file is: by its first octets, then by its name.
//!
//! In: name and content. Out: a [`FileType`]. A declared type is never asked: attackers write it.
//! Content that has no mark of its own (text, unknown octets) is what its name makes of it on the reader's machine.

use super::FileFamily::{
    self, Archive, DiskImage, Executable, Html, Image, Media, Message, Office, OfficeMacro, Pdf, Script, Text, Unknown,
};
use super::{FileType, ole};
use memchr::memmem;

/// Octets looked at for marks that may stand later than at the start.
const LOOK_OCTETS: usize = 4 << 10;
/// ISO 9660 §6.7.1: the first volume descriptor stands after sixteen sectors.
const ISO_AT: usize = 0x8001;
const TAR_AT: usize = 257;

/// Marks at the start of a file.
const MARKS: [(&[u8], &str, FileFamily); 48] = [
    (b"\x7fELF", "elf", Executable),
    (b"\xfe\xed\xfa\xce", "macho", Executable),
    (b"\xfe\xed\xfa\xcf", "macho", Executable),
    (b"\xce\xfa\xed\xfe", "macho", Executable),
    (b"\xcf\xfa\xed\xfe", "macho", Executable),
    (b"\xca\xfe\xba\xbe", "class", Executable),
    (b"dex\n", "dex", Executable),
    (b"\0asm", "wasm", Executable),
    (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", "lnk", Script),
    (b"ITSF", "chm", Script),
    (b"?_\x03\0", "hlp", Script),
    (b"#@~^", "vbe", Script),
    (b"7z\xbc\xaf\x27\x1c", "7z", Archive),
    (b"Rar!\x1a\x07", "rar", Archive),
    (b"\x1f\x8b", "gz", Archive),
    (b"\x1f\x9d", "z", Archive),
    (b"BZh", "bz2", Archive),
    (b"\xfd7zXZ\0", "xz", Archive),
    (b"\x28\xb5\x2f\xfd", "zst", Archive),
    (b"\x04\x22\x4d\x18", "lz4", Archive),
    (b"LZIP", "lz", Archive),
    (b"MSCF", "cab", Archive),
    (b"ISc(", "cab", Archive),
    (b"\x60\xea", "arj", Archive),
    (b"ZOO ", "zoo", Archive),
    (b"xar!", "xar", Archive),
    (b"!<arch>\n", "ar", Archive),
    (b"\xed\xab\xee\xdb", "rpm", Archive),
    (b"MSWIM\0\0\0", "wim", DiskImage),
    (b"conectix", "vhd", DiskImage),
    (b"vhdxfile", "vhdx", DiskImage),
    (b"KDMV", "vmdk", DiskImage),
    (b"QFI\xfb", "qcow2", DiskImage),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "one", Office),
    (b"{\\rt", "rtf", Office),
    (b"\x89PNG\r\n\x1a\n", "png", Image),
    (b"\xff\xd8\xff", "jpg", Image),
    (b"GIF8", "gif", Image),
    (b"BM", "bmp", Image),
    (b"II*\0", "tif", Image),
    (b"MM\0*", "tif", Image),
    (b"8BPS", "psd", Image),
    (b"\xd7\xcd\xc6\x9a", "wmf", Image),
    (b"ID3", "mp3", Media),
    (b"OggS", "ogg", Media),
    (b"fLaC", "flac", Media),
    (b"\x78\x9f\x3e\x22", "tnef", Message),
    (b"!BDN", "pst", Message),
];

/// What a reader's machine does with a file of this name when its content has no mark of its own.
const NAMES: [(&str, FileFamily, &[&str]); 9] = [
    (
        "exe",
        Executable,
        &[
            "exe", "com", "scr", "pif", "cpl", "dll", "sys", "ocx", "msi", "msp", "mst", "jar", "apk", "app", "gadget", "msix", "appx",
            "xll", "drv",
        ],
    ),
    (
        "js",
        Script,
        &[
            "js",
            "jse",
            "mjs",
            "vbs",
            "vbe",
            "vb",
            "wsf",
            "wsh",
            "wsc",
            "sct",
            "hta",
            "ps1",
            "psm1",
            "psd1",
            "ps2",
            "bat",
            "cmd",
            "sh",
            "bash",
            "py",
            "pyw",
            "pl",
            "rb",
            "php",
            "reg",
            "url",
            "website",
            "lnk",
            "scf",
            "inf",
            "ins",
            "isp",
            "job",
            "msc",
            "iqy",
            "slk",
            "application",
            "appref-ms",
            "settingcontent-ms",
            "library-ms",
            "search-ms",
            "searchconnector-ms",
            "diagcab",
            "theme",
            "themepack",
            "ade",
            "adp",
            "mde",
            "hlp",
            "chm",
            "shb",
            "shs",
            "xbap",
            "csh",
            "ksh",
            "ahk",
            "au3",
            "rdp",
            "jnlp",
            "desktop",
            "command",
            "applescript",
            "scpt",
            "printerexport",
            "xsl",
            "gms",
            "air",
        ],
    ),
    ("html", Html, &["html", "htm", "xhtml", "xht", "shtml", "mht", "mhtml", "svg", "svgz"]),
    (
        "zip",
        Archive,
        &[
            "zip", "rar", "7z", "ace", "arj", "lzh", "lha", "cab", "gz", "tgz", "bz2", "xz", "z", "uue", "tar", "zst", "bin2", "zipx",
            "r00", "r01",
        ],
    ),
    ("iso", DiskImage, &["iso", "img", "udf", "vhd", "vhdx", "dmg", "vmdk", "wim"]),
    (
        "doc",
        Office,
        &[
            "doc", "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "odt", "ods", "odp", "one", "pub", "vsd", "xlsb", "dot", "dotx", "xlt",
            "wps", "mdb", "accdb",
        ],
    ),
    ("docm", OfficeMacro, &["docm", "dotm", "xlsm", "xltm", "xlam", "pptm", "potm", "ppsm", "ppam", "sldm", "xla"]),
    ("eml", Message, &["eml", "msg", "mbox"]),
    (
        "txt",
        Text,
        &[
            "txt", "ics", "vcf", "csv", "log", "md", "xml", "json", "yml", "yaml", "css", "c", "h", "tex", "asc", "sig", "diff", "patch",
            "ini", "conf", "dat",
        ],
    ),
];

/// What the octets are, by content first, then by name.
pub fn file_type(name: Option<&str>, content: &[u8]) -> FileType {
    let extension = name.map(extension_of).unwrap_or_default();
    if let Some(found) = by_mark(content).or_else(|| by_container(content, &extension)) {
        return found;
    }
    let is_text = looks_like_text(content);
    let named = by_name(&extension);
    if !is_text {
        return named.unwrap_or(FileType { extension: "bin", family: Unknown });
    }
    match named {
        // Text that is called a picture or a document is text; text that is called a program or a script is run.
        Some(named) if matches!(named.family, Executable | Script | Html | Message | OfficeMacro) => named,
        _ => by_text(content, named),
    }
}

/// Last part of a name after a dot, in lower case, as Windows reads it: final dots and spaces and streams do not count.
pub(super) fn extension_of(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.split("::").next().unwrap_or_default();
    let name = name.trim_end_matches(|one: char| one == '.' || one.is_whitespace() || one.is_control());
    let visible: String = name.rsplit_once('.').map_or("", |(_, end)| end).chars().filter(|one| one.is_ascii_graphic()).take(24).collect();
    visible.to_ascii_lowercase()
}

fn by_mark(content: &[u8]) -> Option<FileType> {
    if content.starts_with(b"MZ") {
        return (!looks_like_text(content)).then(|| portable_executable(content));
    }
    let mark = MARKS.iter().find(|(mark, _, _)| content.starts_with(mark));
    match mark {
        Some((b"\xca\xfe\xba\xbe", ..)) if content.get(4..8).is_some_and(|count| count[..3] == [0, 0, 0] && count[3] < 30) => {
            Some(FileType { extension: "macho", family: Executable }) // a universal binary counts its few parts here, a class its version
        }
        Some((b"BM", ..)) if content.get(6..10).is_none_or(|reserved| reserved != [0; 4]) => None,
        Some((b"\x60\xea", ..)) if content.len() < 34 => None,
        Some((_, extension, family)) => Some(FileType { extension, family: *family }),
        None => None,
    }
}

fn portable_executable(content: &[u8]) -> FileType {
    let at = content.get(0x3c..0x40).map(|at| u32::from_le_bytes([at[0], at[1], at[2], at[3]]) as usize);
    let flags = at.and_then(|at| {
        let head = content.get(at..at.checked_add(24)?)?;
        head.starts_with(b"PE\0\0").then(|| u16::from_le_bytes([head[22], head[23]]))
    });
    let is_library = flags.is_some_and(|flags| flags & 0x2000 != 0);
    FileType { extension: if is_library { "dll" } else { "exe" }, family: Executable }
}

/// Formats whose mark is not at the start, or that hold others.
fn by_container(content: &[u8], extension: &str) -> Option<FileType> {
    let head = &content[..content.len().min(LOOK_OCTETS)];
    let at = |place: usize, mark: &[u8]| content.get(place..place + mark.len()) == Some(mark);
    let found = |extension, family| Some(FileType { extension, family });
    if content.starts_with(b"PK\x03\x04") || content.starts_with(b"PK\x05\x06") || content.starts_with(b"PK00PK\x03\x04") {
        return Some(zip_type(content));
    }
    if content.starts_with(&ole::MARK) {
        return Some(ole::file_type(content, extension));
    }
    if at(TAR_AT, b"ustar") {
        return found("tar", Archive);
    }
    if at(7, b"**ACE**") {
        return found("ace", Archive);
    }
    if at(2, b"-lh") && content.get(6) == Some(&b'-') {
        return found("lzh", Archive);
    }
    if at(ISO_AT, b"CD001") || at(ISO_AT, b"BEA01") || at(ISO_AT, b"NSR0") {
        return found("iso", DiskImage);
    }
    if content.len() > 512 && content[content.len() - 512..].starts_with(b"koly") {
        return found("dmg", DiskImage);
    }
    if content.starts_with(b"RIFF") {
        return match content.get(8..12) {
            Some(b"WEBP") => found("webp", Image),
            _ => found("riff", Media),
        };
    }
    if memmem::find(&head[..head.len().min(1024)], b"%PDF-").is_some() {
        return found("pdf", Pdf); // readers accept the mark within the first 1024 octets
    }
    if at(4, b"ftyp") {
        return if at(8, b"heic") || at(8, b"avif") || at(8, b"mif1") { found("heic", Image) } else { found("mp4", Media) };
    }
    infer_media(content)
}

/// Pictures, sound and video that have no danger of their own.
fn infer_media(content: &[u8]) -> Option<FileType> {
    let family = if infer::is_image(content) {
        Image
    } else if infer::is_audio(content) || infer::is_video(content) {
        Media
    } else {
        return None;
    };
    let extension = infer::get(content).map_or("media", |kind| kind.extension());
    Some(FileType { extension, family })
}

/// A ZIP by the names in it: Office documents (ECMA-376 §10), OpenDocument, Java and Android programs.
fn zip_type(content: &[u8]) -> FileType {
    let has = |name: &[u8]| memmem::find(content, name).is_some();
    let found = |extension, family| FileType { extension, family };
    if has(b"[Content_Types].xml") {
        let has_macro = has(b"vbaProject.bin") || has(b"xl/macrosheets/");
        return match (has_macro, has(b"word/"), has(b"xl/"), has(b"ppt/")) {
            (true, true, ..) => found("docm", OfficeMacro),
            (true, _, true, _) => found("xlsm", OfficeMacro),
            (true, ..) => found("pptm", OfficeMacro),
            (false, true, ..) => found("docx", Office),
            (false, _, true, _) => found("xlsx", Office),
            (false, _, _, true) => found("pptx", Office),
            _ if has(b"AppxManifest.xml") => found("appx", Executable),
            _ => found("zip", Archive),
        };
    }
    if has(b"AndroidManifest.xml") {
        return found("apk", Executable);
    }
    if has(b"META-INF/MANIFEST.MF") {
        return found("jar", Executable);
    }
    match memmem::find(&content[..content.len().min(256)], b"mimetypeapplication/") {
        Some(at) if content[at..].starts_with(b"mimetypeapplication/vnd.oasis") => {
            if has(b"Basic/") {
                found("odt", OfficeMacro)
            } else {
                found("odt", Office)
            }
        }
        Some(_) => found("epub", Office),
        None => found("zip", Archive),
    }
}

fn by_name(extension: &str) -> Option<FileType> {
    NAMES.iter().find_map(|(_, family, extensions)| {
        extensions.iter().find(|known| **known == extension).map(|known| FileType { extension: known, family: *family })
    })
}

/// Text by what it says.
fn by_text(content: &[u8], named: Option<FileType>) -> FileType {
    let head = &content[..content.len().min(LOOK_OCTETS)];
    let lower = head.to_ascii_lowercase();
    let start = lower.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&lower).trim_ascii_start();
    let has = |text: &[u8]| memmem::find(&lower, text).is_some();
    let found = |extension, family| FileType { extension, family };
    if start.starts_with(b"#!") {
        return found("sh", Script);
    }
    if start.starts_with(b"[internetshortcut]") {
        return found("url", Script);
    }
    if start.starts_with(b"windows registry editor") || start.starts_with(b"regedit4") {
        return found("reg", Script);
    }
    if start.starts_with(b"[shell]") && has(b"iconfile") {
        return found("scf", Script);
    }
    if has(b"<hta:application") {
        return found("hta", Script);
    }
    if has(b"<job") && has(b"<script") {
        return found("wsf", Script);
    }
    if start.starts_with(b"<svg") || start.starts_with(b"<?xml") && has(b"<svg") {
        return found("svg", Html);
    }
    if [&b"<!doctype html"[..], b"<html", b"<head", b"<body", b"<script", b"<meta ", b"<iframe"]
        .iter()
        .any(|mark| start.starts_with(mark) || has(mark))
    {
        return found("html", Html);
    }
    if is_script_text(&lower) {
        return found("js", Script);
    }
    if is_mail_text(start) {
        return found("eml", Message);
    }
    named.filter(|named| named.family == Text).unwrap_or(found("txt", Text))
}

/// A header with fields that only mail has, after the line that mailboxes put in front.
fn is_mail_text(lower: &[u8]) -> bool {
    let lower = if lower.starts_with(b"from ") { lower.splitn(2, |octet| *octet == b'\n').nth(1).unwrap_or_default() } else { lower };
    let header = lower.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii_end).take_while(|line| !line.is_empty());
    let is_of_mail = |line: &&[u8]| {
        [&b"mime-version:"[..], b"received:", b"return-path:", b"content-type:", b"message-id:"].iter().any(|name| line.starts_with(name))
    };
    let starts_with_field = memchr::memchr(b':', &lower[..lower.len().min(78)])
        .is_some_and(|colon| colon > 0 && lower[..colon].iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-'));
    starts_with_field && header.filter(is_of_mail).take(2).count() == 2
}

/// Words that a script host needs and prose does not have.
fn is_script_text(lower: &[u8]) -> bool {
    [
        &b"wscript.shell"[..],
        b"activexobject(",
        b"createobject(",
        b"powershell -",
        b"powershell.exe",
        b"invoke-expression",
        b"new-object net.webclient",
        b"@echo off",
    ]
    .iter()
    .any(|word| memmem::find(lower, word).is_some())
}

/// No octets that text does not have, in the stretch looked at.
fn looks_like_text(content: &[u8]) -> bool {
    let head = &content[..content.len().min(LOOK_OCTETS)];
    let is_utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    is_utf16 || !head.is_empty() && !head.iter().any(|octet| matches!(octet, 0..=8 | 14..=26 | 28..=31 | 127))
}
