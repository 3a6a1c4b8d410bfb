//! Every statement on terms and on published solutions.

use super::model::Request;
use gateway::scope::OrgScope;
use mail::PersonId;
use mail::id::{RequestId, SolutionId};
use std::collections::BTreeMap;
use store::{Error, Row, Tx, Value, args};

/// Puts the terms of a request in place of those it had.
pub async fn put_terms(tx: &mut Tx, request: &Request, shelf: i64, weights: &BTreeMap<String, i64>) -> Result<(), Error> {
    tx.run("DELETE FROM request_term WHERE request = $1 AND org = $2", args![request.id.0, request.org.0]).await?;
    let add = |(term, weight): (&String, &i64)| {
        (
            "INSERT INTO request_term (org, term, shelf, request, weight) VALUES ($1, $2, $3, $4, $5)",
            args![request.org.0, term.as_str(), shelf, request.id.0, *weight],
        )
    };
    tx.run_all(weights.iter().map(add).collect()).await
}

/// The latest requests that have a term, with its weight there.
pub async fn postings(tx: &mut Tx, scope: OrgScope, shelf: i64, term: &str, most: usize) -> Result<Vec<(i64, i64)>, Error> {
    let mut args = args![term, shelf];
    let whose = scope.condition("org", &mut args);
    let sql =
        format!("SELECT request, weight FROM request_term WHERE term = $1 AND shelf = $2 AND {whose} ORDER BY request DESC LIMIT {most}");
    tx.rows(&sql, args).await?.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

/// Which of these terms each of these requests has.
pub async fn terms_of(tx: &mut Tx, scope: OrgScope, ids: &[i64], terms: &[String]) -> Result<Vec<(i64, String, i64)>, Error> {
    if ids.is_empty() || terms.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = args![];
    // Along the few requests: as expressions, neither term nor organisation leads SQLite to read all requests that have a common word.
    let sql = format!(
        "SELECT request, term, weight FROM request_term WHERE request IN ({}) AND term || '' IN ({}) AND {}",
        places(&mut args, ids.iter().map(|id| (*id).into())),
        places(&mut args, terms.iter().map(|term| term.as_str().into())),
        scope.condition("(+org)", &mut args)
    );
    tx.rows(&sql, args).await?.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_string(), row.int(2)?))).collect()
}

/// `$1, $2, …` for these values, bound.
fn places(args: &mut Vec<Value>, values: impl Iterator<Item = Value>) -> String {
    let place = |value| {
        args.push(value);
        format!("${}", args.len())
    };
    values.map(place).collect::<Vec<_>>().join(", ")
}

/// A solution that everybody may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    pub id: SolutionId,
    /// Where it came from; `None`: written by hand.
    pub request: Option<RequestId>,
    /// BCP 47.
    pub lang: String,
    pub title: String,
    pub problem: String,
    pub text: String,
    pub area: String,
    pub probe: String,
    pub by: PersonId,
    pub published_ms: i64,
    pub withdrawn_ms: Option<i64>,
    pub helped: i64,
    pub helped_not: i64,
}

const SOLUTION: &str = "id, request, lang, title, problem, text, area, probe, by_person, published_ms, withdrawn_ms, helped, helped_not";

/// Publishes, with its terms.
pub async fn publish(tx: &mut Tx, solution: &Solution, weights: &BTreeMap<String, i64>) -> Result<(), Error> {
    tx.run(
        "INSERT INTO solution (id, request, lang, title, problem, text, area, probe, by_person, published_ms, withdrawn_ms, helped, \
         helped_not) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0)",
        args![
            solution.id.0,
            solution.request.map_or(0, |request| request.0),
            solution.lang.as_str(),
            solution.title.as_str(),
            solution.problem.as_str(),
            solution.text.as_str(),
            solution.area.as_str(),
            solution.probe.as_str(),
            solution.by.0,
            solution.published_ms
        ],
    )
    .await?;
    let add = |(term, weight): (&String, &i64)| {
        ("INSERT INTO solution_term (term, solution, weight) VALUES ($1, $2, $3)", args![term.as_str(), solution.id.0, *weight])
    };
    tx.run_all(weights.iter().map(add).collect()).await
}

/// Takes a solution back; false when it was.
pub async fn withdraw(tx: &mut Tx, id: SolutionId, now_ms: i64) -> Result<bool, Error> {
    tx.run("DELETE FROM solution_term WHERE solution = $1", args![id.0]).await?;
    Ok(tx.run("UPDATE solution SET withdrawn_ms = $1 WHERE id = $2 AND withdrawn_ms = 0", args![now_ms, id.0]).await? == 1)
}

/// A solution that stands.
pub async fn solution(tx: &mut Tx, id: SolutionId) -> Result<Option<Solution>, Error> {
    let sql = format!("SELECT {SOLUTION} FROM solution WHERE id = $1 AND withdrawn_ms = 0");
    tx.row(&sql, args![id.0]).await?.as_ref().map(read).transpose()
}

/// The one that was published from a request, if it stands.
pub async fn solution_of(tx: &mut Tx, request: RequestId) -> Result<Option<Solution>, Error> {
    let sql = format!("SELECT {SOLUTION} FROM solution WHERE request = $1 AND withdrawn_ms = 0 ORDER BY id DESC LIMIT 1");
    tx.row(&sql, args![request.0]).await?.as_ref().map(read).transpose()
}

/// The latest solutions that have a term.
pub async fn solution_postings(tx: &mut Tx, term: &str, most: usize) -> Result<Vec<(i64, i64)>, Error> {
    let sql = format!("SELECT solution, weight FROM solution_term WHERE term = $1 ORDER BY solution DESC LIMIT {most}");
    tx.rows(&sql, args![term]).await?.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

pub async fn solution_terms_of(tx: &mut Tx, ids: &[i64], terms: &[String]) -> Result<Vec<(i64, String, i64)>, Error> {
    if ids.is_empty() || terms.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = args![];
    let sql = format!(
        "SELECT solution, term, weight FROM solution_term WHERE solution IN ({}) AND term IN ({})",
        places(&mut args, ids.iter().map(|id| (*id).into())),
        places(&mut args, terms.iter().map(|term| term.as_str().into()))
    );
    tx.rows(&sql, args).await?.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_string(), row.int(2)?))).collect()
}

/// One more reader says whether a solution helped.
pub async fn rate(tx: &mut Tx, id: SolutionId, has_helped: bool) -> Result<bool, Error> {
    let sql = if has_helped {
        "UPDATE solution SET helped = helped + 1 WHERE id = $1 AND withdrawn_ms = 0"
    } else {
        "UPDATE solution SET helped_not = helped_not + 1 WHERE id = $1 AND withdrawn_ms = 0"
    };
    Ok(tx.run(sql, args![id.0]).await? == 1)
}

fn read(row: &Row) -> Result<Solution, Error> {
    Ok(Solution {
        id: SolutionId(row.int(0)?),
        request: Some(RequestId(row.int(1)?)).filter(|request| request.0 != 0),
        lang: row.text(2)?.into(),
        title: row.text(3)?.into(),
        problem: row.text(4)?.into(),
        text: row.text(5)?.into(),
        area: row.text(6)?.into(),
        probe: row.text(7)?.into(),
        by: PersonId(row.int(8)?),
        published_ms: row.int(9)?,
        withdrawn_ms: Some(row.int(10)?).filter(|at| *at != 0),
        helped: row.int(11)?,
        helped_not: row.int(12)?,
    })
}
