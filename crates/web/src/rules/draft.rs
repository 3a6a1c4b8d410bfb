//! A rule as a form sends it: pairs of names and values, with the buttons that change the form itself.
//!
//! Names: `c0-values` is a field of the first condition, `x0-…` of the first exception, `a0-…` of the first action.

use gateway::rules::{Action, ActionField, ActionKind, Condition, ConditionKind, Fallback, Mode, OnError, Place, RuleSettings, SenderLocation};
use std::collections::BTreeMap;

/// Parts of one kind read from a form; more than a rule may have, so that the surplus is named and not lost.
const PARTS_READ_MAX: usize = 60;

/// What a form sent.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    values: BTreeMap<String, Vec<String>>,
}

impl Sent {
    pub fn new(pairs: Vec<(String, String)>) -> Sent {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in pairs {
            values.entry(name).or_default().push(value);
        }
        Sent { values }
    }

    pub fn one(&self, name: &str) -> &str {
        self.values.get(name).and_then(|values| values.first()).map(String::as_str).unwrap_or_default()
    }

    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Lines of a text field and values of boxes alike, without empty ones.
    fn lines(&self, name: &str) -> Vec<String> {
        let all = self.values.get(name).into_iter().flatten().flat_map(|value| value.lines());
        all.map(str::trim).filter(|line| !line.is_empty()).map(str::to_string).collect()
    }

    /// The rule as typed. What cannot be read is left at its default: the checks name it.
    pub fn rule(&self) -> RuleSettings {
        RuleSettings {
            name: self.one("name").trim().to_string(),
            enabled: self.has("enabled"),
            mode: Mode::named(self.one("mode")).unwrap_or(Mode::Enforce),
            conditions: self.conditions('c'),
            exceptions: self.conditions('x'),
            actions: self.actions(),
            stop: self.has("stop"),
            starts: self.one("starts").trim().to_string(),
            ends: self.one("ends").trim().to_string(),
            sender_location: SenderLocation::named(self.one("sender_location")).unwrap_or(SenderLocation::Header),
            on_error: OnError::named(self.one("on_error")).unwrap_or(OnError::Ignore),
            comment: self.one("comment").trim().to_string(),
            ..RuleSettings::default()
        }
    }

    fn conditions(&self, letter: char) -> Vec<Condition> {
        let kinds = (0..PARTS_READ_MAX).map_while(|at| ConditionKind::named(self.one(&format!("{letter}{at}-kind"))).map(|kind| (at, kind)));
        let read = |(at, kind)| Condition {
            kind,
            header: self.one(&format!("{letter}{at}-header")).trim().to_string(),
            values: self.lines(&format!("{letter}{at}-values")),
        };
        kinds.map(read).collect()
    }

    fn actions(&self) -> Vec<Action> {
        let kinds = (0..PARTS_READ_MAX).map_while(|at| ActionKind::named(self.one(&format!("a{at}-kind"))).map(|kind| (at, kind)));
        kinds.map(|(at, kind)| self.action(at, kind)).collect()
    }

    fn action(&self, at: usize, kind: ActionKind) -> Action {
        let mut action = Action::new(kind);
        for field in kind.fields() {
            let name = format!("a{at}-{}", field.name());
            let text = || self.one(&name).trim().to_string();
            match field {
                ActionField::To => action.to = self.lines(&name),
                ActionField::Text => action.text = text(),
                ActionField::Status => action.status = text(),
                ActionField::Header => action.header = text(),
                ActionField::Value => action.value = text(),
                ActionField::Html => action.html = text(),
                ActionField::TextZh => action.text_zh = text(),
                ActionField::HtmlZh => action.html_zh = text(),
                ActionField::Place => action.place = Place::named(&text()).unwrap_or_default(),
                ActionField::Fallback => action.fallback = Fallback::named(&text()).unwrap_or_default(),
                // Out of range rather than another number than was typed.
                ActionField::Scl => action.scl = text().parse().unwrap_or(i8::MAX),
                ActionField::Connector => action.connector = text(),
            }
        }
        action
    }
}

/// What a button of the form asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Save,
    Test,
    Replay,
    /// As a file.
    ReplayCsv,
    /// Only show the form again, changed.
    Look,
}

/// Changes the rule as the button says: adds, removes and moves parts.
pub fn pressed(sent: &Sent, rule: &mut RuleSettings) -> Wish {
    match sent.one("do") {
        "save" => return Wish::Save,
        "test" => return Wish::Test,
        "replay" => return Wish::Replay,
        "replay-csv" => return Wish::ReplayCsv,
        "add-c" => rule.conditions.extend(ConditionKind::named(sent.one("add-c")).map(Condition::new)),
        "add-x" => rule.exceptions.extend(ConditionKind::named(sent.one("add-x")).map(Condition::new)),
        "add-a" => rule.actions.extend(ActionKind::named(sent.one("add-a")).map(Action::new)),
        other => moved(other, rule),
    }
    Wish::Look
}

/// `del-c0`, `up-a1`, `down-a1`.
fn moved(button: &str, rule: &mut RuleSettings) {
    let Some((verb, place)) = button.split_once('-') else { return };
    let Some((letter, at)) = place.split_at_checked(1).and_then(|(letter, at)| Some((letter, at.parse::<usize>().ok()?))) else { return };
    match (verb, letter) {
        ("del", "c") if at < rule.conditions.len() => drop(rule.conditions.remove(at)),
        ("del", "x") if at < rule.exceptions.len() => drop(rule.exceptions.remove(at)),
        ("del", "a") if at < rule.actions.len() => drop(rule.actions.remove(at)),
        ("up", "a") if at > 0 && at < rule.actions.len() => rule.actions.swap(at - 1, at),
        ("down", "a") if at + 1 < rule.actions.len() => rule.actions.swap(at, at + 1),
        _ => {}
    }
}
