//! What a digest says, as text and as HTML. Nothing in it is fetched from anywhere.

use crate::App;
use crate::page::View;
use crate::page::words::Lang;
use crate::quarantine::policy::{Power, PowerSet};
use askama::Template;
use gateway::quarantine::api::HeldBody;
use gateway::queue::letter::Letter;
use mail::{Address, OrgId};
use store::Error;

/// What is told.
pub(super) struct Content {
    pub org: OrgId,
    pub to: Address,
    pub rows: Vec<Told>,
    /// Held mail that is new and does not fit.
    pub left_out: usize,
    /// Where its reader chooses how often digests come.
    pub choice: String,
}

/// One held mail.
pub(super) struct Told {
    pub url: String,
    pub powers: PowerSet,
    pub row: HeldBody,
}

impl Told {
    /// Words key of what its link offers first.
    fn offers(&self) -> &'static str {
        if self.powers.has(Power::Release) {
            "digest-release"
        } else if self.powers.has(Power::Request) {
            "digest-request"
        } else {
            "digest-look"
        }
    }
}

#[derive(Template)]
#[template(path = "quarantine/digest/templates/letter_html.txt", escape = "html")]
struct Html<'a> {
    view: &'a View,
    content: &'a Content,
    subject: String,
    all: String,
}

pub(super) fn letter(app: &App, lang: Lang, content: &Content) -> Result<Letter, Error> {
    let mut view = View::plain(lang, app.now_ms());
    view.path = "/quarantine/mine".into();
    let subject = view.n("digest-subject", content.rows.len() + content.left_out);
    let unwritten = |why: askama::Error| Error::Shape(format!("writing a digest: {why}"));
    let all = app.link("/quarantine/mine");
    let text = text(&view, content, &all);
    let html = Html { view: &view, content, subject: subject.clone(), all }.render().map_err(unwritten)?;
    Ok(Letter {
        org: content.org,
        to: content.to.clone(),
        from_name: view.t("digest-from"),
        subject,
        text,
        html,
        language: lang.tag().into(),
        kind: "digest",
        host: app.hostname.clone(),
    })
}

fn text(view: &View, content: &Content, all: &str) -> String {
    let mut text = format!("{}\n\n", view.n("digest-hello", content.rows.len()));
    let named = |key: &str, value: &str| format!("  {}: {value}\n", view.t(key));
    for one in &content.rows {
        let subject = if one.row.subject.is_empty() { view.t("quarantine-no-subject") } else { line(&one.row.subject) };
        text.push_str(&format!("* {subject}\n"));
        text.push_str(&named("quarantine-col-sender", &line(&one.row.sender)));
        text.push_str(&named("quarantine-col-time", &view.moment(one.row.at_ms)));
        text.push_str(&named("quarantine-col-verdict", &view.of_kind("verdict", &one.row.verdict)));
        text.push_str(&named(one.offers(), &one.url));
        text.push('\n');
    }
    if content.left_out > 0 {
        text.push_str(&format!("{}\n\n", view.n("digest-more", content.left_out)));
    }
    text.push_str(&format!("{}: {all}\n{}: {}\n\n", view.t("digest-all"), view.t("digest-how-often"), content.choice));
    text.push_str(&format!("{}\n", view.t("digest-safe")));
    text
}

/// A line of a stranger in a text: no break, not endless.
fn line(text: &str) -> String {
    const LINE_CHARS_MAX: usize = 200;
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE_CHARS_MAX).collect();
    plain.trim().to_string()
}
