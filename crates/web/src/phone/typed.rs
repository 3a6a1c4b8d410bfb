//! An entry as it was typed, sent or imported, and what may be wrong with it.

use super::book::{Entry, Place, Purpose, Spoken};
use super::country;
use super::hours::{Hours, WrongHours};
use super::number::{Number, NumberKind};
use crate::page::fault::Wrong;
use mail::id::PhoneId;
use serde::{Deserialize, Serialize};

/// Languages of one number.
pub const LINES_MAX: usize = 4;
/// Names of a line's fields in the form: language, hours, zone.
pub const LINE_FIELDS: [[&str; 3]; LINES_MAX] = [
    ["l0_lang", "l0_hours", "l0_zone"],
    ["l1_lang", "l1_hours", "l1_zone"],
    ["l2_lang", "l2_hours", "l2_zone"],
    ["l3_lang", "l3_hours", "l3_zone"],
];
const COST_CHARS_MAX: usize = 200;
const LANG_CHARS_MAX: usize = 35;

/// An entry before it was checked. Either a number with its lines, or `same_as`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = PhoneEntryInput)]
pub struct Typed {
    /// ISO 3166-1 alpha-2.
    #[schema(example = "BR")]
    pub country: String,
    /// technical, pre-purchase, billing, premier; several with a space between.
    #[schema(example = "technical")]
    pub purposes: String,
    /// Kind of question whose numbers serve these as well; "" when there is a number.
    #[schema(example = "")]
    pub same_as: String,
    /// As it is printed in its country, or in E.164.
    #[schema(example = "0800 762 1146")]
    pub number: String,
    /// toll-free, local or shared-cost; "" as the country's plan says.
    #[schema(example = "")]
    pub kind: String,
    pub lines: Vec<Spoken>,
    /// Country whose public holidays `PH` means; "" none.
    #[schema(example = "BR")]
    pub holidays: String,
    /// What people should know of the cost.
    #[schema(example = "")]
    pub cost: String,
}

impl Typed {
    pub fn of(entry: &Entry) -> Typed {
        let typed = Typed { country: entry.country.clone(), purposes: Purpose::written(&entry.purposes), ..Typed::default() };
        match &entry.place {
            Place::SameAs(other) => Typed { same_as: other.name().into(), ..typed },
            Place::Number { e164, kind, lines, holidays, cost } => Typed {
                number: Number::read(&entry.country, e164).map_or_else(|| e164.clone(), |number| number.national()),
                kind: kind.name().into(),
                lines: lines.clone(),
                holidays: holidays.clone(),
                cost: cost.clone(),
                ..typed
            },
        }
    }

    /// The entry `id`, beside the `others` of the directory; or everything that is wrong.
    pub fn checked(mut self, id: PhoneId, others: &[Entry]) -> Result<Entry, Vec<Wrong>> {
        let mut wrong = Vec::new();
        self.country = country::code(&self.country).map(str::to_string).unwrap_or_else(|| {
            wrong.push(Wrong::new("country", "phone-wrong-country"));
            String::new()
        });
        let purposes = Purpose::list(&self.purposes).unwrap_or_else(|| {
            wrong.push(Wrong::new("purposes", "phone-wrong-purposes"));
            Vec::new()
        });
        let place =
            if self.same_as.trim().is_empty() { self.number_place(&mut wrong) } else { self.same_place(&purposes, others, id, &mut wrong) };
        match place {
            Some(place) if wrong.is_empty() => Ok(Entry { id, country: self.country, purposes, place }),
            _ => Err(wrong),
        }
    }

    fn same_place(&self, purposes: &[Purpose], others: &[Entry], id: PhoneId, wrong: &mut Vec<Wrong>) -> Option<Place> {
        // "prepurchase_billing" names two kinds that share their numbers: either leads there.
        let other = Purpose::list(&self.same_as).and_then(|all| all.first().copied());
        let has_number = |other: Purpose| {
            let is_there = |entry: &&Entry| entry.id != id && entry.country == self.country && entry.purposes.contains(&other);
            others.iter().filter(is_there).any(|entry| matches!(entry.place, Place::Number { .. }))
        };
        let Some(other) = other.filter(|other| !purposes.contains(other) && has_number(*other)) else {
            wrong.push(Wrong::new("same_as", "phone-wrong-same"));
            return None;
        };
        if !self.number.trim().is_empty() {
            wrong.push(Wrong::new("number", "phone-wrong-both"));
        }
        Some(Place::SameAs(other))
    }

    fn number_place(&mut self, wrong: &mut Vec<Wrong>) -> Option<Place> {
        let number = Number::read(&self.country, &self.number);
        if number.is_none() && !self.country.is_empty() {
            wrong.push(Wrong::new("number", "phone-wrong-number"));
        }
        let named = NumberKind::ALL.into_iter().find(|kind| kind.name() == self.kind.trim().replace('_', "-"));
        if named.is_none() && !self.kind.trim().is_empty() {
            wrong.push(Wrong::new("kind", "phone-wrong-kind"));
        }
        self.holidays = match self.holidays.trim() {
            "" => String::new(),
            typed => country::code(typed).unwrap_or(typed).to_string(),
        };
        if self.cost.chars().count() > COST_CHARS_MAX || self.cost.chars().any(char::is_control) {
            wrong.push(Wrong::new("cost", "phone-wrong-cost"));
        }
        if self.lines.is_empty() || self.lines.len() > LINES_MAX {
            wrong.push(Wrong::new("lines", "phone-wrong-lines"));
        }
        for (line, fields) in self.lines.iter_mut().zip(LINE_FIELDS) {
            wrong.extend(wrong_line(line, &self.holidays, fields));
        }
        let number = number?;
        Some(Place::Number {
            e164: number.e164(),
            kind: named.unwrap_or(number.kind),
            lines: std::mem::take(&mut self.lines),
            holidays: std::mem::take(&mut self.holidays),
            cost: self.cost.trim().to_string(),
        })
    }
}

/// Trims a line, and says what is wrong with it; fields are named as in the form.
fn wrong_line(line: &mut Spoken, holidays: &str, [lang, hours, zone]: [&'static str; 3]) -> Option<Wrong> {
    for text in [&mut line.lang, &mut line.hours, &mut line.zone] {
        *text = text.trim().to_string();
    }
    let is_tag = |lang: &str| {
        let parts: Vec<&str> = lang.split('-').collect();
        let is_part = |part: &&str| (1..=8).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_alphanumeric());
        // RFC 5646 §2.1: a language of two to eight letters, then subtags.
        lang.len() <= LANG_CHARS_MAX
            && parts.iter().all(is_part)
            && parts[0].len() >= 2
            && parts[0].bytes().all(|octet| octet.is_ascii_alphabetic())
    };
    if !is_tag(&line.lang) {
        return Some(Wrong::new(lang, "phone-wrong-lang"));
    }
    match Hours::read(&line.hours, &line.zone, holidays) {
        Ok(_) => None,
        Err(WrongHours::Text) => Some(Wrong::new(hours, "phone-wrong-hours")),
        Err(WrongHours::Zone) => Some(Wrong::new(zone, "phone-wrong-zone")),
        Err(WrongHours::Holidays) => Some(Wrong::new("holidays", "phone-wrong-holidays")),
    }
}
