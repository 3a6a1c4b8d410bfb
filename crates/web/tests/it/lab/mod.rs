//! The fault lab: worlds with real faults, complaints as people word them, and whether the troubleshooter names the true cause.
//!
//! In: `tests/lab/*.toml`. Out: assertions in the ordinary tests (a few scenarios), and `bench/DIAGNOSIS.md` by `make lab` (all of them).
//! A world is a whole Gatepost in this process: listener, mail path, queue, delivery, pages, with fixed DNS and next hops with faults.

mod keys;
mod real;
mod report;
mod scenario;
mod sender;
mod world;
mod zone;

use report::{Result as Outcome, write};
use scenario::{Scenario, all};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use store::{Error, args};
use world::{World, now_ms};

/// How long the world may take to come to rest.
const REST_WITHIN: Duration = Duration::from_secs(16);
/// How long a fix may take to work.
const WORKS_WITHIN: Duration = Duration::from_secs(16);

/// Scenarios that every run of the tests goes through; `GATEPOST_LAB=all` goes through all, a name through those that contain it.
/// `GATEPOST_LAB_SHOW=1` prints each answer.
const SHORT: [&str; 8] = [
    "next-hop-refuses-connections",
    "held-as-spam",
    "recipient-not-registered",
    "mx-leads-elsewhere",
    "delivered-look-in-junk",
    "certificate-expired",
    "sender-dmarc-reject",
    "private-address",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_troubleshooter_names_the_true_cause() {
    let wanted = std::env::var("GATEPOST_LAB").unwrap_or_default();
    let scenarios: Vec<Scenario> = all().into_iter().filter(|one| is_wanted(&wanted, &one.id)).collect();
    assert!(!scenarios.is_empty(), "there is no scenario {wanted}");
    let mut outcomes = Vec::new();
    for scenario in &scenarios {
        for (lang, symptom) in [("en", &scenario.en), ("zh-CN", &scenario.zh)] {
            // Both wordings meet the same evidence; outside the long run the world is made once a scenario.
            if lang == "zh-CN" && wanted != "all" && scenario.id.len() % 2 == 0 {
                continue;
            }
            let outcome = played(scenario, lang, symptom).await;
            println!("{}", outcome.line());
            outcomes.push(outcome);
        }
    }
    if wanted == "all" {
        write(&outcomes);
    }
    let bad: Vec<String> = outcomes.iter().filter(|one| !one.is_good()).map(Outcome::line).collect();
    assert!(bad.is_empty(), "{} of {} are not as they should be:\n{}", bad.len(), outcomes.len(), bad.join("\n"));
}

fn is_wanted(wanted: &str, id: &str) -> bool {
    match wanted {
        "" => SHORT.contains(&id),
        "all" => true,
        part => id.contains(part),
    }
}

/// One world from its beginning to its end.
async fn played(scenario: &Scenario, lang: &str, symptom: &str) -> Outcome {
    let mut world = World::start(scenario).await;
    let (mut number, mut refused) = (0, 0);
    for sent in &scenario.world.mail {
        for _ in 0..sent.times {
            number += 1;
            let reply = sender::send(world.smtp, sent, number).await;
            refused += i64::from(!reply.starts_with('2'));
        }
    }
    for step in &scenario.world.then {
        then(&mut world, step).await;
    }
    rest(&world).await;
    recorded(&world, refused).await;
    let mut asked = json!({ "text": symptom });
    for (field, value) in &scenario.ask {
        asked[field.as_str()] = json!(filled(&world, value).await);
    }
    let began = Instant::now();
    let body = diagnosis(&world, &asked).await;
    let ms = began.elapsed().as_millis() as u64;
    if std::env::var_os("GATEPOST_LAB_SHOW").is_some() {
        println!("{body:#}");
    }
    let fixed = match scenario.apply.as_str() {
        "" => None,
        kind => Some(applied(&mut world, scenario, &body, kind).await),
    };
    world.end();
    Outcome::of(scenario, lang, &body, (ms, fixed))
}

/// Asks as a program does, and waits for the answer.
async fn diagnosis(world: &World, asked: &Value) -> Value {
    let answer = world.ask("POST", "/api/v1/diagnoses", asked.clone()).await;
    if !answer.status.is_success() {
        println!("    {asked}: {}", answer.text);
        return Value::Null;
    }
    let mut body = answer.json();
    let until = Instant::now() + Duration::from_secs(30);
    while body["state"] == "running" && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let path = format!("/api/v1/diagnoses/{}", body["id"].as_str().unwrap_or_default());
        body = world.ask("GET", &path, Value::Null).await.json();
    }
    body
}

/// Puts what only the world knows into a field: `{mail}` is the last mail, `{now-90}` a moment, `{reply}` the last refusal.
async fn filled(world: &World, value: &str) -> String {
    let mut text = value.to_string();
    if text.contains("{mail}") {
        let row: Result<_, Error> =
            world.app.db.read(|tx| Box::pin(async move { tx.row("SELECT max(id) FROM mail", args![]).await })).await;
        let id = row.expect("a row").and_then(|row| row.int_opt(0).ok().flatten()).unwrap_or_default();
        text = text.replace("{mail}", &mail::MailId(id).to_string());
    }
    if let Some((before, rest)) = text.clone().split_once("{now-") {
        let (minutes, after) = rest.split_once('}').expect("{now-MINUTES}");
        let at = now_ms() - minutes.parse::<i64>().expect("minutes") * 60_000;
        text = format!("{before}{}{after}", jiff::Timestamp::from_millisecond(at).expect("a moment"));
    }
    if text.contains("{reply}") {
        // Servers report what was said to RCPT, not to the DATA that a pipeline sends after it.
        let sql = "SELECT detail FROM event WHERE kind IN ('recipient-refused', 'content-refused') AND detail NOT LIKE '%No valid recipients%' \
                   ORDER BY id DESC LIMIT 1";
        let row: Result<_, Error> = world.app.db.read(move |tx| Box::pin(async move { tx.row(sql, args![]).await })).await;
        let detail = row.expect("a row").and_then(|row| row.text(0).ok().map(str::to_string)).unwrap_or_default();
        let reply: Value = serde_json::from_str(&detail).unwrap_or_default();
        text = text.replace("{reply}", reply["reply"].as_str().unwrap_or_default());
    }
    text
}

/// Waits until everything that was taken was tried at least once.
async fn rest(world: &World) {
    let until = Instant::now() + REST_WITHIN;
    loop {
        let sql = "SELECT count(*) FROM recipient WHERE state = 'queued' AND tries = 0";
        let row: Result<_, Error> = world.app.db.read(move |tx| Box::pin(async move { tx.row(sql, args![]).await })).await;
        let waiting = row.expect("a count").map_or(0, |row| row.int(0).unwrap_or(0));
        if waiting == 0 || Instant::now() > until {
            break;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Waits until so many refusals are on record: they ride in later commits.
async fn recorded(world: &World, refused: i64) {
    let until = Instant::now() + REST_WITHIN;
    let sql = "SELECT count(*) FROM event WHERE kind LIKE '%-refused'";
    while refused > 0 && Instant::now() < until {
        let row: Result<_, Error> = world.app.db.read(move |tx| Box::pin(async move { tx.row(sql, args![]).await })).await;
        if row.expect("a count").is_some_and(|row| row.int(0).unwrap_or(0) >= refused) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn run(world: &World, sql: &'static str, values: Vec<store::Value>) {
    let done: Result<_, Error> = world.app.db.tx(move |tx| Box::pin(async move { tx.run(sql, values).await })).await;
    done.expect("a statement of the lab");
}

async fn last_mail(world: &World) -> String {
    filled(world, "{mail}").await
}

async fn then(world: &mut World, step: &str) {
    let (verb, rest_of) = step.split_once(' ').unwrap_or((step, ""));
    match verb {
        "settle" => rest(world).await,
        "measure" => world.measure().await,
        "down" => {
            world.sinks.remove(rest_of);
            world.reals.remove(rest_of);
        }
        "up" => world.up(rest_of).await,
        "delivered" => until(world, "SELECT count(*) FROM recipient WHERE state = 'queued'", 0).await,
        "release" | "delete" => {
            rest(world).await;
            let mail = last_mail(world).await;
            let path = format!("/api/v1/quarantine/{mail}");
            let answer = match verb {
                "release" => world.ask("POST", &format!("{path}/release"), json!({})).await,
                _ => world.ask("DELETE", &path, Value::Null).await,
            };
            assert!(answer.status.is_success(), "{step}: {}", answer.text);
        }
        "cancel" => {
            rest(world).await;
            let mail = last_mail(world).await;
            let answer = world.ask("POST", &format!("/api/v1/trace/{mail}/cancel"), json!({})).await;
            assert!(answer.status.is_success(), "{step}: {}", answer.text);
        }
        "expire" => {
            rest(world).await;
            run(world, "UPDATE recipient SET next_ms = 1 WHERE state = 'held'", Vec::new()).await;
            world.app.quarantine.expire(now_ms()).await.expect("held mail ends");
        }
        "remove" => {
            // As `web::removal::run` writes it; what moves mail is tested with a real mailbox server.
            let mail = last_mail(world).await;
            let values =
                args![world.app.fresh_id(), mail.parse::<mail::MailId>().expect("a mail").0, world.org.0, now_ms(), rest_of.to_string()];
            let sql = "INSERT INTO event (id, mail, org, at_ms, kind, recipient, detail) VALUES ($1, $2, $3, $4, 'removed', $5, \
                       '{\"by\":\"Gatepost\",\"from\":\"INBOX\",\"to\":\"Junk\"}')";
            run(world, sql, values).await;
        }
        "digest" => {
            let every = rest_of.to_string();
            run(world, "INSERT INTO digest_setting (org, every, hour, zone) VALUES ($1, $2, 7, 'UTC')", args![world.org.0, every]).await;
        }
        "digest-own" => {
            let address = rest_of.to_string();
            run(
                world,
                "INSERT INTO digest (org, address, every, told_ms, sent_ms) VALUES ($1, $2, 'off', 0, 0)",
                args![world.org.0, address],
            )
            .await;
        }
        "wrong-password" => {
            for _ in 0..3 {
                world.post("/sign-in", &format!("email={}&password=wrong-one", rest_of.replace('@', "%40"))).await;
            }
        }
        "drop-connector" => run(world, "DELETE FROM connector WHERE name = $1", args![rest_of.to_string()]).await,
        "issue" => issue(world, rest_of).await,
        // A neighbour of a later version has been here.
        "newer-database" => {
            let values = args![99_999_i64, "future", "x", now_ms()];
            run(world, "INSERT INTO migration (number, name, checksum, at_ms) VALUES ($1, $2, $3, $4)", values).await;
        }
        "spoil-learned" => {
            let sql = "INSERT INTO classifier (org, person, version, octets) VALUES ($1, '', 1, $2)";
            run(world, sql, vec![store::Value::Int(world.org.0), store::Value::Blob(vec![7, 7, 7].into())]).await;
            world.app.feedback.deltas.refresh(&world.app.db).await;
        }
        "reload" => drop(world.app.directory.reload().await),
        "wait" => tokio::time::sleep(Duration::from_millis(rest_of.parse().expect("milliseconds"))).await,
        other => panic!("there is no step “{other}”"),
    }
}

/// An issue that a rule opened and that is open.
async fn issue(world: &World, cause: &str) {
    let body = json!({ "title": { "en": "Mail is not taken", "zh": "无法接收邮件" } }).to_string();
    run(
        world,
        "INSERT INTO issue (number, org, cause, what, status, classification, origin, is_measured, is_open, is_known, merged_into, started_ms, updated_ms, ended_ms, body) \
         VALUES (100001, 0, $1, '', 'serviceInterruption', 'incident', 'microsoft', 1, 1, 0, 0, $2, $2, NULL, $3)",
        args![cause.to_string(), now_ms() - 600_000, body],
    )
    .await;
}

async fn until(world: &World, sql: &'static str, wanted: i64) {
    let end = Instant::now() + REST_WITHIN;
    while Instant::now() < end {
        let row: Result<_, Error> = world.app.db.read(move |tx| Box::pin(async move { tx.row(sql, args![]).await })).await;
        if row.expect("a count").is_some_and(|row| row.int(0).unwrap_or(-1) == wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Applies the fix of this kind, and looks until it works.
async fn applied(world: &mut World, scenario: &Scenario, body: &Value, kind: &str) -> bool {
    let wanted: BTreeSet<&str> = scenario.cause.iter().map(String::as_str).collect();
    let causes = body["causes"].as_array().cloned().unwrap_or_default();
    let fixes = causes.iter().filter(|cause| wanted.contains(cause["id"].as_str().unwrap_or_default()));
    let fix = fixes.flat_map(|cause| cause["fixes"].as_array().cloned().unwrap_or_default()).find(|fix| fix["kind"] == kind);
    let Some(fix) = fix else { return false };
    if kind == "retry" && scenario.world.hop.get("server").is_some_and(|hop| hop.fault == "down") {
        world.up("server").await; // who runs the server mended it
    }
    let path = format!("/api/v1/diagnoses/{}/fixes/{}", body["id"].as_str().unwrap_or_default(), fix["id"].as_str().unwrap_or_default());
    let done = world.ask("POST", &path, json!({})).await;
    if !done.status.is_success() {
        println!("    {kind}: {}", done.text);
        return false;
    }
    let end = Instant::now() + WORKS_WITHIN;
    loop {
        let state = world.ask("GET", &path, Value::Null).await.json();
        if state["verified"] == "works" {
            break;
        }
        if Instant::now() > end {
            println!("    {kind}: {state}");
            return false;
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    if matches!(kind, "release" | "retry") {
        return true;
    }
    let back = world.ask("DELETE", &path, Value::Null).await;
    if !back.status.is_success() {
        println!("    {kind} is not taken back: {}", back.text);
    }
    back.status.is_success()
}
