//! A real OpenLDAP of Debian's packages, on free ports of 127.0.0.1, that lives as long as one test.

use crate::port;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PACKAGES: [&str; 2] = ["slapd", "ldap-utils"];
const PROGRAM: &str = "/usr/sbin/slapd";
/// Everything hangs below this name.
pub const BASE: &str = "dc=acme,dc=example";
pub const ADMIN: &str = "cn=admin,dc=acme,dc=example";
pub const PASSWORD: &str = "secret of the directory";

/// How long to wait for it to note what it did.
const NOTED_MAX: Duration = Duration::from_secs(20);

/// How it is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// It has a certificate and does TLS.
    pub tls: bool,
    /// It says when it last changed (`contextCSN`).
    pub marks: bool,
    /// Entries that others than the administrator are given at once; 0: no limit.
    pub limit: usize,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup { tls: true, marks: true, limit: 0 }
    }
}

/// A running server.
pub struct Slapd {
    pub port: u16,
    /// Port with TLS from the first octet.
    pub tls_port: u16,
    /// The certificate, which is its own authority, in PEM.
    pub certificate: String,
    /// Holds the watcher's standard input open.
    watcher: Child,
    _folder: TempDir,
}

impl Slapd {
    /// `None` outside CI when it cannot be installed; panics in CI.
    pub fn start(setup: Setup) -> Option<Slapd> {
        if !installed() {
            assert!(std::env::var_os("CI").is_none(), "CI needs the packages {PACKAGES:?}");
            eprintln!("skipped with OpenLDAP: install {PACKAGES:?}");
            return None;
        }
        let folder = TempDir::with_prefix("gatepost-slapd-").expect("a temporary folder");
        let certificate = write_settings(folder.path(), setup);
        let (port, tls_port) = (port::free(), port::free());
        let hosts = match setup.tls {
            true => format!("ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/"),
            false => format!("ldap://127.0.0.1:{port}/"),
        };
        // The shell waits for the end of its input, which comes when this process ends in any way, then stops the server.
        let script = format!(
            "{PROGRAM} -f '{0}/conf' -h '{hosts}' -d 256 >'{0}/log' 2>&1 & pid=$!; cat >/dev/null; kill $pid; wait $pid",
            folder.path().display()
        );
        let mut shell = Command::new("setsid");
        shell.args(["sh", "-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watcher = shell.spawn().expect("a shell that stops slapd");
        let slapd = Slapd { port, tls_port, certificate, watcher, _folder: folder };
        slapd.wait();
        slapd.add(&format!("dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: acme\no: Acme\n"));
        Some(slapd)
    }

    /// What it noted of each operation (loglevel "stats"), without times, from this many lines on; and how many there are. Waits a while for
    /// it to note that every connection is closed: it does so after the client went on. For the same reason the lines are put in the order of
    /// the operations: it notes a result after sending it, so that the next operation's line may come first.
    pub fn operations(&self, from: usize) -> (String, usize) {
        let begin = Instant::now();
        loop {
            let log = std::fs::read_to_string(self._folder.path().join("log")).unwrap_or_default();
            let mut lines: Vec<&str> = log.lines().filter_map(noted).collect();
            let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
            if count(" ACCEPT ") == count(" closed") && lines.len() > from || begin.elapsed() > NOTED_MAX {
                lines.sort_by_key(|line| place(line));
                return (
                    lines.iter().skip(from).map(|line| format!("{}\n", line.trim_end_matches(" (connection lost)"))).collect(),
                    lines.len(),
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait(&self) {
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = std::fs::read_to_string(self._folder.path().join("log")).unwrap_or_default();
            assert!(begin.elapsed() < Duration::from_secs(20), "slapd did not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Adds entries written as LDIF.
    pub fn add(&self, ldif: &str) {
        self.run("ldapadd", ldif);
    }

    /// Changes entries by LDIF with `changetype`.
    pub fn modify(&self, ldif: &str) {
        self.run("ldapmodify", ldif);
    }

    /// A person below [`BASE`], with other addresses.
    pub fn person(&self, uid: &str, name: &str, addresses: &[&str]) {
        let (mail, others) = addresses.split_first().expect("an address");
        let others: String = others.iter().map(|one| format!("mailLocalAddress: {one}\n")).collect();
        let class = if others.is_empty() { "" } else { "objectClass: inetLocalMailRecipient\n" };
        self.add(&format!(
            "dn: uid={uid},{BASE}\nobjectClass: inetOrgPerson\n{class}uid: {uid}\ncn: {name}\nsn: {name}\ndisplayName: {name}\nmail: {mail}\n{others}"
        ));
    }

    pub fn delete(&self, uid: &str) {
        self.modify(&format!("dn: uid={uid},{BASE}\nchangetype: delete\n"));
    }

    fn run(&self, program: &str, ldif: &str) {
        let url = format!("ldap://127.0.0.1:{}", self.port);
        let mut command = Command::new(program);
        command.args(["-x", "-H", &url, "-D", ADMIN, "-w", PASSWORD]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|why| panic!("{program}: {why}"));
        child.stdin.take().expect("its input").write_all(ldif.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{program}: {}\n{ldif}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

/// Writes settings and certificate; the certificate in PEM.
fn write_settings(folder: &Path, setup: Setup) -> String {
    let signing = rcgen::KeyPair::generate().expect("a key");
    let wanted = rcgen::CertificateParams::new(vec!["localhost".to_string(), "127.0.0.1".to_string()]).expect("names");
    let certificate = wanted.self_signed(&signing).expect("a certificate signed by itself").pem();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file in the folder");
    write("certificate.pem", &certificate);
    write("key.pem", &signing.serialize_pem());
    std::fs::create_dir(folder.join("data")).expect("a folder for its data");
    let shown = folder.display();
    let schemas: String = ["core", "cosine", "inetorgperson", "nis", "misc", "dyngroup"]
        .map(|name| format!("include /etc/ldap/schema/{name}.schema\n"))
        .concat();
    let tls = format!("TLSCertificateFile {shown}/certificate.pem\nTLSCertificateKeyFile {shown}/key.pem\n");
    let limit = format!("sizelimit size.soft={0} size.hard={0} size.prtotal={0}\n", setup.limit);
    let settings = format!(
        "{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload syncprov\npidfile {shown}/pid\n{}{}\
         database mdb\nsuffix \"{BASE}\"\nrootdn \"{ADMIN}\"\nrootpw \"{PASSWORD}\"\ndirectory {shown}/data\nmaxsize 104857600\n\
         access to attrs=userPassword by anonymous auth by * none\naccess to * by users read by anonymous auth\n{}",
        if setup.tls { &tls } else { "" },
        if setup.limit > 0 { &limit } else { "" },
        if setup.marks { "overlay syncprov\n" } else { "" },
    );
    write("conf", &settings);
    certificate
}

fn installed() -> bool {
    // SAFETY: geteuid reads a number of this process and cannot fail.
    let is_root = unsafe { libc::geteuid() == 0 };
    if !Path::new(PROGRAM).exists() && is_root {
        let mut install = Command::new("apt-get");
        install.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-y", "-q", "--no-install-recommends"]).args(PACKAGES);
        // A machine without a network says so itself; what counts is whether the program is there afterwards.
        let _ = install.stdout(Stdio::null()).status();
    }
    Path::new(PROGRAM).exists()
}

/// What a line of the log says of a connection. That an operation came while the one before it was about to end is no news about it, and
/// depends on how fast slapd's threads are.
fn noted(line: &str) -> Option<&str> {
    let at = line.find("conn=")?;
    (!line.contains("deferring ")).then(|| &line[at..])
}

/// Where a line of the log belongs: its connection, and the step in it. The first operation is the one that begins TLS.
fn place(line: &str) -> (u64, u64) {
    let number = |name: &str| {
        let digits = line.split_once(name)?.1;
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    let step = match number(" op=") {
        Some(operation) => 2 * operation + 1,
        None if line.contains(" ACCEPT ") => 0,
        None if line.contains(" closed") => u64::MAX,
        None => 2,
    };
    (number("conn=").unwrap_or(u64::MAX), step)
}

#[cfg(test)]
mod tests {
    use super::{noted, place};

    #[test]
    fn what_depends_on_the_speed_of_threads_is_left_out() {
        assert_eq!(noted("6ac1 0x7f conn=1 op=1 UNBIND"), Some("conn=1 op=1 UNBIND"));
        assert_eq!(noted("6ac1 0x7f connection_input: conn=1 deferring operation: binding"), None);
        assert_eq!(noted("6ac1 0x7f slapd starting"), None);
    }

    #[test]
    fn a_result_noted_late_stands_with_its_operation() {
        let want = [
            "conn=1 fd=12 ACCEPT from IP=127.0.0.1:5",
            "conn=1 op=0 STARTTLS",
            "conn=1 op=0 RESULT oid= err=0",
            "conn=1 fd=12 TLS established tls_ssf=256",
            "conn=1 op=1 SRCH base=\"\"",
            "conn=1 op=1 SEARCH RESULT tag=101",
            "conn=1 op=2 UNBIND",
            "conn=1 fd=12 closed",
            "conn=2 fd=12 ACCEPT from IP=127.0.0.1:6",
        ];
        let mut noted = want;
        noted.swap(2, 3);
        noted.swap(5, 6);
        noted.swap(7, 8);
        noted.sort_by_key(|line| place(line));
        assert_eq!(noted, want);
    }
}
