//! Putting a copy back: onto an empty installation only, all rows in one transaction, counted before it commits.

use super::archive::{Entry, each};
use super::{BODIES, End, FILES, Manifest, SEAL, SETTINGS, STATUS_KEY, Step, give, lines};
use crate::open::without_password;
use crate::output;
use crate::settings::Chosen;
use anyhow::{Context, bail, ensure};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use store::copy::{self, Table};
use store::{Db, DbSettings, Migration, Tx};

/// Tables that have rows once somebody used an installation.
const USED: [&str; 4] = ["audit", "organisation", "person", "mail"];

/// What an archive holds, or what was put back.
#[derive(Debug, Serialize)]
pub struct Restored {
    pub made_at: String,
    pub version: String,
    pub engine: String,
    pub rows: u64,
    pub bodies: u64,
    pub files: Vec<String>,
    /// Steps of the schema that this program has and the archive had not.
    pub newer_steps: usize,
}

/// Reads the whole archive and says what is in it.
/// # Errors
/// It is no backup, damaged, cut off, or made by a newer program.
pub fn check(path: &Path) -> anyhow::Result<Restored> {
    let (manifest, end) = looked(path)?;
    let steps = steps(&manifest)?;
    Ok(told(manifest, end, web::migrations().len() - steps.len()))
}

fn told(manifest: Manifest, end: End, newer_steps: usize) -> Restored {
    let Manifest { version, engine, at_ms, .. } = manifest;
    Restored { made_at: output::time(at_ms), version, engine, rows: end.rows(), bodies: end.bodies, files: end.files, newer_steps }
}

/// Puts the archive back where the settings point to.
/// # Errors
/// As [`check`]; or the installation is not empty, another key seals its secrets, the database refuses. A database that was made for it goes
/// away again, so it can be tried once more.
pub async fn restore(chosen: &Chosen, path: &Path) -> anyhow::Result<Restored> {
    let (manifest, end) = looked(path)?;
    let steps = steps(&manifest)?;
    let newer_steps = web::migrations().len() - steps.len();
    let url = chosen.store_url();
    let made = url.strip_prefix("sqlite:").map(PathBuf::from);
    if let Some(file) = &made {
        ensure!(!file.exists(), "there is a database at {} already: stop the service and move its data folder away first", file.display());
    }
    free(chosen).await?;
    std::fs::create_dir_all(&chosen.data).with_context(|| format!("the data folder {} cannot be made", chosen.data.display()))?;
    put_files(chosen, path)?;
    put_bodies(chosen, path, end.bodies).await?;
    let put = put_database(&url, &steps, path, &end).await;
    if put.is_err()
        && let Some(file) = &made
    {
        remove(file);
    }
    put?;
    if let Some(file) = &made {
        for part in parts(file).iter().filter(|part| part.exists()) {
            give(part, &chosen.data)?;
        }
    }
    Ok(told(manifest, end, newer_steps))
}

/// A bucket must be nobody's: whoever owns it would remove what is put there, and be robbed by the new one.
async fn free(chosen: &Chosen) -> anyhow::Result<()> {
    if chosen.bodies_folder().is_some() {
        return Ok(());
    }
    let bodies = crate::open::bodies(chosen)?;
    if bodies.owned_by().await?.is_some() {
        bail!(
            "{} belongs to another installation: name another folder in [store] bodies. If that installation is gone for good, remove the object \
             gatepost-owner there",
            bodies.shown()
        );
    }
    Ok(())
}

/// First and last entry, after every one was read.
fn looked(path: &Path) -> anyhow::Result<(Manifest, End)> {
    let (mut manifest, mut end, mut found) = (None, End::default(), End::default());
    each(path, |entry| {
        match entry {
            Entry::Manifest(first) => manifest = Some(first),
            Entry::Rows { table, lines } => {
                *found.tables.entry(table.to_string()).or_default() += lines.lines().count().saturating_sub(1) as u64
            }
            Entry::Body { .. } => found.bodies += 1,
            Entry::File { name, .. } => found.files.push(name.to_string()),
            Entry::End(last) => end = last,
        }
        Ok(())
    })?;
    for table in end.tables.keys() {
        found.tables.entry(table.clone()).or_default();
    }
    ensure!(found == end, "{} does not hold what its end says: take another copy", path.display());
    Ok((manifest.context("no first entry")?, end))
}

/// The steps that the archive's installation had run, of those we have.
fn steps(manifest: &Manifest) -> anyhow::Result<Vec<Migration>> {
    let ours: BTreeMap<u32, Migration> = web::migrations().into_iter().map(|step| (step.number, step)).collect();
    let one = |step: &Step| match ours.get(&step.number) {
        Some(known) if known.checksum() == step.checksum => Ok(*known),
        _ => bail!(
            "it was made by Gatepost {}, whose step {} of the schema (“{}”) this program does not have; restore it with that version or a later one",
            manifest.version,
            step.number,
            step.name
        ),
    };
    manifest.steps.iter().map(one).collect()
}

fn put_files(chosen: &Chosen, path: &Path) -> anyhow::Result<()> {
    each(path, |entry| {
        let Entry::File { name, octets } = entry else { return Ok(()) };
        match name {
            SEAL => put_file(&chosen.seal_file(), &octets, chosen),
            STATUS_KEY => put_file(&chosen.data.join(STATUS_KEY), &octets, chosen),
            // The settings of the machine that is restored to count; the old ones lie beside for reading.
            SETTINGS => put_file(&chosen.data.join("restored-gatepost.toml"), &octets, chosen),
            other => bail!("{}: {FILES}/{other} is not known", path.display()),
        }
    })
}

fn put_file(to: &Path, octets: &[u8], chosen: &Chosen) -> anyhow::Result<()> {
    if let Ok(there) = std::fs::read(to) {
        ensure!(there == octets, "{} is there already and is another one; move it away first", to.display());
        return Ok(());
    }
    let put = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
        file.write_all(octets)?;
        file.sync_all()?;
        to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
        give(to, &chosen.data)
    };
    put().with_context(|| format!("{} cannot be written", to.display()))
}

async fn put_bodies(chosen: &Chosen, path: &Path, count: u64) -> anyhow::Result<()> {
    let bodies = crate::open::bodies(chosen)?;
    let bar = output::progress(count, "bodies");
    // The archive is read on a thread of its own, one body ahead.
    let (send, mut take) = tokio::sync::mpsc::channel::<(String, Vec<u8>)>(1);
    let from = path.to_path_buf();
    let reading = tokio::task::spawn_blocking(move || {
        each(&from, |entry| match entry {
            Entry::Body { name, octets } => Ok(send.blocking_send((name.to_string(), octets))?),
            _ => Ok(()),
        })
    });
    while let Some((name, octets)) = take.recv().await {
        bodies.put(&name, &octets.into()).await.with_context(|| format!("{BODIES}/{name}"))?;
        if let Some(folder) = bodies.folder() {
            for part in folder.join(&name).ancestors().take(4) {
                give(part, &chosen.data)?;
            }
        }
        bar.inc(1);
    }
    reading.await??;
    bar.finish_and_clear();
    bodies.folder().map_or(Ok(()), |folder| Ok(give(folder, &chosen.data)?))
}

async fn put_database(url: &str, steps: &[Migration], path: &Path, end: &End) -> anyhow::Result<()> {
    let settings = DbSettings { url: url.to_string(), ..DbSettings::default() };
    let opened = Db::open(&settings, steps).await;
    let db = opened.with_context(|| format!("the database {} cannot be made as it was", without_password(url)))?;
    let (path, end) = (path.to_path_buf(), end.clone());
    let put = db.tx(move |tx| Box::pin(async move { put_rows(tx, &path, &end).await })).await;
    db.close();
    put?;
    // Now the steps that are newer than the archive.
    let db = Db::open(&settings, &web::migrations()).await.context("bringing the restored database up to date")?;
    db.close();
    Ok(())
}

async fn put_rows(tx: &mut Tx, path: &Path, end: &End) -> anyhow::Result<()> {
    let tables: BTreeMap<String, Table> = copy::tables(tx).await?.into_iter().map(|table| (table.name.clone(), table)).collect();
    for table in tables.values() {
        let is_used = USED.contains(&table.name.as_str()) && copy::count(tx, table).await? > 0;
        ensure!(!is_used, "the database is in use: table {} has rows. Restore into an empty database", table.name);
    }
    for table in tables.values() {
        // Rows that a step put in; those of the archive take their place.
        copy::empty(tx, table).await?;
    }
    let bar = output::progress(end.rows(), "rows");
    let (send, take) = std::sync::mpsc::sync_channel::<(String, String)>(1);
    let from = path.to_path_buf();
    let reading = std::thread::spawn(move || {
        each(&from, |entry| match entry {
            Entry::Rows { table, lines } => Ok(send.send((table.to_string(), lines))?),
            _ => Ok(()),
        })
    });
    for (name, lines) in take {
        let table = tables.get(&name).with_context(|| format!("the schema has no table {name}"))?;
        bar.inc(put_chunk(tx, table, &lines).await?);
    }
    reading.join().map_err(|_| anyhow::anyhow!("reading the archive ended"))??;
    bar.finish_and_clear();
    for (name, wanted) in &end.tables {
        let table = tables.get(name).with_context(|| format!("the schema has no table {name}"))?;
        let put = copy::count(tx, table).await?;
        ensure!(u64::try_from(put) == Ok(*wanted), "table {name} has {put} rows instead of {wanted}");
    }
    Ok(())
}

/// The rows of one entry; their count.
async fn put_chunk(tx: &mut Tx, table: &Table, text: &str) -> anyhow::Result<u64> {
    let mut all = text.lines();
    let columns: Vec<String> = serde_json::from_str(all.next().unwrap_or_default()).context("the names of the columns cannot be read")?;
    ensure!(columns == table.columns, "table {} has other columns than the archive", table.name);
    let mut count = 0;
    let mut all = all.peekable();
    while all.peek().is_some() {
        let some = all
            .by_ref()
            .take(super::PAGE_ROWS)
            .map(|line| lines::read(line).with_context(|| format!("a row of {} cannot be read", table.name)));
        let some = some.collect::<anyhow::Result<Vec<_>>>()?;
        copy::put(tx, table, &some).await?;
        count += some.len() as u64;
    }
    Ok(count)
}

/// The files of an SQLite database.
fn parts(file: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", file.display())))
}

fn remove(file: &Path) {
    for part in parts(file) {
        // What was never made cannot be removed; the error that is returned says what counts.
        let _ = std::fs::remove_file(part);
    }
}
