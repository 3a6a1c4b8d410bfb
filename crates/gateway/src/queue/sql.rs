//! Every statement on queue rows and bodies.
//!
//! A queued row is due when `next_ms` has passed. Who leases a row moves `next_ms` to the end of the lease: so the index on
//! `next_ms` holds exactly what anybody may take, and a row whose node died is due again without anybody doing anything.

use super::{Accepted, BodyPlace, Fate, LEASE_MS, Recipient, lease_node};
use crate::scope::OrgScope;
use mail::{MailId, OrgId};
use store::{Error, Row, Tx, Value, args};

/// One statement with what is bound to it.
pub type Statement = (&'static str, Vec<Value>);

const INSERT_BODY: &str = "INSERT INTO body (mail, place, octets) VALUES ($1, $2, $3)";
const INSERT_RECIPIENT: &str = "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, \
     lease_node, lease_ms, last_reply, settled_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12, '', $13)";

/// The statements that put `accepted` into the queue: its body and one row for each recipient.
pub fn insert(accepted: &Accepted, body: &BodyPlace) -> Result<Vec<Statement>, Error> {
    let mut statements = Vec::with_capacity(accepted.recipients.len() + 1);
    if accepted.needs_body() {
        let (place, octets) = match body {
            BodyPlace::Inline => ("", accepted.octets.clone()),
            BodyPlace::File(name) => (name.as_str(), bytes::Bytes::new()),
        };
        statements.push((INSERT_BODY, args![accepted.id.0, place, octets]));
    }
    for recipient in &accepted.recipients {
        statements.push((INSERT_RECIPIENT, recipient_args(accepted, recipient)?));
    }
    Ok(statements)
}

fn recipient_args(accepted: &Accepted, recipient: &Recipient) -> Result<Vec<Value>, Error> {
    let json = |why: serde_json::Error| Error::Shape(format!("writing a recipient: {why}"));
    let lease_end_ms = accepted.at_ms + LEASE_MS;
    let (state, next_ms, node, lease_ms, settled_ms) = match recipient.fate {
        Fate::Queued => ("queued", lease_end_ms, lease_node(accepted.id), lease_end_ms, None),
        Fate::Held { until_ms } => ("held", until_ms, 0, 0, None),
        Fate::Deleted => ("deleted", 0, 0, 0, Some(accepted.at_ms)),
        // As with a next hop that said 250: from here on another server answers for it.
        Fate::HandedBack { .. } => ("delivered", 0, 0, 0, Some(accepted.at_ms)),
    };
    let edits = serde_json::to_string(&recipient.edits).map_err(json)?;
    let dsn = serde_json::to_string(&recipient.dsn).map_err(json)?;
    Ok(args![
        accepted.id.0,
        recipient.n,
        accepted.org.0,
        recipient.address.as_str(),
        recipient.original.as_str(),
        state,
        edits,
        dsn,
        recipient.route.as_str(),
        next_ms,
        node,
        lease_ms,
        settled_ms
    ])
}

/// Is anything due? Asked every second, so that an idle queue writes nothing.
pub async fn is_any_due(tx: &mut Tx, now_ms: i64) -> Result<bool, Error> {
    let found = tx.row("SELECT n FROM recipient WHERE state = 'queued' AND next_ms <= $1 LIMIT 1", args![now_ms]).await?;
    Ok(found.is_some())
}

/// Rows that were due and are now leased by `node` until `until_ms`, each
/// `(mail, n, org, address, original, edits, dsn, route, tries)`.
pub async fn claim(tx: &mut Tx, node: i64, now_ms: i64, until_ms: i64, rows_max: usize) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "UPDATE recipient SET lease_node = $1, lease_ms = $2, next_ms = $2 WHERE (mail, n) IN (SELECT mail, n FROM recipient \
         WHERE state = 'queued' AND next_ms <= $3 ORDER BY next_ms LIMIT $4{}) \
         RETURNING mail, n, org, address, original, edits, dsn, route, tries",
        tx.skip_locked()
    );
    tx.rows(&sql, args![node, until_ms, now_ms, rows_max]).await
}

/// The same columns of rows that are owed, whoever holds them; changes nothing.
pub async fn owed(tx: &mut Tx, rows_max: usize) -> Result<Vec<Row>, Error> {
    let sql =
        "SELECT mail, n, org, address, original, edits, dsn, route, tries FROM recipient WHERE state = 'queued' ORDER BY next_ms LIMIT $1";
    tx.rows(sql, args![rows_max]).await
}

/// `(id, sender, envelope, place, octets)` of mails; the place is NULL when there is no body.
pub async fn mails(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Row>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT m.id, m.sender, m.envelope, b.place, m.octets FROM mail m LEFT JOIN body b ON b.mail = m.id WHERE m.id IN ({})",
        numbers.join(", ")
    );
    tx.rows(&sql, ids.iter().map(|id| Value::Int(*id)).collect()).await
}

/// What a node left behind when it stopped: leased by it and not due yet.
pub fn take_back(node: i64, now_ms: i64) -> Statement {
    (
        "UPDATE recipient SET lease_node = 0, lease_ms = 0, next_ms = $1 \
         WHERE state = 'queued' AND next_ms > $1 AND next_ms <= $2 AND lease_node = $3",
        args![now_ms, now_ms + LEASE_MS, node],
    )
}

/// Leases a row that [`take_back`] took although it is in memory.
pub fn lease(mail: i64, n: i64, node: i64, until_ms: i64) -> Statement {
    (
        "UPDATE recipient SET lease_ms = $1, next_ms = $1, lease_node = $2 WHERE mail = $3 AND n = $4 AND state = 'queued'",
        args![until_ms, node, mail, n],
    )
}

pub fn renew(mail: i64, n: i64, node: i64, until_ms: i64) -> Statement {
    (
        "UPDATE recipient SET lease_ms = $1, next_ms = $1 WHERE mail = $2 AND n = $3 AND state = 'queued' AND lease_node = $4",
        args![until_ms, mail, n, node],
    )
}

/// Gives a row back untried, due at `next_ms`.
pub fn release(mail: i64, n: i64, node: i64, next_ms: i64) -> Statement {
    (
        "UPDATE recipient SET lease_node = 0, lease_ms = 0, next_ms = $1 WHERE mail = $2 AND n = $3 AND state = 'queued' AND lease_node = $4",
        args![next_ms, mail, n, node],
    )
}

/// Numbers of the recipients of a mail that are still queued and leased by `node`.
pub async fn still_ours(tx: &mut Tx, mail: MailId, node: i64) -> Result<Vec<i64>, Error> {
    let sql = "SELECT n FROM recipient WHERE mail = $1 AND state = 'queued' AND lease_node = $2";
    tx.rows(sql, args![mail.0, node]).await?.iter().map(|row| row.int(0)).collect()
}

/// Ends a row as `state`; changes nothing when it has ended already.
pub fn finish(mail: MailId, n: i64, state: &'static str, reply: &str, now_ms: i64) -> Statement {
    (
        "UPDATE recipient SET state = $1, tries = tries + 1, lease_node = 0, lease_ms = 0, last_reply = $2, settled_ms = $3 \
         WHERE mail = $4 AND n = $5 AND state = 'queued'",
        args![state, reply, now_ms, mail.0, n],
    )
}

pub fn defer(mail: MailId, n: i64, reply: &str, next_ms: i64) -> Statement {
    (
        "UPDATE recipient SET tries = tries + 1, lease_node = 0, lease_ms = 0, last_reply = $1, next_ms = $2 \
         WHERE mail = $3 AND n = $4 AND state = 'queued'",
        args![reply, next_ms, mail.0, n],
    )
}

/// Removes the body once no recipient needs it.
pub fn drop_body(mail: MailId) -> Statement {
    (
        "DELETE FROM body WHERE mail = $1 AND NOT EXISTS \
         (SELECT 1 FROM recipient WHERE mail = $1 AND state IN ('queued', 'held'))",
        args![mail.0],
    )
}

/// As [`drop_body`], for a body that lies in a file: its name, if it is to go.
pub async fn drop_body_file(tx: &mut Tx, mail: MailId) -> Result<Option<String>, Error> {
    let sql = "DELETE FROM body WHERE mail = $1 AND NOT EXISTS \
               (SELECT 1 FROM recipient WHERE mail = $1 AND state IN ('queued', 'held')) RETURNING place";
    let row = tx.row(sql, args![mail.0]).await?;
    row.map(|row| row.text(0).map(str::to_string)).transpose().map(|place| place.filter(|place| !place.is_empty()))
}

/// `(place, octets)` of a body.
pub async fn body(tx: &mut Tx, mail: MailId) -> Result<Option<Row>, Error> {
    tx.row("SELECT place, octets FROM body WHERE mail = $1", args![mail.0]).await
}

/// Bodies nobody needs although nobody was last to drop them (two nodes ended two recipients in the same instant).
pub async fn drop_orphans(tx: &mut Tx, before: MailId, rows_max: usize) -> Result<Vec<String>, Error> {
    let sql = "DELETE FROM body WHERE mail IN (SELECT b.mail FROM body b WHERE b.mail < $1 AND NOT EXISTS \
               (SELECT 1 FROM recipient r WHERE r.mail = b.mail AND r.state IN ('queued', 'held')) LIMIT $2) RETURNING place";
    tx.rows(sql, args![before.0, rows_max]).await?.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Names of all bodies that lie in files.
pub async fn body_files(tx: &mut Tx) -> Result<Vec<String>, Error> {
    let rows = tx.rows("SELECT place FROM body WHERE place <> ''", vec![]).await?;
    rows.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Queued recipients, and the oldest mail among them.
pub async fn depth(tx: &mut Tx) -> Result<(i64, Option<MailId>), Error> {
    match tx.row("SELECT count(*), min(mail) FROM recipient WHERE state = 'queued'", vec![]).await? {
        Some(row) => Ok((row.int(0)?, row.int_opt(1)?.map(MailId))),
        None => Ok((0, None)),
    }
}

/// One recipient that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub address: String,
    /// Connector name; '' is MX.
    pub route: String,
    pub next_ms: i64,
    pub tries: i64,
    pub last_reply: String,
}

/// Recipients of the scope that wait, those due first, up to `rows_max`.
pub async fn waiting(tx: &mut Tx, scope: OrgScope, rows_max: usize) -> Result<Vec<Waiting>, Error> {
    let mut args = Vec::new();
    let whose = scope.condition("org", &mut args);
    args.push(rows_max.into());
    let sql = format!(
        "SELECT address, route, next_ms, tries, last_reply FROM recipient WHERE state = 'queued' AND {whose} ORDER BY next_ms LIMIT ${}",
        args.len()
    );
    let read = |row: &Row| {
        let text = |at: usize| row.text(at).map(str::to_string);
        Ok(Waiting { address: text(0)?, route: text(1)?, next_ms: row.int(2)?, tries: row.int(3)?, last_reply: text(4)? })
    };
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

/// When this mail was last put back into the queue by a person, if it ever was.
pub async fn released_ms(tx: &mut Tx, mail: MailId) -> Result<Option<i64>, Error> {
    let sql = "SELECT max(at_ms) FROM event WHERE mail = $1 AND kind IN ('released', 'requeued')";
    tx.row(sql, args![mail.0]).await?.map_or(Ok(None), |row| row.int_opt(0))
}

pub async fn was_warned(tx: &mut Tx, mail: MailId, address: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM event WHERE mail = $1 AND kind = 'delay-notice' AND recipient = $2 LIMIT 1";
    tx.row(sql, args![mail.0, address]).await.map(|row| row.is_some())
}

/// Makes waiting rows of a mail due now; rows that are being delivered right now are left alone. Returns `(org, address)`.
pub async fn retry_now(tx: &mut Tx, scope: OrgScope, mail: MailId, now_ms: i64) -> Result<Vec<(OrgId, String)>, Error> {
    let mut args = args![now_ms, mail.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "UPDATE recipient SET next_ms = $1 WHERE mail = $2 AND {whose} AND state = 'queued' AND lease_node = 0 RETURNING org, address"
    );
    tx.rows(&sql, args).await?.iter().map(owner).collect()
}

/// Makes waiting rows of a connector due now, up to `rows_max`; rows that are being delivered right now are left alone.
pub async fn hurry(tx: &mut Tx, connector: &str, now_ms: i64, rows_max: usize) -> Result<u64, Error> {
    let sql = "UPDATE recipient SET next_ms = $1 WHERE (mail, n) IN (SELECT mail, n FROM recipient WHERE state = 'queued' \
               AND next_ms > $1 AND lease_node = 0 AND route = $2 LIMIT $3) AND state = 'queued' AND lease_node = 0";
    tx.run(sql, args![now_ms, connector, rows_max]).await
}

/// Ends the queued recipients of a mail as deleted. Returns `(org, address)`.
pub async fn cancel(tx: &mut Tx, scope: OrgScope, mail: MailId, now_ms: i64) -> Result<Vec<(OrgId, String)>, Error> {
    let mut args = args![now_ms, mail.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "UPDATE recipient SET state = 'deleted', settled_ms = $1, lease_node = 0, lease_ms = 0 \
         WHERE mail = $2 AND {whose} AND state = 'queued' RETURNING org, address"
    );
    tx.rows(&sql, args).await?.iter().map(owner).collect()
}

fn owner(row: &Row) -> Result<(OrgId, String), Error> {
    Ok((OrgId(row.int(0)?), row.text(1)?.to_string()))
}

/// The account of a mail we write ourselves.
pub fn notice_mail(notice: &Accepted, about: MailId) -> Result<Statement, Error> {
    let envelope = serde_json::to_string(&notice.extras).map_err(|why| Error::Shape(format!("writing a notice: {why}")))?;
    let receipt = format!(r#"{{"version":1,"notice":{{"about":"{about}"}}}}"#);
    Ok((
        "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
         VALUES ($1, $2, 'outbound', '', '', '', '', '', $3, $4, 'clean', $5, $6)",
        args![notice.id.0, notice.org.0, notice.octets.len(), notice.recipients.len(), receipt, envelope],
    ))
}
