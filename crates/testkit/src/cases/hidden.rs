//! Text that people do not see, and characters that change what they see.

use super::Case;
use super::dice::Dice;
use super::letter::{File, Letter};
use super::names;

const COUNT: usize = 10;

pub fn cases(dice: &mut Dice, cases: &mut Vec<Case>) {
    for number in 0..COUNT {
        cases.push(hidden(dice, number));
    }
    for number in 0..COUNT / 2 {
        cases.push(split(dice, number));
        cases.push(invisible(dice, number));
        cases.push(turned_subject(dice, number));
        cases.push(turned_name(dice, number));
    }
}

/// A page of honest words that only filters read.
fn hidden(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("Your prize is waiting. Answer today.");
    let filler: String = (0..12).map(|_| names::paragraph(dice) + " ").collect();
    let extra = match number % 10 {
        0 => format!("<div style=\"display:none\">{filler}</div>"),
        1 => format!("<style>.k{number}{{display:none !important}}</style><div class=\"a k{number}\">{filler}</div>"),
        2 => format!("<div id=\"n\">{filler}</div><style>#n {{ font-size: 0 }}</style>"),
        3 => format!("<font color=\"#ffffff\">{filler}</font>"),
        4 => format!("<div style=\"background:#102030\"><p style=\"color:#112131\">{filler}</p></div>"),
        5 => format!("<style>td.q, p.q {{ color:#fefefe }}</style><p class=q>{filler}</p>"),
        6 => format!("<div style=\"height:0;overflow:hidden\">{filler}</div>"),
        7 => format!("<div style=\"position:absolute;left:-9999px\">{filler}</div>"),
        8 => format!("<style>@media screen {{ .v {{ visibility:hidden }} }}</style><span class=\"v\">{filler}</span>"),
        _ => format!("<div style=\"font-s\\69ze:1px\">{filler}</div>"),
    };
    Case {
        kind: "hidden text",
        name: format!("hidden-{number}"),
        mail: letter.clone().with_html(&extra).octets(),
        check: "content.hidden-text",
        twin: letter.with_html(&format!("<p>{}</p>", names::paragraph(dice))).octets(),
    }
}

/// Hidden letters within the words that are read.
fn split(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("See below.");
    let words = "Special prices for watches and medicine, delivered to your door tomorrow.";
    let style = ["display:none", "font-size:0", "color:#fff", "max-height:0;overflow:hidden", "opacity:0"][number % 5];
    let noise = dice.letters(3);
    let broken: String = words
        .split(' ')
        .map(|word| match word.len() {
            5.. => format!("{}<span style=\"{style}\">{noise}</span>{} ", &word[..3], &word[3..]),
            _ => format!("{word} "),
        })
        .collect();
    Case {
        kind: "hidden text inside words",
        name: format!("split-{number}"),
        mail: letter.clone().with_html(&format!("<p>{broken}</p>")).octets(),
        check: "content.split-words",
        twin: letter.with_html(&format!("<p>{words}</p>")).octets(),
    }
}

fn invisible(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice);
    let words = "Your account statement for the year is ready and can be read at any time.";
    let mark = ['\u{200b}', '\u{200c}', '\u{2060}', '\u{feff}', '\u{e0041}'][number % 5];
    let broken: String = words.chars().flat_map(|c| [Some(c), (c == 'a').then_some(mark)]).flatten().collect();
    Case {
        kind: "invisible characters",
        name: format!("invisible-{number}"),
        mail: letter.clone().with_text(&broken).octets(),
        check: "content.invisible-characters",
        twin: letter.with_text(words).octets(),
    }
}

fn turned_subject(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice);
    let subject = format!("Statement \u{202e}{number} fdp");
    Case {
        kind: "text shown backwards",
        name: format!("bidi-subject-{number}"),
        mail: Letter { subject, ..letter.clone() }.octets(),
        check: "content.bidi-override",
        twin: Letter { subject: format!("Statement {number} pdf"), ..letter }.octets(),
    }
}

fn turned_name(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("The list is attached.");
    let file = |name: &str| File::attached(name, "text/plain", format!("one\r\ntwo\r\nthree {number}\r\n"));
    Case {
        kind: "text shown backwards",
        name: format!("bidi-name-{number}"),
        mail: letter.clone().with_file(file("list\u{202e}fdp.txt")).octets(),
        check: "attachment.name.bidi",
        twin: letter.with_file(file("list.txt")).octets(),
    }
}
