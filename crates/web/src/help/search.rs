//! Search over all articles, in both languages at once: whoever asks in one finds what is written in the other.
//!
//! The library is small (some hundred short texts), so every query looks at all of it. Words match by their beginning, Chinese by
//! characters that follow each other, codes such as 5.7.1 as a whole. What people call differently is found too ([`SAME`]).

use super::library::{Article, Library};
use crate::page::words::Lang;

/// Characters of a query that are looked at, and terms.
const QUERY_CHARS_MAX: usize = 200;
const TERMS_MAX: usize = 12;
/// Hits of one answer.
pub const HITS_MAX: usize = 30;
/// Characters of the excerpt.
const EXCERPT_CHARS: usize = 140;
const BEFORE_CHARS: usize = 40;

/// What means the same to those who search.
const SAME: &[&[&str]] = &[
    &["quarantine", "held", "hold", "隔离"],
    &["allow", "whitelist", "allowlist", "safelist", "允许", "白名单"],
    &["block", "blacklist", "blocklist", "阻止", "黑名单"],
    &["release", "放行", "释放"],
    &["spam", "junk", "垃圾邮件"],
    &["phish", "phishing", "钓鱼"],
    &["malware", "virus", "恶意软件", "病毒"],
    &["domain", "域名"],
    &["rule", "规则"],
    &["connector", "smarthost", "连接器"],
    &["digest", "摘要"],
    &["role", "permission", "角色", "权限"],
    &["attachment", "附件"],
    &["sender", "发件人"],
    &["refused", "rejected", "bounce", "拒绝", "退信", "拒收"],
    &["token", "令牌"],
];

/// One article found.
#[derive(Debug)]
pub struct Hit<'a> {
    pub article: &'a Article,
    pub score: u32,
    /// Text around what was found, in the language of the reader.
    pub excerpt: String,
}

/// Articles for `query`, best first. All terms have to be there; when no article has them all, most of them.
pub fn find<'a>(library: &'a Library, query: &str, lang: Lang) -> Vec<Hit<'a>> {
    let terms = terms(query);
    if terms.is_empty() {
        return Vec::new();
    }
    let scored = |needed: usize| {
        let one = |article: &'a Article| {
            let scores: Vec<u32> = terms.iter().map(|term| score(article, term)).collect();
            let has = scores.iter().filter(|score| **score > 0).count();
            (has >= needed).then(|| Hit { article, score: scores.iter().sum(), excerpt: excerpt(article, &terms, lang) })
        };
        library.all().iter().filter_map(one).collect::<Vec<_>>()
    };
    let mut hits = scored(terms.len());
    if hits.is_empty() {
        hits = scored(terms.len().div_ceil(2));
    }
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.score));
    hits.truncate(HITS_MAX);
    hits
}

fn is_han(c: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&c)
}

/// Lower case, full-width letters as narrow ones.
fn plain(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    };
    text.chars().map(narrow).flat_map(char::to_lowercase).collect()
}

/// Words, and pairs of Chinese characters that follow each other: 被隔离 is 被隔 and 隔离. A lone character stands for itself.
fn terms(query: &str) -> Vec<String> {
    let query: String = plain(query).chars().take(QUERY_CHARS_MAX).collect();
    let mut found: Vec<String> = Vec::new();
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    for part in query.split(|c: char| !is_inside(c)).map(|part| part.trim_matches(['.', '-'])).filter(|part| !part.is_empty()) {
        let mut han: Vec<char> = Vec::new();
        let mut word = String::new();
        for c in part.chars().chain([' ']) {
            if !is_han(c) && !han.is_empty() {
                found.extend(han_terms(&String::from_iter(&han)));
                han.clear();
            }
            if (is_han(c) || c == ' ') && !word.is_empty() {
                found.push(std::mem::take(&mut word));
            }
            match c {
                ' ' => {}
                c if is_han(c) => han.push(c),
                c => word.push(c),
            }
        }
    }
    found.retain(|term| !IDLE.contains(&term.as_str()));
    found.truncate(TERMS_MAX);
    found
}

/// Words that say nothing about what is looked for.
const IDLE: &[&str] =
    &["a", "an", "the", "is", "was", "my", "to", "of", "how", "do", "i", "it", "what", "why", "什么", "怎么", "如何", "为什", "么被"];

/// A word that we know to mean something stays whole, the rest becomes pairs.
fn han_terms(han: &str) -> Vec<String> {
    let is_whole = |word: &&str| word.chars().count() > 2 && word.chars().all(is_han) && han.contains(*word);
    let Some(word) = SAME.iter().flat_map(|words| words.iter().copied()).find(is_whole) else {
        return pairs(&han.chars().collect::<Vec<_>>());
    };
    let (before, after) = han.split_once(word).unwrap_or((han, ""));
    let [mut found, rest] = [before, after].map(|part| if part.is_empty() { Vec::new() } else { han_terms(part) });
    found.push(word.to_string());
    found.extend(rest);
    found
}

fn pairs(han: &[char]) -> Vec<String> {
    if han.len() == 1 { vec![han[0].to_string()] } else { han.windows(2).map(|pair| pair.iter().collect()).collect() }
}

/// How well one term fits; 0 is not at all. What means the same counts half.
fn score(article: &Article, term: &str) -> u32 {
    let own = places(article, term) * 2;
    let others = SAME.iter().filter(|words| words.iter().any(|word| *word == term || (term.len() > 3 && word.starts_with(term))));
    own + others.flat_map(|words| *words).filter(|word| **word != term).map(|word| places(article, word)).max().unwrap_or(0)
}

fn places(article: &Article, term: &str) -> u32 {
    let mut score = 0;
    if article.name == term {
        score += 40;
    } else if has(&article.name, term) {
        score += 8;
    }
    for text in [&article.english, &article.chinese] {
        score += if has(&plain(&text.title), term) { 10 } else { 0 };
        score += u32::from(has(&plain(&text.plain), term));
    }
    // Tasks before reference.
    if score > 0 && article.kind == super::Kind::Article { score + 3 } else { score }
}

/// Whether a word of `text` begins with `term`; Chinese is found anywhere.
fn has(text: &str, term: &str) -> bool {
    if term.chars().next().is_some_and(is_han) {
        return text.contains(term);
    }
    text.match_indices(term).any(|(at, _)| !text[..at].chars().next_back().is_some_and(char::is_alphanumeric))
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

    #[test]
    fn a_query_is_cut_into_words_and_pairs() {
        for (query, want) in [
            ("被隔离", vec!["被隔", "隔离"]),
            ("SPF验证 5.7.1!", vec!["spf", "验证", "5.7.1"]),
            ("锁", vec!["锁"]),
            ("link.text-mismatch.", vec!["link.text-mismatch"]),
            ("--- ..", vec![]),
        ] {
            assert_eq!(terms(query), want, "{query}");
        }
    }

    #[test]
    fn an_excerpt_shows_what_was_found() {
        let library = Library::new(&[]);
        let hits = find(&library, "smuggling", Lang::English);
        assert!(hits.iter().any(|hit| hit.excerpt.contains("smuggling")), "{hits:?}");
        assert!(hits.iter().all(|hit| hit.excerpt.chars().count() <= EXCERPT_CHARS + 2));
    }
}
