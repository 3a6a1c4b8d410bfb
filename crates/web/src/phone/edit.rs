//! Pages on which operators keep the directory.

use super::book::{Entry, Place, Purpose};
use super::hours::Hours;
use super::number::NumberKind;
use super::page::{Group, groups, language};
use super::table::{self, WrongRow};
use super::typed::{LINE_FIELDS, Typed};
use super::{changed, country, drop_entry, found, keep, take_over};
use crate::App;
use crate::audit::{self, Line};
use crate::page::confirm::{self, Confirm};
use crate::page::csv;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use gateway::scope::OrgScope;
use mail::id::PhoneId;
use serde::Deserialize;
use std::collections::BTreeMap;

const LIST: &str = "/phone";

#[derive(Template)]
#[template(path = "phone/templates/list.html")]
struct List<'a> {
    view: &'a View,
    groups: Vec<Group>,
    history: Vec<Line>,
}

/// Lines of the history that a page shows.
const HISTORY_MAX: usize = 30;

/// What was done to the directory, or to one entry, newest first. The directory belongs to no organisation, so its lines stand here,
/// whichever organisation an operator acts in.
async fn history(app: &App, entry: Option<PhoneId>) -> Result<Vec<Line>, Fault> {
    let query =
        audit::Query { action: Some("phone".into()), subject: entry.map(|id| id.to_string()), limit: HISTORY_MAX, ..Default::default() };
    app.db.read(move |tx| Box::pin(async move { audit::sql::list(tx, OrgScope::All, &query).await })).await.map_err(Fault::from)
}

impl List<'_> {
    fn language(&self, tag: &str) -> String {
        language(tag)
    }
}

/// `GET /phone`.
pub async fn list(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Operate)?;
    let entries = super::all(&app).await?;
    show(&List { groups: groups(&view, &entries), history: history(&app, None).await?, view: &view })
}

/// `GET /phone/table`: the directory as a file.
pub async fn export(State(app): State<App>, person: Person) -> Result<Response, Fault> {
    person.require(May::Operate)?;
    let entries = super::all(&app).await?;
    Ok(csv::file("phone", &table::COLUMNS.map(str::to_string), table::rows(&entries).into_iter()))
}

/// The days of a week in one language, for whoever writes hours.
struct Week {
    lang: String,
    zone: String,
    days: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "phone/templates/form.html")]
struct EntryPage<'a> {
    view: &'a View,
    form: &'a Shown,
    /// '' for one that is new.
    id: String,
    countries: Vec<(&'static str, &'static str)>,
    purposes: [Purpose; 4],
    kinds: [NumberKind; 3],
    fields: [[&'static str; 3]; 4],
    weeks: Vec<Week>,
    history: Vec<Line>,
}

impl EntryPage<'_> {
    /// The fields of a line with the keys of their labels.
    fn labelled(&self, names: &[&'static str; 3]) -> [(&'static str, &'static str); 3] {
        [(names[0], "phone-lang"), (names[1], "phone-hours"), (names[2], "phone-zone")]
    }
}

fn weeks(app: &App, entry: Option<&Entry>) -> Vec<Week> {
    let Some(Place::Number { lines, holidays, .. }) = entry.map(|entry| &entry.place) else { return Vec::new() };
    let week = |line: &super::book::Spoken| {
        let hours = Hours::read(&line.hours, &line.zone, holidays).ok()?;
        let day = |(day, spans): (jiff::civil::Date, Vec<String>)| (day.to_string(), spans.join(", "));
        Some(Week { lang: language(&line.lang), zone: line.zone.clone(), days: hours.week(app.now_ms()).into_iter().map(day).collect() })
    };
    lines.iter().filter_map(week).collect()
}

async fn entry_page(app: &App, view: &View, (form, entry): (&Shown, Option<&Entry>), status: StatusCode) -> Page {
    let history = match entry {
        Some(entry) => history(app, Some(entry.id)).await?,
        None => Vec::new(),
    };
    let page = EntryPage {
        view,
        history,
        form,
        id: entry.map(|entry| entry.id.to_string()).unwrap_or_default(),
        countries: country::list(view.lang),
        purposes: Purpose::ALL,
        kinds: NumberKind::ALL,
        fields: LINE_FIELDS,
        weeks: weeks(app, entry),
    };
    show_with(status, &page)
}

type Values = BTreeMap<String, String>;

/// The form's fields as an entry that was typed.
fn typed(values: &Values) -> Typed {
    let value = |name: &str| values.get(name).map(|value| value.trim().to_string()).unwrap_or_default();
    let ticked = Purpose::ALL.into_iter().filter(|purpose| values.contains_key(purpose.name())).collect::<Vec<_>>();
    let line = |[lang, hours, zone]: [&str; 3]| super::book::Spoken { lang: value(lang), hours: value(hours), zone: value(zone) };
    let is_said = |line: &super::book::Spoken| !(line.lang.is_empty() && line.hours.is_empty() && line.zone.is_empty());
    Typed {
        country: value("country"),
        purposes: Purpose::written(&ticked),
        same_as: value("same_as"),
        number: value("number"),
        kind: value("kind"),
        lines: LINE_FIELDS.into_iter().map(line).filter(is_said).collect(),
        holidays: value("holidays"),
        cost: value("cost"),
    }
}

/// The other way round.
fn filled(entry: &Entry) -> Shown {
    let typed = Typed::of(entry);
    let mut form = Shown::of(&typed);
    for (line, names) in typed.lines.iter().zip(LINE_FIELDS) {
        for (name, value) in names.into_iter().zip([&line.lang, &line.hours, &line.zone]) {
            form.values.insert(name.into(), value.clone());
        }
    }
    for purpose in &entry.purposes {
        form.values.insert(purpose.name().into(), "on".into());
    }
    form
}

/// `GET /phone/new`.
pub async fn fresh(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Operate)?;
    entry_page(&app, &view, (&Shown::default(), None), StatusCode::OK).await
}

/// `POST /phone/new`.
pub async fn create(State(app): State<App>, view: View, person: Person, Form(values): Form<Values>) -> Page {
    person.require(May::Operate)?;
    let id = PhoneId(app.fresh_id());
    saved(&app, &view, &person, (id, None, values)).await
}

/// `GET /phone/{entry}`.
pub async fn one(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::Operate)?;
    let entry = found(&app, &id).await?;
    entry_page(&app, &view, (&filled(&entry), Some(&entry)), StatusCode::OK).await
}

/// `POST /phone/{entry}`.
pub async fn change(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(values): Form<Values>) -> Page {
    person.require(May::Operate)?;
    let entry = found(&app, &id).await?;
    saved(&app, &view, &person, (entry.id, Some(entry), values)).await
}

async fn saved(app: &App, view: &View, person: &Person, (id, was, values): (PhoneId, Option<Entry>, Values)) -> Page {
    let others = super::all(app).await?;
    match typed(&values).checked(id, &others) {
        Ok(entry) => {
            let (now_ms, who) = (app.now_ms(), person.email.clone());
            changed(app, person, move |tx| Box::pin(async move { keep(tx, &entry, was.as_ref(), (now_ms, &who)).await })).await?;
            done(LIST, Say::new("phone-saved"))
        }
        Err(wrong) => {
            let form = Shown { values, wrong };
            entry_page(app, view, (&form, was.as_ref()), StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /phone/{entry}/remove`.
pub async fn remove(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(Sure { sure }): Form<Sure>) -> Page {
    person.require(May::Operate)?;
    let entry = found(&app, &id).await?;
    if sure.is_empty() {
        let number = Typed::of(&entry).number;
        let ask = Confirm {
            title: Say::new("phone-remove"),
            text: Say::new("phone-remove-sure").with("what", if number.is_empty() { entry.id.to_string() } else { number }),
            button: "phone-remove",
            action: format!("{LIST}/{id}/remove"),
            fields: Vec::new(),
            back: format!("{LIST}/{id}"),
        };
        return confirm::page(&view, &ask);
    }
    changed(&app, &person, move |tx| Box::pin(async move { drop_entry(tx, &entry).await })).await?;
    done(LIST, Say::new("phone-removed"))
}

#[derive(Template)]
#[template(path = "phone/templates/import.html")]
struct ImportPage<'a> {
    view: &'a View,
    form: &'a Shown,
    wrong: Vec<WrongRow>,
}

/// `GET /phone/import`.
pub async fn import_form(view: View, person: Person) -> Page {
    person.require(May::Operate)?;
    show(&ImportPage { view: &view, form: &Shown::default(), wrong: Vec::new() })
}

/// `POST /phone/import`: all of a table, or nothing of it.
pub async fn import(State(app): State<App>, view: View, person: Person, Form(values): Form<Values>) -> Page {
    person.require(May::Operate)?;
    let text = values.get("table").cloned().unwrap_or_default();
    match table::read(&text, || app.fresh_id()) {
        Ok(entries) => {
            let (now_ms, who, replaces, count) = (app.now_ms(), person.email.clone(), values.contains_key("replace"), entries.len());
            changed(&app, &person, move |tx| Box::pin(async move { take_over(tx, &entries, replaces, (now_ms, &who)).await })).await?;
            done(LIST, Say::new("phone-imported").with("count", count as i64))
        }
        Err(wrong) => {
            let form = Shown { values, wrong: Vec::new() };
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &ImportPage { view: &view, form: &form, wrong })
        }
    }
}
