//! Throw-away databases: a PostgreSQL of Debian's packages that lives as long as the test process, and SQLite files.
//!
//! Tests on SQL run over [`databases`], so that every one runs on both engines.

use crate::port;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

const PACKAGE: &str = "postgresql-15";
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// Name of the account on the server; it trusts everybody on this machine.
const ACCOUNT: &str = "gatepost";

/// One empty database of one test.
pub struct Database {
    /// "sqlite" or "postgres", for messages of tests.
    pub engine: &'static str,
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Removed when this is dropped; also a place for bodies.
    pub folder: TempDir,
}

/// An empty SQLite file and, unless it cannot be had outside CI, an empty PostgreSQL database.
pub fn databases() -> Vec<Database> {
    let mut all = vec![sqlite()];
    all.extend(postgres());
    all
}

pub fn sqlite() -> Database {
    let folder = TempDir::new().expect("a temporary folder");
    Database { engine: "sqlite", url: format!("sqlite:{}", folder.path().join("test.db").display()), folder }
}

/// A new database on this process's server; `None` outside CI when PostgreSQL is not installed and cannot be.
pub fn postgres() -> Option<Database> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let server = SERVER.get_or_init(|| Server::start(Durability::Off)).as_ref()?;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    Some(Database { engine: "postgres", url: server.create(&name), folder: TempDir::new().expect("a temporary folder") })
}

/// Whether the server waits for the disk. Tests that only kill clients need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    On,
    Off,
}

/// A server on a free port of 127.0.0.1. It ends when this is dropped, and also when this process dies without dropping it.
pub struct Server {
    port: u16,
    /// Holds the watcher's standard input open.
    watcher: std::process::Child,
    folder: PathBuf,
}

impl Server {
    /// `None` outside CI when it cannot be installed; panics in CI.
    pub fn start(durability: Durability) -> Option<Server> {
        if !installed() {
            assert!(std::env::var_os("CI").is_none(), "CI needs the package {PACKAGE}");
            eprintln!("skipped on PostgreSQL: install {PACKAGE}");
            return None;
        }
        let folder = TempDir::with_prefix("gatepost-postgres-").expect("a temporary folder").keep();
        if is_root() {
            succeed(Command::new("chown").arg("postgres").arg(&folder));
        }
        let data = folder.join("data");
        succeed(program("initdb").args(["-A", "trust", "-U", ACCOUNT, "-E", "UTF8", "--no-sync", "-D"]).arg(&data).stdout(Stdio::null()));
        let port = port::free();
        let fsync = if durability == Durability::On { "on" } else { "off" };
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync={fsync} -c max_connections=200 -c shared_buffers=64MB",
            folder.display()
        );
        let log = folder.join("log");
        let start = program("pg_ctl").args(["-w", "-s", "-o", &options, "-l"]).arg(&log).arg("-D").arg(&data).arg("start").status();
        assert!(
            start.is_ok_and(|status| status.success()),
            "PostgreSQL did not start: {}",
            std::fs::read_to_string(&log).unwrap_or_default()
        );
        let watcher = watch(&data, &folder);
        Some(Server { port, watcher, folder })
    }

    /// Makes a database and returns its address.
    pub fn create(&self, name: &str) -> String {
        let sql = format!("CREATE DATABASE {name}");
        let port = self.port.to_string();
        succeed(Command::new("psql").args(["-q", "-X", "-h", "127.0.0.1", "-p", &port, "-U", ACCOUNT, "-d", "postgres", "-c", &sql]));
        format!("postgres://{ACCOUNT}@127.0.0.1:{port}/{name}")
    }

    /// Stops and starts it, as an operator would; open connections end.
    pub fn restart(&self) {
        succeed(
            program("pg_ctl")
                .args(["-w", "-s", "-m", "fast", "-l"])
                .arg(self.folder.join("log"))
                .arg("-D")
                .arg(self.folder.join("data"))
                .arg("restart"),
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

/// A shell that waits for the end of its input, which comes when this process ends in any way, then stops the server.
fn watch(data: &Path, folder: &Path) -> std::process::Child {
    let script = format!(
        "cat >/dev/null; {PROGRAMS}/pg_ctl -D '{}' -m immediate -s stop >/dev/null 2>&1; rm -rf '{}'",
        data.display(),
        folder.display()
    );
    // Its own session: Ctrl-C at the terminal ends the tests, and then this has work to do.
    let mut watcher = if is_root() { as_postgres("setsid") } else { Command::new("setsid") };
    watcher.args(["sh", "-c", &script]);
    watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell that stops PostgreSQL")
}

fn installed() -> bool {
    let initdb = Path::new(PROGRAMS).join("initdb");
    if !initdb.exists() && is_root() {
        let mut install = Command::new("apt-get");
        install.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-y", "-q", "--no-install-recommends", PACKAGE]);
        // A machine without a network says so itself; what counts is whether the program is there afterwards.
        let _ = install.stdout(Stdio::null()).status();
    }
    initdb.exists()
}

/// PostgreSQL refuses to run as root.
fn program(name: &str) -> Command {
    let path = format!("{PROGRAMS}/{name}");
    if is_root() { as_postgres(&path) } else { Command::new(path) }
}

fn as_postgres(program: &str) -> Command {
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--", program]).current_dir("/");
    command
}

fn is_root() -> bool {
    // SAFETY: geteuid reads a number of this process and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|why| panic!("{command:?}: {why}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
