//! `[outbound]`: how much one sender may send out.

use serde::{Deserialize, Serialize};

/// `[outbound]`: how much one sender may send out, and what becomes of who sends more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundSettings {
    /// Recipients outside that one sender may write to in an hour; 0 is no limit. Default 500.
    pub outside_per_hour: u32,
    /// Recipients in domains served here that one sender may write to in an hour; 0 is no limit. Default 1000.
    pub inside_per_hour: u32,
    /// Recipients of both kinds within 24 hours; 0 is no limit. Default 1000.
    pub recipients_per_day: u32,
    /// Mails of a sender within 24 hours that are held as junk, phishing or malware, from which on it is restricted; 0: never. Default 5.
    pub junk_per_day: u32,
    /// Senders, as addresses or as whole domains ("@example.com"), to whom no limit applies: programs that write to many. Default none.
    pub unlimited: Vec<String>,
    /// What becomes of a sender over a limit: "today" restricts it until midnight (UTC), "until-released" until an administrator releases it,
    /// "alert" only tells administrators. Default "today".
    pub over_limit: OverLimit,
    /// Mail that servers or programs here forward to the outside by themselves: "on" sends it like other mail, "automatic" sends it unless it
    /// was judged to be junk, phishing or malware, "off" refuses it. Default "automatic".
    pub auto_forward: AutoForward,
}

/// The value of `[outbound] over_limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverLimit {
    Today,
    UntilReleased,
    Alert,
}

/// The value of `[outbound] auto_forward`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AutoForward {
    On,
    Automatic,
    Off,
}

impl Default for OutboundSettings {
    fn default() -> OutboundSettings {
        OutboundSettings {
            outside_per_hour: 500,
            inside_per_hour: 1_000,
            recipients_per_day: 1_000,
            junk_per_day: 5,
            unlimited: Vec::new(),
            over_limit: OverLimit::Today,
            auto_forward: AutoForward::Automatic,
        }
    }
}
