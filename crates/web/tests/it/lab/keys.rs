//! DKIM keys of the world's domains, published or not.

use super::scenario::World;
use super::world::now_ms;
use gateway::directory::sql as directory_sql;
use gateway::dkim::{self, KeyState, Seal, Wish};
use mail::auth::KeyKind;
use mail::dns::Zone;
use mail::id::IdMaker;
use std::sync::Arc;
use store::{Db, Error};

/// Makes an active key for each domain that the scenario names.
pub async fn make(db: &Db, ids: &Arc<IdMaker>, seal: &Arc<Seal>, world: &World, zone: &mut Zone) {
    for (domain, how) in &world.dkim {
        let (id, seal, wanted) = (ids.next(now_ms()), seal.clone(), domain.clone());
        let made: Result<dkim::DomainKey, Error> = db
            .tx(move |tx| {
                Box::pin(async move {
                    let org = directory_sql::organisation_id(tx, "acme").await?;
                    let wish = Wish { org, domain: wanted, kind: KeyKind::Ed25519, rotate_days: 0 };
                    let mut key = dkim::make(&wish, &seal, id, now_ms()).expect("a key");
                    key.state = KeyState::Active;
                    dkim::sql::insert(tx, &key).await?;
                    Ok(key)
                })
            })
            .await;
        let key = made.expect("a key is kept");
        match how.as_str() {
            "published" => drop(zone.txt(&key.record_name(), &key.record)),
            "differs" => drop(zone.txt(&key.record_name(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")),
            _ => {}
        }
    }
}
