//! The board as a page in each language, and as plain text.

use super::AGE;
use crate::health::board::Board;
use crate::health::cause;
use crate::health::history::DAYS;
use crate::page::View;
use crate::page::table::escaped;
use crate::page::words::Lang;
use askama::Template;
use gateway::health::{Level, Service, Status};

/// Path and language of each page.
pub const PAGES: [(&str, Lang); 2] = [("index.html", Lang::English), ("zh-CN.html", Lang::Chinese)];
pub const STYLE: &str = concat!(include_str!("../../page/assets/style.css"), include_str!("site.css"));
/// Issues on the first page.
const ISSUES_MAX: usize = 20;

struct Line {
    name: String,
    status: String,
    tone: &'static str,
    why: String,
    days: String,
}

struct Said {
    at_ms: i64,
    status: String,
    text: String,
    lang: &'static str,
}

struct Shown {
    id: String,
    title: String,
    lang: &'static str,
    status: String,
    tone: &'static str,
    impact: String,
    workaround: String,
    is_open: bool,
    started_ms: i64,
    ended_ms: Option<i64>,
    expected_ms: Option<i64>,
    posts: Vec<Said>,
}

struct Window {
    title: String,
    text: String,
    phase: String,
    starts_ms: i64,
    ends_ms: Option<i64>,
}

#[derive(Template)]
#[template(path = "health/templates/site.html")]
struct Page<'a> {
    view: &'a View,
    board: &'a Board,
    age: &'static str,
    headline: String,
    tone: &'static str,
    lines: Vec<Line>,
    issues: Vec<Shown>,
    windows: Vec<Window>,
    pages: [(&'static str, Lang); 2],
}

/// Colour and shape of a status, on every page.
pub fn tone(status: Status) -> &'static str {
    match status.level() {
        Level::Fine => "good",
        Level::Advice => "info",
        Level::Degraded => "warn",
        Level::Interrupted => "bad",
    }
}

/// Words key of how things are altogether.
pub fn headline(level: Level) -> &'static str {
    match level {
        Level::Fine => "health-all-fine",
        Level::Advice => "health-all-advice",
        Level::Degraded => "health-all-degraded",
        Level::Interrupted => "health-all-interrupted",
    }
}

/// Ninety days as bars, with the number of bad ones in words.
pub fn bars(view: &View, days: Option<&Vec<Level>>) -> String {
    let fine = vec![Level::Fine; DAYS];
    let days = days.unwrap_or(&fine);
    let bad = days.iter().filter(|level| **level > Level::Advice).count();
    let says = view.n("health-days", bad);
    let mut svg = format!("<svg class=\"days\" role=\"img\" viewBox=\"0 0 {} 24\" aria-label=\"{}\">", DAYS * 4, escaped(&says));
    for (n, level) in days.iter().enumerate() {
        // Height as well as colour: worse is taller.
        let (class, height) = match level {
            Level::Fine => ("d0", 10),
            Level::Advice => ("d0", 12),
            Level::Degraded => ("d1", 18),
            Level::Interrupted => ("d2", 24),
        };
        svg.push_str(&format!("<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"3\" height=\"{height}\"/>", n * 4, 24 - height));
    }
    svg.push_str("</svg>");
    svg
}

pub fn html(board: &Board, lang: Lang) -> String {
    let view = View::plain(lang, board.at_ms);
    let line = |service: &Service| {
        let status = board.status(service);
        let state = board.states.get(service);
        Line {
            name: view.t(&format!("health-service-{}", service.kind())),
            status: view.t(&format!("health-status-{}", status.name())),
            tone: tone(status),
            why: state.map(|state| cause::title(&state.cause, &state.what).in_lang(lang)).unwrap_or_default(),
            days: bars(&view, board.days.get(service)),
        }
    };
    let page = Page {
        view: &view,
        board,
        age: AGE,
        headline: view.t(headline(board.worst())),
        tone: match board.worst() {
            Level::Fine => "good",
            Level::Advice => "plain",
            Level::Degraded => "warn",
            Level::Interrupted => "bad",
        },
        lines: Service::SHARED.iter().map(line).collect(),
        issues: shown(board, &view),
        windows: windows(board, lang),
        pages: PAGES,
    };
    page.render().unwrap_or_else(|why| {
        tracing::error!("the status page could not be written: {why}");
        String::new()
    })
}

fn shown(board: &Board, view: &View) -> Vec<Shown> {
    let lang = view.lang;
    let issues = board.issues.iter().take(ISSUES_MAX);
    let one = |(issue, posts): &(crate::health::issue::Issue, Vec<crate::health::issue::Post>)| Shown {
        id: issue.id.to_string(),
        title: issue.body.title.in_lang(lang),
        lang: issue.body.title.lang(lang).tag(),
        status: view.t(&format!("health-status-{}", issue.status.name())),
        tone: if issue.is_open { tone(issue.status) } else { "plain" },
        impact: issue.body.impact.in_lang(lang),
        workaround: issue.body.workaround.in_lang(lang),
        is_open: issue.is_open,
        started_ms: issue.started_ms,
        ended_ms: issue.ended_ms,
        expected_ms: issue.body.expected_ms,
        posts: posts
            .iter()
            .map(|post| Said {
                at_ms: post.at_ms,
                status: post.status.map(|status| view.t(&format!("health-status-{}", status.name()))).unwrap_or_default(),
                text: post.text.in_lang(lang),
                lang: post.text.lang(lang).tag(),
            })
            .collect(),
    };
    issues.map(one).collect()
}

fn windows(board: &Board, lang: Lang) -> Vec<Window> {
    let view = View::plain(lang, board.at_ms);
    let coming = board.maintenance.iter().filter(|window| window.phase(board.at_ms) != "completed");
    coming
        .map(|window| Window {
            title: window.body.title.in_lang(lang),
            text: window.body.text.in_lang(lang),
            phase: view.t(&format!("health-window-{}", window.phase(board.at_ms))),
            starts_ms: window.starts_ms,
            ends_ms: window.ends_ms,
        })
        .collect()
}

/// Both languages below each other, for terminals and very small things.
pub fn plain(board: &Board) -> String {
    let mut text = String::new();
    for lang in Lang::ALL {
        let view = View::plain(lang, board.at_ms);
        text.push_str(&format!("{}\n{}\n", view.t(headline(board.worst())), view.w("health-written", view.moment(board.at_ms))));
        if board.is_alone {
            text.push_str(&format!("{}\n", view.t("health-alone")));
        }
        for service in &Service::SHARED {
            let status = view.t(&format!("health-status-{}", board.status(service).name()));
            text.push_str(&format!("- {}: {status}\n", view.t(&format!("health-service-{}", service.kind()))));
        }
        for (issue, _) in board.issues.iter().filter(|(issue, _)| issue.is_open) {
            text.push_str(&format!("* {} {} ({})\n", issue.id, issue.body.title.in_lang(lang), view.moment(issue.started_ms)));
        }
        text.push('\n');
    }
    text
}
