//! Countries and regions by their codes (ISO 3166-1 alpha-2) with the names people know; names from Unicode CLDR.

use crate::page::words::Lang;

const TABLE: &str = include_str!("countries.tsv");

/// Code, English name, Chinese name.
fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().filter_map(|line| {
        let mut cells = line.split('\t');
        Some((cells.next()?, cells.next()?, cells.next()?))
    })
}

/// Code and name of each, by name.
pub fn list(lang: Lang) -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<_> = all().map(|(code, en, zh)| (code, if lang == Lang::Chinese { zh } else { en })).collect();
    found.sort_by_key(|(_, name)| *name);
    found
}

/// The name of a country; its code when there is none.
pub fn name(code: &str, lang: Lang) -> &str {
    all().find(|(known, ..)| *known == code).map_or(code, |(_, en, zh)| if lang == Lang::Chinese { zh } else { en })
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
    let is_it = |(code, en, zh): &(&str, &str, &str)| code.eq_ignore_ascii_case(meant) || en.eq_ignore_ascii_case(meant) || *zh == meant;
    all().find(is_it).map(|(code, ..)| code)
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
        assert_eq!(list(Lang::English).len(), list(Lang::Chinese).len());
    }
}
