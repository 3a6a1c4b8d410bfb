//! Names that look like others: domains, senders, brands, in three scripts.

use super::Case;
use super::dice::Dice;
use super::letter::{Letter, PROTECTED_NAME};
use super::names;

const COUNT: usize = 6;

/// A trick with a domain: its kind, the false one, the true one, and the check for it as a sender and as a link.
const DOMAINS: &[(&str, &str, &str, &str)] = &[
    ("look-alike, Latin", "northvvind-paper.com", "northwind-paper.com", "impersonation.look-alike"),
    ("look-alike, Latin", "northwlnd-paper.com", "northwind-paper.com", "impersonation.look-alike"),
    ("look-alike, Latin", "northwind-papper.com", "northwind-paper.com", "impersonation.look-alike"),
    ("look-alike, Latin", "harb0ur-steel.com", "harbour-steel.com", "impersonation.correspondent"),
    ("look-alike, Latin", "harbuor-steel.com", "harbour-steel.com", "impersonation.correspondent"),
    ("look-alike, Latin", "paypa1.com", "paypal.com", "impersonation.brand-domain"),
    ("look-alike, Latin", "rnicrosoft.com", "microsoft.com", "impersonation.brand-domain"),
    ("look-alike, Cyrillic or Greek", "nоrthwind-paper.com", "northwind-paper.com", "impersonation.look-alike"),
    ("look-alike, Cyrillic or Greek", "northwind-рареr.com", "northwind-paper.com", "impersonation.look-alike"),
    ("look-alike, Cyrillic or Greek", "harbοur-steel.com", "harbour-steel.com", "impersonation.correspondent"),
    ("look-alike, Cyrillic or Greek", "раураl.com", "paypal.com", "impersonation.brand-domain"),
    ("look-alike, Cyrillic or Greek", "аmаzon.com", "amazon.com", "impersonation.brand-domain"),
    ("look-alike, CJK", "n〇rthwind-paper.com", "northwind-paper.com", "impersonation.look-alike"),
    ("look-alike, CJK", "harb〇ur-steel.com", "harbour-steel.com", "impersonation.correspondent"),
    ("look-alike, CJK", "micr〇s〇ft.com", "microsoft.com", "impersonation.brand-domain"),
];

/// Display names of brands and of a protected person, written so that they only look right.
const DISGUISED: &[(&str, &str, &str)] = &[
    ("look-alike, Latin", "PayPaI Service", "impersonation.brand-name"),
    ("look-alike, Latin", "Micros0ft Account Team", "impersonation.brand-name"),
    ("look-alike, Cyrillic or Greek", "Раураl Service", "impersonation.brand-name"),
    ("look-alike, Cyrillic or Greek", "Νetflix Team", "impersonation.brand-name"),
    ("look-alike, Cyrillic or Greek", "Маrlеnе Саstеllаn", "impersonation.person"),
    ("look-alike, CJK", "ＰａｙＰａｌ Service", "impersonation.brand-name"),
    ("look-alike, CJK", "Ｍｉｃｒｏｓｏｆｔ Team", "impersonation.brand-name"),
    ("look-alike, CJK", "Ｍａｒｌｅｎｅ Ｃａｓｔｅｌｌａｎ", "impersonation.person"),
];

pub fn cases(dice: &mut Dice, cases: &mut Vec<Case>) {
    for (number, domain) in DOMAINS.iter().enumerate() {
        cases.push(as_sender(dice, number, domain));
        cases.push(as_link(dice, number, domain));
    }
    for (number, disguised) in DISGUISED.iter().enumerate() {
        cases.push(as_name(dice, number, disguised));
    }
    for number in 0..COUNT {
        cases.push(person(dice, number));
        cases.push(reply_to(dice, number));
        cases.push(letters_in_words(dice, number));
        cases.push(brand_in_link(dice, number));
    }
}

/// A-labels of a name in any script.
fn ascii(name: &str) -> String {
    idna::domain_to_ascii(name).expect("a name that can be registered")
}

fn as_sender(dice: &mut Dice, number: usize, (kind, false_one, _, check): &(&'static str, &str, &str, &'static str)) -> Case {
    let letter = Letter::new(dice);
    let address = names::mailbox(&letter.name, &ascii(false_one));
    Case { kind, name: format!("sender-{number}"), mail: Letter { address, ..letter.clone() }.octets(), check, twin: letter.octets() }
}

fn as_link(dice: &mut Dice, number: usize, (kind, false_one, true_one, check): &(&'static str, &str, &str, &'static str)) -> Case {
    let letter = Letter::new(dice).with_text("The form for the new badges is on the usual page.");
    let page = |domain: &str| format!("<p>Open it <a href=\"https://www.{}/forms/{number}\">here</a>.</p>", ascii(domain));
    Case {
        kind,
        name: format!("link-{number}"),
        mail: letter.clone().with_html(&page(false_one)).octets(),
        check: if check.ends_with("brand-domain") { "link.brand" } else { "link.look-alike" },
        twin: letter.with_html(&page(true_one)).octets(),
    }
}

fn as_name(dice: &mut Dice, number: usize, (kind, name, check): &(&'static str, &str, &'static str)) -> Case {
    let letter = Letter::new(dice);
    Case {
        kind,
        name: format!("name-{number}"),
        mail: Letter { name: (*name).to_string(), ..letter.clone() }.octets(),
        check,
        twin: letter.octets(),
    }
}

fn person(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("Are you at your desk? I need a hand with something before noon.");
    let (first, last) = PROTECTED_NAME.split_once(' ').expect("two words");
    let name = match number % 3 {
        0 => PROTECTED_NAME.to_string(),
        1 => format!("\"{last}, {first}\""),
        _ => PROTECTED_NAME.to_uppercase(),
    };
    let address = format!("{}@{}", dice.letters(8), dice.pick(&["gmail.com", "outlook.com", "163.com"]));
    Case {
        kind: "a protected person's name",
        name: format!("person-{number}"),
        mail: Letter { name, ..letter.clone() }.with_address(&address).octets(),
        check: "impersonation.person",
        twin: letter.octets(),
    }
}

fn reply_to(dice: &mut Dice, number: usize) -> Case {
    const PAIRS: [(&str, &str); COUNT] = [
        ("silverlake-tools.com", "si1verlake-tools.com"),
        ("stonebridge-foods.com", "stoneebridge-foods.com"),
        ("kingsford-print.com", "kimgsford-print.com"),
        ("silverlake-tools.com", "silverlake-toois.com"),
        ("stonebridge-foods.com", "st0nebridge-foods.com"),
        ("kingsford-print.com", "kingsfrod-print.com"),
    ];
    let (domain, near) = PAIRS[number];
    let mut letter = Letter::new(dice).with_text("Please answer to this mail, so that I can plan the delivery.");
    letter.address = names::mailbox(&letter.name, domain);
    let header = format!("Reply-To: {} <{}>\r\n", letter.name, names::mailbox(&letter.name, near));
    Case {
        kind: "answers to a look-alike",
        name: format!("reply-to-{number}"),
        mail: Letter { header, ..letter.clone() }.octets(),
        check: "impersonation.reply-to-look-alike",
        twin: letter.octets(),
    }
}

/// Words in which letters of another script stand for Latin ones.
fn letters_in_words(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice);
    let plain = "Your parcel could not be delivered, please choose another address for delivery.";
    let disguised: String = plain
        .chars()
        .map(|c| match (number % 3, c) {
            (0, 'a') => 'а',
            (0, 'e') => 'е',
            (1, 'o') => 'ο',
            (2, 'e') => 'ｅ',
            (2, 'o') => 'ｏ',
            (_, other) => other,
        })
        .collect();
    let kind = ["look-alike, Cyrillic or Greek", "look-alike, Cyrillic or Greek", "look-alike, CJK"][number % 3];
    Case {
        kind,
        name: format!("letters-{number}"),
        mail: letter.clone().with_text(&disguised).octets(),
        check: "content.look-alike-letters",
        twin: letter.with_text(plain).octets(),
    }
}

/// A brand's domain at the front of somebody else's.
fn brand_in_link(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("The form for the new badges is on the usual page.");
    let (brand, home) = dice.pick(&[("paypal", "paypal.com"), ("microsoft", "microsoft.com"), ("fedex", "fedex.com")]);
    let stranger = names::stranger(dice);
    let host = match number % 2 {
        0 => format!("{brand}.com.{stranger}"),
        _ => format!("www.{brand}.com-account.{stranger}"),
    };
    let page = |host: &str| format!("<p>Open it <a href=\"https://{host}/f/{number}\">here</a>.</p>");
    Case {
        kind: "a brand in front of another's domain",
        name: format!("brand-front-{number}"),
        mail: letter.clone().with_html(&page(&host)).octets(),
        check: "link.brand",
        twin: letter.with_html(&page(&format!("www.{home}"))).octets(),
    }
}
