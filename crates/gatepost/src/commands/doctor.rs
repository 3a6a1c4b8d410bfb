//! `gatepost doctor`: what is wrong with this installation, and repairs that are safe. Needs neither the service nor its database.

use super::{DATA, DEMO_DATA, Place, wait};
use crate::doctor::{self, Case, Finding, Outcome, bundle, client};
use crate::output::{self, Exit};
use clap::{Args, Subcommand};
use gateway::receipt::Language;
use serde::Serialize;
use std::io::{BufRead, Write};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Doctor {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Print JSON, one finding a line.
    #[arg(long)]
    json: bool,
    /// Repair what is safe to repair, asking about each.
    #[arg(long)]
    fix: bool,
    /// With --fix: do not ask.
    #[arg(long, requires = "fix")]
    yes: bool,
    /// Compare the clock with this web server (host, or host:port).
    #[arg(long, value_name = "HOST")]
    ask_time: Option<String>,
    /// Language: en or zh. Default: that of the terminal.
    #[arg(long)]
    lang: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write a support bundle: settings without secrets, findings, versions, counts, last log lines.
    Bundle(Bundle),
    /// Look from a person's machine: can mail be sent and read from here. Needs no installation.
    Client(Client),
}

#[derive(Debug, Args)]
struct Bundle {
    /// The file to write, a tar.gz; it must not exist.
    #[arg(required_unless_present = "preview")]
    file: Option<PathBuf>,
    /// Print what would be inside, and write nothing.
    #[arg(long)]
    preview: bool,
    /// Leave mail and network addresses readable.
    #[arg(long)]
    addresses: bool,
    /// Take log lines from this file instead of the journal.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Client {
    /// Name of the mail server, such as mail.example.com.
    host: String,
    /// Where mail is handed in with STARTTLS: host:port, or "off". Default: port 587 of the mail server.
    #[arg(long, value_name = "HOST:PORT")]
    submission: Option<String>,
    /// Where mail is handed in with TLS from the start: host:port, or "off". Default: port 465.
    #[arg(long, value_name = "HOST:PORT")]
    submission_tls: Option<String>,
    /// Where mail is read by IMAP with TLS: host:port, or "off". Default: port 993.
    #[arg(long, value_name = "HOST:PORT")]
    imap: Option<String>,
    /// The sign-in page: host:port, or "off". Default: port 443.
    #[arg(long, value_name = "HOST:PORT")]
    web: Option<String>,
    /// Part of the name of who should have signed the certificates; another one is a problem.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// A root of the organisation's own to trust besides the public ones, as PEM.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// Print JSON, one finding a line.
    #[arg(long)]
    json: bool,
    /// Language: en or zh. Default: that of the terminal.
    #[arg(long)]
    lang: Option<String>,
}

/// One finding as JSON.
#[derive(Debug, Serialize)]
pub struct FindingBody {
    id: &'static str,
    result: Outcome,
    looked_at: String,
    said: String,
    evidence: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
    /// What --fix would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<String>,
}

impl FindingBody {
    pub fn of(finding: &Finding, language: Language) -> FindingBody {
        FindingBody {
            id: finding.id,
            result: finding.outcome,
            looked_at: finding.looked_at.clone(),
            said: finding.said.say(language).into(),
            evidence: finding.evidence.clone(),
            todo: finding.todo.as_ref().map(|todo| todo.say(language).into()),
            repair: finding.repair.as_ref().map(|repair| repair.what().say(language).into()),
        }
    }
}

pub fn run(place: &Place, asked: Doctor) -> anyhow::Result<Exit> {
    if let Some(Verb::Client(wish)) = asked.verb {
        return from_here(wish);
    }
    let mut case = doctor::open(place.config.clone(), folder(place), output::now_ms());
    case.ask_time = asked.ask_time.clone();
    if let Some(Verb::Bundle(wish)) = asked.verb {
        return pack(&case, wish);
    }
    let language = language(asked.lang.as_deref());
    let findings = examined(&case, &asked, language)?;
    if asked.fix {
        return repair(&case, &asked, &findings, language);
    }
    if !asked.json {
        close(&findings, language)?;
    }
    Ok(exit(&findings))
}

pub fn language(asked: Option<&str>) -> Language {
    Language::of(&asked.map(str::to_string).or_else(|| std::env::var("LANG").ok()).unwrap_or_default())
}

/// As the commands that work beside a server choose it, but without reading the settings.
fn folder(place: &Place) -> PathBuf {
    match &place.data {
        Some(data) => data.clone(),
        None if place.config.is_none() && !PathBuf::from(DATA).exists() && PathBuf::from(DEMO_DATA).exists() => DEMO_DATA.into(),
        None => DATA.into(),
    }
}

fn examined(case: &Case, asked: &Doctor, language: Language) -> anyhow::Result<Vec<Finding>> {
    let mut told = Ok(());
    let findings = wait(async {
        Ok(doctor::examine(case, |finding| {
            if told.is_ok() {
                told = match asked.json {
                    true => output::json(&FindingBody::of(finding, language)),
                    false => show(finding, language),
                };
            }
        })
        .await)
    })?;
    told.map(|()| findings)
}

fn exit(findings: &[Finding]) -> Exit {
    if findings.iter().any(|finding| finding.outcome == Outcome::Problem) { Exit::No } else { Exit::Done }
}

fn word(outcome: Outcome, language: Language) -> &'static str {
    match (outcome, language) {
        (Outcome::Ok, Language::English) => "ok",
        (Outcome::Problem, Language::English) => "PROBLEM",
        (Outcome::CannotTell, Language::English) => "cannot tell",
        (Outcome::Ok, Language::Chinese) => "正常",
        (Outcome::Problem, Language::Chinese) => "问题",
        (Outcome::CannotTell, Language::Chinese) => "无法判断",
    }
}

fn show(finding: &Finding, language: Language) -> anyhow::Result<()> {
    let said = format!("[{}] {} {}: {}", word(finding.outcome, language), finding.id, finding.looked_at, finding.said.say(language));
    output::line(&output::printable_line(&said))?;
    for evidence in &finding.evidence {
        output::line(&output::printable_line(&format!("    {evidence}")))?;
    }
    if let Some(todo) = &finding.todo {
        output::line(&output::printable_line(&format!("    -> {}", todo.say(language))))?;
    }
    Ok(())
}

fn close(findings: &[Finding], language: Language) -> anyhow::Result<()> {
    let problems = findings.iter().filter(|finding| finding.outcome == Outcome::Problem).count();
    let repairs = findings.iter().filter(|finding| finding.repair.is_some()).count();
    let text = match (language, problems, repairs) {
        (Language::English, 0, _) => "No problem found.".into(),
        (Language::Chinese, 0, _) => "没有发现问题。".into(),
        (Language::English, _, 0) => format!("{problems} of {} checks found a problem.", findings.len()),
        (Language::Chinese, _, 0) => format!("{} 项检查中有 {problems} 项发现问题。", findings.len()),
        (Language::English, ..) => {
            format!("{problems} of {} checks found a problem; gatepost doctor --fix can repair {repairs} of them.", findings.len())
        }
        (Language::Chinese, ..) => {
            format!("{} 项检查中有 {problems} 项发现问题；其中 {repairs} 项可用 gatepost doctor --fix 修复。", findings.len())
        }
    };
    output::line("")?;
    output::line(&text)
}

/// Asks about each repair, does it, and looks again.
fn repair(case: &Case, asked: &Doctor, findings: &[Finding], language: Language) -> anyhow::Result<Exit> {
    let chinese = language == Language::Chinese;
    for repair in findings.iter().filter_map(|finding| finding.repair.as_ref()) {
        let what = output::printable_line(repair.what().say(language));
        if !asked.yes && !agreed(&what, chinese)? {
            continue;
        }
        let done = wait(repair.apply(&case.chosen));
        let text = match (&done, chinese) {
            (Ok(()), false) => format!("done: {what}"),
            (Ok(()), true) => format!("已完成：{what}"),
            (Err(why), false) => format!("NOT done: {what}: {why:#}"),
            (Err(why), true) => format!("未完成：{what}：{why:#}"),
        };
        eprintln!("{}", output::printable_line(&text));
    }
    let mut again = doctor::open(case.config.clone(), case.chosen.data.clone(), output::now_ms());
    again.ask_time = case.ask_time.clone();
    eprintln!("{}", if chinese { "再次检查：" } else { "Looking again:" });
    let findings = examined(&again, asked, language)?;
    if !asked.json {
        close(&findings, language)?;
    }
    Ok(exit(&findings))
}

/// No answer is a no.
fn agreed(what: &str, chinese: bool) -> anyhow::Result<bool> {
    let question = if chinese { format!("是否{what}？[y/N] ") } else { format!("Shall I {what}? [y/N] ") };
    eprint!("{question}");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "是"))
}

/// From a person's machine.
fn from_here(asked: Client) -> anyhow::Result<Exit> {
    let language = language(asked.lang.as_deref());
    let place = |given: &Option<String>, port: u16| match given.as_deref() {
        Some("off") => Ok(None),
        Some(given) => client::Place::read(given, port).map(Some),
        None => client::Place::read(&asked.host, port).map(Some),
    };
    let wish = client::Wish {
        submission: place(&asked.submission, client::SUBMISSION_PORT)?,
        submission_tls: place(&asked.submission_tls, client::SUBMISSION_TLS_PORT)?,
        imap: place(&asked.imap, client::IMAP_PORT)?,
        web: place(&asked.web, client::WEB_PORT)?,
        issuer: asked.issuer.clone().unwrap_or_default(),
        roots: asked.root.as_deref().map(client::roots).transpose()?.unwrap_or_default(),
        now_ms: output::now_ms,
    };
    let is_json = asked.json;
    let mut told = Ok(());
    let findings = wait(async {
        client::examine(&wish, |finding| {
            if told.is_ok() {
                told = if is_json { output::json(&FindingBody::of(finding, language)) } else { show(finding, language) };
            }
        })
        .await
    })?;
    told?;
    if !is_json {
        close(&findings, language)?;
    }
    Ok(exit(&findings))
}

fn pack(case: &Case, asked: Bundle) -> anyhow::Result<Exit> {
    let wish = bundle::Wish { shows_addresses: asked.addresses, log: asked.log };
    let parts = wait(async {
        let findings = doctor::examine(case, |_| ()).await;
        bundle::parts(case, &findings, &wish).await
    })?;
    match asked.file {
        Some(file) if !asked.preview => {
            bundle::write(&file, &parts, case.now_ms)?;
            output::line(&format!("{} written; look through it before you send it", file.display()))?;
            for part in &parts {
                output::line(&format!("  {:<16} {:>8} octets  {}", part.name, part.text.len(), part.about))?;
            }
        }
        _ => {
            for part in &parts {
                output::line(&format!("==> {} ({})", part.name, part.about))?;
                part.text.lines().try_for_each(|line| output::line(&output::printable_line(line)))?;
                output::line("")?;
            }
        }
    }
    Ok(Exit::Done)
}
