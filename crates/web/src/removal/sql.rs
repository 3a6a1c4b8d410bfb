//! Every statement of removals.

use super::{Cause, CopyState, State};
use gateway::scope::OrgScope;
use mail::id::RemovalId;
use mail::{MailId, OrgId};
use store::{Error, Row, Tx, Value, args};

/// The condition of the index `removal_copy_due`, which is only used where it stands.
const IS_DUE: &str = "state IN ('waiting', 'returning')";
/// Copies of one removal that are read.
pub const COPIES_MAX: usize = 10_000;

/// One removal as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    pub id: RemovalId,
    pub org: OrgId,
    pub state: State,
    pub cause: Cause,
    pub class: String,
    pub note: String,
    /// '' is Gatepost itself.
    pub who: String,
    /// Why a person is asked; '' when nobody is.
    pub asks_why: String,
    pub copies: i64,
    pub decided_by: String,
    pub decided_ms: i64,
}

impl Removal {
    pub fn at_ms(&self) -> i64 {
        gateway::trace::time_of(MailId(self.id.0))
    }
}

/// One copy as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    pub removal: RemovalId,
    pub mail: MailId,
    pub n: i64,
    pub org: OrgId,
    pub address: String,
    pub connector: String,
    pub is_dangerous: bool,
    pub state: CopyState,
    pub tries: i64,
    pub next_ms: i64,
    /// JSON of [`gateway::mailbox::Place`]; '' until it was moved.
    pub place: String,
    pub said: String,
    pub at_ms: i64,
    pub subject: String,
    pub sender: String,
    pub message_id: String,
}

const REMOVAL: &str = "id, org, state, cause, class, note, who, asks_why, copies, decided_by, decided_ms";
const COPY: &str = "c.removal, c.mail, c.n, c.org, c.address, c.connector, c.dangerous, c.state, c.tries, c.next_ms, c.place, c.said, \
                    c.at_ms, m.subject, m.sender, m.message_id FROM removal_copy c JOIN mail m ON m.id = c.mail";

fn removal(row: &Row) -> Result<Removal, Error> {
    let wrong = |what: &str| Error::Shape(format!("a removal has a {what} that is not known"));
    Ok(Removal {
        id: RemovalId(row.int(0)?),
        org: OrgId(row.int(1)?),
        state: State::parse(row.text(2)?).ok_or_else(|| wrong("state"))?,
        cause: Cause::parse(row.text(3)?).ok_or_else(|| wrong("cause"))?,
        class: row.text(4)?.into(),
        note: row.text(5)?.into(),
        who: row.text(6)?.into(),
        asks_why: row.text(7)?.into(),
        copies: row.int(8)?,
        decided_by: row.text(9)?.into(),
        decided_ms: row.int(10)?,
    })
}

fn copy(row: &Row) -> Result<Copy, Error> {
    let state = CopyState::parse(row.text(7)?).ok_or_else(|| Error::Shape("a copy has a state that is not known".into()))?;
    Ok(Copy {
        removal: RemovalId(row.int(0)?),
        mail: MailId(row.int(1)?),
        n: row.int(2)?,
        org: OrgId(row.int(3)?),
        address: row.text(4)?.into(),
        connector: row.text(5)?.into(),
        is_dangerous: row.int(6)? != 0,
        state,
        tries: row.int(8)?,
        next_ms: row.int(9)?,
        place: row.text(10)?.into(),
        said: row.text(11)?.into(),
        at_ms: row.int(12)?,
        subject: row.text(13)?.into(),
        sender: row.text(14)?.into(),
        message_id: row.text(15)?.into(),
    })
}

/// A copy that was delivered and that no removal concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    pub mail: MailId,
    pub n: i64,
    pub org: OrgId,
    pub address: String,
    pub connector: String,
}

/// What was delivered of a mail, and is in no removal that goes on or has taken it.
pub async fn delivered(tx: &mut Tx, scope: OrgScope, mail: MailId) -> Result<Vec<Delivered>, Error> {
    let mut args = args![mail.0];
    let whose = scope.condition("r.org", &mut args);
    let sql = format!(
        "SELECT r.mail, r.n, r.org, r.address, r.route FROM recipient r WHERE r.mail = $1 AND {whose} AND r.state = 'delivered' \
         AND NOT EXISTS (SELECT 1 FROM removal_copy c WHERE c.mail = r.mail AND c.n = r.n \
         AND c.state IN ('listed', 'waiting', 'removed', 'returning')) ORDER BY r.n LIMIT {COPIES_MAX}"
    );
    let read = |row: &Row| {
        let (address, connector) = (row.text(3)?.to_string(), row.text(4)?.to_string());
        Ok(Delivered { mail: MailId(row.int(0)?), n: row.int(1)?, org: OrgId(row.int(2)?), address, connector })
    };
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

/// Recipients of an organisation that were delivered since a mail; counts up to `most`.
pub async fn delivered_since(tx: &mut Tx, org: OrgId, since: MailId, most: usize) -> Result<usize, Error> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM mail m JOIN recipient r ON r.mail = m.id WHERE m.org = $1 AND m.id >= $2 \
               AND r.state = 'delivered' LIMIT $3) AS found";
    let row = tx.row(sql, args![org.0, since.0, most]).await?;
    row.map_or(Ok(0), |row| Ok(usize::try_from(row.int(0)?).unwrap_or(0)))
}

pub async fn insert(tx: &mut Tx, one: &Removal) -> Result<(), Error> {
    let sql = "INSERT INTO removal (id, org, state, cause, class, note, who, asks_why, copies, decided_by, decided_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let values = args![
        one.id.0,
        one.org.0,
        one.state.name(),
        one.cause.name(),
        &one.class,
        &one.note,
        &one.who,
        &one.asks_why,
        one.copies,
        &one.decided_by,
        one.decided_ms
    ];
    tx.run(sql, values).await.map(drop)
}

/// `is_dangerous`: the folder it goes into. `now_ms` is when it is first tried, if it is not only listed.
pub async fn insert_copy(tx: &mut Tx, removal: RemovalId, one: &Delivered, state: CopyState, how: (bool, i64)) -> Result<(), Error> {
    let (is_dangerous, now_ms) = how;
    let sql = "INSERT INTO removal_copy (removal, mail, n, org, address, connector, dangerous, state, tries, next_ms, place, said, at_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, '', '', $9)";
    let values =
        args![removal.0, one.mail.0, one.n, one.org.0, &one.address, &one.connector, i64::from(is_dangerous), state.name(), now_ms];
    tx.run(sql, values).await.map(drop)
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: RemovalId) -> Result<Option<Removal>, Error> {
    let mut args = args![id.0];
    let whose = scope.condition("org", &mut args);
    tx.row(&format!("SELECT {REMOVAL} FROM removal WHERE id = $1 AND {whose}"), args).await?.as_ref().map(removal).transpose()
}

/// Newest first, those before `before`.
pub async fn list(tx: &mut Tx, scope: OrgScope, state: Option<State>, before: RemovalId, limit: usize) -> Result<Vec<Removal>, Error> {
    let mut args = args![before.0];
    let whose = scope.condition("org", &mut args);
    let mut sql = format!("SELECT {REMOVAL} FROM removal WHERE id < $1 AND {whose}");
    if let Some(state) = state {
        args.push(state.name().into());
        sql += &format!(" AND state = ${}", args.len());
    }
    sql += &format!(" ORDER BY id DESC LIMIT {limit}");
    tx.rows(&sql, args).await?.iter().map(removal).collect()
}

/// Removals that wait for a person, newest first; the condition is that of the index `removal_asks`.
pub async fn asking(tx: &mut Tx, scope: OrgScope, limit: usize) -> Result<Vec<Removal>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT {REMOVAL} FROM removal WHERE state = 'asks' AND {whose} ORDER BY id DESC LIMIT {limit}");
    tx.rows(&sql, args).await?.iter().map(removal).collect()
}

/// Copies of a removal by state.
pub async fn counts(tx: &mut Tx, ids: &[RemovalId]) -> Result<Vec<(RemovalId, CopyState, i64)>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let sql =
        format!("SELECT removal, state, count(*) FROM removal_copy WHERE removal IN ({}) GROUP BY removal, state", numbers.join(", "));
    let rows = tx.rows(&sql, ids.iter().map(|id| Value::Int(id.0)).collect()).await?;
    let read =
        |row: &Row| Ok(CopyState::parse(row.text(1)?).map(|state| (RemovalId(row.int(0).unwrap_or(0)), state, row.int(2).unwrap_or(0))));
    rows.iter().filter_map(|row| read(row).transpose()).collect()
}

/// Copies of a removal; the caller has checked whose it is.
pub async fn copies(tx: &mut Tx, id: RemovalId) -> Result<Vec<Copy>, Error> {
    let sql = format!("SELECT {COPY} WHERE c.removal = $1 ORDER BY c.mail, c.n LIMIT {COPIES_MAX}");
    tx.rows(&sql, args![id.0]).await?.iter().map(copy).collect()
}

/// Copies of a mail in all removals of the scope, latest removal first.
pub async fn copies_of(tx: &mut Tx, scope: OrgScope, mail: MailId) -> Result<Vec<Copy>, Error> {
    let mut args = args![mail.0];
    let whose = scope.condition("c.org", &mut args);
    let sql = format!("SELECT {COPY} WHERE c.mail = $1 AND {whose} ORDER BY c.removal DESC, c.n LIMIT {COPIES_MAX}");
    tx.rows(&sql, args).await?.iter().map(copy).collect()
}

/// From one state to another, all copies of a removal; returns how many.
pub async fn turn(tx: &mut Tx, id: RemovalId, (from, to): (CopyState, CopyState), now_ms: i64) -> Result<u64, Error> {
    let sql = "UPDATE removal_copy SET state = $1, next_ms = $2, at_ms = $2, tries = 0, said = '' WHERE removal = $3 AND state = $4";
    tx.run(sql, args![to.name(), now_ms, id.0, from.name()]).await
}

/// What waits for its first attempt is not taken any more.
pub async fn withdraw(tx: &mut Tx, id: RemovalId, now_ms: i64) -> Result<u64, Error> {
    let sql = "UPDATE removal_copy SET state = 'refused', at_ms = $1 WHERE removal = $2 AND state = 'waiting' AND tries = 0";
    let untouched = tx.run(sql, args![now_ms, id.0]).await?;
    // What was begun may have been moved by now: it is looked for once its attempt is over (`next_ms` stays).
    let sql = "UPDATE removal_copy SET state = 'returning', at_ms = $1 WHERE removal = $2 AND state = 'waiting'";
    Ok(untouched + tx.run(sql, args![now_ms, id.0]).await?)
}

/// The same for the copies of one mail, in every removal.
pub async fn withdraw_mail(tx: &mut Tx, scope: OrgScope, mail: MailId, now_ms: i64) -> Result<Vec<(OrgId, RemovalId)>, Error> {
    let mut args = args![now_ms, mail.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "UPDATE removal_copy SET state = CASE WHEN state IN ('listed', 'waiting') AND tries = 0 THEN 'refused' ELSE 'returning' END, \
         next_ms = CASE WHEN state = 'removed' THEN $1 ELSE next_ms END, tries = 0, at_ms = $1 \
         WHERE mail = $2 AND {whose} AND state IN ('listed', 'waiting', 'removed') RETURNING org, removal"
    );
    tx.rows(&sql, args).await?.iter().map(|row| Ok((OrgId(row.int(0)?), RemovalId(row.int(1)?)))).collect()
}

pub async fn decide(tx: &mut Tx, id: RemovalId, (from, to): (State, State), who: &str, now_ms: i64) -> Result<bool, Error> {
    let sql = "UPDATE removal SET state = $1, decided_by = $2, decided_ms = $3 WHERE id = $4 AND state = $5";
    Ok(tx.run(sql, args![to.name(), who, now_ms, id.0, from.name()]).await? > 0)
}

/// Who decided last.
pub async fn note_decision(tx: &mut Tx, id: RemovalId, who: &str, now_ms: i64) -> Result<(), Error> {
    tx.run("UPDATE removal SET decided_by = $1, decided_ms = $2 WHERE id = $3", args![who, now_ms, id.0]).await.map(drop)
}

/// Takes copies that are due until `until_ms`, as if tried once more. Who takes a row moves `next_ms` to the end of its lease.
pub async fn claim(tx: &mut Tx, now_ms: i64, until_ms: i64, rows_max: usize) -> Result<Vec<(RemovalId, MailId, i64)>, Error> {
    let sql = format!(
        "UPDATE removal_copy SET next_ms = $1, tries = tries + 1 WHERE (removal, mail, n) IN (SELECT removal, mail, n FROM removal_copy \
         WHERE {IS_DUE} AND next_ms <= $2 ORDER BY next_ms LIMIT $3{}) RETURNING removal, mail, n",
        tx.skip_locked()
    );
    let rows = tx.rows(&sql, args![until_ms, now_ms, rows_max]).await?;
    rows.iter().map(|row| Ok((RemovalId(row.int(0)?), MailId(row.int(1)?), row.int(2)?))).collect()
}

pub async fn is_any_due(tx: &mut Tx, now_ms: i64) -> Result<bool, Error> {
    let sql = format!("SELECT n FROM removal_copy WHERE {IS_DUE} AND next_ms <= $1 LIMIT 1");
    Ok(tx.row(&sql, args![now_ms]).await?.is_some())
}

pub async fn some(tx: &mut Tx, which: &[(RemovalId, MailId, i64)]) -> Result<Vec<Copy>, Error> {
    let mut found = Vec::with_capacity(which.len());
    for (removal, mail, n) in which {
        let sql = format!("SELECT {COPY} WHERE c.removal = $1 AND c.mail = $2 AND c.n = $3");
        found.extend(tx.row(&sql, args![removal.0, mail.0, *n]).await?.as_ref().map(copy).transpose()?);
    }
    Ok(found)
}

/// How an attempt ended: the state it comes into from that it was in; false when somebody else was first.
pub async fn settle(tx: &mut Tx, one: &Copy, to: CopyState, (place, said): (&str, &str), now_ms: i64) -> Result<bool, Error> {
    let sql =
        "UPDATE removal_copy SET state = $1, place = $2, said = $3, at_ms = $4 WHERE removal = $5 AND mail = $6 AND n = $7 AND state = $8";
    let values = args![to.name(), place, said, now_ms, one.removal.0, one.mail.0, one.n, one.state.name()];
    Ok(tx.run(sql, values).await? > 0)
}

/// Not this time.
pub async fn put_off(tx: &mut Tx, one: &Copy, said: &str, next_ms: i64) -> Result<(), Error> {
    let sql = "UPDATE removal_copy SET said = $1, next_ms = $2 WHERE removal = $3 AND mail = $4 AND n = $5 AND state = $6";
    tx.run(sql, args![said, next_ms, one.removal.0, one.mail.0, one.n, one.state.name()]).await.map(drop)
}

/// Keeps where a copy lies although somebody wants it back meanwhile.
pub async fn keep_place(tx: &mut Tx, one: &Copy, place: &str) -> Result<(), Error> {
    let sql = "UPDATE removal_copy SET place = $1 WHERE removal = $2 AND mail = $3 AND n = $4";
    tx.run(sql, args![place, one.removal.0, one.mail.0, one.n]).await.map(drop)
}

/// Forgets removals from before an identifier; those that still wait stay.
pub async fn forget_before(tx: &mut Tx, before: RemovalId, rows_max: usize) -> Result<u64, Error> {
    let sql = format!(
        "SELECT id FROM removal WHERE id < $1 AND NOT EXISTS (SELECT 1 FROM removal_copy c WHERE c.removal = removal.id AND c.{IS_DUE}) \
         ORDER BY id LIMIT $2"
    );
    let ids = tx.rows(&sql, args![before.0, rows_max]).await?;
    for row in &ids {
        let id = row.int(0)?;
        tx.run("DELETE FROM removal_copy WHERE removal = $1", args![id]).await?;
        tx.run("DELETE FROM removal WHERE id = $1", args![id]).await?;
    }
    Ok(ids.len() as u64)
}

/// Takes or renews the lease of the watch; false when another server has it.
pub async fn take_lease(tx: &mut Tx, holder: i64, now_ms: i64, lease_ms: i64) -> Result<bool, Error> {
    let sql = "INSERT INTO removal_lease (one, holder, until_ms) VALUES (1, $1, $2) ON CONFLICT (one) DO UPDATE \
               SET holder = excluded.holder, until_ms = excluded.until_ms WHERE removal_lease.holder = excluded.holder OR removal_lease.until_ms < $3";
    Ok(tx.run(sql, args![holder, now_ms + lease_ms, now_ms]).await? > 0)
}

/// How far a watch has come; `None`: it never looked.
pub async fn upto(tx: &mut Tx, org: OrgId, what: &str) -> Result<Option<i64>, Error> {
    let row = tx.row("SELECT upto FROM removal_watch WHERE org = $1 AND what = $2", args![org.0, what]).await?;
    row.map(|row| row.int(0)).transpose()
}

pub async fn put_upto(tx: &mut Tx, org: OrgId, what: &str, upto: i64) -> Result<(), Error> {
    let sql = "INSERT INTO removal_watch (org, what, upto) VALUES ($1, $2, $3) ON CONFLICT (org, what) DO UPDATE SET upto = excluded.upto";
    tx.run(sql, args![org.0, what, upto]).await.map(drop)
}

/// Addresses that mail was delivered to by a connector since a mail, in their order, so many after the first ones.
pub async fn addresses(
    tx: &mut Tx,
    org: OrgId,
    connector: &str,
    since: MailId,
    (skip, rows_max): (usize, usize),
) -> Result<Vec<String>, Error> {
    let sql = "SELECT DISTINCT r.address FROM mail m JOIN recipient r ON r.mail = m.id WHERE m.org = $1 AND m.id >= $2 AND r.route = $3 \
               AND r.state = 'delivered' ORDER BY r.address LIMIT $4 OFFSET $5";
    let rows = tx.rows(sql, args![org.0, since.0, connector, rows_max, skip]).await?;
    rows.iter().map(|row| Ok(row.text(0)?.to_string())).collect()
}

/// Inbound mails of an organisation after one and before another, oldest first: `(mail, receipt)`.
pub async fn inbound(tx: &mut Tx, org: OrgId, span: (MailId, MailId), rows_max: usize) -> Result<Vec<(MailId, String)>, Error> {
    let sql = "SELECT id, receipt FROM mail WHERE org = $1 AND id > $2 AND id < $3 AND direction = 'inbound' ORDER BY id LIMIT $4";
    let rows = tx.rows(sql, args![org.0, span.0.0, span.1.0, rows_max]).await?;
    rows.iter().map(|row| Ok((MailId(row.int(0)?), row.text(1)?.to_string()))).collect()
}

/// What people said of one mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    pub mail: MailId,
    /// Different people who called it unwanted, and those among them who called it phishing.
    pub people: i64,
    pub phish: i64,
    /// The last of their reports.
    pub last: i64,
}

/// Mails received since that somebody called unwanted after the report `after`.
pub async fn reported(tx: &mut Tx, org: OrgId, (since, after): (MailId, i64), rows_max: usize) -> Result<Vec<Reported>, Error> {
    let sql = "SELECT mail, count(DISTINCT reporter), count(DISTINCT CASE WHEN label = 'phish' THEN reporter END), max(id) FROM report \
               WHERE org = $1 AND id >= $2 AND mail >= $2 AND label IN ('spam', 'phish') GROUP BY mail HAVING max(id) > $3 ORDER BY 4 LIMIT $4";
    let rows = tx.rows(sql, args![org.0, since.0, after, rows_max]).await?;
    rows.iter().map(|row| Ok(Reported { mail: MailId(row.int(0)?), people: row.int(1)?, phish: row.int(2)?, last: row.int(3)? })).collect()
}

/// Addresses for which a person wanted a mail to be where it is: released it, put it back, or decided against its removal.
pub async fn spared(tx: &mut Tx, mail: MailId) -> Result<Vec<String>, Error> {
    let sql = "SELECT address FROM removal_copy WHERE mail = $1 AND state IN ('refused', 'returning', 'returned') \
               UNION SELECT recipient FROM event WHERE mail = $1 AND kind = 'released'";
    tx.rows(sql, args![mail.0]).await?.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Mails of an organisation that are the same as this one: same envelope sender and subject, received since.
pub async fn alike(tx: &mut Tx, org: OrgId, mail: MailId, since: MailId, rows_max: usize) -> Result<Vec<MailId>, Error> {
    let sql = "SELECT o.id FROM mail m JOIN mail o ON o.org = m.org AND o.sender = m.sender AND o.subject = m.subject \
               WHERE m.id = $1 AND m.org = $2 AND m.sender <> '' AND m.subject <> '' AND o.id >= $3 ORDER BY o.id LIMIT $4";
    tx.rows(sql, args![mail.0, org.0, since.0, rows_max]).await?.iter().map(|row| row.int(0).map(MailId)).collect()
}
