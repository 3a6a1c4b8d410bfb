//! A service request as both sides hold it over the API, and the letters about it.

use crate::scene::{Answer, Scene};
use axum::http::StatusCode;
use mail::message::Budget;
use mail::{MailId, Message};
use serde_json::{Value, json};
use store::{Error, args};
use web::people::Role;

/// Opens a request for acme; its number and the cookie of whoever asked.
pub async fn opened(scene: &Scene, title: &str) -> (String, String) {
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let answer = scene.send("POST", "/api/v1/requests", &cookie, json!({ "title": title, "description": "It began on Monday." })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    (answer.json()["id"].as_str().expect("an id").to_string(), cookie)
}

/// Does something with a request: a verb and what belongs to it.
pub async fn did(scene: &Scene, id: &str, cookie: &str, body: Value) -> Answer {
    scene.send("POST", &format!("/api/v1/requests/{id}"), cookie, body).await
}

/// Letters about requests to somebody, the last first.
pub async fn letters(scene: &Scene, to: &str) -> Vec<Message> {
    let to = to.to_string();
    let found: Result<Vec<i64>, Error> = scene
        .app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let sql = "SELECT r.mail FROM recipient r JOIN mail m ON m.id = r.mail WHERE r.address = $1 AND m.receipt LIKE '%\"request\"%' \
                           ORDER BY r.mail DESC LIMIT 20";
                tx.rows(sql, args![to]).await?.iter().map(|row| row.int(0)).collect()
            })
        })
        .await;
    let mut messages = Vec::new();
    for id in found.expect("letters") {
        let octets = scene.app.octets_of(MailId(id)).await.expect("a body").expect("kept");
        messages.push(Message::parse(octets, &Budget::default()));
    }
    messages
}
