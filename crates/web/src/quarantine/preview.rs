//! The HTML of a held mail, cleaned, in a frame of its own; and the message as a file.
//!
//! In: HTML of somebody who wishes ill. Out: text with its structure: no script, style, form, link, picture or frame is left
//! (`ammonia` keeps what is named here and nothing else), and the page it stands in may load nothing, run nothing and lead nowhere: a
//! Content-Security-Policy of its own with `sandbox`, which holds also when somebody opens the frame by itself.

use super::{held, policy, powers};
use crate::App;
use crate::page::{Fault, Page, View};
use crate::people::Person;
use ammonia::Builder;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway::quarantine::api::HeldBody;
use mail::MailId;
use std::collections::HashSet;
use std::sync::LazyLock;

/// What is left of a message: how it is laid out.
const TAGS: &[&str] = &[
    "a",
    "abbr",
    "article",
    "b",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "ins",
    "kbd",
    "li",
    "main",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];
const STYLE: &str = "body{margin:12px;background:#fff;color:#242424;font:14px/1.5 'Segoe UI','Microsoft YaHei','PingFang SC','Noto Sans CJK SC',sans-serif;\
                     overflow-wrap:anywhere}a{color:#242424;text-decoration:underline dotted}table{border-collapse:collapse;max-width:100%}pre{white-space:pre-wrap}";

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::empty();
    cleaner
        .tags(TAGS.iter().copied().collect())
        // Not href: a link that cannot be followed is shown as text, and where it leads stands on the page.
        .generic_attributes(HashSet::from(["dir", "lang", "title"]))
        .tag_attributes(["td", "th"].into_iter().map(|tag| (tag, HashSet::from(["colspan", "rowspan"]))).collect())
        .clean_content_tags(HashSet::from(["script", "style", "title", "head", "template", "noscript", "svg", "math", "object"]))
        .url_schemes(HashSet::new())
        .link_rel(None)
        .strip_comments(true);
    cleaner
});

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox",
        STANDARD.encode(digest.as_ref())
    )
});

/// What may be shown of hostile HTML.
fn cleaned(html: &str) -> String {
    CLEANER.clean(html).to_string()
}

/// `GET /quarantine/{mail}/preview`: for the frame on the page of the held mail, which notes that it was read.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let first = readable(&app, &person, &id, |powers| powers.preview).await?;
    let shown = app.quarantine.show(person.scope(), first.mail).await?;
    let parts: Vec<String> = shown.texts.iter().filter(|text| text.is_html).map(|text| cleaned(&text.html)).collect();
    let title = crate::page::table::escaped(&view.t("quarantine-preview"));
    let lang = view.lang.tag();
    let html = format!(
        "<!doctype html><html lang=\"{lang}\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head><body>{}</body></html>",
        parts.join("<hr>")
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, html).into_response())
}

/// `GET /quarantine/{mail}/message.eml`: the message as it would be sent on. Reading somebody else's is written down.
pub async fn message(State(app): State<App>, person: Person, Path(id): Path<String>) -> Page {
    let first = readable(&app, &person, &id, |powers| powers.download).await?;
    let octets = app.quarantine.octets(person.scope(), first.mail).await?;
    held::note_reading(&app, &person, &first, "quarantine.download").await?;
    let headers = [
        // Not message/rfc822: some browsers would show it.
        (header::CONTENT_TYPE, "application/octet-stream".to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.eml\"", first.mail)),
    ];
    Ok((headers, octets).into_response())
}

/// The first held row that the person may read in this way.
async fn readable(app: &App, person: &Person, id: &str, may: impl Fn(&super::Powers) -> bool) -> Result<HeldBody, Fault> {
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    let rules = policy::rules(app, person).await?;
    let rows = app.quarantine.rows(person.scope(), mail).await?;
    let seen: Vec<_> = rows.into_iter().map(|row| (powers(person, &row, &rules), row)).filter(|(powers, _)| powers.see).collect();
    if seen.is_empty() {
        return Err(Fault::NotFound);
    }
    let read = seen.into_iter().find(|(powers, _)| may(powers)).map(|(_, row)| row);
    read.ok_or(Fault::Denied(crate::people::May::ReadMail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_is_left() {
        for (html, want) in [
            ("<p>Hello <b>you</b></p>", "<p>Hello <b>you</b></p>"),
            ("<script>alert(1)</script>x", "x"),
            ("<img src=http://t.example/p.gif alt=dot>y", "y"),
            ("<a href=\"https://evil.example/\" onclick=x()>bank</a>", "<a>bank</a>"),
            ("<p style=\"background:url(//t.example)\">z</p>", "<p>z</p>"),
            ("<form action=//evil.example><input name=p>pay<button>go</button></form>", "paygo"),
            ("<iframe src=//evil.example>f</iframe><object data=x>o</object>q", "q"),
            ("<svg><script>1</script></svg><math><mi>m</mi></math>w", "w"),
            ("<meta http-equiv=refresh content=0><base href=//x><link rel=stylesheet href=//x>v", "v"),
            (
                "<table background=//t.example><tr><td colspan=2 background=x>c</td></tr></table>",
                "<table><tbody><tr><td colspan=\"2\">c</td></tr></tbody></table>",
            ),
            ("<!-- [if mso]><script>1</script><![endif] -->k", "k"),
            ("<p title=\"a&quot; onmouseover=x\">t</p>", "<p title=\"a&quot; onmouseover=x\">t</p>"),
        ] {
            assert_eq!(cleaned(html).trim(), want, "{html}");
        }
    }
}
