//! A directory with a run and something that waits, a group made here, and an account and a group of SCIM.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use ::mail::OrgId;
use gateway::scope::OrgScope;
use store::{Error, Tx, args};
use web::directory_sync::settings::SourceSettings;
use web::directory_sync::{State, sql};

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let ids = [(); 4].map(|()| scene.app.fresh_id());
    let seal = scene.app.seal.clone();
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let settings = SourceSettings {
                    url: "ldaps://127.0.0.1:1".into(),
                    base: format!("dc={MARK}"),
                    bind_dn: "cn=reader".into(),
                    password: "top secret".into(),
                    within_s: 1,
                    allow_private: true,
                    ..Default::default()
                };
                sql::insert(tx, (ids[0], org, MARK), &settings, &seal, NOW_MS).await?;
                sql::put_state(tx, ids[0], State::Waiting, NOW_MS).await?;
                let source = sql::one(tx, OrgScope::One(org), ids[0]).await?.expect("was just added");
                sql::put_pending(tx, &source, vec![("recipient", format!("{MARK}@other.example"))]).await?;
                rows(tx, org, ids).await
            })
        })
        .await;
    done.expect("a directory");
    places(&ids.map(|id| id.to_string()))
}

async fn rows(tx: &mut Tx, org: OrgId, ids: [i64; 4]) -> Result<(), Error> {
    for (id, name, source) in [(ids[1], MARK.to_string(), "page"), (ids[3], format!("{MARK} of scim"), "scim")] {
        tx.run(
            "INSERT INTO directory_group (id, org, name, name_key, address, external, source, made_ms, changed_ms) \
             VALUES ($1, $2, $3, $4, '', '', $5, $6, $6)",
            args![id, org.0, name.as_str(), name.to_lowercase(), source, NOW_MS],
        )
        .await?;
        tx.run(
            "INSERT INTO directory_member (grp, org, address, inner_grp, account) VALUES ($1, $2, 'eve@other.example', 0, 0)",
            args![id, org.0],
        )
        .await?;
    }
    let resource = format!("{{\"userName\":\"{MARK}\",\"displayName\":\"{MARK}\"}}");
    tx.run(
        "INSERT INTO scim_user (id, org, user_name, external, resource, made_ms, changed_ms) VALUES ($1, $2, $3, '', $4, $5, $5)",
        args![ids[2], org.0, MARK, resource, NOW_MS],
    )
    .await
    .map(drop)
}

pub fn nowhere() -> Places {
    places(&["71", "72", "73", "74"].map(str::to_string))
}

fn places(ids: &[String; 4]) -> Places {
    let mut places = Places::new();
    for begin in ["/directory/", "/api/v1/directory-sources/"] {
        places.push((begin, "*", ids[0].clone()));
    }
    for begin in ["/groups/", "/api/v1/groups/"] {
        places.push((begin, "*", ids[1].clone()));
    }
    places.push(("/scim/v2/Users/", "*", ids[2].clone()));
    places.push(("/scim/v2/Groups/", "*", ids[3].clone()));
    places
}
