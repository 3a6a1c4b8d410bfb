//! The JSON of the quarantine: what is here is promised, fields are added but never changed.

use mail::{MailId, OrgId};
use serde::Serialize;

/// One held mail for one recipient, in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldBody {
    pub mail: MailId,
    /// Which recipient of the mail.
    pub n: i64,
    pub org: OrgId,
    /// When it was received, Unix milliseconds.
    pub at_ms: i64,
    /// Until when it is kept.
    pub until_ms: i64,
    pub sender: String,
    pub recipient: String,
    /// As the peer gave it.
    pub original: String,
    pub subject: String,
    pub message_id: String,
    pub peer_ip: String,
    pub verdict: String,
    pub octets: i64,
}

/// One held mail to look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownBody {
    /// Its held recipients.
    pub held: Vec<HeldBody>,
    /// Header fields in order, decoded as far as they are ASCII; long ones are cut.
    pub header: Vec<FieldBody>,
    /// Text parts as a reader sees them.
    pub texts: Vec<TextBody>,
    pub attachments: Vec<AttachmentBody>,
    /// Where its links lead, as written.
    pub links: Vec<LinkBody>,
    /// Whether something above was cut because it is large.
    pub is_cut: bool,
    /// As stored with the mail.
    pub receipt: serde_json::Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldBody {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextBody {
    pub is_html: bool,
    pub visible: String,
    /// Text that HTML hides from its reader.
    pub hidden: String,
    /// Decoded HTML source, cut; "" for plain text. Hostile: to be cleaned before anybody sees it.
    #[serde(skip)]
    pub html: String,
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkBody {
    /// What its reader sees.
    pub text: String,
    pub target: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttachmentBody {
    pub name: String,
    pub declared_type: String,
    /// Usual extension of what it really is.
    pub true_type: String,
    pub octets: u64,
    /// In hex.
    pub sha256: String,
    pub is_encrypted: bool,
}
