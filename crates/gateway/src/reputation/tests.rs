use super::known::Standing;
use super::*;
use crate::MIGRATIONS;
use detect::acquaintance::Familiarity;
use detect::connection::{RATE_BURST, RATE_UNKNOWN_RECIPIENTS, REPUTATION_BAD, REPUTATION_GOOD};
use mail::Message;
use mail::message::Budget;
use store::DbSettings;
use testkit::postgres::databases;

const NOON_MS: i64 = 1_795_000_000_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const ACME: OrgId = OrgId(11);
const OTHER: OrgId = OrgId(12);

fn behind() -> Behind {
    Behind {
        address: Some("192.0.2.7".into()),
        domain: Some("sender.example".into()),
        signers: vec!["sender.example".into(), "esp.example".into()],
        author: Some("ann@sender.example".into()),
    }
}

fn weights(known: &Known) -> Vec<(String, f32)> {
    known.findings().into_iter().map(|finding| (finding.check.to_string(), finding.weight)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_noted_is_remembered_by_the_organisation_alone_and_by_another_node() {
    for database in databases() {
        let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
        let db = Db::open(&settings, MIGRATIONS).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
        let (here, there) = (Reputation::start(db.clone()), Reputation::start(db.clone()));
        assert!(weights(&here.look(ACME, &behind(), NOON_MS).await).is_empty(), "nobody is known at first");
        for n in 0..20 {
            here.note(ACME, &behind(), Outcome::Bad, (1.0, NOON_MS + n));
        }
        let at_once = here.look(ACME, &behind(), NOON_MS).await;
        assert_eq!(weights(&at_once).len(), 4, "address, domain, the other signer, author: {at_once:?}");
        assert!(weights(&at_once).iter().all(|(check, weight)| check == REPUTATION_BAD && *weight > 0.9));

        here.flush().await;
        let elsewhere = there.look(ACME, &behind(), NOON_MS).await;
        assert!(elsewhere.is_complete);
        assert_eq!(weights(&elsewhere).len(), 4, "{}", database.engine);
        assert!(weights(&there.look(OTHER, &behind(), NOON_MS).await).is_empty(), "another organisation does not see it");

        assert_eq!(expire(&db, NOON_MS + FORGET_AFTER_MS).await.expect("works"), 0, "not old enough");
        assert_eq!(expire(&db, NOON_MS + FORGET_AFTER_MS + DAY_MS).await.expect("works"), 4);
        db.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_add_up_across_nodes() {
    for database in databases() {
        let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
        let db = Db::open(&settings, MIGRATIONS).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
        for outcome in [Outcome::Good, Outcome::Good, Outcome::Bad] {
            let node = Reputation::start(db.clone());
            node.note(ACME, &behind(), outcome, (2.0, NOON_MS));
            node.flush().await;
        }
        let known = Reputation::start(db.clone()).look(ACME, &behind(), NOON_MS).await;
        for (kind, name, standing) in known.standings.iter().filter(|(kind, ..)| *kind != Kind::Word) {
            assert!((standing.good - 4.0).abs() < 1e-6 && (standing.bad - 2.0).abs() < 1e-6, "{kind:?} {name}: {standing:?}");
        }
        db.close();
    }
}

#[test]
fn opinions_grow_with_evidence_and_fade_with_time() {
    let opinion = |good: f64, bad: f64, days: i64| {
        let standing = Standing::noted(Outcome::Good, good, NOON_MS).and(Standing::noted(Outcome::Bad, bad, NOON_MS));
        let known = Known { standings: vec![(Kind::Domain, "d.example".into(), standing.at(NOON_MS + days * DAY_MS))], is_complete: true };
        known.findings().first().map_or(0.0, |finding| finding.weight)
    };
    assert_eq!(opinion(1.0, 0.0, 0), 0.0, "one mail says nothing");
    assert!(opinion(3.0, 0.0, 0) < 0.0 && opinion(30.0, 0.0, 0) < opinion(3.0, 0.0, 0));
    assert!(opinion(0.0, 3.0, 0) > 0.0 && opinion(0.0, 30.0, 0) > opinion(0.0, 3.0, 0));
    assert_eq!(opinion(0.0, 1e9, 0), 1.5, "the limit holds");
    assert_eq!(opinion(1e9, 0.0, 0), -1.5);
    assert_eq!(opinion(50.0, 50.0, 0), 0.0, "as much good as bad");
    assert!(opinion(0.0, 30.0, 90) < opinion(0.0, 30.0, 0), "three half-lives later");
    assert_eq!(opinion(0.0, 30.0, 365), 0.0, "a year later");
    let good = Standing::noted(Outcome::Good, 30.0, NOON_MS).at(NOON_MS);
    let known = Known { standings: vec![(Kind::Domain, "d.example".into(), good)], is_complete: true };
    assert_eq!(weights(&known)[0].0, REPUTATION_GOOD);
    assert!(known.is_trusted());
    assert_eq!(known.familiarity(Kind::Domain), Familiarity::Seen { mails: 30, first_ms: NOON_MS, last_ms: NOON_MS });
    assert_eq!(known.familiarity(Kind::Author), Familiarity::Unknown);
    let new = Known { standings: vec![(Kind::Author, "a@d.example".into(), Standing::default())], is_complete: true };
    assert_eq!(new.familiarity(Kind::Author), Familiarity::New);
    assert_eq!(Known { is_complete: false, ..new }.familiarity(Kind::Author), Familiarity::Unknown, "nobody answered");
}

#[test]
fn rates_tell_guessing_and_bursts() {
    let rates = Rates::default();
    let ip = "192.0.2.7".parse().expect("an address");
    let stranger = Known::default();
    let checks = |at_ms, known: &Known| -> Vec<String> {
        rates.mail(ip, known, at_ms).into_iter().map(|finding| finding.check.to_string()).collect()
    };
    assert!(checks(NOON_MS, &stranger).is_empty());
    for _ in 0..10 {
        rates.unknown_recipient(ip, NOON_MS);
    }
    assert_eq!(checks(NOON_MS, &stranger), [RATE_UNKNOWN_RECIPIENTS]);
    assert!(checks(NOON_MS + 11 * 60_000, &stranger).is_empty(), "after the window");
    let later = NOON_MS + DAY_MS;
    for _ in 0..49 {
        assert!(checks(later, &stranger).is_empty());
    }
    assert_eq!(checks(later, &stranger), [RATE_BURST]);
    let good = Standing::noted(Outcome::Good, 30.0, later).at(later);
    let friend = Known { standings: vec![(Kind::Domain, "d.example".into(), good)], is_complete: true };
    assert!(checks(later, &friend).is_empty(), "a known sender may send much");
    assert!(checks(later + 4 * 60_000, &stranger).contains(&RATE_BURST.to_string()), "the halves overlap");
}

#[test]
fn a_thread_is_known_by_those_who_took_part() {
    let threads = Threads::default();
    let message = |raw: &str| Message::parse(raw.as_bytes().to_vec().into(), &Budget::default());
    threads.note(ACME, &message("Message-ID: <1@a.example>\r\n\r\nhi\r\n"));
    for (org, header, want) in [
        (ACME, "In-Reply-To: <1@a.example>", Some(true)),
        (ACME, "References: <0@b.example>\r\n <1@a.example>", Some(true)),
        (ACME, "In-Reply-To: <2@a.example>", None),
        (ACME, "Subject: Re: hi", None),
        (OTHER, "In-Reply-To: <1@a.example>", None),
    ] {
        assert_eq!(threads.answers(org, &message(&format!("{header}\r\n\r\nyes\r\n"))), want, "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_an_organisation_writes_to_is_its_own() {
    for database in databases() {
        let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
        let db = Db::open(&settings, MIGRATIONS).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
        let reputation = Reputation::start(db.clone());
        reputation.note_written(ACME, ["harbour-steel.com", "bank.example"].into_iter(), NOON_MS);
        reputation.flush().await;
        reputation.written.refresh(&db).await.expect("the table can be read");
        assert!(reputation.correspondents(ACME).is_some() && reputation.correspondents(OTHER).is_none(), "{}", database.engine);
        let mail = Behind { domain: Some("harbour-steel.com".into()), ..Behind::default() };
        let known = reputation.look(ACME, &mail, NOON_MS).await;
        assert!(known.findings().is_empty(), "to be written to is no record of one's own: {known:?}");
        db.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_word_of_people_is_counted_apart_from_verdicts() {
    for database in databases() {
        let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
        let db = Db::open(&settings, MIGRATIONS).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
        let reputation = Reputation::start(db.clone());
        for _ in 0..200 {
            reputation.note(ACME, &behind(), Outcome::Good, (1.0, NOON_MS));
        }
        for outcome in [Outcome::Bad, Outcome::Bad, Outcome::Bad, Outcome::Good] {
            reputation.note_word(ACME, &behind(), outcome, NOON_MS);
        }
        reputation.flush().await;
        let volume = reputation.look(ACME, &behind(), NOON_MS).await.volume();
        assert_eq!((volume.mails, volume.complaints, volume.wanted), (Some(200), Some(3), Some(1)), "{}", database.engine);
        let nobody = Behind { domain: None, ..behind() };
        assert_eq!(reputation.look(ACME, &nobody, NOON_MS).await.volume(), Default::default(), "nobody is proved");
        db.close();
    }
}
