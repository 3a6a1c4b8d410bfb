//! All articles there are, made once: from Markdown, and from what the code says of itself.

use super::articles::ARTICLES;
use super::codes;
use super::search::answers::{Fit, answers};
use super::search::index::{Entry, EntryPart, Found, Index};
use crate::doctor::registry::{LOOKS, Look};
use crate::page::table::escaped;
use crate::page::words::{self, Lang};
use crate::page::{Fault, View};
use crate::troubleshoot::cause::Cause;
use gateway::receipt::refusal::{MEANINGS, Turn};
use pulldown_cmark::{Event, Options, Parser, html};
use serde::Serialize;
use utoipa::ToSchema;

/// What an article is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A task, step by step.
    Article,
    /// A check of mail, by its identifier in receipts.
    Check,
    /// A problem of the API, or a page that was not given.
    Problem,
    /// A reply that refused mail, by its enhanced status code.
    Refusal,
    /// A table of the settings file.
    Setting,
    /// A cause that the troubleshooter can name.
    Cause,
    /// A look of the recovery assistant at the installation itself.
    Doctor,
    /// An enhanced status code, whoever said it.
    Code,
}

impl Kind {
    pub const ALL: [Kind; 8] =
        [Kind::Article, Kind::Cause, Kind::Code, Kind::Check, Kind::Refusal, Kind::Doctor, Kind::Problem, Kind::Setting];

    /// In addresses and words keys.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Article => "article",
            Kind::Check => "check",
            Kind::Problem => "problem",
            Kind::Refusal => "refusal",
            Kind::Setting => "setting",
            Kind::Cause => "cause",
            Kind::Doctor => "doctor",
            Kind::Code => "code",
        }
    }

    /// How much an article of this kind counts when others fit as well.
    fn rank(self) -> f32 {
        match self {
            Kind::Article => 1.0,
            Kind::Cause | Kind::Doctor => 0.62,
            Kind::Check | Kind::Code | Kind::Refusal => 0.58,
            Kind::Problem | Kind::Setting => 0.45,
        }
    }

    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An article in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub title: String,
    /// Paragraphs, headings, lists: HTML that is safe, as many as in the other language.
    pub blocks: Vec<String>,
    /// All of it without marks, for the search.
    pub plain: String,
    /// What stands below each heading, in order; as many as in the other language.
    pub parts: Vec<Part>,
}

/// What stands below one heading of an article; the first part stands before any heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// "" before the first heading.
    pub heading: String,
    /// Its blocks, from and up to, heading included.
    pub from: usize,
    pub to: usize,
    pub plain: String,
    /// Other words for it, written beside the text for the search only.
    pub also: String,
}

impl Text {
    /// A text of one part.
    pub fn whole(title: String, blocks: Vec<String>, plain: String) -> Text {
        let part = Part { to: blocks.len(), plain: plain.clone(), ..Part::default() };
        Text { title, blocks, plain, parts: vec![part] }
    }
}

/// An article in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    pub kind: Kind,
    pub name: String,
    pub english: Text,
    pub chinese: Text,
}

impl Article {
    pub fn text(&self, lang: Lang) -> &Text {
        match lang {
            Lang::English => &self.english,
            Lang::Chinese => &self.chinese,
        }
    }

    pub fn title(&self, view: &View) -> &str {
        &self.text(view.lang).title
    }

    pub fn path(&self) -> String {
        format!("/help/{}/{}", self.kind.name(), self.name)
    }
}

/// One table of the settings file, as its definition documents it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingTable {
    /// Such as "listen" or "dns.list".
    pub name: String,
    pub is_repeated: bool,
    pub about: String,
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub key: String,
    /// In TOML.
    pub default: String,
    pub meaning: String,
}

/// Every article.
#[derive(Debug)]
pub struct Library {
    articles: Vec<Article>,
    index: Index,
}

impl Library {
    /// `settings` are documented where they are defined, which is above us.
    pub fn new(settings: &[SettingTable]) -> Library {
        // Written articles come first: the guess knows them by their places.
        let mut articles: Vec<Article> = ARTICLES.iter().map(|one| written(one.name, one.english, one.chinese)).collect();
        articles.extend(detect::checks::CHECKS.iter().map(check));
        articles.extend(crate::diagnostics::check::DOCS.iter().map(check_of_domain));
        articles.extend(Fault::NAMES.iter().map(|name| problem(name)));
        articles.extend(MEANINGS.iter().map(refusal));
        articles.extend(LOOKS.iter().map(of_look));
        articles.extend(Cause::ALL.iter().map(|cause| of_cause(*cause)));
        articles.extend(codes::articles());
        articles.extend(settings.iter().map(setting));
        let index = Index::new(&articles.iter().map(entry).collect::<Vec<_>>());
        Library { articles, index }
    }

    /// Parts of articles that answer a question, best first, and what the first is to it.
    pub fn answers(&self, question: &str, most: usize) -> (Vec<(&Article, Found)>, Fit) {
        let answers = answers(&self.index, question, most);
        (answers.found.into_iter().map(|found| (&self.articles[found.entry], found)).collect(), answers.fit)
    }

    pub fn all(&self) -> &[Article] {
        &self.articles
    }

    #[cfg(test)]
    pub fn index(&self) -> &Index {
        &self.index
    }

    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Article> {
        self.articles.iter().filter(move |article| article.kind == kind)
    }

    pub fn find(&self, kind: Kind, name: &str) -> Option<&Article> {
        // A code of class 4, or within a range, is told of under the name of its article.
        let canonical = if kind == Kind::Code { codes::name_of(name) } else { None };
        let name = canonical.as_deref().unwrap_or(name);
        self.of(kind).find(|article| article.name == name)
    }
}

fn written(name: &str, english: &str, chinese: &str) -> Article {
    Article { kind: Kind::Article, name: name.into(), english: of_markdown(english), chinese: of_markdown(chinese) }
}

/// How an article stands in the search. Tasks come before reference, which says the same in fewer words.
fn entry(article: &Article) -> Entry {
    let both = [&article.english, &article.chinese];
    let part = |at: usize| {
        let of = |pick: fn(&Part) -> &str| both.iter().filter_map(|text| text.parts.get(at).map(|part| pick(part).to_string())).collect();
        EntryPart {
            headings: of(|part| &part.heading),
            also: if at == 0 { Vec::new() } else { of(|part| &part.also) },
            bodies: of(|part| &part.plain),
        }
    };
    let also = both.iter().filter_map(|text| text.parts.first().map(|part| part.also.clone())).collect();
    let titles = both.iter().map(|text| text.title.clone()).chain([article.name.clone()]).collect();
    Entry { titles, also, parts: (0..article.english.parts.len()).map(part).collect(), rank: article.kind.rank() }
}

/// Markdown as blocks; the heading of the first rank is the title. A comment `<!-- asked: … -->` holds other words for its part.
fn of_markdown(markdown: &str) -> Text {
    let mut text = Text { title: String::new(), blocks: Vec::new(), plain: String::new(), parts: vec![Part::default()] };
    let (mut block, mut depth, mut plain): (Vec<Event<'_>>, usize, String) = (Vec::new(), 0, String::new());
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => {
                depth -= 1;
                plain.push(' ');
            }
            Event::Text(text) | Event::Code(text) => plain.push_str(text),
            Event::SoftBreak | Event::HardBreak => plain.push(' '),
            _ => {}
        }
        block.push(event);
        if depth == 0 {
            let mut written = String::new();
            html::push_html(&mut written, block.drain(..));
            text.add(written.trim(), &std::mem::take(&mut plain));
        }
    }
    text
}

impl Text {
    /// Adds a block of Markdown, written as HTML; `plain` is what it says.
    fn add(&mut self, html: &str, plain: &str) {
        let last = self.parts.len() - 1;
        if let Some(heading) = html.strip_prefix("<h1>").and_then(|rest| rest.strip_suffix("</h1>")) {
            self.title = heading.to_string();
        } else if let Some(asked) = html.strip_prefix("<!-- asked:").and_then(|rest| rest.strip_suffix("-->")) {
            self.parts[last].also.push_str(asked);
        } else {
            let at = self.blocks.len();
            self.blocks.push(ammonia::clean(html));
            if html.starts_with("<h2>") {
                self.parts.push(Part { heading: plain.trim().to_string(), from: at, to: at + 1, ..Part::default() });
            } else {
                self.parts[last].plain.push_str(plain);
                self.parts[last].to = at + 1;
            }
        }
        if !html.starts_with("<!--") {
            self.plain.push_str(plain);
        }
    }
}

/// Plain paragraphs.
fn of_lines(title: &str, lines: &[String]) -> Text {
    let blocks = lines.iter().map(|line| format!("<p>{}</p>", escaped(line))).collect();
    Text::whole(title.into(), blocks, lines.join(" "))
}

fn check(doc: &detect::checks::CheckDoc) -> Article {
    let name = |lang| said(lang, "help-check-name", doc.id);
    let text = |lang, title: &str, text: &str| of_lines(title, &[text.to_string(), name(lang), words::text(lang, "help-check-more", &[])]);
    Article {
        kind: Kind::Check,
        name: doc.id.into(),
        english: text(Lang::English, doc.title_en, doc.text_en),
        chinese: text(Lang::Chinese, doc.title_zh, doc.text_zh),
    }
}

fn check_of_domain(doc: &crate::diagnostics::check::Doc) -> Article {
    let text = |lang, own: usize| of_lines(doc.titles[own], &[doc.texts[own].to_string(), said(lang, "help-check-domain", doc.id)]);
    Article { kind: Kind::Check, name: doc.id.into(), english: text(Lang::English, 0), chinese: text(Lang::Chinese, 1) }
}

fn said(lang: Lang, key: &str, what: &str) -> String {
    words::text(lang, key, &[("what", what.into())])
}

fn problem(name: &str) -> Article {
    let text = |lang| {
        let title = words::text(lang, &format!("fault-{name}"), &[]);
        let does = words::text(lang, &format!("fault-do-{name}"), &[]);
        of_lines(&title, &[does, said(lang, "help-problem-name", name)])
    };
    Article { kind: Kind::Problem, name: name.into(), english: text(Lang::English), chinese: text(Lang::Chinese) }
}

/// Title, what it means, what an administrator does, whose turn it is.
fn of_cause(cause: Cause) -> Article {
    let text = |lang| {
        let said = |key: String| words::text(lang, &key, &[]);
        let name = cause.name();
        let turn = format!("{}: {}", words::text(lang, "diagnosis-turn", &[]), said(format!("turn-{}", cause.turn().name())));
        of_lines(&said(format!("cause-{name}")), &[said(format!("cause-{name}-say")), said(format!("cause-{name}-do")), turn])
    };
    Article { kind: Kind::Cause, name: cause.name().into(), english: text(Lang::English), chinese: text(Lang::Chinese) }
}

fn of_look(look: &Look) -> Article {
    let text = |lang, title: &str, text: &str| of_lines(title, &[text.to_string(), said(lang, "doctor-article-name", look.id)]);
    Article {
        kind: Kind::Doctor,
        name: look.id.into(),
        english: text(Lang::English, look.title_en, look.text_en),
        chinese: text(Lang::Chinese, look.title_zh, look.text_zh),
    }
}

fn refusal(meaning: &gateway::receipt::refusal::Meaning) -> Article {
    let turn = match meaning.turn {
        Turn::Theirs => "help-turn-theirs",
        Turn::Ours => "help-turn-ours",
        Turn::Nobody => "help-turn-nobody",
    };
    let text = |lang, text: &str| {
        let title = said(lang, "help-refusal-title", meaning.code);
        of_lines(&title, &[text.to_string(), words::text(lang, turn, &[]), words::text(lang, "help-refusal-more", &[])])
    };
    Article {
        kind: Kind::Refusal,
        name: meaning.code.into(),
        english: text(Lang::English, meaning.english),
        chinese: text(Lang::Chinese, meaning.chinese),
    }
}

/// Meanings of settings are written in English only; the Chinese page marks them so.
fn setting(table: &SettingTable) -> Article {
    let text = |lang: Lang| {
        let title = if table.is_repeated { format!("[[{}]]", table.name) } else { format!("[{}]", table.name) };
        let english = |text: &str| format!("<span lang=\"en\">{}</span>", escaped(text));
        let mut blocks = vec![format!("<p>{}</p>", english(&table.about))];
        let rows = table.settings.iter().map(|one| {
            let default = words::text(lang, "help-setting-default", &[]);
            let (key, value) = (escaped(&one.key), escaped(&one.default));
            format!("<dt><code>{key}</code></dt><dd>{} <br>{default} <code>{value}</code></dd>", english(&one.meaning))
        });
        blocks.push(format!("<dl class=\"facts\">{}</dl>", rows.collect::<String>()));
        let meanings = table.settings.iter().map(|one| format!("{} {} ", one.key, one.meaning));
        let plain = format!("{} {}", table.about, meanings.collect::<String>());
        Text::whole(title, blocks, plain)
    };
    Article { kind: Kind::Setting, name: table.name.clone(), english: text(Lang::English), chinese: text(Lang::Chinese) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_of_an_article_have_the_same_blocks() {
        let library = Library::new(&[]);
        for article in library.all() {
            let path = article.path();
            let shape = |text: &Text| text.blocks.iter().map(|block| block.chars().take(3).collect::<String>()).collect::<Vec<_>>();
            assert_eq!(shape(&article.english), shape(&article.chinese), "{path}");
            let places = |text: &Text| text.parts.iter().map(|part| (part.from, part.to, part.also.is_empty())).collect::<Vec<_>>();
            assert_eq!(places(&article.english), places(&article.chinese), "{path}");
            for text in [&article.english, &article.chinese] {
                assert!(!text.title.is_empty() && !text.plain.is_empty() && !text.blocks.is_empty(), "{path}");
                assert!(!text.blocks.iter().any(|block| block.contains("<script") || block.contains("javascript:")), "{path}");
            }
            assert!(article.chinese.plain.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{path} is not in Chinese");
        }
        assert!(library.of(Kind::Article).count() >= 10 && library.of(Kind::Check).count() > 50 && library.of(Kind::Refusal).count() > 20);
    }

    #[test]
    fn links_of_articles_lead_to_articles_and_pages() {
        let library = Library::new(&[]);
        for article in library.of(Kind::Article) {
            for block in article.english.blocks.iter().chain(&article.chinese.blocks) {
                for (_, rest) in block.match_indices("href=\"").map(|(at, opening)| block.split_at(at + opening.len())) {
                    let href = rest.split('"').next().unwrap_or_default();
                    assert!(href.starts_with('/'), "{}: {href}", article.path());
                    if let Some(name) = href.strip_prefix("/help/article/") {
                        assert!(library.find(Kind::Article, name).is_some(), "{}: {href}", article.path());
                    }
                }
            }
        }
    }
}
