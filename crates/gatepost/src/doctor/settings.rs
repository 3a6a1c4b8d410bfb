//! The settings file: readable, right, and not open to everybody when secrets stand in it.

use super::redact::Secrets;
use super::{Case, Finding, Repair, two};
use crate::settings::{self, Chosen, Settings};
use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A longer file is not a settings file.
const OCTETS_MAX: u64 = 16 << 20;

/// Reads what can be read of the settings.
pub fn open(config: Option<PathBuf>, data: PathBuf, now_ms: i64) -> Case {
    let (settings, left_out, found) = match &config {
        None => (Settings::default(), Vec::new(), vec![without_file()]),
        Some(file) => read(file),
    };
    Case { chosen: Chosen { settings, data }, config, left_out, settings: found, ask_time: None, now_ms }
}

fn without_file() -> Finding {
    let said = two("No settings file is named; the defaults hold.", "未指定设置文件，使用默认设置。");
    Finding::ok("settings.file", "defaults", said)
}

fn read(file: &Path) -> (Settings, Vec<String>, Vec<Finding>) {
    let shown = file.display().to_string();
    let size = std::fs::metadata(file).map(|facts| facts.len());
    let text = match size {
        Ok(octets) if octets > OCTETS_MAX => Err(std::io::Error::other("too long for a settings file")),
        Ok(_) => std::fs::read_to_string(file),
        Err(why) => Err(why),
    };
    let text = match text {
        Ok(text) => text,
        Err(why) => {
            let found = Finding::problem(
                "settings.file",
                &shown,
                two("The settings file cannot be read.", "无法读取设置文件。"),
                two(
                    "Name the right file with --config, or make it readable for the account that runs the service.",
                    "请用 --config 指定正确的文件，或让运行服务的账户能够读取它。",
                ),
            );
            return (Settings::default(), vec!["*".into()], vec![found.seen(why)]);
        }
    };
    let secrets = Secrets::of(&text);
    let mut found: Vec<Finding> = open_to_others(file, &secrets).into_iter().collect();
    match settings::parse(&shown, &text) {
        Ok(settings) => {
            found.insert(0, Finding::ok("settings.file", &shown, two("The settings are right.", "设置正确。")));
            found.extend(twice(&shown, &settings));
            (settings, Vec::new(), found)
        }
        Err(why) => {
            let wrong = why.0.lines().fold(
                Finding::problem(
                    "settings.file",
                    &shown,
                    two("The settings are wrong; the service does not start with them.", "设置有误，服务无法启动。"),
                    two(
                        "Correct what is named below; gatepost config reference explains every setting.",
                        "请更正下面列出的内容；gatepost config reference 会解释每一项设置。",
                    ),
                ),
                |finding, line| finding.seen(secrets.hide(line)),
            );
            found.insert(0, wrong);
            let (settings, left_out) = what_can_be_used(&text, &why.0);
            (settings, left_out, found)
        }
    }
}

/// A domain, connector or organisation that is named twice: a start takes the last without a word.
fn twice(shown: &str, settings: &Settings) -> Option<Finding> {
    let domains = settings.domain.iter().map(|one| format!("[[domain]] {}", one.name.to_lowercase()));
    let connectors = settings.connector.iter().map(|one| format!("[[connector]] {}", one.name));
    let organisations = settings.organisation.iter().map(|one| format!("[[organisation]] {}", one.name));
    let mut seen = HashSet::new();
    let again: Vec<String> = domains.chain(connectors).chain(organisations).filter(|name| !seen.insert(name.clone())).collect();
    if again.is_empty() {
        return None;
    }
    let said = two("A name stands there twice; only the last one counts.", "有名称重复出现，只有最后一处生效。");
    let todo = two("Take one of the two out, or put them together.", "请删除其中一处，或把两处合并。");
    Some(again.iter().fold(Finding::problem("settings.twice", shown, said, todo), Finding::seen))
}

/// The tables that are right by themselves, and the names of the others.
fn what_can_be_used(text: &str, complaint: &str) -> (Settings, Vec<String>) {
    let Ok(whole) = text.parse::<toml::Table>() else { return (Settings::default(), vec!["*".into()]) };
    let (mut kept, mut left_out) = (toml::Table::new(), Vec::new());
    for (name, value) in whole {
        let alone = toml::Table::from_iter([(name.clone(), value.clone())]);
        match toml::Value::Table(alone).try_into::<Settings>() {
            Ok(_) if !complaint.contains(&format!("[{name}]")) => {
                kept.insert(name, value);
            }
            _ => left_out.push(name),
        }
    }
    match toml::Value::Table(kept).try_into::<Settings>() {
        Ok(settings) => (settings, left_out),
        Err(_) => (Settings::default(), vec!["*".into()]),
    }
}

const OTHERS: u32 = 0o007;

fn open_to_others(file: &Path, secrets: &Secrets) -> Option<Finding> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    if mode & OTHERS == 0 || secrets.is_empty() {
        return None;
    }
    let said = two(
        "Passwords stand in the settings file, and everybody on this machine can read it.",
        "设置文件里有密码，而这台机器上的任何人都能读取它。",
    );
    let todo = two("Take the rights of others away (chmod o-rwx).", "去掉其他用户的权限（chmod o-rwx）。");
    let found = Finding::problem("settings.mode", file.display(), said, todo).seen(format!("mode {mode:03o}"));
    Some(found.repaired_by(Repair::Mode { path: file.to_path_buf(), mode: mode & !OTHERS }))
}
