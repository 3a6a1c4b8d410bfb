//! The monthly statement: the ledger of one organisation, signed, so that it can be kept and shown to others.
//!
//! In: a month. Out: a [`Signed`] statement. Invariant: what is signed is the very text that is handed out ([`Signed::signed`]), with the
//! key of the status pages (`status/key.pub`).

use super::ledger::{self, Line};
use crate::App;
use crate::page::Fault;
use crate::page::fault::Wrong;
use crate::people::{May, Person};
use serde::Serialize;
use utoipa::ToSchema;

/// What was promised and kept in one month.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Statement {
    /// Name of the organization; "" is all of them.
    pub organization: String,
    /// Such as 2026-11, UTC.
    pub month: String,
    pub from_ms: i64,
    /// The end of the month, or now.
    pub until_ms: i64,
    /// The month is over.
    pub is_whole: bool,
    pub made_ms: i64,
    pub lines: Vec<Line>,
}

/// A statement with its signature.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Signed {
    pub statement: Statement,
    /// The statement as the text that was signed.
    pub signed: String,
    /// Ed25519 (RFC 8032) over the octets of `signed`, base64; null: this node has no key.
    pub signature: Option<String>,
    /// The public key, base64, as `status/key.pub` of the status pages has it.
    pub key: Option<String>,
}

/// The statement of the person's organisation; `month` "" is this one.
/// # Errors
/// [`Fault::Denied`] without the permission, [`Fault::Invalid`] when there is no such month yet.
pub async fn of(app: &App, person: &Person, month: &str) -> Result<Signed, Fault> {
    person.require(May::Overview)?;
    let now_ms = app.now_ms();
    let month = if month.is_empty() { ledger::this_month(now_ms) } else { month.to_string() };
    let span = ledger::month(&month, now_ms).ok_or_else(|| Fault::Invalid(vec![Wrong::new("month", "health-wrong-month")]))?;
    let scope = person.scope();
    let lines = app.db.read(move |tx| Box::pin(async move { ledger::lines(tx, scope, span).await })).await?;
    let directory = app.directory.snapshot();
    let organization = person.org.and_then(|org| directory.organisation(org)).map(|found| found.name.clone()).unwrap_or_default();
    let statement = Statement { organization, month, from_ms: span.0, until_ms: span.1, is_whole: span.1 < now_ms, made_ms: now_ms, lines };
    let signed = serde_json::to_string(&statement).map_err(|why| Fault::Ours(why.to_string()))?;
    let signing = app.health.signing();
    let signature = signing.as_ref().map(|signing| signing.sign(signed.as_bytes()));
    Ok(Signed { statement, signed, signature, key: signing.map(|signing| signing.public()) })
}
