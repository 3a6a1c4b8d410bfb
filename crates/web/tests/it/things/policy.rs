//! A policy, an entry, and a draft of each kind.

use super::{MARK, Places, under};
use crate::scene::{NOW_MS, Scene};
use mail::OrgId;
use mail::id::{DraftId, EntryId};
use store::{Error, Tx, args};

const POLICIES: &[&str] = &["/policies/", "/api/v1/policies/"];
const ENTRIES: &[&str] = &["/entries/", "/api/v1/entries/"];
const DRAFTS: &[&str] = &["/drafts/", "/api/v1/drafts/"];

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let (entry, draft) = (scene.app.fresh_id(), scene.app.fresh_id());
    let done: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { rows(tx, org, entry, draft).await })).await;
    done.expect("rows are written");
    named(MARK, entry, draft)
}

pub fn nowhere() -> Places {
    named("no-such-policy", 1, 2)
}

fn named(policy: &str, entry: i64, draft: i64) -> Places {
    let mut places = under(POLICIES, policy);
    places.extend(under(ENTRIES, &EntryId(entry).to_string()));
    places.extend(under(DRAFTS, &DraftId(draft).to_string()));
    places
}

async fn rows(tx: &mut Tx, org: OrgId, entry: i64, draft: i64) -> Result<(), Error> {
    let settings = format!("{{\"name\":\"{MARK}\",\"subject_prefix\":\"{MARK}\"}}");
    tx.run(
        "INSERT INTO policy (name, org, priority, settings, source) VALUES ($1, $2, 0, $3, 'page')",
        args![MARK, org.0, settings.as_str()],
    )
    .await?;
    tx.run(
        "INSERT INTO list_entry (id, org, effect, kind, value, scope, expires_ms, note, made_ms, source, made_by) \
         VALUES ($1, $2, 'block', 'domain', 'zebra-of-other.example', 'eve@other.example', $3, $4, $5, 'page', 'eve@other.example')",
        args![entry, org.0, NOW_MS + 86_400_000, MARK, NOW_MS],
    )
    .await?;
    tx.run(
        "INSERT INTO entry_usage (org, entry, class, won, lost, last_ms, won_ms) VALUES ($1, $2, 'spam', 3, 0, $3, $3)",
        args![org.0, entry, NOW_MS],
    )
    .await?;
    let what = format!("{{\"kind\":\"policy\",\"settings\":{settings},\"base\":null}}");
    tx.run(
        "INSERT INTO draft (id, org, person, what, days, state, progress, outcome, made_ms, seen_ms) \
         VALUES ($1, $2, 99, $3, 7, 'done', '{}', '', $4, $4)",
        args![draft, org.0, what, NOW_MS],
    )
    .await?;
    tx.run("INSERT INTO entry_choice (org, people_may, warn_days) VALUES ($1, 1, 3)", args![org.0]).await.map(|_| ())
}
