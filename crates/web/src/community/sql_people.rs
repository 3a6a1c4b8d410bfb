//! Every statement on what people do with posts: votes, reports, who follows, what they are told. The caller read the post within its spaces.

use super::model::{Post, Spaces};
use mail::PersonId;
use mail::id::PostId;
use std::collections::HashMap;
use store::{Error, Row, Tx, args};

/// People who are told of one thing.
const FOLLOWERS_MAX: usize = 200;
const REPORTS_MAX: usize = 50;
const NOTICES_MAX: usize = 50;

/// A person's vote: 1, -1, or 0 for none. The score follows.
pub async fn vote(tx: &mut Tx, post: &Post, person: PersonId, value: i64) -> Result<(), Error> {
    tx.run("DELETE FROM community_vote WHERE post = $1 AND person = $2 AND org = $3", args![post.id.0, person.0, post.org.0]).await?;
    if value != 0 {
        let sql = "INSERT INTO community_vote (post, org, person, value) VALUES ($1, $2, $3, $4)";
        tx.run(sql, args![post.id.0, post.org.0, person.0, value.signum()]).await?;
    }
    let sql = "UPDATE community_post SET score = (SELECT CAST(COALESCE(SUM(v.value), 0) AS BIGINT) FROM community_vote v WHERE v.post = $1) \
               WHERE id = $1 AND org = $2";
    tx.run(sql, args![post.id.0, post.org.0]).await.map(|_| ())
}

/// What a person voted on the posts of a question.
pub async fn votes_of(tx: &mut Tx, question: PostId, person: PersonId) -> Result<HashMap<PostId, i64>, Error> {
    let sql = "SELECT v.post, v.value FROM community_vote v JOIN community_post p ON p.id = v.post WHERE p.question = $1 AND v.person = $2 \
               LIMIT 1000";
    tx.rows(sql, args![question.0, person.0]).await?.iter().map(|row| Ok((PostId(row.int(0)?), row.int(1)?))).collect()
}

pub async fn follow(tx: &mut Tx, question: PostId, person: PersonId, does: bool) -> Result<(), Error> {
    let sql = if does {
        "INSERT INTO community_follow (question, person) VALUES ($1, $2) ON CONFLICT (question, person) DO NOTHING"
    } else {
        "DELETE FROM community_follow WHERE question = $1 AND person = $2"
    };
    tx.run(sql, args![question.0, person.0]).await.map(|_| ())
}

pub async fn follows(tx: &mut Tx, question: PostId, person: PersonId) -> Result<bool, Error> {
    Ok(tx.row("SELECT person FROM community_follow WHERE question = $1 AND person = $2", args![question.0, person.0]).await?.is_some())
}

pub async fn followers(tx: &mut Tx, question: PostId) -> Result<Vec<PersonId>, Error> {
    let sql = format!("SELECT person FROM community_follow WHERE question = $1 ORDER BY person LIMIT {FOLLOWERS_MAX}");
    tx.rows(&sql, args![question.0]).await?.iter().map(|row| Ok(PersonId(row.int(0)?))).collect()
}

/// Somebody says what is wrong with a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub id: i64,
    pub person: PersonId,
    pub reason: String,
    pub words: String,
}

/// # Errors
/// [`Error::Exists`] when this person's report of it is open.
pub async fn report(tx: &mut Tx, post: &Post, report: &Report) -> Result<(), Error> {
    tx.run(
        "INSERT INTO community_report (id, org, post, person, reason, words, is_open) VALUES ($1, $2, $3, $4, $5, $6, 1)",
        args![report.id, post.org.0, post.id.0, report.person.0, report.reason.as_str(), report.words.as_str()],
    )
    .await?;
    tx.run("UPDATE community_post SET reports = reports + 1 WHERE id = $1 AND org = $2", args![post.id.0, post.org.0]).await.map(|_| ())
}

pub async fn reports(tx: &mut Tx, post: &Post) -> Result<Vec<Report>, Error> {
    let sql = format!(
        "SELECT id, person, reason, words FROM community_report WHERE post = $1 AND org = $2 AND is_open = 1 ORDER BY id LIMIT {REPORTS_MAX}"
    );
    let report =
        |row: &Row| Ok(Report { id: row.int(0)?, person: PersonId(row.int(1)?), reason: row.text(2)?.into(), words: row.text(3)?.into() });
    tx.rows(&sql, args![post.id.0, post.org.0]).await?.iter().map(report).collect()
}

/// A moderator decided: nothing about it is open any more.
pub async fn settle(tx: &mut Tx, post: &Post) -> Result<(), Error> {
    tx.run("UPDATE community_report SET is_open = 0 WHERE post = $1 AND org = $2", args![post.id.0, post.org.0]).await?;
    tx.run("UPDATE community_post SET reports = 0 WHERE id = $1 AND org = $2", args![post.id.0, post.org.0]).await.map(|_| ())
}

/// What a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub question: PostId,
    /// Words `community-told-…`.
    pub kind: String,
    pub post: PostId,
    pub at_ms: i64,
    pub title: String,
}

/// The latest about a question takes the place of what was told before. Whether a letter is due too: none went since `since_ms`.
pub async fn tell(
    tx: &mut Tx,
    person: PersonId,
    (question, post): (PostId, PostId),
    (kind, at_ms): (&str, i64),
    since_ms: i64,
) -> Result<bool, Error> {
    let sql = "SELECT letter_ms FROM community_notice WHERE person = $1 AND question = $2";
    let letter_ms = tx.row(sql, args![person.0, question.0]).await?.map_or(Ok(0), |row| row.int(0))?;
    let is_due = letter_ms < since_ms;
    tx.run(
        "INSERT INTO community_notice (person, question, kind, post, at_ms, letter_ms) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (person, question) DO UPDATE SET kind = excluded.kind, post = excluded.post, at_ms = excluded.at_ms, \
         letter_ms = excluded.letter_ms",
        args![person.0, question.0, kind, post.0, at_ms, if is_due { at_ms } else { letter_ms }],
    )
    .await?;
    Ok(is_due)
}

/// Whether the bell told a person of a question.
pub async fn is_told(tx: &mut Tx, question: PostId, person: PersonId) -> Result<bool, Error> {
    let sql = "SELECT at_ms FROM community_notice WHERE person = $1 AND question = $2";
    Ok(tx.row(sql, args![person.0, question.0]).await?.is_some())
}

/// What a person is told since a moment, of questions that they may still read.
pub async fn notices(tx: &mut Tx, spaces: &Spaces, person: PersonId, since_ms: i64) -> Result<Vec<Notice>, Error> {
    let mut args = args![person.0, since_ms];
    let whose = spaces.condition("q.space", &mut args);
    let sql = format!(
        "SELECT n.question, n.kind, n.post, n.at_ms, q.title FROM community_notice n JOIN community_question q ON q.id = n.question \
         WHERE n.person = $1 AND n.at_ms >= $2 AND {whose} ORDER BY n.at_ms DESC LIMIT {NOTICES_MAX}"
    );
    let notice = |row: &Row| {
        Ok(Notice {
            question: PostId(row.int(0)?),
            kind: row.text(1)?.into(),
            post: PostId(row.int(2)?),
            at_ms: row.int(3)?,
            title: row.text(4)?.into(),
        })
    };
    tx.rows(&sql, args).await?.iter().map(notice).collect()
}
