//! A real clamd of the distribution, with two signatures of our own.

use crate::scene::{attached, eicar};
use detect::malware::{Engine, clamd::Clamd};
use detect::settings::ClamdSettings;
use detect::{Finding, Kind};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The start of the code of the harmless program in Debian's clamav-testfiles.
const TEST_PROGRAM: &str = "33c050508bf3535350b02940300466ac79f9ba3100780dad50ff6670";

/// clamd loads these signatures in a second; slow machines get more.
const START_MAX: Duration = Duration::from_secs(60);

pub struct Server {
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
    pub fn start(stream_max: &str) -> Option<Server> {
        let program = installed("/usr/sbin/clamd", "clamav-daemon")?;
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db");
        std::fs::create_dir(&database).unwrap();
        let hex: String = eicar().bytes().map(|octet| format!("{octet:02x}")).collect();
        let signatures = format!("Test.Eicar.Own:0:*:{hex}\nTest.Program.Own:0:*:{TEST_PROGRAM}\n");
        std::fs::write(database.join("own.ndb"), signatures).unwrap();
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

    pub fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("clamd.sock")
    }

    fn engine(&self, by_socket: bool) -> Clamd {
        let address = if by_socket { self.socket().display().to_string() } else { format!("127.0.0.1:{}", self.port) };
        Clamd::new(&ClamdSettings { address, time_limit_ms: 20_000, content_max_octets: 25 << 20, scans_max: 2 })
    }
}

/// The program, whose package is installed when it is missing and we may.
pub fn installed(program: &'static str, packages: &str) -> Option<&'static str> {
    if !Path::new(program).exists() {
        let wanted = packages.split(' ');
        let _ = Command::new("apt-get").args(["install", "-y", "-q"]).args(wanted).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    if Path::new(program).exists() {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs {program}: apt-get install {packages}");
    eprintln!("skipped: {program} is not installed (apt-get install {packages})");
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

/// Debian's clamav-testfiles, each as an attachment.
#[tokio::test]
async fn the_test_files_of_clamav_are_found_by_clamd() {
    let folder = Path::new("/usr/share/clamav-testfiles");
    let Some(server) = Server::start("25M").filter(|_| folder.exists()) else {
        assert!(std::env::var_os("CI").is_none(), "CI needs clamav-testfiles");
        return;
    };
    let engine = server.engine(true);
    let (mut missed, mut found) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let findings = scan(&engine, &name, &std::fs::read(&path).unwrap()).await;
        match findings.first() {
            Some(finding) if finding.check == "malware.clamd" => found += 1,
            _ => missed.push(format!("{name}: {findings:?}")),
        }
    }
    println!("{found} found by clamd, {missed:?} not");
    assert!(found >= 40 && missed.is_empty(), "{missed:?}");
}

#[tokio::test]
async fn clamd_tells_its_version() {
    let Some(server) = Server::start("25M") else { return };
    let state = server.engine(false).signatures().await;
    assert!(state.version.is_some_and(|version| version.starts_with("ClamAV ")), "{:?}", state.error);
}
