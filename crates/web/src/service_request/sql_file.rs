//! Every statement on files of requests.

use super::model::{File, FileState, Request};
use gateway::scope::OrgScope;
use mail::id::{FileId, RequestEventId, RequestId};
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, args};

/// Files that are shown of one request.
pub const SHOWN_MAX: usize = 500;

const COLUMNS: &str = "id, org, request, event, person, kind, name, media, octets, received, digest, state, found, is_internal, source, \
                       source_id, made_ms";

pub async fn insert(tx: &mut Tx, file: &File) -> Result<(), Error> {
    tx.run(
        "INSERT INTO request_file (id, org, request, event, person, kind, name, media, octets, received, digest, state, found, \
         is_internal, source, source_id, made_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        args![
            file.id.0,
            file.org.0,
            file.request.map_or(0, |request| request.0),
            file.event.map_or(0, |event| event.0),
            file.person.0,
            if file.is_evidence { "evidence" } else { "file" },
            file.name.as_str(),
            file.media.as_str(),
            file.octets,
            file.received,
            file.digest.as_str(),
            file.state.name(),
            file.found.as_str(),
            file.is_internal,
            file.source.as_str(),
            file.source_id.as_str(),
            file.made_ms
        ],
    )
    .await
    .map(|_| ())
}

/// Adds octets at an offset. The caller has checked that the file is in its scope.
pub async fn put_piece(tx: &mut Tx, file: FileId, at: i64, octets: bytes::Bytes) -> Result<(), Error> {
    tx.run("INSERT INTO request_piece (file, at, octets) VALUES ($1, $2, $3)", args![file.0, at, octets]).await.map(|_| ())
}

/// Notes that more is here; false when it was not what we thought.
pub async fn set_received(tx: &mut Tx, file: &File, received: i64) -> Result<bool, Error> {
    let sql = "UPDATE request_file SET received = $1 WHERE id = $2 AND org = $3 AND received = $4 AND state = 'arriving'";
    Ok(tx.run(sql, args![received, file.id.0, file.org.0, file.received]).await? == 1)
}

/// Ends an upload.
pub async fn settle(tx: &mut Tx, file: &File) -> Result<(), Error> {
    let sql =
        "UPDATE request_file SET octets = $1, received = $1, digest = $2, state = $3, found = $4, media = $5 WHERE id = $6 AND org = $7";
    let args = args![file.octets, file.digest.as_str(), file.state.name(), file.found.as_str(), file.media.as_str(), file.id.0, file.org.0];
    tx.run(sql, args).await.map(|_| ())
}

pub async fn drop_pieces(tx: &mut Tx, file: &File) -> Result<(), Error> {
    tx.run("DELETE FROM request_piece WHERE file = $1", args![file.id.0]).await.map(|_| ())
}

/// Takes a file away that was not sent yet.
pub async fn remove(tx: &mut Tx, file: &File) -> Result<(), Error> {
    drop_pieces(tx, file).await?;
    tx.run("DELETE FROM request_file WHERE id = $1 AND org = $2 AND event = 0", args![file.id.0, file.org.0]).await.map(|_| ())
}

/// Files go with a word; those that are not this person's, not whole or not clean stay where they are.
pub async fn attach(tx: &mut Tx, request: &Request, (event, person): (RequestEventId, PersonId), file: FileId) -> Result<bool, Error> {
    let sql = "UPDATE request_file SET request = $1, event = $2 WHERE id = $3 AND org = $4 AND person = $5 AND event = 0 AND \
               state = 'clean' AND (request = 0 OR request = $1)";
    Ok(tx.run(sql, args![request.id.0, event.0, file.0, request.org.0, person.0]).await? == 1)
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: FileId) -> Result<Option<File>, Error> {
    let mut args = args![id.0];
    let whose = scope.condition("org", &mut args);
    tx.row(&format!("SELECT {COLUMNS} FROM request_file WHERE id = $1 AND {whose}"), args).await?.as_ref().map(file).transpose()
}

/// Files that go with words of a request, in order. Internal ones only when `is_support` asks.
pub async fn of_request(tx: &mut Tx, scope: OrgScope, request: RequestId, is_support: bool) -> Result<Vec<File>, Error> {
    let mut args = args![request.0];
    let whose = scope.condition("org", &mut args);
    let open = if is_support { "" } else { " AND is_internal = 0" };
    let sql =
        format!("SELECT {COLUMNS} FROM request_file WHERE request = $1 AND event > 0 AND {whose}{open} ORDER BY id LIMIT {SHOWN_MAX}");
    tx.rows(&sql, args).await?.iter().map(file).collect()
}

/// What this person has uploaded and not sent: for a request, or (`None`) in a form.
pub async fn loose(tx: &mut Tx, scope: OrgScope, person: PersonId, request: Option<RequestId>) -> Result<Vec<File>, Error> {
    let mut args = args![person.0, request.map_or(0, |request| request.0)];
    let whose = scope.condition("org", &mut args);
    let sql =
        format!("SELECT {COLUMNS} FROM request_file WHERE person = $1 AND request = $2 AND event = 0 AND {whose} ORDER BY id LIMIT 100");
    tx.rows(&sql, args).await?.iter().map(file).collect()
}

/// The whole of a file. The caller has checked that it is in its scope.
pub async fn octets(tx: &mut Tx, id: FileId) -> Result<Vec<u8>, Error> {
    let mut whole = Vec::new();
    // One piece at a time keeps a statement's answer small.
    loop {
        let row = tx.row("SELECT octets FROM request_piece WHERE file = $1 AND at = $2", args![id.0, whole.len()]).await?;
        match row {
            Some(row) if !row.blob(0)?.is_empty() => whole.extend_from_slice(&row.blob(0)?),
            _ => return Ok(whole),
        }
    }
}

/// Forgets uploads that were never sent, of everybody; returns how many.
pub async fn forget_loose(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.run("DELETE FROM request_piece WHERE file IN (SELECT id FROM request_file WHERE event = 0 AND made_ms < $1)", args![before_ms])
        .await?;
    tx.run("DELETE FROM request_file WHERE event = 0 AND made_ms < $1", args![before_ms]).await
}

fn file(row: &Row) -> Result<File, Error> {
    Ok(File {
        id: FileId(row.int(0)?),
        org: OrgId(row.int(1)?),
        request: Some(RequestId(row.int(2)?)).filter(|request| request.0 != 0),
        event: Some(RequestEventId(row.int(3)?)).filter(|event| event.0 != 0),
        person: PersonId(row.int(4)?),
        is_evidence: row.text(5)? == "evidence",
        name: row.text(6)?.into(),
        media: row.text(7)?.into(),
        octets: row.int(8)?,
        received: row.int(9)?,
        digest: row.text(10)?.into(),
        state: FileState::parse(row.text(11)?).unwrap_or(FileState::Refused),
        found: row.text(12)?.into(),
        is_internal: row.int(13)? != 0,
        source: row.text(14)?.into(),
        source_id: row.text(15)?.into(),
        made_ms: row.int(16)?,
    })
}
