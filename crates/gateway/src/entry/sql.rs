//! Every statement on the rows of allow and block entries, but those of the settings file (`directory::sql`).

use super::usage::{Count, Key};
use crate::directory::sql::bump;
use crate::directory::{Effect, Entry, EntryKind};
use crate::scope::OrgScope;
use mail::OrgId;
use mail::id::EntryId;
use store::{Error, Row, Tx, Value, args};

/// Rows of one answer.
pub const LIMIT_MAX: usize = 1_000;
/// Entries that are looked through for a clash.
const CLASHES_MAX: usize = 50;
/// Rows of usage: one a class.
const USAGE_MAX: usize = 5_000;

/// One entry as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub org: OrgId,
    pub entry: Entry,
    pub made_ms: i64,
    /// Address of who made it; '' for those of the settings file and of the command line.
    pub made_by: String,
    /// "file", "command" or "page".
    pub source: String,
}

/// What to list; '' and `None` do not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub effect: Option<Effect>,
    pub kind: Option<EntryKind>,
    /// Part of the value, in lower case.
    pub value: String,
    /// Entries of this recipient only.
    pub scope: Option<String>,
    pub made_by: String,
    /// Only those that hold at this moment.
    pub holding_ms: Option<i64>,
    /// Only those that end before.
    pub ending_before_ms: Option<i64>,
    /// Only those that have ended by this moment.
    pub ended_ms: Option<i64>,
    /// Go on after this one.
    pub before: Option<EntryId>,
    pub limit: usize,
}

const COLUMNS: &str = "id, org, effect, kind, value, scope, expires_ms, note, made_ms, made_by, source";

/// Entries, the latest first, and where to go on.
pub async fn list(tx: &mut Tx, scope: OrgScope, filter: &Filter) -> Result<(Vec<Listed>, Option<EntryId>), Error> {
    let limit = filter.limit.clamp(1, LIMIT_MAX);
    let mut args = Vec::new();
    let mut wanted = vec![scope.condition("org", &mut args)];
    let mut add = |condition: &str, value: Value| {
        args.push(value);
        wanted.push(condition.replace("$?", &format!("${}", args.len())));
    };
    if let Some(effect) = filter.effect {
        add("effect = $?", effect.name().into());
    }
    if let Some(kind) = filter.kind {
        add("kind = $?", kind.name().into());
    }
    if !filter.value.is_empty() {
        add("value LIKE $? ESCAPE '!'", like(&filter.value).into());
    }
    if let Some(recipient) = &filter.scope {
        add("scope = $?", recipient.as_str().into());
    }
    if !filter.made_by.is_empty() {
        add("made_by LIKE $? ESCAPE '!'", like(&filter.made_by).into());
    }
    if let Some(now_ms) = filter.holding_ms {
        add("(expires_ms IS NULL OR expires_ms > $?)", now_ms.into());
    }
    if let Some(before_ms) = filter.ending_before_ms {
        add("expires_ms < $?", before_ms.into());
    }
    if let Some(now_ms) = filter.ended_ms {
        add("expires_ms <= $?", now_ms.into());
    }
    if let Some(before) = filter.before {
        add("id < $?", before.0.into());
    }
    add("id > 0 ORDER BY id DESC LIMIT $?", (limit + 1).into());
    let rows = tx.rows(&format!("SELECT {COLUMNS} FROM list_entry WHERE {}", wanted.join(" AND ")), args).await?;
    let mut found: Vec<Listed> = rows.iter().filter_map(|row| listed(row).transpose()).collect::<Result<_, _>>()?;
    let is_more = rows.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|last| EntryId(last.entry.id));
    Ok((found, next))
}

/// A part of a text, as LIKE has it.
fn like(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: EntryId) -> Result<Option<Listed>, Error> {
    let mut args = args![id.0];
    let whose = scope.condition("org", &mut args);
    let row = tx.row(&format!("SELECT {COLUMNS} FROM list_entry WHERE id = $1 AND {whose}"), args).await?;
    row.map(|row| listed(&row)).transpose().map(Option::flatten)
}

/// Other entries that speak about the same value, or about the domain an address is of, newest first.
pub async fn clashing(tx: &mut Tx, org: OrgId, entry: &Entry) -> Result<Vec<Listed>, Error> {
    let domain = entry.value.rsplit_once('@').map_or(entry.value.as_str(), |(_, domain)| domain);
    let sql = format!(
        "SELECT {COLUMNS} FROM list_entry WHERE org = $1 AND id <> $2 AND (value = $3 OR (kind = 'domain' AND value = $4)) \
         ORDER BY id DESC LIMIT {CLASHES_MAX}"
    );
    let rows = tx.rows(&sql, args![org.0, entry.id, entry.value.as_str(), domain]).await?;
    rows.iter().filter_map(|row| listed(row).transpose()).collect()
}

/// Adds an entry whose value and scope were checked.
pub async fn insert(tx: &mut Tx, one: &Listed) -> Result<(), Error> {
    let entry = &one.entry;
    tx.run(
        "INSERT INTO list_entry (id, org, effect, kind, value, scope, expires_ms, note, made_ms, source, made_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            entry.id,
            one.org.0,
            entry.effect.name(),
            entry.kind.name(),
            entry.value.as_str(),
            entry.scope.as_str(),
            entry.expires_ms,
            entry.note.as_str(),
            one.made_ms,
            one.source.as_str(),
            one.made_by.as_str()
        ],
    )
    .await?;
    bump(tx).await
}

/// Moves the end of an entry; false when it is not there, or stands in the settings file.
pub async fn set_end(tx: &mut Tx, scope: OrgScope, id: EntryId, (expires_ms, note): (Option<i64>, &str)) -> Result<bool, Error> {
    let Some(found) = one(tx, scope, id).await? else { return Ok(false) };
    let changed = tx
        .run(
            "UPDATE list_entry SET expires_ms = $1, note = $2, warned_ms = 0 WHERE id = $3 AND org = $4 AND source <> 'file'",
            args![expires_ms, note, id.0, found.org.0],
        )
        .await?;
    bump(tx).await?;
    Ok(changed > 0)
}

/// Ends an entry now. It stays in the list for a while, with what it did.
pub async fn end(tx: &mut Tx, scope: OrgScope, id: EntryId, now_ms: i64) -> Result<bool, Error> {
    match one(tx, scope, id).await? {
        Some(found) if found.entry.expires_ms.is_none_or(|end| end > now_ms) => {
            set_end(tx, scope, id, (Some(now_ms), &found.entry.note)).await
        }
        _ => Ok(false),
    }
}

/// Entries made on pages that end within the span and whose makers were not told yet, for a job; oldest first.
pub async fn ending(tx: &mut Tx, org: OrgId, (from_ms, until_ms): (i64, i64), rows_max: usize) -> Result<Vec<Listed>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM list_entry WHERE org = $1 AND expires_ms > $2 AND expires_ms <= $3 AND warned_ms = 0 AND made_by <> '' \
         ORDER BY id LIMIT $4"
    );
    let rows = tx.rows(&sql, args![org.0, from_ms, until_ms, rows_max]).await?;
    rows.iter().filter_map(|row| listed(row).transpose()).collect()
}

/// Its maker was told that it ends.
pub async fn warned(tx: &mut Tx, org: OrgId, id: EntryId, now_ms: i64) -> Result<(), Error> {
    tx.run("UPDATE list_entry SET warned_ms = $1 WHERE id = $2 AND org = $3", args![now_ms, id.0, org.0]).await.map(|_| ())
}

/// Forgets entries that ended before, and what they did. For a job, over all organisations.
pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.run(
        "DELETE FROM entry_usage WHERE entry IN (SELECT id FROM list_entry WHERE expires_ms < $1 AND source <> 'file')",
        args![before_ms],
    )
    .await?;
    let gone = tx.run("DELETE FROM list_entry WHERE expires_ms < $1 AND source <> 'file'", args![before_ms]).await?;
    if gone > 0 {
        bump(tx).await?;
    }
    Ok(gone)
}

/// What entries did, one row a class, the class by its name. `ids` are few.
pub async fn usage_of(tx: &mut Tx, scope: OrgScope, ids: &[EntryId]) -> Result<Vec<(EntryId, String, Count)>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut args: Vec<Value> = ids.iter().take(LIMIT_MAX).map(|id| Value::Int(id.0)).collect();
    let list: Vec<String> = (1..=args.len()).map(|n| format!("${n}")).collect();
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT entry, class, won, lost, last_ms, won_ms FROM entry_usage WHERE entry IN ({}) AND {whose} LIMIT {USAGE_MAX}",
        list.join(", ")
    );
    let read = |row: &Row| {
        let count = Count { won: row.int(2)?, lost: row.int(3)?, last_ms: row.int(4)?, won_ms: row.int(5)? };
        Ok((EntryId(row.int(0)?), row.text(1)?.to_string(), count))
    };
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

const COUNT: &str = "INSERT INTO entry_usage (org, entry, class, won, lost, last_ms, won_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (entry, class) DO UPDATE SET won = entry_usage.won + excluded.won, lost = entry_usage.lost + excluded.lost, \
     last_ms = excluded.last_ms, won_ms = CASE WHEN excluded.won_ms > entry_usage.won_ms THEN excluded.won_ms ELSE entry_usage.won_ms END";

/// Adds counts.
pub(super) async fn count(tx: &mut Tx, counts: &[(Key, Count)]) -> Result<(), Error> {
    let row = |((org, entry, class), count): &(Key, Count)| {
        (COUNT, args![org.0, entry.0, class.name(), count.won, count.lost, count.last_ms, count.won_ms])
    };
    tx.run_all(counts.iter().map(row).collect()).await
}

/// `None`: written by a newer version.
fn listed(row: &Row) -> Result<Option<Listed>, Error> {
    let (Some(effect), Some(kind)) = (Effect::named(row.text(2)?), EntryKind::named(row.text(3)?)) else { return Ok(None) };
    let entry = Entry {
        id: row.int(0)?,
        effect,
        kind,
        value: row.text(4)?.to_string(),
        scope: row.text(5)?.to_string(),
        expires_ms: row.int_opt(6)?,
        note: row.text(7)?.to_string(),
    };
    Ok(Some(Listed {
        org: OrgId(row.int(1)?),
        entry,
        made_ms: row.int(8)?,
        made_by: row.text(9)?.to_string(),
        source: row.text(10)?.to_string(),
    }))
}
