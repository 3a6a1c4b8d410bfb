//! Every statement on the audit log. Lines are added and read; a trigger of the database refuses anything else.

use super::{Entry, Line, Query};
use gateway::scope::OrgScope;
use mail::id::AuditId;
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, Value, args};

/// Who did it, as known at that time.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    pub person: PersonId,
    pub address: &'a str,
    pub ip: &'a str,
}

pub async fn insert(tx: &mut Tx, who: Who<'_>, id: i64, entry: &Entry) -> Result<(), Error> {
    tx.run(
        "INSERT INTO audit (id, org, person, who, ip, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            id,
            entry.org.map_or(0, |org| org.0),
            who.person.0,
            who.address,
            who.ip,
            entry.action,
            entry.subject.as_str(),
            entry.detail.to_string()
        ],
    )
    .await
    .map(|_| ())
}

const LINE: &str = "SELECT id, org, person, who, ip, action, subject, detail FROM audit";

fn line(row: &Row) -> Result<Line, Error> {
    Ok(Line {
        id: AuditId(row.int(0)?),
        org: Some(row.int(1)?).filter(|org| *org != 0).map(OrgId),
        person: Some(row.int(2)?).filter(|person| *person != 0).map(PersonId),
        who: row.text(3)?.to_string(),
        ip: row.text(4)?.to_string(),
        action: row.text(5)?.to_string(),
        subject: row.text(6)?.to_string(),
        detail: serde_json::from_str(row.text(7)?).unwrap_or_default(),
    })
}

/// Lines of the scope, newest first; one more than `limit` when there is more.
pub async fn list(tx: &mut Tx, scope: OrgScope, query: &Query) -> Result<Vec<Line>, Error> {
    let (wanted, mut values) = conditions(scope, query);
    values.push(Value::from(query.limit + 1));
    let statement = format!("{LINE} WHERE {wanted} ORDER BY id DESC LIMIT ${}", values.len());
    tx.rows(&statement, values).await?.iter().map(line).collect()
}

/// Lines of the scope behind `after`, oldest first, at most `limit`.
pub async fn onward(tx: &mut Tx, scope: OrgScope, query: &Query, after: AuditId) -> Result<Vec<Line>, Error> {
    let (wanted, mut values) = conditions(scope, query);
    values.extend([Value::from(after.0), Value::from(query.limit)]);
    let at = values.len();
    let statement = format!("{LINE} WHERE {wanted} AND id > ${} ORDER BY id LIMIT ${at}", at - 1);
    tx.rows(&statement, values).await?.iter().map(line).collect()
}

/// Lines of everybody behind `after` and before `until`, oldest first, at most `limit`; the caller keeps them apart by organisation.
pub async fn between(tx: &mut Tx, after: i64, until: i64, limit: usize) -> Result<Vec<Line>, Error> {
    let statement = format!("{LINE} WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3");
    tx.rows(&statement, args![after, until, limit]).await?.iter().map(line).collect()
}

/// What makes a line one that is asked for, with the values it names.
fn conditions(scope: OrgScope, query: &Query) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = Vec::new();
    let mut wanted = vec![scope.condition("org", &mut values)];
    let mut put = |condition: &str, value: Value| {
        values.push(value);
        wanted.push(condition.replace('?', &format!("${}", values.len())));
    };
    let contains = |text: &str| Value::from(format!("%{}%", crate::people::sql::escaped(&text.to_lowercase())));
    if let Some(who) = &query.who {
        put("LOWER(who) LIKE ? ESCAPE '!'", contains(who));
    }
    if let Some(action) = &query.action {
        match action.contains(['.', '-']) {
            true => put("REPLACE(action, '.', '-') = ?", Value::from(action.replace('.', "-"))),
            // A feature alone: everything that was done there.
            false => put(&format!("SUBSTR(action, 1, {}) = ?", action.chars().count() + 1), Value::from(format!("{action}."))),
        }
    }
    if let Some(subject) = &query.subject {
        put("(LOWER(subject) LIKE ? ESCAPE '!' OR LOWER(detail) LIKE ? ESCAPE '!')", contains(subject));
    }
    if let Some(at_ms) = query.since_ms {
        put("id >= ?", Value::from(gateway::trace::first_id_at(at_ms).0));
    }
    if let Some(at_ms) = query.until_ms {
        put("id < ?", Value::from(gateway::trace::first_id_at(at_ms).0));
    }
    if let Some(before) = query.before {
        put("id < ?", Value::from(before.0));
    }
    (wanted.join(" AND "), values)
}

pub async fn find(tx: &mut Tx, scope: OrgScope, id: AuditId) -> Result<Option<Line>, Error> {
    let mut values: Vec<Value> = args![id.0];
    let scope = scope.condition("org", &mut values);
    tx.row(&format!("{LINE} WHERE id = $1 AND {scope}"), values).await?.as_ref().map(line).transpose()
}
