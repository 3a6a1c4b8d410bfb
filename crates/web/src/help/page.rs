//! Pages of the help, for everybody.

use super::library::{Article, Kind, Text};
use super::search::{self, Hit};
use crate::App;
use crate::agent::state::{self, Now};
use crate::community;
use crate::page::guard::form_pair;
use crate::page::words::Lang;
use crate::page::{Fault, Page, View, show};
use crate::phone::book::Purpose;
use crate::phone::country;
use askama::Template;
use axum::extract::{Path, Query, State};
use serde::Deserialize;

/// Questions of the community that a search shows.
const QUESTIONS_MAX: usize = 5;
/// Articles offered before anybody asked: what people do first.
const RECOMMENDED: [&str; 6] = ["first-steps", "mail-is-missing", "why-was-it-held", "release", "add-a-domain", "bounces"];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    /// "1": both languages beside each other.
    both: String,
}

#[derive(Template)]
#[template(path = "help/templates/home.html")]
struct HomePage<'a> {
    view: &'a View,
    q: &'a str,
    hits: Vec<Hit<'a>>,
    questions: Vec<community::model::Line>,
    /// Where all questions about it are.
    community: String,
    recommended: Vec<&'a Article>,
    topics: Vec<(Kind, usize)>,
    /// What is happening; `None` when it cannot be told.
    now: Option<Now>,
    /// Address, title, and what it is for.
    self_help: &'static [Tile],
    assisted: &'static [Tile],
    countries: Vec<(&'static str, &'static str)>,
    purposes: [Purpose; 4],
}

/// Address and words keys.
type Tile = (&'static str, &'static str, &'static str);

const SELF_HELP: &[Tile] = &[
    ("/help/agent", "agent-title", "help-tile-agent"),
    ("/health", "health-title", "help-tile-health"),
    ("/troubleshoot", "diagnosis-title", "help-tile-diagnosis"),
    ("/help/bounce", "bounce-title", "help-tile-bounce"),
    ("/refused", "desk-title", "help-tile-desk"),
    ("/community", "community-title", "help-tile-community"),
    ("/help/article", "help-topic-article", "help-tile-articles"),
];

const ASSISTED: &[Tile] = &[
    ("/requests/new", "request-new", "help-tile-request"),
    ("/help/phone", "phone-title", "help-tile-phone"),
    ("/health/report", "health-report", "help-tile-report"),
    ("/help/article/help-and-support", "help-tile-who", "help-tile-who-text"),
];

/// `GET /help?q=`.
pub async fn home(State(app): State<App>, view: View, Query(asked): Query<Asked>) -> Page {
    let library = app.help.library().await;
    let q = asked.q.trim();
    match q {
        "" => super::warm(),
        _ => super::learned().await,
    }
    let questions = if q.is_empty() { Vec::new() } else { community::found(&app, view.person.as_ref(), q, QUESTIONS_MAX).await? };
    show(&HomePage {
        view: &view,
        q,
        questions,
        community: format!("/community?{}", form_pair("q", q)),
        hits: search::find(library, &asked.q, view.lang),
        recommended: RECOMMENDED.iter().filter_map(|name| library.find(Kind::Article, name)).collect(),
        now: state::now(&app, view.lang).await,
        self_help: SELF_HELP,
        assisted: ASSISTED,
        countries: country::list(view.lang),
        purposes: Purpose::ALL,
        topics: Kind::ALL.into_iter().map(|kind| (kind, library.of(kind).count())).filter(|(_, count)| *count > 0).collect(),
    })
}

/// Articles of one group, such as all checks that begin with `auth`.
pub struct Group<'a> {
    pub title: String,
    pub articles: Vec<&'a Article>,
}

#[derive(Template)]
#[template(path = "help/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    kind: Kind,
    groups: Vec<Group<'a>>,
}

/// `GET /help/{kind}`: everything of one kind.
pub async fn list(State(app): State<App>, view: View, Path(kind): Path<String>) -> Page {
    let kind = Kind::parse(&kind).ok_or(Fault::NotFound)?;
    let mut groups: Vec<Group<'_>> = Vec::new();
    for article in app.help.library().await.of(kind) {
        // Checks come by family, everything else as one list.
        let title = if kind == Kind::Check { article.name.split('.').next().unwrap_or_default() } else { "" };
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.articles.push(article),
            None => groups.push(Group { title: title.into(), articles: vec![article] }),
        }
    }
    show(&ListPage { view: &view, kind, groups })
}

#[derive(Template)]
#[template(path = "help/templates/article.html")]
struct ArticlePage<'a> {
    view: &'a View,
    article: &'a Article,
    text: &'a Text,
    other: &'a Text,
    other_lang: Lang,
    is_both: bool,
    /// Written in the other language first.
    is_translated: bool,
    /// Number of its paragraph, and words of each heading.
    contents: Vec<(usize, &'a str)>,
    related: Vec<&'a Article>,
    /// What is known about it right now.
    issues: Vec<crate::health::IssueLine>,
}

/// Articles named below another.
const RELATED_MAX: usize = 5;

/// `GET /help/{kind}/{name}`; `?both=1` shows both languages beside each other.
pub async fn article(State(app): State<App>, view: View, Path((kind, name)): Path<(String, String)>, Query(asked): Query<Asked>) -> Page {
    super::warm();
    let kind = Kind::parse(&kind).ok_or(Fault::NotFound)?;
    let library = app.help.library().await;
    let article = library.find(kind, &name).ok_or(Fault::NotFound)?;
    let text = article.text(view.lang);
    let other_lang = Lang::ALL.into_iter().find(|lang| *lang != view.lang).unwrap_or_default();
    let family = |name: &str| name.split('.').next().unwrap_or_default().to_string();
    let is_near = |one: &&Article| one.name != article.name && (kind == Kind::Article || family(&one.name) == family(&name));
    show(&ArticlePage {
        view: &view,
        article,
        text,
        other: article.text(other_lang),
        other_lang,
        is_both: asked.both == "1",
        is_translated: view.lang != Lang::English,
        contents: text.parts.iter().skip(1).map(|part| (part.from + 1, part.heading.as_str())).collect(),
        related: library.of(kind).filter(is_near).take(RELATED_MAX).collect(),
        issues: crate::health::known_about(&app, &view, kind, &name).await,
    })
}
