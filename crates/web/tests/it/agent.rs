//! The agent and what readers say of articles: open to everybody, bounded, and nothing of an organisation.

use crate::scene::{Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::postgres::{databases, sqlite};
use web::people::Role;

async fn asked(scene: &Scene, body: &Value) -> crate::scene::Answer {
    web::help::learned().await; // a debug build beside other tests may take longer over it than a request may
    let request = request("POST", "/api/v1/agent", "").header("content-type", "application/json");
    scene.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

async fn said(scene: &Scene, path: &str, form: &str, cookie: &str) -> crate::scene::Answer {
    web::help::learned().await;
    let request = request("POST", path, cookie).header("content-type", "application/x-www-form-urlencoded");
    scene.ask(request.header("sec-fetch-site", "same-origin").body(Body::from(form.to_string())).expect("a request")).await
}

#[tokio::test]
async fn it_answers_programs_with_a_source_or_says_that_it_does_not_know() {
    let scene = Scene::new(sqlite()).await;
    let reply = asked(&scene, &json!({ "text": "how do I release a held mail", "lang": "en" })).await.json();
    assert_eq!((&reply["kind"], &reply["sources"][0]["name"]), (&json!("sources"), &json!("release")), "{reply}");
    assert!(reply["text"].as_str().is_some_and(|text| text.contains("/help/article/release")), "{reply}");
    let reply = asked(&scene, &json!({ "text": "怎么烤面包", "before": ["怎么烤面包"] })).await.json();
    assert_eq!((&reply["kind"], &reply["offers"], &reply["sources"]), (&json!("unknown"), &json!(["person"]), &json!([])), "{reply}");
    let reply = asked(&scene, &json!({ "text": "import a csv of hotline numbers per country and language, which columns", "lang": "en" }))
        .await
        .json();
    assert_eq!((&reply["kind"], &reply["sources"][0]["name"]), (&json!("unknown"), &json!("phone-directory")), "{reply}");
    assert!(reply["text"].as_str().is_some_and(|text| text.starts_with("I do not know for sure.")), "{reply}");
    let reply = asked(&scene, &json!({ "text": "what does warp_drive do", "lang": "en" })).await.json();
    assert!(reply["kind"] == "unknown" && reply["text"].as_str().is_some_and(|text| text.contains("warp_drive")), "{reply}");
    let reply = asked(&scene, &json!({ "text": "is the service down" })).await.json();
    assert!(reply["state"]["is_well"].is_boolean(), "{reply}");
    let reply = asked(&scene, &json!({ "text": "phone number in Germany" })).await.json();
    assert_eq!((&reply["kind"], &reply["call"]["reason"]), (&json!("call"), &json!("none")), "the directory is empty here: {reply}");
    for wrong in [
        json!({ "text": "" }),
        json!({ "text": "x".repeat(2_001) }),
        json!({ "text": "x", "at": "soon" }),
        json!({ "text": "x", "before": vec!["x"; 20] }),
    ] {
        assert_eq!(asked(&scene, &wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn the_page_keeps_the_conversation_and_escapes_what_was_said() {
    let scene = Scene::new(sqlite()).await;
    let page = said(&scene, "/help/agent", "q=%3Cscript%3Ealert(1)%3C%2Fscript%3E&before=1+how+do+I+release+a+mail%0Anonsense", "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("/help/article/release") && !page.text.contains("<script>alert"), "{}", page.text);
    assert!(page.text.contains("name=\"before\" value=\"1 how do I release a mail"), "{}", page.text);
    assert_eq!(said(&scene, "/help/agent", &format!("q={}", "x".repeat(2_001)), "").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let kept = said(&scene, "/help/agent/transcript", "before=1+how+do+I+release+a+mail", "").await;
    assert!(kept.text.contains("how do I release a mail") && kept.text.contains("/help/article/release"), "{}", kept.text);
    assert_eq!(said(&scene, "/help/agent/transcript", "before=", "").await.status, StatusCode::NOT_FOUND);
    let signed_in = scene.cookie(Role::Person, Some(scene.acme)).await;
    for (cookie, has_form) in [("", false), (signed_in.as_str(), true)] {
        let page = said(&scene, "/help/agent", "q=a+mail+did+not+arrive", cookie).await;
        assert_eq!(page.text.contains("action=\"/troubleshoot\""), has_form, "records are read for those who are signed in, after a yes");
    }
}

#[tokio::test]
async fn one_source_cannot_ask_without_end() {
    let scene = Scene::new(sqlite()).await;
    let mut statuses = Vec::new();
    for _ in 0..61 {
        statuses.push(asked(&scene, &json!({ "text": "spf" })).await.status);
    }
    assert_eq!((statuses[0], statuses[60]), (StatusCode::OK, StatusCode::TOO_MANY_REQUESTS));
}

#[tokio::test]
async fn readers_say_whether_an_article_helped_and_operators_read_it() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        for form in ["useful=yes", "useful=no&words=no+pictures", "useful=no"] {
            assert_eq!(said(&scene, "/help/article/release/useful", form, "").await.status, StatusCode::SEE_OTHER, "{engine}");
        }
        assert_eq!(said(&scene, "/help/article/release/useful", "useful=maybe", "").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(said(&scene, "/help/article/nothing/useful", "useful=yes", "").await.status, StatusCode::NOT_FOUND);
        let operator = scene.cookie(Role::Operator, None).await;
        let votes = scene.get("/api/v1/help-votes", &operator).await.json();
        assert_eq!(votes["rows"], json!([{ "kind": "article", "name": "release", "useful": 1, "useless": 2 }]), "{engine}");
        assert_eq!(votes["words"][0]["words"], "no pictures");
        assert!(scene.get("/help-votes", &operator).await.text.contains("no pictures"));
        let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        for path in ["/help-votes", "/api/v1/help-votes"] {
            assert_eq!(scene.get(path, &administrator).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
}
