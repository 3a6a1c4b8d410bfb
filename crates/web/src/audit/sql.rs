//! Every statement on the audit log.

use super::Entry;
use mail::PersonId;
use store::{Error, Tx, args};

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
