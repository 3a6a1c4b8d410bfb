//! What a rule can ask of a mail and do with it, and which values each of these takes. Forms, checks and sentences follow from here.

use serde::{Deserialize, Serialize};

/// The values a condition takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// Words or phrases; any of them, in any case.
    Words,
    /// Regular expressions of the `regex` crate: linear in time whatever they are.
    Patterns,
    Addresses,
    Domains,
    /// Names of groups of recipients.
    Groups,
    /// Addresses or networks.
    Networks,
    /// One size: octets, or "500 KB", "10 MB".
    Size,
    /// One number between these.
    Level(i64, i64),
    /// Any of these words.
    Choice(&'static [&'static str]),
}

macro_rules! kinds {
    ($(#[$doc:meta])* $kind:ident { $($(#[$about:meta])* $variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $kind { $($(#[$about])* #[serde(rename = $name)] $variant),* }

        impl $kind {
            pub const ALL: &[$kind] = &[$($kind::$variant),*];

            /// The stable name, as settings and receipts write it.
            pub fn name(self) -> &'static str {
                match self { $($kind::$variant => $name),* }
            }

            pub fn named(name: &str) -> Option<$kind> {
                match name { $($name => Some($kind::$variant),)* _ => None }
            }
        }
    };
}

kinds!(
    /// What a rule asks of a mail (`service.md` §1.3). The names are stored and have words in every language.
    ConditionKind {
        Sender = "sender",
        SenderDomain = "sender-domain",
        SenderScope = "sender-scope",
        SenderGroup = "sender-group",
        SenderWords = "sender-words",
        SenderPatterns = "sender-patterns",
        SenderIp = "sender-ip",
        Recipient = "recipient",
        RecipientDomain = "recipient-domain",
        RecipientScope = "recipient-scope",
        RecipientGroup = "recipient-group",
        RecipientWords = "recipient-words",
        RecipientPatterns = "recipient-patterns",
        AnyRecipientWords = "any-recipient-words",
        AnyRecipientPatterns = "any-recipient-patterns",
        ToHeader = "to-header",
        CcHeader = "cc-header",
        ToCcHeader = "to-cc-header",
        SubjectWords = "subject-words",
        SubjectPatterns = "subject-patterns",
        TextWords = "text-words",
        TextPatterns = "text-patterns",
        HeaderWords = "header-words",
        HeaderPatterns = "header-patterns",
        HasAttachment = "has-attachment",
        AttachmentNamePatterns = "attachment-name-patterns",
        AttachmentExtension = "attachment-extension",
        AttachmentType = "attachment-type",
        AttachmentSize = "attachment-size",
        AttachmentWords = "attachment-words",
        AttachmentPatterns = "attachment-patterns",
        AttachmentEncrypted = "attachment-encrypted",
        AttachmentExecutable = "attachment-executable",
        AttachmentUnreadable = "attachment-unreadable",
        MessageSize = "message-size",
        Charset = "charset",
        Importance = "importance",
        MessageType = "message-type",
        Scl = "scl",
        Bcl = "bcl",
        Verdict = "verdict",
        Authentication = "authentication",
    }
);

kinds!(
    /// What a rule does. The names are stored and have words in every language.
    ActionKind {
        Reject = "reject",
        Redirect = "redirect",
        AddTo = "add-to",
        AddCc = "add-cc",
        Bcc = "bcc",
        Quarantine = "quarantine",
        Delete = "delete",
        SetHeader = "set-header",
        RemoveHeader = "remove-header",
        Disclaimer = "disclaimer",
        PrependSubject = "prepend-subject",
        SetScl = "set-scl",
        Connector = "connector",
        RequireTls = "require-tls",
        NotifySender = "notify-sender",
        Notify = "notify",
        Moderate = "moderate",
    }
);

/// Whether somebody is of the organisation.
pub const SCOPES: &[&str] = &["inside", "outside"];
pub const IMPORTANCES: &[&str] = &["low", "normal", "high"];
pub const MESSAGE_TYPES: &[&str] = &["auto-reply", "calendar", "encrypted", "signed", "delivery-report", "read-receipt", "mailing-list"];
/// Families of `mail::message::FileFamily`; other words are extensions of the true type.
pub const VERDICTS: &[&str] =
    &["clean", "bulk", "spam", "impersonation", "spoof", "high-spam", "phish", "high-phish", "uninspectable", "blocked-type"];
pub const AUTHENTICATIONS: &[&str] = &[
    "spf-pass",
    "spf-fail",
    "spf-softfail",
    "spf-none",
    "dkim-pass",
    "dkim-fail",
    "dkim-none",
    "dmarc-pass",
    "dmarc-fail",
    "dmarc-none",
    "composite-pass",
    "composite-fail",
];

impl ConditionKind {
    pub fn takes(self) -> Takes {
        use ConditionKind::*;
        match self {
            Sender | Recipient | ToHeader | CcHeader | ToCcHeader => Takes::Addresses,
            SenderDomain | RecipientDomain => Takes::Domains,
            SenderGroup | RecipientGroup => Takes::Groups,
            SenderScope | RecipientScope => Takes::Choice(SCOPES),
            SenderIp => Takes::Networks,
            SenderWords | RecipientWords | AnyRecipientWords | SubjectWords | TextWords | HeaderWords | AttachmentExtension
            | AttachmentType | AttachmentWords | Charset => Takes::Words,
            SenderPatterns
            | RecipientPatterns
            | AnyRecipientPatterns
            | SubjectPatterns
            | TextPatterns
            | HeaderPatterns
            | AttachmentNamePatterns
            | AttachmentPatterns => Takes::Patterns,
            HasAttachment | AttachmentEncrypted | AttachmentExecutable | AttachmentUnreadable => Takes::Nothing,
            AttachmentSize | MessageSize => Takes::Size,
            Importance => Takes::Choice(IMPORTANCES),
            MessageType => Takes::Choice(MESSAGE_TYPES),
            Scl => Takes::Level(0, 9),
            Bcl => Takes::Level(1, 9),
            Verdict => Takes::Choice(VERDICTS),
            Authentication => Takes::Choice(AUTHENTICATIONS),
        }
    }

    /// It asks of one header field, named in `header`.
    pub fn has_header(self) -> bool {
        matches!(self, ConditionKind::HeaderWords | ConditionKind::HeaderPatterns)
    }

    /// It is answered for each recipient by itself, so that a rule may hold for some of them.
    pub fn is_of_recipient(self) -> bool {
        use ConditionKind::*;
        matches!(self, Recipient | RecipientDomain | RecipientScope | RecipientGroup | RecipientWords | RecipientPatterns)
    }

    /// It needs the content, not only what a receipt keeps.
    pub fn needs_content(self) -> bool {
        use ConditionKind::*;
        matches!(
            self,
            ToHeader
                | CcHeader
                | ToCcHeader
                | TextWords
                | TextPatterns
                | HeaderWords
                | HeaderPatterns
                | HasAttachment
                | AttachmentNamePatterns
                | AttachmentExtension
                | AttachmentType
                | AttachmentSize
                | AttachmentWords
                | AttachmentPatterns
                | AttachmentEncrypted
                | AttachmentExecutable
                | AttachmentUnreadable
                | Charset
                | Importance
                | MessageType
        )
    }
}

/// The fields of an [`super::Action`] that a kind uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionField {
    To,
    Text,
    Status,
    Header,
    Value,
    Html,
    TextZh,
    HtmlZh,
    Place,
    Fallback,
    Scl,
    Connector,
}

impl ActionField {
    /// Its name in settings, JSON and forms.
    pub fn name(self) -> &'static str {
        match self {
            ActionField::To => "to",
            ActionField::Text => "text",
            ActionField::Status => "status",
            ActionField::Header => "header",
            ActionField::Value => "value",
            ActionField::Html => "html",
            ActionField::TextZh => "text_zh",
            ActionField::HtmlZh => "html_zh",
            ActionField::Place => "place",
            ActionField::Fallback => "fallback",
            ActionField::Scl => "scl",
            ActionField::Connector => "connector",
        }
    }
}

impl ActionKind {
    pub fn fields(self) -> &'static [ActionField] {
        use ActionField::*;
        match self {
            ActionKind::Reject => &[Text, Status],
            ActionKind::Redirect | ActionKind::AddTo | ActionKind::AddCc | ActionKind::Bcc | ActionKind::Moderate => &[To],
            ActionKind::Quarantine | ActionKind::Delete | ActionKind::RequireTls => &[],
            ActionKind::SetHeader => &[Header, Value],
            ActionKind::RemoveHeader => &[Header],
            ActionKind::Disclaimer => &[Text, TextZh, Html, HtmlZh, Place, Fallback],
            ActionKind::PrependSubject => &[Text],
            ActionKind::SetScl => &[Scl],
            ActionKind::Connector => &[Connector],
            ActionKind::NotifySender => &[Text],
            ActionKind::Notify => &[To, Text],
        }
    }

    /// It ends what happens to a recipient: later rules are not looked at.
    pub fn is_final(self) -> bool {
        matches!(self, ActionKind::Reject | ActionKind::Quarantine | ActionKind::Delete | ActionKind::Moderate)
    }
}
