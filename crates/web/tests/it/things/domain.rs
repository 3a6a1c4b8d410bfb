//! A served domain with a recipient and a key, one on its way, a connector and an inbound connector.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use gateway::directory::sql::{self as directory_sql, FROM_PAGE};
use gateway::directory::{ConnectorSettings, DomainSettings, InboundSettings};
use gateway::dkim::{self, Wish};
use mail::OrgId;
use store::{Error, args};

const DOMAIN: &str = "zebra-of-other.example";

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let organisation = scene.app.directory.snapshot().organisation(org).expect("was made").name.clone();
    let wish = Wish { org, domain: DOMAIN.into(), kind: mail::auth::KeyKind::Ed25519, rotate_days: 0 };
    let key = dkim::make(&wish, &scene.app.seal, scene.app.fresh_id(), NOW_MS).expect("made");
    let key_id = key.id.to_string();
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let domain = DomainSettings { name: DOMAIN.into(), organisation: organisation.clone(), ..Default::default() };
                directory_sql::put_domain(tx, &domain, FROM_PAGE).await?;
                directory_sql::put_recipient(tx, &format!("eve@{DOMAIN}"), MARK, FROM_PAGE).await?;
                dkim::sql::insert(tx, &key).await?;
                let hosts = vec!["mx.other.example".to_string()];
                let connector = ConnectorSettings { name: MARK.into(), organisation: organisation.clone(), hosts, ..Default::default() };
                directory_sql::put_connector(tx, &connector, FROM_PAGE).await?;
                directory_sql::put_inbound(tx, &InboundSettings { name: MARK.into(), organisation, ..Default::default() }, FROM_PAGE).await?;
                tx.run(
                    "INSERT INTO domain_claim (id, org, name, token, made_ms, how, reason) VALUES ($1, $2, $3, 'zebra-of-other', $4, '', '')",
                    args![key.id + 1, org.0, format!("coming.{DOMAIN}"), NOW_MS],
                )
                .await
                .map(|_| ())
            })
        })
        .await;
    done.expect("is written");
    named(DOMAIN, &key_id, MARK)
}

pub fn nowhere() -> Places {
    named("lemur-of-nobody.example", "77", "lemur-of-nobody")
}

fn named(domain: &str, key: &str, connector: &str) -> Places {
    let mut places = Places::new();
    for begin in ["/domains/", "/api/v1/domains/"] {
        let parts = [("name", domain.to_string()), ("key", key.into()), ("verb", "activate".into()), ("step", "mx".into())];
        places.extend(parts.into_iter().map(|(name, value)| (begin, name, value)));
        places.push((begin, "address", format!("eve@{domain}")));
    }
    for begin in ["/connectors/", "/api/v1/connectors/", "/inbound/", "/api/v1/inbound-connectors/"] {
        places.push((begin, "name", connector.into()));
    }
    places
}
