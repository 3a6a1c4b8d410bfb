//! Pages of all questions, and of asking.

use super::change::{self, NewCommunityQuestion, TITLE_CHARS_MAX, readable};
use super::find::{self, FOUND_MAX, SIMILAR_MAX};
use super::model::{Line, PostState, Space, Spaces};
use super::spam::Turn;
use super::sql::{self, Wanted, Which};
use crate::App;
use crate::help;
use crate::page::form::Form as Shown;
use crate::page::guard::form_pair;
use crate::page::{Fault, Page, Say, View, done, show, show_with};
use crate::people::session::Peer;
use crate::people::{May, Person, limit};
use crate::service_request::search as solutions;
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use mail::id::PostId;
use serde::Deserialize;
use store::Error;

/// Characters of a search.
const QUERY_CHARS_MAX: usize = 200;
/// Characters of what is typed that are looked for.
const LOOKED_CHARS_MAX: usize = 4_000;
const ARTICLES_MAX: usize = 3;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Name of a space.
    pub space: String,
    pub tag: String,
    /// "unanswered", "mine" or "followed"; else all.
    pub show: String,
    pub q: String,
    /// Go on after this question.
    pub before: String,
}

impl Asked {
    /// The address with one of its pairs changed.
    fn href(&self, path: &str, changed: (&str, &str)) -> String {
        let pairs = [("space", &self.space), ("tag", &self.tag), ("show", &self.show), ("q", &self.q)];
        let kept = pairs.iter().filter(|(name, value)| *name != changed.0 && !value.is_empty()).map(|(name, value)| form_pair(name, value));
        let put = (!changed.1.is_empty()).then(|| form_pair(changed.0, changed.1));
        let all: Vec<String> = kept.chain(put).collect();
        if all.is_empty() { path.into() } else { format!("{path}?{}", all.join("&")) }
    }
}

/// Questions, where to go on, and the spaces there are.
pub struct Found {
    pub lines: Vec<Line>,
    pub next: Option<String>,
    pub spaces: Spaces,
}

impl Found {
    /// Title of the space that a question stands in.
    pub fn place(&self, line: &Line) -> &str {
        self.spaces.of(line.question.space).map(|space| space.title.as_str()).unwrap_or_default()
    }
}

/// Questions as they are asked for; `None` signs in first where nothing is public.
/// # Errors
/// [`Fault::SignIn`] when there is nothing for somebody who is not signed in; [`Fault::NotFound`] for a space that is not theirs.
pub async fn look(app: &App, person: Option<&Person>, asked: &Asked) -> Result<Found, Fault> {
    let (who, asked) = (person.cloned(), asked.clone());
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let missing = || if who.is_some() { Fault::NotFound } else { Fault::SignIn };
            let spaces = readable(tx, who.as_ref()).await?;
            if who.is_none() && (spaces.is_empty() || matches!(asked.show.as_str(), "mine" | "followed")) {
                return Err(Fault::SignIn);
            }
            let within = match asked.space.as_str() {
                "" => spaces.clone(),
                name => spaces.only(spaces.named(name).ok_or_else(missing)?.id),
            };
            let q: String = asked.q.trim().chars().take(QUERY_CHARS_MAX).collect();
            if !q.is_empty() {
                let lines = find::similar(tx, &within, &q, (None, FOUND_MAX)).await?;
                return Ok(Found { lines, next: None, spaces });
            }
            let before: Option<PostId> =
                if asked.before.is_empty() { None } else { Some(asked.before.parse().map_err(|_| Fault::NotFound)?) };
            let which = match (asked.show.as_str(), &who) {
                ("unanswered", _) => Which::Unanswered,
                ("mine", Some(person)) => Which::Of(person.id),
                ("followed", Some(person)) => Which::FollowedBy(person.id),
                _ => Which::All,
            };
            let wanted = Wanted { which, tag: asked.tag.trim().to_lowercase(), before };
            let (lines, is_more) = sql::list(tx, &within, &wanted).await?;
            let next = lines.last().filter(|_| is_more).map(|line| line.question.id.to_string());
            Ok(Found { lines, next, spaces })
        })
    });
    read.await
}

#[derive(Template)]
#[template(path = "community/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    asked: &'a Asked,
    found: &'a Found,
    /// Address, words key, and whether it is this one.
    tabs: Vec<(String, &'static str, bool)>,
    spaces: Vec<(String, &'a Space, bool)>,
    all: String,
    without_tag: String,
    next: Option<String>,
    feed: String,
    here: Option<&'a Space>,
    can_ask: bool,
    may_moderate: bool,
    may_operate: bool,
}

/// `GET /community`.
pub async fn list(State(app): State<App>, view: View, peer: Peer, Query(asked): Query<Asked>) -> Page {
    if !asked.q.trim().is_empty() {
        turn(&app, &view, &peer)?;
    }
    let found = look(&app, view.person.as_ref(), &asked).await?;
    let tab = |show: &'static str, key: &'static str| (asked.href("/community", ("show", show)), key, asked.show == show);
    let own = [tab("mine", "community-mine"), tab("followed", "community-followed")];
    let all = [tab("", "community-newest"), tab("unanswered", "community-unanswered")];
    let is_in = |space: &Space| space.name == asked.space;
    let next = found.next.as_ref().map(|next| asked.href("/community", ("before", next)));
    show(&ListPage {
        view: &view,
        asked: &asked,
        found: &found,
        tabs: all.into_iter().chain(own.into_iter().filter(|_| view.person.is_some())).collect(),
        spaces: found.spaces.list().iter().map(|space| (asked.href("/community", ("space", &space.name)), space, is_in(space))).collect(),
        all: asked.href("/community", ("space", "")),
        without_tag: asked.href("/community", ("tag", "")),
        next,
        feed: Asked { q: String::new(), show: String::new(), ..asked.clone() }.href("/community/feed.atom", ("", "")),
        here: found.spaces.named(&asked.space),
        can_ask: view.may(May::Community) && found.spaces.list().iter().any(|space| !space.is_closed),
        may_moderate: view.may(May::Moderate),
        may_operate: view.may(May::Operate),
    })
}

fn turn(app: &App, view: &View, peer: &Peer) -> Result<(), Fault> {
    let who = view.person.as_ref().map_or_else(|| limit::source(&peer.ip), |person| person.id.to_string());
    Turn::Look.take(app, &who, 0)
}

/// What may already answer a question.
#[derive(Default)]
pub struct Similar {
    pub questions: Vec<Line>,
    /// Kind, address, title, first words.
    pub more: Vec<(&'static str, String, String, String)>,
}

impl Similar {
    pub fn count(&self) -> usize {
        self.questions.len() + self.more.len()
    }
}

/// Looks for questions, articles and published solutions about what is typed.
pub async fn similar_to(app: &App, view: &View, person: &Person, text: &str) -> Result<Similar, Fault> {
    let text: String = text.chars().take(LOOKED_CHARS_MAX).collect();
    if text.trim().is_empty() {
        return Ok(Similar::default());
    }
    let (who, words) = (person.clone(), text.clone());
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let spaces = readable(tx, Some(&who)).await?;
            let questions = find::similar(tx, &spaces, &words, (None, SIMILAR_MAX)).await?;
            Ok::<_, Error>((questions, solutions::solutions(tx, &words).await?))
        })
    });
    let (questions, published) = read.await.map_err(Fault::from)?;
    let solution = |found: &solutions::Found<crate::service_request::sql_search::Solution>| {
        let solution = &found.what;
        let excerpt = super::text::plain_line(&solution.text, 200);
        ("solution", format!("/requests/solutions/{}", solution.id), solution.title.clone(), excerpt)
    };
    help::learned().await;
    let hits = help::find(app.help.library().await, &text, view.lang);
    let article = |hit: &help::Hit<'_>| ("article", hit.article.path(), hit.article.title(view).to_string(), hit.excerpt.clone());
    let more = published.iter().take(ARTICLES_MAX).map(solution).chain(hits.iter().take(ARTICLES_MAX).map(article)).collect();
    Ok(Similar { questions, more })
}

#[derive(Template)]
#[template(path = "community/templates/ask.html")]
struct AskPage<'a> {
    view: &'a View,
    form: &'a Shown,
    spaces: Vec<&'a Space>,
    similar: Option<Similar>,
    /// It was shown what is similar: the next button posts.
    is_second: bool,
    title_max: usize,
}

#[derive(Template)]
#[template(path = "community/templates/similar.html")]
struct SimilarPart<'a> {
    view: &'a View,
    similar: Option<Similar>,
}

async fn writable(app: &App, person: &Person) -> Result<Vec<Space>, Fault> {
    let who = person.clone();
    let read = app.db.read(move |tx| Box::pin(async move { readable(tx, Some(&who)).await })).await;
    let spaces: Spaces = read.map_err(|why: Error| Fault::from(why))?;
    Ok(spaces.list().iter().filter(|space| !space.is_closed).cloned().collect())
}

/// `GET /community/ask?space=&title=`.
pub async fn form(State(app): State<App>, view: View, person: Person, Query(filled): Query<Filled>) -> Page {
    person.require(May::Community)?;
    let typed = NewCommunityQuestion {
        space: filled.space,
        title: filled.title.chars().take(TITLE_CHARS_MAX).collect(),
        ..NewCommunityQuestion::default()
    };
    let similar = if typed.title.trim().is_empty() { None } else { Some(similar_to(&app, &view, &person, &typed.title).await?) };
    let spaces = writable(&app, &person).await?;
    ask_page(&view, &spaces, (StatusCode::OK, &Shown::of(&typed)), (similar, false))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filled {
    space: String,
    title: String,
}

fn ask_page(view: &View, spaces: &[Space], (status, form): (StatusCode, &Shown), (similar, is_second): (Option<Similar>, bool)) -> Page {
    show_with(status, &AskPage { view, form, spaces: spaces.iter().collect(), similar, is_second, title_max: TITLE_CHARS_MAX })
}

/// What the form sends; `verb` "post" after what is similar was shown.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    space: String,
    title: String,
    body: String,
    tags: String,
    verb: String,
}

/// `POST /community/ask`: shows what is similar, if anything is, and then posts.
pub async fn ask(State(app): State<App>, view: View, person: Person, Form(typed): Form<Typed>) -> Page {
    person.require(May::Community)?;
    let spaces = writable(&app, &person).await?;
    let new = NewCommunityQuestion { space: typed.space, title: typed.title, body: typed.body, tags: typed.tags };
    if typed.verb != "post" {
        Turn::Look.take_as(&app, &person, 0)?;
        let similar = similar_to(&app, &view, &person, &format!("{} {}", new.title, new.body)).await?;
        if similar.count() > 0 {
            return ask_page(&view, &spaces, (StatusCode::OK, &Shown::of(&new)), (Some(similar), true));
        }
    }
    match change::ask(&app, &person, view.lang, &new).await {
        Ok((id, state)) => done(&super::model::path(id), said(state, "community-asked")),
        Err(Fault::Invalid(wrong)) => {
            let form = Shown::of(&new).with_wrong(wrong);
            ask_page(&view, &spaces, (StatusCode::UNPROCESSABLE_ENTITY, &form), (None, typed.verb == "post"))
        }
        Err(fault) => Err(fault),
    }
}

/// What is said after something was written.
pub fn said(state: PostState, shown: &'static str) -> Say {
    Say::new(if state == PostState::Held { "community-is-held" } else { shown })
}

/// `POST /community/similar`: the part of the form that shows what is similar, while somebody types. Changes nothing.
pub async fn similar(State(app): State<App>, view: View, person: Person, Form(typed): Form<Typed>) -> Page {
    person.require(May::Community)?;
    Turn::Look.take_as(&app, &person, 0)?;
    let similar = similar_to(&app, &view, &person, &format!("{} {}", typed.title, typed.body)).await?;
    show(&SimilarPart { view: &view, similar: Some(similar) })
}
