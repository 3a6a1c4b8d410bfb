//! What is wrong with a rule as somebody wrote it, place by place, before it is saved.

use super::compile::{moment_ms, size_octets};
use super::kinds::{ActionField, Takes};
use super::pattern::{self, PATTERNS_MAX, PatternError, VALUE_CHARS_MAX, VALUES_MAX};
use super::{Action, ActionKind, Condition, RuleSettings};
use crate::settings::Network;
use mail::Address;

/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 100;
/// Conditions, exceptions and actions of one rule, each.
pub const PARTS_MAX: usize = 30;
/// Addresses of one action.
pub const ADDRESSES_MAX: usize = 20;
/// Characters of a text that goes into mail.
pub const TEXT_CHARS_MAX: usize = 10_000;
/// Characters of one line that goes into a header, a subject or a reply.
pub const LINE_CHARS_MAX: usize = 200;
/// Characters that delivery puts before a subject.
const PREFIX_CHARS_MAX: usize = 100;

/// Fields that are not for rules: they are the trace, our own statements, or say how the octets are to be read.
const RESERVED: &[&str] =
    &["received", "return-path", "authentication-results", "mime-version", "x-forefront-antispam-report", "date", "message-id"];
const RESERVED_PREFIXES: &[&str] = &["x-gatepost-", "content-", "arc-"];

/// A place in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Rule,
    Condition(usize),
    Exception(usize),
    Action(usize),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}")]
pub struct Complaint {
    pub part: Part,
    /// Name of the field, as in JSON.
    pub field: &'static str,
    pub wrong: Wrong,
}

/// What is wrong, for people; the name is the end of a words key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {0} characters")]
    TooLong(usize),
    #[error("there are more than {0}")]
    TooMany(usize),
    #[error("{0}")]
    Pattern(PatternError),
    #[error("“{0}” is not an address")]
    Address(String),
    #[error("“{0}” is not a domain name")]
    Domain(String),
    #[error("“{0}” is not an address or a network such as 192.0.2.0/24")]
    Network(String),
    #[error("“{0}” is not a size such as 500 KB or 10 MB")]
    Size(String),
    #[error("“{0}” is not a number from {1} to {2}")]
    Level(String, i64, i64),
    #[error("“{0}” is none of: {1}")]
    Choice(String, String),
    #[error("“{0}” is not the name of a header field")]
    Header(String),
    #[error("the header field “{0}” is not for rules: it says who carried the mail, or how it is to be read")]
    Reserved(String),
    #[error("it has control characters or line breaks")]
    Control,
    #[error("“{0}” is not 5.7.1 or between 5.7.900 and 5.7.999")]
    Status(String),
    #[error("“{0}” is not a day such as 2026-12-31 or a time such as 2026-12-31T09:00")]
    Moment(String),
    #[error("it ends before it begins")]
    EndsFirst,
    #[error("a rule does something, or stops the rules behind it")]
    NoAction,
    #[error("“{0}” ends the way of the mail; nothing can come behind it but notices")]
    AfterEnd(String),
}

impl Wrong {
    /// The end of the words key `rule-wrong-…`.
    pub fn name(&self) -> &'static str {
        match self {
            Wrong::Empty => "empty",
            Wrong::TooLong(_) => "too-long",
            Wrong::TooMany(_) => "too-many",
            Wrong::Pattern(PatternError::Syntax { .. }) => "pattern",
            Wrong::Pattern(PatternError::TooLarge(_)) => "pattern-large",
            Wrong::Pattern(PatternError::Everything(_)) => "pattern-all",
            Wrong::Address(_) => "address",
            Wrong::Domain(_) => "domain",
            Wrong::Network(_) => "network",
            Wrong::Size(_) => "size",
            Wrong::Level(..) => "level",
            Wrong::Choice(..) => "choice",
            Wrong::Header(_) => "header",
            Wrong::Reserved(_) => "reserved",
            Wrong::Control => "control",
            Wrong::Status(_) => "status",
            Wrong::Moment(_) => "moment",
            Wrong::EndsFirst => "ends-first",
            Wrong::NoAction => "no-action",
            Wrong::AfterEnd(_) => "after-end",
        }
    }

    /// What was written there, for the text.
    pub fn what(&self) -> String {
        match self {
            Wrong::TooLong(max) | Wrong::TooMany(max) => max.to_string(),
            Wrong::Pattern(PatternError::Syntax { pattern, why }) => format!("{pattern} ({why})"),
            Wrong::Pattern(PatternError::TooLarge(text) | PatternError::Everything(text))
            | Wrong::Address(text)
            | Wrong::Domain(text)
            | Wrong::Network(text)
            | Wrong::Size(text)
            | Wrong::Choice(text, _)
            | Wrong::Header(text)
            | Wrong::Reserved(text)
            | Wrong::Status(text)
            | Wrong::Moment(text)
            | Wrong::AfterEnd(text) => text.clone(),
            Wrong::Level(_, low, high) => format!("{low}–{high}"),
            Wrong::Empty | Wrong::Control | Wrong::EndsFirst | Wrong::NoAction => String::new(),
        }
    }
}

/// What is wrong with a rule; empty when nothing is.
pub fn check(rule: &RuleSettings) -> Vec<Complaint> {
    let mut wrong = Vec::new();
    let mut note = |part, field, what: Option<Wrong>| wrong.extend(what.map(|wrong| Complaint { part, field, wrong }));
    note(Part::Rule, "name", line(&rule.name, NAME_CHARS_MAX));
    note(Part::Rule, "comment", (rule.comment.chars().count() > TEXT_CHARS_MAX).then_some(Wrong::TooLong(TEXT_CHARS_MAX)));
    for (field, parts) in [("conditions", rule.conditions.len()), ("exceptions", rule.exceptions.len()), ("actions", rule.actions.len())] {
        note(Part::Rule, field, (parts > PARTS_MAX).then_some(Wrong::TooMany(PARTS_MAX)));
    }
    note(Part::Rule, "actions", (rule.actions.is_empty() && !rule.stop).then_some(Wrong::NoAction));
    let (starts, ends) = (moment_ms(&rule.starts, false), moment_ms(&rule.ends, true));
    note(Part::Rule, "starts", starts.is_err().then(|| Wrong::Moment(rule.starts.clone())));
    note(Part::Rule, "ends", ends.is_err().then(|| Wrong::Moment(rule.ends.clone())));
    let ends_first = matches!((starts, ends), (Ok(Some(starts)), Ok(Some(ends))) if ends <= starts);
    note(Part::Rule, "ends", ends_first.then_some(Wrong::EndsFirst));
    for (at, condition) in rule.conditions.iter().take(PARTS_MAX).enumerate() {
        wrong.extend(of_condition(condition, Part::Condition(at)));
    }
    for (at, exception) in rule.exceptions.iter().take(PARTS_MAX).enumerate() {
        wrong.extend(of_condition(exception, Part::Exception(at)));
    }
    for (at, action) in rule.actions.iter().take(PARTS_MAX).enumerate() {
        wrong.extend(of_action(action, Part::Action(at)));
    }
    wrong.extend(after_end(&rule.actions));
    wrong
}

/// Behind an action that ends the way only notices make sense: anything else is a rule that does not do what it says.
fn after_end(actions: &[Action]) -> Option<Complaint> {
    let end = actions.iter().find(|action| action.kind.is_final())?;
    let at = actions.iter().position(|action| action.kind.is_final())?;
    let is_notice = |kind| matches!(kind, ActionKind::Notify | ActionKind::NotifySender | ActionKind::Bcc);
    let behind = actions.iter().enumerate().skip(at + 1).find(|(_, action)| !is_notice(action.kind))?;
    Some(Complaint { part: Part::Action(behind.0), field: "kind", wrong: Wrong::AfterEnd(end.kind.name().into()) })
}

fn of_condition(condition: &Condition, part: Part) -> Vec<Complaint> {
    let mut wrong = Vec::new();
    let mut note = |field, what: Option<Wrong>| wrong.extend(what.map(|wrong| Complaint { part, field, wrong }));
    if condition.kind.has_header() {
        note("header", header_name(&condition.header));
    }
    let values = &condition.values;
    let takes = condition.kind.takes();
    if takes == Takes::Nothing {
        return wrong;
    }
    let max = if takes == Takes::Patterns { PATTERNS_MAX } else { VALUES_MAX };
    note("values", values.iter().all(|value| value.trim().is_empty()).then_some(Wrong::Empty));
    note("values", (values.len() > max).then_some(Wrong::TooMany(max)));
    let is_long = |value: &String| value.chars().count() > VALUE_CHARS_MAX;
    note("values", values.iter().any(is_long).then_some(Wrong::TooLong(VALUE_CHARS_MAX)));
    if wrong.is_empty() {
        let found = values.iter().find_map(|value| of_value(takes, value.trim())).or_else(|| of_all(takes, values));
        wrong.extend(found.map(|wrong| Complaint { part, field: "values", wrong }));
    }
    wrong
}

fn of_all(takes: Takes, values: &[String]) -> Option<Wrong> {
    match takes {
        Takes::Patterns => pattern::patterns(values).err().map(Wrong::Pattern),
        Takes::Words => pattern::words(values).err().map(Wrong::Pattern),
        Takes::Size | Takes::Level(..) if values.len() > 1 => Some(Wrong::TooMany(1)),
        _ => None,
    }
}

fn of_value(takes: Takes, value: &str) -> Option<Wrong> {
    let shown = || value.to_string();
    match takes {
        Takes::Nothing | Takes::Patterns => None,
        Takes::Groups => value.is_empty().then_some(Wrong::Empty),
        Takes::Words => value.is_empty().then_some(Wrong::Empty),
        Takes::Addresses => Address::parse(value).is_err().then(|| Wrong::Address(shown())),
        Takes::Domains => mail::address::domain_to_ascii(value).is_none().then(|| Wrong::Domain(shown())),
        Takes::Networks => value.parse::<Network>().is_err().then(|| Wrong::Network(shown())),
        Takes::Size => size_octets(value).is_none().then(|| Wrong::Size(shown())),
        Takes::Level(low, high) => {
            let is_level = value.parse::<i64>().is_ok_and(|level| (low..=high).contains(&level));
            (!is_level).then(|| Wrong::Level(shown(), low, high))
        }
        Takes::Choice(words) => (!words.contains(&value)).then(|| Wrong::Choice(shown(), words.join(", "))),
    }
}

fn of_action(action: &Action, part: Part) -> Vec<Complaint> {
    let found = action.kind.fields().iter().filter_map(|field| of_field(action, *field).map(|wrong| (field.name(), wrong)));
    found.map(|(field, wrong)| Complaint { part, field, wrong }).collect()
}

fn of_field(action: &Action, field: ActionField) -> Option<Wrong> {
    match field {
        ActionField::To => addresses(&action.to),
        ActionField::Text if action.kind == ActionKind::PrependSubject => line(&action.text, PREFIX_CHARS_MAX),
        ActionField::Text if action.kind == ActionKind::Reject => line(&action.text, LINE_CHARS_MAX),
        ActionField::Text => text(&action.text).or(action.text.trim().is_empty().then_some(Wrong::Empty)),
        ActionField::Html => text(&action.html),
        ActionField::TextZh => text(&action.text_zh),
        ActionField::HtmlZh => text(&action.html_zh),
        ActionField::Status => {
            (!action.status.is_empty() && super::compile::status(&action.status).is_none()).then(|| Wrong::Status(action.status.clone()))
        }
        ActionField::Header => header_name(&action.header).or_else(|| reserved(&action.header)),
        ActionField::Value => line(&action.value, LINE_CHARS_MAX),
        ActionField::Scl => (!(-1..=9).contains(&action.scl)).then(|| Wrong::Level(action.scl.to_string(), -1, 9)),
        ActionField::Connector => action.connector.trim().is_empty().then_some(Wrong::Empty),
        ActionField::Place | ActionField::Fallback => None,
    }
}

fn addresses(to: &[String]) -> Option<Wrong> {
    if to.is_empty() {
        return Some(Wrong::Empty);
    }
    if to.len() > ADDRESSES_MAX {
        return Some(Wrong::TooMany(ADDRESSES_MAX));
    }
    to.iter().find(|one| Address::parse(one.trim()).is_err()).map(|one| Wrong::Address(one.clone()))
}

fn text(text: &str) -> Option<Wrong> {
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    match text {
        text if text.chars().count() > TEXT_CHARS_MAX => Some(Wrong::TooLong(TEXT_CHARS_MAX)),
        text if text.chars().any(is_odd) => Some(Wrong::Control),
        _ => None,
    }
}

fn line(text: &str, chars_max: usize) -> Option<Wrong> {
    match text {
        text if text.trim().is_empty() => Some(Wrong::Empty),
        text if text.chars().count() > chars_max => Some(Wrong::TooLong(chars_max)),
        text if text.chars().any(char::is_control) => Some(Wrong::Control),
        _ => None,
    }
}

/// RFC 5322 §2.2: printable US-ASCII without the colon.
fn header_name(name: &str) -> Option<Wrong> {
    let is_name = !name.is_empty() && name.len() <= 76 && name.bytes().all(|octet| octet.is_ascii_graphic() && octet != b':');
    (!is_name).then(|| Wrong::Header(name.to_string()))
}

fn reserved(name: &str) -> Option<Wrong> {
    let lower = name.to_ascii_lowercase();
    let is_reserved = RESERVED.contains(&lower.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix));
    is_reserved.then(|| Wrong::Reserved(name.to_string()))
}

impl RuleSettings {
    /// What is wrong, for people who write settings files; empty when nothing is.
    pub fn complaints(&self) -> Vec<String> {
        check(self).iter().map(Complaint::to_string_with_place).collect()
    }
}

impl Complaint {
    /// `action 2, text: it is empty`
    pub fn to_string_with_place(&self) -> String {
        match self.part {
            Part::Rule => format!("{}: {}", self.field, self.wrong),
            Part::Condition(at) => format!("condition {}, {}: {}", at + 1, self.field, self.wrong),
            Part::Exception(at) => format!("exception {}, {}: {}", at + 1, self.field, self.wrong),
            Part::Action(at) => format!("action {}, {}: {}", at + 1, self.field, self.wrong),
        }
    }
}
