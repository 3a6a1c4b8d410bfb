//! A real Postfix of our own, on free ports.

use crate::port;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A private Postfix that puts everything into one Maildir; stopped when dropped.
pub struct Postfix {
    folder: TempDir,
    pub port: u16,
}

impl Postfix {
    pub fn start() -> Option<Postfix> {
        Postfix::start_with(port::free(), "", "", "")
    }

    /// On a free port, with more lines for `main.cf`; later lines win over ours.
    pub fn start_as(main_more: &str) -> Option<Postfix> {
        Postfix::start_with(port::free(), main_more, "", "")
    }

    /// With more lines for `main.cf`, options for the service at `port` and more services for `master.cf`.
    pub fn start_with(port: u16, main_more: &str, options: &str, master_more: &str) -> Option<Postfix> {
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
        if !is_root || !Path::new("/usr/sbin/postfix").exists() {
            assert!(std::env::var_os("CI").is_none(), "CI needs Postfix, and root to start it");
            return None;
        }
        let folder = TempDir::new().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["conf", "queue", "data", "box"] {
            std::fs::create_dir(at(name)).expect("made");
        }
        let show = |name: &str| at(name).display().to_string();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {}\ndata_directory = {}\nmyhostname = next.test\nmydestination = demo.example\ninet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\nmynetworks = 127.0.0.0/8\nlocal_recipient_maps =\nlocal_transport = virtual\nvirtual_mailbox_base = {}\n\
             virtual_mailbox_maps = static:all/\nvirtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\nvirtual_minimum_uid = 1\nsmtputf8_enable = yes\n\
             maillog_file = {}\nmaillog_file_prefixes = /\nmessage_size_limit = 60000000\nvirtual_mailbox_limit = 0\nsmtpd_client_connection_count_limit = 0\n{main_more}",
            show("queue"),
            show("data"),
            show("box"),
            show("log"),
        );
        std::fs::write(at("conf/main.cf"), main).expect("written");
        let master = std::fs::read_to_string("/usr/share/postfix/master.cf.dist")
            .or_else(|_| std::fs::read_to_string("/etc/postfix/master.cf.proto"))
            .expect("a master.cf");
        let listening = master.replacen("smtp      inet", &format!("{port}      inet"), 1);
        let unrooted: String = listening.lines().map(|line| format!("{}\n", unrooted(line, port, options))).collect();
        std::fs::write(at("conf/master.cf"), format!("{unrooted}{master_more}")).expect("written");
        let run = |program: &str, arguments: &[&str]| Command::new(program).args(arguments).status().is_ok_and(|status| status.success());
        run("chown", &["postfix", &show("data")]);
        run("chown", &["65534:65534", &show("box")]);
        run("chmod", &["755", &folder.path().display().to_string()]);
        assert!(run("postfix", &["-c", &show("conf"), "start"]), "Postfix starts");
        Some(Postfix { folder, port })
    }

    pub fn mailbox(&self) -> PathBuf {
        self.folder.path().join("box/all/new")
    }

    /// The mails in the mailbox, as text.
    pub fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.mailbox()).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read(file.path()).ok()).map(|octets| String::from_utf8_lossy(&octets).into_owned()).collect()
    }

    /// What Postfix wrote into its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// Without chroot, which a throw-away folder has no files for; options behind the service at `port`.
fn unrooted(line: &str, port: u16, options: &str) -> String {
    let mut fields: Vec<&str> = line.split_whitespace().collect();
    match line.starts_with(char::is_alphanumeric) && fields.len() >= 8 {
        true => {
            fields[4] = "n";
            let own = if fields[0] == port.to_string() { options } else { "" };
            format!("{} {own}", fields.join(" "))
        }
        false => line.to_string(),
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the log of Postfix:\n{}", self.log());
        }
        let conf = self.folder.path().join("conf").display().to_string();
        let _ = Command::new("postfix").args(["-c", &conf, "stop"]).status();
    }
}
