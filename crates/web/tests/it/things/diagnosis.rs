//! A diagnosis with an answer and a fix of ours.

use super::{MARK, Places};
use crate::scene::{NOW_MS, Scene};
use mail::OrgId;
use store::{Error, args};

const BEGINS: &[&str] = &["/troubleshoot/", "/api/v1/diagnoses/", "/support/", "/api/v1/support/requests/"];

pub async fn there(scene: &Scene, org: OrgId) -> Places {
    let id = gateway::trace::first_id_at(NOW_MS - 1_800_000).0 + (org.0 & 0xffff);
    let question = serde_json::json!({ "symptom": "not-received", "text": MARK, "sender": { "address": format!("{MARK}@sender.example") }, "recipient": null,
        "about_ms": null, "message_id": null, "mail": null, "connector": null, "pasted": null });
    let say = serde_json::json!({ "key": "seen-unknown-address", "args": [["what", MARK]] });
    let evidence = serde_json::json!({ "rule": "seen-unknown-address", "strength": "record", "say": say, "at_ms": null, "mail": null });
    let fix = serde_json::json!({ "kind": "add-recipient", "address": "zoe@other.example" });
    let cause = serde_json::json!({ "cause": "recipient-unknown", "what": MARK, "detail": "", "turn": "administrator", "evidence": [evidence],
        "fixes": [fix], "probability": 0.99, "confidence": "certain" });
    let answer = serde_json::json!({ "outcome": "found", "causes": [cause], "needs": [], "mails": [], "since_ms": 0, "until_ms": NOW_MS,
        "is_complete": true, "steps": [], "ms": 5 });
    let (question, answer) = (question.to_string(), answer.to_string());
    let kept: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                tx.run(
                    "INSERT INTO diagnosis (id, org, person, state, question, progress, answer, applied, ended_ms) \
                     VALUES ($1, $2, 0, 'done', $3, '[]', $4, '[]', $5)",
                    args![id, org.0, question, answer, NOW_MS],
                )
                .await
                .map(|_| ())
            })
        })
        .await;
    kept.expect("a diagnosis is kept");
    named(id)
}

pub fn nowhere() -> Places {
    named(gateway::trace::first_id_at(NOW_MS - 5_400_000).0)
}

fn named(id: i64) -> Places {
    let named = BEGINS.iter().map(|begin| (*begin, "diagnosis", format!("{id:x}")));
    named.chain(BEGINS.iter().map(|begin| (*begin, "fix", "0-0".to_string()))).collect()
}
