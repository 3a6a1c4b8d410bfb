//! Keys: sealed, rotated with an overlap, on both databases.

use super::*;
use mail::auth::Signer;
use mail::dns::Zone;
use mail::id::IdMaker;
use store::{Db, DbSettings};
use testkit::postgres::databases;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn seal() -> Seal {
    Seal::new(&[7; 32]).expect("a key of 32 octets")
}

#[test]
fn a_secret_opens_only_with_its_key_and_for_what_it_is() {
    let (seal, other) = (seal(), Seal::new(&[8; 32]).expect("a key"));
    let sealed = seal.close("secret", "dkim a b").expect("sealed");
    assert_eq!(seal.open(&sealed, "dkim a b").as_deref(), Some("secret"));
    assert_eq!(seal.open(&sealed, "dkim a c"), None, "another domain");
    assert_eq!(other.open(&sealed, "dkim a b"), None, "another key");
    assert_eq!(seal.open("", "dkim a b"), None);
    assert_eq!(seal.open("AAAA", "dkim a b"), None);
    assert_ne!(sealed, seal.close("secret", "dkim a b").expect("sealed"), "never the same twice");
}

#[test]
fn the_key_file_is_made_once_and_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("seal.key");
    let sealed = Seal::open_file(&path).expect("made").close("x", "c").expect("sealed");
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(Seal::open_file(&path).expect("read").open(&sealed, "c").as_deref(), Some("x"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("changed");
    assert!(matches!(Seal::open_file(&path), Err(SealError::Open { mode: 0o644, .. })));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("changed");
    std::fs::write(&path, "not a key").expect("written");
    assert!(matches!(Seal::open_file(&path), Err(SealError::NotAKey { .. })));
}

#[test]
fn a_record_publishes_a_key_by_its_public_half() {
    for (seen, record, want) in [
        ("v=DKIM1; k=rsa; p=AAAA", "v=DKIM1; k=rsa; p=AAAA", true),
        ("k=rsa;p=AA AA;t=s", "v=DKIM1; k=rsa; p=AAAA", true),
        ("v=DKIM1; p=", "v=DKIM1; p=", false),
        ("v=DKIM1; k=rsa; p=BBBB", "v=DKIM1; k=rsa; p=AAAA", false),
        ("", "v=DKIM1; k=rsa; p=AAAA", false),
    ] {
        assert_eq!(publishes(seen, record), want, "{seen}");
    }
}

#[tokio::test]
async fn a_key_is_replaced_with_an_overlap() {
    for database in databases() {
        let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
        let db = Db::open(&settings, crate::MIGRATIONS).await.expect("a database");
        let (seal, ids, mut zone) = (seal(), IdMaker::new(1), Zone::new());
        let wish = Wish { org: OrgId(7), domain: "a.example".into(), kind: KeyKind::Ed25519, rotate_days: 180 };
        let mut now_ms = 1_795_521_600_000;
        let first = make(&wish, &seal, ids.next(now_ms), now_ms).expect("made");
        let opened = seal.open(&first.sealed, &context("a.example", &first.selector)).expect("opens");
        let signer = Signer::new("a.example", &first.selector, &opened).expect("signs");
        assert_eq!(signer.record().expect("a record"), first.record);
        let new = first.clone();
        db.tx(move |tx| Box::pin(async move { sql::insert(tx, &new).await })).await.expect("kept");
        let states = async || -> Vec<(KeyState, bool)> {
            let all = db.read(|tx| Box::pin(async move { sql::of_domain(tx, OrgScope::One(OrgId(7)), "a.example").await })).await;
            all.expect("read").iter().map(|key| (key.state, key.sealed.is_empty())).collect()
        };
        assert_eq!(rotate::round(&db, &seal, &zone, &ids, now_ms).await.expect("a round"), rotate::Round::default(), "not published yet");
        zone.txt(&first.record_name(), &first.record);
        let round = rotate::round(&db, &seal, &zone, &ids, now_ms).await.expect("a round");
        assert_eq!((round.published, round.activated), (1, 0), "the first key is switched on by a person");
        let published = DomainKey { state: KeyState::Published, ..first.clone() };
        assert!(db.tx(move |tx| Box::pin(async move { sql::activate(tx, &published, now_ms).await })).await.expect("changed"));
        now_ms += 180 * DAY_MS;
        assert_eq!(rotate::round(&db, &seal, &zone, &ids, now_ms).await.expect("a round").made, 1, "a successor is due");
        assert_eq!(rotate::round(&db, &seal, &zone, &ids, now_ms).await.expect("a round").made, 0, "one is enough");
        assert_eq!(states().await, [(KeyState::Made, false), (KeyState::Active, false)]);
        let second =
            db.read(|tx| Box::pin(async move { sql::of_domain(tx, OrgScope::All, "a.example").await })).await.expect("read").remove(0);
        zone.txt(&second.record_name(), &second.record);
        let round = rotate::round(&db, &seal, &zone, &ids, now_ms).await.expect("a round");
        assert_eq!((round.published, round.activated), (1, 1));
        assert_eq!(states().await, [(KeyState::Active, false), (KeyState::Retiring, false)]);
        assert_eq!(rotate::round(&db, &seal, &zone, &ids, now_ms + OVERLAP_MS - 1).await.expect("a round").retired, 0);
        assert_eq!(rotate::round(&db, &seal, &zone, &ids, now_ms + OVERLAP_MS).await.expect("a round").retired, 1);
        assert_eq!(states().await, [(KeyState::Active, false), (KeyState::Retired, true)], "its secret is gone");
        let foreign = db.read(|tx| Box::pin(async move { sql::of_domain(tx, OrgScope::One(OrgId(8)), "a.example").await })).await;
        assert!(foreign.expect("read").is_empty(), "another organisation sees none of it");
    }
}

use crate::scope::OrgScope;

#[test]
fn keys_of_one_month_have_selectors_of_their_own() {
    let seal = Seal::new(&[7; 32]).expect("a key");
    let ids = mail::id::IdMaker::new(1);
    let wish = Wish { org: mail::OrgId(1), domain: "a.example".into(), kind: mail::auth::KeyKind::Ed25519, rotate_days: 0 };
    let selector = |now_ms: i64| make(&wish, &seal, ids.next(now_ms), now_ms).expect("made").selector;
    let made: std::collections::HashSet<String> =
        [0, 0, 1, 1_000, 86_400_000].into_iter().map(|after| selector(1_795_442_709_000 + after)).collect();
    assert_eq!(made.len(), 5, "{made:?}");
}
