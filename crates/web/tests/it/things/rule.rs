//! A mail flow rule, what it hit, and a held mail that waits for approval.

use super::{MARK, Places, under};
use crate::scene::{NOW_MS, Scene};
use gateway::rules::sql::{self, RuleRow};
use gateway::rules::{Condition, ConditionKind, RuleSettings};
use mail::{MailId, OrgId, RuleId};
use store::{Error, Tx};

const BEGINS: &[&str] = &["/rules/", "/api/v1/rules/"];

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let (id, waiting) = (RuleId(scene.app.ids.next(NOW_MS)), MailId(scene.app.ids.next(NOW_MS - 1_800_000)));
    let done: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { stored(tx, id, org, waiting).await })).await;
    done.expect("the rule is stored");
    places(&id.to_string(), &waiting.to_string())
}

async fn stored(tx: &mut Tx, id: RuleId, org: OrgId, waiting: MailId) -> Result<(), Error> {
    let condition = Condition { values: vec![MARK.into()], ..Condition::new(ConditionKind::SubjectWords) };
    let settings = RuleSettings { name: MARK.into(), conditions: vec![condition], stop: true, ..Default::default() };
    sql::put(tx, &RuleRow { id, org, settings, source: "page".into(), changed_ms: NOW_MS }).await?;
    super::mail::held_mail(tx, waiting.0, org).await?;
    for (statement, args) in [sql::hit(id, waiting, org, "enforce"), sql::await_approval(waiting, 0, org, "eve@other.example", MARK)] {
        tx.run(statement, args).await?;
    }
    Ok(())
}

pub fn nowhere() -> Places {
    places(&RuleId(4_711).to_string(), &gateway::trace::first_id_at(NOW_MS - 9_000_000).to_string())
}

fn places(rule: &str, waiting: &str) -> Places {
    let mut places = under(BEGINS, rule);
    places.push(("/rules/approvals/", "mail", waiting.to_string()));
    places
}
