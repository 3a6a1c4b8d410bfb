//! Signing in and everything about people: what works, and the attacks of the field.

use crate::scene::{Answer, NOW_MS, Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use mail::{OrgId, PersonId};
use store::{Error, args};
use testkit::postgres::{databases, sqlite};
use web::people::change::{self, Act, Chosen};
use web::people::factor::sql as factor_sql;
use web::people::session::{self, Peer};
use web::people::sql::{self, NewPerson, OwnRole};
use web::people::token::sql as token_sql;
use web::people::{May, Person, Role, first_run, link_for, password};

const PASSWORD: &str = "a lamp walks upstairs slowly";

async fn added(scene: &Scene, email: &str, role: Role, org: Option<OrgId>) -> PersonId {
    let (new, id) = (NewPerson { email: email.into(), name: String::new(), role, org }, scene.app.fresh_id());
    let added: Result<_, Error> = scene.app.db.tx(move |tx| Box::pin(async move { sql::add(tx, &new, id, NOW_MS).await })).await;
    added.expect("a person")
}

async fn with_password(scene: &Scene, email: &str, role: Role, org: Option<OrgId>) -> PersonId {
    let (id, hash) = (added(scene, email, role, org).await, password::hash(PASSWORD).await.expect("a hash"));
    let set: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { sql::set_password(tx, id, &hash).await })).await;
    set.expect("a password");
    id
}

async fn cookie_of(scene: &Scene, id: PersonId) -> String {
    format!("gatepost={}", session::start(&scene.app, id, &Peer::default()).await.expect("a session"))
}

async fn number(scene: &Scene, statement: &'static str) -> i64 {
    let found: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.row(statement, args![]).await })).await;
    found.expect("a row").expect("a row").int(0).expect("a number")
}

/// The cookies an answer sets, as the browser sends them back.
pub fn cookies(answer: &Answer) -> String {
    let set = answer.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    let kept = set.filter_map(|cookie| cookie.split(';').next()).filter(|pair| !pair.ends_with('='));
    kept.collect::<Vec<_>>().join("; ")
}

fn sign_in<'a>(email: &'a str, password: &'a str) -> [(&'a str, &'a str); 2] {
    [("email", email), ("password", password)]
}

/// RFC 6238, written again so that the two are compared.
fn code(secret: &str, at_ms: i64) -> String {
    let bits: String =
        secret.bytes().map(|c| if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 }).map(|n| format!("{n:05b}")).collect();
    let octets: Vec<u8> = (0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).expect("bits")).collect();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &octets);
    let tag = aws_lc_rs::hmac::sign(&key, &(at_ms / 30_000).to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let number = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().expect("four")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[tokio::test]
async fn a_password_signs_in_and_the_answer_to_a_wrong_one_says_nothing() {
    for database in databases() {
        let scene = Scene::new(database).await;
        with_password(&scene, "ann@acme.example", Role::Administrator, Some(scene.acme)).await;
        let planted = "gatepost=planted-by-somebody-else";
        let known = scene.post("/sign-in", planted, &sign_in("ann@acme.example", "not the right one at all")).await;
        let unknown = scene.post("/sign-in", planted, &sign_in("abc@acme.example", "not the right one at all")).await;
        assert_eq!((known.status, unknown.status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY));
        assert_eq!(known.text.replace("ann@", "·"), unknown.text.replace("abc@", "·"), "tells that there is somebody");
        assert!(!known.text.contains("not the right one"), "what was typed as a password is not shown again");
        let form = [("email", "Ann@ACME.example"), ("password", PASSWORD), ("next", "//evil.example")];
        let entered = scene.post("/sign-in", planted, &form).await;
        assert_eq!((entered.status, entered.to()), (StatusCode::SEE_OTHER, "/"), "never to another host");
        let all: Vec<&str> = entered.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok()).collect();
        let session = all.iter().find(|cookie| cookie.starts_with("gatepost=")).expect("a session");
        assert!(session.contains("; HttpOnly") && session.contains("; SameSite=Lax") && session.contains("; Path=/"), "{session}");
        let token = session.trim_start_matches("gatepost=").split(';').next().expect("a token");
        assert!(token.len() >= 43 && token != "planted-by-somebody-else", "256 fresh bits: {token}");
        assert_eq!(scene.get("/people", &cookies(&entered)).await.status, StatusCode::OK);
        assert_eq!(scene.get("/people", planted).await.status, StatusCode::SEE_OTHER, "what was planted is worth nothing");
        assert_eq!(number(&scene, "SELECT COUNT(*) FROM audit WHERE action = 'people.sign-in'").await, 1);
        assert_eq!(number(&scene, "SELECT COUNT(*) FROM audit WHERE action = 'people.sign-in-refused'").await, 1);
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_whether_somebody_is_there_or_not_but_not_for_a_known_browser() {
    let scene = Scene::new(sqlite()).await;
    with_password(&scene, "ann@acme.example", Role::Administrator, Some(scene.acme)).await;
    let device = cookies(&scene.post("/sign-in", "", &sign_in("ann@acme.example", PASSWORD)).await);
    for email in ["ann@acme.example", "nobody@acme.example"] {
        let mut last = StatusCode::OK;
        for _ in 0..12 {
            last = scene.post("/sign-in", "", &sign_in(email, "wrong wrong wrong")).await.status;
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS, "{email}");
    }
    let right = scene.post("/sign-in", "", &sign_in("ann@acme.example", PASSWORD)).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "also for a right guess");
    let own = scene.post("/sign-in", &device, &sign_in("ann@acme.example", PASSWORD)).await;
    assert_eq!(own.status, StatusCode::SEE_OTHER, "strangers do not lock the owner out: {}", own.text);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_once_a_code_and_a_recovery_code_works_once() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let id = with_password(&scene, "ann@acme.example", Role::Administrator, Some(scene.acme)).await;
        let cookie = cookie_of(&scene, id).await;
        assert!(scene.get("/account/app", &cookie).await.text.contains("<svg class=\"qr\""));
        let seal = scene.app.seal.clone();
        let kept = scene.app.db.read(move |tx| Box::pin(async move { factor_sql::totp(tx, &seal, id).await })).await;
        let secret = kept.expect("a read").expect("a secret").secret;
        let in_db: Result<_, store::Error> =
            scene.app.db.read(|tx| Box::pin(async move { tx.rows("SELECT secret FROM totp", vec![]).await })).await;
        assert!(!in_db.expect("rows")[0].text(0).expect("text").contains(&secret), "the database alone makes no codes");
        let now = code(&secret, NOW_MS);
        assert_eq!(scene.post("/account/app", &cookie, &[("code", "000000x")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(scene.post("/account/app", &cookie, &[("code", &code(&secret, NOW_MS - 30_000))]).await.to(), "/account/recovery");
        let codes = scene.post("/account/recovery", &cookie, &[]).await.text;
        let recovery = codes.split("<pre id=\"codes\" tabindex=\"0\">").nth(1).expect("codes").lines().next().expect("a code").to_string();
        assert!(!scene.get("/account/recovery", &cookie).await.text.contains(&recovery), "shown once");

        let half = scene.post("/sign-in", "", &sign_in("ann@acme.example", PASSWORD)).await;
        assert_eq!(half.to(), "/sign-in/second");
        let held = cookies(&half);
        assert!(!held.contains("gatepost="), "half a sign-in is no session: {held}");
        assert_eq!(scene.get("/people", &held).await.status, StatusCode::SEE_OTHER);
        assert_eq!(scene.post("/sign-in/second", &held, &[("code", "123")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let whole = scene.post("/sign-in/second", &held, &[("code", &now)]).await;
        assert_eq!(whole.to(), "/", "{}", whole.text);
        assert_eq!(scene.get("/people", &cookies(&whole)).await.status, StatusCode::OK);
        assert_eq!(scene.post("/sign-in/second", &held, &[("code", &recovery)]).await.to(), "/sign-in", "half a sign-in is finished once");

        for (code, want, why) in [(&now, 422, "a code works once"), (&recovery, 303, "so does"), (&recovery, 422, "a recovery code")] {
            let held = cookies(&scene.post("/sign-in", "", &sign_in("ann@acme.example", PASSWORD)).await);
            let answer = scene.post("/sign-in/second", &held, &[("code", code)]).await;
            assert_eq!(answer.status.as_u16(), want, "{why}: {code}: {}", answer.text);
        }
        // Tries at one half of a sign-in end, whoever tries.
        let held = cookies(&scene.post("/sign-in", "", &sign_in("ann@acme.example", PASSWORD)).await);
        for _ in 0..5 {
            scene.post("/sign-in/second", &held, &[("code", "999999")]).await;
        }
        let over = scene.post("/sign-in/second", &held, &[("code", "999999")]).await;
        assert_eq!(over.to(), "/sign-in", "{}", over.status);
    }
}

#[tokio::test]
async fn a_link_works_once_and_not_by_looking_at_it() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let new = NewPerson { email: "ann@acme.example".into(), name: String::new(), role: Role::Administrator, org: Some(scene.acme) };
        let path = link_for(&scene.app, &new).await.expect("a link");
        for _ in 0..2 {
            let looked = scene.get(&path, "").await;
            assert_eq!((looked.status, looked.headers.contains_key("set-cookie")), (StatusCode::OK, false));
        }
        let used = scene.post(&path, "", &[("next", "/people")]).await;
        assert_eq!((used.status, used.to()), (StatusCode::SEE_OTHER, "/people"));
        assert_eq!(scene.post(&path, "", &[]).await.status, StatusCode::CONFLICT);
        assert_eq!(scene.get(&path, "").await.status, StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn a_link_by_mail_goes_to_mailboxes_and_nobody_learns_which_there_are() {
    for database in databases() {
        let scene = Scene::new(database).await;
        added(&scene, "operator@acme.example", Role::Operator, None).await;
        let mut answers = Vec::new();
        for email in ["alice@acme.example", "stranger@acme.example", "operator@acme.example", "x@nowhere.example"] {
            let answer = scene.post("/sign-in/link", "", &[("email", email)]).await;
            answers.push((answer.status, answer.to().to_string(), answer.text.clone()));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(answers[0].1, "/sign-in/sent");
        // The work goes on after the answer; only one of them comes to a letter.
        for _ in 0..10_000 {
            if number(&scene, "SELECT COUNT(*) FROM mail").await > 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(number(&scene, "SELECT COUNT(*) FROM mail").await, 1);
        assert_eq!(number(&scene, "SELECT COUNT(*) FROM ceremony WHERE kind = 'first-link'").await, 1);
        assert_eq!(number(&scene, "SELECT COUNT(*) FROM person").await, 1, "nobody is made before the link is used");
        for _ in 0..3 {
            scene.post("/sign-in/link", "", &[("email", "alice@acme.example")]).await;
        }
        let many = scene.post("/sign-in/link", "", &[("email", "alice@acme.example")]).await;
        assert_eq!(many.status, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test]
async fn the_first_run_makes_one_operator_and_holds_no_longer() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let old = first_run::path(&scene.app).await.expect("a path").expect("nobody is there");
        let path = first_run::path(&scene.app).await.expect("a path").expect("nobody is there");
        assert_eq!(scene.get(&old, "").await.status, StatusCode::CONFLICT, "a newer start ends older links");
        assert_eq!(scene.get(&path, "").await.status, StatusCode::OK);
        let weak = scene.post(&path, "", &[("email", "ops@acme.example"), ("password", "password1234")]).await;
        assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
        let made = scene.post(&path, "", &[("email", "ops@acme.example"), ("name", "Ops"), ("password", PASSWORD)]).await;
        assert_eq!((made.status, made.to()), (StatusCode::SEE_OTHER, "/account/welcome"), "{}", made.text);
        assert_eq!(scene.get("/people/organisations", &cookies(&made)).await.status, StatusCode::OK);
        let again = scene.post(&path, "", &[("email", "eve@other.example"), ("password", PASSWORD)]).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert_eq!(number(&scene, "SELECT COUNT(*) FROM person").await, 1);
        assert!(first_run::path(&scene.app).await.expect("a read").is_none());
    }
}

#[tokio::test]
async fn an_invitation_is_accepted_once_by_who_holds_it() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let invited =
            scene.post("/people/new", &administrator, &[("email", "new@acme.example"), ("role", "help-desk"), ("language", "zh-CN")]).await;
        assert_eq!(invited.status, StatusCode::OK, "{}", invited.text);
        let link = invited.text.split("<pre id=\"link\" tabindex=\"0\">").nth(1).and_then(|rest| rest.split('<').next()).expect("a link");
        assert!(link.starts_with("http://mx.gatepost.example/sign-in/"), "never to what the request says: {link}");
        let path = link.trim_start_matches("http://mx.gatepost.example");
        assert_eq!(number(&scene, "SELECT COUNT(*) FROM mail WHERE direction = 'outbound'").await, 1, "and by letter");
        assert_eq!(scene.post(path, "", &[("password", "short")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let accepted = scene.post(path, "", &[("name", "New One"), ("password", PASSWORD)]).await;
        assert_eq!(accepted.to(), "/account/welcome", "{}", accepted.text);
        assert_eq!(scene.post(path, "", &[("password", PASSWORD)]).await.status, StatusCode::CONFLICT);
        assert_eq!(scene.get("/people", &cookies(&accepted)).await.status, StatusCode::FORBIDDEN, "a help desk does not look after people");
        let twice = scene.post("/people/new", &administrator, &[("email", "new@acme.example"), ("role", "help-desk")]).await;
        assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn nobody_gives_or_touches_more_than_they_may_and_the_last_one_stays() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let boss = added(&scene, "boss@acme.example", Role::Administrator, Some(scene.acme)).await;
        let clerk = added(&scene, "clerk@acme.example", Role::Person, Some(scene.acme)).await;
        let (role, acme) = (scene.app.fresh_id(), scene.acme);
        let made: Result<(), Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    let may = vec![May::People, May::Trace, May::OwnQuarantine];
                    sql::put_own_role(tx, &OwnRole { id: role, org: acme, name: "Desk".into(), may, people: 0 }, NOW_MS).await?;
                    sql::set_role(tx, clerk, Role::Own, role).await
                })
            })
            .await;
        made.expect("a role");
        let (boss_cookie, clerk_cookie) = (cookie_of(&scene, boss).await, cookie_of(&scene, clerk).await);
        for (path, form, want, why) in [
            ("/people/new".to_string(), vec![("email", "x@acme.example"), ("role", "administrator")], 403, "gives more than they may"),
            ("/people/new".into(), vec![("email", "x@acme.example"), ("role", "operator")], 403, "a role of the service"),
            (format!("/people/{boss}/role"), vec![("role", "person")], 403, "touches somebody who may more"),
            (format!("/people/{boss}/active"), vec![("active", "0"), ("sure", "1")], 403, "locks somebody out who may more"),
            (format!("/people/{boss}/link"), vec![], 403, "makes a way in as somebody who may more"),
            (format!("/people/{boss}/sessions"), vec![], 403, "signs somebody out who may more"),
            (format!("/people/{clerk}/role"), vec![("role", "administrator")], 403, "raises themselves"),
            ("/people/roles/new".into(), vec![("name", "More"), ("may", "release")], 403, "makes a role of more"),
            (format!("/people/roles/{role}"), vec![("name", "Desk"), ("may", "people"), ("may", "audit")], 403, "widens their own role"),
            ("/people/new".into(), vec![("email", "x@acme.example"), ("role", "person")], 200, "but what they may, they give"),
        ] {
            let answer = scene.post(&path, &clerk_cookie, &form).await;
            assert_eq!(answer.status.as_u16(), want, "{why}: {path}: {}", answer.text);
        }
        let demoted = scene.post(&format!("/people/{clerk}/role"), &boss_cookie, &[("role", "person")]).await;
        assert_eq!(demoted.status, StatusCode::SEE_OTHER);
        assert_eq!(scene.get("/people", &clerk_cookie).await.status, StatusCode::FORBIDDEN, "at once");
        for (path, form) in [
            (format!("/people/{boss}/role"), vec![("role", "person")]),
            (format!("/people/{boss}/active"), vec![("active", "0"), ("sure", "1")]),
        ] {
            assert_eq!(
                scene.post(&path, &boss_cookie, &form).await.status,
                StatusCode::CONFLICT,
                "the last one who looks after people stays"
            );
        }
        let act = Act { by: Person::at_the_machine("root"), ids: scene.app.ids.clone(), now_ms: NOW_MS };
        let operator = added(&scene, "ops@service.example", Role::Operator, None).await;
        let gone = scene
            .app
            .db
            .tx(move |tx| Box::pin(async move { change::set_role(tx, &act, operator, Chosen::BuiltIn(Role::SupportEngineer)).await }));
        assert!(gone.await.is_err(), "the last operator stays");
    }
}

#[tokio::test]
async fn who_is_deactivated_is_out_at_once_everywhere() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let reader = added(&scene, "reader@acme.example", Role::SecurityReader, Some(scene.acme)).await;
        let cookie = cookie_of(&scene, reader).await;
        let token = made_token(&scene, &cookie, &[("may", "trace")]).await;
        assert_eq!(bearer(&scene, &token, "/api/v1/trace").await.status, StatusCode::OK);
        let asked = scene.post(&format!("/people/{reader}/active"), &administrator, &[("active", "0")]).await;
        assert!(asked.status == StatusCode::OK && asked.text.contains("name=\"sure\""), "asks first");
        let done = scene.post(&format!("/people/{reader}/active"), &administrator, &[("active", "0"), ("sure", "1")]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        assert_eq!(scene.get("/trace", &cookie).await.status, StatusCode::SEE_OTHER);
        assert_eq!(bearer(&scene, &token, "/api/v1/trace").await.status, StatusCode::UNAUTHORIZED);
    }
}

async fn made_token(scene: &Scene, cookie: &str, may: &[(&str, &str)]) -> String {
    let form: Vec<(&str, &str)> = [("name", "script"), ("days", "30")].into_iter().chain(may.iter().copied()).collect();
    let made = scene.post("/account/tokens", cookie, &form).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    made.text.split("<pre id=\"token\" tabindex=\"0\">").nth(1).and_then(|rest| rest.split('<').next()).expect("a token").to_string()
}

async fn bearer(scene: &Scene, token: &str, path: &str) -> Answer {
    scene.ask(request("GET", path, "").header("authorization", format!("Bearer {token}")).body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn a_token_may_some_of_what_its_owner_may_and_no_more() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let id = added(&scene, "ann@acme.example", Role::SecurityReader, Some(scene.acme)).await;
        let cookie = cookie_of(&scene, id).await;
        let more = scene.post("/account/tokens", &cookie, &[("name", "x"), ("days", "1"), ("may", "people")]).await;
        assert_eq!(more.status, StatusCode::FORBIDDEN, "not more than the owner");
        for (form, why) in [
            (vec![("name", ""), ("days", "1"), ("may", "trace")], "no name"),
            (vec![("name", "x"), ("days", "400"), ("may", "trace")], "too long"),
            (vec![("name", "x"), ("days", "-1"), ("may", "trace")], "in the past"),
            (vec![("name", "x"), ("days", "1")], "nothing"),
        ] {
            assert_eq!(scene.post("/account/tokens", &cookie, &form).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}");
        }
        let token = made_token(&scene, &cookie, &[("may", "trace"), ("may", "tokens")]).await;
        assert!(token.starts_with("gp_") && token.len() > 40);
        assert!(!scene.get("/account", &cookie).await.text.contains(&token), "shown once");
        let me = bearer(&scene, &token, "/api/v1/me").await.json();
        assert_eq!(me["may"], serde_json::json!(["trace", "tokens"]));
        assert_eq!(bearer(&scene, &token, "/api/v1/trace").await.status, StatusCode::OK);
        assert_eq!(bearer(&scene, &token, "/api/v1/audit").await.status, StatusCode::FORBIDDEN, "the owner may, the token may not");
        assert_eq!(bearer(&scene, &token, "/trace").await.status, StatusCode::SEE_OTHER, "pages take no token");
        let make = request("POST", "/api/v1/tokens", "")
            .header("authorization", format!("bearer {token}"))
            .header("content-type", "application/json");
        let made = scene.ask(make.body(Body::from(r#"{"name":"y","may":["trace"],"days":1}"#)).expect("a request")).await;
        assert_eq!(made.status, StatusCode::CONFLICT, "no tokens by tokens: {}", made.text);
        let bad =
            request("GET", "/api/v1/trace", &cookie).header("authorization", "Bearer gp_wrong").body(Body::empty()).expect("a request");
        assert_eq!(scene.ask(bad).await.status, StatusCode::UNAUTHORIZED, "a cookie does not make a bad token good");
        // A role that shrinks shrinks the tokens.
        let shrunk: Result<(), Error> =
            scene.app.db.tx(move |tx| Box::pin(async move { sql::set_role(tx, id, Role::Person, 0).await })).await;
        shrunk.expect("a change");
        assert_eq!(bearer(&scene, &token, "/api/v1/trace").await.status, StatusCode::FORBIDDEN);
        let over: Result<_, Error> = scene
            .app
            .db
            .read(move |tx| {
                let digest = session::digest(&token);
                Box::pin(async move { token_sql::by_token(tx, &digest, NOW_MS + 31 * 86_400_000).await })
            })
            .await;
        assert!(over.expect("a read").is_none(), "it ends by itself");
    }
}

#[tokio::test]
async fn an_operator_acts_where_they_chose_and_the_organisation_sees_it() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let operator = scene.cookie(Role::Operator, None).await;
        assert_eq!(scene.get("/people/roles/new", &operator).await.status, StatusCode::CONFLICT, "choose first");
        let acme = scene.acme.to_string();
        assert_eq!(scene.post("/people/organisations", &operator, &[("org", &acme)]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(scene.get("/people/roles/new", &operator).await.status, StatusCode::OK);
        assert_eq!(scene.get("/api/v1/me", &operator).await.json()["organisation"], acme);
        let administrator = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert!(scene.get("/audit", &administrator).await.text.contains("operator@service.example"), "it is in their log");
        assert_eq!(
            scene.post("/people/organisations", &administrator, &[("org", &scene.other.to_string())]).await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(scene.post("/people/organisations", &operator, &[("org", "o0000000000000")]).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_audit_log_only_grows() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        scene.post("/account", &cookie, &[("name", "=cmd|' /C calc'!A0")]).await;
        scene.post("/people/new", &cookie, &[("email", "n@acme.example"), ("role", "person")]).await;
        let before = number(&scene, "SELECT COUNT(*) FROM audit").await;
        assert!(before >= 2);
        for statement in ["UPDATE audit SET who = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE id < 0 OR id > 0"] {
            let done: Result<u64, Error> = scene.app.db.tx(move |tx| Box::pin(async move { tx.run(statement, args![]).await })).await;
            assert!(done.is_err(), "{engine}: {statement}");
        }
        if engine == "sqlite" {
            let replace = "INSERT OR REPLACE INTO audit (id, org, person, who, ip, action, subject, detail) SELECT id, 0, 0, 'x', '', 'x', '', '{}' FROM audit";
            let done: Result<u64, Error> = scene.app.db.tx(move |tx| Box::pin(async move { tx.run(replace, args![]).await })).await;
            assert!(done.is_err(), "{engine}: replacing is changing");
        }
        assert_eq!(number(&scene, "SELECT COUNT(*) FROM audit").await, before);
        let csv = scene.get("/audit?format=csv", &cookie).await;
        assert!(csv.text.starts_with('\u{feff}') && csv.text.contains("n@acme.example"), "{}", csv.text);
        let json = scene.get("/audit?format=json", &cookie).await.json();
        assert_eq!(json.as_array().map(Vec::len), Some(before as usize));
        let found = scene.get("/api/v1/audit?action=people.invite&subject=n%40acme", &cookie).await.json();
        assert_eq!(found["rows"].as_array().map(Vec::len), Some(1), "{found}");
        let line = found["rows"][0]["id"].as_str().expect("an id").to_string();
        assert_eq!(scene.get(&format!("/audit/{line}"), &cookie).await.status, StatusCode::OK);
        assert_eq!(scene.get("/audit?since=yesterday", &cookie).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

/// No statement of ours changes or removes a line.
#[test]
fn no_statement_changes_the_audit_log() {
    let mut open = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") && !path.components().any(|part| part.as_os_str() == "tests") {
                let text = std::fs::read_to_string(&path).expect("a source is UTF-8");
                for wrong in ["UPDATE audit ", "DELETE FROM audit", "REPLACE INTO audit", "TRUNCATE"] {
                    assert!(!text.contains(wrong), "{}: {wrong}", path.display());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_the_old_one_and_ends_other_sessions() {
    let scene = Scene::new(sqlite()).await;
    with_password(&scene, "ann@acme.example", Role::Administrator, Some(scene.acme)).await;
    let one = cookies(&scene.post("/sign-in", "", &sign_in("ann@acme.example", PASSWORD)).await);
    let other = cookies(&scene.post("/sign-in", "", &sign_in("ann@acme.example", PASSWORD)).await);
    let new = "nine clouds over the harbour";
    for (old, password, why) in [("wrong", new, "the old one"), (PASSWORD, "short", "length"), (PASSWORD, "passwordpassword", "known")] {
        let answer = scene.post("/account/password", &one, &[("old", old), ("password", password)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}");
    }
    assert_eq!(scene.post("/account/password", &one, &[("old", PASSWORD), ("password", new)]).await.to(), "/account");
    assert_eq!(scene.get("/account", &one).await.status, StatusCode::OK);
    assert_eq!(scene.get("/account", &other).await.status, StatusCode::SEE_OTHER);
    assert_eq!(scene.post("/sign-in", "", &sign_in("ann@acme.example", new)).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn security_settings_ask_again_after_a_while() {
    let scene = Scene::new(sqlite()).await;
    let id = with_password(&scene, "ann@acme.example", Role::Administrator, Some(scene.acme)).await;
    let cookie = cookie_of(&scene, id).await;
    let aged: Result<u64, Error> =
        scene.app.db.tx(|tx| Box::pin(async move { tx.run("UPDATE person_session SET sure_ms = 1", args![]).await })).await;
    aged.expect("an old session");
    for path in ["/account/password", "/account/app", "/account/recovery", "/account/passkeys/new", "/account/tokens"] {
        let answer = scene.get(path, &cookie).await;
        assert!(answer.to().starts_with("/account/sure?next="), "{path}: {} {}", answer.status, answer.to());
    }
    assert_eq!(scene.post("/account/recovery", &cookie, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(number(&scene, "SELECT COUNT(*) FROM recovery_code").await, 0);
    assert_eq!(scene.post("/account/sure", &cookie, &[("password", "wrong wrong wrong")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let proved = scene.post("/account/sure", &cookie, &[("password", PASSWORD), ("next", "/account/app")]).await;
    assert_eq!(proved.to(), "/account/app");
    assert_eq!(scene.get("/account/app", &cookie).await.status, StatusCode::OK);
}

/// How an organisation signs in, as the API has it.
fn access(second_factor: &str) -> serde_json::Value {
    serde_json::json!({ "mailbox_links": true, "second_factor": second_factor,
        "provider": { "is_on": false, "issuer": "", "client_id": "", "groups_claim": "", "groups": [], "other_role": "" } })
}

#[tokio::test]
async fn whoever_has_to_have_a_second_factor_sees_nothing_before_there_is_one() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let admin = added(&scene, "admin@acme.example", Role::Administrator, Some(scene.acme)).await;
        let (admin_in, person_in) = (cookie_of(&scene, admin).await, scene.cookie(Role::Person, Some(scene.acme)).await);
        let other_in = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let kept = scene.send("PUT", "/api/v1/access", &admin_in, access("staff")).await;
        assert_eq!(kept.status, StatusCode::NO_CONTENT, "{}", kept.text);

        for path in ["/", "/trace", "/people", "/account/tokens", "/requests"] {
            assert_eq!(scene.get(path, &admin_in).await.to(), "/account/welcome", "{path}");
        }
        for path in ["/account", "/account/welcome", "/account/sure", "/account/app", "/account/passkeys/new", "/help"] {
            let answer = scene.get(path, &admin_in).await;
            assert_ne!(answer.to(), "/account/welcome", "{path}");
            assert!(answer.status == StatusCode::OK || answer.status == StatusCode::SEE_OTHER, "{path}: {}", answer.status);
        }
        assert_eq!(scene.get("/api/v1/help", &admin_in).await.status, StatusCode::OK, "it is open to all");
        let (asked, as_nobody) = (scene.get("/help/agent", &admin_in).await, scene.get("/help/agent", "").await);
        assert_eq!((asked.status, asked.to()), (as_nobody.status, as_nobody.to()), "the assistant knows nobody");
        let program = scene.get("/api/v1/trace", &admin_in).await;
        assert_eq!((program.status, &program.json()["type"]), (StatusCode::FORBIDDEN, &"/help/problem/second-factor".into()));
        let undone = scene.send("PUT", "/api/v1/access", &admin_in, access("offered")).await;
        assert_eq!(undone.status, StatusCode::FORBIDDEN, "also the one who asked for it");
        let welcome = scene.get("/account/welcome", &admin_in).await.text;
        assert!(welcome.contains("asks for it") && !welcome.contains("Later"), "{welcome}");

        assert_eq!(scene.get("/quarantine/mine", &person_in).await.status, StatusCode::OK, "not of the staff");
        assert_eq!(scene.get("/trace", &other_in).await.status, StatusCode::OK, "another organisation");

        // Looking at the form for an app made one.
        assert_eq!(scene.get("/trace", &admin_in).await.to(), "/account/welcome", "one that is not confirmed does not count");
        let on: Result<_, Error> =
            scene.app.db.tx(move |tx| Box::pin(async move { tx.run("UPDATE totp SET is_on = 1", args![]).await })).await;
        on.expect("an app");
        assert_eq!(scene.get("/trace", &admin_in).await.status, StatusCode::OK);

        let form = [("mailbox_links", "on"), ("second_factor", "everyone"), ("groups", ""), ("other_role", "")];
        assert_eq!(scene.post("/people/access", &admin_in, &form).await.to(), "/people/access");
        assert_eq!(scene.get("/quarantine/mine", &person_in).await.to(), "/account/welcome");
        assert_eq!(scene.get("/api/v1/access", &admin_in).await.json()["second_factor"], "everyone");
        let bad = scene.post("/people/access", &admin_in, &[("second_factor", "perhaps")]).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn who_signs_in_at_a_provider_was_asked_there() {
    let scene = Scene::new(sqlite()).await;
    let admin = added(&scene, "admin@acme.example", Role::Administrator, Some(scene.acme)).await;
    let admin_in = cookie_of(&scene, admin).await;
    assert_eq!(scene.send("PUT", "/api/v1/access", &admin_in, access("everyone")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(scene.get("/trace", &admin_in).await.to(), "/account/welcome");
    let by: Result<_, Error> =
        scene.app.db.tx(|tx| Box::pin(async move { tx.run("UPDATE person_session SET how = 'provider'", args![]).await })).await;
    by.expect("a session");
    assert_eq!(scene.get("/trace", &admin_in).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_secret_of_a_provider_is_kept_and_never_told() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let admin_in = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let mut wish = access("offered");
        wish["provider"] = serde_json::json!({ "is_on": true, "issuer": "https://id.acme.example", "client_id": "gatepost",
            "client_secret": "very secret", "groups_claim": "groups", "groups": [{ "group": "admins", "role": "administrator" }], "other_role": "" });
        assert_eq!(scene.send("PUT", "/api/v1/access", &admin_in, wish.clone()).await.status, StatusCode::NO_CONTENT);
        let told = scene.get("/api/v1/access", &admin_in).await;
        assert!(!told.text.contains("very secret") && told.text.contains("/sign-in/provider/"), "{}", told.text);
        let secret = |scene: &Scene| {
            let (db, seal, org) = (scene.app.db.clone(), scene.app.seal.clone(), scene.acme);
            async move {
                let found: Result<_, Error> =
                    db.read(move |tx| Box::pin(async move { web::people::provider::sql::access(tx, &seal, org).await })).await;
                found.expect("settings").provider.client_secret
            }
        };
        // What was told can be sent back as it is.
        assert_eq!(scene.send("PUT", "/api/v1/access", &admin_in, told.json()).await.status, StatusCode::NO_CONTENT);
        assert_eq!(secret(&scene).await, "very secret");
        wish["provider"]["issuer"] = "https://id.evil.example".into();
        wish["provider"]["client_secret"] = serde_json::Value::Null;
        assert_eq!(scene.send("PUT", "/api/v1/access", &admin_in, wish.clone()).await.status, StatusCode::NO_CONTENT);
        assert_eq!(secret(&scene).await, "", "it goes to no other issuer");
        wish["provider"]["groups"] = serde_json::json!([{ "group": "admins", "role": "operator" }]);
        assert_eq!(scene.send("PUT", "/api/v1/access", &admin_in, wish).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        for role in [Role::HelpDesk, Role::Person] {
            let cookie = scene.cookie(role, Some(scene.acme)).await;
            assert_eq!(scene.get("/api/v1/access", &cookie).await.status, StatusCode::FORBIDDEN);
            assert_eq!(scene.send("PUT", "/api/v1/access", &cookie, access("offered")).await.status, StatusCode::FORBIDDEN);
        }
    }
}
