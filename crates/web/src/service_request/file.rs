//! Files of requests: taken whole or in pieces, looked at by our own engines, handed out as downloads only.
//!
//! In: octets and a name. Out: a [`File`] that goes with a word. Invariants: what our engines find harmful, or cannot look into, is not kept;
//! support sees a file only once it was sent with a word; of texts, secrets are hidden before anything is kept ([`redact`]), and the
//! uploader sees what is left. Octets lie in the database, in pieces, so that a word and its files are one transaction on every node.

use super::change::{self, At, found};
use super::model::{Evidence, File, FileState, Request};
use super::{redact, sql_file as sql};
use crate::App;
use crate::audit::Entry;
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use detect::Class;
use detect::acquaintance::Memory;
use gateway::scope::OrgScope;
use mail::auth::AuthResults;
use mail::envelope::{BodyType, Reverse};
use mail::id::{FileId, RequestEventId, RequestId};
use mail::message::Budget;
use mail::{Envelope, Mail, Message, OrgId, Peer, PersonId};
use serde_json::json;
use std::time::Duration;
use store::Tx;

/// Octets of one file.
pub const OCTETS_MAX: i64 = 25 << 20;
/// Files of one word.
pub const OF_WORD_MAX: usize = 10;
/// Octets of one row.
const PIECE_OCTETS: usize = 1 << 20;
const NAME_CHARS_MAX: usize = 120;
/// Octets of a text that secrets are looked for in.
pub const TEXT_OCTETS_MAX: usize = 4 << 20;
const SCAN_MAX: Duration = Duration::from_secs(25);
/// Uploads that were not sent are forgotten after this time.
const LOOSE_MS: i64 = 24 * 60 * 60 * 1000;

/// Whose file it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub org: OrgId,
    pub person: PersonId,
    /// `None`: chosen in a form that was not sent yet.
    pub request: Option<RequestId>,
}

/// What is uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub name: String,
    pub media: String,
    pub octets: Bytes,
}

/// Takes a whole file. One that is refused is told of and not kept.
/// # Errors
/// [`Fault::Invalid`] says what is wrong with it.
pub async fn take(at: &At, owner: Owner, sent: Sent, hides_secrets: bool) -> Result<File, Fault> {
    let app = &at.app;
    let mut file = fresh(app, owner, &sent.name, sent.octets.len() as i64)?;
    let octets = settled(app, &mut file, sent.octets, (&sent.media, hides_secrets)).await?;
    let (kept, at) = (file.clone(), at.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                fits(tx, owner).await?;
                sql::insert(tx, &kept).await?;
                change::note(tx, &at, line("request.upload", &kept)).await?;
                pieces(tx, kept.id, octets).await
            })
        })
        .await?;
    Ok(file)
}

/// What the audit log says of an upload.
fn line(action: &'static str, file: &File) -> Entry {
    let detail = json!({ "name": file.name, "octets": file.octets, "request": file.request.map(|request| request.to_string()) });
    Entry::new(Some(file.org), action, file.id).with(detail)
}

/// Takes an upload away that was not sent yet.
pub async fn remove(at: &At, scope: OrgScope, id: FileId) -> Result<(), Fault> {
    let done = at.clone();
    at.app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let file = sql::one(tx, scope, id).await?;
                let file = file.filter(|file| file.person == done.by.person && file.event.is_none()).ok_or(Fault::NotFound)?;
                sql::remove(tx, &file).await?;
                change::note(tx, &done, line("request.upload-removed", &file)).await
            })
        })
        .await
}

/// Begins an upload that comes in pieces.
pub async fn begin(at: &At, owner: Owner, name: &str, octets: i64) -> Result<File, Fault> {
    let file = fresh(&at.app, owner, name, octets)?;
    let (kept, done) = (file.clone(), at.clone());
    at.app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                fits(tx, owner).await?;
                sql::insert(tx, &kept).await?;
                change::note(tx, &done, line("request.upload", &kept)).await
            })
        })
        .await?;
    Ok(file)
}

/// Adds a piece; with the last one the file is looked at.
/// # Errors
/// [`Fault::Conflict`] names the offset that is expected, so that an upload can be resumed.
pub async fn add(app: &App, mut file: File, (at, octets): (i64, Bytes), hides_secrets: bool) -> Result<File, Fault> {
    let expected = || Fault::Conflict(Say::new("request-file-offset").with("count", file.received));
    let received = file.received + octets.len() as i64;
    if file.state != FileState::Arriving || at != file.received || octets.is_empty() || octets.len() > PIECE_OCTETS {
        return Err(expected());
    }
    if received > file.octets {
        return Err(Fault::Invalid(vec![Wrong::new("octets", "request-file-longer")]));
    }
    let (was, fault) = (file.clone(), expected());
    let whole: Option<Vec<u8>> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if !sql::set_received(tx, &was, received).await? {
                    return Err(fault);
                }
                sql::put_piece(tx, was.id, at, octets).await?;
                let is_whole = received == was.octets;
                Ok(if is_whole { Some(sql::octets(tx, was.id).await?) } else { None })
            })
        })
        .await?;
    file.received = received;
    let Some(whole) = whole else { return Ok(file) };
    let looked = settled(app, &mut file, whole.into(), ("", hides_secrets)).await;
    let kept = file.clone();
    let octets = looked.as_ref().ok().cloned();
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                sql::drop_pieces(tx, &kept).await?;
                match octets {
                    Some(octets) => {
                        sql::settle(tx, &kept).await?;
                        pieces(tx, kept.id, octets).await
                    }
                    None => sql::remove(tx, &kept).await.map_err(Fault::from),
                }
            })
        })
        .await?;
    looked.map(|_| file)
}

/// Files of one word at most.
async fn fits(tx: &mut Tx, owner: Owner) -> Result<(), Fault> {
    let loose = sql::loose(tx, OrgScope::One(owner.org), owner.person, owner.request).await?;
    if loose.len() < OF_WORD_MAX { Ok(()) } else { Err(wrong(Say::new("request-file-many").with("count", OF_WORD_MAX))) }
}

fn wrong(say: Say) -> Fault {
    Fault::Invalid(vec![Wrong { field: "file", say }])
}

fn fresh(app: &App, owner: Owner, name: &str, octets: i64) -> Result<File, Fault> {
    let name = clean_name(name);
    if !(1..=OCTETS_MAX).contains(&octets) {
        return Err(wrong(Say::new("request-file-size").with("what", name).with("count", OCTETS_MAX >> 20)));
    }
    Ok(File {
        id: FileId(app.fresh_id()),
        org: owner.org,
        request: owner.request,
        event: None,
        person: owner.person,
        is_evidence: false,
        name,
        media: "application/octet-stream".into(),
        octets,
        received: 0,
        digest: String::new(),
        state: FileState::Arriving,
        found: String::new(),
        is_internal: false,
        source: String::new(),
        source_id: String::new(),
        made_ms: app.now_ms(),
    })
}

/// A name that no system reads as a path or a command.
fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = last.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '<' | '>' | ':' | '|' | '?' | '*' | '\u{202e}' | '\u{202d}'));
    let plain: String = plain.take(NAME_CHARS_MAX).collect();
    let plain = plain.trim().trim_start_matches('.').to_string();
    if plain.is_empty() { "file".into() } else { plain }
}

/// Looks at the whole of a file; what is to be kept of it.
async fn settled(app: &App, file: &mut File, octets: Bytes, (media, hides_secrets): (&str, bool)) -> Result<Bytes, Fault> {
    looked_at(app, file, octets.clone()).await?;
    let text = text_of(&file.name, media, &octets).map(str::to_string);
    let kept = match &text {
        Some(text) if hides_secrets => {
            let text = text.clone();
            let hidden = tokio::task::spawn_blocking(move || redact::hidden(&text))
                .await
                .map_err(|why| Fault::Ours(format!("a file was not read: {why}")))?;
            file.found = if hidden.count > 0 { format!("hidden {}", hidden.count) } else { String::new() };
            Bytes::from(hidden.text)
        }
        _ => octets,
    };
    file.media = if text.is_some() { "text/plain" } else { "application/octet-stream" }.into();
    file.octets = kept.len() as i64;
    file.received = file.octets;
    file.digest = hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &kept).as_ref());
    file.state = FileState::Clean;
    Ok(kept)
}

/// Whether it is text that a person reads: logs, settings, headers.
fn text_of<'a>(name: &str, media: &str, octets: &'a [u8]) -> Option<&'a str> {
    const ENDINGS: [&str; 11] = [".log", ".txt", ".json", ".conf", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".csv", ".eml"];
    let lower = name.to_lowercase();
    let is_text = media.starts_with("text/") || ENDINGS.iter().any(|ending| lower.ends_with(ending));
    let text = std::str::from_utf8(octets).ok().filter(|text| !text.contains('\0'))?;
    (is_text && octets.len() <= TEXT_OCTETS_MAX).then_some(text)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// As the only attachment of a mail: the same engines, the same budgets.
async fn looked_at(app: &App, file: &File, octets: Bytes) -> Result<(), Fault> {
    let name = file.name.clone();
    let message = tokio::task::spawn_blocking(move || Message::parse(as_mail(&name, &octets).into(), &Budget::default()))
        .await
        .map_err(|why| Fault::Ours(format!("a file was not read: {why}")))?;
    let peer = Peer {
        ip: std::net::Ipv4Addr::LOCALHOST.into(),
        port: 0,
        local: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
        reverse: Reverse::NotAsked,
        helo: app.hostname.clone(),
        esmtp: true,
        tls: None,
        authenticated: None,
        via: None,
    };
    let envelope = Envelope {
        sender: None,
        recipients: Vec::new(),
        smtputf8: false,
        body: BodyType::default(),
        require_tls: false,
        ret: None,
        envid: None,
    };
    let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: app.now_ms() };
    let (again, directory) = (&app.again, app.directory.snapshot());
    let (auth, memory) = (AuthResults::not_asked(&app.hostname), Memory::default());
    let inspecting = again.detector.inspect_with(mail, &auth, &directory.surroundings, &memory);
    let Ok(inspected) = tokio::time::timeout(SCAN_MAX, inspecting).await else {
        return Err(wrong(Say::new("request-file-unread").with("what", file.name.clone())));
    };
    let verdict =
        detect::verdict::judge(&inspected.findings, inspected.spam_log_odds, inspected.phish_log_odds, inspected.bcl, &again.thresholds);
    match verdict.class {
        Class::Malware => Err(wrong(Say::new("request-file-harmful").with("what", file.name.clone()))),
        Class::Uninspectable => Err(wrong(Say::new("request-file-unread").with("what", file.name.clone()))),
        _ => Ok(()),
    }
}

fn as_mail(name: &str, octets: &[u8]) -> Vec<u8> {
    const LINE: usize = 57; // 76 characters of base64 (RFC 2045 §6.8)
    // Names in other letters as RFC 2231 §4 writes them.
    let name: String = name
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_') { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let mut mail = format!(
        "Subject: file\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; \
         filename*=utf-8''{name}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    .into_bytes();
    for line in octets.chunks(LINE) {
        mail.extend_from_slice(STANDARD.encode(line).as_bytes());
        mail.extend_from_slice(b"\r\n");
    }
    mail
}

async fn pieces(tx: &mut Tx, file: FileId, octets: Bytes) -> Result<(), Fault> {
    let mut at = 0;
    while at < octets.len() {
        let end = octets.len().min(at + PIECE_OCTETS);
        sql::put_piece(tx, file, at as i64, octets.slice(at..end)).await?;
        at = end;
    }
    Ok(())
}

/// Files go with a word of whoever uploaded them.
pub(super) async fn attach(tx: &mut Tx, at: &At, request: &Request, event: RequestEventId, files: &[FileId]) -> Result<(), Fault> {
    for file in files.iter().take(OF_WORD_MAX) {
        if !sql::attach(tx, request, (event, at.by.person), *file).await? {
            return Err(Fault::Conflict(Say::new("request-file-gone")));
        }
    }
    Ok(())
}

/// Evidence is frozen beside the word that it came with; what is internal the organisation never sees.
pub async fn keep_evidence(
    tx: &mut Tx,
    at: &At,
    request: &Request,
    (event, is_internal): (RequestEventId, bool),
    evidence: &Evidence,
) -> Result<(), Fault> {
    let octets = Bytes::from(evidence.text.clone());
    let file = File {
        id: FileId(at.ids().next(at.now_ms)),
        org: request.org,
        request: Some(request.id),
        event: Some(event),
        person: at.by.person,
        is_evidence: true,
        name: clean_name(&evidence.name),
        media: evidence.media.into(),
        octets: octets.len() as i64,
        received: octets.len() as i64,
        digest: hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &octets).as_ref()),
        state: FileState::Clean,
        found: String::new(),
        is_internal,
        source: evidence.source.clone(),
        source_id: evidence.source_id.clone(),
        made_ms: at.now_ms,
    };
    sql::insert(tx, &file).await?;
    pieces(tx, file.id, octets).await
}

/// A file of a request that `person` may read, with its octets.
/// # Errors
/// [`Fault::NotFound`] also for files that were not sent yet, unless they are one's own, and for internal ones.
pub async fn read(
    app: &App,
    scope: OrgScope,
    (request, id): (RequestId, FileId),
    (person, is_support): (PersonId, bool),
) -> Result<(File, Bytes), Fault> {
    app.db
        .read(move |tx| {
            Box::pin(async move {
                found(tx, scope, request).await?;
                let file = sql::one(tx, scope, id).await?.filter(|file| file.request == Some(request)).ok_or(Fault::NotFound)?;
                let is_seen = file.event.is_some() && (is_support || !file.is_internal) || file.person == person;
                if !is_seen || file.state != FileState::Clean {
                    return Err(Fault::NotFound);
                }
                let octets = sql::octets(tx, file.id).await?;
                Ok((file, octets.into()))
            })
        })
        .await
}

/// Forgets uploads that nobody sent.
pub async fn forget(app: &App) -> Result<u64, store::Error> {
    let before_ms = app.now_ms() - LOOSE_MS;
    app.db.tx(move |tx| Box::pin(async move { sql::forget_loose(tx, before_ms).await })).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_paths() {
        for (name, want) in [
            ("mail.log", "mail.log"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\li\\日志.txt", "日志.txt"),
            ("a\"b\r\n.txt", "ab.txt"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            (".htaccess", "htaccess"),
            ("", "file"),
            ("/", "file"),
        ] {
            assert_eq!(clean_name(name), want);
        }
    }

    #[test]
    fn a_file_is_read_back_from_its_mail() {
        for octets in [b"".as_slice(), b"x", &[0u8; 200], "日志".as_bytes()] {
            let message = Message::parse(as_mail("日 志.log", octets).into(), &Budget::default());
            assert_eq!(message.attachments.len(), 1, "{octets:?}");
            assert_eq!(message.attachments[0].content, octets);
            assert_eq!(message.attachments[0].name.as_deref(), Some("日 志.log"));
        }
    }
}
