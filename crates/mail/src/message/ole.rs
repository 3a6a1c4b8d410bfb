//! OLE compound files ([MS-CFB]): which program they belong to, and whether they hold macros or are locked.
//!
//! In: octets with the mark of a compound file. Out: a [`FileType`]. Directory entries are looked for by name wherever
//! they stand, so broken sector chains hide nothing.

use super::FileFamily::{Executable, Message, Office, OfficeMacro, Unknown};
use super::FileType;
use memchr::memmem;

pub(super) const MARK: [u8; 8] = *b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// A CLSID of Windows Installer: {000C1084-0000-0000-C000-000000000046}.
const INSTALLER_CLASS: [u8; 16] = *b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0F";

pub(super) fn file_type(content: &[u8], extension: &str) -> FileType {
    let has_macro = has_name(content, "_VBA_PROJECT") || has_name(content, "Macros") || has_name(content, "_VBA_PROJECT_CUR");
    let has_macro = has_macro || has_macro_sheet(content) || has_slide_macro(content);
    let found = |extension, family| FileType { extension, family };
    let office = |plain: &'static str| found(plain, if has_macro { OfficeMacro } else { Office });
    if memmem::find(content, &INSTALLER_CLASS).is_some() || matches!(extension, "msi" | "msp" | "mst") {
        return found("msi", Executable);
    }
    if has_name(content, "WordDocument") {
        return office("doc");
    }
    if has_name(content, "Workbook") || has_name(content, "Book") {
        return office("xls");
    }
    if has_name(content, "PowerPoint Document") {
        return office("ppt");
    }
    if has_name(content, "__properties_version1.0") {
        return found("msg", Message);
    }
    if is_encrypted(content) {
        return found("docx", Office);
    }
    if has_name(content, "VisioDocument") {
        return office("vsd");
    }
    if has_macro {
        return found("doc", OfficeMacro);
    }
    found("ole", Unknown)
}

/// [MS-OFFCRYPTO] §2.3: the package of a locked Office document, or the flag of the older formats.
pub(super) fn is_encrypted(content: &[u8]) -> bool {
    has_name(content, "EncryptedPackage")
        || has_name(content, "EncryptedSummary")
        || is_encrypted_word(content)
        || is_encrypted_excel(content)
}

/// [MS-DOC] §2.5.1: bit 8 of the flags in the first octets of the WordDocument stream, which starts a sector.
fn is_encrypted_word(content: &[u8]) -> bool {
    has_name(content, "WordDocument")
        && sectors(content).any(|sector| sector.starts_with(b"\xec\xa5") && sector.get(11).is_some_and(|flags| flags & 1 != 0))
}

/// [MS-XLS] §2.4.117: a FilePass record follows the BOF record of the Workbook stream.
fn is_encrypted_excel(content: &[u8]) -> bool {
    (has_name(content, "Workbook") || has_name(content, "Book"))
        && sectors(content).any(|sector| {
            let is_start = sector.starts_with(b"\x09\x08\x10\0\0\x06\x05\0");
            is_start && sector.get(20..22) == Some(b"\x2f\0")
        })
}

/// Records of a workbook looked at for its list of sheets, which stands near its start.
const RECORDS_MAX: usize = 2_000;

/// [MS-XLS] §2.4.28: a BoundSheet8 record of type 1 is a sheet of Excel 4 macros.
fn has_macro_sheet(content: &[u8]) -> bool {
    let start = sectors(content).position(|sector| matches!(sector, [0x09, 0x08, 0x10 | 0x08, 0, 0, 5 | 6, 5, 0, ..]));
    let Some(mut at) = start.map(|sector| (sector + 1) * SECTOR_OCTETS) else { return false };
    for _ in 0..RECORDS_MAX {
        let Some(head) = content.get(at..at + 4) else { return false };
        if head[..2] == [0x85, 0] && content.get(at + 9) == Some(&1) {
            return true;
        }
        at += 4 + usize::from(u16::from_le_bytes([head[2], head[3]]));
    }
    false
}

/// [MS-PPT] §2.4.11: a VBAInfoAtom whose `fHasMacros` is set.
fn has_slide_macro(content: &[u8]) -> bool {
    memmem::find_iter(content, b"\x02\0\0\x04\x0c\0\0\0").any(|at| content.get(at + 12..at + 16) == Some(&[1, 0, 0, 0]))
}

const SECTOR_OCTETS: usize = 512;

fn sectors(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.chunks(SECTOR_OCTETS).skip(1)
}

/// Whether a directory entry has this name (UTF-16LE, followed by its zero).
fn has_name(content: &[u8], name: &str) -> bool {
    let mut wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    wide.extend([0, 0]);
    memmem::find_iter(content, &wide).any(|at| at % 128 == 0)
}
