//! The list of what people reported, the form to show a mail to the filter, and what it says.

use super::judge::{self, LABELS, Told, Wish, word};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row as TableRow, Table};
use crate::page::{Fault, Page, Say, View, confirm, done, show, show_with, upload};
use crate::people::{May, Person};
use crate::trace::story::{self, AuthRow};
use askama::Template;
use axum::Form;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use gateway::feedback::Row;
use gateway::receipt;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Reports of a page.
const ROWS: usize = 50;
/// Findings shown, the strongest first.
const FINDINGS_SHOWN: usize = 40;

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "submission-col-time", can_sort: false, is_usual: true },
    Column { name: "reporter", title: "submission-col-reporter", can_sort: false, is_usual: true },
    Column { name: "label", title: "submission-col-label", can_sort: false, is_usual: true },
    Column { name: "subject", title: "trace-col-subject", can_sort: false, is_usual: true },
    Column { name: "changed", title: "submission-col-changed", can_sort: false, is_usual: true },
    Column { name: "id", title: "submission-col-id", can_sort: false, is_usual: false },
    Column { name: "remove", title: "submission-col-do", can_sort: false, is_usual: true },
];

#[derive(Template)]
#[template(path = "submission/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    table: String,
}

#[derive(Template)]
#[template(path = "submission/templates/new.html")]
struct NewPage<'a> {
    view: &'a View,
    form: &'a Shown,
    labels: &'static [&'static str],
    told: Option<&'a Answer<'a>>,
}

/// What the filter says, in words.
struct Answer<'a> {
    subject: &'a str,
    from: &'a str,
    ip: String,
    tone: &'static str,
    class: &'static str,
    /// `(words key, value)`
    figures: Vec<(&'static str, String)>,
    findings: Vec<FoundRow<'a>>,
    auth: Vec<AuthRow>,
    learned: Option<Say>,
}

struct FoundRow<'a> {
    check: &'a str,
    title: &'a str,
    evidence: Cow<'a, str>,
    weight: String,
}

/// What of the form is shown again; the message is not.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Again {
    label: String,
    ip: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    before: String,
}

/// `GET /submissions`.
pub async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    pairs: Query<Vec<(String, String)>>,
) -> Page {
    let (rows, next) = judge::list(&app, &person, &asked.before, ROWS).await?;
    let of_table = TableAsked::of(&pairs);
    let table = Table {
        view: &view,
        path: "/submissions",
        caption: view.t("submission-reports"),
        columns: COLUMNS,
        asked: &of_table,
        rows: rows.iter().map(|one| row(&view, &person, one)).collect(),
        form: "",
        next: next.map(|id| ("before", id.to_string())),
        empty: view.t("submission-none"),
    };
    if of_table.is_csv {
        return Ok(table.csv("submissions"));
    }
    show(&ListPage { view: &view, table: table.html() })
}

fn row(view: &View, person: &Person, one: &Row) -> TableRow {
    let subject = if one.subject.is_empty() { view.t("trace-no-subject") } else { one.subject.clone() };
    let percent = |p: f32| format!("{:.1} %", p * 100.0);
    let action = format!("/submissions/{}/remove", one.id);
    let button =
        format!("<form method=\"post\" action=\"{action}\"><button class=\"bare\">{}</button></form>", view.t("submission-remove"));
    TableRow {
        cells: vec![
            Cell::time(view, one.at_ms),
            Cell::text(&one.reporter),
            Cell::badge(if one.label.is_junk() { "bad" } else { "good" }, view.of_kind("submission-label", word(one.label))),
            if one.mail.0 == 0 { Cell::text(subject) } else { Cell::link(&format!("/trace/{}", one.mail), subject) },
            Cell::text(format!("{} → {}", percent(one.before_spam), percent(one.after_spam))),
            Cell::text(one.id.to_string()),
            if person.may(May::Release) { Cell { html: button, text: String::new() } } else { Cell::default() },
        ],
        ..TableRow::default()
    }
}

/// Who may not teach the filter only asks it.
fn labels(person: &Person) -> &'static [&'static str] {
    if person.may(May::Release) { &LABELS } else { &LABELS[..1] }
}

/// `GET /submissions/new`.
pub async fn form(view: View, person: Person) -> Page {
    person.require(May::Trace)?;
    person.acting_org()?;
    show(&NewPage { view: &view, form: &Shown::default(), labels: labels(&person), told: None })
}

/// The wish of a form: a file, or else the text that was pasted.
fn wish(headers: &HeaderMap, body: &Bytes) -> Wish {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let field = |name| upload::field(kind, body, name).filter(|octets| !octets.trim_ascii().is_empty());
    let text = |name| field(name).map(|octets| String::from_utf8_lossy(octets).trim().to_string()).unwrap_or_default();
    // What is pasted often has an empty line before it.
    let octets = field("file").or_else(|| field("text").map(<[u8]>::trim_ascii_start)).unwrap_or_default();
    Wish { octets: body.slice_ref(octets), label: text("label"), ip: text("ip") }
}

/// `POST /submissions/new`.
pub async fn send(State(app): State<App>, view: View, person: Person, headers: HeaderMap, body: Bytes) -> Page {
    let wish = wish(&headers, &body);
    let form = Shown::of(&Again { label: wish.label.clone(), ip: wish.ip.clone() });
    let labels = labels(&person);
    let wrong = match judge::submit(&app, &person, wish).await {
        // An empty form: what was said of this mail is not said of the next.
        Ok(told) => return show(&NewPage { view: &view, form: &Shown::default(), labels, told: Some(&answer(&view, &told)) }),
        Err(Fault::Invalid(wrong)) => wrong,
        Err(Fault::TooLarge) => vec![Wrong::new("file", "submission-wrong-large")],
        Err(other) => return Err(other),
    };
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &NewPage { view: &view, form: &form.with_wrong(wrong), labels, told: None })
}

fn answer<'a>(view: &View, told: &'a Told) -> Answer<'a> {
    let (verdict, language) = (&told.second.verdict, view.lang.of_receipt());
    let mut found: Vec<&detect::Finding> = told.second.findings.iter().collect();
    found.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    let found_row = |one: &'a detect::Finding| FoundRow {
        check: &one.check,
        title: receipt::title(&one.check, language),
        evidence: receipt::evidence(one, language),
        weight: story::weight(view, one),
    };
    let percent = |p: f32| format!("{:.1} %", p * 100.0);
    let mut figures = vec![
        ("again-scl", verdict.scl.to_string()),
        ("again-bcl", verdict.bcl.to_string()),
        ("again-spam", percent(verdict.spam_probability)),
        ("again-phish", percent(verdict.phish_probability)),
    ];
    if let Some(taken) = &told.taken {
        let odds = |scores: detect::classify::Scores| percent(detect::classify::probability(scores.spam_log_odds));
        figures.push(("submission-col-changed", format!("{} → {}", odds(taken.before), odds(taken.after))));
    }
    Answer {
        subject: &told.subject,
        from: &told.from,
        ip: told.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        tone: if verdict.class == detect::Class::Clean { "good" } else { "bad" },
        class: receipt::class_words(verdict.class, language),
        figures,
        findings: found.into_iter().take(FINDINGS_SHOWN).map(found_row).collect(),
        auth: authentication(view, told),
        learned: told.taken.as_ref().map(|taken| match (taken.id, taken.is_held_back) {
            (None, _) => Say::new("submission-known"),
            (_, true) => Say::new("submission-held-back"),
            _ => Say::new("submission-learned"),
        }),
    }
}

/// Without the address that it came from only signatures can be looked at.
fn authentication(view: &View, told: &Told) -> Vec<AuthRow> {
    let mut rows = story::authentication(view, &told.second.auth);
    rows.retain(|row| told.ip.is_some() || row.tone == "good" || ["DKIM", "ARC"].contains(&row.name));
    rows
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /submissions/{report}/remove`: asks first.
pub async fn remove(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(Sure { sure }): Form<Sure>) -> Page {
    let report = id.parse().map_err(|_| Fault::NotFound)?;
    judge::one(&app, &person, report).await?;
    if sure.is_empty() {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("submission-remove"),
                text: Say::new("submission-remove-sure"),
                button: "submission-remove",
                action: format!("/submissions/{id}/remove"),
                fields: Vec::new(),
                back: "/submissions".into(),
            },
        );
    }
    judge::remove(&app, &person, report).await?;
    done("/submissions", Say::new("submission-removed"))
}
