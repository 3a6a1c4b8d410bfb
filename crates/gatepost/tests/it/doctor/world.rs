//! One installation that ran and was stopped; copied for each case.

use crate::server::{PROGRAM, free_port};
use serde_json::Value;
use std::any::Any;
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const START_MAX: Duration = Duration::from_secs(60);
pub const PASSWORD: &str = "correct-horse-battery";
pub const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$Wm9ydHpvcnR6";

/// An installation to break.
pub struct World {
    folder: TempDir,
    /// What [`World::doctor`] adds to its command line.
    pub arguments: Vec<String>,
    /// What has to live while the case runs: listeners, locks, servers, mounts.
    pub guards: Vec<Box<dyn Any>>,
    /// Open files allowed, when not as many as here.
    pub descriptors: Option<u32>,
    pub is_skipped: bool,
    pub port: u16,
}

/// `[listen]` and what a real installation has; `FOLDER` is where it lies.
fn settings(port: u16, dns: u16) -> String {
    format!(
        "[listen]\nname = \"gate.test\"\nsmtp = \"127.0.0.1:{port}\"\nweb = \"127.0.0.1:0\"\nstatus = \"\"\n\
         [tls]\ncertificate = \"FOLDER/cert.pem\"\nkey = \"FOLDER/key.pem\"\n[dns]\nservers = \"127.0.0.1:{dns}\"\n[limits]\nconnections_max = 100\n\
         [[intake.login]]\nname = \"li@demo.example\"\nhash = '{HASH}'\n\
         [[organisation]]\nname = \"demo\"\nconnector = \"box\"\n[[connector]]\nname = \"box\"\nprotocol = \"folder\"\nfolder = \"FOLDER/boxes\"\n\
         [[connector]]\nname = \"out\"\norganisation = \"demo\"\nhosts = [\"mx.partner.example:25\"]\nlogin = \"relay@demo.example\"\npassword = \"{PASSWORD}\"\n\
         [[domain]]\nname = \"demo.example\"\nrecipients = \"any\"\n[[recipient]]\naddress = \"li@demo.example\"\nname = \"Li\"\n"
    )
}

/// DNS that knows no name; lives as long as the test.
fn dns() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(|| {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            let mut octets = [0; 1_500];
            while let Ok((length, from)) = socket.recv_from(&mut octets) {
                (octets[2], octets[3]) = (0x81, 0x83); // QR, RD, RA; NXDOMAIN (RFC 1035 §4.1.1)
                let _ = socket.send_to(&octets[..length], from);
            }
        });
        port
    })
}

/// The data folder of an installation that has run, with a sealed DKIM key and one large body.
fn template() -> Option<&'static Path> {
    static TEMPLATE: OnceLock<Option<TempDir>> = OnceLock::new();
    let made = TEMPLATE.get_or_init(|| {
        let mut world = World::new(TempDir::new().ok()?);
        world.write(&settings(world.port, dns()));
        let mut server = world.serve();
        server.end();
        let database = rusqlite::Connection::open(world.data().join("gatepost.db")).ok()?;
        let seal = gateway::dkim::Seal::open_file(&world.data().join("seal.key")).ok()?;
        let sealed = seal.close("a private key", &gateway::dkim::context("demo.example", "s1")).ok()?;
        let key = "INSERT INTO dkim_key (id, org, domain, selector, kind, state, record, sealed, made_ms, state_ms, rotate_days) \
                   VALUES (1, 1, 'demo.example', 's1', 'ed25519', 'active', 'v=DKIM1', ?1, 0, 0, 0)";
        database.execute(key, [sealed]).ok()?;
        database.execute("INSERT INTO body (mail, place, octets) VALUES (1, '1/00/0000000000000001', x'')", []).ok()?;
        let body = world.data().join("bodies/1/00");
        std::fs::create_dir_all(&body).ok()?;
        std::fs::write(body.join("0000000000000001"), "a large body").ok()?;
        database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").ok()?;
        Some(std::mem::replace(&mut world.folder, TempDir::new().ok()?))
    });
    made.as_ref().map(TempDir::path)
}

impl World {
    fn new(folder: TempDir) -> World {
        certificate(folder.path(), "", "gate.test", (2025, 2100));
        World { folder, arguments: Vec::new(), guards: Vec::new(), descriptors: None, is_skipped: false, port: free_port() }
    }

    /// A copy of the template, with ports and a certificate of its own.
    pub fn healthy() -> Option<World> {
        let world = World::new(TempDir::new().ok()?);
        let copied = Command::new("cp").arg("-a").arg(template()?.join("data")).arg(world.folder.path()).status().ok()?;
        world.write(&settings(world.port, dns()));
        copied.success().then_some(world)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data().join("gatepost.db")).expect("the database")
    }

    /// Replaces the settings; `FOLDER` is this world's.
    pub fn write(&self, settings: &str) {
        use std::os::unix::fs::PermissionsExt;
        let file = self.path().join("gatepost.toml");
        std::fs::write(&file, settings.replace("FOLDER", &self.path().display().to_string())).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("set");
    }

    /// Changes the settings.
    pub fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path().join("gatepost.toml")).expect("settings");
        let edited = text.replacen(from, to, 1);
        assert_ne!(text, edited, "{from} stands in the settings");
        self.write(&edited);
    }

    /// Adds a table at the end of the settings.
    pub fn add(&self, table: &str) {
        let text = std::fs::read_to_string(self.path().join("gatepost.toml")).expect("settings");
        self.write(&format!("{text}{table}"));
    }

    pub fn command(&self) -> Command {
        let program = match self.descriptors {
            None => Command::new(PROGRAM),
            Some(count) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {count}; exec \"$@\""), "sh", PROGRAM]);
                shell
            }
        };
        let mut command = program;
        command.arg("--data").arg(self.data()).arg("--config").arg(self.path().join("gatepost.toml")).env("LANG", "C");
        command
    }

    /// Exit code and findings.
    pub fn doctor(&self, more: &[&str]) -> (Option<i32>, Vec<Value>) {
        let output = self.command().args(["doctor", "--json"]).args(&self.arguments).args(more).output().expect("it runs");
        let printed = String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!complaints.contains("panicked"), "{complaints}");
        (output.status.code(), printed)
    }

    /// `gatepost serve` on this installation, once it greets.
    pub fn serve(&self) -> Running {
        let mut child = self.command().arg("serve").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < START_MAX && child.try_wait().is_ok_and(|ended| ended.is_none()), "the server greets");
            std::thread::sleep(Duration::from_millis(20));
        }
        Running(child)
    }

    /// Puts a small file system under the data folder, with these options. Only root may.
    pub fn on_small_disk(&mut self, options: &str) -> Option<PathBuf> {
        let data = self.data();
        let aside = self.path().join("aside");
        std::fs::rename(&data, &aside).expect("moved");
        std::fs::create_dir(&data).expect("made");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&data).stderr(Stdio::null()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            self.is_skipped = true;
            return None;
        }
        self.guards.push(Box::new(Mounted(data.clone())));
        let copied = Command::new("cp").arg("-a").arg(format!("{}/.", aside.display())).arg(&data).status();
        assert!(copied.is_ok_and(|status| status.success()), "copied");
        Some(data)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.guards.clear(); // before the folder goes
    }
}

pub struct Running(Child);

impl Running {
    /// Ends it in good order.
    pub fn end(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// Writes `PREFIXcert.pem` and `PREFIXkey.pem`, good from the first to the second year.
pub fn certificate(folder: &Path, prefix: &str, name: &str, years: (i32, i32)) {
    use std::os::unix::fs::PermissionsExt;
    let mut params = rcgen::CertificateParams::new(vec![name.to_string()]).expect("a name");
    let key = rcgen::KeyPair::generate().expect("a key");
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(years.0, 1, 1), rcgen::date_time_ymd(years.1, 1, 1));
    let made = params.self_signed(&key).expect("a certificate");
    std::fs::write(folder.join(format!("{prefix}cert.pem")), made.pem()).expect("written");
    let file = folder.join(format!("{prefix}key.pem"));
    std::fs::write(&file, key.serialize_pem()).expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("set");
}
