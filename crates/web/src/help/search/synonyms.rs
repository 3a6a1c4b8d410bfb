//! Everyday words that mean much the same: the groups of `synonyms.txt`. They only help to guess what a question is about; ideas of the
//! field stand in [`super::lexicon`].

use super::words::{is_han, stem};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Number of a group: its line.
pub type Group = u16;
/// Characters of the longest Chinese word.
pub const HAN_MAX: usize = 4;

/// English words by their stems, and Chinese ones, with the groups that they stand in.
static GROUPS: LazyLock<HashMap<String, Vec<Group>>> = LazyLock::new(|| {
    let mut groups: HashMap<String, Vec<Group>> = HashMap::new();
    let lines = include_str!("synonyms.txt").lines().filter(|line| !line.starts_with('#'));
    for (group, line) in (0..).zip(lines) {
        for word in line.split_whitespace() {
            let own = groups.entry(if word.chars().any(is_han) { word.into() } else { stem(word) }).or_default();
            if !own.contains(&group) {
                own.push(group);
            }
        }
    }
    groups
});

/// Groups of an English stem or a Chinese word.
pub fn groups(word: &str) -> &'static [Group] {
    GROUPS.get(word).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_with_its_like_in_both_languages() {
        assert!(groups(&stem("colleagues")).iter().any(|group| groups("同事").contains(group)));
        assert!(groups("qqqq").is_empty());
        assert!(GROUPS.keys().filter(|word| word.chars().any(is_han)).all(|word| word.chars().count() <= HAN_MAX));
    }
}
