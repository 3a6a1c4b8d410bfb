//! A private unbound on a free port of 127.0.0.1: answers from records it is given, and fails as real resolvers fail.

use crate::port;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/sbin/unbound";
const START_MAX: Duration = Duration::from_secs(20);
/// Keys of a zone that its parent would vouch for, and that nobody has: every answer of the zone is bogus (RFC 4035 §4.3).
const WRONG_KEY: &str = "DS 31589 13 2 3490A6806D47F17A34C29E2CE80E8A999FFBE4BE3490A6806D47F17A34C29E2C";

/// What it knows. Records are lines of a zone file, with whole names that end in a dot.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    pub records: Vec<String>,
    /// Zones whose signatures do not fit, with their records.
    pub bogus: Vec<(String, Vec<String>)>,
    /// For everything else it asks somebody who never answers; without this, everything else does not exist.
    pub is_cut_off: bool,
}

/// A running resolver; stopped when dropped.
pub struct Unbound {
    pub address: SocketAddr,
    child: Option<Child>,
    folder: TempDir,
    /// Whom it asks in vain.
    _deaf: Option<UdpSocket>,
}

impl Unbound {
    /// `None` outside CI when it is not installed; panics in CI.
    pub fn start(setup: &Setup) -> Option<Unbound> {
        if !Path::new(PROGRAM).exists() {
            assert!(std::env::var_os("CI").is_none(), "CI needs unbound");
            eprintln!("skipped: unbound is not there");
            return None;
        }
        let folder = TempDir::with_prefix("gatepost-unbound-").expect("a folder");
        let port = port::free();
        let deaf = setup.is_cut_off.then(|| UdpSocket::bind("127.0.0.1:0").expect("a free port"));
        let conf = written(folder.path(), port, setup, deaf.as_ref());
        std::fs::write(folder.path().join("unbound.conf"), conf).expect("written");
        let child = Command::new(PROGRAM)
            .args(["-d", "-c"])
            .arg(folder.path().join("unbound.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("unbound starts");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let unbound = Unbound { address, child: Some(child), folder, _deaf: deaf };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(started.elapsed() < START_MAX, "unbound does not listen: {}", unbound.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(unbound)
    }

    /// What it wrote into its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends it: nothing listens at its address any more.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill(); // it may be gone already
            let _ = child.wait();
        }
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        self.stop();
    }
}

fn written(folder: &Path, port: u16, setup: &Setup, deaf: Option<&UdpSocket>) -> String {
    let shown = folder.display();
    let mut conf = format!(
        "server:\n directory: \"{shown}\"\n chroot: \"\"\n username: \"\"\n pidfile: \"{shown}/pid\"\n logfile: \"{shown}/log\"\n use-syslog: no\n \
         do-daemonize: no\n interface: 127.0.0.1\n port: {port}\n access-control: 127.0.0.0/8 allow\n do-ip6: no\n num-threads: 1\n \
         do-not-query-localhost: no\n module-config: \"validator iterator\"\n",
    );
    if !setup.is_cut_off {
        conf.push_str(" local-zone: \".\" static\n");
    }
    for record in &setup.records {
        conf.push_str(&format!(" local-data: '{record}'\n"));
    }
    for (zone, _) in &setup.bogus {
        conf.push_str(&format!(" local-zone: \"{zone}.\" transparent\n trust-anchor: \"{zone}. {WRONG_KEY}\"\n"));
    }
    conf.push_str("remote-control:\n control-enable: no\n");
    for (zone, records) in &setup.bogus {
        let file = folder.join(format!("{zone}.zone"));
        let head = format!(
            "{zone}. 60 IN SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 60\n{zone}. 60 IN NS ns.{zone}.\nns.{zone}. 60 IN A 127.0.0.1\n"
        );
        let signatures: Vec<String> = records.iter().filter_map(|record| signature(zone, record)).collect();
        std::fs::write(&file, format!("{head}{}\n{}\n", records.join("\n"), signatures.join("\n"))).expect("written");
        conf.push_str(&format!(
            "auth-zone:\n name: \"{zone}.\"\n for-downstream: no\n for-upstream: yes\n fallback-enabled: no\n zonefile: \"{}\"\n",
            file.display()
        ));
    }
    if let Some(deaf) = deaf {
        let port = deaf.local_addr().expect("an address").port();
        conf.push_str(&format!("forward-zone:\n name: \".\"\n forward-addr: 127.0.0.1@{port}\n"));
    }
    conf
}

/// A signature of a record ("name. 60 IN MX …") that proves nothing: 64 octets of zero. Without any, unbound takes the server for one that
/// does not know signatures and gives no answer to those either who want it unchecked (the CD bit).
fn signature(zone: &str, record: &str) -> Option<String> {
    let mut words = record.split_ascii_whitespace();
    let (name, kind) = (words.next()?, words.nth(2)?);
    let labels = name.trim_end_matches('.').split('.').count();
    let octets = format!("{}==", "A".repeat(86));
    Some(format!("{name} 60 IN RRSIG {kind} 13 {labels} 60 20361231000000 20260101000000 12345 {zone}. {octets}"))
}
