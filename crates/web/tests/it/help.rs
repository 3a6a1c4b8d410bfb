//! The help: for everybody, in both languages, with an article behind every link that we print.

use crate::scene::{Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use testkit::postgres::sqlite;
use web::help::Kind;
use web::page::Fault;
use web::people::Role;

#[tokio::test]
async fn every_article_can_be_read_without_signing_in_in_both_languages() {
    let scene = Scene::new(sqlite()).await;
    for (n, article) in scene.app.help.library().await.all().iter().enumerate() {
        let lang = ["en", "zh-CN"][n % 2];
        let asked = request("GET", &article.path(), "").header("accept-language", lang).body(Body::empty()).expect("a request");
        let page = scene.ask(asked).await;
        assert_eq!(page.status, StatusCode::OK, "{}", article.path());
        assert!(page.text.contains(&format!("<html lang=\"{lang}\"")), "{}", article.path());
        assert!(page.text.contains("popovertarget=\"other-1\""), "{}: the other language is a button away", article.path());
    }
    for kind in Kind::ALL {
        assert_eq!(scene.get(&format!("/help/{}", kind.name()), "").await.status, StatusCode::OK);
    }
    for path in ["/help/nothing", "/help/check/nothing", "/help/article/../../etc", "/api/v1/help/check/nothing"] {
        assert_eq!(scene.get(path, "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn every_link_that_problems_and_receipts_print_leads_to_an_article() {
    let scene = Scene::new(sqlite()).await;
    for name in Fault::NAMES {
        assert_eq!(scene.get(&format!("/help/problem/{name}"), "").await.status, StatusCode::OK, "{name}");
    }
    for check in detect::checks::CHECKS {
        assert!(scene.app.help.library().await.find(Kind::Check, check.id).is_some(), "{}", check.id);
    }
    for code in ["5.4.1", "4.7.1", "5.6.11"] {
        let page = scene.get(&format!("/help/refusal/{code}"), "").await;
        assert!(page.text.contains(code) && page.status == StatusCode::OK, "{code}");
    }
}

#[tokio::test]
async fn the_search_finds_articles_for_everybody_and_mails_for_those_who_may() {
    let scene = Scene::new(sqlite()).await;
    let page = scene.get("/help?q=%E9%9A%94%E7%A6%BB", "").await;
    assert!(page.text.contains("/help/article/why-was-it-held"), "{}", page.text);
    let hostile = scene.get("/help?q=%3Cscript%3Ealert", "").await;
    assert!(hostile.text.contains("script") && !hostile.text.contains("<script>alert"), "{}", hostile.text);
    let json = scene.get("/api/v1/help?q=allow+sender&lang=zh", "").await.json();
    assert_eq!(json["articles"][0]["title"], "允许发件人");
    assert_eq!(
        scene.get("/api/v1/help", "").await.json()["articles"].as_array().map(Vec::len),
        Some(scene.app.help.library().await.all().len())
    );
    let article = scene.get("/api/v1/help/article/release?lang=en", "").await.json();
    assert!(article["html"].as_str().is_some_and(|html| html.contains("<h2>") && !html.contains("<script")), "{article}");
    crate::things::things(&scene, scene.acme).await;
    let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let own = scene.get("/search?q=zebra-of", &administrator).await;
    assert!(own.text.contains(crate::things::MARK), "{}", own.text);
    for (cookie, what) in [
        (scene.cookie(Role::Administrator, Some(scene.other)).await, "another"),
        (scene.cookie(Role::Person, Some(scene.acme)).await, "a person"),
    ] {
        let page = scene.get("/search?q=zebra-of", &cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{what}");
        assert!(!page.text.contains("/trace/m"), "{what}");
        // What stands in the community of their own organisation is for all of them.
        let is_own = what == "a person";
        assert!(is_own || !page.text.contains(crate::things::MARK), "{what}");
    }
    assert_eq!(scene.get("/search?q=a@b.example", &administrator).await.to(), "/trace?sender=a%40b.example");
    assert_eq!(scene.get("/search?q=x", "").await.status, StatusCode::SEE_OTHER);
}
