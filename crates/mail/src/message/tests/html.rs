use super::*;
use crate::message::html;

#[track_caller]
fn check(source: &str, want_visible: &str, want_hidden: &str, why: &str) {
    let page = html::read(source, 100);
    assert_eq!((page.visible.trim(), page.hidden.trim()), (want_visible, want_hidden), "{why}: {source}");
}

#[test]
fn what_a_reader_sees() {
    for (source, want, why) in [
        ("<p>Hello <b>you</b></p><p>there", "Hello you\nthere", "blocks part, inline does not"),
        ("a<br>b<br/>c", "a\nb\nc", "line breaks"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc", "cells and rows"),
        ("a  \n\t b", "a b", "white space collapses"),
        ("&lt;a&gt; &amp;amp; &#65;&#x42; &euro;&hellip; &copy &unknown; &", "<a> &amp; AB €… © &unknown; &", "references"),
        ("&#128;&#0;&#x110000;", "€\u{fffd}\u{fffd}", "numbers that are no characters"),
        ("<style>p{color:red}</style><script>alert(1)</script>a<title>t</title>b", "ab", "no style, script or title"),
        ("<script>\"</scrip>\"</SCRIPT >a", "a", "the end tag of a script"),
        ("a<!-- b -->c<!--> d<!---->e<!-- f --!>g", "ac deg", "comments"),
        ("<!--[if mso]>outlook<![endif]-->all", "outlookall", "what Outlook shows"),
        ("1 < 2 and 3 <4", "1 < 2 and 3 <4", "signs that start no tag"),
        ("<img alt=\"a picture\" src=x>", "a picture", "text of an image"),
        ("a<p title='>'>b", "a\nb", "a bracket in a value"),
        ("<p title='open>text", "text", "a quote that never closes"),
        ("<a/href=x>y</a>", "y", "a slash for a space"),
        ("<noscript>n</noscript>", "n", "mail programs run no scripts"),
        ("<", "<", "only a bracket"),
        ("</", "", "only an end"),
        ("<a", "", "only a start"),
    ] {
        check(source, want, "", why);
    }
}

#[test]
fn what_a_reader_does_not_see() {
    for (style, why) in [
        ("display:none", "not displayed"),
        ("DISPLAY : NONE !important", "spelling"),
        ("display:/**/none", "a comment"),
        ("d\\69splay:none", "an escape"),
        ("display&#58;none", "a reference"),
        ("visibility:hidden", "invisible"),
        ("font-size:0", "no size"),
        ("font-size: 0.1px", "nearly no size"),
        ("font:0/0 a", "shorthand"),
        ("color:#fff", "white on white"),
        ("color:rgb(254,254,254)", "nearly white"),
        ("color:transparent", "transparent"),
        ("color:#123456;background:#123456", "any colour on itself"),
        ("opacity:0", "see-through"),
        ("max-height:0;overflow:hidden", "clipped"),
        ("position:absolute;left:-9999px", "off the screen"),
        ("text-indent:-9999px", "indented away"),
    ] {
        check(&format!("a<span style=\"{style}\">b</span>c"), "ac", "b", why);
    }
    check("<p hidden>a</p>b", "b", "a", "the attribute");
    check("<font color=white>a</font>b", "b", "a", "an old attribute");
    check("<table bgcolor=black><tr><td><font color='#000000'>a</font></td></tr></table>b", "b", "a", "black on a black table");
}

#[test]
fn what_only_seems_hidden() {
    for (source, want, why) in [
        ("<div style='font-size:0'><span style='font-size:12px'>a</span></div>", "a", "a size set again"),
        ("<div style='visibility:hidden'><span style='visibility:visible'>a</span></div>", "a", "shown again"),
        ("<td style='background:#000'><span style='color:#fff'>a</span></td>", "a", "white on black"),
        ("<td background=x.png><span style='color:#fff'>a</span></td>", "a", "white on a picture"),
        ("<div style='display:none'></div>a", "a", "an empty one"),
        ("<p style='display:none'><p>a", "a", "a paragraph ends the one before"),
        ("<img style='display:none' src=x>a", "a", "an element without content"),
        ("<td style='background-color:#fff;color:#000'>a</td>", "a", "black on white"),
    ] {
        check(source, want, "", why);
    }
}

#[test]
fn traits_and_links() {
    let source = "<base href='https://base.example/dir/x.html'><meta http-equiv=Refresh content='0; url=https://refresh.example/'>\
        <a href=' https://a.example/?x=1&amp;y=2 '>Click <b>here</b></a><a href=page>rel</a><a href='#top'>top</a>\
        <form action=//form.example/login><input type=PassWord><button formaction=https://b.example/>go</button></form>\
        <img src=https://img.example/1.png width=1><img src=cid:x><iframe src=https://frame.example></iframe>\
        <map><area href=https://area.example alt=spot></map><object data=https://o.example/x></object><p onclick='x()'>p</p><script>1</script>\
        <td background=https://bg.example/b.png>x</td>";
    let page = html::read(source, 100);
    let found: Vec<(&str, &str, LinkOrigin)> =
        page.links.iter().map(|link| (link.target.as_str(), link.text.as_str(), link.origin)).collect();
    assert_eq!(
        found,
        [
            ("https://refresh.example/", "", LinkOrigin::Other),
            ("https://a.example/?x=1&y=2", "Click here", LinkOrigin::Anchor),
            ("https://base.example/dir/page", "rel", LinkOrigin::Anchor),
            ("//form.example/login", "", LinkOrigin::Form),
            ("https://b.example/", "", LinkOrigin::Form),
            ("https://img.example/1.png", "", LinkOrigin::Image),
            ("https://frame.example", "", LinkOrigin::Other),
            ("https://area.example", "spot", LinkOrigin::Area),
            ("https://o.example/x", "", LinkOrigin::Other),
            ("https://bg.example/b.png", "", LinkOrigin::Image),
        ]
    );
    assert_eq!(
        page.traits,
        HtmlTraits {
            form: true,
            password_field: true,
            script: true,
            event_handler: true,
            frame: true,
            object: true,
            refresh: true,
            images_remote: 1,
            split_words: 0,
        }
    );
}

#[test]
fn the_text_of_a_picture_stands_for_a_link() {
    let page = html::read("<a href=https://a.example><img alt='Pay now' src=x></a>", 10);
    assert_eq!(page.links.last().map(|link| link.text.as_str()), Some("Pay now"));
}

#[test]
fn bare_links_in_a_page_are_found_once() {
    let found = message("Content-Type: text/html\n", "<a href=https://evil.example>https://bank.example</a> and https://plain.example/x");
    let targets: Vec<(&str, LinkOrigin)> = found.links.iter().map(|link| (link.target.as_str(), link.origin)).collect();
    assert_eq!(targets, [("https://evil.example", LinkOrigin::Anchor), ("https://plain.example/x", LinkOrigin::Text)]);
}

#[test]
fn hostile_pages_take_linear_time() {
    for piece in [
        "<div>",
        "<a href=x>",
        "<!--",
        "<!-",
        "<a b",
        "<a b='",
        "&",
        "&#",
        "&#x",
        "<p style='",
        "</",
        "</div>",
        "<table><tr><td>",
        "<script>",
        "</script",
        "<a a=a ",
        "<title>",
        "-->",
        "<x/",
        "<p>",
    ] {
        let source = piece.repeat((1 << 20) / piece.len());
        let page = html::read(&source, 1_000);
        assert!(page.links.len() <= 1_000 && page.visible.len() <= source.len() * 2, "{piece}");
    }
}

#[test]
fn style_sheets_hide_too() {
    for (style, element, want) in [
        (".x{display:none}", "<p class=\"a x\">", "hidden"),
        ("p.x , .y { font-size : 0 !important }", "<p class=y>", "hidden"),
        ("#x{visibility:hidden}", "<p id=x>", "hidden"),
        ("div .x > .y{color:#fff}", "<p class=y>", "hidden"),
        ("@media screen{.x{display:none}}", "<p class=x>", "hidden"),
        ("@media (max-width:600px){.x{display:none}} .y{color:red}", "<p class=x>", ""),
        ("@font-face{font-family:a}.x{opacity:0}", "<p class=x>", "hidden"),
        ("@import url(a.css); .x{display:none}", "<p class=x>", "hidden"),
        ("/* .x{} */ .x{display:none}", "<p class=x>", "hidden"),
        (".x:hover{display:none}", "<p class=x>", ""),
        (".x{display:none", "<p class=x>", "hidden"),
        (".x{color:#333}", "<p class=x>", ""),
        ("}}}{{{", "<p class=x>", ""),
    ] {
        let before = html::read(&format!("<style>{style}</style>{element}hidden</p>"), 10);
        let after = html::read(&format!("{element}hidden</p><STYLE type=a>{style}</STYLE>"), 10);
        assert_eq!((before.hidden.trim(), after.hidden.trim()), (want, want), "{style}");
    }
}

#[test]
fn hidden_text_inside_words_is_counted() {
    let count = |page: &str| html::read(page, 10).traits.split_words;
    assert_eq!(count("<p>wo<i hidden>x</i>rd and an<b style='display:none'>y</b>other</p>"), 2);
    assert_eq!(count("<p>word<i hidden>x</i> and <b hidden>y</b>more</p>"), 0);
    assert_eq!(count("<p>wo<i>x</i>rd</p>"), 0);
}

#[test]
fn fields_for_secrets_are_known_by_their_names_too() {
    let asks = |field: &str| html::read(field, 10).traits.password_field;
    assert!(asks("<input type=text name=user_passwd>") && asks("<input placeholder=\"请输入密码\">") && asks("<input name=pass>"));
    assert!(!asks("<input name=passenger>") && !asks("<input type=hidden name=password>") && !asks("<input name=q>"));
}
