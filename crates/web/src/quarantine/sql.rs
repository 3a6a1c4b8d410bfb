//! Every statement on requests to release.

use gateway::scope::OrgScope;
use mail::{MailId, OrgId, PersonId};
use store::{Error, Row, Tx, args};

/// Requests shown at once.
const LIST_MAX: usize = 200;

/// One request to release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub id: i64,
    pub org: OrgId,
    pub mail: MailId,
    /// Which recipient; `None`: all that are held.
    pub n: Option<i64>,
    pub person: PersonId,
    pub who: String,
    pub reason: String,
    pub until_ms: i64,
    /// "open", "approved" or "denied".
    pub state: String,
    pub decided_by: String,
    pub answer: String,
    /// Malware: the first of the two who may release it; 0 when nobody of them agreed yet.
    pub first_person: PersonId,
    pub first_who: String,
}

impl Request {
    pub fn is_open(&self, now_ms: i64) -> bool {
        self.state == "open" && self.until_ms > now_ms
    }

    /// Whether this person is the first of the two already.
    pub fn is_first(&self, person: &crate::people::Person) -> bool {
        self.first_person.0 != 0 && (self.first_person == person.id || self.first_who.eq_ignore_ascii_case(&person.email))
    }
}

const COLUMNS: &str = "id, org, mail, n, person, who, reason, until_ms, state, decided_by, answer, first_person, first_who";

pub async fn insert(tx: &mut Tx, request: &Request) -> Result<(), Error> {
    tx.run(
        "INSERT INTO release_request (id, org, mail, n, person, who, reason, until_ms, state, decided_by, answer, first_person, first_who) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', '', '', $9, $10)",
        args![
            request.id,
            request.org.0,
            request.mail.0,
            request.n.unwrap_or(-1),
            request.person.0,
            request.who.as_str(),
            request.reason.as_str(),
            request.until_ms,
            request.first_person.0,
            request.first_who.as_str()
        ],
    )
    .await
    .map(|_| ())
}

/// Open requests that somebody can still agree to, oldest first.
pub async fn open(tx: &mut Tx, scope: OrgScope, now_ms: i64) -> Result<Vec<Request>, Error> {
    let mut args = args![now_ms];
    let whose = scope.condition("org", &mut args);
    let sql =
        format!("SELECT {COLUMNS} FROM release_request WHERE state = 'open' AND until_ms > $1 AND {whose} ORDER BY id LIMIT {LIST_MAX}");
    tx.rows(&sql, args).await?.iter().map(request).collect()
}

/// Requests about one mail, newest first.
pub async fn of_mail(tx: &mut Tx, scope: OrgScope, mail: MailId) -> Result<Vec<Request>, Error> {
    let mut args = args![mail.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT {COLUMNS} FROM release_request WHERE mail = $1 AND {whose} ORDER BY id DESC LIMIT {LIST_MAX}");
    tx.rows(&sql, args).await?.iter().map(request).collect()
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: i64) -> Result<Option<Request>, Error> {
    let mut args = args![id];
    let whose = scope.condition("org", &mut args);
    tx.row(&format!("SELECT {COLUMNS} FROM release_request WHERE id = $1 AND {whose}"), args).await?.as_ref().map(request).transpose()
}

/// Somebody agrees as the first of two; false when somebody else did, or its time is over.
pub async fn agree_first(tx: &mut Tx, id: i64, (person, who): (PersonId, &str), now_ms: i64) -> Result<bool, Error> {
    let changed = tx
        .run(
            "UPDATE release_request SET first_person = $1, first_who = $2 WHERE id = $3 AND state = 'open' AND until_ms > $4 AND first_person = 0",
            args![person.0, who, id, now_ms],
        )
        .await?;
    Ok(changed == 1)
}

/// Decides an open request; false when somebody else did, or its time is over.
pub async fn decide(tx: &mut Tx, id: i64, state: &str, by: (&str, &str), now_ms: i64) -> Result<bool, Error> {
    let (who, answer) = by;
    let changed = tx
        .run(
            "UPDATE release_request SET state = $1, decided_by = $2, answer = $3, decided_ms = $4 WHERE id = $5 AND state = 'open' AND until_ms > $4",
            args![state, who, answer, now_ms, id],
        )
        .await?;
    Ok(changed == 1)
}

fn request(row: &Row) -> Result<Request, Error> {
    Ok(Request {
        id: row.int(0)?,
        org: OrgId(row.int(1)?),
        mail: MailId(row.int(2)?),
        n: Some(row.int(3)?).filter(|n| *n >= 0),
        person: PersonId(row.int(4)?),
        who: row.text(5)?.into(),
        reason: row.text(6)?.into(),
        until_ms: row.int(7)?,
        state: row.text(8)?.into(),
        decided_by: row.text(9)?.into(),
        answer: row.text(10)?.into(),
        first_person: PersonId(row.int(11)?),
        first_who: row.text(12)?.into(),
    })
}
