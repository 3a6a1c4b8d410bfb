//! Every route, found by a machine: from the OpenAPI document and from the sources of the pages. Nobody gets in without signing in,
//! and nobody learns of another organisation even that something is there.

use crate::scene::{Answer, Scene, request};
use crate::things::{MARK, nothing, things};
use axum::body::Body;
use axum::http::StatusCode;
use mail::OrgId;
use std::collections::BTreeMap;
use std::path::Path;
use store::{Error, args};
use testkit::postgres::databases;
use web::people::Role;

/// Routes for everybody, and why.
const PUBLIC: &[(&str, &str)] = &[
    ("/", "leads to the first page or to sign-in"),
    ("/assets/", "styles, scripts and icons of the program itself"),
    ("/view", "language and colours, kept by the browser"),
    ("/sign-in", "signing in itself, by password, link, passkey or another service"),
    ("/sign-out", "ends a session if there is one"),
    ("/digest/", "a link of a digest is what lets in: one held row, for the address it was sent to"),
    ("/.well-known/mta-sts.txt", "the MTA-STS policy of a domain, which senders everywhere read"),
    ("/.well-known/acme-challenge/", "what a certificate authority asks; answered only while we ask for a certificate"),
    ("/refused", "the help desk for senders outside: rate limited, tells only what may be told"),
    ("/api/v1/refused", "the same for programs"),
    ("/help", "articles and what a problem means; nothing of an organisation"),
    ("/api/v1/openapi.json", "describes the program, not an installation"),
    ("/api/v1/help", "articles"),
    ("/api/v1/phone", "numbers to call, as on the page that everybody sees"),
    ("/api/v1/agent", "answers from the help; nothing of an organisation"),
    ("/rate/", "a link of a letter about a request is what lets in: its requester says how it was"),
    ("/healthz", "whether the process answers"),
    ("/metrics", "for the networks of [health] metrics_from only"),
];

/// Things of the whole service, which belong to no organisation; who may change them is tested where they are.
const OF_SERVICE: &[&str] =
    &["/phone/", "/api/v1/phone-entries/", "/support", "/api/v1/support/", "/requests/solutions/", "/api/v1/solutions/"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Page,
    Program,
}

/// One method of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub kind: Kind,
    pub method: String,
    /// With `{placeholders}`.
    pub path: String,
}

impl Route {
    pub fn placeholders(&self) -> Vec<String> {
        self.path.split('{').skip(1).filter_map(|part| part.split('}').next()).map(str::to_string).collect()
    }

    /// The path with each placeholder replaced.
    pub fn filled(&self, value: impl Fn(&str) -> String) -> String {
        self.placeholders()
            .iter()
            .fold(self.path.clone(), |path, name| path.replace(&format!("{{{name}}}"), &value(name.trim_start_matches('*'))))
    }

    pub fn is_listed_public(&self) -> bool {
        let is_under = |listed: &str| {
            self.path == listed || self.path.strip_prefix(listed).is_some_and(|rest| listed.ends_with('/') || rest.starts_with('/'))
        };
        PUBLIC.iter().any(|(listed, _)| if *listed == "/" { self.path == "/" } else { is_under(listed) })
    }

    pub fn is_of_service(&self) -> bool {
        OF_SERVICE.iter().any(|begin| self.path.starts_with(begin))
    }

    /// Whether the document says that nobody needs to sign in.
    pub fn is_public(&self, document: &serde_json::Value) -> bool {
        let ways = &document["paths"][&self.path][self.method.to_lowercase()]["security"];
        ways.as_array().is_some_and(|ways| ways.iter().all(|way| way.as_object().is_none_or(|way| way.is_empty())))
    }
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Every operation that is described.
pub fn of_document(document: &serde_json::Value) -> Vec<Route> {
    let paths = document["paths"].as_object().expect("paths");
    let methods = paths.iter().flat_map(|(path, item)| item.as_object().expect("a path").keys().map(move |method| (path, method)));
    let known = methods.filter(|(_, method)| METHODS.contains(&method.as_str()));
    known.map(|(path, method)| Route { kind: Kind::Program, method: method.to_uppercase(), path: path.clone() }).collect()
}

/// Every `.route("…", …)` of the sources.
pub fn of_sources() -> Vec<Route> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.extend(of_source(&std::fs::read_to_string(&path).expect("a source is UTF-8")));
            }
        }
    }
    found.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
    found
}

fn of_source(text: &str) -> Vec<Route> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, opening) in text.match_indices(".route(") {
        let call = until_closed(&text[at + opening.len()..]);
        let Some(path) = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
        let how = &call[call.find(path).map_or(0, |at| at + path.len())..];
        for method in METHODS {
            let is_called =
                how.match_indices(&format!("{method}(")).any(|(at, _)| !how[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            if is_called {
                found.push(Route { kind: Kind::Page, method: method.to_uppercase(), path: path.into() });
            }
        }
    }
    found
}

/// Up to the parenthesis that closes what was opened before.
fn until_closed(text: &str) -> &str {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

pub fn all(document: &serde_json::Value) -> Vec<Route> {
    let pages = of_sources().into_iter().filter(|route| !route.path.starts_with("/api/"));
    of_document(document).into_iter().chain(pages).collect()
}

async fn sent(scene: &Scene, route: &Route, path: &str, cookie: &str) -> Answer {
    let request = request(&route.method, path, cookie).header("sec-fetch-site", "same-origin");
    let body = match (route.kind, route.method.as_str()) {
        (_, "GET" | "DELETE") => (request, Body::empty()),
        (Kind::Page, _) => (request.header("content-type", "application/x-www-form-urlencoded"), Body::from("sure=1")),
        (Kind::Program, _) => (request.header("content-type", "application/json"), Body::from("{}")),
    };
    scene.ask(body.0.body(body.1).expect("a request")).await
}

#[tokio::test]
async fn nobody_gets_in_without_signing_in() {
    for database in databases() {
        let scene = Scene::new(database).await;
        let document = scene.get("/api/v1/openapi.json", "").await.json();
        for route in all(&document) {
            if route.is_listed_public() || route.is_public(&document) {
                assert!(route.is_listed_public(), "{} {} is public: say why in PUBLIC", route.method, route.path);
                continue;
            }
            let path = route.filled(|_| "1".into());
            let answer = sent(&scene, &route, &path, "").await;
            let is_refused = match route.kind {
                Kind::Program => answer.status == StatusCode::UNAUTHORIZED,
                // Graph's clients are programs, whatever the path is called.
                Kind::Page if route.path.starts_with("/v1.0/") || route.path.starts_with("/scim/") => {
                    answer.status == StatusCode::UNAUTHORIZED
                }
                Kind::Page => answer.status == StatusCode::SEE_OTHER && answer.to().starts_with("/sign-in"),
            };
            assert!(is_refused, "{} {} lets nobody in: {} {}", route.method, route.path, answer.status, answer.to());
        }
    }
}

/// What is of another organisation looks exactly like what is not there, and stays as it was.
#[tokio::test]
async fn nothing_of_another_organisation_is_seen_or_changed() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let (there, nowhere) = (things(&scene, scene.other).await, nothing());
        let document = scene.get("/api/v1/openapi.json", "").await.json();
        let owner = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let before = rows_of(&scene, scene.other).await;
        assert!(before.values().map(Vec::len).sum::<usize>() > 6, "there is something to protect");
        for role in [Role::Administrator, Role::Person] {
            let stranger = scene.cookie(role, Some(scene.acme)).await;
            for route in all(&document)
                .into_iter()
                .filter(|route| !route.placeholders().is_empty() && !route.is_listed_public() && !route.is_of_service())
            {
                let (method, path) = (&route.method, route.filled(|name| there.value(&route.path, name)));
                let missing = route.filled(|name| nowhere.value(&route.path, name));
                let (answer, like) = (sent(&scene, &route, &path, &stranger).await, sent(&scene, &route, &missing, &stranger).await);
                let is_refused = answer.status.is_client_error() && answer.status != StatusCode::UNAUTHORIZED;
                assert!(is_refused, "{engine}: {method} {path} as a {} of another organisation: {}", role.name(), answer.status);
                let seen = answer.text.replace(&path, "·").replace(&encoded(&path), "·");
                let seen_like = like.text.replace(&missing, "·").replace(&encoded(&missing), "·");
                assert_eq!((answer.status, seen), (like.status, seen_like), "{engine}: {method} {path} tells that it is there");
                if method == "GET" && role == Role::Administrator {
                    let own = sent(&scene, &route, &path, &owner).await;
                    assert!(
                        own.status.is_success() || own.status.is_redirection(),
                        "{engine}: {path} is not even its owner's: {}",
                        own.status
                    );
                }
            }
        }
        assert_eq!(rows_of(&scene, scene.other).await, before, "{engine}: somebody changed what is not theirs");
    }
}

/// Lists, searches and files of one organisation hold nothing of another's, and people without a role in it see no mail of others.
#[tokio::test]
async fn lists_hold_only_what_is_ones_own() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        things(&scene, scene.other).await;
        let document = scene.get("/api/v1/openapi.json", "").await.json();
        // A stream of events does not end.
        let is_list = |route: &Route| route.method == "GET" && route.placeholders().is_empty() && !route.path.ends_with("/stream");
        let lists: Vec<Route> = all(&document).into_iter().filter(is_list).collect();
        let owner = scene.cookie(Role::Administrator, Some(scene.other)).await;
        let mut seen = 0;
        for route in &lists {
            seen += usize::from(scene.get(&route.path, &owner).await.text.contains(MARK));
        }
        assert!(seen > 0, "{engine}: not even its owner sees anything of it, so this test would find nothing");
        for role in Role::ALL.into_iter().filter(|role| !role.is_of_service()) {
            let stranger = scene.cookie(role, Some(scene.acme)).await;
            for route in &lists {
                for query in ["", "?format=csv", "?q=zebra&subject=zebra&org=2"] {
                    let answer = scene.get(&format!("{}{query}", route.path), &stranger).await;
                    assert!(!answer.status.is_server_error(), "{engine}: {}{query}: {}", route.path, answer.status);
                    assert!(!answer.text.contains(MARK), "{engine}: {}{query} shows a {} what is not theirs", route.path, role.name());
                }
            }
        }
    }
}

/// Whatever changes something of an organisation leaves a line in the audit log, and so does reading somebody else's mail.
#[tokio::test]
async fn every_change_leaves_a_line() {
    for database in databases() {
        let engine = database.engine;
        let scene = Scene::new(database).await;
        let there = things(&scene, scene.other).await;
        let document = scene.get("/api/v1/openapi.json", "").await.json();
        let reads_mail =
            |route: &Route| route.method == "GET" && (route.path.ends_with("/message.eml") || route.path == "/quarantine/{mail}");
        let mut changes = 0;
        for route in all(&document)
            .into_iter()
            .filter(|route| !route.is_listed_public() && !route.is_of_service() && (route.method != "GET" || reads_mail(route)))
        {
            let owner = scene.cookie(Role::Administrator, Some(scene.other)).await;
            let path = route.filled(|name| there.value(&route.path, name));
            let (rows, lines) = (rows_of(&scene, scene.other).await, lines(&scene).await);
            let answer = sent(&scene, &route, &path, &owner).await;
            let is_changed = rows_of(&scene, scene.other).await != rows || reads_mail(&route) && answer.status.is_success();
            changes += usize::from(is_changed);
            assert!(
                !is_changed || self::lines(&scene).await > lines,
                "{engine}: {} {path} changes something and leaves no line",
                route.method
            );
        }
        assert!(changes >= 5, "{engine}: only {changes} routes did anything, so this test would find little");
    }
}

async fn lines(scene: &Scene) -> i64 {
    let found: Result<_, Error> =
        scene.app.db.read(|tx| Box::pin(async move { tx.row("SELECT COUNT(*) FROM audit", args![]).await })).await;
    found.expect("a count").expect("a row").int(0).expect("a number")
}

/// As it stands in a link or a hidden field.
fn encoded(path: &str) -> String {
    web::page::guard::form_pair("", path).trim_start_matches('=').to_string()
}

/// Every row of every table that belongs to this organisation, by table.
pub async fn rows_of(scene: &Scene, org: OrgId) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in tables_of_organisations() {
        let sql = format!("SELECT * FROM {table} WHERE org = $1");
        let rows: Result<_, Error> = scene.app.db.read(move |tx| Box::pin(async move { tx.rows(&sql, args![org.0]).await })).await;
        let mut rows: Vec<String> = rows.expect("rows").iter().map(|row| format!("{:?}", row.values)).collect();
        rows.sort();
        all.insert(table, rows);
    }
    // Signing in is not a change of what belongs to the organisation, nor is what its own people leave in the log by looking.
    all.remove("person_session");
    let own = format!("@{org}.example");
    all.entry("audit".into()).or_default().retain(|line: &String| !line.contains(&own));
    all
}

fn tables_of_organisations() -> Vec<String> {
    let sql: String = web::migrations().iter().map(|step| step.sql).collect();
    let tables = sql.split("CREATE TABLE ").skip(1).map(|text| text.split(';').next().unwrap_or_default());
    let has_org = |text: &&str| text.lines().any(|line| line.trim_start().starts_with("org BIGINT"));
    tables.filter(has_org).filter_map(|text| text.split([' ', '(']).next()).map(str::to_string).collect()
}

#[test]
fn routes_are_found_in_sources() {
    let found = of_source("Router::new().route(\"/a/{id}\", get(list).post(crate::x::do_get(y)))\n.route(\n    \"/b\",\n    post(z),\n)");
    let found: Vec<_> = found.iter().map(|route| (route.method.as_str(), route.path.as_str())).collect();
    assert_eq!(found, [("GET", "/a/{id}"), ("POST", "/a/{id}"), ("POST", "/b")]);
    assert!(of_sources().iter().any(|route| route.path == "/trace"));
}
