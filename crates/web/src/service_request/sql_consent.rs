//! Every statement on consents, what was read under them, and proposals.

use super::model::{Consent, Request, See};
use gateway::scope::OrgScope;
use mail::id::{ConsentId, ProposalId, RequestId};
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, args};

/// Lines of reading that are shown of one request; the latest.
pub const READS_MAX: usize = 200;
const CONSENTS_MAX: usize = 100;

const COLUMNS: &str = "id, org, request, what, person, given_by, given_ms, until_ms, ended_ms, ended_by";

pub async fn insert(tx: &mut Tx, consent: &Consent) -> Result<(), Error> {
    tx.run(
        "INSERT INTO request_consent (id, org, request, what, person, given_by, given_ms, until_ms, ended_ms, ended_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, '')",
        args![
            consent.id.0,
            consent.org.0,
            consent.request.0,
            See::written(&consent.what),
            consent.person.map_or(0, |person| person.0),
            consent.given_by.as_str(),
            consent.given_ms,
            consent.until_ms
        ],
    )
    .await
    .map(|_| ())
}

/// The latest first.
pub async fn of_request(tx: &mut Tx, scope: OrgScope, request: RequestId) -> Result<Vec<Consent>, Error> {
    let mut args = args![request.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT {COLUMNS} FROM request_consent WHERE request = $1 AND {whose} ORDER BY id DESC LIMIT {CONSENTS_MAX}");
    tx.rows(&sql, args).await?.iter().map(consent).collect()
}

/// Consents of an organisation that stand now and are for this engineer.
pub async fn standing(tx: &mut Tx, scope: OrgScope, person: PersonId, now_ms: i64) -> Result<Vec<Consent>, Error> {
    let mut args = args![now_ms, person.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT {COLUMNS} FROM request_consent WHERE ended_ms = 0 AND until_ms > $1 AND (person = 0 OR person = $2) AND {whose} \
         ORDER BY id DESC LIMIT {CONSENTS_MAX}"
    );
    tx.rows(&sql, args).await?.iter().map(consent).collect()
}

/// False when it had ended.
pub async fn end(tx: &mut Tx, consent: &Consent, (now_ms, by): (i64, &str)) -> Result<bool, Error> {
    let sql = "UPDATE request_consent SET ended_ms = $1, ended_by = $2 WHERE id = $3 AND org = $4 AND ended_ms = 0";
    Ok(tx.run(sql, args![now_ms, by, consent.id.0, consent.org.0]).await? == 1)
}

fn consent(row: &Row) -> Result<Consent, Error> {
    Ok(Consent {
        id: ConsentId(row.int(0)?),
        org: OrgId(row.int(1)?),
        request: RequestId(row.int(2)?),
        what: See::read(row.text(3)?),
        person: Some(PersonId(row.int(4)?)).filter(|person| person.0 != 0),
        given_by: row.text(5)?.into(),
        given_ms: row.int(6)?,
        until_ms: row.int(7)?,
        ended_ms: Some(row.int(8)?).filter(|at| *at != 0),
        ended_by: row.text(9)?.into(),
    })
}

/// One look of support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub id: i64,
    pub person: PersonId,
    pub who: String,
    pub what: See,
    pub path: String,
    pub at_ms: i64,
}

pub async fn note_read(tx: &mut Tx, consent: &Consent, read: &Reading) -> Result<(), Error> {
    tx.run(
        "INSERT INTO request_read (id, org, request, consent, person, who, what, path, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            read.id,
            consent.org.0,
            consent.request.0,
            consent.id.0,
            read.person.0,
            read.who.as_str(),
            read.what.name(),
            read.path.as_str(),
            read.at_ms
        ],
    )
    .await
    .map(|_| ())
}

/// What support read under consents of a request, the latest first.
pub async fn reads(tx: &mut Tx, scope: OrgScope, request: RequestId) -> Result<Vec<Reading>, Error> {
    let mut args = args![request.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT id, person, who, what, path, at_ms FROM request_read WHERE request = $1 AND {whose} ORDER BY id DESC LIMIT {READS_MAX}"
    );
    let read = |row: &Row| {
        Ok(Reading {
            id: row.int(0)?,
            person: PersonId(row.int(1)?),
            who: row.text(2)?.into(),
            what: See::parse(row.text(3)?).unwrap_or(See::Settings),
            path: row.text(4)?.into(),
            at_ms: row.int(5)?,
        })
    };
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

/// A change that support proposes.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    pub id: ProposalId,
    pub org: OrgId,
    pub request: RequestId,
    /// As [`super::proposal::Change`] writes it.
    pub what: String,
    pub why: String,
    /// "open", "approved", "declined", "withdrawn".
    pub state: String,
    pub by: PersonId,
    pub made_ms: i64,
    pub decided_by: String,
    pub decided_ms: Option<i64>,
    pub outcome: String,
}

const PROPOSAL: &str = "id, org, request, what, why, state, by_person, made_ms, decided_by, decided_ms, outcome";

pub async fn propose(tx: &mut Tx, proposal: &Proposal) -> Result<(), Error> {
    tx.run(
        "INSERT INTO request_proposal (id, org, request, what, why, state, by_person, made_ms, decided_by, decided_ms, outcome) \
         VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, '', 0, '')",
        args![
            proposal.id.0,
            proposal.org.0,
            proposal.request.0,
            proposal.what.as_str(),
            proposal.why.as_str(),
            proposal.by.0,
            proposal.made_ms
        ],
    )
    .await
    .map(|_| ())
}

/// In order.
pub async fn proposals(tx: &mut Tx, scope: OrgScope, request: RequestId) -> Result<Vec<Proposal>, Error> {
    let mut args = args![request.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT {PROPOSAL} FROM request_proposal WHERE request = $1 AND {whose} ORDER BY id LIMIT 100");
    tx.rows(&sql, args).await?.iter().map(proposal).collect()
}

/// Decides an open one; false when somebody did.
pub async fn decide(
    tx: &mut Tx,
    request: &Request,
    id: ProposalId,
    (state, by, now_ms, outcome): (&str, &str, i64, &str),
) -> Result<bool, Error> {
    let sql = "UPDATE request_proposal SET state = $1, decided_by = $2, decided_ms = $3, outcome = $4 \
               WHERE id = $5 AND request = $6 AND org = $7 AND state = 'open'";
    Ok(tx.run(sql, args![state, by, now_ms, outcome, id.0, request.id.0, request.org.0]).await? == 1)
}

fn proposal(row: &Row) -> Result<Proposal, Error> {
    Ok(Proposal {
        id: ProposalId(row.int(0)?),
        org: OrgId(row.int(1)?),
        request: RequestId(row.int(2)?),
        what: row.text(3)?.into(),
        why: row.text(4)?.into(),
        state: row.text(5)?.into(),
        by: PersonId(row.int(6)?),
        made_ms: row.int(7)?,
        decided_by: row.text(8)?.into(),
        decided_ms: Some(row.int(9)?).filter(|at| *at != 0),
        outcome: row.text(10)?.into(),
    })
}
