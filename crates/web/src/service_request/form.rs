//! What is typed to open a request, checked field by field; the same for pages and programs.

use super::change::{COPIES_MAX, New};
use super::consent::DAYS_MAX;
use super::evidence::PASTED_CHARS_MAX;
use super::model::{Area, Contact, Impact, Kind, See, Severity, Way};
use crate::page::fault::Wrong;
use crate::page::{Say, View, time};
use crate::people::Person;
use crate::phone::country;
use crate::phone::number::Number;
use mail::Address;
use mail::OrgId;
use serde::{Deserialize, Serialize};

pub const TITLE_CHARS_MAX: usize = 150;
pub const TEXT_CHARS_MAX: usize = 20_000;
const HOURS_CHARS_MAX: usize = 200;
const COUNT_MAX: u32 = 100_000_000;

/// What is typed. Nothing but `title` and `description` has to be said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewServiceRequest {
    pub title: String,
    pub description: String,
    /// "technical", "pre-purchase" or "billing"; else technical.
    pub kind: String,
    /// Part of the product, such as "mail-flow"; else other.
    pub area: String,
    /// "a", "b" or "c"; else c.
    pub severity: String,
    /// People that are hindered.
    pub people: String,
    /// Mails that it concerns.
    pub mails: String,
    /// Since when: RFC 3339, or a local date and time of the reader's zone.
    pub since: String,
    /// "web", "mail" or "phone"; else mail.
    pub way: String,
    /// With "phone": country of the number, ISO 3166-1 alpha-2.
    pub country: String,
    pub number: String,
    /// With "phone": when to call, in free words.
    pub hours: String,
    /// Language to be spoken with, BCP 47; else that of the page.
    pub language: String,
    /// Mail addresses that get copies, with spaces, commas or lines between.
    pub copies: String,
    /// A bounce or log lines, as they are.
    pub pasted: String,
    /// What is attached by name, with spaces between: "mail:m…", "held-mail:m…", "issue:EX…", "connector:NAME", "diagnosis:d…".
    pub evidence: String,
    /// Files that were uploaded before, with spaces between.
    pub files: String,
    /// What support may see, with spaces between: "trace", "quarantine", "settings", "health".
    pub see: String,
    /// For how many days; else 30.
    pub see_days: String,
}

/// What was typed, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub new: New,
    /// Names of evidence to be read.
    pub evidence: Vec<String>,
    pub pasted: String,
    pub see: Vec<See>,
    pub see_days: i64,
}

impl NewServiceRequest {
    /// # Errors
    /// Each field that is wrong.
    pub fn checked(&self, view: &View, person: &Person, org: OrgId) -> Result<Checked, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let title = text(&mut wrong, ("title", "request-wrong-title"), &self.title, TITLE_CHARS_MAX).replace(['\n', '\t'], " ");
        let description = text(&mut wrong, ("description", "request-wrong-description"), &self.description, TEXT_CHARS_MAX);
        let kind = chosen(&mut wrong, ("kind", "request-wrong-choice"), &self.kind, Kind::Technical, Kind::parse);
        let area = chosen(&mut wrong, ("area", "request-wrong-choice"), &self.area, Area::Other, Area::parse);
        let severity = chosen(&mut wrong, ("severity", "request-wrong-choice"), &self.severity, Severity::C, Severity::parse);
        let impact = Impact {
            people: count(&mut wrong, "people", &self.people),
            mails: count(&mut wrong, "mails", &self.mails),
            since_ms: self.since(view, &mut wrong),
        };
        let contact = self.contact(view, &mut wrong);
        let copies = self.copies(person, &mut wrong);
        if self.pasted.chars().count() > PASTED_CHARS_MAX {
            wrong.push(long("pasted", PASTED_CHARS_MAX));
        }
        let words = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        let evidence = words(&self.evidence);
        if evidence.len() > super::evidence::PIECES_MAX {
            wrong.push(Wrong::new("evidence", "request-wrong-evidence"));
        }
        let files = words(&self.files).iter().filter_map(|file| file.parse().ok()).collect();
        let see_days = match self.see_days.trim() {
            "" => DAYS_MAX,
            days => days.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days)).unwrap_or_else(|| {
                wrong.push(Wrong::new("see_days", "request-wrong-days"));
                DAYS_MAX
            }),
        };
        let queue = if area == Area::Accessibility { "accessibility".into() } else { String::new() };
        let lang = view.lang.tag().to_string();
        let new = New { org, title, description, kind, area, severity, impact, contact, lang, copies, evidence: Vec::new(), files, queue };
        let checked = Checked { new, evidence, pasted: self.pasted.trim().to_string(), see: See::read(&self.see), see_days };
        if wrong.is_empty() { Ok(checked) } else { Err(wrong) }
    }

    fn since(&self, view: &View, wrong: &mut Vec<Wrong>) -> Option<i64> {
        let text = self.since.trim();
        if text.is_empty() {
            return None;
        }
        let read = text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond()).or_else(|| time::parse_local(view, text));
        let past = read.filter(|at| *at <= view.now_ms);
        if past.is_none() {
            wrong.push(Wrong::new("since", "request-wrong-since"));
        }
        past
    }

    fn contact(&self, view: &View, wrong: &mut Vec<Wrong>) -> Contact {
        let way = chosen(wrong, ("way", "request-wrong-choice"), &self.way, Way::Mail, Way::parse);
        let mut number = String::new();
        if way == Way::Phone {
            match Number::read(country::code(&self.country).unwrap_or_default(), &self.number) {
                Some(read) => number = read.e164(),
                None => wrong.push(Wrong::new("number", "request-wrong-number")),
            }
        }
        let hours = self.hours.trim().to_string();
        if hours.chars().count() > HOURS_CHARS_MAX {
            wrong.push(long("hours", HOURS_CHARS_MAX));
        }
        let lang = self.language.trim();
        let is_tag = lang.len() <= 35 && lang.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_tag {
            wrong.push(Wrong::new("language", "request-wrong-language"));
        }
        Contact { way, number, hours, lang: if lang.is_empty() { view.lang.tag().into() } else { lang.into() } }
    }

    fn copies(&self, person: &Person, wrong: &mut Vec<Wrong>) -> Vec<String> {
        let typed = self.copies.split([' ', ',', ';', '\n', '\r', '\t', '，', '；']).filter(|one| !one.is_empty());
        let mut copies: Vec<String> = Vec::new();
        for one in typed {
            match Address::parse(one) {
                Ok(address) if address.key() != person.email => copies.push(address.key()),
                Ok(_) => {}
                Err(_) => wrong.push(Wrong { field: "copies", say: Say::new("request-wrong-copies").with("what", one) }),
            }
        }
        copies.sort();
        copies.dedup();
        if copies.len() > COPIES_MAX {
            wrong.push(Wrong { field: "copies", say: Say::new("request-wrong-copies-many").with("count", COPIES_MAX) });
        }
        copies
    }
}

fn long(field: &'static str, most: usize) -> Wrong {
    Wrong { field, say: Say::new("request-wrong-long").with("count", most) }
}

/// A text that has to be there.
pub fn text(wrong: &mut Vec<Wrong>, (field, key): (&'static str, &'static str), typed: &str, most: usize) -> String {
    let text = typed.replace("\r\n", "\n");
    let text: String = text.trim().chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if text.is_empty() {
        wrong.push(Wrong::new(field, key));
    } else if text.chars().count() > most {
        wrong.push(long(field, most));
    }
    text
}

fn chosen<T>(wrong: &mut Vec<Wrong>, (field, key): (&'static str, &'static str), typed: &str, usual: T, parse: fn(&str) -> Option<T>) -> T {
    match (typed.trim(), parse(typed.trim())) {
        (_, Some(one)) => one,
        ("", None) => usual,
        _ => {
            wrong.push(Wrong::new(field, key));
            usual
        }
    }
}

fn count(wrong: &mut Vec<Wrong>, field: &'static str, typed: &str) -> Option<u32> {
    match typed.trim() {
        "" => None,
        typed => {
            let read = typed.parse().ok().filter(|count| *count <= COUNT_MAX);
            if read.is_none() {
                wrong.push(Wrong::new(field, "request-wrong-count"));
            }
            read
        }
    }
}
