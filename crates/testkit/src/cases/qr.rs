//! Links that stand only in a picture.

use super::Case;
use super::dice::Dice;
use super::letter::{File, Letter, base64};
use super::{names, picture};

const COUNT: usize = 6;

pub fn cases(dice: &mut Dice, cases: &mut Vec<Case>) {
    for number in 0..COUNT {
        for form in ["png", "png-small", "jpeg", "gif", "pdf", "pdf-jpeg", "data"] {
            cases.push(case(dice, form, number));
        }
    }
}

fn case(dice: &mut Dice, form: &'static str, number: usize) -> Case {
    let letter = match number % 2 {
        0 => Letter::new(dice).with_text("Please scan the picture below with your phone to see the new plan of the building."),
        _ => {
            let mut letter = Letter::chinese(dice);
            letter.text = "您好，新的楼层平面图见下图，请用手机扫一扫查看。\r\n\r\n行政部\r\n".to_string();
            letter
        }
    };
    let target = format!("https://{}/{}", names::stranger(dice), dice.letters(10));
    let scale = 3 + dice.roll(6);
    let code = match form {
        "png-small" => picture::code(&target, 2, false),
        "png" => picture::code(&target, scale, number % 3 == 2),
        _ => picture::code(&target, scale.max(4), false),
    };
    let blank = picture::stripes(code.side);
    Case {
        kind: "QR code",
        name: format!("qr-{form}-{number}"),
        mail: with_picture(letter.clone(), form, &code).octets(),
        check: "link.qr",
        twin: with_picture(letter, form, &blank).octets(),
    }
}

fn with_picture(letter: Letter, form: &str, picture: &picture::Picture) -> Letter {
    let shown = "<p><img src=\"cid:picture\" alt=\"\"></p>";
    let inline = |name: &str, kind, content| File { name: name.to_string(), kind, content, inline: true };
    match form {
        "jpeg" => letter.with_html(shown).with_file(inline("plan.jpg", "image/jpeg", picture.jpeg())),
        "gif" => letter.with_html(shown).with_file(inline("plan.gif", "image/gif", picture.gif())),
        "pdf" => letter.with_file(File::attached("plan.pdf", "application/pdf", picture.pdf(false))),
        "pdf-jpeg" => letter.with_file(File::attached("plan.pdf", "application/pdf", picture.pdf(true))),
        "data" => letter.with_html(&format!("<p><img alt=\"\" src=\"data:image/png;base64,{}\"></p>", base64(&picture.png()))),
        _ => letter.with_html(shown).with_file(inline("plan.png", "image/png", picture.png())),
    }
}
