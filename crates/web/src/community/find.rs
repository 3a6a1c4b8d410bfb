//! Questions that are about the same, quickly, also among many; the way of service requests (`service_request::search`).
//!
//! A question is found by its title, its text and tags, and by the answer that was accepted. Invariant: only posts that are shown have terms.

use super::model::{Line, PostKind, Spaces};
use super::sql;
use crate::service_request::search::{POSTINGS_MAX, Rating, WEIGHED_MAX, question as asked, weights};
use mail::id::PostId;
use store::{Error, Tx, Value, args};

/// Questions shown beside a form, and of a search.
pub const SIMILAR_MAX: usize = 5;
pub const FOUND_MAX: usize = 20;

/// Keeps the words of a question; called whenever they, or whether it is shown, may have changed. The caller may read all posts of it.
pub async fn index(tx: &mut Tx, spaces: &Spaces, id: PostId) -> Result<(), Error> {
    let Some(question) = sql::one_question(tx, spaces, id).await? else { return Ok(()) };
    tx.run("DELETE FROM community_term WHERE question = $1 AND org = $2", args![id.0, question.org.0]).await?;
    if !question.is_listed {
        return Ok(());
    }
    let posts = sql::posts(tx, spaces, id).await?;
    let text =
        |wanted: Option<PostId>| posts.iter().find(|post| Some(post.id) == wanted && post.is_shown()).map_or("", |post| post.body.as_str());
    // Until one is accepted, the answer that most found good says what it is about as well.
    let best =
        posts.iter().filter(|post| post.kind == PostKind::Answer && post.is_shown()).max_by_key(|post| post.score).map(|post| post.id);
    let tags = question.tags.join(" ");
    let weights = weights(&question.title, &[&tags, text(Some(id)), text(question.accepted.or(best))]);
    let add = |(term, weight): (&String, &i64)| {
        (
            "INSERT INTO community_term (question, org, space, term, weight) VALUES ($1, $2, $3, $4, $5)",
            args![id.0, question.org.0, question.space, term.as_str(), *weight],
        )
    };
    tx.run_all(weights.iter().map(add).collect()).await
}

/// Questions about `text`, best first; `but` is left out.
pub async fn similar(tx: &mut Tx, spaces: &Spaces, text: &str, (but, most): (Option<PostId>, usize)) -> Result<Vec<Line>, Error> {
    let terms = asked(text);
    let mut rated = Rating::default();
    for term in &terms {
        rated.add(term, postings(tx, spaces, term).await?);
    }
    let best: Vec<i64> = rated.best(WEIGHED_MAX).into_iter().filter(|id| but.is_none_or(|but| but.0 != *id)).collect();
    let whole = terms_of(tx, spaces, &best, &terms).await?;
    let ids: Vec<i64> = rated.weighed(&whole, &terms).into_iter().map(|(id, _)| id).take(most).collect();
    sql::lines(tx, spaces, &ids).await
}

/// The latest questions that have a term, with its weight there.
async fn postings(tx: &mut Tx, spaces: &Spaces, term: &str) -> Result<Vec<(i64, i64)>, Error> {
    let mut args = args![term];
    let whose = spaces.condition("space", &mut args);
    let sql =
        format!("SELECT question, weight FROM community_term WHERE term = $1 AND {whose} ORDER BY question DESC LIMIT {POSTINGS_MAX}");
    tx.rows(&sql, args).await?.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

async fn terms_of(tx: &mut Tx, spaces: &Spaces, ids: &[i64], terms: &[String]) -> Result<Vec<(i64, String, i64)>, Error> {
    if ids.is_empty() || terms.is_empty() {
        return Ok(Vec::new());
    }
    let mut args: Vec<Value> = ids.iter().map(|id| Value::Int(*id)).chain(terms.iter().map(|term| term.as_str().into())).collect();
    let places = |from: usize, count: usize| (from..from + count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ");
    let (of_ids, of_terms) = (places(1, ids.len()), places(1 + ids.len(), terms.len()));
    let whose = spaces.condition("space", &mut args);
    let sql =
        format!("SELECT question, term, weight FROM community_term WHERE question IN ({of_ids}) AND term IN ({of_terms}) AND {whose}");
    tx.rows(&sql, args).await?.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_string(), row.int(2)?))).collect()
}
