//! Who gets in, and who does not.

use crate::scene::{Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use testkit::postgres::databases;
use web::people::Role;

#[tokio::test]
async fn nobody_is_sent_to_sign_in_and_programs_are_told() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let page = scene.get("/trace?sender=a%40b", "").await;
        assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/sign-in?next=%2Ftrace%3Fsender%3Da%2540b"));
        let program = scene.get("/api/v1/trace", "").await;
        assert_eq!(program.status, StatusCode::UNAUTHORIZED);
        assert_eq!(program.json()["type"], "/help/problem/sign-in");
    }
}

#[tokio::test]
async fn a_role_without_the_permission_is_denied_and_told_which_one() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let person = scene.cookie(Role::Person, Some(scene.acme)).await;
        let page = scene.get("/trace", &person).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.text.contains("Trace mail"), "{}", page.text);
        let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert_eq!(scene.get("/trace", &administrator).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_session_that_was_ended_is_over_also_for_a_copy_of_its_cookie() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert_eq!(scene.post("/sign-out", &cookie, &[]).await.to(), "/sign-in");
        assert_eq!(scene.get("/trace", &cookie).await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn another_site_does_nothing_in_the_name_of_a_person() {
    let scene = Scene::new(testkit::postgres::sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    for (name, value, want) in [
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "same-site", StatusCode::FORBIDDEN),
        ("origin", "https://evil.example", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("origin", "http://gatepost.example", StatusCode::SEE_OTHER),
        ("sec-fetch-site", "same-origin", StatusCode::SEE_OTHER),
    ] {
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let answer = scene.ask(request("POST", "/sign-out", &cookie).header(name, value).body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status, want, "{name}: {value}");
    }
    assert_eq!(scene.get("/trace", &cookie).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_protects_itself() {
    let scene = Scene::new(testkit::postgres::sqlite()).await;
    for path in ["/sign-in", "/nowhere", "/api/v1/nowhere", "/trace"] {
        let answer = scene.get(path, "").await;
        let policy = answer.headers.get("content-security-policy").and_then(|policy| policy.to_str().ok()).unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers.get("x-content-type-options").map(|value| value.as_bytes()), Some(b"nosniff".as_slice()), "{path}");
    }
}
