//! Domains: added, shown to be one's own, checked, given recipients and keys.

use crate::scene::{Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use mail::dns::{Record, Zone};
use store::{Error, args};
use testkit::postgres::{databases, sqlite};
use web::people::Role;

async fn json(scene: &Scene, method: &str, path: &str, cookie: &str, body: &str) -> crate::scene::Answer {
    let request = request(method, path, cookie).header("content-type", "application/json");
    scene.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

async fn count(scene: &Scene, sql: &'static str) -> i64 {
    let found: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.row(sql, args![]).await })).await;
    found.expect("read").map_or(0, |row| row.int(0).expect("a number"))
}

/// The word that shows ownership, from the API.
async fn token(scene: &Scene, cookie: &str, name: &str) -> String {
    let body = scene.get(&format!("/api/v1/domains/{name}"), cookie).await.json();
    body["ownership"]["value"].as_str().expect("a record").to_string()
}

/// The zone is fixed when a scene begins, so the word is put into the row instead.
async fn set_token(scene: &Scene, token: &'static str) {
    let done: Result<_, Error> =
        scene.app.db.tx(move |tx| Box::pin(async move { tx.run("UPDATE domain_claim SET token = $1", args![token]).await })).await;
    done.expect("changed");
}

fn zone() -> Zone {
    let mut zone = Zone::new();
    zone.txt("_gatepost.new.example", "gatepost-domain=right").txt("new.example", "v=spf1 a:mx.gatepost.example -all");
    zone.add("new.example", Record::Mx { preference: 10, exchange: "mx.gatepost.example".into() });
    zone.add("mx.gatepost.example", Record::A([192, 0, 2, 25].into()));
    zone
}

#[tokio::test]
async fn a_domain_is_served_once_it_was_shown() {
    for database in databases() {
        let scene = Scene::with_dns(database, zone()).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let added = scene.post("/domains", &cookie, &[("name", "New.Example")]).await;
        assert_eq!((added.status, added.to()), (StatusCode::SEE_OTHER, "/domains/new.example/setup/ownership?new=1"));
        let page = scene.get("/domains/new.example/setup/ownership", &cookie).await;
        let value = token(&scene, &cookie, "new.example").await;
        assert!(page.text.contains("_gatepost.new.example") && page.text.contains(&value), "the exact record is on the page");
        let checked = scene.post("/domains/new.example/check", &cookie, &[("step", "ownership")]).await;
        assert_eq!(checked.status, StatusCode::SEE_OTHER);
        assert_eq!(count(&scene, "SELECT count(*) FROM domain WHERE name = 'new.example'").await, 0, "the word is another one");
        assert!(!scene.app.directory.snapshot().domains.contains_key("new.example"));
        let refused = scene.post("/domains/new.example", &cookie, &[("kind", "authoritative"), ("recipients", "any")]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "settings are for domains that are served");
        set_token(&scene, "right").await;
        scene.post("/domains/new.example/check", &cookie, &[("step", "ownership")]).await;
        assert!(scene.app.directory.snapshot().domains.contains_key("new.example"), "the mail path serves it at once");
        let report = scene.get("/api/v1/domains/new.example/check", &cookie).await.json();
        let results: Vec<String> = report["checks"]
            .as_array()
            .expect("checks")
            .iter()
            .map(|one| format!("{}={}", one["id"].as_str().expect("an id"), one["result"].as_str().expect("a word")))
            .collect();
        assert_eq!(
            results,
            [
                "domain.ownership=ok",
                "domain.mx=ok",
                "domain.spf=ok",
                "domain.dkim=cannot-tell",
                "domain.dmarc=problem",
                "domain.mta-sts=advice",
                "domain.tls-rpt=advice",
                "domain.delegation=ok",
                "domain.dnssec=ok",
                "domain.names=problem",
                "domain.lists=ok",
                "domain.dane=ok",
                "domain.bimi=ok"
            ]
        );
        for step in ["ownership", "mx", "spf", "dkim", "dmarc", "mta-sts"] {
            assert_eq!(scene.get(&format!("/domains/new.example/setup/{step}"), &cookie).await.status, StatusCode::OK, "{step}");
        }
        assert_eq!(scene.get("/domains/new.example/setup/nothing", &cookie).await.status, StatusCode::NOT_FOUND);
        assert_eq!(count(&scene, "SELECT count(*) FROM audit WHERE action IN ('domain.add', 'domain.serve')").await, 2);
        let list = scene.get("/domains", &cookie).await.text;
        assert!(list.contains("new.example") && list.contains("DMARC: Problem"), "{list}");
    }
}

#[tokio::test]
async fn names_that_are_no_domain_of_ones_own_are_refused() {
    let scene = Scene::new(sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    for name in ["", "example", "a b.example", "192.0.2.1", "co.uk", "-a.example", &"x".repeat(300)] {
        let answer = scene.post("/domains", &cookie, &[("name", name)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(answer.text.contains("aria-invalid"), "{name}: the error stands beside the field");
    }
    let twice = [(); 2].map(|()| ());
    for (n, ()) in twice.into_iter().enumerate() {
        let answer = json(&scene, "POST", "/api/v1/domains", &cookie, r#"{"name":"例子.example"}"#).await;
        assert_eq!(answer.status, if n == 0 { StatusCode::CREATED } else { StatusCode::CONFLICT }, "{}", answer.text);
    }
    let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
    assert_eq!(scene.post("/domains", &reader, &[("name", "b.example")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.get("/domains", &reader).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_domain_of_another_organisation_can_be_claimed_and_not_taken() {
    for database in databases() {
        let mut zone = Zone::new();
        zone.txt("_gatepost.other.example", "gatepost-domain=right");
        let scene = Scene::with_dns(database, zone).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let (taken, free) = (
            scene.post("/domains", &cookie, &[("name", "other.example")]).await,
            scene.post("/domains", &cookie, &[("name", "nobodys.example")]).await,
        );
        assert_eq!((taken.status, taken.to().replace("other", "x")), (free.status, free.to().replace("nobodys", "x")), "nothing is told");
        let unshown = scene.post("/domains/nobodys.example/check", &cookie, &[("step", "ownership")]).await;
        assert_eq!(unshown.status, StatusCode::SEE_OTHER);
        set_token(&scene, "right").await;
        let shown = scene.post("/domains/other.example/check", &cookie, &[("step", "ownership")]).await;
        assert_eq!(shown.status, StatusCode::CONFLICT, "who showed it is told to ask the operator");
        assert_eq!(scene.app.directory.snapshot().domains["other.example"].org, scene.other, "and it stays where it is");
    }
}

#[tokio::test]
async fn an_operator_vouches_with_a_reason() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        scene.post("/domains", &cookie, &[("name", "inside.example")]).await;
        let denied = scene.post("/domains/inside.example/vouch", &cookie, &[("reason", "I say so")]).await;
        assert_eq!(denied.status, StatusCode::FORBIDDEN);
        let operator = scene.cookie(Role::Operator, None).await;
        let silent = scene.post("/domains/inside.example/vouch", &operator, &[("reason", " ")]).await;
        assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
        let done = scene.post("/domains/inside.example/vouch", &operator, &[("reason", "internal zone")]).await;
        assert_eq!((done.status, done.to()), (StatusCode::SEE_OTHER, "/domains/inside.example/setup/mx"));
        assert!(scene.app.directory.snapshot().domains.contains_key("inside.example"));
        assert_eq!(count(&scene, "SELECT count(*) FROM audit WHERE action = 'domain.vouch' AND detail LIKE '%internal zone%'").await, 1);
    }
}

#[tokio::test]
async fn the_settings_file_has_the_last_word() {
    let scene = Scene::new(sqlite()).await;
    let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let page = scene.get("/domains/acme.example", &cookie).await.text;
    assert!(page.contains("settings file") && !page.contains("action=\"/domains/acme.example/remove\""));
    for path in ["/domains/acme.example", "/domains/acme.example/remove", "/domains/acme.example/mta-sts"] {
        assert_eq!(scene.post(path, &cookie, &[("sure", "1"), ("mode", "testing")]).await.status, StatusCode::CONFLICT, "{path}");
    }
    let gone = json(&scene, "DELETE", "/api/v1/domains/acme.example", &cookie, "").await;
    assert_eq!(gone.status, StatusCode::CONFLICT);
}

/// A domain of acme that a page made.
async fn made(scene: &Scene, name: &str) -> String {
    let operator = scene
        .cookie_of(&web::people::sql::NewPerson {
            email: "op@acme.example".into(),
            name: String::new(),
            role: Role::Operator,
            org: Some(scene.acme),
        })
        .await;
    scene.post("/domains", &operator, &[("name", name)]).await;
    scene.post(&format!("/domains/{name}/vouch"), &operator, &[("reason", "test")]).await;
    scene.cookie(Role::Administrator, Some(scene.acme)).await
}

#[tokio::test]
async fn settings_recipients_and_removal() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = made(&scene, "made.example").await;
        let wrong =
            scene.post("/domains/made.example", &cookie, &[("kind", "x"), ("recipients", "listed"), ("connector", "nothing")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let form = [("kind", "internal-relay"), ("recipients", "listed"), ("connector", ""), ("subdomains", "on"), ("mta_sts", "testing")];
        assert_eq!(scene.post("/domains/made.example", &cookie, &form).await.status, StatusCode::SEE_OTHER);
        let directory = scene.app.directory.snapshot();
        assert!(directory.domain_named("sub.made.example").is_some(), "sub-domains are taken");
        let policy =
            request("GET", "/.well-known/mta-sts.txt", "").header("host", "mta-sts.made.example").body(Body::empty()).expect("a request");
        let mut policy_request = policy;
        policy_request.headers_mut().insert("host", "mta-sts.made.example".parse().expect("a host"));
        let policy = scene.ask(policy_request).await;
        assert!(policy.text.contains("mode: testing\r\nmx: mx.gatepost.example"), "{}", policy.text);
        assert_eq!(scene.get("/.well-known/mta-sts.txt", "").await.status, StatusCode::NOT_FOUND, "other hosts have none");
        let base = "/domains/made.example/recipients";
        assert_eq!(scene.post(base, &cookie, &[("address", "ann"), ("name", "Ann \"A\" Miller")]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(scene.post(base, &cookie, &[("address", "x@other.example")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let csv = "address,name\nbo@made.example,Bo\nbad\nx@other.example\n";
        let preview = scene.post(&format!("{base}/import"), &cookie, &[("csv", csv)]).await.text;
        assert!(preview.contains("1 new") && preview.contains("2 lines cannot be used"), "{preview}");
        assert_eq!(
            count(&scene, "SELECT count(*) FROM known_recipient WHERE address = 'bo@made.example'").await,
            0,
            "a preview changes nothing"
        );
        assert_eq!(scene.post(&format!("{base}/import"), &cookie, &[("csv", csv), ("sure", "1")]).await.status, StatusCode::SEE_OTHER);
        let found = scene.get("/api/v1/domains/made.example/recipients", &cookie).await.json();
        assert_eq!(found["recipients"][0]["name"], "Ann \"A\" Miller");
        assert_eq!(found["recipients"][1]["address"], "bo@made.example");
        let bad = json(
            &scene,
            "POST",
            "/api/v1/domains/made.example/recipients",
            &cookie,
            r#"{"recipients":[{"address":"c@made.example"},{"address":"?"}]}"#,
        )
        .await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(count(&scene, "SELECT count(*) FROM known_recipient WHERE address = 'c@made.example'").await, 0, "all or none");
        let asked = scene.post(&format!("{base}/remove"), &cookie, &[("pick", "bo@made.example"), ("pick", "alice@acme.example")]).await;
        assert!(asked.status == StatusCode::OK && asked.text.contains("name=\"sure\""), "asks first");
        scene.post(&format!("{base}/remove"), &cookie, &[("pick", "bo@made.example"), ("pick", "alice@acme.example"), ("sure", "1")]).await;
        assert_eq!(
            count(&scene, "SELECT count(*) FROM known_recipient WHERE address IN ('bo@made.example', 'alice@acme.example')").await,
            1,
            "only of this domain"
        );
        let asked = scene.post("/domains/made.example/remove", &cookie, &[]).await;
        assert!(asked.text.contains("name=\"sure\""));
        assert_eq!(scene.post("/domains/made.example/remove", &cookie, &[("sure", "1")]).await.to(), "/domains");
        assert_eq!(scene.get("/domains/made.example", &cookie).await.status, StatusCode::NOT_FOUND);
        assert_eq!(count(&scene, "SELECT count(*) FROM known_recipient WHERE address LIKE '%@made.example'").await, 0);
    }
}

#[tokio::test]
async fn keys_are_made_published_and_replaced_and_never_shown() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let cookie = made(&scene, "made.example").await;
        let key = json(&scene, "POST", "/api/v1/domains/made.example/keys", &cookie, r#"{"kind":"ed25519"}"#).await;
        assert_eq!(key.status, StatusCode::CREATED);
        let key = key.json();
        let id = key["id"].as_i64().expect("an id");
        let early = scene.post(&format!("/domains/made.example/keys/{id}/activate"), &cookie, &[]).await;
        assert_eq!(early.status, StatusCode::CONFLICT, "nobody could check its signatures");
        let page = scene.get("/domains/made.example/keys", &cookie).await.text;
        assert!(
            page.contains(key["record"]["value"].as_str().expect("a record")) && !page.contains("PRIVATE"),
            "the record, and no secret"
        );
        let sealed: Result<_, Error> =
            scene.app.db.read(|tx| Box::pin(async move { tx.row("SELECT sealed FROM dkim_key", args![]).await })).await;
        let sealed = sealed.expect("read").expect("a key").text(0).expect("text").to_string();
        assert!(!sealed.contains("PRIVATE") && !page.contains(&sealed));
        let asked = scene.post(&format!("/domains/made.example/keys/{id}/destroy"), &cookie, &[]).await;
        assert!(asked.text.contains("name=\"sure\""), "asks first");
        assert_eq!(
            scene.post(&format!("/domains/made.example/keys/{id}/destroy"), &cookie, &[("sure", "1")]).await.status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(count(&scene, "SELECT count(*) FROM dkim_key WHERE sealed = '' AND state = 'retired'").await, 1);
        let again = scene.post(&format!("/domains/made.example/keys/{id}/destroy"), &cookie, &[("sure", "1")]).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "once");
        assert_eq!(scene.post("/domains/made.example/keys", &cookie, &[("kind", "dsa")]).await.status, StatusCode::BAD_REQUEST);
    }
}
