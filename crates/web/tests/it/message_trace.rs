//! The trace in the words of Exchange Online: what is found, how it goes on, what is refused, and what others never see.

use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use mail::{MailId, OrgId};
use serde_json::{Value, json};
use store::{Error, Tx, args};
use testkit::postgres::{databases, sqlite};
use web::people::Role;

const HOUR_MS: i64 = 3_600_000;

/// A mail with recipients as `(address, state, tries)`.
struct Sample {
    org: OrgId,
    /// Hours before now.
    hours: i64,
    n: i64,
    sender: &'static str,
    subject: &'static str,
    verdict: &'static str,
    recipients: Vec<(String, &'static str, i64)>,
}

impl Sample {
    fn id(&self) -> MailId {
        MailId(gateway::trace::first_id_at(NOW_MS - self.hours * HOUR_MS).0 + self.n)
    }

    async fn write(&self, tx: &mut Tx) -> Result<(), Error> {
        let id = self.id();
        tx.run(
            "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
             VALUES ($1, $2, 'inbound', '192.0.2.1', '', $3, $4, $5, 1234, $6, $7, '{\"version\":1}', '{}')",
            args![id.0, self.org.0, self.sender, format!("<{}@x.example>", self.n), self.subject, self.recipients.len(), self.verdict],
        )
        .await?;
        for (n, (address, state, tries)) in self.recipients.iter().enumerate() {
            tx.run(
                "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, lease_node, lease_ms, last_reply) \
                 VALUES ($1, $2, $3, $4, $4, $5, '{}', '{}', '', $6, $7, 0, 0, '')",
                args![id.0, n, self.org.0, address.as_str(), *state, *tries, NOW_MS],
            )
            .await?;
            if *state == "delivered" {
                tx.run(
                    "INSERT INTO event (id, mail, org, at_ms, kind, recipient, detail) VALUES ($1, $2, $3, $4, 'delivered', $5, $6)",
                    args![
                        id.0 + 1_000 + n as i64,
                        id.0,
                        self.org.0,
                        NOW_MS,
                        address.as_str(),
                        "{\"hop\":\"mx.acme.example [198.51.100.9]:25\"}"
                    ],
                )
                .await?;
            }
        }
        Ok(())
    }
}

fn sample(org: OrgId, (hours, n): (i64, i64), recipients: &[(&str, &'static str, i64)]) -> Sample {
    let recipients = recipients.iter().map(|(name, state, tries)| (format!("{name}@acme.example"), *state, *tries)).collect();
    Sample { org, hours, n, sender: "x@sender.example", subject: "Quarterly figures", verdict: "clean", recipients }
}

async fn fill(scene: &Scene) {
    let (acme, other) = (scene.acme, scene.other);
    let all = vec![
        sample(acme, (1, 1), &[("dora", "delivered", 1), ("carl", "queued", 2), ("bo", "held", 0)]),
        // The same moment as the one before.
        sample(acme, (1, 2), &[("alice", "bounced", 1)]),
        Sample { subject: "Win a prize", verdict: "spam", ..sample(acme, (2, 3), &[("bo", "deleted", 0), ("li", "expired", 0)]) },
        Sample { sender: "", ..sample(acme, (30, 4), &[("bo", "queued", 0)]) },
        sample(acme, (24 * 5, 5), &[("bo", "delivered", 1)]),
        Sample { subject: "zebra-of-other", ..sample(other, (1, 6), &[("bo", "delivered", 1)]) },
    ];
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                for one in &all {
                    one.write(tx).await?;
                }
                Ok(())
            })
        })
        .await;
    done.expect("mails are written");
}

async fn ask(scene: &Scene, cookie: &str, query: &str) -> Value {
    let answer = scene.get(&format!("/api/v1/message-trace?{query}"), cookie).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text);
    answer.json()
}

/// Name and status of each row.
fn told(answer: &Value) -> Vec<String> {
    let one = |row: &Value| {
        let name = row["RecipientAddress"].as_str().unwrap_or_default().split('@').next().unwrap_or_default().to_string();
        format!("{name} {}", row["Status"].as_str().unwrap_or_default())
    };
    answer["value"].as_array().expect("rows").iter().map(one).collect()
}

const TWO_DAYS: [&str; 7] =
    ["alice Failed", "bo Quarantined", "carl Pending", "dora Delivered", "bo FilteredAsSpam", "li Quarantined", "bo GettingStatus"];

#[tokio::test]
async fn rows_have_the_words_of_exchange_online() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        fill(&scene).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let all = ask(&scene, &admin, "").await;
        assert_eq!(told(&all), TWO_DAYS, "{engine}: two days when nothing is said, the latest first, then by address");
        assert_eq!((&all["IsComplete"], &all["Next"]), (&json!(true), &Value::Null), "{engine}: {all}");
        assert!(!all.to_string().contains("zebra"), "{engine}: another organisation's");
        let dora = &all["value"][3];
        assert_eq!(dora["Received"], "2026-11-24T11:00:00.000Z", "{engine}: {dora}");
        assert_eq!(
            (&dora["FromIP"], &dora["ToIP"], &dora["Size"]),
            (&json!("192.0.2.1"), &json!("198.51.100.9"), &json!(1234)),
            "{engine}"
        );
        assert_eq!((&dora["SenderAddress"], &dora["MessageId"]), (&json!("x@sender.example"), &json!("<1@x.example>")), "{engine}");
        assert_eq!(all["value"][6]["SenderAddress"], "<>", "{engine}");
        let guid = dora["MessageTraceId"].as_str().expect("a GUID");
        let of_mail = ask(&scene, &admin, &format!("MessageTraceId={guid}")).await;
        assert_eq!(told(&of_mail), ["bo Quarantined", "carl Pending", "dora Delivered"], "{engine}");
        let story = scene.get(&format!("/api/v1/trace/{}", dora["Mail"].as_str().expect("ours")), &admin).await;
        assert_eq!(story.status, StatusCode::OK, "{engine}");
    }
}

#[tokio::test]
async fn filters_do_what_they_do_there() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        fill(&scene).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        for (query, want, why) in [
            ("RecipientAddress=bo%40acme.example", vec!["bo Quarantined", "bo FilteredAsSpam", "bo GettingStatus"], "one recipient, alone"),
            ("RecipientAddress=li%40acme.example,alice%40acme.example", vec!["alice Failed", "li Quarantined"], "two of them"),
            ("RecipientAddress=*%40acme.example&Status=Pending", vec!["carl Pending"], "a domain"),
            ("SenderAddress=%3C%3E", vec!["bo GettingStatus"], "the null reverse-path"),
            ("Status=Quarantined,FilteredAsSpam", vec!["bo Quarantined", "bo FilteredAsSpam", "li Quarantined"], "states"),
            ("Status=delivered", vec!["dora Delivered"], "in any case"),
            ("Status=Expanded", vec![], "there is none"),
            ("Subject=prize", vec!["bo FilteredAsSpam", "li Quarantined"], "contains"),
            ("Subject=win&SubjectFilterType=StartsWith", vec!["bo FilteredAsSpam", "li Quarantined"], "begins"),
            ("Subject=win&SubjectFilterType=EndsWith", vec![], "does not end so"),
            ("Subject=figures&SubjectFilterType=EndsWith&Status=Failed", vec!["alice Failed"], "ends"),
            ("ToIP=198.51.100.9", vec!["dora Delivered"], "where it went"),
            ("FromIP=192.0.2.2", vec![], "nobody"),
            ("MessageId=4@x.example", vec!["bo GettingStatus"], "without brackets"),
            ("StartDate=2026-11-19&EndDate=2026-11-20", vec!["bo Delivered"], "days of UTC"),
            (
                "StartDate=2026-11-24T10:00:00Z&EndDate=2026-11-24T11:00:00Z",
                vec!["bo FilteredAsSpam", "li Quarantined"],
                "the end is left out",
            ),
        ] {
            assert_eq!(told(&ask(&scene, &admin, query).await), want, "{engine}: {query}: {why}");
        }
    }
}

#[tokio::test]
async fn going_on_brings_every_row_once() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        fill(&scene).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        for size in 1..=8 {
            let (mut rows, mut more, mut rounds) = (Vec::new(), String::new(), 0);
            loop {
                let answer = ask(&scene, &admin, &format!("StartDate=2026-11-22T12:00:00Z&ResultSize={size}{more}")).await;
                rows.extend(told(&answer));
                rounds += 1;
                assert!(rounds < 20, "{engine}: it comes to an end");
                let next = &answer["Next"];
                assert_eq!(answer["IsComplete"].as_bool().expect("said"), next.is_null(), "{engine}: {answer}");
                let Some(end) = next["EndDate"].as_str() else { break };
                more =
                    format!("&EndDate={end}&StartingRecipientAddress={}", next["StartingRecipientAddress"].as_str().expect("an address"));
            }
            assert_eq!(rows, TWO_DAYS, "{engine}: {size} at a time");
        }
    }
}

#[tokio::test]
async fn what_is_out_of_range_is_refused_and_so_is_too_much() {
    let scene = Scene::new(sqlite()).await;
    let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    for (query, field) in [
        ("StartDate=2026-11-01&EndDate=2026-11-12", "/StartDate"),
        ("StartDate=2026-07-01&EndDate=2026-07-02", "/StartDate"),
        ("StartDate=2026-11-24&EndDate=2026-11-23", "/EndDate"),
        ("StartDate=yesterday", "/StartDate"),
        ("ResultSize=5001", "/ResultSize"),
        ("ResultSize=0", "/ResultSize"),
        ("Status=Lost", "/Status"),
        ("SubjectFilterType=Like", "/SubjectFilterType"),
        ("FromIP=here", "/FromIP"),
        ("MessageTraceId=ae5c1219-4c90-41bf-fef5-08d837917e7c", "/MessageTraceId"),
        ("SenderAddress=a,b,c,d&RecipientAddress=a,b,c", "/RecipientAddress"),
    ] {
        let answer = scene.get(&format!("/api/v1/message-trace?{query}"), &admin).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", answer.text);
        assert_eq!(answer.json()["errors"][0]["pointer"], field, "{query}: {}", answer.text);
    }
    assert_eq!(scene.get("/api/v1/message-trace?Sender=a", &admin).await.status, StatusCode::BAD_REQUEST, "no such parameter");
    let person = scene.cookie(Role::Person, Some(scene.acme)).await;
    assert_eq!(scene.get("/api/v1/message-trace", &person).await.status, StatusCode::FORBIDDEN);
    let mut last = StatusCode::OK;
    for n in 0..101 {
        assert_eq!(last, StatusCode::OK, "a hundred questions in five minutes: {n}");
        last = scene.get("/api/v1/message-trace", &admin).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}
