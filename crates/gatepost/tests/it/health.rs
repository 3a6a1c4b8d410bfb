//! The fault lab: the real binary with real faults, each with the service it turns, for whom, and how long that takes.
//! GATEPOST_LAB_DEFAULTS=1: with the intervals that people get. GATEPOST_LAB_LONG=1: the quiet hour and the noise as well.

use crate::lab::{
    Beside, clamd, get, health, lab, late, next_hop, organisations, quiet_lab, restored, shown, states, summary, with_defaults,
};
use crate::server::{Server, command, free_port, message, send};
use serde_json::Value;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NO_DNS: &str = "[dns]\nservers = \"off\"\n";

fn issues(server: &Server) -> Vec<Value> {
    server.rows(&["incident", "list", "--json"])
}

/// The organisation that a state is for.
fn whose(line: &str) -> &str {
    line.rsplit('@').next().unwrap_or_default()
}

#[test]
fn one_connector_of_one_organisation_breaks_and_comes_back() {
    let (one, two) = (Beside::tcp(0, next_hop), Beside::tcp(0, next_hop));
    let (server, status) = quiet_lab(&format!("{}{NO_DNS}{}", health(""), organisations(one.port, two.port)));
    let port = one.stop();
    let is_down = |line: &String| line.starts_with("connector:one serviceInterruption connector.unreachable/one@");
    shown("the connector is interrupted", || states(&server).iter().any(is_down));
    let found = states(&server);
    let org = found.iter().find(|line| is_down(line)).map(|line| whose(line)).unwrap_or_default();
    assert_ne!(org, "0");
    assert!(found.iter().all(|line| whose(line) == org), "only for the organisation it touches: {found:?}");
    assert!(found.iter().any(|line| line.starts_with("delivery serviceDegradation")), "{found:?}");
    let known = issues(&server);
    assert_eq!((known.len(), known[0]["is_open"].clone(), known[0]["classification"].clone()), (1, true.into(), "incident".into()));
    assert!(known[0]["evidence"]["numbers"]["in_row"].as_i64().unwrap_or(0) >= 2, "true evidence: {}", known[0]);
    assert_eq!(summary(status)["status"]["indicator"], "none", "nobody else is told");
    let id = known[0]["id"].as_str().expect("an id").to_string();
    let green = server.run(&["incident", "post", &id, "--text", "fine", "--status", "serviceRestored"]);
    assert_eq!(green.status.code(), Some(2), "{}", String::from_utf8_lossy(&green.stderr));
    // Long enough that the last minute holds nothing but failures.
    std::thread::sleep(Duration::from_secs(if with_defaults() { 45 } else { 5 }));
    let _back = Beside::tcp(port, next_hop);
    restored("the connector is restored", || states(&server).is_empty());
    std::thread::sleep(Duration::from_secs(if with_defaults() { 20 } else { 2 }));
    assert!(states(&server).is_empty(), "{:?}", states(&server));
    let known = issues(&server);
    assert_eq!((known.len(), known[0]["status"].clone(), known[0]["is_open"].clone()), (1, "serviceRestored".into(), false.into()));
    let show = server.rows(&["incident", "show", &id, "--json"]);
    assert!(show[0]["posts"].as_array().is_some_and(|posts| posts.len() >= 3), "began, restoring, over: {}", show[0]);
}

#[test]
fn the_next_hop_of_several_stops() {
    let (both, other) = (Beside::tcp(0, next_hop), Beside::tcp(0, next_hop));
    let more = organisations(both.port, both.port) + &crate::lab::organisation("three", other.port);
    let (server, status) = quiet_lab(&format!("{}{NO_DNS}{more}", health("")));
    let port = both.stop();
    let is_of = |found: &[String], name: &str| found.iter().any(|line| line.starts_with(&format!("connector:{name} serviceInterruption")));
    shown("both connectors are interrupted", || {
        let found = states(&server);
        is_of(&found, "one") && is_of(&found, "two")
    });
    let found = states(&server);
    assert!(!found.iter().any(|line| line.contains("three") || whose(line) == "0"), "the third is not touched: {found:?}");
    assert_eq!(summary(status)["status"]["indicator"], "none");
    let _back = Beside::tcp(port, next_hop);
    restored("both are restored", || states(&server).is_empty());
}

#[test]
fn an_engine_stops() {
    let engine = Beside::tcp(0, clamd);
    let settings = format!("{}{NO_DNS}[detect.clamd]\naddress = \"127.0.0.1:{}\"\n", health(""), engine.port);
    let (server, status) = quiet_lab(&settings);
    let port = engine.stop();
    shown("filtering is degraded", || states(&server) == ["filtering serviceDegradation filter.engine/clamd@0"]);
    shown("the status site says so", || summary(status)["components"][1]["status"] == "degraded_performance");
    assert!(issues(&server)[0]["evidence"]["said"].as_str().is_some_and(|said| said.contains("refused")), "{:?}", issues(&server));
    let _engine = Beside::tcp(port, clamd);
    restored("the engine is back", || states(&server).is_empty());
}

#[test]
fn dns_stops() {
    let dns = Beside::dns(0);
    let (server, _) = quiet_lab(&format!("{}[dns]\nservers = [\"127.0.0.1:{}\"]\nwait = \"500ms\"\n", health(""), dns.port));
    let port = dns.stop();
    shown("DNS is missed", || states(&server).iter().any(|line| line == "filtering serviceDegradation dns.unreachable/@0"));
    assert!(states(&server).iter().all(|line| line.starts_with("filtering ") || line.starts_with("delivery ")), "{:?}", states(&server));
    let _dns = Beside::dns(port);
    restored("DNS is back", || states(&server).is_empty());
}

#[test]
fn the_queue_fills() {
    let (dead, alive) = (free_port(), Beside::tcp(0, next_hop));
    let (server, status) = lab(&format!("{}{NO_DNS}{}", health("queue_depth = 20\n"), organisations(dead, alive.port)));
    for n in 0..24 {
        let mail = message(&format!("q{n}"), "a@sender.example", "hello");
        let reply = send(server.smtp, "a@sender.example", "li@one.example", &mail).expect("an answer");
        assert!(reply.starts_with("250"), "{reply}");
    }
    // Beside the next hop that is away, which may be what the service's state names.
    let is_depth = |issue: &&Value| issue["cause"] == "queue.depth";
    shown("the queue is long", || issues(&server).iter().find(is_depth).is_some_and(|issue| issue["status"] == "serviceDegradation"));
    assert!(states(&server).iter().any(|line| line.starts_with("delivery serviceDegradation ")), "{:?}", states(&server));
    let known = issues(&server);
    let issue = known.iter().find(is_depth).expect("an issue");
    assert_eq!(issue["evidence"]["numbers"]["waiting"], 24, "true evidence: {issue}");
    assert_ne!(issue["org"], 0, "it is one organisation's queue");
    assert_eq!(summary(status)["status"]["indicator"], "none", "the other's mail goes out");
    let _back = Beside::tcp(dead, next_hop);
    // What waited is sent as soon as the next hop is seen again, not at the end of its pause of five minutes.
    restored("the queue is empty and all is well", || states(&server).is_empty());
}

fn certificate(years: (i32, i32), folder: &std::path::Path) {
    let mut params = rcgen::CertificateParams::new(vec!["gate.test".to_string()]).expect("a name");
    let key = rcgen::KeyPair::generate().expect("a key");
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(years.0, 1, 1), rcgen::date_time_ymd(years.1, 1, 1));
    let made = params.self_signed(&key).expect("a certificate");
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).expect("written");
    std::fs::write(folder.join("cert.pem"), made.pem()).expect("written");
}

#[test]
fn a_certificate_ends_and_is_renewed() {
    let data = TempDir::new().expect("a folder");
    certificate((2020, 2040), data.path());
    let path = |name: &str| data.path().join(name).display().to_string();
    let tls = format!("[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", path("cert.pem"), path("key.pem"));
    let (server, _) = quiet_lab(&format!("{tls}{}{NO_DNS}", health("")));
    certificate((2020, 2021), data.path());
    shown("the certificate is spoken of", || states(&server) == ["intake serviceDegradation certificate.expired/@0"]);
    assert!(issues(&server)[0]["evidence"]["numbers"]["days"].as_i64().is_some_and(|days| days > 2_000), "{:?}", issues(&server));
    certificate((2020, 2041), data.path());
    restored("the new one is in use", || states(&server).is_empty());
}

#[test]
fn the_database_is_held_and_the_status_site_stands() {
    let (server, status) = lab(&format!("{}{NO_DNS}", health(if with_defaults() { "" } else { "database_slow = \"1s\"\n" })));
    shown("the watcher looks", || summary(status)["status"]["indicator"] == "none");
    let file = server.data.path().join("data/gatepost.db");
    let holder = rusqlite::Connection::open(&file).expect("the database");
    holder.execute_batch("BEGIN IMMEDIATE").expect("held");
    shown("intake is not well", || summary(status)["components"][0]["status"] != "operational");
    let seen = summary(status);
    let cause = &seen["components"][0]["evidence"]["cause"];
    assert!(cause.as_str().is_some_and(|cause| cause.starts_with("database.")), "{}", seen["components"][0]);
    assert!(get(status, "/").is_some_and(|page| page.contains("<h1>")), "the page stands");
    assert!(get(status, "/metrics").is_some_and(|text| text.contains("gatepost_part_up{part=\"database\"}")));
    holder.execute_batch("ROLLBACK").expect("let go");
    restored("intake is well again", || summary(status)["status"]["indicator"] == "none");
    // What happened meanwhile is written down afterwards.
    let is_written =
        |issue: &Value| issue["cause"].as_str().is_some_and(|cause| cause.starts_with("database.")) && issue["is_open"] == false;
    restored("the issue is closed", || issues(&server).iter().any(is_written));
}

/// Not gone, but slow: somebody holds it for two and a half seconds, again and again.
#[test]
fn the_database_is_slow() {
    let (server, status) = quiet_lab(&format!("{}{NO_DNS}", health("")));
    let file = server.data.path().join("data/gatepost.db");
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let holding = std::thread::spawn(move || {
        let holder = rusqlite::Connection::open(&file).expect("the database");
        holder.busy_timeout(Duration::from_secs(30)).expect("it waits");
        while !stopped.load(Ordering::Relaxed) {
            holder.execute_batch("BEGIN IMMEDIATE").expect("held");
            std::thread::sleep(Duration::from_millis(2_500));
            holder.execute_batch("ROLLBACK").expect("let go");
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    shown("intake is not well", || summary(status)["components"][0]["status"] != "operational");
    let cause = summary(status)["components"][0]["evidence"]["cause"].clone();
    assert!(cause.as_str().is_some_and(|cause| cause.starts_with("database.")), "{cause}");
    stop.store(true, Ordering::Relaxed);
    holding.join().expect("it ends");
    restored("intake is well again", || summary(status)["status"]["indicator"] == "none");
}

/// PostgreSQL behind a line that became slow: half a second a round trip.
#[test]
fn the_line_to_postgresql_is_slow() {
    let Some(database) = testkit::postgres::postgres() else { return };
    let (host, name) = database.url.trim_start_matches("postgres://").split_once('/').expect("a name");
    let (account, at) = host.split_once('@').expect("an account");
    let (port, late_ms) = late(at.to_string());
    let url = format!("postgres://{account}@127.0.0.1:{port}/{name}");
    let (server, status) = quiet_lab(&format!("{}{NO_DNS}[store]\nurl = \"{url}\"\n", health("")));
    late_ms.store(500, Ordering::Relaxed);
    shown("intake is not well", || summary(status)["components"][0]["status"] != "operational");
    let cause = summary(status)["components"][0]["evidence"]["cause"].clone();
    assert!(cause.as_str().is_some_and(|cause| cause.starts_with("database.")), "{cause}");
    late_ms.store(0, Ordering::Relaxed);
    restored("intake is well again", || summary(status)["status"]["indicator"] == "none");
    let is_written =
        |issue: &Value| issue["cause"].as_str().is_some_and(|cause| cause.starts_with("database.")) && issue["is_open"] == false;
    restored("the issue is closed", || issues(&server).iter().any(is_written));
}

/// A mail of our own goes through the real port, is judged, committed, queued and delivered; nothing of it stays.
#[test]
fn a_probe_goes_the_whole_way_and_leaves_nothing() {
    let (server, status) = quiet_lab(&format!("{}{NO_DNS}", health("mail_probe_every = \"500ms\"\n")));
    let probes = || {
        let text = get(status, "/metrics").unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("gatepost_probe_seconds_count")).map(str::to_string);
        line.and_then(|line| line.split(' ').nth(1)?.parse::<u32>().ok()).unwrap_or(0)
    };
    shown("three probes arrived", || probes() >= 3);
    assert!(server.rows(&["trace", "list", "--json"]).is_empty(), "no trace of them");
    let file = server.data.path().join("data/gatepost.db");
    let rows = || -> i64 {
        let db = rusqlite::Connection::open(&file).expect("the database");
        let sql = "SELECT (SELECT count(*) FROM mail) + (SELECT count(*) FROM recipient) + (SELECT count(*) FROM body) + (SELECT count(*) FROM event WHERE mail > 0)";
        db.query_row(sql, [], |row| row.get(0)).expect("a number")
    };
    shown("its rows are gone", || rows() == 0);
    assert!(states(&server).is_empty(), "{:?}", states(&server));
    let stranger =
        send(server.smtp, "a@sender.example", "0123456789abcdef0123456789abcdef@probe.invalid", &message("x", "a@b.example", "x"));
    assert!(stranger.expect("an answer").starts_with("550"), "nobody else sends there");
    // Where it is delivered is no folder any more.
    let folder = server.data.path().join("data/probe");
    shown("the folder is blocked", || {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::write(&folder, "").is_ok()
    });
    shown("delivery is degraded", || states(&server) == ["delivery serviceDegradation probe.late/@0"]);
    assert!(
        issues(&server)[0]["evidence"]["said"].as_str().is_some_and(|said| said.contains("cannot be written")),
        "{:?}",
        issues(&server)
    );
    restored("the folder is free again", || std::fs::remove_file(&folder).is_ok() || !folder.exists());
    restored("delivery is well", || states(&server).is_empty());
}

/// One in ten next hops, DNS questions and scans is lost: nothing is said. Nine in ten: it is said once.
#[test]
fn noise_changes_nothing_and_a_noisy_fault_does_not_flap() {
    let (dns, engine, one, two) = (Beside::dns(0), Beside::tcp(0, clamd), Beside::tcp(0, next_hop), Beside::tcp(0, next_hop));
    let beside = format!(
        "[dns]\nservers = [\"127.0.0.1:{}\"]\nwait = \"500ms\"\n[detect.clamd]\naddress = \"127.0.0.1:{}\"\n",
        dns.port, engine.port
    );
    let (server, _) = quiet_lab(&format!("{}{beside}{}", health(""), organisations(one.port, two.port)));
    let lasts = Duration::from_secs(match (with_defaults(), std::env::var_os("GATEPOST_LAB_LONG")) {
        (_, Some(_)) => 600,
        (true, None) => 180,
        (false, None) => 20,
    });
    [&dns, &engine, &one, &two].into_iter().for_each(|part| part.fails(10));
    let begun = Instant::now();
    for n in 0.. {
        let mail = message(&format!("n{n}"), "a@sender.example", "hello");
        let _ = send(server.smtp, "a@sender.example", if n % 2 == 0 { "li@one.example" } else { "li@two.example" }, &mail);
        std::thread::sleep(Duration::from_millis(200));
        if begun.elapsed() > lasts {
            break;
        }
    }
    assert!(issues(&server).is_empty(), "a tenth is noise: {:?}", issues(&server));
    engine.fails(90);
    shown("filtering is degraded", || states(&server).iter().any(|line| line.ends_with("filter.engine/clamd@0")));
    std::thread::sleep(lasts / 2);
    let known = issues(&server);
    let id = known[0]["id"].as_str().expect("an id");
    let posts = server.rows(&["incident", "show", id, "--json"])[0]["posts"].as_array().map_or(0, Vec::len);
    assert_eq!((known.len(), known[0]["is_open"].clone(), posts), (1, true.into(), 1), "it began, once: {known:?}");
}

/// 20,000 mails at full speed, as an hour brings them to this machine: nothing is said. Looks come as often as `[health]` says,
/// four times a second with `every = "250ms"`, as many as an hour has.
#[test]
fn a_quiet_hour_of_mail_changes_nothing() {
    const MAILS: usize = 20_000;
    const SENDERS: usize = 4;
    if std::env::var_os("GATEPOST_LAB_LONG").is_none() {
        return;
    }
    let (one, two) = (Beside::tcp(0, next_hop), Beside::tcp(0, next_hop));
    let (server, status) = quiet_lab(&format!("{}{NO_DNS}{}", health(""), organisations(one.port, two.port)));
    let (begun, smtp) = (Instant::now(), server.smtp);
    let send_some = |sender: usize| {
        move || {
            for n in 0..MAILS / SENDERS {
                let to = ["li@one.example", "bo@two.example"][n % 2];
                let mail = message(&format!("h{sender}-{n}"), "a@sender.example", "hello");
                let reply = send(smtp, "a@sender.example", to, &mail).expect("an answer");
                assert!(reply.starts_with("250"), "{reply}");
            }
        }
    };
    let senders: Vec<_> = (0..SENDERS).map(|sender| std::thread::spawn(send_some(sender))).collect();
    senders.into_iter().for_each(|sender| sender.join().expect("all were taken"));
    eprintln!("{MAILS} mails in {:?}", begun.elapsed());
    assert!(issues(&server).is_empty() && states(&server).is_empty(), "{:?} {:?}", issues(&server), states(&server));
    assert_eq!(summary(status)["status"]["indicator"], "none");
}

#[test]
fn with_the_server_killed_the_folder_still_tells_the_last_known_state() {
    let (server, status) = lab(&format!("{}{NO_DNS}", health("")));
    shown("the watcher looks", || summary(status)["status"]["indicator"] == "none");
    let folder = server.data.path().join("data/status");
    shown("the folder is written", || folder.join("zh-CN.html").exists());
    let (data, _) = server.kill();
    assert_eq!(get(status, "/"), None, "the server is dead");
    let address = format!("127.0.0.1:{}", free_port());
    let site = command(data.path()).args(["status-site", "--listen", &address, "--folder"]).arg(&folder).stdout(Stdio::null()).spawn();
    let mut site = Stopped(site.expect("it starts"));
    let address: SocketAddr = address.parse().expect("an address");
    shown("another process serves", || summary(address)["status"]["indicator"] == "none");
    // An hour later nobody has written.
    let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3_600);
    std::fs::File::options().write(true).open(folder.join("index.html")).and_then(|file| file.set_modified(hour_ago)).expect("aged");
    let page = get(address, "/").expect("a page");
    assert!(page.contains("60 minutes old"), "{page}");
    assert!(get(address, "/zh-CN").is_some_and(|page| page.contains("所有服务运行正常")));
    assert!(get(address, "/../gatepost.toml").is_none_or(|text| !text.contains("[listen]")), "nothing but the site");
    let _ = site.0.kill();
}

struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
