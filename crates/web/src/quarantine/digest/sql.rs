//! Every statement on digests: schedules, choices, how far somebody was told, and links.

use super::{Every, Schedule};
use mail::{MailId, OrgId};
use store::{Error, Tx, args};

/// Links forgotten in one transaction.
const EXPIRE_MAX: usize = 1_000;

pub async fn schedule(tx: &mut Tx, org: OrgId) -> Result<Schedule, Error> {
    let row = tx.row("SELECT every, hour, zone FROM digest_setting WHERE org = $1", args![org.0]).await?;
    let Some(row) = row else { return Ok(Schedule::default()) };
    // A word of a newer version sends nothing here.
    let every = Every::parse(row.text(0)?).unwrap_or(Every::Off);
    Ok(Schedule { every, hour: i8::try_from(row.int(1)?).unwrap_or(0), zone: row.text(2)?.into() })
}

pub async fn set_schedule(tx: &mut Tx, org: OrgId, schedule: &Schedule) -> Result<(), Error> {
    tx.run(
        "INSERT INTO digest_setting (org, every, hour, zone) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (org) DO UPDATE SET every = excluded.every, hour = excluded.hour, zone = excluded.zone",
        args![org.0, schedule.every.name(), i64::from(schedule.hour), schedule.zone.as_str()],
    )
    .await
    .map(|_| ())
}

/// What is known of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Their own choice; `None`: as the organisation.
    pub every: Option<Every>,
    /// Mail received before was told of.
    pub told_ms: i64,
    /// When they were looked at last.
    pub sent_ms: i64,
}

pub async fn told(tx: &mut Tx, org: OrgId, address: &str) -> Result<Option<Told>, Error> {
    let row = tx.row("SELECT every, told_ms, sent_ms FROM digest WHERE org = $1 AND address = $2", args![org.0, address]).await?;
    row.map(|row| Ok(Told { every: Every::parse(row.text(0)?), told_ms: row.int(1)?, sent_ms: row.int(2)? })).transpose()
}

/// Somebody is seen for the first time: their digests begin with the next hour of the schedule.
pub async fn begin(tx: &mut Tx, org: OrgId, address: &str, now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO digest (org, address, every, told_ms, sent_ms) VALUES ($1, $2, '', 0, $3) ON CONFLICT (org, address) DO NOTHING",
        args![org.0, address, now_ms],
    )
    .await
    .map(|_| ())
}

/// Moves on from what was known; false when another server did.
pub async fn claim(tx: &mut Tx, (org, address): (OrgId, &str), known: Told, (told_ms, sent_ms): (i64, i64)) -> Result<bool, Error> {
    let moved = tx
        .run(
            "UPDATE digest SET told_ms = $1, sent_ms = $2 WHERE org = $3 AND address = $4 AND sent_ms = $5 AND told_ms = $6",
            args![told_ms, sent_ms, org.0, address, known.sent_ms, known.told_ms],
        )
        .await?;
    Ok(moved == 1)
}

/// One's own choice; `None` is as the organisation.
pub async fn choose(tx: &mut Tx, (org, address): (OrgId, &str), every: Option<Every>, now_ms: i64) -> Result<(), Error> {
    let word = every.map_or("", Every::name);
    tx.run(
        "INSERT INTO digest (org, address, every, told_ms, sent_ms) VALUES ($1, $2, $3, 0, $4) \
         ON CONFLICT (org, address) DO UPDATE SET every = excluded.every",
        args![org.0, address, word, now_ms],
    )
    .await
    .map(|_| ())
}

/// What a link may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub org: OrgId,
    /// `None`: choose how often digests come.
    pub row: Option<(MailId, i64)>,
    pub address: String,
    pub until_ms: i64,
}

pub async fn put_link(tx: &mut Tx, digest: &str, link: &Link) -> Result<(), Error> {
    let (mail, n) = link.row.map_or((0, 0), |(mail, n)| (mail.0, n));
    tx.run(
        "INSERT INTO digest_link (token, org, mail, n, address, until_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        args![digest, link.org.0, mail, n, link.address.as_str(), link.until_ms],
    )
    .await
    .map(|_| ())
}

/// The link with this digest while it holds.
pub async fn link(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<Option<Link>, Error> {
    let sql = "SELECT org, mail, n, address, until_ms FROM digest_link WHERE token = $1 AND until_ms > $2";
    let row = tx.row(sql, args![digest, now_ms]).await?;
    row.map(|row| {
        let mail = row.int(1)?;
        let of = (mail != 0).then_some((MailId(mail), row.int(2)?));
        Ok(Link { org: OrgId(row.int(0)?), row: of, address: row.text(3)?.into(), until_ms: row.int(4)? })
    })
    .transpose()
}

/// Links of a decided row hold no longer.
pub async fn drop_links(tx: &mut Tx, org: OrgId, mail: MailId, n: i64) -> Result<(), Error> {
    tx.run("DELETE FROM digest_link WHERE org = $1 AND mail = $2 AND n = $3 AND mail <> 0", args![org.0, mail.0, n]).await.map(|_| ())
}

/// Forgets links that are over; returns how many.
pub async fn expire(tx: &mut Tx, now_ms: i64) -> Result<u64, Error> {
    let sql = "DELETE FROM digest_link WHERE token IN (SELECT token FROM digest_link WHERE until_ms <= $1 LIMIT $2)";
    tx.run(sql, args![now_ms, EXPIRE_MAX]).await
}
