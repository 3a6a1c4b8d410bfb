//! Search over all articles, in both languages at once: whoever asks in one finds what is written in the other.
//!
//! `words` cuts text into words, `lexicon` knows what means the same, `query` makes units of a question, `index` finds the parts of
//! articles that speak of them. `asked` reads the ways in which people ask, `features` says what they are compared by, `guess` learns
//! from them which article a question is about, and `answers` makes one list of both opinions. The page of the help lists what is found;
//! the assistant ([`crate::agent`]) answers only when the question is not of other matters.

pub mod answers;
mod asked;
mod features;
mod guess;
pub mod index;
mod lexicon;
mod query;
mod synonyms;
pub mod words;

use super::library::{Article, Kind, Library};
use crate::page::words::Lang;

use words::{Piece, pieces, plain, stem};

/// Hits of one answer.
pub const HITS_MAX: usize = 30;
/// Characters of the excerpt.
const EXCERPT_CHARS: usize = 140;
const BEFORE_CHARS: usize = 40;
/// Names in a question that are looked up as they stand.
const NAMES_MAX: usize = 8;
/// Characters of a question that may be about one name.
const NAMED_QUESTION_CHARS_MAX: usize = 160;
/// Octets of such a name.
const NAME_OCTETS_MAX: usize = 64;

/// One article found.
#[derive(Debug)]
pub struct Hit<'a> {
    pub article: &'a Article,
    pub score: f32,
    /// Its part that fits best.
    pub part: usize,
    /// Text around what was found, in the language of the reader.
    pub excerpt: String,
}

/// Learns from the ways to ask, if nobody did so yet.
pub fn learn() {
    let _ = guess::guess();
}

pub fn is_learned() -> bool {
    guess::is_made()
}

/// Articles for `query`, best first: those that are named, then those that speak of what is asked.
pub fn find<'a>(library: &'a Library, query: &str, lang: Lang) -> Vec<Hit<'a>> {
    // The first page of help asks nothing, and must not wait until it is learned how people ask.
    if query.trim().is_empty() {
        return Vec::new();
    }
    let terms = shown(query);
    let hit = |article: &'a Article, part: usize, score: f32| Hit { article, score, part, excerpt: excerpt(article, &terms, lang) };
    let mut hits: Vec<Hit<'a>> = named(library, query).into_iter().map(|article| hit(article, 0, f32::MAX)).collect();
    let (answers, _) = library.answers(query, HITS_MAX);
    for (article, found) in answers {
        if !hits.iter().any(|hit| std::ptr::eq(hit.article, article)) {
            hits.push(hit(article, found.part, found.score));
        }
    }
    hits.truncate(HITS_MAX);
    hits
}

/// Articles that the question names: a code, a check, a cause, a problem, a setting.
pub fn named<'a>(library: &'a Library, query: &str) -> Vec<&'a Article> {
    let lower = plain(query);
    let words = lower.split(|c: char| {
        c.is_whitespace() || words::is_han(c) || matches!(c, ',' | '?' | '!' | ';' | '(' | ')' | '“' | '”' | '"' | '，' | '。')
    });
    let names = words
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.contains(['.', '-']) || word.len() == lower.trim().len());
    let mut found: Vec<&Article> = Vec::new();
    for name in names.filter(|name| !name.is_empty()).take(NAMES_MAX) {
        // A code that we say ourselves is told of by our own refusal first.
        for kind in [Kind::Refusal, Kind::Code, Kind::Check, Kind::Cause, Kind::Problem, Kind::Doctor, Kind::Setting] {
            let article = library.find(kind, name);
            found.extend(article.filter(|article| !found.iter().any(|other| std::ptr::eq(*other, *article))));
        }
    }
    found
}

/// A name made like that of a setting, such as `greylist_after`, that a short question asks about and that stands nowhere in the help: there is none.
/// In a long text it is somebody's log or settings.
pub fn name_of_nothing(library: &Library, question: &str) -> Option<String> {
    if question.chars().count() > NAMED_QUESTION_CHARS_MAX {
        return None;
    }
    let lower = plain(question);
    let names = lower.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|name| {
        name.len() <= NAME_OCTETS_MAX && name.trim_matches('_').contains('_') && name.bytes().any(|octet| octet.is_ascii_lowercase())
    });
    let is_ours = |name: &str| {
        library.all().iter().any(|article| article.english.plain.contains(name))
            || super::articles::ARTICLES.iter().any(|one| one.asked.contains(name))
    };
    names.take(NAMES_MAX).find(|name| !is_ours(name)).map(str::to_owned)
}

/// Words of the question as they may stand in a text, for the excerpt.
fn shown(query: &str) -> Vec<String> {
    let piece = |piece: Piece| match piece {
        Piece::Word(word) => vec![stem(&word)],
        Piece::Han(han) if han.len() < 2 => vec![han.into_iter().collect()],
        Piece::Han(han) => han.windows(2).map(|pair| pair.iter().collect()).collect(),
    };
    pieces(query).into_iter().flat_map(piece).filter(|term| !lexicon::lexicon().is_idle(term)).collect()
}

/// Text around the first term that stands in it, else its beginning.
fn excerpt(article: &Article, terms: &[String], lang: Lang) -> String {
    let text = &article.text(lang).plain;
    let chars: Vec<char> = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    let lower: String = chars.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    let at = terms.iter().filter_map(|term| lower.find(term.as_str())).min().map_or(0, |octet| lower[..octet].chars().count());
    let from = at.saturating_sub(BEFORE_CHARS);
    let mut out: String = chars.iter().skip(from).take(EXCERPT_CHARS).collect();
    if from > 0 {
        out.insert(0, '…');
    }
    if from + EXCERPT_CHARS < chars.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(query: &str, lang: Lang) -> String {
        let library = Library::new(&[]);
        find(&library, query, lang).first().map(|hit| hit.article.path()).unwrap_or_default()
    }

    #[test]
    fn a_name_that_stands_nowhere_is_told_from_a_setting() {
        let table = crate::help::SettingTable {
            name: "queue".into(),
            is_repeated: false,
            about: "The queue.".into(),
            settings: vec![crate::help::Setting {
                key: "expire_after".into(),
                default: "\"2d\"".into(),
                meaning: "When a mail goes back.".into(),
            }],
        };
        let library = Library::new(&[table]);
        let long = format!("what is this: warp_drive {}", "postfix said no ".repeat(20));
        for (question, want) in [
            ("what value should quantum_shield_level have", Some("quantum_shield_level")),
            ("settings 里的 time_travel 该填 true 还是 false", Some("time_travel")),
            ("what does expire_after do?", None),
            ("what does Expire_After do and what warp_drive", Some("warp_drive")),
            ("how do I release a mail", None),
            ("___ 1_000", None),
            (&long, None),
        ] {
            assert_eq!(name_of_nothing(&library, question).as_deref(), want, "{question}");
        }
    }

    #[test]
    fn people_find_what_they_look_for_in_either_language() {
        for (query, want) in [
            ("add a domain", "/help/article/add-a-domain"),
            ("添加域名", "/help/article/add-a-domain"),
            ("domains", "/help/article/add-a-domain"),
            ("why was my mail held", "/help/article/why-was-it-held"),
            ("邮件为什么被隔离", "/help/article/why-was-it-held"),
            ("whitelist sender", "/help/article/allow-a-sender"),
            ("白名单", "/help/article/allow-a-sender"),
            ("放行", "/help/article/release"),
            ("ＤＩＧＥＳＴ", "/help/article/digest"),
            ("5.4.1", "/help/refusal/5.4.1"),
            ("auth.dmarc.fail", "/help/check/auth.dmarc.fail"),
            ("too-many", "/help/problem/too-many"),
            ("qqqq", ""),
            ("", ""),
            ("the", ""),
        ] {
            for lang in Lang::ALL {
                assert_eq!(first(query, lang), want, "{query}");
            }
        }
    }
}
