//! A question of a refused sender, and a connectivity test.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use mail::OrgId;
use mail::id::SecondLookId;
use store::{Error, args};

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let id = scene.app.fresh_id();
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let facts = format!(
                    "{{\"ip\":\"192.0.2.1\",\"helo\":\"mx.x.example\",\"sender\":\"{MARK}@x.example\",\
                     \"recipients\":[\"eve@other.example\"],\"reply\":\"550 5.7.1 no\"}}"
                );
                tx.run(
                    "INSERT INTO second_look (id, org, refusal, mail, kind, domain, facts, why, contact, lang, token, proof, state, answer, \
                     answered_by, draft, again) VALUES ($1, $2, $1, 0, 'recipient-refused', 'x.example', $3, $4, 'bob@x.example', 'en', \
                     'digest', '', 'open', '', '', 0, '')",
                    args![id, org.0, facts, MARK],
                )
                .await?;
                let test = format!(
                    "{{\"way\":\"inbound\",\"target\":\"{MARK}.example\",\"at_ms\":{NOW_MS},\"ms\":1,\"branches\":[]}}"
                );
                tx.run(
                    "INSERT INTO check_result (org, kind, subject, at_ms, result) VALUES ($1, 'connectivity', $2, $3, $4)",
                    args![org.0, format!("inbound.{MARK}.example"), NOW_MS, test],
                )
                .await
                .map(|_| ())
            })
        })
        .await;
    done.expect("a question and a test");
    named(&SecondLookId(id).to_string(), &format!("inbound.{MARK}.example"))
}

pub fn nowhere() -> Places {
    named(&SecondLookId(77).to_string(), "inbound.nowhere.example")
}

fn named(look: &str, test: &str) -> Places {
    let mut places: Places = ["/second-looks/", "/api/v1/second-looks/"].map(|begin| (begin, "look", look.to_string())).to_vec();
    places.extend(["/connectivity/", "/api/v1/connectivity/"].map(|begin| (begin, "test", test.to_string())));
    places
}
