use super::sql::{self, Put, RuleRow};
use super::*;
use crate::scope::OrgScope;
use mail::MailId;
use mail::id::IdMaker;
use store::{Db, DbSettings, Error, Tx, args};
use testkit::postgres::databases;

fn row(id: i64, org: i64, name: &str) -> RuleRow {
    let settings = RuleSettings { name: name.into(), ..rule(vec![condition(ConditionKind::SubjectWords, &["x"])]) };
    RuleRow { id: RuleId(id), org: OrgId(org), settings, source: "page".into(), changed_ms: 5 }
}

async fn names(tx: &mut Tx, scope: OrgScope) -> Vec<String> {
    sql::list(tx, scope).await.expect("a list").into_iter().map(|row| row.settings.name).collect()
}

#[tokio::test]
async fn rules_are_kept_ordered_moved_and_removed_within_their_organisation() {
    for database in databases() {
        let db = Db::open(&DbSettings { url: database.url.clone(), ..DbSettings::default() }, crate::MIGRATIONS).await.expect("it opens");
        let done: Result<(), Error> = db.tx(|tx| Box::pin(async move { kept(tx).await })).await;
        done.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
    }
}

async fn kept(tx: &mut Tx) -> Result<(), Error> {
    let (mine, other) = (OrgScope::One(OrgId(1)), OrgScope::One(OrgId(2)));
    tx.run("INSERT INTO organisation (id, name, language, settings, source) VALUES (1, 'one', 'en', '{}', 'page')", args![]).await?;
    for (id, name) in [(11, "a"), (12, "b"), (13, "c")] {
        assert_eq!(sql::put(tx, &row(id, 1, name)).await?, Put::Done);
    }
    assert_eq!(sql::put(tx, &row(21, 2, "a")).await?, Put::Done, "names are unique in an organisation only");
    assert_eq!(sql::put(tx, &row(14, 1, "a")).await?, Put::NameTaken);
    assert_eq!(names(tx, mine).await, ["a", "b", "c"]);
    assert_eq!(sql::move_to(tx, mine, RuleId(13), 0).await?, Some(0));
    assert_eq!(sql::move_to(tx, mine, RuleId(13), 99).await?, Some(2), "past the end is the end");
    assert_eq!(sql::move_to(tx, mine, RuleId(12), 0).await?, Some(0));
    assert_eq!(names(tx, mine).await, ["b", "a", "c"]);
    assert_eq!(sql::move_to(tx, other, RuleId(12), 0).await?, None);
    let changed = RuleRow { settings: RuleSettings { name: "bb".into(), ..row(12, 1, "b").settings }, ..row(12, 1, "b") };
    assert_eq!(sql::put(tx, &changed).await?, Put::Done);
    assert_eq!(names(tx, mine).await, ["bb", "a", "c"], "a change keeps the place");
    assert_eq!(sql::one(tx, other, RuleId(12)).await?, None);
    assert!(!sql::delete(tx, other, RuleId(12)).await?);
    let (statement, args) = sql::hit(RuleId(12), MailId(5), OrgId(1), "audit");
    tx.run(statement, args).await?;
    assert_eq!(sql::hits(tx, mine, MailId(0)).await?.get(&RuleId(12)), Some(&1));
    assert!(sql::hits(tx, other, MailId(0)).await?.is_empty());
    let file = vec![RuleSettings { name: "of-file".into(), priority: 7, ..rule(vec![]) }];
    let ids = IdMaker::new(1);
    sql::apply_file(tx, &file, &ids, 9).await?;
    let first = sql::list(tx, mine).await?.remove(0);
    assert_eq!((first.settings.name.as_str(), first.is_of_file()), ("of-file", true));
    sql::apply_file(tx, &file, &ids, 9).await?;
    assert_eq!(sql::list(tx, mine).await?.remove(0).id, first.id, "it keeps its identifier");
    assert!(!sql::delete(tx, mine, first.id).await?, "what stands in the file is removed there");
    assert_eq!(sql::move_to(tx, mine, first.id, 2).await?, None);
    assert!(sql::delete(tx, mine, RuleId(12)).await?);
    assert!(sql::hits(tx, mine, MailId(0)).await?.is_empty());
    Ok(())
}
