//! The community: asked, answered, voted on, found again; held, reported and decided; and who reads what.

use crate::scene::{Answer, NOW_MS, Scene};
use crate::things::community::person;
use axum::http::StatusCode;
use mail::OrgId;
use mail::id::{IdMaker, PostId};
use serde_json::{Value, json};
use std::sync::Arc;
use store::{Error, args};
use testkit::postgres::databases;
use web::community::change::{At, Planted, plant};
use web::community::moderate::{self, NewSpace};
use web::community::{Space, sql};
use web::page::words::Lang;
use web::people::{Person, Role};

/// What our classifier knows well from mail.
const JUNK: &str = "Congratulations winner! You have been selected to receive a FREE prize of $1,000,000. Cheap viagra and cialis online, \
                    100% guaranteed, no prescription. Click here now to claim your cash: http://win.example/claim Act now, limited offer, \
                    buy replica watches, casino bonus, make money fast working from home, lowest price, order today!";

async fn space(scene: &Scene, name: &str, org: Option<OrgId>, public: bool) -> Space {
    let new = NewSpace {
        name: name.into(),
        title: format!("Space {name}"),
        organisation: org.map(|org| org.to_string()).unwrap_or_default(),
        public,
        ..NewSpace::default()
    };
    moderate::put_space(&scene.app, &Person::at_the_machine("test"), &new, true).await.expect("a space")
}

fn question(space: &str, title: &str) -> Value {
    json!({ "space": space, "title": title, "body": "I tried **this** and that.", "tags": "dkim, dns" })
}

async fn asked(scene: &Scene, cookie: &str, body: Value) -> String {
    let answer = scene.send("POST", "/api/v1/community/questions", cookie, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["id"].as_str().expect("an id").to_string()
}

async fn answered(scene: &Scene, cookie: &str, question: &str, body: &str) -> String {
    let answer = scene.send("POST", &format!("/api/v1/community/questions/{question}/answers"), cookie, json!({ "body": body })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["id"].as_str().expect("an id").to_string()
}

async fn act(scene: &Scene, cookie: &str, question: &str, form: &[(&str, &str)]) -> Answer {
    scene.post(&format!("/community/questions/{question}"), cookie, form).await
}

/// Letters to somebody.
async fn letters(scene: &Scene, to: &str) -> usize {
    let to = to.to_string();
    let sql = "SELECT r.mail FROM recipient r WHERE r.address = $1";
    let found: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.rows(sql, args![to]).await })).await;
    found.expect("rows").len()
}

#[tokio::test]
async fn a_question_is_answered_accepted_and_found_by_the_next() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        space(&scene, "general", None, false).await;
        let asker = scene.cookie(Role::Person, Some(scene.acme)).await;
        let other = scene.cookie(Role::Person, Some(scene.other)).await;
        let id = asked(&scene, &asker, question("general", "How do I rotate the DKIM key of a domain?")).await;
        // The page before posting shows it to who asks the same, without scripts, and posts only then.
        let form = [("space", "general"), ("title", "Rotate DKIM key without trouble"), ("body", "How?"), ("tags", "")];
        let before = scene.post("/community/ask", &other, &form).await;
        assert_eq!(before.status, StatusCode::OK, "{engine}");
        assert!(before.text.contains(&id) && before.text.contains("value=\"post\""), "{engine}: {}", before.text);
        let similar = scene.post("/community/similar", &other, &form).await;
        assert!(similar.text.contains(&id) && !similar.text.contains("<html"), "{engine}");
        // Answered; the asker is told by the bell and by letter, the answerer is not.
        let answer = answered(&scene, &other, &id, "Make a second key. `selector2` first.").await;
        assert!(scene.get("/bell", &asker).await.text.contains("rotate the DKIM key"), "{engine}");
        assert!(!scene.get("/bell", &other).await.text.contains("rotate the DKIM key"), "{engine}");
        let address = format!("person@{}.example", scene.acme);
        assert_eq!(letters(&scene, &address).await, 1, "{engine}");
        answered(&scene, &other, &id, "And wait for the TTL.").await;
        assert_eq!(letters(&scene, &address).await, 1, "{engine}: one letter for a while");
        // Reading it quiets the bell.
        let page = scene.get(&format!("/community/questions/{id}"), &asker).await;
        assert!(page.text.contains("<code>selector2</code>") && page.text.contains("<strong>this</strong>"), "{engine}: {}", page.text);
        // Votes: one a person, not on one's own; the second takes the place of the first.
        let vote = |cookie: &str, value: &str| {
            let (cookie, value, scene, id, answer) = (cookie.to_string(), value.to_string(), &scene, &id, &answer);
            async move { act(scene, &cookie, id, &[("verb", "vote"), ("post", answer), ("value", &value)]).await.status }
        };
        assert_eq!(vote(&other, "1").await, StatusCode::CONFLICT, "{engine}: on one's own");
        assert_eq!(vote(&asker, "7").await, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        for (value, want) in [("1", 1), ("1", 1), ("-1", -1), ("0", 0), ("1", 1)] {
            assert_eq!(vote(&asker, value).await, StatusCode::SEE_OTHER, "{engine}");
            let thread = scene.get(&format!("/api/v1/community/questions/{id}"), &asker).await.json();
            let post = thread["posts"].as_array().expect("posts").iter().find(|post| post["id"] == answer.as_str()).expect("it").clone();
            assert_eq!(post["score"], want, "{engine}");
        }
        // Only the asker accepts; the accepted one stands first and is what is found.
        let accept = format!("/api/v1/community/posts/{answer}/accept");
        assert_eq!(scene.send("POST", &accept, &other, json!({})).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert_eq!(scene.send("POST", &accept, &asker, json!({})).await.json()["accepted"], true, "{engine}");
        let found = scene.get("/api/v1/community/questions?q=selector2+DKIM+rotate", &other).await.json();
        assert_eq!((&found["rows"][0]["id"], &found["rows"][0]["solved"]), (&json!(id), &json!(true)), "{engine}: {found}");
        for path in
            ["/search?q=rotate+dkim", "/help?q=rotate+dkim+key", "/community?q=rotate+dkim", "/community?tag=dkim", "/community/feed.atom"]
        {
            assert!(scene.get(path, &other).await.text.contains(&id), "{engine}: {path}");
        }
        let admin = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let suggested = scene.get("/api/v1/request-suggestions?q=rotate+dkim+key", &admin).await;
        assert!(suggested.text.contains(&id), "{engine}: {}", suggested.text);
        // Who follows no more is told nothing.
        act(&scene, &asker, &id, &[("verb", "unfollow")]).await;
        assert!(scene.get("/community?show=followed", &asker).await.text.contains("empty"), "{engine}");
        assert!(scene.get("/community?show=mine", &asker).await.text.contains(&id), "{engine}");
        assert!(!scene.get("/community?show=unanswered", &asker).await.text.contains(&id), "{engine}");
    }
}

#[tokio::test]
async fn public_spaces_are_read_by_everybody_and_others_by_nobody_else() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let asker = scene.cookie(Role::Person, Some(scene.acme)).await;
        assert!(scene.get("/community", "").await.to().starts_with("/sign-in"), "{engine}: nothing is public");
        space(&scene, "open", None, true).await;
        space(&scene, "inner", None, false).await;
        space(&scene, "acme", Some(scene.acme), false).await;
        let mut ids = Vec::new();
        for (name, title) in [("open", "What everybody may read"), ("inner", "What members may read"), ("acme", "What acme alone may read")]
        {
            ids.push(asked(&scene, &asker, question(name, title)).await);
        }
        let engineer = scene.cookie(Role::SupportEngineer, None).await;
        let operator = scene.cookie(Role::Operator, None).await;
        let stranger = scene.cookie(Role::Administrator, Some(scene.other)).await;
        for (cookie, sees) in [
            ("", [true, false, false]),
            (stranger.as_str(), [true, true, false]),
            (engineer.as_str(), [true, true, false]),
            (asker.as_str(), [true; 3]),
            (operator.as_str(), [true; 3]),
        ] {
            for (id, sees) in ids.iter().zip(sees) {
                for path in
                    ["/community", "/community?q=read+may", "/community/feed.atom", "/api/v1/community/questions", "/help?q=what+may+read"]
                {
                    assert_eq!(scene.get(path, cookie).await.text.contains(id), sees, "{engine}: {path} {id} as “{cookie}”");
                }
                for path in [
                    format!("/community/questions/{id}"),
                    format!("/community/posts/{id}/history"),
                    format!("/api/v1/community/questions/{id}"),
                ] {
                    assert_eq!(scene.get(&path, cookie).await.status == StatusCode::OK, sees, "{engine}: {path} as “{cookie}”");
                }
            }
        }
        // Reading is all that strangers do, and addresses are nobody's business.
        let page = scene.get(&format!("/community/questions/{}", ids[0]), "").await;
        assert!(!page.text.contains(".example") && !page.text.contains("name=\"body\""), "{engine}: {}", page.text);
        assert!(scene.post("/community/ask", "", &[]).await.to().starts_with("/sign-in"), "{engine}");
        assert!(act(&scene, "", &ids[0], &[("verb", "answer"), ("body", "x")]).await.to().starts_with("/sign-in"), "{engine}");
        let feed = scene.get("/community/feed.atom?space=open&tag=dkim", "").await;
        assert!(feed.headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("application/atom+xml")), "{engine}");
        assert!(feed.text.contains("<category term=\"dkim\"/>") && feed.text.ends_with("</feed>\n"), "{engine}: {}", feed.text);
        // Nor does a space become another's: acme's is not made public, and only operators make any.
        let public = json!({ "title": "x", "public": true });
        assert_eq!(
            scene.send("PUT", "/api/v1/community/spaces/acme", &operator, public.clone()).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{engine}"
        );
        assert_eq!(scene.send("PUT", "/api/v1/community/spaces/open", &stranger, public).await.status, StatusCode::FORBIDDEN, "{engine}");
        let made = scene.post("/community/spaces", &operator, &[("name", "new"), ("title", "New one"), ("organisation", "")]).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{engine}: {}", made.text);
        let twice = scene.post("/community/spaces", &operator, &[("name", "new"), ("title", "New one")]).await;
        assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        let closed = scene.post("/community/spaces", &operator, &[("changed", "inner"), ("title", "Inner"), ("closed", "on")]).await;
        assert_eq!(closed.status, StatusCode::SEE_OTHER, "{engine}: {}", closed.text);
        assert_eq!(
            act(&scene, &stranger, &ids[1], &[("verb", "answer"), ("body", "Too late")]).await.status,
            StatusCode::CONFLICT,
            "{engine}"
        );
    }
}

#[tokio::test]
async fn junk_is_held_for_a_moderator_who_decides() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        space(&scene, "general", None, false).await;
        let writer = scene.cookie(Role::Person, Some(scene.acme)).await;
        let reader = scene.cookie(Role::Person, Some(scene.other)).await;
        let moderator = scene.cookie(Role::SupportEngineer, None).await;
        let junk = json!({ "space": "general", "title": "Congratulations, claim your free prize", "body": JUNK, "tags": "" });
        let id = asked(&scene, &writer, junk).await;
        let page = format!("/community/questions/{id}");
        assert_eq!(scene.get(&page, &reader).await.status, StatusCode::NOT_FOUND, "{engine}: held");
        assert!(!scene.get("/community?q=free+prize", &reader).await.text.contains(&id), "{engine}");
        assert!(scene.get(&page, &writer).await.text.contains("Waits for a moderator"), "{engine}: its writer sees why");
        assert!(scene.get("/community?show=mine", &writer).await.text.contains(&id), "{engine}");
        // Not everybody who moderates: an administrator has no say in a space of all.
        let admin = scene.cookie(Role::Administrator, Some(scene.other)).await;
        assert!(!scene.get("/community/moderation", &admin).await.text.contains(&id), "{engine}");
        assert_eq!(scene.get("/community/moderation", &reader).await.status, StatusCode::FORBIDDEN, "{engine}");
        let queue = scene.get("/community/moderation", &moderator).await;
        assert!(queue.text.contains(&id) && queue.text.contains("% to be junk"), "{engine}: {}", queue.text);
        let decide = |verb: &'static str, reason: &'static str| {
            let (scene, moderator, id) = (&scene, &moderator, &id);
            async move { scene.post("/community/moderation", moderator, &[("post", id), ("verb", verb), ("reason", reason)]).await }
        };
        assert_eq!(decide("show", "").await.status, StatusCode::SEE_OTHER, "{engine}");
        assert_eq!(scene.get(&page, &reader).await.status, StatusCode::OK, "{engine}");
        // Reported by two, each once; taken out with a reason that the writer reads.
        let report = format!("/community/posts/{id}/report");
        assert_eq!(scene.post(&report, &reader, &[("reason", "")]).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        assert_eq!(scene.post(&report, &reader, &[("reason", "spam")]).await.status, StatusCode::SEE_OTHER, "{engine}");
        assert_eq!(scene.post(&report, &reader, &[("reason", "spam")]).await.status, StatusCode::CONFLICT, "{engine}: twice");
        assert_eq!(scene.post(&report, &admin, &[("reason", "other"), ("words", "odd")]).await.status, StatusCode::SEE_OTHER, "{engine}");
        let waiting = scene.get("/api/v1/community/moderation", &moderator).await.json();
        assert_eq!(waiting[0]["reports"].as_array().map(Vec::len), Some(2), "{engine}: {waiting}");
        assert_eq!(decide("remove", "").await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: why?");
        assert_eq!(decide("remove", "Advertising").await.status, StatusCode::SEE_OTHER, "{engine}");
        assert_eq!(scene.get(&page, &writer).await.status, StatusCode::NOT_FOUND, "{engine}");
        assert!(scene.get("/bell", &writer).await.text.contains("moderator took out"), "{engine}");
        assert_eq!(scene.get("/api/v1/community/moderation", &moderator).await.json(), json!([]), "{engine}");
        let audit = scene.get("/api/v1/audit", &scene.cookie(Role::Operator, None).await).await;
        assert!(audit.text.contains("community.remove") && audit.text.contains("Advertising"), "{engine}");
        // Posts about the matter itself are not held, also short ones and long ones.
        for body in
            ["Thanks, that helped!", "The receipt says `dmarc=fail` although SPF passed. Which domain has to align, and where do I see it?"]
        {
            let thread = asked(&scene, &reader, json!({ "space": "general", "title": "Why does DMARC fail here?", "body": body })).await;
            assert_eq!(scene.get(&format!("/community/questions/{thread}"), &writer).await.status, StatusCode::OK, "{engine}: {body}");
        }
    }
}

#[tokio::test]
async fn what_was_written_is_edited_withdrawn_and_closed_by_the_rules() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        space(&scene, "general", None, false).await;
        let writer = scene.cookie(Role::Person, Some(scene.acme)).await;
        let other = scene.cookie(Role::Person, Some(scene.other)).await;
        let moderator = scene.cookie(Role::SupportEngineer, None).await;
        let id = asked(&scene, &writer, question("general", "First title of the question")).await;
        let edit = format!("/api/v1/community/posts/{id}");
        let new = |title: &str, edits: i64| json!({ "title": title, "body": "New text", "tags": "spf", "why": "clearer", "edits": edits });
        assert_eq!(scene.send("PATCH", &edit, &other, new("Taken over by me", 0)).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert_eq!(scene.send("PATCH", &edit, &writer, new("Second title of the question", 0)).await.status, StatusCode::OK, "{engine}");
        assert_eq!(scene.send("PATCH", &edit, &moderator, new("Lost update", 0)).await.status, StatusCode::PRECONDITION_FAILED, "{engine}");
        let history = scene.get(&format!("/community/posts/{id}/history"), &other).await.text;
        for part in ["<del>", "First title", "<ins>", "Second title", "clearer"] {
            assert!(history.contains(part), "{engine}: {part} in {history}");
        }
        assert!(scene.get("/community?q=second+title", &other).await.text.contains(&id), "{engine}");
        assert!(!scene.get("/community?tag=dkim", &other).await.text.contains(&id), "{engine}: the tag went");
        // Answers of others do not go with a question; without any it goes, after being asked.
        let answer = answered(&scene, &other, &id, "An answer").await;
        let withdraw = [("verb", "withdraw"), ("sure", "1")];
        assert_eq!(act(&scene, &writer, &id, &withdraw).await.status, StatusCode::CONFLICT, "{engine}");
        let gone = act(&scene, &other, &id, &[("verb", "withdraw"), ("post", &answer)]).await;
        assert!(gone.status == StatusCode::OK && gone.text.contains("sure"), "{engine}: asks first");
        assert_eq!(
            act(&scene, &other, &id, &[("verb", "withdraw"), ("post", &answer), ("sure", "1")]).await.status,
            StatusCode::SEE_OTHER,
            "{engine}"
        );
        assert!(!scene.get(&format!("/community/questions/{id}"), &writer).await.text.contains(&answer), "{engine}");
        assert!(scene.get(&format!("/community/questions/{id}"), &moderator).await.text.contains(&answer), "{engine}: kept for moderators");
        // Locked and closed: nothing more is written; a duplicate names another question.
        assert_eq!(act(&scene, &writer, &id, &[("verb", "lock")]).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert_eq!(act(&scene, &moderator, &id, &[("verb", "lock")]).await.status, StatusCode::SEE_OTHER, "{engine}");
        assert_eq!(act(&scene, &other, &id, &[("verb", "answer"), ("body", "x")]).await.status, StatusCode::CONFLICT, "{engine}");
        act(&scene, &moderator, &id, &[("verb", "unlock")]).await;
        let first = asked(&scene, &other, question("general", "The same was asked long before")).await;
        assert_eq!(
            act(&scene, &moderator, &id, &[("verb", "close"), ("of", &id)]).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{engine}"
        );
        let of = format!("https://gatepost.example/community/questions/{first}#x");
        assert_eq!(act(&scene, &moderator, &id, &[("verb", "close"), ("of", &of)]).await.status, StatusCode::SEE_OTHER, "{engine}");
        assert!(scene.get(&format!("/community/questions/{id}"), &writer).await.text.contains(&first), "{engine}");
        act(&scene, &moderator, &id, &[("verb", "reopen")]).await;
        // Comments stand under posts, not under comments.
        let comment =
            scene.send("POST", &format!("/api/v1/community/posts/{id}/comments"), &other, json!({ "body": "Which version?" })).await;
        let comment = comment.json()["id"].as_str().expect("a comment").to_string();
        let under = scene.send("POST", &format!("/api/v1/community/posts/{comment}/comments"), &other, json!({ "body": "x" })).await;
        assert_eq!(under.status, StatusCode::NOT_FOUND, "{engine}");
        assert_eq!(
            scene.get(&format!("/community/questions/{comment}"), &other).await.to(),
            format!("/community/questions/{id}#{comment}"),
            "{engine}"
        );
    }
}

#[tokio::test]
async fn hostile_posts_do_no_harm_and_nobody_floods() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        space(&scene, "general", None, true).await;
        let writer = scene.cookie(Role::Person, Some(scene.acme)).await;
        let moderator = scene.cookie(Role::SupportEngineer, None).await;
        let evil = "<script>alert(1)</script> <img src=x onerror=alert(2)> [x](javascript:alert(3)) ![p](https://evil.example/p.gif)";
        let title = "Evil \u{202e}title\u{202c} <b>here</b> & \"there\"";
        let id = asked(&scene, &writer, json!({ "space": "general", "title": title, "body": evil, "tags": "a" })).await;
        for path in [
            format!("/community/questions/{id}"),
            "/community".into(),
            "/community/feed.atom".into(),
            format!("/community/posts/{id}/history"),
            format!("/community/posts/{id}/edit"),
        ] {
            let text = scene.get(&path, &writer).await.text;
            for bad in ["<script>alert", "<img src=x", "javascript:alert(3)\"", "evil.example/p.gif\"", "<b>here", "\u{202e}"] {
                assert!(!text.contains(bad), "{engine}: {bad} in {path}");
            }
        }
        let long = "x".repeat(20_001);
        for (body, field) in [
            (json!({ "space": "general", "title": "A good title", "body": long }), "body"),
            (json!({ "space": "general", "title": "A good title", "body": "b", "tags": "a b c d e f g" }), "tags"),
            (json!({ "space": "nowhere", "title": "A good title", "body": "b" }), "space"),
            (json!({ "space": "general", "title": "\u{202e}", "body": "b" }), "title"),
        ] {
            let answer = scene.send("POST", "/api/v1/community/questions", &writer, body).await;
            assert!(answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.text.contains(field), "{engine}: {}", answer.text);
        }
        // Another site's page posts nothing.
        let request = crate::scene::request("POST", &format!("/community/questions/{id}"), &writer).header("sec-fetch-site", "cross-site");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = scene.ask(request.body(axum::body::Body::from("verb=follow")).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{engine}");
        let mut last = StatusCode::OK;
        for n in 0..6 {
            last = scene
                .send("POST", "/api/v1/community/questions", &writer, question("general", &format!("Question number {n} of many")))
                .await
                .status;
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS, "{engine}");
        // A key that is sent again asks once.
        let send = || {
            let request =
                crate::scene::request("POST", "/api/v1/community/questions", &moderator).header("content-type", "application/json");
            let request = request.header("idempotency-key", "once-1");
            request.body(axum::body::Body::from(question("general", "Asked once, sent twice").to_string())).expect("a request")
        };
        let (one, two) = (scene.ask(send()).await, scene.ask(send()).await);
        assert_eq!((one.status, one.text.clone()), (two.status, two.text), "{engine}");
        // Many links wait for a moderator.
        let links = "https://a.example ".repeat(9);
        let held = scene.send("POST", &format!("/api/v1/community/posts/{id}/comments"), &writer, json!({ "body": links })).await;
        assert_eq!(held.json()["state"], "held", "{engine}: {}", held.text);
    }
}

#[tokio::test]
async fn a_good_answer_becomes_a_solution_linked_both_ways() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        space(&scene, "general", None, false).await;
        space(&scene, "acme", Some(scene.acme), false).await;
        let writer = scene.cookie(Role::Person, Some(scene.acme)).await;
        let staff = scene.cookie(Role::SupportEngineer, None).await;
        let id = asked(&scene, &writer, question("general", "How do I rotate the DKIM key?")).await;
        let answer = answered(&scene, &staff, &id, "Publish the second key first.").await;
        let page = scene.get(&format!("/community/questions/{id}"), &writer).await.text;
        assert!(page.contains(">Support<"), "{engine}: staff is named in words");
        let draft = format!("/community/article?post={answer}");
        assert_eq!(scene.get(&draft, &writer).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert!(scene.get(&draft, &staff).await.text.contains("Publish the second key first."), "{engine}");
        let form = [("title", "Rotate a DKIM key"), ("problem", "The key is old"), ("text", "Publish the second key first.")];
        let made = scene.post(&draft, &staff, &form).await;
        assert!(made.to().starts_with("/requests/solutions/y"), "{engine}: {} {}", made.status, made.text);
        assert!(scene.get(made.to(), &writer).await.text.contains(&id), "{engine}: back to the question");
        assert!(scene.get(&format!("/community/questions/{id}"), &writer).await.text.contains(made.to()), "{engine}: and to the solution");
        // What people of one organisation wrote among themselves is published to nobody.
        let own = asked(&scene, &writer, question("acme", "Something only among us")).await;
        let inner = answered(&scene, &writer, &own, "An inner answer").await;
        let operator = scene.cookie(Role::Operator, None).await;
        assert_eq!(scene.get(&format!("/community/article?post={inner}"), &operator).await.status, StatusCode::CONFLICT, "{engine}");
        // A role of one's own with the permission moderates at home, and only there.
        let admin = person(&scene, Role::Administrator, Some(scene.acme)).await;
        assert!(admin.may(web::people::May::Moderate), "{engine}");
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        for (post, want) in [(&inner, StatusCode::NO_CONTENT), (&answer, StatusCode::FORBIDDEN)] {
            let decision = json!({ "verb": "remove", "reason": "Test" });
            let done = scene.send("POST", &format!("/api/v1/community/posts/{post}/decision"), &cookie, decision).await;
            assert_eq!(done.status, want, "{engine}: {}", done.text);
        }
    }
}

/// Puts so many questions into a space.
async fn fill(scene: &Scene, space: &Space, count: usize) {
    let ids = Arc::new(IdMaker::new(2));
    for batch in 0..count.div_ceil(500) {
        let (space, ids) = (space.clone(), ids.clone());
        let done: Result<(), Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    let at = At { app: None, ids, person: Person::at_the_machine("test"), now_ms: NOW_MS };
                    for n in batch * 500..((batch + 1) * 500).min(count) {
                        let title = format!("mail connector quarantine late word{} thing{} item{n}", n % 500, n % 5000);
                        let planted = Planted {
                            lang: Lang::English,
                            title: &title,
                            tags: "mail late",
                            body: "Mail is late since the connector was changed, what do I look at first?",
                            asker: "Maya",
                            answer: (n % 3 > 0).then_some("Look at the queue of that connector, and at the replies of the next hop."),
                            answerer: "Tom",
                            staff: "",
                            is_accepted: n % 3 == 2,
                        };
                        plant(tx, &at, &space, &planted).await?;
                    }
                    Ok(())
                })
            })
            .await;
        done.expect("questions");
    }
}

#[tokio::test]
async fn lists_go_on_where_the_last_ended() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let space = space(&scene, "general", None, false).await;
        fill(&scene, &space, 70).await;
        let reader = scene.cookie(Role::Person, Some(scene.acme)).await;
        let (mut seen, mut before, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = scene.get(&format!("/api/v1/community/questions?before={before}"), &reader).await.json();
            seen.extend(page["rows"].as_array().expect("rows").iter().map(|row| row["id"].as_str().unwrap_or_default().to_string()));
            pages += 1;
            match page["next"].as_str() {
                Some(next) => before = next.into(),
                None => break,
            }
        }
        let mut unique = seen.clone();
        unique.dedup();
        assert_eq!((seen.len(), unique.len(), pages), (70, 70, 3), "{engine}");
        assert!(seen.is_sorted_by(|a, b| a > b), "{engine}: newest first");
        assert_eq!(scene.get("/api/v1/community/questions?before=q0", &reader).await.status, StatusCode::NOT_FOUND, "{engine}");
        let unanswered = scene.get("/api/v1/community/questions?show=unanswered", &reader).await.json();
        assert_eq!(unanswered["rows"].as_array().map(Vec::len), Some(24), "{engine}");
        let one: PostId = seen[0].parse().expect("an id");
        let known: Result<_, Error> = scene
            .app
            .db
            .read(move |tx| {
                Box::pin(async move {
                    let spaces = web::community::Spaces::all(sql::spaces(tx, gateway::scope::OrgScope::All).await?);
                    sql::one_question(tx, &spaces, one).await
                })
            })
            .await;
        assert!(known.expect("a look").is_some(), "{engine}");
    }
}

/// How long lists and searches take among twenty thousand questions. Slow to fill, so only when asked for: GATEPOST_MEASURE=1.
#[tokio::test]
async fn a_search_is_quick_among_twenty_thousand_questions() {
    if std::env::var_os("GATEPOST_MEASURE").is_none() {
        return;
    }
    const QUESTIONS: usize = 20_000;
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let space = space(&scene, "general", None, false).await;
        fill(&scene, &space, QUESTIONS).await;
        let reader = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        for (what, path) in [
            ("list", "/community?n="),
            ("list of a tag", "/community?tag=late&n="),
            ("unanswered", "/community?show=unanswered&n="),
            ("search", "/community?q=mail+connector+quarantine+late+word7+thing13&n="),
            ("similar", "/api/v1/community/similar?text=mail+connector+quarantine+late+word7+thing13+bank+invoice&n="),
        ] {
            let mut took = Vec::new();
            for n in 0..40 {
                let started = std::time::Instant::now();
                let answer = scene.get(&format!("{path}{n}"), &reader).await;
                took.push(started.elapsed().as_millis());
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            }
            took.sort_unstable();
            println!("{engine}: {what} among {QUESTIONS} questions: median {} ms, worst {} ms", took[20], took[39]);
        }
    }
}
