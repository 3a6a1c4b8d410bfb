//! Every statement on what readers say of articles. It belongs to the installation: everybody adds, operators read.

use super::vote::{Vote, Votes};
use store::{Error, Row, Tx, args};

/// Words that are kept; the oldest go first.
const WORDS_KEPT_MAX: i64 = 2_000;
/// Articles, and words, of one list.
const ROWS_MAX: usize = 1_000;
const WORDS_SHOWN_MAX: usize = 200;

pub async fn add(tx: &mut Tx, vote: &Vote, id: i64, now_ms: i64) -> Result<(), Error> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let (useful, useless) = (i64::from(vote.is_useful), i64::from(!vote.is_useful));
    tx.run(
        "INSERT INTO help_vote (kind, name, lang, day, useful, useless) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (kind, name, lang, day) DO UPDATE SET useful = help_vote.useful + excluded.useful, \
         useless = help_vote.useless + excluded.useless",
        args![vote.kind.clone(), vote.name.clone(), vote.lang.clone(), now_ms / DAY_MS, useful, useless],
    )
    .await?;
    if vote.words.is_empty() {
        return Ok(());
    }
    tx.run(
        "INSERT INTO help_words (id, kind, name, lang, at_ms, is_useful, words) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![id, vote.kind.clone(), vote.name.clone(), vote.lang.clone(), now_ms, useful, vote.words.clone()],
    )
    .await?;
    tx.run(
        "DELETE FROM help_words WHERE id IN (SELECT id FROM help_words ORDER BY at_ms DESC, id DESC LIMIT 1 OFFSET $1)",
        args![WORDS_KEPT_MAX],
    )
    .await?;
    Ok(())
}

fn votes(row: &Row) -> Result<Votes, Error> {
    Ok(Votes { kind: row.text(0)?.into(), name: row.text(1)?.into(), useful: row.int(2)?, useless: row.int(3)? })
}

/// Articles by how often they did not help.
pub async fn all(tx: &mut Tx) -> Result<Vec<Votes>, Error> {
    const ALL: &str = "SELECT kind, name, CAST(SUM(useful) AS BIGINT), CAST(SUM(useless) AS BIGINT) FROM help_vote GROUP BY kind, name \
                       ORDER BY SUM(useless) DESC, kind, name LIMIT $1";
    tx.rows(ALL, args![ROWS_MAX]).await?.iter().map(votes).collect()
}

/// What people wrote, newest first, each with its moment.
pub async fn words(tx: &mut Tx) -> Result<Vec<(i64, Vote)>, Error> {
    const WORDS: &str = "SELECT kind, name, lang, at_ms, is_useful, words FROM help_words ORDER BY at_ms DESC, id DESC LIMIT $1";
    let vote = |row: &Row| {
        let vote = Vote {
            kind: row.text(0)?.into(),
            name: row.text(1)?.into(),
            lang: row.text(2)?.into(),
            is_useful: row.int(4)? != 0,
            words: row.text(5)?.into(),
        };
        Ok((row.int(3)?, vote))
    };
    tx.rows(WORDS, args![WORDS_SHOWN_MAX]).await?.iter().map(vote).collect()
}
