//! Directories: read from a real OpenLDAP, followed, stopped; what is wrong said in plain words; groups in policies; SCIM as Entra ID and
//! Okta speak it.

mod scim;

use crate::scene::{Answer, Scene};
use axum::http::StatusCode;
use serde_json::{Value, json};
use store::{Error, args};
use testkit::postgres::{Database, databases, sqlite};
use testkit::slapd::{ADMIN, BASE, PASSWORD, Setup, Slapd};
use web::directory_sync::run_due;
use web::people::Role;
use web::people::sql::NewPerson;

/// Who runs the service and acts in acme: may name private addresses.
async fn operator(scene: &Scene) -> String {
    let person = NewPerson { email: "op@acme.example".into(), name: String::new(), role: Role::Operator, org: Some(scene.acme) };
    scene.cookie_of(&person).await
}

fn body(slapd: &Slapd) -> Value {
    json!({
        "name": "staff", "enabled": true, "url": format!("ldap://127.0.0.1:{}", slapd.port), "ca": slapd.certificate, "bind_dn": ADMIN,
        "password": PASSWORD, "base": BASE, "allow_private": true,
        "people_filter": "(&(mail=*)(objectClass=inetOrgPerson))",
        "groups_filter": "(|(objectClass=groupOfNames)(objectClass=groupOfURLs))",
        "mail_attributes": ["mail", "mailLocalAddress"], "name_attribute": "displayName", "member_attributes": ["member"],
    })
}

async fn texts(scene: &Scene, sql: &'static str) -> Vec<String> {
    let found: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.rows(sql, args![]).await })).await;
    let mut found: Vec<String> = found.expect("rows").iter().map(|row| row.text(0).expect("text").to_string()).collect();
    // Databases have orders of their own.
    found.sort();
    found
}

/// Recipients that a directory brought.
async fn recipients(scene: &Scene) -> Vec<String> {
    texts(scene, "SELECT address FROM known_recipient WHERE source LIKE 'ldap:%' ORDER BY address").await
}

/// Its time comes, and it is read.
async fn due(scene: &Scene) {
    let done: Result<u64, Error> =
        scene.app.db.tx(|tx| Box::pin(async move { tx.run("UPDATE directory_source SET next_ms = 0", args![]).await })).await;
    done.expect("is written");
    assert_eq!(run_due(&scene.app).await, Ok(1));
}

/// A directory in acme, read once; where it is in the API.
async fn read_once(scene: &Scene, cookie: &str, body: &Value) -> (String, Value) {
    let made = scene.send("POST", "/api/v1/directory-sources", cookie, body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert!(!made.text.contains(PASSWORD), "a password is never told");
    let path = format!("/api/v1/directory-sources/{}", made.json()["id"].as_str().expect("its number"));
    let ran = scene.send("POST", &format!("{path}/sync"), cookie, json!({})).await;
    (path, ran.json())
}

fn is_in(scene: &Scene, group: &str, address: &str) -> bool {
    let address = mail::Address::parse(address).expect("an address");
    scene.app.directory.snapshot().membership(scene.acme, &address).is_in_any(&[group.to_string()])
}

#[tokio::test]
async fn recipients_and_groups_follow_a_real_directory() {
    for database in databases() {
        let Some(slapd) = Slapd::start(Setup::default()) else { return };
        for uid in ["ann", "carl", "dana"] {
            slapd.person(uid, uid, &[&format!("{uid}@acme.example")]);
        }
        slapd.person("bob", "Bob Lind", &["bob@acme.example", "robert@acme.example", "bob@elsewhere.example"]);
        slapd.person("alice", "Alice", &["alice@acme.example"]);
        let group =
            |name: &str, members: &str| slapd.add(&format!("dn: cn={name},{BASE}\nobjectClass: groupOfNames\ncn: {name}\n{members}"));
        group("sales", &format!("member: uid=bob,{BASE}\n"));
        group("staff", &format!("member: cn=sales,{BASE}\nmember: UID=Ann , {BASE}\n"));
        group("round", &format!("member: cn=trip,{BASE}\nmember: uid=carl,{BASE}\n"));
        group("trip", &format!("member: cn=round,{BASE}\n"));
        slapd.add(&format!("dn: cn=found,{BASE}\nobjectClass: groupOfURLs\ncn: found\nmemberURL: ldap:///{BASE}??sub?(uid=d*)\n"));
        follows(&slapd, database).await;
    }
}

async fn follows(slapd: &Slapd, database: Database) {
    let engine = database.engine;
    let scene = Scene::new(database).await;
    let cookie = operator(&scene).await;
    let mut wanted = body(slapd);
    wanted["dynamic"] = json!([{ "name": "C people", "filter": "(uid=c*)" }]);
    let (path, ran) = read_once(&scene, &cookie, &wanted).await;
    assert_eq!((&ran["outcome"], &ran["counts"]["added"]), (&json!("applied"), &json!(5)), "{engine}: {ran}");
    let all = ["ann@acme.example", "bob@acme.example", "carl@acme.example", "dana@acme.example", "robert@acme.example"];
    assert_eq!(recipients(&scene).await, all, "{engine}");
    assert_eq!(ran["counts"]["conflicts_first"], json!([["alice@acme.example", "file"]]), "{engine}: another source owns her");
    assert_eq!(ran["counts"]["elsewhere_first"], json!(["bob@elsewhere.example"]), "{engine}");
    for (group, address, want, why) in [
        ("sales", "bob@acme.example", true, "directly"),
        ("sales", "robert@acme.example", true, "an alias of who is in it"),
        ("Staff", "bob@acme.example", true, "through a group"),
        ("staff", "ann@acme.example", true, "a name written in another way"),
        ("trip", "carl@acme.example", true, "in a circle"),
        ("found", "dana@acme.example", true, "by the search that the group holds"),
        ("found", "ann@acme.example", false, "the search does not find her"),
        ("C people", "carl@acme.example", true, "by a filter of the settings"),
        ("sales", "ann@acme.example", false, "nobody put her there"),
    ] {
        assert_eq!(is_in(&scene, group, address), want, "{engine}: {group} {address}: {why}");
    }
    // Nothing changed: a look asks for the mark alone, and no run is kept.
    let runs = |text: &Value| text["runs"].as_array().map_or(0, Vec::len);
    due(&scene).await;
    let kept = scene.get(&format!("{path}/runs"), &cookie).await.json();
    assert_eq!(runs(&kept), 1, "{engine}: {kept}");
    // One comes, one goes, one gets another address.
    slapd.person("emil", "Emil", &["emil@acme.example"]);
    slapd.delete("dana");
    slapd.modify(&format!("dn: uid=ann,{BASE}\nchangetype: modify\nadd: mail\nmail: anna@acme.example\n"));
    due(&scene).await;
    let all =
        ["ann@acme.example", "anna@acme.example", "bob@acme.example", "carl@acme.example", "emil@acme.example", "robert@acme.example"];
    assert_eq!(recipients(&scene).await, all, "{engine}");
    let kept = scene.get(&format!("{path}/runs"), &cookie).await.json();
    assert_eq!((runs(&kept), &kept["runs"][0]["outcome"]), (2, &json!("applied")), "{engine}: {kept}");
    let page = scene.get(&path.replace("/api/v1/directory-sources", "/directory"), &cookie).await;
    assert!(page.status == StatusCode::OK && page.text.contains("2 added"), "{engine}: {}", page.text);
    let lines = texts(&scene, "SELECT who FROM audit WHERE action = 'directory.sync' ORDER BY id").await;
    assert_eq!(lines, ["op@acme.example", "staff, directory"], "{engine}: each change has a line");
    // Its recipients stay when it is read no more.
    assert_eq!(scene.send("DELETE", &path, &cookie, json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(texts(&scene, "SELECT source FROM known_recipient WHERE address = 'bob@acme.example'").await, ["page"], "{engine}");
    assert!(is_in(&scene, "sales", "bob@acme.example"), "{engine}");
}

/// What OpenLDAP notes of a sync stands in the docs.
#[tokio::test]
async fn what_is_asked_of_a_directory_stands_in_the_docs() {
    let Some(slapd) = Slapd::start(Setup::default()) else { return };
    for uid in ["ann", "bob"] {
        slapd.person(uid, uid, &[&format!("{uid}@acme.example")]);
    }
    slapd.add(&format!("dn: cn=sales,{BASE}\nobjectClass: groupOfNames\ncn: sales\nmember: uid=bob,{BASE}\n"));
    let scene = Scene::new(sqlite()).await;
    let cookie = operator(&scene).await;
    let (_, before) = slapd.operations(0);
    let (_, ran) = read_once(&scene, &cookie, &body(&slapd)).await;
    assert_eq!((&ran["outcome"], &ran["counts"]["added"]), (&json!("applied"), &json!(2)), "{ran}");
    let (first, after) = slapd.operations(before);
    due(&scene).await;
    let (second, _) = slapd.operations(after);
    let said = format!("The first sync, as slapd notes it (loglevel stats):\n\n{first}\nThe next look, when nothing changed:\n\n{second}");
    testkit::transcript::check("openldap", &["slapd"], &said);
}

#[tokio::test]
async fn a_wrong_answer_stops_and_asks() {
    for database in databases() {
        let engine = database.engine;
        let Some(slapd) = Slapd::start(Setup::default()) else { return };
        for n in 0..10 {
            slapd.person(&format!("n{n}"), &format!("N {n}"), &[&format!("n{n}@acme.example")]);
        }
        let scene = Scene::new(database).await;
        let cookie = operator(&scene).await;
        let (path, ran) = read_once(&scene, &cookie, &body(&slapd)).await;
        assert_eq!(ran["counts"]["added"], 10, "{engine}: {ran}");
        // One is fine.
        slapd.delete("n0");
        due(&scene).await;
        assert_eq!(recipients(&scene).await.len(), 9, "{engine}");
        // Half is not, whatever else changed with it.
        slapd.person("new", "New", &["new@acme.example"]);
        (1..6).for_each(|n| slapd.delete(&format!("n{n}")));
        due(&scene).await;
        assert_eq!(recipients(&scene).await.len(), 9, "{engine}: nothing is done");
        let waiting = scene.get(&format!("{path}/waiting"), &cookie).await.json();
        assert_eq!(
            (&waiting["state"], waiting["recipients"].as_array().map(Vec::len)),
            (&json!("waiting"), Some(5)),
            "{engine}: {waiting}"
        );
        scene.cookie(Role::Administrator, Some(scene.acme)).await;
        assert_eq!(web::directory_sync::tell(&scene.app).await, Ok(1), "{engine}: the administrator gets a letter");
        assert_eq!(web::directory_sync::tell(&scene.app).await, Ok(0), "{engine}: once");
        let bell = scene.get("/bell", &cookie).await.text;
        assert!(bell.contains("would remove too much"), "{engine}: the bell rings: {bell}");
        let page = path.replace("/api/v1/directory-sources", "/directory");
        let asked = scene.get(&format!("{page}/waiting"), &cookie).await;
        assert!(asked.status == StatusCode::OK && asked.text.contains("n5@acme.example"), "{engine}: {}", asked.text);
        // A reader looks and does not answer.
        let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
        assert_eq!(scene.get(&format!("{page}/waiting"), &reader).await.status, StatusCode::OK, "{engine}");
        let answer = scene.post(&format!("{page}/waiting"), &reader, &[("answer", "approve")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{engine}");
        // No: everything stays, and the same is not asked again.
        scene.post(&format!("{page}/waiting"), &cookie, &[("answer", "refuse")]).await;
        due(&scene).await;
        let state = scene.get(&path, &cookie).await.json()["state"].clone();
        assert_eq!((recipients(&scene).await.len(), state), (9, json!("refused")), "{engine}");
        // Yes after all; what went meanwhile is more than was asked about, and few enough.
        slapd.delete("n6");
        let yes = scene.post(&format!("{page}/waiting"), &cookie, &[("answer", "approve")]).await;
        assert_eq!(yes.status, StatusCode::SEE_OTHER, "{engine}: {}", yes.text);
        let left = ["n7@acme.example", "n8@acme.example", "n9@acme.example", "new@acme.example"];
        assert_eq!(recipients(&scene).await, left, "{engine}");
        assert_eq!(scene.get(&path, &cookie).await.json()["state"], "well", "{engine}");
        let twice = scene.send("POST", &format!("{path}/waiting"), &cookie, json!({ "answer": "approve" })).await;
        assert_eq!(twice.status, StatusCode::CONFLICT, "{engine}: nothing waits any more");
    }
}

#[tokio::test]
async fn what_repairs_itself_goes_on_without_a_question() {
    let Some(slapd) = Slapd::start(Setup { marks: false, ..Setup::default() }) else { return };
    for n in 0..6 {
        slapd.person(&format!("n{n}"), &format!("N {n}"), &[&format!("n{n}@acme.example")]);
    }
    let scene = Scene::new(sqlite()).await;
    let cookie = operator(&scene).await;
    let (path, _) = read_once(&scene, &cookie, &body(&slapd)).await;
    let filtered = |filter: &str| {
        let mut changed = body(&slapd);
        changed["people_filter"] = filter.into();
        changed
    };
    for (filter, state, count) in [("(mail=nobody)", "waiting", 6), ("(mail=*)", "well", 6), ("(mail=n0@acme.example)", "waiting", 6)] {
        let changed = scene.send("PUT", &path, &cookie, filtered(filter)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
        due(&scene).await;
        assert_eq!(scene.get(&path, &cookie).await.json()["state"], state, "{filter}");
        assert_eq!(recipients(&scene).await.len(), count, "{filter}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_in_plain_words() {
    let (Some(slapd), Some(plain)) = (Slapd::start(Setup::default()), Slapd::start(Setup { tls: false, ..Setup::default() })) else {
        return;
    };
    let Some(limited) = Slapd::start(Setup { limit: 2, ..Setup::default() }) else { return };
    for n in 0..4 {
        limited.person(&format!("n{n}"), "N", &[&format!("n{n}@acme.example")]);
    }
    limited.modify(&format!("dn: uid=n0,{BASE}\nchangetype: modify\nadd: userPassword\nuserPassword: reader\n"));
    slapd.person("bob", "Bob", &["bob@acme.example"]);
    slapd.person("guest", "Guest", &["guest@elsewhere.example"]);
    let scene = Scene::new(sqlite()).await;
    let cookie = operator(&scene).await;
    let (path, ran) = read_once(&scene, &cookie, &body(&slapd)).await;
    assert_eq!(ran["outcome"], "applied", "{ran}");
    let (good, ldaps) = (body(&slapd), format!("ldaps://127.0.0.1:{}", slapd.tls_port));
    let with = |changes: Value| {
        let mut changed = good.clone();
        changes.as_object().expect("an object").iter().for_each(|(name, value)| changed[name] = value.clone());
        changed
    };
    for (changes, error, turn, says) in [
        (json!({ "password": "wrong" }), "wrong-password", "settings", "password is wrong"),
        (json!({ "base": "dc=nowhere,dc=example" }), "wrong-base", "settings", "dc=nowhere,dc=example"),
        (json!({ "base": "no name at all" }), "wrong-name", "settings", "no name at all"),
        (json!({ "url": "ldap://127.0.0.1:1" }), "unreachable", "network", "No connection to 127.0.0.1:1"),
        (json!({ "url": "ldap://nowhere.invalid" }), "unresolved", "network", "nowhere.invalid"),
        (json!({ "url": format!("ldap://127.0.0.1:{}", plain.port), "ca": plain.certificate }), "no-tls", "directory", "refuses TLS"),
        (json!({ "url": format!("ldaps://127.0.0.1:{}", slapd.port) }), "not-tls", "directory", "does not speak TLS"),
        (json!({ "url": format!("ldap://127.0.0.1:{}", slapd.tls_port) }), "not-ldap", "directory", "not a directory"),
        (json!({ "ca": "" }), "certificate", "directory", "not trusted"),
        (json!({ "ca": limited.certificate }), "certificate", "directory", "not trusted"),
        (json!({ "url": ldaps, "entries_max": 1 }), "too-many", "settings", "more entries than the 1"),
        (
            json!({ "url": format!("ldap://127.0.0.1:{}", limited.port), "ca": limited.certificate, "bind_dn": format!("uid=n0,{BASE}"), "password": "reader" }),
            "their-limit",
            "directory",
            "only part of the entries",
        ),
    ] {
        let changed = scene.send("PUT", &path, &cookie, with(changes.clone())).await;
        assert_eq!(changed.status, StatusCode::OK, "{changes}: {}", changed.text);
        let tried = scene.send("POST", &format!("{path}/try"), &cookie, json!({})).await.json();
        let (found, detail) = (&tried["error"], tried["error"]["detail"].as_str().unwrap_or_default().to_string());
        let plain: String = detail.chars().filter(|c| !matches!(c, '\u{2068}' | '\u{2069}')).collect();
        assert_eq!((&found["error"], &found["turn"]), (&json!(error), &json!(turn)), "{changes}: {tried}");
        assert!(plain.contains(says), "{changes}: {plain}");
        due(&scene).await;
        assert_eq!(recipients(&scene).await, ["bob@acme.example"], "{changes}: whatever is wrong takes nobody away");
    }
    let kept = scene.get(&format!("{path}/runs"), &cookie).await.json();
    assert_eq!(kept["runs"][0]["outcome"], "failed", "{kept}");
    // By ldaps, it is well again.
    scene.send("PUT", &path, &cookie, with(json!({ "url": ldaps }))).await;
    due(&scene).await;
    assert_eq!(scene.get(&path, &cookie).await.json()["state"], "well");
}

#[tokio::test]
async fn a_page_tries_saves_and_removes() {
    let Some(slapd) = Slapd::start(Setup::default()) else { return };
    slapd.person("bob", "Bob Lind", &["bob@acme.example", "robert@acme.example"]);
    let scene = Scene::new(sqlite()).await;
    let cookie = operator(&scene).await;
    let url = format!("ldap://127.0.0.1:{}", slapd.port);
    let form = |more: &[(&'static str, &'static str)]| -> Vec<(&'static str, String)> {
        let pairs = [
            ("name", "staff"),
            ("is_on", "on"),
            ("url", url.as_str()),
            ("allow_private", "on"),
            ("ca", slapd.certificate.as_str()),
            ("bind_dn", ADMIN),
            ("password", PASSWORD),
            ("base", BASE),
            ("people_filter", "(mail=*)"),
            ("mail_attributes", "mail mailLocalAddress"),
            ("name_attribute", "displayName"),
            ("member_attributes", "member"),
        ];
        let kept = pairs.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        kept.chain(more.iter().copied()).map(|(name, value)| (name, value.to_string())).collect()
    };
    let post = async |path: &str, pairs: Vec<(&'static str, String)>| -> Answer {
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        scene.post(path, &cookie, &pairs).await
    };
    assert_eq!(scene.get("/directory/new?preset=openldap", &cookie).await.status, StatusCode::OK);
    let tried = post("/directory", form(&[("verb", "try")])).await;
    assert!(
        tried.status == StatusCode::OK && tried.text.contains("Bob Lind") && tried.text.contains("robert@acme.example"),
        "{}",
        tried.text
    );
    assert!(recipients(&scene).await.is_empty(), "a try writes nothing");
    let wrong = post("/directory", form(&[("people_filter", "(mail"), ("verb", "save")])).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains("no LDAP filter"), "{}", wrong.text);
    let made = post("/directory", form(&[("verb", "save")])).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    let path = made.to().to_string();
    let twice = post("/directory", form(&[("verb", "save")])).await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY, "the name is taken");
    assert_eq!(scene.post(&format!("{path}/sync"), &cookie, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(recipients(&scene).await, ["bob@acme.example", "robert@acme.example"]);
    let page = scene.get(&path, &cookie).await.text;
    assert!(!page.contains(PASSWORD) && page.contains("2 added"), "{page}");
    // What a directory owns is not changed on pages of a domain.
    let list = scene.get("/domains/acme.example/recipients", &cookie).await.text;
    assert!(list.contains("bob@acme.example") && !list.contains("value=\"bob@acme.example\""), "{list}");
    scene.post("/domains/acme.example/recipients/remove", &cookie, &[("pick", "bob@acme.example"), ("sure", "1")]).await;
    assert_eq!(recipients(&scene).await.len(), 2);
    // Its password is sealed.
    let stored = texts(&scene, "SELECT settings FROM directory_source").await;
    assert!(stored[0].contains("sealed:") && !stored[0].contains(PASSWORD), "{stored:?}");
    // An administrator of one organisation among several may not name addresses inside the network.
    let admin = scene.cookie(Role::Administrator, Some(scene.acme)).await;
    let inside = scene.send("POST", "/api/v1/directory-sources", &admin, body(&slapd)).await;
    assert_eq!(inside.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", inside.text);
    let asked = scene.post(&format!("{path}/remove"), &cookie, &[]).await;
    assert!(asked.text.contains("name=\"sure\""), "{}", asked.text);
    assert_eq!(scene.post(&format!("{path}/remove"), &cookie, &[("sure", "1")]).await.to(), "/directory");
}

#[tokio::test]
async fn groups_are_made_filled_and_named_in_policies() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let cookie = scene.cookie(Role::Administrator, Some(scene.acme)).await;
        let made = scene.post("/groups", &cookie, &[("name", "Board")]).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{engine}: {}", made.text);
        let path = made.to().to_string();
        assert_eq!(scene.post("/groups", &cookie, &[("name", "BOARD")]).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: taken");
        let table = "group,member\nSecretaries,bo@acme.example\nBoard,Secretaries\nBoard,alice@acme.example\nBoard,?\n";
        let preview = scene.post("/groups/import", &cookie, &[("csv", table)]).await;
        assert!(preview.text.contains("One line"), "{engine}: {}", preview.text);
        assert!(!is_in(&scene, "Board", "bo@acme.example"), "{engine}: a preview changes nothing");
        assert_eq!(scene.post("/groups/import", &cookie, &[("csv", table), ("sure", "1")]).await.status, StatusCode::SEE_OTHER, "{engine}");
        assert!(is_in(&scene, "board", "bo@acme.example") && is_in(&scene, "Board", "alice@acme.example"), "{engine}");
        let policy = json!({ "name": "board", "enabled": true, "applies_groups": ["Board"], "spam": "quarantine" });
        let saved = scene.send("POST", "/api/v1/policies", &cookie, policy).await;
        assert!(saved.status.is_success(), "{engine}: {}", saved.text);
        let applying = scene.get("/api/v1/policies/applying?recipient=bo@acme.example", &cookie).await.json();
        assert_eq!((&applying["policy"]["name"], &applying["because"]), (&json!("board"), &json!("group")), "{engine}: {applying}");
        // Out of the inner group, out of the policy.
        let list = scene.get("/api/v1/groups?q=secret", &cookie).await.json();
        let inner = format!("/api/v1/groups/{}", list["groups"][0]["id"].as_str().expect("a number"));
        let out = scene.send("POST", &format!("{inner}/members"), &cookie, json!({ "remove": ["bo@acme.example"] })).await;
        assert_eq!((out.status, &out.json()["members"]), (StatusCode::OK, &json!(0)), "{engine}");
        let applying = scene.get("/api/v1/policies/applying?recipient=bo@acme.example", &cookie).await.json();
        assert_eq!(applying["because"], "default", "{engine}: {applying}");
        let bad = scene.send("POST", &format!("{inner}/members"), &cookie, json!({ "add": ["bo@acme.example", "no such group"] })).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}: all or none");
        assert!(!is_in(&scene, "Secretaries", "bo@acme.example"), "{engine}");
        let csv = scene.get("/groups/export", &cookie).await.text;
        assert!(csv.contains("Board,alice@acme.example") && csv.contains("Board,Secretaries"), "{engine}: {csv}");
        let page = scene.get(&path, &cookie).await;
        assert!(page.status == StatusCode::OK && page.text.contains("alice@acme.example"), "{engine}: {}", page.text);
        let reader = scene.cookie(Role::SecurityReader, Some(scene.acme)).await;
        assert_eq!(scene.post(&path, &reader, &[("members", "bo@acme.example")]).await.status, StatusCode::FORBIDDEN, "{engine}");
        assert_eq!(scene.post(&format!("{path}/remove"), &cookie, &[("sure", "1")]).await.to(), "/groups", "{engine}");
        assert!(!is_in(&scene, "Board", "alice@acme.example"), "{engine}");
    }
}
