//! The bell: what it counts, and who hears it.

use crate::health::{issue, put};
use crate::scene::{Answer, NOW_MS, Scene, request};
use axum::body::Body;
use axum::http::{StatusCode, header};
use futures_util::StreamExt;
use std::time::Duration;
use testkit::postgres::databases;
use web::people::Role;

#[tokio::test]
async fn the_bell_counts_what_is_not_read_and_respects_the_choice() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let person = scene.cookie(Role::Person, Some(scene.acme)).await;
        let bell = async |text: &str, why: &str| {
            let page = scene.get("/bell", &person).await;
            assert!(page.text.contains(text), "{why}: {} {}", page.status, page.text);
        };
        bell("Notifications: nothing unread", "nothing is there").await;
        put(&scene, issue(NOW_MS - 60_000)).await;
        let mut foreign = issue(NOW_MS - 60_000);
        foreign.org = scene.other.0;
        put(&scene, foreign).await;
        scene.app.health.ring();
        bell("Notifications: 1 unread", "and nothing of another organisation").await;
        assert_eq!(
            scene.post("/bell/choice", &person, &[("incidents", "on"), ("quiet_from", "22"), ("quiet_to", "6")]).await.status,
            StatusCode::SEE_OTHER
        );
        bell("Notifications: nothing unread", "advisories are not wanted").await;
        scene.post("/bell/choice", &person, &[("incidents", "on"), ("advisories", "on")]).await;
        bell("Notifications: 1 unread", "advisories are wanted").await;
        assert_eq!(scene.post("/bell", &person, &[]).await.to(), "/bell");
        bell("Notifications: nothing unread", "all was read").await;
    }
}

#[tokio::test]
async fn whoever_was_signed_out_hears_the_bell_no_more() {
    const WITHIN: Duration = Duration::from_secs(10);
    for database in databases() {
        let scene = Scene::new(database).await;
        let person = scene.cookie(Role::Person, Some(scene.acme)).await;
        let asked = |cookie: &str| {
            let request = request("GET", "/bell/stream", cookie).header(header::ACCEPT, "text/event-stream");
            scene.begin(request.body(Body::empty()).expect("a request"))
        };
        let answer = asked(&person).await;
        assert_eq!(
            (answer.status(), answer.headers()["x-accel-buffering"].as_bytes()),
            (StatusCode::OK, &b"no"[..]),
            "no proxy holds it back"
        );
        let mut heard = answer.into_body().into_data_stream();
        let mut next =
            async || tokio::time::timeout(WITHIN, heard.next()).await.expect("within the time").map(|heard| heard.expect("octets"));
        let told = |heard: Option<axum::body::Bytes>| String::from_utf8_lossy(&heard.unwrap_or_default()).into_owned();
        assert!(told(next().await).contains("\"count\":0"), "an event at once");
        put(&scene, issue(NOW_MS - 60_000)).await;
        scene.app.health.ring();
        assert!(told(next().await).contains("\"count\":1"), "and at every change");

        assert_eq!(scene.post("/sign-out", &person, &[]).await.status, StatusCode::SEE_OTHER);
        scene.app.health.ring();
        assert_eq!(next().await, None, "signed out: the stream ends");
        for cookie in [person.as_str(), ""] {
            let again = Answer::read(asked(cookie).await).await;
            assert_eq!((again.status, again.text.as_str()), (StatusCode::UNAUTHORIZED, ""), "and browsers ask no more");
        }
        assert_eq!(scene.get("/bell/stream", "").await.to(), "/sign-in?next=%2Fbell%2Fstream", "whoever asks for a page gets one");
    }
}
