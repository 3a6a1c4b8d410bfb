//! `gatepost backup` and `gatepost restore`.

use super::{Place, wait};
use crate::backup;
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::Args;
use std::path::{Path, PathBuf};

/// What a copy in a folder is called: `gatepost-20261128T103000Z.tar.zst`.
const PREFIX: &str = "gatepost-";
const ENDING: &str = ".tar.zst";

/// Everything of this installation in one file: database, messages, keys, settings. Works beside a running server. Keep the file as safe as the
/// installation: whoever has it can read its mail.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write; it must not exist.
    #[arg(required_unless_present = "into", conflicts_with = "into")]
    file: Option<PathBuf>,
    /// Write into this folder, under a name with the time.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// With --into: keep so many copies, and remove older ones once the new one is whole.
    #[arg(long, requires = "into", value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Put a backup back: onto an empty machine, into SQLite or PostgreSQL, as the settings say, whichever it came from.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup.
    file: PathBuf,
    /// Only read it through and say what is in it.
    #[arg(long)]
    check: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn take(place: &Place, task: Backup) -> anyhow::Result<Exit> {
    let chosen = place.existing()?;
    let to = match (task.file, &task.into) {
        (Some(file), _) => file,
        (None, Some(folder)) => {
            std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
            folder.join(format!("{PREFIX}{}{ENDING}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ")))
        }
        (None, None) => return Err(WrongUse("name a file, or a folder with --into".into()).into()),
    };
    let taken = wait(backup::take(&chosen, place.config.as_deref(), &to))?;
    let removed = match (task.into, task.keep) {
        (Some(folder), Some(keep)) => remove_older(&folder, usize::from(keep))?,
        _ => Vec::new(),
    };
    if task.json {
        output::json(&taken)?;
        return Ok(Exit::Done);
    }
    let mib = taken.octets as f64 / f64::from(1 << 20);
    output::line(&format!(
        "{}: {} rows, {} large messages, {}; {mib:.1} MiB.",
        taken.file.display(),
        taken.rows,
        taken.bodies,
        taken.files.join(", ")
    ))?;
    for file in removed {
        output::line(&format!("Removed {}.", file.display()))?;
    }
    Ok(Exit::Done)
}

/// All but the newest `keep`; names sort by time.
fn remove_older(folder: &Path, keep: usize) -> anyhow::Result<Vec<PathBuf>> {
    let is_ours = |name: &str| name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(ENDING)).is_some_and(|time| time.len() == 16);
    let mut copies = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(is_ours) {
            copies.push(path);
        }
    }
    copies.sort_unstable();
    copies.truncate(copies.len().saturating_sub(keep));
    for path in &copies {
        std::fs::remove_file(path).with_context(|| format!("{} cannot be removed", path.display()))?;
    }
    Ok(copies)
}

pub fn restore(place: &Place, task: Restore) -> anyhow::Result<Exit> {
    let done = match task.check {
        true => backup::check(&task.file)?,
        false => wait(backup::restore(&place.chosen()?, &task.file))?,
    };
    if task.json {
        output::json(&done)?;
        return Ok(Exit::Done);
    }
    let files = done.files.join(", ");
    output::line(&format!(
        "Made {} by Gatepost {} on {}: {} rows, {} large messages, {files}.",
        done.made_at, done.version, done.engine, done.rows, done.bodies
    ))?;
    if task.check {
        return output::line("It is whole.").map(|()| Exit::Done);
    }
    output::line(
        "Restored. Mail that was queued when the copy was made is delivered once the service starts, also what was delivered since.",
    )?;
    output::line("Look at it with gatepost doctor, then start the service.")?;
    Ok(Exit::Done)
}
