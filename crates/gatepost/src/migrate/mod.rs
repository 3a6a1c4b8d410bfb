//! Settings of other filters as settings of ours: what was taken over, what means something else here, and what could not be taken.
//!
//! In: a folder of settings files. Out: a [`Draft`]: our settings, and a note for every line that was read. Nothing is guessed: a line that
//! is not understood is named with its place and what to do about it. Nothing of the other program is changed.

pub mod postfix;
pub mod rspamd;
pub mod spamassassin;
mod ucl;

#[cfg(test)]
mod folders;

use crate::doctor::{Text, two};
use crate::settings::{self, Settings};
use anyhow::Context;
use gateway::directory::settings::{EntrySettings, OrganisationSettings};
use gateway::directory::{Effect, EntryKind};
use gateway::rules::RuleSettings;
use serde::Serialize;
use std::path::Path;

/// Octets of one file that is read.
const FILE_OCTETS_MAX: u64 = 32 << 20;
/// Entries, recipients and rules that are taken over from all files together.
pub const ROWS_MAX: usize = 100_000;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It stands in the draft and means the same.
    Taken,
    /// It stands in the draft, or is so by itself, and means something else in part: read the note.
    Changed,
    /// It is not in the draft: the note says what to do.
    Left,
    /// There is nothing to take over: it concerns the inside of the other program.
    Unneeded,
}

/// One line of the report.
#[derive(Debug, Clone)]
pub struct Note {
    pub fate: Fate,
    /// File and line.
    pub at: String,
    /// The setting as it was written, shortened.
    pub what: String,
    pub say: Text,
}

/// What a migration makes.
#[derive(Debug, Default)]
pub struct Draft {
    pub settings: Settings,
    pub notes: Vec<Note>,
    /// Name of the organisation that everything belongs to.
    pub organisation: String,
}

/// Longest part of a setting that a note shows.
const SHOWN_CHARS_MAX: usize = 100;

impl Draft {
    pub fn new(organisation: &str) -> Draft {
        let mut draft = Draft { organisation: organisation.to_string(), ..Draft::default() };
        draft.settings.organisation.push(OrganisationSettings { name: organisation.to_string(), ..OrganisationSettings::default() });
        draft
    }

    pub fn note(&mut self, fate: Fate, at: &str, what: &str, english: impl Into<String>, chinese: impl Into<String>) {
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut shown: String = what.chars().take(SHOWN_CHARS_MAX).collect();
        if shown.len() < what.len() {
            shown.push('…');
        }
        self.notes.push(Note { fate, at: at.to_string(), what: shown, say: two(english, chinese) });
    }

    /// The organisation that was made at the start.
    pub fn organisation(&mut self) -> Option<&mut OrganisationSettings> {
        self.settings.organisation.first_mut()
    }

    /// Adds an allow or block entry; one that is there already is not added again. False: its value is none that we take.
    pub fn entry(&mut self, effect: Effect, kind: EntryKind, value: &str, note: &str) -> bool {
        let entry = EntrySettings {
            organisation: self.organisation.clone(),
            effect,
            kind,
            value: value.trim().to_ascii_lowercase(),
            note: note.to_string(),
            ..EntrySettings::default()
        };
        if entry.checked().is_err() || self.settings.entry.len() >= ROWS_MAX {
            return false;
        }
        let is_there = self.settings.entry.iter().any(|one| (one.effect, one.kind, &one.value) == (entry.effect, entry.kind, &entry.value));
        if !is_there {
            self.settings.entry.push(entry);
        }
        true
    }

    /// Adds a rule under a name that is free. The complaint, when it cannot be ours.
    pub fn rule(&mut self, name: &str, mut rule: RuleSettings) -> Result<(), String> {
        let stem: String = name.chars().take(50).collect();
        let is_free = |name: &str| self.settings.rule.iter().all(|other| other.name != name);
        let name = (1..=self.settings.rule.len() + 1)
            .map(|n| if n == 1 { stem.clone() } else { format!("{stem} {n}") })
            .find(|name| is_free(name));
        rule.name = name.unwrap_or(stem);
        rule.organisation = self.organisation.clone();
        rule.priority = self.settings.rule.len() as i64;
        match rule.complaints().into_iter().next() {
            Some(complaint) => Err(complaint),
            None if self.settings.rule.len() >= ROWS_MAX => Err("too many rules".into()),
            None => {
                self.settings.rule.push(rule);
                Ok(())
            }
        }
    }

    pub fn count(&self, fate: Fate) -> usize {
        self.notes.iter().filter(|note| note.fate == fate).count()
    }

    /// Our settings as TOML, only what differs from the defaults. It is read once more: what this writes, `gatepost serve` takes.
    /// # Errors
    /// A setting does not go together with another; that is ours to mend.
    pub fn toml(&self) -> anyhow::Result<String> {
        let settings = toml::Table::try_from(&self.settings)?;
        let defaults = toml::Table::try_from(Settings::default())?;
        let mut out = toml::Table::new();
        for (name, value) in settings {
            let kept = match (&value, defaults.get(&name)) {
                (toml::Value::Table(table), Some(toml::Value::Table(usual))) => toml::Value::Table(changed(table, usual)),
                (toml::Value::Array(rows), _) => {
                    toml::Value::Array(rows.iter().map(|row| row_of(&name, row)).collect::<anyhow::Result<_>>()?)
                }
                _ => value,
            };
            let is_empty = matches!(&kept, toml::Value::Table(table) if table.is_empty())
                || matches!(&kept, toml::Value::Array(rows) if rows.is_empty());
            if !is_empty {
                out.insert(name, kept);
            }
        }
        let text = toml::to_string_pretty(&out)?;
        settings::parse("the draft", &text).context("the draft is not right")?;
        Ok(text)
    }
}

fn changed(table: &toml::Table, usual: &toml::Table) -> toml::Table {
    table.iter().filter(|(key, value)| usual.get(*key) != Some(value)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// One row of `[[name]]` without what is its default.
fn row_of(name: &str, row: &toml::Value) -> anyhow::Result<toml::Value> {
    use gateway::directory::settings::{DomainSettings, RecipientSettings};
    use gateway::directory::{ConnectorSettings, InboundSettings};
    let toml::Value::Table(table) = row else { return Ok(row.clone()) };
    let usual = match name {
        "organisation" => toml::Table::try_from(OrganisationSettings::default())?,
        "domain" => toml::Table::try_from(DomainSettings::default())?,
        "recipient" => toml::Table::try_from(RecipientSettings::default())?,
        "connector" => toml::Table::try_from(ConnectorSettings::default())?,
        "inbound" => toml::Table::try_from(InboundSettings::default())?,
        "entry" => {
            // Its words are the point of an entry, also where they are the usual ones.
            let mut usual = toml::Table::try_from(EntrySettings::default())?;
            usual.retain(|key, _| key != "effect" && key != "kind");
            usual
        }
        "rule" => toml::Table::try_from(RuleSettings::default())?,
        _ => toml::Table::new(),
    };
    Ok(toml::Value::Table(changed(table, &usual)))
}

/// A text file, if it is there.
/// # Errors
/// It is there and cannot be read, or is too long.
pub fn file(path: &Path) -> anyhow::Result<Option<String>> {
    let facts = match std::fs::metadata(path) {
        Ok(facts) if facts.is_file() => facts,
        Ok(_) => return Ok(None),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why).with_context(|| format!("{} cannot be read", path.display())),
    };
    anyhow::ensure!(facts.len() <= FILE_OCTETS_MAX, "{} is longer than {} MiB", path.display(), FILE_OCTETS_MAX >> 20);
    let octets = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Some(String::from_utf8_lossy(&octets).into_owned()))
}

/// A pattern between slashes with its flags, as Postfix, Perl and rspamd write it: ours, and what stands after the closing slash.
pub fn slashed(text: &str) -> Option<(String, String)> {
    let mut chars = text.chars();
    let mark = chars.next().filter(|mark| "/|!,#%{~".contains(*mark))?;
    let close = if mark == '{' { '}' } else { mark };
    let rest = chars.as_str();
    let mut is_escaped = false;
    let end = rest.char_indices().find(|(_, c)| {
        let is_end = *c == close && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_end
    })?;
    // A mark that needed no escape elsewhere: `\/` is a slash.
    let pattern = rest[..end.0].replace(&format!("\\{close}"), &close.to_string());
    Some((pattern, rest[end.0 + close.len_utf8()..].to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_end_where_their_mark_stands_unescaped() {
        for (text, pattern, rest) in [
            ("/abc/i REJECT no", "abc", "i REJECT no"),
            (r"/a\/b/ x", "a/b", " x"),
            (r"/a\\/ x", r"a\\", " x"),
            ("m", "", ""),
            ("{a}i", "a", "i"),
            ("/open", "", ""),
            ("", "", ""),
            ("|a|", "a", ""),
        ] {
            let found = slashed(text).unwrap_or_default();
            assert_eq!((found.0.as_str(), found.1.as_str()), (pattern, rest), "{text}");
        }
    }

    #[test]
    fn an_empty_draft_is_a_right_settings_file_with_its_organisation_alone() {
        let text = Draft::new("shop").toml().expect("right");
        assert_eq!(text.trim(), "[[organisation]]\nname = \"shop\"");
    }
}
