//! Servers that keep nothing of their own: one PostgreSQL, one bucket that checks signatures, one key file. And what happens when the bucket
//! does not let us in, or is gone.

use crate::lab::{health, lab, restored, shown, states};
use crate::server::{Server, command, free_port, message, send};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;
use testkit::s3::{KEY, REGION, SECRET, Store};

/// The harmless file that every engine calls malware (eicar.org).
const EICAR: &str = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
/// Far past what the database takes of one body.
const LARGE_LINES: usize = 20_000;
const LINE: &str = "The minutes are below.";

/// What a fleet shares besides the database.
struct Shared {
    store: Store,
    folder: TempDir,
}

impl Shared {
    /// `None` outside CI when there is no store.
    fn new() -> Option<Shared> {
        let shared = Shared { store: Store::start("mail")?, folder: TempDir::new().expect("a folder") };
        shared.secret(SECRET);
        // In place of the folder that mail is delivered into: until it is gone, mail waits.
        std::fs::write(shared.boxes(), "no folder").expect("written");
        Some(shared)
    }

    fn secret(&self, secret: &str) {
        std::fs::write(self.folder.path().join("secret"), format!("{secret}\n")).expect("written");
    }

    fn boxes(&self) -> PathBuf {
        self.folder.path().join("boxes")
    }

    /// From now on mail arrives.
    fn open_boxes(&self) {
        std::fs::remove_file(self.boxes()).expect("removed");
    }

    /// Subjects and lengths of what arrived.
    fn arrived(&self) -> Vec<(String, usize)> {
        let files = std::fs::read_dir(self.boxes().join("li@demo.example/new")).into_iter().flatten().flatten();
        let read = |text: String| {
            let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ").map(|text| text.trim().to_string()));
            (subject.unwrap_or_default(), text.matches(LINE).count())
        };
        files.map(|file| read(std::fs::read_to_string(file.path()).unwrap_or_default())).collect()
    }

    fn has(&self, subject: &str, lines: usize) -> bool {
        self.arrived().contains(&(subject.to_string(), lines))
    }

    /// `[store]` of one node; `url` is the database, "" SQLite.
    fn store_settings(&self, url: &str, node: u8) -> String {
        let url = if url.is_empty() { String::new() } else { format!("url = \"{url}\"\n") };
        let folder = self.folder.path().display();
        format!(
            "[store]\n{url}node = {node}\nconnections_max = 8\nseal_file = \"{folder}/seal.key\"\nbodies = \"s3:mail/one\"\n[store.bucket]\n\
             endpoint = \"{}\"\nregion = \"{REGION}\"\nkey_id = \"{KEY}\"\nsecret_file = \"{folder}/secret\"\n",
            self.store.endpoint()
        )
    }

    fn settings(&self, url: &str, node: u8) -> String {
        format!(
            "{}{}[dns]\nservers = \"off\"\n[queue]\nretry_first = \"1s\"\nretry_max = \"2s\"\n[[organisation]]\nname = \"demo\"\nconnector = \"box\"\n\
             [[connector]]\nname = \"box\"\nprotocol = \"folder\"\nfolder = \"{}\"\n[[domain]]\nname = \"demo.example\"\nrecipients = \"any\"\n",
            self.store_settings(url, node),
            health(""),
            self.boxes().display()
        )
    }
}

fn large(subject: &str) -> String {
    message(subject, "ann@partner.example", &format!("{LINE}\n").repeat(LARGE_LINES))
}

/// Held as malware.
fn large_and_bad(subject: &str) -> String {
    format!(
        "From: tom@partner.example\nTo: li@demo.example\nSubject: {subject}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n--b\n\
         Content-Type: text/plain\n\n{}\n--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"tool.com\"\n\n\
         {EICAR}\n--b--\n",
        format!("{LINE}\n").repeat(LARGE_LINES)
    )
}

fn sent(server: &Server, text: &str) -> String {
    send(server.smtp, "ann@partner.example", "li@demo.example", text).expect("a reply")
}

/// The id of the only mail with this subject.
fn id(server: &Server, subject: &str) -> String {
    let rows = server.rows(&["trace", "list", "--json", "--subject", subject]);
    rows.first().and_then(|row| row["mail"].as_str()).expect("a mail").to_string()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What the recovery assistant finds about one thing.
fn looked(output: &Output, id: &str) -> Value {
    let rows = String::from_utf8_lossy(&output.stdout).into_owned();
    let all = rows.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = all.flat_map(|row| if let Value::Array(rows) = row { rows } else { vec![row] });
    found.into_iter().find(|row| row["id"] == id).unwrap_or_default()
}

/// Nothing of messages lies on this machine.
fn keeps_nothing(data: &Path) -> bool {
    !data.join("data/bodies").exists()
}

#[test]
fn what_one_server_took_another_delivers() {
    let Some(database) = testkit::postgres::postgres() else { return };
    let Some(shared) = Shared::new() else { return };
    let one = Server::start_in(TempDir::new().expect("a folder"), free_port(), &shared.settings(&database.url, 1), &[]);
    let other = Server::start_in(TempDir::new().expect("a folder"), free_port(), &shared.settings(&database.url, 2), &[]);
    let reply = sent(&one, &large("carried"));
    assert!(reply.starts_with("250"), "{reply}");
    let reply = sent(&one, &large_and_bad("held"));
    assert!(reply.starts_with("250"), "{reply}");
    let held = id(&one, "held");
    let waits = |row: &Value| row.to_string().contains("the folder cannot be written");
    one.eventually("the mail waits for its folder", |one| one.rows(&["trace", "list", "--json", "--subject", "carried"]).iter().any(waits));
    let shown_there = other.told(&["quarantine", "show", &held]);
    assert!(shown_there.contains(LINE) && shown_there.contains("tool.com"), "the other server reads what is held: {shown_there:.400}");

    let (data, _) = one.kill();
    assert!(keeps_nothing(data.path()), "the server that is gone had nothing of its own");
    drop(data);
    shared.open_boxes();
    other.eventually("the other delivers it", |_| shared.has("carried", LARGE_LINES));
    other.eventually("nothing is queued", |other| other.rows(&["trace", "list", "--json", "--state", "queued", "--limit", "1"]).is_empty());
    assert_eq!(shared.arrived().len(), 1, "once, and what is held stays: {:?}", shared.arrived());
    let balance = other.run(&["trace", "balance"]);
    assert_eq!(balance.status.code(), Some(0), "{}", text(&balance));
    assert_eq!(other.run(&["quarantine", "delete", &held]).status.code(), Some(0));
    assert_eq!(other.run(&["trace", "balance"]).status.code(), Some(0), "nothing is left in the bucket that no row names");
    assert!(keeps_nothing(other.data.path()));
}

#[test]
fn a_bucket_that_does_not_let_us_in_costs_a_wait_and_no_mail() {
    let Some(shared) = Shared::new() else { return };
    let (server, _) = lab(&shared.settings("", 1));
    let reply = sent(&server, &large("before"));
    assert!(reply.starts_with("250"), "{reply}");
    let is_spoken_of = || states(&server).iter().any(|line| line.contains("bodies.unreachable"));
    assert_eq!(looked(&server.run(&["doctor", "--json"]), "bodies.bucket")["result"], "ok");

    // A key that is none any more.
    shared.secret("another");
    let reply = sent(&server, &large("refused"));
    assert!(reply.starts_with("451"), "its sender keeps it: {reply}");
    let code = reply.split(['(', ')']).nth(1).expect("a code to ask about").to_string();
    server.eventually("whoever asks about it is told", |server| text(&server.run(&["explain", &code])).contains("could not be stored"));
    let reply = sent(&server, &message("small", "ann@partner.example", "It needs no bucket."));
    assert!(reply.starts_with("250"), "{reply}");
    shown("the bucket is spoken of", is_spoken_of);
    let found = looked(&server.run(&["doctor", "--json"]), "bodies.bucket");
    assert!(found["result"] == "problem" && found.to_string().contains("SignatureDoesNotMatch"), "{found}");
    shared.secret(SECRET);
    restored("the right key is taken without a restart", || !is_spoken_of());

    // It is gone, with what waits in it; and is back.
    shared.store.faults("GONE");
    let reply = sent(&server, &large("refused"));
    assert!(reply.starts_with("451"), "its sender keeps it: {reply}");
    shown("the bucket is spoken of again", is_spoken_of);
    shared.open_boxes();
    server.eventually("small mail goes on", |_| shared.has("small", 0));
    assert!(!shared.has("before", LARGE_LINES), "its octets cannot be had");
    let found = looked(&server.run(&["doctor", "--json"]), "bodies.bucket");
    assert!(found["result"] == "problem" && found.to_string().contains("no answer"), "{found}");
    shared.store.faults("");
    restored("all is well again", || !is_spoken_of());
    server.eventually("what waited in it is delivered", |_| shared.has("before", LARGE_LINES));
    let reply = sent(&server, &large("after"));
    assert!(reply.starts_with("250"), "{reply}");
    server.eventually("large mail goes on", |_| shared.has("after", LARGE_LINES));
    assert!(shared.arrived().iter().all(|(subject, _)| subject != "refused"), "what was not answered 250 is not ours");

    // A right that lacks is named.
    shared.store.faults("DELETE");
    let found = looked(&server.run(&["doctor", "--json"]), "bodies.bucket");
    assert!(found["result"] == "problem" && found["said"].to_string().contains("s3:DeleteObject"), "{found}");
    shared.store.faults("");
    let balance = server.run(&["trace", "balance"]);
    assert_eq!(balance.status.code(), Some(0), "{}", text(&balance));
}

/// A copy of an installation with a folder goes into a bucket, and back.
#[test]
fn a_copy_moves_messages_into_a_bucket_and_out_of_it() {
    let Some(shared) = Shared::new() else { return };
    let of_folder = shared.settings("", 1).replace("bodies = \"s3:mail/one\"\n", "");
    let of_folder =
        [of_folder.split("[store.bucket]").next().expect("a part"), "[health]", of_folder.split("[health]").nth(1).expect("a part")]
            .concat();
    let server = Server::start_in(TempDir::new().expect("a folder"), free_port(), &of_folder, &[]);
    let reply = sent(&server, &large_and_bad("held"));
    assert!(reply.starts_with("250"), "{reply}");
    let held = id(&server, "held");
    let as_it_was = server.told(&["quarantine", "show", &held]);
    assert!(as_it_was.contains(LINE) && !keeps_nothing(server.data.path()));
    let copies = TempDir::new().expect("a folder");
    let path = |name: &str| copies.path().join(name).display().to_string();
    let taken = server.run(&["backup", &path("one"), "--json"]);
    assert!(taken.status.success(), "{}", text(&taken));
    drop(server.kill());

    // A wrong key is found before anything else is put back.
    let still = TempDir::new().expect("a folder");
    std::fs::write(still.path().join("gatepost.toml"), shared.settings("", 1)).expect("written");
    shared.secret("another");
    let refused = command(still.path()).args(["restore", &path("one")]).output().expect("it runs");
    assert!(refused.status.code() == Some(3) && text(&refused).contains("SignatureDoesNotMatch"), "{}", text(&refused));
    assert!(!still.path().join("data/gatepost.db").exists(), "and nothing is");
    shared.secret(SECRET);
    let done = command(still.path()).args(["restore", &path("one")]).output().expect("it runs");
    assert!(done.status.success() && keeps_nothing(still.path()), "{}", text(&done));
    let doctor = command(still.path()).args(["doctor", "--json"]).output().expect("it runs");
    assert_eq!(looked(&doctor, "bodies.files")["result"], "ok", "{}", text(&doctor));
    assert_eq!(looked(&doctor, "bodies.owner")["result"], "ok", "{}", text(&doctor));
    let server = Server::start_in(still, free_port(), &shared.settings("", 1), &[]);
    assert_eq!(server.told(&["quarantine", "show", &held]), as_it_was);
    let taken = server.run(&["backup", &path("two"), "--json"]);
    assert!(taken.status.success(), "{}", text(&taken));
    assert_eq!(serde_json::from_slice::<Value>(&taken.stdout).expect("JSON")["bodies"], 1);
    // Half a copy is none: it ends when the bucket does.
    shared.store.faults("GET");
    let refused = server.run(&["backup", &path("three")]);
    assert!(refused.status.code() == Some(3) && text(&refused).contains("AccessDenied"), "{}", text(&refused));
    assert_eq!(std::fs::read_dir(copies.path()).expect("a folder").count(), 2);
    shared.store.faults("");
    drop(server.kill());

    // The bucket is taken: another installation neither starts in it nor is put into it.
    let still = TempDir::new().expect("a folder");
    let listen = format!("[listen]\nsmtp = \"127.0.0.1:{}\"\nweb = \"\"\nstatus = \"\"\n", free_port());
    std::fs::write(still.path().join("gatepost.toml"), listen + &shared.settings("", 1)).expect("written");
    for verb in [vec!["restore".to_string(), path("two")], vec!["serve".to_string()]] {
        let refused = command(still.path()).args(&verb).output().expect("it ends");
        assert!(refused.status.code() == Some(3) && text(&refused).contains("another installation"), "{verb:?}: {}", text(&refused));
    }

    let still = TempDir::new().expect("a folder");
    std::fs::write(still.path().join("gatepost.toml"), &of_folder).expect("written");
    let done = command(still.path()).args(["restore", &path("two")]).output().expect("it runs");
    assert!(done.status.success() && !keeps_nothing(still.path()), "{}", text(&done));
    let server = Server::start_in(still, free_port(), &of_folder, &[]);
    assert_eq!(server.told(&["quarantine", "show", &held]), as_it_was);
}
