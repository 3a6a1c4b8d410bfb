//! `gatepost ask`, `gatepost article`: the assistant and the help without a browser, also where no server runs.

use super::{Place, wait};
use crate::open;
use crate::output::{self, Exit, WrongUse};
use crate::settings::reference;
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;
use store::Error;
use web::agent::api::ReplyBody;
use web::agent::reply::{Knowledge, Says, Turn, reply};
use web::help::{Article, Kind, Library, find};
use web::page::View;
use web::page::words::Lang;
use web::phone::api::moment;
use web::phone::book::Entry;

#[derive(Debug, Args)]
pub struct Ask {
    /// In your own words, English or Chinese.
    question: String,
    /// Language: en or zh. Default: that of the terminal.
    #[arg(long)]
    lang: Option<String>,
    /// A moment instead of now, as 2026-12-25T10:00:00Z: for numbers to call.
    #[arg(long, default_value = "", hide_default_value = true)]
    at: String,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Articles {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// All articles, or those about something.
    List {
        /// Words to look for.
        words: Vec<String>,
        #[arg(long)]
        lang: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// One article, to read or to print.
    Show {
        /// Its name, with its kind unless it is a task: release, check/auth.dmarc.fail, code/5.1.1.
        article: String,
        #[arg(long)]
        lang: Option<String>,
        #[arg(long)]
        json: bool,
    },
}

fn lang(chosen: Option<&str>) -> Lang {
    let of_terminal = std::env::var("LANG").unwrap_or_default();
    Lang::parse(chosen.unwrap_or(&of_terminal)).unwrap_or_default()
}

/// Exit code 1 when no source knows. Numbers to call need the data of an installation; all else does not.
pub fn ask(place: &Place, asked: Ask) -> anyhow::Result<Exit> {
    let (lang, now_ms) = (lang(asked.lang.as_deref()), output::now_ms());
    let at_ms = match asked.at.as_str() {
        "" => now_ms,
        at => moment(at).ok_or_else(|| WrongUse(format!("“{at}” is no moment: write it as 2026-12-25T10:00:00Z")))?,
    };
    let library = Library::new(&reference::tables());
    let entries = entries(place);
    let known = entries.as_deref().unwrap_or_default();
    let reply = reply(Knowledge { library: &library, entries: known, lang }, &[Turn { text: asked.question, at_ms }]);
    // Saying that there is no number would be wrong.
    if let (Says::Call { .. }, Err(why)) = (&reply.says, &entries) {
        anyhow::bail!("{why:#}");
    }
    let body = ReplyBody::of(&View::plain(lang, at_ms), &reply, None);
    if asked.json {
        output::json(&body)?;
    } else {
        output::line(&body.text)?;
    }
    Ok(if matches!(reply.says, Says::Unknown { .. }) { Exit::No } else { Exit::Done })
}

/// The phone directory.
fn entries(place: &Place) -> anyhow::Result<Vec<Entry>> {
    let place = place.existing()?;
    wait(async move {
        let store = open::for_command(&place).await?;
        let read: Result<Vec<Entry>, Error> = store.db.read(|tx| Box::pin(web::phone::sql::all(tx))).await;
        read.context("reading the phone directory")
    })
}

pub fn articles(asked: Articles) -> anyhow::Result<Exit> {
    let library = Library::new(&reference::tables());
    match asked.verb {
        Verb::List { words, lang: chosen, json } => list(&library, &words.join(" "), lang(chosen.as_deref()), json),
        Verb::Show { article, lang: chosen, json } => show(&library, &article, lang(chosen.as_deref()), json),
    }
}

fn list(library: &Library, words: &str, lang: Lang, is_json: bool) -> anyhow::Result<Exit> {
    let found: Vec<&Article> = match words {
        "" => library.all().iter().collect(),
        words => find(library, words, lang).into_iter().map(|hit| hit.article).collect(),
    };
    let name = |article: &Article| format!("{}/{}", article.kind.name(), article.name);
    if is_json {
        let rows = found.iter().map(|article| json!({ "name": name(article), "title": article.text(lang).title }));
        output::json(&json!({ "articles": rows.collect::<Vec<_>>() }))?;
    } else {
        for article in &found {
            output::line(&format!("{:<40}  {}", name(article), article.text(lang).title))?;
        }
    }
    Ok(if found.is_empty() { Exit::No } else { Exit::Done })
}

fn show(library: &Library, name: &str, lang: Lang, is_json: bool) -> anyhow::Result<Exit> {
    let (kind, name) = name.split_once('/').unwrap_or((Kind::Article.name(), name));
    let kind = Kind::parse(kind).ok_or_else(|| WrongUse(format!("“{kind}” is no kind of article")))?;
    let Some(article) = library.find(kind, name) else {
        output::line(&format!("there is no article {}/{name}; gatepost article list shows all", kind.name()))?;
        return Ok(Exit::No);
    };
    let text = article.text(lang);
    if is_json {
        output::json(
            &json!({ "name": format!("{}/{}", kind.name(), article.name), "lang": lang.tag(), "title": text.title, "html": text.blocks.concat(), "text": text.plain }),
        )?;
    } else {
        output::line(&text.title)?;
        output::line("")?;
        output::line(&text.blocks.iter().map(|block| printed(block)).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(Exit::Done)
}

/// A block of HTML as lines: items with a dash, headings alone, links by their words.
fn printed(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('>') else { break };
        match &rest[at + 1..at + end] {
            "li" => out.push_str("- "),
            "h2" => out.push_str("\n## "),
            "/p" | "/h2" => out.push('\n'),
            _ => {}
        }
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    plain.iter().fold(out, |text, (entity, sign)| text.replace(entity, sign)).trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::printed;

    #[test]
    fn articles_are_printed_as_text() {
        for (html, want) in [
            ("<p>Open <a href=\"/x\">it</a> &amp; read.</p>", "Open it & read."),
            ("<ol>\n<li>One</li>\n<li>Two</li>\n</ol>", "\n- One\n- Two"),
            ("<h2>Steps</h2>", "\n## Steps"),
        ] {
            assert_eq!(printed(html), want);
        }
    }
}
