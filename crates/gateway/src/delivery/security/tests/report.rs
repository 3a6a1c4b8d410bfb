//! A day's report: made once, signed, on its way to who asked for it.

use crate::delivery::security::fetch::Places;
use crate::delivery::security::outcome::{DAY_MS, Failure, Outcomes, PolicyKind, Session};
use crate::delivery::security::report::{Reporter, round};
use crate::delivery::security::settings::TlsReportSettings;
use crate::delivery::tests::open_db;
use crate::delivery::{Courier, Tls};
use crate::directory::{Directory, Domain, DomainSettings};
use crate::dkim::{DomainKey, KeyState, Seal, Wish, make};
use mail::OrgId;
use mail::auth::KeyKind;
use mail::dns::Zone;
use mail::id::IdMaker;
use std::sync::Arc;
use store::args;
use testkit::postgres::databases;

const DAY: i64 = 20_000;

fn ours(seal: &Seal) -> Directory {
    let mut directory = Directory::default();
    let domain = Domain { name: "us.example".into(), org: OrgId(1), settings: DomainSettings::default() };
    directory.domains.insert("us.example".into(), domain);
    let wish = Wish { org: OrgId(1), domain: "us.example".into(), kind: KeyKind::Rsa2048, rotate_days: 0 };
    let key = make(&wish, seal, 1, 0).expect("made");
    directory.keys.insert("us.example".into(), vec![Arc::new(DomainKey { state: KeyState::Active, ..key })]);
    directory
}

fn session(domain: &str, failure: Option<Failure>) -> Session {
    Session {
        domain: domain.into(),
        policy: PolicyKind::Sts,
        lines: vec!["version: STSv1".into()],
        mx: "mx".into(),
        ip: "192.0.2.1".into(),
        failure,
    }
}

#[tokio::test]
async fn a_day_is_reported_once_to_who_asked_for_it() {
    for database in databases() {
        let db = open_db(&database).await;
        let outcomes = Outcomes::start(db.clone());
        for (domain, failure) in [("them.example", None), ("them.example", Some(Failure::CertificateExpired)), ("silent.example", None)] {
            outcomes.note(session(domain, failure), DAY * DAY_MS + 5);
        }
        outcomes.note(session("them.example", None), (DAY + 1) * DAY_MS); // today is not over
        outcomes.flush().await;
        let mut zone = Zone::new();
        zone.txt("_smtp._tls.them.example", "v=TLSRPTv1; rua=mailto:rua@them.example");
        let seal = Seal::new(&[5; 32]).expect("a key");
        let courier = Courier {
            dns: Arc::new(zone),
            tls: Tls::new(&[]).expect("roots"),
            hostname: "gate.example".into(),
            own_ports: Vec::new(),
            timeouts: Default::default(),
            security: Default::default(),
            seal: None,
        };
        let (ids, directory) = (Arc::new(IdMaker::new(1)), ours(&seal));
        let settings = TlsReportSettings { send: true, from: "tls@us.example".into(), organisation: "We".into() };
        let reporter = Reporter {
            db: &db,
            ids: &ids,
            directory: &directory,
            seal: &seal,
            courier: &courier,
            settings: &settings,
            places: Places::default(),
        };
        let now_ms = (DAY + 1) * DAY_MS + 60_000;
        assert_eq!(round(&reporter, now_ms).await, Ok(1), "{}", database.engine);
        assert_eq!(round(&reporter, now_ms).await, Ok(0), "once");
        let sql =
            "SELECT m.sender, r.address, b.octets, m.envelope FROM mail m JOIN recipient r ON r.mail = m.id JOIN body b ON b.mail = m.id";
        let rows = db.read(move |tx| Box::pin(async move { tx.rows(sql, args![]).await })).await.expect("rows are read");
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].text(0), rows[0].text(1)), (Ok("tls@us.example"), Ok("rua@them.example")));
        let octets = rows[0].blob(2).expect("a body");
        let text = String::from_utf8_lossy(&octets);
        assert!(text.starts_with("DKIM-Signature:") && text.contains("TLS-Report-Domain: them.example\r\n"), "{text}");
        assert!(rows[0].text(3).expect("text").contains("\"tls_optional\":true"), "a report goes out whatever the policy (RFC 8460 §3)");
        let left = db.read(|tx| Box::pin(async move { tx.rows("SELECT domain FROM tls_outcome", args![]).await })).await.expect("rows");
        assert_eq!(left.len(), 1, "today is kept, and who asked for nothing is forgotten");
        db.close();
    }
}
