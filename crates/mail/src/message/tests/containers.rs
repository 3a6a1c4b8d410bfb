//! Containers made by the programs of others (7-Zip, gcab, arj, genisoimage, mkfs.fat, qemu-img), and by hand.

use super::file_types::with_attachment;
use super::*;
use std::io::{Read, Write};

/// What every one of the made containers holds.
const SCRIPT: &[u8] = b"MsgBox \"hello\"\r\n";

/// How a member is expected to come out.
#[derive(Debug, PartialEq)]
enum Seen {
    Script,
    Locked,
    Unread,
}
use Seen::{Locked, Script, Unread};

fn check(name: &str, content: &[u8], want: (&str, Seen), why: &str) {
    let found = with_attachment(name, content);
    let member = found.attachments.iter().find(|have| have.name.as_deref() == Some(want.0));
    let names: Vec<_> = found.attachments.iter().map(|have| (&have.inside, &have.name, have.octets)).collect();
    let Some(member) = member else { panic!("{name}, {why}: no {} among {names:?}, {:?}", want.0, found.defects) };
    let seen = match (member.encrypted, member.unread) {
        (true, _) => Locked,
        (_, true) => Unread,
        _ => Script,
    };
    assert_eq!(seen, want.1, "{name}, {why}");
    assert_eq!(&member.content[..], if seen == Script { SCRIPT } else { b"" }, "{name}, {why}");
    assert!(member.held_by.is_some(), "{name}, {why}");
}

fn made(name: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/message/tests/containers/");
    let octets = std::fs::read(format!("{path}{name}")).expect("it stands beside this file");
    if !name.ends_with(".gz") {
        return octets;
    }
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(&octets[..]).read_to_end(&mut image).expect("it is packed to be small");
    image
}

#[test]
fn members_come_out_of_what_others_pack() {
    for (name, want, why) in [
        ("a.7z", ("run.vbs", Script), "LZMA2, two files in one stream"),
        ("b.7z", ("run.vbs", Script), "BZip2"),
        ("p.7z", ("run.vbs", Unread), "PPMd is not undone"),
        ("half.7z", ("run.vbs", Locked), "content behind a password"),
        ("a.cab", ("run.vbs", Script), "stored"),
        ("z.cab", ("run.vbs", Script), "MSZIP"),
        ("a.arj", ("run.vbs", Script), "too small to be packed"),
        ("s.arj", ("run.vbs", Script), "stored"),
        ("a.iso.gz", ("run.vbs", Script), "ISO 9660 with Joliet"),
        ("u.iso.gz", ("run.vbs", Script), "UDF"),
        ("f.img.gz", ("a long name of a script.vbs", Script), "FAT12 with long names"),
        ("g.vhd.gz", ("RUN.VBS", Script), "a VHD that grows"),
        ("fx.vhd.gz", ("RUN.VBS", Script), "a VHD of fixed size"),
    ] {
        check(name.trim_end_matches(".gz"), &made(name), want, why);
    }
}

#[test]
fn a_list_behind_a_password_is_locked() {
    let found = with_attachment("locked.7z", &made("locked.7z"));
    assert!(found.attachments.iter().any(|have| have.encrypted) && found.has_defect(DefectKind::Encrypted), "{:?}", found.defects);
}

#[test]
fn streams_are_unpacked_under_the_name_inside() {
    for (name, inside) in [("note.txt.bz2", "note.txt"), ("note.txt.xz", "note.txt"), ("note.txt.zst", "note.txt")] {
        let found = with_attachment(name, &made(name));
        let note = found.attachments.iter().find(|have| have.name.as_deref() == Some(inside)).expect(name);
        assert_eq!(note.content, "plain words in a note\n".repeat(20), "{name}");
        assert_eq!(kinds(&found), [], "{name}");
    }
}

#[test]
fn members_come_out_of_small_containers() {
    let ar = [&b"!<arch>\nrun.vbs/        0           0     0     100644  16        `\n"[..], SCRIPT].concat();
    check("a.ar", &ar, ("run.vbs", Script), "ar");
    let cpio = format!(
        "070701{}{}TRAILER!!!\0\0\0\0",
        newc_header("run.vbs", 0o100644, SCRIPT.len()) + "run.vbs\0\0\0" + std::str::from_utf8(SCRIPT).unwrap(),
        format_args!("070701{}", newc_header("TRAILER!!!", 0, 0))
    );
    check("a.cpio", cpio.as_bytes(), ("run.vbs", Script), "cpio, new form");
    let mut note = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3".to_vec();
    note.extend(b"\x0e\0\0\0r\0u\0n\0.\0v\0b\0s\0");
    note.extend(b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac");
    note.extend((SCRIPT.len() as u64).to_le_bytes());
    note.extend([0; 12]);
    note.extend(SCRIPT);
    check("a.one", &note, ("run.vbs", Script), "OneNote");
    check("a.tnef", &tnef(), ("run.vbs", Script), "TNEF");
    let object: String = ole_1("Package", &package()).iter().map(|octet| format!("{octet:02x}")).collect();
    let rtf = format!(
        "{{\\rtf1{{\\object\\objemb{{\\*\\objclass Package}}{{\\*\\objdata {}\\par{{\\x 12}}\r\n{}}}}}}}",
        &object[..30],
        &object[30..]
    );
    check("a.rtf", rtf.as_bytes(), ("run.vbs", Script), "RTF with a control word among the digits");
}

/// The fields of a header after its mark.
fn newc_header(name: &str, mode: u32, octets: usize) -> String {
    let fields = [0, mode as usize, 0, 0, 1, 0, octets, 0, 0, 0, 0, name.len() + 1, 0];
    fields.iter().map(|field| format!("{field:08x}")).collect()
}

fn tnef() -> Vec<u8> {
    let attribute = |kind: u32, value: &[u8]| [&[2][..], &kind.to_le_bytes(), &(value.len() as u32).to_le_bytes(), value, &[0, 0]].concat();
    let parts = [attribute(0x0006_9002, &[0; 14]), attribute(0x0001_8010, b"run.vbs\0"), attribute(0x0006_800f, SCRIPT)];
    [&b"\x78\x9f\x3e\x22\x01\x00"[..], &parts.concat()].concat()
}

fn package() -> Vec<u8> {
    let path = b"C:\\x\\run.vbs\0";
    let parts: [&[u8]; 8] = [
        &[2, 0],
        b"run.vbs\0",
        path,
        &[0, 0, 3, 0],
        &(path.len() as u32).to_le_bytes(),
        path,
        &(SCRIPT.len() as u32).to_le_bytes(),
        SCRIPT,
    ];
    parts.concat()
}

fn ole_1(class: &str, native: &[u8]) -> Vec<u8> {
    let class = [class.as_bytes(), b"\0"].concat();
    let parts: [&[u8]; 7] = [
        &[1, 5, 0, 0, 2, 0, 0, 0],
        &(class.len() as u32).to_le_bytes(),
        &class,
        &[0; 8],
        &(native.len() as u32).to_le_bytes(),
        native,
        &[0; 4],
    ];
    parts.concat()
}

#[test]
fn objects_come_out_of_compound_files() {
    let mut file = cfb::CompoundFile::create(std::io::Cursor::new(Vec::new())).unwrap();
    file.create_stream("/WordDocument").unwrap().write_all(b"words").unwrap();
    file.create_storage_all("/ObjectPool/_1").unwrap();
    let native = [&(package().len() as u32).to_le_bytes()[..], &package()].concat();
    file.create_stream("/ObjectPool/_1/\u{1}Ole10Native").unwrap().write_all(&native).unwrap();
    let document = file.into_inner().into_inner();
    check("a.doc", &document, ("run.vbs", Script), "a package in a document");
    let mut file = cfb::CompoundFile::create(std::io::Cursor::new(Vec::new())).unwrap();
    file.create_stream("/__properties_version1.0").unwrap().write_all(&[0; 32]).unwrap();
    file.create_storage("/__attach_version1.0_#00000000").unwrap();
    let wide: Vec<u8> = "run.vbs".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (property, value) in [("3701 0102", SCRIPT), ("3707 001F", &wide)] {
        let path = format!("/__attach_version1.0_#00000000/__substg1.0_{}", property.replace(' ', ""));
        file.create_stream(path).unwrap().write_all(value).unwrap();
    }
    check("a.msg", &file.into_inner().into_inner(), ("run.vbs", Script), "an attachment of an Outlook message");
}

#[test]
fn files_come_out_of_pdf_documents() {
    let script = std::str::from_utf8(SCRIPT).unwrap();
    let specification = "<< /Type /Filespec /F (run.vbs) /UF <FEFF00720075006E002E007600620073> /EF << /F 7 0 R >> >>";
    let plain = format!(
        "%PDF-1.7\n5 0 obj\n{specification}\nendobj\n7 0 obj\n<< /Type /EmbeddedFile /Length {} >>\nstream\n{script}\nendstream\nendobj\n",
        script.len()
    );
    let with_line = with_attachment("a.pdf", plain.as_bytes());
    assert!(with_line.attachments[1].content.starts_with(SCRIPT), "{:?}", with_line.attachments);
    assert_eq!(with_line.attachments[1].name.as_deref(), Some("run.vbs"));
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(specification.as_bytes()).unwrap();
    let objects = packed.finish().unwrap();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(SCRIPT).unwrap();
    let file = packed.finish().unwrap();
    let pieces: [&[u8]; 5] = [
        b"%PDF-1.7\n5 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n",
        &objects,
        b"\nendstream\nendobj\n7 0 obj\n<< /Type /EmbeddedFile /Filter /Flate#44ecode >>\nstream\n",
        &file,
        b"\nendstream\nendobj\n",
    ];
    check("b.pdf", &pieces.concat(), ("run.vbs", Script), "names in an object stream, escapes in a filter");
}

#[test]
fn rar_archives_are_listed() {
    let file_4 = |flags: u16, method: u8, data: &[u8]| {
        let fixed: [&[u8]; 9] = [
            &(flags | 0x8000).to_le_bytes(),
            &(32u16 + 7).to_le_bytes(),
            &(data.len() as u32).to_le_bytes(),
            &(SCRIPT.len() as u32).to_le_bytes(),
            &[0; 10],
            &[method, 7, 0],
            &[0; 4],
            b"run.vbs",
            data,
        ];
        [&b"Rar!\x1a\x07\0\0\0\x73\0\0\x0d\0\0\0\0\0\0\0"[..], b"\0\0\x74", &fixed.concat(), b"\0\0\x7b\0\0\x07\0"].concat()
    };
    check("a.rar", &file_4(0, 0x30, SCRIPT), ("run.vbs", Script), "RAR 4, stored");
    check("b.rar", &file_4(0, 0x33, b"xxxx"), ("run.vbs", Unread), "RAR 4, packed");
    check("c.rar", &file_4(4, 0x33, b"xxxx"), ("run.vbs", Locked), "RAR 4, locked");
    let file_5 = |packing: u16, data: &[u8], extra: &[u8]| {
        let mut header = vec![2, 3, extra.len() as u8, data.len() as u8, 0, SCRIPT.len() as u8, 0];
        header.extend([packing as u8 & 0x7f | 0x80, (packing >> 7) as u8, 1, 7]);
        header.extend(b"run.vbs");
        header.extend(extra);
        let end = [0, 0, 0, 0, 3, 5, 0, 0];
        [b"Rar!\x1a\x07\x01\0\0\0\0\0".as_slice(), &[header.len() as u8], &header, data, &end].concat()
    };
    check("d.rar", &file_5(0, SCRIPT, b""), ("run.vbs", Script), "RAR 5, stored");
    check("e.rar", &file_5(3 << 7, b"xx", b""), ("run.vbs", Unread), "RAR 5, packed");
    check("f.rar", &file_5(0, b"xx", &[2, 1, 0]), ("run.vbs", Locked), "RAR 5, locked");
}

#[test]
fn records_of_ntfs_are_files() {
    let mut image = vec![0u8; 64 << 10];
    image[3..11].copy_from_slice(b"NTFS    ");
    image[11..14].copy_from_slice(&[0, 2, 8]);
    image[510..512].copy_from_slice(b"\x55\xaa");
    let mut record = vec![0u8; 1024];
    record[..8].copy_from_slice(b"FILE\x30\0\x03\0");
    record[20..24].copy_from_slice(&[56, 0, 1, 0]);
    let wide: Vec<u8> = "run.vbs".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let attribute = |kind: u32, value: &[u8]| {
        let length = (24 + value.len()).next_multiple_of(8);
        let head = [&kind.to_le_bytes()[..], &(length as u32).to_le_bytes(), &[0; 8], &(value.len() as u32).to_le_bytes(), &[24, 0, 0, 0]];
        let mut all = [&head.concat()[..], value].concat();
        all.resize(length, 0);
        all
    };
    let name = [&[0u8; 64][..], &[7, 1], &wide].concat();
    let attributes = [attribute(0x30, &name), attribute(0x80, SCRIPT), vec![0xff; 4]].concat();
    record[56..56 + attributes.len()].copy_from_slice(&attributes);
    image[8192..9216].copy_from_slice(&record);
    check("a.img", &image, ("run.vbs", Script), "NTFS without a partition table");
}

#[test]
fn deep_nesting_ends_within_budget() {
    let mut inner = b"the end".to_vec();
    for depth in 0..100 {
        let mut out = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = ::zip::write::SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Deflated);
        out.start_file(format!("{depth}.zip"), options).unwrap();
        out.write_all(&inner).unwrap();
        inner = out.finish().unwrap().into_inner();
    }
    let found = with_attachment("deep.zip", &inner);
    assert!(found.has_defect(DefectKind::OverBudget), "{:?}", found.defects);
    assert!(found.attachments.len() <= Budget::default().archive_depth_max + 1);
}

#[test]
fn bombs_of_every_packer_end_within_budget() {
    let zeroes = vec![0u8; 64 << 20];
    let gz = {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(&zeroes).unwrap();
        out.finish().unwrap()
    };
    let bz = {
        let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
        out.write_all(&zeroes).unwrap();
        out.finish().unwrap()
    };
    let zst = zstd::stream::encode_all(&zeroes[..], 3).unwrap();
    for (name, bomb) in [("a.gz", gz), ("a.bz2", bz), ("a.zst", zst)] {
        let found = with_attachment(name, &bomb);
        assert!(found.has_defect(DefectKind::OverBudget), "{name}: {:?}", found.defects);
        assert!(found.spent.expanded_octets < 32 << 20, "{name}: {:?}", found.spent);
    }
}
