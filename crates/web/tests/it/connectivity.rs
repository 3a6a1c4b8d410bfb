//! The connectivity analyzer against real servers with faults, and what it refuses to touch.

use crate::scene::Scene;
use axum::http::StatusCode;
use mail::dns::{Record, Zone};
use testkit::postgres::databases;
use testkit::sink::{Sink, SinkSettings};
use web::WebSettings;
use web::people::Role;

fn zone() -> Zone {
    let mut zone = Zone::new();
    zone.add("sink.example", Record::A([127, 0, 0, 1].into()));
    zone.add("inside.example", Record::Mx { preference: 10, exchange: "sink.example".into() });
    zone.add("none.example", Record::Mx { preference: 0, exchange: ".".into() });
    zone.add("7.1.83.45.in-addr.arpa", Record::Ptr("mx.partner.example".into()));
    zone.add("mx.partner.example", Record::A([45, 83, 1, 7].into()));
    zone.txt("partner.example", "v=spf1 ip4:45.83.1.7 -all");
    zone
}

#[tokio::test]
async fn a_server_is_tested_step_by_step_and_the_result_can_be_taken_along() {
    for database in databases() {
        let engine = database.engine;
        let settings = WebSettings { private_targets: true, ..WebSettings::default() };
        let scene = Scene::with(database, zone(), settings).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let sink = Sink::start(SinkSettings { tls: true, ..SinkSettings::default() }).await;
        let target = format!("sink.example:{}", sink.address.port());
        let form = [("way", "inbound"), ("target", target.as_str()), ("recipient", "li@sink.example")];
        let tested = scene.post("/connectivity", &admin, &form).await;
        assert_eq!(tested.status, StatusCode::SEE_OTHER, "{engine}: {}", tested.text);
        let page = scene.get(tested.to(), &admin).await;
        assert!(page.text.contains("RCPT TO:&#60;li@sink.example&#62;") && page.text.contains("TLSv1.3"), "{engine}: {}", page.text);
        let json = scene.get(&format!("{}?format=json", tested.to()), &admin).await.json();
        let host = &json["branches"][1];
        let ids: Vec<&str> = host["steps"].as_array().expect("steps").iter().filter_map(|step| step["id"].as_str()).collect();
        assert_eq!(ids, ["connect", "greeting", "hello", "tls", "certificate", "sender", "recipient"], "{engine}: {json}");
        // Opportunistic TLS takes the sink's own certificate, and says so.
        assert_eq!(json["result"], "advice", "{engine}: {json}");
        let text = scene.get(&format!("{}?format=text", tested.to()), &admin).await;
        assert!(text.text.contains("STARTTLS") && text.headers["content-disposition"].to_str().expect("text").contains(".txt"), "{engine}");
        let html = scene.get(&format!("{}?format=html", tested.to()), &admin).await;
        assert!(html.text.starts_with("<!doctype html>") && html.text.contains("sink.example"), "{engine}");
        assert!(sink.taken().is_empty(), "{engine}: nothing is sent");
        let list = scene.get("/connectivity", &admin).await;
        assert!(list.text.contains(&target), "{engine}");
        let lines = scene.get("/api/v1/audit?action=connectivity.test", &admin).await.json();
        assert_eq!(lines["rows"].as_array().map(Vec::len), Some(1), "{engine}");
    }
}

#[tokio::test]
async fn private_addresses_and_foreign_ports_are_not_touched() {
    let database = databases().into_iter().next().expect("SQLite");
    let scene = Scene::with_dns(database, zone()).await;
    let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let sink = Sink::start(SinkSettings::default()).await;
    let test = |body: serde_json::Value| scene.send("POST", "/api/v1/connectivity", &admin, body);
    for (way, target, why) in [
        ("inbound", format!("sink.example:{}", sink.address.port()), "a port that is none of mail"),
        ("inbound", "127.0.0.1:25".into(), "loopback"),
        ("outbound", "192.168.1.1".into(), "a private address"),
        ("sideways", "a.example".into(), "no way"),
    ] {
        let answer = test(serde_json::json!({ "way": way, "target": target })).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}: {}", answer.text);
    }
    let inside = test(serde_json::json!({ "way": "inbound", "target": "inside.example" })).await.json();
    assert_eq!((inside["result"].as_str(), inside["branches"].as_array().map(Vec::len)), (Some("problem"), Some(1)), "{inside}");
    assert_eq!(sink.connections(), 0, "a name that leads inside is not followed");
    let none = test(serde_json::json!({ "way": "inbound", "target": "none.example" })).await.json();
    assert_eq!(none["branches"][0]["steps"][0]["result"], "problem", "{none}");
    let out =
        test(serde_json::json!({ "way": "outbound", "target": "45.83.1.7", "helo": "mx.partner.example", "domain": "partner.example" }));
    let out = out.await.json();
    let results: Vec<(&str, &str)> = out["branches"][0]["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| (step["id"].as_str().unwrap_or_default(), step["result"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(results, [("ptr", "ok"), ("helo", "ok"), ("spf", "ok"), ("dmarc", "advice"), ("list", "ok")], "{out}");
}

#[tokio::test]
async fn nobody_tests_without_end() {
    let database = databases().into_iter().next().expect("SQLite");
    let scene = Scene::with_dns(database, zone()).await;
    let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let body = serde_json::json!({ "way": "outbound", "target": "45.83.1.7" });
    let mut last = StatusCode::OK;
    for _ in 0..25 {
        last = scene.send("POST", "/api/v1/connectivity", &admin, body.clone()).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let person = scene.cookie(Role::Person, Some(scene.acme)).await;
    assert_eq!(scene.send("POST", "/api/v1/connectivity", &person, body).await.status, StatusCode::FORBIDDEN);
}
