//! Every statement on reports and their sums.

use super::{Counts, Row, Sums, TOGETHER};
use crate::scope::OrgScope;
use mail::id::MailReportId;
use mail::{MailId, OrgId};
use store::{Error, Tx, Value, args};

/// Rows of one page.
pub const ROWS_MAX: usize = 200;
/// Sources that one page adds up.
pub const SOURCES_MAX: usize = 500;
const COLUMNS: &str =
    "id, org, kind, mail, sender, is_proven, domain, reporter, report_id, begin_ms, end_ms, messages, failed, problem, about";

/// Adds a row with what it adds to the sums; the identifier of the one that was there, if it was.
pub async fn insert(tx: &mut Tx, row: &Row, (kind, once): (&str, &str), sums: &str) -> Result<Option<MailReportId>, Error> {
    let sql = "INSERT INTO mail_report (id, org, kind, once, mail, sender, is_proven, domain, reporter, report_id, begin_ms, end_ms, messages, \
               failed, problem, about, detail, sums) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
               ON CONFLICT (org, once) DO NOTHING";
    let values = args![
        row.id.0,
        row.org.0,
        kind,
        once,
        row.mail.0,
        &row.sender,
        row.is_proven,
        &row.domain,
        &row.reporter,
        &row.report_id,
        row.begin_ms,
        row.end_ms,
        row.messages,
        row.failed,
        &row.problem,
        &row.about,
        &row.detail,
        sums
    ];
    if tx.run(sql, values).await? > 0 {
        return Ok(None);
    }
    let was = tx.row("SELECT id FROM mail_report WHERE org = $1 AND once = $2", args![row.org.0, once]).await?;
    was.map(|row| row.int(0).map(MailReportId)).transpose()
}

/// Adds to the sums of a day.
pub async fn add(tx: &mut Tx, sums: &Sums) -> Result<(), Error> {
    const DMARC: &str = "INSERT INTO dmarc_day (org, domain, day_ms, source, messages, passed, dkim, spf, quarantined, rejected, signer, \
        bounce_domain) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (org, domain, day_ms, source) DO UPDATE SET \
        messages = dmarc_day.messages + excluded.messages, passed = dmarc_day.passed + excluded.passed, dkim = dmarc_day.dkim + excluded.dkim, \
        spf = dmarc_day.spf + excluded.spf, quarantined = dmarc_day.quarantined + excluded.quarantined, \
        rejected = dmarc_day.rejected + excluded.rejected, \
        signer = CASE WHEN excluded.signer = '' THEN dmarc_day.signer ELSE excluded.signer END, \
        bounce_domain = CASE WHEN excluded.bounce_domain = '' THEN dmarc_day.bounce_domain ELSE excluded.bounce_domain END";
    const TLS: &str = "INSERT INTO tls_day (org, domain, day_ms, kind, mx, succeeded, failed) VALUES ($1, $2, $3, $4, $5, $6, $7) \
        ON CONFLICT (org, domain, day_ms, kind, mx) DO UPDATE SET succeeded = tls_day.succeeded + excluded.succeeded, \
        failed = tls_day.failed + excluded.failed";
    let dmarc = sums.dmarc.iter().map(|(source, one)| {
        let Counts { messages, passed, dkim, spf, quarantined, rejected, signer, bounce_domain } = one;
        let values = args![
            sums.org,
            &sums.domain,
            sums.day_ms,
            source,
            *messages,
            *passed,
            *dkim,
            *spf,
            *quarantined,
            *rejected,
            signer,
            bounce_domain
        ];
        (DMARC, values)
    });
    let tls = sums
        .tls
        .iter()
        .map(|((domain, kind, mx), (succeeded, failed))| (TLS, args![sums.org, domain, sums.day_ms, kind, mx, *succeeded, *failed]));
    tx.run_all(dmarc.chain(tls).collect()).await
}

/// Removes a report and takes back what it added, in one transaction; the row that went. Where it was kept before sums were kept with it,
/// its figures stay.
pub async fn remove(tx: &mut Tx, scope: OrgScope, id: MailReportId) -> Result<Option<Row>, Error> {
    let Some(row) = one(tx, scope, id).await? else { return Ok(None) };
    let gone = tx.row("DELETE FROM mail_report WHERE id = $1 AND org = $2 RETURNING sums", args![id.0, row.org.0]).await?;
    let Some(gone) = gone else { return Ok(None) };
    let kept: Option<Sums> = serde_json::from_str(gone.text(0)?).ok();
    if let Some(sums) = kept {
        let day_ms = sums.day_ms;
        add(tx, &sums.negated()).await?;
        // What nobody reports any more, and what was forgotten before this report.
        tx.run("DELETE FROM dmarc_day WHERE org = $1 AND day_ms = $2 AND messages <= 0", args![row.org.0, day_ms]).await?;
        let sql = "DELETE FROM tls_day WHERE org = $1 AND day_ms = $2 AND succeeded <= 0 AND failed <= 0";
        tx.run(sql, args![row.org.0, day_ms]).await?;
    }
    Ok(Some(row))
}

/// Whether taking this report away takes its figures away.
pub async fn has_sums(tx: &mut Tx, scope: OrgScope, id: MailReportId) -> Result<bool, Error> {
    let mut values = args![id.0];
    let whose = scope.condition("org", &mut values);
    Ok(tx.row(&format!("SELECT id FROM mail_report WHERE id = $1 AND sums <> '' AND {whose}"), values).await?.is_some())
}

/// Reports of this organisation that came since then, counted up to `most`.
pub async fn count_since(tx: &mut Tx, org: OrgId, since_ms: i64, most: i64) -> Result<i64, Error> {
    let since = crate::trace::first_id_at(since_ms);
    let sql = "SELECT count(*) FROM (SELECT 1 FROM mail_report WHERE org = $1 AND kind IN ('', 'dmarc', 'tls', 'failure', 'complaint') \
               AND id >= $2 LIMIT $3) counted";
    tx.row(sql, args![org.0, since.0, most]).await?.map_or(Ok(0), |row| row.int(0))
}

/// Which reports are looked for; "" does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// dmarc, tls, failure, complaint, or "problem".
    pub kind: String,
    pub domain: String,
    pub before: Option<MailReportId>,
    pub limit: usize,
}

/// Reports without their detail, the latest first.
pub async fn list(tx: &mut Tx, scope: OrgScope, wanted: &Wanted) -> Result<Vec<Row>, Error> {
    let mut values = Vec::new();
    let mut conditions = vec![scope.condition("org", &mut values)];
    let mut is = |column: &str, how: &str, value: Value| {
        values.push(value);
        conditions.push(format!("{column} {how} ${}", values.len()));
    };
    match wanted.kind.as_str() {
        "" => {}
        "problem" => is("problem", "<>", String::new().into()),
        kind => {
            is("kind", "=", kind.to_string().into());
            is("problem", "=", String::new().into());
        }
    }
    if !wanted.domain.is_empty() {
        is("domain", "=", wanted.domain.clone().into());
    }
    if let Some(before) = wanted.before {
        is("id", "<", before.0.into());
    }
    let limit = wanted.limit.min(ROWS_MAX + 1);
    let sql = format!("SELECT {COLUMNS}, '' FROM mail_report WHERE {} ORDER BY id DESC LIMIT {limit}", conditions.join(" AND "));
    tx.rows(&sql, values).await?.iter().map(read).collect()
}

/// Complaints that count, with their detail, the latest first.
pub async fn complaints(tx: &mut Tx, scope: OrgScope, since_ms: i64, limit: usize) -> Result<Vec<Row>, Error> {
    let mut values = args![crate::trace::first_id_at(since_ms).0];
    let whose = scope.condition("org", &mut values);
    values.push(Value::Int(limit as i64));
    let sql = format!(
        "SELECT {COLUMNS}, detail FROM mail_report WHERE kind = 'complaint' AND problem = '' AND id >= $1 AND {whose} ORDER BY id DESC LIMIT ${}",
        values.len()
    );
    tx.rows(&sql, values).await?.iter().map(read).collect()
}

/// Senders of mails that left here, by mail: what complaints name is believed only when it is one of ours.
pub async fn senders_of(tx: &mut Tx, scope: OrgScope, mails: &[MailId]) -> Result<Vec<(MailId, OrgId, String)>, Error> {
    let mut found = Vec::new();
    for chunk in mails.chunks(100) {
        let mut values: Vec<Value> = chunk.iter().map(|mail| Value::Int(mail.0)).collect();
        let list: Vec<String> = (1..=chunk.len()).map(|n| format!("${n}")).collect();
        let whose = scope.condition("org", &mut values);
        let sql = format!("SELECT id, org, sender FROM mail WHERE id IN ({}) AND direction <> 'inbound' AND {whose}", list.join(", "));
        for row in tx.rows(&sql, values).await? {
            found.push((MailId(row.int(0)?), OrgId(row.int(1)?), row.text(2)?.to_string()));
        }
    }
    Ok(found)
}

/// One report, whole.
pub async fn one(tx: &mut Tx, scope: OrgScope, id: MailReportId) -> Result<Option<Row>, Error> {
    let found = tx.row(&format!("SELECT {COLUMNS}, detail FROM mail_report WHERE id = $1"), args![id.0]).await?;
    let row = found.as_ref().map(read).transpose()?;
    Ok(row.filter(|row| scope.allows(row.org)))
}

/// A day, or a source, of DMARC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DmarcSum {
    pub domain: String,
    /// Address; see [`super::OTHERS`] and [`TOGETHER`].
    pub source: String,
    /// Beginning of the day, or of the last one of a source.
    pub day_ms: i64,
    pub counts: Counts,
}

const SUMS: &str = "CAST(sum(messages) AS BIGINT), CAST(sum(passed) AS BIGINT), CAST(sum(dkim) AS BIGINT), CAST(sum(spf) AS BIGINT), \
                    CAST(sum(quarantined) AS BIGINT), CAST(sum(rejected) AS BIGINT), max(signer), max(bounce_domain)";

/// Every day of every domain since then, all sources together.
pub async fn dmarc_days(tx: &mut Tx, scope: OrgScope, since_ms: i64, domain: &str) -> Result<Vec<DmarcSum>, Error> {
    let mut values = args![since_ms];
    let mut conditions = scope.condition("org", &mut values);
    if !domain.is_empty() {
        values.push(domain.to_string().into());
        conditions = format!("{conditions} AND domain = ${}", values.len());
    }
    let sql = format!(
        "SELECT domain, source, day_ms, {SUMS} FROM dmarc_day WHERE source = '*' AND day_ms >= $1 AND {conditions} \
         GROUP BY domain, source, day_ms ORDER BY day_ms LIMIT {DAYS_MAX}"
    );
    tx.rows(&sql, values).await?.iter().map(dmarc_sum).collect()
}

const DAYS_MAX: usize = 50_000;

/// Sources of a domain since then, those with most mails first.
pub async fn dmarc_sources(tx: &mut Tx, scope: OrgScope, since_ms: i64, domain: &str) -> Result<Vec<DmarcSum>, Error> {
    let mut values = args![TOGETHER, since_ms, domain];
    let conditions = scope.condition("org", &mut values);
    let sql = format!(
        "SELECT domain, source, max(day_ms), {SUMS} FROM dmarc_day WHERE source <> $1 AND day_ms >= $2 AND domain = $3 AND {conditions} \
         GROUP BY domain, source ORDER BY 4 DESC, source LIMIT {SOURCES_MAX}"
    );
    tx.rows(&sql, values).await?.iter().map(dmarc_sum).collect()
}

/// Days of one source.
pub async fn dmarc_source(tx: &mut Tx, scope: OrgScope, since_ms: i64, (domain, source): (&str, &str)) -> Result<Vec<DmarcSum>, Error> {
    let mut values = args![source, since_ms, domain];
    let conditions = scope.condition("org", &mut values);
    let sql = format!(
        "SELECT domain, source, day_ms, {SUMS} FROM dmarc_day WHERE source = $1 AND day_ms >= $2 AND domain = $3 AND {conditions} \
         GROUP BY domain, source, day_ms ORDER BY day_ms LIMIT {DAYS_MAX}"
    );
    tx.rows(&sql, values).await?.iter().map(dmarc_sum).collect()
}

/// Sessions of a day and kind of policy or, with "!" before it, of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSum {
    pub domain: String,
    pub day_ms: i64,
    pub kind: String,
    pub mx: String,
    pub succeeded: i64,
    pub failed: i64,
}

pub async fn tls_days(tx: &mut Tx, scope: OrgScope, since_ms: i64, domain: &str) -> Result<Vec<TlsSum>, Error> {
    let mut values = args![since_ms];
    let mut conditions = scope.condition("org", &mut values);
    if !domain.is_empty() {
        values.push(domain.to_string().into());
        conditions = format!("{conditions} AND domain = ${}", values.len());
    }
    let sql = format!(
        "SELECT domain, day_ms, kind, mx, CAST(sum(succeeded) AS BIGINT), CAST(sum(failed) AS BIGINT) FROM tls_day \
         WHERE day_ms >= $1 AND {conditions} GROUP BY domain, day_ms, kind, mx ORDER BY day_ms LIMIT {DAYS_MAX}"
    );
    let one = |row: &store::Row| {
        Ok(TlsSum {
            domain: row.text(0)?.into(),
            day_ms: row.int(1)?,
            kind: row.text(2)?.into(),
            mx: row.text(3)?.into(),
            succeeded: row.int(4)?,
            failed: row.int(5)?,
        })
    };
    tx.rows(&sql, values).await?.iter().map(one).collect()
}

/// Forgets what is older; at most `most` reports at once. Returns how many went.
pub async fn forget(tx: &mut Tx, before_ms: i64, most: usize) -> Result<u64, Error> {
    let before = crate::trace::first_id_at(before_ms);
    let sql = "DELETE FROM mail_report WHERE id IN (SELECT id FROM mail_report WHERE id < $1 ORDER BY id LIMIT $2)";
    let gone = tx.run(sql, args![before.0, most]).await?;
    if gone < most as u64 {
        tx.run("DELETE FROM dmarc_day WHERE day_ms < $1", args![before_ms]).await?;
        tx.run("DELETE FROM tls_day WHERE day_ms < $1", args![before_ms]).await?;
    }
    Ok(gone)
}

fn dmarc_sum(row: &store::Row) -> Result<DmarcSum, Error> {
    Ok(DmarcSum {
        domain: row.text(0)?.into(),
        source: row.text(1)?.into(),
        day_ms: row.int(2)?,
        counts: Counts {
            messages: row.int(3)?,
            passed: row.int(4)?,
            dkim: row.int(5)?,
            spf: row.int(6)?,
            quarantined: row.int(7)?,
            rejected: row.int(8)?,
            signer: row.text(9)?.into(),
            bounce_domain: row.text(10)?.into(),
        },
    })
}

fn read(row: &store::Row) -> Result<Row, Error> {
    Ok(Row {
        id: MailReportId(row.int(0)?),
        org: OrgId(row.int(1)?),
        kind: row.text(2)?.into(),
        mail: MailId(row.int(3)?),
        sender: row.text(4)?.into(),
        is_proven: row.int(5)? != 0,
        domain: row.text(6)?.into(),
        reporter: row.text(7)?.into(),
        report_id: row.text(8)?.into(),
        begin_ms: row.int(9)?,
        end_ms: row.int(10)?,
        messages: row.int(11)?,
        failed: row.int(12)?,
        problem: row.text(13)?.into(),
        about: row.text(14)?.into(),
        detail: row.text(15)?.into(),
    })
}
