//! Links written to be misread: redirects, names before "@", pages and scripts in the link itself.

use super::Case;
use super::dice::Dice;
use super::letter::{Letter, base64};
use super::names;

const COUNT: usize = 12;

pub fn cases(dice: &mut Dice, cases: &mut Vec<Case>) {
    for number in 0..COUNT {
        cases.push(redirect(dice, number));
    }
    for number in 0..COUNT / 2 {
        cases.push(target(dice, number, "a name before @", "link.userinfo"));
        cases.push(target(dice, number, "data: link", "link.data"));
        cases.push(target(dice, number, "javascript: link", "link.script"));
        cases.push(shown(dice, number));
    }
}

fn encoded(target: &str) -> String {
    target
        .bytes()
        .map(|octet| if octet.is_ascii_alphanumeric() { char::from(octet).to_string() } else { format!("%{octet:02X}") })
        .collect()
}

fn button(letter: Letter, target: &str) -> Vec<u8> {
    letter.with_html(&format!("<p><a href=\"{}\">Open the document</a></p>", target.replace('&', "&amp;"))).octets()
}

fn redirect(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("The document we spoke about is ready for you.");
    let honest = format!("https://www.{}/documents/{number}", letter.domain());
    let evil = format!("https://{}/d/{number}", names::stranger(dice));
    let borrowed = match number % 8 {
        0 => format!("https://www.google.com/url?sa=t&q={}&usg=A0", encoded(&evil)),
        1 => format!("https://www.google.de/amp/s/{}", &evil["https://".len()..]),
        2 => format!("https://www.bing.com/ck/a?!&&p=0f&u=a1{}&ntb=1", base64(evil.as_bytes()).trim_end_matches('=')),
        3 => format!("https://www.youtube.com/redirect?event=v&q={}", encoded(&evil)),
        4 => format!("https://l.facebook.com/l.php?u={}&h=AT1", encoded(&evil)),
        5 => format!("https://googleads.g.doubleclick.net/pcs/click?xai=A&adurl={evil}"),
        6 => format!("https://www.linkedin.com/redir/redirect?url={}", encoded(&encoded(&evil))),
        _ => format!("https://link.zhihu.com/?target={}", encoded(&evil)),
    };
    Case {
        kind: "open redirect",
        name: format!("redirect-{number}"),
        mail: button(letter.clone(), &borrowed),
        check: "link.redirect",
        twin: button(letter, &honest),
    }
}

fn target(dice: &mut Dice, number: usize, kind: &'static str, check: &'static str) -> Case {
    let letter = Letter::new(dice).with_text("The document we spoke about is ready for you.");
    let domain = letter.domain().to_string();
    let honest = format!("https://www.{domain}/documents/{number}");
    let stranger = names::stranger(dice);
    let trick = match check {
        "link.userinfo" => format!("https://www.{domain}%2Fdocuments@{stranger}/{number}"),
        "link.data" => format!("data:text/html;base64,{}", base64(format!("<h1>Sign in</h1><a href=https://{stranger}>on</a>").as_bytes())),
        _ => format!("javascript:window.location='https://{stranger}/{number}'"),
    };
    Case {
        kind,
        name: format!("{}-{number}", check.trim_start_matches("link.")),
        mail: button(letter.clone(), &trick),
        check,
        twin: button(letter, &honest),
    }
}

/// The text of the link is an address, and the link leads to another.
fn shown(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("The statement for the year is on our page.");
    let honest = "https://www.kingsford-bank.com/statement";
    let host = match number % 3 {
        0 => format!("93.184.{}.{}", 1 + dice.roll(250), 1 + dice.roll(250)),
        1 => format!("0x{:08x}", 0x5db8_0000u32 + dice.roll(60_000) as u32),
        _ => format!("{}", 0x5db8_0000u32 + dice.roll(60_000) as u32),
    };
    let page = |target: &str| format!("<p><a href=\"{target}\">{honest}</a></p>");
    Case {
        kind: "a number behind a shown address",
        name: format!("shown-{number}"),
        mail: letter.clone().with_html(&page(&format!("http://{host}/s/{number}"))).octets(),
        check: "link.text-mismatch",
        twin: letter.with_html(&page(honest)).octets(),
    }
}
