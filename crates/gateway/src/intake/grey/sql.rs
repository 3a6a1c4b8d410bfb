//! Every statement of greylisting.

use super::{COME_AFTER_MS, COME_BEFORE_MS, NETWORK_KNOWN_MS, Standing};
use store::{Error, Tx, args};

const SEEN: &str =
    "INSERT INTO greylist (name, first_ms, last_ms) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET last_ms = excluded.last_ms";

/// What is known of a mail and its network, noting that they came.
pub async fn meet(tx: &mut Tx, mail: &str, network: &str, now_ms: i64) -> Result<Standing, Error> {
    let is_known = times(tx, network).await?.is_some_and(|(_, last_ms)| now_ms - last_ms < NETWORK_KNOWN_MS);
    if is_known {
        tx.run(SEEN, args![network, now_ms, now_ms]).await?;
        return Ok(Standing::Welcome);
    }
    let first_ms = times(tx, mail).await?.map(|(first_ms, _)| first_ms);
    match first_ms.map(|first_ms| now_ms - first_ms) {
        Some(age_ms) if age_ms < COME_AFTER_MS => Ok(Standing::ComeAgain { wait_ms: COME_AFTER_MS - age_ms }),
        Some(age_ms) if age_ms < COME_BEFORE_MS => {
            tx.run(SEEN, args![network, now_ms, now_ms]).await?;
            Ok(Standing::Welcome)
        }
        _ => {
            tx.run("DELETE FROM greylist WHERE name = $1", args![mail]).await?;
            tx.run(SEEN, args![mail, now_ms, now_ms]).await?;
            Ok(Standing::ComeAgain { wait_ms: COME_AFTER_MS })
        }
    }
}

async fn times(tx: &mut Tx, name: &str) -> Result<Option<(i64, i64)>, Error> {
    let row = tx.row("SELECT first_ms, last_ms FROM greylist WHERE name = $1", args![name]).await?;
    row.map(|row| Ok((row.int(0)?, row.int(1)?))).transpose()
}

pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.run("DELETE FROM greylist WHERE last_ms < $1", args![before_ms]).await
}
