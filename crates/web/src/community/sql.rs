//! Every statement on spaces, questions and posts. What reads posts takes the [`Spaces`] that its asker may read.

use super::model::{Line, Post, PostKind, PostState, Question, Space, Spaces};
use super::text;
use gateway::scope::OrgScope;
use mail::id::{PostId, SolutionId};
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, Value, args};

/// Spaces of an installation.
pub const SPACES_MAX: usize = 100;
/// Questions of one page, and posts of one question.
pub const LIST_MAX: usize = 30;
pub const POSTS_MAX: usize = 1_000;
/// Characters of a text that a list shows.
const EXCERPT_CHARS_MAX: usize = 200;
const REVISIONS_MAX: usize = 50;

const SPACE: &str = "id, org, name, title, about, is_public, is_closed";

/// The spaces of a scope, and those of all of the installation.
pub async fn spaces(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Space>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT {SPACE} FROM community_space WHERE org = 0 OR {whose} ORDER BY org, id LIMIT {SPACES_MAX}");
    tx.rows(&sql, args).await?.iter().map(space).collect()
}

pub async fn put_space(tx: &mut Tx, space: &Space, now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO community_space (id, org, name, title, about, is_public, is_closed, made_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (id) DO UPDATE SET title = excluded.title, about = excluded.about, is_public = excluded.is_public, \
         is_closed = excluded.is_closed",
        args![
            space.id,
            space.org.map_or(0, |org| org.0),
            space.name.as_str(),
            space.title.as_str(),
            space.about.as_str(),
            i64::from(space.is_public),
            i64::from(space.is_closed),
            now_ms
        ],
    )
    .await
    .map(|_| ())
}

fn space(row: &Row) -> Result<Space, Error> {
    Ok(Space {
        id: row.int(0)?,
        org: Some(OrgId(row.int(1)?)).filter(|org| org.0 != 0),
        name: row.text(2)?.into(),
        title: row.text(3)?.into(),
        about: row.text(4)?.into(),
        is_public: row.int(5)? == 1,
        is_closed: row.int(6)? == 1,
    })
}

const POST: &str = "p.id, p.org, p.space, p.question, p.parent, p.kind, p.person, p.who, p.staff, p.body, p.state, p.reason, p.score, \
                    p.edits, p.edited_ms, p.reports";

pub async fn insert_post(tx: &mut Tx, post: &Post) -> Result<(), Error> {
    tx.run(
        "INSERT INTO community_post (id, org, space, question, parent, kind, person, who, staff, body, state, reason, score, edits, \
         edited_ms, reports) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0)",
        args![
            post.id.0,
            post.org.0,
            post.space,
            post.question.0,
            post.parent.0,
            post.kind.name(),
            post.person.0,
            post.who.as_str(),
            post.staff.as_str(),
            post.body.as_str(),
            post.state.name(),
            post.reason.as_str()
        ],
    )
    .await
    .map(|_| ())
}

fn post(row: &Row) -> Result<Post, Error> {
    Ok(Post {
        id: PostId(row.int(0)?),
        org: OrgId(row.int(1)?),
        space: row.int(2)?,
        question: PostId(row.int(3)?),
        parent: PostId(row.int(4)?),
        kind: PostKind::parse(row.text(5)?),
        person: PersonId(row.int(6)?),
        who: row.text(7)?.into(),
        staff: row.text(8)?.into(),
        body: row.text(9)?.into(),
        state: PostState::parse(row.text(10)?),
        reason: row.text(11)?.into(),
        score: row.int(12)?,
        edits: row.int(13)?,
        edited_ms: row.int(14)?,
        reports: row.int(15)?,
    })
}

pub async fn one_post(tx: &mut Tx, spaces: &Spaces, id: PostId) -> Result<Option<Post>, Error> {
    let mut args = args![id.0];
    let whose = spaces.condition("p.space", &mut args);
    tx.row(&format!("SELECT {POST} FROM community_post p WHERE p.id = $1 AND {whose}"), args).await?.as_ref().map(post).transpose()
}

/// A question, its answers and all comments, in the order in which they were written.
pub async fn posts(tx: &mut Tx, spaces: &Spaces, question: PostId) -> Result<Vec<Post>, Error> {
    let mut args = args![question.0];
    let whose = spaces.condition("p.space", &mut args);
    let sql = format!("SELECT {POST} FROM community_post p WHERE p.question = $1 AND {whose} ORDER BY p.id LIMIT {POSTS_MAX}");
    tx.rows(&sql, args).await?.iter().map(post).collect()
}

/// What moderators look at: held by the spam check, or reported; the oldest first. The sign keeps planners on the index of what waits.
pub async fn waiting(tx: &mut Tx, spaces: &Spaces) -> Result<Vec<Post>, Error> {
    let mut args = args![];
    let whose = spaces.condition("+p.space", &mut args);
    let sql =
        format!("SELECT {POST} FROM community_post p WHERE (p.state = 'held' OR p.reports > 0) AND {whose} ORDER BY p.id LIMIT {LIST_MAX}");
    tx.rows(&sql, args).await?.iter().map(post).collect()
}

/// The latest posts that a moderator took out.
pub async fn removed(tx: &mut Tx, spaces: &Spaces) -> Result<Vec<Post>, Error> {
    let mut args = args![];
    let whose = spaces.condition("+p.space", &mut args);
    let sql = format!("SELECT {POST} FROM community_post p WHERE p.state = 'removed' AND {whose} ORDER BY p.id DESC LIMIT {LIST_MAX}");
    tx.rows(&sql, args).await?.iter().map(post).collect()
}

/// Posts of a question, of a space since an identifier, and of a person there.
pub async fn counts(tx: &mut Tx, (space, question, person): (i64, PostId, PersonId), since: PostId) -> Result<[i64; 3], Error> {
    let sql = "SELECT (SELECT COUNT(*) FROM community_post WHERE question = $1), \
               (SELECT COUNT(*) FROM community_post WHERE space = $2 AND id >= $3), \
               (SELECT COUNT(*) FROM community_post WHERE space = $2 AND id >= $3 AND person = $4)";
    let row = tx.row(sql, args![question.0, space, since.0, person.0]).await?;
    let Some(row) = row else { return Ok([0; 3]) };
    Ok([row.int(0)?, row.int(1)?, row.int(2)?])
}

/// Changes whether a post is shown; false when it stood so already.
pub async fn set_state(tx: &mut Tx, post: &Post, state: PostState, reason: &str) -> Result<bool, Error> {
    let sql = "UPDATE community_post SET state = $1, reason = $2 WHERE id = $3 AND org = $4 AND state = $5";
    if tx.run(sql, args![state.name(), reason, post.id.0, post.org.0, post.state.name()]).await? == 0 {
        return Ok(false);
    }
    let is_listed = i64::from(state == PostState::Shown);
    tx.run("UPDATE community_question SET is_listed = $1 WHERE id = $2 AND org = $3", args![is_listed, post.id.0, post.org.0]).await?;
    recount(tx, post).await?;
    Ok(true)
}

/// Counts the answers of a question again, and lets go of an accepted one that is not shown any more.
pub async fn recount(tx: &mut Tx, of: &Post) -> Result<(), Error> {
    let args = || args![of.question.0, of.org.0];
    tx.run(
        "UPDATE community_question SET answers = (SELECT COUNT(*) FROM community_post p WHERE p.question = $1 AND p.kind = 'answer' \
         AND p.state = 'shown') WHERE id = $1 AND org = $2",
        args(),
    )
    .await?;
    tx.run(
        "UPDATE community_question SET accepted = 0 WHERE id = $1 AND org = $2 AND accepted > 0 AND NOT EXISTS \
         (SELECT 1 FROM community_post p WHERE p.id = community_question.accepted AND p.state = 'shown')",
        args(),
    )
    .await
    .map(|_| ())
}

const QUESTION: &str = "q.id, q.org, q.space, q.person, q.title, q.lang, q.tags, q.is_listed, q.is_locked, q.duplicate_of, q.accepted, \
                        q.answers, q.solution, q.last_ms";

pub async fn insert_question(tx: &mut Tx, question: &Question) -> Result<(), Error> {
    tx.run(
        "INSERT INTO community_question (id, org, space, person, title, lang, tags, is_listed, is_locked, duplicate_of, accepted, answers, \
         solution, last_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0, 0, $9)",
        args![
            question.id.0,
            question.org.0,
            question.space,
            question.person.0,
            question.title.as_str(),
            question.lang.as_str(),
            question.tags.join(" "),
            i64::from(question.is_listed),
            question.last_ms
        ],
    )
    .await?;
    put_tags(tx, question).await
}

/// Keeps title, tags, and whether it is locked, closed, answered or published.
pub async fn update_question(tx: &mut Tx, question: &Question) -> Result<(), Error> {
    tx.run(
        "UPDATE community_question SET title = $1, tags = $2, is_locked = $3, duplicate_of = $4, accepted = $5, solution = $6, last_ms = $7 \
         WHERE id = $8 AND org = $9",
        args![
            question.title.as_str(),
            question.tags.join(" "),
            i64::from(question.is_locked),
            question.duplicate_of.map_or(0, |of| of.0),
            question.accepted.map_or(0, |answer| answer.0),
            question.solution.map_or(0, |solution| solution.0),
            question.last_ms,
            question.id.0,
            question.org.0
        ],
    )
    .await?;
    put_tags(tx, question).await
}

async fn put_tags(tx: &mut Tx, question: &Question) -> Result<(), Error> {
    tx.run("DELETE FROM community_tag WHERE question = $1 AND org = $2", args![question.id.0, question.org.0]).await?;
    let add = |tag: &String| {
        (
            "INSERT INTO community_tag (question, org, space, tag) VALUES ($1, $2, $3, $4)",
            args![question.id.0, question.org.0, question.space, tag.as_str()],
        )
    };
    tx.run_all(question.tags.iter().map(add).collect()).await
}

fn question(row: &Row) -> Result<Question, Error> {
    let some = |id: i64| Some(PostId(id)).filter(|id| id.0 != 0);
    Ok(Question {
        id: PostId(row.int(0)?),
        org: OrgId(row.int(1)?),
        space: row.int(2)?,
        person: PersonId(row.int(3)?),
        title: row.text(4)?.into(),
        lang: row.text(5)?.into(),
        tags: row.text(6)?.split(' ').filter(|tag| !tag.is_empty()).map(str::to_string).collect(),
        is_listed: row.int(7)? == 1,
        is_locked: row.int(8)? == 1,
        duplicate_of: some(row.int(9)?),
        accepted: some(row.int(10)?),
        answers: row.int(11)?,
        solution: Some(SolutionId(row.int(12)?)).filter(|id| id.0 != 0),
        last_ms: row.int(13)?,
    })
}

pub async fn one_question(tx: &mut Tx, spaces: &Spaces, id: PostId) -> Result<Option<Question>, Error> {
    let mut args = args![id.0];
    let whose = spaces.condition("q.space", &mut args);
    let sql = format!("SELECT {QUESTION} FROM community_question q WHERE q.id = $1 AND {whose}");
    tx.row(&sql, args).await?.as_ref().map(question).transpose()
}

/// The question from which a solution was published.
pub async fn of_solution(tx: &mut Tx, spaces: &Spaces, solution: SolutionId) -> Result<Option<Question>, Error> {
    let mut args = args![solution.0];
    let whose = spaces.condition("q.space", &mut args);
    let sql = format!("SELECT {QUESTION} FROM community_question q WHERE q.solution = $1 AND q.solution > 0 AND {whose} LIMIT 1");
    tx.row(&sql, args).await?.as_ref().map(question).transpose()
}

/// Which questions a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    #[default]
    All,
    Unanswered,
    /// Asked by this person.
    Of(PersonId),
    FollowedBy(PersonId),
}

/// What a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    pub which: Which,
    /// "" is any.
    pub tag: String,
    /// Go on after this one.
    pub before: Option<PostId>,
}

/// Questions, newest first, and whether there are more.
pub async fn list(tx: &mut Tx, spaces: &Spaces, wanted: &Wanted) -> Result<(Vec<Line>, bool), Error> {
    let mut args: Vec<Value> = Vec::new();
    let bind = |args: &mut Vec<Value>, value: Value| {
        args.push(value);
        args.len()
    };
    let mut from = String::from("community_question q JOIN community_post p ON p.id = q.id");
    let mut order = "q.id";
    if let Which::FollowedBy(person) = wanted.which {
        order = "f.question";
        let at = bind(&mut args, Value::Int(person.0));
        from.push_str(&format!(" JOIN community_follow f ON f.question = q.id AND f.person = ${at}"));
    }
    if !wanted.tag.is_empty() {
        order = "t.question";
        let at = bind(&mut args, wanted.tag.as_str().into());
        from.push_str(&format!(" JOIN community_tag t ON t.question = q.id AND t.tag = ${at}"));
    }
    let mut conditions = vec![format!("q.id < ${}", bind(&mut args, Value::Int(wanted.before.map_or(i64::MAX, |before| before.0))))];
    // Along the index of one space, or along all questions from the newest on: the sign keeps planners from sorting all of several spaces.
    let is_narrow = spaces.list().len() == 1 && wanted.which == Which::All && wanted.tag.is_empty();
    conditions.push(spaces.condition(if is_narrow { "q.space" } else { "+q.space" }, &mut args));
    // One's own are listed although they are held.
    conditions.push(match wanted.which {
        Which::Of(person) => {
            format!("q.person = ${} AND (q.is_listed = 1 OR p.state = 'held')", bind(&mut args, Value::Int(person.0)))
        }
        Which::Unanswered => "q.is_listed = 1 AND q.answers = 0".into(),
        Which::All | Which::FollowedBy(_) => "q.is_listed = 1".into(),
    });
    let limit = LIST_MAX + 1;
    let sql = format!(
        "SELECT {QUESTION}, p.who, p.staff, p.score, p.body FROM {from} WHERE {} ORDER BY {order} DESC LIMIT {limit}",
        conditions.join(" AND ")
    );
    let mut found: Vec<Line> = tx.rows(&sql, args).await?.iter().map(line).collect::<Result<_, _>>()?;
    let is_more = found.len() > LIST_MAX;
    found.truncate(LIST_MAX);
    Ok((found, is_more))
}

/// Questions by their numbers, those that are listed, in the order of `ids`.
pub async fn lines(tx: &mut Tx, spaces: &Spaces, ids: &[i64]) -> Result<Vec<Line>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut args: Vec<Value> = ids.iter().map(|id| Value::Int(*id)).collect();
    let places: Vec<String> = (1..=ids.len()).map(|at| format!("${at}")).collect();
    let whose = spaces.condition("q.space", &mut args);
    let sql = format!(
        "SELECT {QUESTION}, p.who, p.staff, p.score, p.body FROM community_question q JOIN community_post p ON p.id = q.id \
         WHERE q.id IN ({}) AND q.is_listed = 1 AND {whose}",
        places.join(", ")
    );
    let mut found: Vec<Line> = tx.rows(&sql, args).await?.iter().map(line).collect::<Result<_, _>>()?;
    found.sort_by_key(|line| ids.iter().position(|id| *id == line.question.id.0));
    Ok(found)
}

fn line(row: &Row) -> Result<Line, Error> {
    Ok(Line {
        question: question(row)?,
        who: row.text(14)?.into(),
        staff: row.text(15)?.into(),
        score: row.int(16)?,
        excerpt: text::plain(row.text(17)?, EXCERPT_CHARS_MAX),
    })
}

/// What a post was before an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub id: i64,
    /// Who changed it then, and why.
    pub who: String,
    pub why: String,
    pub title: String,
    pub tags: String,
    pub body: String,
}

pub async fn add_revision(tx: &mut Tx, post: &Post, person: PersonId, revision: &Revision) -> Result<(), Error> {
    tx.run(
        "INSERT INTO community_revision (id, org, post, person, who, why, title, tags, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            revision.id,
            post.org.0,
            post.id.0,
            person.0,
            revision.who.as_str(),
            revision.why.as_str(),
            revision.title.as_str(),
            revision.tags.as_str(),
            revision.body.as_str()
        ],
    )
    .await
    .map(|_| ())
}

/// False when somebody else changed it since it was read.
pub async fn set_body(tx: &mut Tx, post: &Post, body: &str, now_ms: i64) -> Result<bool, Error> {
    let sql = "UPDATE community_post SET body = $1, edits = edits + 1, edited_ms = $2 WHERE id = $3 AND org = $4 AND edits = $5";
    Ok(tx.run(sql, args![body, now_ms, post.id.0, post.org.0, post.edits]).await? == 1)
}

/// The latest earlier versions, in their order. The caller read the post within its spaces.
pub async fn revisions(tx: &mut Tx, post: &Post) -> Result<Vec<Revision>, Error> {
    let sql = format!(
        "SELECT id, who, why, title, tags, body FROM community_revision WHERE post = $1 AND org = $2 ORDER BY id DESC LIMIT {REVISIONS_MAX}"
    );
    let revision = |row: &Row| {
        Ok(Revision {
            id: row.int(0)?,
            who: row.text(1)?.into(),
            why: row.text(2)?.into(),
            title: row.text(3)?.into(),
            tags: row.text(4)?.into(),
            body: row.text(5)?.into(),
        })
    };
    tx.rows(&sql, args![post.id.0, post.org.0]).await?.iter().rev().map(revision).collect()
}
