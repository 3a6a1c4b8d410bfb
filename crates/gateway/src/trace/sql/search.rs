//! The statements behind a search. The text follows the query; values are always bound.

use super::{EVENT_COLUMNS, IS_REFUSAL, IS_REST, event};
use crate::scope::OrgScope;
use crate::trace::api::{MailBody, RECIPIENTS_SHOWN_MAX, RecipientBody};
use crate::trace::event::{Event, first_id_at, time_of};
use crate::trace::search::Query;
use mail::{MailId, OrgId};
use std::collections::HashMap;
use store::{Error, Row, Tx, Value, args};

/// Identifiers from `from` on and under `under`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: MailId,
    pub under: MailId,
}

impl Window {
    /// All that the times and the cursor of a query leave.
    pub fn newest(query: &Query) -> Window {
        let until = query.until_ms.map_or(MailId(i64::MAX), first_id_at);
        let under = query.before.map_or(until, |before| before.min(until));
        let from = first_id_at(query.since_ms.unwrap_or(0));
        match query.mail {
            Some(mail) => Window { from: from.max(mail), under: under.min(MailId(mail.0.saturating_add(1))) },
            None => Window { from, under },
        }
    }

    /// What lies below this one. The lower end of the whole search is asked for again by [`next_window`].
    pub fn below(self) -> Window {
        Window { from: MailId(0), under: self.from }
    }
}

/// Where a search walks: along all mails, those of one recipient, those with a recipient in a rare state, or the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    Mails,
    Recipient,
    State,
    /// Short enough to be looked through as a whole.
    Queue,
}

/// Queued recipients that are looked through as a whole; of a longer queue enough stands among the newest mails.
const QUEUE_SHORT: usize = 10_000;

/// The shortest way to what is asked for.
pub async fn along(tx: &mut Tx, query: &Query) -> Result<Along, Error> {
    let is_address = query.recipient.as_ref().is_some_and(|recipient| !recipient.starts_with('@'));
    match query.state.as_deref() {
        _ if is_address => Ok(Along::Recipient),
        Some("held" | "bounced" | "deleted" | "expired") => Ok(Along::State),
        Some("queued") => {
            let sql = format!("SELECT 1 FROM recipient WHERE state = 'queued' LIMIT 1 OFFSET {QUEUE_SHORT}");
            Ok(if tx.row(&sql, args![]).await?.is_none() { Along::Queue } else { Along::Mails })
        }
        _ => Ok(Along::Mails),
    }
}

impl Along {
    /// Key and organisation, of recipients and of mails. The sign keeps the planner from walking along the mails.
    fn columns(self) -> (&'static str, &'static str) {
        match self {
            Along::Mails => ("m.id", "m.org"),
            Along::Recipient | Along::State => ("r.mail", "r.org"),
            Along::Queue => ("+r.mail", "r.org"),
        }
    }

    /// What makes a row one of this way, behind "AND"; binds what it needs.
    fn condition(self, query: &Query, args: &mut Vec<Value>) -> String {
        let mut bound = |value: &Option<String>| {
            args.push(value.as_deref().unwrap_or_default().into());
            args.len()
        };
        match self {
            Along::Mails => String::new(),
            Along::Recipient => format!(" AND r.address = ${}", bound(&query.recipient)),
            Along::State => format!(" AND {IS_REST} AND r.state = ${}", bound(&query.state)),
            Along::Queue => " AND r.state = 'queued'".into(),
        }
    }
}

/// The next part of `rest` that holds at most `rows_max` rows, newest first; `None` when nothing is left.
pub async fn next_window(
    tx: &mut Tx,
    scope: OrgScope,
    (query, along): (&Query, Along),
    rest: &Window,
    rows_max: usize,
) -> Result<Option<Window>, Error> {
    let lowest = Window::newest(query).from.max(rest.from);
    if lowest >= rest.under {
        return Ok(None);
    }
    // Not joined with mail: an index of recipients alone says where the window ends.
    let from = match along {
        Along::Mails => "mail m",
        Along::Recipient | Along::State => "recipient r",
        Along::Queue => return Ok(Some(Window { from: lowest, under: rest.under })),
    };
    let (key, org) = along.columns();
    let mut args = args![rest.under.0, lowest.0];
    let whose = scope.condition(org, &mut args);
    let way = along.condition(query, &mut args);
    let sql = format!(
        "SELECT {key} FROM {from} WHERE {key} < $1 AND {key} >= $2 AND {whose}{way} ORDER BY {key} DESC LIMIT 1 OFFSET {}",
        rows_max - 1
    );
    let end = tx.row(&sql, args).await?.map(|row| row.int(0)).transpose()?;
    Ok(Some(Window { from: end.map_or(lowest, MailId), under: rest.under }))
}

/// Identifiers and subjects of mails in a window, newest first. Without a word for the subject at most `rows_max`; with one all that
/// the database does not rule out, since only the caller can tell which count.
pub async fn matches(
    tx: &mut Tx,
    scope: OrgScope,
    (query, along): (&Query, Along),
    window: &Window,
    rows_max: usize,
) -> Result<Vec<(MailId, String)>, Error> {
    let (key, org) = along.columns();
    let mut args = args![window.under.0, window.from.0];
    let mut conditions = format!("{key} < $1 AND {key} >= $2 AND {}", scope.condition(org, &mut args));
    conditions += &along.condition(query, &mut args);
    for (column, operator, value) in filters(query) {
        args.push(value);
        conditions += &format!(" AND {column} {operator} ${}", args.len());
        if operator == "LIKE" {
            conditions += " ESCAPE '!'";
        }
    }
    if let (Some(state), Along::Mails | Along::Recipient) = (&query.state, along) {
        args.push(state.as_str().into());
        conditions += &match along {
            Along::Recipient => format!(" AND r.state = ${}", args.len()),
            _ => format!(" AND EXISTS (SELECT 1 FROM recipient s WHERE s.mail = m.id AND s.state = ${})", args.len()),
        };
    }
    if let (Some(domain), Along::Mails | Along::State | Along::Queue) = (&query.recipient, along) {
        args.push(format!("%{}", escaped(&domain.to_lowercase())).into());
        conditions += &format!(" AND EXISTS (SELECT 1 FROM recipient d WHERE d.mail = m.id AND d.address LIKE ${} ESCAPE '!')", args.len());
    }
    let limit = if query.subject.is_some() { String::new() } else { format!(" LIMIT {rows_max}") };
    // One mail may have several recipients that match.
    let (from, distinct) = match along {
        Along::Mails => ("mail m", ""),
        _ => ("recipient r JOIN mail m ON m.id = r.mail", "DISTINCT "),
    };
    let sql = format!("SELECT {distinct}m.id, m.subject FROM {from} WHERE {conditions} ORDER BY m.id DESC{limit}");
    tx.rows(&sql, args).await?.iter().map(|row| Ok((MailId(row.int(0)?), row.text(1)?.to_string()))).collect()
}

/// The pattern of LIKE for `lower(…)` that rules out no text with this word; `None` where the databases may not agree with us on small
/// letters: SQLite knows those of ASCII only, PostgreSQL those of its locale.
pub(crate) fn containing(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    is_plain(&word).then(|| format!("%{}%", escaped(&word)))
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii() || (c.to_lowercase().eq([c]) && c.to_uppercase().eq([c])))
}

/// `(column, operator, value)` of what the database can compare.
fn filters(query: &Query) -> Vec<(&'static str, &'static str, Value)> {
    let mut filters = Vec::new();
    if let Some(mail) = query.mail {
        filters.push(("m.id", "=", mail.0.into()));
    }
    if let Some(pattern) = query.subject.as_deref().and_then(containing) {
        filters.push(("lower(m.subject)", "LIKE", pattern.into()));
    }
    match query.sender.as_deref() {
        Some(sender) if sender.starts_with('@') => {
            filters.push(("m.sender", "LIKE", format!("%{}", escaped(&sender.to_lowercase())).into()))
        }
        Some(sender) => filters.push(("m.sender", "=", sender.into())),
        None => {}
    }
    if let Some(id) = &query.message_id {
        let bare = id.trim().trim_start_matches('<').trim_end_matches('>');
        filters.push(("m.message_id", "=", format!("<{bare}>").into()));
    }
    if let Some(ip) = query.ip {
        filters.push(("m.peer_ip", "=", ip.to_string().into()));
    }
    if let Some(verdict) = &query.verdict {
        filters.push(("m.verdict", "=", verdict.as_str().into()));
    }
    filters
}

/// For LIKE with `!` as its escape.
fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// The oldest mail that is kept.
pub async fn oldest(tx: &mut Tx, scope: OrgScope) -> Result<Option<MailId>, Error> {
    let mut args = Vec::new();
    let whose = scope.condition("org", &mut args);
    let row = tx.row(&format!("SELECT min(id) FROM mail WHERE {whose}"), args).await?;
    Ok(row.map(|row| row.int_opt(0)).transpose()?.flatten().map(MailId))
}

/// The mails with these identifiers, in this order, as a list shows them.
pub async fn mails(tx: &mut Tx, scope: OrgScope, ids: &[MailId]) -> Result<Vec<MailBody>, Error> {
    let mut found: HashMap<MailId, MailBody> = HashMap::new();
    for chunk in ids.chunks(100) {
        let mut args: Vec<Value> = chunk.iter().map(|id| Value::Int(id.0)).collect();
        let list: Vec<String> = (1..=chunk.len()).map(|n| format!("${n}")).collect();
        let whose = scope.condition("org", &mut args);
        let sql = format!(
            "SELECT id, org, direction, peer_ip, sender, message_id, subject, octets, verdict, recipients FROM mail \
             WHERE id IN ({}) AND {whose}",
            list.join(", ")
        );
        for row in tx.rows(&sql, args.clone()).await? {
            let body = mail(&row)?;
            found.insert(body.mail, body);
        }
        let sql = format!(
            "SELECT {RECIPIENT_COLUMNS}, mail FROM recipient WHERE mail IN ({}) AND {whose} AND n < {RECIPIENTS_SHOWN_MAX} ORDER BY mail, n",
            list.join(", ")
        );
        for row in tx.rows(&sql, args).await? {
            if let Some(mail) = found.get_mut(&MailId(row.int(8)?)) {
                mail.recipients.push(recipient(&row)?);
            }
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// All recipients of one mail in order, at most `rows_max`: lists show the first [`RECIPIENTS_SHOWN_MAX`] only.
pub async fn recipients_of(tx: &mut Tx, scope: OrgScope, mail: MailId, rows_max: usize) -> Result<Vec<RecipientBody>, Error> {
    let mut args = args![mail.0];
    let whose = scope.condition("org", &mut args);
    args.push(rows_max.into());
    let sql = format!("SELECT {RECIPIENT_COLUMNS} FROM recipient WHERE mail = $1 AND {whose} ORDER BY n LIMIT ${}", args.len());
    tx.rows(&sql, args).await?.iter().map(recipient).collect()
}

/// Where each recipient of these mails was delivered to, by mail and address: what the event calls its hop.
pub async fn hops_of(tx: &mut Tx, scope: OrgScope, ids: &[MailId]) -> Result<HashMap<(MailId, String), String>, Error> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(100) {
        let mut args: Vec<Value> = chunk.iter().map(|id| Value::Int(id.0)).collect();
        let list: Vec<String> = (1..=chunk.len()).map(|n| format!("${n}")).collect();
        let whose = scope.condition("org", &mut args);
        let sql = format!(
            "SELECT mail, recipient, detail FROM event WHERE mail IN ({}) AND mail > 0 AND kind IN ('delivered', 'handed-back') AND {whose} \
             ORDER BY id LIMIT {HOPS_MAX}",
            list.join(", ")
        );
        for row in tx.rows(&sql, args).await? {
            let detail: serde_json::Value = serde_json::from_str(row.text(2)?).unwrap_or_default();
            let hop = detail["hop"].as_str().unwrap_or_default().to_string();
            found.insert((MailId(row.int(0)?), row.text(1)?.to_string()), hop);
        }
    }
    Ok(found)
}

/// Deliveries that [`hops_of`] reads for a hundred mails.
const HOPS_MAX: usize = 20_000;

const RECIPIENT_COLUMNS: &str = "n, address, original, state, tries, next_ms, last_reply, settled_ms";

fn mail(row: &Row) -> Result<MailBody, Error> {
    let id = MailId(row.int(0)?);
    Ok(MailBody {
        mail: id,
        org: OrgId(row.int(1)?),
        at_ms: time_of(id),
        direction: row.text(2)?.into(),
        peer_ip: row.text(3)?.into(),
        sender: row.text(4)?.into(),
        message_id: row.text(5)?.into(),
        subject: row.text(6)?.into(),
        octets: row.int(7)?,
        verdict: row.text(8)?.into(),
        recipients: Vec::new(),
        recipients_count: row.int(9)?,
    })
}

fn recipient(row: &Row) -> Result<RecipientBody, Error> {
    let state = row.text(3)?.to_string();
    let is_open = matches!(state.as_str(), "queued" | "held");
    Ok(RecipientBody {
        n: row.int(0)?,
        address: row.text(1)?.into(),
        original: row.text(2)?.into(),
        tries: row.int(4)?,
        next_ms: is_open.then(|| row.int(5)).transpose()?,
        last_reply: row.text(6)?.into(),
        settled_ms: row.int_opt(7)?,
        state,
    })
}

/// Refusals with identifiers from `since` on and under `under`, newest first.
pub async fn refusals(tx: &mut Tx, since: i64, under: i64, rows_max: usize) -> Result<Vec<Event>, Error> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM event WHERE {IS_REFUSAL} AND id >= $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    tx.rows(&sql, args![since, under, rows_max]).await?.iter().map(event).collect()
}
