//! SCIM 2.0 as Entra ID and Okta speak it, with an API token.

use super::texts;
use crate::scene::{Answer, Scene, request};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};
use store::Error;
use testkit::postgres::{databases, sqlite};
use web::people::session::digest;
use web::people::sql::{self as people_sql, NewPerson};
use web::people::token::sql::{self as token_sql, NewToken};
use web::people::{May, Role};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

struct Client {
    scene: Scene,
    token: String,
}

impl Client {
    /// A token of an administrator of acme with these permissions.
    async fn new(scene: Scene, may: Vec<May>) -> Client {
        let (token, org, ids) = ("gp_scim".to_string(), scene.acme, scene.app.ids.clone());
        let held = digest(&token);
        let now_ms = crate::scene::NOW_MS;
        let done: Result<(), Error> = scene
            .app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    let new =
                        NewPerson { email: "scim@acme.example".into(), name: String::new(), role: Role::Administrator, org: Some(org) };
                    let person = people_sql::add(tx, &new, ids.next(now_ms), now_ms).await?;
                    let id = mail::id::TokenId(ids.next(now_ms));
                    let until_ms = now_ms + 86_400_000;
                    let new = NewToken { id, org: Some(org), person, name: "scim".into(), digest: held, may, made_ms: now_ms, until_ms };
                    token_sql::insert(tx, &new).await
                })
            })
            .await;
        done.expect("a token");
        Client { scene, token }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = request(method, &format!("/scim/v2{path}"), "").header("authorization", format!("Bearer {}", self.token));
        let request = request.header("content-type", "application/scim+json");
        self.scene.ask(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    async fn get(&self, path: &str) -> Value {
        self.send("GET", path, Value::Null).await.json()
    }

    /// Makes a resource; its number.
    async fn make(&self, path: &str, body: Value) -> String {
        let made = self.send("POST", path, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.json()["id"].as_str().expect("an id").to_string()
    }

    async fn recipients(&self) -> Vec<String> {
        texts(&self.scene, "SELECT address FROM known_recipient WHERE source = 'scim' ORDER BY address").await
    }
}

fn patch(operations: Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": operations })
}

fn user(name: &str) -> Value {
    json!({
        "schemas": [USER], "userName": format!("{name}@acme.example"), "externalId": format!("x-{name}"), "active": true,
        "displayName": name.to_uppercase(), "emails": [{ "primary": true, "type": "work", "value": format!("{name}@acme.example") }],
    })
}

#[tokio::test]
async fn entra_id_provisions_people_and_groups() {
    for database in databases() {
        let engine = database.engine;
        let client = Client::new(Scene::new(database).await, vec![May::Domains]).await;
        // First it tests the connection with a person that is not there.
        let none = client.get("/Users?filter=userName+eq+%22a1b2%22").await;
        assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(0), &json!([])), "{engine}: {none}");
        let id = client.make("/Users", user("bob")).await;
        assert_eq!(client.recipients().await, ["bob@acme.example"], "{engine}");
        for filter in
            ["userName eq \"BOB@acme.example\"", "externalId eq \"x-bob\"", "emails[type eq \"work\"].value eq \"bob@acme.example\""]
        {
            let found = client.get(&format!("/Users?{}", web::page::guard::form_pair("filter", filter))).await;
            assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&json!(1), &json!(id)), "{engine}: {filter}: {found}");
        }
        let again = client.send("POST", "/Users", user("bob")).await;
        assert_eq!((again.status, &again.json()["scimType"]), (StatusCode::CONFLICT, &json!("uniqueness")), "{engine}: {}", again.text);
        // Another address: the old one goes.
        let change = patch(json!([
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "robert@acme.example" },
            { "op": "Add", "path": "emails[type eq \"other\"].value", "value": "bob@elsewhere.example" },
            { "op": "Replace", "path": "displayName", "value": "Robert" },
        ]));
        let done = client.send("PATCH", &format!("/Users/{id}"), change).await;
        assert_eq!((done.status, &done.json()["displayName"]), (StatusCode::OK, &json!("Robert")), "{engine}: {}", done.text);
        assert_eq!(client.recipients().await, ["robert@acme.example"], "{engine}: addresses elsewhere are none of ours");
        // A group, as it sends members: one by one, with the group's name in any case.
        let group = client.make("/Groups", json!({ "displayName": "Sales, EMEA", "externalId": "g1", "members": [] })).await;
        let add = patch(json!([{ "op": "Add", "path": "members", "value": [{ "value": id }] }]));
        assert_eq!(client.send("PATCH", &format!("/Groups/{group}"), add).await.status, StatusCode::NO_CONTENT, "{engine}");
        assert!(super::is_in(&client.scene, "sales, emea", "robert@acme.example"), "{engine}");
        let told = client.get(&format!("/Groups/{group}")).await;
        assert_eq!(told["members"][0]["value"], json!(id), "{engine}: {told}");
        let short = client.get("/Groups?excludedAttributes=members&filter=displayName+eq+%22Sales%2C+EMEA%22").await;
        assert_eq!((&short["totalResults"], short["Resources"][0].get("members")), (&json!(1), None), "{engine}: {short}");
        let is_member = client.get(&format!("/Groups?filter=id+eq+%22{group}%22+and+members+eq+%22{id}%22")).await;
        assert_eq!(is_member["totalResults"], 1, "{engine}: {is_member}");
        let remove = patch(json!([{ "op": "Remove", "path": "members", "value": [{ "value": id }] }]));
        client.send("PATCH", &format!("/Groups/{group}"), remove).await;
        assert!(!super::is_in(&client.scene, "Sales, EMEA", "robert@acme.example"), "{engine}");
        // Switched off as Entra ID writes it, and on again.
        client.send("PATCH", &format!("/Users/{id}"), patch(json!([{ "op": "Replace", "path": "active", "value": "False" }]))).await;
        assert!(client.recipients().await.is_empty(), "{engine}");
        assert_eq!(client.get(&format!("/Users/{id}")).await["active"], false, "{engine}");
        client.send("PATCH", &format!("/Users/{id}"), patch(json!([{ "op": "Replace", "path": "active", "value": "True" }]))).await;
        assert_eq!(client.recipients().await, ["robert@acme.example"], "{engine}");
        assert_eq!(client.send("DELETE", &format!("/Users/{id}"), Value::Null).await.status, StatusCode::NO_CONTENT, "{engine}");
        assert_eq!(client.send("DELETE", &format!("/Users/{id}"), Value::Null).await.status, StatusCode::NOT_FOUND, "{engine}: twice");
        assert!(client.recipients().await.is_empty(), "{engine}");
    }
}

#[tokio::test]
async fn okta_provisions_people_and_groups() {
    for database in databases() {
        let engine = database.engine;
        let client = Client::new(Scene::new(database).await, vec![May::Domains, May::ReadSettings]).await;
        for name in ["ann", "bob", "carl"] {
            client.make("/Users", user(name)).await;
        }
        let page = client.get("/Users?startIndex=2&count=1").await;
        let shape = (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"], &page["Resources"][0]["displayName"]);
        assert_eq!(shape, (&json!(3), &json!(2), &json!(1), &json!("BOB")), "{engine}: {page}");
        let bob = page["Resources"][0]["id"].as_str().expect("an id").to_string();
        // It replaces a person as a whole, with what we say of it sent back.
        let mut whole = client.get(&format!("/Users/{bob}")).await;
        whole["emails"] = json!([{ "value": "bob@acme.example", "primary": true }, { "value": "b@acme.example" }]);
        whole["password"] = json!("x-secret-x");
        let put = client.send("PUT", &format!("/Users/{bob}"), whole).await;
        assert_eq!(put.status, StatusCode::OK, "{engine}: {}", put.text);
        assert!(!put.text.contains("x-secret-x"), "{engine}: a password is not kept");
        assert!(client.recipients().await.contains(&"b@acme.example".to_string()), "{engine}");
        let inner = client.make("/Groups", json!({ "displayName": "inner", "members": [{ "value": bob }] })).await;
        let group = client.make("/Groups", json!({ "displayName": "outer", "members": [{ "value": inner }] })).await;
        assert!(super::is_in(&client.scene, "outer", "b@acme.example"), "{engine}: an alias, through a group");
        let change = patch(json!([
            { "op": "replace", "value": { "id": group, "displayName": "Everybody" } },
            { "op": "remove", "path": format!("members[value eq \"{inner}\"]") },
        ]));
        assert_eq!(client.send("PATCH", &format!("/Groups/{group}"), change).await.status, StatusCode::NO_CONTENT, "{engine}");
        let told = client.get(&format!("/Groups/{group}")).await;
        assert_eq!((&told["displayName"], &told["members"]), (&json!("Everybody"), &json!([])), "{engine}: {told}");
        let off = client.send("PATCH", &format!("/Users/{bob}"), patch(json!([{ "op": "replace", "value": { "active": false } }]))).await;
        assert_eq!((off.status, &off.json()["active"]), (StatusCode::OK, &json!(false)), "{engine}: {}", off.text);
        assert_eq!(client.recipients().await, ["ann@acme.example", "carl@acme.example"], "{engine}");
        assert_eq!(client.send("DELETE", &format!("/Groups/{group}"), Value::Null).await.status, StatusCode::NO_CONTENT, "{engine}");
    }
}

#[tokio::test]
async fn errors_have_the_shape_of_the_standard() {
    let client = Client::new(Scene::new(sqlite()).await, vec![May::Domains]).await;
    for (method, path, body, status, kind) in [
        ("GET", "/Users/1", Value::Null, 404, Value::Null),
        ("GET", "/Users/x", Value::Null, 404, Value::Null),
        ("GET", "/Nothing", Value::Null, 404, Value::Null),
        ("GET", "/Users?filter=title+eq+%22x%22", Value::Null, 400, json!("invalidFilter")),
        ("GET", "/Users?filter=userName+co+%22x%22", Value::Null, 400, json!("invalidFilter")),
        ("POST", "/Users", json!([]), 400, json!("invalidSyntax")),
        ("POST", "/Users", json!({ "displayName": "nobody" }), 400, json!("invalidValue")),
        ("POST", "/Users", json!({ "userName": "x", "emails": [{ "value": "not one" }] }), 400, json!("invalidValue")),
        ("POST", "/Groups", json!({}), 400, json!("invalidValue")),
        ("POST", "/Groups", json!({ "displayName": "g", "members": [{ "value": "4711" }] }), 400, json!("invalidValue")),
        ("PUT", "/ServiceProviderConfig", Value::Null, 405, Value::Null),
    ] {
        let answer = client.send(method, path, body).await;
        let told = answer.json();
        assert_eq!(told["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{method} {path}: {told}");
        assert_eq!((answer.status.as_u16(), &told["status"]), (status, &json!(status.to_string())), "{method} {path}: {told}");
        assert_eq!(told["scimType"], kind, "{method} {path}: {told}");
        assert!(answer.headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("application/scim+json")), "{method} {path}");
    }
    for path in [
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group",
    ] {
        assert!(client.get(path).await["schemas"].is_array(), "{path}");
    }
    // Without a token, with another, with one that may less.
    for (token, status) in [("", StatusCode::UNAUTHORIZED), ("gp_other", StatusCode::UNAUTHORIZED)] {
        let request = request("GET", "/scim/v2/Users", "").header("authorization", format!("Bearer {token}"));
        let answer = client.scene.ask(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status, status, "{token}: {}", answer.text);
        assert_eq!(answer.json()["status"], status.as_u16().to_string());
    }
    let less = Client::new(Scene::new(sqlite()).await, vec![May::Trace]).await;
    assert_eq!(less.send("GET", "/Users", Value::Null).await.status, StatusCode::FORBIDDEN);
    assert_eq!(less.send("POST", "/Users", user("bob")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_another_source_owns_stays_and_too_many_removals_wait() {
    for database in databases() {
        let engine = database.engine;
        let client = Client::new(Scene::new(database).await, vec![May::Domains]).await;
        client.make("/Users", user("alice")).await;
        let of_file = "SELECT source FROM known_recipient WHERE address = 'alice@acme.example'";
        assert_eq!(texts(&client.scene, of_file).await, ["file"], "{engine}: the settings file has her");
        let mut ids = Vec::new();
        for n in 0..10 {
            ids.push(client.make("/Users", user(&format!("n{n}"))).await);
        }
        let mut statuses = Vec::new();
        for id in ids.iter().take(5) {
            statuses.push(client.send("DELETE", &format!("/Users/{id}"), Value::Null).await.status.as_u16());
        }
        assert_eq!(statuses, [204, 204, 204, 409, 409], "{engine}: a handful goes, then somebody is asked");
        assert_eq!(client.recipients().await.len(), 7, "{engine}");
        let off =
            client.send("PATCH", &format!("/Users/{}", ids[6]), patch(json!([{ "op": "replace", "value": { "active": false } }]))).await;
        assert_eq!(off.status, StatusCode::CONFLICT, "{engine}: switching off is going as well");
        let admin = client.scene.cookie(Role::Administrator, Some(client.scene.acme)).await;
        let page = client.scene.get("/directory", &admin).await.text;
        assert!(page.contains("more than a fifth"), "{engine}: {page}");
        assert!(client.scene.get("/bell", &admin).await.text.contains("SCIM"), "{engine}: the bell rings");
        assert_eq!(client.scene.post("/directory/scim-removals", &admin, &[]).await.status, StatusCode::SEE_OTHER, "{engine}");
        for id in ids.iter().skip(3) {
            let gone = client.send("DELETE", &format!("/Users/{id}"), Value::Null).await;
            assert_eq!(gone.status, StatusCode::NO_CONTENT, "{engine}: {}", gone.text);
        }
        assert!(client.recipients().await.is_empty(), "{engine}");
        assert_eq!(texts(&client.scene, of_file).await, ["file"], "{engine}");
    }
}
