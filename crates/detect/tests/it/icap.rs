//! A real c-icap of the distribution with its virus_scan service, behind which a real clamd with our own signatures stands.

use crate::clamd::{Server as Clamd, installed};
use crate::scene::{attached, eicar};
use detect::malware::{Engine, icap::Icap};
use detect::settings::IcapSettings;
use detect::{Finding, Kind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// c-icap starts in a second; slow machines get more.
const START_MAX: Duration = Duration::from_secs(30);

struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    /// Asked by the service.
    _clamd: Clamd,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It stops its own workers when asked; killed, it would leave them behind.
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Server {
    /// `None` outside CI when a program is not installed and cannot be.
    fn start() -> Option<Server> {
        let program = installed("/usr/bin/c-icap", "c-icap libc-icap-mod-virus-scan")?;
        let clamd = Clamd::start("25M")?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let modules = "/usr/lib/x86_64-linux-gnu/c_icap";
        let modules = if std::path::Path::new(modules).exists() { modules } else { "/usr/lib/c_icap" };
        let config = format!(
            "PidFile {}\nCommandsSocket {}\nTimeout 30\nStartServers 1\nMaxServers 1\nMinSpareThreads 1\nMaxSpareThreads 4\nThreadsPerChild 4\n\
             Port 127.0.0.1:{port}\nServerAdmin admin@gate.example\nServerName gate.example\nTmpDir {}\nModulesDir {modules}\nServicesDir {modules}\n\
             TemplateDir /usr/share/c_icap/templates/\nTemplateDefaultLanguage en\nLoadMagicFile /etc/c-icap/c-icap.magic\nServerLog {}\nAccessLog {}\n\
             Service echo srv_echo.so\nService antivirus virus_scan.so\nServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple\n\
             virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE\nvirus_scan.MaxObjectSize 20M\n\
             Module common clamd_mod.so\nclamd_mod.ClamdSocket {}\nvirus_scan.DefaultEngine clamd\n",
            at("c-icap.pid"),
            at("c-icap.ctl"),
            folder.path().display(),
            at("server.log"),
            at("access.log"),
            clamd.socket().display(),
        );
        std::fs::write(folder.path().join("c-icap.conf"), config).unwrap();
        let child = Command::new(program)
            .args(["-N", "-f"])
            .arg(folder.path().join("c-icap.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Server { child, port, folder, _clamd: clamd };
        server.wait();
        Some(server)
    }

    fn wait(&mut self) {
        let start = Instant::now();
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
            let log = || std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default();
            assert!(start.elapsed() < START_MAX, "c-icap did not start: {}", log());
            assert!(self.child.try_wait().unwrap().is_none(), "c-icap ended: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn engine(&self, service: &str) -> Icap {
        let address = format!("icap://127.0.0.1:{}/{service}", self.port);
        Icap::new(&IcapSettings { address, time_limit_ms: 20_000, content_max_octets: 25 << 20, scans_max: 2 }).unwrap()
    }
}

async fn scan(engine: &Icap, name: &str, content: &[u8]) -> Vec<Finding> {
    engine.scan(&attached(name, content)).await
}

#[tokio::test]
async fn a_real_scanner_is_asked_over_icap() {
    let Some(server) = Server::start() else { return };
    let engine = server.engine("avscan");
    assert_eq!(scan(&engine, "a.txt", b"harmless").await, []);
    assert_eq!(scan(&engine, "a.bin", &vec![7u8; 3 << 20]).await, [], "long mails too");
    let findings = scan(&engine, "a.com", eicar().as_bytes()).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].check.as_ref(), findings[0].kind), ("malware.icap", Kind::Malware));
    assert!(findings[0].evidence.contains("Test.Eicar.Own"), "{findings:?}");
    let content = eicar();
    let many = (0..8).map(|_| scan(&engine, "a.com", content.as_bytes()));
    assert!(futures_util::future::join_all(many).await.iter().all(|found| found.len() == 1), "eight at a time through two places");
    // The echo service gives everything back as it was.
    assert_eq!(scan(&server.engine("echo"), "a.com", eicar().as_bytes()).await, []);
    let missing = scan(&server.engine("nothing"), "a.txt", b"harmless").await;
    assert_eq!((missing[0].check.as_ref(), missing[0].kind), ("malware.icap.unavailable", Kind::Unknown), "{missing:?}");
}

#[tokio::test]
async fn what_is_not_there_or_does_not_answer_is_unknown() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let closed_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for port in [silent_port, closed_port] {
        let address = format!("icap://127.0.0.1:{port}/avscan");
        let engine = Icap::new(&IcapSettings { address, time_limit_ms: 200, content_max_octets: 1 << 20, scans_max: 1 }).unwrap();
        let findings = scan(&engine, "a.txt", b"harmless").await;
        assert_eq!((findings[0].check.as_ref(), findings[0].kind), ("malware.icap.unavailable", Kind::Unknown), "{findings:?}");
    }
}
