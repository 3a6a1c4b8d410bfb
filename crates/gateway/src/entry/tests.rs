use super::*;
use crate::directory::{Effect, Entry, EntryKind};
use crate::policy::{Considered, Decision, PolicyAction, Preset};
use crate::scope::OrgScope;
use detect::Class;
use mail::OrgId;
use mail::id::EntryId;
use std::sync::Arc;
use store::{Db, DbSettings, Error, Tx};
use testkit::postgres::databases;

const ORG: OrgId = OrgId(1);
const OTHER: OrgId = OrgId(2);
const DAY_MS: i64 = 86_400_000;

fn listed(id: i64, org: OrgId, effect: Effect, value: &str) -> Listed {
    let kind = if value.contains('@') { EntryKind::Address } else { EntryKind::Domain };
    let entry = Entry { id, effect, kind, value: value.into(), scope: String::new(), expires_ms: Some(10 * DAY_MS), note: String::new() };
    Listed { org, entry, made_ms: 0, made_by: "ann@acme.example".into(), source: "page".into() }
}

async fn filled(tx: &mut Tx) -> Result<(), Error> {
    for one in [
        listed(1, ORG, Effect::Allow, "tom@partner.example"),
        listed(2, ORG, Effect::Block, "partner.example"),
        listed(3, ORG, Effect::Block, "100%_odd.example"),
        listed(4, OTHER, Effect::Block, "partner.example"),
    ] {
        insert(tx, &one).await?;
    }
    Ok(())
}

fn spoke(entry: i64, over: Class, won: bool) -> Decision {
    let told =
        Considered { kind: "entry".into(), name: String::new(), won, why: String::new(), entry: Some(EntryId(entry)), over: Some(over) };
    let policy = Arc::new(Preset::Default.settings());
    Decision { policy, action: PolicyAction::None, class: Class::Clean, scl: -1, considered: vec![told] }
}

#[tokio::test]
async fn entries_are_listed_ended_and_forgotten_in_their_organisation() {
    for database in databases() {
        let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
        let db = Db::open(&settings, crate::MIGRATIONS).await.expect("a database");
        db.tx(|tx| Box::pin(async move { filled(tx).await })).await.expect("written");
        db.tx(|tx| {
            Box::pin(async move {
                let mine = OrgScope::One(ORG);
                let ids = |(rows, _): &(Vec<Listed>, _)| rows.iter().map(|one| one.entry.id).collect::<Vec<_>>();
                let all = list(tx, mine, &Filter { limit: 2, ..Filter::default() }).await?;
                assert_eq!((ids(&all), all.1), (vec![3, 2], Some(EntryId(2))));
                let rest = list(tx, mine, &Filter { before: all.1, limit: 2, ..Filter::default() }).await?;
                assert_eq!((ids(&rest), rest.1), (vec![1], None));
                for (filter, want) in [
                    (Filter { value: "PARTNER".into(), ..Filter::default() }, vec![2, 1]),
                    (Filter { value: "0%_o".into(), ..Filter::default() }, vec![3]),
                    (Filter { effect: Some(Effect::Allow), ..Filter::default() }, vec![1]),
                    (Filter { kind: Some(EntryKind::Domain), ..Filter::default() }, vec![3, 2]),
                    (Filter { holding_ms: Some(10 * DAY_MS), ..Filter::default() }, vec![]),
                    (Filter { ending_before_ms: Some(11 * DAY_MS), ..Filter::default() }, vec![3, 2, 1]),
                ] {
                    assert_eq!(ids(&list(tx, mine, &Filter { limit: 10, ..filter.clone() }).await?), want, "{filter:?}");
                }
                let tom = one(tx, mine, EntryId(1)).await?.expect("it is there");
                let clash: Vec<i64> = clashing(tx, ORG, &tom.entry).await?.iter().map(|one| one.entry.id).collect();
                assert_eq!(clash, [2], "the domain of the address is blocked");
                assert_eq!(one(tx, mine, EntryId(4)).await?, None, "another organisation's");
                assert!(!end(tx, mine, EntryId(4), DAY_MS).await?, "another organisation's");
                assert!(end(tx, mine, EntryId(1), DAY_MS).await?);
                assert!(!end(tx, mine, EntryId(1), DAY_MS).await?, "twice");
                assert_eq!(ids(&list(tx, mine, &Filter { ended_ms: Some(DAY_MS), limit: 9, ..Filter::default() }).await?), [1]);
                assert_eq!(ending(tx, ORG, (DAY_MS, 11 * DAY_MS), 10).await?.len(), 2);
                warned(tx, ORG, EntryId(2), DAY_MS).await?;
                assert_eq!(ending(tx, ORG, (DAY_MS, 11 * DAY_MS), 10).await?.len(), 1, "told once");
                assert_eq!(forget(tx, 2 * DAY_MS).await?, 1);
                assert_eq!(one(tx, mine, EntryId(1)).await?, None);
                Ok::<_, Error>(())
            })
        })
        .await
        .expect("read and changed");
    }
}

#[tokio::test]
async fn what_entries_did_adds_up_by_class() {
    for database in databases() {
        let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
        let db = Db::open(&settings, crate::MIGRATIONS).await.expect("a database");
        let usage = Usage::start(db.clone());
        usage.note(ORG, &[spoke(1, Class::Spam, true), spoke(1, Class::Spam, true), spoke(1, Class::Malware, false)], 5);
        usage.flush().await;
        usage.note(ORG, &[spoke(1, Class::Spam, false)], 9);
        usage.refused(ORG, 2, 9);
        usage.flush().await;
        let ids = [EntryId(1), EntryId(2)];
        let read = |scope| db.read(move |tx| Box::pin(async move { usage_of(tx, scope, &ids).await }));
        let mut found: Vec<(EntryId, String, Count)> = read(OrgScope::One(ORG)).await.map_err(|why: Error| why).expect("read");
        found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let count = |won, lost, last_ms, won_ms| Count { won, lost, last_ms, won_ms };
        assert_eq!(
            found,
            [
                (EntryId(1), "malware".into(), count(0, 1, 5, 0)),
                (EntryId(1), "spam".into(), count(2, 1, 9, 5)),
                (EntryId(2), "clean".into(), count(1, 0, 9, 9)),
            ]
        );
        assert!(read(OrgScope::One(OTHER)).await.map_err(|why: Error| why).expect("read").is_empty());
    }
}
