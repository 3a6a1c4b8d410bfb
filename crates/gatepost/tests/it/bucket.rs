//! The status pages in a bucket: a store that checks signatures takes them, and what happens when it does not, or is gone.

use crate::lab::{Beside, clamd, health, lab, restored, shown, states, summary};
use crate::server::{Server, free_port};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use testkit::s3::{KEY, REGION, SECRET, Store};

/// Whoever may read it may do so without a signature.
const BUCKET: &str = "pages/public";
const FILES: [&str; 10] = [
    "index.html",
    "zh-CN.html",
    "style.css",
    "status/summary.json",
    "status/feed.atom",
    "status/maintenance.ics",
    "status/status.txt",
    "status/SHA256SUMS",
    "status/SHA256SUMS.sig",
    "status/key.pub",
];

/// What lies there, read without a signature: head and body.
fn object(port: u16, path: &str) -> Option<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET /pages/mail/{path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..at]).to_ascii_lowercase();
    head.split_once(' ').is_some_and(|(_, rest)| rest.starts_with("200")).then(|| (head, answer[at + 4..].to_vec()))
}

/// All of them are there, and the list that is signed has their digests.
fn is_whole(port: u16) -> bool {
    let folder = TempDir::new().expect("a folder");
    std::fs::create_dir(folder.path().join("status")).expect("a folder");
    let is_kept = |path: &str| object(port, path).is_some_and(|(_, octets)| std::fs::write(folder.path().join(path), octets).is_ok());
    let check =
        || Command::new("sha256sum").args(["--check", "--strict", "--status", "status/SHA256SUMS"]).current_dir(folder.path()).status();
    FILES.into_iter().all(is_kept) && check().is_ok_and(|status| status.success())
}

/// What the copy says of a service.
fn component(port: u16, n: usize) -> String {
    let summary = object(port, "status/summary.json").and_then(|(_, octets)| serde_json::from_slice::<Value>(&octets).ok());
    summary.and_then(|summary| Some(summary["components"][n]["status"].as_str()?.to_string())).unwrap_or_default()
}

fn intake(port: u16) -> String {
    component(port, 0)
}

fn filtering(port: u16) -> String {
    component(port, 1)
}

/// What the recovery assistant finds.
fn looks(server: &Server) -> Value {
    let output = server.run(&["doctor", "--json"]);
    let rows = String::from_utf8_lossy(&output.stdout).into_owned();
    let all = rows.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = all.flat_map(|row| if let Value::Array(rows) = row { rows } else { vec![row] });
    found.into_iter().find(|row| row["id"] == "status.bucket").unwrap_or_default()
}

/// The evidence of the open issue about the bucket; "" is none.
fn said_by_the_store(server: &Server) -> String {
    let issues = server.rows(&["incident", "list", "--open", "--json"]);
    let of = issues.iter().find(|issue| issue["cause"] == "status.bucket");
    of.map(|issue| issue["evidence"]["said"].to_string()).unwrap_or_default()
}

const KINDS: [(&str, &str); 6] = [
    ("index.html", "content-type: text/html; charset=utf-8"),
    ("style.css", "content-type: text/css; charset=utf-8"),
    ("status/summary.json", "content-type: application/json"),
    ("status/feed.atom", "content-type: application/atom+xml; charset=utf-8"),
    ("status/maintenance.ics", "content-type: text/calendar; charset=utf-8"),
    ("status/status.txt", "content-type: text/plain; charset=utf-8"),
];

#[test]
fn the_status_pages_stand_in_a_bucket_too() {
    let (port, folder) = (free_port(), TempDir::new().expect("a folder"));
    let Some(store) = Store::start_at(port, BUCKET) else { return };
    let secret = folder.path().join("secret");
    std::fs::write(&secret, format!("{SECRET}\n")).expect("written");
    let engine = Beside::tcp(0, clamd);
    // So rarely that whatever comes in time comes because something happened.
    let bucket = format!(
        "[health.bucket]\nurl = \"http://127.0.0.1:{port}/pages/mail\"\nregion = \"{REGION}\"\nkey_id = \"{KEY}\"\nsecret_file = \"{}\"\nevery = \"1h\"\n",
        secret.display()
    );
    let settings = format!("{}{bucket}[dns]\nservers = \"off\"\n[detect.clamd]\naddress = \"127.0.0.1:{}\"\n", health(""), engine.port);
    let (server, status) = lab(&settings);
    shown("all pages are copied, and the list fits them", || is_whole(port));
    for (path, kind) in KINDS {
        let (head, _) = object(port, path).expect("it is there");
        assert!(head.contains(kind) && head.contains("cache-control: public, max-age=20, stale-if-error=86400"), "{path}: {head}");
    }
    assert_eq!(looks(&server)["result"], "ok", "{}", looks(&server));
    let engine_port = engine.stop();
    shown("what happens is copied at once", || filtering(port) == "degraded_performance");

    // The store goes away: health speaks of it, the pages here go on.
    drop(store);
    let engine = Beside::tcp(engine_port, clamd);
    shown("the copy is spoken of", || said_by_the_store(&server).contains("no answer"));
    assert!(states(&server).iter().all(|line| !line.contains("status.bucket")), "advice, which turns no service: {:?}", states(&server));
    restored("the pages here are current", || summary(status)["components"][1]["status"] == "operational");
    assert_eq!(looks(&server)["result"], "problem", "{}", looks(&server));
    let store = Store::start_at(port, BUCKET).expect("as before");
    restored("the whole is copied again", || is_whole(port) && filtering(port) == "operational");
    restored("all is well again", || said_by_the_store(&server).is_empty() && states(&server).is_empty());

    // A secret that is none: the store's word for it is the evidence; a right one is taken without a restart.
    std::fs::write(&secret, "another\n").expect("written");
    let engine_port = engine.stop();
    shown("the store refuses", || said_by_the_store(&server).contains("403 SignatureDoesNotMatch"));
    assert!(looks(&server).to_string().contains("SignatureDoesNotMatch"), "{}", looks(&server));
    std::fs::write(&secret, format!("{SECRET}\n")).expect("written");
    let _engine = Beside::tcp(engine_port, clamd);
    restored("the right secret is taken", || said_by_the_store(&server).is_empty() && filtering(port) == "operational");

    // Nobody can write to the database: the copy says so.
    let holder = rusqlite::Connection::open(server.data.path().join("data/gatepost.db")).expect("the database");
    holder.execute_batch("BEGIN IMMEDIATE").expect("held");
    shown("the database is dead, and the bucket tells", || !["", "operational"].contains(&intake(port).as_str()));
    holder.execute_batch("ROLLBACK").expect("let go");
    restored("and that it is back", || intake(port) == "operational");
    drop(store);
}
