//! Whether an earlier solution still applies: what a request was about is looked at again, as it is now.
//!
//! In: what can be looked at, taken from the evidence when the request was opened. Out: [`Applies`]. Invariant: it is looked at in the scope
//! of whoever asks, so a solution tells nothing about somebody else's mail.

use super::model::Evidence;
use crate::connector::sql as connector_sql;
use crate::health::sql as health_sql;
use gateway::scope::OrgScope;
use gateway::trace::{self, Query};
use serde::{Deserialize, Serialize};
use store::{Error, Tx};

/// Things of one request that are looked at.
const PROBES_MAX: usize = 5;

/// One thing that can be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "kebab-case")]
pub enum Probe {
    Mail(String),
    Issue(String),
    Connector(String),
}

/// What looking again says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Applies {
    Yes,
    No,
    /// There is nothing left to look at, or nothing that can be.
    Unknown,
}

impl Applies {
    pub fn name(self) -> &'static str {
        match self {
            Applies::Yes => "yes",
            Applies::No => "no",
            Applies::Unknown => "unknown",
        }
    }
}

/// What can be looked at of this evidence, as a column keeps it.
pub fn of(evidence: &[Evidence]) -> String {
    let mut probes = Vec::new();
    for piece in evidence {
        match piece.source.as_str() {
            "mail" | "held-mail" => probes.push(Probe::Mail(piece.source_id.clone())),
            "issue" => probes.push(Probe::Issue(piece.source_id.clone())),
            "connector" => probes.push(Probe::Connector(piece.source_id.clone())),
            "diagnosis" => {
                let body: serde_json::Value = serde_json::from_str(&piece.text).unwrap_or_default();
                let mails = body["mails"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
                probes.extend(mails.map(|mail| Probe::Mail(mail.into())));
            }
            _ => {}
        }
    }
    probes.truncate(PROBES_MAX);
    if probes.is_empty() { String::new() } else { serde_json::to_string(&probes).unwrap_or_default() }
}

/// Looks again: yes as soon as one thing still is as it was.
pub async fn look(tx: &mut Tx, scope: OrgScope, kept: &str) -> Result<Applies, Error> {
    let probes: Vec<Probe> = serde_json::from_str(kept).unwrap_or_default();
    let mut says = Applies::Unknown;
    for probe in probes.iter().take(PROBES_MAX) {
        match one(tx, scope, probe).await? {
            Some(true) => return Ok(Applies::Yes),
            Some(false) => says = Applies::No,
            None => {}
        }
    }
    Ok(says)
}

/// `None`: it is not there any more.
async fn one(tx: &mut Tx, scope: OrgScope, probe: &Probe) -> Result<Option<bool>, Error> {
    match probe {
        Probe::Mail(id) => {
            let Ok(mail) = id.parse() else { return Ok(None) };
            let query = Query { mail: Some(mail), limit: 1, ..Query::default() };
            let row = trace::search(tx, scope, &query).await?.rows.pop();
            Ok(row.map(|row| row.recipients.iter().any(|one| matches!(one.state.as_str(), "queued" | "held"))))
        }
        Probe::Issue(id) => {
            let Ok(issue) = id.parse() else { return Ok(None) };
            Ok(health_sql::find(tx, scope, issue).await?.map(|issue| issue.is_open))
        }
        Probe::Connector(name) => {
            let Some(named) = connector_sql::one(tx, scope, name).await? else { return Ok(None) };
            Ok(Some(connector_sql::waiting(tx, named.org, name).await? > 0))
        }
    }
}
