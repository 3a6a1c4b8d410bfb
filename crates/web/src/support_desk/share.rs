//! Who gets a new request: by area, language and load. Pure.

use super::sql_work::Engineer;
use crate::service_request::Area;

/// The one of support for whom a request fits best; `None` when it fits nobody who has room.
///
/// Only who is there and has room counts, and knows the area and the language (who names none knows all). Of those the one with the smallest
/// part of their room in use; of equals the one who named more, then the first by number, so that the same question has the same answer.
pub fn choose<'e>(engineers: &'e [Engineer], area: Area, lang: &str, is_automatic: bool) -> Option<&'e Engineer> {
    let speaks = |engineer: &Engineer| engineer.langs.is_empty() || engineer.langs.iter().any(|known| is_same(known, lang));
    let knows = |engineer: &Engineer| engineer.areas.is_empty() || engineer.areas.contains(&area);
    let has_room = |engineer: &Engineer| !engineer.is_away && engineer.open < engineer.open_max && (engineer.takes_new || !is_automatic);
    let fits = engineers.iter().filter(|engineer| has_room(engineer) && speaks(engineer) && knows(engineer));
    fits.min_by_key(|engineer| {
        let used_permille = engineer.open * 1000 / engineer.open_max.max(1);
        let named = usize::from(!engineer.areas.is_empty()) + usize::from(!engineer.langs.is_empty());
        (used_permille, std::cmp::Reverse(named), engineer.person.0)
    })
}

/// Whether two tags (BCP 47) name the same language.
fn is_same(one: &str, other: &str) -> bool {
    let first = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    first(one) == first(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Role;
    use mail::PersonId;

    fn engineer(person: i64, langs: &[&str], areas: &[Area], (open, open_max): (i64, i64)) -> Engineer {
        Engineer {
            person: PersonId(person),
            email: format!("{person}@service.example"),
            name: String::new(),
            role: Role::SupportEngineer,
            lang: None,
            langs: langs.iter().map(|lang| lang.to_string()).collect(),
            areas: areas.to_vec(),
            open_max,
            takes_new: true,
            is_away: false,
            has_keys: true,
            open,
        }
    }

    #[test]
    fn a_request_goes_to_who_knows_speaks_and_has_room() {
        let all = [
            engineer(1, &["en"], &[], (5, 20)),
            engineer(2, &["zh-CN", "en"], &[Area::MailFlow], (5, 20)),
            engineer(3, &["zh"], &[Area::Rules], (20, 20)),
            Engineer { is_away: true, ..engineer(4, &[], &[], (0, 20)) },
            engineer(5, &["en"], &[Area::Domains], (8, 40)),
            Engineer { takes_new: false, ..engineer(6, &["fr"], &[], (0, 20)) },
        ];
        for (area, lang, is_automatic, want, why) in [
            (Area::MailFlow, "zh-CN", true, Some(2), "the only one who speaks it and is there"),
            (Area::MailFlow, "en", true, Some(2), "as free as the first, and knows more of it"),
            (Area::Quarantine, "en-GB", true, Some(1), "others know other areas"),
            (Area::Domains, "en", true, Some(5), "the smallest part of the room is in use"),
            (Area::Rules, "zh-TW", true, None, "who knows it has no room"),
            (Area::Other, "fr", true, None, "takes none by themselves"),
            (Area::Other, "fr", false, Some(6), "but may be given one"),
            (Area::Other, "pt", false, None, "nobody speaks it"),
        ] {
            assert_eq!(choose(&all, area, lang, is_automatic).map(|one| one.person.0), want, "{why}");
        }
    }
}
