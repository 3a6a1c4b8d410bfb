//! A copy of a running installation, put back on an empty machine: the same trace, quarantine and requests, on either database.

use crate::server::{Server, command, free_port, message, send};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

const QUIET: &str = "[dns]\nservers = \"off\"\n[store]\nconnections_max = 8\n";
/// The harmless file that every engine calls malware (eicar.org).
const EICAR: &str = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
/// Far past what the database takes of one body.
const LARGE_LINES: usize = 20_000;
const ADMIN: &str = "admin@demo.example";

/// `[store]` of a database; "" is the default, SQLite in the data folder.
fn settings(url: &str) -> String {
    if url.is_empty() { QUIET.into() } else { format!("{QUIET}url = \"{url}\"\n") }
}

/// An installation as it is when nothing runs: data, settings and the port of its pages.
struct Still {
    data: TempDir,
    web: u16,
}

fn start(url: &str, still: Still, more: &[&str]) -> (Server, u16) {
    let listen = format!("web = \"127.0.0.1:{}\"\nstatus = \"\"\n", still.web);
    (Server::start_with(still.data, (free_port(), &listen), &settings(url), more), still.web)
}

fn new_still() -> Still {
    Still { data: TempDir::new().expect("a folder"), web: free_port() }
}

/// A person's browser: one session.
pub struct Session {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    base: String,
    cookies: BTreeMap<String, String>,
}

impl Session {
    pub fn sign_in(server: &Server, web: u16) -> Session {
        server.eventually("the pages have made the administrator", |server| server.run(&["person", "link", ADMIN]).status.success());
        let link = server.told(&["person", "link", ADMIN]);
        let path = link.trim().find("/sign-in/").and_then(|at| link.trim().get(at..)).expect("a link").to_string();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let mut session = Session { runtime, client, base: format!("http://127.0.0.1:{web}"), cookies: BTreeMap::new() };
        let page = session.ask(reqwest::Method::GET, &path, None);
        let form = page.split_once("<main").and_then(|(_, main)| main.split_once("<form")).expect("a form").1;
        let between =
            |text: &str, a: &str, b: &str| text.split_once(a).and_then(|(_, rest)| rest.split_once(b)).map(|(found, _)| found.to_string());
        let fields = form.split_once("</form>").expect("an end").0.split("<input type=\"hidden\"").skip(1);
        let fields: Vec<String> = fields
            .filter_map(|field| Some(format!("{}={}", between(field, "name=\"", "\"")?, between(field, "value=\"", "\"")?)))
            .collect();
        let action = between(form, "action=\"", "\"").expect("where to");
        session.ask(reqwest::Method::POST, &action, Some(("application/x-www-form-urlencoded", fields.join("&"))));
        session
    }

    pub fn ask(&mut self, method: reqwest::Method, path: &str, body: Option<(&str, String)>) -> String {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut asked = self.client.request(method, format!("{}{path}", self.base)).header("cookie", cookies.join("; "));
        if let Some((kind, text)) = body {
            asked = asked.header("content-type", kind).header("origin", &self.base).body(text);
        }
        let (status, set, text) = self.runtime.block_on(async {
            let answer = asked.send().await.expect("an answer");
            let set: Vec<String> =
                answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok().map(str::to_string)).collect();
            (answer.status(), set, answer.text().await.expect("a text"))
        });
        assert!(status.is_success() || status.is_redirection(), "{path}: {status}\n{text}");
        for cookie in set {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.cookies.insert(name.into(), value.into());
        }
        text
    }

    pub fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub fn json(&mut self, path: &str) -> Value {
        serde_json::from_str(&self.ask(reqwest::Method::GET, path, None)).expect("JSON")
    }
}

/// What people see of it.
fn seen(server: &Server, web: u16) -> Value {
    let mut session = Session::sign_in(server, web);
    let list = session.json("/api/v1/requests");
    let ids: Vec<String> =
        list["requests"].as_array().expect("a list").iter().filter_map(|one| Some(one["id"].as_str()?.to_string())).collect();
    let requests: Vec<Value> = ids.iter().map(|id| session.json(&format!("/api/v1/requests/{id}"))).collect();
    let held = server.rows(&["quarantine", "list", "--json", "--limit", "200"]);
    let first = held.first().and_then(|mail| mail["mail"].as_str()).expect("something is held").to_string();
    json!({
        "trace": server.rows(&["trace", "list", "--json", "--limit", "200"]),
        "story": server.told(&["explain", &first, "--json"]),
        "content": server.told(&["quarantine", "show", &first]),
        "quarantine": held,
        "requests": requests,
        "people": server.rows(&["person", "list", "--json"]),
    })
}

/// The demo with its samples, a large message that waits in a file, and a service request. The answers of both are the same afterwards.
fn lived_in(url: &str) -> (Server, u16) {
    let (server, web) = start(url, new_still(), &["--demo"]);
    server.eventually("the samples are judged", |server| server.rows(&["trace", "list", "--json", "--limit", "200"]).len() >= 51);
    let large = format!(
        "From: tom@partner.example\nTo: alice@demo.example\nSubject: Large and held\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\n\
         {}\n--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"tool.com\"\n\n{EICAR}\n--b--\n",
        "A line of a large message.\n".repeat(LARGE_LINES)
    );
    let reply = send(server.smtp, "tom@partner.example", "alice@demo.example", &large).expect("a reply");
    assert!(reply.starts_with("250"), "{reply}");
    let request = json!({ "title": "Mail from one partner is late", "description": "Since Monday each takes an hour.", "area": "mail-flow", "way": "web" });
    let mut session = Session::sign_in(&server, web);
    session.ask(reqwest::Method::POST, "/api/v1/requests", Some(("application/json", request.to_string())));
    server.eventually("nothing is under way", |server| {
        server.rows(&["trace", "list", "--json", "--state", "queued", "--limit", "1"]).is_empty()
    });
    (server, web)
}

fn stopped(server: Server, web: u16) -> Still {
    Still { data: server.kill().0, web }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn restore(still: &Still, url: &str, file: &Path) -> Output {
    std::fs::write(still.data.path().join("gatepost.toml"), settings(url)).expect("settings are written");
    command(still.data.path()).arg("restore").arg(file).output().expect("it runs")
}

/// From one database to another: what people see is the same.
fn the_same_after(from: &str, to: &str) {
    let (server, web) = lived_in(from);
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("copy.tar.zst");
    let taken = server.run(&["backup", file.to_str().expect("a path"), "--json"]);
    assert!(taken.status.success(), "{}", text(&taken));
    let taken: Value = serde_json::from_slice(&taken.stdout).expect("JSON");
    assert!(taken["bodies"].as_u64() >= Some(1), "the large message is a file: {taken}");
    let before = seen(&server, web);
    drop(stopped(server, web));

    let still = new_still();
    let done = restore(&still, to, &file);
    assert!(done.status.success(), "{}", text(&done));
    assert!(text(&done).contains(&format!("{} rows", taken["rows"])), "{}", text(&done));
    let doctor = command(still.data.path()).args(["doctor", "--json"]).output().expect("it runs");
    let broken: Vec<Value> = text(&doctor)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|found| found["outcome"] == "problem")
        .collect();
    let ours: Vec<&Value> = broken
        .iter()
        .filter(|found| {
            ["seal", "bodies", "database", "balance"].iter().any(|part| found["id"].as_str().is_some_and(|id| id.starts_with(part)))
        })
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
    let (server, web) = start(to, still, &[]);
    let after = seen(&server, web);
    for part in ["trace", "quarantine", "story", "content", "requests", "people"] {
        assert_eq!(without_sign_in(&after[part]), without_sign_in(&before[part]), "{part}");
    }
    assert_eq!(server.run(&["trace", "balance"]).status.code(), Some(0), "the balance adds up");
    // It goes on as what it was, the demo (whose samples are there): new mail is taken. A second copy onto it is refused.
    let still = stopped(server, web);
    std::fs::write(still.data.path().join("data/samples-sent"), "").expect("a file");
    let (server, web) = start(to, still, &["--demo"]);
    let reply = send(server.smtp, "tom@partner.example", "alice@demo.example", &message("After", "tom@partner.example", "Hello again."))
        .expect("a reply");
    assert!(reply.starts_with("250"), "{reply}");
    let still = stopped(server, web);
    let again = restore(&still, to, &file);
    assert_eq!(again.status.code(), Some(3), "{}", text(&again));
    let said = text(&again);
    assert!(said.contains("already") || said.contains("in use") || said.contains("newer"), "{said}");
}

/// Signing in to look is itself noted, and the desk works on requests while a server runs; everything else must be the same.
fn without_sign_in(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(without_sign_in).collect(),
        Value::Object(of) => of
            .iter()
            .filter(|(key, _)| !["seen_ms", "last_ms"].contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), without_sign_in(value)))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn from_sqlite_to_sqlite() {
    the_same_after("", "");
}

#[test]
fn from_sqlite_to_postgresql() {
    let Some(database) = testkit::postgres::postgres() else { return };
    the_same_after("", &database.url);
}

#[test]
fn from_postgresql_to_sqlite() {
    let Some(database) = testkit::postgres::postgres() else { return };
    the_same_after(&database.url, "");
}

#[test]
fn what_is_no_whole_copy_is_refused_and_leaves_nothing() {
    let (server, web) = start("", new_still(), &["--demo"]);
    let folder = TempDir::new().expect("a folder");
    let into = folder.path().join("copies");
    let path = into.to_str().expect("a path");
    for _ in 0..2 {
        assert!(server.run(&["backup", "--into", path, "--keep", "1"]).status.success());
        std::thread::sleep(std::time::Duration::from_millis(1100)); // their names are seconds
    }
    let copies: Vec<_> = std::fs::read_dir(&into).expect("a folder").flatten().map(|entry| entry.path()).collect();
    assert_eq!(copies.len(), 1, "one is kept: {copies:?}");
    let whole = std::fs::read(&copies[0]).expect("a file");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&copies[0]).expect("facts").permissions()) & 0o777, 0o600);
    assert_eq!(server.run(&["backup", copies[0].to_str().expect("a path")]).status.code(), Some(3), "nothing is written over");
    let doctor = server.told(&["doctor", "--json"]);
    assert!(doctor.lines().any(|line| line.contains("\"backup.age\"") && line.contains("\"ok\"")), "{doctor}");
    drop(stopped(server, web));

    let bad = folder.path().join("bad");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let cases: [(&str, Vec<u8>); 5] = [
        ("cut off", whole[..whole.len() - 40].to_vec()),
        ("half", whole[..whole.len() / 2].to_vec()),
        ("one octet is another", flipped),
        ("no archive", b"From: somebody\n\nhello\n".to_vec()),
        ("empty", Vec::new()),
    ];
    for (what, octets) in cases {
        std::fs::write(&bad, octets).expect("a file");
        let still = new_still();
        let done = restore(&still, "", &bad);
        assert_eq!(done.status.code(), Some(3), "{what}: {}", text(&done));
        assert!(!still.data.path().join("data/gatepost.db").exists(), "{what}");
        let check = command(still.data.path()).args(["restore", "--check"]).arg(&bad).output().expect("it runs");
        assert_eq!(check.status.code(), Some(3), "{what}");
    }
    let still = new_still();
    std::fs::write(still.data.path().join("gatepost.toml"), "").expect("settings are written");
    let check = text(&command(still.data.path()).args(["restore", "--check"]).arg(&copies[0]).output().expect("it runs"));
    assert!(check.contains("It is whole."), "{check}");
}
