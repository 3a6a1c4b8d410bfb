//! Webhooks hear of more than service health: of mail, decisions and requests of their own organisation.

use crate::health::program;
use crate::scene::{NOW_MS, Scene};
use axum::http::StatusCode;
use serde_json::json;
use store::{Error, args};
use testkit::postgres::databases;
use web::people::Role;

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
