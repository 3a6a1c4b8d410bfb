use super::*;
use crate::MIGRATIONS;
use crate::directory::Domain;
use crate::scope::OrgScope;
use mail::report::received::read_file;
use std::sync::LazyLock;
use store::{Db, DbSettings};
use testkit::postgres::{Database, databases};

static IDS: LazyLock<IdMaker> = LazyLock::new(|| IdMaker::new(1));
const NOON_MS: i64 = 1_795_521_600_000;
const ACME: OrgId = OrgId(11);
const OTHER: OrgId = OrgId(12);

async fn open(database: &Database) -> Db {
    let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
    Db::open(&settings, MIGRATIONS).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine))
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    for (name, org) in [("acme.example", ACME), ("other.example", OTHER)] {
        directory.domains.insert(name.into(), Domain { name: name.into(), org, settings: Default::default() });
    }
    directory
}

fn arrival(org: OrgId) -> Arrival {
    let (sender, about) = ("r@reporter.example".into(), "Report Domain: acme.example".into());
    Arrival { org, mail: MailId(0), sender, is_proven: true, about, digest: "00".into(), now_ms: NOON_MS }
}

fn dmarc(domain: &str, id: &str, begin_s: i64, records: &str) -> Vec<u8> {
    format!(
        "<feedback><report_metadata><org_name>reporter.example</org_name><report_id>{id}</report_id><date_range><begin>{begin_s}</begin>\
         <end>{}</end></date_range></report_metadata><policy_published><domain>{domain}</domain><p>none</p></policy_published>{records}</feedback>",
        begin_s + 86_399
    )
    .into_bytes()
}

fn record(ip: &str, count: u32, (dkim, spf): (&str, &str)) -> String {
    format!(
        "<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>quarantine</disposition>\
         <dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row><auth_results><dkim><domain>acme.example</domain>\
         <result>{dkim}</result></dkim></auth_results></record>"
    )
}

async fn taken(db: &Db, org: OrgId, octets: Vec<u8>) -> Vec<Kept> {
    let ready = ready(&directory(), &arrival(org), 400, read_file(octets.into()));
    db.tx(move |tx| Box::pin(async move { keep(tx, &IDS, NOON_MS, ready).await })).await.unwrap_or_else(|why: Error| panic!("{why}"))
}

async fn sources(db: &Db, scope: OrgScope) -> Vec<(String, i64, i64, String)> {
    let rows: Result<_, Error> = db.read(move |tx| Box::pin(async move { sql::dmarc_sources(tx, scope, 0, "acme.example").await })).await;
    rows.expect("sources").into_iter().map(|one| (one.source, one.counts.messages, one.counts.passed, one.counts.signer)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_counts_once_and_for_its_organisation_only() {
    for database in databases() {
        let db = open(&database).await;
        let begin_s = NOON_MS / 1000 - 86_400;
        let records = [
            record("192.0.2.1", 3, ("pass", "fail")),
            record("192.0.2.1", 2, ("fail", "fail")),
            record("198.51.100.7", 1, ("fail", "fail")),
        ];
        let report = dmarc("acme.example", "a1", begin_s, &records.concat());
        let first = taken(&db, ACME, report.clone()).await;
        assert!(matches!(first[..], [Kept { kind: "dmarc", is_known: false, problem: "", .. }]), "{first:?}");
        let again = taken(&db, ACME, report.clone()).await;
        assert_eq!((again[0].is_known, again[0].id), (true, first[0].id), "{}", database.engine);
        let sums = [("192.0.2.1".into(), 5, 3, "acme.example".into()), ("198.51.100.7".into(), 1, 0, String::new())];
        assert_eq!(sources(&db, OrgScope::One(ACME)).await, sums);
        assert_eq!(sources(&db, OrgScope::One(OTHER)).await, []);
        taken(&db, ACME, dmarc("mail.acme.example", "a2", begin_s, &records[0])).await;
        taken(&db, ACME, dmarc("acme.example", "a3", begin_s, &records[0])).await;
        assert_eq!(sources(&db, OrgScope::One(ACME)).await[0].1, 8, "another report of the day adds");
        let days: Result<_, Error> = db.read(|tx| Box::pin(async move { sql::dmarc_days(tx, OrgScope::One(ACME), 0, "").await })).await;
        let days: Vec<_> = days.expect("days").into_iter().map(|day| (day.domain, day.counts.messages, day.counts.quarantined)).collect();
        assert_eq!(days, [("acme.example".into(), 9, 9), ("mail.acme.example".into(), 3, 3)]);
        let row: Result<_, Error> = db.read(move |tx| Box::pin(async move { sql::one(tx, OrgScope::One(OTHER), first[0].id).await })).await;
        assert_eq!(row.expect("read"), None, "not theirs");
        db.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_a_row_that_says_why() {
    for database in databases() {
        let db = open(&database).await;
        let (now_s, good) = (NOON_MS / 1000, record("192.0.2.1", 3, ("pass", "fail")));
        for (octets, problem) in [
            (dmarc("other.example", "1", now_s, &good), "not-ours"),
            (dmarc("acme.example.evil.example", "2", now_s, &good), "not-ours"),
            (dmarc("acme.example", "3", now_s + 9 * 86_400, &good), "future"),
            (dmarc("acme.example", "4", 302_832_000, &good), "too-old"),
            (b"<feedback><report_metadata>".to_vec(), "truncated"),
            (b"hello".to_vec(), "not-report"),
        ] {
            let kept = taken(&db, ACME, octets.clone()).await;
            assert_eq!((kept.len(), kept[0].problem), (1, problem));
            assert!(taken(&db, ACME, octets).await[0].is_known, "{problem}: one row, however often it comes");
        }
        assert_eq!(sources(&db, OrgScope::All).await, []);
        let wanted = sql::Wanted { kind: "problem".into(), limit: 50, ..Default::default() };
        let rows: Result<_, Error> = db.read(move |tx| Box::pin(async move { sql::list(tx, OrgScope::One(ACME), &wanted).await })).await;
        assert_eq!(rows.expect("rows").len(), 6);
        let gone: Result<_, Error> = db.tx(|tx| Box::pin(async move { sql::forget(tx, NOON_MS + 1, 4).await })).await;
        assert_eq!(gone.expect("forgets"), 4, "in steps");
        db.close();
    }
}

#[test]
fn many_sources_are_added_up_together() {
    let records: Vec<String> =
        (0..3_000).map(|n| record(&format!("10.1.{}.{}", n / 250, n % 250), 1 + u32::from(n < 5), ("fail", "pass"))).collect();
    let found = read_file(dmarc("acme.example", "1", NOON_MS / 1000, &records.concat()).into()).remove(0).expect("a report");
    let sums = Sums::of(&found, &["acme.example".into()]);
    assert_eq!(sums.dmarc.len(), 1_002);
    assert_eq!((sums.dmarc[OTHERS].messages, sums.dmarc[TOGETHER].messages, sums.dmarc["10.1.0.4"].messages), (2_000, 3_005, 2));
}
