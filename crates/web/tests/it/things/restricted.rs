//! A restricted sender; named in the body, so that no path has it.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use gateway::outflow::{Reason, Restricted, sql};
use mail::OrgId;
use store::Error;

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let sender = format!("{MARK}@other.example");
    let one = Restricted { org, sender, since_ms: NOW_MS - 60_000, until_ms: 0, reason: Reason::Junk, detail: "5".into() };
    let done: Result<u64, Error> = scene.app.db.tx(move |tx| Box::pin(async move { sql::restrict(tx, &one).await })).await;
    done.expect("the sender is restricted");
    Places::new()
}
