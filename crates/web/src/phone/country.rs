//! Countries and regions by their codes (ISO 3166-1 alpha-2) with the names people know; names from Unicode CLDR.

use crate::page::words::Lang;

const TABLE: &str = include_str!("countries.tsv");

/// A line of the table, which is in the order of English names.
#[derive(Debug, Clone, Copy)]
struct Country {
    code: &'static str,
    english: &'static str,
    chinese: &'static str,
    /// Place among the Chinese names, by how they are spoken (pinyin).
    place: usize,
}

impl Country {
    fn name(self, lang: Lang) -> &'static str {
        if lang == Lang::Chinese { self.chinese } else { self.english }
    }
}

fn all() -> impl Iterator<Item = Country> {
    TABLE.lines().filter_map(|line| {
        let mut cells = line.split('\t');
        let (code, english, chinese) = (cells.next()?, cells.next()?, cells.next()?);
        Some(Country { code, english, chinese, place: cells.next()?.parse().ok()? })
    })
}

/// Code and name of each, in the order people look for them.
pub fn list(lang: Lang) -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<Country> = all().collect();
    if lang == Lang::Chinese {
        found.sort_by_key(|country| country.place);
    }
    found.into_iter().map(|country| (country.code, country.name(lang))).collect()
}

/// The name of a country; its code when there is none.
pub fn name(code: &str, lang: Lang) -> &str {
    all().find(|country| country.code == code).map_or(code, |country| country.name(lang))
}

/// The code of what somebody typed: a code, or a name in either language.
pub fn code(typed: &str) -> Option<&'static str> {
    let typed = typed.trim();
    // What people write for the United Kingdom and Greece is reserved, and not their code.
    let meant = match typed.to_ascii_uppercase().as_str() {
        "UK" => "GB",
        "EL" => "GR",
        "USA" => "US",
        _ => typed,
    };
    let is_it = |country: &Country| {
        country.code.eq_ignore_ascii_case(meant) || country.english.eq_ignore_ascii_case(meant) || country.chinese == meant
    };
    all().find(is_it).map(|country| country.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_known_by_code_and_by_name() {
        for (typed, want) in [
            ("br", Some("BR")),
            ("Brazil", Some("BR")),
            ("巴西", Some("BR")),
            ("UK", Some("GB")),
            (" kr ", Some("KR")),
            ("XX", None),
            ("", None),
        ] {
            assert_eq!(code(typed), want, "{typed}");
        }
        assert_eq!((name("KR", Lang::English), name("KR", Lang::Chinese), name("XX", Lang::English)), ("South Korea", "韩国", "XX"));
        assert_eq!((list(Lang::English).len(), list(Lang::Chinese).len()), (250, 250));
        assert_eq!((list(Lang::English)[0].1, list(Lang::Chinese)[0].1), ("Afghanistan", "阿尔巴尼亚"));
    }
}
