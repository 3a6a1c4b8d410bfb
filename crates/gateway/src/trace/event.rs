//! One step in the life of a mail.

use crate::session::Stage;
use mail::id::EventId;
use mail::{MailId, OrgId};
use serde::{Deserialize, Serialize};

/// Identifiers begin with 42 bits of Unix milliseconds (`mail::id`).
const ID_TIME_SHIFT: u32 = 21;

/// What happened. `mail` is 0 when there was no mail yet, `recipient` '' when it concerns the whole mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    pub mail: MailId,
    pub org: OrgId,
    /// Unix milliseconds.
    pub at_ms: i64,
    pub kind: EventKind,
    pub recipient: String,
    /// JSON; [`super::api`] has the shapes.
    pub detail: String,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// The steps trace knows. The names are stored and printed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $variant),* }

        impl EventKind {
            pub const ALL: &[EventKind] = &[$(EventKind::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $(EventKind::$variant => $name),* }
            }

            pub fn parse(name: &str) -> Option<EventKind> {
                match name { $($name => Some(EventKind::$variant),)* _ => None }
            }
        }
    };
}

kinds!(
    ConnectionRefused = "connection-refused",
    /// Syntax, smuggling, TLS, limits: the session refused by itself.
    ProtocolRefused = "protocol-refused",
    SignInRefused = "sign-in-refused",
    SenderRefused = "sender-refused",
    RecipientRefused = "recipient-refused",
    ContentRefused = "content-refused",
    /// More refusals came than could be written; detail says how many.
    NotRecorded = "not-recorded",
    Received = "received",
    Judged = "judged",
    Queued = "queued",
    Held = "held",
    Released = "released",
    /// A person put it back into the queue.
    Requeued = "requeued",
    /// A person said what it is.
    Reported = "reported",
    Deferred = "deferred",
    DelayNotice = "delay-notice",
    DsnSent = "dsn-sent",
    Delivered = "delivered",
    /// Judged for a server that has it and delivers it: milter and the like.
    HandedBack = "handed-back",
    Bounced = "bounced",
    /// By policy, rule or a person, from the quarantine.
    Deleted = "deleted",
    /// Taken out of the queue by a person.
    Cancelled = "cancelled",
    /// Held until its time was over.
    Expired = "expired",
    /// Moved out of the way in a mailbox, after delivery.
    Removed = "removed",
    /// Moved back to where it lay.
    PutBack = "put-back",
    /// It was not where it could be removed from, or the mailbox could not be opened.
    NotRemoved = "not-removed",
    /// Written by a newer version; [`super::api::EventBody`] keeps the name.
    Other = "other",
);

impl EventKind {
    /// The state of a recipient that this event ends in; `None` when it goes on.
    pub fn final_state(self) -> Option<&'static str> {
        match self {
            EventKind::Delivered | EventKind::HandedBack => Some("delivered"),
            EventKind::Bounced => Some("bounced"),
            EventKind::Deleted | EventKind::Cancelled => Some("deleted"),
            EventKind::Expired => Some("expired"),
            _ => None,
        }
    }

    pub fn of_refusal(stage: Stage) -> EventKind {
        match stage {
            Stage::Connect => EventKind::ConnectionRefused,
            Stage::Helo | Stage::StartTls | Stage::Protocol => EventKind::ProtocolRefused,
            Stage::Auth => EventKind::SignInRefused,
            Stage::Sender => EventKind::SenderRefused,
            Stage::Recipient => EventKind::RecipientRefused,
            Stage::Content => EventKind::ContentRefused,
        }
    }
}

/// What a refusal keeps: enough to answer "why was my mail refused?". The `detail` of refusal events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refusal {
    pub ip: String,
    pub helo: String,
    /// '' when none was given, or the null reverse-path.
    pub sender: String,
    /// The first one is also the event's own.
    pub recipients: Vec<String>,
    /// The reply as sent: `550 5.4.1 …`.
    pub reply: String,
    /// Which check decided, as in the receipt; '' when the session did.
    pub check: String,
    pub subject: String,
    pub message_id: String,
}

/// What our reply names a refusal by: `e…` before there is a mail, `m…` after its content was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    Event(EventId),
    Mail(MailId),
}

impl std::fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RefusalCode::Event(id) => id.fmt(f),
            RefusalCode::Mail(id) => id.fmt(f),
        }
    }
}

impl std::str::FromStr for RefusalCode {
    type Err = mail::id::IdError;

    fn from_str(text: &str) -> Result<RefusalCode, mail::id::IdError> {
        text.parse().map(RefusalCode::Event).or_else(|_| text.parse().map(RefusalCode::Mail))
    }
}

/// Recipients kept of a refused mail.
const REFUSAL_RECIPIENTS_MAX: usize = 20;
/// Characters kept of each text of a refusal.
const REFUSAL_CHARS_MAX: usize = 320;

impl Refusal {
    /// The event of a refusal. `mail` is 0 when none had been received.
    pub fn event(mut self, id: EventId, mail: MailId, org: OrgId, at_ms: i64, stage: Stage) -> Event {
        self.recipients.truncate(REFUSAL_RECIPIENTS_MAX);
        let texts =
            [&mut self.ip, &mut self.helo, &mut self.sender, &mut self.reply, &mut self.check, &mut self.subject, &mut self.message_id];
        for text in texts.into_iter().chain(&mut self.recipients) {
            if let Some((at, _)) = text.char_indices().nth(REFUSAL_CHARS_MAX) {
                text.truncate(at);
            }
        }
        let recipient = self.recipients.first().cloned().unwrap_or_default();
        let detail = serde_json::to_string(&self).unwrap_or_else(|_| "{}".into());
        Event { id, mail, org, at_ms, kind: EventKind::of_refusal(stage), recipient, detail }
    }
}

/// The smallest identifier made at or after this moment.
pub fn first_id_at(at_ms: i64) -> MailId {
    MailId(at_ms.clamp(0, i64::MAX >> ID_TIME_SHIFT) << ID_TIME_SHIFT)
}

/// When this mail was received, Unix milliseconds.
pub fn time_of(mail: MailId) -> i64 {
    mail.0.max(0) >> ID_TIME_SHIFT
}
