//! The directory as everybody sees it: whom to call now, and the whole table.

use super::book::{self, Answer, Caller, Choice, Entry, Place, Purpose, Why};
use super::country;
use super::hours::State;
use super::number::{Number, NumberKind};
use crate::App;
use crate::page::{Page, View, show};
use askama::Template;
use axum::extract::{Query, State as FromState};
use serde::Deserialize;

/// Languages by their own names: who looks for one reads it.
const LANGUAGES: [(&str, &str); 16] = [
    ("en", "English"),
    ("zh", "中文"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("fr", "Français"),
    ("it", "Italiano"),
    ("ja", "日本語"),
    ("ko", "한국어"),
    ("nl", "Nederlands"),
    ("pl", "Polski"),
    ("pt", "Português"),
    ("ru", "Русский"),
    ("sv", "Svenska"),
    ("th", "ไทย"),
    ("tr", "Türkçe"),
    ("vi", "Tiếng Việt"),
];

/// The name of a language in itself; its tag when it has none here.
pub fn language(tag: &str) -> String {
    LANGUAGES.iter().find(|(known, _)| book::speaks(known, tag)).map_or_else(|| tag.to_string(), |(_, name)| (*name).to_string())
}

/// Who asks, as a form or a program says it; what is '' is guessed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    country: String,
    r#for: String,
    lang: String,
}

#[derive(Template)]
#[template(path = "phone/templates/directory.html")]
struct Directory<'a> {
    view: &'a View,
    countries: Vec<(&'static str, &'static str)>,
    languages: [(&'static str, &'static str); 16],
    purposes: [Purpose; 4],
    country: String,
    purpose: Purpose,
    lang: String,
    answer: Option<Answer>,
    groups: Vec<Group>,
    may_edit: bool,
}

/// The entries of one country.
pub struct Group {
    pub code: String,
    pub name: String,
    pub rows: Vec<Row>,
}

/// An entry as it is printed.
pub struct Row {
    pub id: String,
    pub purposes: Vec<Purpose>,
    pub same_as: Option<Purpose>,
    pub number: Option<Number>,
    pub kind: Option<NumberKind>,
    pub lines: Vec<book::Spoken>,
    pub cost: String,
}

/// Entries by country, countries by their names.
pub fn groups(view: &View, entries: &[Entry]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for entry in entries {
        let row = row(entry);
        match groups.last_mut().filter(|group| group.code == entry.country) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group {
                code: entry.country.clone(),
                name: country::name(&entry.country, view.lang).to_string(),
                rows: vec![row],
            }),
        }
    }
    let order: Vec<&str> = country::list(view.lang).into_iter().map(|(code, _)| code).collect();
    groups.sort_by_key(|group| order.iter().position(|code| *code == group.code));
    groups
}

fn row(entry: &Entry) -> Row {
    let empty = Row {
        id: entry.id.to_string(),
        purposes: entry.purposes.clone(),
        same_as: None,
        number: None,
        kind: None,
        lines: Vec::new(),
        cost: String::new(),
    };
    match &entry.place {
        Place::SameAs(other) => Row { same_as: Some(*other), ..empty },
        Place::Number { e164, kind, lines, cost, .. } => {
            Row { number: Number::read(&entry.country, e164), kind: Some(*kind), lines: lines.clone(), cost: cost.clone(), ..empty }
        }
    }
}

impl Directory<'_> {
    fn language(&self, tag: &str) -> String {
        language(tag)
    }

    fn country_name(&self, code: &str) -> String {
        country::name(code, self.view.lang).to_string()
    }

    /// When somebody answers, in the reader's zone.
    fn when(&self, choice: &Choice) -> String {
        match choice.state {
            State::Open { until_ms: None } => self.view.t("phone-always"),
            State::Open { until_ms: Some(until) } => self.view.w("phone-open-until", self.view.moment(until)),
            State::Closed { next_ms: Some(next) } => self.view.w("phone-closed-until", self.view.moment(next)),
            State::Closed { next_ms: None } => self.view.t("phone-closed"),
        }
    }

    fn why(&self, answer: &Answer) -> String {
        self.view.of_kind("phone-reason", answer.reason.name())
    }

    fn is_none(&self, answer: &Answer) -> bool {
        answer.reason == Why::None
    }
}

/// `GET /help/phone`.
pub async fn directory(FromState(app): FromState<App>, view: View, Query(asked): Query<Asked>) -> Page {
    let entries = super::all(&app).await?;
    let was_asked = !asked.country.is_empty() || !asked.r#for.is_empty();
    let country = country::code(&asked.country).unwrap_or_default().to_string();
    let purpose = Purpose::named(&asked.r#for).unwrap_or(Purpose::Technical);
    let lang = if asked.lang.is_empty() { view.lang.tag().to_string() } else { asked.lang };
    let caller = Caller { country: &country, purpose, lang: &lang, now_ms: app.now_ms() };
    let answer = was_asked.then(|| book::call(&entries, caller));
    let page = Directory {
        countries: country::list(view.lang),
        languages: LANGUAGES,
        purposes: Purpose::ALL,
        groups: groups(&view, &entries),
        may_edit: view.may(crate::people::May::Operate),
        view: &view,
        country,
        purpose,
        lang,
        answer,
    };
    show(&page)
}
