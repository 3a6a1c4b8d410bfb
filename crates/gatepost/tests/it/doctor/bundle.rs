//! The support bundle: complete, and without what must not leave.

use super::world::{HASH, PASSWORD, World};
use std::io::Read;
use std::process::Command;

/// Everything in the archive as one text, and its names.
fn unpacked(file: &std::path::Path) -> (Vec<String>, String) {
    let octets = std::fs::read(file).expect("the bundle");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&octets[..]));
    let (mut names, mut all) = (Vec::new(), String::new());
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        names.push(entry.path().expect("a name").display().to_string());
        entry.read_to_string(&mut all).expect("text");
    }
    (names, all)
}

const LOG: &str = "2026-11-27T10:00:00Z  WARN peer=198.51.100.7 sender=ann@partner.example recipient=li@demo.example put off\n\
                   2026-11-27T10:00:01Z ERROR opening postgres://gp:hunter22@db.example/gp failed\n";

fn run(world: &World, arguments: &[&str]) -> (Option<i32>, String) {
    let output = world.command().args(["doctor", "bundle"]).args(arguments).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn doctor_bundle_holds_no_secret_and_no_address() {
    let world = World::healthy().expect("a world");
    let (log, file) = (world.path().join("gatepost.log"), world.path().join("bundle.tar.gz"));
    std::fs::write(&log, LOG).expect("written");
    let seal = std::fs::read_to_string(world.data().join("seal.key")).expect("the key");
    let key = std::fs::read_to_string(world.path().join("key.pem")).expect("the key");
    let (code, said) = run(&world, &[&file.display().to_string(), "--log", &log.display().to_string()]);
    assert_eq!(code, Some(0), "{said}");
    let (names, all) = unpacked(&file);
    for name in ["README.txt", "settings.toml", "findings.json", "versions.txt", "counts.txt", "log.txt"] {
        assert!(names.iter().any(|found| found.ends_with(name)) && said.contains(name), "{name}: {names:?}");
    }
    let key_line = key.lines().nth(1).expect("a line of the key");
    for gone in
        [PASSWORD, HASH, "hunter22", seal.trim(), key_line, "li@demo.example", "relay@demo.example", "ann@partner.example", "198.51.100.7"]
    {
        assert!(!all.contains(gone), "{gone} is in the bundle");
    }
    for kept in ["gate.test", "database.whole", "put off", "domain 1", "connections_max = 100", "SQLite"] {
        assert!(all.contains(kept), "{kept} is missing:\n{all}");
    }
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let (code, _) = run(&world, &[&file.display().to_string()]);
    assert_eq!(code, Some(3), "a file that exists is not written over");
}

#[test]
fn doctor_bundle_shows_addresses_when_allowed_and_never_secrets() {
    let world = World::healthy().expect("a world");
    let (log, file) = (world.path().join("gatepost.log"), world.path().join("bundle.tar.gz"));
    std::fs::write(&log, LOG).expect("written");
    let (code, said) = run(&world, &[&file.display().to_string(), "--addresses", "--log", &log.display().to_string()]);
    assert_eq!(code, Some(0), "{said}");
    let (_, all) = unpacked(&file);
    assert!(all.contains("li@demo.example") && all.contains("198.51.100.7"));
    assert!(!all.contains(PASSWORD) && !all.contains(HASH) && !all.contains("hunter22"));
}

#[test]
fn doctor_bundle_can_be_looked_at_first_and_needs_no_working_installation() {
    let world = World::healthy().expect("a world");
    world.edit("[limits]\n", "[limits\n"); // the file is not even TOML
    std::fs::write(world.data().join("gatepost.db"), "this is no database ".repeat(1_000)).expect("written");
    let (code, said) = run(&world, &["--preview"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("==> settings.toml") && said.contains("settings.file") && said.contains("cannot be counted"), "{said}");
    assert!(!said.contains(PASSWORD) && !said.contains(HASH) && !said.contains("li@demo.example"), "{said}");
    let output = Command::new(crate::server::PROGRAM).args(["doctor", "bundle"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "no file and no --preview is wrong use");
}
