//! The status pages in a bucket of an S3-compatible store, so that they stand elsewhere when everything here is gone.
//!
//! In: the files as they were made last, through a place that holds one ([`Shown`]): what was not copied yet is overwritten, so nothing
//! queues. Out: objects, put by requests that carry a signature (AWS Signature Version 4) and no secret. Invariant: nobody waits for
//! this: the files of the folder and of the listener are there before. What does not work is a part that is down, which health speaks
//! of. Only the server that judges copies. Not here: whether the objects may be read (a policy of the bucket).

use super::{Files, kind};
use crate::App;
use bytes::Bytes;
use gateway::health::BucketSettings;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
pub use store::s3::Wrong;
use store::s3::{Access, Objects};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Part of this node that health looks at.
const PART: &str = "status-bucket";
/// One object.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// All of them.
const ROUND_WITHIN: Duration = Duration::from_secs(60);
/// Pauses after rounds that failed; the last again and again.
const PAUSES: [Duration; 5] =
    [Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30), Duration::from_secs(60), Duration::from_secs(300)];
/// Between two rounds, whatever happens.
const PAUSE_MIN: Duration = Duration::from_secs(2);
/// Objects that did not change are put again this often: somebody may have removed them.
const WHOLE_EVERY: Duration = Duration::from_secs(3_600);
/// RFC 9111 §5.2.2, RFC 5861 §4: caches before the bucket ask again soon, and show what they have when the bucket does not answer.
pub const CACHE: &str = "public, max-age=20, stale-if-error=86400";
/// Asked for to see whether the bucket can be used.
const SMALL: &str = "status/key.pub";
/// It has a few lines.
const SMALL_OCTETS_MAX: usize = 64 << 10;

/// What is to be copied.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// `None`: nothing yet, or another server copies.
    pub files: Option<Arc<Files>>,
    /// Another number is worth a copy at once.
    pub news: u64,
}

/// A bucket that can be written to.
pub struct Target {
    objects: Objects,
}

/// What is wrong with the settings, for the operator.
pub fn complaint(settings: &BucketSettings) -> Option<String> {
    if !settings.is_on() {
        return None;
    }
    let keys = [(settings.key_id.is_empty(), "key_id"), (settings.secret.is_empty() && settings.secret_file.is_empty(), "secret_file")];
    let missing = keys.into_iter().find(|(is_missing, _)| *is_missing);
    let place = access(settings).and_then(|access| access.place());
    let why = match (place, missing) {
        (Err(why), _) => format!("url: {why}"),
        (Ok(_), Some((_, key))) => format!("{key}: it is needed beside url"),
        (Ok(_), None) if settings.every.is_zero() => "every: write a time such as \"1m\"".into(),
        _ => return None,
    };
    Some(format!("[health.bucket] {why}"))
}

/// The bucket and the key to it.
fn access(settings: &BucketSettings) -> Result<Access, String> {
    Ok(Access {
        by_host: settings.by_host,
        region: settings.region.clone(),
        key_id: settings.key_id.clone(),
        secret: settings.secret.clone(),
        secret_file: settings.secret_file.clone(),
        ..Access::at(&settings.url)?
    })
}

impl Target {
    /// # Errors
    /// [`Wrong::Settings`]: the address.
    pub fn open(settings: &BucketSettings) -> Result<Target, Wrong> {
        let access = access(settings).map_err(Wrong::Settings)?;
        Ok(Target { objects: Objects::open(access, ANSWER_WITHIN)? })
    }

    /// Puts one object.
    pub async fn put(&self, path: &str, octets: &Bytes) -> Result<(), Wrong> {
        self.objects.put(path, octets, &[("content-type", kind(path).to_string()), ("cache-control", CACHE.to_string())]).await
    }

    /// Whether pages of ours are there already; puts nothing.
    /// # Errors
    /// The store does not answer, or does not let us.
    pub async fn look(&self) -> Result<bool, Wrong> {
        Ok(self.objects.get(SMALL, "content-type", SMALL_OCTETS_MAX).await?.is_some())
    }

    /// Puts what is not there yet. What the signed list names comes before the list, so that a list never names what is to come.
    async fn copy(&self, files: &Files, there: &mut HashMap<String, Bytes>) -> Result<(), Wrong> {
        let rank = |path: &str| (path.ends_with("SHA256SUMS"), path.ends_with(".sig"));
        let mut all: Vec<_> = files.by_path.iter().filter(|(path, octets)| there.get(*path) != Some(*octets)).collect();
        all.sort_by_key(|(path, _)| rank(path));
        for (path, octets) in all {
            self.put(path, octets).await?;
            there.insert(path.clone(), octets.clone());
        }
        Ok(())
    }
}

/// Copies for as long as somebody makes files.
pub async fn run(app: App, settings: BucketSettings, mut made: watch::Receiver<Shown>) {
    let mut there = HashMap::new();
    let mut whole = Instant::now();
    let (mut news, mut failed) = (None, 0_usize);
    let mut due = Instant::now();
    loop {
        // Something new does not cut the pause after a failure short: the store is not asked more often because it fails.
        let changed = async { made.wait_for(|shown| failed == 0 && Some(shown.news) != news).await.is_ok() };
        tokio::select! {
            goes_on = changed => if !goes_on { return },
            () = sleep_until(due) => {}
        }
        let shown = made.borrow_and_update().clone();
        news = Some(shown.news);
        if shown.files.is_none() || whole.elapsed() >= WHOLE_EVERY {
            (there, whole) = (HashMap::new(), Instant::now());
        }
        failed = match shown.files {
            None => 0,
            Some(files) => match round(&settings, &files, &mut there).await {
                Ok(()) => told(&app, failed, None),
                Err(why) => {
                    // What a store has that was away is not known: it gets the whole.
                    there.clear();
                    told(&app, failed, Some(&why))
                }
            },
        };
        sleep(PAUSE_MIN).await;
        let pause = failed.checked_sub(1).map_or(settings.every.duration(), |n| PAUSES[n.min(PAUSES.len() - 1)]);
        due = Instant::now() + pause.saturating_sub(PAUSE_MIN);
    }
}

async fn round(settings: &BucketSettings, files: &Files, there: &mut HashMap<String, Bytes>) -> Result<(), Wrong> {
    let copied = async { Target::open(settings)?.copy(files, there).await };
    timeout(ROUND_WITHIN, copied).await.unwrap_or_else(|_| Err(Wrong::Unreachable(format!("not done in {} s", ROUND_WITHIN.as_secs()))))
}

/// Says how a round went; returns how many failed in a row now.
fn told(app: &App, failed: usize, why: Option<&Wrong>) -> usize {
    if let Some(signals) = app.health.signals() {
        match why {
            None => signals.part_up(PART, app.now_ms()),
            Some(why) => signals.part_down(PART, &why.to_string(), app.now_ms()),
        }
    }
    match why {
        None if failed > 0 => tracing::info!(failed, "the status pages are copied to the bucket again"),
        Some(why) if failed == 0 => tracing::warn!(%why, "the status pages could not be copied to the bucket; it is tried again"),
        _ => {}
    }
    if why.is_none() { 0 } else { failed + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::settings::Span;

    fn settings(url: &str) -> BucketSettings {
        BucketSettings { url: url.into(), key_id: "AK".into(), secret: "s".into(), ..BucketSettings::default() }
    }

    #[test]
    fn an_address_names_a_bucket_and_perhaps_a_folder() {
        for (url, by_host, want) in [
            ("https://s3.example.net/pages", false, Some("https://s3.example.net/pages/")),
            ("https://s3.example.net/pages/", true, Some("https://pages.s3.example.net/")),
            ("http://127.0.0.1:9000/pages/mail/status", false, Some("http://127.0.0.1:9000/pages/mail/status/")),
            ("https://s3.example.net/", false, None),
            ("https://s3.example.net", false, None),
            ("s3://pages", false, None),
            ("https://key:secret@s3.example.net/pages", false, None),
            ("https://s3.example.net/pages?x=1", false, None),
            ("https://s3.example.net/pa ges", false, None),
            ("pages", false, None),
        ] {
            let found = Target::open(&BucketSettings { by_host, ..settings(url) }).ok();
            assert_eq!(found.map(|target| target.objects.shown()).as_deref(), want, "{url}");
            assert_eq!(complaint(&settings(url)).is_some(), want.is_none(), "{url}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let whole = settings("https://s3.example.net/pages");
        for (settings, want) in [
            (BucketSettings::default(), None),
            (whole.clone(), None),
            (BucketSettings { key_id: String::new(), ..whole.clone() }, Some("[health.bucket] key_id: it is needed beside url")),
            (BucketSettings { secret: String::new(), ..whole.clone() }, Some("[health.bucket] secret_file: it is needed beside url")),
            (BucketSettings { secret: String::new(), secret_file: "/run/secret".into(), ..whole.clone() }, None),
            (BucketSettings { every: Span::seconds(0), ..whole }, Some("[health.bucket] every: write a time such as \"1m\"")),
        ] {
            assert_eq!(complaint(&settings).as_deref(), want);
            assert!(!format!("{settings:?}").contains("secret"), "nothing of it is printed");
        }
    }
}
