//! What the directory holds, and the answer to "whom do I call now?".
//!
//! In: entries, and who asks: a country, a kind of question, a language, a moment. Out: the number to call, until when somebody answers,
//! else when next, and who answers now elsewhere. Pure: no database, no clock. Invariant: every number of an answer stands in an entry.

use super::hours::{Hours, State};
use super::number::{Number, NumberKind};
use mail::id::PhoneId;
use serde::{Deserialize, Serialize};

/// Other numbers that an answer lists beside the first.
const OTHERS_MAX: usize = 8;
/// The language in which somebody answers everywhere.
pub const FALLBACK_LANG: &str = "en";

/// Kinds of question, as people name them when they call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    Technical,
    PrePurchase,
    /// Billing and subscriptions.
    Billing,
    /// For organisations with a technical account manager.
    Premier,
}

impl Purpose {
    pub const ALL: [Purpose; 4] = [Purpose::Technical, Purpose::PrePurchase, Purpose::Billing, Purpose::Premier];

    pub fn name(self) -> &'static str {
        match self {
            Purpose::Technical => "technical",
            Purpose::PrePurchase => "pre-purchase",
            Purpose::Billing => "billing",
            Purpose::Premier => "premier",
        }
    }

    /// One purpose as people and programs write it.
    pub fn named(name: &str) -> Option<Purpose> {
        let plain: String = name.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
        match plain.as_str() {
            "technical" | "support" => Some(Purpose::Technical),
            "prepurchase" | "presales" | "sales" => Some(Purpose::PrePurchase),
            "billing" | "subscription" | "subscriptions" | "billingandsubscription" | "billingandsubscriptions" => Some(Purpose::Billing),
            "premier" => Some(Purpose::Premier),
            _ => None,
        }
    }

    /// A list of them: "billing pre-purchase", and in one word as tables of numbers put it: "prepurchase_billing".
    pub fn list(names: &str) -> Option<Vec<Purpose>> {
        if names.trim().replace(['-', ' '], "_").eq_ignore_ascii_case("prepurchase_billing") {
            return Some(vec![Purpose::PrePurchase, Purpose::Billing]);
        }
        let mut all = names.split([' ', ',', ';', '+']).filter(|name| !name.is_empty()).map(Purpose::named).collect::<Option<Vec<_>>>()?;
        all.sort();
        all.dedup();
        (!all.is_empty()).then_some(all)
    }

    pub fn written(purposes: &[Purpose]) -> String {
        purposes.iter().map(|purpose| purpose.name()).collect::<Vec<_>>().join(" ")
    }
}

/// A language in which a number is answered, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Spoken {
    /// BCP 47: "pt-BR".
    pub lang: String,
    /// As OpenStreetMap writes opening hours: "Mo-Fr 09:00-17:00; PH off".
    pub hours: String,
    /// IANA name: "America/Sao_Paulo".
    pub zone: String,
}

/// What callers of a country dial for these kinds of question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    Number {
        e164: String,
        kind: NumberKind,
        lines: Vec<Spoken>,
        /// Country whose public holidays are meant by `PH`; '' none.
        holidays: String,
        /// What people should know of the cost; ''.
        cost: String,
    },
    /// The same numbers as for another kind of question.
    SameAs(Purpose),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub id: PhoneId,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    pub purposes: Vec<Purpose>,
    pub place: Place,
}

/// Who asks. `country` is '' or a code that no entry has, when it is not known.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    pub country: &'a str,
    pub purpose: Purpose,
    pub lang: &'a str,
    pub now_ms: i64,
}

/// One number in one language, at the moment of the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub entry: PhoneId,
    pub country: String,
    pub number: Number,
    pub kind: NumberKind,
    pub lang: String,
    pub zone: String,
    pub hours: String,
    pub cost: String,
    pub state: State,
    /// It is a number of another country than the caller's.
    pub is_abroad: bool,
}

/// Why the first number is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Somebody answers now in the caller's language.
    Open,
    /// Somebody answers now, in English.
    OpenInFallback,
    /// Nobody answers now; opens again at the time given.
    Closed,
    /// There is no number in the caller's country; this one is reached from abroad.
    Abroad,
    /// There is no number for this.
    None,
}

impl Why {
    pub fn name(self) -> &'static str {
        match self {
            Why::Open => "open",
            Why::OpenInFallback => "open-in-fallback",
            Why::Closed => "closed",
            Why::Abroad => "abroad",
            Why::None => "none",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub reason: Why,
    pub best: Option<Choice>,
    /// Best first; others of the country, and what is open now elsewhere when nobody answers at home.
    pub others: Vec<Choice>,
}

/// The number to call.
pub fn call(entries: &[Entry], caller: Caller) -> Answer {
    let mut home = choices(entries, caller, |entry| entry.country == caller.country);
    home.sort_by_key(|choice| rank(choice, caller));
    if home.first().is_some_and(|first| first.state.is_open() && is_spoken(first, caller)) {
        return answer(home, caller);
    }
    // Nobody at home answers now in a language of theirs: who does, in a country that can be called from everywhere?
    let mut abroad = choices(entries, caller, |entry| entry.country != caller.country);
    abroad
        .retain(|choice| choice.kind.is_reached_from_abroad() && is_spoken(choice, caller) && (home.is_empty() || choice.state.is_open()));
    abroad.sort_by_key(|choice| rank(choice, caller));
    home.extend(abroad);
    answer(home, caller)
}

fn answer(sorted: Vec<Choice>, caller: Caller) -> Answer {
    let mut all = sorted.into_iter();
    let best = all.next();
    let reason = match &best {
        None => Why::None,
        Some(first) if !first.state.is_open() => Why::Closed,
        Some(first) if first.is_abroad => Why::Abroad,
        Some(first) if speaks(&first.lang, caller.lang) => Why::Open,
        Some(_) => Why::OpenInFallback,
    };
    Answer { reason, best, others: all.take(OTHERS_MAX).collect() }
}

/// What is asked for is answered in the caller's language, or in the one that is everywhere.
fn is_spoken(choice: &Choice, caller: Caller) -> bool {
    speaks(&choice.lang, caller.lang) || speaks(&choice.lang, FALLBACK_LANG)
}

/// Open before closed, what opens first before what opens later; then the caller's language before English before any other; then what
/// costs nothing.
fn rank(choice: &Choice, caller: Caller) -> (u8, i64, u8, NumberRank, u64) {
    let language = if speaks(&choice.lang, caller.lang) {
        0
    } else if speaks(&choice.lang, FALLBACK_LANG) {
        1
    } else {
        2
    };
    let number = match choice.kind {
        NumberKind::TollFree => NumberRank::Free,
        NumberKind::Local => NumberRank::Usual,
        NumberKind::SharedCost => NumberRank::Dear,
    };
    let order = choice.entry.0.unsigned_abs();
    match choice.state {
        State::Open { .. } if language < 2 => (0, 0, language, number, order),
        // A language that the caller did not ask for comes after the next opening in one that was.
        State::Open { .. } => (3, 0, language, number, order),
        State::Closed { next_ms } if language < 2 => (1, next_ms.unwrap_or(i64::MAX), language, number, order),
        State::Closed { next_ms } => (4, next_ms.unwrap_or(i64::MAX), language, number, order),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum NumberRank {
    Free,
    Usual,
    Dear,
}

/// Each number in each of its languages, with its state at the caller's moment.
fn choices(entries: &[Entry], caller: Caller, belongs: impl Fn(&Entry) -> bool) -> Vec<Choice> {
    let of_purpose = |country: &str, purpose: Purpose| {
        entries.iter().filter(move |entry| entry.country == country && entry.purposes.contains(&purpose)).collect::<Vec<_>>()
    };
    let mut countries: Vec<&str> = entries.iter().filter(|entry| belongs(entry)).map(|entry| entry.country.as_str()).collect();
    countries.sort_unstable();
    countries.dedup();
    let mut found = Vec::new();
    for country in countries {
        for entry in of_purpose(country, caller.purpose) {
            match entry.place {
                Place::Number { .. } => found.extend(lines(entry, caller)),
                // One step only: a reference to a reference is refused when it is kept.
                Place::SameAs(other) => found.extend(of_purpose(country, other).into_iter().flat_map(|entry| lines(entry, caller))),
            }
        }
    }
    found
}

fn lines(entry: &Entry, caller: Caller) -> Vec<Choice> {
    let Place::Number { e164, kind, lines, holidays, cost } = &entry.place else { return Vec::new() };
    let Some(number) = Number::read(&entry.country, e164) else { return Vec::new() };
    let choice = |line: &Spoken| {
        let state = Hours::read(&line.hours, &line.zone, holidays).ok()?.at(caller.now_ms);
        Some(Choice {
            entry: entry.id,
            country: entry.country.clone(),
            number: number.clone(),
            kind: *kind,
            lang: line.lang.clone(),
            zone: line.zone.clone(),
            hours: line.hours.clone(),
            cost: cost.clone(),
            state,
            is_abroad: entry.country != caller.country,
        })
    };
    lines.iter().filter_map(choice).collect()
}

/// Whether a line in `spoken` serves somebody who asks for `wanted` (BCP 47 both): on the telephone the language counts, not its script or
/// region.
pub fn speaks(spoken: &str, wanted: &str) -> bool {
    let language = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    !language(spoken).is_empty() && language(spoken) == language(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;
    /// 2026-11-24T12:00:00Z, a Tuesday.
    const NOON: i64 = 1_795_521_600_000;

    fn number(id: i64, country: &str, e164: &str, lines: &[(&str, &str)]) -> Entry {
        let lines =
            lines.iter().map(|(lang, hours)| Spoken { lang: lang.to_string(), hours: hours.to_string(), zone: "UTC".into() }).collect();
        let kind = Number::read(country, e164).expect(e164).kind;
        let place = Place::Number { e164: e164.into(), kind, lines, holidays: String::new(), cost: String::new() };
        Entry { id: PhoneId(id), country: country.into(), purposes: vec![Purpose::Technical], place }
    }

    fn called(entries: &[Entry], country: &str, lang: &str, now_ms: i64) -> (Why, Option<String>, Vec<String>) {
        let answer = call(entries, Caller { country, purpose: Purpose::Technical, lang, now_ms });
        let e164 = |choice: &Choice| choice.number.e164();
        (answer.reason, answer.best.as_ref().map(e164), answer.others.iter().map(e164).collect())
    }

    #[test]
    fn when_nobody_answers_the_next_opening_is_named_and_who_answers_elsewhere() {
        let entries = [
            number(1, "DE", "+4969380789508", &[("de", "Mo-Fr 09:00-11:00")]),
            number(2, "DE", "+498005892332", &[("de", "Mo-Fr 08:00-10:00")]),
            number(3, "FR", "+33157324297", &[("fr", "24/7"), ("en", "24/7")]),
            number(4, "US", "+18779132707", &[("en", "24/7")]),
        ];
        let (reason, best, others) = called(&entries, "DE", "de", NOON);
        assert_eq!((reason, best.as_deref()), (Why::Closed, Some("+498005892332")), "opens first tomorrow");
        assert_eq!(
            others,
            ["+4969380789508", "+33157324297"],
            "the French number answers in English; a free one is not reached from abroad"
        );
        assert_eq!(called(&entries, "DE", "de", NOON - 3 * 3_600_000).0, Why::Open);
        assert_eq!(called(&entries, "DE", "de", NOON + 4 * DAY).1.as_deref(), Some("+498005892332"), "over the week-end as well");
        let (reason, best, _) = called(&entries, "NZ", "mi", NOON);
        assert_eq!((reason, best.as_deref()), (Why::Abroad, Some("+33157324297")));
        assert_eq!(called(&[], "DE", "de", NOON), (Why::None, None, Vec::new()));
    }

    #[test]
    fn a_reference_leads_to_the_numbers_of_its_country_and_no_further() {
        let mut entries = vec![number(1, "FR", "+33157324297", &[("fr", "24/7")])];
        entries.push(Entry {
            id: PhoneId(2),
            country: "FR".into(),
            purposes: vec![Purpose::Billing],
            place: Place::SameAs(Purpose::Technical),
        });
        entries.push(Entry {
            id: PhoneId(3),
            country: "FR".into(),
            purposes: vec![Purpose::Premier],
            place: Place::SameAs(Purpose::Billing),
        });
        let of = |purpose: Purpose| {
            call(&entries, Caller { country: "FR", purpose, lang: "fr", now_ms: NOON }).best.map(|best| best.number.e164())
        };
        assert_eq!(of(Purpose::Billing).as_deref(), Some("+33157324297"));
        assert_eq!(of(Purpose::Premier), None);
    }

    #[test]
    fn purposes_are_read_as_people_write_them() {
        assert_eq!(Purpose::list("prepurchase_billing"), Some(vec![Purpose::PrePurchase, Purpose::Billing]));
        assert_eq!(Purpose::list("billing, Pre-Purchase"), Some(vec![Purpose::PrePurchase, Purpose::Billing]));
        assert_eq!((Purpose::list(""), Purpose::list("technical poetry")), (None, None));
    }
}
