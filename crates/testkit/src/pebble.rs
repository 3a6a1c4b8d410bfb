//! A real ACME server (Pebble of Let's Encrypt, as Debian ships it) with the DNS of its own tests: every name leads to 127.0.0.1.

use crate::port;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PACKAGE: &str = "pebble";
const PROGRAM: &str = "/usr/bin/pebble";
const DNS_PROGRAM: &str = "/usr/bin/pebble-challtestsrv";
const START_MAX: Duration = Duration::from_secs(20);

/// A running server; stopped when dropped.
pub struct Pebble {
    /// Address of the directory.
    pub directory: String,
    /// Where it looks for answers, in place of port 80.
    pub http_port: u16,
    children: [Child; 2],
    folder: TempDir,
}

impl Pebble {
    /// `None` outside CI when it cannot be installed; panics in CI.
    pub fn start() -> Option<Pebble> {
        if !installed() {
            assert!(std::env::var_os("CI").is_none(), "CI needs the package {PACKAGE}");
            eprintln!("skipped with Pebble: install {PACKAGE}");
            return None;
        }
        let folder = TempDir::with_prefix("gatepost-pebble-").expect("a temporary folder");
        let [port, management, http_port, tls, dns, dns_management] = [(); 6].map(|()| port::free());
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_string(), "127.0.0.1".to_string()]).expect("a certificate");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file in the folder");
        write("certificate.pem", &key.cert.pem());
        write("key.pem", &key.signing_key.serialize_pem());
        let shown = folder.path().display();
        write(
            "config.json",
            &format!(
                "{{\"pebble\": {{\"listenAddress\": \"127.0.0.1:{port}\", \"managementListenAddress\": \"127.0.0.1:{management}\", \
                 \"certificate\": \"{shown}/certificate.pem\", \"privateKey\": \"{shown}/key.pem\", \"httpPort\": {http_port}, \"tlsPort\": {tls}, \
                 \"ocspResponderURL\": \"\", \"externalAccountBindingRequired\": false}}}}"
            ),
        );
        let log = |name: &str| std::fs::File::create(folder.path().join(name)).expect("a log");
        let mut names = Command::new(DNS_PROGRAM);
        names.args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]);
        names.args(["-dns01", &format!("127.0.0.1:{dns}"), "-management", &format!("127.0.0.1:{dns_management}")]);
        let names = names.stdout(Stdio::null()).stderr(log("dns.log")).spawn().expect("its DNS starts");
        let mut server = Command::new(PROGRAM);
        server.arg("-config").arg(folder.path().join("config.json")).args(["-dnsserver", &format!("127.0.0.1:{dns}")]);
        // Without the waits that imitate a busy authority. It still refuses some nonces, as a real one may.
        let server = server.env("PEBBLE_VA_NOSLEEP", "1").stdout(log("log")).stderr(Stdio::null()).spawn().expect("it starts");
        let pebble = Pebble { directory: format!("https://127.0.0.1:{port}/dir"), http_port, children: [server, names], folder };
        let begin = Instant::now();
        while [port, dns_management].iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            assert!(begin.elapsed() < START_MAX, "Pebble does not listen: {}", pebble.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(pebble)
    }

    /// The root that its own certificate is signed by.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the log of Pebble:\n{}", self.log());
        }
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn installed() -> bool {
    // SAFETY: geteuid reads a number of this process and cannot fail.
    let is_root = unsafe { libc::geteuid() == 0 };
    if !Path::new(PROGRAM).exists() && is_root {
        let mut install = Command::new("apt-get");
        install.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-y", "-q", "--no-install-recommends", PACKAGE]);
        // A machine without a network says so itself; what counts is whether the program is there afterwards.
        let _ = install.stdout(Stdio::null()).status();
    }
    Path::new(PROGRAM).exists() && Path::new(DNS_PROGRAM).exists()
}
