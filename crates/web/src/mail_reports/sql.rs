//! Every statement on sums of mails and on letters about them.

use super::complaints::ComplaintSent;
use super::counting::{Mail, OutSums, Sums};
use gateway::scope::OrgScope;
use mail::{MailId, OrgId, PersonId};
use std::collections::HashMap;
use store::{Error, Row, Tx, Value, args};

/// Names of one kind that a day lists one by one.
const NAMES_MAX: i64 = 500;
/// Kinds whose names strangers choose.
const OPEN_KINDS: [&str; 3] = ["sender", "target", "out-sender"];
/// Rows of sums read for one page.
const ROWS_MAX: usize = 10_000;

/// The last mail that was added up.
pub async fn counted(tx: &mut Tx) -> Result<Option<MailId>, Error> {
    let row = tx.row("SELECT mail FROM flow_counted WHERE one = 1", args![]).await?;
    row.map(|row| row.int(0).map(MailId)).transpose()
}

/// Moves on; false when it is not where it was any more.
pub async fn move_on(tx: &mut Tx, from: Option<MailId>, to: MailId) -> Result<bool, Error> {
    let moved = match from {
        None => tx.run("INSERT INTO flow_counted (one, mail) VALUES (1, $1) ON CONFLICT (one) DO NOTHING", args![to.0]).await?,
        Some(from) => tx.run("UPDATE flow_counted SET mail = $1 WHERE one = 1 AND mail = $2", args![to.0, from.0]).await?,
    };
    Ok(moved > 0)
}

/// Mails after one and before another, in their order.
pub async fn mails(tx: &mut Tx, (after, until): (MailId, MailId), limit: usize) -> Result<Vec<Mail>, Error> {
    let sql = "SELECT id, org, direction, sender, verdict, receipt FROM mail WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3";
    let one = |row: &Row| {
        Ok(Mail {
            id: MailId(row.int(0)?),
            org: OrgId(row.int(1)?),
            direction: row.text(2)?.into(),
            sender: row.text(3)?.into(),
            verdict: row.text(4)?.into(),
            receipt: row.text(5)?.into(),
        })
    };
    tx.rows(sql, args![after.0, until.0, limit]).await?.iter().map(one).collect()
}

/// Adds to the sums.
pub async fn add(tx: &mut Tx, sums: &Sums) -> Result<(), Error> {
    const MORE: &str =
        "UPDATE flow_day SET count = count + $1, unwanted = unwanted + $2 WHERE org = $3 AND kind = $4 AND day_ms = $5 AND name = $6";
    const NEW: &str = "INSERT INTO flow_day (count, unwanted, org, kind, day_ms, name) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (org, kind, day_ms, name) DO UPDATE SET count = flow_day.count + excluded.count, unwanted = flow_day.unwanted + excluded.unwanted";
    let mut names: HashMap<(OrgId, &str, i64), i64> = HashMap::new();
    for ((org, kind, day_ms, name), (count, unwanted)) in sums {
        let values = |name: &str| args![*count, *unwanted, org.0, *kind, *day_ms, name];
        if tx.run(MORE, values(name)).await? > 0 {
            continue;
        }
        let mut name = name.as_str();
        if OPEN_KINDS.contains(kind) {
            let place = (*org, *kind, *day_ms);
            let known = match names.get(&place) {
                Some(known) => *known,
                None => names_of(tx, place).await?,
            };
            if known >= NAMES_MAX {
                name = "";
            }
            names.insert(place, known + 1);
        }
        tx.run(NEW, values(name)).await?;
    }
    Ok(())
}

async fn names_of(tx: &mut Tx, (org, kind, day_ms): (OrgId, &str, i64)) -> Result<i64, Error> {
    let sql = "SELECT count(*) FROM flow_day WHERE org = $1 AND kind = $2 AND day_ms = $3";
    tx.row(sql, args![org.0, kind, day_ms]).await?.map_or(Ok(0), |row| row.int(0))
}

/// `(day, name, how many, how many of them unwanted)` of a kind.
pub async fn days(
    tx: &mut Tx,
    scope: OrgScope,
    kind: &str,
    (since_ms, until_ms): (i64, i64),
) -> Result<Vec<(i64, String, i64, i64)>, Error> {
    let mut values = args![kind, since_ms, until_ms];
    let whose = scope.condition("org", &mut values);
    let sql = format!(
        "SELECT day_ms, name, CAST(sum(count) AS BIGINT), CAST(sum(unwanted) AS BIGINT) FROM flow_day WHERE kind = $1 AND day_ms >= $2 \
         AND day_ms < $3 AND {whose} GROUP BY day_ms, name ORDER BY day_ms LIMIT {ROWS_MAX}"
    );
    tx.rows(&sql, values).await?.iter().map(|row| Ok((row.int(0)?, row.text(1)?.into(), row.int(2)?, row.int(3)?))).collect()
}

/// `(name, how many, how many of them unwanted)` of a kind over days; by the second number when `by_unwanted`.
pub async fn top(
    tx: &mut Tx,
    scope: OrgScope,
    (kind, by_unwanted, limit): (&str, bool, usize),
    (since_ms, until_ms): (i64, i64),
) -> Result<Vec<(String, i64, i64)>, Error> {
    let mut values: Vec<Value> = args![kind, since_ms, until_ms];
    let whose = scope.condition("org", &mut values);
    let (order, having) = if by_unwanted { ("3 DESC, 2 DESC", "HAVING sum(unwanted) > 0") } else { ("2 DESC, 3 DESC", "") };
    let sql = format!(
        "SELECT name, CAST(sum(count) AS BIGINT), CAST(sum(unwanted) AS BIGINT) FROM flow_day WHERE kind = $1 AND day_ms >= $2 \
         AND day_ms < $3 AND name <> '' AND {whose} GROUP BY name {having} ORDER BY {order}, name LIMIT {limit}"
    );
    tx.rows(&sql, values).await?.iter().map(|row| Ok((row.text(0)?.into(), row.int(1)?, row.int(2)?))).collect()
}

pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<(), Error> {
    tx.run("DELETE FROM flow_day WHERE day_ms < $1", args![before_ms]).await.map(drop)
}

/// How often somebody is told: "week", "month", or "" for never.
pub async fn letter_of(tx: &mut Tx, person: PersonId) -> Result<String, Error> {
    let row = tx.row("SELECT every FROM flow_letter WHERE person = $1", args![person.0]).await?;
    row.map_or(Ok(String::new()), |row| row.text(0).map(str::to_string))
}

/// Chooses; the first letter comes when the next week or month begins.
pub async fn choose_letter(tx: &mut Tx, person: PersonId, every: &str, now_ms: i64) -> Result<(), Error> {
    if every.is_empty() {
        return tx.run("DELETE FROM flow_letter WHERE person = $1", args![person.0]).await.map(drop);
    }
    let sql =
        "INSERT INTO flow_letter (person, every, sent_ms) VALUES ($1, $2, $3) ON CONFLICT (person) DO UPDATE SET every = excluded.every";
    tx.run(sql, args![person.0, every, now_ms]).await.map(drop)
}

/// Who chose letters: person, address, how often, when the last was sent.
pub async fn letters(tx: &mut Tx, after: PersonId, limit: usize) -> Result<Vec<(PersonId, String, String, i64)>, Error> {
    let sql = "SELECT l.person, p.email, l.every, l.sent_ms FROM flow_letter l JOIN person p ON p.id = l.person \
               WHERE p.is_active = 1 AND l.person > $1 ORDER BY l.person LIMIT $2";
    let one = |row: &Row| Ok((PersonId(row.int(0)?), row.text(1)?.into(), row.text(2)?.into(), row.int(3)?));
    tx.rows(sql, args![after.0, limit]).await?.iter().map(one).collect()
}

/// Notes that a letter is being written; false when another server was first.
pub async fn take_letter(tx: &mut Tx, person: PersonId, was_ms: i64, now_ms: i64) -> Result<bool, Error> {
    let sql = "UPDATE flow_letter SET sent_ms = $1 WHERE person = $2 AND sent_ms = $3";
    Ok(tx.run(sql, args![now_ms, person.0, was_ms]).await? > 0)
}

/// Records of one day that are kept, over all domains; what is more is not told of.
const OUT_A_DAY_MAX: i64 = 100_000;

/// Adds mail of other domains: by day, domain and record.
pub async fn add_out(tx: &mut Tx, all: &OutSums) -> Result<(), Error> {
    const MORE: &str = "UPDATE dmarc_out SET count = count + $1 WHERE day_ms = $2 AND domain = $3 AND digest = $4";
    const NEW: &str = "INSERT INTO dmarc_out (count, day_ms, domain, digest, entry) VALUES ($1, $2, $3, $4, $5)";
    let mut known: HashMap<i64, i64> = HashMap::new();
    for ((day_ms, domain, entry), count) in all {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, entry.as_bytes());
        let digest: String = hash.as_ref().iter().take(16).map(|octet| format!("{octet:02x}")).collect();
        let values = args![*count, *day_ms, domain, &digest];
        if tx.run(MORE, values).await? > 0 {
            continue;
        }
        let rows = match known.get(day_ms) {
            Some(rows) => *rows,
            None => {
                let row = tx.row("SELECT count(*) FROM dmarc_out WHERE day_ms = $1", args![*day_ms]).await?;
                row.map_or(Ok(0), |row| row.int(0))?
            }
        };
        known.insert(*day_ms, rows + 1);
        if rows < OUT_A_DAY_MAX {
            tx.run(NEW, args![*count, *day_ms, domain, &digest, entry]).await?;
        }
    }
    Ok(())
}

/// Days before a moment and domains that no report was sent about yet.
pub async fn out_due(tx: &mut Tx, until_ms: i64, limit: usize) -> Result<Vec<(i64, String)>, Error> {
    let sql = "SELECT DISTINCT o.day_ms, o.domain FROM dmarc_out o WHERE o.day_ms < $1 AND NOT EXISTS \
               (SELECT 1 FROM dmarc_out_sent s WHERE s.day_ms = o.day_ms AND s.domain = o.domain) ORDER BY o.day_ms, o.domain LIMIT $2";
    let rows = tx.rows(sql, args![until_ms, limit]).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?.into()))).collect()
}

/// Records of a day and domain, the greatest first.
pub async fn out_entries(tx: &mut Tx, day_ms: i64, domain: &str, limit: usize) -> Result<Vec<(String, i64)>, Error> {
    let sql = "SELECT entry, count FROM dmarc_out WHERE day_ms = $1 AND domain = $2 ORDER BY count DESC, entry LIMIT $3";
    let rows = tx.rows(sql, args![day_ms, domain, limit]).await?;
    rows.iter().map(|row| Ok((row.text(0)?.into(), row.int(1)?))).collect()
}

/// Notes that a report is being sent, or why not; false when another server was first.
pub async fn take_out(tx: &mut Tx, (day_ms, domain): (i64, &str), (outcome, to): (&str, &str), now_ms: i64) -> Result<bool, Error> {
    let sql = "INSERT INTO dmarc_out_sent (day_ms, domain, at_ms, outcome, recipients) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (day_ms, domain) DO NOTHING";
    Ok(tx.run(sql, args![day_ms, domain, now_ms, outcome, to]).await? > 0)
}

pub async fn forget_out(tx: &mut Tx, before_ms: i64) -> Result<(), Error> {
    tx.run("DELETE FROM dmarc_out WHERE day_ms < $1", args![before_ms]).await?;
    tx.run("DELETE FROM dmarc_out_sent WHERE day_ms < $1", args![before_ms]).await.map(drop)
}

/// A mail that somebody here reported as junk or phish: report, organisation, what it was called, when it came in, receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub report: i64,
    pub org: OrgId,
    pub label: String,
    pub mail: MailId,
    pub receipt: String,
}

/// Reports of people from one on that were not looked at, oldest first.
pub async fn complaints(tx: &mut Tx, from: MailId, limit: usize) -> Result<Vec<Complaint>, Error> {
    let sql = "SELECT r.id, r.org, r.label, m.id, m.receipt FROM report r JOIN mail m ON m.id = r.mail AND m.org = r.org WHERE r.id >= $1 \
               AND r.label <> 'ham' AND NOT EXISTS (SELECT 1 FROM complaint_out c WHERE c.report = r.id) ORDER BY r.id LIMIT $2";
    let one = |row: &Row| {
        let (report, org, label) = (row.int(0)?, OrgId(row.int(1)?), row.text(2)?.into());
        Ok(Complaint { report, org, label, mail: MailId(row.int(3)?), receipt: row.text(4)?.into() })
    };
    tx.rows(sql, args![from.0, limit]).await?.iter().map(one).collect()
}

/// Notes that a report was looked at; false when another server was first.
pub async fn take_complaint(tx: &mut Tx, (report, org): (i64, OrgId), address: &str, now_ms: i64) -> Result<bool, Error> {
    let sql = "INSERT INTO complaint_out (report, org, at_ms, address) VALUES ($1, $2, $3, $4) ON CONFLICT (report) DO NOTHING";
    Ok(tx.run(sql, args![report, org.0, now_ms, address]).await? > 0)
}

pub async fn forget_complaints(tx: &mut Tx, before_ms: i64) -> Result<(), Error> {
    tx.run("DELETE FROM complaint_out WHERE at_ms < $1", args![before_ms]).await.map(drop)
}

/// Operators who were told of complaints, with how many and when last.
pub async fn complaints_sent(tx: &mut Tx, scope: OrgScope, limit: usize) -> Result<Vec<ComplaintSent>, Error> {
    let mut values = Vec::new();
    let whose = scope.condition("org", &mut values);
    values.push(Value::Int(limit as i64));
    let sql = format!(
        "SELECT address, COUNT(*), MAX(at_ms) FROM complaint_out WHERE address <> '' AND {whose} GROUP BY address ORDER BY 2 DESC, address LIMIT ${}",
        values.len()
    );
    let one = |row: &Row| Ok(ComplaintSent { address: row.text(0)?.into(), complaints: row.int(1)?, last_ms: row.int(2)? });
    tx.rows(&sql, values).await?.iter().map(one).collect()
}
