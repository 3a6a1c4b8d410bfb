//! Every statement on how organisations' people sign in, and on who they are at their provider.

use super::Access;
use gateway::dkim::Seal;
use mail::{OrgId, PersonId};
use store::{Error, Tx, args};

/// How the people of this organisation sign in; as shipped when nobody said otherwise.
pub async fn access(tx: &mut Tx, seal: &Seal, org: OrgId) -> Result<Access, Error> {
    let Some(row) = tx.row("SELECT settings FROM access_setting WHERE org = $1", args![org.0]).await? else { return Ok(Access::default()) };
    let mut access: Access = serde_json::from_str(row.text(0)?).map_err(|why| Error::Shape(format!("access settings: {why}")))?;
    access.provider.client_secret = seal.reveal(&access.provider.client_secret, &context(org))?;
    Ok(access)
}

/// What the secret of a provider is sealed for.
fn context(org: OrgId) -> String {
    format!("provider {}", org.0)
}

/// Keeps them, the secret sealed.
pub async fn put_access(tx: &mut Tx, seal: &Seal, org: OrgId, access: &Access) -> Result<(), Error> {
    let mut access = access.clone();
    access.provider.client_secret = seal.keep(&access.provider.client_secret, &context(org))?;
    let json = serde_json::to_string(&access).map_err(|why| Error::Shape(why.to_string()))?;
    tx.run(
        "INSERT INTO access_setting (org, settings) VALUES ($1, $2) ON CONFLICT (org) DO UPDATE SET settings = excluded.settings",
        args![org.0, json],
    )
    .await
    .map(|_| ())
}

/// The person whom the provider knows by this subject, and whether it was the provider that brought them.
pub async fn known(tx: &mut Tx, org: OrgId, issuer: &str, subject: &str) -> Result<Option<(PersonId, bool)>, Error> {
    let statement = "SELECT person, is_brought FROM provider_person WHERE org = $1 AND issuer = $2 AND subject = $3";
    let row = tx.row(statement, args![org.0, issuer, subject]).await?;
    row.map(|row| Ok((PersonId(row.int(0)?), row.int(1)? == 1))).transpose()
}

/// Who somebody is at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    pub org: OrgId,
    pub issuer: String,
    pub subject: String,
    pub person: PersonId,
    pub is_brought: bool,
}

pub async fn tie(tx: &mut Tx, tie: &Tie, now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO provider_person (org, issuer, subject, person, is_brought, made_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        args![tie.org.0, tie.issuer.as_str(), tie.subject.as_str(), tie.person.0, i64::from(tie.is_brought), now_ms],
    )
    .await
    .map(|_| ())
}
