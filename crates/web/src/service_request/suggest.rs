//! What may already help, while somebody describes a problem: solutions, known issues, articles, and tools. It never stands in the way.
//!
//! In: words so far, as whoever types them. Out: [`Suggestions`]: solved requests of their organisation in full, published solutions of all,
//! open requests that sound alike, open issues that concern them, articles, each with whether it still applies where that can be looked at.

use super::model::{Request, State};
use super::probe::{self, Applies};
use super::search::{self, Found, Shelf};
use super::{sql_search, terms};
use crate::App;
use crate::community;
use crate::health::issue::Issue;
use crate::health::sql as health_sql;
use crate::help;
use crate::page::{Fault, View};
use crate::people::Person;
use gateway::scope::OrgScope;
use serde::Serialize;
use store::Error;
use utoipa::ToSchema;

/// Characters of a question that are looked at.
const QUESTION_CHARS_MAX: usize = 4_000;
const ARTICLES_MAX: usize = 3;
const QUESTIONS_MAX: usize = 3;
const ISSUES_MAX: usize = 200;
/// Terms that an issue has to share with the question.
const ISSUE_TERMS_MIN: usize = 2;
const TEXT_CHARS_MAX: usize = 600;

/// One thing that may help.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SuggestionBody {
    /// "own": a solved request of the organisation; "open": one that waits; "solution": published; "issue": of service health; "community": an answered question; "article".
    pub kind: String,
    pub id: String,
    pub title: String,
    /// What solved it, or the beginning of a text.
    pub text: String,
    /// Its page.
    pub path: String,
    /// Whether it still applies now; "unknown" where that cannot be looked at.
    pub applies: Applies,
    /// Unix milliseconds: solved, published or opened; null for articles.
    pub at_ms: Option<i64>,
}

/// What may help.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Suggestions {
    /// Best of each kind first.
    pub suggestions: Vec<SuggestionBody>,
}

/// Looks for what may help with `text`.
pub async fn look(app: &App, view: &View, person: &Person, text: &str) -> Result<Suggestions, Fault> {
    let text: String = text.chars().take(QUESTION_CHARS_MAX).collect();
    let asked = search::question(&text);
    if asked.is_empty() {
        return Ok(Suggestions::default());
    }
    // Whoever belongs to no organisation has no requests of their own to find here.
    let scope = OrgScope::One(person.org.unwrap_or(mail::OrgId(0)));
    let words = text.clone();
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let mut solved = Vec::new();
            for one in search::similar(tx, scope, Shelf::Solved, (&words, None)).await? {
                let applies = probe::look(tx, scope, &one.what.probe).await?;
                solved.push((one, applies));
            }
            let open = search::similar(tx, scope, Shelf::Unsolved, (&words, None)).await?;
            let mut published = Vec::new();
            for one in search::solutions(tx, &words).await? {
                // The organisation's own are shown in full above.
                if !solved.iter().any(|(own, _)| Some(own.what.id) == one.what.request) {
                    let applies = probe::look(tx, scope, &one.what.probe).await?;
                    published.push((one, applies));
                }
            }
            let wanted = health_sql::Wanted { open: Some(true), rows_max: ISSUES_MAX, ..health_sql::Wanted::default() };
            let issues = health_sql::issues(tx, scope, wanted).await?;
            Ok::<_, Error>((solved, open, published, issues))
        })
    });
    let (solved, open, published, issues) = found.await?;
    let mut suggestions: Vec<SuggestionBody> = issues.iter().filter_map(|issue| of_issue(view, issue, &asked)).collect();
    suggestions.extend(solved.iter().map(|(found, applies)| own(found, *applies)));
    suggestions.extend(published.iter().map(|(found, applies)| solution(found, *applies)));
    suggestions.extend(open.iter().filter(|found| !found.what.state.is_over()).take(3).map(waiting));
    suggestions.extend(questions(app, person, &text).await?);
    help::learned().await;
    suggestions.extend(articles(app.help.library().await, view, &text));
    Ok(Suggestions { suggestions })
}

fn own(found: &Found<Request>, applies: Applies) -> SuggestionBody {
    let request = &found.what;
    SuggestionBody {
        kind: "own".into(),
        id: request.id.to_string(),
        title: request.title.clone(),
        text: cut(&request.solution),
        path: format!("/requests/{}", request.id),
        applies,
        at_ms: Some(request.last_ms),
    }
}

fn waiting(found: &Found<Request>) -> SuggestionBody {
    let request = &found.what;
    SuggestionBody {
        kind: "open".into(),
        id: request.id.to_string(),
        title: request.title.clone(),
        text: String::new(),
        path: format!("/requests/{}", request.id),
        applies: if request.state == State::Resolved { Applies::Unknown } else { Applies::Yes },
        at_ms: Some(request.at_ms()),
    }
}

fn solution(found: &Found<sql_search::Solution>, applies: Applies) -> SuggestionBody {
    let solution = &found.what;
    SuggestionBody {
        kind: "solution".into(),
        id: solution.id.to_string(),
        title: solution.title.clone(),
        text: cut(&solution.text),
        path: format!("/requests/solutions/{}", solution.id),
        applies,
        at_ms: Some(solution.published_ms),
    }
}

fn of_issue(view: &View, issue: &Issue, asked: &[String]) -> Option<SuggestionBody> {
    let (title, impact) = (issue.body.title.in_lang(view.lang), issue.body.impact.in_lang(view.lang));
    let has = terms::of(&format!("{title} {impact}"));
    let shared = asked.iter().filter(|term| has.contains_key(*term)).count();
    (shared >= ISSUE_TERMS_MIN.min(asked.len())).then(|| SuggestionBody {
        kind: "issue".into(),
        id: issue.id.to_string(),
        title,
        text: cut(&if issue.body.workaround.is_empty() { impact } else { issue.body.workaround.in_lang(view.lang) }),
        path: format!("/health/issues/{}", issue.id),
        applies: Applies::Yes,
        at_ms: Some(issue.started_ms),
    })
}

/// Questions of the community that somebody answered.
async fn questions(app: &App, person: &Person, text: &str) -> Result<Vec<SuggestionBody>, Fault> {
    let found = community::found(app, Some(person), text, QUESTIONS_MAX).await?;
    let body = |line: community::model::Line| SuggestionBody {
        kind: "community".into(),
        id: line.question.id.to_string(),
        path: line.question.path(),
        title: line.question.title,
        text: line.excerpt,
        applies: Applies::Unknown,
        at_ms: None,
    };
    Ok(found.into_iter().filter(|line| line.question.answers > 0).map(body).collect())
}

fn articles(library: &help::Library, view: &View, text: &str) -> Vec<SuggestionBody> {
    let hits = help::find(library, text, view.lang);
    let body = |hit: &help::Hit<'_>| SuggestionBody {
        kind: "article".into(),
        id: hit.article.name.clone(),
        title: hit.article.title(view).to_string(),
        text: hit.excerpt.clone(),
        path: hit.article.path(),
        applies: Applies::Unknown,
        at_ms: None,
    };
    hits.iter().take(ARTICLES_MAX).map(body).collect()
}

fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(TEXT_CHARS_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
