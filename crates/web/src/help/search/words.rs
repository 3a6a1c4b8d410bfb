//! Text as words: what is compared when somebody searches.
//!
//! In: text in English, Chinese or both. Out: [`Piece`]s. Words are narrow and in lower case, and stand for all their forms ([`stem`]);
//! Chinese stays a run of characters, because where a word ends there depends on what is looked for. Never decides which language it is.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As written, in lower case; codes such as 5.7.1 and names such as auth.dmarc.fail stay whole.
    Word(String),
    /// Chinese characters that follow each other.
    Han(Vec<char>),
}

pub fn is_han(c: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&c)
}

/// Traditional characters with their simplified ones, in pairs.
static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let pair = |pair: &str| {
        let mut chars = pair.chars();
        Some((chars.next()?, chars.next()?))
    };
    let lines = include_str!("traditional.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).filter_map(pair).collect()
});

/// Lower case, full-width letters as narrow ones, traditional characters as simplified ones.
pub fn plain(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        '’' => '\'',
        c if is_han(c) => SIMPLIFIED.get(&c).copied().unwrap_or(c),
        c => c,
    };
    text.chars().map(narrow).flat_map(char::to_lowercase).collect()
}

/// The pieces of a text, in order. A name with points, dashes or underscores comes whole and then by its parts.
pub fn pieces(text: &str) -> Vec<Piece> {
    let text = plain(text);
    let mut found = Vec::new();
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    for part in text.split(|c: char| !is_inside(c)).map(|part| part.trim_matches(['.', '-', '_'])).filter(|part| !part.is_empty()) {
        let (mut han, mut word): (Vec<char>, String) = (Vec::new(), String::new());
        for c in part.chars().chain([' ']) {
            if !is_han(c) && !han.is_empty() {
                found.push(Piece::Han(std::mem::take(&mut han)));
            }
            if (is_han(c) || c == ' ') && !word.is_empty() {
                push_word(&mut found, &std::mem::take(&mut word));
            }
            match c {
                ' ' => {}
                c if is_han(c) => han.push(c),
                c => word.push(c),
            }
        }
    }
    found
}

fn push_word(found: &mut Vec<Piece>, word: &str) {
    let word = word.trim_matches(['.', '-', '_']);
    let is_code = word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    if word.is_empty() {
        return;
    }
    let parts: Vec<&str> = word.split(['.', '-', '_']).filter(|part| !part.is_empty()).collect();
    if is_code || parts.len() < 2 || word.contains('.') {
        found.push(Piece::Word(word.into()));
    }
    if !is_code && parts.len() > 1 {
        found.extend(parts.into_iter().map(|part| Piece::Word(part.into())));
    }
}

/// What a word and its forms have in common: "releases", "released" and "releasing" are one. Light on purpose: a wrong cut finds what is
/// not meant.
pub fn stem(word: &str) -> String {
    if word.len() < 4 || !word.is_ascii() || word.bytes().any(|byte| !byte.is_ascii_lowercase()) {
        return word.to_string();
    }
    let mut stem = word.to_string();
    let cut = |stem: &mut String, count: usize| stem.truncate(stem.len() - count);
    if (stem.ends_with("ies") || stem.ends_with("ied")) && stem.len() > 4 {
        cut(&mut stem, 3);
        stem.push('y');
    } else if ["sses", "shes", "ches", "xes", "zes"].iter().any(|end| stem.ends_with(end)) {
        cut(&mut stem, 2);
    } else if stem.ends_with('s') && !["ss", "us", "is"].iter().any(|end| stem.ends_with(end)) {
        cut(&mut stem, 1);
    }
    for (end, shortest) in [("ing", 6), ("ed", 5)] {
        if stem.ends_with(end) && stem.len() >= shortest && stem[..stem.len() - end.len()].contains(['a', 'e', 'i', 'o', 'u', 'y']) {
            cut(&mut stem, end.len());
            let doubled = stem.len() > 3 && stem.as_bytes()[stem.len() - 1] == stem.as_bytes()[stem.len() - 2];
            if doubled && !stem.ends_with(['l', 's', 'z']) {
                cut(&mut stem, 1);
            }
            break;
        }
    }
    if stem.len() > 4 && stem.ends_with('e') {
        cut(&mut stem, 1);
    }
    stem
}

/// Letters to put in, leave out, change or turn round to come from one word to the other; `None` when more than `most` are needed.
pub fn distance(one: &str, other: &str, most: usize) -> Option<usize> {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > most {
        return None;
    }
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for (at, row) in rows.iter_mut().enumerate() {
        row[0] = at;
    }
    rows[0] = (0..=other.len()).collect();
    for i in 1..=one.len() {
        for j in 1..=other.len() {
            let differs = usize::from(one[i - 1] != other[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + differs);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    Some(rows[one.len()][other.len()]).filter(|found| *found <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            &["release", "releases", "released", "releasing"][..],
            &["policy", "policies"],
            &["stop", "stopped", "stopping"],
            &["message", "messages"],
            &["box", "boxes"],
            &["deny", "denied"],
            &["quarantine", "quarantined"],
        ] {
            assert!(forms.iter().all(|form| stem(form) == stem(forms[0])), "{forms:?}");
        }
        assert_eq!((stem("status").as_str(), stem("this").as_str(), stem("spf").as_str()), ("status", "this", "spf"));
    }

    #[test]
    fn a_text_is_cut_into_words_and_runs() {
        let word = |text: &str| Piece::Word(text.into());
        let han = |text: &str| Piece::Han(text.chars().collect());
        for (text, want) in [
            ("被隔离", vec![han("被隔离")]),
            ("SPF验证 5.7.1!", vec![word("spf"), han("验证"), word("5.7.1")]),
            ("ＤＫＩＭ", vec![word("dkim")]),
            ("mta-sts", vec![word("mta"), word("sts")]),
            ("link.text", vec![word("link.text"), word("link"), word("text")]),
            ("...", vec![]),
        ] {
            assert_eq!(pieces(text), want, "{text}");
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_one_step() {
        for (one, other, want) in
            [("quarentine", "quarantine", Some(1)), ("recieve", "receive", Some(1)), ("mail", "male", Some(2)), ("spam", "domain", None)]
        {
            assert_eq!(distance(one, other, 2), want, "{one} {other}");
        }
    }
}
