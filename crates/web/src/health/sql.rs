//! Every statement on issues, their posts and reports.

use super::issue::{Body, Issue, IssueId, Post, SAME_ISSUE_MS};
use super::text::Text;
use gateway::health::{Status, Track};
use gateway::scope::OrgScope;
use mail::{OrgId, PersonId};
use std::collections::HashMap;
use store::{Error, Row, Tx, Value, args};

/// The first issue gets the number after this one.
const NUMBER_BEFORE_FIRST: i64 = 100_000;
/// Posts of one issue that are shown.
const POSTS_MAX: usize = 500;
/// Issues that belong to one.
const RELATED_MAX: usize = 50;
/// Issues whose posts are read in one query.
const ISSUES_AT_ONCE: usize = 200;

const ISSUE: &str = "number, org, cause, what, status, classification, origin, is_measured, is_open, is_known, merged_into, started_ms, \
     updated_ms, ended_ms, body, split_from";

fn shape(why: &serde_json::Error) -> Error {
    Error::Shape(format!("an issue as JSON: {why}"))
}

fn issue(row: &Row) -> Result<Issue, Error> {
    Ok(Issue {
        id: IssueId(row.int(0)?),
        org: row.int(1)?,
        cause: row.text(2)?.to_string(),
        what: row.text(3)?.to_string(),
        status: Status::parse(row.text(4)?).unwrap_or(Status::Investigating),
        is_incident: row.text(5)? == "incident",
        origin: row.text(6)?.to_string(),
        is_measured: row.int(7)? != 0,
        is_open: row.int(8)? != 0,
        is_known: row.int(9)? != 0,
        merged_into: row.int(10)?,
        started_ms: row.int(11)?,
        updated_ms: row.int(12)?,
        ended_ms: row.int_opt(13)?,
        body: serde_json::from_str::<Body>(row.text(14)?).map_err(|why| shape(&why))?,
        split_from: row.int(15)?,
    })
}

/// What a list of issues leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    pub open: Option<bool>,
    pub known: Option<bool>,
    /// Changed at or after; Unix milliseconds.
    pub since_ms: i64,
    pub rows_max: usize,
}

/// The condition that an issue concerns this scope: everybody's, and one's own.
fn concerns(scope: OrgScope, args: &mut Vec<Value>) -> String {
    match scope {
        OrgScope::All => "1 = 1".into(),
        OrgScope::One(org) => {
            args.push(Value::Int(org.0));
            format!("(org = 0 OR org = ${})", args.len())
        }
    }
}

/// Issues that concern an organisation, last changed first. Those merged into others are left out.
pub async fn issues(tx: &mut Tx, scope: OrgScope, wanted: Wanted) -> Result<Vec<Issue>, Error> {
    let mut args = args![wanted.since_ms];
    let mut conditions = vec!["updated_ms >= $1".to_string(), "merged_into = 0".into(), concerns(scope, &mut args)];
    conditions.extend(wanted.open.map(|open| format!("is_open = {}", i64::from(open))));
    conditions.extend(wanted.known.map(|known| format!("is_known = {}", i64::from(known))));
    args.push(Value::from(wanted.rows_max));
    let sql = format!(
        "SELECT {ISSUE} FROM issue WHERE {} ORDER BY is_open DESC, updated_ms DESC, number DESC LIMIT ${}",
        conditions.join(" AND "),
        args.len()
    );
    tx.rows(&sql, args).await?.iter().map(issue).collect()
}

pub async fn find(tx: &mut Tx, scope: OrgScope, id: IssueId) -> Result<Option<Issue>, Error> {
    let mut args = args![id.0];
    let whose = concerns(scope, &mut args);
    tx.row(&format!("SELECT {ISSUE} FROM issue WHERE number = $1 AND {whose}"), args).await?.as_ref().map(issue).transpose()
}

/// What belongs to an issue: the one it is a part of, its parts, the one it was split off, those split off it.
pub async fn related(tx: &mut Tx, scope: OrgScope, of: &Issue) -> Result<Vec<Issue>, Error> {
    let mut args = args![of.id.0, of.merged_into, of.split_from];
    let whose = concerns(scope, &mut args);
    args.push(Value::from(RELATED_MAX));
    let sql = format!(
        "SELECT {ISSUE} FROM issue WHERE (merged_into = $1 OR split_from = $1 OR number = $2 OR number = $3) AND {whose} \
         ORDER BY number LIMIT ${}",
        args.len()
    );
    tx.rows(&sql, args).await?.iter().map(issue).collect()
}

/// The issue that a rule opened for this cause and that is open, or was until a moment ago.
pub async fn of_track(tx: &mut Tx, track: &Track, now_ms: i64) -> Result<Option<Issue>, Error> {
    let sql = format!(
        "SELECT {ISSUE} FROM issue WHERE org = $1 AND cause = $2 AND what = $3 AND (is_measured = 1 OR ended_ms >= $4) \
         ORDER BY number DESC LIMIT 1"
    );
    let args = args![track.org, track.cause.as_str(), track.what.as_str(), now_ms - SAME_ISSUE_MS];
    tx.row(&sql, args).await?.as_ref().map(issue).transpose()
}

pub async fn next_number(tx: &mut Tx) -> Result<IssueId, Error> {
    let row = tx.row("SELECT coalesce(max(number), $1) + 1 FROM issue", args![NUMBER_BEFORE_FIRST]).await?;
    row.map_or(Ok(IssueId(NUMBER_BEFORE_FIRST + 1)), |row| row.int(0).map(IssueId))
}

/// Writes an issue, new or changed.
pub async fn put(tx: &mut Tx, issue: &Issue) -> Result<(), Error> {
    let body = serde_json::to_string(&issue.body).map_err(|why| shape(&why))?;
    tx.run(
        "INSERT INTO issue (number, org, cause, what, status, classification, origin, is_measured, is_open, is_known, merged_into, \
         started_ms, updated_ms, ended_ms, body, split_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT (number) DO UPDATE SET status = excluded.status, classification = excluded.classification, \
         origin = excluded.origin, is_measured = excluded.is_measured, is_open = excluded.is_open, is_known = excluded.is_known, \
         merged_into = excluded.merged_into, updated_ms = excluded.updated_ms, ended_ms = excluded.ended_ms, body = excluded.body",
        args![
            issue.id.0,
            issue.org,
            issue.cause.as_str(),
            issue.what.as_str(),
            issue.status.name(),
            issue.classification(),
            issue.origin.as_str(),
            issue.is_measured,
            issue.is_open,
            issue.is_known,
            issue.merged_into,
            issue.started_ms,
            issue.updated_ms,
            issue.ended_ms,
            body,
            issue.split_from
        ],
    )
    .await
    .map(drop)
}

/// Says something about an issue.
pub async fn put_post(tx: &mut Tx, issue: &Issue, post: &Post) -> Result<(), Error> {
    let body = serde_json::to_string(&post.text).map_err(|why| shape(&why))?;
    tx.run(
        "INSERT INTO issue_post (id, issue, org, at_ms, kind, status, who, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            post.id,
            issue.id.0,
            issue.org,
            post.at_ms,
            post.kind.as_str(),
            post.status.map_or("", Status::name),
            post.who.as_str(),
            body
        ],
    )
    .await
    .map(drop)
}

const POST: &str = "id, at_ms, kind, status, who, body, issue";

fn post(row: &Row) -> Result<Post, Error> {
    Ok(Post {
        id: row.int(0)?,
        at_ms: row.int(1)?,
        kind: row.text(2)?.to_string(),
        status: Status::parse(row.text(3)?),
        who: row.text(4)?.to_string(),
        text: serde_json::from_str::<Text>(row.text(5)?).map_err(|why| shape(&why))?,
    })
}

/// Everything said about an issue, newest first. Who reads it has found the issue in their scope.
pub async fn posts(tx: &mut Tx, issue: IssueId) -> Result<Vec<Post>, Error> {
    let sql = format!("SELECT {POST} FROM issue_post WHERE issue = $1 ORDER BY id DESC LIMIT $2");
    tx.rows(&sql, args![issue.0, POSTS_MAX]).await?.iter().map(post).collect()
}

/// The same for many issues in one query; the newest of all of them, as many as one issue may have ten times.
pub async fn posts_of(tx: &mut Tx, issues: &[IssueId]) -> Result<HashMap<IssueId, Vec<Post>>, Error> {
    let mut said: HashMap<IssueId, Vec<Post>> = HashMap::new();
    for some in issues.chunks(ISSUES_AT_ONCE) {
        let ids: Vec<String> = some.iter().map(|id| id.0.to_string()).collect();
        let sql = format!("SELECT {POST} FROM issue_post WHERE issue IN ({}) ORDER BY id DESC LIMIT $1", ids.join(", "));
        for row in &tx.rows(&sql, args![POSTS_MAX * 10]).await? {
            said.entry(IssueId(row.int(6)?)).or_default().push(post(row)?);
        }
    }
    Ok(said)
}

/// Somebody says that something does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub id: i64,
    pub org: OrgId,
    pub person: PersonId,
    pub service: String,
    pub text: String,
    pub issue: i64,
}

pub async fn put_report(tx: &mut Tx, report: &Report) -> Result<(), Error> {
    tx.run(
        "INSERT INTO issue_report (id, org, person, service, text, issue) VALUES ($1, $2, $3, $4, $5, $6)",
        args![report.id, report.org.0, report.person.0, report.service.as_str(), report.text.as_str(), report.issue],
    )
    .await
    .map(drop)
}

/// How many people reported this service since then.
pub async fn reporters(tx: &mut Tx, service: &str, since_id: i64) -> Result<i64, Error> {
    let sql = "SELECT count(DISTINCT person) FROM issue_report WHERE service = $1 AND id >= $2";
    tx.row(sql, args![service, since_id]).await?.map_or(Ok(0), |row| row.int(0))
}

/// What an organisation reported: service, text, issue, id; newest first.
pub async fn reports(tx: &mut Tx, scope: OrgScope, rows_max: usize) -> Result<Vec<(i64, String, String, i64)>, Error> {
    let mut args = vec![];
    let whose = scope.condition("org", &mut args);
    args.push(Value::from(rows_max));
    let sql = format!("SELECT id, service, text, issue FROM issue_report WHERE {whose} ORDER BY id DESC LIMIT ${}", args.len());
    let rows = tx.rows(&sql, args).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_string(), row.text(2)?.to_string(), row.int(3)?))).collect()
}

/// A recipient whose mail an issue touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub mail: mail::MailId,
    pub sender: String,
    pub subject: String,
    pub recipient: String,
    pub state: String,
    pub reply: String,
}

/// Mail of the scope that was under way over this connector ("" is any) while an issue lasted; with `true` also what was held.
/// `span` is from when to when it was received, as first and last identifier.
pub async fn hits(
    tx: &mut Tx,
    scope: OrgScope,
    (connector, with_held): (&str, bool),
    span: (i64, i64),
    rows_max: usize,
) -> Result<Vec<Hit>, Error> {
    let mut args = args![span.0, span.1];
    let whose = scope.condition("r.org", &mut args);
    args.push(Value::from(connector));
    let connector_at = args.len();
    args.push(Value::from(rows_max));
    let sql = format!(
        "SELECT r.mail, m.sender, m.subject, r.address, r.state, r.last_reply FROM recipient r JOIN mail m ON m.id = r.mail \
         WHERE r.mail >= $1 AND r.mail <= $2 AND {whose} AND (${connector_at} = '' OR r.route = ${connector_at}) \
         AND (r.tries > 0 OR r.state IN ('queued', 'bounced'{})) ORDER BY r.mail DESC, r.n LIMIT ${}",
        if with_held { ", 'held'" } else { "" },
        args.len()
    );
    let rows = tx.rows(&sql, args).await?;
    let hit = |row: &Row| {
        Ok(Hit {
            mail: mail::MailId(row.int(0)?),
            sender: row.text(1)?.to_string(),
            subject: row.text(2)?.to_string(),
            recipient: row.text(3)?.to_string(),
            state: row.text(4)?.to_string(),
            reply: row.text(5)?.to_string(),
        })
    };
    rows.iter().map(hit).collect()
}

/// Whose a mail is, and its receipt as it was written.
pub async fn receipt_of(tx: &mut Tx, scope: OrgScope, mail: mail::MailId) -> Result<Option<(OrgId, String)>, Error> {
    let mut args = args![mail.0];
    let whose = scope.condition("org", &mut args);
    let row = tx.row(&format!("SELECT org, receipt FROM mail WHERE id = $1 AND {whose}"), args).await?;
    row.map(|row| Ok((OrgId(row.int(0)?), row.text(1)?.to_string()))).transpose()
}
