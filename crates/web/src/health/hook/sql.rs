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
    /// What it hears of, with blanks between.
    pub topics: String,
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
    /// Whether it is to be told of this topic.
    pub fn hears(&self, topic: &str) -> bool {
        self.topics.split_whitespace().any(|one| one == topic)
    }

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
        topics: row.text(7)?.into(),
    })
}

/// Hooks of a scope with what came of their last event.
pub async fn hooks(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Hook>, Error> {
    let mut args = vec![];
    let whose = scope.condition("h.org", &mut args);
    args.push(Value::from(HOOKS_MAX));
    let sql = format!(
        "SELECT h.id, h.org, h.url, h.secret, t.answer, t.next_ms, h.kind, h.topics FROM health_hook h LEFT JOIN health_hook_try t \
         ON t.id = (SELECT max(l.id) FROM health_hook_try l WHERE l.hook = h.id) WHERE {whose} ORDER BY h.id LIMIT ${}",
        args.len()
    );
    tx.rows(&sql, args).await?.iter().map(hook).collect()
}

/// Those that an issue concerns: of its organisation, or everybody's.
pub async fn hooks_for(tx: &mut Tx, org: i64) -> Result<Vec<Hook>, Error> {
    let sql = "SELECT id, org, url, secret, NULL, NULL, kind, topics FROM health_hook WHERE ($1 = 0 OR org = $1 OR org = 0) \
               AND topics LIKE '%health%' ORDER BY id LIMIT $2";
    tx.rows(sql, args![org, REACHED_MAX]).await?.iter().map(hook).collect()
}

/// Keeps a hook, its secret sealed. The first one that hears of more than health begins with the present.
pub async fn put(tx: &mut Tx, seal: &Seal, hook: &Hook, now_ms: i64) -> Result<(), Error> {
    if hook.topics != "health" && beyond_health(tx).await?.is_empty() {
        tx.run("DELETE FROM health_hook_feed", vec![]).await?;
    }
    let secret = seal.keep(&hook.secret, &context(hook.id))?;
    let sql = "INSERT INTO health_hook (id, org, url, secret, made_ms, kind, topics) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    tx.run(sql, args![hook.id, hook.org, hook.url.as_str(), secret, now_ms, hook.kind.as_str(), hook.topics.as_str()]).await.map(drop)
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

/// Signed hooks that hear of more than health.
pub async fn beyond_health(tx: &mut Tx) -> Result<Vec<Hook>, Error> {
    let sql = "SELECT id, org, url, secret, NULL, NULL, kind, topics FROM health_hook WHERE topics <> 'health' AND kind = 'events' ORDER BY id LIMIT $1";
    tx.rows(sql, args![REACHED_MAX]).await?.iter().map(hook).collect()
}

/// Up to which row a source was told; `None`: nobody looked at it yet.
pub async fn place(tx: &mut Tx, source: &str) -> Result<Option<i64>, Error> {
    tx.row("SELECT last_id FROM health_hook_feed WHERE source = $1", args![source]).await?.map(|row| row.int(0)).transpose()
}

/// A new source begins there.
pub async fn begin_place(tx: &mut Tx, source: &str, last_id: i64) -> Result<(), Error> {
    tx.run("INSERT INTO health_hook_feed (source, last_id) VALUES ($1, $2) ON CONFLICT (source) DO NOTHING", args![source, last_id])
        .await
        .map(drop)
}

/// Goes on from one row to another; false: another server did so since.
pub async fn move_place(tx: &mut Tx, source: &str, (from, to): (i64, i64)) -> Result<bool, Error> {
    let sql = "UPDATE health_hook_feed SET last_id = $1 WHERE source = $2 AND last_id = $3";
    Ok(tx.run(sql, args![to, source, from]).await? > 0)
}

/// A mail as a hook is told of it.
pub struct MailRow {
    pub id: i64,
    pub org: i64,
    pub direction: String,
    pub peer: String,
    pub sender: String,
    pub message_id: String,
    pub verdict: String,
}

pub async fn mails_between(tx: &mut Tx, after: i64, until: i64, rows_max: usize) -> Result<Vec<MailRow>, Error> {
    let sql = "SELECT id, org, direction, peer_ip, sender, message_id, verdict FROM mail WHERE id > $1 AND id < $2 AND org > 0 ORDER BY id LIMIT $3";
    let read = |row: &Row| {
        Ok(MailRow {
            id: row.int(0)?,
            org: row.int(1)?,
            direction: row.text(2)?.into(),
            peer: row.text(3)?.into(),
            sender: row.text(4)?.into(),
            message_id: row.text(5)?.into(),
            verdict: row.text(6)?.into(),
        })
    };
    tx.rows(sql, args![after, until, rows_max]).await?.iter().map(read).collect()
}

/// Recipients of a mail that one event names.
const RECIPIENTS_MAX: usize = 100;

/// Address and state of each recipient.
pub async fn outcomes(tx: &mut Tx, mail: i64) -> Result<Vec<(String, String)>, Error> {
    let rows = tx.rows("SELECT address, state FROM recipient WHERE mail = $1 ORDER BY n LIMIT $2", args![mail, RECIPIENTS_MAX]).await?;
    rows.iter().map(|row| Ok((row.text(0)?.into(), row.text(1)?.into()))).collect()
}

/// A line of the log of changes.
pub struct Noted {
    pub id: i64,
    pub org: i64,
    pub action: String,
    pub who: String,
    pub subject: String,
    pub detail: String,
}

/// What was done with held mail.
pub async fn noted_between(tx: &mut Tx, after: i64, until: i64, rows_max: usize) -> Result<Vec<Noted>, Error> {
    let sql = "SELECT id, org, action, who, subject, detail FROM audit WHERE id > $1 AND id < $2 AND org > 0 AND action LIKE 'quarantine.%' \
               AND action NOT IN ('quarantine.read', 'quarantine.download') ORDER BY id LIMIT $3";
    let read = |row: &Row| {
        Ok(Noted {
            id: row.int(0)?,
            org: row.int(1)?,
            action: row.text(2)?.into(),
            who: row.text(3)?.into(),
            subject: row.text(4)?.into(),
            detail: row.text(5)?.into(),
        })
    };
    tx.rows(sql, args![after, until, rows_max]).await?.iter().map(read).collect()
}

/// Something that both sides of a request see.
pub struct Said {
    pub id: i64,
    pub org: i64,
    pub request: i64,
    pub kind: String,
    pub side: String,
    pub state: String,
    pub severity: String,
    pub title: String,
}

pub async fn said_between(tx: &mut Tx, after: i64, until: i64, rows_max: usize) -> Result<Vec<Said>, Error> {
    let sql = "SELECT e.id, e.org, e.request, e.kind, e.side, r.state, r.severity, r.title FROM request_event e JOIN service_request r ON r.id = e.request \
               WHERE e.id > $1 AND e.id < $2 AND e.is_internal = 0 ORDER BY e.id LIMIT $3";
    let read = |row: &Row| {
        Ok(Said {
            id: row.int(0)?,
            org: row.int(1)?,
            request: row.int(2)?,
            kind: row.text(3)?.into(),
            side: row.text(4)?.into(),
            state: row.text(5)?.into(),
            severity: row.text(6)?.into(),
            title: row.text(7)?.into(),
        })
    };
    tx.rows(sql, args![after, until, rows_max]).await?.iter().map(read).collect()
}

/// One event in the log of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub id: i64,
    /// JSON that was sent.
    pub event: String,
    pub tries: i64,
    pub next_ms: i64,
    pub answer: String,
}

/// Events in the log of one hook, newest first.
pub const LOG_SHOWN_MAX: usize = 100;

/// The log of a hook of this scope; `None`: there is no such hook.
pub async fn log(tx: &mut Tx, scope: OrgScope, id: i64) -> Result<Option<(Hook, Vec<Sent>)>, Error> {
    let Some(hook) = hooks(tx, scope).await?.into_iter().find(|hook| hook.id == id) else { return Ok(None) };
    let sql = "SELECT id, event, tries, next_ms, answer FROM health_hook_try WHERE hook = $1 ORDER BY id DESC LIMIT $2";
    let read = |row: &Row| {
        Ok::<_, Error>(Sent {
            id: row.int(0)?,
            event: row.text(1)?.into(),
            tries: row.int(2)?,
            next_ms: row.int(3)?,
            answer: row.text(4)?.into(),
        })
    };
    let sent = tx.rows(sql, args![id, LOG_SHOWN_MAX]).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Some((hook, sent)))
}

/// Sends one event again, with all its tries; false: there is none in this scope.
pub async fn again(tx: &mut Tx, scope: OrgScope, (hook, sent): (i64, i64), now_ms: i64) -> Result<bool, Error> {
    let mut args = args![now_ms, sent, hook];
    let whose = scope.condition("org", &mut args);
    let sql = format!("UPDATE health_hook_try SET next_ms = $1, tries = 0 WHERE id = $2 AND hook = $3 AND {whose} RETURNING id");
    Ok(tx.row(&sql, args).await?.is_some())
}

/// Takes old events that are done with out of the log.
pub async fn forget_tries(tx: &mut Tx, before: i64, rows_max: usize) -> Result<(), Error> {
    let sql = "DELETE FROM health_hook_try WHERE id IN (SELECT id FROM health_hook_try WHERE id < $1 AND next_ms = 0 ORDER BY id LIMIT $2)";
    tx.run(sql, args![before, rows_max]).await.map(drop)
}
