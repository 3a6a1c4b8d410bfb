//! Every statement on plans, contracts, and where clocks stand. Queues and what engineers keep have theirs in `sql_work.rs`.

use super::clock::{Kind, Plan, PlanBody, Reading, Severity, Standing};
use gateway::scope::OrgScope;
use mail::id::{PlanId, RequestId};
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, args};

/// Plans of an installation, versions of one plan that are listed, and organisations with a contract.
pub const PLANS_MAX: usize = 100;
pub const VERSIONS_MAX: usize = 100;
pub const CONTRACTS_MAX: usize = 10_000;
/// Nothing is due, and nothing changes by itself.
pub const NEVER_MS: i64 = i64::MAX;
/// Servers' clocks may differ by so much.
const SLACK_MS: i64 = 60_000;

/// One version of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub id: PlanId,
    /// The first version, which names the plan.
    pub plan: PlanId,
    pub body: PlanBody,
    pub is_latest: bool,
    pub is_default: bool,
    pub by_whom: String,
    pub made_ms: i64,
}

const VERSION: &str = "SELECT id, plan, body, is_latest, is_default, by_whom, made_ms FROM support_plan";

fn version(row: &Row) -> Result<Version, Error> {
    Ok(Version {
        id: PlanId(row.int(0)?),
        plan: PlanId(row.int(1)?),
        body: serde_json::from_str(row.text(2)?).map_err(|why| Error::Shape(format!("a plan: {why}")))?,
        is_latest: row.int(3)? != 0,
        is_default: row.int(4)? != 0,
        by_whom: row.text(5)?.into(),
        made_ms: row.int(6)?,
    })
}

/// The plans as they are now, the default first.
pub async fn plans(tx: &mut Tx) -> Result<Vec<Version>, Error> {
    let sql = format!("{VERSION} WHERE is_latest = 1 ORDER BY is_default DESC, name, id LIMIT {PLANS_MAX}");
    tx.rows(&sql, args![]).await?.iter().map(version).collect()
}

/// Every version of a plan, the latest first.
pub async fn versions(tx: &mut Tx, plan: PlanId) -> Result<Vec<Version>, Error> {
    let sql = format!("{VERSION} WHERE plan = $1 ORDER BY id DESC LIMIT {VERSIONS_MAX}");
    tx.rows(&sql, args![plan.0]).await?.iter().map(version).collect()
}

pub async fn one_version(tx: &mut Tx, id: i64) -> Result<Option<Version>, Error> {
    tx.row(&format!("{VERSION} WHERE id = $1"), args![id]).await?.as_ref().map(version).transpose()
}

/// Adds a version, which is the latest of its plan from now on.
pub async fn add_version(tx: &mut Tx, new: &Version) -> Result<(), Error> {
    let body = serde_json::to_string(&new.body).map_err(|why| Error::Shape(why.to_string()))?;
    tx.run("UPDATE support_plan SET is_latest = 0, is_default = 0 WHERE plan = $1", args![new.plan.0]).await?;
    tx.run(
        "INSERT INTO support_plan (id, plan, name, body, is_latest, is_default, by_whom, made_ms) VALUES ($1, $2, $3, $4, 1, $5, $6, $7)",
        args![new.id.0, new.plan.0, new.body.name.as_str(), body, new.is_default, new.by_whom.as_str(), new.made_ms],
    )
    .await
    .map(|_| ())
}

/// Adds the first version of a plan that comes with Gatepost, unless another server just did.
pub async fn ship_version(tx: &mut Tx, new: &Version) -> Result<(), Error> {
    let body = serde_json::to_string(&new.body).map_err(|why| Error::Shape(why.to_string()))?;
    tx.run(
        "INSERT INTO support_plan (id, plan, name, body, is_latest, is_default, by_whom, made_ms) VALUES ($1, $2, $3, $4, 1, $5, $6, $7) \
         ON CONFLICT (id) DO NOTHING",
        args![new.id.0, new.plan.0, new.body.name.as_str(), body, new.is_default, new.by_whom.as_str(), new.made_ms],
    )
    .await
    .map(|_| ())
}

/// Makes a plan the one of organisations without a contract.
pub async fn set_default(tx: &mut Tx, plan: PlanId) -> Result<(), Error> {
    tx.run("UPDATE support_plan SET is_default = 0 WHERE plan <> $1", args![plan.0]).await?;
    tx.run("UPDATE support_plan SET is_default = 1 WHERE plan = $1 AND is_latest = 1", args![plan.0]).await.map(|_| ())
}

/// What an organisation has agreed with support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    pub org: OrgId,
    /// `None`: the default plan.
    pub plan: Option<PlanId>,
    pub manager: Option<PersonId>,
    pub deputy: Option<PersonId>,
    /// Of advice, a month.
    pub advisory_minutes: i64,
}

impl Contract {
    pub fn none(org: OrgId) -> Contract {
        Contract { org, plan: None, manager: None, deputy: None, advisory_minutes: 0 }
    }
}

fn contract(row: &Row) -> Result<Contract, Error> {
    let person = |n| Ok::<_, Error>(Some(PersonId(row.int(n)?)).filter(|person| person.0 != 0));
    Ok(Contract {
        org: OrgId(row.int(0)?),
        plan: Some(PlanId(row.int(1)?)).filter(|plan| plan.0 != 0),
        manager: person(2)?,
        deputy: person(3)?,
        advisory_minutes: row.int(4)?,
    })
}

const CONTRACT: &str = "SELECT org, plan, manager, deputy, advisory_minutes FROM support_contract";

pub async fn contracts(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Contract>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    tx.rows(&format!("{CONTRACT} WHERE {whose} ORDER BY org LIMIT {CONTRACTS_MAX}"), args).await?.iter().map(contract).collect()
}

/// The contract of one organisation of the scope; [`Contract::none`] without one.
pub async fn contract_of(tx: &mut Tx, scope: OrgScope, org: OrgId) -> Result<Contract, Error> {
    let mut args = args![org.0];
    let whose = scope.condition("org", &mut args);
    let found = tx.row(&format!("{CONTRACT} WHERE org = $1 AND {whose}"), args).await?;
    found.as_ref().map_or(Ok(Contract::none(org)), contract)
}

pub async fn put_contract(tx: &mut Tx, one: &Contract, (now_ms, who): (i64, &str)) -> Result<(), Error> {
    let number = |person: Option<PersonId>| person.map_or(0, |person| person.0);
    tx.run(
        "INSERT INTO support_contract (org, plan, manager, deputy, advisory_minutes, changed_by, changed_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (org) DO UPDATE SET plan = excluded.plan, manager = excluded.manager, \
         deputy = excluded.deputy, advisory_minutes = excluded.advisory_minutes, changed_by = excluded.changed_by, \
         changed_ms = excluded.changed_ms",
        args![one.org.0, one.plan.map_or(0, |plan| plan.0), number(one.manager), number(one.deputy), one.advisory_minutes, who, now_ms],
    )
    .await
    .map(|_| ())
}

/// The version of the plan that holds for an organisation now; `None` before there are plans.
pub async fn version_for(tx: &mut Tx, org: OrgId) -> Result<Option<PlanId>, Error> {
    let sql = "SELECT p.id FROM support_plan p WHERE p.is_latest = 1 AND (p.plan = (SELECT c.plan FROM support_contract c WHERE c.org = $1) \
               OR p.is_default = 1) ORDER BY p.is_default, p.id LIMIT 1";
    Ok(tx.row(sql, args![org.0]).await?.map(|row| row.int(0)).transpose()?.map(PlanId))
}

/// Plans by version, read when they are asked for.
#[derive(Debug, Default)]
pub struct Plans {
    pub known: Vec<Plan>,
}

impl Plans {
    /// Reads a version unless it is known. One that is gone or cannot be read is left out, and clocks under it read nothing.
    pub async fn ensure(&mut self, tx: &mut Tx, version: i64) -> Result<(), Error> {
        if version != 0 && !self.known.iter().any(|plan| plan.version == version) {
            let body = one_version(tx, version).await?.map(|found| found.body);
            self.known.extend(body.and_then(|body| Plan::new(version, body).ok()));
        }
        Ok(())
    }
}

/// A request whose clocks are to be read again: whose it is, and its last event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale {
    pub request: RequestId,
    pub org: OrgId,
    pub last: i64,
    pub last_ms: i64,
}

fn stale(row: &Row) -> Result<Stale, Error> {
    Ok(Stale { request: RequestId(row.int(0)?), org: OrgId(row.int(1)?), last: row.int(2)?, last_ms: row.int(3)? })
}

/// Where something happened since their clocks were read, of all organisations, the oldest first.
pub async fn stale_requests(tx: &mut Tx, most: usize) -> Result<Vec<Stale>, Error> {
    let seen = tx.row("SELECT MAX(seen_ms) FROM request_clock", args![]).await?;
    let since_ms = seen.and_then(|row| row.int(0).ok()).map_or(0, |ms| ms - SLACK_MS);
    let sql = format!(
        "SELECT id, org, latest, last_ms FROM (SELECT r.id AS id, r.org AS org, r.last_ms AS last_ms, \
         (SELECT MAX(e.id) FROM request_event e WHERE e.request = r.id) AS latest FROM service_request r WHERE r.last_ms >= $1) AS moved \
         WHERE NOT EXISTS (SELECT 1 FROM request_clock c WHERE c.request = moved.id AND c.seen = moved.latest) \
         AND latest IS NOT NULL ORDER BY last_ms, id LIMIT {most}"
    );
    tx.rows(&sql, args![since_ms]).await?.iter().map(stale).collect()
}

/// Where a clock reaches a warning or its end by itself.
pub async fn due_requests(tx: &mut Tx, now_ms: i64, most: usize) -> Result<Vec<Stale>, Error> {
    let sql = format!("SELECT request, org, seen, seen_ms FROM request_clock WHERE next_ms <= $1 ORDER BY next_ms LIMIT {most}");
    tx.rows(&sql, args![now_ms]).await?.iter().map(stale).collect()
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standings {
    pub due_ms: i64,
    pub due_kind: Option<Kind>,
    pub is_breached: bool,
    pub next_ms: i64,
}

pub async fn put_clock(tx: &mut Tx, of: &Stale, stands: &Standings) -> Result<(), Error> {
    tx.run(
        "INSERT INTO request_clock (request, org, seen, seen_ms, due_ms, due_kind, is_breached, next_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (request) DO UPDATE SET seen = excluded.seen, seen_ms = excluded.seen_ms, \
         due_ms = excluded.due_ms, due_kind = excluded.due_kind, is_breached = excluded.is_breached, next_ms = excluded.next_ms",
        args![
            of.request.0,
            of.org.0,
            of.last,
            of.last_ms,
            stands.due_ms,
            stands.due_kind.map_or("", Kind::name),
            stands.is_breached,
            stands.next_ms
        ],
    )
    .await
    .map(|_| ())
}

/// The runs of the clocks of a request, in place of those that were known.
pub async fn put_promises(tx: &mut Tx, of: &Stale, readings: &[&Reading]) -> Result<(), Error> {
    tx.run("DELETE FROM request_promise WHERE request = $1 AND org = $2", args![of.request.0, of.org.0]).await?;
    for reading in readings {
        tx.run(
            "INSERT INTO request_promise (request, org, clock, started_ms, severity, plan, standing, target_ms, used_ms, due_ms, ended_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (request, clock, started_ms) DO NOTHING",
            args![
                of.request.0,
                of.org.0,
                reading.kind.name(),
                reading.started_ms,
                reading.severity.name(),
                reading.plan,
                reading.standing.name(),
                reading.target_ms,
                reading.used_ms,
                reading.due_ms().unwrap_or_default(),
                reading.ended_ms.unwrap_or_default()
            ],
        )
        .await?;
    }
    Ok(())
}

/// A warning (minutes left) or a breach (0) of one run of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    pub request: RequestId,
    pub org: OrgId,
    pub clock: Kind,
    pub started_ms: i64,
    pub minutes: i64,
    pub due_ms: i64,
    pub at_ms: i64,
}

/// Notes an alarm; false when it was told before.
pub async fn add_alarm(tx: &mut Tx, alarm: &Alarm) -> Result<bool, Error> {
    let added = tx
        .run(
            "INSERT INTO request_alarm (request, org, clock, started_ms, minutes, due_ms, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (request, clock, started_ms, minutes) DO NOTHING",
            args![alarm.request.0, alarm.org.0, alarm.clock.name(), alarm.started_ms, alarm.minutes, alarm.due_ms, alarm.at_ms],
        )
        .await?;
    Ok(added == 1)
}

/// An alarm of a request that is still to be worked on, with its title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub alarm: Alarm,
    pub title: String,
}

/// Alarms since, of requests that are this engineer's or nobody's and not over, the latest first.
pub async fn alarms(tx: &mut Tx, person: PersonId, since_ms: i64, most: usize) -> Result<Vec<Told>, Error> {
    let sql = format!(
        "SELECT a.request, a.org, a.clock, a.started_ms, a.minutes, a.due_ms, a.at_ms, r.title FROM request_alarm a \
         JOIN service_request r ON r.id = a.request JOIN person p ON p.id = $1 AND p.org = 0 AND p.role IN \
         ('support-engineer', 'account-manager', 'operator') WHERE a.at_ms >= $2 AND r.assignee IN (0, $1) \
         AND r.state NOT IN ('resolved', 'closed') ORDER BY a.at_ms DESC LIMIT {most}"
    );
    let read = |row: &Row| {
        let alarm = Alarm {
            request: RequestId(row.int(0)?),
            org: OrgId(row.int(1)?),
            clock: Kind::parse(row.text(2)?).unwrap_or(Kind::Resolution),
            started_ms: row.int(3)?,
            minutes: row.int(4)?,
            due_ms: row.int(5)?,
            at_ms: row.int(6)?,
        };
        Ok(Told { alarm, title: row.text(7)?.into() })
    };
    tx.rows(&sql, args![person.0, since_ms]).await?.iter().map(read).collect()
}

/// What became of promises: kept and missed, by clock and severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub clock: Kind,
    pub severity: Severity,
    pub kept: i64,
    pub missed: i64,
    /// Neither yet.
    pub open: i64,
}

/// Promises that began within a span (Unix milliseconds), of the scope.
pub async fn kept(tx: &mut Tx, scope: OrgScope, (from_ms, until_ms): (i64, i64)) -> Result<Vec<Kept>, Error> {
    let mut args = args![from_ms, until_ms];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT clock, severity, standing, COUNT(*) FROM request_promise WHERE started_ms >= $1 AND started_ms < $2 AND {whose} \
         GROUP BY clock, severity, standing"
    );
    let mut all: Vec<Kept> = Vec::new();
    for row in tx.rows(&sql, args).await? {
        let (Some(clock), Some(severity)) = (Kind::parse(row.text(0)?), Severity::parse(row.text(1)?)) else { continue };
        let at = match all.iter().position(|one| (one.clock, one.severity) == (clock, severity)) {
            Some(at) => at,
            None => {
                all.push(Kept { clock, severity, kept: 0, missed: 0, open: 0 });
                all.len() - 1
            }
        };
        let count = row.int(3)?;
        match Standing::parse(row.text(2)?) {
            Some(Standing::Met) => all[at].kept += count,
            Some(Standing::Breached) => all[at].missed += count,
            _ => all[at].open += count,
        }
    }
    all.sort_by_key(|one| (one.clock, one.severity));
    Ok(all)
}
