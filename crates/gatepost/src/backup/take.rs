//! Making the copy. Rows come from one snapshot; the folder of bodies is walked before and after, so that a body which a row of the snapshot
//! names is there whether it was new or about to go. A bucket is walked in the same way.

use super::archive::Writer;
use super::{
    BODIES, CHUNK_OCTETS, END, End, FILES, FORMAT, LAST, Last, MANIFEST, Manifest, PAGE_ROWS, ROWS, SEAL, SETTINGS, STATUS_KEY, Step, give,
    lines,
};
use crate::output;
use crate::settings::Chosen;
use anyhow::Context;
use futures_util::future::try_join_all;
use indicatif::ProgressBar;
use serde::Serialize;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use store::bodies::Bodies;
use store::copy::{self, Table};
use store::{Db, Row, Tx};

/// Bodies that are read at the same time: a bucket is far away.
const READ_AT_ONCE: usize = 4;

/// What was copied.
#[derive(Debug, Serialize)]
pub struct Taken {
    pub file: PathBuf,
    pub octets: u64,
    pub rows: u64,
    pub bodies: u64,
    pub files: Vec<String>,
}

/// Copies the installation into a new file. A server may run.
/// # Errors
/// The file is there or cannot be written, the database cannot be read. Nothing is left of an unfinished copy.
pub async fn take(chosen: &Chosen, config: Option<&Path>, to: &Path) -> anyhow::Result<Taken> {
    let taken = taken(chosen, config, to).await;
    if taken.is_err() {
        Writer::give_up(to);
    }
    taken
}

async fn taken(chosen: &Chosen, config: Option<&Path>, to: &Path) -> anyhow::Result<Taken> {
    let store = crate::open::for_command(chosen).await?;
    let mut archive = Writer::new(to)?;
    let at_ms = output::now_ms();
    archive.put(MANIFEST, &serde_json::to_vec_pretty(&manifest(chosen, at_ms))?)?;
    let mut seen = HashSet::new();
    put_bodies(&mut archive, &store.bodies, &mut seen).await?;
    let (mut archive, tables) = put_rows(&store.db, archive).await?;
    put_bodies(&mut archive, &store.bodies, &mut seen).await?;
    let files = put_files(&mut archive, chosen, config)?;
    let end = End { tables, bodies: seen.len() as u64, files };
    archive.put(END, &serde_json::to_vec_pretty(&end)?)?;
    let octets = archive.finish()?;
    note(&chosen.data, &Last { at_ms, file: std::path::absolute(to)?, octets })?;
    Ok(Taken { file: to.to_path_buf(), octets, rows: end.rows(), bodies: end.bodies, files: end.files })
}

fn manifest(chosen: &Chosen, at_ms: i64) -> Manifest {
    let engine = if chosen.store_url().starts_with("sqlite:") { "sqlite" } else { "postgres" };
    // Opening the database ran what was missing: all steps of this program have run.
    let steps =
        web::migrations().iter().map(|step| Step { number: step.number, name: step.name.into(), checksum: step.checksum() }).collect();
    Manifest { format: FORMAT, version: env!("CARGO_PKG_VERSION").into(), at_ms, engine: engine.into(), steps }
}

/// Bodies that are there and not yet in the archive. One that goes meanwhile belongs to a mail that is done.
async fn put_bodies(archive: &mut Writer, bodies: &Bodies, seen: &mut HashSet<String>) -> anyhow::Result<()> {
    let (tell, told) = mpsc::channel();
    // The walk ends when nobody listens any more, and only then.
    bodies.each(move |name| drop(tell.send(name.to_string()))).await?;
    let new: Vec<String> = told.into_iter().filter(|name| !seen.contains(name)).collect();
    let bar = output::progress(new.len() as u64, "bodies");
    for some in new.chunks(READ_AT_ONCE) {
        let read = try_join_all(some.iter().map(|name| bodies.read(name))).await;
        for (name, octets) in some.iter().zip(read.with_context(|| format!("reading bodies from {}", bodies.shown()))?) {
            bar.inc(1);
            let Some(octets) = octets else { continue };
            archive.put(&format!("{BODIES}/{name}"), &octets)?;
            seen.insert(name.clone());
        }
    }
    bar.finish_and_clear();
    Ok(())
}

type Counts = std::collections::BTreeMap<String, u64>;

async fn put_rows(db: &Db, mut archive: Writer) -> anyhow::Result<(Writer, Counts)> {
    db.read(move |tx| {
        Box::pin(async move {
            let mut counts = Counts::new();
            let tables = copy::tables(tx).await?;
            let mut total = 0;
            for table in &tables {
                total += u64::try_from(copy::count(tx, table).await?).unwrap_or(0);
            }
            let bar = output::progress(total, "rows");
            for table in &tables {
                counts.insert(table.name.clone(), put_table(tx, table, &mut archive, &bar).await?);
            }
            bar.finish_and_clear();
            anyhow::Ok((archive, counts))
        })
    })
    .await
}

/// The first line of each entry names the columns.
async fn put_table(tx: &mut Tx, table: &Table, archive: &mut Writer, bar: &ProgressBar) -> anyhow::Result<u64> {
    let head = serde_json::to_string(&table.columns)?;
    let (mut rows, mut chunks, mut text) = (0, 0_u32, String::new());
    let mut last: Option<Row> = None;
    loop {
        let page = copy::page(tx, table, last.as_ref(), PAGE_ROWS).await?;
        let is_end = page.len() < PAGE_ROWS;
        for row in &page {
            if text.is_empty() {
                text.push_str(&head);
                text.push('\n');
            }
            text.push_str(&lines::written(row));
            text.push('\n');
        }
        rows += page.len() as u64;
        bar.inc(page.len() as u64);
        if !text.is_empty() && (is_end || text.len() >= CHUNK_OCTETS) {
            chunks += 1;
            archive.put(&format!("{ROWS}/{}/{chunks:06}.jsonl", table.name), text.as_bytes())?;
            text.clear();
        }
        if is_end {
            return Ok(rows);
        }
        last = page.into_iter().next_back();
    }
}

fn put_files(archive: &mut Writer, chosen: &Chosen, config: Option<&Path>) -> anyhow::Result<Vec<String>> {
    let wanted =
        [(SEAL, Some(chosen.seal_file())), (STATUS_KEY, Some(chosen.data.join(STATUS_KEY))), (SETTINGS, config.map(Path::to_path_buf))];
    let mut put = Vec::new();
    for (name, path) in wanted {
        let Some(path) = path.filter(|path| path.exists()) else { continue };
        let octets = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        archive.put(&format!("{FILES}/{name}"), &octets)?;
        put.push(name.to_string());
    }
    Ok(put)
}

fn note(data: &Path, last: &Last) -> anyhow::Result<()> {
    // With PostgreSQL and bodies elsewhere there may be no data folder on this machine.
    if data.is_dir() {
        let path = data.join(LAST);
        std::fs::write(&path, serde_json::to_vec_pretty(last)?)?;
        give(&path, data)?;
    }
    Ok(())
}
