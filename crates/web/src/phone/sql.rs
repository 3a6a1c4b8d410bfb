//! Every statement on the phone directory. It belongs to the installation: everybody reads it, operators write it.

use super::book::{Entry, Place, Purpose, Spoken};
use super::number::NumberKind;
use mail::id::PhoneId;
use store::{Error, Row, Tx, args};

/// Entries of the directory; every country of the world with eight of them.
pub const ENTRIES_MAX: usize = 2_000;

fn entry(row: &Row) -> Result<Entry, Error> {
    let same_as = Purpose::named(row.text(3)?);
    let kind = NumberKind::ALL.into_iter().find(|kind| Some(kind.name()) == row.text(5).ok()).unwrap_or(NumberKind::Local);
    let lines: Vec<Spoken> = serde_json::from_str(row.text(6)?).map_err(|why| Error::Shape(format!("lines of a number: {why}")))?;
    let number = || {
        Ok::<_, Error>(Place::Number { e164: row.text(4)?.into(), kind, lines, holidays: row.text(7)?.into(), cost: row.text(8)?.into() })
    };
    Ok(Entry {
        id: PhoneId(row.int(0)?),
        country: row.text(1)?.into(),
        purposes: Purpose::list(row.text(2)?).unwrap_or_default(),
        place: same_as.map_or_else(number, |other| Ok(Place::SameAs(other)))?,
    })
}

/// The whole directory, by country, in the order it was made.
pub async fn all(tx: &mut Tx) -> Result<Vec<Entry>, Error> {
    const ALL: &str =
        "SELECT id, country, purposes, same_as, number, kind, lines, holidays, cost FROM phone_entry ORDER BY country, id LIMIT $1";
    let rows = tx.rows(ALL, args![ENTRIES_MAX]).await?;
    rows.iter().map(entry).collect()
}

pub async fn one(tx: &mut Tx, id: PhoneId) -> Result<Option<Entry>, Error> {
    const ONE: &str = "SELECT id, country, purposes, same_as, number, kind, lines, holidays, cost FROM phone_entry WHERE id = $1";
    let row = tx.row(ONE, args![id.0]).await?;
    row.as_ref().map(entry).transpose()
}

pub async fn count(tx: &mut Tx) -> Result<usize, Error> {
    let row = tx.row("SELECT COUNT(*) FROM phone_entry", args![]).await?;
    row.map_or(Ok(0), |row| Ok(usize::try_from(row.int(0)?).unwrap_or(usize::MAX)))
}

/// Adds an entry, or puts it in place of the one with its identifier.
pub async fn put(tx: &mut Tx, entry: &Entry, (now_ms, who): (i64, &str)) -> Result<(), Error> {
    let none = (String::new(), NumberKind::Local, Vec::new(), String::new(), String::new());
    let (same_as, (number, kind, lines, holidays, cost)) = match &entry.place {
        Place::SameAs(other) => (other.name(), none),
        Place::Number { e164, kind, lines, holidays, cost } => ("", (e164.clone(), *kind, lines.clone(), holidays.clone(), cost.clone())),
    };
    let lines = serde_json::to_string(&lines).map_err(|why| Error::Shape(why.to_string()))?;
    tx.run(
        "INSERT INTO phone_entry (id, country, purposes, same_as, number, kind, lines, holidays, cost, changed_ms, changed_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO UPDATE SET country = excluded.country, \
         purposes = excluded.purposes, same_as = excluded.same_as, number = excluded.number, kind = excluded.kind, lines = excluded.lines, \
         holidays = excluded.holidays, cost = excluded.cost, changed_ms = excluded.changed_ms, changed_by = excluded.changed_by",
        args![
            entry.id.0,
            entry.country.clone(),
            Purpose::written(&entry.purposes),
            same_as,
            number,
            kind.name(),
            lines,
            holidays,
            cost,
            now_ms,
            who
        ],
    )
    .await
    .map(|_| ())
}

/// Takes an entry out; false when there was none.
pub async fn remove(tx: &mut Tx, id: PhoneId) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM phone_entry WHERE id = $1", args![id.0]).await? > 0)
}

pub async fn clear(tx: &mut Tx) -> Result<(), Error> {
    tx.run("DELETE FROM phone_entry", args![]).await.map(|_| ())
}
