//! A real clamd of the distribution, with one signature of our own.

use crate::scene::{attached, eicar};
use detect::malware::{Engine, clamd::Clamd};
use detect::settings::ClamdSettings;
use detect::{Finding, Kind};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// clamd loads one signature in a second; slow machines get more.
const START_MAX: Duration = Duration::from_secs(60);

struct Server {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// `None` outside CI when clamd is not installed and cannot be.
    fn start(stream_max: &str) -> Option<Server> {
        let program = installed()?;
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db");
        std::fs::create_dir(&database).unwrap();
        let hex: String = eicar().bytes().map(|octet| format!("{octet:02x}")).collect();
        std::fs::write(database.join("own.ndb"), format!("Test.Eicar.Own:0:*:{hex}\n")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "Foreground yes\nDatabaseDirectory {}\nLocalSocket {}\nTCPSocket {port}\nTCPAddr 127.0.0.1\nLogFile {}\nPidFile {}\n\
             StreamMaxLength {stream_max}\nOfficialDatabaseOnly no\n",
            database.display(),
            at("clamd.sock"),
            at("clamd.log"),
            at("clamd.pid")
        );
        std::fs::write(folder.path().join("clamd.conf"), config).unwrap();
        let child = Command::new(program)
            .arg("-c")
            .arg(folder.path().join("clamd.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Server { child, folder, port };
        server.wait();
        Some(server)
    }

    fn wait(&mut self) {
        let start = Instant::now();
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        while std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() || !self.socket().exists() {
            let log = || std::fs::read_to_string(self.folder.path().join("clamd.log")).unwrap_or_default();
            assert!(start.elapsed() < START_MAX, "clamd did not start: {}", log());
            assert!(self.child.try_wait().unwrap().is_none(), "clamd ended: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("clamd.sock")
    }

    fn engine(&self, by_socket: bool) -> Clamd {
        let address = if by_socket { self.socket().display().to_string() } else { format!("127.0.0.1:{}", self.port) };
        Clamd::new(&ClamdSettings { address, time_limit_ms: 20_000, content_max_octets: 25 << 20, scans_max: 2 })
    }
}

/// The program, installed when it is missing and we may.
fn installed() -> Option<&'static str> {
    let program = "/usr/sbin/clamd";
    if !Path::new(program).exists() {
        let _ = Command::new("apt-get").args(["install", "-y", "-q", "clamav-daemon"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    if Path::new(program).exists() {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs clamd: apt-get install clamav-daemon");
    eprintln!("skipped: clamd is not installed (apt-get install clamav-daemon)");
    None
}

async fn scan(engine: &Clamd, name: &str, content: &[u8]) -> Vec<Finding> {
    engine.scan(&attached(name, content)).await
}

#[tokio::test]
async fn a_real_clamd_is_asked_by_both_ways() {
    let Some(server) = Server::start("25M") else { return };
    for by_socket in [false, true] {
        let engine = server.engine(by_socket);
        assert_eq!(scan(&engine, "a.txt", b"harmless").await, [], "by socket: {by_socket}");
        let findings = scan(&engine, "a.com", eicar().as_bytes()).await;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((findings[0].check.as_ref(), findings[0].kind), ("malware.clamd", Kind::Malware));
        assert!(findings[0].evidence.contains("Test.Eicar.Own"), "{findings:?}");
        let content = eicar();
        let many = (0..8).map(|_| scan(&engine, "a.com", content.as_bytes()));
        assert!(futures_util::future::join_all(many).await.iter().all(|found| found.len() == 1), "eight at a time through two places");
    }
}

#[tokio::test]
async fn what_clamd_refuses_or_does_not_answer_is_unknown() {
    let Some(mut server) = Server::start("1M") else { return };
    let engine = server.engine(true);
    let findings = scan(&engine, "a.bin", &vec![7u8; 3 << 20]).await;
    assert_eq!((findings[0].check.as_ref(), findings[0].kind), ("malware.clamd.unavailable", Kind::Unknown), "{findings:?}");
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let findings = scan(&engine, "a.txt", b"harmless").await;
    assert_eq!((findings[0].check.as_ref(), findings[0].kind), ("malware.clamd.unavailable", Kind::Unknown), "{findings:?}");
}
