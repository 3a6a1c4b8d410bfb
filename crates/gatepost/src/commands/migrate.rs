//! `gatepost migrate`: settings of another filter as settings of ours, with a report of every line.

use super::doctor::language;
use crate::migrate::{Draft, Fate, postfix, rspamd, spamassassin};
use crate::output::{self, Exit};
use anyhow::Context;
use clap::{Args, ValueEnum};
use gateway::receipt::Language;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum From {
    Postfix,
    Rspamd,
    Spamassassin,
}

/// Read the settings of another program and write ours as a draft, saying of every line what became of it. Changes nothing of either.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Whose settings they are.
    from: From,
    /// Their folder. Default: where Debian puts it.
    folder: Option<PathBuf>,
    /// The organisation that everything is to belong to.
    #[arg(long, default_value = "main", value_name = "NAME")]
    organisation: String,
    /// Write the draft into this file, which must not exist. Without it the draft is printed, and the report goes to standard error.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print draft and report as JSON.
    #[arg(long)]
    json: bool,
    /// Language of the report: en or zh. Default: that of the terminal.
    #[arg(long)]
    lang: Option<String>,
}

pub fn run(task: &Migrate) -> anyhow::Result<Exit> {
    let lang = language(task.lang.as_deref());
    let (read, usual): (fn(&std::path::Path, &str) -> anyhow::Result<Draft>, &str) = match task.from {
        From::Postfix => (postfix::read, "/etc/postfix"),
        From::Rspamd => (rspamd::read, "/etc/rspamd"),
        From::Spamassassin => (spamassassin::read, "/etc/spamassassin"),
    };
    let folder = task.folder.clone().unwrap_or_else(|| PathBuf::from(usual));
    let draft = read(&folder, &task.organisation)?;
    let text = draft.toml()?;
    if task.json {
        let notes: Vec<_> = draft
            .notes
            .iter()
            .map(|note| serde_json::json!({ "fate": note.fate, "at": note.at, "what": note.what, "say": note.say.say(lang) }))
            .collect();
        return output::json(&serde_json::json!({ "settings": text, "notes": notes })).map(|()| Exit::Done);
    }
    let report = report(&draft, lang);
    match &task.out {
        Some(path) => {
            // It may hold the password of a relay host.
            let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
            written.with_context(|| format!("{} cannot be written", path.display()))?;
            output::line(&report)?;
        }
        None => {
            output::line(text.trim_end())?;
            eprintln!("{report}");
        }
    }
    Ok(Exit::Done)
}

fn report(draft: &Draft, lang: Language) -> String {
    let heads = [
        (Fate::Left, "NOT TAKEN OVER: decide about these", "未接收：需要您决定"),
        (Fate::Changed, "Taken over with another meaning: read these", "已接收但含义有变：请阅读"),
        (Fate::Taken, "Taken over", "已接收"),
        (Fate::Unneeded, "Not needed here", "这里不需要"),
    ];
    let mut lines = Vec::new();
    for (fate, english, chinese) in heads {
        let notes: Vec<_> = draft.notes.iter().filter(|note| note.fate == fate).collect();
        if notes.is_empty() {
            continue;
        }
        let head = if lang == Language::English { english } else { chinese };
        lines.push(format!("\n{head} ({})", notes.len()));
        for note in notes {
            lines.push(format!("  {}: {}", note.at, output::printable_line(&note.what)));
            lines.push(format!("      {}", note.say.say(lang)));
        }
    }
    let counts = [Fate::Taken, Fate::Changed, Fate::Left, Fate::Unneeded].map(|fate| draft.count(fate));
    lines.push(match lang {
        Language::English => format!("\n{} taken over, {} with another meaning, {} not, {} not needed. Check the draft with gatepost --config DRAFT config check, then try it beside the old one.", counts[0], counts[1], counts[2], counts[3]),
        _ => format!("\n已接收 {}，含义有变 {}，未接收 {}，不需要 {}。请用 gatepost --config 草稿 config check 检查，再与旧系统并行试用。", counts[0], counts[1], counts[2], counts[3]),
    });
    lines.join("\n")
}
