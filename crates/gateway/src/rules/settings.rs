//! `[[rule]]`: a mail flow rule as it is written and stored.

use super::{ActionKind, ConditionKind};
use serde::{Deserialize, Serialize};

/// `[[rule]]`: a mail flow rule. All conditions must hold, of one condition any value; no exception may hold; actions are done in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleSettings {
    /// Name, unique in the organisation.
    pub name: String,
    /// Organisation it belongs to.
    pub organisation: String,
    /// 0 is looked at first; rules of the settings file come before those made on pages.
    pub priority: i64,
    /// Whether it is looked at at all. Default true.
    pub enabled: bool,
    /// "enforce", "audit" (only says what it would do) or "audit-and-notify" (says it, and sends its notices). Default "enforce".
    pub mode: Mode,
    /// What must hold, each as { kind = "subject-words", values = ["invoice"] }; none: every mail.
    pub conditions: Vec<Condition>,
    /// What must not hold, in the same form.
    pub exceptions: Vec<Condition>,
    /// What is done, each as { kind = "prepend-subject", text = "[outside] " }.
    pub actions: Vec<Action>,
    /// Later rules are not looked at when this one applied. Default false.
    pub stop: bool,
    /// Begins then, as 2026-12-31 or 2026-12-31T09:00 (UTC); empty: at once.
    pub starts: String,
    /// Ends then, a day with its end; empty: never.
    pub ends: String,
    /// Where the sender is read: "header", "envelope" or "either". Default "header".
    pub sender_location: SenderLocation,
    /// When it cannot be said whether it applies: "ignore" the rule or "defer" the mail. Default "ignore".
    pub on_error: OnError,
    /// Why, for those who come after.
    pub comment: String,
}

impl Default for RuleSettings {
    fn default() -> RuleSettings {
        RuleSettings {
            name: String::new(),
            organisation: String::new(),
            priority: 0,
            enabled: true,
            mode: Mode::Enforce,
            conditions: Vec::new(),
            exceptions: Vec::new(),
            actions: Vec::new(),
            stop: false,
            starts: String::new(),
            ends: String::new(),
            sender_location: SenderLocation::Header,
            on_error: OnError::Ignore,
            comment: String::new(),
        }
    }
}

/// One condition or exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub kind: ConditionKind,
    /// Name of the header field, for kinds that ask of one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub header: String,
    /// Any of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// One action. Which fields count depends on the kind: [`ActionKind::fields`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub kind: ActionKind,
    /// Addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Enhanced status code of a refusal: 5.7.1 or 5.7.900 to 5.7.999.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Name of a header field.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub header: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// The disclaimer as HTML; empty: made from the text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub html: String,
    /// The disclaimer for mail written in Chinese; empty: the same as for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text_zh: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub html_zh: String,
    #[serde(default, skip_serializing_if = "Place::is_usual")]
    pub place: Place,
    #[serde(default, skip_serializing_if = "Fallback::is_usual")]
    pub fallback: Fallback,
    /// Spam confidence level, -1 (not filtered) to 9.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scl: i8,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub connector: String,
}

impl Condition {
    pub fn new(kind: ConditionKind) -> Condition {
        Condition { kind, header: String::new(), values: Vec::new() }
    }
}

impl Action {
    pub fn new(kind: ActionKind) -> Action {
        Action {
            kind,
            to: Vec::new(),
            text: String::new(),
            status: String::new(),
            header: String::new(),
            value: String::new(),
            html: String::new(),
            text_zh: String::new(),
            html_zh: String::new(),
            place: Place::Append,
            fallback: Fallback::Wrap,
            scl: 0,
            connector: String::new(),
        }
    }
}

fn is_zero(number: &i8) -> bool {
    *number == 0
}

macro_rules! words {
    ($(#[$doc:meta])* $kind:ident { $($(#[$about:meta])* $variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $kind { $($(#[$about])* #[serde(rename = $name)] $variant),* }

        impl $kind {
            pub const ALL: &[$kind] = &[$($kind::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $($kind::$variant => $name),* }
            }

            pub fn named(name: &str) -> Option<$kind> {
                match name { $($name => Some($kind::$variant),)* _ => None }
            }
        }
    };
}

words!(
    /// How much of a rule is done.
    Mode {
        Enforce = "enforce",
        /// Nothing is done; the receipt says what would have been.
        Audit = "audit",
        /// As audit, but notices go out.
        AuditAndNotify = "audit-and-notify",
    }
);
words!(
    /// Where the sender is read.
    SenderLocation {
        Header = "header",
        Envelope = "envelope",
        Either = "either",
    }
);
words!(
    /// What a rule that cannot be evaluated does.
    OnError {
        Ignore = "ignore",
        /// The peer is asked to come again (451).
        Defer = "defer",
    }
);
words!(
    /// Where a disclaimer stands.
    Place {
        Append = "append",
        Prepend = "prepend",
    }
);
words!(
    /// What is done with a message into which no disclaimer can be written.
    Fallback {
        /// The original goes on as an attachment of a new message.
        Wrap = "wrap",
        Ignore = "ignore",
        Reject = "reject",
    }
);

impl Place {
    fn is_usual(&self) -> bool {
        *self == Place::Append
    }
}

impl Fallback {
    fn is_usual(&self) -> bool {
        *self == Fallback::Wrap
    }
}

impl Default for Place {
    fn default() -> Place {
        Place::Append
    }
}

impl Default for Fallback {
    fn default() -> Fallback {
        Fallback::Wrap
    }
}
