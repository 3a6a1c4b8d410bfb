//! Certificates: read, read again when they change, and the old kept when the new do not work.

use crate::smtp::gate::{Script, limits, listen_settings};
use gateway::connection::settings::TlsSettings;
use gateway::connection::stop::{Stopper, stop};
use gateway::connection::tls::{Keys, TlsError};
use gateway::connection::{Running, Setup, listen};
use mail::dns::Zone;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Pair {
    certificate: String,
    key: String,
}

fn pair(name: &str) -> Pair {
    let made = rcgen::generate_simple_self_signed(vec![name.to_string()]).expect("a certificate");
    Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

/// Writes files whose length differs from the last ones, so that a file system with coarse times shows the change.
fn write(folder: &Path, pair: &Pair, remark: &str) -> TlsSettings {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, format!("{remark}\n{}", pair.certificate)).expect("written");
    std::fs::write(&key, &pair.key).expect("written");
    TlsSettings { certificate, key, ..TlsSettings::default() }
}

struct Gate {
    address: SocketAddr,
    _running: Running,
    _stopper: Stopper,
}

async fn gate(keys: Arc<Keys>) -> Gate {
    let (stopper, stop) = stop();
    let listen_to = listen_settings(crate::smtp::gate::Kind::SubmissionTls);
    let setup = Setup { listen: listen_to, limits: limits(), keys: Some(keys), dns: Arc::new(Zone::new()) };
    let running = listen(setup, Arc::new(Script::default()), stop).await.expect("a free port");
    Gate { address: running.addresses()[0].1, _running: running, _stopper: stopper }
}

/// A client that trusts `root` only, with a certificate of its own if there is one.
async fn connects(gate: &Gate, root: &Pair, own: Option<&Pair>) -> Result<(), String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.certificate.as_bytes()).expect("PEM")).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let builder = builder.with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).expect("PEM")];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("PEM")).expect("a pair")
        }
    };
    let stream = tokio::net::TcpStream::connect(gate.address).await.expect("listening");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("gate.example").expect("a name");
    let mut stream = connector.connect(name, stream).await.map_err(|error| error.to_string())?;
    let mut greeting = [0u8; 3];
    stream.read_exact(&mut greeting).await.map_err(|error| error.to_string())?;
    stream.write_all(b"QUIT\r\n").await.map_err(|error| error.to_string())?;
    assert_eq!(&greeting, b"220");
    Ok(())
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (pair("gate.example"), pair("gate.example"));
    let keys = Keys::from_settings(&write(folder.path(), &first, ""), "gate.example").expect("a pair").expect("TLS is on");
    let gate = gate(keys.clone()).await;
    connects(&gate, &first, None).await.expect("the first");
    assert!(!keys.reload_if_changed().expect("unchanged"));

    write(folder.path(), &second, "second");
    assert!(keys.reload_if_changed().expect("the second works"));
    connects(&gate, &second, None).await.expect("the second");
    assert!(connects(&gate, &first, None).await.is_err(), "the first is no longer shown");

    write(folder.path(), &Pair { certificate: first.certificate.clone(), key: second.key.clone() }, "no pair");
    assert!(matches!(keys.reload_if_changed(), Err(TlsError::NoPair { .. })));
    assert!(!keys.reload_if_changed().expect("told once"));
    connects(&gate, &second, None).await.expect("the second stays");

    std::fs::remove_file(folder.path().join("key.pem")).expect("removed");
    assert!(matches!(keys.reload_if_changed(), Err(TlsError::Unreadable { .. })));
    connects(&gate, &second, None).await.expect("the second still stays");

    write(folder.path(), &first, "and the first again");
    assert!(keys.reload_if_changed().expect("the first works"));
    connects(&gate, &first, None).await.expect("the first again");
}

#[tokio::test]
async fn a_client_certificate_that_proves_nothing_does_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, theirs) = (pair("gate.example"), pair("client.example"));
    let settings = TlsSettings { ask_client_certificate: true, ..write(folder.path(), &ours, "") };
    let gate = gate(Keys::from_settings(&settings, "gate.example").expect("a pair").expect("TLS is on")).await;
    connects(&gate, &ours, Some(&theirs)).await.expect("with a certificate signed by itself");
    connects(&gate, &ours, None).await.expect("without one");
}

#[test]
fn settings_that_cannot_work_say_which_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = write(folder.path(), &pair("gate.example"), "");
    let missing = folder.path().join("missing.pem");
    let error = |settings: TlsSettings| Keys::from_settings(&settings, "gate.example").err().expect("refused").to_string();
    assert_eq!(
        error(TlsSettings { key: std::path::PathBuf::new(), ..good.clone() }),
        "[tls] certificate and key go together; only one of them is set"
    );
    assert!(error(TlsSettings { certificate: missing.clone(), ..good.clone() }).starts_with(&format!("reading {}", missing.display())));
    assert!(error(TlsSettings { certificate: good.key.clone(), ..good.clone() }).contains("there is no certificate in it"));
    assert!(Keys::from_settings(&TlsSettings { off: true, ..good }, "gate.example").expect("off").is_none());
}
