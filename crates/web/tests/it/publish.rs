//! What those who run the service publish: files of messages, issues split and merged; and where programs are told.

use crate::health::{GRAPH, issue, program, put};
use crate::scene::{NOW_MS, Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use gateway::health::Service;
use serde_json::{Value, json};
use store::Error;
use testkit::postgres::databases;
use web::health::issue::{Body as IssueBody, Issue};
use web::people::Role;

/// A form with files as a browser sends it (RFC 7578).
async fn send_files(scene: &Scene, path: &str, cookie: &str, files: &[(&str, &str, &[u8])]) -> crate::scene::Answer {
    let mut body = Vec::new();
    for (name, kind, octets) in files {
        let head = format!("--line\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(octets);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--line--\r\n");
    let request = request("POST", path, cookie).header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "multipart/form-data; boundary=line");
    scene.ask(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn files_are_added_to_a_message_saved_and_removed() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let things = crate::things::things(&scene, scene.acme).await;
        let id = things.value("/health/messages/{message}", "message");
        let path = format!("/health/messages/{id}/files");
        let operator = scene.cookie(Role::Operator, None).await;
        let reader = scene.cookie(Role::Person, Some(scene.acme)).await;
        let plan: &[(&str, &str, &[u8])] = &[("..\\计划.pdf", "application/pdf", b"%PDF"), ("b.html", "text/html", b"<script>1</script>")];
        assert_eq!(send_files(&scene, &path, &reader, plan).await.status, StatusCode::FORBIDDEN, "only operators");
        let sent = send_files(&scene, &path, &operator, plan).await;
        assert_eq!((sent.status, sent.to()), (StatusCode::SEE_OTHER, format!("/health/messages/{id}#files").as_str()), "{}", sent.text);
        let page = scene.get(&format!("/health/messages/{id}"), &reader).await.text;
        assert!(page.contains("计划.pdf") && page.contains("b.html") && !page.contains("/remove"), "{page}");
        let rest = scene.get(&format!("/api/v1{path}"), &reader).await.json();
        let names: Vec<&str> = rest.as_array().expect("a list").iter().filter_map(|file| file["name"].as_str()).collect();
        assert_eq!(names, ["plan.txt", "计划.pdf", "b.html"]);
        let html = rest[2]["id"].as_str().expect("an id").to_string();
        let saved = scene.get(&format!("{path}/{html}"), &reader).await;
        assert_eq!(saved.text, "<script>1</script>");
        let disposition = saved.headers["content-disposition"].to_str().expect("text");
        assert!(disposition.starts_with("attachment; filename=\"b.html\""), "nothing of it runs here: {disposition}");
        let zip = scene.get(&path, &reader).await;
        assert!(zip.text.starts_with("PK") && zip.text.contains("计划.pdf") && zip.text.contains("%PDF"), "{:?}", zip.headers);
        let graph = scene.get(&format!("{GRAPH}/messages/{id}?$expand=attachments"), &reader).await.json();
        assert_eq!((graph["hasAttachments"].clone(), graph["attachments"][1]["size"].clone()), (json!(true), json!(4)));
        for (files, says) in [
            (&plan[..1], "of this name is there"),
            (&[], "Choose a file"),
            (&[("..", "text/plain", &b"x"[..])], "Give the file a name"),
            (&[("c", "text/plain", &b""[..])], "not empty"),
            (&[("c", "text/plain", &b"x"[..]); 8], "at most ten files"),
        ] {
            let wrong = send_files(&scene, &path, &operator, files).await;
            assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains(says), "{says}: {}", wrong.text);
        }
        let large = vec![b'x'; web::health::file::FILE_OCTETS_MAX + 1];
        let wrong = send_files(&scene, &path, &operator, &[("large", "", &large)]).await;
        assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains("3 MB"), "{}", wrong.status);
        let broken = scene.post(&path, &operator, &[("files", "x")]).await;
        assert_eq!(broken.status, StatusCode::BAD_REQUEST, "no form with files");
        let remove = format!("{path}/{html}/remove");
        assert_eq!(scene.post(&remove, &reader, &[("sure", "1")]).await.status, StatusCode::FORBIDDEN);
        assert!(scene.post(&remove, &operator, &[]).await.text.contains("Remove it?"), "asks first");
        assert_eq!(scene.post(&remove, &operator, &[("sure", "1")]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(scene.post(&remove, &operator, &[("sure", "1")]).await.status, StatusCode::NOT_FOUND, "once");
        assert_eq!(scene.get(&format!("{path}/{html}"), &reader).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn files_are_added_and_removed_by_programs() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let things = crate::things::things(&scene, scene.acme).await;
        let path = format!("/api/v1/health/messages/{}/files", things.value("/health/messages/{message}", "message"));
        let operator = scene.cookie(Role::Operator, None).await;
        let post = async |path: &str, cookie: &str, octets: Vec<u8>| {
            let asked = request("POST", path, cookie).header("content-type", "application/octet-stream");
            scene.ask(asked.body(Body::from(octets)).expect("a request")).await
        };
        let named = format!("{path}?name=runbook.md&kind=text/markdown");
        let added = post(&named, &operator, b"# Steps".to_vec()).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
        let file = added.json();
        assert_eq!((&file["name"], &file["kind"], &file["octets"]), (&json!("runbook.md"), &json!("text/markdown"), &json!(7)));
        assert_eq!(post(&named, &operator, b"again".to_vec()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "once in a message");
        assert_eq!(post(&path, &operator, b"x".to_vec()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "without a name");
        let large = vec![0; web::health::file::FILE_OCTETS_MAX + 2];
        assert_eq!(post(&format!("{path}?name=l"), &operator, large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
        let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert_eq!(post(&format!("{path}?name=x"), &administrator, b"x".to_vec()).await.status, StatusCode::FORBIDDEN);
        let one = format!("{path}/{}", file["id"].as_str().expect("an id"));
        assert_eq!(scene.get(&one, &administrator).await.text, "# Steps");
        let remove = async |cookie: &str| scene.send("DELETE", &one, cookie, json!({})).await.status;
        assert_eq!(remove(&administrator).await, StatusCode::FORBIDDEN);
        assert_eq!((remove(&operator).await, remove(&operator).await), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));
    }
}

#[tokio::test]
async fn an_issue_is_split_and_what_is_measured_stays() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let reader = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let both = IssueBody { services: vec![Service::Intake, Service::Trace], ..issue(0).body };
        let measured = put(&scene, Issue { body: both.clone(), ..issue(NOW_MS - 60_000) }).await;
        let by_hand = Issue { cause: String::new(), is_measured: false, body: both, ..issue(NOW_MS - 60_000) };
        let by_hand = put(&scene, by_hand).await;
        let split = async |id: &str, fields: &[(&str, &str)]| scene.post(&format!("/health/issues/{id}/split"), &operator, fields).await;
        let services = async |id: &str| scene.get(&format!("/api/v1/health/issues/{id}"), &operator).await.json()["services"].clone();
        for (fields, says) in [
            (&[][..], "Choose services"),
            (&[("service", "delivery")], "Choose services"),
            (&[("service", "intake"), ("service", "trace")], "Leave a service"),
            (&[("service", "intake"), ("split_organisation", "nobody")], "no organization"),
        ] {
            let wrong = split(&measured, fields).await;
            assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains(says), "{says}: {}", wrong.text);
        }
        assert_eq!(
            scene.post(&format!("/health/issues/{measured}/split"), &reader, &[("service", "trace")]).await.status,
            StatusCode::FORBIDDEN
        );
        for (id, want) in [(&measured, json!(["intake", "trace"])), (&by_hand, json!(["intake"]))] {
            let made = split(id, &[("service", "trace"), ("split_title_en", "Trace alone"), ("split_post_en", "We look.")]).await;
            assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
            let part = made.to().rsplit('/').next().expect("an id").to_string();
            assert_eq!((services(id).await, services(&part).await), (want, json!(["trace"])));
            let page = scene.get(made.to(), &reader).await.text;
            assert!(page.contains("Trace alone") && page.contains("We look.") && page.contains(id.as_str()), "{page}");
            assert!(scene.get(&format!("/health/issues/{id}"), &reader).await.text.contains(&part), "the first names the second");
            // The part is a person's, and a person closes it.
            let closed = scene.post(made.to(), &operator, &[("status", "serviceRestored")]).await;
            assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.text);
        }
        let wish = json!({ "services": ["intake", "trace"], "organization": "acme", "post": { "en": "Only acme." } });
        let own = scene.send("POST", &format!("/api/v1/health/issues/{measured}/split"), &operator, wish.clone()).await;
        assert_eq!(own.status, StatusCode::CREATED, "{}", own.text);
        let (own, path) = (own.json(), |id: &Value| format!("/health/issues/{}", id.as_str().expect("an id")));
        assert_eq!((own["is_own"].clone(), own["is_measured"].clone()), (json!(true), json!(false)));
        assert_eq!(scene.get(&path(&own["id"]), &reader).await.status, StatusCode::OK);
        assert_eq!(scene.get(&path(&own["id"]), &stranger).await.status, StatusCode::NOT_FOUND, "it is for one organisation");
        let again = scene.send("POST", &format!("/api/v1{}/split", path(&own["id"])), &operator, wish).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "it is one organisation's already");
    }
}

#[tokio::test]
async fn an_issue_is_merged_into_one_that_all_of_its_readers_read() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let of = async |org: i64| put(&scene, Issue { org, ..issue(NOW_MS - 60_000) }).await;
        let (shared, acme, other) = (of(0).await, of(scene.acme.0).await, of(scene.other.0).await);
        let merge =
            async |id: &str, into: &str| scene.post(&format!("/health/issues/{id}"), &operator, &[("merge_into", into)]).await.status;
        assert_eq!(merge(&acme, &other).await, StatusCode::UNPROCESSABLE_ENTITY, "its readers could not read that");
        assert_eq!(merge(&shared, &acme).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(merge(&acme, "EX999999").await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(merge(&acme, &shared).await, StatusCode::SEE_OTHER);
        assert_eq!(merge(&shared, &acme).await, StatusCode::UNPROCESSABLE_ENTITY, "not in a circle");
        let reader = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let ids = async || {
            let all = scene.get("/api/v1/health/issues", &reader).await.json();
            all.as_array().expect("a list").iter().filter_map(|one| one["id"].as_str().map(str::to_string)).collect::<Vec<_>>()
        };
        assert_eq!(ids().await, std::slice::from_ref(&shared), "shown as one");
        assert!(scene.get(&format!("/health/issues/{shared}"), &reader).await.text.contains(&acme), "which names its parts");
        assert_eq!(merge(&acme, "").await, StatusCode::SEE_OTHER);
        assert_eq!(ids().await.len(), 2, "stands for itself again");
    }
}

/// A known issue names the articles it explains, and they name it: for everybody when it is everybody's, and while it is open.
#[tokio::test]
async fn a_known_issue_is_named_where_people_look_for_it() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let own = put(&scene, Issue { org: scene.acme.0, is_measured: false, ..issue(NOW_MS) }).await;
        let shared = put(&scene, Issue { is_measured: false, ..issue(NOW_MS) }).await;
        let explain = async |id: &str, names: &str| {
            let fields = [("is_known", "on"), ("explains", names), ("workaround_en", "Send it again."), ("status", "serviceDegradation")];
            scene.post(&format!("/health/issues/{id}"), &operator, &fields).await
        };
        let wrong = explain(&shared, "check/no.such").await;
        assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains("Name articles"), "{}", wrong.text);
        let names = "check/auth.dmarc.fail, https://gatepost.example/help/check/auth.spf.fail";
        for id in [&own, &shared] {
            let done = explain(id, names).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        }
        let page = scene.get(&format!("/health/issues/{shared}"), &operator).await.text;
        assert!(page.contains("href=\"/help/check/auth.dmarc.fail\"") && page.contains("href=\"/help/check/auth.spf.fail\""), "{page}");
        let article = async || scene.get("/help/check/auth.dmarc.fail", "").await.text;
        let text = article().await;
        assert!(text.contains(&shared) && text.contains("Send it again.") && !text.contains(&own), "nothing of an organisation: {text}");
        let over = scene.post(&format!("/health/issues/{shared}"), &operator, &[("status", "serviceRestored"), ("explains", names)]).await;
        assert_eq!(over.status, StatusCode::SEE_OTHER, "{}", over.text);
        assert!(!article().await.contains(&shared), "it is over");
        let path = format!("/api/v1/health/issues/{shared}");
        assert_eq!(scene.get(&path, &operator).await.json()["explains"], json!(["check/auth.dmarc.fail", "check/auth.spf.fail"]));
        let wish = json!({ "explains": ["article/release"], "post": { "en": "x" } });
        assert_eq!(scene.send("POST", &format!("{path}/posts"), &operator, wish).await.json()["explains"], json!(["article/release"]));
    }
}

/// What signs is not in the database as it is; and what was sealed with another key is said, and stops nothing else.
#[tokio::test]
async fn secrets_of_webhooks_are_sealed() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let (url, heard) = program("204 No Content").await;
        let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        for _ in 0..2 {
            let made = scene.send("POST", "/api/v1/health/hooks", &administrator, json!({ "url": url })).await;
            assert!(made.json()["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")), "{}", made.text);
        }
        let kept: Result<Vec<String>, Error> = scene
            .app
            .db
            .tx(|tx| {
                Box::pin(async move {
                    let rows = tx.rows("SELECT secret FROM health_hook ORDER BY id", vec![]).await?;
                    tx.run("UPDATE health_hook SET secret = 'sealed:AAAA' WHERE id = (SELECT min(id) FROM health_hook)", vec![]).await?;
                    rows.iter().map(|row| Ok(row.text(0)?.to_string())).collect()
                })
            })
            .await;
        assert!(kept.expect("two").iter().all(|secret| secret.starts_with("sealed:") && !secret.contains("whsec_")));
        let operator = scene.cookie(Role::Operator, None).await;
        scene.post("/health/issues", &operator, &[("service", "trace"), ("status", "serviceDegradation"), ("title_en", "Slow")]).await;
        assert_eq!(web::health::hook::send_once(&scene.app).await, Ok(2));
        assert_eq!(heard.lock().expect("nobody panicked").len(), 1, "the other goes out");
        let page = scene.get("/health/hooks", &administrator).await;
        assert!(page.status == StatusCode::OK && page.text.contains("sealed with another key"), "{}", page.text);
    }
}
