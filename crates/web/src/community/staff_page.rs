//! Pages of those who look after the community: what waits, an answer as an article, spaces.

use super::change::seen;
use super::model::{Post, Question, Space};
use super::moderate::{self, NewSpace, PostDecision, Waiting};
use super::{spam, sql, text};
use crate::App;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show_with};
use crate::people::{May, Person};
use crate::service_request::solution::NewSolution;
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use gateway::scope::OrgScope;
use mail::OrgId;
use mail::id::PostId;
use serde::{Deserialize, Serialize};
use store::Error;

/// A post that waits, as the page shows it.
struct Row {
    waiting: Waiting,
    html: String,
    why: String,
    href: String,
    title: String,
}

#[derive(Template)]
#[template(path = "community/templates/moderation.html")]
struct QueuePage<'a> {
    view: &'a View,
    waiting: Vec<Row>,
    removed: Vec<Row>,
    form: &'a Shown,
}

/// `GET /community/moderation`.
pub async fn queue(State(app): State<App>, view: View, person: Person) -> Page {
    queue_page(&app, &view, &person, (StatusCode::OK, &Shown::default())).await
}

async fn queue_page(app: &App, view: &View, person: &Person, (status, form): (StatusCode, &Shown)) -> Page {
    let (waiting, removed) = moderate::queue(app, person).await?;
    let row = |waiting: Waiting| Row {
        html: text::html(&waiting.post.body),
        why: spam::reason(view, &waiting.post.reason),
        href: format!("{}#{}", super::model::path(waiting.post.question), waiting.post.id),
        title: waiting.title.clone(),
        waiting,
    };
    let rows = |all: Vec<Waiting>| all.into_iter().map(row).collect();
    show_with(status, &QueuePage { view, waiting: rows(waiting), removed: rows(removed), form })
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Decided {
    post: String,
    verb: String,
    reason: String,
}

/// `POST /community/moderation`.
pub async fn decide(State(app): State<App>, view: View, person: Person, Form(decided): Form<Decided>) -> Page {
    person.require(May::Moderate)?;
    let id: PostId = decided.post.parse().map_err(|_| Fault::NotFound)?;
    let typed = PostDecision { verb: decided.verb.clone(), reason: decided.reason.clone() };
    match moderate::decide(&app, &person, id, &typed).await {
        Ok(_) => done("/community/moderation", Say::new("community-decided")),
        Err(Fault::Invalid(wrong)) => {
            let form = Shown::of(&decided).with_wrong(wrong);
            queue_page(&app, &view, &person, (StatusCode::UNPROCESSABLE_ENTITY, &form)).await
        }
        Err(fault) => Err(fault),
    }
}

/// The answer that is meant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OfPost {
    post: String,
}

#[derive(Template)]
#[template(path = "community/templates/article.html")]
struct DraftPage<'a> {
    view: &'a View,
    form: &'a Shown,
    question: &'a Question,
    post: &'a Post,
    back: String,
}

/// `GET /community/article?post=`: the draft, to be looked over.
pub async fn draft(State(app): State<App>, view: View, person: Person, Query(of): Query<OfPost>) -> Page {
    person.require(May::Support)?;
    let id: PostId = of.post.parse().map_err(|_| Fault::NotFound)?;
    let (question, post, draft) = moderate::draft(&app, &person, id).await?;
    draft_page(&view, (StatusCode::OK, &Shown::of(&draft)), (&question, &post))
}

fn draft_page(view: &View, (status, form): (StatusCode, &Shown), (question, post): (&Question, &Post)) -> Page {
    show_with(status, &DraftPage { view, form, question, post, back: format!("{}#{}", question.path(), post.id) })
}

/// `POST /community/article?post=`.
pub async fn publish(State(app): State<App>, view: View, person: Person, Query(of): Query<OfPost>, Form(typed): Form<NewSolution>) -> Page {
    person.require(May::Support)?;
    let id: PostId = of.post.parse().map_err(|_| Fault::NotFound)?;
    match moderate::publish(&app, &person, id, &typed).await {
        Ok(made) => done(&format!("/requests/solutions/{made}"), Say::new("community-published")),
        Err(Fault::Invalid(wrong)) => {
            let who = person.clone();
            let read = app.db.read(move |tx| Box::pin(async move { seen(tx, Some(&who), id).await }));
            let (_, question, post) = read.await?;
            draft_page(&view, (StatusCode::UNPROCESSABLE_ENTITY, &Shown::of(&typed).with_wrong(wrong)), (&question, &post))
        }
        Err(fault) => Err(fault),
    }
}

#[derive(Template)]
#[template(path = "community/templates/spaces.html")]
struct SpacesPage<'a> {
    view: &'a View,
    /// Each with the name of the organisation whose it is.
    spaces: Vec<(Space, String)>,
    form: &'a Shown,
    /// The name of the one that is changed; "" makes one.
    changed: String,
    /// Identifier, name, and whether it is chosen.
    organisations: Vec<(String, String, bool)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    space: String,
}

/// `GET /community/spaces?space=`: all spaces, and a form for one.
pub async fn spaces(State(app): State<App>, view: View, person: Person, Query(chosen): Query<Chosen>) -> Page {
    person.require(May::Operate)?;
    spaces_page(&app, &view, (StatusCode::OK, None), chosen.space).await
}

async fn spaces_page(app: &App, view: &View, (status, typed): (StatusCode, Option<Shown>), changed: String) -> Page {
    let read = app.db.read(|tx| Box::pin(async move { sql::spaces(tx, OrgScope::All).await })).await;
    let all: Vec<Space> = read.map_err(|why: Error| Fault::from(why))?;
    let directory = app.directory.snapshot();
    let one = all.iter().find(|space| space.name == changed);
    if !changed.is_empty() && one.is_none() {
        return Err(Fault::NotFound);
    }
    let form = typed.unwrap_or_else(|| one.map(|space| Shown::of(&body(space))).unwrap_or_default());
    let organisation = |(id, known): (&OrgId, &gateway::directory::Organisation)| {
        (id.to_string(), known.name.clone(), form.is("organisation", &id.to_string()))
    };
    let mut organisations: Vec<(String, String, bool)> = directory.organisations.iter().map(organisation).collect();
    organisations.sort_by(|a, b| a.1.cmp(&b.1));
    let name = |org: Option<OrgId>| org.and_then(|org| directory.organisation(org)).map(|known| known.name.clone()).unwrap_or_default();
    let spaces = all.iter().map(|space| (space.clone(), name(space.org))).collect();
    show_with(status, &SpacesPage { view, spaces, form: &form, changed, organisations })
}

fn body(space: &Space) -> NewSpace {
    NewSpace {
        name: space.name.clone(),
        title: space.title.clone(),
        about: space.about.clone(),
        organisation: space.org.map(|org| org.to_string()).unwrap_or_default(),
        public: space.is_public,
        closed: space.is_closed,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TypedSpace {
    changed: String,
    name: String,
    title: String,
    about: String,
    organisation: String,
    public: String,
    closed: String,
}

/// `POST /community/spaces`: makes one, or changes the one named by `changed`.
pub async fn put_space(State(app): State<App>, view: View, person: Person, Form(typed): Form<TypedSpace>) -> Page {
    person.require(May::Operate)?;
    let is_new = typed.changed.is_empty();
    let new = NewSpace {
        name: if is_new { typed.name } else { typed.changed.clone() },
        title: typed.title,
        about: typed.about,
        organisation: typed.organisation,
        public: !typed.public.is_empty(),
        closed: !typed.closed.is_empty(),
    };
    match moderate::put_space(&app, &person, &new, is_new).await {
        Ok(space) => done("/community/spaces", Say::new("community-space-kept").with("what", space.title)),
        Err(Fault::Invalid(wrong)) => {
            let form = Shown::of(&new).with_wrong(wrong);
            spaces_page(&app, &view, (StatusCode::UNPROCESSABLE_ENTITY, Some(form)), typed.changed).await
        }
        Err(fault) => Err(fault),
    }
}
