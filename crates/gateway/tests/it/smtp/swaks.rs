//! A foreign client: swaks, as Debian ships it.

use super::gate::{Gate, Kind};
use std::process::{Command, Output};

fn swaks(arguments: &[&str]) -> Option<Output> {
    match Command::new("swaks").args(arguments).output() {
        Ok(output) => Some(output),
        Err(_) => {
            assert!(std::env::var_os("CI").is_none(), "CI needs swaks: apt-get install -y swaks");
            eprintln!("skipped: swaks is not installed");
            None
        }
    }
}

async fn check(kind: Kind, arguments: &'static [&'static str]) {
    let gate = Gate::start(kind).await;
    let (host, port) = ("127.0.0.1".to_string(), gate.address.port().to_string());
    let mut all: Vec<String> = vec!["--server".into(), host, "--port".into(), port, "--helo".into(), "client.example".into()];
    all.extend(arguments.iter().map(ToString::to_string));
    let ran = tokio::task::spawn_blocking(move || swaks(&all.iter().map(String::as_str).collect::<Vec<_>>())).await;
    let Some(output) = ran.expect("no panic") else { return };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(gate.stop().await.mails.lock().expect("no panic while held").len(), 1, "{said}");
}

#[tokio::test]
async fn swaks_sends_in_the_clear() {
    check(Kind::Plain, &["--from", "ann@client.example", "--to", "bo@gate.example,li@gate.example"]).await;
}

#[tokio::test]
async fn swaks_sends_under_tls() {
    check(Kind::Plain, &["--tls", "--from", "ann@client.example", "--to", "bo@gate.example"]).await;
}

#[tokio::test]
async fn swaks_pipelines() {
    check(Kind::Plain, &["--pipeline", "--from", "ann@client.example", "--to", "bo@gate.example"]).await;
}

#[tokio::test]
async fn swaks_signs_in() {
    check(Kind::Submission, &["--tls", "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "secret", "--to", "x@y.example"])
        .await;
    check(Kind::Submission, &["--tls", "--auth", "LOGIN", "--auth-user", "alice", "--auth-password", "secret", "--to", "x@y.example"])
        .await;
}

#[tokio::test]
async fn swaks_speaks_behind_a_balancer() {
    check(
        Kind::Proxy,
        &[
            "--proxy-version",
            "1",
            "--proxy-family",
            "TCP4",
            "--proxy-source",
            "192.0.2.7",
            "--proxy-source-port",
            "4711",
            "--proxy-dest",
            "198.51.100.1",
            "--proxy-dest-port",
            "25",
            "--to",
            "bo@gate.example",
        ],
    )
    .await;
    check(Kind::Xclient, &["--xclient-addr", "192.0.2.7", "--xclient-name", "mx.client.example", "--to", "bo@gate.example"]).await;
}
