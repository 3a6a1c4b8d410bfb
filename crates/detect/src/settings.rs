//! `[detect]`: what an operator can change about inspections. The settings reference is printed from these comments.

use crate::attachment::BLOCKED_TYPES;
use crate::inspect::Surroundings;
use crate::verdict::Thresholds;
use std::collections::HashSet;
use std::path::PathBuf;

/// `[detect]`: how mail is looked at and judged.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectSettings {
    /// Where probabilities become classes, for mail that no policy says more about.
    pub thresholds: Thresholds,
    /// People whose display name must not be borrowed. Default none.
    pub people: Vec<ProtectedPerson>,
    /// Attachment types that are held whatever they hold, by true type and by extension. Default: the 53 of the common
    /// attachments filter.
    pub blocked_types: Vec<String>,
    /// Checks that are left out, by their id (such as "link.shortener"). Default none.
    pub checks_off: Vec<String>,
    /// The signature engine.
    pub signatures: SignatureSettings,
    /// Lists of known malware.
    pub hashes: HashSettings,
    /// A clamd to ask beside the signatures. Default none.
    pub clamd: Option<ClamdSettings>,
    /// A scanner to ask over ICAP. Default none.
    pub icap: Option<IcapSettings>,
}

impl Default for DetectSettings {
    fn default() -> DetectSettings {
        DetectSettings {
            thresholds: Thresholds::default(),
            people: Vec::new(),
            blocked_types: BLOCKED_TYPES.iter().map(|extension| (*extension).to_string()).collect(),
            checks_off: Vec::new(),
            signatures: SignatureSettings::default(),
            hashes: HashSettings::default(),
            clamd: None,
            icap: None,
        }
    }
}

impl DetectSettings {
    /// What inspections know about the receiving side, with the domains served here (lower-case A-labels).
    pub fn surroundings(&self, own_domains: HashSet<String>) -> Surroundings {
        Surroundings {
            own_domains,
            people: self.people.iter().map(|person| (person.name.clone(), person.address.clone())).collect(),
            blocked_types: self.blocked_types.iter().map(|extension| extension.to_ascii_lowercase()).collect(),
            ..Surroundings::default()
        }
    }
}

/// `[[detect.people]]`: one person to protect.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectedPerson {
    /// Display name as the person writes it, such as "Li Wei".
    pub name: String,
    /// The address that goes with it.
    pub address: String,
}

/// `[detect.signatures]`: YARA rules, run in this process.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignatureSettings {
    /// Folder whose files ending in .yar or .yara are read at start, beside the built-in rules, and again when one of them
    /// changes; while one cannot be read, the rules stay as they were. Default none.
    pub folder: Option<PathBuf>,
    /// Longest time for one mail, in milliseconds; what is left then is reported as not looked at. Default 2000.
    pub time_limit_ms: u64,
    /// Octets looked at in one attachment, from its beginning. Default 33554432 (32 MiB).
    pub content_max_octets: usize,
}

impl Default for SignatureSettings {
    fn default() -> SignatureSettings {
        SignatureSettings { folder: None, time_limit_ms: 2_000, content_max_octets: 32 << 20 }
    }
}

/// `[detect.hashes]`: lists of SHA-256 digests of malware.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HashSettings {
    /// Files with one digest a line in hexadecimal, other columns aside; read again when they change. Default none.
    pub files: Vec<PathBuf>,
}

/// `[detect.icap]`: a scanner that speaks ICAP.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IcapSettings {
    /// Where its service for responses is, such as "icap://127.0.0.1:1344/avscan".
    pub address: String,
    /// Longest time for one mail, waiting for a free place included, in milliseconds. Default 10000.
    #[serde(default = "ten_seconds")]
    pub time_limit_ms: u64,
    /// Longer mails are not sent; at most what the scanner takes. Default 26214400 (25 MiB).
    #[serde(default = "stream_max")]
    pub content_max_octets: usize,
    /// Mails it is given at the same time. Default 8.
    #[serde(default = "eight")]
    pub scans_max: usize,
}

/// `[detect.clamd]`: a running clamd.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClamdSettings {
    /// Where it listens: "host:port", or the path of its socket starting with "/".
    pub address: String,
    /// Longest time for one mail, waiting for a free place included, in milliseconds. Default 10000.
    #[serde(default = "ten_seconds")]
    pub time_limit_ms: u64,
    /// Longer mails are not sent; at most clamd's own StreamMaxLength. Default 26214400 (25 MiB).
    #[serde(default = "stream_max")]
    pub content_max_octets: usize,
    /// Mails it is given at the same time. Default 8.
    #[serde(default = "eight")]
    pub scans_max: usize,
}

fn ten_seconds() -> u64 {
    10_000
}

fn stream_max() -> usize {
    25 << 20
}

fn eight() -> usize {
    8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_defaults_and_know_their_keys() {
        let empty: DetectSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(empty, DetectSettings::default());
        assert_eq!(empty.blocked_types.len(), 53);
        let clamd: DetectSettings = serde_json::from_str(r#"{"clamd":{"address":"/run/clamd.sock"}}"#).unwrap();
        assert_eq!(clamd.clamd.unwrap().scans_max, 8);
        let icap: DetectSettings = serde_json::from_str(r#"{"icap":{"address":"icap://av.example/avscan"}}"#).unwrap();
        assert_eq!(icap.icap.unwrap().time_limit_ms, 10_000);
        for wrong in [r#"{"clamav":{}}"#, r#"{"clamd":{}}"#, r#"{"people":[{"name":"Li Wei"}]}"#, r#"{"signatures":{"dir":"x"}}"#] {
            assert!(serde_json::from_str::<DetectSettings>(wrong).is_err(), "{wrong}");
        }
    }
}
