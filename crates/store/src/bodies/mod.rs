//! Message bodies too large for the database, durable before anybody is told so: files of a folder, or objects of a bucket that all nodes share.
//!
//! In: a name made by [`name`] and the octets. Invariant: once [`Bodies::put`] returned, the body survives a power cut here, and in a bucket
//! the loss of this machine. Bodies that nobody names any more are [`Bodies::sweep`]'s. Both places behave alike; callers know none of them.

mod bucket;
mod folder;

pub use bucket::{BODY_OCTETS_MAX, Right};

use crate::Error;
use crate::s3::{Access, Wrong};
use bucket::Bucket;
use bytes::Bytes;
use folder::{Ahead, Folder};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The place of bodies; cheap to clone.
#[derive(Clone)]
pub struct Bodies {
    shared: Arc<Shared>,
}

struct Shared {
    place: Place,
    told: OnceLock<Box<dyn Fn(Use) + Send + Sync>>,
}

enum Place {
    Folder(Arc<Folder>),
    Bucket(Box<Bucket>),
}

/// What was done with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Put,
    Read,
    Remove,
}

/// What is told of each use.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    pub act: Act,
    pub took: Duration,
    pub is_done: bool,
}

/// The room of a body, made ahead while its message is still judged: in a folder, so that only its octets wait for the disk and not its
/// name. It goes away with this unless [`Bodies::put`] used it.
#[must_use]
pub struct Reserved {
    _ahead: Option<Ahead>,
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

/// Only names that [`name`] makes: nothing that leaves the folder.
fn is_ours(name: &str) -> bool {
    name.split('/').count() == 3 && name.split('/').all(|part| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_hexdigit()))
}

fn checked(name: &str) -> Result<&str, Error> {
    if is_ours(name) { Ok(name) } else { Err(Error::Shape(format!("{name:?} is not the name of a body"))) }
}

impl Bodies {
    /// Opens a folder, creating it when missing.
    pub fn open(root: &Path) -> Result<Bodies, Error> {
        Ok(Bodies::at(Place::Folder(Arc::new(Folder::open(root)?))))
    }

    /// Opens a bucket. Nothing is asked yet: one that is away costs large mails a wait, and no start.
    /// # Errors
    /// The address is none.
    pub fn in_bucket(access: &Access) -> Result<Bodies, Error> {
        Ok(Bodies::at(Place::Bucket(Box::new(Bucket::open(access)?))))
    }

    fn at(place: Place) -> Bodies {
        Bodies { shared: Arc::new(Shared { place, told: OnceLock::new() }) }
    }

    /// Takes the place for this owner, of whom there is one for each database; `false` when another has it. Only an owner sweeps a bucket, as
    /// two installations in one folder of it would take each other's bodies for what nobody names. A folder is its machine's.
    pub async fn claim(&self, owner: &str) -> Result<bool, Error> {
        match &self.shared.place {
            Place::Folder(_) => Ok(true),
            Place::Bucket(bucket) => bucket.claim(owner).await,
        }
    }

    /// Who has taken a bucket; `None` for a folder.
    pub async fn owned_by(&self) -> Result<Option<String>, Error> {
        match &self.shared.place {
            Place::Folder(_) => Ok(None),
            Place::Bucket(bucket) => bucket.owned_by().await,
        }
    }

    /// Calls `tell` after each use of a body, by whichever clone, from now on. The first who asks is told.
    pub fn watch(&self, tell: impl Fn(Use) + Send + Sync + 'static) {
        let _ = self.shared.told.set(Box::new(tell));
    }

    /// Where they are, for people.
    pub fn shown(&self) -> String {
        match &self.shared.place {
            Place::Folder(folder) => folder.root.display().to_string(),
            Place::Bucket(bucket) => bucket.shown(),
        }
    }

    /// The folder, when they are in one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.shared.place {
            Place::Folder(folder) => Some(folder.root.as_path()),
            Place::Bucket(_) => None,
        }
    }

    /// Begins to make room for a body that may come. Wants a runtime; what goes wrong shows in [`Bodies::put`].
    pub fn reserve(&self, name: &str) -> Result<Reserved, Error> {
        let name = checked(name)?;
        Ok(Reserved {
            _ahead: match &self.shared.place {
                Place::Folder(folder) => Some(folder.reserve(name)),
                Place::Bucket(_) => None,
            },
        })
    }

    /// Writes a body and returns once it is durable. Written again under the same name, the last one stands.
    pub async fn put(&self, name: &str, octets: &Bytes) -> Result<(), Error> {
        let (name, begun) = (checked(name)?, Instant::now());
        let done = match &self.shared.place {
            Place::Folder(folder) => folder.put(name, octets).await,
            Place::Bucket(bucket) => bucket.put(name, octets).await,
        };
        self.tell(Act::Put, begun, done)
    }

    /// The octets, or `None` when there is no such body.
    pub async fn read(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let (name, begun) = (checked(name)?, Instant::now());
        let read = match &self.shared.place {
            Place::Folder(folder) => folder.read(name).await,
            Place::Bucket(bucket) => bucket.read(name).await,
        };
        self.tell(Act::Read, begun, read)
    }

    /// Removes a body; one that is not there is fine.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        let (name, begun) = (checked(name)?, Instant::now());
        let removed = match &self.shared.place {
            Place::Folder(folder) => folder.remove(name).await,
            Place::Bucket(bucket) => bucket.remove(name).await,
        };
        self.tell(Act::Remove, begun, removed)
    }

    /// Removes bodies that `keep` does not know; returns how many. Those younger than `older_than` stay: their transaction may not have
    /// committed yet.
    /// # Errors
    /// Also when a bucket was not taken by [`Bodies::claim`], or is another's by now.
    pub async fn sweep(&self, keep: impl Fn(&str) -> bool + Send + 'static, older_than: Duration) -> Result<u64, Error> {
        match &self.shared.place {
            Place::Folder(folder) => folder.sweep(keep, older_than).await,
            Place::Bucket(bucket) => bucket.sweep(keep, older_than).await,
        }
    }

    /// Names of all finished bodies, one call each.
    pub async fn each(&self, see: impl FnMut(&str) + Send + 'static) -> Result<(), Error> {
        match &self.shared.place {
            Place::Folder(folder) => folder.each(see).await,
            Place::Bucket(bucket) => bucket.each(see).await,
        }
    }

    /// Whether a bucket can be used now; `None` for a folder, whose disk is looked at otherwise.
    pub async fn look(&self) -> Option<Result<(), Error>> {
        match &self.shared.place {
            Place::Folder(_) => None,
            Place::Bucket(bucket) => Some(bucket.look().await),
        }
    }

    /// Something failed since the last look that found all well: the next look is due now.
    pub fn is_suspect(&self) -> bool {
        match &self.shared.place {
            Place::Folder(_) => false,
            Place::Bucket(bucket) => bucket.is_suspect(),
        }
    }

    /// What cannot be done in a bucket of what we need, with the reason; tried on a small object that comes and goes.
    pub async fn lacks(&self) -> Vec<(Right, Wrong)> {
        match &self.shared.place {
            Place::Folder(_) => Vec::new(),
            Place::Bucket(bucket) => bucket.lacks().await,
        }
    }

    fn tell<T>(&self, act: Act, begun: Instant, done: Result<T, Error>) -> Result<T, Error> {
        if let Some(tell) = self.shared.told.get() {
            tell(Use { act, took: begun.elapsed(), is_done: done.is_ok() });
        }
        done
    }
}
