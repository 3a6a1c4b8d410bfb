//! The overview: sums that are kept by a job, figures that people see of their own organisation only.

use crate::scene::{NOW_MS, Scene};
use crate::things::{MARK, things};
use axum::http::StatusCode;
use gateway::trace::first_id_at;
use mail::OrgId;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{Error, args};
use testkit::postgres::databases;
use web::overview::counting::{self, HOUR_MS};
use web::people::Role;

const RECEIPT: &str = r#"{"version":1,"findings":[{"check":"link.text-mismatch","weight":3.5}],"verdict":{"decided_by":null}}"#;
/// Hours counted in one turn of the job are fewer than there are.
const TURNS_MAX: usize = 40;

fn clock() -> i64 {
    NOW_MS
}

/// A mail received so many minutes before now, for one recipient in this state.
async fn received(scene: &Scene, org: OrgId, minutes_ago: i64, (verdict, state): (&'static str, &'static str)) -> i64 {
    // Not from the maker of identifiers: it never goes back in time.
    static MADE: AtomicI64 = AtomicI64::new(0);
    let id = first_id_at(NOW_MS - minutes_ago * 60_000).0 + MADE.fetch_add(1, Ordering::Relaxed);
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                tx.run(
                    "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, \
                     envelope) VALUES ($1, $2, 'inbound', '192.0.2.1', 'mx', 'x@sender.example', '', '', 10, 1, $3, $4, '{}')",
                    args![id, org.0, verdict, RECEIPT],
                )
                .await?;
                tx.run(
                    "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, lease_node, lease_ms, \
                     last_reply) VALUES ($1, 0, $2, 'a@acme.example', 'a@acme.example', $3, '{}', '{}', '', 0, $4, 0, 0, '')",
                    args![id, org.0, state, NOW_MS + HOUR_MS],
                )
                .await?;
                Ok(())
            })
        })
        .await;
    done.expect("a mail");
    id
}

/// Runs the job until nothing is due.
async fn count(scene: &Scene, holder: i64) -> usize {
    let mut hours = 0;
    for _ in 0..TURNS_MAX {
        let now = counting::turn(&scene.app.db, holder, clock).await.expect("counted");
        hours += now;
        if now == 0 {
            return hours;
        }
    }
    panic!("the job never ends");
}

async fn sums(scene: &Scene) -> Vec<String> {
    let sql = "SELECT org, hour_ms, kind, name, count FROM hour_sum ORDER BY org, hour_ms, kind, name";
    let rows: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.rows(sql, vec![]).await })).await;
    rows.expect("sums").iter().map(|row| format!("{:?}", row.values)).collect()
}

#[tokio::test]
async fn mail_of_ones_own_is_counted_once_however_often_the_job_runs() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        for (minutes, verdict, state) in
            [(3_000, "malware", "held"), (80, "spam", "delivered"), (70, "spam", "held"), (5, "clean", "delivered")]
        {
            received(&scene, scene.acme, minutes, (verdict, state)).await;
        }
        received(&scene, scene.other, 4, ("phish", "queued")).await;
        assert_eq!(count(&scene, 7).await, usize::try_from(counting::HOURS_KEPT).expect("few"), "{engine}: every hour there is");
        let before = sums(&scene).await;
        assert_eq!(count(&scene, 7).await, 0, "{engine}: nothing can have changed");
        let again: Result<(), Error> =
            scene.app.db.tx(|tx| Box::pin(async move { tx.run("DELETE FROM hour_counted", vec![]).await.map(drop) })).await;
        again.expect("forgotten");
        count(&scene, 7).await;
        assert_eq!(sums(&scene).await, before, "{engine}: counting twice changes nothing");
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let day = scene.get("/api/v1/overview", &cookie).await.json();
        assert_eq!(day["total"]["verdicts"], serde_json::json!({ "clean": 1, "spam": 2 }), "{engine}");
        assert_eq!(day["total"]["outcomes"], serde_json::json!({ "delivered": 2, "held": 1 }), "{engine}");
        assert_eq!((&day["waiting"]["held"], &day["waiting"]["queued"]), (&2.into(), &0.into()), "{engine}");
        assert_eq!(day["reasons"], serde_json::json!([{ "check": "link.text-mismatch", "mails": 2 }]), "{engine}");
        assert_eq!(day["steps"].as_array().map(Vec::len), Some(24), "{engine}");
        assert_eq!(day["is_complete"], true, "{engine}");
        let week = scene.get("/api/v1/overview?span=week&zone=Asia/Shanghai", &cookie).await.json();
        assert_eq!(
            week["reasons"],
            serde_json::json!([{ "check": "link.text-mismatch", "mails": 3 }]),
            "{engine}: days and hours together"
        );
        assert_eq!((&week["total"]["verdicts"]["malware"], week["steps"].as_array().map(Vec::len)), (&1.into(), Some(7)), "{engine}");
        let operator = scene.cookie(Role::Operator, None).await;
        let all = scene.get("/api/v1/overview", &operator).await.json();
        assert_eq!((&all["total"]["verdicts"]["phish"], &all["waiting"]["queued"]), (&1.into(), &1.into()), "{engine}: of all");
    }
}

#[tokio::test]
async fn what_becomes_of_mail_later_is_seen_later() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let mail = received(&scene, scene.acme, 180, ("spam", "held")).await;
        count(&scene, 7).await;
        let released: Result<(), Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move { tx.run("UPDATE recipient SET state = 'delivered' WHERE mail = $1", args![mail]).await.map(drop) })
            })
            .await;
        released.expect("released");
        // Six minutes later its hour is looked at again.
        let later = || NOW_MS + 360_000;
        counting::turn(&scene.app.db, 7, later).await.expect("counted");
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let day = scene.get("/api/v1/overview", &cookie).await.json();
        assert_eq!(day["total"]["outcomes"], serde_json::json!({ "delivered": 1 }));
        assert_eq!(day["total"]["verdicts"], serde_json::json!({ "spam": 1 }));
    }
}

#[tokio::test]
async fn one_server_counts_at_a_time_and_another_goes_on_after_it() {
    for database in databases() {
        let scene = Scene::new(database).await;
        assert!(counting::turn(&scene.app.db, 7, clock).await.expect("counted") > 0);
        assert_eq!(counting::turn(&scene.app.db, 8, clock).await.expect("asked"), 0, "another has the lease");
        let later = || NOW_MS + 120_000;
        assert!(counting::turn(&scene.app.db, 8, later).await.expect("counted") > 0, "the first has been silent for long");
    }
}

#[tokio::test]
async fn refusals_and_reports_are_counted_where_they_belong() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let (good, missed) =
            (received(&scene, scene.acme, 51, ("spam", "held")).await, received(&scene, scene.acme, 50, ("clean", "delivered")).await);
        let (acme, at) = (scene.acme.0, first_id_at(NOW_MS - 600_000).0);
        let done: Result<(), Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    for (n, kind) in ["recipient-refused", "recipient-refused", "content-refused", "not-recorded"].into_iter().enumerate() {
                        let sql = "INSERT INTO event (id, mail, org, at_ms, kind, recipient, detail) VALUES ($1, 0, $2, $3, $4, '', '{}')";
                        tx.run(sql, args![at + n as i64, acme, NOW_MS - 600_000, kind]).await?;
                    }
                    for (n, (mail, label)) in [(good, "ham"), (missed, "phish"), (missed, "ham")].into_iter().enumerate() {
                        let sql = "INSERT INTO report (id, org, mail, digest, reporter, label, subject, before_spam, after_spam, at_ms) \
                                   VALUES ($1, $2, $3, 'd', $4, $5, '', 0.5, 0.5, $6)";
                        tx.run(sql, args![at + n as i64, acme, mail, format!("r{n}"), label, NOW_MS - 600_000]).await?;
                    }
                    Ok(())
                })
            })
            .await;
        done.expect("written");
        count(&scene, 7).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let total = scene.get("/api/v1/overview", &cookie).await.json()["total"].clone();
        assert_eq!(total["refused"], serde_json::json!({ "recipient-refused": 2, "content-refused": 1 }));
        assert_eq!((&total["reported_good"], &total["reported_missed"]), (&1.into(), &1.into()));
        let other = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert_eq!(scene.get("/api/v1/overview", &other).await.json()["total"]["refused"], serde_json::json!({}));
    }
}

#[tokio::test]
async fn the_page_shows_figures_to_those_who_may_and_asks_for_no_scripts() {
    for database in databases() {
        let scene = Scene::new(database).await;
        received(&scene, scene.acme, 5, ("high-phish", "held")).await;
        things(&scene, scene.other).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let fresh = scene.get("/overview", &cookie).await;
        assert!(fresh.text.contains("Nothing has been counted yet"), "{}", fresh.text);
        count(&scene, 7).await;
        for span in ["", "?span=week", "?span=month", "?span=never"] {
            let page = scene.get(&format!("/overview{span}"), &cookie).await;
            assert_eq!(page.status, StatusCode::OK);
            for seen in ["Phishing, high confidence", "/help/check/link.text-mismatch", "<table", "Adds up"] {
                assert!(page.text.contains(seen), "{span}: {seen}: {}", page.text);
            }
            assert!(!page.text.contains(MARK));
        }
        let file = scene.get("/overview?format=csv", &cookie).await;
        assert_eq!(file.text.lines().count(), 25);
        let person = scene.cookie(Role::Person, Some(scene.acme)).await;
        for path in ["/overview", "/overview/live", "/api/v1/overview"] {
            assert_eq!(scene.get(path, &person).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        for (cookie, to) in [(&cookie, "/overview"), (&person, "/quarantine/mine"), (&String::new(), "/sign-in?next=%2F")] {
            assert_eq!(scene.get("/", cookie).await.to(), to);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_field_by_field() {
    let scene = Scene::new(testkit::postgres::sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let answer = scene.get("/api/v1/overview?span=year&zone=Mars/Base", &cookie).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let pointers: Vec<_> = answer.json()["errors"].as_array().expect("errors").iter().map(|one| one["pointer"].clone()).collect();
    assert_eq!(pointers, ["/span", "/zone"]);
}
