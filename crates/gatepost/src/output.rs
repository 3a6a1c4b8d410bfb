//! What commands print, and how they end.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Exit codes are part of the fixed outside surface: scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    /// The answer is no: spam found, check failed, nothing there.
    No = 1,
    WrongUse = 2,
    WeFailed = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// The settings or the words of the command are wrong: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUse(pub String);

/// Prints an error in one sentence with its causes, and says whose turn it is by the exit code.
pub fn failed(why: &anyhow::Error) -> ExitCode {
    let causes: Vec<String> = why.chain().map(ToString::to_string).collect();
    eprintln!("gatepost: {}", causes.join(": "));
    let ours = !why.chain().any(|cause| cause.is::<WrongUse>() || cause.is::<crate::settings::SettingsError>());
    if ours { Exit::WeFailed.into() } else { Exit::WrongUse.into() }
}

/// One JSON document on one line.
pub fn json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// A line on standard output. A reader that went away (`| head`) ends the command quietly.
pub fn line(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}") {
        Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        done => Ok(done?),
    }
}

/// Columns padded to their widest cell; control characters of mail never reach the terminal.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| columns(cell));
        cells.chain(head.get(column).map(|cell| columns(cell))).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let padded = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(columns(cell)))));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    line(&bold(&padded(head.to_vec())))?;
    for row in &rows {
        line(&padded(row.iter().map(String::as_str).collect()))?;
    }
    Ok(())
}

/// Terminal columns: Chinese, Japanese and Korean characters take two.
fn columns(text: &str) -> usize {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}');
    text.chars().map(|c| 1 + usize::from(wide(c))).sum()
}

/// Text of a mail, safe to show on a terminal.
pub fn printable(text: &str) -> String {
    detect::finding::presentable(text)
}

/// A whole line made by us with text of a mail in it: nothing in it may steer the terminal.
pub fn printable_line(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') { '\u{fffd}' } else { c })
        .collect()
}

fn bold(text: &str) -> String {
    if is_coloured() { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_string() }
}

/// Colours only on a terminal, and not where NO_COLOR asks for none.
pub fn is_coloured() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A progress bar on a terminal, nothing elsewhere.
pub fn progress(total: u64, what: &'static str) -> indicatif::ProgressBar {
    if !std::io::stderr().is_terminal() || total < 2 {
        return indicatif::ProgressBar::hidden();
    }
    let style =
        indicatif::ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}").unwrap_or(indicatif::ProgressStyle::default_bar());
    indicatif::ProgressBar::new(total).with_style(style).with_message(what)
}

/// A time as people and scripts read it: RFC 3339 in UTC, seconds.
pub fn time(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_second(at_ms.div_euclid(1000)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_string()
}

/// The present, in Unix milliseconds.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
