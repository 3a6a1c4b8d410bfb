//! Bounces: pasted or uploaded, on the page and over the API, in both languages, by anybody; and the article behind every code.

use crate::scene::{Answer, Scene, request};
use axum::body::Body;
use axum::http::{StatusCode, header};
use serde_json::json;
use testkit::postgres::sqlite;

/// A bounce with an attachment in the mail that it returns, saved from a mail program.
const SAVED: &str = "From: MAILER-DAEMON@mx.a.example\r\nTo: ann@a.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=b1\r\n\r\n\
    --b1\r\nContent-Type: text/plain\r\n\r\n<bo@b.example>: host mx.b.example said: 552 5.2.2 Mailbox full (in reply to RCPT TO command)\r\n\
    --b1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.a.example\r\n\r\nFinal-Recipient: rfc822; bo@b.example\r\n\
    Action: failed\r\nStatus: 5.2.2\r\nRemote-MTA: dns; mx.b.example\r\nDiagnostic-Code: smtp; 552 5.2.2 Mailbox full\r\n\
    --b1\r\nContent-Type: message/rfc822\r\n\r\nFrom: ann@a.example\r\nSubject: Plan\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b2\r\n\r\n\
    --b2\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b2--\r\n--b1--\r\n";

fn form(name: &str, file: &str) -> String {
    format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"bounce.eml\"\r\nContent-Type: message/rfc822\r\n\r\n{file}\r\n--xyz--\r\n"
    )
}

async fn sent(scene: &Scene, path: &str, kind: &str, lang: &str, body: impl Into<Body>) -> Answer {
    let asked = request("POST", path, "").header("accept-language", lang).header("sec-fetch-site", "same-origin");
    scene.ask(asked.header(header::CONTENT_TYPE, kind).body(body.into()).expect("a request")).await
}

#[tokio::test]
async fn a_saved_bounce_is_read_from_a_file() {
    const FORM: &str = "multipart/form-data; boundary=xyz";
    let scene = Scene::new(sqlite()).await;
    for (lang, full) in [("en", "The mailbox is full"), ("zh-CN", "邮箱已满")] {
        let page = sent(&scene, "/help/bounce/file", FORM, lang, form("file", SAVED)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        assert!(page.text.contains(full) && page.text.contains("/help/code/5.2.2") && page.text.contains("mx.b.example"), "{}", page.text);
        for (kind, body) in [("message/rfc822", SAVED.to_string()), (FORM, form("file", SAVED))] {
            let told = sent(&scene, "/api/v1/help/bounce/file", kind, lang, body).await.json();
            let one = &told["failures"][0];
            assert_eq!((one["reason"].as_str(), one["recipient"].as_str()), (Some("mailbox-full"), Some("bo@b.example")), "{told}");
            assert_eq!((one["title"].as_str(), one["code_article"].as_str()), (Some(full), Some("/help/code/5.2.2")), "{told}");
        }
    }
}

#[tokio::test]
async fn what_is_no_bounce_is_said_to_be_none() {
    let scene = Scene::new(sqlite()).await;
    let letter = "From: a@b.example\r\nTo: c@d.example\r\nSubject: Lunch\r\n\r\nShall we meet?\r\n";
    for (kind, body, why) in [
        ("multipart/form-data; boundary=xyz", form("file", letter), "a letter"),
        ("multipart/form-data; boundary=xyz", form("file", ""), "an empty file"),
        ("multipart/form-data; boundary=xyz", form("other", SAVED), "another field"),
        ("multipart/form-data; boundary=zzz", form("file", SAVED), "a broken form"),
        ("message/rfc822", String::new(), "nothing"),
    ] {
        for path in ["/help/bounce/file", "/api/v1/help/bounce/file"] {
            assert_eq!(sent(&scene, path, kind, "en", body.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {why}");
        }
    }
    let huge = vec![b'a'; 3 << 20];
    for path in ["/help/bounce/file", "/api/v1/help/bounce/file"] {
        assert_eq!(sent(&scene, path, "message/rfc822", "en", huge.clone()).await.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}

#[tokio::test]
async fn every_code_leads_to_its_article() {
    let scene = Scene::new(sqlite()).await;
    for (code, title) in [("5.7.1", "5.7.1"), ("4.7.1", "5.7.1"), ("5.7.509", "5.7.509"), ("5.7.620", "5.7.500")] {
        let page = scene.get(&format!("/help/code/{code}"), "").await;
        assert!(page.status == StatusCode::OK && page.text.contains(title), "{code}: {}", page.text);
    }
    assert_eq!(scene.get("/help/code/5.9.9", "").await.status, StatusCode::NOT_FOUND);
    let told =
        scene.send("POST", "/api/v1/help/bounce", "", json!({ "pasted": "421 4.7.28 unusual rate of unsolicited mail" })).await.json();
    let article = told["failures"][0]["code_article"].as_str().unwrap_or_default().to_string();
    assert_eq!(scene.get(&article, "").await.status, StatusCode::OK, "{told}");
}
