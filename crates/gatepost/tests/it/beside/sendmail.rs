//! A real sendmail with us as its milter. Its Debian packages cannot be installed beside Postfix, so `scripts/need` unpacks them.

use super::{adds_up, events, plain, settings, start, with_file};
use crate::postfix::Postfix;
use crate::server::{Server, free_port, send};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const UNPACKED: &str = "/opt/gatepost-neighbours";

/// A sendmail that sends everything on to one port; ended when dropped.
pub(super) struct Sendmail {
    child: Child,
    folder: TempDir,
    pub port: u16,
}

impl Sendmail {
    pub fn start(milter: u16, next: u16) -> Option<Sendmail> {
        let program = format!("{UNPACKED}/usr/libexec/sendmail/sendmail");
        if !Path::new(&program).exists() {
            assert!(std::env::var_os("CI").is_none(), "CI needs sendmail under {UNPACKED}");
            return None;
        }
        let (folder, port) = (TempDir::new().expect("a folder"), free_port());
        std::fs::create_dir(folder.path().join("queue")).expect("made");
        let config = folder.path().join("sendmail.cf");
        std::fs::write(&config, configuration(folder.path(), port, milter, next)).expect("written");
        // On a machine whose own name has no dot sendmail waits a minute before it begins: in here the machine has one.
        let named = "hostname send.test; exec \"$0\" \"$@\"";
        let child = Command::new("unshare")
            .args(["--uts", "sh", "-c", named, &program, "-C"])
            .arg(&config)
            .args(["-bD", "-q1m"])
            .spawn()
            .expect("it starts");
        let sendmail = Sendmail { child, folder, port };
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "sendmail listens");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(sendmail)
    }

    fn send(&self, recipient: &str, message: &str) -> String {
        send(SocketAddr::from(([127, 0, 0, 1], self.port)), "ann@partner.example", recipient, message).expect("an answer")
    }
}

impl Drop for Sendmail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.folder.path();
    }
}

/// `sendmail.cf`, made from sendmail's own templates.
fn configuration(folder: &Path, port: u16, milter: u16, next: u16) -> String {
    let (templates, folder) = (format!("{UNPACKED}/usr/share/sendmail/cf"), folder.display());
    let source = format!(
        "divert(-1)\ninclude(`{templates}/m4/cf.m4')\ndivert(0)\nOSTYPE(`linux')\nFEATURE(`no_default_msa')\nFEATURE(`accept_unresolvable_domains')\n\
         FEATURE(`nocanonify')\nFEATURE(`promiscuous_relay')\ndefine(`confDOMAIN_NAME', `send.test')\ndefine(`QUEUE_DIR', `{folder}/queue')\n\
         define(`STATUS_FILE', `{folder}/statistics')\ndefine(`confPID_FILE', `{folder}/pid')\ndefine(`ALIAS_FILE', `')\n\
         DAEMON_OPTIONS(`Port={port},Addr=127.0.0.1,Name=MTA')\nINPUT_MAIL_FILTER(`gatepost', `S=inet:{milter}@127.0.0.1, F=T, T=S:10s;R:120s;E:300s')\n\
         define(`SMART_HOST', `esmtp:[127.0.0.1]')\ndefine(`ESMTP_MAILER_ARGS', `TCP $h {next}')\nMAILER(`smtp')\n"
    );
    let file = format!("{folder}/sendmail.mc");
    std::fs::write(&file, source).expect("written");
    let made = Command::new("m4").arg(&file).output().expect("m4 is there");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8_lossy(&made.stdout).lines().filter(|line| !line.starts_with("O RunAsUser")).map(|line| format!("{line}\n")).collect()
}

fn arrives(server: &Server, postfix: &Postfix, subject: &str) -> String {
    let wanted = format!("Subject: {subject}\n");
    let find = || postfix.mails().into_iter().find(|mail| mail.contains(&wanted));
    server.eventually(&format!("{subject} lies in the mailbox"), |_| find().is_some());
    find().expect("it was there")
}

#[test]
fn sendmail_does_what_we_say() {
    let Some(postfix) = Postfix::start() else { return };
    let milter = free_port();
    let server = start(&format!("milter = \"inet:{milter}@127.0.0.1\""), &settings(postfix.port, ""));
    let Some(sendmail) = Sendmail::start(milter, postfix.port) else { return };
    let good = sendmail.send("li@demo.example", &format!("Authentication-Results: gate.test; spf=pass\n{}", plain("through sendmail")));
    assert!(good.starts_with("250"), "{good}");
    let mail = arrives(&server, &postfix, "through sendmail");
    println!("--- the mail that sendmail sent on:\n{mail}");
    let count = |name: &str| mail.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!((count("Authentication-Results: gate.test"), count("X-Gatepost-Report: id=m")), (1, 1), "{mail}");
    assert!(mail.contains("\n\nShall we meet on Tuesday"), "{mail}");
    let unknown = sendmail.send("nobody@demo.example", &plain("unknown"));
    assert!(unknown.starts_with("550 5.4.1"), "{unknown}");
    let blocked = sendmail.send("li@demo.example", &with_file("program", "tool.exe", "MZ"));
    assert!(blocked.starts_with("550 5.7.1 An attachment"), "{blocked}");
    println!("replies through sendmail:\n  {good}\n  {unknown}\n  {blocked}");
    assert_eq!(events(&server, "through sendmail"), ["received", "judged", "handed-back"]);
    adds_up(&server);
}
