//! Lists of words of several kinds, found in one pass.
//!
//! In: lines "kind = word, word" of a file under `data/`; "#" begins a comment. Lines of kinds that are not asked for are left out.

use aho_corasick::{AhoCorasick, MatchKind};

/// A list that is searched for; the longest word counts where several begin, whatever the case of its Latin letters.
pub struct WordsOfKinds {
    pub finder: AhoCorasick,
    /// Per pattern: the place of its kind among those asked for.
    pub kinds: Vec<usize>,
}

impl WordsOfKinds {
    /// # Panics
    /// The list cannot be searched for, which a test of whoever uses it finds: lists are compiled in.
    pub fn read(list: &str, wanted: &[&str]) -> WordsOfKinds {
        let (mut kinds, mut words) = (Vec::new(), Vec::new());
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let Some((kind, list)) = line.split_once(" = ") else { continue };
            let Some(kind) = wanted.iter().position(|known| *known == kind) else { continue };
            for word in list.split(", ") {
                words.push(word);
                kinds.push(kind);
            }
        }
        let finder = AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(words);
        WordsOfKinds { finder: finder.expect("fixed patterns"), kinds }
    }
}
