//! The recovery assistant of a running service: what is found on its page is repaired there, after asking, and stands in the log.

use crate::backup::Session;
use crate::server::{Server, free_port};
use reqwest::Method;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn a_key_that_everybody_can_read_is_closed_from_the_page() {
    let (data, web) = (TempDir::new().expect("a folder"), free_port());
    let seal = data.path().join("data/seal.key");
    let listen = format!("web = \"127.0.0.1:{web}\"\nstatus = \"\"\n");
    let server = Server::start_with(data, (free_port(), &listen), "[dns]\nservers = \"off\"\n", &["--demo"]);
    let mut operator = Session::sign_in(&server, web);
    let mode = || std::fs::metadata(&seal).expect("the key").permissions().mode() & 0o777;
    std::fs::set_permissions(&seal, std::fs::Permissions::from_mode(0o644)).expect("opened");
    let looked: Value = serde_json::from_str(&operator.ask(Method::POST, "/api/v1/doctor", None)).expect("findings");
    let all = looked["findings"].as_array().expect("a list").clone();
    let finding = all.iter().find(|one| one["id"] == "seal.mode").expect("it is found").clone();
    assert_eq!((&finding["result"], &finding["is_repairable"]), (&"problem".into(), &true.into()), "{finding}");
    let at: String = url(finding["looked_at"].as_str().expect("a path"));
    let page = operator.ask(Method::GET, "/admin/doctor", None);
    assert!(page.contains("/admin/doctor/repair"), "{page}");
    let asked = operator.ask(Method::POST, "/admin/doctor/repair", Some((FORM, format!("finding=seal.mode&at={at}"))));
    assert!(asked.contains("Shall Gatepost set the mode of"), "it asks first: {asked}");
    assert_eq!(mode(), 0o644, "and does nothing yet");
    operator.ask(Method::POST, "/admin/doctor/repair", Some((FORM, format!("finding=seal.mode&at={at}&sure=1"))));
    assert_eq!(mode() & 0o077, 0, "now it did");
    let after = operator.json("/api/v1/doctor");
    let still = after["findings"].as_array().expect("a list").iter().any(|one| one["id"] == "seal.mode" && one["result"] == "problem");
    assert!(!still, "and it looked again: {after}");
    let database = rusqlite::Connection::open(server.data.path().join("data/gatepost.db")).expect("the database");
    let lines = "SELECT count(*) FROM audit WHERE action = 'doctor.repair' AND subject = 'seal.mode'";
    assert_eq!(database.query_row(lines, [], |row| row.get::<_, i64>(0)).expect("a count"), 1, "it stands in the log");
}

/// A path in a form.
fn url(path: &str) -> String {
    path.replace('%', "%25").replace('/', "%2F").replace(' ', "%20")
}
