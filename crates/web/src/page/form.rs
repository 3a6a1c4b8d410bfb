//! A form as a template shows it: what was typed, and what is wrong with it.

use super::fault::Wrong;
use super::view::View;
use axum::http::StatusCode;
use std::collections::BTreeMap;

/// Values by field name, as sent or as stored.
#[derive(Debug, Clone, Default)]
pub struct Form {
    pub values: BTreeMap<String, String>,
    pub wrong: Vec<Wrong>,
}

impl Form {
    /// From anything that serialises to a flat object, such as the struct that axum reads the form into.
    pub fn of<T: serde::Serialize>(values: &T) -> Form {
        let mut form = Form::default();
        if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(values) {
            for (name, value) in fields {
                let text = match value {
                    serde_json::Value::Null => continue,
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                form.values.insert(name, text);
            }
        }
        form
    }

    pub fn with_wrong(mut self, wrong: Vec<Wrong>) -> Form {
        self.wrong = wrong;
        self
    }

    /// What its page is answered with.
    pub fn status(&self) -> StatusCode {
        if self.wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }

    pub fn value(&self, name: &str) -> &str {
        self.values.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether the radio or option with this value is the chosen one.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    /// Whether the box is ticked.
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.value(name), "on" | "true" | "1")
    }

    pub fn is_wrong(&self, name: &str) -> bool {
        self.wrong.iter().any(|wrong| wrong.field == name)
    }

    /// What is wrong with one field; '' when nothing is.
    pub fn error(&self, view: &View, name: &str) -> String {
        let texts: Vec<String> = self.wrong.iter().filter(|wrong| wrong.field == name).map(|wrong| view.say(&wrong.say)).collect();
        texts.join(" ")
    }
}
