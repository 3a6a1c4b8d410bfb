//! Every statement on rules, their hits and what waits for approval.

use super::{RULES_MAX, RuleSettings};
use crate::directory::sql::{FROM_FILE, bump, organisation_id};
use crate::scope::OrgScope;
use mail::id::IdMaker;
use mail::{MailId, OrgId, RuleId};
use std::collections::HashMap;
use store::{Error, Row, Tx, Value, args};

/// Rules of all organisations in memory at most.
const ROWS_MAX: i64 = 100_000;
/// Mails listed of one rule.
pub const HITS_MAX: usize = 200;
/// Held mails listed for one moderator.
pub const WAITING_MAX: usize = 200;

/// A stored rule. `settings.priority` is the present one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    pub id: RuleId,
    pub org: OrgId,
    pub settings: RuleSettings,
    /// "file", "command" or "page".
    pub source: String,
    /// Unix milliseconds.
    pub changed_ms: i64,
}

impl RuleRow {
    /// It stands in the settings file and is changed there.
    pub fn is_of_file(&self) -> bool {
        self.source == FROM_FILE
    }
}

const COLUMNS: &str = "SELECT id, org, name, priority, settings, source, changed_ms FROM rule";

fn read(row: &Row) -> Result<RuleRow, Error> {
    // Written by a newer version: it stays in the list, does nothing and says that it cannot be used.
    let mut settings: RuleSettings = serde_json::from_str(row.text(4)?).unwrap_or_default();
    settings.name = row.text(2)?.to_string();
    settings.priority = row.int(3)?;
    Ok(RuleRow { id: RuleId(row.int(0)?), org: OrgId(row.int(1)?), settings, source: row.text(5)?.to_string(), changed_ms: row.int(6)? })
}

/// Those of the settings file come first, then by priority.
fn in_order(mut rows: Vec<RuleRow>) -> Vec<RuleRow> {
    rows.sort_by_key(|row| (row.org, !row.is_of_file(), row.settings.priority, row.id));
    rows
}

/// The rules of a scope in the order they are looked at.
pub async fn list(tx: &mut Tx, scope: OrgScope) -> Result<Vec<RuleRow>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let rows = tx.rows(&format!("{COLUMNS} WHERE {whose} ORDER BY org, priority, id LIMIT {ROWS_MAX}"), args).await?;
    Ok(in_order(rows.iter().map(read).collect::<Result<_, _>>()?))
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: RuleId) -> Result<Option<RuleRow>, Error> {
    let mut args = args![id.0];
    let whose = scope.condition("org", &mut args);
    tx.row(&format!("{COLUMNS} WHERE id = $1 AND {whose}"), args).await?.as_ref().map(read).transpose()
}

/// What [`put`] made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    Done,
    /// Another rule of the organisation has this name.
    NameTaken,
    /// There are as many as there may be.
    Full,
}

/// Inserts a rule behind all others (at `settings.priority` when it is of the file), or changes the one with this id.
pub async fn put(tx: &mut Tx, row: &RuleRow) -> Result<Put, Error> {
    let taken = tx.row("SELECT id FROM rule WHERE org = $1 AND name = $2", args![row.org.0, row.settings.name.as_str()]).await?;
    if let Some(taken) = taken
        && taken.int(0)? != row.id.0
    {
        return Ok(Put::NameTaken);
    }
    let known = one(tx, OrgScope::One(row.org), row.id).await?;
    let counted = tx.row("SELECT COUNT(*), COALESCE(MAX(priority), -1) FROM rule WHERE org = $1", args![row.org.0]).await?;
    let (count, last) = counted.map_or(Ok((0, -1)), |row| Ok::<_, Error>((row.int(0)?, row.int(1)?)))?;
    if known.is_none() && count >= RULES_MAX as i64 {
        return Ok(Put::Full);
    }
    let priority = match (&known, row.is_of_file()) {
        (_, true) => row.settings.priority,
        (Some(known), _) => known.settings.priority,
        (None, _) => last + 1,
    };
    let settings = serde_json::to_string(&row.settings).map_err(|why| Error::Shape(format!("writing a rule: {why}")))?;
    tx.run(
        "INSERT INTO rule (id, org, name, priority, settings, source, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, priority = excluded.priority, settings = excluded.settings, \
         source = excluded.source, changed_ms = excluded.changed_ms",
        args![row.id.0, row.org.0, row.settings.name.as_str(), priority, settings, row.source.as_str(), row.changed_ms],
    )
    .await?;
    bump(tx).await?;
    Ok(Put::Done)
}

/// Removes a rule and what it hit; false when there is none in this scope, or when it stands in the settings file.
pub async fn delete(tx: &mut Tx, scope: OrgScope, id: RuleId) -> Result<bool, Error> {
    let Some(rule) = one(tx, scope, id).await?.filter(|row| !row.is_of_file()) else { return Ok(false) };
    tx.run("DELETE FROM rule WHERE id = $1 AND org = $2", args![id.0, rule.org.0]).await?;
    tx.run("DELETE FROM rule_hit WHERE rule = $1", args![id.0]).await?;
    bump(tx).await?;
    Ok(true)
}

/// Moves a rule to this place (0 is first) among those that are not of the settings file; the place it now has, `None` when there is no
/// such rule to move.
pub async fn move_to(tx: &mut Tx, scope: OrgScope, id: RuleId, place: usize) -> Result<Option<usize>, Error> {
    let Some(moved) = one(tx, scope, id).await?.filter(|row| !row.is_of_file()) else { return Ok(None) };
    let mut ids: Vec<RuleId> =
        list(tx, OrgScope::One(moved.org)).await?.into_iter().filter(|row| !row.is_of_file() && row.id != id).map(|row| row.id).collect();
    let place = place.min(ids.len());
    ids.insert(place, id);
    for (priority, id) in ids.iter().enumerate() {
        tx.run("UPDATE rule SET priority = $1 WHERE id = $2 AND org = $3 AND priority <> $1", args![priority, id.0, moved.org.0]).await?;
    }
    bump(tx).await?;
    Ok(Some(place))
}

/// Replaces the rules of the settings file; one with the same name keeps its identifier, and with it what it hit.
pub async fn apply_file(tx: &mut Tx, rules: &[RuleSettings], ids: &IdMaker, now_ms: i64) -> Result<(), Error> {
    let before = tx.rows("SELECT id, org, name FROM rule WHERE source = $1", args![FROM_FILE]).await?;
    let mut known: HashMap<(i64, String), i64> = HashMap::new();
    for row in &before {
        known.insert((row.int(1)?, row.text(2)?.to_string()), row.int(0)?);
    }
    tx.run("DELETE FROM rule WHERE source = $1", args![FROM_FILE]).await?;
    for settings in rules {
        let org = organisation_id(tx, &settings.organisation).await?;
        let id = known.get(&(org.0, settings.name.clone())).copied().unwrap_or_else(|| ids.next(now_ms));
        let row = RuleRow { id: RuleId(id), org, settings: settings.clone(), source: FROM_FILE.into(), changed_ms: now_ms };
        match put(tx, &row).await? {
            Put::Done => {}
            Put::NameTaken => return Err(Error::Exists(format!("rule “{}”", settings.name))),
            Put::Full => return Err(Error::Statement(format!("an organisation has at most {RULES_MAX} rules"))),
        }
    }
    Ok(())
}

/// One statement that notes the hit of a rule, for the transaction of its mail.
pub fn hit(rule: RuleId, mail: MailId, org: OrgId, mode: &'static str) -> (&'static str, Vec<Value>) {
    (
        "INSERT INTO rule_hit (rule, mail, org, mode) VALUES ($1, $2, $3, $4) ON CONFLICT (rule, mail) DO NOTHING",
        args![rule.0, mail.0, org.0, mode],
    )
}

/// How often each rule of a scope applied to mails from `since` on.
pub async fn hits(tx: &mut Tx, scope: OrgScope, since: MailId) -> Result<HashMap<RuleId, i64>, Error> {
    let mut args = args![since.0];
    let whose = scope.condition("org", &mut args);
    let rows = tx.rows(&format!("SELECT rule, COUNT(*) FROM rule_hit WHERE mail >= $1 AND {whose} GROUP BY rule"), args).await?;
    rows.iter().map(|row| Ok((RuleId(row.int(0)?), row.int(1)?))).collect()
}

/// A mail that a rule applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitRow {
    pub mail: MailId,
    pub mode: String,
    pub sender: String,
    pub subject: String,
}

/// The newest mails that a rule applied to.
pub async fn hit_mails(tx: &mut Tx, scope: OrgScope, rule: RuleId) -> Result<Vec<HitRow>, Error> {
    let mut args = args![rule.0];
    let whose = scope.condition("h.org", &mut args);
    let sql = format!(
        "SELECT h.mail, h.mode, m.sender, m.subject FROM rule_hit h JOIN mail m ON m.id = h.mail WHERE h.rule = $1 AND {whose} \
         ORDER BY h.mail DESC LIMIT {HITS_MAX}"
    );
    let rows = tx.rows(&sql, args).await?;
    let read = |row: &Row| {
        let (mode, sender, subject) = (row.text(1)?.to_string(), row.text(2)?.to_string(), row.text(3)?.to_string());
        Ok(HitRow { mail: MailId(row.int(0)?), mode, sender, subject })
    };
    rows.iter().map(read).collect()
}

/// One statement that says who may approve a held recipient.
pub fn await_approval(mail: MailId, n: i64, org: OrgId, moderator: &str, rule: &str) -> (&'static str, Vec<Value>) {
    (
        "INSERT INTO moderation (mail, n, org, moderator, rule) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (mail, n, moderator) DO NOTHING",
        args![mail.0, n, org.0, moderator, rule],
    )
}

/// A held recipient that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRow {
    pub mail: MailId,
    pub n: i64,
    pub org: OrgId,
    pub rule: String,
    pub sender: String,
    pub recipient: String,
    pub subject: String,
    /// Unix milliseconds until which it is held.
    pub until_ms: i64,
}

/// What waits for this moderator (address key), newest first; with `mail` only that one.
pub async fn waiting(tx: &mut Tx, scope: OrgScope, moderator: &str, mail: Option<MailId>) -> Result<Vec<WaitingRow>, Error> {
    let mut args = args![moderator];
    let whose = scope.condition("w.org", &mut args);
    let only = mail.map_or_else(String::new, |mail| {
        args.push(Value::Int(mail.0));
        format!(" AND w.mail = ${}", args.len())
    });
    let sql = format!(
        "SELECT w.mail, w.n, w.org, w.rule, m.sender, r.address, m.subject, r.next_ms FROM moderation w \
         JOIN recipient r ON r.mail = w.mail AND r.n = w.n JOIN mail m ON m.id = w.mail \
         WHERE w.moderator = $1 AND r.state = 'held' AND {whose}{only} ORDER BY w.mail DESC, w.n LIMIT {WAITING_MAX}"
    );
    let rows = tx.rows(&sql, args).await?;
    let read = |row: &Row| {
        Ok(WaitingRow {
            mail: MailId(row.int(0)?),
            n: row.int(1)?,
            org: OrgId(row.int(2)?),
            rule: row.text(3)?.to_string(),
            sender: row.text(4)?.to_string(),
            recipient: row.text(5)?.to_string(),
            subject: row.text(6)?.to_string(),
            until_ms: row.int(7)?,
        })
    };
    rows.iter().map(read).collect()
}

/// All rules for the directory's snapshot.
pub(crate) async fn for_directory(tx: &mut Tx) -> Result<Vec<(RuleId, OrgId, RuleSettings, String)>, Error> {
    Ok(list(tx, OrgScope::All).await?.into_iter().map(|row| (row.id, row.org, row.settings, row.source)).collect())
}
