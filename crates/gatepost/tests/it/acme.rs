//! Certificates from a real ACME server: asked for, shown to who connects, asked for anew, and what happens when it cannot be proved.

use crate::server::{Server, free_port, message, send};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;
use testkit::pebble::Pebble;

fn settings(pebble: &Pebble, listen: u16, names: &str) -> String {
    format!(
        "[dns]\nservers = \"off\"\n[tls.acme]\ndirectory = \"{}\"\nagree = true\nnames = [{names}]\ncontact = \"postmaster@demo.example\"\n\
         listen = \"127.0.0.1:{listen}\"\nroot = \"{}\"\n\
         [[organisation]]\nname = \"demo\"\nconnector = \"next\"\n[[connector]]\nname = \"next\"\nhosts = [\"127.0.0.1:9\"]\nallow_private = true\n\
         [[domain]]\nname = \"demo.example\"\n[[recipient]]\naddress = \"li@demo.example\"\n",
        pebble.directory,
        pebble.root().display()
    )
}

fn folder(server: &Server) -> PathBuf {
    server.data.path().join("data/acme")
}

/// Issuer and names of the certificate that the port shows after STARTTLS, as openssl prints them.
fn shown(server: &Server) -> String {
    let connect = format!("127.0.0.1:{}", server.smtp.port());
    let mut client = Command::new("sh");
    client.arg("-c").arg(format!(
        "echo QUIT | openssl s_client -connect {connect} -starttls smtp 2>/dev/null | openssl x509 -noout -issuer -ext subjectAltName"
    ));
    let output = client.stdin(Stdio::null()).output().expect("openssl runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn found(server: &Server, id: &str) -> Vec<serde_json::Value> {
    let told = server.told(&["doctor", "--json"]);
    told.lines().map(|line| serde_json::from_str(line).expect("JSON")).filter(|one: &serde_json::Value| one["id"] == id).collect()
}

#[test]
fn a_certificate_is_gotten_shown_and_gotten_anew_for_another_name() {
    let Some(pebble) = Pebble::start() else { return };
    let port = free_port();
    let listen = "web = \"\"\nstatus = \"\"\n";
    let settings_of = |names: &str| settings(&pebble, pebble.http_port, names);
    let server = Server::start_with(TempDir::new().expect("a folder"), (port, listen), &settings_of("\"gate.test\""), &[]);
    server.eventually("the certificate is there", |server| folder(server).join("certificate.pem").exists());
    server.eventually("and shown without a restart", |server| shown(server).contains("Pebble"));
    assert!(shown(&server).contains("DNS:gate.test"), "{}", shown(&server));
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(folder(&server).join(name)).expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!((mode("key.pem"), mode("account.json")), (0o600, 0o600), "keys are ours alone");
    let findings = found(&server, "tls.certificate");
    assert!(!findings.is_empty() && findings.iter().all(|one| one["result"] == "ok"), "{findings:?}");
    let (first, account) = (std::fs::read(folder(&server).join("certificate.pem")), std::fs::read(folder(&server).join("account.json")));
    // A restart asks for nothing; another name does, with the same account.
    let (data, _) = server.kill();
    let server = Server::start_with(data, (free_port(), listen), &settings_of("\"gate.test\""), &[]);
    assert!(shown(&server).contains("Pebble"), "what was kept is used from the start");
    assert_eq!(std::fs::read(folder(&server).join("certificate.pem")).ok(), first.as_ref().ok().cloned(), "none was due");
    let (data, _) = server.kill();
    let server = Server::start_with(data, (free_port(), listen), &settings_of("\"gate.test\", \"mx.gate.test\""), &[]);
    server.eventually("it is for both names", |server| shown(server).contains("DNS:mx.gate.test"));
    assert_eq!(std::fs::read(folder(&server).join("account.json")).ok(), account.ok(), "the account stays");
}

#[test]
fn what_cannot_be_proved_is_said_and_mail_flows_on() {
    let Some(pebble) = Pebble::start() else { return };
    // Nobody answers where the authority looks.
    let server = Server::start_with(
        TempDir::new().expect("a folder"),
        (free_port(), "web = \"\"\nstatus = \"\"\n"),
        &settings(&pebble, free_port(), "\"gate.test\""),
        &[],
    );
    server.eventually("the failure is written down", |server| folder(server).join("last-failure.txt").exists());
    let why = std::fs::read_to_string(folder(&server).join("last-failure.txt")).expect("read");
    assert!(why.contains("gate.test"), "it names the name: {why}");
    assert!(!folder(&server).join("certificate.pem").exists());
    assert!(!shown(&server).contains("Pebble") && shown(&server).contains("issuer"), "one of our own until then: {}", shown(&server));
    let findings = found(&server, "tls.acme");
    assert!(findings.len() == 1 && findings[0].to_string().contains("gate.test"), "the doctor says what the authority said: {findings:?}");
    let reply = send(server.smtp, "ann@far.example", "li@demo.example", &message("still", "ann@far.example", "See you at noon."))
        .expect("an answer");
    assert!(reply.starts_with("250"), "{reply}");
}

#[test]
fn settings_that_cannot_work_are_said_before_anything_starts() {
    for (lines, want) in [("directory = \"letsencrypt\"\n", "agree"), ("directory = \"http://ca.example/dir\"\nagree = true\n", "https")] {
        let data = TempDir::new().expect("a folder");
        std::fs::write(data.path().join("gatepost.toml"), format!("[tls.acme]\n{lines}")).expect("written");
        let output = crate::server::command(data.path()).arg("serve").output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(want), "{said}");
    }
}
