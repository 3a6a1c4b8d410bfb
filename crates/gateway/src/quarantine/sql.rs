//! Every statement of the quarantine. A row counts only while its state is `held`; each change says so again.

use super::api::HeldBody;
use super::show::Held;
use crate::scope::OrgScope;
use crate::trace;
use crate::trace::pace::Pace;
use crate::trace::sql::IS_REST;
use crate::trace::sql::search::containing;
use mail::{MailId, OrgId};
use std::time::Duration;
use store::{Error, Row, Tx, Value, args};

/// Rows of one list.
const LIMIT_MAX: usize = 1_000;

/// What to list; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub recipient: Option<String>,
    pub sender: Option<String>,
    pub verdict: Option<String>,
    /// Part of the subject, in any case.
    pub subject: Option<String>,
    /// Received at or after, and before: Unix milliseconds.
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
    /// Go on after this row of an earlier list.
    pub after: Option<Cursor>,
    /// 0 is the most there can be.
    pub limit: usize,
    /// How long to look for a sender, a verdict or a word of the subject; some are always looked through.
    pub within: Duration,
}

/// A place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub mail: MailId,
    pub n: i64,
}

/// What a decision needs of a held row.
pub(super) struct HeldRow {
    pub mail: MailId,
    pub n: i64,
    pub org: i64,
    pub address: String,
    pub edits: String,
    pub verdict: String,
}

const LISTED: &str = "SELECT r.mail, r.n, r.org, r.next_ms, m.sender, r.address, r.original, m.subject, m.message_id, m.peer_ip, \
                      m.verdict, m.octets FROM recipient r JOIN mail m ON m.id = r.mail";

/// Whose and since when, down to `end` if there is one, in the words of an index of its own; values are bound. There is one bound on
/// each side: of two, SQLite walks the index from or to the first.
fn place(scope: OrgScope, filter: &Filter, end: Option<Cursor>) -> (String, Vec<Value>) {
    let first = end.map_or_else(|| trace::first_id_at(filter.since_ms.unwrap_or(0)), |end| end.mail);
    let last = Cursor { mail: filter.until_ms.map_or(MailId(i64::MAX), |until_ms| MailId(trace::first_id_at(until_ms).0 - 1)), n: -1 };
    let last = filter.after.filter(|after| after.mail <= last.mail).unwrap_or(last);
    let mut args = args![first.0, last.mail.0, last.n];
    let mut conditions = format!(
        "{IS_REST} AND r.state = 'held' AND r.mail >= $1 AND r.mail <= $2 AND (r.mail < $2 OR r.n > $3) AND {}",
        scope.condition("r.org", &mut args)
    );
    if let Some(end) = end {
        args.push(end.n.into());
        conditions += &format!(" AND (r.mail > $1 OR r.n <= ${})", args.len());
    }
    if let Some(recipient) = &filter.recipient {
        args.push(recipient.as_str().into());
        conditions += &format!(" AND r.address = ${}", args.len());
    }
    (conditions, args)
}

/// The condition of a filter, behind that of its place; a word of the subject only as far as the database can tell.
fn conditions(scope: OrgScope, filter: &Filter, end: Option<Cursor>) -> (String, Vec<Value>) {
    let (mut conditions, mut args) = place(scope, filter, end);
    for (column, wanted) in [("m.sender", &filter.sender), ("m.verdict", &filter.verdict)] {
        if let Some(wanted) = wanted {
            args.push(wanted.as_str().into());
            conditions += &format!(" AND {column} = ${}", args.len());
        }
    }
    if let Some(pattern) = filter.subject.as_deref().and_then(containing) {
        args.push(pattern.into());
        conditions += &format!(" AND lower(m.subject) LIKE ${} ESCAPE '!'", args.len());
    }
    (conditions, args)
}

/// The last row of the next `rows`, if there are as many.
async fn window_end(tx: &mut Tx, scope: OrgScope, filter: &Filter, rows: usize) -> Result<Option<Cursor>, Error> {
    let (place, args) = place(scope, filter, None);
    let sql = format!("SELECT r.mail, r.n FROM recipient r WHERE {place} ORDER BY r.mail DESC, r.n LIMIT 1 OFFSET {}", rows - 1);
    tx.row(&sql, args).await?.map(|row| Ok(Cursor { mail: MailId(row.int(0)?), n: row.int(1)? })).transpose()
}

/// Held rows, newest first, and where to go on: behind the last one, or where the time was over.
pub(super) async fn list(tx: &mut Tx, scope: OrgScope, filter: &Filter) -> Result<(Vec<HeldBody>, Option<Cursor>), Error> {
    let limit = if filter.limit == 0 { LIMIT_MAX } else { filter.limit.min(LIMIT_MAX) };
    let is_picky = filter.sender.is_some() || filter.verdict.is_some() || filter.subject.is_some();
    let subject = filter.subject.as_ref().map(|subject| subject.to_lowercase());
    let (mut found, mut rest, mut pace) = (Vec::<HeldBody>::new(), filter.clone(), Pace::new(filter.within));
    loop {
        let end = if is_picky { window_end(tx, scope, &rest, pace.rows).await? } else { None };
        let (conditions, args) = conditions(scope, &rest, end);
        let read_max = if subject.is_some() { pace.rows } else { limit + 1 };
        let sql = format!("{LISTED} WHERE {conditions} ORDER BY r.mail DESC, r.n LIMIT {read_max}");
        for row in &tx.rows(&sql, args).await? {
            let body = listed(row)?;
            if subject.as_ref().is_some_and(|subject| !body.subject.to_lowercase().contains(subject)) {
                continue;
            }
            if found.len() == limit {
                let next = found.last().map(|last| Cursor { mail: last.mail, n: last.n });
                return Ok((found, next));
            }
            found.push(body);
        }
        pace.step();
        if end.is_none() || pace.is_over() {
            return Ok((found, end));
        }
        rest.after = end;
    }
}

/// Rows counted at most.
pub const COUNT_MAX: usize = 1_000_000;

/// How many rows match from the filter's cursor on; `None` when a word of the subject has to be looked for.
pub(super) async fn count(tx: &mut Tx, scope: OrgScope, filter: &Filter) -> Result<Option<usize>, Error> {
    if filter.subject.is_some() {
        return Ok(None);
    }
    let (conditions, args) = conditions(scope, filter, None);
    let sql = format!(
        "SELECT count(*) FROM (SELECT r.n FROM recipient r JOIN mail m ON m.id = r.mail WHERE {conditions} LIMIT {COUNT_MAX}) AS found"
    );
    let count = tx.row(&sql, args).await?.map(|row| row.int(0)).transpose()?;
    Ok(Some(usize::try_from(count.unwrap_or(0)).unwrap_or(COUNT_MAX)))
}

/// Somebody for whom mail is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub org: OrgId,
    pub address: String,
    /// The newest held for them.
    pub newest: MailId,
}

/// Those for whom mail from before `before` is held, by organisation and address, after `after`. For digests of all organisations.
pub async fn waiting(tx: &mut Tx, before: MailId, after: (OrgId, &str), rows_max: usize) -> Result<Vec<Waiting>, Error> {
    let sql = "SELECT org, address, max(mail) FROM recipient WHERE state = 'held' AND mail < $1 AND (org > $2 OR (org = $2 AND address > $3)) \
               GROUP BY org, address ORDER BY org, address LIMIT $4";
    let rows = tx.rows(sql, args![before.0, after.0.0, after.1, rows_max]).await?;
    rows.iter().map(|row| Ok(Waiting { org: OrgId(row.int(0)?), address: row.text(1)?.into(), newest: MailId(row.int(2)?) })).collect()
}

fn listed(row: &Row) -> Result<HeldBody, Error> {
    let mail = MailId(row.int(0)?);
    Ok(HeldBody {
        mail,
        n: row.int(1)?,
        org: OrgId(row.int(2)?),
        at_ms: trace::time_of(mail),
        until_ms: row.int(3)?,
        sender: row.text(4)?.into(),
        recipient: row.text(5)?.into(),
        original: row.text(6)?.into(),
        subject: row.text(7)?.into(),
        message_id: row.text(8)?.into(),
        peer_ip: row.text(9)?.into(),
        verdict: row.text(10)?.into(),
        octets: row.int(11)?,
    })
}

/// Recipients of one held mail shown at most.
const SHOWN_MAX: usize = 1_000;

/// Rows asked for in one statement.
const ROWS_ASKED: usize = 100;

/// Those of these rows that are held in this scope, in any order.
pub(super) async fn some(tx: &mut Tx, scope: OrgScope, rows: &[(MailId, i64)]) -> Result<Vec<HeldBody>, Error> {
    let mut found = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(ROWS_ASKED) {
        let mut args: Vec<Value> = Vec::with_capacity(chunk.len() * 2 + 1);
        let mut one = |value: i64| {
            args.push(value.into());
            args.len()
        };
        let wanted: Vec<String> = chunk.iter().map(|(mail, n)| format!("(r.mail = ${} AND r.n = ${})", one(mail.0), one(*n))).collect();
        let whose = scope.condition("r.org", &mut args);
        let sql = format!("{LISTED} WHERE ({}) AND r.state = 'held' AND {whose}", wanted.join(" OR "));
        for row in &tx.rows(&sql, args).await? {
            found.push(listed(row)?);
        }
    }
    Ok(found)
}

/// One held mail with its receipt; `None` when nothing of it is held in this scope.
pub(super) async fn held(tx: &mut Tx, scope: OrgScope, mail: MailId) -> Result<Option<Held>, Error> {
    let mut args = args![mail.0];
    let whose = scope.condition("r.org", &mut args);
    let rows =
        tx.rows(&format!("{LISTED} WHERE r.mail = $1 AND r.state = 'held' AND {whose} ORDER BY r.n LIMIT {SHOWN_MAX}"), args).await?;
    let rows = rows.iter().map(listed).collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Ok(None);
    }
    let receipt = trace::receipt_of(tx, scope, mail).await?.unwrap_or_default();
    Ok(Some(Held { rows, receipt }))
}

const DECIDED: &str = "SELECT r.mail, r.n, r.org, r.address, r.edits, m.verdict FROM recipient r JOIN mail m ON m.id = r.mail";

/// Held recipients of one mail: all, or the one with this number.
pub(super) async fn recipients(tx: &mut Tx, scope: OrgScope, mail: MailId, n: Option<i64>) -> Result<Vec<HeldRow>, Error> {
    let mut args = args![mail.0];
    let mut conditions = format!("r.mail = $1 AND r.state = 'held' AND {}", scope.condition("r.org", &mut args));
    if let Some(n) = n {
        args.push(n.into());
        conditions += &format!(" AND r.n = ${}", args.len());
    }
    tx.rows(&format!("{DECIDED} WHERE {conditions} ORDER BY r.n"), args).await?.iter().map(decided).collect()
}

/// Held recipients whose time is over.
pub(super) async fn over(tx: &mut Tx, now_ms: i64, rows_max: usize) -> Result<Vec<HeldRow>, Error> {
    let sql = format!("{DECIDED} WHERE r.state = 'held' AND r.next_ms <= $1 ORDER BY r.next_ms, r.mail, r.n LIMIT $2");
    tx.rows(&sql, args![now_ms, rows_max]).await?.iter().map(decided).collect()
}

fn decided(row: &Row) -> Result<HeldRow, Error> {
    Ok(HeldRow {
        mail: MailId(row.int(0)?),
        n: row.int(1)?,
        org: row.int(2)?,
        address: row.text(3)?.into(),
        edits: row.text(4)?.into(),
        verdict: row.text(5)?.into(),
    })
}

/// From held to queued, due now.
pub(super) async fn to_queue(tx: &mut Tx, row: &HeldRow, edits: String, now_ms: i64) -> Result<(), Error> {
    let sql = "UPDATE recipient SET state = 'queued', edits = $1, next_ms = $2, tries = 0, lease_node = 0, lease_ms = 0 \
               WHERE mail = $3 AND n = $4 AND state = 'held'";
    one(tx.run(sql, args![edits, now_ms, row.mail.0, row.n]).await?)
}

/// From held to an end.
pub(super) async fn end(tx: &mut Tx, row: &HeldRow, state: &'static str, now_ms: i64) -> Result<(), Error> {
    let sql = "UPDATE recipient SET state = $1, settled_ms = $2 WHERE mail = $3 AND n = $4 AND state = 'held'";
    one(tx.run(sql, args![state, now_ms, row.mail.0, row.n]).await?)
}

/// Somebody else decided between our look and our change: neither event nor state may be written twice.
fn one(changed: u64) -> Result<(), Error> {
    if changed == 1 { Ok(()) } else { Err(Error::Busy("somebody else decided about this mail at the same moment".into())) }
}

/// `(place, octets)` of a body.
pub(super) async fn body(tx: &mut Tx, mail: MailId) -> Result<Option<(String, bytes::Bytes)>, Error> {
    let row = tx.row("SELECT place, octets FROM body WHERE mail = $1", args![mail.0]).await?;
    row.map(|row| Ok((row.text(0)?.to_string(), row.blob(1)?))).transpose()
}

/// Drops the body once nobody needs it; the name of its file, if it has one.
pub(super) async fn drop_body(tx: &mut Tx, mail: MailId) -> Result<Option<String>, Error> {
    let sql = "DELETE FROM body WHERE mail = $1 AND NOT EXISTS \
               (SELECT 1 FROM recipient WHERE mail = $1 AND state IN ('queued', 'held')) RETURNING place";
    let row = tx.row(sql, args![mail.0]).await?;
    Ok(row.map(|row| row.text(0).map(str::to_string)).transpose()?.filter(|place| !place.is_empty()))
}
