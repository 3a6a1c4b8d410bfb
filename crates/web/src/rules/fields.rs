//! The fields of a rule's form, with what is wrong beside each.

use super::sentence;
use crate::page::{Say, View};
use gateway::rules::{Action, ActionField, ActionKind, Complaint, Condition, ConditionKind, Part, RuleSettings, Takes};

/// One field as the template shows it.
#[derive(Debug, Default)]
pub struct Field {
    /// In the form.
    pub name: String,
    pub label: String,
    pub hint: String,
    /// "line", "area", "ticks" or "choice".
    pub shape: &'static str,
    pub value: String,
    /// Value, words, whether it is chosen.
    pub options: Vec<(String, String, bool)>,
    pub wrong: String,
}

/// A condition, exception or action as the template shows it.
#[derive(Debug)]
pub struct PartFields {
    /// `c0`
    pub prefix: String,
    pub kind: &'static str,
    pub title: String,
    pub fields: Vec<Field>,
    pub wrong: String,
}

/// What is wrong, as words.
pub fn say(complaint: &Complaint) -> Say {
    let key = format!("rule-wrong-{}", complaint.wrong.name());
    Say { key: key.into(), args: Vec::new() }.with("what", complaint.wrong.what())
}

/// What is wrong, with its place in words: for summaries and programs.
pub fn say_with_place(complaint: &Complaint) -> Say {
    let (key, at) = match complaint.part {
        Part::Rule => return say(complaint),
        Part::Condition(at) => ("rules-at-condition", at),
        Part::Exception(at) => ("rules-at-exception", at),
        Part::Action(at) => ("rules-at-action", at),
    };
    // The text inside is in English for programs; pages put it together in the reader's language themselves.
    Say::new(key).with("n", at + 1).with("what", say(complaint).in_lang(crate::page::words::Lang::English))
}

/// The field of the form that a complaint is about.
pub fn place(complaint: &Complaint) -> String {
    match complaint.part {
        Part::Rule => complaint.field.to_string(),
        Part::Condition(at) => format!("c{at}-{}", complaint.field),
        Part::Exception(at) => format!("x{at}-{}", complaint.field),
        Part::Action(at) => format!("a{at}-{}", complaint.field),
    }
}

/// What is wrong with one field of the form; '' when nothing is.
pub fn wrong_at(view: &View, complaints: &[Complaint], name: &str) -> String {
    let texts: Vec<String> = complaints.iter().filter(|one| place(one) == name).map(|one| view.say(&say(one))).collect();
    texts.join(" ")
}

pub fn of_conditions(view: &View, letter: char, conditions: &[Condition], complaints: &[Complaint]) -> Vec<PartFields> {
    conditions.iter().enumerate().map(|(at, one)| of_condition(view, format!("{letter}{at}"), one, complaints)).collect()
}

fn of_condition(view: &View, prefix: String, condition: &Condition, complaints: &[Complaint]) -> PartFields {
    let mut fields = Vec::new();
    let with_wrong = |field: Field| Field { wrong: wrong_at(view, complaints, &field.name), ..field };
    if condition.kind.has_header() {
        fields.push(with_wrong(Field {
            name: format!("{prefix}-header"),
            label: view.t("rules-field-header"),
            shape: "line",
            value: condition.header.clone(),
            ..Field::default()
        }));
    }
    if let Some(field) = values(view, &prefix, condition) {
        fields.push(with_wrong(field));
    }
    let title = sentence::kind(view.lang, condition.kind.name(), "…", &condition.header);
    PartFields { title, kind: condition.kind.name(), fields, wrong: wrong_at(view, complaints, &format!("{prefix}-kind")), prefix }
}

fn values(view: &View, prefix: &str, condition: &Condition) -> Option<Field> {
    let field = |shape, label: &str, hint: &str| Field {
        name: format!("{prefix}-values"),
        label: view.t(label),
        hint: if hint.is_empty() { String::new() } else { view.t(hint) },
        shape,
        value: condition.values.join("\n"),
        ..Field::default()
    };
    Some(match condition.kind.takes() {
        Takes::Nothing => return None,
        Takes::Words => field("area", "rules-field-words", "rules-hint-lines"),
        Takes::Patterns => field("area", "rules-field-patterns", "rules-hint-patterns"),
        Takes::Addresses => field("area", "rules-field-addresses", "rules-hint-lines"),
        Takes::Domains => field("area", "rules-field-domains", "rules-hint-lines"),
        Takes::Groups => field("area", "rules-field-groups", "rules-hint-lines"),
        Takes::Networks => field("area", "rules-field-networks", "rules-hint-networks"),
        Takes::Size => field("line", "rules-field-size", "rules-hint-size"),
        Takes::Level(..) => field("line", "rules-field-level", ""),
        Takes::Choice(words) => {
            let family = if condition.kind == ConditionKind::Verdict { "verdict" } else { "rule-word" };
            let option = |word: &&str| (word.to_string(), view.of_kind(family, word), condition.values.iter().any(|value| value == word));
            Field { options: words.iter().map(option).collect(), ..field("ticks", "rules-field-any", "") }
        }
    })
}

pub fn of_actions(view: &View, actions: &[Action], connectors: &[String], complaints: &[Complaint]) -> Vec<PartFields> {
    let part = |(at, action): (usize, &Action)| {
        let fields = action.kind.fields().iter().map(|field| of_field(view, at, action, (*field, connectors), complaints));
        PartFields {
            prefix: format!("a{at}"),
            kind: action.kind.name(),
            title: sentence::action_kind(view.lang, action.kind),
            fields: fields.collect(),
            wrong: wrong_at(view, complaints, &format!("a{at}-kind")),
        }
    };
    actions.iter().enumerate().map(part).collect()
}

fn of_field(view: &View, at: usize, action: &Action, what: (ActionField, &[String]), complaints: &[Complaint]) -> Field {
    let (field, connectors) = what;
    let name = format!("a{at}-{}", field.name());
    let choice = |options: Vec<&str>, chosen: &str, family: &str| -> Vec<(String, String, bool)> {
        options.into_iter().map(|one| (one.to_string(), view.of_kind(family, one), one == chosen)).collect()
    };
    let (label, hint, shape, value) = match field {
        ActionField::To => ("rules-field-to", "rules-hint-lines", "area", action.to.join("\n")),
        ActionField::Text if matches!(action.kind, ActionKind::Reject) => ("rules-field-reply", "", "line", action.text.clone()),
        ActionField::Text if matches!(action.kind, ActionKind::PrependSubject) => ("rules-field-prefix", "", "line", action.text.clone()),
        ActionField::Text => ("rules-field-text", "", "area", action.text.clone()),
        ActionField::Status => ("rules-field-status", "rules-hint-status", "line", action.status.clone()),
        ActionField::Header => ("rules-field-header", "", "line", action.header.clone()),
        ActionField::Value => ("rules-field-value", "", "line", action.value.clone()),
        ActionField::Html => ("rules-field-html", "rules-hint-html", "area", action.html.clone()),
        ActionField::TextZh => ("rules-field-text-zh", "rules-hint-zh", "area", action.text_zh.clone()),
        ActionField::HtmlZh => ("rules-field-html-zh", "", "area", action.html_zh.clone()),
        ActionField::Place => ("rules-field-place", "", "choice", String::new()),
        ActionField::Fallback => ("rules-field-fallback", "rules-hint-fallback", "choice", String::new()),
        ActionField::Scl => ("rules-field-scl", "rules-hint-scl", "line", scl(action)),
        ActionField::Connector => ("rules-field-connector", "", "choice", String::new()),
    };
    let options = match field {
        ActionField::Place => choice(gateway::rules::Place::ALL.iter().map(|one| one.name()).collect(), action.place.name(), "rule-place"),
        ActionField::Fallback => {
            choice(gateway::rules::Fallback::ALL.iter().map(|one| one.name()).collect(), action.fallback.name(), "rule-fallback")
        }
        ActionField::Connector => choice(connectors.iter().map(String::as_str).collect(), &action.connector, "rule-connector"),
        _ => Vec::new(),
    };
    let hint = if hint.is_empty() { String::new() } else { view.t(hint) };
    Field { wrong: wrong_at(view, complaints, &name), name, label: view.t(label), hint, shape, value, options }
}

fn scl(action: &Action) -> String {
    if action.scl == i8::MAX { String::new() } else { action.scl.to_string() }
}

/// Value and words of every kind of condition, for the list to add from.
pub fn condition_kinds(view: &View) -> Vec<(&'static str, String)> {
    ConditionKind::ALL.iter().map(|kind| (kind.name(), sentence::kind(view.lang, kind.name(), "…", ""))).collect()
}

pub fn action_kinds(view: &View) -> Vec<(&'static str, String)> {
    ActionKind::ALL.iter().map(|kind| (kind.name(), sentence::action_kind(view.lang, *kind))).collect()
}

/// What is wrong, each with the field it leads to and words with their place.
pub fn summary(view: &View, complaints: &[Complaint]) -> Vec<(String, String)> {
    let line = |one: &Complaint| {
        let text = view.say(&say(one));
        let key = match one.part {
            Part::Rule => return (place(one), text),
            Part::Condition(at) => ("rules-at-condition", at),
            Part::Exception(at) => ("rules-at-exception", at),
            Part::Action(at) => ("rules-at-action", at),
        };
        (place(one), view.say(&Say::new(key.0).with("n", key.1 + 1).with("what", text)))
    };
    complaints.iter().map(line).collect()
}

/// Complaints about connectors that are not the organisation's.
pub fn connectors_known(rule: &RuleSettings, connectors: &[String]) -> Vec<Complaint> {
    let wrong = |(at, action): (usize, &Action)| {
        let is_wrong = action.kind == ActionKind::Connector && !action.connector.is_empty() && !connectors.contains(&action.connector);
        let choices = connectors.join(", ");
        is_wrong.then(|| Complaint {
            part: Part::Action(at),
            field: "connector",
            wrong: gateway::rules::Wrong::Choice(action.connector.clone(), choices),
        })
    };
    rule.actions.iter().enumerate().filter_map(wrong).collect()
}

/// What is wrong with the actions as a whole.
pub fn wrong_at_actions(summary: &[(String, String)]) -> String {
    summary.iter().find(|(place, _)| place == "actions").map(|(_, text)| text.clone()).unwrap_or_default()
}

/// What a replay found, in numbers.
pub fn replay_text(view: &View, done: &super::replay::Replayed) -> String {
    view.say(&Say::new("rules-replay-found").with("matched", done.matched).with("known", done.known).with("days", done.days))
}
