//! Who calls, from their words: country, kind of question, language, hour. Names of countries are those of [`crate::phone::country`].

use super::intent::words_of;
use super::moment;
use crate::help::search::words::plain;
use crate::page::words::Lang;
use crate::phone::book::{Entry, Place, Purpose};
use crate::phone::country;

/// What people say for a country beside its name.
const ALSO: &[(&str, &str)] = &[
    ("england", "GB"),
    ("scotland", "GB"),
    ("wales", "GB"),
    ("britain", "GB"),
    ("great britain", "GB"),
    ("uk", "GB"),
    ("u k", "GB"),
    ("usa", "US"),
    ("u s", "US"),
    ("u s a", "US"),
    ("america", "US"),
    ("the states", "US"),
    ("the us", "US"),
    ("korea", "KR"),
    ("holland", "NL"),
    ("turkey", "TR"),
    ("czech republic", "CZ"),
    ("ivory coast", "CI"),
    ("emirates", "AE"),
    ("uae", "AE"),
    ("hong kong", "HK"),
    ("macau", "MO"),
    ("macao", "MO"),
    ("英格兰", "GB"),
    ("苏格兰", "GB"),
    ("南韩", "KR"),
    ("香港", "HK"),
    ("澳门", "MO"),
    ("台湾", "TW"),
    ("美利坚", "US"),
    ("阿联酋", "AE"),
    ("捷克", "CZ"),
];

/// Adjective, language, country.
const PEOPLES: &[(&str, &str, &str)] = &[
    ("german", "de", "DE"),
    ("french", "fr", "FR"),
    ("japanese", "ja", "JP"),
    ("korean", "ko", "KR"),
    ("spanish", "es", "ES"),
    ("brazilian", "pt", "BR"),
    ("portuguese", "pt", "PT"),
    ("italian", "it", "IT"),
    ("chinese", "zh", "CN"),
    ("mandarin", "zh", ""),
    ("british", "en", "GB"),
    ("american", "en", "US"),
    ("english", "en", ""),
    ("dutch", "nl", "NL"),
    ("polish", "pl", "PL"),
    ("russian", "ru", "RU"),
    ("swedish", "sv", "SE"),
    ("turkish", "tr", "TR"),
    ("thai", "th", "TH"),
    ("vietnamese", "vi", "VN"),
    ("德语", "de", ""),
    ("法语", "fr", ""),
    ("日语", "ja", ""),
    ("日文", "ja", ""),
    ("韩语", "ko", ""),
    ("韩文", "ko", ""),
    ("西班牙语", "es", ""),
    ("葡萄牙语", "pt", ""),
    ("葡语", "pt", ""),
    ("意大利语", "it", ""),
    ("中文", "zh", ""),
    ("汉语", "zh", ""),
    ("普通话", "zh", ""),
    ("英语", "en", ""),
    ("英文", "en", ""),
    ("荷兰语", "nl", ""),
    ("俄语", "ru", ""),
    ("泰语", "th", ""),
    ("越南语", "vi", ""),
];

const BILLING: &[&str] = &[
    "bill",
    "bills",
    "billing",
    "invoice",
    "invoices",
    "payment",
    "payments",
    "pay",
    "paid",
    "subscription",
    "subscriptions",
    "refund",
    "charge",
    "charged",
    "renewal",
];
const BILLING_HAN: &[&str] = &["账单", "付款", "付费", "订阅", "发票", "退款", "续费", "扣费", "缴费"];
const BUYING: &[&str] = &["buy", "buying", "purchase", "prepurchase", "presales", "presale", "sales", "quote", "pricing", "price"];
const BUYING_HAN: &[&str] = &["售前", "购买", "报价", "买之前", "销售"];
const PREMIER: &[&str] = &["premier", "premium"];
const PREMIER_HAN: &[&str] = &["高级支持", "客户经理", "尊享"];

/// What a question says of who calls; what is not said is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub country: Option<&'static str>,
    pub purpose: Option<Purpose>,
    pub lang: Option<&'static str>,
    pub at: Option<moment::Said>,
}

impl Said {
    /// What this one says, and what it leaves open as `before` said it.
    pub fn or(self, before: &Said) -> Said {
        Said {
            country: self.country.or(before.country),
            purpose: self.purpose.or(before.purpose),
            lang: self.lang.or(before.lang),
            at: self.at.or_else(|| before.at.clone()),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Said::default()
    }
}

pub fn read(text: &str) -> Said {
    let lower = plain(text);
    let spaced = format!(" {} ", words_of(text).join(" "));
    let says = |word: &str| if word.is_ascii() { spaced.contains(&format!(" {word} ")) } else { lower.contains(word) };
    let any = |list: &[&str]| list.iter().any(|word| says(word));
    let people = PEOPLES.iter().filter(|(word, ..)| says(word)).max_by_key(|(word, ..)| word.len());
    // "葡萄牙语" names a language, not Portugal.
    let languages = PEOPLES.iter().filter(|(word, ..)| !word.is_ascii());
    let nameless = languages.fold(lower.clone(), |text, (word, ..)| text.replace(word, " "));
    let named = named(text, &nameless, &spaced);
    let purpose = if any(PREMIER) || any(PREMIER_HAN) {
        Some(Purpose::Premier)
    } else if any(BUYING) || any(BUYING_HAN) {
        Some(Purpose::PrePurchase)
    } else if any(BILLING) || any(BILLING_HAN) {
        Some(Purpose::Billing)
    } else if any(&["technical", "tech", "technician"]) || any(&["技术"]) {
        Some(Purpose::Technical)
    } else {
        None
    };
    let speaks = |word: &str| {
        ["in", "speak", "speaks"].iter().any(|before| says(&format!("{before} {word}")))
            || ["speaking", "speaker", "language", "please"].iter().any(|after| says(&format!("{word} {after}")))
    };
    let country = named.or_else(|| people.filter(|(word, _, code)| !code.is_empty() && !speaks(word)).map(|(_, _, code)| *code));
    Said { country, purpose, lang: people.map(|(_, lang, _)| *lang), at: moment::read(text) }
}

/// The country that is named; the longest name wins: South Korea before Korea.
fn named(text: &str, lower: &str, spaced: &str) -> Option<&'static str> {
    let fits = |name: &str| {
        let name = plain(name);
        if name.is_ascii() { spaced.contains(&format!(" {} ", name.replace(['-', '.', '&'], " "))) } else { lower.contains(&name) }
    };
    let mut best: Option<(usize, &'static str)> = None;
    let mut take = |name: &str, code: &'static str| {
        if fits(name) && best.is_none_or(|(length, _)| length < name.len()) {
            best = Some((name.len(), code));
        }
    };
    for (name, code) in ALSO {
        take(name, code);
    }
    for lang in Lang::ALL {
        for (code, name) in country::list(lang) {
            take(name, code);
        }
    }
    // A code counts where it stands in capitals: "it" is no country, and neither is "us".
    const CAPITALS: [&str; 9] = ["US", "UK", "DE", "FR", "BR", "JP", "KR", "ES", "GB"];
    best.map(|(_, code)| code).or_else(|| {
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.find(|word| CAPITALS.contains(word)).and_then(country::code)
    })
}

/// The time zone of a caller: that of the first number of the country that is answered by its hours.
pub fn zone(entries: &[Entry], code: &str) -> String {
    let of_country = entries.iter().filter(|entry| entry.country == code);
    let lines = of_country.filter_map(|entry| match &entry.place {
        Place::Number { lines, .. } => Some(lines),
        Place::SameAs(_) => None,
    });
    lines.flatten().map(|line| line.zone.clone()).find(|zone| zone != "UTC").unwrap_or_else(|| "UTC".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_read_from_their_words() {
        for (text, country, purpose, lang) in [
            ("phone number for Brazil", Some("BR"), None, None),
            ("tech support in South Korea, in Korean", Some("KR"), Some(Purpose::Technical), Some("ko")),
            ("German phone number for billing", Some("DE"), Some(Purpose::Billing), Some("de")),
            ("I want to speak German", None, None, Some("de")),
            ("call us", None, None, None),
            ("call the US", Some("US"), None, None),
            ("英国的售前电话", Some("GB"), Some(Purpose::PrePurchase), None),
            ("在西班牙说西班牙语", Some("ES"), None, Some("es")),
            ("我在巴西，想用葡萄牙语打技术支持电话", Some("BR"), Some(Purpose::Technical), Some("pt")),
            ("premier support in the UK", Some("GB"), Some(Purpose::Premier), None),
        ] {
            let said = read(text);
            assert_eq!((said.country, said.purpose, said.lang), (country, purpose, lang), "{text}");
        }
    }
}
