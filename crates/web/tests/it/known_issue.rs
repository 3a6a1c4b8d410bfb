//! Service issues and the requests that they explain: linked by either side, shown on both pages to those who may see them.

use crate::health::{issue, put};
use crate::scene::{Answer, NOW_MS, Scene};
use axum::http::StatusCode;
use serde_json::{Value, json};
use store::Error;
use testkit::postgres::databases;
use web::health::issue::{Issue, IssueId, Post};
use web::health::{Text, sql};
use web::people::Role;

/// An issue of this organisation (0: everybody's) with a workaround, and one word about it.
async fn known(scene: &Scene, org: i64, name: &str) -> String {
    let mut made: Issue = issue(NOW_MS - 3_600_000);
    (made.org, made.cause, made.is_measured, made.is_known) = (org, String::new(), false, true);
    made.body.title = Text::written(name, &format!("{name}（中文）"));
    made.body.workaround = Text::written("Send it again after noon.", "请在中午之后重发。");
    made.body.fixed_in = "9.9".into();
    let id = put(scene, made).await;
    said(scene, &id, "We found the cause.").await;
    id
}

async fn said(scene: &Scene, id: &str, text: &str) {
    let (id, post, text): (IssueId, i64, _) = (id.parse().expect("a number"), scene.app.fresh_id(), Text::written(text, ""));
    let done: Result<(), Error> = scene
        .app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let issue = sql::find(tx, gateway::scope::OrgScope::All, id).await?.expect("it is there");
                let post = Post { id: post, at_ms: NOW_MS, kind: "regular".into(), status: Some(issue.status), who: "op".into(), text };
                sql::put_post(tx, &issue, &post).await
            })
        })
        .await;
    done.expect("said");
}

async fn opened(scene: &Scene, cookie: &str, title: &str, evidence: &str) -> String {
    let body = json!({ "title": title, "description": "It began on Monday.", "evidence": evidence });
    let answer = scene.send("POST", "/api/v1/requests", cookie, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["id"].as_str().expect("an id").to_string()
}

async fn did(scene: &Scene, id: &str, cookie: &str, verb: &str, issue: &str) -> Answer {
    scene.send("POST", &format!("/api/v1/requests/{id}"), cookie, json!({ "verb": verb, "issue": issue })).await
}

fn titles(answer: &Answer) -> Vec<String> {
    let all = answer.json()["requests"].as_array().cloned().unwrap_or_default();
    all.iter().filter_map(|one| one["title"].as_str().map(str::to_string)).collect()
}

#[tokio::test]
async fn a_request_shows_what_explains_it_and_an_issue_what_it_explains() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let person = scene.cookie(Role::Person, Some(scene.acme)).await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let id = known(&scene, 0, "Bounces are slow").await;
        // Asked from the issue's page: it is linked from the start.
        let first = opened(&scene, &admin, "Our bounces are slow", &format!("issue:{id}")).await;
        let theirs = opened(&scene, &stranger, "Theirs are slow too", &format!("issue:{id}")).await;
        let page = scene.get(&format!("/requests/{first}"), &admin).await.text;
        for shown in [format!("/health/issues/{id}"), "Send it again after noon.".into(), "We found the cause.".into(), "9.9".into()] {
            assert!(page.contains(&shown), "{engine}: {shown} is not on {page}");
        }
        let whole: Value = scene.get(&format!("/api/v1/requests/{first}"), &admin).await.json();
        assert_eq!((&whole["issue"], &whole["known"]["workaround"]["zh"]), (&json!(id), &json!("请在中午之后重发。")), "{engine}: {whole}");
        assert_eq!(whole["known"]["posts"][0]["text"]["en"], "We found the cause.", "{engine}");
        // News appear as they are said.
        said(&scene, &id, "Mended in the evening.").await;
        assert!(scene.get(&format!("/requests/{first}"), &admin).await.text.contains("Mended in the evening."), "{engine}");

        // The issue lists requests of those who may read them, and of nobody else.
        let path = format!("/api/v1/health/issues/{id}");
        assert_eq!(titles(&scene.get(&path, &admin).await), ["Our bounces are slow"], "{engine}");
        assert_eq!(titles(&scene.get(&path, &stranger).await), ["Theirs are slow too"], "{engine}");
        assert!(titles(&scene.get(&path, &person).await).is_empty(), "{engine}: who reads no requests");
        let all = titles(&scene.get(&path, &engineer).await);
        assert_eq!(all.len(), 2, "{engine}: support answers both: {all:?}");
        let shown = scene.get(&format!("/health/issues/{id}"), &admin).await.text;
        assert!(shown.contains(&format!("/requests/{first}")) && !shown.contains(&theirs), "{engine}: {shown}");
        assert!(!scene.get(&format!("/health/issues/{id}"), &person).await.text.contains("Our bounces are slow"), "{engine}");
    }
}

#[tokio::test]
async fn either_side_links_and_only_to_what_the_organisation_sees() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let (ours, theirs) = (known(&scene, scene.acme.0, "Of acme").await, known(&scene, scene.other.0, "Of the other").await);
        let id = opened(&scene, &admin, "Mail is late", "").await;
        let page = scene.get(&format!("/requests/{id}"), &admin).await.text;
        assert!(page.contains(&format!("<option value=\"{ours}\"")) && !page.contains(&theirs), "{engine}: to choose from: {page}");
        for (cookie, issue) in
            [(&admin, theirs.as_str()), (&engineer, &theirs), (&admin, "EX999999"), (&admin, "disk"), (&admin, ""), (&engineer, "EX")]
        {
            let refused = did(&scene, &id, cookie, "link", issue).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: “{issue}”: {}", refused.text);
            assert!(refused.text.contains("EX100001"), "{engine}: how it is written: {}", refused.text);
        }
        assert_eq!(did(&scene, &id, &stranger, "link", &theirs).await.status, StatusCode::NOT_FOUND, "{engine}");
        // Twice is once; the number may be written small.
        for written in [ours.to_lowercase(), ours.clone(), format!(" {ours} ")] {
            let linked = did(&scene, &id, &admin, "link", &written).await;
            assert_eq!((linked.status, &linked.json()["issue"]), (StatusCode::OK, &json!(ours)), "{engine}: {}", linked.text);
        }
        let events = |answer: Value| answer["events"].as_array().expect("a list").iter().filter(|event| event["kind"] == "issue").count();
        let whole = scene.get(&format!("/api/v1/requests/{id}"), &admin).await.json();
        assert_eq!(events(whole), 1, "{engine}");
        // By the page, with a form; then not any more, by support.
        let unlinked = scene.post(&format!("/requests/{id}"), &admin, &[("verb", "unlink")]).await;
        assert_eq!(unlinked.status, StatusCode::SEE_OTHER, "{engine}: {}", unlinked.text);
        let linked = scene.post(&format!("/requests/{id}"), &admin, &[("verb", "link"), ("issue", &ours)]).await;
        assert_eq!(linked.status, StatusCode::SEE_OTHER, "{engine}: {}", linked.text);
        assert_eq!(did(&scene, &id, &engineer, "unlink", "").await.json()["issue"], "", "{engine}");
        let page = scene.get(&format!("/requests/{id}"), &admin).await.text;
        assert!(page.contains("No issue explains it any more.") && !page.contains("Send it again"), "{engine}: {page}");
        let log = scene.get("/api/v1/audit", &admin).await.text;
        assert!(log.contains("request.link") && log.contains("support.link"), "{engine}: {log}");
        let wrong = scene.post(&format!("/requests/{id}"), &admin, &[("verb", "link"), ("issue", &theirs)]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        assert!(wrong.text.contains("There is no such service issue"), "{engine}: {}", wrong.text);
    }
}

#[tokio::test]
async fn what_was_merged_explains_as_the_whole_does() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let (part, whole) = (known(&scene, 0, "A part").await, known(&scene, 0, "The whole").await);
        let id = opened(&scene, &admin, "Mail is late", &format!("issue:{part}")).await;
        let form = [("merge_into", whole.as_str()), ("is_known", "on"), ("title_en", "A part"), ("post_en", "It is the same.")];
        let merged = scene.post(&format!("/health/issues/{part}"), &operator, &form).await;
        assert_eq!(merged.status, StatusCode::SEE_OTHER, "{engine}: {}", merged.text);
        let shown: Value = scene.get(&format!("/api/v1/requests/{id}"), &admin).await.json();
        assert_eq!((&shown["issue"], &shown["known"]["id"]), (&json!(part), &json!(whole)), "{engine}: {shown}");
        let listed = scene.get(&format!("/api/v1/health/issues/{whole}"), &admin).await;
        assert_eq!(titles(&listed), ["Mail is late"], "{engine}");
    }
}
