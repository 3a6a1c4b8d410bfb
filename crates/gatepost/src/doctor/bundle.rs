//! The support bundle: what somebody else needs to help, and nothing that must not leave.
//!
//! In: the case and its findings. Out: a few text files, packed as tar.gz. Invariant: every text passes the [`Redactor`]: secrets
//! never leave, addresses only when asked for. No mail, no body, no receipt is in it.

use super::redact::{Redactor, Secrets};
use super::{Case, Finding};
use crate::commands::doctor::FindingBody;
use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use gateway::receipt::Language;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use store::{Db, DbSettings, Error};

/// Log lines taken, from the end.
const LOG_LINES_MAX: usize = 500;
const LOG_OCTETS_MAX: u64 = 256 << 10;
/// How long the journal may take.
const JOURNAL_WAIT: Duration = Duration::from_secs(5);
const JOURNAL_POLL: Duration = Duration::from_millis(50);
/// Unit whose lines are asked for.
const UNIT: &str = "gatepost";

/// What goes in.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    pub shows_addresses: bool,
    /// A file of log lines; without one the journal is asked.
    pub log: Option<PathBuf>,
}

/// One file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: &'static str,
    /// For the list of contents.
    pub about: &'static str,
    pub text: String,
}

/// Everything that would be packed, redacted.
/// # Errors
/// The log file that was named cannot be read.
pub async fn parts(case: &Case, findings: &[Finding], wish: &Wish) -> anyhow::Result<Vec<Part>> {
    let file = case.config.as_ref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let redactor = Redactor::new(Secrets::of(&file), wish.shows_addresses);
    let found: Vec<FindingBody> = findings.iter().map(|finding| FindingBody::of(finding, Language::English)).collect();
    let mut parts = vec![
        Part { name: "findings.json", about: "what gatepost doctor found", text: serde_json::to_string_pretty(&found)? },
        Part { name: "versions.txt", about: "program, system, database engine", text: versions(findings) },
        Part { name: "counts.txt", about: "how many rows, no content", text: counts(case).await },
        Part { name: "log.txt", about: "last log lines", text: log(wish)? },
    ];
    for part in &mut parts {
        part.text = redactor.text(&part.text);
    }
    parts.insert(0, Part { name: "settings.toml", about: "settings in effect, secrets hidden", text: settings(case, &redactor) });
    parts.insert(0, Part { name: "README.txt", about: "this list", text: readme(&parts, wish) });
    Ok(parts)
}

/// Packs them; the file is new and its owner's alone.
/// # Errors
/// The file exists or cannot be written.
pub fn write(file: &Path, parts: &[Part], now_ms: i64) -> anyhow::Result<()> {
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let out = opened.with_context(|| format!("the bundle {} cannot be written", file.display()))?;
    let out = pack(out, parts, now_ms)?;
    out.sync_all().with_context(|| format!("the bundle {} cannot be written", file.display()))
}

/// Packs them into anything that can be written to.
/// # Errors
/// It cannot be written to.
pub fn pack<W: Write>(out: W, parts: &[Part], now_ms: i64) -> anyhow::Result<W> {
    let mut archive = tar::Builder::new(GzEncoder::new(out, Compression::default()));
    for part in parts {
        let mut header = tar::Header::new_gnu();
        header.set_size(part.text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(now_ms / 1000).unwrap_or(0));
        archive.append_data(&mut header, format!("gatepost-support/{}", part.name), part.text.as_bytes()).context("packing the bundle")?;
    }
    let mut out = archive.into_inner().and_then(GzEncoder::finish).context("packing the bundle")?;
    out.flush().context("packing the bundle")?;
    Ok(out)
}

fn readme(parts: &[Part], wish: &Wish) -> String {
    let mut text =
        String::from("Support bundle of Gatepost. It holds no mail, no body and no receipt; passwords, tokens and hashes are hidden.\n");
    text.push_str(match wish.shows_addresses {
        true => "Mail and network addresses are readable, as was asked for.\n\n",
        false => "Mail and network addresses are hashed with a key that was not kept: the same address has the same hash in here.\n\n",
    });
    for part in parts {
        text.push_str(&format!("{:<16} {}\n", part.name, part.about));
    }
    text
}

fn settings(case: &Case, redactor: &Redactor) -> String {
    let mut head = String::new();
    if !case.left_out.is_empty() {
        head = format!(
            "# These tables could not be used and are missing or at their defaults: {}\n",
            redactor.text(&case.left_out.join(", "))
        );
    }
    match toml::Value::try_from(&case.chosen.settings) {
        Ok(mut value) => {
            redactor.settings(&mut value);
            head + &toml::to_string_pretty(&value).unwrap_or_else(|why| format!("# cannot be written: {why}\n"))
        }
        Err(why) => head + &format!("# cannot be written: {why}\n"),
    }
}

fn versions(findings: &[Finding]) -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("unknown").trim_matches('"');
    let engine = findings.iter().find(|finding| finding.id == "database.opens").and_then(|finding| finding.evidence.first());
    format!(
        "gatepost {}\nsystem {system}\nkernel {}\nprocessor {} ({} threads)\ndatabase {}\n",
        env!("CARGO_PKG_VERSION"),
        kernel.trim(),
        std::env::consts::ARCH,
        std::thread::available_parallelism().map_or(0, usize::from),
        engine.map_or("unknown", String::as_str),
    )
}

/// Only from a database that was found usable: looking must not bring it up to date.
async fn counts(case: &Case) -> String {
    match count(case).await {
        Ok(counts) => counts.into_iter().map(|(table, rows)| format!("{table} {rows}\n")).collect(),
        Err(why) => format!("cannot be counted: {why}\n"),
    }
}

async fn count(case: &Case) -> Result<Vec<(&'static str, i64)>, Error> {
    let url = case.chosen.store_url();
    let seen = store::look::look(&url, &web::migrations()).await?;
    if !seen.missing.is_empty() || seen.unfit.is_some() || !seen.damage.is_empty() || seen.is_locked {
        return Err(Error::Gone("the database is not usable as it stands".into()));
    }
    let settings = DbSettings { url, connections_max: 1, ..DbSettings::default() };
    let db = Db::open(&settings, &web::migrations()).await?;
    let counted = db.read(|tx| Box::pin(async move { super::sql::counts(tx).await })).await;
    db.close();
    counted
}

fn log(wish: &Wish) -> anyhow::Result<String> {
    let text = match &wish.log {
        Some(file) => tail(file).with_context(|| format!("reading the log {}", file.display()))?,
        None => journal(),
    };
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(LOG_LINES_MAX)..].join("\n"))
}

fn tail(file: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(file)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_OCTETS_MAX)))?;
    let mut octets = Vec::new();
    file.take(LOG_OCTETS_MAX).read_to_end(&mut octets)?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

/// The service logs to its standard error, which systemd keeps.
fn journal() -> String {
    let none = |why: &dyn std::fmt::Display| format!("no log: {why}; name a file with --log\n");
    let lines = LOG_LINES_MAX.to_string();
    let mut command = Command::new("journalctl");
    command.args(["--unit", UNIT, "--lines", &lines, "--no-pager", "--output", "short-iso"]);
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(why) => return none(&format!("journalctl: {why}")),
    };
    let Some(out) = child.stdout.take() else { return none(&"journalctl said nothing") };
    let reader = std::thread::spawn(move || {
        let mut octets = Vec::new();
        let _ = out.take(LOG_OCTETS_MAX).read_to_end(&mut octets);
        String::from_utf8_lossy(&octets).into_owned()
    });
    let began = Instant::now();
    while began.elapsed() < JOURNAL_WAIT && matches!(child.try_wait(), Ok(None)) && !reader.is_finished() {
        std::thread::sleep(JOURNAL_POLL);
    }
    let _ = child.kill();
    let _ = child.wait();
    match reader.join() {
        Ok(text) if !text.trim().is_empty() => text,
        _ => none(&"journalctl knows none of the unit gatepost"),
    }
}
