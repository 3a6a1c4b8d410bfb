//! Words that people read in their own language: written by a rule (a key with what stands in it) or by a person, in one language or both.

use crate::page::Say;
use crate::page::words::Lang;
use serde::{Deserialize, Serialize};

/// Characters of one text in one language.
pub const TEXT_CHARS_MAX: usize = 8_000;

/// A text in both languages, as far as somebody wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Text {
    /// Written by a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<Say>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub en: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub zh: String,
}

impl From<Say> for Text {
    fn from(say: Say) -> Text {
        Text { say: Some(say), ..Text::default() }
    }
}

impl Text {
    /// By a person.
    pub fn written(en: &str, zh: &str) -> Text {
        Text { say: None, en: en.trim().into(), zh: zh.trim().into() }
    }

    pub fn is_empty(&self) -> bool {
        self.say.is_none() && self.en.is_empty() && self.zh.is_empty()
    }

    pub fn is_too_long(&self) -> bool {
        self.en.chars().count().max(self.zh.chars().count()) > TEXT_CHARS_MAX
    }

    fn own(&self, lang: Lang) -> &str {
        if lang == Lang::English { &self.en } else { &self.zh }
    }

    /// In this language; in the other when nobody translated it.
    pub fn in_lang(&self, lang: Lang) -> String {
        match (self.own(lang), &self.say) {
            ("", Some(say)) => say.in_lang(lang),
            ("", None) => self.own(other(lang)).to_string(),
            (own, _) => own.to_string(),
        }
    }

    /// The language that [`Text::in_lang`] answers in, for `lang` attributes.
    pub fn lang(&self, lang: Lang) -> Lang {
        if self.own(lang).is_empty() && self.say.is_none() && !self.own(other(lang)).is_empty() { other(lang) } else { lang }
    }

    /// What stands in the other language, to be shown on hover; "" when it is the same or nothing.
    pub fn original(&self, lang: Lang) -> String {
        if self.lang(lang) == lang { self.in_lang(other(lang)) } else { String::new() }
    }
}

fn other(lang: Lang) -> Lang {
    if lang == Lang::English { Lang::Chinese } else { Lang::English }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_in_ones_own_language_if_somebody_wrote_it() {
        let both = Text::written("works", "可用");
        assert_eq!((both.in_lang(Lang::Chinese).as_str(), both.original(Lang::Chinese).as_str()), ("可用", "works"));
        let one = Text::written("works", "");
        assert_eq!((one.in_lang(Lang::Chinese).as_str(), one.lang(Lang::Chinese)), ("works", Lang::English));
        assert_eq!(one.original(Lang::Chinese), "");
        assert!(Text::default().is_empty());
    }
}
