//! SMTP dialogues against real listeners with a scripted host.

mod end_of_data;
pub mod gate;
mod listeners;
mod swaks;

use gate::{Gate, Kind};
use std::path::{Path, PathBuf};

fn dialogue(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dialogues").join(format!("{name}.smtp"))
}

async fn check(kind: Kind, names: &[&str]) {
    let gate = Gate::start(kind).await;
    for name in names {
        testkit::dialogue::run_file(&dialogue(name), gate.address).await;
    }
    gate.stop().await;
}

#[tokio::test]
async fn mail_comes_in() {
    check(Kind::Plain, &["plain", "dots", "commands", "host", "parameters", "smtputf8", "not-xclient"]).await;
}

#[tokio::test]
async fn commands_out_of_order_are_refused() {
    check(Kind::Plain, &["sequence", "lines"]).await;
}

#[tokio::test]
async fn groups_are_answered_in_order_and_text_ahead_is_not_obeyed() {
    check(Kind::Plain, &["pipelining", "pipelining-without-leave"]).await;
}

#[tokio::test]
async fn chunks_are_counted() {
    check(Kind::Plain, &["bdat", "bdat-octets"]).await;
}

#[tokio::test]
async fn a_session_has_limits() {
    check(Kind::Plain, &["size", "limits", "mails-per-session"]).await;
}

#[tokio::test]
async fn tls_starts_with_an_empty_session() {
    check(Kind::Plain, &["starttls", "starttls-injection"]).await;
}

#[tokio::test]
async fn people_sign_in_under_tls() {
    check(Kind::Submission, &["submission", "submission-exchange"]).await;
    check(Kind::SubmissionTls, &["submission-tls"]).await;
}

#[tokio::test]
async fn front_ends_speak_for_others() {
    check(Kind::Xclient, &["xclient"]).await;
    check(Kind::Xforward, &["xforward"]).await;
    check(Kind::Proxy, &["proxy"]).await;
}

#[test]
fn every_dialogue_is_run() {
    let source = include_str!("mod.rs");
    for entry in std::fs::read_dir(dialogue("plain").parent().expect("a folder")).expect("the dialogues") {
        let path = entry.expect("readable").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_string();
        assert!(source.contains(&format!("\"{name}\"")), "{} is run by no test", path.display());
    }
}
