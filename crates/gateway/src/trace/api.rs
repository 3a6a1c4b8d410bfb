//! The JSON of trace: what is here is promised, fields are added but never changed.

use super::Event;
use mail::{MailId, OrgId};
use serde::Serialize;

/// One mail in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailBody {
    pub mail: MailId,
    pub org: OrgId,
    /// When it was received, Unix milliseconds.
    pub at_ms: i64,
    /// "inbound", "outbound" or "internal".
    pub direction: String,
    pub peer_ip: String,
    /// '' is the null reverse-path.
    pub sender: String,
    pub message_id: String,
    pub subject: String,
    pub octets: i64,
    pub verdict: String,
    /// At most [`RECIPIENTS_SHOWN_MAX`].
    pub recipients: Vec<RecipientBody>,
    /// How many there are.
    pub recipients_count: i64,
}

/// Recipients of one mail in a list; all are in `recipients_of`.
pub const RECIPIENTS_SHOWN_MAX: usize = 50;

/// One recipient of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecipientBody {
    pub n: i64,
    /// Where it goes.
    pub address: String,
    /// As the peer gave it.
    pub original: String,
    /// "queued", "delivered", "bounced", "held", "deleted" or "expired".
    pub state: String,
    pub tries: i64,
    /// Next attempt (queued) or end of keeping (held), Unix milliseconds.
    pub next_ms: Option<i64>,
    pub last_reply: String,
    pub settled_ms: Option<i64>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventBody {
    pub event: mail::id::EventId,
    /// `None` for a refusal before there was a mail.
    pub mail: Option<MailId>,
    pub at_ms: i64,
    pub kind: &'static str,
    pub recipient: String,
    pub detail: serde_json::Value,
}

impl From<&Event> for EventBody {
    fn from(event: &Event) -> EventBody {
        EventBody {
            event: event.id,
            mail: (event.mail.0 != 0).then_some(event.mail),
            at_ms: event.at_ms,
            kind: event.kind.name(),
            recipient: event.recipient.clone(),
            // Ours, so it is JSON; shown as text if it is not.
            detail: serde_json::from_str(&event.detail).unwrap_or_else(|_| serde_json::Value::String(event.detail.clone())),
        }
    }
}

/// A list and how far it can be relied on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListBody<T> {
    pub rows: Vec<T>,
    /// Whether `rows` is everything that was asked for.
    pub is_complete: bool,
    /// Why it is not, in sentences.
    pub incomplete_because: Vec<String>,
    /// The same for pages, which have languages.
    #[serde(skip)]
    pub because: Vec<Incomplete>,
    /// Ask again with `before` set to this for what comes next.
    pub next: Option<String>,
}

/// One reason why a list is not everything. Times are Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incomplete {
    /// There are more; go on from the last one.
    More { shown: usize },
    /// The search stopped here; go on from there.
    LookedBackTo { at_ms: i64 },
    /// Nothing is kept from before.
    KeptSince { at_ms: i64 },
    /// So many refusals were too many to keep.
    Lost { count: u64, at_ms: i64 },
}
