//! Ways in which people ask: `help/asked/` of the repository, beside the articles.
//!
//! A file an article, and `none.txt` for what this help knows nothing about. A heading such as `[en story]` names language and way of
//! writing, then comes one question a line. In `none.txt`, `[words]` holds single words of other matters. They teach [`super::guess`]
//! what belongs together; no answer is taken from them.

use crate::page::words::Lang;

/// One way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// `None` for a list of words.
    pub lang: Option<Lang>,
    /// Who writes so: all of one way are left out together when it is measured how well the rest does.
    pub way: &'static str,
    pub text: &'static str,
}

impl Asked {
    /// A single word rather than a question.
    pub fn is_word(&self) -> bool {
        self.lang.is_none() && self.way == WORDS
    }
}

const WORDS: &str = "words";

/// What this help knows nothing about.
pub const NONE: &str = include_str!("../../../../../help/asked/none.txt");

/// The ways of one file, in order.
pub fn read(text: &'static str) -> Vec<Asked> {
    let (mut lang, mut way) = (None, WORDS);
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(heading) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let (tag, name) = heading.split_once(' ').unwrap_or(("", heading));
            (lang, way) = (Lang::parse(tag), name);
        } else if lang.is_some() {
            found.push(Asked { lang, way, text: line });
        } else {
            found.extend(line.split_whitespace().map(|text| Asked { lang, way, text }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help::articles::ARTICLES;
    use std::collections::HashMap;

    /// Ways to ask for every article in each language, at least.
    const WAYS_MIN: usize = 20;
    const QUESTIONS: &str = include_str!("../../../../../bench/answers/questions.tsv");

    fn all() -> Vec<(&'static str, Vec<Asked>)> {
        ARTICLES.iter().map(|article| (article.name, read(article.asked))).chain([("none", read(NONE))]).collect()
    }

    #[test]
    fn every_article_is_asked_for_in_many_ways() {
        for (name, asked) in all() {
            for lang in Lang::ALL {
                let own: Vec<&Asked> = asked.iter().filter(|one| one.lang == Some(lang)).collect();
                assert!(own.len() >= WAYS_MIN, "help/asked/{name}.txt has {} ways in {}", own.len(), lang.tag());
                assert!(own.iter().all(|one| !one.way.is_empty() && !one.text.contains('\t')), "help/asked/{name}.txt");
            }
            assert!(name == "none" || asked.iter().all(|one| one.lang.is_some()), "help/asked/{name}.txt: a heading says the language");
        }
    }

    #[test]
    fn no_way_leads_to_two_articles_and_none_is_a_question_of_the_bench() {
        let plain = |text: &str| super::super::words::plain(text.trim_matches(|c: char| !c.is_alphanumeric()));
        let mut seen: HashMap<String, &str> = HashMap::new();
        let mut wrong = Vec::new();
        for line in QUESTIONS.lines().filter(|line| !line.starts_with('#')) {
            seen.insert(plain(line.rsplit('\t').next().unwrap_or_default()), "bench/answers/questions.tsv");
        }
        for (name, asked) in all() {
            for one in asked.iter().filter(|one| one.lang.is_some()) {
                if let Some(other) = seen.insert(plain(one.text), name) {
                    wrong.push(format!("{:?} is in {name} and in {other}", one.text));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_file_is_read_by_its_headings() {
        let read = read("# about\n[en story]\nwhere is it\n\n[words]\nrain snow\n[zh-CN plain]\n在哪\n");
        let found: Vec<(Option<Lang>, &str, &str)> = read.iter().map(|one| (one.lang, one.way, one.text)).collect();
        let want = [
            (Some(Lang::English), "story", "where is it"),
            (None, "words", "rain"),
            (None, "words", "snow"),
            (Some(Lang::Chinese), "plain", "在哪"),
        ];
        assert_eq!(found, want);
    }
}
