//! Bodies in a folder: one file each.
//!
//! Invariant: once [`Folder::put`] returned, file and name survive a power cut (temporary file, fdatasync, rename, fsync of the folder; or
//! a name made durable ahead, then fdatasync).

use crate::Error;
use bytes::Bytes;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::task::JoinHandle;

/// Ending of a file that is still being written.
const UNFINISHED: &str = ".new";
/// Folders whose fsyncs are shared at the same time; the map is emptied of idle ones beyond this.
const FOLDERS_REMEMBERED_MAX: usize = 64;

pub(super) struct Folder {
    pub(super) root: PathBuf,
    /// Held while a folder is made, so that nobody uses one whose own name is not durable yet.
    making: Mutex<()>,
    syncs: Mutex<HashMap<PathBuf, Arc<SharedSync>>>,
    /// Files that are being made ahead; each as long as its [`Ahead`].
    reserved: Mutex<HashMap<PathBuf, JoinHandle<io::Result<()>>>>,
}

/// The file of a body, made ahead. It goes away with this unless [`Folder::put`] used it.
pub(super) struct Ahead {
    folder: Arc<Folder>,
    path: PathBuf,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        let Some(made) = self.folder.reserved().remove(&self.path) else { return };
        let path = std::mem::take(&mut self.path);
        // Without a runtime the program ends: a sweep finds the file.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if matches!(made.await, Ok(Ok(()))) {
                    let _ = blocking(move || gone(fs::remove_file(&path)).map_err(|why| failed(&path, &why))).await;
                }
            });
        }
    }
}

impl Folder {
    /// Opens the folder, creating it when missing.
    pub(super) fn open(root: &Path) -> Result<Folder, Error> {
        fs::create_dir_all(root).map_err(|why| failed(root, &why))?;
        let folder = Folder { root: root.to_path_buf(), making: Mutex::default(), syncs: Mutex::default(), reserved: Mutex::default() };
        if let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) {
            folder.sync(above).map_err(|why| failed(above, &why))?;
        }
        Ok(folder)
    }

    /// Begins to make the file of a body that may come. Wants a runtime; an error of the disk shows in [`Folder::put`].
    pub(super) fn reserve(self: &Arc<Self>, name: &str) -> Ahead {
        let path = self.root.join(name);
        let (folder, file) = (self.clone(), path.clone());
        let made = tokio::task::spawn_blocking(move || folder.make_ahead(&file));
        self.reserved().insert(path.clone(), made);
        Ahead { folder: self.clone(), path }
    }

    pub(super) async fn put(self: &Arc<Self>, name: &str, octets: &Bytes) -> Result<(), Error> {
        let (folder, path, octets) = (self.clone(), self.root.join(name), octets.clone());
        let made = self.reserved().remove(&path);
        let is_made = match made {
            Some(made) => matches!(made.await, Ok(Ok(()))),
            None => false,
        };
        blocking(move || {
            let filled = is_made.then(|| folder.fill(&path, &octets));
            let done = match filled {
                Some(Err(why)) if why.kind() == io::ErrorKind::NotFound => folder.write(&path, &octets), // swept meanwhile
                Some(done) => done,
                None => folder.write(&path, &octets),
            };
            done.map_err(|why| failed(&path, &why))
        })
        .await
    }

    pub(super) async fn read(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let path = self.root.join(name);
        blocking(move || match fs::read(&path) {
            Ok(octets) => Ok(Some(Bytes::from(octets))),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(failed(&path, &why)),
        })
        .await
    }

    /// Not fsynced: what comes back after a power cut, [`Folder::sweep`] finds.
    pub(super) async fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.root.join(name);
        blocking(move || gone(fs::remove_file(&path)).map_err(|why| failed(&path, &why))).await
    }

    /// Removes folders left empty, too.
    pub(super) async fn sweep(self: &Arc<Self>, keep: impl Fn(&str) -> bool + Send + 'static, older_than: Duration) -> Result<u64, Error> {
        let folder = self.clone();
        blocking(move || {
            let mut removed = 0;
            let before = SystemTime::now().checked_sub(older_than).unwrap_or(SystemTime::UNIX_EPOCH);
            folder.walk(&mut |name, path, facts| {
                let is_old = facts.modified()? <= before;
                if is_old && (name.ends_with(UNFINISHED) || !keep(name)) {
                    gone(fs::remove_file(path))?;
                    removed += 1;
                }
                Ok(())
            })?;
            Ok(removed)
        })
        .await
    }

    pub(super) async fn each(self: &Arc<Self>, mut see: impl FnMut(&str) + Send + 'static) -> Result<(), Error> {
        let folder = self.clone();
        blocking(move || {
            folder.walk(&mut |name, _, _| {
                if !name.ends_with(UNFINISHED) {
                    see(name);
                }
                Ok(())
            })
        })
        .await
    }

    fn reserved(&self) -> MutexGuard<'_, HashMap<PathBuf, JoinHandle<io::Result<()>>>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty file whose name is durable.
    fn make_ahead(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        self.make(folder)?;
        File::create_new(path)?;
        self.sync(folder)
    }

    /// Octets into a file that was reserved. Nothing names it before this is done, so nobody reads half of it.
    fn fill(&self, path: &Path, octets: &[u8]) -> io::Result<()> {
        let mut file = File::options().write(true).truncate(true).open(path)?;
        let written = file.write_all(octets).and_then(|()| file.sync_data());
        written.inspect_err(|_| {
            let _ = fs::remove_file(path);
        })
    }

    fn write(&self, path: &Path, octets: &[u8]) -> io::Result<()> {
        match self.write_once(path, octets) {
            // A sweep took the folder, which was empty, between making and using it.
            Err(why) if why.kind() == io::ErrorKind::NotFound => self.write_once(path, octets),
            done => done,
        }
    }

    fn write_once(&self, path: &Path, octets: &[u8]) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        self.make(folder)?;
        let unfinished = PathBuf::from(format!("{}{UNFINISHED}", path.display()));
        let write = || -> io::Result<()> {
            let mut file = File::create(&unfinished)?;
            file.write_all(octets)?;
            file.sync_data()?;
            fs::rename(&unfinished, path)
        };
        write().inspect_err(|_| {
            // Room for others on a full disk; the error that is returned says more.
            let _ = fs::remove_file(&unfinished);
        })?;
        self.sync(folder)
    }

    /// Makes a folder and its parent durable before the first file is put into it.
    fn make(&self, folder: &Path) -> io::Result<()> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if folder.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.root)) {
            self.sync(above)?;
        }
        Ok(())
    }

    fn sync(&self, folder: &Path) -> io::Result<()> {
        let shared = {
            let mut syncs = self.syncs.lock().unwrap_or_else(PoisonError::into_inner);
            if syncs.len() >= FOLDERS_REMEMBERED_MAX {
                syncs.retain(|_, sync| Arc::strong_count(sync) > 1);
            }
            syncs.entry(folder.to_path_buf()).or_default().clone()
        };
        shared.sync(folder)
    }

    fn walk(&self, see: &mut dyn FnMut(&str, &Path, &fs::Metadata) -> io::Result<()>) -> Result<(), Error> {
        for day in listed(&self.root)? {
            for slot in listed(&day)? {
                for file in listed(&slot)? {
                    let Ok(name) = file.strip_prefix(&self.root) else { continue };
                    let Some(name) = name.to_str() else { continue };
                    let seen = match fs::metadata(&file) {
                        Ok(facts) if facts.is_file() => see(name, &file, &facts),
                        Ok(_) => Ok(()),
                        Err(why) => gone(Err(why)),
                    };
                    seen.map_err(|why| failed(&file, &why))?;
                }
                // Fails while there is something in it, and then it shall stay.
                let _ = fs::remove_dir(&slot);
            }
            let _ = fs::remove_dir(&day);
        }
        Ok(())
    }
}

/// One fsync for all who renamed into a folder before it began.
#[derive(Default)]
struct SharedSync {
    turn: Mutex<Turn>,
    ended: Condvar,
}

#[derive(Default)]
struct Turn {
    begun: u64,
    ended: u64,
    is_running: bool,
}

impl SharedSync {
    fn sync(&self, folder: &Path) -> io::Result<()> {
        let mut turn = self.lock();
        // The one that runs may have begun before our rename: the next one is ours.
        let wanted = turn.begun + 1;
        while turn.is_running {
            turn = self.ended.wait(turn).unwrap_or_else(PoisonError::into_inner);
            if turn.ended >= wanted {
                return Ok(());
            }
        }
        turn.begun += 1;
        let mine = turn.begun;
        turn.is_running = true;
        drop(turn);
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        let mut turn = self.lock();
        turn.is_running = false;
        if synced.is_ok() {
            turn.ended = mine;
        }
        self.ended.notify_all();
        synced
    }

    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(why) => return Err(failed(folder, &why)),
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(|why| failed(folder, &why))).collect()
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn failed(path: &Path, why: &io::Error) -> Error {
    let text = format!("{}: {why}", path.display());
    match why.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full(text),
        _ => Error::Bodies(text),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| Err(Error::Bodies(format!("a thread for files ended: {why}"))))
}
