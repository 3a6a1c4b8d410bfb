//! A quarantine policy.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use mail::OrgId;
use store::{Error, args};

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let id = scene.app.fresh_id();
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                tx.run(
                    "INSERT INTO quarantine_policy (id, org, name, powers, made_ms) VALUES ($1, $2, $3, 'preview request', $4)",
                    args![id, org.0, MARK, NOW_MS],
                )
                .await?;
                tx.run("INSERT INTO quarantine_assignment (org, verdict, policy) VALUES ($1, 'bulk', $2)", args![org.0, id.to_string()])
                    .await?;
                tx.run("INSERT INTO digest_setting (org, every, hour, zone) VALUES ($1, 'weekly', 3, 'UTC')", args![org.0])
                    .await
                    .map(|_| ())
            })
        })
        .await;
    done.expect("a policy");
    named(id)
}

pub fn nowhere() -> Places {
    named(77)
}

fn named(id: i64) -> Places {
    ["/quarantine/policies/", "/api/v1/quarantine/policies/"].map(|begin| (begin, "policy", id.to_string())).to_vec()
}
