//! Every statement on ratings, on people who are named in words, and on requests that were put aside.

use super::model::Request;
use crate::people::sql::escaped;
use gateway::scope::OrgScope;
use mail::id::{RequestEventId, RequestId};
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, args};

/// People with one name before the "@" that are looked at: one is meant, two are nobody.
const NAMESAKES: usize = 2;

/// What somebody thinks of how a request was solved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    pub request: RequestId,
    pub asked_ms: i64,
    /// 1 to 5; `None`: not said yet.
    pub stars: Option<i64>,
    pub words: String,
    pub by_whom: String,
    pub at_ms: i64,
}

fn rating(row: &Row) -> Result<Rating, Error> {
    Ok(Rating {
        request: RequestId(row.int(0)?),
        asked_ms: row.int(1)?,
        stars: Some(row.int(2)?).filter(|stars| *stars != 0),
        words: row.text(3)?.into(),
        by_whom: row.text(4)?.into(),
        at_ms: row.int(5)?,
    })
}

/// Notes that the requester is asked; false when that was done before.
pub async fn ask(tx: &mut Tx, request: &Request, now_ms: i64) -> Result<bool, Error> {
    let sql = "INSERT INTO request_rating (request, org, asked_ms, stars, words, by_whom, at_ms) VALUES ($1, $2, $3, 0, '', '', 0) \
               ON CONFLICT (request) DO NOTHING";
    Ok(tx.run(sql, args![request.id.0, request.org.0, now_ms]).await? == 1)
}

/// Keeps what was said; words that stand there stay when there are no new ones.
pub async fn rate(tx: &mut Tx, request: &Request, (stars, words, who): (i64, &str, &str), now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO request_rating (request, org, asked_ms, stars, words, by_whom, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $3) \
         ON CONFLICT (request) DO UPDATE SET stars = excluded.stars, by_whom = excluded.by_whom, at_ms = excluded.at_ms, \
         words = CASE WHEN excluded.words = '' THEN request_rating.words ELSE excluded.words END",
        args![request.id.0, request.org.0, now_ms, stars, words, who],
    )
    .await
    .map(|_| ())
}

pub async fn rating_of(tx: &mut Tx, scope: OrgScope, request: RequestId) -> Result<Option<Rating>, Error> {
    let mut args = args![request.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT request, asked_ms, stars, words, by_whom, at_ms FROM request_rating WHERE request = $1 AND {whose}");
    tx.row(&sql, args).await?.as_ref().map(rating).transpose()
}

/// How often each number of stars was given to what was asked within a span (Unix milliseconds); 0 is no answer.
pub async fn stars(tx: &mut Tx, scope: OrgScope, (from_ms, until_ms): (i64, i64)) -> Result<Vec<(i64, i64)>, Error> {
    let mut args = args![from_ms, until_ms];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT stars, COUNT(*) FROM request_rating WHERE asked_ms >= $1 AND asked_ms < $2 AND {whose} GROUP BY stars ORDER BY stars"
    );
    tx.rows(&sql, args).await?.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

/// What was said in words within a span, the latest first.
pub async fn opinions(tx: &mut Tx, scope: OrgScope, (from_ms, until_ms): (i64, i64), most: usize) -> Result<Vec<Rating>, Error> {
    let mut args = args![from_ms, until_ms];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT request, asked_ms, stars, words, by_whom, at_ms FROM request_rating WHERE asked_ms >= $1 AND asked_ms < $2 \
         AND words <> '' AND {whose} ORDER BY at_ms DESC, request LIMIT {most}"
    );
    tx.rows(&sql, args).await?.iter().map(rating).collect()
}

/// Addresses of active people of an organisation (`OrgId(0)`: of the service) that begin with `local` and "@".
pub async fn named(tx: &mut Tx, org: OrgId, local: &str) -> Result<Vec<String>, Error> {
    let sql =
        format!("SELECT email FROM person WHERE org = $1 AND is_active = 1 AND email LIKE $2 ESCAPE '!' ORDER BY email LIMIT {NAMESAKES}");
    tx.rows(&sql, args![org.0, format!("{}@%", escaped(local))]).await?.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Notes that somebody is named; false when they are already.
pub async fn mention(
    tx: &mut Tx,
    request: &Request,
    (event, person, who): (RequestEventId, PersonId, &str),
    now_ms: i64,
) -> Result<bool, Error> {
    let added = tx
        .run(
            "INSERT INTO request_mention (event, person, org, request, who, at_ms) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (event, person) DO NOTHING",
            args![event.0, person.0, request.org.0, request.id.0, who, now_ms],
        )
        .await?;
    Ok(added == 1)
}

/// Somewhere a person was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    pub request: RequestId,
    pub title: String,
    pub who: String,
    pub at_ms: i64,
}

/// Where a person was named since, the latest first; nothing of organisations that they do not belong to any more.
pub async fn mentions(tx: &mut Tx, person: PersonId, since_ms: i64, most: usize) -> Result<Vec<Mention>, Error> {
    let sql = format!(
        "SELECT m.request, r.title, m.who, m.at_ms FROM request_mention m JOIN service_request r ON r.id = m.request \
         JOIN person p ON p.id = m.person AND p.is_active = 1 AND p.org IN (m.org, 0) WHERE m.person = $1 AND m.at_ms >= $2 \
         ORDER BY m.at_ms DESC, m.event DESC LIMIT {most}"
    );
    let read = |row: &Row| {
        Ok(Mention { request: RequestId(row.int(0)?), title: row.text(1)?.into(), who: row.text(2)?.into(), at_ms: row.int(3)? })
    };
    tx.rows(&sql, args![person.0, since_ms]).await?.iter().map(read).collect()
}

/// Puts a request aside.
pub async fn snooze(tx: &mut Tx, request: &Request, (person, until_ms): (PersonId, i64), now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO request_snooze (request, org, person, until_ms, set_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (request) \
         DO UPDATE SET person = excluded.person, until_ms = excluded.until_ms, set_ms = excluded.set_ms",
        args![request.id.0, request.org.0, person.0, until_ms, now_ms],
    )
    .await
    .map(|_| ())
}

/// Takes it back into the queue; false when it was there.
pub async fn wake(tx: &mut Tx, request: &Request) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM request_snooze WHERE request = $1 AND org = $2", args![request.id.0, request.org.0]).await? == 1)
}

/// Until when it is aside (Unix milliseconds), if it is.
pub async fn snoozed_until(tx: &mut Tx, request: &Request, now_ms: i64) -> Result<Option<i64>, Error> {
    let sql = "SELECT until_ms FROM request_snooze WHERE request = $1 AND org = $2 AND until_ms > $3";
    tx.row(sql, args![request.id.0, request.org.0, now_ms]).await?.map(|row| row.int(0)).transpose()
}

/// Requests that an engineer put aside and whose moment came since, with their titles.
pub async fn woken(
    tx: &mut Tx,
    person: PersonId,
    (since_ms, now_ms): (i64, i64),
    most: usize,
) -> Result<Vec<(RequestId, String, i64)>, Error> {
    let sql = format!(
        "SELECT s.request, r.title, s.until_ms FROM request_snooze s JOIN service_request r ON r.id = s.request \
         WHERE s.person = $1 AND s.until_ms >= $2 AND s.until_ms <= $3 AND r.state NOT IN ('resolved', 'closed') \
         ORDER BY s.until_ms DESC LIMIT {most}"
    );
    let read = |row: &Row| Ok((RequestId(row.int(0)?), row.text(1)?.to_string(), row.int(2)?));
    tx.rows(&sql, args![person.0, since_ms, now_ms]).await?.iter().map(read).collect()
}
