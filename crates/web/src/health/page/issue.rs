//! One issue: what it is, whom it touches, what was measured, what was said.

use super::super::issue::{Issue, IssueId, Post};
use super::super::sql;
use super::{IssueLine, line_of, publish, service_name, split, text_html};
use crate::App;
use crate::help::Kind;
use crate::page::chart::{self, Bar};
use crate::page::form::Form;
use crate::page::{Fault, Page, View, show, time};
use crate::people::{May, Person};
use crate::service_request::{Reader, Request, sql as request_sql};
use askama::Template;
use axum::extract::{Path, State};
use gateway::health::{Service, sql as measured};
use store::Error;

/// Minutes on both sides of an issue that the drawing shows.
const AROUND_MS: i64 = 15 * 60 * 1000;
const MINUTES_MAX: usize = 240;

pub struct Said {
    pub at_ms: i64,
    pub status: String,
    pub who: String,
    pub html: String,
}

pub struct Measure {
    pub name: String,
    pub value: String,
}

#[derive(Template)]
#[template(path = "health/templates/issue.html")]
struct IssuePage<'a> {
    view: &'a View,
    issue: &'a Issue,
    line: IssueLine,
    title: String,
    impact: String,
    workaround: String,
    root_cause: String,
    services: Vec<String>,
    origin: String,
    measures: Vec<Measure>,
    posts: Vec<Said>,
    chart: String,
    form: &'a Form,
    choices: publish::Choices,
    belongs: Vec<Belongs>,
    /// Requests that it explains, of those that this person may read.
    requests: Vec<Asked>,
    /// Address and title of articles that it explains.
    explains: Vec<(String, String)>,
    picks: Vec<split::Pick>,
    organisations: Vec<String>,
    may_operate: bool,
    may_trace: bool,
}

/// Another issue that belongs to this one.
struct Belongs {
    /// Words key: how it belongs.
    how: &'static str,
    href: String,
    id: String,
    title: String,
    lang: &'static str,
}

/// A request to support that an issue explains.
struct Asked {
    href: String,
    title: String,
    state: String,
    tone: &'static str,
    last_ms: i64,
}

/// Requests of one issue that are shown.
const REQUESTS_MAX: usize = 50;

/// Requests that an issue explains, of those that this person may read: none for who reads no requests.
pub async fn explained(app: &App, person: &Person, issue: &Issue) -> Result<Vec<Request>, Fault> {
    let Ok(reader) = Reader::of(person) else { return Ok(Vec::new()) };
    let (scope, id) = (reader.scope, issue.id);
    let read = app.db.read(move |tx| Box::pin(async move { request_sql::explained_by(tx, scope, id, REQUESTS_MAX).await }));
    read.await.map_err(Fault::from)
}

/// An issue that this person may read, with what was said.
pub async fn read(app: &App, person: &Person, id: &str) -> Result<(Issue, Vec<Post>), Fault> {
    let id: IssueId = id.parse().map_err(|()| Fault::NotFound)?;
    let scope = person.scope();
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let Some(issue) = sql::find(tx, scope, id).await? else { return Ok(None) };
            let posts = sql::posts(tx, id).await?;
            Ok::<_, Error>(Some((issue, posts)))
        })
    });
    read.await?.ok_or(Fault::NotFound)
}

/// `GET /health/issues/{issue}`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let (issue, posts) = read(&app, &person, &id).await?;
    let form = publish::form_of(&view, &issue);
    shown(&app, &view, &person, (&issue, &posts), &form).await
}

/// The page with a form as it was sent.
pub async fn shown(app: &App, view: &View, person: &Person, (issue, posts): (&Issue, &[Post]), form: &Form) -> Page {
    if !person.org.is_none_or(|org| issue.org == 0 || org.0 == issue.org) {
        return Err(Fault::NotFound);
    }
    let may_operate = person.may(May::Operate);
    let asked = |request: &Request| Asked {
        href: format!("/requests/{}", request.id),
        title: request.title.clone(),
        state: view.of_kind("request-is", request.state.name()),
        tone: request.state.tone(),
        last_ms: request.last_ms,
    };
    show(&IssuePage {
        requests: explained(app, person, issue).await?.iter().map(asked).collect(),
        view,
        issue,
        line: line_of(view, issue),
        title: text_html(view, &issue.body.title),
        impact: text_html(view, &issue.body.impact),
        workaround: text_html(view, &issue.body.workaround),
        root_cause: text_html(view, &issue.body.root_cause),
        services: issue.body.services.iter().map(|service| service_name(view, service)).collect(),
        origin: view.t(&format!("health-origin-{}", issue.origin)),
        measures: measures(view, issue),
        posts: posts.iter().map(|post| said(view, post)).collect(),
        chart: drawing(app, view, issue).await?,
        form,
        choices: publish::choices(issue),
        explains: explains(app, view, issue).await,
        belongs: belonging(app, view, person, issue).await?,
        picks: if may_operate { split::picks(view, issue, form) } else { Vec::new() },
        organisations: if may_operate { split::organisations(app, issue) } else { Vec::new() },
        may_operate,
        may_trace: person.may(May::Trace),
    })
}

async fn explains(app: &App, view: &View, issue: &Issue) -> Vec<(String, String)> {
    if issue.body.explains.is_empty() {
        return Vec::new();
    }
    let library = app.help.library().await;
    let named = issue.body.explains.iter().filter_map(|name| name.split_once('/'));
    let found = named.filter_map(|(kind, name)| library.find(Kind::parse(kind)?, name));
    found.map(|article| (article.path(), article.title(view).to_string())).collect()
}

async fn belonging(app: &App, view: &View, person: &Person, issue: &Issue) -> Result<Vec<Belongs>, Fault> {
    let (scope, of) = (person.scope(), issue.clone());
    let found = app.db.read(move |tx| Box::pin(async move { sql::related(tx, scope, &of).await })).await.map_err(Fault::from)?;
    let how = |other: &Issue| match other.id.0 {
        id if id == issue.merged_into => "health-part-of",
        id if id == issue.split_from => "health-split-from",
        _ if other.merged_into == issue.id.0 => "health-parts",
        _ => "health-split-into",
    };
    let belongs = |other: &Issue| Belongs {
        how: how(other),
        href: format!("/health/issues/{}", other.id),
        id: other.id.to_string(),
        title: other.body.title.in_lang(view.lang),
        lang: other.body.title.lang(view.lang).tag(),
    };
    Ok(found.iter().map(belongs).collect())
}

pub fn said(view: &View, post: &Post) -> Said {
    Said {
        at_ms: post.at_ms,
        status: post.status.map(|status| view.t(&format!("health-status-{}", status.name()))).unwrap_or_default(),
        who: if post.who.is_empty() { view.t("health-by-rule") } else { post.who.clone() },
        html: text_html(view, &post.text),
    }
}

pub fn measures(view: &View, issue: &Issue) -> Vec<Measure> {
    let shown = |(name, value): (&String, &i64)| {
        let key = format!("health-measure-{}", name.replace('_', "-"));
        let value = match name.as_str() {
            name if name.ends_with("_ms") => span(*value),
            name if name.ends_with("_octets") => view.octets(*value),
            name if name.ends_with("percent") => format!("{value} %"),
            _ => value.to_string(),
        };
        Measure { name: view.t(&key), value }
    };
    issue.body.evidence.numbers.iter().map(shown).collect()
}

/// "850 ms", "12.5 s", "34 min".
fn span(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..180_000 => format!("{:.1} s", ms as f64 / 1e3),
        180_000..10_800_000 => format!("{} min", ms / 60_000),
        _ => format!("{:.1} h", ms as f64 / 3.6e6),
    }
}

/// The minutes around an issue as the signals have them: what went well and what did not.
pub async fn drawing(app: &App, view: &View, issue: &Issue) -> Result<String, Fault> {
    let from_ms = issue.started_ms - AROUND_MS;
    let to_ms = issue.ended_ms.unwrap_or(app.now_ms()) + AROUND_MS;
    let connector = issue.body.services.iter().find_map(|service| match service {
        Service::Connector(name) => Some(name.clone()),
        _ => None,
    });
    let (org, target) = (if connector.is_some() { issue.org } else { 0 }, connector.unwrap_or_default());
    let is_way = !target.is_empty();
    let read = app.db.read(move |tx| Box::pin(async move { measured::minutes(tx, org, &target, from_ms, MINUTES_MAX).await }));
    let minutes: Vec<(i64, String)> = read.await?.into_iter().filter(|(at_ms, _)| *at_ms <= to_ms).collect();
    if minutes.is_empty() {
        return Ok(String::new());
    }
    let fields = if is_way { ["delivered", "deferred", "unreached"] } else { ["accepted", "refused_content", "store_failures"] };
    let bar = |(at_ms, seen): &(i64, String)| {
        let seen: serde_json::Value = serde_json::from_str(seen).unwrap_or_default();
        let from = if is_way { &seen } else { &seen["counters"] };
        let label = time::text(view, *at_ms);
        Bar {
            label: label.split([' ', ',']).find(|part| part.contains(':')).unwrap_or(&label).to_string(),
            values: fields.map(|field| from[field].as_i64().unwrap_or(0)).to_vec(),
        }
    };
    let bars: Vec<Bar> = minutes.iter().map(bar).collect();
    let series: Vec<String> = fields.iter().map(|field| view.t(&format!("health-series-{}", field.replace('_', "-")))).collect();
    let total = |n: usize| bars.iter().map(|bar| bar.values[n]).sum::<i64>();
    let says: Vec<String> = series.iter().enumerate().map(|(n, name)| format!("{name}: {}", total(n))).collect();
    let legend: String = series
        .iter()
        .enumerate()
        .map(|(n, name)| {
            format!(
                "<li><svg aria-hidden=\"true\" viewBox=\"0 0 12 12\"><rect class=\"s{n}\" width=\"12\" height=\"12\"/></svg>{name}</li>"
            )
        })
        .collect();
    Ok(format!("{}<ul class=\"legend\">{legend}</ul>", chart::stacked(&bars, &series, &says.join("; "))))
}
