//! How much there is, for the support bundle. Numbers of all organisations together; no content.

use store::{Error, Tx};

/// Table and its rows.
pub async fn counts(tx: &mut Tx) -> Result<Vec<(&'static str, i64)>, Error> {
    let mut found = Vec::new();
    for (table, sql) in [
        ("organisation", "SELECT count(*) FROM organisation"),
        ("domain", "SELECT count(*) FROM domain"),
        ("connector", "SELECT count(*) FROM connector"),
        ("known_recipient", "SELECT count(*) FROM known_recipient"),
        ("policy", "SELECT count(*) FROM policy"),
        ("list_entry", "SELECT count(*) FROM list_entry"),
        ("rule", "SELECT count(*) FROM rule"),
        ("person", "SELECT count(*) FROM person"),
        ("dkim_key", "SELECT count(*) FROM dkim_key"),
        ("mail", "SELECT count(*) FROM mail"),
        ("recipient", "SELECT count(*) FROM recipient"),
        ("event", "SELECT count(*) FROM event"),
    ] {
        let row = tx.row(sql, vec![]).await?;
        found.push((table, row.map(|row| row.int(0)).transpose()?.unwrap_or(0)));
    }
    Ok(found)
}
