//! What means the same to those who ask: ideas of the field with their words in both languages, and words that say nothing.
//!
//! The tables are `lexicon.txt`, `idle.txt`, `common.txt` and `foreign.txt`. They hold words, never questions: what is found follows from the articles.

use super::words::{is_han, stem};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Number of an idea: its line.
pub type Idea = u16;
/// Words of the longest English form, and characters of the longest Chinese one.
pub const FORM_WORDS_MAX: usize = 5;
pub const FORM_HAN_MAX: usize = 8;

/// The tables, read once.
#[derive(Debug)]
pub struct Lexicon {
    /// Stems of a form, joined by spaces → its ideas.
    english: HashMap<String, Vec<Idea>>,
    chinese: HashMap<String, Vec<Idea>>,
    /// Single English words, to mend misspellings with.
    words: HashSet<String>,
    idle: HashSet<String>,
    idle_han: HashSet<String>,
    common: HashSet<String>,
    foreign: HashSet<String>,
    foreign_han: HashSet<String>,
    common_han: HashSet<String>,
    /// Ideas that questions mention beside what they are about.
    asides: HashSet<Idea>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::read);

pub fn lexicon() -> &'static Lexicon {
    &LEXICON
}

impl Lexicon {
    fn read() -> Lexicon {
        let (idle, idle_han) = words_of(include_str!("idle.txt"));
        let (common, common_han) = words_of(include_str!("common.txt"));
        let (foreign, foreign_han) = words_of(include_str!("foreign.txt"));
        let empty = || HashMap::new();
        let mut all = Lexicon {
            english: empty(),
            chinese: empty(),
            words: HashSet::new(),
            idle,
            idle_han,
            common,
            common_han,
            foreign,
            foreign_han,
            asides: HashSet::new(),
        };
        let lines = include_str!("lexicon.txt").lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        for (idea, line) in (0..).zip(lines) {
            if line.starts_with('~') {
                all.asides.insert(idea);
            }
            for form in line.trim_start_matches('~').split([',', ';']).map(str::trim).filter(|form| !form.is_empty()) {
                all.add(form, idea);
            }
        }
        all
    }

    fn add(&mut self, form: &str, idea: Idea) {
        if form.chars().any(is_han) {
            self.chinese.entry(form.into()).or_default().push(idea);
            return;
        }
        let words: Vec<&str> = form.split(' ').collect();
        if let [word] = words[..] {
            self.words.insert(word.into());
        }
        let stems: Vec<String> = words.into_iter().map(stem).collect();
        self.english.entry(stems.join(" ")).or_default().push(idea);
    }

    /// Ideas of English words that follow each other, given by their stems.
    pub fn of_stems(&self, stems: &[String]) -> Option<&[Idea]> {
        self.english.get(&stems.join(" ")).map(Vec::as_slice)
    }

    pub fn of_han(&self, han: &str) -> Option<&[Idea]> {
        self.chinese.get(han).map(Vec::as_slice)
    }

    pub fn is_aside(&self, idea: Idea) -> bool {
        self.asides.contains(&idea)
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Says nothing about what is looked for.
    pub fn is_idle(&self, word: &str) -> bool {
        self.idle.contains(word) || self.idle.contains(&stem(word))
    }

    pub fn is_idle_han(&self, han: &str) -> bool {
        self.idle_han.contains(han)
    }

    /// Everyday talk, whose absence says little.
    pub fn is_common(&self, word: &str) -> bool {
        self.common.contains(word) || self.common.contains(&stem(word))
    }

    /// Belongs to other matters than this help.
    pub fn is_foreign(&self, word: &str) -> bool {
        self.foreign.contains(word)
    }

    pub fn is_foreign_han(&self, han: &str) -> bool {
        self.foreign_han.contains(han)
    }

    pub fn is_common_han(&self, han: &str) -> bool {
        self.common_han.contains(han)
    }
}

fn words_of(text: &str) -> (HashSet<String>, HashSet<String>) {
    let words = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).map(str::to_string);
    words.partition(|word| !word.chars().any(is_han))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_fit_into_what_is_looked_at() {
        let lexicon = lexicon();
        assert!(lexicon.english.keys().all(|form| form.split(' ').count() <= FORM_WORDS_MAX));
        assert!(lexicon.chinese.keys().all(|form| form.chars().count() <= FORM_HAN_MAX));
        assert!(lexicon.of_han("隔离").is_some() && lexicon.of_stems(&["whitelist".into()]).is_some());
        assert!(lexicon.is_idle("the") && lexicon.is_idle_han("怎么") && !lexicon.is_idle("spf"));
    }
}
