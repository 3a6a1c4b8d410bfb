//! Where large messages lie: a folder of this machine, or a bucket that all nodes share.

use super::Chosen;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use store::bodies::{BODY_OCTETS_MAX, Bodies};
use store::s3::Access;

/// Before bucket and folder in `[store] bodies`.
const S3: &str = "s3:";
const FILE: &str = "file:";
/// Fields that are added in front of a message before it is stored.
const ADDED_OCTETS_MAX: u64 = 1 << 20;

/// `[store.bucket]`: the S3-compatible store that `bodies = "s3:BUCKET/FOLDER"` of `[store]` speaks of. With neither key nor secret here, those of the environment
/// are used (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BodyBucketSettings {
    /// Address of the store, such as "https://s3.example.net"; empty: Amazon's in the region.
    pub endpoint: String,
    /// Requests go to the bucket's name before the host, as some stores want it, instead of into the path. Default false.
    pub by_host: bool,
    /// Region that requests are signed for. Default "us-east-1".
    pub region: String,
    /// Access key that may put, get, list and delete objects there.
    pub key_id: String,
    /// Its secret; rather name a file.
    pub secret: String,
    /// File whose first line is the secret; it is read again for each request.
    pub secret_file: String,
}

impl Default for BodyBucketSettings {
    fn default() -> BodyBucketSettings {
        BodyBucketSettings {
            endpoint: String::new(),
            by_host: false,
            region: "us-east-1".into(),
            key_id: String::new(),
            secret: String::new(),
            secret_file: String::new(),
        }
    }
}

/// Without the secret: settings are printed where something is looked into.
impl fmt::Debug for BodyBucketSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyBucketSettings").field("endpoint", &self.endpoint).field("region", &self.region).finish_non_exhaustive()
    }
}

impl BodyBucketSettings {
    fn access(&self, path: &str) -> Access {
        let amazon = || format!("https://s3.{}.amazonaws.com", self.region);
        Access {
            endpoint: if self.endpoint.is_empty() { amazon() } else { self.endpoint.clone() },
            path: path.into(),
            by_host: self.by_host,
            region: self.region.clone(),
            key_id: self.key_id.clone(),
            secret: self.secret.clone(),
            secret_file: self.secret_file.clone(),
        }
    }
}

/// Where large messages lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodiesPlace {
    Folder(PathBuf),
    Bucket(Access),
}

impl fmt::Display for BodiesPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodiesPlace::Folder(folder) => write!(f, "{}", folder.display()),
            BodiesPlace::Bucket(access) => write!(f, "{}/{}", access.endpoint.trim_end_matches('/'), access.path),
        }
    }
}

impl BodiesPlace {
    /// Opens it; nothing is asked of a bucket.
    /// # Errors
    /// The folder cannot be made.
    pub fn open(&self) -> Result<Bodies, store::Error> {
        match self {
            BodiesPlace::Folder(folder) => Bodies::open(folder),
            BodiesPlace::Bucket(access) => Bodies::in_bucket(access),
        }
    }
}

/// What is wrong with them, for the operator. `octets_max` is the size up to which messages are taken.
pub fn complaint(bodies: &str, bucket: &BodyBucketSettings, octets_max: u64) -> Option<String> {
    let Some(path) = bodies.strip_prefix(S3) else {
        let is_place = bodies.is_empty() || bodies.starts_with(FILE);
        if !is_place {
            return Some("[store] bodies: write \"file:PATH\" or \"s3:BUCKET/FOLDER\"".into());
        }
        let is_idle = *bucket != BodyBucketSettings::default();
        return is_idle.then(|| "[store.bucket]: it is used with bodies = \"s3:BUCKET/FOLDER\" of [store] only".into());
    };
    if bucket.region.is_empty() {
        return Some("[store.bucket] region: write the region of the bucket, such as \"eu-west-1\"".into());
    }
    if let Some((key, why)) = bucket.access(path).missing() {
        return Some(format!("[store.bucket] {key}: {why}"));
    }
    // The address first, on a bucket that is one: each part is blamed for itself.
    if let Err(why) = bucket.access("bucket").place() {
        return Some(format!("[store.bucket] endpoint: {why}"));
    }
    if bucket.access(path).place().is_err() {
        return Some("[store] bodies: write bucket and folder as \"s3:BUCKET/FOLDER\"; letters, digits, “-”, “_” and “.”".into());
    }
    let room = BODY_OCTETS_MAX as u64 - ADDED_OCTETS_MAX;
    (octets_max > room).then(|| format!("[limits] message_octets_max: at most {room} while messages lie in a bucket"))
}

impl Chosen {
    /// Where large messages lie.
    pub fn bodies(&self) -> BodiesPlace {
        let store = &self.settings.store;
        match (store.bodies.strip_prefix(S3), store.bodies.strip_prefix(FILE)) {
            (Some(path), _) => BodiesPlace::Bucket(store.bucket.access(path)),
            (None, Some(folder)) => BodiesPlace::Folder(PathBuf::from(folder)),
            (None, None) => BodiesPlace::Folder(self.data.join("bodies")),
        }
    }

    /// The folder of large messages; `None` when they lie in a bucket.
    pub fn bodies_folder(&self) -> Option<PathBuf> {
        match self.bodies() {
            BodiesPlace::Folder(folder) => Some(folder),
            BodiesPlace::Bucket(_) => None,
        }
    }
}
