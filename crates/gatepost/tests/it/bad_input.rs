//! What goes wrong before and while it runs: one clear sentence, the right exit code, nothing lost.

use crate::server::{Server, command, free_port, message, send};
use std::net::TcpListener;
use std::process::{Command, Output};
use tempfile::TempDir;

fn start_with(settings: &str) -> Output {
    let data = TempDir::new().expect("a folder");
    std::fs::write(data.path().join("gatepost.toml"), settings).expect("settings are written");
    command(data.path()).arg("serve").output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn mistakes_in_settings_name_file_line_and_key() {
    for (settings, want) in [
        ("[listen]\nsmpt = \"127.0.0.1:25\"\n", "gatepost.toml:2: unknown key “smpt”; did you mean “smtp”?"),
        ("[dns]\nservers = \"resolver.example\"\n", "is not the address of a resolver"),
        ("[[domain]]\nname = \"a.example\"\norganisation = \"nobody\"\n", "there is no organisation named “nobody”"),
    ] {
        let output = start_with(settings);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(want), "{}", said(&output));
        assert_eq!(said(&output).lines().filter(|line| line.starts_with("gatepost:")).count(), 1, "one sentence: {}", said(&output));
    }
}

#[test]
fn a_port_in_use_names_the_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let output = start_with(&format!("[listen]\nsmtp = \"{address}\"\nweb = \"\"\nstatus = \"\"\n[dns]\nservers = \"off\"\n"));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains(&format!("{address} is in use by another program")), "{}", said(&output));
}

#[test]
fn a_database_that_is_away_is_named_without_its_password() {
    let port = free_port();
    let output = start_with(&format!("[store]\nurl = \"postgres://gp:secret@127.0.0.1:{port}/none\"\n[dns]\nservers = \"off\"\n"));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(
        said(&output).contains(&format!("postgres://gp@127.0.0.1:{port}/none")) && !said(&output).contains("secret"),
        "{}",
        said(&output)
    );
}

#[test]
fn commands_without_a_database_say_what_to_do() {
    let data = TempDir::new().expect("a folder");
    std::fs::write(data.path().join("gatepost.toml"), "").expect("settings are written");
    let output = command(data.path()).args(["trace", "list"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains("start the server first (gatepost serve)"), "{}", said(&output));
}

#[test]
fn mail_that_cannot_be_read_does_not_hide_the_rest() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("good.eml"), message("good", "ann@partner.example", "hello")).expect("written");
    std::os::unix::fs::symlink("nowhere", folder.path().join("gone.eml")).expect("linked");
    let output =
        Command::new(crate::server::PROGRAM).args(["scan", "--json", "--dns", "off"]).arg(folder.path()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("gone.eml") && said(&output).contains("1 of 2 files could not be read"), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    let missing = Command::new(crate::server::PROGRAM).args(["scan", "--dns", "off", "/nonexistent/mail"]).output().expect("it runs");
    assert_eq!(missing.status.code(), Some(2), "{}", said(&missing));
}

const SETTINGS: &str = "[dns]\nservers = \"off\"\n[[organisation]]\nname = \"demo\"\nconnector = \"box\"\n\
     [[connector]]\nname = \"box\"\nprotocol = \"folder\"\nfolder = \"FOLDER\"\n[[domain]]\nname = \"demo.example\"\nrecipients = \"any\"\n";

/// A data folder on a file system of 24 MiB; only root may mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let data = TempDir::new().expect("a folder");
        let inner = data.path().join("data");
        std::fs::create_dir(&inner).expect("made");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(&inner)
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!("skipped: a tmpfs cannot be mounted here");
            return None;
        }
        Some(SmallDisk(data))
    }
}

#[test]
fn a_full_disk_refuses_for_now_and_loses_nothing() {
    let Some(SmallDisk(data)) = SmallDisk::mount() else { return };
    let (inner, boxes) = (data.path().join("data"), TempDir::new().expect("a folder"));
    let settings = SETTINGS.replace("FOLDER", &boxes.path().display().to_string());
    let server = Server::start_in(data, free_port(), &settings, &[]);
    let body = "x".repeat(70) + "\n";
    let (mut taken, mut put_off) = (0, 0);
    let ballast = inner.join("ballast");
    for n in 0..400 {
        if n == 40 {
            // Somebody else fills the disk.
            let _ = Command::new("dd").args(["if=/dev/zero", "bs=64k"]).arg(format!("of={}", ballast.display())).output();
        }
        if n == 200 {
            std::fs::remove_file(&ballast).expect("removed");
        }
        let reply = send(
            server.smtp,
            "ann@partner.example",
            "li@demo.example",
            &message(&format!("n{n}"), "ann@partner.example", &body.repeat(40)),
        );
        match reply.expect("a reply").get(..3) {
            Some("250") => taken += 1,
            Some("452" | "451") => put_off += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(put_off > 0, "the disk was full for a while");
    let mailbox = boxes.path().join("li@demo.example/new");
    server.eventually("every mail answered 250 is delivered", |_| std::fs::read_dir(&mailbox).map(Iterator::count).unwrap_or(0) >= taken);
    assert_eq!(server.run(&["trace", "balance"]).status.code(), Some(0));
    drop(server);
    let _ = Command::new("umount").arg(&inner).status();
}
