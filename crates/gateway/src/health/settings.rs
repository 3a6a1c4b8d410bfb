//! `[health]`: when something counts as wrong, and how often it is looked at.

use crate::settings::{Networks, Span};
use serde::{Deserialize, Serialize};
use std::fmt;

/// `[health]`: how health is measured, and from when on something counts as wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthSettings {
    /// How often signals are taken and judged. Default "5s".
    pub every: Span,
    /// How long something must be wrong before it is shown. Default "10s".
    pub enter_after: Span,
    /// How long it must be right before it is shown as restored. Default "30s".
    pub leave_after: Span,
    /// How often each next hop is greeted, to know before mail does; one that does not answer is asked more often. "0s": never. Default "15s".
    pub probe_every: Span,
    /// How often a mail of our own is sent through our own port and followed until it is delivered. "0s": never. Default "20s".
    pub mail_probe_every: Span,
    /// Connectors that such mail may leave through, and to whom.
    pub probe: Vec<ProbeThrough>,
    /// From when on a reply to a message counts as slow, for the slowest twentieth. Default "15s".
    pub reply_slow: Span,
    /// From when on a small transaction counts as slow. Default "2s".
    pub database_slow: Span,
    /// From when on putting a large message into its folder or bucket counts as slow, for the slowest twentieth. Default "5s".
    pub bodies_slow: Span,
    /// Age at which queued mail that was tried already counts as late. Default "15m".
    pub queue_age: Span,
    /// Queued recipients from which on the queue counts as too long. Default 50000.
    pub queue_depth: u32,
    /// Free space of the data folder, in percent, under which it counts as low. Default 5.
    pub disk_free_percent: u32,
    /// How long before its end a certificate is spoken of. Default "14d".
    pub certificate_before: Span,
    /// Age from which on virus signatures count as old. Default "7d".
    pub signatures_old: Span,
    /// Folder that the status pages are written to, for another server to serve; empty: "status" in the data folder.
    pub status_folder: String,
    /// A bucket that they are copied to as well.
    pub bucket: BucketSettings,
    /// Address under which the status pages are reached from outside, such as "https://status.example.com".
    pub status_url: String,
    /// Webhooks may go to addresses inside private networks. Default false.
    pub hooks_private: bool,
    /// Connector that letters about health take, so that they arrive when the usual way is what is broken; empty: the usual way.
    pub letters_through: String,
    /// Networks that may read /metrics. Default: this machine.
    pub metrics_from: Networks,
}

/// `[[health.probe]]`: a connector that probes may leave through. Its next hop gets a small mail each time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeThrough {
    /// Name of the connector.
    pub connector: String,
    /// A mailbox behind it that is there for this, such as "gatepost-probe@example.com".
    pub to: String,
}

/// `[health.bucket]`: a bucket of an S3-compatible store that the status pages are copied to, so that they stand elsewhere when
/// everything here is gone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketSettings {
    /// Where they go, such as "https://s3.example.net/bucket/folder"; the folder may be left out. Empty: they are not copied.
    pub url: String,
    /// Requests go to the bucket's name before the host, as some stores want it, instead of into the path. Default false.
    pub by_host: bool,
    /// Region that requests are signed for. Default "us-east-1".
    pub region: String,
    /// Access key that may put objects there.
    pub key_id: String,
    /// Its secret; rather name a file.
    pub secret: String,
    /// File whose first line is the secret; it is read again for each object.
    pub secret_file: String,
    /// How often they are copied while nothing changes; a change is copied at once. Default "1m".
    pub every: Span,
}

impl Default for BucketSettings {
    fn default() -> BucketSettings {
        BucketSettings {
            url: String::new(),
            by_host: false,
            region: "us-east-1".into(),
            key_id: String::new(),
            secret: String::new(),
            secret_file: String::new(),
            every: Span::minutes(1),
        }
    }
}

/// Without the secret: settings are printed where something is looked into.
impl fmt::Debug for BucketSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketSettings").field("url", &self.url).field("region", &self.region).finish_non_exhaustive()
    }
}

impl BucketSettings {
    pub fn is_on(&self) -> bool {
        !self.url.is_empty()
    }
}

impl Default for HealthSettings {
    fn default() -> HealthSettings {
        HealthSettings {
            every: Span::seconds(5),
            enter_after: Span::seconds(10),
            leave_after: Span::seconds(30),
            probe_every: Span::seconds(15),
            mail_probe_every: Span::seconds(20),
            probe: Vec::new(),
            reply_slow: Span::seconds(15),
            database_slow: Span::seconds(2),
            bodies_slow: Span::seconds(5),
            queue_age: Span::minutes(15),
            queue_depth: 50_000,
            disk_free_percent: 5,
            certificate_before: Span::days(14),
            signatures_old: Span::days(7),
            status_folder: String::new(),
            bucket: BucketSettings::default(),
            status_url: String::new(),
            hooks_private: false,
            letters_through: String::new(),
            metrics_from: Networks::default(),
        }
    }
}
