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
use reqwest::{Client, Response, Url};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Part of this node that health looks at.
const PART: &str = "status-bucket";
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// One object.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// All of them.
const ROUND_WITHIN: Duration = Duration::from_secs(60);
/// How long a signature may be used: a clock that is off by less does no harm.
const SIGNED_FOR: Duration = Duration::from_secs(900);
/// Pauses after rounds that failed; the last again and again.
const PAUSES: [Duration; 5] =
    [Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30), Duration::from_secs(60), Duration::from_secs(300)];
/// Between two rounds, whatever happens.
const PAUSE_MIN: Duration = Duration::from_secs(2);
/// Objects that did not change are put again this often: somebody may have removed them.
const WHOLE_EVERY: Duration = Duration::from_secs(3_600);
/// Causes behind an error that are looked through.
const CAUSES_MAX: usize = 8;
/// Octets of an answer that says why not.
const ANSWER_OCTETS_MAX: usize = 4_096;
/// RFC 9111 §5.2.2, RFC 5861 §4: caches before the bucket ask again soon, and show what they have when the bucket does not answer.
pub const CACHE: &str = "public, max-age=20, stale-if-error=86400";
/// Asked for to see whether the bucket can be used.
const SMALL: &str = "status/key.pub";

/// Why a copy was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("{0}")]
    Settings(String),
    #[error("no answer: {0}")]
    Unreachable(String),
    /// `code` is the store's own word, such as "SignatureDoesNotMatch"; "" when it said none.
    #[error("the store answered {status} {code}")]
    Refused { status: u16, code: String },
}

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
    bucket: Bucket,
    credentials: Credentials,
    /// Before each path: "" or "folder/".
    prefix: String,
    client: Client,
}

/// What is wrong with the settings, for the operator.
pub fn complaint(settings: &BucketSettings) -> Option<String> {
    if !settings.is_on() {
        return None;
    }
    let keys = [(settings.key_id.is_empty(), "key_id"), (settings.secret.is_empty() && settings.secret_file.is_empty(), "secret_file")];
    let missing = keys.into_iter().find(|(is_missing, _)| *is_missing);
    let why = match (place(settings), missing) {
        (Err(why), _) => format!("url: {why}"),
        (Ok(_), Some((_, key))) => format!("{key}: it is needed beside url"),
        (Ok(_), None) if settings.every.is_zero() => "every: write a time such as \"1m\"".into(),
        _ => return None,
    };
    Some(format!("[health.bucket] {why}"))
}

/// The bucket, and what stands before each path in it.
fn place(settings: &BucketSettings) -> Result<(Bucket, String), String> {
    const EXAMPLE: &str = "write an address such as \"https://s3.example.net/bucket/folder\"";
    let url = Url::parse(&settings.url).map_err(|_| EXAMPLE.to_string())?;
    let is_plain = |text: &str| text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_./".contains(&octet));
    let path = url.path().trim_matches('/');
    let has_more = url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || has_more || path.is_empty() || !is_plain(path) {
        return Err(EXAMPLE.into());
    }
    let (name, folder) = path.split_once('/').unwrap_or((path, ""));
    let (name, prefix) = (name.to_string(), if folder.is_empty() { String::new() } else { format!("{folder}/") });
    let mut endpoint = url.clone();
    endpoint.set_path("/");
    let style = if settings.by_host { UrlStyle::VirtualHost } else { UrlStyle::Path };
    let bucket = Bucket::new(endpoint, style, name, settings.region.clone()).map_err(|why| why.to_string())?;
    Ok((bucket, prefix))
}

impl Target {
    /// # Errors
    /// [`Wrong::Settings`]: the address, or the file with the secret.
    pub async fn open(settings: &BucketSettings) -> Result<Target, Wrong> {
        let (bucket, prefix) = place(settings).map_err(Wrong::Settings)?;
        let credentials = Credentials::new(settings.key_id.clone(), settings.secret().await.map_err(Wrong::Settings)?);
        // A redirect leads to where the signature is not for.
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(CONNECT_WITHIN).timeout(ANSWER_WITHIN);
        let client = client.build().map_err(|why| Wrong::Settings(why.to_string()))?;
        Ok(Target { bucket, credentials, prefix, client })
    }

    /// Puts one object.
    pub async fn put(&self, path: &str, octets: &Bytes) -> Result<(), Wrong> {
        let object = format!("{}{path}", self.prefix);
        let mut action = self.bucket.put_object(Some(&self.credentials), &object);
        let headers = [("content-type", kind(path)), ("cache-control", CACHE)];
        for (name, value) in headers {
            action.headers_mut().insert(name, value);
        }
        let request = self.client.put(action.sign(SIGNED_FOR)).body(octets.clone());
        let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        fine(request.send().await.map_err(unreachable)?).await
    }

    /// Whether pages of ours are there already; puts nothing.
    /// # Errors
    /// The store does not answer, or does not let us.
    pub async fn look(&self) -> Result<bool, Wrong> {
        let object = format!("{}{SMALL}", self.prefix);
        let url = self.bucket.get_object(Some(&self.credentials), &object).sign(SIGNED_FOR);
        match fine(self.client.get(url).send().await.map_err(unreachable)?).await {
            Ok(()) => Ok(true),
            Err(Wrong::Refused { status: 404, code }) if code == "NoSuchKey" => Ok(false),
            Err(why) => Err(why),
        }
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

/// The address carries a signature: it is in no message.
fn unreachable(why: reqwest::Error) -> Wrong {
    let why = why.without_url();
    // The innermost says what happened: "Connection refused".
    let (mut says, mut cause) = (why.to_string(), std::error::Error::source(&why));
    for _ in 0..CAUSES_MAX {
        let Some(inner) = cause else { break };
        (says, cause) = (inner.to_string(), inner.source());
    }
    Wrong::Unreachable(says)
}

/// Whether it worked; else the code in the answer (`<Error><Code>…`).
async fn fine(mut answer: Response) -> Result<(), Wrong> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let mut octets = Vec::new();
    while octets.len() < ANSWER_OCTETS_MAX
        && let Ok(Some(more)) = answer.chunk().await
    {
        octets.extend_from_slice(&more);
    }
    octets.truncate(ANSWER_OCTETS_MAX);
    Err(Wrong::Refused { status: status.as_u16(), code: code(&String::from_utf8_lossy(&octets)) })
}

fn code(xml: &str) -> String {
    let found = xml.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(code, _)| code);
    found.chars().filter(char::is_ascii_alphanumeric).take(60).collect()
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
    let copied = async { Target::open(settings).await?.copy(files, there).await };
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
            ("https://s3.example.net/pages", false, Some(("https://s3.example.net/pages/", ""))),
            ("https://s3.example.net/pages/", true, Some(("https://pages.s3.example.net/", ""))),
            ("http://127.0.0.1:9000/pages/mail/status", false, Some(("http://127.0.0.1:9000/pages/", "mail/status/"))),
            ("https://s3.example.net/", false, None),
            ("https://s3.example.net", false, None),
            ("s3://pages", false, None),
            ("https://key:secret@s3.example.net/pages", false, None),
            ("https://s3.example.net/pages?x=1", false, None),
            ("https://s3.example.net/pa ges", false, None),
            ("pages", false, None),
        ] {
            let found = place(&BucketSettings { by_host, ..settings(url) }).ok();
            let found = found.as_ref().map(|(bucket, prefix)| (bucket.base_url().as_str(), prefix.as_str()));
            assert_eq!(found, want, "{url}");
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

    #[test]
    fn the_code_of_an_answer_is_found() {
        for (xml, want) in [
            ("<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>x</Message></Error>", "NoSuchBucket"),
            ("<html>502 Bad Gateway</html>", ""),
            ("<Code>unfinished", ""),
            ("<Code>a\r\nb: c</Code>", "abc"),
        ] {
            assert_eq!(code(xml), want);
        }
    }
}
