//! Webhooks hear of more than service health: of mail, decisions and requests of their own organisation.

use crate::health::program;
use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use mail::PersonId;
use serde_json::json;
use store::{Error, args};
use testkit::postgres::databases;
use web::people::session::{self, Peer};
use web::people::sql::{self as people_sql, NewPerson, OwnRole};
use web::people::{May, Role};

/// What other features did is told to the organisation's own hooks that asked, once, and can be sent again.
#[tokio::test]
async fn programs_hear_of_mail_and_requests_of_their_own_organisation() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let (url, heard) = program("200 OK").await;
        let (acme, other) =
            (scene.cookie(Role::Administrator, Some(scene.acme)).await, scene.cookie(Role::Administrator, Some(scene.other)).await);
        let hooks = "/api/v1/health/hooks";
        for (who, topics) in [(&acme, json!(["held", "request"])), (&other, json!(["mail"])), (&acme, json!(["nonsense"]))] {
            let made = scene.send("POST", hooks, who, json!({ "url": url, "topics": topics })).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        }
        assert_eq!(web::health::hook::feed::look(&scene.app).await, Ok(0), "it begins with the present");
        let asked = scene
            .send("POST", "/api/v1/requests", &acme, json!({ "title": "Late mail", "description": "An hour each.", "area": "mail-flow" }))
            .await;
        assert_eq!(asked.status, StatusCode::CREATED, "{}", asked.text);
        let org = scene.acme;
        let put: Result<(), Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    let mail = gateway::trace::first_id_at(NOW_MS - 60_000).0 + 1;
                    crate::things::mail::held_mail(tx, mail, org).await?;
                    // As if all of it had been a while ago.
                    tx.run("UPDATE health_hook_feed SET last_id = $1", args![mail - 1]).await?;
                    tx.run("UPDATE request_event SET id = $1 WHERE kind = 'opened'", args![mail + 1]).await.map(drop)
                })
            })
            .await;
        put.expect("it is written");
        assert_eq!(web::health::hook::feed::look(&scene.app).await, Ok(2), "a held mail and a request, for one of three hooks");
        assert_eq!(web::health::hook::feed::look(&scene.app).await, Ok(0), "told once");
        assert_eq!(web::health::hook::send_once(&scene.app).await, Ok(2));
        let sent = heard.lock().expect("nobody panicked").join("\n");
        assert!(sent.contains("org.gatepost.mail.judged.v1") && sent.contains("\"is_held\":true"), "{sent}");
        assert!(sent.contains("org.gatepost.request.opened.v1") && sent.contains("Late mail"), "{sent}");
        let all = scene.get(hooks, &acme).await.json();
        let id = all.as_array().expect("a list").iter().find(|hook| hook["topics"] == json!(["held", "request"])).expect("the hook")["id"]
            .clone();
        let log = format!("{hooks}/{}/events", id.as_str().expect("an id"));
        let events = scene.get(&log, &acme).await.json();
        assert_eq!((events[0]["answer"].clone(), events.as_array().map(Vec::len)), (json!("200"), Some(2)));
        let again = format!("{log}/{}/again", events[0]["id"].as_str().expect("an id"));
        assert_eq!(scene.send("POST", &again, &other, json!({})).await.status, StatusCode::NOT_FOUND);
        assert_eq!(scene.send("POST", &again, &acme, json!({})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(web::health::hook::send_once(&scene.app).await, Ok(1), "sent again");
        let page = scene.get(&format!("/health/hooks/{}", id.as_str().expect("an id")), &acme).await;
        assert!(page.text.contains("mail.judged") && page.text.contains("Send again"), "{}", page.text);
    }
}

/// Somebody of acme who may do only this.
async fn only(scene: &Scene, may: Vec<May>) -> String {
    let (role, acme, id) = (scene.app.fresh_id(), scene.acme, scene.app.fresh_id());
    let added: Result<PersonId, Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                people_sql::put_own_role(tx, &OwnRole { id: role, org: acme, name: "Builder".into(), may, people: 0 }, NOW_MS).await?;
                let new = NewPerson { email: "builder@acme.example".into(), name: String::new(), role: Role::Person, org: Some(acme) };
                let person = people_sql::add(tx, &new, id, NOW_MS).await?;
                people_sql::set_role(tx, person, Role::Own, role).await?;
                Ok(person)
            })
        })
        .await;
    let token = session::start(&scene.app, added.expect("a person"), &Peer::default()).await.expect("a session");
    format!("gatepost={token}")
}

/// The audit log is told to whom a reader of the log chose, to each organisation its own lines.
#[tokio::test]
async fn programs_follow_the_audit_log_of_their_own_organisation() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let (url, heard) = program("200 OK").await;
        let acme = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let builder = only(&scene, vec![May::Connectors]).await;
        let hooks = "/api/v1/health/hooks";
        let wish = json!({ "url": url, "topics": ["audit"] });
        assert_eq!(scene.send("POST", hooks, &builder, wish.clone()).await.status, StatusCode::FORBIDDEN, "who may not read it");
        let made = scene.send("POST", hooks, &acme, wish).await;
        assert_eq!((made.status, made.json()["topics"].clone()), (StatusCode::CREATED, json!(["audit"])), "{}", made.text);
        assert_eq!(web::health::hook::feed::look(&scene.app).await, Ok(0), "it begins with the present");
        let (own, other) = (scene.acme, scene.other);
        let put: Result<(), Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    let first = gateway::trace::first_id_at(NOW_MS - 60_000).0;
                    let sql = "INSERT INTO audit (id, org, person, who, ip, action, subject, detail) VALUES ($1, $2, 0, 'ann@acme.example', '192.0.2.1', 'rule.change', $3, '{\"was\":1}')";
                    for (n, org, subject) in [(1, own.0, "ours"), (2, other.0, "theirs"), (3, 0, "nobody's")] {
                        tx.run(sql, args![first + n, org, subject]).await?;
                    }
                    tx.run("UPDATE health_hook_feed SET last_id = $1", args![first]).await.map(drop)
                })
            })
            .await;
        put.expect("it is written");
        assert_eq!(web::health::hook::feed::look(&scene.app).await, Ok(1), "one line of three");
        assert_eq!(web::health::hook::feed::look(&scene.app).await, Ok(0), "told once");
        assert_eq!(web::health::hook::send_once(&scene.app).await, Ok(1));
        let sent = heard.lock().expect("nobody panicked").join("\n");
        assert!(
            sent.contains("org.gatepost.audit.noted.v1") && sent.contains("\"subject\":\"ours\"") && sent.contains("\"ip\":\"192.0.2.1\""),
            "{sent}"
        );
        assert!(!sent.contains("theirs") && !sent.contains("nobody's"), "{sent}");
        let id = scene.get(hooks, &acme).await.json()[0]["id"].as_str().expect("an id").to_string();
        for path in [format!("{hooks}/{id}/events"), format!("/health/hooks/{id}")] {
            assert_eq!(scene.get(&path, &acme).await.status, StatusCode::OK, "{path}");
            assert_eq!(scene.get(&path, &builder).await.status, StatusCode::FORBIDDEN, "what was told is the log: {path}");
        }
        let page = scene.get("/health/hooks", &acme).await.text;
        assert!(page.contains("Every line of the audit log") && page.contains("name=\"audit\""), "{page}");
        let page = scene.get("/health/hooks", &builder).await.text;
        assert!(!page.contains("name=\"audit\""), "{page}");
    }
}
