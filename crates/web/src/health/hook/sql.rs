//! Every statement on webhooks, and who wants letters.

use gateway::dkim::Seal;
use gateway::scope::OrgScope;
use mail::PersonId;
use store::{Error, Row, Tx, Value, args};

/// Hooks of one organisation.
pub const HOOKS_MAX: usize = 20;
/// Hooks that one issue of everybody's reaches.
const REACHED_MAX: usize = 2_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub id: i64,
    pub org: i64,
    /// events, ntfy
    pub kind: String,
    pub url: String,
    /// Sealed as it is read ([`Hook::opened`]); in the clear as it is put.
    pub secret: String,
    /// What came of the last try, and when the next is due; 0 is none.
    pub answer: String,
    pub next_ms: i64,
}

/// Something that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub id: i64,
    pub hook: i64,
    pub org: i64,
    pub kind: String,
    pub url: String,
    /// Sealed; [`Due::secret`] opens it.
    pub sealed: String,
    pub event: String,
    pub tries: i64,
}

/// Somebody who may want letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    pub org: i64,
    pub email: String,
    pub language: String,
    pub settings: String,
}

/// What the secret of a hook is sealed for: rows cannot be swapped.
fn context(hook: i64) -> String {
    format!("webhook {hook}")
}

impl Hook {
    /// With its secret in the clear; "" when it was sealed with another key.
    pub fn opened(self, seal: &Seal) -> Hook {
        let secret = seal.reveal(&self.secret, &context(self.id)).unwrap_or_default();
        Hook { secret, ..self }
    }
}

impl Due {
    /// # Errors
    /// It was sealed with another key.
    pub fn secret(&self, seal: &Seal) -> Result<String, Error> {
        seal.reveal(&self.sealed, &context(self.hook))
    }
}

fn hook(row: &Row) -> Result<Hook, Error> {
    Ok(Hook {
        id: row.int(0)?,
        org: row.int(1)?,
        url: row.text(2)?.into(),
        secret: row.text(3)?.into(),
        answer: row.text_opt(4)?.unwrap_or_default().into(),
        next_ms: row.int_opt(5)?.unwrap_or(0),
        kind: row.text(6)?.into(),
    })
}

/// Hooks of a scope with what came of their last event.
pub async fn hooks(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Hook>, Error> {
    let mut args = vec![];
    let whose = scope.condition("h.org", &mut args);
    args.push(Value::from(HOOKS_MAX));
    let sql = format!(
        "SELECT h.id, h.org, h.url, h.secret, t.answer, t.next_ms, h.kind FROM health_hook h LEFT JOIN health_hook_try t \
         ON t.id = (SELECT max(l.id) FROM health_hook_try l WHERE l.hook = h.id) WHERE {whose} ORDER BY h.id LIMIT ${}",
        args.len()
    );
    tx.rows(&sql, args).await?.iter().map(hook).collect()
}

/// Those that an issue concerns: of its organisation, or everybody's.
pub async fn hooks_for(tx: &mut Tx, org: i64) -> Result<Vec<Hook>, Error> {
    let sql = "SELECT id, org, url, secret, NULL, NULL, kind FROM health_hook WHERE $1 = 0 OR org = $1 OR org = 0 ORDER BY id LIMIT $2";
    tx.rows(sql, args![org, REACHED_MAX]).await?.iter().map(hook).collect()
}

/// Keeps a hook, its secret sealed.
pub async fn put(tx: &mut Tx, seal: &Seal, hook: &Hook, now_ms: i64) -> Result<(), Error> {
    let secret = seal.keep(&hook.secret, &context(hook.id))?;
    let sql = "INSERT INTO health_hook (id, org, url, secret, made_ms, kind) VALUES ($1, $2, $3, $4, $5, $6)";
    tx.run(sql, args![hook.id, hook.org, hook.url.as_str(), secret, now_ms, hook.kind.as_str()]).await.map(drop)
}

/// Whether there was one in this scope.
pub async fn remove(tx: &mut Tx, scope: OrgScope, id: i64) -> Result<bool, Error> {
    let mut args = args![id];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT id FROM health_hook WHERE id = $1 AND {whose}");
    if tx.row(&sql, args).await?.is_none() {
        return Ok(false);
    }
    tx.run("DELETE FROM health_hook_try WHERE hook = $1", args![id]).await?;
    tx.run("DELETE FROM health_hook WHERE id = $1", args![id]).await?;
    Ok(true)
}

pub async fn put_try(tx: &mut Tx, id: i64, hook: &Hook, event: &str, now_ms: i64) -> Result<(), Error> {
    let sql = "INSERT INTO health_hook_try (id, org, hook, event, tries, next_ms, answer) VALUES ($1, $2, $3, $4, 0, $5, '')";
    tx.run(sql, args![id, hook.org, hook.id, event, now_ms]).await.map(drop)
}

/// What is due; due again at `later_ms` if nobody says what came of it.
pub async fn take_due(tx: &mut Tx, now_ms: i64, later_ms: i64, rows_max: usize) -> Result<Vec<Due>, Error> {
    let sql = format!(
        "SELECT t.id, h.url, h.secret, t.event, t.tries, h.kind, h.org, h.id FROM health_hook_try t JOIN health_hook h ON h.id = t.hook \
         WHERE t.next_ms > 0 AND t.next_ms <= $1 ORDER BY t.next_ms LIMIT $2{}",
        tx.skip_locked()
    );
    let rows = tx.rows(&sql, args![now_ms, rows_max]).await?;
    let mut due = Vec::new();
    for row in &rows {
        let one = Due {
            id: row.int(0)?,
            hook: row.int(7)?,
            org: row.int(6)?,
            kind: row.text(5)?.into(),
            url: row.text(1)?.into(),
            sealed: row.text(2)?.into(),
            event: row.text(3)?.into(),
            tries: row.int(4)?,
        };
        tx.run("UPDATE health_hook_try SET next_ms = $1 WHERE id = $2", args![later_ms, one.id]).await?;
        due.push(one);
    }
    Ok(due)
}

pub async fn tried(tx: &mut Tx, id: i64, tries: i64, next_ms: i64, answer: &str) -> Result<(), Error> {
    let sql = "UPDATE health_hook_try SET tries = $1, next_ms = $2, answer = $3 WHERE id = $4";
    tx.run(sql, args![tries, next_ms, answer, id]).await.map(drop)
}

/// People whom an issue concerns and who chose something about the bell.
pub async fn readers(tx: &mut Tx, org: i64, rows_max: usize) -> Result<Vec<Reader>, Error> {
    let sql = "SELECT p.org, p.email, p.language, c.settings FROM bell_choice c JOIN person p ON p.id = c.person \
               WHERE p.is_active = 1 AND ($1 = 0 OR p.org = $1) ORDER BY p.id LIMIT $2";
    let rows = tx.rows(sql, args![org, rows_max]).await?;
    let reader = |row: &Row| {
        Ok(Reader { org: row.int(0)?, email: row.text(1)?.into(), language: row.text(2)?.into(), settings: row.text(3)?.into() })
    };
    rows.iter().map(reader).collect()
}

/// People who chose something about the bell and were not sent the week's letter since then.
pub async fn weekly_due(tx: &mut Tx, before_ms: i64, rows_max: usize) -> Result<Vec<(PersonId, Reader)>, Error> {
    let sql = "SELECT p.org, p.email, p.language, c.settings, p.id FROM bell_choice c JOIN person p ON p.id = c.person \
               LEFT JOIN health_digest d ON d.person = p.id WHERE p.is_active = 1 AND coalesce(d.sent_ms, 0) <= $1 \
               AND c.settings LIKE '%\"weekly\":true%' ORDER BY p.id LIMIT $2";
    let rows = tx.rows(sql, args![before_ms, rows_max]).await?;
    let reader = |row: &Row| {
        let reader = Reader { org: row.int(0)?, email: row.text(1)?.into(), language: row.text(2)?.into(), settings: row.text(3)?.into() };
        Ok((PersonId(row.int(4)?), reader))
    };
    rows.iter().map(reader).collect()
}

/// Notes that a person's week is being told of; false when somebody did so since then.
pub async fn take_week(tx: &mut Tx, person: PersonId, now_ms: i64, before_ms: i64) -> Result<bool, Error> {
    let sql = "INSERT INTO health_digest (person, sent_ms) VALUES ($1, $2) ON CONFLICT (person) DO UPDATE SET sent_ms = excluded.sent_ms \
               WHERE health_digest.sent_ms <= $3";
    Ok(tx.run(sql, args![person.0, now_ms, before_ms]).await? > 0)
}
