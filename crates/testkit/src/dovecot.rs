//! A private Dovecot with the files of `deploy/dovecot`: LMTP in, IMAP out, Sieve between. Stopped when dropped.

use crate::port;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/sbin/dovecot";
/// Name and password of the master user, and the password of everybody.
pub const MASTER: &str = "gatepost";
pub const MASTER_PASSWORD: &str = "open sesame";
pub const PASSWORD: &str = "pw";
const START_MAX: Duration = Duration::from_secs(30);
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Whom mail belongs to on disk.
const NOBODY: u32 = 65_534;

pub struct Dovecot {
    child: Child,
    folder: TempDir,
    pub lmtp: SocketAddr,
    /// Clear text and STARTTLS, and TLS from the first octet.
    pub imap: SocketAddr,
    pub imaps: SocketAddr,
    /// DER of its certificate, which it signed itself, for "localhost".
    pub certificate: Vec<u8>,
}

impl Dovecot {
    /// Starts one with these mailboxes, whole addresses. Reports go to `gatepost`, by SMTP. `None`: it cannot run here, outside CI.
    pub fn start(mailboxes: &[&str], gatepost: SocketAddr) -> Option<Dovecot> {
        Dovecot::start_with(mailboxes, gatepost, "")
    }

    /// With more lines for its settings, before those of `deploy/dovecot`.
    pub fn start_with(mailboxes: &[&str], gatepost: SocketAddr, more: &str) -> Option<Dovecot> {
        // SAFETY: geteuid has no preconditions and cannot fail.
        let is_root = unsafe { libc::geteuid() == 0 };
        if !is_root || !Path::new(PROGRAM).exists() {
            assert!(std::env::var_os("CI").is_none(), "CI needs Dovecot, and root to start it");
            eprintln!("skipped: Dovecot is not there, or we are not root");
            return None;
        }
        let folder = TempDir::new().expect("a folder");
        let ports = [port::free(), port::free(), port::free()];
        let certificate = write_all(folder.path(), mailboxes, (gatepost, more), ports);
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let child = Command::new(PROGRAM)
            .arg("-F")
            .arg("-c")
            .arg(folder.path().join("dovecot.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Dovecot starts");
        let dovecot = Dovecot { child, folder, lmtp: at(ports[0]), imap: at(ports[1]), imaps: at(ports[2]), certificate };
        let started = Instant::now();
        while [dovecot.lmtp, dovecot.imap, dovecot.imaps].iter().any(|port| TcpStream::connect(port).is_err()) {
            assert!(started.elapsed() < START_MAX, "Dovecot does not listen: {}", dovecot.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(dovecot)
    }

    /// What it wrote into its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Hands a message (LF line ends) over by LMTP; the reply for each recipient.
    pub fn deliver(&self, recipients: &[&str], message: &str) -> Vec<String> {
        let mut talk = Talk::to(self.lmtp);
        talk.smtp_reply();
        let mut lines = vec!["LHLO gate.test".to_string(), "MAIL FROM:<a@sender.example>".into()];
        lines.extend(recipients.iter().map(|one| format!("RCPT TO:<{one}>")));
        lines.push("DATA".into());
        for line in lines {
            talk.send(&line);
            let reply = talk.smtp_reply();
            assert!(reply.starts_with(['2', '3']), "{line}: {reply}");
        }
        talk.send(&format!("{}\r\n.", message.trim_end_matches('\n').replace('\n', "\r\n").replace("\r\n.", "\r\n..")));
        recipients.iter().map(|_| talk.smtp_reply()).collect()
    }

    /// Subjects of what lies in a folder of a mailbox, oldest first; nothing where there is no such folder.
    pub fn subjects(&self, mailbox: &str, folder: &str) -> Vec<String> {
        self.fields(mailbox, folder, "hdr.subject")
    }

    /// Flags of each message, as one text.
    pub fn flags(&self, mailbox: &str, folder: &str) -> Vec<String> {
        self.fields(mailbox, folder, "flags")
    }

    fn fields(&self, mailbox: &str, folder: &str, field: &str) -> Vec<String> {
        let output = self.doveadm(&["-f", "flow", "fetch", "-u", mailbox, field, "mailbox", folder]);
        output.lines().filter_map(|line| line.strip_prefix(field)?.strip_prefix('=')).map(str::to_string).collect()
    }

    /// What `doveadm` prints.
    pub fn doveadm(&self, arguments: &[&str]) -> String {
        let conf = self.folder.path().join("dovecot.conf");
        let output = Command::new("doveadm").arg("-c").arg(conf).args(arguments).output().expect("doveadm runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs commands of IMAP as the owner of a mailbox does, and returns all that was answered.
    pub fn as_person(&self, mailbox: &str, commands: &[&str]) -> String {
        Talk::to(self.imap).imap((mailbox, PASSWORD), commands)
    }

    /// Ends it, as a crash would.
    pub fn stop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Dovecot's log:\n{}", self.log());
        }
        self.stop();
    }
}

/// A connection on which lines are spoken.
pub(crate) struct Talk(BufReader<TcpStream>);

impl Talk {
    pub(crate) fn to(address: SocketAddr) -> Talk {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(ANSWER_MAX)).expect("a limit");
        Talk(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("it reads");
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).expect("it answers in time") > 0, "it closed the connection");
        line
    }

    /// Signs in by IMAP, runs the commands, and returns all that was answered; each has to go well.
    pub(crate) fn imap(mut self, (user, password): (&str, &str), commands: &[&str]) -> String {
        let mut said = self.line();
        let sign_in = format!("LOGIN {user} {password}");
        for (n, command) in std::iter::once(sign_in.as_str()).chain(commands.iter().copied()).enumerate() {
            self.send(&format!("a{n} {command}"));
            loop {
                let line = self.line();
                said.push_str(&line);
                if line.starts_with(&format!("a{n} ")) {
                    assert!(line.starts_with(&format!("a{n} OK")), "{command}: {line}");
                    break;
                }
            }
        }
        said
    }

    fn smtp_reply(&mut self) -> String {
        loop {
            let line = self.line();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_string();
            }
        }
    }
}

/// Everything it reads; returns its certificate.
fn write_all(folder: &Path, mailboxes: &[&str], (gatepost, more): (SocketAddr, &str), [lmtp, imap, imaps]: [u16; 3]) -> Vec<u8> {
    let path = |name: &str| folder.join(name);
    let shown = |name: &str| path(name).display().to_string();
    let write = |name: &str, text: &str| std::fs::write(path(name), text).expect("written");
    let run = |program: &str, arguments: &[&str]| assert!(Command::new(program).args(arguments).status().is_ok_and(|done| done.success()));
    run("chmod", &["755", &folder.display().to_string()]);
    std::fs::create_dir_all(path("mail")).expect("made");
    run("chown", &[&format!("{NOBODY}:{NOBODY}"), &shown("mail")]);
    let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/dovecot");
    run("cp", &["-r", &shipped.display().to_string(), &shown("gatepost")]);
    write("gatepost/report.conf", &format!("GATEPOST=smtp://{gatepost}/dovecot.test\nDOMAIN=demo.example\n"));
    write("gatepost/master", &format!("{MASTER}:{{PLAIN}}{MASTER_PASSWORD}\n"));
    let user = |address: &&str| format!("{address}:{{PLAIN}}{PASSWORD}:{NOBODY}:{NOBODY}::{}/{address}::\n", shown("mail"));
    write("users", &mailboxes.iter().map(user).collect::<String>());
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).expect("a certificate");
    write("cert.pem", &key.cert.pem());
    write("key.pem", &key.signing_key.serialize_pem());
    let own = format!(
        "protocols = imap lmtp\nbase_dir = {run}\nstate_dir = {state}\nlog_path = {log}\nssl = yes\nssl_cert = <{cert}\nssl_key = <{key}\n\
         auth_mechanisms = plain\nauth_failure_delay = 0\nfirst_valid_uid = 1\nfirst_valid_gid = 1\nmail_location = maildir:~/Maildir\n\
         recipient_delimiter = +\n\
         service imap-login {{\n inet_listener imap {{\n  address = 127.0.0.1\n  port = {imap}\n }}\n inet_listener imaps {{\n  address = 127.0.0.1\n  port = {imaps}\n  ssl = yes\n }}\n}}\n\
         service lmtp {{\n inet_listener lmtp {{\n  address = 127.0.0.1\n  port = {lmtp}\n }}\n}}\n\
         service stats {{\n chroot =\n}}\n\
         passdb {{\n driver = passwd-file\n args = {users}\n}}\nuserdb {{\n driver = passwd-file\n args = {users}\n}}\n",
        run = shown("run"),
        state = shown("state"),
        log = shown("log"),
        cert = shown("cert.pem"),
        key = shown("key.pem"),
        users = shown("users"),
    );
    let snippet = std::fs::read_to_string(shipped.join("gatepost.conf")).expect("the snippet");
    write("dovecot.conf", &format!("{own}{more}\n{}", snippet.replace("/etc/dovecot/gatepost", &shown("gatepost"))));
    for script in ["junk", "report-junk", "report-good"] {
        // As the walk through says; scripts that people's processes may not compile beside themselves.
        run("sievec", &["-c", &shown("dovecot.conf"), &shown(&format!("gatepost/{script}.sieve"))]);
    }
    key.cert.der().to_vec()
}
