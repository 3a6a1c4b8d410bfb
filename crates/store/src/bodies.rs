//! Message bodies too large for the database: one file each, durable before anybody is told so.
//!
//! In: a name made by [`name`] and the octets. Invariant: once [`Bodies::put`] returned, file and name survive a power cut
//! (temporary file, fdatasync, rename, fsync of the folder; or a name made durable ahead, then fdatasync). Files that nobody names any more are [`Bodies::sweep`]'s.

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

/// A folder of bodies; cheap to clone.
#[derive(Clone)]
pub struct Bodies {
    folder: Arc<Folder>,
}

struct Folder {
    root: PathBuf,
    /// Held while a folder is made, so that nobody uses one whose own name is not durable yet.
    making: Mutex<()>,
    syncs: Mutex<HashMap<PathBuf, Arc<SharedSync>>>,
    /// Files that are being made ahead; each as long as its [`Reserved`].
    reserved: Mutex<HashMap<PathBuf, JoinHandle<io::Result<()>>>>,
}

/// The file of a body, made ahead while its message is still judged, so that only its octets wait for the disk and not its name.
/// It goes away with this unless [`Bodies::put`] used it.
#[must_use]
pub struct Reserved {
    folder: Arc<Folder>,
    path: PathBuf,
}

impl Drop for Reserved {
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

/// Name of the body of the mail with this id: `DAY/SLOT/ID`. Ids begin with the time, so mails that come together lie together and
/// share the fsync of their folder. A slot is about 17 minutes, a day 64 slots.
pub fn name(id: i64) -> String {
    let slot = (id.max(0) as u64) >> 41;
    format!("{:x}/{:02x}/{id:016x}", slot >> 6, slot & 63)
}

/// The id that a name was made from.
pub fn id_of(name: &str) -> Option<i64> {
    name.rsplit_once('/').and_then(|(_, id)| i64::from_str_radix(id, 16).ok())
}

impl Bodies {
    /// Opens the folder, creating it when missing.
    pub fn open(root: &Path) -> Result<Bodies, Error> {
        fs::create_dir_all(root).map_err(|why| failed(root, &why))?;
        let folder = Folder { root: root.to_path_buf(), making: Mutex::default(), syncs: Mutex::default(), reserved: Mutex::default() };
        if let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) {
            folder.sync(above).map_err(|why| failed(above, &why))?;
        }
        Ok(Bodies { folder: Arc::new(folder) })
    }

    /// Begins to make the file of a body that may come. Wants a runtime; an error of the disk shows in [`Bodies::put`].
    pub fn reserve(&self, name: &str) -> Result<Reserved, Error> {
        let path = self.path(name)?;
        let (folder, file) = (self.folder.clone(), path.clone());
        let made = tokio::task::spawn_blocking(move || folder.reserve(&file));
        self.folder.reserved().insert(path.clone(), made);
        Ok(Reserved { folder: self.folder.clone(), path })
    }

    /// Writes a body and returns once it is durable. Written again under the same name, the last one stands.
    pub async fn put(&self, name: &str, octets: &Bytes) -> Result<(), Error> {
        let (folder, path, octets) = (self.folder.clone(), self.path(name)?, octets.clone());
        let made = self.folder.reserved().remove(&path);
        let is_made = match made {
            Some(made) => matches!(made.await, Ok(Ok(()))),
            None => false,
        };
        blocking(move || {
            let filled = is_made.then(|| folder.fill(&path, &octets));
            let done = match filled {
                Some(Err(why)) if why.kind() == io::ErrorKind::NotFound => folder.put(&path, &octets), // swept meanwhile
                Some(done) => done,
                None => folder.put(&path, &octets),
            };
            done.map_err(|why| failed(&path, &why))
        })
        .await
    }

    /// The octets, or `None` when there is no such body.
    pub async fn read(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let path = self.path(name)?;
        blocking(move || match fs::read(&path) {
            Ok(octets) => Ok(Some(Bytes::from(octets))),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(failed(&path, &why)),
        })
        .await
    }

    /// Removes a body; one that is not there is fine. Not fsynced: what comes back after a power cut, [`Bodies::sweep`] finds.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.path(name)?;
        blocking(move || gone(fs::remove_file(&path)).map_err(|why| failed(&path, &why))).await
    }

    /// Removes bodies that `keep` does not know, and folders left empty; returns how many bodies. Files younger than
    /// `older_than` stay: their transaction may not have committed yet.
    pub async fn sweep(&self, keep: impl Fn(&str) -> bool + Send + 'static, older_than: Duration) -> Result<u64, Error> {
        let folder = self.folder.clone();
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

    /// Names of all finished bodies, one call each.
    pub async fn each(&self, mut see: impl FnMut(&str) + Send + 'static) -> Result<(), Error> {
        let folder = self.folder.clone();
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

    /// Only names that [`name`] makes: nothing that leaves the folder.
    fn path(&self, name: &str) -> Result<PathBuf, Error> {
        let is_ours = name.split('/').count() == 3
            && name.split('/').all(|part| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_hexdigit()));
        if is_ours { Ok(self.folder.root.join(name)) } else { Err(Error::Shape(format!("{name:?} is not the name of a body"))) }
    }
}

impl Folder {
    fn reserved(&self) -> MutexGuard<'_, HashMap<PathBuf, JoinHandle<io::Result<()>>>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty file whose name is durable.
    fn reserve(&self, path: &Path) -> io::Result<()> {
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

    fn put(&self, path: &Path, octets: &[u8]) -> io::Result<()> {
        match self.put_once(path, octets) {
            // A sweep took the folder, which was empty, between making and using it.
            Err(why) if why.kind() == io::ErrorKind::NotFound => self.put_once(path, octets),
            done => done,
        }
    }

    fn put_once(&self, path: &Path, octets: &[u8]) -> io::Result<()> {
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
        _ => Error::Gone(text),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| Err(Error::Gone(format!("a thread for files ended: {why}"))))
}
