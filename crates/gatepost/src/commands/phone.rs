//! `gatepost phone`: whom to call now, and the directory as a table.

use super::{Place, audited, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use store::Error;
use web::page::View;
use web::page::words::Lang;
use web::phone::api::{CallBody, NumberBody, moment};
use web::phone::book::{self, Caller, Entry, Purpose};
use web::phone::{country, sql, table};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Phone {
    /// Where the caller is: a code such as BR, or a name.
    #[arg(long, default_value = "", hide_default_value = true)]
    country: String,
    /// technical, pre-purchase, billing or premier.
    #[arg(long = "for", value_name = "PURPOSE", default_value = "technical")]
    purpose: String,
    /// Language to speak, such as pt. Default: that of the terminal.
    #[arg(long)]
    lang: Option<String>,
    /// A moment instead of now, as 2026-12-25T10:00:00Z.
    #[arg(long, default_value = "", hide_default_value = true)]
    at: String,
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The whole directory as CSV.
    Export,
    /// Take a table over: all of it, or nothing when a row is wrong.
    Import {
        /// CSV as `export` writes it.
        file: PathBuf,
        /// In place of the whole directory; else beside what is there.
        #[arg(long)]
        replace: bool,
    },
}

/// Exit code 0 when somebody answers at the moment, 1 when nobody does or there is no number.
pub fn run(place: &Place, asked: Phone) -> anyhow::Result<Exit> {
    let place = place.existing()?;
    wait(async move {
        let store = open::for_command(&place).await?;
        match asked.verb {
            None => call(&store, asked).await,
            Some(Verb::Export) => export(&store).await,
            Some(Verb::Import { file, replace }) => import(&store, &file, replace).await,
        }
    })
}

async fn all(store: &Store) -> anyhow::Result<Vec<Entry>> {
    let read: Result<Vec<Entry>, Error> = store.db.read(|tx| Box::pin(sql::all(tx))).await;
    Ok(read?)
}

async fn call(store: &Store, asked: Phone) -> anyhow::Result<Exit> {
    let purpose = Purpose::named(&asked.purpose)
        .ok_or_else(|| WrongUse(format!("“{}” is no kind of question: technical, pre-purchase, billing or premier", asked.purpose)))?;
    let now_ms = match asked.at.as_str() {
        "" => output::now_ms(),
        at => moment(at).ok_or_else(|| WrongUse(format!("“{at}” is no moment: write it as 2026-12-25T10:00:00Z")))?,
    };
    let of_terminal = std::env::var("LANG").unwrap_or_default();
    let lang = asked.lang.unwrap_or_else(|| of_terminal.split(['.', '@']).next().unwrap_or_default().replace('_', "-"));
    let lang = if lang.is_empty() || lang == "C" || lang == "POSIX" { book::FALLBACK_LANG.to_string() } else { lang };
    let country = country::code(&asked.country).unwrap_or_default();
    let body = CallBody::of(&book::call(&all(store).await?, Caller { country, purpose, lang: &lang, now_ms }));
    if asked.json {
        output::json(&body)?;
    } else {
        printed(&body, Lang::parse(&of_terminal).unwrap_or_default(), now_ms)?;
    }
    Ok(if body.best.as_ref().is_some_and(|best| best.is_open) { Exit::Done } else { Exit::No })
}

fn printed(body: &CallBody, lang: Lang, now_ms: i64) -> anyhow::Result<()> {
    let view = View::plain(lang, now_ms);
    output::line(&view.of_kind("phone-reason", body.reason.name()))?;
    for number in body.best.iter().chain(&body.others) {
        output::line(&format!("  {}", told(&view, number)))?;
    }
    Ok(())
}

fn told(view: &View, number: &NumberBody) -> String {
    let when = match (number.is_open, number.changes_ms) {
        (true, None) => view.t("phone-always"),
        (true, Some(until)) => view.w("phone-open-until", view.moment(until)),
        (false, Some(next)) => view.w("phone-closed-until", view.moment(next)),
        (false, None) => view.t("phone-closed"),
    };
    let dialled = if number.is_abroad { &number.international } else { &number.national };
    let kind = view.of_kind("phone-kind", number.kind.name());
    format!("{dialled}  {}  {}  {kind}  {when}", country::name(&number.country, view.lang), number.lang)
}

async fn export(store: &Store) -> anyhow::Result<Exit> {
    let mut out = csv::Writer::from_writer(std::io::stdout().lock());
    out.write_record(table::COLUMNS)?;
    for row in table::rows(&all(store).await?) {
        out.write_record(row)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

async fn import(store: &Store, file: &std::path::Path, replaces: bool) -> anyhow::Result<Exit> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let entries = table::read(&text, || store.ids.next(output::now_ms())).map_err(|wrong| {
        let view = View::plain(Lang::default(), output::now_ms());
        let lines: Vec<String> = wrong.iter().map(|row| format!("line {}: {}", row.line, view.t(&row.key))).collect();
        WrongUse(format!("nothing was imported\n{}", lines.join("\n")))
    })?;
    let (count, now_ms, ids) = (entries.len(), output::now_ms(), store.ids.clone());
    let work = store.db.tx(move |tx| {
        Box::pin(async move {
            let line = web::phone::take_over(tx, &entries, replaces, (now_ms, "command")).await?;
            audited(tx, &ids, line).await.map_err(web::page::Fault::from)
        })
    });
    work.await.map_err(|why: web::page::Fault| anyhow::anyhow!("{why:?}"))?;
    output::line(&format!("{count} entries imported"))?;
    Ok(Exit::Done)
}
