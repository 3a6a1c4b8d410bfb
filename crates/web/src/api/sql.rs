//! Every statement on answers that are kept for requests sent twice.

use bytes::Bytes;
use mail::PersonId;
use store::{Error, Tx, args};

/// Answers of one person that are kept; the oldest go first.
const KEPT_MAX: usize = 1_000;
/// Status of a row whose request has not ended.
const BEGUN: i64 = 0;
/// Status of a row whose answer is not kept.
const UNKEPT: i64 = 1;

/// One request: who sent it under which key, and the digest of what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub person: PersonId,
    pub key: String,
    pub digest: String,
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub status: u16,
    pub media_type: String,
    pub location: String,
    pub body: Bytes,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// Nobody used it: it is ours now, do the work.
    Fresh,
    /// It was used for something else.
    Other,
    /// The same request is being done, or never ended.
    Begun,
    /// It was done; what was answered is not kept.
    Unkept,
    Done(Kept),
}

/// Takes the key for this request, or says what it was used for since `since_ms`.
pub(super) async fn begin(tx: &mut Tx, sent: &Sent, now_ms: i64, since_ms: i64) -> Result<Known, Error> {
    tx.run("DELETE FROM kept_answer WHERE made_ms < $1", args![since_ms]).await?;
    let taken = tx
        .run(
            "INSERT INTO kept_answer (person, name, digest, made_ms, status, media_type, location, body) \
             VALUES ($1, $2, $3, $4, $5, '', '', $6) ON CONFLICT (person, name) DO NOTHING",
            args![sent.person.0, &sent.key, &sent.digest, now_ms, BEGUN, Bytes::new()],
        )
        .await?;
    if taken == 1 {
        trim(tx, sent.person).await?;
        return Ok(Known::Fresh);
    }
    let found = tx
        .row(
            "SELECT digest, status, media_type, location, body FROM kept_answer WHERE person = $1 AND name = $2",
            args![sent.person.0, &sent.key],
        )
        .await?;
    let Some(row) = found else { return Ok(Known::Begun) }; // ended badly between the two statements
    if row.text(0)? != sent.digest {
        return Ok(Known::Other);
    }
    Ok(match row.int(1)? {
        BEGUN => Known::Begun,
        UNKEPT => Known::Unkept,
        status => Known::Done(Kept {
            status: u16::try_from(status).map_err(|_| Error::Shape(format!("{status} is no status")))?,
            media_type: row.text(2)?.to_string(),
            location: row.text(3)?.to_string(),
            body: row.blob(4)?,
        }),
    })
}

async fn trim(tx: &mut Tx, person: PersonId) -> Result<(), Error> {
    tx.run(
        "DELETE FROM kept_answer WHERE person = $1 AND name NOT IN \
         (SELECT name FROM kept_answer WHERE person = $1 ORDER BY made_ms DESC, name LIMIT $2)",
        args![person.0, KEPT_MAX],
    )
    .await
    .map(drop)
}

/// The request was done; `None` keeps no answer.
pub(super) async fn finish(tx: &mut Tx, sent: &Sent, kept: Option<&Kept>) -> Result<(), Error> {
    let none = Kept { status: 0, media_type: String::new(), location: String::new(), body: Bytes::new() };
    let (status, kept) = kept.map_or((UNKEPT, &none), |kept| (i64::from(kept.status), kept));
    tx.run(
        "UPDATE kept_answer SET status = $1, media_type = $2, location = $3, body = $4 WHERE person = $5 AND name = $6",
        args![status, &kept.media_type, &kept.location, &kept.body, sent.person.0, &sent.key],
    )
    .await
    .map(drop)
}

/// Nothing was done: the key is free again.
pub(super) async fn forget(tx: &mut Tx, sent: &Sent) -> Result<(), Error> {
    tx.run("DELETE FROM kept_answer WHERE person = $1 AND name = $2", args![sent.person.0, &sent.key]).await.map(drop)
}
