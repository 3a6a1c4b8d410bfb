//! Files of messages: what somebody should read or fill in beside the text.
//!
//! In: octets under a name, from those who run the service. Out: lists without the octets, one file, all of them as a zip. Invariant: a
//! name is one that every system can store and that leads out of no folder, and stands once in a message. Nothing here is shown by the
//! browser: files are only saved.

use super::message::Message;
use axum::http::{HeaderMap, HeaderValue, header};
use gateway::scope::OrgScope;
use std::io::{self, Write};
use store::{Error, Row, Tx, args};

/// Files of one message.
pub const FILES_MAX: usize = 10;
/// Octets of one file; all files of a message are at most ten of them, in memory while a zip is made.
pub const FILE_OCTETS_MAX: usize = 3 << 20;
const NAME_CHARS_MAX: usize = 120;
const KIND_CHARS_MAX: usize = 100;
const UNKNOWN_KIND: &str = "application/octet-stream";

/// A file that belongs to a message, without its octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    pub id: i64,
    pub name: String,
    /// Media type, without parameters.
    pub kind: String,
    pub at_ms: i64,
    pub size: i64,
}

/// A file that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    pub id: i64,
    /// As [`name`] made it.
    pub name: String,
    /// As [`kind`] made it.
    pub kind: String,
    pub at_ms: i64,
    pub octets: bytes::Bytes,
}

/// A name as it is kept: the last part of a path, without what some system could not store; `None` when nothing is left of it.
pub fn name(sent: &str) -> Option<String> {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean = last.chars().map(|c| if c.is_alphanumeric() || ".-_ ()".contains(c) { c } else { '_' });
    let clean: String = clean.collect::<String>().trim_matches([' ', '.']).chars().take(NAME_CHARS_MAX).collect();
    (!clean.is_empty()).then_some(clean)
}

/// A media type as it is kept: `type/subtype` in tokens (RFC 9110 §8.3.1), or that nothing is known of it.
pub fn kind(sent: &str) -> String {
    let plain = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token =
        |part: &str| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&octet));
    let is_kind = plain.len() <= KIND_CHARS_MAX && plain.split_once('/').is_some_and(|(main, sub)| is_token(main) && is_token(sub));
    if is_kind { plain } else { UNKNOWN_KIND.into() }
}

/// Headers with which a file is saved and not shown; other letters than ASCII as RFC 8187 has them.
pub fn headers(name: &str, kind: &str) -> HeaderMap {
    let ascii: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let percent = |octet: u8| match octet {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'.' | b'-' | b'_' => char::from(octet).to_string(),
        octet => format!("%{octet:02X}"),
    };
    let encoded: String = name.bytes().map(percent).collect();
    let save = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}");
    let mut headers = HeaderMap::new();
    let unknown = HeaderValue::from_static(UNKNOWN_KIND);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap_or(unknown));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&save).unwrap_or(HeaderValue::from_static("attachment")));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers
}

const COLUMNS: &str = "id, name, kind, at_ms, CAST(length(octets) AS BIGINT)";

fn attached(row: &Row) -> Result<Attached, Error> {
    Ok(Attached { id: row.int(0)?, name: row.text(1)?.into(), kind: row.text(2)?.into(), at_ms: row.int(3)?, size: row.int(4)? })
}

/// The condition that a file is of this scope: of everybody's message or of one's own.
fn concerns(scope: OrgScope, args: &mut Vec<store::Value>) -> String {
    match scope {
        OrgScope::All => "1 = 1".into(),
        OrgScope::One(org) => {
            args.push(store::Value::Int(org.0));
            format!("(org = 0 OR org = ${})", args.len())
        }
    }
}

/// Files of a message, without their octets.
pub async fn list(tx: &mut Tx, scope: OrgScope, message: i64) -> Result<Vec<Attached>, Error> {
    let mut args = args![message];
    let whose = concerns(scope, &mut args);
    args.push(store::Value::from(FILES_MAX));
    let limit = args.len();
    let sql = format!("SELECT {COLUMNS} FROM service_message_file WHERE message = $1 AND {whose} ORDER BY id LIMIT ${limit}");
    tx.rows(&sql, args).await?.iter().map(attached).collect()
}

/// One file with its octets.
pub async fn find(tx: &mut Tx, scope: OrgScope, message: i64, file: i64) -> Result<Option<(Attached, bytes::Bytes)>, Error> {
    let mut args = args![message, file];
    let whose = concerns(scope, &mut args);
    let sql = format!("SELECT {COLUMNS}, octets FROM service_message_file WHERE message = $1 AND id = $2 AND {whose}");
    tx.row(&sql, args).await?.map(|row| Ok((attached(&row)?, row.blob(5)?))).transpose()
}

/// All files of a message with their octets.
pub async fn all(tx: &mut Tx, scope: OrgScope, message: i64) -> Result<Vec<(Attached, bytes::Bytes)>, Error> {
    let mut args = args![message];
    let whose = concerns(scope, &mut args);
    args.push(store::Value::from(FILES_MAX));
    let limit = args.len();
    let sql = format!("SELECT {COLUMNS}, octets FROM service_message_file WHERE message = $1 AND {whose} ORDER BY id LIMIT ${limit}");
    tx.rows(&sql, args).await?.iter().map(|row| Ok((attached(row)?, row.blob(5)?))).collect()
}

/// Keeps a file; the caller has found the message, and that it has room and no file of this name.
pub async fn put(tx: &mut Tx, message: &Message, file: &New) -> Result<(), Error> {
    tx.run(
        "INSERT INTO service_message_file (id, message, org, name, kind, at_ms, octets) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![file.id, message.number, message.org, file.name.as_str(), file.kind.as_str(), file.at_ms, &file.octets],
    )
    .await
    .map(drop)
}

/// Whether there was one.
pub async fn remove(tx: &mut Tx, message: i64, file: i64) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM service_message_file WHERE message = $1 AND id = $2", args![message, file]).await? > 0)
}

/// Files in one: a zip whose entries are stored as they are (APPNOTE 4.3.7, 4.3.12, 4.3.16).
/// # Errors
/// They are larger than a zip of this kind can be.
pub fn archive(files: &[(Attached, bytes::Bytes)]) -> io::Result<Vec<u8>> {
    let (mut zip, mut list) = (Vec::new(), Vec::new());
    for (file, body) in files {
        let at = u32::try_from(zip.len()).map_err(io::Error::other)?;
        let octets = u32::try_from(body.len()).map_err(io::Error::other)?;
        let mut sum = flate2::Crc::new();
        sum.update(body);
        // Rows of before names were cleaned are cleaned here.
        let name = name(&file.name).unwrap_or_else(|| file.id.to_string());
        // version 2.0, UTF-8 names, stored, 1 January 1980
        let mut head = Vec::new();
        for (value, width) in
            [(20, 2), (0x0800, 2), (0, 2), (0, 2), (0x21, 2), (sum.sum(), 4), (octets, 4), (octets, 4), (name.len() as u32, 2), (0, 2)]
        {
            head.extend_from_slice(&value.to_le_bytes()[..width]);
        }
        zip.write_all(b"PK\x03\x04")?;
        zip.write_all(&head)?;
        zip.write_all(name.as_bytes())?;
        zip.write_all(body)?;
        list.write_all(b"PK\x01\x02\x14\x00")?;
        list.write_all(&head)?;
        list.write_all(&[0; 10])?;
        list.write_all(&at.to_le_bytes())?;
        list.write_all(name.as_bytes())?;
    }
    let (at, size, count) = (zip.len() as u32, list.len() as u32, files.len() as u16);
    zip.write_all(&list)?;
    zip.write_all(b"PK\x05\x06\0\0\0\0")?;
    for part in [&count.to_le_bytes()[..], &count.to_le_bytes(), &size.to_le_bytes(), &at.to_le_bytes(), &[0, 0]] {
        zip.write_all(part)?;
    }
    Ok(zip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_out_of_no_folder() {
        for (sent, want) in [
            ("plan.pdf", Some("plan.pdf")),
            ("C:\\Users\\li\\计划 (2).docx", Some("计划 (2).docx")),
            ("../../etc/passwd", Some("passwd")),
            ("..", None),
            (" . ", None),
            ("", None),
            ("a/", None),
            (".profile", Some("profile")),
            ("a\"\r\nX: y.txt", Some("a___X_ y.txt")),
            ("a:b?", Some("a_b_")),
        ] {
            assert_eq!(name(sent).as_deref(), want, "{sent}");
        }
        assert_eq!(name(&"长".repeat(500)).map(|name| name.chars().count()), Some(NAME_CHARS_MAX));
    }

    #[test]
    fn a_media_type_is_two_tokens() {
        for (sent, want) in [
            ("text/plain; charset=utf-8", "text/plain"),
            ("Application/PDF", "application/pdf"),
            ("", UNKNOWN_KIND),
            ("text", UNKNOWN_KIND),
            ("text/html\r\nX: y", UNKNOWN_KIND),
            ("a/b/c", UNKNOWN_KIND),
        ] {
            assert_eq!(kind(sent), want, "{sent}");
        }
    }

    #[test]
    fn a_name_of_any_letters_stands_in_a_header() {
        let headers = headers("计划 1.pdf", "application/pdf");
        assert_eq!(headers[header::CONTENT_DISPOSITION], "attachment; filename=\"__ 1.pdf\"; filename*=UTF-8''%E8%AE%A1%E5%88%92%201.pdf");
    }

    /// The crate that reads the archives of mail reads ours.
    #[test]
    fn an_archive_can_be_read() {
        let file = |id, name: &str, body: &'static [u8]| {
            let attached = Attached { id, name: name.into(), kind: "text/plain".into(), at_ms: 0, size: body.len() as i64 };
            (attached, bytes::Bytes::from_static(body))
        };
        let octets = archive(&[file(1, "计划.txt", b"one"), file(2, "../b.txt", b"two")]).expect("a zip");
        let mut zip = zip::ZipArchive::new(io::Cursor::new(octets)).expect("a zip");
        for (n, (name, body)) in [("计划.txt", "one"), ("b.txt", "two")].into_iter().enumerate() {
            let mut entry = zip.by_index(n).expect("an entry");
            let read = io::read_to_string(&mut entry).expect("its sum is right");
            assert_eq!((entry.name(), read.as_str()), (name, body));
        }
        assert_eq!(zip.len(), 2);
    }
}
