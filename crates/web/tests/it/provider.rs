//! Signing in through an OpenID Connect provider that really runs and really signs, and the attacks of the field on both sides of it.

use crate::people::cookies;
use crate::scene::{Answer, NOW_MS, Scene};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mail::OrgId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use store::{Error, args};
use testkit::postgres::{databases, sqlite};
use web::WebSettings;
use web::people::Role;
use web::people::provider::client::{self, ProviderError};
use web::people::provider::id_token::{Bad, Wanted, check};
use web::people::provider::{Access, Provider, sql};

/// A key of a provider.
struct Key {
    octets: Vec<u8>,
    public: Vec<u8>,
}

impl Key {
    fn fresh() -> Key {
        let octets = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).expect("a key").as_ref().to_vec();
        let public = Ed25519KeyPair::from_pkcs8(&octets).expect("a key").public_key().as_ref().to_vec();
        Key { octets, public }
    }

    fn set(&self) -> Value {
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "k1", "x": URL_SAFE_NO_PAD.encode(&self.public) }] })
    }

    fn signed(&self, claims: &Value) -> String {
        let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&self.octets)).expect("a token")
    }
}

fn claims(issuer: &str, nonce: &str) -> Value {
    json!({ "iss": issuer, "aud": "gatepost", "sub": "u-1", "nonce": nonce, "exp": NOW_MS / 1000 + 300, "iat": NOW_MS / 1000,
        "email": "alice@acme.example", "email_verified": true, "name": "Alice", "groups": ["admins", "all"] })
}

#[test]
fn a_token_counts_only_when_it_is_the_providers_for_us_and_of_now() {
    let (key, other) = (Key::fresh(), Key::fresh());
    let keys: JwkSet = serde_json::from_value(key.set()).expect("keys");
    let issuer = "https://id.acme.example";
    let wanted = Wanted { issuer, client_id: "gatepost", nonce: "n", groups_claim: "groups", now_ms: NOW_MS };
    let with = |name: &str, value: Value| {
        let mut claims = claims(issuer, "n");
        claims[name] = value;
        key.signed(&claims)
    };
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let good = claims(issuer, "n");
    let unsigned = |algorithm: &str| format!("{}.{}.", encoded(&json!({ "alg": algorithm, "typ": "JWT" })), encoded(&good));
    // Key confusion: an HMAC whose secret is the provider's public key, which everybody knows.
    let confused = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &good, &EncodingKey::from_secret(&key.public)).expect("a token");
    let (head, tail) = key.signed(&good).rsplit_once('.').map(|(head, tail)| (head.to_string(), tail.to_string())).expect("three parts");
    let swapped = format!(
        "{}.{}.{tail}",
        head.split('.').next().expect("a header"),
        encoded(&json!({ "iss": issuer, "aud": "gatepost", "sub": "root" }))
    );
    let now_s = NOW_MS / 1000;
    for (token, want, why) in [
        (key.signed(&good), Ok(()), "good"),
        (other.signed(&good), Err(Bad::Signature), "somebody else's key under the same name"),
        (confused, Err(Bad::Algorithm), "key confusion"),
        (unsigned("none"), Err(Bad::Algorithm), "not signed"),
        (unsigned("None"), Err(Bad::Algorithm), "not signed, spelt another way"),
        (swapped, Err(Bad::Signature), "other claims under a good signature"),
        (with("iss", json!("https://id.evil.example")), Err(Bad::Issuer), "another issuer"),
        (with("iss", json!("https://id.acme.example/")), Err(Bad::Issuer), "nearly the issuer"),
        (with("aud", json!("another")), Err(Bad::Audience), "for another client"),
        (with("aud", json!(["gatepost", "another"])), Err(Bad::Audience), "for several, and not authorised for us"),
        (with("azp", json!("another")), Err(Bad::Audience), "authorised for another"),
        (with("nonce", json!("other")), Err(Bad::Nonce), "replayed from another sign-in"),
        (with("nonce", Value::Null), Err(Bad::Nonce), "without nonce"),
        (with("exp", json!(now_s - 61)), Err(Bad::Time), "over"),
        (with("exp", Value::Null), Err(Bad::Time), "never over"),
        (with("iat", json!(now_s + 120)), Err(Bad::Time), "of the future"),
        (with("iat", json!(now_s - 3600)), Err(Bad::Time), "made long ago"),
        (with("nbf", json!(now_s + 120)), Err(Bad::Time), "not valid yet"),
        (with("sub", json!("")), Err(Bad::Shape), "nobody"),
        ("x.y".into(), Err(Bad::Algorithm), "no token"),
        (String::new(), Err(Bad::Algorithm), "nothing"),
    ] {
        assert_eq!(check(&token, &keys, wanted).map(|_| ()), want, "{why}");
    }
    let unchecked = check(&with("email_verified", json!(false)), &keys, wanted).expect("a token");
    assert_eq!(unchecked.email, "", "an address that the provider did not check is none");
    assert_eq!(check(&key.signed(&good), &keys, wanted).expect("a token").groups, ["admins", "all"]);
}

/// What the provider in the test was asked, and what it answers.
struct Running {
    issuer: Mutex<String>,
    key: Key,
    /// What the next token says.
    claims: Mutex<Value>,
    /// Challenge of the request that the code stands for.
    challenge: Mutex<String>,
    says_issuer: bool,
}

async fn run(says_issuer: bool) -> Arc<Running> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let issuer = format!("http://{}", listener.local_addr().expect("an address"));
    let running = Arc::new(Running {
        issuer: Mutex::new(issuer),
        key: Key::fresh(),
        claims: Mutex::new(Value::Null),
        challenge: Mutex::new(String::new()),
        says_issuer,
    });
    let routes = Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/keys", get(|State(running): State<Arc<Running>>| async move { Json(running.key.set()) }))
        .route("/token", post(token))
        .with_state(running.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    running
}

impl Running {
    fn issuer(&self) -> String {
        self.issuer.lock().expect("a lock").clone()
    }
}

async fn metadata(State(running): State<Arc<Running>>) -> Json<Value> {
    let issuer = running.issuer();
    Json(json!({ "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"), "authorization_response_iss_parameter_supported": running.says_issuer }))
}

async fn token(
    State(running): State<Arc<Running>>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let challenge = URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, form["code_verifier"].as_bytes()));
    let secret = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_string();
    let is_client = secret == format!("Basic {}", STANDARD.encode("gatepost:s%26cret"));
    if challenge != *running.challenge.lock().expect("a lock") || form["code"] != "c-1" || !is_client {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    }
    let claims = running.claims.lock().expect("a lock").clone();
    (StatusCode::OK, Json(json!({ "id_token": running.key.signed(&claims), "access_token": "x", "token_type": "Bearer" })))
}

async fn scene(database: testkit::postgres::Database, issuer: &str) -> Scene {
    let scene = Scene::with(database, mail::dns::Zone::new(), WebSettings { private_providers: true, ..WebSettings::default() }).await;
    let provider = Provider {
        is_on: true,
        issuer: issuer.into(),
        client_id: "gatepost".into(),
        client_secret: "s&cret".into(),
        groups_claim: "groups".into(),
        groups: vec![("admins".into(), "administrator".into())],
        other_role: String::new(),
    };
    let (access, org, seal) = (Access { provider, ..Access::default() }, scene.acme, scene.app.seal.clone());
    let kept: Result<(), Error> = scene.app.db.tx(move |tx| Box::pin(async move { sql::put_access(tx, &seal, org, &access).await })).await;
    kept.expect("settings");
    scene
}

/// Begins in a browser: its cookies, and what it takes along to the provider.
async fn begun(scene: &Scene, running: &Running) -> (String, BTreeMap<String, String>) {
    let page = scene.post("/sign-in/provider", "", &[("email", "alice@acme.example"), ("next", "/people")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let url = page
        .text
        .split("href=\"")
        .find(|part| part.contains("/authorize?"))
        .expect("a link")
        .split('"')
        .next()
        .expect("an end")
        .to_string();
    let url = url.replace("&#38;", "&").replace("&amp;", "&");
    let query = url.split_once('?').expect("a query").1;
    let plain = |text: &str| {
        let mut octets = Vec::new();
        let mut rest = text.as_bytes().iter();
        while let Some(&octet) = rest.next() {
            let hex = |c: Option<&u8>| char::from(*c.expect("hex")).to_digit(16).expect("hex") as u8;
            octets.push(if octet == b'%' { hex(rest.next()) * 16 + hex(rest.next()) } else { octet });
        }
        String::from_utf8(octets).expect("UTF-8")
    };
    let asked: BTreeMap<String, String> =
        query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.into(), plain(value))).collect();
    assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
    *running.challenge.lock().expect("a lock") = asked["code_challenge"].clone();
    *running.claims.lock().expect("a lock") = claims(&running.issuer(), &asked["nonce"]);
    (cookies(&page), asked)
}

async fn back(scene: &Scene, org: OrgId, cookie: &str, query: &[(&str, &str)]) -> Answer {
    let pairs: Vec<String> = query.iter().map(|(name, value)| web::page::guard::form_pair(name, value)).collect();
    scene.get(&format!("/sign-in/provider/{org}/back?{}", pairs.join("&")), cookie).await
}

#[tokio::test]
async fn the_provider_brings_people_and_their_groups_give_the_role() {
    for database in databases() {
        let running = run(true).await;
        let issuer = running.issuer();
        let scene = scene(database, &issuer).await;
        let (cookie, asked) = begun(&scene, &running).await;
        assert_eq!(asked["redirect_uri"], format!("http://mx.gatepost.example/sign-in/provider/{}/back", scene.acme));
        let good = [("code", "c-1"), ("state", asked["state"].as_str()), ("iss", issuer.as_str())];
        let entered = back(&scene, scene.acme, &cookie, &good).await;
        assert_eq!((entered.status, entered.to()), (StatusCode::SEE_OTHER, "/people"), "{}", entered.text);
        assert_eq!(scene.get("/people", &cookies(&entered)).await.status, StatusCode::OK, "an administrator");
        assert_eq!(back(&scene, scene.acme, &cookie, &good).await.status, StatusCode::CONFLICT, "once");

        // Out of the group at the provider is out of it here.
        let (cookie, asked) = begun(&scene, &running).await;
        running.claims.lock().expect("a lock")["groups"] = json!(["all"]);
        let gone = back(&scene, scene.acme, &cookie, &[("code", "c-1"), ("state", &asked["state"]), ("iss", &issuer)]).await;
        assert_eq!(gone.status, StatusCode::CONFLICT, "no role, no entry");
    }
}

#[tokio::test]
async fn an_answer_that_this_browser_did_not_ask_for_signs_nobody_in() {
    let running = run(true).await;
    let issuer = running.issuer();
    let scene = scene(sqlite(), &issuer).await;
    let other_org = scene.other;
    for (why, cookie_is_own, org, state, iss, code) in [
        ("another browser's answer (sign-in forced on somebody)", false, scene.acme, None, issuer.as_str(), "c-1"),
        ("another state", true, scene.acme, Some("other"), issuer.as_str(), "c-1"),
        ("the way back of another organisation", true, other_org, None, issuer.as_str(), "c-1"),
        ("an answer of another provider (mix-up)", true, scene.acme, None, "https://id.evil.example", "c-1"),
        ("an answer that hides its provider", true, scene.acme, None, "", "c-1"),
        ("another code", true, scene.acme, None, issuer.as_str(), "c-2"),
        ("no code", true, scene.acme, None, issuer.as_str(), ""),
    ] {
        let (cookie, asked) = begun(&scene, &running).await;
        let state = state.unwrap_or(&asked["state"]);
        let cookie = if cookie_is_own { cookie } else { String::new() };
        let answer = back(&scene, org, &cookie, &[("code", code), ("state", state), ("iss", iss)]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{why}: {}", answer.text);
        assert!(!cookies(&answer).contains("gatepost="), "{why}");
    }
    // What the provider says about whom.
    scene
        .cookie_of(&web::people::sql::NewPerson { email: "eve@acme.example".into(), name: String::new(), role: Role::Operator, org: None })
        .await;
    for (why, claim, value) in [
        ("an address of another organisation", "email", json!("eve@other.example")),
        ("an address that nobody checked", "email_verified", json!(false)),
        ("an operator of the service", "email", json!("eve@acme.example")),
        ("a token for another client", "aud", json!("another")),
        ("a token of an earlier sign-in", "nonce", json!("old")),
    ] {
        let (cookie, asked) = begun(&scene, &running).await;
        running.claims.lock().expect("a lock")[claim] = value;
        let answer = back(&scene, scene.acme, &cookie, &[("code", "c-1"), ("state", &asked["state"]), ("iss", &issuer)]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{why}: {}", answer.text);
    }
    let found: Result<_, Error> = scene
        .app
        .db
        .read(|tx| Box::pin(async move { tx.row("SELECT COUNT(*) FROM person WHERE email LIKE 'alice%' OR org <> 0", args![]).await }))
        .await;
    assert_eq!(found.expect("a count").expect("a row").int(0), Ok(0), "nobody was made");
}

#[tokio::test]
async fn a_provider_is_no_window_into_the_private_network() {
    let scene = Scene::new(sqlite()).await;
    for (issuer, want) in [
        ("http://id.example", ProviderError::NoTls),
        ("file:///etc/passwd", ProviderError::NoTls),
        ("https://127.0.0.1:8025", ProviderError::Private),
        ("https://[::1]", ProviderError::Private),
        ("https://[::ffff:10.0.0.1]", ProviderError::Private),
        ("https://169.254.169.254/latest", ProviderError::Private),
        ("https://2130706433", ProviderError::Private),
        ("https://localhost", ProviderError::Private),
        ("nonsense", ProviderError::NoTls),
    ] {
        assert_eq!(client::discover(&scene.app, issuer).await.map(|_| ()), Err(want), "{issuer}");
    }
    let running = run(false).await;
    let open = Scene::with(sqlite(), mail::dns::Zone::new(), WebSettings { private_providers: true, ..WebSettings::default() }).await;
    let issuer = running.issuer();
    assert!(client::discover(&open.app, &issuer).await.is_ok(), "unless the operator allows it");
    *running.issuer.lock().expect("a lock") = "http://another.example".into();
    assert_eq!(client::discover(&open.app, &issuer).await.map(|_| ()), Err(ProviderError::OtherIssuer));
}
