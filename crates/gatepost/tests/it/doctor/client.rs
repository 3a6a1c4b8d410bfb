//! `gatepost doctor client` against servers of ours: reachable, intercepted, silent, of another time.

use crate::server::{PROGRAM, free_port};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use testkit::sink::{Sink, SinkSettings};

/// A TLS server that says `greeting` at once, or behind a question when that begins with HTTP; and its certificate as PEM.
fn tls_server(greeting: String) -> (u16, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".to_string()]).expect("a name").self_signed(&key).expect("a certificate");
    let pem = certificate.pem();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).expect("they fit"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(session) = ServerConnection::new(config.clone()) else { return };
            let mut stream = StreamOwned::new(session, stream);
            let mut some = [0; 1_024];
            if greeting.starts_with("HTTP") && stream.read(&mut some).is_err() {
                continue;
            }
            let _ = stream.write_all(greeting.as_bytes()).and_then(|()| stream.flush());
            let _ = stream.read(&mut some);
        }
    });
    (port, pem)
}

fn http(off_s: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(off_s);
    format!("HTTP/1.1 200 OK\r\nDate: {}\r\nContent-Length: 0\r\n\r\n", at.strftime("%a, %d %b %Y %H:%M:%S +0000"))
}

/// Runs it with everything off but what `places` name; the findings and the exit code.
fn client(places: &[(&str, String)], more: &[&str]) -> (Option<i32>, Vec<Value>) {
    let mut arguments = vec!["doctor".to_string(), "client".into(), "localhost".into(), "--json".into()];
    for name in ["submission", "submission-tls", "imap", "web"] {
        let place = places.iter().find(|(of, _)| *of == name).map_or("off", |(_, place)| place.as_str());
        arguments.extend([format!("--{name}"), place.to_string()]);
    }
    let output = Command::new(PROGRAM).args(arguments).args(more).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect())
}

fn results(found: &[Value]) -> Vec<(&str, &str)> {
    found.iter().map(|one| (one["id"].as_str().unwrap_or_default(), one["result"].as_str().unwrap_or_default())).collect()
}

fn at(port: u16) -> String {
    format!("localhost:{port}")
}

#[test]
fn a_person_learns_what_can_be_reached_and_who_stands_between() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = |pem: &str| {
        let file = folder.path().join("root.pem");
        std::fs::write(&file, pem).expect("written");
        file.display().to_string()
    };
    let (imap, pem) = tls_server("* OK ready\r\n".into());
    let trusted = root(&pem);
    let (code, found) = client(&[("imap", at(imap))], &["--root", &trusted]);
    assert_eq!(results(&found), [("client.dns", "ok"), ("client.imap", "ok"), ("client.tls", "ok")], "{found:#?}");
    assert_eq!(code, Some(0));
    let (code, found) = client(&[("imap", at(imap))], &[]);
    assert_eq!((results(&found)[2], code), (("client.tls", "problem"), Some(1)), "a root that nobody knows: {found:#?}");
    assert!(found[2]["evidence"].to_string().contains("SHA-256") && found[2]["todo"].is_string(), "{found:#?}");
    let (_, found) = client(&[("imap", at(imap))], &["--root", &trusted, "--issuer", "Known Authority"]);
    assert_eq!(results(&found)[2], ("client.tls", "problem"), "signed by somebody else than expected");

    let (web, pem) = tls_server(http(0));
    let (code, found) = client(&[("web", at(web))], &["--root", &root(&pem)]);
    assert_eq!(
        (results(&found), code),
        (vec![("client.dns", "ok"), ("client.web", "ok"), ("client.tls", "ok"), ("client.clock", "ok")], Some(0))
    );
    let (web, pem) = tls_server(http(-3_600));
    let (code, found) = client(&[("web", at(web))], &["--root", &root(&pem)]);
    assert_eq!((results(&found)[3], code), (("client.clock", "problem"), Some(1)), "an hour off: {found:#?}");

    let (odd, pem) = tls_server("hello, this is a printer\r\n".into());
    let (code, found) = client(&[("imap", at(odd))], &["--root", &root(&pem)]);
    assert_eq!((results(&found)[1], code), (("client.imap", "problem"), Some(1)), "{found:#?}");
    let (code, found) = client(&[("imap", at(free_port()))], &[]);
    assert_eq!((results(&found)[1], code), (("client.imap", "problem"), Some(1)), "nobody listens: {found:#?}");
    let (code, found) = client(&[("imap", "nowhere.invalid:993".into())], &[]);
    assert_eq!((results(&found), code), (vec![("client.dns", "problem")], Some(1)), "{found:#?}");
    assert!(Path::new(&trusted).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_handed_in_with_starttls_or_the_server_is_named_as_odd() {
    let sink = Sink::start(SinkSettings { tls: true, tls_name: "localhost".into(), ..SinkSettings::default() }).await;
    let place = format!("localhost:{}", sink.address.port());
    let (code, found) = tokio::task::spawn_blocking(move || client(&[("submission", place)], &[])).await.expect("it ran");
    assert_eq!(results(&found)[1], ("client.submission", "ok"), "{found:#?}");
    assert_eq!((results(&found)[2], code), (("client.tls", "problem"), Some(1)), "its certificate is its own: {found:#?}");
    let plain = Sink::start(SinkSettings::default()).await;
    let place = format!("localhost:{}", plain.address.port());
    let (_, found) = tokio::task::spawn_blocking(move || client(&[("submission", place)], &[])).await.expect("it ran");
    assert_eq!(results(&found)[1], ("client.submission", "problem"), "no STARTTLS: {found:#?}");
}

#[test]
fn a_wrong_use_is_told() {
    for arguments in
        [vec!["doctor", "client"], vec!["doctor", "client", "a b"], vec!["doctor", "client", "localhost", "--root", "/nowhere.pem"]]
    {
        let output = Command::new(PROGRAM).args(&arguments).output().expect("it runs");
        assert!(!output.status.success() && !output.stderr.is_empty(), "{arguments:?}");
    }
}
