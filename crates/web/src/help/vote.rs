//! Was it useful? Readers say so of an article, without a name; operators see which articles do not help.

use super::library::Kind;
use super::sql;
use crate::App;
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::limit::Rate;
use crate::people::session::Peer;
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Path, State};
use axum::{Form, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Characters of what somebody writes.
const WORDS_CHARS_MAX: usize = 500;
/// Votes of one source, and of all together.
const OF_SOURCE: Rate = Rate { burst: 10, each_s: 60 };
const OF_ALL: Rate = Rate { burst: 300, each_s: 2 };

/// One reader's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    pub kind: String,
    pub name: String,
    pub lang: String,
    pub is_useful: bool,
    /// "" when nothing was written.
    pub words: String,
}

/// What all said of one article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Votes {
    pub kind: String,
    pub name: String,
    pub useful: i64,
    pub useless: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Said {
    /// "yes" or "no".
    useful: String,
    words: String,
}

/// `POST /help/{kind}/{name}/useful`: counts, and leads back.
pub async fn say(
    State(app): State<App>,
    view: View,
    peer: Peer,
    Path((kind, name)): Path<(String, String)>,
    Form(said): Form<Said>,
) -> Page {
    let kind = Kind::parse(&kind).ok_or(Fault::NotFound)?;
    let article = app.help.library().await.find(kind, &name).ok_or(Fault::NotFound)?;
    let is_useful = match said.useful.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(Fault::Invalid(vec![crate::page::fault::Wrong::new("useful", "help-useful-choose")])),
    };
    let words: String = said.words.trim().chars().take(WORDS_CHARS_MAX).collect();
    app.limits().take(&format!("help-vote {}", peer.ip), OF_SOURCE, app.now_ms())?;
    app.limits().take("help-vote", OF_ALL, app.now_ms())?;
    let vote = Vote { kind: kind.name().into(), name: article.name.clone(), lang: view.lang.tag().into(), is_useful, words };
    let (id, now_ms) = (app.fresh_id(), app.now_ms());
    let kept: Result<(), store::Error> = app.db.tx(move |tx| Box::pin(async move { sql::add(tx, &vote, id, now_ms).await })).await;
    kept.map_err(Fault::from)?;
    done(&format!("{}#useful", article.path()), Say::new("help-useful-thanks"))
}

#[derive(Template)]
#[template(path = "help/templates/votes.html")]
struct VotesPage<'a> {
    view: &'a View,
    rows: Vec<Row>,
    words: Vec<(i64, Row, Vote)>,
}

/// An article with its title.
struct Row {
    path: String,
    title: String,
    useful: i64,
    useless: i64,
}

async fn read(app: &App) -> Result<(Vec<Votes>, Vec<(i64, Vote)>), Fault> {
    app.db
        .read(|tx| Box::pin(async move { Ok::<_, store::Error>((sql::all(tx).await?, sql::words(tx).await?)) }))
        .await
        .map_err(Fault::from)
}

/// `GET /help-votes`, for operators.
pub async fn page(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Operate)?;
    let (votes, words) = read(&app).await?;
    let library = app.help.library().await;
    let row = |kind: &str, name: &str, (useful, useless): (i64, i64)| {
        let article = Kind::parse(kind).and_then(|kind| library.find(kind, name));
        // An article may have gone since.
        let path = article.map_or_else(|| "/help".into(), |article| article.path());
        Row { path, title: article.map_or_else(|| name.to_string(), |article| article.title(&view).to_string()), useful, useless }
    };
    let rows = votes.iter().map(|votes| row(&votes.kind, &votes.name, (votes.useful, votes.useless))).collect();
    let words = words.into_iter().map(|(at_ms, vote)| (at_ms, row(&vote.kind, &vote.name, (0, 0)), vote)).collect();
    show(&VotesPage { view: &view, rows, words })
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What readers said of one article.
#[derive(Debug, Serialize, ToSchema)]
struct HelpVotesBody {
    kind: String,
    name: String,
    useful: i64,
    useless: i64,
}

/// What somebody wrote about an article.
#[derive(Debug, Serialize, ToSchema)]
struct HelpWordsBody {
    kind: String,
    name: String,
    lang: String,
    is_useful: bool,
    words: String,
    /// Unix milliseconds.
    at_ms: i64,
}

/// What readers said of articles.
#[derive(Debug, Serialize, ToSchema)]
struct AllVotesBody {
    /// Those that helped least first.
    rows: Vec<HelpVotesBody>,
    /// Newest first, 200 at most.
    words: Vec<HelpWordsBody>,
}

/// Which articles help, and which do not.
#[utoipa::path(get, path = "/help-votes", tag = "help", operation_id = "list_help_votes",
    responses((status = 200, description = "What readers said", body = AllVotesBody)))]
async fn list(State(app): State<App>, person: Person) -> Result<Json<AllVotesBody>, Fault> {
    person.require(May::Operate)?;
    let (votes, words) = read(&app).await?;
    let row = |votes: Votes| HelpVotesBody { kind: votes.kind, name: votes.name, useful: votes.useful, useless: votes.useless };
    let word = |(at_ms, vote): (i64, Vote)| HelpWordsBody {
        kind: vote.kind,
        name: vote.name,
        lang: vote.lang,
        is_useful: vote.is_useful,
        words: vote.words,
        at_ms,
    };
    Ok(Json(AllVotesBody { rows: votes.into_iter().map(row).collect(), words: words.into_iter().map(word).collect() }))
}
