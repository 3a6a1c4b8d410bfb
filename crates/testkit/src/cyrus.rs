//! A private Cyrus IMAP of Debian's packages: LMTP in, IMAP and JMAP out. Everybody's mailbox is shared with one user. Stopped when dropped.
//!
//! Its packages exclude Dovecot's, so `scripts/need` unpacks them. Who signs in is asked of a small saslauthd of ours, so that no database of
//! passwords is needed.

use crate::dovecot::Talk;
use crate::port;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const UNPACKED: &str = "/opt/gatepost-neighbours";
const PROGRAMS: &str = "/opt/gatepost-neighbours/usr/lib/cyrus/bin";
/// Whom mail belongs to on disk; its own user comes with installing it.
const NOBODY: &str = "nobody";
const NOGROUP: &str = "nogroup";
/// Whom the mailboxes are shared with, and the password of everybody.
pub const SHARED_WITH: &str = "gatepost";
pub const PASSWORD: &str = "open-sesame";
const ADMIN: &str = "admin";
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(5);
/// Folders that Cyrus expects to be there.
const FOLDERS: [&str; 12] = [
    "conf",
    "conf/db",
    "conf/proc",
    "conf/socket",
    "conf/lock",
    "conf/log",
    "conf/msg",
    "conf/user",
    "conf/quota",
    "conf/ptclient",
    "spool",
    "sieve",
];

pub struct Cyrus {
    child: Child,
    /// Held while it runs: when one of two that run at a time ends, the other's connections are closed.
    _alone: File,
    folder: TempDir,
    pub lmtp: SocketAddr,
    pub imap: SocketAddr,
    /// Clear text.
    pub http: SocketAddr,
}

impl Cyrus {
    /// Starts one with these mailboxes, names without a domain, each with a folder for junk. `None`: it cannot run here, outside CI.
    pub fn start(mailboxes: &[&str]) -> Option<Cyrus> {
        // SAFETY: geteuid has no preconditions and cannot fail.
        let is_root = unsafe { libc::geteuid() == 0 };
        if !is_root || !Path::new(PROGRAMS).join("httpd").exists() {
            assert!(std::env::var_os("CI").is_none(), "CI needs Cyrus under {UNPACKED}, and root to start it");
            eprintln!("skipped: Cyrus is not there, or we are not root");
            return None;
        }
        let alone = File::create(std::env::temp_dir().join("gatepost-cyrus.lock")).expect("a file");
        alone.lock().expect("it is our turn");
        let folder = TempDir::new().expect("a folder");
        let ports = [port::free(), port::free(), port::free()];
        write_all(folder.path(), ports);
        answer_sign_ins(&folder.path().join("sasl"));
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let path = |name: &str| folder.path().join(name).display().to_string();
        let child = Command::new(format!("{PROGRAMS}/master"))
            .env("LD_LIBRARY_PATH", libraries())
            .env("CYRUS_USER", NOBODY)
            .args(["-D", "-C", &path("imapd.conf"), "-M", &path("cyrus.conf"), "-p", &path("pid")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("Cyrus starts");
        let cyrus = Cyrus { child, _alone: alone, folder, lmtp: at(ports[0]), imap: at(ports[1]), http: at(ports[2]) };
        let started = Instant::now();
        // Its master listens before the programs behind it can run.
        while !greets(cyrus.imap) || !greets(cyrus.lmtp) || TcpStream::connect(cyrus.http).is_err() {
            assert!(started.elapsed() < START_MAX, "Cyrus does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        cyrus.said(ADMIN, &[&format!("CREATE user/{SHARED_WITH}")]);
        for name in mailboxes {
            let whole = format!("user/{name}");
            // Everything but administering the folder itself.
            cyrus.said(ADMIN, &[&format!("CREATE {whole}"), &format!("SETACL {whole} {SHARED_WITH} lrswipkxte")]);
            cyrus.said(name, &["CREATE Junk (USE (\\Junk))", "CREATE Trash (USE (\\Trash))"]);
        }
        Some(cyrus)
    }

    /// Runs commands of IMAP as this user, and returns all that was answered; each has to go well.
    pub fn said(&self, user: &str, commands: &[&str]) -> String {
        Talk::to(self.imap).imap((user, PASSWORD), commands)
    }

    /// Puts a message (LF line ends) into the INBOX.
    pub fn append(&self, user: &str, message: &str) {
        let wire = message.replace('\n', "\r\n");
        // RFC 7888: a literal that is not waited for.
        self.said(user, &[&format!("APPEND INBOX {{{}+}}\r\n{wire}", wire.len())]);
    }

    /// Subjects of what lies in a folder, oldest first.
    pub fn subjects(&self, user: &str, folder: &str) -> Vec<String> {
        let said = self.said(user, &[&format!("EXAMINE \"{folder}\""), "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"]);
        said.lines().filter_map(|line| line.strip_prefix("Subject: ")).map(str::to_string).collect()
    }

    /// Flags of each message, as one text.
    pub fn flags(&self, user: &str, folder: &str) -> Vec<String> {
        let said = self.said(user, &[&format!("EXAMINE \"{folder}\""), "UID FETCH 1:* (FLAGS)"]);
        said.lines().filter(|line| line.contains(" FETCH (")).map(str::to_string).collect()
    }

    /// Where its settings lie, for whoever looks why something failed.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Whether somebody says something there.
fn greets(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let is_limited = stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok();
    is_limited && stream.read(&mut [0; 64]).is_ok_and(|octets| octets > 0)
}

impl Drop for Cyrus {
    fn drop(&mut self) {
        let kill = |signal: &str, whom: String| drop(Command::new("kill").args([signal, "--", &whom]).stderr(Stdio::null()).status());
        kill("-TERM", self.child.id().to_string());
        let began = Instant::now();
        while began.elapsed() < STOP_MAX && !matches!(self.child.try_wait(), Ok(Some(_))) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // What it was just starting may not have heard it, and would run on.
        kill("-KILL", format!("-{}", self.child.id()));
        let _ = self.child.wait();
    }
}

/// The folders of its own libraries, one for each kind of machine.
fn libraries() -> String {
    let found = std::fs::read_dir(format!("{UNPACKED}/usr/lib")).into_iter().flatten().flatten().map(|entry| entry.path());
    let has = |path: &std::path::PathBuf| path.join("libcyrus.so.0").exists();
    found.filter(has).map(|path| path.display().to_string()).collect::<Vec<_>>().join(":")
}

fn write_all(folder: &Path, [lmtp, imap, http]: [u16; 3]) {
    let shown = |name: &str| folder.join(name).display().to_string();
    for name in FOLDERS {
        std::fs::create_dir_all(folder.join(name)).expect("made");
    }
    let imapd = format!(
        "configdirectory: {conf}\ndefaultpartition: default\npartition-default: {spool}\nsievedir: {sieve}\nservername: cyrus.test\nadmins: {ADMIN}\ncyrus_user: {NOBODY}\ncyrus_group: {NOGROUP}\n\
         sasl_pwcheck_method: saslauthd\nsasl_saslauthd_path: {sasl}\nsasl_mech_list: PLAIN\nallowplaintext: yes\nvirtdomains: off\nunixhierarchysep: yes\n\
         altnamespace: yes\nconversations: yes\nhttpmodules: jmap\nhttpallowcompress: no\nlmtp_downcase_rcpt: yes\nautocreate_quota: -1\nsyslog_prefix: gatepost\n",
        conf = shown("conf"),
        spool = shown("spool"),
        sieve = shown("sieve"),
        sasl = shown("sasl"),
    );
    std::fs::write(folder.join("imapd.conf"), imapd).expect("written");
    let conf = shown("imapd.conf");
    let service = |name: &str, program: &str, port: u16| {
        format!(" {name} cmd=\"{PROGRAMS}/{program} -C {conf}\" listen=\"127.0.0.1:{port}\" proto=\"tcp4\" prefork=0\n")
    };
    // Over TCP without a sign-in: only what runs here reaches it.
    let services = [service("lmtp", "lmtpd -a", lmtp), service("imap", "imapd", imap), service("http", "httpd", http)].concat();
    let cyrus = format!(
        "START {{\n recover cmd=\"{PROGRAMS}/ctl_cyrusdb -C {conf} -r\"\n}}\nSERVICES {{\n{services}}}\nEVENTS {{\n}}\nDAEMON {{\n}}\n"
    );
    std::fs::write(folder.join("cyrus.conf"), cyrus).expect("written");
    let run = |program: &str, arguments: &[&str]| assert!(Command::new(program).args(arguments).status().is_ok_and(|done| done.success()));
    run("chown", &["-R", &format!("{NOBODY}:{NOGROUP}"), &folder.display().to_string()]);
    run("chmod", &["755", &folder.display().to_string()]);
}

/// saslauthd's protocol: four texts, each behind its length in two octets (user, password, service, realm); the answer is one text.
fn answer_sign_ins(at: &Path) {
    let listener = UnixListener::bind(at).expect("a socket");
    assert!(Command::new("chmod").args(["777", &at.display().to_string()]).status().is_ok_and(|done| done.success()));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let said: Option<Vec<Vec<u8>>> = (0..4).map(|_| counted(&mut stream)).collect();
            let is_good = said.is_some_and(|said| said[1] == PASSWORD.as_bytes());
            let answer: &[u8] = if is_good { b"\0\x02OK" } else { b"\0\x02NO" };
            let _ = stream.write_all(answer); // whoever asked may be gone
        }
    });
}

fn counted(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut text = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut text).ok()?;
    Some(text)
}
