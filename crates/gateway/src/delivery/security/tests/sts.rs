//! MTA-STS against a policy host of our own.

use super::*;
use mail::dns::{Record, Zone};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use testkit::postgres::{Database, databases, sqlite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

const DOMAIN: &str = "shop.test";
const HOST: &str = "mx.shop.test";
const ENFORCE: &str = "version: STSv1\r\nmode: enforce\r\nmx: mx.shop.test\r\nmax_age: 86400\r\n";
const TESTING: &str = "version: STSv1\r\nmode: testing\r\nmx: other.shop.test\r\nmax_age: 86400\r\n";

/// An HTTPS server that serves one text, or nothing.
struct PolicyHost {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    text: Arc<Mutex<Option<String>>>,
}

impl PolicyHost {
    async fn start(name: &str, text: Option<&str>) -> PolicyHost {
        let signing = rcgen::KeyPair::generate().expect("a key");
        let made = rcgen::CertificateParams::new(vec![name.to_string()]).expect("a name").self_signed(&signing).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        let config = builder.with_no_client_auth().with_single_cert(vec![made.der().clone()], key).expect("the key fits");
        let (acceptor, listener) =
            (TlsAcceptor::from(Arc::new(config)), tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port"));
        let address = listener.local_addr().expect("bound");
        let text = Arc::new(Mutex::new(text.map(str::to_string)));
        let served = text.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut some = [0; 4_096];
                let _ = stream.read(&mut some).await;
                let text = served.lock().expect("no test panics with it").clone();
                let answer = match text {
                    Some(text) => format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{text}", text.len()),
                    None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into(),
                };
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        PolicyHost { address, certificate: made.der().clone(), text }
    }

    fn serve(&self, text: Option<&str>) {
        *self.text.lock().expect("no test panics with it") = text.map(str::to_string);
    }
}

/// A domain with a mail server here, and a policy that is announced.
fn zone(id: Option<&str>) -> Zone {
    let mut zone = Zone::new();
    zone.add(DOMAIN, Record::Mx { preference: 10, exchange: HOST.into() });
    zone.add(HOST, Record::A([127, 0, 0, 1].into()));
    zone.add("mta-sts.shop.test", Record::A([127, 0, 0, 1].into()));
    if let Some(id) = id {
        zone.txt("_mta-sts.shop.test", &format!("v=STSv1; id={id};"));
    }
    zone
}

/// A gate that minds policies of `host`, and trusts the sink where `trusts`.
async fn gate(database: &Database, (sink, trusts): (&Sink, bool), host: &PolicyHost, zone: Zone) -> (Gate, Outcomes) {
    let db = crate::delivery::tests::open_db(database).await;
    let outcomes = Outcomes::start(db.clone());
    let places = Places { port: host.address.port(), private: true };
    let security = Security { policies: Some(Policies::new(db, places)), outcomes: Some(outcomes.clone()), ..at(sink) };
    let mut roots = vec![host.certificate.clone()];
    roots.extend(trusts.then(|| sink.certificate.clone()));
    let setup = Setup::protected(Arc::new(zone), security, roots);
    (setup.open(database).await, outcomes)
}

#[tokio::test]
async fn an_enforced_policy_is_kept_and_nothing_leaves_in_clear() {
    let other = ENFORCE.replace("mx: mx", "mx: mail");
    for (why, settings, trusts, policy, state, says, counts) in [
        ("all is well", speaking_tls(HOST), true, ENFORCE, "delivered", "MTA-STS enforce", ""),
        ("a certificate from nobody", speaking_tls(HOST), false, ENFORCE, "queued", "MTA-STS", "certificate-not-trusted"),
        ("a certificate for another name", speaking_tls("x.test"), true, ENFORCE, "queued", "MTA-STS", "certificate-host-mismatch"),
        (
            "a certificate past its end",
            SinkSettings { expired: true, ..speaking_tls(HOST) },
            true,
            ENFORCE,
            "queued",
            "MTA-STS",
            "certificate-expired",
        ),
        ("STARTTLS was stripped", SinkSettings::default(), true, ENFORCE, "queued", "MTA-STS", "starttls-not-supported"),
        ("a host that the policy does not name", speaking_tls(HOST), true, other.as_str(), "queued", "MTA-STS", "validation-failure"),
    ] {
        let (sink, host) = (Sink::start(settings).await, PolicyHost::start("mta-sts.shop.test", Some(policy)).await);
        let database = sqlite();
        let (gate, outcomes) = gate(&database, (&sink, trusts), &host, zone(Some("1"))).await;
        let came = send(&gate, DOMAIN, EnvelopeExtras::default(), state).await;
        assert!(came.policy.contains(says), "{why}: {} / {}", came.reply, came.policy);
        assert_eq!(sink.count(), usize::from(state == "delivered"), "{why}");
        nothing_in_clear(&sink, why);
        assert_eq!(counted(&gate, &outcomes).await, [("sts".to_string(), counts.to_string(), 1)], "{why}");
        gate.close().await;
    }
}

#[tokio::test]
async fn what_is_not_enforced_is_delivered_and_counted() {
    let none = ENFORCE.replace("enforce", "none");
    for (why, host_name, policy, counts) in [
        ("testing", "mta-sts.shop.test", Some(TESTING), vec![("sts", "starttls-not-supported")]),
        ("mode none", "mta-sts.shop.test", Some(none.as_str()), vec![("no-policy-found", "starttls-not-supported")]),
        ("no file", "mta-sts.shop.test", None, vec![("no-policy-found", "starttls-not-supported"), ("sts", "sts-policy-fetch-error")]),
        (
            "no policy in it",
            "mta-sts.shop.test",
            Some("hello"),
            vec![("no-policy-found", "starttls-not-supported"), ("sts", "sts-policy-invalid")],
        ),
        (
            "a policy host with a wrong name",
            "x.test",
            Some(ENFORCE),
            vec![("no-policy-found", "starttls-not-supported"), ("sts", "sts-webpki-invalid")],
        ),
    ] {
        let (sink, host) = (Sink::start(SinkSettings::default()).await, PolicyHost::start(host_name, policy).await);
        let database = sqlite();
        let (gate, outcomes) = gate(&database, (&sink, true), &host, zone(Some("1"))).await;
        send(&gate, DOMAIN, EnvelopeExtras::default(), "delivered").await;
        let found = counted(&gate, &outcomes).await;
        let found: Vec<(&str, &str)> = found.iter().map(|(policy, failure, _)| (policy.as_str(), failure.as_str())).collect();
        assert_eq!(found, counts, "{why}");
        gate.close().await;
    }
}

#[tokio::test]
async fn a_policy_outlives_its_host_its_record_and_our_restart() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::default()).await;
        let host = PolicyHost::start("mta-sts.shop.test", Some(ENFORCE)).await;
        let (first, _) = gate(&database, (&sink, true), &host, zone(Some("1"))).await;
        send(&first, DOMAIN, EnvelopeExtras::default(), "queued").await;
        first.close().await;
        host.serve(None);
        // A new id whose policy cannot be fetched, then no record at all: both are what an attacker would arrange.
        for id in [Some("2"), None] {
            let (again, _) = gate(&database, (&sink, true), &host, zone(id)).await;
            let came = send(&again, DOMAIN, EnvelopeExtras::default(), "queued").await;
            assert!(came.reply.contains("MTA-STS"), "{}: {}", database.engine, came.reply);
            assert_eq!(sink.count(), 0, "{}", database.engine);
            again.close().await;
        }
        host.serve(Some(&ENFORCE.replace("enforce", "none")));
        let waits = "UPDATE sts_policy SET failed_ms = 0";
        let (later, _) = gate(&database, (&sink, true), &host, zone(Some("3"))).await;
        later.db.tx(move |tx| Box::pin(async move { tx.run(waits, args![]).await })).await.expect("time passes");
        send(&later, DOMAIN, EnvelopeExtras::default(), "delivered").await;
        later.close().await;
    }
}

#[tokio::test]
async fn a_mail_that_requires_tls_goes_under_tls_or_back() {
    let requires = || EnvelopeExtras { require_tls: true, ..EnvelopeExtras::default() };
    let knowing = |name: &str| {
        let mut settings = speaking_tls(name);
        settings.keywords.push("REQUIRETLS".into());
        settings
    };
    for (why, settings, trusts, state, says) in [
        ("promised, and checked", knowing(HOST), true, "delivered", "250"),
        ("not promised", speaking_tls(HOST), true, "bounced", "5.7.30"),
        ("no TLS at all", SinkSettings::default(), true, "bounced", "5.7.30"),
        ("a certificate from nobody", knowing(HOST), false, "queued", "REQUIRETLS"),
    ] {
        let (sink, host) = (Sink::start(settings).await, PolicyHost::start("mta-sts.shop.test", None).await);
        let database = sqlite();
        let (gate, _) = gate(&database, (&sink, trusts), &host, zone(None)).await;
        let came = send(&gate, DOMAIN, requires(), state).await;
        assert!(came.reply.contains(says), "{why}: {}", came.reply);
        nothing_in_clear(&sink, why);
        assert!(sink.taken().iter().all(|taken| taken.mail.contains(" REQUIRETLS")), "{why}");
        gate.close().await;
    }
}

/// A connection that was opened for a mail whose sender waives protection must not carry one whose sender does not.
#[tokio::test]
async fn a_waived_connection_is_for_waived_mail_only() {
    let (sink, host) = (Sink::start(SinkSettings::default()).await, PolicyHost::start("mta-sts.shop.test", Some(ENFORCE)).await);
    let database = sqlite();
    let (gate, _) = gate(&database, (&sink, true), &host, zone(Some("1"))).await;
    let waived = EnvelopeExtras { tls_optional: true, ..EnvelopeExtras::default() };
    let came = send(&gate, DOMAIN, waived, "delivered").await;
    assert_eq!(came.policy, "TLS-Required: No");
    send(&gate, DOMAIN, EnvelopeExtras::default(), "queued").await;
    assert_eq!(sink.count(), 1, "only the waived one left");
    gate.close().await;
}
