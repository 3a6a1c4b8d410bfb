//! Bodies in a bucket of an S3-compatible store: one object each, for nodes that keep nothing of their own.
//!
//! Invariant: [`Bucket::put`] returns once the store acknowledged the whole body: it is told the MD5 digest, which every store checks. The
//! SHA-256 digest goes with the object and is checked on reading. Names are made from ids of mails, so putting twice puts the same: what may
//! pass is tried again within a deadline. "There is none" is said only when the store says so; a wrong key or a missing bucket is an error.

use super::is_ours;
use crate::Error;
use crate::s3::{Access, Listed, Object, Objects, Page, Wrong};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::try_join_all;
use md5::{Digest, Md5};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::time::{sleep, timeout};

/// Octets of one body. A put of more is refused, so that nothing is taken that could not be read again.
pub const BODY_OCTETS_MAX: usize = 512 << 20;
/// One request, from its first octet to the last of its answer.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// One body with all tries. The peer waits for ten minutes (RFC 5321 §4.5.3.2.6), but others wait for our turn.
const BODY_WITHIN: Duration = Duration::from_secs(60);
/// The same while something is wrong: mail that could go on must not wait for turns that end in nothing.
const SUSPECT_WITHIN: Duration = Duration::from_secs(10);
/// One page of a list with all tries.
const PAGE_WITHIN: Duration = Duration::from_secs(90);
/// Between tries of what may pass; after the last it has failed.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];
/// Objects listed with one request; no store gives more.
const PAGE_OBJECTS: u16 = 1_000;
/// Pages of one walk: a hundred million objects. A store that lists more lists in circles.
const PAGES_MAX: usize = 100_000;
/// Objects that one sweep removes; the next goes on.
const SWEPT_MAX: usize = 50_000;
/// Objects removed at the same time.
const REMOVED_AT_ONCE: usize = 8;
/// Field of an object with the SHA-256 digest of its octets, in hex. What other programs copied there has none.
const DIGEST: &str = "x-amz-meta-sha256";
/// Object that says whose bodies these are.
const OWNER: &str = "gatepost-owner";
const OWNER_OCTETS_MAX: usize = 1_024;
/// Names of objects by which it is tried what may be done begin so.
const TRIAL: &str = "gatepost-trial-";

/// What has to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Put,
    Get,
    List,
    Delete,
}

impl Right {
    /// As policies of stores call it.
    pub fn name(self) -> &'static str {
        match self {
            Right::Put => "s3:PutObject",
            Right::Get => "s3:GetObject",
            Right::List => "s3:ListBucket",
            Right::Delete => "s3:DeleteObject",
        }
    }
}

pub(super) struct Bucket {
    objects: Objects,
    /// Who sweeps here; nobody does before it was told.
    owner: OnceLock<String>,
    /// Something failed, and nothing has shown since that all works.
    is_suspect: AtomicBool,
    trials: AtomicU64,
}

impl Bucket {
    pub(super) fn open(access: &Access) -> Result<Bucket, Error> {
        let objects = Objects::open(access.clone(), REQUEST_WITHIN).map_err(|why| Error::Bodies(why.to_string()))?;
        Ok(Bucket { objects, owner: OnceLock::new(), is_suspect: AtomicBool::new(false), trials: AtomicU64::new(0) })
    }

    pub(super) fn shown(&self) -> String {
        self.objects.shown()
    }

    pub(super) async fn put(&self, name: &str, octets: &Bytes) -> Result<(), Error> {
        if octets.len() > BODY_OCTETS_MAX {
            return Err(Error::Bodies(format!("a body of {} octets is too large: the limit is {BODY_OCTETS_MAX}", octets.len())));
        }
        let fields = fields(octets).await?;
        let done = persistently(self.within(), || self.objects.put(name, octets, &fields)).await;
        self.judged(done)
    }

    pub(super) async fn read(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let read = persistently(self.within(), || self.get(name)).await;
        self.judged(read)
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), Error> {
        let removed = persistently(self.within(), || self.objects.remove(name)).await;
        self.judged(removed)
    }

    /// Takes the bucket for this owner, unless another has it; whether it is ours now.
    pub(super) async fn claim(&self, owner: &str) -> Result<bool, Error> {
        let owner = self.owner.get_or_init(|| owner.to_string()).clone();
        if self.owned_by().await?.is_none() {
            let octets = Bytes::from(owner.clone());
            let fields = fields(&octets).await?;
            let done = persistently(self.within(), || self.objects.put(OWNER, &octets, &fields)).await;
            self.judged(done)?;
        }
        // Read again: somebody else may have come at the same moment.
        Ok(self.owned_by().await?.is_some_and(|found| found == owner))
    }

    /// Who has taken the bucket.
    pub(super) async fn owned_by(&self) -> Result<Option<String>, Error> {
        let read = persistently(self.within(), || self.objects.get(OWNER, DIGEST, OWNER_OCTETS_MAX)).await;
        Ok(self.judged(read)?.map(|object| String::from_utf8_lossy(&object.octets).trim().to_string()))
    }

    /// Nothing is removed that another owner may name.
    async fn sure_of_owner(&self) -> Result<(), Error> {
        let is_ours = match self.owner.get() {
            Some(owner) => self.claim(owner).await?,
            None => false,
        };
        let why = || format!("{}: it is not ours (object {OWNER}); nothing is removed", self.shown());
        if is_ours { Ok(()) } else { Err(Error::Bodies(why())) }
    }

    /// Ages are told by the clock of the store. Objects of others are left alone, also below our folder.
    pub(super) async fn sweep(&self, keep: impl Fn(&str) -> bool + Send + 'static, older_than: Duration) -> Result<u64, Error> {
        self.sure_of_owner().await?;
        let older_ms = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
        let (mut removed, mut token) = (0, None::<String>);
        for _ in 0..PAGES_MAX {
            let page = self.page(token.as_deref()).await?;
            let before_ms = page.now_ms.saturating_sub(older_ms);
            let is_owed =
                |one: &Listed| one.changed_ms <= before_ms && (one.name.starts_with(TRIAL) || is_ours(&one.name) && !keep(&one.name));
            let doomed: Vec<String> = page.objects.into_iter().filter(is_owed).map(|one| one.name).take(SWEPT_MAX - removed).collect();
            for some in doomed.chunks(REMOVED_AT_ONCE) {
                try_join_all(some.iter().map(|name| self.remove(name))).await?;
            }
            removed += doomed.len();
            token = page.next;
            if token.is_none() || removed >= SWEPT_MAX {
                break;
            }
        }
        Ok(removed as u64)
    }

    /// One page is in memory at a time.
    pub(super) async fn each(&self, mut see: impl FnMut(&str) + Send + 'static) -> Result<(), Error> {
        let mut token: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(token.as_deref()).await?;
            page.objects.iter().filter(|one| is_ours(&one.name)).for_each(|one| see(&one.name));
            token = page.next;
            if token.is_none() {
                return Ok(());
            }
        }
        Err(Error::Bodies(format!("{}: the list does not end", self.shown())))
    }

    /// Whether it can be used now, asked once: it answers, knows our key and lists. After something failed, whether all that we need is
    /// allowed, by a small object that comes and goes.
    pub(super) async fn look(&self) -> Result<(), Error> {
        let why = match self.is_suspect() {
            true => self.lacks().await.into_iter().next().map(|(_, why)| why),
            false => self.objects.page(None, 1).await.err(),
        };
        match why {
            None => {
                self.is_suspect.store(false, Ordering::Relaxed);
                Ok(())
            }
            Some(why) => Err(self.failed(&why)),
        }
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.is_suspect.load(Ordering::Relaxed)
    }

    fn within(&self) -> Duration {
        if self.is_suspect() { SUSPECT_WITHIN } else { BODY_WITHIN }
    }

    /// What cannot be done of what we need, with the reason. Each is tried once, on an object of its own.
    pub(super) async fn lacks(&self) -> Vec<(Right, Wrong)> {
        let name = self.trial_name();
        let octets = Bytes::from_static(b"gatepost tries what it may do here\n");
        let put = match fields(&octets).await {
            Ok(fields) => self.objects.put(&name, &octets, &fields).await,
            Err(why) => Err(Wrong::Settings(why.to_string())),
        };
        let got = match (put.is_ok(), self.get(&name).await) {
            (true, Ok(Some(read))) if read == octets => Ok(()),
            (true, Ok(_)) => Err(Wrong::Damaged("another body than was put".into())),
            (false, Ok(_)) => Ok(()),
            (_, Err(why)) => Err(why),
        };
        let listed = self.objects.page(None, 1).await.map(|_| ());
        let removed = self.objects.remove(&name).await;
        let all = [(Right::Put, put), (Right::Get, got), (Right::List, listed), (Right::Delete, removed)];
        all.into_iter().filter_map(|(right, done)| done.err().map(|why| (right, why))).collect()
    }

    /// No two looks, of whatever process, use the same.
    fn trial_name(&self) -> String {
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        format!("{TRIAL}{nanos:x}-{:x}-{:x}", std::process::id(), self.trials.fetch_add(1, Ordering::Relaxed))
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, Wrong> {
        match self.objects.get(name, DIGEST, BODY_OCTETS_MAX).await? {
            None => Ok(None),
            Some(Object { octets, field: None }) => Ok(Some(octets)),
            Some(Object { octets, field: Some(wanted) }) => {
                let copy = octets.clone();
                let found = tokio::task::spawn_blocking(move || sha256(&copy)).await.map_err(|why| Wrong::Unreachable(why.to_string()))?;
                match found.eq_ignore_ascii_case(wanted.trim()) {
                    true => Ok(Some(octets)),
                    false => Err(Wrong::Damaged(format!("the SHA-256 digest of {name} is another"))),
                }
            }
        }
    }

    async fn page(&self, token: Option<&str>) -> Result<Page, Error> {
        let page = persistently(PAGE_WITHIN, || self.objects.page(token, PAGE_OBJECTS)).await;
        self.judged(page)
    }

    fn judged<T>(&self, done: Result<T, Wrong>) -> Result<T, Error> {
        done.map_err(|why| {
            self.is_suspect.store(true, Ordering::Relaxed);
            self.failed(&why)
        })
    }

    fn failed(&self, why: &Wrong) -> Error {
        let text = format!("{}: {why}", self.shown());
        if why.is_full() { Error::Full(text) } else { Error::Bodies(text) }
    }
}

async fn persistently<T, F: Future<Output = Result<T, Wrong>>>(within: Duration, once: impl FnMut() -> F) -> Result<T, Wrong> {
    tried(within, &PAUSES, once).await
}

/// Tries until it is done, cannot pass, or time is up.
async fn tried<T, F: Future<Output = Result<T, Wrong>>>(
    within: Duration,
    pauses: &[Duration],
    mut once: impl FnMut() -> F,
) -> Result<T, Wrong> {
    let tries = async {
        for pause in pauses {
            match once().await {
                Err(why) if why.is_passing() => tracing::debug!(%why, "the store of bodies is asked again"),
                done => return done,
            }
            sleep(*pause).await;
        }
        once().await
    };
    timeout(within, tries).await.unwrap_or_else(|_| Err(Wrong::Unreachable(format!("not done in {within:?}"))))
}

/// What goes with a body: a digest for the store to check, and one for us.
async fn fields(octets: &Bytes) -> Result<[(&'static str, String); 3], Error> {
    let octets = octets.clone();
    let made = tokio::task::spawn_blocking(move || {
        [("content-md5", STANDARD.encode(Md5::digest(&octets))), ("content-type", "message/rfc822".to_string()), (DIGEST, sha256(&octets))]
    });
    made.await.map_err(|why| Error::Bodies(format!("a thread for digests ended: {why}")))
}

fn sha256(octets: &[u8]) -> String {
    digest(&SHA256, octets).as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[tokio::test]
    async fn what_may_pass_is_tried_again_and_nothing_else() {
        let busy = || Wrong::Refused { status: 503, code: "SlowDown".into() };
        let denied = || Wrong::Refused { status: 403, code: "AccessDenied".into() };
        for (first, failures, want, tries) in
            [(busy(), 0, Ok(()), 1), (busy(), 3, Ok(()), 4), (busy(), 4, Err(busy()), 4), (denied(), 1, Err(denied()), 1)]
        {
            let asked = AtomicUsize::new(0);
            let done = tried(BODY_WITHIN, &[Duration::ZERO; 3], || {
                let nth = asked.fetch_add(1, Ordering::Relaxed);
                std::future::ready(if nth < failures { Err(first.clone()) } else { Ok(()) })
            });
            assert_eq!((done.await, asked.load(Ordering::Relaxed)), (want, tries));
        }
        let never = tried(Duration::from_millis(5), &[], std::future::pending::<Result<(), Wrong>>);
        assert_eq!(never.await, Err(Wrong::Unreachable("not done in 5ms".into())));
    }

    #[tokio::test]
    async fn digests_go_with_a_body() {
        // The examples that come with both definitions.
        let [md5, _, sha256] = fields(&Bytes::from_static(b"abc")).await.expect("digests");
        assert_eq!(md5, ("content-md5", "kAFQmDzST7DWlj99KOF/cg==".into()));
        assert_eq!(sha256.1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
