//! A removal that waits for a decision, with one copy, and the connector whose mailboxes it is about.

use super::{MARK, Places, under};
use crate::scene::{NOW_MS, Scene};
use mail::id::RemovalId;
use mail::{MailId, OrgId};
use store::{Error, Tx};
use web::removal::sql::{self, Delivered, Removal};
use web::removal::{Cause, CopyState, State};

const BEGINS: &[&str] = &["/removals/", "/api/v1/removals/"];

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let id = RemovalId(scene.app.ids.next(NOW_MS));
    let mail = MailId(scene.app.ids.next(NOW_MS - 1_700_000));
    let done: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { stored(tx, id, org, mail).await })).await;
    done.expect("the removal is stored");
    under(BEGINS, &id.to_string())
}

async fn stored(tx: &mut Tx, id: RemovalId, org: OrgId, mail: MailId) -> Result<(), Error> {
    super::mail::held_mail(tx, mail.0, org).await?;
    let removal = Removal {
        id,
        org,
        state: State::Asks,
        cause: Cause::Person,
        class: "phish".into(),
        note: MARK.into(),
        who: "eve@other.example".into(),
        asks_why: "listed".into(),
        copies: 1,
        decided_by: String::new(),
        decided_ms: 0,
    };
    sql::insert(tx, &removal).await?;
    let copy = Delivered { mail, n: 0, org, address: "eve@other.example".into(), connector: "none".into() };
    sql::insert_copy(tx, id, &copy, CopyState::Listed, (true, NOW_MS)).await
}

pub fn nowhere() -> Places {
    under(BEGINS, &RemovalId(4_711).to_string())
}
